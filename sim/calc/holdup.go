package calc

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// holdUp is the distribution of the time from the end of a startup to a gate
// that opens later: max(0, gate − startup), in nanoseconds.
type holdUp struct {
	startup dist.Duration
	gate    time.Duration
}

// CDF implements dist.Dist.
func (h holdUp) CDF(x float64) float64 {
	if x < 0 {
		return 0
	}
	return 1 - h.startup.CDF(time.Duration(math.Ceil(float64(h.gate)-x))-1)
}

// Quantile implements dist.Dist.
func (h holdUp) Quantile(p float64) float64 {
	return float64(max(0, h.gate-h.startup.Quantile(1-p)))
}

// Mean implements dist.Dist: the mean of gate − min(startup, gate).
func (h holdUp) Mean() float64 {
	return float64(h.gate) - integral(h.startup.Nanoseconds, 0, float64(h.gate))
}

// Sample implements dist.Dist.
func (h holdUp) Sample(r *rand.Rand) float64 {
	return float64(max(0, h.gate-h.startup.Sample(r)))
}
