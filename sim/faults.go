package sim

import (
	"slices"
	"time"

	"github.com/probesim/probesim/model"
)

// faultState is one of the scenario's faults in the process that runs.
type faultState struct{ on bool }

// beginFaults schedules the faults of a new process.
func (a *application) beginFaults() {
	for i := range a.faults {
		a.set(a.faultTimer(i), a.nextFault(i, a.world.Faults[i].After))
	}
}

// nextFault returns when fault i begins: of one that is planned, after a time.
func (a *application) nextFault(i int, after time.Duration) time.Duration {
	f := &a.world.Faults[i]
	if f.Planned {
		return later(a.life.now, after)
	}
	if at, planned := a.plansTrigger(Trigger{TriggerFault, i}); planned {
		return at
	}
	return later(a.life.now, f.Every.Sample(a.random[streamFaults].Rand))
}

// faultDue begins fault i, or ends it.
func (a *application) faultDue(i int) {
	f := &a.world.Faults[i]
	a.set(a.faultTimer(i), never)
	r := a.random[streamFaults].Rand
	a.account()
	if a.planned != nil && !a.faults[i].on && a.planned.begins != nil && *a.planned.begins == (Trigger{TriggerFault, i}) {
		a.planned.begun = true
	}
	switch {
	case f.Exits:
		a.crash(f.Name, f.ExitCode)
		return
	case a.faults[i].on:
		a.faults[i].on = false
		if !f.Planned {
			a.set(a.faultTimer(i), a.nextFault(i, 0))
		}
	case f.Forever && f.Hangs:
		if !a.hung {
			a.hang(f.Name, f.Answers)
		}
		return
	default:
		a.faults[i].on = true
		if !f.Forever {
			a.set(a.faultTimer(i), later(a.life.now, f.Lasts.Sample(r)))
		}
		a.note(f.Name, ScenarioRule)
	}
	a.stateChanged()
}

// crash ends the process by itself, with the given status or 1.
func (a *application) crash(name string, stated *int) {
	a.note(name, ScenarioRule)
	a.out.Crashes++
	a.life.exit(a.studied, exitCode(stated, 1))
}

// exitCode returns the stated status, or the one that holds without.
func exitCode(stated *int, otherwise int) int {
	if stated == nil {
		return otherwise
	}
	return *stated
}

// faultOf returns the fault under way that probes of kind k see, or nil.
func (a *application) faultOf(k model.ProbeKind) *model.Fault {
	if !a.serving {
		return nil
	}
	for i := range a.faults {
		if f := &a.world.Faults[i]; a.faults[i].on && f.Probes[k] {
			return f
		}
	}
	return nil
}

// faultStalls reports whether a fault keeps the process from serving for a while.
func (a *application) faultStalls() bool {
	for i := range a.faults {
		if a.faults[i].on && a.world.Faults[i].Hangs {
			return true
		}
	}
	return false
}

// inject hangs the process that serves, or the next one to serve.
func (a *application) inject() {
	if !a.serving || a.terminating || a.hung {
		a.hangPending = true
		return
	}
	a.hangPending = false
	a.injected = true
	// The life is about this hang alone.
	a.ledger.outage = outage{}
	a.out.Faults = 0
	a.out.Detections, a.out.Removals = a.out.Detections[:0], a.out.Removals[:0]
	a.out.Recoveries, a.out.FaultDead = a.out.Recoveries[:0], a.out.FaultDead[:0]
	a.hang("test hang", model.FaultTimeout)
}

// hang makes the process never answer again. Each handler notices with the
// probability of its hangCoverage; one draw for all, so that a handler that
// sees more sees all that the others see. That nothing can be connected to is
// noticed by every handler that connects.
func (a *application) hang(name string, answers model.FaultAnswer) {
	a.account()
	a.note(name, ScenarioRule)
	a.hung, a.answersHung = true, answers
	u := a.random[streamFaults].Float64()
	for k := range a.notices {
		p := a.world.Container().Probes[k]
		connects := p != nil && p.Handler.Kind != model.Exec
		unreachable := answers == model.FaultRefused || answers == model.FaultDropped
		a.notices[k] = u < a.app.Probes[k].HangCoverage || connects && unreachable
	}
	a.beginOutage()
	a.silenceAll()
	if a.app.Traffic != nil && (answers == model.FaultTimeout || answers == model.FaultStallsAfterHeaders) {
		a.cpu.Hang(a.life.now)
		a.retime()
	}
	a.stateChanged()
}

// note tells of something that has no kind of its own.
func (a *application) note(text, rule string) {
	if a.life.trace != nil {
		a.life.emit(Event{Kind: EventNote, Container: a.studied, Incarnation: a.life.containers[a.studied].live.Incarnation, Text: text, Rule: rule})
	}
}

// resourceState is one of the scenario's growing resources in the process that
// runs (A5).
type resourceState struct {
	failing bool
	open    bool // it reached its mark with the pod in the endpoints, and is not used up
}

// beginResources draws the rates of growth of a new process.
func (a *application) beginResources() {
	for i := range a.resources {
		g := &a.app.Resources[i]
		perHour := g.PerHour.Sample(a.random[streamResource].Rand)
		if !(perHour > 0) {
			continue
		}
		full := float64(time.Hour) / perHour
		a.set(a.resourceTimer(2*i), reached(a.life.now, full*g.FailsAt))
		a.set(a.resourceTimer(2*i+1), reached(a.life.now, full))
	}
}

// reached returns the instant a growing resource reaches a mark ns from now.
func reached(now time.Duration, ns float64) time.Duration {
	if ns >= float64(never-now) {
		return never
	}
	return now + time.Duration(ns)
}

// resourceDue handles the mark, or the exhaustion, of a resource.
func (a *application) resourceDue(timer int) {
	a.set(a.resourceTimer(timer), never)
	g := &a.app.Resources[timer/2]
	if r := &a.resources[timer/2]; timer%2 == 1 && r.open {
		r.open = false
		a.out.Marks++
		a.out.Exhausted++
	}
	switch {
	case timer%2 == 0:
		a.resources[timer/2] = resourceState{failing: true, open: a.endpoints.in}
		a.note(g.Name+" reached its mark", ScenarioRule)
	case g.AtFull == model.FullExits:
		a.crash(g.Name+" used up", nil)
	case !a.hung:
		a.hang(g.Name+" used up", model.FaultTimeout)
	}
}

// outInTime closes the books of the resources that were not used up before the
// pod was out of the endpoints or its process gone.
func (a *application) outInTime() {
	for i := range a.resources {
		if r := &a.resources[i]; r.open {
			r.open = false
			a.out.Marks++
		}
	}
}

// fails reports whether the resource's mark fails probes of kind k.
func fails(g *model.Resource, k model.ProbeKind) bool { return slices.Contains(g.Fails, k) }
