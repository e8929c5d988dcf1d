package estimate

import (
	"context"
	"fmt"
	"runtime"
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

// BenchmarkGrowth shows the CPU time of runs of a restless world, and the heap in
// use at their end: with longer lives, and with more of them. The first grows in
// proportion to the pod time, the second not at all.
func BenchmarkGrowth(b *testing.B) {
	for _, c := range []struct {
		horizon      time.Duration
		replications int64
	}{{2 * day, 16}, {20 * day, 16}, {200 * day, 16}, {2 * day, 160}, {2 * day, 1600}} {
		b.Run(fmt.Sprintf("%.0fd/%d", c.horizon.Hours()/24, c.replications), func(b *testing.B) {
			var inUse uint64
			before, runs := cpuTime(), 0
			for b.Loop() {
				runs++
				o := Options{Seed: 1, Horizon: c.horizon, Replications: c.replications, Jobs: 1}
				o.Folded = func(p *Part) {
					if p.Done == c.replications {
						var m runtime.MemStats
						runtime.GC()
						runtime.ReadMemStats(&m)
						inUse = m.HeapAlloc
					}
				}
				if _, _, err := Simulate(context.Background(), []Named{{"base", restless()}}, o); err != nil {
					b.Fatal(err)
				}
			}
			podDays := c.horizon.Hours() / 24 * float64(c.replications)
			used := float64(cpuTime()-before) / float64(runs)
			b.ReportMetric(used/1e6, "cpu-ms/run")
			b.ReportMetric(used/podDays/1e3, "cpu-µs/pod-day")
			b.ReportMetric(float64(inUse)/1024, "KiB-heap")
			b.ReportMetric(0, "ns/op")
		})
	}
}
