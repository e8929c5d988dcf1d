package scenarios

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

// TestStrategy reads how workloads are rolled out, with Kubernetes' defaults and
// its rounding: a surge up, unavailable down.
func TestStrategy(t *testing.T) {
	const pod = "{spec: {containers: [{name: app, image: app, readinessProbe: {httpGet: {port: 80}}}]}}"
	for _, c := range []struct {
		kind, spec string
		replicas   int
		want       model.Strategy
		inFlight   int
	}{
		{"Deployment", "replicas: 10", 10, model.Strategy{Kind: "Deployment", MaxSurge: 3, MaxUnavailable: 2, ProgressDeadline: 600 * time.Second}, 5},
		{"Deployment", "replicas: 12, progressDeadlineSeconds: 2147483647, minReadySeconds: 20, strategy: {rollingUpdate: {maxSurge: 3, maxUnavailable: 0}}", 12, model.Strategy{Kind: "Deployment", MaxSurge: 3, MinReady: 20 * time.Second}, 3},
		{"Deployment", "replicas: 2, strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 10%}}", 2, model.Strategy{Kind: "Deployment", MaxUnavailable: 1, ProgressDeadline: 600 * time.Second}, 1},
		{"Deployment", "replicas: 4, strategy: {type: Recreate}", 4, model.Strategy{Kind: "Deployment", Recreate: true, MaxSurge: 1, MaxUnavailable: 1, ProgressDeadline: 600 * time.Second}, 4},
		{"StatefulSet", "replicas: 5, serviceName: s", 5, model.Strategy{Kind: "StatefulSet", MaxUnavailable: 1}, 1},
		{"DaemonSet", "updateStrategy: {rollingUpdate: {maxUnavailable: 100%}}", 1, model.Strategy{Kind: "DaemonSet", MaxUnavailable: 1}, 1},
		{"ReplicaSet", "replicas: 3", 3, model.Strategy{}, 1},
	} {
		data := "apiVersion: apps/v1\nkind: " + c.kind + "\nmetadata: {name: app}\nspec: {" + c.spec + ", selector: {}, template: " + pod + "}\n"
		loaded, err := Load(Source{Name: "app.yaml", Data: []byte(data)}, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.kind, err)
		}
		w, got := loaded[0].World, loaded[0].Strategy
		if got != c.want || got.InFlight(w.Replicas) != c.inFlight || w.Replicas != c.replicas {
			t.Errorf("%s, %s: %+v, %d in flight of %d, want %+v", c.kind, c.spec, got, got.InFlight(w.Replicas), w.Replicas, c.want)
		}
	}
}
