package lint

import (
	"slices"
	"strings"

	"github.com/probesim/probesim/model"
)

// waitsForEver is the timeout, in seconds, of a probe that has none in force: a day.
const waitsForEver = 24 * 60 * 60

// unenforced reports whether a version lets the command of a probe run for as long as it
// likes: the timeout of exec probes acts since 1.20 (A31, K16).
func unenforced(v model.Version, p *model.Probe) bool {
	return p != nil && p.Handler.Kind == model.Exec && v.Minor < execTimeoutsEnforced
}

// inForce returns the world as its version of Kubernetes runs it (A31): fields that the
// version lacks, or has behind a gate that is off, are dropped, and the timeout of an exec
// probe that is not enforced is as good as none, so that its command hangs with the
// process and no verdict comes of that.
func inForce(stated *model.World) *model.World {
	w, v := *stated, stated.Cluster.KubernetesVersion
	w.Pod.Containers = slices.Clone(w.Pod.Containers)
	for i := range w.Pod.Containers {
		c := &w.Pod.Containers[i]
		if !featureStartup.on(v) {
			c.Probes[model.Startup] = nil
		}
		if strings.HasPrefix(c.PreStop.Handler, "sleep ") && !featureSleep.on(v) {
			c.PreStop = model.PreStop{}
		}
		for k, p := range c.Probes {
			if p == nil {
				continue
			}
			probe := *p
			if !featureProbeGrace.on(v) {
				probe.TerminationGracePeriodSeconds = nil
			}
			if unenforced(v, p) {
				probe.TimeoutSeconds = waitsForEver
				if i == w.Studied {
					w.Application.Probes[k].HangCoverage = 0
				}
			}
			c.Probes[k] = &probe
		}
	}
	if !featurePodResources.on(v) {
		w.Pod.CPULimitMilli = 0
	}
	return &w
}

// dropsStartup reports whether a world's version drops the startup probe that the studied
// container states. What it was to grant a start is then held against the liveness probe.
func dropsStartup(w *model.World) bool {
	return w.Container().Probes[model.Startup] != nil && !featureStartup.on(w.Cluster.KubernetesVersion)
}
