package estimate

import (
	"context"
	"flag"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/stats"
)

var splittingSeeds = flag.Int("splitting-seeds", 1, "seeds of each case of TestSplitting")

// rareFailures is a pod whose liveness probe, of period 10 s, timeout 1 s and the
// given threshold, fails with probability p whatever else happens.
func rareFailures(p float64, failures int32) *model.World {
	w := world(nil, probe(10, 1, failures))
	w.Application.Probes[model.Liveness].Failure = p
	return w
}

// rareStalls is a pod that stands still once an hour for an exponential time.
func rareStalls(mean time.Duration) *model.World {
	w := world(nil, probe(10, 1, 3))
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponential(time.Hour), Lasts: exponential(mean)}}}
	return w
}

// rareBacklog is an event loop, which answers only between jobs of its own: one a
// minute, of exponential length.
func rareBacklog(mean time.Duration) *model.World {
	w := world(nil, probe(10, 1, 3))
	w.Application.Threads = 1
	w.Application.Probes[model.Liveness].CPU = dist.Constantly(time.Microsecond)
	w.Application.Background = []model.Background{{Every: exponential(time.Minute), CPU: exponential(mean), Workers: 1}}
	return w
}

// TestSplitting holds splitting against the exact chain at about 1e-6, 1e-9 and
// 1e-12 kills per probe (S12). With -splitting-seeds 200 it measures coverage and
// bias. At 1e-12 most kills are those of two stalls, so no single way leads up.
func TestSplitting(t *testing.T) {
	for _, c := range []struct {
		name string
		w    *model.World
		gain float64
	}{
		{"independent 1e-6", rareFailures(.01, 3), 10},
		{"independent 1e-9", rareFailures(.0316, 6), 1000},
		{"independent 1e-12", rareFailures(.01, 6), 1e5},
		{"stalls 1e-6", rareStalls(2820 * time.Millisecond), 10},
		{"stalls 1e-9", rareStalls(1570 * time.Millisecond), 1000},
		{"stalls 1e-12", rareStalls(1070 * time.Millisecond), 1e4},
		{"backlog 1e-7", rareBacklog(time.Second), 500},
		{"backlog 1e-9", rareBacklog(500 * time.Millisecond), 2e4},
	} {
		if *splittingSeeds == 1 && strings.HasSuffix(c.name, "1e-6") {
			continue // seen by plain simulation too
		}
		t.Run(c.name, func(t *testing.T) {
			chain, err := calc.NewChain(c.w)
			if err != nil {
				t.Fatal(err)
			}
			truth := chain.KillsPerSecond() * day.Seconds()
			const confidence = .95
			covered, gains := 0, 0.0
			var estimates []float64
			for seed := range *splittingSeeds {
				rare, _ := Split(t.Context(), c.w, uint64(seed+1), Splitting{Search: 2 * year, Confidence: confidence})
				if rare == nil {
					t.Fatal("nothing to begin with")
				}
				if rare.Kills.Low <= truth && truth <= rare.Kills.High {
					covered++
				}
				gains += rare.Gain / float64(*splittingSeeds)
				estimates = append(estimates, rare.Kills.Estimate)
				if e := rare.Kills; *splittingSeeds == 1 && (math.Abs(math.Log(e.Estimate/truth)) > 2*math.Log(e.High/e.Estimate) || e.High > 5*e.Low) {
					t.Errorf("%.4g false kills per day (%.4g to %.4g), exactly %.4g", e.Estimate, e.Low, e.High, truth)
				}
			}
			if gains < c.gain {
				t.Errorf("gain %.3g, want at least %.3g", gains, c.gain)
			}
			if len(estimates) == 1 {
				return
			}
			mean, variance := moments(estimates)
			bias := (mean - truth) / math.Sqrt(variance/float64(len(estimates)))
			t.Logf("%s: %.3g kills per probe, %d seeds: covered %.3f, bias %+.1f standard errors (%+.2f %%), relative error of one %.3f, gain %.3g",
				c.name, chain.KillsPerAttempt(), len(estimates), float64(covered)/float64(len(estimates)), bias, 100*(mean/truth-1), math.Sqrt(variance)/mean, gains)
			if math.Abs(bias) > 4 || float64(covered) < .85*float64(len(estimates)) {
				t.Errorf("biased, or does not cover")
			}
		})
	}
}

// gambler plays for stakes of one: it wins a round with probability 1/3, which is
// half as likely as losing it.
type gambler struct {
	has    int
	random *rand.Rand
}

func (g *gambler) Save(into *int) { *into = g.has }
func (g *gambler) Restore(from *int, seed, life uint64) {
	g.has, g.random = *from, rand.New(rand.NewPCG(seed, life))
}
func (g *gambler) Failures() int32    { return int32(g.has) }
func (g *gambler) Highest() sim.Level { return sim.Level{Failures: int32(g.has)} }
func (g *gambler) Now() time.Duration { return 0 }
func (g *gambler) Climb(level sim.Level) bool {
	for g.has > 0 && g.has < int(level.Failures) {
		if g.random.IntN(3) == 0 {
			g.has++
		} else {
			g.has--
		}
	}
	return g.has > 0
}

// TestGamblersRuin is the algorithm alone: from 1, the gambler reaches 20 before
// 0 with probability 1/(2²⁰ − 1) (Feller I, XIV.2).
func TestGamblersRuin(t *testing.T) {
	const truth, games = 9.5367e-7, 100
	var results []float64
	for i := range uint64(games) {
		random := rand.New(rand.NewPCG(1, i))
		at := &ascent[int]{steps: 1, first: 500, onward: 500, simulator: &gambler{}, random: random, seed: i}
		from := []kept[int]{{random: random, all: []int{1}, seen: 1, mass: 1}}
		var c climbed
		for level := int32(1); level < 20; level++ {
			from = at.climb(from, level, &c)
		}
		results = append(results, massOf(from))
	}
	mean, variance := moments(results)
	if err := math.Sqrt(variance / games); math.Abs(mean-truth) > 3*err || err > .1*truth {
		t.Errorf("reaches 20 with probability %.4g ± %.1g, want %.5g", mean, err, truth)
	}
	if e := overReplications(results, .99); e.Low > truth || e.High < truth {
		t.Errorf("%+v does not contain %g", e, truth)
	}
}

// TestSplittingIsChosen: a run that sees no kill turns to splitting and says so;
// the number of workers does not change it, and one that sees kills is left alone.
func TestSplittingIsChosen(t *testing.T) {
	w := rareFailures(.01, 5)
	v := run(t, w, Options{Seed: 1, Horizon: day, Replications: 32, Jobs: 1})
	chain, err := calc.NewChain(w)
	if err != nil {
		t.Fatal(err)
	}
	truth := chain.KillsPerSecond() * day.Seconds()
	contains(t, "falseKillsPerPodDay", v.Measures.FalseKillsPerPodDay, truth)
	contains(t, "mean time to false kill", v.Measures.MeanTimeToFalseKillSeconds, day.Seconds()/truth)
	within := v.Measures.FalseKillProbability.H8766.Pod
	contains(t, "kill within a year", &within, -math.Expm1(-truth*365.25))
	if !hasNote(v, "multilevel splitting (S12)") || hasNote(v, "no false kill was seen in") && v.Measures.FalseKillsPerPodDay.Estimate == 0 {
		t.Errorf("notes %q", v.Notes)
	}
	if two := run(t, w, Options{Seed: 1, Horizon: day, Replications: 32, Jobs: 2}); encoded(t, two) != encoded(t, v) {
		t.Error("two workers come to other bytes than one")
	}
	if v := run(t, w, Options{Seed: 1, Horizon: day, Replications: 32, Plain: true}); v.Measures.FalseKillsPerPodDay.Estimate != 0 || hasNote(v, "splitting (S12)") {
		t.Errorf("plain: %+v", v.Measures.FalseKillsPerPodDay)
	}
	if v := run(t, rareFailures(.3, 3), Options{Seed: 1, Horizon: day, Replications: 4}); hasNote(v, "splitting") {
		t.Errorf("kills were seen: %q", v.Notes)
	}
}

// TestSplittingReachesThePrecision: where 16 replications of splitting do not reach
// the precision asked for, there are more, twice as many each time (S11), and a run
// says of itself that it stopped for want of kills, not because they are known.
func TestSplittingReachesThePrecision(t *testing.T) {
	w := rareFailures(.01, 6)
	w.Application.Startup = nil // no start can be lost
	chain, err := calc.NewChain(w)
	if err != nil {
		t.Fatal(err)
	}
	wide := run(t, w, Options{Seed: 1, Horizon: day, Precision: .5, Jobs: 2}).Measures.FalseKillsPerPodDay
	v := run(t, w, Options{Seed: 1, Horizon: day, Precision: .1, Jobs: 2})
	narrow := v.Measures.FalseKillsPerPodDay
	contains(t, "falseKillsPerPodDay", narrow, chain.KillsPerSecond()*day.Seconds())
	if wide.N != 16 || narrow.N <= 16 || narrow.RelativeHalfWidth() > .1 {
		t.Errorf("%d replications, and %d to a half-width of %.3f", wide.N, narrow.N, narrow.RelativeHalfWidth())
	}
	if !hasNote(v, "stopped after 64 replications: none had a false kill") || hasNote(v, "not known to a relative half-width") {
		t.Errorf("notes %q", v.Notes)
	}
	met := []model.Objective{{Measure: "falseKillsPerPodDay", Bound: 1}}
	if e := run(t, w, Options{Seed: 1, Horizon: day, Objectives: met, Jobs: 2}).Measures.FalseKillsPerPodDay; e.N != 16 {
		t.Errorf("%d replications where 16 decide", e.N)
	}
}

// TestSplittingSearchesQuietWorlds: where quiet stretches are passed over, first
// failures are searched for in more pod time than the plain simulation had; where
// even so too few come, the note says what is missing.
func TestSplittingSearchesQuietWorlds(t *testing.T) {
	w := rareStalls(1500 * time.Millisecond)
	w.Node.Stalls[0].Every = exponential(20 * day)
	chain, err := calc.NewChain(w)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Seed: 1, Horizon: 30 * day, Replications: 64, Confidence: .99, Faults: 1, Starts: 1}
	rare, why := Split(t.Context(), w, 1, Splitting{Search: 64 * 30 * day, Confidence: .99})
	if rare == nil {
		t.Fatal(why)
	}
	contains(t, "false kills per pod-day", &rare.Kills, chain.KillsPerSecond()*day.Seconds())
	w.Node.Stalls[0].Every = exponential(9000 * day)
	if v := run(t, w, o); !hasNote(v, "it begins with failures of the liveness probe, of which it needs 5 in") {
		t.Errorf("notes %q", v.Notes)
	}
}

// TestSplittingDecidesEarly: half of the replications do where the interval, or the
// bound, leaves room to what an objective allows.
func TestSplittingDecidesEarly(t *testing.T) {
	w := rareStalls(1570 * time.Millisecond)
	unknown := formula{bound: math.Inf(1), startupBound: math.Inf(1)}
	o := Options{Horizon: day, formulas: formulas{w: unknown}, Objectives: []model.Objective{{Measure: "falseKillsPerPodDay", Bound: 1}}}.withDefaults()
	early := new(tally).decidedEarly(&Measures{}, w, o)
	for _, c := range []struct {
		low, estimate, high float64
		givenUp, want       bool
	}{
		{.2, .3, .45, false, true},
		{.2, .3, .6, false, false},
		{.5, 1, 2, false, false},
		{1.5, 2, 3, false, false},
		{2.5, 3, 4, false, true},
		{0, 0, .9, true, true},
		{0, 0, 1.1, true, false},
		{0, 0, 0, false, false}, // it saw nothing
	} {
		if got := early(&Rare{Kills: stats.Estimate{Low: c.low, Estimate: c.estimate, High: c.high}, GivenUp: c.givenUp}); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	chain, err := calc.NewChain(w)
	if err != nil {
		t.Fatal(err)
	}
	for _, enough := range []bool{true, false} {
		rare, _ := Split(t.Context(), w, 1, Splitting{Search: 2 * year, Confidence: .99, Early: func(*Rare) bool { return enough }})
		contains(t, "false kills per pod-day", &rare.Kills, chain.KillsPerSecond()*day.Seconds())
		if want := map[bool]int64{true: 8, false: 16}[enough]; rare.Kills.N != want {
			t.Errorf("%d replications, want %d", rare.Kills.N, want)
		}
	}
}

// TestGain: a factor has two digits and no exponent.
func TestGain(t *testing.T) {
	for factor, want := range map[float64]string{.5: "0.5", 2.04: "2", 37.2: "37", 344: "340", 999: "1000", 1300: "1.3 thousand", 127_400: "130 thousand", 999_600: "1 million", 2.04e8: "200 million", 3e9: "3e+09"} {
		if got := gain(factor); got != want {
			t.Errorf("%g: %q, want %q", factor, got, want)
		}
	}
}

// TestSplittingOfOtherCauses: the same verdicts, however their cause is written,
// where a closed form knows them: a dependency's outages (S3).
func TestSplittingOfOtherCauses(t *testing.T) {
	w := world(nil, probe(10, 1, 3))
	w.Dependencies = []model.OnOff{{Name: "db", Every: exponential(2 * time.Hour), Lasts: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(2e9), Sigma: .8}}}}
	w.Application.Probes[model.Liveness].DependsOn = []int{0}
	chain, err := calc.NewChain(w)
	if err != nil {
		t.Fatal(err)
	}
	rare, _ := Split(t.Context(), w, 1, Splitting{Search: 2 * year, Confidence: .99})
	contains(t, "false kills per pod-day", &rare.Kills, chain.KillsPerSecond()*day.Seconds())
}

// TestSplittingGivesUp: a threshold so high that no excursion comes near it costs
// no more than a low one, and is answered by a bound, not by zero.
func TestSplittingGivesUp(t *testing.T) {
	v := run(t, rareFailures(.05, 1000), Options{Seed: 1, Horizon: day, Replications: 8})
	m := v.Measures.FalseKillsPerPodYear
	if m.Estimate != 0 || m.High <= 0 || m.High > 1.1e-9 {
		t.Errorf("false kills per pod-year %+v", m)
	}
	if !hasNote(v, "given up before the last of 1000 levels") {
		t.Errorf("notes %q", v.Notes)
	}
}

// TestSplittingIsInterrupted: a run that is interrupted does not begin to split,
// and says what the bound is then.
func TestSplittingIsInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	variants := []Named{{Name: "base", World: rareFailures(.01, 6)}}
	o := Options{Seed: 1, Horizon: day, Replications: 4}
	part, _, err := Simulate(ctx, variants, o)
	if err != nil {
		t.Fatal(err)
	}
	interrupt()
	e, err := Report(ctx, part, variants, o, "")
	if err != nil {
		t.Fatal(err)
	}
	if v := &e.Variants[0]; !hasNote(v, "interrupted before multilevel splitting") || v.Measures.FalseKillsPerPodYear.High < 1 {
		t.Errorf("%+v, notes %q", v.Measures.FalseKillsPerPodYear, v.Notes)
	}
}

// TestLongLivesSkipAhead: a thousand years of a pod in a moment, held to the chain.
func TestLongLivesSkipAhead(t *testing.T) {
	w := rareStalls(5 * time.Second)
	w.Node.Stalls[0].Every = exponential(day)
	v := run(t, w, Options{Seed: 1, Horizon: 50 * year, Replications: 8, Confidence: .99})
	chain, err := calc.NewChain(w)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "falseKillsPerPodDay", v.Measures.FalseKillsPerPodDay, chain.KillsPerSecond()*day.Seconds())
	if !hasNote(v, "skipping ahead over quiet stretches") {
		t.Errorf("notes %q", v.Notes)
	}
	if v := run(t, w, Options{Seed: 1, Horizon: day, Replications: 1}); !hasNote(v, "event by event") {
		t.Errorf("notes %q", v.Notes)
	}
}
