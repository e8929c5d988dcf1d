package recommend

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// TestStandings holds what is said of objectives against every single combination of
// usual values: which can be met together, and how near the others come.
func TestStandings(t *testing.T) {
	s := searched(t, atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 60), atMost("removalSeconds", "p99", 8),
		atMost("readyLagSeconds", "p99", 5), model.Objective{Measure: estimate.Tolerance, AtLeast: true, Bound: 4})
	got, n := s.standings(), len(s.objectives)
	best, given, together := make([]float64, n), make([][]float64, n), make([][]bool, n)
	for i := range n {
		best[i], given[i], together[i] = worst(&s.objectives[i]), make([]float64, n), make([]bool, n)
		for j := range n {
			given[i][j] = worst(&s.objectives[j])
		}
	}
	for _, first := range s.startOptions(true) {
		for _, r := range s.everything(model.Readiness) {
			for _, l := range s.everything(model.Liveness) {
				c := combination{start: first, readiness: r, liveness: l}
				for i := range n {
					value, _ := s.predict(&s.objectives[i], &c)
					best[i] = nearer(&s.objectives[i], best[i], value)
					if !meets(&s.objectives[i], value) {
						continue
					}
					for j := range n {
						value, _ := s.predict(&s.objectives[j], &c)
						given[i][j] = nearer(&s.objectives[j], given[i][j], value)
						together[i][j] = together[i][j] || meets(&s.objectives[j], value)
					}
				}
			}
		}
	}
	for i := range n {
		usual := space{s.startOptions(true), s.everything(model.Readiness), s.everything(model.Liveness)}
		if got := s.best(usual, i); got != best[i] {
			t.Errorf("%s: best %v, one by one %v", estimate.Name(s.objectives[i]), got, best[i])
		}
		for j := range n {
			if got.together[i][j] != together[i][j] || got.given[i][j] != given[i][j] {
				t.Errorf("%s given %s: %v, %v; one by one %v, %v", estimate.Name(s.objectives[j]), estimate.Name(s.objectives[i]),
					got.given[i][j], got.together[i][j], given[i][j], together[i][j])
			}
		}
	}
}

// TestOverloaded holds that probes which take all the CPU time are no candidates, and
// that the text says so instead of an infinite number.
func TestOverloaded(t *testing.T) {
	s := searched(t, atMost("falseKillsPerPodYear", "", 0.1))
	s.spare, s.asks = 0.1, [model.ProbeKinds]float64{0, 0.5, 0.5}
	of := func(period int32) *combination {
		return &combination{readiness: &option{setting: setting{period, 1, 3}}, liveness: &option{setting: setting{period, 1, 3}}}
	}
	if !s.overloaded(of(10)) || s.overloaded(of(11)) { // 2·0.5/10 s is all there is
		t.Error("two answers of 500 ms each 10 s take 100 ms a second, and each 11 s less")
	}
	if s.tooExpensive() != "" {
		t.Errorf("two answers of 500 ms a minute are not too expensive: %s", s.tooExpensive())
	}
	s.spare = 0.016 // and two a minute take 16.7 ms a second
	if got := s.conflict(); !strings.Contains(got, "an answer to the livenessProbe 0.5 s") || !strings.Contains(got, "more than the 16 ms a second") {
		t.Errorf("what is too expensive is not said: %s", got)
	}
	if text := s.text(0, math.Inf(1)); text == "+Inf" || len(text) < 20 {
		t.Errorf("no bound is written %q", text)
	}
	if text := s.text(0, float64(time.Hour)); text == "" {
		t.Error("a number is not written")
	}
}

// TestNothingIsProvedWithoutProbes holds that where there is no handler to ask nothing was
// gone through: the answer says what to add, and no more.
func TestNothingIsProvedWithoutProbes(t *testing.T) {
	r := run(t, world(nil, nil, nil), atMost("detectionSeconds", "p99", 60))
	if r.Infeasible == nil || r.Infeasible.Proved || strings.Contains(r.Infeasible.Reason, "exhaustion") || !strings.Contains(r.Infeasible.Reason, "has no probe") {
		t.Errorf("%+v", r.Infeasible)
	}
}
