package plots

import (
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

func TestDrawSimulated(t *testing.T) {
	for name, chart := range simulatedFigures(t) {
		from, to := chart.Lives[0].window()
		t.Logf("%s: %s..%s %s", name, from, to, chart.Sentence())
		if *chartsDir != "" {
			if err := WriteFile(*chartsDir+"/"+name+".png", chart); err != nil {
				t.Fatal(err)
			}
		}
	}
}
