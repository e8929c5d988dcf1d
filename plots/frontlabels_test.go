package plots

import (
	"bytes"
	"strings"
	"testing"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

// TestFrontNamesItsRoles holds that the recommended settings are named where they
// stand in a corner that the lines of the objectives and the intervals beside them
// leave no room in.
func TestFrontNamesItsRoles(t *testing.T) {
	front := &Front{
		Current: &FrontPoint{10, 1, 6, 60.9, stats.Estimate{Estimate: 37000, Low: 35000, High: 39000}, ""}, Recommended: &FrontPoint{60, 15, 3, 194, stats.Estimate{High: 0.96}, ""},
		Kind: model.Liveness, MaxSeconds: 200, MaxVerdictsPerPodYear: 1,
	}
	for _, p := range []struct{ seconds, kills float64 }{{4, 1e6}, {7, 5e5}, {12, 9e4}, {20, 6e3}, {30, 3e3}, {40, 2}, {50, .3}, {60, .02}, {75, .001}} {
		front.Points = append(front.Points, FrontPoint{10, 10, 3, p.seconds, stats.Estimate{Estimate: p.kills, Low: p.kills / 100, High: p.kills * 30}, ""})
	}
	var svg bytes.Buffer
	if err := Write(&svg, "svg", front); err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{">current<", ">recommended<"} {
		if !strings.Contains(svg.String(), role) {
			t.Errorf("nothing is labelled %s", role)
		}
	}
}

// TestFrontMarksLastResorts holds that a chart says what its crosses are where it has
// any, and that no last resort is part of the line of the front.
func TestFrontMarksLastResorts(t *testing.T) {
	for name, front := range map[string]*Front{"removal": removal(), "front": front()} {
		var svg bytes.Buffer
		if err := Write(&svg, "svg", front); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(svg.String(), ">last resort: "); said != (name == "removal") {
			t.Errorf("%s: says what a last resort is: %v", name, said)
		}
	}
	front := removal()
	if line, resorts := front.sorted(), front.resorts(); len(line) != 7 || len(resorts) != 6 || resorts[0].Seconds != 2.04 || resorts[5].Seconds != 22.04 {
		t.Errorf("line %+v, last resorts %+v", line, resorts)
	}
}

// TestFrontSaysWhyNothingIsRecommended tells settings that do not exist from a probe
// that is not recommended, and from a search that ended before its answer.
func TestFrontSaysWhyNothingIsRecommended(t *testing.T) {
	for want, r := range map[string]*recommend.Recommendation{
		"No liveness probe is recommended.": {Recommended: &recommend.Proposal{}},
		"Undecided within this effort.":     {},
		"No settings meet the objectives.":  {Infeasible: &recommend.Infeasible{}},
	} {
		if got := NewFront(r, nil).Sentence(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
