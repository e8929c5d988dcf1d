package cpu

import "time"

// waits is a binary heap of threads that wait outside the CPU, by the instant
// at which their wait ends and then by thread.
type waits []waiting

type waiting struct {
	at     time.Duration
	thread int32
}

func (a waiting) before(b waiting) bool {
	return a.at < b.at || a.at == b.at && a.thread < b.thread
}

func (w *waits) push(at time.Duration, thread int32) {
	*w = append(*w, waiting{at, thread})
	h := *w
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h[i].before(h[parent]) {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func (w *waits) pop() int32 {
	h := *w
	top := h[0].thread
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(h[i]) {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	*w = h
	return top
}
