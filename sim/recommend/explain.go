package recommend

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// explain says why each field of the recommended settings has its value: what
// binds it, what the neighbouring values would lead to, and what settings came
// next.
func (r *Recommendation) explain(s *search, c *combination, chosen []combination) {
	e := explanation{search: s, c: c}
	r.Binding = append(r.Binding, e.all()...)
	if s.w.Container().Probes[model.Startup] == nil && c.start.probe != nil {
		why := "without it the liveness probe could kill a process that is still starting"
		if s.longDelay() {
			why = "it takes the place of a long initialDelaySeconds: a process that is up early need not wait, and one that is late is not killed"
		}
		r.note("a startupProbe is proposed: %s", why)
	}
	for i := range chosen {
		other := &chosen[i]
		if name := describe(s, other); name == describe(s, c) || s.tried[name] {
			continue // simulated: it says more of them than their prediction
		}
		r.reject(describe(s, other), fmt.Sprintf("runner-up: predicted to meet every objective too; %s, against %s", s.summary(other), s.summary(c)))
		return
	}
	of := " of usual values"
	if probes := s.w.Container().Probes; s.unusual(c, &probes) > 0 {
		of = "" // all were looked at
	}
	r.note("no other combination%s is predicted to meet every objective at about the same cost", of)
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

// perYear writes a rate per pod-year.
func perYear(x float64) string {
	const least = 1e-6
	if x >= least || x == 0 {
		return rounded(x)
	}
	return "under 1e-06"
}

// keep recommends the current settings as they are.
func (r *Recommendation) keep(s *search, why string) {
	p := r.Current
	r.Recommended = &p
	r.note("%s", why)
	e := explanation{search: s, c: s.current(), kept: true}
	r.Binding = append(r.Binding, e.all()...)
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
