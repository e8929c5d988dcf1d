package plots

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestData holds the data handed to each chart, and the sentence that reads it,
// to the golden files.
func TestData(t *testing.T) {
	charts := examples()
	for _, name := range slices.Sorted(maps.Keys(charts)) {
		t.Run(name, func(t *testing.T) {
			var data bytes.Buffer
			if err := charts[name].WriteCSV(&data); err != nil {
				t.Fatal(err)
			}
			compare(t, filepath.Join("testdata", name+".csv"), data.Bytes())
			compare(t, filepath.Join("testdata", name+".txt"), []byte(charts[name].Sentence()+"\n"))
		})
	}
}

func compare(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(gotLines), len(wantLines)) {
			if gotLines[i] != wantLines[i] {
				t.Fatalf("%s:%d: got %q, want %q; run with -update and look at the change", path, i+1, gotLines[i], wantLines[i])
			}
		}
		t.Errorf("%s: got %d lines, want %d; run with -update and look at the change", path, len(gotLines), len(wantLines))
	}
}
