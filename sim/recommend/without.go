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
// them. Where a new liveness probe kills more often there than an objective allows, and
// only aims ask for it, it decides again without. It returns the search that decided.
func (r *Recommendation) decideTogether(ctx context.Context, s *search, o Options) (*search, error) {
	before := *r
	r.describe(s)
	if err := r.decide(ctx, s, o); err != nil {
		return s, err
	}
	together, err := s.together(ctx, o, r)
	if err != nil || ctx.Err() != nil {
		return s, err
	}
	r.Together = together
	aims := givenUp(o)
	if len(together.Missed()) == 0 || r.chosen == nil || s.base[model.Liveness] == nil || s.w.Container().Probes[model.Liveness] != nil || len(aims) == 0 {
		return s, nil
	}
	harm := fmt.Sprintf("all replicas together miss %s: their false kills per pod-year are %s", strings.Join(together.Missed(), " and "), spread(&together.kills, 1, ""))
	settings := describe(s, r.chosen)
	before.Rejected, before.Notes = slices.Clip(before.Rejected), slices.Clip(before.Notes)
	*r = before
	for _, aim := range aims {
		r.GivenUp = append(r.GivenUp, GivenUp{estimate.Name(aim), fmt.Sprintf("nobody states it, and with the liveness probe that it asks for %s; best would be %s", harm, settings)})
	}
	o.Objectives = slices.DeleteFunc(slices.Clone(o.Objectives), func(objective model.Objective) bool { return slices.Contains(aims, objective) })
	s = s.withoutLiveness(o.Objectives)
	r.describe(s)
	err = r.decide(ctx, s, o)
	r.reject(settings, harm)
	return s, err
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
