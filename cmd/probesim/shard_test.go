package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestReplaceFileLeavesNothing: where the file cannot be put in its place,
// nothing is left beside it.
func TestReplaceFileLeavesNothing(t *testing.T) {
	directory := t.TempDir()
	taken := filepath.Join(directory, "taken") // by a folder
	if err := os.Mkdir(taken, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(taken, []byte("{}")); err == nil {
		t.Error("a folder was replaced")
	}
	entries, err := os.ReadDir(directory)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v: want the folder alone", entries, err)
	}
}
