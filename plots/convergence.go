package plots

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// Convergence shows how an estimate settles as replications are added, and
// where the closed form lies, if there is one.
type Convergence struct {
	Title    string // empty: "Does the estimate settle, and where?"
	Scenario string
	Seed     uint64
	Figure   estimate.Figure
	Points   []ConvergencePoint // in the order of their replications
	// Exact is the value of the closed form, and Method which one; nil: there is
	// none.
	Exact  *float64
	Method string
}

// ConvergencePoint is the estimate from the first so many replications.
type ConvergencePoint struct {
	Replications int64
	stats.Estimate
}

// WriteCSV writes one line for each number of replications.
func (c *Convergence) WriteCSV(w io.Writer) error {
	exact := ""
	if c.Exact != nil {
		exact = number(*c.Exact)
	}
	rows := [][]string{{"replications", "measure", "estimate", "low", "high", "confidence", "method", "exact"}}
	for _, p := range c.Points {
		rows = append(rows, []string{strconv.FormatInt(p.Replications, 10), c.Figure.String(), number(p.Estimate.Estimate), number(p.Low), number(p.High), number(p.Confidence), p.Method, exact})
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("convergence: %w", err)
	}
	return nil
}

// Sentence says where the estimate ends, and whether the last interval holds
// the exact value.
func (c *Convergence) Sentence() string {
	if len(c.Points) == 0 {
		return "There are no estimates to show."
	}
	write := valuesOfMeasure(c.Figure.Measure)
	last := &c.Points[len(c.Points)-1]
	told := fmt.Sprintf("After %d replications %s is %s (%s to %s)", last.Replications, figureName(c.Figure), write(last.Estimate.Estimate), write(last.Low), write(last.High))
	if c.Exact == nil {
		return told + "; there is no closed form to hold it against."
	}
	verdict := "outside the interval"
	if last.Low <= *c.Exact && *c.Exact <= last.High {
		verdict = "inside the interval"
	}
	told += fmt.Sprintf("; the closed form says %s, %s", write(*c.Exact), verdict)
	if inside := c.inside(); len(c.Points) > 1 {
		told += fmt.Sprintf(", as in %d of %d sizes", inside, len(c.Points))
	}
	return told + "."
}

// inside counts the intervals that hold the exact value.
func (c *Convergence) inside() int {
	n := 0
	for i := range c.Points {
		if p := &c.Points[i]; p.Low <= *c.Exact && *c.Exact <= p.High {
			n++
		}
	}
	return n
}

const convergenceHeight = 4.6 * vg.Inch

func (c *Convergence) page() page {
	return page{cmp.Or(c.Title, "Does the estimate settle, and where?"), c.Sentence(), c.Scenario, c.Seed}
}

// Size implements Chart.
func (c *Convergence) Size() (width, height vg.Length) {
	return pageWidth, c.page().headerHeight() + footerHeight + convergenceHeight
}

// Draw implements Chart.
func (c *Convergence) Draw(canvas draw.Canvas) {
	body := c.page().draw(canvas)
	p := newPlot()
	c.sizeAxis(&p.X)
	note := c.valueAxis(&p.Y)
	p.Add(plotterFunc(gridLines), plotterFunc(c.curve))
	drawPlot(p, body, "replications (doubling)", unitOf(c.Figure)+note)
}

// sizeAxis puts each number of replications at the same distance from the one
// before, since they double.
func (c *Convergence) sizeAxis(axis *plot.Axis) {
	axis.Scale = plot.LogScale{}
	axis.Min, axis.Max = 1, 2
	var ticks plot.ConstantTicks
	every := 1 + len(c.Points)/12
	for i := range c.Points {
		n := float64(c.Points[i].Replications)
		t := plot.Tick{Value: n}
		if (len(c.Points)-1-i)%every == 0 {
			t.Label = strconv.FormatInt(c.Points[i].Replications, 10)
		}
		ticks = append(ticks, t)
	}
	if n := len(c.Points); n > 0 {
		axis.Min, axis.Max = float64(c.Points[0].Replications)/1.4, float64(c.Points[n-1].Replications)*1.6
	}
	axis.Tick.Marker = ticks
}

// valueAxis spans the intervals, but of those that are very wide only what is
// near the estimates, and is logarithmic where they differ by much.
func (c *Convergence) valueAxis(axis *plot.Axis) (note string) {
	lowest, highest := math.Inf(1), math.Inf(-1)
	include := func(x float64) {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			lowest, highest = min(lowest, x), max(highest, x)
		}
	}
	for i := range c.Points {
		include(c.Points[i].Low)
		include(c.Points[i].High)
	}
	if c.Exact != nil {
		include(*c.Exact)
	}
	switch {
	case lowest > highest:
		lowest, highest = 0, 1
	case lowest > 0 && highest > 50*lowest:
		logAxis(axis, roundDown(lowest), roundUp(highest))
		return " (log scale)"
	}
	span := max(highest-lowest, math.Abs(highest)*1e-3, 1e-12)
	if low := lowest - span/10; lowest >= 0 && low < 0 {
		lowest = 0
	} else {
		lowest = low
	}
	numberAxis(axis, lowest, highest+span/8)
	return ""
}

func (c *Convergence) curve(canvas draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&canvas)
	y := func(value float64) vg.Length { return toY(min(max(value, p.Y.Min), p.Y.Max)) }
	labels := labeller{bounds: canvas.Rectangle}
	var upper, lower, middle []vg.Point
	for i := range c.Points {
		point := &c.Points[i]
		at := toX(float64(point.Replications))
		upper = append(upper, vg.Point{X: at, Y: y(point.High)})
		lower = append([]vg.Point{{X: at, Y: y(point.Low)}}, lower...)
		middle = append(middle, vg.Point{X: at, Y: y(point.Estimate.Estimate)})
	}
	if len(upper) > 1 {
		canvas.FillPolygon(blueTint, append(upper, lower...))
	}
	gridLines(canvas, p)
	if c.Exact != nil {
		strokeLine(canvas, green, thickLine, []vg.Length{7, 3}, vg.Point{X: canvas.Min.X, Y: y(*c.Exact)}, vg.Point{X: canvas.Max.X, Y: y(*c.Exact)})
		labels.block(canvas.Min.X, y(*c.Exact)-2, canvas.Max.X, y(*c.Exact)+2)
	}
	strokeLine(canvas, blue, mediumLine, nil, middle...)
	labels.blockLines(middle)
	for i := range c.Points {
		point := &c.Points[i]
		x := toX(float64(point.Replications))
		strokeLine(canvas, blue, mediumLine, nil, vg.Point{X: x, Y: y(point.Low)}, vg.Point{X: x, Y: y(point.High)})
		disc(canvas, blue, x, middle[i].Y, 3.5)
		write := valuesOfMeasure(c.Figure.Measure)
		tell(canvas, x-2, y(point.Low), x+2, y(point.High), fmt.Sprintf("%d replications: %s (%s to %s)", point.Replications, write(point.Estimate.Estimate), write(point.Low), write(point.High)))
		labels.block(x-5, y(point.Low), x+5, y(point.High))
	}
	c.label(canvas, middle, y, &labels)
}

// label names the estimate at its last point and the exact value at its line.
func (c *Convergence) label(canvas draw.Canvas, middle []vg.Point, y func(float64) vg.Length, labels *labeller) {
	write := valuesOfMeasure(c.Figure.Measure)
	if c.Exact != nil {
		lines := []string{"closed form " + write(*c.Exact)}
		if c.Method != "" {
			lines = append(lines, c.Method)
		}
		labels.write(canvas, vg.Point{X: canvas.Max.X - 120, Y: y(*c.Exact)}, 8, strongly.in(green), smallText, lines...)
	}
	if n := len(middle); n > 0 {
		last := &c.Points[n-1]
		labels.write(canvas, middle[n-1], 9, strongly.in(blue), smallText, "estimate "+write(last.Estimate.Estimate),
			fmt.Sprintf("%g %% interval", 100*last.Confidence), fmt.Sprintf("%s to %s", write(last.Low), write(last.High)))
	}
}
