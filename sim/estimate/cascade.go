package estimate

import (
	"context"
	"errors"
	"fmt"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

// Cascades is how probable it is that all replicas of a workload are out of the
// endpoints at one instant, against the load of the service: for probes that
// the workers of the traffic answer and for probes with a thread of their own,
// and for a readiness probe that checks the dependencies and one that does not.
type Cascades struct {
	Replicas       int            `json:"replicas"`
	Replications   int64          `json:"replications"`   // lives of all replicas, of each point
	HorizonSeconds float64        `json:"horizonSeconds"` // of each life, after all replicas have started
	Curves         []CascadeCurve `json:"curves"`
}

// CascadeCurve is one of the designs, over all loads.
type CascadeCurve struct {
	SharedWorkers      bool           `json:"sharedWorkers"`      // false: a thread of the probes' own
	ChecksDependencies bool           `json:"checksDependencies"` // by the readiness probe
	AsItIs             bool           `json:"asItIs"`             // the design of the world that was given
	Points             []CascadePoint `json:"points"`             // by load
}

// CascadePoint is one load of one design.
type CascadePoint struct {
	Load        float64        `json:"load"`      // multiple of the load as it is
	PerSecond   float64        `json:"perSecond"` // requests to the service, bursts apart
	Probability stats.Estimate `json:"probability"`
}

// fewestCascades and mostCascades bound the lives of each point where no number
// of them is given.
const (
	fewestCascades = 8
	mostCascades   = 64
)

// SimulateCascades simulates lives of all replicas of a world in lockstep, at so
// many times its load, as SimulateTogether does at that load; all points have
// the same random numbers. Traffic that is stated of each pod becomes that of
// the service: what a pod that is out leaves goes to the others. It looks at 8,
// 16, 32 and 64 lives until the budget ends. The error is that of a world without
// traffic or replicas, one that cannot be simulated, or an end before the first
// life is over.
func SimulateCascades(ctx context.Context, w *model.World, loads []float64, o Options) (*Cascades, error) {
	o = o.withDefaults()
	switch {
	case w.Application.Traffic == nil:
		return nil, errors.New("there is no traffic whose load could grow")
	case w.Replicas < 2:
		return nil, fmt.Errorf("replicas: %d: must be at least 2 for one to leave its load to another", w.Replicas)
	case w.Container().Probes[model.Readiness] == nil && w.Container().Probes[model.Liveness] == nil:
		return nil, errors.New("the container has neither a readiness nor a liveness probe that could take it out of the endpoints")
	}
	result := &Cascades{Replicas: w.Replicas, Curves: cascadeCurves(w)}
	warmUp := togetherWarmUp(w)
	o.Horizon = max(o.Horizon, warmUp) + warmUp // extendTogether counts nothing in the warm-up, or in half of a shorter life
	result.HorizonSeconds = (o.Horizon - warmUp).Seconds()
	cases := result.cases(w, loads)
	if o.Budget > 0 {
		budgeted, cancel := context.WithTimeout(ctx, o.Budget)
		defer cancel()
		ctx = budgeted
	}
	tallies := make([]togetherTally, len(cases))
	wanted, most := int64(fewestCascades), int64(mostCascades)
	if o.Replications > 0 {
		wanted, most = o.Replications, o.Replications
	}
	for ; wanted <= most; wanted *= 2 {
		reached, err := extendTogether(ctx, cases, o, result.Replications, wanted, func(c int, outcome *sim.ReplicasOutcome) { tallies[c].add(outcome) })
		if err != nil {
			return nil, err
		}
		result.Replications = reached
		if o.Progress != nil {
			o.Progress(reached, most)
		}
		if reached < wanted {
			break
		}
	}
	if result.Replications == 0 {
		return nil, fmt.Errorf("the budget ended within the first life of %d replicas at %d points; a shorter --horizon or a larger --budget is needed", w.Replicas, len(cases))
	}
	at := 0
	for i := range result.Curves {
		for j := range result.Curves[i].Points {
			result.Curves[i].Points[j].Probability = tallies[at].allOut.Estimate(o.Confidence)
			at++
		}
	}
	return result, nil
}

// cascadeCurves returns the designs that differ for a world.
func cascadeCurves(w *model.World) []CascadeCurve {
	readiness := &w.Application.Probes[model.Readiness]
	checks := []bool{false}
	if w.Container().Probes[model.Readiness] != nil && len(w.Dependencies) > 0 {
		checks = []bool{true, false}
	}
	asked := readiness
	if w.Container().Probes[model.Readiness] == nil {
		asked = &w.Application.Probes[model.Liveness]
	}
	var curves []CascadeCurve
	for _, shared := range []bool{true, false} {
		for _, checked := range checks {
			curves = append(curves, CascadeCurve{
				SharedWorkers: shared, ChecksDependencies: checked,
				AsItIs: shared == (asked.RunsOn == model.Workers) && checked == (len(readiness.DependsOn) > 0),
			})
		}
	}
	return curves
}

// cases lays the points out, and returns their worlds in the same order.
func (c *Cascades) cases(w *model.World, loads []float64) []togetherCase {
	var cases []togetherCase
	for i := range c.Curves {
		curve := &c.Curves[i]
		for _, load := range loads {
			world := curve.world(w, load)
			curve.Points = append(curve.Points, CascadePoint{Load: load, PerSecond: world.Application.Traffic.PerSecond})
			cases = append(cases, togetherCase{world: world})
		}
	}
	return cases
}

// world returns the world in the design of the curve, under a multiple of its
// load.
func (c *CascadeCurve) world(w *model.World, load float64) *model.World {
	world := *w
	for kind := range world.Application.Probes {
		world.Application.Probes[kind].RunsOn = model.Dedicated
		if c.SharedWorkers {
			world.Application.Probes[kind].RunsOn = model.Workers
		}
	}
	world.Application.Probes[model.Readiness].DependsOn = nil
	if c.ChecksDependencies {
		for i := range w.Dependencies {
			world.Application.Probes[model.Readiness].DependsOn = append(world.Application.Probes[model.Readiness].DependsOn, i)
		}
	}
	return Sharing(&world, load)
}
