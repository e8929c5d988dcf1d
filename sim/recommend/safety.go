package recommend

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// Safety says how many times as long things may become before an objective is
// predicted to break (S21): all of them together, and each alone. 0: it is not met
// as things are. Null: it is predicted to hold up to 64 times, or to 16 where
// that is observed along simulated paths; of one alone, also that there is no such
// thing in the world, or that it is not predicted.
type Safety struct {
	Objective string `json:"objective"`
	// Now is "met", "missed" or "undecided", by the full simulation where there is one.
	Now       string   `json:"now"`
	All       *float64 `json:"all"`
	Stalls    *float64 `json:"stalls"`    // pauses, stalls, failing stretches, outages, and the neighbours' busy times
	CPUDemand *float64 `json:"cpuDemand"` // of answers, background work and requests
	Startup   *float64 `json:"startup"`
	// NotPredicted are those of "stalls" and "cpuDemand" that are in the world, but
	// that the prediction of this objective does not know: how they delay a start, and
	// the answers of a process that has just come up. Their factors and that of all are
	// then only what breaks it at the latest.
	NotPredicted []string `json:"notPredicted"`
}

const (
	// The factors that are looked for. What is observed is simulated anew for
	// each, so that there are fewer.
	mostWorse, mostWorseObserved = 64.0, 16.0
	// Bisection ends at this ratio.
	safetyRatio, safetyRatioObserved = 1.02, 1.25
)

// worsening is how many times as long each kind of thing becomes.
type worsening struct{ stalls, cpu, startup float64 }

// worsenings are the ways to worsen: all at once, and each alone.
var worsenings = [...]func(by float64) worsening{
	func(by float64) worsening { return worsening{by, by, by} },
	func(by float64) worsening { return worsening{by, 1, 1} },
	func(by float64) worsening { return worsening{1, by, 1} },
	func(by float64) worsening { return worsening{1, 1, by} },
}

// safety returns the safety of a combination in each objective. What was
// simulated in full, if anything, takes precedence over predictions: an objective
// that was met is not missed as things are. Nil: it was told to stop.
func (s *search) safety(c *combination, v *Proposal, stop *atomic.Bool) ([]Safety, error) {
	loud := s.loud[model.Readiness] != nil || s.loud[model.Liveness] != nil
	b := bisection{s: s, c: c, stop: stop, known: map[worsening]*combinationIn{}, most: mostWorse, ratio: safetyRatio}
	if loud {
		b.most, b.ratio = mostWorseObserved, safetyRatioObserved
	}
	all := []Safety{}
	for i := range s.objectives {
		o := &s.objectives[i]
		value, ok := s.predict(o, c)
		if !ok {
			continue // only the full simulation knows it
		}
		b.objective, b.factor = o, 1
		safety := Safety{Objective: estimate.Name(*o), Now: standingNow(o, value, v.Objectives, i), NotPredicted: s.notPredicted(o)}
		if safety.Now == "met" && !meets(o, value) && value > 0 { // the simulation knows better
			b.factor = o.Bound / value
		}
		if safety.Now == "missed" {
			safety.All = new(float64)
			all = append(all, safety)
			continue
		}
		if err := b.fill(&safety); err != nil || stop.Load() {
			return nil, err
		}
		all = append(all, safety)
	}
	return all, nil
}

// standingNow is how an objective stands as things are: by the verdict of the full
// simulation if there is one, else by its prediction.
func standingNow(o *model.Objective, predicted float64, verdicts []estimate.Verdict, i int) string {
	switch {
	case i < len(verdicts) && verdicts[i].Met == nil:
		return "undecided"
	case i < len(verdicts) && *verdicts[i].Met, i >= len(verdicts) && meets(o, predicted):
		return "met"
	}
	return "missed"
}

// notPredicted names what is in the world that the prediction of an objective does
// not know. Starts are those simulated as things are, only stretched, and the time to
// readiness after them is played out for answers that are never late.
func (s *search) notPredicted(o *model.Objective) []string {
	unknown := []string{}
	switch o.Measure {
	case "readyLagSeconds", "startupKillProbability", "recoverySeconds":
	case "removalSeconds", "deadTrafficSecondsPerFault":
		if s.notices(model.Readiness) { // else the restart takes the pod out
			return unknown
		}
	default:
		return unknown
	}
	for kind := 1; kind <= 2; kind++ {
		if s.touches(kind) {
			unknown = append(unknown, kindNames[kind])
		}
	}
	return unknown
}

// fill looks for the factors of all things together and of each alone.
func (b *bisection) fill(safety *Safety) error {
	for kind, into := range []**float64{&safety.All, &safety.Stalls, &safety.CPUDemand, &safety.Startup} {
		known := len(safety.NotPredicted) == 0
		if kind > 0 && (safety.All == nil && known || safety.All != nil && *safety.All == 0 || !b.s.touches(kind)) {
			continue // what holds when all is worse holds when part of it is
		}
		factor, err := b.find(worsenings[kind])
		if err != nil || b.stop.Load() {
			return err
		}
		*into = factor
	}
	return nil
}

// kindNames are those of the worsenings, as NotPredicted has them.
var kindNames = [...]string{"all", "stalls", "cpuDemand", "startup"}

// touches reports whether there is anything of a kind of worsening in the world.
func (s *search) touches(kind int) bool {
	app := &s.w.Application
	switch kind {
	case 1:
		return len(app.Pauses) > 0 || len(s.w.Dependencies) > 0 || len(s.w.Node.Stalls) > 0 || len(s.w.Node.Classes) > 0 || neighboured(&s.w.Node) ||
			app.Probes[model.Liveness].Failing != nil || app.Probes[model.Readiness].Failing != nil
	case 2:
		return demand(s.w) > 0 || !app.Probes[model.Liveness].CPU.IsZero() || !app.Probes[model.Readiness].CPU.IsZero()
	}
	return len(app.Startup) > 0
}

// bisection looks for the factor at which an objective breaks.
type bisection struct {
	s           *search
	c           *combination
	stop        *atomic.Bool
	known       map[worsening]*combinationIn
	most, ratio float64

	objective *model.Objective
	factor    float64 // on its predictions
}

// combinationIn is a combination evaluated in a worse world; nil search: the CPU
// has no time left there, and no objective holds.
type combinationIn struct {
	*search
	combination
	unseen bool // the path of the environment has not been observed
}

// find returns the factor, nil if there is none.
func (b *bisection) find(kind func(float64) worsening) (*float64, error) {
	low, high := 1.0, b.most
	holds, err := b.holds(worsening{1, 1, 1})
	if err != nil || !holds {
		missed := 0.0
		return &missed, err
	}
	if holds, err = b.holds(kind(high)); err != nil || holds {
		return nil, err
	}
	for high/low > b.ratio {
		middle := math.Sqrt(low * high)
		if holds, err = b.holds(kind(middle)); err != nil {
			return nil, err
		}
		if holds {
			low = middle
		} else {
			high = middle
		}
	}
	low = math.Round(low*100) / 100
	return &low, nil
}

// holds reports whether the objective is predicted to be met in a worse world.
func (b *bisection) holds(by worsening) (bool, error) {
	in := b.known[by]
	if in == nil {
		in = b.s.evaluated(b.c, by)
		b.known[by] = in
	}
	if in.search == nil {
		switch b.objective.Measure {
		case "detectionSeconds", "removalSeconds", estimate.Tolerance: // the probes' numbers alone
			value, _ := b.s.predict(b.objective, b.c)
			return meets(b.objective, value*b.factor), nil
		}
		return false, nil
	}
	if ofKills(b.objective.Measure) {
		if err := in.observe(b.stop); err != nil {
			return false, err
		}
	}
	value, _ := in.predict(b.objective, &in.combination)
	return meets(b.objective, value*b.factor), nil
}

// evaluated evaluates a combination in a worse world by the closed forms alone.
func (s *search) evaluated(c *combination, by worsening) *combinationIn {
	if by == (worsening{1, 1, 1}) {
		return &combinationIn{search: s, combination: *c}
	}
	worse := s.worsened(by)
	if s.contended {
		taken := demand(worse.w)
		for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
			if o := c.of(k); o != nil {
				taken += answerDemand(worse.w, k) / float64(o.period)
			}
		}
		if taken >= capacity(worse.w) {
			return &combinationIn{}
		}
	}
	worse.loud = [model.ProbeKinds]*screen{}
	return &combinationIn{search: worse, combination: worse.again(c), unseen: s.loud[model.Liveness] != nil && c.liveness != nil}
}

// observe takes in what only the path of the environment shows, that of the
// liveness probe's period, if that has not been done. No objective depends on the
// false verdicts of readiness.
func (in *combinationIn) observe(stop *atomic.Bool) error {
	if !in.unseen {
		return nil
	}
	_, paths := split(in.w, true)
	seen, err := in.observeAlone(paths, model.Liveness, []int32{in.liveness.period}, observed{attempts: attemptsObserved, fewest: fewestObserved / 4, events: eventsWorse}, stop)
	if err != nil {
		return err
	}
	in.loud[model.Liveness], in.unseen = seen, false
	in.combination = in.again(&in.combination)
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
