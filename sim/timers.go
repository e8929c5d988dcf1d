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
	win  []int32         // inner nodes 1 … size-1: the leaf that wins below
}

func newTimers(n int) timers {
	size := 1
	for size < n {
		size *= 2
	}
	t := timers{size: size, at: make([]time.Duration, size), win: make([]int32, size)}
	t.clear()
	return t
}

// clear stops every timer.
func (t *timers) clear() {
	for i := range t.at {
		t.at[i] = never
	}
	for i := t.size - 1; i >= 1; i-- {
		t.win[i] = t.play(i)
	}
}

// play returns the winner below inner node i, from its two children.
func (t *timers) play(i int) int32 {
	left, right := int32(2*i-t.size), int32(2*i+1-t.size)
	if 2*i < t.size {
		left, right = t.win[2*i], t.win[2*i+1]
	}
	if t.at[right] < t.at[left] {
		return right
	}
	return left
}

// set makes timer i fire at the given instant, or not at all if it is never.
func (t *timers) set(i int, at time.Duration) {
	if t.at[i] == at {
		return
	}
	t.at[i] = at
	for n := (i + t.size) / 2; n >= 1; n /= 2 {
		before := t.win[n]
		t.win[n] = t.play(n)
		if t.win[n] == before && int(before) != i {
			return // i neither won here before nor does now, so nothing changes above
		}
	}
}

// next returns the timer that fires first, and when.
func (t *timers) next() (int, time.Duration) {
	i := int(t.win[1])
	return i, t.at[i]
}
