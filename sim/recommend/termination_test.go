package recommend

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// deletable is a workload that exits so long after SIGTERM.
func deletable(replicas int, shutdown time.Duration) *model.World {
	w := &model.World{Name: "deletable", Replicas: replicas}
	w.Pod.Containers = []model.Container{{Name: "app"}}
	w.Pod.TerminationGracePeriodSeconds = 30
	w.Pod.Containers[0].Probes[model.Readiness] = &model.Probe{PeriodSeconds: 5, TimeoutSeconds: 1, FailureThreshold: 3, SuccessThreshold: 1, Handler: model.Handler{Kind: model.HTTPGet}}
	w.Application.Threads = 1
	w.Application.Shutdown.Wait = dist.Constantly(shutdown)
	w.Node.CPUs, w.Node.KernelHz, w.Node.CFSPeriod = 4, 250, 100*time.Millisecond
	w.Cluster.KubernetesVersion = model.NewestVersion
	w.Cluster.MinSyncPeriod = time.Second
	return w
}

func terminationOf(t *testing.T, w *model.World) *Termination {
	t.Helper()
	s := &search{w: w, seed: 1, confidence: 0.95, strategy: strategyOf(&model.Strategy{}, w.Replicas)}
	result, err := s.termination(new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestTermination holds the sleep to what the mechanism allows. The rules change
// at most minSyncPeriod and some 0.1 s after the deletion (K72, K79), SIGTERM is
// sent at the sleep's end.
func TestTermination(t *testing.T) {
	r := terminationOf(t, deletable(3, 0))
	if none := r.ByPreStop[0]; none.DeadTrafficSecondsPerDeletion.Estimate < 0.02 || none.DeadTrafficSecondsPerDeletion.Estimate > 1.1 || none.DeletionsWithDeadTraffic.Estimate < 0.5 {
		t.Errorf("without preStop: %+v", none)
	}
	if r.LeastPreStopSeconds == nil || *r.LeastPreStopSeconds < 1 || *r.LeastPreStopSeconds > 2 || !r.GraceCovers {
		t.Errorf("%+v", r)
	}
	// A stated propagation of exactly 7 s is covered by a sleep of 10 s, not of 5 s.
	w := deletable(3, 4*time.Second)
	seven := dist.Constantly(7 * time.Second)
	w.Cluster.Propagation = &seven
	w.Pod.TerminationGracePeriodSeconds = 10
	r = terminationOf(t, w)
	if r.LeastPreStopSeconds == nil || *r.LeastPreStopSeconds != 10 || r.GraceCovers || r.GraceNeededSeconds != 15 {
		t.Errorf("propagation of 7 s: %+v", r)
	}
	for _, p := range r.ByPreStop {
		if p.PreStopSeconds == 5 && (p.DeadTrafficSecondsPerDeletion.Estimate < 1.9 || p.DeadTrafficSecondsPerDeletion.Estimate > 2.01) {
			t.Errorf("a sleep of 5 s leaves %v s of 7, want 2", p.DeadTrafficSecondsPerDeletion.Estimate)
		}
	}
	// A process that exits after 12 s is cut off by a grace of 10 s.
	w.Application.Shutdown.Wait = dist.Constantly(12 * time.Second)
	if r = terminationOf(t, w); r.ByPreStop[0].CutOffProbability != 1 {
		t.Errorf("%+v, want a shutdown that is always cut off", r.ByPreStop[0])
	}
}
