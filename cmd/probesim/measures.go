package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// measureRow is one line of the tables: a measure as people name it.
type measureRow struct {
	label string
	key   string // that an objective would name; for the rows that always stand
	write func(m *estimate.Measures) string
}

// measureRows are the lines in which measures are shown, most important first.
var measureRows = []measureRow{
	{"false kills per pod-year", "falseKillsPerPodYear", func(m *estimate.Measures) string { return estimated(m.FalseKillsPerPodYear, number) }},
	{"  by the liveness probe, per day", "", func(m *estimate.Measures) string { return estimated(m.FalseKillsPerPodDayByLiveness, number) }},
	{"  by the startup probe, per day", "", func(m *estimate.Measures) string { return estimated(m.FalseKillsPerPodDayByStartup, number) }},
	{"mean time to a false kill", "meanTimeToFalseKillSeconds", func(m *estimate.Measures) string { return estimated(m.MeanTimeToFalseKillSeconds, seconds) }},
	{"false kill within a day, one pod", "falseKillProbability", func(m *estimate.Measures) string {
		return killProbability(m, func(k *estimate.KillProbabilities) *stats.Estimate { return &k.H24.Pod })
	}},
	{"  within 30 days, any replica", "", func(m *estimate.Measures) string {
		return killProbability(m, func(k *estimate.KillProbabilities) *stats.Estimate { return &k.H720.AnyReplica })
	}},
	{"starts killed while starting", "startupKillProbability", func(m *estimate.Measures) string { return estimated(m.StartupKillProbability, share) }},
	{"hang to kill", "detectionSeconds", func(m *estimate.Measures) string { return distributed(m.DetectionSeconds, seconds) }},
	{"fault to removal from every proxy", "removalSeconds", func(m *estimate.Measures) string { return distributed(m.RemovalSeconds, seconds) }},
	{"fault to serving again", "recoverySeconds", func(m *estimate.Measures) string { return distributed(m.RecoverySeconds, seconds) }},
	{"dead traffic per fault", "deadTrafficSecondsPerFault", func(m *estimate.Measures) string { return estimated(m.DeadTrafficSecondsPerFault, seconds) }},
	{"dead requests per fault", "deadRequestsPerFault", func(m *estimate.Measures) string { return estimated(m.DeadRequestsPerFault, number) }},
	{"traffic to a dead pod", "deadTrafficFraction", func(m *estimate.Measures) string { return ofTime(m.DeadTrafficFraction) }},
	{"traffic to a stalled pod", "slowTrafficFraction", func(m *estimate.Measures) string { return ofTime(m.SlowTrafficFraction) }},
	{"serving, but out of the endpoints", "falseUnreadyFraction", func(m *estimate.Measures) string { return ofTime(m.FalseUnreadyFraction) }},
	{"able to serve to in the endpoints", "readyLagSeconds", func(m *estimate.Measures) string { return distributed(m.ReadyLagSeconds, seconds) }},
	{"container start to Ready", "timeToReadySeconds", func(m *estimate.Measures) string { return distributed(m.TimeToReadySeconds, seconds) }},
	{"availability", "availability", func(m *estimate.Measures) string { return ofTime(m.Availability) }},
	{"failed startup probes", "", func(m *estimate.Measures) string { return failures(m, model.Startup) }},
	{"failed readiness probes", "", func(m *estimate.Measures) string { return failures(m, model.Readiness) }},
	{"failed liveness probes", "", func(m *estimate.Measures) string { return failures(m, model.Liveness) }},
	{"CPU of the answers, of the limit", "probeCPUFraction", func(m *estimate.Measures) string { return estimated(m.ProbeCPUFraction, share) }},
	{"time in CrashLoopBackOff", "crashLoopFraction", func(m *estimate.Measures) string { return ofTime(m.CrashLoopFraction) }},
	{"resource used up, of marks reached", "exhaustionProbability", func(m *estimate.Measures) string { return estimated(m.ExhaustionProbability, share) }},
	{"pods that never become Ready", "neverReadyProbability", func(m *estimate.Measures) string { return estimated(m.NeverReadyProbability, share) }},
}

func killProbability(m *estimate.Measures, pick func(*estimate.KillProbabilities) *stats.Estimate) string {
	if m.FalseKillProbability == nil {
		return none
	}
	return estimated(pick(m.FalseKillProbability), share)
}

func failures(m *estimate.Measures, k model.ProbeKind) string {
	if m.ProbeFailureProbability[k] == nil {
		return none
	}
	return estimated(&m.ProbeFailureProbability[k].Estimate, share)
}

// measureTable returns the lines for several sets of measures side by side.
// Lines on which none of them has anything to say are left out.
func measureTable(names []string, measures []*estimate.Measures) [][]string {
	rows := [][]string{append([]string{""}, names...)}
	for _, row := range measureRows {
		cells := []string{row.label}
		said := false
		for _, m := range measures {
			cell := row.write(m)
			said = said || cell != none
			cells = append(cells, cell)
		}
		if said {
			rows = append(rows, cells)
		}
	}
	return rows
}

// verdictTable returns the objectives with the verdict of each variant.
func verdictTable(names []string, verdicts [][]estimate.Verdict) [][]string {
	rows := [][]string{append([]string{""}, names...)}
	for i := range verdicts[0] {
		cells := []string{verdicts[0][i].Name}
		for _, of := range verdicts {
			cells = append(cells, verdictWord(of[i].Met))
		}
		rows = append(rows, cells)
	}
	return rows
}

func verdictWord(met *bool) string {
	switch {
	case met == nil:
		return "undecided"
	case *met:
		return "met"
	}
	return "MISSED"
}

// missed and undecided return the names of the objectives with that verdict.
func missed(verdicts []estimate.Verdict) []string {
	return verdictNames(verdicts, func(met *bool) bool { return met != nil && !*met })
}

func undecided(verdicts []estimate.Verdict) []string {
	return verdictNames(verdicts, func(met *bool) bool { return met == nil })
}

func verdictNames(verdicts []estimate.Verdict, want func(*bool) bool) []string {
	var names []string
	for _, v := range verdicts {
		if want(v.Met) {
			names = append(names, v.Name)
		}
	}
	return names
}

var measureHeader = []string{"measure", "statistic", "estimate", "low", "high", "confidence", "method", "n"}

// measureRecords returns every measure for a machine, one record for each
// number, in the alphabetical order of the JSON keys.
func measureRecords(m *estimate.Measures) [][]string {
	var records [][]string
	for _, key := range estimate.Keys() {
		if key == estimate.Tolerance {
			continue
		}
		statistics := estimate.Statistics(key)
		if len(statistics) == 0 {
			statistics = []string{""}
		}
		for _, statistic := range statistics {
			e, err := m.Lookup(key, statistic)
			if err != nil || e == nil {
				continue // the second only: the keys are the package's own
			}
			records = append(records, slices.Concat([]string{key, statistic}, estimateCells(e)))
		}
	}
	return records
}

func estimateCells(e *stats.Estimate) []string {
	return []string{
		exactNumber(e.Estimate), exactNumber(e.Low), exactNumber(e.High),
		exactNumber(e.Confidence), e.Method, strconv.FormatInt(e.N, 10),
	}
}

// enumerate joins words as in a sentence: "a, b and c".
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return fmt.Sprintf("%s and %s", strings.Join(words[:len(words)-1], ", "), words[len(words)-1])
}
