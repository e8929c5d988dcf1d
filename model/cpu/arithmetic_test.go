package cpu

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// The examples of K59.
func TestK59Quota(t *testing.T) {
	for _, test := range []struct {
		milli        int64
		period, want time.Duration
	}{
		{0, 100 * ms, 0},
		{1, 100 * ms, ms},
		{10, 100 * ms, ms},
		{11, 100 * ms, 1100 * time.Microsecond},
		{20, 100 * ms, 2 * ms},
		{250, 100 * ms, 25 * ms},
		{1500, 100 * ms, 150 * ms},
		{100, 10 * ms, ms},
		{100, ms, ms},
		{333, 7 * ms, 2331 * time.Microsecond},
	} {
		if got := Quota(test.milli, test.period); got != test.want {
			t.Errorf("Quota(%d, %v) = %v, want %v", test.milli, test.period, got, test.want)
		}
	}
}

// The examples of K60 to K62.
func TestK60To62SharesAndWeights(t *testing.T) {
	for _, test := range []struct{ milli, want int64 }{
		{0, 2}, {1, 2}, {100, 102}, {250, 256}, {1000, 1024}, {1000000, 262144},
	} {
		if got := Shares(test.milli); got != test.want {
			t.Errorf("Shares(%d) = %d, want %d", test.milli, got, test.want)
		}
	}
	for _, test := range []struct{ shares, linear, newer int64 }{
		{2, 1, 1}, {102, 4, 17}, {256, 10, 35}, {1024, 39, 100}, {2048, 79, 174}, {262144, 10000, 10000},
	} {
		if got := LinearWeight(test.shares); got != test.linear {
			t.Errorf("LinearWeight(%d) = %d, want %d", test.shares, got, test.linear)
		}
		if got := Weight(test.shares); got != test.newer {
			t.Errorf("Weight(%d) = %d, want %d", test.shares, got, test.newer)
		}
	}
}
