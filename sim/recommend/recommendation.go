// Package recommend searches the small grid of probe settings for those that
// meet the objectives, says why, and says so when there are none (S19 to S22).
package recommend

import (
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
)

// Recommendation is the result of `recommend` for one workload.
type Recommendation struct {
	APIVersion  string   `json:"apiVersion"` // "probesim/v1"
	Kind        string   `json:"kind"`       // "Recommendation"
	Scenario    string   `json:"scenario"`
	Seed        uint64   `json:"seed"`
	Assumptions []string `json:"assumptions"`
	// Margin is the safety multiplier that was asked for: so many times as long as the
	// scenario says are stalls, CPU demand and starts in the world that everything here is
	// of, the current settings' measures and the safety multipliers too. 1: as it says.
	Margin      float64      `json:"margin"`
	Current     Proposal     `json:"current"`
	Recommended *Proposal    `json:"recommended"` // nil: infeasible
	Front       []FrontPoint `json:"front"`       // of the liveness probe, least detection first
	// ReadinessFront is that of the readiness probe, least removal first.
	ReadinessFront []RemovalPoint `json:"readinessFront"`
	Binding        []Reason       `json:"binding"`
	Rejected       []Rejection    `json:"rejected"`
	Infeasible     *Infeasible    `json:"infeasible"`
	// GivenUp are aims of the tool's own, which nobody stated, that the recommended
	// settings do without.
	GivenUp     []GivenUp    `json:"givenUp"`
	Grid        *Enumeration `json:"grid"`        // null: the whole grid was not asked for
	Together    *Replicas    `json:"together"`    // null: nothing meets several replicas at once
	Termination *Termination `json:"termination"` // null: interrupted before, or the pods run to completion
	Rollout     *Rollout     `json:"rollout"`     // null: interrupted before, or the pods run to completion
	// TerminationSettings are what deletions and rollouts need beside the probes.
	// Null: nothing, or it was interrupted before.
	TerminationSettings *TerminationSettings `json:"terminationSettings"`

	Starts *Starts  `json:"starts"` // null: a start takes no time, or it was interrupted before
	Notes  []string `json:"notes"`

	chosen *combination // what is recommended; nil: the current settings, or nothing
}

// Proposal is a set of settings with what they lead to.
type Proposal struct {
	Settings   estimate.Settings  `json:"settings"`
	Measures   estimate.Measures  `json:"measures"`
	Objectives []estimate.Verdict `json:"objectives"`
	// Risks says what the probes kill or take out for that their thresholds do not
	// wait for a second sign of; empty: nothing.
	Risks []string `json:"risks"`
	// LivenessWorth says whether to have a liveness probe at all; null: it
	// notices no hang, or there is none.
	LivenessWorth []Worth `json:"livenessWorth"`
	// Safety says how much worse things may become before each objective breaks.
	Safety []Safety `json:"safety"`
}

// Reason says why a field of the recommended settings has its value.
type Reason struct {
	Field    string `json:"field"` // "livenessProbe.failureThreshold"
	Value    string `json:"value"`
	Sentence string `json:"sentence"` // in plain words, with the numbers
	// Binding is what decides the value: an objective, or "end of the grid", "least
	// threshold proposed", "period", "least expected cost", "fewest probes", "usual
	// value", "shortest timeout", "fewest failures", "fewest false verdicts", "full
	// simulation", "startup budget", "livenessProbe.timeoutSeconds" or "current value".
	Binding string `json:"binding"`
	// RunnerUp is the next best value, the other fields being as recommended; empty:
	// no other usual value is predicted to meet every objective.
	RunnerUp string `json:"runnerUp"`
	// Alternatives are the value itself, then one less and one more, then what binds it
	// and the runner-up where those are others.
	Alternatives []Alternative `json:"alternatives"`
}

// Alternative is a value of one field, the others being as recommended, with what
// is predicted for it: what a second or a failure more buys, and costs. What does
// not concern the field's probe, or nothing bounds, is left out.
type Alternative struct {
	Value    string `json:"value"`
	Misses   string `json:"misses"`   // the objective that it is predicted to miss; empty: none
	Excluded string `json:"excluded"` // why it cannot be had, or is not proposed; empty: it can
	// ProbesPerMinute of the field's probe, and what it costs: the pod-seconds lost in
	// a pod-year while a hang is not noticed, and by false verdicts.
	ProbesPerMinute       *calc.Number `json:"probesPerMinute,omitempty"`
	CostSecondsPerPodYear *calc.Number `json:"costSecondsPerPodYear,omitempty"`
	// DetectionP99Seconds is from a hang to the liveness probe's verdict, and
	// RemovalP99Seconds to the last proxy that forgets the pod by the readiness probe.
	DetectionP99Seconds *calc.Number `json:"detectionP99Seconds,omitempty"`
	RemovalP99Seconds   *calc.Number `json:"removalP99Seconds,omitempty"`
	// FalseKillsPerPodYear and FalseRemovalsPerPodYear of a serving pod, at most.
	FalseKillsPerPodYear    *calc.Number `json:"falseKillsPerPodYear,omitempty"`
	FalseRemovalsPerPodYear *calc.Number `json:"falseRemovalsPerPodYear,omitempty"`
	// ReadyLagP99Seconds is from able to serve to in the endpoints.
	ReadyLagP99Seconds *calc.Number `json:"readyLagP99Seconds,omitempty"`
	// GuaranteedSeconds is what a startup probe certainly leaves a start, and
	// StartupKillProbability at most the share of starts that take longer.
	GuaranteedSeconds      *calc.Number `json:"guaranteedSeconds,omitempty"`
	StartupKillProbability *calc.Number `json:"startupKillProbability,omitempty"`
}

// Rejection is a setting that was considered and not taken.
type Rejection struct {
	Settings string `json:"settings"` // "livenessProbe periodSeconds 10, timeoutSeconds 1, failureThreshold 3"
	Reason   string `json:"reason"`
}

// GivenUp is an objective that the recommended settings do without, and why.
type GivenUp struct {
	Objective string `json:"objective"`
	Reason    string `json:"reason"`
}

// Infeasible says why no settings meet the objectives.
type Infeasible struct {
	Reason string `json:"reason"`
	// Proved: the whole grid was gone through, and no settings are possible even at
	// the favourable end of the predictions.
	Proved   bool   `json:"proved"`
	CPULimit string `json:"cpuLimit"` // the least limit found that makes them feasible; empty: none found, or not the cause
	// CPULimitConfirmed: settings meet every objective under it in the full simulation;
	// otherwise they miss none.
	CPULimitConfirmed bool `json:"cpuLimitConfirmed"`
	// Remedies are what other changes buy.
	Remedies []Remedy `json:"remedies"`
	// Untried are changes that apply, and that there was no time to try.
	Untried []string `json:"untried"`
}
