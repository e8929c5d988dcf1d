package calc_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
)

// TestSimulationAgrees simulates worlds that have a closed form and compares
// the false kills and the time to detection (S13).
func TestSimulationAgrees(t *testing.T) {
	exponential := func(mean time.Duration) dist.Duration { return dist.Duration{Nanoseconds: dist.Exponential(mean)} }
	for _, c := range []struct {
		name   string
		change func(w *model.World)
	}{
		{"independent failures", func(w *model.World) { w.Application.Probes[model.Liveness].Failure = .1 }},
		{"pauses", func(w *model.World) {
			w.Application.Pauses = []model.OnOff{{Name: "full GC", Every: exponential(time.Hour), Lasts: exponential(10 * time.Second)}}
		}},
		{"outages of a dependency", func(w *model.World) {
			w.Dependencies = []model.OnOff{{Name: "db", Every: exponential(5 * time.Hour), Lasts: exponential(20 * time.Second)}}
			w.Application.Probes[model.Liveness].DependsOn = []int{0}
		}},
		{"a timeout beyond the period, and starts that are killed", func(w *model.World) {
			w.Pod.Containers[0].Probes[model.Liveness].PeriodSeconds = 5
			w.Pod.Containers[0].Probes[model.Liveness].TimeoutSeconds = 8
			w.Application.Pauses = []model.OnOff{{Name: "full GC", Every: exponential(time.Hour), Lasts: exponential(10 * time.Second)}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := probedWorld()
			c.change(w)
			exact, err := calc.World(w)
			if err != nil {
				t.Fatal(err)
			}
			e, err := estimate.Run(context.Background(), []estimate.Named{{Name: "base", World: w}},
				estimate.Options{Seed: 1, Horizon: 10 * 24 * time.Hour, Replications: 8, Confidence: .999})
			if err != nil {
				t.Fatal(err)
			}
			m := e.Variants[0].Measures
			if kills, want := m.FalseKillsPerPodDay, float64(*exact.FalseKillsPerPodDay); want < kills.Low || want > kills.High {
				t.Errorf("false kills per pod-day: %v calculated, %+v simulated", want, kills)
			}
			// The kubelet's own delays add some milliseconds.
			const delays = .01
			detection, want := m.DetectionSeconds.Mean, float64(exact.Probes.Liveness.DetectionSeconds.Mean)
			if want+delays < detection.Low || want > detection.High {
				t.Errorf("mean detection: %v s calculated, %+v simulated", want, detection)
			}
		})
	}
}

// TestSlowAnswersAgree simulates a pod whose answers are late at times, mostly
// while a neighbour is busy, beside a stall, and compares it with the chain (S2,
// S13): the pod of docs/performance.md, in which more goes wrong.
func TestSlowAnswersAgree(t *testing.T) {
	stages := func(mean time.Duration) dist.Duration { return dist.Duration{Nanoseconds: dist.Exponential(mean)} }
	w := probedWorld()
	w.Application.Startup = nil
	w.Application.Probes[model.Liveness].Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(100e6), Sigma: 1}}
	w.Node.Neighbours = []model.Neighbour{{WaitFactor: 8, Busy: stages(time.Minute), Idle: stages(20 * time.Minute)}}
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: stages(2 * time.Hour), Lasts: stages(5 * time.Second)}}}
	exact, err := calc.World(w)
	if err != nil {
		t.Fatal(err)
	}
	e, err := estimate.Run(context.Background(), []estimate.Named{{Name: "base", World: w}},
		estimate.Options{Seed: 1, Horizon: 20 * 24 * time.Hour, Replications: 32, Confidence: .997})
	if err != nil {
		t.Fatal(err)
	}
	m := e.Variants[0].Measures
	if kills, want := m.FalseKillsPerPodDay, float64(*exact.FalseKillsPerPodDay); want < kills.Low || want > kills.High {
		t.Errorf("false kills per pod-day: %v by the chain, %+v simulated", want, kills)
	}
	failures := m.ProbeFailureProbability[model.Liveness]
	if want := float64(*exact.Probes.Liveness.FailureProbability); failures.Estimate.Estimate < want || failures.Estimate.Estimate > 1.1*want {
		t.Errorf("a probe fails with %v by itself, %+v simulated with the stalls", want, failures.Estimate.Estimate)
	}
}

// TestBacklogAgrees simulates an event loop at a tenth of a CPU whose background
// jobs keep it from answering, and compares its false kills with the chain over
// the classes of the backlog (S2, S13), and with what the quota's portions leave
// open.
func TestBacklogAgrees(t *testing.T) {
	stages := func(mean time.Duration) dist.Duration { return dist.Duration{Nanoseconds: dist.Exponential(mean)} }
	w := probedWorld()
	w.Application.Startup, w.Application.Threads = nil, 1
	w.Container().CPULimitMilli = 100
	w.Container().Probes[model.Readiness] = nil
	answer := &w.Application.Probes[model.Liveness]
	answer.CPU, answer.HangCoverage = dist.Constantly(time.Millisecond), 0
	for _, c := range []struct {
		every  time.Duration
		job    dist.Duration
		pauses bool
		share  float64 // of the false kills, that the stages of a fit may be off by
	}{
		{20 * time.Second, stages(300 * time.Millisecond), false, 0},
		{24 * time.Second, dist.Constantly(600 * time.Millisecond), false, .1},
		{20 * time.Second, stages(300 * time.Millisecond), true, 0}, // work stands still in them, and comes on top
	} {
		w.Application.Pauses = nil
		if c.pauses {
			w.Application.Pauses = []model.OnOff{{Name: "full GC", Every: stages(10 * time.Minute), Lasts: stages(15 * time.Second)}}
		}
		w.Application.Background = []model.Background{{Every: stages(c.every), CPU: c.job, Workers: 1}}
		exact, err := calc.World(w)
		if err != nil {
			t.Fatal(err)
		}
		e, err := estimate.Run(context.Background(), []estimate.Named{{Name: "base", World: w}},
			estimate.Options{Seed: 1, Horizon: 4 * 24 * time.Hour, Replications: 8, Confidence: .997, Plain: true})
		if err != nil {
			t.Fatal(err)
		}
		kills := e.Variants[0].Measures.FalseKillsPerPodDay
		if want := float64(*exact.FalseKillsPerPodDay); want*(1+c.share) < kills.Low || want*(1-c.share) > kills.High {
			t.Errorf("jobs of %v: false kills per pod-day: %v by the chain, %+v simulated", c.job, want, kills)
		}
	}
}

// probedWorld is quiet, with default readiness and liveness probes and a
// startup of 2 to 12 s.
func probedWorld() *model.World {
	w := &model.World{
		Name: "test", Replicas: 1, Node: model.DefaultNode(), Cluster: model.DefaultCluster(),
		Pod: model.Pod{Containers: []model.Container{{Name: "api"}}, TerminationGracePeriodSeconds: model.DefaultGrace},
	}
	for kind := range model.ProbeKind(model.ProbeKinds) {
		w.Application.Probes[kind] = model.DefaultAnswer(model.HTTPGet)
	}
	for _, kind := range []model.ProbeKind{model.Readiness, model.Liveness} {
		p := &model.Probe{Handler: model.Handler{Kind: model.HTTPGet, Target: ":8080/healthz"}}
		p.SetDefaults()
		w.Pod.Containers[0].Probes[kind] = p
	}
	w.Application.Startup = []model.Stage{{Name: "boot", Wait: dist.Duration{Nanoseconds: dist.Uniform{Low: 2e9, High: 12e9}}}}
	return w
}

// TestChainAgrees simulates an agitated pod, in which several kinds of stalls
// overlap, follow each other and meet failures of single probes, and compares
// its false kills, its failures and their runs with the exact chain (S2, S13).
func TestChainAgrees(t *testing.T) {
	stages := func(mean time.Duration) dist.Duration { return dist.Duration{Nanoseconds: dist.Exponential(mean)} }
	w := probedWorld()
	w.Application.Startup = nil
	w.Application.Probes[model.Liveness].Failure = .02
	w.Application.Pauses = []model.OnOff{{Name: "full GC", Every: stages(2 * time.Minute), Lasts: stages(4 * time.Second)}}
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: stages(4 * time.Minute), Lasts: stages(5 * time.Second)}}}
	for _, lasts := range []dist.Dist{dist.Exponential(5e9), dist.Uniform{Low: 1e9, High: 14e9}} {
		w.Node.Stalls[0].Lasts = dist.Duration{Nanoseconds: lasts}
		chain, err := calc.NewChain(w)
		if err != nil {
			t.Fatal(err)
		}
		e, err := estimate.Run(context.Background(), []estimate.Named{{Name: "base", World: w}},
			estimate.Options{Seed: 1, Horizon: 10 * 24 * time.Hour, Replications: 16, Confidence: .997})
		if err != nil {
			t.Fatal(err)
		}
		m := e.Variants[0].Measures
		if kills, want := m.FalseKillsPerPodDay, chain.KillsPerSecond()*86400; want < kills.Low || want > kills.High {
			t.Errorf("%v: false kills per pod-day: %v by the chain, %+v simulated", lasts, want, kills)
		}
		// Kills cut stalls and runs short, so that these are only near.
		failures := m.ProbeFailureProbability[model.Liveness]
		if want := chain.Failure(); failures.Estimate.Estimate < .95*want || failures.Estimate.Estimate > 1.02*want {
			t.Errorf("%v: a probe fails with %v by the chain, %+v simulated", lasts, want, failures.Estimate.Estimate)
		}
		two := float64(failures.RunLengths[1]) / float64(failures.Estimate.N)
		if want := chain.Runs(2); two < .9*want || two > 1.1*want {
			t.Errorf("%v: %v runs of two per attempt by the chain, %v simulated", lasts, want, two)
		}
	}
}
