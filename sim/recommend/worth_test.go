package recommend

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// TestWorth: 12 false kills a year that cost 40 s each are paid back by hangs
// of which each saves an hour less 20 s (S23).
func TestWorth(t *testing.T) {
	mean := func(seconds float64) *stats.Distribution {
		return &stats.Distribution{Mean: stats.Estimate{Estimate: seconds}}
	}
	all := worth(&estimate.Measures{
		FalseKillsPerPodYear: &stats.Estimate{Estimate: 12, Low: 6, High: 24},
		DetectionSeconds:     mean(20), RecoverySeconds: mean(60),
	}, 0)
	if len(all) != len(repairs) {
		t.Fatalf("%d answers, want %d", len(all), len(repairs))
	}
	got, want := all[1], 12*40/3580.0
	if got.RepairSeconds != 3600 || math.Abs(got.HangsPerPodYear.Estimate-want) > 1e-9 || math.Abs(got.HangsPerPodYear.High-2*want) > 1e-9 {
		t.Errorf("%+v, want %v hangs a year", got, want)
	}
	if all := worth(&estimate.Measures{FalseKillsPerPodYear: &stats.Estimate{}}, 0); all != nil {
		t.Errorf("a probe that notices no hang is worth %+v", all)
	}
	slow := &estimate.Measures{FalseKillsPerPodYear: &stats.Estimate{}, DetectionSeconds: mean(1200), RecoverySeconds: mean(1260)}
	if all := worth(slow, 0); len(all) != len(repairs)-1 {
		t.Errorf("a probe that takes 20 minutes is said to save something in 10: %+v", all)
	}
}

// TestWorthVerdict holds the break-even against stated hangs. 12 false kills a year
// (6 to 24) at 40 s each are 0.13 hangs an hour's wait each, 0.067 to 0.27, and 0.83
// of ten minutes, 0.41 to 1.66; the kills of the startup probe are not counted.
func TestWorthVerdict(t *testing.T) {
	mean := func(seconds float64) *stats.Distribution {
		return &stats.Distribution{Mean: stats.Estimate{Estimate: seconds}}
	}
	perDay := func(perYear float64) float64 { return perYear / 365.25 }
	m := &estimate.Measures{
		FalseKillsPerPodYear:          &stats.Estimate{Estimate: 1012, Low: 900, High: 1100},
		FalseKillsPerPodDayByLiveness: &stats.Estimate{Estimate: perDay(12), Low: perDay(6), High: perDay(24)},
		FalseKillsPerPodDayByStartup:  &stats.Estimate{Estimate: perDay(1000)},
		DetectionSeconds:              mean(20), RecoverySeconds: mean(60),
	}
	for stated, want := range map[float64]struct {
		text string
		yes  bool
	}{
		12:    {"yes, 12 hangs a year are more than the break-even of 0.41 to 1.7 (after 10 min)", true},
		0.3:   {"more than the break-even of 0.067 to 0.27 (after 60 min)", false},
		0.001: {"NO, 0.001 hangs a year are fewer than the break-even of 0.0083 to 0.033 (after 8 h)", false},
	} {
		p := Proposal{LivenessWorth: worth(m, stated)}
		if got, yes := p.WorthSentence(); !strings.Contains(got, want.text) || yes != want.yes {
			t.Errorf("%v hangs a year: %q, %v, want %q, %v", stated, got, yes, want.text, want.yes)
		}
	}
	if got, _ := (&Proposal{LivenessWorth: worth(m, 0)}).WorthSentence(); got != "" {
		t.Errorf("no hangs stated: %q", got)
	}
}

// TestRemedies holds each change against what must come of it: an answer of
// 300 ms of CPU takes 15 s of wall time at 20m, half of it still too long for
// any period that detects in 40 s with three failures.
func TestRemedies(t *testing.T) {
	w := world(nil, probe(model.Exec, 10, 1, 3), probe(model.Exec, 10, 1, 3))
	w.Pod.Containers[0].CPULimitMilli = 20
	for k := range w.Application.Probes {
		w.Application.Probes[k].CPU = dist.Constantly(300 * time.Millisecond)
	}
	r := run(t, w, atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 40), atMost("removalSeconds", "p99", 20))
	if r.Infeasible == nil {
		t.Fatalf("feasible: %s", text(r))
	}
	want := map[string]bool{
		"a handler that takes half the CPU": false, "a status computed every": true,
		"httpGet instead of exec": true, "no CPU limit": true,
	}
	for name, possible := range want {
		found := false
		for i := range r.Infeasible.Remedies {
			remedy := &r.Infeasible.Remedies[i]
			if !strings.HasPrefix(remedy.Change, name) {
				continue
			}
			found = true
			if remedy.Possible != possible || possible != (remedy.Settings != "" && len(remedy.Missed) == 0) || !strings.Contains(remedy.Sentence(), remedy.Change) {
				t.Errorf("%s: %+v, want possible %v", name, remedy, possible)
			}
		}
		if !found {
			t.Errorf("%s is not among the remedies: %+v", name, r.Infeasible.Remedies)
		}
	}
	if n := len(r.Infeasible.Remedies); n != len(want) {
		t.Errorf("%d remedies, want %d: %+v", n, len(want), r.Infeasible.Remedies)
	}
}

// TestLivenessKillsAreAmongAll holds that where none were seen of the liveness probe, and
// starts are lost, the closed form's bound of all is one of the liveness probe's.
func TestLivenessKillsAreAmongAll(t *testing.T) {
	perDay := func(estimate, high float64) *stats.Estimate { return &stats.Estimate{Estimate: estimate, High: high} }
	m := &estimate.Measures{
		FalseKillsPerPodDayByLiveness: perDay(0, .04), FalseKillsPerPodDayByStartup: perDay(1e-5, .04),
		FalseKillsPerPodYear: perDay(1e-5*365.25, .04*365.25), ClosedForm: &stats.Estimate{Estimate: 1e-4, Low: 1e-4, High: 4e-4},
	}
	if e := livenessKills(m); e.Estimate != 0 || e.High != 4e-4 {
		t.Errorf("%g (%g to %g) kills a year, want none and at most 0.0004", e.Estimate, e.Low, e.High)
	}
	m.ClosedForm = nil
	if e := livenessKills(m); e.High != .04*365.25 {
		t.Errorf("at most %g kills a year, want what was simulated", e.High)
	}
}
