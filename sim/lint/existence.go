package lint

import (
	"fmt"
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
)

// completes reports whether the pods run to their end, as those of jobs do: they are
// behind no Service, and no finding is about their traffic.
func (c *check) completes() bool {
	return c.Kind == "Job" || c.Kind == "CronJob" || c.World.Pod.RestartPolicy != model.RestartAlways
}

// serves reports whether the container itself gets the pod's traffic.
func (c *check) serves() bool { return !c.completes() && !c.container().Sidecar }

func noReadiness(c *check) {
	if c.probe(model.Readiness) != nil || !c.serves() {
		return
	}
	fix := "add a readinessProbe that asks what clients ask"
	start := c.meanStart()
	if c.probe(model.Startup) == nil && start > 0 {
		c.report(Finding{
			Assumed: c.StartupAssumed, Field: model.Readiness.Field(), Fix: fix,
			Message: fmt.Sprintf("the pod is in the endpoints as soon as its container runs: every start and restart gets traffic for about %s before it can serve", seconds(start)),
			Number:  &Number{calc.Number(start), "s", "traffic to a starting process, per start", "mean work of the startup through the CPU limit (S8)"},
		})
		return
	}
	until := calc.Number(math.Inf(1))
	if c.sees(model.Liveness) {
		until = c.detection(model.Liveness).Seconds().Mean
	}
	text := "for ever"
	if !math.IsInf(float64(until), 1) {
		text = "for " + seconds(float64(until)) + " on average, until it is killed, and while its successor starts"
	}
	c.report(Finding{
		Field: model.Readiness.Field(), Fix: fix,
		Message: "nothing takes a pod that cannot serve out of the endpoints: a hung one gets traffic " + text,
		Number:  &Number{until, "s", "traffic to a hung process", "exact windows (S4)"},
	})
}

// meanStart returns the seconds that a start of mean work takes, by the
// textbook arithmetic of the limit (S8).
func (c *check) meanStart() float64 { return meanStart(c.World) }

func meanStart(w *model.World) float64 {
	return startLasts(w, func(d dist.Duration) float64 { return d.Mean().Seconds() })
}

// heldBack is the mean time in seconds for which initialDelaySeconds keeps the probe of
// kind k from asking a process that has started (S5): that of max(0, D − start).
func (c *check) heldBack(k model.ProbeKind) float64 {
	delay, sum := float64(c.probe(k).InitialDelaySeconds), 0.0
	if delay == 0 {
		return 0
	}
	for _, lasts := range drawnStarts(c.World) {
		sum += math.Max(0, delay-lasts)
	}
	return sum / startsDrawn
}

// repair is the time in which a person ends a hang that no probe does.
const repair = time.Hour

// noLiveness puts the question whether to have a liveness probe at all in
// numbers (A12, S23): what the default one would cost and what it would save.
func noLiveness(c *check) {
	if c.probe(model.Liveness) != nil || c.completes() {
		return // a sidecar, too, stays hung for as long as its pod serves
	}
	hangs := hangsPerYear(c.World)
	if hangs == 0 {
		return
	}
	candidate := &model.Probe{Handler: model.Handler{Kind: model.HTTPGet}}
	if p := c.probe(model.Readiness); p != nil {
		candidate.Handler = p.Handler
	}
	candidate.SetDefaults()
	candidate.FailureThreshold = 6 // about twice what a default readiness probe tolerates (A17)
	world := alone(c.World).WithContainer(c.container().WithProbe(model.Liveness, candidate))
	form := estimate.NewClosedForm(world, model.Liveness)
	message := fmt.Sprintf("a hang, %s a year, is never ended", digits(math.Round(hangs*10)/10))
	number := &Number{calc.Number(hangs), "1/year", "hangs per pod-year that nothing ends", "the scenario's faults"}
	if form.Why == "" && candidate.Handler.Kind != model.TCPSocket && !unenforced(world.Cluster.KubernetesVersion, candidate) {
		rate, bound := form.Rate(candidate)
		kills, times := bound*year.Seconds(), "at most "+digits(bound*year.Seconds())
		if least := rate * year.Seconds(); kills > falseKillsAllowed && least < kills/2 {
			times = fmt.Sprintf("%s to %s", digits(math.Round(least*1000)/1000), digits(kills))
		}
		detection := calc.SettingsOf(candidate).Detection(true, 0).Seconds()
		message += fmt.Sprintf("; a liveness probe of 6 failures every 10 s would end it within %s and kill a healthy container %s times a year",
			seconds(float64(detection.Max)), times)
		// What false kills cost over what the probe saves of each hang (S23).
		lost := c.meanStart()
		if c.Risk != nil {
			lost = math.Max(lost, c.Risk.restart) // Ready before it can serve, without readiness
		}
		pays := kills * lost / (repair.Seconds() - float64(detection.Mean))
		message += fmt.Sprintf(": it pays from %s hangs a year on, if a person mends one in %s", digits(pays), span(repair))
		number = &Number{calc.Number(pays), "1/year", "hangs per pod-year from which such a probe pays, at the upper bound of its false kills", "closed form (S1, S3, S23)"}
	}
	c.report(Finding{
		Assumed: c.AnswersAssumed, Field: model.Liveness.Field(), Message: message, Number: number,
		Fix: "add a livenessProbe that tolerates at least twice what readiness does, if the process can hang",
	})
}

func unknownPorts(c *check) {
	for k, port := range c.UnknownPorts {
		if port == "" {
			continue
		}
		kind := model.ProbeKind(k)
		c.report(Finding{
			Field:   kind.Field() + "." + c.probe(kind).Handler.Kind.String() + ".port",
			Message: fmt.Sprintf("the container has no port named %q: every attempt errs and is thrown away, so that the probe never comes to a result", port),
			Fix:     "name one of the container's ports, or give its number",
			Number:  &Number{1, "share", "attempts that are thrown away", "K15, K21"},
		})
	}
}

func unknownSuppressions(c *check) {
	known := map[string]bool{}
	for _, rule := range Rules() {
		known[rule.ID] = rule.ID != unknownSuppression
	}
	for _, id := range c.Ignored {
		if known[id] {
			continue
		}
		message, fix := fmt.Sprintf("%q is no check's id, so that it suppresses nothing", id), "remove it from the annotation "+Annotation
		if id == unknownSuppression {
			message = fmt.Sprintf("%q cannot be suppressed", id)
		} else if near := model.Nearest(id, IDs()); near != "" {
			fix = fmt.Sprintf("did you mean %q?", near)
		}
		c.report(Finding{Field: "metadata.annotations", Message: message, Fix: fix})
	}
}

// Annotation is the key under which an object, or its pod template, names the
// checks that are not to be reported for it, separated by commas.
const Annotation = "probesim/ignore"

// livenessEndsPod is about pods that are not restarted (A10). A job of a
// controller is started anew by it, which costs a pod.
func livenessEndsPod(c *check) {
	if c.probe(model.Liveness) == nil || c.World.Pod.RestartsAfterKill(c.container()) {
		return
	}
	field, ends := "pod.restartPolicy", "the pod"
	if c.container().RestartPolicy != nil {
		field, ends = "restartPolicy", "the container"
	}
	kills := calc.Number(math.NaN())
	if c.Risk != nil && c.Risk.FalseKillsPerPodYear != nil {
		kills = calc.Number(c.Risk.FalseKillsPerPodYear.Estimate)
	}
	c.report(Finding{
		Assumed: c.AnswersAssumed, Field: field,
		Message: "restartPolicy Never: a liveness verdict, false or not, ends " + ends + " for good",
		Fix:     "set restartPolicy to OnFailure, or leave the liveness probe out",
		Number:  &Number{kills, "1/year", "false kills per pod-year", "closed form or short simulation"},
	})
}
