package stats

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// TestMeasuredCoverage counts, over 2000 seeds, how often 95 % intervals contain
// a truth that is known in closed form (S10): at least 93 % always, and at most
// 97.5 % for the approximate ones.
func TestMeasuredCoverage(t *testing.T) {
	const seeds = 2000
	lognormal := dist.LogNormal{Mu: math.Log(10e9), Sigma: .5}
	for _, c := range []struct {
		name        string
		truth       float64
		approximate bool
		estimate    func(r *rand.Rand) Estimate
	}{
		{"share of time of an on-off process", 1.0 / 11, true, shareOfTime},
		{"share, stopped at a relative precision of 10 %", 1.0 / 11, false, shareOfTimeSequential},
		{"rate of kills in clusters", 3, false, clusteredRate},
		{"probability of alike trials", .2, false, alikeTrials},
		{"p90 of independent durations", lognormal.Quantile(.9) / 1e9, false, func(r *rand.Rand) Estimate {
			h := histogramOf(r, lognormal, 300)
			return h.Quantile(.9, Bounds{Max: math.Inf(1)}, .95)
		}},
		{"mean of independent durations", lognormal.Mean() / 1e9, true, func(r *rand.Rand) Estimate {
			h := histogramOf(r, lognormal, 300)
			return h.Mean(Bounds{Max: math.Inf(1)}, .95)
		}},
		{"median of durations alike within a life", 10, false, alikeDurations},
		{"paired difference of shares", -.05, true, pairedShares},
		{"paired difference of rare counts", 12, true, func(r *rand.Rand) Estimate {
			difference, _ := pairedCounts(r)
			return difference
		}},
		{"ratio of rare counts", 1.6, true, func(r *rand.Rand) Estimate {
			_, ratio := pairedCounts(r)
			return ratio
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			covered := 0
			for seed := range uint64(seeds) {
				e := c.estimate(rand.New(rand.NewPCG(seed, 11)))
				if e.Low <= c.truth && c.truth <= e.High {
					covered++
				}
			}
			share := float64(covered) / seeds
			t.Logf("covers %.4f", share)
			if share < .93 || c.approximate && share > .975 {
				t.Errorf("covers %.4f of %d seeds", share, seeds)
			}
		})
	}
}

// onOff returns how long a process that is off for a mean of 10 s and on for a
// mean of 1 s, both exponential, is on within a horizon, from its stationary state.
func onOff(r *rand.Rand, horizon float64) (on float64) {
	now, isOn := 0.0, r.Float64() < 1.0/11
	for now < horizon {
		lasts := 10 * r.ExpFloat64()
		if isOn {
			lasts = r.ExpFloat64()
			on += math.Min(lasts, horizon-now)
		}
		now += lasts
		isOn = !isOn
	}
	return on
}

func shareOfTime(r *rand.Rand) Estimate {
	var sums RatioOfSums
	for range 100 {
		horizon := 50 * (1 + r.Float64())
		sums.Add(int64(1e9*onOff(r, horizon)), int64(1e9*horizon))
	}
	return sums.Estimate(1, .95)
}

// shareOfTimeSequential looks at doubling numbers of replications (S11).
func shareOfTimeSequential(r *rand.Rand) Estimate {
	var sums RatioOfSums
	for n := int64(64); ; n *= 2 {
		for sums.N < n {
			sums.Add(int64(1e9*onOff(r, 100)), 100e9)
		}
		if e := sums.Estimate(1, .95); e.RelativeHalfWidth() <= .1 || n >= 1<<12 {
			return e
		}
	}
}

// clusteredRate has .5 clusters an hour, of six kills each.
func clusteredRate(r *rand.Rand) Estimate {
	var count Count
	for range 100 {
		kills := int64(0)
		for at := 2 * r.ExpFloat64(); at < 1; at += 2 * r.ExpFloat64() {
			kills += 6
		}
		count.Add(kills, time.Hour)
	}
	return count.Estimate(time.Hour, .95)
}

// alikeTrials draws, for each replication, a probability uniform in 0–.4, and
// 50 trials of it.
func alikeTrials(r *rand.Rand) Estimate {
	var proportion Proportion
	for range 100 {
		probability, successes := .4*r.Float64(), int64(0)
		for range 50 {
			if r.Float64() < probability {
				successes++
			}
		}
		proportion.Add(successes, 50)
	}
	return proportion.Estimate(.95)
}

func histogramOf(r *rand.Rand, d dist.Dist, n int) *Histogram {
	h := &Histogram{}
	for range n {
		h.Add([]time.Duration{time.Duration(d.Sample(r))})
	}
	return h
}

// alikeDurations has twenty durations a life, 10 s off by what is common to the
// life and by as much again of their own.
func alikeDurations(r *rand.Rand) Estimate {
	var h Histogram
	for range 60 {
		common := r.NormFloat64()
		durations := make([]time.Duration, 20)
		for i := range durations {
			durations[i] = time.Duration(1e9 * math.Max(0, 10+common+r.NormFloat64()))
		}
		h.Add(durations)
	}
	return h.Quantile(.5, Bounds{Max: math.Inf(1)}, .95)
}

// pairedShares: the second variant's share is that of the first, minus .05 and
// noise of its own. 70 replications in 32 blocks are not of one size.
func pairedShares(r *rand.Rand) Estimate {
	var sums [32]float64
	j := Jackknife{Sizes: make([]int64, len(sums))}
	const replications = 70
	for i := range replications {
		common := r.Float64()
		sums[i%len(sums)] += .05 + .5*common + .02*(r.Float64()-.5) - (.1 + .5*common)
		j.Sizes[i%len(sums)]++
	}
	total := 0.0
	for _, sum := range sums {
		total += sum
	}
	j.Whole = total / replications
	for i, sum := range sums {
		j.Without = append(j.Without, (total-sum)/float64(replications-j.Sizes[i]))
	}
	return j.Estimate(.95)
}

// pairedCounts: of a Poisson number of stalls with a mean of 32, in 32 blocks, all
// kill with the first settings and 5 in 8 with the second.
func pairedCounts(r *rand.Rand) (difference, ratio Estimate) {
	const blocks, mean = 32, 32
	first, second := Jackknife{Sizes: make([]int64, blocks)}, Jackknife{Sizes: make([]int64, blocks)}
	var all, patient [blocks]float64
	for i := range blocks {
		first.Sizes[i], second.Sizes[i] = 1, 1
		for at := r.ExpFloat64(); at < mean/blocks; at += r.ExpFloat64() {
			all[i]++
			if r.Float64() < .625 {
				patient[i]++
			}
		}
		first.Whole += all[i]
		second.Whole += patient[i]
	}
	for i := range blocks {
		first.Without = append(first.Without, (first.Whole-all[i])*blocks/(blocks-1))
		second.Without = append(second.Without, (second.Whole-patient[i])*blocks/(blocks-1))
	}
	between := first.less(1, &second)
	ratio, _ = first.RatioTo(&second, .95)
	return between.Estimate(.95), ratio
}
