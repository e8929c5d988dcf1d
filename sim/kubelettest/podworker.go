package kubelettest

import (
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/kubelet/prober/results"
	"k8s.io/kubernetes/pkg/kubelet/status"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/corpus"
)

// podWorker runs the syncs of the pod, one at a time; requests during one make
// one more (K31).
type podWorker struct {
	working, pending bool // under run.mu
	wake             chan struct{}
	timer            *time.Timer // to a sync without cause; of the latest finished sync

	synced  bool  // the first sync was made
	copies  int   // relists made when the latest sync ended
	refused bool  // the latest start was refused, and none came since
	until   int64 // of the latest refusal that was recorded
}

// request asks for a sync.
func (r *run) request() {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch w := &r.worker; {
	case r.ended:
	case w.working:
		w.pending = true
	default:
		w.working = true
		w.wake <- struct{}{}
	}
}

// work is the pod worker's goroutine.
func (r *run) work() {
	w := &r.worker
	for {
		select {
		case <-w.wake:
		case <-r.done:
			return
		}
		for again := true; again && !r.over(); {
			r.sync()
			r.mu.Lock()
			again = w.pending
			w.working, w.pending = again, false
			r.mu.Unlock()
		}
	}
}

// sync is one run of the pod worker (K44).
func (r *run) sync() {
	state, ok := r.observed()
	if !ok {
		return
	}
	r.generate(state)
	if w := &r.worker; !w.synced {
		w.synced = true
		go r.addWorkers() // beside the sync, which shall not be delayed by their being apart
	}
	acted, refused := r.act(state)
	r.endSync(acted, refused)
}

// observed returns the state with which a sync begins; in relist mode it waits
// for a relist made after the previous sync ended (K45). False if the run ended.
func (r *run) observed() (runtimeState, bool) {
	if r.file.Case.RelistPeriodMS == 0 {
		return r.live(), true
	}
	for {
		r.mu.Lock()
		state, copies, relisted := r.seen, r.copies, r.relisted
		r.mu.Unlock()
		if !r.worker.synced || copies > r.worker.copies {
			return state, true
		}
		select {
		case <-relisted:
		case <-r.done:
			return state, false
		}
	}
}

// generate computes and publishes the status. The workers that it triggers wait
// for the status, or in a stale case look before it is published (K14).
func (r *run) generate(state runtimeState) {
	stale := r.file.Case.StaleTrigger
	if !stale {
		r.publishing.Lock()
		defer r.publishing.Unlock()
	}
	s := r.apiStatus(state)
	r.prober.UpdatePodStatus(r.ctx, r.pod, &s)
	if stale {
		time.Sleep(time.Microsecond)
	}
	old := r.cached()
	s.Conditions = []v1.PodCondition{
		status.GenerateContainersReadyCondition(r.pod, &old, s.ContainerStatuses, s.Phase),
		status.GeneratePodReadyCondition(r.pod, &old, s.Conditions, s.ContainerStatuses, s.Phase),
	}
	r.publish(func() { r.statuses.SetPodStatus(r.logger, r.pod, s) })
}

// apiStatus is what convertToAPIContainerStatuses and generateAPIPodStatus make
// of the runtime's state.
func (r *run) apiStatus(state runtimeState) v1.PodStatus {
	c := state.newest
	s := v1.ContainerStatus{Name: containerName}
	if c.number >= 0 {
		id := c.id()
		s.ContainerID, s.RestartCount = id.String(), int32(c.number)
	}
	phase := v1.PodRunning
	switch {
	case c.number < 0:
		phase = v1.PodPending
		s.State.Waiting = &v1.ContainerStateWaiting{Reason: "ContainerCreating"}
	case c.running:
		s.State.Running = &v1.ContainerStateRunning{StartedAt: metav1.NewTime(c.startedAt)}
		if old := r.cached().ContainerStatuses; len(old) > 0 { // K11
			s.Started = old[0].Started
		}
	case r.worker.refused:
		s.State.Waiting = &v1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
	default:
		s.State.Terminated = &v1.ContainerStateTerminated{
			ExitCode:  int32(c.code),
			StartedAt: metav1.NewTime(c.startedAt), FinishedAt: metav1.NewTime(c.finishedAt),
			ContainerID: s.ContainerID,
		}
	}
	return v1.PodStatus{Phase: phase, ContainerStatuses: []v1.ContainerStatus{s}}
}

// act kills and starts what the state asks for.
func (r *run) act(state runtimeState) (acted, refused bool) {
	if state.newest.running {
		reason, condemned := r.verdict(state.newest)
		if !condemned {
			return false, false
		}
		grace := *r.pod.Spec.TerminationGracePeriodSeconds
		if own := (*r.file.Case.Probes.Of(reason)).TerminationGraceS; own != nil {
			grace = *own
		}
		r.record(corpus.Event{Kind: "kill", Container: state.newest.number, Reason: reason.String(), GraceS: grace})
		r.stopContainer(state.newest.number, time.Duration(grace)*time.Second)
		acted = true
	}
	if r.over() {
		return acted, false
	}
	if !r.mayStart(state) {
		return acted, true
	}
	time.Sleep(r.scripted(r.file.Case.StartMS))
	if r.over() {
		return true, false
	}
	r.worker.refused = false
	r.startContainer()
	return true, false
}

// verdict returns the probe for which a container is to be killed (K35).
func (r *run) verdict(c container) (model.ProbeKind, bool) {
	if result, ok := r.liveness.Get(c.id()); ok && result == results.Failure {
		return model.Liveness, true
	}
	if result, ok := r.startup.Get(c.id()); ok && result == results.Failure {
		return model.Startup, true
	}
	return 0, false
}

// mayStart is the kubelet's doBackOff (K39), after the housekeeping of K42.
func (r *run) mayStart(state runtimeState) bool {
	r.backOff.GC()
	exited := state.latestExited()
	if exited.number < 0 {
		return true
	}
	if !r.backOff.IsInBackOffSince(containerName, exited.finishedAt) {
		r.backOff.Next(containerName, exited.finishedAt)
		return true
	}
	r.worker.refused = true
	delay := r.backOff.Get(containerName)
	r.backOffEnd = exited.finishedAt.Add(delay)
	until := corpus.Milliseconds(r.backOffEnd.Sub(r.zero))
	if until != r.worker.until {
		r.worker.until = until
		r.record(corpus.Event{Kind: "backoff", Container: exited.number, Until: until, BackOffS: int64(delay / time.Second)})
	}
	return false
}

// endSync sets the timer to the next sync without cause, and after a sync that
// did something relists at once (K43, K45).
func (r *run) endSync(acted, refused bool) {
	w := &r.worker
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if r.over() {
		return
	}
	switch c := &r.file.Case; {
	case refused:
		w.timer = time.AfterFunc(min(time.Until(r.backOffEnd), time.Minute), r.request)
	case c.ResyncMS > 0:
		w.timer = time.AfterFunc(r.scripted(c.ResyncMS), r.request)
	}
	r.mu.Lock()
	w.copies = r.copies
	r.mu.Unlock()
	if r.file.Case.RelistPeriodMS > 0 && acted && !refused {
		r.relist()
	}
}
