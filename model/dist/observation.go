package dist

import (
	"math"
	"time"
)

// Unbounded is the High of an Observation of which only a lower bound is known.
const Unbounded = time.Duration(math.MaxInt64)

// Observation is what a measurement says of a duration: that it was Low, where
// High equals Low; that it was above Low and at most High, where the clock or
// the bucket is coarse (interval-censored); or that it was above Low, where it
// was cut off and High is Unbounded (right-censored).
type Observation struct {
	Low, High time.Duration // 0 <= Low <= High
	// Count is the number of such observations; not below 0, and not whole
	// where a monitoring system has extrapolated it.
	Count float64
}
