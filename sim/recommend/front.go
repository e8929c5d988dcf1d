package recommend

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

const (
	// frontPoints is the most points of a front: as many as a chart can label. Of
	// them resortPoints at the most are last resorts.
	frontPoints, resortPoints = 24, 8
	// negligible is a rate, per pod-year, below which a lower one is not worth
	// showing: one in a million pod-years.
	negligible = 1e-6
	// worthwhile is the share of its false verdicts that a longer wait has to leave
	// at the most, so that any three digits show the difference.
	worthwhile = 0.99
)

// Standing is a choice of one probe's settings and how it stands to the others.
type Standing struct {
	PeriodSeconds    int32 `json:"periodSeconds"`
	TimeoutSeconds   int32 `json:"timeoutSeconds"`
	FailureThreshold int32 `json:"failureThreshold"`
	// Role is "current", "recommended" or "current and recommended"; empty: neither.
	Role string `json:"role"`
	// OnFront says that no other settings of the grid are better in both, by as much as
	// three digits show, down to one verdict in a million years: of those that are no
	// last resort no others that are none, of last resorts none at all. Periods that
	// nothing is predicted for are left out. Only settings with a role are listed
	// beside the front.
	OnFront bool `json:"onFront"`
	// LastResort says why such settings are proposed only where no others meet the
	// objectives; empty: they are no last resort.
	LastResort string `json:"lastResort"`
}

// FrontPoint is one point of the trade-off between false kills and detection.
type FrontPoint struct {
	Standing
	// DetectionP99Seconds is from a hang to the verdict, and follows from the
	// settings without chance.
	DetectionP99Seconds  stats.Estimate `json:"detectionP99Seconds"`
	FalseKillsPerPodYear stats.Estimate `json:"falseKillsPerPodYear"` // of a serving process
}

// RemovalPoint is one point of the trade-off between false removals from the
// endpoints and the removal of a hung pod.
type RemovalPoint struct {
	Standing
	// RemovalP99Seconds is from a hang to the last proxy that forgets the pod, and
	// follows from the settings and the propagation without chance.
	RemovalP99Seconds       stats.Estimate `json:"removalP99Seconds"`
	FalseRemovalsPerPodYear stats.Estimate `json:"falseRemovalsPerPodYear"` // of a serving process
}

// TradeOff is one point of either front.
type TradeOff struct {
	Standing
	P99Seconds         stats.Estimate // from a hang to what the probe is to bring about
	VerdictsPerPodYear stats.Estimate // false ones
}

// TradeOffs returns the front of the liveness or the readiness probe, the quickest
// settings first.
func (r *Recommendation) TradeOffs(k model.ProbeKind) []TradeOff {
	var all []TradeOff
	if k == model.Readiness {
		for _, p := range r.ReadinessFront {
			all = append(all, TradeOff{p.Standing, p.RemovalP99Seconds, p.FalseRemovalsPerPodYear})
		}
		return all
	}
	for _, p := range r.Front {
		all = append(all, TradeOff{p.Standing, p.DetectionP99Seconds, p.FalseKillsPerPodYear})
	}
	return all
}

// fronts fills in what there is to choose from: of the liveness probe detection
// against false kills, and of the readiness probe removal against false removals.
// Only what notices a hang has such a choice.
func (r *Recommendation) fronts(s *search) {
	if base := s.base[model.Liveness]; base != nil && !s.notices(model.Liveness) {
		r.note("there is no trade-off between detection and false kills: %s", s.unnoticed(base))
	}
	for _, c := range r.tradeOff(s, model.Liveness, func(o *option) float64 { return o.detection(.99) }) {
		r.Front = append(r.Front, FrontPoint{c.standing(model.Liveness), exactly(c.seconds, "exact (S4)"), s.verdicts(model.Liveness, &c.option)})
	}
	for _, c := range r.tradeOff(s, model.Readiness, func(o *option) float64 { return s.removal(o, .99) }) {
		r.ReadinessFront = append(r.ReadinessFront, RemovalPoint{
			c.standing(model.Readiness), exactly(c.seconds, "exact (S4) for the propagation given"), s.verdicts(model.Readiness, &c.option),
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
	resort  int // 1: a last resort, 0: not
	onFront bool
	role    string
	unusual int // values that people would not write
}

func (c *choice) standing(k model.ProbeKind) Standing {
	return Standing{c.period, c.timeout, c.failures, c.role, c.onFront, c.lastResort(k)}
}

// resort is 1 of a setting that is a last resort, and 0 of a patient one.
func (s setting) resort(k model.ProbeKind) int {
	if s.failures < leastFailures(k) || s.timeout > s.period {
		return 1
	}
	return 0
}

// lastResort says why a setting is proposed only where no patient one meets the
// objectives; empty: it is patient itself.
func (s setting) lastResort(k model.ProbeKind) string {
	least := leastFailures(k)
	switch {
	case s.failures < least && k == model.Liveness:
		return fmt.Sprintf("with fewer than %d failures in a row one or two lost packets would kill a process (A18, A25)", least)
	case s.failures < least:
		return "with a single failure one lost packet would take a pod out of the endpoints (A18, A25)"
	case s.timeout > s.period:
		return "with a timeout above the period failures follow each other a timeout apart (K5)"
	}
	return ""
}

// tradeOff returns the settings of the grid that no other beats both in the seconds
// to act on a hang and in the upper bound of false verdicts, the quickest first, and
// among them the current and the recommended settings wherever they stand. A last
// resort beats no patient setting, since it rests on less evidence: both are there to
// choose from.
func (r *Recommendation) tradeOff(s *search, k model.ProbeKind, toAct func(*option) float64) []choice {
	if s.base[k] == nil || !s.notices(k) {
		return nil
	}
	all := s.choices(k, r.roles(k), toAct)
	slices.SortFunc(all, func(a, b choice) int {
		return cmp.Or(cmp.Compare(a.seconds, b.seconds), cmp.Compare(a.bound, b.bound), cmp.Compare(a.resort, b.resort), cmp.Compare(a.unusual, b.unusual),
			cmp.Compare(b.period, a.period), cmp.Compare(a.timeout, b.timeout), cmp.Compare(a.failures, b.failures))
	})
	ofAll, ofPatient := math.Inf(1), math.Inf(1)
	var front []choice
	for _, c := range all {
		least := ofAll
		if c.resort == 0 {
			least = ofPatient
		}
		if c.onFront = c.bound < worthwhile*least && least*year.Seconds() >= negligible; c.onFront {
			ofAll = min(ofAll, c.bound)
			if c.resort == 0 {
				ofPatient = c.bound
			}
		}
		if c.onFront || c.role != "" {
			front = append(front, c)
		}
	}
	return thinFront(front)
}

// choices evaluates the settings of the grid in the order in which they may act at
// the soonest, until patient ones have acted whose false verdicts are negligible: none
// that acts later is on the front. Those with a role are evaluated in any case.
func (s *search) choices(k model.ProbeKind, roles map[setting]string, toAct func(*option) float64) []choice {
	current := s.w.Container().Probes[k]
	at := wholeGrid(current, false)
	for marked := range roles {
		if !slices.Contains(at, marked) {
			at = append(at, marked)
		}
	}
	// At the 99th percentile nearly a whole period passes before the hang is met.
	soonest := func(s setting) float64 {
		return float64(s.timeout+(s.failures-1)*max(s.timeout, s.period)) + 0.9*float64(s.period)
	}
	slices.SortFunc(at, func(a, b setting) int { return cmp.Compare(soonest(a), soonest(b)) })
	all := make([]choice, 0, len(at))
	enough := math.Inf(1)
	for _, at := range at {
		role := roles[at]
		if role == "" && (soonest(at) > enough || !s.foreseen(k, at)) {
			continue
		}
		o := s.option(k, at)
		if math.IsInf(o.bound, 1) {
			continue
		}
		c := choice{option: o, seconds: toAct(&o), resort: at.resort(k), role: role, unusual: at.unusual(current)}
		if c.resort == 0 && c.bound*year.Seconds() < negligible {
			enough = min(enough, c.seconds)
		}
		all = append(all, c)
	}
	return all
}

// foreseen reports whether a setting's rate follows from what the search has learned:
// its period was observed, or its chain is solved, where it takes more than a closed
// form.
func (s *search) foreseen(k model.ProbeKind, at setting) bool {
	switch {
	case s.chain[k] != nil:
		return s.chain[k].known[[2]int32{at.period, at.timeout}] != nil
	case s.loud[k] != nil:
		return s.loud[k].of(at.period) != nil
	}
	return true
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
		e.N = int64(path.attempts())
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

// thinFront keeps a readable number of points: the ends of the front and of the last
// resorts on it, what has a role, and of each stretch between the setting of which
// people would write the most values.
func thinFront(front []choice) []choice {
	of := func(resort int) []choice {
		return slices.DeleteFunc(slices.Clone(front), func(c choice) bool { return c.resort != resort || !c.onFront })
	}
	resorts := spaced(of(1), resortPoints)
	kept := append(spaced(of(0), frontPoints-len(resorts)), resorts...)
	return slices.DeleteFunc(front, func(c choice) bool {
		return c.role == "" && !slices.ContainsFunc(kept, func(k choice) bool { return k.setting == c.setting })
	})
}

// spaced returns so many of the points at the most: the ends, and of each of evenly
// long stretches between them the most usual.
func spaced(points []choice, most int) []choice {
	if len(points) <= most {
		return points
	}
	last := len(points) - 1
	kept := []choice{points[0], points[last]}
	for i := range most - 2 {
		stretch := points[1+i*(last-1)/(most-2) : 1+(i+1)*(last-1)/(most-2)]
		kept = append(kept, slices.MinFunc(stretch, func(a, b choice) int { return cmp.Compare(a.unusual, b.unusual) }))
	}
	return kept
}
