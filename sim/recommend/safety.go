package recommend

import (
	"math"
	"sync/atomic"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// Factor is how many times as long things may become before an objective breaks, in
// brackets: what lies between is the last step of the bisection, or cannot be told
// from that many simulated lives.
type Factor struct {
	AtLeast float64 `json:"atLeast"` // so many times it still holds; 0: it does not as things are, or that is undecided
	// Below is where it is sure not to hold. Null: no such factor was found.
	Below *float64 `json:"below"`
}

// Safety says how many times as long things may become before an objective is
// predicted to break (S21): all of them together, and each alone. Null: it is
// predicted to hold up to 64 times, or to 16 where false verdicts are observed along
// simulated paths; of one alone, also that there is no such thing in the world.
//
// It holds where it does at the unfavourable end of what is predicted, and breaks where
// it does at the favourable end too, or by the estimate of how often a serving process
// is killed. What no prediction knows is simulated in the worse world: how long stalls
// and other work make a start, how late a process that has just come up is Ready, and
// what follows a hang. Of startupKillProbability it is a pod's first start that counts, as
// in the full simulation.
type Safety struct {
	Objective string `json:"objective"`
	// Now is "met", "missed" or "undecided", by the full simulation where there is one.
	Now       string  `json:"now"`
	All       *Factor `json:"all"`
	Stalls    *Factor `json:"stalls"`    // pauses, stalls, failing stretches, outages, and the neighbours' busy times
	CPUDemand *Factor `json:"cpuDemand"` // of answers, background work and requests
	Startup   *Factor `json:"startup"`
}

const (
	// The factors that are looked for. What is observed is simulated anew for
	// each, so that there are fewer.
	mostWorse, mostWorseObserved = 64.0, 16.0
	// Bisection ends at these ratios: of closed forms, of simulated starts and hangs,
	// and of observed paths.
	safetyRatio, safetyRatioSimulated, safetyRatioObserved = 1.02, 1.1, 1.25
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
	b := bisection{s: s, c: c, stop: stop, known: map[worsening]*combinationIn{}, lives: map[livesOf]*worseLives{}, most: mostWorse}
	b.observes = s.loud[model.Readiness] != nil || s.loud[model.Liveness] != nil
	if b.observes {
		b.most = mostWorseObserved
	}
	all := []Safety{}
	for i := range s.objectives {
		o := &s.objectives[i]
		value, ok := s.predict(o, c)
		if !ok {
			continue // only the full simulation knows it
		}
		b.objective = o
		now := standingNow(o, value, v.Objectives, i)
		safety := Safety{Objective: estimate.Name(*o), Now: now.String()}
		if err := b.fill(&safety, now); err != nil || stop.Load() {
			return nil, err
		}
		all = append(all, safety)
	}
	return all, nil
}

// standingNow is how an objective stands as things are: by the verdict of the full
// simulation if there is one, else by its prediction.
func standingNow(o *model.Objective, predicted float64, verdicts []estimate.Verdict, i int) standing {
	switch {
	case i < len(verdicts) && verdicts[i].Met == nil:
		return undecided
	case i < len(verdicts) && *verdicts[i].Met, i >= len(verdicts) && meets(o, predicted):
		return met
	}
	return missed
}

func (s standing) String() string { return [...]string{"met", "undecided", "missed"}[s] }

// fill looks for the factors of all things together and of each alone.
func (b *bisection) fill(safety *Safety, now standing) error {
	switch asNow := 1.0; {
	case now == missed:
		safety.All = &Factor{Below: &asNow}
		return nil
	case now == undecided:
		safety.All = &Factor{}
		return nil
	case b.fixed():
		return nil
	}
	for kind, into := range []**Factor{&safety.All, &safety.Stalls, &safety.CPUDemand, &safety.Startup} {
		b.held = 1
		if kind > 0 {
			if safety.All == nil {
				break
			}
			if !b.s.touches(kind) {
				continue
			}
			b.held = safety.All.AtLeast // what holds when all is worse holds when part of it is
		}
		factor, err := b.find(worsenings[kind])
		if err != nil || b.stop.Load() {
			return err
		}
		*into = factor
	}
	return nil
}

// touches reports whether there is anything of a kind of worsening in the world.
func (s *search) touches(kind int) bool {
	app := &s.w.Application
	switch kind {
	case 1:
		return standsStill(s.w) || len(s.w.Dependencies) > 0 || app.Probes[model.Liveness].Failing != nil || app.Probes[model.Readiness].Failing != nil
	case 2:
		return demand(s.w) > 0 || !app.Probes[model.Liveness].CPU.IsZero() || !app.Probes[model.Readiness].CPU.IsZero()
	}
	return len(app.Startup) > 0
}

// standsStill reports whether anything stops or slows a process: pauses, stalls of the
// node, and neighbours.
func standsStill(w *model.World) bool {
	return len(w.Application.Pauses) > 0 || len(w.Node.Stalls) > 0 || len(w.Node.Classes) > 0 || neighboured(&w.Node)
}

// bisection looks for the factors between which an objective breaks.
type bisection struct {
	s        *search
	c        *combination
	stop     *atomic.Bool
	known    map[worsening]*combinationIn
	lives    map[livesOf]*worseLives
	most     float64
	observes bool // false verdicts are observed along paths

	objective *model.Objective
	held      float64 // the factor up to which it is known to hold
}

// find returns the factors, nil if the objective holds up to the most that are
// looked for. It looks for the last that holds, and then, as there may be some of
// which that is not known, for the first that does not.
func (b *bisection) find(kind func(float64) worsening) (*Factor, error) {
	breaks := math.Inf(1)
	look := func(by float64) (standing, error) {
		if by <= b.held+.01 { // it is rounded
			return met, nil
		}
		stands, err := b.stands(b.s.touched(kind(by)))
		if stands == missed {
			breaks = math.Min(breaks, by)
		}
		return stands, err
	}
	last, err := look(b.most)
	if err != nil || last == met {
		return nil, err
	}
	holds, err := b.bisect(1, b.most, func(by float64) (bool, error) {
		stands, err := look(by)
		return stands == met, err
	})
	if err == nil && !math.IsInf(breaks, 1) {
		_, err = b.bisect(holds, breaks, func(by float64) (bool, error) {
			stands, err := look(by)
			return stands != missed, err
		})
	}
	return bracket(holds, breaks), err
}

// bisect returns about the last factor between two at which something is so: it is at
// the first of them, and not at the second.
func (b *bisection) bisect(low, high float64, so func(by float64) (bool, error)) (float64, error) {
	for high/low > b.ratio() && !b.stop.Load() {
		middle := math.Sqrt(low * high)
		yes, err := so(middle)
		if err != nil {
			return 0, err
		}
		if yes {
			low = middle
		} else {
			high = middle
		}
	}
	return low, nil
}

// ratio is that of the factors at which bisection ends.
func (b *bisection) ratio() float64 {
	kills := ofKills(b.objective.Measure)
	delayed := kills || b.objective.Measure == "startupKillProbability"
	simulated := b.simulates() || delayed && (standsStill(b.s.w) || sharesStart(b.s.w))
	switch {
	case b.observes && (kills || simulated):
		return safetyRatioObserved
	case simulated:
		return safetyRatioSimulated
	}
	return safetyRatio
}

// bracket rounds the factors to two decimal places, which the ratios leave apart.
func bracket(holds, breaks float64) *Factor {
	f := &Factor{AtLeast: math.Floor(holds*100) / 100}
	if !math.IsInf(breaks, 1) {
		below := math.Ceil(breaks*100) / 100
		f.Below = &below
	}
	return f
}
