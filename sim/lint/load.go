package lint

import (
	"fmt"
	"math"
	"slices"
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
	if c.completes() || c.probe(model.Readiness) == nil || len(c.World.Application.Probes[model.Readiness].DependsOn) == 0 {
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

// Shares of attempts that wait too long for a worker: below the one not even one attempt
// a month does of a probe every few seconds, and below the other the wait is worth knowing.
const (
	waitsSeldom = 1e-6
	waitsOften  = 1e-3
)

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
		if c.Risk != nil && c.Risk.failures[k] != nil && c.Risk.failures[k].Estimate.Estimate > 0 {
			failed := c.Risk.failures[k].Estimate
			message += fmt.Sprintf("; of the simulated attempts %s failed", percent(failed.Estimate))
			number = &Number{calc.Number(failed.Estimate), "probability", "an attempt of the " + k.String() + " probe fails", "short simulation: " + failed.Method}
		}
		if float64(number.Value) > waitsSeldom && (worst == nil || number.Value >= worst.Number.Value) {
			worst = &Finding{
				Severity: Info, Field: "application.probes." + k.String() + ".runsOn", Message: message, Number: number,
				Fix: "answer probes from a thread and a port of their own",
			}
		}
	}
	if worst == nil {
		return
	}
	if worst.Number.Value > waitsOften {
		worst.Severity = Warning
	}
	c.report(*worst)
}

// waitsTooLong returns the probability that all workers are busy for longer
// than the timeout (S6).
func (c *check) waitsTooLong(traffic *model.Traffic, timeout time.Duration) float64 {
	arrivals, service := c.busiest(traffic)
	if service <= 0 {
		return 0
	}
	return calc.QueueExceeds(timeout, max(traffic.Workers, 1), arrivals, 1/service)
}

// busiest returns the greatest stated number of requests a second to one pod, and the
// mean seconds that one holds its worker.
func (c *check) busiest(traffic *model.Traffic) (arrivals, service float64) {
	arrivals = traffic.PerSecond
	if traffic.OfService {
		arrivals /= float64(max(c.World.Replicas, 1))
	}
	for _, burst := range traffic.Bursts {
		arrivals = math.Max(arrivals, burst.PerSecond)
	}
	return arrivals, (traffic.Wait.Mean() + c.stretched(traffic.CPU.Mean())).Seconds()
}

// stretched is the wall time of CPU work through the limit, on average.
func (c *check) stretched(work time.Duration) time.Duration {
	if limit := c.limit(); limit > 0 && limit < 1000 {
		return time.Duration(float64(work) / granted(c.World, limit))
	}
	return work
}

// shedsSeldom is the share of time, and the probability at the busiest stated rate,
// below which a limit on the requests in flight is out of reach.
const shedsSeldom = 1e-6

// shedsLoad is about readiness that fails above a number of requests in flight (A4):
// what that alone cost a simulated pod, or where the short simulation has seen none of
// the busiest stretches, how likely it is in them.
func shedsLoad(c *check) {
	inFlight, traffic := c.World.Application.Probes[model.Readiness].FailsInFlight, c.World.Application.Traffic
	if c.completes() || c.probe(model.Readiness) == nil || inFlight == 0 || c.World.Replicas < 2 || traffic == nil {
		return
	}
	arrivals, service := c.busiest(traffic)
	above := inFlightAbove(inFlight, max(traffic.Workers, 1), traffic.Queue, arrivals*service)
	p := c.probe(model.Readiness)
	if service < p.Period().Seconds() { // attempts meet other requests each
		above = math.Pow(above, float64(p.FailureThreshold))
	}
	text := fmt.Sprintf("%d attempts in a row find them with probability %s at the busiest stated rate", p.FailureThreshold, digits(above))
	number := &Number{calc.Number(above), "probability", "so many attempts in a row find more requests in flight, at the busiest stated rate", "queue with a bound, requests of exponential length (S6)"}
	if c.Risk != nil && c.Risk.shed > shedsSeldom {
		text = fmt.Sprintf("%s of the time here", percent(c.Risk.shed))
		number = &Number{calc.Number(c.Risk.shed), "share", "time out of the endpoints for the requests in flight alone", "short simulations with and without the limit, of the same lives"}
	}
	if float64(number.Value) <= shedsSeldom {
		return
	}
	fix := "refuse or queue the surplus requests in the pod, instead of leaving the endpoints; `run --replicas` shows what the others do with its load"
	c.report(Finding{
		Field: "application.probes.readiness.failsAbove",
		Message: fmt.Sprintf("a pod with more than %d requests in flight leaves the endpoints (%s), and each of the other %d gets %s more load, which may push it over too",
			inFlight, text, c.World.Replicas-1, percent(1/float64(c.World.Replicas-1))),
		Fix:    fix,
		Number: number,
	})
}

// inFlightAbove returns the probability of more than n requests in flight where each of
// the workers takes one at a time, of exponential length, and so many others may wait
// (0: any number). The load is the arrivals per second times the seconds of one. Of k
// requests, min(k, workers) are served, so that one more is load/min(k+1, workers) times
// as likely as k (M/M/c/K).
func inFlightAbove(n, workers, queue int, load float64) float64 {
	const most = 1 << 20
	last := workers + queue
	if queue == 0 {
		if load >= float64(workers) {
			return 1
		}
		// What is left out beyond is below e^−40 of what is counted.
		last = max(n, workers) + int(math.Min(most, -40/math.Log(load/float64(workers))))
	}
	total, above, one := 0.0, 0.0, 1.0
	for k := 0; k <= last; k++ {
		total += one
		if k > n {
			above += one
		}
		if total > 1e200 {
			total, above, one = total*1e-200, above*1e-200, one*1e-200
		}
		one *= load / float64(min(k+1, workers))
	}
	return above / total
}

// lateAllowed is the probability that a resource is used up before the probe
// has acted from which it is worth a finding.
const lateAllowed = .01

// lateResourceMark compares the time from the mark to exhaustion with the time
// the probe and the proxies take (A5): at 1 % a second the 90 % mark gives 10 s,
// and default probes take up to 30. A liveness probe needs no proxy to end the process.
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
		until := "the verdict"
		if kind == model.Readiness {
			known, _ := c.proxiesKnow()
			acts, until = acts+known, "until the proxies know of the verdict"
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
			Message: fmt.Sprintf("%s is used up before the %s probe has acted with probability %s: from the mark of %s it takes %s at the fastest growth in a hundred, and %s up to %s",
				resource.Name, kind, digits(late), percent(resource.FailsAt), seconds((1-resource.FailsAt)/fast*3600), until, span(acts)),
			Fix:    fix,
			Number: &Number{calc.Number(late), "probability", "used up before the verdict has its effect", "distribution of the growth against the exact window (S4)"},
		})
	}
}

// killsByMarks returns about how many times a year resources would grow to the marks from
// which liveness fails in a process that serves all the time, the name of the worst one,
// and how long that takes from a start. What a restart and its back-off take is not in it.
func killsByMarks(w *model.World) (perYear float64, worst string, takes time.Duration) {
	most := 0.0
	for i := range w.Application.Resources {
		resource := &w.Application.Resources[i]
		if resource.PerHour == nil || !slices.Contains(resource.Fails, model.Liveness) || resource.FailsAt <= 0 {
			continue
		}
		one := year.Hours() * resource.PerHour.Quantile(.5) / resource.FailsAt
		perYear += one
		if one > most {
			most, worst, takes = one, resource.Name, lasting(year.Seconds()/one)
		}
	}
	return perYear, worst, takes
}
