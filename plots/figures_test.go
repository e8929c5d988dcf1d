package plots

import (
	"flag"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/fit"
	"github.com/probesim/probesim/sim/stats"
)

// at turns seconds into an instant.
func at(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }

// story writes a trace by hand.
type story struct{ told sim.Trace }

func newStory(horizon float64, startup, readiness, liveness *model.Probe) *story {
	world := &model.World{Name: "story", Pod: model.Pod{Containers: []model.Container{{
		Name: "api", Probes: [model.ProbeKinds]*model.Probe{startup, readiness, liveness},
	}}}}
	return &story{sim.Trace{World: world, Horizon: at(horizon)}}
}

func (s *story) add(e sim.Event) *story { s.told.Events = append(s.told.Events, e); return s }

func (s *story) trace() *sim.Trace { return &s.told }

func (s *story) start(t float64, incarnation int) *story {
	return s.add(sim.Event{At: at(t), Kind: sim.EventStart, Incarnation: incarnation}).state(t, sim.Starting)
}

func (s *story) state(t float64, state sim.TrueState) *story {
	return s.add(sim.Event{At: at(t), Kind: sim.EventState, State: state})
}

func (s *story) ready(t float64, ready bool, lag float64) *story {
	s.add(sim.Event{At: at(t), Kind: sim.EventReady, Container: -1, Ready: ready})
	return s.add(sim.Event{At: at(t + lag), Kind: sim.EventEndpoint, Container: -1, Ready: ready})
}

func (s *story) attempt(kind model.ProbeKind, from, to float64, outcome kubelet.Outcome, run int) *story {
	return s.add(sim.Event{At: at(from), End: at(to), Kind: sim.EventAttempt, Probe: kind, Outcome: outcome, Run: run})
}

// every adds successes of 5 ms from first to last.
func (s *story) every(kind model.ProbeKind, period, first, last float64) *story {
	for i := 0; first+float64(i)*period <= last; i++ {
		t := first + float64(i)*period
		s.attempt(kind, t, t+0.005, kubelet.Success, i+1)
	}
	return s
}

func (s *story) kill(t float64, kind model.ProbeKind) *story {
	s.add(sim.Event{At: at(t), Kind: sim.EventKill, Probe: kind, Grace: 30 * time.Second})
	return s.add(sim.Event{At: at(t), Kind: sim.EventState, State: sim.Terminating})
}

func (s *story) exit(t float64, code int) *story {
	s.add(sim.Event{At: at(t), Kind: sim.EventExit, Code: code})
	return s.state(t, sim.Down)
}

func (s *story) stall(from, to float64, text string) *story {
	return s.add(sim.Event{At: at(from), End: at(to), Kind: sim.EventStall, Text: text})
}

func (s *story) result(t float64, kind model.ProbeKind, value kubelet.Result) *story {
	return s.add(sim.Event{At: at(t), Kind: sim.EventResult, Probe: kind, Value: value})
}

func probe(period, timeout, failures int32) *model.Probe {
	return &model.Probe{PeriodSeconds: period, TimeoutSeconds: timeout, SuccessThreshold: 1, FailureThreshold: failures,
		Handler: model.Handler{Kind: model.HTTPGet, Target: ":8080/healthz"}}
}

// figure1 is the article's first figure: the startup probe gates the others.
func figure1() *Timeline {
	s := newStory(70, probe(5, 1, 30), probe(5, 1, 3), probe(10, 1, 3)).start(0.3, 0)
	for i, t := range []float64{0.5, 5.5, 10.5, 15.5} {
		s.attempt(model.Startup, t, t+0.004, kubelet.Failure, i+1)
	}
	s.state(19.2, sim.Serving).attempt(model.Startup, 20.5, 20.52, kubelet.Success, 1)
	s.result(20.52, model.Startup, kubelet.ResultSuccess)
	s.attempt(model.Readiness, 20.53, 20.55, kubelet.Success, 1).ready(20.6, true, 1.9)
	s.every(model.Readiness, 5, 25.53, 70).every(model.Liveness, 10, 20.9, 70)
	return &Timeline{Title: "The startup probe gates readiness and liveness", Scenario: "startup-instead-of-delay", Seed: 1,
		Lives: []Life{{Trace: &s.told, To: at(60)}}}
}

// figure2 is the second: readiness removes a hung process, then liveness kills it.
func figure2() *Timeline {
	s := newStory(200, nil, probe(5, 1, 2), probe(10, 1, 3)).start(0.3, 0).state(6, sim.Serving)
	s.attempt(model.Readiness, 6.2, 6.21, kubelet.Success, 1).ready(6.3, true, 1.6)
	s.every(model.Readiness, 5, 11.2, 61).every(model.Liveness, 10, 8.4, 61)
	s.state(62, sim.Hung)
	s.attempt(model.Readiness, 66.2, 67.2, kubelet.Timeout, 1)
	s.attempt(model.Liveness, 68.4, 69.4, kubelet.Timeout, 1)
	s.attempt(model.Readiness, 71.2, 72.2, kubelet.Timeout, 2).ready(72.3, false, 1.8)
	s.attempt(model.Readiness, 76.2, 77.2, kubelet.Timeout, 3)
	s.attempt(model.Liveness, 78.4, 79.4, kubelet.Timeout, 2)
	s.attempt(model.Readiness, 81.2, 82.2, kubelet.Timeout, 4)
	s.attempt(model.Readiness, 86.2, 87.2, kubelet.Timeout, 5)
	s.attempt(model.Liveness, 88.4, 89.4, kubelet.Timeout, 3)
	s.kill(89.4, model.Liveness).exit(99.4, 137).start(100.2, 1).state(106, sim.Serving)
	s.attempt(model.Readiness, 106.2, 106.21, kubelet.Success, 1).ready(106.3, true, 1.4)
	s.every(model.Readiness, 5, 111.2, 200).every(model.Liveness, 10, 108.4, 200)
	return &Timeline{Title: "Liveness should take longer than readiness", Scenario: "hang", Seed: 7,
		Lives: []Life{{Trace: &s.told, From: at(40), To: at(125)}}}
}

// figure3 is the third: a starved container is killed although it is healthy.
func figure3() *Timeline {
	s := newStory(120, nil, probe(10, 1, 3), probe(10, 1, 3)).start(0.3, 0).state(3, sim.Serving)
	s.attempt(model.Readiness, 3.2, 3.6, kubelet.Success, 1).ready(3.7, true, 1.5)
	s.attempt(model.Liveness, 8.1, 8.9, kubelet.Success, 1)
	s.attempt(model.Readiness, 13.2, 13.9, kubelet.Success, 1)
	for i := range 260 { // a job of the container's own eats the quota: 20 ms run, 80 ms wait, of each period
		s.stall(15+float64(i)*0.1+0.02, 15+float64(i)*0.1+0.1, "throttled by the quota")
	}
	s.state(15, sim.Stalled)
	for i, t := range []float64{18.1, 28.1, 38.1} {
		s.attempt(model.Liveness, t, t+1, kubelet.Timeout, i+1)
		if i < 2 {
			s.attempt(model.Readiness, t+5.1, t+6.1, kubelet.Timeout, i+1)
		}
	}
	s.kill(39.1, model.Liveness).ready(39.2, false, 1.7).exit(41, 143).start(41.6, 1).state(45, sim.Serving)
	s.attempt(model.Readiness, 45.2, 45.5, kubelet.Success, 1).ready(45.6, true, 1.4)
	s.every(model.Readiness, 10, 55.2, 120).every(model.Liveness, 10, 48.1, 120)
	return &Timeline{Title: "A starved container is killed although it is healthy", Scenario: "starved-20m", Seed: 3,
		Lives: []Life{{Trace: &s.told, From: 0, To: at(62)}}}
}

// chartsDir is where TestDraw leaves the charts for a person to look at.
var chartsDir = flag.String("charts", "", "directory to write every chart of the tests to, as SVG, PNG and PDF")

func TestDraw(t *testing.T) {
	if *chartsDir == "" {
		t.Skip("no -charts directory to draw into")
	}
	if err := os.MkdirAll(*chartsDir, 0o755); err != nil {
		t.Fatal(err)
	}
	charts := examples()
	maps.Copy(charts, edges())
	for name, chart := range charts {
		name = strings.ReplaceAll(name, " ", "-")
		for _, extension := range []string{".svg", ".png", ".pdf", ".csv"} {
			if err := WriteFile(filepath.Join(*chartsDir, name+extension), chart); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: %s", name, chart.Sentence())
	}
}

// examples are the charts whose data is held by golden files.
func examples() map[string]Chart {
	charts := map[string]Chart{"figure1": figure1(), "figure2": figure2(), "figure3": figure3(),
		"stacked": stacked(), "delayed": delayed(), "front": front(), "front-infeasible": infeasibleFront(), "front-wide": wideFront(), "front-crowded": crowdedFront(), "removal": removal(),
		"startup": startup(), "startup-killed": killedStartup(), "startup-delay": delayedStartup(),
		"answers": answers(), "delays": delays(), "qq": qq(), "qq-empty": &QQ{Source: "pods.json: web", Family: "constant", PValue: math.NaN()}}
	maps.Copy(charts, sensitive())
	maps.Copy(charts, togetherExamples())
	return charts
}

// qq is a fit that holds up to its longest values.
func qq() *QQ {
	q := &QQ{Source: "startups.csv: startup_ms", Seed: 1, Family: "lognormal", PValue: 0.03, Confidence: 0.95}
	for i := range 60 {
		p := (float64(i) + 0.5) / 60
		fitted := 12 * math.Pow(p/(1-p), 0.2)
		measured := fitted * (1 + 0.05*math.Sin(float64(i)))
		if i > 56 {
			measured *= 1.5
		}
		q.Points = append(q.Points, fit.Pair{P: p, MeasuredSeconds: measured, FittedSeconds: fitted, LowSeconds: fitted * 0.85, HighSeconds: fitted * 1.2})
	}
	q.Points[59].LowSeconds, q.Points[59].HighSeconds = math.NaN(), math.NaN()
	return q
}

// delayed is a pod whose probes wait for a delay much longer than its startup,
// and whose liveness probe kills it while it starts again.
func delayed() *Timeline {
	s := newStory(300, nil, probe(10, 1, 3), probe(10, 1, 1))
	s.told.World.Container().Probes[model.Readiness].InitialDelaySeconds = 60
	s.told.World.Container().Probes[model.Liveness].InitialDelaySeconds = 30
	s.start(0.5, 0).state(12, sim.Serving).every(model.Readiness, 10, 61, 121).every(model.Liveness, 10, 31, 121).ready(61, true, 1)
	s.exit(125, 1).ready(125, false, 2).start(126, 1).attempt(model.Liveness, 161, 161, kubelet.Failure, 0)
	s.kill(161, model.Liveness).exit(161.5, 143).start(162, 2)
	return &Timeline{Scenario: "delay", Lives: []Life{{Trace: s.trace(), To: at(170)}}}
}

// stacked shows the same pod before and after.
func stacked() *Timeline {
	before, after := figure3().Lives[0], figure1().Lives[0]
	before.Name, after.Name = "current settings", "recommended settings"
	return &Timeline{Scenario: "before-and-after", Seed: 1, Lives: []Life{before, after}}
}

func front() *Front {
	points := []FrontPoint{
		{5, 1, 1, 5.9, stats.Estimate{Estimate: 4100, Low: 3900, High: 4300, Confidence: 0.95, Method: "Garwood"}, ""},
		{5, 1, 2, 10.9, stats.Estimate{Estimate: 610, Low: 560, High: 660, Confidence: 0.95, Method: "Garwood"}, ""},
		{5, 1, 3, 15.9, stats.Estimate{Estimate: 140, Low: 120, High: 160, Confidence: 0.95, Method: "Garwood"}, ""},
		{10, 2, 2, 21.9, stats.Estimate{Estimate: 31, Low: 24, High: 40, Confidence: 0.95, Method: "Garwood"}, ""},
		{10, 5, 2, 24.9, stats.Estimate{Estimate: 7, Low: 4.1, High: 11, Confidence: 0.95, Method: "Garwood"}, ""},
		{5, 5, 5, 29.9, stats.Estimate{Estimate: 0.8, Low: 0.3, High: 1.8, Confidence: 0.95, Method: "Garwood"}, ""},
		{10, 5, 4, 44.9, stats.Estimate{Estimate: 0.021, Low: 0.008, High: 0.06, Confidence: 0.95, Method: "splitting"}, ""},
		{10, 5, 6, 64.9, stats.Estimate{Estimate: 0, Low: 0, High: 0.0021, Confidence: 0.95, Method: "Garwood"}, ""},
	}
	current := FrontPoint{10, 1, 3, 30.9, stats.Estimate{Estimate: 1.3e3, Low: 1.2e3, High: 1.4e3, Confidence: 0.95, Method: "Garwood"}, ""}
	return &Front{Scenario: "ingress-nginx", Seed: 1, Points: points, Current: &current, Recommended: &points[6],
		Kind: model.Liveness, MaxSeconds: 60, MaxVerdictsPerPodYear: 0.1}
}

// removal is a front of the readiness probe, with last resorts that beat the other
// settings, and some that hide behind them.
func removal() *Front {
	estimate := func(rate, low, high float64) stats.Estimate {
		return stats.Estimate{Estimate: rate, Low: low, High: high, Confidence: 0.95, Method: "observed runs"}
	}
	const single = "with a single failure one lost packet would take a pod out of the endpoints (A18, A25)"
	points := []FrontPoint{
		{1, 1, 1, 2.04, estimate(7.58e5, 1.34e5, 8.57e5), single},
		{2, 1, 1, 3.04, estimate(2.76e5, 7.5e4, 3.35e5), single},
		{1, 1, 2, 3.04, estimate(3.3e5, 7.5e4, 3.97e5), ""},
		{1, 1, 3, 4.04, estimate(1.78e5, 4.2e4, 2.3e5), ""},
		{2, 5, 1, 7.04, estimate(3.19e4, 4310, 3.19e4), single},
		{2, 10, 1, 12.04, estimate(5310, 67, 6120), single},
		{2, 2, 6, 14.04, estimate(3080, 67.3, 4.12e4), ""},
		{2, 15, 1, 17.04, estimate(0.405, 0, 1310), single},
		{2, 20, 2, 22.04, estimate(0.00464, 0, 280), "with a timeout above the period failures follow each other a timeout apart (K5)"},
		{10, 5, 2, 24.95, estimate(2410, 60.9, 9510), ""},
		{10, 10, 3, 39.95, estimate(1.33, 0, 1060), ""},
		{10, 10, 5, 59.95, estimate(0.0237, 0, 103), ""},
		{10, 10, 8, 89.95, estimate(0, 0, 3.12), ""},
	}
	return &Front{Scenario: "slow-queries", Seed: 1, Kind: model.Readiness, Points: points,
		Current: &FrontPoint{5, 3, 1, 8, estimate(4.93e4, 2690, 4.93e4), single}, Recommended: &points[6], MaxSeconds: 100}
}

// wideFront is a front whose rates span sixty orders of magnitude, with
// recommended settings of which only an upper bound is known.
func wideFront() *Front {
	estimate := func(rate, high float64) stats.Estimate {
		return stats.Estimate{Estimate: rate, Low: 0, High: high, Confidence: 0.95, Method: "observed runs"}
	}
	points := []FrontPoint{
		{1, 1, 3, 3.99, estimate(3.99e+05, 4.1e+05), ""},
		{1, 1, 4, 4.99, estimate(1.98e+05, 2.06e+05), ""},
		{1, 1, 5, 5.99, estimate(1.07e+05, 1.13e+05), ""},
		{2, 1, 3, 6.98, estimate(1.12e+04, 1.26e+04), ""},
		{2, 2, 3, 7.98, estimate(622, 767), ""},
		{2, 2, 4, 9.98, estimate(113, 139), ""},
		{3, 3, 3, 11.97, estimate(4.39, 5.07), ""},
		{2, 2, 6, 13.98, estimate(3.7, 4.56), ""},
		{3, 3, 4, 14.97, estimate(0.132, 0.152), ""},
		{3, 3, 5, 17.97, estimate(0.00394, 0.00455), ""},
		{3, 3, 6, 20.97, estimate(0.000118, 0.000136), ""},
		{5, 2, 5, 26.95, estimate(8.52e-05, 9e-05), ""},
		{3, 3, 8, 26.97, estimate(1.06e-07, 1.22e-07), ""},
		{3, 3, 10, 32.97, estimate(9.5e-11, 1.1e-10), ""},
		{3, 3, 12, 38.97, estimate(8.53e-14, 9.84e-14), ""},
		{3, 3, 15, 47.97, estimate(2.29e-18, 2.65e-18), ""},
		{5, 2, 12, 61.95, estimate(1.91e-19, 2.02e-19), ""},
		{3, 3, 20, 62.97, estimate(5.53e-26, 6.38e-26), ""},
		{3, 3, 30, 92.97, estimate(3.22e-41, 3.71e-41), ""},
		{5, 2, 30, 151.95, estimate(4.09e-57, 4.32e-57), ""},
		{60, 2, 30, 1801.4, estimate(3.51e-65, 3.72e-65), ""},
	}
	return &Front{Scenario: "starved-20m", Seed: 1, Points: points,
		Current:     &FrontPoint{10, 1, 3, 30.561, stats.Estimate{Estimate: 412, Low: 273, High: 596, Confidence: 0.95, Method: "Garwood"}, ""},
		Recommended: &FrontPoint{10, 2, 4, 41.57, estimate(0, 21.05), ""},
		Kind:        model.Liveness, MaxSeconds: 60, MaxVerdictsPerPodYear: 0.1}
}

// crowdedFront is a front on which the current settings almost lie.
func crowdedFront() *Front {
	estimate := func(rate, high float64) stats.Estimate {
		return stats.Estimate{Estimate: rate, Low: rate, High: high, Confidence: 0.95, Method: "closed form (S3, S1)"}
	}
	points := []FrontPoint{
		{1, 1, 3, 3.99, estimate(6.05e+03, 6.08e+03), ""},
		{1, 1, 8, 8.99, estimate(4.29e+03, 4.32e+03), ""},
		{2, 1, 6, 12.98, estimate(3.38e+03, 3.4e+03), ""},
		{2, 2, 8, 17.98, estimate(2.4e+03, 2.41e+03), ""},
		{5, 5, 4, 24.95, estimate(1.65e+03, 1.67e+03), ""},
		{5, 1, 6, 30.95, estimate(1.1e+03, 1.11e+03), ""},
		{3, 2, 12, 37.97, estimate(632, 637), ""},
		{3, 2, 15, 46.97, estimate(341, 344), ""},
		{5, 1, 12, 60.95, estimate(141, 142), ""},
		{10, 10, 6, 69.9, estimate(91.4, 94.3), ""},
		{10, 5, 8, 84.9, estimate(32.7, 34), ""},
		{5, 2, 20, 101.95, estimate(8.49, 8.62), ""},
		{10, 1, 12, 120.9, estimate(2.78, 2.93), ""},
		{10, 1, 15, 150.9, estimate(0.357, 0.37), ""},
		{20, 15, 8, 174.8, estimate(0.103, 0.139), ""},
		{15, 15, 12, 194.85, estimate(0.0213, 0.0223), ""},
		{15, 1, 15, 225.85, estimate(0.00256, 0.00257), ""},
		{20, 5, 12, 244.8, estimate(0.000854, 0.000858), ""},
		{10, 1, 30, 300.9, estimate(1.24e-05, 1.24e-05), ""},
		{20, 20, 15, 319.8, estimate(5.03e-06, 5.05e-06), ""},
		{30, 10, 12, 369.7, estimate(2.53e-07, 2.55e-07), ""},
		{20, 10, 20, 409.8, estimate(1.06e-08, 1.07e-08), ""},
		{15, 5, 30, 454.85, estimate(3.97e-10, 3.99e-10), ""},
		{20, 2, 30, 601.8, estimate(0, 0), ""},
	}
	return &Front{Scenario: "ingress-controller", Seed: 1, Points: points,
		Current:     &FrontPoint{10, 1, 3, 30.941, stats.Estimate{Estimate: 1250, Low: 1181, High: 1322, Confidence: 0.95, Method: "Garwood"}, ""},
		Recommended: &FrontPoint{30, 1, 8, 240.69, estimate(0, 2.807), ""},
		Kind:        model.Liveness, MaxSeconds: 300, MaxVerdictsPerPodYear: 0.1}
}

func infeasibleFront() *Front {
	f := front()
	f.Recommended, f.MaxSeconds, f.MaxVerdictsPerPodYear = nil, 20, 1e-3
	return f
}

// startups draws durations of a lognormal startup.
func startups(n int, median, sigma float64) []time.Duration {
	r := rand.New(rand.NewPCG(1, 2))
	var drawn []time.Duration
	for range n {
		drawn = append(drawn, at(median*math.Exp(sigma*r.NormFloat64())))
	}
	return drawn
}

// startup is a service that mostly starts far inside its budget of 60 × 10 s.
func startup() *Startup {
	return &Startup{Scenario: "startup-instead-of-delay", Seed: 1, Completed: startups(2000, 240, 0.3), Kind: model.Startup,
		Probe: probe(10, 1, 60), KillProbability: &stats.Estimate{Estimate: 0.0019, Low: 0.0012, High: 0.003, Confidence: 0.95, Method: "Wilson", N: 10000}}
}

// answers are those of a handler that a CPU limit stretches.
func answers() *Answers {
	return &Answers{Scenario: "starved-20m", Seed: 1, Kind: model.Liveness, CPULimit: "20m", Took: startups(1500, 0.45, 0.5), Timeout: time.Second, Proposed: 3 * time.Second}
}

// delays are those of periods of 5 s and 10 s with 2 and 3 failures (S4).
func delays() *Delays {
	d := &Delays{Scenario: "hang", Seed: 1, MaxRemovalSeconds: 30, MaxDetectionSeconds: 30}
	for i := range 200 {
		u := (float64(i) + 0.5) / 200
		d.Removals = append(d.Removals, at(6+5*u+0.7*math.Mod(37*u, 1)))
		d.Detections = append(d.Detections, at(21+10*u))
		d.Recoveries = append(d.Recoveries, at(21+10*u+12+5*math.Mod(61*u, 1)))
	}
	return d
}

// killedStartup is one that its budget mostly cuts off.
func killedStartup() *Startup {
	s := &Startup{Scenario: "digit-at-200m", Seed: 1, Kind: model.Liveness, Probe: probe(10, 3, 5),
		KillProbability: &stats.Estimate{Estimate: 0.94, Low: 0.92, High: 0.95, Confidence: 0.95, Method: "Wilson", N: 500}}
	s.Probe.InitialDelaySeconds = 30
	for i, d := range startups(300, 120, 0.25) {
		if killedAt := at(69.5 + float64(i%10)); d > killedAt {
			s.Killed = append(s.Killed, killedAt)
			continue
		}
		s.Completed = append(s.Completed, d)
	}
	return s
}

// delayedStartup has a budget far beyond what any startup takes.
func delayedStartup() *Startup {
	s := &Startup{Scenario: "delay-600", Seed: 1, Completed: startups(500, 8, 0.2), Kind: model.Liveness, Probe: probe(10, 1, 3),
		KillProbability: &stats.Estimate{Estimate: 0, Low: 0, High: 0.0074, Confidence: 0.95, Method: "Wilson", N: 500}}
	s.Probe.InitialDelaySeconds = 600
	return s
}
