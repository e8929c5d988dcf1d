package recommend

import (
	"cmp"
	"context"
	"slices"

	"github.com/probesim/probesim/model"
)

// mostHopeful is how many settings that are only possible are simulated at a
// time.
const mostHopeful = 2

// hope returns the search at the favourable end of its predictions: what misses
// an objective even there is out of the question.
func (s *search) hope() *search {
	hope := *s
	hope.favourable = true
	return &hope
}

// hopeful returns the settings that are predicted to kill least often among
// those which may meet every objective and have not been simulated yet: of usual
// values, or where there are none, of all.
func (s *search) hopeful(ctx context.Context) ([]finalist, error) {
	found := s.hopefulOf(true)
	if len(found) > 0 {
		return found, nil
	}
	if err := s.learnOthers(ctx); err != nil {
		return nil, err
	}
	return s.hopefulOf(false), nil
}

// hopefulOf looks among settings of usual values, or all.
func (s *search) hopefulOf(onlyUsual bool) []finalist {
	hope := s.hope()
	readiness, liveness := hope.options(model.Readiness, onlyUsual), hope.options(model.Liveness, onlyUsual)
	_, _, ofBoth := hope.grouped()
	if !onlyUsual {
		var worthPairing []*option
		for _, of := range groupedByPeriod(readiness) {
			worthPairing = append(worthPairing, hope.undominated(model.Readiness, of.options, ofBoth)...)
		}
		readiness = worthPairing
	}
	after := hope.afterStarts(readiness)
	s.hopefulFirst(liveness)
	var found []finalist
	for _, l := range liveness {
		c, ok := hope.complete(l, after)
		if !ok || s.tried[describe(s, c)] {
			continue
		}
		s.tried[describe(s, c)] = true
		if found = append(found, finalist{combination: *c}); len(found) == mostHopeful {
			break
		}
	}
	return found
}

// afterStart is a start with the readiness settings that meet their objectives after it.
type afterStart struct {
	first     start
	readiness []*option
}

// afterStarts returns every start of usual values with readiness settings.
func (s *search) afterStarts(readiness []*option) []afterStart {
	ofReadiness, _, _ := s.grouped()
	var all []afterStart
	for _, first := range s.startOptions(true) {
		all = append(all, afterStart{first, s.meeting(model.Readiness, first, readiness, ofReadiness)})
	}
	return all
}

// complete returns the best combination of a liveness setting with others that
// misses no objective.
func (s *search) complete(l *option, others []afterStart) (*combination, bool) {
	_, ofLiveness, ofBoth := s.grouped()
	var good []combination
	for _, other := range others {
		if s.missesAny(ofLiveness, &combination{start: other.first, liveness: l}) {
			continue
		}
		for _, r := range other.readiness {
			if c := pairedOf(other.first, r, l); !s.missesAny(ofBoth, &c) && !s.overloaded(&c) {
				good = append(good, c)
			}
		}
	}
	if len(good) == 0 {
		return nil, false
	}
	least := cheapestOf(good).cost
	good = slices.DeleteFunc(good, func(c combination) bool { return c.cost > least+tied })
	return &s.ranked(good)[0], true
}

// hopefulFirst puts liveness settings in the order in which they are tried: those
// that are predicted to detect hangs in time before those that only may, and the
// fewest predicted kills first. Where settings were simulated to kill too often, those
// that are more patient come first, the longest timeouts before others: rates beyond
// what was seen are too far from the truth to tell patient settings apart, and a long
// timeout leaves least to runs of late answers. So it is where readiness sheds load, as
// the rates are those beside one of its settings.
func (s *search) hopefulFirst(liveness []*option) {
	inTime := s.inTime()
	late := func(o *option) int { return oneIf(s.missesAny(inTime, &combination{liveness: o})) }
	wanting := func(o *option) int { return oneIf(s.wanting(o)) }
	slices.SortStableFunc(liveness, func(a, b *option) int {
		if a == nil || b == nil {
			return 0
		}
		sooner := cmp.Or(cmp.Compare(late(a), late(b)), cmp.Compare(wanting(a), wanting(b)))
		if len(s.lessons) > 0 || s.shedding != nil {
			sooner = cmp.Or(sooner, cmp.Compare(b.timeout, a.timeout))
		}
		return cmp.Or(sooner, cmp.Compare(a.bound, b.bound), cmp.Compare(b.tolerated(), a.tolerated()))
	})
}

func oneIf(is bool) int {
	if is {
		return 1
	}
	return 0
}
