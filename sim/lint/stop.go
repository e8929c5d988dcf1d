package lint

import (
	"fmt"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim/calc"
)

// What was measured of a deletion (K72, K79, K80): the rules follow the SIGTERM
// by up to 1.1 s, minSyncPeriod and an application, on a quiet cluster.
const afterSigterm = 100 * time.Millisecond

// missingPreStop compares what the pod still serves after its deletion with the
// time until the last proxy, and the load balancer, know of it. The grace period cuts
// off the hook (K37).
func missingPreStop(c *check) {
	if !c.serves() {
		return
	}
	hook := c.container().PreStop
	known, method := c.proxiesKnow()
	dark := known - c.servesDeleted()
	if dark <= 0 || hook.Handler != "" && hook.Lasts == 0 {
		return // a hook whose length nobody knows
	}
	severity := Info
	if dark > 3*time.Second {
		severity = Warning
	}
	c.report(Finding{
		Severity: severity, Field: "lifecycle.preStop", Fix: c.preStopFix(known),
		Message: fmt.Sprintf("a deleted pod gets connections up to %s after it has stopped serving: SIGTERM does not wait for the proxies", span(dark)),
		Number:  &Number{inSeconds(dark), "s", "traffic to a deleted pod, at most", method},
	})
}

// proxiesKnow returns how long it takes, at most or nearly so, until the last proxy, and
// the load balancer, know that the pod is to get no requests, and how that was found.
// The balancer is no proxy of the node: it learns of the endpoint at once, some 0.1 s
// after the deletion (K79), unless a delay is stated for all.
func (c *check) proxiesKnow() (known time.Duration, method string) {
	cluster := &c.World.Cluster
	known, method = cluster.MinSyncPeriod+afterSigterm, "measured on a quiet cluster (K72, K79)"
	if cluster.Propagation != nil {
		known, method = cluster.Propagation.Quantile(.99), "p99 of cluster.propagation"
	}
	switch b := cluster.LoadBalancer; {
	case b == nil || b.Deregistration == 0:
	case cluster.Propagation != nil:
		known += b.Deregistration
		method += " and the load balancer's deregistration"
	case afterSigterm+b.Deregistration > known:
		known, method = afterSigterm+b.Deregistration, "the load balancer's deregistration, from the endpoint's removal (K79)"
	}
	return known, method
}

// servesDeleted returns how long a pod serves after its deletion: during its preStop hook,
// and until its exit where it keeps its listener until then, as far as the grace period
// goes.
func (c *check) servesDeleted() time.Duration {
	grace := kubelet.DeletionGrace(&c.World.Pod, nil)
	hook := kubelet.PreStopLasts(c.container().PreStop.Lasts, grace)
	s, left := &c.World.Application.Shutdown, kubelet.RemainingGrace(grace, hook)
	switch {
	case !s.ListenerAtExit:
		return hook
	case s.IgnoresTerm:
		return hook + left
	}
	return hook + min(s.Wait.Quantile(.5), left)
}

// preStopFix says how a pod goes on serving for so long after its deletion.
func (c *check) preStopFix(known time.Duration) string {
	sleep, hook := int64(known/time.Second)+1, c.container().PreStop
	grace, wanted := kubelet.DeletionGrace(&c.World.Pod, nil), max(hook.Lasts, time.Duration(sleep)*time.Second)
	raise := fmt.Sprintf("raise terminationGracePeriodSeconds to %d", int64(graceNeeded(c.World, wanted)/time.Second))
	fix := fmt.Sprintf("add lifecycle.preStop.sleep.seconds: %d", sleep)
	switch v := c.World.Cluster.KubernetesVersion; {
	case hook.Lasts >= time.Duration(sleep)*time.Second:
		return raise + fmt.Sprintf(": it cuts the preStop hook of %s off after %s", span(hook.Lasts), span(grace))
	case hook.Handler != "":
		fix = fmt.Sprintf("let the preStop hook take %d s instead of %s", sleep, span(hook.Lasts))
	case !featureSleep.on(v):
		fix = fmt.Sprintf("add a preStop command that sleeps %d s (the sleep action needs Kubernetes 1.%d)", sleep, featureSleep.since)
	}
	if graceNeeded(c.World, wanted) > grace {
		fix += ", and " + raise
	}
	return fix
}

// Of a shutdown: the quantile that a grace period is to cover, and what is taken for one
// of which nothing is stated.
const (
	rareShutdown     = .999
	unstatedShutdown = 10 * time.Second
)

// graceNeeded returns the whole seconds that cover a preStop hook and all but few
// shutdowns after it (K37). Behind a hook a shutdown of which nothing is stated is taken
// to last 10 s; SIGKILL ends a process that ignores SIGTERM in any case.
func graceNeeded(w *model.World, hook time.Duration) time.Duration {
	stops := w.Application.Shutdown.Wait.Quantile(rareShutdown)
	switch {
	case w.Application.Shutdown.IgnoresTerm:
		stops = 0
	case stops == 0:
		stops = unstatedShutdown
	}
	return min(hook+stops, dist.Longest/8).Truncate(time.Second) + time.Second
}

// preStopExceedsGrace is about hooks that leave the process the 2 s that the
// kubelet grants at least (K37), or less than its shutdown takes.
func preStopExceedsGrace(c *check) {
	grace, hook := kubelet.DeletionGrace(&c.World.Pod, nil), c.container().PreStop.Lasts
	left := kubelet.RemainingGrace(grace, kubelet.PreStopLasts(hook, grace))
	if hook == 0 || hook+2*time.Second < grace && hook+c.World.Application.Shutdown.Wait.Quantile(.99) <= grace {
		return
	}
	c.report(Finding{
		Field: "pod.terminationGracePeriodSeconds",
		Message: fmt.Sprintf("of the grace period of %s the preStop hook takes %s, and the process has %s to stop before SIGKILL",
			span(grace), span(hook), span(left)),
		Fix:    fmt.Sprintf("raise terminationGracePeriodSeconds to %d", int64(graceNeeded(c.World, hook)/time.Second)),
		Number: &Number{inSeconds(left), "s", "from SIGTERM to SIGKILL", "the kubelet's arithmetic (K37)"},
	})
}

// feature is a field of the API with the minor version since which it is on by
// default, and that in which it became a promise.
type feature struct {
	alpha, since, stable int
}

// on reports whether the field does anything in a version without feature
// gates being set.
func (f feature) on(v model.Version) bool { return v.Minor >= f.since }

// The fields of the API that versions of Kubernetes lack (A31), by the feature
// gates of each release.
var (
	featureStartup       = feature{16, 18, 20} // StartupProbe
	featureGRPC          = feature{23, 24, 27} // GRPCContainerProbe
	featureProbeGrace    = feature{21, 25, 28} // ProbeTerminationGracePeriod: beta, but off, from 1.22
	featureSleep         = feature{29, 30, 34} // PodLifecycleSleepAction
	featureSidecar       = feature{28, 29, 33} // SidecarContainers
	featurePodResources  = feature{32, 34, 0}  // PodLevelResources
	execTimeoutsEnforced = 20                  // ExecProbeTimeout
)

func unsupportedFields(c *check) {
	v := c.World.Cluster.KubernetesVersion
	lacks := func(f feature, field, what, effect, fix string) {
		if f.on(v) {
			return
		}
		stable := ""
		if f.stable > 0 {
			stable = fmt.Sprintf(", stable since 1.%d", f.stable)
		}
		state := fmt.Sprintf("does not know %s", what)
		if v.Minor >= f.alpha {
			state = fmt.Sprintf("has %s behind a feature gate that is off by default", what)
		}
		c.report(Finding{
			Field:   field,
			Message: fmt.Sprintf("Kubernetes %s %s (on since 1.%d%s): %s", v, state, f.since, stable, effect),
			Fix:     fix,
			Number:  &Number{calc.Number(f.since), "", "minor version of Kubernetes since which the field is on", "the releases' feature gates"},
		})
	}
	container := c.stated.Container()
	for k := range model.ProbeKind(model.ProbeKinds) {
		p := container.Probes[k]
		if p == nil {
			continue
		}
		if k == model.Startup {
			lacks(featureStartup, k.Field(), "startupProbe", "it is dropped, and liveness alone judges a start", "give liveness an initialDelaySeconds that covers the longest start")
		}
		if p.Handler.Kind == model.GRPC {
			lacks(featureGRPC, k.Field()+".grpc", "grpc probes", "the probe is refused or has no handler", "run grpc_health_probe as an exec probe, or use httpGet")
		}
		if p.TerminationGracePeriodSeconds != nil {
			lacks(featureProbeGrace, k.Field()+".terminationGracePeriodSeconds", "a probe's terminationGracePeriodSeconds", "a kill by the probe gets the pod's grace period", "set the pod's terminationGracePeriodSeconds")
		}
	}
	if strings.HasPrefix(container.PreStop.Handler, "sleep ") {
		lacks(featureSleep, "lifecycle.preStop.sleep", "the sleep action", "the pod stops without waiting for the proxies", "sleep in an exec hook")
	}
	if container.Sidecar {
		lacks(featureSidecar, "restartPolicy", "init containers with restartPolicy Always", "it runs as an ordinary init container, and its probes are refused", "make it a regular container")
	}
	if c.stated.Pod.CPULimitMilli > 0 {
		lacks(featurePodResources, "pod.resources", "resources of the pod", "the pod has no limit of its own", "set the containers' limits")
	}
}

func execTimeoutIgnored(c *check) {
	v := c.World.Cluster.KubernetesVersion
	for k := range model.ProbeKind(model.ProbeKinds) {
		p := c.stated.Container().Probes[k]
		if !unenforced(v, c.probe(k)) {
			continue
		}
		c.report(Finding{
			Field: k.Field() + ".timeoutSeconds",
			Message: fmt.Sprintf("Kubernetes %s does not enforce timeoutSeconds (%d) of exec probes: a command that hangs is waited for without end, and the timeout begins to act with the upgrade to 1.%d",
				v, p.TimeoutSeconds, execTimeoutsEnforced),
			Fix:    "let the command end itself (timeout 5 …), and set timeoutSeconds to what it needs before upgrading",
			Number: &Number{calc.Number(execTimeoutsEnforced), "", "minor version of Kubernetes since which the timeout is enforced", "ExecProbeTimeout"},
		})
	}
}
