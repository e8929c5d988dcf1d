package recommend

import (
	"cmp"
	"math"
	"slices"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// frontPoints is the most points of a front: as many as a chart can label.
const frontPoints = 24

// negligible is a rate, per pod-year, below which a lower one is not worth
// showing: one in a million pod-years.
const negligible = 1e-6

// front fills in the trade-off between detection and false kills: the liveness
// settings of usual values that no other beats in both.
func (r *Recommendation) front(s *search) {
	base := s.base[model.Liveness]
	if base == nil {
		return
	}
	if !s.notices(model.Liveness) {
		r.note("there is no trade-off between detection and false kills: %s", s.unnoticed(base))
		return
	}
	var options []option
	for _, at := range grid(s.w.Container().Probes[model.Liveness], leastLivenessFailures, true) {
		if o := s.option(model.Liveness, at); !math.IsInf(o.bound, 1) {
			options = append(options, o)
		}
	}
	slices.SortStableFunc(options, func(a, b option) int {
		return cmp.Or(cmp.Compare(a.detection(.99), b.detection(.99)), cmp.Compare(a.bound, b.bound), cmp.Compare(60/a.period, 60/b.period))
	})
	least := math.Inf(1)
	var front []FrontPoint
	for _, o := range options {
		if o.bound >= least {
			continue
		}
		if least*year.Seconds() < negligible {
			break // one more would not be worth its longer detection to anybody
		}
		least = o.bound
		method := "closed form (S3, S1)"
		if s.chain[model.Liveness] != nil {
			method = "Markov chain (S2)"
		} else if o.extended {
			method = "observed runs, extended beyond the longest"
		} else if s.loud[model.Liveness] != nil {
			method = "observed runs and closed form (S3, S1)"
		}
		low := o.rate
		if s.loud[model.Liveness] != nil {
			low = 0
		}
		front = append(front, FrontPoint{
			PeriodSeconds: o.period, TimeoutSeconds: o.timeout, FailureThreshold: o.failures,
			DetectionP99Seconds: o.detection(.99),
			FalseKillsPerPodYear: stats.Estimate{
				Estimate: o.rate * year.Seconds(), Low: low * year.Seconds(), High: o.bound * year.Seconds(),
				Confidence: s.confidence, Method: method,
			},
		})
	}
	r.Front = append(r.Front, thinFront(front)...)
}

// unnoticed says why the liveness probe detects no hang.
func (s *search) unnoticed(p *model.Probe) string {
	if p.Handler.Kind == model.TCPSocket {
		return "a tcpSocket liveness probe notices no hang, as the kernel accepts the connections of a hung process (C10), and so every setting only kills healthy ones"
	}
	return "the liveness probe notices no hang (hangCoverage 0), and so every setting only kills healthy processes"
}

// thinFront keeps the ends of a front and evenly many points between.
func thinFront(front []FrontPoint) []FrontPoint {
	if len(front) <= frontPoints {
		return front
	}
	kept := make([]FrontPoint, 0, frontPoints)
	for i := range frontPoints {
		kept = append(kept, front[i*(len(front)-1)/(frontPoints-1)])
	}
	return kept
}
