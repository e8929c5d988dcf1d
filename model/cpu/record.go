package cpu

import "time"

// Stretch is a stretch of time.
type Stretch struct{ From, To time.Duration }

// Condition says what a submitted job is doing, or what keeps it from its end.
type Condition uint8

// The conditions. A job of several threads is in the first that holds for any.
const (
	Running     Condition = iota // it has a CPU
	Throttled                    // the quota keeps it from its CPU (C6)
	Stolen                       // another task of the node has its CPU (C11, C18, C32)
	StandsStill                  // the process is frozen: a pause, or the whole node stolen (C21)
	Queued                       // behind other work of the container: for a worker, a kernel thread or a CPU (C20)
	Waiting                      // outside the CPU, such as for a backend
)

// Conditions is the number of conditions.
const Conditions = int(Waiting) + 1

// String returns the condition as it appears in traces and charts.
func (c Condition) String() string {
	return [...]string{"runs", "throttled", "stolen", "stands still", "queued", "waits"}[c]
}

// Part is a stretch of a submitted job in one condition.
type Part struct {
	Stretch
	ID        int // of the job
	Condition Condition
}

// recorder takes note of when the quota keeps the container from running
// (threads could run, and none does), and of what every submitted job does.
type recorder struct {
	listed bool // each stretch is kept, not only their sum
	held   bool
	since  time.Duration
	total  time.Duration // of the stretches that have ended
	ended  []Stretch
	parts  []Part
}

// Record starts or stops the lists of the stretches in which the quota keeps the
// container from running, and of the parts of the submitted jobs. It changes
// nothing else, and costs time and memory.
func (c *Container) Record(on bool) {
	c.record.listed, c.record.ended, c.record.parts = on, c.record.ended[:0], c.record.parts[:0]
}

// ThrottledFor returns for how long the quota has kept the process from running
// since it began, up to the last Advance. After Exit it says nothing.
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

// Parts returns the recorded parts of submitted jobs that have ended since the
// last call. Those of one job follow each other without a gap from its
// submission to its end, or to the end of the process. The slice is valid until
// the next call of a method.
func (c *Container) Parts() []Part {
	parts := c.record.parts
	c.record.parts = parts[:0]
	return parts
}

// takeNote records whether the container is held at now, and what its jobs do,
// after an event. While it runs, and did before, there is nothing to record.
func (c *Container) takeNote(now time.Duration) {
	if c.record.listed || c.record.held || c.atWork == 0 {
		c.takeNoteOf(now)
	}
}

func (c *Container) takeNoteOf(now time.Duration) {
	if c.record.listed {
		c.noteParts(now)
	}
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
	if c.atWork > 0 || c.frozen() {
		return false
	}
	for k := range c.processors {
		if p := &c.processors[k]; p.throttled > 0 && p.length > 0 {
			return true
		}
	}
	return false
}

// noteParts ends the parts of the jobs whose condition has changed.
func (c *Container) noteParts(now time.Duration) {
	for i := range c.submissions {
		s := &c.submissions[i]
		if s.parts == 0 {
			continue
		}
		is := c.condition(int32(i))
		if is != s.is {
			c.endNote(s, now)
			s.is = is
		}
	}
}

// endNote ends the current part of a job.
func (c *Container) endNote(s *submission, now time.Duration) {
	if c.record.listed && now > s.since {
		c.record.parts = append(c.record.parts, Part{Stretch{s.since, now}, s.id, s.is})
	}
	s.since = now
}

// condition returns the first condition that holds for a thread of a submission;
// what has no thread yet is queued.
func (c *Container) condition(submission int32) Condition {
	if c.frozen() {
		return StandsStill
	}
	is := Conditions
	for _, t := range c.working {
		if c.threads[t].waiter == submission {
			is = min(is, int(c.conditionOf(t)))
		}
	}
	if is == Conditions {
		return Queued
	}
	return Condition(is)
}

func (c *Container) conditionOf(t int32) Condition {
	th := &c.threads[t]
	if th.left <= 0 {
		return Waiting
	}
	p := &c.processors[th.cpu]
	onQueue := false
	for other, n := p.head, p.length; n > 0; n-- {
		onQueue = onQueue || other == t
		other = c.threads[other].next
	}
	switch {
	case !onQueue: // of a kernel thread of the process (see runtime.go)
		return Queued
	case p.running && p.head == t:
		return Running
	case p.throttled > 0:
		return Throttled
	case p.running:
		return Queued
	}
	return Stolen
}
