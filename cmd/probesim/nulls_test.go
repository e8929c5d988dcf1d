package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every number that is missing has its reason in the notes (design section 3).
func TestNullsHaveTheirReason(t *testing.T) {
	const head = "apiVersion: probesim/v1\nkind: Scenario\npod: {containers: [{name: a, resources: {limits: {cpu: 200m}}"
	for name, scenario := range map[string]string{
		"tcp":      head + ", livenessProbe: {tcpSocket: {port: 1}}}]}\n",
		"nothing":  head + "}]}\n",
		"both":     head + ", livenessProbe: {httpGet: {port: 1}}, readinessProbe: {httpGet: {port: 1}}}]}\n",
		"slow":     head + ", livenessProbe: {httpGet: {port: 1}}}]}\napplication: {startup: {wait: {p50: 30s, p99: 60s}}}\n",
		"stalling": head + ", livenessProbe: {httpGet: {port: 1}}, readinessProbe: {tcpSocket: {port: 1}}}]}\nnode: {profile: shared-vm}\n",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "s.yaml")
			if err := os.WriteFile(file, []byte(scenario), 0o666); err != nil {
				t.Fatal(err)
			}
			_, stdout, stderr := invoke(t.Context(), t, "run", file, "--replications", "2", "--horizon", "6h", "-o", "json")
			if stderr != "" {
				t.Fatal(stderr)
			}
			variant := decoded(t, stdout)["variants"].([]any)[0].(map[string]any)
			notes := fmt.Sprint(variant["notes"])
			measures := variant["measures"].(map[string]any)
			for key, value := range measures {
				if hasNull(value) && !strings.Contains(notes, key) {
					t.Errorf("%s: %v, and no note says why:\n%s", key, value, notes)
				}
			}
			if cpu, _ := measures["probeCPUFraction"].(map[string]any); cpu["high"] != 0.0 {
				t.Errorf("answers cost no CPU, and their share is %v", cpu)
			}
			if got, want := strings.Contains(notes, "depend on the horizon"), name == "slow"; got != want {
				t.Errorf("says that starts kill: %t\n%s", got, notes)
			}
		})
	}
}

// Every number that calc leaves out has its reason in the notes, too, once.
func TestNullsOfCalcHaveTheirReason(t *testing.T) {
	for _, args := range []string{
		"gallery:starved-20m", "gallery:ingress-controller", "gallery:nodejs-cold-boot", "gallery:infinispan-ticks", "gallery:spring-boot-200m",
		"", "--probability 0.01", "--stall-every 6h --stall-lasts 25s", "--cpu-limit 20m",
	} {
		t.Run(args, func(t *testing.T) {
			_, stdout, stderr := invoke(t.Context(), t, strings.Fields("calc -o json "+args)...)
			if stderr != "" {
				t.Fatal(stderr)
			}
			result := decoded(t, stdout)
			notes := fmt.Sprint(result["notes"])
			for key, value := range result {
				if key != "probes" && key != "quota" && hasNull(value) && !strings.Contains(notes, key) {
					t.Errorf("%s: %v, and no note says why:\n%s", key, value, notes)
				}
			}
			for kind, probe := range result["probes"].(map[string]any) {
				for key, value := range probe.(map[string]any) {
					names := func(note any) bool {
						text := note.(string)
						return strings.Contains(text, kind+"."+key) || strings.HasPrefix(text, kind+" probe: ") && strings.Contains(text, key) ||
							key == "readyLagSeconds" && strings.HasPrefix(text, key)
					}
					if hasNull(value) && !slices.ContainsFunc(result["notes"].([]any), names) {
						t.Errorf("%s.%s: %v, and no note says why:\n%s", kind, key, value, notes)
					}
				}
			}
			said := map[string]bool{}
			for _, note := range result["notes"].([]any) {
				if said[note.(string)] {
					t.Errorf("said twice: %s", note)
				}
				said[note.(string)] = true
			}
		})
	}
}

func hasNull(value any) bool {
	switch x := value.(type) {
	case nil:
		return true
	case map[string]any:
		for _, inner := range x {
			if hasNull(inner) {
				return true
			}
		}
	}
	return false
}
