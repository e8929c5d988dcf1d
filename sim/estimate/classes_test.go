package estimate

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

// TestNodeClasses: one node in five stalls, with a rate of kills in closed form
// (S3); the pods on it, few as they are, have every kill (S18).
func TestNodeClasses(t *testing.T) {
	w := world(nil, probe(10, 1, 3))
	stalling := w.Node
	stalling.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponential(time.Hour - 10*time.Second), Lasts: exponential(10 * time.Second)}}}
	stalling.Profile = "overcommitted"
	w.Node.Classes = []model.NodeClass{{Weight: 4, Node: w.Node}, {Weight: 1, Node: stalling}}
	w.Node.Classes[0].Node.Profile = "quiet"
	v := run(t, w, Options{Seed: 1, Horizon: 10 * day, Replications: 48})
	if len(v.NodeClasses) != 2 {
		t.Fatalf("%d classes", len(v.NodeClasses))
	}
	quiet, loud := v.NodeClasses[0], v.NodeClasses[1]
	if quiet.Name != "quiet" || quiet.PodShare != .8 || quiet.FalseKillsPerPodYear.Estimate != 0 || quiet.KillShare.Estimate != 0 {
		t.Errorf("%+v", quiet)
	}
	contains(t, "kills where it stalls", loud.FalseKillsPerPodYear, 24*365.25*0.0774072)
	contains(t, "their share", loud.KillShare, 1)
	if loud.KillShare.Low < .9 {
		t.Errorf("share of the kills from %g on", loud.KillShare.Low)
	}
	if !hasNote(v, "pods on the nodes of overcommitted, 20 % of all, have 100 %") {
		t.Errorf("notes %q", v.Notes)
	}

	// One replication lands on one class; nothing is said of the other.
	e, err := Run(context.Background(), []Named{{"base", w}}, Options{Seed: 1, Horizon: day, Replications: 1})
	if err != nil {
		t.Fatal(err)
	}
	missing := 0
	for _, c := range e.Variants[0].NodeClasses {
		if c.FalseKillsPerPodYear == nil {
			missing++
			if c.KillShare != nil {
				t.Errorf("%+v", c)
			}
		} else if c.KillShare != nil && !(c.KillShare.Low == 0 || math.IsNaN(c.KillShare.Low)) {
			t.Errorf("the share is known from below: %+v", c.KillShare)
		}
	}
	if missing != 1 {
		t.Errorf("%d classes without a pod, want 1", missing)
	}
}
