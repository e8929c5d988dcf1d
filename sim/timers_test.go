package sim

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The tournament finds what a search of all timers finds.
func TestTimersFindTheEarliest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 20).Draw(t, "timers")
		tree, plain := newTimers(n), make([]time.Duration, n)
		for i := range plain {
			plain[i] = never
		}
		for range 60 {
			i := rapid.IntRange(0, n-1).Draw(t, "timer")
			plain[i] = time.Duration(rapid.IntRange(0, 8).Draw(t, "at"))
			if plain[i] == 8 {
				plain[i] = never
			}
			tree.set(i, plain[i])
			first := 0
			for j := range plain {
				if plain[j] < plain[first] {
					first = j
				}
			}
			if got, at := tree.next(); at != plain[first] || at != never && got != first {
				t.Fatalf("timer %d at %v, want %d at %v", got, at, first, plain[first])
			}
		}
	})
}
