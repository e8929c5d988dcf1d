package recommend

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// A liveness probe that there is none of yet is proposed because an objective asks for
// one: how soon a hang is noticed, or ends. Where none does, there is none to propose
// (S23). Where the objective is only an aim of the tool's own and the probe would do
// harm that the measures of one pod do not show, the aim is given up: a service whose
// replicas share a load may overload them all at once, and then the probe restarts
// processes that have done nothing wrong.

// asksForLiveness reports whether a world has a liveness probe, or an objective asks for
// one.
func asksForLiveness(w *model.World, bases *[model.ProbeKinds]*model.Probe, objectives []model.Objective) bool {
	if w.Container().Probes[model.Liveness] != nil {
		return true
	}
	byReadiness := bases[model.Readiness] != nil && w.Application.Probes[model.Readiness].HangCoverage > 0
	return slices.ContainsFunc(objectives, func(o model.Objective) bool {
		return noticesHangs(&o) || strings.HasPrefix(o.Measure, "removal") && !byReadiness
	})
}

// noticesHangs reports whether an objective is about how soon a liveness probe notices a
// hang.
func noticesHangs(o *model.Objective) bool {
	return o.Measure == "detectionSeconds" || o.Measure == "recoverySeconds"
}

// inTime returns the objectives about how soon a hang is noticed.
func (s *search) inTime() []*model.Objective {
	var inTime []*model.Objective
	for i := range s.objectives {
		if o := &s.objectives[i]; noticesHangs(o) {
			inTime = append(inTime, o)
		}
	}
	return inTime
}

// decideTogether decides on the settings and simulates all replicas side by side with
// them. Where these kill more often than an objective allows, it decides again: without
// a new liveness probe that only aims ask for, or for more patient settings. What they
// miss all the same may be mended by other changes. It returns the search that decided.
func (r *Recommendation) decideTogether(ctx context.Context, s *search, o Options) (*search, error) {
	s, err := r.decideSettings(ctx, s, o)
	if err != nil {
		return s, err
	}
	return s, r.mendTogether(ctx, s, o)
}

// decideSettings is decideTogether without other changes.
func (r *Recommendation) decideSettings(ctx context.Context, s *search, o Options) (*search, error) {
	before := *r
	var d decision
	r.describe(s)
	if err := r.decide(ctx, s, o, &d); err != nil {
		return s, err
	}
	if missed, err := r.missTogether(ctx, s, o); !missed || err != nil {
		return s, err
	}
	added := r.chosen != nil && r.chosen.liveness != nil && s.w.Container().Probes[model.Liveness] == nil
	if aims := givenUp(o); added && len(aims) > 0 {
		return r.giveUp(ctx, s, o, &before, aims)
	}
	return s, r.tryMore(ctx, s, o, &d)
}

// missTogether simulates all replicas side by side with what is recommended, and reports
// whether they miss an objective about false kills that each pod by itself meets: that is
// what other settings may mend.
func (r *Recommendation) missTogether(ctx context.Context, s *search, o Options) (missed bool, err error) {
	r.Together, err = s.together(ctx, o, r)
	return err == nil && ctx.Err() == nil && r.Together.kill(), err
}

// giveUp decides again without a liveness probe and the aims that ask for one.
func (r *Recommendation) giveUp(ctx context.Context, s *search, o Options, before *Recommendation, aims []model.Objective) (*search, error) {
	harm, settings := r.Together.harm("miss"), describe(s, r.chosen)
	*r = *before
	r.Rejected, r.Notes = slices.Clip(r.Rejected), slices.Clip(r.Notes)
	for _, aim := range aims {
		r.GivenUp = append(r.GivenUp, GivenUp{estimate.Name(aim), fmt.Sprintf("nobody states it, and with the liveness probe that it asks for %s; best would be %s", harm, settings)})
	}
	o.Objectives = slices.DeleteFunc(slices.Clone(o.Objectives), func(objective model.Objective) bool { return slices.Contains(aims, objective) })
	s = s.withoutLiveness(o.Objectives)
	r.describe(s)
	if err := r.decide(ctx, s, o, new(decision)); err != nil {
		return s, err
	}
	r.reject(settings, harm)
	_, err := r.missTogether(ctx, s, o)
	return s, err
}

// mostMore is how many other settings are tried where all replicas together miss an
// objective.
const mostMore = 2

// tryMore looks for settings with which all replicas together meet what they miss with
// those that are recommended. Where it finds none these stay, and the answer says what
// they do.
func (r *Recommendation) tryMore(ctx context.Context, s *search, o Options, d *decision) error {
	first := *r
	var rejected []Rejection
	for range mostMore {
		c := r.chosen
		if c == nil {
			c = s.current()
		}
		if c.liveness == nil {
			break // the kills are those of starts
		}
		rejected = append(rejected, Rejection{describe(s, c), r.Together.harm("miss")})
		s.teach(c.liveness, &r.Together.recommended.FalseKillsPerPodYear)
		r.forget(d)
		missed := true
		found, err := r.tryRounds(ctx, s, o, d, true)
		if found && err == nil {
			missed, err = r.missTogether(ctx, s, o)
		}
		switch {
		case ctx.Err() != nil:
			*r = first
			return nil
		case err != nil:
			return err
		case !missed:
			r.Rejected = append(r.Rejected, rejected...)
			return nil
		}
		if !found {
			break
		}
	}
	*r = first
	if len(rejected) > 1 { // the first are those that stay
		r.Rejected = append(slices.Clip(r.Rejected), rejected[1:]...)
	}
	return nil
}

// forget takes back what was recommended, up to what is known of the current settings.
func (r *Recommendation) forget(d *decision) {
	r.Recommended, r.chosen, r.Together, r.Binding = nil, nil, nil, []Reason{}
	r.Notes, r.Rejected = slices.Clip(r.Notes[:d.notes]), slices.Clip(r.Rejected[:d.rejected])
	*d = decision{current: missed, predicted: d.predicted, notes: d.notes, rejected: d.rejected}
}

// givenUp returns the aims to give up for there to be no liveness probe: all objectives
// that ask for one. Nil: one of them is stated.
func givenUp(o Options) []model.Objective {
	var aims []model.Objective
	for i := range o.Objectives {
		if !noticesHangs(&o.Objectives[i]) {
			continue
		}
		if !slices.Contains(o.Aims, o.Objectives[i]) {
			return nil
		}
		aims = append(aims, o.Objectives[i])
	}
	return aims
}

// withoutLiveness returns the search for settings without a liveness probe.
func (s *search) withoutLiveness(objectives []model.Objective) *search {
	bare := *s
	bare.objectives = objectives
	bare.base[model.Liveness], bare.closed[model.Liveness], bare.loud[model.Liveness], bare.chain[model.Liveness] = nil, nil, nil, nil
	bare.shedding, bare.corrections, bare.lessons, bare.eagerness, bare.tried = nil, nil, nil, 0, map[string]bool{}
	return &bare
}
