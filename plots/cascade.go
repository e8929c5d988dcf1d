package plots

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"image/color"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// Cascade shows how probable it is that all replicas are out of the endpoints at
// one instant, against the load of the service: for probes that the traffic's
// workers answer and for probes with a thread of their own, and for readiness
// that checks the dependencies and that does not.
type Cascade struct {
	Title    string // empty: "Does one unready replica take the others with it?"
	Scenario string
	Seed     uint64
	*estimate.Cascades
}

// designOf names a curve.
func (c *Cascade) designOf(curve *estimate.CascadeCurve) string {
	name := "probes in the workers' queue"
	if !curve.SharedWorkers {
		name = "probes on their own thread"
	}
	switch {
	case !c.several():
		return name
	case curve.ChecksDependencies:
		return name + " and a dependency checked"
	}
	return name + " and no dependency checked"
}

// several reports whether there are curves with and without the dependencies.
func (c *Cascade) several() bool {
	return slices.ContainsFunc(c.Curves, func(curve estimate.CascadeCurve) bool { return curve.ChecksDependencies })
}

// WriteCSV writes one line for each point.
func (c *Cascade) WriteCSV(w io.Writer) error {
	rows := [][]string{{"sharedWorkers", "checksDependencies", "asItIs", "load", "requestsPerSecond", "cascadeProbability", "low", "high", "confidence", "method", "lives", "lifeSeconds"}}
	for i := range c.Curves {
		curve := &c.Curves[i]
		for _, p := range curve.Points {
			e := &p.Probability
			rows = append(rows, []string{
				strconv.FormatBool(curve.SharedWorkers), strconv.FormatBool(curve.ChecksDependencies), strconv.FormatBool(curve.AsItIs),
				number(p.Load), number(p.PerSecond), number(e.Estimate), number(e.Low), number(e.High), number(e.Confidence), e.Method,
				strconv.FormatInt(c.Replications, 10), number(c.HorizonSeconds),
			})
		}
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("cascade: %w", err)
	}
	return nil
}

// Sentence says what the design as it is leads to, at the load as it is and at
// the greatest one, and beside it the best of the others.
func (c *Cascade) Sentence() string {
	if len(c.Curves) == 0 || len(c.Curves[0].Points) == 0 {
		return "There is no load to show."
	}
	asItIs, best := 0, 0
	for i := range c.Curves {
		if c.Curves[i].AsItIs {
			asItIs = i
		}
		if total(&c.Curves[i]) < total(&c.Curves[best]) {
			best = i
		}
	}
	told := fmt.Sprintf("With %s all %d replicas are out of the endpoints at once within %s with a probability of %s",
		c.designOf(&c.Curves[asItIs]), c.Replicas, c.span(), tellCurve(&c.Curves[asItIs]))
	if total(&c.Curves[best]) < total(&c.Curves[asItIs]) {
		told += fmt.Sprintf("; with %s of %s", c.designOf(&c.Curves[best]), tellCurve(&c.Curves[best]))
	}
	return told + "."
}

// total adds up a curve, to compare it with another.
func total(c *estimate.CascadeCurve) float64 {
	sum := 0.0
	for i := range c.Points {
		sum += c.Points[i].Probability.Estimate
	}
	return sum
}

// tellCurve writes a curve's probability at the load as it is, or else at the
// smallest one, and at the greatest.
func tellCurve(c *estimate.CascadeCurve) string {
	at := max(0, slices.IndexFunc(c.Points, func(p estimate.CascadePoint) bool { return p.Load == 1 }))
	last := len(c.Points) - 1
	told := tellProbability(&c.Points[at].Probability) + " at the load as it is"
	if c.Points[at].Load != 1 {
		told = fmt.Sprintf("%s at ×%s of the load", tellProbability(&c.Points[at].Probability), digits(c.Points[at].Load, 3))
	}
	if at == last {
		return told
	}
	return fmt.Sprintf("%s, %s at ×%s", told, tellProbability(&c.Points[last].Probability), digits(c.Points[last].Load, 3))
}

// tellProbability writes a probability with its interval, or the bound of one
// that was never seen.
func tellProbability(e *stats.Estimate) string {
	if !(e.Estimate > 0) {
		return "under " + digits(100*e.High, 2) + " %"
	}
	return fmt.Sprintf("%s %% (%s to %s)", digits(100*e.Estimate, 2), digits(100*e.Low, 2), digits(100*e.High, 2))
}

// span writes how long each life is watched.
func (c *Cascade) span() string {
	d := secondsOf(c.HorizonSeconds)
	if d >= time.Hour && d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return spell(d)
}

const (
	cascadeHeight = 4.6 * vg.Inch
	cascadeNames  = vg.Length(186) // room for the names of the curves
)

func (c *Cascade) page() page {
	return page{cmp.Or(c.Title, "Does one unready replica take the others with it?"), c.Sentence(), c.Scenario, c.Seed}
}

// Size implements Chart.
func (c *Cascade) Size() (width, height vg.Length) {
	return pageWidth, c.page().headerHeight() + footerHeight + cascadeHeight
}

// Draw implements Chart.
func (c *Cascade) Draw(canvas draw.Canvas) {
	body := c.page().draw(canvas)
	writeText(body, smallText, body.Min.X, body.Min.Y+2, left, fmt.Sprintf("Each point: %d lives of all %d replicas, every event simulated, on the same random numbers. Whiskers: %s intervals.",
		c.Replications, c.Replicas, confidenceOf(c.Curves)))
	body = draw.Crop(body, 0, -cascadeNames, 16, 0)
	p := newPlot()
	c.loadAxis(&p.X)
	percentAxis(&p.Y)
	p.Add(plotterFunc(gridLines))
	drawPlot(p, body, "load of the service: multiples of the load as it is (requests per second)", fmt.Sprintf("probability that all %d replicas are out of the endpoints at once within %s", c.Replicas, c.span()))
	c.curves(p.DataCanvas(plotCanvas(body)), p)
}

func confidenceOf(curves []estimate.CascadeCurve) string {
	for _, c := range curves {
		if len(c.Points) > 0 {
			return fmt.Sprintf("%g %%", 100*c.Points[0].Probability.Confidence)
		}
	}
	return "95 %"
}

// percentAxis makes an axis a probability.
func percentAxis(axis *plot.Axis) {
	axis.Min, axis.Max = 0, 1.04
	var ticks plot.ConstantTicks
	for percent := 0; percent <= 100; percent += 20 {
		ticks = append(ticks, plot.Tick{Value: float64(percent) / 100, Label: fmt.Sprintf("%d %%", percent)})
	}
	axis.Tick.Marker = ticks
}

// loadAxis has a tick at every load that was simulated.
func (c *Cascade) loadAxis(axis *plot.Axis) {
	axis.Min, axis.Max = 0, 1
	var ticks plot.ConstantTicks
	if len(c.Curves) > 0 && len(c.Curves[0].Points) > 0 {
		points := c.Curves[0].Points
		first, last := points[0].Load, points[len(points)-1].Load
		room := max(0.08*(last-first), 0.04*last)
		axis.Min, axis.Max = first-room, last+room
		every := 1 + len(points)/9
		for i, p := range points {
			if i%every == 0 {
				ticks = append(ticks, plot.Tick{Value: p.Load, Label: fmt.Sprintf("×%s (%s)", digits(p.Load, 3), digits(p.PerSecond, 3))})
			}
		}
	}
	axis.Tick.Marker = ticks
}

// curves draws the lines and, at their ends, what they are.
func (c *Cascade) curves(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	if p.X.Min < 1 && 1 < p.X.Max {
		strokeLine(canvas, midGrey, mediumLine, []vg.Length{4, 3}, vg.Point{X: x(1), Y: canvas.Min.Y}, vg.Point{X: x(1), Y: canvas.Max.Y})
		writeText(canvas, smallText, x(1)+10, canvas.Max.Y-8, left, "now")
	}
	ends := make([]vg.Length, len(c.Curves))
	for i := range c.Curves {
		curve := &c.Curves[i]
		ink, dashes := curveStyle(curve)
		var line []vg.Point
		for _, point := range curve.Points {
			// Side by side, so that no interval hides another.
			at := vg.Point{X: x(point.Load) + vg.Length(2*i-len(c.Curves)+1)*2, Y: y(point.Probability.Estimate)}
			line = append(line, at)
			strokeLine(canvas, ink, mediumLine, nil, vg.Point{X: at.X, Y: y(point.Probability.Low)}, vg.Point{X: at.X, Y: y(point.Probability.High)})
			tell(canvas, at.X-1, y(point.Probability.Low), at.X+1, y(point.Probability.High), fmt.Sprintf("%s, ×%s of the load: %s", c.designOf(curve), digits(point.Load, 3), tellProbability(&point.Probability)))
		}
		if len(line) == 0 {
			continue
		}
		strokeLine(canvas, ink, thickLine, dashes, line...)
		for _, at := range line {
			if curve.SharedWorkers {
				disc(canvas, ink, at.X, at.Y, 3.5)
				continue
			}
			ring(canvas, ink, at.X, at.Y, 3.5, mediumLine)
		}
		ends[i] = line[len(line)-1].Y
	}
	c.names(canvas, ends, x)
}

// curveStyle tells the designs apart by colour, by mark and by dashes.
func curveStyle(c *estimate.CascadeCurve) (ink color.Color, dashes []vg.Length) {
	ink = blue
	if c.SharedWorkers {
		ink = vermillion
	}
	if c.ChecksDependencies {
		dashes = []vg.Length{6, 3}
	}
	return ink, dashes
}

// names writes what the curves are to the right of their ends, apart from each
// other.
func (c *Cascade) names(canvas draw.Canvas, ends []vg.Length, x func(float64) vg.Length) {
	const apart = vg.Length(36)
	order := make([]int, len(ends))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ends[b], ends[a]) })
	heights := slices.Clone(ends)
	for at, i := range order { // downwards from the top
		if at > 0 {
			heights[i] = min(heights[i], heights[order[at-1]]-apart)
		}
	}
	floor := canvas.Min.Y + 8
	for at := len(order) - 1; at >= 0; at-- { // and up again from the bottom
		i := order[at]
		heights[i] = max(heights[i], floor)
		floor = heights[i] + apart
	}
	for i := range c.Curves {
		curve := &c.Curves[i]
		if len(curve.Points) == 0 {
			continue
		}
		ink, _ := curveStyle(curve)
		from := vg.Point{X: x(curve.Points[len(curve.Points)-1].Load) + 10, Y: ends[i]}
		to := vg.Point{X: canvas.Max.X + 8, Y: heights[i] + 2}
		strokeLine(canvas, ink, thinLine, nil, from, to)
		first, second, both := strings.Cut(c.designOf(curve), " and ")
		switch {
		case curve.AsItIs && both:
			second += ": as it is"
		case curve.AsItIs:
			second = "as it is"
		}
		writeText(canvas, strongly.in(ink), to.X+4, heights[i], left, first)
		writeText(canvas, smallText.in(ink), to.X+4, heights[i]-11, left, second)
	}
}
