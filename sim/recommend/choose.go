package recommend

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// tied is the cost, in pod-seconds per pod-year, below which two settings are
// alike: one ten thousandth of the time, "four nines". More probes for less are
// not worth it.
const tied = 3156.0

// clearlyLess returns below what settings cost clearly less than others: by more than
// that, and by a tenth, as what is counted along paths hardly tells less.
func clearlyLess(cost float64) float64 { return min(cost-tied, cost/1.1) }

// closeEnough is what is taken off predicted times at their favourable end:
// phases and propagation are played out by their rules, but not what a stall in
// progress adds or takes away.
const closeEnough = 0.95

// predict returns what a combination leads to in the measure of an objective,
// at the unfavourable end, corrected by what full simulations have shown, or at
// the favourable end if that is looked for. ok is false for measures that only
// the full simulation knows.
func (s *search) predict(o *model.Objective, c *combination) (value float64, ok bool) {
	value, ok = s.plain(o, c)
	if s.favourable {
		if strings.HasSuffix(o.Measure, "Seconds") && !o.AtLeast {
			value *= closeEnough
		}
		return value, ok
	}
	return s.corrected(o, c, value), ok
}

// plain is the prediction without corrections.
func (s *search) plain(o *model.Objective, c *combination) (value float64, ok bool) {
	p := quantile(o.Statistic)
	switch o.Measure {
	case estimate.Tolerance:
		switch {
		case c.liveness == nil:
			return math.Inf(1), true
		case c.readiness == nil:
			return 0, true
		}
		return float64(c.liveness.tolerated()) / float64(c.readiness.tolerated()), true
	case "detectionSeconds":
		return s.toVerdict(c, p), true
	case "recoverySeconds":
		return s.toVerdict(c, p) + s.restart(p), true
	case "removalSeconds", "deadTrafficSecondsPerFault":
		return s.toRemoval(c, p), true
	case "readyLagSeconds":
		if c.readiness == nil {
			return s.propagation(p), true
		}
		return s.lag(c.start.probe, s.readinessProbe(c), s.unfavourable(p)), true
	case "startupKillProbability":
		switch {
		case c.start.probe != nil:
			return c.start.kills, true
		case c.liveness != nil: // kills during a start are then the liveness probe's
			return s.exceeds(guaranteed(s.livenessProbe(c))), true
		}
		return 0, true
	case "falseKillsPerPodYear":
		return s.killsPerYear(c), true
	case "falseKillsPerPodDay":
		return s.killsPerYear(c) / 365.25, true
	case "meanTimeToFalseKillSeconds":
		return year.Seconds() / s.killsPerYear(c), true
	}
	return 0, false
}

// quantile returns the share that a statistic of a distribution stands for.
func quantile(statistic string) float64 {
	switch statistic {
	case "p90":
		return 0.9
	case "p99":
		return 0.99
	}
	return 0.5
}

// startsShown is the least number of starts by which a full simulation judges.
const startsShown = 1024

// unfavourable returns the share of starts that stands for a quantile at the end of
// the interval that a full simulation can show of it (S9, S20). At the border itself
// it would leave the objective undecided.
func (s *search) unfavourable(p float64) float64 {
	if s.favourable {
		return p
	}
	const deviations = 1.96
	return min(1, p+deviations*math.Sqrt(p*(1-p)/startsShown))
}

// notices reports whether the probe of kind k, current or proposed, notices a
// hang. A tcpSocket asks the kernel, which does not unless it is stated (C10).
func (s *search) notices(k model.ProbeKind) bool {
	p := s.base[k]
	return p != nil && s.w.Application.Probes[k].HangCoverage > 0
}

// toVerdict is the quantile p of the time from a hang to the kill verdict.
func (s *search) toVerdict(c *combination, p float64) float64 {
	if c.liveness == nil || !s.notices(model.Liveness) {
		return math.Inf(1)
	}
	return c.liveness.detection(p)
}

// toRemoval is the quantile p of the time from a hang to the last proxy.
func (s *search) toRemoval(c *combination, p float64) float64 {
	if c.readiness != nil && s.notices(model.Readiness) {
		return s.removal(c.readiness, p)
	}
	return s.toVerdict(c, p) + s.restart(p) // the restart takes it out, or makes it serve
}

// killsPerYear bounds the false kills per pod-year: those of a serving process, those
// of its starts, of which each hang and each pod brings one, and those of processes
// that follow a hang's and are taken for started (K11).
func (s *search) killsPerYear(c *combination) float64 {
	starts := s.hangs + year.Seconds()/s.podLife.Seconds()
	kills := c.start.kills
	if c.start.probe == nil {
		kills = 0
		if c.liveness != nil {
			kills = s.exceeds(guaranteed(s.livenessProbe(c)))
		}
	}
	serving := 0.0
	if c.liveness != nil {
		serving = c.liveness.bound*year.Seconds() + s.hangs*s.beforeStartup(c)
	}
	if s.favourable && c.liveness != nil {
		serving, kills = c.liveness.low*year.Seconds(), 0
	}
	return serving + starts*kills
}

// beforeStartup bounds how many processes in a row the liveness probe kills after a
// hang, before the startup probe has looked at one (K11).
func (s *search) beforeStartup(c *combination) float64 {
	if c.start.probe == nil {
		return 0
	}
	liveness := s.livenessProbe(c)
	kills := estimate.KillsBeforeStartup(s.w.Cluster.KubernetesVersion, c.start.probe, liveness)
	if kills == 0 {
		return 0
	}
	return kills * s.exceeds(time.Duration(liveness.FailureThreshold-1)*liveness.Period())
}

// meets reports whether a value satisfies an objective.
func meets(o *model.Objective, value float64) bool {
	if o.AtLeast {
		return value >= o.Bound
	}
	return value <= o.Bound
}

// missed returns the objectives that a combination is predicted to miss.
func (s *search) missed(c *combination) []*model.Objective {
	var missed []*model.Objective
	for i := range s.objectives {
		o := &s.objectives[i]
		if value, ok := s.predict(o, c); ok && !meets(o, value) {
			missed = append(missed, o)
		}
	}
	return missed
}

// readinessProbe returns the readiness probe of a combination. A delay only
// keeps a process that could serve out of the endpoints, so there is none: its
// failures while it starts cost nothing.
func (s *search) readinessProbe(c *combination) *model.Probe {
	if c.readiness == nil {
		return nil
	}
	p := c.readiness.on(s.base[model.Readiness])
	p.InitialDelaySeconds = 0
	return p
}

// livenessProbe returns the liveness probe of a combination. Its delay stays
// only where no startup probe protects the start.
func (s *search) livenessProbe(c *combination) *model.Probe {
	if c.liveness == nil {
		return nil
	}
	p := c.liveness.on(s.base[model.Liveness])
	if c.start.probe != nil {
		p.InitialDelaySeconds = 0
	}
	return p
}

// startupProbe returns the startup probe of a combination: a new one gets the
// liveness probe's timeout, as far as its period allows.
func (s *search) startupProbe(c *combination) *model.Probe {
	p := c.start.probe
	if p == nil || p == s.w.Container().Probes[model.Startup] || c.liveness == nil {
		return p
	}
	q := *p
	q.TimeoutSeconds = min(c.liveness.timeout, q.PeriodSeconds)
	return &q
}

// world returns the world with a combination's probes.
func (s *search) world(c *combination) *model.World {
	container := *s.w.Container()
	container = container.WithProbe(model.Startup, s.startupProbe(c))
	container = container.WithProbe(model.Readiness, s.readinessProbe(c))
	container = container.WithProbe(model.Liveness, s.livenessProbe(c))
	return s.w.WithContainer(container)
}

// options returns the settings of one kind of probe, cheapest first; one nil
// where there is no handler for it.
func (s *search) options(k model.ProbeKind, onlyUsual bool) []*option {
	if s.base[k] == nil {
		return []*option{nil}
	}
	var options []*option
	for _, at := range s.settings(k, onlyUsual) {
		if k == model.Readiness && s.shedding != nil && at.tolerated() > s.shedding.tolerated() {
			continue
		}
		o := s.option(k, at)
		if s.possible(k, &o) {
			options = append(options, &o)
		}
	}
	slices.SortStableFunc(options, func(a, b *option) int { return cmp.Compare(a.cost, b.cost) })
	return options
}

// possible reports whether a setting meets the objectives that depend on it
// alone. It keeps the pairing of settings small.
func (s *search) possible(k model.ProbeKind, o *option) bool {
	for i := range s.objectives {
		objective := &s.objectives[i]
		c := combination{liveness: o}
		switch {
		case k == model.Liveness && (objective.Measure == "detectionSeconds" || objective.Measure == "recoverySeconds"):
		case k == model.Liveness && ofKills(objective.Measure):
			c.start.probe = s.base[k] // any: only what happens while serving
		case k == model.Readiness && objective.Measure == "removalSeconds" && s.notices(k):
			c = combination{readiness: o}
		default:
			continue
		}
		if value, ok := s.predict(objective, &c); ok && !meets(objective, value) {
			return false
		}
	}
	return true
}

// choose returns the combinations of usual values that are predicted to meet every objective
// and cost no more than the cheapest, or as good as no more, best first (S20):
// fewest probes, then usual values, then the shortest timeouts. Nil: there are none.
func (s *search) choose() []combination {
	const mostOfEach = 400
	readiness, liveness := s.options(model.Readiness, true), s.options(model.Liveness, true)
	starts := s.startOptions(true)
	readiness, liveness = thin(readiness, mostOfEach), thin(liveness, mostOfEach)
	ofReadiness, ofLiveness, ofBoth := s.grouped()
	cheapest := math.Inf(1)
	var good []combination
	for _, first := range starts {
		meeting := s.meeting(model.Liveness, first, liveness, ofLiveness)
		for _, r := range s.meeting(model.Readiness, first, readiness, ofReadiness) {
			for _, l := range meeting {
				c := pairedOf(first, r, l)
				if c.cost > cheapest+tied {
					break // the rest cost more still
				}
				if s.missesAny(ofBoth, &c) || s.overloaded(&c) {
					continue
				}
				cheapest = min(cheapest, c.cost)
				good = append(good, c)
			}
		}
	}
	good = slices.DeleteFunc(good, func(c combination) bool { return c.cost > cheapest+tied })
	return s.ranked(good)
}

// grouped returns the objectives by what their predictions depend on beside the
// start: the readiness probe, the liveness probe, or both.
func (s *search) grouped() (ofReadiness, ofLiveness, ofBoth []*model.Objective) {
	for i := range s.objectives {
		switch o := &s.objectives[i]; {
		case o.Measure == estimate.Tolerance:
			ofBoth = append(ofBoth, o)
		case o.Measure == "readyLagSeconds", (o.Measure == "removalSeconds" || o.Measure == "deadTrafficSecondsPerFault") && s.notices(model.Readiness):
			ofReadiness = append(ofReadiness, o)
		default:
			ofLiveness = append(ofLiveness, o)
		}
	}
	return ofReadiness, ofLiveness, ofBoth
}

// meeting returns the options of one kind of probe that meet the objectives which
// depend on it and the start.
func (s *search) meeting(k model.ProbeKind, first start, options []*option, objectives []*model.Objective) []*option {
	return slices.DeleteFunc(slices.Clone(options), func(o *option) bool {
		c := combination{start: first}.with(k, o)
		return s.missesAny(objectives, &c)
	})
}

// rank is what orders combinations of about the same cost.
type rank struct {
	combination
	load     float64
	unusual  int
	timeouts int32
}

// ranked puts combinations of about the same cost in order, best first.
func (s *search) ranked(all []combination) []combination {
	probes := s.w.Container().Probes
	ranks := make([]rank, len(all))
	for i := range all {
		c := &all[i]
		ranks[i] = rank{*c, load(c), s.unusual(c, &probes), timeouts(c)}
	}
	slices.SortStableFunc(ranks, func(a, b rank) int {
		return cmp.Or(cmp.Compare(a.load, b.load), cmp.Compare(a.unusual, b.unusual), cmp.Compare(a.timeouts, b.timeouts), cmp.Compare(a.cost, b.cost))
	})
	for i := range ranks {
		all[i] = ranks[i].combination
	}
	return all
}

// thin keeps the cheapest options, and evenly many of the others.
func thin(options []*option, most int) []*option {
	if len(options) <= most {
		return options
	}
	kept := slices.Clone(options[:most/2])
	rest := options[most/2:]
	for i := range most / 2 {
		kept = append(kept, rest[i*len(rest)/(most/2)])
	}
	return kept
}

// load is the number of probes per minute of a serving pod, and a little for a
// startup probe.
func load(c *combination) float64 {
	sum := 0.0
	for _, o := range []*option{c.readiness, c.liveness} {
		if o != nil {
			sum += 60 / float64(o.period)
		}
	}
	if c.start.probe != nil {
		sum += 0.001 + 0.001/float64(c.start.probe.PeriodSeconds)
	}
	return sum
}

func (s *search) unusual(c *combination, current *[model.ProbeKinds]*model.Probe) int {
	n := 0
	if c.readiness != nil {
		n += c.readiness.unusual(current[model.Readiness])
	}
	if c.liveness != nil {
		n += c.liveness.unusual(current[model.Liveness])
	}
	return n
}

func timeouts(c *combination) int32 {
	sum := int32(0)
	for _, o := range []*option{c.readiness, c.liveness} {
		if o != nil {
			sum += 100*o.timeout + o.failures
		}
	}
	return sum
}

// seconds writes a duration for a sentence, as the tables of the command do: to
// three significant digits, in seconds up to ten minutes; whole seconds, which are
// often of settings, in full up to two hours.
func seconds(x float64) string {
	switch size := math.Abs(x); {
	case math.IsInf(x, 1) || x >= 1e15:
		return "for ever"
	case x == math.Trunc(x) && size < 7200:
		return fmt.Sprintf("%.0f s", x)
	case size >= 3*86400:
		return digits(x/86400, 3) + " d"
	case size >= 3*3600:
		return digits(x/3600, 3) + " h"
	case size >= 600:
		return digits(x/60, 3) + " min"
	case size >= 0.1:
		return digits(x, 3) + " s"
	}
	return digits(x*1000, 3) + " ms"
}
