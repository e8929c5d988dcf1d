package recommend

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// RolloutPath is one simulated rollout, from the instant at which its first new
// pod could be created.
type RolloutPath struct {
	Ready []time.Duration // when each new pod is Ready, ascending
	Total time.Duration   // until the last one is available, minReadySeconds after it is Ready
	// LongestWait is the longest time in which no pod is created, Ready or
	// available: the progress deadline counts anew from each of these.
	LongestWait time.Duration
	Failed      bool // LongestWait exceeds the progress deadline
	// NeverReady: a pod was not Ready within the time it was watched, which counts
	// as its time.
	NeverReady bool
}

// Rollouts simulates rollouts of a workload with the settings that it has, as
// Search does to judge them: every new pod's time is a simulated start with its
// probes, kills and back-off. Of the options the seed, the workers and the
// strategy count; a strategy of no kind is that of a Deployment which states
// nothing, and is returned as it was taken. The error is that of a world that
// cannot be simulated, or of the context.
func Rollouts(ctx context.Context, w *model.World, o Options) ([]RolloutPath, model.Strategy, error) {
	s := &search{w: w, seed: o.Seed, jobs: o.Jobs}
	strategy := strategyOf(&o.Strategy, w.Replicas)
	stop := new(atomic.Bool) // gives up the lives under way
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()
	pods, err := s.newPods(w, 2*estimate.StartSpan(w)+2*strategy.ProgressDeadline, stop)
	if err != nil || stop.Load() {
		return nil, strategy, cmp.Or(err, ctx.Err())
	}
	return s.rollouts(&strategy, pods), strategy, nil
}

// rollouts puts the pods together to rollouts: each has pods of its own while
// there are enough, and else draws from them.
func (s *search) rollouts(strategy *model.Strategy, pods *newPods) []RolloutPath {
	n := max(1, s.w.Replicas)
	count := min(mostRollouts, max(fewestRollouts, len(pods.took)/n))
	random := rand.New(rand.NewPCG(s.seed, rolloutStream))
	var paths []RolloutPath
	for i := range count {
		never := false
		path := replaceAll(strategy, n, func(pod int) time.Duration {
			at := i*n + pod
			if count*n > len(pods.took) {
				at = random.IntN(len(pods.took))
			}
			never = never || pods.took[at] >= pods.watched
			return pods.took[at]
		}, func() time.Duration { return s.oldPodGone(strategy, random) })
		path.NeverReady = never
		paths = append(paths, path)
	}
	return paths
}

// totals returns how long each rollout took.
func totals(paths []RolloutPath) []time.Duration {
	var all []time.Duration
	for i := range paths {
		all = append(all, paths[i].Total)
	}
	return all
}

// replaceAll returns the path of one rollout. Each new pod takes the time that
// takes returns to be Ready, and one that has to wait for an old one's end so
// long more.
func replaceAll(strategy *model.Strategy, replicas int, takes func(pod int) time.Duration, waits func() time.Duration) RolloutPath {
	var path RolloutPath
	free := make([]time.Duration, strategy.InFlight(replicas)) // when each place for a new pod is free
	progress := []time.Duration{0}
	for pod := range replicas {
		place := 0
		for i := range free {
			if free[i] < free[place] {
				place = i
			}
		}
		created := free[place] + waits()
		ready := created + takes(pod)
		free[place] = ready + strategy.MinReady
		path.Ready = append(path.Ready, ready)
		progress = append(progress, created, ready, free[place])
		path.Total = max(path.Total, free[place])
	}
	slices.Sort(path.Ready)
	slices.Sort(progress)
	for i := 1; i < len(progress); i++ {
		path.LongestWait = max(path.LongestWait, progress[i]-progress[i-1])
	}
	path.Failed = strategy.ProgressDeadline > 0 && path.LongestWait > strategy.ProgressDeadline
	return path
}
