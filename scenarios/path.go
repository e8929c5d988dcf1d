package scenarios

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// step is one part of a path: a field, or an element of a list.
type step struct {
	field   string
	index   int
	element bool
}

// parsePath splits a path such as faults[0].every or
// application.startup.cpu["p99.9"].
func parsePath(path string) ([]step, error) {
	var steps []step
	rest := path
	for first := true; rest != "" || first; first = false {
		switch {
		case strings.HasPrefix(rest, "["):
			inner, after, ok := strings.Cut(rest[1:], "]")
			if !ok || first {
				return nil, fmt.Errorf("must be a path such as livenessProbe.timeoutSeconds or faults[0].every")
			}
			s, err := bracketed(inner)
			if err != nil {
				return nil, err
			}
			steps = append(steps, s)
			rest = after
		default:
			if !first {
				if !strings.HasPrefix(rest, ".") {
					return nil, fmt.Errorf("%s: a . must stand between fields", quoted(rest))
				}
				rest = rest[1:]
			}
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 || strings.ContainsAny(rest[:end], "]\"") {
				return nil, fmt.Errorf("must be a path such as livenessProbe.timeoutSeconds or faults[0].every")
			}
			steps = append(steps, step{field: rest[:end]})
			rest = rest[end:]
		}
	}
	if len(steps) > maxDepth {
		return nil, fmt.Errorf("deeper than %d fields", maxDepth)
	}
	return steps, nil
}

// bracketed parses what stands in brackets: an index, or a field in quotes.
func bracketed(inner string) (step, error) {
	if name, err := strconv.Unquote(inner); err == nil && strings.HasPrefix(inner, `"`) && name != "" {
		return step{field: name}, nil
	}
	index, err := strconv.Atoi(inner)
	if err != nil || index < 0 {
		return step{}, fmt.Errorf("[%s]: must be an index from 0, or a field in quotes", inner)
	}
	return step{index: index, element: true}, nil
}

// assign puts a value at the end of the path below a mapping. Mappings that
// are missing on the way are made; lists are not, but grow by one element. A
// null removes what is there. made is called for every node that is made.
func assign(root *yaml.Node, steps []step, value *yaml.Node, made func(*yaml.Node)) error {
	container := func(rest []step) *yaml.Node {
		n := container(rest, value)
		made(n)
		return n
	}
	n, at := root, place{}
	for i, s := range steps {
		last := i == len(steps)-1
		if s.element {
			if n.Kind == yaml.MappingNode && s.index == 0 && !last && at.path == "application.startup" {
				continue // one stage in place of a list
			}
			if n.Kind != yaml.SequenceNode {
				return fmt.Errorf("%s is %s, not a list", at.path, kindOf(n))
			}
			at = at.element(s.index)
			switch {
			case s.index > len(n.Content):
				return fmt.Errorf("%s does not exist: the list has %s", at.path, count(len(n.Content), "element"))
			case last && isNull(value):
				n.Content = append(n.Content[:s.index:s.index], n.Content[min(s.index+1, len(n.Content)):]...)
				return nil
			case s.index == len(n.Content):
				n.Content = append(n.Content, container(steps[i+1:]))
			case last:
				n.Content[s.index] = value
				made(value)
			}
			n = n.Content[s.index]
			continue
		}
		if n.Kind != yaml.MappingNode {
			if n.Kind == yaml.SequenceNode {
				return fmt.Errorf("%s is a list: say which element, %s[0].%s", at.path, at.path, s.field)
			}
			return fmt.Errorf("%s is %s, which has no field %s", at.path, kindOf(n), s.field)
		}
		at = at.field(s.field)
		next := child(n, s.field)
		switch {
		case last && isNull(value):
			setChild(n, s.field, nil)
			return nil
		case last:
			setChild(n, s.field, value)
			made(value)
		case next == nil:
			next = container(steps[i+1:])
			setChild(n, s.field, next)
		}
		n = next
	}
	return nil
}

// container returns what the next step needs to find: the value itself after
// the last one.
func container(rest []step, value *yaml.Node) *yaml.Node {
	switch {
	case len(rest) == 0:
		return value
	case rest[0].element:
		return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: value.Line}
	}
	made := mapping()
	made.Line = value.Line
	return made
}

func kindOf(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return "a single value (" + described(n) + ")"
	}
	return described(n)
}

// find returns the node at the end of the path, or the deepest one on the way
// that exists, and where it stands.
func find(n *yaml.Node, steps []step, at place, origins map[*yaml.Node]place) (*yaml.Node, place) {
	lost := false // the rest of the path does not exist, but still says what is meant
	for _, s := range steps {
		var next *yaml.Node
		if s.element {
			at = at.element(s.index)
			if n.Kind == yaml.SequenceNode && s.index < len(n.Content) {
				next = n.Content[s.index]
			}
		} else {
			at = at.field(s.field)
			next = child(n, s.field)
		}
		lost = lost || next == nil
		if lost {
			continue
		}
		n = next
		if origin, ok := origins[n]; ok {
			at = origin
		}
	}
	return n, at
}
