package estimate

import (
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/stats"
)

// step is the time between the starts of two attempts neither of which is
// answered: the period, or the timeout where that is longer (K5).
func step(p *model.Probe) time.Duration { return max(p.Period(), p.Timeout()) }

// Tolerated returns the longest time for which a process can be unable to
// answer without any risk of the probe's verdict (S3).
func Tolerated(p *model.Probe) time.Duration { return calc.SettingsOf(p).Tolerates(true) }

// tolerance is the ratio of what the liveness probe tolerates to what the
// readiness probe does (A17). A probe that is missing tolerates everything.
func tolerance(w *model.World) *stats.Estimate {
	probes := &w.Container().Probes
	ratio := math.Inf(1)
	switch {
	case probes[model.Liveness] == nil:
	case probes[model.Readiness] == nil:
		ratio = 0
	default:
		ratio = float64(Tolerated(probes[model.Liveness])) / float64(Tolerated(probes[model.Readiness]))
	}
	e := exactly(ratio)
	return &e
}

// detectionBounds returns the exact window of the time from a hang, at any
// phase of the grid, to the verdict of the liveness probe (S4), for a probe with
// no failures behind it. own tells the scenario's own hangs, some of which may
// answer, from test hangs, which do not.
func detectionBounds(w *model.World, own bool) stats.Bounds {
	return hangBounds(w, model.Liveness, own)
}

func hangBounds(w *model.World, k model.ProbeKind, own bool) stats.Bounds {
	settings, cached := calc.SettingsOf(w.Container().Probes[k]), w.Application.Probes[k].Cached
	window := settings.Detection(cached == 0, cached).Seconds()
	bounds := stats.Bounds{Min: float64(window.Min), Max: float64(window.Max)}
	for i := range w.Faults {
		if f := &w.Faults[i]; own && f.Hangs && f.Forever && f.Answers != model.FaultTimeout {
			bounds.Min = min(bounds.Min, float64(settings.Detection(false, 0).Seconds().Min))
			if !f.Answers.Judged() {
				bounds.Max = math.Inf(1) // never a failure (K15, K17, K18)
			}
		}
	}
	return bounds
}

// removalBounds returns the window of the time from a hang to its removal from
// the last proxy: the readiness probe's own (S4), then the propagation. A
// liveness probe that is faster brings a restart that can end it sooner.
// Without a readiness probe only the restart does.
func removalBounds(w *model.World, own bool) stats.Bounds {
	bounds := unknownBounds
	by := observed(w)
	if !by.byReadiness {
		return bounds
	}
	verdict := hangBounds(w, model.Readiness, own)
	bounds.Min = verdict.Min
	if propagation := w.Cluster.Propagation; propagation != nil {
		bounds.Min += propagation.Quantile(0).Seconds()
		bounds.Max = verdict.Max + propagation.Quantile(1).Seconds()
	}
	if by.byLiveness {
		bounds.Min = min(bounds.Min, hangBounds(w, model.Liveness, own).Min)
	}
	return bounds
}
