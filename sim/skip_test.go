package sim_test

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/calc"
)

// restless is a pod that skip-ahead has every reason to treat wrongly: answers
// that are late at times, pauses, stalls, hangs, crashes, deletions and restarts
// of the kubelet, all of them frequent.
func restless(w *model.World) {
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		w.Application.Probes[k].Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(100e6), Sigma: 1}}
		w.Application.Probes[k].Failure = .005
	}
	w.Application.Startup = []model.Stage{{Wait: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(12e9), Sigma: .5}}}}
	w.Application.Pauses = []model.OnOff{{Name: "full GC", Every: exponentially(20 * time.Minute), Lasts: exponentially(5 * time.Second)}}
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponentially(time.Hour), Lasts: exponentially(8 * time.Second)}}}
	w.Node.Neighbours = []model.Neighbour{
		{WaitFactor: 3, Busy: exponentially(2 * time.Minute), Idle: exponentially(20 * time.Minute)},
		{WaitFactor: 2, Busy: dist.Constantly(5 * time.Minute), Idle: dist.Constantly(time.Hour)},
	}
	w.Faults = []model.Fault{
		{Name: "deadlock", Every: exponentially(6 * time.Hour), Forever: true, Hangs: true, Probes: [model.ProbeKinds]bool{true, true, true}},
		{Name: "bug", Every: exponentially(8 * time.Hour), Exits: true},
	}
	d, k, r := exponentially(10*time.Hour), exponentially(12*time.Hour), exponentially(20*time.Hour)
	w.Events.Deletion, w.Events.KubeletRestart, w.Events.Rollout = &d, &k, &r
}

// starved is such a pod at a CPU limit of 100m, whose answers take CPU time that the
// quota stretches now and then, on a node with interruptions and neighbours that
// take CPU, and contend for what the answers wait for.
func starved(w *model.World) {
	restless(w)
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		w.Application.Probes[k].CPU = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(600e3), Sigma: 1.5}}
	}
	c := w.Container()
	c.CPURequestMilli, c.CPULimitMilli = 100, 100
	w.Node.InterruptionsPerSecond = 30
	w.Node.Neighbours[0].CPURequestMilli = 1000
	w.Node.Stalls[0].ChargedToQuota = true
}

// commanded is such a pod with exec probes, whose commands join the container's
// cgroup and take CPU time of their own (C26, C27), without a limit.
func commanded(w *model.World) {
	starved(w)
	c := w.Container()
	c.CPURequestMilli, c.CPULimitMilli = 1000, 0
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		c.Probes[k].Handler.Kind = model.Exec
		w.Application.Probes[k].Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(60e6), Sigma: 1}}
		w.Application.Probes[k].Exec = model.ExecCost{
			Join:      dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(5e6), Sigma: 1.2}},
			HelperCPU: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(6e6), Sigma: 1}},
		}
	}
}

// crowded is such a pod with a second container, a cached status, a timeout beyond
// the period and a command that takes no CPU.
func crowded(w *model.World) {
	restless(w)
	w.Node.Neighbours[0].WaitFactor = 1.5
	w.Application.Probes[model.Readiness].Cached = 7 * time.Second
	w.Dependencies = []model.OnOff{{Every: exponentially(3 * time.Hour), Lasts: exponentially(90 * time.Second)}}
	w.Application.Probes[model.Readiness].DependsOn = []int{0}
	c := w.Container()
	c.Probes[model.Liveness].PeriodSeconds, c.Probes[model.Liveness].TimeoutSeconds = 3, 5
	c.Probes[model.Readiness].Handler.Kind = model.Exec
	c.Probes[model.Readiness].FailureThreshold = 1
	other := model.Container{Name: "other"}
	other.Probes[model.Readiness] = &model.Probe{PeriodSeconds: 7}
	other.Probes[model.Readiness].SetDefaults()
	w.Pod.Containers = append(w.Pod.Containers, other)
	w.Application.Probes[model.Liveness].Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(200e6), Sigma: 1.4}}
}

// overlapping is a pod whose every failed liveness probe kills at once, often while
// a readiness attempt is under way, which fails with the process (K70).
func overlapping(w *model.World) {
	w.Application.Startup = []model.Stage{{Wait: exponentially(2 * time.Second)}}
	w.Application.Probes[model.Liveness].Failure = .02
	w.Application.Probes[model.Readiness].Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(1.5e9), Sigma: .25}}
	c := w.Container()
	c.Probes[model.Liveness].PeriodSeconds, c.Probes[model.Liveness].FailureThreshold = 3, 1
	c.Probes[model.Readiness].PeriodSeconds, c.Probes[model.Readiness].TimeoutSeconds = 5, 3
}

// turning is a pod whose neighbours turn every few seconds, mostly while attempts
// are under way that fail, or overlap another that does.
func turning(w *model.World) {
	w.Application.Startup = []model.Stage{{Wait: exponentially(2 * time.Second)}}
	w.Node.Neighbours = []model.Neighbour{
		{WaitFactor: 3, Busy: exponentially(3 * time.Second), Idle: exponentially(6 * time.Second)},
		{WaitFactor: 2, Busy: dist.Constantly(700 * time.Millisecond), Idle: exponentially(5 * time.Second)},
	}
	for k, median := range map[model.ProbeKind]float64{model.Readiness: 300e6, model.Liveness: 500e6} {
		w.Application.Probes[k].Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(median), Sigma: .6}}
		p := w.Container().Probes[k]
		p.PeriodSeconds, p.TimeoutSeconds = 3, 1
	}
	w.Container().Probes[model.Liveness].TimeoutSeconds = 2
}

// TestSkipAheadIsTheEventEngine holds the two to each other, measure by measure,
// within three standard errors.
func TestSkipAheadIsTheEventEngine(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *model.World)
		lives  int
	}{"restless": {restless, 200}, "starved": {starved, 60}, "commanded": {commanded, 60}, "crowded": {crowded, 60}, "overlapping": {overlapping, 50}, "turning": {turning, 25}} {
		t.Run(name, func(t *testing.T) {
			w := world(c.change, model.Startup, model.Readiness, model.Liveness)
			w.Pod.Containers[0].Probes[model.Startup].FailureThreshold = 30
			comesToTheSame(t, w, c.lives, 4*day)
		})
	}
}

// comesToTheSame simulates so many lives event by event, and others skipping ahead, and
// compares what they come to.
func comesToTheSame(t *testing.T, w *model.World, lives int, horizon time.Duration) {
	t.Helper()
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	if !s.SkipsAhead() {
		t.Fatal("does not skip")
	}
	type moments struct{ sum, square float64 }
	var found [2]map[string]*moments
	n := float64(lives)
	for skips := range found {
		found[skips] = map[string]*moments{}
		for i := range lives {
			o := s.Run(sim.Life{Seed: uint64(1 + skips), Replication: uint64(i), Horizon: horizon, SkipAhead: skips == 1})
			for name, x := range measured(o) {
				m := found[skips][name]
				if m == nil {
					m = &moments{}
					found[skips][name] = m
				}
				m.sum, m.square = m.sum+x/n, m.square+x*x/n
			}
		}
	}
	for name, events := range found[0] {
		skipped := found[1][name]
		err := math.Sqrt((events.square - events.sum*events.sum + skipped.square - skipped.sum*skipped.sum) / (n - 1))
		if d := skipped.sum - events.sum; math.Abs(d) > 3*err+1e-9 {
			t.Errorf("%s: %.5g event by event, %.5g skipping ahead: %.1f standard errors", name, events.sum, skipped.sum, d/err)
		}
	}
}

// measured returns what an outcome says that could differ.
func measured(o *sim.Outcome) map[string]float64 {
	m := map[string]float64{
		"starts": float64(o.Starts), "crashes": float64(o.Crashes), "false kills by liveness": float64(o.FalseKills[model.Liveness]),
		"true kills": float64(o.TrueKills[model.Liveness]), "dead traffic": o.DeadTraffic.Seconds(), "slow traffic": o.SlowTraffic.Seconds(),
		"false unready": o.FalseUnready.Seconds(), "available": o.Available.Seconds(), "back-off": o.BackOffTime.Seconds(),
		"hangs": float64(o.Faults), "detected": float64(len(o.Detections)),
	}
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		m[k.String()+" attempts"], m[k.String()+" failures"] = float64(o.Attempts[k]), float64(o.Failures[k])
		for i := range 3 {
			m[k.String()+" runs of "+string(rune('1'+i))] = float64(o.RunLengths[k][i])
		}
	}
	for state, d := range o.StateTime {
		m[sim.TrueState(state).String()] = d.Seconds()
	}
	total := 0.0
	for _, d := range o.Detections {
		total += d.Seconds()
	}
	m["detection"] = total
	m["probe CPU"] = o.ProbeCPU.Seconds()
	return m
}

// TestSkipAheadIsTheChain holds skip-ahead to the exact chain, at kills that are
// rare enough to be passed over: by stalls, and by a neighbour that slows answers.
func TestSkipAheadIsTheChain(t *testing.T) {
	for _, c := range []struct {
		name   string
		years  int
		spread float64 // variance of the kills over that of a Poisson process
		world  func(w *model.World)
	}{
		{"stalls", 20, 1, func(w *model.World) {
			w.Application.Probes[model.Liveness].Failure = .01
			w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponentially(6 * time.Hour), Lasts: exponentially(5 * time.Second)}}}
		}},
		{"stalls beside CPU time", 20, 1, func(w *model.World) {
			w.Application.Probes[model.Liveness].Failure = .01
			w.Application.Probes[model.Liveness].CPU = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(2e6), Sigma: 1.2}}
			w.Application.Probes[model.Liveness].Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(100e6), Sigma: .9}}
			w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponentially(6 * time.Hour), Lasts: exponentially(5 * time.Second)}}}
		}},
		// Two kills can fall into one busy stretch.
		{"slow answers", 60, 1.5, func(w *model.World) {
			w.Application.Probes[model.Liveness].Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(60e6), Sigma: 1}}
			w.Node.Neighbours = []model.Neighbour{{WaitFactor: 8, Busy: exponentially(time.Minute), Idle: exponentially(6 * time.Hour)}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := world(c.world, model.Liveness)
			chain, err := calc.NewChain(w)
			if err != nil {
				t.Fatal(err)
			}
			s, err := sim.New(w)
			if err != nil {
				t.Fatal(err)
			}
			kills, attempts, failures := 0.0, 0.0, 0.0
			for i := range c.years {
				o := s.Run(sim.Life{Seed: 3, Replication: uint64(i), Horizon: 8766 * time.Hour, SkipAhead: true})
				kills += float64(o.FalseKills[model.Liveness])
				attempts += float64(o.Attempts[model.Liveness])
				failures += float64(o.Failures[model.Liveness])
			}
			years := float64(c.years)
			want := chain.KillsPerSecond() * years * 8766 * 3600
			t.Logf("%v kills, by the chain %.1f; a probe fails with %.6g, by the chain %.6g", kills, want, failures/attempts, chain.Failure())
			if math.Abs(kills-want) > 3*math.Sqrt(c.spread*want) {
				t.Errorf("%v kills, by the chain %.1f", kills, want)
			}
			if share := failures / attempts; math.Abs(share/chain.Failure()-1) > .01 {
				t.Errorf("a probe fails with %.6g, by the chain %.6g", share, chain.Failure())
			}
			if expected := years * 8766 * 360.; math.Abs(attempts/expected-1) > 1e-3 {
				t.Errorf("%v attempts, want about %v", attempts, expected)
			}
		})
	}
}

// TestDecidedAttemptsAreMade: what skip-ahead decided on is used up, or it would not
// go on. A tcp probe, which the kernel answers, uses up nothing.
func TestDecidedAttemptsAreMade(t *testing.T) {
	w := world(func(w *model.World) {
		w.Application.Probes[model.Liveness].CPU = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(2e6), Sigma: 1.5}}
		c := w.Container()
		c.Probes[model.Readiness].Handler.Kind = model.TCPSocket
		c.Probes[model.Readiness].PeriodSeconds = 2
	}, model.Readiness, model.Liveness)
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for i := range uint64(20) {
		s.Run(sim.Life{Seed: 1, Replication: i, Horizon: 10 * day, SkipAhead: true})
		if s.Decided() {
			left++
		}
	}
	if left > 1 { // a life may end just then
		t.Errorf("in %d of 20 lives an attempt that was decided on was not made", left)
	}
}

// TestWhereSkipAheadIsNotValid: what makes probes depend on each other, or asks
// for a trace, is simulated event by event.
func TestWhereSkipAheadIsNotValid(t *testing.T) {
	for name, change := range map[string]func(w *model.World){
		"traffic": func(w *model.World) { w.Application.Traffic = &model.Traffic{PerSecond: 1} },
		"much CPU": func(w *model.World) {
			w.Application.Probes[model.Liveness].CPU = dist.Constantly(600 * time.Millisecond)
		},
		"more than the quota": func(w *model.World) {
			w.Application.Probes[model.Liveness].CPU = dist.Constantly(3 * time.Millisecond)
			w.Container().CPULimitMilli = 20
		},
		"no port":     func(w *model.World) { w.Pod.Containers[0].Probes[model.Liveness].Handler.NoPort = true },
		"often fails": func(w *model.World) { w.Application.Probes[model.Liveness].Failure = .2 },
	} {
		s, err := sim.New(world(change, model.Liveness))
		if err != nil {
			t.Fatal(err)
		}
		if s.SkipsAhead() {
			t.Errorf("%s: skips ahead", name)
		}
	}
	s, err := sim.New(world(nil, model.Liveness))
	if err != nil {
		t.Fatal(err)
	}
	trace := &sim.Trace{}
	s.Run(sim.Life{Seed: 1, Horizon: time.Hour, SkipAhead: true, Trace: trace})
	attempts := 0
	for _, e := range trace.Events {
		if e.Kind == sim.EventAttempt {
			attempts++
		}
	}
	if attempts < 359 {
		t.Errorf("a trace shows %d attempts of 360", attempts)
	}
}
