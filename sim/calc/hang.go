package calc

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// windows fills in what follows from the settings of each probe (S4, S5).
func (s *studied) windows() {
	for kind := range model.ProbeKind(model.ProbeKinds) {
		p, settings := s.probe(kind)
		if p == nil {
			continue
		}
		probe := settings.windows()
		switch kind {
		case model.Startup:
			probe.DetectionSeconds, probe.DetectionIfRefusedSeconds = nil, nil
			s.c.Probes.Startup = probe
		case model.Readiness:
			s.detection(kind, probe)
			s.removal(probe)
			s.readyLag(probe)
			s.c.Probes.Readiness = probe
		case model.Liveness:
			s.detection(kind, probe)
			s.c.Probes.Liveness = probe
			s.c.FolkFormulas = settings.folkFormulas()
		}
	}
	s.c.note("windows: exact for a fault at a uniform phase of the probe's grid (S4); the kubelet's own delays, some milliseconds, come on top")
}

// detection replaces the windows of a probe by those of its handler: a hung
// process gives no answer, unless the probe reads a status that is computed
// aside, which then turns bad; a tcp probe sees no hang at all (C10); a grpc
// probe retries a refused connection until its timeout (K20). Where attempts
// may be late or failed when the fault begins, only the bounds are known.
func (s *studied) detection(kind model.ProbeKind, probe *Probe) {
	p, settings := s.probe(kind)
	window, why := s.hangWindow(kind)
	switch {
	case window == nil:
		s.c.note("%s probe: detectionSeconds is null: it cannot see a hang", kind)
		probe.DetectionSeconds = nil
	case why != "":
		s.c.note("%s probe: of detectionSeconds and detectionIfRefusedSeconds only the bounds are known: %s; run simulates it", kind, why)
		probe.DetectionSeconds = window.withoutPast(settings).onlyBounds()
	default:
		probe.DetectionSeconds = window.Seconds()
	}
	refused := settings.Detection(p.Handler.Kind == model.GRPC, 0)
	if why != "" {
		probe.DetectionIfRefusedSeconds = refused.withoutPast(settings).onlyBounds()
		return
	}
	probe.DetectionIfRefusedSeconds = refused.Seconds()
}

// hangWindow returns the time from a hang to a probe's verdict; nil: the probe
// cannot see one. Why says that, and why, more than the window's greatest time
// is not known.
func (s *studied) hangWindow(kind model.ProbeKind) (window *Window, why string) {
	p, settings := s.probe(kind)
	answer := &s.w.Application.Probes[kind]
	if p.Handler.NoPort || answer.HangCoverage == 0 {
		return nil, ""
	}
	hang := settings.Detection(answer.Cached == 0, answer.Cached)
	if why := s.unsteady(kind); why != "" {
		return &hang, why
	}
	if failure, _ := s.failure(kind); failure >= negligibleShare && failure < 1 {
		s.c.note("%s probe: detectionSeconds counts the failures that lie behind the probe when the hang begins", kind)
		hang = settings.behind(hang, failure, answer.Cached == 0)
	}
	return &hang, ""
}

// Shares below which the windows leave something out: of the period, that an
// answer takes, and of the attempts, that fail in stalls.
const promptShare, steadyShare = .01, .01

// unsteady says why the attempts of a probe of a serving process are not nearly
// all answered within a small part of the period, or do not fail each for
// itself, as the windows of S4 suppose; empty: they do. A kernel that answers
// for the process is always prompt (C10).
func (s *studied) unsteady(kind model.ProbeKind) string {
	p, settings := s.probe(kind)
	w, app := s.w, &s.w.Application
	answer := &app.Probes[kind]
	work := s.works(kind)
	switch {
	case p.Handler.Kind == model.TCPSocket:
		return ""
	case len(w.Node.Classes) > 0:
		return "the kinds of node differ"
	case answer.RunsOn == model.Workers && app.Traffic != nil:
		return "the probe queues with the traffic"
	case app.Traffic != nil && work:
		return "traffic competes with the answers for the CPU"
	case len(app.Background) > 0 && work:
		return "background work competes with the answers for the CPU"
	case answer.FailsInFlight > 0:
		return "answers depend on the number of requests in flight"
	}
	if reasons := s.otherFailures(kind); len(reasons) > 0 {
		return strings.Join(reasons, "; ")
	}
	latency := Answers(w, kind)
	if small := time.Duration(promptShare * float64(settings.Period)); latency.at(.5, true) > small {
		return fmt.Sprintf("an answer may take more than %v, and the fault may meet it under way", small)
	}
	failure, known := s.failure(kind)
	if _, late := latency.Fails(settings.Timeout); !known && min(failure, late) >= negligibleShare {
		return "the quota may make answers late, and failures may lie behind when the fault begins"
	}
	all := s.slownesses()
	if slow, _ := s.failureWhen(kind, all[len(all)-1].factor); len(all) > 1 && slow >= negligibleShare {
		return "answers may come too late while a neighbour is busy, and failures may lie behind when the fault begins"
	}
	if _, short := s.stalls(kind); short >= steadyShare {
		return fmt.Sprintf("stalls take %.2g of the time, and failures may lie behind when the fault begins", short)
	}
	return ""
}

// otherFailures names what fails a kind of probe for a while, other than stalls.
func (s *studied) otherFailures(kind model.ProbeKind) []string {
	var reasons []string
	for _, fault := range s.w.Faults {
		if fault.Probes[kind] && !fault.Exits && !fault.Forever {
			reasons = append(reasons, fmt.Sprintf("the fault %s ends by itself", fault.Name))
		}
	}
	for _, resource := range s.w.Application.Resources {
		if slices.Contains(resource.Fails, kind) {
			reasons = append(reasons, fmt.Sprintf("%s fails the probe as it grows", resource.Name))
		}
	}
	return reasons
}

// removal fills in the time from a hang to the last proxy removing the pod.
func (s *studied) removal(probe *Probe) {
	window, why := s.hangWindow(model.Readiness)
	if window == nil {
		s.c.note("readiness probe: removalSeconds is null: it cannot see a hang")
		return
	}
	if s.w.Cluster.LoadBalancer != nil {
		s.c.note("readiness probe: removalSeconds is null: a load balancer has checks and a deregistration of its own; run simulates it")
		return
	}
	_, settings := s.probe(model.Readiness)
	removal := window.Then(s.propagation()...)
	if why != "" {
		s.c.note("readiness probe: of removalSeconds only the bounds are known: %s; run simulates it", why)
		probe.RemovalSeconds = removal.withoutPast(settings).onlyBounds()
		return
	}
	if kill := s.earliestKill(); kill < window.latest() {
		s.c.note("readiness probe: of removalSeconds only the bounds are known: the liveness probe may have the process killed first, after %v at the least, and a container that is not running is not ready (K32); by the readiness probe alone the mean would be %.4g s; run simulates it",
			kill, float64(removal.Seconds().Mean))
		removal.Fixed = min(removal.Fixed, kill)
		probe.RemovalSeconds = removal.onlyBounds()
		return
	}
	probe.RemovalSeconds = removal.Seconds()
	s.c.note("removalSeconds: by the readiness probe, which no liveness verdict can precede")
}

// earliestKill returns the least time from a hang to the liveness probe's
// verdict, far off if it sees none.
func (s *studied) earliestKill() time.Duration {
	if p, _ := s.probe(model.Liveness); p == nil {
		return math.MaxInt64
	}
	window, why := s.hangWindow(model.Liveness)
	switch {
	case window == nil:
		return math.MaxInt64
	case why != "":
		return 0
	}
	low, _ := window.bounds()
	return time.Duration(low)
}

// propagation returns the parts of the delay from a readiness verdict to the last
// proxy: the scenario's, or those of the mechanism, for a change before which no
// other of this service came.
func (s *studied) propagation() []dist.Duration {
	cluster := &s.w.Cluster
	if whole := cluster.Propagation; whole != nil {
		return []dist.Duration{*whole}
	}
	if cluster.OtherChangesPerSecond > 0 {
		s.c.note("propagation: as measured for an isolated change, about 0.05 s, and the wait for minSyncPeriod after an application of other services' changes (K71, K72)")
		return []dist.Duration{isolatedChange, WaitForOthers(cluster)}
	}
	s.c.note("propagation: as measured for an isolated change, about 0.05 s (K71, K72); up to %v more where another endpoint changed just before", cluster.MinSyncPeriod)
	return []dist.Duration{isolatedChange}
}

// applicationOfRules is how long kube-proxy takes to apply its rules: the measured
// median (K72).
const applicationOfRules = 32 * time.Millisecond

// WaitForOthers returns how long a change waits at kube-proxy because of other
// services' changes, which come at exponential intervals of rate λ (K72). The proxy
// cannot begin for B after the start of an application, its length and minSyncPeriod,
// and the next one begins at once if a change came in that time: with probability
// 1 − exp(−λB), and else after 1/λ on average. So the share of the time in which it
// cannot is λB/(λB + exp(−λB)), and what is left of B then is
// uniform. The zero value where no other service changes.
func WaitForOthers(c *model.Cluster) dist.Duration {
	if c.OtherChangesPerSecond <= 0 {
		return dist.Duration{}
	}
	busy := float64(applicationOfRules + c.MinSyncPeriod)
	load := c.OtherChangesPerSecond * busy / 1e9
	share := load / (load + math.Exp(-load))
	return dist.Duration{Nanoseconds: dist.Mixture{
		{Weight: 1 - share, Of: dist.Constant(0)}, {Weight: share, Of: dist.Uniform{Low: 0, High: busy}},
	}}
}

// isolatedChange is the time from the deciding attempt's end to the end of the
// proxies' update where nothing else changed for a second: measured median and
// 90 % quantile of 38 and 50 ms to the first connection that follows it, some
// 10 ms before the update's end (K72).
var isolatedChange = dist.Duration{Nanoseconds: dist.LogNormal{
	Mu:    math.Log(48e6),
	Sigma: math.Log(60.0/48) / 1.2815515655446004, // standard normal quantile at 0.9
}}
