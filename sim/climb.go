package sim

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// An excursion of the liveness probe begins with a failed attempt and ends with
// the next one that succeeds. Most end soon; a few climb to a verdict:
//
//	attempts  ok  ok  FAIL    FAIL    FAIL→kill      ok
//	level             0  1 2  3  4 5  6
//	                  |-------- excursion -----------|
//
// Levels are a third of the way from one failure to the next here: they are
// climbed by time while the process stands still or its answers fail, and
// otherwise all at once with the next failure. Whatever the way, a verdict has
// passed all of them.

// climb is how far an excursion has come.
type climb struct {
	failures int32         // in a row
	at       time.Duration // when the last of them ended
	held     bool          // nothing could have answered since
	before   int64         // false kills before the excursion
}

// Top returns the level of the verdict, where there are so many steps from one
// failure to the next.
func Top(failureThreshold int32, steps int) int { return int(failureThreshold-1)*steps + 1 }

// Begin prepares a life to be stepped by Enter.
func (s *Simulator) Begin(of Life) {
	l, _ := s.begin(&of)
	l.climbs = true
	s.climb = climb{}
}

// Enter goes on to the first failure of the next excursion of a process that
// serves, passing over quiet stretches where the life may (Life.SkipAhead), and reports whether there is one before the horizon. What happens to
// starts, and to a process that hangs, begins no excursion.
func (s *Simulator) Enter() bool {
	for {
		s.leave()
		if !s.climbTo(0, 1, false) {
			return false
		}
		if a := s.application(); a.serving && !a.terminating && !a.hung {
			return true
		}
	}
}

// Climb goes on until the excursion reaches a level and reports whether it does.
// Level Top(failureThreshold, steps) is a false kill. An excursion of a process
// that hangs leads to no false one and is given up.
func (s *Simulator) Climb(level, steps int) bool {
	top := Top(s.liveness().FailureThreshold, steps)
	return s.climbTo(level, steps, level == top)
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
func (s *Simulator) Failures() int { return int(s.climb.failures) }

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

// leave goes on until no failure lies behind the probe.
func (s *Simulator) leave() {
	l := s.nodes[s.node][0]
	for failures, succeeded := s.run(); !succeeded && (failures > 0 || s.climb.failures > 0); failures, succeeded = s.run() {
		if _, at := l.timers.next(); at > l.horizon || l.ended {
			break
		}
		l.step()
	}
	s.climb = climb{}
}

// climbTo goes on until the level is reached; if it is that of the verdict, until
// there is a false kill.
func (s *Simulator) climbTo(level, steps int, verdict bool) bool {
	l, a := s.nodes[s.node][0], s.application()
	period := s.liveness().Period()
	for {
		c := &s.climb
		switch {
		case c.failures == 0:
			c.before = kills(a.out)
		case verdict && kills(a.out) > c.before:
			return true
		case !verdict && c.level(l.now, steps, period) >= level:
			return true
		}
		if c.failures > 0 && a.hung {
			return false
		}
		if c.failures == 0 {
			l.hurry()
		}
		_, at := l.timers.next()
		if at > l.horizon || l.ended {
			l.now = min(at, l.horizon)
			return false
		}
		if due := c.due(level, steps, period); !verdict && due <= at {
			l.now = max(l.now, due) // a level is passed between two events
			continue
		}
		if c.failures == 0 && l.skips {
			l.skip()
			if _, at = l.timers.next(); at > l.horizon {
				continue
			}
		}
		l.step()
		failures, succeeded := s.run()
		if c.failures > 0 && succeeded {
			return false
		}
		if failures > c.failures {
			c.failures, c.at, c.held = failures, l.now, true
		}
		c.held = c.held && a.held()
	}
}

// level returns the level of an excursion at an instant.
func (c *climb) level(now time.Duration, steps int, period time.Duration) int {
	level := int(c.failures-1) * steps
	if c.held {
		level += min(steps-1, int((now-c.at)*time.Duration(steps)/period))
	}
	return level
}

// due returns when a level is reached if the process goes on to stand still.
func (c *climb) due(level, steps int, period time.Duration) time.Duration {
	more := level - int(c.failures-1)*steps
	if c.failures == 0 || !c.held || more >= steps {
		return never
	}
	return c.at + (time.Duration(more)*period+time.Duration(steps)-1)/time.Duration(steps)
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
