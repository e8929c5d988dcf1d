package plots

import (
	"cmp"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

// edges are charts of little, of much, and of what should not come.
func edges() map[string]Chart {
	long := strings.Repeat("a-very-long-name-of-a-scenario ", 20) + strings.Repeat("x", 400)
	one := FrontPoint{10, 1, 3, 30, stats.Estimate{Estimate: 1, Low: 1, High: 1}, ""}
	never := stats.Estimate{Estimate: 0, Low: 0, High: 0, Method: "exact"}
	unknown := stats.Estimate{Estimate: math.NaN(), Low: 0, High: math.Inf(1)}
	charts := map[string]Chart{
		"no lives":       &Timeline{},
		"no trace":       &Timeline{Lives: []Life{{}}},
		"no events":      &Timeline{Lives: []Life{{Trace: &sim.Trace{}}}},
		"no world":       &Timeline{Lives: []Life{{Trace: &sim.Trace{Events: figure2().Lives[0].Trace.Events}}}},
		"window of 0":    &Timeline{Lives: []Life{{Trace: figure2().Lives[0].Trace, From: at(62), To: at(62)}}},
		"window of 1 ns": &Timeline{Lives: []Life{{Trace: figure2().Lives[0].Trace, From: at(62), To: at(62) + 1}}},
		"window of 1 ms": &Timeline{Lives: []Life{{Trace: figure3().Lives[0].Trace, From: at(19), To: at(19.001)}}},
		"100 years":      &Timeline{Lives: []Life{{Trace: figure2().Lives[0].Trace, To: dist.Longest}}},
		"late":           &Timeline{Lives: []Life{{Trace: lateHang()}}},
		"beyond the end": &Timeline{Lives: []Life{{Trace: figure2().Lives[0].Trace, From: at(1000), To: at(2000)}}},
		"long names":     &Timeline{Title: long, Scenario: long, Seed: math.MaxUint64, Lives: []Life{{Name: long, Trace: figure3().Lives[0].Trace}}},
		"other scripts":  &Timeline{Title: "探针 ≤ 1 s → ☠", Scenario: "ελληνικά", Lives: figure1().Lives},
		"crash loop":     crashLoop(),
		"crowded":        crowded(),

		"empty front":           &Front{Kind: model.Liveness},
		"one point":             &Front{Kind: model.Liveness, Points: []FrontPoint{one}},
		"current only":          &Front{Kind: model.Liveness, Current: &one, MaxVerdictsPerPodYear: 1e-9, MaxSeconds: 1e6},
		"current is best":       &Front{Kind: model.Liveness, Points: []FrontPoint{one}, Current: &one, Recommended: &one, MaxSeconds: 60},
		"no kills at all":       &Front{Kind: model.Liveness, Points: []FrontPoint{{1, 1, 1, 2, never, ""}, {60, 30, 30, 1830, never, ""}}, Recommended: &FrontPoint{1, 1, 1, 2, never, ""}},
		"none seen":             &Front{Kind: model.Liveness, Points: []FrontPoint{{1, 1, 1, 2, stats.Estimate{High: 3.7}, ""}, {10, 1, 3, 31, stats.Estimate{High: 3.7}, ""}}},
		"unknown":               &Front{Kind: model.Liveness, Points: []FrontPoint{{1, 1, 1, math.NaN(), unknown, ""}, {1, 1, 2, math.Inf(1), unknown, ""}, one}},
		"huge and small":        &Front{Kind: model.Liveness, Points: []FrontPoint{{1, 1, 1, 1e-3, stats.Estimate{Estimate: 1e9, Low: 1e8, High: 1e10}, ""}, {60, 30, 30, 1e7, stats.Estimate{Estimate: 1e-30, Low: 1e-31, High: 1e-29}, ""}}, MaxSeconds: 30, MaxVerdictsPerPodYear: 0.1},
		"all in one place":      &Front{Kind: model.Liveness, Points: []FrontPoint{one, one, one, one, one}, Current: &one, Recommended: &FrontPoint{11, 1, 3, 30, one.VerdictsPerPodYear, ""}},
		"empty recommendation":  NewFront(&recommend.Recommendation{}, nil),
		"objective beyond axis": &Front{Kind: model.Liveness, Points: []FrontPoint{one}, MaxVerdictsPerPodYear: 1e9, MaxSeconds: 1e-3},

		"no startups":     &Startup{},
		"only a budget":   &Startup{Probe: probe(10, 1, 60)},
		"one startup":     &Startup{Completed: []time.Duration{5 * time.Second}, Probe: probe(1, 1, 1)},
		"startups of 0":   &Startup{Completed: make([]time.Duration, 100), Probe: probe(10, 1, 3)},
		"all killed":      &Startup{Killed: []time.Duration{time.Minute, time.Minute}, Probe: probe(10, 1, 6), KillProbability: &stats.Estimate{Estimate: 1, Low: 0.2, High: 1}},
		"startup of days": &Startup{Completed: []time.Duration{time.Millisecond, 100 * time.Hour}, Probe: probe(300, 1, 1000)},
		"no probe":        &Startup{Completed: startups(50, 3, 1)},
		"model":           modelledStartup(),
		"model only":      &Startup{Model: &dist.Duration{Nanoseconds: dist.Constant(1e10)}, Probe: probe(10, 1, 3)},
		"no answers":      &Answers{},
		"one answer":      &Answers{Took: []time.Duration{time.Second}, Timeout: time.Second},
		"answers at once": &Answers{Took: make([]time.Duration, 50), Timeout: time.Second, Proposed: 30 * time.Second},
		"all too late":    &Answers{Took: startups(50, 1e6, 3), Timeout: time.Second},
		"no delays":       &Delays{},
		"one delay":       &Delays{Detections: []time.Duration{30 * time.Second}, MaxRemovalSeconds: 10},
		"equal delays":    &Delays{Removals: startups(20, 20, 0.1), Detections: startups(20, 20, 0.1), Recoveries: startups(20, 20, 0.1), MaxRemovalSeconds: 20, MaxDetectionSeconds: 20},
		"delays of days":  &Delays{Removals: startups(20, 1, 0.1), Recoveries: startups(20, 1e6, 0.1)},

		"longest name": &Startup{Title: long, Scenario: long, Completed: startups(50, 3, 1), Probe: probe(1, 1, 1)},
	}
	maps.Copy(charts, togetherEdges())
	return charts
}

// crashLoop is a life full of kills and restarts.
func crashLoop() *Timeline {
	s := newStory(1000, probe(5, 1, 2), probe(5, 1, 3), probe(5, 1, 3))
	for i := range 30 {
		t := float64(i) * 30
		s.start(t, i).attempt(model.Startup, t+5, t+5, kubelet.Failure, 1).attempt(model.Startup, t+10, t+10, kubelet.Failure, 0)
		s.kill(t+10, model.Startup).exit(t+12, 143)
	}
	return &Timeline{Scenario: "crash-loop", Lives: []Life{{Trace: s.trace(), To: at(900)}}}
}

// crowded is a life of far more attempts than the page has dots.
func crowded() *Timeline {
	s := newStory(90000, nil, probe(1, 1, 3), probe(1, 1, 3)).start(0, 0).state(1, sim.Serving).ready(1, true, 1)
	s.every(model.Readiness, 1, 2, 86400).every(model.Liveness, 1, 2, 40000)
	s.attempt(model.Liveness, 40002, 40003, kubelet.Timeout, 1).every(model.Liveness, 1, 40004, 86400)
	return &Timeline{Scenario: "crowded", Lives: []Life{{Trace: s.trace(), To: at(86400)}}}
}

func modelledStartup() *Startup {
	s := startup()
	s.Model = &dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(240e9), Sigma: 0.3}}
	return s
}

func TestEdges(t *testing.T) {
	for name, chart := range edges() {
		t.Run(name, func(t *testing.T) {
			checkText(t, chart)
			if chart.Sentence() == "" || strings.Contains(chart.Sentence(), "NaN") || strings.Contains(chart.Sentence(), "Inf") {
				t.Errorf("sentence: %q", chart.Sentence())
			}
			if err := chart.WriteCSV(io.Discard); err != nil {
				t.Error(err)
			}
			checkSVG(t, render(t, "svg", chart))
		})
	}
}

// TestAnyFront draws fronts of any shape.
func TestAnyFront(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		point := func() FrontPoint {
			kills := math.Pow(10, rapid.Float64Range(-12, 6).Draw(r, "kills"))
			p := FrontPoint{rapid.Int32Range(1, 60).Draw(r, "period"), rapid.Int32Range(1, 30).Draw(r, "timeout"), rapid.Int32Range(1, 30).Draw(r, "failures"),
				math.Pow(10, rapid.Float64Range(0, 4).Draw(r, "detection")), stats.Estimate{Estimate: kills, Low: kills / 2, High: kills * 2}, ""}
			if rapid.Bool().Draw(r, "none seen") {
				p.VerdictsPerPodYear.Estimate, p.VerdictsPerPodYear.Low = 0, 0
			}
			if rapid.Bool().Draw(r, "last resort") {
				p.LastResort = "why"
			}
			return p
		}
		f := &Front{Scenario: "any", Kind: rapid.SampledFrom([]model.ProbeKind{model.Readiness, model.Liveness}).Draw(r, "kind"),
			MaxSeconds:            rapid.Float64Range(0, 1000).Draw(r, "most seconds"),
			MaxVerdictsPerPodYear: rapid.Float64Range(0, 10).Draw(r, "most kills")}
		for range rapid.IntRange(0, 40).Draw(r, "points") {
			f.Points = append(f.Points, point())
		}
		current, recommended := point(), point()
		f.Current, f.Recommended = &current, &recommended
		checkText(r, f)
	})
}

// TestAnyTimeline draws traces of any events, in time order but otherwise without
// any sense.
func TestAnyTimeline(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newStory(1000, probe(5, 1, 30), probe(5, 1, 2), probe(10, 3, 3))
		instant := rapid.Int64Range(0, int64(1000*time.Second))
		for range rapid.IntRange(0, 60).Draw(r, "events") {
			begin := time.Duration(instant.Draw(r, "at"))
			s.add(sim.Event{
				At: begin, End: begin + time.Duration(instant.Draw(r, "lasts"))/100,
				Kind:        sim.EventKind(rapid.IntRange(0, int(sim.EventNote)).Draw(r, "kind")),
				Container:   rapid.IntRange(-1, 1).Draw(r, "container"),
				Incarnation: rapid.IntRange(0, 30).Draw(r, "incarnation"),
				Probe:       model.ProbeKind(rapid.IntRange(0, 2).Draw(r, "probe")),
				Outcome:     kubelet.Outcome(rapid.IntRange(0, 3).Draw(r, "outcome")),
				Value:       kubelet.Result(rapid.IntRange(0, 3).Draw(r, "value")),
				Run:         rapid.IntRange(0, 40).Draw(r, "run"),
				State:       sim.TrueState(rapid.IntRange(0, 5).Draw(r, "state")),
				Ready:       rapid.Bool().Draw(r, "ready"),
				Text:        rapid.SampledFrom([]string{"", "steal", "throttled", "full GC", "a pause with a very long name indeed"}).Draw(r, "text"),
			})
		}
		slices.SortStableFunc(s.told.Events, func(a, b sim.Event) int { return cmp.Compare(a.At, b.At) })
		from, to := time.Duration(instant.Draw(r, "from")), time.Duration(instant.Draw(r, "to"))
		for _, life := range []Life{{Trace: s.trace()}, {Name: "part", Trace: s.trace(), From: from, To: to}} {
			chart := &Timeline{Scenario: "any", Lives: []Life{life}}
			checkText(r, chart)
			if err := Write(io.Discard, "svg", chart); err != nil {
				r.Fatal(err)
			}
		}
	})
}
