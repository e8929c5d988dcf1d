package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// json reads the whole file into a value, or reports where it is broken.
func (r *measurementReader) json(into any) bool {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(r.data, []byte("\ufeff"))))
	err := decoder.Decode(into)
	if err == nil {
		return true
	}
	line := 1 + bytes.Count(r.data, []byte("\n"))
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		line = 1 + bytes.Count(r.data[:min(int(syntax.Offset), len(r.data))], []byte("\n"))
		r.fault(line, "", "not JSON: %s", syntax.Error())
	case errors.As(err, &wrong):
		line = 1 + bytes.Count(r.data[:min(int(wrong.Offset), len(r.data))], []byte("\n"))
		path := wrong.Field
		if embedded, rest, ok := strings.Cut(path, "."); ok && strings.HasPrefix(embedded, "measured") {
			path = rest // the name of a Go type, not of a field
		}
		r.fault(line, path, "must not be a %s here", wrong.Value)
	default:
		r.fault(line, "", "not JSON: %v", err)
	}
	return false
}

// line returns the line on which the value at a path of field names and indexes
// stands, or the last of its parents.
func (r *measurementReader) line(path ...any) int {
	decoder := json.NewDecoder(bytes.NewReader(r.data))
	offset := func() int64 {
		at := decoder.InputOffset()
		for at < int64(len(r.data)) && bytes.IndexByte([]byte(" \t\r\n,:"), r.data[at]) >= 0 {
			at++
		}
		return at
	}
	found := offset()
	for _, step := range path {
		if open, err := decoder.Token(); err != nil || open != json.Delim('{') && open != json.Delim('[') {
			break
		}
		if !enter(decoder, step) {
			break
		}
		found = offset()
	}
	return 1 + bytes.Count(r.data[:found], []byte("\n"))
}

// enter moves a decoder, which is inside an object or a list, in front of one
// of its values.
func enter(decoder *json.Decoder, step any) bool {
	for i := 0; decoder.More(); i++ {
		if name, ok := step.(string); ok {
			key, err := decoder.Token()
			if err != nil {
				return false
			}
			if key == name {
				return true
			}
		} else if i == step {
			return true
		}
		var skipped json.RawMessage
		if decoder.Decode(&skipped) != nil {
			return false
		}
	}
	return false
}
