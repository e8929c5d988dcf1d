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

// TestHallsTransformation holds the ends of an interval to be where Hall's cubic
// of the studentized value is Student's quantile, for counts of 0 and 1 whose
// moments are known, and the interval to lean towards their tail.
func TestHallsTransformation(t *testing.T) {
	const n, ones = 32, 3
	j := Jackknife{Whole: ones / float64(n)}
	for i := range n {
		value := 0.0
		if i < ones {
			value = 1
		}
		j.Without, j.Sizes = append(j.Without, (ones-value)/(n-1)), append(j.Sizes, 1)
	}
	p := ones / float64(n)
	skewness := (1 - 2*p) / math.Sqrt(n*p*(1-p))
	if got := j.Skewness(); math.Abs(got-skewness) > 1e-9 {
		t.Errorf("skewness %g, want that of a binomial share, %g", got, skewness)
	}
	e, spread := j.Estimate(.95), math.Sqrt(p*(1-p)/(n-1))
	for end, quantile := range map[float64]float64{e.Low: 2.0395134, e.High: -2.0395134} {
		x := (p - end) / spread
		if got := x + skewness*x*x/3 + skewness*skewness*x*x*x/27 + skewness/6; math.Abs(got-quantile) > 1e-6 {
			t.Errorf("end %g: transformed %g, want %g", end, got, quantile)
		}
	}
	if !(e.High-p > 1.5*(p-e.Low)) {
		t.Errorf("%g to %g about %g does not lean towards the tail of the counts", e.Low, e.High, p)
	}
}

// TestRatioTo holds Fieller's interval to end where y − r·x is just not told from
// 0, to have no end where x is not told from 0, and none where every block has
// the same ratio.
func TestRatioTo(t *testing.T) {
	of := func(values ...float64) *Jackknife {
		j, total := &Jackknife{}, 0.0
		for _, v := range values {
			total += v
		}
		n := float64(len(values))
		j.Whole = total / n
		for _, v := range values {
			j.Without, j.Sizes = append(j.Without, (total-v)/(n-1)), append(j.Sizes, 1)
		}
		return j
	}
	x, y := of(5, 6, 7, 6, 5, 7), of(2, 4, 3, 2, 3, 4)
	e, ok := y.RatioTo(x, .95)
	if !ok || e.Estimate != .5 || !(0 < e.Low && e.Low < .5 && .5 < e.High && e.High < 1) {
		t.Fatalf("%+v, %v", e, ok)
	}
	low, high := y.less(e.Low, x), y.less(e.High, x)
	if l, h := low.Estimate(.95), high.Estimate(.95); math.Abs(l.Low) > 1e-9 || math.Abs(h.High) > 1e-9 {
		t.Errorf("at the ends the difference is from %g and to %g, want 0", l.Low, h.High)
	}
	if e, ok := y.RatioTo(of(0, 0, 0, 0, 0, 1), .95); !ok || !math.IsInf(e.High, 1) {
		t.Errorf("over a value that may be 0: %+v, %v", e, ok)
	}
	if e, ok := x.RatioTo(of(10, 12, 14, 12, 10, 14), .95); ok {
		t.Errorf("of one ratio in every block: %+v", e)
	}
}
