package cpu

import (
	"math/bits"
	"time"

	"github.com/probesim/probesim/model"
)

const (
	levels   = 2 // of nested quotas: the container's and the pod's (C14)
	noThread = -1
	// minimumSlice is EEVDF's base slice on one CPU (C16).
	minimumSlice = 700 * time.Microsecond
)

// processor is one CPU as the container sees it: its local balances of quota
// and its queue of runnable threads, the first of which is the current one.
type processor struct {
	local     [levels]time.Duration // l_c of C1, charged up to since
	throttled int                   // levels that stop this CPU
	head      int32                 // current thread
	tail      int32
	length    int           // runnable threads
	running   bool          // the current thread has the CPU
	stalled   bool          // the current thread had the CPU when the process was frozen
	since     time.Duration // running: charged up to here
	turn      time.Duration // running: the current thread's slice began
	clock     time.Duration // virtual time at which the queue was last empty
	held      time.Duration // another task has the CPU until then
	untilCut  time.Duration // running time left until the next interruption (C32a)

	owed      time.Duration // running time the neighbours are owed; negative: they are ahead (C32b)
	owedSince time.Duration // not running: they have been repaid since
	begun     time.Duration // running: the container's turn against its neighbours began
}

// slice returns EEVDF's base slice for a machine of so many CPUs (C16).
func slice(cpus int) time.Duration {
	return minimumSlice * time.Duration(bits.Len(uint(min(cpus, 8))))
}

// tickFrom returns the first tick at or after t. It mostly is one of the next few
// after the last one asked for, which takes no division.
func (c *Container) tickFrom(t time.Duration) time.Duration {
	const few = 3
	tick := c.cfg.Tick
	if d := t - c.tick; d <= -tick || d > few*tick {
		c.tick = (t-c.ticks+tick-1)/tick*tick + c.ticks
		return c.tick
	}
	for c.tick < t {
		c.tick += tick
	}
	return c.tick
}

// tickAfter returns the first tick after t.
func (c *Container) tickAfter(t time.Duration) time.Duration {
	return c.tickFrom(t + 1)
}

// wholeSlice returns the least number of whole ticks that is a slice.
func (c *Container) wholeSlice() time.Duration {
	return (c.slice + c.cfg.Tick - 1) / c.cfg.Tick * c.cfg.Tick
}

// sliceEnd returns the first tick after now at which a slice that began at
// begun is over. The slices of a thread that nothing else touches follow each
// other from tick to tick (C16).
func (c *Container) sliceEnd(begun, now time.Duration) time.Duration {
	end := c.tickFrom(begun + c.slice)
	if end > now {
		return end
	}
	step := c.wholeSlice()
	return end + ((now-end)/step+1)*step
}

// sliceUsed reports whether the current thread has used up its slice.
func (c *Container) sliceUsed(p *processor, now time.Duration) bool {
	begun := p.turn
	if end := c.tickFrom(begun + c.slice); end < now {
		step := c.wholeSlice()
		begun = end + (now-1-end)/step*step
	}
	return now-begun >= c.slice
}

// charge takes the running time since the last charge from the balances and
// from the current thread's demand. It is not an accounting point: nothing is
// compared with 0.
func (c *Container) charge(p *processor, now time.Duration) {
	ran := now - p.since
	p.since = now
	p.local[0] -= ran
	p.local[1] -= ran
	p.untilCut -= ran
	c.used += ran
	th := &c.threads[p.head]
	th.left -= ran
	th.ran += ran
	if c.neighbours > 0 {
		p.owed += c.share(ran)
	}
}

// account is an accounting point of CPU k (C1, C5): a balance that is used up is
// topped up from the pool, and if that does not lift it above 0 the CPU is
// throttled. It reports whether the CPU may go on.
func (c *Container) account(k int, now time.Duration) bool {
	p := &c.processors[k]
	for level := range c.levels {
		if p.local[level] > 0 || c.isThrottled(level, k) {
			continue
		}
		c.catchUp(level, now)
		b := &c.levels[level]
		p.local[level] += b.take(now, bandwidthSlice-p.local[level])
		if p.local[level] <= 0 {
			b.throttled = append(b.throttled, int32(k))
			p.throttled++
			c.dueRefill(level)
		}
	}
	return p.throttled == 0
}

// isThrottled reports whether the level stops CPU k.
func (c *Container) isThrottled(level, k int) bool {
	if c.processors[k].throttled == 0 {
		return false
	}
	for _, other := range c.levels[level].throttled {
		if other == int32(k) {
			return true
		}
	}
	return false
}

// plan sets the event of CPU k: the first instant at which anything about its
// current thread can change.
func (c *Container) plan(k int) {
	p := &c.processors[k]
	due := Never
	switch {
	case p.running:
		due = p.since + c.threads[p.head].left
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
		if c.cutMean > 0 {
			due = min(due, p.since+p.untilCut)
		}
		if p.length > 1 {
			due = min(due, c.sliceEnd(p.turn, p.since))
		}
		if c.neighbours > 0 {
			due = min(due, c.sliceEnd(p.begun, p.since))
		}
		due = min(due, max(c.runtimeDue(p), p.since))
	case p.length > 0 && p.throttled == 0 && !c.frozen():
		due = p.held
	}
	c.due[c.firstProcessor+k] = due
}

// step is the event of CPU k.
func (c *Container) step(k int, now time.Duration) {
	p := &c.processors[k]
	if !p.running {
		c.run(k, now)
		return
	}
	c.charge(p, now)
	if c.threads[p.head].left <= 0 {
		c.finish(k, now)
		return
	}
	c.reschedule(k, now)
}

// reschedule decides at an accounting point who has CPU k from now on: nobody
// because it is throttled, another task, the next thread or the same one.
func (c *Container) reschedule(k int, now time.Duration) {
	p := &c.processors[k]
	if !c.account(k, now) {
		c.stop(p, now)
		c.suspend(p)
		c.plan(k)
		return
	}
	if c.cutMean > 0 && p.untilCut <= 0 {
		p.untilCut = c.drawCut()
		c.stop(p, now)
		p.held = c.tickAfter(now)
		c.plan(k)
		return
	}
	if c.neighbours > 0 && now >= c.tickFrom(p.begun+c.slice) && now == c.tickFrom(now) && p.owed > 0 {
		c.stop(p, now)
		p.held = c.tickFrom(now + p.owed)
		c.plan(k)
		return
	}
	if p.length > 1 && c.sliceUsed(p, now) {
		c.pick(p)
		p.turn = now
	}
	c.giveWay(p, now)
	c.plan(k)
}

// stop takes the CPU from the current thread, which keeps what is left.
func (c *Container) stop(p *processor, now time.Duration) {
	p.running = false
	c.atWork--
	p.owedSince = now
}

// run gives CPU k to its current thread.
func (c *Container) run(k int, now time.Duration) {
	p := &c.processors[k]
	if c.neighbours > 0 {
		p.owed -= now - p.owedSince
		p.owed = max(p.owed, -c.cfg.Tick)
	}
	c.pick(p)
	p.running = true
	c.atWork++
	p.since, p.turn, p.begun = now, now, now
	c.plan(k)
}

// wake makes a thread runnable (C29).
func (c *Container) wake(t int32, now time.Duration) {
	k := c.place(int(c.threads[t].cpu))
	p := &c.processors[k]
	if p.running {
		c.charge(p, now)
		if c.threads[p.head].left <= 0 { // both at this instant
			c.finish(k, now)
			c.wake(t, now)
			return
		}
		c.push(k, t)
		c.reschedule(k, now) // a wake-up is an accounting point (C5)
		return
	}
	if p.length == 0 {
		for level := range c.levels {
			c.catchUp(level, now) // refills may have repaid the CPU's debt
		}
	}
	if p.throttled > 0 {
		c.suspended(k, t)
		for level := range c.levels {
			c.dueRefill(level)
		}
		return
	}
	c.push(k, t)
	if p.length > 1 {
		return // waits with the others
	}
	c.admit(k, now) // the queue was empty: its balance is looked at first
}

// admit starts CPU k's threads if its balance allows.
func (c *Container) admit(k int, now time.Duration) {
	if !c.account(k, now) {
		c.suspend(&c.processors[k])
		c.plan(k)
		return
	}
	c.begin(k, now)
}

// place returns the CPU for a woken thread: its last one if nothing of the
// container runs there, else one on which nothing does, else its last one.
func (c *Container) place(last int) int {
	if c.processors[last].length == 0 {
		return last
	}
	for i := 1; i < len(c.processors); i++ {
		k := (last + i) % len(c.processors)
		if c.processors[k].length == 0 {
			return k
		}
	}
	return last
}

// begin starts CPU k's current thread as soon as other tasks let it.
func (c *Container) begin(k int, now time.Duration) {
	p := &c.processors[k]
	p.held = max(p.held, now)
	if c.neighbours > 0 {
		p.held = max(p.held, c.afterNeighbours(p, now))
	}
	if p.held > now || c.frozen() {
		c.plan(k)
		return
	}
	c.run(k, now)
}

// resume goes on after a refill or redistribution (C11).
func (c *Container) resume(k int, now time.Duration) {
	p := &c.processors[k]
	if p.throttled > 0 {
		return
	}
	c.release(k)
	if c.busy > 0 && c.process.Float64() < c.busy {
		p.held = max(p.held, c.tickAfter(now))
	}
	c.begin(k, now)
}

// finish is the end of the CPU time of CPU k's current thread. A worker that
// finds another job goes on with it; otherwise the thread sleeps.
func (c *Container) finish(k int, now time.Duration) {
	p := &c.processors[k]
	t := p.head
	if c.endDemand(t, now) {
		c.plan(k)
		return
	}
	if !c.runtime.waiting() {
		c.runtime.notice() // a kernel thread that finds nothing to do looks itself
	}
	if c.runtime.waiting() {
		c.handOver(p)
		c.plan(k)
		return
	}
	c.runtime.held--
	c.account(k, now)
	c.pop(p)
	if p.length > 0 {
		if p.throttled > 0 {
			c.stop(p, now)
			c.suspend(p)
			c.plan(k)
			return
		}
		c.pick(p)
		p.turn = now
		c.reschedule(k, now)
		return
	}
	c.stop(p, now)
	c.returnSlack(k, now)
	for level := range c.levels {
		c.dueRefill(level)
	}
	c.pull(k, now)
	c.plan(k)
}

// pull moves a waiting thread to CPU k, which has become idle, from the CPU
// where most wait. The kernel moves nothing from or to a throttled queue.
func (c *Container) pull(k int, now time.Duration) {
	if c.processors[k].throttled > 0 {
		return
	}
	from, most := -1, 1
	for i := range c.processors {
		if p := &c.processors[i]; p.length > most && p.throttled == 0 {
			from, most = i, p.length
		}
	}
	if from < 0 {
		return
	}
	p := &c.processors[from]
	t := c.threads[p.head].next
	c.threads[p.head].next = c.threads[t].next
	if p.tail == t {
		p.tail = p.head
	}
	p.length--
	c.plan(from)
	c.push(k, t)
	c.admit(k, now)
}
