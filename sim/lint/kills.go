package lint

import (
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// formulaKills returns the false kills of a serving process per year by the closed
// form (S1, S3), with those by outages of dependencies; or by the Markov chain (S2)
// where more than that can fail the liveness probe; nil where neither reaches. The interval goes from the least to the
// upper bound. Where that is far above the estimate, the estimate is no lower bound:
// it leaves out what the bound counts.
func formulaKills(w *model.World) *stats.Estimate {
	p := w.Container().Probes[model.Liveness]
	if p == nil {
		return &stats.Estimate{Confidence: 1, Method: "exact"} // nothing kills a serving process
	}
	world := alone(w)
	world.Application.Probes[model.Liveness].DependsOn = nil
	form := estimate.NewClosedForm(world, model.Liveness)
	if form.Why != "" {
		return chainKills(alone(w))
	}
	rate, bound := form.Rate(p)
	e := perYear(rate, rate, bound, "closed form of a serving process (S1, S3)")
	if loose(e) {
		e.Low = 0
	}
	if len(w.Application.Probes[model.Liveness].DependsOn) > 0 {
		byOutages, _ := killsByOutages(w)
		*e = e.Map(func(perYear float64) float64 { return perYear + byOutages })
		e.Method += ", and outages of dependencies by the exact windows and the back-off (S3, K39)"
	}
	return e
}

// chainKills returns the false kills per year by the Markov chain, nil where it does
// not reach.
func chainKills(w *model.World) *stats.Estimate {
	c, err := calc.World(w)
	if err != nil || c.FalseKillsPerPodDay == nil {
		return nil // kills that follow each other into the back-off, too
	}
	chain, err := calc.NewChain(w)
	if err != nil {
		return nil
	}
	least, most := chain.Between()
	return perYear(chain.KillsPerSecond(), least, most, "Markov chain of a serving process (S2)")
}

// perYear makes an estimate of rates per second one of rates per year.
func perYear(rate, low, high float64, method string) *stats.Estimate {
	e := stats.Estimate{Estimate: rate, Low: low, High: high, Confidence: 1, Method: method}
	e = e.Map(func(perSecond float64) float64 { return perSecond * year.Seconds() })
	return &e
}

// loose reports whether false kills by a formula are hardly more than an upper bound,
// and one that allows too many.
func loose(kills *stats.Estimate) bool {
	return kills.High > falseKillsAllowed && kills.High > 2*kills.Estimate
}

// crowded is the mean time between false kills below which the back-off of restarts,
// which no formula has, takes a share of the time: it is forgotten in ten minutes (K39,
// K42).
const crowded = 15 * time.Minute

// decides reports whether the short simulation could not tell more of the false kills
// than the formula does: even if it saw none, it would exclude only −ln 0.025 kills in
// all its lives together, 168 a year (Garwood's interval).
func decides(kills *stats.Estimate) bool {
	if kills == nil || kills.Estimate > float64(year)/float64(crowded) {
		return false
	}
	excluded := -math.Log(.025) / (riskLimit * float64(riskHorizon) / float64(year))
	return !loose(kills) || kills.High <= excluded
}

// killsOf returns the false kills per year by the formula if that decides, and else
// by what was seen of lives. Where none was seen, the less of both bounds holds.
func killsOf(w *model.World, formula *stats.Estimate, m *estimate.Measures) *stats.Estimate {
	if decides(formula) {
		return formula
	}
	seen := m.FalseKillsPerPodYear
	if byLiveness := m.FalseKillsPerPodDayByLiveness; byLiveness != nil && w.Container().Probes[model.Startup] != nil {
		serving := byLiveness.Map(func(perDay float64) float64 { return perDay * year.Hours() / 24 })
		seen = &serving
	}
	if formula == nil || seen == nil || seen.Estimate > 0 {
		return seen
	}
	return &stats.Estimate{
		Estimate: math.Min(formula.Estimate, seen.High), High: math.Min(formula.High, seen.High),
		Confidence: seen.Confidence, N: seen.N, Method: "none seen in a short simulation, " + seen.Method + "; " + formula.Method,
	}
}
