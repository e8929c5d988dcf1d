package scenarios

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// terminationFile has a workload for each kind of preStop hook.
const terminationFile = "testdata/settled/termination.yaml"

// unhurried gives the workloads a preStop sleep of 31 s, a grace period of 40 s, and
// minReadySeconds 15, and changes no probe.
func unhurried(workloads []*Workload) []Settled {
	var list []Settled
	for _, w := range workloads {
		list = append(list, Settled{Workload: w, Container: w.World.Container(),
			Termination: &Termination{PreStopSleep: 31, GracePeriod: 40, MinReady: 15}})
	}
	return list
}

// The manifest with what deletions need: every comment is where it was, and what is
// new stands where people put it.
func TestManifestWithTermination(t *testing.T) {
	list := unhurried(load(t, terminationFile))
	edited, err := Manifest(list)
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/settled/termination.want.txt"
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
	again, err := Load(Source{Name: "edited.yaml", Data: edited}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range again {
		checkTermination(t, "edited "+w.Name, w, list[i].Workload)
	}
}

// checkTermination holds a workload against what unhurried wants, and its hook
// against the kind that the one before had.
func checkTermination(t *testing.T, what string, w, before *Workload) {
	t.Helper()
	hook := w.World.Container().PreStop
	if hook.Lasts != 31*time.Second || !hook.Sleeps || w.World.Pod.TerminationGracePeriodSeconds != 40 || w.Strategy.MinReady != 15*time.Second {
		t.Errorf("%s: hook %+v, grace %d, %+v", what, hook, w.World.Pod.TerminationGracePeriodSeconds, w.Strategy)
	}
	want := map[string]string{"none": "sleep 31", "sleeps": "sleep 31", "command": "exec sleep 31", "script": "exec /bin/sh -c sleep 31"}[w.Name]
	if hook.Handler != want {
		t.Errorf("%s: hook %q, want %q", what, hook.Handler, want)
	}
	if !reflect.DeepEqual(w.World.Container().Probes, before.World.Container().Probes) {
		t.Errorf("%s: the probes changed", what)
	}
	if now, then := w.spec.Containers[0].Lifecycle, before.original.Containers[0].Lifecycle; then != nil && !reflect.DeepEqual(now.PostStart, then.PostStart) {
		t.Errorf("%s: postStart is %+v, was %+v", what, now.PostStart, then.PostStart)
	}
}

func TestPatchOfTermination(t *testing.T) {
	workloads := load(t, terminationFile)
	const want = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: none
spec:
  minReadySeconds: 15
  template:
    spec:
      terminationGracePeriodSeconds: 40
      containers:
        - name: a
          lifecycle:
            preStop:
              sleep:
                seconds: 31
`
	list := unhurried(workloads)
	patch, err := Patch(list[0])
	if err != nil {
		t.Fatal(err)
	}
	if string(patch) != want {
		t.Errorf("got\n%s\nwant\n%s", patch, want)
	}
	// A command that sleeps stays one.
	patch, err = Patch(list[2])
	if err != nil {
		t.Fatal(err)
	}
	const command = "              exec:\n                command:\n                  - sleep\n                  - \"31\"\n"
	if !strings.HasSuffix(string(patch), "            preStop:\n"+command) {
		t.Errorf("got\n%s", patch)
	}
	values, err := HelmValues(list[1:2])
	if err != nil {
		t.Fatal(err)
	}
	const ending = `lifecycle:
  postStart:
    exec:
      command:
        - "true"
  preStop:
    sleep:
      seconds: 31
terminationGracePeriodSeconds: 40
minReadySeconds: 15
`
	if !strings.HasSuffix(string(values), ending) {
		t.Errorf("got\n%s", values)
	}
	// What an overlay changes is in what is settled, for that rests on it.
	overlaid := load(t, terminationFile, "pod.terminationGracePeriodSeconds=60", "lifecycle.preStop.sleep.seconds=7", "container=a")
	patch, err = Patch(Settled{Workload: overlaid[0], Container: overlaid[0].World.Container(), Termination: &Termination{}})
	if err != nil {
		t.Fatal(err)
	}
	if text := string(patch); !strings.Contains(text, "terminationGracePeriodSeconds: 60\n") || !strings.Contains(text, "seconds: 7\n") || strings.Contains(text, "minReadySeconds") {
		t.Errorf("got\n%s", text)
	}
}

// kubectl takes the patch to the same objects as the edited manifest has, and so
// does kustomize.
func TestTerminationWithKubectl(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("kubectl is not installed")
	}
	directory := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(directory, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) []byte {
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
	data, err := os.ReadFile(terminationFile)
	if err != nil {
		t.Fatal(err)
	}
	write("manifest.yaml", data)
	workloads, err := Load(Source{Name: "manifest.yaml", Data: data}, nil)
	if err != nil {
		t.Fatal(err)
	}
	list := unhurried(workloads)
	kustomization, err := Kustomization(list)
	if err != nil {
		t.Fatal(err)
	}
	write("kustomization.yaml", kustomization)
	built, err := Load(Source{Name: "built.yaml", Data: run("kustomize", ".")}, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, kustomization)
	}
	byName := map[string]*Workload{}
	for _, w := range built {
		byName[w.Name] = w
	}
	for i := range list {
		before := list[i].Workload
		if w := byName[before.Name]; w == nil {
			t.Errorf("kustomize lost %s", before.Name)
		} else {
			checkTermination(t, "kustomize "+w.Name, w, before)
		}
		patch, err := Patch(list[i])
		if err != nil {
			t.Fatal(err)
		}
		object, err := encoded(before.object.root)
		if err != nil {
			t.Fatal(err)
		}
		write("object.yaml", object)
		write("patch.yaml", patch)
		patched, err := Load(Source{Name: "patched.yaml", Data: run("patch", "--local", "-f", "object.yaml", "--patch-file", "patch.yaml", "--type", "strategic", "-o", "yaml")}, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, patch)
		}
		checkTermination(t, "patched "+before.Name, patched[0], before)
	}
}

func TestSleepNumber(t *testing.T) {
	for _, c := range []struct {
		command []string
		number  string // empty: it does not only sleep
	}{
		{[]string{"sleep", "5"}, "5"},
		{[]string{"/bin/sleep", "1.5m"}, "1.5m"},
		{[]string{"sh", "-c", "sleep 20"}, "20"},
		{[]string{"/bin/bash", "-c", " exec /usr/bin/sleep 20s ; "}, "20s"},
		{[]string{"sh", "-c", "sleep 20 && nginx -s quit"}, ""},
		{[]string{"sh", "-c", "sleep 20; sleep 5"}, ""},
		{[]string{"sh", "-ec", "sleep 20"}, ""},
		{[]string{"nginx", "-s", "quit"}, ""},
		{[]string{"sleep", "5", "6"}, ""},
		{[]string{"sleep"}, ""},
		{nil, ""},
	} {
		at, got := sleepNumber(c.command), ""
		if at != nil {
			got = c.command[len(c.command)-1][at[0]:at[1]]
		}
		if got != c.number {
			t.Errorf("%q: %q, want %q", c.command, got, c.number)
		}
	}
}
