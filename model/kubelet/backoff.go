package kubelet

import "time"

// BackOff is the restart back-off of one container (K39 to K42).
type BackOff struct {
	Initial time.Duration // BackOffInitial
	Max     time.Duration // of the node (K41); a lower one lowers the first delay too

	exists  bool
	delay   time.Duration
	updated time.Duration // of the last start decision
}

// BackOffInitial is the delay after the first restart (K41).
const BackOffInitial = 10 * time.Second

// backOffReset is the age after which a back-off is forgotten (K39, K42).
const backOffReset = 600 * time.Second

// Forget drops the state, as a restart of the kubelet does (K54).
func (b *BackOff) Forget() { b.exists = false }

// Delay returns the delay in force, 0 if there is none.
func (b *BackOff) Delay() time.Duration {
	if !b.exists {
		return 0
	}
	return b.delay
}

// Start decides whether a container may start at now. finished is when the
// latest exited container of that name ended, in the runtime status with which
// the sync began; exited is false if there is none. If the start is refused,
// until is when the back-off ends. In a sync that kills and starts, the latest
// exited container is the one before the killed one (K40), which explains the
// gaps seen on real nodes (K69).
func (b *BackOff) Start(now, finished time.Duration, exited bool) (until time.Duration, ok bool) {
	if b.exists && now-b.updated > backOffReset { // K42; the kubelet looks every 2 s
		b.exists = false
	}
	if !exited {
		return 0, true
	}
	initial := min(b.Initial, b.Max)
	expired := b.exists && finished-b.updated > backOffReset
	if b.exists && !expired && now-finished < b.delay {
		return finished + b.delay, false
	}
	if !b.exists || expired {
		b.delay = initial
	} else {
		b.delay = min(2*b.delay, b.Max)
	}
	b.exists = true
	b.updated = now
	return 0, true
}
