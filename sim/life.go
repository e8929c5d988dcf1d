package sim

import (
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// life is one life of one pod: the kubelet's view of it, and through processes
// what really runs. Everything happens in handlers of timers; a handler
// finishes all it causes at its instant before the next one runs.
type life struct {
	pod       *model.Pod
	version   model.Version
	durations kubelet.Durations
	processes processes
	stale     bool // a script's choice of K14; otherwise it is drawn

	now          time.Duration
	horizon      time.Duration
	kubeletStart time.Duration // of the latest one; before 0 unless it was restarted (K4, K54)
	studied      int           // the container whose termination a deletion waits for
	relistPhase  time.Duration
	wallOffset   time.Duration // of virtual time 0 from a whole wall-clock second (K8)
	timers       timers
	random       stream // what the kubelet and the runtime draw
	trace        *Trace
	stop         *atomic.Bool // nil: never
	skips        bool         // quiet stretches are passed over, see skip.go
	coasts       bool         // or gone through by a short way, see coast.go
	climbs       bool         // each failure of the liveness probe matters, see climb.go

	containers []container
	attempts   []attempt // those of the workers, 3 a container, then those of observers
	asked      int       // number of the latest question to a process

	backOff  kubelet.BackOff // of a container that was never started
	sync     podSync
	podReady bool

	deletionGrace time.Duration // of a deletion under way (K53)

	finished  bool // phase Succeeded or Failed
	updates   []update
	handled   int   // of them
	triggered []int // containers whose readiness worker was sent a trigger by the current sync
	ended     bool  // nothing more is wanted of this life
	rolling   bool  // a rollout begins, which replaces the pod
	replaced  bool  // a deletion of the pod ends this life
	gone      bool  // and has
}

// container is what the kubelet and the runtime know of one container.
type container struct {
	spec      *model.Container
	workers   kubelet.Workers
	live      kubelet.Runtime // as it is
	seen      kubelet.Runtime // as of the latest relist
	atSync    kubelet.Runtime // with which the current sync began
	status    kubelet.Status  // cached
	exitCode  int             // in the cached status
	startedAt time.Duration   // in the cached status, which keeps whole wall-clock seconds (K8)
	backOff   kubelet.BackOff
	killed    bool          // by the current sync
	refused   bool          // the last start was refused; no start since
	until     time.Duration // when that back-off ends
	exit      int           // code with which the exit timer ends the process

	lastLook [model.ProbeKinds]kubelet.Action // what each worker's last look came to; for the trace
}

// update is a result that a worker announced (K24).
type update struct {
	container   int
	kind        model.ProbeKind
	incarnation int
	value       kubelet.Result
	rule        string // by which it was stored
}

// processes is what runs in the containers: the application of a World, or a
// Script.
type processes interface {
	// started tells that a new process runs in container c.
	started(c int)
	// terminate tells the process in container c to stop. It sets the exit timer.
	terminate(c int)
	// exited tells that the process in container c is gone.
	exited(c int)
	// ask puts the question of probe k to container c and fills in the answer.
	ask(a *attempt)
	// resume tells that what attempt a waited for has come: the command of an
	// exec probe has joined the cgroup, or grpc tries to connect again.
	resume(a *attempt)
	// observed takes the answer to an observer's question.
	observed(a *attempt)
	// fire handles timer i of the processes' own, counted from 0.
	fire(i int)

	// beforeStart returns what lies before the very first start of container
	// c: image pull and init containers.
	beforeStart(c int) time.Duration
	// jitter draws the start-up jitter of a worker (K4).
	jitter(period time.Duration) time.Duration

	// The rest tells what the kubelet does, for the measures.
	condemned(c int, by model.ProbeKind)
	refused(c int)
	stored(c int, k model.ProbeKind, r kubelet.Result)
	attempted(c int, k model.ProbeKind, o kubelet.Outcome, run int32)
	readyChanged(ready bool)
	podGone()   // a deleted pod has its final phase; a new one begins
	published() // the cached status changed
}

// The timers, in the order in which those of one instant fire. Each block has
// one a container or a worker.
func (l *life) exitTimer(c int) int    { return c }
func (l *life) attemptTimer(a int) int { return len(l.containers) + a }
func (l *life) relistTimer() int       { return len(l.containers) + len(l.attempts) }
func (l *life) syncTimer() int         { return l.relistTimer() + 1 }
func (l *life) podTimer() int          { return l.relistTimer() + 2 }
func (l *life) tickTimer(w int) int    { return l.relistTimer() + 3 + w }
func (l *life) firstProcessTimer() int { return l.tickTimer(len(l.containers) * model.ProbeKinds) }

// newLife lays out a life of a pod whose processes need so many timers, with
// room for so many observers' attempts.
func newLife(pod *model.Pod, processTimers, observers int) *life {
	n := len(pod.Containers)
	l := &life{
		pod:        pod,
		containers: make([]container, n),
		attempts:   make([]attempt, n*model.ProbeKinds+observers),
		updates:    make([]update, 0, 8),
		triggered:  make([]int, 0, n),
		random:     newStream(),
		backOff:    kubelet.BackOff{Initial: kubelet.BackOffInitial, Max: model.MaxContainerRestartPeriod},
	}
	l.timers = newTimers(l.firstProcessTimer() + processTimers)
	return l
}

// reset makes the life ready to begin at the given instant.
func (l *life) reset(at time.Duration) {
	l.timers.clear()
	for c := range l.containers {
		l.clearContainer(c)
	}
	clear(l.attempts)
	l.now, l.asked = at, 0
	l.sync = podSync{first: true}
	l.podReady, l.finished, l.ended = false, false, false
	l.rolling, l.replaced, l.gone = false, false, false
	l.forgetUpdates()
}

// run fires timers up to the horizon, or to a rollout.
func (l *life) run() {
	for !l.ended && !l.rolling && (l.stop == nil || !l.stop.Load()) {
		l.hurry()
		i, at := l.timers.next()
		if at > l.horizon {
			l.now = l.horizon
			return
		}
		l.now = at
		l.fire(i)
		l.settle()
	}
}

// hurry goes through a quiet stretch, if there is one and the life may.
func (l *life) hurry() {
	if l.skips {
		l.skip()
	}
	if l.coasts {
		l.coast()
	}
}

// step fires the next timer, whenever it is.
func (l *life) step() {
	i, at := l.timers.next()
	l.now = at
	l.fire(i)
	l.settle()
}

// fire handles timer i.
func (l *life) fire(i int) {
	n := len(l.containers)
	switch {
	case i < n:
		l.timers.set(i, never)
		l.exit(i, l.containers[i].exit)
	case i < l.relistTimer():
		l.attemptDue(i - n)
	case i == l.relistTimer():
		l.relist()
	case i == l.syncTimer():
		l.timers.set(i, never)
		l.stepSync()
	case i == l.podTimer():
		l.timers.set(i, never)
		if l.sync.phase == kubeletDown {
			l.bootKubelet()
		} else {
			l.requestSync()
		}
	case i < l.firstProcessTimer():
		l.tick(i - l.tickTimer(0))
	default:
		l.processes.fire(i - l.firstProcessTimer())
	}
}

// settle handles announced results until there are none: the kubelet's main
// loop, which takes no time (K30).
func (l *life) settle() {
	for l.handled < len(l.updates) { // a sync that one of them begins may settle the rest
		u := l.updates[l.handled]
		l.handled++
		c := &l.containers[u.container]
		if l.trace != nil {
			l.emit(Event{Kind: EventResult, Container: u.container, Incarnation: u.incarnation, Probe: u.kind, Value: u.value, Rule: u.rule})
		}
		same := c.status.Incarnation == u.incarnation
		status := c.status
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
		if same && status != c.status {
			l.publish(u.container, status, "K30")
		}
		l.requestSync()
	}
	l.forgetUpdates()
}

// forgetUpdates drops the announced results, those not yet handled too.
func (l *life) forgetUpdates() { l.updates, l.handled = l.updates[:0], 0 }

// publish sets the cached status of container c by the given rule, and with it
// the pod's Ready condition (K48).
func (l *life) publish(c int, s kubelet.Status, rule string) {
	container := &l.containers[c]
	changed := container.status != s
	container.status = s
	if changed && l.trace != nil {
		l.emit(Event{Kind: EventStatus, Container: c, Incarnation: s.Incarnation, Status: s, Rule: rule})
	}
	ready := l.pod.ReadinessGates == 0 && !l.finished
	for i := range l.containers {
		ready = ready && l.containers[i].status.Ready
	}
	if ready != l.podReady {
		l.podReady = ready
		if l.trace != nil {
			l.emit(Event{Kind: EventReady, Container: -1, Ready: ready, Rule: "K48"})
		}
		l.processes.readyChanged(ready)
	}
	if changed {
		l.processes.published()
	}
}

// exit ends the process in container c.
func (l *life) exit(c, code int) {
	container := &l.containers[c]
	container.live.Running = false
	container.live.FinishedAt = l.now
	container.live.ExitCode = code
	l.timers.set(l.exitTimer(c), never)
	if l.trace != nil {
		l.emit(Event{Kind: EventExit, Container: c, Incarnation: container.live.Incarnation, Code: code, Rule: "K38"})
	}
	l.processes.exited(c)
	l.changed()
	if l.sync.waitsForExit(c) {
		l.stepSync()
	}
}

// emit adds an event of this instant to the trace.
func (l *life) emit(e Event) {
	e.At = l.now
	l.trace.add(e)
}
