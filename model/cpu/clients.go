package cpu

import "time"

// Clients of the traffic wait for an answer, give up, and try again:
//
//	request   ├── ClientTimeout ──┤ gives up
//	server         ░░ queue ░░██ works it off all the same ██
//	retry                         ├─ RetriesAfter ─┤ request …
//
// A request that finds the queue full or no process is refused and tried again,
// too, and so is one whose connection the end of the process cuts. So a server
// that is slow gets more work than before, most of it for nobody (incident I6:
// a kill does not help, because the retries wait for the next process).
//
// Retries of a client come back to this container. If others serve the same
// clients each retry reaches it with the probability of its share of the
// traffic, and none while it is out of the endpoints. Without others the clients
// keep coming while it is out, and are refused. Where the others are simulated
// too, those who will try again are handed over (KeepRetries), and whoever holds
// all of the service's containers brings each to the one that it reaches.
//
// Every client waits equally long, so those who give up do so in the order of
// their requests, and those who try again in the order of their failures: two
// queues are enough.
type clients struct {
	gone   bool           // there is no process
	came   int64          // requests that entered: the serial number of the next
	begun  int64          // those of them that a worker has begun
	ended  int64          // those of them that were worked off
	open   queue[request] // of clients who may wait: the newest that entered
	trying queue[Retry]   // clients who will try again
}

// request is a request whose client waits.
type request struct {
	until    time.Duration // when the client gives up
	retries  int           // that came before it
	answered bool
}

// Retry is the next attempt of a client that failed.
type Retry struct {
	At     time.Duration
	Number int // of the client's retries, this one included: 1, 2, …
}

// queue is a first-in, first-out queue that keeps its memory.
type queue[T any] struct {
	items []T
	first int
}

func (q *queue[T]) len() int  { return len(q.items) - q.first }
func (q *queue[T]) front() *T { return &q.items[q.first] }
func (q *queue[T]) clear()    { q.items, q.first = q.items[:0], 0 }

func (q *queue[T]) push(item T) {
	if q.first > 64 && q.first > len(q.items)/2 {
		q.items = q.items[:copy(q.items, q.items[q.first:])]
		q.first = 0
	}
	q.items = append(q.items, item)
}

// drop takes back what was pushed last.
func (q *queue[T]) drop() {
	if q.len() > 0 {
		q.items = q.items[:len(q.items)-1]
	}
	if q.len() == 0 {
		q.clear()
	}
}

func (q *queue[T]) pop() {
	q.first++
	if q.first == len(q.items) {
		q.clear()
	}
}

func (s *clients) reset() {
	s.gone, s.begun, s.ended, s.came = false, 0, 0, 0
	s.open.clear()
}

// KeepRetries keeps the clients who will try again for TakeRetries, instead of
// letting them come back by themselves. Those there are already are forgotten.
// It holds for every process to come, and for every pod: SetTraffic then states
// the share of the clients that are sent here, whoever is there to accept them.
func (c *Container) KeepRetries() {
	c.keepsRetries = true
	c.clients.trying.clear()
}

// TakeRetries returns the clients whose attempts have failed up to now, since the
// last call, and who will try again, in the order of time. The slice is valid
// until the next call of a method.
func (c *Container) TakeRetries(now time.Duration) []Retry {
	c.Advance(now)
	q := &c.clients.trying
	taken := q.items[q.first:]
	q.clear()
	return taken
}

// Retry lets a client that was handed over try again here.
func (c *Container) Retry(now time.Duration, r Retry) {
	c.Advance(now)
	c.request(now, r.Number)
}

// retrying reports whether clients try again.
func (c *Container) retrying() bool { return c.cfg.Traffic != nil && c.cfg.Traffic.RetriesMax > 0 }

// arriving returns the share of the traffic whose first requests have to be
// looked at one by one: those that the container gets, and those that it ought
// to get where no other serves them.
func (c *Container) arriving() float64 {
	switch {
	case c.keepsRetries:
		return c.trafficShare
	case c.retrying() && !c.cfg.Elsewhere:
		return 1
	case c.clients.gone:
		return 0
	}
	return c.trafficShare
}

// request is a request of the traffic, by a client who has tried so often
// before.
func (c *Container) request(now time.Duration, retries int) {
	s := &c.clients
	if s.gone || c.refuses || c.trafficShare == 0 && !c.keepsRetries {
		c.failed(now, retries)
		return
	}
	s.came++
	if c.retrying() {
		until := Never
		if timeout := c.cfg.Traffic.ClientTimeout; timeout > 0 {
			until = later(now, timeout)
		}
		s.open.push(request{until: until, retries: retries})
	}
	if !c.enter(workersPool, now) {
		s.came--
		s.open.drop()
		c.failed(now, retries)
	}
	c.planClients()
}

// failed is the failure of a client's attempt, the first or a later one.
func (c *Container) failed(now time.Duration, retries int) {
	if !c.retrying() || retries >= c.cfg.Traffic.RetriesMax {
		return
	}
	c.clients.trying.push(Retry{At: later(now, c.cfg.Traffic.RetriesAfter), Number: retries + 1})
	c.planClients()
}

// answered is the end of the work on a request.
func (c *Container) answered(serial int64) {
	s := &c.clients
	s.ended++
	if i := serial - s.came + int64(s.open.len()); i >= 0 && s.open.len() > 0 {
		s.open.items[s.open.first+int(i)].answered = true
		c.planClients()
	}
}

// disconnect is the end of the process for the clients whose requests it had.
func (c *Container) disconnect(now time.Duration) {
	s := &c.clients
	for ; s.open.len() > 0; s.open.pop() {
		if r := s.open.front(); !r.answered {
			c.failed(now, r.retries)
		}
	}
	s.begun, s.ended = s.came, s.came
	c.planClients()
}

// planClients sets the event at which the next client gives up or tries again.
func (c *Container) planClients() {
	s := &c.clients
	for s.open.len() > 0 && s.open.front().answered {
		s.open.pop()
	}
	due := Never
	if s.open.len() > 0 {
		due = s.open.front().until
	}
	if s.trying.len() > 0 && !c.keepsRetries {
		due = min(due, s.trying.front().At)
	}
	c.due[dueClients] = due
}

// clientsDue lets the clients give up or try again whose time has come.
func (c *Container) clientsDue(now time.Duration) {
	s := &c.clients
	for s.open.len() > 0 && s.open.front().until <= now {
		r := *s.open.front()
		s.open.pop()
		if !r.answered {
			c.failed(now, r.retries)
		}
	}
	for !c.keepsRetries && s.trying.len() > 0 && s.trying.front().At <= now {
		next := *s.trying.front()
		s.trying.pop()
		if !c.cfg.Elsewhere || c.comesBack() {
			c.request(now, next.Number)
		}
	}
	c.planClients()
}

// comesBack draws whether a retry that others could serve is for this container.
func (c *Container) comesBack() bool {
	switch {
	case c.clients.gone || c.trafficShare == 0:
		return false
	case c.trafficShare >= 1:
		return true
	}
	return c.random.Float64() < c.trafficShare
}

// InFlight returns the number of the traffic's requests that wait for a worker
// or are being worked off at now, those of clients who have given up included.
func (c *Container) InFlight(now time.Duration) int {
	c.Advance(now)
	return int(c.clients.came - c.clients.ended)
}
