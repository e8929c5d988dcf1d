package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

// explainer says in plain words why each event of a trace happened. It goes
// through the trace in order and remembers what later events follow from.
type explainer struct {
	world      *model.World
	containers []explained   // of one pod after the other
	stalls     []*sim.Event  // of the whole trace, in the order of their starts
	deleting   bool          // the pod was deleted and is not gone
	sliceAt    time.Duration // latest change of the EndpointSlice
}

// explained is what is known of one container.
type explained struct {
	status    kubelet.Status
	state     sim.TrueState
	stateText string // the fault or resource that explains a state
	kill      *sim.Event
	triggered bool                  // its readiness grid is that of a trigger
	runs      [model.ProbeKinds]int // equal outcomes in a row of the process that runs
	failed    [model.ProbeKinds]bool
}

func newExplainer(trace *sim.Trace) *explainer {
	x := &explainer{world: trace.World, containers: make([]explained, podCount(trace)*len(trace.World.Pod.Containers))}
	for i := range trace.Events {
		if e := &trace.Events[i]; e.Kind == sim.EventStall {
			x.stalls = append(x.stalls, e)
		}
	}
	return x
}

// container returns what is known of the container that an event is about; of
// the pod itself, something empty.
func (x *explainer) container(e *sim.Event) *explained {
	n := len(x.world.Pod.Containers)
	if e.Container < 0 || e.Container >= n {
		return &explained{}
	}
	return &x.containers[e.Pod*n+e.Container]
}

// podCount is the number of pods that a trace is about: one, and one more for
// each rollout.
func podCount(trace *sim.Trace) int {
	pods := 1
	for i := range trace.Events {
		pods = max(pods, trace.Events[i].Pod+1)
	}
	return pods
}

// note remembers an event.
func (x *explainer) note(e *sim.Event) {
	c := x.container(e)
	switch e.Kind {
	case sim.EventStatus:
		c.status = e.Status
	case sim.EventState:
		c.state = e.State
	case sim.EventKill:
		c.kill = e
	case sim.EventStart:
		c.kill, c.runs = nil, [model.ProbeKinds]int{}
	case sim.EventTrigger:
		c.triggered = true
	case sim.EventAttempt:
		if e.Outcome == kubelet.Error {
			return
		}
		if c.failed[e.Probe] != e.Outcome.Failed() {
			c.runs[e.Probe] = 0
		}
		c.failed[e.Probe] = e.Outcome.Failed()
		c.runs[e.Probe]++
	case sim.EventNote:
		c.stateText = e.Text
		switch e.Text {
		case "pod deleted":
			x.deleting = true
		case "pod gone":
			x.deleting, x.sliceAt = false, e.At // its endpoint leaves the slice
		}
		if e.Rule == "K54" || e.Rule == "K81" { // other workers from here on
			n := len(x.world.Pod.Containers)
			for i := range n {
				x.containers[e.Pod*n+i].triggered = false
			}
		}
	case sim.EventReady:
		if x.deleting { // changes what its endpoint serves, some ms later
			x.sliceAt = e.At
		}
	case sim.EventStation:
		if e.Rule == "K50" || e.Rule == "K75" {
			x.sliceAt = e.At
		}
	}
}

// why returns the sentences that explain an event, given all before it.
func (x *explainer) why(e *sim.Event) string {
	c := x.container(e)
	switch e.Kind {
	case sim.EventExit:
		return x.whyExit(c, e)
	case sim.EventStart:
		return x.whyStart(e)
	case sim.EventStatus:
		return x.whyStatus(c, e)
	case sim.EventAttempt:
		return x.whyAttempt(c, e)
	case sim.EventResult:
		return x.whyResult(e)
	case sim.EventKill:
		return x.whyKill(c, e)
	case sim.EventBackOff:
		return fmt.Sprintf("A start within %s of the latest exit that the sync knew of has to wait (K39); the next try comes when that is over, on a queue looked at once a second (K43).", seconds(e.Delay.Seconds()))
	case sim.EventTrigger:
		if e.Wasted {
			return "A sync sends the trigger just before it publishes the status that justifies it. The worker woke up first and read the old one; its period begins anew all the same."
		}
		return "Each sync sends one while the container runs, has started and its readiness result is not success."
	case sim.EventState:
		return x.whyState(c, e)
	case sim.EventReady:
		return x.whyReady(e)
	case sim.EventEndpoint:
		return "New connections follow this from now on; those that are open already stay."
	case sim.EventSignal:
		return x.whySignal(c, e)
	case sim.EventStall:
		return whyStall(e)
	case sim.EventStation:
		return x.whyStation(e)
	case sim.EventLook:
		return x.whyLook(e)
	}
	return x.whyNote(e)
}

func (x *explainer) whyExit(c *explained, e *sim.Event) string {
	switch {
	case e.Code == 137:
		return "SIGKILL: it was still there when its grace was over (K37)."
	case e.Code == 143:
		return "It ends on SIGTERM, as soon as application.shutdown lets it."
	case c.kill != nil:
		return "It ended before the signal reached it."
	}
	return "It ends by itself, as the scenario says. The kubelet learns of it at its next relist, up to a second from now (K45)."
}

func (x *explainer) whyStart(e *sim.Event) string {
	switch e.Rule {
	case "K44":
		return "The pod's first sync has made the workers and starts what does not run. What application.beforeStart says lies in between; no probe sees it."
	case "K40":
		return "A kill and the start after it are one sync, and no back-off held it: that is reckoned from the container before the killed one."
	case "K43":
		return "The back-off was over when the queue was looked at."
	}
	return fmt.Sprintf("A sync saw the exit. restartPolicy %s asks for another container, and no back-off holds it (K39).", x.world.Pod.RestartPolicyOf(&x.world.Pod.Containers[e.Container]))
}

func (x *explainer) whyStatus(c *explained, e *sim.Event) string {
	now := e.Status
	if e.Rule == "K30" {
		return "A probe's new result is set in the cached status at once; a sync is asked for."
	}
	var told []string
	switch probes := &x.world.Pod.Containers[e.Container].Probes; {
	case now.State == kubelet.Waiting && e.Incarnation < 0:
		return "The pod's first sync: nothing runs yet."
	case now.State == kubelet.Waiting:
		return "The sync that ended the wait shows it: CrashLoopBackOff (K86)."
	case now.State == kubelet.Terminated:
		return "The relist saw the exit. A container that does not run is neither started nor ready (K46)."
	case now.Incarnation != c.status.Incarnation || c.status.State != kubelet.Running:
		told = append(told, "A sync sees the new container.")
		switch {
		case now.Started && probes[model.Startup] != nil:
			told = append(told, "It counts as started although its startup probe was not asked: that is carried over from the one before it, by name (K11).")
		case now.Started:
			told = append(told, "Without a startup probe it has started (K10).")
		default:
			told = append(told, "It has not started until its startup probe succeeds (K10).")
		}
		switch {
		case now.Ready && probes[model.Readiness] == nil:
			told = append(told, "Without a readiness probe it is ready with that (K46).")
		case !now.Ready && probes[model.Readiness] != nil && now.Started:
			told = append(told, "It has no readiness result yet (K47).")
		}
	case c.status.Started && !now.Started:
		told = append(told, "The startup result of the new container is unknown: it has not started, and so is not ready (K11, K47).")
	default:
		told = append(told, "A sync computed the status from the results as they are (K46).")
	}
	return strings.Join(told, " ")
}

func (x *explainer) whyResult(e *sim.Event) string {
	p := tracedProbe(x.world, e)
	switch {
	case e.Rule == "K22":
		return fmt.Sprintf("The worker sees this container for the first time: %s begins as %s. It is no attempt, and not counted.", e.Probe, e.Value)
	case e.Rule == "K34":
		return "The worker looked at a container that does not run."
	case p == nil:
		return ""
	case e.Value == kubelet.ResultFailure:
		return fmt.Sprintf("failureThreshold is %d, and so many attempts in a row have failed.", p.FailureThreshold)
	}
	return fmt.Sprintf("successThreshold is %d, and so many attempts in a row have succeeded.", p.SuccessThreshold)
}

func (x *explainer) whyKill(c *explained, e *sim.Event) string {
	grace := "the pod's terminationGracePeriodSeconds"
	if p := tracedProbe(x.world, e); p != nil && p.TerminationGracePeriodSeconds != nil {
		grace = "the probe's own"
	}
	text := fmt.Sprintf("The failed %s result asked for a sync, and that stops the container. The grace is %s (K36).", e.Probe, grace)
	switch c.state {
	case sim.Hung:
		text += " The process hangs: a kill is the only way out."
	case sim.Starting:
		text += " The process was still starting: a false kill."
	case sim.Stalled, sim.Serving:
		text += fmt.Sprintf(" The process was %s and would have answered again: a false kill.", c.state)
	}
	return text
}

func (x *explainer) whyState(c *explained, e *sim.Event) string {
	switch e.State {
	case sim.Down:
		return "There is no process."
	case sim.Starting:
		return "How long that takes is application.startup."
	case sim.Serving:
		if c.state == sim.Starting {
			return "The stages of application.startup are over."
		}
		return "What kept it from answering is over."
	case sim.Hung:
		return "It will never answer again: " + c.stateText + "."
	case sim.Terminating:
		return "It has SIGTERM. What it does now is application.shutdown."
	}
	if e.Rule == "C21" {
		return "The machine does not run it (node.stalls). It will answer again by itself."
	}
	return "It cannot answer now, and will by itself."
}

func (x *explainer) whyReady(e *sim.Event) string {
	if e.Ready {
		return "All its containers are ready."
	}
	for i := range x.containers {
		if !x.containers[i].status.Ready {
			return fmt.Sprintf("Container %s is not ready.", x.world.Pod.Containers[i].Name)
		}
	}
	return "Not all its containers are ready."
}

func (x *explainer) whySignal(c *explained, e *sim.Event) string {
	if e.Text == "SIGKILL" {
		return "The grace is over, less the whole seconds that preStop took, and at least 2 s after SIGTERM."
	}
	var told []string
	if preStop := x.world.Pod.Containers[e.Container].PreStop; preStop.Handler != "" {
		told = append(told, fmt.Sprintf("The preStop hook (%s) has ended, or the grace has.", preStop.Handler))
	}
	if c.kill == nil && x.deleting {
		told = append(told, fmt.Sprintf("The pod is being deleted; its grace is %d s (K53).", x.world.Pod.TerminationGracePeriodSeconds))
	}
	if len(told) == 0 {
		return "The stop request has reached the runtime (K65)."
	}
	return strings.Join(told, " ")
}

func whyStall(e *sim.Event) string {
	switch e.Rule {
	case "C6":
		return "The quota of the period is used up. Nothing of the container runs until the next period begins."
	case "C21":
		return "The machine does not run the container: stolen time, a migration, an update of the host (node.stalls)."
	case "C32":
		return "Other containers of the node are busy: they share its CPUs by weight, and what answers wait for may take longer (node.neighbours)."
	}
	return "The scenario's application stands still, or fails, for this long."
}

func (x *explainer) whyStation(e *sim.Event) string {
	switch e.Rule {
	case "K49":
		return "The kubelet's one status writer was free, and wrote the latest status."
	case "K71":
		return "The API server told the watchers, the endpoint controller among them."
	case "K50":
		return "An endpoint is ready while the pod is Ready and not deleted."
	case "K72":
		if wait := e.At - x.sliceAt; wait > 100*time.Millisecond {
			return fmt.Sprintf("kube-proxy waited %s for minSyncPeriod since the end of its last application (K51).", seconds(wait.Seconds()))
		}
		return "kube-proxy's last application ended at least minSyncPeriod ago, so it begins at once (K51)."
	case "K73":
		return "The change came while the controller wrote the slice. It had not seen its own write yet, and tries again a second later."
	case "K75":
		return "The pod has an address: the slice lists it before it is Ready. The proxies apply that, too, and its readiness may have to wait for them (K72)."
	}
	return "The load balancer is one more proxy behind the EndpointSlice, with a delay of its own (cluster.loadBalancer)."
}

func (x *explainer) whyLook(e *sim.Event) string {
	switch e.Action {
	case kubelet.NoContainer:
		return "The grid begins with the workers, before anything runs: later looks come a period apart from here (K2)."
	case kubelet.OnHold:
		return "After its verdict a worker is on hold until it sees another container."
	case kubelet.NotRunning:
		return "The cached status shows no running container: the result is failure, and nothing is counted."
	case kubelet.InitialDelay:
		p := tracedProbe(x.world, e)
		return fmt.Sprintf("initialDelaySeconds is %d, counted in whole seconds from the container's start. It does not move the grid: the first look after it asks.", p.InitialDelaySeconds)
	case kubelet.StartedGate:
		if e.Probe == model.Startup {
			return "The container has started: a startup probe is not asked any more."
		}
		return "Readiness and liveness wait for the startup probe's success."
	}
	return "The container will not be restarted: its worker ends."
}

func (x *explainer) whyNote(e *sim.Event) string {
	switch e.Text {
	case "pod deleted":
		return "The scenario's events delete it. From now on its endpoint is not ready, whatever its probes say (K50); the kubelet stops it beside that."
	case "pod gone":
		return "Its last status is written, and its endpoint goes; a new pod takes its place, or has."
	case "pod object removed":
		return "The API server has let go of it. Who waits for that, as a StatefulSet does, creates the next one now."
	case "rollout begins":
		return "The scenario's events roll the workload out: a new pod first, and the old one goes once that is Ready."
	case "another replica is replaced":
		return "Replicas are replaced one after another. What others change in the EndpointSlice keeps the same proxies busy (K72)."
	case "kubelet restarts":
		return "The scenario's events restart it. Workers, counts, results and back-off are forgotten; the containers run on."
	case "kubelet starts":
		return "Its first attempts come a uniform part of each period later (K4)."
	}
	return "The scenario says so: a fault, a resource, or --hang."
}
