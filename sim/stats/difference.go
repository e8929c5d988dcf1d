package stats

import (
	"math"
	"math/big"
)

// Difference accumulates, of each replication, the pairs (y, x) that two
// variants made of the same random streams, and estimates the difference of
// their ratios ΣY/ΣX (S14). What both have in common cancels out of the
// interval. The zero value is empty.
type Difference struct {
	N    int64
	Sums [4]Wide // of y and x of the first variant, y and x of the second
	// Products[i][j] is the sum of products of the numbers i and j, i <= j.
	Products [4][4]Wide
}

// Add adds one replication: y and x of both variants, none below 0.
func (d *Difference) Add(firstY, firstX, secondY, secondX int64) {
	d.N++
	numbers := [4]int64{firstY, firstX, secondY, secondX}
	for i, a := range numbers {
		d.Sums[i].AddProduct(a, 1)
		for j := i; j < len(numbers); j++ {
			d.Products[i][j].AddProduct(a, numbers[j])
		}
	}
}

// Merge adds everything other has accumulated.
func (d *Difference) Merge(other *Difference) {
	d.N += other.N
	for i := range d.Sums {
		d.Sums[i].Add(other.Sums[i])
		for j := i; j < len(d.Sums); j++ {
			d.Products[i][j].Add(other.Products[i][j])
		}
	}
}

// Estimate returns the second ratio minus the first, with an interval by the
// delta method and Student's t over the replications. Where the replications
// leave no spread, most, the greatest value either ratio can have, bounds what
// was not seen: 1 for shares, +Inf where it is not known.
func (d *Difference) Estimate(most, confidence float64) Estimate {
	var sums [4]*big.Int
	for i := range sums {
		sums[i] = d.Sums[i].Big()
	}
	first, second := quotient(sums[0], sums[1]), quotient(sums[2], sums[3])
	e := Estimate{
		Estimate: second - first, Low: -most, High: most, Confidence: confidence,
		Method: "paired, delta method, t over replications", N: d.N,
	}
	if d.N < 2 || math.IsNaN(e.Estimate) {
		e.Method = "no interval: too few replications"
		return e
	}
	variance := d.variance(sums)
	half := studentT(d.N, confidence) * math.Sqrt(variance)
	if variance == 0 {
		half = most * unseen(d.N, confidence)
		e.Method = "no difference in spread seen: bound over replications"
	}
	e.Low, e.High = math.Max(-most, e.Estimate-half), math.Min(most, e.Estimate+half)
	return e
}

// variance returns n/(n−1)·Σ u² over the replications, where
// u = (y₂ − r₂·x₂)/X₂ − (y₁ − r₁·x₁)/X₁, in exact fractions.
func (d *Difference) variance(sums [4]*big.Int) float64 {
	inverse := func(i int) *big.Rat { return new(big.Rat).SetFrac(big.NewInt(1), sums[i]) }
	squared := func(y, x int) *big.Rat {
		r := new(big.Rat).SetFrac(sums[y], sums[x])
		return r.Mul(r, inverse(x))
	}
	weights := [4]*big.Rat{ // of the four numbers in u
		new(big.Rat).Neg(inverse(1)), squared(0, 1),
		inverse(3), new(big.Rat).Neg(squared(2, 3)),
	}
	total := new(big.Rat)
	for i := range weights {
		for j := i; j < len(weights); j++ {
			term := new(big.Rat).SetInt(d.Products[i][j].Big())
			term.Mul(term, weights[i]).Mul(term, weights[j])
			if i != j {
				term.Add(term, term)
			}
			total.Add(total, term)
		}
	}
	f, _ := total.Float64()
	return f * float64(d.N) / float64(d.N-1)
}
