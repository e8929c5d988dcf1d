package recommend

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// TestBudgetOfCostlyStarts: where starts take long to simulate, a few of them and the
// closed form of the longest give a startup probe its budget. A start of so much CPU
// time under a quota takes as long as the quota needs for that, and so the time that
// one start in 40,000 exceeds is known.
func TestBudgetOfCostlyStarts(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	c := &w.Pod.Containers[0]
	c.CPULimitMilli, c.CPURequestMilli = 200, 200
	w.Node.CPUs, w.Node.InterruptionsPerSecond = 4, 30
	work := dist.LogNormal{Mu: math.Log(10e9), Sigma: 0.3}
	w.Application.Startup = []model.Stage{{Name: "boot", Threads: 2, CPU: dist.Duration{Nanoseconds: work}}}
	o := Options{Options: estimate.Options{Seed: 1, Objectives: []model.Objective{{Measure: "startupKillProbability", Bound: 1e-4}}}}
	s, err := newSearch(context.Background(), w, o, glanceOfStarts, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.tail == nil || len(s.starts) > startsAtFirst(w) {
		t.Fatalf("%d starts were simulated", len(s.starts))
	}
	budget, ok := s.budgetNeeded()
	least := work.Quantile(1-1e-4/4) / 0.2
	if got := float64(budget) / least; !ok || got < 1 || got > 1.2 {
		t.Errorf("a budget of %v, want at least %v", budget, time.Duration(least))
	}
	if kills := s.exceeds(budget); kills > 1e-4/4 {
		t.Errorf("%g of the starts are killed", kills)
	}
	worse := s.worsened(worsening{1, 1, 2})
	if longer, _ := worse.budgetNeeded(); longer < 2*time.Duration(least) || longer > 3*time.Duration(least) {
		t.Errorf("twice as long starts: a budget of %v, want twice %v", longer, time.Duration(least))
	}
}

// glanceOfStarts is the effort of a search that learns nothing but how long starts
// take.
var glanceOfStarts = observed{attempts: 1, fewest: 1, events: 1}
