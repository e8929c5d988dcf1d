package sim_test

import (
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

// measurements are what was recorded from a real kubelet
// (testdata/kubelet/README.md).
type measurements struct {
	pods      []*measuredKubeletPod // by name
	contended []interval            // when unrelated work held the host, and while it was made up for
}

// measuredKubeletPod is one pod of the measurements.
type measuredKubeletPod struct {
	name      string
	spec      podSpec
	instances []*instance
}

// podSpec is the part of a recorded pod that the simulation needs.
type podSpec struct {
	GraceSeconds int64 `json:"terminationGracePeriodSeconds"`
	Containers   []struct {
		Args      []string
		Resources struct{ Limits, Requests struct{ CPU string } }
		Startup   *probeSpec `json:"startupProbe"`
		Readiness *probeSpec `json:"readinessProbe"`
		Liveness  *probeSpec `json:"livenessProbe"`
	}
}

// probeSpec is a probe as the Kubernetes API writes it.
type probeSpec struct {
	HTTPGet, TCPSocket *struct{}
	Exec               *struct{ Command []string }

	InitialDelaySeconds, PeriodSeconds, TimeoutSeconds, SuccessThreshold, FailureThreshold int32
}

// instance is one container of a pod. All times are wall-clock milliseconds.
type instance struct {
	start, listen, stopRequest, sigterm, sigkill, exit float64 // NaN: did not happen
	gap                                                float64 // from the exit of the one before, in ms
	attempts                                           []measuredAttempt
	bursts                                             []float64 // arrivals
}

// measuredAttempt is one attempt of a probe.
type measuredAttempt struct {
	probe     string
	start     float64 // wall-clock ms
	lasted    float64 // ms
	failed    bool
	contended bool
}

// interval is a stretch of wall-clock time in ms.
type interval struct{ from, to float64 }

// kubeletData returns the folder with the measurements: testdata/kubelet, or
// the one that PROBESIM_KUBELET_DATA names.
func kubeletData() string {
	if dir := os.Getenv("PROBESIM_KUBELET_DATA"); dir != "" {
		return dir
	}
	return filepath.Join("testdata", "kubelet")
}

// loadMeasurements reads a folder of measurements.
func loadMeasurements(t *testing.T, dir string) *measurements {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "pods.json"))
	if err != nil {
		t.Fatal(err)
	}
	specs := map[string]struct{ Spec podSpec }{}
	if err := json.Unmarshal(data, &specs); err != nil {
		t.Fatal(err)
	}
	for name, pod := range specs {
		if len(pod.Spec.Containers) == 0 {
			t.Errorf("pods.json: %s: no containers: left out", name)
			delete(specs, name)
		}
	}
	m := &measurements{}
	byName := map[string]*measuredKubeletPod{}
	for name, pod := range specs {
		byName[name] = &measuredKubeletPod{name: name, spec: pod.Spec}
		m.pods = append(m.pods, byName[name])
	}
	slices.SortFunc(m.pods, func(a, b *measuredKubeletPod) int { return cmp.Compare(a.name, b.name) })
	for _, r := range kubeletTable(t, dir, "lifecycle.csv") {
		p, start := byName[r["pod"]], r.ms("task_start_wall_ms")
		if p == nil || math.IsNaN(start) {
			continue
		}
		since := func(column string) float64 { return start + 1000*r.ms(column) }
		p.instances = append(p.instances, &instance{
			start: start, listen: since("listen_s"), stopRequest: since("stop_request_s"), sigterm: since("sigterm_sent_s"),
			sigkill: since("sigkill_sent_s"), exit: since("exit_s"), gap: 1000 * r.ms("gap_since_previous_exit_s"),
		})
	}
	for _, p := range m.pods {
		slices.SortFunc(p.instances, func(a, b *instance) int { return cmp.Compare(a.start, b.start) })
	}
	m.pods = slices.DeleteFunc(m.pods, func(p *measuredKubeletPod) bool { return len(p.instances) == 0 })
	m.readAttempts(t, dir, byName)
	for _, r := range kubeletTable(t, dir, "container_log.csv") {
		if i := byName[r["pod"]].at(r.ms("wall_ms")); i != nil && r["event"] == "burst" {
			i.bursts = append(i.bursts, r.ms("wall_ms"))
		}
	}
	m.endRunning()
	return m
}

// endRunning ends the containers that ran on when the recording ended, with the
// last that is known of their pod.
func (m *measurements) endRunning() {
	for _, p := range m.pods {
		for n, i := range p.instances {
			if !math.IsNaN(i.exit) {
				continue
			}
			i.exit = i.start
			for _, a := range i.attempts {
				i.exit = max(i.exit, a.start+a.lasted)
			}
			for _, b := range i.bursts {
				i.exit = max(i.exit, b)
			}
			if n+1 < len(p.instances) {
				i.exit = min(i.exit, p.instances[n+1].start)
			}
		}
	}
}

// readAttempts reads the attempts over TCP, and those of exec probes, which are
// recorded as the runtime saw them. A probe's command that also makes a
// connection counts once, as the command.
func (m *measurements) readAttempts(t *testing.T, dir string, pods map[string]*measuredKubeletPod) {
	var contended []float64
	for _, r := range kubeletTable(t, dir, "probes.csv") {
		at := r.ms("wall_ms")
		if r["host_contended"] != "0" {
			contended = append(contended, at)
		}
		if r["probe"] == "exec" || r["probe"] == "" {
			continue
		}
		i := pods[r["pod"]].at(at)
		if i == nil {
			continue
		}
		i.attempts = append(i.attempts, measuredAttempt{
			probe: r["probe"], start: at, lasted: r.ms("attempt_end_ms"), contended: r["host_contended"] != "0",
			failed: r["outcome"] != "ok",
		})
	}
	m.contended = stretches(contended)
	for _, r := range kubeletTable(t, dir, "exec.csv") {
		at, p := r.ms("added_wall_ms"), pods[r["pod"]]
		i := p.at(at)
		if i == nil || p.spec.Containers[0].Liveness == nil {
			continue
		}
		timeout := 1000 * float64(max(1, p.spec.Containers[0].Liveness.TimeoutSeconds))
		lasted := r.ms("exited_after_ms")
		i.attempts = append(i.attempts, measuredAttempt{
			probe: "liveness", start: at, lasted: lasted, contended: m.isContended(at), failed: r["exit_status"] != "0" || !(lasted < timeout),
		})
	}
}

// stretches joins instants that are less than half a minute apart.
func stretches(at []float64) []interval {
	slices.Sort(at)
	var all []interval
	for _, x := range at {
		if n := len(all); n > 0 && x-all[n-1].to < 30_000 {
			all[n-1].to = x
			continue
		}
		all = append(all, interval{x, x})
	}
	return all
}

func (m *measurements) isContended(at float64) bool {
	return slices.ContainsFunc(m.contended, func(s interval) bool { return s.from <= at && at <= s.to })
}

// uncontended returns how much of a stretch lies outside the contended ones.
func (m *measurements) uncontended(from, to float64) time.Duration {
	ms := to - from
	for _, s := range m.contended {
		ms -= max(0, min(to, s.to)-max(from, s.from))
	}
	return time.Duration(max(0, ms) * 1e6)
}

// at returns the container that ran at an instant, or was the latest to; nil of a
// pod that is not there or never ran.
func (p *measuredKubeletPod) at(wall float64) *instance {
	const early = 100 // ms by which a container can be seen before its start event
	if p == nil || len(p.instances) == 0 {
		return nil
	}
	for _, i := range slices.Backward(p.instances) {
		if wall >= i.start-early {
			return i
		}
	}
	return p.instances[0]
}

// kubeletTable reads a table, or its compressed form; nothing if the folder has
// neither.
func kubeletTable(t *testing.T, dir, name string) []row {
	t.Helper()
	var in io.Reader
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		name += ".gz"
		f, err = os.Open(filepath.Join(dir, name))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	in = f
	if strings.HasSuffix(name, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatalf("%s: %v", f.Name(), err)
		}
	}
	records, err := csv.NewReader(in).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", f.Name(), err)
	}
	if len(records) == 0 {
		return nil
	}
	var rows []row
	for _, record := range records[1:] {
		r := row{}
		for i, column := range records[0] {
			r[column] = record[i]
		}
		rows = append(rows, r)
	}
	return rows
}

// probes returns the probes of the container by kind.
func (s *podSpec) probes() [model.ProbeKinds]*probeSpec {
	c := &s.Containers[0]
	return [model.ProbeKinds]*probeSpec{model.Startup: c.Startup, model.Readiness: c.Readiness, model.Liveness: c.Liveness}
}
