package calc

import (
	"math"
	"strings"
)

// explainNulls adds the reasons for what is null and has none among the notes
// yet, so that nobody has to guess why a number is missing.
func (c *Calculation) explainNulls() {
	switch {
	case c.FalseKillsPerPodDay == nil:
		c.note("meanProbesToKill, meanTimeToFalseKillSeconds, falseKillsPerPodDay and killProbability are null: no false kills were calculated")
	case *c.FalseKillsPerPodDay == 0:
		c.note("meanProbesToKill and meanTimeToFalseKillSeconds are null: no false kill happens, so that there is no time to one")
	case c.MeanProbesToKill == nil:
		c.note("meanProbesToKill is null: it counts independent failures (S1), and these come in runs")
	}
	const anyPhase = "startupKillProbabilityAnyPhase"
	if c.StartupKillProbabilityAnyPhase == nil && !strings.Contains(strings.Join(c.Notes, " "), anyPhase) {
		c.note("%s is null where startupKillProbability is", anyPhase)
	}
	if p := c.Probes.Startup; p != nil && p.DetectionSeconds == nil {
		c.note("startup probe: detectionSeconds and detectionIfRefusedSeconds are null: it asks only before anything is served")
	}
	var unbounded []string
	for _, of := range []struct {
		probe string
		p     *Probe
	}{{"readiness", c.Probes.Readiness}, {"liveness", c.Probes.Liveness}} {
		if of.p == nil {
			continue
		}
		for _, delay := range []struct {
			key string
			d   *Delay
		}{
			{"detectionSeconds", of.p.DetectionSeconds}, {"detectionIfRefusedSeconds", of.p.DetectionIfRefusedSeconds},
			{"removalSeconds", of.p.RemovalSeconds}, {"readyLagSeconds", of.p.ReadyLagSeconds},
		} {
			if delay.d != nil && math.IsInf(float64(delay.d.Max), 1) {
				unbounded = append(unbounded, of.probe+"."+delay.key)
			}
		}
	}
	if unbounded != nil {
		c.note("max is null for %s: what they contain (starts, propagation) has no longest value", strings.Join(unbounded, ", "))
	}
}
