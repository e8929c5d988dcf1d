package scenarios

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"github.com/probesim/probesim/model"
)

// Patch returns a strategic-merge patch in YAML that gives the workload's
// object, as its manifest has it, the probes of the settled container, the
// resources that an overlay gave it, the progress deadline, and what is settled of
// its termination: it names the object and the container, and holds only the fields
// that differ. A probe that
// the settled container does not have is removed; one that the manifest does not
// have takes its handler from the workload's liveness probe, else from its
// readiness probe. An initial delay that goes away is set to 0, as leaving it out
// would keep it.
//
// It is an error if the workload is the inline pod of a scenario, which is no
// object of a cluster, or if there is no handler for a new probe.
func Patch(s Settled) ([]byte, error) {
	w := s.Workload
	if w.Kind == "" {
		return nil, errInline
	}
	change, err := s.containerPatch()
	if err != nil {
		return nil, err
	}
	container := mapping()
	setChild(container, "name", plainNode(w.container))
	container.Content = append(container.Content, change.Content...)
	patch := mapping()
	setChild(patch, "apiVersion", plainNode(w.apiVersion))
	setChild(patch, "kind", plainNode(w.Kind))
	metadata := mapping()
	setChild(metadata, "name", plainNode(w.Name))
	if w.Namespace != "" {
		setChild(metadata, "namespace", plainNode(w.Namespace))
	}
	setChild(patch, "metadata", metadata)
	inner := patch
	if change := s.objectPatch(); change != nil {
		setChild(patch, "spec", change)
	}
	for _, field := range workloadKinds[(&object{apiVersion: w.apiVersion, kind: w.Kind}).groupKind()] {
		next := child(inner, field)
		if next == nil {
			next = mapping()
			setChild(inner, field, next)
		}
		inner = next
	}
	if change := s.podPatch(); change != nil {
		inner.Content = append(inner.Content, change.Content...)
	}
	list, _ := containerIn(w.original, w.container)
	setChild(inner, list, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{container}})
	return encoded(patch)
}

// takenHandler returns the handler of a probe that the container may not have
// yet, as a node: its own, or that of another probe. The error says that there
// is none.
func takenHandler(kind model.ProbeKind, c *corev1.Container) (*yaml.Node, error) {
	handler := handlerFor(kind, c)
	if handler == nil {
		return nil, fmt.Errorf("%s: container %q has no probe whose handler it could take", kind.Field(), c.Name)
	}
	return nodeOf(handler)
}

// containers returns the studied container as the manifest has it and as the
// overlays left it. The error says that there is none.
func (w *Workload) containers() (original, current *corev1.Container, err error) {
	_, original = containerIn(w.original, w.container)
	_, current = containerIn(w.spec, w.container)
	if original == nil || current == nil {
		return nil, nil, fmt.Errorf("%s %q has no container %q", w.Kind, w.Name, w.container)
	}
	return original, current, nil
}

// containerPatch returns what changes the container of the manifest into the
// wanted one: its probes, its preStop hook, and the resources that an overlay has
// changed, on which the probes' settings rest.
func (s *Settled) containerPatch() (*yaml.Node, error) {
	original, current, err := s.Workload.containers()
	if err != nil {
		return nil, err
	}
	change := mapping()
	for kind := range model.ProbeKind(model.ProbeKinds) {
		probe, err := probePatch(kind, original, current, s.Container.Probes[kind])
		if err != nil {
			return nil, err
		}
		if probe != nil {
			setChild(change, kind.Field(), probe)
		}
	}
	lifecycle, err := s.Termination.lifecyclePatch(original, current)
	if err != nil {
		return nil, err
	}
	if lifecycle != nil {
		setChild(change, "lifecycle", lifecycle)
	}
	if resources := resourcesPatch(original, current); resources != nil {
		setChild(change, "resources", resources)
	}
	return change, nil
}

// resourcesPatch returns what changes the original container's resources into
// the current one's, nil where nothing does.
func resourcesPatch(original, current *corev1.Container) *yaml.Node {
	change := mapping()
	for _, list := range []struct {
		field         string
		before, after corev1.ResourceList
	}{{"limits", original.Resources.Limits, current.Resources.Limits}, {"requests", original.Resources.Requests, current.Resources.Requests}} {
		amounts := mapping()
		for _, name := range slices.Sorted(maps.Keys(list.before)) {
			if _, kept := list.after[name]; !kept {
				setChild(amounts, string(name), scalar("null"))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(list.after)) {
			amount := list.after[name]
			if before, had := list.before[name]; !had || before.Cmp(amount) != 0 {
				setChild(amounts, string(name), plainNode(amount.String()))
			}
		}
		if len(amounts.Content) > 0 {
			setChild(change, list.field, amounts)
		}
	}
	if len(change.Content) == 0 {
		return nil
	}
	return change
}

// containerIn returns a container of a PodSpec by name, with the list it is in.
func containerIn(spec *corev1.PodSpec, name string) (list string, c *corev1.Container) {
	named := func(c corev1.Container) bool { return c.Name == name }
	if i := slices.IndexFunc(spec.Containers, named); i >= 0 {
		return "containers", &spec.Containers[i]
	}
	if i := slices.IndexFunc(spec.InitContainers, named); i >= 0 {
		return "initContainers", &spec.InitContainers[i]
	}
	return "", nil
}

// probePatch returns what changes the original container's probe into the
// wanted one, nil where nothing does.
func probePatch(kind model.ProbeKind, original, current *corev1.Container, wanted *model.Probe) (*yaml.Node, error) {
	has := probesOf(original)[kind]
	switch {
	case wanted == nil && has == nil:
		return nil, nil
	case wanted == nil:
		return scalar("null"), nil
	}
	change := mapping()
	before := model.Probe{}
	if has != nil {
		before = *toProbe(has)
	} else {
		node, err := takenHandler(kind, current)
		if err != nil {
			return nil, err
		}
		change.Content = append(change.Content, node.Content...)
	}
	after := *wanted
	after.SetDefaults()
	for _, number := range []struct {
		field         string
		before, after int32
	}{
		{"initialDelaySeconds", before.InitialDelaySeconds, after.InitialDelaySeconds},
		{"periodSeconds", before.PeriodSeconds, after.PeriodSeconds},
		{"timeoutSeconds", before.TimeoutSeconds, after.TimeoutSeconds},
		{"successThreshold", before.SuccessThreshold, after.SuccessThreshold},
		{"failureThreshold", before.FailureThreshold, after.FailureThreshold},
	} {
		if number.before != number.after {
			setChild(change, number.field, plainNode(number.after))
		}
	}
	switch grace := after.TerminationGracePeriodSeconds; {
	case grace == nil && before.TerminationGracePeriodSeconds != nil:
		setChild(change, "terminationGracePeriodSeconds", scalar("null"))
	case grace != nil && (before.TerminationGracePeriodSeconds == nil || *before.TerminationGracePeriodSeconds != *grace):
		setChild(change, "terminationGracePeriodSeconds", plainNode(*grace))
	}
	if len(change.Content) == 0 {
		return nil, nil
	}
	return change, nil
}

// handlerFor returns the handler of a probe that is new: its own, if an
// overlay gave it one, else that of the liveness or the readiness probe.
func handlerFor(kind model.ProbeKind, c *corev1.Container) *corev1.ProbeHandler {
	for _, k := range []model.ProbeKind{kind, model.Liveness, model.Readiness, model.Startup} {
		if probe := probesOf(c)[k]; probe != nil {
			return &probe.ProbeHandler
		}
	}
	return nil
}

// nodeOf returns a part of an object as YAML has it.
func nodeOf(part any) (*yaml.Node, error) {
	data, err := json.Marshal(part)
	if err != nil {
		return nil, err
	}
	document := &yaml.Node{}
	if err := yaml.Unmarshal(data, document); err != nil {
		return nil, err
	}
	inBlocks(document)
	return document.Content[0], nil
}
