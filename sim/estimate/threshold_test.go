package estimate

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

// TestRateOfAnUnreachableThreshold: people write the greatest failureThreshold
// to switch a probe's verdict off. Its rate is found at once, and is no more
// than that of a lower one.
func TestRateOfAnUnreachableThreshold(t *testing.T) {
	w := world(nil, probe(10, 1, 3))
	w.Application.Probes[model.Liveness].Failure = .01
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponential(time.Hour), Lasts: exponential(20 * time.Second)}}}
	f := NewClosedForm(w, model.Liveness)
	p := *w.Container().Probes[model.Liveness]
	before := math.Inf(1)
	for _, threshold := range []int32{3, 30, 999, 1000, 1001, 100_000, math.MaxInt32} {
		p.FailureThreshold = threshold
		typical, bound := f.Rate(&p)
		if !(typical >= 0 && typical <= bound && bound <= before) {
			t.Errorf("failureThreshold %d: %g at most %g, after %g", threshold, typical, bound, before)
		}
		before = bound
	}
	if before > 1e-100 {
		t.Errorf("the greatest failureThreshold: at most %g a second, want none", before)
	}
}

// TestNobodyWaitsForYears: a probe that looks, or gives its verdict, after years
// makes a replication no longer than the same container takes without it, while
// one whose verdict comes within two days is waited for.
func TestNobodyWaitsForYears(t *testing.T) {
	const never = math.MaxInt32
	longest := func(w *model.World) time.Duration {
		p := newPlan([]Named{{World: w}}, Options{Horizon: day})
		return max(p.warmUp+p.span+p.after[0], p.startHorizon[0])
	}
	without := longest(world(probe(5, 1, 2), nil))
	for name, p := range map[string]*model.Probe{"a period": probe(never, 1, 3), "a timeout": probe(10, never, 3), "a threshold": probe(10, 1, never)} {
		if lasts := longest(world(probe(5, 1, 2), p)); lasts > without+15*time.Minute {
			t.Errorf("%s of years: %v, without the probe %v", name, lasts, without)
		}
	}
	delayed := probe(10, 1, 3)
	delayed.InitialDelaySeconds = never
	if lasts := longest(world(probe(5, 1, 2), delayed)); lasts > without+15*time.Minute {
		t.Errorf("a delay of years: %v, without the probe %v", lasts, without)
	}
	if lasts := longest(world(probe(5, 1, 2), probe(3600, 1, 20))); lasts < 20*time.Hour {
		t.Errorf("a verdict after 20 hours is waited for only %v", lasts)
	}
}

// TestOtherContainersChangeNoVerdict: a sidecar answers its own probes and takes
// nothing from the studied container, whose false kills are those of the closed
// form without it.
func TestOtherContainersChangeNoVerdict(t *testing.T) {
	w := world(probe(5, 1, 2), probe(10, 1, 3))
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponential(time.Hour), Lasts: exponential(20 * time.Second)}}}
	lone := NewClosedForm(w, model.Liveness)
	sidecar := model.Container{Name: "proxy"}
	sidecar.Probes[model.Readiness], sidecar.Probes[model.Liveness] = probe(3, 1, 3), probe(7, 1, 3)
	w.Pod.Containers = append(w.Pod.Containers, sidecar)
	beside := NewClosedForm(w, model.Liveness)
	if beside.Why != "" {
		t.Fatal(beside.Why)
	}
	p := w.Container().Probes[model.Liveness]
	rate, bound := beside.Rate(p)
	if alone, most := lone.Rate(p); rate != alone || bound != most {
		t.Errorf("%g at most %g a second, without the sidecar %g at most %g", rate, bound, alone, most)
	}
	kills := run(t, w, Options{Seed: 1, Horizon: 5 * day, Replications: 16, Plain: true}).Measures.FalseKillsPerPodDay
	if low, high := rate*day.Seconds(), bound*day.Seconds(); kills.High < low || kills.Low > high || kills.Estimate == 0 {
		t.Errorf("%v kills a day, want %g to %g", kills, low, high)
	}
}
