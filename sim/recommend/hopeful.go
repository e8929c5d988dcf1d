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
	slices.SortStableFunc(liveness, func(a, b *option) int {
		if a == nil || b == nil {
			return 0
		}
		return cmp.Or(cmp.Compare(a.bound, b.bound), cmp.Compare(b.tolerated(), a.tolerated()))
	})
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
