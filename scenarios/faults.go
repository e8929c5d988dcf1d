package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/probesim/probesim/model"
)

// Fault is one thing wrong with an input.
type Fault struct {
	File    string // as the source is named; "--set path=value" for an overlay of the command line
	Line    int    // from 1; 0 where there is none
	Path    string // of the field: "spec.template.spec.containers[0].livenessProbe.periodSeconds"; empty for the whole file
	Message string // the value, and the rule it breaks or what is allowed
}

// Error returns the fault as "file:line: field.path: value: rule".
func (f Fault) Error() string {
	var text strings.Builder
	text.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&text, ":%d", f.Line)
	}
	text.WriteString(": ")
	if f.Path != "" {
		text.WriteString(f.Path + ": ")
	}
	text.WriteString(f.Message)
	return text.String()
}

// Faults are all the things wrong with an input, sorted by file and line. It
// is the type of every error that Load returns.
type Faults []Fault

// nothingToStudy is what is wrong with an input that may well be right, but for
// other programs.
const nothingToStudy = "holds no scenario and no object with a pod template"

// Empty reports whether the only thing wrong is that there is nothing to study.
func (f Faults) Empty() bool {
	return len(f) == 1 && strings.HasPrefix(f[0].Message, nothingToStudy)
}

// Error returns one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// Of reports whether any fault is of the file.
func (f Faults) Of(file string) bool {
	return slices.ContainsFunc(f, func(fault Fault) bool { return fault.File == file })
}

// sorted returns the faults by file, line and path, each once: variants repeat
// what the base already shows.
func (f Faults) sorted() Faults {
	sorted := slices.Clone(f)
	slices.SortStableFunc(sorted, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	var once Faults
	seen := map[Fault]bool{}
	for _, fault := range sorted {
		if !seen[fault] {
			once = append(once, fault)
			seen[fault] = true
		}
	}
	return once
}

// notOneOf says that a word is not among the allowed ones.
func notOneOf(word string, allowed []string) string {
	if len(allowed) == 1 {
		return fmt.Sprintf("%s: must be %s", quoted(word), allowed[0])
	}
	message := fmt.Sprintf("%s: must be one of %s", quoted(word), strings.Join(allowed, ", "))
	if near := model.Nearest(word, allowed); near != "" {
		message += fmt.Sprintf(" (did you mean %q?)", near)
	}
	return message
}

// unknownField says that a mapping has no such field.
func unknownField(name string, known []string) string {
	if near := model.Nearest(name, known); near != "" {
		return fmt.Sprintf("unknown field (did you mean %q?)", near)
	}
	if len(known) > 24 {
		return "unknown field"
	}
	return "unknown field, allowed: " + strings.Join(known, ", ")
}

// quoted returns a text from the input in quotes, cut to a length that leaves
// the rest of the message readable.
func quoted(text string) string {
	return fmt.Sprintf("%q", abridged(text))
}

func abridged(text string) string {
	const longest = 60
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
