package fit

import (
	"math"
	"testing"
)

// TestCrowd holds the counts that are drawn at once to what values drawn one by
// one would come to: with cut-offs at three places for six in ten of them, N·w·S(c)
// are cut off at c, and between two places end N·P(cut off later)·(F(b) − F(a)).
func TestCrowd(t *testing.T) {
	const n = 2e6
	cuts := []step{{1e-3, 1e-3, 0, .05}, {.5, .5, .05, .2}, {1.3, 1.3, .2, .5}, {400, 400, .5, .6}}
	for _, c := range []struct {
		family *family
		of     []float64
	}{{lognormal(), []float64{1, .6}}, {exponential(), []float64{1}}, {weibull(), []float64{.3, 1}}, {normal(), []float64{2, 1}}, {pareto(), []float64{.8, 3}}} {
		o := &observer{s: &sample{scale: 1e9, n: n}, cutOff: cuts}
		again := &sample{points: o.crowd(c.family, c.of, n, stream(1, 0, 0))}
		again.condense()
		if again.n != n {
			t.Fatalf("%s: %v drawn", c.family.name, again.n)
		}
		survives := func(x float64) float64 { return c.family.survival(c.of, x) }
		check := func(what string, got, share float64) {
			t.Helper()
			if deviation := math.Sqrt(n * share * (1 - share)); math.Abs(got-n*share) > 4.5*deviation+1e-9 {
				t.Errorf("%s: %s: %v, want %v ± %.3g", c.family.name, what, got, n*share, deviation)
			}
		}
		count := func(of func(p point) bool) float64 {
			sum := 0.0
			for _, p := range again.points {
				if of(p) {
					sum += p.count
				}
			}
			return sum
		}
		for _, cut := range cuts {
			check("cut off", count(func(p point) bool { return p.censored() && p.low == cut.to }), (cut.upto-cut.before)*survives(cut.to))
		}
		// Places between two values of three digits, in pieces without a cut-off.
		for _, piece := range []struct{ from, to, later float64 }{
			{.0002005, .0006005, 1}, {.1005, .2995, .95}, {.6005, .9005, .8}, {.9005, 1.105, .8}, {2.005, 3.995, .5}, {30.05, 300.5, .5}, {1005, math.Inf(1), .4},
		} {
			got := count(func(p point) bool { return p.exact() && p.low > piece.from && p.low < piece.to })
			check("ended", got, piece.later*(survives(piece.from)-survives(piece.to)))
		}
	}
}

// TestNextDigit holds the places to the rounding: what lies between two of them
// is rounded to one value.
func TestNextDigit(t *testing.T) {
	for x := 1.2345e-7; x < 1e9; {
		next := nextDigit(x)
		if !(next > x) {
			t.Fatalf("%v is followed by %v", x, next)
		}
		if a, b := rounded(x+(next-x)*1e-3), rounded(next-(next-x)*1e-3); next > x*(1+1e-12) && math.Abs(a/b-1) > 1e-9 {
			t.Fatalf("%v to %v are rounded to %v and %v", x, next, a, b)
		}
		x = next
	}
}
