package scenarios

import (
	"os"
	"path/filepath"
	"testing"
)

// TestBases holds each input to where it came from: a file of measurements, the
// scenario, or nowhere.
func TestBases(t *testing.T) {
	directory := t.TempDir()
	files := map[string]string{
		"starts.csv": "3\n4\n5\n",
		"s.yaml": `apiVersion: probesim/v1
kind: Scenario
metadata: {name: measured}
pod:
  containers:
    - {name: app, livenessProbe: {tcpSocket: {port: 80}}}
application:
  startup: {wait: {samples: starts.csv}}
  probes: {all: {cpu: 2ms}}
`,
		"m.yaml": `apiVersion: v1
kind: Pod
metadata: {name: bare}
spec: {containers: [{name: app, image: node, livenessProbe: {httpGet: {port: 80}}}]}
`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ file, path, rests string }{
		{"s.yaml", "application.startup.wait", "measured"},
		{"s.yaml", "application.probes.all.cpu", "stated"},
		{"s.yaml", "application.probes.all.wait", ""},
		{"m.yaml", "application.startup.cpu", "assumed"},
		{"m.yaml", "application.threads", "assumed"},
		{"m.yaml", "faults[0].every", "assumed"},
	} {
		rests := ""
		for _, b := range Bases(load(t, filepath.Join(directory, c.file))[0]) {
			if b.Path == c.path {
				rests = b.Rests
			}
		}
		if rests != c.rests {
			t.Errorf("%s: %s rests on %q, want %q: %v", c.file, c.path, rests, c.rests, Bases(load(t, filepath.Join(directory, c.file))[0]))
		}
	}
}
