package sim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// Measured with 4 replicas at 200 connections a second: 102, 124 and 129
// failures a rollout without preStop; 2, 0 and 2 with a preStop sleep of 1 s;
// none with 3 s.
func TestK84FailuresPerRolloutByPreStop(t *testing.T) {
	for _, test := range []struct {
		preStop     time.Duration
		least, most float64 // failures in the median rollout
	}{{0, 95, 135}, {time.Second, 0, 4}, {3 * time.Second, 0, 0}} {
		var failures []time.Duration
		for i := range 100 {
			o := run(t, rolledOut(test.preStop), sim.Life{Seed: 84, Replication: uint64(i), Horizon: 30 * time.Second})
			failures = append(failures, max(0, o.DeadTraffic-beforeRulesEnd))
		}
		var rollouts []float64 // of four pods each, which get a quarter of the connections
		for four := range slices.Chunk(failures, rolloutReplicas) {
			total := time.Duration(0)
			for _, d := range four {
				total += d
			}
			rollouts = append(rollouts, float64(total/rolloutReplicas)/float64(betweenConnections))
		}
		if p50 := quantileMS(rollouts, .5); p50 < test.least || p50 > test.most {
			t.Errorf("preStop %v: %.0f failures in the median rollout, want %.0f to %.0f", test.preStop, p50, test.least, test.most)
		}
	}
}

func TestK84OldPodIsDeletedOnceTheNewOneIsReady(t *testing.T) {
	for _, trace := range traced(t, rolledOut(3*time.Second), 100, 30*time.Second) {
		old, successor := ofPod(trace.Events, 0), ofPod(trace.Events, 1)
		begins, _ := find(old, 0, note("rollout begins"))
		seen, _ := find(successor, 0, station("watchers see the pod", true))
		deleted, i := find(old, 0, note("pod deleted"))
		if begins == nil || seen == nil || deleted == nil {
			t.Fatal("no rollout in 30 s")
		}
		if d := deleted.At - seen.At; d < 5*time.Millisecond || d > 100*time.Millisecond {
			t.Errorf("old pod deleted %v after the new one was seen Ready, measured 18 to 53 ms", d)
		}
		sigterm, _ := find(old, i, signal("SIGTERM"))
		in, _ := find(successor, 0, func(e *sim.Event) bool { return e.Kind == sim.EventEndpoint && e.Ready })
		if sigterm == nil || in == nil || in.At > sigterm.At {
			t.Error("the new pod is not in the rules before the old one stops, with a preStop of 3 s")
		}
		for i := range old {
			if e := &old[i]; e.Kind == sim.EventStart && e.At > deleted.At {
				t.Errorf("the old pod starts again at %v", e.At)
			}
		}
	}
}

// While its successor does not become Ready, a pod stays.
func TestK84RolloutWaitsForTheNewPod(t *testing.T) {
	w := rolledOut(0)
	slow := dist.Duration{Nanoseconds: dist.Mixture{
		{Weight: 1, Of: dist.Constant(float64(time.Second))}, {Weight: 1, Of: dist.Constant(float64(time.Hour))},
	}}
	w.Application.Startup = []model.Stage{{Wait: slow}}
	w.Replicas = 1
	w.Container().Probes[model.Liveness] = nil
	stuck := 0
	for _, trace := range traced(t, w, 100, 30*time.Minute) {
		old := ofPod(trace.Events, 0)
		if ready, _ := find(old, 0, ready(true)); ready == nil || ready.At > time.Minute {
			continue // that pod was the slow one
		}
		if next, _ := find(ofPod(trace.Events, 1), 0, ready(true)); next != nil {
			continue
		}
		stuck++
		if e, _ := find(old, 0, note("pod deleted")); e != nil {
			t.Errorf("deleted at %v although its successor never became Ready", e.At)
		}
	}
	if stuck < 10 {
		t.Errorf("%d of 100 rollouts got stuck, want about a quarter", stuck)
	}
}

// At each instant the books of one pod are open, whatever else happens to it.
func TestRolloutsBookEachInstantOnce(t *testing.T) {
	every := func(d time.Duration) *dist.Duration { e := exponentially(d); return &e }
	w := agitated()
	w.Events = model.Events{Rollout: every(30 * time.Minute), Deletion: every(time.Hour), KubeletRestart: every(40 * time.Minute)}
	w.Replicas = 3
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(5) {
		o := s.Run(sim.Life{Seed: 84, Replication: i, Horizon: day})
		total := time.Duration(0)
		for _, d := range o.StateTime {
			total += d
		}
		if total != day || o.PodTime != day {
			t.Errorf("life %d: %v booked of %v", i, total, o.PodTime)
		}
		if !slices.IsSorted(o.FalseKillTimes) {
			t.Errorf("life %d: kills out of order: %v", i, o.FalseKillTimes)
		}
		again, traced := o.Available, sim.Trace{}
		if o := s.Run(sim.Life{Seed: 84, Replication: i, Horizon: day, Trace: &traced}); o.Available != again {
			t.Errorf("life %d: available for %v, and for %v with a trace", i, again, o.Available)
		}
	}
	if n := testing.AllocsPerRun(2, func() { s.Run(sim.Life{Seed: 84, Horizon: day}) }); n > 0 {
		t.Errorf("%v allocations a life", n)
	}
}

// A pod that hangs is replaced by the next rollout: its fault ends there.
func TestRolloutEndsAHang(t *testing.T) {
	w := rolledOut(0)
	w.Container().Probes[model.Liveness], w.Container().Probes[model.Readiness] = nil, nil
	w.Application.Probes[model.Liveness].HangCoverage = 0
	for i := range uint64(20) {
		o := run(t, w, sim.Life{Seed: 84, Replication: i, Horizon: time.Hour, Hang: 5 * time.Second})
		if len(o.Removals) != 1 || len(o.Recoveries) != 1 || o.Recoveries[0] < 9*time.Second || o.Recoveries[0] > 20*time.Second {
			t.Errorf("removed after %v, recovered after %v, want both in the rollout 10 to 11 s after the hang", o.Removals, o.Recoveries)
		}
	}
}
