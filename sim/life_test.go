package sim_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// world returns a pod with one container that is up at once and has the given
// probes, all of default handlers and thresholds unless changed by change.
func world(change func(w *model.World), kinds ...model.ProbeKind) *model.World {
	w := &model.World{Replicas: 1, Node: model.DefaultNode(), Cluster: model.DefaultCluster()}
	c := model.Container{Name: "api"}
	for _, k := range kinds {
		c.Probes[k] = &model.Probe{}
		c.Probes[k].SetDefaults()
	}
	w.Pod = model.Pod{Containers: []model.Container{c}, TerminationGracePeriodSeconds: model.DefaultGrace}
	for k := range w.Application.Probes {
		w.Application.Probes[k] = model.DefaultAnswer(model.HTTPGet)
	}
	if change != nil {
		change(w)
	}
	return w
}

func run(t *testing.T, w *model.World, life sim.Life) *sim.Outcome {
	t.Helper()
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	return s.Run(life)
}

const day = 24 * time.Hour

func exponentially(mean time.Duration) dist.Duration {
	return dist.Duration{Nanoseconds: dist.Exponential(mean)}
}

// agree fails unless got is within a relative tolerance of want.
func agree(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
		t.Errorf("%s: got %.6g, want %.6g within %g %%", what, got, want, 100*tolerance)
	}
}

// Failures of single answers that are independent kill at the rate of Feller's
// runs: one kill in (1-p^F)/((1-p)p^F) probes (S1). About 10,000 kills are
// seen, so that three standard errors are 3 %.
func TestIndependentFailuresKillAtTheRateOfRuns(t *testing.T) {
	w := world(func(w *model.World) { w.Application.Probes[model.Liveness].Failure = 0.3 }, model.Liveness)
	o := run(t, w, sim.Life{Seed: 1, Horizon: 60 * day})
	mean := (1 - math.Pow(.3, 3)) / (.7 * math.Pow(.3, 3))
	agree(t, "probes to a kill", float64(o.Attempts[model.Liveness])/float64(o.FalseKills[model.Liveness]), mean, .03)
	agree(t, "failures", float64(o.Failures[model.Liveness])/float64(o.Attempts[model.Liveness]), .3, .01)
}

// A stall of length L that begins at a uniform phase kills if F probes begin in
// its first L-T seconds (S3): the answer comes 1 ms after the stall, which
// shortens T by as much.
func TestStallsKillByTheirLength(t *testing.T) {
	for _, c := range []struct {
		name  string
		lasts dist.Duration
		want  float64
	}{
		{"constant 22 s", dist.Constantly(22 * time.Second), .1},
		{"constant 25 s", dist.Constantly(25 * time.Second), .4},
		{"constant 28 s", dist.Constantly(28 * time.Second), .7},
		{"exponential 10 s", exponentially(10 * time.Second), .0774072},
		{"constant 20 s", dist.Constantly(20 * time.Second), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := world(func(w *model.World) {
				w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponentially(time.Hour), Lasts: c.lasts}}}
			}, model.Liveness)
			const horizon = 500 * day
			o := run(t, w, sim.Life{Seed: 2, Horizon: horizon})
			stalls := float64(horizon) / float64(time.Hour+c.lasts.Mean())
			got := float64(o.FalseKills[model.Liveness]) / stalls
			if c.want == 0 { // two stalls can follow each other within a period
				if got > 2e-3 {
					t.Errorf("killed by %.4f of the stalls, want none", got)
				}
				return
			}
			// About 12,000 stalls: three standard errors of .0774 are 9 %.
			agree(t, "killed by a stall", got, c.want, .1)
		})
	}
}

// A kill ends a pause, which belongs to the process, but not a stall, which
// belongs to the node.
func TestKillEndsAPause(t *testing.T) {
	long := model.OnOff{Name: "full GC", Every: dist.Constantly(time.Hour), Lasts: dist.Constantly(30 * time.Minute)}
	paused := run(t, world(func(w *model.World) { w.Application.Pauses = []model.OnOff{long} }, model.Liveness),
		sim.Life{Seed: 3, Horizon: 80 * time.Minute})
	if paused.FalseKills[model.Liveness] != 1 || paused.StateTime[sim.Stalled] > time.Minute {
		t.Errorf("pause: %d kills, %v stalled; want 1 kill that ends it", paused.FalseKills[model.Liveness], paused.StateTime[sim.Stalled])
	}
	stalled := run(t, world(func(w *model.World) { w.Node.Stalls = []model.Stall{{OnOff: long}} }, model.Liveness),
		sim.Life{Seed: 3, Horizon: 3 * time.Hour})
	if stalled.FalseKills[model.Liveness] < 2 {
		t.Errorf("stall: %d kills, want several in one stall", stalled.FalseKills[model.Liveness])
	}
}

// A hang is detected F·P at the latest after its beginning plus the timeout,
// and (F-1)·P plus the timeout at the soonest (S4).
func TestHangIsDetectedInItsWindow(t *testing.T) {
	s, err := sim.New(world(nil, model.Readiness, model.Liveness))
	if err != nil {
		t.Fatal(err)
	}
	var total time.Duration
	const lives = 400
	for i := range uint64(lives) {
		at := 5*time.Minute + time.Duration(i)*10*time.Second/lives
		o := s.Run(sim.Life{Seed: 4, Replication: i, Horizon: time.Hour, Hang: at})
		if len(o.Detections) != 1 || len(o.Recoveries) != 1 || len(o.Removals) != 1 {
			t.Fatalf("life %d: %d detections, %d removals, %d recoveries", i, len(o.Detections), len(o.Removals), len(o.Recoveries))
		}
		d := o.Detections[0]
		if d < 21*time.Second || d > 31*time.Second+10*time.Millisecond {
			t.Errorf("detected after %v, want 21 s to 31 s", d)
		}
		if o.TrueKills[model.Liveness] != 1 || o.FalseKills[model.Liveness] != 0 {
			t.Errorf("kills: %d true, %d false", o.TrueKills[model.Liveness], o.FalseKills[model.Liveness])
		}
		total += d
	}
	agree(t, "mean detection", (total / lives).Seconds(), 26, .01)
}

// Every nanosecond of a life is in exactly one state.
func TestTimeIsBookedOnce(t *testing.T) {
	w := agitated()
	for i := range uint64(5) {
		o := run(t, w, sim.Life{Seed: 5, Replication: i, Horizon: 3 * day})
		var total time.Duration
		for _, d := range o.StateTime {
			total += d
		}
		if total != o.PodTime || o.PodTime != 3*day {
			t.Errorf("%v booked of %v", total, o.PodTime)
		}
		if o.Available+o.FalseUnready != o.StateTime[sim.Serving] {
			t.Errorf("serving %v, of which %v in and %v out of the endpoints", o.StateTime[sim.Serving], o.Available, o.FalseUnready)
		}
	}
}

// agitated is a world in which everything happens.
func agitated() *model.World {
	return world(func(w *model.World) {
		c := w.Container()
		c.CPULimitMilli = 200
		c.Probes[model.Startup].FailureThreshold = 10
		app := &w.Application
		for k := range app.Probes {
			app.Probes[k].CPU = dist.Constantly(5 * time.Millisecond)
			app.Probes[k].Failure = .05
		}
		app.Startup = []model.Stage{{CPU: dist.Constantly(2 * time.Second), Wait: exponentially(3 * time.Second)}}
		app.Background = []model.Background{{Every: exponentially(2 * time.Second), CPU: dist.Constantly(200 * time.Millisecond), Workers: 1}}
		app.Pauses = []model.OnOff{{Name: "GC", Every: exponentially(time.Hour), Lasts: exponentially(5 * time.Second)}}
		app.Shutdown.Wait = dist.Constantly(2 * time.Second)
		w.Faults = []model.Fault{
			{Name: "deadlock", Every: exponentially(8 * time.Hour), Forever: true, Hangs: true},
			{Name: "bug", Every: exponentially(12 * time.Hour), Exits: true},
		}
		w.Dependencies = []model.OnOff{{Name: "db", Every: exponentially(6 * time.Hour), Lasts: exponentially(time.Minute)}}
		app.Probes[model.Readiness].DependsOn = []int{0}
		w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponentially(20 * time.Minute), Lasts: exponentially(3 * time.Second)}}}
		w.Node.Neighbours = []model.Neighbour{{CPURequestMilli: 2000, Busy: exponentially(time.Minute), Idle: exponentially(10 * time.Minute)}}
	}, model.Startup, model.Readiness, model.Liveness)
}

// A life is a function of world, seed and replication, whatever the simulator
// did before.
func TestLifeIsReproducible(t *testing.T) {
	w := agitated()
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	life := sim.Life{Seed: 6, Replication: 9, Horizon: 2 * day}
	fresh := *run(t, w, life)
	s.Run(sim.Life{Seed: 7, Horizon: 5 * time.Hour, Hang: 2 * time.Hour})
	s.Observe(sim.Life{Seed: 7, Horizon: time.Hour}, model.Liveness, time.Second)
	again := *s.Run(life)
	if !reflect.DeepEqual(normal(fresh), normal(again)) {
		t.Errorf("first\n%+v\nthen\n%+v", fresh, again)
	}
	other := *s.Run(sim.Life{Seed: 6, Replication: 10, Horizon: 2 * day})
	if reflect.DeepEqual(normal(fresh), normal(other)) {
		t.Error("two replications are alike")
	}
}

// normal makes empty slices equal to missing ones.
func normal(o sim.Outcome) sim.Outcome {
	v := reflect.ValueOf(&o).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice && f.Len() == 0 {
			f.SetZero()
		}
	}
	return o
}

// Observations are what a probe of that period would have met.
func TestObservationsMeetWhatProbesMeet(t *testing.T) {
	w := world(func(w *model.World) {
		w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Every: exponentially(5 * time.Minute), Lasts: exponentially(8 * time.Second)}}}
	}, model.Liveness)
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	observations := s.Observe(sim.Life{Seed: 8, Horizon: 20 * day}, model.Liveness, 10*time.Second)
	for _, o := range observations {
		if o.Latency >= time.Second {
			failed++
		}
	}
	// The share of time that is less than T before a stall's end, or in it.
	rate := 1 / (300 + 8.0)
	agree(t, "late answers", float64(failed)/float64(len(observations)), rate*8*math.Exp(-.999/8), .08)
}

// A steady life allocates nothing.
func TestLifeDoesNotAllocate(t *testing.T) {
	s, err := sim.New(world(nil, model.Startup, model.Readiness, model.Liveness))
	if err != nil {
		t.Fatal(err)
	}
	s.Run(sim.Life{Seed: 1, Horizon: day})
	if n := testing.AllocsPerRun(3, func() { s.Run(sim.Life{Seed: 1, Horizon: day}) }); n > 0 {
		t.Errorf("%v allocations a life", n)
	}
}

// What is not simulated is said, not left out.
func TestUnsupportedIsSaid(t *testing.T) {
	w := world(func(w *model.World) {
		w.Cluster.KubernetesVersion.Minor = 20
	}, model.Liveness)
	if _, err := sim.New(w); err == nil || err.Error() != "cluster.kubernetesVersion 1.20: not simulated by this version" {
		t.Errorf("got %v", err)
	}
}

func BenchmarkLife(b *testing.B) {
	for _, c := range []struct {
		name string
		w    *model.World
	}{{"calm", world(nil, model.Startup, model.Readiness, model.Liveness)}, {"agitated", agitated()}} {
		b.Run(c.name, func(b *testing.B) {
			s, err := sim.New(c.w)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			var attempts int64
			for i := range b.N {
				o := s.Run(sim.Life{Seed: 1, Replication: uint64(i), Horizon: day})
				attempts += o.Attempts[0] + o.Attempts[1] + o.Attempts[2]
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(attempts), "ns/probe")
		})
	}
}

// An external load balancer goes on sending requests to a pod that left the
// endpoints until its deregistration is through, or until its own health check
// has failed often enough (I25).
func TestLoadBalancerIsTheLastProxy(t *testing.T) {
	for _, c := range []struct {
		name     string
		balancer *model.LoadBalancer
		min, max time.Duration
	}{
		{"none", nil, 21 * time.Second, 31*time.Second + 100*time.Millisecond},
		{"deregistration of 40 s", &model.LoadBalancer{Deregistration: 40 * time.Second}, 61 * time.Second, 71*time.Second + 100*time.Millisecond},
		{"health check of 2 × 5 s", &model.LoadBalancer{Deregistration: 40 * time.Second, PeriodSeconds: 5, FailureThreshold: 2}, 21 * time.Second, 31*time.Second + 100*time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := sim.New(world(func(w *model.World) { w.Cluster.LoadBalancer = c.balancer }, model.Readiness))
			if err != nil {
				t.Fatal(err)
			}
			for i := range uint64(50) {
				at := 5*time.Minute + time.Duration(i)*200*time.Millisecond
				o := s.Run(sim.Life{Seed: 9, Replication: i, Horizon: 10 * time.Minute, Hang: at})
				if len(o.Removals) != 1 || o.Removals[0] < c.min || o.Removals[0] > c.max {
					t.Fatalf("removed after %v, want %v to %v", o.Removals, c.min, c.max)
				}
			}
		})
	}
}

// A deleted pod that exits at once stays a target until its deregistration is
// through, or until its health check has failed twice, whether its successor is
// Ready in between or not (I25).
func TestGoneTargetOutlastsItsSuccessorsStart(t *testing.T) {
	const every = 10 * time.Minute
	for _, c := range []struct {
		balancer model.LoadBalancer
		seconds  float64
	}{
		{model.LoadBalancer{Deregistration: 30 * time.Second}, 30},
		{model.LoadBalancer{Deregistration: 30 * time.Second, PeriodSeconds: 5, FailureThreshold: 2}, 7.5},
	} {
		for _, start := range []time.Duration{5 * time.Millisecond, time.Minute} {
			o := run(t, world(func(w *model.World) {
				w.Replicas = 3
				w.Cluster.LoadBalancer = &c.balancer
				w.Application.Startup = []model.Stage{{Wait: dist.Constantly(start)}}
				d := dist.Constantly(every)
				w.Events.Deletion = &d
			}, model.Readiness), sim.Life{Seed: 3, Horizon: 2 * day})
			deletions := float64(2*day) / float64(every)
			agree(t, "dead traffic of a deletion", o.DeadTraffic.Seconds()/deletions, c.seconds, .05)
		}
	}
}

// A container that burns CPU without end runs for its quota's share of the time,
// and is stalled for the rest: 20 % of the time at 200m on one CPU (C6, C12).
func TestThrottledTimeIsStalled(t *testing.T) {
	w := world(func(w *model.World) {
		w.Container().CPULimitMilli = 200
		w.Node.CPUs = 1
		w.Application.Background = []model.Background{{Always: true, Threads: 1}}
	}, model.Readiness)
	o := run(t, w, sim.Life{Seed: 12, Horizon: day})
	agree(t, "share of time stalled", float64(o.StateTime[sim.Stalled])/float64(o.PodTime), .8, .01)
	agree(t, "share of time with slow traffic", float64(o.SlowTraffic)/float64(o.PodTime), .8, .01)
	agree(t, "availability", float64(o.Available)/float64(o.PodTime), .2, .02)
}

// A life that ends within a fault leaves nothing of it to the next one.
func TestFaultsDoNotOutliveTheirLife(t *testing.T) {
	w := world(func(w *model.World) {
		w.Faults = []model.Fault{{
			Every: exponentially(day), Forever: true, Answers: model.FaultFailure,
			Probes: [model.ProbeKinds]bool{model.Readiness: true},
		}}
		w.Application.Resources = []model.Resource{{
			PerHour: dist.Constant(.1), Fails: []model.ProbeKind{model.Readiness}, FailsAt: .5, AtFull: model.FullHangs,
		}}
	}, model.Readiness)
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	s.Run(sim.Life{Seed: 1, Replication: 1, Horizon: 10 * day})
	again := *s.Run(sim.Life{Seed: 1, Replication: 2, Horizon: 10 * time.Minute})
	if fresh := *run(t, w, sim.Life{Seed: 1, Replication: 2, Horizon: 10 * time.Minute}); !reflect.DeepEqual(normal(fresh), normal(again)) {
		t.Errorf("a fresh simulator gives %v available, a used one %v", fresh.Available, again.Available)
	}
}

// Crashes are no hangs: the samples of an injected hang are its own.
func TestInjectedHangIsSampledAlone(t *testing.T) {
	s, err := sim.New(world(func(w *model.World) {
		w.Faults = []model.Fault{{Exits: true, Every: exponentially(5 * time.Minute)}}
	}, model.Readiness, model.Liveness))
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(200) {
		o := s.Run(sim.Life{Seed: 13, Replication: i, Horizon: 3 * time.Hour, Hang: time.Hour})
		if o.Faults != 1 || len(o.Removals) > 1 || len(o.Recoveries) != 1 { // a pod out of the endpoints has nothing to be removed from
			t.Fatalf("life %d: %d faults, %d removals, %d recoveries", i, o.Faults, len(o.Removals), len(o.Recoveries))
		}
	}
}

// A deletion that comes while the kubelet restarts is acted on when it is back.
func TestDeletionWaitsForTheKubelet(t *testing.T) {
	every := exponentially(2 * time.Minute)
	w := world(func(w *model.World) { w.Events.Deletion, w.Events.KubeletRestart = &every, &every }, model.Readiness)
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(50) {
		if o := s.Run(sim.Life{Seed: 14, Replication: i, Horizon: 4 * time.Hour}); o.Starts < 40 {
			t.Errorf("life %d: %d pods in four hours, want about a hundred", i, o.Starts)
		}
	}
}
