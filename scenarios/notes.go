package scenarios

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/probesim/probesim/model"
)

// podNotes returns what is worth knowing about a valid PodSpec before any
// simulation.
func podNotes(spec *corev1.PodSpec, studied string) []string {
	var notes []string
	for i := range spec.InitContainers {
		if c := &spec.InitContainers[i]; !isSidecar(c) {
			notes = append(notes, fmt.Sprintf("init container %q takes no time here: application.beforeStart says how long it runs", c.Name))
		}
	}
	each := func(c *corev1.Container) {
		for kind, probe := range probesOf(c) {
			if probe == nil {
				continue
			}
			if port, ok := namedPort(&probe.ProbeHandler); ok && !hasPort(c, port) {
				notes = append(notes, fmt.Sprintf("container %q has no port named %q: every attempt of its %s errs and is thrown away (K21)",
					c.Name, port, model.ProbeKind(kind).Field()))
			}
		}
		if c.Name != studied {
			if container := toContainer(c); container.Probed() {
				notes = append(notes, fmt.Sprintf("container %q is taken to serve from its start and to answer every probe at once", c.Name))
			}
			return
		}
		if container := toContainer(c); !container.Probed() {
			notes = append(notes, fmt.Sprintf("container %q has no probes: it is never killed by one, and ready as soon as it runs", c.Name))
		} else if container.PreStop.Handler != "" && container.PreStop.Lasts == 0 {
			notes = append(notes, fmt.Sprintf("the preStop hook of container %q is taken as instant: how long it runs cannot be seen", c.Name))
		}
	}
	for i := range spec.Containers {
		each(&spec.Containers[i])
	}
	for i := range spec.InitContainers {
		if isSidecar(&spec.InitContainers[i]) {
			each(&spec.InitContainers[i])
		}
	}
	return notes
}

// zeroNotes says what a 0 means that a probe states: in Kubernetes it is the
// same as nothing, and so gives the default (K55).
func zeroNotes(containers []candidate) []string {
	var notes []string
	for _, c := range containers {
		for kind := range model.ProbeKind(model.ProbeKinds) {
			standard := &model.Probe{}
			standard.SetDefaults()
			for _, number := range []struct {
				field string
				means int32
			}{
				{"periodSeconds", standard.PeriodSeconds}, {"timeoutSeconds", standard.TimeoutSeconds},
				{"successThreshold", standard.SuccessThreshold}, {"failureThreshold", standard.FailureThreshold},
			} {
				if text(descend(c.node, kind.Field(), number.field)) == "0" {
					notes = append(notes, fmt.Sprintf("container %q: %s.%s 0 is Kubernetes' way to say nothing: the default, %d, is in force",
						c.name, kind.Field(), number.field, number.means))
				}
			}
		}
	}
	return notes
}

// jobNotes says what is different about a pod that runs to completion.
func (o *object) jobNotes() []string {
	if !o.completes() {
		return nil
	}
	return []string{
		"a " + o.kind + " runs to completion, after a time that its manifest does not say: it is simulated as if it ran on, so that rates per day and year are those of running time; a run of an hour has an hour's share of them",
		"the pods of a " + o.kind + " are usually behind no Service: what is said of endpoints, traffic and readiness then matters to nobody",
	}
}

// namedPort returns the port a handler names instead of numbering it.
func namedPort(h *corev1.ProbeHandler) (string, bool) {
	switch {
	case h.HTTPGet != nil && h.HTTPGet.Port.Type == intstr.String:
		return h.HTTPGet.Port.StrVal, true
	case h.TCPSocket != nil && h.TCPSocket.Port.Type == intstr.String:
		return h.TCPSocket.Port.StrVal, true
	}
	return "", false
}

func hasPort(c *corev1.Container, name string) bool {
	for _, port := range c.Ports {
		if port.Name == name {
			return true
		}
	}
	return false
}
