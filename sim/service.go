package sim

import "time"

// service is what the pods of one Service share: the proxies' rules, which are
// written for all of them together (K51).
type service struct {
	members  []*application // the studied pod, and in a rollout its successor
	applying bool           // the proxy writes rules
	waiting  bool           // the proxy waits for minSyncPeriod
	dirty    bool           // the slice changed since the proxy last took it
	began    time.Duration  // start of the proxy's last application
	applied  time.Duration  // its end; never: none yet
	whole    bool           // the members are all there are: no other replica is taken to be ready
	balances bool           // the members in the endpoints share the service's traffic; otherwise each has its own part
	retries  bool           // clients who try again reach any member (see retries.go)
}

// reset makes the service that of a new life, with the given pod.
func (s *service) reset(a *application) {
	*s = service{members: append(s.members[:0], a), applied: never}
	a.service = s
}

// join adds a rollout's new pod, in place of that of another replica.
func (s *service) join(a *application) {
	s.members = append(s.members[:1], a)
	a.service = s
}

// leave removes the old pod of a rollout.
func (s *service) leave(old *application) {
	s.members = append(s.members[:0], s.members[1])
	s.owner().set(timerRules, old.life.timers.at[old.timer(timerRules)])
	old.set(timerRules, never)
}

// owner is the pod whose timer the proxy uses.
func (s *service) owner() *application { return s.members[0] }

// changed tells of any change of the EndpointSlice, which makes the proxy apply
// its rules: of this pod's endpoint or of another's, ready or not (K51, K72).
func (s *service) changed() {
	s.dirty = true
	if !s.applying && !s.waiting {
		s.await()
	}
}

// await waits until the proxy may apply rules: minSyncPeriod after the end of
// its last application (K51, K72, K77).
func (s *service) await() {
	a := s.owner()
	s.waiting = true
	start := a.life.now
	if perSecond := a.world.Cluster.OtherChangesPerSecond; perSecond > 0 {
		s.followOthers(a, perSecond)
	}
	if s.applied != never {
		start = max(start, s.applied+a.world.Cluster.MinSyncPeriod)
	}
	a.set(timerRules, start+a.draw(&a.life.durations.RulesStart))
}

// remembered is how far back the changes of other services are followed: within it
// the proxy has forgotten what it did before, but for the phase of its applications
// where one follows the other, which is drawn.
const remembered = time.Minute

// followOthers advances the proxy's applications of other services' changes, which
// come at exponential intervals, up to now (K72). They are drawn only when this
// service needs to know: an application covers the changes before its start, and one
// that comes after it makes another, minSyncPeriod after the end at the earliest.
//
//	change ─> application ── minSyncPeriod ── application (if a change came since the start)
//	                                     └──> idle until the next change
func (s *service) followOthers(a *application, perSecond float64) {
	random := a.random[streamPropagation].Rand
	least := a.world.Cluster.MinSyncPeriod
	untilNext := func() time.Duration { return time.Duration(random.ExpFloat64() / perSecond * float64(time.Second)) }
	var change time.Duration // the first that no application has covered
	if s.applied == never || a.life.now-s.applied > remembered {
		cycle := least + a.draw(&a.life.durations.RulesApply)
		change = a.life.now - remembered - time.Duration(random.Float64()*float64(cycle))
		s.applied = change - least
	} else {
		change = s.began + untilNext()
	}
	for {
		start := max(change, s.applied+least) + a.draw(&a.life.durations.RulesStart)
		if start >= a.life.now {
			return
		}
		s.began, s.applied = start, start+a.draw(&a.life.durations.RulesApply)
		change = start + untilNext()
	}
}

// rulesDue begins or ends an application of rules.
func (s *service) rulesDue() {
	owner := s.owner()
	owner.set(timerRules, never)
	if s.waiting {
		s.waiting, s.applying, s.dirty = false, true, false
		s.began = owner.life.now
		for _, a := range s.members {
			a.endpoints.changed = a.endpoints.next != a.endpoints.slice
			a.endpoints.next = a.endpoints.slice
		}
		for _, a := range s.members {
			if a.endpoints.changed {
				a.station("proxy applies rules", s.routes(a), "K72")
			}
		}
		owner.set(timerRules, owner.life.now+owner.draw(&owner.life.durations.RulesApply))
		return
	}
	s.applying, s.applied = false, owner.life.now
	for _, a := range s.members {
		a.route(s.routes(a))
	}
	if s.dirty {
		s.await()
	}
}

// routes reports whether the rules being applied send requests to a pod: to
// ready ones, or if the service has none to those that serve and terminate
// (K83).
func (s *service) routes(a *application) bool {
	next := &a.endpoints.next
	if next.ready() {
		return true
	}
	return next.listed && next.serving && next.terminating && !s.othersReady()
}

// othersReady reports whether the service has a ready endpoint: replicas that
// are not simulated are taken to be ready.
func (s *service) othersReady() bool {
	for _, a := range s.members {
		if a.endpoints.next.ready() || a.world.Replicas > 1 && !s.whole {
			return true
		}
	}
	return false
}
