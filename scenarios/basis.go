package scenarios

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Basis says what an input of a result rests on.
type Basis struct {
	Path, Value string // of the input, as of Input
	Rests       string // "measured": on a file of measurements; "assumed": for want of anything said; "stated" by the scenario
}

// Bases returns what the inputs of a workload rest on: those that its scenario
// states and those that were assumed in their place, without defaults and
// without the settings of its probes, which nobody has to know.
func Bases(w *Workload) []Basis {
	assumed := assumedPaths(w.Assumptions)
	byDefault := map[string]string{}
	for _, in := range statedBy(unstated().scenario) {
		byDefault[in.Path] = in.Value
	}
	var bases []Basis
	for _, in := range statedBy(w.scenario) {
		b := Basis{Path: in.Path, Value: in.Value, Rests: "stated"}
		switch {
		case strings.Contains(in.Value, "samples:") || strings.Contains(in.Value, "histogram:"):
			b.Rests = "measured"
		case !in.scales() || byDefault[in.Path] == in.Value:
			continue
		case slices.ContainsFunc(assumed, func(path string) bool { return within(in.Path, path) }):
			b.Rests = "assumed"
		}
		bases = append(bases, b)
	}
	if profile := w.scenario.Node.Profile; profile != nil { // a name, in place of the node's numbers
		b := Basis{Path: "node.profile", Value: *profile, Rests: "stated"}
		if slices.Contains(assumed, b.Path) {
			b.Rests = "assumed"
		}
		bases = append(bases, b)
	}
	return bases
}

// statedBy returns all inputs of a scenario.
func statedBy(s *scenario) []Input {
	var inputs []Input
	for _, f := range fieldsOf(scenarioType) {
		if slices.Contains(notInputs, f.name) {
			continue
		}
		inputs = append(inputs, inputsIn(reflect.ValueOf(s).Elem().FieldByIndex(f.index), f.name)...)
	}
	return inputs
}

// unstated is a workload of which nothing is said.
func unstated() *Workload {
	const nothing = "apiVersion: probesim/v1\nkind: Scenario\nmetadata: {name: nothing}\npod: {containers: [{name: nobody, livenessProbe: {httpGet: {port: 80}}}]}\n"
	workloads, err := Load(Source{Name: "nothing", Data: []byte(nothing)}, nil)
	if err != nil {
		panic(err) // a constant that the tests load
	}
	return workloads[0]
}

// assumedPath finds what replaces an assumption, which stands at its end.
var assumedPath = regexp.MustCompile(`([A-Za-z0-9_.\[\]]+)=…`)

func assumedPaths(assumptions []string) []string {
	var paths []string
	for _, a := range assumptions {
		for _, found := range assumedPath.FindAllStringSubmatch(a, -1) {
			paths = append(paths, found[1])
		}
	}
	return paths
}

// within reports whether a path is another one or below it.
func within(path, other string) bool {
	rest, below := strings.CutPrefix(path, other)
	return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
