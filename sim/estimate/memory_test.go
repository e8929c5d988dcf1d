package estimate

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
)

// restless is a world in which a container never runs for long.
func restless() *model.World {
	w := world(probe(10, 1, 1), probe(10, 1, 1))
	w.Application.Probes[model.Liveness].Failure = .1
	w.Application.Startup = []model.Stage{{Wait: exponential(5 * time.Second)}}
	w.Faults = []model.Fault{{Name: "deadlock", Every: exponential(10 * time.Minute), Forever: true, Hangs: true, Probes: [model.ProbeKinds]bool{true, true, true}}}
	return w
}

// TestDrained holds that a life drained of its samples again and again comes to
// the same as one that keeps them all, and that it never holds more of them
// than a few thousand.
func TestDrained(t *testing.T) {
	simulator, err := sim.New(restless())
	if err != nil {
		t.Fatal(err)
	}
	life := sim.Life{Seed: 1, Horizon: 50 * day}
	var kept, drained lives
	kept.life.add(simulator.Run(life))
	if kept.life.timeToReady.N < 2*sim.MostSamples {
		t.Fatalf("only %d samples", kept.life.timeToReady.N)
	}
	life.Drain = drained.life.drain
	simulator, err = sim.New(restless())
	if err != nil {
		t.Fatal(err)
	}
	o := simulator.Run(life)
	if most := max(cap(o.ReadyLags), cap(o.FalseKillTimes), cap(o.TimesToReady), cap(o.Detections)); most > 2*sim.MostSamples {
		t.Errorf("a list has room for %d samples", most)
	}
	drained.life.add(o)
	var whole, parts tally
	whole.add(&kept)
	parts.add(&drained)
	if encoded(t, whole) != encoded(t, parts) {
		t.Error("drained, a life comes to something else")
	}
}
