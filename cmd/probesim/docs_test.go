package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// documents are the files whose commands are run and compared.
var documents = []string{"README.md", "docs/tutorial.md", "docs/gallery.md", "docs/statistics.md", "docs/scale.md", "docs/compare.md"}

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
	shared := outputs{t.TempDir(), map[string]string{}}
	for _, name := range documents {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			fresh := documented(t, string(text), &shared)
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

// outputs are files with what commands printed that were run already.
type outputs struct {
	directory string
	files     map[string]string
}

// file returns the file of a command, and whether it was run already.
func (o *outputs) file(command string) (name string, known bool) {
	if name, known = o.files[command]; !known {
		name = fmt.Sprintf("%s/output-%d", o.directory, len(o.files))
		o.files[command] = name
	}
	return name, known
}

// documented returns the text with the output of each command in its place. What
// is shared are the outputs of commands that read nothing but the gallery, which
// is the same for all documents.
func documented(t *testing.T, text string, shared *outputs) string {
	directory := t.TempDir()
	if err := os.CopyFS(directory+"/scenarios/gallery", os.DirFS("scenarios/gallery")); err != nil {
		t.Fatal(err)
	}
	own := outputs{t.TempDir(), map[string]string{}}
	var out strings.Builder
	console, skipping := false, false
	for line := range strings.Lines(text) {
		switch command, isCommand := strings.CutPrefix(line, "$ "); {
		case strings.HasPrefix(line, "```"):
			console = !console && strings.HasPrefix(line, "```console")
			skipping = false
			out.WriteString(line)
		case console && isCommand:
			runs := &own
			if strings.Contains(command, " gallery:") {
				runs = shared
			}
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
func shell(t *testing.T, directory, line string, runs *outputs) string {
	command, filter, piped := strings.Cut(strings.TrimSpace(line), " | ")
	if piped {
		file, known := runs.file(command)
		if !known {
			execute(t, directory, command+" > "+file+" 2>&1")
		}
		command = "cat " + file + " | " + filter
	}
	return execute(t, directory, command)
}

func execute(t *testing.T, directory, command string) string {
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = directory
	cmd.Env = append(os.Environ(), "COLUMNS=") // not that of whoever runs the tests
	output, err := cmd.CombinedOutput()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		t.Fatalf("%s: %v", command, err)
	}
	return string(output)
}

// TestDocumentedPictures holds the pictures that are quickly drawn to what
// docs/pictures.sh draws.
func TestDocumentedPictures(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the documents show the pictures of amd64")
	}
	directory := t.TempDir()
	for name, args := range map[string][]string{
		"life":    {"gallery:ingress-controller"},
		"rollout": {"gallery:rollout-deadline", "--chart", "rollout"},
	} {
		file := filepath.Join(directory, name+".svg")
		if status, _, stderr := invoke(t.Context(), t, append(append([]string{"plot"}, args...), "-o", file)...); status != 0 {
			t.Fatalf("%s: status %d, %s", name, status, stderr)
		}
		drawn, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := os.ReadFile(filepath.Join("../../docs/images", name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		if string(drawn) != string(shown) {
			t.Errorf("docs/images/%s.svg is not what is drawn now: bash docs/pictures.sh %[1]s", name)
		}
	}
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

// TestDocumentedFlags holds the command lines that stand in the other blocks of
// the documents, and in the help of the commands, to commands and flags that there
// are: they need a cluster, a file of the reader's, or much time, and are not run.
func TestDocumentedFlags(t *testing.T) {
	texts := map[string]string{}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(pages, "../../README.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if within := strings.TrimPrefix(filepath.ToSlash(name), "../../"); strings.Contains(string(text), "```console") && !slices.Contains(documents, within) {
			t.Errorf("%s: nobody runs its commands", within)
		}
		for i, block := range strings.Split(string(text), "```") {
			if language, lines, _ := strings.Cut(block, "\n"); i%2 == 1 && language != "text" {
				texts[name] += lines
			}
		}
	}
	var examples func(*cobra.Command)
	examples = func(cmd *cobra.Command) {
		texts[cmd.CommandPath()+" --help"] = cmd.Example
		for _, c := range cmd.Commands() {
			examples(c)
		}
	}
	examples(rootCommand("probesim"))
	checked := 0
	for name, text := range texts {
		for _, found := range documentedLine.FindAllStringSubmatch(text, -1) {
			words := strings.Fields(regexp.MustCompile(`'[^']*'|"[^"]*"`).ReplaceAllString(found[1], "x"))
			cmd, rest, err := rootCommand("probesim").Find(words)
			if err == nil {
				err = cmd.ParseFlags(withValues(rest))
			}
			if err != nil && !strings.Contains(err.Error(), "invalid argument") {
				t.Errorf("%s: %s: %v", name, found[0], err)
			}
			checked++
		}
	}
	if checked < 40 {
		t.Errorf("only %d command lines were found", checked)
	}
}

// documentedLine is a command line up to what a shell does with it.
var documentedLine = regexp.MustCompile(`(?m)(?:^|[|&;(]\s*|\s)probesim ([a-z][^|>;&\n#)]*)`)

// withValues drops what stands for nothing in particular.
func withValues(words []string) []string {
	return slices.DeleteFunc(words, func(word string) bool { return word == "\\" || word == "..." })
}
