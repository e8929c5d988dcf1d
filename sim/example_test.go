package sim_test

import (
	"fmt"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

// hourly is a pod whose process stands still for 40 s once an hour, and whose
// liveness probe waits for three failures.
func hourly() *model.World {
	probe := &model.Probe{Handler: model.Handler{Kind: model.HTTPGet}}
	probe.SetDefaults()
	return &model.World{
		Name: "hourly", Replicas: 1,
		Pod: model.Pod{TerminationGracePeriodSeconds: model.DefaultGrace, Containers: []model.Container{{
			Name: "api", Probes: [model.ProbeKinds]*model.Probe{model.Liveness: probe},
		}}},
		Application: model.Application{Pauses: []model.OnOff{{
			Name: "full GC", Every: dist.Constantly(time.Hour), Lasts: dist.Constantly(40 * time.Second),
		}}},
		Node: model.DefaultNode(), Cluster: model.DefaultCluster(),
	}
}

// A life is a function of the world, the seed and the replication; its trace says
// what happened, each event with the rule that made it happen.
func ExampleSimulator_Run() {
	simulator, err := sim.New(hourly())
	if err != nil {
		fmt.Println(err)
		return
	}
	var trace sim.Trace
	outcome := simulator.Run(sim.Life{Seed: 1, Horizon: 2 * time.Hour, Trace: &trace})
	fmt.Println("false kills by liveness:", outcome.FalseKills[model.Liveness])
	for _, e := range trace.Events {
		switch {
		case e.Kind == sim.EventAttempt && e.Outcome == kubelet.Timeout:
			fmt.Printf("%v: %s after %v (%s)\n", e.At.Round(time.Second), e.Outcome, (e.End - e.At).Round(time.Second), e.Rule)
		case e.Kind == sim.EventKill:
			fmt.Printf("%v: killed by %s (%s)\n", e.At.Round(time.Second), e.Probe, e.Rule)
		}
	}
	// Output:
	// false kills by liveness: 1
	// 1h0m10s: timeout after 1s (K2)
	// 1h0m20s: timeout after 1s (K2)
	// 1h0m30s: timeout after 1s (K2)
	// 1h0m31s: killed by liveness (K35)
}
