package stats

import "math"

// OfSkewed returns the mean of replications whose values are 0 or above and skewed to
// the right, as products of probabilities are, with an interval by Student's t,
// corrected for skewness (S10). There is no upper end where all are 0. There have to be
// two at the least.
func OfSkewed(values []float64, confidence float64) Estimate {
	n := float64(len(values))
	mean, second, third := 0.0, 0.0, 0.0
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		second += (v - mean) * (v - mean)
		third += (v - mean) * (v - mean) * (v - mean)
	}
	e := Estimate{Estimate: mean, Low: mean, High: mean, Confidence: confidence, Method: "skewness-corrected t over replications", N: int64(len(values))}
	switch {
	case mean == 0:
		e.High = math.Inf(1)
	case second > 0:
		spread, t := math.Sqrt(second/(n-1)/n), StudentT(e.N, confidence)
		e.Low, e.High = corrected(mean, spread, third/math.Pow(second, 1.5), math.Inf(1), t)
		if e.Low <= 0 { // what was seen is more than nothing, as on the scale of the logarithm
			e.Low = mean * math.Exp(-t*spread/mean)
		}
	}
	return e
}
