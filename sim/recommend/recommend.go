package recommend

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// Options says how much effort to spend, and for what. Replications, if given,
// is the number for each full simulation; otherwise it follows from how much
// happens in the world, never from elapsed time.
type Options struct {
	estimate.Options
	// Margin is a safety multiplier: settings have to meet the objectives in a
	// world whose stalls, CPU demand and starts are so many times as long (S21).
	// 0: 1.
	Margin float64
	// Full goes through the whole grid, of every period, threshold and timeout, and
	// holds the search against it (S19). It takes minutes.
	Full bool
	// Strategy is how the workload is rolled out. Of no kind: that of a Deployment
	// which states nothing.
	Strategy model.Strategy
	// StartBudget is what a startup probe guarantees a start, where how long starts take is
	// only supposed: such that this budget suffices, with a reserve. No less is proposed.
	// 0: somebody said how long they take, or there is no such budget.
	StartBudget time.Duration
	// Aims are those of the objectives that nobody states, and that may be given up
	// where they ask for a liveness probe which does harm. Without objectives: all.
	Aims []model.Objective
}

// DefaultObjectives are those of a scenario that states none.
func DefaultObjectives() []model.Objective {
	return []model.Objective{
		{Measure: "falseKillsPerPodYear", Bound: 0.1},
		{Measure: "startupKillProbability", Bound: 0.0001},
		{Measure: "detectionSeconds", Statistic: "p99", Bound: 60},
		{Measure: "removalSeconds", Statistic: "p99", Bound: 30},
		{Measure: "readyLagSeconds", Statistic: "p99", Bound: 5},
		{Measure: estimate.Tolerance, AtLeast: true, Bound: 2},
	}
}

// Run searches the settings of the studied container's probes that meet the
// objectives (S19 to S22). It predicts what every setting leads to from closed
// forms and one pass over the environment's paths, simulates the best few in
// full beside the current ones on common random numbers, and confirms the one
// it recommends on fresh streams. Current settings that meet everything are
// recommended as they are. When ctx or the budget ends early, what was reached is returned,
// and a note says so.
func Run(ctx context.Context, w *model.World, o Options) (*Recommendation, error) {
	if len(o.Objectives) == 0 {
		o.Objectives = DefaultObjectives()
		o.Aims = o.Objectives
	}
	for _, objective := range o.Objectives {
		if err := estimate.Check(objective); err != nil {
			return nil, err
		}
	}
	if o.Horizon <= 0 {
		o.Horizon = defaultHorizon
	}
	r := &Recommendation{
		APIVersion: "probesim/v1", Kind: "Recommendation", Scenario: w.Name, Seed: o.Seed, Margin: o.margin(),
		Assumptions: []string{}, Front: []FrontPoint{}, ReadinessFront: []RemovalPoint{}, Binding: []Reason{}, Rejected: []Rejection{}, GivenUp: []GivenUp{}, Notes: []string{},
	}
	w = o.world(w)
	r.Current.Settings = estimate.SettingsOf(w.Container())
	until, release := o.until(ctx)
	defer release()
	err := r.search(ctx, until, w, o)
	r.chosen = nil // it holds the whole grid that it was chosen from
	return r, err
}

// search fills in the recommendation. Ctx is what the caller may end, and until
// ends with it or with the budget.
func (r *Recommendation) search(ctx, until context.Context, w *model.World, o Options) error {
	s, err := newSearch(until, w, o, o.thorough(), nil)
	switch {
	case until.Err() != nil:
		r.note("%s while starts and the paths of the environment were simulated: nothing is known yet of any settings", ending(ctx))
		return nil
	case err != nil:
		return err
	}
	s.strategy = strategyOf(&o.Strategy, w.Replicas)
	r.Starts = s.startsOf()
	s, err = r.decideTogether(until, s, o)
	switch {
	case until.Err() != nil:
		r.ended(s, ending(ctx))
	case err != nil:
		return err
	}
	r.fronts(s)
	if o.Full && until.Err() == nil {
		r.holdAgainstGrid(s)
	}
	err = r.advise(ctx, until, s, o)
	r.TerminationSettings = r.terminationSettings(w, &s.strategy)
	return err
}

// ending says what ended a search before its time.
func ending(ctx context.Context) string {
	if ctx.Err() != nil {
		return "interrupted"
	}
	return "the budget ended"
}

// safety fills in how much worse things may become for the current and the
// recommended settings.
func (r *Recommendation) safety(s *search, stop *atomic.Bool) (err error) {
	if r.Current.Safety, err = s.safety(s.current(), &r.Current, stop); err != nil || r.Recommended == nil {
		return err
	}
	if r.chosen == nil { // the current settings are kept
		r.Recommended.Safety = r.Current.Safety
		return nil
	}
	r.Recommended.Safety, err = s.safety(r.chosen, r.Recommended, stop)
	return err
}

// advise adds what concerns safety, deletions and rollouts, beside the settings of
// the probes, and says what of it, and of all replicas together, there was no time for.
func (r *Recommendation) advise(ctx, until context.Context, s *search, o Options) (err error) {
	stop := new(atomic.Bool) // gives up the lives under way
	defer context.AfterFunc(until, func() { stop.Store(true) })()
	steps := []struct {
		what string
		take func() error
	}{
		{"the safety multipliers", func() error { return r.safety(s, stop) }},
		{"deletions", func() (err error) {
			if serves(s.w) {
				r.Termination, err = s.termination(stop)
			}
			return err
		}},
		{"rollouts", func() (err error) {
			if !serves(s.w) {
				return nil // nobody rolls it out
			}
			if r.Rollout, err = s.rollout(r.Recommended, stop); r.Rollout != nil {
				r.explainRollout()
			}
			return err
		}},
	}
	for i, step := range steps {
		if until.Err() == nil {
			err = step.take()
		}
		if until.Err() != nil {
			var missing []string
			if r.Together == nil && meet(s.w) {
				missing = append(missing, "all replicas together")
			}
			for _, rest := range steps[i:] {
				missing = append(missing, rest.what)
			}
			r.note("%s before these were simulated: %s", ending(ctx), strings.Join(missing, ", "))
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ended says what was reached when the search was ended before its time.
func (r *Recommendation) ended(s *search, how string) {
	chosen := s.choose()
	switch {
	case r.Recommended != nil || r.Infeasible != nil:
		r.note("%s: what is said rests on the replications that were done", how)
	case len(chosen) == 0:
		r.note("%s before the full simulation was done; no settings are predicted to meet every objective", how)
	default:
		r.note("%s before the full simulation was done; predicted best, and not confirmed: %s (%s)", how, describe(s, &chosen[0]), s.summary(&chosen[0]))
	}
}

func (r *Recommendation) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// describe says what the search rests on.
func (r *Recommendation) describe(s *search) {
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		current, base := s.w.Container().Probes[k], s.base[k]
		switch {
		case base == nil && k == model.Readiness && s.w.Pod.RestartPolicy != model.RestartAlways:
			r.note("no readinessProbe is proposed: the pod runs to completion, and nobody waits for it to be in the endpoints")
		case base == nil && k == model.Liveness && !asksForLiveness(s.w, &s.base, s.objectives):
			r.note("no livenessProbe is proposed: there is none, and no objective asks for one, of detectionSeconds or recoverySeconds")
		case base == nil:
			r.note("no %s is proposed: the container has no probe whose handler it could ask", k.Field())
		case current == nil && k == model.Liveness:
			r.note("there is no livenessProbe; every one that is considered asks %s, the handler of another probe. Before one is applied, check that it does not depend on what a restart does not help", base.Handler)
		case current == nil:
			r.note("there is no readinessProbe; every one that is considered asks %s, the handler of another probe. Before one is applied, check that it fails when the process should get no requests", base.Handler)
		}
		if base == nil {
			continue
		}
		if k == model.Liveness && current != nil && !s.notices(k) {
			r.note("livenessWorth is null: the livenessProbe notices no hang, so it can save nothing")
		}
		switch {
		case s.chain[k] != nil:
			r.note("%s: the rate of false verdicts of every setting is that of the Markov chain of stalls, answers that wait longer while a neighbour is busy, and failures in a row (S2)", k.Field())
		case s.loud[k] == nil:
			r.note("%s: the rate of false verdicts of every setting is a closed form (%s)", k.Field(), s.closed[k].Sentence())
		default:
			r.note("%s: the rate of false verdicts of every setting is that seen along simulated paths of the environment (at most %d attempts of each usual period, and of the others every k-th of a shorter one's), plus the closed form of what else fails it (%s); settings whose threshold is beyond every run seen are ranked by extension, and only the full simulation decides about them",
				k.Field(), attemptsObserved, s.closed[k].Rules())
		}
	}
}

// rounds is how often the search corrects its predictions by what the full
// simulation shows, and chooses again.
const rounds = 4

// decision is how far the choice has come.
type decision struct {
	current   standing
	predicted bool        // some settings were predicted to meet every objective
	barren    bool        // none are predicted to any more
	fallback  *finalist   // misses nothing, but leaves something undecided
	open      int         // settings that are not predicted to meet everything, of which the simulation left it open
	left      []*finalist // others of which it did
	notes     int         // and rejections about the current settings
	rejected  int
}

// decide simulates the current settings, and unless they meet everything the best
// others on the same random numbers, and fills in the recommendation, or why there
// is none. Where the simulation of the best settings goes beyond their prediction,
// the predictions are corrected, and the search chooses again. Where no settings
// are predicted to meet every objective, and none that miss nothing were found, the
// most patient that may meet them at the favourable end of their predictions are
// simulated all the same: a bound from above proves nothing of what is below it. Of
// those only what the simulation shows to meet everything is recommended, or to miss
// nothing with estimates that meet everything, or where readiness sheds load what it
// shows to miss nothing. Settings that are not patient come last.
func (r *Recommendation) decide(ctx context.Context, s *search, o Options, d *decision) error {
	if err := r.judgeCurrent(ctx, s, o, d); err != nil {
		return err
	}
	if d.current == met {
		return r.improve(ctx, s, o, d)
	}
	done, err := r.tryRounds(ctx, s, o, d, true)
	if done || err != nil {
		return err
	}
	if d.fallback == nil && !d.keepable(s) {
		if done, err = r.trySooner(ctx, s, o, d); done || err != nil {
			return err
		}
	}
	if d.fallback == nil && !d.keepable(s) {
		if done, err = r.tryEager(ctx, s, o, d); done || err != nil {
			return err
		}
	}
	return r.settle(ctx, s, o, d)
}

// trySooner simulates settings beside a readiness probe that sheds the load soonest.
func (r *Recommendation) trySooner(ctx context.Context, s *search, o Options, d *decision) (done bool, err error) {
	if sooner, err := s.shedSooner(ctx, o.thorough()); !sooner || err != nil {
		return false, err
	}
	d.barren = false
	return r.tryRounds(ctx, s, o, d, true)
}

// tryEager simulates settings that are not patient, the most patient of them first.
func (r *Recommendation) tryEager(ctx context.Context, s *search, o Options, d *decision) (done bool, err error) {
	eager := s.eagerly()
	if err := s.learnOthers(ctx); err != nil {
		return false, err
	}
	meeting, _ := eager.enumerate(eager.whole())
	for s.eagerness < mostEager && d.fallback == nil && !done && err == nil && meeting > 0 {
		s.eagerness++
		d.barren = false
		done, err = r.tryRounds(ctx, s, o, d, false)
	}
	if !done && d.fallback == nil {
		s.eagerness = mostEager // why there are none is to be said of all
	}
	return done, err
}

// keepable reports whether the current settings may be kept: the simulation shows
// no objective that they miss, and none is out of their reach.
func (d *decision) keepable(s *search) bool {
	return d.current == undecided && len(s.hope().missed(s.current())) == 0
}

// tryRounds simulates the best settings that the search considers, in rounds, and
// corrects its predictions between them; also, if told so, those that are only
// possible. It reports whether some meet everything, and so are recommended.
func (r *Recommendation) tryRounds(ctx context.Context, s *search, o Options, d *decision, hopeful bool) (done bool, err error) {
	for range rounds {
		var chosen []combination
		if !d.barren { // corrections only make predictions worse
			if chosen, err = s.candidates(ctx); err != nil {
				return false, err
			}
			d.barren = len(chosen) == 0
		}
		d.predicted = d.predicted || len(chosen) > 0
		finalists, predicted := s.finalists(chosen), true
		if len(finalists) == 0 && hopeful && (d.fallback == nil || !s.meetsByEstimate(d.fallback)) {
			if finalists, err = s.hopeful(ctx); err != nil {
				return false, err
			}
			predicted = false
		}
		if len(finalists) == 0 {
			break
		}
		done, err := r.judge(ctx, s, o, d, finalists, chosen, predicted)
		if ctx.Err() != nil && d.fallback != nil {
			break // the best so far is more than nothing
		}
		if done || err != nil {
			return done, err
		}
		changed := s.correct(finalists)
		if d.fallback != nil && (!changed || s.meetsByEstimate(d.fallback)) {
			break
		}
	}
	return false, nil
}

// settle fills in what is recommended where nothing was simulated to meet every
// objective: the best that misses nothing, the current settings if they do and no
// others are better, or why there are none.
func (r *Recommendation) settle(ctx context.Context, s *search, o Options, d *decision) error {
	switch {
	case d.fallback != nil && d.current == undecided:
		r.rejectOpen(s, d, nil)
		r.keep(s, "the current settings miss no objective, and the best others leave something undecided too; they are recommended unchanged")
	case d.fallback != nil:
		r.rejectOpen(s, d, d.fallback)
		r.recommend(s, d.fallback, s.choose())
	case d.keepable(s):
		r.keep(s, "the current settings miss no objective, and no others are predicted to meet every one; they are recommended unchanged")
	default:
		return r.infeasible(ctx, s, o, d)
	}
	return nil
}

// judgeCurrent simulates the current settings as those that are tried, and with
// more effort unless that shows that they miss something.
func (r *Recommendation) judgeCurrent(ctx context.Context, s *search, o Options, d *decision) error {
	named := estimate.Named{Name: "current", World: s.w}
	trial := o.forTrial(s.w)
	trial.Replications = o.Replications // all that were asked for
	current, err := s.alone(ctx, trial, named, .3)
	if err != nil {
		return err
	}
	if verdict(current) != missed {
		if current, err = s.alone(ctx, o.forSimulation(s.w), named, .3); err != nil {
			return err
		}
	}
	d.current = verdict(current)
	r.Current = proposalOf(s, current)
	r.keepNotes(current, "current settings: ")
	d.notes, d.rejected = len(r.Notes), len(r.Rejected)
	if d.current == met {
		return nil
	}
	r.reject(settingsText(s.w.Container()), "current settings: "+whyNot(current))
	d.rejected++
	return nil
}

// judge simulates finalists one after the other, on the random numbers of the
// current settings, and confirms those that miss nothing on fresh streams. It
// reports whether one of them meets everything, and so is recommended.
func (r *Recommendation) judge(ctx context.Context, s *search, o Options, d *decision, finalists []finalist, chosen []combination, predicted bool) (done bool, err error) {
	for i := range finalists {
		f := &finalists[i]
		if d.fallback != nil && s.meetsByEstimate(d.fallback) && !s.boundMeets(f) {
			break // what is open of the better one would stay open of this one
		}
		named := estimate.Named{Name: "recommended", World: s.world(&f.combination)}
		if f.variant, err = s.alone(ctx, o.forTrial(named.World), named, .2); err != nil {
			return false, err
		}
		if verdict(f.variant) != missed {
			fresh := o
			fresh.Seed ^= freshStreams
			if f.variant, err = s.alone(ctx, fresh.forSimulation(named.World), named, .6); err != nil {
				return false, err
			}
			f.confirmed = true
		}
		switch verdict(f.variant) {
		case met:
			r.rejectOpen(s, d, f)
			r.recommend(s, f, chosen)
			return true, nil
		case undecided:
			if !predicted && s.shedding == nil && !s.meetsByEstimate(f) {
				d.open++
				r.reject(describe(s, &f.combination), "may meet every objective, but is not predicted to; full simulation: "+whyNot(f.variant))
				continue
			}
			d.left = append(d.left, f)
			if d.fallback == nil || nearerToMet(f.variant, d.fallback.variant) {
				d.fallback = f
			}
		case missed:
			r.reject(describe(s, &f.combination), "full simulation: "+whyNot(f.variant))
		}
	}
	return false, nil
}

// rejectOpen says what the simulation left undecided of settings that others were
// preferred to.
func (r *Recommendation) rejectOpen(s *search, d *decision, preferred *finalist) {
	for _, f := range d.left {
		if f != preferred {
			r.reject(describe(s, &f.combination), "full simulation: "+whyNot(f.variant))
		}
	}
	d.left = nil
}

// finalist is a combination that was simulated in full.
type finalist struct {
	combination
	variant   *estimate.Variant
	confirmed bool // on fresh streams
}

// finalists returns the best of the chosen that have not been simulated yet.
func (s *search) finalists(chosen []combination) []finalist {
	var finalists []finalist
	picked := pick(chosen, s.loud[model.Liveness] == nil)
	if s.shedding != nil && len(s.w.Application.Traffic.Bursts) > 0 { // of which few are seen on a path
		slices.Reverse(picked)
	}
	for _, c := range picked {
		if name := describe(s, &c); !s.tried[name] {
			s.tried[name] = true
			finalists = append(finalists, finalist{combination: c})
		}
	}
	return finalists
}

// alone simulates one world. Where there is a budget, it may take a share of what
// is left of it.
func (s *search) alone(ctx context.Context, o estimate.Options, named estimate.Named, share float64) (*estimate.Variant, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.Budget > 0 {
		ends, _ := ctx.Deadline()
		left := time.Until(ends)
		if left < o.Budget/2 {
			o.Plain = true // splitting takes its time whatever is left
		}
		o.Budget = max(time.Millisecond, time.Duration(share*float64(left)))
	}
	estimates, err := estimate.Run(ctx, []estimate.Named{named}, o)
	if err != nil {
		return nil, err
	}
	return &estimates.Variants[0], nil
}

// Confirm simulates a world's settings with the effort by which Run decides about
// those that it recommends, and holds them against the objectives. With a seed of
// its own it is an independent check of a recommendation.
func Confirm(ctx context.Context, w *model.World, o Options) (*estimate.Variant, error) {
	if len(o.Objectives) == 0 {
		o.Objectives = DefaultObjectives()
	}
	if o.Horizon <= 0 {
		o.Horizon = defaultHorizon
	}
	until, release := o.until(ctx)
	defer release()
	return new(search).alone(until, o.forSimulation(w), estimate.Named{Name: "base", World: w}, 1)
}

// defaultHorizon is that of a replication where none is stated, and what a pod lives
// at the least: a month, whatever is simulated of it.
const defaultHorizon = 30 * 24 * time.Hour

// ofKills reports whether a measure is one of false kills.
func ofKills(measure string) bool {
	return strings.HasPrefix(measure, "falseKills") || measure == "meanTimeToFalseKillSeconds"
}

// recommend fills in the recommended settings, and why.
func (r *Recommendation) recommend(s *search, f *finalist, chosen []combination) {
	p := proposalOf(s, f.variant)
	r.Recommended, r.chosen = &p, &f.combination
	r.note("the recommended settings were simulated beside the current ones on common random numbers, and again on fresh streams; the numbers are those of the latter")
	r.keepNotes(f.variant, "recommended settings: ")
	if s.eagerness > 0 {
		r.note("no patient settings meet the objectives, with at least %d failures for liveness and %d for readiness, and timeouts up to the period; the recommended ones are the most patient that do", leastLivenessFailures, leastReadinessFailures)
	}
	for _, p := range s.world(&f.combination).Container().Probes {
		if p != nil && p.TimeoutSeconds > p.PeriodSeconds {
			r.note("timeoutSeconds %d is above periodSeconds %d: the kubelet asks nothing while it waits for an answer, and once more the instant it has timed out (K5), so failures come %d s apart", p.TimeoutSeconds, p.PeriodSeconds, p.TimeoutSeconds)
		}
	}
	r.explain(s, &f.combination, chosen)
}

// freshStreams sets the seeds of the confirmation apart from those of the search.
const freshStreams = 0xf4e54

// pick returns the settings to simulate: the best, and, unless the prediction
// of false kills is certain, the one with the fewest, in case the best kill too
// often after all.
func pick(chosen []combination, certain bool) []combination {
	if len(chosen) == 0 {
		return nil
	}
	best := chosen[0]
	if certain {
		return []combination{best}
	}
	safest := slices.MinFunc(chosen, func(a, b combination) int {
		return cmp.Or(cmp.Compare(killBound(&a), killBound(&b)), cmp.Compare(load(&a), load(&b)))
	})
	if safest.liveness == best.liveness || killBound(&best) == 0 {
		return []combination{best}
	}
	safest.start, safest.readiness = best.start, best.readiness
	return []combination{best, safest}
}

func killBound(c *combination) float64 {
	if c.liveness == nil {
		return 0
	}
	return c.liveness.bound
}

// standing is how a variant stands to all objectives together.
type standing int

const (
	met standing = iota
	undecided
	missed
)

func verdict(v *estimate.Variant) standing {
	all := met
	for _, objective := range v.Objectives {
		switch {
		case objective.Met == nil:
			all = max(all, undecided)
		case !*objective.Met:
			all = missed
		}
	}
	return all
}

// open counts the objectives that a variant leaves undecided.
func open(v *estimate.Variant) int {
	n := 0
	for _, objective := range v.Objectives {
		if objective.Met == nil {
			n++
		}
	}
	return n
}

// meetsByEstimate reports whether the estimates of a finalist meet all objectives,
// so that only more effort, and no other settings, would decide what is open.
func (s *search) meetsByEstimate(f *finalist) bool {
	for i := range s.objectives {
		o := &s.objectives[i]
		if f.variant.Objectives[i].Met != nil {
			continue
		}
		if e, err := f.variant.Measures.Lookup(o.Measure, o.Statistic); err != nil || e == nil || !meets(o, e.Estimate) {
			return false
		}
	}
	return true
}

// boundMeets reports whether the closed form's bound alone meets the objectives about
// false kills, so that they are decided however few are simulated.
func (s *search) boundMeets(f *finalist) bool {
	if f.liveness == nil {
		return true
	}
	closed := estimate.NewClosedForm(s.world(&f.combination), model.Liveness)
	if closed.Why != "" {
		return false
	}
	bounded := f.combination
	option := *f.liveness
	_, option.bound = closed.Rate(s.livenessProbe(&f.combination))
	bounded.liveness = &option
	for i := range s.objectives {
		o := &s.objectives[i]
		if value, ok := s.plain(o, &bounded); ofKills(o.Measure) && (!ok || !meets(o, value)) {
			return false
		}
	}
	return true
}

// nearerToMet reports whether a variant that misses nothing leaves fewer objectives
// undecided than another one, or as many but less room for false kills.
func nearerToMet(a, b *estimate.Variant) bool {
	if n, m := open(a), open(b); n != m {
		return n < m
	}
	kills, others := a.Measures.FalseKillRate(), b.Measures.FalseKillRate()
	return kills != nil && others != nil && kills.High < others.High
}

func proposalOf(s *search, v *estimate.Variant) Proposal {
	return Proposal{
		Settings: v.Settings, Risks: risks(&v.Settings), Measures: v.Measures, Objectives: v.Objectives,
		LivenessWorth: worth(&v.Measures, statedHangs(s.w)), Safety: []Safety{},
	}
}

func (r *Recommendation) reject(settings, reason string) {
	r.Rejected = append(r.Rejected, Rejection{Settings: settings, Reason: reason})
}

// keepNotes takes over the notes of a simulation, named.
func (r *Recommendation) keepNotes(v *estimate.Variant, whose string) {
	for _, note := range v.Notes {
		r.Notes = append(r.Notes, whose+note)
	}
}
