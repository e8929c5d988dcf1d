package calc

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// loopWorld is an event loop with background jobs before its answers.
func loopWorld(every, job time.Duration) *model.World {
	w := chainWorld()
	w.Application.Threads = 1
	w.Application.Probes[model.Liveness].CPU = dist.Constantly(time.Microsecond)
	w.Application.Background = []model.Background{{Every: exponential(every), CPU: exponential(job), Workers: 1}}
	return w
}

// TestChainOfBacklog holds the probability that an attempt fails to that of a
// stationary queue M/M/1 which is not empty within the timeout. From n jobs it is
// empty after t with the density n/t·(μ/λ)^(n/2)·e^(−(λ+μ)t)·Iₙ(2t√(λμ)) (Feller,
// volume II, XIV.6).
func TestChainOfBacklog(t *testing.T) {
	const timeout = 1.0
	for _, c := range []struct{ every, job time.Duration }{{10 * time.Second, 3 * time.Second}, {2 * time.Second, time.Second}, {time.Minute, 500 * time.Millisecond}} {
		arrival, service := 1/c.every.Seconds(), 1/c.job.Seconds()
		load, want := arrival/service, 0.0
		for n := 1; n < 60; n++ {
			const steps = 400
			empty := 0.0
			for i := range steps {
				at := timeout * (float64(i) + .5) / steps
				empty += timeout / steps * float64(n) / at * math.Pow(1/load, float64(n)/2) * math.Exp(-(arrival+service)*at) * bessel(n, 2*at*math.Sqrt(arrival*service))
			}
			want += (1 - load) * math.Pow(load, float64(n)) * (1 - empty)
		}
		if got := chainOf(t, loopWorld(c.every, c.job)).Failure(); !near(got, want, 1e-3) {
			t.Errorf("%v every %v: fails with %v, want %v", c.job, c.every, got, want)
		}
	}
}

// bessel is the modified Bessel function Iₙ(x), by its series.
func bessel(n int, x float64) float64 {
	sum, term := 0.0, 1.0
	for i := 1; i <= n; i++ {
		term *= x / 2 / float64(i)
	}
	for k := 1; term > 1e-17*sum; k++ {
		sum += term
		term *= x * x / 4 / float64(k) / float64(k+n)
	}
	return sum
}

// TestChainOfRareJobs: a job that meets no other is a stall of its own length, at
// the rate of the quota: S3's probability.
func TestChainOfRareJobs(t *testing.T) {
	const every = 1000 * 24 * time.Hour
	for limit, mean := range map[int64]time.Duration{0: 10 * time.Second, 100: 20 * time.Second} {
		w := loopWorld(every, mean)
		if limit > 0 {
			w.Container().CPULimitMilli = limit
			w.Application.Background[0].CPU = exponential(mean * time.Duration(limit) / 1000)
		}
		settings := Settings{Period: 10 * time.Second, Timeout: time.Second, Failures: 3}
		want := settings.StallKills(exponential(mean), true)
		chain := chainOf(t, w)
		got := every.Seconds() / chain.MeanTimeToKill()
		// Of the quota's portions, 100 ms that a period begins with and what the
		// kernel adds to them end a job early.
		if got > want*1.001 || got < want*math.Exp(-.16/mean.Seconds()) {
			t.Errorf("limit %dm: %v kills per job, want %v or a little less", limit, got, want)
		}
	}
}

// TestBacklogOutOfReach names the reasons.
func TestBacklogOutOfReach(t *testing.T) {
	for reason, change := range map[string]func(w *model.World){
		"only an event loop (threads: 1) answers after it": func(w *model.World) { w.Application.Threads = 4 },
		"of several kinds or workers":                      func(w *model.World) { w.Application.Background[0].Workers = 0 },
		"are not exponential":                              func(w *model.World) { w.Application.Background[0].Every = dist.Constantly(time.Minute) },
		"traffic takes turns":                              func(w *model.World) { w.Application.Traffic = &model.Traffic{PerSecond: 1} },
		"needs no turn":                                    func(w *model.World) { w.Application.Probes[model.Liveness].CPU = dist.Duration{} },
		"exec probe shares the quota":                      func(w *model.World) { w.Container().Probes[model.Liveness].Handler.Kind = model.Exec },
		"interruptions delay":                              func(w *model.World) { w.Node.InterruptionsPerSecond = 30 },
		"its backlog does not settle":                      func(w *model.World) { w.Application.Background[0].CPU = exponential(time.Minute) },
		"answers themselves take": func(w *model.World) {
			w.Application.Probes[model.Liveness].CPU = dist.Constantly(500 * time.Millisecond)
		},
		"leave the false kills open by a factor": func(w *model.World) {
			w.Container().CPULimitMilli = 100
			w.Application.Background[0].CPU = exponential(10 * time.Millisecond)
		},
		"kills so rare hang on the tail": func(w *model.World) {
			w.Application.Background[0].CPU = dist.Constantly(time.Second)
		},
		"the timeout is within": func(w *model.World) {
			w.Container().CPULimitMilli = 100
			w.Application.Background[0].CPU = exponential(100 * time.Millisecond)
			w.Container().Probes[model.Liveness].TimeoutSeconds = 10
		},
		"so fast that the back-off of restarts takes": func(w *model.World) { w.Application.Background[0].CPU = exponential(8 * time.Second) },
	} {
		w := loopWorld(10*time.Second, time.Second)
		change(w)
		if got := calculate(t, w); got.FalseKillsPerPodDay != nil || !noted(got, "falseKillsPerPodDay: null", reason, "run simulates it") {
			t.Errorf("%s: %v, notes %q", reason, got.FalseKillsPerPodDay, got.Notes)
		}
	}
	got := calculate(t, loopWorld(10*time.Second, time.Second))
	if got.FalseKillsPerPodDay == nil || !strings.HasPrefix(got.Method, "Markov chain") {
		t.Errorf("within reach: %v by %q", got.FalseKillsPerPodDay, got.Method)
	}
}
