package scenarios

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// stateDefaults completes the tree of a struct of the scenario format by what
// the input leaves out and no value stands for: a list is stated as empty, and a
// field whose absence means something, as the field's description has it, as a
// comment in the field's place:
//
//	traffic:
//	  perSecond: 3
//	  # clientTimeout: never
func stateDefaults(n *yaml.Node, v reflect.Value) {
	var content []*yaml.Node
	var comments []string
	for _, f := range fieldsOf(v.Type()) {
		if keyIndex(n, f.name) < 0 {
			comments = append(comments, stateAbsent(n, f)...)
		}
		i := keyIndex(n, f.name)
		if i < 0 {
			continue
		}
		key, value := n.Content[i], n.Content[i+1]
		comment(key, comments)
		comments = nil
		content = append(content, key, value)
		stateInner(value, v.FieldByIndex(f.index))
	}
	n.Content = content
	if len(comments) > 0 && len(content) > 0 {
		// After the value of the last field, or what is left of it, stands nothing.
		content[len(content)-2].FootComment = strings.Join(comments, "\n")
	}
}

// stateAbsent states a field that is not in the tree, in it or as comments.
// The fields of a machine are those of its profile.
func stateAbsent(n *yaml.Node, f field) (comments []string) {
	meaning := absenceOf(f)
	switch {
	case meaning != "":
		return []string{"# " + f.name + ": " + meaning}
	case f.of.Kind() == reflect.Slice && len(f.index) == 1:
		setChild(n, f.name, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle})
	case f.of.Kind() == reflect.Struct:
		for _, inner := range fieldsOf(f.of) {
			if meaning := absenceOf(inner); meaning != "" {
				comments = append(comments, "# "+f.name+"."+inner.name+": "+meaning)
			}
		}
		if comments != nil {
			empty := mapping()
			empty.Style = yaml.FlowStyle
			setChild(n, f.name, empty)
		}
	}
	return comments
}

// absenceOf returns what it means that a field is left out, as the end of its
// description says it: "never", "none"; empty where it says nothing.
func absenceOf(f field) string {
	_, meaning, _ := strings.Cut(f.tag.Get("doc"), "Default: ")
	return strings.TrimSuffix(meaning, ".")
}

// stateInner completes the structs that a field holds.
func stateInner(n *yaml.Node, v reflect.Value) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if _, set := v.Interface().(changes); set {
		return
	}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			switch {
			case n.Kind == yaml.MappingNode && v.Len() == 1:
				stateInner(n, v.Index(i)) // one stage in place of a list
			case n.Kind == yaml.SequenceNode && i < len(n.Content):
				stateInner(n.Content[i], v.Index(i))
			}
		}
		return
	}
	if v.Kind() != reflect.Struct || n.Kind != yaml.MappingNode || len(structsIn(v)) == 0 {
		return
	}
	switch x := v.Interface().(type) {
	case answers:
		stateInner(child(n, "all"), reflect.ValueOf(x.All)) // what the kinds leave out they take from it
		return
	case objectives, plainBound, distributionBound:
		return // a measure without a bound has none
	}
	stateDefaults(n, v)
}

// comment puts lines above a key.
func comment(key *yaml.Node, lines []string) {
	if len(lines) == 0 {
		return
	}
	if key.HeadComment != "" {
		lines = append([]string{key.HeadComment}, lines...)
	}
	key.HeadComment = strings.Join(lines, "\n")
}
