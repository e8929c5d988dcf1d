package recommend

import (
	"cmp"
	"math"
	"slices"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

const (
	// frontPoints is the most points of a front: as many as a chart can label.
	frontPoints = 24
	// negligible is a rate, per pod-year, below which a lower one is not worth
	// showing: one in a million pod-years.
	negligible = 1e-6
	// worthwhile is the share of its false verdicts that a longer wait has to leave
	// at the most, so that any three digits show the difference.
	worthwhile = 0.99
)

// fronts fills in what there is to choose from: of the liveness probe detection
// against false kills, and of the readiness probe removal against false removals.
// Only what notices a hang has such a choice.
func (r *Recommendation) fronts(s *search) {
	if base := s.base[model.Liveness]; base != nil && !s.notices(model.Liveness) {
		r.note("there is no trade-off between detection and false kills: %s", s.unnoticed(base))
	}
	for _, o := range r.tradeOff(s, model.Liveness, func(o *option) float64 { return o.detection(.99) }) {
		r.Front = append(r.Front, FrontPoint{
			PeriodSeconds: o.period, TimeoutSeconds: o.timeout, FailureThreshold: o.failures, Role: o.role, OnFront: o.onFront,
			DetectionP99Seconds: exactly(o.seconds, "exact (S4)"), FalseKillsPerPodYear: s.verdicts(model.Liveness, &o.option),
		})
	}
	for _, o := range r.tradeOff(s, model.Readiness, func(o *option) float64 { return s.removal(o, .99) }) {
		r.ReadinessFront = append(r.ReadinessFront, RemovalPoint{
			PeriodSeconds: o.period, TimeoutSeconds: o.timeout, FailureThreshold: o.failures, Role: o.role, OnFront: o.onFront,
			RemovalP99Seconds: exactly(o.seconds, "exact (S4) for the propagation given"), FalseRemovalsPerPodYear: s.verdicts(model.Readiness, &o.option),
		})
	}
}

// exactly is the estimate of what follows without chance from what is given.
func exactly(x float64, method string) stats.Estimate {
	return stats.Estimate{Estimate: x, Low: x, High: x, Confidence: 1, Method: method}
}

// choice is a setting with the time that it takes to act on a hang, and how it
// stands to the others.
type choice struct {
	option
	seconds float64
	onFront bool
	role    string
}

// tradeOff returns the settings of usual values that no other beats both in the
// seconds to act on a hang and in the upper bound of false verdicts, the quickest
// first, and among them the current and the recommended settings wherever they
// stand.
func (r *Recommendation) tradeOff(s *search, k model.ProbeKind, toAct func(*option) float64) []choice {
	if s.base[k] == nil || !s.notices(k) {
		return nil
	}
	roles := r.roles(k)
	at := grid(s.w.Container().Probes[k], leastFailures(k), true)
	for marked := range roles {
		if !slices.Contains(at, marked) {
			at = append(at, marked)
		}
	}
	var all []choice
	for _, at := range at {
		if o := s.option(k, at); !math.IsInf(o.bound, 1) {
			all = append(all, choice{option: o, seconds: toAct(&o), role: roles[at]})
		}
	}
	slices.SortFunc(all, func(a, b choice) int {
		return cmp.Or(cmp.Compare(a.seconds, b.seconds), cmp.Compare(a.bound, b.bound), cmp.Compare(b.period, a.period),
			cmp.Compare(a.timeout, b.timeout), cmp.Compare(a.failures, b.failures))
	})
	least := math.Inf(1)
	var front []choice
	for _, c := range all {
		if c.onFront = c.bound < worthwhile*least && least*year.Seconds() >= negligible; c.onFront {
			least = c.bound
		}
		if c.onFront || c.role != "" {
			front = append(front, c)
		}
	}
	return thinFront(front)
}

// roles names the settings of one kind of probe that are in force or recommended.
func (r *Recommendation) roles(k model.ProbeKind) map[setting]string {
	roles := map[setting]string{}
	if p := r.Current.probe(k); p != nil {
		roles[settingOf(p)] = "current"
	}
	if r.Recommended == nil {
		return roles
	}
	if p := r.Recommended.probe(k); p != nil {
		role := "recommended"
		if roles[settingOf(p)] != "" {
			role = "current and recommended"
		}
		roles[settingOf(p)] = role
	}
	return roles
}

// probe returns the probe of kind k; nil: none.
func (p *Proposal) probe(k model.ProbeKind) *model.Probe {
	return [model.ProbeKinds]*model.Probe{p.Settings.StartupProbe, p.Settings.ReadinessProbe, p.Settings.LivenessProbe}[k]
}

// verdicts is the rate of false verdicts of a setting per pod-year, and where it
// comes from: N are the attempts that were observed for it.
func (s *search) verdicts(k model.ProbeKind, o *option) stats.Estimate {
	e := stats.Estimate{Estimate: o.rate * year.Seconds(), Low: o.low * year.Seconds(), High: o.bound * year.Seconds(), Confidence: s.confidence}
	path := s.loud[k].of(o.period)
	switch {
	case s.chain[k] != nil:
		e.Method = "Markov chain (S2)"
	case path == nil:
		e.Method = "closed form (S3, S1)"
	case o.extended:
		e.Method = "observed runs, extended beyond the longest"
	default:
		e.Method = "observed runs and closed form (S3, S1)"
	}
	if path != nil {
		e.N = int64(path.time / path.period)
	}
	return e
}

// unnoticed says why the liveness probe detects no hang.
func (s *search) unnoticed(p *model.Probe) string {
	if p.Handler.Kind == model.TCPSocket {
		return "a tcpSocket liveness probe notices no hang, as the kernel accepts the connections of a hung process (C10), and so every setting only kills healthy ones"
	}
	return "the liveness probe notices no hang (hangCoverage 0), and so every setting only kills healthy processes"
}

// thinFront keeps the ends of a front, what has a role, and evenly many points
// between.
func thinFront(front []choice) []choice {
	if len(front) <= frontPoints {
		return front
	}
	next := 0
	kept := make([]choice, 0, frontPoints+2)
	for i, c := range front {
		due := next*(len(front)-1)/(frontPoints-1) == i
		if due {
			next++
		}
		if due || c.role != "" {
			kept = append(kept, c)
		}
	}
	return kept
}
