package scenarios

import (
	"cmp"
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/probesim/probesim/model"
)

// toPod returns the part of a PodSpec that is simulated, with the defaults of
// the API server (K55): regular containers first, then sidecars, the order in
// which the kubelet makes their probe workers (K1).
func toPod(spec *corev1.PodSpec) model.Pod {
	pod := model.Pod{
		TerminationGracePeriodSeconds: model.DefaultGrace,
		ReadinessGates:                len(spec.ReadinessGates),
	}
	if spec.TerminationGracePeriodSeconds != nil {
		pod.TerminationGracePeriodSeconds = *spec.TerminationGracePeriodSeconds
	}
	switch spec.RestartPolicy {
	case corev1.RestartPolicyOnFailure:
		pod.RestartPolicy = model.RestartOnFailure
	case corev1.RestartPolicyNever:
		pod.RestartPolicy = model.RestartNever
	}
	if spec.Resources != nil {
		pod.CPULimitMilli, pod.CPURequestMilli = cpuOf(*spec.Resources)
	}
	for i := range spec.Containers {
		pod.Containers = append(pod.Containers, toContainer(&spec.Containers[i]))
	}
	for i := range spec.InitContainers {
		if isSidecar(&spec.InitContainers[i]) {
			c := toContainer(&spec.InitContainers[i])
			c.Sidecar = true
			pod.Containers = append(pod.Containers, c)
		}
	}
	return pod
}

func isSidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

func toContainer(c *corev1.Container) model.Container {
	limit, request := cpuOf(c.Resources)
	container := model.Container{
		Name: c.Name, Image: c.Image,
		CPULimitMilli: limit, CPURequestMilli: request,
	}
	toRestartRules(&container, c)
	for kind, probe := range probesOf(c) {
		if probe != nil {
			container.Probes[kind] = toProbe(probe)
			container.Probes[kind].Handler = toHandler(resolved(&probe.ProbeHandler, c))
			port, named := namedPort(&probe.ProbeHandler)
			container.Probes[kind].Handler.NoPort = named && !hasPort(c, port)
		}
	}
	for _, port := range c.Ports {
		if container.Ports == nil {
			container.Ports = map[string]int32{}
		}
		container.Ports[cmp.Or(port.Name, strconv.Itoa(int(port.ContainerPort)))] = port.ContainerPort
	}
	if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
		container.PreStop = toPreStop(c.Lifecycle.PreStop)
	}
	return container
}

// probesOf returns a container's probes by their kind.
func probesOf(c *corev1.Container) [model.ProbeKinds]*corev1.Probe {
	return [model.ProbeKinds]*corev1.Probe{
		model.Startup: c.StartupProbe, model.Readiness: c.ReadinessProbe, model.Liveness: c.LivenessProbe,
	}
}

// cpuOf returns limit and request in thousandths of a CPU, fractions of one
// rounded up as the API server does; a missing request is the limit (K60).
func cpuOf(r corev1.ResourceRequirements) (limit, request int64) {
	limit = r.Limits.Cpu().MilliValue()
	request = limit
	if stated, ok := r.Requests[corev1.ResourceCPU]; ok {
		request = stated.MilliValue()
	}
	return limit, request
}

func toProbe(p *corev1.Probe) *model.Probe {
	probe := &model.Probe{
		Handler:                       toHandler(&p.ProbeHandler),
		InitialDelaySeconds:           p.InitialDelaySeconds,
		PeriodSeconds:                 p.PeriodSeconds,
		TimeoutSeconds:                p.TimeoutSeconds,
		SuccessThreshold:              p.SuccessThreshold,
		FailureThreshold:              p.FailureThreshold,
		TerminationGracePeriodSeconds: p.TerminationGracePeriodSeconds,
	}
	probe.SetDefaults()
	return probe
}

// resolved returns a handler with the number of the port that it names, as the kubelet
// looks it up (K21), so that two which ask the same are the same. A port that the
// container lacks keeps its name.
func resolved(h *corev1.ProbeHandler, c *corev1.Container) *corev1.ProbeHandler {
	name, named := namedPort(h)
	if !named {
		return h
	}
	numbered := h.DeepCopy()
	for _, port := range c.Ports {
		switch {
		case port.Name != name:
		case numbered.HTTPGet != nil:
			numbered.HTTPGet.Port = intstr.FromInt32(port.ContainerPort)
		case numbered.TCPSocket != nil:
			numbered.TCPSocket.Port = intstr.FromInt32(port.ContainerPort)
		}
	}
	return numbered
}

func toHandler(h *corev1.ProbeHandler) model.Handler {
	switch {
	case h.HTTPGet != nil:
		target := httpTarget(h.HTTPGet)
		if h.HTTPGet.Scheme == corev1.URISchemeHTTPS {
			target = "https " + target
		}
		return model.Handler{Kind: model.HTTPGet, Target: target}
	case h.TCPSocket != nil:
		return model.Handler{Kind: model.TCPSocket, Target: h.TCPSocket.Host + ":" + h.TCPSocket.Port.String()}
	case h.GRPC != nil:
		target := ":" + strconv.Itoa(int(h.GRPC.Port))
		if h.GRPC.Service != nil && *h.GRPC.Service != "" {
			target += " " + *h.GRPC.Service
		}
		return model.Handler{Kind: model.GRPC, Target: target}
	case h.Exec != nil:
		return model.Handler{Kind: model.Exec, Target: strings.Join(h.Exec.Command, " ")}
	}
	return model.Handler{}
}

// toPreStop reduces a preStop hook to the time it takes, where that can be
// seen: the sleep action, and commands that sleep.
func toPreStop(h *corev1.LifecycleHandler) model.PreStop {
	switch {
	case h.Sleep != nil:
		return model.PreStop{Handler: fmt.Sprintf("sleep %d", h.Sleep.Seconds), Lasts: clampSeconds(float64(h.Sleep.Seconds)), Sleeps: true}
	case h.Exec != nil:
		return model.PreStop{Handler: "exec " + strings.Join(h.Exec.Command, " "), Lasts: slept(h.Exec.Command), Sleeps: sleepNumber(h.Exec.Command) != nil}
	case h.HTTPGet != nil:
		return model.PreStop{Handler: "httpGet " + httpTarget(h.HTTPGet)}
	case h.TCPSocket != nil:
		return model.PreStop{Handler: "tcpSocket :" + h.TCPSocket.Port.String()}
	}
	return model.PreStop{}
}

// sleeps finds the sleeps of a shell script.
var sleeps = regexp.MustCompile(`(?:^|[\s;&|({])(?:/\S*/)?sleep\s+([0-9]+(?:\.[0-9]+)?)([smhd]?)`)

var shells = []string{"sh", "bash", "ash", "dash", "busybox"}

// slept returns the time a command sleeps: `sleep N` itself, or the sum of the
// sleeps of a shell script, its other commands taken as instant.
func slept(command []string) time.Duration {
	script := strings.Join(command, " ")
	if len(command) == 0 || path.Base(command[0]) != "sleep" && !slices.Contains(shells, path.Base(command[0])) {
		return 0
	}
	var total float64
	for _, found := range sleeps.FindAllStringSubmatch(script, -1) {
		number, _ := strconv.ParseFloat(found[1], 64) // digits: an overflow gives +Inf, which is cut below
		total += number * map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
	}
	return clampSeconds(total)
}

// onlySleep is a script that sleeps once and does nothing else, or such a command.
var onlySleep = regexp.MustCompile(`^\s*(?:exec\s+)?(?:/\S*/)?sleep\s+([0-9]+(?:\.[0-9]+)?[smhd]?)\s*;?\s*$`)

// sleepNumber returns where the last part of a command that sleeps and does nothing
// else has the time: from one byte to another. Nil: it is no such command.
func sleepNumber(command []string) []int {
	if len(command) == 0 {
		return nil
	}
	last := len(command) - 1
	script := command[last]
	before := 0
	switch {
	case len(command) == 2 && path.Base(command[0]) == "sleep":
		before = len("sleep ")
		script = "sleep " + script
	case len(command) != 3 || command[1] != "-c" || !slices.Contains(shells, path.Base(command[0])):
		return nil
	}
	found := onlySleep.FindStringSubmatchIndex(script)
	if found == nil {
		return nil
	}
	return []int{found[2] - before, found[3] - before}
}

// clampSeconds turns seconds into a duration, cut to what a hook can last: no
// grace period is longer than a year.
func clampSeconds(seconds float64) time.Duration {
	const year = 8766 * 3600
	return time.Duration(math.Round(math.Min(math.Max(seconds, 0), year) * 1e9))
}

// httpTarget writes what an httpGet asks, with the slash that a URL needs where
// the path lacks it.
func httpTarget(h *corev1.HTTPGetAction) string {
	return h.Host + ":" + h.Port.String() + "/" + strings.TrimPrefix(h.Path, "/")
}
