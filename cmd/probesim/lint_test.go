package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/lint"
)

// TestSarifIsValid holds what lint writes of shipped scenarios, and of a list
// with a broken and a suppressing object, to the published schema.
func TestSarifIsValid(t *testing.T) {
	file, err := os.Open("testdata/sarif/sarif-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	document, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("sarif.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := invoke(t.Context(), t, "lint", "-o", "sarif", "--fail-on", "never", writeList(t, 3),
		"gallery:initial-delay-600s", "gallery:infinispan-ticks", "gallery:alb-deregistration")
	if status != statusDone {
		t.Fatal(status, stderr)
	}
	log, err := jsonschema.UnmarshalJSON(strings.NewReader(stdout))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(log); err != nil {
		t.Error(err)
	}
	run := decoded(t, stdout)["runs"].([]any)[0].(map[string]any)
	if n := len(run["results"].([]any)); n < 15 {
		t.Errorf("only %d results", n)
	}
	rules := run["tool"].(map[string]any)["driver"].(map[string]any)["rules"].([]any)
	for _, result := range run["results"].([]any) {
		result := result.(map[string]any)
		if rule := rules[int(result["ruleIndex"].(float64))].(map[string]any); rule["id"] != result["ruleId"] {
			t.Errorf("rule %v has the index of %v", result["ruleId"], rule["id"])
		}
	}
}

// writeList writes a List of so many Deployments, the first of them broken and
// the second one suppressing a check, as kubectl would, and returns the file.
func writeList(t *testing.T, n int) string {
	t.Helper()
	var items []any
	for i := range n {
		probe := func(period int) map[string]any {
			return map[string]any{"httpGet": map[string]any{"path": "/healthz", "port": 8080}, "periodSeconds": period}
		}
		metadata := map[string]any{"name": fmt.Sprintf("web-%d", i), "namespace": "a:b,c%d"}
		if i == 1 {
			metadata["annotations"] = map[string]any{lint.Annotation: "missing-pre-stop, no-such-check"}
		}
		container := map[string]any{"name": "web", "image": "nginx:1", "livenessProbe": probe(i), "readinessProbe": probe(10)}
		if i == 0 {
			container["livenessProbe"] = map[string]any{"periodSeconds": -1}
		}
		items = append(items, map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
			"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{container}}}},
		})
	}
	data, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "some list, of 100 %.json")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestLintOrdersWorkloads: those that cannot be judged first, then by risk, and
// the findings in the same order.
func TestLintOrdersWorkloads(t *testing.T) {
	status, stdout, stderr := invoke(t.Context(), t, "lint", writeList(t, 12), "-o", "json", "--fail-on", "never")
	if status != statusDone || stderr != "" {
		t.Fatal(status, stderr)
	}
	var result struct {
		Workloads []struct {
			Workload                            string
			Risk                                *struct{ LostSecondsPerPodYear float64 }
			Errors, Warnings, Infos, Suppressed int
		}
		Findings []struct {
			Workload, ID, Severity string
			Suppressed             bool
		}
	}
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Workloads) != 12 || result.Workloads[0].Workload != "deployment/web-0" || result.Workloads[0].Risk != nil || result.Workloads[0].Errors == 0 {
		t.Fatalf("%+v", result.Workloads)
	}
	next := 0
	for i, w := range result.Workloads {
		if i > 1 && w.Risk.LostSecondsPerPodYear > result.Workloads[i-1].Risk.LostSecondsPerPodYear {
			t.Errorf("%s is worse than the one before it", w.Workload)
		}
		for range w.Errors + w.Warnings + w.Infos + w.Suppressed {
			if result.Findings[next].Workload != w.Workload {
				t.Errorf("finding %d is of %s, not of %s", next, result.Findings[next].Workload, w.Workload)
			}
			next++
		}
		if (w.Suppressed == 1) != (w.Workload == "deployment/web-1") {
			t.Errorf("%s: %d suppressed", w.Workload, w.Suppressed)
		}
	}
	if next != len(result.Findings) {
		t.Errorf("%d findings, %d counted", len(result.Findings), next)
	}
}

// TestGitHubCommandsAreEscaped reads the commands as GitHub's runner does: a
// property ends at a comma, all of them at two colons.
func TestGitHubCommandsAreEscaped(t *testing.T) {
	name := writeList(t, 2)
	_, stdout, _ := invoke(t.Context(), t, "lint", name, "-o", "github")
	unescape := strings.NewReplacer("%3A", ":", "%2C", ",", "%0D", "\r", "%0A", "\n", "%25", "%")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) < 3 {
		t.Fatal(stdout)
	}
	for _, line := range lines {
		command, message, ok := strings.Cut(strings.TrimPrefix(line, "::"), "::")
		kind, properties, _ := strings.Cut(command, " ")
		if !ok || !slices.Contains([]string{"error", "warning", "notice"}, kind) || message == "" {
			t.Fatalf("%q", line)
		}
		values := map[string]string{}
		for property := range strings.SplitSeq(properties, ",") {
			key, value, _ := strings.Cut(property, "=")
			values[key] = unescape.Replace(value)
		}
		if values["file"] != name || values["line"] != "1" || !strings.HasPrefix(values["title"], "probesim ") {
			t.Errorf("%q: %v", line, values)
		}
	}
}

// TestLintAgreesWithRun holds the false kills by which lint ranks every shipped
// scenario to those that run measured in a hundred times the pod time or more:
//
//	probesim run gallery:NAME --replications 16 --horizon 3d -o json
//
// Both intervals have to meet, lint's must not be so wide that it says nothing, and
// what run shows to be more than one kill in ten pod-years has to be a finding. Where
// run saw none, its upper bound says little, and the closed form more.
func TestLintAgreesWithRun(t *testing.T) {
	measured := map[string][2]float64{
		"alb-deregistration": {0, 28.07}, "aws-node-busy-node": {11.03, 94.35}, "calico-node": {36401, 38965}, "gc-pauses": {4374, 5227},
		"infinispan-ticks": {0, 28.07}, "ingress-controller": {935.2, 1558}, "initial-delay-600s": {0, 28.07}, "nodejs-cold-boot": {1.301e-4, .01938},
		"rabbitmq-exec": {262.8, 475.6}, "rollout-deadline": {0, 28.07}, "shared-workers": {1600, 2109}, "slow-queries": {0, 0},
		"sparse-readiness": {0, 0}, "spring-boot-200m": {137589, 141637}, "starved-20m": {236.8, 440.7}, "throttled-backlog": {2781, 3858},
		"timeout-exceeds-period": {8.293, 77.93},
	}
	for _, entry := range scenarios.Gallery() {
		run, known := measured[entry.Name]
		if !known {
			t.Errorf("%s: what run measures of it is not recorded here", entry.Name)
			continue
		}
		_, stdout, stderr := invoke(t.Context(), t, "lint", galleryPrefix+entry.Name, "-o", "json", "--fail-on", "never")
		var result struct {
			Workloads []struct {
				Risk struct{ FalseKillsPerPodYear struct{ Low, High float64 } }
			}
			Findings []struct{ ID string }
		}
		if err := json.Unmarshal([]byte(stdout), &result); err != nil || len(result.Workloads) != 1 {
			t.Fatal(entry.Name, err, stderr)
		}
		kills, found := result.Workloads[0].Risk.FalseKillsPerPodYear, false
		for _, f := range result.Findings {
			found = found || f.ID == "false-kills"
		}
		const slack = 1e-3 // of the recorded digits
		if kills.Low > run[1]*(1+slack) || kills.High < run[0]*(1-slack) || run[0] > 0 && kills.High > 10*run[1] {
			t.Errorf("%s: false kills %v, run %v", entry.Name, kills, run)
		}
		if found != (run[0] > .1) {
			t.Errorf("%s: false-kills found %v, run %v", entry.Name, found, run)
		}
	}
}

// TestTooManyToCompare refuses a list of which no table could be read.
func TestTooManyToCompare(t *testing.T) {
	status, stdout, stderr := invoke(t.Context(), t, "compare", writeList(t, mostCompared+2))
	if status != statusUsage || stdout != "" || !strings.Contains(stderr, "101 workloads or variants: at most 100 are compared side by side") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}
