package dist

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"gonum.org/v1/gonum/mathext"
)

// Samples is the empirical distribution: each measured value is as likely as
// any other, and nothing else can happen. Make it with NewSamples.
type Samples struct {
	sorted []float64
	mean   float64
}

// NewSamples returns the empirical distribution of the values, which are
// copied. It is an error unless there is a value and all are finite and not
// below 0.
func NewSamples(values []float64) (Dist, error) {
	if len(values) == 0 {
		return nil, errors.New("samples: there are none")
	}
	sorted := append([]float64(nil), values...)
	sort.Float64s(sorted)
	sum := 0.0
	for _, value := range sorted {
		if err := check("samples", value, nonNegative); err != nil {
			return nil, fmt.Errorf("%w: %v", err, value)
		}
		sum += value / float64(len(sorted))
	}
	return &Samples{sorted, sum}, nil
}

// CDF implements Dist.
func (s *Samples) CDF(x float64) float64 {
	above := sort.Search(len(s.sorted), func(i int) bool { return s.sorted[i] > x })
	return float64(above) / float64(len(s.sorted))
}

// Quantile implements Dist.
func (s *Samples) Quantile(p float64) float64 {
	n := float64(len(s.sorted))
	i := int(math.Ceil(p*n)) - 1
	if float64(i)/n >= p { // p·n was rounded up over a whole number
		i--
	}
	return s.sorted[min(max(i, 0), len(s.sorted)-1)]
}

// Mean implements Dist.
func (s *Samples) Mean() float64 { return s.mean }

// Sample implements Dist.
func (s *Samples) Sample(r *rand.Rand) float64 { return s.sorted[r.IntN(len(s.sorted))] }

// Bucket is one bucket of a Prometheus histogram: Count observations, or the
// rate of them, were at most LE. The last one's LE is +Inf.
type Bucket struct{ LE, Count float64 }

// Histogram is the distribution a Prometheus histogram stands for. Within a
// bucket values are spread evenly, as histogram_quantile has it; the first
// begins at 0. The +Inf bucket, for which histogram_quantile knows no values,
// goes on as the lognormal tail whose spread is that across the last finite
// bucket that holds observations. Make it with NewHistogram.
type Histogram struct {
	le, p           []float64 // finite bounds, and the share of observations up to each
	tailZ, tailStep float64   // normal score of the last bound, and slope of the log tail over the score
}

// smallestShare stands for the share below a bound below which nothing was
// observed, where the tail's spread is measured from that bound.
const smallestShare = 0.001

// NewHistogram returns the distribution of a histogram with cumulative counts,
// in increasing order of LE. It is an error unless the bounds increase from
// above 0 (a first bound of 0 stands for observations of exactly 0), the counts
// never decrease, the last bound is +Inf, something was observed and, if any
// of it lies in the +Inf bucket, a finite bucket that begins above 0 holds
// observations too.
func NewHistogram(buckets []Bucket) (Dist, error) {
	if err := checkBuckets(buckets); err != nil {
		return nil, err
	}
	last := len(buckets) - 1
	total := buckets[last].Count
	h := &Histogram{}
	for _, bucket := range buckets[:last] {
		h.le = append(h.le, bucket.LE)
		h.p = append(h.p, bucket.Count/total)
	}
	if h.p[last-1] == 1 {
		return h, nil
	}
	h.tailZ = mathext.NormalQuantile(h.p[last-1])
	for i := last - 1; i > 0; i-- {
		if h.p[i] > h.p[i-1] && h.le[i-1] > 0 {
			low := math.Max(h.p[i-1], math.Min(smallestShare, h.p[i]/2))
			h.tailStep = math.Log(h.le[i]/h.le[i-1]) / (mathext.NormalQuantile(h.p[i]) - mathext.NormalQuantile(low))
			return h, nil
		}
	}
	return nil, errors.New(`histogram: observations in the +Inf bucket need a finite bucket with observations below them to show the spread`)
}

func checkBuckets(buckets []Bucket) error {
	last := len(buckets) - 1
	if last < 1 || !math.IsInf(buckets[last].LE, 1) {
		return errors.New("histogram: needs a finite bucket and, as the last, the +Inf bucket")
	}
	for i, bucket := range buckets {
		name := fmt.Sprintf("histogram[%d]", i)
		if i < last {
			if err := check(name+".le", bucket.LE, nonNegative); err != nil {
				return err
			}
		}
		if err := check(name+".count", bucket.Count, nonNegative); err != nil {
			return err
		}
		if i > 0 && !(bucket.LE > buckets[i-1].LE) {
			return fmt.Errorf("%s.le: must be above the bound before it", name)
		}
		if i > 0 && bucket.Count < buckets[i-1].Count {
			return fmt.Errorf("%s.count: counts are cumulative and must not decrease", name)
		}
	}
	if buckets[last].Count == 0 {
		return errors.New("histogram: holds no observations")
	}
	return nil
}

// CDF implements Dist.
func (h *Histogram) CDF(x float64) float64 {
	if x < 0 {
		return 0
	}
	last := len(h.le) - 1
	if x >= h.le[last] {
		if h.p[last] == 1 {
			return 1
		}
		return normalCDF(h.tailZ + math.Log(x/h.le[last])/h.tailStep)
	}
	fromLE, fromP := 0.0, 0.0
	for i, le := range h.le {
		if x < le {
			return fromP + (h.p[i]-fromP)*(x-fromLE)/(le-fromLE)
		}
		fromLE, fromP = le, h.p[i]
	}
	return 1
}

// Quantile implements Dist.
func (h *Histogram) Quantile(p float64) float64 {
	fromLE, fromP := 0.0, 0.0
	for i, le := range h.le {
		if p <= h.p[i] {
			if h.p[i] == fromP {
				return fromLE
			}
			return fromLE + (le-fromLE)*(p-fromP)/(h.p[i]-fromP)
		}
		fromLE, fromP = le, h.p[i]
	}
	return fromLE * math.Exp(h.tailStep*(mathext.NormalQuantile(p)-h.tailZ))
}

// Mean implements Dist.
func (h *Histogram) Mean() float64 {
	mean, fromLE, fromP := 0.0, 0.0, 0.0
	for i, le := range h.le {
		mean += (h.p[i] - fromP) * (fromLE + (le-fromLE)/2)
		fromLE, fromP = le, h.p[i]
	}
	if fromP < 1 {
		mean += partialMean(math.Log(fromLE)-h.tailStep*h.tailZ, h.tailStep, h.tailZ, math.Inf(1))
	}
	return mean
}

// Sample implements Dist.
func (h *Histogram) Sample(r *rand.Rand) float64 {
	// 1 − U is above 0, so that the least quantile is that of an observation.
	return h.Quantile(1 - r.Float64())
}
