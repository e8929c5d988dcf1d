package sim

import (
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
)

// Skip-ahead passes over stretches in which nothing happens but attempts that do
// not change a verdict:
//
//	ticks   ok ok ok ok FAIL ok ok ok ok ok ok ok FAIL FAIL FAIL
//	        |-- one draw --||--- one draw ----|           event by event from here
//
// While a process serves and nothing stands in its way, attempts fail
// independently of each other, each with the same probability p of its probe. So
// the number of successes before the next failure is geometric, and one draw
// replaces all of them: an exponential one of mean 1, of which each success uses
// up -log(1-p). A neighbour that slows the answers changes p, not the draw: what
// is left of it is used up at the new rate, however the neighbour's times are
// distributed. A failure that changes no verdict is counted, and the next one is
// drawn; one that would is made by the handlers of the timers. If something else
// happens first, a stall or a fault, what is left of the draw is forgotten, which
// is exact, as an exponential distribution has no memory.
//
// It is valid where the answers of a quiet process need no CPU, so that they do
// not depend on each other, and every probe finds its port (newSkipping), and only
// while the pod is quiet. The answers that are passed over leave no trace, and the
// kubelet's periodic syncs, which do nothing to a quiet pod, are taken up in their
// stationary state.

// skipping is what skip-ahead knows of a world.
type skipping struct {
	valid   bool
	ticks   [model.ProbeKinds]skippedProbe
	longer  time.Duration // a stretch has to be, to be worth it
	until   time.Duration // nothing is tried before
	timeout time.Duration // the longest, and until its attempt has ended
	syncs   residual
	slowing []int                       // the neighbours that slow answers, among the renewal processes
	passed  []int                       // the timers of these, where nothing else depends on them
	hazards [][model.ProbeKinds]float64 // -log(1-p), for each set of them that is busy
}

// skippedProbe is one probe of a quiet process.
type skippedProbe struct {
	bad bool // the next attempt was drawn to fail
}

const (
	// mostFailing is the probability of a failure, neighbours aside, beyond which
	// there is nothing to pass over.
	mostFailing = .05
	// mostSlowing is the number of neighbours that slow answers, of which every set
	// is known.
	mostSlowing = 6
)

// newSkipping decides from the model's structure whether skip-ahead is valid.
func newSkipping(w *model.World, a *application, l *life) skipping {
	d, firstProcessTimer := &l.durations, l.firstProcessTimer()
	s := skipping{syncs: newResidual(d.Resync)}
	c := w.Container()
	if len(w.Pod.Containers) != 1 || w.Pod.ReadinessGates != 0 || a.loaded || !c.Probed() {
		return s
	}
	for i := range a.renewals {
		if a.renewals[i].factor <= 1 {
			continue
		}
		s.slowing = append(s.slowing, i)
		if a.cpu == nil {
			s.passed = append(s.passed, firstProcessTimer+timerFirst+i)
		}
	}
	if len(s.slowing) > mostSlowing {
		return s
	}
	s.hazards = make([][model.ProbeKinds]float64, 1<<len(s.slowing))
	for k, p := range c.Probes {
		if p == nil {
			continue
		}
		answer := &w.Application.Probes[k]
		if p.Handler.NoPort || p.Handler.Kind == model.Exec || !instant(answer, p.Handler.Kind) ||
			answer.Cached > 0 || answer.FailsInFlight > 0 || p.Timeout() >= p.Period() {
			return s
		}
		for busy := range s.hazards {
			s.hazards[busy][k] = -math.Log1p(-failing(answer, p, s.factor(a, busy)))
		}
		if s.hazards[0][k] > -math.Log1p(-mostFailing) && model.ProbeKind(k) != model.Startup {
			return s
		}
		s.longer, s.timeout = max(s.longer, 4*p.Period()), max(s.timeout, p.Timeout())
	}
	s.timeout += d.TimeoutLate.Quantile(1)
	s.valid = true
	return s
}

// factor returns how many times as long answers wait while a set of the
// neighbours is busy.
func (s *skipping) factor(a *application, busy int) float64 {
	factor := 1.0
	for ; busy > 0; busy &= busy - 1 {
		factor *= a.renewals[s.slowing[bits.TrailingZeros(uint(busy))]].factor
	}
	return factor
}

// failing returns the probability that an attempt fails by itself: by a failure
// drawn, or by an answer at the timeout or later.
func failing(answer *model.Answer, p *model.Probe, slowed float64) float64 {
	if p.Handler.Kind == model.TCPSocket {
		return 0
	}
	return answer.Failure + (1-answer.Failure)*(1-inTime(answer, p.Timeout(), slowed))
}

// inTime returns the probability that an answer's wait ends within the timeout.
func inTime(answer *model.Answer, timeout time.Duration, slowed float64) float64 {
	return answer.Wait.CDF(time.Duration(float64(timeout-1) / slowed))
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
	next := min(l.otherThanTicks(s.passed), l.horizon)
	if next-l.now < s.longer {
		s.until = next
		return
	}
	// No attempt that is passed over may still be under way at what comes next.
	at, failing := l.pass(next - s.timeout)
	if failing >= 0 {
		s.ticks[failing].bad = true
	}
	s.until = at + 1 // other ticks of that instant come first
	l.passStartup(at)
	l.resume(at)
}

// otherThanTicks returns the next instant at which anything but a probe's tick, a
// sync without cause or one of the given timers happens.
func (l *life) otherThanTicks(apart []int) time.Duration {
	next := never
	for i, at := range l.timers.at {
		if at < next && i != l.podTimer() && (i < l.tickTimer(0) || i >= l.firstProcessTimer()) && !slices.Contains(apart, i) {
			next = at
		}
	}
	return next
}

// asks reports whether a worker makes attempts at a process that has started.
func (l *life) asks(w *kubelet.Worker) bool { return w.Running() && w.Kind != model.Startup }

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
	in := inTime(answer, t.timeout, a.slowed)
	late := (1 - answer.Failure) * (1 - in)
	if r.Float64()*(answer.Failure+late) < answer.Failure {
		t.outcome = kubelet.Failure
		t.wait = a.drawWait(t.kind)
	} else {
		t.wait = max(t.timeout, dist.Stretched(answer.Wait.Quantile(in+r.Float64()*(1-in)), a.slowed))
	}
	a.answerAfterWait(t)
	return true
}
