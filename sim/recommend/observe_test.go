package recommend

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/estimate"
)

// TestEveryKth holds the runs that are counted of every k-th observation against
// counting them one by one, level by level.
func TestEveryKth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 7).Draw(t, "k")
		seen := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sim.Observation {
			return sim.Observation{
				Latency:  time.Duration(rapid.SampledFrom([]int{0, 10, 20, 400, 1000, 2500, 40_000}).Draw(t, "latency")) * time.Millisecond,
				Failed:   rapid.IntRange(0, 9).Draw(t, "failed") == 0,
				Starting: rapid.IntRange(0, 19).Draw(t, "starting") == 0,
			}
		}), 0, 300).Draw(t, "seen")
		got := path{period: time.Duration(k) * time.Second, phases: int64(k)}
		got.addEvery(seen, k)
		for level := range levels {
			var whole, runs [longestCounted + 1]int64
			for first := range k {
				length := 0
				end := func() {
					if length > 0 {
						whole[min(length, longestCounted)]++
						runs[longestCounted] += int64((length - 1) / longestCounted)
						runs[(length-1)%longestCounted+1]++
					}
					length = 0
				}
				for i := first; i < len(seen); i += k {
					switch o := &seen[i]; {
					case o.Starting:
					case o.Failed || o.Latency >= levels[level]:
						length++
					default:
						end()
					}
				}
				end()
			}
			if got.whole[level] != whole || got.runs[level] != runs {
				t.Fatalf("%v: %v, one by one %v", levels[level], got.whole[level], whole)
			}
		}
		serving := 0
		for i := range seen {
			serving += oneIf(!seen[i].Starting)
		}
		if got.time != time.Duration(serving)*got.period {
			t.Fatalf("%v observed, want %d attempts, each for %v", got.time, serving, got.period)
		}
	})
}

// TestSharedPaths holds the rates of periods that are seen along the path of another
// one against those of paths of their own.
func TestSharedPaths(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Traffic = &model.Traffic{PerSecond: 0.1, Workers: 1, Queue: 100, Wait: exponential(4 * time.Second)}
	for k := range w.Application.Probes {
		w.Application.Probes[k].RunsOn = model.Workers
	}
	o := Options{Options: estimate.Options{Seed: 1, Horizon: 24 * time.Hour, Objectives: []model.Objective{atMost("detectionSeconds", "p99", 60)}}}
	effort := observed{attempts: 40_000, fewest: fewestObserved, events: eventsObserved, periods: []int32{1, 2, 5, 10}, others: true}
	shared, err := newSearch(context.Background(), w, o, effort, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Seed = 2
	effort.periods = []int32{4, 7, 14, 20}
	own, err := newSearch(context.Background(), w, o, effort, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []setting{{4, 1, 1}, {4, 1, 3}, {4, 3, 2}, {7, 1, 2}, {7, 2, 1}, {7, 3, 3}, {14, 1, 2}, {14, 5, 1}, {20, 1, 1}, {20, 3, 2}} {
		a, b := shared.option(model.Liveness, at), own.option(model.Liveness, at)
		if a.extended || a.low > b.bound || b.low > a.bound {
			t.Errorf("%v: %.4g a second (%.4g to %.4g) along a shared path, %.4g (%.4g to %.4g) along its own", at, a.rate, a.low, a.bound, b.rate, b.low, b.bound)
		}
	}
}

// TestPlan holds which paths stand for which periods: the longest that divides one,
// unless its denser probes take CPU time that matters.
func TestPlan(t *testing.T) {
	w := world(nil, nil, probe(model.HTTPGet, 12, 1, 3))
	w.Pod.Containers[0].CPULimitMilli = 500
	effort := observed{periods: usualPeriods, others: true}
	of := func(plan []observation, period int32) []int32 {
		if i := slices.IndexFunc(plan, func(o observation) bool { return o.period == period }); i >= 0 {
			return plan[i].multiples
		}
		return nil
	}
	plan, rest := effort.plan(w, model.Liveness)
	if len(plan) != len(usualPeriods)+1 || len(rest) != 0 {
		t.Errorf("%d paths and %d others for probes that cost nothing, want one for each usual period and the current one", len(plan), len(rest))
	}
	for period, want := range map[int32][]int32{12: {12, 24, 36, 48}, 10: {10, 50}, 20: {20, 40}, 60: {60}} {
		if got := of(plan, period); !slices.Equal(got, want) {
			t.Errorf("the path of %d s stands for %v, want %v", period, got, want)
		}
	}
	w.Application.Probes[model.Liveness].CPU = dist.Constantly(40 * time.Millisecond) // 8 % of the quota each second
	plan, rest = effort.plan(w, model.Liveness)
	if got := of(plan, 20); !slices.Equal(got, []int32{20, 40}) {
		t.Errorf("the path of 20 s stands for %v, want itself and 40 s", got)
	}
	if got := of(rest, 7); len(got) < 2 || got[1] != 14 {
		t.Errorf("7 s, which no path stands for, is not left for later, and 14 s with it: %v", rest)
	}
	for _, o := range append(plan, rest...) {
		for _, multiple := range o.multiples {
			if multiple%o.period != 0 {
				t.Errorf("%d s is no multiple of %d s", multiple, o.period)
			}
		}
	}
}
