package plots

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

// sensitive are the charts of inputs and efforts, for examples.
func sensitive() map[string]Chart {
	return map[string]Chart{
		"risk": risk(), "risk-free": &Risk{Scenario: "quiet", Seed: 1, Entries: risk().Entries[:3]},
		"tornado": tornado(), "tornado-still": &Tornado{Scenario: "still", Figure: kills, Inputs: []TornadoInput{{Path: "run.horizon", Value: "1d"}}},
		"comparison": comparison(), "convergence": convergence(), "convergence-alone": &Convergence{Scenario: "x", Figure: kills, Points: convergence().Points[:1]},
		"limits": limits(), "limits-unlimited": &Limits{Scenario: "none", Kind: model.Readiness, Timeout: time.Second, Limits: limits().Limits[6:]},
	}
}

var kills = estimate.Figure{Measure: "falseKillsPerPodYear"}

// risk are the verdicts of stalls that come twice a day and last 8 s on average
// (S3), which a timeout shortens.
func risk() *Risk {
	r := &Risk{Scenario: "ingress-controller", Seed: 1, CPULimit: "500m",
		Current: &model.Probe{PeriodSeconds: 10, TimeoutSeconds: 1, FailureThreshold: 3}, Recommended: &model.Probe{PeriodSeconds: 15, TimeoutSeconds: 5, FailureThreshold: 8},
		MaxDetectionSeconds: 150, MaxFalseKillsPerPodYear: 0.1}
	for _, period := range []int32{1, 2, 3, 5, 10, 15, 20, 30, 60} {
		for _, timeout := range []int32{1, 2, 3, 5, 10, 15, 20, 30} {
			for _, failures := range []int32{1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30} {
				if timeout > period {
					continue
				}
				tolerated := float64((failures-1)*period + timeout)
				rate := 2 * 365 * math.Exp(-tolerated/8)
				r.Entries = append(r.Entries, recommend.Entry{PeriodSeconds: period, TimeoutSeconds: timeout, FailureThreshold: failures,
					VerdictsPerPodYear: calc.Number(rate), AtMost: calc.Number(1.2 * rate), P99Seconds: calc.Number(tolerated + .99*float64(period))})
			}
		}
	}
	return r
}

// differing returns a difference with intervals of so many parts of the values.
func differing(f estimate.Figure, variant string, before, after, spread float64) estimate.Difference {
	within := func(x, half float64) stats.Estimate {
		return stats.Estimate{Estimate: x, Low: x - half, High: x + half, Confidence: 0.95, Method: "jackknife"}
	}
	return estimate.Difference{Variant: variant, Against: "base", Measure: f.Measure, Statistic: f.Statistic,
		Before: within(before, spread*before), After: within(after, spread*after),
		Difference: within(after-before, spread*math.Max(before, after)), Ratio: within(after/before, spread*after/before)}
}

func tornado() *Tornado {
	t := &Tornado{Scenario: "ingress-controller", Seed: 1, Figure: kills}
	for _, input := range []struct {
		path, value, smaller, greater string
		less, more                    float64
	}{
		{"livenessProbe.failureThreshold", "3", "2", "4", 4100, 310},
		{"livenessProbe.timeoutSeconds", "1", "", "2", 0, 590},
		{"livenessProbe.periodSeconds", "10", "8", "12", 1780, 900},
		{"faults[0].lasting", "{p50: 12s, p99: 4m}", "{p50: 9.6s, p99: 3m12s}", "{p50: 14.4s, p99: 4m48s}", 980, 1530},
		{"faults[0].every", "30m", "24m", "36m", 1560, 1040},
		{"readinessProbe.periodSeconds", "10", "8", "12", 1251, 1249},
	} {
		one := TornadoInput{Path: input.path, Value: input.value}
		if input.smaller != "" {
			one.Smaller = &TornadoSide{input.smaller, differing(kills, "smaller", 1250, input.less, 0.05)}
		}
		one.Greater = &TornadoSide{input.greater, differing(kills, "greater", 1250, input.more, 0.05)}
		t.Inputs = append(t.Inputs, one)
	}
	return t
}

func comparison() *Comparison {
	removal := estimate.Figure{Measure: "removalSeconds", Statistic: "p99"}
	return &Comparison{Scenario: "ingress-controller", Seed: 1, Differences: []estimate.Difference{
		differing(kills, "a timeout of 5 s", 1250, 610, 0.08), differing(kills, "ten failures", 1250, 2.1, 0.4), differing(kills, "another port", 1250, 1244, 0.03),
		differing(removal, "a timeout of 5 s", 31.2, 35.3, 0.02), differing(removal, "ten failures", 31.2, 31.2, 0.01), differing(removal, "another port", 31.2, 31.4, 0.02),
	}}
}

// convergence is a rate whose interval shrinks by the square root of the
// replications.
func convergence() *Convergence {
	exact := 12.5
	c := &Convergence{Scenario: "stalls", Seed: 1, Figure: kills, Exact: &exact, Method: "stalls (S3)"}
	for i := range 9 {
		n := float64(int(16) << i)
		off := 0.6 * math.Sin(float64(3*i)) / math.Sqrt(n) * 4
		half := 8 / math.Sqrt(n)
		c.Points = append(c.Points, ConvergencePoint{int64(n), stats.Estimate{Estimate: exact + off, Low: exact + off - half, High: exact + off + half, Confidence: 0.95, Method: "Garwood"}})
	}
	return c
}

// limits are those of an answer of 60 ms CPU time, which the quota stretches.
func limits() *Limits {
	l := &Limits{Scenario: "starved-20m", Seed: 1, Kind: model.Liveness, Timeout: time.Second, CurrentMilli: 20, Demand: 13 * time.Millisecond, Period: 100 * time.Millisecond}
	for _, milli := range []int64{10, 20, 30, 50, 70, 100, 150, 200} {
		var took []time.Duration
		for _, d := range startups(500, 0.013, 0.5) {
			wall, _, _ := calc.WallTime(d, milli, l.Period)
			took = append(took, wall)
		}
		l.Limits = append(l.Limits, NewLimit(milli, took, l.Timeout))
	}
	return l
}

// TestSawtooth holds the picture of one answer to the arithmetic of S8: it ends
// when WallTime says, and uses no more than the quota in any period.
func TestSawtooth(t *testing.T) {
	period := 100 * time.Millisecond
	for _, test := range []struct {
		demand time.Duration
		milli  int64
	}{{13 * time.Millisecond, 20}, {2 * time.Millisecond, 20}, {time.Second, 500}, {60 * time.Millisecond, 100}} {
		quota := time.Duration(test.milli) * period / 1000
		corners := sawtooth(test.demand, quota, period)
		wall, _, throttled := calc.WallTime(test.demand, test.milli, period)
		if got := corners[len(corners)-1].at; got != wall {
			t.Errorf("%v at %dm ends after %v, want %v", test.demand, test.milli, got, wall)
		}
		stops := 0
		for _, corner := range corners {
			if corner.throttled {
				stops++
			}
			if corner.left < 0 || corner.left > quota {
				t.Errorf("%v at %dm: %v of %v left", test.demand, test.milli, corner.left, quota)
			}
		}
		if int64(stops) != throttled {
			t.Errorf("%v at %dm is throttled %d times, want %d", test.demand, test.milli, stops, throttled)
		}
	}
}

// TestCliff checks that the cliff is the limit from which on, not one from
// which sometimes, 99 % come in time.
func TestCliff(t *testing.T) {
	of := func(p99 ...time.Duration) *Limits {
		l := &Limits{Timeout: time.Second}
		for i, d := range p99 {
			l.Limits = append(l.Limits, Limit{Milli: int64(i + 1), P99: d, Answers: int(d)}) // no time, no answer
		}
		return l
	}
	for _, test := range []struct {
		limits *Limits
		milli  int64
		found  bool
	}{
		{of(), 0, false}, {of(2 * time.Second), 0, false}, {of(time.Second), 0, false}, // an answer at the timeout is late (K17)
		{of(time.Millisecond), 1, true}, {of(time.Millisecond, 2*time.Second, time.Millisecond), 3, true},
		{of(0, 0), 0, false}, {of(0, time.Millisecond), 2, true}, // where nothing was answered, nothing came in time
	} {
		if milli, found := test.limits.cliff(); milli != test.milli || found != test.found {
			t.Errorf("%v: %d, %t, want %d, %t", test.limits.Limits, milli, found, test.milli, test.found)
		}
	}
}

// TestThinned checks that a thinned survival function keeps its ends, its tail
// and every share to half a percent of itself.
func TestThinned(t *testing.T) {
	steps := survival(startups(20000, 1, 0.5), nil)
	kept := thinned(steps)
	if len(kept) > 4000 || kept[0] != steps[0] || kept[len(kept)-1] != steps[len(steps)-1] {
		t.Errorf("%d of %d steps are left", len(kept), len(steps))
	}
	for _, s := range steps {
		if got := exceed(kept, s.at); got-s.share > 0.006*s.share+1e-12 {
			t.Fatalf("beyond %v: %v, want %v", s.at, got, s.share)
		}
	}
}

// TestShownTimeouts checks that the maps include the timeouts asked about.
func TestShownTimeouts(t *testing.T) {
	r := risk()
	r.Current = &model.Probe{PeriodSeconds: 30, TimeoutSeconds: 20, FailureThreshold: 3}
	r.Recommended = &model.Probe{PeriodSeconds: 30, TimeoutSeconds: 15, FailureThreshold: 3}
	if got := r.timeouts(); !slices.Equal(got, []int32{1, 2, 15, 20}) {
		t.Errorf("maps of the timeouts %v", got)
	}
}
