package cpu

import (
	"time"

	"github.com/probesim/probesim/model"
)

// Most of the time of a start or of an answer under a small quota is spent by
// threads that have their CPUs to themselves: the same few accounting points
// and refills, over and over, until the demand is met. What those can change is
// little, so they are handled here without the questions that more threads or
// neighbours would raise. Everything is as step and catchUp do it.

// alone reports whether nothing but the quota and interruptions comes between a
// thread and its CPU.
func (c *Container) alone() bool {
	if c.neighbours > 0 || c.frozenDepth > 0 || c.plainly || c.runtime.pending() {
		return false
	}
	return c.spread()
}

// spread reports whether no two threads share a CPU.
func (c *Container) spread() bool {
	for k := range c.processors {
		if c.processors[k].length > 1 {
			return false
		}
	}
	return true
}

// coast handles the accounting points and refills before any other event and up
// to now, but for the end of a demand. It reports whether there was any.
func (c *Container) coast(now time.Duration) bool {
	if !c.alone() {
		return false
	}
	until := later(now, 1)
	for _, due := range c.due[dueSlack:c.firstProcessor] {
		until = min(until, due)
	}
	first, last := 0, len(c.processors)-1 // of the CPUs with threads
	for first < last && c.processors[first].length == 0 {
		first++
	}
	for last > first && c.processors[last].length == 0 {
		last--
	}
	processors := c.due[c.firstProcessor+first : c.firstProcessor+last+1]
	repeats := c.repeats()
	if repeats {
		c.repetition.begin(c.levels[0].expiry)
	}
	for coasted := false; ; coasted = true {
		k, at := -1, until
		for i, due := range processors {
			if due < at {
				k, at = first+i, due
			}
		}
		refilled := -1
		for level := range c.levels {
			if due := c.due[dueRefill+level]; due < until && (due < at || due == at && refilled < 0) {
				refilled, at = level, due
			}
		}
		c.handled++
		switch {
		case refilled >= 0:
			c.now = at
			c.refillAlone(refilled, at)
		case k < 0:
			return coasted
		case !c.processors[k].running:
			c.now = at
			c.runAlone(k, at)
		case !c.accountAlone(k, at, until):
			return coasted
		}
		if refilled >= 0 || !c.processors[k].running || c.processors[k].begun == at { // else it goes on
			c.takeNote(at)
		}
		if repeats && c.levels[0].expiry != c.repetition.expiry {
			c.repeat(until)
		}
	}
}

// refillAlone is the event of a level's refill, for which threads wait.
func (c *Container) refillAlone(level int, at time.Duration) {
	b := &c.levels[level]
	b.expiry += b.period
	b.refill()
	b.idle = false
	still := b.throttled[:0]
	waiting := false
	for i, k := range b.throttled {
		p := &c.processors[k]
		amount := min(b.pool, 1-p.local[level])
		b.pool -= amount
		p.local[level] += amount
		if p.local[level] <= 0 {
			still = append(still, k)
			waiting = waiting || p.length > 0
			if b.pool > 0 {
				continue
			}
			for _, other := range b.throttled[i+1:] {
				still = append(still, other)
				waiting = waiting || c.processors[other].length > 0
			}
			break
		}
		p.throttled--
		if p.length > 0 && p.throttled == 0 {
			c.resumeAlone(int(k), at)
		}
	}
	b.throttled = still
	c.due[dueRefill+level] = Never
	if waiting {
		c.due[dueRefill+level] = b.expiry
	}
}

// resumeAlone lets CPU k's thread go on after a refill (C11).
func (c *Container) resumeAlone(k int, at time.Duration) {
	p := &c.processors[k]
	th := &c.threads[p.head]
	th.ran, th.deadline, th.next = p.clock, p.clock+c.slice, noThread
	p.tail = p.head
	p.held = max(p.held, at)
	if c.busy > 0 && c.process.Float64() < c.busy {
		p.held = max(p.held, c.tickAfter(at))
	}
	if p.held > at {
		c.due[c.firstProcessor+k] = p.held
		return
	}
	c.runAlone(k, at)
}

// runAlone gives CPU k to its thread.
func (c *Container) runAlone(k int, at time.Duration) {
	p := &c.processors[k]
	p.running = true
	c.atWork++
	p.since, p.turn, p.begun = at, at, at
	c.planAlone(k)
}

// planAlone sets the event of CPU k, whose thread runs.
func (c *Container) planAlone(k int) {
	p := &c.processors[k]
	due := c.threads[p.head].left
	if c.cutMean > 0 {
		due = min(due, p.untilCut)
	}
	due += p.since
	for level := range c.levels {
		end := p.since + p.local[level]
		if end >= due {
			continue
		}
		if c.cfg.Accounting == model.AccountingTick {
			end = c.tickFrom(end)
		}
		due = min(due, end)
	}
	c.due[c.firstProcessor+k] = due
}

// accountAlone is the event of CPU k, whose thread runs, of those before until. It
// does nothing and returns false if that is the end of the thread's demand.
func (c *Container) accountAlone(k int, now, until time.Duration) bool {
	p := &c.processors[k]
	th := &c.threads[p.head]
	ran := now - p.since
	if ran >= th.left {
		return false
	}
	c.now = now
	c.used += ran
	th.left -= ran
	th.ran += ran
	p.since = now
	p.untilCut -= ran
	p.local[0] -= ran
	p.local[1] -= ran
	for level := range c.levels {
		if p.local[level] > 0 {
			continue
		}
		b := &c.levels[level]
		if b.active && b.expiry <= now {
			c.catchUp(level, now)
		}
		p.local[level] += b.take(now, bandwidthSlice-p.local[level])
		if p.local[level] <= 0 {
			b.throttled = append(b.throttled, int32(k))
			p.throttled++
			c.due[dueRefill+level] = b.expiry
		}
	}
	switch {
	case p.throttled > 0:
		c.stop(p, now)
		th.lag, p.clock = 0, th.ran
		c.due[c.firstProcessor+k] = Never
	case c.cutMean > 0 && p.untilCut <= 0:
		p.untilCut = c.drawCut()
		c.stop(p, now)
		p.held = c.tickAfter(now)
		c.due[c.firstProcessor+k] = p.held
	default:
		c.takeAhead(k, now, until)
		c.planAlone(k)
	}
	return true
}

// takeAhead takes from the pools at once what CPU k, whose thread goes on after an
// accounting point, takes at the next ones (C1): one slice each, as long as nothing
// but accounting points comes before, and if the pools have enough for the other
// CPUs, whatever these take meanwhile.
func (c *Container) takeAhead(k int, now, until time.Duration) {
	step := c.sliceLasts
	p := &c.processors[k]
	before := min(until-now, c.threads[p.head].left)
	if c.cutMean > 0 {
		before = min(before, p.untilCut)
	}
	for level := range c.levels {
		b := &c.levels[level]
		before = min(before, b.expiry-now)
		if p.local[level] != bandwidthSlice || b.pool < step || before <= step {
			return
		}
	}
	if c.cfg.Accounting == model.AccountingTick && c.tickFrom(now) != now {
		return
	}
	others := time.Duration(0)
	for i := range c.processors {
		other := &c.processors[i]
		if i == k || other.length == 0 {
			continue
		}
		others++
		end := c.threads[other.head].left // not before
		if other.running {
			end -= now - other.since
		}
		before = min(before, end)
	}
	most := before - 1
	for level := range c.levels {
		// Each of the others takes what it uses and one slice, and what it owes.
		room := c.levels[level].pool - others*(bandwidthSlice+c.cfg.Tick+step)
		if others > 0 {
			room /= 1 + others
		}
		most = min(most, room)
	}
	if most < step {
		return
	}
	amount := most / step * step
	for level := range c.levels {
		c.levels[level].pool -= amount
		p.local[level] += amount
	}
}
