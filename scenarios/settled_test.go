package scenarios

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/probesim/probesim/model"
)

// slower is what a search might propose: the liveness probe asks less often and
// waits longer, a startup probe takes the place of initial delays.
func slower(c *model.Container) {
	if liveness := c.Probes[model.Liveness]; liveness != nil {
		liveness.PeriodSeconds, liveness.TimeoutSeconds, liveness.FailureThreshold = 20, 5, 4
		startup := *liveness
		startup.InitialDelaySeconds, startup.PeriodSeconds, startup.FailureThreshold = 0, 5, 61
		c.Probes[model.Startup] = &startup
		liveness.InitialDelaySeconds = 0
	}
	if readiness := c.Probes[model.Readiness]; readiness != nil {
		readiness.InitialDelaySeconds, readiness.PeriodSeconds, readiness.TimeoutSeconds = 0, 5, 2
	}
}

func settle(workloads []*Workload, change func(c *model.Container)) []Settled {
	var list []Settled
	for _, w := range workloads {
		list = append(list, Settled{Workload: w, Container: settings(*w.World.Container(), change)})
	}
	return list
}

// patiently gives the workloads a longer progress deadline too, which only those
// that have one take.
func patiently(list []Settled) []Settled {
	for i := range list {
		list[i].ProgressDeadline = 900
	}
	return list
}

// Every byte but those of the probes and the deadline stays where it was.
func TestManifestKeepsTheRest(t *testing.T) {
	for file, overlays := range map[string][]string{"helm": {"resources.limits.cpu=200m"}, "kinds": {"resources.limits.cpu=200m", "container=db"}} {
		data, err := os.ReadFile("testdata/settled/" + file + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for name, ending := range map[string]string{"lf": "\n", "crlf": "\r\n"} {
			text := strings.ReplaceAll(string(data), "\n", ending)
			workloads, err := Load(Source{Name: file + ".yaml", Data: []byte(text)}, overlays)
			if err != nil {
				t.Fatal(err)
			}
			edited, err := Manifest(patiently(settle(workloads, slower)))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(string(edited), "\r\n", "\n")
			if strings.Count(string(edited), "\n") != strings.Count(string(edited), ending) {
				t.Errorf("%s, %s: line endings are mixed", file, name)
			}
			golden := "testdata/settled/" + file + ".want.txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s, %s: got\n%s", file, name, got)
			}
		}
	}
}

// The manifest, changed in place, the kustomization and the values say the same
// as the patch.
func TestSettled(t *testing.T) {
	for _, file := range []string{"testdata/settled/helm.yaml", "testdata/kinds.yaml", "testdata/list.json", "gallery/initial-delay-600s/deployment.yaml", "testdata/example.yaml"} {
		for name, change := range map[string]func(c *model.Container){
			"slower": slower,
			"same":   func(*model.Container) {},
			"none":   func(c *model.Container) { c.Probes = [model.ProbeKinds]*model.Probe{} },
		} {
			t.Run(file+" "+name, func(t *testing.T) {
				list := settle(load(t, file), change)
				edited, err := Manifest(list)
				if err != nil {
					t.Fatal(err)
				}
				if name == "same" && !bytes.Equal(edited, list[0].Workload.object.file.data) {
					t.Error("nothing changes, but the text does")
				}
				var overlays []string
				for _, s := range list {
					overlays = append(overlays, "container="+s.Workload.container)
				}
				again, err := Load(Source{Name: filepath.Base(file), Data: edited}, overlays)
				if err != nil {
					t.Fatalf("%v\n%s", err, edited)
				}
				for i, s := range list {
					for kind, probe := range s.Workload.World.Container().Probes {
						if wanted := s.Container.Probes[kind]; probe != nil && wanted != nil {
							wanted.Handler = probe.Handler // which is no setting
						}
					}
					if got := again[i].World.Container(); !reflect.DeepEqual(got.Probes, s.Container.Probes) {
						t.Errorf("%s: %v, want %v", s.Workload.Name, describe(got), describe(s.Container))
					}
				}
			})
		}
	}
}

// JSON is edited in place too, over many lines or in one.
func TestManifestInJSON(t *testing.T) {
	data, err := os.ReadFile("testdata/list.json")
	if err != nil {
		t.Fatal(err)
	}
	var compact, tabs bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		t.Fatal(err)
	}
	if err := json.Indent(&tabs, data, "", "\t"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{compact.String(), tabs.String(), strings.Replace(compact.String(), `"apiVersion"`, `"note":"\ud83d\ude00 é","apiVersion"`, 1)} {
		workloads, err := Load(Source{Name: "list.json", Data: []byte(text)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		list := settle(workloads, slower)
		edited, err := Manifest(list)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(edited) {
			t.Errorf("no JSON:\n%s", edited)
		}
		again, err := Load(Source{Name: "list.json", Data: edited}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			if got := again[i].World.Container(); !reflect.DeepEqual(got.Probes, list[i].Container.Probes) {
				t.Errorf("%v, want %v", describe(got), describe(list[i].Container))
			}
		}
	}
}

// Whatever the layout, the edited text loads to what was wanted, or is refused.
func TestManifestLayouts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		var text strings.Builder
		text.WriteString(pick("start", "", "---\n", "# first\n", "\ufeff", "kind: Service\napiVersion: v1\nmetadata: {name: s}\n---\n"))
		text.WriteString("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n")
		dash := pick("dash", "  - ", "    - ", "  -   ")
		indent := strings.Repeat(" ", len(dash))
		probe := pick("probe", "livenessProbe: {tcpSocket: {port: 1}}", "livenessProbe: {tcpSocket: {port: 1}, periodSeconds: 3} # why",
			"livenessProbe:\n%  tcpSocket:\n%    port: 1\n%    # deep\n%  timeoutSeconds: 2 # why\n",
			"livenessProbe:\n%  periodSeconds: 3\n\n%  # about the handler\n%  exec:\n%    command:\n%    - sh\n%    - -c\n%    - |\n%      # no comment\n\n%      true\n",
			"livenessProbe:\n%    tcpSocket: {port: 1}", "\"livenessProbe\": {\"tcpSocket\": {\"port\": 1}}", "livenessProbe: {\n%  tcpSocket: {port: 1},\n%  }")
		other := pick("other", "image: x", "image: \"é: x\" # é", "env:\n%- {name: A, value: b}", "ports:\n%- containerPort: 80\n%# last")
		fields := []string{"name: a", probe, other}
		for i, at := range rapid.Permutation([]int{0, 1, 2}).Draw(t, "order") {
			field := strings.TrimSuffix(strings.ReplaceAll(fields[at], "%", indent), "\n")
			text.WriteString(map[bool]string{true: dash, false: indent}[i == 0] + field + "\n")
			text.WriteString(pick("between", "", "", "\n", indent+"# between\n"))
		}
		text.WriteString(pick("end", "  restartPolicy: Always\n", "# end\n", "", "---\n", "...\n"))
		all := text.String()
		if rapid.Bool().Draw(t, "without the last newline") {
			all = strings.TrimSuffix(all, "\n")
		}
		workloads, err := Load(Source{Name: "p.yaml", Data: []byte(all)}, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, all)
		}
		list := settle(workloads, slower)
		if rapid.Bool().Draw(t, "remove") {
			list = settle(workloads, func(c *model.Container) { c.Probes[model.Liveness] = nil })
		}
		edited, err := Manifest(list)
		if err != nil {
			if strings.HasPrefix(probe, "livenessProbe: {\n") || strings.Contains(probe, "- |") && !strings.HasSuffix(all, "\n") || list[0].Container.Probes[model.Liveness] == nil {
				return // written unusually, a script that a line's end would change, or a key behind a dash
			}
			t.Fatalf("%v\n%s", err, all)
		}
		again, err := Load(Source{Name: "p.yaml", Data: edited}, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, edited)
		}
		if got := again[0].World.Container(); !reflect.DeepEqual(got.Probes, list[0].Container.Probes) {
			t.Fatalf("%v, want %v\n%s", describe(got), describe(list[0].Container), edited)
		}
		for line := range strings.Lines(all) {
			if _, comment, found := strings.Cut(line, "# "); found && list[0].Container.Probes[model.Liveness] != nil && !strings.Contains(string(edited), comment) {
				t.Fatalf("the comment %q is gone:\n%s", comment, edited)
			}
		}
	})
}

// A fragment of values holds each probe whole.
func TestHelmValues(t *testing.T) {
	workloads := load(t, "testdata/settled/helm.yaml", "resources.limits.cpu=200m")
	list := settle(workloads, slower)
	one, err := HelmValues(list[:1])
	if err != nil {
		t.Fatal(err)
	}
	const want = `startupProbe:
  httpGet:
    path: /healthz
    port: http
  initialDelaySeconds: 0
  periodSeconds: 5
  timeoutSeconds: 5
  successThreshold: 1
  failureThreshold: 61
readinessProbe:
  httpGet:
    path: /healthz
    port: http
  initialDelaySeconds: 0
  periodSeconds: 5
  timeoutSeconds: 2
  successThreshold: 1
  failureThreshold: 3
livenessProbe:
  httpGet:
    path: /healthz
    port: http
  initialDelaySeconds: 0
  periodSeconds: 20
  timeoutSeconds: 5
  successThreshold: 1
  failureThreshold: 4
resources:
  limits:
    cpu: 200m
`
	if string(one) != want {
		t.Errorf("got\n%s", one)
	}
	all, err := HelmValues(list)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(all), "shop:\n  startupProbe:\n") || !strings.Contains(string(all), "\nworker:\n  startupProbe:\n    exec:\n") {
		t.Errorf("got\n%s", all)
	}
}

// kubectl patches the manifest as it was to what Manifest makes of it, and
// kustomize builds the same from the kustomization.
func TestSettledWithKubectl(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("kubectl is not installed")
	}
	run := func(directory string, args ...string) []byte {
		t.Helper()
		cmd := exec.Command(kubectl, args...)
		cmd.Dir = directory
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
		}
		return out
	}
	for file, overlays := range map[string][]string{
		"testdata/settled/helm.yaml": nil, "testdata/settled/kinds.yaml": {"container=db"}, "gallery/initial-delay-600s/deployment.yaml": nil,
	} {
		directory := t.TempDir()
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write := func(name string, data []byte) {
			if err := os.WriteFile(filepath.Join(directory, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("manifest.yaml", data)
		workloads, err := Load(Source{Name: "manifest.yaml", Data: data}, overlays)
		if err != nil {
			t.Fatal(err)
		}
		list := patiently(settle(workloads, slower))
		kustomization, err := Kustomization(list)
		if err != nil {
			t.Fatal(err)
		}
		write("kustomization.yaml", kustomization)
		built, err := Load(Source{Name: "built.yaml", Data: run(directory, "kustomize", ".")}, overlays)
		if err != nil {
			t.Fatalf("%v\n%s", err, kustomization)
		}
		if len(built) != len(list) {
			t.Fatalf("%d workloads built, want %d\n%s", len(built), len(list), kustomization)
		}
		for _, s := range list {
			found := false
			for _, w := range built {
				if w.Kind == s.Workload.Kind && w.Name == s.Workload.Name {
					found = true
					if got := w.World.Container(); !reflect.DeepEqual(got.Probes, s.Container.Probes) {
						t.Errorf("kustomize: %v, want %v", describe(got), describe(s.Container))
					}
					if got, want := w.Strategy.ProgressDeadline, deadlineOf(&s); got != want {
						t.Errorf("kustomize: %s %s has a deadline of %v, want %v", w.Kind, w.Name, got, want)
					}
				}
			}
			if !found {
				t.Errorf("kustomize lost %s %s", s.Workload.Kind, s.Workload.Name)
			}
		}
		for _, s := range list {
			single := []Settled{s}
			edited, err := Manifest(single)
			if err != nil {
				t.Fatal(err)
			}
			patch, err := Patch(s)
			if err != nil {
				t.Fatal(err)
			}
			object, err := encoded(s.Workload.object.root)
			if err != nil {
				t.Fatal(err)
			}
			write("object.yaml", object)
			write("patch.yaml", patch)
			patched := run(directory, "patch", "--local", "-f", "object.yaml", "--patch-file", "patch.yaml", "--type", "strategic", "-o", "yaml")
			again, err := Load(Source{Name: "edited.yaml", Data: edited}, overlays)
			if err != nil {
				t.Fatal(err)
			}
			want, err := Load(Source{Name: "patched.yaml", Data: patched}, []string{"container=" + s.Workload.container})
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range again {
				if w.Name == s.Workload.Name && !reflect.DeepEqual(w.spec.Containers, want[0].spec.Containers) {
					t.Errorf("%s: edited to %+v, patched to %+v", w.Name, w.spec.Containers, want[0].spec.Containers)
				}
				if w.Name == s.Workload.Name && (w.Strategy != want[0].Strategy || w.Strategy.ProgressDeadline != deadlineOf(&s)) {
					t.Errorf("%s: edited to %+v, patched to %+v", w.Name, w.Strategy, want[0].Strategy)
				}
			}
		}
	}
}

// deadlineOf is the progress deadline that a settled workload ought to have.
func deadlineOf(s *Settled) time.Duration {
	if s.Workload.Kind != "Deployment" {
		return 0
	}
	return time.Duration(s.ProgressDeadline) * time.Second
}

// TestKustomizable holds that a kustomization takes manifests that have a path: the tool
// that builds from it reads files alone.
func TestKustomizable(t *testing.T) {
	data, err := os.ReadFile("testdata/settled/helm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, has := range map[string]bool{"-": false, "manifest.yaml": true} {
		workloads, err := Load(Source{Name: name, Data: data}, nil)
		if err != nil {
			t.Fatal(err)
		}
		named, faults := Kustomizable(workloads)
		if (len(named) == len(workloads)) != has || len(named)+len(faults) != len(workloads) {
			t.Errorf("%s: %d of %d workloads, %v", name, len(named), len(workloads), faults)
		}
	}
}
