package plots

import (
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// newPlot returns a plot with the theme's fonts and lines and no padding, so
// that the data begins at the axes.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		handler := text.Plain{Fonts: embedded}
		axis.Tick.Label.Font, axis.Tick.Label.Handler = smallText.font, handler
		axis.Tick.Label.Color = textGrey
		axis.Tick.LineStyle = draw.LineStyle{Color: darkGrey, Width: thinLine}
		axis.LineStyle = draw.LineStyle{Color: darkGrey, Width: thinLine}
		axis.Tick.Length = 4
		axis.Padding = 0
	}
	return p
}

// plotterFunc draws data on a canvas whose edges are the ends of the axes.
type plotterFunc func(c draw.Canvas, p *plot.Plot)

// Plot implements plot.Plotter.
func (f plotterFunc) Plot(c draw.Canvas, p *plot.Plot) { f(c, p) }

// gridLines draws a pale line at each labelled tick.
func gridLines(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		if !t.IsMinor() {
			strokeLine(c, lightGrey, thinLine, nil, vg.Point{X: x(t.Value), Y: c.Min.Y}, vg.Point{X: x(t.Value), Y: c.Max.Y})
		}
	}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if !t.IsMinor() {
			strokeLine(c, lightGrey, thinLine, nil, vg.Point{X: c.Min.X, Y: y(t.Value)}, vg.Point{X: c.Max.X, Y: y(t.Value)})
		}
	}
}

// secondsAxis makes an axis count seconds from 0 (or min) to max in the unit
// that suits them, and returns that unit's symbol. The axis's values stay seconds.
func secondsAxis(axis *plot.Axis, lowest, highest float64) (symbol string) {
	axis.Min, axis.Max = lowest, highest
	span := secondsOf(highest - lowest)
	unit := unitFor(span)
	step := unit.tickStep(span, 11)
	var ticks plot.ConstantTicks
	first := (secondsOf(lowest) + step - 1) / step * step
	for at := first; at <= secondsOf(highest); at += step {
		ticks = append(ticks, plot.Tick{Value: at.Seconds(), Label: unit.in(at)})
	}
	axis.Tick.Marker = ticks
	return unit.symbol
}

// logAxis makes an axis logarithmic from lowest to highest, both powers of ten,
// with a label at each power, or at every few where there are many.
func logAxis(axis *plot.Axis, lowest, highest float64) {
	axis.Scale = plot.LogScale{}
	axis.Min, axis.Max = lowest, highest
	low, high := int(math.Round(math.Log10(lowest))), int(math.Round(math.Log10(highest)))
	every := 1 + (high-low)/10
	var ticks plot.ConstantTicks
	for exponent := low; exponent <= high; exponent++ {
		value := math.Pow(10, float64(exponent))
		label := ""
		if (high-exponent)%every == 0 {
			label = powerOfTen(exponent)
		}
		ticks = append(ticks, plot.Tick{Value: value, Label: label})
		for digit := 2.0; digit < 10 && every == 1 && exponent < high; digit++ {
			ticks = append(ticks, plot.Tick{Value: digit * value})
		}
	}
	axis.Tick.Marker = ticks
}

// logSecondsAxis makes an axis count seconds logarithmically, with labels at
// 1, 2 and 5 times powers of ten of seconds, and returns what the axis's name
// has to say: the unit, unless the labels span so much that each has its own.
func logSecondsAxis(axis *plot.Axis, lowest, highest float64) (note string) {
	axis.Scale = plot.LogScale{}
	axis.Min, axis.Max = lowest, highest
	unit := unitFor(secondsOf(math.Sqrt(lowest * highest)))
	if lowest < 1 && highest > 1 {
		unit = unitFor(10 * time.Second) // people set probes in seconds
	}
	length := unit.length.Seconds()
	var ticks plot.ConstantTicks
	decades := math.Log10(highest / lowest)
	named := decades >= 4 && lowest < 1e-3 // by each label
	every := 1 + int(decades)/8
	for power := roundDown(lowest / length); power <= highest/length; power *= 10 {
		for digit := 1.0; digit < 10; digit++ {
			value := digit * power
			t := plot.Tick{Value: value * length}
			exponent := int(math.Round(math.Log10(power)))
			if digit == 1 && exponent%every == 0 || decades < 4 && (digit == 2 || digit == 5) {
				t.Label = digits(value, 3)
				if named {
					t.Label = spell(secondsOf(t.Value))
				}
			}
			if t.Value >= lowest && t.Value <= highest {
				ticks = append(ticks, t)
			}
		}
	}
	axis.Tick.Marker = ticks
	if named {
		return "log scale"
	}
	return unit.symbol + ", log scale"
}

// drawPlot draws a plot with what its axes count: below the one, and above the
// other, written across, which reads better than on its side. The plot's own
// labels would take room at the wrong end of a logarithmic axis.
func drawPlot(p *plot.Plot, c draw.Canvas, xLabel, yLabel string) {
	p.Draw(plotCanvas(c))
	writeText(c, labelText, c.Min.X, c.Max.Y-10, left, yLabel)
	writeText(c, labelText, (c.Min.X+c.Max.X)/2, c.Min.Y+6, centre, xLabel)
}

// plotCanvas returns what drawPlot leaves for the plot and its ticks.
func plotCanvas(c draw.Canvas) draw.Canvas { return draw.Crop(c, 0, -8, 22, -20) }

// powerOfTen writes 10 to the exponent the way it is read most easily.
func powerOfTen(exponent int) string {
	if exponent >= -4 && exponent <= 5 {
		return strconv.FormatFloat(math.Pow(10, float64(exponent)), 'f', -1, 64)
	}
	return "1e" + strconv.Itoa(exponent)
}

// roundUp and roundDown return the next power of ten at or beyond x.
func roundUp(x float64) float64   { return math.Pow(10, math.Ceil(math.Log10(x)-1e-9)) }
func roundDown(x float64) float64 { return math.Pow(10, math.Floor(math.Log10(x)+1e-9)) }
