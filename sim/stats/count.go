package stats

import (
	"fmt"
	"math"
	"time"
)

// Count accumulates events over exposure time and estimates their rate. The
// zero value is empty.
type Count struct {
	Sums RatioOfSums // of events over nanoseconds
}

// Add adds one replication: events counted over exposure.
func (c *Count) Add(events int64, exposure time.Duration) {
	c.Sums.Add(events, int64(exposure))
}

// Merge adds everything other has accumulated.
func (c *Count) Merge(other *Count) {
	c.Sums.Merge(&other.Sums)
}

// Estimate returns the number of events in the duration per, with Garwood's
// interval. Where the replications' counts spread more than independent events
// would, events and exposure are divided by that dispersion: an interval over
// clusters of events instead of events (quasi-Poisson). Nothing counted gives
// the upper bound.
func (c *Count) Estimate(per time.Duration, confidence float64) Estimate {
	events, exposure := c.Sums.Y.Float(), c.Sums.X.Float()/float64(per)
	e := Estimate{Estimate: math.NaN(), High: math.Inf(1), Confidence: confidence, Method: "Garwood", N: int64(events)}
	if exposure == 0 {
		return e
	}
	dispersion := c.Dispersion()
	if dispersion > 1 {
		e.Method = fmt.Sprintf("Garwood over clusters, dispersion %.2g", dispersion)
	}
	e.Estimate = events / exposure
	low, high := Garwood(events/dispersion, confidence)
	e.Low, e.High = low*dispersion/exposure, high*dispersion/exposure
	return e
}

// Dispersion returns the variance of the replications' counts as a multiple of
// that of independent events, at least 1.
func (c *Count) Dispersion() float64 {
	events, exposure := c.Sums.Y.Float(), c.Sums.X.Float()
	if events < 2 || c.Sums.N < 2 {
		return 1
	}
	return atLeast1(c.Sums.variance() * exposure * exposure / events)
}

func atLeast1(dispersion float64) float64 {
	if !(dispersion > 1) {
		return 1
	}
	return dispersion
}

// Proportion accumulates successes in trials and estimates their probability.
// The zero value is empty.
type Proportion struct {
	Sums RatioOfSums // of successes over trials
}

// Add adds one replication.
func (p *Proportion) Add(successes, trials int64) {
	p.Sums.Add(successes, trials)
}

// Merge adds everything other has accumulated.
func (p *Proportion) Merge(other *Proportion) {
	p.Sums.Merge(&other.Sums)
}

// Estimate returns the probability with Wilson's interval. Where trials of one
// replication resemble each other, as probes during one stall do, successes
// and trials are divided by the dispersion between replications (the design
// effect). Without any success, or any failure, no dispersion can be seen and
// the bound is that of independent trials.
func (p *Proportion) Estimate(confidence float64) Estimate {
	successes, trials := p.Sums.Y.Float(), p.Sums.X.Float()
	e := Estimate{Estimate: math.NaN(), Low: 0, High: 1, Confidence: confidence, Method: "Wilson", N: int64(trials)}
	if trials == 0 {
		return e
	}
	e.Estimate = successes / trials
	dispersion := 1.0
	if p.Sums.N >= 2 && successes > 0 && successes < trials {
		dispersion = atLeast1(p.Sums.variance() * trials / (e.Estimate * (1 - e.Estimate)))
	}
	if dispersion > 1 {
		e.Method = fmt.Sprintf("Wilson over clusters, dispersion %.2g", dispersion)
	}
	e.Low, e.High = Wilson(successes/dispersion, trials/dispersion, confidence)
	return e
}
