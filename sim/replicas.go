package sim

import (
	"errors"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// Replicas simulates all replicas of a workload side by side, in lockstep: at
// every instant the earliest event of any of them fires. They share
//
//   - the dependencies: one outage meets all of them at one instant;
//   - the stalls, the neighbours and the class of the node, where several run on
//     one node: replica i is on node i / replicasPerNode;
//   - the Service: its proxies' rules (K51, K72), its load with its bursts and
//     the clients who try again, and the rule that the last endpoints get traffic
//     while they terminate (K83).
//
// All else is each replica's own. Replica 0 has the random numbers that the
// world's Simulator draws. It belongs to one goroutine.
type Replicas struct {
	given   *model.World
	world   *model.World // of the draw of uncertain inputs in use
	draw    int
	pods    [][][2]*life // by replica, and by class of nodes; of each pair the first
	outs    []Outcome    // by replica
	class   stream
	service service
	clients retries
	lives   []*life // of the run under way
	planned planned
	overAt  time.Duration // the trigger of the life ended; never: not yet
	tally   roll
	out     ReplicasOutcome
}

// replica says which of several an application is.
type replica struct{ number, node int }

// NewReplicas returns a simulator of a world's replicas, or an error that says
// what of the world it does not simulate.
func NewReplicas(w *model.World) (*Replicas, error) {
	if _, err := New(w); err != nil {
		return nil, err
	}
	if w.Events.Rollout != nil {
		without := *w
		without.Events.Rollout = nil
		w = &without
	}
	n := max(1, w.Replicas)
	r := &Replicas{given: w, class: newStream(), outs: make([]Outcome, n), out: newReplicasOutcome(n), clients: retries{random: newStream()}}
	r.layOut(0)
	if pod := r.pods[0]; len(pod[0][0].processes.(*application).renewals) > streamRollout-streamRenewals {
		return nil, errors.New("replicas together: too many pauses, stalls, neighbours and dependencies to share them")
	}
	return r, nil
}

// layOut makes the replicas those of a draw of the world's uncertain inputs, which
// they have in common.
func (r *Replicas) layOut(draw int) {
	r.draw, r.world, r.pods = draw, r.given, nil
	if r.given.Uncertain() {
		r.world = r.given.Draw(draw)
	}
	for i := range r.outs {
		pod := worldLives(r.world, 0)
		for _, lives := range pod {
			a := lives[0].processes.(*application)
			a.among = replica{number: i, node: i / max(1, r.world.Node.ReplicasPerNode)}
			a.out, a.drain, a.planned = &r.outs[i], (*Outcome).EmptySamples, &r.planned
		}
		r.pods = append(r.pods, pod)
	}
}

// ownPurpose sets the streams of a replica apart from those of the others: all
// but those of the dependencies and of the service's bursts, and those of the
// node's stalls and neighbours from those of other nodes only.
func (a *application) ownPurpose(i int) purpose {
	const perReplica, perNode = 48, 40
	own := a.among.number << perReplica
	if i == streamBursts {
		return 0 // drawn from only where the traffic is the service's
	}
	if k := i - streamRenewals; k >= 0 && k < len(a.renewals) {
		switch a.renewals[k].what {
		case renewsDependency:
			own = 0
		case renewsStall, renewsNeighbour:
			own = a.among.node << perNode
		}
	}
	return purpose(own)
}

// ReplicasLife says which life of all replicas to simulate.
type ReplicasLife struct {
	Life
	// WarmUp is the time from the replicas' creation, all at once, in which
	// nothing is counted.
	WarmUp time.Duration
	// Apart keeps the load of a replica that is out of the endpoints from the
	// others: each has its own part of the service's traffic whatever becomes of
	// them.
	Apart bool
	// Without are triggers that do not come by chance in this life.
	Without []Trigger
	// Begins is one of them, which comes once, when the warm-up ends. The life then
	// ends before its horizon once it is clear what came of it: when after the
	// trigger's end all replicas have been in the endpoints for Settles, without a
	// kill, or when it is a crash loop, or twice StuckAfter after the trigger's end.
	// Nil: none comes.
	Begins  *Trigger
	Settles time.Duration
}

// ReplicasOutcome is what one life of all replicas came to, after its warm-up.
type ReplicasOutcome struct {
	Time   time.Duration // observed
	Events int64         // what it cost to simulate, as a count
	// Out[k] is the time in which exactly k replicas were out of the endpoints.
	Out []time.Duration
	// Reached[k] counts how often the number of those rose to k, from less.
	Reached []int64
	// Episodes are the times from all replicas in the endpoints to all in again,
	// Whole those in which all were out at one instant.
	Episodes, Whole int64
	FalseKills      int64 // of all replicas
	// Available is the time of all replicas together in which they serve and are in the
	// endpoints: of n replicas at most n times Time.
	Available time.Duration
	// CrashLoop says that the replicas were in such a whole episode at the end, for
	// StuckAfter and longer, and that kills of processes which were not hung
	// went on in the last StuckAfter.
	CrashLoop bool
}

// StuckAfter is how long all of an outage of the service has to last, and kills
// go on in it, to count as a crash loop that does not end by itself: twelve
// times the longest back-off (K39).
const StuckAfter = time.Hour

func newReplicasOutcome(n int) ReplicasOutcome {
	return ReplicasOutcome{Out: make([]time.Duration, n+1), Reached: make([]int64, n+1)}
}

func (o *ReplicasOutcome) reset() {
	clear(o.Out)
	clear(o.Reached)
	*o = ReplicasOutcome{Out: o.Out, Reached: o.Reached}
}

// Run simulates one life of all replicas. The outcome is valid until the next
// call.
func (r *Replicas) Run(of ReplicasLife) *ReplicasOutcome {
	r.begin(&of)
	handled, horizon := r.handled(), min(of.Horizon, dist.Longest)
	before, counted := time.Duration(0), false // Available in the warm-up, and whether it is over
	for of.Stop == nil || !of.Stop.Load() {
		now := r.nextAt()
		if !counted && now >= of.WarmUp {
			before, counted = r.available(of.WarmUp), true
		}
		if now > horizon {
			break
		}
		r.step(now)
		r.out.Events++
		if of.Begins != nil && r.settled(now, &of) {
			horizon = now
			break
		}
	}
	r.tally.end(horizon)
	if counted {
		r.out.Available = r.available(horizon) - before
	}
	r.out.Events += r.handled() - handled
	return &r.out
}

// available returns for how long the replicas have served in the endpoints up to an
// instant, taken together. Nothing has happened since the last event.
func (r *Replicas) available(at time.Duration) time.Duration {
	sum := time.Duration(0)
	for _, l := range r.lives {
		l.now = at
		a := l.processes.(*application)
		a.account()
		sum += a.out.Available
	}
	return sum
}

// handled is how many events the replicas' CPUs have had in all lives.
func (r *Replicas) handled() int64 {
	sum := int64(0)
	for _, l := range r.lives {
		if a := l.processes.(*application); a.cpu != nil {
			sum += a.cpu.Handled()
		}
	}
	return sum
}

// nextAt returns when the next event of any replica, or of the clients, is due.
func (r *Replicas) nextAt() time.Duration {
	_, at := r.next()
	return min(at, r.clients.dueAt())
}

// step lets the next event happen, which is due now.
func (r *Replicas) step(now time.Duration) {
	for _, l := range r.lives {
		l.now = now
	}
	if r.clients.dueAt() == now {
		r.clientsDue(now)
		return
	}
	next, _ := r.next()
	a := r.lives[next].processes.(*application)
	in, kills := a.endpoints.in, falseKills(a.out)
	r.lives[next].step()
	if falseKills(a.out) > kills {
		r.tally.killed(now)
	}
	if missing := len(r.lives) - r.service.inEndpoints(); missing != r.tally.missing || a.endpoints.in != in {
		r.tally.count(now, missing)
		if r.service.balances {
			r.balance()
		}
	}
}

// begin prepares the lives of all replicas.
func (r *Replicas) begin(of *ReplicasLife) {
	r.out.reset()
	r.planned, r.overAt = planned{without: of.Without, begins: of.Begins, at: of.WarmUp}, never
	if of.Draw != r.draw && r.given.Uncertain() {
		r.layOut(of.Draw)
	}
	r.lives = r.lives[:0]
	for i, pod := range r.pods {
		node := pod[0][0].processes.(*application).among.node
		r.class.seed(of.Seed, of.Replication, forNodeClass+purpose(node)<<8)
		l := pod[drawClass(r.world.Node.Classes, r.class.Float64())][0]
		l.reset(0)
		l.random.seed(of.Seed, of.Replication, forKubelet+purpose(i)<<48)
		l.wallOffset = time.Duration(l.random.Int64N(int64(time.Second)))
		l.relistPhase = time.Duration(l.random.Int64N(int64(time.Second)))
		l.kubeletStart = -dist.Longest // an old kubelet: no start-up jitter (K4)
		l.horizon = min(of.Horizon, dist.Longest)
		r.outs[i].Reset()
		l.processes.(*application).reset(of.Seed, of.Replication, 0)
		r.lives = append(r.lives, l)
	}
	r.beginClients(of)
	r.service.reset(r.lives[0].processes.(*application))
	r.service.whole, r.service.balances, r.service.retries = true, !of.Apart, r.clients.on
	for i, l := range r.lives {
		a := l.processes.(*application)
		if i > 0 {
			a.service = &r.service
			r.service.members = append(r.service.members, a)
		}
		a.scheduleEvents()
		l.timers.set(l.podTimer(), 0)
	}
	r.tally = roll{out: &r.out, all: len(r.lives), missing: len(r.lives), whole: true, since: of.WarmUp}
}

// next returns the replica whose timer fires first, and when.
func (r *Replicas) next() (replica int, at time.Duration) {
	at = never
	for i, l := range r.lives {
		if _, then := l.timers.next(); then < at {
			replica, at = i, then
		}
	}
	return replica, at
}

// balance gives each replica in the endpoints its part of the service's load.
func (r *Replicas) balance() {
	for _, l := range r.lives {
		l.processes.(*application).trafficChanged()
	}
}

// inEndpoints returns how many members some proxy sends requests to.
func (s *service) inEndpoints() int {
	n := 0
	for _, a := range s.members {
		if a.endpoints.in {
			n++
		}
	}
	return n
}

func falseKills(o *Outcome) int64 {
	return o.FalseKills[model.Startup] + o.FalseKills[model.Liveness]
}

// roll keeps count of the replicas that are out of the endpoints, all of them
// to begin with.
type roll struct {
	out       *ReplicasOutcome
	all       int
	missing   int           // now
	since     time.Duration // nothing before is counted, or everything before has been
	counted   bool          // the episode under way is
	whole     bool          // all were out in it
	wholeAt   time.Duration // when that was first so
	fullSince time.Duration // all are in again, if they are
	kill      time.Duration // the last false kill
	kills     bool          // there was one
}

// count takes note of a new number of missing replicas.
func (c *roll) count(at time.Duration, missing int) {
	c.book(at)
	if at >= c.since {
		for k := c.missing + 1; k <= missing; k++ {
			c.out.Reached[k]++
		}
		if c.missing == 0 && missing > 0 {
			c.counted = true
			c.out.Episodes++
		}
	}
	if missing == c.all && !c.whole {
		c.whole, c.wholeAt = true, at
		if c.counted {
			c.out.Whole++
		}
	}
	if missing == 0 {
		c.whole, c.counted, c.fullSince = false, false, at
	}
	c.missing = missing
}

// book books the time up to now.
func (c *roll) book(at time.Duration) {
	if at > c.since {
		c.out.Out[c.missing] += at - c.since
		c.out.Time += at - c.since
		c.since = at
	}
}

func (c *roll) killed(at time.Duration) {
	c.kill, c.kills = at, true
	if at >= c.since {
		c.out.FalseKills++
	}
}

// end closes the books.
func (c *roll) end(at time.Duration) {
	c.book(at)
	c.out.CrashLoop = c.whole && at-c.wholeAt >= StuckAfter && c.kills && at-c.kill < StuckAfter
}
