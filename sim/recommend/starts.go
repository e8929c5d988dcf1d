package recommend

import (
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// learnStarts simulates starts: as many as show the objective's probability or, where
// each takes long to simulate, a few first, which have to do if a closed form bounds
// the longest.
func (s *search) learnStarts(effort observed, stop *atomic.Bool) (err error) {
	n := startsSimulated(s.w, s.objectives, s.podLife)
	first := min(n, startsAtFirst(s.w))
	if effort.starts > 0 {
		n, first, s.glance = min(n, effort.starts), min(n, effort.starts), true
	}
	took, err := startDurations(s.w, s.seed, 0, first, s.jobs, stop)
	if err != nil {
		return err
	}
	if s.starts, s.order = inOrder(took); first == n {
		return nil
	}
	if s.tail = s.startTail(); s.tail != nil {
		return nil
	}
	rest, err := startDurations(s.w, s.seed, first, n, s.jobs, stop)
	s.starts, s.order = inOrder(append(took, rest...))
	return err
}

// startTail returns the bound of the longest starts in place of more simulated ones:
// nil if there is none, or it asks for much more than the longest of those that there
// are.
func (s *search) startTail() *estimate.StartTail {
	const most = 1.5 // times the longest
	tail := s.tailIn(s.w)
	if tail == nil {
		return nil
	}
	longest := s.starts[len(s.starts)-1]
	if _, ok := tail.Within(s.startBound()/4, longest, time.Duration(most*float64(longest))); !ok {
		return nil
	}
	return tail
}

// tailIn returns the bound of the longest starts of a world that take about as long as
// those of the search; nil: there is none.
func (s *search) tailIn(w *model.World) *estimate.StartTail {
	longest := s.starts[len(s.starts)-1]
	if longest >= dist.Longest {
		return nil
	}
	return estimate.NewStartTail(w, longest)
}

// startDurations simulates the starts of the given numbers, to not included, without
// any probe and returns how long they took, by number.
func startDurations(w *model.World, seed uint64, from, to, jobs int, stop *atomic.Bool) ([]time.Duration, error) {
	container := *w.Container()
	container.Probes = [model.ProbeKinds]*model.Probe{}
	return estimate.StartTimes(w.WithContainer(container), seed^startStream, from, to, jobs, stop)
}

// startStream sets the seeds of starts apart from those of other lives.
const startStream = 0x57a27

// startBound is the probability of a kill per start to aim for: the objective,
// or the default one, less what simulations went beyond predictions: of what they
// show more than mostBeyond times, the cause is none that a longer budget mends.
func (s *search) startBound() float64 {
	bound := 0.0001
	for i := range s.objectives {
		if o := &s.objectives[i]; o.Measure == "startupKillProbability" && !o.AtLeast {
			bound = o.Bound
			for j := range s.corrections {
				if l := &s.corrections[j]; l.objective == o {
					bound = math.Min(bound, o.Bound/math.Min(l.shown/l.predicted, mostBeyond))
				}
			}
		}
	}
	return bound
}

// budgetNeeded returns the guaranteed time a startup probe must leave: that which starts
// need, and no less than a budget from which they were supposed. ok is false if too
// many starts never end.
func (s *search) budgetNeeded() (budget time.Duration, ok bool) {
	budget, ok = s.startsNeed()
	return max(budget, s.keptBudget), ok
}

// startsNeed returns the time of the longest starts that may not be killed. Where those
// are the longest of the sample it is what the closed form bounds them by or, without
// one, a quarter more, since they are not the longest there are. ok is false if too many
// starts never end.
func (s *search) startsNeed() (budget time.Duration, ok bool) {
	// A quarter of what is allowed, so that a simulation of moderate length can
	// show it.
	bound := s.startBound() / 4
	unfavourable := *s
	unfavourable.favourable = false
	at := slices.IndexFunc(s.starts, func(d time.Duration) bool { return unfavourable.exceeds(d) <= bound })
	if at < 0 {
		at = len(s.starts) - 1
	}
	for s.favourable && at > 0 && s.starts[at] >= dist.Longest {
		at-- // that a few do not end in the sample proves nothing
	}
	d := s.starts[at]
	if d >= dist.Longest {
		return 0, false
	}
	if at < len(s.starts)-1 || s.starts[0] == d {
		return d, true
	}
	if s.tail != nil {
		const far = 4 // times the longest
		if within, known := s.tail.Within(bound, d, far*d); known {
			return within, true
		}
	}
	// Of a lognormal whose 99th percentile is twice the median, one in a million is
	// longer than that where the longest is that of 40,000.
	return d + d/4, true
}

// guaranteed returns the time from a process's start that a probe certainly
// leaves it (S5): the last look but one period earlier than the budget, less
// the second by which a delay can fall short (K8).
func guaranteed(p *model.Probe) time.Duration {
	return max(0, p.InitialDelay()-time.Second) + time.Duration(p.FailureThreshold-1)*p.Period()
}

// leastStartFailures is the least threshold of a startup probe that is proposed: one
// look may be early, one late, and one is to spare.
const leastStartFailures = 3

// startOptions returns the ways to protect starts: none where the delays are
// short and no startup probe exists, the current startup probe, and startup
// probes of the periods with as many failures as the starts need.
func (s *search) startOptions(onlyUsual bool) []start {
	container := s.w.Container()
	var options []start
	if p := container.Probes[model.Startup]; p != nil {
		options = append(options, start{p, s.exceeds(guaranteed(p))})
	} else if !s.longDelay() {
		options = append(options, start{nil, math.NaN()})
	}
	budget, ok := s.budgetNeeded()
	if s.base[model.Startup] == nil || !ok {
		return options
	}
	periods := usualPeriods
	if !onlyUsual {
		periods = upTo(longestPeriod)
	}
	for _, period := range periods {
		failures := int32((budget + time.Duration(period)*time.Second - 1) / (time.Duration(period) * time.Second))
		failures = usualStartFailures(max(failures+1, leastStartFailures))
		if failures > mostStartFailures {
			continue
		}
		p := setting{period, 1, failures}.on(s.base[model.Startup])
		p.InitialDelaySeconds = 0
		options = append(options, start{p, s.exceeds(guaranteed(p))})
	}
	return options
}

// longDelay reports whether a delay stands in for a startup probe: longer than
// a minute, or than the probe's own patience (A22, A23).
func (s *search) longDelay() bool {
	for _, p := range s.w.Container().Probes {
		if p != nil && (p.InitialDelaySeconds > 60 || p.InitialDelaySeconds > p.FailureThreshold*p.PeriodSeconds) {
			return true
		}
	}
	return false
}

// startsVary is how many times as long, or as short, as they were taken to be starts may
// turn out before a period that is proposed must still do.
const startsVary = 1.25

// varied returns how many times as long as supposed a start takes in a uniform part of the
// lives: by one startsVary-th to startsVary times, evenly on the scale of ratios.
func varied(part float64) float64 { return math.Pow(startsVary, 2*part-1) }

// gridOfNow reports whether a process that is up waits for the same grid as now: that of
// the startup probe, or of readiness without one. Its lag is what it is. A grid that is
// proposed has to do wherever starts end on it: one whose looks come just after the
// starts that were supposed would else serve by luck, and miss by a period where starts
// take a tenth longer (S20).
func (s *search) gridOfNow(startup, readiness *model.Probe) bool {
	probes := s.w.Container().Probes
	if startup != nil || probes[model.Startup] != nil {
		return startup == probes[model.Startup]
	}
	return probes[model.Readiness] != nil && readiness.PeriodSeconds == probes[model.Readiness].PeriodSeconds
}
