package recommend

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
)

// What binds a value, where no objective does (S20).
const (
	byGrid      = "end of the grid"
	byThreshold = "least threshold proposed"
	byPeriod    = "period"
	byCost      = "least expected cost"
	byProbes    = "fewest probes"
	byUsual     = "usual value"
	byTimeout   = "shortest timeout"
	byFailures  = "fewest failures"
	byKills     = "fewest false verdicts"
	bySearch    = "full simulation"
	byCurrent   = "current value"
	byBudget    = "startup budget"
	byLiveness  = "livenessProbe.timeoutSeconds"
)

// field is one of the three numbers of a setting.
type field struct {
	name  string
	unit  string
	of    func(*setting) *int32
	most  int32
	usual []int32
	// pull is where the order of settings pulls a value that nothing binds: +1 to
	// long periods, for the fewest probes; -1 to short timeouts and few failures.
	pull int
}

var fields = []field{
	{"periodSeconds", " s", func(s *setting) *int32 { return &s.period }, longestPeriod, usualPeriods, +1},
	{"timeoutSeconds", " s", func(s *setting) *int32 { return &s.timeout }, longestTimeout, usualTimeouts, -1},
	{"failureThreshold", "", func(s *setting) *int32 { return &s.failures }, mostFailures, usualFailures, -1},
}

// values are those of a field that its reason looks at: the value itself, one less
// and one more, and what people use, ascending.
func (f *field) values(now int32) []int32 {
	all := append(slices.Clone(f.usual), now-1, now, now+1)
	slices.Sort(all)
	return slices.Compact(all)
}

// excluded says why a value cannot be had in a setting, and how that is called;
// empty: it can.
func (f *field) excluded(k model.ProbeKind, at setting) (why, binding string) {
	value := *f.of(&at)
	switch {
	case value < 1:
		return belowLeast(value, f.unit), byGrid
	case value > f.most:
		return fmt.Sprintf("%d%s is above the grid of 1 to %d%s", value, f.unit, f.most, f.unit), byGrid
	case at.timeout > at.period && f.name == "periodSeconds":
		return fmt.Sprintf("%d s is below the timeout of %d s", value, at.timeout), byPeriod
	case at.timeout > at.period:
		return fmt.Sprintf("%d s is above the period of %d s", value, at.period), byPeriod
	case at.failures < leastFailures(k) && f.name == "failureThreshold":
		return fmt.Sprintf("%d is below the least threshold proposed, %d", value, leastFailures(k)), byThreshold
	}
	return "", ""
}

// belowLeast says that there is no such value.
func belowLeast(value int32, unit string) string {
	return fmt.Sprintf("%d%s is below the least there is", value, unit)
}

// explanation gives the reasons for a combination of settings.
type explanation struct {
	*search
	c    *combination
	kept bool // it is that of the current settings
}

// all returns the reason of each field of every probe.
func (e *explanation) all() []Reason {
	reasons := e.start()
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		if e.c.of(k) == nil {
			continue
		}
		for i := range fields {
			reasons = append(reasons, e.reason(k, &fields[i]))
		}
	}
	return append(reasons, e.delays()...)
}

// rival is another value of one field, the others being as they are.
type rival struct {
	value    int32
	at       option
	c        combination
	guessed  bool    // its period was not observed, only a shorter one
	most     float64 // false verdicts per second, as bounded all the same
	excluded string  // why it cannot be had
	stop     string  // what keeps the search from it; empty: nothing that is predicted
	missed   []*model.Objective
}

// rival evaluates another value of a field.
func (e *explanation) rival(k model.ProbeKind, f *field, value int32) rival {
	o := e.c.of(k)
	at := o.setting
	*f.of(&at) = value
	r := rival{value: value}
	r.excluded, r.stop = f.excluded(k, at)
	if r.excluded != "" && r.stop != byThreshold {
		return r
	}
	r.at = e.option(k, at)
	r.most = r.at.bound
	if r.guessed = e.loud[k] != nil && e.loud[k].of(at.period) == nil; r.guessed && o.period > at.period {
		r.most = math.Max(r.most, o.bound) // a longer period is seen to come to more
	}
	r.c = e.c.with(k, &r.at)
	r.c.cost += r.at.cost - o.cost
	r.missed = e.newlyMissed(&r.c)
	switch {
	case r.excluded != "":
	case len(r.missed) > 0:
		r.stop = estimate.Name(*r.missed[0])
	default:
		r.stop = e.worse(&r.c, f)
	}
	return r
}

// newlyMissed returns the objectives that a neighbour is predicted to miss and
// whose prediction it changes: the others say nothing about the change.
func (e *explanation) newlyMissed(neighbour *combination) []*model.Objective {
	return slices.DeleteFunc(e.missed(neighbour), func(o *model.Objective) bool {
		before, _ := e.predict(o, e.c)
		after, _ := e.predict(o, neighbour)
		return before == after
	})
}

// worse says what puts another combination, which differs in one field, behind in
// the order of the search (S20), which looks at usual values first; empty: nothing
// does.
func (e *explanation) worse(other *combination, f *field) string {
	probes := e.w.Container().Probes
	switch {
	case e.unusual(other, &probes) > e.unusual(e.c, &probes):
		return byUsual
	case other.cost > e.c.cost+tied:
		return byCost
	case load(other) > load(e.c):
		return byProbes
	case load(other) < load(e.c):
		return ""
	case timeouts(other) > timeouts(e.c) && f.name == "timeoutSeconds":
		return byTimeout
	case timeouts(other) > timeouts(e.c):
		return byFailures
	}
	return ""
}

// reason explains one number of one probe by its neighbours, one less and one
// more, by what binds it, and by the next best value.
func (e *explanation) reason(k model.ProbeKind, f *field) Reason {
	now := *f.of(&e.c.of(k).setting)
	var rivals []rival
	own := 0
	for _, value := range f.values(now) {
		if value == now {
			own = len(rivals)
		}
		rivals = append(rivals, e.rival(k, f, value))
	}
	binding, side, stop := e.binding(f, rivals, own)
	next := e.runnerUp(rivals, own)
	reason := Reason{
		Field: k.Field() + "." + f.name, Value: strconv.Itoa(int(now)), Binding: binding,
		Alternatives: []Alternative{e.alternative(k, &rivals[own])},
	}
	first := lead(binding, side)
	if f.pull > 0 && side > 0 && !e.kept {
		first += ", for the fewest probes"
	}
	parts := []string{first + ": " + e.leadsTo(k, &rivals[own], true)}
	told := map[int]bool{own: true}
	for _, i := range []int{own - 1, own + 1, stop, next} {
		if i < 0 || i >= len(rivals) || told[i] {
			continue
		}
		told[i] = true
		reason.Alternatives = append(reason.Alternatives, e.alternative(k, &rivals[i]))
		if rivals[i].value >= 1 { // else it is the least there is
			parts = append(parts, e.neighbour(k, f, &rivals[i], i == next))
		}
	}
	if next >= 0 {
		reason.RunnerUp = strconv.Itoa(int(rivals[next].value))
	} else {
		parts = append(parts, "no other usual value is predicted to meet every objective")
	}
	reason.Sentence = strings.Join(parts, "; ")
	return reason
}

// binding names what keeps a value from going where the order of settings pulls
// it, and on which side: what stops the next usual value, or one before it, at that
// index. It is what stops the other side where nothing does.
func (e *explanation) binding(f *field, rivals []rival, own int) (binding string, side, at int) {
	for _, side := range []int{f.pull, -f.pull} {
		stop := e.stop(f, rivals, own, side)
		if e.kept && (stop < 0 || len(rivals[stop].missed) == 0) {
			return byCurrent, side, -1 // the others were not searched
		}
		if stop >= 0 {
			return rivals[stop].stop, side, stop
		}
	}
	if own > 0 && rivals[own-1].at.bound > rivals[own].at.bound {
		return byKills, 0, -1
	}
	return bySearch, 0, -1
}

// stop returns the index of the first rival on a side, up to the next usual value,
// that more than habit speaks against; -1: there is none.
func (e *explanation) stop(f *field, rivals []rival, own, side int) int {
	for i := own + side; i >= 0 && i < len(rivals); i += side {
		if stop := rivals[i].stop; stop != "" && stop != byUsual {
			return i
		}
		if slices.Contains(f.usual, rivals[i].value) {
			break
		}
	}
	return -1
}

// runnerUp returns the index of the best other value that is observed and predicted
// to meet every objective, in the order of the search; -1: there is none.
func (e *explanation) runnerUp(rivals []rival, own int) int {
	best := -1
	probes := e.w.Container().Probes
	for i := range rivals {
		r := &rivals[i]
		if i == own || r.excluded != "" || r.guessed || len(r.missed) > 0 {
			continue
		}
		if best < 0 || e.before(r, &rivals[best], &probes) {
			best = i
		}
	}
	return best
}

// before is the order of the search (S20), which looks at usual values first.
func (e *explanation) before(a, b *rival, probes *[model.ProbeKinds]*model.Probe) bool {
	if x, y := e.unusual(&a.c, probes), e.unusual(&b.c, probes); x != y {
		return x < y
	}
	if math.Abs(a.c.cost-b.c.cost) > tied {
		return a.c.cost < b.c.cost
	}
	return cmp.Or(cmp.Compare(load(&a.c), load(&b.c)), cmp.Compare(timeouts(&a.c), timeouts(&b.c)), cmp.Compare(a.c.cost, b.c.cost)) < 0
}

// lead says in words what binds a value on a side.
func lead(binding string, side int) string {
	end := "the least"
	if side > 0 {
		end = "the most"
	}
	switch binding {
	case byGrid:
		return end + " of the grid"
	case byThreshold:
		return "the least threshold proposed, as fewer failures are no evidence"
	case byPeriod:
		return end + " that goes with the other of period and timeout"
	case byCost, byProbes, byTimeout, byFailures:
		return "for the " + binding
	case byUsual:
		return "the next value that people write"
	case byKills, bySearch:
		return "as the full simulation decided"
	case byCurrent:
		return "as now"
	case byLiveness:
		return "that of the liveness probe"
	}
	return end + " usual value that " + binding + " allows"
}

// leadsTo writes what a value is predicted to lead to; in full, with what the
// numbers are.
func (e *explanation) leadsTo(k model.ProbeKind, r *rival, full bool) string {
	rate := perYear(r.most * year.Seconds())
	most := "at most " + rate
	if math.IsInf(r.most, 1) { // so short a period takes the CPU time that is left
		most = "an unbounded number of"
	}
	if r.guessed {
		rate = most
	}
	verdicts, act, within := "false kills", "detection", math.NaN()
	switch {
	case k == model.Readiness:
		verdicts, act, within = "false removals", "removal", e.removal(&r.at, .99)
	case e.notices(k):
		within = r.at.detection(.99)
	}
	switch {
	case full && math.IsNaN(within):
		return fmt.Sprintf("%s %s a year", most, verdicts)
	case full:
		return fmt.Sprintf("%s within %s (99 %%), %s %s a year", act, seconds(within), most, verdicts)
	case math.IsNaN(within):
		return rate
	}
	return fmt.Sprintf("%s and %s", seconds(within), rate)
}

// neighbour writes what another value would lead to.
func (e *explanation) neighbour(k model.ProbeKind, f *field, r *rival, next bool) string {
	name := fmt.Sprintf("%d%s", r.value, f.unit)
	if next {
		name = "the runner-up, " + name + ","
	}
	switch {
	case r.excluded != "" && r.at.period == 0:
		return r.excluded
	case len(r.missed) > 0:
		return fmt.Sprintf("%s would miss %s: %s", name, estimate.Name(*r.missed[0]), e.predicted(r.missed[0], &r.c))
	}
	text := fmt.Sprintf("%s would mean %s", name, e.leadsTo(k, r, false))
	if r.stop == byCost {
		text += fmt.Sprintf(", and cost %s more a pod-year", seconds(r.c.cost-e.c.cost))
	}
	return text
}

// alternative writes down what is predicted for one value of a field.
func (e *explanation) alternative(k model.ProbeKind, r *rival) Alternative {
	a := Alternative{Value: strconv.Itoa(int(r.value)), Excluded: r.excluded}
	if r.at.period == 0 {
		return a
	}
	if len(r.missed) > 0 {
		a.Misses = estimate.Name(*r.missed[0])
	}
	a.ProbesPerMinute, a.CostSecondsPerPodYear = finite(60/float64(r.at.period)), finite(r.at.cost)
	perYear := finite(r.most * year.Seconds())
	if math.IsInf(r.most, 1) {
		perYear = nil
	}
	if k == model.Readiness {
		a.RemovalP99Seconds, a.FalseRemovalsPerPodYear = finite(e.removal(&r.at, .99)), perYear
		a.ReadyLagP99Seconds = finite(e.lag(r.c.start.probe, e.readinessProbe(&r.c), .99))
		return a
	}
	a.FalseKillsPerPodYear = perYear
	if e.notices(model.Liveness) {
		a.DetectionP99Seconds = finite(r.at.detection(.99))
	}
	return a
}

// finite is a number to write down.
func finite(x float64) *calc.Number {
	n := calc.Number(x)
	return &n
}
