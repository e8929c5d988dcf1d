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
