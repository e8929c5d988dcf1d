package estimate

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/stats"
)

func exponential(d time.Duration) dist.Duration {
	return dist.Duration{Nanoseconds: dist.Exponential(d)}
}

func probe(period, timeout, failures int32) *model.Probe {
	p := &model.Probe{PeriodSeconds: period, TimeoutSeconds: timeout, FailureThreshold: failures}
	p.SetDefaults()
	return p
}

// world returns a world in which nothing goes wrong.
func world(readiness, liveness *model.Probe) *model.World {
	w := &model.World{
		Name:     "test",
		Pod:      model.Pod{Containers: []model.Container{{Name: "app"}}, TerminationGracePeriodSeconds: 30},
		Replicas: 1, Node: model.DefaultNode(), Cluster: model.DefaultCluster(),
	}
	w.Pod.Containers[0].Probes = [model.ProbeKinds]*model.Probe{nil, readiness, liveness}
	for k := range w.Application.Probes {
		w.Application.Probes[k] = model.DefaultAnswer(model.HTTPGet)
	}
	return w
}

func run(t *testing.T, w *model.World, o Options) *Variant {
	t.Helper()
	e, err := Run(context.Background(), []Named{{"base", w}}, o)
	if err != nil {
		t.Fatal(err)
	}
	return &e.Variants[0]
}

func contains(t *testing.T, what string, e *stats.Estimate, truth float64) {
	t.Helper()
	if e == nil {
		t.Fatalf("%s is nil, want about %g", what, truth)
	}
	if !(e.Low <= truth && truth <= e.High) {
		t.Errorf("%s = %g (%g to %g), want the interval to contain %g", what, e.Estimate, e.Low, e.High, truth)
	}
}

func hasNote(v *Variant, part string) bool {
	return slices.ContainsFunc(v.Notes, func(note string) bool { return strings.Contains(note, part) })
}

// TestWorkers holds that the number of workers never changes a byte.
func TestWorkers(t *testing.T) {
	w := world(probe(5, 1, 2), probe(10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(time.Hour), Lasts: exponential(15 * time.Second)}}
	w.Faults = []model.Fault{{Name: "deadlock", Every: exponential(12 * time.Hour), Forever: true, Hangs: true, Probes: [model.ProbeKinds]bool{true, true, true}}}
	w.Application.Startup = []model.Stage{{Wait: exponential(5 * time.Second)}}
	patient := w.WithContainer(w.Container().WithProbe(model.Liveness, probe(10, 5, 3)))
	var first []byte
	for _, jobs := range []int{1, 2, 7} {
		e, err := Run(context.Background(), []Named{{"base", w}, {"patient", patient}}, Options{
			Seed: 7, Horizon: 6 * time.Hour, Replications: 21, Jobs: jobs,
			Objectives: []model.Objective{{Measure: "removalSeconds", Statistic: "p99", Bound: 30}},
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
		}
		if !bytes.Equal(got, first) {
			t.Errorf("%d workers: other bytes than 1 worker", jobs)
		}
	}
}

// TestIndependentFailures compares with S1: failures of probability 0.05 each
// come three in a row every 8420 probes. Kills are rare enough there that the
// back-off between them plays no part.
func TestIndependentFailures(t *testing.T) {
	w := world(nil, probe(1, 1, 3))
	w.Application.Probes[model.Liveness].Failure = 0.05
	v := run(t, w, Options{Seed: 1, Horizon: 3 * day, Replications: 16})
	contains(t, "meanTimeToFalseKillSeconds", v.Measures.MeanTimeToFalseKillSeconds, 8420)
	contains(t, "probeFailureProbability.liveness", &v.Measures.ProbeFailureProbability[model.Liveness].Estimate, 0.05)
}

// TestStalls compares with S3: exponential stalls of mean 10 s kill with
// probability 0.0774072 each where P, F, T are 10, 3, 1.
func TestStalls(t *testing.T) {
	w := world(probe(10, 1, 3), probe(10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(time.Hour - 10*time.Second), Lasts: exponential(10 * time.Second)}}
	v := run(t, w, Options{Seed: 1, Horizon: 10 * day, Replications: 64})
	contains(t, "falseKillsPerPodDay", v.Measures.FalseKillsPerPodDay, 24*0.0774072)
	if !hasNote(v, "they agree") {
		t.Errorf("no note says that simulation and closed form agree: %q", v.Notes)
	}
	// A kill within an hour comes at the rate of stalls that kill.
	contains(t, "falseKillProbability.1h.pod", &v.Measures.FalseKillProbability.H1.Pod, -math.Expm1(-0.0774072))
}

// TestBursts holds that failures which come in runs are never served by the
// arithmetic of independent ones: the channel (.001, .2, 0, 1) of S2 kills every
// 1561 probes, and independent failures at its average would every 8.16 million.
// The failing stretches are the channel's in continuous time.
func TestBursts(t *testing.T) {
	w := world(nil, probe(10, 1, 3))
	w.Application.Probes[model.Liveness].Failing = &model.OnOff{Every: exponential(8957420 * time.Millisecond), Lasts: exponential(44787 * time.Millisecond)}
	v := run(t, w, Options{Seed: 1, Horizon: 10 * day, Replications: 64})
	m := &v.Measures
	probes := m.MeanTimeToFalseKillSeconds.Estimate / 10
	const tolerance = .08 // three standard errors of 3,500 kills, and what a restart takes
	if probes < 1561.34*(1-tolerance) || probes > 1561.34*(1+tolerance) {
		t.Errorf("a kill every %.0f probes, want about 1561", probes)
	}
	independent := calc.Run{Failures: 3, Probability: .001 / .201}.MeanProbes()
	if factor, want := independent/probes, 8.16e6/1561.34; factor < want*(1-tolerance) || factor > want*(1+tolerance) {
		t.Errorf("kills are %.0f times as frequent as independent failures at the same average would make them, want %.0f times", factor, want)
	}
	if !hasNote(v, "no independence is assumed") {
		t.Errorf("no note states that no independence is assumed: %q", v.Notes)
	}
}

// TestDetection compares with S4: a hang at a uniform phase is detected after
// U((F−1)P+T, FP+T).
func TestDetection(t *testing.T) {
	v := run(t, world(probe(10, 1, 3), probe(15, 2, 4)), Options{Seed: 1, Horizon: time.Hour, Replications: 32})
	d := v.Measures.DetectionSeconds
	if d == nil {
		t.Fatalf("detectionSeconds is nil: %q", v.Notes)
	}
	if d.Bounds != (stats.Bounds{Min: 47, Max: 62}) {
		t.Errorf("bounds %v, want 47 to 62", d.Bounds)
	}
	contains(t, "detectionSeconds.mean", &d.Mean, 54.5)
	contains(t, "detectionSeconds.p90", &d.P90, 60.5)
	if r := v.Measures.RemovalSeconds; r == nil || r.P99.Estimate < 30 || r.P99.Estimate > 31.2 {
		t.Errorf("removalSeconds = %+v, want a 99th percentile of about 31 s", r)
	}
}

// TestImpossible holds that an event that cannot happen is decided at once.
func TestImpossible(t *testing.T) {
	v := run(t, world(probe(10, 1, 3), probe(10, 1, 3)), Options{
		Seed: 1, Horizon: time.Hour, Objectives: []model.Objective{{Measure: "falseKillsPerPodYear", Bound: 0.1}, {Measure: "startupKillProbability", Bound: 1e-9}},
	})
	for _, verdict := range v.Objectives {
		if verdict.Met == nil || !*verdict.Met {
			t.Errorf("%s: %v, want met", verdict.Name, verdict.Met)
		}
	}
	if e := v.Measures.FalseKillsPerPodDay; e.High != 0 || e.Method != "exact" {
		t.Errorf("falseKillsPerPodDay = %+v, want exactly 0", e)
	}
	if !hasNote(v, "no false kill can happen") {
		t.Errorf("notes %q do not say that no false kill can happen", v.Notes)
	}
}

// TestBlind holds that measures no probe can answer are null, with the reason,
// and that their objectives are missed: the wait is endless.
func TestBlind(t *testing.T) {
	w := world(probe(10, 1, 3), probe(10, 1, 3))
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		w.Container().Probes[k].Handler.Kind = model.TCPSocket
		w.Application.Probes[k] = model.DefaultAnswer(model.TCPSocket)
	}
	e, err := Run(context.Background(), []Named{{"base", w}}, Options{
		Seed: 1, Horizon: time.Hour, Replications: 2, Objectives: []model.Objective{{Measure: "detectionSeconds", Statistic: "p99", Bound: 60}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v := &e.Variants[0]
	if v.Measures.DetectionSeconds != nil || v.Measures.RemovalSeconds != nil {
		t.Error("detectionSeconds or removalSeconds is not null, though tcp probes see no hang")
	}
	if met := v.Objectives[0].Met; met == nil || *met {
		t.Errorf("%s: %v, want missed", v.Objectives[0].Name, met)
	}
	if !hasNote(v, "accepts connections of a hung process") {
		t.Errorf("notes %q do not give the reason", v.Notes)
	}
	if status := e.ExitStatus(w, nil, 0.1); status != Missed {
		t.Errorf("exit status %d, want %d", status, Missed)
	}
}

// TestInterrupted holds that what was reached counts, and how many it was.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	w := world(probe(10, 1, 3), probe(10, 1, 3))
	e, err := Run(ctx, []Named{{"base", w}}, Options{
		Seed: 1, Horizon: time.Hour, Replications: 1000, Jobs: 1,
		Progress: func(done, wanted int64) {
			if done == 5 {
				cancel()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if e.Replications < 5 || e.Replications >= 1000 || !hasNote(&e.Variants[0], "interrupted after") {
		t.Errorf("%d replications, notes %q", e.Replications, e.Variants[0].Notes)
	}
	if _, err := Run(ctx, []Named{{"base", w}}, Options{}); err == nil {
		t.Error("a run whose context had ended before gave no error")
	}
}

func TestWindows(t *testing.T) {
	hour := time.Hour
	for _, c := range []struct {
		kills      []time.Duration
		life, span time.Duration
		hit, all   int64
	}{
		{nil, 10 * hour, hour, 0, 10},
		{[]time.Duration{hour, hour + 1, 3 * hour}, 10 * hour, hour, 2, 10},
		{[]time.Duration{9*hour + 30*time.Minute}, 9*hour + 40*time.Minute, hour, 0, 9}, // in the remainder
		{[]time.Duration{hour}, 10 * hour, 20 * hour, 0, 0},
	} {
		var counter windowCounter
		for _, at := range c.kills {
			counter.kill(at, c.span)
		}
		if hit, all := counter.of(c.life, c.span); hit != c.hit || all != c.all {
			t.Errorf("windows(%v, %v, %v) = %d of %d, want %d of %d", c.kills, c.life, c.span, hit, all, c.hit, c.all)
		}
	}
}

// TestKeys holds the JSON to the keys of the design.
func TestKeys(t *testing.T) {
	text, err := json.Marshal(Measures{})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(`falseKillsPerPodDay falseKillsPerPodDayByLiveness falseKillsPerPodDayByStartup falseKillsPerPodYear
		meanTimeToFalseKillSeconds falseKillProbability startupKillProbability detectionSeconds removalSeconds recoverySeconds
		deadTrafficSecondsPerFault deadTrafficFraction deadRequestsPerFault slowTrafficFraction falseUnreadyFraction readyLagSeconds
		timeToReadySeconds availability probeFailureProbability probeCPUFraction crashLoopFraction neverReadyProbability exhaustionProbability`)
	for _, key := range want {
		if _, ok := got[key]; !ok {
			t.Errorf("key %s is missing", key)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("unexpected keys %v", got)
	}
	keys := append([]string{Tolerance}, want...)
	slices.Sort(keys)
	if !slices.Equal(Keys(), keys) {
		t.Errorf("Keys() = %v, want %v", Keys(), keys)
	}
}

// TestBound holds the closed form's bound above what is simulated where stalls
// come so often that several of them share in a verdict, and the estimate below.
func TestBound(t *testing.T) {
	for _, c := range []struct {
		name               string
		every, lasts       time.Duration
		period, timeout, f int32
	}{
		{"long stalls, two of them together", 2 * time.Minute, 8 * time.Second, 10, 1, 3},
		{"short stalls, each one attempt", 20 * time.Second, 2 * time.Second, 5, 1, 3},
		{"timeout longer than the period", 3 * time.Minute, 8 * time.Second, 3, 5, 4},
	} {
		w := world(nil, probe(c.period, c.timeout, c.f))
		w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(c.every), Lasts: exponential(c.lasts)}}
		v := run(t, w, Options{Seed: 3, Horizon: 2 * day, Replications: 16})
		e := v.Measures.FalseKillsPerPodDay
		estimate, bound := NewClosedForm(w, model.Liveness).Rate(w.Container().Probes[model.Liveness])
		if bound*day.Seconds() < e.Low {
			t.Errorf("%s: bound %.3g a day is below the simulated %.3g (%.3g to %.3g)", c.name, bound*day.Seconds(), e.Estimate, e.Low, e.High)
		}
		if estimate > bound {
			t.Errorf("%s: estimate %.3g above its bound %.3g", c.name, estimate, bound)
		}
	}
}

// TestBoundOfCosts holds the bound above the estimate for answers whose cost
// has no bound itself.
func TestBoundOfCosts(t *testing.T) {
	w := world(nil, probe(10, 1, 3))
	w.Pod.Containers[0].CPULimitMilli = 250
	w.Node.InterruptionsPerSecond = 30
	w.Node.Neighbours = []model.Neighbour{{CPURequestMilli: 2000, Busy: exponential(time.Minute), Idle: exponential(time.Minute)}}
	cost, err := dist.FromQuantiles2(0.5, 5e6, 0.99, 60e6)
	if err != nil {
		t.Fatal(err)
	}
	w.Application.Probes[model.Liveness].CPU = dist.Duration{Nanoseconds: cost}
	w.Application.Probes[model.Liveness].Wait = dist.Duration{Nanoseconds: cost}
	f := NewClosedForm(w, model.Liveness)
	if f.Why != "" {
		t.Fatal(f.Why)
	}
	for _, p := range []*model.Probe{probe(10, 1, 1), probe(10, 1, 3), probe(5, 5, 2), probe(3, 10, 4)} {
		if estimate, bound := f.Rate(p); !(estimate > 0) || estimate > bound {
			t.Errorf("%+v: estimate %g, bound %g", p, estimate, bound)
		}
	}
}
