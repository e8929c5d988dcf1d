package lint

import (
	"fmt"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
)

// limit is the least CPU limit in force, in thousandths of a CPU; 0: none.
func (c *check) limit() int64 { return limit(c.World) }

func limit(w *model.World) int64 {
	if w.Node.NoCFSQuota {
		return 0
	}
	least := w.Container().CPULimitMilli
	if pod := w.Pod.CPULimitMilli; pod > 0 && (least == 0 || pod < least) {
		least = pod
	}
	return least
}

// granted returns the CPUs that a limit in thousandths grants on average: those of the
// least quota of a period at the least (C22), so that 1m is as good as 10m. 0: no limit.
func granted(w *model.World, milli int64) float64 {
	if milli == 0 {
		return 0
	}
	return cpu.Quota(milli, w.Node.CFSPeriod).Seconds() / w.Node.CFSPeriod.Seconds()
}

// startLasts returns the seconds that a start takes whose stages all have the
// given value of their distributions, under the limit.
func startLasts(w *model.World, of func(dist.Duration) float64) float64 {
	return estimate.StartLasts(w, limit(w), of)
}

// demand is the quantile p of the CPU time of one answer, with that of starting
// the command of an exec probe (C26). Its mean is meanDemand.
func (c *check) demand(k model.ProbeKind, p float64) time.Duration {
	answer := &c.World.Application.Probes[k]
	demand := answer.CPU.Quantile(p)
	if c.probe(k).Handler.Kind == model.Exec {
		demand += answer.Exec.HelperCPU.Quantile(p)
	}
	return demand
}

func (c *check) meanDemand(k model.ProbeKind) time.Duration {
	answer := &c.World.Application.Probes[k]
	demand := answer.CPU.Mean()
	if c.probe(k).Handler.Kind == model.Exec {
		demand += answer.Exec.HelperCPU.Mean()
	}
	return demand
}

// handlerExceedsTimeout: at a limit of 20m a handler that needs 20 ms of CPU
// fills a timeout of 1 s (A27).
func handlerExceedsTimeout(c *check) {
	limit := c.limit()
	if limit == 0 {
		return
	}
	for k := range model.ProbeKind(model.ProbeKinds) {
		p := c.probe(k)
		if p == nil || p.Handler.Kind == model.TCPSocket {
			continue
		}
		budget := calc.HandlerBudget(p.Timeout(), limit, c.World.Node.CFSPeriod)
		usual, slow := c.demand(k, .5), c.demand(k, .99)
		if slow <= budget {
			continue
		}
		severity, which, demand := Error, "the usual answer", usual
		if usual <= budget {
			severity, which, demand = Warning, "one answer in a hundred", slow
		}
		wall, _, _ := calc.WallTime(demand, limit, c.World.Node.CFSPeriod)
		seconds := int64(wall/time.Second) + 1
		c.report(Finding{
			Severity: severity, Assumed: c.AnswersAssumed, Field: k.Field() + ".timeoutSeconds",
			Message: fmt.Sprintf("%s needs %s of CPU, and a limit of %dm leaves %s within the timeout of %d s: it takes about %s",
				which, span(demand), limit, span(budget), p.TimeoutSeconds, span(wall)),
			Fix:    fmt.Sprintf("make the handler cheaper, raise the CPU limit to %dm, or timeoutSeconds to %d", leastLimit(demand, p.Timeout(), c.World.Node.CFSPeriod), seconds),
			Number: &Number{inSeconds(wall), "s", "wall time of " + which, "textbook quota arithmetic (S8)"},
		})
	}
}

// leastLimit returns the CPU limit, in steps of 10m, that leaves the demand
// room within the timeout.
func leastLimit(demand, timeout, period time.Duration) int64 {
	const most = 1 << 20
	for milli := int64(10); milli < most; milli += 10 {
		if calc.HandlerBudget(timeout, milli, period) >= demand {
			return milli
		}
	}
	return most
}

// largeShare is the share of a period's quota from which one answer is likely
// to meet the quota, whatever else the process does.
const largeShare = .5

func shareOfQuota(c *check) {
	limit := c.limit()
	if limit == 0 || limit >= 1000 {
		return // one thread cannot use up the quota of a whole CPU
	}
	quota := cpu.Quota(limit, c.World.Node.CFSPeriod)
	for k := range model.ProbeKind(model.ProbeKinds) {
		p := c.probe(k)
		if p == nil || p.Handler.Kind == model.TCPSocket {
			continue
		}
		demand := c.meanDemand(k)
		share := float64(demand) / float64(quota)
		if share < largeShare || c.demand(k, .5) > calc.HandlerBudget(p.Timeout(), limit, c.World.Node.CFSPeriod) {
			continue
		}
		fix := "make the answer cheaper: a cached status costs next to nothing"
		if enough := int64(float64(limit)*share/largeShare)/10*10 + 10; enough <= 1000 {
			fix = fmt.Sprintf("raise the CPU limit to %dm or more, or make the answer cheaper (a cached status)", enough)
		}
		c.report(Finding{
			Assumed: c.AnswersAssumed, Field: "resources.limits.cpu", Fix: fix,
			Message: fmt.Sprintf("a limit of %dm is %s of CPU in every %s, and one answer to the %s probe takes %s of it (%s): any other work delays it by whole periods",
				limit, span(quota), span(c.World.Node.CFSPeriod), k, percent(share), span(demand)),
			Number: &Number{calc.Number(share), "share", "of the quota of one period, for one answer", "mean CPU of an answer over the quota (C22)"},
		})
		return // the other probes say the same
	}
}

// costly is the share of the limit from which the probes' own cost matters, and
// costlyMilli its equivalent where there is no limit.
const (
	costly      = .05
	costlyMilli = 50
)

// cpuCost is what the probes use on average (A13): exec probes pay for their
// command and the runtime's helper inside the quota (C26).
func cpuCost(c *check) {
	perSecond, worst, most := 0.0, model.Startup, 0.0
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		p := c.probe(k)
		if p == nil {
			continue
		}
		cost := c.meanDemand(k).Seconds() / p.Period().Seconds()
		perSecond += cost
		if cost > most {
			worst, most = k, cost
		}
	}
	of, share := "a CPU, without a limit", perSecond
	threshold := float64(costlyMilli) / 1000
	if limit := c.limit(); limit > 0 {
		of, share, threshold = fmt.Sprintf("the limit of %dm", limit), perSecond/granted(c.World, limit), costly
	}
	if share <= threshold {
		return
	}
	p := c.probe(worst)
	fix := fmt.Sprintf("raise %s.periodSeconds", worst.Field())
	if p.Handler.Kind == model.Exec {
		fix = "use an httpGet or grpc handler instead of the command, or " + fix
	}
	c.report(Finding{
		Assumed: c.AnswersAssumed, Field: worst.Field() + "." + p.Handler.Kind.String(),
		Message: fmt.Sprintf("answering the probes takes %s of %s: %s of CPU for one %s answer every %d s", percent(share), of, span(c.meanDemand(worst)), worst, p.PeriodSeconds),
		Fix:     fix,
		Number:  &Number{calc.Number(share), "share", "of " + of + ", for answering probes", "mean CPU of the answers over their periods (C26)"},
	})
}

// coincidingProbes is about readiness and liveness probes that meet in one
// period of the quota, where each alone fits into it and both together do not.
// Since 1.32 a trigger moves the readiness grid (K3), so that their distance is
// a constant of the container at a uniform place in the period; before, they
// tick at one instant.
func coincidingProbes(c *check) {
	liveness, readiness := c.probe(model.Liveness), c.probe(model.Readiness)
	limit := c.limit()
	if liveness == nil || readiness == nil || limit == 0 || liveness.PeriodSeconds != readiness.PeriodSeconds {
		return
	}
	quota := cpu.Quota(limit, c.World.Node.CFSPeriod)
	a, b := c.meanDemand(model.Liveness), c.meanDemand(model.Readiness)
	if a > quota || b > quota || a+b <= quota {
		return
	}
	meet := min(1, 2*c.World.Node.CFSPeriod.Seconds()/liveness.Period().Seconds())
	message := fmt.Sprintf("readiness and liveness are asked every %d s each; in %s of the containers they meet in one quota period for all their life, and together they need %s of CPU of its %s",
		liveness.PeriodSeconds, percent(meet), span(a+b), span(quota))
	if !c.World.Cluster.KubernetesVersion.TriggerRestartsTicker() {
		meet = 1
		message = fmt.Sprintf("readiness and liveness are asked at the same instant every %d s, and together they need %s of CPU of the %s of a quota period", liveness.PeriodSeconds, span(a+b), span(quota))
	}
	c.report(Finding{
		Assumed: c.AnswersAssumed, Field: model.Liveness.Field() + ".periodSeconds", Message: message,
		Fix:    "give them different periods, or raise the CPU limit",
		Number: &Number{calc.Number(meet), "share", "containers whose probes meet in one period of the quota", "uniform phase of the two grids (K3)"},
	})
}
