package sim

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// quiet reports whether nothing is under way: the process serves, every probe's
// latest attempt, its verdict and the published status are successes, the kubelet
// has nothing left to do, and an attempt can fail only by itself.
func (a *application) quiet() bool {
	l := a.life
	if !a.serving || a.terminating || !a.listening || a.frozen > 0 ||
		l.sync.phase != idle || l.sync.pending || l.sync.first || l.sync.deleting || l.finished || len(l.updates) > 0 {
		return false
	}
	for i := range l.containers {
		if !l.settled(i) {
			return false
		}
	}
	for k, p := range a.world.Container().Probes {
		if p != nil && !a.answers(model.ProbeKind(k)) {
			return false
		}
	}
	return true
}

// settled reports whether the workers of container i make their attempts, if any,
// one like the other.
func (l *life) settled(i int) bool {
	c := &l.containers[i]
	for k := range c.workers {
		w := &c.workers[k]
		if !w.Running() {
			continue
		}
		if w.Busy() || l.attempts[i*model.ProbeKinds+k].asked != 0 || !w.Settled(c.status.Incarnation) ||
			l.now-c.startedAt < w.Probe.InitialDelay()+time.Second {
			return false
		}
	}
	return c.status.State == kubelet.Running && c.status.Started && c.status.Ready && c.live.Running && c.seen == c.live
}

// answers reports whether nothing that lasts makes the answers to probes of kind
// k failures, or keeps them from coming.
func (a *application) answers(k model.ProbeKind) bool {
	if a.hung && a.notices[k] || a.faultOf(k) != nil {
		return false
	}
	if a.app.Probes[k].Cached > 0 {
		return a.cached[k] == healthy
	}
	return a.unhealthy(k) == healthy
}
