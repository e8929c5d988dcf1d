package sim

import (
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// ledger is where the time of a life goes until the next change.
type ledger struct {
	state   TrueState
	since   time.Duration // everything before is in the outcome
	backOff bool          // the next start was refused

	started      time.Duration // of the process
	readySince   time.Duration // Ready was first true since the start; never: not yet
	servingSince time.Duration // able to serve and not yet in the endpoints; never: not so

	runs   [model.ProbeKinds]int32 // failures in a row, in this container
	early  [model.ProbeKinds]bool  // of these, some are from before the process was able to serve
	outage outage
}

// outage is a fault from its beginning until the pod serves from within the
// endpoints again.
type outage struct {
	open     bool
	detected bool
	removed  bool
	at       time.Duration
	dead     time.Duration
}

// outage returns the fault that is open. One of a pod that a rollout replaces
// goes on in its successor.
func (a *application) outage() *outage {
	if a.heir != nil {
		return a.heir.outage()
	}
	return &a.ledger.outage
}

// trueState is what is so about the studied process.
func (a *application) trueState() TrueState {
	switch {
	case !a.alive:
		return Down
	case a.terminating:
		return Terminating
	case a.hung:
		return Hung
	case !a.serving:
		return Starting
	case a.frozen > 0 || a.faultStalls():
		return Stalled
	}
	return Serving
}

// account books the time since the last change, such as the dead traffic between
// a deleted pod's exit and the proxies' rules (K82). Whatever changes the state, the
// endpoints or the back-off calls it first.
func (a *application) account() {
	g := &a.ledger
	d := a.life.now - g.since
	if d == 0 {
		return
	}
	g.since = a.life.now
	throttled := time.Duration(0)
	if g.state == Serving {
		throttled = a.throttledSince()
	}
	if a.role == studiedPod {
		a.out.StateTime[g.state] += d - throttled
		a.out.StateTime[Stalled] += throttled
		if g.backOff {
			a.out.BackOffTime += d
		}
		if a.alive && a.quota > 0 {
			a.out.LimitTime += d
		}
	}
	switch dead := g.state == Hung || g.state == Down || g.state == Starting || g.state == Terminating && (!a.listening || a.hung); {
	case a.role == surging:
	case a.endpoints.in && dead:
		a.out.DeadTraffic += d
		if o := a.outage(); o.open {
			o.dead += d
		}
	case a.endpoints.in && g.state == Stalled:
		a.out.SlowTraffic += d
	case a.role == leaving:
	case a.endpoints.in && g.state == Serving:
		a.out.Available += d - throttled
		a.out.SlowTraffic += throttled
	case g.state == Serving:
		a.out.FalseUnready += d - throttled
	}
}

// throttledSince returns for how long the quota has kept the process from running
// since it was last asked. A serving process is stalled then; other states keep
// their name, so they do not ask.
func (a *application) throttledSince() time.Duration {
	if a.cpu == nil || !a.alive || a.quota == 0 {
		return 0
	}
	a.cpu.Advance(a.life.now)
	a.retime()
	before := a.throttled
	a.throttled = a.cpu.ThrottledFor()
	return a.throttled - before
}

// stateChanged takes note of the true state after a change.
func (a *application) stateChanged() {
	g := &a.ledger
	state := a.trueState()
	if state == g.state {
		return
	}
	a.account()
	g.state = state
	if state != Down {
		g.backOff = false
	}
	if a.life.trace != nil {
		a.life.emit(Event{Kind: EventState, Container: a.studied, Incarnation: a.life.containers[a.studied].live.Incarnation, State: state, Rule: a.stateRule(state)})
	}
	if state == Serving {
		a.throttledSince() // from here on
		a.removed()
		a.recovered()
	}
}

// stateRule names the rule by which the process came into a state.
func (a *application) stateRule(state TrueState) string {
	switch {
	case state == Down:
		return "K38"
	case state == Terminating:
		return "K37"
	case state == Stalled && a.stolen():
		return "C21"
	}
	return ScenarioRule
}

// stolen reports whether a stall of the node is under way.
func (a *application) stolen() bool {
	return slices.ContainsFunc(a.renewals, func(r renewal) bool { return r.what == renewsStall && r.on })
}

// beginOutage opens the books of a hang. One that comes before the pod has
// recovered from another is part of that. Crashes have no such books: the
// question is how long a process that looks alive gets traffic.
func (a *application) beginOutage() {
	a.out.Faults++
	if a.ledger.outage.open {
		return
	}
	a.ledger.outage = outage{open: true, at: a.life.now, removed: !a.endpoints.in}
}

// sample adds a sample to one of the outcome's lists, and has the lists emptied
// before they grow with the life.
func (a *application) sample(list *[]time.Duration, d time.Duration) {
	*list = append(*list, d)
	if len(*list) >= MostSamples && a.drain != nil {
		a.drain(a.out)
	}
}

// detected books the verdict on a hung process.
func (a *application) detected() {
	o := &a.ledger.outage
	if !o.open || o.detected {
		return
	}
	o.detected = true
	a.sample(&a.out.Detections, a.life.now-o.at)
}

// removed books that no proxy sends requests to a dead pod any more: it was
// removed, or serves again.
func (a *application) removed() {
	o := a.outage()
	if o.open && !o.removed {
		o.removed = true
		a.sample(&a.out.Removals, a.life.now-o.at)
	}
}

// recovered closes the books of a fault once the pod serves from within the
// endpoints.
func (a *application) recovered() {
	o := &a.ledger.outage
	if !o.open || !a.endpoints.in || a.trueState() != Serving {
		return
	}
	a.removed()
	o.open = false
	a.sample(&a.out.Recoveries, a.life.now-o.at)
	a.sample(&a.out.FaultDead, o.dead)
	if a.injected {
		a.life.ended = true
	}
}

// condemned implements processes: a kill is false unless the process is hung.
func (a *application) condemned(c int, by model.ProbeKind) {
	switch {
	case c != a.studied || !a.alive:
	case a.hung:
		a.out.TrueKills[by]++
	default:
		a.out.FalseKills[by]++
		if !a.serving {
			a.out.KillsWhileStarting++
		} else if a.ledger.early[by] {
			a.out.Outlived--
		}
		if lost := !a.serving || a.ledger.early[by]; lost {
			a.out.KillsOfStarts++
		}
		if a.out.Outlived == 0 {
			a.out.KillsAtFirst[by]++
		}
		a.sample(&a.out.FalseKillTimes, a.life.now)
	}
}

// attempted implements processes: it counts failures in a row.
func (a *application) attempted(c int, k model.ProbeKind, o kubelet.Outcome, _ int32) {
	if c != a.studied {
		return
	}
	a.out.Attempts[k]++
	if o.Failed() {
		a.out.Failures[k]++
		a.ledger.runs[k]++
		a.ledger.early[k] = a.ledger.early[k] || !a.serving
		return
	}
	a.flushRun(k)
	a.startOver()
}

// startOver ends a life of one start once nothing of the start is left to be
// seen: the process serves, some proxy sends it requests, and the liveness probe
// has neither failures from while it started nor an attempt under way, so that
// none of them can lead to its kill.
func (a *application) startOver() {
	pending := &a.life.attempts[a.studied*model.ProbeKinds+int(model.Liveness)]
	if a.firstStart && a.serving && a.endpoints.in && a.ledger.runs[model.Liveness] == 0 && pending.asked == 0 {
		a.life.ended = true
	}
}

func (a *application) flushRun(k model.ProbeKind) {
	if run := a.ledger.runs[k]; run > 0 {
		a.out.RunLengths[k][min(run, LongestRun)-1]++
		a.ledger.runs[k], a.ledger.early[k] = 0, false
	}
}

func (a *application) flushRuns() {
	for k := range a.ledger.runs {
		a.flushRun(model.ProbeKind(k))
	}
}
