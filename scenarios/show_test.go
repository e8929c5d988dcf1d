package scenarios

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// A scenario that Show has written says the same as what it was made from.
func TestShowRoundTrip(t *testing.T) {
	for _, file := range loadable(t) {
		t.Run(file, func(t *testing.T) {
			for _, w := range load(t, file) {
				shown, err := Show(w)
				if err != nil {
					t.Fatal(err)
				}
				again, err := Load(Source{Name: file, Data: shown}, nil)
				if err != nil {
					t.Fatalf("%v\n%s", err, shown)
				}
				if len(again) != 1 || !reflect.DeepEqual(again[0].World, w.World) {
					t.Errorf("got  %+v\nwant %+v\n%s", again[0].World, w.World, shown)
				}
				if !reflect.DeepEqual(again[0].Variants, w.Variants) || !reflect.DeepEqual(again[0].Objectives, w.Objectives) || again[0].Run != w.Run {
					t.Errorf("variants, objectives or run differ:\n%s", shown)
				}
				second, err := Show(again[0])
				if err != nil {
					t.Fatal(err)
				}
				if got, want := withoutNotes(second), withoutNotes(shown); len(w.Assumptions) == 0 && got != want {
					t.Errorf("shown again:\n%s\nwant\n%s", got, want)
				}
			}
		})
	}
}

// withoutNotes leaves out the notes on what the manifest holds beside the pod.
func withoutNotes(shown []byte) string {
	return regexp.MustCompile("(?m)^# note: .*\n").ReplaceAllString(string(shown), "")
}

// Every field of the format stands in what Show writes, as a value or as what
// its absence means, unless it is one of those named here.
func TestShowStatesEveryDefault(t *testing.T) {
	silent := map[string]bool{"manifest": true, "metadata.description": true, "metadata.source": true}
	for file, studied := range map[string]string{
		"a bare scenario": "apiVersion: probesim/v1\nkind: Scenario\npod: {containers: [{name: a, livenessProbe: {tcpSocket: {port: 1}}}]}\n",
		"a bare manifest": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, livenessProbe: {tcpSocket: {port: 1}}}]}\n",
	} {
		workloads, err := Load(Source{Name: "input.yaml", Data: []byte(studied)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := Show(workloads[0])
		if err != nil {
			t.Fatal(err)
		}
		var missing func(of reflect.Type, path string)
		missing = func(of reflect.Type, path string) {
			for _, f := range fieldsOf(of) {
				at := strings.TrimPrefix(path+"."+f.name, ".")
				if _, measure := reflect.New(f.of).Elem().Interface().(objectives); measure || silent[at] {
					continue
				}
				if !regexp.MustCompile(`(?m)^ *(# )?([a-zA-Z]+\.)?` + f.name + `:`).Match(shown) {
					t.Errorf("%s: %s is not shown:\n%s", file, at, shown)
				}
				if f.of.Kind() == reflect.Struct && f.name != "probes" {
					missing(f.of, at)
				}
			}
		}
		missing(scenarioType, "")
	}
}

// loadable are the inputs that load: the gallery, and testdata.
func loadable(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"gallery/*/*.yaml", "testdata/*.yaml", "testdata/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}

func load(t *testing.T, file string, overlays ...string) []*Workload {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	workloads, err := Load(Source{Name: file, Data: data}, overlays)
	if err != nil {
		t.Fatal(err)
	}
	return workloads
}
