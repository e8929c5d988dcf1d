package sim

import (
	"slices"
	"time"

	"github.com/probesim/probesim/model/cpu"
)

// Trigger is something that happens now and then and may take replicas out of the
// endpoints: so seldom that a life would have to be long to show one.
type Trigger struct {
	Kind  TriggerKind
	Index int // of its kind, in the world
}

// TriggerKind says what a trigger is.
type TriggerKind uint8

// The kinds of triggers. Bursts and outages meet all replicas, stalls those of one
// node, and pauses and faults the process of one.
const (
	TriggerBurst  TriggerKind = iota // World.Application.Traffic.Bursts
	TriggerOutage                    // World.Dependencies
	TriggerStall                     // World.Node.Stalls
	TriggerPause                     // World.Application.Pauses
	TriggerFault                     // World.Faults that are not planned
)

// planned is what does not come by chance in a life of all replicas.
type planned struct {
	without []Trigger
	begins  *Trigger      // one of them, which comes once
	at      time.Duration // when
	begun   bool
}

// plansTrigger returns when a trigger comes in this replica, or never; planned is
// false where it comes as it is drawn.
func (a *application) plansTrigger(t Trigger) (at time.Duration, planned bool) {
	p := a.planned
	if p == nil || !slices.Contains(p.without, t) {
		return 0, false
	}
	if p.begins == nil || *p.begins != t || p.begun {
		return never, true
	}
	elsewhere := false
	switch t.Kind {
	case TriggerStall:
		elsewhere = a.among.node > 0
	case TriggerPause, TriggerFault:
		elsewhere = a.among.number > 0
	}
	if elsewhere {
		return never, true
	}
	return max(p.at, a.life.now), true
}

// trigger returns what a renewal process is as a trigger.
func (r *renewal) trigger() (t Trigger, ok bool) {
	switch r.what {
	case renewsPause:
		t.Kind = TriggerPause
	case renewsStall:
		t.Kind = TriggerStall
	case renewsDependency:
		t.Kind = TriggerOutage
	default:
		return t, false
	}
	t.Index = r.index
	return t, true
}

// plans reports whether a renewal process is planned, and if so when it turns on
// next, or never.
func (a *application) plans(r *renewal) (at time.Duration, yes bool) {
	t, ok := r.trigger()
	if !ok {
		return 0, false
	}
	return a.plansTrigger(t)
}

// planBursts tells the CPU which bursts do not come by chance.
func (a *application) planBursts() {
	var plan []time.Duration
	for i := range a.app.Traffic.Bursts {
		at, planned := a.plansTrigger(Trigger{TriggerBurst, i})
		if !planned {
			at = cpu.Drawn
		}
		plan = append(plan, at)
	}
	a.cpu.PlanBursts(plan)
}

// over reports whether the trigger that a life was to have has come to its end.
func (r *Replicas) over() bool {
	t := r.planned.begins
	for _, l := range r.lives {
		a := l.processes.(*application)
		switch {
		case t.Kind == TriggerBurst:
			if a.launched && a.cpu.BurstOver(t.Index) {
				return true
			}
			continue
		case t.Kind == TriggerFault:
			return r.planned.begun && !a.faults[t.Index].on // of the first replica
		}
		for i := range a.renewals {
			if own, ok := a.renewals[i].trigger(); ok && own == *t {
				return r.planned.begun && !a.renewals[i].on
			}
		}
	}
	return false
}

// settled reports whether a life with a trigger has shown what comes of it: since
// it is over all replicas have been in the endpoints for a while without a kill, or
// all of an outage of the service has lasted as long as a crash loop that does not
// end by itself has to. A life in which neither comes ends after twice as long.
func (r *Replicas) settled(now time.Duration, of *ReplicasLife) bool {
	if now <= of.WarmUp {
		return false
	}
	if r.overAt == never {
		if !r.over() {
			return false
		}
		r.overAt = now
	}
	c := &r.tally
	calm := max(r.overAt, c.fullSince)
	if c.kills {
		calm = max(calm, c.kill)
	}
	switch {
	case c.missing == 0 && now-calm >= of.Settles:
		return true
	case c.whole && now-max(c.wholeAt, r.overAt) >= StuckAfter:
		return true
	}
	return now-r.overAt >= 2*StuckAfter
}
