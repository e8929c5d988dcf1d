package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model"
)

// Inspection is one container of an object, or what is wrong with the object,
// for checks that look at settings: every probed container is one, where a
// Workload has one studied container, and it knows where each field stands.
type Inspection struct {
	// World is nil where the object has faults. Its Kubernetes version may be
	// older than those that are simulated.
	World *model.World
	// Faults are what keeps the object from being read, none where World is set.
	Faults Faults
	// OfScenario is true where the object belongs to a scenario, or is its inline
	// pod.
	OfScenario bool
	// Title names the workload: "deployment/web", or the scenario's name.
	Title                                  string
	File, Kind, Namespace, Name, Container string

	ProgressDeadlineSeconds int32 // of a Deployment, with its default of 600; 0: none
	// StartupAssumed and AnswersAssumed are true where a bare manifest says
	// nothing of them and no overlay does; StartupGranted where the startup was
	// assumed to take what the manifest grants it.
	StartupAssumed, AnswersAssumed, StartupGranted bool
	// UnknownPorts are the port names that probes use and the container lacks.
	UnknownPorts [model.ProbeKinds]string
	// UnknownFields are fields of the object that Kubernetes does not have, as far as
	// it is known here, and that it ignores: those of the container, and with the first
	// container of an object those that stand in none that is handed over. What an API
	// server wrote, so that it has a uid, has none: the server drops what it does not
	// know, and a field that is not known here is newer.
	UnknownFields []UnknownField
	// Ignored are the ids in the annotation that was asked for, of the object and
	// of its pod template.
	Ignored []string

	Notes []string // what of the object was ignored

	unit      *unit
	container []step // from the PodSpec
}

// UnknownField is a field of an object that Kubernetes does not have.
type UnknownField struct {
	Fault
	Name    string
	Nearest string // of the fields that there are, by its name; empty: none is like it
}

// Inspect reads a source and hands each container with probes to a function,
// in the order of the input, or the first container of an object that has
// none. What is wrong with one object does not keep the others from being
// handed over, and nothing is kept of an object once its turn is over but the
// tree of the source. Overlays change each object, as they do in Load, and one
// of the field container selects it. Annotation is the key under which objects
// name what they want ignored.
//
// Versions of Kubernetes older than those that are simulated are accepted. The
// error is of type Faults and says what keeps the source from being read.
func Inspect(src Source, overlays []string, annotation string, each func(*Inspection)) (notes []string, err error) {
	src, list, trees, faults := opened(src, overlays)
	d := &decoder{lenient: true, files: src.read, origins: map[*yaml.Node]place{}}
	units := d.units(src, trees, list)
	faults = append(faults, d.faults...)
	handed := 0
	for _, u := range units {
		if u.object == nil { // a scenario without a pod: its faults say why
			continue
		}
		chosen := u.inspected(list)
		for n := range chosen {
			each(u.inspect(chosen, n, list, annotation))
			handed++
		}
	}
	switch {
	case handed > 0 || len(faults) > 0:
	case len(units) == 0:
		faults = append(faults, Fault{File: src.Name, Message: nothingToStudy})
	default:
		faults = append(faults, Fault{File: CommandLine, Path: "container", Message: fmt.Sprintf("no object of %s has a container of that name", src.Name)})
	}
	if len(faults) > 0 {
		return d.notes, faults.sorted()
	}
	return d.notes, nil
}

// inspected returns the containers of a unit to look at: the one that an
// overlay or the scenario names, else every one with probes, else the first.
func (u *unit) inspected(list changes) []candidate {
	found := u.object.candidates()
	name, asked := u.containerName(), false
	for _, c := range list {
		if c.path == "container" {
			name, asked = text(c.value), u.bare
		}
	}
	var chosen []candidate
	for _, c := range found {
		if name == "" && c.probed || c.name == name && name != "" {
			chosen = append(chosen, c)
		}
	}
	switch {
	case len(chosen) == 0 && asked:
		return nil
	case len(chosen) == 0 && len(found) > 0:
		return found[:1] // not that of the name: decoding says so
	case len(chosen) == 0:
		return []candidate{{node: mapping()}} // decoding says what is missing
	case !u.bare && name == "":
		if one, err := u.object.studied(""); err == nil {
			return []candidate{*one} // a scenario describes one application
		}
	}
	return chosen
}

// inspect decodes the unit with one of its containers studied, the n-th of those that
// are handed over.
func (u *unit) inspect(chosen []candidate, n int, list changes, annotation string) *Inspection {
	one, container := *u, chosen[n]
	if one.bare {
		one.assumeFor(&container)
		if container.name != "" && !names(list, "container") {
			setChild(one.scenario, "container", plainNode(container.name))
		}
	}
	result, d := one.decodeWith(&decoder{files: one.read, origins: map[*yaml.Node]place{}, anyVersion: true}, list)
	i := &Inspection{
		World: result.world, Title: u.title, File: u.object.at.file, Container: container.name,
		Kind: u.object.kind, Namespace: u.object.namespace, Name: u.object.name,
		OfScenario: !u.bare, unit: u, container: container.path,
	}
	if i.Kind == inlineKind {
		i.Kind = ""
	}
	i.Ignored = u.object.annotated(annotation)
	i.Notes = d.notes
	if text(descend(u.object.root, "metadata", "uid")) == "" {
		i.UnknownFields = u.unknownFields(d.unknowns, chosen, n)
		i.Notes = without(d.notes, texts(d.unknowns)) // findings say it
	}
	if len(d.faults) > 0 {
		i.World, i.Faults = nil, d.faults.sorted()
		return i
	}
	i.Notes = without(i.Notes, podNotes(result.spec, container.name)) // checks say it themselves
	i.ProgressDeadlineSeconds = u.object.progressDeadline()
	i.UnknownPorts = unknownPorts(result, container.name)
	if one.bare {
		stated := func(path string) bool { return (assumption{paths: []string{path}}).overridden(list) }
		i.StartupAssumed = !stated(startupPath)
		i.AnswersAssumed = !stated("application.probes")
		i.StartupGranted = i.StartupAssumed && one.startGranted
	}
	return i
}

// unknownFields returns those of the unknown fields that belong to the n-th container, or
// to none of the chosen where it is the first.
func (u *unit) unknownFields(all []UnknownField, chosen []candidate, n int) []UnknownField {
	var found []UnknownField
	for _, unknown := range all {
		owner := 0
		for i := range chosen {
			_, path := lineOf(u.object.root, append(u.object.specPath(), chosen[i].path...))
			if prefix := u.object.at.path; prefix != "" {
				path = prefix + "." + path
			}
			if len(chosen[i].path) > 0 && strings.HasPrefix(unknown.Path, path+".") {
				owner = i
			}
		}
		if owner == n {
			found = append(found, unknown)
		}
	}
	return found
}

// without returns the notes that are not among those told otherwise.
func without(notes, told []string) []string {
	return slices.DeleteFunc(slices.Clone(notes), func(note string) bool { return slices.Contains(told, note) })
}

func texts(unknowns []UnknownField) []string {
	all := make([]string, len(unknowns))
	for i := range unknowns {
		all[i] = unknowns[i].Error()
	}
	return all
}

// names reports whether an overlay sets the path.
func names(list changes, path string) bool {
	for _, c := range list {
		if c.path == path {
			return true
		}
	}
	return false
}

// annotated returns the words, separated by commas, under an annotation of the
// object and of its pod template.
func (o *object) annotated(key string) []string {
	var words []string
	templates := []*yaml.Node{o.root}
	path := workloadKinds[o.groupKind()]
	for end := 1; end < len(path); end++ {
		templates = append(templates, descend(o.root, path[:end]...))
	}
	for _, template := range templates {
		value := text(child(descend(template, "metadata", "annotations"), key))
		for word := range strings.SplitSeq(value, ",") {
			if word = strings.TrimSpace(word); word != "" {
				words = append(words, word)
			}
		}
	}
	return words
}

// progressDeadline returns the seconds in which a Deployment has to make
// progress; the API server's default is 600.
func (o *object) progressDeadline() int32 {
	if o.groupKind() != "apps/Deployment" {
		return 0
	}
	var seconds int32 = 600
	if n := descend(o.root, "spec", "progressDeadlineSeconds"); n != nil {
		_ = n.Decode(&seconds) // a valid object's: it has been decoded before
	}
	return seconds
}

// unknownPorts returns the port names in the probes of a container that it
// does not have (K21).
func unknownPorts(d *decoded, name string) (ports [model.ProbeKinds]string) {
	if d.spec == nil {
		return ports
	}
	_, c := containerIn(d.spec, name)
	if c == nil {
		return ports
	}
	for kind, probe := range probesOf(c) {
		if probe == nil {
			continue
		}
		if port, named := namedPort(&probe.ProbeHandler); named && !hasPort(c, port) {
			ports[kind] = port
		}
	}
	return ports
}

// Place returns where a field stands, or the nearest one above it that is
// there: its line and its path in the file. Fields are below the container as in
// "livenessProbe.timeoutSeconds", below the PodSpec as in
// "pod.restartPolicy", below the object as in "metadata.annotations" or
// "spec.progressDeadlineSeconds", or else in the scenario. What a bare manifest
// does not hold stands at its container.
func (i *Inspection) Place(field string) (file string, line int, path string) {
	steps, err := parsePath(field)
	if err != nil {
		return i.File, 0, field
	}
	o := i.unit.object
	switch head := steps[0].field; {
	case head == "pod":
		steps = append(o.specPath(), steps[1:]...)
	case head == "metadata" || head == "spec":
	case head == "restartPolicy" || slices.Contains(containerFields, head):
		steps = append(append(o.specPath(), i.container...), steps...)
	case i.unit.bare || i.unit.scenario == nil:
		line, _ := lineOf(o.root, append(o.specPath(), i.container...))
		return i.File, line, field
	default:
		line, _ := lineOf(i.unit.scenario, steps)
		return i.unit.at.file, line, field
	}
	line, path = lineOf(o.root, steps)
	if prefix := o.at.path; prefix != "" && path != "" {
		path = prefix + "." + path
	}
	return i.File, line, path
}

// lineOf returns the line of the key at the end of the path, or of the deepest
// one on the way that is there, and the whole path.
func lineOf(n *yaml.Node, steps []step) (line int, path string) {
	at := place{}
	line = n.Line
	for _, s := range steps {
		var next *yaml.Node
		if s.element {
			at = at.element(s.index)
			if n != nil && n.Kind == yaml.SequenceNode && s.index < len(n.Content) {
				next = n.Content[s.index]
				line = next.Line
			}
		} else {
			at = at.field(s.field)
			if key, value := entry(n, s.field); value != nil {
				next, line = value, key.Line
			}
		}
		n = next
	}
	return line, at.path
}

// entry returns the key and the value of a mapping's field.
func entry(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}
