package sim

import (
	"time"

	"github.com/probesim/probesim/model/kubelet"
)

// The scenario's events: deletions of the pod, restarts of the kubelet and
// rollouts.

// jitter implements processes (K4).
func (a *application) jitter(period time.Duration) time.Duration {
	return time.Duration(a.random[streamJitter].Float64() * float64(period))
}

// scheduleEvents sets the first deletion, restart of the kubelet and rollout.
func (a *application) scheduleEvents() {
	a.scheduleDeletion()
	if d := a.world.Events.KubeletRestart; d != nil {
		a.set(timerKubelet, later(a.life.now, d.Sample(a.random[streamKubelet].Rand)))
	}
	a.scheduleRollout()
}

// scheduleRollout sets the next rollout. It is counted from the end of the one
// before.
func (a *application) scheduleRollout() {
	if d := a.world.Events.Rollout; d != nil {
		a.set(timerRollout, later(a.life.now, d.Sample(a.random[streamRollout].Rand)))
	}
}

// rolloutDue begins a rollout, which the Simulator carries out: it needs a
// second life.
func (a *application) rolloutDue() {
	a.set(timerRollout, never)
	a.note("rollout begins", "K84")
	a.life.rolling = true
}

func (a *application) scheduleDeletion() {
	if d := a.world.Events.Deletion; d != nil {
		a.set(timerDeletion, later(a.life.now, d.Sample(a.random[streamDeletion].Rand)))
	}
}

// deleteCalled deletes the pod in the API: its endpoint is not ready any more
// whatever its Ready condition, and the kubelet will stop it (K50, K79).
func (a *application) deleteCalled() {
	a.set(timerDeletion, never)
	a.note("pod deleted", "K79")
	stated := a.world.Events.DeletionGrace
	if a.role == leaving { // its controller states none
		stated = nil
	}
	a.life.deletionGrace = kubelet.DeletionGrace(a.life.pod, stated)
	a.endpoints.api.terminating = true
	if a.world.Cluster.Propagation != nil {
		a.published()
	} else {
		a.watch(a.draw(&a.life.durations.DeleteEvent))
	}
	a.set(timerDeleted, a.life.now+a.draw(&a.life.durations.Delete))
}

// podGone implements processes. The next deletion is counted from here, but that
// of a pod which a rollout has replaced from its replacement.
func (a *application) podGone() {
	a.note("pod gone", "K81")
	a.account()
	a.ledger.backOff = false
	e := &a.endpoints
	e.api, e.writes = endpoint{}, endpoint{}
	e.balancer.gone = true
	if a.world.Cluster.Propagation == nil {
		a.watch(a.draw(&a.life.durations.PodEvent))
	}
	if a.role != leaving {
		a.scheduleDeletion()
	}
}

// The kubelet is away for half a second to two, as in the measured restarts
// (K85), and then boots.
const (
	leastDowntime = 500 * time.Millisecond
	mostDowntime  = 2 * time.Second
)

// kubeletKilled restarts the kubelet, as soon as it is not stopping or starting
// a container.
func (a *application) kubeletKilled() {
	r := a.random[streamKubelet].Rand
	down := leastDowntime + time.Duration(r.Int64N(int64(mostDowntime-leastDowntime)))
	if !a.life.restartKubelet(down) {
		a.set(timerKubelet, a.life.now+time.Second)
		return
	}
	a.note("kubelet restarts", "K54")
	a.set(timerKubelet, later(a.life.now, a.world.Events.KubeletRestart.Sample(r)))
}
