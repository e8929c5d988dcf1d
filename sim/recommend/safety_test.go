package recommend

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// TestSafety has the closed form of S3 as its truth: stalls of constant length L
// begin at a uniform phase and kill with the probability clamp((L − c)/P, 0, 1),
// c = 25 s with P 10, T 5, F 3. Of 20 s they never do, and from 25 s on they do.
func TestSafety(t *testing.T) {
	s := searched(t, atMost("falseKillsPerPodYear", "", 10), atMost("detectionSeconds", "p99", 60))
	s.w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(24 * time.Hour), Lasts: dist.Constantly(20 * time.Second)}}
	o := s.worsened(worsening{1, 1, 1}).option(model.Liveness, setting{10, 5, 3})
	c := &combination{start: start{kills: 0}, liveness: &o}
	s.closed = s.worsened(worsening{1, 1, 1}).closed
	all, err := s.safety(c, &Proposal{}, new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	kills, detection := all[0], all[1]
	if f := kills.All; f == nil || f.Below == nil || f.AtLeast > 25.0/20 || *f.Below < 25.0/20 || *f.Below > safetyRatioSimulated*f.AtLeast+.02 {
		t.Errorf("false kills: %+v, want the factor 1.25", text(kills.All))
	}
	if kills.Stalls == nil || kills.Stalls.AtLeast != kills.All.AtLeast || kills.CPUDemand != nil || kills.Startup != nil {
		t.Errorf("by kind: %+v, want the stalls alone", text(kills))
	}
	if detection.All != nil {
		t.Errorf("detection breaks at %v, and does not depend on any of it", text(detection.All))
	}
}

// TestSafetyNow holds that an objective stands as the full simulation says, whatever
// is predicted.
func TestSafetyNow(t *testing.T) {
	s := searched(t, atMost("detectionSeconds", "p99", 60), atMost("detectionSeconds", "p99", 61), atMost("detectionSeconds", "p99", 62))
	yes, no := true, false
	v := &Proposal{Objectives: []estimate.Verdict{{Met: &no}, {Met: nil}, {Met: &yes}}}
	all, err := s.safety(s.current(), v, new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"missed", "undecided", "met"} {
		if all[i].Now != want || (want == "met") != (all[i].All == nil) || want == "missed" && *all[i].All.Below != 1 {
			t.Errorf("%s: %s, want %s", all[i].Objective, text(all[i]), want)
		}
	}
}

// TestSafetyObserved holds that a world whose paths are observed has safety
// multipliers too, and that one whose CPU is used up holds nothing.
func TestSafetyObserved(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 3, 6))
	w.Pod.Containers[0].CPULimitMilli = 100
	for k := range w.Application.Probes {
		w.Application.Probes[k].CPU = dist.Constantly(2 * time.Millisecond)
	}
	w.Application.Background = []model.Background{{Every: exponential(10 * time.Second), CPU: exponential(100 * time.Millisecond), Workers: 1}}
	o := Options{Options: estimate.Options{Seed: 1, Horizon: 24 * time.Hour, Objectives: []model.Objective{atMost("falseKillsPerPodYear", "", 2000)}}}
	effort := observed{attempts: 20_000, fewest: fewestObserved, events: eventsObserved, periods: []int32{10}}
	s, err := newSearch(context.Background(), w, o, effort, nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.safety(s.current(), &Proposal{}, new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	// 10 ms a second of background: ten times as much is the whole limit.
	if f := all[0].All; f == nil || f.AtLeast < 1 || f.Below == nil || *f.Below > 12 {
		t.Errorf("false kills hold until everything is %v times as long, want 1 to 10", text(f))
	}
}

// TestMargin holds that settings for a margin meet the objectives in a world that
// is twice as bad, on streams of their own.
func TestMargin(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(30 * time.Minute), Lasts: exponential(3 * time.Second)}}
	objectives := []model.Objective{atMost("falseKillsPerPodYear", "", 12), atMost("detectionSeconds", "p99", 200)}
	o := Options{Margin: 2, Options: estimate.Options{Seed: 1, Horizon: 24 * time.Hour, Objectives: objectives}}
	r, err := Run(context.Background(), w, o)
	if err != nil || r.Recommended == nil {
		t.Fatal(err, r)
	}
	if r.Margin != 2 || r.MarginSentence() == "" {
		t.Errorf("the answer does not say of which world it is: margin %v, %q", r.Margin, r.MarginSentence())
	}
	p := r.Recommended.Settings
	double := worsened(w, worsening{2, 2, 2})
	c := *double.Container()
	c.Probes = [model.ProbeKinds]*model.Probe{p.StartupProbe, p.ReadinessProbe, p.LivenessProbe}
	variants := []estimate.Named{{Name: "base", World: double.WithContainer(c)}}
	estimates, err := estimate.Run(context.Background(), variants, estimate.Options{Seed: 1234, Horizon: 20 * 24 * time.Hour, Replications: 16, Objectives: objectives, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	if v := verdict(&estimates.Variants[0]); v != met {
		t.Errorf("in the doubled world: %s, %s", whyNot(&estimates.Variants[0]), text(r))
	}
}
