package recommend

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// Termination is what a deletion of the pod costs, by how long preStop sleeps:
// until the last proxy has forgotten the pod, its requests go to a process that
// has closed its listener, or is gone (K79 to K82). It is advice beside the
// recommended settings of the probes: a sleep prolongs every deletion, and a
// preStop hook that is there may do more than sleep.
type Termination struct {
	// PreStopSeconds is what the container's preStop hook takes now; 0: none, or
	// not known.
	PreStopSeconds                float64 `json:"preStopSeconds"`
	TerminationGracePeriodSeconds int64   `json:"terminationGracePeriodSeconds"`
	// ByPreStop has what was simulated, the shortest sleep first: the pod as it is,
	// and sleeps up to the first that is enough, or to where longer ones help no more.
	ByPreStop []PreStopPoint `json:"byPreStop"`
	// LeastPreStopSeconds is the shortest sleep in whole seconds with which at most
	// one deletion in a hundred leaves any dead traffic, at the upper end of its
	// interval, if the grace period covers it. Null: none is long enough.
	LeastPreStopSeconds *int64 `json:"leastPreStopSeconds"`
	// GraceNeededSeconds is the grace period that covers that sleep, or the
	// present hook, and all but one in a thousand shutdowns.
	GraceNeededSeconds int64  `json:"graceNeededSeconds"`
	GraceCovers        bool   `json:"graceCovers"` // the present grace period does
	Sentence           string `json:"sentence"`
}

// PreStopPoint is what deletions cost with one length of preStop.
type PreStopPoint struct {
	PreStopSeconds float64 `json:"preStopSeconds"`
	// GracePeriodSeconds cuts the hook off, at once, and the shutdown after it
	// (K37): the present one, and for other sleeps at least what covers them.
	GracePeriodSeconds int64 `json:"terminationGracePeriodSeconds"`
	Present            bool  `json:"present"` // this is the pod as it is
	// DeadTrafficSecondsPerDeletion is the mean time in which some proxy sends
	// requests to a pod that takes none.
	DeadTrafficSecondsPerDeletion stats.Estimate `json:"deadTrafficSecondsPerDeletion"`
	DeletionsWithDeadTraffic      stats.Estimate `json:"deletionsWithDeadTraffic"` // the share that has any
	// CutOffProbability is that of a shutdown which the grace period does not
	// cover, by the distribution of the shutdown: SIGKILL ends it.
	CutOffProbability float64 `json:"cutOffProbability"`
}

const (
	// deletionsSimulated is enough to exclude, where none of them leaves dead
	// traffic, that one in a hundred does.
	deletionsSimulated = 400
	fewDeletions       = 0.01 // that may leave dead traffic
	rareShutdown       = 0.999
	unstatedShutdown   = 10 * time.Second
	deletionStream     = 0xde1e7e
)

// preStopSleeps are the sleeps to try, in seconds.
var preStopSleeps = []int64{0, 1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600}

// serves reports whether the pods of a world get requests. Those that run to completion
// (restartPolicy OnFailure or Never) are behind no Service: their deletion leaves no
// traffic behind, and no rollout replaces them.
func serves(w *model.World) bool { return w.Pod.RestartPolicy == model.RestartAlways }

// termination simulates deletions of the pod as it is, and with longer and longer
// sleeps whose grace period is long enough. It returns nil if it was told to stop.
func (s *search) termination(stop *atomic.Bool) (*Termination, error) {
	now, grace := s.w.Container().PreStop.Lasts, kubelet.DeletionGrace(&s.w.Pod, nil)
	t := &Termination{PreStopSeconds: now.Seconds(), TerminationGracePeriodSeconds: s.w.Pod.TerminationGracePeriodSeconds}
	present, err := s.deletions(now, grace, stop)
	if err != nil {
		return nil, err
	}
	present.Present = true
	t.ByPreStop = []PreStopPoint{present}
	if err := s.shortestSleep(t, stop); err != nil || stop.Load() {
		return nil, err
	}
	slices.SortFunc(t.ByPreStop, func(a, b PreStopPoint) int {
		return cmp.Or(cmp.Compare(a.PreStopSeconds, b.PreStopSeconds), cmp.Compare(a.GracePeriodSeconds, b.GracePeriodSeconds))
	})
	sleep := now
	if t.LeastPreStopSeconds != nil {
		sleep = max(sleep, time.Duration(*t.LeastPreStopSeconds)*time.Second)
	}
	needed := s.graceNeeded(sleep)
	t.GraceNeededSeconds, t.GraceCovers = int64(needed/time.Second), grace >= needed
	t.Sentence = t.sentence(s.w)
	return t, nil
}

// shortestSleep looks for the shortest whole second that is enough: among a few
// first, then by bisection between the longest of those that is not and the
// shortest that is, as a longer sleep never leaves more dead traffic.
func (s *search) shortestSleep(t *Termination, stop *atomic.Bool) error {
	enough := func(sleep int64) (bool, error) {
		p, err := s.slept(t, sleep, stop)
		return err == nil && !stop.Load() && p.enough(), err
	}
	low, high := int64(-1), int64(-1)
	for i, sleep := range preStopSleeps {
		ok, err := enough(sleep)
		if err != nil || stop.Load() {
			return err
		}
		if ok {
			high = sleep
			break
		}
		low = sleep
		if i == 3 && s.sleepless(t) {
			ok, err := enough(preStopSleeps[len(preStopSleeps)-1])
			if !ok || err != nil {
				return err
			}
		}
	}
	if high < 0 {
		return nil
	}
	for high-low > 1 {
		middle := (low + high) / 2
		ok, err := enough(middle)
		if err != nil || stop.Load() {
			return err
		}
		if ok {
			high = middle
		} else {
			low = middle
		}
	}
	t.LeastPreStopSeconds = &high
	return nil
}

// slept returns what deletions cost with a sleep whose grace period is long
// enough, simulated once.
func (s *search) slept(t *Termination, sleep int64, stop *atomic.Bool) (*PreStopPoint, error) {
	lasts := time.Duration(sleep) * time.Second
	grace := max(kubelet.DeletionGrace(&s.w.Pod, nil), s.graceNeeded(lasts))
	for i := range t.ByPreStop {
		if p := &t.ByPreStop[i]; p.PreStopSeconds == lasts.Seconds() && p.GracePeriodSeconds == int64(grace/time.Second) {
			return p, nil
		}
	}
	p, err := s.deletions(lasts, grace, stop)
	t.ByPreStop = append(t.ByPreStop, p)
	return &t.ByPreStop[len(t.ByPreStop)-1], err
}

// enough reports whether at most few deletions leave dead traffic.
func (p *PreStopPoint) enough() bool { return p.DeletionsWithDeadTraffic.High <= fewDeletions }

// sleepless reports whether the sleeps tried so far all left as much dead traffic
// as the first: a lone pod gets its requests to its exit (K83), and a balancer's
// health check can be quicker than its deregistration.
func (s *search) sleepless(t *Termination) bool {
	first, last := &t.ByPreStop[0], &t.ByPreStop[len(t.ByPreStop)-1]
	return last.DeadTrafficSecondsPerDeletion.Estimate > 0.9*first.DeadTrafficSecondsPerDeletion.Estimate
}

// graceNeeded returns the whole seconds that cover a sleep and all but few
// shutdowns; a process that ignores SIGTERM is killed in any case, the sooner the
// better. Behind a hook a shutdown of which nothing is stated is taken to last 10 s:
// what says nothing of it is no promise to exit at once.
func (s *search) graceNeeded(sleep time.Duration) time.Duration {
	shutdown := s.w.Application.Shutdown.Wait.Quantile(rareShutdown)
	switch {
	case s.w.Application.Shutdown.IgnoresTerm:
		shutdown = 0
	case shutdown == 0 && sleep > 0:
		shutdown = unstatedShutdown
	}
	return min(sleep+shutdown, dist.Longest/8).Truncate(time.Second) + time.Second
}

// cutOff returns the probability that a shutdown lasts longer than what is left
// of the grace period after preStop (K37).
func cutOff(w *model.World, sleep, grace time.Duration) float64 {
	if w.Application.Shutdown.IgnoresTerm {
		return 1
	}
	return 1 - w.Application.Shutdown.Wait.CDF(kubelet.RemainingGrace(grace, kubelet.PreStopLasts(sleep, grace)))
}

// deletedWorld is a world of which nothing is left but what matters to a pod
// that serves when it is deleted once, by a rollout if the workload's strategy is
// to surge, a minute or two after a given time.
func deletedWorld(w *model.World, strategy *model.Strategy, sleep, grace time.Duration) (deleted *model.World, horizon time.Duration) {
	container := *w.Container()
	container.Probes[model.Startup], container.Probes[model.Liveness] = nil, nil
	if p := container.Probes[model.Readiness]; p != nil {
		container = container.WithProbe(model.Readiness, p)
		container.Probes[model.Readiness].InitialDelaySeconds = 0
	}
	container.PreStop = model.PreStop{Handler: "sleep", Lasts: sleep}
	deleted = w.WithContainer(container)
	deleted.Pod.TerminationGracePeriodSeconds = int64(grace / time.Second)
	deleted.Application = model.Application{Threads: w.Application.Threads, Shutdown: w.Application.Shutdown}
	for k := range deleted.Application.Probes {
		deleted.Application.Probes[k].HangCoverage = 1
	}
	deleted.Faults, deleted.Dependencies = nil, nil
	deleted.Node.Neighbours = nil
	before := estimate.StartSpan(deleted) + grace + 2*time.Minute
	if b := w.Cluster.LoadBalancer; b != nil {
		before += b.Deregistration
	}
	if p := w.Cluster.Propagation; p != nil {
		before += min(p.Quantile(0.9999), time.Hour)
	}
	// The next deletion is counted from the end of the first and so is beyond the
	// horizon, and the phase of the first is uniform on every raster.
	at := dist.Duration{Nanoseconds: dist.Uniform{Low: float64(before), High: float64(before + time.Minute)}}
	deleted.Events = model.Events{Deletion: &at}
	if strategy.MaxSurge > 0 && !strategy.Recreate {
		// Most deletions come from rollouts, in which the proxies are busy with the
		// new pods and take the old one out up to minSyncPeriod later (K82, K84). A
		// lone pod too has its successor beside it then, which gets the requests.
		deleted.Events = model.Events{Rollout: &at}
	}
	return deleted, 2 * before
}

// deletions simulates deletions with a preStop sleep.
func (s *search) deletions(sleep, grace time.Duration, stop *atomic.Bool) (PreStopPoint, error) {
	w, horizon := deletedWorld(s.w, &s.strategy, sleep, grace)
	p := PreStopPoint{PreStopSeconds: sleep.Seconds(), GracePeriodSeconds: int64(grace / time.Second), CutOffProbability: cutOff(s.w, sleep, grace)}
	simulator, err := sim.New(w)
	if err != nil {
		return p, err
	}
	var dead stats.RatioOfSums
	var any stats.Proportion
	for i := range deletionsSimulated {
		if stop.Load() {
			break
		}
		o := simulator.Run(sim.Life{Seed: s.seed ^ deletionStream, Replication: uint64(i), Draw: model.DrawOf(uint64(i)), Horizon: horizon, Stop: stop})
		dead.Add(int64(o.DeadTraffic), int64(time.Second))
		left := int64(0)
		if o.DeadTraffic > 0 {
			left = 1
		}
		any.Add(left, 1)
	}
	p.DeadTrafficSecondsPerDeletion = dead.Estimate(math.Inf(1), s.confidence)
	p.DeletionsWithDeadTraffic = any.Estimate(s.confidence)
	return p, nil
}

// Present is what deletions of the pod cost as it is.
func (t *Termination) Present() *PreStopPoint {
	return &t.ByPreStop[slices.IndexFunc(t.ByPreStop, func(p PreStopPoint) bool { return p.Present })]
}

// sentence says what to do about deletions, with the numbers.
func (t *Termination) sentence(w *model.World) string {
	current := t.Present()
	text := fmt.Sprintf("%s a deletion leaves %s of traffic to a pod that takes none on average, %.3g %% of the deletions any",
		t.hook(w), seconds(current.DeadTrafficSecondsPerDeletion.Estimate), 100*current.DeletionsWithDeadTraffic.Estimate)
	shutdowns := "all but one in a thousand shutdowns"
	if shutdown := &w.Application.Shutdown; shutdown.IgnoresTerm {
		shutdowns = "not the shutdown, which SIGKILL has to end"
	} else if shutdown.Wait.Quantile(rareShutdown) == 0 {
		shutdowns = fmt.Sprintf("a shutdown of %s, of which nothing is stated", seconds(unstatedShutdown.Seconds()))
	}
	grace := fmt.Sprintf("terminationGracePeriodSeconds %d covers it and %s", t.TerminationGracePeriodSeconds, shutdowns)
	if !t.GraceCovers {
		grace = fmt.Sprintf("terminationGracePeriodSeconds has to be %d instead of %d for it and %s", t.GraceNeededSeconds, t.TerminationGracePeriodSeconds, shutdowns)
	}
	if current.CutOffProbability > 0.001 {
		grace += fmt.Sprintf("; SIGKILL now cuts off %.3g %% of the shutdowns", 100*current.CutOffProbability)
	}
	switch least := t.LeastPreStopSeconds; {
	case least == nil && w.Replicas == 1:
		text += "; no sleep helps a lone replica without a successor beside it, which gets traffic to its exit (K83): a second one does"
	case least == nil:
		text += fmt.Sprintf("; no sleep up to %s is enough", seconds(t.ByPreStop[len(t.ByPreStop)-1].PreStopSeconds))
	case float64(*least) > t.PreStopSeconds:
		text += fmt.Sprintf("; a preStop sleep of %d s is the shortest in whole seconds with which at most one in a hundred does", *least)
	case !current.enough():
		text += "; the hook is long enough where the grace period covers it"
	}
	if least := t.LeastPreStopSeconds; least != nil && float64(*least)+1 <= t.PreStopSeconds {
		text += fmt.Sprintf("; a sleep of %d s would do as well", *least)
	}
	return text + ". " + grace
}

// hook says what the pod has to let proxies learn of its deletion.
func (t *Termination) hook(w *model.World) string {
	switch hook := w.Container().PreStop; {
	case hook.Handler == "" && hook.Lasts == 0:
		return "without a preStop hook"
	case hook.Lasts == 0:
		return fmt.Sprintf("with the present preStop, whose length is not known and counts as none (%s),", hook.Handler)
	case t.PreStopSeconds > float64(t.TerminationGracePeriodSeconds):
		return fmt.Sprintf("with the present preStop of %s, which the grace period ends after %d s,", seconds(t.PreStopSeconds), t.TerminationGracePeriodSeconds)
	}
	return fmt.Sprintf("with the present preStop of %s", seconds(t.PreStopSeconds))
}
