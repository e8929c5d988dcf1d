package plots

import (
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

// Front shows what there is to choose from: how long settings take to detect a
// hang against how often they kill a healthy container.
type Front struct {
	Title       string // empty: "Detect hangs sooner, or kill healthy containers less often"
	Scenario    string
	Seed        uint64
	Points      []FrontPoint // settings that no others beat in both; any order
	Current     *FrontPoint  // nil: there is no liveness probe
	Recommended *FrontPoint  // nil: no settings meet the objectives
	// MaxDetectionSeconds and MaxFalseKillsPerPodYear bound the region that
	// meets the objectives; 0: no such objective.
	MaxDetectionSeconds     float64
	MaxFalseKillsPerPodYear float64
}

// FrontPoint is what one choice of the liveness settings leads to.
type FrontPoint struct {
	PeriodSeconds, TimeoutSeconds, FailureThreshold int32

	DetectionSeconds     float64        // 99th percentile from the hang to the verdict
	FalseKillsPerPodYear stats.Estimate // an estimate of 0 with High above it: none seen
}

// NewFront takes the chart's points from a recommendation, and its bounds from
// the objectives on falseKillsPerPodYear (or falseKillsPerPodDay) and on the
// 99th percentile of detectionSeconds.
func NewFront(r *recommend.Recommendation, objectives []model.Objective) *Front {
	front := &Front{Scenario: r.Scenario, Seed: r.Seed, Current: proposalPoint(&r.Current)}
	if r.Recommended != nil {
		front.Recommended = proposalPoint(r.Recommended)
	}
	for _, p := range r.Front {
		if p.OnFront {
			front.Points = append(front.Points, FrontPoint{p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold,
				p.DetectionP99Seconds.Estimate, p.FalseKillsPerPodYear})
		}
	}
	for _, o := range objectives {
		switch {
		case o.AtLeast:
		case o.Measure == "falseKillsPerPodYear":
			front.MaxFalseKillsPerPodYear = o.Bound
		case o.Measure == "falseKillsPerPodDay":
			front.MaxFalseKillsPerPodYear = o.Bound * 365.25
		case o.Measure == "detectionSeconds" && o.Statistic == "p99":
			front.MaxDetectionSeconds = o.Bound
		}
	}
	return front
}

// proposalPoint returns nil where the settings have no liveness probe or its
// measures are missing.
func proposalPoint(p *recommend.Proposal) *FrontPoint {
	probe, m := p.Settings.LivenessProbe, &p.Measures
	if probe == nil || m.DetectionSeconds == nil || m.FalseKillsPerPodYear == nil {
		return nil
	}
	kills := *m.FalseKillRate()
	if m.ClosedForm != nil && kills == *m.ClosedForm { // a bound: what starts cost is no more than that
		kills.Estimate, kills.Low = 0, 0
	}
	return &FrontPoint{probe.PeriodSeconds, probe.TimeoutSeconds, probe.FailureThreshold, m.DetectionSeconds.P99.Estimate, kills}
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

// noneSeen reports whether no false kill was seen, so that only the upper bound
// is known.
func (p *FrontPoint) noneSeen() bool { return !(p.FalseKillsPerPodYear.Estimate > 0) }

// kills returns the number the point stands at: the estimate, or the upper
// bound where none was seen.
func (p *FrontPoint) kills() float64 {
	if p.noneSeen() {
		return p.FalseKillsPerPodYear.High
	}
	return p.FalseKillsPerPodYear.Estimate
}

// drawable reports whether the point has a place on the axes. A rate known to
// be 0, without an upper bound, is drawn at the lower end.
func (p *FrontPoint) drawable() bool {
	return p.DetectionSeconds >= 0 && !math.IsInf(p.DetectionSeconds, 0) &&
		!math.IsNaN(p.kills()) && !math.IsInf(p.kills(), 0) && p.kills() >= 0
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
	rows := [][]string{{"role", "periodSeconds", "timeoutSeconds", "failureThreshold", "detectionP99Seconds",
		"falseKillsPerPodYear", "low", "high", "confidence", "method", "meetsObjectives"}}
	for _, p := range f.all() {
		role := p.role
		if role == "" {
			role = "front"
		}
		k := p.FalseKillsPerPodYear
		rows = append(rows, []string{role, fmt.Sprint(p.PeriodSeconds), fmt.Sprint(p.TimeoutSeconds), fmt.Sprint(p.FailureThreshold),
			number(p.DetectionSeconds), number(k.Estimate), number(k.Low), number(k.High), number(k.Confidence), k.Method,
			strconv.FormatBool(f.meets(&p.FrontPoint))})
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

// meets reports whether a point lies inside the bounds, the false kills with
// the unfavourable end of their interval (S20).
func (f *Front) meets(p *FrontPoint) bool {
	return (f.MaxDetectionSeconds == 0 || p.DetectionSeconds <= f.MaxDetectionSeconds) &&
		(f.MaxFalseKillsPerPodYear == 0 || p.FalseKillsPerPodYear.High <= f.MaxFalseKillsPerPodYear)
}

// Sentence compares the current settings with the recommended ones.
func (f *Front) Sentence() string {
	switch {
	case f.Current != nil && f.Recommended != nil && f.Current.same(f.Recommended):
		return fmt.Sprintf("The current settings (%s) are the recommended ones: %s.", f.Current.settings(), f.Current.tell())
	case f.Current != nil && f.Recommended != nil:
		return fmt.Sprintf("Now (%s): %s. Recommended (%s): %s.",
			f.Current.settings(), f.Current.tell(), f.Recommended.settings(), f.Recommended.tell())
	case f.Recommended != nil:
		return fmt.Sprintf("Recommended (%s): %s.", f.Recommended.settings(), f.Recommended.tell())
	}
	verdict := "No settings meet the objectives"
	if bounds := f.bounds(); bounds != "" {
		verdict += " (" + bounds + ")"
	}
	if f.Current != nil {
		verdict += fmt.Sprintf("; now (%s): %s", f.Current.settings(), f.Current.tell())
	}
	return verdict + "."
}

// bounds writes the objectives.
func (f *Front) bounds() string {
	var bounds []string
	if f.MaxFalseKillsPerPodYear > 0 {
		bounds = append(bounds, fmt.Sprintf("at most %s false kills per pod-year", digits(f.MaxFalseKillsPerPodYear, 3)))
	}
	if f.MaxDetectionSeconds > 0 {
		bounds = append(bounds, fmt.Sprintf("99 %% of hangs detected within %s", spell(secondsOf(f.MaxDetectionSeconds))))
	}
	return strings.Join(bounds, ", ")
}

// tell writes what settings lead to.
func (p *FrontPoint) tell() string {
	k := p.FalseKillsPerPodYear
	kills := falseKills(k.Estimate) + " per pod-year"
	switch {
	case p.noneSeen() && k.High > 0:
		kills = "fewer than " + falseKills(k.High) + " per pod-year"
	case p.noneSeen():
		kills = "no false kills"
	case k.High > k.Low:
		kills += fmt.Sprintf(" (%s to %s)", digits(k.Low, 2), digits(k.High, 2))
	}
	return fmt.Sprintf("99 %% of hangs detected within %s, %s", spell(secondsOf(p.DetectionSeconds)), kills)
}

func falseKills(n float64) string {
	if digits(n, 2) == "1" {
		return "1 false kill"
	}
	return digits(n, 2) + " false kills"
}

// sorted returns the points of the front in the order of detection.
func (f *Front) sorted() []FrontPoint {
	points := slices.Clone(f.Points)
	slices.SortStableFunc(points, func(a, b FrontPoint) int {
		switch {
		case a.DetectionSeconds < b.DetectionSeconds:
			return -1
		case a.DetectionSeconds > b.DetectionSeconds:
			return 1
		}
		return 0
	})
	return points
}
