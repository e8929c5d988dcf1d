package recommend

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"sync/atomic"

	"github.com/probesim/probesim/model"
)

// candidates returns what is predicted to meet every objective, best first: of the
// values people use, or where those do not, or values between them cost clearly less,
// of all. None: nothing of the grid is.
func (s *search) candidates(ctx context.Context) ([]combination, error) {
	usual := s.choose()
	if len(usual) == 0 {
		if err := s.learnOthers(ctx); err != nil {
			return nil, err
		}
		return s.chooseWhole(math.Inf(1)), nil
	}
	// No costs are below zero.
	if least := clearlyLess(cheapestOf(usual).cost); least > 0 {
		if whole := s.chooseWhole(least); len(whole) > 0 {
			return whole, nil
		}
	}
	return usual, nil
}

// cheapestOf returns the combination of the least cost.
func cheapestOf(all []combination) combination {
	return slices.MinFunc(all, func(a, b combination) int { return cmp.Compare(a.cost, b.cost) })
}

// learnOthers observes the periods for which no path of the usual ones stands. It
// takes long where probes cost much, and is done once, where usual values do not meet
// the objectives.
func (s *search) learnOthers(ctx context.Context) error {
	stop := new(atomic.Bool)
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()
	for k := range s.rest {
		if len(s.rest[k]) == 0 {
			continue
		}
		_, loud := split(s.w, s.contended)
		seen, err := s.observeAlone(loud, model.ProbeKind(k), s.rest[k], glance, stop)
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		maps.Copy(s.loud[k].path, seen.path)
		s.rest[k] = nil
	}
	return nil
}

// chooseWhole is choose for settings of all values, if the cheapest of them cost less
// than so much. Of those that cost about as little as the cheapest it returns the ones
// of the fewest probes, best first, and of the others the one of the fewest false
// kills.
func (s *search) chooseWhole(lessThan float64) []combination {
	of := space{s.startOptions(false), s.options(model.Readiness, false), s.options(model.Liveness, false)} // the cheapest first
	if len(of.readiness) == 0 || len(of.liveness) == 0 || pairedOf(start{}, of.readiness[0], of.liveness[0]).cost >= lessThan {
		return nil
	}
	_, cheapest := s.enumerate(of)
	if cheapest == nil || cheapest.cost >= lessThan {
		return nil
	}
	most := cheapest.cost + tied
	good := s.ranked(s.fewestProbes(of, most))
	if safest := s.safest(of.liveness, &good[0], most); safest != nil {
		good = append(good, *safest)
	}
	return good
}

// periods are settings of one kind of probe with the same period; one nil: there is
// no such probe.
type periods struct {
	load    float64 // probes per minute
	options []*option
}

// groupedByPeriod groups options, which stay in order.
func groupedByPeriod(options []*option) []*periods {
	var all []*periods
	of := map[int32]*periods{}
	for _, o := range options {
		period, load := int32(0), 0.0
		if o != nil {
			period, load = o.period, 60/float64(o.period)
		}
		if of[period] == nil {
			of[period] = &periods{load: load}
			all = append(all, of[period])
		}
		of[period].options = append(of[period].options, o)
	}
	return all
}

// fewestProbes returns the combinations that meet every objective, cost no more than
// so much, and take the fewest probes, and if that is one alone the next ones too. It
// goes through the pairs of periods in the order of their probes.
func (s *search) fewestProbes(of space, most float64) []combination {
	type pair struct{ readiness, liveness *periods }
	var pairs []pair
	for _, r := range groupedByPeriod(of.readiness) {
		for _, l := range groupedByPeriod(of.liveness) {
			pairs = append(pairs, pair{r, l})
		}
	}
	load := func(p pair) float64 { return p.readiness.load + p.liveness.load }
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(load(a), load(b)) })
	meeting := s.meetingOnce()
	_, _, ofBoth := s.grouped()
	var good []combination
	for i, p := range pairs {
		if len(good) > 1 && load(p) > load(pairs[i-1]) {
			break
		}
		for j := range of.starts {
			liveness := meeting(model.Liveness, &of.starts[j], p.liveness)
			for _, r := range meeting(model.Readiness, &of.starts[j], p.readiness) {
				for _, l := range liveness {
					c := pairedOf(of.starts[j], r, l)
					if c.cost <= most && !s.missesAny(ofBoth, &c) && !s.overloaded(&c) {
						good = append(good, c)
					}
				}
			}
		}
	}
	return good
}

// pairedOf returns a combination with what it costs.
func pairedOf(first start, readiness, liveness *option) combination {
	c := combination{start: first, readiness: readiness, liveness: liveness}
	for _, o := range []*option{readiness, liveness} {
		if o != nil {
			c.cost += o.cost
		}
	}
	return c
}

// meetingOnce returns what yields the settings of one period that are worth pairing
// with a start, and remembers them.
func (s *search) meetingOnce() func(model.ProbeKind, *start, *periods) []*option {
	type key struct {
		*start
		*periods
	}
	ofReadiness, ofLiveness, ofBoth := s.grouped()
	known := map[key][]*option{}
	return func(k model.ProbeKind, first *start, of *periods) []*option {
		options, ok := known[key{first, of}]
		if !ok {
			objectives := ofReadiness
			if k == model.Liveness {
				objectives = ofLiveness
			}
			options = s.undominated(k, s.meeting(k, *first, of.options, objectives), ofBoth)
			known[key{first, of}] = options
		}
		return options
	}
}

// undominated returns the options of one period to which no other is preferred in any
// combination: one that costs no more, is of no more unusual values and no longer
// timeouts, and that what depends on both probes prefers too, the ratio of what they
// tolerate.
func (s *search) undominated(k model.ProbeKind, options []*option, ofBoth []*model.Objective) []*option {
	current := s.w.Container().Probes[k]
	noWorse := func(a, b *option) bool {
		if a.unusual(current) > b.unusual(current) || 100*a.timeout+a.failures > 100*b.timeout+b.failures {
			return false
		}
		for _, ratio := range ofBoth {
			if more := a.tolerated() - b.tolerated(); more > 0 && ratio.AtLeast == (k == model.Readiness) || more < 0 && ratio.AtLeast == (k == model.Liveness) {
				return false
			}
		}
		return true
	}
	var kept []*option
	for _, o := range options { // the cheapest first
		if o == nil || !slices.ContainsFunc(kept, func(k *option) bool { return noWorse(k, o) }) {
			kept = append(kept, o)
		}
	}
	return kept
}

// safest returns the combination that differs from the best in the liveness probe, and
// of all such that meet every objective and cost no more than so much is predicted to
// kill least often. Nil: the best is.
func (s *search) safest(liveness []*option, best *combination, most float64) *combination {
	if best.liveness == nil {
		return nil
	}
	var safest *combination
	for _, l := range liveness {
		if safest != nil && safest.liveness.bound <= l.bound || l.bound >= best.liveness.bound {
			continue
		}
		if c := pairedOf(best.start, best.readiness, l); c.cost <= most && len(s.missed(&c)) == 0 && !s.overloaded(&c) {
			safest = &c
		}
	}
	return safest
}
