package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/recommend"
)

// risk predicts every usual setting of the liveness probe, and marks the
// current and the recommended ones.
func (f *plotFlags) risk(cmd *cobra.Command, w *scenarios.Workload) (plots.Chart, error) {
	front, o, err := f.front(cmd, w)
	if err != nil {
		return nil, err
	}
	tables, err := recommend.Tables(cmd.Context(), w.World, o)
	if err != nil {
		return nil, err
	}
	if len(tables[0].Liveness) == 0 {
		return nil, errors.New("--chart risk: no setting of a liveness probe was judged")
	}
	return plots.NewRisk(&tables[0], front), nil
}

// front searches the settings and takes the liveness probe's chart from the result.
func (f *plotFlags) front(cmd *cobra.Command, w *scenarios.Workload) (*plots.Front, recommend.Options, error) {
	r, o, err := f.search(cmd, w, model.Liveness)
	if err != nil {
		return nil, o, err
	}
	return plots.NewFront(r, w.Objectives), o, nil
}

// removal does so for the readiness probe.
func (f *plotFlags) removal(cmd *cobra.Command, w *scenarios.Workload) (plots.Chart, error) {
	r, _, err := f.search(cmd, w, model.Readiness)
	if err != nil {
		return nil, err
	}
	return plots.NewRemovalFront(r, w.Objectives), nil
}

// search searches the settings. It refuses where those of the probe of kind k have
// nothing to trade.
func (f *plotFlags) search(cmd *cobra.Command, w *scenarios.Workload, k model.ProbeKind) (*recommend.Recommendation, recommend.Options, error) {
	if err := checkTrade(w.World, k); err != nil {
		return nil, recommend.Options{}, fmt.Errorf("--chart %s: %w", f.chart, err)
	}
	o := recommend.Options{Options: f.options(cmd, w), Margin: 1}
	o.Objectives = w.Objectives
	r, err := recommendWorkload(cmd, w, o)
	if err != nil {
		return nil, o, err
	}
	if cmd.Context().Err() != nil {
		return nil, o, cmd.Context().Err() // half a search is no front
	}
	if len(r.TradeOffs(k)) == 0 {
		return nil, o, fmt.Errorf("--chart %s: there is nothing to trade: no setting of a %v probe was judged", f.chart, k)
	}
	return r, o, nil
}

// tornado varies every input as "sweep --tornado" does.
func (f *plotFlags) tornado(cmd *cobra.Command, arg string, w *scenarios.Workload) (plots.Chart, error) {
	asked, err := figures(*f.measures, w)
	if err != nil {
		return nil, err
	}
	sources, faults, err := openAll(cmd, []string{arg})
	if err != nil || len(faults) > 0 || len(sources) != 1 {
		return nil, errors.Join(err, fmt.Errorf("%s: --chart tornado needs one file", arg))
	}
	stated, inputs, err := scenarios.Inputs(w, sources[0])
	if err != nil {
		return nil, err
	}
	variants, changes, err := onesidedChanges(stated, inputs)
	if err != nil {
		return nil, err
	}
	c, err := f.compareAll(cmd, w, variants, asked[:1], "varying every input")
	if err != nil {
		return nil, err
	}
	result := &tornadoResult{}
	result.fill(c, inputs, changes, asked[0])
	return &plots.Tornado{Scenario: w.World.Name, Seed: c.Seed, Figure: asked[0], Inputs: result.Rows}, nil
}

// compare sets the scenario's variants side by side as "compare" does.
func (f *plotFlags) compare(cmd *cobra.Command, w *scenarios.Workload) (plots.Chart, error) {
	asked, err := figures(*f.measures, w)
	if err != nil {
		return nil, err
	}
	variants := variantsOf(w)
	if len(variants) < 2 {
		return nil, fmt.Errorf("--chart compare: %s: nothing to compare with: it has no whatIf", w.World.Name)
	}
	c, err := f.compareAll(cmd, w, variants, asked, "comparing")
	if err != nil {
		return nil, err
	}
	return plots.NewComparison(w.World.Name, c, asked), nil
}

// compareAll simulates variants on the same lives.
func (f *plotFlags) compareAll(cmd *cobra.Command, w *scenarios.Workload, variants []estimate.Named, asked []estimate.Figure, what string) (*estimate.Comparison, error) {
	o := f.options(cmd, w)
	o.Objectives = w.Stated
	p := newProgress(cmd.ErrOrStderr(), what, o.Budget)
	defer p.end()
	o.Progress = p.update
	c, err := estimate.Compare(cmd.Context(), variants, asked, o)
	if err != nil {
		return nil, err
	}
	return c, cmd.Context().Err()
}

const (
	// convergedFrom bounds the least number of replications of the chart of
	// convergence, and convergedTo is the greatest unless another is asked for.
	convergedFrom = 16
	convergedTo   = 2048
)

// convergence estimates one figure from doubling numbers of replications, each
// time from the beginning, and sets the closed form beside it. The estimate that
// a search would replace by the closed form is left as it was simulated.
func (f *plotFlags) convergence(cmd *cobra.Command, w *scenarios.Workload, world *model.World) (plots.Chart, error) {
	asked, err := figures(*f.measures, w)
	if err != nil {
		return nil, err
	}
	o := f.options(cmd, w)
	last := int64(convergedTo)
	if o.Replications > 0 {
		last = o.Replications
	}
	chart := &plots.Convergence{Scenario: world.Name, Seed: o.Seed, Figure: asked[0]}
	p := newProgress(cmd.ErrOrStderr(), "simulating "+world.Name, o.Budget)
	defer p.end()
	until := cmd.Context()
	if o.Budget > 0 {
		var cancel context.CancelFunc
		until, cancel = context.WithTimeout(until, o.Budget)
		defer cancel()
	}
	o.Budget = 0
	sizes := []int64{last}
	for sizes[0] >= 2*convergedFrom {
		sizes = slices.Insert(sizes, 0, sizes[0]/2)
	}
	for _, n := range sizes {
		if cmd.Context().Err() != nil {
			return nil, cmd.Context().Err()
		}
		if len(chart.Points) > 0 && until.Err() != nil {
			break
		}
		o.Replications = n
		e, err := estimate.Run(cmd.Context(), []estimate.Named{{Name: world.Name, World: world}}, o)
		if err != nil {
			return nil, err
		}
		value := asked[0].Of(&e.Variants[0].Measures)
		if value == nil {
			return nil, fmt.Errorf("--chart convergence: %s does not apply here", asked[0])
		}
		chart.Points = append(chart.Points, plots.ConvergencePoint{Replications: e.Replications, Estimate: *value})
		p.update(n, last)
	}
	chart.Exact, chart.Method = exactly(world, asked[0])
	return chart, nil
}

// exactly returns the closed form of a figure and its name, if there is one.
func exactly(world *model.World, figure estimate.Figure) (value *float64, method string) {
	c, err := calc.World(world)
	if err != nil {
		return nil, ""
	}
	is := func(n *calc.Number, times float64, method string) (*float64, string) {
		if n == nil || math.IsNaN(float64(*n)) {
			return nil, ""
		}
		x := float64(*n) * times
		return &x, method
	}
	mean := func(d *calc.Delay, method string) (*float64, string) {
		if d == nil {
			return nil, ""
		}
		return is(&d.Mean, 1, method)
	}
	switch figure {
	case estimate.Figure{Measure: "falseKillsPerPodYear"}:
		return is(c.FalseKillsPerPodDay, 365.25, c.Method)
	case estimate.Figure{Measure: "falseKillsPerPodDay"}:
		return is(c.FalseKillsPerPodDay, 1, c.Method)
	case estimate.Figure{Measure: "startupKillProbability"}:
		return is(c.StartupKillProbability, 1, "windows of the startup (S5)")
	case estimate.Figure{Measure: "detectionSeconds", Statistic: "mean"}:
		if p := c.Probes.Liveness; p != nil && hangsInSilence(world) {
			return mean(p.DetectionSeconds, "without the kubelet's own delays (S4)")
		}
	case estimate.Figure{Measure: "removalSeconds", Statistic: "mean"}:
		if p := c.Probes.Readiness; p != nil && hangsInSilence(world) {
			return mean(p.RemovalSeconds, "without the kubelet's own delays (S4)")
		}
	}
	return nil, ""
}

// limitFactors are the CPU limits that are looked at, as multiples of the
// current one.
var limitFactors = []float64{0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 10}

// limitObservers is the number of lives observed under each of them.
const limitObservers = 6

// limits observes answers under smaller and greater CPU limits.
func (f *plotFlags) limits(cmd *cobra.Command, w *scenarios.Workload, world *model.World) (plots.Chart, error) {
	kind, err := askedProbe(world)
	if err != nil {
		return nil, fmt.Errorf("--chart limits: %w", err)
	}
	current := world.Container().CPULimitMilli
	if current == 0 || world.Node.NoCFSQuota {
		return nil, errors.New("--chart limits: the container has no CPU limit that is enforced")
	}
	probe := world.Container().Probes[kind]
	o := f.options(cmd, w)
	answer := &world.Application.Probes[kind]
	chart := &plots.Limits{Scenario: world.Name, Seed: o.Seed, Kind: kind, Timeout: probe.Timeout(), CurrentMilli: current,
		Demand: answer.CPU.Quantile(0.5), Period: world.Node.CFSPeriod}
	if probe.Handler.Kind == model.Exec {
		chart.Demand += answer.Exec.HelperCPU.Quantile(0.5)
	}
	p := newProgress(cmd.ErrOrStderr(), "observing "+world.Name, 0)
	defer p.end()
	n := int64(limitObservers)
	if o.Replications > 0 {
		n = o.Replications
	}
	var shown []time.Duration
	for i, factor := range limitFactors {
		milli := max(int64(float64(current)*factor), 1)
		if milli != current { // below 1 ms in each period the quota stays the same (C22)
			milli = max(milli, int64(time.Second/world.Node.CFSPeriod))
		}
		quota := cpu.Quota(milli, world.Node.CFSPeriod)
		if milli != current && (slices.Contains(shown, quota) || quota == cpu.Quota(current, world.Node.CFSPeriod)) {
			continue
		}
		shown = append(shown, quota)
		container := *world.Container()
		container.CPULimitMilli, container.CPURequestMilli = milli, min(container.CPURequestMilli, milli)
		took, err := answersUnder(cmd.Context(), world.WithContainer(container), kind, sim.Life{Seed: o.Seed, Horizon: min(observed, o.Horizon)}, n)
		if err != nil {
			return nil, err
		}
		p.update(int64(i)+1, int64(len(limitFactors)))
		chart.Limits = append(chart.Limits, plots.NewLimit(milli, took, chart.Timeout))
	}
	return chart, nil
}

// askedProbe returns the liveness probe, or the kind that there is.
func askedProbe(world *model.World) (model.ProbeKind, error) {
	kind := model.Liveness
	for _, k := range []model.ProbeKind{model.Startup, model.Readiness, model.Liveness} {
		if world.Container().Probes[k] != nil {
			kind = k
		}
	}
	if world.Container().Probes[kind] == nil {
		return kind, errors.New("the container has no probe")
	}
	return kind, nil
}

// answersUnder returns how long answers take in so many lives, or in a short one
// where that shows that hardly any comes in time: the CPU is asked for more than
// there is, answers wait behind each other longer and longer, and a long life would
// cost minutes to say so again.
func answersUnder(ctx context.Context, world *model.World, kind model.ProbeKind, life sim.Life, lives int64) ([]time.Duration, error) {
	const part, hopeless = 12, 0.9
	glance := life
	glance.Horizon /= part
	took, err := observeAnswers(ctx, world, kind, glance, 1)
	if err != nil {
		return nil, err
	}
	timeout := world.Container().Probes[kind].Timeout()
	if plots.NewLimit(0, took, timeout).Late >= hopeless {
		return took, nil
	}
	return observeAnswers(ctx, world, kind, life, lives)
}

// observeAnswers returns how long the answers to probes of a kind take that
// are not failures, in so many lives.
func observeAnswers(ctx context.Context, world *model.World, kind model.ProbeKind, life sim.Life, lives int64) ([]time.Duration, error) {
	simulator, err := sim.New(world)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for i := range lives {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		life.Replication = uint64(i)
		for _, o := range simulator.Observe(life, kind, world.Container().Probes[kind].Period()) {
			if !o.Starting && !o.Failed {
				took = append(took, o.Latency)
			}
		}
	}
	return took, nil
}
