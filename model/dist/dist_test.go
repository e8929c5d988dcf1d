package dist

import (
	"math"
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// must is for constructors whose parameters are known to be right.
func must(t testing.TB) func(Dist, error) Dist {
	return func(d Dist, err error) Dist {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

// families returns one or more of every family, with means that were computed
// by hand or come from the family's textbook formula.
func families(t testing.TB) map[string]struct {
	dist Dist
	mean float64
} {
	ok := must(t)
	infinity := math.Inf(1)
	return map[string]struct {
		dist Dist
		mean float64
	}{
		"constant":                     {Constant(7), 7},
		"constant zero":                {Constant(0), 0},
		"lognormal p50 p99":            {ok(FromQuantiles2(.5, 2, .99, 20)), 2 * math.Exp(math.Ln10/2.3263478740408408*math.Ln10/2.3263478740408408/2)},
		"lognormal mean sd":            {ok(LogNormalMeanSD(5, 3)), 5},
		"lognormal sigma 0":            {LogNormal{Mu: math.Log(3)}, 3},
		"quantiles on one lognormal":   {ok(FromQuantiles([]Point{{.5, 1}, {.8413447460685429, math.E}, {.9772498680518208, math.E * math.E}})), math.Exp(.5)},
		"quantiles":                    {ok(FromQuantiles([]Point{{.5, 1.5}, {.9, 2.3}, {.99, 6.8}})), math.NaN()},
		"quantiles with an atom":       {ok(FromQuantiles([]Point{{.1, 1}, {.5, 3}, {.7, 3}, {.9, 5}})), math.NaN()},
		"quantiles with a flat top":    {ok(FromQuantiles([]Point{{.1, 1}, {.5, 3}, {.7, 3}})), math.NaN()},
		"quantiles with a flat bottom": {ok(FromQuantiles([]Point{{.1, 1}, {.5, 1}, {.7, 3}})), math.NaN()},
		"exponential":                  {ok(NewExponential(10)), 10},
		"uniform":                      {ok(NewUniform(2, 6)), 4},
		"normal far from 0":            {ok(NewNormal(10, 1)), 10},
		"normal half cut":              {ok(NewNormal(0, 1)), math.Sqrt(2 / math.Pi)},
		"normal at 1 sd":               {ok(NewNormal(3, 3)), 3 * (1 + .24197072451914337/.8413447460685429)},
		"gamma shape 3":                {ok(NewGamma(3, 2)), 6},
		"gamma shape .3":               {ok(NewGamma(.3, 2)), .6},
		"weibull":                      {ok(NewWeibull(2, 1)), math.Sqrt(math.Pi) / 2},
		"weibull shape .5":             {ok(NewWeibull(.5, 1)), 2},
		"pareto":                       {ok(NewPareto(1, 2.5)), 2.5 / 1.5},
		"pareto without mean":          {ok(NewPareto(1, 1)), infinity},
		"triangular":                   {ok(NewTriangular(1, 2, 6)), 3},
		"triangular mode low":          {ok(NewTriangular(0, 0, 3)), 1},
		"mixture with atom":            {ok(NewMixture([]Part{{9, Constant(0)}, {1, Exponential(30)}})), 3},
		"mixture":                      {ok(NewMixture([]Part{{1, Uniform{0, 1}}, {0, Pareto{1, 1}}, {1, Uniform{5, 7}}})), 3.25},
		"mixture of tails":             {ok(NewMixture([]Part{{.5, Exponential(1)}, {.5, LogNormal{0, 1}}})), .5 + .5*math.Exp(.5)},
		"shift":                        {ok(NewShift(5, Exponential(2))), 7},
		"uncertain":                    {must(t)(NewUncertain([]Dist{Uniform{0, 1}, Uniform{5, 7}})), 3.25},
		"scale":                        {Scale{3, must(t)(NewGamma(2, .5))}, 3},
		"samples":                      {ok(NewSamples([]float64{3, 1, 2, 2, 12})), 4},
		"histogram":                    {ok(NewHistogram([]Bucket{{1, 40}, {2, 80}, {4, 100}, {math.Inf(1), 100}})), .4*.5 + .4*1.5 + .2*3},
		"histogram with a tail":        {ok(NewHistogram([]Bucket{{.5, 30}, {1, 80}, {4, 95}, {8, 95}, {math.Inf(1), 100}})), math.NaN()},
		"histogram with zeros":         {ok(NewHistogram([]Bucket{{0, 50}, {1, 100}, {math.Inf(1), 100}})), .25},
	}
}

func TestEveryFamily(t *testing.T) {
	for name, family := range families(t) {
		t.Run(name, func(t *testing.T) { checkDist(t, family.dist, family.mean) })
	}
}

// checkDist holds a distribution to the contract of Dist and to its mean; NaN
// where only the other methods are to agree on it.
func checkDist(t *testing.T, d Dist, mean float64) {
	t.Helper()
	checkQuantiles(t, d)
	checkMean(t, d, mean)
	checkSamples(t, d)
	if d.CDF(-1) != 0 || d.CDF(math.Inf(1)) != 1 {
		t.Errorf("CDF(-1) = %v, CDF(+Inf) = %v", d.CDF(-1), d.CDF(math.Inf(1)))
	}
	if low, high := d.Quantile(0), d.Quantile(1); !(low >= 0 && high >= low) {
		t.Errorf("quantiles 0 and 1 are %v and %v", low, high)
	}
	r := rand.New(rand.NewPCG(1, 2))
	if allocations := testing.AllocsPerRun(100, func() { d.Sample(r) }); allocations != 0 {
		t.Errorf("Sample allocates %v times", allocations)
	}
}

// checkQuantiles holds Quantile(p) to be the least x with CDF(x) >= p, and both
// to be monotone.
func checkQuantiles(t *testing.T, d Dist) {
	t.Helper()
	const tolerance = 1e-9
	last, lastCDF := 0.0, 0.0
	for _, p := range []float64{1e-6, 1e-3, .01, .05, .1, .2, .25, .4, .5, .55, .6, .7, .8, .9, .95, .99, .999, 1 - 1e-6} {
		x := d.Quantile(p)
		at, below := d.CDF(x), d.CDF(x-1e-12*(1+x))
		if at < p-tolerance || below > p+tolerance {
			t.Errorf("quantile %v is %v, where the CDF goes from %v to %v", p, x, below, at)
		}
		if x < last || at < lastCDF {
			t.Errorf("not monotone at %v: %v after %v, %v after %v", p, x, last, at, lastCDF)
		}
		last, lastCDF = x, at
	}
}

// checkMean compares Mean with the expected one, and with the integral of the
// quantile function over equal steps of a logistic score, which has its points
// far out in both tails.
func checkMean(t *testing.T, d Dist, want float64) {
	t.Helper()
	got := d.Mean()
	if math.IsInf(want, 1) {
		if !math.IsInf(got, 1) {
			t.Errorf("mean %v, want +Inf", got)
		}
		return
	}
	if !math.IsNaN(want) && math.Abs(got-want) > 1e-9*(1+want) {
		t.Errorf("mean %v, want %v", got, want)
	}
	const step = 1e-3
	integral := 0.0
	for score := -34 + step/2; score < 34; score += step {
		p := 1 / (1 + math.Exp(-score))
		integral += d.Quantile(p) * p * (1 - p) * step
	}
	if math.Abs(got-integral) > 2e-3*(1+got) {
		t.Errorf("mean %v, the integral of the quantiles is %v", got, integral)
	}
}

// checkSamples compares 20 000 draws of a fixed seed with the CDF by the
// statistic of Kolmogorov and Smirnov, from both sides of every draw. 1.95/√n
// is exceeded by chance once in a thousand.
func checkSamples(t *testing.T, d Dist) {
	t.Helper()
	const n = 20000
	r := rand.New(rand.NewPCG(3, 4))
	draws := make([]float64, n)
	for i := range draws {
		draws[i] = d.Sample(r)
	}
	sort.Float64s(draws)
	farthest := 0.0
	for i := 0; i < n; {
		j := i
		for j < n && draws[j] == draws[i] {
			j++
		}
		before := d.CDF(draws[i] - 1e-12*(1+draws[i]))
		farthest = max(farthest, math.Abs(before-float64(i)/n), math.Abs(d.CDF(draws[i])-float64(j)/n))
		i = j
	}
	if draws[0] < 0 || farthest > 1.95/math.Sqrt(n) {
		t.Errorf("draws from %v are %v off the CDF", draws[0], farthest)
	}
}

// TestGivenQuantilesAreMet holds on to the points a scenario names.
func TestGivenQuantilesAreMet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "n")
		points := make([]Point, n)
		p, x := 0.0, 0.0
		for i := range points {
			p += rapid.Float64Range(.01, .15).Draw(t, "p")
			x += rapid.Float64Range(0, 100).Draw(t, "x")
			points[i] = Point{p, x + 1e-3}
		}
		d, err := FromQuantiles(points)
		if err != nil {
			t.Fatal(err)
		}
		for _, point := range points {
			if got := d.Quantile(point.P); math.Abs(got-point.X) > 1e-9*(1+point.X) {
				t.Errorf("quantile %v is %v, want %v", point.P, got, point.X)
			}
		}
		a := rapid.Float64Range(0, 200).Draw(t, "a")
		b := a + rapid.Float64Range(0, 200).Draw(t, "b")
		if d.CDF(a) > d.CDF(b) {
			t.Errorf("CDF falls from %v at %v to %v at %v", d.CDF(a), a, d.CDF(b), b)
		}
	})
}

// TestPublishedValues checks quantiles and probabilities from standard tables.
func TestPublishedValues(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"χ² with 10 degrees of freedom, 95 %", Gamma{5, 2}.Quantile(.95), 18.3070},
		{"χ² with 1 degree of freedom, 99 %", Gamma{.5, 2}.Quantile(.99), 6.6349},
		{"half normal, 95 %", Normal{0, 1}.Quantile(.95), 1.95996},
		{"exponential median", Exponential(1).Quantile(.5), math.Ln2},
		{"Pareto 80/20: top fifth begins at", Pareto{1, math.Log(5) / math.Log(4)}.Quantile(.8), 4},
		{"lognormal sd", math.Sqrt(math.Expm1(must(t)(LogNormalMeanSD(5, 3)).(LogNormal).Sigma*must(t)(LogNormalMeanSD(5, 3)).(LogNormal).Sigma)) * 5, 3},
	} {
		if math.Abs(c.got-c.want) > 1e-4 {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestConstructorsRefuse(t *testing.T) {
	infinity := math.Inf(1)
	refused := func(_ Dist, err error) error { return err }
	for _, c := range []struct {
		err  error
		want string
	}{
		{refused(FromQuantiles2(.5, 0, .99, 1)), "p50: must be above 0"},
		{refused(FromQuantiles2(.5, 2, .99, 1)), "p99: must not be below p50"},
		{refused(FromQuantiles2(.5, 2, .5, 2)), "p50: is given twice"},
		{refused(FromQuantiles2(0, 2, .5, 2)), "p0: must lie strictly between p0 and p100"},
		{refused(FromQuantiles2(math.NaN(), 2, .5, 2)), "pNaN: must lie strictly between p0 and p100"},
		{refused(FromQuantiles([]Point{{.5, 1}})), "one quantile does not make a distribution: give two or more"},
		{refused(FromQuantiles([]Point{{.5, 1}, {.999, infinity}})), "p99.9: must be a finite number"},
		{refused(LogNormalMeanSD(0, 1)), "mean: must be above 0"},
		{refused(LogNormalMeanSD(1, -1)), "sd: must not be below 0"},
		{refused(NewExponential(0)), "exponential: must be above 0"},
		{refused(NewUniform(3, 2)), "uniform[1]: must not be below uniform[0]"},
		{refused(NewUniform(-3, 2)), "uniform[0]: must not be below 0"},
		{refused(NewNormal(1, math.NaN())), "sd: must be a finite number"},
		{refused(NewGamma(0, 1)), "shape: must be above 0"},
		{refused(NewWeibull(1, -1)), "scale: must be above 0"},
		{refused(NewPareto(1, infinity)), "shape: must be a finite number"},
		{refused(NewTriangular(1, 0, 2)), "triangular: must be the least, the most likely and the greatest value, in this order"},
		{refused(NewMixture(nil)), "mixture: sum of the weights: must be above 0"},
		{refused(NewMixture([]Part{{-1, Constant(1)}})), "mixture[0].weight: must not be below 0"},
		{refused(NewShift(-1, Constant(1))), "shift: must not be below 0"},
		{refused(NewShift(1, nil)), "of: is missing"},
		{refused(NewUncertain([]Dist{Constant(1)})), "uncertain: needs two distributions or more, of which one holds"},
		{refused(NewSamples(nil)), "samples: there are none"},
		{refused(NewSamples([]float64{1, -2})), "samples: must not be below 0: -2"},
		{refused(NewHistogram([]Bucket{{1, 5}})), "histogram: needs a finite bucket and, as the last, the +Inf bucket"},
		{refused(NewHistogram([]Bucket{{1, 5}, {1, 6}, {infinity, 6}})), "histogram[1].le: must be above the bound before it"},
		{refused(NewHistogram([]Bucket{{1, 5}, {infinity, 4}})), "histogram[1].count: counts are cumulative and must not decrease"},
		{refused(NewHistogram([]Bucket{{1, 0}, {infinity, 0}})), "histogram: holds no observations"},
		{refused(NewHistogram([]Bucket{{1, 5}, {infinity, 9}})), "histogram: observations in the +Inf bucket need a finite bucket with observations below them to show the spread"},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("error %v, want %s", c.err, c.want)
		}
	}
}

// TestDuration holds the edges at which nanoseconds meet integers.
func TestDuration(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var zero Duration
	if !zero.IsZero() || zero.Sample(r) != 0 || zero.Mean() != 0 || zero.Quantile(.9) != 0 || zero.CDF(0) != 1 || zero.CDF(-1) != 0 {
		t.Error("the zero Duration is not the constant 0")
	}
	if d := Constantly(3 * time.Second); d.IsZero() || d.Sample(r) != 3*time.Second || d.Mean() != 3*time.Second || d.CDF(3*time.Second) != 1 {
		t.Error("Constantly(3s) is not 3 s")
	}
	if d := (Duration{Pareto{1, .01}}); d.Mean() != Longest || d.Quantile(1) != Longest {
		t.Error("an endless duration is not cut to the longest")
	}
	if d := (Duration{must(t)(NewSamples([]float64{1, 2}))}); d.IsZero() {
		t.Error("samples taken for the constant 0")
	}
	mixture := Duration{Mixture{{1, Constant(0)}, {1, Constant(2)}}}
	if mixture.IsZero() {
		t.Error("a mixture taken for the constant 0")
	}
}
