package scenarios

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/probesim/probesim/model"
)

// anchorsFile has workloads that share probes, containers and numbers by anchors.
const anchorsFile = "testdata/settled/anchors.yaml"

// eachItsOwn changes some workloads of the file and leaves the others alone.
func eachItsOwn(t *testing.T) []Settled {
	t.Helper()
	var list []Settled
	for _, w := range load(t, anchorsFile) {
		list = append(list, Settled{Workload: w, Container: settings(*w.World.Container(), func(c *model.Container) {
			switch w.Name {
			case "twice":
				c.Probes[model.Liveness].TimeoutSeconds, c.Probes[model.Liveness].PeriodSeconds = 5, 20
			case "merged":
				c.Probes[model.Liveness].TimeoutSeconds = 4
				c.Probes[model.Readiness].InitialDelaySeconds = 0
			case "first":
				c.Probes[model.Liveness].PeriodSeconds = 9
			case "third":
				startup := *c.Probes[model.Startup]
				startup.FailureThreshold = 30
				c.Probes[model.Startup] = &startup
				c.Probes[model.Readiness].TimeoutSeconds = 2
			}
		})})
	}
	return list
}

// What goes by an anchor keeps its settings where it is not to change, and is
// written out where it is; comments stay.
func TestManifestWithAnchors(t *testing.T) {
	list := eachItsOwn(t)
	const golden = "testdata/settled/anchors.want.txt"
	edited, err := Manifest(list)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, edited, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(edited, want) {
		t.Errorf("got\n%s", edited)
	}
	before, err := os.ReadFile(anchorsFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(before)) {
		if _, comment, found := strings.Cut(line, "# "); found && !strings.Contains(string(edited), comment) {
			t.Errorf("the comment %q is gone", comment)
		}
	}
	checkProbes(t, "edited", edited, list)
}

// checkProbes holds the probes of a manifest against those that are settled.
func checkProbes(t *testing.T, what string, manifest []byte, list []Settled) {
	t.Helper()
	again, err := Load(Source{Name: "again.yaml", Data: manifest}, nil)
	if err != nil {
		t.Fatalf("%s: %v\n%s", what, err, manifest)
	}
	byName := map[string]*Workload{}
	for _, w := range again {
		byName[w.Name] = w
	}
	for _, s := range list {
		w := byName[s.Workload.Name]
		if w == nil {
			t.Errorf("%s: %s is lost", what, s.Workload.Name)
		} else if got := w.World.Container(); !reflect.DeepEqual(got.Probes, s.Container.Probes) {
			t.Errorf("%s %s: %s, want %s", what, w.Name, describe(got), describe(s.Container))
		}
	}
}

// kubectl reads the edited manifest as this program does, and makes the same of the
// one before with the patches.
func TestAnchorsWithKubectl(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("kubectl is not installed")
	}
	list := eachItsOwn(t)
	edited, err := Manifest(list)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "edited.yaml")
	if err := os.WriteFile(file, edited, 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := exec.Command(kubectl, "label", "--local", "-f", file, "read=true", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	checkProbes(t, "kubectl", read, list)
	for _, s := range list {
		patch, err := Patch(s)
		if err != nil {
			t.Fatal(err)
		}
		object, err := encoded(s.Workload.object.root)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, object, 0o600); err != nil {
			t.Fatal(err)
		}
		patched, err := exec.Command(kubectl, "patch", "--local", "-f", file, "--patch", string(patch), "--type", "strategic", "-o", "yaml").Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, patch)
		}
		checkProbes(t, "patched", patched, []Settled{s})
	}
}

// Single documents with anchors, and what becomes of their last lines.
func TestAnchorsInPlace(t *testing.T) {
	const head = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: a\n"
	for _, c := range []struct{ name, text, want string }{
		{"in braces", "    livenessProbe: &probe {tcpSocket: {port: 1}, periodSeconds: 10}\n    readinessProbe: *probe\n",
			"    livenessProbe: &probe {tcpSocket: {port: 1}, periodSeconds: 7}\n    readinessProbe:\n      tcpSocket:\n        port: 1\n      periodSeconds: 10\n"},
		{"no last line's end", "    livenessProbe: &probe {tcpSocket: {port: 1}}\n    readinessProbe: *probe",
			"    livenessProbe: &probe {periodSeconds: 7, tcpSocket: {port: 1}}\n    readinessProbe:\n      tcpSocket:\n        port: 1"},
		{"the alias changes", "    readinessProbe: &probe\n      tcpSocket: {port: 1}\n    livenessProbe: *probe\n    image: x\n",
			"    readinessProbe: &probe\n      tcpSocket: {port: 1}\n    livenessProbe:\n      tcpSocket:\n        port: 1\n      periodSeconds: 7\n    image: x\n"},
		{"a number", "    readinessProbe: {tcpSocket: {port: &n 10}, periodSeconds: *n}\n    livenessProbe: {tcpSocket: {port: 1}, periodSeconds: *n}\n",
			"    readinessProbe: {tcpSocket: {port: &n 10}, periodSeconds: *n}\n    livenessProbe: {tcpSocket: {port: 1}, periodSeconds: 7}\n"},
		{"merged from the other", "    livenessProbe: &probe\n      tcpSocket: {port: 1}\n    readinessProbe:\n      <<: *probe\n      timeoutSeconds: 2\n",
			"    livenessProbe: &probe\n      tcpSocket: {port: 1}\n      periodSeconds: 7\n    readinessProbe:\n      <<: *probe\n      timeoutSeconds: 2\n      periodSeconds: null\n"},
	} {
		for name, ending := range map[string]string{"lf": "\n", "crlf": "\r\n"} {
			text := strings.ReplaceAll(head+c.text, "\n", ending)
			workloads, err := Load(Source{Name: "anchor.yaml", Data: []byte(text)}, nil)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			edited, err := Manifest(settle(workloads, func(c *model.Container) { c.Probes[model.Liveness].PeriodSeconds = 7 }))
			if err != nil {
				t.Errorf("%s, %s: %v", c.name, name, err)
			}
			if want := strings.ReplaceAll(head+c.want, "\n", ending); string(edited) != want {
				t.Errorf("%s, %s: got\n%s\nwant\n%s", c.name, name, edited, want)
			}
		}
	}
}

// What cannot be changed in place is named, before and after settings are known, and
// the others get theirs: a field before a merge key that sets it too can have no
// other value than that one, since readers differ on which of them wins.
func TestManifestNotInPlace(t *testing.T) {
	const text = `x: &base {timeoutSeconds: 2, tcpSocket: {port: 1}}
apiVersion: apps/v1
kind: Deployment
metadata: {name: odd}
spec:
  template:
    spec:
      containers:
      - name: a
        livenessProbe:
          timeoutSeconds: 2
          <<: *base
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: even}
spec:
  template:
    spec:
      containers:
      - name: a
        livenessProbe: {tcpSocket: {port: 1}}
`
	workloads, err := Load(Source{Name: "two.yaml", Data: []byte(text)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rest, faults := InPlace(workloads, true)
	if len(rest) != 1 || rest[0].Name != "even" || len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), "deployment/odd: is written in a way that cannot be changed in place") {
		t.Errorf("%d can be changed, %v", len(rest), faults)
	}
	edited, err := Manifest(settle(workloads, func(c *model.Container) { c.Probes[model.Liveness].TimeoutSeconds = 7 }))
	if err == nil || !strings.HasPrefix(err.Error(), "deployment/odd: ") {
		t.Errorf("%v", err)
	}
	if want := strings.Replace(text, "livenessProbe: {tcp", "livenessProbe: {timeoutSeconds: 7, tcp", 1); string(edited) != want {
		t.Errorf("got\n%s", edited)
	}
	inline, err := Load(Source{Name: "inline.yaml", Data: []byte("apiVersion: probesim/v1\nkind: Scenario\nmetadata: {name: inline}\npod: {containers: [{name: a, livenessProbe: {tcpSocket: {port: 1}}}]}\n")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(workloads, inline)
	if rest, faults := Objects(all); len(rest) != 2 || len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), "inline: the scenario has an inline pod") {
		t.Errorf("%d objects, %v", len(rest), faults)
	}
	if rest, faults := InPlace(all, false); len(rest) != 1 || len(faults) != 2 {
		t.Errorf("%d can be changed, %v", len(rest), faults)
	}
}

// Every manifest of the other tests can be changed in place, which is known before.
func TestInPlace(t *testing.T) {
	for _, file := range []string{anchorsFile, terminationFile, "testdata/settled/kinds.yaml", "testdata/settled/helm.yaml", "testdata/list.json", "testdata/kinds.yaml", "testdata/example.yaml"} {
		var overlays []string
		if strings.HasSuffix(file, "settled/kinds.yaml") {
			overlays = []string{"container=db"}
		}
		for _, termination := range []bool{false, true} {
			workloads := load(t, file, overlays...)
			if rest, faults := InPlace(workloads, termination); len(rest) != len(workloads) || len(faults) > 0 {
				t.Errorf("%s: %v", file, faults)
			}
		}
	}
}

// Whatever shares its probes with whatever, the edited text loads to what was
// wanted, for each workload that changes and each that does not.
func TestAnchorLayouts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		var text strings.Builder
		text.WriteString("apiVersion: v1\nkind: List\nitems:\n")
		var anchors []string
		pods := rapid.IntRange(1, 4).Draw(t, "pods")
		for pod := range pods {
			fmt.Fprintf(&text, "- apiVersion: v1\n  kind: Pod\n  metadata: {name: p%d}\n  spec:\n    containers:\n    - name: a\n", pod)
			for _, probe := range []string{"livenessProbe", "readinessProbe"} {
				layouts := []string{" {tcpSocket: {port: 1}, periodSeconds: 3}", "\n        tcpSocket: {port: 1} # why\n        periodSeconds: 5"}
				if len(anchors) > 0 {
					earlier := pick("earlier", anchors...)
					layouts = append(layouts, " *"+earlier+" # shared", "\n        <<: *"+earlier, "\n        <<: *"+earlier+"\n        timeoutSeconds: 2",
						" {<<: *"+earlier+"}", " {<<: [*"+earlier+", {timeoutSeconds: 9}], failureThreshold: 7}")
				}
				layout := pick("layout", layouts...)
				if !strings.HasPrefix(layout, " *") && rapid.Bool().Draw(t, "anchor") {
					name := fmt.Sprintf("x%d", len(anchors))
					anchors = append(anchors, name)
					layout = " &" + name + layout
				}
				text.WriteString("      " + probe + ":" + layout + "\n")
				text.WriteString(pick("between", "", "\n", "      # between\n"))
			}
			text.WriteString(pick("image", "", "      image: x\n"))
		}
		workloads, err := Load(Source{Name: "p.yaml", Data: []byte(text.String())}, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, text.String())
		}
		var list []Settled
		for _, w := range workloads {
			change := []func(*model.Container){slower, func(*model.Container) {}, func(c *model.Container) { c.Probes[model.Liveness].TimeoutSeconds = 8 }}
			which := rapid.IntRange(0, len(change)-1).Draw(t, "change")
			list = append(list, Settled{Workload: w, Container: settings(*w.World.Container(), change[which])})
		}
		edited, err := Manifest(list)
		if err != nil {
			t.Fatalf("%v\n%s", err, text.String())
		}
		again, err := Load(Source{Name: "p.yaml", Data: edited}, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, edited)
		}
		for i, s := range list {
			if got := again[i].World.Container(); !reflect.DeepEqual(got.Probes, s.Container.Probes) {
				t.Fatalf("%s: %v, want %v\n%s\n%s", s.Workload.Name, describe(got), describe(s.Container), text.String(), edited)
			}
		}
	})
}
