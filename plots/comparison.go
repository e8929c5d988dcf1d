package plots

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// Comparison sets variants side by side with what they are compared with: how
// many times as great each figure becomes, with the interval of that ratio on
// the same lives.
type Comparison struct {
	Title    string // empty: "What each variant changes"
	Scenario string
	Seed     uint64
	// Differences are drawn in their order, those of one figure together.
	Differences []estimate.Difference
}

// NewComparison returns the chart of the figures asked for; of those that apply
// and are not 0 on both sides.
func NewComparison(scenario string, c *estimate.Comparison, figures []estimate.Figure) *Comparison {
	chart := &Comparison{Scenario: scenario, Seed: c.Seed}
	for _, figure := range figures {
		for _, d := range c.Differences {
			if (estimate.Figure{Measure: d.Measure, Statistic: d.Statistic}) == figure && (d.Before.Estimate != 0 || d.After.Estimate != 0) {
				chart.Differences = append(chart.Differences, d)
			}
		}
	}
	return chart
}

// WriteCSV writes one line for each difference.
func (c *Comparison) WriteCSV(w io.Writer) error {
	rows := [][]string{{"variant", "against", "measure", "statistic", "before", "after", "difference", "low", "high", "ratio", "ratioLow", "ratioHigh", "confidence", "method"}}
	for i := range c.Differences {
		d := &c.Differences[i]
		rows = append(rows, []string{d.Variant, d.Against, d.Measure, d.Statistic, number(d.Before.Estimate), number(d.After.Estimate),
			number(d.Difference.Estimate), number(d.Difference.Low), number(d.Difference.High),
			number(d.Ratio.Estimate), number(d.Ratio.Low), number(d.Ratio.High), number(d.Difference.Confidence), d.Difference.Method})
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("comparison: %w", err)
	}
	return nil
}

// changeOf says whether the interval of a difference lies on one side of 0.
func changeOf(d *estimate.Difference) string {
	switch e := &d.Difference; {
	case e.Low > 0:
		return "more"
	case e.High < 0:
		return "less"
	case e.Low == 0 && e.High == 0:
		return "the same"
	}
	return "no difference shown"
}

// Sentence tells each difference of the first figure.
func (c *Comparison) Sentence() string {
	if len(c.Differences) == 0 {
		return "There is no difference to show."
	}
	first := figureOf(&c.Differences[0])
	write := valuesOfMeasure(first.Measure)
	var parts []string
	for i := range c.Differences {
		d := &c.Differences[i]
		if figureOf(d) != first {
			continue
		}
		part := fmt.Sprintf("to %s with %s", write(d.After.Estimate), d.Variant)
		if change := changeOf(d); change == "no difference shown" {
			part += " (" + change + ")"
		} else if text := timesText(&d.Ratio); text != "" {
			part += " (" + text + ")"
		}
		parts = append(parts, part)
	}
	const told = 4
	if len(parts) > told {
		parts = append(parts[:told:told], fmt.Sprintf("and %d more", len(parts)-told))
	}
	return fmt.Sprintf("%s goes from %s as it is %s.", upperFirst(figureName(first)), write(c.Differences[0].Before.Estimate), strings.Join(parts, ", "))
}

func figureOf(d *estimate.Difference) estimate.Figure {
	return estimate.Figure{Measure: d.Measure, Statistic: d.Statistic}
}

// timesText writes a ratio with its interval; empty where there is none.
func timesText(e *stats.Estimate) string {
	switch {
	case math.IsNaN(e.Estimate) || math.IsInf(e.Estimate, 0):
		return ""
	case e.Low == e.High:
		return "×" + digits(e.Estimate, 3)
	}
	return fmt.Sprintf("×%s, %s to %s", digits(e.Estimate, 3), digits(e.Low, 3), digits(e.High, 3))
}

const (
	compareRow     = vg.Length(20)
	compareHeading = vg.Length(24)
	compareName    = vg.Length(210)
	compareValues  = vg.Length(150)
)

func (c *Comparison) page() page {
	return page{cmp.Or(c.Title, "What each variant changes"), c.Sentence(), c.Scenario, c.Seed}
}

// figures returns the figures in their order.
func (c *Comparison) figures() []estimate.Figure {
	var figures []estimate.Figure
	for i := range c.Differences {
		if f := figureOf(&c.Differences[i]); !slices.Contains(figures, f) {
			figures = append(figures, f)
		}
	}
	return figures
}

func (c *Comparison) rowsHeight() vg.Length {
	return vg.Length(len(c.figures()))*compareHeading + vg.Length(len(c.Differences))*compareRow
}

// Size implements Chart.
func (c *Comparison) Size() (width, height vg.Length) {
	return pageWidth, c.page().headerHeight() + footerHeight + c.rowsHeight() + 76
}

// Draw implements Chart.
func (c *Comparison) Draw(canvas draw.Canvas) {
	body := c.page().draw(canvas)
	if len(c.Differences) == 0 {
		return
	}
	p := newPlot()
	p.HideY()
	p.Y.Min, p.Y.Max = 0, 1
	lowest, highest := c.ratios()
	ratioAxis(&p.X, lowest, highest)
	p.Add(plotterFunc(gridLines), plotterFunc(c.rows))
	drawPlot(p, draw.Crop(body, compareName, -compareValues, 14, 0), "times as great as it is now (log scale)", "")
	text := fmt.Sprintf("Lines: %g %% intervals of the ratio on the same lives. Filled: the interval of the difference excludes 0; open: no difference shown.", 100*c.Differences[0].Difference.Confidence)
	writeText(canvas, smallText, body.Min.X, body.Min.Y+3, left, shorten(smallText, text, body.Max.X-body.Min.X))
}

// ratios returns the range of the axis: all intervals, but not further than
// three decades beyond the estimates.
func (c *Comparison) ratios() (lowest, highest float64) {
	lowest, highest = 0.8, 1.25
	for i := range c.Differences {
		r := &c.Differences[i].Ratio
		if r.Estimate > 0 && !math.IsInf(r.Estimate, 0) {
			lowest, highest = min(lowest, r.Estimate/1.2), max(highest, r.Estimate*1.2)
			lowest = min(lowest, max(r.Low/1.2, r.Estimate/10))
			highest = max(highest, min(r.High*1.2, r.Estimate*10))
		} else if r.High > 0 && !math.IsInf(r.High, 0) && r.Estimate == 0 {
			lowest = min(lowest, r.High/2)
		}
	}
	return lowest, highest
}

// ratioAxis makes an axis of ratios logarithmic, with ticks at 1, 2 and 5 times
// powers of ten.
func ratioAxis(axis *plot.Axis, lowest, highest float64) {
	axis.Scale = plot.LogScale{}
	axis.Min, axis.Max = lowest, highest
	few := highest/lowest > 1000
	narrow := highest/lowest < 4
	var ticks plot.ConstantTicks
	for power := roundDown(lowest); power <= highest; power *= 10 {
		for digit := 1.0; digit < 10; digit++ {
			if at := power * digit; at >= lowest && at <= highest {
				t := plot.Tick{Value: at}
				if digit == 1 || !few && (digit == 2 || digit == 5) || narrow {
					t.Label = "×" + digits(at, 3)
				}
				ticks = append(ticks, t)
			}
		}
	}
	axis.Tick.Marker = ticks
}

func (c *Comparison) rows(canvas draw.Canvas, p *plot.Plot) {
	toX, _ := p.Transforms(&canvas)
	x := func(value float64) vg.Length { return toX(min(max(value, p.X.Min), p.X.Max)) }
	strokeLine(canvas, black, mediumLine, nil, vg.Point{X: x(1), Y: canvas.Min.Y}, vg.Point{X: x(1), Y: canvas.Max.Y})
	y := canvas.Max.Y - 4
	scale := (canvas.Max.Y - canvas.Min.Y - 4) / c.rowsHeight()
	for _, figure := range c.figures() {
		y -= compareHeading * scale
		before := ""
		for i := range c.Differences {
			d := &c.Differences[i]
			if figureOf(d) != figure {
				continue
			}
			if before == "" {
				before = valuesOfMeasure(figure.Measure)(d.Before.Estimate)
				writeText(canvas, boldText, canvas.Min.X-compareName+4, y+4, left, shorten(boldText, fmt.Sprintf("%s, now %s", figure, before), compareName+40))
			}
			y -= compareRow * scale
			c.row(canvas, x, y+compareRow*scale/2, d)
		}
	}
}

// row draws one difference: an interval with its estimate, or only what is
// known where there is no ratio.
func (c *Comparison) row(canvas draw.Canvas, x func(float64) vg.Length, y vg.Length, d *estimate.Difference) {
	change := changeOf(d)
	ink := color.Color(textGrey)
	switch change {
	case "more":
		ink = vermillion
	case "less":
		ink = blue
	}
	writeMiddle(canvas, labelText, canvas.Min.X-compareName+12, y, left, shorten(labelText, d.Variant, compareName-24))
	write := valuesOfMeasure(d.Measure)
	text := write(d.After.Estimate) + ", " + change
	if d.After.Estimate == 0 && d.After.High > 0 {
		text = "none seen, at most " + write(d.After.High)
	}
	writeMiddle(canvas, labelText.in(ink), canvas.Max.X+8, y, left, shorten(labelText, text, compareValues-8))
	r := &d.Ratio
	if math.IsNaN(r.Estimate) || math.IsInf(r.Estimate, 0) {
		return
	}
	low, high := x(max(r.Low, 0)), x(r.High)
	if math.IsInf(r.High, 0) {
		high = canvas.Max.X
	}
	strokeLine(canvas, ink, thickLine, nil, vg.Point{X: low, Y: y}, vg.Point{X: high, Y: y})
	tell(canvas, low, y-5, high, y+5, fmt.Sprintf("%s, %s: %s, was %s; %s", d.Variant, figureOf(d), write(d.After.Estimate), write(d.Before.Estimate), timesText(r)))
	if change == "no difference shown" {
		ring(canvas, ink, x(r.Estimate), y, 4, thickLine)
		return
	}
	disc(canvas, ink, x(r.Estimate), y, 4.5)
}
