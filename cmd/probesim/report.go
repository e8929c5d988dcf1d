package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/plots/report"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/recommend"
)

type reportFlags struct {
	effort
	file   string
	margin float64
	set    *[]string

	withTermination bool
}

func reportCommand() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report SCENARIO -o FILE",
		Short: "Write one page for a design review: the answer, why, charts, assumptions",
		Long: `Searches settings as "recommend" does and writes one page about them: the answer
and the patch, what it changes, the reasons, the charts, what was assumed, and how
to get the same numbers again.

A FILE that ends in .html is one page that needs nothing else, offline; in it a
person can move the settings and see what they would lead to. A FILE that ends in
.md is Markdown, with the charts as SVG files beside it.

With --with-termination the patch sets what deletions and rollouts need too, as that
of "recommend" does.

Exit status as of "recommend".`,
		Example: `  probesim report gallery:ingress-controller -o review.html
  probesim report deployment.yaml -o docs/probes.md`,
		Args:              oneArgument,
		ValidArgsFunction: completeScenarios,
		RunE:              func(cmd *cobra.Command, args []string) error { return reportScenario(cmd, args[0], &f) },
	}
	cmd.Flags().StringVarP(&f.file, "output", "o", "", "file to write: .html or .md (required)")
	f.effort.add(cmd)
	cmd.Flags().Float64Var(&f.margin, "margin", 1, "safety multiplier: stalls, CPU demand and startup may be this much worse")
	cmd.Flags().BoolVar(&f.withTermination, withTermination, false, withTerminationUsage)
	f.set = addSet(cmd)
	return cmd
}

func reportScenario(cmd *cobra.Command, arg string, f *reportFlags) error {
	extension := strings.ToLower(filepath.Ext(f.file))
	switch {
	case f.file == "":
		return errors.New("report: -o FILE is missing: name the file to write, .html or .md")
	case extension != ".html" && extension != ".md":
		return fmt.Errorf("--output: %s: must end in .html or .md", f.file)
	case !(f.margin >= 1 && f.margin <= 100):
		return fmt.Errorf("--margin: %v: must be between 1 and 100", f.margin)
	}
	if err := f.check(cmd); err != nil {
		return err
	}
	if err := plots.Writable(f.file); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	w, err := loadOne(cmd, arg, *f.set)
	if err != nil {
		return err
	}
	o := recommend.Options{Options: f.options(cmd, w), Margin: f.margin}
	o.Objectives = w.Objectives
	found, err := recommendWorkload(cmd, w, o)
	if err != nil {
		return err
	}
	if cmd.Context().Err() != nil {
		return cmd.Context().Err() // half a search is no report
	}
	r := &recommended{workload: w, Recommendation: found, withTermination: f.withTermination}
	page, err := f.page(cmd, r, o, arg)
	if err != nil {
		return err
	}
	written, err := writeReport(f.file, page)
	if err != nil {
		return plain(err)
	}
	if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\nwrote %s\n", page.Verdict, enumerate(written)); err != nil {
		return err
	}
	return answered(recommendStatus(w, found))
}

// writeReport writes the page, and the charts beside it where the page refers
// to them. The page comes last, so that it never refers to what is not there.
func writeReport(file string, page *report.Report) ([]string, error) {
	var buffer bytes.Buffer
	if strings.ToLower(filepath.Ext(file)) == ".html" {
		if err := page.WriteHTML(&buffer); err != nil {
			return nil, err
		}
		return []string{file}, replaceFile(file, buffer.Bytes())
	}
	written := []string{file}
	base := strings.TrimSuffix(file, filepath.Ext(file))
	for i := range page.Figures {
		chart := fmt.Sprintf("%s-%s.svg", base, page.Figures[i].File)
		if err := plots.WriteFile(chart, page.Figures[i].Chart); err != nil {
			return nil, err
		}
		page.Figures[i].File = filepath.Base(chart)
		written = append(written, chart)
	}
	if err := page.WriteMarkdown(&buffer); err != nil {
		return nil, err
	}
	return written, replaceFile(file, buffer.Bytes())
}

// page gathers what stands on the page.
func (f *reportFlags) page(cmd *cobra.Command, r *recommended, o recommend.Options, arg string) (*report.Report, error) {
	described, err := scenarios.Show(r.workload)
	if err != nil {
		return nil, err
	}
	subtitle := "container " + r.workload.World.Container().Name
	if r.workload.Kind != "" {
		subtitle = r.workload.Kind + " " + qualified(r.workload) + ", " + subtitle
	}
	page := &report.Report{
		Title: r.workload.World.Name, Subtitle: subtitle, Version: version(), Seed: r.Seed,
		Assumed: r.Assumptions, Notes: append(notesForReaders(r.Notes), resortNotes(r.Recommendation)...), Described: string(described),
		Validation: validationStatement, Reproduce: []string{f.command(cmd, "report", arg, f.file)},
	}
	page.Inputs = inputsTable(r.workload)
	page.Verdict, page.Good = verdictOf(r)
	if margin := r.MarginSentence(); margin != "" {
		page.Answer = append(page.Answer, margin+". The charts of lives, starts, answers and rollouts are of the world as it is.")
	}
	switch {
	case r.Recommended != nil:
		page.Answer = append(page.Answer, recommendedSentences(r)...)
	case r.Infeasible != nil:
		page.Answer = append(page.Answer, r.Infeasible.Reason+".")
		for i := range r.Infeasible.Remedies {
			page.Answer = append(page.Answer, r.Infeasible.Remedies[i].Sentence()+".")
		}
		if untried := r.Infeasible.UntriedSentence(); untried != "" {
			page.Answer = append(page.Answer, untried+".")
		}
	}
	if stretched := r.Starts.Sentence(); stretched != "" {
		page.Answer = append(page.Answer, stretched+".")
	}
	page.Answer = append(page.Answer, togetherSentences(r.Together)...)
	page.Answer = append(page.Answer, terminationSentences(r)...)
	if patch, err := r.patch(); err == nil && len(patch) > 0 {
		page.Patch = string(patch)
		page.Reproduce = append(page.Reproduce, f.command(cmd, "recommend", arg, "patch"))
	}
	page.Headline = headlines(r.Recommendation)
	if r.Margin != 1 {
		page.Verdict += fmt.Sprintf(", with a safety margin of %g", r.Margin)
		for i := range page.Headline {
			page.Headline[i].Name += fmt.Sprintf(", with the margin of %g", r.Margin)
		}
	}
	for _, reason := range r.Binding {
		page.Reasons = append(page.Reasons, report.Reason{Field: reason.Field, Value: reason.Value, Sentence: reason.Sentence, Binding: reason.Binding})
	}
	if d := neededDeadline(r.Recommendation); d != nil {
		page.Reasons = append(page.Reasons, report.Reason{Field: progressDeadline, Value: strconv.FormatInt(d.Seconds, 10), Sentence: d.Sentence})
	}
	page.Tables = reportTables(r)
	if page.Figures, err = f.figures(cmd, r); err != nil {
		return nil, err
	}
	if page.Explore, err = f.explore(cmd, r, o); err != nil {
		return nil, err
	}
	page.Figures = withRisk(page.Figures, r, page.Explore)
	return page, nil
}

// inputsTable says of each input whether it was measured, stated or assumed.
func inputsTable(w *scenarios.Workload) *report.Table {
	t := &report.Table{Title: "Measured, stated or assumed: each input", Rows: [][]string{{"input", "value", "rests on"}}}
	for _, b := range scenarios.Bases(w) {
		rests := map[string]string{"measured": "a file of measurements", "stated": "what the scenario states", "assumed": "an assumption"}[b.Rests]
		t.Rows = append(t.Rows, []string{b.Path, b.Value, rests})
	}
	if len(t.Rows) == 1 {
		return nil
	}
	return t
}

// withRisk puts the map of all usual settings behind the front, from the same
// predictions in which a reader moves the settings.
func withRisk(figures []report.Figure, r *recommended, e *report.Explore) []report.Figure {
	after := slices.IndexFunc(figures, func(figure report.Figure) bool { return figure.File == "front" })
	if after < 0 || e == nil || len(e.Tables[0].Liveness) == 0 {
		return figures
	}
	risk := plots.NewRisk(&e.Tables[0], plots.NewFront(r.Recommendation, r.workload.Objectives))
	return slices.Insert(figures, after+1, report.Figure{Heading: "Which settings kill healthy containers", Chart: risk, File: "risk"})
}

// validationStatement says what the model is held against. The figures change
// with the model; they stand in the project's docs/validation.md.
var validationStatement = []string{
	"Probe scheduling and verdicts: event for event those of the kubelet's own prober code, on recorded traces and on random cases run live.",
	"Pod behaviour and propagation: within stated bounds of a real kubelet with a real container runtime, and of a complete cluster.",
	"CPU delay: the distributions of a real kernel's bandwidth control and weights.",
	"Estimates: closed forms, exact Markov chains and published tables.",
	"docs/validation.md of the project shows each beside its measurement, misses included.",
}

// verdictOf says the answer in a few words.
func verdictOf(r *recommended) (words string, good bool) {
	switch {
	case len(r.Together.Missed()) > 0:
		return "All replicas together miss an objective", false
	case r.Recommended != nil:
		if n := len(changedFields(r.Recommendation)) + len(terminationRows(r)); n == 1 {
			return "Change one setting", true
		} else if n > 1 {
			return fmt.Sprintf("Change %d settings", n), true
		}
		return "Keep the settings as they are", true
	case r.Infeasible != nil:
		return "No settings meet the objectives", false
	}
	return "Undecided within this effort", false
}

const detectedWithin = "99 of 100 hangs detected within"

// unseen says why a headline has no number.
func unseen(s *estimate.Settings, name string) string {
	if name == detectedWithin && s.LivenessProbe == nil {
		return "never"
	}
	return "not seen"
}

// headlines are the three numbers before and after.
func headlines(r *recommend.Recommendation) []report.Headline {
	var all []report.Headline
	add := func(name string, of func(*estimate.Measures) (text string, value float64, known bool)) {
		before, was, known := of(&r.Current.Measures)
		if !known {
			before = unseen(&r.Current.Settings, name)
		}
		h := report.Headline{Name: name, Before: before}
		if r.Recommended != nil && len(changedFields(r)) > 0 {
			after, is, ok := of(&r.Recommended.Measures)
			if !ok {
				after = unseen(&r.Recommended.Settings, name)
			}
			h.After, h.Better = after, !known || ok && is <= was
		}
		all = append(all, h)
	}
	add("False kills per pod-year", func(m *estimate.Measures) (string, float64, bool) {
		e := m.FalseKillRate()
		if e == nil {
			return "", 0, false
		}
		return rateText(e), max(e.Estimate, e.Low), true
	})
	add(detectedWithin, func(m *estimate.Measures) (string, float64, bool) {
		if m.DetectionSeconds == nil {
			return "", 0, false
		}
		return seconds(m.DetectionSeconds.P99.Estimate), m.DetectionSeconds.P99.Estimate, true
	})
	add("99 of 100 dead pods out of traffic within", func(m *estimate.Measures) (string, float64, bool) {
		if m.RemovalSeconds == nil {
			return "", 0, false
		}
		return seconds(m.RemovalSeconds.P99.Estimate), m.RemovalSeconds.P99.Estimate, true
	})
	return all
}

// reportTables are the tables of "recommend".
func reportTables(r *recommended) []report.Table {
	names, measures, verdicts := columns(r.Recommendation)
	var tables []report.Table
	if settings := appliedTable(r); len(settings) > 1 {
		tables = append(tables, report.Table{Title: "Settings", Rows: settings})
	}
	if len(verdicts[0]) > 0 {
		tables = append(tables, report.Table{Title: "Objectives", Rows: verdictTable(names, verdicts)})
	}
	tables = append(tables, report.Table{Title: "Measures, with 95 % intervals", Rows: measureTable(names, measures)})
	if worth := worthTable(r.Recommendation); len(worth) > 1 {
		tables = append(tables, report.Table{Title: "From so many hangs per pod-year on a liveness probe saves more than its false kills cost", Rows: worth})
	}
	if safety := safetyTable(r.Recommendation); len(safety) > 1 {
		tables = append(tables, report.Table{Title: "H" + strings.TrimPrefix(safetyTitle(r.Recommendation), "h"), Rows: safety})
	}
	if r.Rollout != nil {
		tables = append(tables, report.Table{Title: fmt.Sprintf("Rollout of the %s", r.Rollout.Kind), Rows: rolloutTable(r.Rollout)})
	}
	if r.Termination != nil {
		tables = append(tables, report.Table{Title: "Traffic to a pod that is being deleted, by preStop", Rows: terminationTable(r.Termination)})
	}
	if len(r.Front) > 0 {
		tables = append(tables, report.Table{Title: "No other settings of the liveness probe are better in both", Rows: killTable(r.TradeOffs(model.Liveness))})
	}
	if len(r.ReadinessFront) > 0 {
		tables = append(tables, report.Table{Title: "No other settings of the readiness probe are better in both", Rows: removalTable(r.TradeOffs(model.Readiness))})
	}
	if len(r.Rejected) > 0 {
		rows := [][]string{{"considered", "not taken because"}}
		for _, rejected := range r.Rejected {
			rows = append(rows, []string{rejected.Settings, rejected.Reason})
		}
		tables = append(tables, report.Table{Title: "Considered and not taken", Rows: rows})
	}
	return tables
}

// figures draws the charts: one life under the current settings and under the
// recommended ones, and the others for what is recommended, or else is.
func (f *reportFlags) figures(cmd *cobra.Command, r *recommended) ([]report.Figure, error) {
	p := plotFlags{effort: f.effort}
	p.replications = 0 // the charts draw lives of their own, as many as they need
	p.lifeFlags.seed, p.lifeFlags.horizon = f.seed, f.horizon
	w, world := r.workload, r.workload.World
	timeline, err := p.lives(cmd, r)
	if err != nil {
		return nil, err
	}
	if len(timeline.Lives) > 1 {
		world = r.world()
	}
	figures := []report.Figure{{Heading: "The same life under both settings", Chart: timeline, File: "life"}}
	if len(timeline.Lives) == 1 {
		figures[0].Heading = "One life"
	}
	if len(r.Front) > 0 {
		figures = append(figures, report.Figure{Heading: "What there is to choose from", Chart: plots.NewFront(r.Recommendation, w.Objectives), File: "front"})
	}
	if len(r.ReadinessFront) > 0 {
		figures = append(figures, report.Figure{Heading: "What there is to choose from for readiness", Chart: plots.NewRemovalFront(r.Recommendation, w.Objectives), File: "removal"})
	}
	for _, one := range []struct {
		heading, file string
		draw          func(*cobra.Command, *scenarios.Workload, *model.World) (plots.Chart, error)
	}{
		{"How long starts take", "startup", p.startup},
		{"How long answers take", "answers", p.answers},
		{"What another CPU limit would do", "limits", p.limits},
		{"What follows a hang", "delays", p.delays},
	} {
		if !world.Container().Probed() || one.file == "startup" && len(world.Application.Startup) == 0 ||
			one.file == "limits" && !stretched(world) {
			continue
		}
		chart, err := one.draw(cmd, w, world)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.heading, err)
		}
		figures = append(figures, report.Figure{Heading: one.heading, Chart: chart, File: one.file})
	}
	cascade, err := p.reportCascade(cmd, w, world)
	if err != nil {
		return nil, err
	}
	if cascade != nil {
		figures = append(figures, report.Figure{Heading: "Whether one replica takes the others with it", Chart: cascade, File: "cascade"})
	}
	return f.withRollout(cmd, p, r, figures)
}

// lives shows the part of a life that leads to the first kill, and the same part
// under the recommended settings where there are any. A start that these no
// longer cut off is shown to its end, as far as three times that part.
func (p *plotFlags) lives(cmd *cobra.Command, r *recommended) (*plots.Timeline, error) {
	const further = 3
	w, world := r.workload, r.workload.World
	trace, from, to, err := p.life(cmd, w, world)
	if err != nil {
		return nil, err
	}
	timeline := &plots.Timeline{Scenario: world.Name, Seed: trace.Seed, Lives: []plots.Life{{Name: "current", Trace: trace, From: from, To: to}}}
	if r.Recommended == nil || len(changedFields(r.Recommendation)) == 0 {
		return timeline, nil
	}
	p.from, p.to = from, to
	after, _, _, err := p.life(cmd, w, r.world())
	if err != nil {
		return nil, err
	}
	if _, in := firstInEndpoints(after); from == 0 && !in {
		p.to = further * to
		if after, _, _, err = p.life(cmd, w, r.world()); err != nil {
			return nil, err
		}
		if at, in := firstInEndpoints(after); in {
			to = min(at+at/8, p.to)
		}
		p.to = to
		if timeline.Lives[0].Trace, _, _, err = p.life(cmd, w, world); err != nil {
			return nil, err
		}
		timeline.Lives[0].To = to
	}
	timeline.Lives = append(timeline.Lives, plots.Life{Name: "recommended", Trace: after, From: from, To: to})
	return timeline, nil
}

// firstInEndpoints returns when the pod of a life enters the endpoints first.
func firstInEndpoints(trace *sim.Trace) (time.Duration, bool) {
	i := slices.IndexFunc(trace.Events, func(e sim.Event) bool { return e.Kind == sim.EventEndpoint && e.Ready })
	if i < 0 {
		return 0, false
	}
	return trace.Events[i].At, true
}

// withRollout adds rollouts with the settings as they are and, where they differ,
// with the recommended ones: of workloads whose input says how they are rolled out.
func (f *reportFlags) withRollout(cmd *cobra.Command, p plotFlags, r *recommended, figures []report.Figure) ([]report.Figure, error) {
	w := r.workload
	if r.Rollout == nil || w.Strategy.Kind == "" {
		return figures, nil
	}
	chart := &plots.Rollout{Scenario: w.World.Name, Seed: r.Seed, Replicas: r.Rollout.Replicas, Confidence: f.confidence}
	names, worlds := []string{""}, []*model.World{w.World}
	if r.Recommended != nil && len(changedFields(r.Recommendation)) > 0 {
		names, worlds = []string{"current", "recommended"}, append(worlds, r.world())
	}
	for i, world := range worlds {
		if err := p.addRollout(cmd, w, world, names[i], chart); err != nil {
			return nil, err
		}
	}
	return append(figures, report.Figure{Heading: "How long a rollout takes", Chart: chart, File: "rollout"}), nil
}

// stretched reports whether a CPU limit can stretch the answers to the probe
// that charts are about.
func stretched(world *model.World) bool {
	kind, err := askedProbe(world)
	return err == nil && world.Container().CPULimitMilli > 0 && !world.Node.NoCFSQuota && world.Application.Probes[kind].CPU.Quantile(0.99) > 0
}

// explore predicts the grid in which a reader moves the settings, for half and
// twice the CPU limit too.
func (f *reportFlags) explore(cmd *cobra.Command, r *recommended, o recommend.Options) (*report.Explore, error) {
	settings := &r.Current.Settings
	if r.Recommended != nil {
		settings = &r.Recommended.Settings
	}
	if settings.LivenessProbe == nil && settings.ReadinessProbe == nil {
		return nil, nil
	}
	limit := r.workload.World.Container().CPULimitMilli
	tables, err := recommend.Tables(cmd.Context(), r.workload.World, o, limit/2, 2*limit)
	if err != nil {
		return nil, err
	}
	e := &report.Explore{Tables: tables, Liveness: settingOf(settings.LivenessProbe), Readiness: settingOf(settings.ReadinessProbe)}
	for _, objective := range r.workload.Objectives {
		switch {
		case objective.AtLeast:
		case objective.Measure == "falseKillsPerPodYear":
			e.MostFalseKillsPerYear = objective.Bound
		case objective.Measure == "detectionSeconds" && objective.Statistic == "p99":
			e.MostDetectionSeconds = objective.Bound
		case objective.Measure == "removalSeconds" && objective.Statistic == "p99":
			e.MostRemovalSeconds = objective.Bound
		}
	}
	return e, nil
}

func settingOf(p *model.Probe) *report.Setting {
	if p == nil {
		return nil
	}
	return &report.Setting{PeriodSeconds: p.PeriodSeconds, TimeoutSeconds: p.TimeoutSeconds, FailureThreshold: p.FailureThreshold}
}

// command returns the command line that makes the report, or the patch in it,
// again.
func (f *reportFlags) command(cmd *cobra.Command, name, arg, output string) string {
	words := []string{"probesim", name, quoted(arg), "-o", quoted(output)}
	for _, name := range []string{"seed", "horizon", "replications", "precision", "confidence", "budget", "margin"} {
		if flag := cmd.Flags().Lookup(name); flag.Changed {
			words = append(words, "--"+name, quoted(flag.Value.String()))
		}
	}
	if f.withTermination {
		words = append(words, "--"+withTermination)
	}
	for _, set := range *f.set {
		words = append(words, "--set", quoted(set))
	}
	return strings.Join(words, " ")
}

// quoted quotes a word for a shell where it has to be.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || slices.Contains([]rune("-_./:=,"), r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
