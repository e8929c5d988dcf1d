package plots

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"image/color"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
)

// Delays shows what follows a hang and when: the share of hangs by t after
// which no proxy sends requests any more, the kill is decided, and the pod
// serves in the endpoints again.
type Delays struct {
	Title    string // empty: "How long does a hung process keep getting traffic?"
	Scenario string
	Seed     uint64
	// Each holds one duration from the hang for each hang.
	Removals, Detections, Recoveries []time.Duration
	// MaxRemovalSeconds and MaxDetectionSeconds bound the 99th percentiles; 0:
	// no such objective.
	MaxRemovalSeconds, MaxDetectionSeconds float64
}

// NewDelays returns the chart of what outcomes have sampled, with the
// objectives on the 99th percentiles of removalSeconds and detectionSeconds.
func NewDelays(scenario string, seed uint64, outcomes []*sim.Outcome, objectives []model.Objective) *Delays {
	d := &Delays{Scenario: scenario, Seed: seed}
	for _, o := range outcomes {
		d.Removals = append(d.Removals, o.Removals...)
		d.Detections = append(d.Detections, o.Detections...)
		d.Recoveries = append(d.Recoveries, o.Recoveries...)
	}
	for _, o := range objectives {
		switch {
		case o.AtLeast || o.Statistic != "p99":
		case o.Measure == "removalSeconds":
			d.MaxRemovalSeconds = o.Bound
		case o.Measure == "detectionSeconds":
			d.MaxDetectionSeconds = o.Bound
		}
	}
	return d
}

// delay is one of the curves.
type delay struct {
	name   string
	told   string // what has happened by then
	ink    color.Color
	dashes []vg.Length
	bound  float64 // seconds, of the 99th percentile; 0: none
	steps  []step
}

// delays returns the curves that have data, in the order in which things happen.
func (d *Delays) delays() []delay {
	var all []delay
	for _, candidate := range []delay{
		{"no traffic", "traffic stops", blue, nil, d.MaxRemovalSeconds, survival(d.Removals, nil)},
		{"kill decided", "liveness decides to kill", vermillion, []vg.Length{7, 2}, d.MaxDetectionSeconds, survival(d.Detections, nil)},
		{"serving again", "the pod serves again", green, []vg.Length{2, 2}, 0, survival(d.Recoveries, nil)},
	} {
		if len(candidate.steps) > 0 {
			all = append(all, candidate)
		}
	}
	return all
}

// WriteCSV writes the distribution function of each delay.
func (d *Delays) WriteCSV(w io.Writer) error {
	rows := [][]string{{"series", "seconds", "share"}}
	for _, delay := range d.delays() {
		for _, step := range delay.steps {
			rows = append(rows, []string{delay.name, seconds(step.at), fmt.Sprintf("%.6g", 1-step.share)})
		}
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("delays: %w", err)
	}
	return nil
}

// Sentence says by when 99 % of the hangs have come how far.
func (d *Delays) Sentence() string {
	var parts []string
	for _, delay := range d.delays() {
		median, _ := quantile(delay.steps, 0.5)
		p99, _ := quantile(delay.steps, 0.99)
		if len(parts) == 0 {
			most := max(len(d.Removals), len(d.Detections), len(d.Recoveries))
			parts = append(parts, fmt.Sprintf("After a hang %s within %s in half of %s and within %s in 99 %%",
				delay.told, spell(median), plural(most, "case"), spell(p99)))
			continue
		}
		parts = append(parts, fmt.Sprintf("%s within %s and %s", delay.told, spell(median), spell(p99)))
	}
	if len(parts) == 0 {
		return "No hang was followed to its end."
	}
	return join(parts)
}

const delaysHeight = 4.4 * vg.Inch

func (d *Delays) page() page {
	return page{cmp.Or(d.Title, "How long does a hung process keep getting traffic?"), d.Sentence(), d.Scenario, d.Seed}
}

// Size implements Chart.
func (d *Delays) Size() (width, height vg.Length) {
	return pageWidth, d.page().headerHeight() + footerHeight + delaysHeight + d.waterfallHeight()
}

// Draw implements Chart.
func (d *Delays) Draw(c draw.Canvas) {
	body := d.page().draw(c)
	longest := max(d.MaxDetectionSeconds, d.MaxRemovalSeconds)
	for _, delay := range d.delays() {
		longest = max(longest, delay.steps[len(delay.steps)-1].at.Seconds())
	}
	if longest == 0 {
		longest = 60
	}
	p := newPlot()
	symbol := secondsAxis(&p.X, 0, longest*1.15)
	percentAxis(&p.Y)
	p.Add(plotterFunc(gridLines), plotterFunc(d.curves))
	curves := draw.Crop(body, 0, 0, 0, -d.waterfallHeight())
	drawPlot(p, curves, fmt.Sprintf("time t since the hang (%s)", symbol), "share of hangs after which it has happened by t")
	d.waterfall(draw.Crop(body, 0, 0, body.Max.Y-body.Min.Y-d.waterfallHeight(), 0), p, p.DataCanvas(plotCanvas(curves)))
}

func (d *Delays) curves(c draw.Canvas, p *plot.Plot) {
	x := timeX(c, p)
	_, y := p.Transforms(&c)
	labels := labeller{bounds: c.Rectangle}
	delays := d.delays()
	for _, delay := range delays {
		line := stairs(x(delay.steps[0].at), delay.steps, x, func(share float64) vg.Length { return y(1 - share) })
		strokeLine(c, delay.ink, thickLine, delay.dashes, line...)
		labels.blockLines(line)
		tellSteps(c, delay.steps, func(at time.Duration, p float64) vg.Point { return vg.Point{X: x(at), Y: y(p)} },
			func(at time.Duration, p float64) string {
				return fmt.Sprintf("%s of hangs: %s within %s", share(p), delay.told, spell(at))
			})
	}
	for _, delay := range delays {
		if delay.bound > 0 {
			bound := x(secondsOf(delay.bound))
			strokeLine(c, delay.ink, thinLine, []vg.Length{4, 3}, vg.Point{X: bound, Y: c.Min.Y}, vg.Point{X: bound, Y: y(0.99)})
			labels.block(bound-clearance, c.Min.Y, bound+clearance, y(0.99))
			labels.block(bound-4, y(0.99)-4, bound+4, y(0.99)+4)
			ring(c, delay.ink, bound, y(0.99), 3.5, mediumLine)
		}
	}
	nameObjectives(c, delays, x, y(0.99), &labels)
	for i, delay := range delays {
		p99, _ := quantile(delay.steps, 0.99)
		for _, at := range []float64{0.5, 0.3, 0.7, 0.15, 0.85} {
			reached, _ := quantile(delay.steps, at)
			lines := []string{delay.name, "99 % within " + spell(p99)}
			if delay.bound > 0 {
				lines = append(lines, fmt.Sprintf("objective: %s, %s", spell(secondsOf(delay.bound)), verdictOf(p99, delay.bound)))
			}
			if labels.write(c, vg.Point{X: x(reached), Y: y(at - 0.04*float64(i))}, 7, strongly.in(delay.ink), smallText, lines...) {
				break
			}
		}
	}
}

// nameObjectives writes beside each bound's ring whose it is.
func nameObjectives(c draw.Canvas, delays []delay, x func(time.Duration) vg.Length, y vg.Length, labels *labeller) {
	names := map[float64]string{}
	for _, delay := range delays {
		switch names[delay.bound] {
		case "":
			names[delay.bound] = "objective: " + delay.name
		default:
			names[delay.bound] += ", " + delay.name
		}
	}
	for _, bound := range slices.Sorted(maps.Keys(names)) {
		if bound > 0 {
			labels.writeClose(c, vg.Point{X: x(secondsOf(bound)), Y: y}, 7, smallText, names[bound])
		}
	}
}

// verdictOf says whether an objective on the 99th percentile is met.
func verdictOf(p99 time.Duration, bound float64) string {
	if p99.Seconds() <= bound || math.Abs(p99.Seconds()-bound) < 1e-9 {
		return "met"
	}
	return "missed"
}
