package kubelettest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"

	remote "k8s.io/cri-client/pkg"
	utilexec "k8s.io/utils/exec"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/corpus"
)

// container is one container of the runtime.
type container struct {
	number     int
	running    bool
	startedAt  time.Time
	finishedAt time.Time
	code       int
}

// runtimeState is what the runtime says when it is asked: the newest container
// and the one before it; a number of -1 means that there is none.
type runtimeState struct {
	newest, earlier container
}

var none = container{number: -1}

// latestExited returns the exited container whose finish time decides a start (K39).
func (s *runtimeState) latestExited() container {
	if s.newest.number >= 0 && !s.newest.running {
		return s.newest
	}
	return s.earlier
}

func (c container) id() kubecontainer.ContainerID {
	return kubecontainer.BuildContainerID("script", strconv.Itoa(c.number))
}

// numberOf returns the number of the container with an ID.
func numberOf(id kubecontainer.ContainerID) int {
	n, err := strconv.Atoi(id.ID)
	if err != nil {
		panic("a container ID that the runtime never gave: " + id.String())
	}
	return n
}

// incarnation returns the script of container number n.
func (r *run) incarnation(n int) *corpus.Incarnation {
	in := r.file.Case.Incarnations
	return &in[min(n, len(in)-1)]
}

// live returns the runtime's state as it is.
func (r *run) live() runtimeState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// startContainer makes the next container run.
func (r *run) startContainer() {
	r.mu.Lock()
	r.state.earlier = r.state.newest
	r.state.newest = container{number: r.state.earlier.number + 1, running: true, startedAt: time.Now()}
	n := r.state.newest.number
	r.gone = make(chan struct{})
	r.mu.Unlock()
	r.record(corpus.Event{Kind: "start", Container: n})
	if at := r.incarnation(n).ExitAtMS; at != nil {
		time.AfterFunc(r.scripted(*at), func() { r.exit(n, 1) })
	}
	r.changed()
}

// exit ends container n if it still runs.
func (r *run) exit(n, code int) {
	r.mu.Lock()
	c := &r.state.newest
	if c.number != n || !c.running || r.ended {
		r.mu.Unlock()
		return
	}
	c.running, c.finishedAt, c.code = false, time.Now(), code
	close(r.gone)
	r.mu.Unlock()
	r.record(corpus.Event{Kind: "exit", Container: n, ExitCode: code})
	r.changed()
}

// stopContainer runs the preStop hook of container n, signals it, and returns
// when it is gone (K37).
func (r *run) stopContainer(n int, grace time.Duration) {
	r.mu.Lock()
	running, gone := r.state.newest.running, r.gone
	r.mu.Unlock()
	if !running {
		return
	}
	remaining := grace
	if grace > 0 && r.file.Case.PreStopMS > 0 {
		lasts := min(milliseconds(r.file.Case.PreStopMS), grace)
		if time.Sleep(r.perturbed(lasts)); r.over() {
			return
		}
		remaining -= lasts.Truncate(time.Second)
	}
	const minimum = 2 * time.Second
	remaining = max(remaining, minimum)
	if term := r.scripted(r.incarnation(n).TermMS); term < remaining {
		time.AfterFunc(term, func() { r.exit(n, 143) })
	} else {
		time.AfterFunc(r.perturbed(remaining), func() { r.exit(n, 137) })
	}
	select {
	case <-gone:
	case <-r.done:
	}
}

// RunInContainer is one run of an exec probe, whose command is the probe's
// kind. What it does was fixed when it began.
func (r *run) RunInContainer(_ context.Context, id kubecontainer.ContainerID, command []string, timeout time.Duration) ([]byte, error) {
	n, start := numberOf(id), time.Now()
	kind := kindOf(command[0])
	outcome, latency := r.answer(n, kind)
	if latency >= timeout {
		outcome, latency = "timeout", timeout+r.scripted(r.file.Case.TimeoutExtraMS)
	}
	time.Sleep(latency)
	r.record(corpus.Event{
		Kind: "attempt", At: corpus.Milliseconds(start.Sub(r.zero)), End: r.now(),
		Probe: kind.String(), Container: n, Outcome: outcome,
	})
	switch outcome {
	case "success":
		return nil, nil
	case "failure":
		return nil, utilexec.CodeExitError{Err: errors.New("exit status 1"), Code: 1}
	case "timeout":
		return nil, fmt.Errorf("%w: after %v", remote.ErrCommandTimedOut, timeout)
	}
	return nil, errors.New("container runtime: no such container")
}

// answer returns how container n behaves now towards a probe.
func (r *run) answer(n int, kind model.ProbeKind) (outcome string, latency time.Duration) {
	c := r.live().newest
	if c.number != n || !c.running {
		return r.file.Case.DeadOutcome, r.scripted(r.file.Case.DeadLatencyMS)
	}
	age := time.Since(c.startedAt)
	for _, s := range *r.incarnation(n).Of(kind) {
		if r.scripted(s.FromMS) > age {
			break
		}
		outcome, latency = s.Outcome, milliseconds(s.LatencyMS)
	}
	return outcome, r.perturbed(latency)
}

func kindOf(name string) model.ProbeKind {
	for k := model.Startup; k < model.ProbeKinds; k++ {
		if k.String() == name {
			return k
		}
	}
	panic("no probe is called " + name)
}
