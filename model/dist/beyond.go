package dist

import (
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/mathext"
)

// mostPast is the probability of no more than an age, beyond which what is left of it
// to one can no longer be told from the rounding of the distribution function.
const mostPast = 1 - 1e-9

// Beyond draws a duration on condition that it is above an age, which it is at the
// least: what lasts already is drawn anew, given how long it has lasted. Lognormal
// and exponential tails, and mixtures of them, are precise however far out. Of the
// others ok is false where fewer than one in a billion last so long; nothing is drawn
// then.
func (d Duration) Beyond(age time.Duration, r *rand.Rand) (drawn time.Duration, ok bool) {
	if d.Nanoseconds == nil {
		return 0, false
	}
	x, ok := beyond(d.Nanoseconds, float64(age), r)
	return max(age, toDuration(x)), ok
}

func beyond(d Dist, age float64, r *rand.Rand) (float64, bool) {
	switch d := d.(type) {
	case Exponential:
		return max(age, 0) + d.Sample(r), true
	case LogNormal:
		if d.Sigma > 0 && age > 0 {
			above := normalCDF((d.Mu - math.Log(age)) / d.Sigma) // P(X > age)
			return math.Exp(d.Mu - d.Sigma*mathext.NormalQuantile((1-r.Float64())*above)), above > 0
		}
	case Scale:
		x, ok := beyond(d.Of, age/d.By, r)
		return x * d.By, ok
	case Shift:
		x, ok := beyond(d.Of, age-d.By, r)
		return x + d.By, ok
	case Mixture:
		return d.beyond(age, r)
	}
	past := d.CDF(age)
	if past > mostPast {
		return 0, false
	}
	return d.Quantile(past + r.Float64()*(1-past)), true
}

// beyond draws a part, as likely as its weight and what of it is above the age make it,
// and then from that part.
func (m Mixture) beyond(age float64, r *rand.Rand) (float64, bool) {
	total := 0.0
	for i := range m {
		total += m[i].Weight * above(m[i].Of, age)
	}
	u, last := r.Float64()*total, -1
	for i := range m {
		weight := m[i].Weight * above(m[i].Of, age)
		if weight > 0 {
			last = i
			if u < weight {
				break
			}
			u -= weight
		}
	}
	if last < 0 {
		return 0, false
	}
	return beyond(m[last].Of, age, r)
}

// above returns the probability of more than an age; 0 where too few last so long for
// beyond to draw from them.
func above(d Dist, age float64) float64 {
	switch d := d.(type) {
	case Exponential:
		return math.Exp(-max(age, 0) / float64(d))
	case LogNormal:
		if d.Sigma > 0 && age > 0 {
			return normalCDF((d.Mu - math.Log(age)) / d.Sigma)
		}
	case Scale:
		return above(d.Of, age/d.By)
	case Shift:
		return above(d.Of, age-d.By)
	case Mixture:
		total := 0.0
		for i := range d {
			total += d[i].Weight * above(d[i].Of, age)
		}
		return total / d.total()
	}
	if past := d.CDF(age); past <= mostPast {
		return 1 - past
	}
	return 0
}
