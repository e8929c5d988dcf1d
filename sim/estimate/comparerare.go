package estimate

import (
	"math"

	"github.com/probesim/probesim/sim/stats"
)

// bySplitting puts the false kills that splitting estimated (S12), of one variant or
// of both, in the place of those that no life of the pairs showed. Splitting's lives
// are not paired, so the difference is that of two estimates apart.
func (c *Comparison) bySplitting() {
	for i := range c.Differences {
		d := &c.Differences[i]
		if !ofKills(d.Measure) || d.Before.Estimate != 0 && d.After.Estimate != 0 {
			continue
		}
		q := Figure{d.Measure, d.Statistic}
		before, after := q.Of(&c.variant(d.Against).Measures), q.Of(&c.variant(d.Variant).Measures)
		if before.Estimate == d.Before.Estimate && after.Estimate == d.After.Estimate {
			continue
		}
		d.Before, d.After, d.VarianceReduction = *before, *after, nil
		d.Difference, d.Ratio = apart(before, after), quotientApart(before, after)
	}
}

func (c *Comparison) variant(name string) *Variant {
	for i := range c.Variants {
		if c.Variants[i].Name == name {
			return &c.Variants[i]
		}
	}
	return nil
}

// apart returns y less x for independent estimates. Each end of the interval is as
// far from the difference as those of both together, by the root of their squares
// (Zou and Donner, Statistics in Medicine 27, 2008).
func apart(x, y *stats.Estimate) stats.Estimate {
	difference := y.Estimate - x.Estimate
	return stats.Estimate{
		Estimate: difference, Confidence: x.Confidence, Method: "from both intervals: the false kills are not paired", N: min(x.N, y.N),
		Low:  difference - math.Hypot(y.Estimate-y.Low, x.High-x.Estimate),
		High: difference + math.Hypot(y.High-y.Estimate, x.Estimate-x.Low),
	}
}

// quotientApart returns y over x in the same way, by the logarithms.
func quotientApart(x, y *stats.Estimate) stats.Estimate {
	e := stats.Estimate{
		Estimate: y.Estimate / x.Estimate, Confidence: x.Confidence, Method: "from both intervals: the false kills are not paired", N: min(x.N, y.N),
		High: math.Inf(1),
	}
	switch {
	case x.Estimate == 0:
	case y.Estimate == 0:
		e.High = y.High / x.Low
	default:
		e.Low = e.Estimate * math.Exp(-math.Hypot(math.Log(y.Estimate/y.Low), math.Log(x.High/x.Estimate)))
		e.High = e.Estimate * math.Exp(math.Hypot(math.Log(y.High/y.Estimate), math.Log(x.Estimate/x.Low)))
	}
	return e
}

// withoutHopeless returns the figures of which more replications can say more: all
// but those of false kills that splitting will estimate for every variant.
func withoutHopeless(p *Part, variants []Named, asked []Figure, o Options) []Figure {
	for i, v := range variants {
		if !p.of(i).hopeless(v.World, o) {
			return asked
		}
	}
	var others []Figure
	for _, q := range asked {
		if !ofKills(q.Measure) {
			others = append(others, q)
		}
	}
	return others
}
