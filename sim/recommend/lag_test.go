package recommend

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// TestLagAgrees holds the ready lag that the search predicts against the full
// simulation of the same settings: without a startup probe one trigger in ten is
// wasted (K14, K74) and a pod that is up at once waits for the proxies that have just
// listed it (K72, K75); behind one none is wasted, since its success is published
// before its sync (K30), and the wait is that for its grid.
func TestLagAgrees(t *testing.T) {
	boot := []model.Stage{{Name: "boot", Wait: exponential(20 * time.Second)}}
	for name, of := range map[string]struct {
		startup *model.Probe
		stages  []model.Stage
		p       float64
	}{
		"up at once": {nil, nil, .5}, "wasted triggers": {nil, nil, .95}, "a boot": {nil, boot, .5},
		"a boot behind a startup probe": {probe(model.HTTPGet, 5, 1, 60), boot, .5}, "its slowest": {probe(model.HTTPGet, 5, 1, 60), boot, .99},
	} {
		w := world(of.startup, probe(model.HTTPGet, 20, 1, 3), probe(model.HTTPGet, 20, 1, 3))
		w.Container().Probes[model.Liveness].FailureThreshold = 30
		w.Cluster.Propagation, w.Application.Startup = nil, of.stages
		o := estimate.Options{Seed: 3, Horizon: time.Hour, Replications: 16, Plain: true}
		s, err := newSearch(t.Context(), w, Options{Options: o}, glance, nil)
		if err != nil {
			t.Fatal(err)
		}
		estimates, err := estimate.Run(t.Context(), []estimate.Named{{Name: "base", World: w}}, o)
		if err != nil {
			t.Fatal(err)
		}
		d := estimates.Variants[0].Measures.ReadyLagSeconds
		want := map[float64]float64{.5: d.P50.Estimate, .95: d.P99.Estimate, .99: d.P99.Estimate}[of.p]
		if got := s.lag(of.startup, w.Container().Probes[model.Readiness], of.p); math.Abs(got-want) > .2+want*.06 {
			t.Errorf("%s: quantile %v predicted as %.3g s, simulated %.3g s (%+v)", name, of.p, got, want, *d)
		}
	}
}

// TestStartupPeriodServesSlowerStarts: starts of 14.5 s end just before a look of a
// startup probe of every 15 s (the first comes 14.78 s after the start, K67), so that it
// serves by luck. The lag that is predicted of it is that of starts which end anywhere
// near: of the share x of them that takes longer than 14.78 s, evenly on the scale of
// ratios, the wait is up to a period. Proposed is a period that serves starts which take
// a few percent longer or shorter, too, by the full simulation of those.
func TestStartupPeriodServesSlowerStarts(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	lasting := func(d time.Duration) *model.World {
		with := *w
		with.Application.Startup = []model.Stage{{Name: "boot", Wait: dist.Constantly(d)}}
		return &with
	}
	const boot = 14500 * time.Millisecond
	s, err := newSearch(t.Context(), lasting(boot), Options{Options: estimate.Options{Seed: 3}}, glance, nil)
	if err != nil {
		t.Fatal(err)
	}
	readiness := w.Container().Probes[model.Readiness]
	// After 14.78 s the next look is at 29.78, and the hundredth of lives that waits
	// longest is that of the shortest of those starts: all but the first hundredth.
	first := math.Log(14.78/14.5) / math.Log(1.25) // of −1 to 1
	from := 14.5 * math.Pow(1.25, first+.02)
	want := 29.78 - from + 1 // the propagation
	if got := s.lag(probe(model.HTTPGet, 15, 1, 3), readiness, .99); math.Abs(got-want) > .1 {
		t.Errorf("a lag of %v s every 15 s, want %v", got, want)
	}
	r := run(t, lasting(boot), atMost("readyLagSeconds", "p99", 6), atMost("startupKillProbability", "", 1e-4))
	if r.Recommended == nil || r.Recommended.Settings.StartupProbe == nil {
		t.Fatal("no startup probe is proposed")
	}
	container, its := *w.Container(), &r.Recommended.Settings
	container.Probes = [model.ProbeKinds]*model.Probe{model.Startup: its.StartupProbe, model.Readiness: its.ReadinessProbe, model.Liveness: its.LivenessProbe}
	for _, longer := range []float64{.9, .97, 1, 1.03, 1.1, 1.2} {
		world := lasting(time.Duration(longer * float64(boot))).WithContainer(container)
		estimates, err := estimate.Run(t.Context(), []estimate.Named{{Name: "base", World: world}}, estimate.Options{Seed: 5, Horizon: time.Hour, Replications: 16, Plain: true})
		if err != nil {
			t.Fatal(err)
		}
		if lag := estimates.Variants[0].Measures.ReadyLagSeconds.P99.Estimate; lag > 6 {
			t.Errorf("starts %g times as long are Ready %v s later (startup probe every %d s)", longer, lag, container.Probes[model.Startup].PeriodSeconds)
		}
	}
}
