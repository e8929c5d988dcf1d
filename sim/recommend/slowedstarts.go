package recommend

import (
	"cmp"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// slowedStarts shows how many starts take longer than some time in a world in which
// more is worse than their own stages: stalls that they fall into, or work that takes
// their CPU. As rare a start as objectives are about is found in few simulated ones by
// common random numbers (S14): those that took longest as things are, are the ones that
// a little more makes too long. So of all simulated starts, by their length, the
// longest are simulated in the worse world each, of those before them one in two, then
// one in four, and so on; each stands for that many:
//
//	starts, longest first  ||||||||| | | | | |   |   |   |   |       |       |
//	stands for                  1       2             4                  8
//
// That is a stratified sample. It ends where some strata in a row have none that takes
// too long, as then shorter ones have none either.
type slowedStarts struct {
	*crew
	before time.Duration // the longest that comes before a start
	order  []int32       // the replications of the starts as things are, shortest first
	each   int           // simulated of each stratum; 0: not known yet
	// enough is a share of the starts that no objective allows: how many more there
	// are is not looked for.
	enough     float64
	confidence float64
	seed       uint64
	known      map[time.Duration][2]float64
}

const (
	// slowedEvents is what the starts of a stratum may cost, about, of which there are
	// at least and at most so many.
	slowedEvents             = 500
	fewestSlowed, mostSlowed = 4, 48
	// emptyStrata in a row end the sample.
	emptyStrata = 3
	// loadedThreshold is that of a probe which asks while a process starts and kills none.
	loadedThreshold = 1 << 20
)

// slowed returns what shows how long starts take in a worse world; nil: nothing that
// delays them is worse.
func (b *bisection) slowed(w *model.World, by worsening) (*slowedStarts, error) {
	stopped := by.stalls > 1 && standsStill(w)
	if len(w.Application.Startup) == 0 || !stopped && !(by.cpu > 1 && sharesStart(w)) {
		return nil, nil
	}
	crew, err := newCrew(w.WithContainer(loaded(b.s.world(b.c).Container())), b.s.jobs, b.stop)
	if err != nil {
		return nil, err
	}
	x := &slowedStarts{
		crew: crew, order: b.s.order, enough: b.allowed(),
		confidence: b.s.confidence, seed: b.s.seed ^ startStream, known: map[time.Duration][2]float64{},
	}
	if x.order == nil {
		x.order = make([]int32, len(b.s.starts))
		for i := range x.order {
			x.order[i] = int32(i)
		}
	}
	at := *w
	at.Application.Startup = nil
	x.before = estimate.StartSpan(&at)
	return x, nil
}

// sharesStart reports whether other work takes CPU time from a start: background work,
// or the commands of exec probes.
func sharesStart(w *model.World) bool {
	computes := slices.ContainsFunc(w.Application.Startup, func(s model.Stage) bool { return !s.CPU.IsZero() })
	asks := slices.ContainsFunc(w.Container().Probes[:], func(p *model.Probe) bool { return p != nil && p.Handler.Kind == model.Exec })
	return computes && (len(w.Application.Background) > 0 || asks)
}

// loaded returns a container without all probes but those whose commands compute
// while it starts, which never kill it.
func loaded(c *model.Container) model.Container {
	with := *c
	for k, p := range c.Probes {
		with.Probes[k] = nil
		if p != nil && p.Handler.Kind == model.Exec {
			patient := *p
			patient.FailureThreshold = loadedThreshold
			with.Probes[k] = &patient
		}
	}
	return with
}

// allowed returns a share of lost starts that is beyond what any objective allows.
func (b *bisection) allowed() float64 {
	most := 0.0
	for i := range b.s.objectives {
		o := &b.s.objectives[i]
		switch {
		case o.Measure == "startupKillProbability":
			most = max(most, o.Bound)
		case ofKills(o.Measure):
			only := []model.Objective{*o}
			most = max(most, estimate.LostStartsAllowed(only, b.s.podLife))
		}
	}
	if most > 0 && b.c.start.probe != nil {
		most = max(most, b.c.start.kills) // where the simulation knows better
	}
	return 2 * most
}

// beyond returns the ends of the interval of the share of starts that take longer
// than d.
func (x *slowedStarts) beyond(d time.Duration) (low, high float64) {
	if x.enough == 0 {
		return 0, 1 // nobody asks
	}
	if ends, known := x.known[d]; known {
		return ends[0], ends[1]
	}
	defer func() { x.known[d] = [2]float64{low, high} }()
	if x.each == 0 {
		_, cost := x.longer(x.order[max(0, len(x.order)-fewestSlowed):], d)
		x.each = min(mostSlowed, max(fewestSlowed, int(slowedEvents*fewestSlowed/cost)))
	}
	n := len(x.order)
	sum, squares, weight := 0.0, 0.0, 1.0
	for from, size, empty := 0, x.each, 0; from < n && empty < emptyStrata && !x.stop.Load(); from, size = from+size, from+size {
		size = min(size, n-from)
		picked := make([]int32, min(x.each, size))
		for j := range picked {
			picked[j] = x.order[n-1-from-j*size/len(picked)]
		}
		found, _ := x.longer(picked, d)
		each := float64(size) / float64(len(picked))
		sum, squares = sum+each*found, squares+each*each*found
		if empty++; found > 0 {
			empty, weight = 0, squares/sum // those that stand for as many give as much evidence
		}
		if low, high = stats.Wilson(sum/weight, float64(n)/weight, x.confidence); low > x.enough {
			return low, 1
		}
	}
	return low, high
}

// firstStartKills bounds the probability that the first start of a pod is killed, as the
// full simulation measures it: the grid begins a moment before the container starts, so
// that the first look comes almost a period after it (K2, K67); where something comes
// before the start, at any phase of the grid (S5). A look that gets no answer fails a
// timeout later, and what is up by then is not killed as starting. It is the lower bound at
// the favourable end.
func (s *search) firstStartKills(c *combination) float64 {
	guard := c.start.probe
	switch {
	case guard != nil:
	case c.liveness != nil:
		guard = s.livenessProbe(c)
	default:
		return 0
	}
	favourable := s.favourable || s.fewest
	silent := time.Duration(0)
	if s.silent(guard, favourable) {
		silent = guard.Timeout()
	}
	within := func(d time.Duration) float64 { return 1 - s.exceeds(d+silent) }
	return calc.SettingsOf(guard).StartupKills(within, guard.Handler.Kind == model.GRPC, s.anchors(guard.Period(), favourable))
}

// silent reports whether looks at a process that starts run into their timeout: at the
// favourable end those just before it is up, else all.
func (s *search) silent(guard *model.Probe, favourable bool) bool {
	timesOut := func(stage model.Stage) bool {
		return stage.Answers == model.AnswersTimeout || stage.Answers == model.AnswersDropped ||
			guard.Handler.Kind == model.GRPC && stage.Answers == model.AnswersRefused // it connects again (K20)
	}
	stages := s.w.Application.Startup
	if favourable {
		return len(stages) > 0 && timesOut(stages[len(stages)-1])
	}
	return guard.Handler.Kind != model.GRPC && !slices.ContainsFunc(stages, func(stage model.Stage) bool { return !timesOut(stage) })
}

// anchors returns how long before a pod's first start the grid of its probes begins, of
// what may be: at the favourable end so late that looks come as late as they can. Of a
// uniform phase they are the ends of strata.
func (s *search) anchors(period time.Duration, favourable bool) []float64 {
	if len(s.w.Application.BeforeStart) == 0 {
		first := kubelet.MeasuredDurations().FirstStart
		if favourable {
			return []float64{float64(first.Quantile(.01))}
		}
		return []float64{float64(first.Quantile(.99))}
	}
	const strata = 4
	anchors := make([]float64, strata)
	for i := range anchors {
		end := i
		if !favourable {
			end++
		}
		anchors[i] = float64(period) * float64(end) / strata
		if end == strata {
			anchors[i]-- // the look is then at the start, not a period after it
		}
	}
	return anchors
}

// longer counts the starts of some replications that take longer than d, and what it
// cost to see that.
func (x *slowedStarts) longer(replications []int32, d time.Duration) (count, cost float64) {
	took := make([]bool, len(replications))
	cost = x.live(len(took), func(i int) sim.Life {
		r := uint64(replications[i])
		return sim.Life{Seed: x.seed, Replication: r, Draw: model.DrawOf(r), Horizon: min(d, estimate.LongestStart) + x.before, FirstStart: true}
	}, func(i int, o *sim.Outcome) {
		took[i] = len(o.StartupTimes) == 0 || o.StartupTimes[0] > d
	})
	for _, longer := range took {
		if longer {
			count++
		}
	}
	return count, cost
}

// inOrder returns durations, ascending, and where each was.
func inOrder(durations []time.Duration) (sorted []time.Duration, order []int32) {
	order = make([]int32, len(durations))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(durations[a], durations[b]), cmp.Compare(a, b)) })
	sorted = make([]time.Duration, len(durations))
	for i, from := range order {
		sorted[i] = durations[from]
	}
	return sorted, order
}
