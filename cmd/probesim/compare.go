package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

type compareFlags struct {
	effort
	output   *formatFlag
	set      *[]string
	with     *[]string
	measures *[]string
}

func compareCommand() *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare SCENARIO [SCENARIO...]",
		Short: "Set variants or files side by side: differences and ratios with intervals",
		Long: `Compares the variants of one scenario (its whatIf, and each --with) with the
settings as they are, or the first of several files with the others. All of them
live the same lives: the same stalls, starts and hangs (common random numbers), so
that what they have in common cancels out of the differences. How many times
smaller that makes the variance stands beside each.

Without --replications the comparison goes on until every difference asked for is
decided: its interval excludes 0, or is known to --precision of the values
themselves. Asked for are --measure, else the measures with objectives, else
falseKillsPerPodYear. Exit status 3 if one is undecided within the budget.`,
		Example: `  probesim compare gallery:ingress-controller
  probesim compare deployment.yaml --with livenessProbe.timeoutSeconds=5
  probesim compare deployment.yaml --with 'livenessProbe.periodSeconds=20; livenessProbe.failureThreshold=2'
  probesim compare before.yaml after.yaml --measure removalSeconds.p99 -o csv`,
		Args:              someArguments,
		ValidArgsFunction: completeScenarios,
		RunE:              func(cmd *cobra.Command, args []string) error { return compareScenarios(cmd, args, &f) },
	}
	f.output = addFormat(cmd, "table", "json", "yaml", "csv")
	f.effort.add(cmd)
	f.set = addSet(cmd)
	f.with = cmd.Flags().StringArray("with", nil, "a variant: one change or several between semicolons, as in 'livenessProbe.periodSeconds=20; replicas=5'; repeatable")
	f.measures = addMeasures(cmd)
	return cmd
}

// addMeasures adds --measure, which asks for figures by name.
func addMeasures(cmd *cobra.Command) *[]string {
	return cmd.Flags().StringArray("measure", nil, "measure asked for, as in falseKillsPerPodYear or removalSeconds.p99; repeatable")
}

// figures returns the measures asked for: those of --measure, else those with
// objectives, else the rate of false kills.
func figures(named []string, w *scenarios.Workload) ([]estimate.Figure, error) {
	var asked []estimate.Figure
	for _, name := range named {
		figure, err := estimate.ParseFigure(name)
		if err != nil {
			return nil, fmt.Errorf("--measure: %w", err)
		}
		asked = append(asked, figure)
	}
	if len(asked) > 0 {
		return asked, nil
	}
	for _, o := range w.Stated {
		if figure, err := estimate.ParseFigure(figureName(o.Measure, o.Statistic)); err == nil && !slices.Contains(asked, figure) {
			asked = append(asked, figure)
		}
	}
	if len(asked) == 0 {
		asked = []estimate.Figure{{Measure: "falseKillsPerPodYear"}}
	}
	return asked, nil
}

func figureName(measure, statistic string) string {
	return estimate.Figure{Measure: measure, Statistic: statistic}.String()
}

func compareScenarios(cmd *cobra.Command, args []string, f *compareFlags) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	workloads, variants, status, err := compared(cmd, args, *f.set, *f.with)
	if err != nil {
		return err
	}
	w := workloads[0]
	asked, err := figures(*f.measures, w)
	if err != nil {
		return err
	}
	o := f.options(cmd, w)
	o.Objectives = w.Stated
	p := newProgress(cmd.ErrOrStderr(), "comparing", o.Budget)
	defer p.end()
	o.Progress = p.update
	c, err := estimate.Compare(cmd.Context(), variants, asked, o)
	if err != nil {
		return err
	}
	p.end()
	for _, w := range workloads {
		for _, a := range w.Assumptions {
			if !slices.Contains(c.Assumptions, a) {
				c.Assumptions = append(c.Assumptions, a)
			}
		}
	}
	c.Variants[0].Notes = slices.Concat(w.Notes, c.Variants[0].Notes)
	if len(c.Undecided) > 0 {
		status = graver(status, statusUndecided)
	}
	if cmd.Context().Err() != nil {
		status = statusInterrupted
	}
	if err := writeComparison(cmd, f.output.value, w, c, asked); err != nil {
		return err
	}
	return answered(status)
}

// compared returns what is to be compared, the first with all others: the
// variants of the only workload, or several workloads.
func compared(cmd *cobra.Command, args, set, with []string) (workloads []*scenarios.Workload, variants []estimate.Named, status int, err error) {
	sources, faults, err := openAll(cmd, args)
	if err != nil {
		return nil, nil, statusUsage, err
	}
	workloads, status, err = loadAll(cmd, sources, faults, set)
	if err != nil {
		return nil, nil, statusUsage, err
	}
	if len(workloads) == 1 {
		variants = variantsOf(workloads[0])
	} else {
		variants = workloadsApart(workloads)
	}
	for _, changes := range with {
		if len(workloads) > 1 {
			return nil, nil, statusUsage, fmt.Errorf("--with: does not apply to several workloads: it makes a variant of one")
		}
		world, err := changed(sources[0], set, changes)
		if err != nil {
			return nil, nil, statusUsage, fmt.Errorf("--with %q: %w", changes, err)
		}
		variants = append(variants, estimate.Named{Name: changes, World: world.World})
	}
	if len(variants) < 2 {
		return nil, nil, statusUsage, fmt.Errorf("%s: nothing to compare with: it has no whatIf; add --with path=value, or a second file", workloads[0].World.Name)
	}
	if len(variants) > mostCompared {
		return nil, nil, statusUsage, fmt.Errorf("%d workloads or variants: at most %d are compared side by side; run, recommend and lint take as many as there are", len(variants), mostCompared)
	}
	return workloads, variants, status, nil
}

// mostCompared is how many are simulated side by side: each is kept in memory, and
// nobody reads more columns.
const mostCompared = 100

// changed loads the only workload of a source with further changes, as --with
// writes them.
func changed(source scenarios.Source, set []string, changes string) (*scenarios.Workload, error) {
	all := slices.Clone(set)
	for change := range strings.SplitSeq(changes, ";") {
		if change = strings.TrimSpace(change); change != "" {
			all = append(all, change)
		}
	}
	return withChanges(source, all)
}

// withChanges loads the only workload of a source.
func withChanges(source scenarios.Source, changes []string) (*scenarios.Workload, error) {
	loaded, err := scenarios.Load(source, changes)
	if err != nil {
		return nil, err
	}
	if len(loaded) != 1 {
		return nil, errors.New("does not leave one workload")
	}
	return loaded[0], nil
}

// workloadsApart names the workloads so that no two have the same name.
func workloadsApart(workloads []*scenarios.Workload) []estimate.Named {
	var variants []estimate.Named
	taken := map[string]bool{}
	for _, w := range workloads {
		name := w.World.Name
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s (%d)", w.World.Name, n)
		}
		taken[name] = true
		variants = append(variants, estimate.Named{Name: name, World: w.World})
	}
	return variants
}

func writeComparison(cmd *cobra.Command, format string, w *scenarios.Workload, c *estimate.Comparison, asked []estimate.Figure) error {
	out := cmd.OutOrStdout()
	switch format {
	case "json":
		return writeJSON(out, c)
	case "yaml":
		return writeYAML(out, c)
	case "csv":
		var rows [][]string
		for i := range c.Differences {
			rows = append(rows, differenceRecord(&c.Differences[i]))
		}
		return writeCSV(out, differenceHeader, rows)
	}
	return comparisonPage(w, c, asked).writeTo(out)
}

var differenceHeader = []string{
	"variant", "against", "measure", "statistic", "before", "after",
	"difference", "differenceLow", "differenceHigh", "ratio", "ratioLow", "ratioHigh",
	"confidence", "method", "varianceReduction",
}

func differenceRecord(d *estimate.Difference) []string {
	reduction := ""
	if d.VarianceReduction != nil {
		reduction = exactNumber(*d.VarianceReduction)
	}
	return []string{
		d.Variant, d.Against, d.Measure, d.Statistic, exactNumber(d.Before.Estimate), exactNumber(d.After.Estimate),
		exactNumber(d.Difference.Estimate), exactNumber(d.Difference.Low), exactNumber(d.Difference.High),
		exactNumber(d.Ratio.Estimate), exactNumber(d.Ratio.Low), exactNumber(d.Ratio.High),
		exactNumber(d.Difference.Confidence), d.Difference.Method, reduction,
	}
}

// comparisonPage lays out a comparison for people: one table for each variant.
func comparisonPage(w *scenarios.Workload, c *estimate.Comparison, asked []estimate.Figure) *page {
	p := &page{}
	p.opening(w)
	p.heading("Answer")
	var sentences []string
	for i := range c.Differences {
		d := &c.Differences[i]
		if slices.Contains(asked, estimate.Figure{Measure: d.Measure, Statistic: d.Statistic}) {
			sentences = append(sentences, differenceSentence(d))
		}
	}
	if len(c.Undecided) > 0 {
		sentences = append(sentences, "Undecided within this effort: "+enumerate(c.Undecided)+".")
	}
	p.items(sentences)
	for _, v := range c.Variants[1:] {
		p.heading(fmt.Sprintf("%s against %s (%g %% intervals)", v.Name, c.Variants[0].Name, 100*confidence(&c.Estimates)))
		rows := [][]string{{"", "before", "after", "difference", "ratio", "variance"}}
		for i := range c.Differences {
			if d := &c.Differences[i]; d.Variant == v.Name && (shownInTable(d) || slices.Contains(asked, estimate.Figure{Measure: d.Measure, Statistic: d.Statistic})) {
				rows = append(rows, differenceCells(d))
			}
		}
		p.table(rows)
	}
	p.heading("Notes")
	notes := []string{
		"every variant lived the same lives (common random numbers); variance: how many times greater that of the difference would be between lives of their own",
	}
	p.items(notesForReaders(slices.Concat(notes, c.Variants[0].Notes)))
	p.printf("\nseed %d, %s replications, %s of pod time each variant\n", c.Seed, commas(fmt.Sprint(c.Replications)), seconds(c.PodSeconds))
	return p
}

// inTables are the figures that tables show of every comparison.
var inTables = []string{
	"falseKillsPerPodYear", "startupKillProbability", "detectionSeconds.p99", "removalSeconds.p99", "recoverySeconds.p50",
	"deadTrafficSecondsPerFault", "deadTrafficFraction", "falseUnreadyFraction", "readyLagSeconds.p99", "timeToReadySeconds.p99",
	"availability", "probeFailureProbability.liveness", "probeFailureProbability.readiness",
}

func shownInTable(d *estimate.Difference) bool {
	return slices.Contains(inTables, figureName(d.Measure, d.Statistic)) && (d.Before.Estimate != 0 || d.After.Estimate != 0)
}

func differenceCells(d *estimate.Difference) []string {
	write := writerOf(d.Measure)
	reduction := none
	if d.VarianceReduction != nil {
		reduction = "÷ " + number(*d.VarianceReduction)
	}
	return []string{
		figureName(d.Measure, d.Statistic), write(d.Before.Estimate), write(d.After.Estimate),
		signed(&d.Difference, write), ratioText(&d.Ratio), reduction,
	}
}

// writerOf returns how a measure's values are written.
func writerOf(measure string) func(float64) string {
	switch {
	case strings.Contains(measure, "Seconds"):
		return seconds
	case strings.HasSuffix(measure, "Fraction"), strings.HasSuffix(measure, "Probability"), measure == "availability":
		return func(x float64) string { return number(100*x) + " %" }
	}
	return number
}

// signed writes a difference with its sign and interval.
func signed(e *stats.Estimate, write func(float64) string) string {
	plus := func(x float64) string {
		if x > 0 {
			return "+" + write(x)
		}
		return write(x)
	}
	if e.Low == e.High {
		return plus(e.Estimate)
	}
	return fmt.Sprintf("%s (%s to %s)", plus(e.Estimate), plus(e.Low), plus(e.High))
}

func ratioText(e *stats.Estimate) string {
	switch {
	case math.IsNaN(e.Estimate) || math.IsInf(e.Estimate, 0):
		return none
	case e.Low == e.High:
		return "× " + number(e.Estimate)
	}
	return fmt.Sprintf("× %s (%s–%s)", number(e.Estimate), number(e.Low), number(e.High))
}

// differenceSentence says what a variant changes in one figure.
func differenceSentence(d *estimate.Difference) string {
	write := writerOf(d.Measure)
	text := fmt.Sprintf("%s: %s goes from %s to %s", d.Variant, figureName(d.Measure, d.Statistic), write(d.Before.Estimate), write(d.After.Estimate))
	switch e := &d.Difference; {
	case e.Estimate == 0 && e.Low == e.High:
		return text + ": no difference."
	case e.Low <= 0 && e.High >= 0:
		return text + fmt.Sprintf(": no difference shown, %s.", signed(e, write))
	default:
		text += ": " + signed(e, write)
	}
	if ratio := ratioText(&d.Ratio); ratio != none {
		text += ", " + ratio
	}
	return text + "."
}
