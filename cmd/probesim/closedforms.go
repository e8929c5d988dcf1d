package main

import (
	"fmt"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// besideClosedForms sets simulated measures beside the closed forms of calc
// where both apply, and says where they disagree beyond the interval (S13). The
// rate of false kills is set beside its own by the estimate itself.
func besideClosedForms(w *model.World, m *estimate.Measures) []string {
	c, err := calc.World(w)
	if err != nil {
		return nil // no probe: nothing to set beside
	}
	var notes []string
	compare := func(name string, exact *calc.Number, simulated *stats.Estimate, write func(float64) string) {
		if exact == nil || simulated == nil || simulated.Low == simulated.High {
			return
		}
		// What the closed forms leave out, above all the kubelet's own delays,
		// is small beside this share.
		const slack = 0.01
		value := float64(*exact)
		verdict := "they agree"
		if value*(1+slack) < simulated.Low || value*(1-slack) > simulated.High {
			verdict = "they DISAGREE beyond the interval"
		}
		notes = append(notes, fmt.Sprintf("closed form beside the simulation: %s %s exactly, %s simulated; %s",
			name, write(value), estimated(simulated, write), verdict))
	}
	compare("startupKillProbability", c.StartupKillProbability, m.StartupKillProbability, share)
	if p := c.Probes.Liveness; p != nil && p.DetectionSeconds != nil && m.DetectionSeconds != nil && prompt(w, m) {
		compare("mean of detectionSeconds", &p.DetectionSeconds.Mean, &m.DetectionSeconds.Mean, seconds)
	}
	return notes
}

// prompt reports whether the liveness probe meets a hang with no failures
// behind it and no attempt in flight, as the window of S4 supposes: answers
// take a small part of the period, and few fail.
func prompt(w *model.World, m *estimate.Measures) bool {
	const small = 0.01
	answer, limit := &w.Application.Probes[model.Liveness], w.Container().CPULimitMilli
	took := answer.CPU.Mean().Seconds() + answer.Exec.HelperCPU.Mean().Seconds()
	if limit > 0 && !w.Node.NoCFSQuota {
		took *= max(1, 1000/float64(limit))
	}
	took += answer.Wait.Mean().Seconds() + answer.Exec.Join.Mean().Seconds()
	failures := m.ProbeFailureProbability[model.Liveness]
	return answer.RunsOn == model.Dedicated && took < small*w.Container().Probes[model.Liveness].Period().Seconds() &&
		failures != nil && failures.Estimate.Estimate < small
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

// rate returns the false kills per pod-year: the estimate, or the closed form in
// its place where nothing was seen and the closed form says more. The bound of
// so many replications says little about settings that kill once in centuries.
func rate(m *estimate.Measures) *stats.Estimate {
	e, closed := m.FalseKillsPerPodYear, m.ClosedForm
	if e == nil || closed == nil || e.Estimate > 0 {
		return e
	}
	if certain := e.High == 0; certain && closed.High == 0 || !certain && closed.High > e.High {
		return e
	}
	return closed
}

// closedForm is the method of an estimate that was calculated.
const closedForm = "closed form"

// rateText writes a rate of false kills with where it comes from.
func rateText(e *stats.Estimate) string {
	if e != nil && e.Method == closedForm {
		return "at most " + number(e.High) + " by the closed form"
	}
	return estimated(e, number)
}
