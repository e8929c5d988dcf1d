package cpu

import "time"

// The runnable threads of one CPU share it by EEVDF with equal weights (C16,
// C20). Each has a virtual run time and a virtual deadline; V is the mean of
// the run times. Threads with a run time of at most V are eligible, and of those
// the one with the earliest deadline runs. A switch is considered at accounting
// points at which the current thread has used its slice.
//
// A woken thread starts with what it had missed when it fell asleep, so it runs
// before those that have just had the CPU and behind those that wait for long.

// virtualTime returns V, or where the virtual clock stood when the queue was
// last not empty.
func (c *Container) virtualTime(p *processor) time.Duration {
	switch p.length {
	case 0:
		return p.clock
	case 1:
		return c.threads[p.head].ran
	}
	first := c.threads[p.head].ran
	var sum time.Duration
	for t, n := p.head, p.length; n > 0; n-- {
		sum += c.threads[t].ran - first
		t = c.threads[t].next
	}
	return first + sum/time.Duration(p.length)
}

// pick makes the thread that has to run the first of the queue.
func (c *Container) pick(p *processor) {
	if p.length < 2 {
		return
	}
	if th := &c.threads[p.head]; th.ran >= th.deadline {
		th.deadline = th.ran + c.slice
	}
	now := c.virtualTime(p)
	best, before := int32(noThread), int32(noThread)
	last := int32(noThread)
	for t, n := p.head, p.length; n > 0; n-- {
		th := &c.threads[t]
		if th.ran <= now && (best == noThread || th.deadline < c.threads[best].deadline) {
			best, before = t, last
		}
		last, t = t, th.next
	}
	if before != noThread {
		c.threads[before].next = c.threads[best].next
		if p.tail == best {
			p.tail = before
		}
		c.threads[best].next = p.head
		p.head = best
	}
}

// suspend takes all threads of a CPU that has just been throttled off its
// scheduler: each leaves by itself on its way back to user mode, the current
// one first and then as each would run next (C9). The queue is then in the
// reverse order of their leaving.
func (c *Container) suspend(p *processor) {
	list, n := int32(noThread), p.length
	now := c.virtualTime(p)
	for p.length > 0 {
		t := p.head
		th := &c.threads[t]
		th.lag = c.clip(now - th.ran)
		p.head = th.next
		p.length--
		th.next = list
		list = t
		if p.length == 0 {
			p.clock = th.ran
			break
		}
		now += (now - th.ran) / time.Duration(p.length) // the mean of those that are left
		c.pick(p)
	}
	p.head, p.length = list, n
}

// release puts the threads of a CPU that resumes back on its scheduler, in the
// order of the list.
func (c *Container) release(k int) {
	p := &c.processors[k]
	t, n := p.head, p.length
	for p.length = 0; n > 0; n-- {
		next := c.threads[t].next
		c.settle(p, t)
		c.link(p, t)
		t = next
	}
}

// suspended puts a thread that wakes on a throttled CPU before the others: it
// runs its way out of the kernel and leaves again (C9).
func (c *Container) suspended(k int, t int32) {
	p := &c.processors[k]
	th := &c.threads[t]
	th.cpu, th.lag, th.next = int32(k), 0, p.head
	p.head = t
	p.length++
}

// push puts a woken thread on the queue of CPU k. One that was ahead of the
// others when it fell asleep, and still is, has never left it.
func (c *Container) push(k int, t int32) {
	p := &c.processors[k]
	th := &c.threads[t]
	if p.length == 0 || th.cpu != int32(k) || th.ran < c.virtualTime(p) {
		c.settle(p, t)
	}
	th.cpu = int32(k)
	c.link(p, t)
}

// settle gives a thread its virtual run time and deadline on the queue of p. Its
// own weight moves the mean, so its lag has to be stretched.
func (c *Container) settle(p *processor, t int32) {
	th := &c.threads[t]
	th.ran = c.virtualTime(p)
	if n := time.Duration(p.length); n > 0 {
		th.ran -= th.lag * (n + 1) / n
	}
	th.deadline = th.ran + c.slice
}

// link puts a thread at the end of the queue of p.
func (c *Container) link(p *processor, t int32) {
	c.threads[t].next = noThread
	if p.length == 0 {
		p.head, p.tail = t, t
	} else {
		c.threads[p.tail].next = t
		p.tail = t
	}
	p.length++
}

// pop takes the current thread, which falls asleep, from the queue of p. It
// keeps what it has missed; being ahead of the others is forgotten as soon as
// they have caught up.
func (c *Container) pop(p *processor) {
	th := &c.threads[p.head]
	th.lag = max(c.clip(c.virtualTime(p)-th.ran), 0)
	p.head = th.next
	p.length--
	if p.length == 0 {
		p.clock = th.ran
	}
}

// clip bounds a lag to what the kernel remembers.
func (c *Container) clip(lag time.Duration) time.Duration {
	limit := max(2*c.slice, c.cfg.Tick)
	return min(max(lag, -limit), limit)
}
