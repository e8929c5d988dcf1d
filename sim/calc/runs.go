package calc

import "math"

// Run is a run of Failures failures in a row, where each probe fails with
// Probability whatever the others do (S1; Feller, An Introduction to
// Probability Theory I, XIII.7). Failures is at least 1.
type Run struct {
	Failures    int
	Probability float64
}

// MeanProbes returns the mean number of probes up to the end of the first run,
// (1−p^F)/((1−p)p^F); +Inf if probes never fail, or if it is beyond float64.
func (r Run) MeanProbes() float64 {
	p, f := r.Probability, float64(r.Failures)
	switch {
	case p <= 0:
		return math.Inf(1)
	case p >= 1:
		return f
	case r.Failures <= 100: // as the sum of p^−k, to the last digit
		mean := 0.0
		for range r.Failures {
			mean = (mean + 1) / p
		}
		return mean
	}
	end := f * math.Log(p) // of p^F
	return -math.Expm1(end) / ((1 - p) * math.Exp(end))
}

// VarianceProbes returns the variance of the number of probes up to the end of
// the first run.
//
// It builds the run one failure at a time: a run of k takes a run of k−1 and one
// more probe which, if it succeeds, makes everything begin again. With M and V
// the mean and variance for k−1, and q = 1−p, that gives M' = (M+1)/p and
// V' = (V + q·p·M'²)/p: sums of positive terms, where Feller's formula loses all
// digits to cancellation as p comes near 1. It takes as many steps as there are
// failures.
func (r Run) VarianceProbes() float64 {
	p, mean, variance := r.Probability, 0.0, 0.0
	switch {
	case p <= 0:
		return math.Inf(1)
	case p >= 1:
		return 0
	}
	for range r.Failures {
		mean = (mean + 1) / p
		variance = (variance + (1-p)*p*mean*mean) / p
		if math.IsInf(mean, 1) {
			return mean // not NaN
		}
	}
	return variance
}

// longestChain is the number of probes up to which Within adds up the chain
// term by term.
const longestChain = 1_000_000

// Within returns the probability of at least one run among n probes.
//
// The first run ends at probe k if the k−F−1 probes before hold none, then one
// succeeds, then F fail: f(k) = s(k−F−1)·q·p^F, with s(k) = 1 − Σ f up to k.
// Adding up the f is exact for probabilities as small as they come. Beyond a
// million probes Feller's root takes over: s(n) = (1−px)/((F+1−Fx)q)·x^−(n+1),
// where x is the root nearest 1 of 1 − x + q·p^F·x^(F+1). What it leaves out is
// less than 2(F−1)p^(n+2)/(F·q(1+p)), which is nothing in a float64 for
// p < F/(F+1) and that n; for a larger p the sum has reached 1 long before.
func (r Run) Within(n int64) float64 {
	f, p := int64(r.Failures), r.Probability
	if n < f || p <= 0 {
		return 0
	}
	if n > longestChain && p < float64(f)/float64(f+1) {
		return r.withinByRoot(float64(n))
	}
	end := math.Pow(p, float64(f))
	happened := end                   // by probe k
	survivors := make([]float64, f+1) // s(k) at k mod (F+1)
	for k := range f {
		survivors[k] = 1
	}
	survivors[f] = 1 - happened
	for k := f + 1; k <= n && happened < 1; k++ {
		happened += survivors[k%(f+1)] * (1 - p) * end // s(k−F−1) is about to be overwritten
		survivors[k%(f+1)] = math.Max(0, 1-happened)
	}
	return math.Min(1, happened)
}

// withinByRoot is Feller's root, written for x = 1 + d, as d is far smaller
// than the spacing of floating-point numbers about 1.
func (r Run) withinByRoot(n float64) float64 {
	f, p, q := float64(r.Failures), r.Probability, 1-r.Probability
	end := q * math.Pow(p, f)
	d := end
	for range 200 {
		next := end * math.Exp((f+1)*math.Log1p(d))
		if math.Abs(next-d) <= 1e-16*next {
			break
		}
		d = next
	}
	return -math.Expm1(math.Log1p(-p*d/q) - math.Log1p(-f*d) - (n+1)*math.Log1p(d))
}
