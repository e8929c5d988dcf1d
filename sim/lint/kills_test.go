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
