package recommend

import (
	"fmt"
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/stats"
)

// Deadline is the progressDeadlineSeconds that a Deployment needs: with it none of
// the simulated rollouts fails whose every pod becomes Ready, and no start that
// uses up the startup budget does. A longer one only reports a rollout that never
// ends so much later, so that a present one which is enough stays.
type Deadline struct {
	Seconds int64 `json:"seconds"` // whole tens of seconds, from ten minutes on whole minutes
	// PresentCovers: the deadline that is there is as long, or there is none.
	PresentCovers bool `json:"presentCovers"`
	// LongestWaitSeconds is the longest time without progress in those rollouts.
	LongestWaitSeconds float64 `json:"longestWaitSeconds"`
	// BudgetSeconds is the longest start within the startup budget (S5). Null: there
	// is no startup probe.
	BudgetSeconds *float64 `json:"budgetSeconds"`
	// RolloutFailsProbability is that of a rollout with a deadline of Seconds, those
	// included in which a pod never becomes Ready.
	RolloutFailsProbability stats.Estimate `json:"rolloutFailsProbability"`
	Sentence                string         `json:"sentence"`
}

// deadline returns what the rollouts of a Deployment need with the settings of a
// world. Nil: the workload's kind has no deadline, or in no rollout every pod
// becomes Ready, which no deadline helps.
func (s *search) deadline(w *model.World, strategy *model.Strategy, paths []RolloutPath) *Deadline {
	if strategy.Kind != unsaidKind {
		return nil
	}
	d := &Deadline{}
	longest, ended := strategy.MinReady, false
	for i := range paths {
		if !paths[i].NeverReady {
			longest, ended = max(longest, paths[i].LongestWait), true
		}
	}
	if !ended {
		return nil
	}
	d.LongestWaitSeconds = longest.Seconds()
	needed := d.LongestWaitSeconds
	if p := w.Container().Probes[model.Startup]; p != nil {
		budget := float64(calc.SettingsOf(p).Budget(true).Most)
		d.BudgetSeconds = &budget
		needed = math.Max(needed, budget)
	}
	d.PresentCovers = strategy.ProgressDeadline == 0 || strategy.ProgressDeadline.Seconds() >= needed
	d.Seconds = wholeDeadline(needed)
	var failed stats.Proportion
	for i := range paths {
		failed.Add(counted(paths[i].LongestWait > time.Duration(d.Seconds)*time.Second), 1)
	}
	d.RolloutFailsProbability = failed.Estimate(s.confidence)
	d.Sentence = d.sentence(strategy)
	return d
}

// wholeDeadline rounds seconds up to what people write, and to what the API takes:
// more than minReadySeconds, and at most the greatest 32-bit number, which means
// none.
func wholeDeadline(seconds float64) int64 {
	step := 10.0
	if seconds >= 600 {
		step = 60
	}
	return int64(math.Min(step*(math.Floor(seconds/step)+1), math.MaxInt32))
}

func (d *Deadline) sentence(strategy *model.Strategy) string {
	text := fmt.Sprintf("progressDeadlineSeconds %d is enough", d.Seconds)
	switch {
	case strategy.ProgressDeadline == 0:
		text += ", and none is set: a rollout that never ends is never reported"
	case d.PresentCovers:
		text = fmt.Sprintf("progressDeadlineSeconds %d may stay", int64(strategy.ProgressDeadline/time.Second))
	default:
		text = fmt.Sprintf("progressDeadlineSeconds has to be %d instead of %d", d.Seconds, int64(strategy.ProgressDeadline/time.Second))
	}
	text += fmt.Sprintf(": of the simulated rollouts whose pods all become Ready none goes longer than %s without progress", seconds(d.LongestWaitSeconds))
	if d.BudgetSeconds != nil {
		text += fmt.Sprintf(", and the startup probe lets one start take up to %s", seconds(*d.BudgetSeconds))
	}
	switch fails := &d.RolloutFailsProbability; {
	case d.PresentCovers:
	case fails.Estimate == 0:
		text += fmt.Sprintf("; with it none of the simulated rollouts fails (at most %.3g %% do)", 100*fails.High)
	default:
		text += fmt.Sprintf("; with it %.3g %% of the rollouts fail (at most %.3g %%)", 100*fails.Estimate, 100*fails.High)
	}
	return text
}

// minReadyNeeded returns the whole seconds after which a new pod that is Ready gets
// requests from every proxy and the load balancer, in 99 of 100 cases: a
// minReadySeconds as long keeps an old pod until then (K84). It is 0 where no old
// pod is left that it could keep.
func (s *search) minReadyNeeded(strategy *model.Strategy) int64 {
	if strategy.Recreate || strategy.MaxSurge == 0 && s.w.Replicas <= 1 {
		return 0
	}
	return int64(math.Ceil(math.Min(math.Max(s.propagation(.99), s.balanced(.99)), math.MaxInt32)))
}

// balanced is the quantile p of the delay from Ready to the load balancer's first
// good health check of the new target, in seconds; 0 where there is none. The
// target is registered with the endpoint's change, which takes some 0.1 s (K71),
// and the check comes at a uniform phase of its period. One good check is taken to
// be enough: a scenario does not state a healthy threshold.
func (s *search) balanced(p float64) float64 {
	b := s.w.Cluster.LoadBalancer
	if b == nil || b.PeriodSeconds == 0 {
		return 0
	}
	registered := 0.1
	if stated := s.w.Cluster.Propagation; stated != nil {
		registered = stated.Quantile(p).Seconds()
	}
	return registered + p*float64(b.PeriodSeconds)
}

// minReadySentence says what minReadySeconds does to rollouts, and what it would
// have to be.
func (r *Rollout) minReadySentence(strategy *model.Strategy, w *model.World) string {
	keeps, first := "an old pod", ""
	if strategy.MaxSurge == 0 {
		keeps, first = "the next one", "the old pod has gone before its successor comes, and "
	}
	text := fmt.Sprintf("minReadySeconds %d takes %s of every rollout, %d in each of %d waves", r.MinReadySeconds, seconds(float64(int64(r.Waves)*r.MinReadySeconds)), r.MinReadySeconds, r.Waves)
	if r.MinReadySeconds == 0 {
		text = fmt.Sprintf("minReadySeconds 0: %s%s may go as soon as a new pod is Ready", first, keeps)
	}
	if strategy.Recreate || strategy.MaxSurge == 0 && r.Replicas == 1 {
		return fmt.Sprintf("minReadySeconds %d: it keeps no old pod here, as none is left when the first new one comes", r.MinReadySeconds)
	}
	needed := fmt.Sprintf("; a new pod is in every proxy within %d s of being Ready in 99 of 100 cases", r.MinReadyNeededSeconds)
	switch b := w.Cluster.LoadBalancer; {
	case b != nil && b.PeriodSeconds > 0:
		needed = fmt.Sprintf("; a new pod is in every proxy, and past the load balancer's first health check, which comes every %d s, within %d s of being Ready in 99 of 100 cases", b.PeriodSeconds, r.MinReadyNeededSeconds)
	case b != nil:
		needed += ", the load balancer not counted, whose health check the scenario does not state"
	}
	switch {
	case r.MinReadySeconds < r.MinReadyNeededSeconds:
		return text + needed + fmt.Sprintf("; minReadySeconds %d would keep %s until then, for %s more a rollout",
			r.MinReadyNeededSeconds, keeps, seconds(float64(int64(r.Waves)*(r.MinReadyNeededSeconds-r.MinReadySeconds))))
	case r.MinReadySeconds > r.MinReadyNeededSeconds:
		return text + needed + ": more only watches it for longer before the next goes"
	}
	return text + needed
}
