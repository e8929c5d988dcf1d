package sim_test

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

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

// sideBySide makes it one of three pods whose lives were measured side by side: the
// other two, and what stood beside them, changed an endpoint about once a second (K72).
func sideBySide(w *model.World) { w.Cluster.OtherChangesPerSecond = 1 }

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
	busy := p.table("readiness.csv", func(r row) bool { return r["host_busy"] == "1" }) // hardly worse (K71)
	p.compare("busy host: attempt end to status PATCH", between(busy, "", "status_patch_received_ms"), patch)
	p.compare("busy host: attempt end to EndpointSlice", between(busy, "", "endpointslice_event_ms"), slice)
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

// onTime is how long after its container's start a pod is Ready whose trigger
// led to a good attempt; others are late by a sync or by a period (K74).
const onTime = 250

// creation: from a container's start to Ready in the API and the slice. Pods
// that are late follow the probe's period, which is 1 s or 10 s by the kind, so
// that a quantile can fall between the ways; those on time are compared on
// their own too.
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
		prompt := func(r row) bool { return r.ms("ready_event_ms")-r.ms("task_start_ms") <= onTime }
		var ready, slice, attempt [2][]float64 // of all pods, of those on time
		var rules []float64
		w := measuredPod(func(w *model.World) {
			w.Container().Probes[model.Readiness].PeriodSeconds = c.period
			sideBySide(w)
		})
		for _, events := range p.lives(w, 2000, 15*time.Second) {
			start, i := find(events, 0, kind(sim.EventStart))
			good, _ := find(events, i, func(e *sim.Event) bool {
				return e.Kind == sim.EventAttempt && e.Probe == model.Readiness && e.Outcome == kubelet.Success
			})
			written, j := find(events, i, station("status written", true))
			seen, _ := find(events, j, station("watchers see the pod", true))
			updated, j := find(events, j, station("endpoint slice updated", true))
			begun, _ := find(events, j, station("proxy applies rules", true))
			sample(&rules, updated, begun, false)
			for way := range ready {
				if good == nil || seen == nil || way == 1 && seen.At-start.At > onTime*time.Millisecond {
					continue
				}
				attempt[way] = append(attempt[way], float64(good.End-start.At)/1e6)
				sample(&ready[way], start, written, false)
				sample(&slice[way], start, updated, false)
			}
		}
		for way, of := range [][]row{rows, filter(rows, prompt)} {
			name := [...]string{"all pods, ", "on time, "}[way] + c.name + ": start to "
			p.compare(name+"good attempt", between(of, "task_start_ms", "first_good_readiness_attempt_end_ms"), attempt[way])
			p.compare(name+"Ready PATCH", between(of, "task_start_ms", "ready_patch_received_ms"), ready[way])
			p.compare(name+"slice", between(of, "task_start_ms", "endpoint_ready_ms"), slice[way])
		}
		p.compare("all pods, "+c.name+": slice to rules' start", between(rows, "endpoint_ready_ms", "rules_start_ms"), rules)
		p.share("late, "+c.name, len(rows)-len(filter(rows, prompt)), len(rows), len(ready[0])-len(ready[1]), len(ready[0]))
	}
	p.creationWithoutProbe()
}

// creationWithoutProbe: a container without a readiness probe is Ready as soon
// as it is seen to run, never late.
func (p *propagation) creationWithoutProbe() {
	rows := p.table("creation.csv", func(r row) bool { return r["kind"] == "crash_no_readiness_probe" })
	var ready, slice []float64
	w := measuredPod(func(w *model.World) { w.Container().Probes[model.Readiness] = nil })
	for _, events := range p.lives(w, 500, 5*time.Second) {
		start, i := find(events, 0, kind(sim.EventStart))
		written, j := find(events, i, station("status written", true))
		updated, _ := find(events, j, station("endpoint slice updated", true))
		sample(&ready, start, written, false)
		sample(&slice, start, updated, false)
	}
	p.compare("no readiness probe: start to Ready PATCH", between(rows, "task_start_ms", "ready_patch_received_ms"), ready)
	p.compare("no readiness probe: start to slice", between(rows, "task_start_ms", "endpoint_ready_ms"), slice)
}

// crash: from a process's exit to its successor being Ready.
func (p *propagation) crash() {
	rows := p.table("crash.csv", func(r row) bool { return r["kind"] == "crash" })
	w := measuredPod(func(w *model.World) {
		w.Container().Probes[model.Readiness].PeriodSeconds = 10
		w.Faults = []model.Fault{{Exits: true, Every: dist.Duration{Nanoseconds: dist.Uniform{Low: 13e9, High: 14e9}}}}
		sideBySide(w)
	})
	var patch, slice, restart, again, listed []float64
	lives, learnt := 0, 0
	for _, events := range p.lives(w, 1000, 40*time.Second) {
		exit, i := find(events, 0, kind(sim.EventExit))
		written, j := find(events, i, station("status written", false))
		updated, _ := find(events, j, station("endpoint slice updated", false))
		start, k := find(events, i, kind(sim.EventStart))
		ready, _ := find(events, k, station("watchers see the pod", true))
		sample(&patch, exit, written, false)
		sample(&slice, exit, updated, false)
		sample(&restart, exit, start, false)
		back, _ := find(events, k, station("endpoint slice updated", true))
		sample(&again, start, ready, false)
		sample(&listed, start, back, false)
		if begun, _ := find(events, i, station("proxy applies rules", false)); begun != nil && back != nil && begun.At < back.At {
			learnt++
		}
		lives++
	}
	p.compare("crash: exit to status PATCH", between(rows, "", "status_patch_received_ms"), patch)
	p.compare("crash: exit to EndpointSlice", between(rows, "", "endpoint_notready_ms"), slice)
	p.compare("crash: exit to restart", between(rows, "", "restart_ms"), restart)
	p.compare("crash: restart to Ready", between(rows, "restart_ms", "pod_ready_again_ms"), again)
	p.share("crash: the proxies learn of it", len(filter(rows, func(r row) bool { return r.ms("rules_start_ms") < r.ms("endpoint_ready_again_ms") })), len(rows), learnt, lives)
	p.compare("crash: restart to ready in the slice", between(rows, "restart_ms", "endpoint_ready_again_ms"), listed)
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
	var term, restart, slice, again []float64
	for _, events := range p.lives(w, 400, 28*time.Second) {
		kill, i := find(events, 0, kind(sim.EventKill))
		sigterm, i := find(events, i, signal("SIGTERM"))
		exit, i := find(events, i, kind(sim.EventExit))
		start, i := find(events, i, kind(sim.EventStart))
		updated, _ := find(events, i, station("endpoint slice updated", false))
		back, _ := find(events, i, station("endpoint slice updated", true))
		sample(&again, start, back, false)
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
	p.compare("liveness kill: restart to ready in the slice", between(rows, "restart_ms", "endpoint_ready_again_ms"), again)
}
