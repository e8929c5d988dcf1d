package plots

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/recommend"
)

// Risk shows how often every usual setting of the liveness probe kills a
// healthy container: period against failureThreshold, one map for each of
// several timeouts.
type Risk struct {
	Title    string // empty: "Which settings kill healthy containers?"
	Scenario string
	Seed     uint64
	CPULimit string            // a Kubernetes quantity; empty: none
	Entries  []recommend.Entry // of the liveness probe; any order
	// Current and Recommended are marked; only their period, timeout and
	// threshold count. Nil: none.
	Current, Recommended *model.Probe
	// MaxDetectionSeconds and MaxFalseKillsPerPodYear bound the region that
	// meets the objectives; 0: no such objective.
	MaxDetectionSeconds     float64
	MaxFalseKillsPerPodYear float64
}

// NewRisk returns the chart of a table of predictions, with the settings and
// the objectives of the chart that shows their front.
func NewRisk(table *recommend.Table, front *Front) *Risk {
	r := &Risk{
		Scenario: front.Scenario, Seed: front.Seed, CPULimit: table.CPULimit, Entries: table.Liveness,
		Current: front.Current.probe(), Recommended: front.Recommended.probe(),
		MaxDetectionSeconds: front.MaxSeconds, MaxFalseKillsPerPodYear: front.MaxVerdictsPerPodYear,
	}
	return r
}

// probe returns the settings of a point; nil of none.
func (p *FrontPoint) probe() *model.Probe {
	if p == nil {
		return nil
	}
	return &model.Probe{PeriodSeconds: p.PeriodSeconds, TimeoutSeconds: p.TimeoutSeconds, FailureThreshold: p.FailureThreshold}
}

// settingsAre reports whether an entry is of a probe's settings.
func settingsAre(e *recommend.Entry, p *model.Probe) bool {
	return p != nil && e.PeriodSeconds == p.PeriodSeconds && e.TimeoutSeconds == p.TimeoutSeconds && e.FailureThreshold == p.FailureThreshold
}

// roleOf says which part the settings of an entry play; empty: none.
func (r *Risk) roleOf(e *recommend.Entry) string {
	current, recommended := settingsAre(e, r.Current), settingsAre(e, r.Recommended)
	switch {
	case current && recommended:
		return "current and recommended"
	case current:
		return "current"
	case recommended:
		return "recommended"
	}
	return ""
}

// bounded reports whether there are objectives that divide the map.
func (r *Risk) bounded() bool { return r.MaxDetectionSeconds > 0 || r.MaxFalseKillsPerPodYear > 0 }

// meets reports whether an entry meets the objectives, its false kills with the
// upper bound (S20).
func (r *Risk) meets(e *recommend.Entry) bool {
	return (r.MaxFalseKillsPerPodYear == 0 || float64(e.AtMost) <= r.MaxFalseKillsPerPodYear) &&
		(r.MaxDetectionSeconds == 0 || float64(e.P99Seconds) <= r.MaxDetectionSeconds)
}

// find returns the entry of a probe's settings, or nil.
func (r *Risk) find(p *model.Probe) *recommend.Entry {
	i := slices.IndexFunc(r.Entries, func(e recommend.Entry) bool { return settingsAre(&e, p) })
	if i < 0 {
		return nil
	}
	return &r.Entries[i]
}

// shownTimeouts is the number of maps on one page.
const shownTimeouts = 4

// timeouts returns those that have a map: of the current and the recommended
// settings, and then the shortest of those people write.
func (r *Risk) timeouts() []int32 {
	var shown, all []int32
	for i := range r.Entries {
		all = append(all, r.Entries[i].TimeoutSeconds)
	}
	add := func(timeout int32) {
		if len(shown) < shownTimeouts && slices.Contains(all, timeout) && !slices.Contains(shown, timeout) {
			shown = append(shown, timeout)
		}
	}
	for _, p := range []*model.Probe{r.Current, r.Recommended} {
		if p != nil {
			add(p.TimeoutSeconds)
		}
	}
	for _, timeout := range []int32{1, 2, 5, 10} {
		add(timeout)
	}
	slices.Sort(all)
	for _, timeout := range all {
		add(timeout)
	}
	slices.Sort(shown)
	return shown
}

// WriteCSV writes one line for each setting, those of every timeout.
func (r *Risk) WriteCSV(w io.Writer) error {
	rows := [][]string{{"periodSeconds", "timeoutSeconds", "failureThreshold", "falseKillsPerPodYear", "atMost", "detectionP99Seconds", "meetsObjectives", "role"}}
	for i := range r.Entries {
		e := &r.Entries[i]
		rows = append(rows, []string{
			fmt.Sprint(e.PeriodSeconds), fmt.Sprint(e.TimeoutSeconds), fmt.Sprint(e.FailureThreshold), number(float64(e.VerdictsPerPodYear)),
			number(float64(e.AtMost)), number(float64(e.P99Seconds)), strconv.FormatBool(r.meets(e)), r.roleOf(e),
		})
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("risk map: %w", err)
	}
	return nil
}

// Sentence says how many settings meet the objectives, with which timeouts, and
// where the current and the recommended ones stand.
func (r *Risk) Sentence() string {
	if len(r.Entries) == 0 {
		return "There are no settings to show."
	}
	var parts []string
	if r.bounded() {
		parts = append(parts, r.tellMeeting())
	}
	for _, one := range []struct {
		name string
		*model.Probe
	}{{"now", r.Current}, {"recommended", r.Recommended}} {
		e := r.find(one.Probe)
		if e == nil || one.name == "recommended" && settingsAre(e, r.Current) {
			continue
		}
		parts = append(parts, fmt.Sprintf("%s (period %d s, timeout %d s, %s): predicted %s per pod-year", one.name,
			e.PeriodSeconds, e.TimeoutSeconds, plural(int(e.FailureThreshold), "failure"), tellRate(e)))
	}
	if len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("%d settings are predicted", len(r.Entries)))
	}
	return upperFirst(strings.Join(parts, "; ")) + "."
}

// tellMeeting says how many settings meet the objectives.
func (r *Risk) tellMeeting() string {
	count, timeouts := 0, []int32{}
	for i := range r.Entries {
		if r.meets(&r.Entries[i]) {
			count++
			timeouts = append(timeouts, r.Entries[i].TimeoutSeconds)
		}
	}
	bounds := (&Front{Kind: model.Liveness, MaxSeconds: r.MaxDetectionSeconds, MaxVerdictsPerPodYear: r.MaxFalseKillsPerPodYear}).bounds()
	if count == 0 {
		return fmt.Sprintf("none of %d usual settings meets the objectives (%s)", len(r.Entries), bounds)
	}
	told := fmt.Sprintf("%d of %d usual settings meet the objectives (%s)", count, len(r.Entries), bounds)
	if least := slices.Min(timeouts); r.Current != nil && least > r.Current.TimeoutSeconds {
		told += fmt.Sprintf(", none with a timeout below %d s", least)
	}
	return told
}

// tellRate writes how often settings kill a healthy container.
func tellRate(e *recommend.Entry) string {
	estimate, atMost := float64(e.VerdictsPerPodYear), float64(e.AtMost)
	if !(estimate > 0) && atMost > 0 {
		return "fewer than " + count(atMost, "false kill")
	}
	if estimate > 0 && estimate < 1e-6 {
		return "less than one in a million false kills"
	}
	return count(estimate, "false kill")
}
