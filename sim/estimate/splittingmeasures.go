package estimate

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/stats"
)

// pilotReplications is how many replications without a single false kill make
// plain simulation hopeless, so that splitting takes over. It is a count, so the
// choice never depends on the clock.
const pilotReplications = 64

// hopeless reports whether splitting will estimate the false kills, however many
// more replications there are.
func (t *tally) hopeless(w *model.World, o Options) bool {
	byLiveness, _ := canKill(w)
	return !o.Plain && !o.Sparing && byLiveness && t.Replications >= pilotReplications && count(t.FalseKills.All.Sums.Y) == 0
}

// ofKills reports whether splitting estimates the measure.
func ofKills(measure string) bool {
	switch measure {
	case "falseKillsPerPodDay", "falseKillsPerPodYear", "falseKillsPerPodDayByLiveness", "meanTimeToFalseKillSeconds", "falseKillProbability":
		return true
	}
	return false
}

// opens reports whether an objective about false kills is undecided.
func opens(w *model.World, m *Measures, f *formula, objectives []model.Objective) bool {
	for _, o := range objectives {
		if v, _ := judge(o, w, m, f); ofKills(o.Measure) && v.Met == nil {
			return true
		}
	}
	return false
}

// splitKills replaces the measures of false kills of which the plain simulation
// has seen none by those of splitting, and says so. It does nothing where a kill
// was seen or none can happen. More splitting than at first is done until enough
// holds; nil: never.
func (t *tally) splitKills(ctx context.Context, m *Measures, w *model.World, o Options, enough func(*Rare) bool) []string {
	byLiveness, _ := canKill(w)
	if o.Plain || !byLiveness || t.Replications == 0 || count(t.FalseKills.All.Sums.Y) > 0 {
		return nil
	}
	search := time.Duration(math.Min(t.PodTime.Float(), float64(math.MaxInt64/2)))
	effort := o.splitting(search, enough)
	if o.Sparing && !w.Uncertain() { // each replication has another draw of uncertain inputs
		effort.Early = t.decidedEarly(m, w, o)
	}
	if failures := count(t.Attempts[model.Liveness].Sums.Y); o.Sparing && failures < splittingReplications*leastFailures {
		effort.NotByFailures = fmt.Sprintf("it begins with failures of the liveness probe, of which it needs %d and plain simulation saw %d", splittingReplications*leastFailures, failures)
	}
	rare, why := Split(ctx, w, o.Seed, effort)
	switch {
	case ctx.Err() != nil:
		return []string{"interrupted before multilevel splitting had estimated the false kills; the bound is the plain simulation's"}
	case rare == nil:
		return []string{"multilevel splitting (S12) cannot say more: " + why + "; the bound is the plain simulation's"}
	case rare.Kills.Estimate == 0 && !rare.GivenUp:
		return []string{fmt.Sprintf("multilevel splitting, %d levels on %d replications, saw no false kill either; the bound is the plain simulation's", rare.Levels, rare.Kills.N)}
	}
	starts := t.startKills(w, o)
	if plain := m.FalseKillsPerPodDay; rare.GivenUp && plain != nil && rare.Kills.High+starts.High > plain.High {
		return []string{fmt.Sprintf("multilevel splitting, %d levels on %d replications, excludes no more than the plain simulation; the bound is the latter's", rare.Levels, rare.Kills.N)}
	}
	setKills(m, w, rare, starts)
	notes := []string{methodOf(rare, t.Replications)}
	if starts.High > 0 {
		unknown := ""
		if hidden(rare, &starts, o.Precision) {
			unknown = ", which leaves the sum less precise than splitting is"
		}
		notes = append(notes, fmt.Sprintf("falseKillsPerPodDay: splitting counts the kills that begin with a serving process, %.3g per pod-day (%.3g to %.3g); those of starts come on top, their number times the share of them that is lost: %.3g (%.3g to %.3g)%s",
			rare.Kills.Estimate, rare.Kills.Low, rare.Kills.High, starts.Estimate, starts.Low, starts.High, unknown))
	}
	return notes
}

// splitting returns the effort of splitting: where it is to be spared, half as many
// lives, and none that get on so rarely that no objective is about it.
func (o *Options) splitting(search time.Duration, enough func(*Rare) bool) Splitting {
	s := Splitting{Search: search, Confidence: o.Confidence, Jobs: o.Jobs, Enough: enough}
	if !o.Sparing {
		return s
	}
	s.Lives = fewestLives / 2
	const share = 1e-5 // of what an objective allows
	least := math.Inf(1)
	for _, objective := range o.Objectives {
		if most := mostKills(objective); most > 0 {
			least = min(least, most)
		}
	}
	if !math.IsInf(least, 1) {
		s.Rarest = max(givenUp, share*least)
	}
	return s
}

// mostKills returns how many false kills per pod-year an objective allows; 0: none, or
// it is about something else.
func mostKills(o model.Objective) float64 {
	switch o.Measure {
	case "falseKillsPerPodYear":
		return o.Bound
	case "falseKillsPerPodDay", "falseKillsPerPodDayByLiveness":
		return o.Bound * float64(year) / float64(day)
	case "meanTimeToFalseKillSeconds":
		return year.Seconds() / o.Bound
	}
	return 0
}

// hidden reports whether what starts may add keeps the false kills from being known
// to the relative precision, whatever splitting finds.
func hidden(rare *Rare, starts *stats.Estimate, precision float64) bool {
	return starts.High-starts.Low > 2*precision*(rare.Kills.Estimate+starts.Estimate)
}

// methodOf says how the false kills were estimated, after so many plain
// replications without one.
func methodOf(rare *Rare, plain int64) string {
	what := "the liveness probe's failures in a row"
	if rare.Waiting {
		what = "how long the liveness probe's attempts wait, and its failures in a row"
	}
	if rare.GivenUp {
		return fmt.Sprintf(
			"method of the false kills: multilevel splitting (S12) on %s, given up before the last of %d levels, where excursions are too rare to go on with; false kills come less often than %.2g times in a pod-year, and how much less was not asked",
			what, rare.Levels, rare.Kills.High*float64(year)/float64(day))
	}
	return fmt.Sprintf(
		"method of the false kills: multilevel splitting (S12) on %s, %d levels, %d independent replications, %.3g pod-years, chosen because no false kill was seen in %d plain replications; lives go on from copies of the whole state of the pod (stalls, backlog, quota, workers), so failures hang together as they do in a plain life; plain simulation would need %s times the pod time for the same relative error",
		what, rare.Levels, rare.Kills.N, float64(rare.PodTime)/float64(year), plain, gain(rare.Gain))
}

// gain writes a factor with two digits, and without an exponent as far as people
// count.
func gain(factor float64) string {
	if !(factor < 999.5e6) { // infinite where all replications agree
		return fmt.Sprintf("%.2g", factor)
	}
	unit := ""
	switch {
	case factor >= 0.9995e6:
		factor, unit = factor/1e6, " million"
	case factor >= 999.5:
		factor, unit = factor/1e3, " thousand"
	}
	if factor >= 100 {
		return fmt.Sprintf("%.0f%s", 10*math.Round(factor/10), unit)
	}
	return fmt.Sprintf("%.2g%s", factor, unit)
}

// enoughSplitting returns what splitting has to reach: what the stopping rule asks of
// the false kills of this variant (S11). It is nil where more replications would not
// narrow the intervals, those of uncertain inputs, and where they are to be spared.
func (t *tally) enoughSplitting(w *model.World, m *Measures, f *formula, o Options) func(*Rare) bool {
	if o.Sparing || w.Uncertain() {
		return nil
	}
	starts := t.startKills(w, o)
	return func(rare *Rare) bool {
		if rare.Kills.Estimate == 0 || hidden(rare, &starts, o.Precision) {
			return true // more of it would not help
		}
		with := *m
		with.FalseKillProbability = &KillProbabilities{}
		setKills(&with, w, rare, starts)
		if known := precise(with.FalseKillsPerPodDay, o.Precision); known || len(o.Objectives) == 0 {
			return known
		}
		for _, objective := range o.Objectives {
			if v, _ := judge(objective, w, &with, f); ofKills(objective.Measure) && v.Met == nil {
				return false
			}
		}
		return true
	}
}

// roomEarly is how far from what an objective allows the interval has to be for half
// of the replications to decide it: they may all have missed a rarer way to a verdict.
// A bound has room of its own.
const roomEarly = 2

// decidedEarly returns whether what splitting came to decides every objective about
// false kills (S11), an interval with room on either side.
func (t *tally) decidedEarly(m *Measures, w *model.World, o Options) func(*Rare) bool {
	starts, formula := t.startKills(w, o), t.byFormula(w, o)
	return func(rare *Rare) bool {
		if rare.Kills.Estimate == 0 && !rare.GivenUp {
			return false
		}
		wider, with := *rare, *m
		if !rare.GivenUp {
			wider.Kills.Low, wider.Kills.High = rare.Kills.Low/roomEarly, rare.Kills.High*roomEarly
		}
		with.FalseKillProbability = &KillProbabilities{}
		setKills(&with, w, &wider, starts)
		return !opens(w, &with, &formula, o.Objectives)
	}
}

// startKills returns the false kills per pod-day of starts: those of the first start of
// each pod, which lives as long as it is said to, however short the lives are that were
// simulated, and the restarts after it times the share of them that ends in a false kill.
// Both are cut at the closed form's bound of a lost start.
func (t *tally) startKills(w *model.World, o Options) stats.Estimate {
	again := killsBeforeStartup(w)
	if !canLoseStart(w) && again == 0 {
		return exactly(0)
	}
	formula := o.formulas.of(w)
	first := t.FirstStarts.kills(o.podLife(), o.Confidence)
	losses := t.FirstStarts.Losses.Estimate(o.Confidence)
	if most := formula.startupBound; most < 1 && leastShare(&losses) <= most {
		first = first.Map(func(kills float64) float64 { return math.Min(kills, most/(1-most)) })
	}
	perPod := float64(day) / float64(o.podLife())
	restarts, lost := t.restartRate(w, o), t.restartLosses(w, o)
	e := sum(first.Map(func(kills float64) float64 { return kills * perPod }), product(restarts, lost))
	if again > 0 {
		e.High += ((1+first.High)*perPod + restarts.High) * again
	}
	return e
}

// restartLosses returns the share of the restarts after a start was outlived that end in a
// false kill, by those that were seen, and those after test hangs where nothing else of
// the scenario's ends a process: a kill comes at a phase of its own. It is not that of
// first starts, as a probe that has run on meets a restart at any phase (K2, K3), up to a
// period sooner. So it is at most the share of first starts that take longer than the
// earliest verdict, or are lost after it.
func (t *tally) restartLosses(w *model.World, o Options) stats.Estimate {
	probe := w.Container().Probes[model.Startup]
	if probe == nil {
		probe = w.Container().Probes[model.Liveness]
	}
	starts := count(t.StartKills.Sums.X)
	if starts == 0 {
		return exactly(0) // nothing has started
	}
	var late stats.Proportion
	lostServing := max(0, count(t.StartLosses.Sums.Y)-count(t.StartKills.Sums.Y))
	late.Add(min(starts, starts-t.Startup.AtMost(firstVerdict(probe))+lostServing), starts)
	restarted := t.Restarted
	if onlyHangs(w) {
		restarted.Merge(&t.AfterHangs)
	}
	most, lost := late.Estimate(o.Confidence), restarted.Estimate(o.Confidence)
	if count(restarted.Sums.X) == 0 {
		lost = most
	}
	formula := o.formulas.of(w)
	return formula.lostStarts(lost.Map(func(share float64) float64 { return math.Min(share, most.High) }))
}

// onlyHangs reports whether all faults of the scenario's own are as test hangs are.
func onlyHangs(w *model.World) bool {
	for i := range w.Faults {
		if f := &w.Faults[i]; f.Exits || !f.Forever || !f.Hangs || f.Answers != model.FaultTimeout {
			return false
		}
	}
	return true
}

// restartRate returns those restarts per pod-day: as often as they were seen, as far as
// that is no more than there can be.
func (t *tally) restartRate(w *model.World, o Options) stats.Estimate {
	e := t.Restarts.Estimate(day, o.Confidence)
	if count(t.Restarts.Sums.Y) == 0 && len(w.Faults) == 0 && len(w.Application.Resources) == 0 {
		e.High = 0 // a process ends by kills alone, and what they add is as rare as they are
	}
	most := t.mostRestarts(w, o)
	return e.Map(func(perDay float64) float64 { return math.Min(perDay, most) })
}

// mostRestarts bounds them: each fault at a known rate and each false kill of the closed
// form's bound leads to one, and to another wherever that is lost too. +Inf: something
// else restarts processes, or nobody knows how often.
func (t *tally) mostRestarts(w *model.World, o Options) float64 {
	if w.Events.Deletion != nil || w.Events.Rollout != nil || len(w.Application.Resources) > 0 {
		return math.Inf(1)
	}
	formula := o.formulas.of(w)
	most := formula.bound // +Inf where there is none
	for i := range w.Faults {
		f := &w.Faults[i]
		if _, random := f.Every.Nanoseconds.(dist.Exponential); !random || f.Planned {
			return math.Inf(1)
		}
		most += day.Seconds() / f.Every.Mean().Seconds()
	}
	if most == 0 {
		return 0 // nothing begins what lost restarts would go on with
	}
	return most / (1 - t.restartLosses(w, o).High)
}

// setKills fills in the measures of false kills: those of splitting and those of
// starts together.
func setKills(m *Measures, w *model.World, rare *Rare, starts stats.Estimate) {
	with := func(e stats.Estimate) stats.Estimate {
		e.Estimate, e.Low, e.High = e.Estimate+starts.Estimate, e.Low+starts.Low, e.High+starts.High
		return e
	}
	all := with(rare.Kills)
	byLiveness := all
	if w.Container().Probes[model.Startup] != nil {
		byLiveness = rare.Kills
	}
	perYear := all.Map(func(x float64) float64 { return x * float64(year) / float64(day) })
	between := all.Map(func(x float64) float64 { return day.Seconds() / x })
	m.FalseKillsPerPodDayByLiveness, m.FalseKillsPerPodDay = &byLiveness, &all
	m.FalseKillsPerPodYear, m.MeanTimeToFalseKillSeconds = &perYear, &between
	verdicts := with(rare.Verdicts)
	into := [...]*PodAndAny{&m.FalseKillProbability.H1, &m.FalseKillProbability.H24, &m.FalseKillProbability.H720, &m.FalseKillProbability.H8766}
	for i, p := range into {
		days := float64(killSpans[i].span) / float64(day)
		p.Pod = verdicts.Map(func(x float64) float64 { return -math.Expm1(-x * days) })
		p.Pod.Method = "Poisson at the rate of verdicts, " + verdicts.Method
		p.AnyReplica = repeated(p.Pod, float64(max(1, w.Replicas)))
	}
}
