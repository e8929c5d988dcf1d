package fit

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
)

// The purposes of the streams of random numbers; that of a family is its place.
const forFamilies = 100

// stream returns the generator of (seed, replication, purpose): the three are
// its key, so that no two streams have anything to do with each other (S14).
func stream(seed, replication, purpose uint64) *rand.Rand {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[0:], seed)
	binary.LittleEndian.PutUint64(key[8:], replication)
	binary.LittleEndian.PutUint64(key[16:], purpose)
	return rand.New(rand.NewChaCha8(key))
}

// replicate is one sample drawn from a fitted distribution and fitted anew.
type replicate struct {
	distance  float64
	of        []float64 // parameters fitted to it
	quantiles []float64 // of the distribution with these
	measured  []float64 // of the sample itself
}

// resampled draws samples from a fitted family, as large as the measured one
// and seen through the same eyes, and fits the family to each (S16). Samples that
// cannot be fitted are replaced, as long as there are not more of them than
// others. It ends early when the context does.
func resampled(ctx context.Context, s *sample, f *family, of []float64, o Options, purpose uint64, shares, places []float64) []replicate {
	eyes := newObserver(s)
	var drawn []replicate
	for begin := 0; begin < 2*o.Resamples && len(drawn) < o.Resamples; {
		batch := make([]*replicate, min(o.Resamples-len(drawn), 2*o.Resamples-begin))
		inParallel(len(batch), func(i int) {
			if ctx.Err() == nil {
				again := eyes.observe(f, of, stream(o.Seed, uint64(begin+i), purpose))
				batch[i] = refitted(again, f, of, shares, places)
			}
		})
		if begin += len(batch); ctx.Err() != nil {
			return nil
		}
		for _, r := range batch {
			if r != nil {
				drawn = append(drawn, *r)
			}
		}
	}
	return drawn
}

// inParallel calls do for 0 to n−1 on all cores. What is done must not depend
// on the order.
func inParallel(n int, do func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	group.Wait()
}

// refitted fits a family to a drawn sample; nil where it cannot be.
func refitted(again *sample, f *family, of []float64, shares, places []float64) *replicate {
	if again.events < leastEvents {
		return nil
	}
	fitted := f.fit(again, of)
	if fitted == nil {
		return nil
	}
	steps := again.measured()
	r := &replicate{of: fitted, distance: again.distance(steps, func(x float64) float64 { return f.survival(fitted, x) })}
	d := f.dist(fitted, 1)
	for _, p := range shares {
		r.quantiles = append(r.quantiles, d.Quantile(p))
	}
	for _, p := range places {
		r.measured = append(r.measured, quantile(steps, p))
	}
	return r
}

// observer sees drawn values as the measured ones were seen: through the same
// buckets, to intervals as wide, and cut off as early.
type observer struct {
	s      *sample
	cutOff []step // distribution of the time after which observations are cut off
}

func newObserver(s *sample) *observer {
	o := &observer{s: s}
	if s.events < s.n && !s.cells {
		// The estimate of Kaplan and Meier with the parts exchanged: an event is
		// what keeps the cut-off from being seen.
		reverse := &sample{n: s.n}
		for _, p := range s.points {
			if p.censored() {
				reverse.points = append(reverse.points, point{p.low, p.low, p.count})
			} else {
				reverse.points = append(reverse.points, point{p.middle(), math.Inf(1), p.count})
			}
		}
		o.cutOff = reverse.kaplanMeier()
	}
	return o
}

// observe draws one sample.
func (o *observer) observe(f *family, of []float64, r *rand.Rand) *sample {
	again := &sample{scale: o.s.scale, cells: o.s.cells}
	if o.s.cells {
		again.points = o.counted(f, of, r)
		again.settle()
		return again
	}
	d, many := f.dist(of, 1), 0.0
	for _, p := range o.s.points {
		width := p.high - p.low
		if p.censored() {
			width = 0
		}
		if width == 0 && o.s.n > manyObservations {
			many += p.count
			continue
		}
		for range int(math.Round(math.Max(p.count, 1))) {
			x := d.Sample(r)
			if cut := o.cut(r); x > cut {
				again.points = append(again.points, point{cut, math.Inf(1), 1})
				continue
			}
			low := x - width*r.Float64()
			again.points = append(again.points, point{math.Max(0, low), low + width, 1})
		}
	}
	if many > 0 {
		again.points = append(again.points, o.crowd(f, of, math.Round(many), r)...)
	}
	if again.settle(); again.n > manyObservations {
		again.condense()
	}
	return again
}

// cut draws the time after which an observation is cut off.
func (o *observer) cut(r *rand.Rand) float64 {
	if o.cutOff == nil {
		return math.Inf(1)
	}
	return o.cutAt(r.Float64())
}

// cutAt returns the cut-off before which a share of them lie.
func (o *observer) cutAt(share float64) float64 {
	for _, st := range o.cutOff {
		if share < st.upto {
			return st.to
		}
	}
	return math.Inf(1)
}
