package cpu

import (
	"time"

	"github.com/probesim/probesim/model/dist"
)

// Progress is what can be seen of a submitted job that is under way: how much CPU time
// it has had, or that it has had all of it, and how long it has waited since.
type Progress struct {
	ID     int
	Had    time.Duration // CPU time
	Waits  bool          // its CPU time is over
	Waited time.Duration
}

// Redraw draws anew what nobody can see yet of the work under way: how much more each
// job of the container's own load needs, on condition of what it has had, and when
// what forgets comes next, arrivals and bursts of exponential times. For the law of
// what is to come that changes nothing, since it depends on what has happened alone;
// but two containers that go on from copies of one then go ways of their own.
//
// Of submitted jobs the caller is asked, who knows their law: for the CPU time that is
// left, and the wait after it, of which as much is over as Progress says. Only those
// of a single thread are asked for.
func (c *Container) Redraw(now time.Duration, submitted func(*Progress) (left, wait time.Duration, ok bool)) {
	c.Advance(now)
	for k := range c.processors {
		if p := &c.processors[k]; p.running {
			c.charge(p, now)
		}
	}
	for t := range c.threads {
		if th := &c.threads[t]; th.left > 0 {
			c.redrawDemand(th, submitted)
		}
	}
	if !c.frozen() {
		c.redrawWaits(now, submitted)
	}
	for i := range c.pools {
		c.redrawQueued(&c.pools[i], submitted)
	}
	c.redrawArrivals(now)
	for k := range c.processors {
		c.plan(k)
	}
}

// redrawDemand draws anew what is left of a thread's job, and the wait after it.
func (c *Container) redrawDemand(th *thread, submitted func(*Progress) (left, wait time.Duration, ok bool)) {
	had := th.demand - th.left
	if th.waiter != nobody {
		s := &c.submissions[th.waiter]
		if s.parts > 1 {
			return
		}
		if left, wait, ok := submitted(&Progress{ID: s.id, Had: had}); ok {
			th.left, th.wait = max(left, 1), wait
			th.demand = had + th.left
		}
		return
	}
	q := &c.pools[th.pool]
	if q.endless {
		return
	}
	if demand, ok := q.demand.Beyond(had, c.process); ok {
		th.demand = max(demand, had+1)
		th.left = th.demand - had
	}
	th.wait = dist.Stretched(q.wait.Sample(c.process), th.slowed)
}

// redrawWaits draws anew what is left of the waits under way.
func (c *Container) redrawWaits(now time.Duration, submitted func(*Progress) (left, wait time.Duration, ok bool)) {
	all := c.waits
	c.waits = all[:0] // grows no faster than all is read
	for i := range all {
		t := all[i].thread
		c.redrawWait(&c.threads[t], now, submitted)
		c.waits.push(c.threads[t].until, t)
	}
	c.due[dueWait] = c.waitDue()
}

// redrawWait draws anew what is left of a thread's wait.
func (c *Container) redrawWait(th *thread, now time.Duration, submitted func(*Progress) (left, wait time.Duration, ok bool)) {
	began := th.until - th.wait
	waited := now - began
	if th.until >= Never || waited < 0 {
		return
	}
	wait, ok := time.Duration(0), false
	switch {
	case th.waiter == nobody:
		wait, ok = c.pools[th.pool].wait.Beyond(time.Duration(float64(waited)/th.slowed), c.process)
		wait = dist.Stretched(wait, th.slowed)
	case th.waiter != nobody && c.submissions[th.waiter].parts == 1:
		_, wait, ok = submitted(&Progress{ID: c.submissions[th.waiter].id, Had: th.demand, Waits: true, Waited: waited})
	}
	if ok {
		th.wait = max(wait, waited+1)
		th.until = later(began, th.wait)
	}
}

// redrawQueued draws anew what submitted jobs need that no worker has begun.
func (c *Container) redrawQueued(q *pool, submitted func(*Progress) (left, wait time.Duration, ok bool)) {
	for i := q.next; i < len(q.submitted); i++ {
		job := &q.submitted[i]
		s := &c.submissions[job.waiter]
		if s.parts > 1 {
			continue
		}
		if left, wait, ok := submitted(&Progress{ID: s.id}); ok {
			job.demand, job.wait = max(left, 1), wait
		}
	}
}

// redrawArrivals draws anew the next arrival of what comes at exponential times, and
// the next turn of bursts that do.
func (c *Container) redrawArrivals(now time.Duration) {
	for i := range c.sources {
		s := &c.sources[i]
		if s.traffic == nil {
			if _, forgets := s.every.Nanoseconds.(dist.Exponential); forgets && c.due[dueSources+i] < Never {
				c.scheduleSource(i, now)
			}
			continue
		}
		for j := range s.burst {
			b := &s.burst[j]
			length := s.traffic.Bursts[j].Every
			if b.on {
				length = s.traffic.Bursts[j].Lasts
			}
			if length, ok := length.Beyond(now-b.since, c.burstRandom()); ok {
				b.turn = max(later(b.since, length), now+1)
			}
		}
		c.scheduleSource(i, now)
	}
}
