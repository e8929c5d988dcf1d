package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"github.com/probesim/probesim/model"
)

// CommandLine is the file that faults of the overlays of --set name.
const CommandLine = "--set"

// parseOverlays parses overlays of the form path=value, the value in YAML. An
// empty value, like null, removes what is there.
func parseOverlays(overlays []string) (changes, Faults) {
	var list changes
	var faults Faults
	for _, overlay := range overlays {
		path, value, ok := strings.Cut(overlay, "=")
		if !ok {
			faults = append(faults, Fault{File: CommandLine, Message: fmt.Sprintf("%s: must be path=value", quoted(overlay))})
			continue
		}
		trees, wrong := documents(CommandLine, []byte(value))
		for _, f := range wrong {
			f.Line, f.Path = 0, path
			faults = append(faults, f)
		}
		tree := scalar("null")
		switch {
		case len(trees) == 1:
			tree = trees[0]
			clearLines(tree)
		case len(trees) > 1:
			faults = append(faults, Fault{File: CommandLine, Path: path, Message: "must be one value"})
		}
		list = append(list, change{path, tree, place{CommandLine, path}})
	}
	return list, faults
}

// clearLines removes the lines of nodes that do not come from a file.
func clearLines(n *yaml.Node) {
	n.Line = 0
	for _, child := range n.Content {
		clearLines(child)
	}
}

// containerFields are the heads of paths that lead into the studied container.
var containerFields = []string{"startupProbe", "readinessProbe", "livenessProbe", "resources", "lifecycle"}

// fixedFields cannot be changed by an overlay: they decide what is read.
var fixedFields = []string{"apiVersion", "kind", "manifest", "whatIf"}

// apply makes the changes to the unit's trees. Those that may decide which
// container is studied come first; which one it is does not depend on the
// others, so that taking a probe away does not take the container away.
func (u *unit) apply(d *decoder, list changes) {
	before := *u.object
	before.root = copyTree(u.object.root, nil)
	for turn := range turns {
		u.studied = u.containerName()
		if container, err := before.studied(u.studied); err == nil {
			u.studied = container.name
		}
		for _, c := range list {
			steps, err := parsePath(c.path)
			if err != nil && turn == 0 {
				d.fault(c.value, c.from, "%v", err)
			}
			if err != nil {
				continue
			}
			if turnOf(c.path, steps) == turn {
				u.applyOne(d, steps, c)
			}
		}
	}
	u.requireHandlers(d, list)
}

// turns is the number of turns in which changes are made, whatever their
// order: a profile comes before changes to what it states, and the container's
// name before changes to it.
const turns = 3

func turnOf(path string, steps []step) int {
	switch {
	case path == "node.profile":
		return 0
	case slices.Contains(containerFields, steps[0].field):
		return 2
	}
	return 1
}

func (u *unit) applyOne(d *decoder, steps []step, c change) {
	value := copyTree(c.value, d.origins)
	root := u.scenario
	switch head := steps[0].field; {
	case slices.Contains(containerFields, head):
		studied, err := u.object.studied(u.studied)
		if err != nil { // reported with the field container
			d.misspelt(steps, c)
			return
		}
		root = studied.node
	case head == "pod":
		root, steps = u.object.spec(), steps[1:]
		if root == nil || len(steps) == 0 {
			d.fault(c.value, c.from, "must be followed by a field of the PodSpec")
			return
		}
	case slices.Contains(fixedFields, head):
		d.fault(c.value, c.from, "cannot be changed by an overlay")
		return
	default:
		known := slices.Clone(containerFields)
		for _, f := range fieldsOf(scenarioType) {
			known = append(known, f.name)
		}
		if !slices.Contains(known, head) {
			d.fault(c.value, c.from, "%s", unknownField(head, known))
			return
		}
	}
	if steps[0].field == "node" && len(steps) > 2 && steps[2].element {
		u.spellOut(steps[1].field)
	}
	made := func(n *yaml.Node) { d.origins[n] = c.from }
	if err := assign(root, steps, value, made); err != nil {
		d.fault(c.value, c.from, "%v", err)
	}
}

// misspelt reports the first field of a change's path that its type does not
// have, where the change itself cannot be made.
func (d *decoder) misspelt(steps []step, c change) {
	t := scenarioType
	switch {
	case slices.Contains(containerFields, steps[0].field):
		t = reflect.TypeFor[corev1.Container]()
	case steps[0].field == "pod":
		t, steps = reflect.TypeFor[corev1.PodSpec](), steps[1:]
	}
	for _, s := range steps {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && !s.element && t == reflect.TypeFor[stages]() {
			t = t.Elem()
		}
		if _, own := reflect.New(t).Interface().(leaf); own && t != reflect.TypeFor[stages]() || s.element != (t.Kind() == reflect.Slice) {
			return // in which it is read by rules of its own, or is wrong in another way
		}
		if s.element {
			t = t.Elem()
			continue
		}
		if t.Kind() != reflect.Struct {
			return
		}
		var names []string
		next := t
		for _, f := range fieldsOf(t) {
			names = append(names, f.name)
			if f.name == s.field {
				next = f.of
			}
		}
		if t == scenarioType {
			names = append(names, containerFields...)
		}
		if !slices.Contains(names, s.field) {
			d.fault(c.value, c.from, "%s: %s", quoted(s.field), unknownField(s.field, names))
			return
		}
		t = next
	}
}

// spellOut writes a list that the node has from its profile into the scenario,
// so that one of its elements can be changed.
func (u *unit) spellOut(list string) {
	node := child(u.scenario, "node")
	if node == nil || child(node, list) != nil {
		return
	}
	for _, p := range profiles() {
		if p.Name != text(child(node, "profile")) {
			continue
		}
		if stated := child(encode(reflect.ValueOf(p.Node)), list); stated != nil {
			clearLines(stated)
			setChild(node, list, stated)
		}
	}
}

// requireHandlers reports changes to probes that do not exist: a probe needs
// a handler, which no default can supply.
func (u *unit) requireHandlers(d *decoder, list changes) {
	container, err := u.object.studied(u.studied)
	if err != nil {
		return
	}
	for kind := range model.ProbeKind(model.ProbeKinds) {
		probe := child(container.node, kind.Field())
		if probe == nil || d.origins[probe] == (place{}) || handlerIn(probe) {
			continue
		}
		for _, c := range list {
			if steps, err := parsePath(c.path); err == nil && len(steps) > 1 && steps[0].field == kind.Field() {
				d.misspelt(steps, c)
				d.fault(c.value, c.from, "container %q has no %s: a handler is missing, set %s.httpGet.port, .tcpSocket.port, .grpc.port or .exec.command too",
					container.name, kind.Field(), kind.Field())
				setChild(container.node, kind.Field(), nil)
			}
		}
	}
}

func handlerIn(probe *yaml.Node) bool {
	for kind := model.HTTPGet; kind <= model.Exec; kind++ {
		if child(probe, kind.String()) != nil {
			return true
		}
	}
	return false
}
