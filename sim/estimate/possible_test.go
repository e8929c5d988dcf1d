package estimate

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// TestKillsBeforeStartup: after a kill for a hang, a process that takes 28 s to start
// is taken for started until the startup probe's next look, at a random instant of its
// 30 s (K11), and a liveness probe with less patience kills it. The bound on how many
// is that of a first attempt at once, n·(F−1)·P: it holds, and is of that size. Before
// 1.35, and with a startup probe that looks sooner, there are none.
func TestKillsBeforeStartup(t *testing.T) {
	w := world(nil, probe(5, 1, 3))
	w.Pod.Containers[0].Probes[model.Startup] = probe(30, 1, 3)
	w.Application.Startup = []model.Stage{{Wait: dist.Constantly(28 * time.Second), Answers: model.AnswersRefused}}
	w.Application.Probes[model.Liveness].HangCoverage = 1
	w.Faults = []model.Fault{{Name: "deadlock", Every: exponential(day), Lasts: dist.Duration{}, Forever: true, Hangs: true, Answers: model.FaultTimeout}}
	w.Cluster.KubernetesVersion = model.Version{Minor: 35}
	kills := func() (perDay, bound float64) {
		v := run(t, w, Options{Seed: 1, Horizon: 30 * day, Replications: 16, Plain: true})
		if hasNote(v, "THE BOUND IS EXCEEDED") {
			t.Errorf("notes %q", v.Notes)
		}
		return v.Measures.FalseKillsPerPodDay.Estimate, killsBeforeStartup(w)
	}
	// 1 − 10/30 + 1 − 20/30, and a first attempt a quarter of the way to the second on
	// average takes some of them away.
	if got, bound := kills(); bound < .999 || bound > 1.001 || got > bound || got < bound/3 {
		t.Errorf("%v false kills for each hang, and at most %v", got, bound)
	}
	w.Cluster.KubernetesVersion.Minor = 34
	if got, bound := kills(); got != 0 || bound != 0 {
		t.Errorf("1.34: %v false kills for each hang, and at most %v", got, bound)
	}
	w.Cluster.KubernetesVersion.Minor = 35
	w.Pod.Containers[0].Probes[model.Startup] = probe(10, 1, 9)
	if got, bound := kills(); got != 0 || bound != 0 {
		t.Errorf("startup probe every 10 s: %v false kills for each hang, and at most %v", got, bound)
	}
}
