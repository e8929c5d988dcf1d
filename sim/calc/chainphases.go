package calc

import (
	"math"
	"time"

	"gonum.org/v1/gonum/mathext"

	"github.com/probesim/probesim/model/dist"
)

// phases is a phase-type distribution: a mixture of sums of exponential stages,
// so that the time already spent in a stage says nothing of what is left of it
// (Neuts, Matrix-Geometric Solutions, 1981). Weights sum to 1.
type phases []branch

// branch is a number of exponential stages after each other, of one mean each,
// in nanoseconds.
type branch struct {
	weight float64
	stages int
	mean   float64
}

// mostStages bounds the stages of a fit: a constant becomes so many in a row.
const mostStages = 8

// newPhases returns the distribution as stages. Exponential durations,
// mixtures of them and gammas of a whole number of stages are exact, error 0.
// Anything else is fitted by its first two moments (Tijms, Stochastic Models,
// 1994, appendix B), and error is the greatest difference of the two cumulative
// distributions.
func newPhases(d dist.Duration) (fit phases, err float64) {
	if exact, ok := exactPhases(d.Nanoseconds); ok {
		return exact, 0
	}
	mean, square := moments(d)
	variation := square/(mean*mean) - 1
	if variation >= 1 {
		p := (1 + math.Sqrt((variation-1)/(variation+1))) / 2
		fit = phases{{p, 1, mean / (2 * p)}, {1 - p, 1, mean / (2 * (1 - p))}}
	} else {
		k := int(math.Ceil(1 / math.Max(variation, 1.0/mostStages)))
		p := 0.0
		if v := variation; v*float64(k) > 1 && k > 1 { // between k−1 and k stages
			n := float64(k)
			p = (v*n - math.Sqrt(n*(1+v)-n*n*v)) / (1 + v)
		}
		stage := mean / (float64(k) - p)
		fit = phases{{1 - p, k, stage}}
		if p > 0 {
			fit = append(fit, branch{p, k - 1, stage})
		}
	}
	const points = 200
	for i := range points {
		x := float64(d.Quantile((float64(i) + .5) / points))
		err = math.Max(err, math.Abs(fit.cdf(x)-d.CDF(time.Duration(x))))
		err = math.Max(err, math.Abs(fit.cdf(x)-d.CDF(time.Duration(x)-1)))
	}
	return fit, err
}

// exactPhases returns the stages that a distribution consists of, if it does.
func exactPhases(d dist.Dist) (phases, bool) {
	switch d := d.(type) {
	case dist.Exponential:
		return phases{{1, 1, float64(d)}}, true
	case dist.Scale:
		of, ok := exactPhases(d.Of)
		for i := range of {
			of[i].mean *= d.By
		}
		return of, ok
	case dist.Mixture:
		var all phases
		total := 0.0
		for _, part := range d {
			total += part.Weight
		}
		for _, part := range d {
			of, ok := exactPhases(part.Of)
			if !ok {
				return nil, false
			}
			for _, b := range of {
				b.weight *= part.Weight / total
				all = append(all, b)
			}
		}
		return all, true
	}
	return nil, false
}

// cdf returns P(X <= x).
func (p phases) cdf(x float64) float64 {
	if x <= 0 {
		return 0
	}
	sum := 0.0
	for _, b := range p {
		sum += b.weight * mathext.GammaIncReg(float64(b.stages), x/b.mean)
	}
	return sum
}

// moments returns the mean and the mean square of a duration in nanoseconds.
func moments(d dist.Duration) (mean, square float64) {
	// Twice the integral of x·P(X > x), over steps that grow with x.
	const steps = 2000
	mean = float64(d.Mean())
	x := 0.0
	for i := range steps {
		next := float64(d.Quantile(float64(i+1) / steps))
		if i == steps-1 {
			next = float64(d.Quantile(1 - 1e-7))
		}
		if next > x {
			square += (x + next) * integral(d.Nanoseconds, x, next)
			x = next
		}
	}
	return mean, math.Max(square, mean*mean)
}
