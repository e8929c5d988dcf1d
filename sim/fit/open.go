package fit

import (
	"cmp"
	"math"
	"slices"

	"github.com/probesim/probesim/model/dist"
)

// mostOpen is how many distributions stand for those that the observations leave
// open, the best fit among them.
const mostOpen = 16

// open returns the best fit, and what else may hold: each family that is not
// hopeless has a part of the rest in proportion to its Akaike weight exp(−Δ/2), the
// probability that it is the best of them (Burnham and Anderson 2002, section 2.9).
// At small samples most of what is not known of a tail is which family it belongs to.
func open(candidates []candidate) []dist.Duration {
	total := 0.0
	for i := range candidates {
		if len(candidates[i].open) > 0 {
			total += math.Exp(-candidates[i].WorseBy / 2)
		}
	}
	if total == 0 {
		return nil
	}
	all := []dist.Duration{candidates[0].Distribution}
	reached := 0.0
	for i := range candidates {
		c := &candidates[i]
		if len(c.open) == 0 {
			continue
		}
		before := math.Round(reached)
		reached += (mostOpen - 1) * math.Exp(-c.WorseBy/2) / total
		n := int(math.Round(reached) - before)
		for j := range n { // the middles of equal groups
			all = append(all, dist.Duration{Nanoseconds: c.open[(2*j+1)*len(c.open)/(2*n)]})
		}
	}
	return all
}

// leftOpen returns distributions of the family that agree with the observations, by
// their 99th percentile, on which verdicts hang. What was fitted to a resample is to
// what that was drawn from as what was fitted is to the truth: so the truth may be
// the fit's parameters times their ratio to those of a resample. Shifts and parts of
// mixtures have no ratios, and what was fitted to the resamples stands for them.
func (c *candidate) leftOpen(drawn []replicate, scale float64) []dist.Dist {
	type ranked struct {
		of  dist.Dist
		p99 float64
	}
	var all []ranked
	for _, r := range drawn {
		of := slices.Clone(r.of)
		if c.Parameters <= 2 && slices.Min(of) > 0 && slices.Min(c.of) > 0 {
			for i := range of {
				of[i] = c.of[i] * c.of[i] / of[i]
			}
		}
		d := c.family.dist(of, scale)
		all = append(all, ranked{d, d.Quantile(.99)})
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.p99, b.p99) })
	out := make([]dist.Dist, len(all))
	for i := range all {
		out[i] = all[i].of
	}
	return out
}
