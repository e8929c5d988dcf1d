package estimate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

// What takes several replicas out at once is mostly something rare: a burst of
// requests, the outage of a dependency, a hang. Lives long enough to show enough of
// those are mostly uneventful, and cost their requests all the same. So what is
// rare is taken out of the lives, and each such trigger gets lives of its own,
// which begin shortly before it:
//
//	ordinary   ──────────────────────────────────────────   no trigger
//	triggered          start │ trigger ▒▒▒ what comes of it │ all in again: end
//	                         │ trigger ▒▒▒ kills, and kills …        crash loop
//
// A trigger comes λ times a second. It ends in a crash loop with probability p, and
// else is over after τ. Over a horizon D that begins with all replicas in, triggers
// that end in a crash loop come with the rate Λ = Σλp, the service is without one
// for h = (1 - exp(-ΛD))/(ΛD) of the time, on average, and after triggers that end
// by themselves for hλ(1-p)τ. A rate is the mean of those seen in the ordinary lives,
// after each trigger, and in crash loops, weighted with these shares of the time.
// What is left out is that triggers meet: the effect of two at once is taken to be
// the sum of both.

// AfterTrigger is what becomes of the replicas after something rare.
type AfterTrigger struct {
	Trigger string  `json:"trigger"` // "an outage of db"
	PerYear float64 `json:"perYear"` // how often it comes
	Lives   int64   `json:"lives"`   // of all replicas that began shortly before one
	// AllOutProbability is the probability that all replicas are out of the endpoints
	// at one instant of what follows.
	AllOutProbability stats.Estimate `json:"allOutProbability"`
	// CrashLoopProbability is the probability that a crash loop follows which does
	// not end by itself.
	CrashLoopProbability stats.Estimate `json:"crashLoopProbability"`
}

// trigger is something that may take replicas out, with its law.
type trigger struct {
	sim.Trigger
	name      string
	perSecond float64       // all replicas or nodes that it may meet taken together
	lasts     time.Duration // nearly always at most
}

// triggersOf returns what may happen to the replicas of a world by chance.
func triggersOf(w *model.World) []trigger {
	var all []trigger
	add := func(kind sim.TriggerKind, i int, name string, every, lasts dist.Duration, places int) {
		mean := every.Mean() + lasts.Mean()
		if mean <= 0 || mean >= dist.Longest {
			return
		}
		all = append(all, trigger{sim.Trigger{Kind: kind, Index: i}, name, float64(places) / mean.Seconds(), lasts.Quantile(0.99)})
	}
	named := func(what, name string) string {
		if name == "" {
			return what
		}
		return what + " (" + name + ")"
	}
	replicas := max(1, w.Replicas)
	if t := w.Application.Traffic; t != nil {
		for i, b := range t.Bursts {
			name := named("a burst", b.Name)
			if len(t.Bursts) > 1 && b.Name == "" {
				name = fmt.Sprintf("a burst of %g requests a second", b.PerSecond)
			}
			add(sim.TriggerBurst, i, name, b.Every, b.Lasts, 1)
		}
	}
	for i, d := range w.Dependencies {
		add(sim.TriggerOutage, i, "an outage of "+d.Name, d.Every, d.Lasts, 1)
	}
	if len(w.Node.Classes) == 0 {
		perNode := max(1, w.Node.ReplicasPerNode)
		for i, s := range w.Node.Stalls {
			add(sim.TriggerStall, i, named("a stall of a node", s.Name), s.Every, s.Lasts, (replicas+perNode-1)/perNode)
		}
	}
	for i, p := range w.Application.Pauses {
		add(sim.TriggerPause, i, named("a pause of one", p.Name), p.Every, p.Lasts, replicas)
	}
	for i := range w.Faults {
		if f := &w.Faults[i]; !f.Planned {
			var lasts dist.Duration
			if !f.Exits && !f.Forever {
				lasts = f.Lasts
			}
			add(sim.TriggerFault, i, named("a fault of one", f.Name), f.Every, lasts, replicas)
		}
	}
	return all
}

// fewOccurrences of a trigger in the ordinary lives are too few to say what comes of
// it.
const fewOccurrences = 30

// rareTriggers returns the triggers of which so much time of all replicas is
// expected to show few.
func rareTriggers(w *model.World, time time.Duration) []trigger {
	return slices.DeleteFunc(triggersOf(w), func(t trigger) bool { return t.perSecond*time.Seconds() >= fewOccurrences })
}

// settles is how long replicas have to be well after a trigger before nothing more is
// expected of it: twice as long as the slower probe takes to a verdict, which shows
// any failures that had begun, and a minute.
func settles(w *model.World) time.Duration {
	longest := time.Duration(0)
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		if p := w.Container().Probes[k]; p != nil {
			longest = max(longest, time.Duration(p.FailureThreshold)*p.Period()+time.Duration(p.TimeoutSeconds)*time.Second)
		}
	}
	const most = 20 * time.Minute
	return min(time.Minute+2*longest, most)
}

// triggered adds up the lives that began shortly before a trigger: those that ended
// in a crash loop apart from the others.
type triggered struct {
	calm, looping togetherTally
	loops         stats.Proportion
	allOut        stats.Proportion
	lives         int64
	events        int64
}

func (t *triggered) add(o *sim.ReplicasOutcome) {
	looping := int64(0)
	if o.CrashLoop {
		looping = 1
		t.looping.add(o)
	} else {
		t.calm.add(o)
	}
	n := len(o.Out) - 1
	allOut := int64(0)
	if o.Reached[n] > 0 || o.Out[n] > 0 {
		allOut = 1
	}
	t.loops.Add(looping, 1)
	t.allOut.Add(allOut, 1)
	t.lives++
	t.events += o.Events
}

// seconds returns the mean length of the lives that a tally holds, from the trigger
// on; 0: there are none.
func (t *togetherTally) seconds() float64 {
	if t.lives == 0 {
		return 0
	}
	return t.time.Seconds() / float64(t.lives)
}

// mixture is one case, put together of its ordinary lives and those of its triggers.
type mixture struct {
	ordinary *togetherTally
	triggers []trigger
	after    []*triggered
	horizon  float64 // seconds
}

// shares returns the share of the time without a trigger, after each trigger that
// ends by itself, and in the crash loops after each, given the probabilities that
// they end in one.
func (m *mixture) shares(loops []float64) (ordinary float64, calm, looping []float64) {
	rate := 0.0 // of crash loops
	for i := range m.triggers {
		rate += m.triggers[i].perSecond * loops[i]
	}
	without := 1.0
	if x := rate * m.horizon; x > 0 {
		without = -math.Expm1(-x) / x
	}
	busy := 0.0
	for i, t := range m.triggers {
		calm = append(calm, t.perSecond*(1-loops[i])*m.after[i].calm.seconds())
		busy += calm[i]
		looping = append(looping, 0)
		if rate > 0 {
			looping[i] = (1 - without) * t.perSecond * loops[i] / rate
		}
	}
	for i := range calm {
		calm[i] *= without / max(1, busy) // what follows them is more than the time holds
	}
	return without * (1 - min(1, busy)), calm, looping
}

// loops returns the probability that each trigger ends in a crash loop: where none
// was seen it is taken to be none, of whose rates nothing is known.
func (m *mixture) loops(confidence float64) []stats.Estimate {
	var loops []stats.Estimate
	for _, a := range m.after {
		e := a.loops.Estimate(confidence)
		if !(e.Estimate > 0) {
			e = exactly(0)
		}
		loops = append(loops, e)
	}
	return loops
}

// share puts a share of the time together, of what happens while k replicas or more
// are out. Where no ordinary life showed any of it, it is at most as often so as that
// excludes, each time for as long as after the triggers.
func (m *mixture) share(k int, of func(*togetherTally) *stats.RatioOfSums, confidence float64) stats.Estimate {
	ordinary := of(m.ordinary).Estimate(1, confidence)
	count, lasted := 0.0, 0.0
	for _, a := range m.after {
		if a.calm.lives > 0 {
			count += a.calm.reached[k].Sums.Y.Float()
			lasted += of(&a.calm).Ratio() * a.calm.time.Seconds()
		}
	}
	if ordinary.Estimate == 0 && count > 0 {
		often := m.ordinary.reached[k].Estimate(time.Second, confidence)
		ordinary.High = min(ordinary.High, often.High*lasted/count)
	}
	return capped(m.composed(ordinary, func(t *togetherTally) stats.Estimate { return of(t).Estimate(1, confidence) }, confidence))
}

// rate puts a rate together.
func (m *mixture) rate(of func(*togetherTally) stats.Estimate, confidence float64) stats.Estimate {
	return m.composed(of(m.ordinary), of, confidence)
}

// composed puts a rate, or a share of the time, together of that in the ordinary
// lives and those after triggers.
func (m *mixture) composed(ordinary stats.Estimate, of func(*togetherTally) stats.Estimate, confidence float64) stats.Estimate {
	if len(m.triggers) == 0 {
		return ordinary
	}
	known := func(t *togetherTally) stats.Estimate {
		if t.lives == 0 {
			return exactly(0)
		}
		return of(t)
	}
	n := len(m.triggers)
	parts := append([]stats.Estimate{ordinary}, m.loops(confidence)...)
	for _, a := range m.after {
		parts = append(parts, known(&a.calm))
	}
	for _, a := range m.after {
		parts = append(parts, known(&a.looping))
	}
	return composed(parts, confidence, func(x []float64) float64 {
		ordinary, calm, looping := m.shares(x[1 : n+1])
		sum := ordinary * x[0]
		for i := range n {
			sum += calm[i]*x[1+n+i] + looping[i]*x[1+2*n+i]
		}
		return sum
	})
}

// cascades puts the share of the episodes together in which all replicas were out;
// nil: there was none.
func (m *mixture) cascades(confidence float64) *stats.Estimate {
	var parts []stats.Estimate
	var weights []float64
	add := func(p stats.Proportion, perSecond float64) {
		if p.Sums.N > 0 && perSecond > 0 {
			parts, weights = append(parts, p.Estimate(confidence)), append(weights, perSecond*p.Sums.X.Float())
		}
	}
	if m.ordinary.lives > 0 {
		add(m.ordinary.whole, 1/m.ordinary.time.Seconds())
	}
	for i, a := range m.after {
		both := a.calm.whole
		both.Merge(&a.looping.whole)
		add(both, m.triggers[i].perSecond/float64(max(1, a.lives)))
	}
	switch len(parts) {
	case 0:
		return nil
	case 1:
		return &parts[0]
	}
	e := composed(parts, confidence, func(x []float64) float64 {
		sum, total := 0.0, 0.0
		for i := range x {
			sum += weights[i] * x[i]
			total += weights[i]
		}
		return sum / total
	})
	return &e
}

// crashLoop puts the probability together that the horizon ends in a crash loop,
// which has lasted for StuckAfter then.
func (m *mixture) crashLoop(confidence float64) stats.Estimate {
	ordinary := m.ordinary.crashLoop.Estimate(confidence)
	if len(m.triggers) == 0 {
		return ordinary
	}
	if !(ordinary.Estimate > 0) {
		ordinary = exactly(0) // a note says what was seen
	}
	parts := []stats.Estimate{ordinary}
	for _, a := range m.after {
		parts = append(parts, a.loops.Estimate(confidence))
	}
	return composed(parts, confidence, func(x []float64) float64 {
		none := 1 - x[0]
		for i, t := range m.triggers {
			none *= math.Exp(-t.perSecond * x[i+1] * max(0, m.horizon-sim.StuckAfter.Seconds()))
		}
		return 1 - none
	})
}

// composed returns the estimate of a function of independent quantities, none of
// them below 0. Each end of its interval is as far away as the root of the sum of
// the squares of what the ends of the parts' own intervals move it (Zou and Donner
// 2008), so that what was not seen keeps its bound.
func composed(parts []stats.Estimate, confidence float64, of func(x []float64) float64) stats.Estimate {
	x := make([]float64, len(parts))
	n := int64(0)
	for i := range parts {
		x[i] = parts[i].Estimate
		n += parts[i].N
	}
	middle, below, above := of(x), 0.0, 0.0
	for i := range parts {
		for _, end := range []float64{parts[i].Low, parts[i].High} {
			x[i] = end
			if moved := of(x) - middle; moved < 0 {
				below = math.Hypot(below, moved)
			} else {
				above = math.Hypot(above, moved)
			}
		}
		x[i] = parts[i].Estimate
	}
	return stats.Estimate{Estimate: middle, Low: max(0, middle-below), High: middle + above, Confidence: confidence, Method: "composed of what was seen with and without triggers", N: n}
}

// capped returns the estimate of a share or a probability, which is at most 1.
func capped(e stats.Estimate) stats.Estimate {
	e.Estimate, e.High = min(1, e.Estimate), min(1, e.High)
	return e
}

// simulateAfter simulates the lives of one trigger, in each case that it makes a
// difference to: 4, 8, 16 and more, until they have cost so many events.
func simulateAfter(ctx context.Context, t trigger, jobs []togetherCase, o Options, most, events int64) ([]*triggered, error) {
	after := make([]*triggered, len(jobs))
	for i := range jobs {
		after[i] = new(triggered)
	}
	o.Seed ^= uint64(t.Kind+1)<<40 ^ uint64(t.Index+1)<<32
	o.Horizon = togetherWarmUp(jobs[0].world) + t.lasts + 2*sim.StuckAfter + 2*time.Hour // of which the lives take what they need
	done := int64(0)
	for wanted := min(4, most); ; wanted = min(2*wanted, most) {
		reached, err := extendTogether(ctx, jobs, o, done, wanted, func(c int, outcome *sim.ReplicasOutcome) { after[c].add(outcome) })
		if err != nil {
			return nil, err
		}
		done = reached
		spent := int64(0)
		for _, a := range after {
			spent += a.events
		}
		if done < wanted || wanted == most || 2*spent > events {
			return after, nil
		}
	}
}
