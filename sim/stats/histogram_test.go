package stats

import (
	"math"
	"testing"
	"time"
)

// TestOfIndependent: the ranks of independent durations are those of all of them, even
// where the replications differ by chance as if there were fewer.
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
