package sim_test

import (
	"time"

	"github.com/probesim/probesim/model/dist"
)

// plainEndpoint is what the API says of the pod's endpoint: listed, and Ready.
type plainEndpoint struct{ listed, ready bool }

// plainEndpoints is the way of the pod's readiness to the last proxy (K49 to K51,
// K71 to K77).
type plainEndpoints struct {
	dirty, writing, watched, slicing, stale    bool
	writes, api, sliced, slice, next           plainEndpoint
	seenAt                                     time.Duration
	due                                        *event // of the slice
	rulesWaiting, rulesApplying, rulesOutdated bool
	applied                                    time.Duration
	in                                         bool
}

func (p *plain) draw(d *dist.Duration) time.Duration { return d.Sample(p.propagation) }

// passage draws what a station takes, longer on a node that has just started the
// container (K74).
func (p *plain) passage(d *dist.Duration) time.Duration {
	delay := p.draw(d)
	if p.alive && p.now-p.launched < time.Second {
		delay = time.Duration(float64(delay) * p.durations.BusyStart)
	}
	return delay
}

// writeStatus writes the latest status to the API (K49).
func (p *plain) writeStatus() {
	e := &p.endpoints
	e.dirty, e.writing = false, true
	e.writes = plainEndpoint{p.status.Incarnation >= 0, p.ready}
	p.at(p.now+p.passage(&p.durations.StatusPatch), func() {
		p.at(p.now+p.passage(&p.durations.StatusDone), func() {
			if e.writing = false; e.dirty {
				p.writeStatus()
			}
		})
		if e.writes != e.api {
			e.api = e.writes
			p.watch(p.passage(&p.durations.PodEvent))
		}
	})
}

// watch lets the endpoint controller see the pod after a delay.
func (p *plain) watch(delay time.Duration) {
	e := &p.endpoints
	if e.watched {
		return
	}
	e.watched, e.seenAt = true, p.now+delay
	if !e.slicing && !e.stale {
		e.due = p.at(e.seenAt, p.updateSlice)
	}
}

// updateSlice is the controller's update of the EndpointSlice (K50, K73).
func (p *plain) updateSlice() {
	e := &p.endpoints
	if e.watched && e.seenAt <= p.now {
		e.watched = false
	}
	e.slicing, e.stale, e.sliced = true, false, e.api
	p.at(p.now+p.draw(&p.durations.SliceUpdate), func() {
		before := e.slice
		e.slicing, e.slice = false, e.sliced
		switch {
		case !e.watched:
		case e.seenAt > p.now:
			p.at(e.seenAt, p.updateSlice)
		case p.propagation.Float64() < p.durations.StaleSlices:
			e.stale = true
			p.at(p.now+time.Second, p.updateSlice)
		default:
			p.at(p.now, p.updateSlice)
		}
		if before != e.slice {
			e.rulesOutdated = true
			if !e.rulesApplying && !e.rulesWaiting {
				p.awaitRules()
			}
		}
	})
}

// awaitRules lets the proxy write its rules, minSyncPeriod after it last did (K51).
func (p *plain) awaitRules() {
	e := &p.endpoints
	e.rulesWaiting = true
	start := p.now
	if e.applied != forEver {
		start = max(start, e.applied+p.world.Cluster.MinSyncPeriod)
	}
	p.at(start+p.draw(&p.durations.RulesStart), func() {
		e.rulesWaiting, e.rulesApplying, e.rulesOutdated = false, true, false
		e.next = e.slice
		p.at(p.now+p.draw(&p.durations.RulesApply), func() {
			e.rulesApplying, e.applied = false, p.now
			p.route(e.next.listed && e.next.ready)
			if e.rulesOutdated {
				p.awaitRules()
			}
		})
	})
}

// route puts the pod into the proxies' rules, or takes it out.
func (p *plain) route(in bool) {
	e := &p.endpoints
	if e.in == in {
		return
	}
	p.account()
	e.in = in
	if in && p.able != forEver && p.serving {
		p.out.ReadyLags = append(p.out.ReadyLags, p.now-p.able)
		p.able = forEver
	}
}
