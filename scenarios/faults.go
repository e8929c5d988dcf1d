package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
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

// nearest returns the word of the list that the given one is most likely a
// slip of, or "" where none is near: a third of its letters may be inserted,
// left out, changed or swapped, or two, or one of a very short word.
func nearest(word string, words []string) string {
	allowed := max(2, len(word)/3)
	if len(word) < 4 {
		allowed = 1
	}
	best, bestDistance := "", allowed+1
	for _, candidate := range words {
		if strings.EqualFold(word, candidate) {
			return candidate
		}
		if distance := editDistance(strings.ToLower(word), strings.ToLower(candidate)); distance < bestDistance && distance < len(candidate) {
			best, bestDistance = candidate, distance
		}
	}
	return best
}

// editDistance is the number of letters to insert, delete, replace or swap
// with their neighbour that turn a into b (optimal string alignment). Words
// beyond 64 letters are no slips of a field name and count as far away.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			changed := 1
			if a[i-1] == b[j-1] {
				changed = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+changed)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// notOneOf says that a word is not among the allowed ones.
func notOneOf(word string, allowed []string) string {
	if len(allowed) == 1 {
		return fmt.Sprintf("%s: must be %s", quoted(word), allowed[0])
	}
	message := fmt.Sprintf("%s: must be one of %s", quoted(word), strings.Join(allowed, ", "))
	if near := nearest(word, allowed); near != "" {
		message += fmt.Sprintf(" (did you mean %q?)", near)
	}
	return message
}

// unknownField says that a mapping has no such field.
func unknownField(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return fmt.Sprintf("unknown field (did you mean %q?)", near)
	}
	if len(known) > 16 {
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
