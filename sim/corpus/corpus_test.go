package corpus_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/probesim/probesim/sim/corpus"
)

// TestRoundTrip reads every case of the corpus and writes it again, byte for
// byte; and normalises its trace again, which changes nothing.
func TestRoundTrip(t *testing.T) {
	names, err := filepath.Glob("../testdata/conformance/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		file, err := corpus.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := file.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what is written for it", name)
		}
		if _, difference := corpus.Difference(corpus.Normalise(file.Trace, file.Case.HorizonMS), file.Trace, 0); difference != "" {
			t.Errorf("%s: normalised again: %s", name, difference)
		}
	}
}

// TestDifference finds the first of several differences.
func TestDifference(t *testing.T) {
	start := corpus.Event{At: 10, Kind: "start"}
	late := corpus.Event{At: 11, Kind: "start"}
	exit := corpus.Event{At: 30, Kind: "exit", ExitCode: 1}
	for _, c := range []struct {
		got, want []corpus.Event
		tolerance int64
		at        int64
		message   string
	}{
		{[]corpus.Event{start, exit}, []corpus.Event{start, exit}, 0, 0, ""},
		{[]corpus.Event{late, exit}, []corpus.Event{start, exit}, 0, 10,
			`event 0: {"t":11,"ev":"start","container":0}, want {"t":10,"ev":"start","container":0}`},
		{[]corpus.Event{late}, []corpus.Event{start, exit}, 1, 30,
			`event 1: none, want {"t":30,"ev":"exit","container":0,"exit_code":1}`},
		{[]corpus.Event{late, exit}, []corpus.Event{start}, 1, 30,
			`event 1: {"t":30,"ev":"exit","container":0,"exit_code":1}, want none`},
	} {
		at, message := corpus.Difference(c.got, c.want, c.tolerance)
		if at != c.at || message != c.message {
			t.Errorf("difference at %d: %s, want at %d: %s", at, message, c.at, c.message)
		}
	}
}

// TestRefusedCases reads cases that say nothing a kubelet could be given.
func TestRefusedCases(t *testing.T) {
	const head = `{"schema": "kubelet-probe-trace/1", "case": {"horizon_ms": 1000, `
	probe := `"probes": {"liveness": {"period_s": 1, "timeout_s": 1, "success_threshold": 1, "failure_threshold": 1}}`
	for text, want := range map[string]string{
		`{"schema": "other"}`:                                 "schema",
		head + probe + `}}`:                                   "incarnations: none",
		head + `"incarnations": [{}]}}`:                       "",
		head + probe + `, "incarnations": [{"term_ms": 1}]}}`: "incarnations[0].liveness: none",
		head + probe + `, "incarnations": [{"liveness": [{"outcome": "maybe"}]}]}}`:                                                       `outcome "maybe"`,
		head + strings.Replace(probe, `"period_s": 1`, `"period_s": 0`, 1) + `, "incarnations": [{"liveness": [{"outcome": "error"}]}]}}`: "probes.liveness: 0",
	} {
		name := filepath.Join(t.TempDir(), "case.json")
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := corpus.ReadFile(name)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
