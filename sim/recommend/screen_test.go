package recommend

import (
	"context"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// TestExtend has answers that are late independently with probability q: of n
// attempts n·(1−q)·q^F begin a run of at least F (S1). What a path has seen of the
// short runs has to lead to the long ones, and its bound has to lie above.
func TestExtend(t *testing.T) {
	const attempts, q, period = 100_000, 0.2, 10
	p := path{period: period * time.Second, phases: 1, time: attempts * period * time.Second}
	for level := range levels[:shortLevels] { // up to a timeout of 1 s
		for n := 1; n <= longestCounted; n++ {
			p.runs[level][n] = int64(math.Round(attempts * math.Pow(1-q, 2) * math.Pow(q, float64(n))))
		}
	}
	p.runs[shortLevels] = p.runs[shortLevels-1]
	p.whole = p.runs
	for _, failures := range []int32{7, 10, 15, 30} {
		rate, low, bound, extended := p.rate(setting{period, 1, failures}, 0.95, true)
		want := (1 - q) * math.Pow(q, float64(failures)) / period
		if !extended || rate < want/2 || rate > 2*want || bound < want || bound > 1e3*want || low > want {
			t.Errorf("%d failures: %.3g (%.3g to %.3g, extended: %v), want %.3g", failures, rate, low, bound, extended, want)
		}
	}
}

// TestExtendedIsNoCertainty has the figures of a node whose busy neighbours slow
// every answer alike: single answers hardly ever take 10 s, but where one took 5 s
// the next one often does. A setting of few failures at a timeout that was never
// missed is no better than the steps in between show.
func TestExtendedIsNoCertainty(t *testing.T) {
	p := path{period: 10 * time.Second, phases: 1, time: 40 * 24 * time.Hour}
	late := []int64{4000, 3000, 2000, 1000, 400} // answers later than 1, 2, 3, 4 and 5 s
	for level := range levels {
		i := max(0, level-shortLevels+1)
		if i < len(late) {
			for n := 1; n <= 12; n++ {
				p.runs[level][n] = late[i] >> n
			}
		}
	}
	p.whole = p.runs
	rate, _, _, extended := p.rate(setting{10, 10, 3}, 0.95, true)
	if perYear := rate * year.Seconds(); !extended || perYear < 1e-3 || perYear > 1e3 {
		t.Errorf("%.3g a year, extended: %v", perYear, extended)
	}
}

// slowed is a world in which a neighbour makes answers wait four times as long, a
// minute in half an hour, and short stalls meet it.
func slowed(t *testing.T) *model.World {
	t.Helper()
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	wait, err := dist.FromQuantiles2(0.5, float64(100*time.Millisecond), 0.99, float64(400*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	for k := range w.Application.Probes {
		w.Application.Probes[k].Wait = dist.Duration{Nanoseconds: wait}
	}
	w.Node.Neighbours = []model.Neighbour{{WaitFactor: 4, Busy: exponential(time.Minute), Idle: exponential(30 * time.Minute)}}
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponential(6 * time.Hour), Lasts: exponential(3 * time.Second)}}}
	return w
}

// TestChained holds the rates of settings beside a neighbour that slows answers
// against full simulations of them.
func TestChained(t *testing.T) {
	w := slowed(t)
	s, err := newSearch(context.Background(), w, Options{Options: estimate.Options{Seed: 1}}, glance, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []setting{{10, 1, 2}, {10, 1, 3}, {5, 1, 4}, {3, 2, 3}} {
		o := s.option(model.Liveness, at)
		alone := w.WithContainer(w.Container().WithProbe(model.Readiness, nil))
		alone = alone.WithContainer(alone.Container().WithProbe(model.Liveness, at.on(s.base[model.Liveness])))
		v, err := s.alone(context.Background(), estimate.Options{Seed: 9, Horizon: 20 * 365 * 24 * time.Hour, Replications: 8, Plain: true, FewStarts: true, Faults: 1}, estimate.Named{World: alone}, 1)
		if err != nil {
			t.Fatal(err)
		}
		kills := v.Measures.FalseKillsPerPodYear
		if low, high := o.low*year.Seconds(), o.bound*year.Seconds(); o.extended || low > kills.High || high < kills.Low {
			t.Errorf("%v: %.4g false kills a year (%.4g to %.4g), simulated %.4g (%.4g to %.4g)", at, o.rate*year.Seconds(), low, high, kills.Estimate, kills.Low, kills.High)
		}
	}
}

// TestHarmlessNeighbours holds that neighbours of which the closed form can say
// that they hardly ever make an answer late are left to it, and others are not.
func TestHarmlessNeighbours(t *testing.T) {
	for demand, observed := range map[time.Duration]bool{time.Millisecond: false, 300 * time.Millisecond: true} {
		w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
		w.Pod.Containers[0].CPURequestMilli = 500
		w.Node.Neighbours = []model.Neighbour{{CPURequestMilli: 2000, Busy: exponential(time.Minute), Idle: exponential(time.Hour)}}
		for k := range w.Application.Probes {
			w.Application.Probes[k].CPU = dist.Constantly(demand)
		}
		if got := contends(w, bases(w)); got != observed {
			t.Errorf("answers of %v: observed %v, want %v", demand, got, observed)
		}
	}
}

// TestStretchedStarts holds that starts which neighbours stretch far beyond their
// CPU time are looked at until they end.
func TestStretchedStarts(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Pod.Containers[0].CPURequestMilli = 2
	w.Node.CPUs = 1
	w.Node.Neighbours = []model.Neighbour{{CPURequestMilli: 1000, Busy: exponential(time.Hour), Idle: exponential(time.Hour)}}
	w.Application.Startup = []model.Stage{{Name: "boot", CPU: dist.Constantly(time.Second)}}
	starts, err := startDurations(w, 1, 0, 400, 2, new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	if n := slices.Index(starts, dist.Longest); n >= 0 {
		t.Errorf("%d of %d starts never end", len(starts)-n, len(starts))
	}
	if longest := slices.Max(starts); longest < 10*time.Second {
		t.Errorf("the longest start took %v: neighbours stretch none", longest)
	}
}

// TestLasting has answers that are late independently with probability q: whatever the
// run, q/(1−q) late ones follow on average.
func TestLasting(t *testing.T) {
	const attempts, q, period = 1_000_000, 0.5, 10
	p := path{period: period * time.Second, phases: 2, time: 2 * attempts * period * time.Second}
	for level := range levels[:shortLevels] { // up to a timeout of 1 s
		for n := 1; n <= longestCounted; n++ {
			p.runs[level][n] = int64(math.Round(2 * attempts * math.Pow(1-q, 2) * math.Pow(q, float64(n))))
		}
	}
	p.whole = p.runs
	for _, failures := range []int32{1, 3, 8, 30} {
		if got, want := p.lasting(setting{period, 1, failures}, 0.95), q/(1-q); math.Abs(got-want) > 0.15*want { // the counts are whole numbers
			t.Errorf("after %d failures %.3g more on average, want %.3g", failures, got, want)
		}
	}
	if got := p.lasting(setting{period, 5, 3}, 0.95); got < 0 || got > 2*q/(1-q) {
		t.Errorf("beyond every timeout seen %.3g more on average", got)
	}
}

// TestOutOfEndpoints holds the predicted time out of the endpoints by false removals
// against that of the full simulation, where they do not take away what causes them.
func TestOutOfEndpoints(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), nil)
	w.Faults = []model.Fault{{Name: "busy", Every: exponential(time.Hour), Lasts: exponential(time.Minute), Answers: model.FaultFailure, Probes: [model.ProbeKinds]bool{model.Readiness: true}}}
	s, err := newSearch(context.Background(), w, Options{Options: estimate.Options{Seed: 1}}, Options{}.thorough(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []setting{{10, 1, 1}, {10, 1, 3}, {5, 2, 4}, {20, 5, 2}} {
		o := s.option(model.Readiness, at)
		want := o.rate*(float64(at.period)+s.propagation(.5)) + o.lasting
		alone := w.WithContainer(w.Container().WithProbe(model.Readiness, at.on(s.base[model.Readiness])).WithProbe(model.Liveness, nil))
		v, err := s.alone(context.Background(), estimate.Options{Seed: 9, Horizon: 60 * 24 * time.Hour, Replications: 8, Plain: true, FewStarts: true, Faults: 1}, estimate.Named{World: alone}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := 1 - v.Measures.Availability.Estimate; math.Abs(got-want) > 0.1*want {
			t.Errorf("%v: out of the endpoints %.4g of the time, predicted %.4g", at, got, want)
		}
	}
}

// TestOutages holds the rate at which outages of a dependency take a pod out of the
// endpoints, which is a closed form, against a path on which they are observed.
func TestOutages(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), nil)
	w.Dependencies = []model.OnOff{{Name: "db", Every: exponential(20 * time.Minute), Lasts: exponential(40 * time.Second)}}
	w.Application.Probes[model.Readiness].DependsOn = []int{0}
	s, err := newSearch(context.Background(), w, Options{Options: estimate.Options{Seed: 1}}, glance, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.contended {
		t.Error("a dependency of readiness alone is observed")
	}
	seen, err := s.observeAlone(w, model.Readiness, []observation{itself(5), itself(10), itself(30)}, glance, new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []setting{{5, 1, 1}, {5, 2, 4}, {10, 1, 2}, {10, 10, 3}, {30, 1, 2}} {
		o := s.option(model.Readiness, at)
		rate, low, bound, extended := seen.of(at.period).rate(at, 0.999, false)
		if extended || o.rate < low || o.rate > bound || o.bound < o.rate {
			t.Errorf("%v: %.4g a second (at most %.4g), observed %.4g (%.4g to %.4g)", at, o.rate, o.bound, rate, low, bound)
		}
	}
}
