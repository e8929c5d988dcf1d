package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

// whyAttempt says why an attempt was made, and why it came out as it did.
func (x *explainer) whyAttempt(c *explained, e *sim.Event) string {
	told := []string{x.whyAsked(c, e)}
	if reason := x.whyOutcome(c, e); reason != "" {
		told = append(told, reason)
	}
	if own := c.runs[e.Probe] + 1; e.Outcome.Failed() && e.Run > own && c.failed[e.Probe] {
		told = append(told, fmt.Sprintf("%d of these failures were of the container before: a restart does not end a run (K26).", e.Run-own))
	}
	return strings.Join(told, " ")
}

func (x *explainer) whyAsked(c *explained, e *sim.Event) string {
	p := tracedProbe(x.world, e)
	switch {
	case e.Rule == "K9":
		return "A sync triggered it out of turn, as the container was not ready."
	case e.Rule == "K5":
		return "The attempt before outlasted a tick, so this one begins the instant it ends."
	case e.Rule == "K15":
		return "The run before erred; an attempt is up to three runs."
	case p == nil:
		return ""
	case e.Probe == model.Readiness && c.triggered && x.world.Cluster.KubernetesVersion.TriggerRestartsTicker():
		return fmt.Sprintf("On its grid: every %d s since its last trigger (K3).", p.PeriodSeconds)
	}
	return fmt.Sprintf("On its grid: every %d s since the pod's first sync.", p.PeriodSeconds)
}

func (x *explainer) whyOutcome(c *explained, e *sim.Event) string {
	handler := handlerOf(x.world, e)
	switch e.Outcome {
	case kubelet.Success:
		if strings.HasPrefix(e.Text, "redirected") {
			return "A redirect to another host is not followed: a warning, which counts as success."
		}
		if handler == model.TCPSocket && (c.state == sim.Hung || c.state == sim.Stalled) {
			return fmt.Sprintf("The kernel accepts the connections of a process that is %s (C10).", c.state)
		}
		return ""
	case kubelet.Timeout:
		p := tracedProbe(x.world, e)
		text := fmt.Sprintf("No answer within timeoutSeconds (%d).", p.TimeoutSeconds)
		if held := x.heldBack(e); held != "" {
			text += " " + held
		}
		if strings.HasPrefix(e.Text, "connection refused") {
			text += " A refused grpc connection is tried again until then."
		}
		return text
	case kubelet.Error:
		return "An error is neither success nor failure; after three the attempt is thrown away (K15)."
	}
	switch handler {
	case model.HTTPGet, model.TCPSocket:
		switch {
		case strings.HasPrefix(e.Text, "connection refused"):
			return "A refused connection fails at once."
		case strings.HasPrefix(e.Text, "connection reset"):
			return "The process that was to answer is gone, and with it the connection."
		case strings.HasPrefix(e.Text, "redirected"):
			return "Ten requests led to redirects on the same host; an eleventh is not sent."
		}
		return "The status was outside 200 to 399."
	case model.GRPC:
		return "The answer was not SERVING."
	}
	return "The command's exit status was not 0."
}

// heldBack says what kept the process from running while an attempt waited.
func (x *explainer) heldBack(e *sim.Event) string {
	var throttling time.Duration
	periods := 0
	for i := len(x.stalls) - 1; i >= 0; i-- {
		s := x.stalls[i]
		if s.Container != e.Container || s.At >= e.End || s.End <= e.At {
			continue
		}
		switch s.Rule {
		case "C6":
			throttling += s.End - max(s.At, e.At)
			periods++
		case "C32":
		default:
			return fmt.Sprintf("The process stood still from %s s to %s s (%s).", clock(s.At), clock(s.End), s.Text)
		}
	}
	app := &x.world.Application
	switch {
	case periods == 0 && e.Container == x.world.Studied && app.Traffic != nil && app.Probes[e.Probe].RunsOn == model.Workers:
		return "It queues with the requests for the traffic's workers (runsOn: workers)."
	case periods == 0:
		return ""
	}
	return fmt.Sprintf("The quota held the process %d times, for %s of it (C6).", periods, seconds(throttling.Seconds()))
}
