package scenarios

import (
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/probesim/probesim/model/dist"
)

func TestParseDistribution(t *testing.T) {
	tests := map[string]dist.Duration{
		"0":                                  dist.Constantly(0),
		"250ms":                              dist.Constantly(250 * time.Millisecond),
		"1d12h":                              dist.Constantly(36 * time.Hour),
		"{p50: 1s, p99: 3s}":                 quantiles(1, 3),
		"{p99: 3s, p50: 1s}":                 quantiles(1, 3),
		"{p99.9: 3s, p0.1: 1s}":              must(dist.FromQuantiles2(0.001, s(1), 0.999, s(3))),
		"{p10: 1s, p50: 1s}":                 dist.Constantly(time.Second),
		"{p10: 1s, p50: 2s, p90: 5s}":        must(dist.FromQuantiles([]dist.Point{{P: 0.1, X: s(1)}, {P: 0.5, X: s(2)}, {P: 0.9, X: s(5)}})),
		"{mean: 2s, sd: 1s}":                 must(dist.LogNormalMeanSD(s(2), s(1))),
		"{exponential: 10s}":                 exponential(10 * time.Second),
		"{uniform: [1s, 2s]}":                must(dist.NewUniform(s(1), s(2))),
		"{normal: {mean: 2s, sd: 1s}}":       must(dist.NewNormal(s(2), s(1))),
		"{gamma: {shape: 2, scale: 1s}}":     must(dist.NewGamma(2, s(1))),
		"{weibull: {shape: 2, scale: 1s}}":   must(dist.NewWeibull(2, s(1))),
		"{pareto: {shape: 2, scale: 1s}}":    must(dist.NewPareto(s(1), 2)),
		"{triangular: [0s, 1s, 4s]}":         must(dist.NewTriangular(0, s(1), s(4))),
		"{shift: 1s, of: {exponential: 2s}}": must(dist.NewShift(s(1), dist.Exponential(s(2)))),
		"{mixture: [{weight: 9, of: 0s}, {weight: 1, of: {exponential: 2s}}]}": must(dist.NewMixture([]dist.Part{
			{Weight: 9, Of: dist.Constant(0)}, {Weight: 1, Of: dist.Exponential(s(2))},
		})),
	}
	for text, want := range tests {
		got, err := ParseDistribution(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
}

// The quantiles that are stated are those of the distribution.
func TestStatedQuantiles(t *testing.T) {
	got, err := ParseDistribution("{p50: 1.52s, p90: 2.28s, p99: 6.82s}")
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[float64]time.Duration{0.5: 1520 * time.Millisecond, 0.9: 2280 * time.Millisecond, 0.99: 6820 * time.Millisecond} {
		if quantile := got.Quantile(p); (quantile - want).Abs() > time.Microsecond {
			t.Errorf("p%g is %v, want %v", 100*p, quantile, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	tests := map[string]time.Duration{"1y": 8766 * time.Hour, "2y1d1h": (2*8766 + 25) * time.Hour, "100y": 876600 * time.Hour,
		"0": 0, "0s": 0, "1s": time.Second, "1.5h": 90 * time.Minute, "1m30s": 90 * time.Second,
		"30d": 30 * day, "1d12h": 36 * time.Hour, "0.5d": 12 * time.Hour, ".5d": 12 * time.Hour, "36525d": dist.Longest,
		"876600h": dist.Longest,
	}
	for text, want := range tests {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "-1s", "+1s", "1 s", "1d-1s", "1d1d", "1w", "d", "1e3s", "36526d", "876601h", "1h36525d", "NaNs", "9999999999999999999d", "36525d1ns"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%s: %v, want an error", text, got)
		}
	}
}

func TestFormatDurationRoundTrip(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 30 * day: "30d", time.Hour: "1h", 90 * time.Second: "1m30s", 36 * time.Hour: "36h", 100 * time.Millisecond: "100ms"} {
		if got := formatDuration(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(dist.Longest)).Draw(t, "d"))
		if got, err := parseDuration(formatDuration(d)); err != nil || got != d {
			t.Fatalf("%v: %s, %v, %v", d, formatDuration(d), got, err)
		}
	})
}

func TestParseCPU(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "250m": 250, "0.5": 500, "2": 2000, "1.5": 1500, "1u": 1, "1e3": 1e6, "1M": 1e9} {
		if got, err := parseCPU(text); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "2M", "1 m", "9e99", "1E9999", "1e999999999", "1e-999999999", "1e+000999999999"} {
		if got, err := parseCPU(text); err == nil {
			t.Errorf("%s: %d, want an error", text, got)
		}
	}
}

func TestParseSamples(t *testing.T) {
	got, err := parseSamples([]byte("startup,pod\n1.5,a\n\n# late\n\"250ms\",b\n0,c\n2m\n"), durationUnit)
	if want := []float64{1.5e9, 0.25e9, 0, 120e9}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, text := range []string{"", "heading\n", "1\n-2\n", "1\nInf\n", "1\nNaN\n", "one\ntwo\n"} {
		if got, err := parseSamples([]byte(text), durationUnit); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

func TestParseBuckets(t *testing.T) {
	text := `# TYPE x histogram
x_bucket{le="0.1",pod="a"} 3
x_bucket{pod="b",le="0.1"} 2
x_bucket{le="+Inf",pod="a"} 7
x_bucket{le="+Inf",pod="b"} 2 1700000000000
x_sum{pod="a"} 1
x_count{pod="a"} 7
`
	want := []dist.Bucket{{LE: 0.1e9, Count: 5}, {LE: math.Inf(1), Count: 9}}
	for _, text := range []string{text, "le,count\n0.1,5\n+Inf,9\n", "+Inf,9\n0.1,5\n"} {
		if got, err := parseBuckets([]byte(text), 1e9); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "le,count\n", "0.1\n", "0.1,x\n", "NaN,1\n"} {
		if got, err := parseBuckets([]byte(text), 1); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}
