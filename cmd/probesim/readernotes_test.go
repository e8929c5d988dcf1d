package main

import (
	"slices"
	"testing"
)

func TestNotesForReaders(t *testing.T) {
	got := notesForReaders([]string{
		"readinessProbe: seen along paths",
		"livenessProbe: seen along paths",
		"current settings: first starts",
		"current settings: 5 of these starts",
		"current settings: deadRequestsPerFault does not apply: the scenario has no traffic",
		"meanTimeToFalseKillSeconds.estimate is null: no false kill was seen",
		"bounds.max is null for removalSeconds: it has no longest value",
		"recommended settings: first starts",
		"recommended settings: 1 of these starts",
		"the closed form does not apply: a neighbour keeps the CPU busy",
	})
	want := []string{
		"readinessProbe and livenessProbe: seen along paths",
		"both settings: first starts",
		"current settings: 5 of these starts",
		"recommended settings: 1 of these starts",
		"the closed form does not apply: a neighbour keeps the CPU busy",
		"-o json has 3 more notes: why values have no bound or do not apply",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := notesForReaders(nil); len(got) > 0 {
		t.Errorf("no notes became %q", got)
	}
}
