package sim

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/kubelet"
)

// application is the processes of a World: the studied one with all that the
// scenario says of it, and the others, which serve from their start.
type application struct {
	world   *model.World
	node    *model.Node
	app     *model.Application
	studied int
	life    *life
	out     *Outcome
	role    role
	heir    *application // that took the place of a leaving one

	cpu       *cpu.Container // nil: nothing in the world uses CPU
	loaded    bool           // other work may keep an answer from the CPU
	finished  []cpu.Finished
	throttled time.Duration // by the quota, when it was last asked of the serving process
	quota     time.Duration
	random    [streamCount]stream
	streams   int // of the renewal processes that are used; the others are never seeded

	firstStart bool // the life ends with it
	firstReady bool // the life ends there

	// The studied process.
	launched    bool // a process of the pod has run
	alive       bool
	stage       int // of the start, len(Startup) when it is done
	stageJob    int // number of the CPU job of the stage under way; 0: none
	stageWaits  bool
	stageDue    bool // the wait of the stage ended while the process stood still
	serving     bool // the start is done
	terminating bool
	unaware     bool          // of SIGTERM: the process has not run since
	exitDue     time.Duration // when it exits of itself after SIGTERM; never: not known
	listening   bool
	hung        bool
	hangPending bool // an injected hang waits for a process that serves
	injected    bool
	drain       func(*Outcome)
	notices     [model.ProbeKinds]bool // which handlers notice the hang
	frozen      int                    // pauses and stalls under way
	slowed      float64                // times as long waits take that begin now
	answersHung model.FaultAnswer

	renewals  []renewal
	faults    []faultState
	resources []resourceState
	cached    [model.ProbeKinds]reason // why the cached status is a failure; healthy: it is not (A7)

	endpoints endpoints
	skipping  skipping
	coasting  coasting
	service   *service
	among     replica
	planned   *planned // nil: everything comes by chance
	ledger    ledger

	observedKind   model.ProbeKind
	observedPeriod time.Duration
	observedUntil  int64 // events of the CPU
	observations   []Observation
}

// The application's own timers, followed by those of the renewal processes,
// the faults and the resources.
const (
	timerCPU = iota
	timerStage
	timerHang
	timerStatus
	timerSlice
	timerRules
	timerObserve
	timerDeletion
	timerDeleted
	timerKubelet
	timerDeregistered
	timerHealthCheck
	timerRollout
	timerCached // one for each kind of probe
	timerFirst  = timerCached + model.ProbeKinds
)

func (a *application) timer(i int) int { return a.life.firstProcessTimer() + i }

func (a *application) set(i int, at time.Duration) { a.life.timers.set(a.timer(i), at) }

func (a *application) faultTimer(i int) int    { return timerFirst + len(a.renewals) + i }
func (a *application) resourceTimer(i int) int { return a.faultTimer(len(a.faults)) + i }
func (a *application) timerCount() int         { return a.resourceTimer(2 * len(a.resources)) }

func newApplication(w *model.World, node *model.Node) *application {
	a := &application{world: w, node: node, app: &w.Application, studied: w.Studied}
	for i := range a.random {
		a.random[i] = newStream()
	}
	a.newRenewals()
	a.streams = min(len(a.renewals), streamRollout-streamRenewals)
	a.faults = make([]faultState, len(w.Faults))
	a.resources = make([]resourceState, len(a.app.Resources))
	a.newCPU()
	return a
}

// newCPU makes the model of the studied container's CPU, if anything in the
// world uses CPU. A node may apply no quota (K63).
func (a *application) newCPU() {
	app, c := a.app, a.world.Container()
	used := len(app.Background) > 0 || app.Traffic != nil
	a.loaded = used
	for i := range app.Startup {
		used = used || !app.Startup[i].CPU.IsZero()
	}
	for k := range app.Probes {
		p := &app.Probes[k]
		used = used || !p.CPU.IsZero() || !p.Exec.HelperCPU.IsZero() || p.RunsOn == model.Workers
	}
	if !a.node.NoCFSQuota {
		a.quota = cpu.Quota(c.CPULimitMilli, a.node.CFSPeriod)
	}
	if !used {
		return
	}
	a.cpu = cpu.New(a.cpuConfig())
}

// cpuConfig is what the CPU time of the studied container depends on.
func (a *application) cpuConfig() cpu.Config {
	app, c := a.app, a.world.Container()
	return cpu.Config{
		Quota: a.quota, Period: a.node.CFSPeriod, Burst: a.node.CFSBurst, PodQuota: a.podQuota(c.CPULimitMilli),
		Tick: time.Second / time.Duration(a.node.KernelHz), CPUs: a.node.CPUs, Threads: app.Threads,
		Accounting: app.Accounting, InterruptionsPerSecond: a.node.InterruptionsPerSecond,
		Weight: a.weight(c.CPURequestMilli, c.CPULimitMilli), Traffic: app.Traffic, Elsewhere: a.world.Replicas > 1,
		Background: app.Background,
	}
}

// podQuota is the quota of the pod's own cgroup: the pod's limit, or the sum of
// its containers' if each has one (C14). The studied one's may be boosted.
func (a *application) podQuota(studiedMilli int64) time.Duration {
	if a.node.NoCFSQuota {
		return 0
	}
	total := a.world.Pod.CPULimitMilli
	if total == 0 {
		for i := range a.world.Pod.Containers {
			limit := a.world.Pod.Containers[i].CPULimitMilli
			if limit == 0 {
				return 0
			}
			if i == a.studied {
				limit = studiedMilli
			}
			total += limit
		}
	}
	return cpu.Quota(total, a.node.CFSPeriod)
}

// weight is the cgroup weight of a CPU request; a missing one takes the
// limit's value (K60, C24).
func (a *application) weight(requestMilli, limitMilli int64) int64 {
	if requestMilli == 0 {
		requestMilli = limitMilli
	}
	if a.node.LinearWeights {
		return cpu.LinearWeight(cpu.Shares(requestMilli))
	}
	return cpu.Weight(cpu.Shares(requestMilli))
}

// seed begins every stream anew, by its purpose and what is added to that.
func (a *application) seed(seed, replication uint64, more purpose) {
	for i := range a.random {
		if i < streamRenewals+a.streams || i >= streamRollout {
			a.random[i].seed(seed, replication, purposeOf(i)+more+a.ownPurpose(i))
		}
	}
}

// reset makes the application that of a new life, or of a rollout's new pod,
// which are told apart by the generation.
func (a *application) reset(seed, replication, generation uint64) {
	a.seed(seed, replication, purpose(generation)<<32)
	a.role, a.heir, a.launched = studiedPod, nil, false
	if a.cpu != nil {
		a.cpu.Record(a.life.trace != nil)
		if t := a.app.Traffic; t != nil && t.OfService {
			a.cpu.BurstsFrom(a.random[streamBursts].Rand, a.life.now)
			a.planBursts()
		}
	}
	a.alive, a.serving, a.terminating, a.unaware, a.listening = false, false, false, false, false
	a.exitDue = never
	a.hung, a.hangPending, a.injected = false, false, false
	a.frozen, a.stageJob = 0, 0
	clear(a.faults)
	clear(a.resources)
	a.endpoints = endpoints{}
	a.ledger = ledger{state: Down, since: a.life.now}
	a.observedPeriod = 0
	a.skipping.begin()
	a.coasting.until = 0
	a.observations = a.observations[:0]
	a.beginNode()
	a.beginBalancer(a.world.Cluster.LoadBalancer)
}

// finish closes the life's books.
func (a *application) finish() *Outcome {
	a.account()
	a.flushRuns()
	a.out.PodTime = a.life.now
	if a.life.trace != nil {
		a.traceStretches()
	}
	return a.out
}

// beforeStart implements processes.
func (a *application) beforeStart(c int) time.Duration {
	if c != a.studied {
		return 0
	}
	var total time.Duration
	r := a.random[streamProcess].Rand
	for i := range a.app.BeforeStart {
		stage := &a.app.BeforeStart[i]
		total += stage.Wait.Sample(r) + stage.CPU.Sample(r)
	}
	return total
}

// started implements processes.
func (a *application) started(c int) {
	if c != a.studied {
		return
	}
	a.account()
	if a.firstStart && a.out.Starts == 1 {
		a.life.ended = true
		return
	}
	a.alive = true
	a.out.Starts++
	a.ledger.started = a.life.now
	a.ledger.readySince = never
	if a.cpu != nil {
		if !a.launched {
			a.launched = true
			a.cpu.Reset(a.life.now, a.random[streamCPU].Rand)
		} else {
			a.cpu.Restart(a.life.now) // the clients are the same
		}
		a.directTraffic()
		a.tellNeighbours()
		for range a.frozen {
			a.cpu.Freeze(a.life.now, false)
		}
	}
	a.beginProcess()
	a.stage = 0
	a.enterStage()
	a.stateChanged()
}

// enterStage begins the stage of the start that comes next, or ends the start.
func (a *application) enterStage() {
	if a.stage == len(a.app.Startup) {
		a.ready()
		return
	}
	stage := &a.app.Startup[a.stage]
	a.stageJob, a.stageWaits, a.stageDue = 0, false, false
	r := a.random[streamProcess].Rand
	demand := stage.CPU.Sample(r)
	if demand == 0 {
		a.waitStage()
		return
	}
	if stage.CPULimitMilli > 0 && a.quota > 0 {
		a.cpu.SetQuota(a.life.now, cpu.Quota(stage.CPULimitMilli, a.node.CFSPeriod), a.podQuota(stage.CPULimitMilli))
	}
	a.life.asked++
	a.stageJob = a.life.asked
	a.submit(cpu.Job{ID: a.stageJob, Demand: demand, Threads: max(1, stage.Threads)})
}

// waitStage begins the wait of the stage under way, after its CPU work.
func (a *application) waitStage() {
	stage := &a.app.Startup[a.stage]
	if a.stageJob != 0 && stage.CPULimitMilli > 0 && a.quota > 0 {
		a.cpu.SetQuota(a.life.now, a.quota, a.podQuota(a.world.Container().CPULimitMilli))
	}
	a.stageJob, a.stageWaits = 0, true
	a.set(timerStage, a.life.now+stage.Wait.Sample(a.random[streamProcess].Rand))
}

// stageOver handles the end of a stage's wait, which a process that stands
// still does not notice.
func (a *application) stageOver() {
	a.set(timerStage, never)
	if a.frozen > 0 {
		a.stageDue = true
		return
	}
	a.stageDue, a.stageWaits = false, false
	a.stage++
	a.enterStage()
}

// ready ends the start: the process is able to serve.
func (a *application) ready() {
	a.account()
	a.serving, a.listening = true, !a.terminating || a.app.Shutdown.ListenerAtExit
	a.trafficChanged()
	a.out.StartupsCompleted++
	if a.out.Outlived == 0 {
		a.out.FirstOutlived = a.life.now
	}
	a.out.Outlived++
	a.sample(&a.out.StartupTimes, a.life.now-a.ledger.started)
	if !a.endpoints.in {
		a.ledger.servingSince = a.life.now
	}
	a.startOver()
	for k := range a.app.Probes {
		if every := a.app.Probes[k].Cached; every > 0 {
			a.refreshCached(model.ProbeKind(k))
			a.set(timerCached+k, a.life.now+time.Duration(a.random[streamProcess].Int64N(int64(every))))
		}
	}
	a.stateChanged()
	if a.hangPending {
		a.inject()
	}
}

// terminate implements processes.
func (a *application) terminate(c int) {
	l := a.life
	if c != a.studied {
		l.containers[c].exit = 143
		l.timers.set(l.exitTimer(c), l.now)
		return
	}
	a.account()
	a.terminating, a.unaware = true, a.frozen > 0
	if !a.unaware {
		a.shutDown()
	}
	a.stateChanged()
}

// shutDown is what the process does about SIGTERM once it runs.
func (a *application) shutDown() {
	l := a.life
	a.unaware = false
	if !a.app.Shutdown.ListenerAtExit {
		a.account()
		a.listening = false
		a.trafficChanged()
	}
	if a.app.Shutdown.IgnoresTerm {
		return // only SIGKILL ends it
	}
	l.containers[a.studied].exit = exitCode(a.app.Shutdown.ExitCode, 143)
	a.exitDue = l.now + a.app.Shutdown.Wait.Sample(a.random[streamProcess].Rand)
	l.timers.set(l.exitTimer(a.studied), a.exitDue)
}

// exited implements processes.
func (a *application) exited(c int) {
	if c != a.studied {
		return
	}
	a.account()
	a.flushRuns()
	a.traceStretches()
	a.alive, a.serving, a.terminating, a.listening, a.hung = false, false, false, false, false
	a.unaware, a.exitDue = false, never
	a.ledger.servingSince = never
	a.set(timerStage, never)
	a.set(timerCPU, never)
	for k := range a.app.Probes {
		a.set(timerCached+k, never)
	}
	a.endProcess()
	if a.cpu != nil {
		a.cpu.Exit(a.life.now)
		a.traceCPU()
	}
	a.stageJob, a.stageWaits, a.stageDue = 0, false, false
	a.skipping.forget()
	a.resetConnections()
	a.stateChanged()
}

// refused implements processes.
func (a *application) refused(c int) {
	if c == a.studied {
		a.account()
		a.ledger.backOff = true
	}
}

// fire implements processes.
func (a *application) fire(i int) {
	switch {
	case i == timerCPU:
		a.advanceCPU()
	case i == timerStage:
		a.stageOver()
	case i == timerHang:
		a.set(i, never)
		a.inject()
	case i == timerStatus:
		a.statusDue()
	case i == timerSlice:
		a.sliceDue()
	case i == timerRules:
		a.service.rulesDue()
	case i == timerObserve:
		a.askObserver()
	case i == timerDeletion:
		a.deleteCalled()
	case i == timerDeleted:
		a.set(i, never)
		a.life.deletePod()
	case i == timerKubelet:
		a.kubeletKilled()
	case i == timerDeregistered:
		a.deregistered()
	case i == timerHealthCheck:
		a.checkTarget()
	case i == timerRollout:
		a.rolloutDue()
	case i < timerFirst:
		k := model.ProbeKind(i - timerCached)
		a.refreshCached(k)
		a.set(i, a.life.now+a.app.Probes[k].Cached)
	case i < a.faultTimer(0):
		a.turn(i - timerFirst)
	case i < a.resourceTimer(0):
		a.faultDue(i - a.faultTimer(0))
	default:
		a.resourceDue(i - a.resourceTimer(0))
	}
}

// submit gives the CPU a job.
func (a *application) submit(j cpu.Job) {
	a.cpu.Submit(a.life.now, j)
	a.retime()
}

// retime sets the timer of the next end of a job. Everything that changes what
// the CPU does has to call it.
func (a *application) retime() {
	if a.cpu == nil || !a.alive {
		return
	}
	a.set(timerCPU, a.cpu.Next())
	a.traceCPU()
}

// traceCPU tells of the stretches in which the quota held the container, and of
// what the answers and the start did meanwhile. It has to be called before a new
// stage of the start begins.
func (a *application) traceCPU() {
	if a.life.trace == nil {
		return
	}
	for _, s := range a.cpu.Throttled() {
		a.life.trace.add(Event{
			At: s.From, End: s.To, Kind: EventStall, Container: a.studied,
			Incarnation: a.life.containers[a.studied].live.Incarnation, Text: "throttled", Rule: "C6",
		})
	}
	for _, p := range a.cpu.Parts() {
		state := Serving
		if p.ID == a.stageJob {
			state = Starting
		}
		a.life.trace.add(Event{
			At: p.From, End: p.To, Kind: EventCPU, Container: a.studied, CPU: p.Condition, Question: p.ID, State: state,
			Incarnation: a.life.containers[a.studied].live.Incarnation,
			Rule:        [cpu.Conditions]string{cpu.Running: "C1", cpu.Waiting: ScenarioRule, cpu.Throttled: "C6", cpu.Stolen: "C32", cpu.StandsStill: "C21", cpu.Queued: "C20"}[p.Condition],
		})
	}
}

// advanceCPU lets the CPU go on to now, and hands out the ends of jobs.
func (a *application) advanceCPU() {
	a.cpu.Advance(a.life.now)
	a.traceCPU()
	a.finished = append(a.finished[:0], a.cpu.Done()...)
	for _, f := range a.finished {
		if f.ID == a.stageJob {
			a.waitStage()
		} else {
			a.answer(f.ID)
		}
	}
	a.retime()
}

// stored implements processes.
func (a *application) stored(c int, k model.ProbeKind, r kubelet.Result) {
	if c == a.studied && r == kubelet.ResultFailure && k != model.Readiness && a.alive && a.hung {
		a.detected()
	}
}
