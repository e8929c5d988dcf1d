package estimate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

// Multilevel splitting (Kahn and Harris 1951; with a fixed effort at each level,
// Garvels 2000; S12) sees false kills that no plain simulation would. A long
// life yields the states of the pod at its probe's first failures, and how often
// they come. From these a fixed number of lives go on, most of which soon end in
// an answered probe; the states of those that fail once more are where as many
// lives go on from again, up to the verdict:
//
//	rate of first failures × share that fails again × … × false kills of each verdict
//
// Where a stall would have to last from one failure to the next, which is rare
// itself, the way is cut into steps. Lives whose stall ends on the way may still
// fail, by another: they leave the steps and wait at the next failure, with the
// weight they had.
//
//	failure 1 ──step──step──step── failure 2 ──step──step──step── verdict
//	        └──────── by another cause ───┘
//
// Where answers wait for the CPU or for a worker (waiting.go), a first failure may be
// as rare as a verdict is elsewhere. There the way begins before it, with attempts that
// have waited for some time.
//
// Given the states at a level the lives from there are fair and independent, so
// the estimate is unbiased whatever the levels and however failures hang
// together.
const (
	splittingReplications = 16  // independent ones, over which the interval is made, to begin with
	mostSplitting         = 128 // of them, where fewer do not reach the precision sought
	keptStates            = 256 // at each level, of those that reached it: a random sample
	fewestLives           = 400 // that go on from a level
	mostLives             = 24_000
	wantedArrivals        = 24 // of the rarer way to the next failure
	mostSteps             = 32 // from one failure to the next
	firstFailures         = 40 // wanted of each replication's long life
	leastFailures         = 5  // without which nothing is begun

	// givenUp is how rarely an excursion may get as far as a level, per pod-year, for
	// lives to go on from there. Those that are given up are answered by a bound, so
	// many times the rate at which they get there: room for the error of the product,
	// and for the few kills that one verdict may lead to.
	givenUp = 1e-12
	room    = 1e3
)

// splitting is how one world's false kills are estimated.
type splitting struct {
	world   *model.World
	seed    uint64
	horizon time.Duration   // of each replication's long life
	entry   sim.Level       // at which an excursion begins
	steps   int             // from one failure to the next
	first   int             // lives that go on from a failure
	onward  int             // lives that go on from a step
	way     []sim.Level     // beyond entry, where answers wait; nil: by steps
	wanted  []int           // lives that go on to each level of the way, and to the kill
	each    []time.Duration // pod time that one of them takes
	rarest  float64         // excursions per pod-year, below which they are given up
}

// climbed is what one replication came to.
type climbed struct {
	rate, verdicts float64       // false kills, and excursions with at least one, per ns
	pod            time.Duration // simulated
	entered        int64         // excursions of the long life
	least          float64       // share of the lives from any step that reached the next
	through        float64       // share of the lives from a failure that went all steps to the next, on average
	givenUp        bool          // before the verdict, as too rare to matter
	passed         []passed      // the levels of the way, and the kill
}

// passed is how often excursions reached a level.
type passed struct {
	rate           float64 // per ns
	lives, arrived int     // those that went on from the level before
}

// newSplitting chooses the way and the effort by pilots of fixed size, so by
// counts alone. In all replications together so much pod time may be searched for
// excursions, and so many times more where the world lets quiet stretches be
// passed over. It returns nil, and why, where hardly one is seen in it, so
// that there is nothing to begin with.
func newSplitting(ctx context.Context, w *model.World, seed uint64, o *Splitting) (s *splitting, why string) {
	const (
		shortest = 6 * time.Hour
		passOver = 64
	)
	p := w.Container().Probes[model.Liveness]
	switch {
	case p == nil:
		return nil, "there is no livenessProbe"
	case w.Events.Rollout != nil:
		return nil, "it follows one pod, and a rollout has several"
	}
	simulator, err := sim.New(w)
	if err != nil {
		return nil, err.Error()
	}
	affordable := o.Search / splittingReplications
	longest := affordable
	if simulator.SkipsAhead() && w.Cluster.LoadBalancer == nil { // whose checks leave no stretch quiet
		longest = passOver * min(longest, dist.Longest/passOver)
	}
	s = &splitting{
		world: w, seed: seed, horizon: min(shortest, longest), entry: sim.Level{Failures: 1},
		steps: 1, first: o.Lives / 2, onward: o.Lives / 2, rarest: o.Rarest,
	}
	if simulator.WaitsForCPU() && !held(w) {
		return s, s.layWay(ctx, simulator, longest, o.Lives)
	}
	if o.NotByFailures != "" {
		return nil, o.NotByFailures
	}
	for pilot := uint64(splittingReplications); ; pilot++ {
		c := s.replicate(ctx, simulator, pilot)
		if ctx.Err() != nil {
			return nil, "it was interrupted"
		}
		if c.entered < firstFailures && s.horizon < longest {
			s.horizon = min(2*s.horizon, longest)
			continue
		}
		if c.entered < leastFailures {
			return nil, fmt.Sprintf("it begins with failures of the liveness probe, of which it needs %d in %s of a serving pod and saw %d", leastFailures, timeOf(float64(longest)), c.entered)
		}
		if c.least < .1 && s.steps < mostSteps && held(w) {
			s.steps *= 2
			continue
		}
		// A failure by another cause is about as likely as any first one.
		again := float64(c.entered) / (float64(c.pod) / float64(p.Period()))
		if c.through < 100*again {
			most := float64(affordable / p.Period() / time.Duration(p.FailureThreshold)) // as much pod time as the search
			s.first = int(math.Min(math.Min(mostLives, most), math.Max(float64(o.Lives), wantedArrivals/again)))
		}
		s.first, s.onward = max(s.first, o.Lives), o.Lives
		return s, ""
	}
}

// held reports whether anything keeps the liveness probe from being answered for
// a while, so that there is a way from one failure to the next.
func held(w *model.World) bool {
	a := &w.Application.Probes[model.Liveness]
	stalls := len(w.Node.Stalls)
	for i := range w.Node.Classes {
		stalls += len(w.Node.Classes[i].Node.Stalls)
	}
	return stalls > 0 || len(w.Application.Pauses) > 0 || len(a.DependsOn) > 0 || a.Failing != nil
}

// replicate runs replication r. What it returns after the context has ended is
// of no use.
func (s *splitting) replicate(ctx context.Context, simulator *sim.Simulator, r uint64) climbed {
	c := climbed{least: 1, through: 1}
	at, states := s.ascent(simulator, r), kept[sim.Snapshot]{}
	c.entered, c.pod = s.enter(simulator, r, at.random, &states)
	if c.entered == 0 {
		return c
	}
	waiting := []kept[sim.Snapshot]{states}
	failures := int32(1)
	if s.way == nil {
		failures = s.world.Container().Probes[model.Liveness].FailureThreshold
	}
	for failure := int32(1); failure < failures && !c.givenUp && ctx.Err() == nil; failure++ {
		waiting = at.climb(waiting, failure, &c)
		mass := massOf(waiting)
		c.givenUp = mass > 0 && mass*float64(year) < s.rarest
	}
	for i := 0; i < len(s.way) && ctx.Err() == nil; i++ {
		there := at.rise(waiting, s.way[i], s.wanted[i])
		c.passed = append(c.passed, passed{there.mass, s.wanted[i], there.seen})
		waiting = []kept[sim.Snapshot]{there}
	}
	if c.givenUp {
		c.pod += at.pod
		return c
	}
	// From the last level it is the kubelet's way to the kill.
	wanted := s.onward
	if n := len(s.wanted); n > 0 {
		wanted = s.wanted[n-1]
	}
	lives, mass := at.lives(waiting, wanted), massOf(waiting)
	kills, verdicts := int64(0), 0
	for range lives {
		if at.next(waiting, sim.Killed) {
			verdicts++
			kills += simulator.Finish()
		}
	}
	if lives > 0 {
		c.verdicts, c.rate = mass*float64(verdicts)/float64(lives), mass*float64(kills)/float64(lives)
	}
	c.passed = append(c.passed, passed{c.verdicts, lives, verdicts})
	c.pod += at.pod
	return c
}

// ascent returns what takes the lives of replication r up.
func (s *splitting) ascent(simulator *sim.Simulator, r uint64) *ascent[sim.Snapshot] {
	random := rand.New(rand.NewPCG(mix(s.seed^mix(forSplitting)), r))
	return &ascent[sim.Snapshot]{
		steps: s.steps, first: s.first, onward: s.onward, period: s.world.Container().Probes[model.Liveness].Period(),
		simulator: simulator, random: random, seed: mix(s.seed ^ mix(forSplitting+r)),
	}
}

// longLife is the life of replication r in which excursions begin.
func (s *splitting) longLife(r uint64) sim.Life {
	return sim.Life{Seed: mix(s.seed ^ forSplitting), Replication: r, Draw: model.DrawOf(r), Horizon: s.horizon, SkipAhead: true}
}

// enter lives the long life of replication r and keeps the states in which its
// excursions begin. It returns how many there are, and how long it was.
func (s *splitting) enter(simulator *sim.Simulator, r uint64, random *rand.Rand, states *kept[sim.Snapshot]) (entered int64, pod time.Duration) {
	states.random = random
	simulator.Begin(s.longLife(r))
	for simulator.Enter(s.entry) {
		entered++
		states.offer(simulator)
	}
	pod = simulator.Now()
	states.mass = float64(entered) / float64(pod)
	return entered, pod
}

// climber is what climbs: a sim.Simulator, whose states are snapshots of type S.
type climber[S any] interface {
	Save(into *S)
	Restore(from *S, seed, life uint64)
	Climb(level sim.Level) bool
	Failures() int32
	Highest() sim.Level
	Now() time.Duration
}

// ascent is one replication on its way up.
type ascent[S any] struct {
	steps, first, onward int // see splitting
	period               time.Duration

	simulator climber[S]
	random    *rand.Rand
	seed      uint64
	life      uint64        // number of the latest life
	pod       time.Duration // simulated on the way

	u, between float64 // systematic sampling of the states by their masses
}

// climb lets lives go on from one failure to the next and returns the states
// there: those of each step that were reached by another cause, and those that
// went all steps.
func (at *ascent[S]) climb(from []kept[S], failure int32, c *climbed) []kept[S] {
	var there []kept[S]
	through, begun := 1.0, massOf(from)
	for step := 1; step <= at.steps && massOf(from) > 0; step++ {
		// Another cause fails lives on every step alike, so that each of them has to
		// have as little weight as those on the first.
		wanted := max(at.onward, int(float64(at.first)*massOf(from)/begun))
		lives, mass := at.lives(from, wanted), massOf(from)
		onward, other := kept[S]{random: at.random}, kept[S]{random: at.random}
		level := at.step(failure, step)
		for range lives {
			switch {
			case !at.next(from, level):
			case step < at.steps && at.simulator.Failures() > failure:
				other.offer(at.simulator)
			default:
				onward.offer(at.simulator)
			}
		}
		share := float64(onward.seen) / float64(lives)
		onward.mass, other.mass = mass*share, mass*float64(other.seen)/float64(lives)
		c.least, through = math.Min(c.least, share), through*share
		if other.seen > 0 {
			there = append(there, other)
		}
		from = []kept[S]{onward}
	}
	c.through = math.Min(c.through, through)
	if massOf(from) > 0 {
		there = append(there, from...)
	}
	return there
}

// step returns the level of a step beyond a failure.
func (at *ascent[S]) step(failure int32, step int) sim.Level {
	if step == at.steps {
		return sim.Level{Failures: failure + 1}
	}
	steps := time.Duration(at.steps)
	return sim.Level{Failures: failure, Held: (time.Duration(step)*at.period + steps - 1) / steps}
}

// rise lets so many lives go on to a level and returns the states there.
func (at *ascent[S]) rise(from []kept[S], level sim.Level, wanted int) kept[S] {
	there := kept[S]{random: at.random}
	lives, mass := at.lives(from, wanted), massOf(from)
	for range lives {
		if at.next(from, level) {
			there.offer(at.simulator)
		}
	}
	if lives > 0 {
		there.mass = mass * float64(there.seen) / float64(lives)
	}
	return there
}

// lives begins so many lives from the states, none if there are none.
func (at *ascent[S]) lives(from []kept[S], wanted int) int {
	mass := massOf(from)
	if mass == 0 {
		return 0
	}
	at.between = mass / float64(wanted)
	at.u = at.random.Float64() * at.between
	return wanted
}

// next lets the next life climb to a level and reports whether it does. Each
// group of states has its turn in proportion to its mass.
func (at *ascent[S]) next(from []kept[S], level sim.Level) bool {
	u, group := at.u, 0
	for group < len(from)-1 && u >= from[group].mass {
		u -= from[group].mass
		group++
	}
	at.u += at.between
	states := &from[group]
	states.turn++
	at.life++
	at.simulator.Restore(&states.all[states.turn%len(states.all)], at.seed, at.life)
	began := at.simulator.Now()
	arrives := at.simulator.Climb(level)
	at.pod += at.simulator.Now() - began
	return arrives
}

func massOf[S any](all []kept[S]) float64 {
	mass := 0.0
	for i := range all {
		mass += all[i].mass
	}
	return mass
}

// forSplitting sets the streams of splitting apart from those of plain lives.
const forSplitting = 0x73706c6974

// kept is a random sample of the states that came the same way (Vitter's algorithm
// R, 1985), from which lives go on in turn.
type kept[S any] struct {
	random *rand.Rand
	all    []S
	seen   int
	turn   int     // of the states, whose was last
	mass   float64 // rate at which such states come about, per ns
}

func (k *kept[S]) offer(s climber[S]) {
	k.seen++
	if len(k.all) < keptStates {
		k.all = append(k.all, *new(S))
		s.Save(&k.all[len(k.all)-1])
		return
	}
	if i := k.random.IntN(k.seen); i < keptStates {
		s.Save(&k.all[i])
	}
}

// Rare is the result of splitting.
type Rare struct {
	Kills    stats.Estimate // false kills per pod-day
	Verdicts stats.Estimate // excursions with at least one, per pod-day
	Gain     float64        // pod time that plain simulation needs for the same relative error, over that simulated
	Levels   int
	PodTime  time.Duration // simulated

	// Waiting: levels are also of how long the attempts wait, not of failures alone.
	Waiting bool
	// GivenUp: excursions that get far are too rare to go on with, so that Kills and
	// Verdicts are upper bounds, far from the truth. It comes of high thresholds.
	GivenUp bool
}

// Splitting says how much effort to spend.
type Splitting struct {
	Search     time.Duration // pod time that may be searched for excursions, by all replications together
	Rarest     float64       // excursions per pod-year, below which they are given up; 0: 1e-12
	Lives      int           // that go on from each level, at the least; 0: 400
	Confidence float64       // of the intervals, in (0, 1)
	Jobs       int           // replications at a time; 0: 1
	Enough     func(*Rare) bool
	Early      func(*Rare) bool // whether half as many replications as usual will do; nil: never

	// NotByFailures says why no excursion is to begin with a failure, but only with an
	// attempt that waits long; empty: it may.
	NotByFailures string
}

// Split estimates the false kills that the liveness probe's verdicts lead to, by
// multilevel splitting. It takes 16 replications, or 8 if Early holds of what they came
// to, and, until Enough holds, twice as many, 128 at the most; a nil Enough asks for no
// more. It returns nil, and why, where nothing fails the probe often enough to begin with in
// the pod time that may be searched, and when the context ends. The result depends on
// the world, the seed and the effort but for Jobs alone.
func Split(ctx context.Context, w *model.World, seed uint64, o Splitting) (rare *Rare, why string) {
	if o.Rarest == 0 {
		o.Rarest = givenUp
	}
	if o.Lives == 0 {
		o.Lives = fewestLives
	}
	s, why := newSplitting(ctx, w, seed, &o)
	if why != "" {
		return nil, why
	}
	var results []climbed
	wanted := splittingReplications
	if o.Early != nil {
		wanted /= 2
	}
	for ; ; wanted *= 2 {
		results = s.extend(ctx, results, wanted, o.Jobs)
		if ctx.Err() != nil {
			return nil, "it was interrupted"
		}
		rare = s.rare(results, o.Confidence)
		if wanted < splittingReplications {
			if o.Early(rare) {
				return rare, ""
			}
			continue
		}
		dear := rare.Waiting && rare.PodTime > o.Search/2 // where more would take longer than what was searched
		if o.Enough == nil || rare.GivenUp || dear || o.Enough(rare) || wanted >= mostSplitting {
			return rare, ""
		}
	}
}

// extend returns the results with those of more replications, up to so many.
func (s *splitting) extend(ctx context.Context, results []climbed, wanted, jobs int) []climbed {
	var next atomic.Int64
	next.Store(int64(len(results)))
	results = append(results, make([]climbed, wanted-len(results))...)
	var running sync.WaitGroup
	for range max(1, jobs) {
		running.Go(func() {
			simulator, err := sim.New(s.world)
			if err != nil {
				return // newSplitting has made one
			}
			for r := next.Add(1) - 1; r < int64(wanted); r = next.Add(1) - 1 {
				number := uint64(r)
				if r >= splittingReplications {
					number += 1 << 32 // those between are the pilots'
				}
				results[r] = s.replicate(ctx, simulator, number)
			}
		})
	}
	running.Wait()
	return results
}

// rare joins the replications.
func (s *splitting) rare(results []climbed, confidence float64) *Rare {
	rare := &Rare{Levels: len(s.way) + 2, Waiting: s.way != nil}
	if s.way == nil {
		rare.Levels = int(s.world.Container().Probes[model.Liveness].FailureThreshold-1)*s.steps + 1
	}
	rates, verdicts := make([]float64, len(results)), make([]float64, len(results))
	killing := 0
	for i, c := range results {
		if c.rate > 0 {
			killing++
		}
		rates[i], verdicts[i] = c.rate*float64(day), c.verdicts*float64(day)
		rare.PodTime += c.pod
		rare.GivenUp = rare.GivenUp || c.givenUp
	}
	most := room * s.rarest / float64(year)
	if s.way != nil && 2*killing < len(results) {
		rare.GivenUp, most = true, s.bound(results, confidence)
	}
	if rare.GivenUp {
		bound := stats.Estimate{High: most * float64(day), Confidence: confidence, Method: "multilevel splitting, upper bound", N: int64(len(results))}
		rare.Kills, rare.Verdicts = bound, bound
		return rare
	}
	rare.Kills, rare.Verdicts = overReplications(rates, confidence), overReplications(verdicts, confidence)
	if s.world.Uncertain() { // each replication has another draw of the inputs
		widenTo(&rare.Kills, slices.Min(rates), slices.Max(rates))
		widenTo(&rare.Verdicts, slices.Min(verdicts), slices.Max(verdicts))
	}
	mean, variance := moments(rates)
	if mean == 0 {
		return rare
	}
	plain := float64(day) / mean * (mean * mean) / (variance / float64(len(rates)))
	rare.Gain = plain / float64(rare.PodTime)
	return rare
}

// moments returns the mean of numbers and their variance.
func moments(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return mean, variance
}

// overReplications returns the mean of the replications with its interval. The products
// are skewed to the right, the more the rarer what they are of.
func overReplications(x []float64, confidence float64) stats.Estimate {
	e := stats.OfSkewed(x, confidence)
	e.Method = "multilevel splitting, " + e.Method
	return e
}
