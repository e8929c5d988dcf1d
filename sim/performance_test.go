package sim_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"strings"
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

// shared is the pod of a bare manifest on the node profile shared-vm: two probes
// with P=10 T=1, answers of 1 ms of CPU (10 ms at the 99th percentile) and of a
// wait, at a limit of so many thousandths of a CPU.
func shared(limit int64) *model.World {
	return world(func(w *model.World) {
		for k := range w.Application.Probes {
			w.Application.Probes[k].CPU = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(1e6), Sigma: .99}}
			w.Application.Probes[k].Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(1e6), Sigma: 1.29}}
		}
		w.Application.Startup = []model.Stage{{CPU: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(1e9), Sigma: .69}}}}
		c := w.Container()
		c.CPURequestMilli, c.CPULimitMilli = limit, limit
		w.Faults = []model.Fault{{Name: "hang", Every: exponentially(30 * day), Forever: true, Hangs: true, Probes: [model.ProbeKinds]bool{true, true, true}}}
		w.Node.InterruptionsPerSecond = 30
		w.Node.Neighbours = []model.Neighbour{{
			CPURequestMilli: 1000, WaitFactor: 1,
			Busy: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(20e9), Sigma: .945}},
			Idle: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(300e9), Sigma: 1.07}},
		}}
		w.Node.Stalls = []model.Stall{
			{OnOff: model.OnOff{Name: "steal", Every: exponentially(10 * time.Minute), Lasts: exponentially(30 * time.Millisecond)}},
			{OnOff: model.OnOff{Name: "live migration", Every: exponentially(30 * day), Lasts: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(500e6), Sigma: .99}}}},
		}
	}, model.Readiness, model.Liveness)
}

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
	for _, limit := range []int64{100, 250, 1000} {
		b.Run(fmt.Sprintf("shared at %dm", limit), func(b *testing.B) { perProbe(b, shared(limit), sim.Life{Seed: 1, Horizon: 10 * day}) })
		b.Run(fmt.Sprintf("shared at %dm, skip-ahead", limit), func(b *testing.B) {
			perProbe(b, shared(limit), sim.Life{Seed: 1, Horizon: 100 * day, SkipAhead: true})
		})
	}
	b.Run("heap and closures", func(b *testing.B) {
		e, life, probes := newPlain(benchmarked()), sim.Life{Seed: 1, Horizon: 30 * day}, int64(0)
		b.ReportAllocs()
		b.ResetTimer()
		before := cpuTime()
		for ; probes < int64(b.N); life.Replication++ {
			o := e.run(life)
			probes += o.Attempts[model.Startup] + o.Attempts[model.Readiness] + o.Attempts[model.Liveness]
		}
		b.ReportMetric(float64(cpuTime()-before)/float64(probes), "cpu-ns/probe")
	})
}

// BenchmarkPodYears is 10,000 years of one pod each, at a period of 10 s.
func BenchmarkPodYears(b *testing.B) {
	const years = 10_000
	s, err := sim.New(benchmarked())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	before, probes := cpuTime(), 0.0
	for range b.N {
		for i := range uint64(years) {
			o := s.Run(sim.Life{Seed: 1, Replication: i, Horizon: 8766 * time.Hour, SkipAhead: true})
			probes += float64(o.Attempts[model.Startup] + o.Attempts[model.Readiness] + o.Attempts[model.Liveness])
		}
	}
	used := float64(cpuTime()-before) / float64(b.N)
	b.ReportMetric(used/1e9, "cpu-s/10000-pod-years")
	b.ReportMetric(probes/float64(b.N), "probes")
	b.ReportMetric(used/probes*float64(b.N), "cpu-ns/probe")
}

// TestPlainEngineAgrees: the engine of heap and closures, with which this one's
// cost is compared, comes to the same outcome, so it does all that this one does.
func TestPlainEngineAgrees(t *testing.T) {
	w := benchmarked()
	w.Application.Probes[model.Liveness].Wait = w.Application.Probes[model.Liveness].Wait.Times(3) // for more kills
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	kills := int64(0)
	for replication := range uint64(8) {
		life := sim.Life{Seed: 1, Replication: replication, Horizon: 20 * day}
		ours, plain := *s.Run(life), *newPlain(w).run(life)
		if !reflect.DeepEqual(withoutEmpty(ours), withoutEmpty(plain)) {
			t.Errorf("replication %d:\nours  %+v\nplain %+v", replication, ours, plain)
		}
		kills += plain.FalseKills[model.Liveness]
	}
	if kills < 100 {
		t.Errorf("%d kills: too few to compare", kills)
	}
}

// withoutEmpty makes an empty list of samples the same as none.
func withoutEmpty(o sim.Outcome) sim.Outcome {
	for _, list := range []*[]time.Duration{&o.Detections, &o.Removals, &o.Recoveries, &o.FaultDead, &o.ReadyLags, &o.TimesToReady, &o.StartupTimes, &o.FalseKillTimes} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	return o
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

// TestPerformanceTables: the tables of docs/performance.md are between the marks by
// which docs/performance.sh finds them, every row has its figures and its
// benchmark, and no bar is missed.
func TestPerformanceTables(t *testing.T) {
	doc, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, rows := range map[string][]string{
		"probes":    {"`Probe/lognormal`", "`Probe/events`", "`Probe/heap_and_closures`", "`Probe/skip-ahead_at_1e-3`", "`Probe/skip-ahead`", "`PodYears`"},
		"thinning":  {"100m", "250m", "1000m"},
		"growth":    {"16 of 2 d", "16 of 20 d", "16 of 200 d", "160 of 2 d", "1,600 of 2 d", "16 of 2 years", "16 of 20 years", "16 of 100 years", "160 of 2 years", "1,600 of 2 years"},
		"splitting": {"independent", "independent", "independent", "stalls", "stalls", "stalls", "backlog", "backlog"},
		"cpu":       {"`IdleProbe/unlimited`", "`IdleProbe/unthrottled`", "`IdleGap/1s`", "`IdleGap/1m0s`", "`IdleGap/1h0m0s`", "`IdleProbe/20m-5ms`", "`StarvedProbe/own`", "`StarvedProbe/nested`", "`LoadedSecond/20%-1cpu`", "`LoadedSecond/40%-1cpu`", "`LoadedSecond/80%-1cpu`", "`LoadedSecond/120%-1cpu`", "`LoadedSecond/80%-4cpu`", "`Start`"},
	} {
		_, table, begun := strings.Cut(string(doc), "<!-- "+name+": made by docs/performance.sh -->\n")
		table, _, ended := strings.Cut(table, "\n<!-- end of "+name+" -->\n")
		if !begun || !ended {
			t.Errorf("%s: no table between marks", name)
			continue
		}
		lines := strings.Split(table, "\n")
		if processor := lines[len(lines)-1]; strings.HasPrefix(processor, "Processor: ") {
			lines = lines[:len(lines)-2]
		}
		if len(lines) != 2+len(rows) {
			t.Errorf("%s: %d lines, want %d", name, len(lines), 2+len(rows))
			continue
		}
		for i, want := range rows {
			row := lines[2+i]
			if !strings.Contains(row, want) || strings.Count(row, "|") != strings.Count(lines[0], "|") || !regexp.MustCompile(`\| [^|]*[0-9][^|]* \|`).MatchString(row) {
				t.Errorf("%s: row %q, want one of %s with as many cells as the header", name, row, want)
			}
		}
		if strings.Contains(table, "MISSED") {
			t.Errorf("%s: a bar is missed:\n%s", name, table)
		}
	}
}
