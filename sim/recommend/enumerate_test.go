package recommend

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// searched returns a search in a world of stalls, with its objectives.
func searched(t *testing.T, objectives ...model.Objective) *search {
	t.Helper()
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(30 * time.Minute), Lasts: exponential(10 * time.Second)}}
	o := Options{Options: estimate.Options{Seed: 1, Horizon: 24 * time.Hour, Objectives: objectives}}
	s, err := newSearch(context.Background(), w, o, o.thorough(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reduced is a small part of the grid.
func reduced(s *search) space {
	each := func(k model.ProbeKind) []*option {
		var options []*option
		for _, period := range []int32{2, 5, 10, 30} { // a timeout of 5 is above the first
			for _, timeout := range []int32{1, 5} {
				for _, failures := range []int32{1, 3, 6} {
					if timeout <= period {
						o := s.option(k, setting{period, timeout, failures})
						options = append(options, &o)
					}
				}
			}
		}
		return options
	}
	return space{s.startOptions(true), each(model.Readiness), each(model.Liveness)}
}

// TestEnumerate holds the factorised count against looking at every single
// combination, at both ends of the predictions.
func TestEnumerate(t *testing.T) {
	s := searched(t, atMost("falseKillsPerPodYear", "", 20), atMost("detectionSeconds", "p99", 150), atMost("removalSeconds", "p99", 60),
		atMost("readyLagSeconds", "p99", 20), model.Objective{Measure: estimate.Tolerance, AtLeast: true, Bound: 1.5})
	for _, s := range []*search{s, s.hope()} {
		of := reduced(s)
		var meeting int64
		cost := -1.0
		for _, first := range of.starts {
			for _, r := range of.readiness {
				for _, l := range of.liveness {
					if c := (combination{start: first, readiness: r, liveness: l}); len(s.missed(&c)) > 0 {
						continue
					}
					meeting++
					if sum := r.cost + l.cost; cost < 0 || sum < cost {
						cost = sum
					}
				}
			}
		}
		got, cheapest := s.enumerate(of)
		if meeting == 0 || meeting == of.size() {
			t.Fatalf("%d of %d combinations meet everything: the case shows nothing", meeting, of.size())
		}
		if got != meeting || cheapest.cost != cost {
			t.Errorf("%d combinations, the cheapest at %v; one by one %d, %v", got, cheapest.cost, meeting, cost)
		}
	}
}

// TestGridSimulated simulates every liveness setting of a small grid in full: what
// is predicted to meet the objectives is not missed there, and what is met there
// was possible.
func TestGridSimulated(t *testing.T) {
	objectives := []model.Objective{atMost("falseKillsPerPodYear", "", 200), atMost("detectionSeconds", "p99", 100)}
	s := searched(t, objectives...)
	of, hope := reduced(s), s.hope()
	var variants []estimate.Named
	of.liveness = slices.DeleteFunc(of.liveness, func(o *option) bool { return o.timeout == 1 })
	for _, l := range of.liveness {
		c := combination{start: of.starts[0], readiness: of.readiness[0], liveness: l}
		variants = append(variants, estimate.Named{Name: fmt.Sprint(l.setting), World: s.world(&c)})
	}
	estimates, err := estimate.Run(context.Background(), variants, estimate.Options{
		Seed: 77, Horizon: 10 * 24 * time.Hour, Replications: 4, Objectives: objectives, Plain: true, FewStarts: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	both := [2]int{}
	for i, l := range of.liveness {
		c := combination{start: of.starts[0], readiness: of.readiness[0], liveness: l}
		simulated := verdict(&estimates.Variants[i])
		if len(s.missed(&c)) == 0 && simulated == missed {
			t.Errorf("%v: predicted to meet everything, and does not: %s", l.setting, whyNot(&estimates.Variants[i]))
		}
		if len(hope.missed(&c)) > 0 && simulated == met {
			t.Errorf("%v: ruled out, and meets everything", l.setting)
		}
		if simulated == met {
			both[0]++
		} else if simulated == missed {
			both[1]++
		}
	}
	if both[0] == 0 || both[1] == 0 {
		t.Errorf("%d settings meet everything and %d do not: the case shows nothing", both[0], both[1])
	}
}

// TestFull holds that the search agrees with the whole grid, where there are
// settings and where there are none.
func TestFull(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(30 * time.Minute), Lasts: exponential(10 * time.Second)}}
	for _, detection := range []float64{200, 60} {
		o := Options{Full: true, Options: estimate.Options{Seed: 1, Horizon: 24 * time.Hour, Replications: 2, Objectives: []model.Objective{
			atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", detection), atMost("removalSeconds", "p99", 60),
		}}}
		r, err := Run(context.Background(), w, o)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Grid.Agrees || (r.Grid.Possible > 0) != (r.Recommended != nil) {
			t.Errorf("detection within %v s: %+v, recommended %v", detection, r.Grid, r.Recommended != nil)
		}
		if r.Infeasible != nil && !r.Infeasible.Proved {
			t.Errorf("not proved: %s", r.Infeasible.Reason)
		}
	}
}

// TestEager holds that thresholds below the patient ones are proposed where nothing
// patient meets the objectives, with a word about what that risks, and that nothing
// is called proved which does. Every second and failure is known: a liveness probe of
// P, T <= P and F notices a hang within (F−1)·P + T + P (S4).
func TestEager(t *testing.T) {
	for _, c := range []struct {
		within   float64
		failures int32 // 0: none are possible
	}{
		{3.5, 2},
		{2.5, 1}, // 1 s, 1 s and one failure
		{1.5, 0},
	} {
		w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
		r := run(t, w, atMost("falseKillsPerPodYear", "", 100), atMost("detectionSeconds", "p99", c.within), atMost("removalSeconds", "p99", 30))
		switch {
		case c.failures == 0:
			if r.Infeasible == nil || !r.Infeasible.Proved {
				t.Errorf("within %v s: not proved impossible: %s", c.within, text(r.Infeasible))
			}
		case r.Recommended == nil:
			t.Errorf("within %v s: nothing is recommended: %s", c.within, text(r.Infeasible))
		default:
			p := r.Recommended.Settings.LivenessProbe
			if p.FailureThreshold != c.failures || !strings.Contains(strings.Join(r.Recommended.Risks, "\n"), "one attempt in ten thousand") {
				t.Errorf("within %v s: %+v, risks %q", c.within, p, r.Recommended.Risks)
			}
			if verdict := r.Recommended.Objectives[1]; verdict.Met == nil || !*verdict.Met {
				t.Errorf("within %v s: detection is not met: %s", c.within, text(r.Recommended.Measures.DetectionSeconds))
			}
		}
	}
}

// TestTimeoutAbovePeriod has answers that always take 3.2 s, and hangs to be noticed
// within 6 s: a timeout of 4 s that is no longer than the period notices them within
// 8 s, and a shorter period with the same timeout sooner (K5).
func TestTimeoutAbovePeriod(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	for k := range w.Application.Probes {
		w.Application.Probes[k].Wait = dist.Constantly(3200 * time.Millisecond)
	}
	r := run(t, w, atMost("falseKillsPerPodYear", "", 100), atMost("detectionSeconds", "p99", 6), atMost("removalSeconds", "p99", 30))
	if r.Recommended == nil {
		t.Fatalf("nothing is recommended: %s", text(r.Infeasible))
	}
	if p := r.Recommended.Settings.LivenessProbe; p.TimeoutSeconds <= p.PeriodSeconds || !strings.Contains(strings.Join(r.Notes, "\n"), "is above periodSeconds") {
		t.Errorf("%+v; notes %q", p, r.Notes)
	}
}

// TestTicks holds the late answers in a row that certainly bring a verdict against
// attempts that begin when the last one ends: three timeouts of 4 s begin at 0, 4 and
// 8 s, after the ticks at 0, 3 and 6.
func TestTicks(t *testing.T) {
	for _, c := range []struct {
		setting
		want int
	}{{setting{3, 1, 3}, 3}, {setting{3, 3, 3}, 3}, {setting{3, 4, 3}, 4}, {setting{3, 4, 1}, 1}, {setting{1, 4, 2}, 5}} {
		if got := c.ticks(); got != c.want {
			t.Errorf("%v: %d late answers in a row, want %d", c.setting, got, c.want)
		}
	}
}

// TestWholeGrid holds that the whole grid is that of every period up to 60 s and every
// threshold and timeout up to 30, and each step towards it has all that the last had.
func TestWholeGrid(t *testing.T) {
	s := searched(t, atMost("detectionSeconds", "p99", 60))
	before := 0
	for s.eagerness = 0; s.eagerness <= mostEager; s.eagerness++ {
		n := len(s.settings(model.Liveness, false))
		if n <= before {
			t.Errorf("eagerness %d: %d settings, %d before", s.eagerness, n, before)
		}
		before = n
	}
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		if n := len(s.eagerly().settings(k, false)); n != 60*30*30 {
			t.Errorf("%v: %d settings in the whole grid, want 54000", k, n)
		}
	}
}
