package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/1e6, 'f', -1, 64)
}

func traceEnd(e *sim.Event) string {
	if e.Kind != sim.EventAttempt && e.Kind != sim.EventStall && e.Kind != sim.EventCPU {
		return ""
	}
	return milliseconds(e.End)
}

// who names the container an event is about, with its restart count.
func who(w *model.World, e *sim.Event) string {
	pod := "pod"
	if e.Pod > 0 {
		pod = fmt.Sprintf("new pod %d", e.Pod)
	}
	if e.Container < 0 || e.Container >= len(w.Pod.Containers) {
		return pod
	}
	name := w.Pod.Containers[e.Container].Name
	if e.Pod > 0 {
		name += " of " + pod
	}
	if e.Incarnation > 0 {
		name += fmt.Sprintf(" (restart %d)", e.Incarnation)
	}
	return name
}

// what tells an event in words.
func what(w *model.World, e *sim.Event) string {
	text := map[bool]string{true: ": " + e.Text}[e.Text != ""]
	switch e.Kind {
	case sim.EventExit:
		return fmt.Sprintf("the process exits with code %d%s", e.Code, text)
	case sim.EventStart:
		return "a new process starts" + text
	case sim.EventStatus:
		return fmt.Sprintf("the kubelet publishes: %s, started %t, ready %t%s", e.Status.State, e.Status.Started, e.Status.Ready, text)
	case sim.EventAttempt:
		return attempted(w, e)
	case sim.EventResult:
		return fmt.Sprintf("the %s result becomes %s%s", e.Probe, e.Value, text)
	case sim.EventKill:
		return fmt.Sprintf("the kubelet KILLS the container for its %s, with %s of grace%s", e.Probe.Field(), seconds(e.Grace.Seconds()), text)
	case sim.EventBackOff:
		return fmt.Sprintf("no restart yet: back-off of %s until %s s%s", seconds(e.Delay.Seconds()), clock(e.Until), text)
	case sim.EventTrigger:
		if e.Wasted {
			return "the readiness probe is triggered too early, and does not look" + text
		}
		return "the readiness probe is triggered" + text
	case sim.EventState:
		return "in truth the process is " + e.State.String() + text
	case sim.EventReady:
		return "the pod is " + map[bool]string{true: "Ready", false: "NotReady"}[e.Ready] + text
	case sim.EventEndpoint:
		return routed(w, e) + " the pod" + text
	case sim.EventStall:
		return stretch(e)
	case sim.EventCPU:
		return e.CPU.String() + text
	case sim.EventLook:
		return fmt.Sprintf("the %s worker looks and does not ask: %s", e.Probe, notAsked[e.Action])
	case sim.EventStation:
		return e.Text + map[bool]string{true: ": ready", false: ": not ready"}[e.Ready]
	}
	return e.Text
}

// routed tells that proxies begin to send the pod requests, or that the last
// one has stopped. A load balancer and kube-proxy do not begin together.
func routed(w *model.World, e *sim.Event) string {
	switch {
	case !e.Ready:
		return "every proxy has removed"
	case w.Cluster.LoadBalancer != nil:
		return "the first proxy has added"
	}
	return "every proxy has added"
}

// notAsked says what keeps a look from an attempt.
var notAsked = map[kubelet.Action]string{
	kubelet.Exit:         "it ends",
	kubelet.NoContainer:  "no container yet",
	kubelet.OnHold:       "its verdict holds until another container runs",
	kubelet.NotRunning:   "the container does not run",
	kubelet.InitialDelay: "initialDelaySeconds are not over",
	kubelet.StartedGate:  "the startup probe decides",
}

// throttled is the text of a stretch in which the quota holds a container.
const throttled = "throttled"

// stretch tells how long something kept the process from running or answering.
func stretch(e *sim.Event) string {
	format := "stands still for %s: %s"
	switch {
	case e.Rule == "C32":
		format = "has less CPU for %s: %s"
	case e.Text == "":
		format = "stands still for %s%s"
	}
	return fmt.Sprintf(format, seconds((e.End - e.At).Seconds()), e.Text)
}

// attempted tells one attempt: how it ended, how long that took, and how many
// of its kind that makes in a row.
func attempted(w *model.World, e *sim.Event) string {
	text := fmt.Sprintf("%s probe: %s after %s", e.Probe, e.Outcome, seconds((e.End - e.At).Seconds()))
	p := tracedProbe(w, e)
	switch {
	case p == nil || e.Outcome == kubelet.Error:
	case e.Outcome.Failed():
		text += ", failure " + counted(e.Run, p.FailureThreshold)
	case p.SuccessThreshold > 1 && e.Run > 0 && e.Run <= int(p.SuccessThreshold):
		text += ", success " + counted(e.Run, p.SuccessThreshold)
	}
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// counted says where in a run an outcome is. The outcome that makes a verdict
// begins the count anew where the worker goes on hold (K25); where it does not,
// the count goes on beyond the threshold.
func counted(run int, threshold int32) string {
	switch {
	case run == 0:
		return fmt.Sprintf("%d of %[1]d", threshold)
	case run > int(threshold):
		return fmt.Sprintf("%d in a row, %d suffice", run, threshold)
	}
	return fmt.Sprintf("%d of %d", run, threshold)
}

// rulesOf names the rules of an event: of an attempt, why it was made and then
// how it came out.
func rulesOf(w *model.World, e *sim.Event) string {
	if e.Kind != sim.EventAttempt {
		return e.Rule
	}
	outcome := "K17"
	switch p := tracedProbe(w, e); {
	case p == nil:
	case p.Handler.NoPort:
		outcome = "K21"
	case p.Handler.Kind == model.Exec:
		outcome = "K16"
	case p.Handler.Kind != model.HTTPGet:
		outcome = "K20"
	case strings.HasPrefix(e.Text, "redirected"):
		outcome = "K18"
	}
	return e.Rule + ", " + outcome
}

// handlerOf returns the kind of handler of the probe that an attempt is of.
func handlerOf(w *model.World, e *sim.Event) model.HandlerKind {
	if p := tracedProbe(w, e); p != nil {
		return p.Handler.Kind
	}
	return model.HTTPGet
}

// tracedProbe returns the probe that an event is about, or nil.
func tracedProbe(w *model.World, e *sim.Event) *model.Probe {
	if e.Container < 0 || e.Container >= len(w.Pod.Containers) {
		return nil
	}
	return w.Pod.Containers[e.Container].Probes[e.Probe]
}
