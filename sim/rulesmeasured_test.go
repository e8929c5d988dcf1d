package sim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

// traced returns the traces of lives of a world.
func traced(t *testing.T, w *model.World, lives uint64, horizon time.Duration) []*sim.Trace {
	t.Helper()
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	traces := make([]*sim.Trace, lives)
	for i := range traces {
		traces[i] = &sim.Trace{}
		s.Run(sim.Life{Seed: 64, Replication: uint64(i), Horizon: horizon, Trace: traces[i]})
	}
	return traces
}

// spread returns the median and the 90 % quantile in milliseconds.
func spread(times []time.Duration) (p50, p90 float64) {
	slices.Sort(times)
	return float64(times[len(times)/2]) / 1e6, float64(times[len(times)*9/10]) / 1e6
}

// spans returns, for each event that begins passes, the time to the next that
// ends passes.
func spans(traces []*sim.Trace, begins, ends func(*sim.Event) bool) []time.Duration {
	var times []time.Duration
	for _, trace := range traces {
		var from *sim.Event
		for i := range trace.Events {
			e := &trace.Events[i]
			switch {
			case begins(e):
				from = e
			case from != nil && ends(e):
				times = append(times, e.At-from.At)
				from = nil
			}
		}
	}
	return times
}

func is(k sim.EventKind, text string) func(*sim.Event) bool {
	return func(e *sim.Event) bool { return e.Kind == k && (text == "" || e.Text == text) }
}

func TestK64SpacingOfAttempts(t *testing.T) {
	for _, test := range []struct {
		what     string
		wait     time.Duration
		measured time.Duration // at a period of 1 s and a timeout of 5 s
		within   time.Duration
	}{
		{"quick", time.Millisecond, time.Second, 1200 * time.Microsecond},
		{"1.3 s", 1300 * time.Millisecond, 1302 * time.Millisecond, 3 * time.Millisecond},
		{"2.5 s", 2500 * time.Millisecond, 2502 * time.Millisecond, 3 * time.Millisecond},
		{"a hang", time.Hour, 5002 * time.Millisecond, time.Millisecond},
	} {
		w := world(func(w *model.World) {
			p := w.Container().Probes[model.Liveness]
			p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold = 1, 5, 1000
			w.Application.Probes[model.Liveness].Wait = dist.Constantly(test.wait)
		}, model.Liveness)
		last := time.Duration(0)
		for _, e := range traced(t, w, 1, time.Minute)[0].Events {
			if e.Kind != sim.EventAttempt {
				continue
			}
			if d := e.At - last; last > 0 && (d < test.measured-test.within || d > test.measured+test.within) {
				t.Errorf("%s: attempts %v apart, measured %v", test.what, d, test.measured)
			}
			last = e.At
		}
	}
}

// killed is a world whose process fails its liveness probe from 15 s on, and
// has to be killed by SIGKILL.
func killed() *model.World {
	return world(func(w *model.World) {
		w.Pod.TerminationGracePeriodSeconds = 5
		w.Container().Probes[model.Liveness].FailureThreshold = 1
		w.Application.Shutdown.IgnoresTerm = true
		w.Faults = []model.Fault{{Planned: true, After: 15 * time.Second, Lasts: dist.Constantly(time.Minute),
			Answers: model.FaultFailure, Probes: [model.ProbeKinds]bool{model.Liveness: true}}}
	}, model.Readiness, model.Liveness)
}

func TestK65StopAndKill(t *testing.T) {
	traces := traced(t, killed(), 500, 40*time.Second)
	verdict := func(e *sim.Event) bool {
		return e.Kind == sim.EventResult && e.Probe == model.Liveness && e.Value == kubelet.ResultFailure
	}
	// Measured: request after 3.3 ms (90 %: 10), SIGTERM 1 ms (6) later.
	p50, p90 := spread(spans(traces, verdict, is(sim.EventSignal, "SIGTERM")))
	if p50 < 3.3 || p50 > 7 || p90 < 8 || p90 > 16 {
		t.Errorf("verdict to SIGTERM: median %.1f, 90 %% %.1f ms", p50, p90)
	}
	var late []time.Duration
	for _, d := range spans(traces, is(sim.EventSignal, "SIGTERM"), is(sim.EventSignal, "SIGKILL")) {
		late = append(late, d-5*time.Second)
	}
	p50, p90 = spread(late)
	agree(t, "SIGKILL after the grace, median ms", p50, 12, .1)
	agree(t, "SIGKILL after the grace, 90 % ms", p90, 24, .2)
}

func TestK66TimedOutAttemptsLastLonger(t *testing.T) {
	for _, test := range []struct {
		name        string
		limit       int64
		handler     model.HandlerKind
		least, most time.Duration
	}{
		{"http, CPU limit", 20, model.HTTPGet, 1042 * time.Millisecond, 1044 * time.Millisecond},
		{"http, no limit", 0, model.HTTPGet, 1002 * time.Millisecond, 1002 * time.Millisecond},
		{"exec, CPU limit", 20, model.Exec, 1002 * time.Millisecond, 1002 * time.Millisecond},
	} {
		w := world(func(w *model.World) {
			c := w.Container()
			c.CPULimitMilli = test.limit
			c.Probes[model.Liveness].Handler.Kind, c.Probes[model.Liveness].FailureThreshold = test.handler, 99
			w.Application.Probes[model.Liveness].CPU = dist.Constantly(50 * time.Millisecond) // 2.5 s at 20m
			if test.limit == 0 {
				w.Application.Probes[model.Liveness].Wait = dist.Constantly(time.Hour)
			}
		}, model.Liveness)
		seen := 0
		for _, e := range traced(t, w, 1, 5*time.Minute)[0].Events {
			if e.Kind == sim.EventAttempt && e.Outcome == kubelet.Timeout {
				seen++
				if d := e.End - e.At; d < test.least || d > test.most {
					t.Errorf("%s: a timeout of 1 s lasts %v, want %v to %v", test.name, d, test.least, test.most)
				}
			}
		}
		if seen < 20 {
			t.Errorf("%s: %d timeouts, want nearly 30", test.name, seen)
		}
	}
}

func TestK67RestartsAndFirstAttempts(t *testing.T) {
	traces := traced(t, killed(), 500, 40*time.Second)
	restarts := spans(traces, is(sim.EventExit, ""), is(sim.EventStart, ""))
	p50, _ := spread(restarts)
	if p50 < 100 || p50 > 190 || restarts[0] < 30*time.Millisecond || restarts[len(restarts)-1] > 450*time.Millisecond {
		t.Errorf("exit to running in place: median %.0f ms, %v to %v; measured 122 to 170 ms, at most 410", p50, restarts[0], restarts[len(restarts)-1])
	}
	first := func(e *sim.Event) bool { return e.Kind == sim.EventAttempt && e.Probe == model.Liveness }
	begun := func(e *sim.Event) bool { return e.Kind == sim.EventStart && e.Incarnation == 0 }
	p50, _ = spread(spans(traces, begun, first))
	agree(t, "start to first liveness attempt, median ms", p50, 9780, .002)
}

func TestK68ExtraAttemptsWhileNotReady(t *testing.T) {
	w := world(func(w *model.World) {
		p := w.Container().Probes[model.Readiness]
		p.PeriodSeconds, p.SuccessThreshold = 5, 2
	}, model.Readiness)
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	soon := 0
	for i := range uint64(500) {
		o := s.Run(sim.Life{Seed: 68, Replication: i, Horizon: 20 * time.Second})
		for _, d := range o.TimesToReady {
			if d < 1050*time.Millisecond {
				soon++
			}
		}
	}
	if soon < 400 { // all but those with a wasted trigger, about 9 % twice
		t.Errorf("%d of 500 pods with successThreshold 2 and a period of 5 s Ready within 1.05 s", soon)
	}
}

// Bursts of work that come at random leave a backlog that fails the probes
// after: measured at 20m to 100m, P(failure | previous failure) is 0.72 to 0.91
// where single failures are 0.25 to 0.71.
func TestK70FailuresComeInRuns(t *testing.T) {
	w := world(func(w *model.World) {
		c := w.Container()
		c.CPULimitMilli = 50
		c.Probes[model.Liveness].FailureThreshold = 1 << 20
		w.Application.Probes[model.Liveness].CPU = dist.Constantly(5 * time.Millisecond)
		w.Application.Background = []model.Background{{
			Every: exponentially(435 * time.Millisecond), CPU: dist.Constantly(20 * time.Millisecond), // 92 % of the quota
		}}
	}, model.Liveness)
	o := run(t, w, sim.Life{Seed: 70, Horizon: 6 * time.Hour})
	failures, runs := float64(o.Failures[model.Liveness]), 0.0
	for _, n := range o.RunLengths[model.Liveness] {
		runs += float64(n)
	}
	single := failures / float64(o.Attempts[model.Liveness])
	again := 1 - runs/failures

	if single < .05 || again < 1.3*single {
		t.Errorf("a failure has probability %.2f, after a failure %.2f; want it more likely then", single, again)
	}
}

func TestK63NoQuotaOnTheNode(t *testing.T) {
	slow := world(func(w *model.World) {
		w.Container().CPULimitMilli = 20
		w.Container().Probes[model.Liveness].FailureThreshold = 99
		w.Application.Probes[model.Liveness].CPU = dist.Constantly(40 * time.Millisecond) // 2 s at 20m
	}, model.Liveness)
	throttled := run(t, slow, sim.Life{Seed: 63, Horizon: 10 * time.Minute})
	slow.Node.NoCFSQuota = true
	free := run(t, slow, sim.Life{Seed: 63, Horizon: 10 * time.Minute})
	if throttled.Failures[model.Liveness] == 0 || free.Failures[model.Liveness] != 0 {
		t.Errorf("%d failures with quota and %d without, want some and none", throttled.Failures[model.Liveness], free.Failures[model.Liveness])
	}
}

func TestK86WaitingAppearsWhenTheWaitEnds(t *testing.T) {
	trace := script(t, "pod relist=1s relistPhase=0.9s until=18.5s\ncontainer exits=2s")
	holds(t, trace, "c1   exit", "5.100")
	holds(t, trace, "c1   status: terminated", "5.900")
	holds(t, trace, "c1   status: waiting", "15.100")
	holds(t, trace, "c2   start", "15.300 17.900") // and a refusal
	holds(t, trace, "c2   status: terminated", "17.900")
}
