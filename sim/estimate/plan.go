package estimate

import (
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// plan says which lives make one replication. It depends on the worlds alone,
// never on elapsed time, so that a replication count reproduces a result.
//
// A replication of a variant is
//   - one life over the horizon, for all that happens by itself;
//   - short lives, each with a test hang at a uniformly random instant of a
//     span after a warm-up, for the measures per fault (design section 3): the
//     span is long against every period, so the instant has a uniform phase on
//     every probe's grid, and node and dependencies are stationary by
//     construction;
//   - lives that last one start, for the measures per start.
//
// A long start leaves room for fewer starts and a long detection for fewer test
// hangs, but the horizon does not: what follows a fault or a start is asked of
// every horizon. Where settings ask for years, whoever chose them meant never:
// nobody waits for a look that is more than two days off, or for a verdict.
type plan struct {
	seed         uint64
	horizon      time.Duration
	warmUp       time.Duration // before the span in which a test hang falls
	span         time.Duration
	after        []time.Duration // pod time left to a test hang, by variant
	faultLives   []int64         // by variant
	startHorizon []time.Duration
	startLives   []int64
}

const (
	faultLives        = 48       // with the first look's replications enough for a 99th percentile's interval
	mostFaultTime     = 20 * day // of the lives with test hangs of one replication
	mostStartTime     = 30 * day // of the starts of one replication
	longestPart       = 2 * day  // of a start, of the span of test hangs, and of what follows one
	mostStartLives    = 4096
	fewStartLives     = 64  // where no probe can kill a process that starts
	someStartLives    = 256 // where one can, and no objective asks how often, or the closed form answers it
	purposeHang       = 1
	purposeFaultLives = 2
	purposeStartLives = 3
)

func newPlan(variants []Named, o Options) *plan {
	p := &plan{seed: o.Seed, horizon: o.Horizon}
	// So long is what a test hang falls into at random; a few periods would do for its
	// phase, and more have it meet more of what the environment does. Before that there
	// is time for a start, and for another one where a probe may kill the first.
	periods, starts := 20, time.Duration(2)
	if o.Sparing {
		periods, starts = 5, 1
	}
	p.span = time.Duration(periods) * time.Minute
	for _, v := range variants {
		p.warmUp = max(p.warmUp, time.Minute+starts*StartSpan(v.World))
		for _, probe := range v.World.Container().Probes {
			if probe != nil && probe.Period() <= longestPart {
				p.span = max(p.span, min(nTimes(int32(periods), probe.Period()), longestPart))
			}
		}
	}
	for _, v := range variants {
		after := min(afterHang(v.World), longestPart)
		p.after = append(p.after, after)
		lives := between(1, int64(mostFaultTime/(p.warmUp+p.span+after)), faultLives)
		if o.Faults > 0 {
			lives = min(lives, o.Faults)
		}
		if observed(v.World) == nobody {
			lives = 0
		}
		p.faultLives = append(p.faultLives, lives)

		span := StartSpan(v.World)
		most := int64(fewStartLives)
		if canLoseStart(v.World) {
			most = someStartLives
			if !o.FewStarts && o.formulas.of(v.World).startupBound > LostStartsAllowed(o.Objectives, o.podLife()) {
				most = startLivesWanted(v.World, o.Objectives, o.podLife())
			}
		}
		if o.Starts > 0 {
			most = min(most, o.Starts)
		}
		p.startHorizon = append(p.startHorizon, span)
		p.startLives = append(p.startLives, between(1, int64(mostStartTime/span), most))
	}
	return p
}

// startLivesWanted returns how many starts a replication needs, so that the
// first look of the stopping rule can exclude more kills than an objective
// allows although it has seen one or two: 8 divided by the probability (S9).
// Where the quota stretches a start, which takes long to simulate, it is enough
// to exclude more if none was seen: 4.
func startLivesWanted(w *model.World, objectives []model.Objective, podLife time.Duration) int64 {
	wanted, enough := int64(someStartLives), 8.0
	for i := range w.Application.Startup {
		if w.Container().CPULimitMilli > 0 && !w.Application.Startup[i].CPU.IsZero() {
			enough = 4
		}
	}
	if most := LostStartsAllowed(objectives, podLife); most > 0 {
		wanted = max(wanted, int64(math.Min(mostStartLives, math.Ceil(enough/most/firstLook))))
	}
	return wanted
}

// LostStartsAllowed returns the least probability of a lost start that an objective
// allows: one about starts, or most of what one about false kills leaves for the first
// start of pods that live so long. At most 0.01; 0: no objective is about them.
func LostStartsAllowed(objectives []model.Objective, podLife time.Duration) float64 {
	const seldom = .01 // more of them are seen in passing
	least := math.Inf(1)
	for _, o := range objectives {
		switch most := mostKills(o); {
		case o.Measure == "startupKillProbability" && o.Bound > 0:
			least = math.Min(least, o.Bound)
		case most > 0:
			least = math.Min(least, .9*most*float64(podLife)/float64(year))
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return math.Min(seldom, least)
}

func between(low, x, high int64) int64 { return min(max(low, x), high) }

// life is the long life of replication r.
func (p *plan) life(r int64) sim.Life {
	return sim.Life{Seed: p.seed, Replication: uint64(r), Draw: model.DrawOf(uint64(r)), Horizon: p.horizon, SkipAhead: p.horizon >= longLife}
}

// faultLife is life j with a test hang of replication r, for variant i.
func (p *plan) faultLife(r, j int64, i int) sim.Life {
	number := r*faultLives + j
	hang := p.warmUp + time.Duration(stream(p.seed, purposeHang, number).Int64N(int64(p.span)))
	return sim.Life{
		Seed: mix(p.seed ^ purposeFaultLives), Replication: uint64(number), Draw: model.DrawOf(uint64(r)),
		Hang: hang, Horizon: hang + p.after[i],
	}
}

// startLife is life j of replication r that lasts one start, for variant i.
func (p *plan) startLife(r, j int64, i int) sim.Life {
	return sim.Life{
		Seed: mix(p.seed ^ purposeStartLives), Replication: uint64(r*mostStartLives + j), Draw: model.DrawOf(uint64(r)),
		Horizon: p.startHorizon[i], FirstStart: true,
	}
}

// StartSpan bounds, generously, the time from a pod's creation to Ready: what
// comes before the container, its startup with the CPU work stretched by the
// limit, and the probes' own delays; ten days at the most.
func StartSpan(w *model.World) time.Duration {
	const tail = 0.9999
	var span time.Duration
	for _, stage := range append(append([]model.Stage(nil), w.Application.BeforeStart...), w.Application.Startup...) {
		cpus := StartCPUs(w, &stage, w.Container().CPULimitMilli)
		span += min(stage.Wait.Quantile(tail), longestPart) + time.Duration(min(float64(stage.CPU.Quantile(tail))/cpus, float64(longestPart)))
	}
	// Three times, since quota periods, neighbours and pauses stretch a start
	// too. A start that its probe kills before is over then.
	span *= 3
	patience, looks := time.Duration(0), time.Duration(0)
	for k, probe := range w.Container().Probes {
		if probe == nil {
			continue
		}
		if model.ProbeKind(k) != model.Readiness {
			patience = max(patience, nTimes(probe.FailureThreshold, step(probe)))
		}
		looks += waitedFor(probe.InitialDelay()) + min(2*waitedFor(probe.Period()), longestPart)
	}
	return min(min(span, max(patience, span/3))+max(looks, othersReady(w))+time.Minute, longestPart)
}

// StartLasts returns the seconds of a start whose every stage has the given value of its
// distributions, under a CPU limit in thousandths, 0 for none: by the arithmetic of the
// quota (S8), with a stage's own limit where it has one.
func StartLasts(w *model.World, milli int64, of func(dist.Duration) float64) float64 {
	total := 0.0
	for i := range w.Application.Startup {
		stage := &w.Application.Startup[i]
		total += of(stage.Wait) + of(stage.CPU)/StartCPUs(w, stage, milli)
	}
	return total
}

// StartCPUs returns how many CPUs a stage of the start uses at the most: one for each
// thread, as many as the node has, and what its limit allows, which is a millisecond of
// each period at the least (C22).
func StartCPUs(w *model.World, stage *model.Stage, milli int64) float64 {
	cpus := float64(max(stage.Threads, 1))
	if w.Node.CPUs > 0 {
		cpus = math.Min(cpus, float64(w.Node.CPUs))
	}
	if stage.CPULimitMilli > 0 {
		milli = stage.CPULimitMilli
	}
	period := w.Node.CFSPeriod
	if period <= 0 {
		period = 100 * time.Millisecond // the kubelet's default, as the quotas are taken to be
	}
	if milli > 0 && !w.Node.NoCFSQuota {
		cpus = math.Min(cpus, cpu.Quota(milli, period).Seconds()/period.Seconds())
	}
	return cpus
}

// othersReady bounds the time until the pod's other containers are ready: they
// serve from their start, and wait for their own probes (K48).
func othersReady(w *model.World) time.Duration {
	var longest time.Duration
	for i := range w.Pod.Containers {
		var looks time.Duration
		for _, probe := range w.Pod.Containers[i].Probes {
			if probe != nil {
				period := waitedFor(probe.Period())
				looks += waitedFor(probe.InitialDelay()) + nTimes(probe.SuccessThreshold, period) + period
			}
		}
		longest = max(longest, looks)
	}
	return longest
}

// waitedFor returns a time if it is one to wait for, and else 0.
func waitedFor(d time.Duration) time.Duration {
	if d > longestPart {
		return 0
	}
	return d
}

// nTimes returns n times d, at most an eighth of the longest horizon: any
// threshold is accepted (K57).
func nTimes(n int32, d time.Duration) time.Duration {
	if float64(n)*float64(d) > float64(dist.Longest/8) {
		return dist.Longest / 8
	}
	return time.Duration(n) * d
}

// afterHang bounds, generously, the time from a hang to serving and in the
// endpoints again.
func afterHang(w *model.World) time.Duration {
	after := 5 * time.Minute // propagation, relist and a back-off
	for kind, probe := range w.Container().Probes {
		if probe != nil && model.ProbeKind(kind) != model.Startup && Tolerated(probe) <= longestPart {
			after += nTimes(probe.FailureThreshold, 2*(probe.Period()+probe.Timeout()))
		}
	}
	if observed(w).byLiveness {
		grace := time.Duration(min(w.Pod.TerminationGracePeriodSeconds, int64(dist.Longest/8/time.Second))) * time.Second
		after += grace + 2*StartSpan(w)
	}
	if w.Cluster.Propagation != nil {
		after += w.Cluster.Propagation.Quantile(0.9999)
	}
	if w.Cluster.LoadBalancer != nil {
		after += w.Cluster.LoadBalancer.Deregistration
	}
	return after
}

// observers says which probes of a container can notice a hang.
type observers struct{ byReadiness, byLiveness bool }

var nobody = observers{}

func observed(w *model.World) observers {
	sees := func(k model.ProbeKind) bool {
		return w.Container().Probes[k] != nil && w.Application.Probes[k].HangCoverage > 0
	}
	return observers{sees(model.Readiness), sees(model.Liveness)}
}
