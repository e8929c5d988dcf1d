package lint

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
)

// Shares of starts that are killed: what the default budget should keep within,
// its p99.9, and what nobody can call rare.
const (
	startsKilledAllowed = .001
	startsKilledOften   = .05
)

// startsKilled holds the startup budget against the startup: that of the
// startup probe, or of the liveness probe that stands in for it.
func startsKilled(c *check) {
	if c.Risk == nil || c.Risk.StartupKillProbability == nil || c.StartupGranted {
		return
	}
	kind := model.Startup
	if c.probe(kind) == nil {
		kind = model.Liveness
	}
	killed := c.Risk.StartupKillProbability
	if c.probe(kind) == nil || !(killed.Low > startsKilledAllowed) {
		return
	}
	severity := Warning
	if killed.Low > startsKilledOften {
		severity = Error
	}
	p := c.probe(kind)
	budget, slow := calc.SettingsOf(p).Budget(p.Handler.Kind == model.GRPC), startQuantile(c.World, 1-startsKilledAllowed)
	message := fmt.Sprintf("%s of all starts are killed before they are done: the %s probe leaves a start %s for certain and %s at the first start of a pod",
		percent(killed.Estimate), kind, seconds(float64(budget.Guaranteed)), seconds(float64(budget.NewPod)))
	switch longest := c.Risk.longestStart.Seconds(); {
	case slow > float64(budget.Guaranteed):
		message += fmt.Sprintf(", and one in a thousand takes more than %s", seconds(slow))
	case longest > float64(budget.Guaranteed):
		message += fmt.Sprintf(", and the longest of %d simulated took %s", c.Risk.longestOf, seconds(longest))
	}
	needed := math.Max(slow, c.Risk.startNeeds.Seconds())
	fix := fmt.Sprintf("raise %s.failureThreshold", kind.Field())
	if kind == model.Liveness {
		startup := startupProbeFor(p)
		needed = math.Max(needed, float64(budget.NewPod)) // never less than there is
		fix = fmt.Sprintf("add a startupProbe with periodSeconds: %d and failureThreshold: %d", startup.PeriodSeconds, failuresFor(needed, startup))
		if !featureStartup.on(c.World.Cluster.KubernetesVersion) {
			fix = fmt.Sprintf("set livenessProbe.initialDelaySeconds to %.0f", math.Ceil(needed))
		}
	} else if needed > float64(budget.Guaranteed) {
		fix += fmt.Sprintf(" to %d", failuresFor(needed, p))
	}
	if c.limit() > 0 && startCPU(c.World) > 0 {
		fix += ", or raise the CPU limit, which stretches the start's CPU work"
	}
	c.report(Finding{
		Severity: severity, Assumed: c.StartupAssumed, Field: kind.Field() + ".failureThreshold", Fix: fix, Message: message,
		Number: &Number{calc.Number(killed.Estimate), "probability", "a start is killed", killed.Method},
	})
}

// startupProbeFor returns the startup probe that is to take the place of the liveness
// probe's budget: it asks what that does.
func startupProbeFor(liveness *model.Probe) *model.Probe {
	startup := model.Probe{Handler: liveness.Handler}
	startup.SetDefaults()
	startup.PeriodSeconds = 5
	return &startup
}

// startsForBudget is how many starts have to be simulated so that the longest of them
// is, with 95 % confidence, one that no more than the allowed share exceeds, whatever
// their distribution is (Wilks 1941): the least n with (1 − 0.001)ⁿ <= 0.05.
const startsForBudget = 2995

// setStartNeeds simulates starts of which too many are killed, to say what budget
// would do: beside the stalls, the neighbours and the CPU cost of the probe that guard
// them in the simulation too, which the arithmetic of the limit leaves out. Where
// fewer of them have to do, a quarter more than the longest is asked for, as in a
// recommendation.
func (r *Risk) setStartNeeds(ctx context.Context, w *model.World, seed uint64, jobs int) error {
	killed, guard := r.StartupKillProbability, w.Container().Probes[model.Startup]
	if killed == nil || !(killed.Low > startsKilledAllowed) {
		return nil
	}
	if liveness := w.Container().Probes[model.Liveness]; guard == nil && liveness != nil {
		guard = startupProbeFor(liveness)
	}
	if guard == nil {
		return nil
	}
	patient, container := *guard, *w.Container()
	patient.FailureThreshold = patientThreshold
	container.Probes = [model.ProbeKinds]*model.Probe{model.Startup: &patient}
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	stop := new(atomic.Bool)
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()
	n := startsOf(w, startsForBudget, riskFewStarts)
	took, err := estimate.StartTimes(w.WithContainer(container), seed, 0, int(n), jobs, stop)
	if err = cmp.Or(err, ctx.Err()); err != nil {
		return err
	}
	longest := slices.Max(took)
	if longest >= dist.Longest {
		return nil // it never ends, which no budget mends
	}
	r.longestStart, r.longestOf, r.startNeeds = longest, len(took), longest
	if n < startsForBudget {
		r.startNeeds += longest / 4
	}
	return nil
}

// patientThreshold is that of a probe which asks while a process starts and kills none.
const patientThreshold = 1 << 20

// failuresFor returns the failureThreshold with which a probe certainly leaves a
// start so many seconds (S5).
func failuresFor(lasts float64, p *model.Probe) int64 {
	needed := int64(math.Min(math.Ceil(lasts), math.MaxInt32))
	for failures := int64(1); ; {
		patient := *p
		patient.FailureThreshold = int32(min(failures, math.MaxInt32))
		missing := float64(needed) - float64(calc.SettingsOf(&patient).Budget(false).Guaranteed)
		if missing <= 0 || failures >= math.MaxInt32 {
			return min(failures, math.MaxInt32)
		}
		failures += max(1, int64(missing/p.Period().Seconds()))
	}
}

// startCPU is the mean CPU time of a start in seconds.
func startCPU(w *model.World) float64 {
	need := 0.0
	for i := range w.Application.Startup {
		need += w.Application.Startup[i].CPU.Mean().Seconds()
	}
	return need
}

// neverBecomesReady is about pods of which a part is never in the endpoints, by
// what the simulation saw of whole lives.
func neverBecomesReady(c *check) {
	if c.Risk == nil || c.Risk.neverReady == nil || !(c.Risk.neverReady.Low > startsKilledAllowed) || c.UnknownPorts != [model.ProbeKinds]string{} {
		return
	}
	never, field, fix := c.Risk.neverReady, "application.startup", "give the start the time or the CPU that it needs"
	if p := c.probe(model.Readiness); p != nil {
		field, fix = model.Readiness.Field(), fix+", or make the readiness probe ask for less"
		if p.SuccessThreshold > 1 || p.InitialDelaySeconds > longDelay {
			field += ".successThreshold"
			fix = fmt.Sprintf("lower readinessProbe.successThreshold (%d, every %d s) and initialDelaySeconds (%d)", p.SuccessThreshold, p.PeriodSeconds, p.InitialDelaySeconds)
		}
	}
	c.report(Finding{
		Assumed: c.StartupAssumed || c.AnswersAssumed, Field: field, Fix: fix,
		Message: fmt.Sprintf("of the pods %s never became Ready within %s", percent(never.Estimate), span(c.Risk.lives)),
		Number:  &Number{calc.Number(never.Estimate), "probability", "a pod is not Ready within " + span(c.Risk.lives), "short simulation: " + never.Method},
	})
}

// longDelay is the initialDelaySeconds from which the advice wants a startup
// probe (A23).
const longDelay = 60

// longInitialDelay is about delays that a startup probe would replace: above 60
// s (A23), or above F·P of the probe itself (A22).
func longInitialDelay(c *check) {
	if c.probe(model.Startup) != nil || !featureStartup.on(c.World.Cluster.KubernetesVersion) {
		return // there is nothing else that grants a start its time
	}
	for _, k := range []model.ProbeKind{model.Liveness, model.Readiness} {
		p := c.probe(k)
		if p == nil || p.InitialDelaySeconds <= longDelay && int64(p.InitialDelaySeconds) <= int64(p.FailureThreshold)*int64(p.PeriodSeconds) {
			continue
		}
		// F failures every 10 s guarantee (F−1)·10 s, not F·10 s (A19, S5).
		failures := (int64(p.InitialDelaySeconds)+9)/10 + 1
		message := fmt.Sprintf("for the first %d s after every start a hang goes unnoticed by the %s probe", p.InitialDelaySeconds, k)
		number := &Number{calc.Number(p.InitialDelaySeconds), "s", "after each start without the probe", "exact windows (S5)"}
		if start := c.meanStart(); k == model.Liveness && !c.StartupAssumed && !c.StartupGranted && start > 0 {
			serving := math.Max(0, float64(p.InitialDelaySeconds)-start)
			message += fmt.Sprintf(", %s of them while it serves already, on average", seconds(serving))
			number = &Number{calc.Number(serving), "s", "of each start in which the process serves without the probe, on average", "mean work of the startup through the CPU limit (S8)"}
		}
		if k == model.Readiness {
			message = fmt.Sprintf("a pod waits %d s for its first readiness attempt, however soon it can serve", p.InitialDelaySeconds)
			if waits := c.heldBack(model.Readiness); waits > 0 {
				message += fmt.Sprintf(": %s on average after it could", seconds(waits))
				number = &Number{calc.Number(waits), "s", "mean time from able to serve to the end of initialDelaySeconds", "starts drawn by the arithmetic of the limit (S5, S8)"}
			}
		}
		c.report(Finding{
			Assumed: k == model.Readiness && (c.StartupAssumed || c.StartupGranted), Field: k.Field() + ".initialDelaySeconds",
			Message: message, Number: number,
			Fix: fmt.Sprintf("replace it by a startupProbe with periodSeconds: 10 and failureThreshold: %d, which guarantees %d s (%d × 10 s would guarantee %d)",
				failures, (failures-1)*10, failures-1, (failures-2)*10),
		})
	}
}

// slowReady is about the readiness period, which adds a uniform part of itself
// to every start without a startup probe (A21): what initialDelaySeconds holds back
// before that is not of its doing.
func slowReady(c *check) {
	p := c.probe(model.Readiness)
	if c.completes() || p == nil || p.PeriodSeconds <= 10 || c.probe(model.Startup) != nil || c.Risk == nil || c.Risk.readyLag == nil {
		return
	}
	lag, waits := c.Risk.readyLag, c.heldBack(model.Readiness)
	most := p.Period().Seconds() * float64(max(1, p.SuccessThreshold)) // what is beyond has other causes
	mean := math.Min(math.Max(0, lag.Mean.Estimate-waits), most)
	message := fmt.Sprintf("a pod that can serve is Ready %s later on average and %s later in one start of a hundred, since it is asked only every %d s",
		seconds(mean), seconds(math.Min(lag.P99.Estimate, most)), p.PeriodSeconds)
	if waits > 0 {
		message = fmt.Sprintf("a pod that can serve, and whose initialDelaySeconds of %d is over, is Ready %s later on average and up to %s later, since it is asked only every %d s",
			p.InitialDelaySeconds, seconds(mean), seconds(most), p.PeriodSeconds)
	}
	c.report(Finding{
		Assumed: c.StartupAssumed, Field: model.Readiness.Field() + ".periodSeconds", Message: message,
		Fix:    "ask every few seconds, or add a startupProbe with a short period: its first success asks readiness at once",
		Number: &Number{calc.Number(mean), "s", "mean time to Ready from able to serve and the end of initialDelaySeconds", "short simulation of starts"},
	})
}

// progressDeadline compares the budget of one start with the time in which a
// Deployment has to make progress.
func progressDeadline(c *check) {
	p, deadline := c.probe(model.Startup), time.Duration(c.ProgressDeadlineSeconds)*time.Second
	if p == nil || deadline == 0 {
		return
	}
	budget := calc.SettingsOf(p).Budget(!unenforced(c.World.Cluster.KubernetesVersion, p))
	if float64(budget.Most) <= deadline.Seconds() {
		return
	}
	c.report(Finding{
		Field: "spec.progressDeadlineSeconds",
		Message: fmt.Sprintf("the rollout has failed after %s without a new Ready pod, while the startup probe gives one start up to %s: a slow start that is within its budget fails the rollout",
			span(deadline), seconds(float64(budget.Most))),
		Fix:    "raise progressDeadlineSeconds above the startup budget, or lower the budget",
		Number: &Number{budget.Most, "s", "longest start within the startup budget", "exact windows (S5)"},
	})
}

// longBeforeStart is the time before the container's start from which it is
// worth a word.
const longBeforeStart = time.Minute

func longInitContainers(c *check) {
	stages := c.World.Application.BeforeStart
	total, slow := time.Duration(0), time.Duration(0)
	for i := range stages {
		total += stages[i].Wait.Mean()
		slow += stages[i].Wait.Quantile(.99)
	}
	if slow <= longBeforeStart {
		return
	}
	c.report(Finding{
		Field: "application.beforeStart",
		Message: fmt.Sprintf("before the container runs, %d stages take %s on average, one after the other, and up to %s; no probe sees them, and every new pod waits for them",
			len(stages), span(total), span(slow)),
		Fix:    "pull smaller images, and do in parallel, or in the container behind a startupProbe, what init containers do one by one",
		Number: &Number{inSeconds(total), "s", "mean time before the container's start", "sum of the stages' means"},
	})
}
