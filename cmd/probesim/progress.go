package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress tells a person at a terminal how far a simulation is and how long
// it will still take. On anything but a terminal it is silent.
type progress struct {
	out     *os.File // nil: not a terminal
	started time.Time
	budget  time.Duration
	what    string

	mu    sync.Mutex
	shown time.Time
}

// newProgress returns the progress of one simulation on w.
func newProgress(w io.Writer, what string, budget time.Duration) *progress {
	p := &progress{started: time.Now(), budget: budget, what: what}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.out = file
	}
	return p
}

// between is the least time between two displays.
const between = 200 * time.Millisecond

// update is called by the simulation now and then, from any goroutine.
func (p *progress) update(done, wanted int64) {
	if p.out == nil || done <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.shown) < between {
		return
	}
	p.shown = now
	elapsed := now.Sub(p.started)
	left := time.Duration(float64(elapsed) / float64(done) * float64(max(0, wanted-done)))
	if p.budget > 0 {
		left = min(left, p.budget-elapsed)
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s: %d of %d replications, about %s left", p.what, done, wanted, max(0, left).Round(time.Second))
}

// checked tells how many containers have been checked.
func (p *progress) checked(n int) {
	if now := time.Now(); p.out != nil && now.Sub(p.shown) >= between {
		p.shown = now
		fmt.Fprintf(p.out, "\r\x1b[K%s: %d containers", p.what, n)
	}
}

// end clears the line.
func (p *progress) end() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
