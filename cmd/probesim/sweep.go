package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
)

type sweepFlags struct {
	effort
	output   *formatFlag
	set      *[]string
	over     *[]string
	measures *[]string
	tornado  bool
}

func sweepCommand() *cobra.Command {
	var f sweepFlags
	cmd := &cobra.Command{
		Use:   "sweep SCENARIO --over path=values... | --tornado",
		Short: "A grid of settings or inputs; which inputs the result hangs on",
		Long: `Simulates every combination of the values of --over, all on the same lives
(common random numbers), and writes one row for each, as CSV for further use. Any
path of the scenario or of the studied container can be varied.

With --tornado, every number, duration and distribution of the scenario, and every
setting of the container, is made 20 % smaller and 20 % greater, one at a time, and
they are listed by how much that changes the first measure asked for. That is what
to measure before anything else. What is whole changes by 1 at least.

Asked for are --measure, else the measures with objectives, else
falseKillsPerPodYear. Exit status 3 if the objectives, or the rate of false kills, of
a row are undecided within the budget; of a tornado, if its greatest effect is.`,
		Example: `  probesim sweep deployment.yaml --over livenessProbe.timeoutSeconds=1..10
  probesim sweep scenario.yaml --over resources.limits.cpu=100m..1000m..100m --over livenessProbe.failureThreshold=3,6 > grid.csv
  probesim sweep scenario.yaml --over 'application.startup.wait={p50: 5s, p99: 20s},{p50: 9s, p99: 40s}' -o table
  probesim sweep gallery:ingress-controller --tornado -o table`,
		Args:              someArguments,
		ValidArgsFunction: completeScenarios,
		RunE:              func(cmd *cobra.Command, args []string) error { return sweepScenario(cmd, args, &f) },
	}
	f.output = addFormat(cmd, "csv", "table", "json", "yaml")
	f.effort.add(cmd)
	f.set = addSet(cmd)
	f.over = cmd.Flags().StringArray("over", nil, "a path and its values: path=v1,v2, path=from..to..step or path=from..to..*factor; repeatable")
	cmd.Flags().BoolVar(&f.tornado, "tornado", false, "±20 % of every input, one at a time, by effect")
	f.measures = addMeasures(cmd)
	return cmd
}

func sweepScenario(cmd *cobra.Command, args []string, f *sweepFlags) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	if f.tornado == (len(*f.over) > 0) {
		return fmt.Errorf("%s: give --over, once for each path to vary, or --tornado", cmd.CommandPath())
	}
	var axes []axis
	for _, text := range *f.over {
		a, err := parseAxis(text)
		if err != nil {
			return fmt.Errorf("--over: %w", err)
		}
		axes = append(axes, a)
	}
	sources, faults, err := openAll(cmd, args)
	if err != nil {
		return err
	}
	workloads, _, err := loadAll(cmd, sources, faults, *f.set)
	switch {
	case err != nil:
		return err
	case len(workloads) != 1 || len(sources) != 1 || len(faults) > 0:
		return fmt.Errorf("%s: %d workloads: sweep takes one at a time", strings.Join(args, ", "), len(workloads))
	}
	asked, err := figures(*f.measures, workloads[0])
	if err != nil {
		return err
	}
	if f.tornado {
		return tornado(cmd, f, sources[0], workloads[0], asked)
	}
	return sweepGrid(cmd, f, sources[0], workloads[0], axes, asked)
}

// sweep is the result of a grid.
type sweep struct {
	APIVersion   string     `json:"apiVersion"`
	Kind         string     `json:"kind"`
	Scenario     string     `json:"scenario"`
	Seed         uint64     `json:"seed"`
	Assumptions  []string   `json:"assumptions"`
	Replications int64      `json:"replications"`
	Paths        []string   `json:"paths"`
	Rows         []sweepRow `json:"rows"`
	Notes        []string   `json:"notes"`
}

// sweepRow is one point of a grid.
type sweepRow struct {
	Values   settingsInOrder    `json:"values"`
	Measures *estimate.Measures `json:"measures"`
	Verdicts []estimate.Verdict `json:"objectives"`
}

// settingsInOrder are paths and their values, an object in JSON.
type settingsInOrder struct{ paths, values []string }

// MarshalJSON writes the values under their paths, in the order of the axes.
func (s settingsInOrder) MarshalJSON() ([]byte, error) {
	var entries []string
	for i, path := range s.paths {
		key, err := json.Marshal(path)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(s.values[i])
		if err != nil {
			return nil, err
		}
		entries = append(entries, string(key)+":"+string(value))
	}
	return []byte("{" + strings.Join(entries, ",") + "}"), nil
}

func sweepGrid(cmd *cobra.Command, f *sweepFlags, source scenarios.Source, w *scenarios.Workload, axes []axis, asked []estimate.Figure) error {
	points, err := grid(axes)
	if err != nil {
		return err
	}
	result := sweep{APIVersion: "probesim/v1", Kind: "Sweep", Scenario: w.World.Name, Assumptions: append([]string{}, w.Assumptions...), Notes: []string{}}
	for _, a := range axes {
		result.Paths = append(result.Paths, a.path)
	}
	var variants []estimate.Named
	for _, point := range points {
		var changes []string
		for i, value := range point {
			changes = append(changes, result.Paths[i]+"="+value)
		}
		varied, err := withChanges(source, slices.Concat(*f.set, changes))
		if err != nil {
			return fmt.Errorf("--over: %w", err)
		}
		variants = append(variants, estimate.Named{Name: strings.Join(changes, " "), World: varied.World})
	}
	o := f.options(cmd, w)
	o.Objectives, o.AllVariants = w.Stated, true
	p := newProgress(cmd.ErrOrStderr(), "sweeping", o.Budget)
	defer p.end()
	o.Progress = p.update
	e, err := estimate.Run(cmd.Context(), variants, o)
	if err != nil {
		return err
	}
	p.end()
	result.Seed, result.Replications = e.Seed, e.Replications
	result.Notes = slices.Concat(result.Notes, e.Variants[0].Notes)
	status := statusDone
	for i := range e.Variants {
		v := &e.Variants[i]
		if !v.Known(o.Precision) {
			status = statusUndecided
		}
		result.Rows = append(result.Rows, sweepRow{settingsInOrder{result.Paths, points[i]}, &v.Measures, v.Objectives})
	}
	if cmd.Context().Err() != nil {
		status = statusInterrupted
	}
	if err := result.write(cmd.OutOrStdout(), f.output.value, w, asked); err != nil {
		return err
	}
	return answered(status)
}

func (s *sweep) write(out io.Writer, format string, w *scenarios.Workload, asked []estimate.Figure) error {
	switch format {
	case "json":
		return writeJSON(out, s)
	case "yaml":
		return writeYAML(out, s)
	case "csv":
		var rows [][]string
		for _, row := range s.Rows {
			for _, record := range measureRecords(row.Measures) {
				rows = append(rows, slices.Concat(row.Values.values, record))
			}
		}
		return writeCSV(out, slices.Concat(s.Paths, measureHeader), rows)
	}
	p := &page{}
	p.opening(w)
	shown := slices.Clone(asked)
	for _, name := range []string{"falseKillsPerPodYear", "detectionSeconds.p99", "removalSeconds.p99", "availability"} {
		if figure, err := estimate.ParseFigure(name); err == nil && !slices.Contains(shown, figure) {
			shown = append(shown, figure)
		}
	}
	header := slices.Clone(s.Paths)
	for _, figure := range shown {
		header = append(header, figure.String())
	}
	rows := [][]string{header}
	for _, row := range s.Rows {
		cells := slices.Clone(row.Values.values)
		for _, figure := range shown {
			cells = append(cells, estimated(figure.Of(row.Measures), writerOf(figure.Measure)))
		}
		rows = append(rows, cells)
	}
	p.heading("Grid")
	p.table(rows)
	p.heading("Notes")
	p.items(notesForReaders(s.Notes))
	p.printf("\nseed %d, %s replications\n", s.Seed, commas(fmt.Sprint(s.Replications)))
	return p.writeTo(out)
}
