package fit_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/fit"
)

// Startups of which those longer than 20 s were killed: what was cut off counts
// as longer, not as 20 s, and the fit finds the distribution they came from.
func ExampleDurations() {
	random := rand.New(rand.NewPCG(1, 1))
	var observations []dist.Observation
	for range 400 {
		took := time.Duration(12e9 * math.Exp(0.5*random.NormFloat64()))
		o := dist.Observation{Low: took, High: took, Count: 1}
		if took > 20*time.Second {
			o.Low, o.High = 20*time.Second, dist.Unbounded
		}
		observations = append(observations, o)
	}
	r, err := fit.Durations(context.Background(), observations, false, fit.Options{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.0f of %.0f were cut off; best fit: %s\n", r.Censored, r.Observations, r.Fits[0].Family)
	// Output: 62 of 400 were cut off; best fit: lognormal
}

// The two counts of a published incident give the stalls behind them.
func ExampleProcessOfStalls() {
	s, err := fit.ProcessOfStalls(fit.StallCounts{
		Failures: 300, Kills: 47, FailuresOver: 12 * 24 * time.Hour, KillsOver: 13 * 24 * time.Hour,
		Period: 10 * time.Second, Timeout: time.Second, FailureThreshold: 3,
	}, 0.95)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("stalls of %.1f s (%.0f to %.0f), %.0f a day; independent failures would kill %.4f times\n",
		s.LastsSeconds.Estimate, s.LastsSeconds.Low, s.LastsSeconds.High, s.PerDay.Estimate, s.IndependentKills)
	// Output: stalls of 14.6 s (12 to 18), 21 a day; independent failures would kill 0.0027 times
}
