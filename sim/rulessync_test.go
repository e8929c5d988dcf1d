package sim_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

func TestK14WastedTrigger(t *testing.T) {
	wasted := script(t, "pod relist=1s relistPhase=0.9s until=12s stale\nreadiness periodSeconds=10")
	attempted(t, wasted, model.Readiness, 10200*time.Millisecond, "10.200") // a period after the trigger, not after the workers' creation

	// With a probability of 0.09 in a life, so that as many pods are Ready a
	// period late: 360 of 4,000, three standard deviations are 54.
	s, err := sim.New(world(nil, model.Readiness))
	if err != nil {
		t.Fatal(err)
	}
	late := 0
	for i := range uint64(4000) {
		o := s.Run(sim.Life{Seed: 14, Replication: i, Horizon: 15 * time.Second})
		if len(o.TimesToReady) != 1 {
			t.Fatalf("life %d: Ready %d times", i, len(o.TimesToReady))
		}
		if d := o.TimesToReady[0]; d > time.Second {
			late++
			if d < 9990*time.Millisecond || d > 10060*time.Millisecond {
				t.Errorf("life %d: Ready after %v, want 10.03 s", i, d)
			}
		}
	}
	if late < 306 || late > 414 {
		t.Errorf("%d of 4000 Ready late, want 360 ± 54 (K74)", late)
	}
}

func TestK30ReadinessIsSetBetweenSyncs(t *testing.T) {
	// From 20.005 to 40.205 one sync is killing and starting. The readiness
	// result of 25.210 reaches the status meanwhile.
	trace := script(t, `
pod until=41s
readiness periodSeconds=5 failureThreshold=2
liveness periodSeconds=10 failureThreshold=1
container stops=20s
  readiness 0s success 5ms, 19s failure 5ms
  liveness 0s success 5ms, 15s failure 5ms
container
`)
	holds(t, trace, "readiness result: failure", "0.200 25.210 40.205")
	holds(t, trace, "pod  not Ready", "25.210")
	holds(t, trace, "c1   start", "40.205")
}

func TestK30LivenessSuccessAsksForNothing(t *testing.T) {
	trace := script(t, "pod until=30s\nreadiness periodSeconds=30 failureThreshold=1\nliveness periodSeconds=10\ncontainer\n  readiness 0s failure 5ms")
	// Triggers show the syncs: at the start and after the first readiness result,
	// none at the first liveness result of 10 s.
	holds(t, trace, "liveness result: success", "10.000")
	holds(t, trace, "trigger", "0.200 0.200")
}

func TestK31RequestsDuringASyncMakeOneMore(t *testing.T) {
	// While the sync of the kill blocks, the readiness result changes five times,
	// each of which asks for a sync. One more follows; after it the initial
	// result of the new container asks for another.
	trace := script(t, `
pod until=42s
readiness periodSeconds=2 failureThreshold=1
liveness periodSeconds=10 failureThreshold=1
container stops=20s
  readiness 0s success 5ms, 21s failure 5ms, 25s success 5ms, 28s failure 5ms, 32s success 5ms, 36s failure 5ms
  liveness 0s success 5ms, 15s failure 5ms
container
  readiness 0s failure 5ms
`)
	holds(t, trace, "c0   readiness result", "0.200 0.205 22.210 26.210 28.210 32.210 36.210")
	holds(t, trace, "c1   start", "40.205")
	holds(t, trace, "c1   trigger", "40.205 40.205")
}

// What a worker announces that a sync triggered too early (K14) joins the request that
// waits for that sync's end: one more sync triggers it again, at the next relist, and no
// third one. A trace of the real code, shrunk from a random case.
func TestK31EarlyResultJoinsTheRequestThatWaits(t *testing.T) {
	trace := script(t, `
pod start=0.647s relist=1s relistPhase=0.208s until=12s stale
startup periodSeconds=1 timeoutSeconds=2 failureThreshold=20
readiness periodSeconds=3 timeoutSeconds=9 failureThreshold=1
container
  startup 0s success 153ms
  readiness 0s failure 1629ms
`)
	attempted(t, trace, model.Readiness, 12*time.Second, "1.208 2.837 5.837 8.837")
	holds(t, trace, "c0   trigger", "1.208 2.208")
}

func TestK32ReadyStaysThroughAKill(t *testing.T) {
	trace := script(t, `
pod grace=30 until=65s
readiness periodSeconds=10
liveness periodSeconds=10 failureThreshold=1
container stops=300s
  liveness 0s success 5ms, 15s failure 5ms
container
`)
	holds(t, trace, "kill", "20.005")
	holds(t, trace, "SIGKILL", "50.005")
	holds(t, trace, "pod  not Ready", "50.205") // at the sync after the start (K47)
	// Its readiness worker goes on asking it, on its grid.
	attempted(t, trace, model.Readiness, 50*time.Second, "0.200 0.205 10.205 20.205 30.205 40.205")
}

func TestK34DeadContainerFails(t *testing.T) {
	trace := script(t, `
pod relist=1s relistPhase=0.9s until=60s
readiness periodSeconds=30
liveness periodSeconds=4
container exits=2s
`)
	// In back-off from 5.9 to 15.3: the looks of 8 and 12 s find nothing running.
	holds(t, trace, "c1   start refused", "5.900")
	holds(t, trace, "c1   liveness result: failure", "8.000")
	attempted(t, trace, model.Liveness, 15*time.Second, "4.000")
	holds(t, trace, "c1   liveness result: success", "4.000")
	holds(t, trace, "c2   liveness result: success", "16.000")
	holds(t, trace, "kill", "")
}

func TestK35RestartPolicy(t *testing.T) {
	const killed = "pod relist=1s relistPhase=0.9s until=25s\nliveness periodSeconds=10 failureThreshold=1\ncontainer\n  liveness 0s failure 5ms\ncontainer"
	const crashed = "pod relist=1s relistPhase=0.9s until=25s\nliveness periodSeconds=10\ncontainer exits=10s\ncontainer"
	for _, test := range []struct {
		policy model.RestartPolicy
		life   string
		starts string
	}{
		{model.RestartAlways, killed, "10.205"},
		{model.RestartOnFailure, killed, "10.205"},
		{model.RestartNever, killed, ""},
		{model.RestartAlways, crashed, "11.100"}, // K38
		{model.RestartOnFailure, crashed, "11.100"},
		{model.RestartNever, crashed, ""},
	} {
		trace := script(t, test.life, func(s *sim.Script) { s.Pod.RestartPolicy = test.policy })
		holds(t, trace, "c1   start", test.starts)
		if test.policy == model.RestartNever {
			attempted(t, trace, model.Liveness, 25*time.Second, "10.000") // K34: the worker exits
		}
	}
}

// A container's own restart policy stands in place of the pod's; its rules come before
// either where it exits by itself, with status 1 here, and are not asked when a probe
// kills it (with 143), but at the sync after that.
func TestK35And38RestartPolicyOfTheContainer(t *testing.T) {
	const killed = "pod relist=1s relistPhase=0.9s until=25s\nliveness periodSeconds=10 failureThreshold=1\ncontainer\n  liveness 0s failure 5ms\ncontainer"
	const crashed = "pod relist=1s relistPhase=0.9s until=25s\nliveness periodSeconds=10\ncontainer exits=10s\ncontainer"
	always, onFailure, never := model.RestartAlways, model.RestartOnFailure, model.RestartNever
	rule := func(notIn bool, codes ...int) []model.RestartRule {
		return []model.RestartRule{{NotIn: notIn, ExitCodes: codes}}
	}
	for _, test := range []struct {
		name   string
		pod    model.RestartPolicy
		own    *model.RestartPolicy
		rules  []model.RestartRule
		life   string
		starts string
	}{
		{"own Never", always, &never, nil, killed, ""},
		{"own OnFailure", never, &onFailure, nil, killed, "10.205"},
		{"own Always", never, &always, nil, killed, "10.205"},
		{"own Never", always, &never, nil, crashed, ""},
		{"own OnFailure", never, &onFailure, nil, crashed, "11.100"},
		{"own Never but for 1", always, &never, rule(false, 1, 42), crashed, "11.100"},
		{"own Never but for 42", always, &never, rule(false, 42), crashed, ""},
		{"own Never but for all but 1", always, &never, rule(true, 1), crashed, ""},
		{"own Never but for all but 42", always, &never, rule(true, 42), crashed, "11.100"},
		{"kill, own Never but for 143", always, &never, rule(false, 143), killed, "10.205"},
		{"kill, own Never but for 1", always, &never, rule(false, 1), killed, ""},
	} {
		trace := script(t, test.life, func(s *sim.Script) {
			s.Pod.RestartPolicy = test.pod
			s.Pod.Containers[0].RestartPolicy, s.Pod.Containers[0].RestartRules = test.own, test.rules
		})
		t.Log(test.name)
		holds(t, trace, "c1   start", test.starts)
	}
	sidecar := model.Container{Sidecar: true}
	if pod := (&model.Pod{RestartPolicy: never}); !pod.RestartsAfterKill(&sidecar) || !pod.RestartsAfterExit(&sidecar, 0) {
		t.Error("a sidecar is not restarted in a pod whose policy is Never")
	}
}

func TestK36And37GraceInALife(t *testing.T) {
	for _, test := range []struct{ grace, preStop, probe, term, kill string }{
		{"30", "0s", "", "10.005", "40.005"},
		{"30", "3.7s", "", "13.705", "40.705"},
		{"10", "60s", "", "20.005", "22.005"},
		{"1", "0s", "", "10.005", "12.005"},
		{"0", "5s", "", "10.005", "12.005"},
		{"30", "0s", " terminationGracePeriodSeconds=5", "10.005", "15.005"},
		{"3", "0s", " terminationGracePeriodSeconds=20", "10.005", "30.005"}, // K57: longer than the pod's
	} {
		trace := script(t, fmt.Sprintf(`
pod grace=%s preStop=%s until=45s
liveness periodSeconds=10 failureThreshold=1%s
container stops=300s
  liveness 0s failure 5ms
container
`, test.grace, test.preStop, test.probe))
		holds(t, trace, "kill: liveness", "10.005")
		holds(t, trace, "SIGTERM", test.term)
		holds(t, trace, "SIGKILL", test.kill)
		holds(t, trace, "exit: 137", test.kill)
	}
}

func TestK38CrashIsNoticedAtARelist(t *testing.T) {
	for _, test := range []struct{ phase, noticed string }{{"0.9s", "5.900"}, {"0.1s", "6.100"}, {"0.3s", "5.300"}} {
		trace := script(t, "pod relist=1s relistPhase="+test.phase+" until=6.5s\ncontainer exits=5s\ncontainer")
		holds(t, trace, "status: terminated", test.noticed)
		holds(t, trace, "pod  not Ready", test.noticed)
	}
	// On a real node: uniform over the relist's raster of 1.007 s.
	w := world(func(w *model.World) {
		w.Faults = []model.Fault{{Exits: true, Every: exponentially(20 * time.Minute)}}
	})
	var trace sim.Trace
	run(t, w, sim.Life{Seed: 38, Horizon: 20 * day, Trace: &trace})
	var waits []float64
	for i, e := range trace.Events {
		if e.Kind == sim.EventExit {
			for _, f := range trace.Events[i:] {
				if f.Kind == sim.EventStatus {
					waits = append(waits, (f.At - e.At).Seconds())
					break
				}
			}
		}
	}
	agree(t, "mean wait for a relist", mean(waits), 1.007/2, .06) // three standard errors of about 1,400
}

func TestK39To41CrashLoopInALife(t *testing.T) {
	trace := script(t, "pod until=1600s\ncontainer exits=2s")
	var waits []float64
	var exit time.Duration
	for _, e := range trace.Events {
		switch e.Kind {
		case sim.EventExit:
			exit = e.At
		case sim.EventStart:
			if e.Incarnation > 0 {
				waits = append(waits, (e.At-exit).Seconds()-.2)
			}
		}
	}
	want := []float64{0, 10, 20, 40, 80, 160, 300, 300, 300, 300}
	if fmt.Sprintf("%.3f", waits[:len(want)]) != fmt.Sprintf("%.3f", want) {
		t.Errorf("waits %.3f, want %.3f", waits, want)
	}
}

// A node with a lower maximum waits no longer, and less after the first crash too.
func TestK41MaximumOfTheNode(t *testing.T) {
	for maximum, want := range map[time.Duration]time.Duration{0: 310 * time.Second, 30 * time.Second: 40 * time.Second, 4 * time.Second: 7 * time.Second} {
		w := world(func(w *model.World) {
			w.Node.MaxContainerRestartPeriod = maximum
			w.Faults = []model.Fault{{Exits: true, Every: dist.Constantly(2 * time.Second)}}
		}, model.Readiness)
		trace := traced(t, w, 1, time.Hour)[0]
		waits := spans([]*sim.Trace{{Events: slices.DeleteFunc(trace.Events, func(e sim.Event) bool { return e.At < 20*time.Minute })}},
			is(sim.EventExit, ""), is(sim.EventStart, ""))
		// K43's factor of up to 1.5 acts on what remains of a minute at the most.
		if longest := slices.Max(waits); longest > want+20*time.Second || longest < want*9/10 {
			t.Errorf("maximum %v: the longest wait is %v, want about %v", maximum, longest, want)
		}
	}
}

// At the cap, immediate restarts and waits of 300 s alternate (K69). The
// container lives to the second liveness look, 30 s or so.
func TestK40And69KillsAtTheCap(t *testing.T) {
	trace := script(t, "pod until=1800s\nliveness periodSeconds=15 failureThreshold=2\ncontainer\n  liveness 0s failure 5ms",
		func(s *sim.Script) { s.BackOffInitial = 300 * time.Second })
	var waits []string
	var exit time.Duration
	for _, e := range trace.Events {
		switch e.Kind {
		case sim.EventExit:
			exit = e.At
		case sim.EventStart:
			if e.Incarnation > 0 {
				waits = append(waits, fmt.Sprintf("%.0f", (e.At-exit).Seconds()-.2))
			}
		}
	}
	want := []string{"0", "0", "300", "0", "300", "0", "300", "0", "300"}
	if len(waits) < len(want) || fmt.Sprint(waits[:len(want)]) != fmt.Sprint(want) {
		t.Errorf("waits %v, want %v", waits, want)
	}
}

// The second restart comes so long after the first, whose start decision was at
// 1.2 s; the container before it lived that long.
func TestK42ResetInALife(t *testing.T) {
	for _, test := range []struct{ lives, exit, start string }{
		{"598s", "599.400", "609.600"}, // 598.2 s after it: refused for 10 s
		{"601s", "602.400", "602.600"}, // 601.2 s after it: forgotten
	} {
		trace := script(t, "pod until=640s\ncontainer exits=1s\ncontainer exits="+test.lives+"\ncontainer")
		holds(t, trace, "c1   exit", test.exit)
		holds(t, trace, "c2   start", test.start)
	}
}

func TestK43RefusedStartIsTriedAgainLater(t *testing.T) {
	// What remains, a minute of it at the most, × [1, 1.5); a raster of 1 s; the
	// restart. Of 80 s a minute is waited first, 90 s in all at the most.
	sinceThen := func(d float64) float64 { return min(1.5*d, 91) + 1.6 }
	for _, test := range []struct {
		minor int
		most  func(d float64) float64 // wait for a back-off of d
	}{
		{37, sinceThen},
		{36, sinceThen},
		{35, func(d float64) float64 { return d + 16.3 }}, // 10 s × [1, 1.5) again and again
		{30, func(d float64) float64 { return d + 16.3 }},
	} {
		w := world(func(w *model.World) {
			w.Cluster.KubernetesVersion.Minor = test.minor
			w.Faults = []model.Fault{{Exits: true, Planned: true, After: time.Second}}
		})
		waits := crashWaits(t, w)
		for i, d := range []float64{10, 20, 40, 80} {
			var late []float64
			for _, wait := range waits[i] {
				if wait < d || wait > test.most(d) {
					t.Errorf("1.%d: restart %.3f s after a crash with back-off %v", test.minor, wait, d)
				}
				late = append(late, wait-d)
			}
			if test.minor >= 36 && d < 60 {
				// A relist of 0.5 s is over when the rest is taken; three standard
				// errors of a width of d/2 over 400 lives.
				agree(t, fmt.Sprintf("1.%d: mean delay beyond %v s", test.minor, d), mean(late), (d-.5)/4+.5+.12, .1)
			}
		}
	}
}

// crashWaits returns the waits of the second to fifth restart of lives of a
// world that crashes.
func crashWaits(t *testing.T, w *model.World) [4][]float64 {
	t.Helper()
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	var waits [4][]float64
	for i := range uint64(400) {
		var trace sim.Trace
		s.Run(sim.Life{Seed: 43, Replication: i, Horizon: 5 * time.Minute, Trace: &trace})
		var exit time.Duration
		for _, e := range trace.Events {
			switch e.Kind {
			case sim.EventExit:
				exit = e.At
			case sim.EventStart:
				if n := e.Incarnation - 2; n >= 0 && n < len(waits) {
					waits[n] = append(waits[n], (e.At - exit).Seconds())
				}
			}
		}
	}
	return waits
}

func TestK45SyncThatActedNeedNotWait(t *testing.T) {
	for _, test := range []struct{ version, seen string }{{"1.36", "0.500"}, {"1.35", "0.900"}} {
		trace := script(t, "pod firstSync=0.3s relist=1s relistPhase=0.9s until=5s version="+test.version+"\nliveness periodSeconds=10")
		holds(t, trace, "status: running", test.seen)
	}
	// A sync that did nothing asks for no relist: the one after it waits.
	trace := script(t, "pod firstSync=0.3s relist=1s relistPhase=0.9s until=5s\nreadiness periodSeconds=10\ncontainer\n  readiness 0s failure 5ms")
	holds(t, trace, "trigger", "0.500 0.900")
}

func TestK46And47ReadyFollowsTheStatus(t *testing.T) {
	const until = " relist=1s relistPhase=0.9s until=30s\n"
	// Without readiness probe: Ready as soon as a sync finds it started.
	holds(t, script(t, "pod"+until+"liveness periodSeconds=10"), "pod  Ready", "0.200")
	holds(t, script(t, "pod"+until+"startup periodSeconds=5"), "pod  Ready", "5.900")
	// A crash takes it out when it is noticed, a restart in place when the
	// successor's status is published.
	crash := script(t, "pod"+until+"readiness periodSeconds=10\ncontainer exits=12s\ncontainer")
	holds(t, crash, "exit", "12.200")
	holds(t, crash, "pod  not Ready", "12.900")
	kill := script(t, "pod"+until+"readiness periodSeconds=10\nliveness periodSeconds=10 failureThreshold=1\ncontainer stops=3s\n  liveness 0s failure 5ms\ncontainer")
	holds(t, kill, "kill", "10.005")
	holds(t, kill, "c1   start", "13.205")
	holds(t, kill, "pod  not Ready", "13.205")
}

func TestK48ReadyNeedsEveryContainer(t *testing.T) {
	w := world(func(w *model.World) {
		w.Pod.Containers = append(w.Pod.Containers, *w.Container())
		w.Pod.Containers[1].Name = "beside"
		w.Application.Startup = []model.Stage{{Wait: dist.Constantly(42 * time.Second)}}
	}, model.Readiness)
	var trace sim.Trace
	run(t, w, sim.Life{Seed: 48, Horizon: 2 * time.Minute, Trace: &trace})
	ready := map[int]time.Duration{}
	var pod time.Duration
	for _, e := range trace.Events {
		switch {
		case e.Kind == sim.EventStatus && e.Status.Ready:
			ready[e.Container] = e.At
		case e.Kind == sim.EventReady && e.Ready:
			pod = e.At
		}
	}
	if ready[1] > 20*time.Second || ready[0] < 42*time.Second || pod != ready[0] {
		t.Errorf("containers Ready at %v, the pod at %v", ready, pod)
	}
	w.Pod.ReadinessGates = 1 // which nobody fulfils
	if o := run(t, w, sim.Life{Seed: 48, Horizon: 2 * time.Minute}); !o.NeverReady {
		t.Error("Ready without its readiness gate")
	}
}

// A startup worker that is on hold after its success does not look at the dead
// container (K34); before 1.32 it was not on hold, and stored a failure.
func TestK25StartupSuccessHoldsSince132(t *testing.T) {
	for _, test := range []struct{ version, failure string }{{"1.30", "5.000"}, {"1.31", "5.000"}, {"1.32", ""}, {"1.37", ""}} {
		trace := script(t, "pod relist=1s relistPhase=0.9s until=12s version="+test.version+`
startup periodSeconds=1
container exits=4.5s
container
`)
		holds(t, trace, "startup result: failure", test.failure)
	}
}
