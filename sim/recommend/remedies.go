package recommend

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
)

// Remedy is a change other than of the probes' numbers, with what it is
// predicted to buy (S22). The article's advice: a cheap handler, a status
// computed aside, a thread of its own, http instead of exec, more CPU.
type Remedy struct {
	Change string `json:"change"`
	// Possible: settings are predicted to meet every objective after it.
	Possible bool `json:"possible"`
	// Settings are those settings; empty: there are none.
	Settings string `json:"settings,omitempty"`
	// FalseKillsPerPodYear and FalseRemovalsPerPodYear, from the endpoints, are
	// predicted for the current settings, at the unfavourable end, as things are and
	// after the change. Null: there is no bound.
	FalseKillsPerPodYear    Change `json:"falseKillsPerPodYear"`
	FalseRemovalsPerPodYear Change `json:"falseRemovalsPerPodYear"`
}

// Change is a number before and after a change.
type Change struct {
	Before calc.Number `json:"before"`
	After  calc.Number `json:"after"`
}

// remedy is a change of a world.
type remedy struct {
	name  string
	world *model.World
}

// aside is the interval at which a status that is computed aside is computed
// anew, in the remedy that does so (A7).
const aside = 5 * time.Second

// remedies tries every change that applies to the world and says what it buys.
func (s *search) remedies(ctx context.Context, o Options) ([]Remedy, error) {
	if s.base[model.Readiness] == nil && s.base[model.Liveness] == nil {
		return nil, nil
	}
	kills, removals := s.killsPerYear(s.current()), s.current().removalsPerYear()
	var all []Remedy
	for _, change := range applicable(s.w) {
		starts := s.starts
		if change.world.Container().CPULimitMilli != s.w.Container().CPULimitMilli {
			starts = nil
		}
		tried, err := newSearch(ctx, change.world, o, glance, starts)
		if err != nil {
			return nil, err
		}
		found := Remedy{
			Change:                  change.name,
			FalseKillsPerPodYear:    Change{calc.Number(kills), calc.Number(tried.killsPerYear(tried.current()))},
			FalseRemovalsPerPodYear: Change{calc.Number(removals), calc.Number(tried.current().removalsPerYear())},
		}
		if chosen := tried.choose(true); len(chosen) > 0 {
			found.Possible, found.Settings = true, describe(tried, &chosen[0])
		}
		all = append(all, found)
	}
	return all, nil
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
	add(fmt.Sprintf("a status computed every %v aside of the probe, and answered from memory", aside), func(_ model.ProbeKind, _ *model.Probe, a *model.Answer) bool {
		if a.Cached > 0 || a.CPU.IsZero() && len(a.DependsOn) == 0 {
			return false
		}
		fromMemory := model.DefaultAnswer(model.HTTPGet)
		a.CPU, a.Wait, a.Cached = fromMemory.CPU, fromMemory.Wait, aside
		return true
	})
	add("a thread of its own for the probes", func(_ model.ProbeKind, _ *model.Probe, a *model.Answer) bool {
		queued := a.RunsOn == model.Workers
		a.RunsOn = model.Dedicated
		return queued
	})
	add("httpGet instead of exec, with a handler that takes 1 ms of CPU", func(_ model.ProbeKind, p *model.Probe, a *model.Answer) bool {
		if p.Handler.Kind != model.Exec {
			return false
		}
		p.Handler.Kind = model.HTTPGet
		a.Exec, a.CPU = model.ExecCost{}, dist.Constantly(time.Millisecond)
		return true
	})
	if w.Container().CPULimitMilli > 0 && !w.Node.NoCFSQuota {
		container := *w.Container()
		container.CPULimitMilli = 0
		all = append(all, remedy{"no CPU limit", w.WithContainer(container)})
	}
	return all
}

// withAnswers returns a world with its probes and their answers changed, and
// whether any was.
func withAnswers(w *model.World, change func(model.ProbeKind, *model.Probe, *model.Answer) bool) (*model.World, bool) {
	container, changed := *w.Container(), false
	answers := w.Application.Probes
	for k := range container.Probes {
		if container.Probes[k] == nil {
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

// removalsPerYear bounds the false removals of a serving pod per pod-year.
func (c *combination) removalsPerYear() float64 {
	if c.readiness == nil {
		return 0
	}
	return c.readiness.bound * year.Seconds()
}

// Sentence says what the change buys.
func (r *Remedy) Sentence() string {
	effect := "still no settings meet every objective"
	if r.Possible {
		effect = "the objectives become possible: " + r.Settings
	}
	var moved []string
	for _, number := range []struct {
		of     string
		change *Change
	}{{"false kills", &r.FalseKillsPerPodYear}, {"false removals", &r.FalseRemovalsPerPodYear}} {
		if before, after, moves := number.change.moves(); moves {
			moved = append(moved, fmt.Sprintf("their %s per pod-year, at most, go from %s to %s", number.of, before, after))
		}
	}
	switch {
	case len(moved) > 0:
		effect += "; with the current settings " + strings.Join(moved, " and ")
	case !r.Possible:
		effect += ", and the current ones are predicted to do neither better nor worse: it buys nothing"
	}
	return r.Change + ": " + effect
}

// moves writes the numbers of a change, and reports whether they can be told apart.
func (c *Change) moves() (before, after string, moves bool) {
	b, a := float64(c.Before), float64(c.After)
	if math.IsInf(b, 0) || math.IsInf(a, 0) || math.IsNaN(b) || math.IsNaN(a) {
		return "", "", false
	}
	before, after = perYear(b), perYear(a)
	return before, after, before != after
}
