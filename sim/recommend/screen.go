package recommend

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

// screen counts, along the paths of an environment, the runs of failures that
// probes of every period and timeout would meet: one pass yields every
// threshold at once (S19).
type screen struct {
	periods []int32
	path    map[int32]*path
}

// of returns the path of probes of a period; nil: it was not observed, or nothing.
func (s *screen) of(period int32) *path {
	if s == nil {
		return nil
	}
	return s.path[period]
}

// path is what probes of one period would meet.
type path struct {
	period time.Duration
	time   time.Duration
	// runs[i][n] is the number of maximal runs of n answers later than
	// levels[i], or failures; the last counts all longer ones by what they
	// contain.
	runs [len(levels)][longestCounted + 1]int64
	// whole[i][n] is the same with each of the longer ones counted once.
	whole [len(levels)][longestCounted + 1]int64
	// clears: a kill takes away what made the answers late, a backlog of the
	// process's own, so that a run comes to one verdict however long it is.
	clears bool
	// bounds are the intervals of the numbers of runs that were asked for, by number and
	// confidence: the settings of a period ask for the same ones again and again.
	bounds map[[2]float64][2]float64
}

// levels are the latencies at which an answer counts as late: the timeouts,
// whole seconds, after shorter ones that only show how the tail falls.
var levels = func() (l [shortLevels + longestTimeout]time.Duration) {
	for i := range l {
		if i < shortLevels {
			l[i] = time.Duration(float64(time.Second) * math.Pow(2, float64(i-shortLevels)/2))
		} else {
			l[i] = time.Duration(i-shortLevels+1) * time.Second
		}
	}
	return l
}()

const (
	shortLevels    = 12 // from 1/64 s in steps of √2
	longestCounted = 64
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
	periods  []int32
	only     func(period int32) bool // of the others a glance is enough; nil: all of them
}

// glance is the effort of a search that only looks what another world would be
// like, thorough that of one that recommends.
var glance = observed{attempts: attemptsObserved / 8, fewest: fewestObserved / 2, events: eventsObserved / 8, periods: usualPeriods, starts: 4000}

func (o Options) thorough() observed {
	effort := observed{attempts: attemptsObserved, fewest: fewestObserved, events: eventsObserved, periods: usualPeriods}
	if o.Full {
		effort.periods = upTo(longestPeriod)
	}
	return effort
}

// of returns the number of attempts for a period in a world, and how many events of
// the CPU they may cost. What is expected to happen may be far from what does: where
// no kill ever ends a backlog, clients who try again keep the process busy.
func (o observed) of(w *model.World, k model.ProbeKind, period int32) (attempts, events int64) {
	const backlog = 4 // what happens takes longer where no kill ever ends a backlog
	each := answerEvents(w, k) + float64(period)*environmentEvents(w)*backlog
	if o.only != nil && !o.only(period) {
		return glance.of(w, k, period)
	}
	return min(o.attempts, max(o.fewest, int64(o.events/each))), int64(perAttempt * o.events)
}

// observe makes the screen of probes of kind k in a world. Lives end after
// some attempts, so that their memory stays small.
func observe(w *model.World, k model.ProbeKind, periods []int32, seed uint64, jobs int, effort observed, stop *atomic.Bool) (*screen, error) {
	s := &screen{periods: periods, path: map[int32]*path{}}
	type part struct {
		period   int32
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
				p := path{period: period}
				p.add(seen, period)
				lock.Lock()
				s.path[todo.period].merge(&p)
				lock.Unlock()
			}
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				failed = err
			}
		})
	}
	for _, period := range periods {
		s.path[period] = &path{period: time.Duration(period) * time.Second, clears: clears(w)}
	}
	for _, period := range periods {
		attempts, events := effort.of(w, k, period)
		for left, life := attempts, int64(0); left > 0; life++ {
			n := min(left, attemptsOfLife)
			parts <- part{period, life, n, max(1, int64(float64(events)*float64(n)/float64(attempts)))}
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

// add counts the runs of one life's observations. What a starting process
// answers is the startup probe's business.
func (p *path) add(seen []sim.Observation, period time.Duration) {
	var run [len(levels)]int
	flush := func(i int) {
		if run[i] > 0 {
			p.whole[i][min(run[i], longestCounted)]++
		}
		for ; run[i] > longestCounted; run[i] -= longestCounted {
			p.runs[i][longestCounted]++
		}
		if run[i] > 0 {
			p.runs[i][run[i]]++
		}
		run[i] = 0
	}
	quiet := true // no run is open
	for j := range seen {
		o := &seen[j]
		if o.Starting {
			continue
		}
		p.time += period
		if quiet && !o.Failed && o.Latency < levels[0] {
			continue
		}
		quiet = true
		for i := range levels {
			if o.Failed || o.Latency >= levels[i] {
				run[i]++
				quiet = false
			} else if run[i] > 0 {
				flush(i)
			}
		}
	}
	for i := range run {
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

// rate returns the verdicts per second that a setting would come to, with
// bounds. Where too few were seen they are extended, and extended is true: such a
// rate ranks settings, it proves nothing.
func (p *path) rate(s setting, confidence float64) (rate, low, bound float64, extended bool) {
	seconds := p.time.Seconds()
	if seconds == 0 {
		return 0, 0, math.Inf(1), true
	}
	level := shortLevels - 1 + int(min(s.timeout, longestTimeout))
	runs := p.reached(level, int(s.failures))
	verdicts := runs
	if !p.clears { // again and again while the cause lasts
		verdicts = 0
		for n, runs := range p.runs[level] {
			verdicts += float64(runs * int64(n/int(s.failures)))
		}
	}
	low, _ = p.garwood(p.reached(level, s.ticks()), confidence)
	high := p.upper(verdicts, confidence)
	if runs < enoughSeen {
		if rate, bound, ok := p.extend(level, int(s.failures), confidence); ok {
			return max(rate, verdicts) / seconds, low / seconds, max(bound, verdicts) / seconds, true
		}
	}
	return verdicts / seconds, low / seconds, high / seconds, false
}

// ticks is how many late answers in a row, a period apart, certainly bring a
// verdict: as many as failures, or as many as there are periods in the timeouts of
// all but the last where attempts follow each other a timeout apart (K5).
func (s setting) ticks() int {
	apart := max(s.timeout, s.period)
	return 1 + int(((s.failures-1)*apart+s.period-1)/s.period)
}

// enoughSeen is how many runs are enough to go by their number.
const enoughSeen = 10

// reached returns the number of runs of at least n answers later than a level.
func (p *path) reached(level, n int) float64 {
	var runs int64
	for ; n <= longestCounted; n++ {
		runs += p.whole[level][n]
	}
	return float64(runs)
}

// extend continues the number of runs of late answers beyond what was seen: along
// the timeouts, to the number of single late answers, and from there along the
// failures in a row,
//
//	runs of   1    2    3    4    5    6 …
//	seen    210   90   41   20    8   (2)
//	                    └─ × r ──┴─ × r ─┴─ × r …
//
// each as a geometric sequence from its last two numbers that say enough. Both are
// the law of a backlog, whose tail falls exponentially (Cramér and Lundberg; the
// queue of S6 is the special case), and of answers that are late independently
// while a neighbour is busy. A mixture of such laws falls ever more slowly, so the
// last numbers come nearest. Where no run at the timeout is long enough, the
// failures are those of the longest timeout at which some are. ok is false if so
// little was seen that there is nothing to continue.
func (p *path) extend(level, failures int, confidence float64) (rate, bound float64, ok bool) {
	last := level // the highest level that shows how runs go on
	for last >= 0 && p.reached(last, 2) < enoughSeen {
		last--
	}
	first, high, ok := p.single(level, confidence)
	if !ok {
		return 0, 0, false
	}
	if last < 0 && p.reached(0, 1) >= enoughSeen {
		last = 0 // single late answers at the most
	}
	if failures == 1 || last < 0 { // more in a row are at most as many
		return first, high, true
	}
	from, ratio, highest := p.continuing(last, failures, confidence)
	if last == level { // the runs of the very timeout
		first, high = p.reached(level, from), p.upper(p.reached(level, from), confidence)
		failures -= from - 1
	}
	return first * math.Pow(ratio, float64(failures-1)), high * math.Pow(highest, float64(failures-1)), true
}

// continuing returns by which factor there are fewer runs of one more late answer
// than a level, at the longest runs of which enough were seen, and its upper end.
func (p *path) continuing(level, failures int, confidence float64) (from int, ratio, high float64) {
	far := 2
	for far < failures && p.reached(level, far+1) >= enoughSeen {
		far++
	}
	near := max(1, far/2)
	fewer, more := p.reached(level, far), p.reached(level, near)
	low, _ := p.garwood(more, confidence)
	each := 1 / float64(far-near)
	return far, math.Pow(fewer/more, each), math.Min(1, math.Pow(p.upper(fewer, confidence)/low, each))
}

// single returns the number of runs of any length at a level, extended where too
// few were seen: from the highest level at which enough were, or from the first
// one. Every attempt is an answer later than nothing.
func (p *path) single(level int, confidence float64) (runs, high float64, ok bool) {
	at := func(i int) (later, seen float64) {
		if i < 0 {
			return 0, p.time.Seconds() / p.period.Seconds()
		}
		return levels[i].Seconds(), p.reached(i, 1)
	}
	if _, seen := at(level); seen >= enoughSeen {
		return seen, p.upper(seen, confidence), true
	}
	far := level
	for far > 0 && p.reached(far, 1) < enoughSeen {
		far--
	}
	later, fewer := at(far)
	near := far - 1
	for near >= 0 && (levels[near].Seconds() > later*2/3 || p.reached(near, 1) < 3*fewer) {
		near--
	}
	sooner, more := at(near)
	if more < enoughSeen {
		return 0, 0, false
	}
	low, _ := p.garwood(more, confidence)
	spans := (levels[level].Seconds() - later) / (later - sooner)
	return fewer * math.Pow(fewer/more, spans), p.upper(fewer, confidence) * math.Pow(math.Min(1, p.upper(fewer, confidence)/low), spans), true
}

// upper is the upper end of a number of runs.
func (p *path) upper(seen, confidence float64) float64 {
	_, high := p.garwood(seen, confidence)
	return high
}

// garwood is the interval of a number of runs.
func (p *path) garwood(seen, confidence float64) (low, high float64) {
	asked := [2]float64{seen, confidence}
	known, ok := p.bounds[asked]
	if !ok {
		if p.bounds == nil {
			p.bounds = map[[2]float64][2]float64{}
		}
		known[0], known[1] = stats.Garwood(seen, confidence)
		p.bounds[asked] = known
	}
	return known[0], known[1]
}
