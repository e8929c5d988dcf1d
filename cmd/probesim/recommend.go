package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

type recommendFlags struct {
	effort
	output *formatFlag
	set    *[]string
	margin float64
	full   bool

	withTermination bool
}

func recommendCommand() *cobra.Command {
	var f recommendFlags
	cmd := &cobra.Command{
		Use:   "recommend SCENARIO...",
		Short: "Find probe settings that meet the objectives, say why, and write the patch",
		Long: `Searches periodSeconds, timeoutSeconds and failureThreshold of the startup,
readiness and liveness probes for settings that meet the objectives, confirms
them on fresh random numbers, and prints them with the reason for each.

With -o the settings come as a file to apply, and nothing else is printed:

  patch       a strategic merge patch of each workload, for kubectl patch
  kustomize   a kustomization.yaml with the patches in it, for kubectl apply -k; it
              names the manifests, which have to be files
  helm        values under livenessProbe, readinessProbe, startupProbe and resources
  manifest    the manifests as they are, comments and all, with the probes changed

A progressDeadlineSeconds too short for the rollouts is changed with them. What
deletions and rollouts need beside is named, and with --with-termination is part
of all of these: a preStop sleep, terminationGracePeriodSeconds and
minReadySeconds. A preStop hook that does anything but sleep stays as it is.

Exit status 1 if no settings meet the objectives, or all replicas together miss one
with those that do; 3 if that is undecided within the budget, or if it is undecided
whether the settings meet an objective that the scenario states.`,
		Example: `  probesim recommend deployment.yaml
  probesim recommend gallery:starved-20m -o patch > patch.yaml
  probesim recommend deployment.yaml -o manifest | diff deployment.yaml -
  probesim recommend gallery:alb-deregistration --with-termination -o patch
  kubectl patch deployment price-feed -n shop --patch-file patch.yaml`,
		Args:              someArguments,
		ValidArgsFunction: completeScenarios,
		RunE:              func(cmd *cobra.Command, args []string) error { return recommendScenarios(cmd, args, &f) },
	}
	f.output = addFormat(cmd, append([]string{"table", "json", "yaml", "csv"}, settledFormats...)...)
	f.effort.add(cmd)
	cmd.Flags().Float64Var(&f.margin, "margin", 1, "safety multiplier: stalls, CPU demand and startup may be this much worse")
	cmd.Flags().BoolVar(&f.full, "full", false, "go through every setting of the grid and hold the answer against it; minutes")
	cmd.Flags().BoolVar(&f.withTermination, withTermination, false, withTerminationUsage)
	f.set = addSet(cmd)
	return cmd
}

// recommended is a recommendation with the workload it is for.
type recommended struct {
	workload *scenarios.Workload
	*recommend.Recommendation
	interrupted     bool
	withTermination bool // what deletions and rollouts need is applied too
}

func recommendScenarios(cmd *cobra.Command, args []string, f *recommendFlags) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	if !(f.margin >= 1 && f.margin <= 100) {
		return fmt.Errorf("--margin: %v: must be between 1 and 100", f.margin)
	}
	workloads, status, err := load(cmd, args, *f.set)
	if err != nil {
		return err
	}
	workloads, refused, err := applicable(cmd.ErrOrStderr(), f, workloads)
	if err != nil {
		return err
	}
	status = graver(status, refused)
	var results []recommended
	for _, w := range workloads {
		o := recommend.Options{Options: f.options(cmd, w), Margin: f.margin, Full: f.full}
		o.Objectives = w.Objectives
		r, err := recommendWorkload(cmd, w, o)
		if err != nil {
			if cmd.Context().Err() != nil {
				break
			}
			return fmt.Errorf("%s: %w", w.World.Name, err)
		}
		results = append(results, recommended{workload: w, Recommendation: r, interrupted: cmd.Context().Err() != nil, withTermination: f.withTermination})
		status = graver(status, recommendStatus(w, r))
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
	if slices.Contains(settledFormats, f.output.value) {
		err = writeSettled(cmd.OutOrStdout(), cmd.ErrOrStderr(), f.output.value, results)
	} else {
		err = writeRecommendations(cmd.OutOrStdout(), f.output.value, results)
	}
	if err != nil {
		return err
	}
	return answered(status)
}

func recommendWorkload(cmd *cobra.Command, w *scenarios.Workload, o recommend.Options) (*recommend.Recommendation, error) {
	p := newProgress(cmd.ErrOrStderr(), "searching for "+w.World.Name, o.Budget)
	defer p.end()
	o.Progress = p.update
	o.Strategy, o.Aims, o.StartBudget = w.Strategy, w.Aims(), w.StartBudget
	r, err := recommend.Run(cmd.Context(), w.World, o)
	if err != nil {
		return nil, err
	}
	r.Assumptions = append(r.Assumptions, w.Assumptions...)
	r.Notes = slices.Concat(w.Notes, r.Notes)
	return r, nil
}

// recommendStatus says whether settings were found, cannot exist, or neither
// is known. Settings with which all replicas together miss an objective do not meet
// it. Whether settings that were found meet what the scenario states can be undecided,
// as in run; objectives that nobody stated guide the search alone.
func recommendStatus(w *scenarios.Workload, r *recommend.Recommendation) int {
	switch {
	case r.Infeasible != nil, len(r.Together.Missed()) > 0:
		return statusNo
	case r.Recommended == nil, len(openStated(w, r)) > 0:
		return statusUndecided
	}
	return statusDone
}

// openStated returns the objectives that the scenario states and of which it is undecided
// whether the recommended settings meet them.
func openStated(w *scenarios.Workload, r *recommend.Recommendation) []string {
	if r.Recommended == nil {
		return nil
	}
	return slices.DeleteFunc(undecided(r.Recommended.Objectives), func(name string) bool {
		return !slices.ContainsFunc(w.Stated, func(o model.Objective) bool { return estimate.Name(o) == name })
	})
}

// world returns the workload's world with the recommended probes.
func (r *recommended) world() *model.World {
	c := *r.workload.World.Container()
	s := &r.Recommended.Settings
	c.Probes = [model.ProbeKinds]*model.Probe{s.StartupProbe, s.ReadinessProbe, s.LivenessProbe}
	return r.workload.World.WithContainer(c)
}

func writeRecommendations(w io.Writer, format string, results []recommended) error {
	var bare []*recommend.Recommendation
	for _, r := range results {
		bare = append(bare, r.Recommendation)
	}
	switch format {
	case "json":
		return writeJSON(w, single(bare))
	case "yaml":
		return writeYAML(w, single(bare))
	case "csv":
		return writeCSV(w, slices.Concat([]string{"scenario", "settings"}, measureHeader), recommendRecords(results))
	}
	var buffer bytes.Buffer
	for i := range results {
		if i > 0 {
			buffer.WriteString("\n" + strings.Repeat("─", proseWidth) + "\n\n")
		}
		if err := recommendationPage(&results[i]).writeTo(&buffer); err != nil {
			return err
		}
	}
	_, err := w.Write(buffer.Bytes())
	return err
}

// recommendRecords returns the measures of the current and the recommended
// settings, with the settings themselves as records of their own.
func recommendRecords(results []recommended) [][]string {
	var rows [][]string
	for i := range results {
		r := results[i].Recommendation
		proposals := map[string]*recommend.Proposal{"current": &r.Current, "recommended": r.Recommended}
		for _, name := range []string{"current", "recommended"} {
			if proposals[name] == nil {
				continue
			}
			for _, field := range settingFields(&proposals[name].Settings) {
				rows = append(rows, []string{r.Scenario, name, field.name, "", field.value, "", "", "", "setting", ""})
			}
			if d := neededDeadline(r); d != nil {
				seconds := map[string]int64{"current": r.Rollout.ProgressDeadlineSeconds, "recommended": d.Seconds}[name]
				rows = append(rows, []string{r.Scenario, name, progressDeadline, "", strconv.FormatInt(seconds, 10), "", "", "", "setting", ""})
			}
			for _, f := range terminationFields(r) {
				value := map[string]string{"current": f.now, "recommended": f.needed}[name]
				if results[i].withTermination {
					rows = append(rows, []string{r.Scenario, name, f.name, "", value, "", "", "", "setting", ""})
				}
			}
			for _, record := range measureRecords(&proposals[name].Measures) {
				rows = append(rows, slices.Concat([]string{r.Scenario, name}, record))
			}
		}
	}
	return rows
}

type settingField struct{ name, value string }

// settingFields returns the fields of the probes by their path.
func settingFields(s *estimate.Settings) []settingField {
	var fields []settingField
	for kind, p := range []*model.Probe{s.StartupProbe, s.ReadinessProbe, s.LivenessProbe} {
		if p == nil {
			continue
		}
		head := model.ProbeKind(kind).Field() + "."
		for _, f := range []struct {
			name  string
			value int32
		}{
			{"initialDelaySeconds", p.InitialDelaySeconds}, {"periodSeconds", p.PeriodSeconds},
			{"timeoutSeconds", p.TimeoutSeconds}, {"successThreshold", p.SuccessThreshold}, {"failureThreshold", p.FailureThreshold},
		} {
			fields = append(fields, settingField{head + f.name, strconv.Itoa(int(f.value))})
		}
	}
	return fields
}

// recommendationPage lays out one recommendation for people: the settings to
// paste, what they change, why, and what else was considered.
func recommendationPage(r *recommended) *page {
	p := &page{}
	p.opening(r.workload)
	recommendationAnswer(p, r)
	if rows := appliedTable(r); len(rows) > 1 {
		p.heading("Settings")
		p.table(rows)
	}
	names, measures, verdicts := columns(r.Recommendation)
	if len(r.Binding) > 0 {
		p.heading("Why")
		p.items(reasonSentences(r.Binding))
	}
	if rows := measureTable(names, measures); len(rows) > 1 {
		p.heading("What it means")
		p.table(rows)
	}
	answered := &r.Current
	if r.Recommended != nil {
		answered = r.Recommended
	}
	if worth := worthTable(r.Recommendation); len(worth) > 1 {
		p.heading("Whether to have a liveness probe: from so many hangs per pod-year on it saves more than its false kills cost")
		p.table(worth)
		if verdict, yes := answered.WorthSentence(); verdict != "" && yes {
			p.items([]string{verdict + "."})
		}
	}
	if len(verdicts[0]) > 0 {
		p.heading("Objectives")
		p.table(verdictTable(names, verdicts))
	}
	if r.Together != nil {
		togetherPage(p, &r.Together.Together)
	}
	if rows := safetyTable(r.Recommendation); len(rows) > 1 {
		p.heading("Safety: " + safetyTitle(r.Recommendation))
		p.table(rows)
	}
	adviceBeside(p, r.Recommendation)
	frontsPage(p, r.Recommendation)
	if e := r.Grid; e != nil {
		p.heading("The whole grid")
		p.items(gridSentences(e, r.Infeasible != nil && r.Infeasible.Proved))
	}
	if len(r.Rejected) > 0 {
		p.heading("Considered and not taken")
		for _, rejected := range r.Rejected {
			p.prose("  - ", "    ", rejected.Settings+": "+rejected.Reason)
		}
	}
	if patch, err := r.patch(); err == nil && len(patch) > 0 {
		p.heading(fmt.Sprintf("Patch (%s prints it alone)", patchFlags(r)))
		p.printf("%s", patch)
	}
	if len(r.Notes) > 0 {
		p.heading("Notes")
		p.items(notesForReaders(r.Notes))
	}
	p.printf("\nseed %d\n", r.Seed)
	return p
}

// recommendationAnswer lays out what a reader needs first: what to set and what that brings, or
// that nothing works and what would.
func recommendationAnswer(p *page, r *recommended) {
	p.heading("Answer")
	if margin := r.MarginSentence(); margin != "" {
		p.items([]string{margin + "."})
	}
	p.items(unprobed(r.workload.World))
	switch {
	case r.interrupted && r.Recommended == nil && r.Infeasible == nil:
		p.items([]string{"Interrupted before there was an answer; what was reached follows, and the notes say how far that is."})
	case r.Recommended != nil:
		p.items(recommendedSentences(r))
		for _, aim := range r.GivenUp {
			p.items([]string{"Given up: " + aim.Objective + "; " + aim.Reason + "."})
		}
		for _, risk := range r.Recommended.Risks {
			p.items([]string{"CAUTION: " + risk + "."})
		}
	case r.Infeasible != nil:
		p.items([]string{"NO SETTINGS MEET THE OBJECTIVES: " + r.Infeasible.Reason})
		for i := range r.Infeasible.Remedies {
			p.items([]string{r.Infeasible.Remedies[i].Sentence()})
		}
		if untried := r.Infeasible.UntriedSentence(); untried != "" {
			p.items([]string{untried})
		}
	default:
		p.items([]string{"Undecided within this effort; a larger --budget decides."})
	}
	if stretched := r.Starts.Sentence(); stretched != "" {
		p.items([]string{stretched + "."})
	}
	p.items(togetherSentences(r.Together))
	p.items(terminationSentences(r))
}

// togetherSentences say what the recommended settings do to all replicas together, and
// what would mend it.
func togetherSentences(t *recommend.Replicas) []string {
	var sentences []string
	for _, said := range slices.Concat(t.Warnings(), t.RemedySentences()) {
		sentences = append(sentences, said+".")
	}
	return sentences
}

// columns are those of tables about the current and, if there are any, the
// recommended settings.
func columns(r *recommend.Recommendation) (names []string, measures []*estimate.Measures, verdicts [][]estimate.Verdict) {
	names, measures, verdicts = []string{"current"}, []*estimate.Measures{&r.Current.Measures}, [][]estimate.Verdict{r.Current.Objectives}
	if r.Recommended != nil {
		names = append(names, "recommended")
		measures = append(measures, &r.Recommended.Measures)
		verdicts = append(verdicts, r.Recommended.Objectives)
	}
	return names, measures, verdicts
}

// patch returns the patch to the recommended settings; none where there are no
// such settings, or they are those that are there.
func (r *recommended) patch() ([]byte, error) {
	if !r.settles() || !r.changes() {
		return nil, nil
	}
	return scenarios.Patch(r.settled())
}

// patchFlags are the flags with which the patch is printed alone.
func patchFlags(r *recommended) string {
	if r.withTermination {
		return "--" + withTermination + " -o patch"
	}
	return "-o patch"
}

// settles reports whether there is anything to apply: settings of the probes or,
// where they were asked for, of deletions and rollouts, which do not depend on them.
func (r *recommended) settles() bool { return r.Recommended != nil || len(terminationRows(r)) > 0 }

// changes reports whether what is applied differs from what is there.
func (r *recommended) changes() bool {
	return r.Recommended != nil && len(changedFields(r.Recommendation)) > 0 || len(terminationRows(r)) > 0
}

// settled returns the workload with what is recommended: the probes, the progress
// deadline where the present one is too short and the workload has one, and what
// deletions and rollouts need, if that was asked for.
func (r *recommended) settled() scenarios.Settled {
	settled := scenarios.Settled{Workload: r.workload, Container: r.workload.World.Container(), Termination: r.settledTermination()}
	if r.Recommended != nil {
		settled.Container = r.world().Container()
	}
	if d := neededDeadline(r.Recommendation); d != nil && r.workload.Kind == "Deployment" {
		settled.ProgressDeadline = int32(d.Seconds)
	}
	if t := r.TerminationSettings; r.withTermination && t != nil && t.ProgressDeadlineSeconds != nil {
		settled.ProgressDeadline = int32(*t.ProgressDeadlineSeconds)
	}
	return settled
}

// neededDeadline returns the progress deadline that is to be set; nil: none.
func neededDeadline(r *recommend.Recommendation) *recommend.Deadline {
	if r.Recommended == nil || r.Rollout == nil || r.Rollout.Assumed || r.Rollout.Deadline == nil || r.Rollout.Deadline.PresentCovers {
		return nil
	}
	return r.Rollout.Deadline
}

// recommendedSentences says what to set and what that brings, whether it needs the
// liveness probe, and what has no reserve.
func recommendedSentences(r *recommended) []string {
	sentences := proposedSentences(r)
	if doubt := livenessDoubt(r.Recommendation); doubt != "" {
		sentences = append(sentences, doubt)
	}
	if reserve := withoutReserve(r.Recommendation); reserve != "" {
		sentences = append(sentences, reserve)
	}
	return sentences
}

func proposedSentences(r *recommended) []string {
	before := r.Current.Measures.FalseKillRate()
	after := r.Recommended.Measures.FalseKillRate()
	changed := changedFields(r.Recommendation)
	open := undecided(r.Recommended.Objectives)
	switch {
	case len(changed) == 0 && len(open) == 0 && len(r.Together.Missed()) > 0:
		return []string{"Keep the settings of the probes as they are: each pod by itself meets every objective. Others were not looked for."}
	case len(changed) == 0 && len(open) == 0:
		return []string{"Keep the settings of the probes as they are: they meet every objective, and no others cost clearly less."}
	case len(changed) == 0:
		return []string{"Keep the settings of the probes as they are: they miss no objective, and the best others leave as much undecided.", "Undecided within this effort: " + enumerate(open) + "."}
	}
	sentences := []string{"Set " + enumerate(changed) + "."}
	if cheaper := cheaper(r.Recommendation); cheaper != "" {
		sentences = append(sentences, cheaper)
	}
	if before != nil && after != nil {
		sentences = append(sentences, fmt.Sprintf("False kills per pod-year: %s %s, then %s.", rateText(before), atPresent(r.Recommendation), rateText(after)))
	}
	if b, a := r.Current.Measures.DetectionSeconds, r.Recommended.Measures.DetectionSeconds; b != nil && a != nil {
		sentences = append(sentences, fmt.Sprintf("A hang is detected within %s in 99 of 100 cases, %s within %s.", seconds(a.P99.Estimate), atPresent(r.Recommendation), seconds(b.P99.Estimate)))
	}
	if b, a := r.Current.Measures.RemovalSeconds, r.Recommended.Measures.RemovalSeconds; b != nil && a != nil {
		sentences = append(sentences, fmt.Sprintf("A dead pod gets traffic for at most %s in 99 of 100 cases, %s for %s.", seconds(a.P99.Estimate), atPresent(r.Recommendation), seconds(b.P99.Estimate)))
	}
	if later := startsMoved(r.Recommendation); later != "" {
		sentences = append(sentences, later)
	}
	if fallen := lessAvailable(r.Current.Measures.Availability, r.Recommended.Measures.Availability); fallen != "" {
		sentences = append(sentences, fallen)
	}
	if len(open) > 0 {
		sentences = append(sentences, "Undecided within this effort: "+enumerate(open)+".")
	}
	return sentences
}

// livenessDoubt says what speaks against a liveness probe: too few hangs for its
// false kills, or that these cannot be excluded; empty: nothing.
func livenessDoubt(r *recommend.Recommendation) string {
	p := r.Recommended
	if verdict, yes := p.WorthSentence(); verdict != "" && !yes {
		return verdict + "."
	}
	kills, worth := p.Measures.FalseKillRate(), p.LivenessWorth
	uncertain := slices.ContainsFunc(undecided(p.Objectives), func(name string) bool { return strings.HasPrefix(name, "falseKills") })
	if !uncertain || kills == nil || len(worth) == 0 || worth[0].StatedHangsPerPodYear != nil {
		return ""
	}
	first, last := &worth[0], &worth[len(worth)-1]
	whether := "Whether to have the livenessProbe at all is open"
	if r.Current.Settings.LivenessProbe == nil {
		whether = "Whether to add the livenessProbe at all is open"
	}
	return fmt.Sprintf("%s: up to %s false kills a year cannot be excluded, and it pays for certain only from %s hangs a year on where somebody restarts a hung process after %s, from %s after %s.",
		whether, number(kills.High), number(first.HangsPerPodYear.High), seconds(first.RepairSeconds), number(last.HangsPerPodYear.High), seconds(last.RepairSeconds))
}

// startsMoved says how much sooner or later than now a start is Ready; empty: the
// pairs of starts show neither, or a pod is Ready now before it can serve.
func startsMoved(r *recommend.Recommendation) string {
	if r.Rollout == nil || r.Rollout.SecondsSavedPerStart == nil || r.Current.Settings.ReadinessProbe == nil {
		return ""
	}
	switch saved := r.Rollout.SecondsSavedPerStart; {
	case saved.Low > 0:
		return fmt.Sprintf("A start is Ready %s sooner than now on average.", seconds(saved.Estimate))
	case saved.High < 0:
		return fmt.Sprintf("The price: a start is Ready %s later than now on average.", seconds(-saved.Estimate))
	}
	return ""
}

// cheaper says what settings are for that replace others which meet every objective as
// they do; empty: those do not.
func cheaper(r *recommend.Recommendation) string {
	before, after := r.Current.Measures.Availability, r.Recommended.Measures.Availability
	if before == nil || after == nil || len(undecided(r.Current.Objectives)) > 0 || len(missed(r.Current.Objectives)) > 0 {
		return ""
	}
	return fmt.Sprintf("The current settings meet every objective too, but cost more: a pod is available for %s of the time now, then for %s.", estimated(before, share), estimated(after, share))
}

// lessAvailable says what settings cost that have a pod out of the endpoints for
// longer, as readiness does that sheds load; empty: the intervals show no such thing.
func lessAvailable(before, after *stats.Estimate) string {
	if before == nil || after == nil || after.High >= before.Low {
		return ""
	}
	return fmt.Sprintf("The price: a pod is available for %s of the time, now for %s; objectives.availability bounds that.",
		estimated(after, share), estimated(before, share))
}

// changedFields returns the fields whose recommended value differs from the
// current one, as "livenessProbe.timeoutSeconds 5 (now 1)".
func changedFields(r *recommend.Recommendation) []string {
	now := map[string]string{}
	for _, f := range settingFields(&r.Current.Settings) {
		now[f.name] = f.value
	}
	var changed []string
	for _, f := range settingFields(&r.Recommended.Settings) {
		if old, known := now[f.name]; !known {
			if !strings.HasSuffix(f.name, "initialDelaySeconds") && !strings.HasSuffix(f.name, "successThreshold") {
				changed = append(changed, f.name+" "+f.value+" (new)")
			}
		} else if old != f.value {
			changed = append(changed, fmt.Sprintf("%s %s (now %s)", f.name, f.value, old))
		}
	}
	if d := neededDeadline(r); d != nil {
		changed = append(changed, fmt.Sprintf("%s %d (now %d)", progressDeadline, d.Seconds, r.Rollout.ProgressDeadlineSeconds))
	}
	return changed
}

// settingsTable shows current and recommended values side by side.
func settingsTable(r *recommend.Recommendation) [][]string {
	rows := [][]string{{"", "current"}}
	if r.Recommended != nil {
		rows[0] = append(rows[0], "recommended")
	}
	value := map[string][2]string{}
	var order []string
	collect := func(s *estimate.Settings, column int) {
		for _, f := range settingFields(s) {
			values, known := value[f.name]
			if !known {
				order = append(order, f.name)
			}
			values[column] = f.value
			value[f.name] = values
		}
	}
	if r.Recommended != nil {
		collect(&r.Recommended.Settings, 1)
	}
	collect(&r.Current.Settings, 0)
	for _, name := range order {
		values := value[name]
		row := []string{name, dash(values[0])}
		if r.Recommended != nil {
			mark := ""
			if values[0] != values[1] {
				mark = "  <- changed"
			}
			row = append(row, dash(values[1])+mark)
		}
		rows = append(rows, row)
	}
	if d := neededDeadline(r); d != nil {
		rows = append(rows, []string{progressDeadline, strconv.FormatInt(r.Rollout.ProgressDeadlineSeconds, 10), fmt.Sprintf("%d  <- changed", d.Seconds)})
	}
	return rows
}

// progressDeadline is the field of a Deployment's spec.
const progressDeadline = "progressDeadlineSeconds"

func dash(text string) string {
	if text == "" {
		return none
	}
	return text
}

func reasonSentences(reasons []recommend.Reason) []string {
	var sentences []string
	for _, reason := range reasons {
		sentences = append(sentences, fmt.Sprintf("%s %s: %s", reason.Field, reason.Value, reason.Sentence))
	}
	return sentences
}

// worthTable shows the break-even rates of hangs, by how long a hung process
// would wait for somebody to restart it.
func worthTable(r *recommend.Recommendation) [][]string {
	rows := [][]string{{"restarted by hand after", "current"}}
	columns := [][]recommend.Worth{r.Current.LivenessWorth}
	if r.Recommended != nil {
		rows[0] = append(rows[0], "recommended")
		columns = append(columns, r.Recommended.LivenessWorth)
	}
	cells := map[float64][]string{}
	var order []float64
	for column, all := range columns {
		for i := range all {
			repair := all[i].RepairSeconds
			if cells[repair] == nil {
				order = append(order, repair)
				cells[repair] = slices.Repeat([]string{none}, len(columns))
			}
			hangs := &all[i].HangsPerPodYear
			cells[repair][column] = estimated(hangs, number)
			if hangs.Estimate == 0 || hangs.Method == closedForm {
				cells[repair][column] = "at most " + number(hangs.High)
			}
		}
	}
	slices.Sort(order)
	for _, repair := range order {
		rows = append(rows, append([]string{seconds(repair)}, cells[repair]...))
	}
	return rows
}

// gridSentences says what going through every setting showed.
func gridSentences(e *recommend.Enumeration, proved bool) []string {
	sentences := []string{fmt.Sprintf("%s combinations of settings: %s are predicted to meet every objective, %s may, at the favourable end of their predictions.",
		number(float64(e.Combinations)), number(float64(e.Meeting)), number(float64(e.Possible)))}
	if e.Cheapest != nil {
		sentences = append(sentences, fmt.Sprintf("The cheapest costs %s per pod-year: %s.", seconds(*e.Cheapest), e.Settings))
	}
	if e.Possible == 0 && proved {
		sentences = append(sentences, "None is possible even so: that no settings exist is proved by exhaustion.")
	}
	agrees := "The search agrees: no setting of the grid is cheaper by more than four nines of the time are worth."
	if !e.Agrees {
		agrees = "THE SEARCH DISAGREES with the grid."
	} else if e.Meeting == 0 {
		agrees = "The search agrees."
	}
	return append(sentences, agrees)
}

// atPresent stands before or behind a number of the current settings. It is one of now
// only where no margin makes the world another.
func atPresent(r *recommend.Recommendation) string {
	if r.Margin != 1 {
		return fmt.Sprintf("with the current settings and the margin of %g", r.Margin)
	}
	return "now"
}

// safetyTitle says what the safety multipliers are. They are factors of the world that
// was searched, which a margin has worsened already.
func safetyTitle(r *recommend.Recommendation) string {
	title := "how many times as long stalls, CPU demand and starts may become before an objective breaks (alone in brackets; 2–3: it holds at 2, and not at 3)"
	if r.Margin != 1 {
		title += fmt.Sprintf("; on top of the margin: 2 is %g times as long as the scenario says", 2*r.Margin)
	}
	return title
}

// safetyTable shows the safety multipliers, by objective.
func safetyTable(r *recommend.Recommendation) [][]string {
	rows := [][]string{{"objective", "current"}}
	columns := [][]recommend.Safety{r.Current.Safety}
	if r.Recommended != nil {
		rows[0] = append(rows[0], "recommended")
		columns = append(columns, r.Recommended.Safety)
	}
	for i := range r.Current.Safety {
		row := []string{r.Current.Safety[i].Objective}
		for _, all := range columns {
			cell := none
			if i < len(all) {
				cell = safetyText(&all[i])
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return rows
}

// safetyText writes the factors of one objective: "any" where nothing that was looked
// for breaks it.
func safetyText(s *recommend.Safety) string {
	if s.Now != "met" {
		return s.Now + " now"
	}
	var alone []string
	for _, part := range []struct {
		name   string
		factor *recommend.Factor
	}{{"stalls", s.Stalls}, {"CPU", s.CPUDemand}, {"starts", s.Startup}} {
		if part.factor != nil {
			alone = append(alone, part.name+" "+factorText(part.factor))
		}
	}
	text := factorText(s.All)
	if alone != nil {
		text += " (" + strings.Join(alone, ", ") + ")"
	}
	return text
}

// factorText writes between which factors an objective breaks, as one number where
// they are next to each other.
func factorText(f *recommend.Factor) string {
	const next = 1.03
	switch {
	case f == nil:
		return "any"
	case f.Below == nil:
		return "at least " + number(f.AtLeast)
	case *f.Below <= next*f.AtLeast:
		return number(f.AtLeast)
	}
	return number(f.AtLeast) + "–" + number(*f.Below)
}

// littleReserve is the safety multiplier at which settings that break by then count as
// having no reserve.
const littleReserve = 1.2

// withoutReserve names the objectives that the recommended settings meet with next to
// no reserve; empty: none.
func withoutReserve(r *recommend.Recommendation) string {
	var close []string
	for i := range r.Recommended.Safety {
		if s := &r.Recommended.Safety[i]; s.Now == "met" && s.All != nil && s.All.Below != nil && *s.All.Below <= littleReserve {
			close = append(close, s.Objective)
		}
	}
	if close == nil {
		return ""
	}
	return fmt.Sprintf("Next to no reserve: %s is predicted to break once stalls, CPU demand and starts are barely longer; --margin %.3g looks for settings that hold.", enumerate(close), 1.5*r.Margin)
}

// adviceBeside lays out what concerns rollouts and deletions, beside the settings of the
// probes.
func adviceBeside(p *page, r *recommend.Recommendation) {
	if r.Rollout != nil {
		p.heading(fmt.Sprintf("Rollout of the %s", r.Rollout.Kind))
		p.table(rolloutTable(r.Rollout))
		p.items(r.Rollout.Sentences)
	}
	if r.Termination != nil {
		p.heading("Termination: traffic to a pod that is being deleted, by preStop")
		p.table(terminationTable(r.Termination))
		p.items([]string{r.Termination.Sentence + "."})
	}
}

// rolloutTable shows what rollouts take with the current and the recommended
// settings.
func rolloutTable(r *recommend.Rollout) [][]string {
	rows := [][]string{{"", "current"}, {"creation of a pod to available, p50"}, {"the same, p99"}, {"whole rollout, p50"}, {"the same, p99"}, {"progress deadline"}, {"pods beyond it"}, {"rollouts that fail"}}
	columns := []*recommend.RolloutTimes{r.Current}
	if r.Recommended != nil {
		rows[0] = append(rows[0], "recommended")
		columns = append(columns, r.Recommended)
	}
	for _, t := range columns {
		deadline := none
		if t.ProgressDeadlineSeconds > 0 {
			deadline = fmt.Sprintf("%d s", t.ProgressDeadlineSeconds)
		}
		for i, cell := range []string{
			estimated(&t.TimeToAvailableSeconds.P50, seconds), estimated(&t.TimeToAvailableSeconds.P99, seconds),
			estimated(&t.TotalSeconds.P50, seconds), estimated(&t.TotalSeconds.P99, seconds), deadline,
			estimated(t.PodExceedsDeadlineProbability, share), estimated(t.RolloutFailsProbability, share),
		} {
			rows[i+1] = append(rows[i+1], cell)
		}
	}
	return rows
}

// terminationTable shows what deletions cost by how long preStop sleeps.
func terminationTable(t *recommend.Termination) [][]string {
	rows := [][]string{{"preStop", "grace", "dead traffic per deletion", "deletions that have any", "shutdowns cut off"}}
	for i := range t.ByPreStop {
		at := &t.ByPreStop[i]
		if least := t.LeastPreStopSeconds; least != nil && at.PreStopSeconds > float64(*least) && !at.Present {
			continue // was only tried to find the shortest
		}
		sleep := seconds(at.PreStopSeconds)
		if at.Present {
			sleep += " (now)"
		}
		dead := "none seen"
		if at.DeadTrafficSecondsPerDeletion.Estimate > 0 {
			dead = estimated(&at.DeadTrafficSecondsPerDeletion, seconds)
		}
		rows = append(rows, []string{sleep, fmt.Sprintf("%d s", at.GracePeriodSeconds), dead, estimated(&at.DeletionsWithDeadTraffic, share), share(at.CutOffProbability)})
	}
	return rows
}
