package recommend

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

const year = 8766 * time.Hour

// search is what is known of a world before any setting is simulated in full:
// how often probes of any setting would fail, how long starts take, and how
// long a change of readiness takes to the last proxy.
type search struct {
	w          *model.World
	objectives []model.Objective
	confidence float64
	jobs       int
	seed       uint64
	strategy   model.Strategy

	base        [model.ProbeKinds]*model.Probe // the probe a setting is put on; nil: there is no handler to ask
	closed      [model.ProbeKinds]*estimate.ClosedForm
	loud        [model.ProbeKinds]*screen       // nil: nothing but what the closed form covers
	rest        [model.ProbeKinds][]observation // paths that it lacks, which usual values do not need
	contended   bool                            // there is more than the closed form covers
	chain       [model.ProbeKinds]*chained      // in place of both; nil: there is none
	shedding    *setting                        // of readiness, beside which liveness was observed; nil: without
	soonest     *setting                        // of readiness, which sheds the load soonest; nil: as above
	starts      []time.Duration                 // how long starts take, ascending; Longest for one that did not end
	order       []int32                         // the number of each of them; nil: not simulated here
	slowed      *slowedStarts                   // in their place, how many exceed a time; nil: they show it
	fewest      bool                            // so many at the least
	tail        *estimate.StartTail             // bounds the longest starts, of which too few were simulated; nil: they were not
	keptBudget  time.Duration                   // of a startup probe, which supposed starts are taken to fit into with a reserve; 0: none
	podLife     time.Duration                   // with a first start in each
	hangs       float64                         // per pod-year, by which waiting for a verdict is weighed
	lags        map[[2]int32][]time.Duration
	spare       float64                   // CPU time per second that the process leaves its probes
	asks        [model.ProbeKinds]float64 // and that an answer takes, in seconds
	corrections []correction              // that full simulations taught about predictions
	lessons     []lesson                  // and about extended rates
	favourable  bool                      // predictions are those of the favourable end
	eagerness   int                       // how far beyond what is patient settings are considered
	tried       map[string]bool           // settings that were simulated in full
	delays      []float64                 // quantiles of the propagation, in seconds
	glance      bool                      // so few starts were simulated that their bound says nothing
	spread      map[int32][]float64       // uniform phase of a period plus propagation, ascending, in seconds
}

// option is one probe's setting with what it leads to.
type option struct {
	setting
	rate     float64 // false verdicts per second of serving
	low      float64 // and its bounds
	bound    float64
	extended bool          // the rate is extended beyond what was observed
	lasting  float64       // share of the time out of the endpoints while answers stay late
	cost     float64       // pod-seconds lost per pod-year
	patience time.Duration // tolerated, once it was asked for; 0: not yet
}

// tolerated is the longest the process can be silent without a verdict.
func (o *option) tolerated() time.Duration {
	if o.patience == 0 {
		o.patience = o.setting.tolerated()
	}
	return o.patience
}

// start is how starts are protected: by a startup probe, or nothing.
type start struct {
	probe *model.Probe // nil: none
	kills float64      // probability of a false kill per start, upper bound; NaN: depends on the liveness probe
}

// combination is a choice for all three probes.
type combination struct {
	start     start
	readiness *option // nil: no probe
	liveness  *option
	cost      float64
}

// newSearch learns what there is to know of a world. Starts are how long they take
// there, where that is known; nil: they are simulated.
func newSearch(ctx context.Context, w *model.World, o Options, effort observed, starts []time.Duration) (*search, error) {
	stop := new(atomic.Bool) // gives up the lives under way
	release := context.AfterFunc(ctx, func() { stop.Store(true) })
	defer release()
	s := &search{
		w: w, keptBudget: o.StartBudget, podLife: max(o.Horizon, defaultHorizon), starts: starts, objectives: o.Objectives, confidence: o.Confidence, jobs: o.Jobs, seed: o.Seed,
		lags: map[[2]int32][]time.Duration{}, spread: map[int32][]float64{}, hangs: hangsPerYear(w),
		tried: map[string]bool{},
	}
	if s.confidence <= 0 || s.confidence >= 1 {
		s.confidence = 0.95
	}
	if s.jobs <= 0 {
		s.jobs = runtime.GOMAXPROCS(0)
	}
	s.base = bases(w)
	if !asksForLiveness(w, &s.base, o.Objectives) {
		s.base[model.Liveness] = nil
	}
	s.spare = capacity(w) - demand(w)
	for k := range s.asks {
		s.asks[k] = answerDemand(w, model.ProbeKind(k))
	}
	s.contended = contends(w, s.base)
	if s.starts == nil {
		if err := s.learnStarts(effort, stop); err != nil {
			return nil, err
		}
	}
	return s, s.learnRates(ctx, effort, stop)
}

// learnRates learns how often probes of any setting would come to a false verdict.
func (s *search) learnRates(ctx context.Context, effort observed, stop *atomic.Bool) error {
	w := s.w
	quiet, loud := split(w, s.contended)
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		if s.base[k] == nil {
			continue
		}
		withBase := quiet.WithContainer(quiet.Container().WithProbe(k, s.base[k]))
		s.closed[k] = estimate.NewClosedForm(withBase, k)
		if !s.contended {
			continue
		}
		if k == model.Liveness && s.chain[model.Readiness] != nil && alike(w, s.base) {
			s.chain[k] = s.chain[model.Readiness]
		} else {
			s.chain[k] = newChained(w, k, s.base[k], s.jobs, stop)
		}
		if s.chain[k] != nil {
			continue
		}
		effort.only = s.useful(k)
		beside := []*setting{nil}
		switch {
		case k == model.Readiness && sheds(w): // liveness has paths of its own
			effort.only = func(int32) bool { return false }
		case k == model.Liveness:
			beside, s.soonest = s.shed()
		}
		if k == model.Liveness && s.loud[model.Readiness] != nil && alike(w, s.base) && beside[0] == nil {
			s.loud[k] = s.loud[model.Readiness]
			continue
		}
		var plan []observation
		plan, s.rest[k] = effort.plan(w, k)
		for _, s.shedding = range beside {
			seen, err := s.observeAlone(loud, k, plan, effort, stop)
			if err = cmp.Or(err, ctx.Err()); err != nil {
				return err
			}
			s.loud[k] = seen
			if len(beside) > 1 && len(s.choose()) > 0 {
				break
			}
		}
	}
	return ctx.Err()
}

// alike reports whether readiness and liveness probes meet the same answers.
func alike(w *model.World, base [model.ProbeKinds]*model.Probe) bool {
	return base[model.Readiness].Handler == base[model.Liveness].Handler &&
		reflect.DeepEqual(w.Application.Probes[model.Readiness], w.Application.Probes[model.Liveness])
}

// hangsPerYear is the rate of the scenario's own hangs of one pod, or one in
// 30 days where it states none.
func hangsPerYear(w *model.World) float64 {
	if rate := statedHangs(w); rate > 0 {
		return rate
	}
	return float64(year) / float64(30*24*time.Hour)
}

// statedHangs is the rate per year of the scenario's own hangs of one pod; 0: it
// states none.
func statedHangs(w *model.World) float64 {
	rate := 0.0
	for i := range w.Faults {
		f := &w.Faults[i]
		if every := f.Every.Mean(); f.Hangs && f.Forever && !f.Exits && !f.Planned && every > 0 {
			rate += float64(year) / float64(every)
		}
	}
	return rate
}

// bases returns the probes that settings are put on: the current ones, and for
// a missing one a copy of another's handler with Kubernetes' defaults. A
// liveness probe is copied from readiness last, since its handler may check
// dependencies that a restart does not help (A3, A15). A pod that runs to
// completion needs no readiness probe: it is in no endpoints.
func bases(w *model.World) [model.ProbeKinds]*model.Probe {
	probes := w.Container().Probes
	sources := [model.ProbeKinds][]model.ProbeKind{
		model.Startup:   {model.Startup, model.Liveness, model.Readiness},
		model.Readiness: {model.Readiness, model.Liveness, model.Startup},
		model.Liveness:  {model.Liveness, model.Startup, model.Readiness},
	}
	var bases [model.ProbeKinds]*model.Probe
	for k := range bases {
		if model.ProbeKind(k) == model.Readiness && w.Pod.RestartPolicy != model.RestartAlways {
			sources[k] = sources[k][:1]
		}
		for _, from := range sources[k] {
			p := probes[from]
			if p == nil {
				continue
			}
			bases[k] = p
			if from != model.ProbeKind(k) {
				bases[k] = &model.Probe{Handler: p.Handler}
				bases[k].SetDefaults()
			}
			break
		}
	}
	return bases
}

// contends reports whether a world has anything that no closed form covers, so
// that the answers of probes put on the bases have to be observed: work that
// competes for the CPU, resources, dependencies, faults that pass, and neighbours
// that keep an answer from its CPU.
func contends(w *model.World, bases [model.ProbeKinds]*model.Probe) bool {
	app := &w.Application
	if app.Traffic != nil || len(app.Background) > 0 || len(app.Resources) > 0 || neighboursDelay(w, bases) {
		return true
	}
	for k := range app.Probes {
		if len(app.Probes[k].DependsOn) > 0 && model.ProbeKind(k) != model.Readiness || app.Probes[k].FailsInFlight > 0 {
			return true
		}
	}
	return slices.ContainsFunc(w.Faults, passes)
}

// passes reports whether a fault ends without a verdict. A verdict on a hung
// process is no false one.
func passes(f model.Fault) bool { return !f.Exits && !(f.Forever && f.Hangs) }

// seldomLate is the probability that one answer is late beside neighbours that are
// always busy, up to which the closed form takes them into its bound. Given that
// they are, answers are late independently of each other, so that two in a row
// are at most its square: once in three years at a period of 1 s.
const seldomLate = 1e-4

// neighboursDelay reports whether neighbours may make an answer late. As long as
// they are busy its failures then come in runs, of which a closed form only knows
// that they may be of any length.
func neighboursDelay(w *model.World, bases [model.ProbeKinds]*model.Probe) bool {
	if w.Node.WaitsVary() {
		return true
	}
	nodes := []model.Node{w.Node}
	for i := range w.Node.Classes {
		nodes = append(nodes, w.Node.Classes[i].Node)
	}
	for i := range nodes {
		if len(nodes[i].Neighbours) == 0 {
			continue
		}
		on := *w
		on.Node = nodes[i]
		for k, base := range bases {
			if base == nil {
				continue
			}
			kind := model.ProbeKind(k)
			on.Application.Probes[k].Failure = 0
			if _, bound := calc.Answers(on.WithContainer(on.Container().WithProbe(kind, base)), kind).Fails(time.Second); bound > seldomLate {
				return true
			}
		}
	}
	return false
}

// split takes a world apart: the quiet one has what the closed form covers, the
// loud one what has to be observed, if there is anything.
func split(w *model.World, contended bool) (quiet, loud *model.World) {
	q, l := *w, *w
	if w.Uncertain() {
		q = *w.Mixed() // predictions are of the average, and the simulation judges
	}
	q.Application.Traffic, q.Application.Background, q.Application.Resources = nil, nil, nil
	l.Application.Pauses = nil
	for k := range q.Application.Probes {
		q.Application.Probes[k].FailsInFlight = 0
		if model.ProbeKind(k) == model.Readiness {
			l.Application.Probes[k].DependsOn = nil
		} else {
			q.Application.Probes[k].DependsOn = nil
		}
		l.Application.Probes[k].Failing, l.Application.Probes[k].Failure = nil, 0
	}
	q.Faults, l.Faults = nil, nil
	for _, f := range w.Faults {
		if passes(f) {
			l.Faults = append(l.Faults, f)
		}
	}
	l.Node.Stalls = nil
	l.Node.Classes = slices.Clone(w.Node.Classes)
	for i := range l.Node.Classes {
		l.Node.Classes[i].Node.Stalls = nil
	}
	if len(w.Pod.Containers) > 1 {
		q.Pod.Containers = []model.Container{*w.Container()}
		q.Studied = 0
	}
	if !contended {
		return &q, &l
	}
	// The observed answers have waited for their CPU, and for the neighbours.
	q.Node = withoutNeighbours(w.Node)
	for k := range q.Application.Probes {
		q.Application.Probes[k].CPU, q.Application.Probes[k].Exec = dist.Duration{}, model.ExecCost{}
		if w.Node.WaitsVary() {
			q.Application.Probes[k].Wait = dist.Duration{}
		}
	}
	return &q, &l
}

// neighboured reports whether a node, or a class of nodes, has neighbours.
func neighboured(n *model.Node) bool {
	return len(n.Neighbours) > 0 || slices.ContainsFunc(n.Classes, func(c model.NodeClass) bool { return len(c.Node.Neighbours) > 0 })
}

func withoutNeighbours(n model.Node) model.Node {
	n.Neighbours, n.Classes = nil, slices.Clone(n.Classes)
	for i := range n.Classes {
		n.Classes[i].Node.Neighbours = nil
	}
	return n
}

// overloads reports whether probes of kind k and a period would take more CPU
// time than their process can have, beside what it computes anyway: nobody wants
// them, and it takes long to see how late they are.
func overloads(w *model.World, k model.ProbeKind, period int32) bool {
	own := answerDemand(w, k) / float64(period)
	return demand(w) < capacity(w) && demand(w)+own >= capacity(w)
}

// overloaded reports whether the probes of a combination together take the CPU time
// that is left beside what their process computes anyway. Each answer is then later
// than the one before, and neither closed forms nor paths on which one probe was
// observed say anything of it.
func (s *search) overloaded(c *combination) bool {
	if s.spare <= 0 {
		return false // so it is without probes
	}
	taken := 0.0
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		if o := c.of(k); o != nil {
			taken += s.asks[k] / float64(o.period)
		}
	}
	return taken >= s.spare
}

// answerDemand is the mean CPU time of an answer, in seconds.
func answerDemand(w *model.World, k model.ProbeKind) float64 {
	a := &w.Application.Probes[k]
	return (a.CPU.Mean() + a.Exec.HelperCPU.Mean()).Seconds()
}

// demand is the CPU time per second that a process takes without its probes.
func demand(w *model.World) float64 {
	app, taken := &w.Application, 0.0
	for i := range app.Background {
		b := &app.Background[i]
		if cycle := b.Every.Mean().Seconds(); cycle > 0 {
			taken += b.CPU.Mean().Seconds() / cycle
		}
	}
	if app.Traffic != nil {
		taken += requestsPerSecond(w) * app.Traffic.CPU.Mean().Seconds()
	}
	return taken
}

// capacity is the CPU time per second that a process can have.
func capacity(w *model.World) float64 {
	has := float64(w.Node.CPUs)
	if limit := w.Container().CPULimitMilli; limit > 0 && !w.Node.NoCFSQuota {
		has = min(has, float64(limit)/1000)
	}
	return has
}

// useful returns whether probes of kind k, or of the other kind if it meets the same
// answers, can have a period at all: with the least patience that is proposed they
// would be too slow otherwise. Such periods are looked at only for what the
// trade-off and the reasons say about them.
func (s *search) useful(k model.ProbeKind) func(period int32) bool {
	kinds := []model.ProbeKind{k}
	if s.base[model.Readiness] != nil && s.base[model.Liveness] != nil && alike(s.w, s.base) {
		kinds = []model.ProbeKind{model.Readiness, model.Liveness}
	}
	return func(period int32) bool {
		return slices.ContainsFunc(kinds, func(k model.ProbeKind) bool {
			quickest := option{setting: setting{period, 1, leastFailures(k)}}
			p := s.w.Container().Probes[k]
			return s.possible(k, &quickest) || p != nil && p.PeriodSeconds == period
		})
	}
}

// observeAlone observes the paths of a world for one probe, without any other,
// which could kill the process that is observed; but where readiness sheds the load,
// with it.
func (s *search) observeAlone(w *model.World, k model.ProbeKind, plan []observation, effort observed, stop *atomic.Bool) (*screen, error) {
	alone := *w.Container()
	alone.Probes = [model.ProbeKinds]*model.Probe{}
	alone.Probes[k] = s.base[k]
	if k == model.Liveness && s.shedding != nil {
		alone.Probes[model.Readiness] = s.shedding.on(s.base[model.Readiness])
		alone.Probes[model.Readiness].InitialDelaySeconds = 0
	}
	return observe(w.WithContainer(alone), k, plan, s.seed, s.jobs, effort, stop)
}

// option evaluates a setting of the probe of kind k.
func (s *search) option(k model.ProbeKind, at setting) option {
	o := option{setting: at}
	switch path := s.loud[k].of(at.period); {
	case s.chain[k] != nil:
		var ok bool
		if o.rate, o.low, o.bound, ok = s.chain[k].rate(at); !ok {
			o.bound = math.Inf(1)
		}
	case s.loud[k] == nil || path != nil:
		o.rate, o.bound = s.closed[k].Rate(at.on(s.base[k]))
		o.low = o.rate // what the estimate leaves out only adds to it
		if path != nil {
			rate, low, bound, extended := path.rate(at, s.confidence, k == model.Liveness && !path.clears)
			o.rate, o.low, o.bound, o.extended = o.rate+rate, o.low+low, o.bound+bound, extended
			if k == model.Readiness {
				o.lasting = rate * path.lasting(at, s.confidence) * float64(at.period)
			}
		}
	default: // no path was observed for this period
		o.rate, _ = s.closed[k].Rate(at.on(s.base[k]))
		o.low, o.bound = o.rate, math.Inf(1)
	}
	if shorter := s.loud[k].shorter(at.period); shorter > 0 && s.chain[k] == nil && (o.extended || math.IsInf(o.bound, 1)) {
		s.boundBy(k, &o, setting{shorter, min(at.timeout, shorter), at.failures})
	}
	if k == model.Liveness && o.extended {
		atLeast, likely := s.taught(&o)
		o.low, o.rate, o.bound = max(o.low, atLeast), max(o.rate, likely), max(o.bound, likely)
	}
	o.cost = s.cost(k, &o)
	return o
}

// boundBy bounds a setting whose period was not observed by itself, and which was seen
// to fail too seldom or not at all, by one of a shorter period: what fails as many
// attempts further apart lasts longer, and attempts that fail each for itself are fewer
// (S1, S3). All of that is of averages over the phases of the answers against what comes
// at fixed intervals, so that what was seen goes before it.
func (s *search) boundBy(k model.ProbeKind, o *option, at setting) {
	shorter := s.option(k, at)
	if shorter.bound < o.low {
		return
	}
	if math.IsInf(o.bound, 1) { // not observed at all
		o.rate, o.extended, o.lasting = max(o.low, shorter.rate), shorter.extended, shorter.lasting
	}
	o.bound = min(o.bound, shorter.bound)
	o.rate = min(o.rate, o.bound)
}

// cost weighs what a probe costs a pod in a year: the time in which a hung
// process is not yet noticed, and what false verdicts lose (S20).
func (s *search) cost(k model.ProbeKind, o *option) float64 {
	period := float64(o.period)
	verdicts := o.rate * year.Seconds()
	noticed := o.tolerated().Seconds() + period/2
	if k == model.Readiness {
		// Out of the endpoints while further answers are late, and until as many are
		// not as the success threshold asks for.
		back := period*float64(s.base[k].SuccessThreshold) + s.propagation(0.5)
		return s.hangs*noticed + verdicts*back + o.lasting*year.Seconds()
	}
	return s.hangs*noticed + verdicts*s.restart(0.5)
}

// restart is the quantile p of the time a kill takes away: shutdown and start.
func (s *search) restart(p float64) float64 {
	shutdown := s.w.Application.Shutdown.Wait.Quantile(p)
	if s.w.Application.Shutdown.IgnoresTerm {
		shutdown = time.Duration(s.w.Pod.TerminationGracePeriodSeconds) * time.Second
	}
	return (shutdown + s.startQuantile(p) + 500*time.Millisecond).Seconds()
}

// propagation is the quantile p of the delay from a change of readiness to the
// last proxy, in seconds: the stated one, or what was measured for the mechanism
// on a small quiet cluster (K71, K72).
func (s *search) propagation(p float64) float64 {
	if stated := s.w.Cluster.Propagation; stated != nil {
		return stated.Quantile(p).Seconds()
	}
	isolated := 0.05
	if p > 0.9 {
		isolated = 0.1
	}
	return isolated + calc.WaitForOthers(&s.w.Cluster).Quantile(p).Seconds()
}

// delayAt is the same from a table, for where it is asked for often.
func (s *search) delayAt(p float64) float64 {
	const points = 4096
	if s.delays == nil {
		for i := range points {
			s.delays = append(s.delays, s.propagation((float64(i)+0.5)/points))
		}
	}
	return s.delays[min(points-1, int(p*points))]
}

// detection is the quantile p of the time from a hang to the verdict (S4).
func (o *option) detection(p float64) float64 {
	return o.tolerated().Seconds() + p*float64(o.period)
}

// removal is the quantile p of the time from a hang to the last proxy: the
// verdict at a uniform phase plus the propagation.
func (s *search) removal(o *option, p float64) float64 {
	phases := s.spread[o.period]
	if phases == nil {
		const points = 256
		phases = make([]float64, 0, points*points)
		for i := range points {
			phase := (float64(i) + 0.5) / points * float64(o.period)
			for j := range points {
				phases = append(phases, phase+s.delayAt((float64(j)+0.5)/points))
			}
		}
		slices.Sort(phases)
		s.spread[o.period] = phases
	}
	return o.tolerated().Seconds() + phases[min(len(phases)-1, int(p*float64(len(phases))))]
}

// startQuantile is the quantile p of the time a start takes.
func (s *search) startQuantile(p float64) time.Duration {
	if len(s.starts) == 0 {
		return 0
	}
	return s.starts[min(len(s.starts)-1, int(p*float64(len(s.starts))))]
}

// exceeds is the probability that a start takes longer than d, upper bound, or at
// the favourable end lower; at a glance, which could not bound a rare one, the share
// that did.
func (s *search) exceeds(d time.Duration) float64 {
	at, _ := slices.BinarySearchFunc(s.starts, d, func(x, d time.Duration) int { return cmp.Compare(x, d+1) })
	if s.glance {
		return float64(len(s.starts)-at) / float64(len(s.starts))
	}
	low, high := stats.Wilson(float64(len(s.starts)-at), float64(len(s.starts)), s.confidence)
	if s.slowed != nil {
		low, high = s.slowed.beyond(d)
	}
	if s.favourable || s.fewest {
		return low
	}
	if s.slowed == nil && at == len(s.starts) && len(s.starts) > 0 && s.starts[0] == s.starts[len(s.starts)-1] {
		return 0 // the start always takes the same time
	}
	if s.tail != nil {
		high = min(high, s.tail.Beyond(d))
	}
	return high
}

// lag is the quantile p of the time from able to serve to in the endpoints, for
// a startup probe of one period (0: none) and a readiness probe of another. It
// plays the rules out: the trigger at the start or after the startup probe's
// success and its waste (K9, K12, K14), the second one (K13), then the grid. Where the
// grid is not that of now, starts vary.
func (s *search) lag(startup *model.Probe, readiness *model.Probe, p float64) float64 {
	var key [2]int32
	if startup != nil {
		key[0] = startup.PeriodSeconds
	}
	key[1] = readiness.PeriodSeconds
	if s.gridOfNow(startup, readiness) {
		key[0] = -1 - key[0]
	}
	lags := s.lags[key]
	if lags == nil {
		lags = s.playLags(startup, readiness)
		s.lags[key] = lags
	}
	return lags[min(len(lags)-1, int(p*float64(len(lags))))].Seconds()
}

func (s *search) playLags(startup, readiness *model.Probe) []time.Duration {
	const lives, wasted = 4000, 0.09
	r := rand.New(rand.NewPCG(s.seed, 0x1a9))
	period := readiness.Period()
	lags := make([]time.Duration, 0, lives)
	now := s.gridOfNow(startup, readiness)
	for i := range lives {
		able := s.starts[i*len(s.starts)/lives] // they are in order
		if able >= dist.Longest {
			continue
		}
		if !now {
			able = time.Duration(float64(able) * varied(r.Float64()))
		}
		var ready time.Duration
		trigger := r.Float64() >= wasted
		switch {
		case startup != nil:
			// The grid began at the pod's first sync, some 0.22 s before (K67).
			first := startup.Period() - 220*time.Millisecond
			if len(s.w.Application.BeforeStart) > 0 {
				first = time.Duration(r.Int64N(int64(startup.Period())))
			}
			// Its success is published before the trigger, so that none is wasted (K30).
			ready = onGrid(first, startup.Period(), max(able, startup.InitialDelay()))
			if gate := readiness.InitialDelay(); ready < gate {
				ready = onGrid(period-220*time.Millisecond, period, gate)
			}
		default:
			gate := max(able, readiness.InitialDelay())
			second := time.Duration(r.Int64N(int64(time.Second)))
			switch {
			case trigger && gate == 0:
			case trigger && gate <= second:
				ready = second
			default:
				ready = onGrid(0, period, gate)
				if trigger {
					ready = onGrid(second, period, gate)
				}
				ready = max(ready, min(period, gate+period))
			}
		}
		ready = max(ready+time.Duration(readiness.SuccessThreshold-1)*period, calc.AfterListing(&s.w.Cluster))
		lags = append(lags, max(0, ready-able)+time.Duration(s.delayAt(r.Float64())*1e9))
	}
	if len(lags) == 0 {
		return []time.Duration{dist.Longest}
	}
	slices.Sort(lags)
	return lags
}

// onGrid returns the first instant first + n·period, n >= 0, at or after d.
func onGrid(first, period, d time.Duration) time.Duration {
	if d <= first {
		return first
	}
	return first + (d-first+period-1)/period*period
}
