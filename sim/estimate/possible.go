package estimate

import (
	"math"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
)

// canKill says whether a false kill by liveness, or by startup, can happen in
// this world at all. It errs on the side of yes: only where no chain of events
// of the model leads to one does it say no, and the rate is then exactly 0 and
// needs no replication (S11).
func canKill(w *model.World) (byLiveness, byStartup bool) {
	c := w.Container()
	if p := c.Probes[model.Liveness]; p != nil && !p.Handler.NoPort {
		byLiveness = c.Probes[model.Startup] == nil && canLoseStart(w) || canFail(w, model.Liveness) || len(w.Faults) > 0 && killsBeforeStartup(w) > 0
	}
	p := c.Probes[model.Startup]
	return byLiveness, p != nil && !p.Handler.NoPort && canLoseStart(w)
}

// canLoseStart says whether a probe can kill a process that starts.
func canLoseStart(w *model.World) bool {
	c := w.Container()
	if p := c.Probes[model.Startup]; p != nil {
		return longestStart(w) >= firstVerdict(p) || canFail(w, model.Startup)
	}
	p := c.Probes[model.Liveness]
	return p != nil && longestStart(w) >= firstVerdict(p)
}

// KillsBeforeStartup bounds how many processes in a row that follow a kill of the
// liveness probe it kills again because they are taken for started: until the startup
// probe's next look, which is at a random instant of its period, they count as the
// process before them does (K11). 0: none can be, as the liveness probe tolerates
// more, or in the versions of Kubernetes that know no such thing. It supposes that no
// start is over sooner.
func KillsBeforeStartup(v model.Version, startup, liveness *model.Probe) float64 {
	if !v.StartedCarriesOver() || startup == nil || liveness == nil {
		return 0
	}
	each := nTimes(max(1, liveness.FailureThreshold-1), liveness.Period()).Seconds() // a single failure still takes a grid point each
	kills := 0.0
	for n := 1.0; n*each < startup.Period().Seconds(); n++ {
		kills += 1 - n*each/startup.Period().Seconds()
	}
	if liveness.FailureThreshold == 1 {
		kills++
	}
	return kills
}

// firstVerdict returns the earliest time after a process's start at which a
// probe of which every attempt is refused can have its verdict. The delay can
// fall short by up to a second (K8).
func firstVerdict(p *model.Probe) time.Duration {
	return max(0, p.InitialDelay()-time.Second) + nTimes(p.FailureThreshold-1, p.Period())
}

// endless stands for a time without a bound.
const endless = time.Duration(math.MaxInt64)

// longestStart returns the longest a start can take, endless where the model
// sets no bound.
func longestStart(w *model.World) time.Duration {
	if len(w.Application.Startup) > 0 && StartsDelayed(w) {
		return endless
	}
	var longest time.Duration
	for _, stage := range w.Application.Startup {
		if !stage.CPU.IsZero() {
			return endless // how the quota's periods stretch it is left to the simulation
		}
		if stage.Wait.Nanoseconds == nil {
			continue
		}
		greatest := stage.Wait.Nanoseconds.Quantile(1)
		if !(greatest < float64(endless-longest)) {
			return endless
		}
		longest += time.Duration(greatest)
	}
	return longest
}

// StartsDelayed reports whether anything can make the process stand still or wait
// for a CPU that others have. A start then takes longer than its own stages do, which
// is what closed forms of starts know.
func StartsDelayed(w *model.World) bool {
	if delayedBy(&w.Node) || len(w.Application.Pauses) > 0 {
		return true
	}
	for i := range w.Node.Classes {
		if delayedBy(&w.Node.Classes[i].Node) {
			return true
		}
	}
	return false
}

func delayedBy(n *model.Node) bool {
	return len(n.Neighbours) > 0 || n.InterruptionsPerSecond > 0 || len(n.Stalls) > 0
}

// canFail reports whether an attempt at a process that serves can fail.
func canFail(w *model.World, k model.ProbeKind) bool {
	app := &w.Application
	a := &app.Probes[k]
	if tcp(w, k) { // the kernel accepts while the process listens (C10)
		return slices.ContainsFunc(w.Faults, func(f model.Fault) bool {
			return !f.Exits && (f.Answers == model.FaultRefused || f.Answers == model.FaultDropped)
		})
	}
	if a.Failure > 0 || a.Failing != nil || len(a.DependsOn) > 0 || a.FailsInFlight > 0 || len(app.Resources) > 0 {
		return true
	}
	for i := range w.Faults {
		if f := &w.Faults[i]; !f.Exits && (!f.Forever || !f.Hangs) {
			return true
		}
	}
	if StartsDelayed(w) || app.Traffic != nil || len(app.Background) > 0 {
		return true
	}
	p := w.Container().Probes[k]
	if !a.CPU.IsZero() || p.Handler.Kind == model.Exec {
		return true
	}
	return a.Wait.Nanoseconds != nil && a.Wait.Nanoseconds.Quantile(1) >= float64(p.Timeout())
}
