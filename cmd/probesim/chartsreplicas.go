package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/recommend"
)

// rollout simulates rollouts of the workload.
func (f *plotFlags) rollout(cmd *cobra.Command, w *scenarios.Workload, world *model.World) (plots.Chart, error) {
	if world.Pod.RestartPolicy != model.RestartAlways {
		return nil, errors.New("--chart rollout: the pod runs to completion: nobody rolls it out")
	}
	chart := &plots.Rollout{Scenario: world.Name, Seed: f.options(cmd, w).Seed, Replicas: max(1, world.Replicas), Confidence: f.confidence}
	return chart, f.addRollout(cmd, w, world, f.variant, chart)
}

// addRollout adds the rollouts with the settings of a world to a chart.
func (f *plotFlags) addRollout(cmd *cobra.Command, w *scenarios.Workload, world *model.World, name string, chart *plots.Rollout) error {
	p := newProgress(cmd.ErrOrStderr(), "rolling out "+world.Name, 0)
	defer p.end()
	paths, strategy, err := recommend.Rollouts(cmd.Context(), world, recommend.Options{Options: f.options(cmd, w), Strategy: w.Strategy})
	if err != nil {
		return err
	}
	chart.Strategy = strategy
	chart.Cases = append(chart.Cases, plots.RolloutCase{Name: name, Paths: paths})
	return nil
}

// cascadeLoads are the loads of the chart of cascades, as multiples of the
// scenario's.
var cascadeLoads = []float64{0.5, 0.75, 1, 1.25, 1.5, 2}

// cascadeSpan is how long each life of all replicas lasts in it, where no other
// horizon is asked for.
const cascadeSpan = 6 * time.Hour

// cascade simulates all replicas of the workload at several loads.
func (f *plotFlags) cascade(cmd *cobra.Command, w *scenarios.Workload, world *model.World) (plots.Chart, error) {
	o := f.options(cmd, w)
	if !cmd.Flags().Changed("horizon") {
		o.Horizon = min(o.Horizon, cascadeSpan)
	}
	chart, err := cascadeOf(cmd, world, cascadeLoads, o)
	if err != nil && cmd.Context().Err() == nil {
		return nil, fmt.Errorf("--chart cascade: %w", err)
	}
	return chart, err
}

func cascadeOf(cmd *cobra.Command, world *model.World, loads []float64, o estimate.Options) (plots.Chart, error) {
	p := newProgress(cmd.ErrOrStderr(), "simulating all replicas of "+world.Name, o.Budget)
	defer p.end()
	o.Progress = p.update
	c, err := estimate.SimulateCascades(cmd.Context(), world, loads, o)
	switch {
	case cmd.Context().Err() != nil:
		return nil, cmd.Context().Err()
	case err != nil:
		return nil, err
	}
	return &plots.Cascade{Scenario: world.Name, Seed: o.Seed, Cascades: c}, nil
}

// What the report's chart of cascades costs at the most: so many lives of each
// point, so long, and no chart at all where they would hold too many requests.
const (
	reportCascadeLives = 8
	reportCascadeSpan  = 2 * time.Hour
	mostRequests       = 3e7
)

// reportCascade simulates all replicas at three loads for the report: of a
// service whose load moves from one replica to the others. Nil: it is none, or
// has too much traffic to be simulated in passing.
func (f *plotFlags) reportCascade(cmd *cobra.Command, w *scenarios.Workload, world *model.World) (plots.Chart, error) {
	traffic, c := world.Application.Traffic, world.Container()
	if traffic == nil || !traffic.OfService || world.Replicas < 2 || c.Probes[model.Readiness] == nil && c.Probes[model.Liveness] == nil {
		return nil, nil
	}
	loads := []float64{1, 1.5, 2}
	requests := 0.0
	for _, load := range loads {
		requests += 4 * load * traffic.PerSecond * reportCascadeSpan.Seconds() * reportCascadeLives
	}
	if requests > mostRequests {
		return nil, nil
	}
	o := f.options(cmd, w)
	o.Horizon, o.Replications, o.Budget = reportCascadeSpan, reportCascadeLives, 0
	return cascadeOf(cmd, world, loads, o)
}
