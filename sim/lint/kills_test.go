package lint

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// TestFormulaDecides holds what is simulated for the sake of false kills to what the
// short simulation could tell: sixteen lives of half a day without a kill exclude
// −ln 0.025 = 3.689 of them in 8 days, 168.4 a year.
func TestFormulaDecides(t *testing.T) {
	for _, c := range []struct {
		estimate, bound float64
		decides         bool
	}{
		{0, 0, true}, {1e-9, .1, true}, // keeps the objective
		{60, 119, true},                       // within a factor of two
		{1e-9, 168, true}, {1e-9, 169, false}, // as good as the simulation's own bound, or not
		{105, 33721, false},
	} {
		e := &stats.Estimate{Estimate: c.estimate, High: c.bound}
		if got := decides(e); got != c.decides {
			t.Errorf("%v to %v decides: %v", c.estimate, c.bound, got)
		}
	}
	bare := subject().World
	if o := riskOptions(bare, formulaKills(bare)); o.Limit != 0 || o.Horizon > 2*time.Hour {
		t.Errorf("%d lives of %v of a workload whose closed form decides", o.Limit, o.Horizon)
	}
	if o := riskOptions(bare, nil); o.Limit != riskLimit || o.Horizon != riskHorizon {
		t.Errorf("%d lives of %v of a workload without a closed form", o.Limit, o.Horizon)
	}
}

// TestBackOffIsNoClosedForm: an answer that needs more CPU than the limit leaves before
// the timeout fails every time. By the formula the container is killed every 60 s, the
// back-off of restarts left out. With it, at its longest, two processes of 61 s or more
// share one wait of 300 s or more (K40), or have one each. Lives of half a day begin with
// seven shorter waits.
func TestBackOffIsNoClosedForm(t *testing.T) {
	s := subject()
	s.take(model.Startup)
	s.World.Pod.Containers[0].CPULimitMilli = 20
	s.answer(model.Liveness).CPU = always(60 * ms)
	risk, err := Assess(t.Context(), s.World, false, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	form := estimate.NewClosedForm(s.World, model.Liveness)
	if rate, _ := form.Rate(s.probe(model.Liveness)); math.Abs(rate*60-1) > 1e-9 {
		t.Errorf("closed form: one kill in %v s", 1/rate)
	}
	least, most := year.Seconds()/(61+450+30), 2*year.Seconds()/(2*61+300)+7*2*365.25
	if kills := risk.FalseKillsPerPodYear; !(kills.Estimate > least && kills.Estimate < most) {
		t.Errorf("%v kills a year, want within %v to %v", *kills, least, most)
	}
}

// TestOutagesKillAgain holds the false kills in outages, which kill again and again with
// longer and longer waits between, to those of simulated lives.
func TestOutagesKillAgain(t *testing.T) {
	for _, c := range []struct {
		name   string
		outage model.OnOff
		change func(s *Subject)
	}{
		{"an hour", model.OnOff{Every: always(9 * time.Hour), Lasts: always(time.Hour)}, func(*Subject) {}},
		{"about a minute", model.OnOff{Every: exponential(5 * time.Hour), Lasts: exponential(time.Minute)}, func(*Subject) {}},
		{"ends by startup", model.OnOff{Every: always(9 * time.Hour), Lasts: always(time.Hour)}, func(s *Subject) { s.answer(model.Startup).DependsOn = []int{0} }},
		{"without startup probe", model.OnOff{Every: always(9 * time.Hour), Lasts: always(20 * time.Minute)}, func(s *Subject) { s.take(model.Startup); s.World.Application.Startup = nil }},
	} {
		s := subject()
		s.World.Faults = nil
		s.World.Dependencies = []model.OnOff{c.outage}
		s.answer(model.Liveness).DependsOn = []int{0}
		c.change(s)
		e, err := estimate.Run(t.Context(), []estimate.Named{{Name: "base", World: s.World}}, estimate.Options{Seed: 1, Replications: 2, Horizon: 30 * 24 * time.Hour, Starts: 1, Faults: 1, Plain: true})
		if err != nil {
			t.Fatal(err)
		}
		kills, _ := killsByOutages(s.World)
		seen := e.Variants[0].Measures.FalseKillsPerPodYear
		const slack = .08 // the syncs that come late after a back-off
		if kills < seen.Low*(1-slack) || kills > seen.High*(1+slack) {
			t.Errorf("%s: %.4v kills a year, simulated %.4v (%.4v to %.4v)", c.name, kills, seen.Estimate, seen.Low, seen.High)
		}
		if risk, err := Assess(t.Context(), s.World, false, 1, 1); err != nil || math.Abs(risk.FalseKillsPerPodYear.Estimate/kills-1) > .01 {
			t.Errorf("%s: risk %v, %v", c.name, risk, err)
		}
	}
}
