package recommend

import (
	"cmp"
	"math"
	"slices"
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

// path is what probes of one period would meet.
type path struct {
	period time.Duration
	time   time.Duration
	// runs[i][n] is the number of maximal runs of n answers later than
	// levels[i], or failures; the last counts all longer ones by what they
	// contain.
	runs  [len(levels)][longestCounted + 1]int64
	lines []line // that extend it; nil: not yet drawn
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
	// eventsObserved is what the path of one period may cost.
	eventsObserved = 600_000
)

// observed is how much of each period's path is looked at: so many attempts, or
// as many as so many events of the environment leave room for.
type observed struct {
	attempts int64
	events   float64
	periods  []int32
}

// glance is the effort of a search that only looks what another world would be
// like, thorough that of one that recommends.
var glance = observed{attempts: attemptsObserved / 8, events: eventsObserved / 8, periods: usualPeriods}

func (o Options) thorough() observed {
	effort := observed{attempts: attemptsObserved, events: eventsObserved, periods: usualPeriods}
	if o.Full {
		effort.periods = upTo(longestPeriod)
	}
	return effort
}

// of returns the number of attempts for a period in a world.
func (o observed) of(w *model.World, period int32) int64 {
	each := 1 + float64(period)*environmentEvents(w)
	return min(o.attempts, max(fewestObserved, int64(o.events/each)))
}

// observe makes the screen of probes of kind k in a world. Lives end after
// some attempts, so that their memory stays small.
func observe(w *model.World, k model.ProbeKind, periods []int32, seed uint64, jobs int, effort observed, stop *atomic.Bool) (*screen, error) {
	s := &screen{periods: periods, path: map[int32]*path{}}
	type part struct {
		period   int32
		life     int64
		attempts int64
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
					Seed: seed, Replication: uint64(todo.life)<<8 | uint64(todo.period), Draw: model.DrawOf(uint64(todo.life)), Horizon: time.Duration(todo.attempts) * period, Stop: stop,
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
		s.path[period] = &path{period: time.Duration(period) * time.Second}
	}
	for _, period := range periods {
		for left, life := effort.of(w, period), int64(0); left > 0; life++ {
			parts <- part{period, life, min(left, attemptsOfLife)}
			left -= attemptsOfLife
		}
	}
	close(parts)
	running.Wait()
	return s, failed
}

// add counts the runs of one life's observations. What a starting process
// answers is the startup probe's business.
func (p *path) add(seen []sim.Observation, period time.Duration) {
	var run [len(levels)]int
	flush := func(i int) {
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
		}
	}
}

// rate returns the verdicts per second that a setting would come to, with
// bounds. Where too few were seen they are extended, and extended is true: such a
// rate ranks settings, it proves nothing.
func (p *path) rate(s setting, confidence float64) (rate, low, bound float64, extended bool) {
	const enough = 10
	seconds := p.time.Seconds()
	if seconds == 0 {
		return 0, 0, math.Inf(1), true
	}
	var verdicts int64
	for n, runs := range p.runs[shortLevels-1+int(min(s.timeout, longestTimeout))] {
		verdicts += runs * int64(n/int(s.failures))
	}
	least, high := stats.Garwood(float64(verdicts), confidence)
	if verdicts < enough {
		if rate, bound, ok := p.extend(s.tolerated().Seconds(), confidence); ok {
			return rate, least / seconds, bound, true
		}
	}
	return float64(verdicts) / seconds, least / seconds, high / seconds, false
}

// extend continues the rate at which the environment outlasts what a setting
// tolerates, beyond what was seen. What stands in the way of an answer is a
// backlog, and the tail of a backlog falls exponentially (Cramér and Lundberg;
// the queue of S6 is the special case), so the logarithm of the rate goes on
// along the steepest line that the counts at two tolerances assure. ok is false
// if so little was seen that there is none.
func (p *path) extend(tolerated, confidence float64) (rate, bound float64, ok bool) {
	if p.lines == nil {
		p.lines = p.draw(confidence)
	}
	best := math.Inf(1)
	for _, l := range p.lines {
		if l.from <= tolerated {
			if at := l.height - l.slope*(tolerated-l.from); at < best {
				best, rate = at, l.count*math.Exp(-l.slope*(tolerated-l.from))
			}
		}
	}
	if math.IsInf(best, 1) {
		return 0, 0, false
	}
	seconds := p.time.Seconds()
	return rate / seconds, math.Exp(best) / seconds, true
}

// line is a bound on the logarithm of the number of runs that outlast what is
// tolerated: height at from, falling with slope per second.
type line struct{ from, height, slope, count float64 }

// draw returns the lines through the upper bound of the runs that outlasted
// one tolerance, with the slope from the lower bound at one at most two thirds
// as long, at which many were seen.
func (p *path) draw(confidence float64) []line {
	const many = 100
	lines := []line{}
	points := p.points()
	for b, far := range points {
		_, high := stats.Garwood(far.runs, confidence)
		for _, near := range points[:b] {
			if near.runs < many || near.tolerated > far.tolerated*2/3 {
				continue
			}
			low, _ := stats.Garwood(near.runs, confidence)
			if slope := math.Log(low/high) / (far.tolerated - near.tolerated); slope > 0 {
				lines = append(lines, line{far.tolerated, math.Log(high), slope, far.runs})
			}
		}
	}
	return lines
}

// point is the number of runs that outlasted a tolerance.
type point struct{ tolerated, runs float64 }

// points returns the runs by what they outlasted, ascending, up to the first
// tolerance that none did: single late answers at each level, then runs of
// answers later than the shortest timeout.
func (p *path) points() []point {
	var points []point
	add := func(level, failures int) {
		var runs int64
		for n := failures; n <= longestCounted; n++ {
			runs += p.runs[level][n]
		}
		c := levels[level].Seconds() + float64(failures-1)*p.period.Seconds()
		points = append(points, point{c, float64(runs)})
	}
	for level := range levels {
		add(level, 1)
	}
	for failures := 2; failures <= 12; failures++ {
		add(shortLevels, failures)
	}
	slices.SortFunc(points, func(a, b point) int { return cmp.Compare(a.tolerated, b.tolerated) })
	for i := len(points) - 2; i >= 0; i-- { // whatever outlasted more, outlasted less
		points[i].runs = max(points[i].runs, points[i+1].runs)
	}
	if none := slices.IndexFunc(points, func(p point) bool { return p.runs == 0 }); none >= 0 {
		points = points[:none+1]
	}
	return points
}
