package recommend

import (
	"fmt"
	"maps"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// mostWorse is the greatest safety multiplier that is looked for.
const mostWorse = 64.0

// safety returns by what factor stalls, pauses, CPU demand and starts may all
// become longer before an objective is predicted to break, and which (S21). ok
// is false where the prediction rests on observed paths, which would have to be
// simulated anew for every factor.
func (s *search) safety(c *combination) (factor float64, breaks string, ok bool) {
	if s.loud[model.Readiness] != nil || s.loud[model.Liveness] != nil {
		return 0, "", false
	}
	missedAt := func(by float64) []*model.Objective {
		worse := s.worsened(by)
		again := worse.again(c)
		return worse.missed(&again)
	}
	low, high := 1.0, mostWorse
	if missed := missedAt(low); len(missed) > 0 {
		return low, estimate.Name(*missed[0]), true
	}
	if len(missedAt(high)) == 0 {
		return high, "", true
	}
	for high/low > 1.02 {
		middle := (low + high) / 2
		if len(missedAt(middle)) == 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return low, estimate.Name(*missedAt(high)[0]), true
}

// worsened returns the search in a world whose stalls, pauses, CPU demand and
// starts are so many times as long.
func (s *search) worsened(by float64) *search {
	worse := *s
	worse.w = worsened(s.w, by)
	worse.starts = make([]time.Duration, len(s.starts))
	for i, d := range s.starts {
		worse.starts[i] = dist.Longest
		if longer := float64(d) * by; longer < float64(dist.Longest) {
			worse.starts[i] = time.Duration(longer)
		}
	}
	worse.corrections = maps.Clone(s.corrections)
	worse.lags = map[[2]int32][]time.Duration{}
	quiet, _, _ := split(worse.w)
	for k := range worse.closed {
		if s.closed[k] != nil {
			kind := model.ProbeKind(k)
			worse.closed[k] = estimate.NewClosedForm(quiet.WithContainer(quiet.Container().WithProbe(kind, s.base[k])), kind)
		}
	}
	return &worse
}

// again evaluates the settings of a combination anew.
func (s *search) again(c *combination) combination {
	fresh := combination{start: c.start}
	if c.start.probe != nil {
		fresh.start.kills = s.exceeds(guaranteed(c.start.probe))
	}
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		if o := c.of(k); o != nil {
			option := s.option(k, o.setting)
			fresh = fresh.with(k, &option)
		}
	}
	return fresh
}

// safetyText writes the safety multiplier of a combination as a clause.
func (s *search) safetyText(c *combination) string {
	factor, breaks, ok := s.safety(c)
	switch {
	case !ok:
		return ""
	case breaks == "":
		return fmt.Sprintf("stalls, pauses, CPU demand and starts may all become %g times as long and no objective is predicted to break", mostWorse)
	case factor == 1:
		return fmt.Sprintf("none, %s is predicted to be missed as things are", breaks)
	}
	return fmt.Sprintf("stalls, pauses, CPU demand and starts may all become %.2g times as long before %s is predicted to break", factor, breaks)
}
