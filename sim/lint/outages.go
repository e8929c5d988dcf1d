package lint

import (
	"math"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim/calc"
)

// outages returns, for the dependencies that the probe of kind k checks, how often a
// year they are out for so long that it comes to a verdict, and the name of the worst.
func (c *check) outages(k model.ProbeKind) (perYear float64, worst string) {
	settings := calc.SettingsOf(c.probe(k))
	return eachOutage(c.World, k, func(i int) float64 {
		return settings.StallKills(c.World.Dependencies[i].Lasts, false)
	})
}

// killsByOutages returns the false kills a year by the liveness probe in outages of the
// dependencies that it checks, and the name of the worst. One outage kills again and
// again.
func killsByOutages(w *model.World) (perYear float64, worst string) {
	return eachOutage(w, model.Liveness, func(i int) float64 { return outageKills(w, i) })
}

// eachOutage adds up what one outage of each dependency that the probe of kind k checks
// comes to, times their number a year.
func eachOutage(w *model.World, k model.ProbeKind, of func(i int) float64) (perYear float64, worst string) {
	most := -1.0
	for _, i := range w.Application.Probes[k].DependsOn {
		outage := &w.Dependencies[i]
		one := 0.0
		if cycle := (outage.Every.Mean() + outage.Lasts.Mean()).Seconds(); cycle > 0 {
			one = year.Seconds() / cycle * of(i)
		}
		perYear += one
		if one > most {
			most, worst = one, outage.Name
		}
	}
	return perYear, worst
}

// outageKills returns the mean number of false kills in one outage of dependency i. With
// the probe's grid at a phase u after the outage's begin they come at the instants
//
//	outage    u        u+(F−1)P                                  …
//	  |-------x--x--x--kill------ wait ------|start|- gate -|x--x--x--kill
//
// as long as it lasts: the next process starts after the back-off (K39, K40), and is
// probed from its gate on, on the same grid. The pod has been restarted before, long ago.
// A process and its restart take what they do on average; that the sync after a back-off is late by some seconds (K43) is left out.
func outageKills(w *model.World, i int) float64 {
	const (
		phases     = 64
		mostKills  = 10_000
		negligible = 1e-9
		instant    = time.Millisecond // by which a kill takes longer, or less long, than the one before it
	)
	lasts, settings := w.Dependencies[i].Lasts, calc.SettingsOf(w.Container().Probes[model.Liveness])
	kills := 0.0
	for n := range phases {
		phase := settings.Period/(2*phases) + settings.Period/phases*time.Duration(n)
		next := restarts{w: w, settings: settings, phase: phase, startupFails: failsIn(w, model.Startup, i), late: instant, finished: -dist.Longest / 2}
		if n%2 == 1 {
			next.late = -instant
		}
		next.backOff = kubelet.BackOff{Initial: kubelet.BackOffInitial, Max: model.MaxContainerRestartPeriod}
		if most := w.Node.MaxContainerRestartPeriod; most > 0 {
			next.backOff.Max = most
		}
		at := phase + calc.Times(settings.Failures-1, settings.Period)
		for range mostKills {
			share := 1 - lasts.CDF(at)
			kills += share / phases
			if share <= negligible || !w.Pod.RestartsAfterKill(w.Container()) || at > dist.Longest/2 {
				break
			}
			at = next.kill(at)
		}
	}
	return kills
}

// failsIn reports whether there is a probe of kind k and an outage of dependency i fails
// it.
func failsIn(w *model.World, k model.ProbeKind, i int) bool {
	return w.Container().Probes[k] != nil && slices.Contains(w.Application.Probes[k].DependsOn, i)
}

// restarts goes from kill to kill in an outage.
type restarts struct {
	w            *model.World
	settings     calc.Settings // of the liveness probe
	phase        time.Duration // of its grid
	startupFails bool          // the outage fails the startup probe too
	late         time.Duration // of each look at the back-off: periods are often as long as its delays, and then a coin decides

	backOff  kubelet.BackOff
	finished time.Duration // of the process before the running one
}

// kill returns when the process is killed that follows one killed at a time.
func (r *restarts) kill(at time.Duration) time.Duration {
	durations := kubelet.MeasuredDurations()
	ended := at + ends(r.w)
	start := ended
	if _, ok := r.backOff.Start(ended+r.late, r.finished, true); !ok {
		// The next sync sees the killed process as the last one, and waits for it.
		start, _ = r.backOff.Start(ended, ended, true)
		r.backOff.Start(start, ended, true)
	}
	r.finished = ended
	start += durations.Restart.Mean()
	gate := start + r.settings.InitialDelay
	if p := r.w.Container().Probes[model.Startup]; p != nil {
		startup := calc.SettingsOf(p)
		if r.startupFails {
			return start + lasting(float64(startup.Budget(false).Guaranteed)) + startup.Period/2
		}
		lasts := lasting(meanStart(r.w))
		gate = max(gate, start+max(lasts, startup.InitialDelay)+startup.Period/2)
	}
	ahead := max(0, gate-r.phase+r.settings.Period-1) / r.settings.Period
	return r.phase + ahead*r.settings.Period + calc.Times(r.settings.Failures-1, r.settings.Period)
}

// ends returns how long a container takes on average from a liveness verdict to its end
// (K36, K37).
func ends(w *model.World) time.Duration {
	grace := kubelet.Grace(w.Container().Probes[model.Liveness], &w.Pod)
	if w.Application.Shutdown.IgnoresTerm {
		return grace
	}
	return min(grace, w.Container().PreStop.Lasts+w.Application.Shutdown.Wait.Mean())
}

// lasting returns a number of seconds as a time.
func lasting(seconds float64) time.Duration {
	return time.Duration(math.Min(seconds*float64(time.Second), float64(dist.Longest/8)))
}
