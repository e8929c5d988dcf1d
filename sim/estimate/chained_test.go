package estimate

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// TestChainBesideSimulation: what the formulas do not reach and the Markov chain
// does is printed beside the simulation, and agrees (S13): answers that wait
// longer while a neighbour is busy, and the backlog of an event loop.
func TestChainBesideSimulation(t *testing.T) {
	slow := world(nil, probe(10, 1, 3))
	slow.Application.Probes[model.Liveness].HangCoverage = 0
	slow.Application.Probes[model.Liveness].Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: 18.4, Sigma: 1}}
	slow.Node.Neighbours = []model.Neighbour{{WaitFactor: 8, Busy: exponential(time.Minute), Idle: exponential(20 * time.Minute)}}
	loop := world(nil, probe(10, 1, 3))
	loop.Application.Threads = 1
	loop.Application.Probes[model.Liveness].HangCoverage = 0
	loop.Application.Probes[model.Liveness].CPU = dist.Constantly(time.Millisecond)
	loop.Application.Background = []model.Background{{Every: exponential(time.Minute), CPU: exponential(5 * time.Second), Workers: 1}}
	for name, w := range map[string]*model.World{"slow answers": slow, "backlog": loop} {
		v := run(t, w, Options{Seed: 1, Horizon: 4 * day, Replications: 8})
		if !hasNote(v, "Markov chain beside the simulation: ") || !hasNote(v, "they agree") || hasNote(v, "no closed form for false kills") {
			t.Errorf("%s: %q", name, v.Notes)
		}
	}
}
