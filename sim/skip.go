package sim

import (
	"math/bits"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// Skip-ahead passes over stretches in which nothing happens but attempts that do
// not change a verdict:
//
//	ticks   ok ok ok ok FAIL ok ok ok ok ok ok ok FAIL FAIL FAIL
//	        |-- one draw --||--- one draw ----|           event by event from here
//
// While a process serves and nothing stands in its way, attempts are eventful
// independently of each other, each with the same probability p of its probe (see
// law.go). So the number of uneventful ones before the next is geometric, and one
// draw replaces all of them: an exponential one of mean 1, of which each uses up
// -log(1-p). A neighbour that slows the answers changes p, not the draw: what
// is left of it is used up at the new rate, however the neighbour's times are
// distributed. If something else happens first, a stall or a fault, what is left
// of the draw is forgotten, which is exact, as an exponential distribution has no
// memory.
//
// A failure that changes no verdict is counted, and the next one is drawn. One
// that would, or an eventful attempt that may still succeed, is made by the
// handlers of the timers: drawn on condition that it is eventful, it meets the
// process as it is. So are the attempts before it that it may overlap, on
// condition that they are not: a process that is killed answers none of those
// under way.
//
// It is valid while the pod is quiet (quiet.go), the container rests, and every
// probe finds its port (newSkipping). The attempts that are passed over leave no
// trace but the CPU time of their answers, of which the mean is booked, and the
// kubelet's periodic syncs, which do nothing to a quiet pod, are taken up in their
// stationary state. What a CPU keeps of its last slice, 1 ms of quota at the most
// (C3), is that of the last attempt that was not passed over.

// skipping is what skip-ahead knows of a world.
type skipping struct {
	valid   bool
	laws    [model.ProbeKinds]law
	fates   [model.ProbeKinds]fate
	longer  time.Duration // a stretch has to be, to be worth it
	until   time.Duration // nothing is tried before
	syncs   residual
	slowing []int                       // the neighbours that slow answers, among the renewal processes
	passed  []int                       // the timers that are passed over: of these, where nothing else depends on them, and of cached statuses
	turns   int                         // how many of them are of neighbours
	hazards [][model.ProbeKinds]float64 // -log(1-p), for each set of them that is busy
	factors []float64                   // times as long as answers wait then
}

const (
	// mostFailing is the probability of a failure, neighbours aside, beyond which
	// there is nothing to pass over.
	mostFailing = .05
	// mostEventful is that of an attempt that may succeed all the same.
	mostEventful = .2
	// mostSlowing is the number of neighbours that slow answers, of which every set
	// is known.
	mostSlowing = 6
)

// newSkipping decides from the model's structure whether skip-ahead is valid.
func newSkipping(w *model.World, a *application, l *life) skipping {
	s := skipping{syncs: newResidual(l.durations.Resync)}
	c := w.Container()
	if w.Pod.ReadinessGates != 0 || a.loaded || !c.Probed() {
		return s
	}
	for i := range a.renewals {
		if a.renewals[i].factor <= 1 {
			continue
		}
		s.slowing = append(s.slowing, i)
		if a.cpu == nil {
			s.passed = append(s.passed, l.firstProcessTimer()+timerFirst+i)
		}
	}
	s.turns = len(s.passed)
	if len(s.slowing) > mostSlowing {
		return s
	}
	s.hazards = make([][model.ProbeKinds]float64, 1<<len(s.slowing))
	s.factors = make([]float64, len(s.hazards))
	for busy := range s.factors {
		s.factors[busy] = s.factor(a, busy)
	}
	jobs := cpuJobs(w)
	for k, p := range c.Probes {
		if p == nil {
			continue
		}
		law, ok := newLaw(a, model.ProbeKind(k), p, jobs)
		if !ok && model.ProbeKind(k) != model.Startup || p.Handler.NoPort || w.Application.Probes[k].FailsInFlight > 0 {
			return s
		}
		for busy := range s.hazards {
			s.hazards[busy][k] = hazard(law.eventful(s.factors[busy]))
		}
		most := mostFailing
		if !law.certain {
			most = mostEventful
		}
		if s.hazards[0][k] > hazard(most) && model.ProbeKind(k) != model.Startup {
			return s
		}
		if w.Application.Probes[k].Cached > 0 {
			s.passed = append(s.passed, l.firstProcessTimer()+timerCached+k)
		}
		s.laws[k] = law
		s.longer = max(s.longer, 4*p.Period())
	}
	s.valid = true
	return s
}

// cpuJobs returns how many probes a process that has started answers with CPU
// time.
func cpuJobs(w *model.World) int {
	jobs := 0
	for k, p := range w.Container().Probes {
		if p != nil && model.ProbeKind(k) != model.Startup && !instant(&w.Application.Probes[k], p.Handler.Kind) {
			jobs++
		}
	}
	return max(1, jobs)
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

// begin makes it ready for a new life.
func (s *skipping) begin() {
	s.until = 0
	s.forget()
}

// forget takes back what was drawn of attempts to come.
func (s *skipping) forget() { s.fates = [model.ProbeKinds]fate{} }

// pending reports whether an attempt to come was drawn.
func (s *skipping) pending() bool {
	for k := range s.fates {
		if s.fates[k].good > 0 || s.fates[k].bad {
			return true
		}
	}
	return false
}

// skip passes over a quiet stretch, if there is one.
func (l *life) skip() {
	a := l.processes.(*application)
	s := &a.skipping
	if l.now < s.until || s.pending() || !a.quiet() || !l.syncsInVain() || !a.rests() {
		return
	}
	next := min(l.otherThanTicks(s.passed), l.horizon)
	if next-l.now < s.longer {
		s.until = next
		return
	}
	at := l.pass(next)
	s.until = at - 1 // a neighbour that turns then ends the stretch 1 ns later
	l.passStartup(at)
	l.passOthers(at)
	a.passCached(at)
	l.resume(at)
}

// rests reports whether no CPU work and no change of a cached status is under way.
func (a *application) rests() bool {
	l, uses, first := a.life, false, never
	for k := range a.skipping.laws {
		if w := &l.containers[a.studied].workers[k]; l.asks(w) {
			first = min(first, w.NextTick)
			uses = uses || len(a.skipping.laws[k].parts) > 0
			if a.app.Probes[k].Cached > 0 && a.unhealthy(model.ProbeKind(k)) != healthy {
				return false
			}
		}
	}
	return !uses || a.cpu.RestedBy(first)
}

// passOthers lets the ticks of the pod's other containers before an instant be:
// their attempts succeed.
func (l *life) passOthers(at time.Duration) {
	for c := range l.containers {
		for k := range l.containers[c].workers {
			if w := &l.containers[c].workers[k]; c != l.studied && l.asks(w) && w.NextTick < at {
				w.Pass(ticksBefore(w, at))
				l.timers.set(l.tickTimer(c*model.ProbeKinds+k), w.NextTick)
			}
		}
	}
}

// passCached passes over the renewals of cached statuses before an instant.
func (a *application) passCached(at time.Duration) {
	for k := range a.app.Probes {
		every, due := a.app.Probes[k].Cached, a.life.timers.at[a.timer(timerCached+k)]
		if every > 0 && due < at {
			a.set(timerCached+k, due+((at-1-due)/every+1)*every)
		}
	}
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
