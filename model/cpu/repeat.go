package cpu

import (
	"math"
	"slices"
	"time"
)

// What computes for long under a quota does the same over and over. Once
// everything that decides what comes next is, as the clock goes, as it was a cycle
// before, so are the cycles to come, up to the last ones of a demand or to the
// next event from elsewhere:
//
//	refill  ^      ^      ^      ^      ^      ^   …   ^      ^      ^
//	CPU 0   ████   ████   ████   ████   ████   ████    ████   ████   █ ends
//	        │ kept │ as   │ and took as │ gone through │ event by event
//	               │ kept │ long: known │ at once      │ again
//
// That is so where the quota is ample. Where it stops the threads at ticks (C6) what
// they owe is never twice the same, as the refills' phase is no multiple of a tick
// (C8), and no cycle is found.

// repetition finds cycles: it compares what it sees at a refill with what it saw at
// an earlier one, which it chooses anew after 2, 4, 8, … of them (Brent 1980).
type repetition struct {
	expiry time.Duration // of the first level, when it looked last
	seen   int           // refills
	next   int           // at which it keeps what it sees
	kept   bool
	known  bool // step is that of a cycle

	shape, keptShape   []time.Duration // what decides what comes next
	moving, keptMoving []time.Duration // what only grows or falls
	step               []time.Duration // by which it does so in a cycle
}

// begin forgets what was seen.
func (r *repetition) begin(expiry time.Duration) {
	r.expiry, r.seen, r.next, r.kept, r.known = expiry, 0, 2, false, false
}

// repeats reports whether nothing random comes between threads that are alone and
// their CPUs.
func (c *Container) repeats() bool {
	return len(c.levels) > 0 && c.cutMean == 0 && !c.record.listed
}

// repeat is the first event after a refill. It goes through the cycles that end
// before until at once, if there are any.
func (c *Container) repeat(until time.Duration) {
	r := &c.repetition
	r.expiry = c.levels[0].expiry
	r.seen++
	if r.kept && r.keptShape[0] == c.levels[0].pool {
		r.shape = c.appendShape(r.shape[:0])
		if slices.Equal(r.shape, r.keptShape) {
			c.goThrough(until)
			return
		}
	}
	if r.seen == r.next {
		r.keptShape, r.keptMoving = c.appendShape(r.keptShape[:0]), c.appendMoving(r.keptMoving[:0])
		r.kept, r.next = true, 2*r.next
	}
}

// goThrough is the end of a cycle. If the one before it took as much of everything,
// those that end before until are gone through at once.
func (c *Container) goThrough(until time.Duration) {
	r := &c.repetition
	r.next = math.MaxInt // it has found what it looked for
	r.moving = c.appendMoving(r.moving[:0])
	same := r.known
	for i, x := range r.moving {
		d := x - r.keptMoving[i]
		same = same && r.step[i] == d
		r.keptMoving[i] = d
	}
	r.step, r.keptMoving = r.keptMoving, r.step
	r.known = true
	r.keptMoving = append(r.keptMoving[:0], r.moving...)
	cycle := r.step[0]
	if !same || cycle%c.cfg.Tick != 0 {
		return
	}
	n := (until-c.now)/cycle - 1
	i := movingHead
	for k := range c.processors {
		if p := &c.processors[k]; p.length > 0 {
			if used := -r.step[i+movingLeft]; used > 0 {
				// What is left then has to be more than any accounting point looks ahead.
				n = min(n, (c.threads[p.head].left-c.cfg.Period-bandwidthSlice-2*c.cfg.Tick)/used-1)
			}
		}
		i += movingEach
	}
	if n < 1 {
		return
	}
	for i := range r.keptMoving {
		r.keptMoving[i] += n * r.step[i]
	}
	c.setMoving(r.keptMoving)
	r.expiry = c.levels[0].expiry
}

// appendShape appends what decides what comes next, all instants as distances from
// now. The first is the first level's pool.
func (c *Container) appendShape(to []time.Duration) []time.Duration {
	to = append(to, c.levels[0].pool, truth(c.record.held))
	for level := range c.levels {
		b := &c.levels[level]
		to = append(to, b.pool, b.expiry-c.now, truth(b.active), truth(b.idle), c.distance(c.due[dueRefill+level]), time.Duration(len(b.throttled)))
		for _, k := range b.throttled {
			to = append(to, time.Duration(k))
		}
	}
	for k := range c.processors {
		p := &c.processors[k]
		to = append(to, p.local[0], p.local[1], time.Duration(p.throttled), time.Duration(p.length))
		if p.length > 0 {
			to = append(to, time.Duration(p.head), truth(p.running), max(0, p.held-c.now), c.distance(c.due[c.firstProcessor+k]))
			if p.running {
				to = append(to, p.since-c.now)
			}
		}
	}
	return to
}

// distance returns how long it is to an instant; -1 if it never comes.
func (c *Container) distance(due time.Duration) time.Duration {
	if due == Never {
		return -1
	}
	return due - c.now
}

func truth(b bool) time.Duration {
	if b {
		return 1
	}
	return 0
}

// Indices of what moves: of the whole, and then of each CPU and its thread.
const (
	movingHead = 4 + 2*levels
	movingLeft = 0
	movingEach = 10
)

// appendMoving appends what only grows or falls from cycle to cycle, instants
// included. The first is now.
func (c *Container) appendMoving(to []time.Duration) []time.Duration {
	to = append(to, c.now, c.used, c.record.total, c.record.since)
	for level := range levels {
		if level < len(c.levels) {
			to = append(to, c.levels[level].expiry, c.due[dueRefill+level])
		} else {
			to = append(to, 0, 0)
		}
	}
	for k := range c.processors {
		p := &c.processors[k]
		var th thread
		if p.length > 0 {
			th = c.threads[p.head]
		}
		to = append(to, th.left, th.ran, th.deadline, p.since, p.turn, p.clock, p.held, p.owedSince, p.begun, c.due[c.firstProcessor+k])
	}
	return to
}

// setMoving sets what appendMoving appends.
func (c *Container) setMoving(from []time.Duration) {
	c.now, c.used, c.record.total, c.record.since = from[0], from[1], from[2], from[3]
	for level := range c.levels {
		c.levels[level].expiry, c.due[dueRefill+level] = from[4+2*level], from[5+2*level]
	}
	for k := range c.processors {
		p, at := &c.processors[k], from[movingHead+k*movingEach:]
		if p.length > 0 {
			th := &c.threads[p.head]
			th.left, th.ran, th.deadline = at[movingLeft], at[1], at[2]
		}
		p.since, p.turn, p.clock, p.held, p.owedSince, p.begun = at[3], at[4], at[5], at[6], at[7], at[8]
		c.due[c.firstProcessor+k] = at[9]
	}
}
