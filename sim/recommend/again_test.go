package recommend

import (
	"fmt"
	"testing"

	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
)

// TestStartupProbeIsProposedAgain: a startup probe that was proposed for a manifest and
// put into it is proposed again, and is enough for the starts that are then supposed,
// whatever those were supposed from: what an author measured, an image, a budget; on a
// CPU that its neighbours leave to it or not.
func TestStartupProbeIsProposedAgain(t *testing.T) {
	const manifest = `{apiVersion: apps/v1, kind: %s, metadata: {name: a}, spec: {selector: {matchLabels: {a: a}}, template: {metadata: {labels: {a: a}},
 spec: {containers: [{name: a, image: "%s", resources: %s, readinessProbe: {httpGet: {port: 80}}, livenessProbe: {httpGet: {port: 80}%s}%s}]}}}}`
	const ask = ", startupProbe: {httpGet: {port: 80}, periodSeconds: %d, failureThreshold: %d}"
	options := func(kind, image, resources, delay, startup string) []start {
		text := fmt.Sprintf(manifest, kind, image, resources, delay, startup)
		w, err := scenarios.Load(scenarios.Source{Name: "a.yaml", Data: []byte(text)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := newSearch(t.Context(), w[0].World, Options{Options: estimate.Options{Seed: 1, Objectives: w[0].Objectives}, StartBudget: w[0].StartBudget}, glanceOfStarts, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s.startOptions(true)
	}
	for name, c := range map[string]struct{ kind, image, resources, delay, startup string }{
		"a JVM with a measured start":  {"Deployment", "eclipse-temurin:21", "{limits: {cpu: 500m}}", ", initialDelaySeconds: 20", ""},
		"Node.js":                      {"Deployment", "node:20", "{limits: {cpu: 300m}}", "", ""},
		"a StatefulSet with a budget":  {"StatefulSet", "postgres:16", "{limits: {cpu: 2}}", "", fmt.Sprintf(ask, 10, 7)},
		"a proxy with a short budget":  {"Deployment", "nginx", "{limits: {cpu: 100m}}", "", fmt.Sprintf(ask, 10, 3)},
		"Python without a CPU request": {"Deployment", "python:3", "{}", ", initialDelaySeconds: 10", ""},
	} {
		for _, once := range options(c.kind, c.image, c.resources, c.delay, c.startup) {
			if once.probe == nil || once.probe.PeriodSeconds != 10 {
				continue
			}
			again := options(c.kind, c.image, c.resources, "", fmt.Sprintf(ask, once.probe.PeriodSeconds, once.probe.FailureThreshold))
			same := false
			for _, o := range again {
				if o.probe.PeriodSeconds != once.probe.PeriodSeconds {
					continue
				}
				same = true
				if o.probe.FailureThreshold != once.probe.FailureThreshold || o.kills > 1e-4 {
					t.Errorf("%s: %d failures every %d s, and then %d, of which %g kill", name, once.probe.FailureThreshold, once.probe.PeriodSeconds, o.probe.FailureThreshold, o.kills)
				}
			}
			if !same {
				t.Errorf("%s: no more startup probe of %d s", name, once.probe.PeriodSeconds)
			}
		}
	}
}
