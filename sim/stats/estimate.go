// Package stats turns counts and sums of simulated lives into estimates with
// intervals. It knows no pods. Its accumulators are integers, so that they
// merge to the same bytes in any grouping (S9, S15).
package stats

import (
	"encoding/json"
	"math"
)

// Estimate is one number with its uncertainty. A number never travels without it.
type Estimate struct {
	Estimate   float64 // the best single value; NaN where there is none
	Low, High  float64 // the confidence interval; may be 0 and +Inf
	Confidence float64 // of the interval, for example 0.95
	Method     string  // how the interval was made: "Garwood", "Wilson", "t over blocks", "order statistics", "exact", …
	N          int64   // the effort: events, trials or replications, as the method counts them
}

// Map returns the estimate of f of the quantity. f is monotone; a falling f
// exchanges the ends of the interval.
func (e Estimate) Map(f func(float64) float64) Estimate {
	e.Estimate, e.Low, e.High = f(e.Estimate), f(e.Low), f(e.High)
	if e.Low > e.High {
		e.Low, e.High = e.High, e.Low
	}
	return e
}

// RelativeHalfWidth returns half the interval's width as a share of the
// estimate: what a stopping rule compares with the precision sought (S11). It
// is +Inf where the estimate is 0, NaN or unbounded.
func (e Estimate) RelativeHalfWidth() float64 {
	share := (e.High - e.Low) / 2 / math.Abs(e.Estimate)
	if math.IsNaN(share) || e.Estimate == 0 {
		return math.Inf(1)
	}
	return share
}

// MarshalJSON writes the numbers, with null in place of those that are not finite.
func (e Estimate) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Estimate   *float64 `json:"estimate"`
		Low        *float64 `json:"low"`
		High       *float64 `json:"high"`
		Confidence float64  `json:"confidence"`
		Method     string   `json:"method"`
		N          int64    `json:"n"`
	}{finite(e.Estimate), finite(e.Low), finite(e.High), e.Confidence, e.Method, e.N})
}

// Distribution is the estimated distribution of one quantity.
type Distribution struct {
	Mean   Estimate `json:"mean"`
	P50    Estimate `json:"p50"`
	P90    Estimate `json:"p90"`
	P99    Estimate `json:"p99"`
	Bounds Bounds   `json:"bounds"`
}

// Bounds are what a quantity can be at the least and at the most; Max is +Inf
// where there is no bound.
type Bounds struct{ Min, Max float64 }

// MarshalJSON writes the bounds, with null in place of an infinite one.
func (b Bounds) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Min *float64 `json:"min"`
		Max *float64 `json:"max"`
	}{finite(b.Min), finite(b.Max)})
}

func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
