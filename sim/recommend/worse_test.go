package recommend

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// safetyOf returns the safety of a world's settings in one objective, which is met.
func safetyOf(t *testing.T, w *model.World, o model.Objective) Safety {
	t.Helper()
	s, err := newSearch(t.Context(), w, Options{Options: estimate.Options{Seed: 1, Objectives: []model.Objective{o}}}, observed{attempts: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	all, err := s.safety(s.current(), &Proposal{Objectives: []estimate.Verdict{{Met: &yes}}}, new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// standsIn says how an objective stands in the full simulation of a world made worse.
func standsIn(t *testing.T, w *model.World, by worsening, o model.Objective) standing {
	t.Helper()
	options := estimate.Options{Seed: 77, Horizon: time.Minute, Replications: 48, Faults: 1, Objectives: []model.Objective{o}, Plain: true}
	if o.Measure == "recoverySeconds" {
		options.Faults = 16
	}
	estimates, err := estimate.Run(t.Context(), []estimate.Named{{Name: "base", World: worsened(w, by)}}, options)
	if err != nil {
		t.Fatal(err)
	}
	return verdict(&estimates.Variants[0])
}

// TestSafetyHolds holds the factors that are found in a few simulated lives against the
// full simulation of the world made a little less and a little more worse than that,
// on other random numbers: of a process that pauses when it has just come up, of starts
// that pauses stretch beyond their budget, and of restarts that other work delays.
func TestSafetyHolds(t *testing.T) {
	pausing := world(nil, probe(model.HTTPGet, 5, 1, 3), probe(model.HTTPGet, 10, 1, 20))
	pausing.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(20 * time.Second), Lasts: dist.Constantly(3 * time.Second)}}

	starting := world(probe(model.HTTPGet, 2, 1, 20), probe(model.HTTPGet, 5, 1, 3), probe(model.HTTPGet, 10, 1, 20))
	starting.Application.Startup = []model.Stage{{Name: "boot", Wait: dist.Constantly(20 * time.Second)}}
	starting.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(100 * time.Second), Lasts: dist.Constantly(4 * time.Second)}}

	busy := world(nil, probe(model.HTTPGet, 5, 1, 3), probe(model.HTTPGet, 5, 1, 6))
	busy.Pod.Containers[0].CPULimitMilli = 500
	busy.Application.Startup = []model.Stage{{Name: "boot", CPU: dist.Constantly(5 * time.Second)}}
	busy.Application.Background = []model.Background{{Every: exponential(4 * time.Second), CPU: exponential(400 * time.Millisecond), Workers: 1}}

	for _, test := range []struct {
		name      string
		world     *model.World
		objective model.Objective
		factor    func(*Safety) *Factor
		kind      func(by float64) worsening
	}{
		{"ready lag, pauses", pausing, atMost("readyLagSeconds", "p99", 14), func(s *Safety) *Factor { return s.Stalls }, worsenings[1]},
		{"startup kills, pauses", starting, atMost("startupKillProbability", "", 0.01), func(s *Safety) *Factor { return s.Stalls }, worsenings[1]},
		{"recovery, all", busy, atMost("recoverySeconds", "p90", 90), func(s *Safety) *Factor { return s.All }, worsenings[0]},
	} {
		safety := safetyOf(t, test.world, test.objective)
		f := test.factor(&safety)
		if f == nil || f.AtLeast <= 1 || f.Below == nil || *f.Below > 2*f.AtLeast {
			t.Errorf("%s: %s, want a factor", test.name, text(safety))
			continue
		}
		const little = 1.1
		if got := standsIn(t, test.world, test.kind(f.AtLeast/little), test.objective); got != met {
			t.Errorf("%s: %v at a little less than %s", test.name, got, text(f))
		}
		if got := standsIn(t, test.world, test.kind(*f.Below*little), test.objective); got != missed {
			t.Errorf("%s: %v at a little more than %s", test.name, got, text(f))
		}
	}
}

// TestSafetyWorkers holds that the factors are the same whoever simulates which life,
// on nodes that differ too: how many lives there are follows from what they cost.
func TestSafetyWorkers(t *testing.T) {
	w := world(probe(model.HTTPGet, 2, 1, 20), probe(model.HTTPGet, 5, 1, 3), probe(model.HTTPGet, 10, 1, 20))
	w.Pod.Containers[0].CPULimitMilli = 500
	w.Application.Startup = []model.Stage{{Name: "boot", CPU: exponential(3 * time.Second), Wait: exponential(time.Second)}}
	stalled := w.Node
	stalled.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "stall", Every: exponential(time.Minute), Lasts: exponential(3 * time.Second)}}}
	w.Node.Classes = []model.NodeClass{{Weight: 1, Node: w.Node}, {Weight: 1, Node: stalled}}
	objectives := []model.Objective{atMost("startupKillProbability", "", 0.1), atMost("readyLagSeconds", "p99", 30)}
	results := map[string]bool{}
	for _, jobs := range []int{1, 2, 7} {
		o := estimate.Options{Seed: 1, Jobs: jobs, Objectives: objectives}
		s, err := newSearch(t.Context(), w, Options{Options: o}, observed{attempts: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		yes := true
		all, err := s.safety(s.current(), &Proposal{Objectives: []estimate.Verdict{{Met: &yes}, {Met: &yes}}}, new(atomic.Bool))
		if err != nil {
			t.Fatal(err)
		}
		results[text(all)] = true
	}
	if len(results) != 1 {
		t.Errorf("%d answers: %v", len(results), results)
	}
}

// TestSafetyOfConstantStarts has arithmetic as its truth (S5), and the full simulation's
// measure, which is that of first starts: the first look at a new pod comes 1.78 s after
// its start where every period has 2 s (K2, K67), so that a start that always takes 10 s
// fits until it takes 39.78 s; behind a pull, which ends at any phase of the grid, until
// it takes the 38 s that the probe guarantees. Where a look gets no answer, it is lost a
// timeout later. Answers that cost CPU time change nothing of that, and there is nothing
// that stalls.
func TestSafetyOfConstantStarts(t *testing.T) {
	boot := model.Stage{Name: "boot", Wait: dist.Constantly(10 * time.Second)}
	silent, pull := boot, []model.Stage{{Name: "pull", Wait: exponential(time.Minute)}}
	silent.Answers = model.AnswersTimeout
	for name, c := range map[string]struct {
		before []model.Stage
		boot   model.Stage
		want   float64
		within float64 // of Below to AtLeast
	}{
		"refused":      {nil, boot, 3.978, safetyRatio * safetyRatio},
		"no answer":    {nil, silent, 4.078, safetyRatio * safetyRatio},
		"behind pulls": {pull, boot, 3.8, safetyRatio*safetyRatio + .5/38},
	} {
		w := world(probe(model.HTTPGet, 2, 1, 20), probe(model.HTTPGet, 5, 1, 3), probe(model.HTTPGet, 10, 1, 3))
		w.Application.BeforeStart, w.Application.Startup = c.before, []model.Stage{c.boot}
		w.Application.Probes[model.Readiness].CPU = dist.Constantly(time.Millisecond)
		safety := safetyOf(t, w, atMost("startupKillProbability", "", 0.0001))
		f := safety.All
		if f == nil || f.Below == nil || f.AtLeast > c.want || *f.Below < c.want || *f.Below > c.within*f.AtLeast+.02 {
			t.Errorf("%s: %s, want the factor %v", name, text(safety), c.want)
			continue
		}
		if safety.Stalls != nil || safety.CPUDemand != nil || *safety.Startup.Below != *f.Below {
			t.Errorf("%s: by kind: %s, want that of starts alone", name, text(safety))
		}
		for factor, holds := range map[float64]bool{f.AtLeast: true, *f.Below + .01: false} {
			worse := worsened(w, worsening{1, 1, factor})
			estimates, err := estimate.Run(t.Context(), []estimate.Named{{Name: "base", World: worse}}, estimate.Options{Seed: 8, Horizon: time.Hour, Replications: 16, Plain: true})
			if err != nil {
				t.Fatal(err)
			}
			if killed := estimates.Variants[0].Measures.StartupKillProbability.Estimate; holds != (killed <= .0001) {
				t.Errorf("%s: %v of the starts that take %v times as long are killed: %s", name, killed, factor, text(safety))
			}
		}
	}
}

// TestSlowedStarts holds the stratified sample of starts against counting all of
// them: pauses stretch starts of differing length, in the worse world by three times
// as much. Any order of the starts is good enough for the share, that by their length
// as things are for one that is rare.
func TestSlowedStarts(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 5, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Startup = []model.Stage{{Name: "boot", Wait: exponential(3 * time.Second)}}
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(5 * time.Minute), Lasts: exponential(5 * time.Second)}}
	const n = 20_000
	stop := new(atomic.Bool)
	took, err := startDurations(w, 1, 0, n, 2, stop)
	if err != nil {
		t.Fatal(err)
	}
	_, order := inOrder(took)
	worse := worsened(w, worsening{3, 1, 1})
	if took, err = startDurations(worse, 1, 0, n, 2, stop); err != nil {
		t.Fatal(err)
	}
	all, _ := inOrder(took)
	for _, share := range []float64{0.1, 0.003} {
		d := all[int((1-share)*n)]
		for name, order := range map[string][]int32{"by length": order, "in any": slices.Sorted(slices.Values(order))} {
			if share < 0.01 && name == "in any" {
				continue
			}
			crew, err := newCrew(worse.WithContainer(loaded(worse.Container())), 2, stop)
			if err != nil {
				t.Fatal(err)
			}
			x := &slowedStarts{crew: crew, before: time.Minute, order: order, enough: 1, confidence: 0.999, seed: 1 ^ startStream, known: map[time.Duration][2]float64{}}
			low, high := x.beyond(d)
			if low > share || high < share || high > 5*share {
				t.Errorf("order %s: %v of the starts take longer than %v, want %v to %v to hold it", name, share, d, low, high)
			}
		}
	}
}

// TestShortened holds that starts whose CPU work is waited through take as long, and
// leave what comes up as throttled, as those that compute it.
func TestShortened(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 5, 1, 3), probe(model.HTTPGet, 60, 1, 30))
	w.Pod.Containers[0].CPULimitMilli = 100
	w.Application.Startup = []model.Stage{{Name: "boot", CPU: exponential(4 * time.Second), Threads: 2}}
	w.Application.Probes[model.Readiness].CPU = dist.Constantly(40 * time.Millisecond)
	shorter := shortened(w)
	if shorter == w || startCost(shorter) > 1.5*costlyStart {
		t.Fatalf("a start costs %v, and shortened %v", startCost(w), startCost(shorter))
	}
	measures := make([]*estimate.Measures, 2)
	for i, w := range []*model.World{w, shorter} {
		estimates, err := estimate.Run(t.Context(), []estimate.Named{{Name: "base", World: w}}, estimate.Options{Seed: 5, Horizon: time.Minute, Replications: 64, Faults: 1, Plain: true})
		if err != nil {
			t.Fatal(err)
		}
		measures[i] = &estimates.Variants[0].Measures
	}
	a, b := measures[0].ReadyLagSeconds, measures[1].ReadyLagSeconds
	if a.P99.High < b.P99.Low || b.P99.High < a.P99.Low || a.P50.High < b.P50.Low || b.P50.High < a.P50.Low {
		t.Errorf("ready lag %+v, shortened %+v", *a, *b)
	}
}
