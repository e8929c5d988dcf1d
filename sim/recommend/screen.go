package recommend

import (
	"math"
	"slices"
	"time"

	"github.com/probesim/probesim/sim/stats"
)

// screen counts, along the paths of an environment, the runs of failures that
// probes of every period and timeout would meet: one pass yields every
// threshold at once (S19).
type screen struct {
	path map[int32]*path
	own  []int32 // periods that were observed by themselves
}

// of returns the path of probes of a period; nil: it was not observed, or nothing.
func (s *screen) of(period int32) *path {
	if s == nil {
		return nil
	}
	return s.path[period]
}

// shorter returns the longest period, shorter than one that was not observed by itself,
// which was; 0: there is none, or it was.
func (s *screen) shorter(period int32) int32 {
	if s == nil || slices.Contains(s.own, period) {
		return 0
	}
	longest := int32(0)
	for _, own := range s.own {
		if own < period {
			longest = max(longest, own)
		}
	}
	return longest
}

// path is what probes of one period would meet.
type path struct {
	period time.Duration
	// phases is how many times the attempts of the same time were gone through, each
	// time from another one on; what follows is their sum.
	phases int64
	time   time.Duration
	// runs[i][n] is the number of maximal runs of n answers later than
	// levels[i], or failures; the last counts all longer ones by what they
	// contain.
	runs [len(levels)][longestCounted + 1]int64
	// whole[i][n] is the same with each of the longer ones counted once.
	whole [len(levels)][longestCounted + 1]int64
	// clears: a kill takes away what made the answers late, a backlog of the
	// process's own, so that a run comes to one kill however long it is.
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
)

// rate returns the verdicts per second that a setting would come to, with
// bounds: one in each run that is long enough, or again and again while what made the
// answers late lasts. Where too few were seen they are extended, and extended is true:
// such a rate ranks settings, it proves nothing.
func (p *path) rate(s setting, confidence float64, again bool) (rate, low, bound float64, extended bool) {
	seconds := p.seconds()
	if seconds == 0 {
		return 0, 0, math.Inf(1), true
	}
	level := shortLevels - 1 + int(min(s.timeout, longestTimeout))
	runs := p.reached(level, int(s.failures))
	verdicts := runs
	if again {
		verdicts = 0
		for n, runs := range p.runs[level] {
			verdicts += float64(runs * int64(n/int(s.failures)))
		}
		verdicts /= float64(p.phases)
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

// lasting returns how many late answers follow, on average, those in a row that a
// setting waits for, before one comes in time: the mean excess of the runs, which of
// geometric lengths is the same whatever they exceed. Where too few are as long it is
// that of the longest at the highest level of which enough are.
func (p *path) lasting(s setting, confidence float64) float64 {
	level, from := shortLevels-1+int(min(s.timeout, longestTimeout)), int(s.failures)
	if p.reached(level, from) < enoughSeen {
		if level = p.highest(level); level < 0 {
			return 0 // single late answers at the most
		}
		from, _, _ = p.continuing(level, from, confidence)
	}
	late := 0.0
	for n, runs := range p.runs[level] {
		late += float64(int64(n)*runs) / float64(p.phases)
	}
	for n := range from {
		late -= p.reached(level, n+1)
	}
	return late / p.reached(level, from)
}

// highest returns the highest level up to one that shows how runs go on; below 0:
// there is none.
func (p *path) highest(level int) int {
	for level >= 0 && p.reached(level, 2) < enoughSeen {
		level--
	}
	return level
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

// seconds returns the time that was observed.
func (p *path) seconds() float64 { return p.time.Seconds() / float64(p.phases) }

// attempts returns how many attempts were observed in that time.
func (p *path) attempts() float64 { return p.seconds() / p.period.Seconds() }

// reached returns the number of runs of at least n answers later than a level. Where
// it is the mean of phases, it varies no more than the number of one of them, and so
// an interval of a Poisson number holds for it.
func (p *path) reached(level, n int) float64 {
	var runs int64
	for ; n <= longestCounted; n++ {
		runs += p.whole[level][n]
	}
	return float64(runs) / float64(p.phases)
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
	last := p.highest(level)
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
			return 0, p.attempts()
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
