package plots

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

// Front shows what there is to choose from: how long settings of a probe take to act
// on a hang against how often they act on a healthy container. Of the liveness probe
// that is detection against false kills, of the readiness probe removal from the
// endpoints against false removals.
type Front struct {
	Title       string // empty: "Detect hangs sooner, or kill healthy containers less often", or what it is of readiness
	Scenario    string
	Seed        uint64
	Kind        model.ProbeKind // model.Liveness or model.Readiness
	Points      []FrontPoint    // settings that no others beat in both; any order
	Current     *FrontPoint     // nil: there is no such probe
	Recommended *FrontPoint     // nil: see Without
	// Without says why no settings are marked as recommended: "No liveness probe is
	// recommended"; empty: none meet the objectives.
	Without string
	// MaxSeconds and MaxVerdictsPerPodYear bound the region that meets the objectives;
	// 0: no such objective.
	MaxSeconds            float64
	MaxVerdictsPerPodYear float64
}

// FrontPoint is what one choice of settings leads to.
type FrontPoint struct {
	PeriodSeconds, TimeoutSeconds, FailureThreshold int32

	Seconds            float64        // 99th percentile from the hang to the verdict, or to the last proxy that forgets the pod
	VerdictsPerPodYear stats.Estimate // false ones; an estimate of 0 with High above it: none seen
	LastResort         string         // why such settings are proposed only where no others meet the objectives; empty: they are not
}

// trade is how a chart speaks of what one probe has to choose from.
type trade struct {
	title    string
	acts     string // what 99 % of hangs meet within a time: "hangs detected"
	verb     string // "detects"
	axis     string // of the time
	verdict  string // one false verdict: "false kill"
	seconds  string // the key of the time in data
	verdicts string // and of the false verdicts
}

func (f *Front) trade() trade {
	if f.Kind == model.Readiness {
		return trade{"Remove hung pods sooner, or healthy ones less often", "hung pods removed", "removes",
			"99 % of hung pods are out of the endpoints, and of every proxy, within", "false removal", "removalP99Seconds", "falseRemovalsPerPodYear"}
	}
	return trade{"Detect hangs sooner, or kill healthy containers less often", "hangs detected", "detects",
		"99 % of hangs are detected within", "false kill", "detectionP99Seconds", "falseKillsPerPodYear"}
}

// NewFront takes the points of the liveness probe's chart from a recommendation, and
// its bounds from the objectives on falseKillsPerPodYear (or falseKillsPerPodDay) and
// on the 99th percentile of detectionSeconds. The current and the recommended settings
// stand where the simulation put them.
func NewFront(r *recommend.Recommendation, objectives []model.Objective) *Front {
	front := newFront(r, model.Liveness)
	front.Current = proposalPoint(&r.Current, front.Current)
	if r.Recommended != nil {
		front.Recommended = proposalPoint(r.Recommended, front.Recommended)
	}
	for _, o := range objectives {
		switch {
		case o.AtLeast:
		case o.Measure == "falseKillsPerPodYear":
			front.MaxVerdictsPerPodYear = o.Bound
		case o.Measure == "falseKillsPerPodDay":
			front.MaxVerdictsPerPodYear = o.Bound * 365.25
		case o.Measure == "detectionSeconds" && o.Statistic == "p99":
			front.MaxSeconds = o.Bound
		}
	}
	return front
}

// NewRemovalFront takes the points of the readiness probe's chart from a
// recommendation, and its bound from the objective on the 99th percentile of
// removalSeconds; no objective is about false removals. All points are predictions.
func NewRemovalFront(r *recommend.Recommendation, objectives []model.Objective) *Front {
	front := newFront(r, model.Readiness)
	for _, o := range objectives {
		if !o.AtLeast && o.Measure == "removalSeconds" && o.Statistic == "p99" {
			front.MaxSeconds = o.Bound
		}
	}
	return front
}

// newFront takes the points of a front from a recommendation, with the current and the
// recommended settings as they are predicted.
func newFront(r *recommend.Recommendation, k model.ProbeKind) *Front {
	front := &Front{Scenario: r.Scenario, Seed: r.Seed, Kind: k}
	switch {
	case r.Recommended != nil:
		front.Without = fmt.Sprintf("No %v probe is recommended", k)
	case r.Infeasible == nil:
		front.Without = "Undecided within this effort"
	}
	for _, p := range r.TradeOffs(k) {
		point := FrontPoint{p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold, p.P99Seconds.Estimate, p.VerdictsPerPodYear, p.LastResort}
		if p.OnFront {
			front.Points = append(front.Points, point)
		}
		if p.Role == "current" || p.Role == "current and recommended" {
			front.Current = &point
		}
		if p.Role == "recommended" || p.Role == "current and recommended" {
			front.Recommended = &point
		}
	}
	return front
}

// proposalPoint returns where the simulation put settings, which may have been
// predicted too; nil where they have no liveness probe or its measures are missing.
func proposalPoint(p *recommend.Proposal, predicted *FrontPoint) *FrontPoint {
	probe, m := p.Settings.LivenessProbe, &p.Measures
	if probe == nil || m.DetectionSeconds == nil || m.FalseKillsPerPodYear == nil {
		return nil
	}
	kills := *m.FalseKillRate()
	if m.ClosedForm != nil && kills == *m.ClosedForm { // a bound: what starts cost is no more than that
		kills.Estimate, kills.Low = 0, 0
	}
	point := &FrontPoint{probe.PeriodSeconds, probe.TimeoutSeconds, probe.FailureThreshold, m.DetectionSeconds.P99.Estimate, kills, ""}
	if predicted != nil {
		point.LastResort = predicted.LastResort
	}
	return point
}

// settings writes the settings as people read them.
func (p *FrontPoint) settings() string {
	return fmt.Sprintf("period %d s, timeout %d s, %s", p.PeriodSeconds, p.TimeoutSeconds, plural(int(p.FailureThreshold), "failure"))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// same reports whether two points are of the same settings.
func (p *FrontPoint) same(other *FrontPoint) bool {
	return other != nil && p.PeriodSeconds == other.PeriodSeconds && p.TimeoutSeconds == other.TimeoutSeconds &&
		p.FailureThreshold == other.FailureThreshold
}

// noneSeen reports whether no false verdict was seen, so that only the upper bound
// is known.
func (p *FrontPoint) noneSeen() bool { return !(p.VerdictsPerPodYear.Estimate > 0) }

// verdicts returns the number the point stands at: the estimate, or the upper
// bound where none was seen.
func (p *FrontPoint) verdicts() float64 {
	if p.noneSeen() {
		return p.VerdictsPerPodYear.High
	}
	return p.VerdictsPerPodYear.Estimate
}

// drawable reports whether the point has a place on the axes. A rate known to
// be 0, without an upper bound, is drawn at the lower end.
func (p *FrontPoint) drawable() bool {
	return p.Seconds >= 0 && !math.IsInf(p.Seconds, 0) &&
		!math.IsNaN(p.verdicts()) && !math.IsInf(p.verdicts(), 0) && p.verdicts() >= 0
}

// all returns every point with the role it plays, the current and the
// recommended first and not twice.
func (f *Front) all() []rolePoint {
	var all []rolePoint
	if f.Current != nil {
		role := "current"
		if f.Current.same(f.Recommended) {
			role = "current and recommended"
		}
		all = append(all, rolePoint{*f.Current, role})
	}
	if f.Recommended != nil && !f.Recommended.same(f.Current) {
		all = append(all, rolePoint{*f.Recommended, "recommended"})
	}
	for _, p := range f.Points {
		if !p.same(f.Current) && !p.same(f.Recommended) {
			all = append(all, rolePoint{p, ""})
		}
	}
	return all
}

type rolePoint struct {
	FrontPoint
	role string
}

// WriteCSV writes one line for each choice of settings, the current and the
// recommended first.
func (f *Front) WriteCSV(w io.Writer) error {
	rows := [][]string{{"role", "periodSeconds", "timeoutSeconds", "failureThreshold", f.trade().seconds,
		f.trade().verdicts, "low", "high", "confidence", "method", "meetsObjectives", "lastResort"}}
	for _, p := range f.all() {
		role := p.role
		if role == "" {
			role = "front"
		}
		k := p.VerdictsPerPodYear
		rows = append(rows, []string{role, fmt.Sprint(p.PeriodSeconds), fmt.Sprint(p.TimeoutSeconds), fmt.Sprint(p.FailureThreshold),
			number(p.Seconds), number(k.Estimate), number(k.Low), number(k.High), number(k.Confidence), k.Method,
			strconv.FormatBool(f.meets(&p.FrontPoint)), p.LastResort})
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("trade-off front: %w", err)
	}
	return nil
}

// number writes a number for data to ten digits, which leaves out what adding up
// put behind them; what is not finite stays empty.
func number(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', 10, 64)
}

// meets reports whether a point lies inside the bounds, the false verdicts
// with the unfavourable end of their interval (S20).
func (f *Front) meets(p *FrontPoint) bool {
	return (f.MaxSeconds == 0 || p.Seconds <= f.MaxSeconds) &&
		(f.MaxVerdictsPerPodYear == 0 || p.VerdictsPerPodYear.High <= f.MaxVerdictsPerPodYear)
}

// Sentence compares the current settings with the recommended ones.
func (f *Front) Sentence() string {
	switch {
	case f.Current != nil && f.Recommended != nil && f.Current.same(f.Recommended):
		return fmt.Sprintf("The current settings (%s) are the recommended ones: %s.", f.Current.settings(), f.tell(f.Current))
	case f.Current != nil && f.Recommended != nil:
		return fmt.Sprintf("Now (%s): %s. Recommended (%s): %s.",
			f.Current.settings(), f.tell(f.Current), f.Recommended.settings(), f.tell(f.Recommended))
	case f.Recommended != nil:
		return fmt.Sprintf("Recommended (%s): %s.", f.Recommended.settings(), f.tell(f.Recommended))
	}
	verdict := cmp.Or(f.Without, "No settings meet the objectives")
	if bounds := f.bounds(); bounds != "" && f.Without == "" {
		verdict += " (" + bounds + ")"
	}
	if f.Current != nil {
		verdict += fmt.Sprintf("; now (%s): %s", f.Current.settings(), f.tell(f.Current))
	}
	return verdict + "."
}

// bounds writes the objectives.
func (f *Front) bounds() string {
	var bounds []string
	if f.MaxVerdictsPerPodYear > 0 {
		bounds = append(bounds, fmt.Sprintf("at most %s %ss per pod-year", digits(f.MaxVerdictsPerPodYear, 3), f.trade().verdict))
	}
	if f.MaxSeconds > 0 {
		bounds = append(bounds, fmt.Sprintf("99 %% of %s within %s", f.trade().acts, spell(secondsOf(f.MaxSeconds))))
	}
	return strings.Join(bounds, ", ")
}

// leastTold is the rate per pod-year below which nobody is helped by how much rarer.
const leastTold = 1e-6

// tell writes what settings lead to.
func (f *Front) tell(p *FrontPoint) string {
	k, verdict := p.VerdictsPerPodYear, f.trade().verdict
	told := count(k.Estimate, verdict) + " per pod-year"
	switch {
	case p.noneSeen() && k.High > 0:
		told = "fewer than " + count(k.High, verdict) + " per pod-year"
	case p.noneSeen():
		told = "no " + verdict + "s"
	case k.High > k.Low:
		if k.Low < leastTold {
			k.Low = 0
		}
		told += fmt.Sprintf(" (%s to %s)", digits(k.Low, 2), digits(k.High, 2))
	}
	return fmt.Sprintf("99 %% of %s within %s, %s", f.trade().acts, spell(secondsOf(p.Seconds)), told)
}

// count writes how many false verdicts there are, to two digits.
func count(n float64, verdict string) string {
	if digits(n, 2) == "1" {
		return "1 " + verdict
	}
	return digits(n, 2) + " " + verdict + "s"
}

// sorted returns the points of the front that are no last resorts, the quickest first,
// and resorts returns the others.
func (f *Front) sorted() []FrontPoint  { return f.quickestFirst(false) }
func (f *Front) resorts() []FrontPoint { return f.quickestFirst(true) }

func (f *Front) quickestFirst(resorts bool) []FrontPoint {
	points := slices.DeleteFunc(slices.Clone(f.Points), func(p FrontPoint) bool { return resorts != (p.LastResort != "") })
	slices.SortStableFunc(points, func(a, b FrontPoint) int { return cmp.Compare(a.Seconds, b.Seconds) })
	return points
}

// resort says that settings are a last resort, and why; nothing of others.
func (p *FrontPoint) resort() string {
	if p.LastResort == "" {
		return ""
	}
	return "; a last resort, since " + p.LastResort
}
