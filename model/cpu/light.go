package cpu

import (
	"math"
	"time"
)

// A rested container answers light jobs in time whatever else is so: where it is
// in the tick and in the period, how busy its neighbours are, and what a CPU has
// kept of its last slice. So nothing of it has to be known to say that a light
// job is answered in time, and that the quota stops nothing.
//
// The quota: in one period the CPUs take from the pool no more than the jobs use,
// and what each but the one that asks may hold beyond that, one slice of 5 ms (C1,
// C3). The pool has at least the quota at the beginning of every period (C2). So
// no CPU is throttled as long as
//
//	all jobs of one period + 5 ms × (CPUs in use − 1) < quota
//
// The neighbours: W/w of the CPU time (C17), what one tick of running is owed and
// up to two ticks at the start of each job (C18, C19), and a tick at the end of
// each turn of at least one slice (C16). Interruptions: a tick each (C32a); there
// are more of them than the bound allows less than once in 1e20 jobs.

// Light returns the longest CPU time that each of so many jobs may take, if they
// are all that a rested container has to do within one period of the quota and the
// neighbours' weight is at most the given one, so that the quota stops none of
// them and each has had its CPU time within the given duration. 0: there is none.
func (cfg Config) Light(jobs int, neighbourWeight int64, within time.Duration) time.Duration {
	cfg = cfg.withDefaults()
	most := within / time.Duration(jobs)
	held := bandwidthSlice * time.Duration(min(jobs, cfg.CPUs)-1)
	for _, quota := range []time.Duration{cfg.Quota, cfg.PodQuota} {
		if quota > 0 {
			most = min(most, max(0, quota-held-1)/time.Duration(jobs))
		}
	}
	low, high := time.Duration(0), most // the bound grows with the time
	for low < high {
		middle := (low + high + 1) / 2
		if cfg.Longest(jobs, neighbourWeight, middle) <= within {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}

// Longest bounds how long a light job takes to get its CPU time beside the others
// of a rested container, of which none takes more than each.
func (cfg Config) Longest(jobs int, neighbourWeight int64, each time.Duration) time.Duration {
	cfg = cfg.withDefaults()
	run := time.Duration(jobs) * each
	ticks := 3 * float64(jobs)
	if mean := cfg.InterruptionsPerSecond * run.Seconds(); mean > 0 {
		ticks += mean + 10*math.Sqrt(mean) + 30
	}
	ratio := 0.0
	if neighbourWeight > 0 {
		ratio = float64(neighbourWeight) / float64(cfg.CPUs) * float64(min(jobs, cfg.CPUs)) / float64(cfg.Weight)
		ticks += ratio*float64(jobs) + float64(run)/float64(cfg.Slice)
	}
	return time.Duration(math.Ceil(float64(run)*(1+ratio) + ticks*float64(cfg.Tick)))
}

// RestedBy reports whether the container will have nothing to do and a full pool
// at the given instant, if nothing is asked of it before: it has no job, and no
// CPU owes anything.
func (c *Container) RestedBy(at time.Duration) bool {
	if len(c.working) > 0 || c.queued > 0 || len(c.waits) > 0 || c.frozen() || len(c.finished) > 0 {
		return false
	}
	for i := range c.levels {
		b := &c.levels[i]
		if len(b.throttled) > 0 || b.pool < b.quota && !(b.active && b.expiry <= at) {
			return false
		}
	}
	for k := range c.processors {
		if c.processors[k].length > 0 {
			return false
		}
	}
	return true
}
