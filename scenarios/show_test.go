package scenarios

import (
	"os"
	"path/filepath"
	"reflect"
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
				if len(w.Assumptions) == 0 && string(second) != string(shown) {
					t.Errorf("shown again:\n%s\nwant\n%s", second, shown)
				}
			}
		})
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
