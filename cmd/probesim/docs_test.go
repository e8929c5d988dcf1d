package main

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// documents are the files whose commands are run and compared.
var documents = []string{"README.md", "docs/tutorial.md", "docs/scale.md", "docs/compare.md"}

// TestDocumentedCommands runs every command that stands after "$ " in a console
// block of the documentation, in one directory for each document, and compares
// its output with what the document shows. Results are promised to be the same
// bytes on one architecture only; the documents show amd64's.
func TestDocumentedCommands(t *testing.T) {
	if underRace {
		t.Skip("the documents' commands run long lives")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("the documents show the output of amd64")
	}
	t.Chdir("../..")
	for _, name := range documents {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			fresh := documented(t, string(text))
			if fresh == string(text) {
				return
			}
			if !*update {
				t.Errorf("%s does not show what its commands print; go test ./cmd/probesim -run Documented -update writes it anew:\n%s",
					name, firstDifference(string(text), fresh))
				return
			}
			if err := os.WriteFile(name, []byte(fresh), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// documented returns the text with the output of each command in its place.
func documented(t *testing.T, text string) string {
	directory := t.TempDir()
	if err := os.CopyFS(directory+"/scenarios/gallery", os.DirFS("scenarios/gallery")); err != nil {
		t.Fatal(err)
	}
	runs := map[string]string{} // files with the output of commands that were run already
	var out strings.Builder
	console, skipping := false, false
	for line := range strings.Lines(text) {
		switch command, isCommand := strings.CutPrefix(line, "$ "); {
		case strings.HasPrefix(line, "```"):
			console = !console && strings.HasPrefix(line, "```console")
			skipping = false
			out.WriteString(line)
		case console && isCommand:
			out.WriteString(line + shell(t, directory, command, runs))
			skipping = true
		case !skipping:
			out.WriteString(line)
		}
	}
	return out.String()
}

// shell returns what a command line prints, both streams. What stands before
// the first pipe is run once for all command lines that begin with it.
func shell(t *testing.T, directory, line string, runs map[string]string) string {
	command, filter, piped := strings.Cut(strings.TrimSpace(line), " | ")
	if piped {
		file, known := runs[command]
		if !known {
			file = t.TempDir() + "/output"
			execute(t, directory, command+" > "+file+" 2>&1")
			runs[command] = file
		}
		command = "cat " + file + " | " + filter
	}
	return execute(t, directory, command)
}

func execute(t *testing.T, directory, command string) string {
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = directory
	output, err := cmd.CombinedOutput()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		t.Fatalf("%s: %v", command, err)
	}
	return string(output)
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "shown:   " + x[i] + "\nprinted: " + y[i]
		}
	}
	return "one of them ends early"
}
