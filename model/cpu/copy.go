package cpu

import "math/rand/v2"

// GoOn makes everything random come from r from now on, as after a Reset, and the
// process's own generator begin anew.
func (c *Container) GoOn(r *rand.Rand) {
	c.random = r
	c.seedProcess()
}

// CopyFrom makes the container the same as another of the same Config: what runs
// on, waits for and owes to its CPUs, but for the random numbers: it stands still
// until GoOn. Nothing is allocated once the container has been as large before.
func (c *Container) CopyFrom(other *Container) {
	own := *c
	*c = *other
	c.random, c.bursts, c.burstPlan, c.process, c.processSeed, c.repetition = nil, own.bursts, own.burstPlan, own.process, own.processSeed, own.repetition
	c.levels = resized(own.levels, len(other.levels))
	for i := range c.levels {
		before := c.levels[i].throttled
		c.levels[i] = other.levels[i]
		c.levels[i].throttled = append(before[:0], other.levels[i].throttled...)
	}
	c.processors = append(own.processors[:0], other.processors...)
	c.pools = resized(own.pools, len(other.pools))
	for i := range c.pools {
		before := c.pools[i]
		c.pools[i] = other.pools[i]
		c.pools[i].idle = append(before.idle[:0], other.pools[i].idle...)
		c.pools[i].submitted = append(before.submitted[:0], other.pools[i].submitted...)
	}
	c.sources = resized(own.sources, len(other.sources))
	for i := range c.sources {
		before := c.sources[i].burst
		c.sources[i] = other.sources[i]
		c.sources[i].burst = append(before[:0], other.sources[i].burst...)
	}
	c.clients.open.copyFrom(&own.clients.open, &other.clients.open)
	c.clients.trying.copyFrom(&own.clients.trying, &other.clients.trying)
	c.threads = append(own.threads[:0], other.threads...)
	c.waits = append(own.waits[:0], other.waits...)
	c.runtime.queue = append(own.runtime.queue[:0], other.runtime.queue...)
	c.runtime.arrived = append(own.runtime.arrived[:0], other.runtime.arrived...)
	c.submissions = append(own.submissions[:0], other.submissions...)
	c.free = append(own.free[:0], other.free...)
	c.working = append(own.working[:0], other.working...)
	c.finished = append(own.finished[:0], other.finished...)
	c.due = append(own.due[:0], other.due...)
	c.record.ended = append(own.record.ended[:0], other.record.ended...)
	c.record.parts = append(own.record.parts[:0], other.record.parts...)
}

// resized returns the slice with n items, those within its capacity as they were.
func resized[T any](items []T, n int) []T {
	if n > cap(items) {
		return append(items[:cap(items)], make([]T, n-cap(items))...)
	}
	return items[:n]
}

// copyFrom makes the queue the same as another, in the memory of own.
func (q *queue[T]) copyFrom(own, other *queue[T]) {
	q.items = append(own.items[:0], other.items...)
}
