package calc

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Calculation is the result of `calc`: exact, so plain numbers. A nil measure
// was not asked for or has no closed form here; Notes says why, and under which
// conditions the others hold.
type Calculation struct {
	APIVersion  string   `json:"apiVersion"` // "probesim/v1"
	Kind        string   `json:"kind"`       // "Calculation"
	Scenario    string   `json:"scenario"`
	Assumptions []string `json:"assumptions"`
	Probes      Probes   `json:"probes"`

	MeanProbesToKill           *Number          `json:"meanProbesToKill"` // of independent failures (S1)
	MeanTimeToFalseKillSeconds *Number          `json:"meanTimeToFalseKillSeconds"`
	FalseKillsPerPodDay        *Number          `json:"falseKillsPerPodDay"` // of a pod that has served, and of the starts that follow from them
	KillProbability            *KillProbability `json:"killProbability"`     // of at least one false kill

	// StartupKillProbability is that of the first start of a container in its
	// pod; StartupKillProbabilityAnyPhase that of a start at a uniform phase of
	// the grid, as after a crash.
	StartupKillProbability         *Number `json:"startupKillProbability"`
	StartupKillProbabilityAnyPhase *Number `json:"startupKillProbabilityAnyPhase"`

	Quota        *Quota        `json:"quota,omitempty"`
	FolkFormulas []FolkFormula `json:"folkFormulas"`
	Method       string        `json:"method"` // of the false kills: "independent failures (S1)", "stalls (S3)", "Markov chain (S2)", or empty
	Notes        []string      `json:"notes"`
}

// Probes are the windows of each probe; nil: there is none.
type Probes struct {
	Startup   *Probe `json:"startup,omitempty"`
	Readiness *Probe `json:"readiness,omitempty"`
	Liveness  *Probe `json:"liveness,omitempty"`
}

// Probe is what follows from the numbers of one probe. Times are in seconds.
type Probe struct {
	// DetectionSeconds is the time from a hang to the verdict, and
	// DetectionIfRefusedSeconds that from a crash or a refused connection, if
	// nothing restarts the process before. Nil: the probe cannot see it, or, for
	// a startup probe, asks only before anything is served.
	DetectionSeconds          *Delay `json:"detectionSeconds"`
	DetectionIfRefusedSeconds *Delay `json:"detectionIfRefusedSeconds"`
	// ToleratedStallSeconds is the longest stall that never leads to a verdict.
	// One that is longer by a period always does.
	ToleratedStallSeconds Number `json:"toleratedStallSeconds"`
	// FailureProbability is that of one probe of a serving process between
	// stalls. Nil: it depends on what `run` simulates.
	FailureProbability *Number `json:"failureProbability,omitempty"`
	RemovalSeconds     *Delay  `json:"removalSeconds,omitempty"`  // readiness: hang to the last proxy removing the pod
	ReadyLagSeconds    *Delay  `json:"readyLagSeconds,omitempty"` // readiness: able to serve to in the endpoints
	BudgetSeconds      *Budget `json:"budgetSeconds,omitempty"`   // startup, or liveness without a startup probe before it
}

// KillProbability is the probability of at least one false kill of one pod
// within an hour, a day and 30 days. A window of length t holds ⌊t/period⌋
// probes.
type KillProbability struct {
	H1   Number `json:"1h"`
	H24  Number `json:"24h"`
	H720 Number `json:"720h"`
}

// FolkFormula is a formula people use for how long a probe takes to act, with
// its value and by how much it is off.
type FolkFormula struct {
	Formula string `json:"formula"`
	Seconds Number `json:"seconds"`
	// Error is Seconds minus the exact greatest time. Formulas with D are held
	// against the time from the container's start to the verdict on a container
	// that never answers, the others against that from a hang.
	Error Number `json:"error"`
	// Guaranteed and Most are the ends of the exact window.
	Guaranteed Number `json:"guaranteed"`
	Most       Number `json:"most"`
}

// newCalculation returns a calculation without measures.
func newCalculation(scenario string) *Calculation {
	return &Calculation{
		APIVersion: "probesim/v1", Kind: "Calculation", Scenario: scenario,
		Assumptions: []string{}, FolkFormulas: []FolkFormula{}, Notes: []string{},
	}
}

// note adds a note, unless it stands there: what holds for two probes is said
// once.
func (c *Calculation) note(format string, args ...any) {
	if note := fmt.Sprintf(format, args...); !slices.Contains(c.Notes, note) {
		c.Notes = append(c.Notes, note)
	}
}

// folkFormulas returns the formulas in use for the probe, each with its error.
func (s Settings) folkFormulas() []FolkFormula {
	p, t, d, f := s.Period.Seconds(), s.Timeout.Seconds(), s.InitialDelay.Seconds(), float64(s.Failures)
	hang := (f-1)*s.step(true).Seconds() + t // as Tolerates, for any threshold
	start := s.gate(time.Second).Seconds() + hang
	formulas := []FolkFormula{
		{Formula: "F·P", Seconds: Number(f * p)},
		{Formula: "F·(P+T)", Seconds: Number(f * (p + t))},
		{Formula: "D+F·P", Seconds: Number(d + f*p)},
		{Formula: "D+F·T+(F−1)·P", Seconds: Number(d + f*t + (f-1)*p)},
	}
	for i := range formulas {
		low, high := hang, hang+p
		if i >= 2 {
			low, high = start, d+p+hang
		}
		formulas[i].Guaranteed, formulas[i].Most = Number(low), Number(high)
		formulas[i].Error = formulas[i].Seconds - formulas[i].Most
	}
	return formulas
}

// windows returns what the settings alone say about a probe whose failures are
// timeouts. It leaves out the kubelet's own milliseconds.
func (s Settings) windows() *Probe {
	return &Probe{
		DetectionSeconds:          s.Detection(true, 0).Seconds(),
		DetectionIfRefusedSeconds: s.Detection(false, 0).Seconds(),
		ToleratedStallSeconds:     seconds(s.Tolerates(true)),
	}
}

const day = 24 * time.Hour

// independent fills in the false kills of independent failures with the given
// probability. Lost is the time after each kill in which there are no probes.
func (c *Calculation) independent(s Settings, probability float64, lost time.Duration, after Restart) {
	run := Run{Failures: s.Failures, Probability: probability}
	probes := run.MeanProbes()
	rate := after.kills(s, false) / (probes*s.Period.Seconds() + lost.Seconds())
	mean, perDay, count := Number(1/rate), Number(rate*day.Seconds()), Number(probes)
	c.MeanProbesToKill, c.MeanTimeToFalseKillSeconds, c.FalseKillsPerPodDay = &count, &mean, &perDay
	within := func(t time.Duration) Number { return Number(run.Within(int64(t / s.Period))) }
	c.KillProbability = &KillProbability{within(time.Hour), within(day), within(30 * day)}
	c.Method = "independent failures (S1)"
	c.note("false kills: runs of %d independent failures with probability %.6g each (S1); valid only while nothing makes failures come together: no stalls, pauses, throttling or outages", s.Failures, probability)
}

// stalls fills in the false kills of several independent processes of stalls.
func (c *Calculation) stalls(s Settings, all []Stalls, after Restart) {
	kills, runs, stalled := 0.0, 0.0, 0.0
	for _, st := range all {
		rates := st.Rates(s, after)
		kills += rates.Kills
		runs += rates.Runs
		stalled += rates.Stalled
	}
	const rare = .02
	if len(all) > 1 && stalled > rare {
		c.note("no closed form of the false kills: the process stands still %.3g of the time, so that stalls of different kinds overlap", stalled)
		return
	}
	mean, perDay := Number(1/kills), Number(kills*day.Seconds())
	c.MeanTimeToFalseKillSeconds, c.FalseKillsPerPodDay = &mean, &perDay
	within := func(t time.Duration) Number { return Number(-math.Expm1(-runs * t.Seconds())) }
	c.KillProbability = &KillProbability{within(time.Hour), within(day), within(30 * day)}
	c.Method = "stalls (S3)"
	c.note("false kills: a stall kills if it outlasts what the probe tolerates (for stalls without answer %s) from a uniform phase of its grid on (S3), times the rate of stalls by renewal and reward; valid while every other probe is answered in time, stalls begin at a uniform phase, and those of different kinds do not overlap (the process stands still %.3g of the time)", s.Tolerates(true), stalled)
	if kills > runs*1.001 {
		c.note("%.3g of the false kills follow from another: a stall that outlives the restart, or a start that takes longer than its probe allows; longer rows of kills, which the back-off slows down, are left out", 1-runs/kills)
	}
}
