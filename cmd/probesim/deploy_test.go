package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestIndexedJob runs the containers of the shipped Job as processes of this
// machine, with the very commands that the kubelet would make of the manifest,
// kills one of them again and again, and merges what they print. It expects the
// bytes of the run in one piece.
func TestIndexedJob(t *testing.T) {
	config, job := shippedJob(t)
	container := &job.Spec.Template.Spec.Containers[0]
	environment := map[string]string{}
	for _, v := range container.Env {
		environment[v.Name] = v.Value
	}
	completions := int(*job.Spec.Completions)
	if *job.Spec.CompletionMode != batchv1.IndexedCompletion || environment["SHARDS"] != fmt.Sprint(completions) {
		t.Fatalf("completion mode %s, %d completions, SHARDS %s", *job.Spec.CompletionMode, completions, environment["SHARDS"])
	}
	environment["REPLICATIONS"] = "24" // so many as a test has time for
	scenario := t.TempDir()
	for name, text := range config.Data {
		if err := os.WriteFile(filepath.Join(scenario, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}

	const killed = 5
	directory := t.TempDir()
	results := make([]string, completions)
	var shards sync.WaitGroup
	for i := range completions {
		args := argsOf(t, &job.Spec.Template.Spec, environment, i, scenario, filepath.Join(directory, fmt.Sprint(i)))
		results[i] = filepath.Join(directory, fmt.Sprintf("shard-%d.json", i))
		shards.Go(func() {
			if i == killed {
				killAgainAndAgain(t, args, filepath.Join(directory, fmt.Sprint(i), "shard.json"))
			}
			printed, err := exec.Command("probesim", args...).Output()
			if err == nil {
				err = os.WriteFile(results[i], printed, 0o666)
			}
			if err != nil {
				t.Errorf("shard %d: %v", i, err)
			}
		})
	}
	shards.Wait()
	if t.Failed() {
		return
	}
	results[0], results[3] = results[3], results[0]
	_, merged, stderr := invoke(t.Context(), t, append([]string{"merge", "-o", "json"}, results...)...)
	_, whole, _ := invoke(t.Context(), t, "run", filepath.Join(scenario, "scenario.yaml"), "--replications", "24", "-o", "json")
	if merged != whole || whole == "" {
		t.Errorf("the shards merged are not the run in one piece: %s\n%s", firstDifference(whole, merged), stderr)
	}
}

// shippedJob reads the manifest as the API server would, unknown fields refused.
func shippedJob(t *testing.T) (config corev1.ConfigMap, job batchv1.Job) {
	t.Helper()
	text, err := os.ReadFile("../../scenarios/deploy/job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	documents := bytes.Split(text, []byte("\n---\n"))
	if len(documents) != 2 {
		t.Fatalf("%d documents, want a ConfigMap and a Job", len(documents))
	}
	if err := errors.Join(yaml.UnmarshalStrict(documents[0], &config), yaml.UnmarshalStrict(documents[1], &job)); err != nil {
		t.Fatal(err)
	}
	return config, job
}

var reference = regexp.MustCompile(`\$\(([A-Za-z_]\w*)\)`)

// argsOf returns the container's arguments as the kubelet expands them, with
// the volumes in directories of this machine.
func argsOf(t *testing.T, pod *corev1.PodSpec, environment map[string]string, index int, scenario, reached string) []string {
	t.Helper()
	if err := os.MkdirAll(reached, 0o777); err != nil {
		t.Fatal(err)
	}
	places := map[string]string{}
	for _, mount := range pod.Containers[0].VolumeMounts {
		for _, volume := range pod.Volumes {
			switch {
			case volume.Name != mount.Name:
			case volume.ConfigMap != nil:
				places[mount.MountPath] = scenario
			case volume.EmptyDir != nil:
				places[mount.MountPath] = reached
			}
		}
	}
	var args []string
	for _, arg := range pod.Containers[0].Args {
		arg = reference.ReplaceAllStringFunc(arg, func(found string) string {
			name := reference.FindStringSubmatch(found)[1]
			if name == "JOB_COMPLETION_INDEX" {
				return fmt.Sprint(index)
			}
			value, ok := environment[name]
			if !ok {
				t.Errorf("%s: the container has no such variable", found)
			}
			return value
		})
		for path, directory := range places {
			arg = strings.ReplaceAll(arg, path+"/", directory+"/")
		}
		args = append(args, arg)
	}
	return args
}

// killAgainAndAgain starts a shard and kills it, without a chance to clean up,
// as soon as it has got further than before, until it has done three
// replications. What it leaves has to be whole each time.
func killAgainAndAgain(t *testing.T, args []string, file string) {
	reached := int64(0)
	for reached < 3 {
		shard := exec.Command("probesim", args...)
		if err := shard.Start(); err != nil {
			t.Error(err)
			return
		}
		ended := make(chan error, 1)
		go func() { ended <- shard.Wait() }()
		look := time.NewTicker(time.Millisecond)
		before := reached
		for reached == before {
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
				t.Log("done before it could be killed once more")
				return
			case <-look.C:
			}
			data, err := os.ReadFile(file)
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			saved, err := decodeShard(file, data)
			if err != nil {
				t.Error(err)
				return
			}
			reached = max(reached, doneOf(saved.Parts[0]))
		}
		look.Stop()
		if err := shard.Process.Kill(); errors.Is(err, os.ErrProcessDone) {
			t.Log("done before it could be killed once more")
			return
		} else if err != nil {
			t.Error(err)
		}
		<-ended
	}
}

// TestDamagedShards holds that no change to a file goes unnoticed, and that
// none is taken for something else.
func TestDamagedShards(t *testing.T) {
	_, text, _ := invoke(t.Context(), t, "run", "gallery:infinispan-ticks", "--replications", "1", "--horizon", "1h", "--shard", "0/1")
	if _, err := decodeShard("whole", []byte(text)); err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(text, `"Done":1`, `"Done":2`, 1)
	for name, data := range map[string]string{
		"empty": "", "cut": text[:len(text)/2], "changed": changed, "more": text + text,
		"other kind": `{"kind":"Estimates"}`, "null": "null", "nothing": "{}", "array": "[]",
	} {
		if _, err := decodeShard(name, []byte(data)); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	older := strings.Replace(text, `"format":2,`, "", 1)
	if _, err := decodeShard("older", []byte(older)); err == nil || err.Error() != "older: its sums are of format 1, those of this program of format 2: the shard has to run anew" {
		t.Errorf("older: %v", err)
	}
}
