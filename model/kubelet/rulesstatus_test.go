package kubelet_test

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

func TestK33NewContainerRemovesTheOldResult(t *testing.T) {
	w := worker(model.Liveness, model.NewestVersion, nil)
	attempts(t, w, 0, "fff")
	if w.Result(0) != kubelet.ResultFailure || w.Result(1) != kubelet.None {
		t.Errorf("results %v and %v, want failure and none", w.Result(0), w.Result(1))
	}
	attempts(t, w, 1, "")
	w.Look(0, running(model.Liveness, 1, time.Hour))
	if w.Result(0) != kubelet.None || w.Result(1) != kubelet.ResultSuccess {
		t.Errorf("results %v and %v, want none and success", w.Result(0), w.Result(1))
	}
}

func TestK34ContainerThatDoesNotRun(t *testing.T) {
	for k := model.Startup; k < model.ProbeKinds; k++ {
		w := worker(k, model.NewestVersion, nil)
		if k != model.Startup { // whose success would hold
			attempts(t, w, 0, "s")
		} else {
			w.Look(0, running(k, 0, time.Hour))
		}
		before, _ := w.Run()
		dead := &kubelet.Seen{Status: kubelet.Status{Incarnation: 0, State: kubelet.Terminated}}
		action, stored := w.Look(time.Hour, dead)
		if action != kubelet.NotRunning || stored.N != 1 || w.Result(0) != kubelet.ResultFailure {
			t.Errorf("%v: action %d, stored %v, result %v; want no attempt and a failure", k, action, stored, w.Result(0))
		}
		run(t, w, before)
		if _, stored := w.Look(time.Hour, dead); stored.N != 0 {
			t.Errorf("%v: announces the same failure again", k)
		}
		dead.NotRestarted = true
		if action, _ := w.Look(time.Hour, dead); action != kubelet.Exit || w.Result(0) != kubelet.None || w.Running() {
			t.Errorf("%v: the worker of a container that is not restarted goes on", k)
		}
	}
	w := worker(model.Liveness, model.NewestVersion, nil)
	attempts(t, w, 0, "fff")
	dead := &kubelet.Seen{Status: kubelet.Status{Incarnation: 0, State: kubelet.Terminated}, NotRestarted: true}
	if action, _ := w.Look(time.Hour, dead); action != kubelet.OnHold {
		t.Error("a worker on hold reaches the rule")
	}
}

func TestK35LivenessBeforeStartup(t *testing.T) {
	for _, test := range []struct {
		startup, liveness string // outcomes; -: no such probe
		want              model.ProbeKind
		killed            bool
	}{
		{"-", "fff", model.Liveness, true},
		{"fff", "-", model.Startup, true},
		{"fff", "fff", model.Liveness, true},
		{"s", "ff", 0, false},
		{"ff", "-", 0, false},
	} {
		var ws kubelet.Workers
		for k, outcomes := range map[model.ProbeKind]string{model.Startup: test.startup, model.Liveness: test.liveness} {
			if outcomes != "-" {
				ws[k] = *worker(k, model.NewestVersion, nil)
				attempts(t, &ws[k], 0, outcomes)
			}
		}
		if k, killed := ws.Verdict(0); killed != test.killed || k != test.want {
			t.Errorf("startup %s, liveness %s: %v %v, want %v %v", test.startup, test.liveness, killed, k, test.killed, test.want)
		}
		if _, killed := ws.Verdict(1); killed {
			t.Error("the verdict on one container kills another")
		}
	}
	ws := workers(model.Readiness)
	attempts(t, &ws[model.Readiness], 0, "fff")
	if _, killed := ws.Verdict(0); killed {
		t.Error("a readiness failure kills")
	}
}

func TestK36Grace(t *testing.T) {
	five := int64(5)
	pod := model.Pod{TerminationGracePeriodSeconds: 30}
	if got := kubelet.Grace(&model.Probe{}, &pod); got != 30*second {
		t.Errorf("grace %v, want the pod's 30s", got)
	}
	if got := kubelet.Grace(&model.Probe{TerminationGracePeriodSeconds: &five}, &pod); got != 5*second {
		t.Errorf("grace %v, want the probe's 5s", got)
	}
	pod.TerminationGracePeriodSeconds = 1
	if got := kubelet.Grace(&model.Probe{TerminationGracePeriodSeconds: &five}, &pod); got != 5*second {
		t.Errorf("grace %v, want the probe's 5s although the pod's is shorter", got)
	}
}

func TestK37PreStopAndGrace(t *testing.T) {
	for _, test := range []struct{ grace, hook, preStop, remaining time.Duration }{
		{30 * second, 0, 0, 30 * second},
		{30 * second, 3700 * ms, 3700 * ms, 27 * second}, // whole seconds are subtracted
		{30 * second, 999 * ms, 999 * ms, 30 * second},
		{30 * second, 28 * second, 28 * second, 2 * second},
		{30 * second, 29 * second, 29 * second, 2 * second},
		{30 * second, 60 * second, 30 * second, 2 * second}, // used up
		{2 * second, 500 * ms, 500 * ms, 2 * second},
		{1 * second, 0, 0, 2 * second}, // the minimum
		{1 * second, 5 * second, 1 * second, 2 * second},
		{0, 0, 0, 2 * second},
		{0, 5 * second, 0, 2 * second}, // no hook without grace
	} {
		preStop := kubelet.PreStopLasts(test.hook, test.grace)
		if preStop != test.preStop {
			t.Errorf("grace %v, hook of %v: runs %v, want %v", test.grace, test.hook, preStop, test.preStop)
		}
		if got := kubelet.RemainingGrace(test.grace, preStop); got != test.remaining {
			t.Errorf("grace %v, hook of %v: %v from SIGTERM to SIGKILL, want %v", test.grace, test.hook, got, test.remaining)
		}
	}
}

// backOff returns the kubelet's own back-off.
func backOff() *kubelet.BackOff { return &kubelet.BackOff{Initial: 10 * second, Max: 300 * second} }

// A container that crashes as soon as it starts.
func TestK41CrashesWait10To300Seconds(t *testing.T) {
	b := backOff()
	if _, ok := b.Start(0, 0, false); !ok || b.Delay() != 0 {
		t.Fatal("the very first start is refused, or leaves a back-off")
	}
	now := second // the crash
	if _, ok := b.Start(now, now, true); !ok {
		t.Fatal("the first restart is refused")
	}
	for i, want := range []time.Duration{10, 20, 40, 80, 160, 300, 300, 300} {
		want *= second
		crash := now + second
		if b.Delay() != want {
			t.Errorf("restart %d: delay %v, want %v", i+2, b.Delay(), want)
		}
		until, ok := b.Start(crash, crash, true)
		if ok || until != crash+want {
			t.Errorf("restart %d: until %v (started %v), want %v", i+2, until, ok, crash+want)
		}
		if _, ok := b.Start(crash+want-1, crash, true); ok {
			t.Errorf("restart %d: not refused 1 ns before the end", i+2)
		}
		now = crash + want
		if _, ok := b.Start(now, crash, true); !ok {
			t.Fatalf("restart %d: refused at the end", i+2)
		}
	}
	low := kubelet.BackOff{Initial: 10 * second, Max: 4 * second}
	low.Start(second, second, true)
	if low.Delay() != 4*second {
		t.Errorf("initial delay %v under a maximum of 4 s", low.Delay())
	}
}

func TestK39DecisionUsesTheLatestExited(t *testing.T) {
	running := kubelet.Runtime{Incarnation: 2, Running: true, EarlierExited: true, EarlierFinishedAt: 50 * second}
	if finished, exited := running.LatestExited(); finished != 50*second || !exited {
		t.Errorf("running: %v %v, want the container before it", finished, exited)
	}
	gone := kubelet.Runtime{Incarnation: 2, FinishedAt: 90 * second, EarlierExited: true, EarlierFinishedAt: 50 * second}
	if finished, exited := gone.LatestExited(); finished != 90*second || !exited {
		t.Errorf("exited: %v %v, want itself", finished, exited)
	}
	first := kubelet.Runtime{Incarnation: 0, Running: true}
	if _, exited := first.LatestExited(); exited {
		t.Error("the first container has a predecessor")
	}
	none := kubelet.Runtime{Incarnation: -1}
	if _, exited := none.LatestExited(); exited {
		t.Error("a container that was never created has exited")
	}
	b := backOff()
	b.Start(10*second, 10*second, true) // d = 10 s, u = 10 s
	for _, test := range []struct {
		name          string
		now, finished time.Duration
		delay         time.Duration // 0: refused
	}{
		{"in back-off", 29999 * ms, 20 * second, 0},
		{"over", 30 * second, 20 * second, 20 * second},
		{"finished 600 s after the last start", 610 * second, 610 * second, 0},
		// A container may run for long; that it is started again is decided by f - u.
		{"finished more than 600 s after", 611 * second, 610*second + 1, 10 * second},
	} {
		copied := *b
		_, ok := copied.Start(test.now, test.finished, true)
		if ok != (test.delay > 0) || ok && copied.Delay() != test.delay {
			t.Errorf("%s: started %v, delay %v, want %v", test.name, ok, copied.Delay(), test.delay)
		}
	}
}

// A container that is killed 60 s after each of its starts.
func TestK40FirstKillDoesNotTouchTheBackOff(t *testing.T) {
	b := backOff()
	b.Start(0, 0, false)
	earlier, exited := time.Duration(0), false
	now := time.Duration(0)
	for i, want := range []time.Duration{0, 10, 20, 40, 80} {
		now += 60 * second
		if _, ok := b.Start(now, earlier, exited); !ok || b.Delay() != want*second {
			t.Errorf("kill %d: restarted %v with delay %v, want at once with %v", i+1, ok, b.Delay(), want*second)
		}
		earlier, exited = now-100*ms, true // the one just killed
	}
	// The sixth lived 60 s, less than 80: refused, until its predecessor's end + 80 s …
	now += 60 * second
	if until, ok := b.Start(now, earlier, true); ok || until != earlier+80*second {
		t.Errorf("kill 6: until %v, want %v", until, earlier+80*second)
	}
	// … and at the next sync until its own end + 80 s.
	if until, ok := b.Start(now, now-100*ms, true); ok || until != now-100*ms+80*second {
		t.Errorf("after kill 6: until %v, want %v", until, now-100*ms+80*second)
	}
}

func TestK42ForgottenTenMinutesAfterTheLastStart(t *testing.T) {
	for _, test := range []struct {
		age   time.Duration // of the last start decision
		delay time.Duration // after a further one
	}{{599 * second, 20 * second}, {600 * second, 20 * second}, {600*second + 1, 10 * second}, {3600 * second, 10 * second}} {
		b := backOff()
		b.Start(100*second, 50*second, true)
		// A probe kill: f is before u, so only the age of the start counts.
		if _, ok := b.Start(100*second+test.age, 99*second, true); !ok || b.Delay() != test.delay {
			t.Errorf("%v after the last start: delay %v, want %v", test.age, b.Delay(), test.delay)
		}
	}
	b := backOff()
	b.Start(100*second, 50*second, true)
	b.Start(800*second, 0, false)
	if b.Delay() != 0 {
		t.Error("the state is still there at a decision without an exited container")
	}
}

func TestK54KubeletRestartForgetsTheBackOff(t *testing.T) {
	b := backOff()
	b.Start(100*second, 50*second, true)
	b.Forget()
	if _, ok := b.Start(101*second, 101*second, true); !ok || b.Delay() != 10*second {
		t.Errorf("delay %v, want the first one", b.Delay())
	}
}

func TestK53DeletionGraceIsAtLeastOneSecond(t *testing.T) {
	for seconds, want := range map[int64]time.Duration{0: second, 1: second, 2: 2 * second, 30: 30 * second} {
		if got := kubelet.DeletionGrace(&model.Pod{TerminationGracePeriodSeconds: seconds}, nil); got != want {
			t.Errorf("grace of %d s: %v, want %v", seconds, got, want)
		}
	}
	if got := kubelet.RemainingGrace(kubelet.DeletionGrace(&model.Pod{}, nil), 0); got != 2*second {
		t.Errorf("at the container %v, want 2s (K37)", got)
	}
}

func TestK54AdoptedContainerKeepsItsReadiness(t *testing.T) {
	for _, ready := range []bool{false, true} {
		ws := workers(model.Startup, model.Readiness, model.Liveness)
		before := kubelet.Status{State: kubelet.Running, Started: true, Ready: ready}
		r := kubelet.Runtime{Running: true}
		var none kubelet.Workers // at the new kubelet's first sync
		if s, trigger := none.Generate(&r, before, false, true); s != before || trigger {
			t.Errorf("status %+v, trigger %v; want what it was: %+v, none", s, trigger, before)
		}
		s, trigger := ws.Generate(&r, before, false, true)
		if s != before || !trigger { // K9: the result is not success
			t.Errorf("status %+v, trigger %v; want what it was: %+v, and one", s, trigger, before)
		}
		seen := &kubelet.Seen{Status: s, Adopted: true}
		for k := range ws {
			if _, stored := ws[k].Look(time.Hour, seen); stored.N != 0 || ws[k].Result(0) != kubelet.None {
				t.Errorf("%v: stored %v, want no initial value", model.ProbeKind(k), stored)
			}
		}
		ws[model.Readiness].Finish(kubelet.Success) // an attempt says otherwise, or the same
		if s, trigger := ws.Generate(&r, s, false, true); !s.Ready || trigger {
			t.Errorf("ready %v, trigger %v after a success", s.Ready, trigger)
		}
	}
	for minor, want := range map[int]bool{34: false, 35: true} {
		if got := (model.Version{Minor: minor}).AdoptsContainers(); got != want {
			t.Errorf("1.%d adopts: %v, want %v", minor, got, want)
		}
	}
}

func TestK44StateInTheStatus(t *testing.T) {
	for _, test := range []struct {
		name    string
		runtime kubelet.Runtime
		refused bool
		want    kubelet.ContainerState
	}{
		{"none yet", kubelet.Runtime{Incarnation: -1}, false, kubelet.Waiting},
		{"running", kubelet.Runtime{Running: true}, false, kubelet.Running},
		{"exited", kubelet.Runtime{}, false, kubelet.Terminated},
		{"refused", kubelet.Runtime{}, true, kubelet.Waiting}, // CrashLoopBackOff
	} {
		ws := workers(model.Readiness)
		s, trigger := ws.Generate(&test.runtime, kubelet.Status{}, test.refused, false)
		if s.State != test.want || s.Ready || trigger != test.runtime.Running {
			t.Errorf("%s: %+v, trigger %v", test.name, s, trigger)
		}
	}
}

func TestK46Ready(t *testing.T) {
	for _, test := range []struct {
		name      string
		running   bool
		readiness string // outcomes; -: no such probe
		startup   string
		want      bool
	}{
		{"no probes", true, "-", "-", true},
		{"no readiness probe, not started", true, "-", "", false},
		{"no readiness probe, started", true, "-", "s", true},
		{"no attempt yet", true, "", "-", false},
		{"success", true, "s", "-", true},
		{"failures", true, "sfff", "-", false},
		{"failures below the threshold", true, "sff", "-", true},
		{"success, not started", true, "s", "", false},
		{"not running", false, "s", "-", false},
	} {
		var ws kubelet.Workers
		for k, outcomes := range map[model.ProbeKind]string{model.Readiness: test.readiness, model.Startup: test.startup} {
			if outcomes != "-" {
				ws[k] = *worker(k, model.NewestVersion, nil)
				attempts(t, &ws[k], 0, outcomes)
			}
		}
		r := kubelet.Runtime{Running: test.running}
		if s, _ := ws.Generate(&r, kubelet.Status{Incarnation: -1}, false, false); s.Ready != test.want {
			t.Errorf("%s: ready %v, want %v", test.name, s.Ready, test.want)
		}
	}
}

func TestK47NewContainerIsNotReadyAtItsFirstStatus(t *testing.T) {
	ws := workers(model.Readiness)
	attempts(t, &ws[model.Readiness], 0, "s")
	next := kubelet.Runtime{Incarnation: 1, Running: true}
	s, trigger := ws.Generate(&next, kubelet.Status{State: kubelet.Running, Ready: true, Started: true}, false, false)
	if s.Ready || !trigger {
		t.Errorf("ready %v, trigger %v: the old container's result counts for the new one", s.Ready, trigger)
	}
}

func TestK52WorkersOfADeletedPod(t *testing.T) {
	for k := model.Startup; k < model.ProbeKinds; k++ {
		w := worker(k, model.NewestVersion, nil)
		seen := running(k, 0, 0)
		seen.Deleted = true
		action, _ := w.Look(time.Hour, seen)
		if k == model.Readiness {
			if action != kubelet.Attempt {
				t.Error("the readiness worker stops")
			}
			continue
		}
		if action != kubelet.Exit || w.Result(0) != kubelet.ResultSuccess {
			t.Errorf("%v: action %d, result %v; want an exit that leaves success", k, action, w.Result(0))
		}
	}
	w := worker(model.Liveness, model.NewestVersion, nil)
	attempts(t, w, 0, "fff")
	w.Stop()
	if w.Running() || w.Result(0) != kubelet.None {
		t.Error("a stopped worker leaves its result")
	}
}
