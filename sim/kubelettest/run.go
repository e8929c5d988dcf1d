package kubelettest

import (
	"context"
	rand1 "math/rand"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/kubelet/prober"
	"k8s.io/kubernetes/pkg/kubelet/prober/results"
	"k8s.io/kubernetes/pkg/kubelet/status"
	kubetypes "k8s.io/kubernetes/pkg/kubelet/types"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/corpus"
)

const containerName = "c"

// run is one life of the case's pod under the real probe code.
type run struct {
	file   *corpus.File
	random *rand.Rand // of the perturbations; nil: none
	zero   time.Time  // time 0 of the case, a whole wall-clock second

	ctx    context.Context
	logger klog.Logger
	pod    *v1.Pod

	// Of the real kubelet.
	prober                       prober.Manager
	startup, readiness, liveness results.Manager
	statuses                     status.Manager
	backOff                      *flowcontrol.Backoff
	publishing                   sync.Mutex // held from sending triggers to publishing the status (K14)
	recording                    sync.Mutex // held from publishing a status to recording it

	done chan struct{} // closed at the horizon

	mu         sync.Mutex
	ended      bool // done is closed
	events     []corpus.Event
	state      runtimeState  // of the runtime, as it is
	gone       chan struct{} // closed when the newest container exits
	seen       runtimeState  // as of the latest relist
	copies     int           // relists made
	relisted   chan struct{} // closed by the next relist
	worker     podWorker
	backOffEnd time.Time
}

// Record returns the trace that the real code produces for a case. If random is
// not nil, every scripted delay is changed a little, and the workers, which
// share a grid, are created in random order and as little apart: a case whose
// trace that changes depends on the order of unrelated events.
func Record(t *testing.T, file *corpus.File, random *rand.Rand) []corpus.Event {
	var events []corpus.Event
	synctest.Test(t, func(*testing.T) {
		r := newRun(file, random)
		r.toHorizon()
		events = r.events
	})
	return corpus.Normalise(events, file.Case.HorizonMS)
}

func newRun(file *corpus.File, random *rand.Rand) *run {
	c := &file.Case
	r := &run{
		file: file, random: random,
		ctx: klog.NewContext(context.Background(), klog.Logger{}),
		pod: podOf(c),

		startup: results.NewManager(), readiness: results.NewManager(), liveness: results.NewManager(),
		backOff: flowcontrol.NewBackOff(
			min(time.Duration(c.BackOffInitial), time.Duration(c.BackOffMax))*time.Second,
			time.Duration(c.BackOffMax)*time.Second),

		done:     make(chan struct{}),
		relisted: make(chan struct{}),
		state:    runtimeState{none, none},
		seen:     runtimeState{none, none},
	}
	r.worker.wake = make(chan struct{}, 1)
	r.backOff.HasExpiredFunc = func(event, update time.Time, _ time.Duration) bool {
		return event.Sub(update) > 600*time.Second
	}
	r.statuses = status.NewManager(nil, podManager{r.pod}, nil, nil)
	r.prober = prober.NewManager(statusReader{r.statuses, r}, r.liveness, r.readiness, r.startup, r, &record.FakeRecorder{})
	return r
}

// toHorizon lives the case to its horizon, and ends every goroutine.
func (r *run) toHorizon() {
	c := &r.file.Case
	time.Sleep(time.Duration(c.KubeletAgeS) * time.Second)
	r.zero = time.Now()
	drained := make(chan struct{})
	go r.loop(drained)
	go r.work()
	go r.relists()
	time.AfterFunc(r.scripted(c.PodAddMS), r.request)

	time.Sleep(milliseconds(c.HorizonMS) + 500*time.Microsecond - 1)
	r.mu.Lock()
	r.ended = true
	close(r.done)
	r.mu.Unlock()
	r.prober.RemovePod(r.pod)
	time.Sleep(10 * time.Minute) // for what sleeps: attempts, timers
	close(drained)
	synctest.Wait()
}

// podOf returns the pod of a case.
func podOf(c *corpus.Case) *v1.Pod {
	grace := c.PodGraceS
	spec := v1.Container{Name: containerName}
	for k, place := range map[model.ProbeKind]**v1.Probe{
		model.Startup: &spec.StartupProbe, model.Readiness: &spec.ReadinessProbe, model.Liveness: &spec.LivenessProbe,
	} {
		p := *c.Probes.Of(k)
		if p == nil {
			continue
		}
		*place = &v1.Probe{
			ProbeHandler:        v1.ProbeHandler{Exec: &v1.ExecAction{Command: []string{k.String()}}},
			InitialDelaySeconds: p.InitialDelayS, PeriodSeconds: p.PeriodS, TimeoutSeconds: p.TimeoutS,
			SuccessThreshold: p.SuccessThreshold, FailureThreshold: p.FailureThreshold,
			TerminationGracePeriodSeconds: p.TerminationGraceS,
		}
	}
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: "default", UID: "uid"},
		Spec: v1.PodSpec{
			Containers:                    []v1.Container{spec},
			RestartPolicy:                 v1.RestartPolicyAlways,
			TerminationGracePeriodSeconds: &grace,
		},
	}
}

// addWorkers creates the workers: each from a copy of the pod that has its
// probe alone, so that they can be created apart.
func (r *run) addWorkers() {
	spec := r.pod.Spec.Containers[0]
	kinds := []func(*v1.Container){
		func(c *v1.Container) { c.StartupProbe = spec.StartupProbe },
		func(c *v1.Container) { c.ReadinessProbe = spec.ReadinessProbe },
		func(c *v1.Container) { c.LivenessProbe = spec.LivenessProbe },
	}
	order := []int{0, 1, 2}
	apart := time.Duration(1)
	if r.random != nil {
		r.mu.Lock()
		order, apart = r.random.Perm(len(kinds)), time.Duration(1+r.random.IntN(r.perturbation()))
		r.mu.Unlock()
	}
	for _, i := range order {
		pod := r.pod.DeepCopy()
		c := &pod.Spec.Containers[0]
		c.StartupProbe, c.ReadinessProbe, c.LivenessProbe = nil, nil, nil
		kinds[i](c)
		r.addPod(pod, apart)
	}
}

// drawing is held while the global generator is seeded for one draw.
var drawing sync.Mutex

// addPod creates the workers of a pod and waits a moment, so that they have
// drawn their jitter (K4).
func (r *run) addPod(pod *v1.Pod, moment time.Duration) {
	if r.file.JitterNS != nil {
		drawing.Lock()
		defer drawing.Unlock()
		rand1.Seed(int64(r.file.Case.Seed)) //nolint:staticcheck // the kubelet draws from this generator
	}
	r.prober.AddPod(r.ctx, pod)
	time.Sleep(moment)
}

// jitter returns what the one worker of a case draws under its seed.
func jitter(c *corpus.Case) *int64 {
	for k := model.Startup; k < model.ProbeKinds; k++ {
		if p := *c.Probes.Of(k); p != nil {
			drawn := rand1.New(rand1.NewSource(int64(c.Seed))).Float64()
			ns := int64(drawn * float64(time.Duration(p.PeriodS)*time.Second))
			return &ns
		}
	}
	return nil
}

// loop is the part of the kubelet's sync loop that takes results (K30).
func (r *run) loop(end <-chan struct{}) {
	for {
		var u results.Update
		kind := model.Liveness
		select {
		case u = <-r.liveness.Updates():
		case u = <-r.readiness.Updates():
			kind = model.Readiness
		case u = <-r.startup.Updates():
			kind = model.Startup
		case <-end:
			return
		}
		r.record(corpus.Event{Kind: "result", Probe: kind.String(), Container: numberOf(u.ContainerID), Value: word(u.Result)})
		success := u.Result == results.Success
		switch kind {
		case model.Liveness:
			if u.Result != results.Failure {
				continue
			}
		case model.Readiness:
			r.publish(func() { r.statuses.SetContainerReadiness(r.logger, u.PodUID, u.ContainerID, success) })
		case model.Startup:
			r.publish(func() { r.statuses.SetContainerStartup(r.logger, u.PodUID, u.ContainerID, success) })
		}
		r.request()
	}
}

func word(result results.Result) string {
	switch result {
	case results.Success:
		return "success"
	case results.Failure:
		return "failure"
	}
	return "unknown"
}

// relists copies the runtime's state at every relist of the raster (K45).
func (r *run) relists() {
	period := milliseconds(r.file.Case.RelistPeriodMS)
	if period == 0 {
		return
	}
	for at := milliseconds(r.file.Case.RelistPhaseMS); ; at += period {
		if time.Sleep(r.perturbed(at - time.Since(r.zero))); r.over() {
			return
		}
		r.relist()
	}
}

// relist copies the runtime's state, and requests a sync if it changed.
func (r *run) relist() {
	r.mu.Lock()
	changed := r.seen != r.state
	r.seen = r.state
	r.copies++
	close(r.relisted)
	r.relisted = make(chan struct{})
	r.mu.Unlock()
	if changed {
		r.request()
	}
}

// changed tells that the runtime's state changed.
func (r *run) changed() {
	if r.file.Case.RelistPeriodMS == 0 {
		r.request()
	}
}

// publish changes the cached status, and records what was published.
func (r *run) publish(change func()) {
	r.recording.Lock()
	defer r.recording.Unlock()
	change()
	s := r.cached()
	e := corpus.Event{Kind: "status", Container: -1}
	c := s.ContainerStatuses[0]
	if c.ContainerID != "" {
		e.Container = int(c.RestartCount)
	}
	switch {
	case c.State.Running != nil:
		e.State = "running"
	case c.State.Terminated != nil:
		e.State = "terminated"
	default:
		e.State = "waiting"
	}
	e.Started = c.Started != nil && *c.Started
	for _, condition := range s.Conditions {
		if condition.Type == v1.PodReady {
			e.Ready = condition.Status == v1.ConditionTrue
		}
	}
	r.record(e)
}

// cached returns the cached status of the pod.
func (r *run) cached() v1.PodStatus {
	s, _ := r.statuses.GetPodStatus(r.pod.UID)
	return s
}

// record adds an event of this instant; an attempt brings its own.
func (r *run) record(e corpus.Event) {
	if e.Kind != "attempt" {
		e.At = r.now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.events = append(r.events, e)
	}
}

func (r *run) now() int64 { return corpus.Milliseconds(time.Since(r.zero)) }

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// scripted returns a delay of the case, perturbed.
func (r *run) scripted(n int64) time.Duration { return r.perturbed(milliseconds(n)) }

// perturbation is the most by which a delay is changed. With stale triggers it
// has to exceed the microsecond by which a status comes late.
func (r *run) perturbation() int {
	if r.file.Case.StaleTrigger {
		return 10_000
	}
	return 100
}

// perturbed changes a delay a little, either way; none stays none.
func (r *run) perturbed(d time.Duration) time.Duration {
	if r.random == nil || d == 0 {
		return d
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	most := r.perturbation()
	return d + time.Duration(r.random.IntN(2*most+1)-most)
}

// over reports whether the horizon was reached.
func (r *run) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// statusReader is the status manager as the workers see it: they wait while a
// status is being published (K14).
type statusReader struct {
	status.Manager
	run *run
}

// GetPodStatus returns the cached status.
func (s statusReader) GetPodStatus(uid types.UID) (v1.PodStatus, bool) {
	s.run.publishing.Lock()
	defer s.run.publishing.Unlock()
	return s.Manager.GetPodStatus(uid)
}

// podManager knows the one pod.
type podManager struct{ pod *v1.Pod }

func (m podManager) GetPodByUID(uid types.UID) (*v1.Pod, bool) { return m.pod, uid == m.pod.UID }
func (m podManager) GetMirrorPodByPod(*v1.Pod) (*v1.Pod, bool) { return nil, false }
func (m podManager) TranslatePodUID(uid types.UID) kubetypes.ResolvedPodUID {
	return kubetypes.ResolvedPodUID(uid)
}
func (m podManager) GetUIDTranslations() (map[kubetypes.ResolvedPodUID]kubetypes.MirrorPodUID, map[kubetypes.MirrorPodUID]kubetypes.ResolvedPodUID) {
	return nil, nil
}
