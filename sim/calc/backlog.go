package calc

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/dist"
)

// backlog is the work of the container's own that an event loop does before it
// answers anyone. The loop lets every job run to its end and goes on with the
// next of the same kind, so an answer that comes while there are any waits until
// there are none: a stall whose length is a busy period of the queue M/G/1,
// drained at the rate of the quota.
//
//	jobs  0     1     2     1     2     1     0        classes of the backlog
//	      |─ λ ─>─ λ ─>─ μ ─>─ λ ─>─ μ ─>─ μ ─>|
//	            └───── nothing is answered ────┘
type backlog struct {
	every time.Duration // mean time between the arrivals of two jobs, which is exponential
	job   dist.Duration // wall time of one at the quota's rate
	load  float64       // share of the quota that the jobs take

	// ahead is by how much the work is done earlier than at an even rate: at the
	// least, in the mean and at the most. The quota comes in portions (C2): the
	// first job of a busy period has a whole one at once, the last ends early in
	// its own, and the millisecond that a CPU keeps (C3) and the run to the next
	// tick (C6) come on top. The answers that wait already come off.
	ahead [3]time.Duration
}

// Conditions under which the backlog is a stall.
const (
	mostOwnLoad = .01 // share of the quota that the probes' own answers may take
	mostLoad    = .95 // by the jobs
)

// backlog returns the backlog of the world's background work; nil without any.
// The error says why it is not one that the chain can follow.
func (s *studied) backlog() (*backlog, error) {
	app := &s.w.Application
	if len(app.Background) == 0 {
		return nil, nil
	}
	b := &app.Background[0]
	every, poisson := b.Every.Nanoseconds.(dist.Exponential)
	switch {
	case app.Threads != 1:
		return nil, errors.New("background work shares the quota with the answers thread by thread, in the kernel's portions; only an event loop (threads: 1) answers after it")
	case len(app.Background) > 1 || b.Always || b.Workers != 1:
		return nil, errors.New("background work of several kinds or workers takes turns on the event loop")
	case !poisson:
		return nil, errors.New("the times between the background jobs are not exponential")
	case app.Traffic != nil:
		return nil, errors.New("traffic takes turns with the background work on the event loop")
	case !s.works(model.Liveness):
		return nil, errors.New("an answer without CPU time needs no turn on the event loop beside the background work")
	case s.w.Container().Probes[model.Liveness].Handler.Kind == model.Exec:
		return nil, errors.New("the process of an exec probe shares the quota with the background work")
	case s.w.Node.InterruptionsPerSecond > 0:
		return nil, errors.New("interruptions delay the background work that the answers wait for")
	}
	for i := range s.w.Node.Neighbours {
		if s.w.Node.Neighbours[i].CPURequestMilli > 0 {
			return nil, errors.New("neighbours delay the background work that the answers wait for")
		}
	}
	rate := 1.0 // CPU time of one thread per wall time
	if milli := s.limit(); milli > 0 {
		rate = min(1, float64(cpu.Quota(milli, s.w.Node.CFSPeriod))/float64(s.w.Node.CFSPeriod))
	}
	of := &backlog{every: time.Duration(every), job: b.CPU.Times(1 / rate)}
	of.load = float64(of.job.Mean()) / float64(every)
	own, waiting := s.ownWork(rate)
	switch {
	case of.load > mostLoad:
		return nil, fmt.Errorf("the background work takes %.0f %% of the quota: its backlog does not settle", 100*of.load)
	case own > mostOwnLoad:
		return nil, fmt.Errorf("the answers themselves take %.2g %% of the quota, and the backlog is longer by them", 100*own)
	}
	of.ahead = s.portions(rate, waiting)
	return of, nil
}

// ownWork returns the share of the quota that the answers of all probes take, and
// the wall time of those that wait when the last attempt before a verdict does.
func (s *studied) ownWork(rate float64) (share float64, waiting time.Duration) {
	_, guard := s.probe(model.Liveness)
	for kind := range model.ProbeKind(model.ProbeKinds) {
		p, settings := s.probe(kind)
		if p == nil || kind == model.Startup {
			continue
		}
		answer := &s.w.Application.Probes[kind]
		work := float64(answer.CPU.Mean())
		if p.Handler.Kind == model.Exec {
			work += float64(answer.Exec.HelperCPU.Mean())
		}
		share += work / rate / float64(settings.Period)
		waiting += time.Duration(work / rate * float64(Times(guard.Failures-1, guard.Period)/settings.Period+1))
	}
	return share, waiting
}

// portions returns by how much the quota's portions do work earlier than its mean
// rate would, in a busy period that begins with a whole one: 0 to twice the
// period, of which half a portion goes by.
func (s *studied) portions(rate float64, waiting time.Duration) [3]time.Duration {
	if rate == 1 {
		return [3]time.Duration{-waiting, -waiting, 0}
	}
	const kept = time.Millisecond // C3
	period, tick := float64(s.w.Node.CFSPeriod), 0.0
	if s.w.Application.Accounting == model.AccountingTick && s.w.Node.KernelHz > 0 {
		tick = float64(time.Second) / float64(s.w.Node.KernelHz)
	}
	mean := period*(1-rate/2) + (float64(kept)+tick/2)/rate
	most := period*(2-rate) + (float64(kept)+tick)/rate
	return [3]time.Duration{-waiting, time.Duration(mean) - waiting, time.Duration(most)}
}

// rarestOfFit is the share of the jobs that have to end in a kill where their CPU
// time is fitted: there the false kills are within a tenth of the event engine's,
// and where fewer do the fit's tail decides.
const rarestOfFit = .01

// widestPortions is the ratio of the most to the least false kills up to which the
// quota's portions may leave them open.
const widestPortions = 1.5

// backlogChain returns the chain with a backlog, of as many jobs at the most as
// change nothing any more, at the mean of what the quota's portions do.
func (s *studied) backlogChain(settings Settings, b *backlog) (*Chain, error) {
	if settings.Timeout+b.ahead[2] > settings.Period {
		return nil, fmt.Errorf("the timeout is within %v of the period, by which the quota's portions may end a backlog early", b.ahead[2].Round(time.Millisecond))
	}
	if -b.ahead[0] > settings.Timeout/2 {
		return nil, fmt.Errorf("the answers that wait for the backlog take %v themselves", -b.ahead[0])
	}
	kills := 0.0
	for classes := 8; ; classes *= 2 {
		c, err := s.chain(settings, b, classes, b.ahead[1])
		if err != nil {
			return nil, fmt.Errorf("a backlog with %d classes of jobs: %w", classes, err)
		}
		before := kills
		kills = c.KillsPerAttempt()
		if classes == 8 || math.Abs(kills-before) > 1e-4*kills {
			continue
		}
		if _, exact := exactPhases(b.job.Nanoseconds); !exact && c.KillsPerSecond()*b.every.Seconds() < rarestOfFit {
			return nil, fmt.Errorf("fewer than one background job in %.0f ends in a kill, and kills so rare hang on the tail of the jobs' CPU time, which its exponential stages do not keep", 1/rarestOfFit)
		}
		c.note("background work is before the answers in classes of up to %d jobs, drained at the mean rate of the quota; half as many change the false kills by less than 1 in 10,000", classes)
		if b.ahead[0] == b.ahead[2] {
			return c, nil
		}
		var ends [2]float64
		for i, ahead := range []time.Duration{b.ahead[2], b.ahead[0]} {
			end, err := s.chain(settings, b, classes, ahead)
			if err != nil {
				return nil, err
			}
			ends[i] = end.KillsPerAttempt()
		}
		if ends[1] > widestPortions*ends[0] {
			return nil, fmt.Errorf("the quota's portions leave the false kills open by a factor of %.2g, since a backlog that lasts as long as the probe tolerates is as rare", ends[1]/ends[0])
		}
		c.open = ends
		c.note("the quota comes in portions, so that a backlog may end %v to %v earlier than at an even rate: %v is taken; the false kills are between %+.1f %% and %+.1f %% of what is said", b.ahead[0].Round(time.Millisecond), b.ahead[2].Round(time.Millisecond), b.ahead[1].Round(time.Millisecond), 100*(ends[0]/kills-1), 100*(ends[1]/kills-1))
		return c, nil
	}
}

// move is a change of state with its rate per nanosecond.
type move struct {
	to   int
	rate float64
}

// moves returns the changes of a queue of so many jobs at the most, whose service
// has the stages given, from one of its states: 0 is none there, 1 + (n−1)·stages
// + k is n of which the first is in stage k. Work stands still while the process
// does.
func (b *backlog) moves(state, classes int, job []branch, frozen bool) []move {
	stages := len(job)
	begin := func(base int, rate float64) (all []move) {
		for k := range job {
			if job[k].weight > 0 {
				all = append(all, move{base + k, rate * job[k].weight})
			}
		}
		return all
	}
	arrival := 1 / float64(b.every)
	if state == 0 {
		return begin(1, arrival)
	}
	n, k := (state-1)/stages+1, (state-1)%stages
	var all []move
	if n < classes {
		all = append(all, move{state + stages, arrival})
	}
	end := 1 / job[k].mean
	switch {
	case frozen:
	case job[k].stages > 1:
		all = append(all, move{state + 1, end})
	case n == 1:
		all = append(all, move{0, end})
	default:
		all = append(all, begin(1+(n-2)*stages, end)...)
	}
	return all
}
