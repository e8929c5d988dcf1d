package dist

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Part is one component of a Mixture.
type Part struct {
	Weight float64 // relative to the sum of all weights; not below 0
	Of     Dist
}

// Mixture draws one of its parts with a probability proportional to its
// weight, and then from that part. The weights sum to more than 0.
type Mixture []Part

// NewMixture returns the mixture of the parts. It is an error unless there is
// a part, every weight is finite and not below 0, and one is above 0.
func NewMixture(parts []Part) (Dist, error) {
	total := 0.0
	for i, part := range parts {
		if err := check(fmt.Sprintf("mixture[%d].weight", i), part.Weight, nonNegative); err != nil {
			return nil, err
		}
		total += part.Weight
	}
	if err := check("mixture: sum of the weights", total, positive); err != nil {
		return nil, err
	}
	return Mixture(append([]Part(nil), parts...)), nil
}

func (m Mixture) total() float64 {
	total := 0.0
	for i := range m {
		total += m[i].Weight
	}
	return total
}

// CDF implements Dist.
func (m Mixture) CDF(x float64) float64 {
	below := 0.0
	for i := range m {
		below += m[i].Weight * m[i].Of.CDF(x)
	}
	return math.Min(1, below/m.total())
}

// Mean implements Dist.
func (m Mixture) Mean() float64 {
	sum := 0.0
	for i := range m {
		if m[i].Weight > 0 { // 0·∞ is no mean
			sum += m[i].Weight * m[i].Of.Mean()
		}
	}
	return sum / m.total()
}

// Quantile implements Dist. It lies between the least and the greatest of the
// parts' quantiles and is found there by bisection, to the last bits.
func (m Mixture) Quantile(p float64) float64 {
	low, high := math.Inf(1), 0.0
	for i := range m {
		if m[i].Weight > 0 {
			x := m[i].Of.Quantile(p)
			low, high = math.Min(low, x), math.Max(high, x)
		}
	}
	if p >= 1 || math.IsInf(low, 1) || m.CDF(low) >= p {
		if p >= 1 {
			return high
		}
		return low
	}
	for range 200 {
		middle := low + (high-low)/2
		if middle <= low || middle >= high {
			break
		}
		if m.CDF(middle) >= p {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// Sample implements Dist.
func (m Mixture) Sample(r *rand.Rand) float64 {
	u := r.Float64() * m.total()
	last := 0
	for i := range m {
		if m[i].Weight > 0 {
			last = i
			if u < m[i].Weight {
				break
			}
			u -= m[i].Weight
		}
	}
	return m[last].Of.Sample(r)
}

// Shift is the distribution of By plus what Of yields; By is not below 0.
type Shift struct {
	By float64
	Of Dist
}

// NewShift returns the distribution of by plus what of yields. It is an error
// unless by is finite and not below 0.
func NewShift(by float64, of Dist) (Dist, error) {
	if of == nil {
		return nil, errors.New("of: is missing")
	}
	return Shift{by, of}, check("shift", by, nonNegative)
}

// CDF implements Dist.
func (s Shift) CDF(x float64) float64 { return s.Of.CDF(x - s.By) }

// Quantile implements Dist.
func (s Shift) Quantile(p float64) float64 { return s.By + s.Of.Quantile(p) }

// Mean implements Dist.
func (s Shift) Mean() float64 { return s.By + s.Of.Mean() }

// Sample implements Dist.
func (s Shift) Sample(r *rand.Rand) float64 { return s.By + s.Of.Sample(r) }

// Scale is the distribution of By times what Of yields; By is above 0.
type Scale struct {
	By float64
	Of Dist
}

// CDF implements Dist.
func (s Scale) CDF(x float64) float64 { return s.Of.CDF(x / s.By) }

// Quantile implements Dist.
func (s Scale) Quantile(p float64) float64 { return s.Of.Quantile(p) * s.By }

// Mean implements Dist.
func (s Scale) Mean() float64 { return s.Of.Mean() * s.By }

// Sample implements Dist.
func (s Scale) Sample(r *rand.Rand) float64 { return s.Of.Sample(r) * s.By }
