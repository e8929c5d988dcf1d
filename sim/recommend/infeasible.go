package recommend

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// infeasible says why no settings meet the objectives: which one no setting
// meets, or which two exclude each other; and the least CPU limit that would
// help, if the limit is the cause (S22).
func (r *Recommendation) infeasible(ctx context.Context, s *search, o Options, d *decision) error {
	r.Infeasible = &Infeasible{Reason: s.conflict(), Remedies: []Remedy{}, Untried: names(s.changes())}
	switch {
	case d.open > 0:
		r.Infeasible.Reason += fmt.Sprintf("; that is the prediction, and of %d settings the full simulation leaves it open, see rejected", d.open)
	case d.predicted:
		r.Infeasible.Reason += "; settings that were predicted to meet everything do not in the full simulation, see rejected"
	}
	exhausted := s.exhausted()
	r.Infeasible.Proved = exhausted != ""
	r.Infeasible.Reason += exhausted
	least, err := s.leastLimit(ctx, o)
	if err != nil {
		return err
	}
	if least != nil {
		r.Infeasible.CPULimit, r.Infeasible.CPULimitConfirmed = estimate.Quantity(least.milli), least.confirmed
		r.Infeasible.Reason += ". " + least.sentence(s.w.Container().CPULimitMilli)
	}
	return r.Infeasible.tryRemedies(ctx, s, o, r.Current.Measures.FalseKillRate())
}

// conflict names the objectives that no setting, or no setting together, meets.
func (s *search) conflict() string {
	if s.base[model.Readiness] == nil && s.base[model.Liveness] == nil {
		return noProbe(s.w)
	}
	if why := s.tooExpensive(); why != "" {
		return why
	}
	n, found, whole := len(s.objectives), s.standings(), s.whole()
	for i := range n {
		if !found.together[i][i] && !s.possibleTogether(whole, i) {
			return fmt.Sprintf("no setting meets %s: the best is %s%s", estimate.Name(s.objectives[i]), s.text(i, s.best(whole, i)), s.hint(i))
		}
	}
	for i := range n {
		for j := range i {
			if !found.together[i][j] && !s.possibleTogether(whole, i, j) {
				return fmt.Sprintf("%s and %s exclude each other: settings of usual values that meet the first are predicted to come to %s at best in the second, and those that meet the second to %s in the first",
					estimate.Name(s.objectives[i]), estimate.Name(s.objectives[j]), s.text(j, found.given[i][j]), s.text(i, found.given[j][i]))
			}
		}
	}
	names := make([]string, n)
	for i := range n {
		names[i] = estimate.Name(s.objectives[i])
	}
	why := "every two of the objectives can be met together, but not all of them: "
	idle := *s
	if idle.spare = 0; len(idle.choose()) > 0 {
		why = "settings that would meet all of the objectives have so short periods that their probes take more CPU time than there is: "
	}
	return why + strings.Join(names, ", ")
}

// possibleTogether reports whether any settings of the grid are predicted to meet some
// of the objectives.
func (s *search) possibleTogether(of space, objectives ...int) bool {
	some := make([]*model.Objective, len(objectives))
	for i, n := range objectives {
		some[i] = &s.objectives[n]
	}
	meeting, _ := s.enumerateFor(of, some...)
	return meeting > 0
}

// best returns the best that any setting of the grid is predicted to come to in an
// objective. It depends on the start and one of the probes, or on what both tolerate.
func (s *search) best(of space, i int) float64 {
	o, best := &s.objectives[i], worst(&s.objectives[i])
	patience := func(a, b *option) int {
		if a == nil || b == nil {
			return 0
		}
		return cmp.Compare(a.tolerated(), b.tolerated())
	}
	pairs := [2][2][]*option{
		{of.readiness, {slices.MinFunc(of.liveness, patience), slices.MaxFunc(of.liveness, patience)}},
		{{slices.MinFunc(of.readiness, patience), slices.MaxFunc(of.readiness, patience)}, of.liveness},
	}
	for _, first := range of.starts {
		for _, pair := range pairs {
			for _, r := range pair[0] {
				for _, l := range pair[1] {
					c := combination{start: first, readiness: r, liveness: l}
					if value, _ := s.predict(o, &c); !ofKills(o.Measure) || !s.overloaded(&c) {
						best = nearer(o, best, value)
					}
				}
			}
		}
	}
	return best
}

// tooExpensive says that the probes take more CPU time than there is even if they ask
// as seldom as they can; empty: they do not.
func (s *search) tooExpensive() string {
	seldom := &combination{}
	each := []string{}
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		if s.base[k] != nil {
			*seldom = seldom.with(k, &option{setting: setting{longestPeriod, 1, 1}})
			each = append(each, fmt.Sprintf("an answer to the %s %s", k.Field(), seconds(s.asks[k])))
		}
	}
	if !s.overloaded(seldom) {
		return ""
	}
	return fmt.Sprintf("the probes take more CPU time than there is, whatever their settings: %s, so that one each per %d s is more than the %s a second that the process has left",
		strings.Join(each, " and "), longestPeriod, seconds(s.spare))
}

// standings is how the objectives stand to each other over settings of usual values,
// at the unfavourable end of the predictions.
type standings struct {
	together [][]bool    // some settings meet both
	given    [][]float64 // given[i][j] is the best of j among those that meet i
}

// standings goes through representatives of all settings.
func (s *search) standings() *standings {
	n := len(s.objectives)
	found := &standings{together: make([][]bool, n), given: make([][]float64, n)}
	for i := range n {
		found.together[i], found.given[i] = make([]bool, n), make([]float64, n)
		for j := range n {
			found.given[i][j] = worst(&s.objectives[j])
		}
	}
	values, met := make([]float64, n), make([]bool, n)
	s.representatives(func(c *combination) {
		for i := range n {
			o := &s.objectives[i]
			value, known := s.predict(o, c)
			if ofKills(o.Measure) && s.overloaded(c) {
				value = math.Inf(1)
			}
			values[i], met[i] = value, !known || meets(o, value)
		}
		for i := range n {
			for j := range n {
				if met[i] {
					found.given[i][j] = nearer(&s.objectives[j], found.given[i][j], values[j])
					found.together[i][j] = found.together[i][j] || met[j]
				}
			}
		}
	})
	return found
}

// representatives calls visit with combinations of usual values among which are, for
// every two objectives, those that meet both and those that come nearest. Each
// depends on the start and one of the probes, and the ratio of the tolerances on
// both, so that it is enough to pair every setting of one probe with the few of the
// other that are the best at something: at an objective, or in tolerance or period.
func (s *search) representatives(visit func(*combination)) {
	readiness, liveness := s.everything(model.Readiness), s.everything(model.Liveness)
	ofReadiness, ofLiveness, _ := s.grouped()
	for _, first := range s.startOptions(true) {
		few := [2][]*option{s.outstanding(first, model.Readiness, readiness, ofReadiness), s.outstanding(first, model.Liveness, liveness, ofLiveness)}
		for _, pairs := range [2][2][]*option{{readiness, few[1]}, {few[0], liveness}} {
			for _, r := range pairs[0] {
				for _, l := range pairs[1] {
					visit(&combination{start: first, readiness: r, liveness: l})
				}
			}
		}
	}
}

// everything returns the settings of usual values of one probe, whatever they meet.
func (s *search) everything(k model.ProbeKind) []*option {
	if s.base[k] == nil {
		return []*option{nil}
	}
	var options []*option
	for _, at := range s.settings(k, true) {
		o := s.option(k, at)
		options = append(options, &o)
	}
	return options
}

// outstanding returns the options of one probe that are the best at an objective, the
// most or the least patient, and of the longest period among those that meet any of
// the objectives, or all of them.
func (s *search) outstanding(first start, k model.ProbeKind, options []*option, objectives []*model.Objective) []*option {
	if options[0] == nil {
		return options
	}
	value := func(o *model.Objective, of *option) float64 {
		c := combination{start: first}.with(k, of)
		v, _ := s.predict(o, &c)
		return v
	}
	longest := func(meeting ...*model.Objective) *option {
		var best *option
		for _, o := range options {
			if best != nil && o.period <= best.period {
				continue
			}
			if !slices.ContainsFunc(meeting, func(m *model.Objective) bool { return !meets(m, value(m, o)) }) {
				best = o
			}
		}
		return best
	}
	patience := func(a, b *option) int { return cmp.Compare(a.tolerated(), b.tolerated()) }
	var few []*option
	add := func(all ...*option) {
		for _, o := range all {
			if o != nil && !slices.Contains(few, o) {
				few = append(few, o)
			}
		}
	}
	add(slices.MinFunc(options, patience), slices.MaxFunc(options, patience), longest(objectives...))
	for _, o := range objectives {
		add(longest(o), slices.MinFunc(options, func(a, b *option) int {
			if o.AtLeast {
				a, b = b, a
			}
			return cmp.Compare(value(o, a), value(o, b))
		}))
	}
	return few
}

// worst is the value an objective's measure cannot be worse than.
func worst(o *model.Objective) float64 {
	if o.AtLeast {
		return math.Inf(-1)
	}
	return math.Inf(1)
}

func nearer(o *model.Objective, a, b float64) float64 {
	if o.AtLeast {
		return math.Max(a, b)
	}
	return math.Min(a, b)
}

// text writes a value of an objective's measure.
func (s *search) text(i int, value float64) string {
	switch {
	case strings.HasSuffix(s.objectives[i].Measure, "Seconds"):
		return seconds(value)
	case math.IsInf(value, 0):
		return "a number that nothing bounds (their probes take more CPU time than there is, or so short periods were not observed)"
	}
	return digits(value, 3)
}

// hint says what else could be done about an objective that no setting meets.
func (s *search) hint(i int) string {
	switch s.objectives[i].Measure {
	case "detectionSeconds", "recoverySeconds":
		if s.base[model.Liveness] == nil {
			return ", since no probe's handler is there to ask for liveness"
		}
		if !s.notices(model.Liveness) {
			return fmt.Sprintf(", since a %s handler does not notice a hung process; one that asks the process (httpGet, grpc, exec) would", s.base[model.Liveness].Handler.Kind)
		}
	case "removalSeconds":
		if s.base[model.Readiness] != nil && !s.notices(model.Readiness) {
			return fmt.Sprintf(", since a %s handler does not notice a hung process; one that asks the process (httpGet, grpc, exec) would", s.base[model.Readiness].Handler.Kind)
		}
		return fmt.Sprintf(", of which the propagation takes %s (99th percentile) whatever the probes do", seconds(s.propagation(.99)))
	case "startupKillProbability":
		return fmt.Sprintf("; one start in a hundred takes more than %s", seconds(s.startQuantile(.99).Seconds()))
	}
	return ""
}

// limit is a CPU limit with which settings are predicted to meet every objective.
type limit struct {
	milli     int64
	settings  string
	confirmed bool   // they do in the full simulation
	open      string // what it leaves undecided, with the number
}

const (
	// bisections is how often an interval of limits is halved at the most, and
	// limitRatio the part of it at which that ends.
	bisections, limitRatio = 6, 20
	// raises is how often a limit that the full simulation does not confirm is raised,
	// by a quarter.
	raises = 3
)

// leastLimit returns the least CPU limit with which settings are predicted to meet
// the objectives, and do in the full simulation: if none would do, it doubles the
// limit up to the CPUs of the node, and then halves the interval. A limit that is not
// confirmed is raised; if none is, the least one is returned that misses nothing. Nil:
// there is none, or the container has no limit.
func (s *search) leastLimit(ctx context.Context, o Options) (*limit, error) {
	low := s.w.Container().CPULimitMilli
	if low == 0 || s.w.Node.NoCFSQuota || s.base[model.Readiness] == nil && s.base[model.Liveness] == nil {
		return nil, nil
	}
	if found, err := s.withLimit(ctx, o, 0); found == nil { // without any it is not the cause
		return nil, err
	}
	most := max(16*low, 1000*int64(s.w.Node.CPUs)) // more than that is none
	high := low
	var found *search
	for found == nil {
		if high >= most {
			return nil, nil
		}
		low, high = high, min(2*high, most)
		var err error
		if found, err = s.withLimit(ctx, o, high); err != nil {
			return nil, err
		}
	}
	for range bisections {
		middle := (low + high) / 20 * 10 // whole 10m
		if middle <= low || middle >= high || high-low <= high/limitRatio {
			break
		}
		tried, err := s.withLimit(ctx, o, middle)
		if err != nil {
			return nil, err
		}
		if tried != nil {
			high, found = middle, tried
		} else {
			low = middle
		}
	}
	return s.confirmedLimit(ctx, o, found, high, most)
}

// confirmedLimit simulates the best settings under a limit, and while they do not meet
// everything those under greater ones.
func (s *search) confirmedLimit(ctx context.Context, o Options, found *search, milli, most int64) (least *limit, err error) {
	o.Seed ^= freshStreams
	for range 1 + raises {
		if found != nil {
			at, err := found.tryLimit(ctx, o, milli)
			if err != nil {
				return nil, err
			}
			if at != nil && (at.confirmed || least == nil) {
				least = at
			}
			if at != nil && at.confirmed {
				break
			}
		}
		if milli >= most {
			break
		}
		milli = min((milli*5/4+9)/10*10, most)
		if found, err = s.withLimit(ctx, o, milli); err != nil {
			return nil, err
		}
	}
	return least, nil
}

// tryLimit simulates the best settings under the search's own limit in full. Nil: they
// miss something.
func (s *search) tryLimit(ctx context.Context, o Options, milli int64) (*limit, error) {
	best := s.choose()[0]
	settled := s.world(&best)
	simulated, err := s.alone(ctx, o.forSimulation(settled), estimate.Named{Name: "recommended", World: settled}, .25)
	if err != nil || verdict(simulated) == missed {
		return nil, err
	}
	at := &limit{milli: milli, settings: describe(s, &best), confirmed: verdict(simulated) == met}
	var open []string
	for i, objective := range simulated.Objectives {
		if objective.Met != nil {
			continue
		}
		text := objective.Name + " is undecided"
		e, err := simulated.Measures.Lookup(s.objectives[i].Measure, s.objectives[i].Statistic)
		if ofKills(s.objectives[i].Measure) && simulated.Measures.ClosedForm != nil && e != nil && e.Estimate == 0 {
			text += fmt.Sprintf(", the closed form bounds it by %s per pod-year", digits(simulated.Measures.ClosedForm.High, 3))
		} else if err == nil && e != nil {
			text += fmt.Sprintf(", %s (%s to %s)", s.text(i, e.Estimate), s.text(i, e.Low), s.text(i, e.High))
		}
		open = append(open, text)
	}
	at.open = strings.Join(open, "; ")
	return at, nil
}

// sentence says what a limit would do.
func (l *limit) sentence(now int64) string {
	than := fmt.Sprintf("A CPU limit of %s instead of %s", estimate.Quantity(l.milli), estimate.Quantity(now))
	if l.confirmed {
		return than + " makes the objectives possible, confirmed by the full simulation of " + l.settings
	}
	return than + " would make the objectives possible by prediction; not confirmed: of " + l.settings + ", " + l.open
}

// withLimit returns the search in the same world with another CPU limit, 0 for none; nil if
// no settings are predicted to meet the objectives there.
func (s *search) withLimit(ctx context.Context, o Options, milli int64) (*search, error) {
	container := *s.w.Container()
	container.CPULimitMilli = milli
	tried, err := newSearch(ctx, s.w.WithContainer(container), o, glance, nil)
	if err != nil {
		return nil, err
	}
	if len(tried.choose()) == 0 {
		return nil, nil
	}
	return tried, nil
}
