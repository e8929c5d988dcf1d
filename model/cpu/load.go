package cpu

import (
	"math/rand/v2"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

const (
	nobody      = -1      // waits for the end of a job of the container's own load
	mostThreads = 1 << 8  // of a pool without a number of workers; further jobs queue
	burnsFor    = 1 << 60 // CPU time after which an endless burner starts anew: 36 years
)

// thread is one thread of the process and the job it works off.
type thread struct {
	next   int32 // in the queue of its CPU
	cpu    int32 // on which it runs or ran last
	pool   int32
	waiter int32         // index of the submission it works for, or nobody
	serves int64         // serial number of the traffic's request it works for (see clients.go)
	demand time.Duration // CPU time of the job
	left   time.Duration // of it
	wait   time.Duration // wall time after it
	slowed float64       // times as long as the wait of its pool
	until  time.Duration // left is 0: when the wait ends

	// Of the scheduler (see fair.go), on the virtual clock of its CPU.
	ran      time.Duration // virtual run time
	deadline time.Duration
	lag      time.Duration // service missed when it left
	// Of the process's own scheduler (see runtime.go).
	watched   time.Duration // when the monitor first saw it on its kernel thread; 0: not yet
	preempted bool          // the monitor has told it to give way
}

// pool is a number of threads that serve one queue, first come, first served.
// Waiting jobs of the container's own load are only counted: their demand is
// drawn when a thread takes them, so a long backlog costs no memory.
type pool struct {
	workers int   // 0: a thread for each job
	bound   int64 // on waiting jobs; 0: none
	endless bool  // its threads burn CPU without end
	demand  dist.Duration
	wait    dist.Duration

	busy       int
	idle       []int32
	head, tail int64    // numbers of the waiting jobs: head, head+1, … tail-1
	submitted  []queued // those of them that were submitted, in order
	next       int      // index into submitted
}

// queued is a submitted job that waits for a worker.
type queued struct {
	number int64
	waiter int32
	demand time.Duration
	wait   time.Duration
}

// source is a stream of arrivals to a pool.
type source struct {
	pool  int32
	every dist.Duration // between arrivals of a background source
	// Of traffic, which is a Poisson process: arrivals per second now, and when
	// each burst begins or ends.
	traffic *model.Traffic
	burst   []burst
}

// burst is the state of one of the traffic's bursts.
type burst struct {
	on    bool
	since time.Duration // it is so
	turn  time.Duration // when that changes
}

// newLoad builds the pools and sources of the configuration. Pool 0 is that of
// submitted jobs with threads of their own, pool 1 that of the traffic's
// workers.
func (c *Container) newLoad() {
	c.pools = []pool{{}, {}}
	if t := c.cfg.Traffic; t != nil {
		c.pools[workersPool] = pool{workers: t.Workers, bound: int64(t.Queue), demand: t.CPU, wait: t.Wait}
		c.sources = append(c.sources, source{pool: workersPool, traffic: t, burst: make([]burst, len(t.Bursts))})
	}
	for _, b := range c.cfg.Background {
		if b.Always {
			c.pools = append(c.pools, pool{workers: max(b.Threads, 1), endless: true})
			continue
		}
		c.pools = append(c.pools, pool{workers: b.Workers, demand: b.CPU})
		c.sources = append(c.sources, source{pool: int32(len(c.pools) - 1), every: b.Every})
	}
}

// startBursts begins the bursts of the traffic, which belong to its clients and
// go on through restarts.
func (c *Container) startBursts(now time.Duration) {
	since := now
	if c.bursts != nil {
		since = c.since
	}
	for i := range c.sources {
		s := &c.sources[i]
		for j := range s.burst {
			if at := c.planned(j); at != Drawn {
				s.burst[j] = burst{since: since, turn: at}
				continue
			}
			s.burst[j] = burst{since: since, turn: later(since, s.traffic.Bursts[j].Every.Sample(c.burstRandom()))}
		}
		for len(s.burst) > 0 { // in the order of time, in which they are drawn later, too
			first := 0
			for j := range s.burst {
				if s.burst[j].turn < s.burst[first].turn {
					first = j
				}
			}
			if s.burst[first].turn > now {
				break
			}
			c.turn(s, first, s.burst[first].turn)
		}
	}
}

// turn begins or ends a burst.
func (c *Container) turn(s *source, j int, now time.Duration) {
	b := &s.burst[j]
	b.on = !b.on
	if !b.on && c.planned(j) != Drawn {
		b.turn = Never
		return
	}
	length := s.traffic.Bursts[j].Every
	if b.on {
		length = s.traffic.Bursts[j].Lasts
	}
	b.since, b.turn = now, later(now, max(length.Sample(c.burstRandom()), 1))
}

// PlanBursts makes burst j of the traffic, from the next Reset on, begin once, at
// an instant, or not at all: Never. Those beyond the plan, and those planned for
// Drawn, come as they are drawn.
func (c *Container) PlanBursts(plan []time.Duration) { c.burstPlan = append(c.burstPlan[:0], plan...) }

// Drawn is the planned instant of bursts that come as they are drawn.
const Drawn = time.Duration(-1)

func (c *Container) planned(j int) time.Duration {
	if j < len(c.burstPlan) {
		return c.burstPlan[j]
	}
	return Drawn
}

// BurstOver reports whether burst j was planned to begin once, and has ended.
func (c *Container) BurstOver(j int) bool {
	for i := range c.sources {
		if s := &c.sources[i]; s.traffic != nil {
			return !s.burst[j].on && s.burst[j].turn == Never
		}
	}
	return false
}

// burstRandom returns what the bursts are drawn from.
func (c *Container) burstRandom() *rand.Rand {
	if c.bursts != nil {
		return c.bursts
	}
	return c.random
}

// startLoad begins all arrivals.
func (c *Container) startLoad(now time.Duration) {
	for i := range c.sources {
		c.scheduleSource(i, now)
	}
	for i := range c.pools {
		if q := &c.pools[i]; q.endless {
			for range q.workers {
				t := c.worker(int32(i))
				c.threads[t].left, c.threads[t].wait = burnsFor, 0
				c.startDemand(t, now)
			}
		}
	}
}

// scheduleSource sets the event of a source: its next arrival, or the next turn
// of a burst if that comes first. A Poisson process forgets, so the arrival is
// drawn anew after every change of the rate.
func (c *Container) scheduleSource(i int, now time.Duration) {
	s := &c.sources[i]
	at := &c.due[dueSources+i]
	if s.traffic == nil {
		*at = later(now, max(s.every.Sample(c.process), 1))
		return
	}
	rate := s.traffic.PerSecond
	turn := Never
	for j := range s.burst {
		turn = min(turn, s.burst[j].turn)
		if s.burst[j].on {
			rate = s.traffic.Bursts[j].PerSecond
		}
	}
	*at = turn
	if rate *= c.arriving(); rate > 0 {
		gap := c.random.ExpFloat64() / rate * float64(time.Second)
		if gap < float64(dist.Longest) {
			*at = min(turn, later(now, max(time.Duration(gap), 1)))
		}
	}
}

// later returns now+d, at most Never.
func later(now, d time.Duration) time.Duration {
	if d >= Never-now {
		return Never
	}
	return now + d
}

// arrive is the event of a source.
func (c *Container) arrive(i int, now time.Duration) {
	s := &c.sources[i]
	turned := false
	for j := range s.burst {
		if s.burst[j].turn <= now {
			turned = true
			c.turn(s, j, now)
		}
	}
	switch {
	case turned:
	case s.traffic != nil:
		c.request(now, 0)
	default:
		c.enter(s.pool, now)
	}
	c.scheduleSource(i, now)
}

// enter gives the pool a job of the container's own load. It reports whether
// there was room for it.
func (c *Container) enter(pool int32, now time.Duration) bool {
	q := &c.pools[pool]
	switch {
	case q.hasWorker():
		t := c.worker(pool)
		c.drawJob(t)
		c.startDemand(t, now)
	case q.bound == 0 || q.tail-q.head < q.bound:
		q.tail++
	default:
		return false
	}
	return true
}

// hasWorker reports whether a job that arrives now starts at once.
func (q *pool) hasWorker() bool {
	if q.workers == 0 {
		return q.busy < mostThreads
	}
	return q.busy < q.workers
}

// worker takes an idle thread of the pool, the one that was busy last: its
// CPU's cache is the warmest.
func (c *Container) worker(i int32) int32 {
	q := &c.pools[i]
	q.busy++
	if n := len(q.idle); n > 0 {
		t := q.idle[n-1]
		q.idle = q.idle[:n-1]
		return t
	}
	t := int32(len(c.threads))
	c.threads = append(c.threads, thread{cpu: t % int32(len(c.processors)), pool: i, waiter: nobody})
	return t
}

// drawJob gives the thread a job of the container's own load.
func (c *Container) drawJob(t int32) {
	th := &c.threads[t]
	q := &c.pools[th.pool]
	th.waiter = nobody
	th.demand = q.demand.Sample(c.process)
	th.left, th.slowed = th.demand, c.waitFactor
	th.wait = dist.Stretched(q.wait.Sample(c.process), th.slowed)
	if th.pool == workersPool {
		th.serves = c.clients.begun
		c.clients.begun++
	}
}

// startDemand begins the thread's job, of which nothing has been done.
func (c *Container) startDemand(t int32, now time.Duration) {
	if c.threads[t].left > 0 || c.endDemand(t, now) {
		c.ready(t, now)
	}
}

// endDemand is the end of the CPU time of the thread's job. It reports whether
// the thread has CPU time to spend at once on the next job of its queue;
// otherwise it waits or sleeps.
func (c *Container) endDemand(t int32, now time.Duration) bool {
	for {
		th := &c.threads[t]
		if th.wait > 0 || c.frozen() {
			th.until = later(now, th.wait)
			c.waits.push(th.until, t)
			c.due[dueWait] = c.waitDue()
			return false
		}
		if !c.endJob(t, now) {
			return false
		}
		if th.left > 0 {
			return true
		}
	}
}

// endJob is the end of the thread's job. It reports whether the thread has
// taken another one; otherwise it sleeps.
func (c *Container) endJob(t int32, now time.Duration) bool {
	th := &c.threads[t]
	switch {
	case th.waiter != nobody:
		c.endPart(t, now)
	case th.pool == workersPool && c.hung:
		return false // for ever: the worker is not idle
	case th.pool == workersPool:
		c.answered(th.serves)
	}
	q := &c.pools[th.pool]
	if q.endless {
		th.left = burnsFor
		return true
	}
	if q.head == q.tail {
		q.busy--
		q.idle = append(q.idle, t)
		return false
	}
	number := q.head
	q.head++
	if q.next == len(q.submitted) || q.submitted[q.next].number != number {
		c.drawJob(t)
		return true
	}
	job := q.submitted[q.next]
	q.next++
	if q.next == len(q.submitted) {
		q.submitted, q.next = q.submitted[:0], 0
	}
	c.queued--
	th.demand, th.left, th.wait = job.demand, job.demand, job.wait
	c.serve(t, job.waiter)
	return true
}
