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
}

// pass passes over the ticks before an instant, but for an attempt that would
// change a verdict by its failure, or begin an excursion that matters. It returns
// that instant, or such an attempt's and its probe.
func (l *life) pass(end time.Duration) (at time.Duration, failing int) {
	a := l.processes.(*application)
	g := a.enterStretch()
	for {
		turning, until := a.nextTurn(&g, end)
		for k := range g.asks {
			g.expect(k)
		}
		for {
			k := g.first()
			if k < 0 || g.fails[k] >= until {
				break
			}
			at := g.fails[k]
			if g.asks[k].Decisive() || l.climbs && k == int(model.Liveness) {
				a.leaveStretch(&g, at)
				return at, k
			}
			a.passSuccesses(&g, k, at)
			a.passFailure(k, g.asks[k])
			g.rest[k] = l.random.ExpFloat64()
			g.expect(k)
		}
		if turning < 0 {
			a.leaveStretch(&g, end)
			return end, -1
		}
		for k := range g.asks {
			a.passSuccesses(&g, k, until)
		}
		a.turnInStretch(&g, turning)
	}
}

// enterStretch begins a stretch with a draw for each probe.
func (a *application) enterStretch() stretch {
	var g stretch
	for k := range g.asks {
		if w := &a.life.containers[0].workers[k]; a.life.asks(w) {
			g.asks[k], g.rest[k] = w, a.life.random.ExpFloat64()
		}
	}
	for n, i := range a.skipping.slowing {
		g.turns[n] = never
		if a.renewals[i].on {
			g.busy |= 1 << n
		}
	}
	for n, timer := range a.skipping.passed {
		g.turns[n] = a.life.timers.at[timer]
	}
	g.hazards = a.skipping.hazards[g.busy]
	return g
}

// nextTurn returns which neighbour turns next before an instant, -1 if none does,
// and the end of the ticks that come before: one of the same instant does.
func (a *application) nextTurn(g *stretch, end time.Duration) (turning int, until time.Duration) {
	turning, until = -1, end
	for n := range a.skipping.passed {
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

// first returns the probe that fails first, -1 if there is none.
func (g *stretch) first() int {
	first := -1
	for k, at := range g.fails {
		if g.asks[k] != nil && (first < 0 || at < g.fails[first]) {
			first = k
		}
	}
	return first
}

// passSuccesses lets the attempts of a probe before an instant succeed.
func (a *application) passSuccesses(g *stretch, k int, before time.Duration) {
	w := g.asks[k]
	if w == nil || w.NextTick >= before {
		return
	}
	n := int64((before-1-w.NextTick)/w.Probe.Period()) + 1
	w.Pass(n)
	a.out.Attempts[k] += n
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
// does, where that changes nothing else.
func (a *application) turnInStretch(g *stretch, n int) {
	r := &a.renewals[a.skipping.slowing[n]]
	at := g.turns[n]
	r.on = !r.on
	length := &r.Every
	if r.on {
		r.since, r.aged = at, true
		length = &r.Lasts
	}
	g.turns[n] = later(at, length.Sample(a.random[r.stream].Rand))
	g.busy ^= 1 << n
	g.hazards = a.skipping.hazards[g.busy]
}

// leaveStretch lets the attempts before an instant succeed and sets the timers
// anew.
func (a *application) leaveStretch(g *stretch, at time.Duration) {
	l := a.life
	for k, w := range g.asks {
		if w != nil {
			a.passSuccesses(g, k, at)
			l.timers.set(l.tickTimer(k), w.NextTick)
		}
	}
	for n, timer := range a.skipping.passed {
		l.timers.set(timer, g.turns[n])
	}
	a.slowed = a.skipping.factor(a, g.busy)
}
