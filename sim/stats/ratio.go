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

	YYY, XYY, XXY, XXX Wide // sums of products of three
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
	s.YYY.AddProduct3(y, y, y)
	s.XYY.AddProduct3(x, y, y)
	s.XXY.AddProduct3(x, x, y)
	s.XXX.AddProduct3(x, x, x)
}

// Merge adds everything other has accumulated.
func (s *RatioOfSums) Merge(other *RatioOfSums) {
	s.N += other.N
	s.Y.Add(other.Y)
	s.X.Add(other.X)
	s.YY.Add(other.YY)
	s.XY.Add(other.XY)
	s.XX.Add(other.XX)
	s.YYY.Add(other.YYY)
	s.XYY.Add(other.XYY)
	s.XXY.Add(other.XXY)
	s.XXX.Add(other.XXX)
}

// Ratio returns ΣY/ΣX; NaN where there is no X.
func (s *RatioOfSums) Ratio() float64 { return quotient(s.Y.Big(), s.X.Big()) }

// Estimate returns the ratio with an interval by the delta method and
// Student's t over the replications, corrected for skewness and cut to [0, most],
// where most is the greatest value that the ratio can have: 1 for a share, +Inf
// where it is not known. Where all replications agree on 0 or on most, the other
// end is as far from it as the probability of a replication unlike all those seen
// allows. One replication alone says nothing about the spread.
func (s *RatioOfSums) Estimate(most, confidence float64) Estimate {
	e := Estimate{Estimate: s.Ratio(), Low: 0, High: most, Confidence: confidence, Method: "delta method, skewness-corrected t over replications", N: s.N}
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
	low, high := s.ends(e.Estimate, most, StudentT(s.N, confidence))
	e.Low, e.High = math.Max(0, low), math.Min(most, high)
	return e
}

// ends returns the ends of the interval of a ratio, given Student's t.
func (s *RatioOfSums) ends(ratio, most, t float64) (low, high float64) {
	spread := math.Sqrt(s.variance())
	if !(spread > 0) {
		return ratio, ratio
	}
	return corrected(ratio, spread, s.skewness(), most, t)
}

// corrected returns the ends of the interval of a value above 0 and up to most, given
// its standard error, its skewness and Student's t. A share of time, or a mean per
// fault, that few events make up is skewed, and where it comes out small so does its
// spread, so that plain intervals end too soon above (S10). Two corrections are known,
// and each fails where the other serves:
//   - Hall's transformation takes out the skewness that the replications show.
//     Few of them show too little of it.
//   - On the scale of the logarithm (of the odds, if there is a greatest value) the
//     interval leans as that of rare events of exponential length has to, whatever
//     was seen; means of heavier tails are skewed more.
//
// Each end is the farther of both.
func corrected(value, spread, skewness, most, t float64) (low, high float64) {
	low, high = value-spread*studentized(t, skewness), value-spread*studentized(-t, skewness)
	share := value / most // 0 where there is no greatest value: the odds are the value itself
	by := math.Exp(t * spread / value / (1 - share))
	return math.Min(low, value/(share+(1-share)*by)), math.Max(high, value/(share+(1-share)/by))
}

// variance returns the delta method's variance of the ratio r:
// n/(n−1) · Σ(y − r·x)² / (ΣX)².
func (s *RatioOfSums) variance() float64 {
	x := s.X.Big()
	bottom := new(big.Int).Exp(x, big.NewInt(4), nil)
	correction := float64(s.N) / float64(s.N-1)
	return correction * quotient(s.residuals(), bottom)
}

// skewness returns that of the ratio r, Σ(y − r·x)³ / (Σ(y − r·x)²)^(3/2), without
// correction for few replications.
func (s *RatioOfSums) skewness() float64 {
	return float(s.cubes()) / math.Pow(float(s.residuals()), 1.5)
}

// residuals returns Σ(y − r·x)² · (ΣX)², which is a whole number:
// ΣYY·X² − 2·ΣXY·X·Y + ΣXX·Y². Whole numbers keep the small difference of
// large products exact where all replications are nearly alike.
func (s *RatioOfSums) residuals() *big.Int {
	x, y := s.X.Big(), s.Y.Big()
	sum := product(s.YY.Big(), x, x)
	sum.Sub(sum, product(big.NewInt(2), s.XY.Big(), x, y))
	return sum.Add(sum, product(s.XX.Big(), y, y))
}

// cubes returns Σ(y − r·x)³ · (ΣX)³ in the same way.
func (s *RatioOfSums) cubes() *big.Int {
	x, y, three := s.X.Big(), s.Y.Big(), big.NewInt(3)
	sum := product(s.YYY.Big(), x, x, x)
	sum.Sub(sum, product(three, s.XYY.Big(), x, x, y))
	sum.Add(sum, product(three, s.XXY.Big(), x, y, y))
	return sum.Sub(sum, product(s.XXX.Big(), y, y, y))
}

func product(factors ...*big.Int) *big.Int {
	result := big.NewInt(1)
	for _, factor := range factors {
		result.Mul(result, factor)
	}
	return result
}

// quotient returns a/b; NaN for b = 0.
func quotient(a, b *big.Int) float64 {
	if b.Sign() == 0 {
		return math.NaN()
	}
	f, _ := new(big.Rat).SetFrac(a, b).Float64()
	return f
}
