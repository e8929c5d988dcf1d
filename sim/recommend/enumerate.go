package recommend

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// Enumeration is what going through every combination of settings showed, without
// any choice of candidates (S19): periods of 1 to 60 s, thresholds and timeouts of 1
// to 30, timeouts above the period among them. A startup probe has one threshold for
// each period, that which the starts need: a greater one is worse in no objective,
// and a smaller one better in none. Its timeout is that of the liveness probe.
type Enumeration struct {
	// Combinations is how many there are: every startup period beside every period,
	// timeout and threshold of the readiness and of the liveness probe.
	Combinations int64 `json:"combinations"`
	// Meeting are those predicted to meet every objective at the unfavourable end
	// of the predictions, and Possible those that do at the favourable end. Without
	// any, no settings exist.
	Meeting  int64 `json:"meeting"`
	Possible int64 `json:"possible"`
	// Cheapest is what the cheapest of those meeting costs, in pod-seconds per
	// pod-year (S20), and Settings are its settings: of those with at least the
	// thresholds that are proposed as long as any of them meet the objectives. Null
	// and empty: there are none.
	Cheapest *float64 `json:"cheapestPodSecondsPerYear"`
	Settings string   `json:"settings"`
	// Agrees says that the search came to the same answer: settings where there are
	// some, which cost no more than the cheapest or as good as no more, and none
	// where there are none.
	Agrees bool `json:"agrees"`
}

// space is the settings to go through.
type space struct {
	starts              []start
	readiness, liveness []*option // each of them one nil where there is no such probe
}

// eagerly returns the search that considers the whole grid.
func (s *search) eagerly() *search {
	eager := *s
	eager.eagerness = mostEager
	return &eager
}

// whole returns every setting of the grid that the search considers.
func (s *search) whole() space {
	each := func(k model.ProbeKind) []*option {
		if s.base[k] == nil {
			return []*option{nil}
		}
		var options []*option
		for _, at := range s.settings(k, false) {
			o := s.option(k, at)
			options = append(options, &o)
		}
		return options
	}
	return space{s.startOptions(false), each(model.Readiness), each(model.Liveness)}
}

// enumerate counts the combinations of a space that miss no objective, and returns
// the cheapest of them. It goes through all without looking at each: every
// objective depends on the start and one of the probes, but for the ratio of the
// tolerances, for which the readiness settings of each period are put in the order
// of theirs, and the CPU time that the periods of both take.
//
//	for each start and liveness setting that meet their objectives, and each period:
//	    readiness settings, by tolerance:  ok ok ok ok | too patient
//	                                       count them  ^ from here on the ratio is missed
func (s *search) enumerate(of space) (meeting int64, cheapest *combination) {
	all := make([]*model.Objective, len(s.objectives))
	for i := range all {
		all[i] = &s.objectives[i]
	}
	return s.enumerateFor(of, all...)
}

// enumerateFor is enumerate for some of the search's objectives.
func (s *search) enumerateFor(of space, objectives ...*model.Objective) (meeting int64, cheapest *combination) {
	var ofReadiness, ofLiveness, always, ratios []*model.Objective
	for _, o := range objectives {
		switch {
		case o.Measure == estimate.Tolerance:
			ratios = append(ratios, o)
		case o.Measure == "readyLagSeconds":
			ofReadiness = append(ofReadiness, o)
		case (o.Measure == "removalSeconds" || o.Measure == "deadTrafficSecondsPerFault") && s.notices(model.Readiness):
			of.readiness = slices.DeleteFunc(slices.Clone(of.readiness), func(r *option) bool {
				return s.missesAny([]*model.Objective{o}, &combination{readiness: r})
			})
		case o.Measure == "detectionSeconds":
			always = append(always, o)
		default:
			ofLiveness = append(ofLiveness, o)
		}
	}
	liveness := slices.DeleteFunc(slices.Clone(of.liveness), func(l *option) bool { return s.missesAny(always, &combination{liveness: l}) })
	if len(liveness) == 0 {
		return 0, nil
	}
	of.readiness = slices.Clone(of.readiness)
	slices.SortStableFunc(of.readiness, func(a, b *option) int {
		if a == nil || b == nil {
			return 0
		}
		return cmp.Compare(a.tolerated(), b.tolerated())
	})
	for _, first := range of.starts {
		ordered := s.ordered(first, of.readiness, ofReadiness)
		for _, l := range liveness {
			c := combination{start: first, liveness: l}
			if s.missesAny(ofLiveness, &c) {
				continue
			}
			for _, t := range ordered {
				c := c
				n := s.beside(&c, t, ratios)
				meeting += n
				if n > 0 && (cheapest == nil || c.cost < cheapest.cost) {
					cheapest = &c
				}
			}
		}
	}
	return meeting, cheapest
}

// beside counts the readiness settings of one period that go with a combination's
// liveness setting, and adds the cheapest of them to it.
func (s *search) beside(c *combination, t *tolerances, ratios []*model.Objective) int64 {
	c.readiness = t.options[0]
	if s.overloaded(c) && !s.favourable {
		return 0
	}
	from, to := s.withinOnce(ratios, c.liveness, t)
	if from >= to {
		return 0
	}
	*c = pairedOf(c.start, t.cheapest(from, to), c.liveness)
	return int64(to - from)
}

func (s *search) missesAny(objectives []*model.Objective, c *combination) bool {
	return slices.ContainsFunc(objectives, func(o *model.Objective) bool {
		value, ok := s.predict(o, c)
		return ok && !meets(o, value)
	})
}

// tolerances are readiness settings of one period by what they tolerate, with the
// cheapest up to each and from each on.
type tolerances struct {
	options      []*option
	upTo, fromOn []*option
	known        map[time.Duration][2]int // ranges that go with what liveness tolerates
}

// ordered returns the readiness settings that meet their objectives after a start, by
// their period, of those that are in the order of what they tolerate.
func (s *search) ordered(first start, readiness []*option, objectives []*model.Objective) []*tolerances {
	var all []*tolerances
	of := map[int32]*tolerances{}
	for _, r := range readiness {
		if c := (combination{start: first, readiness: r}); s.missesAny(objectives, &c) {
			continue
		}
		period := int32(0)
		if r != nil {
			period = r.period
		}
		if of[period] == nil {
			of[period] = &tolerances{known: map[time.Duration][2]int{}}
			all = append(all, of[period])
		}
		of[period].options = append(of[period].options, r)
	}
	for _, t := range all {
		t.findCheapest()
	}
	return all
}

// findCheapest fills in the cheapest up to each option and from each on.
func (t *tolerances) findCheapest() {
	cheaper := func(a, b *option) *option {
		if a != nil && b != nil && b.cost < a.cost {
			return b
		}
		return a
	}
	t.upTo, t.fromOn = slices.Clone(t.options), slices.Clone(t.options)
	for i := 1; i < len(t.upTo); i++ {
		t.upTo[i] = cheaper(t.upTo[i-1], t.upTo[i])
		j := len(t.fromOn) - 1 - i
		t.fromOn[j] = cheaper(t.fromOn[j+1], t.fromOn[j])
	}
}

// cheapest returns the cheapest of a range that begins or ends with all of them.
func (t *tolerances) cheapest(from, to int) *option {
	if from == 0 {
		return t.upTo[to-1]
	}
	if to == len(t.options) {
		return t.fromOn[from]
	}
	return slices.MinFunc(t.options[from:to], func(a, b *option) int { return cmp.Compare(a.cost, b.cost) })
}

// withinOnce is within, which depends on what a liveness setting tolerates alone, and
// remembers it.
func (s *search) withinOnce(ratios []*model.Objective, l *option, t *tolerances) (from, to int) {
	if l == nil {
		return s.within(ratios, l, t)
	}
	at, ok := t.known[l.tolerated()]
	if !ok {
		at[0], at[1] = s.within(ratios, l, t)
		t.known[l.tolerated()] = at
	}
	return at[0], at[1]
}

// within returns the range of readiness settings whose tolerance is in every
// ratio wanted to that of a liveness setting.
func (s *search) within(ratios []*model.Objective, l *option, t *tolerances) (from, to int) {
	from, to = 0, len(t.options)
	for _, o := range ratios {
		met := func(r *option) bool {
			value, _ := s.predict(o, &combination{liveness: l, readiness: r})
			return meets(o, value)
		}
		if o.AtLeast { // the less patient a readiness setting is, the greater the ratio
			i, _ := slices.BinarySearchFunc(t.options, true, func(r *option, _ bool) int { return order(!met(r)) })
			to = min(to, i)
		} else {
			i, _ := slices.BinarySearchFunc(t.options, true, func(r *option, _ bool) int { return order(met(r)) })
			from = max(from, i)
		}
	}
	return from, to
}

// order puts what is not so before what is.
func order(so bool) int {
	if so {
		return 0
	}
	return -1
}

// size is the number of combinations.
func (of *space) size() int64 {
	return int64(len(of.starts)) * int64(len(of.readiness)) * int64(len(of.liveness))
}

// holdAgainstGrid goes through the whole grid and holds the search against it.
func (r *Recommendation) holdAgainstGrid(s *search) {
	patient, eager := *s, s.eagerly()
	patient.eagerness = 0
	of := eager.whole()
	e := &Enumeration{Combinations: of.size()}
	_, cheapest := patient.enumerate(patient.whole())
	var eagerest *combination
	e.Meeting, eagerest = eager.enumerate(of)
	if cheapest == nil {
		cheapest = eagerest
	}
	e.Possible, _ = eager.hope().enumerate(eager.hope().whole())
	r.Grid = e
	if cheapest != nil {
		e.Cheapest, e.Settings = &cheapest.cost, describe(s, cheapest)
	}
	switch {
	case r.Recommended == nil:
		e.Agrees = e.Meeting == 0
	case cheapest == nil || r.chosen == nil: // the full simulation, which met everything, knows better
		e.Agrees = e.Possible > 0
	default:
		e.Agrees = r.chosen.cost <= cheapest.cost+tied
	}
}

// exhausted says that no combination of the whole grid can meet every objective,
// if so: even at the favourable end of what is predicted for it. Where readiness sheds
// load that is no proof, as liveness was observed beside one of its settings; and where
// there is no handler to ask, there is no grid to go through.
func (s *search) exhausted() string {
	if s.shedding != nil || s.base[model.Readiness] == nil && s.base[model.Liveness] == nil {
		return ""
	}
	hope := s.eagerly().hope()
	of := hope.whole()
	if possible, _ := hope.enumerate(of); possible > 0 {
		return ""
	}
	what := fmt.Sprintf("none of the %.3g combinations of the whole grid can", float64(of.size()))
	if of.size() == 1 {
		what = "the only combination there is cannot"
	}
	return "; " + what + ", even at the favourable end of what is predicted for it: proved by exhaustion"
}
