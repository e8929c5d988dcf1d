package estimate

import (
	"fmt"
	"math"

	"github.com/probesim/probesim/model"
)

// formula is the closed form's answer to the rate of false kills, beside the
// simulation's (S13). Both numbers are per pod-day.
type formula struct {
	closed   *ClosedForm // nil: no liveness probe
	estimate float64
	bound    float64 // an upper bound; +Inf where the closed form does not hold
}

// byFormula adds the closed form of the serving process to what the starts
// cost: their rate times the share of them that ends in a false kill, both
// simulated.
func (t *tally) byFormula(w *model.World, confidence float64) formula {
	f := formula{}
	if p := w.Container().Probes[model.Liveness]; p != nil {
		f.closed = NewClosedForm(w, model.Liveness)
		if f.closed.Why != "" {
			f.bound = math.Inf(1)
			return f
		}
		estimate, bound := f.closed.Rate(p)
		f.estimate, f.bound = estimate*day.Seconds(), bound*day.Seconds()
	}
	if canLoseStart(w) {
		starts, losses := t.starts.Estimate(day, confidence), t.startLosses.Estimate(confidence)
		f.estimate += starts.Estimate * losses.Estimate
		f.bound += starts.High * losses.High
	}
	return f
}

// note prints the closed form beside the simulation, and whether they agree.
func (f *formula) note(w *model.World, m *Measures) []string {
	if byLiveness, byStartup := canKill(w); f.closed == nil || !byLiveness && !byStartup {
		return nil
	}
	if f.closed.Why != "" {
		return []string{"no closed form for false kills holds here: the scenario has " + f.closed.Why + "; independent failures are not assumed instead"}
	}
	// What the formulas leave out, above all the time a pod is down after a
	// kill, is small beside this share while kills are rare.
	const slack = 0.05
	simulated := m.FalseKillsPerPodYear
	perYear := float64(year) / float64(day)
	estimate, bound := f.estimate*perYear, f.bound*perYear
	comparison := "they agree"
	if simulated.High < estimate*(1-slack) || simulated.Low > bound*(1+slack) {
		comparison = "THEY DISAGREE beyond the interval: trust neither before the reason is known"
	}
	return []string{fmt.Sprintf("closed form beside the simulation: %.3g false kills per pod-year, at most %.3g (%s); simulated %s (%s to %s); %s",
		estimate, bound, f.closed.Sentence(), number(simulated.Estimate), number(simulated.Low), number(simulated.High), comparison)}
}
