package sim

import (
	"time"
)

// endpoints is the way of the pod's Ready condition to the last proxy. Each
// station passes on the latest value it knows when it acts, so that a flap
// faster than a station is never seen beyond it (K49, K72, K77).
//
//	Ready ──status write──> API ──slice──> EndpointSlice ──minSync──> rules
type endpoints struct {
	ready bool // at the kubelet
	api   bool // in the API server
	slice bool // in the EndpointSlice
	next  bool // being applied by the proxy
	in    bool // in the proxies' rules

	writing  bool // the status writer is under way with writes
	writes   bool
	slicing  bool          // an update of the slice is under way
	applying bool          // the proxy writes rules
	waiting  bool          // the proxy waits for minSyncPeriod
	applied  time.Duration // end of the proxy's last application; never: none yet
}

// readyChanged implements processes.
func (a *application) readyChanged(ready bool) {
	e := &a.endpoints
	e.ready = ready
	if ready && a.alive && a.ledger.readySince == never {
		a.ledger.readySince = a.life.now
		a.out.TimesToReady = append(a.out.TimesToReady, a.life.now-a.ledger.started)
	}
	if ready {
		a.out.NeverReady = false
	}
	if !e.writing {
		a.writeStatus()
	}
}

// writeStatus begins a status write if there is something to write (K49). A
// stated propagation is the whole way in one step.
func (a *application) writeStatus() {
	e := &a.endpoints
	e.writing = e.ready != e.api
	if !e.writing {
		return
	}
	e.writes = e.ready
	delay := &a.life.durations.StatusWrite
	if stated := a.world.Cluster.Propagation; stated != nil {
		delay = stated
	}
	a.set(timerStatus, a.life.now+delay.Sample(a.random[streamPropagation].Rand))
}

// statusWritten ends a status write, and begins the next.
func (a *application) statusWritten() {
	e := &a.endpoints
	a.set(timerStatus, never)
	e.api = e.writes
	if a.world.Cluster.Propagation != nil {
		a.route(e.api)
	} else if !e.slicing {
		e.slicing = true
		a.set(timerSlice, a.life.now+a.life.durations.SliceUpdate.Sample(a.random[streamPropagation].Rand))
	}
	a.writeStatus()
}

// sliceUpdated ends an update of the EndpointSlice (K50).
func (a *application) sliceUpdated() {
	e := &a.endpoints
	a.set(timerSlice, never)
	e.slicing = false
	if e.slice == e.api {
		return
	}
	e.slice = e.api
	if !e.applying && !e.waiting {
		a.awaitProxy()
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
	a.set(timerRules, start+a.life.durations.RulesStart.Sample(a.random[streamPropagation].Rand))
}

// rulesDue begins or ends an application of rules.
func (a *application) rulesDue() {
	e := &a.endpoints
	a.set(timerRules, never)
	if e.waiting {
		e.waiting, e.applying, e.next = false, true, e.slice
		a.set(timerRules, a.life.now+a.life.durations.RulesApply.Sample(a.random[streamPropagation].Rand))
		return
	}
	e.applying, e.applied = false, a.life.now
	a.route(e.next)
	if e.slice != e.next {
		a.awaitProxy()
	}
}

// route makes the last proxy send requests to the pod, or not.
func (a *application) route(in bool) {
	e := &a.endpoints
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
