package recommend

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// SharedRemedy is a change other than of the probes' numbers, with what it does to all
// replicas together under the recommended settings (S22). Those of one pod do not show
// it: what helps a pod by itself may not help one that the load of others reaches.
type SharedRemedy struct {
	Change string `json:"change"`
	// Objectives are those about false kills and availability, held against the replicas
	// together after the change.
	Objectives []estimate.Verdict `json:"objectives"`
	// FalseKillsPerPodYear are those of all replicas together, before and after.
	FalseKillsPerPodYear Change `json:"falseKillsPerPodYear"`
	// Availability is that of a replica, on average over all, before and after.
	Availability Change `json:"availability"`
	// CrashLoopProbability is that of a crash loop which does not end, before and after.
	CrashLoopProbability Change `json:"crashLoopProbability"`
}

// mendTogether simulates all replicas together under the recommended settings with
// every change that applies, on the random numbers that showed them to miss an
// objective, and with no more effort each. A note names those that there was no time
// for.
func (r *Recommendation) mendTogether(ctx context.Context, s *search, o Options) error {
	if len(r.Together.Missed()) == 0 {
		return nil
	}
	w := s.w
	if r.chosen != nil {
		w = s.world(r.chosen)
	}
	changes := append(applicable(w), moreReplicas(w)...)
	if len(changes) == 0 {
		r.note("what all replicas together miss is nothing of the handlers, the CPU or the number of replicas: no change of those applies")
	}
	for i, change := range changes {
		if ctx.Err() == nil {
			simulated, err := sideBySide(ctx, o, estimate.Named{Name: change.name, World: change.world})
			if err != nil && ctx.Err() == nil {
				return err
			}
			if ctx.Err() == nil {
				after := &simulated.Cases[0]
				r.Together.remedied(change.name, after, s.judgeTogether(after, o.Objectives))
				continue
			}
		}
		var untried []string
		for _, rest := range changes[i:] {
			untried = append(untried, rest.name)
		}
		r.note("there was no time to simulate what these changes do to all replicas together: %s", strings.Join(untried, "; "))
		return nil
	}
	return nil
}

// remedied takes in what a change leads to.
func (t *Replicas) remedied(change string, after *estimate.TogetherCase, verdicts []estimate.Verdict) {
	before := t.recommended
	t.Remedies = append(t.Remedies, SharedRemedy{
		Change: change, Objectives: verdicts,
		FalseKillsPerPodYear: Change{&before.FalseKillsPerPodYear, &after.FalseKillsPerPodYear},
		Availability:         Change{&before.Availability, &after.Availability},
		CrashLoopProbability: Change{&before.CrashLoopProbability, &after.CrashLoopProbability},
	})
}

// busyAtMost is the share of the time that workers and CPUs may be busy in the greatest
// burst, of which a queue still recovers.
const busyAtMost = 0.8

// moreReplicas returns the change to as many replicas as bear the greatest burst, or to
// one more where those that there are do. None: no traffic is shared among them.
func moreReplicas(w *model.World) []remedy {
	if w.Application.Traffic == nil || w.Replicas >= mostTogether {
		return nil
	}
	shared := *estimate.Sharing(w, 1)
	enough := replicasFor(&shared)
	name := fmt.Sprintf("%d replicas instead of %d, whose workers and CPUs are busy for at most %g %% of the time in the greatest burst", enough, w.Replicas, 100*busyAtMost)
	if enough <= w.Replicas || enough > mostTogether {
		enough = w.Replicas + 1
		name = fmt.Sprintf("%d replicas instead of %d", enough, w.Replicas)
	}
	shared.Replicas = enough
	return []remedy{{name, &shared}}
}

// replicasFor returns how many replicas keep their workers and CPUs busy for busyAtMost
// of the time under the greatest rate of the service's requests: each of λ a second
// holds a worker for its wait and its CPU time, and a CPU for the latter.
func replicasFor(w *model.World) int {
	t, c := w.Application.Traffic, w.Container()
	rate := t.PerSecond
	for i := range t.Bursts {
		rate = max(rate, t.Bursts[i].PerSecond)
	}
	used := t.CPU.Mean().Seconds()
	cpus := float64(w.Node.CPUs)
	if c.CPULimitMilli > 0 && !w.Node.NoCFSQuota {
		cpus = min(cpus, float64(c.CPULimitMilli)/1000)
	}
	busy := rate * used / cpus
	if t.Workers > 0 {
		busy = max(busy, rate*(used+t.Wait.Mean().Seconds())/float64(t.Workers))
	}
	return int(math.Ceil(busy / busyAtMost))
}

// sentence says what the change does about the objectives that all replicas together
// miss without it.
func (r *SharedRemedy) sentence(missed []string) string {
	still := missedOf(r.Objectives)
	open := slices.DeleteFunc(openOf(r.Objectives), func(name string) bool { return !slices.Contains(missed, name) })
	effect := "meet " + strings.Join(missed, " and ")
	if len(still) > 0 {
		effect = "still miss " + strings.Join(still, " and ")
	} else if len(open) > 0 {
		effect = "may meet " + strings.Join(open, " and ") + ", which this effort leaves open"
	}
	concerned := slices.Concat(missed, still)
	var numbers []string
	if slices.ContainsFunc(concerned, ofFalseKills) {
		numbers = append(numbers, r.FalseKillsPerPodYear.fromTo("their false kills per pod-year go", 1, ""))
	}
	if slices.ContainsFunc(concerned, ofAvailability) {
		numbers = append(numbers, r.Availability.complement().fromTo("the share of the time in which one is unavailable goes", 100, " %"))
	}
	if r.CrashLoopProbability.Before.Estimate > 0 {
		numbers = append(numbers, r.CrashLoopProbability.fromTo("the probability of a crash loop that does not end goes", 100, " %"))
	}
	return r.Change + ": all replicas together " + effect + "; " + strings.Join(numbers, ", and ") + " (simulated)"
}

// complement is the change of what is left of 1.
func (c *Change) complement() *Change {
	rest := func(x float64) float64 { return 1 - x }
	before, after := c.Before.Map(rest), c.After.Map(rest)
	return &Change{&before, &after}
}

// fromTo writes a simulated change, and whether it is within the intervals.
func (c *Change) fromTo(what string, scale float64, unit string) string {
	text := fmt.Sprintf("%s from %s to %s", what, spread(c.Before, scale, unit), spread(c.After, scale, unit))
	if c.After.High >= c.Before.Low && c.After.Low <= c.Before.High {
		text += ", within the intervals"
	}
	return text
}

// RemedySentences say what other changes do about what all replicas together miss, and
// whether any of them helps.
func (t *Replicas) RemedySentences() []string {
	var sentences []string
	if t == nil {
		return sentences
	}
	helps := false
	for i := range t.Remedies {
		sentences = append(sentences, t.Remedies[i].sentence(t.Missed()))
		helps = helps || len(missedOf(t.Remedies[i].Objectives)) == 0
	}
	if len(sentences) > 0 && !helps {
		sentences = append(sentences, "none of the changes that were simulated does away with what all replicas together miss")
	}
	return sentences
}
