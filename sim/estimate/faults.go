package estimate

import (
	"fmt"
	"math"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// ownFaults is the number of a scenario's own hangs that have to be seen
// before the measures per fault are taken from them and not from test hangs.
const ownFaults = 200

// faultsOf returns the faults from which the measures per fault are made: the
// scenario's own where there are enough hangs among them, else the test hangs.
// Crashes are no substitute, since nothing has to detect them.
func (t *tally) faultsOf(w *model.World) (f *faultTally, own bool) {
	seen := t.Own.Removal.N()
	if observed(w).byLiveness {
		seen = t.Own.Detection.N()
	}
	if hangs(w) && seen >= ownFaults {
		return &t.Own, true
	}
	return &t.Tests, false
}

// hangs reports whether the world has a fault for good of its own.
func hangs(w *model.World) bool {
	for i := range w.Faults {
		if f := &w.Faults[i]; f.Hangs && f.Forever && !f.Exits {
			return true
		}
	}
	return false
}

func (t *tally) faultMeasures(m *Measures, w *model.World, confidence float64) {
	f, own := t.faultsOf(w)
	by := observed(w)
	distribution := (*stats.Histogram).OfIndependent // each test hang has a life of its own
	if own || w.Uncertain() {
		distribution = (*stats.Histogram).Distribution
	}
	if by.byLiveness && f.Detection.N() > 0 {
		d := distribution(&f.Detection, detectionBounds(w, own), confidence)
		m.DetectionSeconds = &d
	}
	if by != nobody && f.Removal.N() > 0 {
		d := distribution(&f.Removal, removalBounds(w, own), confidence)
		m.RemovalSeconds = &d
	}
	if by.byLiveness && f.Recovery.N() > 0 {
		d := distribution(&f.Recovery, unknownBounds, confidence)
		m.RecoverySeconds = &d
	}
	dead := &f.Dead
	if !by.byLiveness || f.Detection.N() == 0 {
		dead = &f.Removal.Sums // nothing restarts the process: the dead traffic ends with the removal
	}
	if by != nobody && dead.N > 0 {
		e := dead.Estimate(math.Inf(1), confidence).Map(func(ns float64) float64 { return ns / 1e9 })
		m.DeadTrafficSecondsPerFault = &e
		if traffic := w.Application.Traffic; traffic != nil {
			rate := requestRate(w)
			requests := e.Map(func(seconds float64) float64 { return seconds * rate })
			m.DeadRequestsPerFault = &requests
		}
	}
}

// unknownBounds are those of a duration of which only the sign is known.
var unknownBounds = stats.Bounds{Min: 0, Max: math.Inf(1)}

// requestRate returns the mean number of requests per second that one pod is
// sent. A proxy that does not know that the pod is dead goes on sending them.
func requestRate(w *model.World) float64 {
	if w.Application.Traffic.OfService {
		return w.Application.Traffic.PerSecond / float64(max(1, w.Replicas))
	}
	return w.Application.Traffic.PerSecond
}

func (t *tally) startMeasures(m *Measures, w *model.World, confidence float64) {
	killed := exactly(0)
	if canLoseStart(w) {
		killed = t.StartKills.Estimate(confidence)
	}
	m.StartupKillProbability = &killed
	if t.ReadyLag.N() > 0 {
		d := t.ReadyLag.Distribution(unknownBounds, confidence)
		m.ReadyLagSeconds = &d
	}
	if t.TimeToReady.N() > 0 {
		d := t.TimeToReady.Distribution(unknownBounds, confidence)
		m.TimeToReadySeconds = &d
	}
}

// faultNotes says of what the measures per fault were made, and why some are
// missing.
func (t *tally) faultNotes(w *model.World) []string {
	by := observed(w)
	if by == nobody {
		return []string{"detectionSeconds, removalSeconds, recoverySeconds, deadTrafficSecondsPerFault and deadRequestsPerFault do not apply: " + blind(w)}
	}
	var notes []string
	f, own := t.faultsOf(w)
	switch {
	case own:
		notes = append(notes, fmt.Sprintf("the measures per fault are those of %d faults of the scenario's own", f.Faults))
	case f.Faults == 0:
		notes = append(notes, "the measures per fault are missing: no test hang met a process that serves")
	default:
		notes = append(notes, fmt.Sprintf("the measures per fault are those of %d test hangs, each on a life of its own at a uniformly random instant after a warm-up, since the scenario's own hangs are too few", f.Faults))
	}
	if !by.byLiveness {
		notes = append(notes, "detectionSeconds and recoverySeconds do not apply: "+unseenBy(w, model.Liveness)+"; a hung process is taken out of the endpoints but never restarted")
	} else if missed := f.Faults - f.Detection.N(); missed > 0 && f.Faults > 0 && !own {
		notes = append(notes, fmt.Sprintf("%d of %d test hangs did not end in a kill by liveness; detectionSeconds is that of the others", missed, f.Faults))
	}
	if !by.byReadiness {
		notes = append(notes, unseenBy(w, model.Readiness)+": a hung process stays in the endpoints until the liveness probe has it killed")
	}
	if w.Application.Traffic == nil {
		notes = append(notes, "deadRequestsPerFault does not apply: the scenario has no traffic")
	}
	return notes
}

// blind says why no probe can notice a hang.
func blind(w *model.World) string {
	return "no probe can notice a hang (" + unseenBy(w, model.Readiness) + ", " + unseenBy(w, model.Liveness) + ")"
}

// unseenBy says why the probe of kind k does not notice a hang.
func unseenBy(w *model.World, k model.ProbeKind) string {
	probe := w.Container().Probes[k]
	if probe == nil {
		return "there is no " + k.Field()
	}
	if probe.Handler.Kind == model.TCPSocket {
		return fmt.Sprintf("the %s asks the kernel (tcpSocket), which accepts connections of a hung process (C10)", k.Field())
	}
	return fmt.Sprintf("the handler of the %s notices no hang: its hangCoverage is 0", k.Field())
}
