package plots

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"

	"github.com/probesim/probesim/sim/estimate"
)

// valuesOfMeasure returns how the values of a measure are written, by the unit
// its name ends in.
func valuesOfMeasure(measure string) func(float64) string {
	switch {
	case strings.Contains(measure, "Seconds"):
		return func(x float64) string {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return digits(x, 3)
			}
			return spell(secondsOf(x))
		}
	case isShare(measure):
		return func(x float64) string { return digits(100*x, 3) + " %" }
	}
	return func(x float64) string { return digits(x, 3) }
}

// isShare reports whether a measure is a probability or a fraction.
func isShare(measure string) bool {
	return strings.Contains(measure, "Probability") || strings.HasSuffix(measure, "Fraction") || measure == "availability"
}

// unitOf writes what an axis of the figure counts.
func unitOf(f estimate.Figure) string {
	switch {
	case f.Measure == "falseKillsPerPodYear":
		return "false kills per pod-year"
	case strings.Contains(f.Measure, "Seconds"):
		return f.String() + " (s)"
	case isShare(f.Measure):
		return f.String() + " (1 = always)"
	}
	return f.String()
}

// numberAxis makes an axis linear, with about seven ticks at round numbers.
func numberAxis(axis *plot.Axis, lowest, highest float64) {
	axis.Min, axis.Max = lowest, highest
	step := roundDown((highest - lowest) / 7)
	for _, times := range []float64{10, 5, 2} {
		if (highest-lowest)/(step*times) >= 4 {
			step *= times
			break
		}
	}
	var ticks plot.ConstantTicks
	for i := math.Ceil(lowest/step - 1e-9); i*step <= highest*(1+1e-12); i++ {
		// Ten digits are enough to tell ticks apart and leave out rounding.
		ticks = append(ticks, plot.Tick{Value: i * step, Label: strconv.FormatFloat(i*step+0, 'g', 10, 64)})
	}
	axis.Tick.Marker = ticks
}

// figureName names a figure inside a sentence.
func figureName(f estimate.Figure) string {
	if f.Measure == "falseKillsPerPodYear" {
		return "the number of false kills per pod-year"
	}
	return "the measure " + f.String()
}
