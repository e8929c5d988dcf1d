package calc

import (
	"math"
	"time"

	"github.com/probesim/probesim/model/cpu"
)

// Quota is the textbook arithmetic of a CPU limit (S8): a container that begins
// at a fresh period, runs until its quota is used up and then waits for the
// next period. A real kernel overruns the quota up to the next tick, repays the
// debt, and begins at any phase of the period (C5 to C8): AnswerSeconds.
type Quota struct {
	LimitMilli       int64   `json:"limitMilli"`
	PerPeriodSeconds Number  `json:"perPeriodSeconds"` // CPU time in each period of periodSeconds
	PeriodSeconds    Number  `json:"periodSeconds"`
	BudgetSeconds    *Number `json:"budgetSeconds"`  // CPU time an answer may take to fit its timeout, about limit × timeout; null: no timeout given
	HandlerSeconds   *Number `json:"handlerSeconds"` // CPU time of one answer; null: not given
	WallSeconds      *Number `json:"wallSeconds"`    // that it takes
	Periods          *int64  `json:"periods"`        // that it takes part of
	Throttled        *int64  `json:"throttled"`      // of these, in how many it is stopped

	// AnswerSeconds is how long an answer really takes: the kernel's way, over the
	// phase at which it begins. ExceedsTimeout has each whole second up to the
	// first that no answer exceeds. Null: not asked for, or a note says why.
	AnswerSeconds  *Delay           `json:"answerSeconds"`
	ExceedsTimeout []ExceedsTimeout `json:"exceedsTimeout"`
}

// WallTime returns how long demand takes under a limit of milli thousandths of
// a CPU when it begins at a fresh period, the number of periods it takes part
// of, and in how many of these it is stopped. Without limit (0) it takes
// itself.
func WallTime(demand time.Duration, milli int64, period time.Duration) (wall time.Duration, periods, throttled int64) {
	quota := cpu.Quota(milli, period)
	if quota == 0 || demand <= 0 {
		return max(0, demand), 1, 0
	}
	throttled = int64((demand - 1) / quota)
	wall = time.Duration(throttled)*period + demand - time.Duration(throttled)*quota
	return wall, throttled + 1, throttled
}

// HandlerBudget returns the CPU time an answer may take so that it is out
// within the timeout, by the same arithmetic: about limit × timeout.
func HandlerBudget(timeout time.Duration, milli int64, period time.Duration) time.Duration {
	quota := cpu.Quota(milli, period)
	if quota == 0 {
		return timeout
	}
	whole := timeout / period
	return whole*quota + min(quota, timeout-whole*period)
}

// newQuota fills in a Quota; a zero timeout or demand is one that is not given.
func newQuota(milli int64, period, timeout, demand time.Duration) *Quota {
	q := &Quota{
		LimitMilli: milli, PeriodSeconds: seconds(period),
		PerPeriodSeconds: seconds(cpu.Quota(milli, period)),
	}
	if timeout > 0 {
		budget := seconds(HandlerBudget(timeout, milli, period))
		q.BudgetSeconds = &budget
	}
	if demand > 0 {
		wall, periods, throttled := WallTime(demand, milli, period)
		handler, wallSeconds := seconds(demand), seconds(wall)
		q.HandlerSeconds, q.WallSeconds, q.Periods, q.Throttled = &handler, &wallSeconds, &periods, &throttled
	}
	return q
}

// ErlangC returns the probability that a request waits, where servers work off
// requests of exponential demand that arrive at random, and load is the arrival
// rate over one server's service rate (S6). It is 1 where the load reaches the
// servers.
func ErlangC(servers int, load float64) float64 {
	if load >= float64(servers) {
		return 1
	}
	blocked := 1.0 // Erlang's loss formula, one server at a time
	for k := 1; k <= servers; k++ {
		blocked = load * blocked / (float64(k) + load*blocked)
	}
	share := load / float64(servers)
	return blocked / (1 - share*(1-blocked))
}

// QueueExceeds returns the probability that a probe which queues with the
// traffic waits longer than t for one of the workers: requests arrive at
// arrivals and each worker serves at served, both per second (S6).
func QueueExceeds(t time.Duration, workers int, arrivals, served float64) float64 {
	load := arrivals / served
	if load >= float64(workers) {
		return 1
	}
	return ErlangC(workers, load) * math.Exp(-(float64(workers)*served-arrivals)*t.Seconds())
}
