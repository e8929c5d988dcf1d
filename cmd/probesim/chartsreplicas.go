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
	p := newProgress(cmd.ErrOrStderr(), "simulating all replicas of "+world.Name, o.Budget)
	defer p.end()
	o.Progress = p.update
	c, err := estimate.SimulateCascades(cmd.Context(), world, cascadeLoads, o)
	switch {
	case cmd.Context().Err() != nil:
		return nil, cmd.Context().Err()
	case err != nil:
		return nil, fmt.Errorf("--chart cascade: %w", err)
	}
	return &plots.Cascade{Scenario: world.Name, Seed: o.Seed, Cascades: c}, nil
}
