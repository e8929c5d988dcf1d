package recommend

import (
	"cmp"
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// TestChooseWhole holds what is chosen from the whole grid against every combination,
// looked at one by one: none is cheaper, and of those that cost about as little none
// is before it in the order of S20.
func TestChooseWhole(t *testing.T) {
	for name, objectives := range map[string][]model.Objective{
		"ratio":     {atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 14), atMost("removalSeconds", "p99", 8), {Measure: estimate.Tolerance, AtLeast: true, Bound: 2}},
		"ready lag": {atMost("falseKillsPerPodYear", "", 1), atMost("detectionSeconds", "p99", 10), atMost("removalSeconds", "p99", 9), atMost("readyLagSeconds", "p99", 3)},
		"not both":  {atMost("falseKillsPerPodYear", "", 1e-12), atMost("detectionSeconds", "p99", 7)},
	} {
		s := searched(t, objectives...)
		of := space{s.startOptions(false), s.options(model.Readiness, false), s.options(model.Liveness, false)}
		var all []combination
		for _, first := range of.starts {
			for _, r := range of.readiness {
				for _, l := range of.liveness {
					if c := pairedOf(first, r, l); len(s.missed(&c)) == 0 && !s.overloaded(&c) {
						all = append(all, c)
					}
				}
			}
		}
		got := s.chooseWhole(math.Inf(1))
		if len(all) == 0 || len(got) == 0 {
			if len(all) != len(got) {
				t.Errorf("%s: %d chosen of %d", name, len(got), len(all))
			}
			continue
		}
		least := cheapestOf(all).cost
		all = slices.DeleteFunc(all, func(c combination) bool { return c.cost > least+tied })
		best := s.ranked(slices.Clone(all))[0]
		if before := order20(s, &best, &got[0]); before != 0 || cheapestOf(got).cost < least {
			t.Errorf("%s: chosen %s, and one by one %s", name, describe(s, &got[0]), describe(s, &best))
		}
		fewest := slices.MinFunc(all, func(a, b combination) int { return cmp.Compare(killBound(&a), killBound(&b)) })
		if s.safest(of.liveness, &got[0], least+tied) == nil && killBound(&fewest) < killBound(&got[0]) && fewest.start == best.start && fewest.readiness == best.readiness {
			t.Errorf("%s: %s kills less often than %s", name, describe(s, &fewest), describe(s, &got[0]))
		}
		if s.chooseWhole(least) != nil {
			t.Errorf("%s: something costs less than the least", name)
		}
	}
}

// order20 compares two combinations by what orders those of about the same cost.
func order20(s *search, a, b *combination) int {
	current := s.w.Container().Probes
	return cmp.Or(cmp.Compare(load(a), load(b)), cmp.Compare(s.unusual(a, &current), s.unusual(b, &current)), cmp.Compare(timeouts(a), timeouts(b)))
}

// TestBetweenUsualValues has answers that are observed along a path, and objectives
// between which no usual values fit: they detect a hang within 27.95 s in 99 of 100
// cases (5/3/5), or within 29.95 s (5/5/5), and nothing between.
func TestBetweenUsualValues(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Traffic = &model.Traffic{PerSecond: 0.05, Workers: 1, Queue: 100, Wait: exponential(time.Second)}
	for k := range w.Application.Probes {
		w.Application.Probes[k].RunsOn = model.Workers
	}
	o := Options{Options: estimate.Options{Seed: 1, Horizon: 24 * time.Hour, Objectives: []model.Objective{
		atMost("falseKillsPerPodYear", "", 200), atMost("detectionSeconds", "p99", 29.5), {Measure: "detectionSeconds", Statistic: "p99", AtLeast: true, Bound: 28.5},
	}}}
	s, err := newSearch(context.Background(), w, o, o.thorough(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if usual := s.choose(); len(usual) > 0 {
		t.Fatalf("%s are usual values", describe(s, &usual[0]))
	}
	chosen, err := s.candidates(context.Background())
	if err != nil || len(chosen) == 0 {
		t.Fatal("no values between the usual ones", err)
	}
	if p := chosen[0].liveness.period; slices.Contains(usualPeriods, p) {
		t.Errorf("%s, want a period between the usual ones", describe(s, &chosen[0]))
	}
}
