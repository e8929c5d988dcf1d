package calc

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// TestGreatestThreshold: the greatest failureThreshold tolerates as long as can
// be told, no less for wrapping around, and what lies behind a fault takes no
// more memory than a few thousand failures.
func TestGreatestThreshold(t *testing.T) {
	s := Settings{Period: 10 * time.Second, Timeout: time.Second, Failures: math.MaxInt32}
	if tolerates := s.Tolerates(true); tolerates != dist.Longest+s.Timeout {
		t.Errorf("tolerates %v, want %v", tolerates, dist.Longest+s.Timeout)
	}
	if low, _ := s.behind(s.Detection(true, 0), .01, true).bounds(); low < float64(dist.Longest) {
		t.Errorf("a verdict after %v, want %v and more", low, dist.Longest)
	}
}

// TestGreatestThresholdOfChain: with any threshold the chain takes a few products,
// the run of independent failures a formula: of 2³¹−1 attempts that fail with
// 1 − 1e-9 each the mean is (1/p^F − 1)/(1−p).
func TestGreatestThresholdOfChain(t *testing.T) {
	const failures, q = math.MaxInt32, 1e-9
	want := math.Expm1(-failures*math.Log1p(-q)) / q
	if got := (Run{failures, 1 - q}).MeanProbes(); !near(got, want, 1e-6) {
		t.Errorf("formula: %v attempts, want %v", got, want)
	}
	chain := newChannelChain(Channel{Transition: [][]float64{{1}}, Failure: []float64{1 - q}}, Settings{Period: time.Second, Timeout: time.Second, Failures: failures})
	if got := chain.MeanAttempts(); !near(got, want, 1e-6) {
		t.Errorf("chain: %v attempts, want %v", got, want)
	}
	if got := (Run{failures, 1}).MeanProbes(); got != failures {
		t.Errorf("where all fail: %v", got)
	}
	if got := (Run{failures, .5}).MeanProbes(); !math.IsInf(got, 1) {
		t.Errorf("beyond all numbers: %v", got)
	}
}

// TestGreatestThresholdOfFormulas: what people compute of it does not wrap around.
func TestGreatestThresholdOfFormulas(t *testing.T) {
	s := Settings{Period: 10 * time.Second, Timeout: time.Second, Failures: math.MaxInt32, Successes: 1}
	for _, f := range s.folkFormulas() {
		if !near(float64(f.Seconds), math.MaxInt32*10, .11) || f.Guaranteed != math.MaxInt32*10-9 || f.Most != f.Guaranteed+10 {
			t.Errorf("%+v", f)
		}
	}
}
