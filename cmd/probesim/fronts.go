package main

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

// frontRow is one line of a trade-off: how long settings take to act on a hang
// against their false verdicts.
type frontRow struct {
	period, timeout, failures int32
	role                      string
	onFront                   bool
	seconds                   float64
	verdicts                  stats.Estimate
}

func killRows(front []recommend.FrontPoint) []frontRow {
	rows := make([]frontRow, 0, len(front))
	for i := range front {
		p := &front[i]
		rows = append(rows, frontRow{p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold, p.Role, p.OnFront, p.DetectionP99Seconds.Estimate, p.FalseKillsPerPodYear})
	}
	return rows
}

func removalRows(front []recommend.RemovalPoint) []frontRow {
	rows := make([]frontRow, 0, len(front))
	for i := range front {
		p := &front[i]
		rows = append(rows, frontRow{p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold, p.Role, p.OnFront, p.RemovalP99Seconds.Estimate, p.FalseRemovalsPerPodYear})
	}
	return rows
}

// frontLines is the most lines that a page shows of a front; data has all.
const frontLines = 12

// frontsPage lays out what there is to choose from for both probes.
func frontsPage(p *page, r *recommend.Recommendation) {
	if kills := killRows(r.Front); len(kills) > 0 {
		p.heading("Trade-off of the liveness probe: no other settings are better in both")
		p.table(killTable(fewer(kills)))
		p.printf("%s", frontLine(kills))
		p.items(beaten(kills, "detect a hang sooner and kill no more often"))
	}
	if removals := removalRows(r.ReadinessFront); len(removals) > 0 {
		p.heading("Trade-off of the readiness probe: no other settings are better in both")
		p.table(removalTable(fewer(removals)))
		p.items(beaten(removals, "remove a hung pod sooner and a healthy one no more often"))
	}
}

// killTable and removalTable show a front. The time to act follows exactly from
// the settings (S4), and has no interval.
func killTable(rows []frontRow) [][]string {
	return frontTable(rows, "hang to kill, 99 % (exact)", "false kills per pod-year")
}

func removalTable(rows []frontRow) [][]string {
	return frontTable(rows, "hang to removal, 99 % (exact)", "false removals per pod-year")
}

func frontTable(rows []frontRow, act, verdicts string) [][]string {
	table := [][]string{{"period", "timeout", "failures", act, verdicts, ""}}
	for i := range rows {
		row := &rows[i]
		role := row.role
		if !row.onFront {
			role += ", beside it"
		}
		if role != "" {
			role = "<- " + role
		}
		table = append(table, []string{
			fmt.Sprintf("%d s", row.period), fmt.Sprintf("%d s", row.timeout), strconv.Itoa(int(row.failures)),
			seconds(row.seconds), rare(row.verdicts), role,
		})
	}
	return table
}

// leastRate is the rate per pod-year below which nobody is helped by how much rarer:
// once in a million years.
const leastRate = 1e-6

// rare writes a rate per pod-year with its interval.
func rare(rate stats.Estimate) string {
	switch {
	case rate.High > 0 && rate.High < leastRate:
		return "under 1e-06"
	case rate.Low < leastRate:
		rate.Low = 0
	}
	return estimated(&rate, number)
}

// fewer keeps the ends, what has a role, and evenly many of the other lines.
func fewer(rows []frontRow) []frontRow {
	if len(rows) <= frontLines {
		return rows
	}
	next := 0
	var kept []frontRow
	for i := range rows {
		due := next*(len(rows)-1)/(frontLines-1) == i
		if due {
			next++
		}
		if due || rows[i].role != "" {
			kept = append(kept, rows[i])
		}
	}
	return kept
}

// beaten says what is better in both than the recommended settings, and at which
// price: the settings of the front that ask most seldom.
func beaten(rows []frontRow, better string) []string {
	at := slices.IndexFunc(rows, func(r frontRow) bool {
		return !r.onFront && (r.role == "recommended" || r.role == "current and recommended")
	})
	if at < 0 {
		return nil
	}
	own, best := &rows[at], (*frontRow)(nil)
	for i := range rows {
		r := &rows[i]
		if r.onFront && r.seconds <= own.seconds && r.verdicts.High <= max(own.verdicts.High, leastRate) && (best == nil || r.period > best.period) {
			best = r
		}
	}
	if best == nil || best.period >= own.period {
		return nil
	}
	times := number(float64(own.period) / float64(best.period))
	return []string{fmt.Sprintf("The recommended settings are not on it: period %d s, timeout %d s and %d failures would %s, for %s times as many probes.",
		best.period, best.timeout, best.failures, better, times)}
}

// frontLine draws the false kills of a front in one line under what it is, so that
// it fits a narrow terminal; nothing of a few points, which say more as they are.
func frontLine(rows []frontRow) string {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r frontRow) bool { return !r.onFront })
	if len(rows) < 4 {
		return ""
	}
	rates := make([]float64, 0, len(rows))
	for i := range rows {
		rates = append(rates, rows[i].verdicts.Estimate)
	}
	return fmt.Sprintf("\n  false kills (log scale), detection from %s to %s:\n  %s\n",
		seconds(rows[0].seconds), seconds(rows[len(rows)-1].seconds), plots.Sparkline(rates))
}
