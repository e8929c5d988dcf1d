package estimate

import (
	"cmp"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/stats"
)

// formula is the closed form's answer beside the simulation's (S13). Rates are
// per pod-day.
type formula struct {
	why      string  // there is none: the reason
	method   string  // by which the estimate was made
	estimate float64 // false kills
	bound    float64 // an upper bound of them; +Inf where the closed form does not hold

	// chained are the false kills by the Markov chain at the least and at the most,
	// where it reaches what the formulas do not; most 0: it does not.
	chained [2]float64

	// startupBound is an upper bound of the probability of a kill per start, at
	// any phase of the grid; +Inf where there is no closed form.
	startupBound float64
	lives        time.Duration // with the starts of lives of so long; 0: of a serving process alone
}

// formulas keeps the closed forms of worlds, which may take a second each to
// solve and are asked for at every look of the stopping rule.
type formulas map[*model.World]formula

// of returns the closed form of a serving process.
func (f formulas) of(w *model.World) formula {
	known, ok := f[w]
	if !ok {
		known = serving(w)
		f[w] = known
	}
	return known
}

// solve solves the closed forms of all variants, side by side.
func (f formulas) solve(variants []Named) {
	solved := make([]formula, len(variants))
	var running sync.WaitGroup
	for i, v := range variants {
		running.Go(func() { solved[i] = serving(v.World) })
	}
	running.Wait()
	for i, v := range variants {
		f[v.World] = solved[i]
	}
}

// serving is the closed form of a process that serves.
func serving(w *model.World) formula {
	f := formula{method: "no liveness probe", startupBound: math.Inf(1)}
	if w.Uncertain() {
		f.why, f.bound = "inputs of which one of several holds", math.Inf(1)
		return f
	}
	exact, err := calc.World(w)
	if err == nil && exact.StartupKillProbability != nil && !StartsDelayed(w) {
		f.startupBound = max(float64(*exact.StartupKillProbability), float64(*exact.StartupKillProbabilityAnyPhase))
	} else if canLoseStart(w) {
		f.startupBound = startLossBound(w)
	}
	if p := w.Container().Probes[model.Liveness]; p != nil {
		closed := NewClosedForm(w, model.Liveness)
		if closed.Why != "" {
			f.why, f.bound = closed.Why, math.Inf(1)
			if err == nil && exact.FalseKillsPerPodDay != nil && !canLoseStart(w) {
				f.byChain(w)
			}
			return f
		}
		estimate, bound := closed.Rate(p)
		f.method, f.estimate, f.bound = closed.Sentence(), estimate*day.Seconds(), bound*day.Seconds()
		if err == nil && exact.FalseKillsPerPodDay != nil {
			f.method, f.estimate = "calc: "+cmp.Or(exact.Method, "nothing fails the probe of a serving process"), float64(*exact.FalseKillsPerPodDay)
			f.bound = max(f.bound, f.estimate)
		}
	}
	return f
}

// byChain fills in what the Markov chain says.
func (f *formula) byChain(w *model.World) {
	if chain, err := calc.NewChain(w); err == nil {
		least, most := chain.Between()
		f.chained = [2]float64{least * day.Seconds(), most * day.Seconds()}
	}
}

// byFormula adds the closed form of the serving process to what its starts
// cost: their rate times the share of them that ends in a false kill, both
// simulated.
func (t *tally) byFormula(w *model.World, o Options) formula {
	f := o.formulas.of(w)
	if f.why == "" && (canLoseStart(w) || killsBeforeStartup(w) > 0) {
		starts := t.startKills(w, o)
		f.estimate, f.bound = f.estimate+starts.Estimate, f.bound+starts.High
		f.lives = o.podLife()
	}
	return f
}

// lostStarts cuts the simulated share of lost starts at the closed form's bound, the
// estimate too: of a few thousand starts a single one that is lost says more than a
// bound allows of what is rarer, by chance. A share that the bound cannot be of, as its
// exact interval lies beyond it, is left as it is (S13).
func (f *formula) lostStarts(simulated stats.Estimate) stats.Estimate {
	if leastShare(&simulated) > f.startupBound {
		return simulated
	}
	return simulated.Map(func(share float64) float64 { return math.Min(share, f.startupBound) })
}

// killsBeforeStartup is KillsBeforeStartup of a world, 0 where every start is over
// before the liveness probe could have a verdict.
func killsBeforeStartup(w *model.World) float64 {
	probes := &w.Container().Probes
	liveness := probes[model.Liveness]
	if liveness == nil || longestStart(w) < nTimes(liveness.FailureThreshold-1, liveness.Period()) {
		return 0
	}
	return KillsBeforeStartup(w.Cluster.KubernetesVersion, probes[model.Startup], liveness)
}

// perPodYear returns the closed form's false kills per pod-year, nil if there is
// no bound.
func (f *formula) perPodYear() *stats.Estimate {
	if f.why != "" || math.IsInf(f.bound, 1) {
		return nil
	}
	perYear := float64(year) / float64(day)
	return &stats.Estimate{Estimate: f.estimate * perYear, Low: f.estimate * perYear, High: f.bound * perYear, Confidence: 1, Method: "closed form"}
}

// of says whose false kills the closed form counts.
func (f *formula) of() string {
	if f.lives == 0 {
		return "of a serving process"
	}
	return fmt.Sprintf("of a serving process and of the starts in lives of %s", spell(f.lives))
}

// notes prints the closed form of the false kills beside the simulation, and
// whether they agree.
func (f *formula) notes(w *model.World, m *Measures) []string {
	var notes []string
	byLiveness, byStartup := canKill(w)
	switch {
	case !byLiveness && !byStartup:
	case f.chained[1] > 0:
		perYear := float64(year) / float64(day)
		least, most := f.chained[0]*perYear, f.chained[1]*perYear
		says := fmt.Sprintf("%.3g", least)
		if most > least*1.005 {
			says = fmt.Sprintf("%.3g to %.3g", least, most)
		}
		notes = append(notes, fmt.Sprintf("Markov chain beside the simulation: %s false kills per pod-year (S2: %s); simulated %s; %s",
			says, f.why, interval(m.FalseKillsPerPodYear), agreement(m.FalseKillsPerPodYear, least, most)))
	case f.why != "":
		notes = append(notes, "no closed form for false kills holds here: the scenario has "+f.why+"; independent failures are not assumed instead")
	case w.Container().Probes[model.Liveness] != nil && !math.IsInf(f.bound, 1):
		perYear := float64(year) / float64(day)
		estimate, bound := f.estimate*perYear, f.bound*perYear
		if loose(estimate, bound) {
			notes = append(notes, fmt.Sprintf("closed form beside the simulation: at most %.3g false kills per pod-year %s (%s); simulated %s; %s",
				bound, f.of(), f.method, interval(m.FalseKillsPerPodYear), withinBound(m.FalseKillsPerPodYear, bound)))
			break
		}
		verdict := agreement(m.FalseKillsPerPodYear, estimate, bound)
		if away := unwatched(w, m); away > agreed {
			verdict = fmt.Sprintf("the closed form is of a process that serves all the time, and the probe does not ask this one for %.2g %% of it, in CrashLoopBackOff or its initial delay, so that it is a bound only; %s",
				100*away, withinBound(m.FalseKillsPerPodYear, bound))
		}
		notes = append(notes, fmt.Sprintf("closed form beside the simulation: %.3g false kills per pod-year %s, at most %.3g (%s); simulated %s; %s",
			estimate, f.of(), bound, f.method, interval(m.FalseKillsPerPodYear), verdict))
	}
	if starts := m.StartupKillProbability; starts != nil && starts.N > 0 && !math.IsInf(f.startupBound, 1) {
		notes = append(notes, f.startNote(starts))
	}
	return notes
}

// startNote prints the closed form's bound of lost starts beside the simulation.
func (f *formula) startNote(starts *stats.Estimate) string {
	note := fmt.Sprintf("closed form beside the simulation: at most %.3g of the starts are killed; simulated %s", f.startupBound, interval(starts))
	exactly := *starts
	exactly.Low = leastShare(starts)
	if starts.Low > f.startupBound && exactly.Low <= f.startupBound {
		note += fmt.Sprintf(", by the exact interval from %s: of %d starts, so few are lost by chance", number(exactly.Low), starts.N)
	}
	return note + "; " + withinBound(&exactly, f.startupBound)
}

// agreed is the share beside which what the formulas leave out is small, above all
// that kills and stalls can meet.
const agreed = 0.05

// unwatched is the share of the time in which a process that is killed again and again
// is in CrashLoopBackOff, or up but not yet asked by its liveness probe. The closed form
// is a rate per time of serving, which is that of a pod's time as long as kills are rare
// (S3).
func unwatched(w *model.World, m *Measures) float64 {
	share := m.FalseKillsPerPodYear.Estimate / year.Seconds() * w.Container().Probes[model.Liveness].InitialDelay().Seconds()
	if m.CrashLoopFraction != nil {
		share += m.CrashLoopFraction.Estimate
	}
	return share
}

// agreement says whether an interval and a formula's estimate and bound agree.
func agreement(e *stats.Estimate, estimate, bound float64) string {
	low, high := estimate*(1-agreed), bound*(1+agreed)
	switch {
	case e.High >= low && e.Low <= high:
		return "they agree"
	case 2*e.High-e.Estimate >= low && 2*e.Low-e.Estimate <= high:
		return "they differ by more than the interval, as one pair in twenty does by chance"
	}
	return "THEY DISAGREE by more than twice the interval: trust neither before the reason is known"
}

// withinBound holds a simulated rate against an upper bound.
func withinBound(e *stats.Estimate, bound float64) string {
	if e.Low <= bound {
		return "the bound holds"
	}
	return "THE BOUND IS EXCEEDED: trust neither before the reason is known"
}

// loose reports whether a closed form only bounds the rate from above: there is
// then nothing to agree with, but something not to exceed.
func loose(estimate, bound float64) bool { return bound > 1.5*estimate && bound > 0 }

func interval(e *stats.Estimate) string {
	return fmt.Sprintf("%s (%s to %s)", number(e.Estimate), number(e.Low), number(e.High))
}
