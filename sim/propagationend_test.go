package sim_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

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
		if len(rows) == 0 {
			continue
		}
		w := measuredPod(func(w *model.World) {
			w.Container().PreStop.Lasts = c.preStop
			w.Container().PreStop.Handler = "sleep"
			w.Application.Shutdown = model.Shutdown{Wait: lognormalAfter(c.wait, 20*time.Millisecond, 35*time.Millisecond), ListenerAtExit: true}
			w.Events.Deletion = p.deletedAfter(rows)
		})
		var slice, exitToFinal []float64
		for _, events := range p.lives(w, 1000, 14*time.Second) {
			if e, _ := find(events, 0, station("status written", true)); e == nil || e.At > punctual {
				continue
			}
			deleted, i := find(events, 0, note("pod deleted"))
			updated, _ := find(events, i, station("endpoint slice updated", false))
			exit, j := find(events, i, kind(sim.EventExit))
			gone, _ := find(events, j, note("pod gone"))
			sample(&slice, deleted, updated, false)
			sample(&exitToFinal, exit, gone, false)
		}
		p.compare(c.kind+": DELETE to terminating in the slice", between(rows, "", "endpoint_terminating_ms"), slice)
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
	if len(after) == 0 { // without creation.csv: what its README says
		return &dist.Duration{Nanoseconds: dist.Uniform{Low: 1.77e9, High: 3.27e9}}
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

// fresh are the kinds of pods that were deleted while they were ready.
var fresh = map[string]bool{"exit_at_once": true, "exit_after_4s": true, "exit_after_4s_unready": true, "prestop3_exit_after_2s": true, "ignores_sigterm": true}

// waits is from where on a termination was held up by the pod's worker, which
// waited for a relist (K80); others begin within 20 ms (K79).
const waits = 60

// proxyFree is within how long a proxy begins that does not wait for minSyncPeriod (K72).
const proxyFree = 15 * time.Millisecond

// termination: from the DELETE call to SIGTERM, less preStop, of all kinds of
// pods that were ready at once. It comes at once or when the worker's wait for
// a relist is over, some 2 to 3 s after the start; a quantile can fall between
// the two, so each is compared on its own too.
func (p *propagation) termination() {
	late, created := p.latePods(), map[string]row{}
	for _, r := range p.table("creation.csv", nil) {
		created[r["rep"]+r["kind"]] = r
	}
	rows := p.table("deletion.csv", func(r row) bool { return fresh[r["kind"]] && !late[r["rep"]] })
	if len(rows) == 0 {
		return
	}
	var all, idle, waited []float64
	for _, r := range rows {
		d := r.ms("sigterm_ms")
		if r["kind"] == "prestop3_exit_after_2s" {
			d -= 3000
		}
		all = append(all, d)
		c := created[r["rep"]+r["kind"]]
		if d >= waits {
			if since := r.ms("delete_wall_ms") - c.ms("create_wall_ms") - c.ms("task_start_ms"); !math.IsNaN(since) {
				waited = append(waited, since+d)
			}
		} else {
			idle = append(idle, d)
		}
	}
	var allSimulated, idleSimulated, waitedSimulated, removed, rules, begun []float64
	w := measuredPod(func(w *model.World) {
		w.Replicas = 2
		w.Events.Deletion = p.deletedAfter(rows)
		sideBySide(w)
	})
	for _, events := range p.lives(w, 2000, 8*time.Second) {
		if e, _ := find(events, 0, station("status written", true)); e == nil || e.At > punctual {
			continue
		}
		start, _ := find(events, 0, kind(sim.EventStart))
		deleted, i := find(events, 0, note("pod deleted"))
		sigterm, _ := find(events, i, signal("SIGTERM"))
		gone, j := find(events, i, note("pod gone"))
		object, _ := find(events, j, note("pod object removed"))
		sample(&removed, gone, object, false)
		updated, j := find(events, i, station("endpoint slice updated", false))
		begins, _ := find(events, j, station("proxy applies rules", false))
		sample(&begun, updated, begins, false)
		if out, _ := find(events, j, kind(sim.EventEndpoint)); out != nil && begins.At-updated.At < proxyFree {
			sample(&rules, deleted, out, false)
		}
		sample(&allSimulated, deleted, sigterm, false)
		if d := sigterm.At - deleted.At; d >= waits*time.Millisecond {
			sample(&waitedSimulated, start, sigterm, false)
		} else {
			sample(&idleSimulated, deleted, sigterm, false)
		}
	}
	p.compare("all kinds: DELETE to SIGTERM, less preStop", all, allSimulated)
	p.compare("at once: DELETE to SIGTERM", idle, idleSimulated)
	p.compare("held up: start to SIGTERM", waited, waitedSimulated)
	p.share("held up by the wait for a relist", len(waited), len(all), len(waitedSimulated), len(allSimulated))
	free := func(r row) bool {
		return r["other_backend"] == "1" && r.ms("previous_rules_end_ms")+1000 < r.ms("endpoint_terminating_ms")
	}
	p.compare("DELETE to the rules' end (proxy free)", between(filter(rows, free), "", "rules_end_ms"), rules)
	p.compare("deletion: slice to the rules' start", between(rows, "endpoint_terminating_ms", "rules_start_ms"), begun)
	p.compare("final phase to the pod's removal", between(rows, "pod_phase_final_ms", "pod_removed_ms"), removed)
}

// The measured rollouts made a connection to the service every 5 ms, which the
// proxies spread over 4 pods; new ones follow new rules some 10 ms before their
// logged end (K72).
const (
	betweenConnections = 5 * time.Millisecond
	rolloutReplicas    = 4
	beforeRulesEnd     = 10 * time.Millisecond
)

// rollout: rolling updates of 4 replicas. A failed connection is taken for the
// time it stands for.
func (p *propagation) rollout() {
	var starts, startsSimulated []float64
	var windows, windowsSimulated []float64 // in which the proxies still list a pod that is gone
	for _, c := range []struct {
		name, suffix string
		preStop      time.Duration
	}{{"exit at once", "-now", 0}, {"preStop 1 s", "-pre1", time.Second}, {"preStop 3 s", "-pre3", 3 * time.Second}} {
		of := func(r row) bool { return strings.HasSuffix(r["deployment"], c.suffix) }
		var ready, term, dead, failed []float64
		total := time.Duration(0)
		for i, events := range p.lives(rolledOut(c.preStop), 1600, 30*time.Second) {
			old, successor := ofPod(events, 0), ofPod(events, 1)
			start, _ := find(successor, 0, kind(sim.EventStart))
			seen, _ := find(successor, 0, station("watchers see the pod", true))
			sigterm, j := find(old, 0, signal("SIGTERM"))
			exit, _ := find(old, j, kind(sim.EventExit))
			out, _ := find(old, 0, func(e *sim.Event) bool { return e.Kind == sim.EventEndpoint && !e.Ready })
			if exit == nil || out == nil {
				continue // the end of the run came first
			}
			sample(&ready, start, seen, false)
			sample(&term, seen, sigterm, false)
			sample(&dead, exit, out, false)
			total += max(0, out.At-exit.At-beforeRulesEnd)
			if (i+1)%rolloutReplicas == 0 {
				failed = append(failed, float64(total/rolloutReplicas)/1e6)
				total = 0
			}
		}
		rows := p.table("rollouts.csv", of)
		var failures []float64
		for _, n := range between(rows, "", "failed_connections") {
			failures = append(failures, n*float64(betweenConnections)/1e6)
		}
		name := "rollout, " + c.name + ": "
		starts = append(starts, p.rolloutSteps(of, "new", "task_start_ms", "new", "ready_event_ms")...)
		startsSimulated = append(startsSimulated, ready...)
		p.compare(name+"Ready to SIGTERM", p.rolloutSteps(of, "new", "ready_event_ms", "old", "sigterm_ms"), term)
		p.compareFew(name+"failures × 5 ms", failures, failed)
		for _, x := range p.rolloutSteps(of, "old", "exit_ms", "old", "rules_end_ms") {
			windows = append(windows, x+c.preStop.Seconds()*1e3)
		}
		for _, x := range dead {
			windowsSimulated = append(windowsSimulated, x+c.preStop.Seconds()*1e3)
		}
	}
	p.compare("rollouts: start to Ready", starts, startsSimulated)
	p.compare("rollouts: exit, less preStop, to the rules' end", windows, windowsSimulated)
}

// rolledOut is the world of the measured rollouts.
func rolledOut(preStop time.Duration) *model.World {
	return measuredPod(func(w *model.World) {
		w.Replicas = rolloutReplicas
		w.Container().PreStop = model.PreStop{Handler: "sleep", Lasts: preStop}
		w.Application.Shutdown = model.Shutdown{Wait: lognormal(11*time.Millisecond, 18*time.Millisecond), ListenerAtExit: true}
		at := dist.Duration{Nanoseconds: dist.Uniform{Low: 15e9, High: 16e9}}
		w.Events.Rollout = &at
	})
}

// ofPod returns the events of one pod of a life with a rollout.
func ofPod(events []sim.Event, pod int) []sim.Event {
	return slices.DeleteFunc(slices.Clone(events), func(e sim.Event) bool { return e.Pod != pod })
}

// rolloutSteps returns, for each replacement of a pod by another, the time from
// a column of the one to a column of the other, in ms.
func (p *propagation) rolloutSteps(of func(row) bool, from, fromColumn, to, toColumn string) []float64 {
	rows := p.table("rollout_pods.csv", of)
	var xs []float64
	for i := 0; i+1 < len(rows); i += 2 { // a new pod, and the old one deleted for it
		step := map[string]row{rows[i]["role"]: rows[i], rows[i+1]["role"]: rows[i+1]}
		if x := step[to].ms(toColumn) - step[from].ms(fromColumn); !math.IsNaN(x) {
			xs = append(xs, x)
		}
	}
	return xs
}

// kubeletRestart: from the new kubelet's start to each probe's first attempt,
// less what the period adds: the kubelet's own start and a uniform part of the
// period.
func (p *propagation) kubeletRestart() {
	byPeriod := map[int32][]row{}
	for _, r := range p.table("kubelet_restart_probes.csv", nil) {
		if period := r.ms("period_s"); period >= 1 && period == math.Trunc(period) {
			byPeriod[int32(period)] = append(byPeriod[int32(period)], r)
		}
	}
	for _, period := range slices.Sorted(maps.Keys(byPeriod)) {
		rows := byPeriod[period]
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
		for _, events := range p.lives(w, 1000, 35*time.Second+time.Duration(period)*time.Second) {
			restarts, i := find(events, 0, note("kubelet starts"))
			attempt, _ := find(events, i, func(e *sim.Event) bool { return e.Kind == sim.EventAttempt && e.Probe == model.Liveness })
			sample(&first, restarts, attempt, false)
		}
		p.compare(fmt.Sprintf("kubelet's start to first attempt, period %d s", period), measured, first)
	}
}
