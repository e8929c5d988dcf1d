package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// jsonDocuments parses a stream of JSON values into the trees that the YAML
// parser would make of them. JSON is nearly YAML, but the YAML parser knows
// neither \/ nor pairs of surrogates, both of which occur in real manifests.
// It reports false for anything that is not JSON as a whole.
func jsonDocuments(data []byte) ([]*yaml.Node, bool) {
	if start := bytes.TrimLeft(data, " \t\r\n"); len(start) == 0 || start[0] != '{' && start[0] != '[' {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	reader := jsonReader{decoder: decoder, data: data, line: 1, column: 1, nodes: maxNodes}
	var trees []*yaml.Node
	for {
		tree, err := reader.value(0)
		if errors.Is(err, io.EOF) {
			return trees, true
		}
		if err != nil {
			return nil, false
		}
		trees = append(trees, tree)
	}
}

// jsonReader makes nodes of tokens and counts lines on the way.
type jsonReader struct {
	decoder *json.Decoder
	data    []byte
	offset  int // up to which lines and columns are counted
	line    int
	column  int
	nodes   int
}

// value reads the next value. The end of the input before it is io.EOF.
func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	return r.after(token, depth)
}

// after reads the rest of the value that begins with the token.
func (r *jsonReader) after(token json.Token, depth int) (*yaml.Node, error) {
	if r.nodes--; r.nodes < 0 || depth > maxDepth {
		return nil, fmt.Errorf("too large")
	}
	end := int(r.decoder.InputOffset())
	raw := bytes.TrimLeft(r.data[r.offset:end], " \t\r\n,:]}") // the token, without what stands between it and the last
	before := r.data[r.offset : end-len(raw)]
	if last := bytes.LastIndexByte(before, '\n'); last >= 0 {
		r.line += bytes.Count(before, []byte("\n"))
		r.column = 1
		before = before[last+1:]
	}
	r.column += utf8.RuneCount(before)
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line, Column: r.column}
	r.column += utf8.RuneCount(raw)
	r.offset = end
	switch value := token.(type) {
	case json.Delim:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		if value == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		return n, r.members(n, depth)
	case string:
		n.Tag, n.Value, n.Style = "!!str", value, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!int", value.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(value)
	default:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}

// members reads keys and values, or elements, up to the closing bracket. A
// document that ends before it is not JSON.
func (r *jsonReader) members(n *yaml.Node, depth int) error {
	for {
		token, err := r.decoder.Token()
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			return nil
		}
		member, err := r.after(token, depth+1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, member)
	}
}
