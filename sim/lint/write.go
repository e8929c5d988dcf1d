package lint

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/stats"
)

// span writes a time as people do: "26 s", "1.5 ms", "12 min".
func span(d time.Duration) string { return seconds(d.Seconds()) }

// seconds writes a number of seconds in the unit that suits it.
func seconds(x float64) string {
	size := math.Abs(x)
	switch {
	case math.IsInf(x, 0):
		return "for ever"
	case size >= 3*86400:
		return digits(x/86400) + " d"
	case size >= 3*3600:
		return digits(x/3600) + " h"
	case size >= 600:
		return digits(x/60) + " min"
	case size < .1 && x != 0:
		return digits(x*1000) + " ms"
	}
	return digits(x) + " s"
}

// between writes the bounds of a delay: "21–31 s", "9.9 min–86 d".
func between(d *calc.Delay) string {
	low, high := seconds(float64(d.Min)), seconds(float64(d.Max))
	number, unit, _ := strings.Cut(low, " ")
	if strings.HasSuffix(high, " "+unit) {
		return number + "–" + high
	}
	return low + "–" + high
}

// digits writes three significant digits, or a whole number as it is.
func digits(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e6 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	if size := math.Abs(x); size >= 1000 && size < 1e6 {
		unit := math.Pow(10, math.Floor(math.Log10(size))-2)
		return strconv.FormatFloat(math.Round(x/unit)*unit, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// withInterval writes an estimate with its interval: "228 (74.1–533)".
func withInterval(e *stats.Estimate) string {
	text := digits(e.Estimate)
	if low, high := digits(e.Low), digits(e.High); low != high {
		text += " (" + low + "–" + high + ")"
	}
	return text
}

// percent writes a share of 1. A share that is not quite the whole is not
// written as such.
func percent(x float64) string {
	if x < 1 && x > .995 {
		return "over 99 %"
	}
	return digits(100*x) + " %"
}

func inSeconds(d time.Duration) calc.Number { return calc.Number(d.Seconds()) }
