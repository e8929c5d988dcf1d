package kubelet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// oracle says K22 to K27 and K33 in terms of all that has happened: history has
// one letter for each outcome that counts since the last hold.
type oracle struct {
	kind                model.ProbeKind
	successes, failures int // the thresholds
	successHolds        bool
	history             string
	stored              kubelet.Result
	held                bool
	announced           kubelet.Result // by the latest step; None: nothing
}

var initial = map[model.ProbeKind]kubelet.Result{
	model.Startup: kubelet.Unknown, model.Readiness: kubelet.ResultFailure, model.Liveness: kubelet.ResultSuccess,
}

// newContainer is the first look at a new container.
func (o *oracle) newContainer() {
	o.stored, o.held = initial[o.kind], false
	o.announced = o.stored
}

// outcome is an attempt that ended with S, F, T (a timeout) or E.
func (o *oracle) outcome(letter string) {
	o.announced = kubelet.None
	if letter == "E" {
		return
	}
	if letter == "T" {
		letter = "F"
	}
	o.history += letter
	run := len(o.history) - len(strings.TrimRight(o.history, letter))
	result, threshold := kubelet.ResultSuccess, o.successes
	if letter == "F" {
		result, threshold = kubelet.ResultFailure, o.failures
	}
	if run < threshold {
		return
	}
	if result != o.stored {
		o.announced = result
	}
	o.stored = result
	o.held = o.kind == model.Liveness && result == kubelet.ResultFailure ||
		o.kind == model.Startup && (result == kubelet.ResultFailure || o.successHolds)
	if o.held {
		o.history = ""
	}
}

// exhaustive walks through every sequence of letters up to a length, with the
// worker and the oracle side by side. S, F, T and E are attempts with that
// outcome; N is a new container.
type exhaustive struct {
	t       *testing.T
	name    string
	letters string
	steps   int
}

func (e *exhaustive) walk(sequence []byte, w kubelet.Worker, o oracle, container, left int) {
	if left == 0 || e.t.Failed() {
		return
	}
	for i := range len(e.letters) {
		letter := e.letters[i : i+1]
		sequence, w, o, container := append(sequence, e.letters[i]), w, o, container
		switch {
		case letter == "N":
			container++
			e.look(sequence, &w, &o, container)
		case o.held:
			continue // no attempt is made, so none can end
		default:
			got := w.Finish(lettered[letter])
			o.outcome(letter)
			e.compare(sequence, &w, &o, container, got)
			e.attempt(sequence, &w, &o, container)
		}
		e.steps++
		e.walk(sequence, w, o, container, left-1)
	}
}

var lettered = map[string]kubelet.Outcome{"S": kubelet.Success, "F": kubelet.Failure, "T": kubelet.Timeout, "E": kubelet.Error}

// look lets the worker see a new container, and begin an attempt at it.
func (e *exhaustive) look(sequence []byte, w *kubelet.Worker, o *oracle, container int) {
	action, stored := w.Look(time.Hour, seenRunning(w.Kind, container))
	o.newContainer()
	e.compare(sequence, w, o, container, stored)
	if action != kubelet.Attempt {
		e.t.Errorf("%s: %s: a new container is not asked", e.name, sequence)
	}
}

// attempt lets the worker look again: an attempt begins unless it is on hold.
func (e *exhaustive) attempt(sequence []byte, w *kubelet.Worker, o *oracle, container int) {
	action, stored := w.Look(time.Hour, seenRunning(w.Kind, container))
	if (action == kubelet.Attempt) == o.held || stored.N != 0 {
		e.t.Errorf("%s: %s: look: action %d, %d results; want on hold %v, none", e.name, sequence, action, stored.N, o.held)
	}
}

func (e *exhaustive) compare(sequence []byte, w *kubelet.Worker, o *oracle, container int, got kubelet.Stored) {
	want := kubelet.Stored{Values: [2]kubelet.Result{o.announced}}
	if o.announced != kubelet.None {
		want.N = 1
	}
	if got != want || w.Result(container) != o.stored {
		e.t.Errorf("%s: %s: announced %v, stored %v; want %v, %v",
			e.name, sequence, got.Values[:got.N], w.Result(container), o.announced, o.stored)
	}
}

// seenRunning is the status of a running container in which a worker of kind k
// may make attempts (K10).
func seenRunning(k model.ProbeKind, container int) *kubelet.Seen {
	return &kubelet.Seen{Status: kubelet.Status{Incarnation: container, State: kubelet.Running, Started: k != model.Startup}}
}

// Every sequence of success, failure and error to length 12, and every sequence
// of success, timeout, error and new container to length 8, for all thresholds
// from 1 to 3.
func TestEverySequenceOfOutcomes(t *testing.T) {
	newest, oldest := model.NewestVersion, model.OldestVersion
	for _, space := range []struct {
		letters string
		length  int
	}{{"SFE", 12}, {"STEN", 8}} {
		steps := 0
		for failures := range int32(3) {
			for successes := range int32(3) {
				steps += walkFrom(t, model.Readiness, newest, failures+1, successes+1, space.letters, space.length)
			}
			// Other success thresholds of these two are refused (K56).
			steps += walkFrom(t, model.Liveness, newest, failures+1, 1, space.letters, space.length)
			steps += walkFrom(t, model.Startup, newest, failures+1, 1, space.letters, space.length)
			steps += walkFrom(t, model.Startup, oldest, failures+1, 1, space.letters, space.length)
		}
		t.Logf("%s to length %d: %d steps", space.letters, space.length, steps)
	}
}

// walkFrom walks from the first look at the first container.
func walkFrom(t *testing.T, k model.ProbeKind, v model.Version, failures, successes int32, letters string, length int) int {
	p := model.Probe{FailureThreshold: failures, SuccessThreshold: successes}
	p.SetDefaults()
	w := kubelet.NewWorker(p, k, v, 0, 0)
	w.Tick()
	o := oracle{kind: k, successes: int(successes), failures: int(failures), successHolds: v.Minor >= 32}
	e := &exhaustive{t: t, letters: letters,
		name: fmt.Sprintf("%v %v failureThreshold %d successThreshold %d", k, v, failures, successes)}
	e.look(nil, &w, &o, 0)
	e.walk(nil, w, o, 0, length)
	return e.steps
}
