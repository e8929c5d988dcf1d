package fit

import (
	"math"

	"gonum.org/v1/gonum/optimize"
)

// maximized returns the positive parameters at which the likelihood of the
// sample is greatest, searched from start on by the simplex of Nelder and Mead
// over their logarithms. It returns nil where the family cannot yield the
// sample, or the likelihood grows without bound.
func maximized(f *family, s *sample, start []float64) []float64 {
	logs := make([]float64, len(start))
	for i, x := range start {
		logs[i] = math.Log(math.Min(math.Max(x, 1e-6), 1e6))
	}
	of := make([]float64, len(start))
	lost := func(at []float64) float64 {
		for i, x := range at {
			if math.Abs(x) > 30 {
				return math.Inf(1)
			}
			of[i] = math.Exp(x)
		}
		return -f.likelihood(s, of)
	}
	if math.IsInf(lost(logs), 1) {
		return nil
	}
	settings := &optimize.Settings{
		FuncEvaluations: 800,
		Converger:       &optimize.FunctionConverge{Absolute: 1e-8, Iterations: 15},
	}
	found, err := optimize.Minimize(optimize.Problem{Func: lost}, logs, settings, &optimize.NelderMead{SimplexSize: 0.1})
	if found == nil || err != nil && found.Status == optimize.Failure {
		return nil
	}
	for i, x := range found.X {
		if math.Abs(x) > 29 {
			return nil
		}
		of[i] = math.Exp(x)
	}
	return append([]float64(nil), of...)
}
