package recommend

import (
	"math"
	"slices"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// correction is what the full simulation of one combination taught about an
// objective: how far it went beyond the prediction. It bears on what is no better
// than that combination by the rules of the probes, and of the same kind. What the
// cause is nobody knows, so it says nothing of other starts and other periods.
type correction struct {
	objective *model.Objective
	of        combination
	predicted float64
	shown     float64 // at the unfavourable end, and not much above the estimate
}

// mostBeyond is the most that a correction claims of settings which are better than
// those that taught it.
const mostBeyond = 1.25

// correct takes in what the simulation of finalists showed about the objectives
// that they did not meet. It reports whether there was anything.
func (s *search) correct(finalists []finalist) bool {
	changed := false
	for i := range finalists {
		f := &finalists[i]
		for j := range s.objectives {
			if f.variant == nil {
				break // not simulated
			}
			objective := &s.objectives[j]
			verdict := f.variant.Objectives[j].Met
			if verdict != nil && *verdict || verdict == nil && !f.confirmed || objective.AtLeast {
				continue
			}
			simulated, err := f.variant.Measures.Lookup(objective.Measure, objective.Statistic)
			plain, ok := s.plain(objective, &f.combination)
			if err != nil || simulated == nil || !ok || !(plain > 0) || simulated.Estimate == 0 {
				continue // nothing to learn from: of what was not seen, the bound is that of the effort
			}
			if ofKills(objective.Measure) && f.liveness != nil && f.liveness.extended {
				changed = s.learn(f) || changed
				continue
			}
			shown := simulated.High
			if math.IsInf(shown, 1) {
				shown = 1.1 * simulated.Estimate
			}
			// A hair more than what would just do.
			if shown *= 1.001; shown > s.corrected(objective, &f.combination, plain) {
				s.corrections = append(s.corrections, correction{objective, f.combination, plain, shown})
				changed = true
			}
		}
	}
	return changed
}

// corrected returns the prediction of an objective, corrected by what was taught.
func (s *search) corrected(o *model.Objective, c *combination, value float64) float64 {
	most := value
	for i := range s.corrections {
		if l := &s.corrections[i]; l.objective == o {
			most = math.Max(most, l.claims(c, value))
		}
	}
	return most
}

// claims returns what a correction says of a combination for which a value is
// predicted: what was shown, if the combination is no better, and otherwise, where
// it is a time, a little more than is predicted. A rate of kills beyond its bound is
// none of the liveness probe alone, so it is that of one start.
func (l *correction) claims(c *combination, value float64) float64 {
	switch measure := l.objective.Measure; {
	case ofKills(measure):
		if sameStart(c, &l.of) && c.liveness != nil && l.of.liveness != nil && c.liveness.noMorePatient(l.of.liveness) {
			return l.shown
		}
		return value
	case measure == "startupKillProbability":
		if (c.start.probe == nil) == (l.of.start.probe == nil) && value >= l.predicted {
			return l.shown
		}
		return value
	case measure == "readyLagSeconds" && !sameStart(c, &l.of):
		return value
	case value >= l.predicted:
		return l.shown
	case l.samePeriods(c):
		return value * math.Min(l.shown/l.predicted, mostBeyond)
	}
	return value
}

// sameStart reports whether two combinations protect starts in the same way.
func sameStart(a, b *combination) bool {
	p, q := a.start.probe, b.start.probe
	return p == q || p != nil && q != nil && *p == *q
}

// samePeriods reports whether the probes of a combination that a time depends on
// have the periods of those which taught it.
func (l *correction) samePeriods(c *combination) bool {
	same := func(a, b *option) bool { return a == b || a != nil && b != nil && a.period == b.period }
	switch l.objective.Measure {
	case "detectionSeconds", "recoverySeconds":
		return same(c.liveness, l.of.liveness)
	}
	return same(c.readiness, l.of.readiness)
}

// lesson is how often a setting that was simulated kills: at the lower end, and at
// the estimate.
type lesson struct {
	of                  *option
	atLeast, likelyMore float64 // per second
}

// learn remembers how often a finalist kills. The rates of settings that were not
// seen to fail are only extended, and how far one is from the truth says little
// about another; but one that is no more patient kills no less.
func (s *search) learn(f *finalist) bool {
	kills := f.variant.Measures.FalseKillRate()
	if kills == nil || !(kills.Estimate > 0) {
		return false
	}
	s.teach(f.liveness, kills)
	return true
}

// teach remembers how often a setting kills, per pod-year.
func (s *search) teach(o *option, kills *stats.Estimate) {
	s.lessons = append(s.lessons, lesson{o, kills.Low / year.Seconds(), kills.Estimate / year.Seconds()})
}

// noMorePatient reports whether a setting comes to a verdict no later than another,
// whatever delays the answers: it bears no longer silence, and no slower answer. To
// bear a longer silence alone is not enough: many short timeouts in a row are all
// exceeded by answers that one long timeout would have waited for.
func (o *option) noMorePatient(other *option) bool {
	return o.tolerated() <= other.tolerated() && o.timeout <= other.timeout
}

// wanting reports whether a setting is no more patient than one that was simulated to
// kill too often.
func (s *search) wanting(o *option) bool {
	return slices.ContainsFunc(s.lessons, func(l lesson) bool { return o.noMorePatient(l.of) })
}

// taught returns the rates of false kills that what was simulated leaves to a
// liveness setting whose own is extended: at least, and likely.
func (s *search) taught(o *option) (atLeast, likely float64) {
	for _, l := range s.lessons {
		if o.noMorePatient(l.of) {
			atLeast, likely = max(atLeast, l.atLeast), max(likely, l.likelyMore)
		}
	}
	return atLeast, likely
}
