package sim

import (
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/kubelet"
)

// acceptance is how long the kernel takes to accept or refuse a connection on
// the node itself (C10). Every attempt opens a connection of its own (K19).
const acceptance = 200 * time.Microsecond

// ask implements processes: what a probe meets at this instant.
func (a *application) ask(t *attempt) { a.meet(t, a.handler(t)) }

// meet is what a probe meets that connects now.
func (a *application) meet(t *attempt, handler model.HandlerKind) {
	t.incarnation = a.life.containers[t.container].live.Incarnation
	if p := a.world.Pod.Containers[t.container].Probes[t.kind]; p != nil && p.Handler.NoPort && t.timeout > 0 {
		t.answers, t.answerAt, t.outcome = byKernel, a.life.now, kubelet.Error
		t.because = reason{what: "no such port"}
		return
	}
	if !a.life.containers[t.container].live.Running {
		t.because = reason{what: "the container is gone"}
		a.refuse(t, handler)
		return
	}
	if t.container != a.studied {
		t.answers, t.answerAt = byKernel, a.life.now+elsewhere(handler)
		return
	}
	if fault := a.faultOf(t.kind); fault != nil {
		t.because = reason{what: "fault", name: fault.Name}
		a.answerFaulty(t, handler, fault.Answers)
		return
	}
	switch {
	case !a.serving:
		a.answerStarting(t, handler)
	case !a.listening:
		t.because = reason{what: "the listener is closed"}
		a.refuse(t, handler)
	case a.hung && a.notices[t.kind]:
		t.because = hanging
		fault := a.answersHung
		if handler == model.TCPSocket && fault != model.FaultRefused {
			// The kernel accepts for a hung process (C10); one that notices has a
			// full accept queue or a listener that is gone.
			fault = model.FaultDropped
		}
		a.answerFaulty(t, handler, fault)
	default:
		a.answerServing(t, handler)
	}
}

// elsewhere is how long the answer of another container takes than the studied
// one.
func elsewhere(handler model.HandlerKind) time.Duration {
	return model.DefaultAnswer(handler).Wait.Quantile(0.5)
}

// handler returns the kind of handler of the probe that asks.
func (a *application) handler(t *attempt) model.HandlerKind {
	c := &a.world.Pod.Containers[t.container]
	if p := c.Probes[t.kind]; p != nil {
		return p.Handler.Kind
	}
	for _, p := range c.Probes { // an observer asks as the container's other probes do
		if p != nil {
			return p.Handler.Kind
		}
	}
	return model.HTTPGet
}

// refuse is the answer where nothing listens: http and tcp fail at once, grpc
// tries again until its timeout (K20), and the command of an exec probe fails,
// or errs if the container is gone (K16).
func (a *application) refuse(t *attempt, handler model.HandlerKind) {
	t.answers, t.answerAt, t.outcome = byKernel, a.life.now+acceptance, kubelet.Failure
	t.because.how = "connection refused"
	switch handler {
	case model.GRPC:
		t.answers, t.answerAt = redialing, a.life.now+a.redialAfter(t)
		t.dials++
	case model.Exec:
		t.because.how = ""
		if !a.life.containers[t.container].live.Running {
			t.outcome = kubelet.Error
		}
	}
}

// redialAfter is how long grpc waits before it connects again: a second after
// the first refusal, then 1.6 times as long each time within 20 %, at most two
// minutes. So a timeout of 1 s leaves no second try. (K20; grpc-go
// internal/backoff)
func (a *application) redialAfter(t *attempt) time.Duration {
	const first, most, growth, jitter = time.Second, 2 * time.Minute, 1.6, 0.2
	if t.dials == 0 {
		return first
	}
	delay := min(float64(first)*math.Pow(growth, float64(t.dials)), float64(most))
	return time.Duration(delay * (1 + jitter*(2*a.random[streamAnswers+int(t.kind)].Float64()-1)))
}

// answerStarting is the answer of a process that is not yet able to serve.
func (a *application) answerStarting(t *attempt, handler model.HandlerKind) {
	t.because = reason{what: "still starting", name: a.app.Startup[a.stage].Name}
	a.answerFaulty(t, handler, a.app.Startup[a.stage].Answers.Fault())
}

// answerFaulty is the answer of a process with a fault.
func (a *application) answerFaulty(t *attempt, handler model.HandlerKind, fault model.FaultAnswer) {
	switch fault {
	case model.FaultTimeout:
		a.silence(t, handler)
	case model.FaultFailure:
		a.reply(t, handler, kubelet.Failure)
	case model.FaultRefused:
		a.refuse(t, handler)
	case model.FaultStallsAfterHeaders:
		// Reading the body times out, which is an error, not a failure (K17).
		t.answers, t.answerAt, t.outcome = byKernel, t.start+t.timeout-1, kubelet.Error
		if handler != model.HTTPGet || t.timeout == 0 {
			a.silence(t, handler)
		}
	case model.FaultError:
		if handler == model.GRPC { // knows no errors (K20)
			a.reply(t, handler, kubelet.Failure)
			return
		}
		t.answers, t.answerAt, t.outcome = byKernel, a.life.now+acceptance, kubelet.Error
	case model.FaultDropped:
		t.answers, t.answerAt = byNobody, never
		t.because.how = "no connection"
	case model.FaultRedirectElsewhere, model.FaultRedirectLoop:
		a.redirect(t, handler, fault)
	}
}

// redirect is the answer of a server that redirects. To another host the
// redirect is not followed, and is a warning that counts as success; on the
// same host the tenth answer is the last (K18). Other handlers take the answer
// for a failure.
func (a *application) redirect(t *attempt, handler model.HandlerKind, fault model.FaultAnswer) {
	const requests = 10
	if handler != model.HTTPGet {
		a.reply(t, handler, kubelet.Failure)
		return
	}
	if fault == model.FaultRedirectElsewhere {
		t.because.how = "redirected to another host"
		a.reply(t, handler, kubelet.Success)
		return
	}
	t.because.how = "redirected ten times"
	t.outcome = kubelet.Failure
	for range requests {
		t.wait += a.drawWait(t.kind)
	}
	a.answerAfterWait(t)
}

// silence is no answer at all; but a tcp probe asks only the kernel (C10).
func (a *application) silence(t *attempt, handler model.HandlerKind) {
	t.answers, t.answerAt = byNobody, never
	if handler == model.TCPSocket {
		t.answers, t.answerAt = byKernel, a.life.now+acceptance
	}
}

// reply is a quick answer of the process that does not depend on its CPU.
func (a *application) reply(t *attempt, handler model.HandlerKind, o kubelet.Outcome) {
	if handler == model.TCPSocket {
		a.silence(t, handler)
		return
	}
	t.outcome = o
	t.wait = a.drawWait(t.kind)
	a.answerAfterWait(t)
}

// answerServing is the answer of a process that is able to serve: CPU time that
// the quota and the neighbours stretch, then a wait. Whether anybody still waits
// for it does not matter: it is worked off (K70).
// An exec probe joins the cgroup first, and brings the CPU time of its own start
// (C33).
func (a *application) answerServing(t *attempt, handler model.HandlerKind) {
	if handler == model.TCPSocket {
		a.silence(t, handler)
		return
	}
	d := a.drawAnswer(t.kind, handler)
	if why := a.fails(t.kind, d.failed); why != healthy {
		t.outcome, t.because = kubelet.Failure, why
	}
	t.wait = d.wait
	if d.join > 0 {
		t.answers, t.answerAt, t.demand = joining, a.life.now+d.join, d.cpu+d.helper // C27
		return
	}
	a.answerAfterCPU(t, d.cpu+d.helper) // C26
}

// resume implements processes.
func (a *application) resume(t *attempt) {
	if t.answers == redialing {
		t.outcome, t.because = kubelet.Success, reason{}
		a.meet(t, model.GRPC)
		return
	}
	if a.life.trace != nil {
		a.life.trace.add(Event{
			At: t.start, End: a.life.now, Kind: EventCPU, Container: t.container, Incarnation: t.incarnation,
			CPU: cpu.Waiting, Question: t.asked, State: Serving, Text: "joins the container's cgroup", Rule: "C27",
		})
	}
	a.answerAfterCPU(t, t.demand)
}

// answerAfterCPU lets the process answer once it has had its CPU time. An
// answer without CPU of its own needs the CPU model only where other work may
// stand in its way.
func (a *application) answerAfterCPU(t *attempt, demand time.Duration) {
	p := &a.app.Probes[t.kind]
	if live := &a.life.containers[t.container].live; !live.Running || live.Incarnation != t.incarnation { // gone while an exec probe joined
		t.answers, t.answerAt, t.outcome = byKernel, a.life.now, kubelet.Error
		return
	}
	if a.cpu == nil || demand == 0 && !a.loaded {
		a.answerAfterWait(t)
		return
	}
	if t.timeout > 0 {
		a.out.ProbeCPU += demand
	}
	t.answers, t.answerAt = byCPU, never
	t.throttled = a.quota > 0 && a.handler(t) == model.HTTPGet
	a.submit(cpu.Job{ID: t.asked, Demand: max(1, demand), Wait: t.wait, RunsOn: p.RunsOn})
}

// answerAfterWait lets the process answer after the attempt's wait, which
// begins when the process does not stand still.
func (a *application) answerAfterWait(t *attempt) {
	t.answers, t.answerAt = byProcess, a.life.now+t.wait
	if a.frozen > 0 {
		t.answers = heldBack
	}
}

// healthy is the reason of an answer that is a success, and hanging of none.
var (
	healthy = reason{}
	hanging = reason{what: "the process hangs"}
)

// fails returns why the answer of a serving process is a failure, or healthy. It
// may be one at random.
func (a *application) fails(k model.ProbeKind, random bool) reason {
	status := a.cached[k]
	if a.app.Probes[k].Cached == 0 {
		status = a.unhealthy(k)
	}
	if random && status == healthy {
		return reason{what: "a failure at random"}
	}
	return status
}

// unhealthy returns what is wrong now of what the probe checks, or healthy.
func (a *application) unhealthy(k model.ProbeKind) reason {
	for _, d := range a.app.Probes[k].DependsOn {
		if a.renewals[a.dependency(d)].on {
			return reason{what: "an outage of", name: a.world.Dependencies[d].Name}
		}
	}
	for i := range a.resources {
		if a.resources[i].failing && fails(&a.app.Resources[i], k) {
			return reason{what: "too little left of", name: a.app.Resources[i].Name}
		}
	}
	if most := a.app.Probes[k].FailsInFlight; most > 0 && a.inFlight() > most {
		return reason{what: "too many requests in flight"}
	}
	if a.renewalOn(renewsFailing, int(k)) {
		return reason{what: "a stretch of failing answers", name: a.app.Probes[k].Failing.Name}
	}
	return healthy
}

// inFlight is the number of requests that the process has not answered (A4).
func (a *application) inFlight() int {
	if a.app.Traffic == nil {
		return 0
	}
	n := a.cpu.InFlight(a.life.now)
	a.retime()
	return n
}

// refreshCached computes the cached status anew (A7). A hang is noticed here.
func (a *application) refreshCached(k model.ProbeKind) {
	a.cached[k] = a.unhealthy(k)
	if a.hung && a.notices[k] {
		a.cached[k] = hanging
	}
}

// answer hands the answer to question number asked to whoever still waits.
func (a *application) answer(asked int) {
	for i := range a.life.attempts {
		t := &a.life.attempts[i]
		if t.asked != asked || t.answers != byCPU {
			continue
		}
		if a.hung && a.notices[t.kind] && a.app.Probes[t.kind].Cached == 0 {
			return
		}
		t.answers, t.answerAt = byKernel, a.life.now
		a.life.await(t, i)
		return
	}
}

// standStill holds back the answers under way when the process is frozen.
func (a *application) standStill() {
	for i := range a.life.attempts {
		t := &a.life.attempts[i]
		if t.asked != 0 && t.container == a.studied && t.answers == byProcess {
			t.answers = heldBack
			t.begun = true
			a.life.await(t, i)
		}
	}
}

// goOn lets held answers go out. The wait of one that had begun went on
// meanwhile; one that had not begun begins now.
func (a *application) goOn() {
	for i := range a.life.attempts {
		t := &a.life.attempts[i]
		if t.asked == 0 || t.container != a.studied || t.answers != heldBack {
			continue
		}
		t.answers = byProcess
		if t.begun {
			t.answerAt = max(t.answerAt, a.life.now)
		} else {
			t.answerAt = a.life.now + t.wait
		}
		a.life.await(t, i)
	}
}

// resetConnections fails the attempts that the process was to answer: it is
// gone, and with it their connections or commands.
func (a *application) resetConnections() {
	for i := range a.life.attempts {
		t := &a.life.attempts[i]
		if t.asked != 0 && t.container == a.studied && t.answers != byKernel && t.answers != joining && t.answers != redialing {
			t.answers, t.answerAt, t.outcome = byKernel, a.life.now, kubelet.Failure
			t.because = reason{what: "the process is gone", how: "connection reset"}
			a.life.await(t, i)
		}
	}
}

// silenceAll takes back the answers under way that a hang keeps from going out.
func (a *application) silenceAll() {
	for i := range a.life.attempts {
		t := &a.life.attempts[i]
		if t.asked != 0 && t.container == a.studied && t.answers != byKernel && t.answers != redialing && a.notices[t.kind] && a.app.Probes[t.kind].Cached == 0 {
			t.answers, t.answerAt, t.because = byNobody, never, hanging
			a.life.await(t, i)
		}
	}
}
