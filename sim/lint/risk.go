package lint

import (
	"context"
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// Risk is what a workload's probes cost, by the closed form where one holds and
// else by a short simulation. It ranks workloads; `run` measures them. A nil
// estimate does not apply.
type Risk struct {
	// LostSecondsPerPodYear is the time in a pod's year in which requests sent to
	// it are lost by the doing of its probes, or for the lack of one: false kills
	// times the time until the pod serves and is Ready again, hangs times the traffic that
	// each still gets, and whole years of pods that never become Ready.
	LostSecondsPerPodYear  calc.Number     `json:"lostSecondsPerPodYear"`
	FalseKillsPerPodYear   *stats.Estimate `json:"falseKillsPerPodYear"`
	StartupKillProbability *stats.Estimate `json:"startupKillProbability"`
	// DeadTrafficSecondsPerFault is infinite where no probe sees a hang.
	DeadTrafficSecondsPerFault calc.Number `json:"deadTrafficSecondsPerFault"`

	readyLag     *stats.Distribution
	restart      float64 // mean seconds from a kill to serving and in the endpoints again
	falseUnready *stats.Estimate
	failures     [model.ProbeKinds]*estimate.ProbeFailures
}

// How much is simulated of a container whose false kills have a closed form:
// enough starts to see one in a hundred killed, and test hangs. Where there is
// none, days of its life too, as many as it takes to see some kills, up to a
// limit: a linter has no time for more.
const (
	riskReplications = 2
	riskLimit        = 16
	riskPrecision    = .5
	riskHorizon      = 12 * time.Hour
)

const year = 8766 * time.Hour

// Assess simulates a world for a short while and returns its risk. Versions
// older than those that are simulated are taken for the oldest one that is. The
// error is that of a world that cannot be simulated, or ctx's.
func Assess(ctx context.Context, w *model.World, seed uint64, jobs int) (*Risk, error) {
	simulated := *w
	if simulated.Cluster.KubernetesVersion.Minor < model.OldestVersion.Minor {
		simulated.Cluster.KubernetesVersion = model.OldestVersion
	}
	simulated.Events = model.Events{} // what comes from outside is no risk of the probes
	kills := closedForm(w)
	o := estimate.Options{Seed: seed, Horizon: riskHorizon, Replications: riskReplications, Jobs: jobs}
	if kills == nil {
		o.Replications, o.Limit, o.Precision = 0, riskLimit, riskPrecision
	}
	e, err := estimate.Run(ctx, []estimate.Named{{Name: "base", World: &simulated}}, o)
	if err != nil {
		return nil, err
	}
	m := &e.Variants[0].Measures
	r := &Risk{
		FalseKillsPerPodYear: m.FalseKillsPerPodYear, StartupKillProbability: m.StartupKillProbability,
		DeadTrafficSecondsPerFault: calc.Number(math.Inf(1)),
		readyLag:                   m.ReadyLagSeconds, restart: restart(m), falseUnready: m.FalseUnreadyFraction,
		failures: m.ProbeFailureProbability,
	}
	if kills != nil {
		r.FalseKillsPerPodYear = kills
	}
	if m.DeadTrafficSecondsPerFault != nil {
		r.DeadTrafficSecondsPerFault = calc.Number(m.DeadTrafficSecondsPerFault.Estimate)
	}
	lost := r.byKills() + neverReady(m)
	if w.Pod.RestartPolicy == model.RestartAlways { // else it runs to its end and gets no requests
		lost += r.byHangs(hangsPerYear(w))
	}
	r.LostSecondsPerPodYear = calc.Number(math.Min(year.Seconds(), lost))
	return r, nil
}

// closedForm returns the false kills of a serving process by formula, from the
// estimate to the upper bound; nil where none holds.
func closedForm(w *model.World) *stats.Estimate {
	p := w.Container().Probes[model.Liveness]
	if p == nil {
		return &stats.Estimate{Confidence: 1, Method: "exact"} // nothing kills a serving process
	}
	form := estimate.NewClosedForm(alone(w), model.Liveness)
	if form.Why != "" {
		return nil
	}
	rate, bound := form.Rate(p)
	perYear := year.Seconds()
	return &stats.Estimate{Estimate: rate * perYear, Low: rate * perYear, High: bound * perYear, Confidence: 1, Method: "closed form (S1, S3)"}
}

// byKills is the time in a year that false kills take away.
func (r *Risk) byKills() float64 {
	if r.FalseKillsPerPodYear == nil {
		return 0
	}
	return r.FalseKillsPerPodYear.Estimate * r.restart
}

// restart is the mean time from a kill to serving and in the endpoints again:
// what a hang takes beyond its detection, or where nothing detects one, a first
// start to Ready.
func restart(m *estimate.Measures) float64 {
	switch {
	case m.RecoverySeconds != nil && m.DetectionSeconds != nil:
		return math.Max(0, m.RecoverySeconds.Mean.Estimate-m.DetectionSeconds.Mean.Estimate)
	case m.TimeToReadySeconds != nil:
		return m.TimeToReadySeconds.Mean.Estimate
	}
	return 0
}

// byHangs is the time in a year in which a hung process still gets traffic.
// Where no probe sees it, it does so from its first hang to the year's end.
func (r *Risk) byHangs(perYear float64) float64 {
	switch {
	case perYear == 0:
		return 0
	case math.IsInf(float64(r.DeadTrafficSecondsPerFault), 1):
		return year.Seconds() * (1 + math.Expm1(-perYear)/perYear)
	}
	return perYear * float64(r.DeadTrafficSecondsPerFault)
}

func neverReady(m *estimate.Measures) float64 {
	if m.NeverReadyProbability == nil {
		return 0
	}
	return year.Seconds() * m.NeverReadyProbability.Estimate
}

// hangsPerYear is the rate of faults that hang the process for good.
func hangsPerYear(w *model.World) float64 {
	rate := 0.0
	for i := range w.Faults {
		if f := &w.Faults[i]; f.Forever && f.Hangs && !f.Exits && !f.Planned {
			rate += year.Seconds() / f.Every.Mean().Seconds()
		}
	}
	return rate
}
