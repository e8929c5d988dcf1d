package fit

import (
	"context"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/probesim/probesim/model/dist"
)

// TestAnythingIsFittedOrRefused holds that whatever is observed is refused, or
// leads to distributions whose quantiles are ordered, the best of which is
// first.
func TestAnythingIsFittedOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instant := rapid.Custom(func(t *rapid.T) time.Duration {
			exponent := rapid.Float64Range(0, 18).Draw(t, "exponent")
			return rapid.SampledFrom([]time.Duration{0, 1, time.Second, time.Minute, time.Duration(math.Pow(10, exponent))}).Draw(t, "instant")
		})
		var observations []dist.Observation
		buckets := rapid.IntRange(0, 3).Draw(t, "how") == 0
		if buckets {
			low := time.Duration(0)
			for range rapid.IntRange(1, 8).Draw(t, "cells") {
				high := low + 1 + instant.Draw(t, "width")/10
				observations = append(observations, dist.Observation{Low: low, High: high, Count: float64(rapid.IntRange(0, 1000).Draw(t, "count"))})
				low = high
			}
			observations = append(observations, dist.Observation{Low: low, High: dist.Unbounded, Count: float64(rapid.IntRange(0, 3).Draw(t, "beyond"))})
		} else {
			for range rapid.IntRange(0, 12).Draw(t, "n") {
				o := dist.Observation{Low: instant.Draw(t, "low"), Count: 1}
				switch rapid.IntRange(0, 3).Draw(t, "kind") {
				case 0:
					o.High = dist.Unbounded
				case 1:
					o.High = o.Low + instant.Draw(t, "width")
				default:
					o.High = o.Low
				}
				observations = append(observations, o)
			}
		}
		r, err := Durations(context.Background(), observations, buckets, Options{Seed: 1, Resamples: 3, Confidence: 0.9})
		if err != nil {
			return
		}
		sane(t, r)
	})
}

// TestQuantilesTooSmallForANumber: a gamma through buckets of a nanosecond and of
// a second has a median that is 0 as a number, and no ratio to compare it by.
func TestQuantilesTooSmallForANumber(t *testing.T) {
	observations := []dist.Observation{
		{Low: 0, High: 1, Count: 78},
		{Low: 1, High: 2 + time.Second/10, Count: 0},
		{Low: 2 + time.Second/10, High: 3 + time.Second/5, Count: 1},
		{Low: 3 + time.Second/5, High: dist.Unbounded, Count: 0},
	}
	r, err := Durations(context.Background(), observations, true, Options{Seed: 1, Resamples: 3, Confidence: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	sane(t, r)
}

// sane fails unless quantiles and intervals are ordered and the best fit is
// first.
func sane(t interface{ Fatalf(string, ...any) }, r *Result) {
	for i, f := range r.Fits {
		d := f.Distribution
		if !(d.Quantile(0.01) <= d.Quantile(0.5) && d.Quantile(0.5) <= d.Quantile(0.99)) {
			t.Fatalf("%s: quantiles %v, %v, %v", f.Family, d.Quantile(0.01), d.Quantile(0.5), d.Quantile(0.99))
		}
		if i > 0 && !(f.WorseBy >= 0) {
			t.Fatalf("%s is worse by %v", f.Family, f.WorseBy)
		}
		if !(f.P50.Low <= f.P50.High) || math.IsNaN(f.P99.Estimate) {
			t.Fatalf("%s: %+v, %+v", f.Family, f.P50, f.P99)
		}
	}
}
