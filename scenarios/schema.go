package scenarios

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

//go:embed schema.json
var schemaJSON []byte

// Schema returns the JSON Schema, draft 2020-12, of the scenario format. It is
// made from the types that the loader decodes into, so that editors complete
// and check what Load accepts; rules that concern several fields, and bounds on
// durations, are Load's alone.
func Schema() []byte { return schemaJSON }

// schemaID names the schema; editors need not be able to fetch it.
const schemaID = "https://github.com/probesim/probesim/scenarios/schema.json"

// schemaWriter collects the definitions that the schema refers to.
type schemaWriter struct {
	definitions keywords
}

// keywords is a schema, or a part of one.
type keywords = map[string]any

// makeSchema generates the schema.
func makeSchema() ([]byte, error) {
	w := &schemaWriter{definitions: keywords{}}
	schema := w.structSchema(scenarioType)
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["$id"] = schemaID
	schema["title"] = "probesim scenario"
	schema["oneOf"] = []any{keywords{"required": []string{"manifest"}}, keywords{"required": []string{"pod"}}}
	schema["$defs"] = w.definitions
	data, err := json.MarshalIndent(schema, "", " ")
	return append(data, '\n'), err
}

// reference returns a reference to the definition of a type, made by make on
// first use.
func (w *schemaWriter) reference(t reflect.Type, make func() keywords) keywords {
	name := t.Name()
	if strings.HasPrefix(t.PkgPath(), "k8s.io/") {
		name = "kubernetes." + name
	}
	if _, ok := w.definitions[name]; !ok {
		w.definitions[name] = nil // a type that holds itself refers to this
		w.definitions[name] = make()
	}
	return keywords{"$ref": "#/$defs/" + name}
}

// schemaOf returns the schema of a type.
func (w *schemaWriter) schemaOf(t reflect.Type) keywords {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if leaf := w.leafSchema(t); leaf != nil {
		return leaf
	}
	switch t.Kind() {
	case reflect.Struct:
		return w.reference(t, func() keywords { return w.structSchema(t) })
	case reflect.Map:
		return keywords{"type": "object", "additionalProperties": w.schemaOf(t.Elem())}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return keywords{"type": "string"}
		}
		return keywords{"type": "array", "items": w.schemaOf(t.Elem())}
	case reflect.Bool:
		return keywords{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return keywords{"type": "integer"}
	case reflect.Uint64:
		return keywords{"type": "integer", "minimum": 0}
	case reflect.Float64:
		return keywords{"type": "number"}
	}
	return keywords{"type": "string"}
}

// leafSchema returns the schema of a type that is decoded in its own way, nil
// for others.
func (w *schemaWriter) leafSchema(t reflect.Type) keywords {
	switch t {
	case reflect.TypeFor[duration]():
		return w.reference(t, durationSchema)
	case reflect.TypeFor[durationDistribution]():
		return w.reference(t, func() keywords { return w.distributionSchema(t, w.schemaOf(reflect.TypeFor[duration]())) })
	case reflect.TypeFor[numberDistribution]():
		return w.reference(t, func() keywords { return w.distributionSchema(t, keywords{"type": "number", "minimum": 0}) })
	case reflect.TypeFor[cpuQuantity](), reflect.TypeFor[resource.Quantity]():
		return keywords{"type": []string{"string", "number"}}
	case reflect.TypeFor[intstr.IntOrString]():
		return keywords{"type": []string{"string", "integer"}}
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.MicroTime]():
		return keywords{"type": "string"}
	case reflect.TypeFor[stages]():
		one := w.schemaOf(reflect.TypeFor[stage]())
		return keywords{"anyOf": []any{one, keywords{"type": "array", "items": one}}}
	case reflect.TypeFor[workers]():
		return keywords{"anyOf": []any{keywords{"type": "integer", "minimum": 1}, keywords{"const": unlimited}}}
	case reflect.TypeFor[kernelVersion](), reflect.TypeFor[kubernetesVersion]():
		return keywords{"type": []string{"string", "number"}}
	case reflect.TypeFor[changes]():
		return keywords{"type": "object"}
	}
	return nil
}

func durationSchema() keywords {
	return keywords{
		"description": "A duration: 250ms, 1m30s, 30d, 1d12h, 2y; at most 100 years.",
		"anyOf": []any{
			keywords{"type": "string", "minLength": 1, "pattern": `^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)y)?(([0-9]+(\.[0-9]*)?|\.[0-9]+)d)?((([0-9]+(\.[0-9]*)?)|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*$`},
			keywords{"const": 0},
		},
	}
}

// distributionSchema returns the schema of a distribution of values.
func (w *schemaWriter) distributionSchema(t reflect.Type, value keywords) keywords {
	self := keywords{"$ref": "#/$defs/" + t.Name()}
	only := func(properties keywords) keywords {
		var required []string
		for _, name := range []string{"mean", "sd", "shape", "scale", "weight", "shift", "of"} {
			if _, ok := properties[name]; ok {
				required = append(required, name)
			}
		}
		for _, name := range families {
			if _, ok := properties[name]; ok && name != "shift" {
				required = append(required, name)
			}
		}
		return keywords{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
	}
	list := func(items keywords, n int) keywords {
		return keywords{"type": "array", "items": items, "minItems": n, "maxItems": n}
	}
	shaped := only(keywords{"shape": keywords{"type": "number"}, "scale": value})
	part := only(keywords{"weight": keywords{"type": "number", "minimum": 0}, "of": self})
	file := keywords{"type": "string"}
	return keywords{
		"description": "A value, or a distribution: two quantiles (lognormal), more quantiles, mean and sd (lognormal), or a family by name.",
		"anyOf": []any{
			value,
			keywords{
				"type": "object", "minProperties": 2, "additionalProperties": false,
				"patternProperties": keywords{`^p[0-9]+(\.[0-9]+)?$`: value}, "properties": keywords{"p50": value, "p90": value, "p99": value},
			},
			only(keywords{"mean": value, "sd": value}),
			only(keywords{"exponential": value}),
			only(keywords{"uniform": list(value, 2)}),
			only(keywords{"triangular": list(value, 3)}),
			only(keywords{"normal": only(keywords{"mean": value, "sd": value})}),
			only(keywords{"gamma": shaped}),
			only(keywords{"weibull": shaped}),
			only(keywords{"pareto": shaped}),
			only(keywords{"mixture": keywords{"type": "array", "items": part, "minItems": 1}}),
			only(keywords{"uncertain": keywords{"type": "array", "items": self, "minItems": 2}}),
			only(keywords{"shift": value, "of": self}),
			only(keywords{"samples": file}),
			only(keywords{"histogram": file}),
		},
	}
}

// structSchema returns the schema of a struct from its fields' tags, or, for
// the types of Kubernetes, from the documentation they carry.
func (w *schemaWriter) structSchema(t reflect.Type) keywords {
	properties := keywords{}
	var required []string
	documented, _ := reflect.New(t).Interface().(interface{ SwaggerDoc() map[string]string })
	for _, f := range fieldsOf(t) {
		property := w.schemaOf(f.of)
		if f.tag.Get("required") != "" {
			required = append(required, f.name)
		}
		addRules(property, f.tag)
		doc := f.tag.Get("doc")
		if documented != nil {
			doc = firstSentence(documented.SwaggerDoc()[f.name])
		}
		if doc != "" {
			property["description"] = doc
		}
		properties[f.name] = property
	}
	schema := keywords{"type": "object", "additionalProperties": false, "properties": properties}
	if required != nil {
		schema["required"] = required
	}
	return schema
}

// addRules adds what the tags of a field state. Bounds apply to plain numbers;
// those on durations are left to Load.
func addRules(property keywords, tag reflect.StructTag) {
	if enum := tag.Get("enum"); enum != "" {
		target := property
		if items, ok := property["items"].(keywords); ok {
			target = items
		}
		target["enum"] = strings.Split(enum, "|")
	}
	if text, ok := tag.Lookup("default"); ok {
		var tree yaml.Node
		if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
			panic(fmt.Sprintf("%s: %v", text, err)) // a tag, not input
		}
		property["default"] = plain(tree.Content[0])
	}
	if kind := property["type"]; kind != "number" && kind != "integer" {
		return
	}
	for key, keyword := range map[string]string{"min": "minimum", "max": "maximum", "above": "exclusiveMinimum"} {
		if number, err := strconv.ParseFloat(tag.Get(key), 64); err == nil {
			property[keyword] = number
		}
	}
}

func firstSentence(doc string) string {
	sentence, _, _ := strings.Cut(doc, "\n")
	if i := strings.Index(sentence, ". "); i >= 0 {
		sentence = sentence[:i+1]
	}
	return sentence
}
