package recommend

import (
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// combinationIn is a combination evaluated in a worse world; nil search: the CPU
// has no time left there, and no objective holds.
type combinationIn struct {
	*search
	combination
	observes bool // the path of the environment has to be observed anew
	observed bool
}

// fixed reports whether the objective depends on the probes' numbers alone: a process
// that hangs answers nothing, however slow it would be (S4).
func (b *bisection) fixed() bool {
	switch b.objective.Measure {
	case "detectionSeconds", estimate.Tolerance:
		return true
	case "removalSeconds", "deadTrafficSecondsPerFault":
		return b.removes()
	}
	return false
}

// removes reports whether the readiness probe takes a hung process out of the
// endpoints; else its restart does.
func (b *bisection) removes() bool { return b.c.readiness != nil && b.s.notices(model.Readiness) }

// simulates reports whether the objective in a worse world is judged by lives of that
// world: how stalls and a lack of CPU delay what follows a start or a hang, no
// prediction knows.
func (b *bisection) simulates() bool {
	switch b.objective.Measure {
	case "readyLagSeconds", "recoverySeconds":
	case "removalSeconds", "deadTrafficSecondsPerFault":
		if b.removes() {
			return false
		}
	default:
		return false
	}
	return b.s.touches(1) || b.s.touches(2)
}

// touched returns a worsening without what there is nothing of in the world.
func (s *search) touched(by worsening) worsening {
	for kind, part := range map[int]*float64{1: &by.stalls, 2: &by.cpu, 3: &by.startup} {
		if !s.touches(kind) {
			*part = 1
		}
	}
	return by
}

// stands says how the objective stands in a worse world.
func (b *bisection) stands(by worsening) (standing, error) {
	if by == (worsening{1, 1, 1}) {
		return met, nil // there is nothing of the kind
	}
	in := b.known[by]
	if in == nil {
		var err error
		if in, err = b.evaluated(by); err != nil {
			return undecided, err
		}
		b.known[by] = in
	}
	switch {
	case in.search == nil:
		return missed, nil
	case b.simulates():
		return b.simulated(in, by)
	}
	return b.judged(in)
}

// simulated says how the objective stands in lives of a worse world. How long starts
// are makes no difference to what a process meets once it is up, but for when the probes
// look, which the prediction knows.
func (b *bisection) simulated(in *combinationIn, by worsening) (standing, error) {
	if b.objective.Measure != "readyLagSeconds" {
		return b.played(by)
	}
	if stands, err := b.judged(in); stands == missed || err != nil {
		return stands, err
	}
	if by.startup = 1; by == (worsening{1, 1, 1}) {
		return met, nil
	}
	return b.played(by)
}

// ends are what is predicted of an objective at the favourable and the unfavourable
// end.
type ends struct{ favourable, unfavourable float64 }

// judged says how the objective is predicted to stand. It holds now, so that what is
// predicted of now with the same effort to be beyond its bound is at it (the full
// simulation knows better), and the rest in proportion.
func (b *bisection) judged(in *combinationIn) (standing, error) {
	now, err := b.now(in.observes)
	if err != nil {
		return undecided, err
	}
	then, err := b.predicted(in)
	if err != nil {
		return undecided, err
	}
	o := b.objective
	holds := func(now, then float64) bool {
		return meets(o, then) || !meets(o, now) && meets(o, then*o.Bound/now)
	}
	switch {
	case holds(now.unfavourable, then.unfavourable):
		return met, nil
	case !holds(now.favourable, then.favourable):
		return missed, nil
	}
	return undecided, nil
}

// now returns what is predicted of things as they are, with paths observed as in
// worse worlds or as the search has them.
func (b *bisection) now(observes bool) (ends, error) {
	in := b.known[worsening{}]
	switch {
	case !observes || !ofKills(b.objective.Measure):
		in = &combinationIn{search: b.s, combination: *b.c}
	case in == nil:
		anew := *b.s
		anew.loud = [model.ProbeKinds]*screen{}
		in = &combinationIn{search: &anew, combination: *b.c, observes: true}
		b.known[worsening{}] = in
	}
	return b.predicted(in)
}

// predicted returns what is predicted in a world. The favourable end is that of how
// many starts are lost, and the estimate of how often a serving process is killed: a
// rate that is extended has no lower end. Of first starts it is what the full simulation
// measures; the search itself goes by what is left to any start.
func (b *bisection) predicted(in *combinationIn) (ends, error) {
	if ofKills(b.objective.Measure) {
		if err := in.observe(b.stop); err != nil {
			return ends{}, err
		}
	}
	most := in.again(&in.combination)
	fewer := *in.search
	fewer.fewest = true
	least := fewer.again(&in.combination)
	if l := least.liveness; l != nil {
		l.bound = l.rate
	}
	var e ends
	if b.objective.Measure == "startupKillProbability" {
		return ends{fewer.firstStartKills(&least), in.firstStartKills(&most)}, nil
	}
	e.favourable, _ = fewer.predict(b.objective, &least)
	e.unfavourable, _ = in.predict(b.objective, &most)
	return e, nil
}

// evaluated evaluates a combination in a worse world by the closed forms alone.
func (b *bisection) evaluated(by worsening) (in *combinationIn, err error) {
	s, c := b.s.worsened(by), b.c
	if s.contended {
		taken := demand(s.w)
		for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
			if o := c.of(k); o != nil {
				taken += answerDemand(s.w, k) / float64(o.period)
			}
		}
		if taken >= capacity(s.w) {
			return &combinationIn{}, nil
		}
	}
	observes := b.s.loud[model.Liveness] != nil && c.liveness != nil && (by.stalls > 1 || by.cpu > 1)
	if observes {
		s.loud = [model.ProbeKinds]*screen{}
	}
	if s.slowed, err = b.slowed(s.w, by); err != nil {
		return nil, err
	}
	return &combinationIn{search: s, combination: *c, observes: observes}, nil
}

// observe takes in what only the path of the environment shows, that of the
// liveness probe's period, if that has not been done. No objective depends on the
// false verdicts of readiness.
func (in *combinationIn) observe(stop *atomic.Bool) error {
	if !in.observes || in.observed {
		return nil
	}
	_, paths := split(in.w, true)
	seen, err := in.observeAlone(paths, model.Liveness, []observation{itself(in.liveness.period)}, observed{attempts: attemptsObserved, fewest: fewestObserved / 4, events: eventsWorse}, stop)
	if err != nil {
		return err
	}
	in.loud[model.Liveness], in.observed = seen, true
	return nil
}

// eventsWorse is what the path of one period in a worse world may cost.
const eventsWorse = eventsObserved / 8

// worsened returns the search in a world in which things take so many times as
// long.
func (s *search) worsened(by worsening) *search {
	worse := *s
	worse.w = worsened(s.w, by)
	worse.starts = make([]time.Duration, len(s.starts))
	for i, d := range s.starts {
		worse.starts[i] = dist.Longest
		if longer := float64(d) * by.startup; longer < float64(dist.Longest) {
			worse.starts[i] = time.Duration(longer)
		}
	}
	if s.tail != nil {
		worse.tail = worse.tailIn(worse.w)
	}
	for k, c := range s.chain {
		if c != nil {
			worse.chain[k] = chainedIn(worse.w, model.ProbeKind(k), s.base[k])
		}
	}
	worse.lags = map[[2]int32][]time.Duration{}
	quiet, _ := split(worse.w, s.contended)
	for k := range worse.closed {
		if s.closed[k] != nil {
			kind := model.ProbeKind(k)
			worse.closed[k] = estimate.NewClosedForm(quiet.WithContainer(quiet.Container().WithProbe(kind, s.base[k])), kind)
		}
	}
	return &worse
}

// again evaluates the settings of a combination anew.
func (s *search) again(c *combination) combination {
	fresh := combination{start: c.start}
	if c.start.probe != nil {
		fresh.start.kills = s.exceeds(guaranteed(c.start.probe))
	}
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		if o := c.of(k); o != nil {
			option := s.option(k, o.setting)
			fresh = fresh.with(k, &option)
		}
	}
	return fresh
}
