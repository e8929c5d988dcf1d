package calc

import (
	"math"
	"sort"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// Window is the distribution of a delay: a fixed time, plus independent times
// that are uniform from 0 to the given widths, plus others of any distribution
// (S4).
type Window struct {
	Fixed   time.Duration
	Uniform []time.Duration
	Plus    []dist.Duration
}

// Detection returns the time from a fault at a uniform phase of the probe's
// grid to the verdict. Attempts then get no answer, or fail at once. Cached is
// the interval at which the status that the probe reads is computed anew; it
// delays what the probe sees by a uniform part of itself. 0: computed by the
// answer.
func (s Settings) Detection(noAnswer bool, cached time.Duration) Window {
	return Window{Fixed: s.Tolerates(noAnswer), Uniform: []time.Duration{s.Period, cached}}
}

// mostBehind is how many failures that lie behind a fault are told apart.
const mostBehind = 10_000

// behind returns the window where each probe before the fault failed with a
// probability, independently: j of the failures that make a verdict lie behind
// with a probability in proportion to its power j, and each saves a step.
func (s Settings) behind(w Window, probability float64, noAnswer bool) Window {
	step := s.step(noAnswer)
	w.Fixed -= Times(s.Failures-1, step)
	missing := make(dist.Mixture, min(s.Failures, mostBehind))
	for j := range missing {
		missing[j] = dist.Part{Weight: math.Pow(probability, float64(j)), Of: dist.Constant(Times(s.Failures-1-j, step))}
	}
	return w.Then(dist.Duration{Nanoseconds: missing})
}

// Then returns the window of this delay followed by another of the given
// distributions.
func (w Window) Then(delays ...dist.Duration) Window {
	w.Plus = append(append([]dist.Duration(nil), w.Plus...), delays...)
	return w
}

// withoutPast returns the window of a probe that may have failed before, and of
// which an attempt may be under way: its verdict may come at once.
func (w Window) withoutPast(s Settings) Window {
	most := w.Fixed + s.Period
	return Window{Uniform: append([]time.Duration{most}, w.Uniform[1:]...), Plus: w.Plus}
}

// onlyBounds returns the least and the greatest delay, where the rest is not
// known.
func (w Window) onlyBounds() *Delay {
	low, high := w.bounds()
	unknown := Number(math.NaN())
	return &Delay{Min: Number(low / 1e9), Mean: unknown, P50: unknown, P90: unknown, P99: unknown, Max: Number(high / 1e9)}
}

// latest returns the greatest delay, without what has no bound.
func (w Window) latest() time.Duration {
	_, high := w.bounds()
	return time.Duration(min(high, math.MaxInt64/2))
}

// Delay is a distribution of a delay in seconds, as results show it. Min, Mean
// and Max are exact; null where they are without bound, or where the
// calculation's notes say why they are not known. The quantiles are exact for fixed and uniform parts; a
// part of another distribution enters them as so many equally likely values
// that they are good to about a thousandth.
type Delay struct {
	Min  Number `json:"min"`
	Mean Number `json:"mean"`
	P50  Number `json:"p50"`
	P90  Number `json:"p90"`
	P99  Number `json:"p99"`
	Max  Number `json:"max"`
}

// Seconds returns the window as results show it.
func (w Window) Seconds() *Delay {
	low, high := w.bounds()
	mean := float64(w.Fixed)
	for _, width := range w.Uniform {
		mean += float64(width) / 2
	}
	for _, d := range w.Plus {
		mean += meanOf(d)
	}
	points, widths := w.points(), w.widths()
	quantile := func(p float64) Number { return Number(w.quantile(p, points, widths) / 1e9) }
	return &Delay{
		Min: Number(low / 1e9), Mean: Number(mean / 1e9), Max: Number(high / 1e9),
		P50: quantile(.5), P90: quantile(.9), P99: quantile(.99),
	}
}

// bounds returns the least and the greatest delay in nanoseconds.
func (w Window) bounds() (low, high float64) {
	low = float64(w.Fixed)
	high = low
	for _, width := range w.Uniform {
		high += float64(width)
	}
	for _, d := range w.Plus {
		if d.Nanoseconds != nil {
			low += d.Nanoseconds.Quantile(0)
			high += d.Nanoseconds.Quantile(1)
		}
	}
	return low, high
}

// CDF returns the probability that the delay is at most x.
func (w Window) CDF(x time.Duration) float64 {
	return w.cdf(float64(x), w.points(), w.widths())
}

func (w Window) cdf(x float64, points, widths []float64) float64 {
	sum := 0.0
	for _, point := range points {
		sum += uniformSum(x-float64(w.Fixed)-point, widths)
	}
	return sum / float64(len(points))
}

func (w Window) quantile(p float64, points, widths []float64) float64 {
	low := float64(w.Fixed) + points[0]
	high := float64(w.Fixed) + points[len(points)-1] + total(widths)
	for range 100 {
		middle := low + (high-low)/2
		if middle <= low || middle >= high {
			break
		}
		if w.cdf(middle, points, widths) >= p {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// widths returns the widths above 0 of the uniform parts.
func (w Window) widths() []float64 {
	var widths []float64
	for _, width := range w.Uniform {
		if width > 0 {
			widths = append(widths, float64(width))
		}
	}
	return widths
}

// uniformSum returns the probability that a sum of independent times, uniform
// from 0 to the widths, is at most x: the alternating sum over the corners of
// the box, over n! times its volume.
func uniformSum(x float64, widths []float64) float64 {
	switch {
	case x < 0 || x == 0 && len(widths) > 0:
		return 0
	case x >= total(widths):
		return 1
	}
	sum, volume := 0.0, 1.0
	for corner := range 1 << len(widths) {
		rest, sign := x, 1.0
		for i, width := range widths {
			if corner>>i&1 == 1 {
				rest -= width
				sign = -sign
			}
		}
		if rest <= 0 {
			continue
		}
		for range widths {
			sign *= rest
		}
		sum += sign
	}
	for i, width := range widths {
		volume *= width * float64(i+1)
	}
	return math.Min(1, math.Max(0, sum/volume))
}

// Numbers of equally likely values that stand for a distribution, alone and
// summed with others.
const (
	pointsOfOne = 256
	pointsOfSum = 2048
)

// points returns equally likely sums of the other parts, sorted.
func (w Window) points() []float64 {
	points := []float64{0}
	for _, d := range w.Plus {
		own := pointsOf(d)
		sums := make([]float64, 0, len(points)*len(own))
		for _, a := range points {
			for _, b := range own {
				sums = append(sums, a+b)
			}
		}
		sort.Float64s(sums)
		points = thinned(sums)
	}
	return points
}

// pointsOf returns equally likely values that stand for a distribution.
func pointsOf(d dist.Duration) []float64 {
	switch fixed := d.Nanoseconds.(type) {
	case nil:
		return []float64{0}
	case dist.Constant:
		return []float64{float64(fixed)}
	}
	points := make([]float64, pointsOfOne)
	for i := range points {
		points[i] = d.Nanoseconds.Quantile((float64(i) + .5) / pointsOfOne)
	}
	return points
}

// thinned returns at most pointsOfSum of the sorted sums, each the middle one
// of as many neighbours.
func thinned(sums []float64) []float64 {
	if len(sums) <= pointsOfSum {
		return sums
	}
	thin := make([]float64, pointsOfSum)
	for i := range thin {
		thin[i] = sums[(2*i+1)*len(sums)/(2*pointsOfSum)]
	}
	return thin
}

// meanOf returns a mean in nanoseconds, which may be infinite.
func meanOf(d dist.Duration) float64 {
	if d.Nanoseconds == nil {
		return 0
	}
	return d.Nanoseconds.Mean()
}
