package plots

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// world returns a container with these probes on a quiet node.
func world(t *testing.T, name string, startup, readiness, liveness *model.Probe) *model.World {
	t.Helper()
	w := &model.World{Name: name, Replicas: 1, Node: model.DefaultNode(), Cluster: model.DefaultCluster(),
		Pod: model.Pod{TerminationGracePeriodSeconds: 10, Containers: []model.Container{{Name: "api",
			Probes: [model.ProbeKinds]*model.Probe{startup, readiness, liveness}}}}}
	for kind := range w.Application.Probes {
		w.Application.Probes[kind] = model.DefaultAnswer(model.HTTPGet)
	}
	return w
}

// simulate returns the trace of one life.
func simulate(t *testing.T, w *model.World, life sim.Life) *sim.Trace {
	t.Helper()
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	life.Trace = &sim.Trace{}
	s.Run(life)
	return life.Trace
}

// simulatedFigures are the three figures of the article from simulated lives.
func simulatedFigures(t *testing.T) map[string]*Timeline {
	t.Helper()
	starts := world(t, "startup-gates", probe(5, 1, 30), probe(5, 1, 3), probe(10, 1, 3))
	starts.Application.Startup = []model.Stage{{Name: "boot", Wait: dist.Constantly(19 * time.Second)}}
	hangs := world(t, "hang", nil, probe(5, 1, 2), probe(10, 1, 3))
	hangs.Application.Startup = []model.Stage{{Name: "boot", Wait: dist.Constantly(6 * time.Second)}}
	starves := world(t, "starved-20m", nil, probe(10, 1, 3), probe(10, 1, 3))
	starves.Pod.Containers[0].CPULimitMilli = 20
	starves.Application.Threads = 2
	for kind := range starves.Application.Probes {
		starves.Application.Probes[kind].CPU = dist.Constantly(18 * time.Millisecond)
	}
	starves.Application.Background = []model.Background{{Every: dist.Constantly(40 * time.Second), CPU: dist.Constantly(900 * time.Millisecond), Workers: 1}}
	return map[string]*Timeline{
		"simulated1": {Title: "The startup probe gates readiness and liveness", Scenario: starts.Name, Seed: 1,
			Lives: []Life{{Trace: simulate(t, starts, sim.Life{Seed: 1, Horizon: 10 * time.Minute})}}},
		"simulated2": {Title: "Liveness should take longer than readiness", Scenario: hangs.Name, Seed: 1,
			Lives: []Life{{Trace: simulate(t, hangs, sim.Life{Seed: 1, Horizon: 10 * time.Minute, Hang: 62 * time.Second})}}},
		"simulated3": {Title: "A starved container is killed although it is healthy", Scenario: starves.Name, Seed: 1,
			Lives: []Life{{Trace: simulate(t, starves, sim.Life{Seed: 1, Horizon: 10 * time.Minute})}}},
	}
}

// TestSimulatedFigures checks that the article's three figures come out of
// simulated lives, not only out of traces written by hand.
func TestSimulatedFigures(t *testing.T) {
	figures := simulatedFigures(t)
	for name, chart := range figures {
		checkText(t, chart)
		if *chartsDir != "" {
			if err := WriteFile(filepath.Join(*chartsDir, name+".png"), chart); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: %s", name, chart.Sentence())
	}

	gate := figures["simulated1"].Lives[0].read()
	if len(gate.probes[model.Startup]) < 2 || len(gate.held[model.Readiness]) != 1 {
		t.Fatalf("figure 1: %d startup attempts, readiness held %d times", len(gate.probes[model.Startup]), len(gate.held[model.Readiness]))
	}
	for _, kind := range []model.ProbeKind{model.Readiness, model.Liveness} {
		if first, passed := gate.probes[kind][0].from, gate.held[kind][0].to; first < passed {
			t.Errorf("figure 1: %s is asked at %v, before the startup probe's success at %v", kind, first, passed)
		}
	}

	hang := figures["simulated2"].Lives[0].read()
	removed, ok := hang.leaves(62 * time.Second)
	kill := firstKill(hang)
	if !ok || kill == nil || kill.isFalse || kill.probe != model.Liveness || removed >= kill.at {
		t.Errorf("figure 2: removed at %v (%v), killed %+v", removed, ok, kill)
	}
	if len(hang.deadly) == 0 || hang.deadly[0] != (band{62 * time.Second, removed, wordDead}) {
		t.Errorf("figure 2: dead traffic %+v, want from the hang to %v", hang.deadly, removed)
	}

	starved := figures["simulated3"].Lives[0].read()
	if kill := firstKill(starved); kill == nil || !kill.isFalse || kill.failures != "3 timeouts in a row" {
		t.Errorf("figure 3: %+v, want a false kill after 3 timeouts in a row", kill)
	}
}

func firstKill(l lanes) *incident {
	for i := range l.incidents {
		if l.incidents[i].kind == killed {
			return &l.incidents[i]
		}
	}
	return nil
}
