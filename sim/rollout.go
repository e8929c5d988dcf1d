package sim

import (
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
)

// rollout is a rolling update of the workload with maxSurge 1 and
// maxUnavailable 0, as far as the studied pod's life needs it (K84): replicas
// are replaced one after another, the studied one at a random place.
//
//	new pod created ──> seen Ready ──> old pod deleted ──> next new pod created …
//
// The new pod lives a life of its own beside the old one's, on another node of
// the same class; they share the service, whose proxies have to wait for one another's
// changes (K72). Once the old pod is deleted the studied pod is the new one.
// Of the other replicas only those replaced just before matter, and only by
// what they change in the EndpointSlice: their new pods are lived up to Ready,
// of their old ones the two changes remain.
type rollout struct {
	step       rolloutStep
	at         time.Duration   // of the next step; never: it waits for a pod
	before     int             // replicas still to be replaced before the studied one
	generation uint64          // of the newest pod; 0 is the first of the life
	old, new   *life           // new is nil until one is created
	others     []time.Duration // changes of the slice to come by other replicas' old pods
	random     *stream         // the old pod's, for rollouts
}

// rolloutStep is what a rollout does next.
type rolloutStep uint8

const (
	createsPod   rolloutStep = iota
	awaitsReady              // of the new pod
	deletesPod               // an old one
	awaitsOldEnd             // until no proxy sends the studied replica's old pod requests
)

// mostBefore is how many replicas replaced before the studied one are lived
// through: each takes half a second and more, and the proxies remember no more
// than minSyncPeriod.
const mostBefore = 3

// roll carries out the rollout that begins in the life of a pod, beside that
// life. It returns the life that goes on: of the new pod, or of the old one if
// the end of the run comes first.
func (s *Simulator) roll(of *Life, l *life) *life {
	r := &s.rollout
	old := l.processes.(*application)
	l.rolling = false
	r.step, r.at, r.old, r.new, r.others = createsPod, l.now, l, nil, r.others[:0]
	r.random = &old.random[streamRollout]
	r.before = r.random.IntN(min(mostBefore+1, max(1, s.world.Replicas)))
	for !l.ended && (r.new == nil || !r.new.ended) && (of.Stop == nil || !of.Stop.Load()) {
		fires, at := r.next()
		if at > l.horizon {
			return s.cut(of, l.horizon)
		}
		r.advance(at)
		switch {
		case fires != nil:
			i, _ := fires.timers.next()
			fires.fire(i)
			fires.settle()
		case r.at <= at:
			s.take(of)
		default:
			r.others = slices.DeleteFunc(r.others, func(change time.Duration) bool { return change <= at })
			s.service.changed()
		}
		switch r.step {
		case awaitsReady:
			if ready := r.new.processes.(*application).seenReadyAt(); ready != never {
				r.step, r.at = deletesPod, ready+r.draw(&l.durations.Replace)
			}
		case awaitsOldEnd:
			if old.left() {
				return s.handOver(of)
			}
		}
	}
	return s.cut(of, l.now)
}

// next returns the life whose timer fires next, nil if the rollout itself does
// something, and when.
func (r *rollout) next() (*life, time.Duration) {
	fires := r.old
	_, at := fires.timers.next()
	if r.new != nil {
		if _, then := r.new.timers.next(); then < at {
			fires, at = r.new, then
		}
	}
	for _, change := range r.others {
		if change < at {
			fires, at = nil, change
		}
	}
	if r.at < at {
		fires, at = nil, r.at
	}
	return fires, at
}

// advance makes it the given instant in both lives.
func (r *rollout) advance(at time.Duration) {
	r.old.now = at
	if r.new != nil {
		r.new.now = at
	}
}

func (r *rollout) draw(d *dist.Duration) time.Duration { return d.Sample(r.random.Rand) }

// take takes the step that is due.
func (s *Simulator) take(of *Life) {
	r := &s.rollout
	r.at = never
	if r.step == createsPod {
		s.surge(of)
		r.step = awaitsReady
		return
	}
	old := r.old.processes.(*application)
	if r.before > 0 {
		old.note("another replica is replaced", "K84")
		r.before--
		r.deleteOther(s.world)
		r.step, r.at = createsPod, r.old.now+r.draw(&r.old.durations.NextPod)
		return
	}
	r.old.replaced = true
	r.new.processes.(*application).succeed(old)
	if !old.endpoints.api.terminating {
		old.deleteCalled()
	}
	r.step = awaitsOldEnd
}

// surge creates the next new pod. That of another replica leaves no trace and
// counts nothing.
func (s *Simulator) surge(of *Life) {
	r := &s.rollout
	l := s.beside(r.old)
	r.new = l
	r.generation++
	a := l.processes.(*application)
	s.unstudied.EmptySamples()
	a.out, l.trace = &s.unstudied, nil
	if r.before == 0 {
		a.out = &s.out
		if of.Trace != nil {
			s.successor = Trace{From: of.Trace.From, To: of.Trace.To, Events: s.successor.Events[:0]}
			l.trace = &s.successor
		}
	}
	s.prepare(l, of, r.generation, r.old.now)
	a.role = surging
	s.service.join(a)
	a.meets(r.old.processes.(*application))
	l.timers.set(l.podTimer(), l.now+r.draw(&l.durations.Creation))
}

// beside returns the life that is laid out beside a given one, on another node
// of the same class: the class is drawn once for a replica.
func (s *Simulator) beside(l *life) *life {
	for _, pair := range s.nodes {
		switch l {
		case pair[0]:
			return pair[1]
		case pair[1]:
			return pair[0]
		}
	}
	return nil
}

// deleteOther deletes another replica's old pod: it leaves the endpoints, and
// some time later the EndpointSlice (K79, K81).
func (r *rollout) deleteOther(w *model.World) {
	if w.Cluster.Propagation != nil {
		return // the whole delay is stated: no proxies wait for one another
	}
	d := &r.old.durations
	c := w.Container()
	terminating := r.draw(&d.DeleteEvent) + r.draw(&d.SliceUpdate)
	grace := kubelet.DeletionGrace(&w.Pod, nil)
	preStop := kubelet.PreStopLasts(c.PreStop.Lasts, grace)
	exits := kubelet.RemainingGrace(grace, preStop)
	if !w.Application.Shutdown.IgnoresTerm {
		exits = min(exits, r.draw(&w.Application.Shutdown.Wait))
	}
	gone := r.draw(&d.Delete) + r.draw(&d.StopRequest) + preStop + r.draw(&d.StopSignal) + exits +
		r.draw(&d.FinalStatus) + r.draw(&d.PodEvent) + r.draw(&d.SliceUpdate)
	r.others = append(r.others, r.old.now+terminating, r.old.now+gone)
}

// handOver ends the rollout: what is left of the old pod concerns nobody.
func (s *Simulator) handOver(of *Life) *life {
	r := &s.rollout
	s.service.leave(r.old.processes.(*application))
	r.new.processes.(*application).scheduleRollout()
	s.collect(of)
	s.pod++
	return r.new
}

// cut ends both lives at the given instant, and returns the studied one.
func (s *Simulator) cut(of *Life, at time.Duration) *life {
	r := &s.rollout
	r.advance(at)
	r.old.ended = true
	if r.new == nil {
		return r.old
	}
	r.new.ended = true
	s.collect(of)
	old, successor := r.old.processes.(*application), r.new.processes.(*application)
	if r.step != awaitsOldEnd {
		successor.flushRuns()
		return r.old
	}
	old.account()
	old.flushRuns()
	s.pod++
	return r.new
}

// collect adds the new pod's events to the trace, if it is the studied one's
// successor, and lets it go on there.
func (s *Simulator) collect(of *Life) {
	if of.Trace == nil || s.rollout.new.trace == nil {
		return
	}
	s.label(of.Trace, s.pod)
	of.Trace.Events = append(of.Trace.Events, s.successor.Events...)
	s.label(of.Trace, s.pod+1)
	s.rollout.new.trace = of.Trace
}

// role is what a pod is to the run.
type role uint8

const (
	studiedPod role = iota
	surging         // the new pod of a rollout beside the studied one: of it only occurrences count, no time
	leaving         // the old pod, once deleted: of its time only that in which it gets requests
)

// succeed makes the new pod of a rollout the studied one, in place of old.
func (a *application) succeed(old *application) {
	a.account()
	old.account()
	a.role, old.role, old.heir = studiedPod, leaving, a
	for _, timer := range [...]int{timerDeletion, timerKubelet, timerHang} { // go on from pod to pod
		a.set(timer, old.life.timers.at[old.timer(timer)])
		old.set(timer, never)
	}
	if old.endpoints.api.terminating {
		a.scheduleDeletion()
	}
	a.injected = old.injected
	if o := old.ledger.outage; o.open {
		a.ledger.outage, old.ledger.outage = o, outage{}
	}
	if old.hangPending {
		a.inject()
	}
	a.recovered()
}

// meets gives a new pod the outages of dependencies that are under way.
func (a *application) meets(old *application) {
	for i := range a.renewals {
		if r := &a.renewals[i]; r.what == renewsDependency {
			r.on, r.since = old.renewals[i].on, old.renewals[i].since
			a.set(timerFirst+i, old.life.timers.at[old.timer(timerFirst+i)])
		}
	}
}

// left reports whether a replaced pod is gone and nobody can tell that it was.
func (a *application) left() bool {
	return a.life.gone && !a.endpoints.in &&
		a.life.timers.at[a.timer(timerSlice)] == never && a.life.timers.at[a.timer(timerStatus)] == never
}
