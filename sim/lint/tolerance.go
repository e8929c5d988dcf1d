package lint

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
)

// falseKillsAllowed is the default objective on false kills (design section 4),
// and onceAMonth what nobody can overlook.
const (
	falseKillsAllowed = .1
	onceAMonth        = 12
)

func falseKills(c *check) {
	if c.Risk == nil || c.Risk.FalseKillsPerPodYear == nil || c.probe(model.Liveness) == nil {
		return
	}
	kills := c.Risk.FalseKillsPerPodYear
	byFormula := kills.Confidence == 1 // its estimate has no error of sampling
	if !(kills.Low > falseKillsAllowed) && !(byFormula && kills.Estimate > falseKillsAllowed) {
		return
	}
	severity := Warning
	if kills.Low > onceAMonth {
		severity = Error
	}
	why, fix := c.whyKilled(kills.Estimate)
	c.report(Finding{
		Severity: severity, Assumed: c.AnswersAssumed, Field: model.Liveness.Field(),
		Message: fmt.Sprintf("a healthy container is killed %s times per pod-year: %s", withInterval(kills), why), Fix: fix,
		Number: &Number{calc.Number(kills.Estimate), "1/year", "false kills per pod-year", kills.Method},
	})
}

// whyKilled says why a serving process is killed so many times a year, and what helps:
// no timeout or threshold where most of the kills are what the probe is told to do.
func (c *check) whyKilled(perYear float64) (why, fix string) {
	if marks, resource, takes := killsByMarks(c.World); marks > perYear/2 {
		return fmt.Sprintf("%s takes about %s from each start to the mark from which liveness fails", resource, span(takes)),
			"let readiness alone fail at the mark, or mend the growth: more patience puts the same kill off by seconds"
	}
	if outages, dependency := killsByOutages(c.World); outages > perYear/2 {
		return fmt.Sprintf("outages of %s, which liveness checks, kill it %s times a year", dependency, digits(outages)),
			"let liveness say only that the process answers: more patience helps against outages that are shorter than it"
	}
	return fmt.Sprintf("the probe tolerates stalls of %s", span(c.tolerated(model.Liveness))),
		"let `probesim recommend` find settings, or raise timeoutSeconds and failureThreshold"
}

// sees reports whether the probe of kind k exists and notices hangs.
func (c *check) sees(k model.ProbeKind) bool {
	p := c.probe(k)
	return p != nil && c.World.Application.Probes[k].HangCoverage > 0
}

// tolerated is how long something may fail the probe of kind k that never comes to a
// verdict (S3): a process that does not answer, or where no timeout is in force, a command
// that reports a failure.
func (c *check) tolerated(k model.ProbeKind) time.Duration {
	p := c.probe(k)
	return calc.SettingsOf(p).Tolerates(!unenforced(c.World.Cluster.KubernetesVersion, p))
}

// detection returns the time from a hang to the verdict of the probe of kind k.
func (c *check) detection(k model.ProbeKind) calc.Window {
	cached := c.World.Application.Probes[k].Cached
	return calc.SettingsOf(c.probe(k)).Detection(cached == 0, cached)
}

// firstKilled returns the probability that a hang leads to the kill before it
// leads to the removal, their grids being at phases independent of each other
// since triggers move the readiness probe's (K3).
func (c *check) firstKilled() float64 {
	kill, removal := c.detection(model.Liveness), c.detection(model.Readiness)
	const points = 2000
	sum, low := 0.0, removal.Fixed
	width := time.Duration(0)
	for _, uniform := range removal.Uniform {
		width = max(width, uniform)
	}
	for i := range points {
		// The midpoints of the grid's phase; a cached status adds its mean.
		at := low + time.Duration(float64(width)*float64(2*i+1)/(2*points))
		for _, uniform := range removal.Uniform {
			if uniform != width {
				at += uniform / 2
			}
		}
		sum += kill.CDF(at)
	}
	return sum / points
}

// mostHangs is the share of hangs that are killed before they are removed from
// which the windows do not merely overlap.
const mostHangs = .75

func readinessOutlasts(c *check) {
	if !c.sees(model.Liveness) || !c.sees(model.Readiness) || c.completes() {
		return
	}
	first := c.firstKilled()
	if first <= .5+1e-9 {
		return
	}
	severity := Warning
	if first > mostHangs {
		severity = Error
	}
	kill, removal := c.detection(model.Liveness).Seconds(), c.detection(model.Readiness).Seconds()
	c.report(Finding{
		Severity: severity, Field: model.Readiness.Field() + ".failureThreshold",
		Message: fmt.Sprintf("of hung containers %s are killed while they still get traffic: the liveness probe acts after %s, the readiness probe after %s",
			percent(first), between(kill), between(removal)),
		Fix:    fmt.Sprintf("raise livenessProbe.failureThreshold to %d, twice what readiness tolerates", c.twiceReadiness()),
		Number: &Number{calc.Number(first), "probability", "a hang is killed before it is removed", "exact windows (S4)"},
	})
}

// twiceReadiness returns the liveness threshold with which it tolerates twice
// what the readiness probe does.
func (c *check) twiceReadiness() int32 {
	p := *c.probe(model.Liveness)
	if unenforced(c.World.Cluster.KubernetesVersion, &p) {
		p.TimeoutSeconds = 0 // what the command reports is all that fails it
	}
	wanted, step := 2*min(c.tolerated(model.Readiness), dist.Longest/4), max(p.Period(), p.Timeout())
	failures := 1 + (wanted-p.Timeout()+step-1)/step
	return int32(min(max(failures, 1), math.MaxInt32))
}

func identicalProbes(c *check) {
	liveness, readiness := c.probe(model.Liveness), c.probe(model.Readiness)
	if liveness == nil || readiness == nil || liveness.Handler != readiness.Handler || !alike(liveness, readiness) || c.completes() {
		return
	}
	c.report(Finding{
		Field:   model.Liveness.Field(),
		Message: fmt.Sprintf("liveness and readiness are the same: whatever lasts %s kills the container in half of the cases before it is out of the endpoints", span(c.tolerated(model.Liveness))),
		Fix:     fmt.Sprintf("give liveness an endpoint that only says that the process answers, and failureThreshold %d", c.twiceReadiness()),
		Number:  &Number{.5, "probability", "a hang is killed before it is removed", "exact windows (S4)"},
	})
}

// alike reports whether two probes act at the same times.
func alike(a, b *model.Probe) bool {
	return a.PeriodSeconds == b.PeriodSeconds && a.TimeoutSeconds == b.TimeoutSeconds && a.FailureThreshold == b.FailureThreshold
}

func sameEndpoint(c *check) {
	liveness, readiness := c.probe(model.Liveness), c.probe(model.Readiness)
	if liveness == nil || readiness == nil || liveness.Handler != readiness.Handler || alike(liveness, readiness) {
		return
	}
	longer := c.tolerated(model.Liveness) - c.tolerated(model.Readiness)
	if longer <= 0 {
		return // others say worse
	}
	c.report(Finding{
		Field:   model.Liveness.Field() + "." + liveness.Handler.Kind.String(),
		Message: fmt.Sprintf("liveness asks %s as readiness does: whatever fails readiness %s longer kills the container too", liveness.Handler, span(longer)),
		Fix:     "give liveness an endpoint that only says that the process answers",
		Number:  &Number{inSeconds(longer), "s", "what liveness tolerates beyond readiness", "exact windows (S3)"},
	})
}

func livenessBelowTwice(c *check) {
	liveness, readiness := c.probe(model.Liveness), c.probe(model.Readiness)
	if liveness == nil || readiness == nil || c.completes() {
		return
	}
	if liveness.Handler == readiness.Handler && alike(liveness, readiness) {
		return // identical-probes says more
	}
	if c.sees(model.Liveness) && c.sees(model.Readiness) && c.firstKilled() > .5+1e-9 {
		return // readiness-outlasts-liveness says worse
	}
	ratio := float64(c.tolerated(model.Liveness)) / float64(c.tolerated(model.Readiness))
	if ratio >= 2 {
		return
	}
	times := "as long as readiness does"
	if ratio != 1 {
		times = fmt.Sprintf("%s times what readiness does (%s)", digits(math.Round(100*ratio)/100), span(c.tolerated(model.Readiness)))
	}
	c.report(Finding{
		Field:   model.Liveness.Field() + ".failureThreshold",
		Message: fmt.Sprintf("liveness tolerates %s, %s: a pod has little time to recover out of the endpoints", span(c.tolerated(model.Liveness)), times),
		Fix:     fmt.Sprintf("raise livenessProbe.failureThreshold to %d, or make readiness quicker", c.twiceReadiness()),
		Number:  &Number{calc.Number(ratio), "", "ratio of the liveness to the readiness tolerance", "exact windows (S3)"},
	})
}

// tcpSeesNoHang is about every tcpSocket probe that is to notice hangs: the kernel
// accepts the connection for a process that does nothing any more (C10).
func tcpSeesNoHang(c *check) {
	for _, k := range []model.ProbeKind{model.Liveness, model.Readiness, model.Startup} {
		p := c.probe(k)
		if p == nil || p.Handler.Kind != model.TCPSocket || c.World.Application.Probes[k].HangCoverage > 0 || k == model.Readiness && c.completes() {
			continue
		}
		f := Finding{
			Field: k.Field() + ".tcpSocket", Fix: "ask the process itself: httpGet or grpc",
			Message: fmt.Sprintf("the kernel accepts connections for a process that hangs: the %s probe notices no hang, ", k),
			Number:  &Number{0, "share", "hangs that the probe notices", "the kernel's accept queue (C10)"},
		}
		switch {
		case k == model.Startup:
			f.Severity = Info
			f.Message = "the kernel accepts connections as soon as the process listens: the startup probe succeeds for one that hangs in its start after that, and tells nothing of whether it can answer"
		case k == model.Readiness && c.sees(model.Liveness):
			until := c.detection(model.Liveness).Seconds().Mean
			f.Message += fmt.Sprintf("so that a hung pod is sent requests until the liveness probe kills it, %s on average, and is never taken out of the endpoints before", seconds(float64(until)))
			f.Number = &Number{until, "s", "traffic to a hung process, on average", "exact windows of liveness (S4), and the kernel's accept queue (C10)"}
		case k == model.Readiness:
			f.Message += "so that a hung pod is never taken out of the endpoints by it"
		default:
			f.Message += "so that one is never ended by it"
		}
		c.report(f)
	}
}

// What a hang may take before it is worth a finding: twice the default objective
// on removals and ten times that on detections (design section 4), since patience
// is what the advice asks for (A18).
const (
	slowRemovalFrom   = 60 * time.Second
	slowDetectionFrom = 10 * time.Minute
)

// slowRemoval is the price of patience where it is dearest (A11): a hung pod is
// sent requests until the readiness probe, or the liveness probe where it is
// earlier, has given up.
func slowRemoval(c *check) {
	if !c.sees(model.Readiness) || c.completes() {
		return // others say worse, or nobody sends it requests
	}
	acts, kind := c.detection(model.Readiness).Seconds(), model.Readiness
	if c.sees(model.Liveness) {
		if kill := c.detection(model.Liveness).Seconds(); kill.Mean < acts.Mean {
			acts, kind = kill, model.Liveness
		}
	}
	if float64(acts.P99) <= slowRemovalFrom.Seconds() {
		return
	}
	c.report(Finding{
		Field: model.Readiness.Field() + ".failureThreshold",
		Message: fmt.Sprintf("a hung pod is sent requests for %s on average before any probe acts (the %s probe, after %s)",
			seconds(float64(acts.Mean)), kind, between(acts)),
		Fix:    "lower readinessProbe.failureThreshold or periodSeconds; `probesim recommend` says what that costs in false removals",
		Number: &Number{acts.Mean, "s", "from a hang to the first verdict, on average", "exact windows (S4)"},
	})
}

func slowDetection(c *check) {
	if !c.sees(model.Liveness) {
		return
	}
	acts := c.detection(model.Liveness).Seconds()
	if float64(acts.P99) <= slowDetectionFrom.Seconds() {
		return
	}
	severity, effect := Info, fmt.Sprintf("a hung container goes on for %s, and its capacity is missing meanwhile", between(acts))
	if float64(acts.Min) > year.Seconds() {
		severity, effect = Warning, "a hung container goes on for years: the probe costs its answers and never acts"
	}
	c.report(Finding{
		Severity: severity, Field: model.Liveness.Field() + ".failureThreshold", Message: effect,
		Fix:    "lower livenessProbe.failureThreshold or periodSeconds as far as false kills allow (`probesim recommend`), or leave the probe out",
		Number: &Number{acts.Mean, "s", "from a hang to its end, on average", "exact windows (S4)"},
	})
}

func timeoutExceedsPeriod(c *check) {
	for k := range model.ProbeKind(model.ProbeKinds) {
		p := c.probe(k)
		if p == nil || p.TimeoutSeconds <= p.PeriodSeconds || unenforced(c.World.Cluster.KubernetesVersion, p) {
			continue
		}
		tolerated := estimate.Tolerated(p)
		c.report(Finding{
			Field: k.Field() + ".timeoutSeconds",
			Message: fmt.Sprintf("attempts without answer follow each other every %d s, not every %d s: a verdict takes %s or more, where failureThreshold × periodSeconds suggests %d s",
				p.TimeoutSeconds, p.PeriodSeconds, span(tolerated), int64(p.FailureThreshold)*int64(p.PeriodSeconds)),
			Fix:    fmt.Sprintf("set %s.timeoutSeconds to at most periodSeconds (%d)", k.Field(), p.PeriodSeconds),
			Number: &Number{inSeconds(tolerated), "s", "least time from a hang to the verdict", "exact windows (S4, K5)"},
		})
	}
}

// longTimeout speaks only where the closed form shows that one second would do:
// its upper bound on false verdicts keeps the default objective.
func longTimeout(c *check) {
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		p := c.probe(k)
		if p == nil || p.TimeoutSeconds <= 1 || p.TimeoutSeconds > p.PeriodSeconds || !c.sees(k) {
			continue
		}
		form := estimate.NewClosedForm(c.alone(), k)
		if form.Why != "" {
			continue
		}
		short := *p
		short.TimeoutSeconds = 1
		_, bound := form.Rate(&short)
		if perYear := bound * year.Seconds(); perYear <= falseKillsAllowed {
			c.report(Finding{
				Assumed: c.AnswersAssumed, Field: k.Field() + ".timeoutSeconds",
				Message: fmt.Sprintf("with 1 s there would be at most %s false verdicts per pod-year; %d s make every detection %d s later", digits(perYear), p.TimeoutSeconds, p.TimeoutSeconds-1),
				Fix:     fmt.Sprintf("leave %s.timeoutSeconds at its default of 1", k.Field()),
				Number:  &Number{calc.Number(perYear), "1/year", "upper bound of false verdicts per pod-year at 1 s", "closed form: " + strings.SplitN(form.Sentence(), ";", 2)[0]},
			})
		}
	}
}

// alone is the world without the pod's other containers, which serve and
// answer at once and so do not touch the studied one.
func (c *check) alone() *model.World { return alone(c.World) }

func alone(w *model.World) *model.World {
	copied := *w
	copied.Pod.Containers = []model.Container{*w.Container()}
	copied.Studied = 0
	return &copied
}
