package recommend

import (
	"math"
	"sync"
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
	time time.Duration
	// runs[t][n] is the number of maximal runs of n failures at a timeout of t
	// seconds; the last counts all longer ones by what they contain.
	runs [longestTimeout + 1][longestCounted + 1]int64
}

const (
	longestCounted = 64
	// attempts of each period that are observed, and of one life.
	attemptsObserved = 400_000
	attemptsOfLife   = 20_000
)

// observe makes the screen of probes of kind k in a world. Lives end after
// some attempts, so that their memory stays small.
func observe(w *model.World, k model.ProbeKind, periods []int32, seed uint64, jobs int, attempts int64) (*screen, error) {
	s := &screen{periods: periods, path: map[int32]*path{}}
	type part struct {
		period int32
		life   int64
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
					Seed: seed, Replication: uint64(todo.life)<<8 | uint64(todo.period), Horizon: attemptsOfLife * period,
				}, k, period)
				var p path
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
		s.path[period] = &path{}
	}
	for _, period := range periods {
		for life := range (attempts + attemptsOfLife - 1) / attemptsOfLife {
			parts <- part{period, life}
		}
	}
	close(parts)
	running.Wait()
	return s, failed
}

// add counts the runs of one life's observations. What a starting process
// answers is the startup probe's business.
func (p *path) add(seen []sim.Observation, period time.Duration) {
	var run [longestTimeout + 1]int
	flush := func(t int) {
		for ; run[t] > longestCounted; run[t] -= longestCounted {
			p.runs[t][longestCounted]++
		}
		if run[t] > 0 {
			p.runs[t][run[t]]++
		}
		run[t] = 0
	}
	quiet := true // no run is open
	for i := range seen {
		o := &seen[i]
		if o.Starting {
			continue
		}
		p.time += period
		if quiet && !o.Failed && o.Latency < time.Second {
			continue
		}
		quiet = true
		for t := 1; t <= longestTimeout; t++ {
			if o.Failed || o.Latency >= time.Duration(t)*time.Second {
				run[t]++
				quiet = false
			} else if run[t] > 0 {
				flush(t)
			}
		}
	}
	for t := range run {
		flush(t)
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

// rate returns the verdicts per second that a setting would come to, with an
// upper bound. A threshold beyond the runs seen is extended by the greatest
// ratio at which longer runs became rarer, and extended is true: such a rate
// ranks settings, it proves nothing.
func (p *path) rate(s setting, confidence float64) (rate, bound float64, extended bool) {
	timeout := min(s.timeout, longestTimeout)
	seconds := p.time.Seconds()
	if seconds == 0 {
		return 0, math.Inf(1), true
	}
	var verdicts int64
	var atLeast [longestCounted + 2]int64 // runs of at least n
	for n := longestCounted; n >= 1; n-- {
		atLeast[n] = atLeast[n+1] + p.runs[timeout][n]
		verdicts += p.runs[timeout][n] * int64(n/int(s.failures))
	}
	const enough = 10 // runs, from which a ratio is taken
	if verdicts >= enough {
		_, high := stats.Garwood(float64(verdicts), confidence)
		return float64(verdicts) / seconds, high / seconds, false
	}
	from := 1
	for from < longestCounted && atLeast[from+1] >= enough {
		from++
	}
	if int(s.failures) <= from {
		_, high := stats.Garwood(float64(verdicts), confidence)
		return float64(verdicts) / seconds, high / seconds, false
	}
	ratio := 0.5 // where hardly any failure was seen
	if atLeast[from] >= enough {
		_, next := stats.Garwood(float64(atLeast[from+1]), confidence)
		ratio = math.Min(0.99, next/float64(atLeast[from]))
		for n := 1; n < from; n++ {
			ratio = math.Max(ratio, math.Min(0.99, float64(atLeast[n+1])/float64(atLeast[n])))
		}
	}
	_, high := stats.Garwood(float64(atLeast[from]), confidence)
	fall := math.Pow(ratio, float64(int(s.failures)-from))
	return float64(atLeast[from]) / seconds * fall, high / seconds * fall, true
}
