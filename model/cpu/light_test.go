package cpu

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/probesim/probesim/model"
)

// TestLightJobs: whatever the node, the phases and the neighbours, light jobs of a
// rested container get their CPU time in time, the quota stops none of them, and
// the container is rested again before the next ones.
func TestLightJobs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		milliseconds := func(low, high int, what string) time.Duration {
			return time.Duration(rapid.IntRange(low, high).Draw(t, what)) * ms
		}
		cfg := Config{
			CPUs: rapid.IntRange(1, 5).Draw(t, "CPUs"), Threads: rapid.SampledFrom([]int{0, 1, 2, 4}).Draw(t, "threads"),
			Tick: rapid.SampledFrom([]time.Duration{ms, 4 * ms, 10 * ms}).Draw(t, "tick"), Period: milliseconds(10, 200, "period"),
			Weight: rapid.Int64Range(1, 100).Draw(t, "weight"), InterruptionsPerSecond: rapid.SampledFrom([]float64{0, 30, 300}).Draw(t, "interruptions"),
		}
		if rapid.Bool().Draw(t, "limited") {
			cfg.Quota = milliseconds(1, 300, "quota")
			cfg.Burst = milliseconds(0, 50, "burst")
		}
		if rapid.Bool().Draw(t, "pod limited") {
			cfg.PodQuota = milliseconds(1, 300, "pod quota")
		}
		if rapid.Bool().Draw(t, "exact") {
			cfg.Accounting = model.AccountingExact
		}
		weight := rapid.Int64Range(0, 500).Draw(t, "neighbours")
		jobs, within := rapid.IntRange(1, 2).Draw(t, "jobs"), milliseconds(20, 800, "within")
		light := cfg.Light(jobs, weight, within)
		if light == 0 {
			return
		}
		light = 1 + time.Duration(r.Int64N(int64(light)))
		within = cfg.Longest(jobs, weight, light)
		c := New(cfg)
		c.Reset(0, r)
		gap := 2*within + cfg.Period + time.Duration(r.Int64N(int64(time.Second)))
		for i := range 60 {
			at := time.Duration(i+1) * gap
			if !c.RestedBy(at) {
				t.Fatalf("not rested after %d rounds", i)
			}
			if rapid.Bool().Draw(t, "turns") {
				c.SetNeighbourWeight(at, r.Int64N(weight+1))
			}
			var begun [2]time.Duration
			for j := range jobs {
				begun[j] = at
				if j > 0 && rapid.Bool().Draw(t, "apart") {
					begun[j] += time.Duration(r.Int64N(int64(within)))
				}
				for c.Next() <= begun[j] {
					c.Advance(c.Next())
					late(t, c, begun, within)
				}
				demand := light
				if r.IntN(3) == 0 {
					demand = 1 + time.Duration(r.Int64N(int64(light)))
				}
				c.Submit(begun[j], Job{ID: j, Demand: demand})
			}
			for c.Next() < Never {
				c.Advance(c.Next())
				late(t, c, begun, within)
			}
		}
		if stopped := c.ThrottledFor(); stopped > 0 {
			t.Fatalf("throttled for %v by jobs of at most %v", stopped, light)
		}
	})
}

// late fails if a job has ended later than it may.
func late(t *rapid.T, c *Container, begun [2]time.Duration, within time.Duration) {
	for _, f := range c.Done() {
		if took := f.At - begun[f.ID]; took > within {
			t.Fatalf("a job took %v, longer than %v", took, within)
		}
	}
}

// TestWhatIsLight holds the bound to a limit of 250m and two probes: 25 ms a
// period, of which one CPU may hold 5 ms that the other needs.
func TestWhatIsLight(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		jobs int
		want time.Duration
	}{
		{Config{Quota: 25 * ms, CPUs: 4}, 2, 10*ms - 1},
		{Config{Quota: 25 * ms, CPUs: 4}, 1, 25*ms - 1},
		{Config{Quota: 25 * ms, PodQuota: 20 * ms, CPUs: 4}, 1, 20*ms - 1},
		{Config{Quota: 25 * ms, CPUs: 1}, 2, 12500*time.Microsecond - 1},
		{Config{Quota: 5 * ms, CPUs: 4}, 2, 0},
	} {
		if got := c.cfg.Light(c.jobs, 0, 500*ms); got/1000 != c.want/1000 {
			t.Errorf("%d jobs with %+v: %v, want %v", c.jobs, c.cfg, got, c.want)
		}
	}
}

// TestRested: what has used its quota, or owes, is not rested until a refill.
func TestRested(t *testing.T) {
	c := newContainer(Config{Quota: 10 * ms, CPUs: 2}, 1)
	if !c.RestedBy(0) {
		t.Error("a new container is not rested")
	}
	c.Submit(time.Second, Job{Demand: 6 * ms})
	if c.RestedBy(2 * time.Second) {
		t.Error("rested with a job")
	}
	c.Advance(time.Second + 50*ms)
	if c.RestedBy(time.Second+50*ms) && c.levels[0].pool < 10*ms {
		t.Error("rested with an empty pool")
	}
	if c.Done(); !c.RestedBy(2 * time.Second) {
		t.Error("not rested long after a job")
	}
}
