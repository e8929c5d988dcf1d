package fit

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/stats"
)

// Options say how much to resample.
type Options struct {
	Seed       uint64
	Resamples  int     // samples drawn from each family that is near the best; 0: none
	Confidence float64 // of the intervals, between 0 and 1
}

// Fit is one family fitted to the observations.
type Fit struct {
	Family        string
	Parameters    int // that were fitted; a least value counts twice
	Distribution  dist.Duration
	LogLikelihood float64 // of densities per second
	// AIC is Akaike's criterion 2k − 2 log L with the correction for small
	// samples 2k(k+1)/(n−k−1) of Hurvich and Tsai (1989), n counting the
	// completed observations. WorseBy is its distance from the least.
	AIC, WorseBy float64
	Goodness     Goodness
	// Quantiles in seconds, with the spread of those of the samples drawn anew.
	P50, P90, P99 stats.Estimate
}

// Pair is one point of a quantile-quantile chart: what was measured and what
// was fitted at the share P, and where samples of the fitted distribution lie.
type Pair struct{ P, MeasuredSeconds, FittedSeconds, LowSeconds, HighSeconds float64 }

// Result is what was made of one set of observations.
type Result struct {
	Observations, Censored float64 // all, and those that were cut off
	MedianSeconds          float64 // measured, without any family; NaN where it was not reached
	Fits                   []Fit   // the best first; at least one
	Pairs                  []Pair  // of the best
	// Open is what the observations leave open (S16): the best fit first, then the
	// others that may hold, all as likely. Nil: nothing was resampled.
	Open  []dist.Duration
	Notes []string
}

// hopeless is the distance in AIC from the best beyond which a family has
// essentially no support (Burnham and Anderson 2002, section 2.6), so that
// nothing is resampled for it.
const hopeless = 10

// Unlikely is the p-value below which a family is said not to fit.
const Unlikely = 0.01

// quantileShares are those of P50, P90 and P99.
var quantileShares = []float64{0.5, 0.9, 0.99}

// Durations fits every family to the observations, of which buckets says that
// they are all the buckets of a histogram. It is an error if fewer than three
// observations are complete, or none is above 0. When the context ends before
// the resampling does, the context's error is returned.
func Durations(ctx context.Context, observations []dist.Observation, buckets bool, o Options) (*Result, error) {
	s, notes, err := newSample(observations, buckets)
	if err != nil {
		return nil, err
	}
	steps := s.measured()
	r := &Result{Observations: s.n, Censored: s.n - s.events, MedianSeconds: quantile(steps, 0.5) * s.scale / 1e9, Notes: notes}
	if value, ok := s.constant(); ok {
		r.Fits = []Fit{constantFit(value*s.scale, o)}
		r.Notes = append(r.Notes, "no spread can be seen: one value agrees with all observations")
		return r, nil
	}
	candidates := s.candidates()
	if len(candidates) == 0 {
		return nil, fmt.Errorf("no family has a distribution that yields these %v observations", s.n)
	}
	for i := range candidates {
		c := &candidates[i]
		c.WorseBy = c.AIC - candidates[0].AIC
		if err := c.judge(ctx, s, steps, o); err != nil {
			return nil, err
		}
		r.Fits = append(r.Fits, c.Fit)
	}
	r.Pairs, r.Open = candidates[0].pairs, open(candidates)
	r.Notes = append(r.Notes, tellFit(candidates[0].Fit, s)...)
	return r, nil
}

// candidate is a fit on its way.
type candidate struct {
	Fit
	family *family
	place  uint64 // of the family among all
	of     []float64
	pairs  []Pair
	open   []dist.Dist // see leftOpen
}

// candidates fits every family, and returns those that can yield the sample and
// whose parameters are fewer than the observations, the best first.
func (s *sample) candidates() []candidate {
	var all []candidate
	for i, f := range families() {
		k, n := float64(f.parameters), s.events
		if n-k-1 < 1 || s.cells && f.parameters >= len(s.points) {
			continue
		}
		of := f.fit(s, nil)
		if of == nil {
			continue
		}
		likelihood := f.likelihood(s, of)
		if math.IsInf(likelihood, 0) {
			continue
		}
		c := candidate{family: f, place: uint64(i), of: of}
		c.Family, c.Parameters = f.name, f.parameters
		c.Distribution = dist.Duration{Nanoseconds: f.dist(of, s.scale)}
		c.LogLikelihood = likelihood - s.exactly*math.Log(s.scale/1e9)
		c.AIC = 2*k - 2*c.LogLikelihood + 2*k*(k+1)/(n-k-1)
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.AIC, b.AIC) })
	return all
}

// judge adds the goodness of fit and the quantiles, and for the best the pairs.
func (c *candidate) judge(ctx context.Context, s *sample, steps []step, o Options) error {
	c.Goodness = Goodness{Statistic: s.statistic(), PValue: math.NaN(),
		Value: s.distance(steps, func(x float64) float64 { return c.family.survival(c.of, x) })}
	if c.WorseBy > hopeless {
		o.Resamples = 0
	}
	var places []float64
	if c.WorseBy == 0 {
		places = s.places(steps)
	}
	drawn := resampled(ctx, s, c.family, c.of, o, forFamilies+c.place, quantileShares, places)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(drawn) > 0 {
		farther := 0
		for _, r := range drawn {
			if r.distance >= c.Goodness.Value {
				farther++
			}
		}
		c.Goodness.PValue = float64(farther+1) / float64(len(drawn)+1)
		c.Goodness.Resamples = len(drawn)
	}
	for i, to := range []*stats.Estimate{&c.P50, &c.P90, &c.P99} {
		*to = c.spread(i, s, drawn, o.Confidence)
	}
	c.pairs = c.pair(s, steps, drawn, places, o.Confidence)
	c.open = c.leftOpen(drawn, s.scale)
	return nil
}

// spread returns a quantile of the fit with its interval. The ratio of what was
// fitted to a resample to what that was drawn from stands for the ratio of what
// was fitted to the truth; for the exponential family it has the very same
// distribution, and the interval is exact. For others smallSample widens it.
func (c *candidate) spread(i int, s *sample, drawn []replicate, confidence float64) stats.Estimate {
	unit := s.scale / 1e9
	fitted := c.family.dist(c.of, 1).Quantile(quantileShares[i])
	e := stats.Estimate{Estimate: fitted * unit, Low: 0, High: math.Inf(1), Confidence: confidence, Method: "not resampled", N: int64(len(drawn))}
	if len(drawn) == 0 || !(fitted > 0) {
		return e // nothing to compare, or a quantile too small for a number, of which there are no ratios
	}
	var ratios []float64
	for _, r := range drawn {
		ratios = append(ratios, r.quantiles[i]/fitted)
	}
	low, high := ends(ratios, confidence)
	if !(high > 0) {
		return e
	}
	wider := smallSample(s.events, c.Parameters, confidence)
	e.Low, e.High, e.Method = e.Estimate/math.Pow(high, wider), e.Estimate/math.Pow(low, wider), "parametric bootstrap"
	return e
}

// smallSample returns the factor by which intervals of a logarithm are wider
// than samples drawn at the fitted spread say, because the spread itself is
// fitted: Student's t over the normal score, and the bias of the spread of
// greatest likelihood. One parameter alone, a scale, has no such error. Without
// it 95 % intervals of a lognormal from 10 values hold the truth in 90 %.
func smallSample(n float64, parameters int, confidence float64) float64 {
	if parameters == 1 {
		return 1
	}
	free := math.Max(n-float64(parameters-1), 1)
	t := distuv.StudentsT{Sigma: 1, Nu: free}.Quantile((1 + confidence) / 2)
	return t / mathext.NormalQuantile((1+confidence)/2) * math.Sqrt(n/free)
}

// ends returns the values that leave out half of 1 − confidence at each side.
func ends(values []float64, confidence float64) (low, high float64) {
	slices.Sort(values)
	n := len(values)
	rank := int(float64(n+1) * (1 - confidence) / 2)
	rank = min(max(rank, 1), (n+1)/2)
	return values[rank-1], values[n-rank]
}

// mostPairs is the number of points that a chart can show.
const mostPairs = 200

// places returns the shares at which measured and fitted quantiles are set
// against each other: the middle of each jump of the measured distribution, and
// the end of each stretch over which it rises no one knows how.
func (s *sample) places(steps []step) []float64 {
	var places []float64
	every := 1 + len(steps)/mostPairs
	for i, st := range steps {
		nearEnds := i < 10 || i >= len(steps)-10
		at := (st.before + st.upto) / 2
		if st.from < st.to {
			at = st.upto
		}
		if st.upto > st.before && !math.IsInf(st.to, 1) && at < 1-1e-9 && (nearEnds || i%every == 0) {
			places = append(places, at)
		}
	}
	return places
}

// pair sets measured quantiles against fitted ones.
func (c *candidate) pair(s *sample, steps []step, drawn []replicate, places []float64, confidence float64) []Pair {
	var pairs []Pair
	unit := s.scale / 1e9
	d := c.family.dist(c.of, 1)
	for i, p := range places {
		pair := Pair{P: p, MeasuredSeconds: quantile(steps, p) * unit, FittedSeconds: d.Quantile(p) * unit, LowSeconds: math.NaN(), HighSeconds: math.NaN()}
		var seen []float64
		for _, r := range drawn {
			if !math.IsNaN(r.measured[i]) {
				seen = append(seen, r.measured[i]*unit)
			}
		}
		if len(seen) > len(drawn)/2 {
			pair.LowSeconds, pair.HighSeconds = ends(seen, confidence)
		}
		pairs = append(pairs, pair)
	}
	return pairs
}

// constantFit is the result for observations in which no spread can be seen.
func constantFit(nanoseconds float64, o Options) Fit {
	at := stats.Estimate{Estimate: nanoseconds / 1e9, Low: nanoseconds / 1e9, High: nanoseconds / 1e9, Confidence: o.Confidence, Method: "constant"}
	return Fit{Family: "constant", Parameters: 1, Distribution: dist.Constantly(time.Duration(math.Round(nanoseconds))),
		LogLikelihood: math.NaN(), AIC: math.NaN(), Goodness: Goodness{Statistic: "none", Value: math.NaN(), PValue: math.NaN()}, P50: at, P90: at, P99: at}
}

// tellFit says what of the best fit should not be trusted.
func tellFit(best Fit, s *sample) []string {
	var notes []string
	if best.Goodness.PValue < Unlikely {
		notes = append(notes, fmt.Sprintf("no family fits: the best one, %s, lies farther from the measurements than all but %.2g of samples drawn from it; {samples: FILE} or {histogram: FILE} uses the measurements as they are",
			best.Family, best.Goodness.PValue))
	}
	if s.n < 100 {
		notes = append(notes, fmt.Sprintf("the 99th percentile is an extrapolation: with %v observations none lies that far out for certain", s.n))
	}
	if share := (s.n - s.events) / s.n; share > 0.5 {
		notes = append(notes, fmt.Sprintf("%.2g %% of the observations were cut off: the upper half is the family's word, not the measurements'", 100*share))
	}
	return notes
}
