package stats

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// TestPublishedIntervals reproduces the numbers of S9.
func TestPublishedIntervals(t *testing.T) {
	wilson := func(k, n float64) (float64, float64) { return Wilson(k, n, .95) }
	exact := func(k, n float64) (float64, float64) { return ClopperPearson(int64(k), int64(n), .95) }
	garwood := func(k, _ float64) (float64, float64) { return Garwood(k, .95) }
	for _, c := range []struct {
		name      string
		interval  func(k, n float64) (low, high float64)
		k, n      float64
		low, high float64
	}{
		{"Garwood", garwood, 0, 0, 0, 3.6889},
		{"Garwood", garwood, 1, 0, .0253, 5.5716},
		{"Garwood", garwood, 5, 0, 1.6235, 11.6683},
		{"Garwood", garwood, 10, 0, 4.7954, 18.3904},
		{"Garwood", garwood, 100, 0, 81.3640, 121.6268},
		{"Wilson", wilson, 81, 263, .2553, .3662},
		{"Clopper–Pearson", exact, 81, 263, .2527, .3676},
		{"Wilson", wilson, 0, 20, 0, .1611},
		{"Clopper–Pearson", exact, 0, 20, 0, .1684},
		{"Wilson", wilson, 20, 20, 1 - .1611, 1},
		{"Clopper–Pearson", exact, 20, 20, 1 - .1684, 1},
	} {
		low, high := c.interval(c.k, c.n)
		if math.Abs(low-c.low) > 5.1e-5 || math.Abs(high-c.high) > 5.1e-5 {
			t.Errorf("%s %v/%v: %.4f–%.4f, want %.4f–%.4f", c.name, c.k, c.n, low, high, c.low, c.high)
		}
	}
}

// TestGarwoodOfManyEvents holds the approximation for large counts to the
// exact interval where both can be had, and to its own claim.
func TestGarwoodOfManyEvents(t *testing.T) {
	for _, p := range []float64{.005, .025, .5, .975, .995} {
		exact := distuv.Gamma{Alpha: 1e5, Beta: 1}.Quantile(p)
		if got := poissonMean(1e5+1e-6, p); math.Abs(got/exact-1) > 1e-7 {
			t.Errorf("quantile %v of shape 1e5: %v, want %v", p, got, exact)
		}
	}
	low, high := Garwood(1e12, .95)
	if math.Abs(low-(1e12-1.96e6)) > 1e3 || math.Abs(high-(1e12+1.96e6)) > 1e3 {
		t.Errorf("10¹² events: %v–%v", low, high)
	}
}

// coverage returns the probability that the interval of a count contains the
// truth, by summing over all counts.
func coverage(counts int, probability func(k int) float64, contains func(k int) bool) float64 {
	covered := 0.0
	for k := range counts {
		if contains(k) {
			covered += probability(k)
		}
	}
	return covered
}

// TestExactCoverage computes, without simulation, how often the intervals of
// counts contain the truth (S10).
func TestExactCoverage(t *testing.T) {
	for _, mean := range []float64{.01, .5, 1, 2, 5, 20, 100} {
		poisson := distuv.Poisson{Lambda: mean}
		covered := coverage(400, func(k int) float64 { return poisson.Prob(float64(k)) }, func(k int) bool {
			low, high := Garwood(float64(k), .95)
			return low <= mean && mean <= high
		})
		if covered < .95-1e-9 {
			t.Errorf("Garwood at mean %v covers %v", mean, covered)
		}
		if mean >= 1 && mean <= 5 && math.Abs(covered-.98) > .01 {
			t.Errorf("Garwood at mean %v covers %v, published .98", mean, covered)
		}
	}
	wilson := 0.0
	shares := []float64{.02, .05, .1, .2, .3, .5, .7, .9}
	for _, share := range shares {
		const n = 200
		binomial := distuv.Binomial{N: n, P: share}
		probability := func(k int) float64 { return binomial.Prob(float64(k)) }
		covered := coverage(n+1, probability, func(k int) bool {
			low, high := ClopperPearson(int64(k), n, .95)
			return low <= share && share <= high
		})
		if covered < .95-1e-9 {
			t.Errorf("Clopper–Pearson at %v covers %v", share, covered)
		}
		covered = coverage(n+1, probability, func(k int) bool {
			low, high := Wilson(float64(k), n, .95)
			return low <= share && share <= high
		})
		if covered < .93 || covered > .975 {
			t.Errorf("Wilson at %v covers %v", share, covered)
		}
		wilson += covered / float64(len(shares))
	}
	if wilson < .94 || wilson > .97 {
		t.Errorf("Wilson covers %v on average", wilson)
	}
}

// TestOrderStatistics compares the ranks with published ones and their
// coverage with the confidence.
func TestOrderStatistics(t *testing.T) {
	// For the median: n = 5 is too few for 95 %; 6 gives the extremes; 10 gives
	// 2 and 9; 25 gives 8 and 18; 100 gives 40 and 61 (Conover, Practical
	// Nonparametric Statistics, table of the sign test).
	for _, c := range []struct{ n, low, high int64 }{{5, 0, 6}, {6, 1, 6}, {10, 2, 9}, {25, 8, 18}, {100, 40, 61}} {
		if low, high := orderStatistics(c.n, .5, .95); low != c.low || high != c.high {
			t.Errorf("median of %d: ranks %d and %d, want %d and %d", c.n, low, high, c.low, c.high)
		}
	}
	for _, p := range []float64{.5, .9, .99} {
		for _, n := range []int64{1, 10, 100, 1000, 100000} {
			low, high := orderStatistics(n, p, .95)
			covered := binomialCDF(high-1, n, p)
			if low > 0 {
				covered -= binomialCDF(low-1, n, p)
			}
			if covered < .95-1e-9 {
				t.Errorf("p %v n %d: ranks %d to %d cover %v", p, n, low, high, covered)
			}
		}
	}
}
