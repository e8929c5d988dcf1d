package stats

import (
	"math"
	"math/big"
	"math/bits"
	"time"
)

// precisionBits is the number of significant bits that the histogram keeps of
// a duration: bins are at most 1/512 of their values wide, and durations below
// 1024 ns are exact.
const precisionBits = 10

// Histogram accumulates durations in fixed log-linear bins (as HdrHistogram's,
// whose bins do not depend on the data) and estimates their distribution. All
// its state is integers. The zero value is empty.
type Histogram struct {
	First    int     // bin of Counts[0]
	Counts   []int64 // by bin; empty bins at neither end
	Least    time.Duration
	Greatest time.Duration
	Sums     RatioOfSums // of each replication: the sum of its durations over their number
	Squares  Wide        // Σ d²
}

// Add adds the durations of one replication, none of them below 0. Together
// they are shorter than 2⁶³ ns (292 years).
func (h *Histogram) Add(durations []time.Duration) {
	var s Samples
	for _, d := range durations {
		s.Add(d)
	}
	h.AddSamples(&s)
}

func (h *Histogram) count(d time.Duration) {
	if len(h.Counts) == 0 {
		h.Least, h.Greatest = d, d
	}
	h.Least, h.Greatest = min(h.Least, d), max(h.Greatest, d)
	i := bin(d)
	h.cover(i, i+1)
	h.Counts[i-h.First]++
}

// cover makes Counts reach from bin from to bin to, exclusively.
func (h *Histogram) cover(from, to int) {
	if len(h.Counts) == 0 {
		h.First = from
	}
	if from < h.First {
		h.Counts = append(make([]int64, h.First-from), h.Counts...)
		h.First = from
	}
	if missing := to - h.First - len(h.Counts); missing > 0 {
		h.Counts = append(h.Counts, make([]int64, missing)...)
	}
}

// Merge adds everything other has accumulated.
func (h *Histogram) Merge(other *Histogram) {
	if len(other.Counts) > 0 {
		if len(h.Counts) == 0 {
			h.Least, h.Greatest = other.Least, other.Greatest
		}
		h.Least, h.Greatest = min(h.Least, other.Least), max(h.Greatest, other.Greatest)
		h.cover(other.First, other.First+len(other.Counts))
		for i, n := range other.Counts {
			h.Counts[other.First-h.First+i] += n
		}
	}
	h.Squares.Add(other.Squares)
	h.Sums.Merge(&other.Sums)
}

// N returns the number of durations.
func (h *Histogram) N() int64 { return int64(h.Sums.X[0]) }

// AtMost returns how many durations are certainly at most d: those in bins that end there
// or before.
func (h *Histogram) AtMost(d time.Duration) int64 {
	var n int64
	for i, in := range h.Counts {
		if edge(h.First+i+1)-1 <= d {
			n += in
		}
	}
	return n
}

// bin returns the bin of a duration: its leading precisionBits bits, after as
// many bins as all shorter durations have.
func bin(d time.Duration) int {
	v := uint64(d)
	exponent := max(0, bits.Len64(v)-precisionBits)
	return exponent<<(precisionBits-1) + int(v>>exponent)
}

// edge returns the least duration of a bin.
func edge(i int) time.Duration {
	const half = 1 << (precisionBits - 1)
	if i < 2*half {
		return time.Duration(i)
	}
	exponent := i/half - 1
	return time.Duration(i-exponent*half) << exponent
}

// Distribution returns the mean and three quantiles in seconds. Bounds, in
// seconds, are what the model allows; they are reported and cut the intervals.
func (h *Histogram) Distribution(bounds Bounds, confidence float64) Distribution {
	return Distribution{
		Mean: h.Mean(bounds, confidence),
		P50:  h.Quantile(.5, bounds, confidence), P90: h.Quantile(.9, bounds, confidence), P99: h.Quantile(.99, bounds, confidence),
		Bounds: bounds,
	}
}

// OfIndependent returns the same of durations that are known to be independent of each
// other, as those of lives of their own are.
func (h *Histogram) OfIndependent(bounds Bounds, confidence float64) Distribution {
	quantile := func(p float64) Estimate { return h.quantile(p, h.N(), bounds, confidence) }
	return Distribution{Mean: h.Mean(bounds, confidence), P50: quantile(.5), P90: quantile(.9), P99: quantile(.99), Bounds: bounds}
}

// Mean returns the mean in seconds with Student's t over the replications. If
// all durations are the same, the mean is that duration.
func (h *Histogram) Mean(bounds Bounds, confidence float64) Estimate {
	e := h.Sums.Estimate(math.Inf(1), confidence)
	e.N = h.N()
	if e.N > 1 && h.Least == h.Greatest {
		e.Estimate, e.Low, e.High = float64(h.Least), float64(h.Least), float64(h.Least)
		e.Method = "all alike"
	}
	return inSeconds(e, bounds)
}

// Quantile returns the quantile p in seconds, with an interval between order
// statistics widened to the edges of their bins. Where durations of one
// replication resemble each other more than those of different ones, the ranks
// are those of as many fewer independent values as the mean's variance shows.
func (h *Histogram) Quantile(p float64, bounds Bounds, confidence float64) Estimate {
	return h.quantile(p, max(1, int64(float64(h.N())/h.designEffect())), bounds, confidence)
}

// quantile is that of as many durations as so many independent ones are worth.
func (h *Histogram) quantile(p float64, effective int64, bounds Bounds, confidence float64) Estimate {
	n := h.N()
	e := Estimate{Estimate: math.NaN(), Low: 0, High: math.Inf(1), Confidence: confidence, Method: "order statistics", N: n}
	if n == 0 {
		return inSeconds(e, bounds)
	}
	e.Estimate = h.interpolate(p)
	low, high := orderStatistics(effective, p, confidence)
	scale := float64(n) / float64(effective)
	if low > 0 {
		at, _ := h.find(int64(math.Floor(float64(low) * scale)))
		e.Low = float64(max(h.Least, edge(at)))
	}
	if high <= effective {
		at, _ := h.find(min(n, int64(math.Ceil(float64(high)*scale))))
		e.High = float64(min(h.Greatest, edge(at+1)))
	}
	return inSeconds(e, bounds)
}

// interpolate returns the quantile p in nanoseconds, linear within its bin.
func (h *Histogram) interpolate(p float64) float64 {
	rank := p * float64(h.N())
	at, before := h.find(max(1, int64(math.Ceil(rank))))
	from, to := float64(max(h.Least, edge(at))), float64(min(h.Greatest, edge(at+1)))
	share := (rank - float64(before)) / float64(h.Counts[at-h.First])
	return from + (to-from)*math.Max(0, share)
}

// find returns the bin of the duration of the given rank, from 1, and the
// number of durations in the bins before it.
func (h *Histogram) find(rank int64) (at int, before int64) {
	for i, n := range h.Counts {
		if before+n >= rank {
			return h.First + i, before
		}
		before += n
	}
	return h.First + len(h.Counts) - 1, before
}

// designEffect returns the variance of the mean over replications as a
// multiple of what it would be if all durations were independent, at least 1.
func (h *Histogram) designEffect() float64 {
	n := h.N()
	if h.Sums.N < 2 || n == h.Sums.N || h.Least == h.Greatest {
		return 1
	}
	// n·Σd² − (Σd)² is n² times the variance of one duration.
	sum := h.Sums.Y.Big()
	spread := new(big.Int).Mul(h.Squares.Big(), big.NewInt(n))
	spread.Sub(spread, new(big.Int).Mul(sum, sum))
	number := big.NewInt(n)
	independent := quotient(spread, new(big.Int).Mul(number, new(big.Int).Mul(number, number)))
	return atLeast1(h.Sums.variance() / independent)
}

// inSeconds converts an estimate from nanoseconds and cuts its interval to the
// bounds, as far as they leave the estimate itself inside.
func inSeconds(e Estimate, bounds Bounds) Estimate {
	e = e.Map(func(ns float64) float64 { return ns / 1e9 })
	if !(e.Estimate < bounds.Min) {
		e.Low = math.Max(e.Low, bounds.Min)
	}
	if bounds.Max > 0 && !(e.Estimate > bounds.Max) {
		e.High = math.Min(e.High, bounds.Max)
	}
	return e
}
