package sim

import (
	"math/rand/v2"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// Coasting is the engine's short way through quiet stretches, in which nothing
// happens but ticks, attempts that succeed, and the kubelet's periodic syncs:
//
//	ticks   ok ok ok sync ok ok ok ok   late answer, stall, fault …
//	        |------ one loop ------|   |--- event by event from here
//
// Attempt by attempt, with the very draws that the handlers of the timers would
// make, it leaves the life exactly as they would have left it. It ends before
// whatever is not of that kind. An attempt that it has begun and whose answer
// comes later than that is taken back: the stream of random numbers returns to
// where it was, and the handlers make the attempt again.
//
// It is valid where an answer depends on nothing that could change between two
// events: it needs no CPU time, and there is no other work that could keep it from
// the CPU (newCoasting); and while nothing is under way that an attempt, or a
// sync, could meet (quiet).

// coasting is what coasting knows of a world.
type coasting struct {
	valid  bool
	least  time.Duration // a stretch has to last, to be worth the way in and out
	until  time.Duration // nothing is tried before
	probes []coastingProbe
}

// coastingProbe is a worker in the loop.
type coastingProbe struct {
	index  int           // of its tick timer
	next   time.Duration // tick
	period time.Duration
	made   int64         // attempts since the loop began
	ends   time.Duration // of the latest of them

	// The answer: after a fixed time, or drawn.
	fixed   time.Duration
	random  stream
	before  rand.PCG // state of the stream at the latest tick
	failure float64
	wait    dist.Duration
	slowed  float64       // times as long
	within  time.Duration // it has to come: the timeout, or the period if that is shorter
}

// newCoasting decides from the model's structure whether lives can coast.
func newCoasting(w *model.World, a *application) coasting {
	s := coasting{probes: make([]coastingProbe, 0, len(w.Pod.Containers)*model.ProbeKinds)}
	if a.loaded {
		return s
	}
	for i := range w.Pod.Containers {
		for k, p := range w.Pod.Containers[i].Probes {
			if p == nil {
				continue
			}
			if p.Handler.NoPort {
				return s
			}
			s.least = max(s.least, 2*p.Period())
			if answer := &w.Application.Probes[k]; i == w.Studied && !instant(answer, p.Handler.Kind) {
				return s
			}
		}
	}
	s.valid = s.least > 0
	return s
}

// instant reports whether an answer needs no CPU time.
func instant(answer *model.Answer, handler model.HandlerKind) bool {
	return handler == model.TCPSocket || answer.CPU.IsZero() &&
		(handler != model.Exec || answer.Exec.HelperCPU.IsZero() && answer.Exec.Join.IsZero())
}

// coast goes through a quiet stretch, if there is one.
func (l *life) coast() {
	a := l.processes.(*application)
	s := &a.coasting
	if l.now < s.until || !a.quiet() || a.skipping.pending() {
		return
	}
	end := min(l.otherThanTicks(nil), l.horizon+1)
	if end-l.now < s.least {
		s.until = end
		return
	}
	if !l.syncsInVain() {
		end = min(end, l.timers.at[l.podTimer()])
	}
	a.enterCoast()
	l.leaveCoast(l.coastTo(end))
}

// enterCoast lays out the workers that make attempts.
func (a *application) enterCoast() {
	l := a.life
	probes := a.coasting.probes[:0]
	for c := range l.containers {
		for k := range l.containers[c].workers {
			w := &l.containers[c].workers[k]
			if !l.asks(w) {
				continue
			}
			p := coastingProbe{index: c*model.ProbeKinds + k, next: w.NextTick, period: w.Probe.Period(), within: min(w.Probe.Timeout(), w.Probe.Period())}
			switch handler := w.Probe.Handler.Kind; {
			case c != a.studied:
				p.fixed = elsewhere(handler)
			case handler == model.TCPSocket:
				p.fixed = acceptance
			default:
				p.random, p.wait, p.failure, p.slowed = a.random[streamAnswers+k], a.app.Probes[k].Wait, a.app.Probes[k].Failure, a.slowed
			}
			probes = append(probes, p)
		}
	}
	a.coasting.probes = probes
}

// coastTo makes the attempts and syncs before an instant as long as they are of
// the quiet kind, and returns when the first of another kind is due, or that
// instant.
func (l *life) coastTo(end time.Duration) time.Duration {
	probes := l.processes.(*application).coasting.probes
	for {
		var p *coastingProbe
		at := l.timers.at[l.podTimer()]
		for i := range probes {
			if probes[i].next < at {
				p = &probes[i]
				at = p.next
			}
		}
		switch {
		case at >= end:
			return end
		case p == nil:
			l.now = at
			if !l.fresh() || l.stop != nil && l.stop.Load() {
				return at
			}
			l.syncInVain()
		case !p.attempt():
			return at
		}
	}
}

// attempt makes an attempt of a probe, if it succeeds.
func (p *coastingProbe) attempt() bool {
	wait := p.fixed
	if random := p.random; random.pcg != nil {
		p.before = *random.pcg
		if p.failure > 0 && random.Float64() < p.failure {
			p.takeBack()
			return false
		}
		wait = dist.Stretched(p.wait.Sample(random.Rand), p.slowed)
	}
	if wait >= p.within {
		p.takeBack()
		return false
	}
	p.ends = p.next + wait
	p.next += p.period
	p.made++
	return true
}

// takeBack undoes the latest draws.
func (p *coastingProbe) takeBack() {
	if p.random.pcg != nil {
		*p.random.pcg = p.before
	}
}

// leaveCoast puts the life into the state in which the handlers of timers go on
// at the given instant.
func (l *life) leaveCoast(at time.Duration) {
	a := l.processes.(*application)
	latest := l.now
	for i := range a.coasting.probes {
		p := &a.coasting.probes[i]
		if p.made == 0 {
			continue
		}
		latest = max(latest, p.next-p.period)
		w := &l.containers[p.index/model.ProbeKinds].workers[p.index%model.ProbeKinds]
		underWay := p.ends >= at
		if underWay {
			p.made--
			p.takeBack()
		}
		if p.index/model.ProbeKinds == a.studied && p.made > 0 {
			a.out.Attempts[w.Kind] += p.made
			a.flushRun(w.Kind)
		}
		w.Pass(p.made)
		l.asked += int(p.made)
		if underWay {
			l.now = w.NextTick
			l.tick(p.index)
		}
		l.timers.set(l.tickTimer(p.index), w.NextTick)
	}
	l.passStartup(at)
	l.now = latest
}

// passStartup lets the startup workers, which make no attempts any more, have
// their ticks before an instant.
func (l *life) passStartup(at time.Duration) {
	for c := range l.containers {
		w := &l.containers[c].workers[model.Startup]
		if w.Running() && w.NextTick < at {
			w.Pass(int64((at-1-w.NextTick)/w.Probe.Period()) + 1)
			l.timers.set(l.tickTimer(c*model.ProbeKinds+int(model.Startup)), w.NextTick)
		}
	}
}

// syncsInVain reports whether a sync without cause would find nothing to do and
// nothing to publish.
func (l *life) syncsInVain() bool {
	for i := range l.containers {
		c := &l.containers[i]
		status, trigger := c.workers.Generate(&c.atSync, c.status, c.refused, l.adopted(c.atSync.StartedAt))
		if c.atSync != c.live || c.killed || trigger || status != c.status {
			return false
		}
	}
	return true
}

// syncInVain is such a sync: what beginSync and all that it leads to come to
// then.
func (l *life) syncInVain() {
	s := &l.sync
	s.container, s.acted, s.refused = len(l.containers), false, false
	s.lastEnd, s.relisted = l.now, false
	l.triggered = l.triggered[:0]
	next := never
	if !l.durations.Resync.IsZero() {
		next = l.now + l.durations.Resync.Sample(l.random.Rand)
	}
	l.timers.set(l.podTimer(), next)
}
