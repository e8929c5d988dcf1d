package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Garwood returns the exact interval of a Poisson mean of which events were
// counted (Garwood, Biometrika 28, 1936; S9). None counted gives 0 and the
// upper bound. A count that is not whole is an effective one, of clustered
// events divided by their dispersion.
func Garwood(events, confidence float64) (low, high float64) {
	tail := (1 - confidence) / 2
	if events > 0 {
		low = poissonMean(events, tail)
	}
	return low, poissonMean(events+1, 1-tail)
}

// poissonMean is the quantile p of the gamma distribution of shape k, half a
// quantile of χ² with 2k degrees of freedom. Far out, where the incomplete
// gamma function's inverse no longer converges, it is Wilson and Hilferty's
// cube, whose relative error is below 1/(100·k) there.
func poissonMean(k, p float64) float64 {
	if k > 1e5 {
		cube := 1 - 1/(9*k) + mathext.NormalQuantile(p)/(3*math.Sqrt(k))
		return k * cube * cube * cube
	}
	return mathext.GammaIncRegInv(k, p)
}

// Wilson returns the score interval of a probability (Wilson, JASA 22, 1927;
// S9). Successes and trials that are not whole are effective numbers.
func Wilson(successes, trials, confidence float64) (low, high float64) {
	if trials <= 0 {
		return 0, 1
	}
	z := mathext.NormalQuantile((1 + confidence) / 2)
	share := successes / trials
	center := share + z*z/(2*trials)
	half := z * math.Sqrt(share*(1-share)/trials+z*z/(4*trials*trials))
	low, high = (center-half)/(1+z*z/trials), (center+half)/(1+z*z/trials)
	if successes <= 0 { // exactly, not but for rounding
		low = 0
	}
	if successes >= trials {
		high = 1
	}
	return low, high
}

// ClopperPearson returns the exact interval of a probability (Clopper and
// Pearson, Biometrika 26, 1934; S9).
func ClopperPearson(successes, trials int64, confidence float64) (low, high float64) {
	tail := (1 - confidence) / 2
	k, n := float64(successes), float64(trials)
	low, high = 0, 1
	if successes > 0 {
		low = mathext.InvRegIncBeta(k, n-k+1, tail)
	}
	if successes < trials {
		high = mathext.InvRegIncBeta(k+1, n-k, 1-tail)
	}
	return low, high
}

// orderStatistics returns the ranks, from 1, of the two of n sorted
// independent values that enclose the quantile p with at least the given
// confidence. Rank 0 and rank n+1 stand for no lower and no upper bound.
func orderStatistics(n int64, p, confidence float64) (low, high int64) {
	tail := (1 - confidence) / 2
	// The number B of values at most the quantile is binomial. The value of
	// rank low is above the quantile if B < low; that of rank high is below it
	// only if B >= high.
	low = smallest(n, func(k int64) bool { return binomialCDF(k, n, p) > tail })
	high = smallest(n, func(k int64) bool { return binomialCDF(k, n, p) >= 1-tail }) + 1
	return low, high
}

// smallest returns the least k in [0, n] for which enough(k) holds; enough is
// monotone and holds at n.
func smallest(n int64, enough func(int64) bool) int64 {
	from, to := int64(0), n
	for from < to {
		middle := from + (to-from)/2
		if enough(middle) {
			to = middle
		} else {
			from = middle + 1
		}
	}
	return from
}

// binomialCDF returns P(B <= k) for B binomial with n trials of probability p.
func binomialCDF(k, n int64, p float64) float64 {
	if k >= n {
		return 1
	}
	return mathext.RegIncBeta(float64(n-k), float64(k+1), 1-p)
}

// StudentT returns the factor of the standard error in a two-sided interval
// over n replications; +Inf for one.
func StudentT(n int64, confidence float64) float64 {
	if n < 2 {
		return math.Inf(1)
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)}.Quantile((1 + confidence) / 2)
}

// Unseen returns the upper bound of the probability, per replication, of
// something that none of n replications showed: 1 − ((1−confidence)/2)^(1/n).
func Unseen(n int64, confidence float64) float64 {
	if n == 0 {
		return 1
	}
	return -math.Expm1(math.Log((1-confidence)/2) / float64(n))
}
