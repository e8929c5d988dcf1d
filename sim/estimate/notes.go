package estimate

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// notes says how the numbers of a variant were made, what they do not show,
// and which measures do not apply.
func (t *tally) notes(w *model.World, v *Variant, formula *formula, o Options) []string {
	notes := []string{fmt.Sprintf(
		"method: %s, %d of %s each (%s of pod time), so failures come in the runs that their causes make and no independence is assumed; replications are independent of each other, and intervals are over replications where events cluster",
		lifeByLife(w, o.Horizon), t.Replications, spell(o.Horizon), podTime(&t.PodTime))}
	notes = append(notes, t.killNotes(w, &v.Measures)...)
	notes = append(notes, classNotes(v.NodeClasses)...)
	notes = append(notes, formula.notes(w, &v.Measures)...)
	notes = append(notes, t.faultNotes(w)...)
	notes = append(notes, t.startNotes(w)...)
	notes = append(notes, nullNotes(&v.Measures, o)...)
	if t.ProbeCPU.N == 0 {
		notes = append(notes, "probeCPUFraction does not apply: the container has no CPU limit")
	}
	if len(w.Application.Resources) == 0 {
		notes = append(notes, "exhaustionProbability does not apply: no resource of the application grows")
	}
	for k, probe := range w.Container().Probes {
		switch {
		case probe == nil:
			notes = append(notes, fmt.Sprintf("probeFailureProbability.%s does not apply: there is no %s", model.ProbeKind(k), model.ProbeKind(k).Field()))
		case v.Measures.ProbeFailureProbability[k] == nil:
			notes = append(notes, fmt.Sprintf("probeFailureProbability.%s is missing: the probe made no attempt", model.ProbeKind(k)))
		}
	}
	return append(notes, precisionNotes(w, v, o)...)
}

// killNotes says what the rates of false kills rest on.
func (t *tally) killNotes(w *model.World, m *Measures) []string {
	byLiveness, byStartup := canKill(w)
	var notes []string
	switch {
	case !byLiveness && !byStartup:
		notes = append(notes, "no false kill can happen: "+why(w))
	case count(t.FalseKills.All.Sums.Y) == 0 && m.FalseKillsPerPodYear.Estimate == 0:
		notes = append(notes, fmt.Sprintf("no false kill was seen in %s of pod time; the upper bound, %.3g per pod-year, is what that excludes", podTime(&t.PodTime), m.FalseKillsPerPodYear.High))
	}
	return notes
}

// why says why no probe can kill falsely.
func why(w *model.World) string {
	var reasons []string
	for _, k := range []model.ProbeKind{model.Startup, model.Liveness} {
		if w.Container().Probes[k] == nil {
			reasons = append(reasons, "there is no "+k.Field())
		} else {
			reasons = append(reasons, "nothing in the scenario can make the "+k.Field()+" fail often enough")
		}
	}
	return strings.Join(reasons, ", and ")
}

func (t *tally) startNotes(w *model.World) []string {
	if count(t.StartKills.Sums.X) == 0 {
		return []string{"readyLagSeconds, timeToReadySeconds and startupKillProbability are missing: no container started"}
	}
	notes := []string{fmt.Sprintf("the measures per start are those of %d first starts of a pod, on lives of their own", count(t.StartKills.Sums.X))}
	if late := count(t.StartKills.Sums.X) - t.TimeToReady.N(); late > 0 {
		notes = append(notes, fmt.Sprintf("%d of these starts did not end in Ready in time to be seen; timeToReadySeconds and readyLagSeconds are those of the others", late))
	}
	if t.ReadyLag.N() == 0 {
		notes = append(notes, "readyLagSeconds is missing: no start was seen to enter the endpoints after it was able to serve")
	}
	return notes
}

// precisionNotes says in plain words which measures asked for are not yet known.
func precisionNotes(w *model.World, v *Variant, o Options) []string {
	var notes []string
	for i, objective := range o.Objectives {
		if v.Objectives[i].Met != nil {
			continue
		}
		e := valueOf(objective.Measure, objective.Statistic, w, &v.Measures)
		name := Name(objective)
		switch {
		case e == nil:
			notes = append(notes, name+" is undecided: the measure does not apply or was not seen")
		default:
			narrows := "; more replications narrow that"
			if ofKills(objective.Measure) && strings.Contains(e.Method, "splitting") { // which has its own
				narrows = ""
			}
			notes = append(notes, fmt.Sprintf("%s is undecided: the measure lies between %s and %s with %g %% confidence%s", name, number(e.Low), number(e.High), 100*o.Confidence, narrows))
		}
	}
	if e := v.Measures.FalseKillsPerPodDay; len(o.Objectives) == 0 && !precise(e, o.Precision) {
		notes = append(notes, fmt.Sprintf("falseKillsPerPodDay is not known to a relative half-width of %g: it lies between %s and %s", o.Precision, number(e.Low), number(e.High)))
	}
	return notes
}

// number writes a number for a sentence.
func number(x float64) string {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return "no bound"
	}
	return fmt.Sprintf("%.4g", x)
}

// podTime writes a sum of pod time in the unit that suits it.
func podTime(w *stats.Wide) string { return timeOf(w.Float()) }

// timeOf writes nanoseconds of pod time likewise.
func timeOf(ns float64) string {
	switch {
	case ns >= float64(year):
		return fmt.Sprintf("%.4g pod-years", ns/float64(year))
	case ns >= float64(day):
		return fmt.Sprintf("%.4g pod-days", ns/float64(day))
	}
	return fmt.Sprintf("%.4g pod-hours", ns/float64(time.Hour))
}

// spell writes a duration without the zero parts that time.Duration prints.
func spell(d time.Duration) string {
	if d >= day && d%time.Hour == 0 {
		return fmt.Sprintf("%.4g d", float64(d)/float64(day))
	}
	return d.String()
}
