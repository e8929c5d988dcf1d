package recommend

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// livesOf are lives of which world, and what they are to show.
type livesOf struct {
	worsening
	measure string
}

// worseLives are lives of settings in a worse world, each with one start or one test
// hang, on the same random numbers in every one of these worlds (S14). They are as
// many as it takes to tell how an objective stands, up to a number that follows from
// what they cost.
type worseLives struct {
	*crew
	life    func(i int) sim.Life
	sample  func(o *sim.Outcome) (took time.Duration, ok bool)
	samples []time.Duration // dist.Longest: beyond what was looked at
	lives   int
	cost    float64
}

const (
	// The lives that are looked at first, and at most where they cost much and little.
	// The former are as many as the interval of a 99th percentile needs.
	firstWorseLives                  = 32
	fewestWorseLives, mostWorseLives = 400, 3200
	// worseLivesEvents is what the lives of one worse world may cost, about, beyond the
	// fewest.
	worseLivesEvents = 5000
	// Streams of their own.
	worseStartStream, worseHangStream = 0x3057a27, 0x30a46
)

// played says how the objective stands in lives of a worse world.
func (b *bisection) played(by worsening) (standing, error) {
	of := livesOf{by, b.objective.Measure}
	l := b.lives[of]
	if l == nil {
		var err error
		if l, err = b.newLives(by); err != nil {
			return undecided, err
		}
		b.lives[of] = l
	}
	for {
		stands := l.stands(b.objective, b.s.confidence)
		if stands != undecided || l.over(b.objective) || b.stop.Load() {
			return stands, nil
		}
		l.extend()
	}
}

// over reports whether no more lives are worth their cost: so many are lived, or there
// will be none beyond the fewest, and of those some are beyond the bound already, so
// that they cannot show an objective to hold of one in a hundred.
func (l *worseLives) over(o *model.Objective) bool {
	switch {
	case l.lives < fewestWorseLives/4:
		return false
	case l.lives < fewestWorseLives:
		return l.cost*fewestWorseLives > worseLivesEvents*float64(l.lives) && l.wrong(o) > 0 && quantile(o.Statistic) == .99
	}
	return l.cost >= worseLivesEvents || l.lives >= mostWorseLives
}

// wrong counts the samples on the wrong side of an objective's bound.
func (l *worseLives) wrong(o *model.Objective) int {
	count := 0
	for _, took := range l.samples {
		if !meets(o, took.Seconds()) {
			count++
		}
	}
	return count
}

// newLives returns the lives that show the objective's measure; none are lived yet.
func (b *bisection) newLives(by worsening) (*worseLives, error) {
	w := worsened(b.s.w, by)
	settings := b.s.world(b.c).Container()
	if b.objective.Measure == "readyLagSeconds" {
		w = w.WithContainer(patient(settings))
	} else {
		w = w.WithContainer(*settings)
	}
	l := &worseLives{}
	var err error
	if l.crew, err = newCrew(shortened(w), b.s.jobs, b.stop); err != nil {
		return nil, err
	}
	if b.objective.Measure == "readyLagSeconds" {
		l.sample = ofStart
		l.life = b.startLife(estimate.StartSpan(w) + b.patience())
		return l, nil
	}
	l.sample = func(o *sim.Outcome) (time.Duration, bool) { return ofHang(o, b.objective.Measure) }
	l.life = b.hangLife(w)
	return l, nil
}

// patience is the time after which whatever is asked of the measure has been seen: twice
// the greatest bound.
func (b *bisection) patience() time.Duration {
	longest := 0.0
	for i := range b.s.objectives {
		if o := &b.s.objectives[i]; o.Measure == b.objective.Measure {
			longest = math.Max(longest, o.Bound*1e9)
		}
	}
	return 2 * time.Duration(math.Min(longest, float64(estimate.LongestStart)))
}

// startLife returns the lives with one start, up to a horizon.
func (b *bisection) startLife(horizon time.Duration) func(i int) sim.Life {
	return func(i int) sim.Life {
		return sim.Life{Seed: b.s.seed ^ worseStartStream, Replication: uint64(i), Draw: model.DrawOf(uint64(i)), Horizon: horizon, FirstStart: true}
	}
}

// hangLife returns the lives with a test hang in a world, at a uniform phase of every
// probe.
func (b *bisection) hangLife(w *model.World) func(i int) sim.Life {
	const periods, longest = 5, 48 * time.Hour // nobody waits for a look that is further off
	span, start, patience := time.Minute, estimate.StartSpan(w), b.patience()
	for _, p := range w.Container().Probes {
		if p != nil {
			span = max(span, min(p.Period(), longest))
		}
	}
	seed := b.s.seed ^ worseHangStream
	return func(i int) sim.Life {
		hang := start + time.Duration(rand.New(rand.NewPCG(seed, uint64(i))).Int64N(int64(periods*span)))
		return sim.Life{Seed: seed, Replication: uint64(i), Draw: model.DrawOf(uint64(i)), Hang: hang, Horizon: hang + start + patience}
	}
}

// patient returns a container whose probes kill no process that starts: how many are
// killed counts elsewhere, and the others' ready lag does not depend on it.
func patient(c *model.Container) model.Container {
	with := *c
	for _, k := range []model.ProbeKind{model.Startup, model.Liveness} {
		if p := c.Probes[k]; p != nil {
			never := *p
			never.FailureThreshold = loadedThreshold
			with.Probes[k] = &never
		}
	}
	return with
}

// ofStart returns the ready lag of a life with one start, unless that did not end.
func ofStart(o *sim.Outcome) (time.Duration, bool) {
	if len(o.ReadyLags) > 0 {
		return o.ReadyLags[0], true
	}
	return dist.Longest, o.StartupsCompleted > 0
}

// ofHang returns what a measure is in a life with one test hang.
func ofHang(o *sim.Outcome, measure string) (time.Duration, bool) {
	list := map[string][]time.Duration{"recoverySeconds": o.Recoveries, "removalSeconds": o.Removals, "deadTrafficSecondsPerFault": o.FaultDead}[measure]
	if len(list) > 0 {
		return list[0], true
	}
	return dist.Longest, o.Faults > 0
}

// extend lives as many lives again, or the first.
func (l *worseLives) extend() {
	type result struct {
		took time.Duration
		ok   bool
	}
	to := max(firstWorseLives, 2*l.lives)
	if l.lives < fewestWorseLives {
		to = min(to, fewestWorseLives)
	}
	results := make([]result, to-l.lives)
	l.cost += l.live(len(results), func(i int) sim.Life { return l.life(l.lives + i) }, func(i int, o *sim.Outcome) {
		results[i].took, results[i].ok = l.sample(o)
	})
	for _, r := range results {
		if r.ok {
			l.samples = append(l.samples, r.took)
		}
	}
	l.lives = to
}

// stands says what the lives so far tell of an objective: of a quantile by how many of
// them are on its wrong side (S9), and of a mean by its normal interval.
func (l *worseLives) stands(o *model.Objective, confidence float64) standing {
	if len(l.samples) < firstWorseLives {
		return undecided
	}
	if o.Statistic == "" || o.Statistic == "mean" {
		return l.meanStands(o)
	}
	allowed := 1 - quantile(o.Statistic)
	if o.AtLeast {
		allowed = 1 - allowed
	}
	wrong := l.wrong(o)
	if _, high := stats.Wilson(float64(wrong), float64(len(l.samples)), confidence); high <= allowed {
		return met
	}
	if l.lives < fewestWorseLives {
		confidence = 1 - (1-confidence)/atFirst // the same few lives are in every world
	}
	if low, _ := stats.Wilson(float64(wrong), float64(len(l.samples)), confidence); low > allowed {
		return missed
	}
	return undecided
}

// atFirst is how many times as sure a first look has to be.
const atFirst = 50

// meanStands is stands for a mean. What was not seen to end counts as four times the
// bound.
func (l *worseLives) meanStands(o *model.Objective) standing {
	const deviations = 1.96
	n, sum, squares := float64(len(l.samples)), 0.0, 0.0
	for _, took := range l.samples {
		x := math.Min(took.Seconds(), 4*o.Bound)
		sum, squares = sum+x, squares+x*x
	}
	mean := sum / n
	half := deviations * math.Sqrt(math.Max(0, squares/n-mean*mean)/(n-1))
	switch low, high := meets(o, mean-half), meets(o, mean+half); {
	case low && high:
		return met
	case !low && !high:
		return missed
	}
	return undecided
}

// costlyStart is the cost of a start, in events, from which less of it computes.
const costlyStart = 200

// shortened returns a world whose starts take as long, but cost less to simulate: of
// the CPU time that a limit stretches over many periods only the last part is used as
// such, and the process waits through the wall time of the rest. What is asked of it
// once it is up meets the same throttling.
func shortened(w *model.World) *model.World {
	cost, limit := startCost(w), w.Container().CPULimitMilli
	if cost <= costlyStart {
		return w
	}
	if w.Node.NoCFSQuota {
		limit = 0
	}
	shorter := *w
	shorter.Application.Startup = nil
	for _, stage := range w.Application.Startup {
		if !stage.CPU.IsZero() {
			wait := stage
			wait.CPU, wait.Wait = dist.Duration{}, stage.CPU.Times((1-costlyStart/cost)/estimate.StartCPUs(w, &stage, limit))
			stage.CPU = stage.CPU.Times(costlyStart / cost)
			shorter.Application.Startup = append(shorter.Application.Startup, wait)
		}
		shorter.Application.Startup = append(shorter.Application.Startup, stage)
	}
	return &shorter
}
