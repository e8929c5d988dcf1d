package scenarios

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model"
)

// Input is one number, duration, amount of CPU or distribution of a scenario,
// stated or by default, that a person could have got wrong.
type Input struct {
	Path  string // as for overlays
	Value string // in YAML, on one line

	node    *yaml.Node
	numbers bool // its values are bare numbers, not durations
	whole   bool // it takes whole numbers only
}

// notInputs are the fields of a scenario that say what is asked or how much is
// simulated, not what is so.
var notInputs = []string{"apiVersion", "kind", "metadata", "manifest", "pod", "container", "objectives", "whatIf", "run"}

// Inputs returns a source that states everything the workload's world is made
// of, and the inputs it states: overlays on it change one at a time. Inputs of
// 0 are left out, since a share of nothing is nothing.
func Inputs(w *Workload, from Source) (Source, []Input, error) {
	text, err := Show(w)
	if err != nil {
		return Source{}, nil, err
	}
	stated := Source{Name: from.Name, Data: text, read: from.files()}
	workloads, err := Load(stated, nil)
	if err != nil {
		return Source{}, nil, err
	}
	var inputs []Input
	for _, f := range fieldsOf(scenarioType) {
		if !slices.Contains(notInputs, f.name) {
			for _, in := range inputsIn(reflect.ValueOf(workloads[0].scenario).Elem().FieldByIndex(f.index), f.name) {
				if in.scales() {
					inputs = append(inputs, in)
				}
			}
		}
	}
	return stated, append(settingsOf(w.World), inputs...), nil
}

// scales reports whether a multiple of the input is another one.
func (in *Input) scales() bool { return in.Scaled(2) != in.Path+"="+in.Value }

// inputsIn returns the inputs below a value of the format.
func inputsIn(v reflect.Value, path string) []Input {
	if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice) && v.IsNil() {
		return nil
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	leaf := func(numbers, whole bool) []Input {
		n := encode(v)
		return []Input{{Path: path, Value: flow(n), node: n, numbers: numbers, whole: whole}}
	}
	switch v.Interface().(type) {
	case durationDistribution, duration:
		return leaf(false, false)
	case numberDistribution, cpuQuantity:
		return leaf(true, false)
	case workers:
		return leaf(true, true)
	case kernelVersion, kubernetesVersion, changes:
		return nil
	case stages:
		if v.Len() == 1 {
			return inputsIn(v.Index(0), path)
		}
	}
	var inputs []Input
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			inputs = append(inputs, inputsIn(v.FieldByIndex(f.index), path+"."+f.name)...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			inputs = append(inputs, inputsIn(v.Index(i), fmt.Sprintf("%s[%d]", path, i))...)
		}
	case reflect.Float64:
		return leaf(true, false)
	case reflect.Int, reflect.Int32, reflect.Int64:
		return leaf(true, true)
	}
	return inputs
}

// settingsOf returns the settings of the studied container and its pod.
func settingsOf(w *model.World) []Input {
	var inputs []Input
	add := func(path string, value int64) {
		if value != 0 {
			text := strconv.FormatInt(value, 10)
			inputs = append(inputs, Input{path, text, scalar(text), true, true})
		}
	}
	c := w.Container()
	for kind, p := range c.Probes {
		if p == nil {
			continue
		}
		field := model.ProbeKind(kind).Field()
		add(field+".initialDelaySeconds", int64(p.InitialDelaySeconds))
		add(field+".periodSeconds", int64(p.PeriodSeconds))
		add(field+".timeoutSeconds", int64(p.TimeoutSeconds))
		add(field+".failureThreshold", int64(p.FailureThreshold))
		if model.ProbeKind(kind) == model.Readiness {
			add(field+".successThreshold", int64(p.SuccessThreshold))
		}
	}
	if c.CPULimitMilli > 0 {
		limit := formatCPU(c.CPULimitMilli)
		inputs = append(inputs, Input{"resources.limits.cpu", limit, scalar(limit), true, false})
	}
	add("pod.terminationGracePeriodSeconds", w.Pod.TerminationGracePeriodSeconds)
	return inputs
}

// Scaled returns the overlay that makes the input so many times what it is:
// every duration of a distribution, every value of one of bare numbers. Whole
// numbers change by 1 at least.
func (in *Input) Scaled(factor float64) string {
	scaled := copyTree(in.node, nil)
	in.scale(scaled, factor)
	return in.Path + "=" + flow(scaled)
}

// shapes are the parameters of distributions that have no unit.
var shapes = []string{"shape", "weight", "samples", "histogram"}

func (in *Input) scale(n *yaml.Node, factor float64) {
	for i, child := range n.Content {
		isValue := n.Kind != yaml.MappingNode || i%2 == 1 && !slices.Contains(shapes, n.Content[i-1].Value)
		if isValue {
			in.scale(child, factor)
		}
	}
	if n.Kind != yaml.ScalarNode {
		return
	}
	number, unit := n.Value, ""
	if in.numbers && strings.HasSuffix(number, "m") { // an amount of CPU
		number, unit = number[:len(number)-1], "m"
	}
	value, err := strconv.ParseFloat(number, 64)
	switch {
	case in.numbers && err != nil || !in.numbers && err == nil:
		return
	case !in.numbers:
		if d, err := parseDuration(n.Value); err == nil {
			n.Value = formatDuration(time.Duration(math.Round(float64(d) * factor)))
		}
		return
	}
	scaled := value * factor
	if in.whole || unit != "" {
		scaled = math.Round(scaled)
		if scaled == value && value != 0 {
			scaled += math.Copysign(1, factor-1)
		}
	}
	if in.whole {
		n.Value = strconv.FormatInt(int64(scaled), 10)
	} else {
		n.Value = strconv.FormatFloat(scaled, 'g', 12, 64) + unit
	}
	n.Tag, n.Style = "", 0
}
