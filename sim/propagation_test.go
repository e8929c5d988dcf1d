package sim_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

// TestPropagation compares the way of readiness to the proxies, and lives of
// pods around it, with what was measured on a complete cluster
// (testdata/propagation/README.md). PROBESIM_PROPAGATION_DATA names another
// directory of such measurements. A distribution is within bounds if the
// simulated median is within 20 % or 10 ms of the measured one, and the 90 %
// quantile within 30 % or 30 ms.
func TestPropagation(t *testing.T) {
	dir := os.Getenv("PROBESIM_PROPAGATION_DATA")
	if dir == "" {
		dir = "testdata/propagation"
	}
	p := propagation{t: t, dir: dir}
	p.readiness()
	p.creation()
	p.crash()
	p.livenessKill()
	p.deletion()
	p.kubeletRestart()
	t.Logf("%d of %d distributions within bounds", p.within, p.compared)
	// Where two ways lead to very different times (a trigger wasted or not, a
	// worker that waits for a relist or not) a quantile can fall between them,
	// and small samples jump; the rest has to be within bounds.
	if p.compared == 0 || p.within*10 < p.compared*8 {
		t.Errorf("want at least eight in ten")
	}
}

type propagation struct {
	t                *testing.T
	dir              string
	within, compared int
}

// row is one row of a table of measurements; missing numbers are NaN.
type row map[string]string

func (r row) ms(column string) float64 {
	x, err := strconv.ParseFloat(r[column], 64)
	if err != nil {
		return math.NaN()
	}
	return x
}

// table reads a table and returns the rows that pass.
func (p *propagation) table(name string, pass func(row) bool) []row {
	p.t.Helper()
	f, err := os.Open(filepath.Join(p.dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		p.t.Fatal(err)
	}
	var rows []row
	for _, record := range records[1:] {
		r := row{}
		for i, column := range records[0] {
			r[column] = record[i]
		}
		if pass == nil || pass(r) {
			rows = append(rows, r)
		}
	}
	return rows
}

// between returns the differences of two columns, in ms; an empty from is the
// rows' reference.
func between(rows []row, from, to string) []float64 {
	var xs []float64
	for _, r := range rows {
		x := r.ms(to)
		if from != "" {
			x -= r.ms(from)
		}
		if !math.IsNaN(x) {
			xs = append(xs, x)
		}
	}
	return xs
}

// compare holds a simulated distribution against a measured one, both in ms.
func (p *propagation) compare(name string, measured, simulated []float64) {
	p.t.Helper()
	if len(measured) < 10 {
		return // too few to speak of a 90 % quantile
	}
	if len(simulated) == 0 {
		p.compared++
		p.t.Logf("%-44s nothing simulated", name)
		return
	}
	m50, m90 := quantileMS(measured, .5), quantileMS(measured, .9)
	s50, s90 := quantileMS(simulated, .5), quantileMS(simulated, .9)
	p.compared++
	verdict := "OUT"
	if apart(s50, m50) <= math.Max(.2*math.Abs(m50), 10) && apart(s90, m90) <= math.Max(.3*math.Abs(m90), 30) {
		p.within++
		verdict = "ok"
	}
	p.t.Logf("%-44s n=%4d  p50 %7.1f / %7.1f   p90 %7.1f / %7.1f ms  %s", name, len(measured), m50, s50, m90, s90, verdict)
}

func apart(a, b float64) float64 { return math.Abs(a - b) }

func quantileMS(xs []float64, p float64) float64 {
	xs = slices.Clone(xs)
	slices.Sort(xs)
	return xs[min(len(xs)-1, int(p*float64(len(xs))))]
}

// find returns the first event from index i on that passes, and its index, or
// nil.
func find(events []sim.Event, i int, pass func(*sim.Event) bool) (*sim.Event, int) {
	for ; i < len(events); i++ {
		if pass(&events[i]) {
			return &events[i], i
		}
	}
	return nil, i
}

func station(name string, ready bool) func(*sim.Event) bool {
	return func(e *sim.Event) bool { return e.Kind == sim.EventStation && e.Text == name && e.Ready == ready }
}

func kind(k sim.EventKind) func(*sim.Event) bool {
	return func(e *sim.Event) bool { return e.Kind == k }
}

func note(text string) func(*sim.Event) bool {
	return func(e *sim.Event) bool { return e.Kind == sim.EventNote && e.Text == text }
}

func signal(name string) func(*sim.Event) bool {
	return func(e *sim.Event) bool { return e.Kind == sim.EventSignal && e.Text == name }
}

// sample collects a difference in ms if both events were found.
func sample(xs *[]float64, from, to *sim.Event, end bool) {
	if from == nil || to == nil {
		return
	}
	reference := from.At
	if end {
		reference = from.End
	}
	*xs = append(*xs, float64(to.At-reference)/1e6)
}

// lives returns the traces of n lives of a world.
func (p *propagation) lives(w *model.World, n int, horizon time.Duration) [][]sim.Event {
	p.t.Helper()
	s, err := sim.New(w)
	if err != nil {
		p.t.Fatal(err)
	}
	traces := make([][]sim.Event, n)
	for i := range traces {
		var trace sim.Trace
		s.Run(sim.Life{Seed: 11, Replication: uint64(i), Horizon: horizon, Trace: &trace})
		traces[i] = trace.Events
	}
	return traces
}

// measuredPod is the pod of the measurements: a small server that listens some
// ms after its start.
func measuredPod(change func(w *model.World)) *model.World {
	return world(func(w *model.World) {
		w.Pod.TerminationGracePeriodSeconds = 10
		c := w.Container()
		for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
			c.Probes[k].PeriodSeconds = 1
		}
		w.Application.Startup = []model.Stage{{Wait: lognormal(3200*time.Microsecond, 9200*time.Microsecond)}}
		if change != nil {
			change(w)
		}
	}, model.Readiness, model.Liveness)
}

func lognormal(p50, p90 time.Duration) dist.Duration {
	d, err := dist.FromQuantiles2(.5, float64(p50), .9, float64(p90))
	if err != nil {
		panic(err)
	}
	return dist.Duration{Nanoseconds: d}
}

// readiness: from the end of the deciding attempt to the rules, with a probe
// whose answer changes every 1.6 to 3.2 s.
func (p *propagation) readiness() {
	rows := p.table("readiness.csv", func(r row) bool { return r["host_busy"] == "0" })
	w := measuredPod(func(w *model.World) {
		c := w.Container()
		c.Probes[model.Liveness] = nil
		c.Probes[model.Readiness].FailureThreshold = 1
		spell := dist.Duration{Nanoseconds: dist.Uniform{Low: 4.8e9, High: 9.6e9}}
		w.Application.Probes[model.Readiness].Failing = &model.OnOff{Every: spell, Lasts: spell}
	})
	var patch, slice, rules, apply []float64
	for _, events := range p.lives(w, 20, 5*time.Minute) {
		for i := range events {
			e := &events[i]
			if e.Kind != sim.EventReady || e.At < 10*time.Second {
				continue
			}
			written, j := find(events, i, station("status written", e.Ready))
			updated, j := find(events, j, station("endpoint slice updated", e.Ready))
			begun, j := find(events, j, station("proxy applies rules", e.Ready))
			routed, _ := find(events, j, kind(sim.EventEndpoint))
			sample(&patch, e, written, false)
			sample(&slice, e, updated, false)
			sample(&rules, updated, begun, false)
			sample(&apply, begun, routed, false)
		}
	}
	isolated := func(r row) bool { return r.ms("previous_rules_end_ms")+1000 < r.ms("endpointslice_event_ms") }
	p.compare("attempt end to status PATCH", between(rows, "", "status_patch_received_ms"), patch)
	p.compare("attempt end to EndpointSlice", between(rows, "", "endpointslice_event_ms"), slice)
	p.compare("EndpointSlice to rules' start (isolated)", between(filter(rows, isolated), "endpointslice_event_ms", "rules_start_ms"), rules)
	p.compare("application of rules", between(rows, "rules_start_ms", "rules_end_ms"), apply)
}

func filter(rows []row, pass func(row) bool) []row {
	var passed []row
	for _, r := range rows {
		if pass(r) {
			passed = append(passed, r)
		}
	}
	return passed
}

// creation: from a container's start to Ready in the API and the slice. The
// late ones (K74) follow the probe's period, which is 1 s or 10 s by the kind.
func (p *propagation) creation() {
	for _, c := range []struct {
		name   string
		period int32
		slow   bool
	}{{"period 1 s", 1, false}, {"period 10 s", 10, true}} {
		rows := p.table("creation.csv", func(r row) bool {
			slow := r["kind"] == "crash" || r["kind"] == "liveness_kill"
			return r["kind"] != "crash_no_readiness_probe" && slow == c.slow
		})
		var ready, slice, attempt []float64
		w := measuredPod(func(w *model.World) { w.Container().Probes[model.Readiness].PeriodSeconds = c.period })
		for _, events := range p.lives(w, 1000, 15*time.Second) {
			start, i := find(events, 0, kind(sim.EventStart))
			good, _ := find(events, i, func(e *sim.Event) bool {
				return e.Kind == sim.EventAttempt && e.Probe == model.Readiness && e.Outcome == kubelet.Success
			})
			written, j := find(events, i, station("status written", true))
			updated, _ := find(events, j, station("endpoint slice updated", true))
			if good != nil {
				attempt = append(attempt, float64(good.End-start.At)/1e6)
			}
			sample(&ready, start, written, false)
			sample(&slice, start, updated, false)
		}
		name := "start to "
		p.compare(name+"good readiness attempt, "+c.name, between(rows, "task_start_ms", "first_good_readiness_attempt_end_ms"), attempt)
		p.compare(name+"Ready PATCH, "+c.name, between(rows, "task_start_ms", "ready_patch_received_ms"), ready)
		p.compare(name+"ready in the slice, "+c.name, between(rows, "task_start_ms", "endpoint_ready_ms"), slice)
	}
}

// crash: from a process's exit to its successor being Ready.
func (p *propagation) crash() {
	rows := p.table("crash.csv", func(r row) bool { return r["kind"] == "crash" })
	w := measuredPod(func(w *model.World) {
		w.Container().Probes[model.Readiness].PeriodSeconds = 10
		w.Faults = []model.Fault{{Exits: true, Every: dist.Duration{Nanoseconds: dist.Uniform{Low: 13e9, High: 14e9}}}}
	})
	var patch, slice, restart, again []float64
	for _, events := range p.lives(w, 1000, 40*time.Second) {
		exit, i := find(events, 0, kind(sim.EventExit))
		written, j := find(events, i, station("status written", false))
		updated, _ := find(events, j, station("endpoint slice updated", false))
		start, k := find(events, i, kind(sim.EventStart))
		ready, _ := find(events, k, station("watchers see the pod", true))
		sample(&patch, exit, written, false)
		sample(&slice, exit, updated, false)
		sample(&restart, exit, start, false)
		sample(&again, start, ready, false)
	}
	p.compare("crash: exit to status PATCH", between(rows, "", "status_patch_received_ms"), patch)
	p.compare("crash: exit to EndpointSlice", between(rows, "", "endpoint_notready_ms"), slice)
	p.compare("crash: exit to restart", between(rows, "", "restart_ms"), restart)
	p.compare("crash: restart to Ready", between(rows, "restart_ms", "pod_ready_again_ms"), again)
}

// livenessKill: from the deciding attempt to the slice being ready again; the
// process exits 3 s after SIGTERM.
func (p *propagation) livenessKill() {
	rows := p.table("liveness_kill.csv", nil)
	w := measuredPod(func(w *model.World) {
		c := w.Container()
		c.Probes[model.Readiness].PeriodSeconds = 10
		c.Probes[model.Liveness].FailureThreshold = 2
		w.Application.Shutdown = model.Shutdown{Wait: dist.Constantly(3 * time.Second), ListenerAtExit: true}
		w.Faults = []model.Fault{{Planned: true, After: 13 * time.Second, Lasts: dist.Constantly(2 * time.Second),
			Answers: model.FaultFailure, Probes: [model.ProbeKinds]bool{model.Liveness: true}}}
	})
	var term, restart, slice []float64
	for _, events := range p.lives(w, 400, 28*time.Second) {
		kill, i := find(events, 0, kind(sim.EventKill))
		sigterm, i := find(events, i, signal("SIGTERM"))
		exit, i := find(events, i, kind(sim.EventExit))
		start, i := find(events, i, kind(sim.EventStart))
		updated, _ := find(events, i, station("endpoint slice updated", false))
		sample(&term, kill, sigterm, false)
		sample(&restart, exit, start, false)
		sample(&slice, start, updated, false)
	}
	measured := between(rows, "", "deciding_attempt_end_ms")
	for i := range measured {
		measured[i] = -measured[i]
	}
	p.compare("liveness kill: deciding attempt to SIGTERM", measured, term)
	p.compare("liveness kill: exit to restart", between(rows, "process_exit_ms", "restart_ms"), restart)
	p.compare("liveness kill: restart to unready in the slice", between(rows, "restart_ms", "endpoint_notready_ms"), slice)
}

// deletion: from the DELETE call, 1.5 to 3 s after Ready, of pods that were
// Ready at once.
func (p *propagation) deletion() {
	for _, c := range []struct {
		kind    string
		preStop time.Duration
		wait    time.Duration
	}{{"exit_at_once", 0, 0}, {"exit_after_4s", 0, 4 * time.Second}, {"prestop3_exit_after_2s", 3 * time.Second, 2 * time.Second}} {
		late := p.latePods()
		rows := p.table("deletion.csv", func(r row) bool { return r["kind"] == c.kind && !late[r["rep"]] })
		w := measuredPod(func(w *model.World) {
			w.Container().PreStop.Lasts = c.preStop
			w.Container().PreStop.Handler = "sleep"
			w.Application.Shutdown = model.Shutdown{Wait: lognormalAfter(c.wait, 20*time.Millisecond, 35*time.Millisecond), ListenerAtExit: true}
			w.Events.Deletion = p.deletedAfter(rows)
		})
		var slice, term, exitToFinal []float64
		for _, events := range p.lives(w, 1000, 14*time.Second) {
			if e, _ := find(events, 0, station("status written", true)); e.At > punctual {
				continue
			}
			deleted, i := find(events, 0, note("pod deleted"))
			updated, _ := find(events, i, station("endpoint slice updated", false))
			sigterm, j := find(events, i, signal("SIGTERM"))
			exit, j := find(events, j, kind(sim.EventExit))
			gone, _ := find(events, j, note("pod gone"))
			sample(&slice, deleted, updated, false)
			sample(&term, deleted, sigterm, false)
			sample(&exitToFinal, exit, gone, false)
		}
		p.compare(c.kind+": DELETE to terminating in the slice", between(rows, "", "endpoint_terminating_ms"), slice)
		p.compare(c.kind+": DELETE to SIGTERM", between(rows, "", "sigterm_ms"), term)
		p.compare(c.kind+": exit to final phase", between(rows, "exit_ms", "pod_phase_final_ms"), exitToFinal)
	}
}

// punctual is when a pod whose trigger led to a good first attempt is Ready at
// the latest, from its creation.
const punctual = 500 * time.Millisecond

// latePods returns the repetitions in which a pod was Ready late (K74): when
// they were deleted, their worker was in another state.
func (p *propagation) latePods() map[string]bool {
	late := map[string]bool{}
	for _, r := range p.table("creation.csv", nil) {
		late[r["rep"]] = late[r["rep"]] || r.ms("ready_event_ms")-r.ms("task_start_ms") > 250
	}
	return late
}

// deletedAfter returns when the pods of the given rows were deleted: some time
// after they were seen Ready, which a pod of the simulation is 0.27 s after its
// creation unless K74 comes in its way.
func (p *propagation) deletedAfter(rows []row) *dist.Duration {
	ready := map[string]float64{}
	for _, r := range p.table("creation.csv", nil) {
		ready[r["rep"]+r["kind"]] = r.ms("create_wall_ms") + r.ms("ready_event_ms")
	}
	var after []float64
	for _, r := range rows {
		if d := r.ms("delete_wall_ms") - ready[r["rep"]+r["kind"]]; d > 0 && d < 10_000 {
			after = append(after, (d+270)*1e6)
		}
	}
	samples, err := dist.NewSamples(after)
	if err != nil {
		p.t.Fatal(err)
	}
	return &dist.Duration{Nanoseconds: samples}
}

// lognormalAfter returns a delay plus what a signal takes to be seen and acted
// on.
func lognormalAfter(d, p50, p90 time.Duration) dist.Duration {
	return dist.Duration{Nanoseconds: dist.Shift{By: float64(d), Of: lognormal(p50, p90).Nanoseconds}}
}

// kubeletRestart: from the new kubelet's start to each probe's first attempt,
// less what the period adds: the kubelet's own start and a uniform part of the
// period.
func (p *propagation) kubeletRestart() {
	for _, period := range []int32{2, 5, 6, 10} {
		rows := p.table("kubelet_restart_probes.csv", func(r row) bool { return r["period_s"] == fmt.Sprint(period) })
		measured := between(rows, "", "first_attempt_s")
		for i := range measured {
			measured[i] *= 1000
		}
		var first []float64
		w := measuredPod(func(w *model.World) {
			w.Container().Probes[model.Liveness].PeriodSeconds = period
			d := dist.Constantly(30 * time.Second)
			w.Events.KubeletRestart = &d
		})
		for _, events := range p.lives(w, 1000, 45*time.Second) {
			restarts, i := find(events, 0, note("kubelet starts"))
			attempt, _ := find(events, i, func(e *sim.Event) bool { return e.Kind == sim.EventAttempt && e.Probe == model.Liveness })
			sample(&first, restarts, attempt, false)
		}
		p.compare(fmt.Sprintf("kubelet's start to first attempt, period %d s", period), measured, first)
	}
}
