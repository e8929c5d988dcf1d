package recommend_test

import (
	"context"
	"fmt"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/recommend"
)

// A process pauses for 25 s every few hours, and may hang: the settings that kill
// it for the one too seldom to matter and for the other within 90 s, and which
// objective keeps each from being changed.
func ExampleRun() {
	liveness := &model.Probe{Handler: model.Handler{Kind: model.HTTPGet}}
	liveness.SetDefaults()
	w := &model.World{
		Name: "pauses", Replicas: 1,
		Pod: model.Pod{TerminationGracePeriodSeconds: model.DefaultGrace, Containers: []model.Container{{
			Name: "api", Probes: [model.ProbeKinds]*model.Probe{model.Liveness: liveness},
		}}},
		Application: model.Application{
			Probes: [model.ProbeKinds]model.Answer{model.Liveness: {HangCoverage: 1}},
			Pauses: []model.OnOff{{Every: dist.Duration{Nanoseconds: dist.Exponential(6 * time.Hour)}, Lasts: dist.Constantly(25 * time.Second)}},
		},
		Node: model.DefaultNode(), Cluster: model.DefaultCluster(),
	}
	r, err := recommend.Run(context.Background(), w, recommend.Options{
		Options: estimate.Options{Seed: 1, Replications: 2, Horizon: 24 * time.Hour, Objectives: []model.Objective{
			{Measure: "falseKillsPerPodYear", Bound: 0.1},
			{Measure: "detectionSeconds", Statistic: "p99", Bound: 90},
		}},
	})
	if err != nil || r.Recommended == nil {
		fmt.Println(err, r)
		return
	}
	p := r.Recommended.Settings.LivenessProbe
	fmt.Printf("every %d s, timeout %d s, %d failures\n", p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold)
	for _, reason := range r.Binding {
		fmt.Println(reason.Field, "is bound by", reason.Binding)
	}
	// Output:
	// every 20 s, timeout 1 s, 4 failures
	// readinessProbe.periodSeconds is bound by end of the grid
	// readinessProbe.timeoutSeconds is bound by end of the grid
	// readinessProbe.failureThreshold is bound by least threshold proposed
	// livenessProbe.periodSeconds is bound by detectionSeconds.p99 <= 90
	// livenessProbe.timeoutSeconds is bound by end of the grid
	// livenessProbe.failureThreshold is bound by falseKillsPerPodYear <= 0.1
}
