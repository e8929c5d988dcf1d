// Package scenarios turns files into worlds and back: the scenario format,
// Kubernetes manifests, overlays, patches, node profiles and the embedded
// gallery. It is the only package that knows YAML and the types of k8s.io/api.
package scenarios

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"github.com/probesim/probesim/model"
)

// Workload is one row of results: a workload with everything assumed around
// it, and its variants.
type Workload struct {
	World    *model.World
	Variants []Variant // the scenario's whatIf, in its order
	// Objectives are the bounds on the measures: those the scenario states,
	// and the default bounds of the measures it does not mention.
	Objectives []model.Objective
	// Stated are the objectives that the scenario itself states.
	Stated []model.Objective
	Run    RunSettings
	// Assumptions are what was supposed because the input does not say it, one
	// sentence each, with the path that replaces it by --set.
	Assumptions []string
	Notes       []string // what was skipped or ignored, and what is worth knowing
	// Kind, Namespace and Name are those of the manifest's object; Kind and
	// Name are empty for the inline pod of a scenario.
	Kind, Namespace, Name string
	// StartBudget is what a startup probe guarantees a start, where how long starts take is
	// assumed, so that it leaves them a reserve. 0: it is stated, or there is no such budget.
	StartBudget time.Duration
	// Strategy is how the object is rolled out; of no kind where it has none.
	Strategy model.Strategy

	apiVersion string
	object     *object         // as the manifest has it; nil for an inline pod
	scenario   *scenario       // with every default filled in
	statedNode node            // the scenario's node before that
	spec       *corev1.PodSpec // as read, with the overlays
	original   *corev1.PodSpec // as read, without
	assumed    []assumption
	container  string // the studied one
}

// Aims returns the objectives that the scenario does not state itself.
func (w *Workload) Aims() []model.Objective {
	return slices.DeleteFunc(slices.Clone(w.Objectives), func(o model.Objective) bool { return slices.Contains(w.Stated, o) })
}

// Variant is a scenario's world with some of it changed.
type Variant struct {
	Name  string
	World *model.World
}

// RunSettings are how much to simulate, as the scenario states it.
type RunSettings struct {
	Horizon   time.Duration // virtual time of a replication; default 30 days
	Seed      uint64        // default 1
	Precision float64       // relative half-width sought, above 0, at most 1; default 0.1
	Budget    time.Duration // longest wall time; default 60 s
}

// Source is an input: a scenario or a manifest, in YAML or JSON.
type Source struct {
	Name string // as errors print it, and where relative paths begin; "-" is standard input
	Data []byte
	read files // nil: the file system
}

// files reads a file that a source names, by a path relative to the source.
type files func(name string) ([]byte, error)

// Load reads a source and applies overlays of the form path=value to it. It
// returns one workload for each object with a pod template that can be studied,
// in the order of the input. Its error is of type Faults and holds everything
// that is wrong: with the whole source, and then there is no workload, or with
// single objects, and then those alone are left out.
//
// An overlay that names a container applies to the objects that have it, if
// there are any.
func Load(src Source, overlays []string) ([]*Workload, error) {
	src, list, trees, faults := opened(src, overlays)
	whole := len(faults) > 0 // is at fault, and nothing of it is studied
	d := &decoder{lenient: true, files: src.read, origins: map[*yaml.Node]place{}}
	units := d.units(src, trees, list)
	faults = append(faults, d.faults...)
	workloads, wrong := loadUnits(units, list)
	faults = append(faults, wrong...)
	if len(units) == 0 && len(faults) == 0 {
		message := nothingToStudy
		for _, note := range d.notes {
			message += "\n  " + note
		}
		faults = append(faults, Fault{File: src.Name, Message: message})
	}
	if whole || len(workloads) == 0 {
		return nil, faults.sorted()
	}
	workloads[0].Notes = append(workloads[0].Notes, d.notes...) // once, not with every row
	if len(faults) > 0 {
		return workloads, faults.sorted()
	}
	return workloads, nil
}

// standardInput stands for the name of a file that has none.
const standardInput = "<stdin>"

// opened reads a source as far as its documents, and the overlays on them.
func opened(src Source, overlays []string) (Source, changes, []*yaml.Node, Faults) {
	if src.Name == "-" {
		src.Name = standardInput
	}
	src.read = src.files()
	list, faults := parseOverlays(overlays)
	trees, wrong := documents(src.Name, src.Data)
	return src, list, trees, append(faults, wrong...)
}

// loadUnits decodes the units. One that has faults is left out, which a note
// on the first workload says; its faults name it, but for those that all have.
func loadUnits(units []*unit, list changes) (workloads []*Workload, faults Faults) {
	var leftOut []string
	of := map[*unit]Faults{}
	shared := map[Fault]int{}
	lists := list.forContainers(units)
	for i, u := range units {
		workload, wrong := u.load(lists[i])
		of[u] = wrong.sorted()
		for _, f := range of[u] {
			shared[f]++
		}
		switch {
		case len(wrong) > 0:
			leftOut = append(leftOut, u.objectName())
		case u.object != nil:
			workloads = append(workloads, workload)
		}
	}
	for _, u := range units {
		for _, f := range of[u] {
			if len(units) > 1 && shared[f] < len(units) && u.object != nil {
				f.Message = u.objectName() + ": " + f.Message
			}
			faults = append(faults, f)
		}
	}
	if len(leftOut) > 0 && len(workloads) > 0 {
		workloads[0].Notes = append(workloads[0].Notes, "left out, as something is wrong with it: "+strings.Join(leftOut, ", "))
	}
	return workloads, faults
}

// objectName returns the unit's object as kubectl names it, "deployment/web".
func (u *unit) objectName() string {
	if u.object == nil || u.object.kind == inlineKind {
		return u.title
	}
	name := strings.ToLower(u.object.kind) + "/" + u.object.name
	if u.object.namespace != "" {
		name += " in " + u.object.namespace
	}
	return name
}

// forContainers returns the changes for each unit. One to the container that is
// studied is for the units that have it; if none has it, it is wrong for all.
func (list changes) forContainers(units []*unit) []changes {
	lists := make([]changes, len(units))
	for _, c := range list {
		has := make([]bool, len(units))
		for i, u := range units {
			has[i] = c.path != "container" || u.object != nil && slices.Contains(namesOf(u.object.candidates()), text(c.value))
		}
		for i := range units {
			if has[i] || !slices.Contains(has, true) {
				lists[i] = append(lists[i], c)
			}
		}
	}
	return lists
}

// readFile reads a file of bounded size.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("no such file")
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() > MaxBytes:
		return nil, fmt.Errorf("larger than %d MiB", MaxBytes>>20)
	}
	return os.ReadFile(name)
}

// unit is one workload before it is decoded: the tree of its scenario and that
// of its object.
type unit struct {
	scenario *yaml.Node
	at       place // of the scenario
	object   *object
	bare     bool // the scenario is assumed for a bare manifest
	title    string
	read     files
	assumed  []assumption
	studied  string // name of the container, once apply has found it out

	startBudget  time.Duration // of a startup probe, of which the start is assumed to leave a reserve; 0: none
	startGranted bool          // the start is assumed to take what the manifest grants it, or a part
}

// units finds the workloads in the documents of a source.
func (d *decoder) units(src Source, trees []*yaml.Node, list changes) []*unit {
	var units []*unit
	var manifests []*yaml.Node
	scenarios := 0
	for _, tree := range trees {
		if !isScenario(tree) {
			manifests = append(manifests, tree)
			continue
		}
		scenarios++
		units = append(units, d.scenarioUnits(src, tree)...)
	}
	for _, u := range units {
		if scenarios > 1 && descend(u.scenario, "metadata", "name") == nil {
			u.title = fmt.Sprintf("%s:%d", u.title, u.scenario.Line)
		}
	}
	for _, o := range d.objects(&manifestFile{src.Name, src.Data, trees}, manifests) {
		u := &unit{object: o, bare: true, at: place{file: "assumption"}, read: src.read, title: strings.ToLower(o.kind) + "/" + o.name}
		u.assume(list)
		units = append(units, u)
	}
	return units
}

func isScenario(tree *yaml.Node) bool {
	return text(child(tree, "kind")) == "Scenario" || strings.HasPrefix(text(child(tree, "apiVersion")), "probesim/")
}

// scenarioUnits returns the workloads of a scenario: its inline pod, or those
// of its manifest that have the container it names.
func (d *decoder) scenarioUnits(src Source, tree *yaml.Node) []*unit {
	base := unit{scenario: tree, at: place{file: src.Name}, read: src.read, title: titleOf(src.Name)}
	if name := text(descend(tree, "metadata", "name")); name != "" {
		base.title = name
	}
	pod, manifest := child(tree, "pod"), child(tree, "manifest")
	switch {
	case pod != nil && manifest != nil:
		d.fault(manifest, base.at.field("manifest"), "must not be given together with pod")
		return nil
	case pod != nil:
		setChild(tree, "pod", nil)
		base.object = &object{at: base.at.field("pod"), root: pod, kind: inlineKind}
		return []*unit{&base}
	case manifest == nil || manifest.Kind != yaml.ScalarNode:
		d.fault(tree, base.at.field("manifest"), "required: the path of a Kubernetes manifest, or pod with an inline PodSpec")
		return []*unit{{scenario: tree, at: base.at, read: src.read, title: base.title}}
	}
	data, err := src.read(manifest.Value)
	if err != nil {
		d.fault(manifest, base.at.field("manifest"), "%s: %v", quoted(manifest.Value), err)
		return []*unit{{scenario: tree, at: base.at, read: src.read, title: base.title}}
	}
	file := filepath.Join(filepath.Dir(src.Name), manifest.Value)
	trees, wrong := documents(file, data)
	if len(wrong) > 0 {
		d.faults = append(d.faults, wrong...)
		return []*unit{{scenario: tree, at: base.at, read: src.read, title: base.title}}
	}
	objects := d.objects(&manifestFile{file, data, trees}, trees)
	if len(objects) == 0 {
		d.fault(manifest, base.at.field("manifest"), "%s: holds no object with a pod template", quoted(manifest.Value))
	}
	return base.withObjects(objects)
}

// withObjects returns a unit for each object of a scenario's manifest, but for
// those without the container that the scenario names, if others have it.
func (u unit) withObjects(objects []*object) []*unit {
	name := u.containerName()
	named := slices.DeleteFunc(slices.Clone(objects), func(o *object) bool {
		return !slices.ContainsFunc(o.candidates(), func(c candidate) bool { return c.name == name })
	})
	if name != "" && len(named) > 0 {
		objects = named
	}
	var units []*unit
	for _, o := range objects {
		copied := u
		copied.object = o
		if len(objects) > 1 {
			copied.title += " " + strings.ToLower(o.kind) + "/" + o.name
		}
		units = append(units, &copied)
	}
	return units
}

// titleOf names a scenario after its file, or after the file's folder where
// every file has the same name.
func titleOf(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if name == "scenario" && filepath.Dir(file) != "." {
		return filepath.Base(filepath.Dir(file))
	}
	return name
}

func (u *unit) containerName() string { return text(child(u.scenario, "container")) }

// load decodes the unit with the overlays, and each of its variants.
func (u *unit) load(overlays changes) (*Workload, Faults) {
	base, d := u.decode(overlays)
	faultsOfBase := d.faults
	faults := slices.Clone(faultsOfBase)
	w := &Workload{
		World: base.world, Notes: d.notes, scenario: base.scenario, statedNode: base.statedNode,
		spec: base.spec, original: base.spec, container: base.container, Strategy: base.strategy,
		Run: base.scenario.Run.settings(), Stated: base.stated, Objectives: base.scenario.Objectives.bounds(),
	}
	if len(overlays) > 0 {
		unchanged, _ := u.decode(nil) // its faults, if an overlay mends them, do not count
		w.original = unchanged.spec
	}
	if u.object != nil && u.object.kind != inlineKind {
		w.object = u.object
		w.Kind, w.Namespace, w.Name, w.apiVersion = u.object.kind, u.object.namespace, u.object.name, u.object.apiVersion
	}
	for _, v := range base.scenario.WhatIf {
		if u.object == nil {
			faults = append(faults, v.misspelt()...)
		}
		if u.object == nil || v.Name == nil {
			continue
		}
		variant, d := u.decode(append(slices.Clone(overlays), v.Set...))
		faults = append(faults, ofVariant(*v.Name, d.faults, faultsOfBase)...)
		w.Variants = append(w.Variants, Variant{*v.Name, variant.world})
	}
	assumed := u.assumed
	if u.bare && base.world != nil {
		assumed = append(slices.Clone(assumed), coverage(base.world)...)
		w.Notes = append(w.Notes, u.object.jobNotes()...)
	}
	if startup := (assumption{paths: []string{startupPath}}); !startup.overridden(overlays) {
		w.StartBudget = u.startBudget
	}
	for _, a := range assumed {
		if !a.overridden(overlays) {
			w.assumed = append(w.assumed, a)
			w.Assumptions = append(w.Assumptions, a.String())
		}
	}
	return w, faults
}

// misspelt returns the faults of a variant's paths, where there is nothing to
// change.
func (v *whatIf) misspelt() Faults {
	d := &decoder{}
	for _, c := range v.Set {
		steps, err := parsePath(c.path)
		if err != nil {
			d.fault(c.value, c.from, "%v", err)
			continue
		}
		d.misspelt(steps, c)
	}
	return d.faults
}

// ofVariant returns the faults of a variant that its base does not have, and
// names the variant in those that stand elsewhere in the file.
func ofVariant(name string, faults, base Faults) Faults {
	var own Faults
	for _, f := range faults {
		if slices.Contains(base, f) {
			continue
		}
		if !strings.HasPrefix(f.Path, "whatIf[") {
			f.Message += fmt.Sprintf(" (in the variant %q)", name)
		}
		own = append(own, f)
	}
	return own
}

// decoded is a unit with a set of changes, decoded.
type decoded struct {
	scenario   *scenario
	stated     []model.Objective
	statedNode node
	spec       *corev1.PodSpec
	container  string
	world      *model.World // nil if anything is wrong
	strategy   model.Strategy
}

var scenarioType = reflect.TypeFor[scenario]()

// decode applies the changes to copies of the unit's trees and decodes them.
func (u *unit) decode(list changes) (*decoded, *decoder) {
	return u.decodeWith(&decoder{files: u.read, origins: map[*yaml.Node]place{}}, list)
}

func (u *unit) decodeWith(d *decoder, list changes) (*decoded, *decoder) {
	changed := &unit{scenario: copyTree(u.scenario, d.origins), at: u.at, bare: u.bare, title: u.title}
	if u.object != nil {
		object := *u.object
		object.root = copyTree(u.object.root, d.origins)
		changed.object = &object
		changed.apply(d, list)
	}
	result := &decoded{scenario: &scenario{}}
	s := result.scenario
	d.decode(changed.scenario, reflect.ValueOf(s).Elem(), u.at)
	result.stated, result.statedNode = s.Objectives.bounds(), s.Node
	result.statedNode.Classes = slices.Clone(s.Node.Classes)
	d.applyProfiles(&s.Node, changed.scenario, u.at)
	complete(reflect.ValueOf(s).Elem())
	completeProxy(&s.Cluster.KubeProxy)
	d.checkTogether(s, changed.scenario, u.at)
	if u.object == nil {
		return result, d
	}
	var replicas int32
	result.spec, replicas = d.decodePod(changed.object)
	if s.Replicas == nil {
		replicas = max(replicas, 1)
		s.Replicas = &replicas
	}
	container, err := changed.object.studied(changed.studied)
	if err != nil {
		d.ambiguous(changed, err)
	}
	if len(d.faults) == 0 {
		result.container = container.name
		s.Container = &container.name
		result.world = toWorld(s, result.spec, container.name, u.title)
		result.strategy = changed.object.strategy(result.world.Replicas)
		d.notes = append(d.notes, podNotes(result.spec, container.name)...)
		d.notes = append(d.notes, restartNotes(result.spec, result.world.Cluster.KubernetesVersion)...)
		d.notes = append(d.notes, zeroNotes(changed.object.candidates())...)
	}
	return result, d
}

// ambiguous reports that it is not known which container is studied, unless
// the containers themselves are at fault.
func (d *decoder) ambiguous(u *unit, err error) {
	found := u.object.candidates()
	if len(found) == 0 || slices.ContainsFunc(found, func(c candidate) bool { return c.name == "" }) {
		return
	}
	n, at := find(u.scenario, []step{{field: "container"}}, u.at, d.origins)
	if u.bare && n == u.scenario {
		n, at = find(u.object.root, append(u.object.specPath(), step{field: "containers"}), u.object.at, d.origins)
		err = fmt.Errorf("several containers, and --set container=… does not say which one is studied: %s", strings.Join(namesOf(found), ", "))
	}
	d.faults = append(d.faults, Fault{at.file, n.Line, at.path, err.Error()})
}

// decodePod decodes and validates the object.
func (d *decoder) decodePod(o *object) (*corev1.PodSpec, int32) {
	d.lenient = o.kind != inlineKind
	before := len(d.faults)
	spec, replicas := d.decodeObject(o)
	d.lenient = false
	unread := len(d.faults) > before
	if !unread && o.kind != inlineKind {
		d.checkRollout(o)
	}
	for _, v := range violations(spec, o.kind) {
		steps, err := parsePath(v.Path)
		if err != nil {
			panic(v.Path) // made by violations, not by the input
		}
		n, at := find(o.root, append(o.specPath(), steps...), o.at, d.origins)
		if unread && v.Rule != severalHandlers && !(n.Kind == yaml.ScalarNode && n.Value == v.Value) {
			continue // what could not be read is missing, and rules seem broken that are not
		}
		message := v.Rule
		if v.Value != "" {
			message = v.Value + ": " + v.Rule
		}
		d.faults = append(d.faults, Fault{at.file, n.Line, at.path, message})
	}
	return spec, replicas
}

func (r *runSettings) settings() RunSettings {
	return RunSettings{
		Horizon: time.Duration(*r.Horizon), Seed: *r.Seed, Precision: *r.Precision, Budget: time.Duration(*r.Budget),
	}
}
