package calc

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// near reports whether got is want to as many significant digits as tolerance
// leaves.
func near(got, want, tolerance float64) bool {
	return got == want || math.Abs(got-want) <= tolerance*math.Abs(want)
}

// TestPublishedRuns reproduces the numbers of S1; those for p = ½ are Feller's.
func TestPublishedRuns(t *testing.T) {
	for _, c := range []struct {
		p        float64
		failures int
		mean     float64
		sd       float64 // 0: not published
	}{
		{.5, 2, 6, 0}, {.5, 3, 14, 0}, {.5, 5, 62, 58.224}, {.5, 10, 2046, 2037.47},
		{.1, 3, 1110, 0}, {.05, 3, 8420, 0}, {.01, 3, 1_010_100, 0},
		{1, 7, 7, 1e-300}, {0, 3, math.Inf(1), math.Inf(1)},
	} {
		r := Run{c.failures, c.p}
		if got := r.MeanProbes(); !near(got, c.mean, 1e-9) {
			t.Errorf("p %v F %d: mean %v, want %v", c.p, c.failures, got, c.mean)
		}
		if got := math.Sqrt(r.VarianceProbes()); c.sd != 0 && !near(got, c.sd, 1e-5) && math.Abs(got-c.sd) > 1e-9 {
			t.Errorf("p %v F %d: standard deviation %v, want %v", c.p, c.failures, got, c.sd)
		}
	}
}

// TestRunsAgainstFellersFormulas compares the recursion with the formulas
// where these keep their digits.
func TestRunsAgainstFellersFormulas(t *testing.T) {
	for _, p := range []float64{.001, .05, .3, .6, .9} {
		for _, f := range []float64{1, 2, 3, 5} {
			q, end := 1-p, math.Pow(p, f)
			r := Run{int(f), p}
			if want := (1 - end) / (q * end); !near(r.MeanProbes(), want, 1e-10) {
				t.Errorf("p %v F %v: mean %v, want %v", p, f, r.MeanProbes(), want)
			}
			if want := 1/(q*end*q*end) - (2*f+1)/(q*end) - p/(q*q); !near(r.VarianceProbes(), want, 1e-8) {
				t.Errorf("p %v F %v: variance %v, want %v", p, f, r.VarianceProbes(), want)
			}
		}
	}
}

func TestRunWithin(t *testing.T) {
	for _, c := range []struct {
		p        float64
		failures int
		n        int64
		want     float64
		digits   float64
	}{
		{.01, 3, 360, 3.54368e-4, 1e-5},
		{.01, 3, 8640, .0085152, 1e-5},
		{.5, 2, 1, 0, 0}, {.5, 2, 2, .25, 1e-12}, {.5, 2, 3, .375, 1e-12}, {.5, 2, 4, .5, 1e-12}, {.5, 2, 5, 1 - .40625, 1e-12},
		{0, 3, 1e9, 0, 0}, {1, 3, 3, 1, 0}, {1, 3, 2, 0, 0},
		{.01, 6, 8640, 8.55e-9, 1e-3}, // expected kills, S12
		{.3, 1, 4, 1 - math.Pow(.7, 4), 1e-12},
		{1e-6, 3, 1e12, 1e-6, 2e-6}, // one in a million: n·q·p³
		{.99, 3, 1e9, 1, 0},
	} {
		if got := (Run{c.failures, c.p}).Within(c.n); !near(got, c.want, c.digits) {
			t.Errorf("p %v F %d n %d: %v, want %v", c.p, c.failures, c.n, got, c.want)
		}
	}
}

// TestRootMeetsChain compares both ways of Within at one n.
func TestRootMeetsChain(t *testing.T) {
	for _, p := range []float64{1e-4, .01, .1, .5, .7} {
		for f := 1; f <= 8; f++ {
			r := Run{f, p}
			if p >= float64(f)/float64(f+1) {
				continue
			}
			if chain, root := r.Within(20000), r.withinByRoot(20000); math.Abs(chain-root) > 1e-11*root {
				t.Errorf("p %v F %d: chain %v, root %v", p, f, chain, root)
			}
		}
	}
}

// TestPublishedChannel reproduces the numbers of S2, and that the arithmetic of
// independent failures is wrong by its factor.
func TestPublishedChannel(t *testing.T) {
	bursty := GilbertElliott(.001, .2, 0, 1)
	for f, want := range map[int]float64{1: 996.025, 2: 1247.27, 3: 1561.34, 5: 2444.64, 6: 3058.04, 10: 7478.86} {
		if got := bursty.MeanProbes(f); !near(got, want, 5e-6) {
			t.Errorf("F %d: %v, want %v", f, got, want)
		}
	}
	average := bursty.MeanFailure()
	if !near(average, .001/.201, 1e-12) {
		t.Errorf("average failure %v", average)
	}
	independent := Run{3, average}.MeanProbes()
	if !near(independent, 8.16e6, 2e-3) {
		t.Errorf("independent failures at the same average: %v probes, want 8.16e6", independent)
	}
	if factor := independent / bursty.MeanProbes(3); factor < 5000 || factor > 5500 {
		t.Errorf("independent arithmetic is off by %v", factor)
	}
	for f := 1; f <= 6; f++ {
		if got, want := GilbertElliott(.05, .95, .05, .05).MeanProbes(f), (Run{f, .05}).MeanProbes(); !near(got, want, 1e-10) {
			t.Errorf("degenerate channel at F %d: %v, want %v", f, got, want)
		}
	}
	if got := GilbertElliott(.1, .1, 0, 0).MeanProbes(3); !math.IsInf(got, 1) {
		t.Errorf("without failures: %v probes", got)
	}
}

// TestChannelAgainstLinearSolver solves the equations over (state, failures) as
// they stand, for a channel of three states.
func TestChannelAgainstLinearSolver(t *testing.T) {
	c := Channel{
		Transition: [][]float64{{.9, .08, .02}, {.3, .6, .1}, {.05, .15, .8}},
		Failure:    []float64{.01, .3, .95},
	}
	const failures, states = 4, 3
	equations, ones := mat.NewDense(failures*states, failures*states, nil), mat.NewVecDense(failures*states, nil)
	for j := range failures {
		for i := range states {
			row := j*states + i
			equations.Set(row, row, 1)
			ones.SetVec(row, 1)
			for k, step := range c.Transition[i] {
				equations.Set(row, k, equations.At(row, k)-(1-c.Failure[i])*step)
				if j+1 < failures {
					equations.Set(row, (j+1)*states+k, equations.At(row, (j+1)*states+k)-c.Failure[i]*step)
				}
			}
		}
	}
	var solution mat.VecDense
	if err := solution.SolveVec(equations, ones); err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for i, share := range c.Stationary() {
		want += share * solution.AtVec(i)
	}
	if got := c.MeanProbes(failures); !near(got, want, 1e-10) {
		t.Errorf("%v, want %v", got, want)
	}
	// The chance within n probes adds up to the mean: Σ P(not within n).
	mean := 0.0
	for n := int64(0); ; n++ {
		left := 1 - c.Within(n, failures)
		mean += left
		if left < 1e-9 || n > 2000 {
			break
		}
	}
	if !near(mean, want, 1e-3) {
		t.Errorf("mean by the chain %v, want %v", mean, want)
	}
}
