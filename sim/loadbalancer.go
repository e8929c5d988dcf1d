package sim

import (
	"time"

	"github.com/probesim/probesim/model"
)

// balancer is an external load balancer whose targets are the pods themselves:
// one more proxy, behind the EndpointSlice, slower than the others. It sends
// requests to a target that is registered and passes its own health check.
type balancer struct {
	registered bool
	failures   int32 // of its health check, in a row
	failed     bool  // its health check took the target out
	gone       bool  // the target's pod is gone; the next one registered is another
}

// registration follows the EndpointSlice: a ready endpoint is registered at
// once, one that is not gets new connections until the deregistration is
// through.
func (a *application) registration(ready bool) {
	spec := a.world.Cluster.LoadBalancer
	if spec == nil {
		return
	}
	if !ready {
		a.set(timerDeregistered, a.life.now+spec.Deregistration)
		return
	}
	b := &a.endpoints.balancer
	if !b.registered || b.gone {
		a.bookGoneTarget()
		*b = balancer{registered: true}
	}
	a.set(timerDeregistered, never)
	a.routesChanged()
}

// bookGoneTarget books what is still sent to the target of a pod that is gone when
// its successor is registered beside it: until the deregistration is through, or
// the health checks have taken it out.
func (a *application) bookGoneTarget() {
	b, spec, timers := &a.endpoints.balancer, a.world.Cluster.LoadBalancer, &a.life.timers
	if !b.registered || !b.gone || b.failed {
		return
	}
	end := min(timers.at[a.timer(timerDeregistered)], a.life.horizon)
	if check := timers.at[a.timer(timerHealthCheck)]; check != never {
		end = min(end, check+time.Duration(spec.FailureThreshold-1-b.failures)*time.Duration(spec.PeriodSeconds)*time.Second)
	}
	a.out.DeadTraffic += max(0, end-a.life.now)
}

// deregistered ends the deregistration of the target.
func (a *application) deregistered() {
	a.set(timerDeregistered, never)
	a.endpoints.balancer.registered = false
	a.station("load balancer deregistered the pod", false, "I25")
	a.routesChanged()
}

// checkTarget is one health check of the load balancer. One good check brings a
// target back.
func (a *application) checkTarget() {
	spec := a.world.Cluster.LoadBalancer
	a.set(timerHealthCheck, a.life.now+time.Duration(spec.PeriodSeconds)*time.Second)
	b := &a.endpoints.balancer
	healthy := a.ledger.state == Serving || a.ledger.state == Terminating && a.listening && !a.hung
	if healthy {
		b.failures, b.failed = 0, false
	} else if b.failures++; b.failures >= spec.FailureThreshold {
		b.failed = true
	}
	a.routesChanged()
}

// beginBalancer starts the health checks, at a random phase of their period.
func (a *application) beginBalancer(spec *model.LoadBalancer) {
	if spec == nil || spec.PeriodSeconds == 0 {
		return
	}
	period := time.Duration(spec.PeriodSeconds) * time.Second
	a.set(timerHealthCheck, a.life.now+time.Duration(a.random[streamPropagation].Int64N(int64(period))))
}
