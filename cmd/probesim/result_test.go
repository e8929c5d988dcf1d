package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// invoke runs the command inside the test and returns what it printed.
func invoke(ctx context.Context, t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, diagnostics bytes.Buffer
	status = runContext(ctx, append([]string{"probesim"}, args...), strings.NewReader(""), &out, &diagnostics)
	return status, out.String(), diagnostics.String()
}

// decoded parses a JSON result.
func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
	return value
}

// keysInOrder returns the keys of the outermost object of a JSON text.
func keysInOrder(t *testing.T, text string) []string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key.(string))
		var skipped json.RawMessage
		if err := decoder.Decode(&skipped); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// TestResultKeys holds the JSON of each command to the keys and their order
// that others depend on (design section 5).
func TestResultKeys(t *testing.T) {
	for _, c := range []struct {
		args string
		keys []string
	}{
		{"run gallery:infinispan-ticks --replications 1 --horizon 1h -o json",
			[]string{"apiVersion", "kind", "scenario", "seed", "assumptions", "replications", "podSeconds", "variants"}},
		{"calc gallery:infinispan-ticks -o json",
			[]string{"apiVersion", "kind", "scenario", "assumptions", "probes", "meanProbesToKill", "meanTimeToFalseKillSeconds"}},
		{"recommend testdata/quiet.yaml --replications 2 --horizon 6h -o json",
			[]string{"apiVersion", "kind", "scenario", "seed", "assumptions", "margin", "current", "recommended", "front", "readinessFront", "binding", "rejected", "infeasible", "givenUp", "grid", "together", "termination", "rollout", "terminationSettings", "starts", "notes"}},
	} {
		t.Run(strings.Fields(c.args)[0], func(t *testing.T) {
			_, stdout, stderr := invoke(t.Context(), t, strings.Fields(c.args)...)
			keys := keysInOrder(t, stdout)
			if len(keys) < len(c.keys) || !slices.Equal(keys[:len(c.keys)], c.keys) {
				t.Errorf("keys %v, want %v\n%s", keys, c.keys, stderr)
			}
		})
	}
}

// measureKeys are the measures of design section 3.
var measureKeys = []string{
	"falseKillsPerPodDay", "falseKillsPerPodDayByLiveness", "falseKillsPerPodDayByStartup", "falseKillsPerPodYear",
	"meanTimeToFalseKillSeconds", "falseKillProbability", "startupKillProbability", "detectionSeconds", "removalSeconds",
	"recoverySeconds", "deadTrafficSecondsPerFault", "deadTrafficFraction", "deadRequestsPerFault", "falseUnreadyFraction",
	"readyLagSeconds", "timeToReadySeconds", "availability", "probeFailureProbability", "probeCPUFraction", "crashLoopFraction",
}

// TestMeasuresArePresent holds every variant to every measure, null where it
// does not apply, and every estimate to its interval.
func TestMeasuresArePresent(t *testing.T) {
	_, stdout, _ := invoke(t.Context(), t, strings.Fields("run gallery:ingress-controller --replications 2 --horizon 1d -o json")...)
	variants := decoded(t, stdout)["variants"].([]any)
	if len(variants) != 3 {
		t.Fatalf("%d variants, want base and two others", len(variants))
	}
	for _, v := range variants {
		measures := v.(map[string]any)["measures"].(map[string]any)
		for _, key := range measureKeys {
			if _, present := measures[key]; !present {
				t.Errorf("%s: missing", key)
			}
		}
		rate := measures["falseKillsPerPodDay"].(map[string]any)
		for _, key := range []string{"estimate", "low", "high", "confidence", "method", "n"} {
			if _, present := rate[key]; !present {
				t.Errorf("falseKillsPerPodDay.%s: missing", key)
			}
		}
		detection := measures["detectionSeconds"].(map[string]any)
		for _, key := range []string{"mean", "p50", "p90", "p99", "bounds"} {
			if _, present := detection[key]; !present {
				t.Errorf("detectionSeconds.%s: missing", key)
			}
		}
	}
}

// TestInterrupted ends an endless run and expects what was reached, whole, and
// the status of an interrupt.
func TestInterrupted(t *testing.T) {
	const quick = `{apiVersion: probesim/v1, kind: Scenario, metadata: {name: quick}, pod: {containers: [{name: a, livenessProbe: {tcpSocket: {port: 80}}}]}}`
	file := filepath.Join(t.TempDir(), "quick.yaml")
	if err := os.WriteFile(file, []byte(quick), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // a replication takes a thousandth of it
	defer cancel()
	status, stdout, _ := invoke(ctx, t, "run", file, "--horizon", "1h", "--replications", "100000000", "-o", "json")
	if status != statusInterrupted {
		t.Errorf("exit status %d, want %d", status, statusInterrupted)
	}
	result := decoded(t, stdout)
	if reached := result["replications"].(float64); reached < 1 || reached >= 1e8 {
		t.Errorf("%v replications", reached)
	}
	if !strings.Contains(stdout, "interrupted after") {
		t.Error("no note says that it was interrupted")
	}
}

// TestInterruptedAtOnce expects nothing on standard output when nothing was
// reached.
func TestInterruptedAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	status, stdout, stderr := invoke(ctx, t, "run", "gallery:infinispan-ticks")
	if status != statusInterrupted || stdout != "" || stderr == "" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}
