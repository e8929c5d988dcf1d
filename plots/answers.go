package plots

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"image/color"
	"io"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
)

// Answers shows how long a healthy process takes to answer a probe against the
// timeout: the share of answers that take longer than t, on log scales.
type Answers struct {
	Title    string // empty: "Do answers come within the timeout?"
	Scenario string
	Seed     uint64
	Kind     model.ProbeKind
	CPULimit string          // of the container, a Kubernetes quantity; empty: none
	Took     []time.Duration // each answer, however long
	Timeout  time.Duration
	Proposed time.Duration // timeout proposed in its place; 0: none
}

// NewAnswers returns the chart of what probes of a kind would have met in a
// world. Answers of a process that was still starting, and failures, whose time
// says nothing, are left out.
func NewAnswers(w *model.World, seed uint64, kind model.ProbeKind, observed []sim.Observation) *Answers {
	a := &Answers{Scenario: w.Name, Seed: seed, Kind: kind, Timeout: time.Second} // K55's default
	if probe := w.Container().Probes[kind]; probe != nil {
		a.Timeout = probe.Timeout()
	}
	if limit := w.Container().CPULimitMilli; limit > 0 {
		a.CPULimit = quantity(limit)
	}
	for _, o := range observed {
		if !o.Starting && !o.Failed {
			a.Took = append(a.Took, o.Latency)
		}
	}
	return a
}

// WriteCSV writes the survival function of the answers, without steps too small
// to matter, and the timeouts.
func (a *Answers) WriteCSV(w io.Writer) error {
	rows := [][]string{{"series", "seconds", "shareLonger"}}
	steps := survival(a.Took, nil)
	for _, step := range thinned(steps) {
		rows = append(rows, []string{"answers", seconds(step.at), number(step.share)})
	}
	for _, t := range a.timeouts() {
		rows = append(rows, []string{t.name, seconds(t.at), shareBeyond(steps, t.at)})
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("answers: %w", err)
	}
	return nil
}

// timeout is a timeout that is marked.
type timeout struct {
	at   time.Duration
	name string
	ink  color.Color
}

func (a *Answers) timeouts() []timeout {
	timeouts := []timeout{{a.Timeout, "timeout", vermillion}}
	if a.Proposed > 0 && a.Proposed != a.Timeout {
		timeouts = append(timeouts, timeout{a.Proposed, "proposed timeout", blue})
	}
	return timeouts
}

// Sentence says which share of the answers is too late.
func (a *Answers) Sentence() string {
	if len(a.Took) == 0 {
		return "There are no answers to show."
	}
	steps := survival(a.Took, nil)
	median, _ := quantile(steps, 0.5)
	subject := fmt.Sprintf("half of %s to the %s probe come within %s", plural(len(a.Took), "answer"), a.Kind, spell(median))
	if a.CPULimit != "" {
		subject = fmt.Sprintf("at a CPU limit of %s %s", a.CPULimit, subject)
	}
	var late []string
	for _, t := range a.timeouts() {
		late = append(late, fmt.Sprintf("with a %s of %s %s", t.name, spell(t.at), a.tellLate(steps, t.at)))
	}
	return upperFirst(subject) + "; " + strings.Join(late, ", ") + "."
}

// tellLate writes which share of answers takes longer than a timeout.
func (a *Answers) tellLate(steps []step, timeout time.Duration) string {
	late := exceed(steps, timeout)
	if late <= 1e-12 {
		return fmt.Sprintf("none of %d is too late", len(a.Took))
	}
	return share(late) + " are too late"
}

const answersHeight = 4.4 * vg.Inch

func (a *Answers) page() page {
	return page{cmp.Or(a.Title, "Do answers come within the timeout?"), a.Sentence(), a.Scenario, a.Seed}
}

// Size implements Chart.
func (a *Answers) Size() (width, height vg.Length) {
	return pageWidth, a.page().headerHeight() + footerHeight + answersHeight
}

// Draw implements Chart.
func (a *Answers) Draw(c draw.Canvas) {
	body := a.page().draw(c)
	steps := survival(a.Took, nil)
	shortest, longest := a.Timeout/100, 5*max(a.Timeout, a.Proposed, time.Microsecond)
	if len(steps) > 0 {
		early, _ := quantile(steps, 0.01) // what is faster still says nothing more
		shortest = min(shortest, early/2)
		longest = max(longest, steps[len(steps)-1].at*3/2)
	}
	shortest = min(max(shortest, longest/1e6, time.Microsecond), longest/10)
	p := newPlot()
	logAxis(&p.Y, leastShare(steps), 1)
	symbol := logSecondsAxis(&p.X, shortest.Seconds(), longest.Seconds())
	p.Add(plotterFunc(a.region), plotterFunc(gridLines), plotterFunc(func(c draw.Canvas, p *plot.Plot) { a.curve(c, p, steps) }))
	drawPlot(p, body, fmt.Sprintf("time t of an answer (%s)", symbol), "share of answers that take longer than t (log scale)")
}

// region shades the answers that are too late.
func (a *Answers) region(c draw.Canvas, p *plot.Plot) {
	fillBox(c, redTint, timeX(c, p)(a.Timeout), c.Min.Y, c.Max.X, c.Max.Y)
	writeText(c, smallText.in(vermillion), c.Max.X-4, c.Max.Y-12, right, "too late")
}

func (a *Answers) curve(c draw.Canvas, p *plot.Plot, steps []step) {
	x := timeX(c, p)
	_, toY := p.Transforms(&c)
	y := func(share float64) vg.Length { return toY(max(share, p.Y.Min)) }
	labels := labeller{bounds: c.Rectangle}
	labels.block(c.Max.X-50, c.Max.Y-16, c.Max.X, c.Max.Y)
	line := stairs(c.Min.X, steps, x, y)
	strokeLine(c, darkGrey, thickLine, nil, line...)
	labels.blockLines(line)
	tellSteps(c, steps, func(at time.Duration, p float64) vg.Point { return vg.Point{X: x(at), Y: y(1 - p)} },
		func(at time.Duration, p float64) string {
			return fmt.Sprintf("%s of answers take up to %s", share(p), spell(at))
		})
	for _, p := range []float64{0.999, 0.9999} {
		tellStep(c, steps, p, func(at time.Duration, p float64) vg.Point { return vg.Point{X: x(at), Y: y(1 - p)} },
			func(at time.Duration, p float64) string {
				return fmt.Sprintf("%s of answers take longer than %s", share(1-p), spell(at))
			})
	}
	for _, t := range a.timeouts() {
		strokeLine(c, t.ink, mediumLine, []vg.Length{4, 3}, vg.Point{X: x(t.at), Y: c.Min.Y}, vg.Point{X: x(t.at), Y: c.Max.Y})
		labels.block(x(t.at)-clearance, c.Min.Y, x(t.at)+clearance, c.Max.Y)
	}
	for _, t := range a.timeouts() {
		at := vg.Point{X: x(t.at), Y: c.Min.Y + (c.Max.Y-c.Min.Y)/4}
		text := "no answers"
		if len(steps) > 0 {
			text = a.tellLate(steps, t.at)
			if late := exceed(steps, t.at); late >= p.Y.Min {
				at.Y = y(late)
				disc(c, t.ink, at.X, at.Y, 4)
				labels.block(at.X-4, at.Y-4, at.X+4, at.Y+4)
			}
		}
		labels.write(c, at, 8, strongly.in(t.ink), labelText, t.name+" "+spell(t.at), text)
	}
	if median, ok := quantile(steps, 0.5); ok {
		labels.write(c, vg.Point{X: x(median), Y: y(0.5)}, 8, strongly.in(darkGrey), smallText, plural(len(a.Took), "answer"), "median "+spell(median))
	}
}
