package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

// charts are the kinds of chart, in the order of the help.
var charts = []string{"timeline", "front", "startup"}

type plotFlags struct {
	lifeFlags
	effort
	chart   string
	file    string
	variant string
	set     *[]string
}

func plotCommand() *cobra.Command {
	var f plotFlags
	cmd := &cobra.Command{
		Use:   "plot SCENARIO -o FILE",
		Short: "Draw a chart as SVG, PNG or PDF, with its data as CSV beside it",
		Long: `Draws one chart into FILE (.svg, .png or .pdf) and writes its data beside it with
the extension .csv; a FILE that ends in .csv gets the data alone. The sentence that
reads the chart goes to standard output.

  timeline   the life of one pod: attempts, failures in a row, Ready, endpoints, kills
  front      detection time against false kills: the settings worth choosing from
  startup    how long startups take, against the time the probes give them`,
		Example: `  probesim plot gallery:ingress-controller -o life.svg
  probesim plot gallery:ingress-controller --chart front -o front.pdf
  probesim plot deployment.yaml --hang 5m -o hang.png`,
		Args:              oneArgument,
		ValidArgsFunction: completeScenarios,
		RunE:              func(cmd *cobra.Command, args []string) error { return plotScenario(cmd, args[0], &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.file, "output", "o", "", "file to write: .svg, .png, .pdf or .csv (required)")
	flags.StringVar(&f.chart, "chart", charts[0], "kind of chart: "+strings.Join(charts, ", "))
	complete(cmd, "chart", charts...)
	flags.StringVar(&f.variant, "variant", "", "for timeline and startup: a whatIf of the scenario, instead of the settings as they are")
	f.effort.add(cmd)
	flags.Uint64Var(&f.replication, "replication", 0, "for timeline: which life, counted from 0")
	flags.Var((*durationFlag)(&f.hang), "hang", "for timeline: let the process hang that long after the pod's creation")
	flags.Var((*durationFlag)(&f.from), "from", "for timeline: first instant shown")
	flags.Var((*durationFlag)(&f.to), "to", "for timeline: last instant shown")
	f.set = addSet(cmd)
	return cmd
}

func plotScenario(cmd *cobra.Command, arg string, f *plotFlags) error {
	f.lifeFlags.seed, f.lifeFlags.horizon = f.effort.seed, f.effort.horizon
	switch extension := strings.ToLower(filepath.Ext(f.file)); {
	case f.file == "":
		return errors.New("plot: -o FILE is missing: name the file to write, .svg, .png, .pdf or .csv")
	case !slices.Contains([]string{".svg", ".png", ".pdf", ".csv"}, extension):
		return fmt.Errorf("--output: %s: must end in .svg, .png, .pdf or .csv", f.file)
	case !slices.Contains(charts, f.chart):
		return fmt.Errorf("--chart: %s: must be one of %s", f.chart, strings.Join(charts, ", "))
	}
	if err := errors.Join(f.effort.check(cmd), f.lifeFlags.check(cmd)); err != nil {
		return err
	}
	w, err := loadOne(cmd, arg, *f.set)
	if err != nil {
		return err
	}
	chart, err := f.draw(cmd, w)
	if err != nil {
		return err
	}
	data := strings.TrimSuffix(f.file, filepath.Ext(f.file)) + ".csv"
	written := []string{f.file}
	if data != f.file {
		written = append(written, data)
	}
	for _, file := range written {
		if err := plots.WriteFile(file, chart); err != nil {
			return plain(err)
		}
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\nwrote %s\n", chart.Sentence(), enumerate(written))
	return err
}

// draw makes the chart asked for.
func (f *plotFlags) draw(cmd *cobra.Command, w *scenarios.Workload) (plots.Chart, error) {
	world, err := chosen(w, f.variant)
	if err != nil {
		return nil, err
	}
	switch f.chart {
	case "front":
		o := recommend.Options{Options: f.options(cmd, w), Margin: 1}
		o.Objectives = w.Objectives
		r, err := recommendWorkload(cmd, w, o)
		if err != nil {
			return nil, err
		}
		front := plots.NewFront(r, w.Objectives)
		if front.Recommended != nil {
			front.Recommended.FalseKillsPerPodYear = *rate((&recommended{w, r}).world(), &front.Recommended.FalseKillsPerPodYear)
		}
		return front, nil
	case "startup":
		return f.startup(cmd, w, world)
	}
	trace, from, to, err := f.life(cmd, w, world)
	if err != nil {
		return nil, err
	}
	return &plots.Timeline{Scenario: world.Name, Seed: trace.Seed, Lives: []plots.Life{{Name: f.variant, Trace: trace, From: from, To: to}}}, nil
}

// chosen returns the world of a variant, or the base's for an empty name.
func chosen(w *scenarios.Workload, variant string) (*model.World, error) {
	if variant == "" {
		return w.World, nil
	}
	var names []string
	for _, v := range w.Variants {
		if v.Name == variant {
			return v.World, nil
		}
		names = append(names, fmt.Sprintf("%q", v.Name))
	}
	if names == nil {
		return nil, fmt.Errorf("--variant: %q: the scenario has no whatIf", variant)
	}
	return nil, fmt.Errorf("--variant: %q: must be one of %s", variant, strings.Join(names, ", "))
}

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
		trace := traced(simulator, sim.Life{Seed: seed, Replication: replication}, horizon)
		var began time.Duration
		for i := range trace.Events {
			e := &trace.Events[i]
			if e.Container != trace.World.Studied {
				continue
			}
			switch {
			case e.Kind == sim.EventStart:
				began = e.At
			case e.Kind == sim.EventState && e.State == sim.Serving:
				return e.At - began, true
			case e.Kind == sim.EventKill:
				return 0, false
			}
		}
	}
	return 0, false
}
