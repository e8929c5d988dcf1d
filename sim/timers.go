package sim

import (
	"math"
	"time"
)

// never is later than any horizon.
const never = time.Duration(math.MaxInt64)

// timers is the event list. Every actor has at most one future event, so it is
// a fixed set of instants: setting one replaces it, and the earliest fires.
// Ties go to the lower index. The set is a tournament tree, so that setting
// costs a few comparisons and looking costs none.
type timers struct {
	size int             // leaves, a power of two
	at   []time.Duration // of each leaf
	win  []int32         // nodes 1 … 2*size-1, of which the last are the leaves: the leaf that wins below
}

func newTimers(n int) timers {
	size := 1
	for size < n {
		size *= 2
	}
	t := timers{size: size, at: make([]time.Duration, size), win: make([]int32, 2*size)}
	t.clear()
	return t
}

// clear stops every timer.
func (t *timers) clear() {
	for i := range t.at {
		t.at[i] = never
	}
	for i := range t.size {
		t.win[t.size+i] = int32(i)
	}
	for n := t.size - 1; n >= 1; n-- {
		t.win[n] = t.win[2*n] // all are equal
	}
}

// set makes timer i fire at the given instant, or not at all if it is never.
func (t *timers) set(i int, at time.Duration) {
	if t.at[i] == at {
		return
	}
	t.at[i] = at
	winner := int32(i)
	for n := i + t.size; n > 1; n /= 2 {
		other := t.win[n^1]
		if t.at[other] < at || t.at[other] == at && other < winner {
			winner, at = other, t.at[other]
		}
		before := t.win[n/2]
		t.win[n/2] = winner
		if winner == before && int(before) != i {
			return // i neither won here before nor does now, so nothing changes above
		}
	}
}

// next returns the timer that fires first, and when.
func (t *timers) next() (int, time.Duration) {
	i := int(t.win[1])
	return i, t.at[i]
}
