package calc

import (
	"fmt"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// What happens at a container's start before its readiness probe's grid is
// settled.
const (
	firstTrigger = 40 * time.Millisecond // start to the first attempt, which the first status of the running container triggers (K12, K74)
	resync       = time.Minute           // a pod is synced again at the latest by then, and half as much later (K45)
	relist       = time.Second           // that attempt's failure to the second trigger takes a uniform part of this (K13, K45)
	listed       = 20 * time.Millisecond // start to the pod in the slice, not ready (K75)
)

// wastedTriggers is how many triggers there are to each that finds the old status and
// is wasted (K14, K74).
const wastedTriggers = 10

// Numbers of equally likely values of what decides a ready lag.
const (
	lagStartups = 128
	lagAnchors  = 64
	lagSeconds  = 4
)

// readyLag fills in the time from being able to serve to the endpoints, of a
// pod's first start.
func (s *studied) readyLag(probe *Probe) {
	first, firstSettings := s.probe(model.Startup)
	_, settings := s.probe(model.Readiness)
	parts, why := s.readyStartup()
	if why != "" {
		s.c.note("readyLagSeconds: null: %s; run simulates it", why)
		return
	}
	startup := dist.Duration{}
	if len(parts) == 1 {
		startup = parts[0]
	}
	var gatedBy *Settings
	if first != nil {
		gatedBy = &firstSettings
	}
	probe.ReadyLagSeconds = settings.ReadyLag(startup, gatedBy, AfterListing(&s.w.Cluster)).Then(append(s.propagation(), s.wait(model.Readiness))...).Seconds()
	wasted := ""
	if first == nil {
		wasted = ", one trigger in ten being wasted (K14, K74)"
	}
	s.c.note("readyLagSeconds: of a pod's first start%s; a sync that happens to come first triggers an attempt earlier (K9)", wasted)
}

// AfterListing is the time from a container's start before which its readiness is no
// isolated change: the proxies, which have just listed the pod as not ready (K75), wait
// for minSyncPeriod after that (K72). 0 where the whole propagation is stated.
func AfterListing(c *model.Cluster) time.Duration {
	if c.Propagation != nil {
		return 0
	}
	return listed + applicationOfRules + c.MinSyncPeriod + applicationOfRules - isolatedChange.Quantile(0.5)
}

// readyStartup returns the parts of the startup, at most one, from which the
// ready lag follows, or why it does not.
func (s *studied) readyStartup() (parts []dist.Duration, why string) {
	container := s.w.Container()
	for i := range s.w.Pod.Containers {
		if other := &s.w.Pod.Containers[i]; other != container && other.Probed() {
			return nil, fmt.Sprintf("the pod is ready when the container %s is, too (K48)", other.Name)
		}
	}
	for _, kind := range []model.ProbeKind{model.Startup, model.Readiness} {
		p, settings := s.probe(kind)
		if p == nil {
			continue
		}
		if p.Handler.NoPort {
			return nil, fmt.Sprintf("every attempt of the %s probe errs, and the pod is never ready (K21)", kind)
		}
		if p.Handler.Kind == model.TCPSocket {
			return nil, fmt.Sprintf("the %s probe asks the kernel, which answers as soon as the process listens (C10)", kind)
		}
		if why := s.unsteady(kind); why != "" {
			return nil, fmt.Sprintf("%s probe: %s", kind, why)
		}
		for _, stage := range s.w.Application.Startup {
			if !stage.Answers.Fault().Judged() || redials(p, &stage) {
				return nil, fmt.Sprintf("not every attempt of the %s probe at the starting process fails", kind)
			}
			if settings.Timeout > settings.Period && (stage.Answers == model.AnswersTimeout || p.Handler.Kind == model.GRPC) {
				return nil, fmt.Sprintf("attempts of the %s probe at the starting process outlast its period", kind)
			}
		}
	}
	if s.w.Container().Probes[model.Startup] != nil && len(s.w.Application.BeforeStart) > 0 {
		return nil, "what comes before the container's start shifts the startup probe's grid"
	}
	parts, err := s.startupParts()
	switch {
	case err != nil:
		return nil, err.Error()
	case len(parts) > 1:
		return nil, "several of the startup's stages are random"
	}
	return parts, ""
}

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
// Without a startup probe, one trigger in ten is wasted (K14, K74): the attempt then
// comes a period later, or where no process was up yet the grid is that of the first
// trigger. The startup probe's success is published before its sync sends the trigger
// (K30), so that none is wasted behind it. What comes before notBefore after the start
// counts as of then.
//
// SuccessThreshold adds whole periods. A sync of the pod that happens to come
// earlier triggers an attempt too (K9), which is left out. The result is made
// of equally likely values, so that its bounds are good to about a hundredth of
// the spread of startup.
func (s Settings) ReadyLag(startup dist.Duration, gatedBy *Settings, notBefore time.Duration) Window {
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
				wasted := len(lags)%wastedTriggers == 0
				ready := s.readyAt(value, anchor, since, gatedBy, wasted)
				lags = append(lags, float64(max(ready, notBefore)-value))
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
// whole second, a grid that begins at anchor, and a trigger that is wasted or not.
func (s Settings) readyAt(startup, anchor, since time.Duration, gatedBy *Settings, wasted bool) time.Duration {
	gate := s.gate(since)
	if gatedBy != nil {
		succeeds := gatedBy.firstAfter(Anchor, max(startup, gatedBy.gate(since)))
		return succeeds + periods(gate-succeeds, s.Period)
	}
	atOnce := startup <= firstTrigger && gate <= firstTrigger
	switch {
	case atOnce && wasted:
		return firstTrigger + s.Period
	case atOnce:
		return firstTrigger
	case wasted && max(startup, s.gate(0)) < resync: // no attempt fails, so that nothing triggers again (K13)
		anchor = firstTrigger
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
