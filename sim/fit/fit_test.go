package fit

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// seconds are observations of exactly so many seconds, cut off where negative.
func seconds(values ...float64) []dist.Observation {
	var all []dist.Observation
	for _, v := range values {
		o := dist.Observation{Low: time.Duration(math.Round(math.Abs(v) * 1e9)), Count: 1}
		o.High = o.Low
		if v < 0 {
			o.High = dist.Unbounded
		}
		all = append(all, o)
	}
	return all
}

// sixMP are the remission times in weeks of the 6-MP group of Freireich et al.
// (Blood 21, 1963), as in Kalbfleisch and Prentice; negative: still in remission.
var sixMP = []float64{6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35}

// bearings are Lieblein and Zelen's endurances of 23 ball bearings in millions
// of revolutions (1956), the standard example of lifetime fits.
var bearings = []float64{17.88, 28.92, 33.00, 41.52, 42.12, 45.60, 48.48, 51.84, 51.96, 54.12, 55.56, 67.80, 68.64, 68.64, 68.88, 84.12, 93.12, 98.64, 105.12, 105.84, 127.92, 128.04, 173.40}

func prepared(t *testing.T, observations []dist.Observation, cells bool) *sample {
	t.Helper()
	s, _, err := newSample(observations, cells)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fitted returns the row of a family.
func fitted(t *testing.T, r *Result, family string) Fit {
	t.Helper()
	for _, f := range r.Fits {
		if f.Family == family {
			return f
		}
	}
	t.Fatalf("no %s among %+v", family, r.Fits)
	return Fit{}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// TestKaplanMeier reproduces the estimate of the 6-MP group as textbooks print
// it: S(6) = .857, .807, .753, .690, .627, .538, .448, median 23 (S17).
func TestKaplanMeier(t *testing.T) {
	s := prepared(t, seconds(sixMP...), false)
	steps := s.measured()
	want := []float64{.8571, .8067, .7529, .6902, .6275, .5378, .4482}
	if len(steps) != len(want) {
		t.Fatalf("%d steps, want %d", len(steps), len(want))
	}
	for i, share := range want {
		near(t, "survival", 1-steps[i].upto, share, 6e-5)
	}
	near(t, "median", quantile(steps, 0.5)*s.scale/1e9, 23, 1e-9)
	if !math.IsNaN(quantile(steps, 0.9)) {
		t.Error("the 90th percentile was not reached")
	}
}

// TestTurnbullIsKaplanMeier holds the self-consistent estimate to the product
// limit where both apply.
func TestTurnbullIsKaplanMeier(t *testing.T) {
	s := prepared(t, seconds(sixMP...), false)
	product, consistent := s.kaplanMeier(), s.turnbull()
	for i, st := range product {
		near(t, "self-consistent", consistent[i].upto, st.upto, 1e-4)
	}
}

// TestTurnbullOfIntervals is the smallest case that can be solved by hand:
// (0,2], (1,3], (2,4] put all probability into (1,2] and (2,3], half into each.
func TestTurnbullOfIntervals(t *testing.T) {
	at := func(low, high int) dist.Observation {
		return dist.Observation{Low: time.Duration(low) * time.Second, High: time.Duration(high) * time.Second, Count: 1}
	}
	s := prepared(t, []dist.Observation{at(0, 2), at(1, 3), at(2, 4)}, false)
	steps := s.measured()
	if len(steps) != 2 {
		t.Fatalf("%+v", steps)
	}
	near(t, "first", steps[0].upto, 0.5, 1e-5)
	near(t, "from", steps[0].from*s.scale/1e9, 1, 1e-9)
	near(t, "to", steps[1].to*s.scale/1e9, 3, 1e-9)
}

// TestKnownFits holds fits of published samples to published or closed-form
// estimates of greatest likelihood.
func TestKnownFits(t *testing.T) {
	r, err := Durations(context.Background(), seconds(bearings...), false, Options{Confidence: 0.95})
	if err != nil {
		t.Fatal(err)
	}
	// Thoman, Bain and Antle (1969), Lawless (1982, table 5.1.1): shape 2.10,
	// scale 81.88, log-likelihoods −113.69 (Weibull) and −113.03 (gamma, shape
	// 4.02), lognormal −113.13 with mean 4.1504 and deviation .5217 (.5334 with
	// n−1).
	w := fitted(t, r, "weibull").Distribution.Nanoseconds.(dist.Weibull)
	near(t, "Weibull shape", w.Shape, 2.102, 0.001)
	near(t, "Weibull scale", w.Scale/1e9, 81.88, 0.01)
	near(t, "Weibull log-likelihood", fitted(t, r, "weibull").LogLikelihood, -113.691, 0.001)
	g := fitted(t, r, "gamma").Distribution.Nanoseconds.(dist.Gamma)
	near(t, "gamma shape", g.Shape, 4.025, 0.002)
	near(t, "gamma mean", g.Shape*g.Scale/1e9, 72.22, 0.01)
	near(t, "gamma log-likelihood", fitted(t, r, "gamma").LogLikelihood, -113.029, 0.002)
	l := fitted(t, r, "lognormal").Distribution.Nanoseconds.(dist.LogNormal)
	near(t, "lognormal mean", l.Mu-math.Log(1e9), 4.1504, 0.0001)
	near(t, "lognormal deviation", l.Sigma, .5217, 0.0001)
	near(t, "exponential", float64(fitted(t, r, "exponential").Distribution.Mean())/1e9, 72.22, 0.01)
	least := math.Inf(1)
	for _, f := range r.Fits {
		k, n := float64(f.Parameters), 23.0
		near(t, f.Family+": AIC", f.AIC, 2*k-2*f.LogLikelihood+2*k*(k+1)/(n-k-1), 1e-9)
		least = math.Min(least, f.AIC)
	}
	near(t, "the best", r.Fits[0].AIC, least, 0)
}

// TestCensoredFits holds censored estimates to the closed form, the total time
// over the events, and to the published Weibull fit of the 6-MP group (shape
// 1.354, scale 33.77; Lawless, Kleinbaum).
func TestCensoredFits(t *testing.T) {
	r, err := Durations(context.Background(), seconds(sixMP...), false, Options{Confidence: 0.95})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "exponential mean", fitted(t, r, "exponential").Distribution.Mean().Seconds(), 359.0/9, 1e-6)
	near(t, "log-likelihood", fitted(t, r, "exponential").LogLikelihood, -9*math.Log(359.0/9)-9, 1e-6)
	w := fitted(t, r, "weibull").Distribution.Nanoseconds.(dist.Weibull)
	near(t, "Weibull shape", w.Shape, 1.354, 0.001)
	near(t, "Weibull scale", w.Scale/1e9, 33.77, 0.02)
	if r.Censored != 12 || r.Observations != 21 {
		t.Errorf("%v of %v cut off", r.Censored, r.Observations)
	}
	// By Pareto's closed form with cut-offs: events over Σ log(x/least).
	sum := 0.0
	for _, x := range sixMP {
		sum += math.Log(math.Abs(x) / 6)
	}
	near(t, "Pareto exponent", fitted(t, r, "pareto").Distribution.Nanoseconds.(dist.Pareto).Shape, 9/sum, 1e-6)
}

// TestRecovery draws from every family and finds the parameters again, whether
// the values are known exactly, cut off, or in buckets.
func TestRecovery(t *testing.T) {
	const n = 3000
	truth := map[string]dist.Dist{
		"exponential":       dist.Exponential(8e9),
		"lognormal":         dist.LogNormal{Mu: math.Log(5e9), Sigma: 0.8},
		"gamma":             dist.Gamma{Shape: 3, Scale: 2e9},
		"weibull":           dist.Weibull{Shape: 2, Scale: 7e9},
		"pareto":            dist.Pareto{Scale: 3e9, Shape: 2.5},
		"normal":            dist.Normal{Mu: 9e9, Sigma: 2e9},
		"shifted lognormal": dist.Shift{By: 10e9, Of: dist.LogNormal{Mu: math.Log(4e9), Sigma: 0.6}},
		"lognormal mixture": dist.Mixture{{Weight: .8, Of: dist.LogNormal{Mu: math.Log(4e9), Sigma: .15}}, {Weight: .2, Of: dist.LogNormal{Mu: math.Log(36e9), Sigma: .2}}},
	}
	for place, f := range families() {
		d := truth[f.name]
		for _, how := range []string{"exact", "cut off", "buckets", "intervals"} {
			t.Run(f.name+" "+how, func(t *testing.T) {
				s := prepared(t, watched(d, n, how, stream(1, 0, uint64(place))), how == "buckets")
				of := f.fit(s, nil)
				if of == nil {
					t.Fatal("no fit")
				}
				got := f.dist(of, s.scale)
				for _, p := range []float64{.1, .5, .9, .99} {
					ratio := got.Quantile(p) / d.Quantile(p)
					if tolerance := 0.06 + 0.1*p*p*p*p; math.Abs(ratio-1) > tolerance {
						t.Errorf("quantile %v is %v of the true one, %v for %v", p, ratio, got, d)
					}
				}
			})
		}
	}
}

// watched draws observations the way they come in: exact, cut off after an
// exponential time, in buckets of a fine histogram, or in intervals of 3 s.
func watched(d dist.Dist, n int, how string, r *rand.Rand) []dist.Observation {
	var all []dist.Observation
	var cells []dist.Observation
	if how == "buckets" {
		low := 0.0
		for high := 1e8; high < 1e12; low, high = high, high*1.25 {
			cells = append(cells, dist.Observation{Low: time.Duration(low), High: time.Duration(high)})
		}
		cells = append(cells, dist.Observation{Low: time.Duration(low), High: dist.Unbounded})
	}
	for range n {
		x := d.Sample(r)
		o := dist.Observation{Low: time.Duration(x), High: time.Duration(x), Count: 1}
		switch how {
		case "cut off":
			if limit := 30e9 * r.ExpFloat64(); x > limit {
				o.Low, o.High = time.Duration(limit), dist.Unbounded
			}
		case "intervals":
			o.High = time.Duration(x + 3e9*r.Float64())
			o.Low = max(0, o.High-3*time.Second)
		case "buckets":
			for i := range cells {
				if x > float64(cells[i].Low) && x <= float64(cells[i].High) {
					cells[i].Count++
				}
			}
			continue
		}
		all = append(all, o)
	}
	return append(all, cells...)
}

// TestChoice lets each family's own sample be told from the others, and holds
// the p-value of the true family to be ordinary.
func TestChoice(t *testing.T) {
	d := dist.Mixture{{Weight: .7, Of: dist.LogNormal{Mu: math.Log(4e9), Sigma: .15}}, {Weight: .3, Of: dist.LogNormal{Mu: math.Log(36e9), Sigma: .2}}}
	r, err := Durations(context.Background(), watched(d, 120, "cut off", stream(2, 0, 0)), false, Options{Seed: 1, Resamples: 99, Confidence: .95})
	if err != nil {
		t.Fatal(err)
	}
	if best := r.Fits[0]; best.Family != "lognormal mixture" || best.Goodness.PValue < .02 || best.Goodness.Resamples != 99 {
		t.Errorf("%+v", best)
	}
	for _, f := range r.Fits[1:] {
		if f.WorseBy <= 0 {
			t.Errorf("%s is worse by %v", f.Family, f.WorseBy)
		}
	}
}

// TestSpreadCovers holds the interval of the 99th percentile from few values to
// its confidence: exact for the exponential family but for the number of
// resamples, approximate for others.
func TestSpreadCovers(t *testing.T) {
	const runs = 300
	for _, c := range []struct {
		family *family
		truth  dist.Dist
		n      int
	}{
		{exponential(), dist.Exponential(5e9), 8},
		{lognormal(), dist.LogNormal{Mu: math.Log(5e9), Sigma: 0.5}, 12},
		{gamma(), dist.Gamma{Shape: 3, Scale: 2e9}, 20},
	} {
		covered := 0
		for i := range runs {
			s := prepared(t, watched(c.truth, c.n, "exact", stream(3, uint64(i), 0)), false)
			fit := candidate{family: c.family, of: c.family.fit(s, nil)}
			fit.Parameters = c.family.parameters
			drawn := resampled(context.Background(), s, c.family, fit.of, Options{Seed: uint64(i), Resamples: 99, Confidence: .9}, 1, quantileShares, nil)
			if e, truth := fit.spread(2, s, drawn, .9), c.truth.Quantile(.99)/1e9; e.Low <= truth && truth <= e.High {
				covered++
			}
		}
		if share := float64(covered) / runs; share < .86 || share > .95 {
			t.Errorf("%s: covered in %v of the cases, want 0.9", c.family.name, share)
		}
	}
}

// TestPValueIsUniform holds the p-value under the true family to be below 0.2
// in about a fifth of the cases, with what is cut off and in buckets alike.
func TestPValueIsUniform(t *testing.T) {
	for _, how := range []string{"cut off", "buckets", "intervals"} {
		const runs = 40
		low := 0
		f := weibull()
		for i := range runs {
			s := prepared(t, watched(dist.Weibull{Shape: 1.5, Scale: 8e9}, 40, how, stream(4, uint64(i), 0)), how == "buckets")
			c := candidate{family: f, of: f.fit(s, nil)}
			if err := c.judge(context.Background(), s, s.measured(), Options{Seed: uint64(i), Resamples: 19, Confidence: .95}); err != nil {
				t.Fatal(err)
			}
			if c.Goodness.PValue <= .2 {
				low++
			}
		}
		if share := float64(low) / runs; share < .08 || share > .35 {
			t.Errorf("%s: %v of the p-values are at most 0.2", how, share)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, observations := range map[string][]dist.Observation{
		"none":        nil,
		"two":         seconds(1, 2),
		"all cut off": seconds(-1, -2, -3, -4),
		"zeros":       seconds(0, 0, 0, 0),
		"backwards":   {{Low: 2, High: 1, Count: 1}},
	} {
		if _, err := Durations(context.Background(), observations, false, Options{Confidence: .95}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	r, err := Durations(context.Background(), seconds(3, 3, 3, 3), false, Options{Confidence: .95})
	if err != nil || r.Fits[0].Family != "constant" || r.Fits[0].Distribution != dist.Constantly(3*time.Second) {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestSameSeedSameResult holds that a result depends on the seed alone.
func TestSameSeedSameResult(t *testing.T) {
	o := Options{Seed: 7, Resamples: 19, Confidence: .95}
	a, err := Durations(context.Background(), seconds(bearings...), false, o)
	b, again := Durations(context.Background(), seconds(bearings...), false, o)
	if err != nil || again != nil || a.Fits[0].P99 != b.Fits[0].P99 {
		t.Errorf("%+v, %+v", a, b)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := Durations(ctx, seconds(bearings...), false, o); err == nil {
		t.Error("not stopped")
	}
}
