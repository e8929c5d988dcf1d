package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/lint"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

// The results schema is made from the types that the commands write, with the
// comments on their fields as descriptions, so that it cannot say anything
// else than they do.

// resultKinds are the results by their "kind".
var resultKinds = []struct {
	kind   string
	result reflect.Type
}{
	{"Estimates", reflect.TypeFor[estimate.Estimates]()},
	{"Comparison", reflect.TypeFor[estimate.Comparison]()},
	{"Recommendation", reflect.TypeFor[recommend.Recommendation]()},
	{"Calculation", reflect.TypeFor[calc.Calculation]()},
	{"Lint", reflect.TypeFor[lintResult]()},
	{"Fits", reflect.TypeFor[fitReport]()},
	{"Sweep", reflect.TypeFor[sweep]()},
	{"Tornado", reflect.TypeFor[tornadoResult]()},
}

// nullLists are the lists that may be null, which says something else than an
// empty one.
var nullLists = map[string]bool{"Quota.ExceedsTimeout": true, "Proposal.LivenessWorth": true}

// keywords is a schema, or a part of one.
type keywords = map[string]any

// resultSchema collects the definitions.
type resultSchema struct {
	definitions keywords
	comments    map[string]string // by "Type" and "Type.Field"
}

func makeResultSchema(t *testing.T) []byte {
	t.Helper()
	s := &resultSchema{definitions: keywords{}, comments: map[string]string{}}
	for _, folder := range []string{".", "../../model", "../../sim/calc", "../../sim/estimate", "../../sim/lint", "../../sim/recommend", "../../sim/stats"} {
		s.readComments(t, folder)
	}
	var kinds, items []any
	for _, k := range resultKinds {
		object := s.object(k.result)
		object["description"] = s.comments[k.result.Name()]
		properties := object["properties"].(keywords)
		properties["apiVersion"], properties["kind"] = keywords{"const": "probesim/v1"}, keywords{"const": k.kind}
		s.definitions[k.kind] = object
		reference := keywords{"$ref": "#/$defs/" + k.kind}
		kinds = append(kinds, reference)
		if k.kind == "Estimates" || k.kind == "Recommendation" || k.kind == "Calculation" {
			items = append(items, reference)
		}
	}
	s.definitions["List"] = keywords{
		"description": "Several results of one invocation, one for each workload.",
		"type":        "object", "additionalProperties": false, "required": []string{"apiVersion", "kind", "items"},
		"properties": keywords{
			"apiVersion": keywords{"const": "probesim/v1"}, "kind": keywords{"const": "List"},
			"items": keywords{"type": "array", "items": keywords{"oneOf": items}},
		},
	}
	s.definitions["TraceEvent"] = s.object(reflect.TypeFor[record]())
	s.definitions["TraceEvent"].(keywords)["description"] = "One line of `trace -o json`, which has no kind of result: each line is an event."
	data, err := json.MarshalIndent(keywords{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": resultSchemaID,
		"title":       "probesim results",
		"description": "What the commands print with -o json, by kind: run Estimates, compare Comparison, recommend Recommendation, calc Calculation, lint Lint, fit Fits, sweep Sweep or Tornado; several workloads a List. Units are in the keys. A measure that is null does not apply, and a note beside it says why; a bound that is null is infinite.",
		"oneOf":       append(kinds, keywords{"$ref": "#/$defs/List"}), "$defs": s.definitions,
	}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

// of returns the schema of a type.
func (s *resultSchema) of(t reflect.Type) keywords {
	if special := s.special(t); special != nil {
		return special
	}
	switch t.Kind() {
	case reflect.Pointer:
		return keywords{"anyOf": []any{s.of(t.Elem()), keywords{"type": "null"}}}
	case reflect.Struct:
		if t.Name() == "" {
			return s.object(t)
		}
		return s.reference(t, s.object)
	case reflect.Slice:
		return keywords{"type": "array", "items": s.of(t.Elem())}
	case reflect.String:
		return keywords{"type": "string"}
	case reflect.Bool:
		return keywords{"type": "boolean"}
	case reflect.Uint64:
		return keywords{"type": "integer", "minimum": 0}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return keywords{"type": "integer"}
	case reflect.Float64:
		return keywords{"type": "number"}
	}
	panic(fmt.Sprintf("%v: the schema of a result has no rule for this type", t))
}

// special returns the schema of a type that writes itself, nil for others.
func (s *resultSchema) special(t reflect.Type) keywords {
	number := keywords{"type": []string{"number", "null"}}
	switch t {
	case reflect.TypeFor[calc.Number]():
		return number
	case reflect.TypeFor[stats.Estimate]():
		return s.reference(t, func(reflect.Type) keywords { return s.estimate() })
	case reflect.TypeFor[estimate.ProbeFailures]():
		return s.reference(t, func(reflect.Type) keywords {
			e := s.estimate()
			e["properties"].(keywords)["runLengths"] = keywords{
				"description": s.comments["ProbeFailures.RunLengths"], "type": []string{"array", "null"}, "items": keywords{"type": "integer"},
			}
			e["required"] = append(e["required"].([]string), "runLengths")
			return e
		})
	case reflect.TypeFor[stats.Bounds]():
		return s.reference(t, func(reflect.Type) keywords {
			return keywords{"type": "object", "additionalProperties": false, "required": []string{"min", "max"}, "properties": keywords{"min": number, "max": number}}
		})
	case reflect.TypeFor[estimate.Measures]():
		return s.reference(t, func(t reflect.Type) keywords {
			m := s.object(t)
			kinds := keywords{}
			for _, kind := range []string{"startup", "readiness", "liveness"} {
				kinds[kind] = s.of(reflect.TypeFor[*estimate.ProbeFailures]())
			}
			m["properties"].(keywords)["probeFailureProbability"] = keywords{"type": "object", "additionalProperties": false, "required": []string{"startup", "readiness", "liveness"}, "properties": kinds}
			m["required"] = append(m["required"].([]string), "probeFailureProbability")
			return m
		})
	case reflect.TypeFor[lint.Severity]():
		return keywords{"enum": []string{"info", "warning", "error"}}
	case reflect.TypeFor[model.Handler]():
		return keywords{"type": "string"}
	case reflect.TypeFor[settingsInOrder]():
		return keywords{"type": "object", "additionalProperties": keywords{"type": "string"}}
	}
	return nil
}

// estimate is the schema of one number with its uncertainty.
func (s *resultSchema) estimate() keywords {
	properties := keywords{
		"estimate": keywords{"type": []string{"number", "null"}}, "low": keywords{"type": []string{"number", "null"}}, "high": keywords{"type": []string{"number", "null"}},
		"confidence": keywords{"type": "number"}, "method": keywords{"type": "string"}, "n": keywords{"type": "integer"},
	}
	for key, field := range map[string]string{"estimate": "Estimate", "low": "Low", "confidence": "Confidence", "method": "Method", "n": "N"} {
		if comment := s.comments["Estimate."+field]; comment != "" {
			properties[key].(keywords)["description"] = comment
		}
	}
	return keywords{"type": "object", "additionalProperties": false, "properties": properties, "required": []string{"estimate", "low", "high", "confidence", "method", "n"}}
}

// reference returns a reference to the definition of a type.
func (s *resultSchema) reference(t reflect.Type, make func(reflect.Type) keywords) keywords {
	name := t.Name()
	if path := t.PkgPath(); strings.HasSuffix(path, "/sim/calc") || strings.HasSuffix(path, "/sim/lint") {
		name = filepath.Base(path) + "." + name // such as a Probe, which the model has too
	}
	if _, made := s.definitions[name]; !made {
		s.definitions[name] = nil // a type that holds itself refers to this
		definition := make(t)
		if comment := s.comments[t.Name()]; comment != "" {
			definition["description"] = comment
		}
		s.definitions[name] = definition
	}
	return keywords{"$ref": "#/$defs/" + name}
}

// object is the schema of a struct: its exported fields, and those of what it
// embeds.
func (s *resultSchema) object(t reflect.Type) keywords {
	properties, required := keywords{}, []string{}
	for i := range t.NumField() {
		field := t.Field(i)
		key, option, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && key == "":
			inner := s.object(field.Type)
			for name, property := range inner["properties"].(keywords) {
				properties[name] = property
			}
			required = append(required, inner["required"].([]string)...)
			continue
		case !field.IsExported() || key == "-":
			continue
		}
		property := s.of(field.Type)
		if nullLists[t.Name()+"."+field.Name] {
			property = keywords{"anyOf": []any{property, keywords{"type": "null"}}}
		}
		if option == "omitempty" {
			if field.Type.Kind() == reflect.Pointer {
				property = s.of(field.Type.Elem())
			}
		} else {
			required = append(required, key)
		}
		if comment := s.comments[t.Name()+"."+field.Name]; comment != "" {
			property["description"] = comment
		}
		properties[key] = property
	}
	return keywords{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

// readComments keeps what stands above or beside the types and fields of a
// package.
func (s *resultSchema) readComments(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			declaration, ok := n.(*ast.GenDecl)
			if !ok {
				return true
			}
			for _, spec := range declaration.Specs {
				if spec, ok := spec.(*ast.TypeSpec); ok {
					s.readType(spec, declaration.Doc)
				}
			}
			return false
		})
	}
}

func (s *resultSchema) readType(spec *ast.TypeSpec, doc *ast.CommentGroup) {
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	s.comments[spec.Name.Name] = strings.Join(strings.Fields(doc.Text()), " ")
	for _, field := range structure.Fields.List {
		text := strings.Join(strings.Fields(field.Doc.Text()+" "+field.Comment.Text()), " ")
		for _, name := range field.Names {
			s.comments[spec.Name.Name+"."+name.Name] = text
		}
	}
}

// TestResultSchemaIsUpToDate holds the published schema to the types. Its
// descriptions may wait for the next -update.
func TestResultSchemaIsUpToDate(t *testing.T) {
	made := makeResultSchema(t)
	if *update {
		if err := os.WriteFile("results.schema.json", made, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !reflect.DeepEqual(undescribed(t, made), undescribed(t, resultSchemaJSON)) {
		t.Error("results.schema.json is not what the types say: run go test ./cmd/probesim -run TestResultSchemaIsUpToDate -update")
	}
}

// undescribed returns a schema without its descriptions.
func undescribed(t *testing.T, data []byte) any {
	t.Helper()
	var strip func(any)
	strip = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			if _, text := value["description"].(string); text {
				delete(value, "description")
			}
			for _, inner := range value {
				strip(inner)
			}
		case []any:
			for _, inner := range value {
				strip(inner)
			}
		}
	}
	var schema any
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	strip(schema)
	return schema
}

// compiledResultSchema returns the published schema, or one of its definitions,
// as another's validator reads it.
func compiledResultSchema(t *testing.T, pointer string) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(resultSchemaJSON))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(resultSchemaID, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(resultSchemaID + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// noProbes writes a pod without probes, and returns the file.
func noProbes(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pod.yaml")
	if err := os.WriteFile(name, []byte("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a}]}}"), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestResultsAreOfTheSchema holds what every command writes to the published
// schema, of cases that make a result differ: without probes, with replicas,
// infeasible, interrupted, of several workloads.
func TestResultsAreOfTheSchema(t *testing.T) {
	whole, event := compiledResultSchema(t, ""), compiledResultSchema(t, "#/$defs/TraceEvent")
	few := " --replications 2 --horizon 6h -o json "
	for _, command := range []string{
		"run" + few + "gallery:calico-node", "run" + few + "gallery:infinispan-ticks testdata/quiet.yaml", "run --replicas 3" + few + "testdata/quiet.yaml",
		"compare" + few + "gallery:calico-node", "recommend" + few + "testdata/quiet.yaml",
		"recommend" + few + "testdata/quiet.yaml --set objectives.detectionSeconds.p99=1", "recommend" + few + noProbes(t),
		"calc -o json gallery:starved-20m", "calc -o json gallery:aws-node-busy-node testdata/quiet.yaml", "calc -o json --period 10 --failures 3 --probability 0.01", "calc -o json --cpu-limit 20m --handler-cpu 5ms",
		"sweep" + few + "testdata/quiet.yaml --over livenessProbe.periodSeconds=5,10", "sweep --tornado" + few + "testdata/quiet.yaml",
		"lint -o json --fail-on never gallery:initial-delay-600s gallery:infinispan-ticks " + strings.ReplaceAll(writeList(t, 3), " ", "\x00"),
		"fit -o json ../../scenarios/testdata/measurements/startups.csv", "fit -o json ../../scenarios/testdata/measurements/events.json",
		"fit -o json --failures 300 --kills 47 --over 12d/13d --period 10 --timeout 1 --failure-threshold 3",
	} {
		args := strings.Fields(command)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "\x00", " ")
		}
		status, stdout, stderr := invoke(t.Context(), t, args...)
		result, err := jsonschema.UnmarshalJSON(strings.NewReader(stdout))
		if err != nil {
			t.Errorf("%s: status %d, %s: %v", command, status, stderr, err)
			continue
		}
		kind := result.(map[string]any)["kind"].(string) // says what is wrong in fewer words than the whole
		if err := compiledResultSchema(t, "#/$defs/"+kind).Validate(result); err != nil {
			t.Errorf("%s: %v", command, err)
		} else if err := whole.Validate(result); err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
	_, stdout, _ := invoke(t.Context(), t, strings.Fields("trace -o json gallery:ingress-controller --hang 5m --horizon 1h")...)
	for line := range strings.Lines(stdout) {
		result, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if err := event.Validate(result); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}
