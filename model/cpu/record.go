package cpu

import "time"

// Stretch is a stretch of time.
type Stretch struct{ From, To time.Duration }

// recorder takes note of when the quota keeps the container from running.
type recorder struct {
	on    bool
	held  bool
	since time.Duration
	ended []Stretch
}

// Record starts or stops the record of the stretches in which threads of the
// container could run, the quota keeps them from it, and none runs. It changes
// nothing but the time that a simulation takes.
func (c *Container) Record(on bool) { c.record = recorder{on: on, ended: c.record.ended[:0]} }

// Throttled returns the recorded stretches that have ended since the last call.
// The slice is valid until the next call of a method.
func (c *Container) Throttled() []Stretch {
	ended := c.record.ended
	c.record.ended = ended[:0]
	return ended
}

// takeNote records whether the container is held at now, after an event.
func (c *Container) takeNote(now time.Duration) {
	r := &c.record
	held := c.held()
	if held == r.held {
		return
	}
	if r.held && now > r.since {
		r.ended = append(r.ended, Stretch{r.since, now})
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
