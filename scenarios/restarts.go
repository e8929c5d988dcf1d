package scenarios

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/probesim/probesim/model"
)

// Restart policies and rules of single containers: Kubernetes has them for regular
// containers since 1.35, and sidecars have always had the policy Always (K35, K38).

// containerPolicies are the values of a container's restartPolicy.
var containerPolicies = map[corev1.ContainerRestartPolicy]model.RestartPolicy{
	corev1.ContainerRestartPolicyAlways:    model.RestartAlways,
	corev1.ContainerRestartPolicyOnFailure: model.RestartOnFailure,
	corev1.ContainerRestartPolicyNever:     model.RestartNever,
}

// dropRestartPolicies does what the API server does to regular containers of a pod
// where their restart policies are behind a feature gate that is off.
func dropRestartPolicies(pod *model.Pod) {
	for i := range pod.Containers {
		if c := &pod.Containers[i]; !c.Sidecar {
			c.RestartPolicy, c.RestartRules = nil, nil
		}
	}
}

// toRestartRules sets a container's restart policy and rules.
func toRestartRules(container *model.Container, c *corev1.Container) {
	if c.RestartPolicy == nil {
		return
	}
	policy := containerPolicies[*c.RestartPolicy]
	container.RestartPolicy = &policy
	for _, rule := range c.RestartPolicyRules {
		if rule.ExitCodes == nil {
			continue // refused by the validator
		}
		converted := model.RestartRule{NotIn: rule.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpNotIn}
		for _, code := range rule.ExitCodes.Values {
			converted.ExitCodes = append(converted.ExitCodes, int(code))
		}
		container.RestartRules = append(container.RestartRules, converted)
	}
}

// restartRules holds a container's restart policy and rules against the API
// server's validation, and refuses the action that is not simulated.
func (v *validator) restartRules(c *corev1.Container, at string) {
	rules := c.RestartPolicyRules
	switch {
	case c.RestartPolicy != nil:
		if _, ok := containerPolicies[*c.RestartPolicy]; !ok {
			v.add(at+".restartPolicy", "", "%s", notOneOf(string(*c.RestartPolicy), []string{"Always", "OnFailure", "Never"}))
		}
	case len(rules) > 0:
		v.add(at+".restartPolicy", "", "required: restartPolicyRules need it")
	}
	const most = 20
	if len(rules) > most {
		v.add(at+".restartPolicyRules", fmt.Sprint(len(rules)), "must have at most %d items", most)
	}
	for i := range rules {
		v.restartRule(&rules[i], fmt.Sprintf("%s.restartPolicyRules[%d]", at, i))
	}
}

func (v *validator) restartRule(rule *corev1.ContainerRestartRule, at string) {
	switch rule.Action {
	case corev1.ContainerRestartRuleActionRestart:
	case corev1.ContainerRestartRuleActionRestartAllContainers:
		v.add(at+".action", quoted(string(rule.Action)), "is not simulated: only the studied container's process is, and Restart is the action that concerns it alone")
	default:
		v.add(at+".action", "", "%s", notOneOf(string(rule.Action), []string{"Restart"}))
	}
	if rule.ExitCodes == nil {
		v.add(at+".exitCodes", "", "required")
		return
	}
	switch rule.ExitCodes.Operator {
	case corev1.ContainerRestartRuleOnExitCodesOpIn, corev1.ContainerRestartRuleOnExitCodesOpNotIn:
	default:
		v.add(at+".exitCodes.operator", "", "%s", notOneOf(string(rule.ExitCodes.Operator), []string{"In", "NotIn"}))
	}
	const most = 255
	if n := len(rule.ExitCodes.Values); n > most {
		v.add(at+".exitCodes.values", fmt.Sprint(n), "must have at most %d items", most)
	}
}

// restartNotes says what of a container's restart policy has no effect in a version
// of Kubernetes.
func restartNotes(spec *corev1.PodSpec, version model.Version) []string {
	if version.ContainerRestartRules() {
		return nil
	}
	var notes []string
	for i := range spec.Containers {
		if c := &spec.Containers[i]; c.RestartPolicy != nil {
			notes = append(notes, fmt.Sprintf("container %q: its own restartPolicy has no effect in Kubernetes %s: it is on since 1.35", c.Name, version))
		}
	}
	return notes
}
