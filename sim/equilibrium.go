package sim

import (
	"math/rand/v2"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// equilibrium is the stationary state of an alternating renewal process: in
// which stretch an instant picked at random falls, and how long that stretch
// still lasts (Cox, Renewal Theory, 1962, chapter 5 and section 7.2).
type equilibrium struct {
	share  float64 // of the time that the process is on
	absent residual
	lasts  residual
}

func newEquilibrium(o model.OnOff) equilibrium {
	absent, lasts := float64(o.Every.Mean()), float64(o.Lasts.Mean())
	e := equilibrium{absent: newResidual(o.Every), lasts: newResidual(o.Lasts)}
	if absent+lasts > 0 {
		e.share = lasts / (absent + lasts)
	}
	return e
}

// draw returns whether the process is on at time 0, and when that changes.
func (e *equilibrium) draw(r *rand.Rand) (on bool, rest time.Duration) {
	if r.Float64() < e.share {
		return true, e.lasts.draw(r)
	}
	return false, later(0, e.absent.draw(r))
}

// residual is the distribution of the rest of a stretch in which an instant
// picked at random falls: a length drawn with a probability in proportion to
// itself, times a uniform part. An exponential length has no memory; others
// are taken at the middles of equally likely classes.
type residual struct {
	exponential dist.Exponential // 0: not exponential
	lengths     []float64        // of the classes, ns
	cumulative  []float64
}

// residualClasses is enough to bring the quantised tail below one part in a
// thousand of the stretches.
const residualClasses = 2048

func newResidual(d dist.Duration) residual {
	if e, ok := d.Nanoseconds.(dist.Exponential); ok {
		return residual{exponential: e}
	}
	r := residual{lengths: make([]float64, residualClasses), cumulative: make([]float64, residualClasses)}
	total := 0.0
	for i := range r.lengths {
		r.lengths[i] = float64(d.Quantile((float64(i) + 0.5) / residualClasses))
		total += r.lengths[i]
		r.cumulative[i] = total
	}
	return r
}

func (r *residual) draw(random *rand.Rand) time.Duration {
	if r.exponential > 0 {
		return time.Duration(r.exponential.Sample(random))
	}
	target := random.Float64() * r.cumulative[len(r.cumulative)-1]
	low, high := 0, len(r.cumulative)-1
	for low < high {
		if middle := (low + high) / 2; r.cumulative[middle] <= target {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return time.Duration(r.lengths[low] * random.Float64())
}
