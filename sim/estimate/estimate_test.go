package estimate

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

func exponential(d time.Duration) dist.Duration {
	return dist.Duration{Nanoseconds: dist.Exponential(d)}
}

func probe(period, timeout, failures int32) *model.Probe {
	p := &model.Probe{PeriodSeconds: period, TimeoutSeconds: timeout, FailureThreshold: failures}
	p.SetDefaults()
	return p
}

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

func TestSpeed(t *testing.T) {
	w := world(probe(10, 1, 3), probe(10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "p", Every: exponential(4095 * time.Second), Lasts: exponential(14600 * time.Millisecond)}}
	start := time.Now()
	e, err := Run(context.Background(), []Named{{"base", w}}, Options{Seed: 1, Replications: 16})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(time.Since(start))
	b, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(string(b))
}
