package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/kubelet"
)

// EventKind says what a traced event is about.
type EventKind uint8

// The kinds of traced events, in the order in which events of one instant are
// listed.
const (
	EventExit     EventKind = iota // the process is gone; Code is its exit code
	EventStart                     // a new process runs
	EventStatus                    // the pod status published by the kubelet changed; Status
	EventAttempt                   // one run of a probe from At to End; Outcome
	EventResult                    // a worker announced a result; Value
	EventKill                      // the kubelet decided to kill the container; Probe says why, Grace
	EventBackOff                   // a start was refused until Until; Delay is the back-off in force
	EventTrigger                   // a manual trigger was sent to the readiness worker (K9); Wasted if it came too early (K14)
	EventState                     // the true state of the process changed; State
	EventReady                     // the pod's Ready condition changed; Ready
	EventEndpoint                  // the last proxy added (Ready) or removed the pod
	EventSignal                    // SIGTERM or SIGKILL was sent; Text
	EventStall                     // the process stands still from At to End; Text says which pause, stall or throttling
	EventStation                   // a readiness change passed the station Text on its way to the proxies; Ready
	EventLook                      // a worker looked and made no attempt; Action says why. Told when that changes, and for each trigger
	EventCPU                       // what an answer or a stage of the start did on its CPU from At to End; CPU, Question, State
	EventNote                      // anything else worth telling: Text
)

// String returns the kind as it appears in trace output.
func (k EventKind) String() string {
	return [...]string{"exit", "start", "status", "probe", "result", "kill", "backoff", "trigger",
		"state", "ready", "endpoint", "signal", "stall", "station", "look", "cpu", "note"}[k]
}

// TrueState is what is so about a process, whatever the kubelet believes.
type TrueState uint8

// The true states (design section 2).
const (
	Down        TrueState = iota // no process
	Starting                     // not yet able to serve
	Serving                      // able to serve
	Stalled                      // cannot answer now, will by itself
	Hung                         // will never answer again
	Terminating                  // SIGTERM sent, not yet gone
)

// String returns the state's word.
func (s TrueState) String() string {
	return [...]string{"down", "starting", "serving", "stalled", "hung", "terminating"}[s]
}

// Event is one line of a trace. Which fields mean something depends on Kind.
type Event struct {
	At          time.Duration
	End         time.Duration // EventAttempt, EventStall, EventCPU
	Kind        EventKind
	Container   int // index into the pod's containers; -1: the pod
	Pod         int // 0 is the first one studied; each rollout replaces it by the next
	Incarnation int // of the container: 0, 1, … is its restart count
	Probe       model.ProbeKind
	Outcome     kubelet.Outcome
	Value       kubelet.Result
	Run         int // consecutive equal outcomes after this attempt
	Code        int
	Grace       time.Duration
	Until       time.Duration
	Delay       time.Duration
	Status      kubelet.Status
	State       TrueState
	CPU         cpu.Condition
	Question    int // number of the question to the process: an attempt and the work for its answer have the same one
	Ready       bool
	Wasted      bool
	Action      kubelet.Action // EventLook
	Rule        string         // the rule that made it happen: K…, C…, or ScenarioRule
	Text        string
}

// ScenarioRule stands in place of a rule where nothing but the scenario decided
// what happens: the length of a start, a fault.
const ScenarioRule = "scenario"

// Trace is the record of one life, in time order. From and To, which whoever asks
// for it sets, bound the part of the life in which everything is told. Elsewhere
// only what is rare is: attempts, looks, stalls and what happens on the CPU are
// left out, since there may be millions of them.
type Trace struct {
	World       *model.World
	Seed        uint64
	Replication uint64
	Horizon     time.Duration
	From, To    time.Duration // To 0: to the horizon
	Events      []Event
}

// add records an event, unless it is one of many and outside the part in which
// everything is told.
func (t *Trace) add(e Event) {
	switch e.Kind {
	case EventAttempt, EventLook, EventStall, EventCPU:
		if max(e.At, e.End) < t.From || t.To > 0 && e.At > t.To {
			return
		}
	}
	t.Events = append(t.Events, e)
}

// sort puts the events in time order. An attempt is recorded when it ends but
// listed at its start.
func (t *Trace) sort() {
	slices.SortStableFunc(t.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
}
