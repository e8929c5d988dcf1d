package scenarios

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestReferenceIsUpToDate holds docs/scenario.md, the reference of the scenario
// format, to the schema it is made from.
func TestReferenceIsUpToDate(t *testing.T) {
	file := filepath.Join("..", "docs", "scenario.md")
	made := reference(t)
	if *update {
		if err := os.WriteFile(file, []byte(made), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != made {
		t.Errorf("%s is not what the schema says: run go test ./scenarios -update", file)
	}
}

const referenceHead = `# The scenario format

Made from the schema (` + "`probesim scenarios schema`" + `), which editors complete and check.
A scenario is YAML or JSON. What is absent does not happen; ` + "`probesim show SCENARIO`" + `
prints it with every default filled in. A field that is not listed here is an error,
with the nearest one that is.

Durations are Go's (` + "`90s`, `1h30m`, `250ms`" + `), with ` + "`d`" + ` for days. CPU is a quantity of
Kubernetes (` + "`250m`, `2`" + `).

## distributions

Wherever a distribution is allowed, a bare value is a constant.

| written | is |
|---|---|
| ` + "`250ms`" + ` | always that |
| ` + "`{p50: 3ms, p99: 40ms}`" + ` | the lognormal through two quantiles, any two |
| ` + "`{p50: 1s, p90: 2s, p99: 9s}`" + ` | three or more quantiles, joined on a log scale |
| ` + "`{mean: 10s, sd: 2s}`" + ` | lognormal |
| ` + "`{exponential: 10s}`" + ` | exponential, by its mean |
| ` + "`{uniform: [1s, 3s]}`" + ` | uniform between two values |
| ` + "`{normal: {mean: 10s, sd: 2s}}`" + ` | normal, truncated at 0 |
| ` + "`{gamma: {shape: 2, scale: 3s}}`" + `, ` + "`{weibull: {shape: 1.5, scale: 10s}}`" + `, ` + "`{pareto: {scale: 1s, shape: 1.5}}`" + ` | by shape and scale |
| ` + "`{triangular: [1s, 2s, 5s]}`" + ` | from, most likely, to |
| ` + "`{mixture: [{weight: 9, of: 0s}, {weight: 1, of: {p50: 30s, p99: 70s}}]}`" + ` | one of several |
| ` + "`{uncertain: [{p50: 9s, p99: 14s}, {p50: 10s, p99: 19s}]}`" + ` | one of several, nobody knows which, as fit writes what a few measurements leave open (-o uncertain); run and recommend carry it into their intervals, and other commands take the first, the best guess |
| ` + "`{shift: 1s, of: {exponential: 10s}}`" + ` | another, that much longer |
| ` + "`{samples: file.csv}`" + ` | the values of a file, as often as they stand in it |
| ` + "`{histogram: file}`" + ` | Prometheus' buckets |
`

// TestReferencesDistributions holds every line of the table of distributions to
// the loader.
func TestReferencesDistributions(t *testing.T) {
	for line := range strings.Lines(referenceHead) {
		for i, code := range strings.Split(line, "`") {
			if !strings.HasPrefix(line, "| `") || i%2 == 0 || strings.Contains(code, "file") {
				continue
			}
			text := "apiVersion: probesim/v1\nkind: Scenario\nmetadata: {name: a}\npod: {containers: [{name: a}]}\napplication: {startup: {wait: " + code + "}}\n"
			if _, err := Load(Source{Name: "a.yaml", Data: []byte(text)}, nil); err != nil {
				t.Errorf("%s: %v", code, err)
			}
		}
	}
}

// reference writes every definition that the schema's root leads to, in the
// order in which it is met, fields by name.
func reference(t *testing.T) string {
	t.Helper()
	var schema map[string]any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	definitions := schema["$defs"].(map[string]any)
	var b strings.Builder
	b.WriteString(referenceHead)
	todo := []string{""}
	for done := map[string]bool{}; len(todo) > 0; todo = todo[1:] {
		name := todo[0]
		if done[name] {
			continue
		}
		done[name] = true
		definition, heading := schema, "scenario"
		if name != "" {
			definition, heading = definitions[name].(map[string]any), name
		}
		fields, ok := definition["properties"].(map[string]any)
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| field | is | |\n|---|---|---|\n", heading)
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			of := fields[field].(map[string]any)
			text, next := kind(of)
			for _, n := range next {
				if !strings.HasPrefix(n, "kubernetes.") {
					todo = append(todo, n)
				}
			}
			description, _ := of["description"].(string)
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", field, text, strings.ReplaceAll(description, "|", "\\|"))
		}
	}
	return b.String()
}

// kind writes what a field may be, and the definitions it refers to.
func kind(of map[string]any) (text string, references []string) {
	if reference, ok := of["$ref"].(string); ok {
		name := strings.TrimPrefix(reference, "#/$defs/")
		if kubernetes, ok := strings.CutPrefix(name, "kubernetes."); ok {
			return "Kubernetes' " + kubernetes, nil
		}
		switch name {
		case "duration":
			return name, nil
		case "durationDistribution":
			return "duration or [distribution](#distributions) of durations", nil
		case "numberDistribution":
			return "number or [distribution](#distributions) of numbers", nil
		}
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name)), []string{name}
	}
	if values, ok := of["enum"].([]any); ok {
		var words []string
		for _, value := range values {
			words = append(words, fmt.Sprintf("`%v`", value))
		}
		return strings.Join(words, ", "), nil
	}
	if value, ok := of["const"]; ok {
		return fmt.Sprintf("`%v`", value), nil
	}
	if items, ok := of["items"].(map[string]any); ok {
		text, references = kind(items)
		return "list of " + text, references
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if choices, ok := of[key].([]any); ok {
			var words []string
			for _, choice := range choices {
				word, more := kind(choice.(map[string]any))
				words, references = append(words, word), append(references, more...)
			}
			return strings.Join(words, " or "), references
		}
	}
	if values, ok := of["additionalProperties"].(map[string]any); ok {
		text, references = kind(values)
		return "map of " + text, references
	}
	switch types := of["type"].(type) {
	case string:
		text = types
	case []any:
		var words []string
		for _, word := range types {
			words = append(words, fmt.Sprint(word))
		}
		text = strings.Join(words, " or ")
	}
	low, least := of["minimum"]
	high, most := of["maximum"]
	switch {
	case least && most:
		text += fmt.Sprintf(", %v to %v", low, high)
	case least:
		text += fmt.Sprintf(", at least %v", low)
	case most:
		text += fmt.Sprintf(", at most %v", high)
	}
	return text, references
}
