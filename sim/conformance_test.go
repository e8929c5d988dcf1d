package sim_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/probesim/probesim/sim/corpus"
)

// TestConformance replays the traces that the kubelet's own prober code
// produced in virtual time (testdata/conformance/README.md), and compares
// event for event. PROBESIM_CORPUS names another directory of such cases.
func TestConformance(t *testing.T) {
	dir := os.Getenv("PROBESIM_CORPUS")
	if dir == "" {
		dir = "testdata/conformance"
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", dir, err)
	}
	matched := 0
	for _, name := range files {
		file, err := corpus.ReadFile(name)
		if err != nil {
			t.Error(err)
			continue
		}
		tolerance := int64(0)
		if file.JitterNS != nil { // the jitter was rounded to milliseconds in the trace
			tolerance = 1
		}
		if _, difference := corpus.Difference(file.Simulate(), file.Trace, tolerance); difference != "" {
			t.Errorf("%s: %s", filepath.Base(name), difference)
			continue
		}
		matched++
	}
	t.Logf("%d of %d cases match", matched, len(files))
}
