package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/scenarios"
)

// charts are the kinds of chart, in the order of the help.
var charts = []string{"timeline", "front", "removal", "risk", "startup", "answers", "limits", "delays", "rollout", "cascade", "tornado", "compare", "convergence"}

type plotFlags struct {
	lifeFlags
	effort
	chart    string
	file     string
	variant  string
	set      *[]string
	measures *[]string
}

func plotCommand() *cobra.Command {
	var f plotFlags
	cmd := &cobra.Command{
		Use:   "plot SCENARIO -o FILE",
		Short: "Draw a chart as SVG, PNG or PDF, with its data as CSV beside it",
		Long: `Draws one chart into FILE (.svg, .png or .pdf) and writes its data beside it with
the extension .csv; a FILE that ends in .csv gets the data alone. The sentence that
reads the chart goes to standard output.

  timeline     the life of one pod: attempts, failures in a row, Ready, endpoints, kills
  front        detection time against false kills: the liveness settings worth choosing from
  removal      removal time against false removals: the readiness settings worth choosing from
  risk         false kills by period and failureThreshold, a map for each timeout
  startup      how long startups take, against the time the probes give them
  answers      how long answers take, against the timeout
  limits       how long answers take under other CPU limits, against the timeout
  delays       what follows a hang and when: no more traffic, the kill, serving again
  rollout      how many new replicas are Ready when, and the progress deadline
  cascade      how probable it is that all replicas are out at once, against the load:
               probes on the workers or on their own thread, with and without dependencies
  tornado      which inputs a measure hangs on, as "sweep --tornado" finds it
  compare      what each whatIf changes, with intervals, as "compare" finds it
  convergence  a measure at doubling numbers of replications, and the closed form`,
		Example: `  probesim plot gallery:ingress-controller -o life.svg
  probesim plot gallery:ingress-controller --chart front -o front.pdf
  probesim plot deployment.yaml --hang 5m -o hang.png
  probesim plot gallery:starved-20m --chart limits -o limits.svg
  probesim plot gallery:rollout-deadline --chart rollout -o rollout.pdf`,
		Args:              oneArgument,
		ValidArgsFunction: completeScenarios,
		RunE:              func(cmd *cobra.Command, args []string) error { return plotScenario(cmd, args[0], &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.file, "output", "o", "", "file to write: .svg, .png, .pdf or .csv (required)")
	flags.StringVar(&f.chart, "chart", charts[0], "kind of chart: "+strings.Join(charts, ", "))
	complete(cmd, "chart", charts...)
	flags.StringVar(&f.variant, "variant", "", "a whatIf of the scenario: for timeline below the settings as they are; for startup, answers, limits, delays, rollout, cascade and convergence instead of them")
	f.effort.add(cmd)
	flags.Uint64Var(&f.replication, "replication", 0, "for timeline: which life, counted from 0")
	flags.Var((*durationFlag)(&f.hang), "hang", "for timeline: let the process hang that long after the pod's creation")
	flags.Var((*durationFlag)(&f.from), "from", "for timeline: first instant shown")
	flags.Var((*durationFlag)(&f.to), "to", "for timeline: last instant shown")
	f.set = addSet(cmd)
	f.measures = addMeasures(cmd)
	flags.Lookup("measure").Usage = "for tornado, compare and convergence: measure asked for, as in removalSeconds.p99; for compare repeatable"
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
		meant := ""
		if near := model.Nearest(f.chart, charts); near != "" {
			meant = fmt.Sprintf(" (did you mean %q?)", near)
		}
		return fmt.Errorf("--chart: %s: must be one of %s%s", f.chart, strings.Join(charts, ", "), meant)
	}
	if err := once([]error{f.effort.check(cmd), f.lifeFlags.check(cmd)}); err != nil {
		return err
	}
	data := strings.TrimSuffix(f.file, filepath.Ext(f.file)) + ".csv"
	written := []string{f.file}
	if data != f.file {
		written = append(written, data)
	}
	for _, file := range written {
		if err := plots.Writable(file); err != nil {
			return fmt.Errorf("--output: %w", err)
		}
	}
	w, err := loadOne(cmd, arg, *f.set)
	if err != nil {
		return err
	}
	chart, err := f.draw(cmd, arg, w)
	if err != nil {
		return err
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
func (f *plotFlags) draw(cmd *cobra.Command, arg string, w *scenarios.Workload) (plots.Chart, error) {
	world, err := chosen(w, f.variant)
	if err != nil {
		return nil, err
	}
	switch f.chart {
	case "front":
		front, _, err := f.front(cmd, w)
		return front, err
	case "removal":
		return f.removal(cmd, w)
	case "risk":
		return f.risk(cmd, w)
	case "tornado":
		return f.tornado(cmd, arg, w)
	case "compare":
		return f.compare(cmd, w)
	case "convergence":
		return f.convergence(cmd, w, world)
	case "limits":
		return f.limits(cmd, w, world)
	case "startup":
		return f.startup(cmd, w, world)
	case "answers":
		return f.answers(cmd, w, world)
	case "delays":
		return f.delays(cmd, w, world)
	case "rollout":
		return f.rollout(cmd, w, world)
	case "cascade":
		return f.cascade(cmd, w, world)
	}
	return f.timeline(cmd, w, world)
}

// timeline draws a life, and below it the same one under a variant: the time
// around the first kill of the one or, if it has none, of the other.
func (f *plotFlags) timeline(cmd *cobra.Command, w *scenarios.Workload, world *model.World) (plots.Chart, error) {
	trace, from, to, err := f.life(cmd, w, w.World)
	if err != nil {
		return nil, err
	}
	chart := &plots.Timeline{Scenario: w.World.Name, Seed: trace.Seed, Lives: []plots.Life{{Trace: trace, From: from, To: to}}}
	if f.variant == "" {
		return chart, nil
	}
	same := *f
	if !hasKill(trace) {
		if _, from, to, err = f.life(cmd, w, world); err != nil {
			return nil, err
		}
	}
	same.from, same.to = from, to
	chart.Lives = nil
	for _, one := range []struct {
		name  string
		world *model.World
	}{{"as it is", w.World}, {f.variant, world}} {
		if trace, _, _, err = same.life(cmd, w, one.world); err != nil {
			return nil, err
		}
		chart.Lives = append(chart.Lives, plots.Life{Name: one.name, Trace: trace, From: from, To: to})
	}
	return chart, nil
}

// checkTrade refuses a front between false verdicts of a probe and its notice of hangs
// where there is no such notice: without any probe, and where that one notices no hang
// (C10).
func checkTrade(w *model.World, k model.ProbeKind) error {
	probe := w.Container().Probes[k]
	switch {
	case w.Container().Probes == [model.ProbeKinds]*model.Probe{}:
		return errors.New("there is nothing to trade: the container has no probe; probesim recommend says what to add")
	case probe != nil && probe.Handler.Kind == model.TCPSocket && w.Application.Probes[k].HangCoverage == 0:
		return fmt.Errorf("there is nothing to trade: a tcpSocket %v probe notices no hang, as the kernel accepts the connections of a hung process (C10)", k)
	case probe != nil && w.Application.Probes[k].HangCoverage == 0:
		return fmt.Errorf("there is nothing to trade: the %v probe notices no hang (hangCoverage 0)", k)
	}
	return nil
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
