package stats

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWideIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sum Wide
		want := new(big.Int)
		for _, pair := range rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]int64 {
			return [2]int64{rapid.Int64Min(0).Draw(t, "a"), rapid.Int64Min(0).Draw(t, "b")}
		}), 1, 20).Draw(t, "pairs") {
			sum.AddProduct(pair[0], pair[1])
			want.Add(want, new(big.Int).Mul(big.NewInt(pair[0]), big.NewInt(pair[1])))
		}
		for _, three := range rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [3]int64 {
			return [3]int64{rapid.Int64Min(0).Draw(t, "a"), rapid.Int64Min(0).Draw(t, "b"), rapid.Int64Min(0).Draw(t, "c")}
		}), 0, 20).Draw(t, "threes") {
			sum.AddProduct3(three[0], three[1], three[2])
			want.Add(want, product(big.NewInt(three[0]), big.NewInt(three[1]), big.NewInt(three[2])))
		}
		if sum.Big().Cmp(want) != 0 {
			t.Errorf("%v, want %v", sum.Big(), want)
		}
	})
	var most Wide
	for range 1000 {
		most.AddProduct3(math.MaxInt64, math.MaxInt64, math.MaxInt64)
	}
	cube := new(big.Int).Exp(big.NewInt(math.MaxInt64), big.NewInt(3), nil)
	if want := product(cube, big.NewInt(1000)); most.Big().Cmp(want) != 0 {
		t.Errorf("a thousand of the greatest products are %v, want %v", most.Big(), want)
	}
}

// replication is what one life of some world might have come to.
type replication struct {
	events, successes, trials int64
	exposure                  time.Duration
	durations                 []time.Duration
}

type everything struct {
	Count      Count
	Proportion Proportion
	Ratio      RatioOfSums
	Histogram  Histogram
}

func (e *everything) add(r replication) {
	e.Count.Add(r.events, r.exposure)
	e.Proportion.Add(r.successes, r.trials)
	e.Ratio.Add(int64(r.exposure)/2, int64(r.exposure))
	e.Histogram.Add(r.durations)
}

func (e *everything) merge(other *everything) {
	e.Count.Merge(&other.Count)
	e.Proportion.Merge(&other.Proportion)
	e.Ratio.Merge(&other.Ratio)
	e.Histogram.Merge(&other.Histogram)
}

// TestMergingInAnyGrouping: the state after merging parts, in any order, is
// that of accumulating everything in one go (S9, S15).
func TestMergingInAnyGrouping(t *testing.T) {
	one := rapid.Custom(func(t *rapid.T) replication {
		r := replication{
			events: rapid.Int64Range(0, 5).Draw(t, "events"), trials: rapid.Int64Range(0, 100).Draw(t, "trials"),
			exposure: time.Duration(rapid.Int64Range(0, 1<<61).Draw(t, "exposure")),
		}
		r.successes = rapid.Int64Range(0, r.trials).Draw(t, "successes")
		for _, d := range rapid.SliceOfN(rapid.Int64Range(0, 1<<58), 0, 4).Draw(t, "durations") {
			r.durations = append(r.durations, time.Duration(d))
		}
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		replications := rapid.SliceOfN(one, 0, 12).Draw(t, "replications")
		var whole everything
		parts := make([]everything, 4)
		for _, r := range replications {
			whole.add(r)
			parts[rapid.IntRange(0, 3).Draw(t, "part")].add(r)
		}
		var left, right everything // (3 + 2) + (1 + 0), against 0 … all in order
		left.merge(&parts[3])
		left.merge(&parts[2])
		right.merge(&parts[1])
		right.merge(&parts[0])
		left.merge(&right)
		want, _ := json.Marshal(whole)
		got, _ := json.Marshal(left)
		if string(want) != string(got) {
			t.Errorf("merged %s\nat once %s", got, want)
		}
	})
}

func TestBins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Min(0).Draw(t, "d"))
		i := bin(d)
		low, high := edge(i), edge(i+1)
		if high < 0 { // the last bin's end is 2⁶³
			high = math.MaxInt64
		}
		if d < low || (d >= high && high != math.MaxInt64) || bin(low) != i {
			t.Errorf("%d is in bin %d from %d to %d", d, i, low, high)
		}
		if width := high - low; d < 1024 && width != 1 || float64(width) > float64(d)/512+1 {
			t.Errorf("bin of %d is %d wide", d, width)
		}
	})
}

// TestRatioAgainstJackknife compares the delta method's standard error with
// that of the jackknife, which leaves out one replication after the other.
func TestRatioAgainstJackknife(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const n = 400
	var sums RatioOfSums
	ys, xs := make([]float64, n), make([]float64, n)
	totalY, totalX := 0.0, 0.0
	for i := range n {
		x := int64(1e12 * (1 + r.Float64()))
		y := int64(float64(x) * r.Float64() * 1e-3)
		sums.Add(y, x)
		ys[i], xs[i] = float64(y), float64(x)
		totalY, totalX = totalY+ys[i], totalX+xs[i]
	}
	mean, squares := 0.0, 0.0
	for i := range n {
		mean += (totalY - ys[i]) / (totalX - xs[i]) / n
	}
	for i := range n {
		d := (totalY-ys[i])/(totalX-xs[i]) - mean
		squares += d * d
	}
	jackknife := math.Sqrt(squares * (n - 1) / n)
	if got := math.Sqrt(sums.variance()); math.Abs(got/jackknife-1) > .01 {
		t.Errorf("standard error %v, the jackknife's is %v", got, jackknife)
	}
}

// TestRatioIsCorrectedForSkewness: where all replications are as long, the ends are
// the farther of those of the jackknife over the replications, by Hall's
// transformation, and of the interval on the scale of the logarithm.
func TestRatioIsCorrectedForSkewness(t *testing.T) {
	const length = 1e6
	for _, values := range [][]int64{{0, 0, 0, 900, 0, 200, 0, 0}, {5, 6, 7, 6, 5, 7}, {900, 901, 100, 902, 903}, {3, 0, 1, 0, 0, 2, 11, 1}} {
		var sums RatioOfSums
		var j Jackknife
		total, n := 0., float64(len(values))
		for _, y := range values {
			sums.Add(y, length)
			total += float64(y)
		}
		j.Whole = total / n / length
		for _, y := range values {
			j.Without, j.Sizes = append(j.Without, (total-float64(y))/(n-1)/length), append(j.Sizes, 1)
		}
		e, hall := sums.Estimate(math.Inf(1), .95), j.Estimate(.95)
		by := math.Exp(StudentT(sums.N, .95) * math.Sqrt(j.Variance()) / j.Whole)
		low, high := math.Max(0, math.Min(hall.Low, j.Whole/by)), math.Max(hall.High, j.Whole*by)
		if math.Abs(e.Low-low) > 1e-9*j.Whole || math.Abs(e.High-high) > 1e-9*high {
			t.Errorf("%v: %g to %g, want %g to %g", values, e.Low, e.High, low, high)
		}
		if part := sums.Estimate(1, .95); math.Abs(part.High-e.High) > 2e-3*e.High || part.Low > e.Low*(1+1e-9) {
			t.Errorf("%v: as a small share %g to %g, want nearly %g to %g", values, part.Low, part.High, e.Low, e.High)
		}
	}
}

// TestShareNearItsGreatest: the interval of a share is that of its complement,
// turned round.
func TestShareNearItsGreatest(t *testing.T) {
	const length = 1000
	var up, down RatioOfSums
	for _, y := range []int64{0, 3, 0, 0, 40, 1, 0, 2} {
		down.Add(y, length)
		up.Add(length-y, length)
	}
	a, b := up.Estimate(1, .95), down.Estimate(1, .95)
	if math.Abs(a.Low-(1-b.High)) > 1e-9 || math.Abs(a.High-(1-b.Low)) > 1e-9 {
		t.Errorf("%g to %g, its complement %g to %g", a.Low, a.High, b.Low, b.High)
	}
}

// TestRatioOfNearlyAlike: floating point would lose the spread of replications
// that differ by one nanosecond in a year.
func TestRatioOfNearlyAlike(t *testing.T) {
	const year = int64(8766 * time.Hour)
	var sums RatioOfSums
	for i := range int64(10) {
		sums.Add(year-i%2, year)
	}
	want := math.Sqrt(10.0/9*10*.25) / (10 * float64(year))
	if got := math.Sqrt(sums.variance()); math.Abs(got/want-1) > 1e-9 {
		t.Errorf("standard error %v, want %v", got, want)
	}
}

// TestNothingObserved: an interval never claims to know what was not seen.
func TestNothingObserved(t *testing.T) {
	const day = 24 * time.Hour
	var count Count
	var share, none RatioOfSums
	var proportion Proportion
	for range 100 {
		count.Add(0, day)
		share.Add(0, int64(day))
		proportion.Add(0, 1)
	}
	infinity := math.Inf(1)
	upper := 1 - math.Pow(.025, .01)
	for _, c := range []struct {
		name                string
		got                 Estimate
		estimate, low, high float64
	}{
		{"count", count.Estimate(day, .95), 0, 0, .036889},
		{"share", share.Estimate(1, .95), 0, 0, upper},
		{"amount without a greatest", share.Estimate(infinity, .95), 0, 0, infinity},
		{"proportion", proportion.Estimate(.95), 0, 0, .0369935},
		{"empty count", (&Count{}).Estimate(day, .95), math.NaN(), 0, infinity},
		{"empty share", none.Estimate(1, .95), math.NaN(), 0, 1},
		{"empty proportion", (&Proportion{}).Estimate(.95), math.NaN(), 0, 1},
		{"empty quantile", (&Histogram{}).Quantile(.5, Bounds{Max: 30}, .95), math.NaN(), 0, 30},
		{"empty mean", (&Histogram{}).Mean(Bounds{Min: 20, Max: 30}, .95), math.NaN(), 20, 30},
	} {
		same := c.got.Estimate == c.estimate || math.IsNaN(c.got.Estimate) && math.IsNaN(c.estimate)
		if !same || math.Abs(c.got.Low-c.low) > 1e-6 || !(math.Abs(c.got.High-c.high) < 1e-6 || c.got.High == c.high) {
			t.Errorf("%s: %+v, want %v in %v–%v", c.name, c.got, c.estimate, c.low, c.high)
		}
	}
	var always RatioOfSums
	always.Add(7, 7)
	always.Add(9, 9)
	if e := always.Estimate(1, .95); e.Estimate != 1 || e.High != 1 || math.Abs(e.Low-math.Sqrt(.025)) > 1e-9 {
		t.Errorf("always: %+v", e)
	}
}

// TestDispersion: events that come in tens are an interval over a tenth as many
// clusters, and independent ones are Garwood's.
func TestDispersion(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	var clustered, single Count
	clusters := 0.0
	for range 2000 {
		events := int64(0)
		if r.Float64() < .05 {
			events, clusters = 10, clusters+1
		}
		clustered.Add(events, time.Hour)
		single.Add(events/10, time.Hour)
	}
	e := clustered.Estimate(2000*time.Hour, .95)
	low, high := Garwood(clusters, .95)
	if math.Abs(e.Low/(10*low)-1) > .05 || math.Abs(e.High/(10*high)-1) > .05 {
		t.Errorf("%+v, want about %v–%v", e, 10*low, 10*high)
	}
	if e := single.Estimate(2000*time.Hour, .95); e.Method != "Garwood" || math.Abs(e.Low-low) > 1e-9 {
		t.Errorf("%+v, want Garwood %v–%v", e, low, high)
	}
}

func TestHistogramOfConstant(t *testing.T) {
	var h Histogram
	for range 20 {
		h.Add([]time.Duration{20300 * time.Millisecond})
	}
	d := h.Distribution(Bounds{Min: 20, Max: 30}, .95)
	for name, e := range map[string]Estimate{"mean": d.Mean, "p50": d.P50} {
		if e.Estimate != 20.3 || e.Low != 20.3 || e.High != 20.3 || e.N != 20 {
			t.Errorf("%s: %+v, want exactly 20.3", name, e)
		}
	}
	// Twenty values cannot bound the 99 % quantile from above; the model can.
	if d.P99.Estimate != 20.3 || d.P99.High != 30 {
		t.Errorf("p99: %+v", d.P99)
	}
}

// TestHistogramQuantiles compares with the sorted values themselves.
func TestHistogramQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	var h Histogram
	values := make([]float64, 5000)
	for i := range values {
		d := time.Duration(r.ExpFloat64() * 1e10)
		values[i] = d.Seconds()
		h.Add([]time.Duration{d})
	}
	sort.Float64s(values)
	for _, p := range []float64{.5, .9, .99} {
		want := values[int(p*5000)-1]
		e := h.Quantile(p, Bounds{Max: math.Inf(1)}, .95)
		low, high := orderStatistics(5000, p, .95)
		if math.Abs(e.Estimate/want-1) > .004 || e.Low > values[low-1] || e.Low < values[low-1]*.998-1e-9 ||
			e.High < values[high-1] || e.High > values[high-1]*1.002+1e-9 {
			t.Errorf("p %v: %+v, want %v in %v–%v", p, e, want, values[low-1], values[high-1])
		}
	}
}

func TestMap(t *testing.T) {
	e := Estimate{Estimate: 2, Low: 0, High: 4, N: 7}
	if got := e.Map(func(x float64) float64 { return 1 / x }); got.Estimate != .5 || got.Low != .25 || !math.IsInf(got.High, 1) || got.N != 7 {
		t.Errorf("%+v", got)
	}
	if got := e.RelativeHalfWidth(); got != 1 {
		t.Errorf("relative half-width %v", got)
	}
	if got := (Estimate{High: 1}).RelativeHalfWidth(); !math.IsInf(got, 1) {
		t.Errorf("relative half-width of 0 is %v", got)
	}
	if !reflect.DeepEqual(e, Estimate{Estimate: 2, Low: 0, High: 4, N: 7}) {
		t.Error("Map changed its receiver")
	}
}
