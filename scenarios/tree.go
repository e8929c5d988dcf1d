package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Bounds on what is read, so that no input, however made, takes more than a
// moment: a few bytes of YAML can name a billion nodes through anchors.
const (
	// MaxBytes is the largest size of one file; an object of the Kubernetes API
	// has at most 1.5 MiB.
	MaxBytes = 16 << 20

	maxDepth = 100     // of nested lists and mappings; a CronJob reaches about 15
	maxNodes = 500_000 // of one file, anchors expanded
)

// documents parses every document of a YAML or JSON file into a tree without
// aliases and merge keys, in which every node keeps its line. Empty documents
// are left out.
func documents(file string, data []byte) ([]*yaml.Node, Faults) {
	if len(data) > MaxBytes {
		return nil, Faults{{File: file, Message: fmt.Sprintf("%d bytes: must not be larger than %d MiB", len(data), MaxBytes>>20)}}
	}
	if line, ok := notText(data); ok {
		return nil, Faults{{File: file, Line: line, Message: "is not YAML or JSON: these bytes are no text in UTF-8 or UTF-16"}}
	}
	if trees, ok := jsonDocuments(data); ok {
		return trees, nil
	}
	var trees []*yaml.Node
	var faults Faults
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	expansion := expansion{nodes: maxNodes}
	for {
		document, err := nextDocument(decoder)
		if errors.Is(err, io.EOF) {
			return trees, faults
		}
		if err != nil {
			return trees, append(faults, syntaxFault(file, err))
		}
		if len(document.Content) == 0 || isNull(document.Content[0]) {
			continue
		}
		tree, err := expansion.expand(document.Content[0], 0)
		if err != nil {
			return trees, append(faults, syntaxFault(file, err))
		}
		trees = append(trees, tree)
	}
}

// asWritten parses a file that has been read before into trees that have its aliases
// and merge keys; empty documents are left out.
func asWritten(data []byte) []*yaml.Node {
	if trees, ok := jsonDocuments(data); ok {
		return trees
	}
	var trees []*yaml.Node
	for decoder := yaml.NewDecoder(bytes.NewReader(data)); ; {
		document, err := nextDocument(decoder)
		if err != nil {
			return trees
		}
		if len(document.Content) > 0 && !isNull(document.Content[0]) {
			trees = append(trees, document.Content[0])
		}
	}
}

// notText reports whether the data is no text that YAML can be in, and the first
// line where that shows.
func notText(data []byte) (line int, is bool) {
	if utf8.Valid(data) && bytes.IndexByte(data, 0) < 0 {
		return 0, false
	}
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return 0, false // UTF-16, by its byte order mark
	}
	line = 1
	for rest := data; ; line++ {
		text, after, found := bytes.Cut(rest, []byte("\n"))
		if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 || !found {
			return line, true
		}
		rest = after
	}
}

// nextDocument reads one document. The parser reports what it finds wrong by
// panics of its own, which it catches; it is not known to let any other
// through, and if it does the input is at fault, not the program.
func nextDocument(decoder *yaml.Decoder) (document *yaml.Node, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("not valid YAML: %v", fault)
		}
	}()
	document = &yaml.Node{}
	return document, decoder.Decode(document)
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// syntaxFault turns an error of the YAML parser, "yaml: line 3: did not find
// expected key", into a fault.
func syntaxFault(file string, err error) Fault {
	message := err.Error()
	found := yamlLine.FindStringSubmatch(message)
	line, _ := strconv.Atoi(found[1]) // empty where the parser names no line: 0
	return Fault{File: file, Line: line, Message: message[len(found[0]):]}
}

// expansion copies trees with aliases replaced by what they stand for, up to
// a number of nodes.
type expansion struct{ nodes int }

func (e *expansion) expand(n *yaml.Node, depth int) (*yaml.Node, error) {
	if e.nodes--; e.nodes < 0 {
		return nil, fmt.Errorf("line %d: more than %d values, aliases expanded", n.Line, maxNodes)
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d: nested deeper than %d levels, or an alias of itself", n.Line, maxDepth)
	}
	if n.Kind == yaml.AliasNode {
		return e.expand(n.Alias, depth+1)
	}
	copied := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style, Line: n.Line, Column: n.Column}
	for _, child := range n.Content {
		expanded, err := e.expand(child, depth+1)
		if err != nil {
			return nil, err
		}
		copied.Content = append(copied.Content, expanded)
	}
	if n.Kind == yaml.MappingNode {
		return copied, mergeKeys(copied)
	}
	return copied, nil
}

// mergeKeys replaces "<<" entries by the entries of the mappings they name: the
// mapping's own entries have precedence, then the first mapping named. Where readers
// of manifests see another value, what is in force depends on who reads the file, and
// it is refused. kubectl apply puts the entries in as they come, so that a << behind a
// field wins over it and a later << over an earlier one, while kubectl kustomize goes
// by the precedence (go.yaml.in/yaml v2 and v3):
//
//	readinessProbe: &base {failureThreshold: 5}
//	livenessProbe:
//	  failureThreshold: 9   # kubectl kustomize
//	  <<: *base             # kubectl apply: 5
func mergeKeys(n *yaml.Node) error {
	if !slices.ContainsFunc(n.Content, isMerge) {
		return nil
	}
	var own, merged []*yaml.Node
	inOrder := map[string]*yaml.Node{} // the values as kubectl apply puts them in
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !isMerge(key) {
			own = append(own, key, value)
			inOrder[key.Value] = value
			continue
		}
		sources := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			sources = value.Content
		}
		for _, source := range slices.Backward(sources) {
			if source.Kind != yaml.MappingNode {
				return fmt.Errorf("line %d: << must name a mapping or a list of mappings", key.Line)
			}
			for j := 0; j+1 < len(source.Content); j += 2 {
				inOrder[source.Content[j].Value] = source.Content[j+1]
			}
		}
		for _, source := range sources {
			merged = append(merged, source.Content...)
		}
	}
	var err error
	n.Content, err = preceding(own, merged, inOrder)
	return err
}

// preceding returns a mapping's own entries and those of the merged ones that it has
// not. It refuses those that have another value in the order in which they come.
func preceding(own, merged []*yaml.Node, inOrder map[string]*yaml.Node) ([]*yaml.Node, error) {
	entries, values := own, map[string]*yaml.Node{}
	for i := 0; i < len(own); i += 2 {
		values[own[i].Value] = own[i+1] // of one given twice, which is found elsewhere, the last
	}
	for i := 0; i < len(own); i += 2 {
		key := own[i]
		if last, value := inOrder[key.Value], values[key.Value]; last != value && !same(last, value) {
			return nil, fmt.Errorf("line %d: %s: a << behind it says otherwise, which kubectl apply goes by and kubectl kustomize does not: put << before the fields", key.Line, key.Value)
		}
	}
	for i := 0; i+1 < len(merged); i += 2 {
		key, value := merged[i], merged[i+1]
		if values[key.Value] != nil {
			continue
		}
		if last := inOrder[key.Value]; last != value && !same(last, value) {
			return nil, fmt.Errorf("line %d: %s: another << says otherwise, and readers differ on which of them they go by: name all mappings in one list, <<: [*first, *second]", key.Line, key.Value)
		}
		values[key.Value] = value
		entries = append(entries, key, value)
	}
	return entries, nil
}

// copyTree returns a copy of the tree, and notes for each node that has an
// origin the same origin for its copy.
func copyTree(n *yaml.Node, origins map[*yaml.Node]place) *yaml.Node {
	if n == nil {
		return nil
	}
	copied := *n
	copied.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		copied.Content[i] = copyTree(child, origins)
	}
	if origin, ok := origins[n]; ok {
		origins[&copied] = origin
	}
	return &copied
}

// child returns the value under the key, nil where the node is no mapping or
// has no such key, or nothing but null under it.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key && n.Content[i].Kind == yaml.ScalarNode {
			if isNull(n.Content[i+1]) {
				return nil
			}
			return n.Content[i+1]
		}
	}
	return nil
}

// descend follows keys from mapping to mapping.
func descend(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		n = child(n, key)
	}
	return n
}

// setChild puts the value under the key of a mapping; a nil value removes it.
func setChild(n *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			continue
		}
		if value == nil {
			n.Content = append(n.Content[:i:i], n.Content[i+2:]...)
		} else {
			n.Content[i+1] = value
		}
		return
	}
	if value != nil {
		n.Content = append(n.Content, scalar(key), value)
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// text returns the value of a scalar, "" for anything else.
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

func scalar(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }

// described returns a node as messages show it.
func described(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!str" || n.ShortTag() == "!!timestamp":
		return quoted(n.Value)
	case n.Value == "":
		return "null"
	}
	return n.Value
}
