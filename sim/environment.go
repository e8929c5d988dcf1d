package sim

import (
	"fmt"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// renewal is an alternating renewal process at work: absent for a time drawn
// from Every, present for one drawn from Lasts, and so on.
type renewal struct {
	model.OnOff
	what   renews
	index  int // of its kind
	on     bool
	since  time.Duration // it was turned on
	aged   bool          // and that was not before the life began
	stream int
	first  equilibrium // of those that do not begin with the process
	weight int64       // of a neighbour
	factor float64     // by which a neighbour stretches waits
}

// renews says what a renewal process is.
type renews uint8

const (
	renewsPause renews = iota
	renewsFailing
	renewsStall
	renewsNeighbour
	renewsDependency
)

// rule names the rule behind a stretch.
func (w renews) rule() string {
	switch w {
	case renewsStall:
		return "C21"
	case renewsNeighbour:
		return "C32"
	}
	return ScenarioRule
}

// ofProcess reports whether it begins and ends with each process, rather than
// run through restarts (design section 4).
func (w renews) ofProcess() bool { return w <= renewsFailing }

// The streams of an application. Renewal processes, faults and resources beyond
// the last share one.
const (
	streamProcess = iota
	streamCPU
	streamPropagation
	streamAnswers
	streamFaults   = streamAnswers + model.ProbeKinds
	streamResource = streamFaults + 1
	streamObserver = streamResource + 1
	streamJitter   = streamObserver + 1
	streamDeletion = streamJitter + 1
	streamKubelet  = streamDeletion + 1
	streamRenewals = streamKubelet + 1
	streamRollout  = streamRenewals + 32
	streamBursts   = streamRollout + 1
	streamCount    = streamBursts + 1
)

// purposeOf returns what stream i is for.
func purposeOf(i int) purpose { return forApplication + purpose(i) }

// newRenewals lays out the renewal processes of the world.
func (a *application) newRenewals() {
	add := func(o model.OnOff, what renews, index int, weight int64) {
		r := renewal{OnOff: o, what: what, index: index, weight: weight,
			stream: streamRenewals + len(a.renewals)%(streamRollout-streamRenewals)}
		if !what.ofProcess() {
			r.first = newEquilibrium(o)
		}
		a.renewals = append(a.renewals, r)
	}
	for i, p := range a.app.Pauses {
		add(p, renewsPause, i, 0)
	}
	for k := range a.app.Probes {
		if f := a.app.Probes[k].Failing; f != nil {
			add(*f, renewsFailing, k, 0)
		}
	}
	for i, s := range a.node.Stalls {
		add(s.OnOff, renewsStall, i, 0)
	}
	for i, n := range a.node.Neighbours {
		weight := int64(0)
		if n.CPURequestMilli > 0 {
			weight = a.weight(n.CPURequestMilli, 0)
		}
		add(model.OnOff{Name: "neighbour", Every: n.Idle, Lasts: n.Busy}, renewsNeighbour, i, weight)
		a.renewals[len(a.renewals)-1].factor = max(1, n.WaitFactor)
	}
	for i, d := range a.world.Dependencies {
		add(d, renewsDependency, i, 0)
	}
}

// dependency returns the index of dependency d among the renewal processes.
func (a *application) dependency(d int) int {
	return len(a.renewals) - len(a.world.Dependencies) + d
}

func (a *application) renewalOn(what renews, index int) bool {
	for i := range a.renewals {
		if r := &a.renewals[i]; r.what == what && r.index == index {
			return r.on
		}
	}
	return false
}

// beginNode starts, in their stationary state, the processes that run through
// restarts.
func (a *application) beginNode() {
	a.slowed = 1
	for i := range a.renewals {
		a.renewals[i].on, a.renewals[i].aged = false, false // of another life
	}
	for i := range a.renewals {
		r := &a.renewals[i]
		if r.what.ofProcess() || r.what == renewsNeighbour && r.factor == 1 && a.cpu == nil && a.life.trace == nil {
			continue // it takes CPU, which nothing here uses
		}
		if at, planned := a.plans(r); planned {
			a.set(timerFirst+i, at)
			continue
		}
		on, rest := r.first.draw(a.random[r.stream].Rand)
		if on {
			a.turnOn(r)
			r.aged = false
		}
		a.set(timerFirst+i, later(a.life.now, rest))
	}
}

// beginProcess starts what belongs to the process, with the process.
func (a *application) beginProcess() {
	for i := range a.renewals {
		if r := &a.renewals[i]; r.what.ofProcess() {
			a.set(timerFirst+i, a.nextTurn(r))
		}
	}
	a.beginFaults()
	a.beginResources()
}

// endProcess ends what belongs to the process: a kill ends a pause.
func (a *application) endProcess() {
	for i := range a.renewals {
		r := &a.renewals[i]
		if !r.what.ofProcess() {
			continue
		}
		if r.on && r.what == renewsPause {
			a.frozen--
		}
		r.on = false
		a.set(timerFirst+i, never)
	}
	for i := range a.faults {
		a.faults[i].on = false
		a.set(a.faultTimer(i), never)
	}
	a.outInTime()
	for i := range a.resources {
		a.resources[i].failing = false
		a.set(a.resourceTimer(2*i), never)
		a.set(a.resourceTimer(2*i+1), never)
	}
}

// later returns now+d, or never where that is beyond every horizon.
func later(now, d time.Duration) time.Duration {
	if d >= dist.Longest {
		return never
	}
	return now + d
}

// turn handles the end of a stretch of renewal process i.
func (a *application) turn(i int) {
	r := &a.renewals[i]
	a.account()
	random := a.random[r.stream].Rand
	if r.on {
		a.turnOff(r)
		a.set(timerFirst+i, a.nextTurn(r))
	} else {
		if _, planned := a.plans(r); planned {
			a.planned.begun = true
		}
		a.turnOn(r)
		a.set(timerFirst+i, later(a.life.now, r.Lasts.Sample(random)))
	}
	a.stateChanged()
}

// nextTurn returns when a renewal process that is off turns on.
func (a *application) nextTurn(r *renewal) time.Duration {
	if at, planned := a.plans(r); planned {
		return at
	}
	return later(a.life.now, r.Every.Sample(a.random[r.stream].Rand))
}

func (a *application) turnOn(r *renewal) {
	r.on, r.since, r.aged = true, a.life.now, true
	switch r.what {
	case renewsPause:
		a.freeze(false)
	case renewsStall:
		a.freeze(a.node.Stalls[r.index].ChargedToQuota)
	case renewsNeighbour:
		a.neighboursChanged()
	}
}

func (a *application) turnOff(r *renewal) {
	a.traceStretch(r)
	r.on = false
	switch r.what {
	case renewsPause, renewsStall:
		a.thaw()
	case renewsNeighbour:
		a.neighboursChanged()
	}
}

// freeze makes the process stand still.
func (a *application) freeze(charged bool) {
	a.frozen++
	if !a.alive {
		return
	}
	if a.cpu != nil {
		a.cpu.Freeze(a.life.now, charged)
		a.retime()
	}
	if a.frozen == 1 {
		a.standStill()
		if a.exitDue != never {
			a.life.timers.set(a.life.exitTimer(a.studied), never)
		}
	}
}

// thaw ends one freeze.
func (a *application) thaw() {
	a.frozen--
	if !a.alive {
		return
	}
	if a.cpu != nil {
		a.cpu.Thaw(a.life.now)
		a.retime()
	}
	if a.frozen > 0 {
		return
	}
	a.goOn()
	if a.stageDue {
		a.stageOver()
	}
	switch {
	case a.unaware:
		a.shutDown()
	case a.exitDue != never:
		a.life.timers.set(a.life.exitTimer(a.studied), max(a.life.now, a.exitDue))
	}
}

// traceStretches tells of the stretches under way, when the process or the life
// ends.
func (a *application) traceStretches() {
	for i := range a.renewals {
		a.traceStretch(&a.renewals[i])
	}
}

// traceStretch tells of the part that the process has lived through of a
// stretch in which it stands still, its answers fail or a neighbour is busy.
func (a *application) traceStretch(r *renewal) {
	if a.life.trace == nil || !r.on || !a.alive || r.what == renewsDependency {
		return
	}
	from := max(r.since, a.ledger.started)
	if from >= a.life.now {
		return
	}
	e := Event{
		At: from, End: a.life.now, Kind: EventStall, Container: a.studied,
		Incarnation: a.life.containers[a.studied].live.Incarnation, Text: r.Name, Rule: r.what.rule(),
	}
	if r.what == renewsFailing {
		e.Kind, e.Text = EventNote, fmt.Sprintf("the answers to the %s probe are failures until %.3f s", model.ProbeKind(r.index), e.End.Seconds())
	}
	a.life.trace.add(e)
}

// neighbourWeight is the weight of the neighbours that are busy now.
func (a *application) neighbourWeight() int64 {
	var total int64
	for i := range a.renewals {
		if r := &a.renewals[i]; r.what == renewsNeighbour && r.on {
			total += r.weight
		}
	}
	return total
}

// heaviestNeighbours is their weight while all of them are busy.
func (a *application) heaviestNeighbours() int64 {
	var total int64
	for i := range a.renewals {
		total += a.renewals[i].weight
	}
	return total
}

// slowest is how many times as long waits take while all neighbours are busy.
func (a *application) slowest() float64 {
	factor := 1.0
	for i := range a.renewals {
		factor *= max(1, a.renewals[i].factor)
	}
	return factor
}

func (a *application) neighboursChanged() {
	a.slowed = 1
	for i := range a.renewals {
		if r := &a.renewals[i]; r.what == renewsNeighbour && r.on {
			a.slowed *= r.factor
		}
	}
	if a.cpu != nil && a.alive {
		a.tellNeighbours()
		a.retime()
	}
}

// tellNeighbours tells the CPU of the neighbours that are busy.
func (a *application) tellNeighbours() {
	a.cpu.SetNeighbourWeight(a.life.now, a.neighbourWeight())
	a.cpu.SetWaitFactor(a.life.now, a.slowed)
}

// drawWait draws what an answer to a probe of kind k waits that begins now. A
// neighbour that turns busy or idle meanwhile does not change it any more.
func (a *application) drawWait(k model.ProbeKind) time.Duration {
	return dist.Stretched(a.app.Probes[k].Wait.Sample(a.random[streamAnswers+int(k)].Rand), a.slowed)
}

// trafficShare is the share of the traffic that reaches the process: its part of
// the service's while it is in the endpoints and listens.
func (a *application) trafficShare() float64 {
	switch t := a.app.Traffic; {
	case t == nil || !a.endpoints.in || !a.listening:
		return 0
	case t.OfService && a.service.balances:
		return 1 / float64(a.service.inEndpoints())
	case t.OfService:
		return 1 / float64(max(1, a.world.Replicas))
	}
	return 1
}

func (a *application) trafficChanged() {
	if a.cpu != nil && (a.alive || a.service.retries && a.launched) {
		a.directTraffic()
		a.retime()
	}
}

// directTraffic tells the CPU what of the traffic reaches it.
func (a *application) directTraffic() {
	if !a.service.retries {
		a.cpu.SetTraffic(a.life.now, a.trafficShare())
		return
	}
	share, accepts := a.directed()
	a.cpu.SetAccepting(a.life.now, accepts)
	a.cpu.SetTraffic(a.life.now, share)
}
