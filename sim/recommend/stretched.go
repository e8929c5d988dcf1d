package recommend

import (
	"fmt"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// Starts says how long starts take, from the process's start to able to serve, and
// what the CPU limit makes of them.
type Starts struct {
	P50Seconds float64 `json:"p50Seconds"` // simulated
	P99Seconds float64 `json:"p99Seconds"`
	CPUSeconds float64 `json:"cpuSeconds"` // CPU time of a start whose every stage is at its median
	CPULimit   string  `json:"cpuLimit"`   // of the container; empty: none
	// AtLimits is how long that start would take with more CPU, by the arithmetic of
	// the quota (S8). Empty: there is no limit that stretches it.
	AtLimits []StartAtLimit `json:"atLimits"`
}

// StartAtLimit is the wall time of a start under a CPU limit.
type StartAtLimit struct {
	CPULimit string  `json:"cpuLimit"` // empty: none
	Seconds  float64 `json:"seconds"`
}

// stretchedFrom is how many times as long as without a CPU limit a start takes from
// which the answer says so.
const stretchedFrom = 2

// startsOf describes the starts of the search's world. Nil: a start takes no time.
func (s *search) startsOf() *Starts {
	if len(s.w.Application.Startup) == 0 {
		return nil
	}
	limit := s.w.Container().CPULimitMilli
	if s.w.Node.NoCFSQuota {
		limit = 0
	}
	starts := &Starts{
		P50Seconds: s.startQuantile(.5).Seconds(), P99Seconds: s.startQuantile(.99).Seconds(),
		CPULimit: estimate.Quantity(limit), AtLimits: []StartAtLimit{},
	}
	for i := range s.w.Application.Startup {
		starts.CPUSeconds += median(s.w.Application.Startup[i].CPU)
	}
	if limit > 0 && startAt(s.w, limit) > startAt(s.w, 0) {
		for _, at := range []int64{limit, 2 * limit, 4 * limit, 0} {
			starts.AtLimits = append(starts.AtLimits, StartAtLimit{estimate.Quantity(at), startAt(s.w, at)})
		}
	}
	return starts
}

// startAt returns the seconds of a start whose every stage is at its median, under a
// CPU limit in thousandths, 0 for none.
func startAt(w *model.World, milli int64) float64 { return estimate.StartLasts(w, milli, median) }

func median(d dist.Duration) float64 { return d.Quantile(.5).Seconds() }

// Sentence says what more CPU would make of the starts; empty: the CPU limit does
// not stretch them to twice their length.
func (s *Starts) Sentence() string {
	if s == nil || len(s.AtLimits) == 0 {
		return ""
	}
	limited, twice, unlimited := s.AtLimits[0].Seconds, s.AtLimits[1], s.AtLimits[len(s.AtLimits)-1].Seconds
	if limited < stretchedFrom*unlimited {
		return ""
	}
	return fmt.Sprintf("A start takes %s at the median and %s in one of a hundred: the limit of %s stretches its %s of CPU. It needs so long a budget, or more CPU: with %s it would take about %s, without a limit %s",
		seconds(s.P50Seconds), seconds(s.P99Seconds), s.CPULimit, seconds(s.CPUSeconds), twice.CPULimit, seconds(twice.Seconds), seconds(unlimited))
}
