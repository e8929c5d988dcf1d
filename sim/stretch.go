package sim

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// stretch is a quiet stretch that is being passed over.
type stretch struct {
	asks    [model.ProbeKinds]*kubelet.Worker // the workers that make attempts; nil: this kind does not
	rest    [model.ProbeKinds]float64         // of each probe's draw
	fails   [model.ProbeKinds]time.Duration   // its next failure, if nothing changes
	busy    int                               // the set of neighbours that slow answers now
	hazards [model.ProbeKinds]float64         // of an attempt now
	turns   [mostSlowing]time.Duration        // when each of these neighbours turns idle or busy
	turned  time.Duration                     // when the latest of them did
	before  float64                           // times as long answers took before that
}

// pass passes over the ticks before an instant, but for an attempt that would
// change a verdict by its failure, begin an excursion that matters, or overlap
// another that does. It returns that instant, or such an attempt's.
func (l *life) pass(end time.Duration) time.Duration {
	a := l.processes.(*application)
	g := a.enterStretch()
	for {
		turning, until := a.nextTurn(&g, end)
		for k := range g.asks {
			g.expect(k)
		}
		for {
			k := g.first()
			if g.fails[k] >= until {
				break
			}
			at := g.fails[k]
			if !a.passable(&g, k, until) {
				a.leaveStretch(&g, at)
				a.decide(&g, min(until, at+a.skipping.laws[k].fails))
				return at
			}
			a.passSuccesses(&g, k, at)
			a.passFailure(k, g.asks[k])
			g.rest[k] = l.random.ExpFloat64()
			g.expect(k)
		}
		if turning < 0 || until <= g.turned+a.skipping.within {
			a.leaveStretch(&g, until)
			return until
		}
		a.turnInStretch(&g, turning)
	}
}

// passable reports whether the next eventful attempt of a probe is a failure that
// changes no verdict, and is over before anything else comes.
func (a *application) passable(g *stretch, k int, until time.Duration) bool {
	w := &a.skipping.laws[k]
	over := g.fails[k] + w.fails
	if !w.certain || g.asks[k].Decisive() || a.life.climbs && k == int(model.Liveness) || over > until {
		return false
	}
	for other := range g.fails {
		if other != k && g.asks[other] != nil && g.fails[other] < over {
			return false
		}
	}
	return true
}

// decide fixes the fates of the attempts before an instant, which are drawn
// already.
func (a *application) decide(g *stretch, before time.Duration) {
	for k, w := range g.asks {
		switch f := &a.skipping.fates[k]; {
		case w == nil:
		case g.fails[k] < before:
			f.good, f.bad = ticksBefore(w, g.fails[k]), true
		default:
			f.good = ticksBefore(w, before)
		}
	}
}

// ticksBefore returns the number of a worker's ticks before an instant.
func ticksBefore(w *kubelet.Worker, at time.Duration) int64 {
	if w.NextTick >= at {
		return 0
	}
	return int64((at-1-w.NextTick)/w.Probe.Period()) + 1
}

// enterStretch begins a stretch with a draw for each probe.
func (a *application) enterStretch() stretch {
	g := stretch{turned: -never / 2}
	for k := range g.asks {
		if w := &a.life.containers[a.studied].workers[k]; a.life.asks(w) {
			g.asks[k], g.rest[k] = w, a.life.random.ExpFloat64()
		}
	}
	for n, i := range a.skipping.slowing {
		g.turns[n] = never
		if a.renewals[i].on {
			g.busy |= 1 << n
		}
	}
	for n, timer := range a.skipping.passed[:a.skipping.turns] {
		g.turns[n] = a.life.timers.at[timer]
	}
	g.hazards = a.skipping.hazards[g.busy]
	return g
}

// nextTurn returns which neighbour turns next before an instant, -1 if none does,
// and the end of the ticks that come before: one of the same instant does.
func (a *application) nextTurn(g *stretch, end time.Duration) (turning int, until time.Duration) {
	turning, until = -1, end
	for n := range a.skipping.turns {
		if g.turns[n] < until-1 {
			turning, until = n, g.turns[n]+1
		}
	}
	return turning, until
}

// expect works out when a probe fails next at the present hazard.
func (g *stretch) expect(k int) {
	w := g.asks[k]
	g.fails[k] = never
	if w == nil || g.hazards[k] == 0 {
		return
	}
	const most = 1 << 31 // of attempts, beyond any horizon
	if successes := g.rest[k] / g.hazards[k]; successes < most {
		g.fails[k] = w.NextTick + time.Duration(max(0, successes))*w.Probe.Period()
	}
}

// first returns the probe that fails first.
func (g *stretch) first() int {
	first := 0
	for k := 1; k < len(g.fails); k++ {
		if g.fails[k] < g.fails[first] {
			first = k
		}
	}
	return first
}

// passSuccesses lets the attempts of a probe before an instant succeed.
func (a *application) passSuccesses(g *stretch, k int, before time.Duration) {
	w := g.asks[k]
	if w == nil {
		return
	}
	n := ticksBefore(w, before)
	if n == 0 {
		return
	}
	w.Pass(n)
	a.out.Attempts[k] += n
	a.out.ProbeCPU += time.Duration(n) * a.skipping.laws[k].mean
	a.flushRun(model.ProbeKind(k))
	g.rest[k] -= float64(n) * g.hazards[k]
}

// passFailure lets the next attempt of a probe fail without changing its verdict.
func (a *application) passFailure(k int, w *kubelet.Worker) {
	w.PassFailure()
	a.out.Attempts[k]++
	a.out.Failures[k]++
	a.ledger.runs[k]++
}

// turnInStretch lets a neighbour that slows answers turn busy or idle, as turn
// does, where that changes nothing else. The attempts that may be under way are
// left for later, but have used up their part of the draw at the hazard before.
func (a *application) turnInStretch(g *stretch, n int) {
	r := &a.renewals[a.skipping.slowing[n]]
	at := g.turns[n]
	g.turned, g.before = at, a.skipping.factor(a, g.busy)
	r.on = !r.on
	length := &r.Every
	if r.on {
		r.since, r.aged = at, true
		length = &r.Lasts
	}
	g.turns[n] = later(at, length.Sample(a.random[r.stream].Rand))
	g.busy ^= 1 << n
	hazards := &a.skipping.hazards[g.busy]
	for k, w := range g.asks {
		if w != nil {
			a.passSuccesses(g, k, at+2-a.skipping.laws[k].within)
			if w.NextTick <= at {
				left := float64(ticksBefore(w, at+1))
				g.rest[k] = max(g.rest[k]-left*g.hazards[k], 0) + left*hazards[k]
			}
		}
	}
	g.hazards = *hazards
}

// leaveStretch lets the attempts succeed that are over by an instant, and sets the
// timers anew. Those that begin before and may not be over are to be uneventful.
func (a *application) leaveStretch(g *stretch, at time.Duration) {
	l := a.life
	for k, w := range g.asks {
		if w != nil {
			a.passSuccesses(g, k, at-a.skipping.laws[k].within+1)
			good := ticksBefore(w, at)
			a.skipping.fates[k] = fate{good: good, early: min(good, ticksBefore(w, g.turned+1)), slowed: g.before}
			l.timers.set(l.tickTimer(a.studied*model.ProbeKinds+k), w.NextTick)
		}
	}
	for n, timer := range a.skipping.passed[:a.skipping.turns] {
		l.timers.set(timer, g.turns[n])
	}
	a.slowed = a.skipping.factor(a, g.busy)
}
