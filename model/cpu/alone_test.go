package cpu

import (
	"math/rand/v2"
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
		scale := time.Duration(rapid.SampledFrom([]int64{1, 1, 100}).Draw(t, "scale"))
		run := func(plainly bool) ([]Finished, time.Duration) {
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
			return append(done, c.Done()...), consumed(c)
		}
		plain, used := run(true)
		coasted, usedCoasting := run(false)
		if len(plain) != len(coasted) || used != usedCoasting {
			t.Fatalf("%d jobs and %v of CPU, coasting %d and %v", len(plain), used, len(coasted), usedCoasting)
		}
		for i := range plain {
			if plain[i] != coasted[i] {
				t.Fatalf("%v, coasting %v", plain[i], coasted[i])
			}
		}
	})
}

// The timer set to Next finds the ends of long jobs under small quotas, too.
func TestNextOfLongJobs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := drawConfig(t)
		if rapid.Bool().Draw(t, "no load") {
			cfg.Traffic, cfg.Background = nil, nil
		}
		c := New(cfg)
		c.Reset(0, rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed"))))
		at := time.Duration(0)
		for i := range 8 {
			at += time.Duration(rapid.Int64Range(0, int64(400*ms)).Draw(t, "gap"))
			for next := c.Next(); next <= at; next = c.Next() {
				c.Advance(next)
				for _, f := range c.Done() {
					if f.At != next {
						t.Fatalf("end at %v found at %v", f.At, next)
					}
				}
			}
			c.Submit(at, Job{
				ID: i, Demand: time.Duration(rapid.Int64Range(1, int64(300*ms)).Draw(t, "demand")),
				Threads: rapid.IntRange(1, 3).Draw(t, "job threads"),
			})
			for _, f := range c.Done() {
				if f.At != at {
					t.Fatalf("end at %v found at %v", f.At, at)
				}
			}
		}
	})
}
