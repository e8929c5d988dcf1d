package fit

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
)

const day = 24 * time.Hour

// ingress are the counts of kubernetes/ingress-nginx issue 3160.
func ingress() StallCounts {
	return StallCounts{Failures: 300, Kills: 47, FailuresOver: 12 * day, KillsOver: 13 * day,
		Period: 10 * time.Second, Timeout: time.Second, FailureThreshold: 3}
}

// TestIngressController reproduces the arithmetic that stands in the gallery's
// scenario, and holds the rates of the fitted process, by the closed form of
// stalls, to the counts.
func TestIngressController(t *testing.T) {
	s, err := ProcessOfStalls(ingress(), 0.95)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "mean length", s.LastsSeconds.Estimate, 14.606, 0.005)
	near(t, "stalls a day", s.PerDay.Estimate, 21.02, 0.01)
	near(t, "failures for each", s.FailuresPerStall, 1.189, 0.001)
	near(t, "every", s.EverySeconds.Estimate, 4094.8, 0.001*4094.8)
	process := calc.Stalls{Every: dist.Duration{Nanoseconds: dist.Exponential(s.Every)}, Lasts: dist.Duration{Nanoseconds: dist.Exponential(s.Lasts)},
		NoAnswer: true, EndsWithProcess: true}
	rates := process.Rates(calc.Settings{Period: 10 * time.Second, Timeout: time.Second, Failures: 3, Successes: 1}, calc.Restart{})
	near(t, "kills of the process", rates.Kills*13*86400, 47, 0.01)
	near(t, "kills if independent", s.IndependentKills, 13*8640/(calc.Run{Failures: 3, Probability: 300.0 / (12 * 8640)}.MeanProbes()), 1e-12)
	if factor := s.Kills.Estimate / s.IndependentKills; factor < 1e4 || factor > 1e5 {
		t.Errorf("independence misses the kills by a factor of %v, want four orders of magnitude", factor)
	}
	if s.Kills.Low < 34 || s.Kills.High > 63 || !(s.LastsSeconds.Low < 14.6 && 14.6 < s.LastsSeconds.High) {
		t.Errorf("%+v", s)
	}
}

// TestCompoundPoisson holds the recursion to the sum over the numbers of each
// size, and to the plain Poisson distribution.
func TestCompoundPoisson(t *testing.T) {
	logs := compoundPoisson([]float64{0, 1.5, 0.7}, 6)
	for n, got := range logs {
		want := 0.0
		for twos := 0; 2*twos <= n; twos++ {
			want += math.Exp(logPoisson(int64(twos), .7) + logPoisson(int64(n-2*twos), 1.5))
		}
		near(t, "probability", math.Exp(got), want, 1e-12)
	}
	near(t, "far out", compoundPoisson([]float64{0, 5000, 0}, 5000)[5000], logPoisson(5000, 5000), 1e-6)
}

// TestStallIntervalsCover draws both counts from a known process many times.
func TestStallIntervalsCover(t *testing.T) {
	const runs, mean, rate = 40, 12.0, 20.0 / 86400
	c := ingress()
	first, stay := stallOdds(c, mean)
	covered := [2]int{}
	for i := range runs {
		r := stream(5, uint64(i), 0)
		c.Failures, c.Kills = 0, 0
		for at := r.ExpFloat64() / rate; at < c.KillsOver.Seconds(); at += r.ExpFloat64() / rate {
			failures := int64(0)
			if r.Float64() < first {
				for failures = 1; failures < 3 && r.Float64() < stay; failures++ {
				}
			}
			if failures == 3 {
				c.Kills++
			}
			if at < c.FailuresOver.Seconds() {
				c.Failures += failures
			}
		}
		s, err := ProcessOfStalls(c, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		if s.LastsSeconds.Low <= mean && mean <= s.LastsSeconds.High {
			covered[0]++
		}
		if s.PerDay.Low <= rate*86400 && rate*86400 <= s.PerDay.High {
			covered[1]++
		}
	}
	for i, n := range covered {
		if share := float64(n) / runs; share < .8 || share > .98 {
			t.Errorf("interval %d covered in %v of the cases, want 0.9", i, share)
		}
	}
}

// TestNoKills gives an upper bound of the length, under which nothing killed is
// as likely as the confidence says.
func TestNoKills(t *testing.T) {
	c := ingress()
	c.Kills = 0
	s, err := ProcessOfStalls(c, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(s.LastsSeconds.Estimate) || s.LastsSeconds.Low != 0 || !(s.LastsSeconds.High > 0.5 && s.LastsSeconds.High < 8) || len(s.Notes) == 0 {
		t.Errorf("%+v", s)
	}
}

func TestCountsRefused(t *testing.T) {
	for want, change := range map[string]func(*StallCounts){
		"failures: 0":            func(c *StallCounts) { c.Failures = 0 },
		"kills: -1":              func(c *StallCounts) { c.Kills = -1 },
		"kills: 200: every kill": func(c *StallCounts) { c.Kills = 200 },
		"over: ":                 func(c *StallCounts) { c.FailuresOver = 0 },
		"timeout: 11s":           func(c *StallCounts) { c.Timeout = 11 * time.Second },
		"failure-threshold: 1":   func(c *StallCounts) { c.FailureThreshold = 1 },
		"makes 8640 attempts":    func(c *StallCounts) { c.Failures, c.FailuresOver = 9000, day },
		"for more than half":     func(c *StallCounts) { c.Failures, c.FailuresOver, c.Kills, c.KillsOver = 6000, day, 100, day },
	} {
		c := ingress()
		change(&c)
		if _, err := ProcessOfStalls(c, 0.95); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
