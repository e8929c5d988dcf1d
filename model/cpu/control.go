package cpu

import "time"

// noLimit is the quota of a container whose limit was lifted.
const noLimit = time.Duration(1 << 60)

// frozen reports whether the process stands still.
func (c *Container) frozen() bool { return c.frozenDepth > 0 }

// Freeze makes every thread stand still: a pause of the process, or time stolen
// from the whole node (C21). If charged, the guest's clock charges the time
// until Thaw to the threads that were running. Freezes nest, and the first one
// decides about charging. Arrivals go on and queue.
func (c *Container) Freeze(now time.Duration, charged bool) {
	c.Advance(now)
	c.frozenDepth++
	if c.frozenDepth > 1 {
		return
	}
	c.frozenAt, c.frozenCharged = now, charged
	for k := range c.processors {
		if p := &c.processors[k]; p.running {
			c.charge(p, now)
			c.stop(p, now)
			p.stalled = true
		}
		c.plan(k)
	}
	c.due[dueWait] = Never
	c.takeNote(now)
}

// Thaw ends one Freeze. After the last one the threads go on where they were,
// and waits that ended meanwhile end now.
func (c *Container) Thaw(now time.Duration) {
	c.Advance(now)
	c.frozenDepth--
	if c.frozenDepth > 0 {
		return
	}
	for k := range c.processors {
		p := &c.processors[k]
		if p.stalled && c.frozenCharged {
			for level := range c.levels {
				p.local[level] -= now - c.frozenAt
			}
		}
		p.stalled = false
		if p.length > 0 && p.throttled == 0 {
			c.admit(k, now)
		}
	}
	c.endWait(now)
	c.takeNote(now)
}

// Hang makes the process answer none of the traffic's requests from now on: each
// keeps its worker, and once none is left they queue, until Exit. Submitted jobs
// end as before, if a worker is left for those that need one.
func (c *Container) Hang(now time.Duration) {
	c.Advance(now)
	c.hung = true
}

// SetNeighbourWeight sets the total weight of the neighbours that are busy from
// now on; their load spreads evenly over the node's CPUs (C17, C32b). It
// outlives a Reset.
func (c *Container) SetNeighbourWeight(now time.Duration, weight int64) {
	c.Advance(now)
	for k := range c.processors {
		if p := &c.processors[k]; p.running {
			c.charge(p, now)
		}
	}
	c.neighbours = weight
	for k := range c.processors {
		p := &c.processors[k]
		if weight == 0 {
			p.owed = 0
			p.held = min(p.held, c.tickFrom(now))
		}
		c.plan(k)
	}
	c.takeNote(now)
}

// SetQuota changes the container's quota and, unless pod is 0, the pod's (C14),
// as writing cpu.max does: the pool is refilled, debts are forgiven and throttled
// threads go on at once. An own quota of 0 lifts the container's limit. The next
// Reset or Restart restores the configuration's.
func (c *Container) SetQuota(now, own, pod time.Duration) {
	c.Advance(now)
	if own <= 0 && c.own >= 0 {
		own = noLimit
	}
	for k := range c.processors {
		if p := &c.processors[k]; p.running {
			c.charge(p, now)
		}
	}
	if pod > 0 && c.cfg.PodQuota > 0 {
		level := 0 // newLevels puts the container's own before it
		if c.own == 0 {
			level = 1
		}
		c.setLevel(level, pod, now)
	}
	if own > 0 {
		if c.own < 0 {
			c.own = len(c.levels)
			c.addLevel(own, c.cfg.Burst)
			c.levels[c.own].reset(time.Duration(c.process.Int64N(int64(c.cfg.Period))))
		}
		c.setLevel(c.own, own, now)
	}
	for k := range c.processors {
		c.plan(k)
	}
	c.takeNote(now)
}

// setLevel changes the quota of one level.
func (c *Container) setLevel(level int, quota, now time.Duration) {
	c.catchUp(level, now)
	b := &c.levels[level]
	b.quota = quota
	b.refill()
	for k := range c.processors {
		c.processors[k].local[level] = 1
	}
	for _, k := range b.throttled {
		c.processors[k].throttled--
		if c.processors[k].length > 0 {
			c.resume(int(k), now)
		}
	}
	b.throttled = b.throttled[:0]
	c.dueRefill(level)
}

// SetWaitFactor sets how many times as long the waits of requests take that begin
// from now on, because neighbours contend for what they wait for. A Reset sets it
// to 1. Submitted jobs bring their own wait.
func (c *Container) SetWaitFactor(now time.Duration, factor float64) {
	c.Advance(now)
	c.waitFactor = factor
}

// SetTraffic sets the share of the traffic that reaches the container from now
// on: 0 while it is not in the endpoints. A Reset sets it to 1.
func (c *Container) SetTraffic(now time.Duration, share float64) {
	if share == c.trafficShare {
		return
	}
	c.Advance(now)
	c.trafficShare = share
	for i := range c.sources {
		if c.sources[i].traffic != nil {
			c.scheduleSource(i, now)
		}
	}
}

// SetAccepting says whether requests that reach the container from now on are
// taken in; else they are refused. A Reset makes it accept them.
func (c *Container) SetAccepting(now time.Duration, accepts bool) {
	if c.refuses == !accepts {
		return
	}
	c.Advance(now)
	c.refuses = !accepts
}
