package estimate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

// Together is what happens to all replicas of a workload at once, which the
// measures of one pod cannot say: a stall of a shared node and the outage of a
// shared dependency meet several of them, and the load of one that is out of the
// endpoints moves to the others.
type Together struct {
	Replicas        int     `json:"replicas"`
	ReplicasPerNode int     `json:"replicasPerNode"`
	Replications    int64   `json:"replications"`   // lives of all replicas, of each case
	LifeSeconds     float64 `json:"lifeSeconds"`    // of each, those that begin at a trigger apart
	HorizonSeconds  float64 `json:"horizonSeconds"` // over which the measures hold
	// Cases are the settings as they are and, on the same random numbers, what
	// they are compared with.
	Cases []TogetherCase `json:"cases"`
	Notes []string       `json:"notes"`
}

// TogetherCase is what happens to the replicas in one case.
type TogetherCase struct {
	Name string `json:"name"`
	// OutOfEndpointsAtOnce has a row for each number of replicas, from 1 to all.
	OutOfEndpointsAtOnce []AtOnce `json:"outOfEndpointsAtOnce"`
	// CascadeProbability is the probability that all are out at one instant before
	// all are in again, given that one is: of the episodes seen. Null: none was.
	CascadeProbability *stats.Estimate `json:"cascadeProbability"`
	// CrashLoopProbability is the probability that at the horizon the service has
	// been without full strength for an hour and more, every replica having been
	// out at one instant of it, while kills of processes that are not hung go on.
	CrashLoopProbability stats.Estimate `json:"crashLoopProbability"`
	// FalseKillsPerPodYear is that of all replicas, the ones of a cascade
	// included.
	FalseKillsPerPodYear stats.Estimate `json:"falseKillsPerPodYear"`
	// Availability is the share of the time in which a replica serves and is in the
	// endpoints, on average over all of them: that of one pod, with the load that the
	// others leave to it.
	Availability stats.Estimate `json:"availability"`
	// AfterTriggers says what comes of what is too rare for the lives to show.
	AfterTriggers []AfterTrigger `json:"afterTriggers"`
}

// AtOnce is how often so many replicas, or more, are out of the endpoints at one
// instant.
type AtOnce struct {
	Replicas       int            `json:"replicas"`
	FractionOfTime stats.Estimate `json:"fractionOfTime"` // the probability at a random instant
	TimesPerYear   stats.Estimate `json:"timesPerYear"`   // that the number rises to so many
}

// togetherCase is a case to simulate.
type togetherCase struct {
	name  string
	world *model.World
	apart bool

	onlyDependencies bool // all that differs from the case before is who checks dependencies
	without          []sim.Trigger
	begins           *sim.Trigger
}

// togetherCases returns the world as it is and what it is compared with.
func togetherCases(w *model.World) []togetherCase {
	cases := []togetherCase{{name: "as it is", world: w}}
	readiness := &w.Application.Probes[model.Readiness]
	if w.Container().Probes[model.Readiness] != nil && len(w.Dependencies) > 0 {
		other := *w
		checked := &other.Application.Probes[model.Readiness]
		name := "readiness checks no dependency"
		if len(readiness.DependsOn) > 0 {
			checked.DependsOn = nil
		} else {
			name = "readiness checks every dependency"
			for i := range w.Dependencies {
				checked.DependsOn = append(checked.DependsOn, i)
			}
		}
		cases = append(cases, togetherCase{name: name, world: &other, onlyDependencies: true})
	}
	if t := w.Application.Traffic; t != nil && t.OfService {
		cases = append(cases, togetherCase{name: "the load of a replica that is out goes nowhere", world: w, apart: true})
	}
	return cases
}

// togetherTally accumulates the lives of one case. Whole numbers only, so that
// the order of the lives changes nothing.
type togetherTally struct {
	out       []stats.RatioOfSums // time with at least k out, over time
	reached   []stats.Count
	whole     stats.Proportion
	allOut    stats.Proportion // of lives, in which all replicas were out at one instant
	crashLoop stats.Proportion
	kills     stats.Count
	away      stats.RatioOfSums // time of replicas that do not serve in the endpoints, over all of it
	lives     int64
	time      time.Duration
}

func (t *togetherTally) add(o *sim.ReplicasOutcome) {
	n := len(o.Out) - 1
	t.lives++
	t.time += o.Time
	if t.out == nil {
		t.out, t.reached = make([]stats.RatioOfSums, n+1), make([]stats.Count, n+1)
	}
	var atLeast time.Duration
	for k := n; k >= 1; k-- {
		atLeast += o.Out[k]
		t.out[k].Add(int64(atLeast), int64(o.Time))
		t.reached[k].Add(o.Reached[k], o.Time)
	}
	t.whole.Add(o.Whole, o.Episodes)
	allOut, looping := int64(0), int64(0)
	if o.Reached[n] > 0 || o.Out[n] > 0 {
		allOut = 1
	}
	t.allOut.Add(allOut, 1)
	if o.CrashLoop {
		looping = 1
	}
	t.crashLoop.Add(looping, 1)
	all := time.Duration(n) * o.Time
	t.kills.Add(o.FalseKills, all)
	t.away.Add(int64(all-o.Available), int64(all))
}

// result makes the measures of a case out of what it is put together of.
func (m *mixture) result(name string, replicas int, confidence float64) TogetherCase {
	c := TogetherCase{
		Name: name, OutOfEndpointsAtOnce: []AtOnce{}, AfterTriggers: []AfterTrigger{},
		CascadeProbability:   m.cascades(confidence),
		CrashLoopProbability: capped(m.crashLoop(confidence)),
		FalseKillsPerPodYear: m.rate(func(t *togetherTally) stats.Estimate { return t.kills.Estimate(year, confidence) }, confidence),
	}
	away := m.share(1, func(t *togetherTally) *stats.RatioOfSums { return &t.away }, confidence)
	c.Availability = away.Map(func(x float64) float64 { return 1 - x })
	for k := 1; k <= replicas; k++ {
		c.OutOfEndpointsAtOnce = append(c.OutOfEndpointsAtOnce, AtOnce{
			Replicas:       k,
			FractionOfTime: m.share(k, func(t *togetherTally) *stats.RatioOfSums { return &t.out[k] }, confidence),
			TimesPerYear:   m.rate(func(t *togetherTally) stats.Estimate { return t.reached[k].Estimate(year, confidence) }, confidence),
		})
	}
	for i, t := range m.triggers {
		a := m.after[i]
		c.AfterTriggers = append(c.AfterTriggers, AfterTrigger{
			Trigger: t.name, PerYear: t.perSecond * year.Seconds(), Lives: a.lives,
			AllOutProbability: a.allOut.Estimate(confidence), CrashLoopProbability: a.loops.Estimate(confidence),
		})
	}
	return c
}

// withoutKills makes the measures those of a world in which no probe can kill: there is
// no false kill, and no crash loop of them, however few lives were simulated.
func (c *TogetherCase) withoutKills() {
	c.FalseKillsPerPodYear, c.CrashLoopProbability = exactly(0), exactly(0)
	for i := range c.AfterTriggers {
		c.AfterTriggers[i].CrashLoopProbability = exactly(0)
	}
}

// mostTogether limits the lives of all replicas where no number of them is
// given and no budget ends first.
const mostTogether = 128

// SimulateTogether simulates lives of all replicas of a world, in lockstep. It
// looks at 16, 32, 64 and 128 lives and stops once the fractions of time of the
// world as it is are known to the relative half-width asked for, or the budget
// ends. What is too rare for 16 of them, or for the number asked for, gets lives of
// its own (see triggers.go), unless Plain is asked for. The error is that of a world
// that cannot be simulated, or of an end before the first life is over.
func SimulateTogether(ctx context.Context, w *model.World, o Options) (*Together, error) {
	o = o.withDefaults()
	effort := togetherEffort{lives: o.Replications, horizon: o.Horizon, events: runTriggerEvents}
	return simulateTogether(ctx, w, togetherCases(Sharing(w, 1)), o, effort)
}

// togetherEffort says how much of all replicas is simulated.
type togetherEffort struct {
	lives   int64         // ordinary ones; 0: until the options' precision or budget
	horizon time.Duration // of each
	events  int64         // of the lives that begin at triggers
}

const (
	// runTriggerEvents is what the lives of all triggers may cost in a run, and
	// mostTriggered is how many there are at the most of each.
	runTriggerEvents = 8e6
	mostTriggered    = 64
)

// Sharing returns the world under a multiple of its load, which the replicas share
// even if it is stated of each of them: a Service sends the part of one that is out
// to the others.
func Sharing(w *model.World, load float64) *model.World {
	if w.Application.Traffic == nil || w.Application.Traffic.OfService && load == 1 {
		return w
	}
	shared, traffic := *w, *w.Application.Traffic
	if !traffic.OfService {
		load *= float64(max(1, w.Replicas))
	}
	traffic.OfService = true
	traffic.PerSecond *= load
	traffic.Bursts = slices.Clone(traffic.Bursts)
	for i := range traffic.Bursts {
		traffic.Bursts[i].PerSecond *= load
	}
	shared.Application.Traffic = &traffic
	return &shared
}

// CompareTogether simulates all replicas under several settings of the same
// world, on the same random numbers: each as it is and, where the service has
// dependencies, with a readiness that checks what it does not check now, or
// nothing. So many ordinary lives last so long; what they are too short for gets
// lives of its own, which may cost so many events, and the options' horizon is that
// for which the measures hold.
func CompareTogether(ctx context.Context, settings []Named, o Options, lives int64, horizon time.Duration, events int64) (*Together, error) {
	var cases []togetherCase
	for _, named := range settings {
		for i, c := range togetherCases(Sharing(named.World, 1)) {
			if c.apart {
				continue
			}
			if i > 0 {
				c.name = named.Name + ", " + c.name
			} else {
				c.name = named.Name
			}
			cases = append(cases, c)
		}
	}
	return simulateTogether(ctx, settings[0].World, cases, o.withDefaults(), togetherEffort{lives, horizon, events})
}

// simulateTogether simulates the lives of all cases and makes measures of them.
func simulateTogether(ctx context.Context, w *model.World, cases []togetherCase, o Options, effort togetherEffort) (*Together, error) {
	result := &Together{Replicas: max(1, w.Replicas), ReplicasPerNode: max(1, w.Node.ReplicasPerNode), Cases: []TogetherCase{}, Notes: []string{}}
	if o.Budget > 0 {
		budgeted, cancel := context.WithTimeout(ctx, o.Budget)
		defer cancel()
		ctx = budgeted
	}
	mixtures, err := result.simulateTriggers(ctx, cases, o, effort)
	if err != nil {
		return nil, err
	}
	if err := result.simulateOrdinary(ctx, cases, mixtures, o, effort); err != nil {
		return nil, err
	}
	result.LifeSeconds, result.HorizonSeconds = effort.horizon.Seconds(), o.Horizon.Seconds()
	for i, c := range cases {
		measures := mixtures[i].result(c.name, result.Replicas, o.Confidence)
		if byLiveness, byStartup := canKill(c.world); !byLiveness && !byStartup {
			measures.withoutKills()
		}
		result.Cases = append(result.Cases, measures)
	}
	result.describe(w, o, effort, mixtures)
	return result, nil
}

// simulateTriggers simulates the lives that begin at triggers, and leaves the
// triggers out of those of the cases.
func (t *Together) simulateTriggers(ctx context.Context, cases []togetherCase, o Options, effort togetherEffort) ([]mixture, error) {
	mixtures := make([]mixture, len(cases))
	for i := range mixtures {
		mixtures[i] = mixture{ordinary: new(togetherTally), horizon: o.Horizon.Seconds()}
	}
	if o.Plain {
		return mixtures, nil
	}
	lives := effort.lives
	if lives == 0 {
		lives = firstLook
	}
	rare := rareTriggers(cases[0].world, time.Duration(lives)*effort.horizon)
	var without []sim.Trigger
	for _, trigger := range rare {
		without = append(without, trigger.Trigger)
	}
	for i := range cases {
		cases[i].without = without
	}
	for _, trigger := range rare {
		jobs, job := jobsOf(cases, trigger)
		after, err := simulateAfter(ctx, trigger, jobs, o, mostTriggered, effort.events/int64(len(rare)))
		switch {
		case err != nil:
			return nil, err
		case after[0].lives == 0:
			t.note("the budget ended within the first life that began at %s: what comes of it is not in the numbers", trigger.name)
			continue
		}
		for i := range mixtures {
			mixtures[i].triggers = append(mixtures[i].triggers, trigger)
			mixtures[i].after = append(mixtures[i].after, after[job[i]])
		}
	}
	return mixtures, nil
}

// jobsOf returns what to simulate for a trigger, and which of it is that of each
// case: who checks dependencies is all the same for what is no outage of one.
func jobsOf(cases []togetherCase, t trigger) (jobs []togetherCase, job []int) {
	for _, c := range cases {
		if !c.onlyDependencies || t.Kind == sim.TriggerOutage || !allOutages(c.world, c.without) {
			c.begins = &t.Trigger
			jobs = append(jobs, c)
		}
		job = append(job, len(jobs)-1)
	}
	return jobs, job
}

// allOutages reports whether the outages of every dependency are among triggers.
func allOutages(w *model.World, triggers []sim.Trigger) bool {
	for i := range w.Dependencies {
		if !slices.Contains(triggers, sim.Trigger{Kind: sim.TriggerOutage, Index: i}) {
			return false
		}
	}
	return true
}

// simulateOrdinary simulates the lives of the cases without their rare triggers.
func (t *Together) simulateOrdinary(ctx context.Context, cases []togetherCase, mixtures []mixture, o Options, effort togetherEffort) error {
	var jobs []togetherCase
	var tallies []*togetherTally
	for i, c := range cases {
		if c.onlyDependencies && allOutages(c.world, c.without) {
			mixtures[i].ordinary = mixtures[i-1].ordinary
			continue
		}
		jobs, tallies = append(jobs, c), append(tallies, mixtures[i].ordinary)
	}
	o.Horizon = effort.horizon
	done, wanted := int64(0), effort.lives
	if wanted == 0 {
		wanted = firstLook
	}
	for {
		reached, err := extendTogether(ctx, jobs, o, done, wanted, func(c int, outcome *sim.ReplicasOutcome) { tallies[c].add(outcome) })
		if err != nil {
			return err
		}
		done = reached
		switch {
		case done == 0:
			return &FirstLifeError{Replicas: t.Replicas, Shorter: o.Horizon > shortest}
		case done < wanted:
			t.note("the budget ended within life %d of the replicas; --replications %d reproduces these numbers", done+1, done)
		case effort.lives == 0 && wanted < mostTogether && !mixtures[0].precise(o):
			wanted *= 2
			continue
		}
		break
	}
	t.Replications = done
	return nil
}

// FirstLifeError says that the budget ended before the first life of all replicas was
// over, so that nothing is known of them.
type FirstLifeError struct {
	Replicas int
	Shorter  bool // lives may be shorter
}

func (e *FirstLifeError) Error() string {
	if e.Shorter {
		return fmt.Sprintf("the budget ended within the first life of %d replicas; a shorter --horizon, such as 6h, or a larger --budget is needed", e.Replicas)
	}
	return fmt.Sprintf("the budget ended within the first life of %d replicas", e.Replicas)
}

func (t *Together) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// describe says what the numbers rest on.
func (t *Together) describe(w *model.World, o Options, effort togetherEffort, mixtures []mixture) {
	t.note("all %d replicas live side by side, event by event, and share the dependencies, the proxies and, %d on each node, its stalls and neighbours; nothing is counted in the first %s, in which all start at once", t.Replicas, t.ReplicasPerNode, spell(togetherWarmUp(w).Round(time.Second)))
	if traffic := w.Application.Traffic; traffic == nil {
		t.note("there is no traffic: a replica that is out leaves the others no more work")
	} else {
		if !traffic.OfService {
			t.note("the traffic that the scenario states of each pod (of: pod) is taken to be its part of the service's: the others get it while a replica is out, and the bursts meet all of them at once")
		}
		if traffic.RetriesMax > 0 {
			t.note("a client that tries again reaches any replica in the endpoints, each as likely; while there is none it is refused, and tries again")
		}
	}
	if w.Uncertain() {
		t.note("inputs of which one of several holds are averaged over: replication by replication another is drawn, and the intervals are those of the average: what the draws differ by is not in them, as it is for one pod (S16)")
	}
	if w.Events.Rollout != nil {
		t.note("rollouts are not simulated here")
	}
	t.explainCounts()
	t.describeTriggers(w, o, effort, &mixtures[0])
	if o.Horizon < 2*sim.StuckAfter {
		t.note("crashLoopProbability needs a horizon of two hours and more: a crash loop counts from %s on", spell(sim.StuckAfter))
	}
}

// explainCounts says why a line of the table may hold more than the one above it.
func (t *Together) explainCounts() {
	for _, c := range t.Cases {
		for k := 1; k < len(c.OutOfEndpointsAtOnce); k++ {
			if c.OutOfEndpointsAtOnce[k].TimesPerYear.Estimate > c.OutOfEndpointsAtOnce[k-1].TimesPerYear.Estimate {
				t.note("more may be out more often than fewer are: while %d stay out, the number may rise to %d and fall again many times", k, k+1)
				return
			}
		}
	}
}

// describeTriggers says how what is rare was simulated, and what of the rest was
// expected so seldom that it may have been missed.
func (t *Together) describeTriggers(w *model.World, o Options, effort togetherEffort, m *mixture) {
	lived := float64(t.Replications) * effort.horizon.Seconds()
	for _, common := range triggersOf(w) {
		seen := slices.ContainsFunc(m.triggers, func(r trigger) bool { return r.Trigger == common.Trigger })
		if expected := common.perSecond * lived; !seen && expected < 3 {
			t.note("%s comes once in %s, %.2g times in the lives that were simulated: what it does may be missing from the numbers", common.name, spell(time.Duration(1e9/common.perSecond)), expected)
		}
	}
	if len(m.triggers) == 0 {
		return
	}
	var names, calm []string
	for i, r := range m.triggers {
		names = append(names, fmt.Sprintf("%s (%.3g times a year, %d lives)", r.name, r.perSecond*year.Seconds(), m.after[i].lives))
		if m.after[i].loops.Sums.Y == (stats.Wide{}) {
			calm = append(calm, r.name)
		}
	}
	t.note("what %d lives of %s show too seldom is left out of them and simulated by itself, in lives that begin shortly before it: %s", t.Replications, spell(effort.horizon), strings.Join(names, ", "))
	t.note("the numbers are put together of both by how often each comes, over %s; the ends of their intervals are as far away as the root of the sum of the squares of what the ends of the parts' own intervals move them; what two at once do is taken to be the sum of what each does", spell(o.Horizon))
	if len(calm) > 0 {
		t.note("no crash loop was seen after %s: the other numbers are those without one, and its bound is that of the lives", strings.Join(calm, ", "))
	}
}

// precise reports whether every number of replicas is known to be out for a
// share of the time, or never was.
func (m *mixture) precise(o Options) bool {
	return !slices.ContainsFunc(m.ordinary.out[1:], func(r stats.RatioOfSums) bool {
		e := r.Estimate(1, o.Confidence)
		return e.Estimate > 0 && e.RelativeHalfWidth() > o.Precision
	})
}

// togetherWarmUp is the time in which all replicas start.
func togetherWarmUp(w *model.World) time.Duration { return time.Minute + StartSpan(w) }

// purposeTogether sets the seeds of the replicas' lives apart from those of one
// pod.
const purposeTogether = 4

// extendTogether simulates lives from, up to, but not including, to of every
// case on all workers, and adds those before the first that was given up, in their
// order. It returns the number of that one.
func extendTogether(ctx context.Context, cases []togetherCase, o Options, from, to int64, add func(c int, outcome *sim.ReplicasOutcome)) (int64, error) {
	var stop atomic.Bool
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()
	outcomes := make([][]sim.ReplicasOutcome, to-from)
	errs := make([]error, min(int64(o.Jobs), to-from))
	var next atomic.Int64
	var running sync.WaitGroup
	for worker := range errs {
		running.Go(func() {
			var replicas []*sim.Replicas
			for _, c := range cases {
				r, err := sim.NewReplicas(c.world)
				if errs[worker] = err; err != nil {
					return
				}
				replicas = append(replicas, r)
			}
			for i := next.Add(1) - 1; i < to-from && !stop.Load(); i = next.Add(1) - 1 {
				var all []sim.ReplicasOutcome
				for c := range cases {
					all = append(all, copied(replicas[c].Run(sim.ReplicasLife{
						Life:   sim.Life{Seed: mix(o.Seed ^ purposeTogether), Replication: uint64(from + i), Draw: model.DrawOf(uint64(from + i)), Horizon: o.Horizon, Stop: &stop},
						WarmUp: min(togetherWarmUp(cases[0].world), o.Horizon/2), Apart: cases[c].apart,
						Without: cases[c].without, Begins: cases[c].begins, Settles: settles(cases[c].world),
					})))
				}
				if !stop.Load() {
					outcomes[i] = all
				}
			}
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return from, err
		}
	}
	for _, all := range outcomes {
		if all == nil {
			break
		}
		for c := range all {
			add(c, &all[c])
		}
		from++
	}
	return from, nil
}

// copied returns an outcome that outlives its simulator's next run.
func copied(o *sim.ReplicasOutcome) sim.ReplicasOutcome {
	c := *o
	c.Out, c.Reached = slices.Clone(o.Out), slices.Clone(o.Reached)
	return c
}
