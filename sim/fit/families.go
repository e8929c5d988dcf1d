package fit

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/probesim/probesim/model/dist"
)

// family is one candidate: how its parameters are found, and what they mean.
// Parameters and values are in the unit of a sample.
type family struct {
	name string
	// parameters is their number as Akaike's criterion counts them. A least
	// value counts twice: what the likelihood gains by fitting it is distributed
	// as with two ordinary parameters, and no sample has values below.
	parameters int
	// fit returns the parameters of greatest likelihood; nil where there are
	// none. near are parameters that are known to be close, or nil.
	fit        func(s *sample, near []float64) []float64
	logDensity func(of []float64, x float64) float64
	survival   func(of []float64, x float64) float64
	// dist returns the distribution in a unit that is scale times smaller.
	dist func(of []float64, scale float64) dist.Dist
}

// likelihood returns the logarithm of the likelihood of a sample; −Inf where
// the family cannot yield it.
func (f *family) likelihood(s *sample, of []float64) float64 {
	sum := s.logLikelihood(func(x float64) float64 { return f.logDensity(of, x) },
		func(x float64) float64 { return f.survival(of, x) })
	if math.IsNaN(sum) {
		return math.Inf(-1)
	}
	return sum
}

// families are the candidates, simple ones first.
func families() []*family {
	return []*family{exponential(), lognormal(), gamma(), weibull(), pareto(), normal(), shiftedLognormal(), lognormalMixture()}
}

// exponential has the parameter mean.
func exponential() *family {
	f := &family{name: "exponential", parameters: 1}
	f.logDensity = func(of []float64, x float64) float64 { return -math.Log(of[0]) - x/of[0] }
	f.survival = func(of []float64, x float64) float64 { return math.Exp(-x / of[0]) }
	f.dist = func(of []float64, scale float64) dist.Dist { return dist.Exponential(of[0] * scale) }
	f.fit = func(s *sample, _ []float64) []float64 {
		total := 0.0
		for _, p := range s.points {
			total += p.count * p.middle()
		}
		closed := []float64{total / s.events} // total time over events, censored or not
		if s.onlyCutOff() {
			return closed
		}
		return maximized(f, s, closed)
	}
	return f
}

// lognormal has the parameters median and the deviation of the logarithm.
func lognormal() *family {
	f := &family{name: "lognormal", parameters: 2}
	f.logDensity = func(of []float64, x float64) float64 {
		z := math.Log(x/of[0]) / of[1]
		return -z*z/2 - math.Log(of[1]*x) - math.Log(2*math.Pi)/2
	}
	f.survival = func(of []float64, x float64) float64 { return upper(math.Log(x/of[0]) / of[1]) }
	f.dist = func(of []float64, scale float64) dist.Dist {
		return dist.LogNormal{Mu: math.Log(of[0] * scale), Sigma: of[1]}
	}
	f.fit = func(s *sample, near []float64) []float64 {
		mean, deviation := s.logMoments()
		closed := []float64{math.Exp(mean), deviation}
		if s.exactly == s.n {
			return closed
		}
		return maximized(f, s, started(near, closed))
	}
	return f
}

// gamma has the parameters shape and scale.
func gamma() *family {
	f := &family{name: "gamma", parameters: 2}
	f.logDensity = func(of []float64, x float64) float64 {
		logGamma, _ := math.Lgamma(of[0])
		return (of[0]-1)*math.Log(x) - x/of[1] - of[0]*math.Log(of[1]) - logGamma
	}
	f.survival = func(of []float64, x float64) float64 {
		if !(x > 0) {
			return 1
		}
		if math.IsInf(x, 1) {
			return 0
		}
		return mathext.GammaIncRegComp(of[0], x/of[1])
	}
	f.dist = func(of []float64, scale float64) dist.Dist { return dist.Gamma{Shape: of[0], Scale: of[1] * scale} }
	f.fit = func(s *sample, near []float64) []float64 {
		mean, logs := 0.0, 0.0
		for _, p := range s.points {
			middle := math.Max(p.middle(), 1e-9)
			mean += p.count * middle / s.n
			logs += p.count * math.Log(middle) / s.n
		}
		shape := gammaShape(math.Log(mean) - logs)
		closed := []float64{shape, mean / shape}
		if s.exactly == s.n {
			return closed
		}
		return maximized(f, s, started(near, closed))
	}
	return f
}

// gammaShape solves log k − ψ(k) = excess, the equation of the shape of greatest
// likelihood, by bisection of log k.
func gammaShape(excess float64) float64 {
	low, high := math.Log(1e-3), math.Log(1e7)
	for range 80 {
		middle := (low + high) / 2
		if k := math.Exp(middle); math.Log(k)-mathext.Digamma(k) > excess {
			low = middle
		} else {
			high = middle
		}
	}
	return math.Exp((low + high) / 2)
}

// weibull has the parameters shape and scale.
func weibull() *family {
	f := &family{name: "weibull", parameters: 2}
	f.logDensity = func(of []float64, x float64) float64 {
		z := math.Log(x / of[1])
		return math.Log(of[0]/of[1]) + (of[0]-1)*z - math.Exp(of[0]*z)
	}
	f.survival = func(of []float64, x float64) float64 { return math.Exp(-math.Pow(x/of[1], of[0])) }
	f.dist = func(of []float64, scale float64) dist.Dist {
		return dist.Weibull{Shape: of[0], Scale: of[1] * scale}
	}
	f.fit = func(s *sample, near []float64) []float64 {
		closed := weibullProfile(s)
		if s.onlyCutOff() {
			return closed
		}
		return maximized(f, s, started(near, closed))
	}
	return f
}

// weibullProfile solves the one equation that is left for the shape when the
// scale of greatest likelihood is put in, (Σ xᵏ)/d to the power 1/k with d
// events: Σ xᵏ log x / Σ xᵏ − 1/k = mean log x of the events. The left side
// increases with k.
func weibullProfile(s *sample) []float64 {
	logs := 0.0
	for _, p := range s.points {
		if !p.censored() {
			logs += p.count * math.Log(math.Max(p.middle(), 1e-9)) / s.events
		}
	}
	sums := func(k float64) (powers, weighted float64) {
		for _, p := range s.points {
			if x := math.Max(p.middle(), 1e-9); p.count > 0 {
				power := p.count * math.Pow(x, k)
				powers += power
				weighted += power * math.Log(x)
			}
		}
		return powers, weighted
	}
	low, high := math.Log(1e-2), math.Log(1e5)
	for range 60 {
		middle := (low + high) / 2
		k := math.Exp(middle)
		if powers, weighted := sums(k); weighted/powers-1/k < logs {
			low = middle
		} else {
			high = middle
		}
	}
	k := math.Exp((low + high) / 2)
	powers, _ := sums(k)
	return []float64{k, math.Pow(powers/s.events, 1/k)}
}

// pareto has the parameters least value and tail exponent.
func pareto() *family {
	f := &family{name: "pareto", parameters: 3}
	f.logDensity = func(of []float64, x float64) float64 {
		if x < of[0] {
			return math.Inf(-1)
		}
		return math.Log(of[1]/of[0]) - (of[1]+1)*math.Log(x/of[0])
	}
	f.survival = func(of []float64, x float64) float64 { return math.Min(1, math.Pow(of[0]/x, of[1])) }
	f.dist = func(of []float64, scale float64) dist.Dist {
		return dist.Pareto{Scale: of[0] * scale, Shape: of[1]}
	}
	f.fit = func(s *sample, near []float64) []float64 {
		least, logs := s.least(), 0.0
		for _, p := range s.points {
			logs += p.count * math.Max(0, math.Log(p.middle()/least))
		}
		closed := []float64{least, s.events / logs}
		if s.onlyCutOff() {
			return closed
		}
		return maximized(f, s, started(near, []float64{least * 0.8, closed[1]}))
	}
	return f
}

// normal is truncated at 0. It has the parameters mean and deviation of the
// untruncated distribution, its mean above 0.
func normal() *family {
	f := &family{name: "normal", parameters: 2}
	f.logDensity = func(of []float64, x float64) float64 {
		z := (x - of[0]) / of[1]
		return -z*z/2 - math.Log(of[1]*upper(-of[0]/of[1])) - math.Log(2*math.Pi)/2
	}
	f.survival = func(of []float64, x float64) float64 {
		return math.Min(1, upper((x-of[0])/of[1])/upper(-of[0]/of[1]))
	}
	f.dist = func(of []float64, scale float64) dist.Dist {
		return dist.Normal{Mu: of[0] * scale, Sigma: of[1] * scale}
	}
	f.fit = func(s *sample, near []float64) []float64 {
		mean, square := 0.0, 0.0
		for _, p := range s.points {
			middle := p.middle()
			mean += p.count * middle / s.n
			square += p.count * middle * middle / s.n
		}
		deviation := math.Sqrt(math.Max(square-mean*mean, 1e-18))
		return maximized(f, s, started(near, []float64{mean, deviation}))
	}
	return f
}

// upper is the share of a standard normal distribution above z.
func upper(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

// onlyCutOff reports whether every observation is exact or right-censored, for
// which several families have a solution in closed form.
func (s *sample) onlyCutOff() bool { return s.exactly == s.events }

// started returns the parameters to begin with.
func started(near, otherwise []float64) []float64 {
	if near != nil {
		return near
	}
	return otherwise
}
