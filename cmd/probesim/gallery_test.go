package main

import (
	"math"
	"strings"
	"testing"

	"github.com/probesim/probesim/scenarios"
)

// TestGalleryAgreesWithClosedForms runs every shipped scenario with little
// effort and expects that no closed form lies outside the interval of what was
// simulated (S13).
func TestGalleryAgreesWithClosedForms(t *testing.T) {
	wanted := map[string]int{ // variants of scenarios in which both apply, at the least
		"false kills per pod-year": 10, "startupKillProbability": 3,
		"detectionSeconds": 10, "removalSeconds": 2, "readyLagSeconds": 10,
	}
	compared := map[string]int{}
	for _, entry := range scenarios.Gallery() {
		t.Run(entry.Name, func(t *testing.T) {
			status, stdout, stderr := invoke(t.Context(), t, "run", galleryPrefix+entry.Name, "--replications", "2", "--horizon", "12h", "-o", "json")
			if status == statusUsage {
				t.Fatal(stderr)
			}
			for line := range strings.Lines(stdout) {
				if strings.Contains(line, "DISAGREE") {
					t.Error(line)
				}
				for name := range wanted {
					if strings.Contains(line, "closed form beside the simulation") && strings.Contains(line, name) {
						compared[name]++
					}
				}
			}
		})
	}
	for name, least := range wanted {
		if compared[name] < least {
			t.Errorf("only %d comparisons of %s in the whole gallery", compared[name], name)
		}
	}
}

// TestIngressControllerReproducesTheIncident holds the scenario to the two
// published numbers it was made from: 300 failed liveness probes in 12 days and
// 47 kills in 13.
func TestIngressControllerReproducesTheIncident(t *testing.T) {
	_, stdout, _ := invoke(t.Context(), t, "run", "gallery:ingress-controller", "--replications", "20", "-o", "json")
	measures := decoded(t, stdout)["variants"].([]any)[0].(map[string]any)["measures"].(map[string]any)
	kills := measures["falseKillsPerPodDay"].(map[string]any)
	failures := measures["probeFailureProbability"].(map[string]any)["liveness"].(map[string]any)
	const attemptsPerDay = 8640
	for _, c := range []struct {
		name      string
		measured  map[string]any
		scale     float64
		published float64
	}{
		{"kills per day", kills, 1, 47.0 / 13},
		{"failed liveness probes per day", failures, attemptsPerDay, 300.0 / 12},
	} {
		low, high := c.measured["low"].(float64)*c.scale, c.measured["high"].(float64)*c.scale
		if c.published < low || c.published > high {
			t.Errorf("%s: published %.3g, simulated %.3g to %.3g", c.name, c.published, low, high)
		}
		if width := (high - low) / c.published; math.IsNaN(width) || width > 0.4 {
			t.Errorf("%s: simulated %.3g to %.3g says too little", c.name, low, high)
		}
	}
}
