package plots

import (
	"fmt"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

// lanes is what a timeline shows of a trace: per lane the stretches of time
// with what held in them, cut to the window.
type lanes struct {
	from, to  time.Duration
	states    []band
	cpu       [cpuLanes][]band // empty: not traced
	probes    [model.ProbeKinds][]attempt
	runs      [model.ProbeKinds][]run
	held      [model.ProbeKinds][]band // a process runs and the worker waits for the startup probe, or initialDelaySeconds
	ready     []band
	endpoint  []band
	deadly    []band // in the endpoints while nothing can answer
	incidents []incident
}

// band is a stretch of time in which something held.
type band struct {
	from, to time.Duration
	value    string
}

// attempt is one run of a probe.
type attempt struct {
	from, to time.Duration
	outcome  kubelet.Outcome
	run      int // consecutive equal outcomes with this one
}

// run is a stretch in which a worker counted so many failures in a row.
type run struct {
	from, to time.Duration
	failures int
}

// incident is what concerns the whole container at one instant.
type incident struct {
	at       time.Duration
	text     string
	kind     incidentKind
	probe    model.ProbeKind // that killed
	failures string          // that led to the kill
	isFalse  bool            // a kill of a process that was not hung
}

type incidentKind uint8

const (
	killed incidentKind = iota
	exited
	restarted
	hanged
)

// The words of the lanes, which are also the values in the CSV.
const (
	wordReady   = "ready"
	wordIn      = "in endpoints"
	wordDead    = "dead traffic"
	wordHeld    = "waits for the startup probe"
	wordDelayed = "initial delay"
)

// readLanes follows the trace's events of the studied container from the
// beginning, so that what held before the window is known inside it.
func readLanes(trace *sim.Trace, from, to time.Duration) lanes {
	r := laneReader{lanes: lanes{from: from, to: to}, studied: -1}
	if trace.World != nil {
		r.studied, r.container = trace.World.Studied, trace.World.Container()
	}
	events := followed(trace.Events)
	for i := range events {
		event := &events[i]
		if event.At <= to && (event.Container == r.studied || event.Container < 0) {
			r.read(event)
		}
	}
	r.finish(trace)
	return r.lanes
}

// laneReader holds what is true at the current event.
type laneReader struct {
	lanes
	studied   int
	container *model.Container // nil: the trace is of no world

	state      sim.TrueState
	known      bool // an event has told the state
	stateSince time.Duration
	isReady    bool
	readySince time.Duration
	isIn       bool
	inSince    time.Duration
	runOf      [model.ProbeKinds]run
	timeouts   [model.ProbeKinds]int // in a row
	startedAt  time.Duration
	running    bool
	passed     bool // the startup probe of this process
}

func (r *laneReader) read(e *sim.Event) {
	switch e.Kind {
	case sim.EventState:
		r.changeState(e.At, e.State)
	case sim.EventReady:
		if e.Ready != r.isReady {
			r.ready = r.cut(r.ready, r.readySince, e.At, readyWord(r.isReady))
			r.isReady, r.readySince = e.Ready, e.At
		}
	case sim.EventEndpoint:
		if e.Ready != r.isIn {
			r.endpoint = r.cut(r.endpoint, r.inSince, e.At, inWord(r.isIn))
			r.isIn, r.inSince = e.Ready, e.At
		}
	case sim.EventStall:
		r.stall(e)
	case sim.EventCPU:
		r.work(e)
	case sim.EventAttempt:
		r.attempt(e)
	case sim.EventResult:
		if e.Probe == model.Startup && e.Value == kubelet.ResultSuccess {
			r.pass(e.At)
		}
	case sim.EventKill:
		r.kill(e)
	case sim.EventExit:
		if r.running && r.state != sim.Terminating {
			r.happen(incident{at: e.At, kind: exited, text: fmt.Sprintf("exits with %d", e.Code)})
		}
		r.endDelays(e.At)
		r.running = false
	case sim.EventStart:
		r.start(e)
	}
}

func (r *laneReader) changeState(at time.Duration, state sim.TrueState) {
	if state == r.state && r.known {
		return
	}
	r.endState(at)
	r.state, r.stateSince, r.known = state, at, true
	if state == sim.Hung {
		r.happen(incident{at: at, kind: hanged, text: "hangs"})
	}
}

// endState closes the stretch of the state so far. What was before the first
// process is not told, and not shown.
func (r *laneReader) endState(at time.Duration) {
	if r.known {
		r.states = r.cut(r.states, r.stateSince, at, r.state.String())
	}
}

func (r *laneReader) start(e *sim.Event) {
	r.running, r.startedAt, r.passed = true, e.At, false
	r.endRun(model.Startup, e.At, 0)
	r.endRun(model.Liveness, e.At, 0) // a readiness worker counts on into the new container
	if e.Incarnation > 0 {
		r.happen(incident{at: e.At, kind: restarted, text: fmt.Sprintf("restart %d", e.Incarnation)})
	}
}

// pass ends the time in which readiness and liveness wait for the startup
// probe (K10).
func (r *laneReader) pass(at time.Duration) {
	if r.passed || !r.running {
		return
	}
	r.passed = true
	for _, kind := range []model.ProbeKind{model.Readiness, model.Liveness} {
		r.held[kind] = r.cut(r.held[kind], r.startedAt, at, wordHeld)
	}
}

func (r *laneReader) attempt(e *sim.Event) {
	end := max(e.End, e.At)
	if end >= r.from {
		r.probes[e.Probe] = append(r.probes[e.Probe], attempt{e.At, end, e.Outcome, e.Run})
	}
	switch {
	case e.Outcome.Failed():
		// The attempt that reaches the threshold puts the worker on hold and
		// its count back to 0 (K25), so it is counted on from the one before.
		failures := max(e.Run, 1)
		if e.Run == 0 {
			failures = r.runOf[e.Probe].failures + 1
		}
		r.timeouts[e.Probe]++
		if e.Outcome != kubelet.Timeout {
			r.timeouts[e.Probe] = 0
		}
		r.endRun(e.Probe, end, failures)
	case e.Outcome == kubelet.Success:
		r.timeouts[e.Probe] = 0
		r.endRun(e.Probe, end, 0)
	}
}

// endRun notes the failures in a row counted so far and begins another count.
func (r *laneReader) endRun(kind model.ProbeKind, at time.Duration, failures int) {
	was := r.runOf[kind]
	at = max(at, was.from)
	if was.failures > 0 && at > was.from && at >= r.from {
		r.runs[kind] = append(r.runs[kind], run{max(was.from, r.from), min(at, r.to), was.failures})
	}
	r.runOf[kind] = run{from: at, failures: failures}
}

func (r *laneReader) happen(i incident) {
	if i.at >= r.from && i.at <= r.to {
		r.incidents = append(r.incidents, i)
	}
}

// kill notes a kill and whether it was false: a liveness verdict on a process
// that is not hung (design, section 2). Whether a startup that was cut off would
// have completed is not in the trace, so a startup kill is called neither.
func (r *laneReader) kill(e *sim.Event) {
	n := max(r.runOf[e.Probe].failures, 1)
	failures := plural(n, "failure")
	if r.timeouts[e.Probe] >= n {
		failures = plural(n, "timeout")
	}
	if n > 1 {
		failures += " in a row"
	}
	i := incident{at: e.At, kind: killed, probe: e.Probe, failures: failures}
	i.isFalse = e.Probe == model.Liveness && (r.state == sim.Serving || r.state == sim.Stalled || r.state == sim.Starting)
	i.text = fmt.Sprintf("killed by %s: %s", e.Probe, failures)
	if i.isFalse {
		i.text = fmt.Sprintf("false kill by %s: %s", e.Probe, failures)
	}
	r.happen(i)
}

// cut appends the part of a stretch that lies in the window.
func (r *laneReader) cut(bands []band, from, to time.Duration, value string) []band {
	from, to = max(from, r.from), min(to, r.to)
	if value == "" || to <= from {
		return bands
	}
	return append(bands, band{from, to, value})
}

// finish closes what is still open at the window's end, or at the end of the
// life if that comes first.
func (r *laneReader) finish(trace *sim.Trace) {
	end := r.to
	if trace.Horizon > 0 {
		end = min(end, trace.Horizon)
	}
	if len(trace.Events) == 0 {
		return
	}
	r.endState(end)
	r.ready = r.cut(r.ready, r.readySince, end, readyWord(r.isReady))
	r.endpoint = r.cut(r.endpoint, r.inSince, end, inWord(r.isIn))
	for kind := range r.runOf {
		r.endRun(model.ProbeKind(kind), end, 0)
	}
	r.endDelays(end)
	if r.running && r.container != nil && r.container.Probes[model.Startup] != nil {
		r.pass(end)
	}
	for lane := range r.cpu {
		r.cpu[lane] = joined(r.cpu[lane])
	}
	r.findDeadTraffic(trace)
}

// endDelays notes for how long the process that runs was left alone at its
// start by probes with an initial delay (K8). A probe that waits for the startup
// probe has mostly waited long enough by then.
func (r *laneReader) endDelays(at time.Duration) {
	if !r.running || r.container == nil {
		return
	}
	for kind, probe := range r.container.Probes {
		gated := r.container.Probes[model.Startup] != nil && model.ProbeKind(kind) != model.Startup
		if probe != nil && !gated {
			r.held[kind] = r.cut(r.held[kind], r.startedAt, min(at, r.startedAt+probe.InitialDelay()), wordDelayed)
		}
	}
}

// findDeadTraffic finds the stretches in which proxies send requests to a
// process that cannot answer them: hung, down, starting, or terminating with the
// listener closed (design: dead traffic).
func (r *laneReader) findDeadTraffic(trace *sim.Trace) {
	dead := []string{sim.Hung.String(), sim.Down.String(), sim.Starting.String()}
	if trace.World != nil && !trace.World.Application.Shutdown.ListenerAtExit {
		dead = append(dead, sim.Terminating.String())
	}
	for _, in := range r.endpoint {
		for _, state := range r.states {
			if !slices.Contains(dead, state.value) {
				continue
			}
			from, to := max(in.from, state.from), min(in.to, state.to)
			if last := len(r.deadly) - 1; last >= 0 && r.deadly[last].to == from && to > from {
				r.deadly[last].to = to
				continue
			}
			r.deadly = r.cut(r.deadly, from, to, wordDead)
		}
	}
}

func readyWord(ready bool) string {
	if ready {
		return wordReady
	}
	return ""
}

func inWord(in bool) string {
	if in {
		return wordIn
	}
	return ""
}
