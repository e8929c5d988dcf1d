package dist

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestBeyond: what is drawn above an age is as the distribution says of what is above
// it, P(X > x | X > age) = (1 - F(x)) / (1 - F(age)), near the middle as in the tail.
func TestBeyond(t *testing.T) {
	const draws = 40_000
	lognormal := LogNormal{Mu: math.Log(1e9), Sigma: .5}
	for name, c := range map[string]struct {
		of        Dist
		age, past float64 // past: 1 - F(age)
	}{
		"exponential, far out":  {Exponential(1e9), 50e9, math.Exp(-50)},
		"lognormal":             {lognormal, 1e9, .5},
		"lognormal, far out":    {lognormal, 1e9 * math.Exp(5), normalCDF(-10)},
		"scaled lognormal":      {Scale{2, lognormal}, 2e9, .5},
		"shifted lognormal":     {Shift{1e9, lognormal}, 2e9, .5},
		"uniform":               {Uniform{0, 4e9}, 3e9, .25},
		"mixture":               {Mixture{{1, Exponential(1e9)}, {1, Exponential(1e9)}}, 2e9, math.Exp(-2)},
		"mixture of others":     {Mixture{{3, lognormal}, {1, Exponential(4e9)}}, 2e9, (3*normalCDF(-math.Ln2/.5) + math.Exp(-.5)) / 4},
		"mixture, far out":      {Mixture{{1, Uniform{0, 1e9}}, {1, Exponential(1e9)}}, 50e9, math.Exp(-50) / 2},
		"lognormal, from zero":  {lognormal, 0, 1},
		"weibull":               {Weibull{Shape: 2, Scale: 1e9}, 2e9, math.Exp(-4)},
		"exponential, negative": {Shift{5e9, Exponential(1e9)}, 0, 1},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		d := Duration{c.of}
		for _, share := range []float64{.75, .25} {
			// The x above which that share of what is above the age lies.
			low, high := c.age, c.age+100e9
			for range 100 {
				if x := (low + high) / 2; tail(c.of, x)/c.past > share {
					low = x
				} else {
					high = x
				}
			}
			n := 0
			for range draws {
				x, ok := d.Beyond(time.Duration(c.age), r)
				if !ok || x < time.Duration(c.age) {
					t.Fatalf("%s: %v, %v", name, x, ok)
				}
				if float64(x) > low {
					n++
				}
			}
			if got, sigma := float64(n)/draws, math.Sqrt(share*(1-share)/draws); math.Abs(got-share) > 4*sigma {
				t.Errorf("%s: %.4f above what %.2f are", name, got, share)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for name, d := range map[string]Duration{"nothing": {}, "constant": {Constant(1e9)}, "bounded": {Uniform{0, 1e9}}} {
		if _, ok := d.Beyond(time.Second, r); ok {
			t.Errorf("%s lasts longer than it can", name)
		}
	}
}

// tail is 1 - F(x), precise in the tail of those that are asked for there.
func tail(d Dist, x float64) float64 {
	switch d := d.(type) {
	case Exponential:
		return math.Exp(-x / float64(d))
	case LogNormal:
		return normalCDF((d.Mu - math.Log(x)) / d.Sigma)
	case Mixture:
		sum, weights := 0.0, 0.0
		for _, part := range d {
			sum, weights = sum+part.Weight*tail(part.Of, x), weights+part.Weight
		}
		return sum / weights
	}
	return 1 - d.CDF(x)
}

// BenchmarkBeyond draws what is left of a mixture, as splitting does of every wait
// under way.
func BenchmarkBeyond(b *testing.B) {
	d := Duration{Mixture{{97, LogNormal{Mu: math.Log(2e8), Sigma: 1}}, {3, LogNormal{Mu: math.Log(12e9), Sigma: .5}}}}
	r := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		if _, ok := d.Beyond(time.Second, r); !ok {
			b.Fatal("nothing is left")
		}
	}
}
