package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
)

type runFlags struct {
	effort
	output *formatFlag
	set    *[]string
	gated
	shard      string
	checkpoint string
	replicas   int
}

// gated is the flag by which a measure fails a run.
type gated struct {
	failOn string
	flag   *pflag.Flag
	gate   *estimate.Gate
}

func (g *gated) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&g.failOn, "fail-on", "", "exit with status 1 if this holds, such as 'falseKillsPerPodYear>1'")
	g.flag = cmd.Flags().Lookup("fail-on")
}

func (g *gated) parse() error {
	if !g.flag.Changed {
		return nil
	}
	gate, err := estimate.ParseGate(g.failOn)
	if err != nil {
		return fmt.Errorf("--fail-on: %w", err)
	}
	g.gate = &gate
	return nil
}

func runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run SCENARIO...",
		Short: "Simulate: false kills, detection, traffic to dead pods, with intervals",
		Long: `Simulates many lives of the pod and prints every measure with its interval, for
the settings as they are and for each variant under whatIf, on common random
numbers.

--checkpoint keeps what was reached in a file, from which the same command goes on;
--shard simulates a part of the replications, for "probesim merge" to join. Neither
changes a byte of the result.

--replicas 5 simulates so many replicas side by side as well (0: as many as the
scenario says), which share the dependencies, the stalls of their nodes
(node.replicasPerNode) and the load, which moves on from one that is out: how many are
out of the endpoints at once, and whether the loss of one takes the others along.
That gets a budget of its own.

Exit status 1 if an objective is missed by the settings as they are, or if the
condition of --fail-on holds; 3 if that is undecided within the budget.`,
		Example: `  probesim run gallery:ingress-controller
  probesim run deployment.yaml --set livenessProbe.timeoutSeconds=5
  kubectl get deploy web -o yaml | probesim run - -o json
  probesim run scenario.yaml --fail-on 'falseKillsPerPodYear>1'`,
		Args:              someArguments,
		ValidArgsFunction: completeScenarios,
		RunE:              func(cmd *cobra.Command, args []string) error { return runScenarios(cmd, args, &f) },
	}
	f.output = addFormat(cmd, "table", "json", "yaml", "csv")
	f.effort.add(cmd)
	f.set = addSet(cmd)
	f.gated.add(cmd)
	cmd.Flags().StringVar(&f.shard, "shard", "", "with --replications: simulate only part i of n, as in 0/8, and print it for merge")
	cmd.Flags().StringVar(&f.checkpoint, "checkpoint", "", "file that is kept up to date with what was reached, and from which a run that was stopped goes on")
	cmd.Flags().IntVar(&f.replicas, "replicas", 0, "simulate so many replicas side by side as well; 0: as many as the scenario says")
	return cmd
}

func runScenarios(cmd *cobra.Command, args []string, f *runFlags) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	if err := f.parse(); err != nil {
		return err
	}
	shard, err := f.parseShard(cmd)
	if err != nil {
		return err
	}
	if err := f.checkReplicas(cmd); err != nil {
		return err
	}
	sources, faults, err := openAll(cmd, args)
	if err != nil {
		return err
	}
	var inputs []*scenarios.Bundle
	for i := range sources {
		inputs = append(inputs, sources[i].Record())
	}
	workloads, status, err := loadAll(cmd, sources, faults, *f.set)
	if err != nil {
		return err
	}
	if status != statusDone && (f.shard != "" || f.checkpoint != "") {
		return answered(status) // a part of the input is no run to go on with elsewhere
	}
	var options []estimate.Options
	for _, w := range workloads {
		o := f.options(cmd, w)
		o.Objectives = w.Stated // the default ones are aims for recommend, not demands
		o.Shard = shard
		options = append(options, o)
	}
	c := &checkpoint{file: f.checkpoint, result: newShardResult(inputs, *f.set, shard, workloads, options)}
	if err := c.resume(); err != nil {
		return err
	}
	if f.shard != "" {
		return runShard(cmd, workloads, options, c)
	}
	return runWhole(cmd, f, workloads, options, c, status)
}

// parseShard reads --shard and refuses what has no place beside it.
func (f *runFlags) parseShard(cmd *cobra.Command) (estimate.Shard, error) {
	if f.shard == "" {
		return estimate.Shard{}, nil
	}
	shard, err := parseShard(f.shard)
	switch {
	case err != nil:
		return shard, fmt.Errorf("--shard: %w", err)
	case f.replications == 0:
		return shard, fmt.Errorf("--shard: needs --replications, of which it is a part")
	case f.failOn != "":
		return shard, fmt.Errorf("--fail-on: does not apply to a shard: give it to probesim merge")
	case cmd.Flags().Changed("output"):
		return shard, fmt.Errorf("--output: does not apply to a shard, which is written for probesim merge: give it there")
	}
	return shard, nil
}

// runWhole simulates the workloads one after the other and prints their
// measures.
func runWhole(cmd *cobra.Command, f *runFlags, workloads []*scenarios.Workload, options []estimate.Options, c *checkpoint, status int) error {
	var results []*estimate.Estimates
	for i, w := range workloads {
		part, why, err := simulateWorkload(cmd, w, options[i], c, i)
		if err != nil {
			if cmd.Context().Err() != nil {
				break // what other workloads came to is still printed
			}
			return fmt.Errorf("%s: %w", w.World.Name, err)
		}
		e, err := reported(cmd.Context(), w, part, options[i], why)
		if err != nil {
			return fmt.Errorf("%s: %w", w.World.Name, err)
		}
		if cmd.Flags().Changed("replicas") && cmd.Context().Err() == nil {
			var first *estimate.FirstLifeError
			switch e.Together, err = f.together(cmd, w, options[i]); {
			case errors.As(err, &first): // what one pod came to is still printed
				e.Variants[0].Notes = slices.Insert(e.Variants[0].Notes, 0, "nothing is known of the replicas together: "+err.Error())
				status = graver(status, statusUndecided)
			case err != nil:
				return fmt.Errorf("%s: %w", w.World.Name, err)
			}
		}
		results = append(results, e)
		status = graver(status, int(e.ExitStatus(w.World, f.gate, options[i].Precision)))
		if cmd.Context().Err() != nil {
			break
		}
	}
	if len(results) == 0 {
		return cmd.Context().Err()
	}
	if cmd.Context().Err() != nil {
		status = statusInterrupted
	}
	if err := writeEstimates(cmd.OutOrStdout(), f.output.value, workloads, results, f.gate); err != nil {
		return err
	}
	if c.err != nil {
		return c.err
	}
	return answered(status)
}

// runShard simulates one shard of every workload and writes what it came to,
// also when it is interrupted.
func runShard(cmd *cobra.Command, workloads []*scenarios.Workload, options []estimate.Options, c *checkpoint) error {
	for i, w := range workloads {
		if _, _, err := simulateWorkload(cmd, w, options[i], c, i); err != nil && cmd.Context().Err() == nil {
			return fmt.Errorf("%s: %w", w.World.Name, err)
		}
	}
	data, err := c.result.encode()
	if err != nil {
		return err
	}
	if _, err := cmd.OutOrStdout().Write(data); err != nil {
		return err
	}
	if cmd.Context().Err() != nil {
		return answered(statusInterrupted)
	}
	return c.err
}

// simulateWorkload simulates the base and the variants of one workload, from
// where the checkpoint stands.
func simulateWorkload(cmd *cobra.Command, w *scenarios.Workload, o estimate.Options, c *checkpoint, number int) (*estimate.Part, string, error) {
	p := newProgress(cmd.ErrOrStderr(), "simulating "+w.World.Name, o.Budget)
	defer p.end()
	o.Progress = p.update
	o.Resume = c.result.Parts[number]
	o.Folded = func(part *estimate.Part) { c.folded(number, part) }
	part, why, err := estimate.Simulate(cmd.Context(), variantsOf(w), o)
	if err == nil && part.Horizon == o.Horizon { // else one of a shorter horizon, for want of time
		c.result.Parts[number] = part
	}
	c.write()
	return part, why, err
}

func variantsOf(w *scenarios.Workload) []estimate.Named {
	variants := []estimate.Named{{Name: "base", World: w.World}}
	for _, v := range w.Variants {
		variants = append(variants, estimate.Named{Name: v.Name, World: v.World})
	}
	return variants
}

// reported makes the result for one workload out of what all its replications
// came to.
func reported(ctx context.Context, w *scenarios.Workload, part *estimate.Part, o estimate.Options, why string) (*estimate.Estimates, error) {
	variants := variantsOf(w)
	e, err := estimate.Report(ctx, part, variants, o, why)
	if err != nil {
		return nil, err
	}
	e.Assumptions = append(e.Assumptions, w.Assumptions...)
	base := &e.Variants[0]
	base.Notes = slices.Concat(w.Notes, base.Notes)
	for i := range e.Variants {
		e.Variants[i].Notes = append(e.Variants[i].Notes, besideClosedForms(variants[i].World, &e.Variants[i].Measures)...)
	}
	return e, nil
}

func writeEstimates(w io.Writer, format string, workloads []*scenarios.Workload, results []*estimate.Estimates, gate *estimate.Gate) error {
	switch format {
	case "json":
		return writeJSON(w, single(results))
	case "yaml":
		return writeYAML(w, single(results))
	case "csv":
		var rows [][]string
		for _, e := range results {
			for i := range e.Variants {
				for _, record := range measureRecords(&e.Variants[i].Measures) {
					rows = append(rows, slices.Concat([]string{e.Scenario, e.Variants[i].Name}, record))
				}
			}
		}
		return writeCSV(w, slices.Concat([]string{"scenario", "variant"}, measureHeader), rows)
	}
	var buffer bytes.Buffer
	for i, e := range results {
		if i > 0 {
			buffer.WriteString("\n" + strings.Repeat("─", proseWidth) + "\n\n")
		}
		if err := estimatesPage(workloads[i], e, gate).writeTo(&buffer); err != nil {
			return err
		}
	}
	_, err := w.Write(buffer.Bytes())
	return err
}

// estimatesPage lays out one result for people.
func estimatesPage(w *scenarios.Workload, e *estimate.Estimates, gate *estimate.Gate) *page {
	p := &page{}
	p.opening(w)
	p.heading("Answer")
	p.items(answer(w.World, e, gate))
	p.heading("Settings")
	for _, line := range settingsLines(&e.Variants[0].Settings) {
		p.printf("  %s\n", line)
	}
	for _, group := range sideBySide(e.Variants) {
		names, measures, verdicts := columnsOf(group)
		p.heading(fmt.Sprintf("Measures (%g %% intervals)", 100*confidence(e)))
		p.table(measureTable(names, measures))
		if len(verdicts[0]) > 0 {
			p.heading("Objectives")
			p.table(verdictTable(names, verdicts))
		}
	}
	if classes := e.Variants[0].NodeClasses; len(classes) > 0 {
		p.heading("False kills by class of node")
		rows := [][]string{{"", "of all pods", "false kills per pod-year", "of all false kills"}}
		for _, c := range classes {
			rows = append(rows, []string{c.Name, share(c.PodShare), estimated(c.FalseKillsPerPodYear, number), estimated(c.KillShare, share)})
		}
		p.table(rows)
	}
	if e.Together != nil {
		togetherPage(p, e.Together)
	}
	for i := range e.Variants {
		if notes := notesForReaders(notesOf(e.Variants, i)); len(notes) > 0 {
			p.heading("Notes on " + e.Variants[i].Name)
			p.items(notes)
		}
	}
	p.printf("\nseed %d, %s replications, %s of pod time each variant\n", e.Seed, commas(fmt.Sprint(e.Replications)), seconds(e.PodSeconds))
	return p
}

// tableWidth is the widest table shown; variants that do not fit get a table
// of their own.
const tableWidth = 124

// sideBySide divides variants into groups whose table is not too wide.
func sideBySide(variants []estimate.Variant) [][]estimate.Variant {
	var groups [][]estimate.Variant
	for len(variants) > 0 {
		n := len(variants)
		for n > 1 && widthOf(variants[:n]) > tableWidth {
			n--
		}
		groups = append(groups, variants[:n])
		variants = variants[n:]
	}
	return groups
}

func widthOf(variants []estimate.Variant) int {
	p := &page{}
	names, measures, _ := columnsOf(variants)
	p.table(measureTable(names, measures))
	width := 0
	for line := range strings.Lines(p.String()) {
		width = max(width, len([]rune(strings.TrimRight(line, " \n"))))
	}
	return width
}

func columnsOf(variants []estimate.Variant) (names []string, measures []*estimate.Measures, verdicts [][]estimate.Verdict) {
	for i := range variants {
		names = append(names, variants[i].Name)
		measures = append(measures, &variants[i].Measures)
		verdicts = append(verdicts, variants[i].Objectives)
	}
	return names, measures, verdicts
}

// notesOf returns the notes on one variant without those that already stand
// under the base.
func notesOf(variants []estimate.Variant, i int) []string {
	if i == 0 {
		return variants[0].Notes
	}
	var own []string
	for _, note := range variants[i].Notes {
		if !slices.Contains(variants[0].Notes, note) {
			own = append(own, note)
		}
	}
	return own
}

// confidence returns the confidence of the intervals of a result.
func confidence(e *estimate.Estimates) float64 {
	if kills := e.Variants[0].Measures.FalseKillsPerPodDay; kills != nil && kills.Confidence < 1 {
		return kills.Confidence
	}
	if a := e.Variants[0].Measures.Availability; a != nil && a.Confidence < 1 {
		return a.Confidence
	}
	return 0.95
}

// answer puts the result for the settings as they are into sentences: how
// often a healthy container is killed, how long a dead one gets traffic, and
// whether that meets the objectives.
func answer(w *model.World, e *estimate.Estimates, gate *estimate.Gate) []string {
	base := &e.Variants[0]
	m := &base.Measures
	sentences := append(unprobed(w), killSentence(m))
	if sentence := multiplied(w, m); sentence != "" {
		sentences = append(sentences, sentence)
	}
	if m.StartupKillProbability != nil && m.StartupKillProbability.Estimate > 0 {
		sentences = append(sentences, fmt.Sprintf("%s of all starts are killed before they are done.", share(m.StartupKillProbability.Estimate)))
	}
	if d := m.DetectionSeconds; d != nil {
		sentences = append(sentences, fmt.Sprintf("A hung container is killed after %s on average, after %s in 99 of 100 cases.", seconds(d.Mean.Estimate), seconds(d.P99.Estimate)))
	}
	if d := m.RemovalSeconds; d != nil {
		sentences = append(sentences, fmt.Sprintf("A dead one keeps getting traffic for %s on average, for %s in 99 of 100 cases.", seconds(d.Mean.Estimate), seconds(d.P99.Estimate)))
	}
	no, open := missed(base.Objectives), undecided(base.Objectives)
	switch {
	case len(no) > 0:
		sentences = append(sentences, "These settings MISS "+enumerate(no)+".")
	case len(open) > 0:
		sentences = append(sentences, "Undecided within this effort: "+enumerate(open)+".")
	case len(base.Objectives) > 0:
		sentences = append(sentences, "These settings meet every objective.")
	}
	if gate != nil {
		word := "undecided"
		if holds := gate.Holds(w, e); holds != nil {
			word = map[bool]string{true: "holds", false: "does not hold"}[*holds]
		}
		sentences = append(sentences, fmt.Sprintf("The condition %s %s.", gate, word))
	}
	return sentences
}

func killSentence(m *estimate.Measures) string {
	kills := m.FalseKillRate()
	switch {
	case kills == nil:
		return "How often a healthy container is killed does not apply here."
	case kills.High == 0:
		return "A healthy container is never killed."
	case kills.Method == closedForm:
		return fmt.Sprintf("No healthy container was killed; by the closed form at most %s times per pod-year.", atMost(kills.High))
	case kills.Estimate == 0:
		return fmt.Sprintf("No healthy container was killed: at most %s times per pod-year.", number(kills.High))
	}
	return fmt.Sprintf("A healthy container is killed %s times per pod-year (%s–%s), every %s.",
		number(kills.Estimate), number(kills.Low), number(kills.High), seconds(365.25*86400/kills.Estimate))
}
