package estimate

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/stats"
)

// TestCompare compares settings whose rates are known in closed form (S3), and
// holds the intervals of difference and ratio to contain the truth, and pairing
// to help: the same stalls are behind the kills of both (S14).
func TestCompare(t *testing.T) {
	w := world(probe(10, 1, 3), probe(10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(time.Hour - 10*time.Second), Lasts: exponential(10 * time.Second)}}
	patient := w.WithContainer(w.Container().WithProbe(model.Liveness, probe(10, 6, 3)))
	kills := Figure{"falseKillsPerPodDay", ""}
	c, err := Compare(context.Background(), []Named{{"base", w}, {"patient", patient}, {"same", w}}, []Figure{kills},
		Options{Seed: 1, Horizon: 2 * day, Replications: 48})
	if err != nil {
		t.Fatal(err)
	}
	perDay := func(timeout float64) float64 {
		return 24 * math.Exp(-(timeout+20)/10) * (1 - math.Exp(-1))
	}
	rows := map[string]*Difference{}
	for i := range c.Differences {
		d := &c.Differences[i]
		rows[d.Variant+" "+Figure{d.Measure, d.Statistic}.String()] = d
	}
	d := rows["patient falseKillsPerPodDay"]
	contains(t, "difference", &d.Difference, perDay(6)-perDay(1))
	contains(t, "ratio", &d.Ratio, perDay(6)/perDay(1))
	if d.VarianceReduction == nil || *d.VarianceReduction < 1.2 {
		t.Errorf("variance reduction %v, want well above 1", d.VarianceReduction)
	}
	if len(c.Undecided) > 0 {
		t.Errorf("undecided: %q", c.Undecided)
	}
	for name, d := range rows {
		if (Figure{d.Measure, d.Statistic}).isShare() && !(d.Difference.Low >= -1 && d.Difference.High <= 1) {
			t.Errorf("%s: two shares differ by %+v", name, d.Difference)
		}
	}
	hang := rows["patient detectionSeconds.p90"]
	contains(t, "difference of a quantile", &hang.Difference, 5)
	if *hang.VarianceReduction < 5 {
		t.Errorf("variance reduction of a quantile %v", *hang.VarianceReduction)
	}
	for name, same := range rows {
		if same.Variant == "same" && same.Difference.Estimate != 0 {
			t.Errorf("%s: the same settings differ by %g", name, same.Difference.Estimate)
		}
	}
}

// TestCompareNothingSeen holds that no difference between two rates that were
// both too small to see is no proof that there is none.
func TestCompareNothingSeen(t *testing.T) {
	w := world(nil, probe(10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(1000 * day), Lasts: exponential(10 * time.Second)}}
	patient := w.WithContainer(w.Container().WithProbe(model.Liveness, probe(10, 2, 3)))
	c, err := Compare(context.Background(), []Named{{"base", w}, {"patient", patient}}, []Figure{{"falseKillsPerPodDay", ""}},
		Options{Seed: 1, Horizon: time.Hour, Replications: 4})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range c.Differences {
		if d.Measure != "falseKillsPerPodDay" {
			continue
		}
		if bound := d.Before.High; !(bound > 0) || d.Difference.Low != -bound || d.Difference.High != bound || !math.IsInf(d.Ratio.High, 1) || d.Ratio.Low != 0 {
			t.Errorf("%+v", d)
		}
	}
	if len(c.Undecided) != 1 {
		t.Errorf("undecided: %q", c.Undecided)
	}
}

// TestCompareStops holds the stopping rule to the difference, which needs fewer
// replications than the values themselves (S11).
func TestCompareStops(t *testing.T) {
	w := world(nil, probe(10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(time.Hour), Lasts: exponential(20 * time.Second)}}
	patient := w.WithContainer(w.Container().WithProbe(model.Liveness, probe(10, 9, 3)))
	kills := []Figure{{"falseKillsPerPodDay", ""}}
	c, err := Compare(context.Background(), []Named{{"base", w}, {"patient", patient}}, kills, Options{Seed: 1, Horizon: day, Precision: .001, Limit: 256})
	if err != nil {
		t.Fatal(err)
	}
	if c.Replications > 64 || len(c.Undecided) > 0 {
		t.Errorf("%d replications, undecided %q", c.Replications, c.Undecided)
	}
	if _, err := Compare(context.Background(), []Named{{"base", w}}, kills, Options{}); err == nil {
		t.Error("one variant was compared with nothing")
	}
}

// TestCompareRareKills: false kills that only splitting sees are compared as it
// estimates them, held to the exact chains, and a run does not wait for others.
func TestCompareRareKills(t *testing.T) {
	often, seldom := rareFailures(.01, 5), rareFailures(.01, 6)
	for _, w := range []*model.World{often, seldom} {
		w.Application.Startup = nil // no start can be lost
	}
	c, err := Compare(t.Context(), []Named{{"base", often}, {"patient", seldom}}, []Figure{{"falseKillsPerPodDay", ""}},
		Options{Seed: 1, Horizon: day, Confidence: .99, Precision: .3, Jobs: 2})
	if err != nil {
		t.Fatal(err)
	}
	if c.Replications != pilotReplications || len(c.Undecided) > 0 || !hasNote(&c.Variants[0], "none had a false kill") {
		t.Errorf("%d replications, undecided %q, notes %q", c.Replications, c.Undecided, c.Variants[0].Notes)
	}
	var rates []float64
	for _, w := range []*model.World{often, seldom} {
		chain, err := calc.NewChain(w)
		if err != nil {
			t.Fatal(err)
		}
		rates = append(rates, chain.KillsPerSecond()*day.Seconds())
	}
	d := &c.Differences[figureAt(c, "falseKillsPerPodDay")]
	contains(t, "difference", &d.Difference, rates[1]-rates[0])
	contains(t, "ratio", &d.Ratio, rates[1]/rates[0])
	if d.Difference.High >= 0 || d.Ratio.High > .02 {
		t.Errorf("difference %+v, ratio %+v", d.Difference, d.Ratio)
	}
}

// TestApart holds the interval of a difference and a ratio of independent estimates
// to what it is by hand.
func TestApart(t *testing.T) {
	x, y := stats.Estimate{Estimate: 10, Low: 7, High: 14}, stats.Estimate{Estimate: 4, Low: 1, High: 8}
	if d := apart(&x, &y); d.Estimate != -6 || d.Low != -11 || d.High != -1 {
		t.Errorf("difference %+v, want -6 from -11 to -1", d)
	}
	x, y = stats.Estimate{Estimate: 4, Low: 1, High: 4 * math.Exp(3)}, stats.Estimate{Estimate: 8, Low: 8 * math.Exp(-4), High: 8}
	if r := quotientApart(&x, &y); r.Estimate != 2 || math.Abs(r.Low-2*math.Exp(-5)) > 1e-12 || math.Abs(r.High-8) > 1e-12 {
		t.Errorf("ratio %+v, want 2 from 2·e⁻⁵ to 8", r)
	}
	none := stats.Estimate{High: 3}
	if r := quotientApart(&x, &none); r.Estimate != 0 || r.Low != 0 || r.High != 3 {
		t.Errorf("ratio of none seen %+v", r)
	}
	if r := quotientApart(&none, &x); !math.IsInf(r.High, 1) || r.Low != 0 {
		t.Errorf("ratio to none seen %+v", r)
	}
}
