package scenarios

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"github.com/probesim/probesim/model"
)

// encode returns a value of the scenario format as the tree from which the
// decoder reads it back. What was left out, a nil pointer or list, gives nil.
func encode(v reflect.Value) *yaml.Node {
	if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice) && v.IsNil() {
		return nil
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case durationDistribution:
		return written(x.source)
	case numberDistribution:
		return written(x.source)
	case duration:
		return scalar(formatDuration(time.Duration(x)))
	case cpuQuantity:
		return scalar(formatCPU(int64(x)))
	case workers:
		if x == 0 {
			return scalar(unlimited)
		}
	case kubernetesVersion:
		return plainNode(x.String())
	case stages:
		if len(x) == 1 {
			return encodeStruct(v.Index(0))
		}
	case changes:
		set := mapping()
		for _, c := range x {
			setChild(set, c.path, written(c.value))
		}
		return set
	case corev1.PodSpec:
		return podNode(&x)
	}
	switch v.Kind() {
	case reflect.Struct:
		return encodeStruct(v)
	case reflect.Slice:
		return encodeList(v)
	}
	return plainNode(v.Interface())
}

func encodeStruct(v reflect.Value) *yaml.Node {
	n := mapping()
	for _, f := range fieldsOf(v.Type()) {
		inner := encode(v.FieldByIndex(f.index))
		if inner == nil || f.of.Kind() == reflect.Struct && len(inner.Content) == 0 {
			continue // nothing is said, or of a part that is always there nothing
		}
		setChild(n, f.name, inner)
	}
	return n
}

func encodeList(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for i := range v.Len() {
		n.Content = append(n.Content, encode(v.Index(i)))
	}
	if v.Len() == 0 || v.Index(0).Kind() == reflect.String {
		n.Style = yaml.FlowStyle
	}
	return n
}

// written returns a copy of a tree of the input, to be printed in one line.
func written(n *yaml.Node) *yaml.Node {
	copied := copyTree(n, nil)
	copied.Style |= yaml.FlowStyle
	if n.Kind == yaml.ScalarNode {
		copied.Style = n.Style
	}
	return copied
}

// plainNode returns a text, number or truth value as a scalar, quoted where it
// would be read as something else.
func plainNode(value any) *yaml.Node {
	n := &yaml.Node{}
	if err := n.Encode(value); err != nil {
		panic(fmt.Sprintf("%v: %v", value, err)) // no value in use comes to this
	}
	return n
}

// podNode returns a PodSpec in block style, its fields in the order of the
// API's types.
func podNode(spec *corev1.PodSpec) *yaml.Node {
	data, err := json.Marshal(spec)
	document := &yaml.Node{}
	if err == nil {
		err = yaml.Unmarshal(data, document)
	}
	if err != nil {
		panic(err) // it has been read from YAML
	}
	inBlocks(document)
	dropEmpty(document.Content[0])
	stateDelays(document.Content[0])
	return document.Content[0]
}

// stateDelays writes the initial delay of a probe that has none, which the
// API's types leave out.
func stateDelays(spec *yaml.Node) {
	for _, list := range []string{"containers", "initContainers"} {
		containers := child(spec, list)
		if containers == nil {
			continue
		}
		for _, container := range containers.Content {
			for kind := range model.ProbeKind(model.ProbeKinds) {
				probe := child(container, kind.Field())
				if probe == nil || child(probe, "initialDelaySeconds") != nil {
					continue
				}
				i := max(keyIndex(probe, "timeoutSeconds"), 0)
				probe.Content = slices.Insert(probe.Content, i, scalar("initialDelaySeconds"), scalar("0"))
			}
		}
	}
}

// dropEmpty removes fields that hold an empty mapping: the API's types write
// `resources: {}` where nothing was given.
func dropEmpty(n *yaml.Node) {
	for i := 0; i < len(n.Content); i++ {
		dropEmpty(n.Content[i])
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i].Kind == yaml.MappingNode && len(n.Content[i].Content) == 0 {
			n.Content = append(n.Content[:i-1], n.Content[i+1:]...)
			i -= 2
		}
	}
}
