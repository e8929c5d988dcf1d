package estimate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/probesim/probesim/model"
)

// Options says how much to simulate, and for what.
type Options struct {
	Seed         uint64
	Horizon      time.Duration // of each replication's long life; 0: 30 days
	PodLife      time.Duration // what each pod lives, and so how often there is a first start; 0: Horizon
	Replications int64         // exactly so many; 0: until Precision or Budget
	Limit        int64         // the most replications where Replications is 0; 0: 2²⁴
	Precision    float64       // relative half-width sought; 0: 0.1
	Confidence   float64       // of the intervals; 0: 0.95
	Budget       time.Duration // wall-clock time after which no replication begins; 0: none
	Jobs         int           // workers, which never change a result; 0: as many as there are CPUs
	Objectives   []model.Objective
	AllVariants  bool  // the stopping rule asks for the measures of all of them, not of the first alone
	Plain        bool  // false kills that no replication showed are left unknown, not estimated by splitting (S12)
	Sparing      bool  // the same, but where an objective about them would stay undecided
	FewStarts    bool  // no more starts are simulated for the sake of an objective about them
	Starts       int64 // the most starts of a replication; 0: as many as its measures need
	Faults       int64 // the most test hangs of a replication; 0: as many as its measures need
	Shard        Shard // the replications to simulate, of a given number of them
	Resume       *Part // what was reached before, which the simulation extends; nil: nothing
	// Folded is called after each replication with what all of them came to, which
	// it must not keep. It may be nil.
	Folded func(*Part)
	// Progress is called now and then with the number of replications done and
	// wanted. It may be nil.
	Progress func(done, wanted int64)

	formulas formulas         // of the worlds, as far as they have been solved
	blocks   int              // into which replications are divided; 0: 1
	enough   func(*Part) bool // in place of the stopping rule; nil: that of the measures asked for
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
	o = o.withDefaults()
	o.formulas.solve(variants)
	part, why, err := Simulate(ctx, variants, o)
	if err != nil {
		return nil, err
	}
	return Report(ctx, part, variants, o, why)
}

// Simulate is the simulation alone: the replications of the shard that the
// options name, after those of the part to resume. It returns the part they
// came to and, if replications were not given as a number, why they are enough.
func Simulate(ctx context.Context, variants []Named, o Options) (part *Part, why string, err error) {
	if len(variants) == 0 {
		return nil, "", errors.New("no variant to estimate")
	}
	o = o.withDefaults()
	for _, objective := range o.Objectives {
		if err := Check(objective); err != nil {
			return nil, "", err
		}
	}
	part, end, err := o.begin(variants)
	if err != nil {
		return nil, "", err
	}
	pool, err := newPool(newPlan(variants, o), variants, o.Jobs)
	if err != nil {
		return nil, "", err
	}
	budgeted := ctx
	if o.Budget > 0 {
		var cancel context.CancelFunc
		budgeted, cancel = context.WithTimeout(ctx, o.Budget)
		defer cancel()
	}
	why, whole := simulate(budgeted, pool, part, end, variants, o)
	if part.Done == 0 && !whole && ctx.Err() == nil {
		part, why, err = shortened(ctx, part.From, variants, o)
		if err != nil {
			return nil, "", err
		}
	}
	switch {
	case ctx.Err() == nil || whole:
	case part.Done == 0:
		return nil, "", ctx.Err()
	default:
		why = fmt.Sprintf("interrupted after %d replications; --replications %[1]d reproduces these numbers", part.Done)
	}
	return part, why, nil
}

// shortest is the horizon of the one replication that a budget gets which ends
// before a whole one is done. A budget too small for anything still gets an
// answer, and does not become as long as a horizon of years.
const shortest = 6 * time.Hour

func shortened(ctx context.Context, from int64, variants []Named, o Options) (part *Part, why string, err error) {
	asked := o.Horizon
	o.Horizon = min(o.Horizon, shortest)
	pool, err := newPool(newPlan(variants, o), variants, o.Jobs)
	if err != nil {
		return nil, "", err
	}
	part = newPart(from, o.blockCount(variants), len(variants))
	part.Horizon = o.Horizon
	pool.extend(ctx, from, from+1, part.fold)
	if o.Horizon == asked {
		return part, budgetEnded(1), nil
	}
	return part, fmt.Sprintf("the budget ended within the first replication of %s; these numbers are those of one of %s: --horizon %s --replications 1 reproduces them",
		spell(asked), spell(o.Horizon), o.Horizon), nil
}

// begin returns the part to extend, and where the replications of the shard
// end.
func (o Options) begin(variants []Named) (part *Part, end int64, err error) {
	from, end := int64(0), int64(math.MaxInt64)
	if o.Replications > 0 {
		from, end = o.Shard.span(o.Replications)
	} else if o.Shard.Of > 0 {
		return nil, 0, errors.New("a shard is one of a given number of replications")
	}
	if o.Resume == nil {
		part = newPart(from, o.blockCount(variants), len(variants))
		part.Horizon = o.Horizon
		return part, end, nil
	}
	if o.Resume.Horizon != o.Horizon || o.Resume.From != from || o.Resume.next() > end || !o.Resume.fits(o.blockCount(variants), len(variants)) {
		return nil, 0, errors.New("what there is to resume belongs to another run")
	}
	return o.Resume, end, nil
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
	if o.formulas == nil {
		o.formulas = formulas{}
	}
	return o
}

// podLife returns what each pod lives.
func (o *Options) podLife() time.Duration {
	if o.PodLife > 0 {
		return o.PodLife
	}
	return o.Horizon
}

// budgetEnded says what reproduces a run that its budget ended.
func budgetEnded(done int64) string {
	return fmt.Sprintf("the budget ended within replication %d; --replications %d reproduces these numbers", done+1, done)
}

// simulate extends the part until the stopping rule is content or its end is
// reached. It returns why it stopped, and whether nothing is missing.
func simulate(ctx context.Context, pool *pool, part *Part, end int64, variants []Named, o Options) (why string, whole bool) {
	wanted := end
	if o.Replications == 0 {
		wanted = min(lookFrom(part.Done), o.Limit)
	}
	for {
		if wanted > part.next() {
			pool.extend(ctx, part.next(), wanted, func(rec *record) {
				part.fold(rec)
				if o.Progress != nil {
					o.Progress(part.Done, wanted-part.From)
				}
				if o.Folded != nil {
					o.Folded(part)
				}
			})
		}
		switch {
		case part.next() < wanted:
			return budgetEnded(part.Done), false
		case o.Replications > 0:
			return "", true
		case o.enoughOf(part, variants):
			return enoughOfThem(part, variants, o), true
		case wanted >= o.Limit:
			return fmt.Sprintf("stopped after %d replications, the most wanted", part.Done), true
		}
		wanted = min(2*wanted, o.Limit)
	}
}

// enoughOfThem says why no more replications are needed.
func enoughOfThem(part *Part, variants []Named, o Options) string {
	if o.enough == nil && part.of(0).hopeless(variants[0].World, o) && (len(o.Objectives) == 0 || slices.ContainsFunc(o.Objectives, func(o model.Objective) bool { return ofKills(o.Measure) })) {
		others := ""
		if len(o.Objectives) > 0 {
			others = fmt.Sprintf("; every other measure asked for is decided or known to a relative half-width of %g", o.Precision)
		}
		return noneKilled(part.Done) + others
	}
	return fmt.Sprintf("stopped after %d replications: every measure asked for is decided or known to a relative half-width of %g", part.Done, o.Precision)
}

// noneKilled says why no more replications are simulated where splitting takes over.
func noneKilled(done int64) string {
	return fmt.Sprintf("stopped after %d replications: none had a false kill, so more of them would hardly say how rare false kills are", done)
}

// enoughOf reports whether the stopping rule is content.
func (o Options) enoughOf(part *Part, variants []Named) bool {
	if o.enough != nil {
		return o.enough(part)
	}
	if !o.AllVariants {
		variants = variants[:1]
	}
	for i, v := range variants {
		if len(undecided(part, i, v.World, o)) > 0 {
			return false
		}
	}
	return true
}

// lookFrom returns the least number of replications, not below those done, at
// which the stopping rule looks.
func lookFrom(done int64) int64 {
	look := int64(firstLook)
	for look < done {
		look *= 2
	}
	return look
}

// undecided returns the names of the measures asked for that are neither
// decided nor known to the precision sought.
func undecided(part *Part, variant int, w *model.World, o Options) []string {
	t := part.of(variant)
	m := t.measures(w, o)
	if len(o.Objectives) == 0 {
		if precise(m.FalseKillsPerPodDay, o.Precision) || t.hopeless(w, o) {
			return nil
		}
		return []string{"falseKillsPerPodDay"}
	}
	formula := t.byFormula(w, o)
	widened := m
	if w.Uncertain() { // more replications narrow chance alone
		widened = t.measures(w, o)
		part.widen(&widened, variant, w, o)
	}
	var names []string
	for _, objective := range o.Objectives {
		e := valueOf(objective.Measure, objective.Statistic, w, &m)
		if ofKills(objective.Measure) && t.hopeless(w, o) {
			continue
		}
		if v, _ := judge(objective, w, &widened, &formula); v.Met == nil && !precise(e, o.Precision) {
			names = append(names, Name(objective))
		}
	}
	return names
}

// Report makes the measures of every variant out of all parts of a run,
// joined. A context that ends leaves out what multilevel splitting would add, and
// a note says so. The error is that of a part of another run.
func Report(ctx context.Context, part *Part, variants []Named, o Options, why string) (*Estimates, error) {
	o = o.withDefaults()
	o.Horizon = part.Horizon
	if len(variants) == 0 || !part.fits(o.blockCount(variants), len(variants)) {
		return nil, errors.New("the part belongs to another run")
	}
	e := &Estimates{
		APIVersion: "probesim/v1", Kind: "Estimates", Scenario: variants[0].World.Name,
		Seed: o.Seed, Assumptions: []string{}, Replications: part.Done,
	}
	for i, v := range variants {
		t := part.of(i)
		if i == 0 {
			e.PodSeconds = t.PodTime.Float() / 1e9
		}
		result := Variant{
			Name: v.Name, Settings: SettingsOf(v.World.Container()),
			Measures: t.measures(v.World, o), Objectives: []Verdict{}, Notes: []string{},
			NodeClasses: t.nodeClasses(v.World, o),
		}
		var split []string
		if v.World.Uncertain() {
			split = part.widen(&result.Measures, i, v.World, o)
		}
		formula := t.byFormula(v.World, o)
		if !o.Sparing || opens(v.World, &result.Measures, &formula, o.Objectives) {
			var enough func(*Rare) bool
			if i == 0 || o.AllVariants {
				enough = t.enoughSplitting(v.World, &result.Measures, &formula, o)
			}
			split = append(split, t.splitKills(ctx, &result.Measures, v.World, o, enough)...)
		}
		result.Measures.ClosedForm, result.formula = formula.perPodYear(), &formula
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
		result.Notes = append(result.Notes, split...)
		result.Notes = append(result.Notes, t.notes(v.World, &result, &formula, o)...)
		if decided != "" {
			result.Notes = append(result.Notes, decided+" is met by the closed form's bound; the simulation alone does not exclude more")
		}
		e.Variants = append(e.Variants, result)
	}
	return e, nil
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
