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
