package scenarios

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

// What is assumed of bare manifests, read by a person: each sentence, and the
// scenario that they make together.
func TestAssumptions(t *testing.T) {
	var out strings.Builder
	for _, file := range []string{"testdata/assumed.yaml", "testdata/list.json"} {
		for _, w := range load(t, file) {
			out.WriteString("## " + w.World.Name + "\n")
			for _, a := range w.Assumptions {
				out.WriteString("- " + a + "\n")
			}
			shown, err := Show(w)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(shown)
		}
	}
	golden(t, "testdata/assumed.golden", out.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s", file, got)
	}
}

// An overlay replaces the assumption whose path it sets, and no other.
func TestOverriddenAssumptions(t *testing.T) {
	all := load(t, "testdata/list.json")[0].Assumptions
	tests := map[string]int{ // path to the number of assumptions it replaces
		"node.profile=quiet":                           1,
		"node.kernelHz=100":                            0,
		"node={profile: quiet}":                        1,
		"application.startup=":                         1,
		"application.startup.cpu=2s":                   1,
		"application.threads=4":                        1,
		"application.probes.all.cpu=1ms":               1,
		"application={}":                               5,
		"application.probes.liveness.hangCoverage=0.5": 1,
		"faults=[]":                                    1,
		"faults[0].every=3d":                           1,
		"livenessProbe.initialDelaySeconds=30":         0,
		"application.traffic={perSecond: 1}":           1,
	}
	for overlay, replaced := range tests {
		w := load(t, "testdata/list.json", overlay)[0]
		if got := len(all) - len(w.Assumptions); got != replaced {
			t.Errorf("--set %s replaces %d assumptions, want %d:\n%s", overlay, got, replaced, strings.Join(w.Assumptions, "\n"))
		}
	}
}

// A pod that runs to completion has no clients: no objective is about them, and
// notes say what is different.
func TestJobs(t *testing.T) {
	for _, w := range load(t, "testdata/kinds.yaml") {
		job := w.Kind == "Job" || w.Kind == "CronJob"
		var measures []string
		for _, o := range w.Objectives {
			measures = append(measures, o.Measure)
		}
		want := "falseKillsPerPodYear startupKillProbability detectionSeconds removalSeconds readyLagSeconds livenessToReadinessTolerance"
		if job {
			want = "falseKillsPerPodYear startupKillProbability detectionSeconds"
		}
		if got := strings.Join(measures, " "); got != want {
			t.Errorf("%s: objectives on %s, want %s", w.Kind, got, want)
		}
		text := strings.Join(append(slices.Clone(w.Assumptions), w.Notes...), "\n")
		for _, part := range []string{"the pod runs to completion and serves nobody", "usually behind no Service", "runs to completion, after a time that its manifest does not say"} {
			if strings.Contains(text, part) != job {
				t.Errorf("%s: says %q: %t, want %t", w.Kind, part, !job, job)
			}
		}
		if got := strings.Contains(text, "there is one node"); got != (w.Kind == "DaemonSet") {
			t.Errorf("%s: assumes one node: %t", w.Kind, got)
		}
	}
}

// In Kubernetes a 0 of a probe is the default, which is said.
func TestZeroIsTheDefault(t *testing.T) {
	const scenario = "apiVersion: probesim/v1\nkind: Scenario\npod: {containers: [{name: a, livenessProbe: {tcpSocket: {port: 1}, failureThreshold: 0, initialDelaySeconds: 0}}]}\n"
	workloads, err := Load(Source{Name: "zero.yaml", Data: []byte(scenario)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := Show(workloads[0])
	if err != nil {
		t.Fatal(err)
	}
	const note = `container "a": livenessProbe.failureThreshold 0 is Kubernetes' way to say nothing: the default, 3, is in force`
	if got := strings.Join(workloads[0].Notes, "\n"); got != note {
		t.Errorf("notes %q", got)
	}
	if !strings.Contains(string(shown), "# note: "+note) || !strings.Contains(string(shown), "failureThreshold: 3\n") {
		t.Errorf("shown:\n%s", shown)
	}
}

// An initialDelaySeconds is its author's 99th percentile of a start under the limit in
// force: 20 s of which 60 % is CPU work of Node.js, at 250m.
func TestInitialDelayIsThe99thPercentile(t *testing.T) {
	const manifest = `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: "node:22",
		resources: {limits: {cpu: 250m}}, livenessProbe: {tcpSocket: {port: 80}, initialDelaySeconds: 20}}]}}`
	for _, overlays := range [][]string{nil, {"livenessProbe.initialDelaySeconds=0"}} {
		w, err := Load(Source{Name: "p.yaml", Data: []byte(strings.ReplaceAll(manifest, "\t", " "))}, overlays)
		if err != nil {
			t.Fatal(err)
		}
		stage := w[0].World.Application.Startup[0]
		for p, want := range map[float64]time.Duration{0.5: 10 * time.Second, 0.99: 20 * time.Second} {
			got := stage.Wait.Quantile(p) + 4*stage.CPU.Quantile(p)
			if (got - want).Abs() > time.Millisecond {
				t.Errorf("%v: p%g of the start is %v, want %v", overlays, 100*p, got, want)
			}
		}
	}
}

// A startup probe's budget holds a reserve: it is four times a slow start. The neighbours
// take the CPU of a container that requests none: its start is that of the image's rule
// (3 s and 8 s of CPU, 1 s and 4 s of waiting) if that fits, else an eighth.
func TestStartupBudgetHoldsAReserve(t *testing.T) {
	const manifest = `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: "python:3", resources: %s,
 startupProbe: {tcpSocket: {port: 80}, periodSeconds: 5, failureThreshold: %d}, livenessProbe: {tcpSocket: {port: 80}, initialDelaySeconds: 100}}]}}`
	for _, c := range []struct {
		resources   string
		failures    int
		cpus        float64 // that the start gets
		median, p99 time.Duration
		budget      time.Duration // that is all that is known of the start
		overlay     string
	}{
		{"{limits: {cpu: 250m}}", 25, .25, 15 * time.Second, 30 * time.Second, 2 * time.Minute, ""},
		{"{requests: {cpu: 1m}}", 25, 1, 15 * time.Second, 30 * time.Second, 2 * time.Minute, ""},
		{"{}", 3, 1, 625 * time.Millisecond, 1250 * time.Millisecond, 10 * time.Second, ""},
		{"{}", 4, 1, 4 * time.Second, 12 * time.Second, 15 * time.Second, ""},
		{"{}", 25, 1, 4 * time.Second, 12 * time.Second, 2 * time.Minute, ""},
		{"{limits: {cpu: 250m}}", 25, .25, 4 * time.Second, 4 * time.Second, 0, "application.startup={cpu: 1s}"},
		{"{limits: {cpu: 250m}}", 50000, .25, 13 * time.Second, 36 * time.Second, 0, ""}, // more than a day says nothing
	} {
		var overlays []string
		if c.overlay != "" {
			overlays = []string{c.overlay}
		}
		w, err := Load(Source{Name: "p.yaml", Data: fmt.Appendf(nil, manifest, c.resources, c.failures)}, overlays)
		if err != nil {
			t.Fatal(err)
		}
		app := &w[0].World.Application
		for p, want := range map[float64]time.Duration{0.5: c.median, 0.99: c.p99} {
			got := app.Startup[0].Wait.Quantile(p) + time.Duration(float64(app.Startup[0].CPU.Quantile(p))/c.cpus)
			if (got - want).Abs() > time.Millisecond {
				t.Errorf("%+v: p%g of the start is %v, want %v", c, 100*p, got, want)
			}
		}
		if w[0].StartBudget != c.budget {
			t.Errorf("%+v: a budget of %v is all that is known", c, w[0].StartBudget)
		}
	}
}

func TestRuleFor(t *testing.T) {
	tests := map[string]string{
		"eclipse-temurin:21-jre":                               "a service on a JVM",
		"gcr.io/distroless/java17-debian12":                    "a service on a JVM",
		"quay.io/keycloak/keycloak:26.0":                       "Keycloak",
		"docker.elastic.co/elasticsearch/elasticsearch:8.15.0": "Elasticsearch",
		"node:22-alpine":                                       "a service on Node.js",
		"quay.io/prometheus/node-exporter:v1.8":                "a program in Go",
		"python:3.12-slim":                                     "a service in Python",
		"registry.k8s.io/ingress-nginx/controller:v1.11":       "a proxy or web server",
		"envoyproxy/envoy:v1.30":                               "a proxy or web server",
		"gcr.io/distroless/static":                             "a program in Go",
		"postgres:17":                                          "a data store",
		"rabbitmq:4-management":                                "RabbitMQ",
		"python.example.com:5000/shop/cart":                    "an unknown program",
		"example/cart@sha256:java":                             "an unknown program",
		"":                                                     "an unknown program",
	}
	for image, want := range tests {
		container := mapping()
		setChild(container, "image", plainNode(image))
		if got := ruleFor(container).What; got != want {
			t.Errorf("%s: %s, want %s", image, got, want)
		}
	}
}

// Every profile makes a valid node, and every rule a valid application.
func TestProfilesAndRules(t *testing.T) {
	var names []string
	for _, p := range Profiles() {
		names = append(names, p.Name)
		if p.Description == "" || len(p.Sources) == 0 {
			t.Errorf("%s: must say what it is and where its figures come from", p.Name)
		}
		load(t, "testdata/inline.yaml", "node.profile="+p.Name)
	}
	if want := []string{"quiet", "shared-vm", "burstable", "overcommitted", "live-migration", "host-update"}; !slices.Equal(names, want) {
		t.Errorf("profiles %v, want %v", names, want)
	}
	w := load(t, "testdata/inline.yaml", "node.profile=quiet")[0]
	if got := w.World.Node; got.CPUs != model.DefaultNode().CPUs || got.Kernel != model.DefaultNode().Kernel {
		t.Errorf("quiet: %+v", got)
	}
	for _, rule := range imageRules() {
		overlays := []string{"application.startup=" + rule.Startup.String(), "application.probes.all=" + rule.Answer.String()}
		if rule.ExecAnswer.node != nil {
			overlays = append(overlays, "application.probes.liveness="+rule.ExecAnswer.String())
		}
		load(t, "testdata/inline.yaml", overlays...)
		if slow := rule.slowStart(mapping()); slow < time.Second || slow > time.Minute {
			t.Errorf("%s: a slow start takes %v", rule.What, slow)
		}
		if rule.What == "" || rule.StartupSource == "" || !(rule.CPUShare > 0 && rule.CPUShare < 1) {
			t.Errorf("rule %+v", rule)
		}
	}
}
