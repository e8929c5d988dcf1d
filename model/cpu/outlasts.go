package cpu

import (
	"math"
	"time"
)

// A job that has a container to itself and takes many periods is held up by three
// things, each of which can be bounded whatever the phases are.
//
// The quota: as long as the threads use up what each period allows, the job gets one
// quota a period (C2). What is left of a pool at a refill is lost, but then no CPU was
// stopped in the period before, and the threads had all that neighbours left them. So
// it gets at least
//
//	min(quota, what one period leaves beside busy neighbours)
//
// in each period but the first one of each level (C14), and beside what CPUs may still
// hold at its end or have given back (C1, C3, C4), or owe from before (C6).
//
// The neighbours: of each turn of whole ticks that is at least a slice (C16), W/w
// times as long is theirs, rounded up to a tick (C17, C19); of a period with an odd turn
// only the rest counts.
//
// Whatever else stands between a thread and its CPU for some time delays the job by no
// more than that: interruptions, and refills that find the CPU taken (C11, C32a).

// Outlasts returns a bound on how long a job takes in a container of one process that
// does nothing else, from any state in which a job like it may leave it, beside
// neighbours whose weight is at most the given one at any time. The number of
// interruptions goes beyond what is reckoned with less than once in 1e15 jobs. Its wait
// is not part of it. Never: no bound is known.
func (cfg Config) Outlasts(j Job, neighbourWeight int64) time.Duration {
	cfg = cfg.withDefaults()
	threads := max(j.Threads, 1)
	active := min(threads, cfg.CPUs)
	if cfg.Threads > 0 {
		active = min(active, cfg.Threads)
	}
	turn := cfg.turn(active, neighbourWeight)
	demand, period, tick := float64(j.Demand), float64(cfg.Period), float64(cfg.Tick)

	// Without a quota: of threads that share CPUs none waits while one is free.
	part := demand / float64(threads)
	if threads > active {
		part += demand / float64(active)
	}
	lasts := part*turn.lasts/turn.runs + 2*turn.lasts
	resumes := 0.0
	for _, quota := range []time.Duration{cfg.Quota, cfg.PodQuota} {
		if quota == 0 {
			continue
		}
		alone := cfg.periods(quota, demand, threads, active, 0)
		if math.IsInf(alone, 1) {
			return Never // periods of few ticks: what is owed may be more than one allows
		}
		least := alone*period + demand*(turn.lasts/turn.runs-1) + 2*float64(active)*turn.lasts
		least = math.Min(least, cfg.periods(quota, demand, threads, active, neighbourWeight)*period)
		resumes += float64(active) * alone
		lasts = math.Max(lasts, least)
	}
	if cfg.Quota > 0 && cfg.PodQuota > 0 {
		lasts += period + 2*tick
	}
	if lasts += tick * cfg.interruptions(demand, resumes); lasts < float64(Never/2) {
		return time.Duration(math.Ceil(lasts))
	}
	return Never
}

// periods bounds how many periods of a quota threads take that share some CPU time, on
// so many CPUs. The threads have equal parts, but one may get less than another, so at
// worst they end one by one: the last alone does a whole part.
func (cfg *Config) periods(quota time.Duration, demand float64, threads, active int, neighbourWeight int64) float64 {
	held := float64(active) * float64(2*bandwidthSlice+cfg.Tick)
	sum, least := 0.0, math.Inf(1)
	for n := active; n >= 1; n-- {
		least = math.Min(least, cfg.eachPeriod(quota, n, neighbourWeight))
		sum += math.Ceil((demand/float64(active)+held)/least) + 2
	}
	if threads > active { // which have no CPU each
		sum = math.Ceil((demand+held)/least) + 2
	}
	if least <= 0 {
		return math.Inf(1)
	}
	return sum
}

// LostTo bounds how much longer a job takes than without neighbours because those of
// a weight are busy for some time in a row: a share of that, by what they leave of a
// CPU or of a quota, and the turns or periods in which it begins and ends.
func (cfg Config) LostTo(j Job, neighbourWeight int64) (share float64, odd time.Duration) {
	cfg = cfg.withDefaults()
	active := min(max(j.Threads, 1), cfg.CPUs)
	t := cfg.turn(active, neighbourWeight)
	share, odd = 1-t.runs/t.lasts, time.Duration(2*t.lasts)
	quotas := 0.0
	for _, quota := range []time.Duration{cfg.Quota, cfg.PodQuota} {
		if quota == 0 {
			continue
		}
		for n := 1; n <= active; n++ {
			each, beside := cfg.eachPeriod(quota, n, 0), cfg.eachPeriod(quota, n, neighbourWeight)
			if each <= 0 || beside <= 0 {
				return share, odd
			}
			quotas = math.Max(quotas, 1-beside/each)
		}
	}
	if (cfg.Quota > 0 || cfg.PodQuota > 0) && quotas < share {
		return quotas, odd + 2*cfg.Period
	}
	return share, odd
}

// turn is a turn of a container beside its neighbours: how long it runs on each CPU,
// and how long it is to the next one.
type turn struct{ runs, lasts float64 }

// turn returns the turn of threads that run on so many CPUs.
func (cfg *Config) turn(active int, neighbourWeight int64) turn {
	tick := float64(cfg.Tick)
	t := turn{runs: math.Ceil(float64(cfg.Slice)/tick) * tick}
	ratio := float64(neighbourWeight) / float64(cfg.CPUs) * float64(active) / float64(cfg.Weight)
	t.lasts = t.runs + math.Ceil(t.runs*ratio/tick)*tick
	return t
}

// eachPeriod bounds the CPU time that threads on so many CPUs get in each period under
// a quota: the quota, or what neighbours leave if that is less. Where such periods take
// turns, what is owed or held at the end of one is lost to the next (C1, C6).
func (cfg *Config) eachPeriod(quota time.Duration, active int, neighbourWeight int64) float64 {
	left, tick := float64(cfg.Period), float64(cfg.Tick)
	if t := cfg.turn(active, neighbourWeight); t.lasts > t.runs {
		left = (left - t.lasts - tick) * t.runs / t.lasts
	}
	left *= float64(active)
	between := float64(active)*tick + float64(active-1)*float64(bandwidthSlice)
	return min(float64(quota), left, (left+float64(quota)-between)/2)
}

// interruptions bounds how many ticks are lost to other tasks of the node while some
// CPU time is used, with so many resumes after refills.
func (cfg *Config) interruptions(demand, resumes float64) float64 {
	nu := cfg.InterruptionsPerSecond
	if nu <= 0 {
		return 0
	}
	mean := nu*demand/float64(time.Second) + math.Min(1, nu*cfg.Tick.Seconds()/2)*resumes
	return mean + 8*math.Sqrt(mean) + 20
}
