package recommend

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/estimate"
)

// Effort is chosen by counts: of replications, attempts and starts, and of the
// events that a world is expected to have. So it depends on the world alone.
const (
	// trialEvents and simulationEvents are what all long lives of one full
	// simulation may cost: of settings that are tried, most of a second, and of those
	// that are to be decided.
	trialEvents, simulationEvents = 0.45e6, 2.1e6
	// mostEvents is what they may cost where that decides.
	mostEvents = 4 * simulationEvents
	// The test hangs of each replication: as many as cost about as much as its long
	// life, at most the usual number, and at least a few in a trial, and enough for
	// the interval of a 99th percentile otherwise: that takes 367, as 0.99³⁶⁷ = 0.025,
	// and the rest is room for a design effect of 1.57. Each takes faultSpan or so, with
	// a start before it and one after it.
	trialFaults, simulationFaults, mostFaults = 4, 36, 48
	faultSpan                                 = 30 * time.Minute
	// The replications, for intervals between them.
	fewestReplications, mostReplications = 16, 64
	// shortestLife is that of a replication, however much happens.
	shortestLife = 2 * time.Hour
)

// until returns a context that ends with the budget, if there is one.
func (o Options) until(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.Budget <= 0 || o.Replications > 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, o.Budget)
}

// forSimulation returns the options of the simulation that decides about
// settings. How long its lives last and how many there may be depends on how much
// happens in their world, and on what decides how often they kill: as long as it
// takes to exclude more than an objective allows, if that can be had, and not as
// long as usual where not even four times as long would. Two thirds of it are enough
// where no kill is seen, which is looked at first (S11).
func (o Options) forSimulation(w *model.World) estimate.Options {
	faults := int64(simulationFaults)
	if sheds(w) {
		faults = mostFaults * 3 / 4 // some hang while they are out of the endpoints, which shows no removal
	}
	simulation := o.simulating(w, simulationEvents, faults)
	needed := deciding(o.Objectives)
	if o.Replications > 0 || needed == 0 || len(w.Application.Resources) > 0 || w.Application.Traffic != nil {
		return simulation // backlogs of its own are for splitting
	}
	cost := eventsPerSecond(w) * needed.Seconds()
	if cost > mostEvents && cost < 10*mostEvents {
		cost = measuredEvents(w, o.Seed) * needed.Seconds() // the other is a guess
	}
	if cost <= mostEvents {
		simulation.Limit = fewestReplications
		if fewestReplications*simulation.Horizon < needed {
			simulation.Limit = fewestReplications * 3 / 2
			simulation.Horizon = max(simulation.Horizon, (needed/time.Duration(simulation.Limit)).Truncate(time.Minute)+time.Minute)
		}
	} else if estimate.NewClosedForm(w, model.Liveness).Why != "" { // no bound decides either
		simulation.Horizon = max(min(simulation.Horizon, shortestLife), (simulation.Horizon / 3).Truncate(10*time.Minute))
	}
	return simulation
}

// deciding returns the pod time in which a single kill excludes more of them than an
// objective allows (S9): 5.57 events where one was seen at 95 %, and in two thirds of
// it, 3.69, where none was. 0: no objective is about their rate.
func deciding(objectives []model.Objective) time.Duration {
	const most = 5.6
	longest := 0.0
	for _, o := range objectives {
		switch {
		case o.Measure == "falseKillsPerPodYear" && o.Bound > 0:
			longest = max(longest, year.Seconds()/o.Bound)
		case strings.HasPrefix(o.Measure, "falseKillsPerPodDay") && o.Bound > 0:
			longest = max(longest, 24*time.Hour.Seconds()/o.Bound)
		case o.Measure == "meanTimeToFalseKillSeconds":
			longest = max(longest, o.Bound)
		}
	}
	const endless = 250 * year
	return time.Duration(math.Min(most*longest, endless.Seconds())) * time.Second
}

// measuredEvents returns how much happens in a second of a world, in the unit of
// eventsPerSecond, as counted along one life.
func measuredEvents(w *model.World, seed uint64) float64 {
	const horizon, anAttempt, anEvent = 48 * time.Hour, 1. / 2, 1. / 16
	simulator, err := sim.New(w)
	if err != nil {
		return math.Inf(1) // whoever simulates it will say so
	}
	o := simulator.Run(sim.Life{Seed: seed ^ countedStream, Horizon: horizon})
	events := anEvent * float64(simulator.Handled())
	for _, attempts := range o.Attempts {
		events += anAttempt * float64(attempts)
	}
	return events / horizon.Seconds()
}

// countedStream sets the seed of a life that is only counted apart from others.
const countedStream = 0xc0047

// forTrial returns the options of a first simulation of settings that may turn out
// to be wrong. It rules out those that miss an objective by far; what it leaves
// open is decided by another.
func (o Options) forTrial(w *model.World) estimate.Options {
	if o.Replications > 0 {
		o.Replications = max(2, o.Replications/4)
	}
	simulation := o.simulating(w, trialEvents, trialFaults)
	simulation.Plain, simulation.FewStarts, simulation.Starts = true, true, startsBeside(w)
	return simulation
}

// startsBeside is how many starts of a replication cost about as much as a trial's
// long life, and a few at the least.
func startsBeside(w *model.World) int64 {
	const few = 16
	return max(few, int64(trialEvents/fewestReplications/startCost(w)))
}

func (o Options) simulating(w *model.World, events float64, fewestFaults int64) estimate.Options {
	simulation := o.Options
	simulation.PodLife = max(o.Horizon, defaultHorizon) // the lives simulated may be shorter
	// Objectives are judged by the closed form's bound where nothing was seen, and
	// by splitting where that leaves them open.
	simulation.Sparing = true
	if simulation.Replications > 0 {
		simulation.Budget = 0
		return simulation
	}
	perSecond := eventsPerSecond(w)
	faults := events / fewestReplications / (perSecond*faultSpan.Seconds() + 2*startCost(w))
	simulation.Faults = min(mostFaults, max(fewestFaults, int64(faults)))
	affordable := time.Duration(events / fewestReplications / perSecond * 1e9)
	simulation.Horizon = min(o.Horizon, max(shortestLife, affordable.Truncate(10*time.Minute)))
	simulation.Limit = int64(math.Min(mostReplications, math.Max(fewestReplications, events/(perSecond*simulation.Horizon.Seconds()))))
	return simulation
}

// eventsPerSecond estimates how much happens in a second of a world, in events that
// each take about as long to simulate as an attempt of a probe, a microsecond.
func eventsPerSecond(w *model.World) float64 {
	sum := environmentEvents(w)
	for k, p := range w.Container().Probes {
		if p != nil && model.ProbeKind(k) != model.Startup {
			sum += answerEvents(w, model.ProbeKind(k)) / p.Period().Seconds()
		}
	}
	return sum
}

// answerEvents estimates how much happens in one attempt of a probe: the attempt,
// its CPU time, and its turns of a tick beside busy neighbours (C16).
func answerEvents(w *model.World, k model.ProbeKind) float64 {
	const tick = 0.004
	need, idle := answerDemand(w, k), 1.0
	for i := range w.Node.Neighbours {
		n := &w.Node.Neighbours[i]
		if busy := float64(n.Busy.Mean()); busy > 0 && n.CPURequestMilli > 0 {
			idle *= 1 - busy/(busy+float64(n.Idle.Mean()))
		}
	}
	return 1 + computingEvents(w, need) + (1-idle)*need/tick
}

// computingEvents estimates how much happens while some CPU time, in seconds, is
// used under a quota: the throttled periods that it takes (C2), four of which take
// as long to simulate as an attempt, and the slices of 5 ms (C1), 32 of which do.
func computingEvents(w *model.World, need float64) float64 {
	c := w.Container()
	if c.CPULimitMilli == 0 || w.Node.NoCFSQuota {
		return 0
	}
	return need / 4 * max(1000/(float64(c.CPULimitMilli)*w.Node.CFSPeriod.Seconds()), 1/0.04)
}

// environmentEvents estimates how much happens in a second beside the probes.
func environmentEvents(w *model.World) float64 {
	sum := 0.02
	rate := func(every time.Duration, events float64) {
		if every > 0 {
			sum += events / every.Seconds()
		}
	}
	for i := range w.Application.Background {
		b := &w.Application.Background[i]
		rate(b.Every.Mean(), 1.5+computingEvents(w, b.CPU.Mean().Seconds()))
	}
	if t := w.Application.Traffic; t != nil {
		sum += requestsPerSecond(w) * (0.3 + computingEvents(w, t.CPU.Mean().Seconds()))
	}
	for i := range w.Node.Neighbours {
		rate(w.Node.Neighbours[i].Idle.Mean(), 2)
	}
	return sum
}

// requestsPerSecond is the mean rate of one pod's requests, bursts included.
func requestsPerSecond(w *model.World) float64 {
	t := w.Application.Traffic
	if t == nil {
		return 0
	}
	rate := t.PerSecond
	for i := range t.Bursts {
		b := &t.Bursts[i]
		lasts, every := b.Lasts.Mean().Seconds(), b.Every.Mean().Seconds()
		if lasts > 0 {
			rate += (b.PerSecond - t.PerSecond) * lasts / (lasts + every)
		}
	}
	if t.OfService {
		rate /= float64(max(1, w.Replicas))
	}
	return rate
}

// startsSimulated is how many starts show the objective's probability: enough
// to see a few that take too long where that is cheap, and at least enough to
// exclude more (Wilson with none seen: 3.84/n). What the limit stretches costs an
// event each quota period.
func startsSimulated(w *model.World, objectives []model.Objective, podLife time.Duration) int {
	bound := estimate.LostStartsAllowed(objectives, podLife)
	if bound == 0 {
		bound = 0.0001
	}
	const most = 60_000
	return int(math.Min(most, math.Max(fewestStarts, math.Max(4/bound, math.Min(40/bound, startEvents/startCost(w))))))
}

// startEvents is what the simulation of starts costs where it is cheap.
const startEvents = 2.4e6

// startsAtFirst is how many starts are simulated before a closed form is asked whether
// they are enough: all that are cheap, and at least a few thousand.
func startsAtFirst(w *model.World) int {
	const fewest = 4000
	return int(math.Max(fewest, startEvents/startCost(w)))
}

// fewestStarts is how many starts are simulated however little an objective asks for:
// enough for their 99th percentile.
const fewestStarts = 400

// startCost is about how many events the simulation of one start takes: its own,
// one for each quota period that the limit stretches it over, and what happens in
// the world meanwhile.
func startCost(w *model.World) float64 {
	cost := 20.0
	for i := range w.Application.Startup {
		stage := &w.Application.Startup[i]
		lasts, need := stage.Wait.Quantile(0.5).Seconds(), stage.CPU.Quantile(0.5).Seconds()
		if limit := w.Container().CPULimitMilli; limit > 0 && !w.Node.NoCFSQuota {
			need *= 1000 / float64(limit)
			cost += need / w.Node.CFSPeriod.Seconds()
		}
		cost += (lasts + need) * environmentEvents(w)
	}
	return cost
}
