package plots

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// timeUnit is a unit in which an axis counts time.
type timeUnit struct {
	symbol string
	length time.Duration
	steps  []int64 // distances between ticks that people count in; further ones are these times powers of ten
}

var timeUnits = []timeUnit{
	{"µs", time.Microsecond, []int64{1, 2, 5}},
	{"ms", time.Millisecond, []int64{1, 2, 5}},
	{"s", time.Second, []int64{1, 2, 5}},
	{"min", time.Minute, []int64{1, 2, 5, 10, 15, 30, 60}},
	{"h", time.Hour, []int64{1, 2, 3, 6, 12, 24}},
	{"d", 24 * time.Hour, []int64{1, 2, 5}},
}

// unitFor returns the unit in which a span reads well: at most a few hundred
// of it.
func unitFor(span time.Duration) timeUnit {
	unit := timeUnits[0]
	for i, next := range timeUnits[1:] {
		if span < [...]time.Duration{2 * time.Millisecond, 2 * time.Second, time.Hour, 10 * time.Hour, 10 * 24 * time.Hour}[i] {
			break
		}
		unit = next
	}
	return unit
}

// tickStep returns a round distance between ticks that puts at most `most` of
// them into span.
func (u timeUnit) tickStep(span time.Duration, most int) time.Duration {
	for scale := int64(1); ; scale *= 10 {
		for _, step := range u.steps {
			distance := time.Duration(step*scale) * u.length
			if span/distance < time.Duration(most) || scale > 1e6 {
				return distance
			}
		}
	}
}

// in writes a duration in the unit, without the unit.
func (u timeUnit) in(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(u.length), 'f', -1, 64)
}

// spell writes a duration for people, to three significant digits.
func spell(d time.Duration) string {
	if d < 0 {
		return "-" + spell(-d)
	}
	switch {
	case d == 0:
		return "0 s"
	case d < time.Microsecond:
		return strconv.FormatInt(int64(d), 10) + " ns"
	case d < time.Millisecond:
		return digits(float64(d)/float64(time.Microsecond), 3) + " µs"
	case d < time.Second:
		return digits(float64(d)/float64(time.Millisecond), 3) + " ms"
	case d < time.Hour: // people set probes in seconds: 600 s rather than 10 min
		return digits(d.Seconds(), 3) + " s"
	case d < 10*time.Hour:
		return digits(d.Minutes(), 3) + " min"
	case d < 72*time.Hour:
		return digits(d.Hours(), 3) + " h"
	}
	return digits(d.Hours()/24, 3) + " d"
}

// spellExactly writes an instant with all its days, hours, minutes and seconds.
func spellExactly(d time.Duration) string {
	var parts []string
	for i := len(timeUnits) - 1; i > 1; i-- {
		unit := timeUnits[i]
		n := d / unit.length
		d -= n * unit.length
		if unit.length == time.Second {
			return strings.Join(append(parts, digits(float64(n)+d.Seconds(), 6)+" s"), " ")
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.symbol))
		}
	}
	return strings.Join(parts, " ")
}

// seconds writes a duration in seconds for data, to the nanosecond and no
// further: a float of seconds has digits behind it that nobody measured.
func seconds(d time.Duration) string {
	text := fmt.Sprintf("%d.%09d", d/time.Second, (d % time.Second).Abs())
	if d < 0 && d > -time.Second {
		text = "-" + text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// digits writes x with n significant digits, without trailing zeros, and as a
// power of ten where it is too large or too small to be read otherwise.
func digits(x float64, n int) string {
	switch {
	case math.IsNaN(x):
		return "unknown"
	case math.IsInf(x, 0):
		return "infinite"
	case x == 0:
		return "0"
	}
	if magnitude := math.Abs(x); magnitude < 1e-4 || magnitude >= 1e7 {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', max(n-2, 0), 64), "e")
		power, err := strconv.Atoi(exponent)
		if err != nil {
			panic(err) // what FormatFloat wrote
		}
		if strings.Contains(mantissa, ".") {
			mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		}
		return mantissa + "e" + strconv.Itoa(power)
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', n, 64), 64)
	if err != nil {
		return strconv.FormatFloat(x, 'g', n, 64)
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// secondsOf turns seconds, as results hold them, into a duration for spelling;
// what is not finite becomes the longest one.
func secondsOf(x float64) time.Duration {
	if math.IsNaN(x) || x > 1e9 {
		return math.MaxInt64
	}
	return time.Duration(math.Round(x * 1e9))
}
