package sim

import (
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
	wait      time.Duration // wall time an answer by the process takes once it begins
	throttled bool          // the server has a CPU limit, which delays the end of a timed-out attempt (K66)
}

// answering says who answers, and so what delays it.
type answering uint8

const (
	byKernel  answering = iota // at answerAt, whatever the process does: refused, accepted
	byProcess                  // at answerAt unless the process stands still then
	heldBack                   // the process stands still: it begins to answer when that ends
	joining                    // an exec probe joins the cgroup until answerAt, then asks for CPU (C27)
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
		l.look(c, k)
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
		l.look(c, model.Readiness)
	}
}

// look lets a worker look, and again while something waits in its slots.
func (l *life) look(c int, k model.ProbeKind) {
	container := &l.containers[c]
	w := &container.workers[k]
	seen := kubelet.Seen{Status: container.status, StartedAt: container.startedAt, PodFinished: l.finished, Adopted: l.adopted(container.startedAt)}
	if container.status.State == kubelet.Terminated {
		seen.NotRestarted = !l.restarts(container.exitCode)
	}
	for {
		action, stored := w.Look(l.now, &seen)
		l.announce(c, k, stored)
		switch action {
		case kubelet.Exit:
			l.timers.set(l.tickTimer(c*model.ProbeKinds+int(k)), never)
			return
		case kubelet.Attempt:
			l.begin(c, k)
			return
		}
		if !l.looksAgain(c, k) {
			return
		}
	}
}

// looksAgain takes what waits in a worker's slots (K5, K6).
func (l *life) looksAgain(c int, k model.ProbeKind) bool {
	w := &l.containers[c].workers[k]
	triggerFirst := w.PendingBoth() && l.random.Uint64()&1 == 0
	looks := w.Pending(l.now, triggerFirst)
	if looks {
		l.timers.set(l.tickTimer(c*model.ProbeKinds+int(k)), w.NextTick)
	}
	return looks
}

// announce queues the updates of results that a worker stored.
func (l *life) announce(c int, k model.ProbeKind, stored kubelet.Stored) {
	for _, value := range stored.Values[:stored.N] {
		l.updates = append(l.updates, update{c, k, l.containers[c].workers[k].Incarnation(), value})
		l.processes.stored(c, k, value)
	}
}

// begin begins an attempt.
func (l *life) begin(c int, k model.ProbeKind) {
	a := &l.attempts[c*model.ProbeKinds+int(k)]
	*a = attempt{container: c, kind: k, timeout: l.containers[c].workers[k].Probe.Timeout()}
	l.ask(a, c*model.ProbeKinds+int(k))
}

// ask begins a run of attempt a, which is l.attempts[index].
func (l *life) ask(a *attempt, index int) {
	l.asked++
	a.asked = l.asked
	a.runs++
	a.start = l.now
	a.answers, a.answerAt, a.outcome = byNobody, never, kubelet.Success
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
		late := &l.durations.TimeoutLate
		if a.throttled {
			late = &l.durations.TimeoutLateThrottled
		}
		at = max(l.now, deadline+late.Sample(l.random.Rand))
	}
	l.timers.set(l.attemptTimer(index), at)
}

// attemptDue handles the timer of attempt index.
func (l *life) attemptDue(index int) {
	a := &l.attempts[index]
	l.timers.set(l.attemptTimer(index), never)
	timedOut := a.timeout > 0 && l.now >= a.start+a.timeout
	if a.answers == joining && !timedOut {
		l.processes.joined(a)
		l.await(a, index)
		return
	}
	if timedOut {
		a.outcome = kubelet.Timeout
	}
	l.answered(a, index)
}

// answered ends a run; an attempt whose run erred runs again (K15).
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
	if !erred || a.runs == kubelet.MaxRuns {
		a.asked = 0
		stored = w.Finish(a.outcome)
	}
	run, _ := w.Run()
	if l.trace != nil {
		l.trace.Events = append(l.trace.Events, Event{Kind: EventAttempt, At: a.start, End: l.now, Container: c, Incarnation: w.Incarnation(), Probe: k, Outcome: a.outcome, Run: int(run), Rule: "K15"})
	}
	if a.asked != 0 {
		l.ask(a, index)
		return
	}
	if !erred {
		l.processes.attempted(c, k, a.outcome, run)
	}
	l.announce(c, k, stored)
	if l.looksAgain(c, k) {
		l.look(c, k)
	}
}
