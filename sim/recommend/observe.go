package recommend

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
)

const (
	// attempts of each period that are observed at most and at least, and of one
	// life.
	attemptsObserved = 400_000
	fewestObserved   = 2_000
	attemptsOfLife   = 20_000
	// eventsObserved is what the path of one period may cost, about: in events that
	// take as long as an attempt, each of which is as much as so many of the CPU's.
	eventsObserved = 300_000
	perAttempt     = 6
)

// observed is how much of each period's path is looked at: so many attempts, or
// as many as so many events of the environment leave room for.
type observed struct {
	attempts int64
	fewest   int64 // as far as the events allow
	starts   int   // simulated at the most; 0: as many as the objectives need
	events   float64
	periods  []int32                 // observed by themselves
	others   bool                    // all others too, along the paths of these where that will do
	only     func(period int32) bool // of the others a glance is enough; nil: all of them
}

// glance is the effort of a search that only looks what another world would be
// like, thorough that of one that recommends.
var glance = observed{attempts: attemptsObserved / 8, fewest: fewestObserved / 2, events: eventsObserved / 8, periods: usualPeriods, starts: 4000}

func (o Options) thorough() observed {
	effort := observed{attempts: attemptsObserved, fewest: fewestObserved, events: eventsObserved, periods: usualPeriods, others: true}
	if o.Full {
		effort.periods = upTo(longestPeriod)
	}
	return effort
}

// observation is a path to simulate: that of a period, which stands for those of its
// multiples that are not observed by themselves too. Of every k-th attempt of it a
// path of k times the period consists, and there are k of them:
//
//	each period    · × · · × × · · × · · ·
//	every third    ·     ·     ·     ·        from the first on
//	                 ×     ×     ×     ·      from the second on, and so on
type observation struct {
	period    int32
	multiples []int32 // itself among them
	glance    bool    // that much effort is enough
}

// itself is the path of a period that stands for no other.
func itself(period int32) observation {
	return observation{period: period, multiples: []int32{period}}
}

// negligibleLoad is the share of the CPU time a process can have that probes on an
// observed path may take beyond those of the period it stands for. What they take
// delays other answers, so that a path of denser ones shows too many late ones.
const negligibleLoad = 0.01

// plan returns the paths to simulate of probes of kind k: of the periods that are
// observed by themselves, each of which stands for what it can. Rest are those of the
// periods for which none of them does.
func (o observed) plan(w *model.World, k model.ProbeKind) (plan, rest []observation) {
	own := slices.DeleteFunc(slices.Clone(o.periods), func(period int32) bool { return overloads(w, k, period) })
	for _, p := range w.Container().Probes {
		if p != nil && !slices.Contains(own, p.PeriodSeconds) {
			own = append(own, p.PeriodSeconds)
		}
	}
	for _, period := range own {
		path := itself(period)
		path.glance = o.only != nil && !o.only(period)
		plan = append(plan, path)
	}
	if !o.others {
		return plan, nil
	}
	load := func(period int32) float64 { return answerDemand(w, k) / float64(period) / capacity(w) }
	for _, period := range upTo(longestPeriod) {
		if slices.Contains(own, period) || overloads(w, k, period) {
			continue
		}
		stands := func(path observation) bool {
			return period%path.period == 0 && load(path.period)-load(period) <= negligibleLoad
		}
		if longest := longestOf(plan, stands); longest != nil {
			longest.multiples = append(longest.multiples, period)
		} else if longest = longestOf(rest, stands); longest != nil {
			longest.multiples = append(longest.multiples, period)
		} else {
			rest = append(rest, itself(period))
		}
	}
	return plan, rest
}

// longestOf returns the path of the longest period of those wanted; nil: there is none.
func longestOf(paths []observation, wanted func(observation) bool) *observation {
	var longest *observation
	for i := range paths {
		if wanted(paths[i]) && (longest == nil || paths[i].period > longest.period) {
			longest = &paths[i]
		}
	}
	return longest
}

// of returns the number of attempts to observe of a path in a world, and how many
// events of the CPU they may cost. What is expected to happen may be far from what does:
// where no kill ever ends a backlog, clients who try again keep the process busy.
func (o observed) of(w *model.World, k model.ProbeKind, path *observation) (attempts, events int64) {
	const backlog = 4 // what happens takes longer where no kill ever ends a backlog
	if path.glance {
		return glance.of(w, k, &observation{period: path.period})
	}
	each := answerEvents(w, k) + float64(path.period)*environmentEvents(w)*backlog
	return min(o.attempts, max(o.fewest, int64(o.events/each))), int64(perAttempt * o.events)
}

// observe makes the screen of probes of kind k in a world, from the paths of a plan.
// Lives end after some attempts, so that their memory stays small.
func observe(w *model.World, k model.ProbeKind, plan []observation, seed uint64, jobs int, effort observed, stop *atomic.Bool) (*screen, error) {
	s := &screen{path: map[int32]*path{}}
	type part struct {
		*observation
		life     int64
		attempts int64
		events   int64
	}
	parts := make(chan part)
	var lock sync.Mutex
	var failed error
	var running sync.WaitGroup
	for range jobs {
		running.Go(func() {
			simulator, err := sim.New(w)
			for todo := range parts {
				if err != nil {
					continue
				}
				period := time.Duration(todo.period) * time.Second
				seen := simulator.Observe(sim.Life{
					Seed: seed, Replication: uint64(todo.life)<<8 | uint64(todo.period), Draw: model.DrawOf(uint64(todo.life)), Horizon: time.Duration(todo.attempts) * period, Effort: todo.events, Stop: stop,
				}, k, period)
				for _, multiple := range todo.multiples {
					p := path{period: time.Duration(multiple) * time.Second}
					p.addEvery(seen, int(multiple/todo.period))
					lock.Lock()
					s.path[multiple].merge(&p)
					lock.Unlock()
				}
			}
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				failed = err
			}
		})
	}
	for i := range plan {
		s.own = append(s.own, plan[i].period)
		for _, multiple := range plan[i].multiples {
			s.path[multiple] = &path{period: time.Duration(multiple) * time.Second, phases: int64(multiple / plan[i].period), clears: clears(w)}
		}
	}
	for i := range plan {
		attempts, events := effort.of(w, k, &plan[i])
		for left, life := attempts, int64(0); left > 0; life++ {
			n := min(left, attemptsOfLife)
			parts <- part{&plan[i], life, n, max(1, int64(float64(events)*float64(n)/float64(attempts)))}
			left -= n
		}
	}
	close(parts)
	running.Wait()
	return s, failed
}

// clears reports whether all that delays the answers ends with the process: its
// backlog, unless clients ask again for what a kill has lost.
func clears(w *model.World) bool {
	t := w.Application.Traffic
	return (t == nil || t.RetriesMax == 0) && !neighboured(&w.Node) && len(w.Dependencies) == 0 && len(w.Faults) == 0
}

// addEvery counts the runs of every k-th of one life's observations, from each of the
// first k on.
func (p *path) addEvery(seen []sim.Observation, k int) {
	for first := range min(k, len(seen)) {
		p.add(seen, first, k)
	}
}

// add counts the runs of every k-th observation, from a first one on. What a starting
// process answers is the startup probe's business.
func (p *path) add(seen []sim.Observation, first, k int) {
	var run [len(levels)]int
	open := 0 // levels with a run under way: all up to the one that the last answer reached
	flush := func(i int) {
		p.whole[i][min(run[i], longestCounted)]++
		for ; run[i] > longestCounted; run[i] -= longestCounted {
			p.runs[i][longestCounted]++
		}
		p.runs[i][run[i]]++
		run[i] = 0
	}
	for j := first; j < len(seen); j += k {
		o := &seen[j]
		if o.Starting {
			continue
		}
		p.time += p.period
		reached := 0
		for reached < len(levels) && (o.Failed || o.Latency >= levels[reached]) {
			run[reached]++
			reached++
		}
		for i := reached; i < open; i++ {
			flush(i)
		}
		open = reached
	}
	for i := range open {
		flush(i)
	}
}

func (p *path) merge(other *path) {
	p.time += other.time
	for t := range p.runs {
		for n := range p.runs[t] {
			p.runs[t][n] += other.runs[t][n]
			p.whole[t][n] += other.whole[t][n]
		}
	}
}
