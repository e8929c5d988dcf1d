// Package estimate runs many lives of a world on all cores and folds them,
// in the order of their replications, into the measures a person asks for.
package estimate

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// Measures are the answers of design section 3. A nil measure does not apply;
// the reason is in the notes beside it. Every unit is in the key.
type Measures struct {
	FalseKillsPerPodDay           *stats.Estimate                  `json:"falseKillsPerPodDay"`
	FalseKillsPerPodDayByLiveness *stats.Estimate                  `json:"falseKillsPerPodDayByLiveness"`
	FalseKillsPerPodDayByStartup  *stats.Estimate                  `json:"falseKillsPerPodDayByStartup"`
	FalseKillsPerPodYear          *stats.Estimate                  `json:"falseKillsPerPodYear"`
	MeanTimeToFalseKillSeconds    *stats.Estimate                  `json:"meanTimeToFalseKillSeconds"`
	FalseKillProbability          *KillProbabilities               `json:"falseKillProbability"`
	StartupKillProbability        *stats.Estimate                  `json:"startupKillProbability"`
	DetectionSeconds              *stats.Distribution              `json:"detectionSeconds"`
	RemovalSeconds                *stats.Distribution              `json:"removalSeconds"`
	RecoverySeconds               *stats.Distribution              `json:"recoverySeconds"`
	DeadTrafficSecondsPerFault    *stats.Estimate                  `json:"deadTrafficSecondsPerFault"`
	DeadTrafficFraction           *stats.Estimate                  `json:"deadTrafficFraction"`
	DeadRequestsPerFault          *stats.Estimate                  `json:"deadRequestsPerFault"`
	SlowTrafficFraction           *stats.Estimate                  `json:"slowTrafficFraction"`
	FalseUnreadyFraction          *stats.Estimate                  `json:"falseUnreadyFraction"`
	ReadyLagSeconds               *stats.Distribution              `json:"readyLagSeconds"`
	TimeToReadySeconds            *stats.Distribution              `json:"timeToReadySeconds"`
	Availability                  *stats.Estimate                  `json:"availability"`
	ProbeFailureProbability       [model.ProbeKinds]*ProbeFailures `json:"-"` // in JSON an object by kind
	ProbeCPUFraction              *stats.Estimate                  `json:"probeCPUFraction"`
	CrashLoopFraction             *stats.Estimate                  `json:"crashLoopFraction"`
	NeverReadyProbability         *stats.Estimate                  `json:"neverReadyProbability"`
	// ExhaustionProbability is that of a resource that has reached its mark with
	// the pod in the endpoints: that it is used up before the pod is out of them
	// or restarted (A5). Nil: no resource of the scenario grows.
	ExhaustionProbability *stats.Estimate `json:"exhaustionProbability"`

	// ClosedForm is falseKillsPerPodYear by the closed form, from its estimate to
	// its upper bound, what starts cost included. Nil: there is none. It is no
	// measure: the simulation's stand above.
	ClosedForm *stats.Estimate `json:"-"`
}

// FalseKillRate returns the false kills per pod-year: the estimate up to the closed
// form's bound, which more may have been seen than by chance, or the closed form in its
// place where nothing was seen and it says more. The bound of so many replications says
// little about settings that kill once in centuries. Nil: the measure does not apply.
func (m *Measures) FalseKillRate() *stats.Estimate {
	e, closed := m.FalseKillsPerPodYear, m.ClosedForm
	if e == nil || closed == nil || closed.High >= e.High && e.High > 0 || closed.High < e.Low {
		return e
	}
	if e.High == 0 && closed.High == 0 {
		return e
	}
	if e.Estimate == 0 {
		return closed
	}
	cut := *e
	cut.Estimate, cut.High = math.Min(e.Estimate, closed.High), closed.High
	return &cut
}

// MarshalJSON writes the measures in the order of the fields, and
// probeFailureProbability as an object by kind of probe.
func (m Measures) MarshalJSON() ([]byte, error) {
	type plain Measures
	return json.Marshal(struct {
		plain
		ByKind struct {
			Startup   *ProbeFailures `json:"startup"`
			Readiness *ProbeFailures `json:"readiness"`
			Liveness  *ProbeFailures `json:"liveness"`
		} `json:"probeFailureProbability"`
	}{plain: plain(m), ByKind: struct {
		Startup   *ProbeFailures `json:"startup"`
		Readiness *ProbeFailures `json:"readiness"`
		Liveness  *ProbeFailures `json:"liveness"`
	}{m.ProbeFailureProbability[model.Startup], m.ProbeFailureProbability[model.Readiness], m.ProbeFailureProbability[model.Liveness]}})
}

// KillProbabilities are the probabilities of at least one false kill within
// an hour, a day, 30 days and a year of 365.25 days.
type KillProbabilities struct {
	H1    PodAndAny `json:"1h"`
	H24   PodAndAny `json:"24h"`
	H720  PodAndAny `json:"720h"`
	H8766 PodAndAny `json:"8766h"`
}

// PodAndAny is a probability for one pod, and for at least one of all replicas.
type PodAndAny struct {
	Pod        stats.Estimate `json:"pod"`
	AnyReplica stats.Estimate `json:"anyReplica"`
}

// ProbeFailures is how often one kind of probe fails, and in what runs.
type ProbeFailures struct {
	stats.Estimate
	// RunLengths[i] is the number of maximal runs of exactly i+1 failures in a
	// row; the last entry counts all longer runs too.
	RunLengths []int64
}

// MarshalJSON writes the estimate's own keys and "runLengths" beside them.
func (f ProbeFailures) MarshalJSON() ([]byte, error) {
	estimate, err := json.Marshal(f.Estimate)
	if err != nil {
		return nil, err
	}
	runs, err := json.Marshal(f.RunLengths)
	if err != nil {
		return nil, err
	}
	keys := bytes.TrimSuffix(estimate, []byte("}"))
	return slices.Concat(keys, []byte(`,"runLengths":`), runs, []byte("}")), nil
}

// Settings are the knobs of the studied container.
type Settings struct {
	StartupProbe   *model.Probe `json:"startupProbe"`
	ReadinessProbe *model.Probe `json:"readinessProbe"`
	LivenessProbe  *model.Probe `json:"livenessProbe"`
	CPULimit       string       `json:"cpuLimit"` // a Kubernetes quantity; empty: none
}

// Verdict is one objective held against its measure.
type Verdict struct {
	Name string `json:"name"` // for example "removalSeconds.p99 <= 30"
	Met  *bool  `json:"met"`  // nil: undecided within the effort
}

// Variant is what was found for one variant of a scenario.
type Variant struct {
	Name       string    `json:"name"` // "base" or the whatIf's name
	Settings   Settings  `json:"settings"`
	Measures   Measures  `json:"measures"`
	Objectives []Verdict `json:"objectives"`
	// NodeClasses is the risk of pods by the class of nodes they land on, where
	// the scenario has classes.
	NodeClasses []NodeClass `json:"nodeClasses,omitempty"`
	Notes       []string    `json:"notes"`

	formula *formula // nil: none
}

// Estimates is the result of `run` for one workload.
type Estimates struct {
	APIVersion   string    `json:"apiVersion"` // "probesim/v1"
	Kind         string    `json:"kind"`       // "Estimates"
	Scenario     string    `json:"scenario"`
	Seed         uint64    `json:"seed"`
	Assumptions  []string  `json:"assumptions"`
	Replications int64     `json:"replications"`
	PodSeconds   float64   `json:"podSeconds"`
	Variants     []Variant `json:"variants"`
	// Together is what happens to all replicas at once, where that was asked for.
	Together *Together `json:"together,omitempty"`
}
