package calc

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/mat"
)

// surroundings is what makes a probe fail, as a Markov process: a product of
// stalls each of which is absent or present, in one of the exponential stages of
// either; of the backlog of an event loop, in classes of so many jobs; and of at
// most one stall whose lengths are no such stages, which counts down in equal
// slices of time from the length that it was given.
type surroundings struct {
	stalls []chainStall
	rates  [2]*mat.Dense // the generator of the staged ones, and that while a counted stall keeps the process still
	frozen []bool        // by staged state: the process stands still
	busy   []bool        // by staged state: work is before the answers
	failed []bool        // by staged state: answers are failures
	slowed []float64     // by staged state: times as long answers wait

	// The stall that counts down, if there is one, with its kernels over a slice by
	// what holds throughout it.
	counted *chainStall
	slice   time.Duration
	steps   [conditions]*mat.Dense
	levels  int // slices left of it: 0 … levels−1, the last one of which stands for all longer
}

// condition is what holds throughout the histories that a kernel counts.
type condition uint8

const (
	anything   condition = iota
	unanswered           // the process stands still, or has work before the answers
	still                // the process stands still
	conditions
)

// chainStall is one of the stalls with its stages.
type chainStall struct {
	Stalls
	name          string
	factor        float64 // it only makes answers wait so many times as long; 0: they fail
	absent, lasts phases
	first         int // stage of lasts, counted from those of absent
	stages        int
	backlog       *backlog // in place of both
	classes       int      // jobs of it at the most
}

// moves returns the changes from one of the stall's stages.
func (st *chainStall) moves(stage int, frozen bool) []move {
	absent, lasts := st.absent.spread(), st.lasts.spread()
	if st.backlog != nil {
		return st.backlog.moves(stage, st.classes, lasts, frozen)
	}
	here, next, offset, at := absent, lasts, st.first, stage
	if stage >= st.first {
		here, next, offset, at = lasts, absent, 0, stage-st.first
	}
	leave := 1 / here[at].mean
	if here[at].stages > 1 {
		return []move{{stage + 1, leave}}
	}
	var all []move
	for j := range next {
		if next[j].weight > 0 {
			all = append(all, move{offset + j, leave * next[j].weight})
		}
	}
	return all
}

// mostStates bounds the states of the surroundings. Their kernels are dense.
const mostStates = 200

// slicesPerPeriod is the coarsest that a period is cut into for a stall that
// counts down.
const slicesPerPeriod = 10

// newSurroundings lays out the states of all stalls under the probe's settings.
// The error says why there is no such chain. Errors of fits are told to note.
func newSurroundings(all []chainStall, s Settings, note func(format string, args ...any)) (*surroundings, error) {
	e := &surroundings{}
	for i := range all {
		st := all[i]
		if st.backlog != nil {
			e.stalls = append(e.stalls, st.queued(note))
			continue
		}
		every, err := newPhases(st.Every)
		switch {
		case err > 0 && st.factor > 0:
			note("how long %q is idle is taken in %d exponential stages, whose distribution differs by at most %.2g: an approximation", st.name, len(every.spread()), err)
		case err > 0:
			note("the time between two stalls %q is taken in %d exponential stages, whose distribution differs by at most %.2g; single stalls do not depend on it", st.name, len(every.spread()), err)
		}
		st.absent = every
		lasts, ok := exactPhases(st.Lasts.Nanoseconds)
		if !ok && st.factor > 0 {
			lasts, err = newPhases(st.Lasts)
			note("how long %q is busy is taken in %d exponential stages, whose distribution differs by at most %.2g: an approximation", st.name, len(lasts.spread()), err)
			ok = true
		}
		switch {
		case ok:
			st.lasts = lasts
			st.first = len(st.absent.spread())
			st.stages = st.first + len(lasts.spread())
			e.stalls = append(e.stalls, st)
		case e.counted == nil:
			e.counted = &st
		default:
			return nil, fmt.Errorf("the lengths of both %q and %q are no exponential stages", e.counted.name, st.name)
		}
	}
	states := 1
	for i := range e.stalls {
		states *= e.stalls[i].stages
		if states > mostStates {
			return nil, errors.New("so many kinds of stalls have too many states together")
		}
	}
	e.layOut(states)
	if e.counted == nil {
		return e, nil
	}
	return e, e.countDown(s, note)
}

// queued lays out the classes of a backlog.
func (st chainStall) queued(note func(format string, args ...any)) chainStall {
	job, err := newPhases(st.backlog.job)
	if err > 0 {
		note("the CPU time of a background job is taken in %d exponential stages of its mean and variance: an approximation, good to about a tenth of the false kills", len(job.spread()))
	}
	st.absent, st.lasts = phases{{1, 1, float64(st.backlog.every)}}, job
	st.first, st.stages = 1, 1+st.classes*len(job.spread())
	return st
}

// spread returns the stages of all branches in a row.
func (p phases) spread() []branch {
	var stages []branch
	for _, b := range p {
		for i := range b.stages {
			stage := branch{mean: b.mean, stages: b.stages - i}
			if i == 0 {
				stage.weight = b.weight
			}
			stages = append(stages, stage)
		}
	}
	return stages
}

// layOut fills in what holds in the staged states, and their generators.
func (e *surroundings) layOut(states int) {
	e.frozen, e.busy = make([]bool, states), make([]bool, states)
	e.failed, e.slowed = make([]bool, states), make([]float64, states)
	for from := range states {
		e.slowed[from] = 1
		rest := from
		for i := range e.stalls {
			st := &e.stalls[i]
			stage := rest % st.stages
			rest /= st.stages
			switch {
			case stage < st.first:
			case st.backlog != nil:
				e.busy[from] = true
			case st.factor > 0:
				e.slowed[from] *= st.factor
			default:
				e.frozen[from] = e.frozen[from] || st.NoAnswer
				e.failed[from] = e.failed[from] || !st.NoAnswer
			}
		}
	}
	for still := range e.rates {
		e.rates[still] = e.generator(states, still == 1)
	}
}

// generator returns the rates between the staged states; if still, while something
// else keeps the process still.
func (e *surroundings) generator(states int, still bool) *mat.Dense {
	rates := mat.NewDense(states, states, nil)
	for from := range states {
		rest, unit := from, 1
		for i := range e.stalls {
			st := &e.stalls[i]
			stage := rest % st.stages
			rest /= st.stages
			for _, m := range st.moves(stage, still || e.frozen[from]) {
				target := from + (m.to-stage)*unit
				rates.Set(from, target, rates.At(from, target)+m.rate)
				rates.Set(from, from, rates.At(from, from)-m.rate)
			}
			unit *= st.stages
		}
	}
	return rates
}

// countDown makes the kernels over one slice with the stall that counts down.
// A stall begins at a uniform instant of a slice; what is left of it at the
// slice's end is taken in whole slices j, P(j >= k) being the mean of P(L > x)
// over the slice from k to k+1, or up to k where answers fail at an instant: which
// keeps S3's clamp((L − c)/P, 0, 1) exact on
// average for every c and P that are whole slices. It is stalls that follow each
// other within a slice that this misses.
func (e *surroundings) countDown(s Settings, note func(format string, args ...any)) error {
	staged := len(e.frozen)
	longest := s.Tolerates(true) + 2*s.Period
	unit := common(s.Period, s.Timeout)
	for e.slice = unit; s.Period/e.slice < slicesPerPeriod; {
		e.slice = unit / (unit/e.slice + 1)
	}
	e.levels = int(longest/e.slice) + 2
	if e.levels*staged > 2*mostStates {
		return fmt.Errorf("%q lasts neither an exponential time nor a mixture of such, and its %d steps of %v with %d states of other stalls are too many", e.counted.name, e.levels, e.slice, staged)
	}
	note("the length of %q counts down in steps of %v; single stalls are exact in that, stalls that follow each other within a step are not told apart", e.counted.name, e.slice)
	for while := range e.steps {
		e.steps[while] = e.step(condition(while))
	}
	return nil
}

// step returns the kernel over one slice of histories throughout which a
// condition holds. A counted stall without answers keeps the process still.
func (e *surroundings) step(while condition) *mat.Dense {
	staged := len(e.frozen)
	step := mat.NewDense(e.levels*staged, e.levels*staged, nil)
	set := func(from, to int, p float64, kernel *mat.Dense) {
		if p == 0 {
			return
		}
		for i := range staged {
			for j := range staged {
				r, c := from*staged+i, to*staged+j
				step.Set(r, c, step.At(r, c)+p*kernel.At(i, j))
			}
		}
	}
	absent, present := e.staged(e.slice, while, false), e.staged(e.slice, while, false)
	if e.counted.NoAnswer {
		present = e.staged(e.slice, anything, true)
	}
	begins := -math.Expm1(-float64(e.slice) / float64(e.counted.Every.Mean()))
	lengths, beyond := e.lengths()
	for to, p := range lengths {
		p *= begins
		if to == 0 {
			p += 1 - begins
		}
		set(0, to, p, absent)
	}
	for from := 1; from < e.levels; from++ {
		down := 1.0
		if from == e.levels-1 {
			down = beyond
			set(from, from, 1-down, present)
		}
		set(from, from-1, down, present)
	}
	return step
}

// lengths returns the probabilities of the numbers of slices that the counted
// stall lasts, and that with which one beyond the last number comes down to it
// in a slice.
func (e *surroundings) lengths() (p []float64, beyond float64) {
	from := 0 // answers fail at every end of a slice that it reaches
	if e.counted.NoAnswer {
		from = 1 // the process stands still for the whole slices after the first such end
	}
	p = make([]float64, e.levels)
	at := 1.0 // P(j >= k)
	for k := range p {
		next := 0.0
		if k+1 < e.levels {
			next = integral(e.counted.Lasts.Nanoseconds, float64(k+from)*float64(e.slice), float64(k+from+1)*float64(e.slice)) / float64(e.slice)
		}
		p[k] = at - next
		at = next
	}
	last := float64(e.levels-2+from) * float64(e.slice)
	most := float64(e.counted.Lasts.Quantile(1 - 1e-12))
	if p[e.levels-1] == 0 || most <= last {
		return p, 1
	}
	excess := integral(e.counted.Lasts.Nanoseconds, last, most) / float64(e.slice) / p[e.levels-1]
	return p, 1 / math.Max(1, excess)
}

// common returns the greatest common divisor.
func common(a, b time.Duration) time.Duration {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// holds reports whether a condition holds in a staged state, whatever the stall
// that counts down.
func (e *surroundings) holds(while condition, i int) bool {
	return while == anything || e.frozen[i] || while == unanswered && e.busy[i]
}

// staged returns the kernel of the staged stalls over t, of histories throughout
// which a condition holds; if kept, while something else keeps the process still.
func (e *surroundings) staged(t time.Duration, while condition, kept bool) *mat.Dense {
	n := len(e.frozen)
	rates := mat.DenseCopyOf(e.rates[0])
	if kept {
		rates = mat.DenseCopyOf(e.rates[1])
	}
	for i := range n {
		for j := range n {
			if !e.holds(while, i) || !e.holds(while, j) {
				rates.Set(i, j, 0)
			}
		}
	}
	kernel := exponentialOf(rates, float64(t))
	for i := range n {
		if !e.holds(while, i) {
			kernel.Set(i, i, 0)
		}
	}
	return kernel
}

// kernel returns P(state after t = j | state now = i), of histories throughout
// which a condition holds from now on.
func (e *surroundings) kernel(t time.Duration, while condition) *mat.Dense {
	if e.counted == nil {
		return e.staged(t, while, false)
	}
	step := e.steps[while]
	n, _ := step.Dims()
	out := identity(n)
	if while != anything {
		for i := range n {
			if !e.stand(i) && (while == still || !e.busyAt(i)) {
				out.Set(i, i, 0)
			}
		}
	}
	for range t / e.slice {
		out = product(out, step)
	}
	if part := float64(t%e.slice) / float64(e.slice); part > 0 {
		next := product(out, step)
		out.Scale(1-part, out)
		next.Scale(part, next)
		out.Add(out, next)
	}
	return out
}

// size returns the number of states.
func (e *surroundings) size() int {
	n := len(e.frozen)
	if e.counted != nil {
		n *= e.levels
	}
	return n
}

// stand reports whether the process stands still in state i.
func (e *surroundings) stand(i int) bool {
	n := len(e.frozen)
	return e.frozen[i%n] || i >= n && e.counted.NoAnswer
}

// busyAt reports whether work is before the answers in state i.
func (e *surroundings) busyAt(i int) bool { return e.busy[i%len(e.busy)] }

// anyBusy reports whether work is before the answers in any state.
func (e *surroundings) anyBusy() bool { return slices.Contains(e.busy, true) }

// fail reports whether answers are failures in state i.
func (e *surroundings) fail(i int) bool {
	n := len(e.frozen)
	return e.failed[i%n] || i >= n && !e.counted.NoAnswer
}

// factor returns how many times as long answers wait in state i.
func (e *surroundings) factor(i int) float64 { return e.slowed[i%len(e.slowed)] }

// factors returns every such factor, once.
func (e *surroundings) factors() []float64 {
	all := slices.Clone(e.slowed)
	slices.Sort(all)
	return slices.Compact(all)
}

// newProcess returns the kernel of a restart at once: what belongs to the
// process ends, and begins with a time without stalls.
func (e *surroundings) newProcess() *mat.Dense {
	states, staged := e.size(), len(e.frozen)
	out := mat.NewDense(states, states, nil)
	for from := range states {
		level := from / staged
		if e.counted != nil && e.counted.EndsWithProcess {
			level = 0
		}
		to := map[int]float64{0: 1}
		rest, unit := from%staged, 1
		for i := range e.stalls {
			st := &e.stalls[i]
			stage := rest % st.stages
			rest /= st.stages
			next := map[int]float64{}
			for at, p := range to {
				if !st.EndsWithProcess {
					next[at+stage*unit] += p
					continue
				}
				for j, b := range st.absent.spread() {
					if b.weight > 0 {
						next[at+j*unit] += p * b.weight
					}
				}
			}
			to, unit = next, unit*st.stages
		}
		for at, p := range to {
			out.Set(from, level*staged+at, p)
		}
	}
	return out
}

// exponentialOf returns e^(rates·t) for rates that are not negative off the
// diagonal, in sums and products of numbers that are not negative, so that every
// entry keeps its digits however small it is: uniformisation (Jensen 1953) over
// a short step, squared up to t.
func exponentialOf(rates *mat.Dense, t float64) *mat.Dense {
	n, _ := rates.Dims()
	fastest := 0.0
	for i := range n {
		fastest = math.Max(fastest, -rates.At(i, i))
	}
	out := identity(n)
	if fastest*t == 0 {
		return out
	}
	squarings := max(0, int(math.Ceil(math.Log2(fastest*t))))
	step := t / math.Exp2(float64(squarings))
	jump := mat.NewDense(n, n, nil)
	jump.Scale(step, rates)
	for i := range n {
		jump.Set(i, i, jump.At(i, i)+fastest*step)
	}
	term := identity(n)
	for k := 1; k <= 24; k++ { // fastest·step <= 1, so what is left is below 1/24!
		term = product(term, jump)
		term.Scale(1/float64(k), term)
		out.Add(out, term)
	}
	out.Scale(math.Exp(-fastest*step), out)
	for range squarings {
		out = product(out, out)
	}
	return out
}

func identity(n int) *mat.Dense {
	out := mat.NewDense(n, n, nil)
	for i := range n {
		out.Set(i, i, 1)
	}
	return out
}

func product(a, b *mat.Dense) *mat.Dense {
	out := new(mat.Dense)
	out.Mul(a, b)
	return out
}
