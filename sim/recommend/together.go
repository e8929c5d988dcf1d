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

// Together is what settings do to all replicas at once, which the measures of one
// pod cannot say: how many are out of the endpoints at one instant, whether the
// load of those that are out takes the others down, and whether that ends.
type Together struct {
	estimate.Together
	// Worse says what is worse with the recommended settings than with the current
	// ones, beyond the intervals; empty: nothing.
	Worse []string `json:"worse"`
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
func (s *search) together(ctx context.Context, o Options, recommended *combination) (*Together, error) {
	if !meet(s.w) {
		return nil, nil
	}
	settings := []estimate.Named{{Name: "current", World: s.w}}
	if recommended != nil {
		settings = append(settings, estimate.Named{Name: "recommended", World: s.world(recommended)})
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
	t := &Together{Together: *simulated, Worse: []string{}}
	if recommended == nil {
		return t, nil
	}
	before, after := &t.Cases[0], &t.Cases[len(t.Cases)/2]
	compare := func(what string, a, b *stats.Estimate) {
		if a != nil && b != nil && b.Low > a.High {
			t.Worse = append(t.Worse, fmt.Sprintf("%s rises from %.3g (%.3g to %.3g) to %.3g (%.3g to %.3g)", what, a.Estimate, a.Low, a.High, b.Estimate, b.Low, b.High))
		}
	}
	compare("the probability of a cascade", before.CascadeProbability, after.CascadeProbability)
	compare("the probability of a crash loop that does not end", &before.CrashLoopProbability, &after.CrashLoopProbability)
	all := s.w.Replicas - 1
	compare("the share of time with every replica out", &before.OutOfEndpointsAtOnce[all].FractionOfTime, &after.OutOfEndpointsAtOnce[all].FractionOfTime)
	return t, nil
}

// Warning says in one sentence what gets worse; empty: nothing.
func (t *Together) Warning() string {
	if t == nil || len(t.Worse) == 0 {
		return ""
	}
	return "CAUTION, of all replicas together: with the recommended settings " + strings.Join(t.Worse, "; ")
}
