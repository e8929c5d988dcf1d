package fit

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/probesim/probesim/model/dist"
)

// point is an observation in units of its sample's scale: exact where high
// equals low, cut off where high is +Inf, else between the two.
type point struct{ low, high, count float64 }

func (p point) exact() bool    { return p.high == p.low }
func (p point) censored() bool { return math.IsInf(p.high, 1) }

// middle is where an observation is taken to lie when one place must be named.
func (p point) middle() float64 {
	if p.censored() {
		return p.low
	}
	return p.low + (p.high-p.low)/2
}

// sample is a set of observations in order, in a unit in which they are near 1.
type sample struct {
	points  []point
	n       float64 // observations
	events  float64 // those that are not cut off
	exactly float64 // those that are known exactly
	scale   float64 // nanoseconds
	cells   bool    // the points are the buckets of a histogram, empty ones included
}

const (
	// leastEvents is the number of completed observations below which no family
	// can be told from another.
	leastEvents = 3
	// manyObservations is the number from which values are rounded to three
	// significant digits and counted, so that the cost does not grow with them.
	manyObservations = 5000
)

// newSample prepares observations. cells says that they are buckets.
func newSample(observations []dist.Observation, cells bool) (*sample, []string, error) {
	s := &sample{cells: cells}
	var middles []float64
	for i, o := range observations {
		if o.Low < 0 || o.High < o.Low || !(o.Count >= 0) || math.IsInf(o.Count, 1) {
			return nil, nil, fmt.Errorf("observation %d: %v to %v, counted %v: must be an interval from 0 on, with a count", i+1, o.Low, o.High, o.Count)
		}
		if o.Count == 0 && !cells {
			continue
		}
		p := point{float64(o.Low), float64(o.High), o.Count}
		if o.High == dist.Unbounded {
			p.high = math.Inf(1)
		}
		s.points = append(s.points, p)
		if o.Count > 0 && p.middle() > 0 {
			middles = append(middles, p.middle())
		}
	}
	if len(middles) == 0 {
		return nil, nil, errors.New("no duration above 0 was observed")
	}
	slices.Sort(middles)
	s.scale = middles[len(middles)/2]
	for i := range s.points {
		s.points[i].low /= s.scale
		s.points[i].high /= s.scale
	}
	var notes []string
	if zeros := s.liftZeros(middles[0] / s.scale); zeros > 0 {
		notes = append(notes, fmt.Sprintf("%v observations of 0 are taken as anything up to the least one above it", zeros))
	}
	if s.settle(); s.n > manyObservations && !cells {
		s.condense()
		notes = append(notes, "so many observations are rounded to three significant digits, and counted")
	}
	if s.events < leastEvents {
		return nil, nil, fmt.Errorf("%v completed observations: at least %d are needed", s.events, leastEvents)
	}
	return s, notes, nil
}

// liftZeros makes observations of exactly 0, which most families cannot yield,
// intervals up to the least value seen.
func (s *sample) liftZeros(least float64) (zeros float64) {
	for i := range s.points {
		if p := &s.points[i]; p.high == 0 && !s.cells {
			p.high = least
			zeros += p.count
		}
	}
	return zeros
}

// settle sorts the points and counts them.
func (s *sample) settle() {
	slices.SortFunc(s.points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.high, b.high))
	})
	s.n, s.events, s.exactly = 0, 0, 0
	for _, p := range s.points {
		s.n += p.count
		if !p.censored() {
			s.events += p.count
		}
		if p.exact() {
			s.exactly += p.count
		}
	}
}

// condense rounds values to three significant digits and joins equal ones.
func (s *sample) condense() {
	for i := range s.points {
		s.points[i].low, s.points[i].high = rounded(s.points[i].low), rounded(s.points[i].high)
	}
	s.settle()
	joined := s.points[:0]
	for _, p := range s.points {
		if last := len(joined) - 1; last >= 0 && joined[last].low == p.low && joined[last].high == p.high {
			joined[last].count += p.count
			continue
		}
		joined = append(joined, p)
	}
	s.points = joined
}

// rounded rounds to three significant digits.
func rounded(x float64) float64 {
	if x == 0 || math.IsInf(x, 1) {
		return x
	}
	unit := math.Pow(10, math.Floor(math.Log10(x))-2)
	return math.Round(x/unit) * unit
}

// constant returns a value that all observations allow at once, if there is
// one: then no spread can be seen in them.
func (s *sample) constant() (float64, bool) {
	low, high := 0.0, math.Inf(1)
	for _, p := range s.points {
		if p.count > 0 {
			low, high = math.Max(low, p.low), math.Min(high, p.high)
		}
	}
	return low + (high-low)/2, low <= high
}

// least returns the least value that an observation allows.
func (s *sample) least() float64 {
	least := math.Inf(1)
	for _, p := range s.points {
		if p.count > 0 && !p.censored() {
			least = math.Min(least, p.high)
		}
	}
	return least
}

// logMoments returns the mean and the standard deviation of the logarithms of
// the observations, each taken at its middle.
func (s *sample) logMoments() (mean, deviation float64) {
	square := 0.0
	for _, p := range s.points {
		z := math.Log(math.Max(p.middle(), 1e-9))
		mean += p.count * z
		square += p.count * z * z
	}
	mean /= s.n
	return mean, math.Sqrt(math.Max(square/s.n-mean*mean, 0))
}

// logLikelihood returns the logarithm of the likelihood of the sample under a
// density and a survival function: the density where a value is known, the
// probability of what is known of it elsewhere.
func (s *sample) logLikelihood(logDensity, survival func(x float64) float64) float64 {
	sum := 0.0
	for _, p := range s.points {
		switch {
		case p.count == 0:
		case p.exact():
			sum += p.count * logDensity(p.low)
		case p.censored():
			sum += p.count * math.Log(survival(p.low))
		default:
			sum += p.count * math.Log(survival(p.low)-survival(p.high))
		}
	}
	return sum
}
