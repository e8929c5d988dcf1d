package dist

import (
	"errors"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"
)

// Exponential is the exponential distribution whose mean is its value, above
// 0: the gaps between events that do not remember each other.
type Exponential float64

// NewExponential returns the exponential distribution of the given mean, which
// must be finite and above 0.
func NewExponential(mean float64) (Dist, error) {
	return Exponential(mean), check("exponential", mean, positive)
}

// CDF implements Dist.
func (e Exponential) CDF(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return -math.Expm1(-x / float64(e))
}

// Quantile implements Dist.
func (e Exponential) Quantile(p float64) float64 { return -float64(e) * math.Log1p(-p) }

// Mean implements Dist.
func (e Exponential) Mean() float64 { return float64(e) }

// Sample implements Dist.
func (e Exponential) Sample(r *rand.Rand) float64 { return float64(e) * r.ExpFloat64() }

// Uniform is the uniform distribution between Low and High, 0 <= Low < High.
type Uniform struct{ Low, High float64 }

// NewUniform returns the uniform distribution between low and high, or a
// Constant if they are equal. It is an error unless 0 <= low <= high, both
// finite.
func NewUniform(low, high float64) (Dist, error) {
	if err := errors.Join(check("uniform[0]", low, nonNegative), check("uniform[1]", high, nonNegative)); err != nil {
		return nil, err
	}
	switch {
	case high < low:
		return nil, errors.New("uniform[1]: must not be below uniform[0]")
	case low == high:
		return Constant(low), nil
	}
	return Uniform{low, high}, nil
}

// CDF implements Dist.
func (u Uniform) CDF(x float64) float64 {
	return math.Min(1, math.Max(0, (x-u.Low)/(u.High-u.Low)))
}

// Quantile implements Dist.
func (u Uniform) Quantile(p float64) float64 { return u.Low + p*(u.High-u.Low) }

// Mean implements Dist.
func (u Uniform) Mean() float64 { return u.Low + (u.High-u.Low)/2 }

// Sample implements Dist.
func (u Uniform) Sample(r *rand.Rand) float64 { return u.Quantile(r.Float64()) }

// Normal is the normal distribution of mean Mu and standard deviation Sigma,
// Sigma above 0, on the condition that the quantity is not below 0. Its own
// mean is therefore above Mu.
type Normal struct{ Mu, Sigma float64 }

// NewNormal returns the normal distribution truncated at 0, or a Constant if
// sd is 0. It is an error unless both are finite, sd is not below 0, and mean
// is not below 0: a normal distribution of which more than half is cut off
// is not what anybody measured.
func NewNormal(mean, sd float64) (Dist, error) {
	if err := errors.Join(check("mean", mean, nonNegative), check("sd", sd, nonNegative)); err != nil {
		return nil, err
	}
	if sd == 0 {
		return Constant(mean), nil
	}
	return Normal{mean, sd}, nil
}

// kept is the share of the untruncated distribution that is above 0.
func (n Normal) kept() float64 { return normalCDF(n.Mu / n.Sigma) }

// CDF implements Dist.
func (n Normal) CDF(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return 1 - normalCDF((n.Mu-x)/n.Sigma)/n.kept()
}

// Quantile implements Dist.
func (n Normal) Quantile(p float64) float64 {
	// By the upper tail, in which the truncation is a mere factor.
	return math.Max(0, n.Mu-n.Sigma*mathext.NormalQuantile((1-p)*n.kept()))
}

// Mean implements Dist.
func (n Normal) Mean() float64 {
	score := n.Mu / n.Sigma
	density := math.Exp(-score*score/2) / math.Sqrt(2*math.Pi)
	return n.Mu + n.Sigma*density/n.kept()
}

// Sample implements Dist, by rejection: at least half of the draws are kept.
func (n Normal) Sample(r *rand.Rand) float64 {
	for {
		if x := n.Mu + n.Sigma*r.NormFloat64(); x >= 0 {
			return x
		}
	}
}

// Gamma is the gamma distribution: its mean is Shape·Scale and its variance
// Shape·Scale². Both parameters are above 0.
type Gamma struct{ Shape, Scale float64 }

// NewGamma returns the gamma distribution of the given shape and scale, which
// must be finite and above 0.
func NewGamma(shape, scale float64) (Dist, error) {
	return Gamma{shape, scale}, errors.Join(check("shape", shape, positive), check("scale", scale, positive))
}

// CDF implements Dist.
func (g Gamma) CDF(x float64) float64 {
	switch {
	case !(x > 0):
		return 0
	case math.IsInf(x, 1):
		return 1
	}
	return mathext.GammaIncReg(g.Shape, x/g.Scale)
}

// Quantile implements Dist.
func (g Gamma) Quantile(p float64) float64 {
	switch {
	case p <= 0:
		return 0
	case p >= 1:
		return math.Inf(1)
	}
	// Close to 0 the distribution function is x^a/Γ(a+1)·(1 − O(x)); the
	// library's inverse gives 0 there.
	if x := math.Pow(p*math.Gamma(g.Shape+1), 1/g.Shape); x < 1e-12 {
		return g.Scale * x
	}
	return g.Scale * mathext.GammaIncRegInv(g.Shape, p)
}

// Mean implements Dist.
func (g Gamma) Mean() float64 { return g.Shape * g.Scale }

// Sample implements Dist by the method of Marsaglia and Tsang (ACM TOMS 26,
// 2000, p. 363), below shape 1 by their boost from shape + 1.
func (g Gamma) Sample(r *rand.Rand) float64 {
	shape, boost := g.Shape, 1.0
	if shape < 1 {
		boost = math.Exp(-r.ExpFloat64() / shape) // U^(1/shape)
		shape++
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		z := r.NormFloat64()
		v := 1 + c*z
		if v <= 0 {
			continue
		}
		v = v * v * v
		if -r.ExpFloat64() < z*z/2+d-d*v+d*math.Log(v) {
			return g.Scale * boost * d * v
		}
	}
}

// Weibull is the Weibull distribution: P(X > x) = exp(−(x/Scale)^Shape). Both
// parameters are above 0; Shape 1 is the exponential distribution.
type Weibull struct{ Shape, Scale float64 }

// NewWeibull returns the Weibull distribution of the given shape and scale,
// which must be finite and above 0.
func NewWeibull(shape, scale float64) (Dist, error) {
	return Weibull{shape, scale}, errors.Join(check("shape", shape, positive), check("scale", scale, positive))
}

// CDF implements Dist.
func (w Weibull) CDF(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return -math.Expm1(-math.Pow(x/w.Scale, w.Shape))
}

// Quantile implements Dist.
func (w Weibull) Quantile(p float64) float64 {
	return w.Scale * math.Pow(-math.Log1p(-p), 1/w.Shape)
}

// Mean implements Dist.
func (w Weibull) Mean() float64 { return w.Scale * math.Gamma(1+1/w.Shape) }

// Sample implements Dist.
func (w Weibull) Sample(r *rand.Rand) float64 {
	return w.Scale * math.Pow(r.ExpFloat64(), 1/w.Shape)
}

// Pareto is the Pareto distribution: P(X > x) = (Scale/x)^Shape from Scale on.
// Both parameters are above 0; up to Shape 1 it has no mean.
type Pareto struct{ Scale, Shape float64 }

// NewPareto returns the Pareto distribution of the given least value and tail
// exponent, which must be finite and above 0.
func NewPareto(scale, shape float64) (Dist, error) {
	return Pareto{scale, shape}, errors.Join(check("scale", scale, positive), check("shape", shape, positive))
}

// CDF implements Dist.
func (t Pareto) CDF(x float64) float64 {
	if !(x > t.Scale) {
		return 0
	}
	return -math.Expm1(t.Shape * math.Log(t.Scale/x))
}

// Quantile implements Dist.
func (t Pareto) Quantile(p float64) float64 {
	return t.Scale * math.Exp(-math.Log1p(-p)/t.Shape)
}

// Mean implements Dist.
func (t Pareto) Mean() float64 {
	if t.Shape <= 1 {
		return math.Inf(1)
	}
	return t.Scale * t.Shape / (t.Shape - 1)
}

// Sample implements Dist.
func (t Pareto) Sample(r *rand.Rand) float64 {
	return t.Scale * math.Exp(r.ExpFloat64()/t.Shape)
}

// Triangular is the triangular distribution between Low and High whose density
// is greatest at Mode: 0 <= Low <= Mode <= High, Low < High.
type Triangular struct{ Low, Mode, High float64 }

// NewTriangular returns the triangular distribution, or a Constant if low
// equals high. It is an error unless 0 <= low <= mode <= high, all finite.
func NewTriangular(low, mode, high float64) (Dist, error) {
	if err := errors.Join(check("triangular[0]", low, nonNegative),
		check("triangular[1]", mode, nonNegative), check("triangular[2]", high, nonNegative)); err != nil {
		return nil, err
	}
	switch {
	case mode < low || high < mode:
		return nil, errors.New("triangular: must be the least, the most likely and the greatest value, in this order")
	case low == high:
		return Constant(low), nil
	}
	return Triangular{low, mode, high}, nil
}

// CDF implements Dist.
func (t Triangular) CDF(x float64) float64 {
	switch width := t.High - t.Low; {
	case !(x > t.Low):
		return 0
	case x >= t.High:
		return 1
	case x < t.Mode:
		return (x - t.Low) / width * ((x - t.Low) / (t.Mode - t.Low))
	default:
		return 1 - (t.High-x)/width*((t.High-x)/(t.High-t.Mode))
	}
}

// Quantile implements Dist.
func (t Triangular) Quantile(p float64) float64 {
	width := t.High - t.Low
	if p*width < t.Mode-t.Low {
		return t.Low + math.Sqrt(p*width*(t.Mode-t.Low))
	}
	return t.High - math.Sqrt((1-p)*width*(t.High-t.Mode))
}

// Mean implements Dist.
func (t Triangular) Mean() float64 { return t.Low/3 + t.Mode/3 + t.High/3 }

// Sample implements Dist.
func (t Triangular) Sample(r *rand.Rand) float64 { return t.Quantile(r.Float64()) }
