package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/probesim/probesim/sim/stats"
)

// none stands in tables for a measure that does not apply.
const none = "–"

// number writes a number to three significant digits, with commas between
// thousands and no exponent unless the number is very small.
func number(x float64) string {
	size := math.Abs(x)
	switch {
	case math.IsNaN(x):
		return none
	case math.IsInf(x, 0):
		return "∞"
	case size == 0:
		return "0"
	case size >= 1e12 || size < 1e-4:
		return strconv.FormatFloat(x, 'g', 3, 64)
	case size >= 999.5:
		digits := math.Pow(10, math.Floor(math.Log10(size))-2)
		return commas(strconv.FormatFloat(math.Round(x/digits)*digits, 'f', 0, 64))
	case size >= 1:
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	return strconv.FormatFloat(x, 'f', 2-int(math.Floor(math.Log10(size))), 64)
}

func commas(digits string) string {
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// seconds writes a span in the unit people would use for it.
func seconds(x float64) string {
	for _, unit := range []struct {
		name string
		size float64
		from float64
	}{{"y", 365.25 * 86400, 2 * 365.25 * 86400}, {"d", 86400, 3 * 86400}, {"h", 3600, 3 * 3600}, {"min", 60, 600}} {
		if math.Abs(x) >= unit.from && !math.IsInf(x, 0) {
			return number(x/unit.size) + " " + unit.name
		}
	}
	if x != 0 && math.Abs(x) < 0.1 {
		return number(x*1000) + " ms"
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return number(x)
	}
	return number(x) + " s"
}

// share writes a share of 1 in percent. Shares close to the whole keep the
// digits that say how close.
func share(x float64) string {
	if missing := 1 - x; missing > 1e-9 && missing < 0.05 {
		return strconv.FormatFloat(100*x, 'f', max(0, -int(math.Floor(math.Log10(missing)))-1), 64) + " %"
	}
	return number(100*x) + " %"
}

// estimated writes an estimate with its interval: "26 s (25.1–27 s)"; an upper
// bound if nothing was seen; the bare value if it is exact.
func estimated(e *stats.Estimate, write func(float64) string) string {
	switch {
	case e == nil:
		return none
	case e.Low == e.High:
		return write(e.Estimate)
	case math.IsInf(e.Estimate, 1):
		return "at least " + write(e.Low)
	case e.Estimate == 0 && e.Low == 0 && !math.IsInf(e.High, 1):
		return "none seen (at most " + write(e.High) + ")"
	}
	low, high := write(e.Low), write(e.High)
	if unit := suffix(high); unit != "" && unit == suffix(low) {
		low = strings.TrimSuffix(low, unit)
	}
	return fmt.Sprintf("%s (%s–%s)", write(e.Estimate), low, high)
}

// ofTime writes a share of time. That nothing was seen says more than the
// bound, which rests on the number of replications alone.
func ofTime(e *stats.Estimate) string {
	if e != nil && e.Estimate == 0 && e.Low == 0 && e.High > 0 {
		return "none seen"
	}
	return estimated(e, share)
}

// suffix returns the unit at the end of a written number, with its space.
func suffix(written string) string {
	if at := strings.LastIndex(written, " "); at >= 0 {
		return written[at:]
	}
	return ""
}

// distributed writes a distribution as its mean and 99th percentile.
func distributed(d *stats.Distribution, write func(float64) string) string {
	if d == nil {
		return none
	}
	return fmt.Sprintf("mean %s, 99 %% %s", write(d.Mean.Estimate), write(d.P99.Estimate))
}

// exactNumber writes a number for a machine: as short as it can be told apart,
// empty if it is not finite.
func exactNumber(x float64) string {
	size := math.Abs(x)
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return ""
	case size == 0 || size >= 1e-6 && size < 1e15:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'e', -1, 64)
}

// clock writes an instant of virtual time as seconds with milliseconds.
func clock(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
