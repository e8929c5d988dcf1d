package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/fit"
	"github.com/probesim/probesim/sim/stats"
)

// fitReport is the result of fit: one row for each family and set of durations,
// the best first, and one for each process of stalls.
type fitReport struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Seed       uint64     `json:"seed"`
	Fits       []fitRow   `json:"fits"`
	Stalls     []stallRow `json:"stalls"`
	Counts     []countRow `json:"counts"`
	Notes      []string   `json:"notes"`

	results []fitGroup
}

// fitGroup is one set of durations with its result.
type fitGroup struct {
	source string
	series *scenarios.Series
	result *fit.Result
	rows   []fitRow
	slow   string // distribution at the slow end of the intervals; empty: none
	open   string // all that the measurements leave open, as one uncertain distribution; empty: none
	notes  []string
}

func (g *fitGroup) title() string {
	if g.series.Name == "" || g.series.Name == g.source {
		return g.source
	}
	return g.source + ": " + g.series.Name
}

type fitRow struct {
	Source        string   `json:"source"`
	Name          string   `json:"name"`
	Path          string   `json:"path,omitempty"`
	Family        string   `json:"family"`
	Parameters    int      `json:"parameters"`
	Distribution  string   `json:"distribution"`
	Observations  float64  `json:"observations"`
	Censored      float64  `json:"censored"`
	LogLikelihood *float64 `json:"logLikelihood"`
	AIC           *float64 `json:"aic"`
	WorseBy       *float64 `json:"worseBy"`
	GoodnessOfFit struct {
		Statistic string   `json:"statistic"`
		Value     *float64 `json:"value"`
		PValue    *float64 `json:"pValue"`
		Resamples int      `json:"resamples"`
	} `json:"goodnessOfFit"`
	P50Seconds stats.Estimate `json:"p50Seconds"`
	P90Seconds stats.Estimate `json:"p90Seconds"`
	P99Seconds stats.Estimate `json:"p99Seconds"`
}

type stallRow struct {
	Source           string         `json:"source,omitempty"`
	Name             string         `json:"name"`
	Failures         stats.Estimate `json:"failures"`
	FailuresOver     float64        `json:"failuresOverSeconds"`
	Kills            stats.Estimate `json:"kills"`
	KillsOver        float64        `json:"killsOverSeconds"`
	EverySeconds     stats.Estimate `json:"everySeconds"`
	LastsSeconds     stats.Estimate `json:"lastsSeconds"`
	StallsPerDay     stats.Estimate `json:"stallsPerDay"`
	KillsPerStall    float64        `json:"killsPerStall"`
	FailuresPerStall float64        `json:"failuresPerStall"`
	IndependentKills float64        `json:"independentKills"`
	Every            string         `json:"every"`
	Lasts            string         `json:"lasts"`
	LongEvery        string         `json:"longestEvery"`
	LongLasts        string         `json:"longestLasts"`
	Notes            []string       `json:"notes"`

	counts fit.StallCounts
}

type countRow struct {
	Source   string  `json:"source"`
	Object   string  `json:"object"`
	Probe    string  `json:"probe"`
	Failures int64   `json:"failures"`
	Kills    int64   `json:"kills"`
	Seconds  float64 `json:"overSeconds"`
}

// known returns nil for what is not a number, which JSON cannot write.
func known(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// addSeries adds the fits of one set of durations.
func (r *fitReport) addSeries(source string, s *scenarios.Series, result *fit.Result) error {
	group := fitGroup{source: source, series: s, result: result}
	for _, f := range result.Fits {
		text, err := scenarios.FormatDistribution(f.Distribution)
		if err != nil {
			group.notes = append(group.notes, fmt.Sprintf("%s is left out: %v", f.Family, err))
			continue
		}
		row := fitRow{Source: source, Name: s.Name, Path: s.Path, Family: f.Family, Parameters: f.Parameters, Distribution: text,
			Observations: result.Observations, Censored: result.Censored,
			LogLikelihood: known(f.LogLikelihood), AIC: known(f.AIC), WorseBy: known(f.WorseBy),
			P50Seconds: f.P50, P90Seconds: f.P90, P99Seconds: f.P99}
		row.GoodnessOfFit.Statistic, row.GoodnessOfFit.Resamples = f.Goodness.Statistic, f.Goodness.Resamples
		row.GoodnessOfFit.Value, row.GoodnessOfFit.PValue = known(f.Goodness.Value), known(f.Goodness.PValue)
		group.rows = append(group.rows, row)
	}
	if len(group.rows) == 0 {
		return fmt.Errorf("%s: %s: no family can stand in a scenario: %s", source, s.Name, strings.Join(group.notes, "; "))
	}
	group.slow = slowEnd(&group.rows[0])
	group.open = leftOpen(result.Open)
	group.notes = append(append(group.notes, result.Notes...), s.Notes...)
	r.Fits = append(r.Fits, group.rows...)
	r.results = append(r.results, group)
	for _, note := range group.notes {
		r.Notes = append(r.Notes, fmt.Sprintf("%s: %s", s.Name, note))
	}
	return nil
}

// leftOpen returns what the observations leave open as one uncertain distribution.
func leftOpen(open []dist.Duration) string {
	if len(open) == 0 {
		return ""
	}
	var of dist.Uncertain
	for _, d := range open {
		of = append(of, d.Nanoseconds)
	}
	text, err := scenarios.FormatDistribution(dist.Duration{Nanoseconds: of})
	if err != nil {
		return ""
	}
	return text
}

// slowEnd returns the lognormal distribution through the upper ends of the
// intervals of median and 99th percentile: what the measurements do not exclude.
func slowEnd(row *fitRow) string {
	p50, p99 := row.P50Seconds.High, row.P99Seconds.High
	if math.IsInf(p50, 1) || math.IsInf(p99, 1) || row.P99Seconds.Low == p99 {
		return ""
	}
	d, err := dist.FromQuantiles2(0.5, p50*1e9, 0.99, p99*1e9)
	if err != nil {
		return ""
	}
	text, err := scenarios.FormatDistribution(dist.Duration{Nanoseconds: d})
	if err != nil {
		return ""
	}
	return text
}

// addStalls adds a process of stalls.
func (r *fitReport) addStalls(source, name string, s *fit.Stalls) error {
	row := stallRow{Source: source, Name: name, counts: s.Counts,
		Failures: s.Failures, FailuresOver: s.Counts.FailuresOver.Seconds(), Kills: s.Kills, KillsOver: s.Counts.KillsOver.Seconds(),
		EverySeconds: s.EverySeconds, LastsSeconds: s.LastsSeconds, StallsPerDay: s.PerDay,
		KillsPerStall: s.KillsPerStall, FailuresPerStall: s.FailuresPerStall, IndependentKills: s.IndependentKills, Notes: s.Notes}
	for _, written := range []struct {
		mean time.Duration
		to   *string
	}{{s.Every, &row.Every}, {s.Lasts, &row.Lasts}, {s.LongEvery, &row.LongEvery}, {s.LongLasts, &row.LongLasts}} {
		text, err := scenarios.FormatDistribution(dist.Duration{Nanoseconds: dist.Exponential(written.mean)})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*written.to = text
	}
	r.Stalls = append(r.Stalls, row)
	for _, note := range s.Notes {
		r.Notes = append(r.Notes, name+": "+note)
	}
	return nil
}

// block is what to paste into a scenario.
func (row *stallRow) block() string {
	return fmt.Sprintf("application:\n  pauses:\n    - name: stalls\n      every: %s\n      lasts: %s\n", row.Every, row.Lasts)
}

// variant is the process with the longest stalls that agree with the counts, as
// a whatIf of the scenario; empty where it is the one to paste already.
func (row *stallRow) variant() string {
	if row.LongLasts == row.Lasts {
		return ""
	}
	return fmt.Sprintf("whatIf:\n  - name: longest stalls\n    set:\n      application.pauses[0].every: %s\n      application.pauses[0].lasts: %s\n", row.LongEvery, row.LongLasts)
}

// variant is the slow end of the fit, as a whatIf where its place in the
// scenario is known; empty where there is none.
func (g *fitGroup) variant() string {
	switch {
	case g.slow == "":
		return ""
	case g.series.Path == "":
		return g.slow + "\n"
	}
	return fmt.Sprintf("whatIf:\n  - name: slow end of the fit\n    set:\n      %s: %s\n", g.series.Path, g.slow)
}

// block is what to paste: with its place in the scenario where that is known.
func (g *fitGroup) block() string { return g.inPlace(g.rows[0].Distribution) }

// inPlace writes a distribution with its place in the scenario, where that is known.
func (g *fitGroup) inPlace(text string) string {
	if g.series.Path == "" {
		return text + "\n"
	}
	var out strings.Builder
	steps := strings.Split(g.series.Path, ".")
	for i, step := range steps {
		end := "\n"
		if i == len(steps)-1 {
			end = " " + text + "\n"
		}
		out.WriteString(strings.Repeat("  ", i) + step + ":" + end)
	}
	return out.String()
}

// uncertain is what to paste for all that the measurements leave open; the fit
// alone, with the reason as a comment, where nothing was resampled.
func (g *fitGroup) uncertain() string {
	if g.open == "" {
		return "# too few resamples to say what else it may be\n" + g.block()
	}
	return g.inPlace(g.open)
}

func (r *fitReport) write(w io.Writer, format string) error {
	if r.Fits == nil {
		r.Fits = []fitRow{}
	}
	if r.Stalls == nil {
		r.Stalls = []stallRow{}
	}
	if r.Counts == nil {
		r.Counts = []countRow{}
	}
	if r.Notes == nil {
		r.Notes = []string{}
	}
	for i := range r.Stalls {
		if r.Stalls[i].Notes == nil {
			r.Stalls[i].Notes = []string{}
		}
	}
	switch format {
	case "json":
		return writeJSON(w, r)
	case "yaml":
		return writeYAML(w, r)
	case "csv":
		return writeCSV(w, fitColumns, r.records())
	case "block":
		return r.writeBlocks(w, (*fitGroup).block)
	case "uncertain":
		return r.writeBlocks(w, (*fitGroup).uncertain)
	}
	return r.page().writeTo(w)
}

// writeBlocks writes only what is to be pasted.
func (r *fitReport) writeBlocks(w io.Writer, block func(*fitGroup) string) error {
	var out strings.Builder
	many := len(r.results)+len(r.Stalls) > 1
	for i := range r.results {
		if many {
			fmt.Fprintf(&out, "# %s\n", r.results[i].title())
		}
		out.WriteString(block(&r.results[i]))
	}
	for i := range r.Stalls {
		if many {
			fmt.Fprintf(&out, "# %s\n", r.Stalls[i].Name)
		}
		out.WriteString(r.Stalls[i].block())
	}
	_, err := io.WriteString(w, out.String())
	return err
}

var fitColumns = []string{"source", "name", "family", "quantity", "estimate", "low", "high", "distribution"}

// records are the rows for machines that read tables.
func (r *fitReport) records() [][]string {
	var rows [][]string
	add := func(source, name, family, quantity, text string, e stats.Estimate) {
		rows = append(rows, []string{source, name, family, quantity, exactNumber(e.Estimate), exactNumber(e.Low), exactNumber(e.High), text})
	}
	bare := func(x *float64) stats.Estimate {
		if x == nil {
			return stats.Estimate{Estimate: math.NaN(), Low: math.NaN(), High: math.NaN()}
		}
		return stats.Estimate{Estimate: *x, Low: math.NaN(), High: math.NaN()}
	}
	for i := range r.Fits {
		f := &r.Fits[i]
		add(f.Source, f.Name, f.Family, "aic", f.Distribution, bare(f.AIC))
		add(f.Source, f.Name, f.Family, f.GoodnessOfFit.Statistic, f.Distribution, bare(f.GoodnessOfFit.Value))
		add(f.Source, f.Name, f.Family, "pValue", f.Distribution, bare(f.GoodnessOfFit.PValue))
		add(f.Source, f.Name, f.Family, "p50Seconds", f.Distribution, f.P50Seconds)
		add(f.Source, f.Name, f.Family, "p90Seconds", f.Distribution, f.P90Seconds)
		add(f.Source, f.Name, f.Family, "p99Seconds", f.Distribution, f.P99Seconds)
	}
	for i := range r.Stalls {
		s := &r.Stalls[i]
		add(s.Source, s.Name, "stalls", "everySeconds", s.Every, s.EverySeconds)
		add(s.Source, s.Name, "stalls", "lastsSeconds", s.Lasts, s.LastsSeconds)
		add(s.Source, s.Name, "stalls", "independentKills", "", bare(&s.IndependentKills))
	}
	for _, c := range r.Counts {
		failures, kills := float64(c.Failures), float64(c.Kills)
		add(c.Source, c.Object, c.Probe, "failures", "", bare(&failures))
		add(c.Source, c.Object, c.Probe, "kills", "", bare(&kills))
	}
	return rows
}

// page lays the report out for people.
func (r *fitReport) page() *page {
	p := &page{}
	rule := "\n" + strings.Repeat("─", proseWidth) + "\n\n"
	for i := range r.results {
		if i > 0 {
			p.printf("%s", rule)
		}
		r.results[i].write(p)
	}
	if len(r.Counts) > 0 {
		rows := [][]string{{"probe", "failed", "kills", "over"}}
		for _, c := range r.Counts {
			rows = append(rows, []string{c.Object + ": " + c.Probe, commas(strconv.FormatInt(c.Failures, 10)), commas(strconv.FormatInt(c.Kills, 10)), seconds(c.Seconds)})
		}
		p.table(rows)
	}
	for i := range r.Stalls {
		if i > 0 || len(r.results)+len(r.Counts) > 0 {
			p.printf("%s", rule)
		}
		r.Stalls[i].write(p)
	}
	if len(r.Notes) > 0 {
		p.heading("Notes")
		p.items(r.Notes)
	}
	return p
}

func (g *fitGroup) write(p *page) {
	r := g.result
	p.printf("%s\n", g.title())
	line := fmt.Sprintf("%s observations", number(r.Observations))
	if r.Censored > 0 {
		line += fmt.Sprintf(", %s of them cut off", number(r.Censored))
	}
	if !math.IsNaN(r.MedianSeconds) {
		line += ", median " + seconds(r.MedianSeconds)
	}
	p.printf("%s\n", line)
	p.heading("Answer")
	best := &g.rows[0]
	p.items([]string{g.verdict(best)})
	p.heading("Paste")
	p.printf("%s", g.block())
	if variant := g.variant(); variant != "" {
		p.heading(fmt.Sprintf("Paste, to be safe: the slow end of what %s observations leave open", number(r.Observations)))
		p.printf("%s", variant)
	}
	p.heading("Families")
	rows := [][]string{{"", "AIC worse by", best.GoodnessOfFit.Statistic, "p-value", "median", "99 %"}}
	optional := func(x *float64) string {
		if x == nil {
			return none
		}
		return number(*x)
	}
	for i := range g.rows {
		f := &g.rows[i]
		rows = append(rows, []string{f.Family, optional(f.WorseBy), optional(f.GoodnessOfFit.Value), optional(f.GoodnessOfFit.PValue),
			withSpread(&f.P50Seconds), withSpread(&f.P99Seconds)})
	}
	p.table(rows)
	others := [][]string{}
	for _, f := range g.rows[1:] {
		if p := f.GoodnessOfFit.PValue; p != nil && *p >= fit.Unlikely {
			others = append(others, []string{f.Family, f.Distribution})
		}
	}
	if len(others) > 0 {
		p.heading("The others that the measurements do not rule out")
		p.table(others)
	}
}

// withSpread writes a quantile, and its interval where samples were drawn for it.
func withSpread(e *stats.Estimate) string {
	if math.IsInf(e.High, 1) {
		return seconds(e.Estimate)
	}
	return estimated(e, seconds)
}

// verdict says which family it is, and how well it fits.
func (g *fitGroup) verdict(best *fitRow) string {
	if best.Family == "constant" {
		return fmt.Sprintf("A constant: %s.", best.Distribution)
	}
	text := fmt.Sprintf("The %s family describes them best: half take up to %s, 99 in 100 up to %s",
		best.Family, withSpread(&best.P50Seconds), withSpread(&best.P99Seconds))
	if p := best.GoodnessOfFit.PValue; p != nil {
		text += fmt.Sprintf("; samples of its own lie as far off in %s of the cases", share(*p))
	}
	return text + "."
}

func (row *stallRow) write(p *page) {
	c := row.counts
	p.prose("", "", fmt.Sprintf("%s: %d failed probes in %s, %d kills in %s; a probe every %s, timeout %s, %d failures in a row kill",
		row.Name, c.Failures, seconds(row.FailuresOver), c.Kills, seconds(row.KillsOver),
		seconds(c.Period.Seconds()), seconds(c.Timeout.Seconds()), c.FailureThreshold))
	p.heading("Answer")
	lines := []string{fmt.Sprintf("Stalls of %s on average, one every %s, bring both counts: each fails %s probes on average and kills with probability %s.",
		estimated(&row.LastsSeconds, seconds), estimated(&row.EverySeconds, seconds), number(row.FailuresPerStall), number(row.KillsPerStall))}
	if c.Kills == 0 {
		lines[0] = fmt.Sprintf("Stalls last at most %s on average, or there would have been a kill.", seconds(row.LastsSeconds.High))
	}
	if row.IndependentKills < row.Kills.Low {
		lines = append(lines, fmt.Sprintf("Independent failures as frequent as these would kill %s times in %s, too few by a factor of %s.",
			number(row.IndependentKills), seconds(row.KillsOver), number(row.Kills.Estimate/row.IndependentKills)))
	}
	lines = append(lines, fmt.Sprintf("Chance alone puts the failures of such a process between %s and %s, the kills between %s and %s.",
		number(row.Failures.Low), number(row.Failures.High), number(row.Kills.Low), number(row.Kills.High)))
	p.items(lines)
	p.heading("Paste")
	p.printf("%s", row.block())
	if variant := row.variant(); variant != "" {
		p.heading("Paste, to be safe: the longest stalls that agree with the counts")
		p.printf("%s", variant)
	}
}
