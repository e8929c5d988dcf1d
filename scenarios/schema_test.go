package scenarios

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "rewrite the golden files and schema.json")

func TestSchemaIsUpToDate(t *testing.T) {
	made, err := makeSchema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", made, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(made, Schema()) {
		t.Error("schema.json is not what the types say: run go test ./scenarios -update")
	}
}

// compileSchema returns the published schema as another's validator reads it.
func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(schemaID, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(schemaID)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validated returns a document of a file as the validator takes it.
func instance(t *testing.T, data []byte) any {
	t.Helper()
	trees, faults := documents("instance", data)
	if len(faults) > 0 || len(trees) != 1 {
		t.Fatal(faults)
	}
	encoded, err := json.Marshal(plain(trees[0]))
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// Every scenario that loads is valid by the schema, and so is what Show makes
// of each input.
func TestScenariosAreValidBySchema(t *testing.T) {
	schema := compileSchema(t)
	for _, file := range loadable(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if trees, _ := documents(file, data); len(trees) == 1 && isScenario(trees[0]) {
			if err := schema.Validate(instance(t, data)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		for _, w := range load(t, file) {
			shown, err := Show(w)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(instance(t, shown)); err != nil {
				t.Errorf("%s, shown: %v\n%s", file, err, shown)
			}
		}
	}
}
