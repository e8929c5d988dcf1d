package estimate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// Check returns an error if no measure has the objective's name and statistic.
func Check(o model.Objective) error {
	if o.Measure == Tolerance {
		if o.Statistic != "" {
			return fmt.Errorf("%s.%s: %s is a single number, it has no statistics", o.Measure, o.Statistic, o.Measure)
		}
		return nil
	}
	_, err := new(Measures).Lookup(o.Measure, o.Statistic)
	return err
}

// Name returns the objective as results print it: "removalSeconds.p99 <= 30".
func Name(o model.Objective) string {
	sign := " <= "
	if o.AtLeast {
		sign = " >= "
	}
	return measureName(o.Measure, o.Statistic) + sign + strconv.FormatFloat(o.Bound, 'g', -1, 64)
}

func measureName(measure, statistic string) string {
	if statistic == "" {
		return measure
	}
	return measure + "." + statistic
}

// judge holds an objective against the measures of a world: met or missed if
// the whole interval says so, and undecided otherwise. An interval that leaves
// it open is cut at the closed form's bound, if there is one; byFormula says
// that this decided.
func judge(o model.Objective, w *model.World, m *Measures, f *formula) (v Verdict, byFormula bool) {
	e := valueOf(o.Measure, o.Statistic, w, m)
	v = Verdict{Name: Name(o), Met: compare(e, o.Bound, o.AtLeast, false)}
	if v.Met != nil || e == nil {
		return v, false
	}
	cut, bounded := f.cut(o.Measure, e)
	if bounded {
		v.Met = compare(cut, o.Bound, o.AtLeast, false)
	}
	return v, v.Met != nil
}

// cut returns the interval of a measure as far as the closed form's bound leaves
// it. It reports whether there is a bound of the measure with which the simulation
// agrees.
func (f *formula) cut(measure string, e *stats.Estimate) (*stats.Estimate, bool) {
	cut := *e
	switch measure {
	case "falseKillsPerPodDay", "falseKillsPerPodDayByLiveness":
		cut.High = math.Min(e.High, f.bound)
	case "falseKillsPerPodYear":
		cut.High = math.Min(e.High, f.bound*float64(year)/float64(day))
	case "meanTimeToFalseKillSeconds":
		cut.Low = math.Max(e.Low, day.Seconds()/f.bound)
	case "startupKillProbability":
		cut.High = math.Min(e.High, f.startupBound)
		cut.Low = math.Min(e.Low, leastShare(e))
		if cut.Low <= cut.High {
			cut.Low = math.Min(e.Low, cut.High)
		}
	default:
		return e, false
	}
	return &cut, cut.Low <= cut.High
}

// leastShare returns the lower end of the exact interval of a share (S9). Of a single
// event in many the score interval's is seven times as high, and so would disagree
// with most bounds of what is rarer.
func leastShare(e *stats.Estimate) float64 {
	if e.N <= 0 {
		return e.Low
	}
	low, _ := stats.ClopperPearson(int64(math.Round(e.Estimate*float64(e.N))), e.N, e.Confidence)
	return low
}

// valueOf returns the estimate that an objective or a gate asks about, nil
// where none applies.
func valueOf(measure, statistic string, w *model.World, m *Measures) *stats.Estimate {
	if measure == Tolerance {
		return tolerance(w)
	}
	e, err := m.Lookup(measure, statistic)
	if err != nil {
		return nil
	}
	if e == nil && unbounded(measure, w) {
		never := exactly(math.Inf(1))
		return &never
	}
	return e
}

// unbounded reports whether a measure that does not apply is an endless wait:
// a fault that no probe notices is never detected, removed or recovered from.
func unbounded(measure string, w *model.World) bool {
	switch measure {
	case "detectionSeconds", "recoverySeconds":
		return !observed(w).byLiveness
	case "removalSeconds", "deadTrafficSecondsPerFault":
		return observed(w) == nobody
	}
	return false
}

// Judge holds an objective about false kills or availability against those of all
// replicas together: met or missed if the whole interval says so. It reports whether the
// objective is such a one. What else objectives ask for, lives of all replicas do not
// show: they inject no hangs that would be detected, and nothing of how they all start.
func (c *TogetherCase) Judge(o model.Objective) (v Verdict, applies bool) {
	e := c.FalseKillsPerPodYear
	switch o.Measure {
	case "falseKillsPerPodYear":
	case "availability":
		e = c.Availability
	case "falseKillsPerPodDay":
		e = e.Map(func(perYear float64) float64 { return perYear * day.Seconds() / year.Seconds() })
	case "meanTimeToFalseKillSeconds":
		e = e.Map(func(perYear float64) float64 { return year.Seconds() / perYear })
	default:
		return Verdict{}, false
	}
	return Verdict{Name: Name(o), Met: compare(&e, o.Bound, o.AtLeast, false)}, true
}

// compare says whether a quantity is at most the bound (at least, if atLeast),
// or strictly so; nil if its interval holds both answers.
func compare(e *stats.Estimate, bound float64, atLeast, strictly bool) *bool {
	if e == nil || math.IsNaN(e.Low) || math.IsNaN(e.High) {
		return nil
	}
	low, high := e.Low, e.High
	if atLeast {
		low, high, bound = -high, -low, -bound
	}
	switch {
	case high < bound || !strictly && high == bound:
		return answer(true)
	case low > bound || strictly && low == bound:
		return answer(false)
	}
	return nil
}

func answer(b bool) *bool { return &b }

// Gate is a condition on one measure that makes a run fail: `--fail-on`.
type Gate struct {
	Measure   string
	Statistic string
	Above     bool // the condition is that the measure lies above Bound; else below
	Equal     bool // Bound itself fails too
	Bound     float64
}

// ParseGate reads a condition such as "falseKillsPerPodYear>1" or
// "removalSeconds.p99>=30". Spaces do not matter. The error says what is wrong
// and what is allowed.
func ParseGate(expression string) (Gate, error) {
	at := strings.IndexAny(expression, "<>=!")
	if at < 0 {
		return Gate{}, fmt.Errorf("%q: no comparison, want a measure, one of > >= < <=, and a number, as in falseKillsPerPodYear>1", expression)
	}
	name, rest := strings.TrimSpace(expression[:at]), expression[at:]
	operator := rest[:len(rest)-len(strings.TrimLeft(rest, "<>=!"))]
	if !slices.Contains([]string{">", ">=", "<", "<="}, operator) {
		return Gate{}, fmt.Errorf("%q: unknown comparison %q, must be one of > >= < <=", expression, operator)
	}
	number := strings.TrimSpace(rest[len(operator):])
	if number == "" {
		return Gate{}, fmt.Errorf("%q: a number must follow %q", expression, operator)
	}
	bound, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(bound) || math.IsInf(bound, 0) {
		return Gate{}, fmt.Errorf("%q: %q is not a finite number", expression, number)
	}
	if name == "" {
		return Gate{}, fmt.Errorf("%q: a measure must stand before %q", expression, operator)
	}
	measure, statistic, _ := strings.Cut(name, ".")
	if measure == together {
		_, err = new(TogetherCase).lookup(statistic)
	} else {
		err = Check(model.Objective{Measure: measure, Statistic: statistic})
	}
	if err != nil {
		return Gate{}, fmt.Errorf("%q: %w", expression, err)
	}
	return Gate{measure, statistic, operator[0] == '>', len(operator) == 2, bound}, nil
}

// String returns the condition without spaces: "removalSeconds.p99>=30".
func (g Gate) String() string {
	operator := map[[2]bool]string{{true, false}: ">", {true, true}: ">=", {false, false}: "<", {false, true}: "<="}[[2]bool{g.Above, g.Equal}]
	return measureName(g.Measure, g.Statistic) + operator + strconv.FormatFloat(g.Bound, 'g', -1, 64)
}

// together is what the measures of all replicas together begin with in a gate, after
// their place in Estimates: "together.crashLoopProbability".
const together = "together"

// Together reports whether the condition is one on all replicas together.
func (g Gate) Together() bool { return g.Measure == together }

// lookup returns the estimate called by its path in the JSON of a case:
// "crashLoopProbability" or "outOfEndpointsAtOnce.2.fractionOfTime", of 2 replicas or
// more. Nil: there is none, as nothing happened, or there are fewer replicas.
func (c *TogetherCase) lookup(path string) (*stats.Estimate, error) {
	switch path {
	case "falseKillsPerPodYear":
		return &c.FalseKillsPerPodYear, nil
	case "availability":
		return &c.Availability, nil
	case "cascadeProbability":
		return c.CascadeProbability, nil
	case "crashLoopProbability":
		return &c.CrashLoopProbability, nil
	}
	field, rest, _ := strings.Cut(path, ".")
	number, of, _ := strings.Cut(rest, ".")
	k, err := strconv.Atoi(number)
	if field != "outOfEndpointsAtOnce" || err != nil || k < 1 || of != "fractionOfTime" && of != "timesPerYear" {
		return nil, fmt.Errorf("%s.%s: unknown measure, must be one of falseKillsPerPodYear, availability, cascadeProbability, crashLoopProbability, outOfEndpointsAtOnce.N.fractionOfTime and outOfEndpointsAtOnce.N.timesPerYear, N replicas being 1 or more", together, path)
	}
	if k > len(c.OutOfEndpointsAtOnce) {
		return nil, nil
	}
	if of == "timesPerYear" {
		return &c.OutOfEndpointsAtOnce[k-1].TimesPerYear, nil
	}
	return &c.OutOfEndpointsAtOnce[k-1].FractionOfTime, nil
}

// Holds says whether the condition holds for the base variant of a world, or for all
// of its replicas together as they are; nil if the interval leaves it open, or the
// measure does not apply. As for objectives, an interval that leaves it open is cut at
// the closed form's bound, if there is one.
func (g Gate) Holds(w *model.World, estimates *Estimates) *bool {
	if g.Together() {
		if estimates.Together == nil {
			return nil
		}
		e, _ := estimates.Together.Cases[0].lookup(g.Statistic)
		return compare(e, g.Bound, g.Above, !g.Equal)
	}
	v := &estimates.Variants[0]
	e := valueOf(g.Measure, g.Statistic, w, &v.Measures)
	holds := compare(e, g.Bound, g.Above, !g.Equal)
	if holds != nil || e == nil || v.formula == nil {
		return holds
	}
	if cut, bounded := v.formula.cut(g.Measure, e); bounded {
		return compare(cut, g.Bound, g.Above, !g.Equal)
	}
	return nil
}

// Status is what a finished run answers (design section 5).
type Status int

// The exit statuses of `run`.
const (
	Done      Status = 0
	Missed    Status = 1 // an objective is missed by the base variant, or a gate holds
	Undecided Status = 3 // a measure asked for is undecided
)

// ExitStatus decides what a run answers: from the verdicts of the base variant
// and the gate, if there is one. Missed outranks Undecided. Without objectives
// the measure asked for is the gate's or else falseKillsPerPodDay, which has to
// reach the relative precision.
func (e *Estimates) ExitStatus(w *model.World, gate *Gate, precision float64) Status {
	base := &e.Variants[0]
	status := Done
	for _, verdict := range base.Objectives {
		switch {
		case verdict.Met == nil:
			status = Undecided
		case !*verdict.Met:
			return Missed
		}
	}
	if gate != nil {
		switch holds := gate.Holds(w, e); {
		case holds == nil:
			status = Undecided
		case *holds:
			return Missed
		}
	} else if len(base.Objectives) == 0 && !precise(base.Measures.FalseKillsPerPodDay, precision) {
		status = Undecided
	}
	return status
}

// Known reports whether everything asked of a variant is decided: its
// objectives or, without any, falseKillsPerPodDay to the relative precision.
func (v *Variant) Known(precision float64) bool {
	for _, verdict := range v.Objectives {
		if verdict.Met == nil {
			return false
		}
	}
	return len(v.Objectives) > 0 || precise(v.Measures.FalseKillsPerPodDay, precision)
}

// precise reports whether an estimate's interval has at most the given
// half-width, relative to the estimate. An exact value is precise, nothing
// observed is not.
func precise(e *stats.Estimate, precision float64) bool {
	if e == nil {
		return true // it does not apply: no further replication can change that
	}
	return e.Low == e.High || (e.High-e.Low)/2 <= precision*e.Estimate
}

// exactly returns the estimate of a quantity that is known.
func exactly(x float64) stats.Estimate {
	return stats.Estimate{Estimate: x, Low: x, High: x, Confidence: 1, Method: "exact"}
}
