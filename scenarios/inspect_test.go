package scenarios

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/probesim/probesim/model"
)

const severalContainers = `apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    probesim/ignore: one, two
spec:
  progressDeadlineSeconds: 300
  template:
    metadata: {annotations: {probesim/ignore: "three,"}}
    spec:
      initContainers:
      - name: proxy
        restartPolicy: Always
        readinessProbe:
          httpGet: {port: admin}
      containers:
      - name: logs
      - name: api
        livenessProbe:
          httpGet: {port: 80}
          periodSeconds: 5
---
apiVersion: v1
kind: Pod
metadata: {name: bad}
spec:
  containers:
  - name: a
    livenessProbe: {periodSeconds: -1}
---
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec: {containers: [{name: a}, {name: b}]}
`

func inspected(t *testing.T, text string, overlays ...string) ([]*Inspection, error) {
	t.Helper()
	var all []*Inspection
	_, err := Inspect(Source{Name: "in.yaml", Data: []byte(text)}, overlays, "probesim/ignore", func(i *Inspection) { all = append(all, i) })
	return all, err
}

func TestInspect(t *testing.T) {
	all, err := inspected(t, severalContainers)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range all {
		names = append(names, i.Title+" "+i.Container)
	}
	if want := []string{"deployment/web api", "deployment/web proxy", "pod/bad a", "pod/bare a"}; !slices.Equal(names, want) {
		t.Fatalf("%q, want %q", names, want)
	}
	api, proxy, bad := all[0], all[1], all[2]
	if api.World.Container().Name != "api" || api.ProgressDeadlineSeconds != 300 || !slices.Equal(api.Ignored, []string{"one", "two", "three"}) {
		t.Errorf("%+v", api)
	}
	if proxy.UnknownPorts[model.Readiness] != "admin" || !proxy.World.Container().Sidecar {
		t.Errorf("%+v", proxy)
	}
	if bad.World != nil || len(bad.Faults) != 2 || bad.Faults[0].Line != 34 {
		t.Errorf("%v", bad.Faults)
	}
	for _, c := range []struct {
		i     *Inspection
		field string
		line  int
		path  string
	}{
		{api, "livenessProbe.periodSeconds", 26, "spec.template.spec.containers[1].livenessProbe.periodSeconds"},
		{api, "livenessProbe.timeoutSeconds", 24, "spec.template.spec.containers[1].livenessProbe.timeoutSeconds"},
		{api, "lifecycle.preStop", 23, "spec.template.spec.containers[1].lifecycle.preStop"},
		{proxy, "readinessProbe.httpGet.port", 20, "spec.template.spec.initContainers[0].readinessProbe.httpGet.port"},
		{api, "pod.restartPolicy", 15, "spec.template.spec.restartPolicy"},
		{api, "spec.progressDeadlineSeconds", 12, "spec.progressDeadlineSeconds"},
		{api, "metadata.annotations", 9, "metadata.annotations"},
		{api, "application.startup", 23, "application.startup"},
	} {
		if file, line, path := c.i.Place(c.field); file != "in.yaml" || line != c.line || path != c.path {
			t.Errorf("%s: %s:%d %s, want line %d, %s", c.field, file, line, path, c.line, c.path)
		}
	}
}

// TestInspectSupposes: what was assumed, and what the manifest grants.
func TestInspectSupposes(t *testing.T) {
	const pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, livenessProbe: {httpGet: {port: 80}, initialDelaySeconds: %d}}]}}"
	for _, c := range []struct {
		delay                      int
		overlays                   []string
		startup, answers, grantedS bool
	}{
		{0, nil, true, true, false},
		{30, nil, true, true, true},
		{30, []string{"application.startup.wait=5s"}, false, true, false},
		{30, []string{"application.probes.all.cpu=5ms"}, true, false, true},
	} {
		all, err := inspected(t, fmt.Sprintf(pod, c.delay), c.overlays...)
		if err != nil || len(all) != 1 || all[0].Faults != nil {
			t.Fatal(err, all)
		}
		if i := all[0]; i.StartupAssumed != c.startup || i.AnswersAssumed != c.answers || i.StartupGranted != c.grantedS {
			t.Errorf("%v: %v %v %v", c, i.StartupAssumed, i.AnswersAssumed, i.StartupGranted)
		}
	}
}

// TestInspectScenario: a scenario describes one application, and places of its
// own fields are in its own file.
func TestInspectScenario(t *testing.T) {
	source, err := Open("shared-workers")
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	_, err = Inspect(source, []string{"cluster.kubernetesVersion=1.19"}, "probesim/ignore", func(i *Inspection) {
		calls++
		if i.Faults != nil || i.World.Cluster.KubernetesVersion.Minor != 19 || !i.OfScenario || i.StartupAssumed || i.AnswersAssumed {
			t.Errorf("%+v", i)
		}
		if file, line, _ := i.Place("application.probes.all.runsOn"); !strings.HasSuffix(file, "scenario.yaml") || line == 0 {
			t.Errorf("%s:%d", file, line)
		}
	})
	if err != nil || calls != 1 {
		t.Error(calls, err)
	}
}

// TestInspectKeepsLittle reads a List of 500 Deployments and expects that
// nothing of an object is kept after its turn.
func TestInspectKeepsLittle(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{"apiVersion": "v1", "kind": "List", "items": [`)
	const objects = 500
	for i := range objects {
		if i > 0 {
			text.WriteString(",\n")
		}
		fmt.Fprintf(&text, `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web-%d", "annotations": {"note": %q}}, "spec": {"template": {"spec": {"containers": [
			{"name": "api", "image": "nginx:1", "livenessProbe": {"httpGet": {"port": 80}}, "readinessProbe": {"httpGet": {"port": 80}}}]}}}}`, i, strings.Repeat("x", 500))
	}
	text.WriteString("]}")
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	seen := 0
	var early uint64
	_, err := Inspect(Source{Name: "list.json", Data: []byte(text.String())}, nil, "probesim/ignore", func(*Inspection) {
		switch seen++; seen {
		case 50:
			early = heap()
		case objects:
			// A world alone takes some kilobytes.
			if late := heap(); late > early+1<<20 {
				t.Errorf("450 objects kept %d KiB", (late-early)>>10)
			}
		}
	})
	if err != nil || seen != objects {
		t.Error(seen, err)
	}
}

func TestInspectFaults(t *testing.T) {
	for _, c := range []struct{ text, overlay, want string }{
		{"kind: [", "", "in.yaml"},
		{"{apiVersion: v1, kind: Service, metadata: {name: a}}", "", "holds no scenario and no object"},
		{severalContainers, "container=nobody", "no object of in.yaml has a container of that name"},
		{severalContainers, "nonsense", "must be path=value"},
	} {
		var overlays []string
		if c.overlay != "" {
			overlays = []string{c.overlay}
		}
		if _, err := inspected(t, c.text, overlays...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
