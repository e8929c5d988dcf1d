package sim_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// TestCoastingChangesNothing: the short way through quiet stretches gives the very
// outcome that going event by event gives, whatever else the world does.
func TestCoastingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := world(nil)
		coastingWorld(t, w)
		s, err := sim.New(w)
		if err != nil {
			t.Fatal(err)
		}
		if !s.Coasts() {
			t.Fatal("does not coast")
		}
		life := sim.Life{
			Seed: rapid.Uint64().Draw(t, "seed"), Horizon: time.Duration(rapid.IntRange(1, 3*86400).Draw(t, "horizon")) * time.Second,
			FirstReady: rapid.IntRange(0, 9).Draw(t, "first ready") == 0,
		}
		if rapid.IntRange(0, 4).Draw(t, "hang") == 0 {
			life.Hang = life.Horizon / 2
		}
		if coasted, plain := s.Run(life), s.WithoutCoasting().Run(life); !reflect.DeepEqual(coasted, plain) {
			t.Fatalf("coasting: %+v\nevent by event: %+v", coasted, plain)
		}
	})
}

// coastingWorld draws a world whose lives coast.
func coastingWorld(t *rapid.T, w *model.World) {
	oneIn := func(n int, what string) bool { return rapid.IntRange(1, n).Draw(t, what) == 1 }
	seconds := func(least, most int, what string) time.Duration {
		return time.Duration(rapid.IntRange(least, most).Draw(t, what)) * time.Second
	}
	for c := range 1 + rapid.IntRange(0, 5).Draw(t, "containers")/5 {
		container := model.Container{Name: string(rune('a' + c))}
		for k := range container.Probes {
			if oneIn(4, "absent") && !(c == 0 && k == int(model.Liveness)) {
				continue
			}
			p := &model.Probe{PeriodSeconds: int32(rapid.IntRange(1, 12).Draw(t, "period")), TimeoutSeconds: int32(rapid.IntRange(1, 3).Draw(t, "timeout"))}
			p.Handler.Kind = model.HandlerKind(rapid.IntRange(0, 3).Draw(t, "handler"))
			if oneIn(5, "slow") {
				p.TimeoutSeconds = 14
			}
			if oneIn(4, "delayed") {
				p.InitialDelaySeconds = 17
			}
			p.SetDefaults()
			if k == int(model.Startup) {
				p.FailureThreshold = 30
			}
			container.Probes[k] = p
		}
		if c == 0 {
			w.Pod.Containers = w.Pod.Containers[:0]
		}
		w.Pod.Containers = append(w.Pod.Containers, container)
	}
	w.Replicas = 3
	if oneIn(3, "older") {
		w.Cluster.KubernetesVersion.Minor = rapid.IntRange(model.OldestVersion.Minor, model.NewestVersion.Minor).Draw(t, "minor")
	}
	for k := range w.Application.Probes {
		answer := &w.Application.Probes[k]
		answer.Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: rapid.Float64Range(17, 20).Draw(t, "median"), Sigma: 1}}
		if oneIn(2, "constant") {
			answer.Wait = dist.Constantly(time.Duration(rapid.IntRange(1, 2000).Draw(t, "wait")) * time.Millisecond)
		}
		if oneIn(2, "fails") {
			answer.Failure = .01
		}
		if oneIn(4, "cached") {
			answer.Cached = seconds(1, 40, "cached for")
		}
		if oneIn(4, "failing") {
			answer.Failing = &model.OnOff{Every: exponentially(time.Hour), Lasts: exponentially(time.Minute)}
		}
		if oneIn(3, "depends") {
			answer.DependsOn = []int{0}
		}
		answer.HangCoverage = []float64{0, .5, 1}[rapid.IntRange(0, 2).Draw(t, "coverage")]
	}
	w.Dependencies = []model.OnOff{{Every: exponentially(2 * time.Hour), Lasts: exponentially(time.Minute)}}
	w.Application.Startup = []model.Stage{{Wait: exponentially(8 * time.Second), CPU: dist.Constantly(seconds(0, 3, "boot"))}}
	w.Application.Pauses = []model.OnOff{{Every: exponentially(seconds(100, 4000, "pauses")), Lasts: exponentially(5 * time.Second)}}
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Every: exponentially(seconds(100, 9000, "stalls")), Lasts: exponentially(8 * time.Second)}}}
	w.Node.Neighbours = []model.Neighbour{{CPURequestMilli: 1000, WaitFactor: rapid.Float64Range(1, 9).Draw(t, "factor"), Busy: exponentially(time.Minute), Idle: exponentially(10 * time.Minute)}}
	w.Faults = []model.Fault{
		{Name: "deadlock", Every: exponentially(9 * time.Hour), Forever: true, Hangs: true, Probes: [model.ProbeKinds]bool{true, true, true}},
		{Name: "bug", Every: exponentially(8 * time.Hour), Exits: true},
		{Name: "slip", Every: exponentially(2 * time.Hour), Lasts: exponentially(time.Minute), Answers: model.FaultFailure, Probes: [model.ProbeKinds]bool{model.Readiness: true}},
	}
	d, k, r := exponentially(10*time.Hour), exponentially(6*time.Hour), exponentially(20*time.Hour)
	w.Events.Deletion, w.Events.KubeletRestart = &d, &k
	if oneIn(3, "rollouts") {
		w.Events.Rollout = &r
	}
}
