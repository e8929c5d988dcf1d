package calc

import (
	"math"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// exceeds returns the probability that the sum of up to two independent
// durations is above t.
func exceeds(parts []dist.Duration, t time.Duration) float64 {
	switch len(parts) {
	case 0:
		return 0
	case 1:
		return 1 - parts[0].CDF(t)
	}
	// The mean of P(A > t − B) over B, in equal steps of a logistic score of B's
	// quantile, whose points lie far out in both tails.
	const step = .02
	sum := 0.0
	for score := -36 + step/2; score < 36; score += step {
		p := 1 / (1 + math.Exp(-score))
		rest := float64(t) - parts[1].Nanoseconds.Quantile(p)
		sum += (1 - parts[0].Nanoseconds.CDF(rest)) * p * (1 - p) * step
	}
	return math.Min(1, sum)
}
