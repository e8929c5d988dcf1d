package recommend

import (
	"context"
	"strings"
	"testing"

	"github.com/probesim/probesim/model"
)

// A container without probes gets the very changes that give it some: with its
// port, or with the check of its image.
func TestNoProbeSaysWhatToAdd(t *testing.T) {
	for _, test := range []struct {
		c      model.Container
		policy model.RestartPolicy
		want   string
	}{
		{model.Container{Name: "a", Ports: map[string]int32{"admin": 9, "http": 8080}}, model.RestartAlways,
			"add --set readinessProbe.httpGet.port=http --set readinessProbe.httpGet.path=/ready --set livenessProbe.httpGet.port=http --set livenessProbe.httpGet.path=/healthz, with the paths"},
		{model.Container{Name: "a", Ports: map[string]int32{"9090": 9090}}, model.RestartAlways, "readinessProbe.httpGet.port=9090 "},
		{model.Container{Name: "a"}, model.RestartAlways, "readinessProbe.httpGet.port=8080 --set readinessProbe.httpGet.path=/ready --set livenessProbe.httpGet.port=8080 --set livenessProbe.httpGet.path=/healthz, with the port and the paths"},
		{model.Container{Name: "a", Image: "docker.io/library/postgres:17"}, model.RestartAlways, "add --set 'readinessProbe.exec.command=[pg_isready]' --set 'livenessProbe.exec.command=[pg_isready]', the check of the image postgres"},
		{model.Container{Name: "a", Image: "redis"}, model.RestartNever, "add --set 'livenessProbe.exec.command=[redis-cli, ping]', the check"},
	} {
		w := &model.World{Pod: model.Pod{Containers: []model.Container{test.c}, RestartPolicy: test.policy}}
		if got := noProbe(w); !strings.Contains(got, test.want) {
			t.Errorf("%+v: %s", test.c, got)
		}
	}
}

// A search that is ended at once says so and knows the current settings.
func TestInterruptedSearch(t *testing.T) {
	probe := &model.Probe{Handler: model.Handler{Kind: model.HTTPGet}}
	probe.SetDefaults()
	w := &model.World{Name: "w", Replicas: 1, Node: model.DefaultNode(), Pod: model.Pod{Containers: []model.Container{{Name: "a"}}}}
	w = w.WithContainer(w.Container().WithProbe(model.Liveness, probe))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := Run(ctx, w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Current.Settings.LivenessProbe == nil || r.Recommended != nil || r.Infeasible != nil || len(r.Notes) == 0 || !strings.Contains(r.Notes[len(r.Notes)-1], "interrupted") {
		t.Errorf("%+v", r)
	}
}
