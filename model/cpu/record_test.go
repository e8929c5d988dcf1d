package cpu_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
)

// 30 ms of CPU at 130m from a fresh period run 13, 13 and 4 ms, and are
// throttled for the 87 ms that are left of the first two periods (S8).
func TestThrottledStretchesAreRecorded(t *testing.T) {
	c := cpu.New(cpu.Config{Quota: 13 * time.Millisecond, Accounting: model.AccountingExact})
	c.Record(true)
	c.Reset(0, rand.New(rand.NewPCG(1, 2)))
	c.Submit(0, cpu.Job{ID: 1, Demand: time.Second})
	c.Advance(10 * time.Second)
	stretches := c.Throttled()
	if len(stretches) < 50 {
		t.Fatalf("%d stretches, want one a period", len(stretches))
	}
	for i, s := range stretches[1:] {
		if got := s.To - s.From; got != 87*time.Millisecond {
			t.Errorf("stretch %d lasts %v, want 87ms", i+1, got)
		}
	}
	if len(c.Throttled()) != 0 {
		t.Error("a stretch was returned twice")
	}
}
