package recommend

import (
	"slices"
	"testing"

	"github.com/probesim/probesim/model"
)

// TestHopefulOrder holds in which order settings are tried that only may meet the
// objectives. The rates are those that the paths of a pool of workers with slow
// queries are extended to; full simulations with 0.4 pod-years of restored lives show
// 0.13, 0.02, 0.01 and 46 kills a year for 15/15/3, 10/10/5, 5/5/11 and 3/1/19
// (period/timeout/failures), so that the extension is no guide to them.
func TestHopefulOrder(t *testing.T) {
	objectives := []model.Objective{atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 60)}
	w := world(nil, nil, probe(model.HTTPGet, 10, 1, 3))
	options := func() (all []*option) {
		for _, o := range []struct {
			at    setting
			bound float64
		}{{setting{3, 1, 20}, 27}, {setting{3, 1, 19}, 41}, {setting{15, 15, 3}, 168}, {setting{5, 5, 11}, 451}, {setting{10, 10, 5}, 555}} {
			all = append(all, &option{setting: o.at, bound: o.bound / year.Seconds(), extended: true})
		}
		return all
	}
	taught := func(at setting) lesson { return lesson{&option{setting: at}, 1, 2} }
	for _, c := range []struct {
		why     string
		lessons []lesson
		want    []setting
	}{
		{"the fewest predicted kills, and what is late last", nil,
			[]setting{{3, 1, 19}, {15, 15, 3}, {5, 5, 11}, {10, 10, 5}, {3, 1, 20}}},
		{"many short timeouts say nothing of long ones", []lesson{taught(setting{3, 1, 19})},
			[]setting{{15, 15, 3}, {10, 10, 5}, {5, 5, 11}, {3, 1, 19}, {3, 1, 20}}},
		{"more patient than the longest timeout", []lesson{taught(setting{3, 1, 19}), taught(setting{15, 15, 3})},
			[]setting{{10, 10, 5}, {5, 5, 11}, {15, 15, 3}, {3, 1, 19}, {3, 1, 20}}},
	} {
		s := &search{w: w, objectives: objectives, base: w.Container().Probes, lessons: c.lessons}
		all := options()
		s.hopefulFirst(all)
		var got []setting
		for _, o := range all {
			got = append(got, o.setting)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.why, got, c.want)
		}
	}
}
