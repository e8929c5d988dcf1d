package sim_test

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// benchmarked is the pod of docs/performance.md: three probes with P=10 T=1 and
// F=30/3/3, lognormal answers and starts, a neighbour that comes and goes, no CPU
// limit.
func benchmarked() *model.World {
	w := world(func(w *model.World) {
		for k := range w.Application.Probes {
			w.Application.Probes[k].Wait = dist.Duration{Nanoseconds: answer}
		}
		w.Application.Startup = []model.Stage{{Wait: dist.Duration{Nanoseconds: start}}}
		w.Node.Neighbours = []model.Neighbour{{WaitFactor: 8, Busy: exponentially(time.Minute), Idle: exponentially(time.Hour)}}
	}, model.Startup, model.Readiness, model.Liveness)
	w.Pod.Containers[0].Probes[model.Startup].FailureThreshold = 30
	return w
}

var (
	answer = dist.LogNormal{Mu: math.Log(20e6), Sigma: 1}
	start  = dist.LogNormal{Mu: math.Log(12e9), Sigma: .5}
)

// perProbe runs lives of the given length until b.N probes were made.
func perProbe(b *testing.B, w *model.World, life sim.Life) {
	s, err := sim.New(w)
	if err != nil {
		b.Fatal(err)
	}
	s.Run(life) // makes room
	b.ReportAllocs()
	b.ResetTimer()
	before, probes := cpuTime(), int64(0)
	for ; probes < int64(b.N); life.Replication++ {
		o := s.Run(life)
		probes += o.Attempts[model.Startup] + o.Attempts[model.Readiness] + o.Attempts[model.Liveness]
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(probes), "cpu-ns/probe")
}

func BenchmarkProbe(b *testing.B) {
	b.Run("lognormal", func(b *testing.B) {
		random, sum := rand.New(rand.NewPCG(1, 2)), 0.0
		before := cpuTime()
		for range b.N {
			sum += answer.Sample(random)
		}
		b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/probe")
		if sum < 0 {
			b.Fatal("negative")
		}
	})
	b.Run("events", func(b *testing.B) { perProbe(b, benchmarked(), sim.Life{Seed: 1, Horizon: 30 * day}) })
	b.Run("skip-ahead", func(b *testing.B) {
		perProbe(b, benchmarked(), sim.Life{Seed: 1, Horizon: 8766 * time.Hour, SkipAhead: true})
	})
	b.Run("skip-ahead at 1e-3", func(b *testing.B) {
		w := benchmarked()
		for k := range w.Application.Probes {
			w.Application.Probes[k].Wait, w.Application.Probes[k].Failure = dist.Constantly(time.Millisecond), 1e-3
		}
		perProbe(b, w, sim.Life{Seed: 1, Horizon: 8766 * time.Hour, SkipAhead: true})
	})
	b.Run("heap and closures", func(b *testing.B) {
		e := &closures{random: rand.New(rand.NewPCG(1, 2))}
		e.pod()
		b.ReportAllocs()
		b.ResetTimer()
		before := cpuTime()
		for e.probes < b.N {
			e.step()
		}
		b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/probe")
	})
}

// BenchmarkPodYear is one year of one pod at a period of 10 s.
func BenchmarkPodYear(b *testing.B) {
	s, err := sim.New(benchmarked())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	before := cpuTime()
	for i := range b.N {
		s.Run(sim.Life{Seed: 1, Replication: uint64(i), Horizon: 8766 * time.Hour, SkipAhead: true})
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/pod-year")
}

// closures is the usual event engine: a heap of functions, each of which
// schedules others. It knows only the pod of the benchmark and none of the
// kubelet's ways, so it is cheaper than an engine of that kind would be.
type closures struct {
	now    float64
	events eventHeap
	random *rand.Rand
	probes int

	slow     bool
	failures [2]int
	kills    int
}

type event struct {
	at float64
	do func()
}

type eventHeap []*event

func (h eventHeap) Len() int           { return len(h) }
func (h eventHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h eventHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)        { *h = append(*h, x.(*event)) }
func (h *eventHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (e *closures) after(ns float64, do func()) { heap.Push(&e.events, &event{e.now + ns, do}) }

func (e *closures) step() {
	next := heap.Pop(&e.events).(*event)
	e.now = next.at
	next.do()
}

func (e *closures) pod() {
	e.after(start.Sample(e.random), func() {
		e.neighbour()
		for k := range e.failures {
			e.tick(k)
		}
	})
}

func (e *closures) neighbour() {
	e.after(dist.Exponential(3600e9).Sample(e.random), func() {
		e.slow = true
		e.after(dist.Exponential(60e9).Sample(e.random), func() {
			e.slow = false
			e.neighbour()
		})
	})
}

func (e *closures) tick(k int) {
	e.after(10e9, func() { e.tick(k) })
	wait := answer.Sample(e.random)
	if e.slow {
		wait *= 8
	}
	e.after(math.Min(wait, 1e9), func() {
		e.probes++
		if wait < 1e9 {
			e.failures[k] = 0
			return
		}
		if e.failures[k]++; e.failures[k] >= 3 {
			e.kills++
			e.failures[k] = 0
		}
	})
}

// TestNothingIsAllocated in a life, once the first has made room.
func TestNothingIsAllocated(t *testing.T) {
	s, err := sim.New(benchmarked())
	if err != nil {
		t.Fatal(err)
	}
	for _, skips := range []bool{false, true} {
		life := sim.Life{Seed: 1, Horizon: day, SkipAhead: skips}
		s.Run(life)
		if n := testing.AllocsPerRun(3, func() { s.Run(life) }); n > 0 {
			t.Errorf("skip-ahead %v: %v allocations in a life", skips, n)
		}
	}
}
