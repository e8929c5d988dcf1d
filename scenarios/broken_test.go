package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Each archive of testdata/broken is an input that cannot be loaded, with
// other files it names, the overlays (a line each), and the exact message.
func TestBrokenInputs(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(files) < 30 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]string{}
			for _, part := range archive.Files {
				parts[part.Name] = string(part.Data)
			}
			read := func(name string) ([]byte, error) {
				data, ok := parts[name]
				if !ok {
					return nil, errors.New("no such file")
				}
				return []byte(data), nil
			}
			_, err = Load(Source{Name: "input.yaml", Data: []byte(parts["input.yaml"]), read: read}, overlaysIn(parts["set"]))
			if err == nil {
				t.Fatal("loaded, without a fault")
			}
			var faults Faults
			if !errors.As(err, &faults) {
				t.Fatalf("%T: %v", err, err)
			}
			got := err.Error() + "\n"
			if *update {
				archive.Files[len(archive.Files)-1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != parts["want"] {
				t.Errorf("got\n%swant\n%s", got, parts["want"])
			}
		})
	}
}

func overlaysIn(lines string) []string {
	var overlays []string
	for line := range strings.Lines(lines) {
		overlays = append(overlays, strings.ReplaceAll(strings.TrimSuffix(line, "\n"), `\n`, "\n"))
	}
	return overlays
}

// The source's own directory is where relative paths begin.
func TestReadFile(t *testing.T) {
	for name, want := range map[string]string{
		"testdata/none":         "no such file",
		"testdata":              "not a regular file",
		"testdata/example.yaml": "",
	} {
		switch _, err := readFile(name); {
		case err == nil && want != "":
			t.Errorf("%s: read, want %q", name, want)
		case err != nil && err.Error() != want:
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// A field that cannot be read hides no rule that is broken by what is there (K56).
func TestK56SeveralHandlersBesideAnUnreadField(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: x, readinessProbe: {httpGet: {port: 80}, exec: {command: [a]}}, livenessProbe: {httpGet: {port: 80}, timeoutSeconds: 1.5}}]}\n"
	_, err := Load(Source{Name: "input.yaml", Data: []byte(pod)}, nil)
	for _, rule := range []string{"1.5: must be a whole number", "readinessProbe: may not specify more than 1 handler type"} {
		if err == nil || !strings.Contains(err.Error(), rule) {
			t.Errorf("%v, want %s", err, rule)
		}
	}
}

// Probes are a sidecar's among init containers, and no other's (K58).
func TestK58ProbesOfInitContainers(t *testing.T) {
	const pod = `apiVersion: probesim/v1
kind: Scenario
container: main
pod:
  containers:
  - {name: main, image: a, livenessProbe: {httpGet: {port: 80}}}
  initContainers:
  - {name: first, image: b, livenessProbe: {httpGet: {port: 81}}POLICY}
`
	load := func(policy string) error {
		_, err := Load(Source{Name: "input.yaml", Data: []byte(strings.Replace(pod, "POLICY", policy, 1))}, nil)
		return err
	}
	if err := load(", restartPolicy: Always"); err != nil {
		t.Errorf("a sidecar: %v", err)
	}
	if err := load(""); err == nil || !strings.Contains(err.Error(), "initContainers[0].livenessProbe") {
		t.Errorf("an init container with a probe: %v", err)
	}
}
