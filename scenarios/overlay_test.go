package scenarios

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

var inf = math.Inf(1)

func samples(t *testing.T, values ...float64) dist.Dist {
	t.Helper()
	made, err := dist.NewSamples(values)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// Paths mean the same on scenarios, inline pods and bare manifests.
func TestOverlays(t *testing.T) {
	const inline = "testdata/inline.yaml"
	tests := []struct {
		file     string
		overlays string
		get      func(w *model.World) any
		want     any
	}{
		{"testdata/list.json", "livenessProbe.timeoutSeconds=5", func(w *model.World) any { return w.Container().Probes[model.Liveness].TimeoutSeconds }, int32(5)},
		{inline, "livenessProbe.timeoutSeconds=5", func(w *model.World) any { return w.Container().Probes[model.Liveness].TimeoutSeconds }, int32(5)},
		{"testdata/example.yaml", "livenessProbe.timeoutSeconds=5", func(w *model.World) any { return w.Container().Probes[model.Liveness].TimeoutSeconds }, int32(5)},
		{inline, "livenessProbe=", func(w *model.World) any { return w.Container().Probes[model.Liveness] == nil }, true},
		{inline, "readinessProbe={grpc: {port: 9}, periodSeconds: 3}", func(w *model.World) any { return w.Container().Probes[model.Readiness].Handler.String() }, "grpc :9"},
		{inline, "readinessProbe.periodSeconds=3|readinessProbe.tcpSocket.port=80", func(w *model.World) any { return w.Container().Probes[model.Readiness].PeriodSeconds }, int32(3)},
		{inline, "resources.limits.cpu=125m", func(w *model.World) any { return w.Container().CPULimitMilli }, int64(125)},
		{inline, "resources.limits.cpu=2", func(w *model.World) any { return w.Container().CPURequestMilli }, int64(2000)},
		{"testdata/list.json", "resources.limits.cpu=0.25", func(w *model.World) any { return w.Container().CPULimitMilli }, int64(250)},
		{inline, "lifecycle.preStop.sleep.seconds=7", func(w *model.World) any { return w.Container().PreStop.Lasts }, 7 * time.Second},
		{inline, "pod.terminationGracePeriodSeconds=60", func(w *model.World) any { return w.Pod.TerminationGracePeriodSeconds }, int64(60)},
		{"testdata/list.json", "pod.terminationGracePeriodSeconds=60", func(w *model.World) any { return w.Pod.TerminationGracePeriodSeconds }, int64(60)},
		{inline, "container=b|livenessProbe.tcpSocket.port=99", func(w *model.World) any { return w.Container().Probes[model.Liveness].Handler.Target }, ":99"},
		{inline, "replicas=9", func(w *model.World) any { return w.Replicas }, 9},
		{"testdata/list.json", "replicas=9", func(w *model.World) any { return w.Replicas }, 9},
		{inline, "application.startup.wait=500ms", func(w *model.World) any { return w.Application.Startup[0].Wait }, dist.Constantly(500 * time.Millisecond)},
		{inline, "application.startup.wait={p50: 1s, p99: 3s}", func(w *model.World) any { return w.Application.Startup[0].Wait }, quantiles(1, 3)},
		{inline, "application.startup.wait={p50: 1s, p99: 3s}|application.startup.wait.p99=4s", func(w *model.World) any { return w.Application.Startup[0].Wait }, quantiles(1, 4)},
		{inline, `application.startup.wait={p50: 1s}|application.startup.wait["p99"]=4s`, func(w *model.World) any { return w.Application.Startup[0].Wait }, quantiles(1, 4)},
		{inline, "application.startup[0].wait=2s", func(w *model.World) any { return w.Application.Startup[0].Wait }, dist.Constantly(2 * time.Second)},
		{inline, "application.startup={wait: 1s}|application.startup.threads=3", func(w *model.World) any { return w.Application.Startup[0].Threads }, 3},
		{inline, "faults[0].every=3d|faults[0].name=new", func(w *model.World) any { return w.Faults[0].Every }, dist.Constantly(3 * day)},
		{"testdata/list.json", "faults[0].every=3d", func(w *model.World) any { return w.Faults[0].Every }, dist.Constantly(3 * day)},
		{"testdata/list.json", "faults=", func(w *model.World) any { return w.Faults == nil }, true},
		{"testdata/list.json", "node.profile=quiet", func(w *model.World) any { return reflect.DeepEqual(w.Node, model.DefaultNode()) }, true},
		{"testdata/list.json", "node.kernelHz=1000", func(w *model.World) any { return w.Node.KernelHz }, 1000},
		{"testdata/list.json", "node.stalls[0].lasts=9s", func(w *model.World) any { return w.Node.Stalls[0].Lasts }, dist.Constantly(9 * time.Second)},
		{"testdata/list.json", "cluster.kubeProxy.minSyncPeriod=10s", func(w *model.World) any { return w.Cluster.MinSyncPeriod }, 10 * time.Second},
		{"testdata/list.json", "application.threads=2", func(w *model.World) any { return w.Application.Threads }, 2},
	}
	for _, test := range tests {
		w := load(t, test.file, strings.Split(test.overlays, "|")...)[0]
		if got := test.get(w.World); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: --set %s: got %v, want %v", test.file, test.overlays, got, test.want)
		}
	}
}

// A variant is the base with its own changes, which overrule those of the
// command line.
func TestVariants(t *testing.T) {
	w := load(t, "testdata/example.yaml", "livenessProbe.timeoutSeconds=9", "livenessProbe.periodSeconds=30")[0]
	limit := func(i int) int64 { return w.Variants[i].World.Container().CPULimitMilli }
	probe := func(i int) *model.Probe { return w.Variants[i].World.Container().Probes[model.Liveness] }
	if len(w.Variants) != 3 || w.Variants[0].Name != "half the CPU" || limit(0) != 125 || limit(1) != 250 || w.World.Container().CPULimitMilli != 250 {
		t.Errorf("CPU limits: %d, %d", limit(0), limit(1))
	}
	if probe(0).TimeoutSeconds != 9 || probe(1).TimeoutSeconds != 5 || probe(1).PeriodSeconds != 30 {
		t.Errorf("timeouts: %+v, %+v", probe(0), probe(1))
	}
	if got := w.Variants[2].World.Node; !reflect.DeepEqual(got, model.DefaultNode()) {
		t.Errorf("node replaced as a whole: %+v", got)
	}
}

func TestParsePath(t *testing.T) {
	tests := map[string][]step{
		"a":                               {{field: "a"}},
		"a.b.c":                           {{field: "a"}, {field: "b"}, {field: "c"}},
		"faults[0].every":                 {{field: "faults"}, {index: 0, element: true}, {field: "every"}},
		`a["p99.9"]`:                      {{field: "a"}, {field: "p99.9"}},
		"a[1][2]":                         {{field: "a"}, {index: 1, element: true}, {index: 2, element: true}},
		"":                                nil,
		".":                               nil,
		"a.":                              nil,
		"[0]":                             nil,
		"a[-1]":                           nil,
		"a[1":                             nil,
		"a]":                              nil,
		"a[0]b":                           nil,
		`a[""]`:                           nil,
		strings.Repeat("a.", 500):         nil,
		"a[99999999999999999999]":         nil,
		strings.Repeat("a.", 99) + "a[0]": nil,
	}
	for path, want := range tests {
		got, err := parsePath(path)
		if (err == nil) != (want != nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v, want %v", path, got, err, want)
		}
	}
}
