package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model"
)

// commandLine is how errors name the source of the overlays of --set.
const commandLine = "--set"

// parseOverlays parses overlays of the form path=value, the value in YAML. An
// empty value, like null, removes what is there.
func parseOverlays(overlays []string) (changes, Faults) {
	var list changes
	var faults Faults
	for _, overlay := range overlays {
		path, value, ok := strings.Cut(overlay, "=")
		if !ok {
			faults = append(faults, Fault{File: commandLine, Message: fmt.Sprintf("%s: must be path=value", quoted(overlay))})
			continue
		}
		trees, wrong := documents(commandLine, []byte(value))
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
			faults = append(faults, Fault{File: commandLine, Path: path, Message: "must be one value"})
		}
		list = append(list, change{path, tree, place{commandLine, path}})
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
// container is studied come first.
func (u *unit) apply(d *decoder, list changes) {
	for _, intoContainer := range []bool{false, true} {
		for _, c := range list {
			steps, err := parsePath(c.path)
			if err != nil {
				d.fault(c.value, c.from, "%v", err)
				continue
			}
			if slices.Contains(containerFields, steps[0].field) == intoContainer {
				u.applyOne(d, steps, c)
			}
		}
	}
	u.requireHandlers(d, list)
}

func (u *unit) applyOne(d *decoder, steps []step, c change) {
	value := copyTree(c.value, d.origins)
	root := u.scenario
	switch head := steps[0].field; {
	case slices.Contains(containerFields, head):
		studied, err := studied(u.object.candidates(), u.containerName())
		if err != nil {
			return // reported with the field container
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
		known := append(slices.Clone(containerFields), "pod")
		for _, f := range fieldsOf(scenarioType) {
			known = append(known, f.name)
		}
		if !slices.Contains(known, head) {
			d.fault(c.value, c.from, "%s", unknownField(head, known))
			return
		}
	}
	made := func(n *yaml.Node) { d.origins[n] = c.from }
	if err := assign(root, steps, value, made); err != nil {
		d.fault(c.value, c.from, "%v", err)
	}
}

// requireHandlers reports changes to probes that do not exist: a probe needs
// a handler, which no default can supply.
func (u *unit) requireHandlers(d *decoder, list changes) {
	container, err := studied(u.object.candidates(), u.containerName())
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
