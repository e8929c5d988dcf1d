package estimate

import (
	"reflect"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// dependentWorld is a workload of three replicas whose readiness checks a
// dependency that fails for a twentieth of the time.
func dependentWorld() *model.World {
	exponential := func(mean time.Duration) dist.Duration {
		return dist.Duration{Nanoseconds: dist.Exponential(mean)}
	}
	w := &model.World{Name: "dependent", Replicas: 3}
	w.Pod.Containers = []model.Container{{Name: "app"}}
	w.Pod.TerminationGracePeriodSeconds = 30
	w.Pod.Containers[0].Probes[model.Readiness] = &model.Probe{PeriodSeconds: 5, TimeoutSeconds: 1, FailureThreshold: 1, SuccessThreshold: 1, Handler: model.Handler{Kind: model.HTTPGet}}
	w.Application.Threads = 1
	w.Application.Probes[model.Readiness].DependsOn = []int{0}
	w.Dependencies = []model.OnOff{{Name: "db", Every: exponential(95 * time.Minute), Lasts: exponential(5 * time.Minute)}}
	w.Node.CPUs, w.Node.KernelHz, w.Node.CFSPeriod = 4, 250, 100*time.Millisecond
	w.Cluster.KubernetesVersion = model.NewestVersion
	w.Cluster.MinSyncPeriod = time.Second
	return w
}

// TestTogether holds the shared outage of a dependency to its share of the time,
// for all replicas at once, against none where readiness does not check it.
func TestTogether(t *testing.T) {
	o := Options{Seed: 5, Horizon: 24 * time.Hour, Replications: 128, Jobs: 2}
	result, err := SimulateTogether(t.Context(), dependentWorld(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Cases) != 2 || result.Replications != 128 {
		t.Fatalf("%d cases of %d replications", len(result.Cases), result.Replications)
	}
	checked, unchecked := result.Cases[0], result.Cases[1]
	all := checked.OutOfEndpointsAtOnce[2].FractionOfTime
	if all.Low > 0.05 || all.High < 0.05 || all.High-all.Low > 0.01 {
		t.Errorf("all out for %.4g (%.4g to %.4g) of the time; outages last 0.05 of it", all.Estimate, all.Low, all.High)
	}
	// 24 h hold 24·60/100 outages; some are too short for a probe to meet them.
	if times := checked.OutOfEndpointsAtOnce[0].TimesPerYear.Estimate / 365.25; times < 13.5 || times > 15.3 {
		t.Errorf("%.3g times a day, want 14.4 less the short ones", times)
	}
	if c := checked.CascadeProbability; c == nil || c.Estimate < 0.9 {
		t.Errorf("cascade %v, want nearly 1: they share the dependency", c)
	}
	if e := unchecked.OutOfEndpointsAtOnce[0].FractionOfTime; e.Estimate != 0 || unchecked.CascadeProbability != nil {
		t.Errorf("out for %g of the time although nothing checks the dependency", e.Estimate)
	}
	o.Jobs = 1
	again, err := SimulateTogether(t.Context(), dependentWorld(), o)
	if err != nil || !reflect.DeepEqual(result, again) {
		t.Errorf("one worker: %v, not what two found", err)
	}
}
