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
	replay(t, dir)
}

// TestLiveRegressions replays the random cases in which the simulator once
// differed from the real code beside it (sim/kubelettest), as that printed them:
//
//   - live-mixed-1553: a sync without cause that finds nothing to do still makes
//     the next one wait for a relist (K45).
//   - live-crash-6633: a startup attempt in flight when its container crashes
//     succeeds afterwards; the successor is reported started (K11, K29, K30).
func TestLiveRegressions(t *testing.T) {
	replay(t, "testdata/live")
}

// replay compares our trace of every case in a directory with the recorded one.
func replay(t *testing.T, dir string) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases in %s: %v", dir, err)
	}
	matched := 0
	for _, name := range names {
		file, err := corpus.ReadFile(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, difference := corpus.Difference(file.Simulate(), file.Trace, file.Tolerance()); difference != "" {
			t.Errorf("%s: %s", filepath.Base(name), difference)
			continue
		}
		matched++
	}
	t.Logf("%d of %d cases match", matched, len(names))
}
