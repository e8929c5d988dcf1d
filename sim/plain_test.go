package sim_test

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

// plain is the usual kind of event engine, a heap of closures, simulating the pod
// of docs/performance.md by the same rules and with the same books as this
// package does: one container with http probes whose answers need no CPU, a
// neighbour that slows them, and no other faults. It draws the same random numbers,
// so it has to come to the same outcome (TestPlainEngineAgrees).
type plain struct {
	world     *model.World
	container *model.Container
	durations kubelet.Durations

	now    time.Duration
	events eventHeap
	number int

	kubelet, process, propagation, neighbour *rand.Rand
	answers                                  [model.ProbeKinds]*rand.Rand
	wallOffset, relistPhase                  time.Duration

	// What the kubelet knows.
	workers            kubelet.Workers
	live, seen, atSync kubelet.Runtime
	status             kubelet.Status
	startedAt          time.Duration
	backOff            kubelet.BackOff
	refused            bool
	killed             bool
	ready              bool
	ticks              [model.ProbeKinds]*event
	attempts           [model.ProbeKinds]plainAttempt
	updates            []plainUpdate
	sync               plainSync

	// What is so.
	alive, serving, terminating, listening bool
	stage                                  *event
	busy                                   bool
	state                                  sim.TrueState
	since, launched, readySince, able      time.Duration
	backedOff                              bool
	runs                                   [model.ProbeKinds]int
	early                                  [model.ProbeKinds]bool
	endpoints                              plainEndpoints

	out sim.Outcome
}

// event is one closure on the heap; without it, one that was cancelled.
type event struct {
	at     time.Duration
	number int
	do     func()
}

type eventHeap []*event

func (h eventHeap) Len() int      { return len(h) }
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].number < h[j].number
}
func (h *eventHeap) Push(x any) { *h = append(*h, x.(*event)) }
func (h *eventHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// plainAttempt is an attempt under way.
type plainAttempt struct {
	begun   bool
	start   time.Duration
	outcome kubelet.Outcome
	kernel  bool // the answer comes whatever becomes of the process
	ends    *event
}

// plainUpdate is a result that a worker announced.
type plainUpdate struct {
	kind        model.ProbeKind
	incarnation int
	value       kubelet.Result
}

// plainSync is the state of the pod worker.
type plainSync struct {
	first, running, awaitsRelist, pending, relisted, acted, refused bool
	lastEnd                                                         time.Duration
	relist, next                                                    *event
	exited                                                          func() // what waits for the exit
}

// forEver is later than any horizon.
const forEver = time.Duration(1<<63 - 1)

func newPlain(w *model.World) *plain {
	return &plain{world: w, container: w.Container(), durations: kubelet.MeasuredDurations()}
}

// run simulates one life.
func (p *plain) run(life sim.Life) *sim.Outcome {
	*p = plain{world: p.world, container: p.container, durations: p.durations}
	p.kubelet = sim.Stream(life.Seed, life.Replication, sim.KubeletStream)
	p.process = sim.Stream(life.Seed, life.Replication, sim.ProcessStream)
	p.propagation = sim.Stream(life.Seed, life.Replication, sim.PropagationStream)
	p.neighbour = sim.Stream(life.Seed, life.Replication, sim.NeighbourStream)
	for k := range p.answers {
		p.answers[k] = sim.Stream(life.Seed, life.Replication, sim.AnswersStream+sim.Purpose(k))
	}
	p.wallOffset = time.Duration(p.kubelet.Int64N(int64(time.Second)))
	p.relistPhase = time.Duration(p.kubelet.Int64N(int64(time.Second)))
	none := kubelet.Runtime{Incarnation: -1}
	p.live, p.seen, p.atSync, p.status = none, none, none, kubelet.Status{Incarnation: -2}
	p.backOff = kubelet.BackOff{Initial: kubelet.BackOffInitial, Max: model.MaxContainerRestartPeriod}
	p.endpoints.applied = forEver
	p.out.NeverReady = true
	p.sync.first = true
	p.beginNeighbour()
	p.at(0, p.requestSync)
	for len(p.events) > 0 && p.events[0].at <= life.Horizon {
		next := heap.Pop(&p.events).(*event)
		if next.do == nil {
			continue
		}
		p.now = next.at
		next.do()
		p.settle()
	}
	p.now = life.Horizon
	p.account()
	p.flushRuns()
	p.out.PodTime = p.now
	return &p.out
}

// at schedules a closure.
func (p *plain) at(at time.Duration, do func()) *event {
	p.number++
	e := &event{at, p.number, do}
	heap.Push(&p.events, e)
	return e
}

func (e *event) cancel() {
	if e != nil {
		e.do = nil
	}
}

// settle handles announced results (K30).
func (p *plain) settle() {
	for i := 0; i < len(p.updates); i++ {
		u := p.updates[i]
		status := p.status
		switch u.kind {
		case model.Liveness:
			if u.value != kubelet.ResultFailure {
				continue
			}
		case model.Readiness:
			status.Ready = u.value == kubelet.ResultSuccess
		case model.Startup:
			status.Started = u.value == kubelet.ResultSuccess
		}
		if u.incarnation == p.status.Incarnation && status != p.status {
			p.publish(status)
		}
		p.requestSync()
	}
	p.updates = p.updates[:0]
}

// publish sets the cached status (K48).
func (p *plain) publish(s kubelet.Status) {
	changed := p.status != s
	p.status = s
	if s.Ready != p.ready {
		p.ready = s.Ready
		if p.ready {
			p.becameReady()
		}
	}
	if changed {
		p.endpoints.dirty = true
		if !p.endpoints.writing {
			p.writeStatus()
		}
	}
}

// tick handles the next instant of a worker's grid.
func (p *plain) tick(k model.ProbeKind) {
	w := &p.workers[k]
	looks := w.Tick()
	p.ticks[k] = p.at(w.NextTick, func() { p.tick(k) })
	if looks {
		p.look(k)
	}
}

// trigger sends the readiness worker a manual trigger (K9).
func (p *plain) trigger() {
	if p.workers[model.Readiness].Trigger(p.now) {
		p.reschedule(model.Readiness)
		p.look(model.Readiness)
	}
}

func (p *plain) reschedule(k model.ProbeKind) {
	p.ticks[k].cancel()
	p.ticks[k] = p.at(p.workers[k].NextTick, func() { p.tick(k) })
}

// look lets a worker look, and again while something waits in its slots.
func (p *plain) look(k model.ProbeKind) {
	seen := kubelet.Seen{Status: p.status, StartedAt: p.startedAt}
	for {
		action, stored := p.workers[k].Look(p.now, &seen)
		p.announce(k, stored)
		if action == kubelet.Attempt {
			p.ask(k)
			return
		}
		if !p.looksAgain(k) {
			return
		}
	}
}

func (p *plain) looksAgain(k model.ProbeKind) bool {
	w := &p.workers[k]
	triggerFirst := w.PendingBoth() && p.kubelet.Uint64()&1 == 0
	looks := w.Pending(p.now, triggerFirst)
	if looks {
		p.reschedule(k)
	}
	return looks
}

func (p *plain) announce(k model.ProbeKind, stored kubelet.Stored) {
	for _, value := range stored.Values[:stored.N] {
		p.updates = append(p.updates, plainUpdate{k, p.workers[k].Incarnation(), value})
	}
}

// ask makes an attempt.
func (p *plain) ask(k model.ProbeKind) {
	t := &p.attempts[k]
	*t = plainAttempt{begun: true, start: p.now}
	if !p.live.Running || !p.serving || !p.listening {
		t.kernel, t.outcome = true, kubelet.Failure
		p.await(k, p.now+sim.Acceptance)
		return
	}
	factor := 1.0
	if p.busy {
		factor = p.world.Node.Neighbours[0].WaitFactor
	}
	wait := p.world.Application.Probes[k].Wait.Sample(p.answers[k])
	p.await(k, p.now+dist.Stretched(wait, factor))
}

// await schedules the end of an attempt: its answer, or its timeout (K66).
func (p *plain) await(k model.ProbeKind, at time.Duration) {
	t := &p.attempts[k]
	if deadline := t.start + p.workers[k].Probe.Timeout(); at >= deadline {
		t.outcome = kubelet.Timeout
		at = max(p.now, deadline+p.durations.TimeoutLate.Sample(p.kubelet))
	}
	t.ends.cancel()
	t.ends = p.at(at, func() { p.answered(k) })
}

// answered ends an attempt (K23).
func (p *plain) answered(k model.ProbeKind) {
	t := &p.attempts[k]
	t.begun = false
	stored := p.workers[k].Finish(t.outcome)
	p.out.Attempts[k]++
	if t.outcome.Failed() {
		p.out.Failures[k]++
		p.runs[k]++
		p.early[k] = p.early[k] || !p.serving
	} else {
		p.flushRun(k)
	}
	p.announce(k, stored)
	if p.looksAgain(k) {
		p.look(k)
	}
}

// resetConnections fails the attempts that the process was to answer.
func (p *plain) resetConnections() {
	for k := range p.attempts {
		if t := &p.attempts[k]; t.begun && !t.kernel {
			t.kernel, t.outcome = true, kubelet.Failure
			p.await(model.ProbeKind(k), p.now)
		}
	}
}
