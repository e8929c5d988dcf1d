package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestJackknifeOfMean: for a mean over blocks of one size the jackknife's
// variance is that of the block means over their number, exactly, and one of
// the logarithm agrees with the delta method.
func TestJackknifeOfMean(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var values []float64
	total := 0.0
	for range 40 {
		v := 5 + random.NormFloat64()
		values = append(values, v)
		total += v
	}
	mean := total / 40
	plain, logarithm := Jackknife{Whole: mean}, Jackknife{Whole: math.Log(mean)}
	squares := 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
		without := (total - v) / 39
		plain.Without, plain.Sizes = append(plain.Without, without), append(plain.Sizes, 1)
		logarithm.Without, logarithm.Sizes = append(logarithm.Without, math.Log(without)), append(logarithm.Sizes, 1)
	}
	want := squares / 39 / 40
	if got := plain.Variance(); math.Abs(got/want-1) > 1e-9 {
		t.Errorf("variance of a mean %g, want %g", got, want)
	}
	if got := logarithm.Variance(); math.Abs(got/(want/mean/mean)-1) > .02 {
		t.Errorf("variance of its logarithm %g, want about %g", got, want/mean/mean)
	}
	for _, j := range []Jackknife{{Whole: 1}, {Whole: 1, Without: []float64{1}, Sizes: []int64{1}}, {Whole: 1, Without: []float64{1, 1}, Sizes: []int64{3, 2}}} {
		if e := j.Estimate(.95); !math.IsInf(e.High, 1) || !math.IsInf(e.Low, -1) {
			t.Errorf("%+v: an interval without any spread", e)
		}
	}
}
