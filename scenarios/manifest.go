package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// object is one object of a manifest that has a pod template, or the inline
// pod of a scenario, as a tree that overlays can change.
type object struct {
	at   place
	file *manifestFile // nil for an inline pod
	root *yaml.Node
	// apiVersion, kind, namespace and name are empty for an inline pod.
	apiVersion, kind, namespace, name string
}

// workloadKinds are the kinds with a pod template, by group and kind, with the
// path to their PodSpec.
var workloadKinds = map[string][]string{
	"/Pod":             {"spec"},
	"apps/Deployment":  {"spec", "template", "spec"},
	"apps/StatefulSet": {"spec", "template", "spec"},
	"apps/DaemonSet":   {"spec", "template", "spec"},
	"apps/ReplicaSet":  {"spec", "template", "spec"},
	"batch/Job":        {"spec", "template", "spec"},
	"batch/CronJob":    {"spec", "jobTemplate", "spec", "template", "spec"},
	"/inline":          {}, // the pod of a scenario is a PodSpec itself
}

const inlineKind = "inline"

// groupKind is the key of an object in workloadKinds.
func (o *object) groupKind() string {
	group, _, found := strings.Cut(o.apiVersion, "/")
	if !found {
		group = ""
	}
	return group + "/" + o.kind
}

// completes reports whether the object's pods run to completion instead of serving.
func (o *object) completes() bool { return o.kind == "Job" || o.kind == "CronJob" }

// objects returns the objects with a pod template among the documents of a
// manifest, and a note for each other one.
func (d *decoder) objects(file *manifestFile, trees []*yaml.Node) []*object {
	var found []*object
	for _, tree := range trees {
		found = d.collect(found, tree, place{file: file.name})
	}
	for _, o := range found {
		o.file = file
	}
	return found
}

func (d *decoder) collect(found []*object, tree *yaml.Node, at place) []*object {
	if tree.Kind != yaml.MappingNode {
		d.fault(tree, at, "%s: must be a Kubernetes object or a Scenario", described(tree))
		return found
	}
	o := &object{
		at: at, root: tree,
		apiVersion: text(child(tree, "apiVersion")),
		kind:       text(child(tree, "kind")),
		namespace:  text(descend(tree, "metadata", "namespace")),
		name:       text(descend(tree, "metadata", "name")),
	}
	if o.name == "" {
		o.name = strings.TrimSuffix(text(descend(tree, "metadata", "generateName")), "-")
	}
	switch {
	case o.kind == "":
		d.fault(tree, at.field("kind"), "required: a Kubernetes object has a kind, a scenario has kind: Scenario")
	case o.apiVersion == "" && o.kind != "List":
		d.fault(tree, at.field("apiVersion"), "required")
	case strings.HasSuffix(o.kind, "List") && child(tree, "items") != nil:
		return d.collectList(found, tree, at)
	case workloadKinds[o.groupKind()] != nil:
		return append(found, o)
	default:
		d.notes = append(d.notes, fmt.Sprintf("%s:%d: %s %s has no pod template, skipped", at.file, tree.Line, o.kind, quoted(o.name)))
	}
	return found
}

func (d *decoder) collectList(found []*object, tree *yaml.Node, at place) []*object {
	items := child(tree, "items")
	if items.Kind != yaml.SequenceNode {
		d.fault(items, at.field("items"), "%s: must be a list", described(items))
		return found
	}
	for i, item := range items.Content {
		found = d.collect(found, item, at.field("items").element(i))
	}
	return found
}

// specPath is the path from the object to its PodSpec.
func (o *object) specPath() []step {
	var steps []step
	for _, name := range workloadKinds[o.groupKind()] {
		steps = append(steps, step{field: name})
	}
	return steps
}

// spec returns the tree of the object's PodSpec, nil where there is none.
func (o *object) spec() *yaml.Node {
	return descend(o.root, workloadKinds[o.groupKind()]...)
}

// replicasPath is where an object of the kind states the number of its pods.
func replicasPath(kind string) []step {
	switch kind {
	case "Job":
		return []step{{field: "spec"}, {field: "parallelism"}}
	case "CronJob":
		return []step{{field: "spec"}, {field: "jobTemplate"}, {field: "spec"}, {field: "parallelism"}}
	}
	return []step{{field: "spec"}, {field: "replicas"}}
}

// decodeObject reads the whole object by the types of k8s.io/api, strictly but
// for unknown fields, and returns its PodSpec and the number of its replicas,
// 0 where it states none.
func (d *decoder) decodeObject(o *object) (spec *corev1.PodSpec, replicas int32) {
	var count *int32
	read := func(target any) { d.decode(o.root, reflect.ValueOf(target).Elem(), o.at) }
	switch o.kind {
	case inlineKind:
		spec = &corev1.PodSpec{}
		read(spec)
	case "Pod":
		var pod corev1.Pod
		read(&pod)
		spec = &pod.Spec
	case "Deployment":
		var deployment appsv1.Deployment
		read(&deployment)
		spec, count = &deployment.Spec.Template.Spec, deployment.Spec.Replicas
	case "StatefulSet":
		var set appsv1.StatefulSet
		read(&set)
		spec, count = &set.Spec.Template.Spec, set.Spec.Replicas
	case "ReplicaSet":
		var set appsv1.ReplicaSet
		read(&set)
		spec, count = &set.Spec.Template.Spec, set.Spec.Replicas
	case "DaemonSet":
		var set appsv1.DaemonSet
		read(&set)
		spec = &set.Spec.Template.Spec
	case "Job":
		var job batchv1.Job
		read(&job)
		spec, count = &job.Spec.Template.Spec, job.Spec.Parallelism
	case "CronJob":
		var job batchv1.CronJob
		read(&job)
		spec, count = &job.Spec.JobTemplate.Spec.Template.Spec, job.Spec.JobTemplate.Spec.Parallelism
	}
	if count == nil {
		return spec, 0
	}
	if *count < 0 {
		n, at := find(o.root, replicasPath(o.kind), o.at, d.origins)
		d.fault(n, at, "%d: must be greater than or equal to 0", *count)
	}
	return spec, *count
}

// candidate is a container that could be the studied one, as the tree has it.
type candidate struct {
	name    string
	node    *yaml.Node
	path    []step // from the PodSpec
	sidecar bool
	probed  bool
}

// candidates returns the containers with workers of their own: the regular
// ones and the sidecars, in the order of the kubelet (K1).
func (o *object) candidates() []candidate {
	var found []candidate
	for _, list := range []string{"containers", "initContainers"} {
		containers := child(o.spec(), list)
		if containers == nil || containers.Kind != yaml.SequenceNode {
			continue
		}
		for i, n := range containers.Content {
			sidecar := list == "initContainers"
			if sidecar && text(child(n, "restartPolicy")) != "Always" {
				continue
			}
			found = append(found, candidate{
				name: text(child(n, "name")), node: n, sidecar: sidecar,
				path: []step{{field: list}, {index: i, element: true}},
				probed: child(n, "startupProbe") != nil || child(n, "readinessProbe") != nil ||
					child(n, "livenessProbe") != nil,
			})
		}
	}
	return found
}

// defaultContainer is the annotation of a pod in which its author says which
// container is the main one; kubectl logs and kubectl exec go by it too.
const defaultContainer = "kubectl.kubernetes.io/default-container"

// studied returns the container of the object to study: the named one, the one
// that the rules of studied single out, or where they do not the one that the
// pod's annotation names.
func (o *object) studied(name string) (*candidate, error) {
	found := o.candidates()
	container, err := studied(found, name)
	if err == nil || name != "" || o.kind == inlineKind {
		return container, err
	}
	above := workloadKinds[o.groupKind()]
	keys := append(slices.Clone(above[:len(above)-1]), "metadata", "annotations", defaultContainer)
	if main := text(descend(o.root, keys...)); slices.Contains(namesOf(found), main) {
		return studied(found, main)
	}
	return nil, err
}

func namesOf(found []candidate) []string {
	names := make([]string, len(found))
	for i, c := range found {
		names[i] = c.name
	}
	return names
}

// studied returns the container to study: the named one, or the only regular
// one with probes, the only regular one, or the only sidecar with probes.
func studied(found []candidate, name string) (*candidate, error) {
	names := namesOf(found)
	if name != "" {
		if i := slices.Index(names, name); i >= 0 {
			return &found[i], nil
		}
		return nil, fmt.Errorf("%s", notOneOf(name, names))
	}
	only := func(matches func(c candidate) bool) *candidate {
		var match *candidate
		for i, c := range found {
			if matches(c) {
				if match != nil {
					return nil
				}
				match = &found[i]
			}
		}
		return match
	}
	for _, rule := range []func(c candidate) bool{
		func(c candidate) bool { return !c.sidecar && c.probed },
		func(c candidate) bool {
			return c.sidecar && c.probed && !slices.ContainsFunc(found, func(o candidate) bool { return !o.sidecar && o.probed })
		},
		func(c candidate) bool {
			return !c.sidecar && !slices.ContainsFunc(found, func(o candidate) bool { return o.probed })
		},
	} {
		if match := only(rule); match != nil {
			return match, nil
		}
	}
	return nil, fmt.Errorf("required: which container is studied, one of %s", strings.Join(names, ", "))
}
