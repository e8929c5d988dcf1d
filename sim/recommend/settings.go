package recommend

import (
	"fmt"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// The grid (S19). A startup probe's threshold is not limited to it: a long
// start needs as many periods as it needs.
const (
	longestPeriod     = 60
	mostFailures      = 30
	longestTimeout    = 30
	mostStartFailures = 3600
)

// The least thresholds that are proposed. One failed attempt is no evidence: a
// lost packet would take a pod out of the endpoints, and two would kill it
// (A18, A25). Current settings below them are considered all the same.
const (
	leastReadinessFailures = 2
	leastLivenessFailures  = 3
)

// leastFailures returns the least threshold that is proposed of a kind of probe.
func leastFailures(k model.ProbeKind) int32 {
	if k == model.Liveness {
		return leastLivenessFailures
	}
	return leastReadinessFailures
}

// usual are the values people write. Where several settings serve alike, theirs
// are proposed (S20).
var (
	usualPeriods  = []int32{1, 2, 3, 5, 10, 15, 20, 30, 60}
	usualTimeouts = []int32{1, 2, 3, 5, 10, 15, 20, 30}
	usualFailures = []int32{1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30}
)

// setting is one point of the grid.
type setting struct{ period, timeout, failures int32 }

func settingOf(p *model.Probe) setting {
	return setting{p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold}
}

func (s setting) String() string {
	return fmt.Sprintf("periodSeconds %d, timeoutSeconds %d, failureThreshold %d", s.period, s.timeout, s.failures)
}

// on returns a copy of p with this setting.
func (s setting) on(p *model.Probe) *model.Probe {
	q := *p
	q.PeriodSeconds, q.TimeoutSeconds, q.FailureThreshold = s.period, s.timeout, s.failures
	return &q
}

// probe returns a probe with nothing but this setting.
func (s setting) probe() *model.Probe { return s.on(&model.Probe{SuccessThreshold: 1}) }

// tolerated is the longest the process can be silent without a verdict.
func (s setting) tolerated() time.Duration { return estimate.Tolerated(s.probe()) }

// unusual counts the values that people would not write, as far as they are not
// the current ones.
func (s setting) unusual(current *model.Probe) int {
	n := 0
	count := func(value int32, usual []int32, now func(*model.Probe) int32) {
		if !slices.Contains(usual, value) && (current == nil || now(current) != value) {
			n++
		}
	}
	count(s.period, usualPeriods, func(p *model.Probe) int32 { return p.PeriodSeconds })
	count(s.timeout, usualTimeouts, func(p *model.Probe) int32 { return p.TimeoutSeconds })
	count(s.failures, usualFailures, func(p *model.Probe) int32 { return p.FailureThreshold })
	return n
}

// grid returns the settings to consider: all with timeout <= period and at
// least the given threshold, or only those of usual values, and the current
// ones whatever they are.
func grid(current *model.Probe, leastFailures int32, onlyUsual bool) []setting {
	periods, timeouts, failures := usualPeriods, usualTimeouts, usualFailures
	if !onlyUsual {
		periods, timeouts, failures = upTo(longestPeriod), upTo(longestTimeout), upTo(mostFailures)
	}
	var settings []setting
	for _, p := range periods {
		for _, t := range timeouts {
			for _, f := range failures {
				if t <= p && f >= leastFailures {
					settings = append(settings, setting{p, t, f})
				}
			}
		}
	}
	if current != nil && !slices.Contains(settings, settingOf(current)) {
		settings = append(settings, settingOf(current))
	}
	return settings
}

func upTo(n int32) []int32 {
	values := make([]int32, n)
	for i := range values {
		values[i] = int32(i) + 1
	}
	return values
}

// usualStartFailures rounds a startup probe's threshold up to a round number:
// as it is up to 10, then a multiple of 5, from 60 of 10.
func usualStartFailures(n int32) int32 {
	switch {
	case n <= 10:
		return n
	case n <= 60:
		return (n + 4) / 5 * 5
	}
	return (n + 9) / 10 * 10
}
