package recommend

import (
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// TestTerminationSettings holds what has to be applied to what is there, with a
// propagation of 8 s, which a sleep of 8 s covers, and a shutdown of 12 s: a grace
// period of 21 s is the first whole second beyond both.
func TestTerminationSettings(t *testing.T) {
	const unset = -1
	for _, c := range []struct {
		name                              string
		hook                              model.PreStop
		grace                             int64
		strategy                          model.Strategy
		sleep, needed, minReady, deadline int64
		says                              string
	}{
		{"nothing there", model.PreStop{}, 15, model.Strategy{Kind: "Deployment", MaxSurge: 1}, 8, 21, 8, unset, ""},
		{"a grace period that is enough", model.PreStop{}, 21, model.Strategy{Kind: "Deployment", MaxSurge: 1, MinReady: 8 * time.Second}, 8, unset, unset, unset, ""},
		{"a longer hook, cut off", model.PreStop{Handler: "sleep 60", Lasts: time.Minute, Sleeps: true}, 5, model.Strategy{Kind: "Deployment", MaxSurge: 1, MinReady: time.Minute}, unset, 73, unset, unset, ""},
		{"a short hook", model.PreStop{Handler: "exec sleep 3", Lasts: 3 * time.Second, Sleeps: true}, 30, model.Strategy{Kind: "StatefulSet", MaxUnavailable: 1, MinReady: time.Minute}, 8, unset, unset, unset, ""},
		{"a hook that does more", model.PreStop{Handler: "exec sh -c sleep 3; nginx -s quit", Lasts: 3 * time.Second}, 30, model.Strategy{Kind: "StatefulSet", MaxUnavailable: 1, MinReady: time.Minute}, unset, unset, unset, unset, "(exec sh -c sleep 3; nginx -s quit) does something else than sleeping and is left as it is: it would have to last 8 s"},
		{"a hook of unknown length", model.PreStop{Handler: "httpGet :80/quit"}, 30, model.Strategy{Kind: "StatefulSet", MaxUnavailable: 1, MinReady: time.Minute}, unset, unset, unset, unset, "(httpGet :80/quit) does something else"},
		{"a deadline no longer than minReadySeconds", model.PreStop{Handler: "sleep 8", Lasts: 8 * time.Second, Sleeps: true}, 30, model.Strategy{Kind: "Deployment", MaxSurge: 1, ProgressDeadline: 8 * time.Second}, unset, unset, 8, 10, ""},
		{"all is well", model.PreStop{Handler: "sleep 8", Lasts: 8 * time.Second, Sleeps: true}, 30, model.Strategy{Kind: "Deployment", MaxSurge: 1, MinReady: 8 * time.Second}, unset, unset, unset, unset, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := deletable(3, 12*time.Second)
			propagation := dist.Constantly(8 * time.Second)
			w.Cluster.Propagation = &propagation
			w.Pod.Containers[0].PreStop = c.hook
			w.Pod.TerminationGracePeriodSeconds = c.grace
			s := &search{w: w, seed: 1, confidence: 0.95, jobs: 2, strategy: c.strategy}
			r := &Recommendation{Termination: terminationOf(t, w)}
			r.Rollout = &Rollout{MinReadySeconds: int64(c.strategy.MinReady / time.Second), MinReadyNeededSeconds: s.minReadyNeeded(&c.strategy)}
			got := r.terminationSettings(w, &c.strategy)
			if got == nil {
				got = &TerminationSettings{}
			}
			for _, field := range []struct {
				name string
				got  *int64
				want int64
			}{
				{"preStop", got.PreStopSleepSeconds, c.sleep}, {"grace", got.TerminationGracePeriodSeconds, c.needed},
				{"minReadySeconds", got.MinReadySeconds, c.minReady}, {"deadline", got.ProgressDeadlineSeconds, c.deadline},
			} {
				if field.got == nil && field.want != unset || field.got != nil && *field.got != field.want {
					t.Errorf("%s: %v, want %d", field.name, field.got, field.want)
				}
			}
			if text := strings.Join(got.Sentences, " "); !strings.Contains(text, c.says) || c.says == "" && text != "" {
				t.Errorf("says %q, want %q", text, c.says)
			}
		})
	}
	if r := (&Recommendation{}); r.terminationSettings(deletable(3, 0), &model.Strategy{}) != nil {
		t.Error("settings although nothing was simulated")
	}
}

// TestNothingIsProposedForPodsThatCompleteButProbes holds that what is between a
// deletion or a rollout and the clients does not concern a job: there are none.
func TestNothingIsProposedForPodsThatCompleteButProbes(t *testing.T) {
	w := world(nil, nil, probe(model.HTTPGet, 10, 1, 3))
	propagation := dist.Constantly(8 * time.Second)
	w.Cluster.Propagation = &propagation
	for policy, served := range map[model.RestartPolicy]bool{model.RestartAlways: true, model.RestartOnFailure: false, model.RestartNever: false} {
		w.Pod.RestartPolicy = policy
		r := run(t, w, atMost("falseKillsPerPodYear", "", 1e6))
		if proposed := r.TerminationSettings != nil && r.TerminationSettings.PreStopSleepSeconds != nil; proposed != served || (r.Termination != nil) != served {
			t.Errorf("restartPolicy %v: a preStop sleep is proposed: %v, want %v; deletions: %+v", policy, proposed, served, r.Termination)
		}
	}
}
