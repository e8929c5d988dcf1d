package recommend

import (
	"context"
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
)

// Table is what usual settings of the liveness and the readiness probe are
// predicted to lead to under one CPU limit. It is for looking around: only the
// full simulation decides.
type Table struct {
	CPULimit  string  `json:"cpuLimit"` // empty: none
	Liveness  []Entry `json:"liveness"`
	Readiness []Entry `json:"readiness"`
}

// Entry is one setting of one probe.
type Entry struct {
	PeriodSeconds    int32 `json:"periodSeconds"`
	TimeoutSeconds   int32 `json:"timeoutSeconds"`
	FailureThreshold int32 `json:"failureThreshold"`
	// VerdictsPerPodYear are the false verdicts on a serving process, and AtMost
	// their upper bound; null: there is none.
	VerdictsPerPodYear calc.Number `json:"verdictsPerPodYear"`
	AtMost             calc.Number `json:"atMost"`
	// P99Seconds is the 99th percentile from a hang to the kill verdict for
	// liveness, to the last proxy's removal for readiness; null: it notices none.
	P99Seconds calc.Number `json:"p99Seconds"`
}

// Tables predicts every usual setting for the world as it is, or as
// the margin makes it, and for each of
// the CPU limits in thousandths, which may be 0 for none. Limits apply only to a
// container that has one.
func Tables(ctx context.Context, w *model.World, o Options, limits ...int64) ([]Table, error) {
	if len(o.Objectives) == 0 {
		o.Objectives = DefaultObjectives()
	}
	w = o.world(w)
	worlds := []*model.World{w}
	if current := w.Container().CPULimitMilli; current > 0 && !w.Node.NoCFSQuota {
		for _, limit := range limits {
			if limit == current {
				continue
			}
			container := *w.Container()
			container.CPULimitMilli = limit
			worlds = append(worlds, w.WithContainer(container))
		}
	}
	tables := make([]Table, 0, len(worlds))
	for _, world := range worlds {
		s, err := newSearch(ctx, world, o, glance, []time.Duration{0})
		if err != nil {
			return nil, err
		}
		table := Table{Liveness: s.entries(model.Liveness), Readiness: s.entries(model.Readiness)}
		if limit := world.Container().CPULimitMilli; limit > 0 {
			table.CPULimit = estimate.Quantity(limit)
		}
		tables = append(tables, table)
	}
	return tables, nil
}

// entries predicts the usual settings of one kind of probe; none where there is
// no handler to ask.
func (s *search) entries(k model.ProbeKind) []Entry {
	entries := []Entry{}
	if s.base[k] == nil {
		return entries
	}
	for _, at := range grid(s.w.Container().Probes[k], 1, true) {
		o := s.option(k, at)
		if math.IsInf(o.bound, 1) {
			continue // its period was not observed
		}
		p99 := math.NaN()
		switch {
		case !s.notices(k):
		case k == model.Liveness:
			p99 = o.detection(.99)
		default:
			p99 = s.removal(&o, .99)
		}
		entries = append(entries, Entry{
			PeriodSeconds: at.period, TimeoutSeconds: at.timeout, FailureThreshold: at.failures,
			VerdictsPerPodYear: calc.Number(o.rate * year.Seconds()), AtMost: calc.Number(o.bound * year.Seconds()), P99Seconds: calc.Number(p99),
		})
	}
	return entries
}
