package fit

import (
	"math"

	"github.com/probesim/probesim/model/dist"
)

// component is one lognormal of a mixture, by the moments of the logarithm.
type component struct{ weight, mean, deviation float64 }

const (
	// leastShare is the number of observations below which a component of a
	// mixture says nothing.
	leastShare = 3
	// narrowest is the least deviation of a component, as a share of that of all
	// logarithms. Without a bound the likelihood is greatest at a component that
	// stands on one observation alone (Hathaway 1985).
	narrowest = 0.05
)

// lognormalMixture has the parameters weight, mean and deviation of the
// logarithm of its first component, and mean and deviation of its second.
func lognormalMixture() *family {
	f := &family{name: "lognormal mixture", parameters: 5}
	one := lognormal()
	parts := func(of []float64) (weights [2]float64, parameters [2][]float64) {
		return [2]float64{of[0], 1 - of[0]}, [2][]float64{{math.Exp(of[1]), of[2]}, {math.Exp(of[3]), of[4]}}
	}
	f.logDensity = func(of []float64, x float64) float64 {
		weights, parameters := parts(of)
		return math.Log(weights[0]*math.Exp(one.logDensity(parameters[0], x)) + weights[1]*math.Exp(one.logDensity(parameters[1], x)))
	}
	f.survival = func(of []float64, x float64) float64 {
		weights, parameters := parts(of)
		return weights[0]*one.survival(parameters[0], x) + weights[1]*one.survival(parameters[1], x)
	}
	f.dist = func(of []float64, scale float64) dist.Dist {
		shift := math.Log(scale)
		return dist.Mixture{{Weight: of[0], Of: dist.LogNormal{Mu: of[1] + shift, Sigma: of[2]}},
			{Weight: 1 - of[0], Of: dist.LogNormal{Mu: of[3] + shift, Sigma: of[4]}}}
	}
	f.fit = func(s *sample, near []float64) []float64 { return fitMixture(f, s, near) }
	return f
}

// fitMixture runs expectation and maximization from near, or from splits of the
// observations at several places, and keeps the best end. It returns nil where
// a component is left with too few observations.
func fitMixture(f *family, s *sample, near []float64) []float64 {
	mean, deviation := s.logMoments()
	if !(deviation > 0) {
		return nil
	}
	floor := math.Max(narrowest*deviation, s.resolution()/2)
	var starts [][2]component
	steps := 500
	if near != nil {
		steps = 60 // of a sample drawn at near, which ends close by
		starts = append(starts, [2]component{{near[0], near[1], near[2]}, {1 - near[0], near[3], near[4]}})
	} else {
		for _, split := range [][2]float64{{0.5, 0}, {0.85, 1}, {0.15, -1}} {
			at := mean + split[1]*deviation
			starts = append(starts, [2]component{{split[0], at - 0.7*deviation, deviation / 2}, {1 - split[0], at + 0.7*deviation, deviation / 2}})
		}
	}
	var best []float64
	greatest := math.Inf(-1)
	for _, start := range starts {
		c := expectAndMaximize(s, start, floor, steps)
		if c[0].mean > c[1].mean {
			c[0], c[1] = c[1], c[0]
		}
		if !(math.Min(c[0].weight, c[1].weight)*s.n >= leastShare) {
			continue
		}
		of := []float64{c[0].weight, c[0].mean, c[0].deviation, c[1].mean, c[1].deviation}
		if likelihood := f.likelihood(s, of); likelihood > greatest {
			best, greatest = of, likelihood
		}
	}
	return best
}

// resolution returns the deviation of the logarithm within the intervals of a
// sample, 0 for exact values and for buckets, which do not overlap. What is much
// narrower than the clock that measured it cannot be told apart.
func (s *sample) resolution() float64 {
	square := 0.0
	for _, p := range s.points {
		if !s.cells && !p.exact() && !p.censored() {
			width := (p.high - p.low) / p.middle()
			square += p.count * width * width / 12
		}
	}
	return math.Sqrt(square / s.n)
}

// expectAndMaximize improves a mixture of two normal distributions of the
// logarithms until a step changes the likelihood no more, or so many steps were
// taken (Dempster, Laird and Rubin 1977). Observations that are cut off or known to an interval enter by
// their expectation under each component.
func expectAndMaximize(s *sample, c [2]component, floor float64, steps int) [2]component {
	last := math.Inf(-1)
	logs := make([][2]float64, len(s.points))
	for i, p := range s.points {
		logs[i] = [2]float64{math.Log(p.low), math.Log(p.high)}
	}
	for range steps {
		var weight, first, second [2]float64
		sum := 0.0
		for at, p := range s.points {
			if p.count == 0 {
				continue
			}
			low, high := logs[at][0], logs[at][1]
			var share, mean, square [2]float64
			for i := range c {
				share[i], mean[i], square[i] = c[i].within(low, high)
				share[i] *= c[i].weight
			}
			total := share[0] + share[1]
			if !(total > 0) {
				continue // beyond what both can yield: it moves neither
			}
			sum += p.count * math.Log(total)
			for i := range c {
				r := p.count * share[i] / total
				weight[i] += r
				first[i] += r * mean[i]
				second[i] += r * square[i]
			}
		}
		for i := range c {
			if !(weight[i] > 1e-9) {
				return c
			}
			c[i].weight = weight[i] / (weight[0] + weight[1])
			c[i].mean = first[i] / weight[i]
			c[i].deviation = math.Max(floor, math.Sqrt(math.Max(0, second[i]/weight[i]-c[i].mean*c[i].mean)))
		}
		if sum-last < 1e-8*s.n {
			break
		}
		last = sum
	}
	return c
}

// within returns the density at low where high equals it, else the probability
// of low to high, and the mean and mean square of what lies there.
func (c component) within(low, high float64) (share, mean, square float64) {
	a, b := (low-c.mean)/c.deviation, (high-c.mean)/c.deviation
	if low == high {
		return math.Exp(-a*a/2) / (c.deviation * math.Sqrt(2*math.Pi)), low, low * low
	}
	if a > 0 {
		share = upper(a) - upper(b)
	} else {
		share = upper(-b) - upper(-a)
	}
	if !(share > 1e-280) {
		return 0, 0, 0
	}
	atA, atB := math.Exp(-a*a/2)/math.Sqrt(2*math.Pi), math.Exp(-b*b/2)/math.Sqrt(2*math.Pi)
	score := (atA - atB) / share
	spread := 1.0
	if !math.IsInf(a, -1) {
		spread += a * atA / share
	}
	if !math.IsInf(b, 1) {
		spread -= b * atB / share
	}
	mean = c.mean + c.deviation*score
	return share, mean, c.mean*c.mean + 2*c.mean*c.deviation*score + c.deviation*c.deviation*math.Max(spread, 0)
}

// shiftedLognormal has the parameters shift, and median and deviation of the
// logarithm of what is beyond it.
func shiftedLognormal() *family {
	f := &family{name: "shifted lognormal", parameters: 3}
	one := lognormal()
	f.logDensity = func(of []float64, x float64) float64 {
		if x <= of[0] {
			return math.Inf(-1)
		}
		return one.logDensity(of[1:], x-of[0])
	}
	f.survival = func(of []float64, x float64) float64 {
		if x <= of[0] {
			return 1
		}
		return one.survival(of[1:], x-of[0])
	}
	f.dist = func(of []float64, scale float64) dist.Dist {
		return dist.Shift{By: of[0] * scale, Of: one.dist(of[1:], scale)}
	}
	f.fit = func(s *sample, _ []float64) []float64 { return fitShift(f, s) }
	return f
}

// fitShift profiles the shift: for each of a grid the lognormal beyond it. The
// likelihood grows without bound as the shift nears the least observation (Hill
// 1963), so the best place within the grid that is better than its neighbours
// is meant. Where there is none, nothing but 0 is a shift, and it returns nil.
func fitShift(f *family, s *sample) []float64 {
	const grid, stride = 16, 0.45 // the least remainder is 0.001 of the least observation
	least := s.least()
	one := lognormal()
	var last []float64
	profile := func(step float64) ([]float64, float64) {
		shift := least * (1 - math.Exp(-step*stride))
		of := one.fit(s.beyond(shift), last)
		if of == nil || !(of[1] > 0) {
			return nil, math.Inf(-1)
		}
		last = of
		of = append([]float64{shift}, of...)
		return of, f.likelihood(s, of)
	}
	var at [grid]float64
	for i := range at {
		_, at[i] = profile(float64(i))
	}
	best := 0
	for i := 1; i < grid-1; i++ {
		if at[i] > at[i-1] && at[i] >= at[i+1] && (best == 0 || at[i] > at[best]) {
			best = i
		}
	}
	if best == 0 {
		return nil
	}
	low, high := float64(best-1), float64(best+1)
	for range 9 {
		a, b := low+(high-low)/3, high-(high-low)/3
		_, atA := profile(a)
		if _, atB := profile(b); atA < atB {
			low = a
		} else {
			high = b
		}
	}
	of, _ := profile((low + high) / 2)
	return of
}

// beyond returns the sample less a shift.
func (s *sample) beyond(shift float64) *sample {
	less := *s
	less.points = make([]point, len(s.points))
	for i, p := range s.points {
		less.points[i] = point{math.Max(0, p.low-shift), math.Max(0, p.high-shift), p.count}
	}
	return &less
}
