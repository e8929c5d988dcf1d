package plots

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
)

// Limits shows how long a healthy process takes to answer a probe under each of
// several CPU limits, against the timeout, and how the quota stretches one
// answer.
type Limits struct {
	Title    string // empty: "Which CPU limit lets answers come in time?"
	Scenario string
	Seed     uint64
	Kind     model.ProbeKind
	Timeout  time.Duration
	Limits   []Limit // in the order of the limits
	// CurrentMilli is the limit as it is, in thousandths of a CPU.
	CurrentMilli int64
	// Demand is the CPU time of the answer that is drawn below, and Period that
	// of the quota; 0: none is drawn.
	Demand, Period time.Duration
}

// Limit is what answers take under one limit.
type Limit struct {
	Milli         int64 // thousandths of a CPU
	P50, P99, Max time.Duration
	Late          float64 // share of the answers that come after the timeout
	Answers       int
}

// NewLimit summarises the answers observed under one limit.
func NewLimit(milli int64, took []time.Duration, timeout time.Duration) Limit {
	sorted := slices.Sorted(slices.Values(took))
	l := Limit{Milli: milli, Answers: len(sorted)}
	if len(sorted) == 0 {
		return l
	}
	at := func(p float64) time.Duration { return sorted[int(math.Ceil(p*float64(len(sorted))))-1] }
	l.P50, l.P99, l.Max = at(0.5), at(0.99), sorted[len(sorted)-1]
	late := 0
	for _, d := range sorted {
		if d >= timeout {
			late++
		}
	}
	l.Late = float64(late) / float64(len(sorted))
	return l
}

// WriteCSV writes one line for each limit.
func (l *Limits) WriteCSV(w io.Writer) error {
	rows := [][]string{{"limitMilli", "answers", "p50Seconds", "p99Seconds", "maxSeconds", "shareLate", "timeoutSeconds"}}
	for _, limit := range l.Limits {
		rows = append(rows, []string{fmt.Sprint(limit.Milli), fmt.Sprint(limit.Answers), seconds(limit.P50), seconds(limit.P99), seconds(limit.Max), number(limit.Late), seconds(l.Timeout)})
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	return nil
}

// cliff returns the least limit from which on 99 % of the answers come in time.
// Where nothing was answered, nothing came in time.
func (l *Limits) cliff() (milli int64, found bool) {
	for _, limit := range slices.Backward(l.Limits) {
		if limit.Answers == 0 || limit.P99 >= l.Timeout {
			break
		}
		milli, found = limit.Milli, true
	}
	return milli, found
}

// silent returns the greatest of the limits under which no process came to
// serve, so that there was no answer.
func (l *Limits) silent() (milli int64, found bool) {
	for _, limit := range l.Limits {
		if limit.Answers == 0 {
			milli, found = limit.Milli, true
		}
	}
	return milli, found
}

// current returns what holds under the limit as it is; nil: that is not among
// the limits.
func (l *Limits) current() *Limit {
	i := slices.IndexFunc(l.Limits, func(one Limit) bool { return one.Milli == l.CurrentMilli })
	if i < 0 {
		return nil
	}
	return &l.Limits[i]
}

// Sentence says from which limit on answers come in time, and how many are late
// now.
func (l *Limits) Sentence() string {
	if len(l.Limits) == 0 {
		return "There are no answers to show."
	}
	told := fmt.Sprintf("No limit up to %s lets 99 %% of the answers to the %s probe come within the timeout of %s",
		quantity(l.Limits[len(l.Limits)-1].Milli), l.Kind, spell(l.Timeout))
	if milli, found := l.cliff(); found {
		told = fmt.Sprintf("From a CPU limit of %s on, 99 %% of the answers to the %s probe come within the timeout of %s", quantity(milli), l.Kind, spell(l.Timeout))
		if milli == l.Limits[0].Milli {
			told = fmt.Sprintf("Under every limit from %s on, 99 %% of the answers to the %s probe come within the timeout of %s", quantity(milli), l.Kind, spell(l.Timeout))
		}
	}
	if milli, found := l.silent(); found {
		told += fmt.Sprintf("; at %s and below no process comes to serve", quantity(milli))
	}
	if now := l.current(); now != nil && now.Answers > 0 {
		told += fmt.Sprintf("; at %s, as it is, half take up to %s, 99 %% up to %s, and %s are too late", quantity(now.Milli), spell(now.P50), spell(now.P99), lateShare(now.Late, now.Answers))
	}
	return told + "."
}

// lateShare writes a share of answers; none seen is not none.
func lateShare(late float64, answers int) string {
	if late == 0 {
		return fmt.Sprintf("none of %d", answers)
	}
	return share(late)
}

const (
	limitsHeight = 4.2 * vg.Inch
	quotaHeight  = 1.9 * vg.Inch
)

func (l *Limits) page() page {
	return page{cmp.Or(l.Title, "Which CPU limit lets answers come in time?"), l.Sentence(), l.Scenario, l.Seed}
}

// Size implements Chart.
func (l *Limits) Size() (width, height vg.Length) {
	height = l.page().headerHeight() + footerHeight + limitsHeight
	if l.hasQuota() {
		height += quotaHeight
	}
	return pageWidth, height
}

// hasQuota reports whether there is an answer to draw that the quota stops.
func (l *Limits) hasQuota() bool {
	quota := cpu.Quota(l.CurrentMilli, l.Period)
	return l.CurrentMilli > 0 && l.Period > 0 && quota > 0 && l.Demand > quota
}

// Draw implements Chart.
func (l *Limits) Draw(c draw.Canvas) {
	body := l.page().draw(c)
	if len(l.Limits) == 0 {
		return
	}
	upper := body
	if l.hasQuota() {
		upper = draw.Crop(body, 0, 0, quotaHeight, 0)
		l.drawQuota(draw.Crop(body, 0, 0, 0, -limitsHeight))
	}
	shortest, longest := l.Timeout, l.Timeout
	for _, limit := range l.Limits {
		if limit.P50 > 0 {
			shortest, longest = min(shortest, limit.P50), max(longest, limit.Max)
		}
	}
	p := newPlot()
	l.limitAxis(&p.X)
	symbol := logSecondsAxis(&p.Y, max(shortest/2, time.Microsecond).Seconds(), (longest * 2).Seconds())
	p.Add(plotterFunc(l.region), plotterFunc(gridLines), plotterFunc(l.curves))
	drawPlot(p, draw.Crop(upper, 0, -46, 0, 0), "CPU limit (log scale)", fmt.Sprintf("time of an answer (%s)", symbol))
}

// limitAxis has a tick at each limit, named where there is room.
func (l *Limits) limitAxis(axis *plot.Axis) {
	axis.Scale = plot.LogScale{}
	first, last := float64(l.Limits[0].Milli), float64(l.Limits[len(l.Limits)-1].Milli)
	axis.Min, axis.Max = first/1.1, last*1.1
	var ticks plot.ConstantTicks
	for _, limit := range l.Limits {
		ticks = append(ticks, plot.Tick{Value: float64(limit.Milli), Label: quantity(limit.Milli)})
	}
	axis.Tick.Marker = ticks
}

// region shades the answers that are too late, and the limits under which there
// are none.
func (l *Limits) region(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	fillBox(c, redTint, c.Min.X, toY(l.Timeout.Seconds()), c.Max.X, c.Max.Y)
	if milli, found := l.silent(); found {
		fillBox(c, lightGrey, c.Min.X, c.Min.Y, toX(float64(milli))+4, toY(l.Timeout.Seconds()))
	}
}

func (l *Limits) curves(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	y := func(d time.Duration) vg.Length { return toY(min(max(d.Seconds(), p.Y.Min), p.Y.Max)) }
	labels := labeller{bounds: vg.Rectangle{Min: c.Min, Max: vg.Point{X: c.Max.X + 46, Y: c.Max.Y}}}
	bound := y(l.Timeout)
	strokeLine(c, vermillion, mediumLine, []vg.Length{4, 3}, vg.Point{X: c.Min.X, Y: bound}, vg.Point{X: c.Max.X, Y: bound})
	labels.block(c.Min.X, bound-1, c.Max.X, bound+1)
	if milli, found := l.silent(); found {
		for i, line := range wrap(smallText, "no process comes to serve", toX(float64(milli))-c.Min.X-4) {
			labels.writeAt(c, smallText.in(black), c.Min.X+4, bound-14-vg.Length(i)*smallText.lineHeight(), line)
		}
	}
	if milli, found := l.cliff(); found {
		x := toX(float64(milli))
		strokeLine(c, green, mediumLine, nil, vg.Point{X: x, Y: c.Min.Y}, vg.Point{X: x, Y: bound})
		labels.block(x-clearance, c.Min.Y, x+clearance, bound)
	}
	series := []struct {
		name   string
		of     func(Limit) time.Duration
		dashes []vg.Length
		width  vg.Length
	}{
		{"max", func(l Limit) time.Duration { return l.Max }, []vg.Length{2, 2}, mediumLine},
		{"p99", func(l Limit) time.Duration { return l.P99 }, nil, thickLine},
		{"p50", func(l Limit) time.Duration { return l.P50 }, []vg.Length{7, 2}, mediumLine},
	}
	var ends []vg.Point
	for _, s := range series {
		var line []vg.Point
		for _, limit := range l.Limits {
			if limit.Answers > 0 {
				line = append(line, vg.Point{X: toX(float64(limit.Milli)), Y: y(s.of(limit))})
				tellAt(c, line[len(line)-1], fmt.Sprintf("CPU limit %s, %s of %s: %s; %s too late",
					quantity(limit.Milli), s.name, plural(limit.Answers, "answer"), spell(s.of(limit)), lateShare(limit.Late, limit.Answers)))
			}
		}
		if len(line) == 0 {
			return
		}
		strokeLine(c, darkGrey, s.width, s.dashes, line...)
		for _, point := range line {
			disc(c, darkGrey, point.X, point.Y, 2)
		}
		labels.blockLines(line)
		ends = append(ends, line[len(line)-1])
	}
	lowest := c.Max.Y + 100
	for i, s := range series { // from the top down, never one over another
		lowest = min(ends[i].Y, lowest-10)
		writeMiddle(c, strongly, c.Max.X+6, lowest, left, s.name)
	}
	l.label(c, p, bound, &labels)
}

// label names the timeout, the cliff and the limit as it is.
func (l *Limits) label(c draw.Canvas, p *plot.Plot, bound vg.Length, labels *labeller) {
	toX, toY := p.Transforms(&c)
	if now := l.current(); now != nil && now.Answers > 0 {
		at := vg.Point{X: toX(float64(now.Milli)), Y: toY(max(now.P99.Seconds(), p.Y.Min))}
		ring(c, vermillion, at.X, at.Y, 4.5, thickLine)
		labels.block(at.X-5, at.Y-5, at.X+5, at.Y+5)
		labels.write(c, at, 9, strongly.in(vermillion), smallText, "now "+quantity(now.Milli), lateShare(now.Late, now.Answers)+" too late")
	}
	if milli, found := l.cliff(); found {
		labels.write(c, vg.Point{X: toX(float64(milli)), Y: (c.Min.Y + bound) / 2}, 8, strongly.in(green), smallText, "from "+quantity(milli)+" on", "99 % in time")
	}
	for x := c.Max.X - 150; x > c.Min.X; x -= 12 {
		if labels.writeAt(c, strongly.in(vermillion), x, bound+5, "too late: timeout "+spell(l.Timeout)) {
			break
		}
	}
}
