package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestOfSkewed holds the coverage of the interval (S10) for means that are known: of 16
// lognormal values of which the standard deviation is as large as the mean, which on
// the scale of the logarithm alone would be covered in 91 %, and of exponential ones.
func TestOfSkewed(t *testing.T) {
	const seeds, replications = 4000, 16
	sigma := math.Sqrt(math.Ln2) // of the logarithm, for a coefficient of variation of 1
	for name, draw := range map[string]func(*rand.Rand) float64{
		"lognormal":   func(r *rand.Rand) float64 { return math.Exp(sigma*r.NormFloat64() - sigma*sigma/2) },
		"exponential": func(r *rand.Rand) float64 { return r.ExpFloat64() },
	} {
		covered := 0
		for seed := range uint64(seeds) {
			r := rand.New(rand.NewPCG(seed, 7))
			values := make([]float64, replications)
			for i := range values {
				values[i] = draw(r)
			}
			if e := OfSkewed(values, .95); e.Low <= 1 && 1 <= e.High {
				covered++
			}
		}
		if share := float64(covered) / seeds; share < .93 || share > .97 {
			t.Errorf("%s: %.3f of the intervals contain the mean", name, share)
		}
	}
}

// TestOfSkewedAtTheEnds: nothing bounds what was never seen, and what is always the
// same has no spread.
func TestOfSkewedAtTheEnds(t *testing.T) {
	if e := OfSkewed([]float64{0, 0, 0}, .95); e.Estimate != 0 || e.Low != 0 || !math.IsInf(e.High, 1) {
		t.Errorf("never seen: %+v", e)
	}
	if e := OfSkewed([]float64{0, 0, 9}, .95); !(e.Low > 0) || e.High < 9 {
		t.Errorf("seen once: %+v", e)
	}
	if e := OfSkewed([]float64{2, 2, 2}, .95); e.Estimate != 2 || e.Low != 2 || e.High != 2 {
		t.Errorf("always the same: %+v", e)
	}
}
