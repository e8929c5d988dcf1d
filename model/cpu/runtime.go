package cpu

import "time"

// A process may schedule its own work on a fixed number of kernel threads: the
// Go runtime on GOMAXPROCS, an event loop on one. What is ready beyond them
// waits in one queue, first come, first served. The runtime makes work that has
// held a thread for 10 ms of wall time give way to the queue:
//
//	thread 1  ██ a ██|—— throttled ——|██ c █…
//	thread 2  ██ b ██|—— throttled ——|██ d █…
//	queue     c d        c d e          e a b
//
// Throttled time counts, so under a small quota every resume is a turn of the
// queue, and a probe behind n busy jobs waits for about n/threads resumes. An
// event loop lets every job run to its end.

// holdTime is after how long the Go runtime preempts (runtime.forcePreemptNS).
const holdTime = 10 * time.Millisecond

// runtime is the scheduler inside the process.
type runtime struct {
	limit int     // kernel threads; 0: every job has its own
	held  int     // of them by work that is ready to run
	queue []int32 // what waits for one, from first on
	first int
}

func (r *runtime) reset() { r.held, r.queue, r.first = 0, r.queue[:0], 0 }

func (r *runtime) waiting() bool { return r.first < len(r.queue) }

func (r *runtime) push(t int32) {
	if r.first > 64 && r.first > len(r.queue)/2 {
		r.queue = r.queue[:copy(r.queue, r.queue[r.first:])]
		r.first = 0
	}
	r.queue = append(r.queue, t)
}

func (r *runtime) pop() int32 {
	t := r.queue[r.first]
	r.first++
	if r.first == len(r.queue) {
		r.queue, r.first = r.queue[:0], 0
	}
	return t
}

// ready makes a job ready to run: on a kernel thread if one is left.
func (c *Container) ready(t int32, now time.Duration) {
	if c.runtime.limit == 0 {
		c.wake(t, now)
		return
	}
	if c.runtime.held == c.runtime.limit {
		c.runtime.push(t)
		for k := range c.processors { // what runs may have to give way
			if p := &c.processors[k]; p.running {
				c.charge(p, now)
				c.plan(k)
			}
		}
		return
	}
	c.runtime.held++
	c.threads[t].holds = now
	c.wake(t, now)
}

// giveWay returns when the current thread's job has to leave its kernel thread,
// if others wait.
func (c *Container) giveWay(p *processor) time.Duration {
	if !c.runtime.waiting() {
		return Never
	}
	th := &c.threads[p.head]
	if c.runtime.limit == 1 && !c.pools[th.pool].endless {
		return Never
	}
	return th.holds + holdTime
}

// handOver gives the kernel thread of p's current job to the first that waits,
// which takes its place on the CPU.
func (c *Container) handOver(p *processor, now time.Duration) {
	from, t := p.head, c.runtime.pop()
	old, th := &c.threads[from], &c.threads[t]
	th.next, th.cpu, th.ran, th.deadline = old.next, old.cpu, old.ran, old.deadline
	th.holds = now
	p.head = t
	if p.tail == from {
		p.tail = t
	}
}
