package scenarios_test

import (
	"fmt"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/scenarios"
)

// A manifest is a scenario of which the rest is assumed; overlays change it by
// the paths of the command line's --set.
func ExampleLoad() {
	manifest := `apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  containers:
    - name: api
      image: node:22
      livenessProbe: {httpGet: {path: /healthz, port: 8080}}
`
	workloads, err := scenarios.Load(scenarios.Source{Name: "pod.yaml", Data: []byte(manifest)}, []string{"livenessProbe.timeoutSeconds=5"})
	if err != nil {
		fmt.Println(err)
		return
	}
	w := workloads[0]
	fmt.Printf("%s, liveness timeout %v, assumed:\n", w.World.Name, w.World.Container().Probes[model.Liveness].Timeout())
	for _, b := range scenarios.Bases(w) {
		if b.Rests == "assumed" {
			fmt.Println(b.Path, b.Value)
		}
	}
	// Output:
	// pod/shop, liveness timeout 5s, assumed:
	// application.startup.cpu {p50: 3s, p99: 3.5s}
	// application.startup.wait {p50: 2.3s, p99: 2.9s}
	// application.startup.threads 1
	// application.threads 1
	// application.probes.all.cpu {p50: 2ms, p99: 20ms}
	// application.probes.all.wait {p50: 1ms, p99: 20ms}
	// faults[0].every {exponential: 30d}
	// node.profile shared-vm
}
