package recommend

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// Replicas is what settings do to all replicas at once, which the measures of one
// pod cannot say: how many are out of the endpoints at one instant, whether the
// load of those that are out takes the others down, and whether that ends.
type Replicas struct {
	estimate.Together
	// Worse says what is worse with the recommended settings than with the current
	// ones, beyond the intervals; empty: nothing.
	Worse []string `json:"worse"`
	// Objectives are those about false kills and availability, held against the replicas
	// together with the recommended settings. Each pod by itself may meet what they miss.
	Objectives []estimate.Verdict `json:"objectives"`
	// Remedies are what other changes do about the objectives that they miss; empty:
	// they miss none, nothing applies, or the notes say that there was no time.
	Remedies []SharedRemedy `json:"remedies"`

	recommended *estimate.TogetherCase // what comes of the recommended settings
}

const (
	// togetherEvents is what the lives of all replicas of one case may cost.
	togetherEvents = 0.9e6
	togetherLives  = 8
	// triggerEvents is what the lives that begin at triggers may cost.
	triggerEvents = 3e6
	mostTogether  = 64 // replicas
)

// meet reports whether anything meets several replicas at once: a load that they
// share, a dependency, or a node.
func meet(w *model.World) bool {
	return w.Replicas > 1 && w.Replicas <= mostTogether && (w.Application.Traffic != nil || len(w.Dependencies) > 0 || w.Node.ReplicasPerNode > 1)
}

// together simulates all replicas side by side with the current settings and the
// recommended ones. Nil where nothing meets several of them.
func (s *search) together(ctx context.Context, o Options, r *Recommendation) (*Replicas, error) {
	if !meet(s.w) {
		return nil, nil
	}
	settings := []estimate.Named{{Name: "current", World: s.w}}
	if r.chosen != nil {
		settings = append(settings, estimate.Named{Name: "recommended", World: s.world(r.chosen)})
	}
	simulated, err := sideBySide(ctx, o, settings...)
	if err != nil {
		return nil, err
	}
	t := &Replicas{Together: *simulated, Worse: []string{}, Objectives: []estimate.Verdict{}, Remedies: []SharedRemedy{}}
	before := &t.Cases[0]
	t.recommended = before
	if r.chosen != nil {
		t.recommended = &t.Cases[len(t.Cases)/2]
	}
	t.compare(before, t.recommended)
	if r.Recommended != nil {
		t.Objectives = s.judgeTogether(t.recommended, o.Objectives)
	}
	return t, nil
}

// sideBySide simulates all replicas under each of several settings, or in each of
// several worlds, on the same random numbers.
func sideBySide(ctx context.Context, o Options, settings ...estimate.Named) (*estimate.Together, error) {
	simulation := o.Options
	simulation.Budget = 0
	perSecond := 0.0
	for _, named := range settings {
		perSecond = max(perSecond, float64(named.World.Replicas)*eventsPerSecond(named.World))
	}
	affordable := time.Duration(togetherEvents / togetherLives / perSecond * 1e9)
	horizon := max(2*sim.StuckAfter, min(o.Horizon, affordable.Truncate(time.Hour)))
	return estimate.CompareTogether(ctx, settings, simulation, togetherLives, horizon, triggerEvents)
}

// judgeTogether holds the objectives about false kills and availability against those of
// all replicas together. Rollouts take from the availability what these do not show.
func (s *search) judgeTogether(c *estimate.TogetherCase, objectives []model.Objective) []estimate.Verdict {
	verdicts := []estimate.Verdict{}
	for _, objective := range objectives {
		verdict, applies := c.Judge(objective)
		if !applies {
			continue
		}
		if met := verdict.Met; met != nil && *met && s.w.Events.Rollout != nil && ofAvailability(verdict.Name) {
			verdict.Met = nil
		}
		verdicts = append(verdicts, verdict)
	}
	return verdicts
}

// ofAvailability reports whether an objective called so is about availability; the others
// that are held against all replicas together are about false kills.
func ofAvailability(name string) bool { return strings.HasPrefix(name, "availability ") }

func ofFalseKills(name string) bool { return !ofAvailability(name) }

// compare fills in what is worse after than before.
func (t *Replicas) compare(before, after *estimate.TogetherCase) {
	rises := func(a, b *stats.Estimate) bool { return a != nil && b != nil && b.Low > a.High }
	fromTo := func(a, b *stats.Estimate, scale float64, unit string) string {
		return "from " + spread(a, scale, unit) + " to " + spread(b, scale, unit)
	}
	add := func(what string, a, b *stats.Estimate, scale float64, unit string) {
		if rises(a, b) {
			t.Worse = append(t.Worse, what+" rises "+fromTo(a, b, scale, unit))
		}
	}
	add("the number of false kills per pod-year", &before.FalseKillsPerPodYear, &after.FalseKillsPerPodYear, 1, "")
	if all := len(after.OutOfEndpointsAtOnce) - 1; all >= 0 && after.OutOfEndpointsAtOnce[all].TimesPerYear.Estimate > before.OutOfEndpointsAtOnce[all].TimesPerYear.Estimate {
		// Given that one is out, as it is for other reasons where that is seldom.
		add("the probability of a cascade", before.CascadeProbability, after.CascadeProbability, 100, " %")
	}
	add("the probability of a crash loop that does not end", &before.CrashLoopProbability, &after.CrashLoopProbability, 100, " %")
	for i := range after.AfterTriggers {
		a, b := &before.AfterTriggers[i], &after.AfterTriggers[i]
		add("the probability that all are out after "+a.Trigger, &a.AllOutProbability, &b.AllOutProbability, 100, " %")
		add("the probability of a crash loop after "+a.Trigger, &a.CrashLoopProbability, &b.CrashLoopProbability, 100, " %")
	}
	var shares []string
	for i := range after.OutOfEndpointsAtOnce {
		a, b := &before.OutOfEndpointsAtOnce[i], &after.OutOfEndpointsAtOnce[i]
		if rises(&a.FractionOfTime, &b.FractionOfTime) {
			shares = append(shares, fmt.Sprintf("%d or more %s", a.Replicas, fromTo(&a.FractionOfTime, &b.FractionOfTime, 100, " %")))
		}
	}
	if len(shares) > 0 {
		t.Worse = append(t.Worse, fmt.Sprintf("the share of the time in which replicas of %d are out of the endpoints at once rises: %s", t.Replicas, strings.Join(shares, ", ")))
	}
}

// spread writes an estimate and its interval, as multiples in a unit.
func spread(e *stats.Estimate, scale float64, unit string) string {
	switch {
	case e.Low == e.High:
		return digits(scale*e.Estimate, 3) + unit
	case e.Estimate == 0:
		return fmt.Sprintf("none seen (at most %s%s)", digits(scale*e.High, 3), unit)
	}
	return fmt.Sprintf("%s%s (%s to %s)", digits(scale*e.Estimate, 3), unit, digits(scale*e.Low, 3), digits(scale*e.High, 3))
}

// Missed returns the objectives that the replicas miss together.
func (t *Replicas) Missed() []string {
	if t == nil {
		return nil
	}
	return missedOf(t.Objectives)
}

// missedOf returns the names of the objectives that verdicts say are missed, and openOf
// of those that they leave open.
func missedOf(verdicts []estimate.Verdict) (missed []string) {
	for _, v := range verdicts {
		if v.Met != nil && !*v.Met {
			missed = append(missed, v.Name)
		}
	}
	return missed
}

func openOf(verdicts []estimate.Verdict) (open []string) {
	for _, v := range verdicts {
		if v.Met == nil {
			open = append(open, v.Name)
		}
	}
	return open
}

// kill reports whether the replicas miss an objective about false kills together.
func (t *Replicas) kill() bool { return slices.ContainsFunc(t.Missed(), ofFalseKills) }

// harm says what all replicas together miss; the verb is "miss".
func (t *Replicas) harm(miss string) string {
	missed, how := t.Missed(), []string{}
	if t.kill() {
		how = append(how, "their false kills per pod-year are "+spread(&t.recommended.FalseKillsPerPodYear, 1, ""))
	}
	if slices.ContainsFunc(missed, ofAvailability) {
		away := unavailable(t.recommended)
		how = append(how, "each is unavailable for "+spread(&away, 100, " %")+" of the time")
	}
	return fmt.Sprintf("all replicas together %s %s: %s", miss, strings.Join(missed, " and "), strings.Join(how, ", and "))
}

// unavailable is the share of the time in which a replica does not serve in the endpoints.
func unavailable(c *estimate.TogetherCase) stats.Estimate {
	return c.Availability.Map(func(x float64) float64 { return 1 - x })
}

// Warnings say in a sentence each what the recommended settings do to all replicas
// together that the measures of one pod do not show.
func (t *Replicas) Warnings() []string {
	var warnings []string
	if t == nil {
		return warnings
	}
	if len(t.Missed()) > 0 {
		warnings = append(warnings, "CAUTION: with the recommended settings "+t.harm("MISS")+", whatever one pod by itself shows")
	}
	if len(t.Worse) > 0 {
		warnings = append(warnings, "CAUTION, of all replicas together: with the recommended settings "+strings.Join(t.Worse, "; "))
	}
	return warnings
}
