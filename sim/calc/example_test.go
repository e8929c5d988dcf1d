package calc_test

import (
	"fmt"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
)

// Numbers alone are enough for the windows and for independent failures.
func ExampleFromInput() {
	c, err := calc.FromInput(calc.Input{Period: 10 * time.Second, Timeout: time.Second, Failures: 3, Probability: 0.01})
	if err != nil {
		fmt.Println(err)
		return
	}
	d := c.Probes.Liveness.DetectionSeconds
	fmt.Printf("a hang is detected within %.0f to %.0f s\n", d.Min, d.Max)
	fmt.Printf("a false kill every %.0f probes on average\n", *c.MeanProbesToKill)
	// Output:
	// a hang is detected within 21 to 31 s
	// a false kill every 1010100 probes on average
}

// Of a world it says by which method the false kills are known: failures that
// stalls bring are never taken for independent ones.
func ExampleWorld() {
	probe := &model.Probe{Handler: model.Handler{Kind: model.HTTPGet}}
	probe.SetDefaults()
	w := &model.World{
		Name: "stalls", Replicas: 1,
		Pod:         model.Pod{Containers: []model.Container{{Name: "api", Probes: [model.ProbeKinds]*model.Probe{model.Liveness: probe}}}},
		Application: model.Application{Pauses: []model.OnOff{{Every: dist.Duration{Nanoseconds: dist.Exponential(6 * time.Hour)}, Lasts: dist.Constantly(25 * time.Second)}}},
		Node:        model.DefaultNode(), Cluster: model.DefaultCluster(),
	}
	c, err := calc.World(w)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.3g false kills per pod-day, by %s\n", *c.FalseKillsPerPodDay, c.Method)
	// Output: 1.6 false kills per pod-day, by stalls (S3)
}
