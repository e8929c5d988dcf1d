package kubelet

import (
	"math"
	"time"

	"github.com/probesim/probesim/model"
)

// Worker probes one container with one kind of probe, as the kubelet's worker
// of that name does: it looks at each tick of its grid and at each manual
// trigger, makes an attempt if every gate is open, counts outcomes and stores
// results. It keeps the probe it was created with (K1) and outlives the
// container's restarts.
//
//	created   tick      tick      tick           P = period
//	   |---P---|----P----|----P----|
//	   look    look      look                    startup, liveness: a fixed grid (K3)
//	   look  T look      .    look               readiness: trigger T restarts the grid
type Worker struct {
	Probe   model.Probe
	Kind    model.ProbeKind
	Version model.Version

	// NextTick is the next instant of the grid; before the first look, the
	// instant of that look.
	NextTick time.Duration

	created     bool    // the first look was taken; the ticker runs
	stopped     bool    // the worker exited
	busy        bool    // an attempt is under way
	tick        bool    // the ticker's one-slot channel (K5)
	trigger     bool    // the one-slot channel of manual triggers (K9)
	incarnation int     // of the container whose ID the worker holds; -1: none
	result      Result  // stored for that ID
	lastResult  Outcome // Success or Failure
	resultRun   int32   // consecutive outcomes equal to lastResult
	onHold      bool    // K25
}

// NewWorker returns a worker created at now whose first look comes after the
// start-up jitter (0 unless the kubelet is young, K4).
func NewWorker(p model.Probe, k model.ProbeKind, v model.Version, now, jitter time.Duration) Worker {
	return Worker{Probe: p, Kind: k, Version: v, NextTick: now + jitter, incarnation: -1}
}

// Running reports whether the worker exists and has not exited.
func (w *Worker) Running() bool { return w.Probe.PeriodSeconds > 0 && !w.stopped }

// Busy reports whether an attempt is under way.
func (w *Worker) Busy() bool { return w.busy }

// Run returns the number of consecutive attempts with the latest outcome, and
// that outcome.
func (w *Worker) Run() (int32, Outcome) { return w.resultRun, w.lastResult }

// Incarnation returns the number of the container whose ID the worker holds.
func (w *Worker) Incarnation() int { return w.incarnation }

// Result returns the result stored for a container ID, None if there is none.
func (w *Worker) Result(incarnation int) Result {
	if w.incarnation != incarnation {
		return None
	}
	return w.result
}

// Tick tells the worker that NextTick has come, and reports whether it looks
// now. A tick during an attempt waits in a slot that holds one (K5).
func (w *Worker) Tick() bool {
	w.NextTick += w.Probe.Period()
	w.created = true
	if w.busy {
		w.tick = true
		return false
	}
	return true
}

// Trigger sends a manual trigger, and reports whether the worker looks now. A
// trigger during an attempt, or before the first look, waits in a slot that
// holds one; a further one is dropped (K9).
func (w *Worker) Trigger(now time.Duration) bool {
	if w.busy || !w.created {
		w.trigger = true
		return false
	}
	w.received(now)
	return true
}

// received restarts the ticker, since v1.32, at the receipt of a trigger (K3).
func (w *Worker) received(now time.Duration) {
	w.trigger = false
	if w.Version.TriggerRestartsTicker() {
		w.NextTick = now + w.Probe.Period()
		w.tick = false
	}
}

// Pending takes what waits in the slots and reports whether the worker looks
// again at once, so that answers slower than the period follow back to back
// (K64). If a tick and a trigger wait, which one is taken is random
// (K6): triggerFirst decides.
func (w *Worker) Pending(now time.Duration, triggerFirst bool) bool {
	switch {
	case w.PendingTrigger(triggerFirst):
		w.received(now)
		return true
	case w.tick:
		w.tick = false
		return true
	}
	return false
}

// PendingTrigger reports whether Pending would take a trigger.
func (w *Worker) PendingTrigger(triggerFirst bool) bool {
	return w.trigger && (triggerFirst || !w.tick)
}

// PendingBoth reports whether the choice of K6 has to be made.
func (w *Worker) PendingBoth() bool { return w.trigger && w.tick }

// Action is what a look leads to: an attempt, the worker's end, or nothing,
// which is then named by the gate of K7 that was closed.
type Action uint8

// The actions.
const (
	Attempt      Action = iota // an attempt begins
	Exit                       // the worker ends for good
	NoContainer                // the status shows no container ID yet
	OnHold                     // until another container is seen (K25)
	NotRunning                 // the container waits or is terminated (K34)
	InitialDelay               // initialDelaySeconds are not over (K8)
	StartedGate                // readiness and liveness before startup's success, startup after it (K10)
)

// String names the action, or the closed gate, in a word or two.
func (a Action) String() string {
	return [...]string{"attempt", "exit", "no container", "on hold", "not running", "initial delay", "started gate"}[a]
}

// Stored lists the results that one step of a worker announced: at most the
// initial value and one more (K24).
type Stored struct {
	Values [2]Result
	N      int
}

func (s *Stored) add(r Result) {
	s.Values[s.N] = r
	s.N++
}

// Seen is the part of the cached pod status that a look reads.
type Seen struct {
	Status
	StartedAt    time.Duration // of the running container, cut to a whole wall-clock second
	PodFinished  bool          // phase Failed or Succeeded
	Deleted      bool          // the pod is being deleted
	Adopted      bool          // the container ran long before the kubelet started (K54)
	NotRestarted bool          // the terminated container will not be restarted
}

// Look goes through the gates of K7, in their order.
func (w *Worker) Look(now time.Duration, seen *Seen) (Action, Stored) {
	var stored Stored
	if seen.PodFinished {
		return w.exit(), stored
	}
	if seen.Incarnation < 0 {
		return NoContainer, stored
	}
	if w.incarnation != seen.Incarnation { // K33; counters stay (K26, K27)
		w.incarnation = seen.Incarnation
		w.result = None
		if !seen.Adopted {
			w.set(w.initialValue(), &stored)
		}
		w.onHold = false
	}
	if w.onHold {
		return OnHold, stored
	}
	if seen.State != Running { // K34
		w.set(ResultFailure, &stored)
		if seen.State == Terminated && seen.NotRestarted {
			w.result = None
			return w.exit(), stored
		}
		return NotRunning, stored
	}
	if seen.Deleted && w.Kind != model.Readiness { // K52
		w.set(ResultSuccess, &stored)
		return w.exit(), stored
	}
	if (now - seen.StartedAt).Truncate(time.Second) < w.Probe.InitialDelay() { // K8
		return InitialDelay, stored
	}
	if seen.Started == (w.Kind == model.Startup) { // K10
		return StartedGate, stored
	}
	w.busy = true
	return Attempt, stored
}

func (w *Worker) exit() Action {
	w.stopped = true
	return Exit
}

// Stop ends the worker and removes its result (K52).
func (w *Worker) Stop() {
	w.stopped = true
	w.result = None
}

// initialValue is what a worker stores when it first sees a container (K22).
func (w *Worker) initialValue() Result {
	return [model.ProbeKinds]Result{
		model.Startup: Unknown, model.Readiness: ResultFailure, model.Liveness: ResultSuccess,
	}[w.Kind]
}

// set stores a result and announces it if it is a change (K24).
func (w *Worker) set(r Result, stored *Stored) {
	if w.result != r {
		stored.add(r)
	}
	w.result = r
}

// Settled reports whether the worker has nothing to do but to see the container
// of that incarnation succeed once more: its verdict and its latest attempt are
// successes, and nothing waits in its slots. A startup worker has to be past its
// success.
func (w *Worker) Settled(incarnation int) bool {
	return !w.busy && !w.tick && !w.trigger && w.created && w.incarnation == incarnation &&
		w.result == ResultSuccess && w.lastResult == Success && (w.Kind == model.Startup || !w.onHold)
}

// Pass takes n ticks of a worker at once that was settled and has not changed its
// verdict since: their attempts succeed or, of a startup worker, are not made.
func (w *Worker) Pass(n int64) {
	w.NextTick += time.Duration(n) * w.Probe.Period()
	switch {
	case w.Kind == model.Startup || n == 0:
	case w.lastResult == Success:
		w.resultRun = int32(min(int64(w.resultRun)+n, math.MaxInt32))
	default:
		w.lastResult, w.resultRun = Success, int32(min(n, math.MaxInt32))
	}
}

// PassFailure takes one tick of such a worker whose attempt fails, and is not
// Decisive.
func (w *Worker) PassFailure() {
	w.NextTick += w.Probe.Period()
	if w.lastResult == Success {
		w.lastResult, w.resultRun = Failure, 0
	}
	w.resultRun++
}

// Decisive reports whether one more failure reaches the threshold.
func (w *Worker) Decisive() bool {
	return w.Probe.FailureThreshold == 1 || w.lastResult == Failure && w.resultRun+1 >= w.Probe.FailureThreshold
}

// Finish takes the outcome of an attempt, Error if all its runs erred (K15),
// and applies the thresholds (K23) and the hold (K25).
func (w *Worker) Finish(o Outcome) Stored {
	var stored Stored
	w.busy = false
	if o == Error {
		return stored
	}
	result, value, threshold := Success, ResultSuccess, w.Probe.SuccessThreshold
	if o.Failed() {
		result, value, threshold = Failure, ResultFailure, w.Probe.FailureThreshold
	}
	if w.lastResult == result {
		w.resultRun++
	} else {
		w.lastResult, w.resultRun = result, 1
	}
	if w.resultRun < threshold {
		return stored
	}
	w.set(value, &stored)
	if w.holds(value) {
		w.onHold = true
		w.resultRun = 0
	}
	return stored
}

// holds reports whether storing a result puts the worker on hold (K25).
func (w *Worker) holds(r Result) bool {
	switch w.Kind {
	case model.Liveness:
		return r == ResultFailure
	case model.Startup:
		return r == ResultFailure || w.Version.StartupSuccessHolds()
	}
	return false
}

// MaxRuns is the number of runs an erring attempt has at the most (K15).
const MaxRuns = 3
