package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"github.com/probesim/probesim/model"
)

// Settled is a workload with the container whose probes it shall have.
type Settled struct {
	Workload  *Workload
	Container *model.Container
	// ProgressDeadline is the progressDeadlineSeconds that it shall have, which only
	// a Deployment can; 0: that of its manifest.
	ProgressDeadline int32
	// Termination is what it shall have for its deletions; nil: what its manifest has.
	Termination *Termination
}

// objectPatch returns what changes the spec of the workload's object, beside its
// pods. Nil: nothing.
func (s *Settled) objectPatch() *yaml.Node {
	o, change := s.Workload.object, mapping()
	if s.ProgressDeadline != 0 && o.groupKind() == "apps/Deployment" && o.progressDeadline() != s.ProgressDeadline {
		setChild(change, progressDeadlineSeconds, plainNode(s.ProgressDeadline))
	}
	if t := s.Termination; t != nil && t.MinReady != 0 && s.Workload.Strategy.Kind != "" && t.minReady() != s.Workload.Strategy.MinReady {
		setChild(change, minReadySeconds, plainNode(t.MinReady))
	}
	if len(change.Content) == 0 {
		return nil
	}
	return change
}

const (
	progressDeadlineSeconds = "progressDeadlineSeconds"
	minReadySeconds         = "minReadySeconds"
)

// manifestFile is a file with objects, as it was read.
type manifestFile struct {
	name  string
	data  []byte
	trees []*yaml.Node
}

// Kustomization returns a kustomization.yaml, whole in one file, that takes the
// manifests of the workloads as its resources and holds the patch of each. A
// manifest that is no file below the current folder, where kustomize looks, is
// left for its user to name.
func Kustomization(list []Settled) ([]byte, error) {
	var resources []string
	patches := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	seen, missing := map[string]bool{}, false
	for _, s := range list {
		patch, err := Patch(s)
		if err != nil {
			return nil, err
		}
		w := s.Workload
		if file := w.object.file.name; !seen[file] {
			seen[file] = true
			if filepath.IsLocal(file) {
				resources = append(resources, filepath.ToSlash(filepath.Clean(file)))
			} else {
				missing = true
			}
		}
		target := mapping()
		group, version, grouped := strings.Cut(w.apiVersion, "/")
		if !grouped {
			group, version = "", w.apiVersion
		}
		for _, field := range [][2]string{{"group", group}, {"version", version}, {"kind", w.Kind}, {"name", w.Name}, {"namespace", w.Namespace}} {
			if field[1] != "" {
				setChild(target, field[0], plainNode(field[1]))
			}
		}
		entry := mapping()
		setChild(entry, "target", target)
		setChild(entry, "patch", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: string(patch), Style: yaml.LiteralStyle})
		patches.Content = append(patches.Content, entry)
	}
	tree := mapping()
	setChild(tree, "apiVersion", plainNode("kustomize.config.k8s.io/v1beta1"))
	setChild(tree, "kind", plainNode("Kustomization"))
	if resources != nil {
		setChild(tree, "resources", plainNode(resources))
	}
	setChild(tree, "patches", patches)
	if missing {
		tree.Content[len(tree.Content)-2].HeadComment = "# resources: name the manifests here, by paths below this folder"
	}
	return encoded(tree)
}

// HelmValues returns a fragment of a chart's values under the keys that charts
// have by convention: livenessProbe, readinessProbe and startupProbe, each whole
// as it shall be, or null if it shall go, resources where an overlay changed
// them, lifecycle as it shall be where it changes, and terminationGracePeriodSeconds,
// progressDeadlineSeconds and minReadySeconds where they do. Several workloads stand
// under their names, as the parts of a chart do.
func HelmValues(list []Settled) ([]byte, error) {
	tree := mapping()
	for _, s := range list {
		values, err := helmValues(s)
		if err != nil {
			return nil, err
		}
		if len(list) == 1 {
			tree = values
			break
		}
		if keyIndex(tree, s.Workload.Name) >= 0 {
			return nil, fmt.Errorf("%s %q: has the name of another workload, by which its values would go", s.Workload.Kind, s.Workload.Name)
		}
		setChild(tree, s.Workload.Name, values)
	}
	return encoded(tree)
}

func helmValues(s Settled) (*yaml.Node, error) {
	w := s.Workload
	original, current, err := w.containers()
	if err != nil {
		return nil, err
	}
	values := mapping()
	for kind := range model.ProbeKind(model.ProbeKinds) {
		wanted := s.Container.Probes[kind]
		if wanted == nil {
			if probesOf(original)[kind] != nil {
				setChild(values, kind.Field(), plainNode(nil))
			}
			continue
		}
		probe, err := takenHandler(kind, current)
		if err != nil {
			return nil, err
		}
		numbers, err := probePatch(kind, &corev1.Container{}, current, wanted)
		if err != nil {
			return nil, err
		}
		for _, field := range []string{"initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold", "terminationGracePeriodSeconds"} {
			if number := child(numbers, field); number != nil {
				setChild(probe, field, number)
			} else if field == "initialDelaySeconds" {
				setChild(probe, field, plainNode(0)) // or the chart's own would stay
			}
		}
		setChild(values, kind.Field(), probe)
	}
	lifecycle, err := s.Termination.lifecyclePatch(&corev1.Container{}, current)
	if err != nil {
		return nil, err
	}
	if change, err := s.Termination.lifecyclePatch(original, current); err != nil || change != nil {
		setChild(values, "lifecycle", lifecycle)
	}
	if resources := resourcesPatch(original, current); resources != nil {
		setChild(values, "resources", resources)
	}
	for _, change := range []*yaml.Node{s.podPatch(), s.objectPatch()} {
		if change != nil {
			values.Content = append(values.Content, change.Content...)
		}
	}
	return values, nil
}

// Manifest returns the manifests of the workloads with nothing changed but the
// probes, the progress deadline, the resources that an overlay changed, and what is
// settled of the termination: comments, order and every other byte stay. Files
// follow each other as documents of one stream. The error names the workloads that
// cannot be changed in place, as InPlace does; in the text they are as they were.
func Manifest(list []Settled) ([]byte, error) {
	var out bytes.Buffer
	var faults []error
	files, of := byFile(list)
	for i, file := range files {
		if file == nil {
			return nil, errInline
		}
		text, refused, err := file.settled(of[file])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.name, err)
		}
		faults = append(faults, refusals(refused)...)
		if i > 0 && !bytes.HasPrefix(text, []byte("---")) {
			out.WriteString("---\n")
		}
		out.Write(text)
		if !bytes.HasSuffix(text, []byte("\n")) && i < len(files)-1 {
			out.WriteByte('\n')
		}
	}
	return out.Bytes(), errors.Join(faults...)
}

// InPlace tries whether the manifests of workloads can be changed in place, before
// anybody looks for settings, by changing every field that Manifest may, those of the
// termination if they are wanted. It returns those that can, and for each other one
// an error that names it.
func InPlace(workloads []*Workload, termination bool) ([]*Workload, []error) {
	var trials []Settled
	for _, w := range workloads {
		s := trial(w)
		if termination {
			s.Termination = trialTermination(w)
		}
		trials = append(trials, s)
	}
	cannot := map[*Workload]bool{}
	var faults []error
	files, of := byFile(trials)
	for _, file := range files {
		refused := of[file]
		if file != nil {
			_, refused, _ = file.settled(refused) // what is wrong otherwise is said when there are settings
		}
		faults = append(faults, refusals(refused)...)
		for _, s := range refused {
			cannot[s.Workload] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(workloads), func(w *Workload) bool { return cannot[w] }), faults
}

// Objects returns the workloads that are objects of a manifest, which patches can
// name, and for each inline pod an error that names it.
func Objects(workloads []*Workload) (objects []*Workload, faults []error) {
	for _, w := range workloads {
		if w.Kind == "" {
			faults = append(faults, refusals([]Settled{{Workload: w}})...)
		} else {
			objects = append(objects, w)
		}
	}
	return objects, faults
}

// Kustomizable returns the workloads whose manifests a kustomization can name by their
// paths, and an error for each other one: inline pods, and what came by standard input.
func Kustomizable(workloads []*Workload) (named []*Workload, faults []error) {
	objects, faults := Objects(workloads)
	for _, w := range objects {
		if w.object.file.name == standardInput {
			faults = append(faults, fmt.Errorf("%s: %w", w.World.Name, errNoPath))
		} else {
			named = append(named, w)
		}
	}
	return named, faults
}

// trial settles a workload otherwise than it is in every field.
func trial(w *Workload) Settled {
	c := *w.World.Container()
	for kind, probe := range c.Probes {
		if probe == nil {
			probe = &model.Probe{}
		}
		changed := *probe
		changed.InitialDelaySeconds++
		changed.PeriodSeconds++
		changed.TimeoutSeconds++
		changed.FailureThreshold++
		if c.Probed() {
			c = c.WithProbe(model.ProbeKind(kind), &changed)
		}
	}
	s := Settled{Workload: w, Container: &c}
	if w.object != nil {
		s.ProgressDeadline = w.object.progressDeadline() + 1
	}
	return s
}

// trialTermination is another termination than that of a workload.
func trialTermination(w *Workload) *Termination {
	t := &Termination{GracePeriod: w.World.Pod.TerminationGracePeriodSeconds + 1, MinReady: int32(w.Strategy.MinReady/time.Second) + 1}
	if hook := w.World.Container().PreStop; hook.Handler == "" || hook.Sleeps {
		t.PreStopSleep = int64(hook.Lasts/time.Second) + 1
	}
	return t
}

// refusals says for each workload that it cannot be changed in place.
func refusals(refused []Settled) []error {
	var faults []error
	for _, s := range refused {
		w, why := s.Workload, errInPlace
		if w.Kind == "" {
			why = errInline
		}
		faults = append(faults, fmt.Errorf("%s: %w", w.World.Name, why))
	}
	return faults
}

// byFile returns the files of the workloads in their order, and what is settled in
// each; nil is that of inline pods.
func byFile(list []Settled) (files []*manifestFile, of map[*manifestFile][]Settled) {
	of = map[*manifestFile][]Settled{}
	for _, s := range list {
		var file *manifestFile
		if s.Workload.Kind != "" {
			file = s.Workload.object.file
		}
		if of[file] == nil {
			files = append(files, file)
		}
		of[file] = append(of[file], s)
	}
	return files, of
}

// settled returns the file's text with the workloads settled that can be in place,
// and the others.
func (f *manifestFile) settled(list []Settled) (text []byte, refused []Settled, err error) {
	for {
		text, cannot, err := f.with(list)
		switch {
		case err == nil && len(cannot) == 0:
			return text, refused, nil
		case err != nil && !errors.Is(err, errInPlace):
			return nil, nil, err
		case err != nil: // nobody knows whose fault it is
			if cannot, err = f.among(list); err != nil {
				return nil, nil, err
			}
		}
		var kept []Settled
		for _, s := range list {
			if cannot[s.Workload] {
				refused = append(refused, s)
			} else {
				kept = append(kept, s)
			}
		}
		list = kept
	}
}

// among finds the workloads of a list that cannot be settled in place by settling
// halves of it: all of them, if those can be.
func (f *manifestFile) among(list []Settled) (map[*Workload]bool, error) {
	cannot := map[*Workload]bool{}
	if half := len(list) / 2; half > 0 {
		for _, part := range [][]Settled{list[:half], list[half:]} {
			_, refused, err := f.settled(part)
			if err != nil {
				return nil, err
			}
			for _, s := range refused {
				cannot[s.Workload] = true
			}
		}
	}
	if len(cannot) == 0 {
		for _, s := range list {
			cannot[s.Workload] = true
		}
	}
	return cannot, nil
}

// with returns the file's text with the workloads settled, and makes sure that
// it says what it should and nothing else has changed. There is no text if some of
// them cannot be settled in place, which are returned.
func (f *manifestFile) with(list []Settled) ([]byte, map[*Workload]bool, error) {
	e := newEditor(f.data)
	changes := map[*yaml.Node]*yaml.Node{} // by the node that changes
	owners := map[*yaml.Node]*Workload{}
	for _, s := range list {
		change, err := s.containerPatch()
		if err != nil {
			return nil, nil, err
		}
		object := s.Workload.object
		owners[object.root] = s.Workload
		for _, c := range object.candidates() {
			if c.name == s.Workload.container {
				changes[c.node] = change
			}
		}
		for _, outer := range []struct{ spec, change *yaml.Node }{{object.spec(), s.podPatch()}, {child(object.root, "spec"), s.objectPatch()}} {
			if outer.change != nil {
				changes[outer.spec] = outer.change
			}
		}
	}
	written := asWritten(f.data)
	if len(written) != len(f.trees) {
		return nil, nil, errInPlace
	}
	var wanted []*yaml.Node
	for i, tree := range f.trees {
		wanted = append(wanted, e.changed(tree, changes, owners))
		if err := e.settle(written[i], wanted[i], spot{}); err != nil {
			return nil, nil, err
		}
	}
	if len(e.refused) > 0 {
		return nil, e.refused, nil
	}
	text, err := e.text()
	if err != nil {
		return nil, nil, err
	}
	trees, faults := documents(f.name, text)
	if len(faults) > 0 || len(trees) != len(f.trees) {
		return nil, nil, errInPlace
	}
	for i := range trees {
		if !same(trees[i], wanted[i]) {
			return nil, nil, errInPlace
		}
	}
	return text, nil, nil
}

// changed returns a copy of a tree in which changes are merged into the nodes
// they are for, and remembers which workloads' objects it has.
func (e *editor) changed(n *yaml.Node, changes map[*yaml.Node]*yaml.Node, owners map[*yaml.Node]*Workload) *yaml.Node {
	copied := *n
	copied.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		copied.Content[i] = e.changed(child, changes, owners)
	}
	if change := changes[n]; change != nil {
		mergeInto(&copied, change)
	}
	if w := owners[n]; w != nil {
		e.owners[&copied] = w
	}
	return &copied
}

func mergeInto(n, change *yaml.Node) {
	for i := 0; i+1 < len(change.Content); i += 2 {
		key, value := change.Content[i].Value, change.Content[i+1]
		if inner := child(n, key); inner != nil && inner.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode {
			mergeInto(inner, value)
			continue
		}
		setChild(n, key, value)
	}
}

// withoutNulls leaves out the fields of mappings that hold null, which mean
// the same as none.
func withoutNulls(value any) any {
	switch x := value.(type) {
	case map[string]any:
		for key, inner := range x {
			if x[key] = withoutNulls(inner); x[key] == nil {
				delete(x, key)
			}
		}
	case []any:
		for i := range x {
			x[i] = withoutNulls(x[i])
		}
	}
	return value
}

// errNoPath is that kustomize, which reads files alone, cannot find the manifest.
var errNoPath = errors.New("a kustomization names its manifests by their paths, and standard input has none: give the file by its name, or take -o manifest, or -o patch")

var errInline = errors.New("the scenario has an inline pod: there is no object to change, only a manifest names one")

// encoded writes a tree as YAML.
func encoded(tree *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(tree); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}
