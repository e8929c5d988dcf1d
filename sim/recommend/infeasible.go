package recommend

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// infeasible says why no settings meet the objectives: which one no setting
// meets, or which two exclude each other; and the least CPU limit that would
// help, if the limit is the cause (S22).
func (r *Recommendation) infeasible(ctx context.Context, s *search, o Options, d *decision) error {
	r.Infeasible = &Infeasible{Reason: s.conflict(), Remedies: []Remedy{}}
	switch {
	case d.open > 0:
		r.Infeasible.Reason += fmt.Sprintf("; that is the prediction, and of %d settings the full simulation leaves it open, see rejected", d.open)
	case d.predicted:
		r.Infeasible.Reason += "; settings that were predicted to meet everything do not in the full simulation, see rejected"
	}
	if o.Full || s.known() {
		exhausted := s.exhausted()
		r.Infeasible.Proved = exhausted != ""
		r.Infeasible.Reason += exhausted
	}
	limit, err := s.leastLimit(ctx, o)
	if err != nil {
		return err
	}
	if limit > 0 {
		r.Infeasible.CPULimit = estimate.Quantity(limit)
		r.Infeasible.Reason += fmt.Sprintf(". A CPU limit of %s instead of %s would make the objectives possible", estimate.Quantity(limit), estimate.Quantity(s.w.Container().CPULimitMilli))
	}
	remedies, err := s.remedies(ctx, o)
	if err != nil {
		return err
	}
	r.Infeasible.Remedies = append(r.Infeasible.Remedies, remedies...)
	return nil
}

// conflict names the objectives that no setting, or no setting together, meets.
func (s *search) conflict() string {
	if s.base[model.Readiness] == nil && s.base[model.Liveness] == nil {
		return noProbe(s.w)
	}
	candidates := s.all()
	n := len(s.objectives)
	best := make([]float64, n)    // of each objective alone
	alone := make([]bool, n)      // some candidate meets it
	together := make([][]bool, n) // some candidate meets both
	given := make([][]float64, n) // given[i][j]: the best of j among those that meet i
	for i := range n {
		best[i] = worst(&s.objectives[i])
		together[i], given[i] = make([]bool, n), make([]float64, n)
		for j := range n {
			given[i][j] = worst(&s.objectives[j])
		}
	}
	values, known := make([]float64, n), make([]bool, n)
	for c := range candidates {
		for i := range n {
			values[i], known[i] = s.predict(&s.objectives[i], &candidates[c])
		}
		for i := range n {
			o := &s.objectives[i]
			best[i] = nearer(o, best[i], values[i])
			if known[i] && !meets(o, values[i]) {
				continue
			}
			alone[i] = true
			for j := range n {
				given[i][j] = nearer(&s.objectives[j], given[i][j], values[j])
				together[i][j] = together[i][j] || !known[j] || meets(&s.objectives[j], values[j])
			}
		}
	}
	for i := range n {
		if !alone[i] {
			return fmt.Sprintf("no setting meets %s: the best is %s%s", estimate.Name(s.objectives[i]), s.text(i, best[i]), s.hint(i))
		}
	}
	for i := range n {
		for j := range i {
			if !together[i][j] {
				return fmt.Sprintf("%s and %s exclude each other: settings that meet the first come to %s at best in the second, and those that meet the second to %s in the first",
					estimate.Name(s.objectives[i]), estimate.Name(s.objectives[j]), s.text(j, given[i][j]), s.text(i, given[j][i]))
			}
		}
	}
	names := make([]string, n)
	for i := range n {
		names[i] = estimate.Name(s.objectives[i])
	}
	return "every two of the objectives can be met together, but not all of them: " + strings.Join(names, ", ")
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

// all returns combinations of usual values, whatever they meet.
func (s *search) all() []combination {
	optionsOf := func(k model.ProbeKind) []*option {
		if s.base[k] == nil {
			return []*option{nil}
		}
		var options []*option
		for _, at := range grid(s.w.Container().Probes[k], leastFailures(k), true) {
			o := s.option(k, at)
			options = append(options, &o)
		}
		return thin(options, 100)
	}
	var all []combination
	readiness, liveness := optionsOf(model.Readiness), optionsOf(model.Liveness)
	for _, first := range s.startOptions(true) {
		for _, r := range readiness {
			for _, l := range liveness {
				all = append(all, combination{start: first, readiness: r, liveness: l})
			}
		}
	}
	return all
}

// text writes a value of an objective's measure.
func (s *search) text(i int, value float64) string {
	if strings.HasSuffix(s.objectives[i].Measure, "Seconds") {
		return seconds(value)
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

// leastLimit returns the least CPU limit, in thousandths, with which settings
// are predicted to meet the objectives, and do not miss them in the full
// simulation: if none would do, it doubles the limit up to 16 times, and then halves
// the interval.
// 0: there is none, or the container has no limit.
func (s *search) leastLimit(ctx context.Context, o Options) (int64, error) {
	limit := s.w.Container().CPULimitMilli
	if limit == 0 || s.w.Node.NoCFSQuota || s.base[model.Readiness] == nil && s.base[model.Liveness] == nil {
		return 0, nil
	}
	if found, err := s.withLimit(ctx, o, 0); found == nil { // without any it is not the cause
		return 0, err
	}
	low, high := limit, limit
	var found *search
	for found == nil {
		if high >= 16*limit {
			return 0, nil
		}
		low, high = high, 2*high
		var err error
		if found, err = s.withLimit(ctx, o, high); err != nil {
			return 0, err
		}
	}
	for range 3 {
		middle := (low + high) / 20 * 10 // whole 10m
		if middle <= low || middle >= high {
			break
		}
		tried, err := s.withLimit(ctx, o, middle)
		if err != nil {
			return 0, err
		}
		if tried != nil {
			high, found = middle, tried
		} else {
			low = middle
		}
	}
	o.Seed ^= freshStreams
	settled := found.world(&found.choose(true)[0])
	confirmed, err := found.alone(ctx, o.forLimit(settled), estimate.Named{Name: "recommended", World: settled}, .5)
	if err != nil || verdict(confirmed) == missed {
		return 0, err
	}
	return high, nil
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
	if len(tried.choose(true)) == 0 {
		return nil, nil
	}
	return tried, nil
}
