package calc

import (
	"math"
	"testing"
	"time"
)

// TestPublishedHeartbeats reproduces the example of Chen, Toueg and Aguilera (S7).
func TestPublishedHeartbeats(t *testing.T) {
	q := Quality{Detection: 30 * time.Second, Recurrence: 30 * 24 * time.Hour, Duration: 60 * time.Second}
	interval, missing, err := q.Heartbeats(.01, exponential(20*ms))
	if err != nil || math.Abs(interval.Seconds()-9.9764) > 2e-4 || math.Abs(missing.Seconds()-20.0236) > 2e-4 {
		t.Errorf("η = %v, δ = %v, %v; want 9.9764 s and 20.0236 s", interval, missing, err)
	}
	if _, _, err := q.Heartbeats(1, exponential(20*ms)); err == nil {
		t.Error("a link that loses everything has a heartbeat interval")
	}
}
