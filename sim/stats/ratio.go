package stats

import (
	"math"
	"math/big"
)

// RatioOfSums accumulates pairs (y, x), one of each replication, and estimates
// ΣY/ΣX: a share of time, an amount per fault, a mean over the occurrences of
// all replications. Replications are independent, occurrences within one need
// not be. The zero value is empty.
type RatioOfSums struct {
	N          int64 // replications with x above 0
	Y, X       Wide  // sums
	YY, XY, XX Wide  // sums of products
}

// Add adds one replication. Neither number is below 0, and y is 0 where x is.
func (s *RatioOfSums) Add(y, x int64) {
	if x == 0 {
		return
	}
	s.N++
	s.Y.AddProduct(y, 1)
	s.X.AddProduct(x, 1)
	s.YY.AddProduct(y, y)
	s.XY.AddProduct(x, y)
	s.XX.AddProduct(x, x)
}

// Merge adds everything other has accumulated.
func (s *RatioOfSums) Merge(other *RatioOfSums) {
	s.N += other.N
	s.Y.Add(other.Y)
	s.X.Add(other.X)
	s.YY.Add(other.YY)
	s.XY.Add(other.XY)
	s.XX.Add(other.XX)
}

// Ratio returns ΣY/ΣX; NaN where there is no X.
func (s *RatioOfSums) Ratio() float64 { return quotient(s.Y.Big(), s.X.Big()) }

// Estimate returns the ratio with an interval by the delta method and
// Student's t over the replications, cut to [0, most], where most is the
// greatest value that the ratio can have: 1 for a share, +Inf where it is not
// known. Where all replications agree on 0 or on most, the other end is as far
// from it as the probability of a replication unlike all those seen allows.
// One replication alone says nothing about the spread.
func (s *RatioOfSums) Estimate(most, confidence float64) Estimate {
	e := Estimate{Estimate: s.Ratio(), Low: 0, High: most, Confidence: confidence, Method: "delta method, t over replications", N: s.N}
	if s.N == 0 {
		return e
	}
	far := most * Unseen(s.N, confidence)
	switch {
	case s.Y == Wide{}:
		e.High, e.Method = far, "none seen: upper bound over replications"
		return e
	case e.Estimate >= most:
		e.Low, e.Method = most-far, "nothing else seen: lower bound over replications"
		return e
	case s.N == 1:
		e.Method = "one replication: no interval"
		return e
	}
	half := StudentT(s.N, confidence) * math.Sqrt(s.variance())
	e.Low = math.Max(0, e.Estimate-half)
	e.High = math.Min(most, e.Estimate+half)
	return e
}

// variance returns the delta method's variance of the ratio r:
// n/(n−1) · Σ(y − r·x)² / (ΣX)².
func (s *RatioOfSums) variance() float64 {
	x := s.X.Big()
	bottom := new(big.Int).Exp(x, big.NewInt(4), nil)
	correction := float64(s.N) / float64(s.N-1)
	return correction * quotient(s.residuals(), bottom)
}

// residuals returns Σ(y − r·x)² · (ΣX)², which is a whole number:
// ΣYY·X² − 2·ΣXY·X·Y + ΣXX·Y². Whole numbers keep the small difference of
// large products exact where all replications are nearly alike.
func (s *RatioOfSums) residuals() *big.Int {
	x, y := s.X.Big(), s.Y.Big()
	term := func(factors ...*big.Int) *big.Int {
		product := big.NewInt(1)
		for _, factor := range factors {
			product.Mul(product, factor)
		}
		return product
	}
	sum := term(s.YY.Big(), x, x)
	sum.Sub(sum, term(big.NewInt(2), s.XY.Big(), x, y))
	return sum.Add(sum, term(s.XX.Big(), y, y))
}

// quotient returns a/b; NaN for b = 0.
func quotient(a, b *big.Int) float64 {
	if b.Sign() == 0 {
		return math.NaN()
	}
	f, _ := new(big.Rat).SetFrac(a, b).Float64()
	return f
}
