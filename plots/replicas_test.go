package plots

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

// paths are so many rollouts of replicas that take mean seconds each, one after
// another.
func paths(rollouts, replicas int, mean float64, deadline time.Duration) []recommend.RolloutPath {
	random := rand.New(rand.NewPCG(1, uint64(replicas)))
	all := make([]recommend.RolloutPath, rollouts)
	for i := range all {
		p := &all[i]
		for range replicas {
			took := time.Duration(mean * (0.5 + random.ExpFloat64()/2) * 1e9).Round(time.Second)
			p.Total += took
			p.LongestWait = max(p.LongestWait, took)
			p.Ready = append(p.Ready, p.Total)
		}
		p.Failed = deadline > 0 && p.LongestWait > deadline
	}
	return all
}

func rollout() *Rollout {
	const deadline = 200 * time.Second
	strategy := model.Strategy{Kind: "Deployment", MaxSurge: 1, ProgressDeadline: deadline}
	return &Rollout{Scenario: "serial", Seed: 3, Replicas: 6, Strategy: strategy, Cases: []RolloutCase{
		{Name: "current", Paths: paths(200, 6, 100, deadline)}, {Name: "recommended", Paths: paths(200, 6, 30, deadline)},
	}}
}

// designs are curves of the given probabilities, of designs in the order of
// estimate.Cascades.
func designs(replicas int, several bool, loads []float64, probabilities ...[]float64) *estimate.Cascades {
	c := &estimate.Cascades{Replicas: replicas, Replications: 40, HorizonSeconds: 6 * 3600}
	for i, of := range probabilities {
		curve := estimate.CascadeCurve{SharedWorkers: i < len(probabilities)/2, ChecksDependencies: several && i%2 == 0, AsItIs: i == 0}
		for j, p := range of {
			var share stats.Proportion
			share.Add(int64(math.Round(40*p)), 40)
			curve.Points = append(curve.Points, estimate.CascadePoint{Load: loads[j], PerSecond: 15 * loads[j], Probability: share.Estimate(0.95)})
		}
		c.Curves = append(c.Curves, curve)
	}
	return c
}

func cascade() *Cascade {
	return &Cascade{Scenario: "slow-queries", Seed: 1, Cascades: designs(5, true, []float64{0.5, 1, 1.5, 2},
		[]float64{0.1, 0.3, 0.7, 1}, []float64{0, 0.2, 0.65, 1}, []float64{0.1, 0.1, 0.1, 0.15}, []float64{0, 0, 0, 0})}
}

// togetherExamples are the charts of all replicas of a workload.
func togetherExamples() map[string]Chart {
	return map[string]Chart{"rollout": rollout(), "cascade": cascade()}
}

// togetherEdges are those of unusual workloads.
func togetherEdges() map[string]Chart {
	strategy := model.Strategy{Kind: "Deployment", MaxSurge: 1, ProgressDeadline: 600 * time.Second}
	never := []recommend.RolloutPath{{Ready: []time.Duration{100 * time.Hour}, Total: 100 * time.Hour, LongestWait: 100 * time.Hour, Failed: true}}
	return map[string]Chart{
		"no rollout":            &Rollout{},
		"no path":               &Rollout{Cases: []RolloutCase{{Name: "current"}}, Strategy: strategy},
		"one replica":           &Rollout{Replicas: 1, Strategy: strategy, Cases: []RolloutCase{{Paths: paths(100, 1, 20, 0)}}},
		"one rollout":           &Rollout{Replicas: 1, Strategy: strategy, Cases: []RolloutCase{{Paths: never}}},
		"a thousand replicas":   &Rollout{Replicas: 1000, Cases: []RolloutCase{{Paths: paths(100, 1000, 20, 0)}}},
		"ready at once":         &Rollout{Replicas: 3, Strategy: strategy, Cases: []RolloutCase{{Paths: []recommend.RolloutPath{{Ready: make([]time.Duration, 3)}}}}},
		"far from the deadline": &Rollout{Replicas: 2, Strategy: model.Strategy{ProgressDeadline: 100 * time.Hour}, Cases: []RolloutCase{{Paths: paths(100, 2, 1, 0)}}},
		"no cascade":            &Cascade{Cascades: &estimate.Cascades{}},
		"one load":              &Cascade{Cascades: designs(2, false, []float64{1}, []float64{0.5}, []float64{0})},
		"all cascades":          &Cascade{Cascades: designs(1000, true, []float64{0.5, 1, 2, 4}, []float64{1, 1, 1, 1}, []float64{1, 1, 1, 1}, []float64{1, 1, 1, 1}, []float64{1, 1, 1, 1})},
		"no cascade seen":       &Cascade{Cascades: designs(3, true, []float64{2, 3}, []float64{0, 0}, []float64{0, 0}, []float64{0, 0}, []float64{0, 0})},
	}
}

// TestRolloutQuantiles holds the bands to the counts of rollouts: of n of them a
// share q are as far at the quantile, and no fewer.
func TestRolloutQuantiles(t *testing.T) {
	c := &rollout().Cases[0]
	times := c.times()
	for k, row := range times[:len(times)-1] {
		for i, share := range rolloutShares {
			as, less := 0, 0
			for _, p := range c.Paths {
				if p.Ready[k] <= row[i] {
					as++
				}
				if p.Ready[k] < row[i] {
					less++
				}
			}
			if n := share * float64(len(c.Paths)); float64(as) < n || float64(less) >= n {
				t.Errorf("replica %d, %g: %d of %d rollouts are as far, %d earlier", k+1, share, as, len(c.Paths), less)
			}
		}
	}
	if last := times[len(times)-1]; last != c.quantiles(func(p *recommend.RolloutPath) time.Duration { return p.Total }) || !slices.IsSorted(last[:]) {
		t.Errorf("the end: %v", last)
	}
	if got := rollout().Sentence(); !strings.Contains(got, "fail by a progressDeadlineSeconds of 200") {
		t.Errorf("%q does not name the deadline", got)
	}
}
