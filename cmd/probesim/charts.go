package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

const (
	// startups is the number of starts drawn for the chart of startups.
	startups = 2000
	// longestStart bounds how long each of them is followed.
	longestStart = 3 * time.Hour
)

// startup sets how long first starts of the pod take against what its probes
// allow. The durations are those of starts that nothing cuts short, so that
// the slow ones are among them; how many are killed is counted on the same
// starts with the probes in place.
func (f *plotFlags) startup(cmd *cobra.Command, w *scenarios.Workload, world *model.World) (plots.Chart, error) {
	o := f.options(cmd, w)
	n := int64(startups)
	if o.Replications > 0 {
		n = o.Replications
	}
	spared := world.Container().WithProbe(model.Startup, nil).WithProbe(model.Liveness, nil)
	free, err := sim.New(world.WithContainer(spared))
	if err != nil {
		return nil, err
	}
	probed, err := sim.New(world)
	if err != nil {
		return nil, err
	}
	p := newProgress(cmd.ErrOrStderr(), "starting "+world.Name, 0)
	defer p.end()
	var completed []time.Duration
	var killed stats.Proportion
	for i := range n {
		if cmd.Context().Err() != nil {
			return nil, cmd.Context().Err()
		}
		p.update(i, n)
		took, done := firstStart(free, o.Seed, uint64(i))
		if !done {
			continue
		}
		completed = append(completed, took)
		if _, done := firstStart(probed, o.Seed, uint64(i)); done {
			killed.Add(0, 1)
		} else {
			killed.Add(1, 1)
		}
	}
	kills := killed.Estimate(o.Confidence)
	return plots.NewStartup(world, o.Seed, completed, &kills), nil
}

// firstStart returns how long the first start of a life took, or that it was
// killed or did not end.
func firstStart(simulator *sim.Simulator, seed, replication uint64) (took time.Duration, done bool) {
	for horizon := 2 * time.Minute; horizon <= longestStart; horizon *= 4 {
		o := simulator.Run(sim.Life{Seed: seed, Replication: replication, Horizon: horizon, FirstStart: true})
		switch {
		case len(o.StartupTimes) > 0:
			return o.StartupTimes[0], true
		case o.KillsWhileStarting > 0:
			return 0, false
		}
	}
	return 0, false
}

const (
	// observed is how long the answers of one life are observed for the chart of
	// answers, and observers the number of such lives.
	observed  = 6 * time.Hour
	observers = 24
)

// answers observes what a probe would be answered at the instants of its grid:
// the liveness probe, or the one there is.
func (f *plotFlags) answers(cmd *cobra.Command, w *scenarios.Workload, world *model.World) (plots.Chart, error) {
	kind, err := askedProbe(world)
	if err != nil {
		return nil, fmt.Errorf("--chart answers: %w", err)
	}
	probe := world.Container().Probes[kind]
	o := f.options(cmd, w)
	simulator, err := sim.New(world)
	if err != nil {
		return nil, err
	}
	n := int64(observers)
	if o.Replications > 0 {
		n = o.Replications
	}
	p := newProgress(cmd.ErrOrStderr(), "observing "+world.Name, 0)
	defer p.end()
	var all []sim.Observation
	for i := range n {
		if cmd.Context().Err() != nil {
			return nil, cmd.Context().Err()
		}
		p.update(i, n)
		life := sim.Life{Seed: o.Seed, Replication: uint64(i), Horizon: min(observed, o.Horizon)}
		all = append(all, simulator.Observe(life, kind, probe.Period())...)
	}
	return plots.NewAnswers(world, o.Seed, kind, all), nil
}

const (
	// hangs is the number of test hangs for the chart of delays.
	hangs = 400
	// hangPeriods is the span in which they fall, in the longest of the periods.
	hangPeriods = 60
	// longestDelay bounds how long each of them is followed.
	longestDelay = 6 * time.Hour
)

// delays lets the process hang on lives of their own, each at a uniformly
// random instant, and collects what followed.
func (f *plotFlags) delays(cmd *cobra.Command, w *scenarios.Workload, world *model.World) (plots.Chart, error) {
	o := f.options(cmd, w)
	simulator, err := sim.New(world)
	if err != nil {
		return nil, err
	}
	n := int64(hangs)
	if o.Replications > 0 {
		n = o.Replications
	}
	p := newProgress(cmd.ErrOrStderr(), "hanging "+world.Name, 0)
	defer p.end()
	instants := rand.New(rand.NewPCG(o.Seed, hangs))
	span := time.Minute
	for _, probe := range world.Container().Probes {
		if probe != nil {
			span = min(max(span, hangPeriods*min(probe.Period(), longestDelay)), longestDelay)
		}
	}
	warmUp := time.Minute + 2*estimate.StartSpan(world)
	var outcomes []*sim.Outcome
	for i := range n {
		if cmd.Context().Err() != nil {
			return nil, cmd.Context().Err()
		}
		p.update(i, n)
		at := warmUp + time.Duration(instants.Int64N(int64(span)))
		out := simulator.Run(sim.Life{Seed: o.Seed, Replication: uint64(i), Hang: at, Horizon: at + longestDelay})
		// The samples are the simulator's own memory, and the next life's.
		outcomes = append(outcomes, &sim.Outcome{
			Detections: append([]time.Duration(nil), out.Detections...),
			Removals:   append([]time.Duration(nil), out.Removals...),
			Recoveries: append([]time.Duration(nil), out.Recoveries...),
		})
	}
	return plots.NewDelays(world.Name, o.Seed, outcomes, w.Objectives), nil
}
