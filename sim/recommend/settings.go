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

// The least thresholds that are proposed as long as any that are no less meet the
// objectives. One failed attempt is no evidence: a lost packet would take a pod out
// of the endpoints, and two would kill it (A18, A25). Current settings below them
// are considered all the same.
const (
	leastReadinessFailures = 2
	leastLivenessFailures  = 3
)

// leastFailures returns the least threshold that a patient probe of a kind has.
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

// grid returns the patient settings: all with timeout <= period and at least the
// given threshold, or only those of usual values, and the current ones whatever
// they are.
func grid(current *model.Probe, leastFailures int32, onlyUsual bool) []setting {
	return settingsWhere(current, onlyUsual, func(s setting) bool { return s.timeout <= s.period && s.failures >= leastFailures })
}

// wholeGrid returns every setting, or every one of usual values: also those of
// fewer failures than are proposed otherwise, and those with a timeout above the
// period. The latter are settings of their own. The kubelet asks nothing while it
// waits for an answer, and once more the instant it has timed out (K5), so that
// failures come a timeout apart and not a period:
//
//	period    |   |   |   |   |   |   |
//	hung         ×----------×----------×     timeout 3 periods, 2 failures
//
// For a process that is silent that is what a timeout of one period and as many
// more failures does. For answers that are only slow it is not: those that take up
// to the timeout succeed, and a hang is still noticed within a period of its start.
// A probe that asks once per timeout accepts the same answers and notices later.
func wholeGrid(current *model.Probe, onlyUsual bool) []setting {
	return settingsWhere(current, onlyUsual, func(setting) bool { return true })
}

// settingsWhere returns the settings of the grid that are wanted, of usual values or
// of all, and the current ones whatever they are.
func settingsWhere(current *model.Probe, onlyUsual bool, wanted func(setting) bool) []setting {
	periods, timeouts, failures := usualPeriods, usualTimeouts, usualFailures
	if !onlyUsual {
		periods, timeouts, failures = upTo(longestPeriod), upTo(longestTimeout), upTo(mostFailures)
	}
	var settings []setting
	for _, p := range periods {
		for _, t := range timeouts {
			for _, f := range failures {
				if s := (setting{p, t, f}); wanted(s) {
					settings = append(settings, s)
				}
			}
		}
	}
	if current != nil && !slices.Contains(settings, settingOf(current)) {
		settings = append(settings, settingOf(current))
	}
	return settings
}

// settings returns those of one kind of probe that the search considers.
func (s *search) settings(k model.ProbeKind, onlyUsual bool) []setting {
	current, least := s.w.Container().Probes[k], leastFailures(k)
	switch {
	case s.eagerness == 0:
		return grid(current, least, onlyUsual)
	case s.eagerness >= mostEager:
		least = 1
	case k == model.Liveness:
		least -= int32(s.eagerness) - 1
	}
	return slices.DeleteFunc(wholeGrid(current, onlyUsual), func(at setting) bool {
		return at.failures < least && (current == nil || at != settingOf(current))
	})
}

// mostEager is the eagerness of a search that considers the whole grid. That of a
// patient one is 0, 1 adds the timeouts above the period, and each step more takes
// one from the least threshold of liveness, until that is 1 as for readiness.
const mostEager = leastLivenessFailures

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
