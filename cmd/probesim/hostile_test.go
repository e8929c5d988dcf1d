package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// hostilePod is a pod whose liveness probe and CPU limit are to be filled in.
const hostilePod = `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - name: a
    image: b
    resources: {limits: {cpu: %s}}
    livenessProbe: %s
`

// hostileFiles are inputs that no command can study, and the one line that is
// to be said of each.
var hostileFiles = map[string]struct{ text, says string }{
	"empty":       {"", `holds no scenario and no object with a pod template$`},
	"comments":    {"# nothing\n\n# here\n", `holds no scenario and no object with a pod template$`},
	"nul":         {"apiVersion: v1\nkind: Pod\x00\n", `:2: is not YAML or JSON: these bytes are no text`},
	"binary":      {"\x7fELF\x02\x01\x01\xff\xfe\n", `:1: is not YAML or JSON: these bytes are no text`},
	"bomb":        {bomb(), `:1: more than 500000 values, aliases expanded$`},
	"deep":        {"a: " + strings.Repeat("[", 50000) + strings.Repeat("]", 50000), `depth`},
	"deep JSON":   {strings.Repeat(`{"a":`, 50000) + "1" + strings.Repeat("}", 50000), `depth`},
	"large":       {"a: " + strings.Repeat("x", 17<<20), `must not be larger than 16 MiB$`},
	"cut off":     {`{"apiVersion": "v1", "items": [`, `:1: `},
	"duplicate":   {fmt.Sprintf(hostilePod, "1", "{tcpSocket: {port: 1}, periodSeconds: 5, periodSeconds: 6}"), `:9: .*periodSeconds`},
	"no handler":  {fmt.Sprintf(hostilePod, "1", "{periodSeconds: 5}"), `:9: .*must specify a handler type`},
	"two":         {fmt.Sprintf(hostilePod, "1", "{tcpSocket: {port: 1}, grpc: {port: 1}}"), `:9: .*may not specify more than 1 handler type$`},
	"no number":   {fmt.Sprintf(hostilePod, "1", "{tcpSocket: {port: 1}, periodSeconds: .nan}"), `:9: .*periodSeconds: .nan: must be a whole number$`},
	"infinite":    {fmt.Sprintf(hostilePod, "1", "{tcpSocket: {port: 1}, timeoutSeconds: .inf}"), `:9: .*timeoutSeconds: .inf: must be a whole number$`},
	"negative":    {fmt.Sprintf(hostilePod, "1", "{tcpSocket: {port: 1}, failureThreshold: -1}"), `:9: .*failureThreshold: -1: must be greater than or equal to`},
	"above int32": {fmt.Sprintf(hostilePod, "1", "{tcpSocket: {port: 1}, periodSeconds: 2147483648}"), `:9: .*periodSeconds: 2147483648: must fit 32 bits$`},
	"endless CPU": {fmt.Sprintf(hostilePod, ".inf", "{tcpSocket: {port: 1}}"), `:8: .*limits.*cpu.*: .inf: must`},
	"negated CPU": {fmt.Sprintf(hostilePod, "-1", "{tcpSocket: {port: 1}}"), `:8: .*limits.*cpu.*: -1: must`},
}

// bomb names a billion values in a few hundred bytes.
func bomb() string {
	text, before := `a: &a ["x","x","x","x","x","x","x","x","x"]`+"\n", "a"
	for _, name := range strings.Split("bcdefghij", "") {
		text += fmt.Sprintf("%s: &%[1]s [%s*%s]\n", name, strings.Repeat("*"+before+",", 8), before)
		before = name
	}
	return text
}

// TestHostileFiles gives every command what it cannot study: one line says what
// is wrong and where, nothing else is printed, and no file is left behind. Lint
// prints what is wrong with an object as a finding, and takes a file without
// anything to check for no fault.
func TestHostileFiles(t *testing.T) {
	for name, c := range hostileFiles {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			file := filepath.Join(folder, "hostile.yaml")
			if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			says := regexp.MustCompile(`^` + regexp.QuoteMeta(file) + `.*` + c.says)
			for _, command := range []string{
				"run", "recommend", "calc", "compare", "trace", "show", "sweep --over replicas=1,2", "lint -o github --fail-on info",
				"plot -o " + filepath.Join(folder, "x.svg"), "report -o " + filepath.Join(folder, "x.md"),
			} {
				status, stdout, stderr := invoke(t.Context(), t, append(strings.Fields(command), file)...)
				if strings.HasPrefix(command, "lint") && status != statusUsage {
					if finds := strings.Contains(stdout, "::error") || strings.Contains(c.says, "holds no"); status == statusNo != strings.Contains(stdout, "::error") || !finds || stderr != "" {
						t.Errorf("%s: status %d, stdout %q, stderr %q", command, status, stdout, stderr)
					}
					continue
				}
				line, rest, _ := strings.Cut(stderr, "\n")
				if status != statusUsage || stdout != "" || rest != "" || !says.MatchString(line) {
					t.Errorf("%s: status %d, stdout %q, stderr %.300q", command, status, stdout, stderr)
				}
			}
			if files, err := os.ReadDir(folder); err != nil || len(files) != 1 {
				t.Errorf("files: %v, %v", files, err)
			}
		})
	}
}

// endless is a reader that has no end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "a: b\n"[i%5]
	}
	return len(p), nil
}

// TestEndlessInput reads no more of a pipe than it takes to know that it is too
// much.
func TestEndlessInput(t *testing.T) {
	for command, most := range map[string]int{"lint -": 16, "run -": 16, "show -": 16, "fit -": 64} {
		read := &countedReader{Reader: endless{}}
		var stdout, stderr bytes.Buffer
		status := runContext(t.Context(), append([]string{"probesim"}, strings.Fields(command)...), read, &stdout, &stderr)
		if want := fmt.Sprintf("-: must not be larger than %d MiB\n", most); status != statusUsage || stdout.Len() > 0 || stderr.String() != want {
			t.Errorf("%s: status %d, stdout %q, stderr %q", command, status, &stdout, &stderr)
		}
		if read.bytes > most<<20+1<<20 {
			t.Errorf("%s: read %d bytes", command, read.bytes)
		}
	}
}

// countedReader counts what is read.
type countedReader struct {
	io.Reader
	bytes int
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.bytes += n
	return n, err
}

// full is a device without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("write: no space left on device") }

// TestFullDevice says that a result could not be written.
func TestFullDevice(t *testing.T) {
	for _, command := range []string{
		"run testdata/quiet.yaml --replications 1 --horizon 1h", "calc testdata/quiet.yaml", "calc --period 10", "show testdata/quiet.yaml",
		"trace testdata/quiet.yaml --horizon 1h", "trace testdata/quiet.yaml --horizon 1h -o json", "lint testdata/quiet.yaml", "lint testdata/quiet.yaml -o sarif",
		"compare gallery:calico-node --replications 1 --horizon 1h", "sweep testdata/quiet.yaml --over livenessProbe.periodSeconds=5,10 --replications 1 --horizon 1h",
		"recommend testdata/quiet.yaml --replications 2 --horizon 6h", "scenarios", "scenarios schema", "version", "fit --queries", "--help", "run --help",
	} {
		var stderr bytes.Buffer
		status := runContext(t.Context(), append([]string{"probesim"}, strings.Fields(command)...), strings.NewReader(""), full{}, &stderr)
		if status != statusUsage || !strings.HasSuffix(stderr.String(), "write: no space left on device\n") {
			t.Errorf("%s: status %d, stderr %q", command, status, &stderr)
		}
	}
}

// TestHostileDestinations refuses, before any work, a file that cannot be
// written, and leaves nothing.
func TestHostileDestinations(t *testing.T) {
	folder := t.TempDir()
	taken := filepath.Join(folder, "taken.svg")
	if err := os.Mkdir(taken, 0o755); err != nil {
		t.Fatal(err)
	}
	nowhere := filepath.Join(folder, "nowhere", "x")
	for command, says := range map[string]string{
		"plot testdata/quiet.yaml -o " + nowhere + ".svg":        `^--output: .*cannot be written: no such file`,
		"plot testdata/quiet.yaml -o " + taken:                   `^--output: .*is not a regular file\n$`,
		"report gallery:throttled-backlog -o " + nowhere + ".md": `^--output: .*cannot be written: no such file`,
		"run gallery:throttled-backlog --checkpoint " + nowhere:  `^--checkpoint: .*no such file`,
		"run gallery:throttled-backlog --checkpoint " + folder:   `^--checkpoint: .*is a directory\n$`,
	} {
		status, stdout, stderr := invoke(t.Context(), t, strings.Fields(command)...)
		if status != statusUsage || stdout != "" || !regexp.MustCompile(says).MatchString(stderr) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: status %d, stdout %q, stderr %q", command, status, stdout, stderr)
		}
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 1 {
		t.Errorf("files: %v, %v", files, err)
	}
}

// TestInterruptedLeavesNoFile interrupts every command that simulates before
// anything is reached: the status says so, and no half of a result is left.
func TestInterruptedLeavesNoFile(t *testing.T) {
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, command := range []string{
		"run", "compare", "sweep --over livenessProbe.periodSeconds=5,10", "sweep --tornado", "lint", "recommend -o patch",
		"plot --chart front -o " + filepath.Join(folder, "x.svg"), "plot --chart cascade -o " + filepath.Join(folder, "x.png"),
		"report -o " + filepath.Join(folder, "x.html"), "report -o " + filepath.Join(folder, "x.md"),
	} {
		status, stdout, stderr := invoke(ctx, t, append(strings.Fields(command), "gallery:throttled-backlog")...)
		if status != statusInterrupted || stdout != "" || !strings.Contains(stderr, "interrupted") {
			t.Errorf("%s: status %d, stdout %.200q, stderr %q", command, status, stdout, stderr)
		}
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 0 {
		t.Errorf("files: %v, %v", files, err)
	}
}

// TestGreatestProbeFields sets the fields of all three probes to the greatest
// numbers that the API takes (K57), one field at a time and all of them: every
// command answers, also where a start never ends and its trace would have no
// end either.
func TestGreatestProbeFields(t *testing.T) {
	pod := "{containers: [{name: a, resources: {limits: {cpu: 100m}}, startupProbe: {httpGet: {port: 1}}, livenessProbe: {httpGet: {port: 1}}, readinessProbe: {httpGet: {port: 1}}}]}"
	folder := t.TempDir()
	// Exec answers that cost CPU are simulated one by one, however late a verdict.
	lint := []string{"lint", "gallery:rabbitmq-exec", "--fail-on", "never"}
	for _, field := range []string{"periodSeconds", "timeoutSeconds", "failureThreshold"} {
		lint = append(lint, "--set", "livenessProbe."+field+"=2147483647", "--set", "readinessProbe."+field+"=2147483647")
	}
	if status, stdout, stderr := invoke(t.Context(), t, lint...); status != statusDone || !strings.Contains(stdout, "slow-detection") || stderr != "" {
		t.Errorf("lint: status %d, %s, %s", status, stdout, stderr)
	}
	files := map[string]string{
		"starts.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: " + pod + "\n",
		"never.yaml":  "apiVersion: probesim/v1\nkind: Scenario\npod: " + pod + "\napplication: {startup: {wait: 50y}}\n",
	}
	fields := [][]string{{"periodSeconds"}, {"timeoutSeconds"}, {"failureThreshold"}, {"initialDelaySeconds"}, {"periodSeconds", "timeoutSeconds", "failureThreshold", "initialDelaySeconds"}}
	for name, text := range files {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, set := range fields {
			args := []string{file}
			for _, field := range set {
				for _, kind := range []string{"startup", "readiness", "liveness"} {
					args = append(args, "--set", kind+"Probe."+field+"=2147483647")
				}
			}
			for _, command := range []string{"run --replications 1 --horizon 10d", "trace --horizon 10d", "lint", "calc", "show", "plot --horizon 10d -o " + filepath.Join(folder, "x.svg")} {
				status, stdout, stderr := invoke(t.Context(), t, append(strings.Fields(command), args...)...)
				if status == statusUsage || stdout == "" || strings.Contains(stdout, "NaN") || strings.Count(stderr, "\n") > 1 || len(stdout) > 1<<20 {
					t.Errorf("%s, %s of %v: status %d, %d bytes, stderr %q", name, command, set, status, len(stdout), stderr)
				}
			}
		}
	}
}
