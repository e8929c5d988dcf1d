package estimate

import (
	"math"
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
	// A replica is available while it is in the endpoints: there are no stalls.
	if a, b := checked.Availability, unchecked.Availability; a.Low > 0.95 || a.High < 0.95 || a.High-a.Low > 0.01 || b.Estimate != 1 {
		t.Errorf("available for %.4g (%.4g to %.4g) of the time, want 0.95, and for %g where nothing checks the dependency", a.Estimate, a.Low, a.High, b.Estimate)
	}
	// There is no liveness probe, so nothing can kill, however few lives there are.
	if kills, loop := checked.FalseKillsPerPodYear, checked.CrashLoopProbability; kills.High != 0 || loop.High != 0 {
		t.Errorf("kills %+v and crash loops %+v without a probe that kills", kills, loop)
	}
	o.Jobs = 1
	again, err := SimulateTogether(t.Context(), dependentWorld(), o)
	if err != nil || !reflect.DeepEqual(result, again) {
		t.Errorf("one worker: %v, not what two found", err)
	}
}

// TestLoadStatedOfEachPodIsShared: traffic stated of each of three pods is that of a
// service with three times as much, bursts included.
func TestLoadStatedOfEachPodIsShared(t *testing.T) {
	stated := func(ofService bool, times float64) *Together {
		w := dependentWorld()
		w.Application.Probes[model.Readiness].RunsOn = model.Workers
		burst := model.OnOff{Every: dist.Constantly(20 * time.Minute), Lasts: dist.Constantly(2 * time.Minute)}
		w.Application.Traffic = &model.Traffic{
			PerSecond: 1 * times, OfService: ofService, Workers: 2, Queue: 20, Wait: dist.Constantly(time.Second),
			Bursts: []model.Burst{{OnOff: burst, PerSecond: 4 * times}},
		}
		result, err := SimulateTogether(t.Context(), w, Options{Seed: 5, Horizon: 2 * time.Hour, Replications: 4, Jobs: 2})
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	each, all := stated(false, 1), stated(true, 3)
	if !reflect.DeepEqual(each.Cases, all.Cases) || len(each.Cases) != 3 {
		t.Errorf("of each pod: %+v\nof the service: %+v", each.Cases, all.Cases)
	}
	if moved, apart := each.Cases[0].OutOfEndpointsAtOnce[2].FractionOfTime, each.Cases[2].OutOfEndpointsAtOnce[2].FractionOfTime; moved.Estimate <= 0.03 || apart.Estimate == moved.Estimate {
		t.Errorf("all out for %g of the time, %g where the load goes nowhere", moved.Estimate, apart.Estimate)
	}
}

// TestCascades holds the probability that all replicas are out at once to the
// law of the dependency's outages where readiness checks it, whatever the load
// and whoever answers, and to none where it does not and the load is small.
func TestCascades(t *testing.T) {
	w := dependentWorld()
	w.Application.Traffic = &model.Traffic{PerSecond: 0.01, Workers: 4, Queue: 64, CPU: dist.Duration{Nanoseconds: dist.Constant(float64(time.Millisecond))}}
	o := Options{Seed: 3, Horizon: 2 * time.Hour, Replications: 48, Jobs: 2}
	result, err := SimulateCascades(t.Context(), w, []float64{0.5, 2}, o)
	if err != nil {
		t.Fatal(err)
	}
	// The dependency is up at the beginning with probability 0.95, and stays up.
	want := 1 - 0.95*math.Exp(-result.HorizonSeconds/60/95)
	if len(result.Curves) != 4 || result.Replications != 48 {
		t.Fatalf("%+v", result)
	}
	asItIs := 0
	for _, c := range result.Curves {
		if c.AsItIs {
			asItIs++
			if c.SharedWorkers || !c.ChecksDependencies {
				t.Errorf("%+v is not as it is", c)
			}
		}
		for _, p := range c.Points {
			if e := p.Probability; c.ChecksDependencies && (e.Low > want || e.High < want) {
				t.Errorf("shared %v, load %g: %.3g (%.3g to %.3g), want %.3g", c.SharedWorkers, p.Load, e.Estimate, e.Low, e.High, want)
			} else if !c.ChecksDependencies && e.Estimate > 0 {
				t.Errorf("shared %v, load %g: %.3g without a cause", c.SharedWorkers, p.Load, e.Estimate)
			}
			if p.PerSecond != 0.03*p.Load { // of each of three pods
				t.Errorf("%g times 0.01 a second of 3 pods are %g", p.Load, p.PerSecond)
			}
		}
	}
	if asItIs != 1 {
		t.Errorf("%d designs are as it is", asItIs)
	}
	w.Application.Traffic = nil
	if _, err := SimulateCascades(t.Context(), w, []float64{1}, o); err == nil {
		t.Error("no traffic, and no error")
	}
}

// TestCascadesOfLoad overloads the workers that answer the probes, and expects a
// cascade of every life then, and of none with a thread of the probes' own.
func TestCascadesOfLoad(t *testing.T) {
	w := dependentWorld()
	w.Dependencies, w.Application.Probes[model.Readiness].DependsOn = nil, nil
	w.Application.Traffic = &model.Traffic{PerSecond: 3, OfService: true, Workers: 1, Queue: 200, Wait: dist.Duration{Nanoseconds: dist.Constant(float64(500 * time.Millisecond))}}
	result, err := SimulateCascades(t.Context(), w, []float64{0.2, 4}, Options{Seed: 3, Horizon: time.Hour, Replications: 8, Jobs: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range result.Curves {
		for _, p := range c.Points {
			want := 0.0
			if c.SharedWorkers && p.Load == 4 { // 12 a second for workers that do 6
				want = 1
			}
			if p.Probability.Estimate != want {
				t.Errorf("shared %v, load %g: %.3g, want %g", c.SharedWorkers, p.Load, p.Probability.Estimate, want)
			}
		}
	}
}
