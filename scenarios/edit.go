package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
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
	// anchored has what is wanted of the nodes with anchors that were settled so far,
	// which are all that a later alias can stand for.
	anchored map[*yaml.Node]*yaml.Node
	// owners are the workloads whose objects the wanted nodes are. Those of which
	// something cannot be changed in place are among the refused.
	owners  map[*yaml.Node]*Workload
	refused map[*Workload]bool
}

// edit replaces the bytes from one offset to another.
type edit struct {
	from, to int
	text     string
}

// errInPlace is that the text cannot be changed where it stands.
var errInPlace = errors.New("is written in a way that cannot be changed in place: take the patch instead")

func newEditor(data []byte) *editor {
	e := &editor{data: data, lines: []int{0}, newline: "\n", found: &yaml.Node{}, anchored: map[*yaml.Node]*yaml.Node{}, owners: map[*yaml.Node]*Workload{}, refused: map[*Workload]bool{}}
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

// settle makes the text of a node, as it was read, say what is wanted of it. The
// wanted tree is a copy of the node's, aliases and merge keys expanded, with values
// changed, set to null, which removes them, or added behind the others.
//
// An alias stays if what it stands for has become what is wanted of it, and is
// written out in full otherwise; a mapping that takes over others by a merge key
// states what it wants otherwise than they have it. So whatever else goes by an
// anchor keeps its values. A workload of which something cannot be changed so is
// refused, and no error.
func (e *editor) settle(n, wanted *yaml.Node, at spot) error {
	err := e.settleNode(n, wanted, at)
	if w := e.owners[wanted]; w != nil && errors.Is(err, errInPlace) {
		e.refused[w] = true
		return nil
	}
	return err
}

func (e *editor) settleNode(n, wanted *yaml.Node, at spot) error {
	if n.Anchor != "" {
		e.anchored[n] = wanted
	}
	switch {
	case n.Kind == yaml.AliasNode:
		if now, ok := e.anchored[n.Alias]; ok && same(now, wanted) {
			return nil
		}
		return e.writeOut(n, wanted, at)
	case n.Kind == yaml.MappingNode && wanted.Kind == yaml.MappingNode:
		return e.settleMapping(n, wanted, at)
	case n.Kind == yaml.SequenceNode && wanted.Kind == yaml.SequenceNode && len(n.Content) == len(wanted.Content):
		for i, element := range n.Content {
			inside := spot{flow: at.flow || n.Style&yaml.FlowStyle != 0, indent: element.Column - 1, element: true}
			if err := e.settle(element, wanted.Content[i], inside); err != nil {
				return err
			}
		}
		return nil
	case n.Kind == yaml.ScalarNode && wanted.Kind == yaml.ScalarNode:
		if n.Value == wanted.Value && n.ShortTag() == wanted.ShortTag() {
			return nil
		}
		return e.replace(n, wanted)
	}
	return errInPlace
}

// spot is where a node stands.
type spot struct {
	flow    bool // in braces or brackets
	indent  int  // of lines of its own
	element bool // of a list, so that its first line follows a dash
}

// settleMapping settles the fields that a mapping has, and then adds those that are
// new, so that what is added to an inner mapping stands before what follows it.
func (e *editor) settleMapping(n, wanted *yaml.Node, at spot) error {
	inherited, merged, err := e.inherited(n)
	if err != nil {
		return err
	}
	own := 0 // fields that stand here, in the order of the wanted ones
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if isMerge(key) {
			continue
		}
		if key.Anchor != "" {
			e.anchored[key] = wanted.Content[own]
		}
		after := wanted.Content[own+1]
		own += 2
		over := child(inherited, wanted.Content[own-2].Value) != nil
		switch {
		case isNull(value) && isNull(after):
		case over && (isNull(after) || i < merged) && !same(e.expanded(value), after):
			return errInPlace // the merged one would show, or stands behind it, and some readers let the last one win
		case isNull(after):
			err = e.remove(n, i)
		default:
			err = e.settle(value, after, spot{flow: at.flow || n.Style&yaml.FlowStyle != 0, indent: key.Column + 1})
		}
		if err != nil {
			return err
		}
	}
	for i := own; i+1 < len(wanted.Content); i += 2 {
		key, value := wanted.Content[i].Value, wanted.Content[i+1]
		if now := child(inherited, key); now == nil && isNull(value) || now != nil && same(now, value) {
			continue
		}
		if err := e.add(n, key, value); err != nil {
			return err
		}
	}
	for i := 0; i+1 < len(inherited.Content); i += 2 {
		if key := inherited.Content[i].Value; keyIndex(wanted, key) < 0 && !isNull(inherited.Content[i+1]) {
			setChild(wanted, key, scalar("null")) // which whoever merges this one takes over
			if err := e.add(n, key, scalar("null")); err != nil {
				return err
			}
		}
	}
	return nil
}

// inherited returns what a mapping takes over by merge keys, as those are wanted
// that it takes it from, and the index of its last merge key; -1: it has none.
func (e *editor) inherited(n *yaml.Node) (inherited *yaml.Node, last int, err error) {
	inherited, last = mapping(), -1
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		last = i
		sources := []*yaml.Node{n.Content[i+1]}
		if sources[0].Kind == yaml.SequenceNode {
			sources = sources[0].Content
		}
		for _, source := range sources {
			now := e.anchored[source.Alias]
			if source.Kind == yaml.MappingNode {
				now = e.expanded(source)
				err = e.settle(source, now, spot{flow: true}) // for the anchors in it
			}
			if now == nil || err != nil {
				return nil, 0, errInPlace
			}
			for j := 0; j+1 < len(now.Content); j += 2 {
				if key := now.Content[j].Value; keyIndex(inherited, key) < 0 {
					setChild(inherited, key, now.Content[j+1])
				}
			}
		}
	}
	return inherited, last, nil
}

// expanded returns a copy of a node without aliases, as it was read.
func (e *editor) expanded(n *yaml.Node) *yaml.Node {
	expansion := expansion{nodes: maxNodes}
	copied, err := expansion.expand(n, 0)
	if err != nil { // not of a file that has been read
		return nil
	}
	return copied
}

func isMerge(key *yaml.Node) bool { return key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" }

// same reports whether two trees say the same; null is the same as none.
func same(a, b *yaml.Node) bool {
	return a != nil && b != nil && reflect.DeepEqual(withoutNulls(plain(a)), withoutNulls(plain(b)))
}

// writeOut puts a value in the place of an alias, in lines of its own where it has
// more than one.
func (e *editor) writeOut(n, value *yaml.Node, at spot) error {
	from, err := e.offset(n)
	if err != nil {
		return err
	}
	to := from + len("*") + len(n.Value)
	if to > len(e.data) || string(e.data[from:to]) != "*"+n.Value {
		return errInPlace
	}
	if at.flow {
		text, err := json.Marshal(plain(value))
		e.edits = append(e.edits, edit{from, to, string(text)})
		return err
	}
	text, err := blockOf(value)
	if err != nil {
		return err
	}
	if value.Kind == yaml.ScalarNode || len(value.Content) == 0 {
		e.edits = append(e.edits, edit{from, to, strings.TrimSuffix(text, "\n")})
		return nil
	}
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	first := ""
	if at.element {
		first, lines = strings.TrimSuffix(lines[0], "\n"), lines[1:]
	} else if e.data[from-1] == ' ' {
		from-- // between the colon and the alias
	}
	e.edits = append(e.edits, edit{from, to, first})
	var below strings.Builder
	for _, line := range lines {
		below.WriteString(strings.Repeat(" ", at.indent) + line)
	}
	if len(lines) > 0 {
		e.insertAfter(n.Line, below.String()+"\n")
	}
	return nil
}

// insertAfter puts lines after a line, counted from 1.
func (e *editor) insertAfter(line int, text string) {
	text = strings.ReplaceAll(text, "\n", e.newline)
	if line < len(e.lines) {
		e.edits = append(e.edits, edit{e.lines[line], e.lines[line], text})
		return
	}
	e.edits = append(e.edits, edit{len(e.data), len(e.data), e.newline + strings.TrimSuffix(text, e.newline)})
}

// offset is where a node begins, behind its anchor and tag.
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
	for n.Kind != yaml.AliasNode && at < len(e.data) && (e.data[at] == '&' || e.data[at] == '!') {
		for at < len(e.data) && e.data[at] > ' ' {
			at++
		}
		for at < len(e.data) && e.data[at] == ' ' {
			at++
		}
	}
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
	for i := len(n.Content) - 2; i >= 0 && !isMerge(n.Content[i]); i -= 2 {
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
	if long := longField(n); long >= 0 && !slices.ContainsFunc(n.Content, isMerge) && value.Kind == yaml.ScalarNode && !standsAfter(n.Content[after].Value) {
		line := e.firstLine(n, long)
		e.insertAfter(line-1, text)
		return nil
	}
	e.insertAfter(e.lastLine(n, after), text)
	return nil
}

// addAfter puts a new field after the value of the last one of a flow mapping, for
// some readers let what is merged behind a field win over it.
func (e *editor) addAfter(last *yaml.Node, key, text string) error {
	from, err := e.offset(last)
	if err != nil {
		return err
	}
	to := e.after(last, from)
	e.edits = append(e.edits, edit{to, to, ", " + key + ": " + text})
	return nil
}

// after is the offset after a scalar, an alias or a flow collection that begins at
// from.
func (e *editor) after(n *yaml.Node, from int) int {
	switch e.data[from] {
	case '{', '[':
		return afterBrackets(e.data, from)
	case '"', '\'':
		return afterQuotes(e.data, from)
	case '*':
		return from + len("*") + len(n.Value)
	}
	return from + len(n.Value)
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
	if last := len(n.Content) - 2; slices.ContainsFunc(n.Content, isMerge) {
		return e.addAfter(n.Content[last+1], key, string(text))
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
	setChild(field, key, value)
	block, err := blockOf(field)
	var text strings.Builder
	for line := range strings.Lines(block) {
		text.WriteString(indent + line)
	}
	return text.String(), err
}

// blockOf writes a value in lines of its own.
func blockOf(value *yaml.Node) (string, error) {
	copied := copyTree(value, nil)
	inBlocks(copied)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := errors.Join(encoder.Encode(copied), encoder.Close())
	return out.String(), err
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
		e.edits = append(e.edits, edit{from, e.after(value, from), "null"})
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
