package sim

import (
	"slices"
	"time"

	"github.com/probesim/probesim/model/cpu"
)

// retries brings the clients of a service who try again to the replica that each
// reaches: like any connection, to one of those in the endpoints, all as likely.
//
//	replica 0   request ── gives up ┐
//	clients                         └── RetriesAfter ──┐
//	replica 2                                          └ request …
//
// While no replica is in the endpoints every attempt is refused, and tried again
// like any other: so the clients come in a herd when the first one is back.
//
// A container is advanced only when somebody asks it something, and so it would
// tell of a failure too late. All of them are therefore advanced together at
// looks no further apart than a client waits before it tries again: what fails
// after a look comes back after the next one. Where clients wait less than
// shortestLook, or not at all, they come back at the next look.
type retries struct {
	on     bool
	apart  bool // each replica has its own clients
	most   int  // of a client
	after  time.Duration
	random stream
	due    []retry // until the next look, in the order of time
	next   int     // index into due
	failed []retry // since the last look, without having reached a replica
	every  time.Duration
	look   time.Duration // the next one
}

// retry is a client that will try again, with the replica that it tried last.
type retry struct {
	cpu.Retry
	from int
}

// shortestLook bounds what the looks cost where clients try again at once.
const shortestLook = 20 * time.Millisecond

// beginClients makes the clients those of a new life, before its containers are
// reset.
func (r *Replicas) beginClients(of *ReplicasLife) {
	t := r.world.Application.Traffic
	c := &r.clients
	c.on, c.apart = t != nil && t.OfService && t.RetriesMax > 0, of.Apart
	c.due, c.failed, c.next, c.look = c.due[:0], c.failed[:0], 0, never
	if !c.on {
		return
	}
	c.random.seed(of.Seed, of.Replication, forClients)
	c.most, c.after = t.RetriesMax, t.RetriesAfter
	c.every = max(t.RetriesAfter, shortestLook)
	c.look = c.every
	for _, l := range r.lives {
		a := l.processes.(*application)
		a.cpu.KeepRetries()
	}
}

// dueAt returns when the next client comes back, or the containers are looked at.
func (c *retries) dueAt() time.Duration {
	if c.next < len(c.due) {
		return min(c.look, c.due[c.next].At)
	}
	return c.look
}

// clientsDue brings back the clients whose time has come, and looks for others.
func (r *Replicas) clientsDue(now time.Duration) {
	c := &r.clients
	for ; c.next < len(c.due) && c.due[c.next].At <= now; c.next++ {
		again := c.due[c.next]
		to := r.reached(again.from)
		if to == nil {
			c.refused(now, again)
			continue
		}
		to.cpu.Retry(now, again.Retry)
		to.retime()
	}
	if now < c.look {
		return
	}
	c.look += c.every
	c.due, c.next = append(c.due[:0], c.failed...), 0
	c.failed = c.failed[:0]
	for i, l := range r.lives {
		a := l.processes.(*application)
		if !a.launched {
			continue
		}
		for _, failed := range a.cpu.TakeRetries(now) {
			failed.At = max(failed.At, now)
			c.due = append(c.due, retry{failed, i})
		}
		a.retime()
	}
	slices.SortStableFunc(c.due, func(a, b retry) int { return int(a.At - b.At) })
}

// refused lets a client that found no replica try once more, if it does.
func (c *retries) refused(now time.Duration, again retry) {
	if again.Number < c.most {
		again.Number++
		again.At = now + c.after
		c.failed = append(c.failed, again)
	}
}

// reached draws the replica that a client reaches; nil: there is none.
func (r *Replicas) reached(from int) *application {
	if r.clients.apart {
		if own := r.service.members[from]; own.endpoints.in {
			return own
		}
		return nil
	}
	in := r.service.inEndpoints()
	if in == 0 {
		return nil
	}
	which := r.clients.random.IntN(in)
	for _, a := range r.service.members {
		if !a.endpoints.in {
			continue
		}
		if which == 0 {
			return a
		}
		which--
	}
	return nil
}

// directed is the share of a service's clients that are sent to a replica where
// those who try again are handed over, and whether it accepts them: to one in the
// endpoints even if nobody listens. While there is none the clients are refused,
// which the first replica's container stands for.
func (a *application) directed() (share float64, accepts bool) {
	switch {
	case !a.service.balances:
		return 1 / float64(max(1, a.world.Replicas)), a.endpoints.in && a.listening
	case a.endpoints.in:
		return 1 / float64(a.service.inEndpoints()), a.listening
	case a == a.service.members[0] && a.service.inEndpoints() == 0:
		return 1, false
	}
	return 0, false
}
