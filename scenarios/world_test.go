package scenarios

import (
	"reflect"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// must returns a distribution of durations whose parameters are right.
func must(made dist.Dist, err error) dist.Duration {
	if err != nil {
		panic(err)
	}
	return dist.Duration{Nanoseconds: made}
}

func s(seconds float64) float64 { return seconds * 1e9 }

func quantiles(p50, p99 float64) dist.Duration {
	return must(dist.FromQuantiles2(0.5, s(p50), 0.99, s(p99)))
}

func exponential(d time.Duration) dist.Duration { return must(dist.NewExponential(float64(d))) }

const day = 24 * time.Hour

// Every field of the format arrives where it belongs.
func TestEveryField(t *testing.T) {
	w := load(t, "testdata/example.yaml")[0]
	world := w.World
	check := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
		}
	}
	constantly := dist.Constantly
	check("name", []string{world.Name, world.Description, world.Source}, []string{"spring-at-250m", "every field of the format", "design.md"})
	check("replicas", world.Replicas, 3)
	app := world.Application
	check("beforeStart", app.BeforeStart, []model.Stage{{Name: "pull", Wait: must(dist.NewMixture([]dist.Part{
		{Weight: 9, Of: dist.Constant(0)}, {Weight: 1, Of: quantiles(30, 70).Nanoseconds},
	}))}})
	check("startup", app.Startup, []model.Stage{
		{Name: "boot", CPU: quantiles(9, 12), Wait: constantly(time.Second), Threads: 2, CPULimitMilli: 2000},
		{Name: "warm", Wait: must(dist.NewTriangular(s(1), s(2), s(4))), Threads: 1, Answers: model.AnswersFailure},
	})
	check("threads and accounting", []any{app.Threads, app.Accounting}, []any{2, model.AccountingExact})
	answer := model.Answer{CPU: constantly(2 * time.Millisecond), Wait: quantiles(0.001, 0.02), HangCoverage: 1}
	check("startup's answer", app.Probes[model.Startup], answer)
	readiness := answer
	readiness.DependsOn, readiness.Cached, readiness.FailsInFlight, readiness.RunsOn = []int{0}, 5*time.Second, 50, model.Workers
	check("readiness' answer", app.Probes[model.Readiness], readiness)
	liveness := answer
	liveness.Failure = 0.0005
	liveness.Failing = &model.OnOff{Every: exponential(36 * time.Hour), Lasts: must(dist.NewGamma(2, s(5)))}
	liveness.Exec = model.ExecCost{Join: constantly(10 * time.Millisecond), HelperCPU: constantly(20 * time.Millisecond)}
	check("liveness' answer", app.Probes[model.Liveness], liveness)
	check("traffic", app.Traffic, &model.Traffic{
		PerSecond: 40, OfService: true, CPU: quantiles(0.003, 0.04), Wait: constantly(10 * time.Millisecond),
		Workers: 8, Queue: 100, ClientTimeout: 5 * time.Second, RetriesMax: 2, RetriesAfter: time.Second,
		Bursts: []model.Burst{{PerSecond: 200, OnOff: model.OnOff{Name: "campaign", Every: exponential(day), Lasts: must(dist.NewUniform(s(60), s(300)))}}},
	})
	check("background", app.Background, []model.Background{
		{Every: exponential(10 * time.Second), CPU: constantly(300 * time.Millisecond), Workers: 1},
		{Every: must(dist.NewWeibull(1.5, s(10))), CPU: must(dist.NewNormal(s(0.02), s(0.005)))},
		{Always: true, Threads: 4, Workers: 1},
	})
	check("pauses", app.Pauses, []model.OnOff{{Name: "full GC", Every: exponential(time.Hour), Lasts: quantiles(0.8, 4)}})
	check("resources", app.Resources, []model.Resource{{
		Name: "memory", PerHour: must(dist.FromQuantiles2(0.5, 0.01, 0.99, 0.2)).Nanoseconds,
		Fails: []model.ProbeKind{model.Readiness, model.Liveness}, FailsAt: 0.9, AtFull: model.FullExits,
	}})
	check("shutdown", app.Shutdown, model.Shutdown{Wait: constantly(2 * time.Second), ListenerAtExit: true, IgnoresTerm: true})
	all := [model.ProbeKinds]bool{true, true, true}
	check("faults", world.Faults, []model.Fault{
		{Name: "deadlock", Every: exponential(30 * day), Forever: true, Probes: all, Hangs: true},
		{Name: "bug", Every: exponential(60 * day), Exits: true, Forever: true, Probes: all, Hangs: true},
		{Name: "planned", After: 20300 * time.Millisecond, Planned: true, Lasts: constantly(10 * time.Second), Answers: model.FaultFailure, Probes: [model.ProbeKinds]bool{model.Liveness: true}},
		{
			Name: "half-open", Every: must(dist.NewShift(float64(day), must(dist.NewPareto(float64(10*day), 2.5)).Nanoseconds)),
			Lasts: must(dist.LogNormalMeanSD(s(20), s(5))), Answers: model.FaultStallsAfterHeaders, Probes: all, Hangs: true,
		},
	})
	check("dependencies", world.Dependencies, []model.OnOff{{Name: "db", Every: exponential(20 * day), Lasts: quantiles(40, 600)}})
	every := dist.Duration{Nanoseconds: samples(t, 600e9, 1200e9, 3600e9, 1200e9)}
	lasts := must(dist.NewHistogram([]dist.Bucket{{LE: s(0.01), Count: 50}, {LE: s(0.1), Count: 90}, {LE: s(1), Count: 99}, {LE: inf, Count: 100}}))
	node := model.Node{
		Profile: "shared-vm", CPUs: 4, KernelHz: 1000, CFSPeriod: 50 * time.Millisecond, NoCFSQuota: true, CFSBurst: 10 * time.Millisecond,
		LinearWeights: true, Kernel: "6.1",
		Neighbours: []model.Neighbour{{CPURequestMilli: 2000, WaitFactor: 1.5, Busy: quantiles(20, 180), Idle: quantiles(300, 3600)}},
		Stalls:     []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: every, Lasts: lasts}, ChargedToQuota: true}},
	}
	got := world.Node
	got.Classes = nil
	check("replicasPerNode", got.ReplicasPerNode, 2)
	got.ReplicasPerNode = 0
	check("node", got, node)
	quiet, crowded := node, node
	quiet.Profile = "quiet"
	crowded.Profile, crowded.CPUs = "overcommitted", 8
	check("classes", world.Node.Classes, []model.NodeClass{{Weight: 19, Node: quiet}, {Weight: 1, Node: crowded}})
	propagation := must(dist.FromQuantiles([]dist.Point{{P: 0.5, X: s(1.5)}, {P: 0.9, X: s(2.3)}, {P: 0.99, X: s(6.8)}}))
	check("cluster", world.Cluster, model.Cluster{
		KubernetesVersion: model.Version{Minor: 30}, Propagation: &propagation, ProxyMode: model.NFTables, MinSyncPeriod: 2 * time.Second,
		LoadBalancer: &model.LoadBalancer{Deregistration: 30 * time.Second, PeriodSeconds: 15, FailureThreshold: 2},
	})
	restart, deletion, rollout := exponential(30*day), exponential(7*day), exponential(2*day)
	check("events", world.Events, model.Events{KubeletRestart: &restart, Deletion: &deletion, Rollout: &rollout})
	check("run", w.Run, RunSettings{Horizon: 10 * day, Seed: 7, Precision: 0.05, Budget: 5 * time.Minute})
}

// Stated objectives replace the defaults measure by measure; {} lifts one.
func TestObjectives(t *testing.T) {
	defaults := []model.Objective{
		{Measure: "falseKillsPerPodYear", Bound: 0.1},
		{Measure: "startupKillProbability", Bound: 0.0001},
		{Measure: "detectionSeconds", Statistic: "p99", Bound: 60},
		{Measure: "removalSeconds", Statistic: "p99", Bound: 30},
		{Measure: "readyLagSeconds", Statistic: "p99", Bound: 5},
		{Measure: "livenessToReadinessTolerance", AtLeast: true, Bound: 2},
	}
	bare := load(t, "testdata/list.json")[0]
	if !reflect.DeepEqual(bare.Objectives, defaults) || bare.Stated != nil {
		t.Errorf("got %+v, stated %+v", bare.Objectives, bare.Stated)
	}
	stated := []model.Objective{
		{Measure: "falseKillsPerPodYear", Bound: 0.2},
		{Measure: "startupKillProbability", Bound: 0.001},
		{Measure: "detectionSeconds", Statistic: "mean", Bound: 50},
		{Measure: "detectionSeconds", Statistic: "p99", Bound: 90},
		{Measure: "readyLagSeconds", Statistic: "p90", Bound: 5},
		{Measure: "livenessToReadinessTolerance", AtLeast: true, Bound: 3},
	}
	w := load(t, "testdata/example.yaml")[0]
	if !reflect.DeepEqual(w.Objectives, stated) || !reflect.DeepEqual(w.Stated, stated) {
		t.Errorf("got %+v, stated %+v", w.Objectives, w.Stated)
	}
}

// In a scenario what is absent does not happen.
func TestDefaultsOfAScenario(t *testing.T) {
	const text = `{apiVersion: probesim/v1, kind: Scenario, pod: {containers: [{name: a, livenessProbe: {tcpSocket: {port: 1}}, readinessProbe: {httpGet: {port: 1}}}]}}`
	w, err := Load(Source{Name: "dir/case.yaml", Data: []byte(text)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	world := w[0].World
	answer := func(coverage float64) model.Answer {
		return model.Answer{Wait: dist.Constantly(time.Millisecond), HangCoverage: coverage}
	}
	want := model.Application{
		Probes: [model.ProbeKinds]model.Answer{model.Startup: answer(0), model.Readiness: answer(1), model.Liveness: answer(0)},
	}
	if !reflect.DeepEqual(world.Application, want) {
		t.Errorf("application:\n got %+v\nwant %+v", world.Application, want)
	}
	if !reflect.DeepEqual(world.Node, model.DefaultNode()) || !reflect.DeepEqual(world.Cluster, model.DefaultCluster()) {
		t.Errorf("node %+v, cluster %+v", world.Node, world.Cluster)
	}
	if world.Faults != nil || world.Dependencies != nil || world.Events != (model.Events{}) || world.Replicas != 1 || world.Name != "case" {
		t.Errorf("world %+v", world)
	}
	if w[0].Run != (RunSettings{Horizon: 30 * day, Seed: 1, Precision: 0.1, Budget: time.Minute}) || w[0].Assumptions != nil {
		t.Errorf("run %+v, assumptions %q", w[0].Run, w[0].Assumptions)
	}
}
