package recommend

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// TestClaims holds that what a combination taught bears on what is no better than
// it, and of the same kind, alone.
func TestClaims(t *testing.T) {
	start30, start3 := start{probe: probe(model.HTTPGet, 30, 1, 3)}, start{probe: probe(model.HTTPGet, 3, 1, 15)}
	taught := combination{start: start30, readiness: &option{setting: setting{3, 1, 2}}, liveness: &option{setting: setting{5, 1, 3}}}
	of := func(first start, readiness, liveness setting) combination {
		return combination{start: first, readiness: &option{setting: readiness}, liveness: &option{setting: liveness}}
	}
	for _, c := range []struct {
		why                        string
		measure                    string
		other                      combination
		predicted, shown, at, want float64
	}{
		{"itself", "falseKillsPerPodYear", taught, 0.03, 7, 0.03, 7},
		{"more eager, whatever is predicted", "falseKillsPerPodYear", of(start30, setting{3, 1, 2}, setting{5, 1, 2}), 0.03, 7, 0.01, 7},
		{"more patient", "falseKillsPerPodYear", of(start30, setting{3, 1, 2}, setting{5, 2, 4}), 0.03, 7, 0.03, 0.03},
		{"another start", "falseKillsPerPodYear", of(start3, setting{3, 1, 2}, setting{5, 1, 3}), 0.03, 7, 0.03, 0.03},
		{"itself", "readyLagSeconds", taught, 4, 100, 4, 100},
		{"another start", "readyLagSeconds", of(start3, setting{3, 1, 2}, setting{5, 1, 3}), 4, 100, 4, 4},
		{"a faster one of the same periods, claims are bounded", "readyLagSeconds", of(start30, setting{3, 1, 2}, setting{5, 1, 3}), 4, 100, 2, 2.5},
		{"another period of readiness", "readyLagSeconds", of(start30, setting{2, 1, 2}, setting{5, 1, 3}), 4, 100, 3, 3},
		{"slower, of another period", "removalSeconds", of(start3, setting{4, 1, 2}, setting{5, 1, 3}), 8, 9, 8.5, 9},
		{"quicker, of the same period", "removalSeconds", of(start3, setting{3, 1, 1}, setting{5, 1, 3}), 8, 9, 4, 4.5},
	} {
		l := correction{&model.Objective{Measure: c.measure}, taught, c.predicted, c.shown}
		if got := l.claims(&c.other, c.at); got != c.want {
			t.Errorf("%s of %s: %v is predicted, claimed %v, want %v", c.measure, c.why, c.at, got, c.want)
		}
	}
}

// TestMoreCPUStaysPossible holds that where settings meet the objectives under one
// CPU limit, some do under every greater one, even where the full simulation shows
// the best to kill a thousand times as often as predicted, and to be Ready late: an
// answer of 100 ms of CPU takes at most 1 s of wall time at 100m, and less with more.
func TestMoreCPUStaysPossible(t *testing.T) {
	objectives := []model.Objective{
		atMost("falseKillsPerPodYear", "", 0.1), atMost("startupKillProbability", "", 0.001), atMost("detectionSeconds", "p99", 20),
		atMost("removalSeconds", "p99", 10), atMost("readyLagSeconds", "p99", 6),
	}
	missed := false
	bad := &estimate.Variant{Objectives: make([]estimate.Verdict, len(objectives))}
	bad.Objectives[0].Met, bad.Objectives[4].Met = &missed, &missed
	bad.Measures.FalseKillsPerPodYear = &stats.Estimate{Estimate: 30, Low: 10, High: 60}
	bad.Measures.ReadyLagSeconds = &stats.Distribution{P99: stats.Estimate{Estimate: 100, Low: 90, High: 200}}
	for _, limit := range []int64{100, 200, 500, 1000, 0} {
		w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
		w.Pod.Containers[0].CPULimitMilli = limit
		w.Application.Startup = []model.Stage{{Name: "boot", CPU: dist.Constantly(14 * time.Second), Threads: 2}}
		for k := range w.Application.Probes {
			w.Application.Probes[k].CPU = dist.Constantly(100 * time.Millisecond)
		}
		o := Options{Options: estimate.Options{Seed: 1, Horizon: time.Hour, Objectives: objectives}}
		effort := glance
		effort.starts = 100
		s, err := newSearch(context.Background(), w, o, effort, nil)
		if err != nil {
			t.Fatal(err)
		}
		for round := range rounds {
			chosen := s.choose()
			if len(chosen) == 0 {
				t.Errorf("%dm: nothing meets the objectives after %d corrections", limit, round)
				break
			}
			if !s.correct([]finalist{{combination: chosen[0], variant: bad, confirmed: true}}) {
				t.Errorf("%dm: nothing was learned of %s", limit, describe(s, &chosen[0]))
			}
		}
	}
}

// TestKeepsWhatMissesNothing holds that current settings which miss nothing are
// kept where no others are predicted to meet everything, instead of "infeasible".
func TestKeepsWhatMissesNothing(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 3, 1, 3), probe(model.HTTPGet, 10, 2, 4))
	o := Options{Options: estimate.Options{Seed: 1, Horizon: time.Hour, Objectives: []model.Objective{atMost("falseKillsPerPodYear", "", 0.1)}}}
	s, err := newSearch(context.Background(), w, o, glance, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &Recommendation{}
	if err := r.settle(context.Background(), s, Options{}, &decision{current: undecided}); err != nil {
		t.Fatal(err)
	}
	if r.Infeasible != nil || r.Recommended == nil || !strings.Contains(strings.Join(r.Notes, "\n"), "recommended unchanged") {
		t.Errorf("not kept: %s", text(r))
	}
}

// TestFewestStarts holds that an objective which allows a thousand kills a year does
// not do without starts: their percentiles are asked for all the same.
func TestFewestStarts(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Startup = []model.Stage{{Name: "boot", Wait: exponential(10 * time.Second)}}
	objectives := []model.Objective{atMost("falseKillsPerPodYear", "", 1000)}
	if n := startsSimulated(w, objectives, 30*24*time.Hour); n < fewestStarts {
		t.Errorf("%d starts, want at least %d", n, fewestStarts)
	}
	if r := run(t, w, objectives...); r.Recommended == nil {
		t.Errorf("nothing is recommended: %s", text(r.Infeasible))
	}
}
