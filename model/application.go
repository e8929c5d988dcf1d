package model

import (
	"time"

	"github.com/probesim/probesim/model/dist"
)

// Application is how the process in the studied container behaves: how it
// starts, answers, works, pauses and stops. The zero value does nothing wrong:
// it is up at once and answers without CPU in no time.
type Application struct {
	BeforeStart []Stage // before the container runs, once per pod: image pull, init containers
	Startup     []Stage // from process start to able to serve, at every start, in order
	Threads     int     // that can run at once (GOMAXPROCS; an event loop has 1); 0: as many as the node has CPUs
	Accounting  Accounting
	Probes      [ProbeKinds]Answer
	Traffic     *Traffic // nil: none
	Background  []Background
	Pauses      []OnOff // the whole process stands still: garbage collection, swapping. Start and end with the process
	Resources   []Resource
	Shutdown    Shutdown
}

// Accounting is how the handler's CPU time meets the quota (C5, C7).
type Accounting uint8

// The two ways of accounting.
const (
	AccountingTick  Accounting = iota // at ticks: a handler that computes overruns its quota up to the next tick
	AccountingExact                   // at once: a handler that reads its own CPU clock or switches threads often stops at the quota
)

// String returns the scenario file's word.
func (a Accounting) String() string { return [...]string{"tick", "exact"}[a] }

// Stage is one step of a start: CPU work, which the limit stretches, then a
// wait, which it does not.
type Stage struct {
	Name          string
	CPU           dist.Duration // CPU time of all threads together
	Wait          dist.Duration // wall time
	Threads       int           // that share the CPU work; 0: 1
	Answers       StartupAnswer // what a probe gets meanwhile
	CPULimitMilli int64         // limit in force during this stage (startup boost); 0: the container's own
}

// StartupAnswer is what a probe gets from a process that is still starting.
type StartupAnswer uint8

// The answers of a starting process.
const (
	AnswersRefused StartupAnswer = iota // not listening yet: fails at once, or for grpc at the timeout (K20)
	AnswersFailure                      // listens and answers with a failure (503, NOT_SERVING, exit status 1)
	AnswersTimeout                      // accepts and does not answer
	AnswersStallsAfterHeaders
	AnswersError
	AnswersDropped
	AnswersRedirectElsewhere
	AnswersRedirectLoop
)

// String returns the scenario file's word.
func (a StartupAnswer) String() string { return a.Fault().String() }

// Fault returns the answer of a faulty process that is the same.
func (a StartupAnswer) Fault() FaultAnswer {
	return [...]FaultAnswer{FaultRefused, FaultFailure, FaultTimeout, FaultStallsAfterHeaders, FaultError,
		FaultDropped, FaultRedirectElsewhere, FaultRedirectLoop}[a]
}

// Answer is how the process answers one kind of probe.
type Answer struct {
	CPU           dist.Duration // CPU time of one answer, user and system, inside the container's cgroup
	Wait          dist.Duration // wall time of one answer beside its CPU time
	RunsOn        RunsOn
	DependsOn     []int         // indices into World.Dependencies: an outage of any makes the answer a failure
	Cached        time.Duration // status computed at this interval, aside from the probe; 0: computed by the answer itself (A7)
	FailsInFlight int           // answer is a failure above this number of requests in flight; 0: never (A4)
	Failure       float64       // probability, 0 to 1, that an answer is a failure for no other reason
	Failing       *OnOff        // stretches in which every answer is a failure; nil: none
	HangCoverage  float64       // share of hangs, 0 to 1, that this handler notices
	Exec          ExecCost      // of exec handlers only
}

// RunsOn says which thread answers a probe.
type RunsOn uint8

// Where answers run.
const (
	Dedicated RunsOn = iota // a thread of its own, beside the traffic's workers
	Workers                 // a worker of the traffic's pool: the probe queues with the requests
)

// String returns the scenario file's word.
func (r RunsOn) String() string { return [...]string{"dedicated", "workers"}[r] }

// ExecCost is what an exec probe costs before its command does anything.
type ExecCost struct {
	Join      dist.Duration // wall time to join the container's cgroup, no CPU (C27)
	HelperCPU dist.Duration // CPU of the runtime's helper and program start inside the quota (C26)
}

// Traffic is the application's own requests: open arrivals, a queue and workers.
type Traffic struct {
	PerSecond     float64 // mean arrival rate of one pod, or of the whole service if OfService
	OfService     bool
	CPU           dist.Duration // of one request
	Wait          dist.Duration // of one request, during which its worker is held
	Workers       int           // requests served at once
	Queue         int           // requests that may wait; further ones are refused. 0: without bound
	ClientTimeout time.Duration // after which the client gives up, while the server still works it off; 0: never
	RetriesMax    int           // further attempts of a client that gave up, was refused or lost its connection
	RetriesAfter  time.Duration
	Bursts        []Burst
}

// Burst is a stretch of more traffic.
type Burst struct {
	OnOff
	PerSecond float64 // arrival rate while it lasts, in place of the mean rate
}

// Background is work of the container's own, which shares the quota with the
// answers.
type Background struct {
	Every   dist.Duration // from the end of one arrival to the next
	CPU     dist.Duration // of one job
	Workers int           // threads that work the jobs off; 0: unlimited, every job its own thread
	Always  bool          // Threads threads that burn CPU without end; Every and CPU are ignored
	Threads int           // of Always
}

// OnOff is an alternating renewal process: absent for Every, then present for
// Lasts, and so on.
type OnOff struct {
	Name  string
	Every dist.Duration // from the end of one occurrence to the start of the next
	Lasts dist.Duration
}

// Resource is something that grows until it is used up (A5).
type Resource struct {
	Name    string
	PerHour dist.Dist // growth per hour, as a share of the whole, drawn at each start
	Fails   []ProbeKind
	FailsAt float64 // share, 0 to 1, from which the probes in Fails fail
	AtFull  AtFull
}

// AtFull is what a process does when a resource is used up.
type AtFull uint8

// What happens at exhaustion.
const (
	FullHangs AtFull = iota
	FullExits
)

// String returns the scenario file's word.
func (a AtFull) String() string { return [...]string{"hang", "exit"}[a] }

// Shutdown is what the process does after SIGTERM.
type Shutdown struct {
	Wait           dist.Duration // from SIGTERM to exit
	ListenerAtExit bool          // false: the listener closes at SIGTERM; true: it serves until the process exits
	IgnoresTerm    bool          // SIGKILL has to end it
	ExitCode       *int          // with which it exits on SIGTERM, 0 to 255; nil: 143, the signal ends it
}
