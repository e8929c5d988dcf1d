package dist

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"gonum.org/v1/gonum/mathext"
)

// LogNormal is the distribution of exp(Mu + Sigma·Z) for a standard normal Z.
// Response times, pauses and startup times are usually near it, and two
// quantiles decide it. Sigma is at least 0; 0 is the constant exp(Mu).
type LogNormal struct{ Mu, Sigma float64 }

// FromQuantiles2 returns the lognormal distribution whose quantiles at p1 and
// p2 are x1 and x2, or a Constant if x1 equals x2. It is an error unless
// 0 < p1 < p2 < 1 and 0 < x1 <= x2, both finite.
func FromQuantiles2(p1, x1, p2, x2 float64) (Dist, error) {
	return FromQuantiles([]Point{{p1, x1}, {p2, x2}})
}

// LogNormalMeanSD returns the lognormal distribution of the given mean and
// standard deviation, or a Constant if the standard deviation is 0. It is an
// error unless 0 < mean and 0 <= sd, both finite.
func LogNormalMeanSD(mean, sd float64) (Dist, error) {
	if err := check("mean", mean, positive); err != nil {
		return nil, err
	}
	if err := check("sd", sd, nonNegative); err != nil {
		return nil, err
	}
	if sd == 0 {
		return Constant(mean), nil
	}
	variation := sd / mean
	variance := math.Log1p(variation * variation)
	return LogNormal{Mu: math.Log(mean) - variance/2, Sigma: math.Sqrt(variance)}, nil
}

// CDF implements Dist.
func (l LogNormal) CDF(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	if l.Sigma == 0 {
		return Constant(math.Exp(l.Mu)).CDF(x)
	}
	return normalCDF((math.Log(x) - l.Mu) / l.Sigma)
}

// Quantile implements Dist.
func (l LogNormal) Quantile(p float64) float64 {
	if l.Sigma == 0 {
		return math.Exp(l.Mu)
	}
	return math.Exp(l.Mu + l.Sigma*mathext.NormalQuantile(p))
}

// Mean implements Dist.
func (l LogNormal) Mean() float64 { return math.Exp(l.Mu + l.Sigma*l.Sigma/2) }

// Sample implements Dist.
func (l LogNormal) Sample(r *rand.Rand) float64 {
	return math.Exp(l.Mu + l.Sigma*r.NormFloat64())
}

// Point is one point of a quantile function: P(X <= X) is P.
type Point struct{ P, X float64 }

// Quantiles is the distribution through three or more given quantiles. Between
// two of them, and beyond the outermost, the logarithm of the quantity is
// linear in the standard normal score of its probability: each stretch is a
// piece of the lognormal distribution through its two ends, and each tail goes
// on as the lognormal of its outermost pair. The quantile function is so
// monotone and continuous, the mean is finite, and points that lie on one
// lognormal give exactly that lognormal. Make it with FromQuantiles.
type Quantiles struct {
	z, x  []float64 // normal scores and logarithms of the points, increasing
	slope []float64 // of x over z on the stretch that ends at point i; the first is that of the second
}

// FromQuantiles returns the distribution through the given points, in any
// order: a Constant if all quantities are equal, a LogNormal for two points,
// else Quantiles. It is an error unless there are two points or more with
// distinct probabilities strictly between 0 and 1 and finite quantities above
// 0 that do not decrease as the probability grows.
func FromQuantiles(points []Point) (Dist, error) {
	if len(points) < 2 {
		return nil, errors.New("one quantile does not make a distribution: give two or more")
	}
	sorted := append([]Point(nil), points...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].P < sorted[j].P })
	q := &Quantiles{}
	for i, point := range sorted {
		name := percentile(point.P)
		if !(point.P > 0 && point.P < 1) {
			return nil, fmt.Errorf("%s: must lie strictly between p0 and p100", name)
		}
		if err := check(name, point.X, positive); err != nil {
			return nil, err
		}
		if i > 0 && point.P == sorted[i-1].P {
			return nil, fmt.Errorf("%s: is given twice", name)
		}
		if i > 0 && point.X < sorted[i-1].X {
			return nil, fmt.Errorf("%s: must not be below %s", name, percentile(sorted[i-1].P))
		}
		q.z = append(q.z, mathext.NormalQuantile(point.P))
		q.x = append(q.x, math.Log(point.X))
	}
	last := len(sorted) - 1
	if sorted[0].X == sorted[last].X {
		return Constant(sorted[0].X), nil
	}
	q.slope = make([]float64, len(sorted))
	for i := 1; i <= last; i++ {
		q.slope[i] = (q.x[i] - q.x[i-1]) / (q.z[i] - q.z[i-1])
	}
	q.slope[0] = q.slope[1]
	if last == 1 {
		return LogNormal{Mu: q.x[0] - q.slope[0]*q.z[0], Sigma: q.slope[0]}, nil
	}
	return q, nil
}

// percentile writes a probability as scenario files do: 0.5 is p50, 0.999 is p99.9.
func percentile(p float64) string { return fmt.Sprintf("p%.6g", p*100) }

// CDF implements Dist.
func (q *Quantiles) CDF(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	x = math.Log(x)
	last := len(q.x) - 1
	i := 0 // the first point beyond x, whose stretch x lies on
	for i < last && q.x[i] <= x {
		i++
	}
	if q.slope[i] != 0 {
		return normalCDF(q.z[i] + (x-q.x[i])/q.slope[i])
	}
	// Only a flat tail is met here: an atom at its outermost point.
	if x < q.x[i] {
		return 0
	}
	return 1
}

// Quantile implements Dist.
func (q *Quantiles) Quantile(p float64) float64 { return q.at(mathext.NormalQuantile(p)) }

// at returns the quantity whose normal score is z.
func (q *Quantiles) at(z float64) float64 {
	last := len(q.z) - 1
	i := 0
	for i < last && q.z[i] < z {
		i++
	}
	if q.slope[i] == 0 { // also keeps 0·∞ out
		return math.Exp(q.x[i])
	}
	return math.Exp(q.x[i] + q.slope[i]*(z-q.z[i]))
}

// Mean implements Dist: the sum over the stretches of the part of a lognormal
// mean that lies between two normal scores.
func (q *Quantiles) Mean() float64 {
	mean, from := 0.0, math.Inf(-1)
	for i, slope := range q.slope {
		to := q.z[i]
		if i == len(q.z)-1 {
			to = math.Inf(1)
		}
		mean += partialMean(q.x[i]-slope*q.z[i], slope, from, to)
		from = to
	}
	return mean
}

// Sample implements Dist.
func (q *Quantiles) Sample(r *rand.Rand) float64 { return q.at(r.NormFloat64()) }

// partialMean returns the integral of exp(mu + sigma·z) times the standard
// normal density over z from a to b.
func partialMean(mu, sigma, a, b float64) float64 {
	return math.Exp(mu+sigma*sigma/2) * (normalCDF(b-sigma) - normalCDF(a-sigma))
}

// normalCDF is the standard normal distribution function, precise in both tails.
func normalCDF(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
