package recommend

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// start returns the reasons of the startup probe's fields; none without one.
func (e *explanation) start() []Reason {
	p := e.startupProbe(e.c)
	if p == nil {
		return nil
	}
	return []Reason{e.startBudget(p), e.startPeriod(p), e.startTimeout(p)}
}

// startsWith returns the combination with another startup probe.
func (e *explanation) startsWith(p *model.Probe) combination {
	other := *e.c
	other.start = start{p, e.exceeds(guaranteed(p))}
	return other
}

// startAlternative writes down what a startup probe leaves to starts.
func (e *explanation) startAlternative(value int32, p *model.Probe) Alternative {
	other := e.startsWith(p)
	a := Alternative{
		Value: strconv.Itoa(int(value)), GuaranteedSeconds: finite(guaranteed(p).Seconds()), StartupKillProbability: finite(other.start.kills),
	}
	if other.readiness != nil {
		a.ReadyLagP99Seconds = finite(e.lag(p, e.readinessProbe(&other), .99))
	}
	if missed := e.newlyMissed(&other); len(missed) > 0 {
		a.Misses = estimate.Name(*missed[0])
	}
	return a
}

// startKept reports whether the startup probe is that of now.
func (e *explanation) startKept() bool {
	return e.kept || e.c.start.probe == e.w.Container().Probes[model.Startup]
}

// startBudget explains the threshold by the starts that it has to outlast.
func (e *explanation) startBudget(p *model.Probe) Reason {
	needed, ends := e.budgetNeeded()
	longest := e.starts[len(e.starts)-1]
	less, more := *p, *p
	less.FailureThreshold--
	more.FailureThreshold++
	reason := Reason{
		Field: "startupProbe.failureThreshold", Value: strconv.Itoa(int(p.FailureThreshold)), Binding: e.startBinding(guaranteed(&less), needed), RunnerUp: strconv.Itoa(int(more.FailureThreshold)),
		Alternatives: []Alternative{e.startAlternative(p.FailureThreshold, p), {Value: "0", Excluded: belowLeast(0, "")}, e.startAlternative(more.FailureThreshold, &more)},
	}
	text := fmt.Sprintf("%s: %d periods of %d s guarantee %s from the container's start (the last look may come one period before the last of them is over); half the starts take up to %s, one in a hundred more than %s, the longest of %d simulated took %s",
		lead(reason.Binding, -1), p.FailureThreshold, p.PeriodSeconds, seconds(guaranteed(p).Seconds()),
		seconds(e.startQuantile(.5).Seconds()), seconds(e.startQuantile(.99).Seconds()), len(e.starts), seconds(longest.Seconds()))
	if kept := e.keptBudget; ends && needed == kept {
		text += fmt.Sprintf(", and no less than the %s of now is proposed, as starts are only supposed, and that budget with a reserve for them", seconds(kept.Seconds()))
	} else if ends && needed > longest && e.tail != nil {
		text += fmt.Sprintf(", and as there are longer ones, %s is asked for, beyond which by the closed form at most %.2g of them take", seconds(needed.Seconds()), e.tail.Beyond(needed))
	} else if ends && needed > longest {
		text += fmt.Sprintf(", and as that is not the longest there is, a quarter more, %s, is asked for", seconds(needed.Seconds()))
	}
	text += fmt.Sprintf("; at most %.2g of the starts would be killed", e.c.start.kills)
	if less.FailureThreshold >= 1 {
		reason.Alternatives[1] = e.startAlternative(less.FailureThreshold, &less)
		text += "; " + startPrice(p, &reason.Alternatives[1], needed)
	}
	reason.Sentence = text + "; " + startPrice(p, &reason.Alternatives[2], needed)
	return reason
}

// startBinding says what binds the threshold, of which one failure less guarantees
// some time: the need, or where that is less the wish for a round number.
func (e *explanation) startBinding(less, needed time.Duration) string {
	switch {
	case e.startKept():
		return byCurrent
	case less >= needed && e.c.start.probe.FailureThreshold <= leastStartFailures:
		return byThreshold
	case less >= needed:
		return byUsual
	}
	if needed == e.keptBudget {
		return byBudget
	}
	for i := range e.objectives {
		if e.objectives[i].Measure == "startupKillProbability" {
			return estimate.Name(e.objectives[i])
		}
	}
	return byBudget
}

// startPrice writes what a threshold of one failure less or more would leave.
func startPrice(p *model.Probe, a *Alternative, needed time.Duration) string {
	leaves := float64(*a.GuaranteedSeconds)
	switch {
	case a.Misses != "":
		return fmt.Sprintf("%s would guarantee %s and miss %s", a.Value, seconds(leaves), a.Misses)
	case leaves < needed.Seconds():
		return fmt.Sprintf("%s would guarantee %s, which is too little", a.Value, seconds(leaves))
	case leaves < guaranteed(p).Seconds():
		return fmt.Sprintf("%s would guarantee %s, which is enough too", a.Value, seconds(leaves))
	}
	return fmt.Sprintf("%s would guarantee %s and leave a start that hangs alone for %d s longer", a.Value, seconds(leaves), p.PeriodSeconds)
}

// startPeriod explains the period by how late a look may come to a process that is
// up, and by the time that it leaves with the same threshold.
func (e *explanation) startPeriod(p *model.Probe) Reason {
	reason := Reason{
		Field: "startupProbe.periodSeconds", Value: strconv.Itoa(int(p.PeriodSeconds)), Binding: byProbes,
		Alternatives: []Alternative{e.startAlternative(p.PeriodSeconds, p)},
	}
	values := []int32{p.PeriodSeconds - 1, p.PeriodSeconds + 1}
	if usual := nextUsual(usualPeriods, p.PeriodSeconds+1); usual > p.PeriodSeconds+1 {
		values = append(values, usual)
	}
	var prices []string
	for _, period := range values {
		a := e.startPeriodAlternative(p, period)
		reason.Alternatives = append(reason.Alternatives, a)
		if period >= 1 {
			prices = append(prices, startPeriodPrice(&a))
		}
		switch {
		case a.Excluded != "" && period > 0:
			reason.Binding = byGrid
		case a.Misses != "" && (period > p.PeriodSeconds || reason.Binding == byProbes):
			reason.Binding = a.Misses
		case a.Misses == "" && a.Excluded == "":
			reason.RunnerUp = a.Value
		}
	}
	if e.startKept() {
		reason.Binding = byCurrent
	}
	text := lead(reason.Binding, +1) + ": a process that is up waits at most one period for the next look"
	if lag := reason.Alternatives[0].ReadyLagP99Seconds; lag != nil {
		text += fmt.Sprintf(", and is Ready within %s (99 %%)", seconds(float64(*lag)))
		if !e.gridOfNow(p, e.readinessProbe(e.c)) {
			text += fmt.Sprintf(", wherever starts of %.2g times to %g times the supposed length end on its grid", 1/startsVary, startsVary)
		}
	}
	reason.Sentence = strings.Join(append([]string{text}, prices...), "; ")
	return reason
}

// startPeriodAlternative writes down what another period leads to, with the same
// threshold.
func (e *explanation) startPeriodAlternative(p *model.Probe, period int32) Alternative {
	switch {
	case period < 1:
		return Alternative{Value: strconv.Itoa(int(period)), Excluded: belowLeast(period, " s")}
	case period > longestPeriod:
		return Alternative{Value: strconv.Itoa(int(period)), Excluded: fmt.Sprintf("%d s is above the grid of 1 to %d s", period, longestPeriod)}
	}
	other := *p
	other.PeriodSeconds, other.TimeoutSeconds = period, min(p.TimeoutSeconds, period)
	return e.startAlternative(period, &other)
}

// startPeriodPrice writes what another period would lead to.
func startPeriodPrice(a *Alternative) string {
	switch {
	case a.Excluded != "":
		return a.Excluded
	case a.Misses != "":
		return fmt.Sprintf("%s s would miss %s", a.Value, a.Misses)
	case a.ReadyLagP99Seconds == nil:
		return fmt.Sprintf("%s s would guarantee %s", a.Value, seconds(float64(*a.GuaranteedSeconds)))
	}
	return fmt.Sprintf("%s s would mean %s, and guarantee %s", a.Value, seconds(float64(*a.ReadyLagP99Seconds)), seconds(float64(*a.GuaranteedSeconds)))
}

// startTimeout explains the timeout, which no prediction depends on: the budget
// counts periods, and a process that is up answers as the liveness probe's does.
func (e *explanation) startTimeout(p *model.Probe) Reason {
	reason := Reason{Field: "startupProbe.timeoutSeconds", Value: strconv.Itoa(int(p.TimeoutSeconds)), Binding: byLiveness}
	switch {
	case e.startKept():
		reason.Binding = byCurrent
	case e.c.liveness == nil:
		reason.Binding = byTimeout
	case p.TimeoutSeconds < e.c.liveness.timeout:
		reason.Binding = byPeriod
	}
	reason.Sentence = lead(reason.Binding, +1)
	reason.Alternatives = []Alternative{e.startAlternative(p.TimeoutSeconds, p)}
	var free []string
	for _, timeout := range []int32{p.TimeoutSeconds - 1, p.TimeoutSeconds + 1} {
		a := Alternative{Value: strconv.Itoa(int(timeout))}
		switch {
		case timeout < 1:
			a.Excluded = belowLeast(timeout, " s")
		case timeout > p.PeriodSeconds:
			a.Excluded = fmt.Sprintf("%d s is above the period of %d s", timeout, p.PeriodSeconds)
			reason.Sentence += "; " + a.Excluded
		default:
			other := *p
			other.TimeoutSeconds = timeout
			a = e.startAlternative(timeout, &other)
			free = append(free, fmt.Sprintf("%d s", timeout))
			reason.RunnerUp = a.Value
		}
		reason.Alternatives = append(reason.Alternatives, a)
	}
	if len(free) > 0 {
		reason.Sentence += fmt.Sprintf("; %s would change nothing that is predicted, as the budget counts periods", strings.Join(free, " or "))
	}
	return reason
}

// delays explains the initial delays that go, and those that stay.
func (e *explanation) delays() []Reason {
	var reasons []Reason
	for _, k := range []model.ProbeKind{model.Startup, model.Readiness, model.Liveness} {
		current, proposed := e.w.Container().Probes[k], e.world(e.c).Container().Probes[k]
		if e.kept {
			proposed = current
		}
		if current == nil || proposed == nil || current.InitialDelaySeconds == 0 {
			continue
		}
		reasons = append(reasons, e.delay(k, current.InitialDelaySeconds, proposed.InitialDelaySeconds))
	}
	return reasons
}

// delay explains one initial delay by one a second shorter and longer, and by that
// of now.
func (e *explanation) delay(k model.ProbeKind, before, now int32) Reason {
	reason := Reason{Field: k.Field() + ".initialDelaySeconds", Value: strconv.Itoa(int(now)), Binding: byGrid}
	values := []int32{now - 1, now + 1}
	switch {
	case now != 0:
		reason.Binding, reason.Sentence = byCurrent, fmt.Sprintf("%d s, as now", now)
	case k == model.Startup:
		reason.Sentence = fmt.Sprintf("0 instead of %d s: a look that fails while the process starts costs nothing, and a delay only keeps one that is up waiting", before)
	case k == model.Liveness:
		reason.Sentence = fmt.Sprintf("0 instead of %d s: the startup probe holds it back until the process is up", before)
	default:
		reason.Sentence = fmt.Sprintf("0 instead of %d s: failures of a starting process cost nothing, and a delay only keeps one that could serve out of the endpoints", before)
	}
	if now == 0 && before > 1 {
		values = append(values, before)
	}
	own := e.delayAlternative(k, now)
	reason.Alternatives = []Alternative{own}
	var same []string
	for _, delay := range values {
		a := e.delayAlternative(k, delay)
		reason.Alternatives = append(reason.Alternatives, a)
		if a.Excluded == "" && (reason.RunnerUp == "" || delay == now+1) {
			reason.RunnerUp = a.Value
		}
		switch {
		case a.Excluded != "":
		case a.ReadyLagP99Seconds != nil && *a.ReadyLagP99Seconds != *own.ReadyLagP99Seconds:
			reason.Sentence += fmt.Sprintf("; %d s would have 99 of 100 starts Ready within %s of being able to serve, not %s", delay, seconds(float64(*a.ReadyLagP99Seconds)), seconds(float64(*own.ReadyLagP99Seconds)))
		case a.StartupKillProbability != nil && *a.StartupKillProbability != *own.StartupKillProbability:
			reason.Sentence += fmt.Sprintf("; %d s would kill at most %.2g of the starts, not %.2g", delay, float64(*a.StartupKillProbability), float64(*own.StartupKillProbability))
		default:
			same = append(same, fmt.Sprintf("%d s", delay))
		}
	}
	if len(same) > 0 {
		reason.Sentence += fmt.Sprintf("; %s would change nothing that is predicted", strings.Join(same, " or "))
	}
	return reason
}

// delayAlternative writes down what an initial delay leads to.
func (e *explanation) delayAlternative(k model.ProbeKind, delay int32) Alternative {
	a := Alternative{Value: strconv.Itoa(int(delay))}
	if delay < 0 {
		a.Excluded = belowLeast(delay, " s")
		return a
	}
	switch k {
	case model.Startup:
		p := *e.startupProbe(e.c)
		p.InitialDelaySeconds = delay
		a.GuaranteedSeconds = finite(guaranteed(&p).Seconds())
		if e.c.readiness != nil {
			lags := e.playLags(&p, e.readinessProbe(e.c))
			a.ReadyLagP99Seconds = finite(lags[int(.99*float64(len(lags)))].Seconds())
		}
		return a
	case model.Readiness:
		p := *e.readinessProbe(e.c)
		p.InitialDelaySeconds = delay
		lags := e.playLags(e.c.start.probe, &p)
		a.ReadyLagP99Seconds = finite(lags[int(.99*float64(len(lags)))].Seconds())
		return a
	}
	if e.c.start.probe == nil {
		p := *e.livenessProbe(e.c)
		p.InitialDelaySeconds = delay
		a.StartupKillProbability = finite(e.exceeds(guaranteed(&p)))
	}
	if e.notices(model.Liveness) {
		a.DetectionP99Seconds = finite(e.c.liveness.detection(.99))
	}
	return a
}

// nextUsual returns the least usual value from a value on, or the value.
func nextUsual(usual []int32, from int32) int32 {
	for _, value := range usual {
		if value >= from {
			return value
		}
	}
	return from
}
