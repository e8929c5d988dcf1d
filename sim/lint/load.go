package lint

import (
	"fmt"
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
)

func livenessDependency(c *check) {
	if c.probe(model.Liveness) == nil || len(c.World.Application.Probes[model.Liveness].DependsOn) == 0 {
		return
	}
	kills, worst := killsByOutages(c.World)
	c.report(Finding{
		Field: "application.probes.liveness.dependsOn",
		Message: fmt.Sprintf("an outage of %s kills %s, which cannot mend it: %s kills a year in each pod, all pods at once",
			worst, replicas(c.World.Replicas), digits(kills)),
		Fix:    "let liveness say only that the process answers; a dependency belongs into readiness, if anywhere",
		Number: &Number{calc.Number(kills), "1/year", "false kills per pod-year by outages", "outages through the exact window, again and again by the back-off of restarts (S3, K39)"},
	})
}

func readinessDependency(c *check) {
	if c.probe(model.Readiness) == nil || len(c.World.Application.Probes[model.Readiness].DependsOn) == 0 {
		return
	}
	removals, worst := c.outages(model.Readiness)
	c.report(Finding{
		Field: "application.probes.readiness.dependsOn",
		Message: fmt.Sprintf("an outage of %s takes %s out of the endpoints at once, %s times a year: clients then get refused connections instead of the application's own error",
			worst, replicas(c.World.Replicas), digits(removals)),
		Fix:    "check a dependency only if the pod can do nothing without it, and others can do without this pod; compare both designs with `probesim run` and a whatIf",
		Number: &Number{calc.Number(removals), "1/year", "times that all replicas are removed, per year", "outages through the exact window (S3)"},
	})
}

func replicas(n int) string {
	if n == 1 {
		return "the pod"
	}
	return fmt.Sprintf("all %d replicas", n)
}

// sharesWorkers is about probes that wait for a worker of the traffic's (A14):
// what a short simulation saw of them, beside Erlang's formula, which supposes
// requests of exponential length at the busiest stated rate.
func sharesWorkers(c *check) {
	traffic := c.World.Application.Traffic
	if traffic == nil {
		return
	}
	var worst *Finding
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		p := c.probe(k)
		if p == nil || c.World.Application.Probes[k].RunsOn != model.Workers {
			continue
		}
		late := c.waitsTooLong(traffic, p.Timeout())
		message := fmt.Sprintf("the %s probe queues behind the traffic for one of %d workers, and a slow request delays it: it would wait longer than %d s with probability %s if requests were of exponential length",
			k, traffic.Workers, p.TimeoutSeconds, digits(late))
		number := &Number{calc.Number(late), "probability", "the wait for a worker exceeds the timeout, at the busiest stated rate", "Erlang C (S6)"}
		if c.Risk != nil && c.Risk.failures[k] != nil {
			failed := c.Risk.failures[k].Estimate
			message += fmt.Sprintf("; of the simulated attempts %s failed", percent(failed.Estimate))
			number = &Number{calc.Number(failed.Estimate), "probability", "an attempt of the " + k.String() + " probe fails", "short simulation: " + failed.Method}
		}
		if worst == nil || number.Value >= worst.Number.Value {
			worst = &Finding{
				Field: "application.probes." + k.String() + ".runsOn", Message: message, Number: number,
				Fix: "answer probes from a thread and a port of their own",
			}
		}
	}
	if worst != nil {
		c.report(*worst)
	}
}

// waitsTooLong returns the probability that all workers are busy for longer
// than the timeout (S6).
func (c *check) waitsTooLong(traffic *model.Traffic, timeout time.Duration) float64 {
	arrivals := traffic.PerSecond
	if traffic.OfService {
		arrivals /= float64(max(c.World.Replicas, 1))
	}
	for _, burst := range traffic.Bursts {
		arrivals = math.Max(arrivals, burst.PerSecond)
	}
	service := traffic.Wait.Mean() + c.stretched(traffic.CPU.Mean())
	if service <= 0 {
		return 0
	}
	return calc.QueueExceeds(timeout, max(traffic.Workers, 1), arrivals, float64(time.Second)/float64(service))
}

// stretched is the wall time of CPU work through the limit, on average.
func (c *check) stretched(work time.Duration) time.Duration {
	if limit := c.limit(); limit > 0 && limit < 1000 {
		return time.Duration(float64(work) * 1000 / float64(limit))
	}
	return work
}

func shedsLoad(c *check) {
	inFlight := c.World.Application.Probes[model.Readiness].FailsInFlight
	if c.probe(model.Readiness) == nil || inFlight == 0 || c.World.Replicas < 2 {
		return
	}
	out := calc.Number(math.NaN())
	text := ""
	if c.Risk != nil && c.Risk.falseUnready != nil {
		out = calc.Number(c.Risk.falseUnready.Estimate)
		text = fmt.Sprintf(" (%s of the time here)", percent(float64(out)))
	}
	fix := "refuse or queue the surplus requests in the pod, instead of leaving the endpoints"
	if t := c.World.Application.Traffic; t != nil && !t.OfService {
		fix += "; traffic.of: service lets `run` move the load to the others"
	}
	c.report(Finding{
		Field: "application.probes.readiness.failsAbove",
		Message: fmt.Sprintf("a pod with more than %d requests in flight leaves the endpoints%s, and each of the other %d gets %s more load, which may push it over too",
			inFlight, text, c.World.Replicas-1, percent(1/float64(c.World.Replicas-1))),
		Fix:    fix,
		Number: &Number{out, "share", "time out of the endpoints while serving", "short simulation"},
	})
}

// lateAllowed is the probability that a resource is used up before the probe
// has acted from which it is worth a finding.
const lateAllowed = .01

// lateResourceMark compares the time from the mark to exhaustion with the time
// the probe and the proxies take (A5): at 1 % a second the 90 % mark gives 10 s,
// and default probes take up to 30.
func lateResourceMark(c *check) {
	for i := range c.World.Application.Resources {
		resource := &c.World.Application.Resources[i]
		kind, acts := model.Startup, time.Duration(0)
		for _, k := range resource.Fails {
			if p := c.probe(k); p != nil && k != model.Startup {
				if at := calc.SettingsOf(p).Tolerates(false) + p.Period(); acts == 0 || k == model.Readiness {
					kind, acts = k, at
				}
			}
		}
		if acts == 0 || resource.PerHour == nil {
			continue
		}
		// Exhausted first where the growth an hour exceeds what is left over the
		// hours that the probe takes at most.
		late := 1 - resource.PerHour.CDF((1-resource.FailsAt)/acts.Hours())
		if late <= lateAllowed {
			continue
		}
		fast := resource.PerHour.Quantile(.99)
		mark := 1 - fast*acts.Hours()
		fix := fmt.Sprintf("let the %s probe fail from %s on", kind, percent(math.Floor(100*mark)/100))
		if mark <= .1 {
			fix = fmt.Sprintf("ask more often: within %s nothing is left", seconds((1-resource.FailsAt)/fast*3600))
		}
		c.report(Finding{
			Field: fmt.Sprintf("application.resources[%d].failsAt", i),
			Message: fmt.Sprintf("%s is used up before the %s probe has acted with probability %s: from the mark of %s it takes %s at the fastest growth in a hundred, and the verdict up to %s",
				resource.Name, kind, digits(late), percent(resource.FailsAt), seconds((1-resource.FailsAt)/fast*3600), span(acts)),
			Fix:    fix,
			Number: &Number{calc.Number(late), "probability", "used up before the verdict", "distribution of the growth against the exact window (S4)"},
		})
	}
}
