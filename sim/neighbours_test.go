package sim_test

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// contended is a pod whose answers wait 300 ms, twice as long while one neighbour
// is busy and three times while another is, which take no CPU.
func contended(w *model.World) {
	w.Application.Probes[model.Liveness].Wait = dist.Constantly(300 * time.Millisecond)
	w.Node.Neighbours = []model.Neighbour{
		{WaitFactor: 2, Busy: exponentially(time.Minute), Idle: exponentially(3 * time.Minute)},
		{WaitFactor: 3, Busy: exponentially(30 * time.Second), Idle: exponentially(270 * time.Second)},
	}
}

// TestBusyNeighboursSlowAnswers: answers take as long as the neighbours say that
// are busy when the probe asks, in the shares of a stationary process from the
// first instant on, and several of them multiply.
func TestBusyNeighboursSlowAnswers(t *testing.T) {
	s, err := sim.New(world(contended, model.Liveness))
	if err != nil {
		t.Fatal(err)
	}
	if !s.SkipsAhead() {
		t.Error("does not skip ahead over neighbours that slow answers")
	}
	counts, first, all := map[time.Duration]float64{}, map[time.Duration]float64{}, 0.0
	const lives = 2000
	for i := range lives {
		observed := s.Observe(sim.Life{Seed: 7, Replication: uint64(i), Horizon: 20 * time.Minute}, model.Liveness, 20*time.Second)
		first[observed[0].Latency]++
		for _, o := range observed {
			counts[o.Latency]++
			all++
		}
	}
	for latency, want := range map[time.Duration]float64{
		300 * time.Millisecond: .75 * .9, 600 * time.Millisecond: .25 * .9,
		900 * time.Millisecond: .75 * .1, 1800 * time.Millisecond: .25 * .1,
	} {
		if got := counts[latency] / all; math.Abs(got-want) > .1*want {
			t.Errorf("%v: %.4f of the answers, want %.4f", latency, got, want)
		}
		if got, err := first[latency]/lives, math.Sqrt(want*(1-want)/lives); math.Abs(got-want) > 4*err {
			t.Errorf("%v: %.4f of the first answers, want %.4f ± %.4f", latency, got, want, err)
		}
		delete(counts, latency)
	}
	delete(counts, 0) // asked at the horizon
	if len(counts) > 0 {
		t.Errorf("other answers: %v", counts)
	}
}

// TestBusyNeighboursAreTheEnvironment: what slows answers is the same whatever the
// probes are set to (S14), and goes on through restarts.
func TestBusyNeighboursAreTheEnvironment(t *testing.T) {
	latencies := func(change func(w *model.World), kinds ...model.ProbeKind) map[time.Duration]time.Duration {
		w := world(func(w *model.World) {
			w.Application.Probes[model.Readiness].Wait = dist.Constantly(10 * time.Millisecond)
			w.Node.Neighbours = []model.Neighbour{{WaitFactor: 7, Busy: exponentially(5 * time.Minute), Idle: exponentially(20 * time.Minute)}}
			change(w)
		}, kinds...)
		s, err := sim.New(w)
		if err != nil {
			t.Fatal(err)
		}
		found := map[time.Duration]time.Duration{}
		for _, o := range s.Observe(sim.Life{Seed: 9, Horizon: day}, model.Readiness, time.Second) {
			if !o.Failed {
				found[o.At.Truncate(time.Second)] = o.Latency
			}
		}
		return found
	}
	quiet := latencies(func(*model.World) {})
	killed := latencies(func(w *model.World) {
		w.Application.Probes[model.Liveness].Wait = dist.Constantly(time.Hour) // every third attempt kills
	}, model.Liveness)
	slow, same := 0, 0
	for at, latency := range killed {
		before, seen := quiet[at]
		if !seen {
			continue
		}
		if before != latency {
			t.Fatalf("at %v: %v, and %v beside a liveness probe that kills", at, before, latency)
		}
		same++
		if latency == 70*time.Millisecond {
			slow++
		}
	}
	if slow < 100 || same-slow < 1000 {
		t.Errorf("%d slow answers of %d compared", slow, same)
	}
}

// TestNeighboursWithoutCPU take none.
func TestNeighboursWithoutCPU(t *testing.T) {
	latencies := func(requestMilli int64) (total time.Duration) {
		w := world(func(w *model.World) {
			w.Application.Probes[model.Liveness].CPU = dist.Constantly(20 * time.Millisecond)
			w.Container().CPURequestMilli = 100
			w.Node.CPUs = 1
			w.Node.Neighbours = []model.Neighbour{{CPURequestMilli: requestMilli, WaitFactor: 1, Busy: exponentially(day), Idle: exponentially(time.Second)}}
		}, model.Liveness)
		s, err := sim.New(w)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range s.Observe(sim.Life{Seed: 1, Horizon: 10 * time.Minute}, model.Liveness, 10*time.Second) {
			total += o.Latency
		}
		return total / 60
	}
	if got := latencies(0); got > 25*time.Millisecond {
		t.Errorf("an answer of 20 ms takes %v beside a neighbour that takes no CPU", got)
	}
	if got := latencies(1000); got < 100*time.Millisecond {
		t.Errorf("an answer of 20 ms takes %v beside a neighbour of ten times the weight", got)
	}
}
