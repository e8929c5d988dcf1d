package stats

import (
	"math"
	"testing"
	"time"
)

// TestOfIndependent: the ranks of independent durations are those of all of them, even
// where the replications differ by chance as if there were fewer.
// TestAtMost holds the count up to a duration against the durations themselves, none of
// which counts that is longer, and of the others at most those of the last bin do not.
func TestAtMost(t *testing.T) {
	var h Histogram
	for i := range 1000 {
		h.Add([]time.Duration{time.Duration(i) * time.Millisecond})
	}
	for _, d := range []time.Duration{0, time.Millisecond, 100 * time.Millisecond, 998 * time.Millisecond, time.Hour} {
		exact := min(int64(d/time.Millisecond)+1, 1000)
		if n := h.AtMost(d); n > exact || n < exact-2 {
			t.Errorf("%d at most %v, want %d", n, d, exact)
		}
	}
}

func TestOfIndependent(t *testing.T) {
	var h Histogram
	for r := range int64(16) {
		var s Samples
		for i := range int64(36) {
			s.Add(time.Duration(1+r/8+i%2) * time.Second) // half of the replications are a second slower
		}
		h.AddSamples(&s)
	}
	bounds := Bounds{Max: math.Inf(1)}
	if e := h.Quantile(.99, bounds, .95); !math.IsInf(e.High, 1) {
		t.Errorf("replications that differ: at most %v", e.High)
	}
	if e := h.OfIndependent(bounds, .95).P99; math.IsInf(e.High, 1) || e.High > 3.01 || e.Estimate < 2.99 {
		t.Errorf("independent: %+v", e)
	}
}
