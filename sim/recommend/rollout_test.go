package recommend

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// TestReplaceAll holds rollouts of pods that all take the same to waves counted
// by hand.
func TestReplaceAll(t *testing.T) {
	const minute = time.Minute
	for _, c := range []struct {
		name     string
		strategy model.Strategy
		replicas int
		takes    time.Duration
		waits    time.Duration
		total    time.Duration
		fails    bool
	}{
		// I19: 12 pods of up to 600 s, three at once, are four waves: 2400 s.
		{"omi", model.Strategy{Kind: "Deployment", MaxSurge: 3, ProgressDeadline: 600 * time.Second}, 12, 600 * time.Second, 0, 2400 * time.Second, false},
		{"omi, one second longer", model.Strategy{Kind: "Deployment", MaxSurge: 3, ProgressDeadline: 600 * time.Second}, 12, 601 * time.Second, 0, 2404 * time.Second, true},
		{"60 replicas", model.Strategy{Kind: "Deployment", MaxSurge: 3}, 60, 600 * time.Second, 0, 12000 * time.Second, false},
		{"surge and unavailable", model.Strategy{Kind: "Deployment", MaxSurge: 1, MaxUnavailable: 1}, 5, minute, 0, 3 * minute, false},
		{"minReadySeconds", model.Strategy{Kind: "Deployment", MaxSurge: 1, MinReady: minute, ProgressDeadline: 90 * time.Second}, 4, minute, 0, 8 * minute, false},
		{"serial", model.Strategy{Kind: "StatefulSet", MaxUnavailable: 1}, 5, minute, 10 * time.Second, 350 * time.Second, false},
		{"recreate", model.Strategy{Kind: "Deployment", Recreate: true}, 5, minute, 10 * time.Second, 70 * time.Second, false},
	} {
		path := replaceAll(&c.strategy, c.replicas, func(int) time.Duration { return c.takes }, func() time.Duration { return c.waits })
		if path.Total != c.total || path.Failed != c.fails {
			t.Errorf("%s: %v, failed %v; want %v, %v", c.name, path.Total, path.Failed, c.total, c.fails)
		}
		// All starts take as long, so the pods come in waves, and the last one is
		// Ready minReadySeconds before the end.
		longest := max(c.takes, c.waits, c.strategy.MinReady)
		if n := len(path.Ready); n != c.replicas || path.Ready[n-1] != c.total-c.strategy.MinReady || path.LongestWait != longest {
			t.Errorf("%s: Ready at %v, longest wait %v; want %d pods and %v", c.name, path.Ready, path.LongestWait, c.replicas, longest)
		}
	}
}

// TestRollout compares simulated rollouts of independent starts with their law:
// the greatest of n uniform times has the mean n/(n+1), and so many of the pods
// take longer than the deadline.
func TestRollout(t *testing.T) {
	w := deletable(4, 0)
	w.Pod.Containers[0].Probes[model.Readiness].PeriodSeconds = 1
	w.Application.Startup = []model.Stage{{Name: "boot", Wait: dist.Duration{Nanoseconds: dist.Uniform{Low: 0, High: 100e9}}}}
	strategy := model.Strategy{Kind: "Deployment", MaxSurge: 4, ProgressDeadline: 90 * time.Second}
	s := &search{w: w, seed: 1, confidence: 0.95, jobs: 2, strategy: strategy}
	r, err := s.rollout(nil, new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	if r.Waves != 1 || r.Recommended != nil || r.ReadinessPeriodSeconds != nil {
		t.Errorf("%+v", r)
	}
	// The container is created within a second, and up to a second passes to the
	// next look.
	if mean := r.Current.TotalSeconds.Mean; mean.Low > 82 || mean.High < 80 || mean.High-mean.Low > 8 {
		t.Errorf("a rollout takes %.4g s (%.4g to %.4g), want 80 and a little", mean.Estimate, mean.Low, mean.High)
	}
	if p := r.Current.PodExceedsDeadlineProbability; math.Abs(p.Estimate-0.11) > 0.015 || p.Low > 0.12 || p.High < 0.1 {
		t.Errorf("%.3g of the pods take longer than the deadline, want 0.10 and a little", p.Estimate)
	}
	// A rollout fails if the first of four takes so long, or the next one so much
	// longer than the one before: 0.1^4, and next to nothing.
	if p := r.Current.RolloutFailsProbability; p.Estimate > 0.01 {
		t.Errorf("%.3g of the rollouts fail", p.Estimate)
	}
}

// TestRolloutWithNeededDeadline holds the recommended rollouts to the deadline that is
// recommended: half of the starts of 0 to 100 s are beyond a deadline of 50 s, and
// none beyond that of 110 s, which the present settings of the probes need and get.
func TestRolloutWithNeededDeadline(t *testing.T) {
	w := deletable(4, 0)
	w.Pod.Containers[0].Probes[model.Readiness].PeriodSeconds = 1
	w.Application.Startup = []model.Stage{{Name: "boot", Wait: dist.Duration{Nanoseconds: dist.Uniform{Low: 0, High: 100e9}}}}
	var kept Proposal
	kept.Settings.ReadinessProbe = w.Pod.Containers[0].Probes[model.Readiness]
	for _, c := range []struct {
		present time.Duration
		assumed bool
		other   bool // there is something to compare
	}{{50 * time.Second, false, true}, {200 * time.Second, false, false}, {50 * time.Second, true, false}} {
		s := &search{w: w, seed: 1, confidence: 0.95, jobs: 2, strategy: model.Strategy{Kind: "Deployment", Assumed: c.assumed, MaxSurge: 1, ProgressDeadline: c.present}}
		r, err := s.rollout(&kept, new(atomic.Bool))
		if err != nil {
			t.Fatal(err)
		}
		if now := r.Current; now.ProgressDeadlineSeconds != int64(c.present.Seconds()) || c.present < time.Minute && (now.RolloutFailsProbability.Estimate < .9 || math.Abs(now.PodExceedsDeadlineProbability.Estimate-.51) > .05) {
			t.Errorf("%v: %+v", c.present, now)
		}
		if (r.Recommended != nil) != c.other {
			t.Fatalf("%+v: recommended %+v", c, r.Recommended)
		}
		if then := r.Recommended; c.other && (then.ProgressDeadlineSeconds != r.Deadline.Seconds || then.PodExceedsDeadlineProbability.Estimate != 0 || *then.RolloutFailsProbability != r.Deadline.RolloutFailsProbability) {
			t.Errorf("%v: %+v", c.present, then)
		}
	}
}

// TestSaved replaces a delay of 30 s by a startup probe of 1 s: a process that is
// up after 10 s is Ready 20 s earlier, less what a look costs.
func TestSaved(t *testing.T) {
	w := deletable(3, 0)
	readiness := w.Pod.Containers[0].Probes[model.Readiness]
	readiness.InitialDelaySeconds, readiness.PeriodSeconds = 30, 1
	w.Application.Startup = []model.Stage{{Name: "boot", Wait: dist.Constantly(10 * time.Second)}}
	strategy := model.Strategy{Kind: "Deployment", MaxSurge: 1}
	quick := *readiness
	quick.InitialDelaySeconds = 0
	startup := quick
	startup.FailureThreshold = 60
	var better Proposal
	better.Settings.StartupProbe, better.Settings.ReadinessProbe = &startup, &quick
	s := &search{w: w, seed: 1, confidence: 0.95, jobs: 2, strategy: strategy}
	r, err := s.rollout(&better, new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	if saved := r.SecondsSavedPerStart; saved.Estimate < 18.5 || saved.Estimate > 20.5 {
		t.Errorf("%v saved a start, want 20 s less about half a period", saved)
	}
	if saved := r.SecondsSavedPerRollout; math.Abs(saved.Estimate-3*r.SecondsSavedPerStart.Estimate) > 1 {
		t.Errorf("%v saved a rollout of three waves", saved)
	}
}

// TestRollouts holds the paths to the rollout that Search reports of the same
// seed: they are the same rollouts.
func TestRollouts(t *testing.T) {
	w := deletable(4, 0)
	w.Application.Startup = []model.Stage{{Name: "boot", Wait: dist.Duration{Nanoseconds: dist.Uniform{Low: 0, High: 100e9}}}}
	strategy := model.Strategy{Kind: "Deployment", MaxSurge: 2, ProgressDeadline: 90 * time.Second}
	paths, taken, err := Rollouts(t.Context(), w, Options{Options: estimate.Options{Seed: 7, Jobs: 2}, Strategy: strategy})
	if err != nil || taken != strategy {
		t.Fatalf("%+v, %v", taken, err)
	}
	s := &search{w: w, seed: 7, confidence: 0.95, jobs: 1, strategy: strategy}
	r, err := s.rollout(nil, new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	failed, sum := 0.0, 0.0
	for _, path := range paths {
		sum += path.Total.Seconds()
		if path.Failed {
			failed++
		}
	}
	n := float64(len(paths))
	if mean, p := r.Current.TotalSeconds.Mean.Estimate, r.Current.RolloutFailsProbability.Estimate; math.Abs(mean-sum/n) > 1e-6*mean || p != failed/n {
		t.Errorf("mean %v and failures %v of the paths, the rollout says %v and %v", sum/n, failed/n, mean, p)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Rollouts(stopped, w, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gives %v", err)
	}
}

// TestDeadline holds the deadline that a Deployment needs to what its starts allow:
// one after the other, of up to 100 s each and a little to be created and Ready, so
// that none of 1600 goes 110 s without progress, and hardly one of the rollouts
// stays below 90.
func TestDeadline(t *testing.T) {
	uniform := dist.Duration{Nanoseconds: dist.Uniform{Low: 0, High: 100e9}}
	startup := &model.Probe{PeriodSeconds: 10, TimeoutSeconds: 1, FailureThreshold: 61, SuccessThreshold: 1, Handler: model.Handler{Kind: model.HTTPGet}}
	for _, c := range []struct {
		name     string
		strategy model.Strategy
		startup  *model.Probe
		seconds  int64 // 0: none is proposed
		covers   bool
	}{
		{"too short", model.Strategy{Kind: "Deployment", MaxSurge: 1, ProgressDeadline: 60 * time.Second}, nil, 110, false},
		{"long enough", model.Strategy{Kind: "Deployment", MaxSurge: 1, ProgressDeadline: 600 * time.Second}, nil, 110, true},
		{"none", model.Strategy{Kind: "Deployment", MaxSurge: 1}, nil, 110, true},
		{"longer than minReadySeconds", model.Strategy{Kind: "Deployment", MaxSurge: 1, MinReady: 200 * time.Second, ProgressDeadline: 100 * time.Second}, nil, 210, false},
		// The budget of 61 looks every 10 s is used up after 610 s at the latest (S5).
		{"a startup budget", model.Strategy{Kind: "Deployment", MaxSurge: 1, ProgressDeadline: 600 * time.Second}, startup, 660, false},
		{"a StatefulSet", model.Strategy{Kind: "StatefulSet", MaxUnavailable: 1}, nil, 0, false},
	} {
		w := deletable(4, 0)
		w.Pod.Containers[0].Probes[model.Readiness].PeriodSeconds = 1
		w.Pod.Containers[0].Probes[model.Startup] = c.startup
		w.Application.Startup = []model.Stage{{Name: "boot", Wait: uniform}}
		s := &search{w: w, seed: 1, confidence: 0.95, jobs: 2, strategy: c.strategy}
		r, err := s.rollout(nil, new(atomic.Bool))
		if err != nil {
			t.Fatal(err)
		}
		d := r.Deadline
		if d == nil || c.seconds == 0 {
			if d != nil || c.seconds > 0 {
				t.Errorf("%s: %+v", c.name, d)
			}
			continue
		}
		if d.Seconds != c.seconds || d.PresentCovers != c.covers || (d.BudgetSeconds == nil) != (c.startup == nil) {
			t.Errorf("%s: %+v, want %d, covers %v", c.name, d, c.seconds, c.covers)
		}
		if p := d.RolloutFailsProbability; p.Estimate != 0 || p.High > 0.01 {
			t.Errorf("%s: %v of the rollouts fail with it", c.name, p)
		}
	}
}

// TestDeadlineWithoutEnd proposes no deadline where no rollout has all of its pods
// Ready: none helps.
func TestDeadlineWithoutEnd(t *testing.T) {
	s := &search{w: deletable(2, 0), confidence: 0.95}
	strategy := model.Strategy{Kind: "Deployment", MaxSurge: 1, ProgressDeadline: time.Minute}
	if d := s.deadline(s.w, &strategy, []RolloutPath{{NeverReady: true, LongestWait: time.Hour}}); d != nil {
		t.Errorf("%+v", d)
	}
	d := s.deadline(s.w, &strategy, []RolloutPath{{NeverReady: true, LongestWait: time.Hour}, {LongestWait: 50 * time.Second}})
	if d == nil || d.Seconds != 60 || d.RolloutFailsProbability.Estimate != 0.5 {
		t.Errorf("%+v, want 60, and the half without end fails with it", d)
	}
}

// TestMinReady holds minReadySeconds to what makes a new pod wait for its requests:
// the proxies a second and 0.1 s for the endpoint (K71, K72), a balancer's health
// check at a uniform phase of its period, 0.99 of 15 s; and to what is left to keep.
func TestMinReady(t *testing.T) {
	stated := dist.Constantly(4 * time.Second)
	check := &model.LoadBalancer{Deregistration: 30 * time.Second, PeriodSeconds: 15, FailureThreshold: 2}
	for _, c := range []struct {
		name        string
		strategy    model.Strategy
		replicas    int
		balancer    *model.LoadBalancer
		propagation *dist.Duration
		want        int64
		says        string
	}{
		{"proxies", model.Strategy{Kind: "Deployment", MaxSurge: 1}, 4, nil, &stated, 4, "minReadySeconds 0: an old pod may go as soon as a new pod is Ready; a new pod is in every proxy within 4 s"},
		{"balancer", model.Strategy{Kind: "Deployment", MaxSurge: 1}, 4, check, nil, 15, "past the load balancer's first health check, which comes every 15 s, within 15 s"},
		{"balancer behind slow endpoints", model.Strategy{Kind: "Deployment", MaxSurge: 1}, 4, check, &stated, 19, "within 19 s"},
		{"balancer without check", model.Strategy{Kind: "Deployment", MaxSurge: 1}, 4, &model.LoadBalancer{Deregistration: time.Minute}, &stated, 4, "the load balancer not counted"},
		{"serial", model.Strategy{Kind: "StatefulSet", MaxUnavailable: 1}, 3, nil, &stated, 4, "the old pod has gone before its successor comes, and the next one may go as soon as a new pod is Ready; a new pod is in every proxy within 4 s of being Ready in 99 of 100 cases; minReadySeconds 4 would keep the next one until then, for 12 s more"},
		{"serial, alone", model.Strategy{Kind: "StatefulSet", MaxUnavailable: 1}, 1, nil, &stated, 0, "it keeps no old pod here"},
		{"recreate", model.Strategy{Kind: "Deployment", Recreate: true, MaxSurge: 1}, 3, nil, &stated, 0, "it keeps no old pod here"},
		{"DaemonSet", model.Strategy{Kind: "DaemonSet", MaxUnavailable: 2, MinReady: 2 * time.Second}, 4, nil, &stated, 4, "minReadySeconds 2 takes 4 s of every rollout, 2 in each of 2 waves; a new pod is in every proxy within 4 s of being Ready in 99 of 100 cases; minReadySeconds 4 would keep the next one until then, for 4 s more a rollout"},
		{"long enough", model.Strategy{Kind: "Deployment", MaxSurge: 1, MinReady: 9 * time.Second}, 2, nil, &stated, 4, "more only watches it for longer"},
	} {
		w := deletable(c.replicas, 0)
		w.Cluster.LoadBalancer, w.Cluster.Propagation = c.balancer, c.propagation
		s := &search{w: w, seed: 1, confidence: 0.95, jobs: 2, strategy: c.strategy}
		r, err := s.rollout(nil, new(atomic.Bool))
		if err != nil {
			t.Fatal(err)
		}
		if r.MinReadyNeededSeconds != c.want || !strings.Contains(strings.Join(r.Sentences, "\n"), c.says) {
			t.Errorf("%s: %d s, want %d; %q is not in:\n%s", c.name, r.MinReadyNeededSeconds, c.want, c.says, strings.Join(r.Sentences, "\n"))
		}
	}
}

// TestSavedText holds that what is saved and what it costs are called so, and that
// what may be either is bounded.
func TestSavedText(t *testing.T) {
	for want, saved := range map[string]stats.Estimate{
		"save 8 s a start (7 s to 9 s)":   {Estimate: 8, Low: 7, High: 9},
		"cost 8 s a start (7 s to 9 s)":   {Estimate: -8, Low: -9, High: -7},
		"change a start by 3 s at most":   {Estimate: -1, Low: -3, High: 1},
		"change a start by 200 s at most": {Estimate: 90, Low: -20, High: 200},
	} {
		if got := savedText(&saved, "a start"); got != want {
			t.Errorf("%+v: %q, want %q", saved, got, want)
		}
	}
}
