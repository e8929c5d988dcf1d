package recommend

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// Remedy is a change other than of the probes' numbers, with what it buys (S22). The
// article's advice: a cheap handler, a status computed aside, a thread of its own,
// http instead of exec, more CPU.
type Remedy struct {
	Change string `json:"change"`
	// Possible: settings are predicted to meet every objective after it, and miss none
	// in a first simulation.
	Possible bool `json:"possible"`
	// Settings are those settings, or the best predicted ones that miss something;
	// empty: none are predicted to meet every objective.
	Settings string `json:"settings,omitempty"`
	// Missed are the objectives that they miss in that simulation.
	Missed []string `json:"missed"`
	// Undecided are the objectives of which that simulation left open whether they
	// meet them.
	Undecided []string `json:"undecided"`
	// FalseKillsPerPodYear and FalseRemovalsPerPodYear, from the endpoints, are those
	// of the current settings, as things are and after the change. The methods say
	// which are simulated, and which predicted.
	FalseKillsPerPodYear    Change `json:"falseKillsPerPodYear"`
	FalseRemovalsPerPodYear Change `json:"falseRemovalsPerPodYear"`
}

// names returns what the changes are.
func names(changes []remedy) []string {
	all := make([]string, len(changes))
	for i := range changes {
		all[i] = changes[i].name
	}
	return all
}

// Change is a number before and after a change. Null: nothing bounds it.
type Change struct {
	Before *stats.Estimate `json:"before"`
	After  *stats.Estimate `json:"after"`
}

// Methods of rates that were predicted, not simulated, and of those that have a bound
// alone.
const (
	predictedRate = "predicted"
	closedForm    = "closed form" // of the estimate's own
)

// remedy is a change of a world.
type remedy struct {
	name  string
	world *model.World
}

// aside is the interval at which a status that is computed aside is computed
// anew, in the remedy that does so (A7).
const aside = 5 * time.Second

// changes are those to the world that are worth a try where no settings meet the
// objectives; none where there is no probe that they could help.
func (s *search) changes() []remedy {
	if s.base[model.Readiness] == nil && s.base[model.Liveness] == nil {
		return nil
	}
	return applicable(s.w)
}

// tryRemedies tries every change and says what it buys. Each is simulated as far as its
// world's events ask for, however much of the budget is left: a change of which that
// ended in the middle is left among the untried ones, with those behind it.
func (i *Infeasible) tryRemedies(ctx context.Context, s *search, o Options, kills *stats.Estimate) error {
	for _, change := range s.changes() {
		found, err := s.try(ctx, o, &change, kills)
		if ctx.Err() != nil || err != nil {
			return cmp.Or(ctx.Err(), err)
		}
		i.Remedies, i.Untried = append(i.Remedies, *found), i.Untried[1:]
	}
	return nil
}

// try simulates one change. Kills are the simulated ones of the current settings.
func (s *search) try(ctx context.Context, o Options, change *remedy, kills *stats.Estimate) (*Remedy, error) {
	starts := s.starts
	if a, b := change.world.Container(), s.w.Container(); a.CPULimitMilli != b.CPULimitMilli || a.CPURequestMilli != b.CPURequestMilli {
		starts = nil
	}
	tried, err := newSearch(ctx, change.world, o, glance, starts)
	if err != nil {
		return nil, err
	}
	if starts != nil && s.tail != nil {
		tried.tail = tried.tailIn(change.world)
	}
	found := &Remedy{Change: change.name, Missed: []string{}, Undecided: []string{}, FalseRemovalsPerPodYear: Change{s.removals(), tried.removals()}}
	o.Budget = 0 // ctx ends with it
	if found.FalseKillsPerPodYear, err = s.killsChange(ctx, o, tried, kills); err != nil {
		return nil, err
	}
	return found, tried.mend(ctx, o, found)
}

// UntriedSentence names the changes that there was no time for; empty: there was for all.
func (i *Infeasible) UntriedSentence() string {
	if len(i.Untried) == 0 {
		return ""
	}
	return "there was no time within the budget to try what these changes buy: " + strings.Join(i.Untried, "; ")
}

// killsChange returns the false kills of the current settings before and after a
// change: simulated, or where there is no time for that predicted.
func (s *search) killsChange(ctx context.Context, o Options, tried *search, before *stats.Estimate) (Change, error) {
	named := estimate.Named{Name: "current", World: tried.w}
	simulated, err := tried.alone(ctx, o.forTrial(named.World), named, .1)
	if err != nil {
		return Change{}, err
	}
	after := simulated.Measures.FalseKillRate()
	if before == nil || after == nil {
		return Change{s.predictedKills(), tried.predictedKills()}, nil
	}
	return Change{before, after}, nil
}

// mend looks for settings that meet every objective after a change, and simulates the
// best, and the next best if that misses one.
func (s *search) mend(ctx context.Context, o Options, found *Remedy) error {
	for range 2 {
		chosen := s.choose()
		if len(chosen) == 0 {
			return nil
		}
		best := finalist{combination: chosen[0]}
		named := estimate.Named{Name: "recommended", World: s.world(&best.combination)}
		var err error
		if best.variant, err = s.alone(ctx, o.forTrial(named.World), named, .1); err != nil {
			return err
		}
		found.Settings, found.Missed, found.Undecided = describe(s, &best.combination), []string{}, []string{}
		for _, objective := range best.variant.Objectives {
			switch {
			case objective.Met == nil:
				found.Undecided = append(found.Undecided, objective.Name)
			case !*objective.Met:
				found.Missed = append(found.Missed, objective.Name)
			}
		}
		if found.Possible = len(found.Missed) == 0; found.Possible {
			return nil
		}
		if !s.correct([]finalist{best}) {
			return nil
		}
	}
	return nil
}

// predictedKills and removals are the rates of the current settings per pod-year, as
// predicted. Nil: nothing bounds them.
func (s *search) predictedKills() *stats.Estimate {
	current := s.current()
	if s.overloaded(current) {
		return nil
	}
	hope := s.hope()
	return s.predictedPerYear(hope.killsPerYear(hope.current()), s.killsPerYear(current))
}

func (s *search) removals() *stats.Estimate {
	current := s.current()
	switch {
	case current.readiness == nil:
		return s.predictedPerYear(0, 0)
	case s.overloaded(current):
		return nil
	}
	return s.predictedPerYear(current.readiness.low*year.Seconds(), current.readiness.bound*year.Seconds())
}

func (s *search) predictedPerYear(low, high float64) *stats.Estimate {
	if math.IsInf(high, 1) {
		return nil
	}
	return &stats.Estimate{Estimate: high, Low: low, High: high, Confidence: s.confidence, Method: predictedRate}
}

// applicable returns the changes that would change something in a world.
func applicable(w *model.World) []remedy {
	var all []remedy
	add := func(name string, change func(k model.ProbeKind, p *model.Probe, a *model.Answer) bool) {
		if world, changed := withAnswers(w, change); changed {
			all = append(all, remedy{name, world})
		}
	}
	add("a handler that takes half the CPU", func(_ model.ProbeKind, _ *model.Probe, a *model.Answer) bool {
		if a.CPU.IsZero() {
			return false
		}
		a.CPU = a.CPU.Times(.5)
		return true
	})
	fromMemory := fmt.Sprintf("a status computed every %v aside of the probe, and answered from memory", aside)
	if execs(w) {
		fromMemory += ", by httpGet instead of exec"
	}
	add(fromMemory, func(_ model.ProbeKind, p *model.Probe, a *model.Answer) bool {
		if a.Cached > 0 || a.CPU.IsZero() && a.Exec.HelperCPU.IsZero() && len(a.DependsOn) == 0 {
			return false
		}
		if p.Handler.Kind == model.Exec { // a process that is started for each attempt has no memory
			p.Handler.Kind, a.Exec = model.HTTPGet, model.ExecCost{}
		}
		from := model.DefaultAnswer(model.HTTPGet)
		a.CPU, a.Wait, a.Cached = from.CPU, from.Wait, aside
		return true
	})
	add("a thread of its own for the probes", func(_ model.ProbeKind, _ *model.Probe, a *model.Answer) bool {
		queued := a.RunsOn == model.Workers
		a.RunsOn = model.Dedicated
		return queued
	})
	add("no check of dependencies, which a restart does not bring back, by the probes that kill", func(k model.ProbeKind, _ *model.Probe, a *model.Answer) bool {
		if k == model.Readiness || len(a.DependsOn) == 0 {
			return false
		}
		a.DependsOn = nil
		return true
	})
	add("httpGet instead of exec, with a handler that takes 1 ms of CPU", func(_ model.ProbeKind, p *model.Probe, a *model.Answer) bool {
		if p.Handler.Kind != model.Exec {
			return false
		}
		p.Handler.Kind = model.HTTPGet
		a.Exec, a.CPU = model.ExecCost{}, dist.Constantly(time.Millisecond)
		return true
	})
	add("httpGet instead of tcpSocket, which the kernel answers for a hung process too, with a handler that takes 1 ms of CPU", func(_ model.ProbeKind, p *model.Probe, a *model.Answer) bool {
		if p.Handler.Kind != model.TCPSocket || a.HangCoverage > 0 { // C10
			return false
		}
		p.Handler.Kind = model.HTTPGet
		*a = model.DefaultAnswer(model.HTTPGet)
		a.CPU = dist.Constantly(time.Millisecond)
		return true
	})
	if w.Container().CPULimitMilli > 0 && !w.Node.NoCFSQuota {
		container := *w.Container()
		container.CPULimitMilli = 0
		all = append(all, remedy{"no CPU limit", w.WithContainer(container)})
	}
	if now, more := w.Container().CPURequestMilli, betterRequest(w); more > 0 {
		container := *w.Container()
		container.CPURequestMilli = more
		all = append(all, remedy{fmt.Sprintf("a CPU request of %s instead of %s", estimate.Quantity(more), cmp.Or(estimate.Quantity(now), "none")), w.WithContainer(container)})
	}
	return all
}

// betterRequest returns the CPU request, in thousandths, with which a container gets
// as much of a contended CPU as all of its neighbours together, since a weight
// follows from the request (K60): as much as they request, and at least twice the
// present one, up to the limit. 0: there are no neighbours, or it is so already.
func betterRequest(w *model.World) int64 {
	theirs := int64(0)
	nodes := []*model.Node{&w.Node}
	for i := range w.Node.Classes {
		nodes = append(nodes, &w.Node.Classes[i].Node)
	}
	for _, n := range nodes {
		sum := int64(0)
		for i := range n.Neighbours {
			sum += n.Neighbours[i].CPURequestMilli
		}
		theirs = max(theirs, sum)
	}
	limit := w.Container().CPULimitMilli
	now := cmp.Or(w.Container().CPURequestMilli, limit)
	more := max(theirs, 2*now)
	if limit > 0 {
		more = min(more, limit)
	}
	if theirs == 0 || more <= now {
		return 0
	}
	return more
}

// execs reports whether a probe starts a process for each attempt.
func execs(w *model.World) bool {
	return slices.ContainsFunc(w.Container().Probes[:], func(p *model.Probe) bool { return p != nil && p.Handler.Kind == model.Exec })
}

// withAnswers returns a world with its probes and their answers changed, and
// whether any was.
func withAnswers(w *model.World, change func(model.ProbeKind, *model.Probe, *model.Answer) bool) (*model.World, bool) {
	container, changed := *w.Container(), false
	answers := w.Application.Probes
	proposed := bases(w)
	for k := range container.Probes {
		if container.Probes[k] == nil {
			if proposed[k] != nil { // a new probe asks the same handler
				p := *proposed[k]
				change(model.ProbeKind(k), &p, &answers[k])
			}
			continue
		}
		p := *container.Probes[k]
		changed = change(model.ProbeKind(k), &p, &answers[k]) || changed
		container = container.WithProbe(model.ProbeKind(k), &p)
	}
	world := w.WithContainer(container)
	world.Application.Probes = answers
	return world, changed
}

// Sentence says what the change buys.
func (r *Remedy) Sentence() string {
	effect := "still no settings are predicted to meet every objective"
	switch {
	case len(r.Missed) > 0:
		effect = "still no settings that meet every objective: the best predicted, " + r.Settings + ", miss " + strings.Join(r.Missed, ", ") + " in a first simulation"
	case r.Possible && len(r.Undecided) == 0:
		effect = "the objectives become possible: " + r.Settings + ", which meet all of them in a first simulation"
	case r.Possible:
		effect = "the objectives become possible by prediction: " + r.Settings + ", which miss none in a first simulation and leave " + strings.Join(r.Undecided, ", ") + " open"
	}
	kills, more := r.FalseKillsPerPodYear.sentence("false kills")
	removals, others := r.FalseRemovalsPerPodYear.sentence("false removals")
	effect += "; with the current settings " + kills + ", and " + removals
	if !r.Possible && !more && !others {
		effect += ": it buys nothing"
	}
	return r.Change + ": " + effect
}

// sentence writes a change, and reports whether it is one for the better.
func (c *Change) sentence(of string) (text string, better bool) {
	before, after := changing(c.Before), changing(c.After)
	better = c.After != nil && (c.Before == nil || c.After.High < c.Before.Low || c.Before.Method == predictedRate && c.After.High < c.Before.High)
	how := "simulated"
	switch {
	case c.After == nil || c.After.Method == predictedRate:
		how = "predicted"
	case c.After.Method == closedForm:
		how = "the latter by the closed form"
	}
	if how == "simulated" && c.Before != nil && c.After.Estimate == 0 && c.After.High > 0 && !better {
		return fmt.Sprintf("%s per pod-year: %s before, and %s after, too little simulated to tell (%s)", of, before, after, how), false
	}
	if before == after {
		return fmt.Sprintf("%s per pod-year: %s before and after (%s)", of, before, how), false
	}
	return fmt.Sprintf("%s per pod-year go from %s to %s (%s)", of, before, after, how), better
}

// changing writes one number of a change.
func changing(e *stats.Estimate) string {
	switch {
	case e == nil || math.IsInf(e.High, 1) && e.Estimate == 0:
		return "any number"
	case e.High == 0:
		return "0"
	case e.Method != predictedRate && e.Method != closedForm && e.Estimate == 0:
		return "none seen, at most " + perYear(e.High)
	case e.Method == predictedRate || e.Estimate == 0 || e.Low == 0 && e.Method == closedForm:
		return strings.Replace("at most "+perYear(e.High), "at most under", "under", 1)
	}
	return perYear(e.Estimate)
}
