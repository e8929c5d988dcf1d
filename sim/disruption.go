package sim

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// Disruptions come from outside the pod: its deletion, and a restart of the
// kubelet.

// deletePod is what the kubelet does once it has seen the pod's deletion. It
// waits like any other sync (K31, K80).
func (l *life) deletePod() {
	if l.sync.deleting {
		return
	}
	l.sync.deleting = true
	if l.sync.phase == kubeletDown {
		return
	}
	l.requestSync()
}

// beginTermination stops the liveness and startup workers of regular containers
// and begins to stop the containers; readiness workers go on (K52). The other
// containers of the pod stop beside the studied one and are not waited for.
func (l *life) beginTermination() {
	s := &l.sync
	s.terminating = true
	for i := range l.containers {
		c := &l.containers[i]
		for _, k := range [...]model.ProbeKind{model.Startup, model.Liveness} {
			if c.workers[k].Running() && !c.spec.Sidecar {
				c.workers[k].Stop()
				l.timers.set(l.tickTimer(i*model.ProbeKinds+int(k)), never)
			}
		}
		if i != l.studied && c.live.Running {
			l.processes.terminate(i)
		}
	}
	s.container, s.phase = l.studied, stopping
	s.grace = l.deletionGrace
	l.wait(stopping, l.durations.StopRequest.Sample(l.random.Rand))
}

// endTermination stops what is left of a deleted pod, and lets a new one begin
// in its place, unless a rollout has begun one: a StatefulSet's successor, which
// has to wait until the old pod's object is gone (K81).
func (l *life) endTermination() {
	l.finished = false
	l.podReady = false
	l.processes.podGone()
	for i := range l.containers {
		l.clearContainer(i)
	}
	l.sync = podSync{first: true}
	l.forgetUpdates()
	l.timers.set(l.relistTimer(), never)
	l.timers.set(l.podTimer(), never)
	l.timers.set(l.syncTimer(), never)
	removed := l.nextRelist() + l.durations.Removed.Sample(l.random.Rand)
	if l.trace != nil && removed <= l.horizon {
		l.trace.add(Event{At: removed, Kind: EventNote, Container: -1, Text: "pod object removed", Rule: "K81"})
	}
	if l.gone = l.replaced; !l.gone {
		l.timers.set(l.podTimer(), removed+l.durations.Creation.Sample(l.random.Rand))
	}
}

// clearContainer forgets all that the kubelet knows of container i.
func (l *life) clearContainer(i int) {
	none := kubelet.Runtime{Incarnation: -1}
	l.containers[i] = container{
		spec: &l.pod.Containers[i], live: none, seen: none, atSync: none,
		status:  kubelet.Status{Incarnation: -2},
		backOff: l.backOff,
	}
	l.clearWorkers(i)
	l.timers.set(l.exitTimer(i), never)
}

// clearWorkers forgets the workers of container i and their attempts.
func (l *life) clearWorkers(i int) {
	l.containers[i].workers = kubelet.Workers{}
	for k := range model.ProbeKinds {
		index := i*model.ProbeKinds + k
		l.attempts[index] = attempt{}
		l.timers.set(l.tickTimer(index), never)
		l.timers.set(l.attemptTimer(index), never)
	}
}

// restartKubelet kills the kubelet. Workers, counters, results and back-off
// state are lost (K54); containers run on. It reports false while a container
// is being stopped or started, which the caller has to wait out.
func (l *life) restartKubelet(down time.Duration) bool {
	if l.sync.phase != idle && l.sync.phase != awaitingRelist || l.sync.deleting {
		return false
	}
	for i := range l.containers {
		l.clearWorkers(i)
		l.containers[i].backOff.Forget()
	}
	l.forgetUpdates()
	l.sync = podSync{first: true, phase: kubeletDown}
	l.timers.set(l.relistTimer(), never)
	l.timers.set(l.syncTimer(), never)
	l.kubeletStart = l.now + down
	l.timers.set(l.podTimer(), l.kubeletStart+l.durations.KubeletBoot.Sample(l.random.Rand))
	return true
}

// bootKubelet begins the new kubelet's first sync of the pod (K85).
func (l *life) bootKubelet() {
	l.sync.phase = idle
	if l.trace != nil {
		l.trace.add(Event{At: l.kubeletStart, Kind: EventNote, Container: -1, Text: "kubelet starts", Rule: "K54"})
	}
	l.relistPhase = l.now
	l.observe()
	l.requestSync()
}

// adoptionAge is how long before the kubelet's start a container must have
// started to keep its state over the restart (K54).
const adoptionAge = 10 * time.Second

// adopted reports whether a container that started at the given instant keeps
// its readiness and gets no initial results (K54).
func (l *life) adopted(startedAt time.Duration) bool {
	return l.version.AdoptsContainers() && startedAt < l.kubeletStart-adoptionAge
}
