package sim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

// A fault meets a probe of each handler, timeout 1 s: what comes of one attempt,
// run by run, and how long each run takes.
func TestK15ToK21HandlersMeetFaults(t *testing.T) {
	const quick, whole = "quick", "whole" // up to 2 ms; the timeout and at most 5 ms more
	const tenfold = "tenfold"             // ten answers of 1 ms
	for _, test := range []struct {
		rule    string
		handler model.HandlerKind
		fault   model.FaultAnswer
		want    string // outcomes of the runs of an attempt
		takes   string
	}{
		{"K16", model.Exec, model.FaultTimeout, "timeout", whole},
		{"K16", model.Exec, model.FaultFailure, "failure", quick},
		{"K15", model.Exec, model.FaultError, "error error error", quick},
		{"K17", model.HTTPGet, model.FaultTimeout, "timeout", whole},
		{"K17", model.HTTPGet, model.FaultFailure, "failure", quick},
		{"K17", model.HTTPGet, model.FaultRefused, "failure", quick},
		{"K17", model.HTTPGet, model.FaultStallsAfterHeaders, "error error error", whole},
		{"K21", model.HTTPGet, model.FaultError, "error error error", quick},
		{"K20", model.TCPSocket, model.FaultTimeout, "success", quick}, // the kernel accepts (C10)
		{"K20", model.TCPSocket, model.FaultFailure, "success", quick},
		{"K20", model.TCPSocket, model.FaultRefused, "failure", quick},
		{"K21", model.TCPSocket, model.FaultError, "error error error", quick},
		{"K20", model.GRPC, model.FaultTimeout, "timeout", whole},
		{"K20", model.GRPC, model.FaultFailure, "failure", quick},
		{"K20", model.GRPC, model.FaultRefused, "timeout", whole}, // tried again inside the timeout
		{"K20", model.GRPC, model.FaultStallsAfterHeaders, "timeout", whole},
		{"K20", model.GRPC, model.FaultError, "failure", quick}, // grpc knows no errors
		{"K17", model.HTTPGet, model.FaultDropped, "timeout", whole},
		{"K20", model.TCPSocket, model.FaultDropped, "timeout", whole}, // nothing accepts
		{"K20", model.GRPC, model.FaultDropped, "timeout", whole},
		{"K16", model.Exec, model.FaultDropped, "timeout", whole},
		{"K16", model.Exec, model.FaultRefused, "failure", quick},
		{"K16", model.Exec, model.FaultStallsAfterHeaders, "timeout", whole},
		{"K18", model.HTTPGet, model.FaultRedirectElsewhere, "success", quick},
		{"K18", model.HTTPGet, model.FaultRedirectLoop, "failure", tenfold},
		{"K18", model.GRPC, model.FaultRedirectLoop, "failure", quick},
		{"K18", model.Exec, model.FaultRedirectElsewhere, "failure", quick},
		{"K18", model.TCPSocket, model.FaultRedirectLoop, "success", quick},
	} {
		t.Run(test.rule+" "+test.handler.String()+" "+test.fault.String(), func(t *testing.T) {
			w := world(func(w *model.World) {
				p := w.Container().Probes[model.Liveness]
				p.Handler.Kind, p.FailureThreshold = test.handler, 9
				w.Application.Probes[model.Liveness] = model.DefaultAnswer(test.handler)
				w.Faults = []model.Fault{{Planned: true, After: 15 * time.Second, Lasts: dist.Constantly(8 * time.Second),
					Answers: test.fault, Probes: [model.ProbeKinds]bool{model.Liveness: true}}}
			}, model.Liveness)
			var trace sim.Trace
			run(t, w, sim.Life{Seed: 15, Horizon: 27 * time.Second, Trace: &trace})
			var got []string
			for _, e := range trace.Events {
				if e.Kind != sim.EventAttempt || e.At < 15*time.Second {
					continue
				}
				got = append(got, e.Outcome.String())
				least, most := time.Duration(0), 2*time.Millisecond
				switch test.takes {
				case whole:
					least, most = time.Second-1, 1005*time.Millisecond
				case tenfold:
					least, most = 10*time.Millisecond, 11*time.Millisecond
				}
				if d := e.End - e.At; d < least || d > most {
					t.Errorf("a run takes %v, want %v to %v", d, least, most)
				}
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("runs %v, want %s", got, test.want)
			}
		})
	}
}

// A process that starts answers the first attempts of its startup probe in each
// of the ways of a fault.
func TestK15ToK21HandlersMeetStarts(t *testing.T) {
	for answers, want := range map[model.StartupAnswer]string{
		model.AnswersRefused: "failure", model.AnswersFailure: "failure", model.AnswersTimeout: "timeout",
		model.AnswersStallsAfterHeaders: "error", model.AnswersError: "error", model.AnswersDropped: "timeout",
		model.AnswersRedirectElsewhere: "success", model.AnswersRedirectLoop: "failure",
	} {
		w := world(func(w *model.World) {
			w.Application.Startup = []model.Stage{{Wait: dist.Constantly(15 * time.Second), Answers: answers}}
		}, model.Startup)
		var trace sim.Trace
		run(t, w, sim.Life{Seed: 15, Horizon: 13 * time.Second, Trace: &trace})
		i := slices.IndexFunc(trace.Events, func(e sim.Event) bool { return e.Kind == sim.EventAttempt })
		if i < 0 || trace.Events[i].Outcome.String() != want {
			t.Errorf("%s: %+v, want %s", answers, trace.Events[i], want)
		}
	}
}

// A refused grpc connection is tried again a second later, and 1.28 to 1.92 s
// after that: a server that listens meanwhile is found within the timeout. A
// timeout of 1 s leaves no second try.
func TestK20RefusedGRPCIsTriedAgain(t *testing.T) {
	for _, test := range []struct {
		timeout       int32
		listens       time.Duration // after the attempt's begin
		outcome       kubelet.Outcome
		least, latest time.Duration
	}{
		{1, 500 * time.Millisecond, kubelet.Timeout, time.Second, 1005 * time.Millisecond},
		{3, 500 * time.Millisecond, kubelet.Success, 1001 * time.Millisecond, 1002 * time.Millisecond},
		{5, 1500 * time.Millisecond, kubelet.Success, 2281 * time.Millisecond, 2922 * time.Millisecond},
		{2, 1500 * time.Millisecond, kubelet.Timeout, 2 * time.Second, 2005 * time.Millisecond},
	} {
		w := world(func(w *model.World) {
			p := w.Container().Probes[model.Startup]
			p.Handler.Kind, p.TimeoutSeconds = model.GRPC, test.timeout
			w.Application.Startup = []model.Stage{{Wait: dist.Constantly(time.Hour)}}
		}, model.Startup)
		var trace sim.Trace
		life := sim.Life{Seed: 20, Horizon: 16 * time.Second, Trace: &trace}
		run(t, w, life)
		started := trace.Events[slices.IndexFunc(trace.Events, func(e sim.Event) bool { return e.Kind == sim.EventStart })].At
		w.Application.Startup[0].Wait = dist.Constantly(10*time.Second + test.listens - started) // the first attempt is at 10 s
		run(t, w, life)
		e := trace.Events[slices.IndexFunc(trace.Events, func(e sim.Event) bool { return e.Kind == sim.EventAttempt })]
		if took := e.End - e.At; e.Outcome != test.outcome || took < test.least || took > test.latest {
			t.Errorf("timeout %d s, listens after %v: %v after %v, want %v after %v to %v", test.timeout, test.listens, e.Outcome, took, test.outcome, test.least, test.latest)
		}
	}
}

// A liveness probe that names no port of its container kills nobody, whatever
// the process does.
func TestK21UnknownPort(t *testing.T) {
	w := world(func(w *model.World) { w.Container().Probes[model.Liveness].Handler.NoPort = true }, model.Liveness)
	var trace sim.Trace
	run(t, w, sim.Life{Seed: 21, Horizon: time.Hour, Hang: time.Minute, Trace: &trace})
	runs := 0
	for _, e := range trace.Events {
		switch {
		case e.Kind == sim.EventKill:
			t.Error("killed")
		case e.Kind == sim.EventAttempt && e.Outcome != kubelet.Error:
			t.Errorf("an attempt at %v: %v", e.At, e.Outcome)
		case e.Kind == sim.EventAttempt:
			runs++
		}
	}
	if runs != 3*360 { // three for each period
		t.Errorf("%d runs", runs)
	}
}

// Every handler that connects notices a hang at which nothing can be connected
// to, whatever its hangCoverage.
func TestK20HangThatRefuses(t *testing.T) {
	for answers, want := range map[model.FaultAnswer]int64{model.FaultRefused: 1, model.FaultDropped: 1, model.FaultTimeout: 0} {
		w := world(func(w *model.World) {
			w.Container().Probes[model.Liveness].Handler.Kind = model.TCPSocket
			w.Application.Probes[model.Liveness] = model.DefaultAnswer(model.TCPSocket)
			w.Faults = []model.Fault{{Planned: true, After: time.Minute, Forever: true, Hangs: true, Answers: answers,
				Probes: [model.ProbeKinds]bool{true, true, true}}}
		}, model.Liveness)
		o := run(t, w, sim.Life{Seed: 20, Horizon: 100 * time.Second})
		if o.TrueKills[model.Liveness] != want {
			t.Errorf("%v: %d kills, want %d", answers, o.TrueKills[model.Liveness], want)
		}
	}
}

// A tcp probe notices the hangs it is stated to notice: as if the accept queue of
// the hung process were full (C10).
func TestC10TCPProbeWithHangCoverage(t *testing.T) {
	for coverage, want := range map[float64]int64{0: 0, 1: 1} {
		w := world(func(w *model.World) {
			w.Container().Probes[model.Liveness].Handler.Kind = model.TCPSocket
			w.Application.Probes[model.Liveness] = model.DefaultAnswer(model.TCPSocket)
			w.Application.Probes[model.Liveness].HangCoverage = coverage
			w.Faults = []model.Fault{{Planned: true, After: time.Minute, Forever: true, Hangs: true, Answers: model.FaultTimeout,
				Probes: [model.ProbeKinds]bool{true, true, true}}}
		}, model.Liveness)
		o := run(t, w, sim.Life{Seed: 20, Horizon: 100 * time.Second})
		if o.TrueKills[model.Liveness] != want {
			t.Errorf("coverage %v: %d kills, want %d", coverage, o.TrueKills[model.Liveness], want)
		}
	}
}

// Between a crash and the relist that notices it the worker asks a container
// that is gone: an exec probe errs, the others are refused.
func TestK16GoneContainer(t *testing.T) {
	for handler, want := range map[model.HandlerKind]kubelet.Outcome{
		model.Exec: kubelet.Error, model.HTTPGet: kubelet.Failure, model.TCPSocket: kubelet.Failure, model.GRPC: kubelet.Timeout,
	} {
		w := world(func(w *model.World) {
			p := w.Container().Probes[model.Readiness]
			p.Handler.Kind, p.PeriodSeconds, p.FailureThreshold = handler, 1, 9
			w.Application.Probes[model.Readiness] = model.DefaultAnswer(handler)
			w.Faults = []model.Fault{{Exits: true, Planned: true, After: 20300 * time.Millisecond}}
		}, model.Readiness)
		s, err := sim.New(w)
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		for i := range uint64(100) {
			var trace sim.Trace
			s.Run(sim.Life{Seed: 16, Replication: i, Horizon: 30 * time.Second, Trace: &trace})
			gone := false
			for _, e := range trace.Events {
				switch e.Kind {
				case sim.EventExit:
					gone = true
				case sim.EventStart:
					gone = false
				case sim.EventAttempt:
					if gone {
						asked++
						if e.Outcome != want {
							t.Errorf("%v: %v, want %v", handler, e.Outcome, want)
						}
					}
				}
			}
		}
		if asked < 20 {
			t.Errorf("%v: asked %d times in 100 crashes, want about every second time", handler, asked)
		}
	}
}

func TestK17StallAfterHeadersLastsThreeTimeouts(t *testing.T) {
	trace := script(t, "pod until=14s\nliveness periodSeconds=10 timeoutSeconds=1 failureThreshold=1\ncontainer\n  liveness 0s error 999ms")
	attempted(t, trace, model.Liveness, 14*time.Second, "10.000 10.999 11.998")
	holds(t, trace, "kill", "")
}

func TestK28StartupBudgetIsCountedOnTheGrid(t *testing.T) {
	for _, test := range []struct{ settings, sync, kill string }{
		{"periodSeconds=5 failureThreshold=3", "0.3s", "15.301"},
		{"periodSeconds=5 failureThreshold=3 initialDelaySeconds=10", "0.3s", "20.301"}, // looks at 10.3, 15.3, 20.3
		{"periodSeconds=1 failureThreshold=3 initialDelaySeconds=2", "0.9s", "5.901"},   // started at 1.1: 3.9, 4.9, 5.9
		{"periodSeconds=10 failureThreshold=1", "2s", "12.001"},
	} {
		trace := script(t, "pod until=25s firstSync="+test.sync+"\nstartup "+test.settings+"\ncontainer\n  startup 0s failure 1ms\ncontainer")
		holds(t, trace, "kill: startup", test.kill)
	}
}

// The attempt at container 0 begins at 10 s and ends at 14 s, when container 1
// runs. It counts against container 0: container 1 is not killed, and is asked
// at the next grid point.
func TestK29AttemptInFlightBelongsToItsContainer(t *testing.T) {
	trace := script(t, `
pod until=21s
liveness periodSeconds=10 timeoutSeconds=5 failureThreshold=1
container exits=11.8s
  liveness 0s failure 4s
container
`)
	holds(t, trace, "exit", "12.000")
	holds(t, trace, "c1   start", "12.200")
	holds(t, trace, "c0   liveness failure after 4s", "10.000")
	holds(t, trace, "c0   liveness result: failure", "14.000")
	holds(t, trace, "kill", "")
	holds(t, trace, "c1   liveness success", "20.000")
}
