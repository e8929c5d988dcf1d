package estimate

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/fit"
	"github.com/probesim/probesim/sim/stats"
)

// uncertainStalls stands still once an hour for an exponential time whose mean is
// one of several.
func uncertainStalls(means ...time.Duration) *model.World {
	w := stalling(1)
	var of dist.Uncertain
	for _, mean := range means {
		of = append(of, dist.Exponential(mean))
	}
	w.Application.Pauses[0].Lasts = dist.Duration{Nanoseconds: of}
	return w
}

// killsADay is S3's number of kills that stalls of an exponential length bring, once
// an hour.
func killsADay(mean time.Duration) float64 {
	m := mean.Seconds()
	return 24 * math.Exp(-21/m) * m / 10 * -math.Expm1(-10/m) * 3600 / (3590 + m)
}

// TestUncertainInputs: the interval holds what the alternatives come to, however
// many replications there are, and says that more would not help; the middle is
// that of all; workers and shards change nothing.
func TestUncertainInputs(t *testing.T) {
	means := []time.Duration{9 * time.Second, 10 * time.Second, 11 * time.Second, 12 * time.Second}
	w := uncertainStalls(means...)
	o := Options{Seed: 1, Horizon: 2 * day, Replications: 128, Jobs: 1}
	v := run(t, w, o)
	rate, average := v.Measures.FalseKillsPerPodDay, 0.0
	for _, mean := range means {
		contains(t, "falseKillsPerPodDay, stalls of "+mean.String(), rate, killsADay(mean))
		average += killsADay(mean) / float64(len(means))
	}
	least, most := killsADay(means[0]), killsADay(means[3])
	if rate.Estimate < .9*average || rate.Estimate > 1.1*average || rate.Low < .8*least || rate.High > 1.25*most {
		t.Errorf("%+v, where the alternatives come to %.3g to %.3g, on average %.3g", rate, least, most, average)
	}
	if !hasNote(v, "uncertain inputs (S16): 32 draws") || !hasNote(v, "% of the squared width of falseKillsPerPodDay") || hasNote(v, "closed form beside") {
		t.Errorf("notes %q", v.Notes)
	}
	if perYear := v.Measures.FalseKillsPerPodYear; math.Abs(perYear.High/rate.High-365.25) > 1e-6 {
		t.Errorf("%+v a year, %+v a day", perYear, rate)
	}
	o.Jobs = 3
	if encoded(t, run(t, w, o)) != encoded(t, v) {
		t.Error("workers change the result")
	}
	certain := run(t, w.Draw(2), o).Measures.FalseKillsPerPodDay
	if certain.High-certain.Low > .5*(rate.High-rate.Low) {
		t.Errorf("%+v where the input is known, %+v where it is not", certain, rate)
	}
}

// TestUncertainObjectives are met at the unfavourable end, whatever is known of
// chance: the average meets the bound, and one of the alternatives does not.
func TestUncertainObjectives(t *testing.T) {
	w := uncertainStalls(9*time.Second, 10*time.Second, 11*time.Second, 12*time.Second)
	bound := (killsADay(11*time.Second) + killsADay(12*time.Second)) / 2
	o := Options{Seed: 1, Horizon: 4 * day, Precision: .05, Limit: 1024, Objectives: []model.Objective{{Measure: "falseKillsPerPodDay", Bound: bound}}}
	if v := run(t, w, o); v.Objectives[0].Met != nil || v.Measures.FalseKillsPerPodDay.Estimate > .9*bound {
		t.Errorf("met: %v, with %+v against %.3g", v.Objectives[0].Met, v.Measures.FalseKillsPerPodDay, bound)
	}
	if v := run(t, w.Draw(0), o); v.Objectives[0].Met == nil || !*v.Objectives[0].Met {
		t.Errorf("the best guess alone: met %v, with %+v against %.3g", v.Objectives[0].Met, v.Measures.FalseKillsPerPodDay, bound)
	}
}

// TestSplittingOfUncertainInputs: the interval of splitting holds the rates of all
// draws, which are decades apart.
func TestSplittingOfUncertainInputs(t *testing.T) {
	means := []time.Duration{1500 * time.Millisecond, 1600 * time.Millisecond, 1800 * time.Millisecond, 2 * time.Second}
	rare, _ := Split(t.Context(), uncertainStalls(means...), 1, Splitting{Search: 2 * year, Confidence: .95})
	for _, mean := range means[1:3] {
		contains(t, "kills per pod-day, stalls of "+mean.String(), &rare.Kills, killsADay(mean))
	}
	if !strings.Contains(rare.Kills.Method, "draws of uncertain inputs") {
		t.Errorf("method %q", rare.Kills.Method)
	}
}

// TestFitCarriesItsSpread: what fit leaves open after 24 measurements of a startup,
// simulated, holds the true probability that a start is killed in about as many
// cases as the interval says, where the fit alone does not (S16).
func TestFitCarriesItsSpread(t *testing.T) {
	const seeds, measured = 12, 24
	truth := dist.LogNormal{Mu: math.Log(20e9), Sigma: .4}
	w := world(nil, probe(10, 1, 3))
	first := &model.Probe{Handler: model.Handler{Kind: model.HTTPGet, Target: ":8080/healthz"}, FailureThreshold: 5}
	first.SetDefaults()
	w.Container().Probes[model.Startup] = first
	for k := range w.Application.Probes {
		w.Application.Probes[k].HangCoverage = 0
	}
	starting := func(d dist.Dist) *stats.Estimate {
		w.Application.Startup = []model.Stage{{Wait: dist.Duration{Nanoseconds: d}}}
		return run(t, w, Options{Seed: 1, Horizon: time.Minute, Replications: 32, Jobs: 1}).Measures.StartupKillProbability
	}
	want := starting(truth).Estimate
	carried, alone := 0, 0
	for seed := range int64(seeds) {
		random := stream(uint64(seed), 99, 0)
		var observations []dist.Observation
		for range measured {
			x := time.Duration(truth.Sample(random))
			observations = append(observations, dist.Observation{Low: x, High: x, Count: 1})
		}
		result, err := fit.Durations(t.Context(), observations, false, fit.Options{Seed: 1, Resamples: 60, Confidence: .95})
		if err != nil {
			t.Fatal(err)
		}
		var of dist.Uncertain
		for _, d := range result.Open {
			of = append(of, d.Nanoseconds)
		}
		if e := starting(of); e.Low <= want && want <= e.High {
			carried++
		}
		if e := starting(of[0]); e.Low <= want && want <= e.High {
			alone++
		}
	}
	if carried < 9 || alone > 6 {
		t.Errorf("of %d intervals %d hold the truth, and %d of those of the fit alone", seeds, carried, alone)
	}
}

// TestUncertainDifference: of a comparison the interval holds the difference under
// each alternative, and of inputs that change both alike next to nothing is left
// in the ratio.
func TestUncertainDifference(t *testing.T) {
	means := []time.Duration{9 * time.Second, 10 * time.Second, 11 * time.Second, 12 * time.Second}
	w := uncertainStalls(means...)
	patient := w.WithContainer(w.Container().WithProbe(model.Liveness, probe(10, 4, 3)))
	variants := []Named{{"base", w}, {"patient", patient}}
	o := Options{Seed: 1, Horizon: 4 * day, Replications: 128, Jobs: 1}
	c, err := Compare(context.Background(), variants, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	d := &c.Differences[figureAt(c, "falseKillsPerPodDay")]
	for _, mean := range means {
		share := math.Exp(-3 / mean.Seconds())
		contains(t, "difference, stalls of "+mean.String(), &d.Difference, killsADay(mean)*(share-1))
		contains(t, "ratio, stalls of "+mean.String(), &d.Ratio, share)
	}
	if !strings.HasSuffix(d.Difference.Method, "over the draws of uncertain inputs") || !slices.Contains(c.Variants[0].Notes, drawnDifferences) {
		t.Errorf("method %q, notes %q", d.Difference.Method, c.Variants[0].Notes)
	}
	known, err := Compare(context.Background(), []Named{{"base", w.Draw(2)}, {"patient", patient.Draw(2)}}, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	certain := &known.Differences[figureAt(known, "falseKillsPerPodDay")]
	if width := d.Difference.High - d.Difference.Low; certain.Difference.High-certain.Difference.Low > .7*width || slices.Contains(known.Variants[0].Notes, drawnDifferences) {
		t.Errorf("%+v where the input is known, %+v where it is not", certain.Difference, d.Difference)
	}
}
