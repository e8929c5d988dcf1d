package estimate

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/probesim/probesim/model"
)

// Options says how much to simulate, and for what.
type Options struct {
	Seed         uint64
	Horizon      time.Duration // of each replication's long life; 0: 30 days
	Replications int64         // exactly so many; 0: until Precision or Budget
	Limit        int64         // the most replications where Replications is 0; 0: 2²⁴
	Precision    float64       // relative half-width sought; 0: 0.1
	Confidence   float64       // of the intervals; 0: 0.95
	Budget       time.Duration // wall-clock time after which no replication begins; 0: none
	Jobs         int           // workers, which never change a result; 0: as many as there are CPUs
	Objectives   []model.Objective
	// Progress is called now and then with the number of replications done and
	// wanted. It may be nil.
	Progress func(done, wanted int64)
}

// Named is a world with its name in the results: the first is "base".
type Named struct {
	Name  string
	World *model.World
}

const (
	// firstLook is the number of replications after which the stopping rule
	// looks for the first time. Fewer say little about their own spread.
	firstLook = 16
	// mostReplications limits a run without a budget.
	mostReplications = 1 << 24
)

// Run simulates replications of all variants on common random numbers and
// returns their measures. It looks at 16, 32, 64, … replications and stops as
// soon as every measure asked for of the first variant is decided, since
// stopping at chosen sizes only does not spoil the intervals' coverage (S11).
// Asked for are those with objectives, else falseKillsPerPodDay. When ctx or
// the budget ends, the replications done until then count, and a note says so.
// The error is that of a world that cannot be simulated, or ctx's if nothing
// was reached.
func Run(ctx context.Context, variants []Named, o Options) (*Estimates, error) {
	if len(variants) == 0 {
		return nil, errors.New("no variant to estimate")
	}
	o = o.withDefaults()
	for _, objective := range o.Objectives {
		if err := Check(objective); err != nil {
			return nil, err
		}
	}
	pool, err := newPool(newPlan(variants, o), variants, o.Jobs)
	if err != nil {
		return nil, err
	}
	budgeted := ctx
	if o.Budget > 0 {
		var cancel context.CancelFunc
		budgeted, cancel = context.WithTimeout(ctx, o.Budget)
		defer cancel()
	}

	tallies := make([]tally, len(variants))
	done, why := simulate(budgeted, pool, tallies, variants, o)
	if done == 0 {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// A budget too small for anything still gets an answer.
		done = pool.extend(ctx, 0, 1, func(rec *record) { fold(tallies, rec) })
	}
	if done == 0 {
		return nil, ctx.Err()
	}
	if ctx.Err() != nil {
		why = fmt.Sprintf("interrupted after %d replications; --replications %d reproduces these numbers", done, done)
	}
	return report(tallies, variants, o, done, why), nil
}

func (o Options) withDefaults() Options {
	if o.Horizon <= 0 {
		o.Horizon = 30 * day
	}
	if o.Limit <= 0 {
		o.Limit = mostReplications
	}
	if o.Precision <= 0 {
		o.Precision = 0.1
	}
	if o.Confidence <= 0 || o.Confidence >= 1 {
		o.Confidence = 0.95
	}
	if o.Jobs <= 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	return o
}

// budgetEnded says what reproduces a run that its budget ended.
func budgetEnded(done int64) string {
	return fmt.Sprintf("the budget ended within replication %d; --replications %d reproduces these numbers", done+1, done)
}

// simulate extends the tallies until the stopping rule is content. It returns
// the number of replications done and why it stopped.
func simulate(ctx context.Context, pool *pool, tallies []tally, variants []Named, o Options) (done int64, why string) {
	wanted := o.Replications
	if wanted == 0 {
		wanted = min(firstLook, o.Limit)
	}
	for {
		done = pool.extend(ctx, done, wanted, func(rec *record) {
			fold(tallies, rec)
			if o.Progress != nil {
				o.Progress(rec.replication+1, wanted)
			}
		})
		if done < wanted {
			return done, budgetEnded(max(1, done))
		}
		if o.Replications > 0 {
			return done, ""
		}
		undecided := undecided(&tallies[0], variants[0].World, o)
		if len(undecided) == 0 {
			return done, fmt.Sprintf("stopped after %d replications: every measure asked for is decided or known to a relative half-width of %g", done, o.Precision)
		}
		if wanted >= o.Limit {
			return done, fmt.Sprintf("stopped after %d replications, the most wanted", done)
		}
		wanted = min(2*wanted, o.Limit)
	}
}

func fold(tallies []tally, rec *record) {
	for i := range tallies {
		tallies[i].add(&rec.variants[i])
	}
}

// undecided returns the names of the measures asked for that are neither
// decided nor known to the precision sought.
func undecided(t *tally, w *model.World, o Options) []string {
	m := t.measures(w, o.Confidence)
	if len(o.Objectives) == 0 {
		if precise(m.FalseKillsPerPodDay, o.Precision) {
			return nil
		}
		return []string{"falseKillsPerPodDay"}
	}
	formula := t.byFormula(w, o.Confidence)
	var names []string
	for _, objective := range o.Objectives {
		e := valueOf(objective.Measure, objective.Statistic, w, &m)
		if v, _ := judge(objective, w, &m, &formula); v.Met == nil && !precise(e, o.Precision) {
			names = append(names, Name(objective))
		}
	}
	return names
}

func report(tallies []tally, variants []Named, o Options, done int64, why string) *Estimates {
	e := &Estimates{
		APIVersion: "probesim/v1", Kind: "Estimates", Scenario: variants[0].World.Name,
		Seed: o.Seed, Assumptions: []string{}, Replications: done,
		PodSeconds: tallies[0].podTime.Float() / 1e9,
	}
	for i, v := range variants {
		t := &tallies[i]
		result := Variant{
			Name: v.Name, Settings: SettingsOf(v.World.Container()),
			Measures: t.measures(v.World, o.Confidence), Objectives: []Verdict{}, Notes: []string{},
		}
		formula := t.byFormula(v.World, o.Confidence)
		result.Measures.ClosedForm = formula.perPodYear()
		decided := ""
		for _, objective := range o.Objectives {
			verdict, byFormula := judge(objective, v.World, &result.Measures, &formula)
			result.Objectives = append(result.Objectives, verdict)
			if byFormula {
				decided = verdict.Name
			}
		}
		if i == 0 && why != "" {
			result.Notes = append(result.Notes, why)
		}
		result.Notes = append(result.Notes, t.notes(v.World, &result, &formula, o)...)
		if decided != "" {
			result.Notes = append(result.Notes, decided+" is met by the closed form's bound; the simulation alone does not exclude more")
		}
		e.Variants = append(e.Variants, result)
	}
	return e
}

// SettingsOf returns the settings of a container's probes and its CPU limit.
func SettingsOf(c *model.Container) Settings {
	return Settings{
		StartupProbe: c.Probes[model.Startup], ReadinessProbe: c.Probes[model.Readiness], LivenessProbe: c.Probes[model.Liveness],
		CPULimit: Quantity(c.CPULimitMilli),
	}
}

// Quantity writes thousandths of a CPU as Kubernetes does: "250m", "2"; "" for
// none.
func Quantity(milli int64) string {
	switch {
	case milli <= 0:
		return ""
	case milli%1000 == 0:
		return strconv.FormatInt(milli/1000, 10)
	}
	return strconv.FormatInt(milli, 10) + "m"
}
