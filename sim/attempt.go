package sim

import (
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// attempt is one run of a probe under way, the question to a process.
type attempt struct {
	container   int
	kind        model.ProbeKind
	asked       int // the question's number, by which a late answer is recognised; 0: no attempt under way
	runs        int // of this attempt, with this one (K15)
	start       time.Duration
	incarnation int           // of the container that is asked
	starting    bool          // it was not yet able to serve; for observers
	timeout     time.Duration // 0: an observer, which waits for ever

	// What is known of the answer.
	answers   answering
	answerAt  time.Duration // never: not known
	outcome   kubelet.Outcome
	demand    time.Duration // CPU time that an exec probe asks for once it has joined
	begun     bool          // the process had begun to answer before it stood still
	cause     cause
	because   reason        // why the process does not answer with success at once; for the trace
	wait      time.Duration // wall time an answer by the process takes once it begins
	throttled bool          // the server has a CPU limit, which delays the end of a timed-out attempt (K66)
	late      time.Duration // after its timeout at which the attempt ends; 0: not drawn yet
	dials     int           // grpc connections that were refused
}

// cause is why a worker looks, named by its rule.
type cause string

const (
	byTick      cause = "K2"  // the next instant of the grid
	byTrigger   cause = "K9"  // a manual trigger
	byKeptTick  cause = "K5"  // ticks passed during the attempt before
	byRepeating cause = "K15" // not a look: the run before erred
)

// reason is why an answer is what it is, in the scenario's words: "fault" and
// its name; and how the handler met it, where that is not plain.
type reason struct{ what, name, how string }

func (r reason) String() string {
	text := strings.TrimSpace(r.what + " " + r.name)
	if r.how == "" || text == "" {
		return r.how + text
	}
	return r.how + ", " + text
}

// answering says who answers, and so what delays it.
type answering uint8

const (
	byKernel  answering = iota // at answerAt, whatever the process does: refused, accepted
	byProcess                  // at answerAt unless the process stands still then
	heldBack                   // the process stands still: it begins to answer when that ends
	joining                    // an exec probe joins the cgroup until answerAt, then asks for CPU (C27)
	redialing                  // a refused grpc connection is tried again at answerAt (K20)
	byCPU                      // when the CPU model says so
	byNobody                   // never
)

// tick handles the next instant of a worker's grid.
func (l *life) tick(index int) {
	c, k := index/model.ProbeKinds, model.ProbeKind(index%model.ProbeKinds)
	w := &l.containers[c].workers[k]
	looks := w.Tick()
	l.timers.set(l.tickTimer(index), w.NextTick)
	if looks {
		l.look(c, k, byTick)
	}
}

// trigger sends the readiness worker of container c a manual trigger (K9).
func (l *life) trigger(c int) {
	w := &l.containers[c].workers[model.Readiness]
	if !w.Running() {
		return
	}
	if w.Trigger(l.now) {
		l.timers.set(l.tickTimer(c*model.ProbeKinds+int(model.Readiness)), w.NextTick)
		l.look(c, model.Readiness, byTrigger)
	}
}

// triggerEarly sends a trigger that the worker receives before the status that
// justifies it. The status before may have let it ask all the same (K14). What it
// announces then reaches the main loop while the sync is under way (K31).
func (l *life) triggerEarly(c int) {
	sent := 0
	if l.trace != nil {
		sent = len(l.trace.Events) - 1
	}
	l.trigger(c)
	if l.trace != nil && !l.containers[c].workers[model.Readiness].Busy() {
		l.trace.Events[sent].Wasted, l.trace.Events[sent].Rule = true, "K14"
	}
	l.settle()
}

// look lets a worker look, and again while something waits in its slots.
func (l *life) look(c int, k model.ProbeKind, why cause) {
	container := &l.containers[c]
	w := &container.workers[k]
	seen := kubelet.Seen{Status: container.status, StartedAt: container.startedAt, PodFinished: l.finished, Adopted: l.adopted(container.startedAt)}
	if container.status.State == kubelet.Terminated {
		seen.NotRestarted = !l.pod.RestartsAfterExit(container.spec, container.exitCode)
	}
	for {
		before := w.Incarnation()
		action, stored := w.Look(l.now, &seen)
		l.announce(c, k, stored, before != w.Incarnation(), "K34")
		if l.trace != nil {
			l.traceLook(c, k, action, why)
		}
		switch action {
		case kubelet.Exit:
			l.timers.set(l.tickTimer(c*model.ProbeKinds+int(k)), never)
			return
		case kubelet.Attempt:
			l.begin(c, k, why)
			return
		}
		again, next := l.looksAgain(c, k)
		if !again {
			return
		}
		why = next
	}
}

// traceLook tells of a look without an attempt. Looks on the grid that end at
// the same gate as the one before are not worth a line.
func (l *life) traceLook(c int, k model.ProbeKind, action kubelet.Action, why cause) {
	last := &l.containers[c].lastLook[k]
	known := *last == action && why == byTick
	*last = action
	if action == kubelet.Attempt || known {
		return
	}
	w := &l.containers[c].workers[k]
	l.emit(Event{Kind: EventLook, Container: c, Incarnation: w.Incarnation(), Probe: k, Action: action, Rule: gateRule(action)})
}

// gateRule names the rule by which a look ends without an attempt.
func gateRule(action kubelet.Action) string {
	switch action {
	case kubelet.OnHold:
		return "K25"
	case kubelet.NotRunning:
		return "K34"
	case kubelet.InitialDelay:
		return "K8"
	case kubelet.StartedGate:
		return "K10"
	}
	return "K7"
}

// looksAgain takes what waits in a worker's slots (K5, K6), and says what made
// it look again.
func (l *life) looksAgain(c int, k model.ProbeKind) (bool, cause) {
	w := &l.containers[c].workers[k]
	triggerFirst := w.PendingBoth() && l.random.Uint64()&1 == 0
	why := byKeptTick
	if w.PendingTrigger(triggerFirst) {
		why = byTrigger
	}
	looks := w.Pending(l.now, triggerFirst)
	if looks {
		l.timers.set(l.tickTimer(c*model.ProbeKinds+int(k)), w.NextTick)
	}
	return looks, why
}

// announce queues the updates of results that a worker stored, each with its
// rule: the first is the initial value if the container is new to the worker
// (K22).
func (l *life) announce(c int, k model.ProbeKind, stored kubelet.Stored, isNew bool, rule string) {
	for i, value := range stored.Values[:stored.N] {
		u := update{c, k, l.containers[c].workers[k].Incarnation(), value, rule}
		if isNew && i == 0 {
			u.rule = "K22"
		}
		l.updates = append(l.updates, u)
		l.processes.stored(c, k, value)
	}
}

// begin begins an attempt.
func (l *life) begin(c int, k model.ProbeKind, why cause) {
	a := &l.attempts[c*model.ProbeKinds+int(k)]
	*a = attempt{container: c, kind: k, cause: why, timeout: l.containers[c].workers[k].Probe.Timeout()}
	l.ask(a, c*model.ProbeKinds+int(k))
}

// ask begins a run of attempt a, which is l.attempts[index].
func (l *life) ask(a *attempt, index int) {
	l.asked++
	a.asked = l.asked
	a.runs++
	a.start = l.now
	a.answers, a.answerAt, a.outcome, a.because = byNobody, never, kubelet.Success, reason{}
	a.late, a.dials = 0, 0
	l.processes.ask(a)
	l.await(a, index)
}

// await sets the timer of an attempt to the next instant at which something is
// known of it: its answer, or the end of its timeout (K66).
func (l *life) await(a *attempt, index int) {
	at := a.answerAt
	if a.answers == heldBack {
		at = never
	}
	if deadline := a.start + a.timeout; a.timeout > 0 && at >= deadline {
		if a.late == 0 {
			late := &l.durations.TimeoutLate
			if a.throttled {
				late = &l.durations.TimeoutLateThrottled
			}
			a.late = late.Sample(l.random.Rand)
		}
		at = max(l.now, deadline+a.late)
	}
	l.timers.set(l.attemptTimer(index), at)
}

// attemptDue handles the timer of attempt index.
func (l *life) attemptDue(index int) {
	a := &l.attempts[index]
	l.timers.set(l.attemptTimer(index), never)
	timedOut := a.timeout > 0 && l.now >= a.start+a.timeout
	if (a.answers == joining || a.answers == redialing) && !timedOut {
		l.processes.resume(a)
		l.await(a, index)
		return
	}
	if timedOut {
		a.outcome = kubelet.Timeout
	}
	l.answered(a, index)
}

// answered ends a run; an attempt whose run erred runs again (K15). Nothing ends
// it before, and it counts against the container that the worker held when it
// began (K29).
func (l *life) answered(a *attempt, index int) {
	if index >= len(l.containers)*model.ProbeKinds {
		l.processes.observed(a)
		a.asked = 0
		return
	}
	c, k := a.container, a.kind
	w := &l.containers[c].workers[k]
	erred := a.outcome == kubelet.Error
	var stored kubelet.Stored
	question := a.asked
	if !erred || a.runs == kubelet.MaxRuns {
		a.asked = 0
		stored = w.Finish(a.outcome)
	}
	run, _ := w.Run()
	if l.trace != nil {
		e := Event{Kind: EventAttempt, At: a.start, End: l.now, Container: c, Incarnation: w.Incarnation(), Probe: k, Outcome: a.outcome, Run: int(run), Question: question, Rule: string(a.cause)}
		e.Text = a.because.String()
		l.trace.add(e)
	}
	if a.asked != 0 {
		a.cause = byRepeating
		l.ask(a, index)
		return
	}
	if !erred {
		l.processes.attempted(c, k, a.outcome, run)
	}
	l.announce(c, k, stored, false, "K23")
	if again, why := l.looksAgain(c, k); again {
		l.look(c, k, why)
	}
}
