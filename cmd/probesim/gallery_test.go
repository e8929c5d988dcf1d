package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/probesim/probesim/scenarios"
)

// TestGalleryAgreesWithClosedForms runs every shipped scenario with little
// effort and expects that no closed form lies outside the interval of what was
// simulated (S13), and that the tool says of each what it said before.
func TestGalleryAgreesWithClosedForms(t *testing.T) {
	wanted := map[string]int{ // variants of scenarios in which both apply, at the least
		"false kills per pod-year": 10, "startupKillProbability": 3,
		"detectionSeconds": 10, "removalSeconds": 2, "readyLagSeconds": 10,
	}
	compared := map[string]int{}
	said := ""
	for _, entry := range scenarios.Gallery() {
		t.Run(entry.Name, func(t *testing.T) {
			status, stdout, stderr := invoke(t.Context(), t, "run", galleryPrefix+entry.Name, "--replications", "2", "--horizon", "12h", "-o", "json")
			if status == statusUsage {
				t.Fatal(stderr)
			}
			said += saidOf(t, entry.Name, stdout)
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
	if runtime.GOARCH != "amd64" {
		return // results are the same bytes on one architecture only
	}
	const golden = "testdata/gallery.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(said), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if said != string(want) {
		t.Errorf("the gallery says something else than %s: %s", golden, firstDifference(string(want), said))
	}
}

// saidOf writes the numbers a reader looks at first, of every variant.
func saidOf(t *testing.T, name, result string) string {
	var b strings.Builder
	for _, v := range decoded(t, result)["variants"].([]any) {
		variant := v.(map[string]any)
		fmt.Fprintf(&b, "%s, %s\n", name, variant["name"])
		measures := variant["measures"].(map[string]any)
		for _, path := range []string{
			"falseKillsPerPodYear", "startupKillProbability", "detectionSeconds.p99", "removalSeconds.p99", "readyLagSeconds.p99", "availability",
		} {
			measure, statistic, _ := strings.Cut(path, ".")
			e, _ := measures[measure].(map[string]any)
			if statistic != "" && e != nil {
				e = e[statistic].(map[string]any)
			}
			if e == nil {
				fmt.Fprintf(&b, "\t%s null\n", path)
				continue
			}
			fmt.Fprintf(&b, "\t%s", path)
			for _, end := range []string{"estimate", "low", "high"} {
				if x, finite := e[end].(float64); finite {
					fmt.Fprintf(&b, " %.3g", x)
				} else {
					b.WriteString(" null")
				}
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// TestIngressControllerReproducesTheIncident holds the scenario to the two
// published numbers it was made from: 300 failed liveness probes in 12 days and
// 47 kills in 13.
func TestIngressControllerReproducesTheIncident(t *testing.T) {
	if underRace {
		t.Skip("600 pod-days of three variants")
	}
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
