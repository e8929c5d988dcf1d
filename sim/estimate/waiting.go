package estimate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

// Where answers wait for the CPU, or for a worker, splitting climbs by how long the
// attempt under way has waited, from the longest waits of a quiet life to a verdict:
//
//	rate of long waits × share that waits longer × … × share that fails × … × kills
//
// The levels are chosen by a pilot, each as that which a fifth of the lives from the
// one before reach (adaptive multilevel splitting; Cérou and Guyader 2007). The
// estimate is made by other lives with these levels fixed, so it is unbiased.
const (
	pilotLives = 200 // from each level
	onwardOf   = 5   // one of so many reaches the next
	// moreLives is how many times as many look once more where few get on.
	moreLives = 10
	// fewOnward is how many few are.
	fewOnward = 10
	// attemptsOfPilot is how many attempts are to be seen, so that some waited long,
	// and fewestAttempts how many have to be.
	attemptsOfPilot, fewestAttempts = 200, 50
	// mostOnward is how many times as many lives as usual go on from a level, at most.
	mostOnward = 50
	// mostPodTime is how many times the pod time that is searched the lives on the way
	// may take, and leastLives how many of them go on from a level all the same.
	mostPodTime, leastLives = 3, 50
	// entering is how many excursions are to begin in the pilot.
	entering = 100
)

// layWay chooses at what an excursion begins and the levels beyond it, and how many
// lives go on from each. It returns why there is nothing to begin with, or "".
func (s *splitting) layWay(ctx context.Context, simulator *sim.Simulator, longest time.Duration, lives int) (why string) {
	if t := s.world.Application.Traffic; t != nil && len(t.Bursts) > 0 {
		s.horizon = longest // short lives would not meet them
	}
	for pilot := uint64(splittingReplications); ; pilot++ {
		seen := s.chooseEntry(simulator, pilot)
		enough, died := seen >= fewestAttempts, false
		if enough {
			died = s.climbPilot(ctx, simulator, pilot, lives)
			s.afford(mostPodTime * longest)
		}
		switch {
		case ctx.Err() != nil:
			return "it was interrupted"
		case (seen < attemptsOfPilot || died) && s.horizon < longest:
			s.horizon = min(2*s.horizon, longest)
		case !enough:
			return fmt.Sprintf("it begins with attempts of the liveness probe, of which it needs %d in %s of a serving pod", fewestAttempts, timeOf(float64(longest)))
		default:
			return ""
		}
	}
}

// chooseEntry lets excursions begin with the longest waits of a pilot's long life. It
// returns how many attempts there were to choose from.
func (s *splitting) chooseEntry(simulator *sim.Simulator, pilot uint64) int {
	s.entry = sim.Level{Waited: 1}
	simulator.Begin(s.longLife(pilot))
	var heights []sim.Level
	for simulator.Enter(s.entry) {
		simulator.Climb(sim.Killed)
		heights = append(heights, simulator.Highest())
	}
	if len(heights) < fewestAttempts {
		return len(heights)
	}
	highestFirst(heights)
	most := min(entering, len(heights)/onwardOf)
	s.entry = heights[most-1]
	if many := above(heights, s.entry, true); many > 2*most { // which wait as long as most attempts do
		if few := above(heights, s.entry, false); few >= fewOnward {
			s.entry = heights[few-1]
		}
	}
	return len(heights)
}

// climbPilot chooses the levels by the lives of a pilot. It reports whether no life
// got beyond the last one. At least the fewest lives are to go on from each.
func (s *splitting) climbPilot(ctx context.Context, simulator *sim.Simulator, pilot uint64, fewest int) (died bool) {
	s.way, s.wanted, s.each = []sim.Level{}, nil, nil
	at, states := s.ascent(simulator, pilot), kept[sim.Snapshot]{}
	s.enter(simulator, pilot, at.random, &states)
	last := s.entry
	for states.mass > 0 && ctx.Err() == nil {
		from, before, done := []kept[sim.Snapshot]{states}, at.pod, at.life
		heights, lives := at.heights(from, pilotLives), pilotLives
		if above(heights, last, false) < fewOnward {
			heights, lives = at.heights(from, moreLives*pilotLives), moreLives*pilotLives
		}
		s.each = append(s.each, (at.pod-before)/time.Duration(at.life-done))
		onward := above(heights, last, false)
		if onward == 0 {
			s.wanted = append(s.wanted, mostOnward*fewest)
			return true
		}
		next := heights[min(lives/onwardOf, onward)-1]
		share := float64(above(heights, next, true)) / float64(lives)
		s.wanted = append(s.wanted, min(mostOnward*fewest, max(fewest, int(wantedArrivals/share))))
		if next == sim.Killed || states.mass*share*float64(year) < s.rarest {
			return false
		}
		states = at.rise(from, next, lives)
		s.way, last = append(s.way, next), next
	}
	return true
}

// afford has fewer lives go on where all of them would take more pod time than given.
func (s *splitting) afford(most time.Duration) {
	total := 0.0
	for i, wanted := range s.wanted {
		total += float64(wanted) * float64(s.each[i])
	}
	for i, wanted := range s.wanted {
		if share := float64(most) / total; share < 1 {
			s.wanted[i] = max(leastLives, int(share*float64(wanted)))
		}
	}
}

// heights lets lives go on to a kill and returns the highest level that each has
// reached, highest first.
func (at *ascent[S]) heights(from []kept[S], wanted int) []sim.Level {
	var heights []sim.Level
	for range at.lives(from, wanted) {
		if at.next(from, sim.Killed) {
			heights = append(heights, sim.Killed)
		} else {
			heights = append(heights, at.simulator.Highest())
		}
	}
	highestFirst(heights)
	return heights
}

func highestFirst(heights []sim.Level) {
	slices.SortFunc(heights, func(a, b sim.Level) int { return b.Compare(a) })
}

// above returns how many of the heights, highest first, are above a level, or at it.
func above(heights []sim.Level, level sim.Level, at bool) int {
	return sort.Search(len(heights), func(i int) bool {
		order := heights[i].Compare(level)
		return order < 0 || order == 0 && !at
	})
}

// bound returns an upper bound on the false kills per ns where too few lives came to a
// verdict to estimate them: several for each excursion that reaches the highest level
// which a quarter of the replications have seen, or the one above it.
func (s *splitting) bound(results []climbed, confidence float64) float64 {
	const several = 10
	bound := math.Inf(1)
	for level := range len(s.way) + 1 {
		at := reachedBy(results, level)
		if 4*at.seen < len(results) {
			bound = min(bound, at.most(confidence))
			break
		}
		bound = overReplications(at.rates, confidence).High
	}
	return several * bound
}

// reached is how often the excursions of all replications came to a level.
type reached struct {
	rates          []float64 // of each replication, per ns
	seen           int       // replications in which any did
	lives, arrived int       // of all, where they went on from the level below it
	below          float64   // the most often that a replication's came there, per ns
}

// reachedBy joins what the replications know of a level of the way, or of the kill.
func reachedBy(results []climbed, level int) reached {
	all := reached{rates: make([]float64, len(results))}
	for i := range results {
		c := &results[i]
		if len(c.passed) <= level { // it began no excursion
			continue
		}
		at := &c.passed[level]
		if before := c.rateBelow(level); before > 0 {
			all.lives, all.arrived, all.below = all.lives+at.lives, all.arrived+at.arrived, max(all.below, before)
		}
		if all.rates[i] = at.rate; at.rate > 0 {
			all.seen++
		}
	}
	return all
}

// rateBelow is how often excursions came to the level below one, or began, per ns.
func (c *climbed) rateBelow(level int) float64 {
	if level > 0 {
		return c.passed[level-1].rate
	}
	return float64(c.entered) / float64(c.pod)
}

// most bounds how often a level is reached, per ns: it is known how few of all lives
// came there, at the most from where the level below it was reached most often.
func (r *reached) most(confidence float64) float64 {
	if r.lives == 0 {
		return math.Inf(1)
	}
	_, high := stats.Garwood(float64(r.arrived), confidence)
	return r.below * high / float64(r.lives)
}
