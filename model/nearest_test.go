package model

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	words := []string{"periodSeconds", "timeoutSeconds", "failureThreshold", "mean", "sd", "max", "p99"}
	for word, want := range map[string]string{
		"periodSecond": "periodSeconds", "peroidSeconds": "periodSeconds", "PERIODSECONDS": "periodSeconds", "failurethreshold": "failureThreshold",
		"failTreshold": "failureThreshold", "maen": "mean", "ma": "max", "p9": "p99", "": "", "colour": "", "x": "", "seconds": "",
		strings.Repeat("a", 100): "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}

// The edit distance is a metric on what it is used for: 0 only for equal
// words, symmetric, and one for one slip.
func TestEditDistance(t *testing.T) {
	word := rapid.StringMatching(`[a-c]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		distance := editDistance(a, b)
		if distance != editDistance(b, a) || (distance == 0) != (a == b) || distance > max(len(a), len(b)) {
			t.Fatalf("%q, %q: %d", a, b, distance)
		}
		at := rapid.IntRange(0, len(a)).Draw(t, "at")
		if slip := a[:at] + "d" + a[at:]; editDistance(a, slip) != 1 {
			t.Fatalf("%q, %q: %d", a, slip, editDistance(a, slip))
		}
		if at+1 < len(a) && a[at] != a[at+1] {
			if swapped := a[:at] + a[at+1:at+2] + a[at:at+1] + a[at+2:]; editDistance(a, swapped) != 1 {
				t.Fatalf("%q, %q: %d", a, swapped, editDistance(a, swapped))
			}
		}
	})
}
