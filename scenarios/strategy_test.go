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

// TestRolloutRules refuses what the API server does of rollouts, in its words.
func TestRolloutRules(t *testing.T) {
	const pod = "{spec: {containers: [{name: app, image: app, readinessProbe: {httpGet: {port: 80}}}]}}"
	for _, c := range []struct{ kind, spec, want string }{
		{"Deployment", "minReadySeconds: 60, progressDeadlineSeconds: 60", "app.yaml:4: spec.progressDeadlineSeconds: 60: must be greater than minReadySeconds (60)"},
		{"Deployment", "minReadySeconds: 600", "app.yaml:4: spec.progressDeadlineSeconds: 600: must be greater than minReadySeconds (600)"},
		{"Deployment", "minReadySeconds: 599", ""},
		{"Deployment", "minReadySeconds: -1", "app.yaml:4: spec.minReadySeconds: -1: must be greater than or equal to 0"},
		{"Deployment", "progressDeadlineSeconds: -5", "app.yaml:4: spec.progressDeadlineSeconds: -5: must be greater than or equal to 0"},
		{"Deployment", "strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}", "app.yaml:4: spec.strategy.rollingUpdate.maxUnavailable: 0%: may not be 0 when maxSurge is 0"},
		{"Deployment", "strategy: {rollingUpdate: {maxUnavailable: 0}}", ""},
		{"DaemonSet", "updateStrategy: {rollingUpdate: {maxUnavailable: 0}}", "app.yaml:4: spec.updateStrategy.rollingUpdate.maxUnavailable: 0: may not be 0 when maxSurge is 0"},
		{"DaemonSet", "updateStrategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}", ""},
		{"StatefulSet", "minReadySeconds: -1", "app.yaml:4: spec.minReadySeconds: -1: must be greater than or equal to 0"},
	} {
		data := "apiVersion: apps/v1\nkind: " + c.kind + "\nmetadata: {name: app}\nspec: {" + c.spec + ", selector: {}, template: " + pod + "}\n"
		got := ""
		if _, err := Load(Source{Name: "app.yaml", Data: []byte(data)}, nil); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.kind, c.spec, got, c.want)
		}
	}
}
