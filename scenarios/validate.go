package scenarios

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/probesim/probesim/model"
)

// validator holds a PodSpec against the rules of the API server that concern
// probes, restarts and CPU (K56 to K58), in its words.
type validator struct {
	found []model.Violation
}

func (v *validator) add(path, value, rule string, args ...any) {
	v.found = append(v.found, model.Violation{Path: path, Value: value, Rule: fmt.Sprintf(rule, args...)})
}

// violations returns what the API server would reject in a PodSpec of an
// object of the given kind. Paths are relative to the PodSpec.
func violations(spec *corev1.PodSpec, kind string) []model.Violation {
	v := &validator{}
	if len(spec.Containers) == 0 {
		v.add("containers", "", "required: at least one container")
	}
	v.restartPolicy(spec.RestartPolicy, kind)
	if grace := spec.TerminationGracePeriodSeconds; grace != nil && *grace < 0 {
		v.add("terminationGracePeriodSeconds", fmt.Sprint(*grace), "must be greater than or equal to 0")
	}
	names := map[string]string{}
	for _, list := range []struct {
		name       string
		containers []corev1.Container
	}{{"containers", spec.Containers}, {"initContainers", spec.InitContainers}} {
		for i := range list.containers {
			c := &list.containers[i]
			at := fmt.Sprintf("%s[%d]", list.name, i)
			v.name(c.Name, at, names)
			v.container(c, at, spec.TerminationGracePeriodSeconds)
			v.restartRules(c, at)
			if list.name == "initContainers" && !isSidecar(c) {
				v.initContainer(c, at)
			}
		}
	}
	if spec.Resources != nil {
		v.resources(*spec.Resources, "resources")
	}
	return v.found
}

func (v *validator) restartPolicy(policy corev1.RestartPolicy, kind string) {
	allowed := []string{"Always", "OnFailure", "Never"}
	switch kind {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
		allowed = allowed[:1]
	case "Job", "CronJob":
		allowed = allowed[1:]
		if policy == "" {
			v.add("restartPolicy", "", "required: must be one of OnFailure, Never")
			return
		}
	}
	for _, word := range allowed {
		if policy == "" || string(policy) == word {
			return
		}
	}
	if len(allowed) == 1 {
		v.add("restartPolicy", quoted(string(policy)), "must be Always in a %s", kind)
		return
	}
	v.add("restartPolicy", "", "%s", notOneOf(string(policy), allowed))
}

func (v *validator) name(name, at string, seen map[string]string) {
	if name == "" {
		v.add(at+".name", "", "required")
		return
	}
	if first, ok := seen[name]; ok {
		v.add(at+".name", quoted(name), "is already the name of %s", first)
		return
	}
	seen[name] = at
	for _, rule := range validation.IsDNS1123Label(name) {
		v.add(at+".name", quoted(name), "%s", rule)
	}
}

// initContainer holds an ordinary init container against K58.
func (v *validator) initContainer(c *corev1.Container, at string) {
	for kind, probe := range probesOf(c) {
		if probe != nil {
			v.add(at+"."+model.ProbeKind(kind).Field(), "", "must not be set for init containers without restartPolicy=Always")
		}
	}
	if c.Lifecycle != nil {
		v.add(at+".lifecycle", "", "must not be set for init containers without restartPolicy=Always")
	}
}

func (v *validator) container(c *corev1.Container, at string, grace *int64) {
	for kind, probe := range probesOf(c) {
		if probe == nil {
			continue
		}
		field := model.ProbeKind(kind).Field()
		for _, violation := range toProbe(probe).Violations(model.ProbeKind(kind)) {
			violation.Path = at + "." + violation.Path
			v.found = append(v.found, violation)
		}
		v.handler(&probe.ProbeHandler, at+"."+field)
	}
	v.resources(c.Resources, at+".resources")
	for i, port := range c.Ports {
		v.portNumber(port.ContainerPort, fmt.Sprintf("%s.ports[%d].containerPort", at, i))
	}
	if c.Lifecycle != nil && c.Lifecycle.PreStop != nil && c.Lifecycle.PreStop.Sleep != nil {
		v.sleep(c.Lifecycle.PreStop.Sleep.Seconds, at+".lifecycle.preStop.sleep.seconds", grace)
	}
}

func (v *validator) sleep(seconds int64, at string, grace *int64) {
	longest := int64(model.DefaultGrace)
	if grace != nil {
		longest = *grace
	}
	if seconds < 0 || seconds > longest {
		v.add(at, fmt.Sprint(seconds), "must be non-negative and less than terminationGracePeriodSeconds (%d)", longest)
	}
}

func (v *validator) resources(r corev1.ResourceRequirements, at string) {
	for _, part := range []struct {
		name string
		list corev1.ResourceList
	}{{"limits", r.Limits}, {"requests", r.Requests}} {
		if cpu, ok := part.list[corev1.ResourceCPU]; ok {
			switch {
			case cpu.Sign() < 0:
				v.add(at+"."+part.name+".cpu", cpu.String(), "must be greater than or equal to 0")
			case cpu.CmpInt64(maxMilli/1000) > 0:
				v.add(at+"."+part.name+".cpu", cpu.String(), "must be at most %d CPUs", int64(maxMilli/1000))
			}
		}
	}
	request, requested := r.Requests[corev1.ResourceCPU]
	limit, limited := r.Limits[corev1.ResourceCPU]
	if requested && limited && request.Cmp(limit) > 0 {
		v.add(at+".requests.cpu", request.String(), "must be less than or equal to cpu limit of %s", limit.String())
	}
}

// severalHandlers is a rule that is broken by what is there, whatever else is missing.
const severalHandlers = "may not specify more than 1 handler type"

// handler holds a probe's handler against K56.
func (v *validator) handler(h *corev1.ProbeHandler, at string) {
	count := 0
	if h.Exec != nil {
		count++
		if len(h.Exec.Command) == 0 {
			v.add(at+".exec.command", "", "required")
		}
	}
	if h.HTTPGet != nil {
		count++
		v.port(h.HTTPGet.Port, at+".httpGet.port")
		if scheme := string(h.HTTPGet.Scheme); scheme != "" && scheme != "HTTP" && scheme != "HTTPS" {
			v.add(at+".httpGet.scheme", "", "%s", notOneOf(scheme, []string{"HTTP", "HTTPS"}))
		}
	}
	if h.TCPSocket != nil {
		count++
		v.port(h.TCPSocket.Port, at+".tcpSocket.port")
	}
	if h.GRPC != nil {
		count++
		v.portNumber(h.GRPC.Port, at+".grpc.port")
	}
	switch {
	case count == 0:
		v.add(at, "", "must specify a handler type: one of httpGet, tcpSocket, grpc, exec")
	case count > 1:
		v.add(at, "", severalHandlers)
	}
}

func (v *validator) port(port intstr.IntOrString, at string) {
	if port.Type == intstr.Int {
		v.portNumber(port.IntVal, at)
		return
	}
	if rules := validation.IsValidPortName(port.StrVal); len(rules) > 0 {
		v.add(at, quoted(port.StrVal), "%s", strings.Join(rules, "; "))
	}
}

func (v *validator) portNumber(port int32, at string) {
	if port < 1 || port > 65535 {
		v.add(at, fmt.Sprint(port), "must be between 1 and 65535, inclusive")
	}
}
