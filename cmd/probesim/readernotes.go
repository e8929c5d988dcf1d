package main

import (
	"slices"
	"strings"
)

// notesForReaders returns notes as people read them: what holds of both settings,
// or of both probes, is said once, and why a value of the JSON is null is left to
// the JSON, since a table has no such value. The notes themselves stay whole in
// every format for machines.
func notesForReaders(notes []string) []string {
	pairs := []struct{ one, other, both string }{
		{"current settings: ", "recommended settings: ", "both settings: "},
		{"readinessProbe: ", "livenessProbe: ", "readinessProbe and livenessProbe: "},
	}
	var read []string
	left := 0
notes:
	for _, note := range notes {
		if ofJSON(note) {
			left++
			continue
		}
		for _, pair := range pairs {
			if said, found := strings.CutPrefix(note, pair.other); found && slices.Contains(notes, pair.one+said) {
				continue notes
			}
			if said, found := strings.CutPrefix(note, pair.one); found && slices.Contains(notes, pair.other+said) {
				note = pair.both + said
			}
		}
		read = append(read, note)
	}
	if left > 0 {
		read = append(read, "-o json has "+plural(left, "more note")+": why values have no bound or do not apply")
	}
	return read
}

// ofJSON reports whether a note says why a key has no value.
func ofJSON(note string) bool {
	for _, said := range []string{".estimate is null: ", "bounds.max is null for ", " are null: ", " is null: "} {
		if strings.Contains(note, said) {
			return true
		}
	}
	subject, _, found := strings.Cut(note, " does not apply: ")
	words := strings.Fields(subject)
	return found && (len(words) == 1 || strings.HasSuffix(words[len(words)-2], ":")) // the key of a measure
}
