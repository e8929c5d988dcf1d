package sim

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// stretch is a quiet stretch that is being passed over:
//
//	neighbour   idle        | busy     | idle
//	probes      ok ok ok ok | ok F  ok | ok ok ok
//	            succeed     | expect,  | succeed
//	                        | passFailure, succeed
//
// From one turn of a neighbour to the next the hazards are constant. Mostly no
// draw is used up in between, which costs one division for each probe.
type stretch struct {
	asking [model.ProbeKinds]passing // the first so many
	probes int
	end    time.Duration              // at the latest
	busy   int                        // the set of neighbours that slow answers now
	slowed float64                    // times as long as answers take now
	turns  [mostSlowing]time.Duration // when each of these neighbours turns idle or busy
}

// passing is a probe of which attempts are passed over.
type passing struct {
	worker *kubelet.Worker // which does not know yet of the successes
	kind   model.ProbeKind
	passed int64         // successes since
	next   time.Duration // tick after them
	period time.Duration
	within time.Duration // an uneventful attempt ends
	rest   float64       // of the draw, of which an attempt uses up the hazard
	hazard float64       // now
	slowed float64       // times as long as the answer to the latest of them took
	fails  time.Duration // when it fails next, if nothing changes
}

// pass passes over the ticks before an instant, but for an attempt that would
// change a verdict by its failure, begin an excursion that matters, or overlap
// another that does. It returns that instant, or such an attempt's.
func (l *life) pass(end time.Duration) time.Duration {
	a := l.processes.(*application)
	g := stretch{end: end}
	a.enterStretch(&g)
	for {
		turning, until := g.nextTurn(a.skipping.turns)
		for !g.succeed(until) {
			p := g.expect()
			if !a.passable(&g, p, until) {
				a.leaveStretch(&g, p.fails)
				a.decide(&g, min(until, p.fails+a.skipping.laws[p.kind].fails))
				return p.fails
			}
			a.passFailure(&g, p)
		}
		if turning < 0 {
			a.leaveStretch(&g, until)
			return until
		}
		a.turnInStretch(&g, turning)
	}
}

// enterStretch begins a stretch with a draw for each probe.
func (a *application) enterStretch(g *stretch) {
	for k := range a.skipping.laws {
		w := &a.life.containers[a.studied].workers[k]
		if !a.life.asks(w) {
			continue
		}
		g.asking[g.probes] = passing{
			worker: w, kind: model.ProbeKind(k), next: w.NextTick, period: w.Probe.Period(),
			within: a.skipping.laws[k].within, rest: a.life.random.ExpFloat64(),
		}
		g.probes++
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
	g.meet(&a.skipping)
}

// meet takes over what is so while the present set of neighbours is busy.
func (g *stretch) meet(s *skipping) {
	g.slowed = s.factors[g.busy]
	hazards := &s.hazards[g.busy]
	for i := range g.asking[:g.probes] {
		g.asking[i].hazard = hazards[g.asking[i].kind]
	}
}

// nextTurn returns which neighbour of the first so many turns next before the end,
// -1 if none does, and the end of the ticks that come before: one of the same
// instant does.
func (g *stretch) nextTurn(neighbours int) (turning int, until time.Duration) {
	turning, until = -1, g.end
	for n := range neighbours {
		if g.turns[n] < until-1 {
			turning, until = n, g.turns[n]+1
		}
	}
	return turning, until
}

// succeed lets all attempts before an instant succeed, at the present hazards,
// and reports whether they do: if one of them fails, nothing is changed.
func (g *stretch) succeed(until time.Duration) bool {
	var ticks [model.ProbeKinds]int64
	for i := range g.asking[:g.probes] {
		p := &g.asking[i]
		ticks[i] = p.ticksBefore(until)
		if float64(ticks[i])*p.hazard > p.rest {
			return false
		}
	}
	for i := range g.asking[:g.probes] {
		g.asking[i].use(ticks[i], g.slowed)
	}
	return true
}

// use lets the next attempts of a probe succeed, so many, with answers that take so
// many times as long.
func (p *passing) use(n int64, slowed float64) {
	if n > 0 {
		p.passed += n
		p.next += time.Duration(n) * p.period
		p.rest -= float64(n) * p.hazard
		p.slowed = slowed
	}
}

// expect works out when each probe fails next at the present hazards, and returns
// the one that does first.
func (g *stretch) expect() *passing {
	first := &g.asking[0]
	for i := range g.asking[:g.probes] {
		p := &g.asking[i]
		p.fails = never
		const most = 1 << 31 // attempts: beyond any horizon
		if p.rest < most*p.hazard {
			p.fails = p.next + time.Duration(p.successes())*p.period
		}
		if p.fails < first.fails {
			first = p
		}
	}
	return first
}

// successes returns how many attempts the draw lasts for, as succeed sees it.
func (p *passing) successes() int64 {
	n := int64(p.rest / p.hazard)
	if float64(n)*p.hazard > p.rest { // the quotient was rounded up
		n--
	}
	return n
}

// ticksBefore returns the number of a probe's ticks to come before an instant.
func (p *passing) ticksBefore(at time.Duration) int64 {
	if p.next >= at {
		return 0
	}
	return int64((at-1-p.next)/p.period) + 1
}

// passable reports whether the next attempt to fail changes no verdict, is over
// before anything but a neighbour's turn comes, and overlaps with no attempt that
// changes one. At a turn before it is over, with which the others' hazards change,
// none of these may begin an attempt before that.
func (a *application) passable(g *stretch, failing *passing, until time.Duration) bool {
	over := failing.fails + a.skipping.laws[failing.kind].fails
	if !a.harmless(failing) || over > g.end {
		return false
	}
	for i := range g.asking[:g.probes] {
		other := &g.asking[i]
		if other == failing {
			continue
		}
		if other.fails < over && (!a.harmless(other) || other.fails+other.period < over) {
			return false
		}
		if over > until && other.ticksBefore(over) > other.ticksBefore(until) {
			return false
		}
	}
	return true
}

// harmless reports whether a probe's next eventful attempt is a failure that
// changes no verdict.
func (a *application) harmless(p *passing) bool {
	if !a.skipping.laws[p.kind].certain || a.life.climbs && p.kind == model.Liveness {
		return false
	}
	if p.passed > 0 || p.fails > p.next { // others lie before it
		return p.worker.Probe.FailureThreshold > 1
	}
	return !p.worker.Decisive()
}

// decide fixes the fates of the attempts before an instant, which are drawn
// already. Those that the kernel answers (C10) draw nothing.
func (a *application) decide(g *stretch, before time.Duration) {
	for i := range g.asking[:g.probes] {
		p := &g.asking[i]
		if a.skipping.laws[p.kind].handler == model.TCPSocket {
			continue
		}
		f := &a.skipping.fates[p.kind]
		f.bad = p.fails < before
		f.good = ticksBefore(p.worker, min(p.fails, before))
	}
}

// ticksBefore returns the number of a worker's ticks before an instant.
func ticksBefore(w *kubelet.Worker, at time.Duration) int64 {
	if w.NextTick >= at {
		return 0
	}
	return int64((at-1-w.NextTick)/w.Probe.Period()) + 1
}

// passFailure lets a probe succeed until it fails next, and then fail without
// changing its verdict.
func (a *application) passFailure(g *stretch, p *passing) {
	p.use(int64((p.fails-p.next)/p.period), g.slowed)
	a.book(p)
	p.worker.PassFailure()
	p.next += p.period
	p.rest = a.life.random.ExpFloat64()
	a.out.Attempts[p.kind]++
	a.out.Failures[p.kind]++
	a.ledger.runs[p.kind]++
}

// book tells the worker and the outcome of a probe's successes.
func (a *application) book(p *passing) {
	if p.passed == 0 {
		return
	}
	p.worker.Pass(p.passed)
	a.out.Attempts[p.kind] += p.passed
	a.out.ProbeCPU += time.Duration(p.passed) * a.skipping.laws[p.kind].mean
	a.flushRun(p.kind)
	p.passed = 0
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
	g.meet(&a.skipping)
}

// leaveStretch lets the attempts succeed that are over by an instant, and sets the
// timers anew. One that begins before and may not be over is taken back: it is to
// be uneventful, as slow as at its beginning.
func (a *application) leaveStretch(g *stretch, at time.Duration) {
	l := a.life
	for i := range g.asking[:g.probes] {
		p := &g.asking[i]
		early := int64(0)
		if p.passed > 0 && p.next-p.period > at-p.within {
			early = 1
			p.passed--
			p.next -= p.period
		} else {
			p.use(p.ticksBefore(at-p.within+1), g.slowed)
		}
		a.book(p)
		a.skipping.fates[p.kind] = fate{good: ticksBefore(p.worker, at), early: early, slowed: p.slowed}
		l.timers.set(l.tickTimer(a.studied*model.ProbeKinds+int(p.kind)), p.next)
	}
	for n, timer := range a.skipping.passed[:a.skipping.turns] {
		l.timers.set(timer, g.turns[n])
	}
	a.slowed = g.slowed
}
