package sim

import "time"

// service is what the pods of one Service share: the proxies' rules, which are
// written for all of them together (K51).
type service struct {
	members  []*application // the studied pod, and in a rollout its successor
	applying bool           // the proxy writes rules
	waiting  bool           // the proxy waits for minSyncPeriod
	dirty    bool           // the slice changed since the proxy last took it
	applied  time.Duration  // end of the proxy's last application; never: none yet
	whole    bool           // the members are all there are: no other replica is taken to be ready
	balances bool           // the members in the endpoints share the service's traffic; otherwise each has its own part
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
	if s.applied != never {
		start = max(start, s.applied+a.world.Cluster.MinSyncPeriod)
	}
	a.set(timerRules, start+a.draw(&a.life.durations.RulesStart))
}

// rulesDue begins or ends an application of rules.
func (s *service) rulesDue() {
	owner := s.owner()
	owner.set(timerRules, never)
	if s.waiting {
		s.waiting, s.applying, s.dirty = false, true, false
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
