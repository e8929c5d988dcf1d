package cpu

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Threads that are alone on their CPUs fare as they do in the general way.
func TestCoastingIsPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, happenings, seed := drawConfig(t), drawHappenings(t), rapid.Uint64().Draw(t, "seed")
		if rapid.Bool().Draw(t, "no load") {
			cfg.Traffic, cfg.Background = nil, nil
		}
		scale := time.Duration(rapid.SampledFrom([]int64{1, 1, 100, 2000}).Draw(t, "scale"))
		run := func(plainly bool) ([]Finished, [2]time.Duration) {
			c := New(cfg)
			c.plainly = plainly
			c.Reset(0, rand.New(rand.NewPCG(1, seed)))
			var done []Finished
			for _, h := range happenings {
				h.job.Demand *= scale
				h.apply(c)
				done = append(done, c.Done()...)
			}
			c.Advance(60 * time.Second)
			return append(done, c.Done()...), [2]time.Duration{consumed(c), c.ThrottledFor()}
		}
		plain, used := run(true)
		coasted, usedCoasting := run(false)
		if len(plain) != len(coasted) || used != usedCoasting {
			t.Fatalf("%d jobs and %v of CPU and throttling, coasting %d and %v", len(plain), used, len(coasted), usedCoasting)
		}
		for i := range plain {
			if plain[i] != coasted[i] {
				t.Fatalf("%v, coasting %v", plain[i], coasted[i])
			}
		}
	})
}

// A thread alone with an ample quota is looked at where something happens: at
// refills and interruptions, and not at each of its slices of 5 ms.
func TestAmpleSlicesAreTakenAtOnce(t *testing.T) {
	const demand = 100 * time.Second
	run := func(plainly bool) (end, pool time.Duration, handled int64) {
		c := New(Config{Quota: 400 * ms, PodQuota: 800 * ms, CPUs: 4, InterruptionsPerSecond: 1})
		c.plainly = plainly
		c.Reset(0, rand.New(rand.NewPCG(1, 4)))
		end = answer(c, 0, Job{Demand: demand})
		return end, c.levels[0].pool, c.Handled()
	}
	want, pool, all := run(true)
	got, left, few := run(false)
	if got != want || left != pool {
		t.Errorf("end at %v with %v left, in the plain way at %v with %v", got, left, want, pool)
	}
	// Every two ticks in the plain way, and about twice a period otherwise.
	if all < int64(demand/(8*ms)) || few > int64(demand/(100*ms))*3 {
		t.Errorf("%d events, in the plain way %d", few, all)
	}
}

// Long demands go through the cycles that repeat at once, and end, use CPU time
// and are throttled as they do event by event, whatever comes in between.
func TestRepeatingIsPlain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	known := 0
	for seed := range uint64(100) {
		cfg := Config{
			CPUs: 1 + r.IntN(4), Tick: []time.Duration{ms, 4 * ms, 10 * ms, 3 * ms}[r.IntN(4)],
			Quota: []time.Duration{20 * ms, 40 * ms, 100 * ms, 200 * ms, 400 * ms}[r.IntN(5)], Burst: time.Duration(r.IntN(2)) * 30 * ms,
		}
		if r.IntN(2) == 0 {
			cfg.PodQuota = cfg.Quota
		}
		if r.IntN(3) == 0 {
			cfg.Background = poisson(cfg.Quota, 5*ms, .01, 1)
		}
		at, jobs := make([]time.Duration, 20), make([]Job, 20)
		for i := range jobs {
			jobs[i] = Job{ID: i, Demand: time.Duration(r.Int64N(int64(8 * time.Second))), Threads: 1 + r.IntN(2)}
			if at[i] = time.Duration(r.Int64N(int64(20 * time.Second))); i > 0 {
				at[i] += at[i-1]
			}
		}
		run := func(plainly bool) (ends []Finished, used, throttled time.Duration) {
			c := newContainer(cfg, seed)
			c.plainly = plainly
			for i := range jobs {
				c.Submit(at[i], jobs[i])
				ends = append(ends, c.Done()...)
				if c.repetition.known {
					known++
				}
			}
			c.Advance(time.Hour)
			return append(ends, c.Done()...), consumed(c), c.ThrottledFor()
		}
		plain, used, throttled := run(true)
		ends, usedRepeating, throttledRepeating := run(false)
		if !slices.Equal(plain, ends) || used != usedRepeating || throttled != throttledRepeating {
			t.Fatalf("%+v: %v, %v of CPU, %v throttled; repeating %v, %v, %v", cfg, plain, used, throttled, ends, usedRepeating, throttledRepeating)
		}
	}
	if known < 20 {
		t.Errorf("%d cycles: the cases show little", known)
	}
}

// The timer set to Next finds the ends of jobs that take several refills, too,
// with others beside them that return what they do not use.
func TestNextOfLongJobs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for seed := range uint64(150) {
		cfg := Config{CPUs: 2 + r.IntN(3), Tick: ms, Quota: time.Duration(5+r.IntN(30)) * ms, Threads: r.IntN(3)}
		if r.IntN(2) == 0 {
			cfg.PodQuota = cfg.Quota
		}
		if r.IntN(2) == 0 {
			cfg.Background = poisson(cfg.Quota, 5*ms, .3, 1)
		}
		c := newContainer(cfg, seed)
		at := time.Duration(0)
		check := func(now time.Duration) {
			for _, f := range c.Done() {
				if f.At != now {
					t.Fatalf("%+v: end at %v found at %v", cfg, f.At, now)
				}
			}
		}
		for i := range 200 {
			at += time.Duration(r.Int64N(int64(100 * ms)))
			for next := c.Next(); next <= at; next = c.Next() {
				c.Advance(next)
				check(next)
			}
			c.Submit(at, Job{
				ID: i, Demand: 1 + time.Duration(r.Int64N(int64(20*ms))), Wait: time.Duration(r.IntN(2)) * 3 * ms, Threads: 1 + r.IntN(2),
			})
			check(at)
		}
	}
}
