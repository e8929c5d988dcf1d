package recommend

import (
	"context"
	"slices"
	"testing"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// TestProposesLivenessIfAskedFor holds that a liveness probe which is not there is
// proposed where an objective asks how soon a hang is noticed, and else is not (S23).
func TestProposesLivenessIfAskedFor(t *testing.T) {
	kills, removal, detection := atMost("falseKillsPerPodYear", "", 0.1), atMost("removalSeconds", "p99", 60), atMost("detectionSeconds", "p99", 60)
	for _, c := range []struct {
		why        string
		probes     [model.ProbeKinds]*model.Probe
		objectives []model.Objective
		want       bool
	}{
		{"nothing asks for it", [model.ProbeKinds]*model.Probe{model.Readiness: probe(model.HTTPGet, 40, 1, 3)}, []model.Objective{kills, removal}, false},
		{"hangs are to be noticed", [model.ProbeKinds]*model.Probe{model.Readiness: probe(model.HTTPGet, 40, 1, 3)}, []model.Objective{kills, removal, detection}, true},
		{"a readiness probe that notices no hang", [model.ProbeKinds]*model.Probe{model.Readiness: probe(model.TCPSocket, 40, 1, 3)}, []model.Objective{kills, removal}, true},
		{"it is there", [model.ProbeKinds]*model.Probe{model.Readiness: probe(model.HTTPGet, 40, 1, 3), model.Liveness: probe(model.HTTPGet, 10, 1, 3)}, []model.Objective{kills, removal}, true},
	} {
		w := world(c.probes[model.Startup], c.probes[model.Readiness], c.probes[model.Liveness])
		s, err := newSearch(context.Background(), w, Options{Options: estimate.Options{Seed: 1, Objectives: c.objectives}}, glance, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.base[model.Liveness] != nil; got != c.want {
			t.Errorf("%s: a liveness probe is looked for: %v", c.why, got)
		}
	}
}

// TestAimsGivenUp holds that what asks for a liveness probe is given up only if nobody
// states any of it.
func TestAimsGivenUp(t *testing.T) {
	kills, detection, recovery := atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 60), atMost("recoverySeconds", "p99", 90)
	for _, c := range []struct{ objectives, aims, want []model.Objective }{
		{[]model.Objective{kills, detection}, []model.Objective{kills, detection}, []model.Objective{detection}},
		{[]model.Objective{kills, detection}, []model.Objective{kills}, nil},
		{[]model.Objective{kills, detection, recovery}, []model.Objective{detection}, nil},
		{[]model.Objective{kills}, []model.Objective{kills}, nil},
	} {
		o := Options{Options: estimate.Options{Objectives: c.objectives}, Aims: c.aims}
		if got := givenUp(o); !slices.Equal(got, c.want) {
			t.Errorf("of %v with the aims %v: %v, want %v", c.objectives, c.aims, got, c.want)
		}
	}
}
