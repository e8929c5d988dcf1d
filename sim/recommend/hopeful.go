package recommend

import (
	"cmp"
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
// those which may meet every objective and have not been simulated yet.
func (s *search) hopeful() []finalist {
	hope := s.hope()
	readiness, starts := hope.options(model.Readiness, true), hope.startOptions(true)
	liveness := hope.options(model.Liveness, true)
	s.hopefulFirst(liveness)
	var found []finalist
	for _, l := range liveness {
		c, ok := hope.complete(l, readiness, starts)
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

// complete returns the best combination of a liveness setting with others that
// misses no objective.
func (s *search) complete(l *option, readiness []*option, starts []start) (*combination, bool) {
	var good []combination
	for _, first := range starts {
		for _, r := range readiness {
			c := combination{start: first, readiness: r, liveness: l}
			if len(s.missed(&c)) > 0 || s.overloaded(&c) {
				continue
			}
			for _, o := range []*option{r, l} {
				if o != nil {
					c.cost += o.cost
				}
			}
			good = append(good, c)
		}
	}
	if len(good) == 0 {
		return nil, false
	}
	cheapest := slices.MinFunc(good, func(a, b combination) int { return cmp.Compare(a.cost, b.cost) }).cost
	good = slices.DeleteFunc(good, func(c combination) bool { return c.cost > cheapest+tied })
	return &s.ranked(good)[0], true
}

// hopefulFirst puts liveness settings in the order in which they are tried: those
// that are predicted to detect hangs in time before those that only may, and the
// fewest predicted kills first. Where settings were simulated to kill too often, those
// that are more patient come first, the longest timeouts before others: rates beyond
// what was seen are too far from the truth to tell patient settings apart, and a long
// timeout leaves least to runs of late answers.
func (s *search) hopefulFirst(liveness []*option) {
	inTime := s.inTime()
	late := func(o *option) int { return oneIf(s.missesAny(inTime, &combination{liveness: o})) }
	wanting := func(o *option) int { return oneIf(s.wanting(o)) }
	slices.SortStableFunc(liveness, func(a, b *option) int {
		if a == nil || b == nil {
			return 0
		}
		sooner := cmp.Or(cmp.Compare(late(a), late(b)), cmp.Compare(wanting(a), wanting(b)))
		if len(s.lessons) > 0 {
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
