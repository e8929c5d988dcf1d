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

// passed says whether an event is a readiness change at a station on its way to
// the proxies.
func passed(name string, ready bool) func(*sim.Event) bool {
	return func(e *sim.Event) bool { return e.Kind == sim.EventStation && e.Text == name && e.Ready == ready }
}

func routed(in bool) func(*sim.Event) bool {
	return func(e *sim.Event) bool { return e.Kind == sim.EventEndpoint && e.Ready == in }
}

func ready(is bool) func(*sim.Event) bool {
	return func(e *sim.Event) bool { return e.Kind == sim.EventReady && e.Ready == is }
}

// crashing is a world whose process exits some seconds after it was Ready.
func crashing() *model.World {
	return world(func(w *model.World) {
		w.Faults = []model.Fault{{Exits: true, Every: dist.Duration{Nanoseconds: dist.Uniform{Low: 13e9, High: 14e9}}}}
	}, model.Readiness)
}

// The API server is told of changes in their order, never twice of one value,
// and last of the one that holds.
func TestK49StatusWritesFollowReady(t *testing.T) {
	for _, trace := range traced(t, crashing(), 100, 5*time.Minute) {
		written, now := false, false
		for i := range trace.Events {
			e := &trace.Events[i]
			switch {
			case e.Kind == sim.EventReady:
				now = e.Ready
			case e.Kind == sim.EventStation && e.Text == "status written":
				if e.Ready == written {
					t.Fatalf("%v: Ready %v written twice", e.At, e.Ready)
				}
				written = e.Ready
			}
		}
		if last := trace.Events[len(trace.Events)-1].At; written != now && trace.Horizon-last > time.Second {
			t.Errorf("Ready is %v, and %v was written", now, written)
		}
	}
}

// deleted is a world whose pod is deleted half a minute after its start; its
// process answers for 10 s after SIGTERM. Another pod is behind its service.
func deleted(change func(w *model.World)) *model.World {
	return world(func(w *model.World) {
		w.Replicas = 2
		w.Container().Probes[model.Readiness].PeriodSeconds = 1
		w.Container().Probes[model.Liveness].PeriodSeconds = 1
		after := dist.Duration{Nanoseconds: dist.Uniform{Low: 30e9, High: 31e9}}
		w.Events.Deletion = &after
		w.Application.Shutdown = model.Shutdown{Wait: dist.Constantly(10 * time.Second), ListenerAtExit: true}
		if change != nil {
			change(w)
		}
	}, model.Readiness, model.Liveness)
}

func TestK50DeletionTakesThePodOutWithoutAProbe(t *testing.T) {
	for _, trace := range traced(t, deleted(nil), 50, 41*time.Second) {
		var unready, out, exit time.Duration
		for i := range trace.Events {
			e := &trace.Events[i]
			switch {
			case e.Kind == sim.EventExit && exit == 0:
				exit = e.At
			case e.At > 25*time.Second && ready(false)(e):
				unready = e.At
			case e.At > 25*time.Second && out == 0 && passed("endpoint slice updated", false)(e):
				out = e.At
			}
		}
		if out == 0 || out > 31200*time.Millisecond {
			t.Errorf("out of the slice at %v, want about 30 ms after the deletion", out)
		}
		if unready != 0 && unready < exit {
			t.Errorf("not Ready at %v, before the exit at %v: readiness probes still succeed", unready, exit)
		}
	}
}

func TestK51And72ProxiesWaitForMinSyncPeriod(t *testing.T) {
	for _, minSync := range []time.Duration{0, time.Second, 3 * time.Second} {
		w := crashing()
		w.Cluster.MinSyncPeriod = minSync
		applications, soonest := 0, time.Hour
		for _, trace := range traced(t, w, 100, 5*time.Minute) {
			var end time.Duration
			for i := range trace.Events {
				e := &trace.Events[i]
				switch {
				case e.Kind == sim.EventEndpoint:
					end = e.At
				case e.Kind == sim.EventStation && e.Text == "proxy applies rules" && end > 0:
					applications++
					soonest = min(soonest, e.At-end)
				}
			}
		}
		if applications < 200 || soonest < minSync || soonest > minSync+200*time.Millisecond {
			t.Errorf("minSyncPeriod %v: %d applications, the soonest %v after another's end", minSync, applications, soonest)
		}
	}
}

func TestK52ReadinessGoesOnDuringTermination(t *testing.T) {
	terminating := 0
	for _, trace := range traced(t, deleted(nil), 50, 41*time.Second) {
		var term time.Duration
		for i := range trace.Events {
			e := &trace.Events[i]
			switch {
			case is(sim.EventSignal, "SIGTERM")(e):
				term = e.At
			case term > 0 && e.Kind == sim.EventAttempt && e.Probe == model.Liveness && e.Incarnation == 0 && e.At < term+9*time.Second:
				t.Errorf("liveness attempt %v after SIGTERM", e.At-term)
			case term > 0 && e.Kind == sim.EventAttempt && e.Probe == model.Readiness && e.At < term+9*time.Second:
				terminating++
			}
		}
	}
	if terminating < 50*8 {
		t.Errorf("%d readiness attempts in 50 terminations of 10 s, want 9 in each", terminating)
	}
	// The liveness worker of a sidecar goes on too.
	sidecar := deleted(func(w *model.World) { w.Container().Sidecar = true })
	late := spans(traced(t, sidecar, 10, 41*time.Second), is(sim.EventSignal, "SIGTERM"), func(e *sim.Event) bool {
		return e.Kind == sim.EventAttempt && e.Probe == model.Liveness
	})
	if len(late) != 10 || slices.Max(late) > 1100*time.Millisecond {
		t.Errorf("sidecar: liveness attempts %v after SIGTERM, want one within a period in each of 10 lives", late)
	}
}

func TestK53And81TerminationTakesPreStopAndGrace(t *testing.T) {
	w := deleted(func(w *model.World) {
		w.Container().PreStop = model.PreStop{Handler: "sleep 3", Lasts: 3 * time.Second}
		w.Pod.TerminationGracePeriodSeconds = 8
		w.Application.Shutdown.IgnoresTerm = true
	})
	traces := traced(t, w, 200, 45*time.Second)
	p50, _ := spread(spans(traces, is(sim.EventNote, "pod deleted"), is(sim.EventSignal, "SIGTERM")))
	if p50 < 3005 || p50 > 3060 {
		t.Errorf("DELETE to SIGTERM: median %.0f ms, want preStop's 3 s and some 12 ms", p50)
	}
	p50, p90 := spread(spans(traces, is(sim.EventSignal, "SIGTERM"), is(sim.EventSignal, "SIGKILL")))
	if p50 < 5005 || p90 > 5040 {
		t.Errorf("SIGTERM to SIGKILL: median %.0f, 90 %% %.0f ms, want what preStop left of 8 s and 9 to 21 ms", p50, p90)
	}
	p50, _ = spread(spans(traces, is(sim.EventExit, ""), is(sim.EventNote, "pod gone")))
	if p50 < 120 || p50 > 1300 {
		t.Errorf("exit to the pod's end: median %.0f ms", p50)
	}
}

// A DELETE call that states a grace gets the smaller of it and the pod's, and never
// less than 1 s, of which the container is left 2.
func TestK53GraceOfTheDeleteCall(t *testing.T) {
	for stated, want := range map[int64]time.Duration{0: 2 * time.Second, 1: 2 * time.Second, 5: 5 * time.Second, 60: 8 * time.Second} {
		w := deleted(func(w *model.World) {
			w.Pod.TerminationGracePeriodSeconds = 8
			w.Application.Shutdown.IgnoresTerm = true
			w.Events.DeletionGrace = &stated
		})
		p50, _ := spread(spans(traced(t, w, 50, 45*time.Second), is(sim.EventSignal, "SIGTERM"), is(sim.EventSignal, "SIGKILL")))
		if over := p50 - float64(want.Milliseconds()); over < 5 || over > 25 {
			t.Errorf("grace %d s stated: SIGTERM to SIGKILL %.0f ms, want %v and some 12 ms", stated, p50, want)
		}
	}
}

// restarted is a world whose kubelet restarts at 80 s.
func restarted(change func(w *model.World)) *model.World {
	return world(func(w *model.World) {
		at := dist.Constantly(80 * time.Second)
		w.Events.KubeletRestart = &at
		if change != nil {
			change(w)
		}
	}, model.Readiness, model.Liveness)
}

func TestK54And85KubeletRestartChangesNoReadyCondition(t *testing.T) {
	const until = 150 * time.Second
	count := func(w *model.World) (lost int) {
		for _, trace := range traced(t, w, 50, until) {
			lost += len(spans([]*sim.Trace{trace}, is(sim.EventNote, "kubelet starts"), ready(false)))
		}
		return lost
	}
	if lost := count(restarted(nil)); lost != 0 {
		t.Errorf("Ready lost in %d of 50 restarts", lost)
	}
	old := restarted(func(w *model.World) { w.Cluster.KubernetesVersion.Minor = 34 })
	if lost := count(old); lost < 45 {
		t.Errorf("1.34: Ready lost in %d of 50 restarts, want at every one", lost)
	}

	// A container younger than 10 s loses it, when its worker first looks: those
	// that look before the kubelet restarts again at 14 s, about four in ten.
	young := restarted(func(w *model.World) {
		at := dist.Constantly(7 * time.Second)
		w.Events.KubeletRestart = &at
	})
	if lost := len(spans(traced(t, young, 50, 13900*time.Millisecond), is(sim.EventNote, "kubelet starts"), ready(false))); lost < 10 {
		t.Errorf("young container: Ready lost in %d of 50 restarts, want about 20", lost)
	}

	// First attempts: each worker's own uniform part of the period after 1.65 s.
	var first []time.Duration
	for _, trace := range traced(t, restarted(nil), 400, until) {
		first = append(first, spans([]*sim.Trace{trace}, is(sim.EventNote, "kubelet starts"), func(e *sim.Event) bool {
			return e.Kind == sim.EventAttempt && e.Probe == model.Liveness
		})...)
	}
	total := 0.0
	for _, d := range first {
		if d < 1500*time.Millisecond || d > 11900*time.Millisecond {
			t.Errorf("first liveness attempt %v after the kubelet's start", d)
		}
		total += d.Seconds()
	}
	agree(t, "mean of the first liveness attempts", total/float64(len(first)), 1.65+5, .07) // 3 × 2.9/√400 = 0.43 s
}

// The first sync of a new kubelet comes before it has workers: a container that
// was still starting counts as started from there, and its startup probe never
// runs again. Without a readiness probe it is Ready too (isContainerStarted and
// UpdatePodStatus of prober_manager.go, called before AddPod, v1.37.2).
func TestK54KubeletRestartEndsAStartup(t *testing.T) {
	for _, test := range []struct {
		minor int
		kinds []model.ProbeKind
		ready bool
	}{
		{37, []model.ProbeKind{model.Startup}, true},
		{37, []model.ProbeKind{model.Startup, model.Readiness}, false},
	} {
		w := world(func(w *model.World) {
			at := dist.Constantly(80 * time.Second)
			w.Events.KubeletRestart = &at
			w.Cluster.KubernetesVersion.Minor = test.minor
			w.Container().Probes[model.Startup].FailureThreshold = 60
			w.Application.Startup = []model.Stage{{Wait: dist.Constantly(120 * time.Second)}}
		}, test.kinds...)
		for _, trace := range traced(t, w, 20, 150*time.Second) {
			var last kubelet.Status
			for _, e := range trace.Events {
				switch {
				case e.Kind == sim.EventStatus && e.At < 100*time.Second:
					last = e.Status
				case e.Kind == sim.EventAttempt && e.Probe == model.Startup && e.At > 80*time.Second:
					t.Errorf("startup attempt at %v, after the restart", e.At)
				}
			}
			if !last.Started || last.Ready != test.ready {
				t.Errorf("%v: %+v after the restart, want started, ready %v", test.kinds, last, test.ready)
			}
		}
		if o := run(t, w, sim.Life{Seed: 54, Horizon: 150 * time.Second}); o.NeverReady {
			t.Errorf("%v: never Ready", test.kinds)
		}
	}
}

// The probe fails from 60 s to 100 s: at 70, 80, 90 and 100 s, which kills at 90
// s. A kubelet that restarts at 80 to 85 s has forgotten the first two, and has
// time for two more at the most.
func TestK54And85KubeletRestartForgetsFailures(t *testing.T) {
	failing := func(w *model.World) {
		w.Faults = []model.Fault{{Planned: true, After: 60 * time.Second, Lasts: dist.Constantly(40 * time.Second),
			Answers: model.FaultFailure, Probes: [model.ProbeKinds]bool{model.Liveness: true}}}
	}
	for name, test := range map[string]struct {
		w     *model.World
		kills int
	}{"restarted": {restarted(failing), 0}, "not restarted": {world(failing, model.Readiness, model.Liveness), 50}} {
		test.w.Container().Probes[model.Liveness].FailureThreshold = 3
		kills := 0
		for _, trace := range traced(t, test.w, 50, 130*time.Second) {
			for i := range trace.Events {
				if trace.Events[i].Kind == sim.EventKill {
					kills++
				}
			}
		}
		if kills != test.kills {
			t.Errorf("%s: %d kills in 50 lives, want %d", name, kills, test.kills)
		}
	}
}

// A container that crashes after each second waits less than 300 s if the
// kubelet restarts meanwhile.
func TestK54KubeletRestartEndsACrashLoop(t *testing.T) {
	for _, test := range []struct {
		every       time.Duration // of restarts
		least, most float64       // the longest wait in 20 minutes
	}{{time.Hour, 300, 400}, {150 * time.Second, 20, 150}} {
		w := world(func(w *model.World) {
			at := dist.Constantly(test.every)
			w.Events.KubeletRestart = &at
			w.Faults = []model.Fault{{Exits: true, Planned: true, After: time.Second}}
		})
		waits := spans(traced(t, w, 5, 20*time.Minute), is(sim.EventExit, ""), is(sim.EventStart, ""))
		if longest := slices.Max(waits).Seconds(); longest < test.least || longest > test.most {
			t.Errorf("restarts every %v: waits of up to %.0f s, want %v to %v", test.every, longest, test.least, test.most)
		}
	}
}

// A crash makes the pod unready for about 0.1 s only; where the removal reached
// the rules, the return has to wait for minSyncPeriod.
func TestK76And77ShortUnreadinessCostsASecond(t *testing.T) {
	out := spans(traced(t, crashing(), 400, 25*time.Second), routed(false), routed(true))
	if len(out) < 200 {
		t.Fatalf("%d removals reached the rules in 400 crashes", len(out))
	}
	soon := 0
	for _, d := range out {
		switch {
		case d < time.Second:
			t.Fatalf("back in the rules after %v", d)
		case d < 1100*time.Millisecond:
			soon++
		}
	}
	if soon < len(out)*8/10 { // but those whose trigger was wasted
		t.Errorf("%d of %d back right after minSyncPeriod", soon, len(out))
	}
}

func TestK78KilledPodStaysListedUntilItsSuccessorRuns(t *testing.T) {
	traces := traced(t, killed(), 200, 40*time.Second)
	for _, d := range spans(traces, is(sim.EventSignal, "SIGTERM"), ready(false)) {
		if d < 5*time.Second {
			t.Errorf("not Ready %v after SIGTERM, within the grace", d)
		}
	}
	// The return reaches the slice while the removal is being applied.
	if back := spans(traces, routed(false), routed(true)); len(back) < 150 || slices.Max(back) > 12*time.Second {
		t.Errorf("%d of 200 back in the rules, the last after %v", len(back), slices.Max(back))
	}
	p50, _ := spread(spans(traces, is(sim.EventExit, ""), passed("endpoint slice updated", false)))
	if p50 < 120 || p50 > 250 { // measured: 160 in the median
		t.Errorf("in the slice until %.0f ms after the exit", p50)
	}
}

func TestK79And80SigtermBeforeTheRules(t *testing.T) {
	traces := traced(t, deleted(nil), 300, 45*time.Second)
	term := spans(traces, is(sim.EventNote, "pod deleted"), is(sim.EventSignal, "SIGTERM"))
	rules := spans(traces, is(sim.EventNote, "pod deleted"), routed(false))
	p50, _ := spread(term)
	if p50 < 8 || p50 > 20 {
		t.Errorf("DELETE to SIGTERM: median %.0f ms, measured 12", p50)
	}
	if p50, _ := spread(rules); p50 < 40 || p50 > 90 {
		t.Errorf("DELETE to the rules without the pod: median %.0f ms, want 24 + 0.6 + 32", p50)
	}
	// Deleted within a second of its start the pod's worker waits for a relist.
	soon := deleted(func(w *model.World) {
		after := dist.Constantly(300 * time.Millisecond)
		w.Events.Deletion = &after
	})
	late := 0
	for _, d := range spans(traced(t, soon, 300, 5*time.Second), is(sim.EventNote, "pod deleted"), is(sim.EventSignal, "SIGTERM")) {
		if d > 1380*time.Millisecond {
			t.Errorf("SIGTERM %v after DELETE, measured 1.38 s at the most", d)
		}
		if d > 60*time.Millisecond {
			late++
		}
	}
	if late < 100 {
		t.Errorf("%d of 300 early deletions waited for a relist", late)
	}
}

func TestK82DeadTrafficAfterAnExitAtOnce(t *testing.T) {
	atOnce := deleted(func(w *model.World) { w.Application.Shutdown.Wait = dist.Constantly(0) })
	lingers := deleted(func(w *model.World) {
		w.Application.Shutdown.Wait = dist.Constantly(0)
		w.Container().PreStop = model.PreStop{Handler: "sleep 3", Lasts: 3 * time.Second}
	})
	if o := run(t, atOnce, sim.Life{Seed: 82, Horizon: 20 * time.Minute}); o.DeadTraffic == 0 {
		t.Error("a process that exits at SIGTERM gets no requests after")
	}
	if o := run(t, lingers, sim.Life{Seed: 82, Horizon: 20 * time.Minute}); o.DeadTraffic != 0 {
		t.Errorf("dead traffic for %v although preStop waits 3 s", o.DeadTraffic)
	}
}

func TestK87PodsEndByTheirPolicy(t *testing.T) {
	for policy, starts := range map[model.RestartPolicy]int{model.RestartAlways: 2, model.RestartOnFailure: 2, model.RestartNever: 1} {
		w := killed()
		w.Pod.RestartPolicy = policy
		n := 0
		for _, e := range traced(t, w, 1, 35*time.Second)[0].Events {
			switch {
			case e.Kind == sim.EventStart:
				n++
			case e.Kind == sim.EventAttempt && policy == model.RestartNever && e.At > 30*time.Second && e.Outcome != kubelet.Error:
				t.Errorf("attempt at %v of a pod that has ended", e.At)
			}
		}
		if n != starts {
			t.Errorf("%v: %d starts, want %d", policy, n, starts)
		}
	}
}

// A process that ends with 0 by itself is not started again under OnFailure. After a
// kill it is, as the kill's own sync does not ask for the status.
func TestK87StatusDecidesUnderOnFailure(t *testing.T) {
	zero := 0
	crash := crashing()
	crash.Pod.RestartPolicy, crash.Faults[0].ExitCode = model.RestartOnFailure, &zero
	kill := killed()
	kill.Pod.RestartPolicy, kill.Application.Shutdown = model.RestartOnFailure, model.Shutdown{ExitCode: &zero}
	for name, test := range map[string]struct {
		w      *model.World
		starts int
	}{"exits with 0": {crash, 1}, "killed, ends with 0": {kill, 2}} {
		n := 0
		for _, e := range traced(t, test.w, 1, 35*time.Second)[0].Events {
			switch e.Kind {
			case sim.EventStart:
				n++
			case sim.EventExit:
				if e.Code != 0 {
					t.Errorf("%s: exit %d", name, e.Code)
				}
			}
		}
		if n != test.starts {
			t.Errorf("%s: %d starts, want %d", name, n, test.starts)
		}
	}
}

// A process that stands still learns of SIGTERM only when it runs again, and
// does not exit meanwhile (C21).
func TestShutdownWaitsForAStall(t *testing.T) {
	for _, test := range []struct {
		name         string
		every, lasts time.Duration
		wait         time.Duration
		exit         time.Duration // from the stall's end
	}{
		{"SIGTERM during a stall", 40 * time.Second, 60 * time.Second, 2 * time.Second, 2 * time.Second},
		{"a stall after SIGTERM", 81 * time.Second, 5 * time.Second, 4 * time.Second, 0},
	} {
		w := world(func(w *model.World) {
			w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Every: dist.Constantly(test.every), Lasts: dist.Constantly(test.lasts)}}}
			w.Application.Shutdown.Wait = dist.Constantly(test.wait)
			w.Faults = []model.Fault{{Planned: true, After: 55 * time.Second, Lasts: dist.Constantly(time.Hour), Answers: model.FaultFailure,
				Probes: [model.ProbeKinds]bool{model.Liveness: true}}}
		}, model.Liveness)
		met := 0
		for i := range uint64(60) {
			var trace sim.Trace
			run(t, w, sim.Life{Seed: 37, Replication: i, Horizon: 200 * time.Second, Trace: &trace})
			exit := slices.IndexFunc(trace.Events, func(e sim.Event) bool { return e.Kind == sim.EventExit && e.Code == 143 })
			term := slices.IndexFunc(trace.Events, func(e sim.Event) bool { return e.Kind == sim.EventSignal && e.Text == "SIGTERM" })
			if exit < 0 || term < 0 {
				continue
			}
			from, to := trace.Events[term].At, trace.Events[exit].At
			for _, e := range trace.Events {
				during := e.Kind == sim.EventStall && (test.exit > 0 && e.At <= from && e.End > from || test.exit == 0 && e.At > from && e.At < from+test.wait && e.End > from+test.wait)
				if !during || e.Incarnation != trace.Events[exit].Incarnation {
					continue
				}
				met++
				if want := e.End + test.exit; to != want {
					t.Errorf("%s: exit at %v, want %v", test.name, to, want)
				}
			}
		}
		if met == 0 {
			t.Errorf("%s: met none", test.name)
		}
	}
}
