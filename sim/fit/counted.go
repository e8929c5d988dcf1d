package fit

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/probesim/probesim/model/dist"
)

// counted draws the counts of the buckets: each binomial given those before.
func (o *observer) counted(f *family, of []float64, r *rand.Rand) []point {
	points := slices.Clone(o.s.points)
	left, share := math.Round(o.s.n), 1.0
	for i := range points {
		p := &points[i]
		inside := f.survival(of, p.low) - f.survival(of, p.high)
		p.count = binomial(left, inside/math.Max(share, inside), r)
		left -= p.count
		share -= inside
	}
	return points
}

// binomial draws how many of n things with the probability p come about.
func binomial(n, p float64, r *rand.Rand) float64 {
	if !(n > 0) || !(p > 0) {
		return 0
	}
	return distuv.Binomial{N: n, P: math.Min(1, p), Src: r}.Rand()
}

// crowd draws many exact or cut-off observations at once: not each value, but how
// many there are of each three significant digits, to which values of so large a
// sample are rounded anyway. Beyond the outermost hundred-thousandths of the
// distribution there are few, and those are drawn one by one.
type crowd struct {
	o      *observer
	d      dist.Dist
	after  func(x float64) float64 // survival function of d
	random *rand.Rand
	points []point
}

// rare is the share of a distribution at either end that is drawn value by value,
// and widest how many times as large the greatest of the others may be as the
// least: each power of ten has 900 values of three digits.
const rare, widest = 1e-5, 1e6

// crowd draws n observations. It goes from one place where something can end to the
// next: of those that are neither seen to end nor cut off before a stretch, a
// binomial number ends in it, and at its end a binomial number is cut off, because
// cut-offs are drawn independently of values.
func (o *observer) crowd(f *family, of []float64, n float64, random *rand.Rand) []point {
	c := &crowd{o: o, d: f.dist(of, 1), after: func(x float64) float64 { return f.survival(of, x) }, random: random}
	to := c.d.Quantile(1 - rare)
	from := math.Max(c.d.Quantile(rare), to/widest)
	below := binomial(n, 1-c.after(from), random)
	for range int(below) {
		c.one(c.d.Quantile((1-random.Float64())*(1-c.after(from))), 0)
	}
	left, cuts := n-below, o.cutOff
	cut := func(upto float64) { // what is cut off up to there, of that which lasts beyond it
		for ; len(cuts) > 0 && cuts[0].to <= upto; cuts = cuts[1:] {
			off := binomial(left, (cuts[0].upto-cuts[0].before)/(1-cuts[0].before), random)
			c.add(cuts[0].to, math.Inf(1), off)
			left -= off
		}
	}
	cut(math.Nextafter(from, 0))
	for at := from; at < to && left > 0; {
		next := nextDigit(at)
		if len(cuts) > 0 && cuts[0].to < next {
			next = math.Max(at, cuts[0].to)
		}
		ended := binomial(left, 1-c.after(next)/c.after(at), random)
		value := rounded(at + (next-at)/2)
		c.add(value, value, ended)
		left -= ended
		cut(next)
		at = next
	}
	before := 0.0
	if len(cuts) > 0 {
		before = cuts[0].before
	} else if n := len(o.cutOff); n > 0 {
		before = o.cutOff[n-1].upto
	}
	for range int(left) {
		u := (1 - random.Float64()) * c.after(to)
		c.one(c.d.Quantile(1-u), before)
	}
	return c.points
}

func (c *crowd) add(low, high, count float64) {
	if count > 0 {
		c.points = append(c.points, point{low, high, count})
	}
}

// one adds an observation whose cut-off is known to be beyond a share of theirs.
func (c *crowd) one(x, beyond float64) {
	if cut := c.o.cutAt(beyond + (1-beyond)*c.random.Float64()); x > cut {
		c.add(cut, math.Inf(1), 1)
		return
	}
	c.add(x, x, 1)
}

// nextDigit returns the least place above x from which values are rounded to other
// three digits, or the next power of ten.
func nextDigit(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x))-2)
	next := (math.Floor(x/unit-.5) + 1.5) * unit
	if top := 1000 * unit; x < top && next > top {
		return top
	}
	return math.Max(next, math.Nextafter(x, math.Inf(1)))
}
