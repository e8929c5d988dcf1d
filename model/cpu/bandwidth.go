package cpu

import "time"

// Constants of kernel/sched/fair.c.
const (
	bandwidthSlice = 5 * time.Millisecond // what a CPU takes from the pool at a time (C1)
	keptLocally    = time.Millisecond     // left on a CPU that goes idle (C3)
	slackDelay     = 5 * time.Millisecond // from returned slack to its redistribution (C4)
	slackMargin    = 2 * time.Millisecond // before a refill, in which slack is left alone (C4)
)

// bandwidth is one level of CFS bandwidth control: the global pool of a cgroup
// and the timer that refills it. The local balances are held by the CPUs, which
// drain the one pool together (C12).
type bandwidth struct {
	quota, period, burst time.Duration

	pool      time.Duration // G of C1
	expiry    time.Duration // next instant of the refill grid, while active
	phase     time.Duration // of the grid, in [0, period), drawn once per cgroup (C8)
	active    bool          // the period timer runs
	idle      bool          // nothing was taken from the pool since the last refill
	slackDue  time.Duration // when returned slack is handed out; Never: not armed
	throttled []int32       // CPUs stopped by this level, in the order of their stopping
}

// reset makes the level that of a new cgroup: a full pool, a stopped timer.
func (b *bandwidth) reset(phase time.Duration) {
	b.pool, b.phase = b.quota, phase
	b.active, b.idle = false, false
	b.slackDue = Never
	b.throttled = b.throttled[:0]
}

// take gives up to wanted of the pool at instant now, and starts the period
// timer on its grid if it had stopped (C1, C8).
func (b *bandwidth) take(now, wanted time.Duration) time.Duration {
	if !b.active {
		b.active = true
		b.expiry = b.following(now)
	}
	amount := min(b.pool, wanted)
	if amount <= 0 {
		return 0
	}
	b.pool -= amount
	b.idle = false
	return amount
}

// following returns the first instant of the refill grid after now.
func (b *bandwidth) following(now time.Duration) time.Duration {
	periods := (now - b.phase) / b.period
	if now < b.phase {
		return b.phase
	}
	return b.phase + (periods+1)*b.period
}

// refill adds the quota of one period (C2), and keeps what burst allows (C15).
func (b *bandwidth) refill() { b.pool = min(b.pool+b.quota, b.quota+b.burst) }

// catchUp makes the period timer fire as often as it did until now. The loop is
// short: the timer stops after a period in which nothing was taken (C8), so
// only CPUs that still owe something keep it going while the container idles
// (C6). CPUs with waiting threads never resume here but at the event of their
// refill.
func (c *Container) catchUp(level int, now time.Duration) {
	b := &c.levels[level]
	for b.active && b.expiry <= now {
		at := b.expiry
		b.expiry += b.period
		b.refill()
		switch {
		case len(b.throttled) > 0:
			c.distribute(level, at)
			b.idle = false
		case b.idle:
			b.active = false
		default:
			b.idle = true
		}
	}
	c.dueRefill(level)
}

// distribute hands the pool to the throttled CPUs in the order in which they
// stopped: each gets what it owes and one nanosecond more, and resumes if the
// pool had that much (C6).
func (c *Container) distribute(level int, at time.Duration) {
	b := &c.levels[level]
	still := b.throttled[:0]
	for i, k := range b.throttled {
		p := &c.processors[k]
		amount := min(b.pool, 1-p.local[level])
		b.pool -= amount
		p.local[level] += amount
		if p.local[level] <= 0 {
			still = append(still, k)
			if b.pool <= 0 {
				still = append(still, b.throttled[i+1:]...)
				break
			}
			continue
		}
		p.throttled--
		if p.length > 0 {
			c.resume(int(k), at)
		}
	}
	b.throttled = still
	c.dueRefill(level)
}

// dueRefill sets the event of the level's next refill: only a CPU with threads
// that wait for it needs one.
func (c *Container) dueRefill(level int) {
	b := &c.levels[level]
	c.due[dueRefill+level] = Never
	for _, k := range b.throttled {
		if c.processors[k].length > 0 {
			c.due[dueRefill+level] = b.expiry
			return
		}
	}
}

// returnSlack gives back all but 1 ms of what a CPU without threads holds (C3)
// and arms the timer that hands it to throttled CPUs (C4).
func (c *Container) returnSlack(k int, now time.Duration) {
	p := &c.processors[k]
	for level := range c.levels {
		slack := p.local[level] - keptLocally
		if slack <= 0 {
			continue
		}
		c.catchUp(level, now)
		b := &c.levels[level]
		b.pool += slack
		p.local[level] -= slack
		if b.pool > bandwidthSlice && len(b.throttled) > 0 && b.slackDue == Never &&
			b.expiry-now >= slackDelay+slackMargin {
			b.slackDue = now + slackDelay
			c.due[dueSlack+level] = b.slackDue
		}
	}
}

// handOutSlack is the slack timer's expiry (C4).
func (c *Container) handOutSlack(level int, now time.Duration) {
	c.catchUp(level, now)
	b := &c.levels[level]
	b.slackDue = Never
	c.due[dueSlack+level] = Never
	if b.expiry-now >= slackMargin && b.pool > bandwidthSlice {
		c.distribute(level, now)
	}
}
