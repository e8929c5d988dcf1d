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
		c.threads[best].next = p.head
		p.head = best
	}
}

// suspend takes all threads of a CPU that has just been throttled off its
// scheduler, one after the other as each would run next: a throttled thread
// leaves by itself on its way back to user mode (C9). The queue is then in the
// reverse order of their leaving.
func (c *Container) suspend(p *processor) {
	list, n := int32(noThread), 0
	for p.length > 0 {
		t := p.head
		th := &c.threads[t]
		c.pop(p, true)
		th.next = list
		list = t
		n++
		c.pick(p)
	}
	p.head, p.length = list, n
}

// release puts the threads of a CPU that resumes back on its scheduler, in the
// order of the list.
func (c *Container) release(k int) {
	p := &c.processors[k]
	t, n := p.head, p.length
	p.length = 0
	for ; n > 0; n-- {
		next := c.threads[t].next
		c.threads[t].ran = p.clock - time.Hour
		c.push(k, t)
		t = next
	}
}

// push puts a thread on the queue of CPU k, behind the current one.
func (c *Container) push(k int, t int32) {
	p := &c.processors[k]
	th := &c.threads[t]
	now := c.virtualTime(p)
	if th.cpu != int32(k) || th.ran < now || p.length == 0 {
		missed := time.Duration(0)
		if p.length > 0 {
			missed = th.lag * time.Duration(p.length+1) / time.Duration(p.length)
		}
		th.ran = now - missed
		th.deadline = th.ran + c.slice
	}
	th.cpu = int32(k)
	th.next = noThread
	if p.length == 0 {
		p.head = t
	} else {
		th.next = c.threads[p.head].next
		c.threads[p.head].next = t
	}
	p.length++
}

// pop takes the current thread from the queue of p. It remembers what it has
// missed, but not more than a tick's worth; if it is ahead of the others, that
// holds only until they have caught up.
func (c *Container) pop(p *processor, throttled bool) {
	th := &c.threads[p.head]
	now := c.virtualTime(p)
	limit := max(2*c.slice, c.cfg.Tick)
	th.lag = min(max(now-th.ran, -limit), limit)
	if !throttled {
		th.lag = max(th.lag, 0)
	}
	p.head = th.next
	p.length--
	if p.length == 0 {
		p.clock = th.ran
	}
}
