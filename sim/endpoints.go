package sim

import (
	"time"

	"github.com/probesim/probesim/model/dist"
)

// endpoints is the way of the pod's readiness to the last proxy. Each station
// passes on the latest value it knows when it acts, so that a flap faster than
// a station is never seen beyond it (K49, K72, K77).
//
//	status ──writer──> API ──event──> controller ──> EndpointSlice ──minSync──> rules
type endpoints struct {
	dirty    bool          // the cached status changed since the writer last took it (K49)
	writing  bool          // a status write is under way
	patched  bool          // the API server has received it
	ready    bool          // that it writes
	api      bool          // Ready in the API server
	watched  bool          // a change is on its way to the watchers
	seenAt   time.Duration // when they see it
	deleted  bool          // the pod has a deletion timestamp: not ready, whatever its Ready condition (K50)
	slicing  bool          // an update of the slice is under way
	sliced   bool          // that it writes
	slice    bool          // ready in the EndpointSlice
	applying bool          // the proxy writes rules
	waiting  bool          // the proxy waits for minSyncPeriod
	next     bool          // being applied by the proxy
	rules    bool          // in kube-proxy's rules
	in       bool          // some proxy sends requests to the pod
	balancer balancer

	applied time.Duration // end of the proxy's last application; never: none yet
}

// published implements processes: the cached status changed.
func (a *application) published() {
	a.endpoints.dirty = true
	if !a.endpoints.writing {
		a.writeStatus()
	}
}

// readyChanged implements processes.
func (a *application) readyChanged(ready bool) {
	if !ready {
		return
	}
	a.out.NeverReady = false
	if a.alive && a.ledger.readySince == never {
		a.ledger.readySince = a.life.now
		a.out.TimesToReady = append(a.out.TimesToReady, a.life.now-a.ledger.started)
	}
}

// writeStatus begins a status write if there is something to write: one
// goroutine takes the latest status, and changes meanwhile wait (K49). A stated
// propagation is the whole way in one step, of changes of Ready alone.
func (a *application) writeStatus() {
	e := &a.endpoints
	e.dirty, e.patched = false, false
	e.ready = a.life.podReady
	stated := a.world.Cluster.Propagation
	e.writing = stated == nil || (e.ready && !e.deleted) != e.rules
	if !e.writing {
		return
	}
	delay := &a.life.durations.StatusPatch
	if stated != nil {
		delay = stated
	}
	a.set(timerStatus, later(a.life.now, a.draw(delay)))
}

func (a *application) draw(d *dist.Duration) time.Duration {
	return d.Sample(a.random[streamPropagation].Rand)
}

// statusDue handles the API server's receipt of a status write, and its end.
func (a *application) statusDue() {
	e := &a.endpoints
	a.set(timerStatus, never)
	if stated := a.world.Cluster.Propagation; stated == nil && !e.patched {
		e.patched = true
		a.set(timerStatus, a.life.now+a.draw(&a.life.durations.StatusDone))
		if e.api != e.ready {
			e.api = e.ready
			a.station("status written", e.api, "K49")
			a.watch(&a.life.durations.PodEvent)
		}
		return
	} else if stated != nil {
		a.registration(e.ready && !e.deleted)
		a.route(e.ready && !e.deleted)
	}
	e.writing = false
	if e.dirty {
		a.writeStatus()
	}
}

// station tells of a readiness change on its way.
func (a *application) station(name string, ready bool, rule string) {
	if a.life.trace != nil {
		a.life.emit(Event{Kind: EventStation, Container: -1, Ready: ready, Text: name, Rule: rule})
	}
}

// watch lets the endpoint controller see the pod after a delay.
func (a *application) watch(delay *dist.Duration) {
	e := &a.endpoints
	if e.watched {
		return // it will see the latest state
	}
	e.watched = true
	e.seenAt = later(a.life.now, a.draw(delay))
	if !e.slicing {
		a.set(timerSlice, e.seenAt)
	}
}

// sliceDue handles the controller's sight of the pod, and the end of its update
// of the EndpointSlice (K50).
func (a *application) sliceDue() {
	e := &a.endpoints
	a.set(timerSlice, never)
	if !e.slicing {
		e.watched, e.slicing, e.sliced = false, true, e.api && !e.deleted
		a.station("watchers see the pod", e.sliced, "K71")
		a.set(timerSlice, a.life.now+a.draw(&a.life.durations.SliceUpdate))
		return
	}
	e.slicing = false
	if e.watched { // a change came meanwhile; the controller takes it up next
		a.set(timerSlice, max(a.life.now, e.seenAt))
	}
	if e.slice != e.sliced {
		e.slice = e.sliced
		a.station("endpoint slice updated", e.slice, "K50")
		a.registration(e.slice)
		if !e.applying && !e.waiting {
			a.awaitProxy()
		}
	}
}

// awaitProxy waits until the proxy may apply rules: minSyncPeriod after the end
// of its last application (K51, K72).
func (a *application) awaitProxy() {
	e := &a.endpoints
	e.waiting = true
	start := a.life.now
	if e.applied != never {
		start = max(start, e.applied+a.world.Cluster.MinSyncPeriod)
	}
	a.set(timerRules, start+a.draw(&a.life.durations.RulesStart))
}

// rulesDue begins or ends an application of rules.
func (a *application) rulesDue() {
	e := &a.endpoints
	a.set(timerRules, never)
	if e.waiting {
		e.waiting, e.applying, e.next = false, true, e.slice
		a.station("proxy applies rules", e.next, "K72")
		a.set(timerRules, a.life.now+a.draw(&a.life.durations.RulesApply))
		return
	}
	e.applying, e.applied = false, a.life.now
	a.route(e.next)
	if e.slice != e.next {
		a.awaitProxy()
	}
}

// route puts the pod into kube-proxy's rules, or takes it out.
func (a *application) route(in bool) {
	a.endpoints.rules = in
	a.routesChanged()
}

// routesChanged takes note of whether some proxy sends requests to the pod.
func (a *application) routesChanged() {
	e := &a.endpoints
	in := e.rules || e.balancer.registered && !e.balancer.failed
	if e.in == in {
		return
	}
	a.account()
	e.in = in
	if a.life.trace != nil {
		a.life.emit(Event{Kind: EventEndpoint, Container: -1, Ready: in, Rule: "K72"})
	}
	a.trafficChanged()
	if !in {
		a.removed()
		return
	}
	if since := a.ledger.servingSince; since != never && a.serving {
		a.out.ReadyLags = append(a.out.ReadyLags, a.life.now-since)
		a.ledger.servingSince = never
	}
	a.recovered()
}
