package estimate

import (
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// step is the time between the starts of two attempts neither of which is
// answered: the period, or the timeout where that is longer (K5).
func step(p *model.Probe) time.Duration { return max(p.Period(), p.Timeout()) }

// Tolerated returns the longest time for which a process can be unable to
// answer without any risk of the probe's verdict: failureThreshold attempts
// have to start within it, less the timeout of the last (S3, S4).
func Tolerated(p *model.Probe) time.Duration {
	return time.Duration(p.FailureThreshold-1)*step(p) + p.Timeout()
}

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

// detectionBounds returns the exact window of the time from a hang that gives
// no answer, at any phase of the grid, to the verdict of the liveness probe
// (S4), for a probe with no failures behind it.
func detectionBounds(w *model.World) stats.Bounds {
	p := w.Container().Probes[model.Liveness]
	return stats.Bounds{Min: Tolerated(p).Seconds(), Max: (Tolerated(p) + p.Period()).Seconds()}
}

// removalBounds returns the window of the time from a hang to its removal from
// the last proxy: the readiness probe's own (S4), then the propagation.
// Without a readiness probe it ends with the restart, and only its lower end
// is known.
func removalBounds(w *model.World) stats.Bounds {
	bounds := unknownBounds
	if !observed(w).byReadiness {
		return bounds
	}
	p := w.Container().Probes[model.Readiness]
	first := Tolerated(p)
	if liveness := w.Container().Probes[model.Liveness]; liveness != nil {
		first = min(first, Tolerated(liveness))
	}
	bounds.Min = first.Seconds()
	if propagation := w.Cluster.Propagation; propagation != nil {
		bounds.Min += propagation.Quantile(0).Seconds()
		bounds.Max = (Tolerated(p) + p.Period() + propagation.Quantile(1)).Seconds()
	}
	return bounds
}
