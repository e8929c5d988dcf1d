package cpu

import "time"

// Stretch is a stretch of time.
type Stretch struct{ From, To time.Duration }

// recorder takes note of when the quota keeps the container from running:
// threads could run, and none does.
type recorder struct {
	listed bool // each stretch is kept, not only their sum
	held   bool
	since  time.Duration
	total  time.Duration // of the stretches that have ended
	ended  []Stretch
}

// Record starts or stops the list of the stretches in which the quota keeps the
// container from running. It changes nothing else.
func (c *Container) Record(on bool) {
	c.record.listed, c.record.ended = on, c.record.ended[:0]
}

// ThrottledFor returns for how long the quota has kept the container from
// running since Reset, up to the last Advance.
func (c *Container) ThrottledFor() time.Duration {
	if c.record.held {
		return c.record.total + c.now - c.record.since
	}
	return c.record.total
}

// Throttled returns the recorded stretches that have ended since the last call.
// The slice is valid until the next call of a method.
func (c *Container) Throttled() []Stretch {
	ended := c.record.ended
	c.record.ended = ended[:0]
	return ended
}

// takeNote records whether the container is held at now, after an event.
func (c *Container) takeNote(now time.Duration) {
	if len(c.levels) == 0 {
		return
	}
	r := &c.record
	held := c.held()
	if held == r.held {
		return
	}
	if r.held && now > r.since {
		r.total += now - r.since
		if r.listed {
			r.ended = append(r.ended, Stretch{r.since, now})
		}
	}
	r.held, r.since = held, now
}

// held reports whether threads could run but for the quota, and none does.
func (c *Container) held() bool {
	held := false
	for k := range c.processors {
		p := &c.processors[k]
		if p.running {
			return false
		}
		held = held || p.throttled > 0 && p.length > 0
	}
	return held && !c.frozen()
}
