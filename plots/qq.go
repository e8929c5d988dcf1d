package plots

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/sim/fit"
)

// QQ sets measured quantiles against those of the distribution fitted to them:
// points on the diagonal mean that the two agree, within the band that samples
// of the fitted distribution fill.
type QQ struct {
	Title  string // empty: "Do the measurements (Source) look like the fitted distribution?"
	Source string // of the measurements
	Seed   uint64
	Family string
	PValue float64 // of the goodness of fit; NaN: not known
	// Confidence is the share of samples that the band holds at each point.
	Confidence float64
	Points     []fit.Pair
}

// NewQQ returns the chart of the best fit of a result.
func NewQQ(source string, seed uint64, r *fit.Result) *QQ {
	best := &r.Fits[0]
	return &QQ{Source: source, Seed: seed, Family: best.Family, PValue: best.Goodness.PValue, Confidence: best.P50.Confidence, Points: r.Pairs}
}

// WriteCSV writes the points, in seconds.
func (q *QQ) WriteCSV(w io.Writer) error {
	rows := [][]string{{"share", "measuredSeconds", "fittedSeconds", "lowSeconds", "highSeconds"}}
	for _, p := range q.Points {
		row := []string{fmt.Sprintf("%.6g", p.P)}
		for _, x := range []float64{p.MeasuredSeconds, p.FittedSeconds, p.LowSeconds, p.HighSeconds} {
			text := ""
			if !math.IsNaN(x) {
				text = fmt.Sprintf("%.6g", x)
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("qq: %w", err)
	}
	return nil
}

// outside counts the points outside their band, and those that have one.
func (q *QQ) outside() (out, of int) {
	for _, p := range q.Points {
		if math.IsNaN(p.LowSeconds) {
			continue
		}
		of++
		if p.MeasuredSeconds < p.LowSeconds || p.MeasuredSeconds > p.HighSeconds {
			out++
		}
	}
	return out, of
}

// Sentence says how far the measurements are from the fit.
func (q *QQ) Sentence() string {
	if len(q.Points) == 0 {
		return "The measurements show no spread to compare."
	}
	last := q.Points[len(q.Points)-1]
	parts := []string{fmt.Sprintf("The longest measured quantile, %s %%, is %s, where the fitted %s has %s",
		digits(100*last.P, 3), spell(secondsOf(last.MeasuredSeconds)), q.Family, spell(secondsOf(last.FittedSeconds)))}
	if out, of := q.outside(); of > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d points lie outside the band of its own samples", out, of))
	}
	if !math.IsNaN(q.PValue) {
		verdict := "it fits"
		if q.PValue < 0.05 {
			verdict = "it does not fit well"
		}
		parts = append(parts, fmt.Sprintf("%s: samples of its own lie as far off in %s of the cases", verdict, share(q.PValue)))
	}
	return join(parts)
}

const qqHeight = 5 * vg.Inch

func (q *QQ) page() page {
	return page{cmp.Or(q.Title, fmt.Sprintf("Do the measurements (%s) look like the fitted distribution?", q.Source)), q.Sentence(), "", q.Seed}
}

// Size implements Chart.
func (q *QQ) Size() (width, height vg.Length) {
	return pageWidth, q.page().headerHeight() + footerHeight + qqHeight
}

// Draw implements Chart.
func (q *QQ) Draw(c draw.Canvas) {
	body := q.page().draw(c)
	low, high := q.reach()
	p := newPlot()
	axis := logSecondsAxis
	if high < 4*low { // too few round numbers for a logarithmic axis
		axis = secondsAxis
	}
	symbol := axis(&p.X, low, high)
	axis(&p.Y, low, high)
	p.Add(plotterFunc(gridLines), plotterFunc(q.band), plotterFunc(q.points))
	drawPlot(p, body, fmt.Sprintf("fitted: %s (%s)", q.Family, symbol), fmt.Sprintf("measured (%s)", symbol))
}

// reach returns the least and the greatest duration that is drawn.
func (q *QQ) reach() (low, high float64) {
	low, high = math.Inf(1), 0
	for _, p := range q.Points {
		for _, x := range []float64{p.MeasuredSeconds, p.FittedSeconds} {
			if x > 0 {
				low, high = math.Min(low, x), math.Max(high, x)
			}
		}
	}
	if high == 0 {
		return 0.1, 10
	}
	room := math.Pow(high/low, 0.06) * 1.05
	return math.Max(low/room, 1e-8), high * room
}

// band fills the region in which samples of the fitted distribution lie, and
// draws the diagonal.
func (q *QQ) band(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	within := func(v float64) float64 { return math.Min(math.Max(v, p.Y.Min), p.Y.Max) }
	var upper, lower []vg.Point
	for _, point := range q.Points {
		if math.IsNaN(point.LowSeconds) || !(point.FittedSeconds > 0) {
			continue
		}
		at := x(within(point.FittedSeconds))
		upper = append(upper, vg.Point{X: at, Y: y(within(point.HighSeconds))})
		lower = append([]vg.Point{{X: at, Y: y(within(point.LowSeconds))}}, lower...)
	}
	if len(upper) > 1 {
		c.FillPolygon(blueTint, append(upper, lower...))
	}
	strokeLine(c, darkGrey, mediumLine, []vg.Length{4, 3}, vg.Point{X: x(p.X.Min), Y: y(p.Y.Min)}, vg.Point{X: x(p.X.Max), Y: y(p.Y.Max)})
}

// points draws the quantiles; those outside the band are crosses.
func (q *QQ) points(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	labels := labeller{bounds: c.Rectangle}
	labels.blockLine(vg.Point{X: c.Min.X, Y: c.Min.Y}, vg.Point{X: c.Max.X, Y: c.Max.Y})
	at := func(point fit.Pair) vg.Point {
		return vg.Point{X: x(math.Max(point.FittedSeconds, p.X.Min)), Y: y(math.Max(point.MeasuredSeconds, p.Y.Min))}
	}
	for _, point := range q.Points {
		place := at(point)
		labels.block(place.X-3, place.Y-3, place.X+3, place.Y+3)
		tellAt(c, place, fmt.Sprintf("%s %%: measured %s, fitted %s", digits(100*point.P, 3), spell(secondsOf(point.MeasuredSeconds)), spell(secondsOf(point.FittedSeconds))))
		if point.MeasuredSeconds < point.LowSeconds || point.MeasuredSeconds > point.HighSeconds {
			cross(c, vermillion, place.X, place.Y, 2.6)
			continue
		}
		disc(c, blue, place.X, place.Y, 2.2)
	}
	named := time.Duration(-1)
	for _, p := range []float64{0.01, 0.1, 0.5, 0.9, 0.99} {
		if point, ok := q.nearest(p); ok && secondsOf(point.MeasuredSeconds) != named {
			named = secondsOf(point.MeasuredSeconds)
			labels.write(c, at(point), 8, smallText, smallText, fmt.Sprintf("%s %%: %s", digits(100*p, 3), spell(named)))
		}
	}
	if _, of := q.outside(); of > 0 {
		labels.writeAt(c, smallText, c.Min.X+10, c.Max.Y-16, fmt.Sprintf("band: where %s of samples of the fitted distribution lie", share(q.Confidence)))
	}
	labels.writeAt(c, smallText, c.Max.X-240, c.Min.Y+12, "above the diagonal: slower than fitted")
}

// nearest returns the point nearest to a share, if one is within a tenth of the
// smaller side of it.
func (q *QQ) nearest(p float64) (fit.Pair, bool) {
	best, distance := fit.Pair{}, math.Inf(1)
	for _, point := range q.Points {
		if away := math.Abs(point.P - p); away < distance {
			best, distance = point, away
		}
	}
	return best, distance <= math.Min(p, 1-p)/4
}
