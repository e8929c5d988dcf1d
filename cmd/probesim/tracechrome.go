package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
)

// chromeTrace is a trace in the JSON object form of the Trace Event Format that
// chrome://tracing and Perfetto read. A process of it is the pod or one of its
// containers, a thread one lane.
type chromeTrace struct {
	TraceEvents     []chromeEvent `json:"traceEvents"`
	DisplayTimeUnit string        `json:"displayTimeUnit"`
	OtherData       chromeSource  `json:"otherData"`
}

// chromeSource says which life is shown.
type chromeSource struct {
	Scenario    string `json:"scenario"`
	Seed        uint64 `json:"seed"`
	Replication uint64 `json:"replication"`
}

// chromeEvent is one record: ph "X" a stretch from ts for dur, "i" an instant,
// "M" the name of a process or thread. Times are microseconds.
type chromeEvent struct {
	Name     string      `json:"name"`
	Phase    string      `json:"ph"`
	Category string      `json:"cat,omitempty"`
	TS       float64     `json:"ts"`
	Duration *float64    `json:"dur,omitempty"`
	PID      int         `json:"pid"`
	TID      int         `json:"tid"`
	Scope    string      `json:"s,omitempty"` // of an instant: "t", its thread
	Args     *chromeArgs `json:"args,omitempty"`
}

type chromeArgs struct {
	Name     string `json:"name,omitempty"`
	What     string `json:"what,omitempty"`
	Rule     string `json:"rule,omitempty"`
	Why      string `json:"why,omitempty"`
	Restarts *int   `json:"restarts,omitempty"`
}

// The lanes of a container; a probe's is laneProbe plus its kind. What keeps
// the process from running has a lane for each cause from laneStall on, since
// such stretches may overlap.
const (
	laneState = iota + 1
	laneKubelet
	laneProbe
	laneStall = laneProbe + model.ProbeKinds
)

// The lanes of the pod.
const (
	laneReady = iota + 1
	laneEndpoint
	laneStations
	lanePod
)

// chromeWriter turns events into records.
type chromeWriter struct {
	*traceView
	out    chromeTrace
	stalls []string // causes, in the order of their lanes
}

// writeChrome writes the trace in the Trace Event Format.
func (v *traceView) writeChrome(w io.Writer) error {
	c := chromeWriter{traceView: v}
	c.out = chromeTrace{DisplayTimeUnit: "ms", OtherData: chromeSource{v.trace.World.Name, v.trace.Seed, v.trace.Replication}}
	c.stretches()
	for _, l := range v.lines() {
		c.add(&l)
	}
	slices.SortStableFunc(c.out.TraceEvents, func(a, b chromeEvent) int {
		switch {
		case a.TS < b.TS:
			return -1
		case a.TS > b.TS:
			return 1
		}
		return 0
	})
	c.out.TraceEvents = append(c.names(), c.out.TraceEvents...)
	return writeJSON(w, c.out)
}

// names returns the names of the processes and lanes.
func (c *chromeWriter) names() []chromeEvent {
	var names []chromeEvent
	name := func(kind string, pid, tid int, text string) {
		names = append(names, chromeEvent{Name: kind, Phase: "M", PID: pid, TID: tid, Args: &chromeArgs{Name: text}})
	}
	for pod := range podCount(c.trace) {
		of := ""
		if pod > 0 {
			of = fmt.Sprintf(" (new pod %d)", pod)
		}
		pid := c.pid(pod, -1)
		name("process_name", pid, 0, "pod "+c.trace.World.Name+of)
		for i, text := range []string{"Ready", "in the endpoints", "on the way to the proxies", "pod and kubelet"} {
			name("thread_name", pid, laneReady+i, text)
		}
		for i := range c.trace.World.Pod.Containers {
			c.nameContainer(name, c.pid(pod, i), i, of)
		}
	}
	return names
}

// pid returns the number of the process that stands for a container of a pod,
// or with -1 for the pod.
func (c *chromeWriter) pid(pod, container int) int {
	return pod*(len(c.trace.World.Pod.Containers)+1) + max(0, container+1)
}

// nameContainer names the lanes of a container.
func (c *chromeWriter) nameContainer(name func(kind string, pid, tid int, text string), pid, i int, of string) {
	container := &c.trace.World.Pod.Containers[i]
	name("process_name", pid, 0, "container "+container.Name+of)
	name("thread_name", pid, laneKubelet, "kubelet")
	for k, p := range container.Probes {
		if p != nil {
			name("thread_name", pid, laneProbe+k, model.ProbeKind(k).String()+" probe")
		}
	}
	if i != c.trace.World.Studied {
		return
	}
	name("thread_name", pid, laneState, "true state")
	for lane, cause := range c.stalls {
		name("thread_name", pid, laneStall+lane, cause)
	}
}

// stretch adds a record of a stretch as far as it is in view.
func (c *chromeWriter) stretch(from, to time.Duration, e chromeEvent) {
	from, to = max(from, c.from), min(to, c.to)
	if from >= to {
		return
	}
	duration := microseconds(to - from)
	e.Phase, e.TS, e.Duration = "X", microseconds(from), &duration
	c.out.TraceEvents = append(c.out.TraceEvents, e)
}

func microseconds(d time.Duration) float64 { return float64(d) / 1e3 }

// stretches adds what lasts from one event to the next: the true state, Ready
// and being in the endpoints.
func (c *chromeWriter) stretches() {
	pods := podCount(c.trace)
	for pod := range pods {
		c.stretchesOf(pod, pod == pods-1)
	}
}

// stretchesOf does so for one pod. The last one lives on to the horizon.
func (c *chromeWriter) stretchesOf(pod int, last bool) {
	var state, ready, endpoint *sim.Event
	ends := c.trace.Horizon
	end := func(since *sim.Event, at time.Duration) {
		switch {
		case since == nil:
		case since.Kind == sim.EventState:
			c.stretch(since.At, at, chromeEvent{Name: since.State.String(), Category: "state", PID: c.pid(pod, since.Container), TID: laneState})
		case since.Ready && since.Kind == sim.EventReady:
			c.stretch(since.At, at, chromeEvent{Name: "Ready", Category: "ready", PID: c.pid(pod, -1), TID: laneReady})
		case since.Ready:
			c.stretch(since.At, at, chromeEvent{Name: "in the endpoints", Category: "endpoint", PID: c.pid(pod, -1), TID: laneEndpoint})
		}
	}
	for i := range c.trace.Events {
		e := &c.trace.Events[i]
		if e.Pod != pod {
			continue
		}
		if !last {
			ends = e.At
		}
		var since **sim.Event
		switch e.Kind {
		case sim.EventState:
			since = &state
		case sim.EventReady:
			since = &ready
		case sim.EventEndpoint:
			since = &endpoint
		default:
			continue
		}
		end(*since, e.At)
		*since = e
	}
	for _, since := range []*sim.Event{state, ready, endpoint} {
		end(since, ends)
	}
}

// add adds the record of one event.
func (c *chromeWriter) add(l *line) {
	text := what(c.trace.World, l.Event)
	e := chromeEvent{Name: text, Category: l.Kind.String(), PID: c.pid(l.Pod, l.Container), TID: laneKubelet, Args: &chromeArgs{What: text, Rule: l.rules, Why: l.why}}
	if l.Container >= 0 {
		e.Args.Restarts = &l.Incarnation
	}
	switch l.Kind {
	case sim.EventState:
		return
	case sim.EventAttempt:
		e.Name, e.TID = l.Outcome.String(), laneProbe+int(l.Probe)
		c.stretch(l.At, max(l.End, l.At+1), e)
		return
	case sim.EventStall:
		e.Name, e.TID = l.Text, c.stallLane(l.Text)
		c.stretch(l.At, l.End, e)
		return
	case sim.EventBackOff:
		e.Name = "back-off"
		c.stretch(l.At, l.Until, e)
		return
	case sim.EventResult, sim.EventTrigger, sim.EventLook:
		e.TID = laneProbe + int(l.Probe)
	case sim.EventReady:
		e.TID = laneReady
	case sim.EventEndpoint:
		e.TID = laneEndpoint
	case sim.EventStation:
		e.TID = laneStations
	default:
		if l.Container < 0 {
			e.TID = lanePod
		}
	}
	if l.At < c.from {
		return
	}
	e.Phase, e.TS, e.Scope = "i", microseconds(l.At), "t"
	c.out.TraceEvents = append(c.out.TraceEvents, e)
}

// stallLane returns the lane of what keeps the process from running.
func (c *chromeWriter) stallLane(cause string) int {
	if cause == "" {
		cause = "stands still"
	}
	i := slices.Index(c.stalls, cause)
	if i < 0 {
		i = len(c.stalls)
		c.stalls = append(c.stalls, cause)
	}
	return laneStall + i
}
