package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"

	"github.com/probesim/probesim/scenarios"
)

// Results are built in memory and written at once, so that what stands on
// standard output is whole, or nothing.

// list is several results of one invocation, one for each workload.
type list struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Items      []any  `json:"items"`
}

// single returns the one result, or a list of several.
func single[T any](results []T) any {
	if len(results) == 1 {
		return results[0]
	}
	l := list{APIVersion: "probesim/v1", Kind: "List", Items: []any{}}
	for _, result := range results {
		l.Items = append(l.Items, result)
	}
	return l
}

// writeJSON writes a value with two spaces of indentation.
func writeJSON(w io.Writer, value any) error {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	_, err := w.Write(buffer.Bytes())
	return err
}

// writeYAML writes what writeJSON would, as YAML.
func writeYAML(w io.Writer, value any) error {
	data, err := scenarios.YAML(value)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// writeCSV writes a header and rows.
func writeCSV(w io.Writer, header []string, rows [][]string) error {
	var buffer bytes.Buffer
	out := csv.NewWriter(&buffer)
	if err := out.WriteAll(append([][]string{header}, rows...)); err != nil {
		return err
	}
	_, err := w.Write(buffer.Bytes())
	return err
}
