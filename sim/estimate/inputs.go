package estimate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// Uncertain inputs (S16; Barton, Nelson and Xie 2014): where a scenario's input is
// one of several, each replication has another draw of them, and those of one draw
// are tallied together. The spread of the draws' measures is what is not known of
// the inputs, and what chance adds to each of them:
//
//	variance between draws = variance by inputs + variance by chance in one draw
//
// More replications make the second smaller, and not the first, which therefore
// stays in the interval of every measure.

// blockCount is the number of blocks of replications that are tallied apart: one
// for each draw of uncertain inputs.
func (o Options) blockCount(variants []Named) int {
	if uncertain(variants) {
		return model.InputDraws // comparisons have as many
	}
	return max(1, o.blocks)
}

// uncertain reports whether inputs of any of the variants are one of several.
func uncertain(variants []Named) bool {
	return slices.ContainsFunc(variants, func(v Named) bool { return v.World.Uncertain() })
}

// derived are the measures that follow from others.
var derived = []string{"falseKillsPerPodYear", "meanTimeToFalseKillSeconds"}

// widen adds to the intervals of a variant's measures what is not known of its
// inputs, and says how much of them that is.
func (p *Part) widen(m *Measures, variant int, w *model.World, o Options) (notes []string) {
	var draws []Measures
	for i := range p.Tallies {
		if t := &p.Tallies[i][variant]; t.Replications > 0 {
			draws = append(draws, t.measures(w, o))
		}
	}
	if len(draws) < 2 {
		return []string{"one of several inputs holds, and a single draw of them was simulated: what the others would change is not in the intervals"}
	}
	var shares []string
	for _, figure := range Figures() {
		e := figure.Of(m)
		if e == nil || e.Method == "exact" || slices.Contains(derived, figure.Measure) {
			continue
		}
		var of []*stats.Estimate
		for i := range draws {
			if x := figure.Of(&draws[i]); x != nil {
				of = append(of, x)
			}
		}
		share := overDraws(e, of, o.Confidence)
		if figure.isShare() {
			e.High = math.Min(e.High, 1)
		}
		if slices.Contains([]string{"falseKillsPerPodDay", "startupKillProbability", "readyLagSeconds.p99"}, figure.String()) && e.Estimate > 0 {
			shares = append(shares, fmt.Sprintf("%.0f %% of the squared width of %s", 100*share, figure))
		}
	}
	if perDay := m.FalseKillsPerPodDay; perDay != nil {
		perYear := perDay.Map(func(x float64) float64 { return x * float64(year) / float64(day) })
		between := perDay.Map(func(x float64) float64 { return day.Seconds() / x })
		m.FalseKillsPerPodYear, m.MeanTimeToFalseKillSeconds = &perYear, &between
	}
	note := fmt.Sprintf("uncertain inputs (S16): %d draws of them, one for each replication in turn; the intervals hold what the draws differ by, beside chance", len(draws))
	if len(shares) > 0 {
		note += ": inputs make " + strings.Join(shares, ", ") + "; more replications do not narrow that part, more measurements do"
	}
	return []string{note}
}

// overDraws widens an estimate by the spread of the draws' own, less what chance
// adds to each of them for certain, and returns the share of the width's square
// that this is.
func overDraws(e *stats.Estimate, draws []*stats.Estimate, confidence float64) (share float64) {
	z := stats.StudentT(math.MaxInt32, confidence)
	var x []float64
	chance := 0.0
	for _, d := range draws {
		if math.IsNaN(d.Estimate) || math.IsInf(d.Estimate, 0) {
			continue
		}
		x = append(x, d.Estimate)
		if half := (d.High - d.Low) / 2 / z; !math.IsInf(half, 0) && !math.IsNaN(half) {
			chance += half * half / float64(len(draws))
		}
	}
	if len(x) < 2 {
		return 0
	}
	mean, variance := moments(x)
	if variance == 0 {
		return 0
	}
	// What is left without chance, at the most with 95 % confidence: the variance of
	// a variance of n normal numbers is 2/(n−1) of its square.
	inputs := math.Max(0, variance-chance)
	inputs += 1.645 * math.Sqrt((2*chance*chance+4*chance*inputs)/float64(len(x)-1))
	shrink := math.Sqrt(math.Min(1, inputs/variance))
	slices.Sort(x)
	tail := int((1 - confidence) / 2 * float64(len(x)))
	low, high := mean+(x[tail]-mean)*shrink, mean+(x[len(x)-1-tail]-mean)*shrink
	before := e.High - e.Low
	widenTo(e, e.Estimate+low-mean, e.Estimate+high-mean)
	if width := e.High - e.Low; width > 0 && !math.IsInf(width, 0) {
		share = 1 - before*before/(width*width)
	}
	return share
}

// widenTo adds the way to low and to high, which have another cause than the
// interval has so far, to its ends.
func widenTo(e *stats.Estimate, low, high float64) {
	e.Low = math.Max(0, e.Estimate-math.Hypot(e.Estimate-e.Low, math.Max(0, e.Estimate-low)))
	e.High = e.Estimate + math.Hypot(e.High-e.Estimate, math.Max(0, high-e.Estimate))
	e.Method += ", over the draws of uncertain inputs"
}

// drawnDifferences says what the intervals of a comparison hold.
const drawnDifferences = "uncertain inputs (S16): variants meet the same draw of what they share, and the intervals of differences and ratios reach from the least to the greatest of what the draws come to on their own, beside chance; what chance adds to each draw is in that, and shrinks with more replications"

// widen adds to the intervals of a difference and a ratio what they come to from
// draw to draw of the inputs, of which one holds. Inputs that the variants share
// are drawn together: what a draw does to both of them cancels out. Chance within
// a draw is not taken off, since the pairing leaves less of it than either side
// shows.
func (d *Difference) widen(before, after *jackknifed, confidence float64) {
	q := Figure{d.Measure, d.Statistic}
	var differences, ratios []float64
	for i := range before.blocks {
		x, y := q.Of(&before.blocks[i]), q.Of(&after.blocks[i])
		if x == nil || y == nil || math.IsNaN(y.Estimate-x.Estimate) || math.IsInf(y.Estimate-x.Estimate, 0) {
			continue
		}
		differences = append(differences, y.Estimate-x.Estimate)
		if ratio := y.Estimate / x.Estimate; !math.IsNaN(ratio) {
			ratios = append(ratios, ratio)
		}
	}
	if d.Difference.Method != "exact" {
		acrossDraws(&d.Difference, differences, math.Inf(-1), confidence)
	}
	if d.Ratio.Method != "exact" {
		acrossDraws(&d.Ratio, ratios, 0, confidence)
	}
}

// acrossDraws adds the way from the middle of the draws' values to their quantiles
// to the ends of an interval, as one of another cause. No end goes below least.
func acrossDraws(e *stats.Estimate, of []float64, least, confidence float64) {
	if len(of) < 2 {
		return
	}
	slices.Sort(of)
	tail := int((1 - confidence) / 2 * float64(len(of)))
	middle := of[len(of)/2]
	down, up := middle-of[tail], of[len(of)-1-tail]-middle
	if math.IsInf(middle, 1) { // of most draws the ratio has no value
		down, up = middle, middle
	}
	e.Low = math.Max(least, e.Estimate-math.Hypot(e.Estimate-e.Low, down))
	e.High = e.Estimate + math.Hypot(e.High-e.Estimate, up)
	e.Method += ", over the draws of uncertain inputs"
}
