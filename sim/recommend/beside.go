package recommend

import (
	"fmt"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// TerminationSettings are the changes beside the probes without which deletions and
// rollouts leave traffic to pods that take none, or cut off shutdowns. What is null
// may stay.
type TerminationSettings struct {
	// PreStopSleepSeconds is what the container's preStop hook has to sleep: there is
	// none, or one that does nothing else and is too short.
	PreStopSleepSeconds           *int64 `json:"preStopSleepSeconds"`
	TerminationGracePeriodSeconds *int64 `json:"terminationGracePeriodSeconds"`
	MinReadySeconds               *int64 `json:"minReadySeconds"`
	// ProgressDeadlineSeconds is longer than that minReadySeconds, as the API server
	// demands, where neither the present deadline nor the one that rollouts need is.
	ProgressDeadlineSeconds *int64   `json:"progressDeadlineSeconds"`
	Sentences               []string `json:"sentences"` // what cannot be set
}

// terminationSettings puts together what deletions and rollouts need. Nil: nothing.
func (r *Recommendation) terminationSettings(w *model.World, strategy *model.Strategy) *TerminationSettings {
	t := &TerminationSettings{Sentences: []string{}}
	if r.Termination != nil {
		t.forDeletions(r.Termination, w)
	}
	if r.Rollout != nil && !r.Rollout.Assumed && r.Rollout.MinReadySeconds < r.Rollout.MinReadyNeededSeconds {
		t.MinReadySeconds = &r.Rollout.MinReadyNeededSeconds
		deadline := int64(strategy.ProgressDeadline / time.Second)
		if d := r.Rollout.Deadline; d != nil && !d.PresentCovers {
			deadline = d.Seconds
		}
		if deadline > 0 && deadline <= *t.MinReadySeconds {
			longer := wholeDeadline(float64(*t.MinReadySeconds))
			t.ProgressDeadlineSeconds = &longer
		}
	}
	if t.PreStopSleepSeconds == nil && t.TerminationGracePeriodSeconds == nil && t.MinReadySeconds == nil && len(t.Sentences) == 0 {
		return nil
	}
	return t
}

// forDeletions adds the hook, unless the present one is enough or does more than
// sleep, and the grace period that covers it.
func (t *TerminationSettings) forDeletions(deletions *Termination, w *model.World) {
	hook, least := w.Container().PreStop, deletions.LeastPreStopSeconds
	switch {
	case deletions.Present().enough() || least == nil || float64(*least) <= deletions.PreStopSeconds:
	case hook.Handler != "" && !hook.Sleeps:
		t.Sentences = append(t.Sentences, fmt.Sprintf("The preStop hook (%s) does something else than sleeping and is left as it is: it would have to last %d s.", hook.Handler, *least))
	default:
		t.PreStopSleepSeconds = least
	}
	if !deletions.GraceCovers && deletions.GraceNeededSeconds > int64(kubelet.DeletionGrace(&w.Pod, nil)/time.Second) {
		t.TerminationGracePeriodSeconds = &deletions.GraceNeededSeconds
	}
}
