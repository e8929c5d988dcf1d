package plots

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/stats"
)

// Startup shows how long startups take against the time the kubelet gives
// them: the probability that a startup takes longer than t, on a log scale.
type Startup struct {
	Title    string // empty: "Does the startup fit into its budget?"
	Scenario string
	Seed     uint64
	// Completed holds the durations of startups from the container's start to
	// able to serve; Killed those of startups that were cut off before. Without
	// the latter the picture is too fast wherever startups were killed (S17).
	Completed, Killed []time.Duration
	// Model is the distribution of a startup, where it is known. Nil: none.
	Model *dist.Duration
	// Kind and Probe are what kills a startup that takes too long: the startup
	// probe, or the liveness probe of a container without one. Nil: nothing does.
	Kind  model.ProbeKind
	Probe *model.Probe
	// NoAnswer tells attempts against a starting process that run into their
	// timeout from those that fail at once.
	NoAnswer bool
	// KillProbability is the probability that a start is killed. Nil: unknown.
	KillProbability *stats.Estimate
}

// NewStartup returns the chart for the studied container of a world, with the
// probe that limits its startups.
func NewStartup(w *model.World, seed uint64, completed []time.Duration, killProbability *stats.Estimate) *Startup {
	s := &Startup{Scenario: w.Name, Seed: seed, Completed: completed, KillProbability: killProbability}
	for _, kind := range []model.ProbeKind{model.Startup, model.Liveness} {
		if probe := w.Container().Probes[kind]; probe != nil {
			s.Kind, s.Probe = kind, probe
			s.NoAnswer = answersTimeout(w, probe)
			break
		}
	}
	return s
}

// budget returns the time within which a startup is certain to be let through,
// and the time after which it is certain to be killed (S5).
func (s *Startup) budget() (guaranteed, latest time.Duration) {
	if s.Probe == nil {
		return 0, 0
	}
	probe := *s.Probe
	probe.SetDefaults()
	budget := calc.SettingsOf(&probe).Budget(s.NoAnswer)
	return secondsOf(float64(budget.Guaranteed)), secondsOf(float64(budget.Most))
}

// answersTimeout reports whether a starting process leaves a probe without an
// answer: it accepts and says nothing, or the handler tries again until its
// timeout (K20).
func answersTimeout(w *model.World, probe *model.Probe) bool {
	for _, stage := range w.Application.Startup {
		if stage.Answers == model.AnswersTimeout || stage.Answers == model.AnswersDropped || stage.Answers == model.AnswersRefused && probe.Handler.Kind == model.GRPC {
			return true
		}
	}
	return false
}

// survival returns the share of startups that take longer than t.
func (s *Startup) survival() []step { return survival(s.Completed, s.Killed) }

// modelSteps is into how many quantiles either half of the model's curve is cut.
const modelSteps = 60

// modelCurve returns the model's survival function down to a least probability.
func (s *Startup) modelCurve(least float64) []step {
	if s.Model == nil {
		return nil
	}
	var curve []step
	for i := 1; i < modelSteps; i++ { // down to one half evenly, from there on the scale of the axis
		share := 1 - 0.5*float64(i)/modelSteps
		curve = append(curve, step{s.Model.Quantile(1 - share), share})
	}
	for i := range modelSteps + 1 {
		share := 0.5 * math.Pow(2*least, float64(i)/modelSteps)
		curve = append(curve, step{s.Model.Quantile(1 - share), share})
	}
	return curve
}

// WriteCSV writes the survival function of the startups, of the model, and the
// budget.
func (s *Startup) WriteCSV(w io.Writer) error {
	rows := [][]string{{"series", "seconds", "shareLonger"}}
	for _, step := range s.survival() {
		rows = append(rows, []string{"startups", seconds(step.at), number(step.share)})
	}
	for _, step := range s.modelCurve(s.floor()) {
		rows = append(rows, []string{"model", seconds(step.at), fmt.Sprintf("%.4g", step.share)})
	}
	if s.Probe != nil {
		guaranteed, latest := s.budget()
		steps := s.survival()
		rows = append(rows, []string{"guaranteed budget", seconds(guaranteed), shareBeyond(steps, guaranteed)},
			[]string{"latest kill decision", seconds(latest), shareBeyond(steps, latest)})
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("startup: %w", err)
	}
	return nil
}

// floor returns the least probability that is drawn: below the least that the
// startups show, and for a model one in a million.
func (s *Startup) floor() float64 {
	least := leastShare(s.survival())
	if s.Model != nil {
		least = min(least, 1e-6)
	}
	return max(least, 1e-9)
}

// Sentence says how the startups and the budget compare.
func (s *Startup) Sentence() string {
	var parts []string
	if steps := s.survival(); len(steps) > 0 {
		parts = append(parts, s.tellStartups(steps))
	}
	if s.Probe == nil {
		parts = append(parts, "no probe limits the startup")
	} else {
		guaranteed, latest := s.budget()
		parts = append(parts, fmt.Sprintf("the %s probe (%s) lets every startup of up to %s through and kills every one of over %s",
			s.Kind, s.settings(), spell(guaranteed), spell(latest)))
	}
	if kills := s.tellKills(); kills != "" {
		parts = append(parts, kills)
	}
	return upperFirst(strings.Join(parts, "; ")) + "."
}

// tellStartups writes how long startups take, as far as they were seen to the end.
func (s *Startup) tellStartups(steps []step) string {
	n := len(s.Completed) + len(s.Killed)
	longest := steps[len(steps)-1].at
	median, ok := quantile(steps, 0.5)
	switch {
	case n == 1:
		return fmt.Sprintf("the startup takes %s", spell(longest))
	case !ok:
		return fmt.Sprintf("%d of %d startups complete, within %s", len(s.Completed), n, spell(longest))
	}
	text := fmt.Sprintf("half of %d startups take up to %s, ", n, spell(median))
	if p99, ok := quantile(steps, 0.99); ok && n >= 100 {
		text += fmt.Sprintf("99 %% up to %s, ", spell(p99))
	}
	return text + "the longest seen " + spell(longest)
}

func (s *Startup) settings() string {
	text := fmt.Sprintf("%s × %d s", plural(int(max(s.Probe.FailureThreshold, 1)), "failure"), s.Probe.PeriodSeconds)
	if s.Probe.InitialDelaySeconds > 0 {
		text += fmt.Sprintf(" after %d s", s.Probe.InitialDelaySeconds)
	}
	return text
}

// tellKills writes the probability that a start is killed.
func (s *Startup) tellKills() string {
	k := s.KillProbability
	switch {
	case k == nil:
		return ""
	case !(k.Estimate > 0) && k.High > 0:
		return fmt.Sprintf("fewer than %s of starts are killed", share(k.High))
	case !(k.Estimate > 0):
		return "no start is killed"
	case share(k.High) != share(k.Low):
		return fmt.Sprintf("%s of starts are killed (%s to %s)", share(k.Estimate), share(k.Low), share(k.High))
	}
	return share(k.Estimate) + " of starts are killed"
}
