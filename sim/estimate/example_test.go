package estimate_test

import (
	"context"
	"fmt"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// Two settings meet the same stalls of their node. Every estimate comes with its
// interval, its method and its effort; the same replications give the same bytes,
// whatever the number of workers.
func ExampleRun() {
	probe := model.Probe{Handler: model.Handler{Kind: model.HTTPGet}}
	probe.SetDefaults()
	world := &model.World{
		Name: "stalls", Replicas: 1,
		Pod: model.Pod{TerminationGracePeriodSeconds: model.DefaultGrace, Containers: []model.Container{{
			Name: "api", Probes: [model.ProbeKinds]*model.Probe{model.Liveness: &probe},
		}}},
		Node: model.DefaultNode(), Cluster: model.DefaultCluster(),
	}
	world.Application.Probes[model.Liveness] = model.DefaultAnswer(probe.Handler.Kind)
	world.Node.Stalls = []model.Stall{{OnOff: model.OnOff{
		Every: dist.Duration{Nanoseconds: dist.Exponential(2 * time.Hour)},
		Lasts: dist.Duration{Nanoseconds: dist.Exponential(15 * time.Second)},
	}}}
	patient := probe
	patient.FailureThreshold = 6
	result, err := estimate.Run(context.Background(), []estimate.Named{
		{Name: "3 failures", World: world},
		{Name: "6 failures", World: world.WithContainer(world.Container().WithProbe(model.Liveness, &patient))},
	}, estimate.Options{Seed: 1, Replications: 32, Horizon: 10 * 24 * time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range result.Variants {
		kills, hang := v.Measures.FalseKillsPerPodDay, v.Measures.DetectionSeconds.P99
		fmt.Printf("%s: %.3f false kills per pod-day (%.3f to %.3f), 99 %% of hangs detected within %.0f s\n", v.Name, kills.Estimate, kills.Low, kills.High, hang.Estimate)
	}
	// Output:
	// 3 failures: 2.228 false kills per pod-day (2.022 to 2.450), 99 % of hangs detected within 31 s
	// 6 failures: 0.250 false kills per pod-day (0.198 to 0.311), 99 % of hangs detected within 61 s
}
