package sim

import (
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
)

// LongestRun is the longest run of failures that is counted by its own length;
// longer ones count with it.
const LongestRun = 32

// Outcome is what one life of one pod came to: counts, integer nanoseconds and
// samples, from which sim/estimate makes every measure.
type Outcome struct {
	PodTime time.Duration // simulated
	// NodeClass is the number, from 1, of the class of nodes that the pod landed
	// on; 0 where the world has no classes.
	NodeClass int

	// What the kubelet did.
	Starts            int64                   // of processes
	StartupsCompleted int64                   // starts that became able to serve
	FalseKills        [model.ProbeKinds]int64 // by liveness or startup verdict, while not hung
	TrueKills         [model.ProbeKinds]int64 // of hung processes
	Crashes           int64                   // processes that exited by themselves
	Marks             int64                   // resources that reached their mark with the pod in the endpoints, and whose end is known
	Exhausted         int64                   // of these, those used up before the pod was out of the endpoints or the process gone
	NeverReady        bool                    // the pod was not Ready once
	FirstReady        time.Duration           // when the first pod of the life first was, from its creation; 0 where NeverReady

	// Probes. An attempt counts when it ends, thrown-away ones (K15) not at all.
	Attempts   [model.ProbeKinds]int64
	Failures   [model.ProbeKinds]int64
	RunLengths [model.ProbeKinds][LongestRun]int64 // RunLengths[k][i]: maximal runs of i+1 failures of probe k in one container
	ProbeCPU   time.Duration                       // CPU time of answers
	LimitTime  time.Duration                       // time a process ran under a CPU limit

	// Where the time went.
	StateTime    [6]time.Duration // by TrueState
	DeadTraffic  time.Duration    // some proxy sends requests while hung, down, starting, or terminating with the listener closed
	SlowTraffic  time.Duration    // some proxy sends requests while stalled
	FalseUnready time.Duration    // out of the endpoints while serving
	Available    time.Duration    // serving and in the endpoints
	BackOffTime  time.Duration    // waiting in CrashLoopBackOff

	// Samples, one for each occurrence that ended within the horizon.
	Faults       int64           // hangs, the scenario's own or the injected one
	Detections   []time.Duration // hang to kill verdict
	Removals     []time.Duration // fault to the last proxy removing the pod, or to serving again if that came first
	Recoveries   []time.Duration // fault to serving and in the endpoints again
	FaultDead    []time.Duration // dead traffic of each fault
	ReadyLags    []time.Duration // able to serve to in the endpoints
	TimesToReady []time.Duration // container start to Ready
	StartupTimes []time.Duration // container start to able to serve

	KillsWhileStarting int64 // false kills of a process that was not yet able to serve, by either probe

	// What the pod's first start leads to. A start is outlived if its process becomes
	// able to serve, and is not killed for failures in a row that began before.
	Outlived      int64                   // starts, as far as is known
	FirstOutlived time.Duration           // when the first of them was able to serve, from the life's beginning; means nothing while Outlived is 0
	KillsAtFirst  [model.ProbeKinds]int64 // false kills before any start was outlived
	KillsOfStarts int64                   // false kills of all processes that had not outlived their start

	FalseKillTimes []time.Duration // the instant of each false kill, in time order
}

// Reset empties the outcome and keeps its memory.
func (o *Outcome) Reset() {
	*o = Outcome{
		Detections: o.Detections[:0], Removals: o.Removals[:0], Recoveries: o.Recoveries[:0],
		FaultDead: o.FaultDead[:0], ReadyLags: o.ReadyLags[:0], TimesToReady: o.TimesToReady[:0],
		StartupTimes: o.StartupTimes[:0], FalseKillTimes: o.FalseKillTimes[:0],
	}
}

// EmptySamples empties the lists of samples and keeps their memory.
func (o *Outcome) EmptySamples() {
	for _, list := range []*[]time.Duration{
		&o.Detections, &o.Removals, &o.Recoveries, &o.FaultDead, &o.ReadyLags, &o.TimesToReady, &o.StartupTimes, &o.FalseKillTimes,
	} {
		*list = (*list)[:0]
	}
}

// Life says which life of a world to simulate.
type Life struct {
	Seed        uint64
	Replication uint64
	Draw        int           // of the world's uncertain inputs (model.World.Draw); 0: the best guess
	Horizon     time.Duration // at most dist.Longest
	// Hang injects a hang that probes notice as far as hangCoverage lets them:
	// into the process that serves at that instant, or else as soon as one
	// serves. 0: none. The life ends once the hang's detection, removal and
	// recovery are known, or at the horizon.
	Hang time.Duration
	// FirstStart ends the life with the first start of its process: when that
	// serves, is in the endpoints and has outlived what its start left to the
	// liveness probe, or when another process starts in its place.
	FirstStart bool
	// FirstReady ends the life once the pod is Ready.
	FirstReady bool
	// SkipAhead passes over quiet stretches where the world's structure allows it
	// (SkipsAhead), and there is no Trace. The life is another one than without it,
	// of the same law.
	SkipAhead bool
	// Effort, of Observe alone, is the number of events of the CPU after which the life
	// ends. 0: only its horizon ends it.
	Effort int64
	// Trace receives every event of the life. Nil: none.
	Trace *Trace
	// Stop ends the life early once it is true, so that a long one can be given
	// up; its outcome means nothing then. Nil: never.
	Stop *atomic.Bool
	// Drain is called with the outcome so far as soon as one of its lists holds
	// MostSamples, and must empty the lists, so that a life needs no more memory
	// the longer it is. Nil: they grow.
	Drain func(*Outcome)
}

// MostSamples is the length at which lists of samples are drained.
const MostSamples = 1024

// Observation is what a probe of a given period would have met at one instant
// of its grid.
type Observation struct {
	At          time.Duration
	Latency     time.Duration // start to answer, however long; Horizon's end where none came
	Incarnation int
	Starting    bool // the process was not yet able to serve
	Failed      bool // answered, with a failure
}
