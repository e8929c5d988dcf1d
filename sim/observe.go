package sim

import (
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// observe makes the application ask itself what probes of kind k would meet.
// The grid begins where a worker's would: at the pod's first sync (K2).
func (a *application) observe(k model.ProbeKind, period time.Duration, effort int64) {
	a.observedKind, a.observedPeriod, a.observedUntil = k, period, math.MaxInt64
	if effort > 0 && a.cpu != nil {
		a.observedUntil = a.cpu.Handled() + effort
	}
	a.set(timerObserve, 0)
}

// askObserver asks one observer's question.
func (a *application) askObserver() {
	l := a.life
	if a.cpu != nil && a.cpu.Handled() >= a.observedUntil {
		l.ended, l.horizon = true, l.now
		return
	}
	a.set(timerObserve, l.now+a.observedPeriod)
	c := &l.containers[a.studied]
	if c.live.Incarnation < 0 {
		return
	}
	for i := len(l.containers) * model.ProbeKinds; i < len(l.attempts); i++ {
		if t := &l.attempts[i]; t.asked == 0 {
			*t = attempt{container: a.studied, kind: a.observedKind, starting: !a.serving}
			l.ask(t, i)
			return
		}
	}
	// The process has not answered any of so many questions.
	a.observations = append(a.observations, Observation{
		At: l.now, Latency: maxObservers * a.observedPeriod, Incarnation: c.live.Incarnation, Starting: !a.serving,
	})
}

// observed implements processes.
func (a *application) observed(t *attempt) {
	a.observations = append(a.observations, a.observation(t, a.life.now-t.start))
}

func (a *application) observation(t *attempt, latency time.Duration) Observation {
	return Observation{
		At: t.start, Latency: latency, Incarnation: t.incarnation, Starting: t.starting,
		Failed: t.outcome != kubelet.Success,
	}
}
