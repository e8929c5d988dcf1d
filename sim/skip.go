package sim

import (
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// Skip-ahead passes over stretches in which nothing happens but probes that are
// answered in time:
//
//	ticks   ok ok ok ok ok ok ok ok ok ok ok ok FAIL
//	        |---------- one draw ------------|  event by event from here
//
// While a process serves and nothing stands in its way, attempts fail
// independently of each other, each with the same probability p of its probe. So
// the number of successes before the next failure is geometric; one draw of it for
// each probe replaces all their attempts. If something else happens first, a
// stall or a fault, the successes up to then are passed and the rest of the draw
// is forgotten, which is exact, as a geometric distribution has no memory.
//
// It is valid where the answers of a quiet process need no CPU, so that they do
// not depend on each other, and every probe finds its port (structure below), and only while the pod is quiet:
// see quiet. The answers that are passed over leave no trace, and the kubelet's
// periodic syncs, which do nothing to a quiet pod, are taken up in their
// stationary state.

// skipping is what skip-ahead knows of a world.
type skipping struct {
	valid   bool
	ticks   [model.ProbeKinds]skippedProbe
	longer  time.Duration // a stretch has to be, to be worth it
	until   time.Duration // nothing is tried before
	timeout time.Duration // the longest
	syncs   residual
}

// skippedProbe is one probe of a quiet process.
type skippedProbe struct {
	fails   float64 // one attempt, for itself
	failure float64 // share of these that are failures, not late answers
	log     float64 // of 1 − fails
	answers float64 // probability that the answer's wait is within the timeout
	bad     bool    // the attempt under way was drawn to fail
}

// mostFailing is the probability of a failure beyond which there is nothing to
// pass over.
const mostFailing = .05

// newSkipping decides from the model's structure whether skip-ahead is valid.
func newSkipping(w *model.World, a *application, d *kubelet.Durations) skipping {
	s := skipping{syncs: newResidual(d.Resync)}
	c := w.Container()
	if len(w.Pod.Containers) != 1 || w.Pod.ReadinessGates != 0 || a.cpu != nil || w.Application.Traffic != nil || !c.Probed() || a.node.WaitsVary() || w.Events.Rollout != nil {
		return s
	}
	for k, p := range c.Probes {
		if p == nil {
			continue
		}
		answer := &w.Application.Probes[k]
		if p.Handler.NoPort || p.Handler.Kind == model.Exec || answer.Cached > 0 || answer.FailsInFlight > 0 || p.Timeout() >= p.Period() {
			return s
		}
		t := &s.ticks[k]
		if p.Handler.Kind != model.TCPSocket {
			t.answers = answer.Wait.CDF(p.Timeout() - 1)
			late := (1 - answer.Failure) * (1 - t.answers)
			t.fails = answer.Failure + late
			if t.fails > 0 {
				t.failure = answer.Failure / t.fails
			}
		}
		if t.fails > mostFailing && model.ProbeKind(k) != model.Startup {
			return s
		}
		t.log = math.Log1p(-t.fails)
		s.longer, s.timeout = max(s.longer, 4*p.Period()), max(s.timeout, p.Timeout())
	}
	s.valid = true
	return s
}

// begin makes it ready for a new life.
func (s *skipping) begin() {
	s.until = 0
	for k := range s.ticks {
		s.ticks[k].bad = false
	}
}

// pending reports whether an attempt to come was drawn to fail.
func (s *skipping) pending() bool {
	return s.ticks[model.Startup].bad || s.ticks[model.Readiness].bad || s.ticks[model.Liveness].bad
}

// skip passes over a quiet stretch, if there is one.
func (l *life) skip() {
	a := l.processes.(*application)
	s := &a.skipping
	if l.now < s.until || !a.quiet() || !l.syncsInVain() {
		return
	}
	next := min(l.otherThanTicks(), l.horizon)
	if next-l.now < s.longer {
		s.until = next
		return
	}
	// No attempt that is passed over may still be under way at what comes next.
	at, failing := next-s.timeout, -1
	workers := &l.containers[0].workers
	for k := range workers {
		w := &workers[k]
		if !l.asks(w) || s.ticks[k].fails == 0 {
			continue
		}
		successes := math.Log(1-l.random.Float64()) / s.ticks[k].log
		if successes < float64((at-w.NextTick)/w.Probe.Period())+1 {
			if t := w.NextTick + time.Duration(successes)*w.Probe.Period(); t < at {
				failing, at = k, t
			}
		}
	}
	if failing >= 0 {
		s.ticks[failing].bad = true
	}
	s.until = at + 1 // other ticks of that instant come first
	l.pass(at)
}

// otherThanTicks returns the next instant at which anything but a probe's tick or
// a sync without cause happens.
func (l *life) otherThanTicks() time.Duration {
	next := never
	for i, at := range l.timers.at {
		if at < next && i != l.podTimer() && (i < l.tickTimer(0) || i >= l.firstProcessTimer()) {
			next = at
		}
	}
	return next
}

// asks reports whether a worker makes attempts at a process that has started.
func (l *life) asks(w *kubelet.Worker) bool { return w.Running() && w.Kind != model.Startup }

// pass lets every tick before an instant lead to an attempt that succeeds.
func (l *life) pass(at time.Duration) {
	a := l.processes.(*application)
	workers := &l.containers[0].workers
	for k := range workers {
		w := &workers[k]
		if !w.Running() || w.NextTick >= at {
			continue
		}
		n := int64((at-1-w.NextTick)/w.Probe.Period()) + 1
		w.Pass(n)
		if l.asks(w) {
			a.out.Attempts[k] += n
			a.flushRun(model.ProbeKind(k))
		}
		l.timers.set(l.tickTimer(k), w.NextTick)
	}
	l.resume(at)
}

// resume takes up the kubelet's periodic syncs in their stationary state, if any
// was passed.
func (l *life) resume(at time.Duration) {
	a := l.processes.(*application)
	if next := l.timers.at[l.podTimer()]; next < at {
		rest := a.skipping.syncs.draw(l.random.Rand)
		l.timers.set(l.podTimer(), at+rest)
		l.sync.lastEnd, l.sync.relisted = at-l.relistSpacing(), false
	}
}

// quiet reports whether nothing is under way: the process serves, every probe's
// latest attempt, its verdict and the published status are successes, the kubelet
// has nothing left to do, and an attempt can fail only by itself.
func (a *application) quiet() bool {
	l := a.life
	if !a.serving || a.terminating || !a.listening || a.frozen > 0 ||
		l.sync.phase != idle || l.sync.pending || l.sync.first || l.sync.deleting || l.finished || len(l.updates) > 0 {
		return false
	}
	for i := range l.containers {
		if !l.settled(i) {
			return false
		}
	}
	for k, p := range a.world.Container().Probes {
		if p != nil && !a.answers(model.ProbeKind(k)) {
			return false
		}
	}
	return true
}

// settled reports whether the workers of container i make their attempts, if any,
// one like the other.
func (l *life) settled(i int) bool {
	c := &l.containers[i]
	for k := range c.workers {
		w := &c.workers[k]
		if !w.Running() {
			continue
		}
		if w.Busy() || l.attempts[i*model.ProbeKinds+k].asked != 0 || !w.Settled(c.status.Incarnation) ||
			l.now-c.startedAt < w.Probe.InitialDelay()+time.Second {
			return false
		}
	}
	return c.status.State == kubelet.Running && c.status.Started && c.status.Ready && c.live.Running && c.seen == c.live
}

// answers reports whether nothing that lasts makes the answers to probes of kind
// k failures, or keeps them from coming.
func (a *application) answers(k model.ProbeKind) bool {
	if a.hung && a.notices[k] || a.faultOf(k) != nil {
		return false
	}
	if a.app.Probes[k].Cached > 0 {
		return a.cached[k] == healthy
	}
	return a.unhealthy(k) == healthy
}

// drawnToFail fills in the answer of the attempt that skip-ahead has drawn to
// fail: a failure, or an answer later than the timeout.
func (a *application) drawnToFail(t *attempt) bool {
	s := &a.skipping.ticks[t.kind]
	if !s.bad {
		return false
	}
	s.bad = false
	answer := &a.app.Probes[t.kind]
	r := a.random[streamAnswers+int(t.kind)].Rand
	if r.Float64() < s.failure {
		t.outcome = kubelet.Failure
		t.wait = answer.Wait.Sample(r)
	} else {
		t.wait = max(t.timeout, answer.Wait.Quantile(s.answers+r.Float64()*(1-s.answers)))
	}
	a.answerAfterWait(t)
	return true
}
