package calc

import (
	"time"

	"github.com/probesim/probesim/model/dist"
)

// What happens at a container's start before its readiness probe's grid is
// settled.
const (
	firstTrigger = 40 * time.Millisecond // start to the first attempt, which the first status of the running container triggers (K12, K74)
	resync       = time.Minute           // a pod is synced again at the latest by then, and half as much later (K45)
	relist       = time.Second           // that attempt's failure to the second trigger takes a uniform part of this (K13, K45)
)

// Numbers of equally likely values of what decides a ready lag.
const (
	lagStartups = 128
	lagAnchors  = 64
	lagSeconds  = 4
)

// ReadyLag returns the time from being able to serve to the readiness probe's
// verdict (S5), for a container that takes startup to be able to serve:
//
//   - Without a startup probe, the grid is that of the second trigger, within
//     about a second after the start; the first attempt that counts is the first
//     on it that comes after both the startup and the initial delay. A sync that
//     comes meanwhile triggers again and moves the grid (K3, K9), so that it is
//     anywhere after a minute.
//   - Behind a startup probe (gatedBy), it is the attempt that the startup
//     probe's first success triggers at once (K12); its grid is anchored before
//     the container's start (K2). If the readiness probe's own initial delay is
//     not over then, its grid begins there.
//
// SuccessThreshold adds whole periods. A sync of the pod that happens to come
// earlier triggers an attempt too (K9), which is left out. The result is made
// of equally likely values, so that its bounds are good to about a hundredth of
// the spread of startup.
func (s Settings) ReadyLag(startup dist.Duration, gatedBy *Settings) Window {
	var lags []float64
	for _, value := range spread(startup) {
		for i := range lagAnchors {
			part := time.Duration(2*i + 1)
			anchor := firstTrigger + relist*part/(2*lagAnchors)
			if max(value, s.gate(0)) >= resync {
				anchor = s.Period * part / (2 * lagAnchors)
			}
			for j := range lagSeconds {
				since := time.Second * time.Duration(2*j+1) / (2 * lagSeconds)
				ready := s.readyAt(value, anchor, since, gatedBy)
				lags = append(lags, float64(ready-value))
			}
		}
	}
	w := Window{Fixed: time.Duration(s.Successes-1) * s.Period}
	if together, err := dist.NewSamples(lags); err == nil { // there is always one, and none is below 0
		w = w.Then(dist.Duration{Nanoseconds: together})
	}
	return w
}

// readyAt returns the time from a container's start to the readiness probe's
// first success, for a startup of the given length, a start so long after a
// whole second, and a grid that begins at anchor.
func (s Settings) readyAt(startup, anchor, since time.Duration, gatedBy *Settings) time.Duration {
	gate := s.gate(since)
	if gatedBy != nil {
		succeeds := gatedBy.firstAfter(Anchor, max(startup, gatedBy.gate(since)))
		return succeeds + periods(gate-succeeds, s.Period)
	}
	if startup <= firstTrigger && gate <= firstTrigger {
		return firstTrigger
	}
	return anchor + periods(max(startup, gate)-anchor, s.Period)
}

// periods returns t, rounded up to whole periods, at least none.
func periods(t, period time.Duration) time.Duration {
	return max(0, (t+period-1)/period*period)
}

// spread returns equally likely durations that stand for a distribution.
func spread(d dist.Duration) []time.Duration {
	if d.Quantile(0) == d.Quantile(1) {
		return []time.Duration{d.Quantile(0)}
	}
	values := make([]time.Duration, lagStartups)
	for i := range values {
		values[i] = d.Quantile((float64(i) + .5) / lagStartups)
	}
	return values
}
