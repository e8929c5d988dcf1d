package scenarios

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/probesim/probesim/model"
)

// Show returns a workload as a scenario of its own, in YAML: every default
// filled in, or said by a comment where it is no value, the pod reduced to what
// is simulated, and notes and each assumption marked by comments. Loaded again
// it gives the same world and variants.
func Show(w *Workload) ([]byte, error) {
	shown := *w.scenario
	shown.Manifest = nil
	shown.Pod = shownPod(w.spec)
	shown.Application.Probes = shownAnswers(&w.scenario.Application.Probes, w.World.Container())
	// What a variant changes must not be held by a default that has become a
	// statement: the fields of a profile, and requests that follow limits.
	if slices.ContainsFunc(shown.WhatIf, setsProfile) {
		shown.Node = w.statedNode
	}
	if !slices.ContainsFunc(shown.WhatIf, setsResources) {
		stateRequests(shown.Pod)
	}
	shown.Application.Background = shownBackground(w.scenario.Application.Background)
	tree := encode(reflect.ValueOf(&shown))
	stateDefaults(tree, reflect.ValueOf(&shown).Elem())
	if startup := descend(tree, "application", "startup"); len(shown.Application.Startup) == 0 {
		startup.LineComment = "# 0s: able to serve as soon as it runs"
	}
	for _, a := range w.assumed {
		markAssumed(tree, a)
	}
	for _, note := range w.Notes {
		comment(tree.Content[0], []string{"# note: " + strings.ReplaceAll(note, "\n", "\n#")})
	}
	return encoded(tree)
}

func setsProfile(v whatIf) bool {
	return slices.ContainsFunc(v.Set, func(c change) bool {
		return strings.HasPrefix(c.path, "node") && strings.HasSuffix(c.path, "profile") || c.path == "node"
	})
}

func setsResources(v whatIf) bool {
	return slices.ContainsFunc(v.Set, func(c change) bool { return strings.HasPrefix(c.path, "resources") })
}

// stateRequests gives each container that has a limit only the limit as its
// request (K60).
func stateRequests(spec *corev1.PodSpec) {
	for _, list := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range list {
			r := &list[i].Resources
			if limit, ok := r.Limits[corev1.ResourceCPU]; ok && r.Requests == nil {
				r.Requests = corev1.ResourceList{corev1.ResourceCPU: limit}
			}
		}
	}
}

// shownAnswers fills in how probes are answered: the defaults of all kinds
// under all, and under each kind that the container has the default that
// depends on its handler.
func shownAnswers(a *answers, c *model.Container) answers {
	shown := *a
	all := answer{}
	if a.All != nil {
		all = *a.All
	}
	inherit(reflect.ValueOf(&all).Elem(), reflect.ValueOf(defaultAnswer()).Elem())
	shown.All = &all
	for i, entry := range []**answer{&shown.Startup, &shown.Readiness, &shown.Liveness} {
		kind := model.ProbeKind(i)
		merged := a.of(kind)
		if c.Probes[kind] == nil || merged.HangCoverage != nil {
			continue
		}
		own := answer{}
		if *entry != nil {
			own = **entry
		}
		coverage := model.DefaultAnswer(c.Probes[kind].Handler.Kind).HangCoverage
		own.HangCoverage = &coverage
		*entry = &own
	}
	return shown
}

// shownBackground fills in the defaults that depend on whether a job recurs or
// burns without end.
func shownBackground(list []background) []background {
	shown := slices.Clone(list)
	for i := range shown {
		b := &shown[i]
		one, always := 1, value(b.Always)
		b.Always = &always
		switch {
		case always && b.Threads == nil:
			b.Threads = &one
		case !always && b.Workers == nil:
			b.Workers = (*workers)(&one)
		}
	}
	return shown
}

// defaultAnswer returns the defaults of an answer that do not depend on its
// handler, as a scenario writes them.
func defaultAnswer() *answer {
	standard := model.DefaultAnswer(model.HTTPGet)
	constant := func(text string) *durationDistribution {
		return &durationDistribution{standard.Wait, scalar(text)}
	}
	runsOn := standard.RunsOn.String()
	return &answer{
		CPU: constant("0s"), Wait: constant(formatDuration(standard.Wait.Mean())),
		RunsOn: &runsOn, Failure: &standard.Failure,
	}
}

// shownPod returns the part of a PodSpec that is simulated, with the defaults
// of the API server (K55, K60).
func shownPod(spec *corev1.PodSpec) *corev1.PodSpec {
	shown := &corev1.PodSpec{
		RestartPolicy:                 spec.RestartPolicy,
		TerminationGracePeriodSeconds: spec.TerminationGracePeriodSeconds,
		Resources:                     spec.Resources,
		ReadinessGates:                spec.ReadinessGates,
	}
	if shown.RestartPolicy == "" {
		shown.RestartPolicy = corev1.RestartPolicyAlways
	}
	if shown.TerminationGracePeriodSeconds == nil {
		grace := int64(model.DefaultGrace)
		shown.TerminationGracePeriodSeconds = &grace
	}
	for i := range spec.Containers {
		shown.Containers = append(shown.Containers, shownContainer(&spec.Containers[i]))
	}
	for i := range spec.InitContainers {
		shown.InitContainers = append(shown.InitContainers, shownContainer(&spec.InitContainers[i]))
	}
	return shown
}

func shownContainer(c *corev1.Container) corev1.Container {
	shown := corev1.Container{
		Name: c.Name, Image: c.Image, Ports: c.Ports, RestartPolicy: c.RestartPolicy, RestartPolicyRules: c.RestartPolicyRules, Lifecycle: c.Lifecycle,
		Resources: corev1.ResourceRequirements{Limits: cpuOnly(c.Resources.Limits), Requests: cpuOnly(c.Resources.Requests)},
	}
	for kind, field := range []**corev1.Probe{&shown.StartupProbe, &shown.ReadinessProbe, &shown.LivenessProbe} {
		if probe := probesOf(c)[kind]; probe != nil {
			*field = withDefaults(probe)
		}
	}
	return shown
}

func cpuOnly(list corev1.ResourceList) corev1.ResourceList {
	cpu, ok := list[corev1.ResourceCPU]
	if !ok {
		return nil
	}
	return corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(cpu.MilliValue(), resource.DecimalSI)}
}

// withDefaults returns a copy of a probe with the defaults of the API server (K55).
func withDefaults(p *corev1.Probe) *corev1.Probe {
	filled := p.DeepCopy()
	numbers := toProbe(p)
	filled.PeriodSeconds, filled.TimeoutSeconds = numbers.PeriodSeconds, numbers.TimeoutSeconds
	filled.SuccessThreshold, filled.FailureThreshold = numbers.SuccessThreshold, numbers.FailureThreshold
	if filled.HTTPGet != nil {
		filled.HTTPGet.Path = cmp.Or(filled.HTTPGet.Path, "/")
		if filled.HTTPGet.Scheme == "" {
			filled.HTTPGet.Scheme = corev1.URISchemeHTTP
		}
	}
	return filled
}

// markAssumed puts the assumption's sentence above each field that it fills in,
// or above the deepest field on the way that there is.
func markAssumed(tree *yaml.Node, a assumption) {
	marked := map[*yaml.Node]bool{}
	present := slices.DeleteFunc(slices.Clone(a.paths), func(path string) bool { return descend(tree, strings.Split(path, ".")...) == nil })
	if len(present) == 0 {
		present = a.paths
	}
	for _, path := range present {
		steps, err := parsePath(path)
		if err != nil {
			continue
		}
		key := tree.Content[0]
		n := tree
		for _, s := range steps {
			i := keyIndex(n, s.field)
			if i < 0 {
				break
			}
			key, n = n.Content[i], n.Content[i+1]
		}
		if !marked[key] {
			marked[key] = true
			below := key.HeadComment
			key.HeadComment = ""
			comment(key, []string{"# assumed: " + a.sentence})
			if below != "" {
				comment(key, []string{below})
			}
		}
	}
}

func keyIndex(n *yaml.Node, key string) int {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return i
			}
		}
	}
	return -1
}
