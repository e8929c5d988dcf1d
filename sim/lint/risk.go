package lint

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
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
	LostSecondsPerPodYear calc.Number `json:"lostSecondsPerPodYear"`
	// FalseKillsPerPodYear are those of a serving process; where no formula holds, so
	// that the rate is simulated, and no startup probe holds the liveness probe back,
	// those of starts too.
	FalseKillsPerPodYear   *stats.Estimate `json:"falseKillsPerPodYear"`
	StartupKillProbability *stats.Estimate `json:"startupKillProbability"`
	// DeadTrafficSecondsPerFault is infinite where no probe sees a hang.
	DeadTrafficSecondsPerFault calc.Number `json:"deadTrafficSecondsPerFault"`

	readyLag   *stats.Distribution
	restart    float64 // mean seconds from a kill to serving and in the endpoints again
	shed       float64 // share of the time out of the endpoints for too many requests in flight
	neverReady *stats.Estimate
	lives      time.Duration // in which neverReady was asked for
	failures   [model.ProbeKinds]*estimate.ProbeFailures

	// Of starts of which too many are killed, else 0: what they need, and the longest
	// of how many simulated ones.
	startNeeds, longestStart time.Duration
	longestOf                int
}

// How much is simulated of a container whose false kills a formula decides:
// enough starts to see one in a hundred killed, and test hangs. Where there is
// none, days of its life too, as many as it takes to see some kills, up to a
// limit: a linter has no time for more. The starts are the dear part, since a
// start under a CPU limit goes on from tick to tick. Where nobody asks how many
// are killed, or all are far within their budget, a few tell how long they take.
const (
	riskReplications = 2
	riskLimit        = 16
	riskPrecision    = .5
	riskHorizon      = 12 * time.Hour
	riskLeastHorizon = time.Hour
	riskFaults       = 16 // of a replication; each takes as long as a hang is not noticed
	riskStarts       = 512
	riskFewStarts    = 64
	riskLeastStarts  = 16
	riskStartWork    = 20000 // CPU-seconds of starts, beyond which fewer have to do
)

// startsOf returns how many starts are simulated in all: so many, or as few as
// the least where each takes long.
func startsOf(w *model.World, wanted, least int64) int64 {
	work := 1e-9 + startCPU(w)
	return max(least, int64(math.Min(float64(wanted), riskStartWork/work)))
}

const year = 8766 * time.Hour

// Assess returns the risk of a world, most of it by simulating it for a short
// while, as its version of Kubernetes runs it; versions older than those that are
// simulated are taken for the oldest one that is. Where the startup was taken from the budget itself (startupGranted),
// there is no StartupKillProbability. The error is that of a world that cannot be
// simulated, or ctx's.
func Assess(ctx context.Context, w *model.World, startupGranted bool, seed uint64, jobs int) (*Risk, error) {
	startupGranted = startupGranted && !dropsStartup(w)
	w = inForce(w)
	simulated := *w
	if simulated.Cluster.KubernetesVersion.Minor < model.OldestVersion.Minor {
		simulated.Cluster.KubernetesVersion = model.OldestVersion
	}
	simulated.Events = model.Events{} // what comes from outside is no risk of the probes
	kills := formulaKills(w)
	o := riskOptions(w, kills)
	o.Seed, o.Jobs = seed, jobs
	replications := max(o.Replications, o.Limit)
	all := startsOf(w, riskStarts, riskFewStarts) / replications
	o.Starts = all
	if startupGranted || farWithinBudget(w) {
		o.Starts = startsOf(w, riskFewStarts, riskLeastStarts) / replications
	}
	m, err := measure(ctx, &simulated, o)
	if err == nil && o.Starts < all && !startupGranted && m.StartupKillProbability != nil && m.StartupKillProbability.Estimate > 0 {
		o.Starts = all
		m, err = measure(ctx, &simulated, o)
	}
	if err != nil {
		return nil, err
	}
	seen := m
	if kills != nil && !decides(kills) {
		if seen, err = serving(ctx, &simulated, m, o); err != nil {
			return nil, err
		}
	}
	if startupGranted {
		m.StartupKillProbability = nil
	}
	r := newRisk(w, m, o.Horizon)
	r.setKills(killsOf(w, kills, seen))
	if err = r.setStartNeeds(ctx, &simulated, seed, jobs); err != nil {
		return nil, err
	}
	r.shed, err = shedShare(ctx, &simulated, m, o)
	return r, err
}

// shedShare returns the share of the time in which the pod is out of the endpoints since
// its readiness probe fails above a number of requests in flight (A4): what the same lives
// without that limit, simulated as m was, are less out of them.
func shedShare(ctx context.Context, w *model.World, m *estimate.Measures, o estimate.Options) (float64, error) {
	limit := &w.Application.Probes[model.Readiness].FailsInFlight
	if *limit == 0 || w.Application.Traffic == nil || m.FalseUnreadyFraction == nil || !failedInARow(w, m) {
		return 0, nil
	}
	unlimited := *w
	unlimited.Application.Probes[model.Readiness].FailsInFlight = 0
	o.Starts, o.Faults = 1, 1
	without, err := measure(ctx, &unlimited, o)
	if err != nil || without.FalseUnreadyFraction == nil {
		return 0, err
	}
	return math.Max(0, m.FalseUnreadyFraction.Estimate-without.FalseUnreadyFraction.Estimate), nil
}

// riskOptions says how much of a world is simulated, where a formula says kills of its
// false kills, or nil.
func riskOptions(w *model.World, kills *stats.Estimate) estimate.Options {
	o := estimate.Options{Horizon: riskHorizon, Replications: riskReplications, Faults: riskFaults}
	switch {
	case kills == nil:
		o.Replications, o.Limit, o.Precision = 0, riskLimit, riskPrecision
	case w.Application.Traffic == nil:
		// All that is left for the long lives to tell is whether the pod is ever Ready.
		o.Horizon = min(max(4*estimate.StartSpan(w), riskLeastHorizon), riskHorizon)
	}
	if noticedLate(w) {
		o.Faults, o.Limit = 1, min(o.Limit, riskReplications)
	}
	return o
}

// failedInARow reports whether the readiness probe may have failed often enough in a row
// for a verdict: the last length counts the longer runs too.
func failedInARow(w *model.World, m *estimate.Measures) bool {
	p, seen := w.Container().Probes[model.Readiness], m.ProbeFailureProbability[model.Readiness]
	if p == nil || seen == nil || len(seen.RunLengths) == 0 {
		return false
	}
	least := min(int(p.FailureThreshold), len(seen.RunLengths)) - 1
	return slices.ContainsFunc(seen.RunLengths[least:], func(n int64) bool { return n > 0 })
}

// serving simulates days of a world for the sake of the false kills alone, those of a
// process that serves: m is what is known of its starts.
func serving(ctx context.Context, w *model.World, m *estimate.Measures, o estimate.Options) (*estimate.Measures, error) {
	days := estimate.Options{Seed: o.Seed, Jobs: o.Jobs, Horizon: riskHorizon, Limit: riskLimit, Precision: riskPrecision, Starts: 1, Faults: 1, Plain: true}
	started := *w
	if losesStarts(w, m) {
		started.Application.Startup = nil
	}
	return measure(ctx, &started, days)
}

// losesStarts reports whether the liveness probe kills starts. False kills of lives
// of half a day would count those of the first start as if pods were made anew twice a
// day, and StartupKillProbability says more of them.
func losesStarts(w *model.World, m *estimate.Measures) bool {
	starts := m.StartupKillProbability
	return w.Container().Probes[model.Startup] == nil && starts != nil && starts.Estimate > 0
}

// newRisk puts together what lives of so long showed, all but the false kills.
func newRisk(w *model.World, m *estimate.Measures, lives time.Duration) *Risk {
	r := &Risk{
		StartupKillProbability:     m.StartupKillProbability,
		DeadTrafficSecondsPerFault: calc.Number(math.Inf(1)),
		readyLag:                   m.ReadyLagSeconds, restart: restart(m), neverReady: m.NeverReadyProbability, lives: lives,
		failures: m.ProbeFailureProbability,
	}
	if exact := startsByFormula(w); exact != nil && m.StartupKillProbability != nil && exact.Low <= m.StartupKillProbability.High && exact.High >= m.StartupKillProbability.Low {
		r.StartupKillProbability = exact
	}
	if m.DeadTrafficSecondsPerFault != nil {
		r.DeadTrafficSecondsPerFault = calc.Number(m.DeadTrafficSecondsPerFault.Estimate)
	}
	lost := neverReady(m)
	if w.Pod.RestartPolicy == model.RestartAlways { // else it runs to its end and gets no requests
		lost += r.byHangs(hangsPerYear(w))
	}
	r.LostSecondsPerPodYear = calc.Number(math.Min(year.Seconds(), lost))
	return r
}

// setKills sets the false kills, and adds the time that they take away.
func (r *Risk) setKills(kills *stats.Estimate) {
	r.FalseKillsPerPodYear = kills
	if kills != nil {
		r.LostSecondsPerPodYear = calc.Number(math.Min(year.Seconds(), float64(r.LostSecondsPerPodYear)+kills.Estimate*r.restart))
	}
}

func measure(ctx context.Context, w *model.World, o estimate.Options) (*estimate.Measures, error) {
	e, err := estimate.Run(ctx, []estimate.Named{{Name: "base", World: w}}, o)
	if err != nil {
		return nil, err
	}
	return &e.Variants[0].Measures, nil
}

// noticedLate reports whether each of the probes lets a process hang for more than a
// day: all that a test hang then tells is that nothing happens, at the price of
// days.
func noticedLate(w *model.World) bool {
	const late = 24 * time.Hour
	asked := false
	for k, p := range w.Container().Probes {
		if p == nil || model.ProbeKind(k) == model.Startup {
			continue
		}
		if calc.SettingsOf(p).Tolerates(false) < late {
			return false
		}
		asked = true
	}
	return asked
}

// farWithinBudget reports whether the slowest start in ten thousand, stretched
// by the CPU limit and then to three times its length by what neighbours and
// stalls may add, ends before the earliest verdict against it.
func farWithinBudget(w *model.World) bool {
	const tail, spare = .9999, 3
	guard := w.Container().Probes[model.Startup]
	if guard == nil {
		guard = w.Container().Probes[model.Liveness]
	}
	if guard == nil {
		return true
	}
	slow := startLasts(w, func(d dist.Duration) float64 { return d.Quantile(tail).Seconds() })
	budget := calc.SettingsOf(guard).Budget(guard.Handler.Kind == model.GRPC)
	return spare*slow < float64(budget.Guaranteed)
}

// startsDrawn is how many starts are drawn where their distribution has no closed
// form: enough to tell a share of one in a thousand from two.
const startsDrawn = 40000

// startsByFormula returns the probability that a start is killed as far as no stall
// or neighbour stretches it: the closed form (S5), or where a CPU limit stretches the
// start, the share of drawn starts that are longer by the arithmetic of the limit
// (S8) than the budget guarantees. It tells what a few hundred simulated starts
// cannot, that the budget is under the 99.9th percentile. Nil: neither applies.
func startsByFormula(w *model.World) *stats.Estimate {
	c, err := calc.World(alone(w))
	if err != nil {
		return nil
	}
	if exact := c.StartupKillProbability; exact != nil {
		x := float64(*exact)
		return &stats.Estimate{Estimate: x, Low: x, High: x, Confidence: 1, Method: "closed form (S5)"}
	}
	guard := w.Container().Probes[model.Startup]
	if guard == nil {
		guard = w.Container().Probes[model.Liveness]
	}
	if guard == nil || guard.Handler.NoPort || guard.Handler.Kind == model.TCPSocket || limit(w) == 0 {
		return nil
	}
	budget := calc.SettingsOf(guard).Budget(guard.Handler.Kind == model.GRPC)
	var beyond stats.Proportion
	for _, lasts := range drawnStarts(w) {
		beyond.Add(map[bool]int64{true: 1}[lasts > float64(budget.Guaranteed)], 1)
	}
	e := beyond.Estimate(.95)
	e.Method = "starts drawn by the arithmetic of the limit (S8), " + e.Method
	return &e
}

// drawnStarts returns the seconds that starts take by the arithmetic of the limit,
// ascending.
func drawnStarts(w *model.World) []float64 {
	random := rand.New(rand.NewPCG(startsDrawn, 0))
	all := make([]float64, startsDrawn)
	for i := range all {
		all[i] = startLasts(w, func(d dist.Duration) float64 { return d.Sample(random).Seconds() })
	}
	slices.Sort(all)
	return all
}

// startQuantile is the quantile p of the seconds that starts take by that
// arithmetic.
func startQuantile(w *model.World, p float64) float64 {
	return drawnStarts(w)[int(p*(startsDrawn-1))]
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
