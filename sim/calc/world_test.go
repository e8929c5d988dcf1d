package calc

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

func exponential(mean time.Duration) dist.Duration {
	return dist.Duration{Nanoseconds: dist.Exponential(mean)}
}

// world returns a quiet world with the default probes, all httpGet.
func world() *model.World {
	probe := func() *model.Probe {
		p := &model.Probe{Handler: model.Handler{Kind: model.HTTPGet, Target: ":8080/healthz"}}
		p.SetDefaults()
		return p
	}
	w := &model.World{
		Name:     "test",
		Pod:      model.Pod{Containers: []model.Container{{Name: "api"}}, TerminationGracePeriodSeconds: model.DefaultGrace},
		Replicas: 1, Node: model.DefaultNode(), Cluster: model.DefaultCluster(),
	}
	for kind := range model.ProbeKind(model.ProbeKinds) {
		w.Application.Probes[kind] = model.DefaultAnswer(model.HTTPGet)
		w.Pod.Containers[0].Probes[kind] = probe()
	}
	return w
}

func calculate(t *testing.T, w *model.World) *Calculation {
	t.Helper()
	c, err := World(w)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// noted reports whether a note holds all the words.
func noted(c *Calculation, words ...string) bool {
	for _, note := range c.Notes {
		all := true
		for _, word := range words {
			all = all && strings.Contains(note, word)
		}
		if all {
			return true
		}
	}
	return false
}

func TestQuietWorld(t *testing.T) {
	c := calculate(t, world())
	if *c.FalseKillsPerPodDay != 0 || c.KillProbability.H720 != 0 || !math.IsInf(float64(*c.MeanTimeToFalseKillSeconds), 1) {
		t.Errorf("a quiet world kills: %+v", c)
	}
	if d := c.Probes.Liveness.DetectionSeconds; d.Min != 21 || d.Mean != 26 || d.Max != 31 {
		t.Errorf("detection %+v, want 21 26 31", d)
	}
	if c.Probes.Startup.DetectionSeconds != nil || c.Probes.Startup.BudgetSeconds.Guaranteed != 20 {
		t.Errorf("startup %+v", c.Probes.Startup)
	}
	patient := world()
	patient.Container().Probes[model.Liveness].FailureThreshold = 4
	if d := calculate(t, patient).Probes.Readiness.RemovalSeconds; math.Abs(float64(d.Mean)-26.0487) > .001 {
		t.Errorf("removal %+v, want a mean of 26.05", d)
	}
	if *c.StartupKillProbability != 0 {
		t.Errorf("startup kill probability %v", *c.StartupKillProbability)
	}
}

// TestIndependentFailures: S1 where failures are drawn one by one.
func TestIndependentFailures(t *testing.T) {
	w := world()
	w.Application.Probes[model.Liveness].Failure = .01
	c := calculate(t, w)
	if *c.MeanProbesToKill != 1_010_100 && math.Abs(float64(*c.MeanProbesToKill)-1_010_100) > 1e-3 {
		t.Errorf("mean probes to kill %v", *c.MeanProbesToKill)
	}
	if got, want := float64(*c.FalseKillsPerPodDay), 8640/1_010_100.0; !near(got, want, 1e-9) {
		t.Errorf("false kills per pod-day %v, want %v", got, want)
	}
	for _, p := range []struct{ got, want float64 }{
		{float64(c.KillProbability.H1), 3.54368e-4}, {float64(c.KillProbability.H24), .0085152},
	} {
		// The hour holds 360 probes, the day 8640.
		if !near(p.got, p.want, 1e-4) {
			t.Errorf("kill probability %v, want %v", p.got, p.want)
		}
	}
	if !noted(c, "independent failures", "valid only while nothing makes failures come together") {
		t.Errorf("the condition of validity is not noted: %q", c.Notes)
	}
	// An answer that is late now and then fails independently too.
	w = world()
	w.Application.Probes[model.Liveness].Wait = exponential(time.Second / 2)
	c = calculate(t, w)
	if got, want := float64(*c.MeanProbesToKill), (Run{3, math.Exp(-2)}).MeanProbes(); !near(got, want, 1e-6) {
		t.Errorf("late answers: %v probes, want %v", got, want)
	}
}

// TestBurstyFailuresAreNotIndependent holds that bursts are never served by the
// arithmetic of independent failures. The failing stretches of this world are
// those of S2's channel (.001, .2, 0, 1) in continuous time: their rates add up
// to −ln(1−.201) per period, and they take .001/.201 of the time.
func TestBurstyFailuresAreNotIndependent(t *testing.T) {
	w := world()
	rates := -math.Log(1-.201) / 10
	w.Application.Probes[model.Liveness].Failing = &model.OnOff{
		Every: exponential(time.Duration(1e9 / (rates * .001 / .201))), Lasts: exponential(time.Duration(1e9 / (rates * .2 / .201))),
	}
	c := calculate(t, w)
	if c.Method != "stalls (S3)" || c.MeanProbesToKill != nil || !noted(c, "stall", "valid while") {
		t.Fatalf("method %q, notes %q", c.Method, c.Notes)
	}
	bursty := GilbertElliott(.001, .2, 0, 1)
	independent := Run{3, bursty.MeanFailure()}.MeanProbes()
	got := float64(*c.MeanTimeToFalseKillSeconds) / 10
	// The formula counts from one kill to the next, and the channel from a
	// stationary start to the first.
	if want := 1561.34; !near(got, want, .01) || !near(bursty.MeanProbes(3), want, 1e-5) {
		t.Errorf("%v probes to a kill, the channel %v, want %v", got, bursty.MeanProbes(3), want)
	}
	if factor, want := independent/got, 8.16e6/1561.34; !near(factor, want, .01) {
		t.Errorf("independent failures would need %v times as many probes, want %v times", factor, want)
	}
}

// TestUnsteady holds that a window is not given more exactly than it is known.
func TestUnsteady(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *model.World)
		reason string
	}{
		{"pauses", func(w *model.World) {
			w.Application.Pauses = []model.OnOff{{Every: exponential(10 * time.Second), Lasts: exponential(3 * time.Second)}}
		}, "stalls take"},
		{"slow answers", func(w *model.World) {
			w.Application.Probes[model.Readiness].Wait = exponential(time.Second / 5)
		}, "the fault may meet it under way"},
		{"workers", func(w *model.World) {
			w.Application.Traffic = &model.Traffic{PerSecond: 1}
			w.Application.Probes[model.Readiness].RunsOn = model.Workers
		}, "the probe queues with the traffic"},
		{"a fault that passes", func(w *model.World) {
			w.Faults = []model.Fault{{Name: "glitch", Probes: [model.ProbeKinds]bool{model.Readiness: true}}}
		}, "the fault glitch ends by itself"},
	} {
		w := world()
		c.change(w)
		got := calculate(t, w)
		d := got.Probes.Readiness.DetectionSeconds
		if d.Min != 0 || !math.IsNaN(float64(d.Mean)) || d.Max != 31 || !noted(got, "readiness probe", "only the bounds", c.reason) {
			t.Errorf("%s: detection %+v, notes %q", c.name, d, got.Notes)
		}
		if r := got.Probes.Readiness; !math.IsNaN(float64(r.RemovalSeconds.Mean)) || r.ReadyLagSeconds != nil || !noted(got, "readyLagSeconds: null", c.reason) {
			t.Errorf("%s: removal %+v, ready lag %+v, notes %q", c.name, r.RemovalSeconds, r.ReadyLagSeconds, got.Notes)
		}
	}
}

// TestRemovalByWhom: the readiness probe's window is that of the removal only
// where no kill can come first (K32), and no load balancer adds its own.
func TestRemovalByWhom(t *testing.T) {
	w := world()
	first := calculate(t, w)
	if d := first.Probes.Readiness.RemovalSeconds; math.Abs(float64(d.Min)-21) > 1e-3 || !math.IsNaN(float64(d.Mean)) || !noted(first, "removalSeconds only the bounds", "killed first") {
		t.Errorf("removal %+v, notes %q", d, first.Notes)
	}
	w.Cluster.LoadBalancer = &model.LoadBalancer{Deregistration: time.Minute}
	if c := calculate(t, w); c.Probes.Readiness.RemovalSeconds != nil || !noted(c, "removalSeconds is null", "load balancer") {
		t.Errorf("removal %+v, notes %q", c.Probes.Readiness.RemovalSeconds, c.Notes)
	}
}

// TestStallsAndFailuresTogether have no closed form here, unless one of the two
// does not count.
func TestStallsAndFailuresTogether(t *testing.T) {
	w := world()
	w.Application.Pauses = []model.OnOff{{Name: "full GC", Every: exponential(time.Hour), Lasts: exponential(3 * time.Second)}}
	w.Application.Probes[model.Liveness].Failure = .01
	together := calculate(t, w)
	if together.Method != "Markov chain (S2)" || !noted(together, "Markov chain", "stalls and failures") {
		t.Errorf("method %q, notes %q", together.Method, together.Notes)
	}
	w.Application.Probes[model.Liveness].Failure = 1e-9
	c := calculate(t, w)
	p := every(10*time.Second, time.Second, 3).StallKills(exponential(3*time.Second), true)
	want := p * 86400 / 3603
	if c.FalseKillsPerPodDay == nil || !near(float64(*c.FalseKillsPerPodDay), want, 1e-3) {
		t.Errorf("false kills %v, want %v", c.FalseKillsPerPodDay, want)
	}
	// Failures help stalls to a verdict, so together they kill more than apart.
	if apart := want + 8640/(Run{3, .01}).MeanProbes(); float64(*together.FalseKillsPerPodDay) < 1.05*apart {
		t.Errorf("false kills together %v, apart %v", *together.FalseKillsPerPodDay, apart)
	}
}

// TestNoClosedForm names the reason wherever there is none.
func TestNoClosedForm(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *model.World)
		reason string
	}{
		{"background", func(w *model.World) {
			w.Application.Background = []model.Background{{Every: exponential(time.Second), CPU: exponential(time.Second)}}
		}, "background work shares the quota with the answers thread by thread"},
		{"traffic", func(w *model.World) { w.Application.Traffic = &model.Traffic{PerSecond: 5} }, "delay the answers' CPU time"},
		{"neighbours", func(w *model.World) {
			w.Application.Probes[model.Liveness].CPU = dist.Constantly(time.Millisecond)
			w.Node.Neighbours = []model.Neighbour{{CPURequestMilli: 500}}
		}, "delay the answers' CPU time"},
		{"classes", func(w *model.World) { w.Node.Classes = []model.NodeClass{{Weight: 1}} }, "kinds of node differ"},
		{"workers", func(w *model.World) { w.Application.Probes[model.Liveness].RunsOn = model.Workers }, "queues with the traffic"},
		{"passing fault", func(w *model.World) {
			w.Faults = []model.Fault{{Name: "glitch", Probes: [model.ProbeKinds]bool{model.Liveness: true}}}
		}, "the fault glitch ends by itself"},
		{"memory", func(w *model.World) {
			w.Application.Resources = []model.Resource{{Name: "memory", Fails: []model.ProbeKind{model.Liveness}}}
		}, "memory fails the probe"},
		{"quota", func(w *model.World) {
			w.Pod.Containers[0].CPULimitMilli = 20
			w.Application.Probes[model.Liveness].CPU = exponential(20 * ms)
		}, "meet the quota"},
		{"charged stall", func(w *model.World) {
			w.Pod.Containers[0].CPULimitMilli = 20
			w.Node.Stalls = []model.Stall{{ChargedToQuota: true, OnOff: model.OnOff{Name: "steal"}}}
		}, "steal is charged"},
	} {
		w := world()
		c.change(w)
		got := calculate(t, w)
		if got.FalseKillsPerPodDay != nil || got.MeanProbesToKill != nil || !noted(got, "falseKillsPerPodDay: null", c.reason, "run simulates it") {
			t.Errorf("%s: false kills %v, notes %q", c.name, got.FalseKillsPerPodDay, got.Notes)
		}
		if got.Probes.Liveness.DetectionSeconds == nil {
			t.Errorf("%s: no windows", c.name)
		}
	}
}

func TestHandlers(t *testing.T) {
	w := world()
	container := &w.Pod.Containers[0]
	container.Probes[model.Liveness].Handler.Kind = model.TCPSocket
	w.Application.Probes[model.Liveness] = model.DefaultAnswer(model.TCPSocket)
	container.Probes[model.Readiness].Handler.Kind = model.GRPC
	w.Application.Pauses = []model.OnOff{{Every: exponential(3 * time.Hour), Lasts: exponential(time.Minute)}}
	c := calculate(t, w)
	if c.Probes.Liveness.DetectionSeconds != nil || *c.FalseKillsPerPodDay != 0 || !noted(c, "the kernel answers a tcp probe") {
		t.Errorf("a tcp probe sees a hang or a pause: %+v %q", c.Probes.Liveness, c.Notes)
	}
	if d := c.Probes.Readiness.DetectionIfRefusedSeconds; d.Min != 21 {
		t.Errorf("a refused grpc probe fails at once: %+v (K20)", d)
	}
	w = world()
	w.Application.Probes[model.Liveness].Cached = 5 * time.Second
	if d := calculate(t, w).Probes.Liveness.DetectionSeconds; d.Min != 20 || d.Mean != 27.5 || d.Max != 35 {
		t.Errorf("a cached status: %+v, want 20 27.5 35", d)
	}
	if _, err := World(&model.World{Pod: model.Pod{Containers: []model.Container{{Name: "api"}}}}); err == nil || err.Error() != "container api: has no probe: there is nothing to calculate" {
		t.Errorf("error %v", err)
	}
}

// TestStartupKillProbability: a startup of p99 80 s against 8 failures of 10 s.
func TestStartupKillProbability(t *testing.T) {
	w := world()
	w.Pod.Containers[0].Probes[model.Startup].FailureThreshold = 8
	startup := dist.LogNormal{Mu: math.Log(40e9), Sigma: .3}
	w.Application.Startup = []model.Stage{{Name: "boot", Wait: dist.Duration{Nanoseconds: startup}}}
	c := calculate(t, w)
	// The grid's anchor lies .222 s before the start, give or take .02 s.
	if want := 1 - startup.CDF(79.777e9); !near(float64(*c.StartupKillProbability), want, 1e-3) {
		t.Errorf("startup kill probability %v, want %v", *c.StartupKillProbability, want)
	}
	low, high := 1-startup.CDF(80e9), 1-startup.CDF(70e9)
	if got := float64(*c.StartupKillProbabilityAnyPhase); got <= low || got >= high {
		t.Errorf("at any phase %v, want between %v and %v", got, low, high)
	}
	w.Application.Startup[0].CPU = exponential(3 * time.Second)
	without := float64(*c.StartupKillProbability)
	if c = calculate(t, w); float64(*c.StartupKillProbability) < without*1.2 {
		t.Errorf("CPU work without a limit does not count: %v after %v", *c.StartupKillProbability, without)
	}
	w.Pod.Containers[0].CPULimitMilli = 250
	if c = calculate(t, w); c.StartupKillProbability != nil || !noted(c, "startupKillProbability: null", "CPU limit") {
		t.Errorf("startup kill probability %v, notes %q", c.StartupKillProbability, c.Notes)
	}
}

// TestFromInput checks the JSON of flags alone against S1, S3, S4 and S8.
func TestFromInput(t *testing.T) {
	base := Input{Period: 10 * time.Second, Timeout: time.Second, Failures: 3}
	in := base
	in.Probability, in.CPULimitMilli, in.HandlerCPU = .01, 20, 25*ms
	c, err := FromInput(in)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Kind   string
		Probes struct {
			Liveness struct {
				DetectionSeconds struct{ Min, Mean, Max float64 }
			}
		}
		MeanProbesToKill, MeanTimeToFalseKillSeconds float64
		KillProbability                              map[string]float64
		FolkFormulas                                 []struct {
			Formula        string
			Seconds, Error float64
		}
		Quota struct{ BudgetSeconds, WallSeconds float64 }
	}
	if err := json.Unmarshal(encoded, &got); err != nil {
		t.Fatal(err)
	}
	if d := got.Probes.Liveness.DetectionSeconds; got.Kind != "Calculation" || d.Min != 21 || d.Mean != 26 || d.Max != 31 {
		t.Errorf("%s", encoded)
	}
	if !near(got.MeanTimeToFalseKillSeconds, 10_101_000, 1e-9) || !near(got.KillProbability["1h"], 3.54368e-4, 1e-4) ||
		!near(got.KillProbability["24h"], .0085152, 1e-4) || got.KillProbability["720h"] < .2 {
		t.Errorf("%s", encoded)
	}
	wantFormulas := map[string][2]float64{"F·P": {30, -1}, "F·(P+T)": {33, 2}, "D+F·P": {30, -1}, "D+F·T+(F−1)·P": {23, -8}}
	for _, f := range got.FolkFormulas {
		if want := wantFormulas[f.Formula]; f.Seconds != want[0] || f.Error != want[1] {
			t.Errorf("%s: %v off by %v, want %v", f.Formula, f.Seconds, f.Error, want)
		}
	}
	if got.Quota.BudgetSeconds != .020 || math.Abs(got.Quota.WallSeconds-1.201) > 1e-9 || !noted(c, "does not fit the timeout") {
		t.Errorf("%s", encoded)
	}

	in = base
	in.StallEvery, in.StallLasts = 6*time.Hour, dist.Constantly(25*time.Second)
	if c, err = FromInput(in); err != nil {
		t.Fatal(err)
	}
	// A kill cuts the stall: its mean length is a little below 25 s.
	if perDay := float64(*c.FalseKillsPerPodDay); !near(perDay, .4*4, 2e-3) || c.Method != "stalls (S3)" {
		t.Errorf("false kills per pod-day %v, want 1.6 (%s)", perDay, c.Method)
	}
}

func TestInputFaults(t *testing.T) {
	_, err := FromInput(Input{Period: 1500 * ms, Failures: 0, Probability: 2, StallLasts: dist.Constantly(time.Second), CPUPeriod: time.Minute, HandlerCPU: -1})
	want := strings.Join([]string{
		"period: 1.5s: must be whole seconds, at least 1s",
		"timeout: 0s: must be whole seconds, at least 1s",
		"failures: 0: must lie between 1 and 2147483647 (K57)",
		"probability: 2: must lie between 0 and 1",
		"stall-every: 0s: must be above 0 where stall-lasts is given",
		"cpu-period: 1m0s: must lie between 1ms and 1s",
		"handler-cpu: -1ns: must not be below 0",
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}
	_, err = FromInput(Input{Period: time.Second, Timeout: time.Second, Failures: 1, Probability: .1, StallEvery: time.Hour, StallLasts: dist.Constantly(time.Second)})
	if err == nil || !strings.Contains(err.Error(), "cannot be combined with stalls") {
		t.Errorf("error %v", err)
	}
}
