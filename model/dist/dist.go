// Package dist holds the distributions a scenario can name. A distribution is
// a plain value; the generator is passed to each draw, so one value serves any
// number of replications at once.
package dist

import (
	"math"
	"math/rand/v2"
	"time"
)

// Dist is the distribution of a quantity that is never negative. Its unit is
// the business of whoever holds it; Duration fixes it to nanoseconds.
type Dist interface {
	// Sample draws one value from r. It does not allocate.
	Sample(r *rand.Rand) float64
	// CDF returns P(X <= x), right-continuous.
	CDF(x float64) float64
	// Quantile returns the least x with CDF(x) >= p, for p in [0, 1].
	Quantile(p float64) float64
	// Mean returns the expectation, +Inf where there is none.
	Mean() float64
}

// Duration is a distribution of durations: Nanoseconds, in nanoseconds. The
// zero value is the constant 0.
type Duration struct{ Nanoseconds Dist }

// Longest is the longest duration that is ever drawn: the longest horizon.
const Longest = 100 * 8766 * time.Hour

// Constantly returns the distribution that always yields d.
func Constantly(d time.Duration) Duration { return Duration{Constant(d)} }

// IsZero reports whether the distribution is the constant 0.
func (d Duration) IsZero() bool {
	return d.Nanoseconds == nil || d.Nanoseconds == Constant(0)
}

// Sample draws a duration, rounded to the nearest nanosecond and cut to
// [0, Longest].
func (d Duration) Sample(r *rand.Rand) time.Duration {
	if d.Nanoseconds == nil {
		return 0
	}
	return toDuration(d.Nanoseconds.Sample(r))
}

// CDF returns P(X <= x).
func (d Duration) CDF(x time.Duration) float64 {
	if d.Nanoseconds == nil {
		return Constant(0).CDF(float64(x))
	}
	return d.Nanoseconds.CDF(float64(x))
}

// Quantile returns the least x with CDF(x) >= p, cut to [0, Longest].
func (d Duration) Quantile(p float64) time.Duration {
	if d.Nanoseconds == nil {
		return 0
	}
	return toDuration(d.Nanoseconds.Quantile(p))
}

// Mean returns the expectation, cut to Longest.
func (d Duration) Mean() time.Duration {
	if d.Nanoseconds == nil {
		return 0
	}
	return toDuration(d.Nanoseconds.Mean())
}

// Times returns the distribution of durations that are so many times as long, a
// factor above 0. Constants and exponential ones stay what they are.
func (d Duration) Times(factor float64) Duration {
	switch of := d.Nanoseconds.(type) {
	case nil:
		return d
	case Constant:
		return Duration{Constant(float64(of) * factor)}
	case Exponential:
		return Duration{Exponential(float64(of) * factor)}
	}
	if factor == 1 {
		return d
	}
	return Duration{Scale{factor, d.Nanoseconds}}
}

// Stretched returns d times a factor that is not negative, rounded to the nearest
// nanosecond and cut to Longest.
func Stretched(d time.Duration, factor float64) time.Duration {
	if factor == 1 {
		return d
	}
	return toDuration(float64(d) * factor)
}

func toDuration(ns float64) time.Duration {
	switch {
	case !(ns > 0):
		return 0
	case ns >= float64(Longest):
		return Longest
	}
	return time.Duration(math.Round(ns))
}

// Constant is the distribution of a quantity that is always the same.
type Constant float64

// CDF implements Dist.
func (c Constant) CDF(x float64) float64 {
	if x >= float64(c) {
		return 1
	}
	return 0
}

// Mean implements Dist.
func (c Constant) Mean() float64 { return float64(c) }

// Quantile implements Dist.
func (c Constant) Quantile(float64) float64 { return float64(c) }

// Sample implements Dist.
func (c Constant) Sample(*rand.Rand) float64 { return float64(c) }
