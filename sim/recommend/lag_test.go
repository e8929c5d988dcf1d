package recommend

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
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
