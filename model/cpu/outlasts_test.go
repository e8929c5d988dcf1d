package cpu

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/probesim/probesim/model"
)

// TestOutlasts: whatever the node, the phases and when neighbours are busy, a job
// that has a container to itself takes no longer than its bound.
func TestOutlasts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		milliseconds := func(low, high int, what string) time.Duration {
			return time.Duration(rapid.IntRange(low, high).Draw(t, what)) * ms
		}
		cfg := Config{
			CPUs: rapid.IntRange(1, 5).Draw(t, "CPUs"), Threads: rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "threads"),
			Tick: rapid.SampledFrom([]time.Duration{ms, 4 * ms, 10 * ms}).Draw(t, "tick"), Period: milliseconds(10, 200, "period"),
			Weight: rapid.Int64Range(1, 100).Draw(t, "weight"), InterruptionsPerSecond: rapid.SampledFrom([]float64{0, 30, 300}).Draw(t, "interruptions"),
		}
		if rapid.IntRange(0, 4).Draw(t, "limited") > 0 {
			cfg.Quota = milliseconds(1, 100, "quota")
			cfg.Burst = milliseconds(0, 50, "burst")
		}
		if rapid.Bool().Draw(t, "pod limited") {
			cfg.PodQuota = milliseconds(1, 100, "pod quota")
			if rapid.Bool().Draw(t, "alike") {
				cfg.PodQuota = cfg.Quota
			}
		}
		if rapid.Bool().Draw(t, "exact") {
			cfg.Accounting = model.AccountingExact
		}
		weight := rapid.Int64Range(0, 200).Draw(t, "neighbours")
		longest := rapid.SampledFrom([]time.Duration{10 * ms, 100 * ms, time.Second}).Draw(t, "longest turn")
		turns, freezes := rapid.Bool().Draw(t, "turns"), rapid.Bool().Draw(t, "freezes")
		job := Job{Demand: milliseconds(0, 3000, "demand") + 1, Threads: rapid.IntRange(1, 4).Draw(t, "job's threads")}
		alone, most := cfg.Outlasts(job, 0), cfg.Outlasts(job, weight)
		share, odd := cfg.LostTo(job, weight)
		if most == Never {
			return
		}
		c := New(cfg)
		c.Reset(0, r)
		c.SetNeighbourWeight(0, weight)
		at, busy := time.Duration(0), true
		for range 4 { // each begins in the state in which the one before has left it
			c.Submit(at, job)
			begun, next, since, lost := at, at, at, time.Duration(0)
			for c.Done(); c.Unfinished(0); {
				if freezes && r.IntN(50) == 0 {
					c.Freeze(at, false)
					still := time.Duration(r.Int64N(int64(200 * ms)))
					at, begun, since = at+still, begun+still, since+still // a delay costs no more than itself
					c.Thaw(at)
				}
				if turns && next <= at {
					if busy {
						lost += odd + time.Duration(share*float64(at-since))
					}
					busy, since = !busy, at
					c.SetNeighbourWeight(at, map[bool]int64{true: weight}[busy])
					next = at + 1 + time.Duration(r.Int64N(int64(longest)))
				}
				at = min(c.Next(), at+10*ms)
				c.Advance(at)
				losing := lost
				if busy {
					losing += odd + time.Duration(share*float64(at-since))
				}
				if at-begun > min(most, alone+losing) {
					t.Fatalf("a job takes longer than %v, or %v and %v for busy neighbours", most, alone, losing)
				}
			}
			if r.IntN(2) == 0 {
				at += time.Duration(r.Int64N(int64(300 * ms)))
			}
		}
	})
}
