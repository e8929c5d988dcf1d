package recommend

import (
	"sync"
	"sync/atomic"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
)

// chained are the rates of false verdicts of one kind of probe by the exact Markov
// chain of stalls, slow answers and failures in a row (S2), one chain for each
// period and timeout. It is used where neighbours make answers wait longer: answers
// that are late since one is busy come together, and whether a stall meets a busy
// neighbour is neither in the closed form nor often enough on an observed path.
type chained struct {
	world *model.World // with the probe as its liveness probe
	base  *model.Probe
	known map[[2]int32]*calc.Chain // by period and timeout; nil: there is none
}

// mostChained is the most states of the surroundings for which chains are solved:
// their matrices are dense, and there are some 50 periods and timeouts of usual
// values.
const mostChained = 48

// newChained returns the chains of all usual settings of the probe of kind k, nil
// where the world is outside their reach, or too large for it.
func newChained(w *model.World, k model.ProbeKind, base *model.Probe, jobs int, stop *atomic.Bool) *chained {
	if !w.Node.WaitsVary() {
		return nil
	}
	if w.Uncertain() {
		w = w.Mixed() // predictions are of the average, and the simulation judges
	}
	c := chainedIn(w, k, base)
	first := c.solve(10, 1)
	if first == nil || first.States() > mostChained {
		return nil
	}
	var settings [][2]int32
	for _, period := range usualPeriods {
		for _, timeout := range usualTimeouts {
			if timeout <= period {
				settings = append(settings, [2]int32{period, timeout})
			}
		}
	}
	solved := make([]*calc.Chain, len(settings))
	var next atomic.Int64
	var running sync.WaitGroup
	for range jobs {
		running.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(settings)) && !stop.Load(); i = next.Add(1) - 1 {
				solved[i] = c.solve(settings[i][0], settings[i][1])
			}
		})
	}
	running.Wait()
	for i, at := range settings {
		c.known[at] = solved[i]
	}
	return c
}

// chainedIn returns the chains in a world, none of them solved yet.
func chainedIn(w *model.World, k model.ProbeKind, base *model.Probe) *chained {
	container := *w.Container()
	container.Probes = [model.ProbeKinds]*model.Probe{}
	world := w.WithContainer(container)
	world.Application.Probes[model.Liveness] = w.Application.Probes[k]
	return &chained{world: world, base: base, known: map[[2]int32]*calc.Chain{}}
}

// solve returns the chain of a period and a timeout, nil if there is none.
func (c *chained) solve(period, timeout int32) *calc.Chain {
	p := setting{period, timeout, 1}.on(c.base)
	chain, err := calc.NewChain(c.world.WithContainer(c.world.Container().WithProbe(model.Liveness, p)))
	if err != nil {
		return nil
	}
	return chain
}

// rate returns the verdicts per second that a setting comes to, with bounds. They
// leave room for what the chain leaves out, the more where it takes durations in
// exponential stages that only approximate them. ok is false if there is no chain.
func (c *chained) rate(s setting) (rate, low, bound float64, ok bool) {
	const exact, fitted = 1.05, 2
	at := [2]int32{s.period, s.timeout}
	chain, known := c.known[at]
	if !known {
		chain = c.solve(s.period, s.timeout)
		c.known[at] = chain
	}
	if chain == nil {
		return 0, 0, 0, false
	}
	its := *chain
	its.Settings.Failures = int(s.failures)
	rate = its.KillsPerSecond()
	slack := exact
	if len(chain.Notes) > 1 { // one says where starts are
		slack = fitted
	}
	return rate, rate / slack, rate * slack, true
}
