package cpu

import (
	"math/rand/v2"
	"time"

	"github.com/probesim/probesim/model"
)

// Indices into Container.due. Events of one instant happen in this order.
const (
	dueRefill  = 0 // one for each level
	dueSlack   = dueRefill + levels
	dueWait    = dueSlack + levels
	dueClients = dueWait + 1
	dueSources = dueClients + 1 // then one for each source, then one for each CPU
)

// Pools of submitted jobs.
const (
	ownPool     = 0
	workersPool = 1
)

// Container is the cgroup of one container and the threads in it (C28). It
// belongs to one goroutine.
type Container struct {
	cfg       Config
	random    *rand.Rand      // for what outlives a process: the ticks and the clients
	bursts    *rand.Rand      // of the traffic; nil: random
	since     time.Duration   // they are drawn, if from bursts
	burstPlan []time.Duration // of bursts that are not drawn
	now       time.Duration   // all events up to here have happened

	process     *rand.Rand // for what ends with the process
	processSeed *rand.PCG  // behind it: begins anew with every process

	levels     []bandwidth // none without a quota
	own        int         // index into levels of the container's own; -1: none
	processors []processor
	atWork     int           // those of them that run
	slice      time.Duration // of the scheduler (C16)
	sliceLasts time.Duration // of the quota, for a thread that runs from a tick on (C1, C5)
	ticks      time.Duration // instant of the node's first tick (C8)
	tick       time.Duration // one of them
	cutMean    float64       // mean running time between interruptions, ns; 0: none
	busy       float64       // probability that a refill finds the CPU taken by another task (C11)
	neighbours int64         // total weight of the busy neighbours

	pools        []pool
	sources      []source
	trafficShare float64
	refuses      bool    // whatever reaches the container
	keepsRetries bool    // its clients who will try again, to the caller
	waitFactor   float64 // of requests that are drawn from now on
	clients      clients
	threads      []thread
	waits        waits // jobs after their CPU time
	runtime      runtime

	submissions []submission
	free        []int32 // unused submissions
	working     []int32 // threads that work for a submission
	queued      int     // submissions that wait for a worker
	finished    []Finished

	hung           bool // requests are never answered
	frozenDepth    int
	frozenAt       time.Duration
	frozenCharged  bool
	due            []time.Duration // next instant of every kind of event; Never: none
	firstProcessor int             // index into due
	used           time.Duration   // CPU time since the reset
	handled        int64           // events since New
	plainly        bool            // tests: every event is handled in the general way
	record         recorder
	repetition     repetition
}

// submission is a submitted job that has not ended.
type submission struct {
	id    int
	parts int // threads that still work for it
	is    Condition
	since time.Duration // in this condition; both only while Record is on
}

// New returns a container that has to be Reset before its first use.
func New(cfg Config) *Container {
	c := &Container{cfg: cfg.withDefaults(), processSeed: rand.NewPCG(0, 0)}
	c.process = rand.New(c.processSeed)
	c.newLevels()
	c.processors = make([]processor, c.cfg.CPUs)
	c.slice = c.cfg.Slice
	c.sliceLasts = bandwidthSlice
	if c.cfg.Accounting == model.AccountingTick {
		c.sliceLasts = (bandwidthSlice + c.cfg.Tick - 1) / c.cfg.Tick * c.cfg.Tick
	}
	c.runtime.limit = c.cfg.Threads
	if nu := c.cfg.InterruptionsPerSecond; nu > 0 {
		c.cutMean = float64(time.Second) / nu
		c.busy = min(nu*c.cfg.Tick.Seconds()/2, 1)
	}
	c.newLoad()
	c.firstProcessor = dueSources + len(c.sources)
	c.due = make([]time.Duration, c.firstProcessor+len(c.processors))
	for i := range c.due {
		c.due[i] = Never
	}
	return c
}

// Reset makes the container that of the first process of a pod, in a new cgroup
// at now: the refill phase is drawn (C8), nothing is owed, and the load starts.
// The node's ticks are drawn, too: the pod's life does not begin at one.
// Everything random comes from r until the next Reset; what ends with a process
// comes from a generator of its own, which r seeds, so that how far a process has
// come when it ends changes nothing for the next.
func (c *Container) Reset(now time.Duration, r *rand.Rand) {
	c.random, c.now = r, now
	c.ticks = time.Duration(r.Int64N(int64(c.cfg.Tick)))
	c.tick = c.ticks
	c.trafficShare, c.waitFactor = 1, 1
	c.clients.reset()
	c.refuses = false
	if !c.keepsRetries {
		c.clients.trying.clear()
	}
	c.finished = c.finished[:0]
	c.submissions = c.submissions[:0] // of another life: nobody wants to know how they end
	c.startBursts(now)
	c.newProcess(now)
}

// BurstsFrom draws the traffic's bursts, from the next Reset on, from a generator
// of their own and since an instant at or before it: those of a service meet all
// of its pods at once, whenever their containers start.
func (c *Container) BurstsFrom(r *rand.Rand, since time.Duration) { c.bursts, c.since = r, since }

// Exit ends the process. The jobs that have not ended are never reported. The
// clients whose requests it had lose their connections, and go on trying until Restart or Reset.
// What the process has done since the last Advance is left out if nobody can know of it.
func (c *Container) Exit(now time.Duration) {
	if c.cfg.Traffic != nil || c.record.listed || c.Next() <= now {
		c.Advance(now)
	}
	c.now = max(c.now, now)
	c.endProcess()
	c.clients.gone = true
	c.disconnect(now)
	for i := range c.sources {
		if c.sources[i].traffic != nil {
			c.scheduleSource(i, now)
		}
	}
}

// Restart begins a new process in a new cgroup after Exit. The clients and the
// bursts of the traffic are the same.
func (c *Container) Restart(now time.Duration) {
	c.Advance(now)
	c.newProcess(now)
}

// newProcess makes a new cgroup and starts the process in it.
func (c *Container) newProcess(now time.Duration) {
	c.endProcess()
	c.record.held, c.record.total = false, 0
	c.seedProcess()
	c.newLevels()
	for i := range c.levels {
		b := &c.levels[i]
		b.reset(time.Duration(c.process.Int64N(int64(b.period))))
	}
	c.atWork = 0
	for i := range c.processors {
		c.processors[i] = processor{untilCut: c.drawCut(), owedSince: now}
	}
	c.used = 0
	c.clients.gone = false
	c.startLoad(now)
}

// SetRefills makes the refills of the container's own quota, and of the pod's, come at
// these instants of their period in place of those that Reset drew (C8). It is for
// whoever asks what happens at a given phase, and has to come before anything runs.
func (c *Container) SetRefills(phases ...time.Duration) {
	for i := range c.levels {
		c.levels[i].reset(phases[i])
	}
}

// seedProcess begins the process's own generator anew.
func (c *Container) seedProcess() { c.processSeed.Seed(c.random.Uint64(), c.random.Uint64()) }

// endProcess makes the container that of no process.
func (c *Container) endProcess() {
	for i := range c.due {
		if i != dueClients {
			c.due[i] = Never
		}
	}
	c.atWork = 0
	for i := range c.processors {
		c.processors[i] = processor{}
	}
	for i := range c.levels {
		c.levels[i].throttled = c.levels[i].throttled[:0]
	}
	c.threads, c.waits = c.threads[:0], c.waits[:0]
	for i := range c.submissions {
		if s := &c.submissions[i]; s.parts > 0 {
			c.endNote(s, c.now)
		}
	}
	c.submissions, c.free, c.working = c.submissions[:0], c.free[:0], c.working[:0]
	c.queued, c.frozenDepth, c.hung = 0, 0, false
	c.takeNote(c.now)
	c.runtime.reset()
	for i := range c.pools {
		q := &c.pools[i]
		q.busy, q.head, q.tail, q.next = 0, 0, 0, 0
		q.idle, q.submitted = q.idle[:0], q.submitted[:0]
	}
}

// newLevels makes the levels of the configuration. Nothing is allocated after
// the first time.
func (c *Container) newLevels() {
	c.levels, c.own = c.levels[:0], -1
	if c.cfg.Quota > 0 {
		c.own = 0
		c.addLevel(c.cfg.Quota, c.cfg.Burst)
	}
	if c.cfg.PodQuota > 0 {
		c.addLevel(c.cfg.PodQuota, 0)
	}
}

// addLevel adds one level of quota.
func (c *Container) addLevel(quota, burst time.Duration) {
	n := len(c.levels)
	if n == cap(c.levels) {
		c.levels = append(make([]bandwidth, 0, levels), c.levels...)
	}
	c.levels = c.levels[:n+1]
	b := &c.levels[n]
	b.quota, b.period, b.burst = quota, c.cfg.Period, burst
}

// drawCut draws the running time until the next interruption.
func (c *Container) drawCut() time.Duration {
	if c.cutMean == 0 {
		return 0
	}
	return time.Duration(c.process.ExpFloat64()*c.cutMean) + 1
}

// Submit starts a job at now. Its end is reported by Done.
func (c *Container) Submit(now time.Duration, j Job) {
	c.Advance(now)
	var s int32
	if n := len(c.free); n > 0 {
		s = c.free[n-1]
		c.free = c.free[:n-1]
	} else {
		s = int32(len(c.submissions))
		c.submissions = append(c.submissions, submission{})
	}
	parts, home := max(j.Threads, 1), int32(ownPool)
	if j.RunsOn == model.Workers && c.cfg.Traffic != nil {
		parts, home = 1, workersPool
	}
	c.submissions[s] = submission{id: j.ID, parts: parts, is: Queued, since: now}
	q := &c.pools[home]
	for i := range parts {
		demand := j.Demand / time.Duration(parts)
		if i == 0 {
			demand += j.Demand % time.Duration(parts)
		}
		if !q.hasWorker() {
			q.submitted = append(q.submitted, queued{number: q.tail, waiter: s, demand: demand, wait: j.Wait})
			q.tail++
			c.queued++
			continue
		}
		t := c.worker(home)
		c.threads[t].demand, c.threads[t].left, c.threads[t].wait = demand, demand, j.Wait
		c.serve(t, s)
		c.startDemand(t, now)
	}
	c.takeNote(now)
}

// serve makes the thread work for a submission.
func (c *Container) serve(t, s int32) {
	c.threads[t].waiter = s
	c.working = append(c.working, t)
}

// endPart is the end of a thread's part of a submission.
func (c *Container) endPart(t int32, now time.Duration) {
	for i, other := range c.working {
		if other == t {
			c.working[i] = c.working[len(c.working)-1]
			c.working = c.working[:len(c.working)-1]
			break
		}
	}
	i := c.threads[t].waiter
	c.threads[t].waiter = nobody
	s := &c.submissions[i]
	s.parts--
	if s.parts == 0 {
		c.endNote(s, now)
		c.finished = append(c.finished, Finished{ID: s.id, At: now})
		c.free = append(c.free, i)
	}
}

// Unfinished reports whether the submitted job of that number had not ended at the
// last Advance.
func (c *Container) Unfinished(id int) bool {
	for i := range c.submissions {
		if s := &c.submissions[i]; s.id == id && s.parts > 0 {
			return true
		}
	}
	return false
}

// Done returns the submitted jobs that have ended since the last call, in the
// order of their ends. The slice is valid until the next call of a method.
func (c *Container) Done() []Finished {
	done := c.finished
	c.finished = c.finished[:0]
	return done
}

// earliest returns the index and the instant of the next event.
func (c *Container) earliest() (int, time.Duration) {
	first, at := 0, c.due[0]
	for i, due := range c.due {
		if due < at {
			first, at = i, due
		}
	}
	return first, at
}

// Advance lets everything happen up to and including now: of a loaded container
// its jobs since the last probe (C31).
func (c *Container) Advance(now time.Duration) {
	for {
		i, at := c.earliest()
		if at > now {
			break
		}
		if (i < dueSlack || i >= c.firstProcessor) && c.coast(now) {
			continue
		}
		c.now = at
		c.handled++
		switch {
		case i < dueSlack:
			c.catchUp(i-dueRefill, at)
		case i < dueWait:
			c.handOutSlack(i-dueSlack, at)
		case i == dueWait:
			c.endWait(at)
		case i == dueClients:
			c.clientsDue(at)
		case i < c.firstProcessor:
			c.arrive(i-dueSources, at)
		default:
			c.step(i-c.firstProcessor, at)
		}
		c.takeNote(at)
	}
	c.now = max(c.now, now)
}

// Handled returns how many events there have been since New, those that were gone
// through at once left out: what the simulation costs, as a count.
func (c *Container) Handled() int64 { return c.handled }

// endWait ends the jobs whose wait is over.
func (c *Container) endWait(now time.Duration) {
	for len(c.waits) > 0 && c.waits[0].at <= now {
		t := c.waits.pop()
		if c.endJob(t, now) {
			c.startDemand(t, now)
		}
	}
	c.due[dueWait] = c.waitDue()
}

// waitDue returns the instant of the next end of a wait.
func (c *Container) waitDue() time.Duration {
	if len(c.waits) == 0 || c.frozen() {
		return Never
	}
	return c.waits[0].at
}

// Next returns an instant before which no submitted job can end, and at or
// before which the caller has to call Advance again: a timer. It is after the
// last Advance, and Never while no submitted job is unfinished. A job need not
// end at Next: arrivals, refills and neighbours may delay it.
func (c *Container) Next() time.Duration {
	if len(c.finished) > 0 {
		return c.now
	}
	if len(c.working) == 0 && c.queued == 0 || c.frozen() {
		return Never
	}
	next := Never
	if c.queued > 0 {
		next = c.freed()
	}
	for _, t := range c.working {
		next = min(next, c.noEarlier(t))
	}
	return max(next, c.now)
}

// freed returns a lower bound on when a worker takes the next job of a queue in
// which submissions wait: its CPU time and its wait have to end first.
func (c *Container) freed() time.Duration {
	freed := Never
	_, soonest := c.earliest()
	for i := range c.threads {
		th := &c.threads[i]
		if q := &c.pools[th.pool]; q.next == len(q.submitted) {
			continue
		}
		at := th.until
		switch p := &c.processors[th.cpu]; {
		case th.left <= 0 && at <= c.now:
			continue // its request is never answered (Hang)
		case th.left > 0 && p.running && p.head == int32(i):
			at = later(p.since, th.left+th.wait)
		case th.left > 0:
			at = later(soonest, th.left+th.wait)
		}
		freed = min(freed, at)
	}
	return freed
}

// noEarlier returns a lower bound on the end of the thread's part of a
// submission: it has the CPU until the next event of its CPU, or not before the
// next event of all.
func (c *Container) noEarlier(t int32) time.Duration {
	th := &c.threads[t]
	if th.left <= 0 {
		return th.until
	}
	p := &c.processors[th.cpu]
	from := p.since
	if !p.running || p.head != t {
		_, from = c.earliest()
	}
	bound := later(from, th.left+th.wait)
	if len(c.levels) == 0 {
		return bound
	}
	if until := c.undisturbed(); until > bound {
		if bound = max(bound, c.affordable(t, true)); bound <= until {
			return bound
		}
		bound = until
	}
	return max(bound, c.affordable(t, false))
}

// affordable returns a lower bound on the end of the thread's part of a
// submission that follows from the quotas alone: whatever the order of running,
// the cgroup cannot use more than it has, one quota at each refill, and an
// overrun of one tick on each CPU. Of threads that stay where they are only
// their own CPUs count, and what a single one's CPU owes counts against it.
func (c *Container) affordable(t int32, stay bool) time.Duration {
	th, sharing := &c.threads[t], c.working
	if th.waiter != nobody && c.submissions[th.waiter].parts == 1 {
		sharing = []int32{t} // none but itself; with many at work the search would cost their square
	}
	bound := time.Duration(0)
	for level := range c.levels {
		b := &c.levels[level]
		needed, have, parts := time.Duration(0), b.pool, time.Duration(0)
		for _, other := range sharing {
			part := &c.threads[other]
			if part.waiter != th.waiter {
				continue
			}
			needed += part.left
			parts++
			if stay {
				local := c.processors[part.cpu].local[level] + c.cfg.Tick
				if c.submissions[th.waiter].parts > 1 {
					local = max(local, 0)
				}
				have += local
			}
		}
		for i := range c.processors {
			p := &c.processors[i]
			switch {
			case !stay:
				have += max(p.local[level], 0) + c.cfg.Tick
			case p.length > 0:
				have += max(p.local[level]-keptLocally, 0) // comes back when its thread ends (C3)
			}
		}
		if needed <= have {
			continue
		}
		refill := b.expiry // those that nobody has looked at yet are among those to come
		if !b.active {
			refill = b.following(c.now)
		}
		refills := (needed - have - 1) / b.quota
		if refills > (Never-refill)/b.period-1 {
			return Never
		}
		rest := min(needed-have-refills*b.quota, needed) // a debt is repaid, not worked off
		bound = max(bound, refill+refills*b.period+rest/parts)
	}
	return bound
}

// undisturbed returns until when every thread that can run keeps a CPU to itself
// unless there is a call from outside.
func (c *Container) undisturbed() time.Duration {
	if c.runtime.pending() || c.queued > 0 || !c.spread() {
		return c.now
	}
	until := Never
	for _, due := range c.due[dueWait:c.firstProcessor] {
		until = min(until, due)
	}
	return until
}
