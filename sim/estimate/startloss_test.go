package estimate

import (
	"math"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

// pauses returns pauses of a process that come at random.
func pauses(every, lasts time.Duration) []model.OnOff {
	return []model.OnOff{{Name: "pause", Every: exponential(every), Lasts: exponential(lasts)}}
}

// slowStarts are worlds in which starts are killed now and then, by a delay.
func slowStarts() map[string]*model.World {
	worlds := map[string]*model.World{}
	add := func(name string, startup, liveness *model.Probe, wait dist.Duration, change func(*model.World)) {
		w := world(nil, liveness)
		w.Container().Probes[model.Startup] = startup
		w.Application.Startup = []model.Stage{{Wait: wait}}
		change(w)
		worlds[name] = w
	}
	five := dist.Constantly(5 * time.Second)
	add("pauses", nil, probe(5, 1, 3), five, func(w *model.World) { w.Application.Pauses = pauses(2*time.Minute, 4*time.Second) })
	add("pauses and a startup probe", probe(5, 1, 4), probe(10, 1, 3), five, func(w *model.World) { w.Application.Pauses = pauses(2*time.Minute, 5*time.Second) })
	add("random starts and stalls", probe(5, 2, 4), nil, dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(4e9), Sigma: 0.5}}, func(w *model.World) {
		w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "stall", Every: exponential(5 * time.Minute), Lasts: exponential(6 * time.Second)}}}
	})
	add("pauses at regular times", nil, probe(10, 1, 3), five, func(w *model.World) {
		w.Application.Pauses = []model.OnOff{{Name: "gc", Every: dist.Duration{Nanoseconds: dist.Uniform{Low: 1e9, High: 400e9}}, Lasts: exponential(6 * time.Second)}}
	})
	add("CPU work under a limit", probe(2, 1, 8), nil, dist.Duration{}, func(w *model.World) {
		w.Container().CPULimitMilli = 500
		w.Application.Startup = []model.Stage{{CPU: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(2e9), Sigma: 0.6}}}}
		w.Node.InterruptionsPerSecond = 30
		w.Node.Neighbours = []model.Neighbour{{CPURequestMilli: 1000, Busy: exponential(20 * time.Second), Idle: exponential(time.Minute)}}
	})
	add("threads on quotas of their container and pod", probe(1, 1, 10), nil, dist.Duration{}, func(w *model.World) {
		w.Container().CPULimitMilli, w.Container().CPURequestMilli = 300, 100
		w.Application.Startup = []model.Stage{{CPU: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(1e9), Sigma: 0.4}}, Threads: 2}}
		w.Node.CPUs, w.Node.InterruptionsPerSecond = 4, 30
		w.Node.Neighbours = []model.Neighbour{{CPURequestMilli: 1000, Busy: exponential(20 * time.Second), Idle: exponential(time.Minute)}}
	})
	add("neighbours that take most of the CPU at times", probe(1, 1, 10), nil, dist.Constantly(time.Second), func(w *model.World) {
		w.Container().CPULimitMilli, w.Container().CPURequestMilli = 1000, 100
		w.Application.Startup = append(w.Application.Startup, model.Stage{CPU: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(2e9), Sigma: 0.4}}, Threads: 2})
		w.Node.CPUs, w.Node.InterruptionsPerSecond = 4, 30
		w.Node.Neighbours = []model.Neighbour{
			{CPURequestMilli: 1000, Busy: exponential(10 * time.Second), Idle: exponential(5 * time.Minute)},
			{CPURequestMilli: 2000, Busy: exponential(10 * time.Second), Idle: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(200e9), Sigma: 0.7}}},
		}
	})
	add("classes of nodes", nil, probe(5, 1, 3), five, func(w *model.World) {
		stalled := w.Node
		stalled.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "stall", Every: exponential(5 * time.Minute), Lasts: exponential(6 * time.Second)}}}
		w.Node.Classes = []model.NodeClass{{Weight: 3, Node: w.Node}, {Weight: 1, Node: stalled}}
	})
	return worlds
}

// TestStartLossBound holds the bound of lost starts against simulated starts: it
// is not below what is simulated, and not so far above it as to be of no use.
func TestStartLossBound(t *testing.T) {
	const lives = 40_000
	for name, w := range slowStarts() {
		far := 60.0
		if !memoryless(w, model.Liveness) {
			far = 300
		}
		t.Run(name, func(t *testing.T) {
			simulator, err := sim.New(w)
			if err != nil {
				t.Fatal(err)
			}
			var killed stats.Proportion
			for i := range uint64(lives) {
				outcome := simulator.Run(sim.Life{Seed: 7, Replication: i, Horizon: StartSpan(w), FirstStart: true})
				lost := int64(0)
				if outcome.KillsWhileStarting > 0 {
					lost = 1
				}
				killed.Add(lost, 1)
			}
			e, bound := killed.Estimate(0.999), startLossBound(w)
			t.Logf("%.3g (%.3g to %.3g) simulated, at most %.3g", e.Estimate, e.Low, e.High, bound)
			if bound < e.Low || bound > far*e.Estimate {
				t.Errorf("the bound is %g, where %g (%g to %g) of the starts are killed", bound, e.Estimate, e.Low, e.High)
			}
		})
	}
}

// TestStartTail holds the bound of the longest starts against simulated ones: it is
// nowhere below what is simulated, and not so far above as to be of no use.
func TestStartTail(t *testing.T) {
	const lives = 4000
	for name, w := range slowStarts() {
		container := *w.Container()
		container.Probes = [model.ProbeKinds]*model.Probe{}
		bare := w.WithContainer(container)
		simulator, err := sim.New(bare)
		if err != nil {
			t.Fatal(err)
		}
		var took []time.Duration
		for i := range uint64(lives) {
			outcome := simulator.Run(sim.Life{Seed: 8, Replication: i, Horizon: 4 * StartSpan(bare), FirstStart: true})
			took = append(took, outcome.StartupTimes...)
		}
		slices.Sort(took)
		longest := took[len(took)-1]
		tail := NewStartTail(w, longest)
		for _, share := range []float64{0.5, 0.9, 0.99, 0.999} {
			at := took[int(share*lives)]
			beyond := int64(len(took) - sort.Search(len(took), func(i int) bool { return took[i] > at }))
			if low, _ := stats.ClopperPearson(beyond, lives, 0.999); tail.Beyond(at) < low {
				t.Errorf("%s: at most %.3g take longer than %v, where %d of %d do", name, tail.Beyond(at), at, beyond, lives)
			}
		}
		p99 := took[lives*99/100]
		within, ok := tail.Within(0.01, p99, 8*p99)
		if !ok || tail.Beyond(within) > 0.01 || within > p99 && tail.Beyond(within-within/100) < 0.01 {
			t.Errorf("%s: all but a hundredth take at most %v (%v), simulated %v", name, within, ok, p99)
		}
		if _, ok := tail.Within(1e-300, longest, 2*longest); ok {
			t.Errorf("%s: a time that no start takes longer than", name)
		}
	}
}

// TestStartLossOfOnePause holds the bound to a closed form: a start of no length
// to speak of, and a single attempt long after it, which only a pause that is under
// way can fail: the share of the time paused, times what such a pause has left.
func TestStartLossOfOnePause(t *testing.T) {
	one := probe(60, 1, 1)
	one.InitialDelaySeconds = 41
	w := world(nil, one)
	w.Application.Startup = []model.Stage{{Wait: dist.Constantly(time.Second)}}
	for _, mean := range []time.Duration{2 * time.Second, 4 * time.Second} {
		w.Application.Pauses = pauses(time.Hour, mean)
		// A pause within the first second of the start, or one that is under way when
		// it begins, that goes on until the attempt.
		least := (1 + mean.Seconds()) / (3600 + mean.Seconds()) * math.Exp(-39/mean.Seconds())
		// One that begins at any time until then and would be as long.
		most := (40 + mean.Seconds()) / 3600 * math.Exp(-39/mean.Seconds()) * 1.2
		if got := startLossBound(w); got < least || got > most {
			t.Errorf("pauses of %v: bound %g, want %g to %g", mean, got, least, most)
		}
	}
}

// TestStartLossIsUnknown names worlds in which no bound is known.
func TestStartLossIsUnknown(t *testing.T) {
	for name, change := range map[string]func(*model.World){
		"exec":    func(w *model.World) { w.Container().Probes[model.Liveness].Handler.Kind = model.Exec },
		"traffic": func(w *model.World) { w.Application.Traffic = &model.Traffic{} },
		"stolen time that counts against the quota": func(w *model.World) {
			w.Container().CPULimitMilli = 500
			w.Application.Startup = []model.Stage{{CPU: dist.Constantly(time.Second)}}
			w.Node.Stalls = []model.Stall{{OnOff: pauses(time.Hour, time.Second)[0], ChargedToQuota: true}}
		},
		"pauses all the time": func(w *model.World) {
			w.Application.Pauses = []model.OnOff{{Every: dist.Constantly(10 * time.Second), Lasts: dist.Constantly(2 * time.Second)}}
		},
	} {
		w := world(nil, probe(10, 1, 3))
		w.Application.Startup = []model.Stage{{Wait: dist.Constantly(5 * time.Second)}}
		change(w)
		if got := startLossBound(w); !math.IsInf(got, 1) {
			t.Errorf("%s: bound %g, want none", name, got)
		}
	}
}

// TestStartSpanOfLeastQuotas: a limit of less than a millisecond in each period is one
// of a millisecond (C22), so that starts there take no longer than at 10m.
func TestStartSpanOfLeastQuotas(t *testing.T) {
	spanAt := func(milli int64) time.Duration {
		w := world(nil, probe(10, 1, 3))
		w.Container().CPULimitMilli = milli
		w.Application.Startup = []model.Stage{{CPU: dist.Constantly(time.Second), Threads: 2}}
		return StartSpan(w)
	}
	if least, ten, twenty := spanAt(1), spanAt(10), spanAt(20); least != ten || ten <= twenty {
		t.Errorf("spans of %v at 1m, %v at 10m, %v at 20m", least, ten, twenty)
	}
}
