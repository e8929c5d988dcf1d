package scenarios

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"

	"github.com/probesim/probesim/model"
)

// settings is a container with recommended probes, as a search proposes it.
func settings(c model.Container, change func(c *model.Container)) *model.Container {
	for kind, probe := range c.Probes {
		c = c.WithProbe(model.ProbeKind(kind), probe)
	}
	change(&c)
	return &c
}

func TestPatchText(t *testing.T) {
	tests := []struct {
		name, file string
		index      int
		change     func(c *model.Container)
		want       string
	}{
		{"initial delays become a startup probe", "gallery/initial-delay-600s/scenario.yaml", 0, func(c *model.Container) {
			startup := *c.Probes[model.Liveness]
			startup.InitialDelaySeconds, startup.PeriodSeconds, startup.FailureThreshold = 0, 10, 61
			c.Probes[model.Startup] = &startup
			c.Probes[model.Readiness].InitialDelaySeconds = 0
			c.Probes[model.Liveness].InitialDelaySeconds = 0
			c.Probes[model.Liveness].FailureThreshold = 6
		}, ""},
		{"only what changes", "testdata/kinds.yaml", 1, func(c *model.Container) {
			c.Probes[model.Readiness].TimeoutSeconds = 2
		}, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: deployment
  namespace: shop
spec:
  template:
    spec:
      containers:
        - name: a
          readinessProbe:
            timeoutSeconds: 2
`},
		{"a probe that goes away", "testdata/kinds.yaml", 1, func(c *model.Container) {
			c.Probes[model.Readiness] = nil
		}, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: deployment
  namespace: shop
spec:
  template:
    spec:
      containers:
        - name: a
          readinessProbe: null
`},
		{"a new probe takes the handler", "testdata/kinds.yaml", 6, func(c *model.Container) {
			liveness := *c.Probes[model.Startup]
			c.Probes[model.Liveness] = &liveness
		}, `apiVersion: batch/v1
kind: CronJob
metadata:
  name: cron
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - name: a
              livenessProbe:
                httpGet:
                  port: http
                  host: example.com
                  scheme: HTTPS
                periodSeconds: 10
                timeoutSeconds: 1
                successThreshold: 1
                failureThreshold: 3
`},
		{"grace of a probe", "testdata/example.yaml", 0, func(c *model.Container) {
			c.Probes[model.Liveness].TerminationGracePeriodSeconds = nil
		}, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  template:
    spec:
      containers:
        - name: api
          livenessProbe:
            terminationGracePeriodSeconds: null
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := load(t, test.file)[test.index]
			c := settings(*w.World.Container(), test.change)
			patch, err := Patch(Settled{Workload: w, Container: c})
			if err != nil {
				t.Fatal(err)
			}
			if test.want != "" && string(patch) != test.want {
				t.Errorf("got\n%s\nwant\n%s", patch, test.want)
			}
			checkPatched(t, w, patch, c)
		})
	}
}

// checkPatched applies the patch to the object as the API server does, and
// holds the result against the wanted settings.
func checkPatched(t *testing.T, w *Workload, patch []byte, c *model.Container) {
	t.Helper()
	var object any
	switch w.Kind {
	case "Deployment":
		object = &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: *w.original}}}
	case "CronJob":
		job := &batchv1.CronJob{}
		job.Spec.JobTemplate.Spec.Template.Spec = *w.original
		object = job
	default:
		t.Fatal(w.Kind)
	}
	original, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	change, err := yaml.YAMLToJSON(patch) // as kubectl reads it
	if err != nil {
		t.Fatal(err)
	}
	merged, err := strategicpatch.StrategicMergePatch(original, change, reflect.New(reflect.TypeOf(object).Elem()).Interface())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load(Source{Name: "patched", Data: merged}, []string{"container=" + w.container})
	if err != nil {
		t.Fatalf("%v\n%s", err, merged)
	}
	if got := again[0].World.Container(); !reflect.DeepEqual(got.Probes, c.Probes) {
		t.Errorf("patched: %v, want %v", describe(got), describe(c))
	}
}

func describe(c *model.Container) string {
	text, _ := json.Marshal(c.Probes)
	return string(text)
}

// A patch brings the manifest to the settings, whatever the overlays under
// which they were found.
func TestPatchStartsFromTheManifest(t *testing.T) {
	w := load(t, "gallery/initial-delay-600s/deployment.yaml", "readinessProbe.timeoutSeconds=3", "startupProbe.tcpSocket.port=80")[0]
	patch, err := Patch(Settled{Workload: w, Container: w.World.Container()})
	if err != nil {
		t.Fatal(err)
	}
	if text := string(patch); !strings.Contains(text, "timeoutSeconds: 3") || !strings.Contains(text, "port: 80") {
		t.Errorf("the overlays are not in the patch:\n%s", text)
	}
	checkPatched(t, w, patch, w.World.Container())
}

func TestPatchErrors(t *testing.T) {
	const inline = "apiVersion: probesim/v1\nkind: Scenario\npod: {containers: [{name: a}]}\n"
	w, err := Load(Source{Name: "inline.yaml", Data: []byte(inline)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Patch(Settled{Workload: w[0], Container: w[0].World.Container()}); err == nil || !strings.Contains(err.Error(), "inline pod") {
		t.Errorf("inline pod: %v", err)
	}
	job := load(t, "testdata/kinds.yaml")[5]
	c := settings(*job.World.Container(), func(c *model.Container) { c.Probes[model.Startup] = &model.Probe{} })
	if _, err := Patch(Settled{Workload: job, Container: c}); err == nil || !strings.Contains(err.Error(), "no probe whose handler") {
		t.Errorf("no handler: %v", err)
	}
}

// The real kubectl takes the patch.
func TestPatchWithKubectl(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("kubectl is not installed")
	}
	const manifest = "gallery/initial-delay-600s/deployment.yaml"
	w := load(t, manifest)[0]
	c := settings(*w.World.Container(), func(c *model.Container) {
		startup := *c.Probes[model.Liveness]
		startup.InitialDelaySeconds, startup.FailureThreshold = 0, 61
		c.Probes[model.Startup] = &startup
		c.Probes[model.Liveness].InitialDelaySeconds = 0
		c.Probes[model.Readiness].InitialDelaySeconds = 0
	})
	patch, err := Patch(Settled{Workload: w, Container: c})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "patch.yaml")
	if err := os.WriteFile(file, patch, 0o600); err != nil {
		t.Fatal(err)
	}
	patched, err := exec.Command(kubectl, "patch", "--local", "-f", manifest, "--patch-file", file, "--type", "strategic", "-o", "yaml").Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, patch)
	}
	again, err := Load(Source{Name: "kubectl", Data: patched}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := again[0].World.Container(); !reflect.DeepEqual(got.Probes, c.Probes) {
		t.Errorf("patched: %v, want %v", describe(got), describe(c))
	}
}
