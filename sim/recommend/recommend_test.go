package recommend

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

func exponential(d time.Duration) dist.Duration {
	return dist.Duration{Nanoseconds: dist.Exponential(d)}
}

func probe(kind model.HandlerKind, period, timeout, failures int32) *model.Probe {
	p := &model.Probe{Handler: model.Handler{Kind: kind}, PeriodSeconds: period, TimeoutSeconds: timeout, FailureThreshold: failures}
	p.SetDefaults()
	return p
}

// world returns a world in which nothing goes wrong.
func world(startup, readiness, liveness *model.Probe) *model.World {
	propagation := dist.Constantly(time.Second)
	w := &model.World{
		Name:     "test",
		Pod:      model.Pod{Containers: []model.Container{{Name: "app"}}, TerminationGracePeriodSeconds: 30},
		Replicas: 1, Node: model.DefaultNode(), Cluster: model.DefaultCluster(),
	}
	w.Cluster.Propagation = &propagation
	w.Pod.Containers[0].Probes = [model.ProbeKinds]*model.Probe{startup, readiness, liveness}
	for k, p := range w.Pod.Containers[0].Probes {
		handler := model.HTTPGet
		if p != nil {
			handler = p.Handler.Kind
		}
		w.Application.Probes[k] = model.DefaultAnswer(handler)
	}
	return w
}

func run(t *testing.T, w *model.World, objectives ...model.Objective) *Recommendation {
	t.Helper()
	r, err := Run(context.Background(), w, Options{Options: estimate.Options{Seed: 1, Horizon: 24 * time.Hour, Objectives: objectives}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func atMost(measure, statistic string, bound float64) model.Objective {
	return model.Objective{Measure: measure, Statistic: statistic, Bound: bound}
}

// text is all that a result says, for looking into.
func text(of any) string {
	b, err := json.MarshalIndent(of, "", " ")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestKeepsGoodSettings holds that settings which meet everything are
// recommended unchanged.
func TestKeepsGoodSettings(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 3, 1, 3), probe(model.HTTPGet, 10, 2, 4))
	r := run(t, w)
	if r.Recommended == nil || r.Infeasible != nil {
		t.Fatalf("nothing recommended: %s", text(r))
	}
	checkReasons(t, r)
	if *r.Recommended.Settings.LivenessProbe != *w.Container().Probes[model.Liveness] || *r.Recommended.Settings.ReadinessProbe != *w.Container().Probes[model.Readiness] {
		t.Errorf("recommended %+v, want the current settings", r.Recommended.Settings)
	}
}

// TestPatience has stalls of which the answer is known: exponential, of mean
// 10 s, twice an hour. For at most 0.1 false kills a year, e^(−c/10)·(10/P)·
// (1 − e^(−P/10)) may be 5.7e-6 at most (S3), so c >= 115 s.
func TestPatience(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(30 * time.Minute), Lasts: exponential(10 * time.Second)}}
	r := run(t, w, atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 200), atMost("removalSeconds", "p99", 60))
	if r.Recommended == nil {
		t.Fatalf("nothing recommended: %s", text(r))
	}
	p := r.Recommended.Settings.LivenessProbe
	if c := estimate.Tolerated(p); c < 110*time.Second || c > 190*time.Second {
		t.Errorf("liveness %+v tolerates %v, want from 110 s to 190 s", p, c)
	}
	for _, verdict := range r.Recommended.Objectives {
		if verdict.Met == nil || !*verdict.Met {
			t.Errorf("%s is not met: %s", verdict.Name, text(r))
		}
	}
	checkReasons(t, r)
	if len(r.Binding) == 0 || len(r.Front) < 3 || len(r.Rejected) == 0 {
		t.Errorf("%d reasons, %d points of the front, %d rejected", len(r.Binding), len(r.Front), len(r.Rejected))
	}
}

// TestExclusive holds that two objectives which exclude each other are named:
// the same stalls need 110 s of patience, and the objective allows 60.
func TestExclusive(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(30 * time.Minute), Lasts: exponential(10 * time.Second)}}
	r := run(t, w, atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 60))
	if r.Infeasible == nil || r.Recommended != nil {
		t.Fatalf("not infeasible: %s", text(r))
	}
	for _, part := range []string{"falseKillsPerPodYear <= 0.1", "detectionSeconds.p99 <= 60", "exclude each other"} {
		if !strings.Contains(r.Infeasible.Reason, part) {
			t.Errorf("reason %q does not contain %q", r.Infeasible.Reason, part)
		}
	}
	if r.Infeasible.CPULimit != "" {
		t.Errorf("a CPU limit of %s is proposed where there is none", r.Infeasible.CPULimit)
	}
}

// TestStartup holds that a long initial delay becomes a startup probe (A19, A22,
// A23) whose guaranteed budget covers the longest starts.
func TestStartup(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	for _, p := range w.Container().Probes[model.Readiness:] {
		p.InitialDelaySeconds = 600
	}
	start, err := dist.FromQuantiles2(0.5, float64(180*time.Second), 0.99, float64(520*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	w.Application.Startup = []model.Stage{{Name: "load", Wait: dist.Duration{Nanoseconds: start}}}
	r := run(t, w, atMost("startupKillProbability", "", 0.01), atMost("readyLagSeconds", "p99", 20))
	if r.Recommended == nil || r.Recommended.Settings.StartupProbe == nil {
		t.Fatalf("no startup probe recommended: %s", text(r))
	}
	s := r.Recommended.Settings
	if budget := guaranteed(s.StartupProbe); budget < 520*time.Second || budget > 1000*time.Second {
		t.Errorf("startup probe %+v guarantees %v, want at least 520 s and not much more", s.StartupProbe, budget)
	}
	for _, p := range []*model.Probe{s.StartupProbe, s.ReadinessProbe, s.LivenessProbe} {
		if p.InitialDelaySeconds != 0 {
			t.Errorf("an initial delay of %d s stays", p.InitialDelaySeconds)
		}
	}
	checkReasons(t, r)
}

// checkReasons holds that each number of the probes has what binds it, and what one
// less and one more would lead to or why there is no such value, as numbers and in
// the sentence: a failure of a probe that asks every P seconds costs P seconds.
func checkReasons(t *testing.T, r *Recommendation) {
	t.Helper()
	reasons := map[string]*Reason{}
	for i := range r.Binding {
		reasons[r.Binding[i].Field] = &r.Binding[i]
	}
	for kind, p := range []*model.Probe{r.Recommended.Settings.StartupProbe, r.Recommended.Settings.ReadinessProbe, r.Recommended.Settings.LivenessProbe} {
		if p == nil {
			continue
		}
		for field, value := range map[string]int32{"periodSeconds": p.PeriodSeconds, "timeoutSeconds": p.TimeoutSeconds, "failureThreshold": p.FailureThreshold} {
			reason := reasons[model.ProbeKind(kind).Field()+"."+field]
			if reason == nil || reason.Value != strconv.Itoa(int(value)) || reason.Binding == "" || len(reason.Alternatives) < 3 {
				t.Errorf("%v %s %d: %s", model.ProbeKind(kind), field, value, text(reason))
				continue
			}
			for i, want := range []int32{value, value - 1, value + 1} {
				a := &reason.Alternatives[i]
				known := a.DetectionP99Seconds != nil || a.RemovalP99Seconds != nil || a.GuaranteedSeconds != nil
				if a.Value != strconv.Itoa(int(want)) || !known && a.Excluded == "" {
					t.Errorf("%s: %s, want %d", reason.Field, text(a), want)
				}
				if i > 0 && want > 0 && !strings.Contains(reason.Sentence, a.Value) || !strings.Contains(reason.Sentence, a.Misses) {
					t.Errorf("%s: %q does not tell of %s", reason.Field, reason.Sentence, text(a))
				}
			}
		}
	}
	if p := r.Recommended.Settings.StartupProbe; p != nil {
		startup := reasons["startupProbe.failureThreshold"].Alternatives
		if less, more := *startup[1].GuaranteedSeconds, *startup[2].GuaranteedSeconds; int32(more-less) != 2*p.PeriodSeconds || *startup[1].StartupKillProbability < *startup[2].StartupKillProbability {
			t.Errorf("a failure less and more: %s", text(startup))
		}
	}
	liveness, step := reasons["livenessProbe.failureThreshold"].Alternatives, float64(r.Recommended.Settings.LivenessProbe.PeriodSeconds)
	for i, sign := range []float64{0, -1, 1} {
		if a := liveness[i]; a.DetectionP99Seconds != nil && math.Abs(float64(*a.DetectionP99Seconds-*liveness[0].DetectionP99Seconds)-sign*step) > 1e-6 {
			t.Errorf("a failure less or more: %s", text(liveness))
		}
	}
}

// TestReasons has what binds each field of settings of which the answer is known.
// Nothing happens but hangs, so that periods are as long as the objectives allow,
// U((F−1)P+T, FP+T) (S4): with T 1 and F 3, p99 is 2.99 P + 1 <= 60 up to P 19, and
// 1.99 P + 1 and a second of propagation <= 30 up to P 14 with F 2.
func TestReasons(t *testing.T) {
	r := run(t, world(nil, probe(model.HTTPGet, 10, 1, 10), probe(model.HTTPGet, 30, 5, 10)), atMost("detectionSeconds", "p99", 60), atMost("removalSeconds", "p99", 30))
	checkReasons(t, r)
	want := map[string][3]string{
		"readinessProbe.periodSeconds":    {"10", "removalSeconds.p99 <= 30", "5"},
		"readinessProbe.timeoutSeconds":   {"1", "end of the grid", "2"},
		"readinessProbe.failureThreshold": {"2", "least threshold proposed", ""},
		"livenessProbe.periodSeconds":     {"15", "detectionSeconds.p99 <= 60", "10"},
		"livenessProbe.timeoutSeconds":    {"1", "end of the grid", "2"},
		"livenessProbe.failureThreshold":  {"3", "least threshold proposed", ""},
	}
	for i := range r.Binding {
		reason := &r.Binding[i]
		if got := [3]string{reason.Value, reason.Binding, reason.RunnerUp}; got != want[reason.Field] {
			t.Errorf("%s: %q, want %q: %s", reason.Field, got, want[reason.Field], reason.Sentence)
		}
	}
}

// TestBlindHandler holds that a handler which notices no hang is named as the
// cause.
func TestBlindHandler(t *testing.T) {
	w := world(nil, probe(model.TCPSocket, 10, 1, 3), probe(model.TCPSocket, 10, 1, 3))
	r := run(t, w, atMost("detectionSeconds", "p99", 60))
	if r.Infeasible == nil || !strings.Contains(r.Infeasible.Reason, "a tcpSocket handler does not notice a hung process") {
		t.Fatalf("reason: %s", text(r))
	}
}

// TestNoHandler holds that nothing is proposed without a handler to ask, and
// that it is said.
func TestNoHandler(t *testing.T) {
	r := run(t, world(nil, nil, nil), atMost("detectionSeconds", "p99", 60))
	if r.Infeasible == nil || !strings.Contains(r.Infeasible.Reason, "add --set readinessProbe.httpGet.port=8080") {
		t.Fatalf("reason: %s", text(r))
	}
}

// TestMissingProbe holds that a missing readiness probe is proposed with the
// liveness probe's handler.
func TestMissingProbe(t *testing.T) {
	r := run(t, world(nil, nil, probe(model.HTTPGet, 10, 1, 6)), atMost("removalSeconds", "p99", 30), atMost("detectionSeconds", "p99", 90))
	if r.Recommended == nil || r.Recommended.Settings.ReadinessProbe == nil {
		t.Fatalf("no readiness probe recommended: %s", text(r))
	}
	if r.Recommended.Settings.ReadinessProbe.Handler.Kind != model.HTTPGet {
		t.Errorf("readiness probe asks %v", r.Recommended.Settings.ReadinessProbe.Handler)
	}
}

// TestCPULimit holds that the CPU limit is named where it is the cause: an
// answer of 300 ms of CPU needs 15 s of wall time at 20m.
func TestCPULimit(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Pod.Containers[0].CPULimitMilli = 20
	for k := range w.Application.Probes {
		w.Application.Probes[k].CPU = dist.Constantly(300 * time.Millisecond)
	}
	r := run(t, w, atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 40), atMost("removalSeconds", "p99", 20))
	if r.Infeasible == nil || r.Infeasible.CPULimit == "" {
		t.Fatalf("no CPU limit is named: %s", text(r))
	}
	// Periods and timeouts of 10 s are the longest that detect in 40 s. Three
	// answers at once, 0.9 s of CPU, fit into 10 s from 91m on, in steps of 10m, and a
	// limit that is not confirmed is raised by a quarter at a time.
	limit, err := strconv.Atoi(strings.TrimSuffix(r.Infeasible.CPULimit, "m"))
	if err != nil || limit < 91 || limit > 91*2 {
		t.Errorf("a limit of %s, want 91m or a little more", r.Infeasible.CPULimit)
	}
	if confirmed := strings.Contains(r.Infeasible.Reason, "confirmed by the full simulation"); confirmed != r.Infeasible.CPULimitConfirmed || confirmed == strings.Contains(r.Infeasible.Reason, "not confirmed: of ") {
		t.Errorf("confirmed %v, and the reason says %s", r.Infeasible.CPULimitConfirmed, r.Infeasible.Reason)
	}
}

// TestWorkers holds that the number of workers never changes a byte.
func TestWorkers(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Pod.Containers[0].CPULimitMilli = 100
	for k := range w.Application.Probes {
		w.Application.Probes[k].CPU = exponential(5 * time.Millisecond)
	}
	w.Application.Background = []model.Background{{Every: exponential(time.Minute), CPU: exponential(100 * time.Millisecond), Workers: 1}}
	var first string
	for _, jobs := range []int{1, 3} {
		o := Options{Options: estimate.Options{Seed: 5, Horizon: 6 * time.Hour, Jobs: jobs, Replications: 4}}
		r, err := Run(context.Background(), w, o)
		if err != nil {
			t.Fatal(err)
		}
		got := text(r)
		if first == "" {
			first = got
		}
		if got != first {
			t.Errorf("%d workers: other bytes than 1 worker", jobs)
		}
	}
}

// TestBudget holds that a budget too small for anything ends the search with a word
// about it, and that a cancelled context is not called a budget.
func TestBudget(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Startup = []model.Stage{{Name: "boot", Wait: exponential(time.Minute)}}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for wanted, of := range map[string]struct {
		ctx    context.Context
		budget time.Duration
	}{
		"the budget ended while": {context.Background(), time.Nanosecond},
		"interrupted while":      {cancelled, time.Hour},
	} {
		r, err := Run(of.ctx, w, Options{Options: estimate.Options{Seed: 1, Horizon: time.Hour, Budget: of.budget}})
		if err != nil || r.Recommended != nil || r.Infeasible != nil {
			t.Fatalf("%s: %v, %s", wanted, err, text(r))
		}
		if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, wanted) {
			t.Errorf("notes %q do not contain %q", notes, wanted)
		}
	}
}
