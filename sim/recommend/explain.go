package recommend

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
)

// explain says why each field of the recommended settings has its value: what
// binds it, what the neighbouring values would lead to, and what settings came
// next.
func (r *Recommendation) explain(s *search, c *combination, chosen []combination) {
	r.explainStart(s, c)
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		o := c.of(k)
		if o == nil {
			continue
		}
		for _, f := range fields {
			r.Binding = append(r.Binding, s.reason(c, k, f))
		}
	}
	r.explainDelays(s, c)
	for i := range chosen {
		other := &chosen[i]
		if describe(s, other) == describe(s, c) {
			continue
		}
		r.reject(describe(s, other), fmt.Sprintf("runner-up: predicted to meet every objective too; %s, against %s", s.summary(other), s.summary(c)))
		break
	}
}

// of returns the option of one kind of probe; nil for startup.
func (c *combination) of(k model.ProbeKind) *option {
	switch k {
	case model.Readiness:
		return c.readiness
	case model.Liveness:
		return c.liveness
	}
	return nil
}

// with returns the combination with another option for one kind of probe.
func (c combination) with(k model.ProbeKind, o *option) combination {
	if k == model.Readiness {
		c.readiness = o
	} else {
		c.liveness = o
	}
	return c
}

// field is one of the three numbers of a setting.
type field struct {
	name  string
	unit  string
	of    func(*setting) *int32
	most  int32
	usual []int32
}

var fields = []field{
	{"periodSeconds", " s", func(s *setting) *int32 { return &s.period }, longestPeriod, usualPeriods},
	{"timeoutSeconds", " s", func(s *setting) *int32 { return &s.timeout }, longestTimeout, usualTimeouts},
	{"failureThreshold", "", func(s *setting) *int32 { return &s.failures }, mostFailures, usualFailures},
}

// newlyMissed returns the objectives that a neighbour is predicted to miss and
// whose prediction it changes: the others say nothing about the change.
func (s *search) newlyMissed(c, neighbour *combination) []*model.Objective {
	return slices.DeleteFunc(s.missed(neighbour), func(o *model.Objective) bool {
		before, _ := s.predict(o, c)
		after, _ := s.predict(o, neighbour)
		return before == after
	})
}

// reason explains one number of one probe by its neighbours, one less and one
// more, and the next value people use.
func (s *search) reason(c *combination, k model.ProbeKind, f field) Reason {
	o := c.of(k)
	now := *f.of(&o.setting)
	reason := Reason{Field: k.Field() + "." + f.name, Value: strconv.Itoa(int(now)), Alternatives: []Alternative{s.alternative(k, now, o, nil)}}
	var parts []string
	for _, value := range slices.Compact([]int32{now - 1, now + 1, nextUsual(f.usual, now)}) {
		at := o.setting
		*f.of(&at) = value
		if value < 1 || value > f.most || at.timeout > at.period || value == now {
			continue
		}
		neighbour := s.option(k, at)
		if math.IsInf(neighbour.bound, 1) {
			neighbour.rate, neighbour.bound = o.rate, o.bound // a period not observed
		}
		other := c.with(k, &neighbour)
		missed := s.newlyMissed(c, &other)
		reason.Alternatives = append(reason.Alternatives, s.alternative(k, value, &neighbour, missed))
		switch {
		case len(missed) > 0:
			if reason.Binding == "" || value > now {
				reason.Binding = estimate.Name(*missed[0])
			}
			parts = append(parts, fmt.Sprintf("%d%s would miss %s: %s", value, f.unit, estimate.Name(*missed[0]), s.predicted(missed[0], &other)))
		case value <= now+1:
			parts = append(parts, fmt.Sprintf("%d%s would take %s", value, f.unit, s.price(k, o, &neighbour)))
		}
		if value > now && len(missed) > 0 {
			break
		}
	}
	reason.Sentence = fmt.Sprintf("%d%s", now, f.unit)
	if len(parts) > 0 {
		reason.Sentence += "; " + strings.Join(parts, "; ")
	}
	return reason
}

// alternative writes down what is predicted for one value of a field of a probe,
// of which it misses some objectives.
func (s *search) alternative(k model.ProbeKind, value int32, o *option, missed []*model.Objective) Alternative {
	number := func(x float64) *calc.Number { n := calc.Number(x); return &n }
	a := Alternative{Value: strconv.Itoa(int(value))}
	if len(missed) > 0 {
		a.Misses = estimate.Name(*missed[0])
	}
	perYear := number(o.bound * year.Seconds())
	if k == model.Readiness {
		a.RemovalP99Seconds, a.FalseRemovalsPerPodYear = number(s.removal(o, .99)), perYear
		return a
	}
	a.FalseKillsPerPodYear = perYear
	if s.notices(model.Liveness) {
		a.DetectionP99Seconds = number(o.detection(.99))
	}
	return a
}

// startAlternatives writes down what startup budgets of a failure less and more
// would leave, after the one that is recommended.
func (s *search) startAlternatives(p *model.Probe) []Alternative {
	var all []Alternative
	for _, failures := range []int32{p.FailureThreshold, p.FailureThreshold - 1, p.FailureThreshold + 1} {
		if failures < 1 || failures > mostStartFailures && failures != p.FailureThreshold {
			continue
		}
		other := *p
		other.FailureThreshold = failures
		lasts, killed := calc.Number(guaranteed(&other).Seconds()), calc.Number(s.exceeds(guaranteed(&other)))
		a := Alternative{Value: strconv.Itoa(int(failures)), GuaranteedSeconds: &lasts, StartupKillProbability: &killed}
		for i := range s.objectives {
			if o := &s.objectives[i]; o.Measure == "startupKillProbability" && failures != p.FailureThreshold && !meets(o, float64(killed)) {
				a.Misses = estimate.Name(*o)
			}
		}
		all = append(all, a)
	}
	return all
}

// nextUsual returns the least usual value above now, or now.
func nextUsual(usual []int32, now int32) int32 {
	for _, value := range usual {
		if value > now {
			return value
		}
	}
	return now
}

// rounded writes a number to two significant digits, without an exponent where
// people would not use one.
func rounded(x float64) string { return digits(x, 2) }

// digits writes a number to n significant digits, without an exponent below a
// million.
func digits(x float64, n int) string {
	if x < math.Pow(10, float64(n))-0.5 || x >= 1e6 {
		return strconv.FormatFloat(x, 'g', n, 64)
	}
	unit := math.Pow(10, math.Floor(math.Log10(x))-float64(n-1))
	return fmt.Sprintf("%.0f", math.Round(x/unit)*unit)
}

// predicted writes what a combination is predicted to lead to.
func (s *search) predicted(o *model.Objective, c *combination) string {
	value, _ := s.predict(o, c)
	if strings.HasSuffix(o.Measure, "Seconds") {
		return seconds(value)
	}
	return digits(value, 3)
}

// price writes what a neighbouring setting would buy and cost.
func (s *search) price(k model.ProbeKind, now, then *option) string {
	if k == model.Readiness {
		return fmt.Sprintf("the 99th percentile to removal from %s to %s; false removals per pod-year %s",
			seconds(s.removal(now, .99)), seconds(s.removal(then, .99)), change(now.bound, then.bound))
	}
	kills := "false kills of a serving pod per year " + change(now.bound, then.bound)
	if !s.notices(model.Liveness) {
		return kills
	}
	return fmt.Sprintf("the 99th percentile to detection from %s to %s; %s", seconds(now.detection(.99)), seconds(then.detection(.99)), kills)
}

// change writes how the upper bound of a rate per second changes, in numbers per
// year. Nobody is helped by how much rarer than once in a million years.
func change(before, after float64) string {
	from, to := perYear(before*year.Seconds()), perYear(after*year.Seconds())
	if from == to {
		return "stay at " + from
	}
	return fmt.Sprintf("from at most %s to %s", from, to)
}

// perYear writes a rate per pod-year.
func perYear(x float64) string {
	const least = 1e-6
	if x >= least || x == 0 {
		return rounded(x)
	}
	return "under 1e-06"
}

// explainStart says how starts are protected.
func (r *Recommendation) explainStart(s *search, c *combination) {
	current := s.w.Container().Probes[model.Startup]
	p := s.startupProbe(c)
	if p == nil {
		return
	}
	add := func(field, value, sentence, binding string) {
		r.Binding = append(r.Binding, Reason{Field: "startupProbe." + field, Value: value, Sentence: sentence, Binding: binding, Alternatives: []Alternative{}})
	}
	slowest := s.starts[len(s.starts)-1].Seconds()
	budget := fmt.Sprintf("%d periods of %d s guarantee %s from the container's start (the last look may come one period before the %d-th is over); half the starts take up to %s, one in a hundred more than %s, the longest of %d simulated took %s; at most %.2g of the starts would be killed",
		p.FailureThreshold, p.PeriodSeconds, seconds(guaranteed(p).Seconds()), p.FailureThreshold,
		seconds(s.startQuantile(.5).Seconds()), seconds(s.startQuantile(.99).Seconds()), len(s.starts), seconds(slowest), c.start.kills)
	binding := ""
	for i := range s.objectives {
		if s.objectives[i].Measure == "startupKillProbability" {
			binding = estimate.Name(s.objectives[i])
		}
	}
	alternatives := s.startAlternatives(p)
	for _, a := range alternatives[1:] {
		budget += fmt.Sprintf("; %s would guarantee %s and kill at most %.2g of them", a.Value, seconds(float64(*a.GuaranteedSeconds)), float64(*a.StartupKillProbability))
	}
	add("failureThreshold", strconv.Itoa(int(p.FailureThreshold)), budget, binding)
	r.Binding[len(r.Binding)-1].Alternatives = alternatives
	if current == p {
		return
	}
	lag, of := "a process that is up waits at most one period for the next look", ""
	for i := range s.objectives {
		if o := &s.objectives[i]; o.Measure == "readyLagSeconds" {
			lag, of = fmt.Sprintf("%s; predicted: %s", lag, s.predicted(o, c)), estimate.Name(*o)
			for _, period := range []int32{p.PeriodSeconds - 1, p.PeriodSeconds + 1} {
				if other := *c; period >= 1 && period <= longestPeriod {
					moved := *p
					moved.PeriodSeconds = period
					other.start.probe = &moved
					lag += fmt.Sprintf(", with %d s %s", period, s.predicted(o, &other))
				}
			}
		}
	}
	add("periodSeconds", strconv.Itoa(int(p.PeriodSeconds)), lag, of)
	add("timeoutSeconds", strconv.Itoa(int(p.TimeoutSeconds)), "that of the liveness probe, as far as the period allows", "")
	if current != nil {
		return
	}
	why := "without it the liveness probe could kill a process that is still starting"
	if s.longDelay() {
		why = "it takes the place of a long initialDelaySeconds: a process that is up early need not wait, and one that is late is not killed"
	}
	r.note("a startupProbe is proposed: %s", why)
}

// explainDelays says which initial delays go.
func (r *Recommendation) explainDelays(s *search, c *combination) {
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		current, proposed := s.w.Container().Probes[k], s.world(c).Container().Probes[k]
		if current == nil || proposed == nil || current.InitialDelaySeconds == proposed.InitialDelaySeconds {
			continue
		}
		why := "failures of a starting process cost nothing, and a delay only keeps one that could serve out of the endpoints"
		if k == model.Liveness {
			why = "the startup probe holds it back until the process is up"
		}
		r.Binding = append(r.Binding, Reason{
			Field: k.Field() + ".initialDelaySeconds", Value: "0", Alternatives: []Alternative{},
			Sentence: fmt.Sprintf("0 instead of %d s: %s", current.InitialDelaySeconds, why),
		})
	}
}

// keep recommends the current settings as they are.
func (r *Recommendation) keep(s *search, why string) {
	p := r.Current
	r.Recommended = &p
	r.note("%s", why)
	c := s.current()
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		if c.of(k) == nil {
			continue
		}
		for _, f := range fields {
			r.Binding = append(r.Binding, s.reason(c, k, f))
		}
	}
}

// current is the combination of the current settings.
func (s *search) current() *combination {
	c := &combination{}
	probes := s.w.Container().Probes
	if p := probes[model.Startup]; p != nil {
		c.start = start{p, s.exceeds(guaranteed(p))}
	}
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		if probes[k] != nil {
			o := s.option(k, settingOf(probes[k]))
			*c = c.with(k, &o)
			c.cost += o.cost
		}
	}
	return c
}

// summary writes what a combination is predicted to lead to, in one clause.
func (s *search) summary(c *combination) string {
	var parts []string
	if c.liveness != nil && s.notices(model.Liveness) {
		parts = append(parts, fmt.Sprintf("detection %s", seconds(c.liveness.detection(.99))))
	}
	if c.readiness != nil && s.notices(model.Readiness) {
		parts = append(parts, fmt.Sprintf("removal %s", seconds(s.removal(c.readiness, .99))))
	}
	parts = append(parts, rounded(load(c))+" probes a minute", fmt.Sprintf("expected cost %s per pod-year", seconds(c.cost)))
	return strings.Join(parts, ", ")
}

// describe writes the settings of a combination.
func describe(s *search, c *combination) string { return settingsText(s.world(c).Container()) }

// settingsText writes the settings of a container's probes.
func settingsText(c *model.Container) string {
	var parts []string
	for k, p := range c.Probes {
		if p == nil {
			continue
		}
		text := model.ProbeKind(k).Field() + " " + settingOf(p).String()
		if p.InitialDelaySeconds > 0 {
			text += fmt.Sprintf(", initialDelaySeconds %d", p.InitialDelaySeconds)
		}
		parts = append(parts, text)
	}
	if parts == nil {
		return "no probe"
	}
	return strings.Join(parts, "; ")
}

// whyNot names the objectives that a simulated variant misses or leaves open.
func whyNot(v *estimate.Variant) string {
	var missed, open []string
	for _, objective := range v.Objectives {
		switch {
		case objective.Met == nil:
			open = append(open, objective.Name)
		case !*objective.Met:
			missed = append(missed, objective.Name)
		}
	}
	var parts []string
	if len(missed) > 0 {
		parts = append(parts, "missed "+strings.Join(missed, ", "))
	}
	if len(open) > 0 {
		parts = append(parts, "undecided "+strings.Join(open, ", "))
	}
	return strings.Join(parts, "; ")
}
