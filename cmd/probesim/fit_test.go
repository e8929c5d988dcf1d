package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/probesim/probesim/scenarios"
)

// TestFitPredictsTheIncident pastes what fit makes of the ingress controller's
// two counts into a scenario, and holds what run then predicts for the same 12
// and 13 days to the intervals of the counts. Independent failures miss the
// kills by four orders of magnitude.
func TestFitPredictsTheIncident(t *testing.T) {
	fitArgs := strings.Fields("fit --failures 300 --kills 47 --over 12d/13d --period 10 --timeout 1 --failure-threshold 3 -o")
	_, block, stderr := invoke(t.Context(), t, append(fitArgs, "block")...)
	directory := t.TempDir()
	files, err := scenarios.Files("ingress-controller")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(directory, file.Name), file.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	pasted := "apiVersion: probesim/v1\nkind: Scenario\nmetadata: {name: pasted}\nmanifest: deployment.yaml\ncontainer: nginx-ingress-controller\n" + block +
		"  startup: {wait: {p50: 4s, p99: 9s}}\n  threads: 2\n  probes: {all: {cpu: 1ms, wait: {p50: 2ms, p99: 20ms}}}\n  shutdown: {wait: 5s}\n"
	file := filepath.Join(directory, "pasted.yaml")
	if err := os.WriteFile(file, []byte(pasted), 0o666); err != nil {
		t.Fatal(err)
	}
	_, stdout, more := invoke(t.Context(), t, "run", file, "--replications", "6", "--seed", "4", "-o", "json")
	if stderr+more != "" {
		t.Fatal(stderr + more)
	}
	measures := decoded(t, stdout)["variants"].([]any)[0].(map[string]any)["measures"].(map[string]any)
	kills := measures["falseKillsPerPodDay"].(map[string]any)["estimate"].(float64) * 13
	failures := measures["probeFailureProbability"].(map[string]any)["liveness"].(map[string]any)["estimate"].(float64) * 8640 * 12

	_, page, _ := invoke(t.Context(), t, append(fitArgs, "table")...)
	at := strings.Index(page, "whatIf:")
	if err := os.WriteFile(file, []byte(pasted+page[at:]), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, stdout, more = invoke(t.Context(), t, "show", file); more != "" || !strings.Contains(stdout, "longest stalls") {
		t.Errorf("with the variant: %s%s", stdout, more)
	}

	_, stdout, _ = invoke(t.Context(), t, append(fitArgs, "json")...)
	stalls := decoded(t, stdout)["stalls"].([]any)[0].(map[string]any)
	for name, predicted := range map[string]float64{"kills": kills, "failures": failures} {
		counted := stalls[name].(map[string]any)
		if low, high := counted["low"].(float64), counted["high"].(float64); predicted < low || predicted > high {
			t.Errorf("%v %s predicted, outside %v to %v", predicted, name, low, high)
		}
	}
	if independent := stalls["independentKills"].(float64); 47/independent < 1e4 || 47/independent > 1e5 {
		t.Errorf("independent failures give %v kills", independent)
	}
}
