package recommend

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// TestDeciding holds the pod time of simulations that decide against Garwood's interval
// (S9): all of it excludes more kills than are allowed where one was seen, and two
// thirds of it where none was.
func TestDeciding(t *testing.T) {
	const perYear = 3
	needed := deciding([]model.Objective{{Measure: "falseKillsPerPodYear", Bound: perYear}})
	for seen, share := range []float64{2. / 3, 1} {
		_, high := stats.Garwood(float64(seen), .95)
		if rate := high / (share * float64(needed) / float64(year)); rate > perYear || rate < .95*perYear {
			t.Errorf("%d seen: at most %g a year, want at most %d", seen, rate, perYear)
		}
	}
}

// TestKillsOfStartsAsRunHasThem holds the false kills of a trial, and of the simulation
// that decides, against those of lives of a month, as run has them, where starts are lost:
// both are of pods that live a month, however short the lives are.
func TestKillsOfStartsAsRunHasThem(t *testing.T) {
	lognormal := func(median time.Duration, sigma float64) dist.Duration {
		return dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(float64(median)), Sigma: sigma}}
	}
	starting := func(startup, liveness *model.Probe, stage model.Stage, limit int64) *model.World {
		w := world(startup, probe(model.HTTPGet, 10, 1, 3), liveness)
		w.Application.Startup = []model.Stage{stage}
		w.Container().CPULimitMilli = limit
		return w
	}
	for name, w := range map[string]*model.World{
		"a startup probe": starting(probe(model.HTTPGet, 5, 1, 12), probe(model.HTTPGet, 10, 1, 3), model.Stage{Wait: lognormal(30*time.Second, .7)}, 0),
		"liveness alone":  starting(nil, probe(model.HTTPGet, 5, 1, 3), model.Stage{Wait: lognormal(8*time.Second, .4)}, 0),
		"CPU under a limit, restarted by faults": func() *model.World {
			w := starting(nil, probe(model.HTTPGet, 10, 1, 3), model.Stage{CPU: lognormal(2*time.Second, .3), Wait: lognormal(time.Second, .5)}, 150)
			w.Faults = []model.Fault{{Name: "exit", Every: exponential(2 * 24 * time.Hour), Exits: true}}
			return w
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			all, err := estimate.Run(t.Context(), []estimate.Named{{Name: "base", World: w}}, estimate.Options{Seed: 2, Replications: 64, Starts: 64, Faults: 1, Plain: true})
			if err != nil {
				t.Fatal(err)
			}
			run := all.Variants[0].Measures.FalseKillsPerPodYear
			o := Options{Options: estimate.Options{Seed: 1, Horizon: defaultHorizon, Objectives: DefaultObjectives()}}
			for effort, simulation := range map[string]estimate.Options{"trial": o.forTrial(w), "simulation": o.forSimulation(w)} {
				v, err := new(search).alone(t.Context(), simulation, estimate.Named{Name: "current", World: w}, 1)
				if err != nil {
					t.Fatal(err)
				}
				e := v.Measures.FalseKillsPerPodYear
				t.Logf("%s, lives of %v: %.3g (%.3g to %.3g), run %.3g (%.3g to %.3g)", effort, simulation.Horizon, e.Estimate, e.Low, e.High, run.Estimate, run.Low, run.High)
				factor := 2.0
				if len(w.Faults) > 0 { // whose restarts are as few as the short lives have
					factor = math.Inf(1)
				}
				if e.Low > run.High || e.High < run.Low || e.Estimate > factor*run.Estimate || e.Estimate < run.Estimate/factor {
					t.Errorf("%s: %.3g (%.3g to %.3g) false kills per pod-year, run has %.3g (%.3g to %.3g)", effort, e.Estimate, e.Low, e.High, run.Estimate, run.Low, run.High)
				}
			}
		})
	}
}
