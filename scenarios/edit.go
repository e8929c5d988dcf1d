package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// editor changes single fields in the text of a YAML or JSON file and leaves
// every other byte as it is: comments, order, indentation, quotes. It goes by
// the positions of the nodes that were read from it.
type editor struct {
	data    []byte
	lines   []int // where each line begins
	newline string
	edits   []edit
	found   *yaml.Node // looked for last, and where it begins
	foundAt int
}

// edit replaces the bytes from one offset to another.
type edit struct {
	from, to int
	text     string
}

// errInPlace is that the text cannot be changed where it stands.
var errInPlace = errors.New("is written in a way that cannot be changed in place, through an anchor for instance: take the patch instead")

func newEditor(data []byte) *editor {
	e := &editor{data: data, lines: []int{0}, newline: "\n", found: &yaml.Node{}}
	for i, b := range data {
		if b == '\n' {
			e.lines = append(e.lines, i+1)
		}
	}
	if bytes.Contains(data, []byte("\r\n")) {
		e.newline = "\r\n"
	}
	return e
}

// merge makes the fields of a mapping in the text what the change says: null
// removes a field, a mapping is merged, and anything else is put in its place.
// What is new comes last, so that what is added to an inner mapping stands
// before what follows it.
func (e *editor) merge(n, change *yaml.Node) error {
	for i := 0; i+1 < len(change.Content); i += 2 {
		value, at := change.Content[i+1], keyIndex(n, change.Content[i].Value)
		if at < 0 {
			continue
		}
		var err error
		switch inner := n.Content[at+1]; {
		case isNull(value):
			err = e.remove(n, at)
		case inner.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode:
			err = e.merge(inner, value)
		case inner.Kind == yaml.ScalarNode && value.Kind == yaml.ScalarNode:
			err = e.replace(inner, value)
		case inner.Kind == yaml.SequenceNode && value.Kind == yaml.SequenceNode && len(inner.Content) == len(value.Content):
			err = e.replaceElements(inner, value)
		default:
			err = errInPlace
		}
		if err != nil {
			return err
		}
	}
	for i := 0; i+1 < len(change.Content); i += 2 {
		key, value := change.Content[i].Value, change.Content[i+1]
		if keyIndex(n, key) >= 0 || isNull(value) {
			continue
		}
		if err := e.add(n, key, value); err != nil {
			return err
		}
	}
	return nil
}

// offset is where a node begins.
func (e *editor) offset(n *yaml.Node) (int, error) {
	if n.Line < 1 || n.Line > len(e.lines) || n.Column < 1 {
		return 0, errInPlace
	}
	at, column := e.lines[n.Line-1], 1
	if n.Line == 1 && bytes.HasPrefix(e.data, []byte("\ufeff")) {
		at += len("\ufeff")
	}
	if e.found.Line == n.Line && e.found.Column <= n.Column {
		at, column = e.foundAt, e.found.Column // a file can be one long line
	}
	for ; column < n.Column; column++ {
		_, size := utf8.DecodeRune(e.data[at:])
		at += size
	}
	e.found, e.foundAt = n, at
	if at >= len(e.data) {
		return 0, errInPlace
	}
	return at, nil
}

// replace puts another value in the place of a scalar.
func (e *editor) replace(n, value *yaml.Node) error {
	from, err := e.offset(n)
	if err != nil {
		return err
	}
	to := from + len(n.Value)
	if quote := e.data[from]; quote == '"' || quote == '\'' {
		to = afterQuotes(e.data, from)
	} else if to > len(e.data) || string(e.data[from:to]) != n.Value {
		return errInPlace
	}
	text, err := json.Marshal(plain(value)) // which YAML reads too
	if e.data[from] != '"' && err == nil {
		var encoded []byte
		encoded, err = yaml.Marshal(value)
		text = bytes.TrimSpace(encoded)
	}
	e.edits = append(e.edits, edit{from, to, string(text)})
	return err
}

// replaceElements puts other values in the place of the scalars of a list.
func (e *editor) replaceElements(n, value *yaml.Node) error {
	for i, inner := range n.Content {
		switch wanted := value.Content[i]; {
		case inner.Kind != yaml.ScalarNode || wanted.Kind != yaml.ScalarNode:
			return errInPlace
		case plain(inner) != plain(wanted):
			if err := e.replace(inner, wanted); err != nil {
				return err
			}
		}
	}
	return nil
}

// add puts a new field into a mapping: in a flow mapping before its first one,
// else in lines of its own, numbers after the last number, or in an object's spec
// after its replicas, where there are none before the pods or containers, and probes
// and hooks after the last probe.
func (e *editor) add(n *yaml.Node, key string, value *yaml.Node) error {
	begin, err := e.offset(n)
	if err != nil {
		return err
	}
	if len(n.Content) == 0 || n.Style&yaml.FlowStyle != 0 || e.data[begin] == '{' {
		return e.addToFlow(n, begin, key, value)
	}
	after := len(n.Content) - 2
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		name := n.Content[i].Value
		if standsAfter(name) && value.Kind == yaml.ScalarNode || strings.HasSuffix(name, "Probe") {
			after = i
			break
		}
	}
	text, err := blockText(key, value, strings.Repeat(" ", n.Content[0].Column-1))
	if err != nil {
		return err
	}
	text = strings.ReplaceAll(text, "\n", e.newline)
	if long := longField(n); long >= 0 && value.Kind == yaml.ScalarNode && !standsAfter(n.Content[after].Value) {
		line := e.firstLine(n, long)
		e.edits = append(e.edits, edit{e.lines[line-1], e.lines[line-1], text})
		return nil
	}
	line := e.lastLine(n, after) // counted from 1, so that it is the next one's index
	if line < len(e.lines) {
		e.edits = append(e.edits, edit{e.lines[line], e.lines[line], text})
		return nil
	}
	e.edits = append(e.edits, edit{len(e.data), len(e.data), e.newline + strings.TrimSuffix(text, e.newline)})
	return nil
}

// standsAfter reports whether numbers are put after a field of the name.
func standsAfter(name string) bool { return strings.HasSuffix(name, "Seconds") || name == "replicas" }

// longField is the index of the first field of a mapping that holds a workload's
// pods or containers; -1: there is none.
func longField(n *yaml.Node) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if slices.Contains([]string{"template", "jobTemplate", "initContainers", "containers"}, n.Content[i].Value) {
			return i
		}
	}
	return -1
}

func (e *editor) addToFlow(n *yaml.Node, begin int, key string, value *yaml.Node) error {
	if e.data[begin] != '{' {
		return errInPlace
	}
	text, err := json.Marshal(plain(value))
	if err != nil {
		return err
	}
	if len(n.Content) == 0 {
		e.edits = append(e.edits, edit{begin + 1, begin + 1, key + ": " + string(text)})
		return nil
	}
	first := n.Content[0]
	from, err := e.offset(first)
	if err != nil {
		return err
	}
	if e.data[from] == '"' {
		key = `"` + key + `"`
	}
	between := ", "
	if first.Line > n.Line {
		between = "," + e.newline + string(e.data[e.lines[first.Line-1]:from])
	}
	e.edits = append(e.edits, edit{from, from, key + ": " + string(text) + between})
	return nil
}

// blockText writes a field in lines of its own.
func blockText(key string, value *yaml.Node, indent string) (string, error) {
	field := mapping()
	copied := copyTree(value, nil)
	inBlocks(copied)
	setChild(field, key, copied)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(field), encoder.Close()); err != nil {
		return "", err
	}
	var text strings.Builder
	for line := range strings.Lines(out.String()) {
		text.WriteString(indent + line)
	}
	return text.String(), nil
}

// lastLine is the last line, from 1, of the field whose key stands at the index
// of a block mapping. Comments before the next field are that one's.
func (e *editor) lastLine(n *yaml.Node, index int) int {
	if index+2 < len(n.Content) {
		line := n.Content[index+2].Line - 1
		for line > n.Content[index].Line && e.bare(line) {
			line--
		}
		return line
	}
	line := deepest(n.Content[index+1], n.Content[index].Line)
	for next := line + 1; next <= len(e.lines); next++ {
		text := e.line(next)
		indent := len(text) - len(strings.TrimLeft(text, " "))
		switch {
		case strings.TrimSpace(text) == "":
			continue // is the field's only if more of it follows
		case indent < n.Content[0].Column:
			return line
		}
		line = next
	}
	return line
}

// firstLine is the first line, from 1, of the field whose key stands at the index
// of a block mapping, comments before it included.
func (e *editor) firstLine(n *yaml.Node, index int) int {
	line := n.Content[index].Line
	for line > 1 && e.bare(line-1) {
		line--
	}
	return line
}

// deepest is the last line on which a part of the tree begins.
func deepest(n *yaml.Node, line int) int {
	line = max(line, n.Line)
	for _, child := range n.Content {
		line = deepest(child, line)
	}
	return line
}

// line returns the text of a line, counted from 1.
func (e *editor) line(number int) string {
	end := len(e.data)
	if number < len(e.lines) {
		end = e.lines[number]
	}
	return strings.TrimRight(string(e.data[e.lines[number-1]:end]), "\r\n")
}

// bare reports whether a line is blank or holds nothing but a comment.
func (e *editor) bare(number int) bool {
	text := strings.TrimSpace(e.line(number))
	return text == "" || text[0] == '#'
}

// remove takes a field out: in a block mapping with its lines, in a flow mapping
// and behind the dash of a list by null, which means the same.
func (e *editor) remove(n *yaml.Node, index int) error {
	key, value := n.Content[index], n.Content[index+1]
	begin, err := e.offset(n)
	if err != nil {
		return err
	}
	behind := strings.TrimSpace(e.line(key.Line)[:min(key.Column-1, len(e.line(key.Line)))]) != ""
	if e.data[begin] == '{' || behind {
		from, err := e.offset(value)
		if err != nil {
			return err
		}
		to := from + len(value.Value)
		switch e.data[from] {
		case '{', '[':
			to = afterBrackets(e.data, from)
		case '"', '\'':
			to = afterQuotes(e.data, from)
		}
		e.edits = append(e.edits, edit{from, to, "null"})
		return nil
	}
	end := len(e.data)
	if last := e.lastLine(n, index); last < len(e.lines) {
		end = e.lines[last]
	}
	e.edits = append(e.edits, edit{e.lines[key.Line-1], end, ""})
	return nil
}

// afterQuotes is the offset after the quoted text that begins at from.
func afterQuotes(data []byte, from int) int {
	for i := from + 1; i < len(data); i++ {
		switch {
		case data[i] == '\\' && data[from] == '"':
			i++
		case data[i] == data[from]:
			return i + 1
		}
	}
	return len(data)
}

// afterBrackets is the offset after the flow mapping or list that begins at from.
func afterBrackets(data []byte, from int) int {
	depth := 0
	for i := from; i < len(data); i++ {
		switch data[i] {
		case '"', '\'':
			i = afterQuotes(data, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(data)
}

// text returns the file with the edits made.
func (e *editor) text() ([]byte, error) {
	slices.SortStableFunc(e.edits, func(a, b edit) int { return a.from - b.from })
	var out bytes.Buffer
	at := 0
	for _, change := range e.edits {
		if change.from < at || change.to < change.from {
			return nil, fmt.Errorf("%w", errInPlace)
		}
		out.Write(e.data[at:change.from])
		out.WriteString(change.text)
		at = change.to
	}
	out.Write(e.data[at:])
	return out.Bytes(), nil
}
