package sim

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// podSync is the pod worker of the kubelet: syncs of one pod are serial, and
// any number of requests during one make one more (K31).
type podSync struct {
	phase   phase
	pending bool
	first   bool // no sync has run yet

	deleting    bool // the kubelet knows of the pod's deletion
	terminating bool // and acts on it

	container int             // that is being killed or started
	reason    model.ProbeKind // of the kill
	grace     time.Duration
	preStop   time.Duration // that the hook was let run
	acted     bool          // killed or started something
	refused   bool          // by back-off
	lastEnd   time.Duration // of the previous sync
	relisted  bool          // a relist was made at once after it (K45)
}

// phase is what a sync waits for.
type phase uint8

const (
	idle           phase = iota
	awaitingRelist       // for a relist newer than the previous sync (K45)
	stopping             // for the stop request to reach the runtime (K65)
	preStopping          // for the preStop hook (K37)
	signalling           // for the stop signal (K65)
	awaitingExit         // for the process to go, at most the rest of the grace
	starting             // for a container to run
	finalising           // for a deleted pod's last status to be written
	kubeletDown          // for the kubelet to run again
)

func (s *podSync) waitsForExit(c int) bool {
	return s.container == c && s.phase == awaitingExit
}

// requestSync asks for a sync (K31). The one that a new container's initial
// readiness result asks for waits for a relist like any other, and triggers a
// second attempt there unless the first has succeeded (K13).
func (l *life) requestSync() {
	if l.sync.phase != idle {
		l.sync.pending = true
		return
	}
	if !l.sync.first && !l.fresh() {
		l.sync.phase = awaitingRelist
		l.relistBy(l.nextRelist())
		return
	}
	l.beginSync()
}

// Relists come on a raster of the relist period plus a relist's own duration
// (K45). Only those that somebody waits for, or that see a change, are events.

func (l *life) relistSpacing() time.Duration {
	return l.durations.RelistPeriod + l.durations.RelistLasts
}

// nextRelist returns the first relist after now.
func (l *life) nextRelist() time.Duration {
	spacing := l.relistSpacing()
	return l.relistPhase + floorDiv(l.now-l.relistPhase, spacing)*spacing + spacing
}

// fresh reports whether a relist was made after the previous sync ended.
func (l *life) fresh() bool {
	if l.durations.RelistPeriod == 0 || l.sync.relisted {
		return true
	}
	return l.nextRelist()-l.relistSpacing() > l.sync.lastEnd
}

// changed tells that the runtime's state is no longer what the latest relist saw.
func (l *life) changed() {
	if l.durations.RelistPeriod == 0 {
		l.requestSync()
		return
	}
	l.relistBy(l.nextRelist())
}

// relistBy makes sure that a relist comes at the given instant at the latest.
func (l *life) relistBy(at time.Duration) {
	l.timers.set(l.relistTimer(), min(at, l.timers.at[l.relistTimer()]))
}

// relist copies the runtime's state, lets a waiting sync run, and requests one
// if it found a change: a crash is noticed here, 0 to 1 s late (K76).
func (l *life) relist() {
	l.timers.set(l.relistTimer(), never)
	if l.sync.phase == kubeletDown {
		return
	}
	l.sync.relisted = true
	changed := l.observe()
	if l.sync.phase == awaitingRelist {
		l.beginSync()
	}
	if changed {
		l.requestSync()
	}
}

// hasAddress reports whether the API knows an address of the pod: some container
// of it was reported to run (K75).
func (l *life) hasAddress() bool {
	for i := range l.containers {
		if l.containers[i].status.Incarnation >= 0 {
			return true
		}
	}
	return false
}

// observe makes the runtime's state the one that was last seen, and reports
// whether it differs.
func (l *life) observe() bool {
	changed := false
	for i := range l.containers {
		c := &l.containers[i]
		changed = changed || c.seen != c.live
		c.seen = c.live
	}
	return changed
}

// beginSync takes the runtime's state, publishes the status and decides (K44).
func (l *life) beginSync() {
	l.timers.set(l.podTimer(), never)
	if l.durations.RelistPeriod == 0 {
		l.observe()
	}
	l.triggered = l.triggered[:0]
	s := &l.sync
	s.container, s.acted, s.refused, s.phase = -1, false, false, stopping
	l.generate()
	if s.first {
		l.createWorkers()
		s.first = false
	}
	if s.deleting {
		l.beginTermination()
		return
	}
	l.nextKill()
}

// generate computes and publishes the status of every container, and sends the
// triggers: the first readiness attempt follows the start, or the startup
// probe's success, at once (K12), and while the container is not ready each sync
// brings an extra one (K68). A triggered worker that wakes at once reads the status before this
// one and wastes its trigger (K14).
func (l *life) generate() {
	for i := range l.containers {
		c := &l.containers[i]
		c.atSync, c.killed = c.seen, false
		adopted := c.spec.Probes[model.Readiness] != nil && l.adopted(c.atSync.StartedAt) // without that probe, started is ready
		status, trigger := c.workers.Generate(&c.atSync, c.status, c.refused, adopted)
		early := trigger && (l.stale || l.durations.WastedTrigger > 0 && l.random.Float64() < l.durations.WastedTrigger)
		if trigger && l.trace != nil {
			l.emit(Event{Kind: EventTrigger, Container: i, Incarnation: c.atSync.Incarnation, Probe: model.Readiness, Rule: "K9"})
		}
		if early {
			l.triggerEarly(i)
		}
		l.publish(i, status, "K44")
		c.exitCode = c.atSync.ExitCode
		c.startedAt = (c.atSync.StartedAt + l.wallOffset).Truncate(time.Second) - l.wallOffset
		if trigger && !early {
			l.triggered = append(l.triggered, i)
		}
	}
	for _, i := range l.triggered {
		l.trigger(i)
	}
}

// nextKill kills the next container that a probe condemned (K35); when there
// are no more it goes on to starts.
func (l *life) nextKill() {
	s := &l.sync
	for s.container++; s.container < len(l.containers); s.container++ {
		c := &l.containers[s.container]
		if !c.atSync.Running {
			continue
		}
		if kind, condemned := c.workers.Verdict(c.atSync.Incarnation); condemned {
			l.kill(kind)
			return
		}
	}
	s.container = -1
	l.nextStart()
}

// kill begins to stop the container of the current sync.
func (l *life) kill(reason model.ProbeKind) {
	s := &l.sync
	c := &l.containers[s.container]
	s.reason, s.acted = reason, true
	s.grace = kubelet.Grace(&c.workers[reason].Probe, l.pod)
	s.preStop = 0
	if l.trace != nil {
		l.emit(Event{Kind: EventKill, Container: s.container, Incarnation: c.live.Incarnation, Probe: reason, Grace: s.grace, Rule: "K35"})
	}
	c.killed = true
	l.processes.condemned(s.container, reason)
	l.wait(stopping, l.durations.StopRequest.Sample(l.random.Rand))
}

// wait sets what the sync waits for, and for how long at the most.
func (l *life) wait(p phase, d time.Duration) {
	l.sync.phase = p
	if d == 0 {
		l.stepSync()
		return
	}
	l.timers.set(l.syncTimer(), l.now+d)
}

// stepSync goes on when what the sync waited for has come. Meanwhile the cached
// status, and with it Ready and the endpoints, stays as it was (K32, K78).
func (l *life) stepSync() {
	s := &l.sync
	c := &l.containers[s.container]
	switch s.phase {
	case starting:
		l.started()
		return
	case finalising:
		l.endTermination()
		return
	}
	if !c.live.Running { // gone, by itself or by the signal
		l.timers.set(l.syncTimer(), never)
		if s.terminating {
			l.wait(finalising, l.durations.FinalStatus.Sample(l.random.Rand))
			return
		}
		l.nextKill()
		return
	}
	switch s.phase {
	case stopping:
		s.preStop = kubelet.PreStopLasts(c.spec.PreStop.Lasts, s.grace)
		l.wait(preStopping, s.preStop)
	case preStopping:
		l.wait(signalling, l.durations.StopSignal.Sample(l.random.Rand))
	case signalling:
		remaining := kubelet.RemainingGrace(s.grace, s.preStop)
		l.signal(s.container, "SIGTERM")
		l.processes.terminate(s.container)
		l.wait(awaitingExit, remaining+l.durations.KillLate.Sample(l.random.Rand))
	case awaitingExit:
		l.signal(s.container, "SIGKILL")
		l.exit(s.container, 137)
	}
}

func (l *life) signal(c int, name string) {
	if l.trace != nil {
		l.emit(Event{Kind: EventSignal, Container: c, Incarnation: l.containers[c].live.Incarnation, Text: name, Rule: "K37"})
	}
}

// nextStart starts the next container that does not run and is to be
// restarted, unless back-off refuses it (K39); when there are no more the sync
// ends.
func (l *life) nextStart() {
	s := &l.sync
	for s.container++; s.container < len(l.containers); s.container++ {
		c := &l.containers[s.container]
		if !l.wanted(c) {
			continue
		}
		finished, exited := c.atSync.LatestExited()
		until, ok := c.backOff.Start(l.now, finished, exited)
		if !ok {
			l.refuse(c, until)
			continue
		}
		s.acted = true
		delay := l.durations.Restart
		if c.live.Incarnation < 0 {
			delay = l.durations.FirstStart
		}
		wait := delay.Sample(l.random.Rand)
		if c.live.Incarnation < 0 {
			wait += l.processes.beforeStart(s.container)
		}
		l.wait(starting, wait)
		return
	}
	l.endSync()
}

// wanted reports whether the sync starts container c: it was not running in
// the state the sync began with, or was killed by this sync, and its restart
// policy asks for it (K35, K38).
func (l *life) wanted(c *container) bool {
	if c.live.Running || l.finished {
		return false
	}
	switch {
	case c.live.Incarnation < 0:
		return true
	case c.atSync.Running && !c.killed:
		return false
	case c.killed:
		return l.pod.RestartsAfterKill(c.spec)
	}
	return l.pod.RestartsAfterExit(c.spec, c.live.ExitCode)
}

// refuse records that a start was refused until the back-off ends.
func (l *life) refuse(c *container, until time.Duration) {
	l.sync.refused = true
	if l.trace != nil && (!c.refused || c.until != until) {
		l.emit(Event{Kind: EventBackOff, Container: l.sync.container, Incarnation: c.latestExited(), Until: until, Delay: c.backOff.Delay(), Rule: "K39"})
	}
	c.refused, c.until = true, until
	l.processes.refused(l.sync.container)
}

// latestExited returns the number of the container whose finish time decided a
// start (K39).
func (c *container) latestExited() int {
	if c.atSync.Running {
		return c.atSync.Incarnation - 1
	}
	return c.atSync.Incarnation
}

// started makes the container of the current sync run.
func (l *life) started() {
	c := &l.containers[l.sync.container]
	earlier, exited := c.live.FinishedAt, c.live.Incarnation >= 0
	rule := c.startRule()
	c.live = kubelet.Runtime{
		Incarnation: c.live.Incarnation + 1, Running: true, StartedAt: l.now,
		EarlierExited: exited, EarlierFinishedAt: earlier,
	}
	c.refused = false
	if l.trace != nil {
		l.emit(Event{Kind: EventStart, Container: l.sync.container, Incarnation: c.live.Incarnation, Rule: rule})
	}
	l.processes.started(l.sync.container)
	l.changed()
	l.nextStart()
}

// startRule names the rule by which the current sync starts the container: the
// pod's first, in place after a kill, after a back-off, or after an exit.
func (c *container) startRule() string {
	switch {
	case c.live.Incarnation < 0:
		return "K44"
	case c.refused:
		return "K43"
	case c.killed:
		return "K40"
	}
	return "K38"
}

// endSync sets the timer of the next sync without cause (K43, K45), and begins
// a pending one.
func (l *life) endSync() {
	s := &l.sync
	s.phase, s.lastEnd, s.relisted = idle, l.now, false
	l.finish()
	if l.durations.RelistPeriod > 0 && s.acted && !s.refused && l.version.RelistAfterAction() {
		l.relistAtOnce()
	}
	switch {
	case s.refused:
		l.timers.set(l.podTimer(), l.requeue())
	case !l.durations.Resync.IsZero():
		l.timers.set(l.podTimer(), l.now+l.durations.Resync.Sample(l.random.Rand))
	}
	if s.pending {
		s.pending = false
		l.requestSync()
	}
}

// relistAtOnce makes a relist of the pod that does not shift the raster (K45).
func (l *life) relistAtOnce() {
	if after := l.durations.RelistAtOnce.Sample(l.random.Rand); after > 0 {
		l.relistBy(l.now + after)
		return
	}
	l.sync.relisted = true
	l.timers.set(l.relistTimer(), never)
	if l.observe() {
		l.sync.pending = true
	}
}

// requeue returns when a refused start is tried again (K43).
func (l *life) requeue() time.Duration {
	const resync = time.Minute
	remaining := resync
	for i := range l.containers {
		if c := &l.containers[i]; c.refused {
			remaining = min(remaining, max(0, c.until-l.now))
		}
	}
	if !l.version.RequeueAtBackOffEnd() {
		remaining = 10 * time.Second
	}
	at := l.now + time.Duration(float64(remaining)*l.durations.BackOffFactor.Sample(l.random.Rand))
	if raster := l.durations.BackOffRaster; raster > 0 {
		at += time.Duration(l.random.Float64() * float64(raster))
	}
	return at
}

// finish ends the pod if nothing runs and nothing will (K35, K87).
func (l *life) finish() {
	if l.finished || !l.pod.EndsByItself() {
		return
	}
	for i := range l.containers {
		c := &l.containers[i]
		if c.spec.Sidecar { // keeps no pod from its end
			continue
		}
		if c.live.Running || c.live.Incarnation < 0 || l.wanted(c) || c.seen != c.live {
			return
		}
	}
	l.finished = true
}

// createWorkers creates the pod's workers, at its first sync (K1).
func (l *life) createWorkers() {
	for i := range l.containers {
		c := &l.containers[i]
		for k := model.Startup; k < model.ProbeKinds; k++ {
			if p := c.spec.Probes[k]; p != nil {
				c.workers[k] = kubelet.NewWorker(*p, k, l.version, l.now, l.jitter(p))
				l.timers.set(l.tickTimer(i*model.ProbeKinds+int(k)), c.workers[k].NextTick)
			}
		}
	}
}

// jitter draws how long a worker waits before its first look: a part of its
// period if the kubelet is younger than that (K4).
func (l *life) jitter(p *model.Probe) time.Duration {
	if p.Period() <= l.now-l.kubeletStart {
		return 0
	}
	return l.processes.jitter(p.Period())
}

// floorDiv returns a/b rounded towards minus infinity, for b > 0.
func floorDiv(a, b time.Duration) time.Duration {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
