package main

import (
	"fmt"
	"math"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// besideClosedForms sets simulated measures beside the closed forms of calc
// where both apply, and says where they disagree beyond the interval (S13). The
// rate of false kills is set beside its own by the estimate itself.
func besideClosedForms(w *model.World, m *estimate.Measures) []string {
	if w.Uncertain() {
		return nil // the closed forms are those of one draw of the inputs
	}
	c, err := calc.World(w)
	if err != nil {
		return nil // no probe: nothing to set beside
	}
	var b beside
	if !estimate.StartsDelayed(w) {
		b.compare("startupKillProbability", c.StartupKillProbability, m.StartupKillProbability, share, 0)
	}
	if p := c.Probes.Liveness; p != nil && hangsInSilence(w) {
		b.compareMean("detectionSeconds", p.DetectionSeconds, m.DetectionSeconds)
	}
	if p := c.Probes.Readiness; p != nil {
		if hangsInSilence(w) {
			b.compareMean("removalSeconds", p.RemovalSeconds, m.RemovalSeconds)
		}
		b.compareMean("readyLagSeconds", p.ReadyLagSeconds, m.ReadyLagSeconds)
	}
	return b.notes
}

// beside collects the notes of comparisons.
type beside struct{ notes []string }

// compareMean compares the means of a delay, unless one is not known.
func (b *beside) compareMean(name string, exact *calc.Delay, simulated *stats.Distribution) {
	// The kubelet's own delays, which the closed forms leave out.
	const delays = .05
	if exact == nil || simulated == nil || math.IsNaN(float64(exact.Mean)) {
		return
	}
	b.compare("mean of "+name, &exact.Mean, &simulated.Mean, seconds, delays)
}

// compare compares one number, unless one is not known.
func (b *beside) compare(name string, exact *calc.Number, simulated *stats.Estimate, write func(float64) string, delays float64) {
	if exact == nil || simulated == nil || simulated.Low == simulated.High {
		return
	}
	// What the closed forms leave out is small beside this share.
	const slack = 0.01
	value := float64(*exact)
	verdict := "they agree"
	if value*(1+slack)+delays < simulated.Low || value*(1-slack)-delays > simulated.High {
		verdict = "they DISAGREE beyond the interval"
	}
	b.notes = append(b.notes, fmt.Sprintf("closed form beside the simulation: %s %s exactly, %s simulated; %s",
		name, write(value), estimated(simulated, write), verdict))
}

// hangsInSilence reports whether every hang of the scenario's own leaves all
// probes without an answer, as the closed forms and test hangs have it.
func hangsInSilence(w *model.World) bool {
	for i := range w.Faults {
		f := &w.Faults[i]
		if f.Hangs && f.Forever && (f.Answers != model.FaultTimeout || !f.Probes[model.Readiness] || !f.Probes[model.Liveness]) {
			return false
		}
	}
	return true
}

// multiplied says what multiplying the failure rate of the liveness probe with
// itself, as if failures were independent, would make of the rate of false
// kills, where that is off by more than a factor of two. It is never an
// answer; it shows why none is made that way.
func multiplied(w *model.World, m *estimate.Measures) string {
	p, failures, kills := w.Container().Probes[model.Liveness], m.ProbeFailureProbability[model.Liveness], m.FalseKillsPerPodDayByLiveness
	if p == nil || failures == nil || kills == nil || !(kills.Low > 0) || !(failures.Estimate.Estimate > 0) {
		return ""
	}
	settings := calc.SettingsOf(p)
	run := calc.Run{Failures: settings.Failures, Probability: failures.Estimate.Estimate}
	perDay := 86400 / (run.MeanProbes() * settings.Period.Seconds())
	ratio := kills.Estimate / perDay
	if ratio < 2 {
		return ""
	}
	return fmt.Sprintf("Failures come in runs: if the %s of failed liveness probes were independent, %d in a row would come %s times per pod-year, too few by a factor of %s.",
		share(failures.Estimate.Estimate), settings.Failures, number(perDay*365.25), number(ratio))
}

// closedForm is the method of an estimate that was calculated.
const closedForm = "closed form"

// atMost writes a bound of a rate per pod-year. How much rarer than once in a million
// years helps nobody.
func atMost(perYear float64) string {
	const least = 1e-6
	if perYear > 0 && perYear < least {
		return number(least)
	}
	return number(perYear)
}

// rateText writes a rate of false kills with where it comes from.
func rateText(e *stats.Estimate) string {
	if e != nil && e.Method == closedForm && e.High > 0 {
		return "at most " + atMost(e.High) + " by the closed form"
	}
	return estimated(e, number)
}
