package cpu

import (
	"slices"
	"time"
)

// A process may schedule its own work on a fixed number of kernel threads: the
// Go runtime on GOMAXPROCS, an event loop on one. What is ready beyond them
// waits in one queue, first come, first served. The runtime has a monitor, a
// thread of its own that looks every 10 ms: work that it finds on a kernel
// thread for the second time has to give way to the queue. While every kernel
// thread has work the monitor is also the only one to notice connections, and
// one acceptor, which queues like all others, then takes all that have come.
//
//	thread 1  ██ a ██|—— throttled ——|██ a ██|—— throttled ——|██ c █…
//	thread 2  ██ b ██|—— throttled ——|██ b ██|—— throttled ——|██ d █…
//	monitor          ^ sleeps        ^ notices a connection  ^ a gives way
//	queue     c d                     c d acceptor            d acceptor a
//
// The quota stops the monitor as well. Under a small quota it looks once a
// resume of its CPU, so a probe waits for one resume to be noticed and then for
// two for each turn of the queue. An event loop lets every job run to its end.

const (
	// holdTime is after how long the Go runtime preempts
	// (runtime.forcePreemptNS), and how often its monitor looks (runtime.sysmon).
	holdTime = 10 * time.Millisecond
	// acceptor stands in the queue for all connections that have come.
	acceptor = -1
)

// runtime is the scheduler inside the process.
type runtime struct {
	limit int     // kernel threads; 0: every job has its own
	held  int     // of them by work that is ready to run
	queue []int32 // what waits for one, from first on
	first int

	arrived []int32       // answers to connections that have not been accepted
	noticed bool          // the acceptor is in the queue
	looked  time.Duration // when the monitor looked last
}

func (r *runtime) reset() {
	r.held, r.queue, r.first = 0, r.queue[:0], 0
	r.arrived, r.noticed, r.looked = r.arrived[:0], false, 0
}

func (r *runtime) waiting() bool { return r.first < len(r.queue) }

// pending reports whether it has anything to do beyond what runs.
func (r *runtime) pending() bool { return r.waiting() || len(r.arrived) > 0 }

// notice queues the acceptor if connections have come.
func (r *runtime) notice() {
	if len(r.arrived) > 0 && !r.noticed {
		r.noticed = true
		r.push(acceptor)
	}
}

func (r *runtime) push(t int32) {
	if r.first > 64 && r.first > len(r.queue)/2 {
		r.queue = r.queue[:copy(r.queue, r.queue[r.first:])]
		r.first = 0
	}
	r.queue = append(r.queue, t)
}

// pop takes the first of the queue. The acceptor's turn goes to the newest
// connection, and the others follow at once.
func (r *runtime) pop() int32 {
	t := r.queue[r.first]
	r.first++
	if t == acceptor {
		n := len(r.arrived) - 1
		t = r.arrived[n]
		r.queue = slices.Insert(r.queue, r.first, r.arrived[:n]...)
		r.arrived, r.noticed = r.arrived[:0], false
	}
	if r.first == len(r.queue) {
		r.queue, r.first = r.queue[:0], 0
	}
	return t
}

// ready makes a job ready to run: on a kernel thread if one is left.
func (c *Container) ready(t int32, now time.Duration) {
	r := &c.runtime
	th := &c.threads[t]
	switch {
	case r.limit == 0:
		c.wake(t, now)
	case r.held < r.limit:
		r.held++
		th.watched, th.preempted = 0, false
		c.wake(t, now)
	default:
		if !r.pending() {
			r.looked = max(r.looked, now/holdTime*holdTime) // it has looked all the time
		}
		if th.waiter != nobody && r.limit > 1 {
			r.arrived = append(r.arrived, t)
		} else {
			r.push(t)
		}
		c.replan(now) // what runs may have to give way
	}
}

// replan sets the events of the CPUs that run anew.
func (c *Container) replan(now time.Duration) {
	for k := range c.processors {
		if p := &c.processors[k]; p.running {
			c.charge(p, now)
			c.plan(k)
		}
	}
}

// runtimeDue returns when the runtime has something to do on a CPU that runs.
func (c *Container) runtimeDue(p *processor) time.Duration {
	r := &c.runtime
	if !r.pending() {
		return Never
	}
	th := &c.threads[p.head]
	switch {
	case r.limit == 1 && !c.pools[th.pool].endless:
		return Never
	case th.preempted && r.waiting():
		return p.since
	}
	return c.monitorDue(p)
}

// monitorDue returns when the monitor looks next, as far as that is known on a
// CPU that runs. It sleeps on the last of the CPUs.
func (c *Container) monitorDue(p *processor) time.Duration {
	if home := &c.processors[len(c.processors)-1]; home != p && home.throttled > 0 {
		return Never
	}
	return c.runtime.looked + holdTime
}

// monitor is a look of the runtime's monitor.
func (c *Container) monitor(now time.Duration) {
	r := &c.runtime
	r.looked = now
	r.notice()
	for k := range c.processors {
		p := &c.processors[k]
		for t, n := p.head, p.length; n > 0; n-- {
			th := &c.threads[t]
			if th.watched == 0 {
				th.watched = now
			} else if now-th.watched >= holdTime {
				th.preempted = true
			}
			t = th.next
		}
	}
	c.replan(now)
}

// giveWay lets the runtime act at an accounting point of a CPU that runs.
func (c *Container) giveWay(p *processor, now time.Duration) {
	if c.runtimeDue(p) > now {
		return
	}
	if c.monitorDue(p) <= now {
		c.monitor(now)
	}
	if t := p.head; c.threads[t].preempted && c.runtime.waiting() {
		c.handOver(p)
		c.runtime.push(t)
	}
}

// handOver gives the kernel thread of p's current job to the first that waits,
// which takes its place on the CPU.
func (c *Container) handOver(p *processor) {
	from, t := p.head, c.runtime.pop()
	old, th := &c.threads[from], &c.threads[t]
	th.next, th.cpu, th.ran, th.deadline = old.next, old.cpu, old.ran, old.deadline
	th.watched, th.preempted = 0, false
	p.head = t
	if p.tail == from {
		p.tail = t
	}
}
