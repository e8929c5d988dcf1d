package estimate

import (
	"math"
	"sort"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/calc"
)

// startLossBound returns an upper bound of the probability that a probe kills a
// process before it has served, +Inf where none is known. It is for starts that
// stalls, interruptions and neighbours delay, and so rarely kill that no
// simulation of starts would tell how rarely.
//
// The probe kills after F failures in a row, of which attempt i begins at t(i) at
// the earliest. Some attempt m is the last that finds the process starting, and the
// F−m after it fail although it serves:
//
//	P(kill) <= sum over m of P(start + standstills > t(m)) × P(F−m attempts in a row fail)
//
// The first factor is a convolution on a grid in which every duration is rounded
// up, the second the closed form's (S1, S3) for a window of attempts. They may be
// multiplied where stalls come at random, so that those after the start know nothing
// of it. Elsewhere, whatever m is, either the process does not serve at t(m) yet, or
// it does and the F−m+1 attempts from there on fail:
//
//	P(kill) <= min over m of P(start + standstills > t(m)) + P(F−m+1 attempts in a row fail)
func startLossBound(w *model.World) float64 {
	if len(w.Node.Classes) > 0 {
		mean := 0.0
		onClasses(w, func(share float64, on *model.World) { mean += share * startLossBound(on) })
		return mean
	}
	kind := model.Startup
	if w.Container().Probes[kind] == nil {
		kind = model.Liveness
	}
	p := w.Container().Probes[kind]
	if p == nil {
		return 0
	}
	closed := NewClosedForm(w, kind)
	if closed.Why != "" || p.Handler.Kind == model.Exec {
		return math.Inf(1)
	}
	reached := *p // a longer way to the verdict leads past a shorter one
	reached.FailureThreshold = min(p.FailureThreshold, mostCounted)
	late := newLateness(w, firstVerdict(&reached))
	if late == nil {
		return math.Inf(1)
	}
	return late.losses(&reached, closed.windows(&reached), memoryless(w, kind))
}

// StartTail bounds how many starts take long, where no probe kills any: on each class
// of nodes by the convolution of what a start consists of and what delays it.
type StartTail struct {
	classes []lateness
	shares  []float64
}

// NewStartTail returns the bound of a world's starts as far as the time given, nil
// where none is known.
func NewStartTail(w *model.World, until time.Duration) *StartTail {
	t := &StartTail{}
	if len(w.Node.Classes) == 0 {
		return t.with(1, w, until)
	}
	onClasses(w, func(share float64, on *model.World) {
		if t != nil {
			t = t.with(share, on, until)
		}
	})
	return t
}

// with adds a share of the starts, those in a world of one class of node.
func (t *StartTail) with(share float64, w *model.World, until time.Duration) *StartTail {
	if obstacle(w, model.Startup) != "" {
		return nil
	}
	late := newLateness(w, until)
	if late == nil {
		return nil
	}
	t.classes, t.shares = append(t.classes, *late), append(t.shares, share)
	return t
}

// Beyond returns a bound of the probability that a start takes longer.
func (t *StartTail) Beyond(d time.Duration) float64 {
	sum := 0.0
	for i := range t.classes {
		sum += t.shares[i] * t.classes[i].beyond(d)
	}
	return sum
}

// Within returns the least time, to a thousandth of that as far as which the bound is
// known, beyond which no more than a share of the starts take. ok is false if there
// is none.
func (t *StartTail) Within(share float64) (d time.Duration, ok bool) {
	width := t.classes[0].width // the same of all
	i := sort.Search(gridCells, func(i int) bool { return t.Beyond(time.Duration(i)*width) <= share })
	return time.Duration(i) * width, i < gridCells
}

// losses puts the start and the attempts after it together.
func (l *lateness) losses(p *model.Probe, windows []float64, memoryless bool) float64 {
	window := func(n int32) float64 { return windows[min(int(n), len(windows)-1)] }
	sum, least := 0.0, math.Inf(1)
	for m := int32(1); m <= p.FailureThreshold; m++ {
		before := *p
		before.FailureThreshold = m
		starting := l.beyond(firstVerdict(&before))
		sum += starting * window(p.FailureThreshold-m)
		least = math.Min(least, starting+window(p.FailureThreshold-m+1))
	}
	if memoryless {
		least = math.Min(least, sum)
	}
	return least
}

// memoryless reports whether all that stops the process or fails its probe comes
// at random.
func memoryless(w *model.World, k model.ProbeKind) bool {
	all := standstills(w)
	if failing := w.Application.Probes[k].Failing; failing != nil {
		all = append(all, failing)
	}
	for _, o := range all {
		if _, random := o.Every.Nanoseconds.(dist.Exponential); !random {
			return false
		}
	}
	return true
}

// mostWindow is as many attempts in a row as are looked at: for more to fail is
// rarer still.
const mostWindow = 32

// windows returns bounds of the probability that n given attempts in a row at a
// serving process fail, by n up to mostWindow. They fail in groups: each by one
// stall that lasts from the first to the last of the group, or a single one by
// itself.
func (f *ClosedForm) windows(p *model.Probe) []float64 {
	const most = mostWindow
	_, alone := f.answers.Fails(p.Timeout())
	group, window := make([]float64, most+1), make([]float64, most+1)
	for n := 1; n <= most; n++ {
		for _, s := range f.stalls {
			group[n] += s.covers(p, n, f.answers.Slow)
		}
	}
	group[1] += alone
	window[0] = 1
	for n := 1; n <= most; n++ {
		for first := 1; first <= n; first++ {
			window[n] += group[first] * window[n-first]
		}
		window[n] = math.Min(1, window[n])
	}
	return window
}

// covers bounds the probability that a stall is under way at an attempt, or
// begins before it is answered, and lasts until n attempts from it on have failed:
// the stalls per second, of the time without one, times the mean of what they last
// beyond the least length that can.
func (s *stall) covers(p *model.Probe, n int, slow time.Duration) float64 {
	least := calc.Times(n-1, step(p))
	if !s.failing {
		least += max(0, p.Timeout()-slow)
	}
	without := 1 - s.perSecond*s.lasts.Mean().Seconds() // share of the time
	if without < 0.01 {
		return 1
	}
	return s.perSecond / without * (excess(s.lasts, least).Seconds() + slow.Seconds()*(1-s.lasts.CDF(least)))
}

// excess bounds the mean of max(0, L − c) from above: the sum of the survival at
// the lower ends of steps that grow by a twentieth.
func excess(lasts dist.Duration, c time.Duration) time.Duration {
	const (
		fewest = 1e-18 // of the survival, beyond which nothing is left
		growth = 1.05
	)
	sum, width := 0.0, float64(lasts.Mean())/100+1
	for x := float64(c); x < float64(dist.Longest); x, width = x+width, width*growth {
		survival := 1 - lasts.CDF(time.Duration(x))
		if survival < fewest {
			break
		}
		sum += survival * width
	}
	return time.Duration(math.Ceil(sum))
}

// lateness bounds the distribution of the time from a process's start to serving
// from above, on a grid of cells: cell i is what lasts up to i widths, and every
// part of a start is taken to last to the end of its cell.
type lateness struct {
	width time.Duration
	cells []float64
	rest  float64 // of what lasts longer than the last cell
}

// gridCells is how finely a lateness is known: a thousandth of the way to the
// verdict for each part of the start.
const gridCells = 1024

// rounding is more than the sums of a lateness may be wrong by.
const rounding = 1e-14

// newLateness returns the lateness of a world's starts as far as the time given,
// nil where none is known.
func newLateness(w *model.World, until time.Duration) *lateness {
	if until <= 0 || until > dist.Longest/2 {
		return nil
	}
	all := &lateness{width: until/gridCells + 1, cells: make([]float64, gridCells+1)}
	all.cells[0] = 1
	for i := range w.Application.Startup {
		stage := &w.Application.Startup[i]
		all = all.then(all.part(stage.Wait))
		if stage.CPU.IsZero() {
			continue
		}
		wall := sim.StartWork(w, stage)
		if wall == nil {
			return nil
		}
		all = all.then(all.work(stage.CPU, wall))
	}
	for _, still := range standstills(w) {
		if still.Lasts.IsZero() {
			continue
		}
		more := all.during(still)
		if more == nil {
			return nil
		}
		all = all.then(all.underWay(still)).then(more)
	}
	return all
}

// standstills returns what stops a process that starts.
func standstills(w *model.World) []*model.OnOff {
	var all []*model.OnOff
	for i := range w.Application.Pauses {
		all = append(all, &w.Application.Pauses[i])
	}
	for i := range w.Node.Stalls {
		all = append(all, &w.Node.Stalls[i].OnOff)
	}
	return all
}

// beyond returns the bound of the probability of a start that takes longer.
func (l *lateness) beyond(t time.Duration) float64 {
	sum := l.rest + rounding
	for i := len(l.cells) - 1; i >= 0 && time.Duration(i)*l.width > t; i-- {
		sum += l.cells[i]
	}
	return math.Min(1, sum)
}

// like returns an empty lateness on the same grid.
func (l *lateness) like() *lateness {
	return &lateness{width: l.width, cells: make([]float64, len(l.cells))}
}

// put adds mass to the cell that a time ends in.
func (l *lateness) put(mass float64, at time.Duration) {
	if cell := (at + l.width - 1) / l.width; cell < time.Duration(len(l.cells)) {
		l.cells[cell] += mass
		return
	}
	l.rest += mass
}

// then returns the lateness of one after the other.
func (l *lateness) then(next *lateness) *lateness {
	both, mass := l.like(), next.rest
	for _, m := range next.cells {
		mass += m
	}
	both.rest = l.rest * mass
	for i, m := range l.cells {
		if m == 0 {
			continue
		}
		both.rest += m * next.rest
		for j, n := range next.cells {
			if i+j < len(both.cells) {
				both.cells[i+j] += m * n
			} else {
				both.rest += m * n
			}
		}
	}
	return both
}

// part returns the lateness of a duration.
func (l *lateness) part(d dist.Duration) *lateness {
	part := l.like()
	if d.IsZero() {
		part.cells[0] = 1
		return part
	}
	below := 0.0
	for i := range part.cells {
		upTo := d.CDF(time.Duration(i) * l.width)
		part.cells[i], below = upTo-below, upTo
	}
	part.rest = 1 - below
	return part
}

// work returns the lateness of CPU work that takes wall time by how much it is.
func (l *lateness) work(d dist.Duration, wall func(time.Duration) time.Duration) *lateness {
	const growth = 1.01              // of the steps in which the work is looked at
	const mostWork = 100 * time.Hour // beyond which sim.StartWork tells no work from another
	part, below := l.like(), 0.0
	end := time.Duration(len(l.cells)) * l.width
	for work := time.Microsecond; work < mostWork && wall(work) < end; work = time.Duration(float64(work)*growth) + 1 {
		upTo := d.CDF(work)
		part.put(upTo-below, wall(work))
		below = upTo
	}
	part.rest += 1 - below
	return part
}

// underWay returns the lateness of a standstill that the start may begin in: what
// is left of it by the law of renewal.
func (l *lateness) underWay(o *model.OnOff) *lateness {
	part := l.like()
	part.cells[0] = 1
	perSecond := 1 / (o.Every.Mean() + o.Lasts.Mean()).Seconds()
	for i := 1; i < len(part.cells); i++ {
		part.cells[i] = perSecond * l.width.Seconds() * (1 - o.Lasts.CDF(time.Duration(i-1)*l.width))
	}
	part.rest = perSecond * excess(o.Lasts, time.Duration(len(l.cells)-1)*l.width).Seconds()
	return part
}

// during returns the lateness of the standstills that begin during the start, of
// which there are no more than in as long a time as the grid has without any: a
// Poisson number if they come at random (the sum by Panjer's recursion), and
// otherwise one more with at most the probability that the next comes within that
// time. It is nil where that is too many to bound.
func (l *lateness) during(o *model.OnOff) *lateness {
	span := time.Duration(len(l.cells)) * l.width
	one, sum := l.part(o.Lasts), l.like()
	one.cells[1] += one.cells[0] // those of no length
	if _, random := o.Every.Nanoseconds.(dist.Exponential); random {
		mean := span.Seconds() / o.Every.Mean().Seconds()
		if mean > 500 { // e^-mean would be too small a number to begin with
			return nil
		}
		sum.cells[0], sum.rest = math.Exp(-mean), 1-math.Exp(-mean)
		for n := 1; n < len(sum.cells); n++ {
			for a := 1; a <= n; a++ {
				sum.cells[n] += mean / float64(n) * float64(a) * one.cells[a] * sum.cells[n-a]
			}
			sum.rest -= sum.cells[n]
		}
		sum.rest = math.Max(0, sum.rest)
		return sum
	}
	next := math.Max(o.Every.CDF(span), span.Seconds()/(o.Every.Mean()+o.Lasts.Mean()).Seconds())
	if next > 0.9 {
		return nil
	}
	sum.cells[0], sum.rest = 1, next/(1-next)
	for n := 1; n < len(sum.cells); n++ {
		for a := 1; a <= n; a++ {
			sum.cells[n] += next * one.cells[a] * sum.cells[n-a]
		}
		sum.rest -= sum.cells[n]
	}
	sum.rest = math.Max(0, sum.rest)
	return sum
}
