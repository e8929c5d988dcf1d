package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/lint"
)

type lintFlags struct {
	output *formatFlag
	set    *[]string
	failOn string
	seed   uint64
	jobs   int
}

// never is the value of lint's --fail-on with which findings do not fail it.
const never = "never"

func lintCommand() *cobra.Command {
	var f lintFlags
	cmd := &cobra.Command{
		Use:   "lint SCENARIO...",
		Short: "Check probes against the advice and Kubernetes' rules, with the number behind each finding",
		Long: `Checks every container with probes against the advice on probes and the rules of
Kubernetes. Each finding has a stable id, a severity, the line, the number from the
model that backs it and the fix; a check without a number says nothing. Workloads
come worst first: by the time in which requests are lost in a pod's year, by the
closed form where it decides and else by a short simulation.

An object, or its pod template, suppresses checks by the annotation
` + lint.Annotation + `: id,id. What is said of an application nobody described rests
on the assumptions that "probesim show" prints; it is a warning at most.

--set cluster.kubernetesVersion=1.19 checks for a version; lint takes older ones
than can be simulated.

Exit status 1 if a finding is as severe as --fail-on; 2 if a file cannot be read,
after the findings about the others, or if standard input is empty. Files without
anything to check are no fault.`,
		Example: `  probesim lint deployment.yaml
  kubectl get deploy -A -o json | probesim lint -
  probesim lint k8s/*.yaml --fail-on warning -o github
  probesim lint k8s/*.yaml -o sarif > probesim.sarif
  probesim lint deployment.yaml --set cluster.kubernetesVersion=1.19`,
		Args:              someArguments,
		ValidArgsFunction: completeScenarios,
		RunE:              func(cmd *cobra.Command, args []string) error { return lintFiles(cmd, args, &f) },
	}
	f.output = addFormat(cmd, "table", "json", "yaml", "csv", "sarif", "github")
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.failOn, "fail-on", "error", "exit with status 1 from this severity on: error, warning, info, or never")
	complete(cmd, "fail-on", "error", "warning", "info", never)
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the short simulations")
	flags.IntVarP(&f.jobs, "jobs", "j", 0, "workers; never changes a result (default one per CPU)")
	f.set = addSet(cmd)
	return cmd
}

// lintResult is the result of `lint`.
type lintResult struct {
	APIVersion string        `json:"apiVersion"` // "probesim/v1"
	Kind       string        `json:"kind"`       // "Lint"
	Seed       uint64        `json:"seed"`
	Workloads  []lintRow     `json:"workloads"` // worst first
	Findings   []lintFinding `json:"findings"`  // in the order of the workloads, each workload's worst first
	Notes      []string      `json:"notes"`

	assessor lint.Assessor
}

// lintRow is one container of a workload.
type lintRow struct {
	Workload   string     `json:"workload"`
	Kind       string     `json:"kind"`
	Namespace  string     `json:"namespace"`
	Name       string     `json:"name"`
	Container  string     `json:"container"`
	Replicas   int        `json:"replicas"`
	Risk       *lint.Risk `json:"risk"`    // null where it could not be simulated
	Assumed    bool       `json:"assumed"` // nobody said how the application starts, or how it answers
	Errors     int        `json:"errors"`
	Warnings   int        `json:"warnings"`
	Infos      int        `json:"infos"`
	Suppressed int        `json:"suppressed"`

	findings []lintFinding
}

// lintFinding is a finding with the place where it stands.
type lintFinding struct {
	Workload  string `json:"workload"`
	Namespace string `json:"namespace"`
	Container string `json:"container"`
	File      string `json:"file"`
	Line      int    `json:"line"` // from 1; 0 where there is none
	Path      string `json:"path"` // of the field, in the file
	lint.Finding
}

func lintFiles(cmd *cobra.Command, args []string, f *lintFlags) error {
	threshold := lint.Severity(255)
	if f.failOn != never {
		var err error
		if threshold, err = lint.ParseSeverity(f.failOn); err != nil {
			return fmt.Errorf("--fail-on: %w, never", err)
		}
	}
	if cmd.Flags().Changed("jobs") && !validJobs(f.jobs) {
		return fmt.Errorf("--jobs: %d: must be 1 to %d", f.jobs, mostJobs)
	}
	r := &lintResult{APIVersion: "probesim/v1", Kind: "Lint", Seed: f.seed, Workloads: []lintRow{}, Findings: []lintFinding{}, Notes: []string{}}
	r.assessor = lint.Assessor{Seed: f.seed, Jobs: f.jobs}
	faults := r.read(cmd, args, f)
	r.sort()
	if err := cmd.Context().Err(); err != nil && len(r.Workloads) == 0 {
		return err
	}
	if len(r.Workloads) > 0 || faults == nil {
		if err := r.write(cmd.OutOrStdout(), f.output.value); err != nil {
			return err
		}
	}
	switch {
	case cmd.Context().Err() != nil:
		return answered(statusInterrupted)
	case faults != nil:
		return faults
	case slices.ContainsFunc(r.Findings, func(f lintFinding) bool { return !f.Suppressed && f.Severity >= threshold }):
		return answered(statusNo)
	}
	return nil
}

// read checks every container of every file. What keeps a file from being read
// does not keep the others from it.
func (r *lintResult) read(cmd *cobra.Command, args []string, f *lintFlags) error {
	sources, faults, err := openAll(cmd, args)
	if err != nil {
		return err
	}
	for _, source := range sources {
		if source.Name == "-" && len(bytes.TrimSpace(source.Data)) == 0 {
			faults = append(faults, errors.New("<stdin>: is empty: the command that writes it has failed, or found nothing"))
			continue
		}
		p := newProgress(cmd.ErrOrStderr(), "checking "+source.Name, 0)
		notes, err := scenarios.Inspect(source, *f.set, lint.Annotation, func(i *scenarios.Inspection) {
			if cmd.Context().Err() != nil {
				return
			}
			if i.Faults.Of(scenarios.CommandLine) || i.OfScenario && i.Faults != nil {
				faults = append(faults, i.Faults) // a mistake of whoever asks, not of a manifest
				return
			}
			r.inspect(cmd.Context(), i)
			p.checked(len(r.Workloads))
		})
		p.end()
		r.Notes = append(r.Notes, notes...)
		var wrong scenarios.Faults
		switch {
		case errors.As(err, &wrong) && wrong.Empty():
			// No fault: a hook gets every file that was changed.
			r.Notes = append(r.Notes, err.Error())
		case err != nil:
			faults = append(faults, err)
		}
	}
	return once(faults)
}

// once joins errors, each text once: every object repeats what is wrong with a
// flag.
func once(faults []error) error {
	var kept []error
	seen := map[string]bool{}
	for _, fault := range faults {
		if fault != nil && !seen[fault.Error()] {
			kept = append(kept, fault)
			seen[fault.Error()] = true
		}
	}
	return errors.Join(kept...)
}

// inspect checks one container. Its world is forgotten afterwards.
func (r *lintResult) inspect(ctx context.Context, i *scenarios.Inspection) {
	row := lintRow{Workload: i.Title, Kind: i.Kind, Namespace: i.Namespace, Name: i.Name, Container: i.Container}
	for _, note := range i.Notes {
		if !slices.Contains(r.Notes, note) {
			r.Notes = append(r.Notes, note)
		}
	}
	for _, fault := range i.Faults {
		row.findings = append(row.findings, lintFinding{
			File: fault.File, Line: fault.Line, Path: fault.Path,
			Finding: lint.Finding{ID: lint.Invalid, Severity: lint.Error, Message: fault.Message, Fix: "correct the field", Field: fault.Path, Rules: []string{"K56", "K58"}},
		})
	}
	row.findings = append(row.findings, unknownFields(i)...)
	if i.World != nil {
		row.Replicas, row.Assumed = i.World.Replicas, i.StartupAssumed || i.AnswersAssumed
		subject := &lint.Subject{
			World: i.World, Kind: i.Kind, ProgressDeadlineSeconds: i.ProgressDeadlineSeconds,
			StartupAssumed: i.StartupAssumed, AnswersAssumed: i.AnswersAssumed, StartupGranted: i.StartupGranted,
			UnknownPorts: i.UnknownPorts, Ignored: i.Ignored,
		}
		risk, err := r.assessor.Assess(ctx, i.World, i.StartupGranted)
		if err != nil {
			r.Notes = append(r.Notes, fmt.Sprintf("%s, container %s: no risk: %v", i.Title, i.Container, err))
		}
		row.Risk, subject.Risk = risk, risk
		for _, finding := range lint.Check(subject) {
			file, line, path := i.Place(finding.Field)
			row.findings = append(row.findings, lintFinding{File: file, Line: line, Path: path, Finding: finding})
		}
	}
	slices.SortStableFunc(row.findings, func(a, b lintFinding) int { return cmp.Compare(b.Severity, a.Severity) })
	for n := range row.findings {
		finding := &row.findings[n]
		finding.Workload, finding.Namespace, finding.Container = row.Workload, row.Namespace, row.Container
		switch {
		case finding.Suppressed:
			row.Suppressed++
		case finding.Severity == lint.Error:
			row.Errors++
		case finding.Severity == lint.Warning:
			row.Warnings++
		default:
			row.Infos++
		}
	}
	r.Workloads = append(r.Workloads, row)
}

// unknownFields returns the findings about fields that Kubernetes ignores. A field can be
// newer than what is known here, but far more often it is misspelt.
func unknownFields(i *scenarios.Inspection) []lintFinding {
	rule := lint.RuleOf(lint.UnknownField)
	var findings []lintFinding
	for _, unknown := range i.UnknownFields {
		fix := "correct its name or place, or remove it, unless it is newer than Kubernetes " + model.NewestVersion.String()
		if unknown.Nearest != "" {
			fix = fmt.Sprintf("did you mean %q?", unknown.Nearest)
		}
		findings = append(findings, lintFinding{
			File: unknown.File, Line: unknown.Line, Path: unknown.Path,
			Finding: lint.Finding{
				ID: rule.ID, Severity: rule.Severity, Field: unknown.Path, Fix: fix, Rules: rule.Cites,
				Message:    fmt.Sprintf("unknown field %q: Kubernetes ignores it, and what it should set keeps its default", unknown.Name),
				Suppressed: slices.Contains(i.Ignored, rule.ID),
			},
		})
	}
	return findings
}

// sort puts the workloads in order, worst first: those that cannot be judged,
// then by risk, then by their findings.
func (r *lintResult) sort() {
	lost := func(row *lintRow) float64 {
		if row.Risk == nil {
			return 1e12
		}
		return float64(row.Risk.LostSecondsPerPodYear)
	}
	slices.SortStableFunc(r.Workloads, func(a, b lintRow) int {
		return cmp.Or(cmp.Compare(lost(&b), lost(&a)), cmp.Compare(b.Errors, a.Errors), cmp.Compare(b.Warnings, a.Warnings), cmp.Compare(b.Infos, a.Infos))
	})
	for i := range r.Workloads {
		r.Findings = append(r.Findings, r.Workloads[i].findings...)
	}
}

func (r *lintResult) write(w io.Writer, format string) error {
	switch format {
	case "json":
		return writeJSON(w, r)
	case "yaml":
		return writeYAML(w, r)
	case "csv":
		return writeCSV(w, lintHeader, r.records())
	case "sarif":
		return writeJSON(w, r.sarif())
	case "github":
		_, err := io.WriteString(w, r.github())
		return err
	}
	return r.page().writeTo(w)
}

var lintHeader = []string{
	"workload", "namespace", "container", "lostSecondsPerPodYear", "falseKillsPerPodYear", "falseKillsPerPodYearLow", "falseKillsPerPodYearHigh", "startupKillProbability",
	"id", "severity", "file", "line", "path", "message", "fix", "value", "unit", "of", "method", "assumed", "suppressed",
}

// records returns one record for each finding, and one for each container
// without any.
func (r *lintResult) records() [][]string {
	var rows [][]string
	for i := range r.Workloads {
		row := &r.Workloads[i]
		head := append([]string{row.Workload, row.Namespace, row.Container}, riskCells(row.Risk)...)
		if len(row.findings) == 0 {
			rows = append(rows, append(slices.Clone(head), make([]string, len(lintHeader)-len(head))...))
		}
		for _, f := range row.findings {
			number := []string{"", "", "", ""}
			if n := f.Number; n != nil {
				number = []string{exactNumber(float64(n.Value)), n.Unit, n.Of, n.Method}
			}
			rows = append(rows, slices.Concat(head, []string{
				f.ID, f.Severity.String(), f.File, strconv.Itoa(f.Line), f.Path, f.Message, f.Fix,
			}, number, []string{strconv.FormatBool(f.Assumed), strconv.FormatBool(f.Suppressed)}))
		}
	}
	return rows
}

// riskCells writes a risk for a machine.
func riskCells(r *lint.Risk) []string {
	cells := make([]string, 5)
	if r == nil {
		return cells
	}
	cells[0] = exactNumber(float64(r.LostSecondsPerPodYear))
	if k := r.FalseKillsPerPodYear; k != nil {
		cells[1], cells[2], cells[3] = exactNumber(k.Estimate), exactNumber(k.Low), exactNumber(k.High)
	}
	if k := r.StartupKillProbability; k != nil {
		cells[4] = exactNumber(k.Estimate)
	}
	return cells
}

// place names where a finding stands: "deployment.yaml:12".
func (f *lintFinding) place() string {
	if f.Line == 0 {
		return f.File
	}
	return f.File + ":" + strconv.Itoa(f.Line)
}

// full names a workload with its namespace.
func (row *lintRow) full() string {
	if row.Namespace == "" {
		return row.Workload
	}
	return row.Namespace + "/" + row.Workload
}

// negligible is the number of false kills a year below which a table does not
// tell them apart.
const negligible = .001

// riskTexts writes a risk for people.
func riskTexts(r *lint.Risk) []string {
	cells := []string{none, none, none}
	if r == nil {
		return cells
	}
	cells[0] = "< 1 s"
	if lost := float64(r.LostSecondsPerPodYear); lost >= 1 {
		cells[0] = seconds(lost)
	}
	if k := r.FalseKillsPerPodYear; k != nil {
		switch {
		case k.High > 0 && k.High < negligible:
			cells[1] = "< " + number(negligible)
		case k.Low == 0 && k.Estimate > 0:
			cells[1] = "at most " + number(k.High)
		default:
			cells[1] = estimated(k, number)
		}
	}
	if k := r.StartupKillProbability; k != nil {
		cells[2] = share(k.Estimate)
	}
	return cells
}

// page lays the result out for people: a line for each container, worst first,
// then what was found about each.
func (r *lintResult) page() *page {
	p := &page{}
	rows := [][]string{{"workload", "container", "lost per year", "false kills", "starts killed", "errors", "warnings", "infos"}}
	suppressed, assumed := 0, false
	for i := range r.Workloads {
		row := &r.Workloads[i]
		cells := append([]string{row.full(), row.Container}, riskTexts(row.Risk)...)
		rows = append(rows, append(cells, strconv.Itoa(row.Errors), strconv.Itoa(row.Warnings), strconv.Itoa(row.Infos)))
		suppressed += row.Suppressed
	}
	if len(r.Workloads) == 0 {
		p.printf("Nothing to check\n")
		p.notes(r.Notes)
		return p
	}
	p.printf("Worst first, by the time in which requests to one pod are lost in a year. False kills of a serving pod per year.\n\n")
	p.table(rows)
	for i := range r.Workloads {
		row := &r.Workloads[i]
		if row.Errors+row.Warnings+row.Infos == 0 {
			continue
		}
		p.heading(row.full() + ", container " + orNone(row.Container))
		for n := range row.findings {
			f := &row.findings[n]
			if f.Suppressed {
				continue
			}
			mark := ""
			if f.Assumed {
				assumed, mark = true, " *"
			}
			p.printf("\n  %-8s %s%s  %s  %s\n", f.Severity, f.ID, mark, f.place(), f.Field)
			p.prose("           ", "           ", f.Message)
			p.prose("           fix: ", "                ", f.Fix)
		}
	}
	if suppressed > 0 {
		p.printf("\n%s suppressed by %s\n", plural(suppressed, "finding"), lint.Annotation)
	}
	if assumed {
		p.printf("\n* rests on assumptions about the application: `probesim show` prints them, --set changes them\n")
	}
	p.notes(r.Notes)
	return p
}

func (p *page) notes(notes []string) {
	if len(notes) > 0 {
		p.heading("Notes")
		p.items(notes)
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return commas(strconv.Itoa(n)) + " " + noun + "s"
}

// github writes each finding as a workflow command, which GitHub shows beside
// the line.
func (r *lintResult) github() string {
	var out strings.Builder
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Suppressed {
			continue
		}
		command := map[lint.Severity]string{lint.Error: "error", lint.Warning: "warning", lint.Info: "notice"}[f.Severity]
		var properties []string
		if f.Line > 0 && !strings.HasPrefix(f.File, "<") { // standard input is no file of the repository
			properties = []string{"file=" + githubProperty.Replace(f.File), "line=" + strconv.Itoa(f.Line)}
		}
		properties = append(properties, "title="+githubProperty.Replace("probesim "+f.ID))
		fmt.Fprintf(&out, "::%s %s::%s\n", command, strings.Join(properties, ","),
			githubMessage.Replace(fmt.Sprintf("%s, container %s: %s: %s. Fix: %s", f.Workload, f.Container, f.Path, f.Message, f.Fix)))
	}
	return out.String()
}

// What workflow commands need escaped, in a message and in a property.
var (
	githubMessage  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
