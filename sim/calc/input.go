package calc

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/dist"
)

// usualTick is that of a kernel with HZ=250.
const usualTick = 4 * time.Millisecond

// Input is what `calc` can be told by flags alone. Probability and stalls
// exclude each other.
type Input struct {
	Period, Timeout, InitialDelay time.Duration // whole seconds; Period and Timeout at least 1 s
	Failures                      int           // at least 1

	Probability float64 // that a probe fails, independently of the others; 0: not given

	StallEvery time.Duration // mean time from a stall's end to the next, exponential; 0: no stalls
	StallLasts dist.Duration

	CPULimitMilli int64         // thousandths of a CPU; 0: none
	CPUPeriod     time.Duration // of the quota; 0: 100 ms
	HandlerCPU    time.Duration // CPU time of one answer; 0: not given
}

// validate returns all faults of the input.
func (in *Input) validate() error {
	var faults []error
	whole := func(name string, d, least time.Duration) {
		if d < least || d%time.Second != 0 {
			faults = append(faults, fmt.Errorf("%s: %v: must be whole seconds, at least %v", name, d, least))
		}
	}
	whole("period", in.Period, time.Second)
	whole("timeout", in.Timeout, time.Second)
	whole("initial-delay", in.InitialDelay, 0)
	check := func(name string, ok bool, value any, rule string) {
		if !ok {
			faults = append(faults, fmt.Errorf("%s: %v: %s", name, value, rule))
		}
	}
	check("failures", in.Failures >= 1 && in.Failures <= math.MaxInt32, in.Failures, "must lie between 1 and 2147483647 (K57)")
	check("probability", in.Probability >= 0 && in.Probability <= 1, in.Probability, "must lie between 0 and 1")
	check("stall-every", in.StallEvery >= 0, in.StallEvery, "must not be below 0")
	check("stall-every", in.StallEvery > 0 || in.StallLasts.IsZero(), in.StallEvery, "must be above 0 where stall-lasts is given")
	check("stall-lasts", in.StallEvery == 0 || !in.StallLasts.IsZero(), 0, "must be above 0 where stall-every is given")
	check("probability", in.Probability == 0 || in.StallEvery == 0, in.Probability,
		"cannot be combined with stalls: failures during a stall are not independent; simulate them with run")
	check("cpu-limit", in.CPULimitMilli >= 0 && in.CPULimitMilli <= 1<<40, in.CPULimitMilli, "must not be below 0")
	check("cpu-period", in.CPUPeriod == 0 || in.CPUPeriod >= time.Millisecond && in.CPUPeriod <= time.Second, in.CPUPeriod, "must lie between 1ms and 1s")
	check("handler-cpu", in.HandlerCPU >= 0, in.HandlerCPU, "must not be below 0")
	check("handler-cpu", in.HandlerCPU <= 0 || in.CPULimitMilli > 0, in.HandlerCPU, "needs cpu-limit: without a limit an answer takes its own CPU time")
	return errors.Join(faults...)
}

// FromInput calculates from flags alone, for a liveness probe. The error names
// every value that is out of its range.
func FromInput(in Input) (*Calculation, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	c := newCalculation("")
	s := Settings{Period: in.Period, Timeout: in.Timeout, InitialDelay: in.InitialDelay, Failures: in.Failures, Successes: 1}
	probe := s.windows()
	budget := s.Budget(false)
	probe.BudgetSeconds = &budget
	c.Probes.Liveness = probe
	c.FolkFormulas = s.folkFormulas()
	switch {
	case in.StallEvery > 0:
		every := dist.Duration{Nanoseconds: dist.Exponential(in.StallEvery)}
		c.stalls(s, []Stalls{{Every: every, Lasts: in.StallLasts, NoAnswer: true, EndsWithProcess: true}}, Restart{})
	case in.Probability > 0:
		failure := Number(in.Probability)
		probe.FailureProbability = &failure
		c.independent(s, in.Probability, 0, Restart{})
	default:
		c.note("false kills: not asked for; give a probability of failure, or stalls")
	}
	if in.CPULimitMilli > 0 {
		c.quota(&in)
	}
	c.note("windows: exact for a fault at a uniform phase of the probe's grid (S4); the kubelet's own delays, some milliseconds, come on top")
	c.note("startupKillProbability and startupKillProbabilityAnyPhase are null: these numbers describe no startup; a scenario does")
	c.explainNulls()
	return c, nil
}

// quota fills in the arithmetic of the CPU limit.
func (c *Calculation) quota(in *Input) {
	period := in.CPUPeriod
	if period == 0 {
		period = 100 * time.Millisecond
	}
	c.Quota = newQuota(in.CPULimitMilli, period, in.Timeout, in.HandlerCPU)
	if in.HandlerCPU == 0 {
		return
	}
	if budget := HandlerBudget(in.Timeout, in.CPULimitMilli, period); in.HandlerCPU > budget {
		c.note("an answer of %v of CPU does not fit the timeout of %v at this limit: the budget is about %v; the probe fails whenever the whole answer is computed inside the quota", in.HandlerCPU, in.Timeout, budget)
	}
	c.note("quota: textbook arithmetic from a fresh period (S8); a real kernel stops threads only at ticks and begins at any phase (C5 to C8)")
	a := &ThrottledAnswer{Demand: in.HandlerCPU, Quota: cpu.Quota(in.CPULimitMilli, period), Period: period, Tick: usualTick, Every: in.Period}
	if reason := a.fill(c.Quota, 0); reason != "" {
		c.note("quota.answerSeconds: null: %s; run simulates it", reason)
		return
	}
	c.note("quota.answerSeconds: over the phase at which the probe's grid lies in the quota's period, which is uniform and stays for a life (C1 to C8); valid for one thread in a container that is otherwise idle, on a kernel with a tick of %v, without a quota of the pod around it: run has all of these", usualTick)
}
