package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// ciExamples returns the YAML blocks of docs/ci.md.
func ciExamples(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, found := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, found[1])
	}
	if len(blocks) < 3 {
		t.Fatalf("%d examples in docs/ci.md", len(blocks))
	}
	return blocks
}

// repository makes a folder as the examples suppose it: manifests under
// deploy, one of them to be found fault with if broken, and a scenario.
func repository(t *testing.T, broken bool) string {
	t.Helper()
	manifest, err := os.ReadFile("testdata/ci/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(manifest)
	if broken {
		text = strings.Replace(text, "failureThreshold: 2", "failureThreshold: 60", 1)
	}
	directory := t.TempDir()
	for name, content := range map[string]string{
		"deploy/web.yaml":     text,
		"deploy/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n",
		"scenarios/web.yaml":  "apiVersion: probesim/v1\nkind: Scenario\nmanifest: ../deploy/web.yaml\n",
	} {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

// statusOf runs a command line of an example and returns its exit status and
// what it printed.
func statusOf(t *testing.T, directory, line string) (int, string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = directory
	output, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(output)
}

// TestActionsExample runs the commands of the GitHub Actions workflow: on sound
// manifests all succeed, on a broken one the lint step fails, with a comment on
// its line, and the report for code scanning is written all the same.
func TestActionsExample(t *testing.T) {
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Uses, Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(ciExamples(t)[0]), &workflow); err != nil {
		t.Fatal(err)
	}
	for _, broken := range []bool{false, true} {
		directory := repository(t, broken)
		commands := 0
		for _, step := range workflow.Jobs["probes"].Steps {
			if !strings.HasPrefix(step.Run, "probesim ") {
				continue
			}
			commands++
			status, output := statusOf(t, directory, step.Run)
			want := statusDone
			if broken && strings.Contains(step.Run, "-o github") {
				want = statusNo
				if !strings.Contains(output, "::error file=deploy/web.yaml,line=") {
					t.Errorf("no comment: %s", output)
				}
			}
			if status != want {
				t.Errorf("broken %v: %s: status %d, want %d\n%s", broken, step.Run, status, want, output)
			}
		}
		if report, err := os.ReadFile(filepath.Join(directory, "probesim.sarif")); err != nil || commands != 3 || strings.Contains(string(report), "readiness-outlasts-liveness\",\n          \"ruleIndex") != broken {
			t.Errorf("broken %v: %d commands, report: %v", broken, commands, err)
		}
	}
}

// TestGateOnABareManifest decides the example's gate by the closed form's bound where
// a short simulation, in which nobody was killed, excludes no more than tens of kills.
func TestGateOnABareManifest(t *testing.T) {
	directory := repository(t, false)
	name := filepath.Join(directory, "deploy/web.yaml")
	manifest, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	bare := regexp.MustCompile(`(?m)^ *startupProbe:.*\n`).ReplaceAll(manifest, nil) // whose assumed starts are killed now and then
	if err := os.WriteFile(name, bare, 0o644); err != nil {
		t.Fatal(err)
	}
	for gate, want := range map[string]int{"falseKillsPerPodYear>1": statusDone, "falseKillsPerPodYear<1": statusNo, "falseKillsPerPodYear>0.001": statusUndecided} {
		line := "probesim run deploy/web.yaml --replications 2 --horizon 10d --fail-on '" + gate + "'"
		if status, output := statusOf(t, directory, line); status != want {
			t.Errorf("%s: status %d, want %d\n%s", gate, status, want, output)
		}
	}
}

// TestPreCommitExample runs the hook's entry as pre-commit does, with the
// changed files that match at the end.
func TestPreCommitExample(t *testing.T) {
	var config struct {
		Repos []struct {
			Hooks []struct{ Entry, Files string }
		}
	}
	if err := yaml.Unmarshal([]byte(ciExamples(t)[1]), &config); err != nil {
		t.Fatal(err)
	}
	hook := config.Repos[0].Hooks[0]
	files := regexp.MustCompile(hook.Files)
	for _, c := range []struct {
		changed string
		broken  bool
		status  int
	}{
		{"deploy/web.yaml", false, statusDone},
		{"deploy/web.yaml", true, statusNo},
		{"deploy/service.yaml", true, statusDone},
	} {
		if !files.MatchString(c.changed) || files.MatchString("docs/web.yaml") {
			t.Errorf("%s: wrong files", hook.Files)
		}
		if status, output := statusOf(t, repository(t, c.broken), hook.Entry+" "+c.changed); status != c.status {
			t.Errorf("%+v: status %d\n%s", c, status, output)
		}
	}
}

// TestSuppressionExample holds the annotation to one that suppresses.
func TestSuppressionExample(t *testing.T) {
	directory := repository(t, false)
	name := filepath.Join(directory, "deploy/web.yaml")
	manifest, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, annotations, _ := strings.Cut(ciExamples(t)[2], "metadata:\n")
	text := strings.Replace(string(manifest), "metadata:\n", "metadata:\n"+annotations, 1)
	text = regexp.MustCompile(`(?m)^ *lifecycle:.*\n`).ReplaceAllString(text, "")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	status, output := statusOf(t, directory, "probesim lint deploy/web.yaml --fail-on info")
	if status != statusDone || !strings.Contains(output, "1 finding suppressed by probesim/ignore") {
		t.Errorf("status %d\n%s", status, output)
	}
}
