package fit

import "math"

// Goodness says how far what was measured lies from what was fitted.
type Goodness struct {
	// Statistic is "Kolmogorov-Smirnov", the greatest distance of the two
	// distribution functions, or "G" for histograms: twice the sum over the
	// buckets of count · log(count/expected).
	Statistic string
	Value     float64
	// PValue is the share of samples from the fitted distribution, each fitted
	// anew, that lie as far off; NaN where none were drawn.
	PValue    float64
	Resamples int
}

// distance returns the statistic of goodness of fit of a survival function.
func (s *sample) distance(steps []step, survival func(x float64) float64) float64 {
	if s.cells {
		return s.gStatistic(survival)
	}
	farthest := 0.0
	for _, st := range steps {
		farthest = math.Max(farthest, math.Abs(st.before-(1-survival(st.from))))
		if !math.IsInf(st.to, 1) {
			farthest = math.Max(farthest, math.Abs(st.upto-(1-survival(st.to))))
		}
	}
	return farthest
}

// statistic names what distance returns.
func (s *sample) statistic() string {
	if s.cells {
		return "G"
	}
	return "Kolmogorov-Smirnov"
}

func (s *sample) gStatistic(survival func(x float64) float64) float64 {
	g := 0.0
	for _, p := range s.points {
		if p.count > 0 {
			expected := s.n * (survival(p.low) - survival(p.high))
			g += 2 * p.count * math.Log(p.count/expected)
		}
	}
	return g
}
