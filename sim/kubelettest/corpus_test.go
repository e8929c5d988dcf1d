package kubelettest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/probesim/probesim/sim/corpus"
)

// TestCorpus holds the model around the real code to the recorded corpus:
// every case whose jitter was not drawn.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("PROBESIM_CORPUS")
	if dir == "" {
		dir = "../testdata/conformance"
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases in %s: %v", dir, err)
	}
	matched, cases := 0, 0
	for _, name := range names {
		file, err := corpus.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if file.JitterNS != nil {
			continue
		}
		cases++
		if _, difference := corpus.Difference(Record(t, file, nil), file.Trace, 0); difference != "" {
			t.Errorf("%s: %s", filepath.Base(name), difference)
			continue
		}
		matched++
	}
	t.Logf("the real code repeats %d of %d recorded traces", matched, cases)
}
