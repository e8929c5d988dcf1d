package model_test

import (
	"fmt"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// A world is a literal: a container with a liveness probe, whose process stands
// still for a quarter of a minute every hour. A variant of it is a copy.
func Example() {
	probe := model.Probe{Handler: model.Handler{Kind: model.HTTPGet, Target: ":8080/healthz"}, FailureThreshold: 3}
	probe.SetDefaults()
	world := &model.World{
		Name: "shop", Replicas: 2,
		Pod: model.Pod{TerminationGracePeriodSeconds: model.DefaultGrace, Containers: []model.Container{{
			Name: "api", Probes: [model.ProbeKinds]*model.Probe{model.Liveness: &probe},
		}}},
		Application: model.Application{Pauses: []model.OnOff{{
			Name:  "full GC",
			Every: dist.Duration{Nanoseconds: dist.Exponential(time.Hour)},
			Lasts: dist.Constantly(15 * time.Second),
		}}},
		Node:    model.DefaultNode(),
		Cluster: model.DefaultCluster(),
	}
	patient := probe
	patient.TimeoutSeconds = 5
	variant := world.WithContainer(world.Container().WithProbe(model.Liveness, &patient))
	for _, w := range []*model.World{world, variant} {
		p := w.Container().Probes[model.Liveness]
		fmt.Printf("%s: %v every %v, timeout %v, %d failures\n", w.Name, p.Handler, p.Period(), p.Timeout(), p.FailureThreshold)
	}
	// Output:
	// shop: httpGet :8080/healthz every 10s, timeout 1s, 3 failures
	// shop: httpGet :8080/healthz every 10s, timeout 5s, 3 failures
}
