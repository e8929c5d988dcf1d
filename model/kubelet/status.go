package kubelet

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// Runtime is what the container runtime says about one container name: its
// newest container, and when the one before ended.
type Runtime struct {
	Incarnation int // -1: none was ever created
	Running     bool
	StartedAt   time.Duration
	FinishedAt  time.Duration // of an exited one
	ExitCode    int

	EarlierExited     bool // the runtime still knows the container before it
	EarlierFinishedAt time.Duration
}

// LatestExited returns when the latest exited container of the name ended (K39).
func (r *Runtime) LatestExited() (finished time.Duration, exited bool) {
	if r.Incarnation >= 0 && !r.Running {
		return r.FinishedAt, true
	}
	return r.EarlierFinishedAt, r.EarlierExited
}

// Workers are the workers of one container, indexed by kind of probe. A worker
// that does not exist has the zero value.
type Workers [model.ProbeKinds]Worker

// Generate computes the status of a container from the runtime's state, in the
// order started, ready, trigger (K44). A new container has no readiness result,
// which is what ends Ready after a restart (K47); waiting shows only with the
// sync that a refused start has waited for (K86). previous is the cached status, refused
// that the last start was refused by back-off, adopted that the container ran
// long before the kubelet started (K54). trigger reports that the
// readiness worker is to be sent a manual trigger (K9). A container in back-off is
// terminated until the sync that refuses it again, or ends the wait (K86).
func (ws *Workers) Generate(r *Runtime, previous Status, refused, adopted bool) (s Status, trigger bool) {
	s = Status{Incarnation: r.Incarnation, State: Terminated}
	switch {
	case r.Running:
		s.State = Running
	case r.Incarnation < 0 || refused:
		s.State = Waiting
	}
	if !r.Running {
		return s, false
	}
	s.Started = ws.started(r.Incarnation, previous, adopted)
	if !s.Started {
		return s, false
	}
	readiness := &ws[model.Readiness]
	switch result := readiness.Result(r.Incarnation); { // K46
	case result == ResultSuccess:
		s.Ready = true
	case readiness.Running():
		s.Ready = adopted && result == None && previous.Ready
		trigger = true
	case adopted: // the worker is not made yet
		s.Ready = previous.Ready
	default:
		s.Ready = readiness.Probe.PeriodSeconds == 0
	}
	return s, trigger
}

// started is K10, with the exception of K11. A container that is gone is
// reported not started, unless the startup attempt that was in flight when it
// crashed succeeds afterwards: then its successor is reported started.
func (ws *Workers) started(incarnation int, previous Status, adopted bool) bool {
	startup := &ws[model.Startup]
	if startup.Probe.PeriodSeconds == 0 {
		return true
	}
	if result := startup.Result(incarnation); result != None {
		return result == ResultSuccess
	}
	carried := adopted || startup.Version.StartedCarriesOver()
	return carried && previous.Started
}

// Verdict returns the probe for which the running container is to be killed:
// liveness Failure, else startup Failure (K35, K28).
func (ws *Workers) Verdict(incarnation int) (model.ProbeKind, bool) {
	for _, k := range [...]model.ProbeKind{model.Liveness, model.Startup} {
		if ws[k].Result(incarnation) == ResultFailure {
			return k, true
		}
	}
	return 0, false
}

// minimumGrace is what a container is left between the stop signal and the
// kill, however long preStop took (K37).
const minimumGrace = 2 * time.Second

// Grace returns the grace period of a kill by probe p of a pod (K36).
func Grace(p *model.Probe, pod *model.Pod) time.Duration {
	seconds := pod.TerminationGracePeriodSeconds
	if p.TerminationGracePeriodSeconds != nil {
		seconds = *p.TerminationGracePeriodSeconds
	}
	return wholeSeconds(seconds)
}

// wholeSeconds returns a number of seconds, at most the longest horizon: the API
// accepts any number (K57).
func wholeSeconds(n int64) time.Duration {
	return time.Duration(min(n, int64(dist.Longest/time.Second))) * time.Second
}

// DeletionGrace returns the grace period of a pod's deletion: the smaller of the
// pod's and that of the DELETE call, if the call states one, and at least 1 s (K53).
func DeletionGrace(pod *model.Pod, stated *int64) time.Duration {
	seconds := pod.TerminationGracePeriodSeconds
	if stated != nil {
		seconds = min(seconds, *stated)
	}
	return wholeSeconds(max(1, seconds))
}

// PreStopLasts returns how long a preStop hook that takes lasts is let run
// within a grace period (K37).
func PreStopLasts(lasts, grace time.Duration) time.Duration {
	return max(0, min(lasts, grace))
}

// RemainingGrace returns the time from the stop signal to the kill after a
// preStop hook that took preStop (K37).
func RemainingGrace(grace, preStop time.Duration) time.Duration {
	return max(minimumGrace, grace-preStop.Truncate(time.Second))
}
