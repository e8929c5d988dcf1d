package recommend

import (
	"strings"
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
	if r.LeastPreStopSeconds == nil || *r.LeastPreStopSeconds != 2 || !r.GraceCovers {
		t.Errorf("%+v", r)
	}
	// A stated propagation of exactly 7 s, which lies between the sleeps tried first, is
	// covered by one of 7 s: the hook begins some 10 ms after the deletion (K79).
	w := deletable(3, 4*time.Second)
	seven := dist.Constantly(7 * time.Second)
	w.Cluster.Propagation = &seven
	w.Pod.TerminationGracePeriodSeconds = 10
	r = terminationOf(t, w)
	if r.LeastPreStopSeconds == nil || *r.LeastPreStopSeconds != 7 || r.GraceCovers || r.GraceNeededSeconds != 12 {
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

// TestTerminationOfPresentHook holds that a hook gets no more than the present grace
// period (K37): it ends after 10 of its 45 s, and 20 s of a propagation of 30 s are
// left. A grace period that covers it leaves nothing, and 30 s are the shortest.
func TestTerminationOfPresentHook(t *testing.T) {
	w := deletable(3, 5*time.Second)
	w.Pod.Containers[0].PreStop = model.PreStop{Handler: "exec sleep 45", Lasts: 45 * time.Second}
	propagation := dist.Constantly(30 * time.Second)
	w.Cluster.Propagation = &propagation
	w.Pod.TerminationGracePeriodSeconds = 10
	r := terminationOf(t, w)
	if p := r.Present(); p.PreStopSeconds != 45 || p.GracePeriodSeconds != 10 || p.CutOffProbability != 1 ||
		p.DeadTrafficSecondsPerDeletion.Estimate < 19.8 || p.DeadTrafficSecondsPerDeletion.Estimate > 20.1 {
		t.Errorf("the present hook: %+v", p)
	}
	if r.LeastPreStopSeconds == nil || *r.LeastPreStopSeconds != 30 || r.GraceCovers || r.GraceNeededSeconds != 51 {
		t.Errorf("%+v", r)
	}
	for _, text := range []string{"which the grace period ends after 10 s", "long enough where the grace period covers it", "a sleep of 30 s would do as well", "has to be 51 instead of 10"} {
		if !strings.Contains(r.Sentence, text) {
			t.Errorf("%q is not in: %s", text, r.Sentence)
		}
	}
	w.Pod.TerminationGracePeriodSeconds = 51
	if p := terminationOf(t, w).Present(); p.DeadTrafficSecondsPerDeletion.Estimate != 0 || p.CutOffProbability > 0 {
		t.Errorf("covered: %+v", p)
	}
}

// TestTerminationOfLoneReplica: with a surge the successor of a lone pod is beside it,
// and 2 s do as for three (K84); without one nothing helps (K83): from SIGTERM to its
// exit, and some 0.2 s to the end of its endpoint (K81).
func TestTerminationOfLoneReplica(t *testing.T) {
	w := deletable(1, 0)
	if r := terminationOf(t, w); r.LeastPreStopSeconds == nil || *r.LeastPreStopSeconds != 2 || r.Present().DeletionsWithDeadTraffic.Estimate < 0.5 {
		t.Errorf("with a surge: %+v", r)
	}
	w.Application.Shutdown.Wait = dist.Constantly(3 * time.Second)
	s := &search{w: w, seed: 1, confidence: 0.95, strategy: model.Strategy{Kind: "StatefulSet", MaxUnavailable: 1}}
	r, err := s.termination(new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	if dead := r.Present().DeadTrafficSecondsPerDeletion.Estimate; r.LeastPreStopSeconds != nil || dead < 3.1 || dead > 3.3 || !strings.Contains(r.Sentence, "no sleep helps a lone replica") {
		t.Errorf("without: %g s, %+v", dead, r)
	}
}

// TestTerminationBehindBalancer: a balancer's health check takes the closed target
// out long before its deregistration is through, whether preStop sleeps for 0 or 10
// s, and still only a sleep as long as the deregistration leaves nothing (I25).
func TestTerminationBehindBalancer(t *testing.T) {
	w := deletable(3, time.Second)
	w.Cluster.LoadBalancer = &model.LoadBalancer{Deregistration: 50 * time.Second, PeriodSeconds: 5, FailureThreshold: 2}
	r := terminationOf(t, w)
	if r.LeastPreStopSeconds == nil || *r.LeastPreStopSeconds != 51 {
		t.Errorf("%+v", r)
	}
	if p := r.Present(); p.DeadTrafficSecondsPerDeletion.Estimate < 5 || p.DeadTrafficSecondsPerDeletion.Estimate > 10 {
		t.Errorf("closed for 5 to 10 s, by the health check: %+v", p)
	}
}
