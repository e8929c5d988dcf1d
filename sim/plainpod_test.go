package sim_test

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

// The syncs of the plain engine, and what really runs.

func (p *plain) spacing() time.Duration { return p.durations.RelistPeriod + p.durations.RelistLasts }

func (p *plain) nextRelist() time.Duration {
	spacing, since := p.spacing(), p.now-p.relistPhase
	n := since / spacing
	if since%spacing < 0 {
		n--
	}
	return p.relistPhase + (n+1)*spacing
}

func (p *plain) fresh() bool {
	return p.sync.relisted || p.nextRelist()-p.spacing() > p.sync.lastEnd
}

func (p *plain) relistBy(at time.Duration) {
	if r := p.sync.relist; r != nil && r.at <= at {
		return
	}
	p.sync.relist.cancel()
	p.sync.relist = p.at(at, p.relist)
}

// relist takes the runtime's state (K45).
func (p *plain) relist() {
	p.sync.relist = nil
	p.sync.relisted = true
	changed := p.observe()
	if p.sync.awaitsRelist {
		p.sync.awaitsRelist = false
		p.beginSync()
	}
	if changed {
		p.requestSync()
	}
}

func (p *plain) observe() bool {
	changed := p.seen != p.live
	p.seen = p.live
	return changed
}

// requestSync asks for a sync (K31).
func (p *plain) requestSync() {
	switch s := &p.sync; {
	case s.running || s.awaitsRelist:
		s.pending = true
	case !s.first && !p.fresh():
		s.awaitsRelist = true
		p.relistBy(p.nextRelist())
	default:
		p.beginSync()
	}
}

// beginSync publishes the status and kills or starts the container (K35, K44).
func (p *plain) beginSync() {
	s := &p.sync
	s.next.cancel()
	s.running, s.acted, s.refused = true, false, false
	p.generate()
	if s.first {
		s.first = false
		for k, probe := range p.container.Probes {
			p.workers[k] = kubelet.NewWorker(*probe, model.ProbeKind(k), p.world.Cluster.KubernetesVersion, p.now, 0)
			p.ticks[k] = p.at(p.workers[k].NextTick, func() { p.tick(model.ProbeKind(k)) })
		}
	}
	if kind, condemned := p.workers.Verdict(p.atSync.Incarnation); condemned && p.atSync.Running {
		p.kill(kind)
		return
	}
	p.start()
}

func (p *plain) generate() {
	p.atSync, p.killed = p.seen, false
	status, trigger := p.workers.Generate(&p.atSync, p.status, p.refused, false)
	early := trigger && p.kubelet.Float64() < p.durations.WastedTrigger
	if early {
		p.trigger()
	}
	p.publish(status)
	p.startedAt = (p.atSync.StartedAt + p.wallOffset).Truncate(time.Second) - p.wallOffset
	if trigger && !early {
		p.trigger()
	}
}

// kill stops the container (K35 to K37).
func (p *plain) kill(kind model.ProbeKind) {
	p.sync.acted, p.killed = true, true
	grace := kubelet.Grace(&p.workers[kind].Probe, &p.world.Pod)
	if p.alive {
		p.out.FalseKills[kind]++
		if !p.serving {
			p.out.KillsWhileStarting++
		} else if p.early[kind] {
			p.out.Outlived--
		}
		if !p.serving || p.early[kind] {
			p.out.KillsOfStarts++
		}
		if p.out.Outlived == 0 {
			p.out.KillsAtFirst[kind]++
		}
		p.out.FalseKillTimes = append(p.out.FalseKillTimes, p.now)
	}
	p.at(p.now+p.durations.StopRequest.Sample(p.kubelet), func() {
		p.at(p.now+p.durations.StopSignal.Sample(p.kubelet), func() {
			p.terminate()
			late := p.at(p.now+kubelet.RemainingGrace(grace, 0)+p.durations.KillLate.Sample(p.kubelet), func() { p.exit(137) })
			p.sync.exited = func() { late.cancel(); p.start() }
		})
	})
}

// terminate is what the process does about SIGTERM: it exits at once.
func (p *plain) terminate() {
	p.account()
	p.terminating, p.listening = true, false
	p.at(p.now, func() { p.exit(143) })
	p.stateChanged()
}

// exit ends the process.
func (p *plain) exit(code int) {
	p.live.Running, p.live.FinishedAt, p.live.ExitCode = false, p.now, code
	p.account()
	p.flushRuns()
	p.alive, p.serving, p.terminating, p.listening = false, false, false, false
	p.able = forEver
	p.stage.cancel()
	p.resetConnections()
	p.stateChanged()
	p.relistBy(p.nextRelist())
	if waits := p.sync.exited; waits != nil {
		p.sync.exited = nil
		waits()
	}
}

// start starts the container unless it runs, or back-off refuses it (K39).
func (p *plain) start() {
	if p.live.Running || p.atSync.Running && !p.killed {
		p.endSync()
		return
	}
	finished, exited := p.atSync.LatestExited()
	if _, ok := p.backOff.Start(p.now, finished, exited); !ok {
		p.sync.refused, p.refused = true, true
		p.account()
		p.backedOff = true
		p.endSync()
		return
	}
	p.sync.acted = true
	delay := p.durations.Restart
	if p.live.Incarnation < 0 {
		delay = p.durations.FirstStart
	}
	p.at(p.now+delay.Sample(p.kubelet), func() { p.started(); p.endSync() })
}

// started makes the container run.
func (p *plain) started() {
	earlier, exited := p.live.FinishedAt, p.live.Incarnation >= 0
	p.live = kubelet.Runtime{Incarnation: p.live.Incarnation + 1, Running: true, StartedAt: p.now, EarlierExited: exited, EarlierFinishedAt: earlier}
	p.refused = false
	p.account()
	p.alive = true
	p.out.Starts++
	p.launched, p.readySince = p.now, forEver
	p.stage = p.at(p.now+p.world.Application.Startup[0].Wait.Sample(p.process), func() {
		p.account()
		p.serving, p.listening = true, !p.terminating
		p.out.StartupsCompleted++
		if p.out.Outlived == 0 {
			p.out.FirstOutlived = p.now
		}
		p.out.Outlived++
		p.out.StartupTimes = append(p.out.StartupTimes, p.now-p.launched)
		if !p.endpoints.in {
			p.able = p.now
		}
		p.stateChanged()
	})
	p.stateChanged()
	p.relistBy(p.nextRelist())
}

// endSync ends a sync and schedules the next one without cause (K43, K45).
func (p *plain) endSync() {
	s := &p.sync
	s.running, s.lastEnd, s.relisted = false, p.now, false
	if s.acted && !s.refused {
		p.relistBy(p.now + p.durations.RelistAtOnce.Sample(p.kubelet))
	}
	at := p.requeue()
	s.next = p.at(at, p.requestSync)
	if s.pending {
		s.pending = false
		p.requestSync()
	}
}

func (p *plain) requeue() time.Duration {
	if !p.sync.refused {
		return p.now + p.durations.Resync.Sample(p.kubelet)
	}
	finished, _ := p.atSync.LatestExited()
	remaining := min(time.Minute, max(0, finished+p.backOff.Delay()-p.now))
	at := p.now + time.Duration(float64(remaining)*p.durations.BackOffFactor.Sample(p.kubelet))
	return at + time.Duration(p.kubelet.Float64()*float64(p.durations.BackOffRaster))
}

// beginNeighbour begins the neighbour in its stationary state.
func (p *plain) beginNeighbour() {
	n := &p.world.Node.Neighbours[0]
	busy, idle := n.Busy.Nanoseconds.(dist.Exponential), n.Idle.Nanoseconds.(dist.Exponential)
	p.busy = p.neighbour.Float64() < float64(busy)/float64(busy+idle)
	rest := idle
	if p.busy {
		rest = busy
	}
	p.at(time.Duration(rest.Sample(p.neighbour)), p.turn)
}

// turn lets the neighbour turn busy or idle.
func (p *plain) turn() {
	p.account()
	n := &p.world.Node.Neighbours[0]
	lasts := n.Busy
	if p.busy {
		lasts = n.Idle
	}
	p.busy = !p.busy
	p.at(p.now+lasts.Sample(p.neighbour), p.turn)
	p.stateChanged()
}

func (p *plain) flushRuns() {
	for k := range p.runs {
		p.flushRun(model.ProbeKind(k))
	}
}

func (p *plain) flushRun(k model.ProbeKind) {
	if run := p.runs[k]; run > 0 {
		p.out.RunLengths[k][min(run, sim.LongestRun)-1]++
		p.runs[k], p.early[k] = 0, false
	}
}

// account books the time since the last change.
func (p *plain) account() {
	d := p.now - p.since
	p.since = p.now
	p.out.StateTime[p.state] += d
	if p.backedOff {
		p.out.BackOffTime += d
	}
	dead := p.state != sim.Serving && (p.state != sim.Terminating || !p.listening)
	switch in := p.endpoints.in; {
	case in && dead:
		p.out.DeadTraffic += d
	case in && p.state == sim.Serving:
		p.out.Available += d
	case p.state == sim.Serving:
		p.out.FalseUnready += d
	}
}

// stateChanged takes note of the true state after a change.
func (p *plain) stateChanged() {
	state := sim.Serving
	switch {
	case !p.alive:
		state = sim.Down
	case p.terminating:
		state = sim.Terminating
	case !p.serving:
		state = sim.Starting
	}
	if state == p.state {
		return
	}
	p.account()
	p.state = state
	if state != sim.Down {
		p.backedOff = false
	}
}

func (p *plain) becameReady() {
	if p.out.NeverReady {
		p.out.NeverReady, p.out.FirstReady = false, p.now
	}
	if p.alive && p.readySince == forEver {
		p.readySince = p.now
		p.out.TimesToReady = append(p.out.TimesToReady, p.now-p.launched)
	}
}
