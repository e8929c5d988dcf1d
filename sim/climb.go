package sim

import (
	"cmp"
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// An excursion of the liveness probe begins with a failed attempt and ends with
// the next one that succeeds. Most end soon; a few climb to a verdict:
//
//	attempts  ok  ok  FAIL    FAIL    FAIL→kill      ok
//	levels            1  h h  2  h h  3
//	                  |-------- excursion -----------|
//
// A level is a number of failures in a row, or a time for which the process has
// stood still or its answers have failed since (h, Held). Where answers wait for the
// CPU, or for a worker, it is how long the attempt under way has waited (w, Waited),
// and an excursion begins with an attempt that has waited long enough. Between two
// attempts such a process is held as long as it still works for the one that failed:
//
//	attempts  asked ---------------- FAIL        asked ---------------- FAIL→kill
//	levels            w    w     w   1    h   h          w      w     w 2
//	                  |---------------------- excursion ----------------|

// Level is how far an excursion has come: so many failures in a row, and since then
// the process has been Held for so long, or the attempt under way has Waited for so
// long, if that is not 0. Whoever has waited as long as begins an excursion is beyond
// all that were held; so whoever reaches a level has passed all lower ones.
type Level struct {
	Failures     int32
	Held, Waited time.Duration
}

// Compare orders levels: negative if l is below other.
func (l Level) Compare(other Level) int {
	return cmp.Or(cmp.Compare(l.Failures, other.Failures), cmp.Compare(l.Waited, other.Waited), cmp.Compare(l.Held, other.Held))
}

// Killed is the level of a false kill, above all others.
var Killed = Level{Failures: math.MaxInt32}

// climb is how far an excursion has come.
type climb struct {
	failures int32         // in a row
	at       time.Duration // when the last of them ended
	held     bool          // nothing could have answered since, or it still works for that one
	least    time.Duration // an attempt has to wait to begin an excursion; 0: it has to fail
	asked    int           // the question whose waiting began the excursion; 0: none did
	failed   int           // the question of the last failure
	before   int64         // false kills before the excursion
	highest  Level         // by failures and waiting
}

// WaitsForCPU reports whether answers to the liveness probe may have to wait for the
// CPU, or for a worker, in a world whose quiet stretches cannot be passed over: an
// excursion can then begin with waiting (Level.Waited).
func (s *Simulator) WaitsForCPU() bool {
	p := s.liveness()
	if p == nil || p.Handler.Kind == model.TCPSocket || s.SkipsAhead() {
		return false
	}
	return s.nodes[0][0].processes.(*application).loaded || !instant(&s.world.Application.Probes[model.Liveness], p.Handler.Kind)
}

// Begin prepares a life to be stepped by Enter.
func (s *Simulator) Begin(of Life) {
	l, _ := s.begin(&of)
	l.climbs = true
	s.climb = climb{}
}

// Enter goes on to the next excursion of a process that serves, which begins at the
// given level, and reports whether there is one before the horizon. To a failure it
// passes over quiet stretches where the life may (Life.SkipAhead). What happens to
// starts, and to a process that hangs, begins no excursion.
func (s *Simulator) Enter(first Level) bool {
	for {
		over := s.leave()
		s.climb.least = first.Waited
		if !over || !s.Climb(first) {
			return false
		}
		if a := s.application(); a.serving && !a.terminating && !a.hung {
			return true
		}
	}
}

// Finish goes on to the end of the excursion and returns how many false kills
// there were in it: more than one where a stall outlives the process it killed,
// or a start is killed too.
func (s *Simulator) Finish() int64 {
	before := s.climb.before
	s.leave()
	return kills(s.application().out) - before
}

// Failures returns the number of failures in a row of the excursion under way.
func (s *Simulator) Failures() int32 { return s.climb.failures }

// Highest returns the highest level, of failures and waiting, that the latest
// excursion has reached.
func (s *Simulator) Highest() Level { return s.climb.highest }

// Now returns the virtual time of the life under way.
func (s *Simulator) Now() time.Duration { return s.nodes[s.node][0].now }

func kills(o *Outcome) int64 { return o.FalseKills[model.Liveness] + o.FalseKills[model.Startup] }

func (s *Simulator) application() *application {
	return s.nodes[s.node][0].processes.(*application)
}

func (s *Simulator) liveness() *model.Probe { return s.world.Container().Probes[model.Liveness] }

// run returns the liveness probe's failures in a row, and whether its latest
// attempt succeeded.
func (s *Simulator) run() (failures int32, succeeded bool) {
	w := &s.nodes[s.node][0].containers[s.world.Studied].workers[model.Liveness]
	run, latest := w.Run()
	switch {
	case latest == kubelet.Success:
		return 0, run > 0
	case run == 0: // the verdict began the count anew (K25)
		return w.Probe.FailureThreshold, false
	}
	return run, false
}

// leave goes on until the excursion is over: no failure lies behind the probe, and
// the attempt that began it has been answered. It reports whether that is so before
// the horizon.
func (s *Simulator) leave() (over bool) {
	l := s.nodes[s.node][0]
	under := func() bool {
		failures, succeeded := s.run()
		return !succeeded && (failures > 0 || s.climb.failures > 0) || s.climb.asked != 0 && s.stillAsked()
	}
	for over = !under(); !over; over = !under() {
		if _, at := l.timers.next(); at > l.horizon || l.ended {
			break
		}
		l.step()
	}
	s.climb = climb{}
	return over
}

// attempt returns the liveness probe's attempt: that under way, or the latest.
func (s *Simulator) attempt() *attempt {
	return &s.nodes[s.node][0].attempts[s.world.Studied*model.ProbeKinds+int(model.Liveness)]
}

// stillAsked reports whether the attempt that began the excursion is under way. One
// whose run erred runs again (K15).
func (s *Simulator) stillAsked() bool {
	t := s.attempt()
	if t.asked != 0 && t.runs > 1 {
		s.climb.asked = t.asked
	}
	return t.asked == s.climb.asked
}

// Climb goes on until the excursion reaches a level and reports whether it does.
// An excursion of a process that hangs leads to no false kill and is given up.
func (s *Simulator) Climb(level Level) bool {
	l, a := s.nodes[s.node][0], s.application()
	for {
		c := &s.climb
		begun := c.failures > 0 || c.asked != 0
		switch {
		case !begun:
			c.before = kills(a.out)
		case level == Killed && kills(a.out) > c.before:
			return true
		case a.hung:
			return false
		}
		reached, due := s.reached(level)
		if reached {
			c.begin(level, s.attempt())
			return true
		}
		if !begun && level.Waited == 0 {
			l.hurry()
		}
		_, at := l.timers.next()
		if at > l.horizon || l.ended {
			l.now = min(at, l.horizon)
			return false
		}
		if due <= at {
			l.now = max(l.now, due) // a level is passed between two events
			continue
		}
		if !s.stepUp(begun, at) {
			return false
		}
	}
}

// begin notes what begins an excursion that reaches a level.
func (c *climb) begin(level Level, t *attempt) {
	if c.failures == 0 {
		c.asked = t.asked
	}
	if c.highest.Compare(level) < 0 {
		c.highest = level
	}
}

// stepUp fires the next timer, which is due at an instant, and notes what it means
// for the excursion. It reports whether the excursion goes on.
func (s *Simulator) stepUp(begun bool, at time.Duration) bool {
	l, a, c := s.nodes[s.node][0], s.application(), &s.climb
	asked := s.attempt().asked
	if begun {
		s.rise(at)
	}
	l.step()
	failures, succeeded := s.run()
	switch {
	case !begun:
	case c.failures > 0 && succeeded, failures == 0 && c.failures == 0 && !s.stillAsked():
		return false
	}
	if failures > c.failures {
		c.failures, c.at, c.held, c.failed, c.highest = failures, l.now, true, asked, Level{Failures: failures}
	}
	c.held = c.held && (a.held() || c.least > 0 && a.cpu.Unfinished(c.failed))
	return true
}

// rise notes the level that the excursion has reached at an instant, up to which
// there is no event.
func (s *Simulator) rise(at time.Duration) {
	c, t := &s.climb, s.attempt()
	level := Level{Failures: c.failures}
	switch waited := min(at-t.start, t.timeout); {
	case t.asked != 0 && waited >= c.least:
		level.Waited = waited
	case c.failures > 0 && c.held:
		level.Held = at - c.at
	}
	if c.highest.Compare(level) < 0 {
		c.highest = level
	}
}

// reached reports whether the excursion has reached a level, and when it will unless
// an event comes between: never, if it takes an event.
func (s *Simulator) reached(level Level) (bool, time.Duration) {
	c, now := &s.climb, s.nodes[s.node][0].now
	switch {
	case c.failures != level.Failures:
		return c.failures > level.Failures, never
	case level.Waited > 0:
		return s.waits(level.Waited)
	case level.Held > 0 && c.held:
		due := c.at + level.Held
		return now >= due, due
	case level.Held > 0 && c.least > 0:
		return s.waits(c.least)
	case level.Held > 0:
		return false, never
	}
	return c.failures > 0, never
}

// waits reports whether the attempt under way has waited for so long, and when it
// will have.
func (s *Simulator) waits(long time.Duration) (bool, time.Duration) {
	t := s.attempt()
	if t.asked == 0 {
		return false, never
	}
	due := t.start + long
	return s.Now() >= due, due
}

// held reports whether the process stands still, or would answer the liveness
// probe with failures for a while.
func (a *application) held() bool {
	if a.frozen > 0 || a.renewalOn(renewsFailing, int(model.Liveness)) {
		return true
	}
	for _, d := range a.app.Probes[model.Liveness].DependsOn {
		if a.renewals[a.dependency(d)].on {
			return true
		}
	}
	return false
}
