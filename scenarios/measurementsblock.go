package scenarios

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// FormatDistribution writes a distribution of durations as scenario files do, in
// one line and to four significant digits. It is an error for those that come
// from files of measurements, and for what no scenario may hold.
func FormatDistribution(d dist.Duration) (string, error) {
	text, err := distributionText(d.Nanoseconds)
	if err != nil {
		return "", err
	}
	if _, err := ParseDistribution(text); err != nil {
		return "", fmt.Errorf("%s: cannot stand in a scenario: %w", text, err)
	}
	return text, nil
}

func distributionText(d dist.Dist) (string, error) {
	switch d := d.(type) {
	case nil:
		return "0s", nil
	case dist.Constant:
		return durationText(float64(d)), nil
	case dist.LogNormal:
		return fmt.Sprintf("{p50: %s, p99: %s}", durationText(d.Quantile(0.5)), durationText(d.Quantile(0.99))), nil
	case dist.Exponential:
		return fmt.Sprintf("{exponential: %s}", durationText(float64(d))), nil
	case dist.Gamma:
		return fmt.Sprintf("{gamma: {shape: %s, scale: %s}}", numberText(d.Shape), durationText(d.Scale)), nil
	case dist.Weibull:
		return fmt.Sprintf("{weibull: {shape: %s, scale: %s}}", numberText(d.Shape), durationText(d.Scale)), nil
	case dist.Pareto:
		return fmt.Sprintf("{pareto: {shape: %s, scale: %s}}", numberText(d.Shape), durationText(d.Scale)), nil
	case dist.Normal:
		return fmt.Sprintf("{normal: {mean: %s, sd: %s}}", durationText(d.Mu), durationText(d.Sigma)), nil
	case dist.Shift:
		of, err := distributionText(d.Of)
		return fmt.Sprintf("{shift: %s, of: %s}", durationText(d.By), of), err
	case dist.Mixture:
		var parts []string
		for _, part := range d {
			of, err := distributionText(part.Of)
			if err != nil {
				return "", err
			}
			parts = append(parts, fmt.Sprintf("{weight: %s, of: %s}", numberText(part.Weight), of))
		}
		return "{mixture: [" + strings.Join(parts, ", ") + "]}", nil
	case dist.Uncertain:
		var alternatives []string
		for _, of := range d {
			text, err := distributionText(of)
			if err != nil {
				return "", err
			}
			alternatives = append(alternatives, text)
		}
		return "{uncertain: [" + strings.Join(alternatives, ", ") + "]}", nil
	}
	return "", fmt.Errorf("%T: has no spelling of its own", d)
}

// numberText writes a number to four significant digits.
func numberText(x float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 4, 64), 64)
	if err != nil {
		rounded = x
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// durationText writes nanoseconds as a duration of four significant digits, at
// least one nanosecond unless it is 0.
func durationText(ns float64) string {
	if !(ns > 0) {
		return "0s"
	}
	unit := math.Pow(10, math.Max(0, math.Floor(math.Log10(ns))-3))
	ns = math.Max(1, math.Round(ns/unit)*unit)
	if day := float64(24 * time.Hour); ns >= 3*day {
		return numberText(math.Min(ns, float64(dist.Longest))/day) + "d"
	}
	return formatDuration(time.Duration(math.Min(ns, float64(dist.Longest))))
}
