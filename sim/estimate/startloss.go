package estimate

import (
	"math"
	"slices"
	"sort"
	"sync"
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
// of nodes by the convolution of what a start consists of and what delays it. The less
// far it has to look the closer is the bound, so it looks no further than it is asked
// to, by steps of a tenth. It is safe for use by several goroutines.
type StartTail struct {
	worlds []*model.World // of one class of node each
	shares []float64

	asked sync.Mutex
	known map[int][]*lateness // by step
}

// NewStartTail returns the bound of a world's starts. It is nil where none is known of
// those that take as long as the time given.
func NewStartTail(w *model.World, about time.Duration) *StartTail {
	t := &StartTail{known: map[int][]*lateness{}}
	add := func(share float64, on *model.World) {
		t.worlds, t.shares = append(t.worlds, on), append(t.shares, share)
	}
	if len(w.Node.Classes) == 0 {
		add(1, w)
	} else {
		onClasses(w, add)
	}
	for _, on := range t.worlds {
		if obstacle(on, model.Startup) != "" {
			return nil
		}
	}
	if slices.Contains(t.far(stepTo(about)), nil) {
		return nil
	}
	return t
}

// growth is that of the steps of a StartTail.
const growth = 1.1

// stepTo returns the least step that is as far as a time.
func stepTo(d time.Duration) int {
	return int(math.Ceil(math.Log(math.Max(float64(d), 1)) / math.Log(growth)))
}

// far returns the lateness on each class of nodes as far as a step.
func (t *StartTail) far(step int) []*lateness {
	t.asked.Lock()
	defer t.asked.Unlock()
	all, known := t.known[step]
	if !known {
		until := math.Min(math.Pow(growth, float64(step)), float64(dist.Longest))
		for _, w := range t.worlds {
			all = append(all, newLateness(w, time.Duration(until)))
		}
		t.known[step] = all
	}
	return all
}

// Beyond returns a bound of the probability that a start takes longer.
func (t *StartTail) Beyond(d time.Duration) float64 { return t.beyond(stepTo(d), d) }

func (t *StartTail) beyond(step int, d time.Duration) float64 {
	sum := 0.0
	for i, late := range t.far(step) {
		if late == nil {
			return 1
		}
		sum += t.shares[i] * late.beyond(d)
	}
	return math.Min(1, sum)
}

// Within returns a time beyond which no more than a share of the starts take: the
// least by this bound between two times, to a thousandth. ok is false if there is none.
func (t *StartTail) Within(share float64, from, to time.Duration) (d time.Duration, ok bool) {
	for step := stepTo(from); step <= stepTo(to); step++ {
		until := time.Duration(math.Pow(growth, float64(step)))
		if t.beyond(step, until) > share {
			continue
		}
		low := max(from, time.Duration(float64(until)/growth))
		width := (until - low) / 100
		i := sort.Search(100, func(i int) bool { return t.beyond(step, low+time.Duration(i)*width) <= share })
		d = low + time.Duration(i)*width
		return d, d <= to
	}
	return 0, false
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
	most := slowdown{times: 1}
	for i := range w.Application.Startup {
		stage := &w.Application.Startup[i]
		all = all.then(all.part(stage.Wait))
		if stage.CPU.IsZero() {
			continue
		}
		wall := sim.NewStartWork(w, stage)
		if wall == nil {
			return nil
		}
		all = all.then(all.work(stage.CPU, wall, &most))
	}
	if most.share > 0 {
		all = all.slowed(all.lostTo(w.Node.Neighbours, &most), &most)
	}
	for _, still := range standstills(w) {
		if still.Lasts.IsZero() {
			continue
		}
		more := all.during(still, still.Lasts)
		if more == nil {
			return nil
		}
		all = all.then(all.underWay(still, 1, 0)).then(more)
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

// some returns the cells up to the last with any mass.
func (l *lateness) some() []float64 {
	n := len(l.cells)
	for n > 0 && l.cells[n-1] == 0 {
		n--
	}
	return l.cells[:n]
}

// then returns the lateness of one after the other.
func (l *lateness) then(next *lateness) *lateness {
	both, mass := l.like(), next.rest
	some := next.some()
	for _, m := range some {
		mass += m
	}
	both.rest = l.rest * mass
	for i, m := range l.cells {
		if m == 0 {
			continue
		}
		both.rest += m * next.rest
		for j, n := range some {
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

// slowdown is what busy neighbours do to a start: at most so many times as long as
// without them and some more, if they are busy all along, and otherwise no more than a
// share of their busy times, and some more for each.
type slowdown struct {
	times float64
	more  time.Duration
	share float64
	each  time.Duration
}

// work returns the lateness of CPU work by how much it is, while no neighbour is
// busy, and adds what neighbours do to it.
func (l *lateness) work(d dist.Duration, wall *sim.StartWork, most *slowdown) *lateness {
	const finely = 1.01             // is the work looked at: by steps of a hundredth
	const mostWork = 99 * time.Hour // longer than any grid
	part, below := l.like(), 0.0
	end := time.Duration(len(l.cells)) * l.width
	far := time.Microsecond
	for far < mostWork && wall.Alone(far) < end {
		far = time.Duration(float64(far)*finely) + 1
	}
	times, more := math.Max(1, float64(wall.Beside(far))/float64(wall.Alone(far))), time.Duration(0)
	for work := time.Microsecond; work < far; work = time.Duration(float64(work)*finely) + 1 {
		alone, upTo := wall.Alone(work), d.CDF(work)
		part.put(upTo-below, alone)
		more = max(more, wall.Beside(work)-time.Duration(times*float64(alone)))
		below = upTo
	}
	part.rest += 1 - below
	share, each := wall.LostTo()
	most.times, most.share = math.Max(most.times, times), math.Max(most.share, share)
	most.more, most.each = most.more+min(more, end), max(most.each, each)
	return part
}

// lostTo returns the lateness of what neighbours' busy times cost the start: of those
// that it begins in, and of those that begin during it. It is nil where there are too
// many of them to bound.
func (l *lateness) lostTo(neighbours []model.Neighbour, most *slowdown) *lateness {
	lost := l.like()
	lost.cells[0] = 1
	for i := range neighbours {
		n := &neighbours[i]
		if n.CPURequestMilli == 0 || n.Busy.IsZero() {
			continue
		}
		busy := &model.OnOff{Every: n.Idle, Lasts: n.Busy}
		costs := dist.Duration{Nanoseconds: dist.Shift{By: float64(most.each), Of: n.Busy.Times(most.share).Nanoseconds}}
		more := l.during(busy, costs)
		if more == nil {
			return nil
		}
		lost = lost.then(l.underWay(busy, most.share, most.each)).then(more)
	}
	return lost
}

// slowed returns the lateness of what loses time to neighbours, or, if nobody knows how
// much (nil), any: no more than it would if they were busy all along.
func (l *lateness) slowed(lost *lateness, by *slowdown) *lateness {
	slowed := l.like()
	slowed.rest = l.rest
	var atLeast []float64 // of what is lost, by cells
	if lost != nil {
		atLeast = lost.atLeast()
	}
	for i, m := range l.cells {
		if m == 0 {
			continue
		}
		most := int(math.Min(float64(len(l.cells)), math.Ceil(float64(i)*by.times+float64(by.more)/float64(l.width))))
		if lost == nil {
			slowed.put(m, time.Duration(most)*l.width)
			continue
		}
		for j := 0; i+j < most; j++ {
			slowed.cells[i+j] += m * lost.cells[j]
		}
		slowed.put(m*atLeast[most-i], time.Duration(most)*l.width)
	}
	return slowed
}

// atLeast returns the mass from each cell on, to one beyond the last.
func (l *lateness) atLeast() []float64 {
	sums := make([]float64, len(l.cells)+1)
	sums[len(l.cells)] = l.rest
	for i := len(l.cells) - 1; i >= 0; i-- {
		sums[i] = sums[i+1] + l.cells[i]
	}
	return sums
}

// underWay returns the lateness of what the start may begin in: of what is left of
// that by the law of renewal it costs a share, and some more.
func (l *lateness) underWay(o *model.OnOff, share float64, more time.Duration) *lateness {
	part := l.like()
	part.cells[0] = 1
	perSecond := 1 / (o.Every.Mean() + o.Lasts.Mean()).Seconds()
	for i := 1; i < len(part.cells); i++ {
		left := time.Duration(float64(time.Duration(i-1)*l.width-more) / share)
		part.cells[i] = perSecond / share * l.width.Seconds() * (1 - o.Lasts.CDF(left))
	}
	beyond := time.Duration(float64(time.Duration(len(l.cells)-1)*l.width-more) / share)
	part.rest = perSecond * excess(o.Lasts, beyond).Seconds()
	return part
}

// during returns the lateness of what begins during the start and costs it so much
// each, of which there are no more than in as long a time as the grid has without any: a
// Poisson number if they come at random (the sum by Panjer's recursion), and
// otherwise one more with at most the probability that the next comes within that
// time. It is nil where that is too many to bound.
func (l *lateness) during(o *model.OnOff, costs dist.Duration) *lateness {
	span := time.Duration(len(l.cells)) * l.width
	one, sum := l.part(costs), l.like()
	one.cells[1] += one.cells[0] // those of no length
	longest := len(one.some()) - 1
	if _, random := o.Every.Nanoseconds.(dist.Exponential); random {
		mean := span.Seconds() / o.Every.Mean().Seconds()
		if mean > 500 { // e^-mean would be too small a number to begin with
			return nil
		}
		sum.cells[0], sum.rest = math.Exp(-mean), 1-math.Exp(-mean)
		for n := 1; n < len(sum.cells); n++ {
			for a := 1; a <= min(n, longest); a++ {
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
		for a := 1; a <= min(n, longest); a++ {
			sum.cells[n] += next * one.cells[a] * sum.cells[n-a]
		}
		sum.rest -= sum.cells[n]
	}
	sum.rest = math.Max(0, sum.rest)
	return sum
}
