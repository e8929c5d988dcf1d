package lint

import (
	"math"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
)

var failuresOf = regexp.MustCompile(`failureThreshold(?: to|:) (\d+)`)

// TestStartsKilledFix applies the proposed fix and simulates as many other starts, in
// full, as show that it is enough; and it never grants less than there is. Of starts
// of the same length the budget is that length (S5), and no more.
func TestStartsKilledFix(t *testing.T) {
	lognormal := func(median, p99 float64) dist.Duration {
		return dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(median * 1e9), Sigma: math.Log(p99/median) / 2.3263479}}
	}
	busy := []model.Neighbour{{CPURequestMilli: 4000, Busy: exponential(30 * time.Second), Idle: exponential(5 * time.Minute)}}
	for name, c := range map[string]struct {
		guarded    bool
		stage      model.Stage
		neighbours []model.Neighbour
		stalls     []model.Stall
		most       float64 // seconds of the budget
	}{
		"liveness beside neighbours":     {false, model.Stage{CPU: lognormal(2, 6)}, busy, nil, 300},
		"startup probe and neighbours":   {true, model.Stage{CPU: lognormal(2, 6)}, busy, nil, 300},
		"liveness through stalls":        {false, model.Stage{Wait: always(12 * time.Second)}, nil, []model.Stall{{OnOff: model.OnOff{Every: exponential(3 * time.Minute), Lasts: exponential(15 * time.Second)}}}, 250},
		"a long tail":                    {true, model.Stage{Wait: lognormal(5, 30)}, nil, nil, 250},
		"liveness, always the same time": {false, model.Stage{Wait: always(31 * time.Second)}, nil, nil, 35},
	} {
		t.Run(name, func(t *testing.T) {
			s := subject()
			s.World.Node.CPUs, s.World.Node.Neighbours, s.World.Node.Stalls = 2, c.neighbours, c.stalls
			s.World.Application.Startup = []model.Stage{c.stage}
			s.World.Container().CPURequestMilli = 100
			guard := s.probe(model.Liveness)
			if c.guarded {
				guard = s.probe(model.Startup)
			} else {
				s.take(model.Startup)
			}
			guard.PeriodSeconds, guard.FailureThreshold = 10, 3 // from 20 s on, of a new pod up to 29.8 s
			var err error
			if s.Risk, err = Assess(t.Context(), s.World, false, 1, 1); err != nil {
				t.Fatal(err)
			}
			f := of(Check(s), "starts-killed")
			if f == nil {
				t.Fatalf("not found: %+v", s.Risk.StartupKillProbability)
			}
			match := failuresOf.FindStringSubmatch(f.Fix)
			if match == nil {
				t.Fatalf("no number in %q", f.Fix)
			}
			failures, _ := strconv.Atoi(match[1])
			fixed := *guard
			if !c.guarded {
				fixed = *startupProbeFor(guard)
			}
			fixed.FailureThreshold = int32(failures)
			s.World.Container().Probes[model.Startup] = &fixed
			if budget := float64(calc.SettingsOf(&fixed).Budget(false).Guaranteed); budget < 29.78 || budget > c.most {
				t.Errorf("a budget of %v s (%s: %s)", budget, f.Message, f.Fix)
			}
			m, err := measure(t.Context(), s.World, estimate.Options{Seed: 77, Jobs: 2, Horizon: time.Hour, Replications: 4, Starts: 2500, Faults: 1})
			if err != nil {
				t.Fatal(err)
			}
			if killed := m.StartupKillProbability; killed.Estimate > startsKilledAllowed {
				t.Errorf("with %q %v of the starts are killed, before it %v", f.Fix, killed, s.Risk.StartupKillProbability)
			}
		})
	}
}
