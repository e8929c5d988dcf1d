package recommend

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
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

// finalistsSimulated is the number of settings that are simulated in full.
const finalistsSimulated = 3

// Run searches the settings of the studied container's probes that meet the
// objectives (S19 to S22). It predicts what every setting leads to from closed
// forms and one pass over the environment's paths, simulates the best few in
// full beside the current ones on common random numbers, and confirms the one
// it recommends on fresh streams. Current settings that meet everything are
// recommended as they are.
func Run(ctx context.Context, w *model.World, o Options) (*Recommendation, error) {
	if len(o.Objectives) == 0 {
		o.Objectives = DefaultObjectives()
	}
	for _, objective := range o.Objectives {
		if err := estimate.Check(objective); err != nil {
			return nil, err
		}
	}
	if o.Horizon <= 0 {
		o.Horizon = 30 * 24 * time.Hour
	}
	r := &Recommendation{
		APIVersion: "probesim/v1", Kind: "Recommendation", Scenario: w.Name, Seed: o.Seed,
		Assumptions: []string{}, Front: []FrontPoint{}, Binding: []Reason{}, Rejected: []Rejection{}, Notes: []string{},
	}
	if o.Margin > 0 && o.Margin != 1 {
		w = worsened(w, o.Margin)
		r.note("safety margin: every number is that of a world in which stalls, pauses, CPU demand and starts are %g times as long", o.Margin)
	}
	s, err := newSearch(w, o, attemptsObserved, startsSimulated(w, o.Objectives))
	if err != nil {
		return nil, err
	}
	r.describe(s)
	chosen := s.choose(true)
	if len(chosen) == 0 && s.loud[model.Liveness] == nil && s.loud[model.Readiness] == nil {
		chosen = s.choose(false)
	}
	if err := r.decide(ctx, s, o, chosen); err != nil {
		return nil, err
	}
	r.front(s)
	return r, nil
}

func (r *Recommendation) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// startsSimulated is how many starts show the objective's probability: enough
// to see a few that take too long where that is cheap, and at least enough to
// exclude more. What the limit stretches costs an event each quota period.
func startsSimulated(w *model.World, objectives []model.Objective) int {
	bound := 0.0001
	for _, o := range objectives {
		if o.Measure == "startupKillProbability" && o.Bound > 0 {
			bound = o.Bound
		}
	}
	const most, events = 60_000, 12e6
	cost := 20.0
	for i := range w.Application.Startup {
		if limit := w.Container().CPULimitMilli; limit > 0 && !w.Node.NoCFSQuota {
			stretched := w.Application.Startup[i].CPU.Quantile(0.5).Seconds() * 1000 / float64(limit)
			cost += stretched / w.Node.CFSPeriod.Seconds()
		}
	}
	return int(math.Min(most, math.Max(6/bound, math.Min(40/bound, events/cost))))
}

// describe says what the search rests on.
func (r *Recommendation) describe(s *search) {
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		current, base := s.w.Container().Probes[k], s.base[k]
		switch {
		case base == nil:
			r.note("no %s is proposed: the container has no probe whose handler it could ask", k.Field())
		case current == nil:
			r.note("there is no %s; the one proposed asks %s, the handler of another probe. Check that it is fit for that: a liveness probe must not depend on what a restart does not help", k.Field(), base.Handler)
		}
		if base == nil {
			continue
		}
		if s.loud[k] == nil {
			r.note("%s: the rate of false verdicts of every setting is a closed form (%s)", k.Field(), s.closed[k].Sentence())
		} else {
			r.note("%s: the rate of false verdicts of every setting is that seen along simulated paths of the environment (usual periods only, %d attempts each), plus the closed form of its stalls (%s); settings whose threshold is beyond every run seen are ranked by extension, and only the full simulation decides about them",
				k.Field(), attemptsObserved, s.closed[k].Sentence())
		}
	}
}

// decide simulates the best settings beside the current ones and fills in the
// recommendation, or why there is none.
func (r *Recommendation) decide(ctx context.Context, s *search, o Options, chosen []combination) error {
	finalists := pick(chosen)
	variants := []estimate.Named{}
	for i := range finalists {
		variants = append(variants, estimate.Named{Name: fmt.Sprintf("finalist %d", i+1), World: s.world(&finalists[i])})
	}
	variants = append(variants, estimate.Named{Name: "current", World: s.w})
	estimates, err := estimate.Run(ctx, variants, o.forSimulation(variants))
	if err != nil {
		return err
	}
	current := &estimates.Variants[len(finalists)]
	r.Current = proposalOf(current)
	r.keepNotes(current, "current settings: ")
	if verdict(current) == met {
		r.Recommended = &Proposal{current.Settings, current.Measures, current.Objectives}
		r.note("the current settings meet every objective; they are recommended unchanged")
		r.keep(s)
		return nil
	}
	r.reject(settingsText(s.w.Container()), "current settings: "+whyNot(current))
	order := byVerdict(estimates.Variants[:len(finalists)])
	for _, i := range order {
		v := &estimates.Variants[i]
		if verdict(v) == missed {
			r.reject(describe(s, &finalists[i]), "full simulation: "+whyNot(v))
			continue
		}
		if verdict(v) == undecided && verdict(current) == undecided {
			r.Recommended = &Proposal{current.Settings, current.Measures, current.Objectives}
			r.note("the current settings miss no objective, and the best other settings leave the same ones undecided; they are recommended unchanged")
			r.keep(s)
			return nil
		}
		again := []estimate.Named{{Name: "recommended", World: s.world(&finalists[i])}}
		fresh := o.forSimulation(again)
		fresh.Seed = o.Seed ^ freshStreams
		confirmed, err := estimate.Run(ctx, again, fresh)
		if err != nil {
			return err
		}
		winner := &confirmed.Variants[0]
		if verdict(winner) == missed {
			r.reject(describe(s, &finalists[i]), "on fresh streams: "+whyNot(winner))
			continue
		}
		p := proposalOf(winner)
		r.Recommended = &p
		r.note("the recommended settings were simulated beside the current ones on common random numbers, and again on fresh streams; the numbers are those of the latter (%d replications)", confirmed.Replications)
		r.keepNotes(winner, "recommended settings: ")
		r.explain(s, &finalists[i], chosen)
		return nil
	}
	return r.infeasible(s, o, len(chosen) > 0)
}

// freshStreams sets the seeds of the confirmation apart from those of the search.
const freshStreams = 0xf4e54

// forSimulation returns the options of a full simulation. How long its lives
// last and how many there may be depends on how much happens in the worlds.
func (o Options) forSimulation(variants []estimate.Named) estimate.Options {
	simulation := o.Options
	if simulation.Replications > 0 {
		return simulation
	}
	const (
		events       = 8e6 // of all replications of one variant: a few seconds
		replications = 16  // at least, for intervals between them
		most         = 64
	)
	perSecond := 0.0
	for _, v := range variants {
		perSecond = max(perSecond, eventsPerSecond(v.World))
	}
	shortest := min(o.Horizon, 48*time.Hour)
	affordable := time.Duration(events / replications / perSecond * 1e9)
	simulation.Horizon = max(shortest, min(o.Horizon, affordable.Truncate(24*time.Hour)))
	simulation.Limit = int64(math.Min(most, math.Max(replications, events/(perSecond*simulation.Horizon.Seconds()))))
	return simulation
}

// eventsPerSecond estimates how much happens in a second of a world.
func eventsPerSecond(w *model.World) float64 {
	sum := 0.02
	rate := func(every time.Duration, events float64) {
		if every > 0 {
			sum += events / every.Seconds()
		}
	}
	for k, p := range w.Container().Probes {
		if p != nil && model.ProbeKind(k) != model.Startup {
			rate(p.Period(), 1)
		}
	}
	for i := range w.Application.Background {
		rate(w.Application.Background[i].Every.Mean(), 8) // with the quota's periods
	}
	if t := w.Application.Traffic; t != nil {
		sum += 4 * t.PerSecond
	}
	for i := range w.Node.Neighbours {
		rate(w.Node.Neighbours[i].Idle.Mean(), 2)
	}
	return sum
}

// pick returns the settings to simulate: the best, the best with another
// liveness setting, and the one with the fewest predicted false kills.
func pick(chosen []combination) []combination {
	if len(chosen) == 0 {
		return nil
	}
	picked := []combination{chosen[0]}
	add := func(c combination) {
		same := func(d combination) bool {
			return d.readiness == c.readiness && d.liveness == c.liveness && d.start.probe == c.start.probe
		}
		if len(picked) < finalistsSimulated && !slices.ContainsFunc(picked, same) {
			picked = append(picked, c)
		}
	}
	safest := slices.MinFunc(chosen, func(a, b combination) int { return compareBound(&a, &b) })
	for _, c := range chosen {
		if c.liveness != chosen[0].liveness {
			add(c)
			break
		}
	}
	add(safest)
	return picked
}

func compareBound(a, b *combination) int {
	bound := func(c *combination) float64 {
		if c.liveness == nil {
			return 0
		}
		return c.liveness.bound
	}
	switch x, y := bound(a), bound(b); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
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

// byVerdict returns the indices of the variants, those that meet everything
// first and in their order otherwise.
func byVerdict(variants []estimate.Variant) []int {
	order := make([]int, len(variants))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(verdict(&variants[a])) - int(verdict(&variants[b])) })
	return order
}

func proposalOf(v *estimate.Variant) Proposal {
	return Proposal{Settings: v.Settings, Measures: v.Measures, Objectives: v.Objectives}
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

var errNoProbe = errors.New("the container has no probe, so there is no handler to ask and nothing to recommend")
