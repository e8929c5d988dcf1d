package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/probesim/probesim/"

// layers are the parts of the module that each part may import: arrows point
// one way (docs/design.md, Packages).
var layers = map[string][]string{
	"model":        {"model"},
	"sim":          {"model", "sim"},
	"plots":        {"model", "sim", "plots"},
	"scenarios":    {"model", "scenarios"},
	"cmd/probesim": {"model", "sim", "plots", "scenarios"},
}

// keepers are packages of others that only one part of the module may know.
var keepers = map[string]string{
	"go.yaml.in/yaml":    "scenarios",
	"sigs.k8s.io/yaml":   "scenarios",
	"k8s.io/":            "scenarios",
	"gonum.org/v1/plot":  "plots",
	"github.com/spf13/":  "cmd/probesim",
	"golang.org/x/term":  "cmd/probesim",
	"codeberg.org/go-fo": "plots",
	"codeberg.org/go-pd": "plots",
}

// forbidden are packages of the standard library that the pure parts, model
// and sim, must not import: they do no I/O and log nothing.
var forbidden = []string{"os", "net", "net/http", "io/fs", "log", "log/slog", "os/signal", "embed", "flag"}

// forTests are packages of material for tests. They may read files, and no
// package outside of tests may import them.
var forTests = []string{"sim/corpus"}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range listPackages(t) {
		path := strings.TrimPrefix(p.ImportPath, module)
		from := layerOf(path)
		if from == "" {
			t.Errorf("%s: belongs to no layer of %v", path, layers)
			continue
		}
		for _, imported := range p.Imports {
			if inner, ours := strings.CutPrefix(imported, module); ours {
				if slices.Contains(forTests, inner) {
					t.Errorf("%s imports %s: only tests may", path, inner)
				}
				if to := layerOf(inner); !slices.Contains(layers[from], to) {
					t.Errorf("%s imports %s: %s may import only %v", path, inner, from, layers[from])
				}
				continue
			}
			for prefix, keeper := range keepers {
				if strings.HasPrefix(imported, prefix) && from != keeper {
					t.Errorf("%s imports %s: only %s may", path, imported, keeper)
				}
			}
			if (from == "model" || from == "sim") && !slices.Contains(forTests, path) && slices.Contains(forbidden, imported) {
				t.Errorf("%s imports %s: %s does no I/O", path, imported, from)
			}
		}
	}
}

// layerOf returns the part of the module a package belongs to.
func layerOf(path string) string {
	for layer := range layers {
		if path == layer || strings.HasPrefix(path, layer+"/") {
			return layer
		}
	}
	return ""
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	output, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) < 5 {
		t.Fatalf("only %d packages found", len(packages))
	}
	return packages
}
