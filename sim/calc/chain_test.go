package calc

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// TestChainOfChannel: S1 and S2's numbers, from the general chain.
func TestChainOfChannel(t *testing.T) {
	for _, c := range []struct {
		channel  Channel
		failures int
		want     float64
	}{
		{GilbertElliott(.001, .2, 0, 1), 1, 996.025},
		{GilbertElliott(.001, .2, 0, 1), 2, 1247.27},
		{GilbertElliott(.001, .2, 0, 1), 3, 1561.34},
		{GilbertElliott(.001, .2, 0, 1), 5, 2444.64},
		{GilbertElliott(.001, .2, 0, 1), 6, 3058.04},
		{GilbertElliott(.001, .2, 0, 1), 10, 7478.86},
		{GilbertElliott(.05, .95, .05, .05), 3, 8420},
		{Channel{Transition: [][]float64{{1}}, Failure: []float64{.1}}, 3, 1110},
		{Channel{Transition: [][]float64{{1}}, Failure: []float64{.01}}, 3, 1010100},
		{Channel{Transition: [][]float64{{1}}, Failure: []float64{.5}}, 10, 2046},
	} {
		chain := newChannelChain(c.channel, Settings{Period: 10 * time.Second, Timeout: time.Second, Failures: c.failures})
		if got := chain.MeanAttempts(); !near(got, c.want, 1e-5) {
			t.Errorf("%d failures: %v attempts, want %v", c.failures, got, c.want)
		}
	}
	chain := newChannelChain(Channel{Transition: [][]float64{{1}}, Failure: []float64{.01}}, Settings{Period: 10 * time.Second, Timeout: time.Second, Failures: 3})
	for n, want := range map[int64]float64{360: 3.54368e-4, 8640: .0085152, 1: 0, 3: 1e-6} {
		if got := chain.Within(time.Duration(n) * 10 * time.Second); !near(got, want, 1e-5) {
			t.Errorf("within %d probes %v, want %v", n, got, want)
		}
	}
	bursty := GilbertElliott(.001, .2, .01, .9)
	chain = newChannelChain(bursty, Settings{Period: 10 * time.Second, Timeout: time.Second, Failures: 3})
	if got, want := chain.Within(10000*time.Second), bursty.Within(1000, 3); !near(got, want, 1e-10) {
		t.Errorf("within 1000 probes %v by doubling, %v step by step", got, want)
	}
	if got, want := chain.Failure(), bursty.MeanFailure(); !near(got, want, 1e-12) {
		t.Errorf("failure %v, want %v", got, want)
	}
	// Runs of every length hold all failures.
	failures := 0.0
	for n := 1; n < 400; n++ {
		failures += float64(n) * chain.Runs(n)
	}
	if !near(failures, chain.Failure(), 1e-9) {
		t.Errorf("%v failures in runs, %v in all", failures, chain.Failure())
	}
}

// chainWorld is quiet, asked by a liveness probe alone, and answers in no time.
func chainWorld() *model.World {
	w := world()
	c := &w.Pod.Containers[0]
	c.Probes[model.Startup], c.Probes[model.Readiness] = nil, nil
	w.Application.Probes[model.Liveness].Wait = dist.Duration{}
	return w
}

func stallWorld(every, lasts dist.Dist) *model.World {
	w := chainWorld()
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: dist.Duration{Nanoseconds: every}, Lasts: dist.Duration{Nanoseconds: lasts}}}}
	return w
}

func chainOf(t *testing.T, w *model.World) *Chain {
	t.Helper()
	c, err := NewChain(w)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestChainOfRareStalls: with stalls that are far apart, the first verdict comes
// at S3's rate of stalls that kill, to the shares in which two stalls meet.
func TestChainOfRareStalls(t *testing.T) {
	const every = 1e17 // ns: three years
	for name, c := range map[string]struct {
		lasts dist.Dist
		want  float64
		tol   float64
	}{
		"exponential, mean 2 s":  {dist.Exponential(2e9), 5.4702e-6, 1e-4},
		"exponential, mean 10 s": {dist.Exponential(10e9), .0774072, 1e-4},
		"22 s":                   {dist.Constant(22e9), .1, 1e-3},
		"25 s":                   {dist.Constant(25e9), .4, 1e-3},
		"28 s":                   {dist.Constant(28e9), .7, 1e-3},
		"lognormal":              {dist.LogNormal{Mu: math.Log(8e9), Sigma: .7}, 0, 1e-3},
		"pareto-like":            {dist.LogNormal{Mu: math.Log(1e9), Sigma: 1.2}, 0, 1e-3},
	} {
		w := stallWorld(dist.Exponential(every), c.lasts)
		want := c.want
		if want == 0 {
			want = Settings{Period: 10 * time.Second, Timeout: time.Second, Failures: 3}.StallKills(w.Node.Stalls[0].Lasts, true)
		}
		perStall := (every + c.lasts.Mean()) / 1e9 / chainOf(t, w).MeanTimeToKill()
		if !near(perStall, want, c.tol) {
			t.Errorf("%s: %v kills per stall, want %v", name, perStall, want)
		}
	}
}

// TestChainOfFailingStretches: the same where answers fail at once.
func TestChainOfFailingStretches(t *testing.T) {
	for _, lasts := range []dist.Dist{dist.Exponential(8e9), dist.Constant(24e9), dist.LogNormal{Mu: math.Log(8e9), Sigma: .7}} {
		w := chainWorld()
		w.Dependencies = []model.OnOff{{Name: "db", Every: dist.Duration{Nanoseconds: dist.Exponential(1e17)}, Lasts: dist.Duration{Nanoseconds: lasts}}}
		w.Application.Probes[model.Liveness].DependsOn = []int{0}
		want := Settings{Period: 10 * time.Second, Timeout: time.Second, Failures: 3}.StallKills(w.Dependencies[0].Lasts, false)
		if got := (1e17 + lasts.Mean()) / 1e9 / chainOf(t, w).MeanTimeToKill(); !near(got, want, 1e-3) {
			t.Errorf("%v: %v kills per outage, want %v", lasts, got, want)
		}
	}
}

// TestChainOfStages: an exponential written as a mixture of itself, or in the
// counted way, is the same chain; two kinds of stalls add up while they are rare.
func TestChainOfStages(t *testing.T) {
	every, lasts := dist.Exponential(600e9), dist.Exponential(5e9)
	plain := chainOf(t, stallWorld(every, lasts))
	mixed := chainOf(t, stallWorld(dist.Mixture{{Weight: 2, Of: every}, {Weight: 1, Of: every}}, dist.Mixture{{Weight: 1, Of: lasts}, {Weight: 1, Of: lasts}}))
	if a, b := plain.KillsPerAttempt(), mixed.KillsPerAttempt(); !near(a, b, 1e-10) {
		t.Errorf("%v and as a mixture %v kills per attempt", a, b)
	}
	// Gamma with shape 1 is exponential, but is counted down.
	gamma := dist.Gamma{Shape: 1, Scale: 5e9}
	if a, b := plain.KillsPerAttempt(), chainOf(t, stallWorld(every, gamma)).KillsPerAttempt(); !near(a, b, .01) {
		t.Errorf("%v in stages, %v counted down", a, b)
	}
	if a, b := plain.Failure(), chainOf(t, stallWorld(every, gamma)).Failure(); !near(a, b, .01) {
		t.Errorf("fails with %v in stages, %v counted down", a, b)
	}
	both := stallWorld(dist.Exponential(1e15), lasts)
	both.Application.Pauses = []model.OnOff{{Name: "full GC", Every: dist.Duration{Nanoseconds: dist.Exponential(1e15)}, Lasts: dist.Duration{Nanoseconds: dist.Exponential(10e9)}}}
	one, other := chainOf(t, stallWorld(dist.Exponential(1e15), lasts)), chainWorld()
	other.Application.Pauses = both.Application.Pauses
	if got, want := chainOf(t, both).MeanTimeToKill(), 1/(1/one.MeanTimeToKill()+1/chainOf(t, other).MeanTimeToKill()); !near(got, want, 1e-4) {
		t.Errorf("together %v s to a kill, %v apart", got, want)
	}
}

// TestChainOfSingleFailures: without stalls it is S1, restarts aside, down to
// the smallest probabilities.
func TestChainOfSingleFailures(t *testing.T) {
	for _, p := range []float64{.1, .01, 1e-4, 1e-8} {
		w := chainWorld()
		w.Application.Probes[model.Liveness].Failure = p
		if got, want := chainOf(t, w).MeanAttempts(), (Run{3, p}).MeanProbes(); !near(got, want, 1e-9) {
			t.Errorf("p = %v: %v attempts, want %v", p, got, want)
		}
	}
	w := chainWorld()
	if c := chainOf(t, w); !math.IsInf(c.MeanAttempts(), 1) || c.KillsPerSecond() != 0 || c.Within(time.Hour) != 0 {
		t.Errorf("nothing fails: %v attempts, %v kills a second", c.MeanAttempts(), c.KillsPerSecond())
	}
}

// TestExponentialOf: entries keep their digits where they are far below the
// rounding of the largest.
func TestExponentialOf(t *testing.T) {
	e, err := newSurroundings([]chainStall{{Stalls: Stalls{Every: exponential(time.Hour), Lasts: exponential(time.Second), NoAnswer: true}, name: "x"}},
		Settings{Period: 10 * time.Second, Timeout: time.Second, Failures: 3}, func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, seconds := range []float64{.001, 1, 60, 600} {
		on := e.kernel(time.Duration(seconds*1e9), still)
		if got, want := on.At(1, 1), math.Exp(-seconds); !near(got, want, 1e-10) {
			t.Errorf("stands still for %v s with %v, want %v", seconds, got, want)
		}
		a, b := 1.0/3600, 1.0
		if got, want := e.kernel(time.Duration(seconds*1e9), anything).At(0, 1), a/(a+b)*-math.Expm1(-(a+b)*seconds); !near(got, want, 1e-10) {
			t.Errorf("in a stall after %v s with %v, want %v", seconds, got, want)
		}
	}
}

// TestChainOutOfReach names the reasons.
func TestChainOutOfReach(t *testing.T) {
	for want, change := range map[string]func(w *model.World){
		"there is no liveness probe": func(w *model.World) { w.Pod.Containers[0].Probes[model.Liveness] = nil },
		"the kernel answers a tcp probe for a process that stands still (C10)": func(w *model.World) {
			w.Pod.Containers[0].Probes[model.Liveness].Handler.Kind = model.TCPSocket
		},
		"attempts are not a period apart: the timeout is longer (K5)": func(w *model.World) {
			w.Pod.Containers[0].Probes[model.Liveness].TimeoutSeconds = 11
		},
		"the probe reads a status that is computed aside": func(w *model.World) { w.Application.Probes[model.Liveness].Cached = time.Second },
		`the lengths of both "full GC" and "steal" are no exponential stages`: func(w *model.World) {
			lasts := dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(1e9), Sigma: 1}}
			w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponential(time.Hour), Lasts: lasts}}}
			w.Application.Pauses = []model.OnOff{{Name: "full GC", Every: exponential(time.Hour), Lasts: lasts}}
		},
	} {
		w := chainWorld()
		change(w)
		if _, err := NewChain(w); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestChainOfSlowAnswers: a neighbour that makes every answer late while it is
// busy, and comes and goes with the channel's probabilities from attempt to
// attempt, is the channel of Gilbert and Elliott: S2's numbers.
func TestChainOfSlowAnswers(t *testing.T) {
	const toBad, toGood = .001, .2
	rate := -math.Log(1-toBad-toGood) / 10e9 // a period is 10 s
	for failures, want := range map[int32]float64{1: 996.025, 2: 1247.27, 3: 1561.34, 5: 2444.64, 6: 3058.04, 10: 7478.86} {
		w := chainWorld()
		w.Container().Probes[model.Liveness].FailureThreshold = failures
		w.Application.Probes[model.Liveness].Wait = dist.Constantly(500 * time.Millisecond)
		w.Node.Neighbours = []model.Neighbour{{
			WaitFactor: 2,
			Busy:       dist.Duration{Nanoseconds: dist.Exponential((toBad + toGood) / toGood / rate)},
			Idle:       dist.Duration{Nanoseconds: dist.Exponential((toBad + toGood) / toBad / rate)},
		}}
		chain := chainOf(t, w)
		if got := chain.MeanAttempts(); !near(got, want, 1e-5) {
			t.Errorf("%d failures: %v attempts, want %v", failures, got, want)
		}
		if len(chain.Notes) > 1 || failures == 3 && !near(chain.Failure(), .00497512, 1e-5) {
			t.Errorf("fails with %v; notes %q", chain.Failure(), chain.Notes)
		}
	}
	// Neighbours together are Elliott's channel with a state for each factor.
	w := chainWorld()
	w.Application.Probes[model.Liveness].Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(20e6), Sigma: 1}}
	w.Node.Neighbours = []model.Neighbour{{WaitFactor: 8, Busy: exponential(time.Minute), Idle: exponential(time.Hour)}, {WaitFactor: 2, Busy: exponential(time.Minute), Idle: exponential(time.Hour)}}
	late := func(factor float64) float64 {
		return 1 - w.Application.Probes[model.Liveness].Wait.CDF(time.Duration(1e9/factor)-1)
	}
	busy := 1.0 / 61
	want := (1-busy)*(1-busy)*late(1) + busy*(1-busy)*(late(8)+late(2)) + busy*busy*late(16)
	if got := chainOf(t, w).Failure(); !near(got, want, 1e-6) {
		t.Errorf("fails with %v, want %v", got, want)
	}
	w.Node.Neighbours[0].Busy = dist.Constantly(time.Minute)
	if notes := strings.Join(chainOf(t, w).Notes, "\n"); !strings.Contains(notes, `"neighbours[0]" is busy is taken in 8 exponential stages`) {
		t.Errorf("an approximation that is not said: %s", notes)
	}
}
