package scenarios

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestInputs changes every input of the example and two of the gallery, one at a time:
// the source that states them makes the same world as the file, and each change
// loads and makes another world, on one side at least.
func TestInputs(t *testing.T) {
	sources := []Source{}
	data, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sources = append(sources, Source{Name: "testdata/example.yaml", Data: data})
	for _, name := range []string{"ingress-controller", "shared-workers"} {
		source, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, source)
	}
	for _, source := range sources {
		original, err := Load(source, nil)
		if err != nil {
			t.Fatal(err)
		}
		stated, inputs, err := Inputs(original[0], source)
		if err != nil {
			t.Fatal(err)
		}
		base, err := Load(stated, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(inputs) < 8 {
			t.Errorf("%s: only %d inputs", source.Name, len(inputs))
		}
		for _, in := range inputs {
			same := 0
			for _, factor := range []float64{.8, 1.2} {
				changed, err := Load(stated, []string{in.Scaled(factor)})
				if err != nil || reflect.DeepEqual(changed[0].World, base[0].World) {
					same++
				}
			}
			// What is 100, 250 or 1000, and what a class has from its node.
			exempt := strings.HasSuffix(in.Path, "kernelHz") || strings.HasPrefix(in.Path, "node.classes") && strings.Contains(in.Path, "neighbours")
			if same == 2 && !exempt {
				t.Errorf("%s: %s: no change of %s makes another world", source.Name, in.Path, in.Value)
			}
		}
	}
}

func TestScaled(t *testing.T) {
	for _, c := range []struct {
		text, path, want string
		factor           float64
	}{
		{"application: {startup: {wait: {p50: 10s, p99: 1m40s}}}", "application.startup.wait", "{p50: 12s, p99: 2m}", 1.2},
		{"application: {startup: {wait: {gamma: {shape: 2, scale: 10s}}}}", "application.startup.wait", "{gamma: {shape: 2, scale: 8s}}", .8},
		{"application: {startup: {wait: {mixture: [{weight: 9, of: 1s}, {weight: 1, of: {uniform: [2s, 3s]}}]}}}", "application.startup.wait",
			"{mixture: [{weight: 9, of: 800ms}, {weight: 1, of: {uniform: [1.6s, 2.4s]}}]}", .8},
		{"replicas: 2", "replicas", "3", 1.2},
		{"replicas: 2", "replicas", "1", .8},
		{"node: {interruptionsPerSecond: 0.5}", "node.interruptionsPerSecond", "0.6", 1.2},
		{"node: {neighbours: [{cpuRequest: 250m, busy: 1s, idle: 1s}]}", "node.neighbours[0].cpuRequest", "300m", 1.2},
		{"application: {pauses: [{every: {exponential: 1d}, lasts: 1s}]}", "application.pauses[0].every", "{exponential: 19h12m}", .8},
		{"", "livenessProbe.periodSeconds", "12", 1.2},
		{"", "livenessProbe.timeoutSeconds", "2", 1.2},
		{"", "resources.limits.cpu", "200m", .8},
	} {
		source := Source{Name: "s.yaml", Data: []byte("apiVersion: probesim/v1\nkind: Scenario\nmetadata: {name: s}\npod: {containers: [{name: a, resources: {limits: {cpu: 250m}}, livenessProbe: {tcpSocket: {port: 80}}}]}\n" + c.text + "\n")}
		workloads, err := Load(source, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, inputs, err := Inputs(workloads[0], source)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, in := range inputs {
			if in.Path == c.path {
				found = true
				if got := in.Scaled(c.factor); got != c.path+"="+c.want {
					t.Errorf("%s times %g: %s, want %s", in.Value, c.factor, got, c.want)
				}
			}
		}
		if !found {
			t.Errorf("%s: is no input of %q", c.path, c.text)
		}
	}
}
