package sim

import (
	"time"

	"github.com/probesim/probesim/model/dist"
)

// endpoint is what the API says of the pod: the conditions of its endpoint in
// the EndpointSlice (K50).
type endpoint struct {
	listed      bool // the pod has an address: a container of it was reported to run
	serving     bool // the pod's Ready condition
	terminating bool // it has a deletion timestamp
}

// ready is whether the endpoint's ready condition holds.
func (e endpoint) ready() bool { return e.listed && e.serving && !e.terminating }

// endpoints is the way of the pod's readiness to the last proxy. Each station
// passes on the latest value it knows when it acts, so that a flap faster than
// a station is never seen beyond it (K49, K72, K77).
//
//	status ──writer──> API ──event──> controller ──> EndpointSlice ──minSync──> rules
type endpoints struct {
	dirty    bool          // the cached status changed since the writer last took it (K49)
	writing  bool          // a status write is under way
	patched  bool          // the API server has received it
	writes   endpoint      // what it writes, but for the deletion
	api      endpoint      // in the API server
	watched  bool          // a change is on its way to the watchers
	seenAt   time.Duration // when they see it
	slicing  bool          // an update of the slice is under way
	stale    bool          // the controller waits to try again (K73)
	sliced   endpoint      // what the update writes
	slice    endpoint      // in the EndpointSlice
	next     endpoint      // being applied by the proxy, or that was last
	changed  bool          // by this application
	rules    bool          // in kube-proxy's rules
	in       bool          // some proxy sends requests to the pod
	balancer balancer
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
	if a.out.NeverReady {
		a.out.NeverReady, a.out.FirstReady = false, a.life.now
		a.life.ended = a.life.ended || a.firstReady
	}
	if a.alive && a.ledger.readySince == never {
		a.ledger.readySince = a.life.now
		a.sample(&a.out.TimesToReady, a.life.now-a.ledger.started)
	}
}

// writeStatus begins a status write if there is something to write: one
// goroutine takes the latest status, and changes meanwhile wait (K49). A stated
// propagation is the whole way in one step, of changes of Ready alone.
func (a *application) writeStatus() {
	e := &a.endpoints
	e.dirty, e.patched = false, false
	e.writes = endpoint{listed: a.life.hasAddress(), serving: a.life.podReady}
	stated := a.world.Cluster.Propagation
	e.writing = stated == nil || a.statedReady() != e.rules
	if !e.writing {
		return
	}
	delay := stated
	if stated == nil {
		delay = &a.life.durations.StatusPatch
	}
	a.set(timerStatus, later(a.life.now, a.passage(delay)))
}

// seenReadyAt returns when the controllers see the pod Ready; never: not so.
func (a *application) seenReadyAt() time.Duration {
	switch e := &a.endpoints; {
	case a.world.Cluster.Propagation != nil && a.life.podReady:
		return a.life.now
	case e.api.ready():
		return max(a.life.now, e.seenAt)
	}
	return never
}

// statedReady is what a stated propagation passes on to the proxies.
func (a *application) statedReady() bool {
	return a.endpoints.writes.serving && !a.endpoints.api.terminating
}

func (a *application) draw(d *dist.Duration) time.Duration {
	return d.Sample(a.random[streamPropagation].Rand)
}

// startingNode is how long after a container's start its node is taken to be
// busier than that of K71. A pod's first readiness is through by then, unless it
// is late (K74, K75).
const startingNode = time.Second

// passage draws what a station takes, longer on a node that has just started
// the container (K74).
func (a *application) passage(d *dist.Duration) time.Duration {
	delay := a.draw(d)
	if a.alive && a.life.now-a.ledger.started < startingNode && a.world.Cluster.Propagation == nil {
		delay = time.Duration(float64(delay) * a.life.durations.BusyStart)
	}
	return delay
}

// statusDue handles the API server's receipt of a status write, and its end.
func (a *application) statusDue() {
	e := &a.endpoints
	a.set(timerStatus, never)
	if stated := a.world.Cluster.Propagation; stated == nil && !e.patched {
		e.patched = true
		a.set(timerStatus, a.life.now+a.passage(&a.life.durations.StatusDone))
		a.patch()
		return
	} else if stated != nil {
		a.registration(a.statedReady())
		a.route(a.statedReady())
	}
	e.writing = false
	if e.dirty {
		a.writeStatus()
	}
}

// patch changes the pod in the API server, which tells its watchers.
func (a *application) patch() {
	e := &a.endpoints
	written := e.writes
	written.terminating = e.api.terminating
	if written == e.api {
		return
	}
	if written.serving != e.api.serving {
		a.station("status written", written.serving, "K49")
	}
	e.api = written
	a.watch(a.passage(&a.life.durations.PodEvent))
}

// station tells of a readiness change on its way.
func (a *application) station(name string, ready bool, rule string) {
	if a.life.trace != nil {
		a.life.emit(Event{Kind: EventStation, Container: -1, Ready: ready, Text: name, Rule: rule})
	}
}

// watch lets the endpoint controller see the pod after a delay.
func (a *application) watch(delay time.Duration) {
	e := &a.endpoints
	if e.watched {
		return // it will see the latest state
	}
	e.watched = true
	e.seenAt = later(a.life.now, delay)
	if !e.slicing && !e.stale {
		a.set(timerSlice, e.seenAt)
	}
}

// staleRetry is how long the endpoint controller waits before it tries again
// after it has found its own view of the EndpointSlices out of date (K50, K73).
const staleRetry = time.Second

// sliceDue handles the controller's sight of the pod, and the end of its update
// of the EndpointSlice (K50).
func (a *application) sliceDue() {
	e := &a.endpoints
	a.set(timerSlice, never)
	if !e.slicing {
		if e.watched && e.seenAt <= a.life.now {
			e.watched = false
		}
		e.slicing, e.sliced = true, e.api
		if e.sliced.ready() != e.slice.ready() && !e.stale {
			a.station("watchers see the pod", e.sliced.ready(), "K71")
		}
		e.stale = false
		a.set(timerSlice, a.life.now+a.draw(&a.life.durations.SliceUpdate))
		return
	}
	before := e.slice
	e.slicing, e.slice = false, e.sliced
	a.sliceAgain()
	if before == e.slice {
		return
	}
	switch {
	case before.ready() != e.slice.ready():
		a.station("endpoint slice updated", e.slice.ready(), "K50")
		a.registration(e.slice.ready())
	case !before.listed:
		a.station("endpoint listed", false, "K75")
	}
	a.service.changed()
}

// sliceAgain takes up a change of the pod that came while the controller wrote
// the slice. If it does so before it has seen its own write, it finds its view
// of the slices out of date, and tries again a second later (K73).
func (a *application) sliceAgain() {
	e := &a.endpoints
	switch {
	case !e.watched:
	case e.seenAt > a.life.now:
		a.set(timerSlice, e.seenAt)
	case a.random[streamPropagation].Float64() < a.life.durations.StaleSlices:
		e.stale = true
		if e.api.ready() != e.slice.ready() {
			a.station("watchers see the pod", e.api.ready(), "K71")
		}
		a.station("endpoint controller's view is out of date", e.api.ready(), "K73")
		a.set(timerSlice, a.life.now+staleRetry)
	default:
		a.set(timerSlice, a.life.now)
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
		a.outInTime()
		a.removed()
		return
	}
	if since := a.ledger.servingSince; since != never && a.serving {
		a.sample(&a.out.ReadyLags, a.life.now-since)
		a.ledger.servingSince = never
	}
	a.startOver()
	a.recovered()
}
