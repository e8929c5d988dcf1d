package fit

import (
	"cmp"
	"math"
	"slices"
)

// step is a stretch over which the measured distribution function rises, at a
// point where from equals to.
type step struct {
	from, to     float64
	before, upto float64 // the distribution function at its two ends
}

// measured returns the nonparametric estimate of the distribution function:
// Kaplan and Meier's product where observations are exact or cut off
// (right-censored), else Turnbull's self-consistent one (1976), of which the
// first is a special case.
func (s *sample) measured() []step {
	if s.onlyCutOff() {
		return s.kaplanMeier()
	}
	return s.turnbull()
}

// kaplanMeier returns the product-limit estimate. What is cut off at the
// instant of an event was still there at it.
func (s *sample) kaplanMeier() []step {
	points := slices.Clone(s.points)
	slices.SortFunc(points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.high, b.high))
	})
	atRisk, beyond := s.n, 1.0
	var steps []step
	for i := 0; i < len(points); {
		at, died, left := points[i].low, 0.0, 0.0
		for ; i < len(points) && points[i].low == at; i++ {
			if points[i].censored() {
				left += points[i].count
			} else {
				died += points[i].count
			}
		}
		if died > 0 {
			before := beyond
			if beyond *= 1 - died/atRisk; atRisk-died < 1e-9*s.n {
				beyond = 0
			}
			steps = append(steps, step{at, at, 1 - before, 1 - beyond})
		}
		atRisk -= died + left
	}
	return steps
}

// end is one end of an observation: of what it was above, or at most.
type end struct {
	at    float64
	upper bool
	exact bool // the lower end of an exact observation, which includes it
}

// turnbull returns the self-consistent estimate. All of the probability lies in
// the intervals that begin with a lower end and end with the next upper one.
func (s *sample) turnbull() []step {
	var ends []end
	for _, p := range s.points {
		if p.count > 0 {
			ends = append(ends, end{at: p.low, exact: p.exact()}, end{at: p.high, upper: true})
		}
	}
	order := func(e end) int { // at one place: of exact ones the lower end, upper ends, lower ends of what is above
		switch {
		case e.exact:
			return 0
		case e.upper:
			return 1
		}
		return 2
	}
	slices.SortFunc(ends, func(a, b end) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(order(a), order(b))) })
	var from, to []float64
	for i := 1; i < len(ends); i++ {
		if !ends[i-1].upper && ends[i].upper {
			from, to = append(from, ends[i-1].at), append(to, ends[i].at)
		}
	}
	shares := s.selfConsistent(from, to)
	steps := make([]step, len(from))
	total := 0.0
	for i := range steps {
		steps[i] = step{from[i], to[i], total, math.Min(1, total+shares[i])}
		total = steps[i].upto
	}
	return steps
}

// selfConsistent returns the probability of each interval: the mean over the
// observations of what each, under these very probabilities, puts there.
func (s *sample) selfConsistent(from, to []float64) []float64 {
	const most = 2000
	m := len(from)
	first, last := make([]int, len(s.points)), make([]int, len(s.points)) // intervals within each observation
	for i, p := range s.points {
		first[i], _ = slices.BinarySearch(from, p.low)
		if at := first[i]; !p.exact() && at < m && to[at] == p.low {
			first[i]++ // above p.low, where this is no more than it
		}
		last[i], _ = slices.BinarySearchFunc(to, p.high, func(a, b float64) int {
			if a <= b {
				return -1
			}
			return 1
		})
	}
	shares := make([]float64, m)
	for j := range shares {
		shares[j] = 1 / float64(m)
	}
	sums, changes := make([]float64, m+1), make([]float64, m+1)
	for range most {
		for j, share := range shares {
			sums[j+1] = sums[j] + share
		}
		clear(changes)
		for i, p := range s.points {
			if inside := sums[last[i]] - sums[first[i]]; p.count > 0 && inside > 0 {
				changes[first[i]] += p.count / (s.n * inside)
				changes[last[i]] -= p.count / (s.n * inside)
			}
		}
		factor, moved := 0.0, 0.0
		for j := range shares {
			factor += changes[j]
			moved = math.Max(moved, math.Abs(shares[j]*(factor-1)))
			shares[j] *= factor
		}
		if moved < 1e-7 {
			break
		}
	}
	return shares
}

// quantile returns the place at which a measured distribution function reaches
// p, within a stretch evenly; NaN where it never does.
func quantile(steps []step, p float64) float64 {
	for _, st := range steps {
		if st.upto < p-1e-12 {
			continue
		}
		if math.IsInf(st.to, 1) {
			return math.NaN()
		}
		if st.upto <= st.before {
			return st.to
		}
		return st.from + (st.to-st.from)*math.Max(0, p-st.before)/(st.upto-st.before)
	}
	return math.NaN()
}
