package scenarios

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// listOfPods is a List in which one pod cannot be studied as it stands: both of
// its containers have probes.
const listOfPods = `apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: plain}, spec: {containers: [{name: a, livenessProbe: {tcpSocket: {port: 1}}}]}}
- apiVersion: v1
  kind: Pod
  metadata: {name: two, namespace: shop}
  spec: {containers: [{name: app, livenessProbe: {tcpSocket: {port: 1}}}, {name: proxy, readinessProbe: {tcpSocket: {port: 2}}}]}
- {apiVersion: v1, kind: Pod, metadata: {name: annotated, annotations: {kubectl.kubernetes.io/default-container: proxy}}, spec: {containers: [{name: app, livenessProbe: {tcpSocket: {port: 1}}}, {name: proxy, readinessProbe: {tcpSocket: {port: 2}}}]}}
- {apiVersion: v1, kind: Pod, metadata: {name: wrong}, spec: {containers: [{name: a, livenessProbe: {tcpSocket: {port: 1}, periodSeconds: -1}}]}}
`

// What cannot be studied is left out and said, one line a fault, with the
// object and its containers; the rest is studied.
func TestListWithFaults(t *testing.T) {
	for _, test := range []struct {
		overlays []string
		studied  string
		faults   []string
	}{
		{nil, "pod/plain a, pod/annotated proxy", []string{
			`list.yaml:8: items[1].spec.containers: pod/two in shop: several containers, and --set container=… does not say which one is studied: app, proxy`,
			`list.yaml:10: items[3].spec.containers[0].livenessProbe.periodSeconds: pod/wrong: -1: must be greater than or equal to 0`,
		}},
		// The container is that of the objects that have it.
		{[]string{"container=app", "pod.terminationGracePeriodSeconds=5"}, "pod/plain a, pod/two app, pod/annotated app", []string{
			`list.yaml:10: items[3].spec.containers[0].livenessProbe.periodSeconds: pod/wrong: -1: must be greater than or equal to 0`,
		}},
		{[]string{"container=app", "livenessProbe.periodSeconds=7"}, "pod/plain a, pod/two app, pod/annotated app, pod/wrong a", nil},
		// A fault of some names them; one of all stands once.
		{[]string{"container=proxy", "livenessProbe.periodSeconds=7"}, "pod/plain a, pod/wrong a", []string{
			`--set: livenessProbe.periodSeconds: pod/two in shop: container "proxy" has no livenessProbe: a handler is missing, set livenessProbe.httpGet.port, .tcpSocket.port, .grpc.port or .exec.command too`,
			`--set: livenessProbe.periodSeconds: pod/annotated: container "proxy" has no livenessProbe: a handler is missing, set livenessProbe.httpGet.port, .tcpSocket.port, .grpc.port or .exec.command too`,
		}},
		{[]string{"nothing.of.the.kind=1", "livenessProbe.periodSeconds=7", "container=app"}, "", []string{
			`--set: nothing.of.the.kind: unknown field, allowed: startupProbe, readinessProbe, livenessProbe, resources, lifecycle, apiVersion, kind, metadata, manifest, pod, container, replicas, application, faults, dependencies, node, cluster, events, objectives, whatIf, run`,
		}},
		{[]string{"livenessProbe.periodSeconds"}, "", []string{
			`--set: "livenessProbe.periodSeconds": must be path=value`,
			`list.yaml:8: items[1].spec.containers: pod/two in shop: several containers, and --set container=… does not say which one is studied: app, proxy`,
			`list.yaml:10: items[3].spec.containers[0].livenessProbe.periodSeconds: pod/wrong: -1: must be greater than or equal to 0`,
		}},
	} {
		workloads, err := Load(Source{Name: "list.yaml", Data: []byte(listOfPods)}, test.overlays)
		var names []string
		for _, w := range workloads {
			names = append(names, w.World.Name+" "+w.World.Container().Name)
		}
		if got := strings.Join(names, ", "); got != test.studied {
			t.Errorf("%q: studied %s, want %s", test.overlays, got, test.studied)
		}
		var faults Faults
		errors.As(err, &faults)
		if got, want := faults.Error(), strings.Join(test.faults, "\n"); got != want {
			t.Errorf("%q: got\n%s\nwant\n%s", test.overlays, got, want)
		}
		if len(workloads) > 0 && len(faults) > 0 && !strings.Contains(strings.Join(workloads[0].Notes, "\n"), "left out, as something is wrong with it: pod/") {
			t.Errorf("%q: notes %q", test.overlays, workloads[0].Notes)
		}
	}
}

// A container that is named is the one by which the assumptions go.
func TestAssumptionsOfNamedContainer(t *testing.T) {
	const pod = `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [
{name: web, image: nginx, livenessProbe: {tcpSocket: {port: 1}}},
{name: api, image: node:22, livenessProbe: {tcpSocket: {port: 2}}}]}}`
	for container, what := range map[string]string{"web": "a proxy", "api": "Node.js"} {
		workloads, err := Load(Source{Name: "pod.yaml", Data: []byte(pod)}, []string{"container=" + container})
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(workloads[0].Assumptions, "\n"); !strings.Contains(strings.ToLower(all), strings.ToLower(what)) {
			t.Errorf("%s: nothing of %s is assumed:\n%s", container, what, all)
		}
	}
}

// Text in the ways of other systems is read, and what is no text is said to be none.
func TestEncodings(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a}]}\n"
	wide := []byte{0xff, 0xfe}
	for _, b := range []byte(pod) {
		wide = append(wide, b, 0)
	}
	for name, data := range map[string][]byte{
		"plain": []byte(pod), "crlf": []byte(strings.ReplaceAll(pod, "\n", "\r\n")), "bom": []byte("\ufeff" + pod), "utf16": wide,
	} {
		if workloads, err := Load(Source{Name: "p.yaml", Data: data}, nil); err != nil || len(workloads) != 1 || workloads[0].Name != "p" {
			t.Errorf("%s: %v, %v", name, workloads, err)
		}
	}
	for _, data := range []string{pod + "\x00", pod + "\xff\xfe", "\x7fELF\x00\n\n\n\n\x80"} {
		_, err := Load(Source{Name: "p.yaml", Data: []byte(data)}, nil)
		line := 5
		if data[0] == 0x7f {
			line = 1
		}
		if want := fmt.Sprintf("p.yaml:%d: is not YAML or JSON: these bytes are no text in UTF-8 or UTF-16", line); err == nil || err.Error() != want {
			t.Errorf("%q: %v", data, err)
		}
	}
}
