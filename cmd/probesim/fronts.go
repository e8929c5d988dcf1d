package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

// frontLines is the most lines that a page shows of a front, of which resortLines at
// the most are last resorts; data has all.
const frontLines, resortLines = 12, 4

// frontsPage lays out what there is to choose from for both probes.
func frontsPage(p *page, r *recommend.Recommendation) {
	if kills := r.TradeOffs(model.Liveness); len(kills) > 0 {
		p.heading("Trade-off of the liveness probe: no other settings are better in both")
		p.table(killTable(fewer(kills)))
		p.printf("%s", frontLine(kills))
		p.items(append(beaten(kills, "detect a hang sooner and kill no more often"), lastResorts(fewer(kills))...))
	}
	if removals := r.TradeOffs(model.Readiness); len(removals) > 0 {
		p.heading("Trade-off of the readiness probe: no other settings are better in both")
		p.table(removalTable(fewer(removals)))
		p.items(append(beaten(removals, "remove a hung pod sooner and a healthy one no more often"), lastResorts(fewer(removals))...))
	}
}

// killTable and removalTable show a front. The time to act follows exactly from
// the settings (S4), and has no interval.
func killTable(front []recommend.TradeOff) [][]string {
	return frontTable(front, "hang to kill, 99 % (exact)", "false kills per pod-year")
}

func removalTable(front []recommend.TradeOff) [][]string {
	return frontTable(front, "hang to removal, 99 % (exact)", "false removals per pod-year")
}

func frontTable(front []recommend.TradeOff, act, verdicts string) [][]string {
	table := [][]string{{"period", "timeout", "failures", act, verdicts, ""}}
	for i := range front {
		p := &front[i]
		var marks []string
		if p.Role != "" {
			marks = append(marks, p.Role)
		}
		if !p.OnFront {
			marks = append(marks, "beside it")
		}
		if p.LastResort != "" {
			marks = append(marks, "last resort")
		}
		mark := strings.Join(marks, ", ")
		if mark != "" {
			mark = "<- " + mark
		}
		table = append(table, []string{
			fmt.Sprintf("%d s", p.PeriodSeconds), fmt.Sprintf("%d s", p.TimeoutSeconds), strconv.Itoa(int(p.FailureThreshold)),
			seconds(p.P99Seconds.Estimate), rare(p.VerdictsPerPodYear), mark,
		})
	}
	return table
}

// resortNotes says of both fronts what the mark of a last resort means.
func resortNotes(r *recommend.Recommendation) []string {
	return lastResorts(append(r.TradeOffs(model.Liveness), r.TradeOffs(model.Readiness)...))
}

// lastResorts says what the mark of that name means, and why the settings have it.
func lastResorts(front []recommend.TradeOff) []string {
	var reasons []string
	for i := range front {
		if why := front[i].LastResort; why != "" && !slices.Contains(reasons, why) {
			reasons = append(reasons, why)
		}
	}
	if reasons == nil {
		return nil
	}
	return []string{"last resort: proposed only where nothing else meets the objectives, since " + strings.Join(reasons, "; ") + "."}
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

// fewer keeps the ends of the front and of its last resorts, what has a role, and
// evenly many of the other lines.
func fewer(front []recommend.TradeOff) []recommend.TradeOff {
	if len(front) <= frontLines {
		return front
	}
	var resorts, others []int
	for i := range front {
		if front[i].LastResort != "" {
			resorts = append(resorts, i)
		} else {
			others = append(others, i)
		}
	}
	resorts = spaced(resorts, resortLines)
	kept := append(spaced(others, frontLines-len(resorts)), resorts...)
	var few []recommend.TradeOff
	for i := range front {
		if front[i].Role != "" || slices.Contains(kept, i) {
			few = append(few, front[i])
		}
	}
	return few
}

// spaced returns so many of the numbers at the most: the ends, and evenly many between.
func spaced(numbers []int, most int) []int {
	if len(numbers) <= most {
		return numbers
	}
	kept := make([]int, 0, most)
	for i := range most {
		kept = append(kept, numbers[i*(len(numbers)-1)/(most-1)])
	}
	return kept
}

// beaten says what is better in both than the recommended settings, and at which
// price: the settings of the front that ask most seldom, and are no last resort.
func beaten(front []recommend.TradeOff, better string) []string {
	at := slices.IndexFunc(front, func(p recommend.TradeOff) bool {
		return !p.OnFront && (p.Role == "recommended" || p.Role == "current and recommended")
	})
	if at < 0 {
		return nil
	}
	own, best := &front[at], (*recommend.TradeOff)(nil)
	for i := range front {
		p := &front[i]
		if p.OnFront && p.LastResort == "" && p.P99Seconds.Estimate <= own.P99Seconds.Estimate &&
			p.VerdictsPerPodYear.High <= max(own.VerdictsPerPodYear.High, leastRate) && (best == nil || p.PeriodSeconds > best.PeriodSeconds) {
			best = p
		}
	}
	if best == nil || best.PeriodSeconds >= own.PeriodSeconds {
		return nil
	}
	times := number(float64(own.PeriodSeconds) / float64(best.PeriodSeconds))
	return []string{fmt.Sprintf("The recommended settings are not on it: period %d s, timeout %d s and %d failures would %s, for %s times as many probes.",
		best.PeriodSeconds, best.TimeoutSeconds, best.FailureThreshold, better, times)}
}

// frontLine draws the false kills of a front in one line under what it is, so that
// it fits a narrow terminal; nothing of a few points, which say more as they are.
func frontLine(front []recommend.TradeOff) string {
	front = slices.DeleteFunc(slices.Clone(front), func(p recommend.TradeOff) bool { return !p.OnFront || p.LastResort != "" })
	if len(front) < 4 {
		return ""
	}
	rates := make([]float64, 0, len(front))
	for i := range front {
		rates = append(rates, front[i].VerdictsPerPodYear.Estimate)
	}
	return fmt.Sprintf("\n  false kills (log scale), detection from %s to %s:\n  %s\n",
		seconds(front[0].P99Seconds.Estimate), seconds(front[len(front)-1].P99Seconds.Estimate), plots.Sparkline(rates))
}
