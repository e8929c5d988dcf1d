package estimate

import (
	"fmt"
	"math"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// nullNotes gives the reasons for numbers that are missing inside a measure that
// applies: an end without a bound is null in JSON, and nobody should have to
// guess why.
func nullNotes(m *Measures, o Options) []string {
	var notes []string
	if e := m.MeanTimeToFalseKillSeconds; e != nil && math.IsInf(e.Estimate, 1) {
		reason := "no false kill was seen, which only bounds it from below"
		if math.IsInf(e.Low, 1) {
			reason = "no false kill can happen, so that there is no time to one"
		}
		notes = append(notes, "meanTimeToFalseKillSeconds.estimate is null: "+reason)
	}
	var unbounded, unsure []string
	for _, measure := range []struct {
		key string
		d   *stats.Distribution
	}{
		{"detectionSeconds", m.DetectionSeconds}, {"removalSeconds", m.RemovalSeconds}, {"recoverySeconds", m.RecoverySeconds},
		{"readyLagSeconds", m.ReadyLagSeconds}, {"timeToReadySeconds", m.TimeToReadySeconds},
	} {
		if measure.d == nil {
			continue
		}
		if math.IsInf(float64(measure.d.Bounds.Max), 1) {
			unbounded = append(unbounded, measure.key)
		}
		for _, quantile := range []struct {
			name string
			e    *stats.Estimate
		}{{"p50", &measure.d.P50}, {"p90", &measure.d.P90}, {"p99", &measure.d.P99}} {
			if math.IsInf(quantile.e.High, 1) {
				unsure = append(unsure, measure.key+"."+quantile.name)
			}
		}
	}
	if unbounded != nil {
		notes = append(notes, fmt.Sprintf("bounds.max is null for %s: what they contain (starts, propagation, waiting behind other work) has no longest value", strings.Join(unbounded, ", ")))
	}
	if unsure != nil {
		notes = append(notes, fmt.Sprintf("the upper end is null for %s: too few were observed for one at this confidence", strings.Join(unsure, ", ")))
	}
	switch starts := m.StartupKillProbability; {
	case starts == nil || starts.Estimate == 0:
	case o.PodLife > 0:
		notes = append(notes, fmt.Sprintf("starts are among what kills: falseKillsPerPodDay and falseKillsPerPodYear are those of pods that live %s and have one first start each, however long the lives were that were simulated", spell(o.PodLife)))
	default:
		notes = append(notes, "starts are among what kills, and every life begins with one: falseKillsPerPodDay and falseKillsPerPodYear depend on the horizon, the more the shorter it is; startupKillProbability does not")
	}
	return notes
}

// freeAnswers reports whether no answer to a probe of the container costs CPU,
// so that their share of the limit is 0 for certain.
func freeAnswers(w *model.World) bool {
	for k, probe := range w.Container().Probes {
		a := &w.Application.Probes[k]
		if probe != nil && (a.CPU.Mean() > 0 || probe.Handler.Kind == model.Exec && a.Exec.HelperCPU.Mean() > 0) {
			return false
		}
	}
	return true
}
