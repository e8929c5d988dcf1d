package recommend

import (
	"context"
	"fmt"
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
	// Objectives are those about false kills, held against the replicas together with
	// the recommended settings. Each pod by itself may meet what they miss.
	Objectives []estimate.Verdict `json:"objectives"`

	kills stats.Estimate // with the recommended settings
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
	simulation := o.Options
	simulation.Budget = 0
	perSecond := 0.0
	for _, named := range settings {
		perSecond = max(perSecond, float64(named.World.Replicas)*eventsPerSecond(named.World))
	}
	affordable := time.Duration(togetherEvents / togetherLives / perSecond * 1e9)
	horizon := max(2*sim.StuckAfter, min(o.Horizon, affordable.Truncate(time.Hour)))
	simulated, err := estimate.CompareTogether(ctx, settings, simulation, togetherLives, horizon, triggerEvents)
	if err != nil {
		return nil, err
	}
	t := &Replicas{Together: *simulated, Worse: []string{}, Objectives: []estimate.Verdict{}}
	before, after := &t.Cases[0], &t.Cases[0]
	if r.chosen != nil {
		after = &t.Cases[len(t.Cases)/2]
	}
	t.compare(before, after)
	t.kills = after.FalseKillsPerPodYear
	for _, objective := range o.Objectives {
		if verdict, applies := after.Judge(objective); applies && r.Recommended != nil {
			t.Objectives = append(t.Objectives, verdict)
		}
	}
	return t, nil
}

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
	return fmt.Sprintf("%s%s (%s to %s)", digits(scale*e.Estimate, 3), unit, digits(scale*e.Low, 3), digits(scale*e.High, 3))
}

// Missed returns the objectives that the replicas miss together.
func (t *Replicas) Missed() []string {
	var missed []string
	if t == nil {
		return missed
	}
	for _, objective := range t.Objectives {
		if objective.Met != nil && !*objective.Met {
			missed = append(missed, objective.Name)
		}
	}
	return missed
}

// Warnings say in a sentence each what the recommended settings do to all replicas
// together that the measures of one pod do not show.
func (t *Replicas) Warnings() []string {
	var warnings []string
	if t == nil {
		return warnings
	}
	if missed := t.Missed(); len(missed) > 0 {
		warnings = append(warnings, fmt.Sprintf("CAUTION, all replicas together, which share their load, MISS %s with the recommended settings: false kills per pod-year are %s, whatever one pod by itself shows",
			strings.Join(missed, " and "), spread(&t.kills, 1, "")))
	}
	if len(t.Worse) > 0 {
		warnings = append(warnings, "CAUTION, of all replicas together: with the recommended settings "+strings.Join(t.Worse, "; "))
	}
	return warnings
}
