package kubelet_test

import (
	"slices"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// Each test here is named after the rule it holds, K1 to K87 of docs/model.md.
// Those of a pod's whole life are in package sim.

const ms, second = time.Millisecond, time.Second

// worker returns a worker of kind k created at 0, whose first look found no
// container. change may alter its probe, which otherwise has the defaults.
func worker(k model.ProbeKind, v model.Version, change func(p *model.Probe)) *kubelet.Worker {
	var p model.Probe
	p.SetDefaults()
	if change != nil {
		change(&p)
	}
	w := kubelet.NewWorker(p, k, v, 0, 0)
	w.Tick()
	w.Look(0, &kubelet.Seen{Status: kubelet.Status{Incarnation: -1}})
	return &w
}

// running is the status of a running container that started at the given whole
// second, such that a worker of kind k may make attempts.
func running(k model.ProbeKind, container int, startedAt time.Duration) *kubelet.Seen {
	s := seenRunning(k, container)
	s.StartedAt = startedAt
	return s
}

// attempts makes the worker go through attempts with the given outcomes: s, f
// or e. It returns all it announced.
func attempts(t *testing.T, w *kubelet.Worker, container int, outcomes string) []kubelet.Result {
	t.Helper()
	var announced []kubelet.Result
	for i, letter := range outcomes {
		action, stored := w.Look(time.Hour, running(w.Kind, container, 0))
		if action != kubelet.Attempt {
			t.Fatalf("attempt %d of %q: the look makes none", i+1, outcomes)
		}
		announced = append(announced, stored.Values[:stored.N]...)
		stored = w.Finish(map[rune]kubelet.Outcome{'s': kubelet.Success, 'f': kubelet.Failure, 'e': kubelet.Error}[letter])
		announced = append(announced, stored.Values[:stored.N]...)
	}
	return announced
}

// looks reports whether a look makes an attempt.
func looks(w *kubelet.Worker, now time.Duration, seen *kubelet.Seen) bool {
	action, _ := w.Look(now, seen)
	return action == kubelet.Attempt
}

// run holds the number of equal outcomes in a row.
func run(t *testing.T, w *kubelet.Worker, want int32) {
	t.Helper()
	if got, _ := w.Run(); got != want {
		t.Errorf("run of %d, want %d", got, want)
	}
}

func TestK2GridBeginsAtTheWorkersCreation(t *testing.T) {
	var p model.Probe
	p.SetDefaults()
	w := kubelet.NewWorker(p, model.Liveness, model.NewestVersion, 3500*ms, 0)
	for i := range 5 {
		if want := 3500*ms + time.Duration(i)*10*second; w.NextTick != want {
			t.Errorf("look %d at %v, want %v", i, w.NextTick, want)
		}
		if !w.Tick() {
			t.Errorf("look %d is not made", i)
		}
	}
}

func TestK3OnlyTriggersMoveAGrid(t *testing.T) {
	for _, test := range []struct {
		minor int
		want  time.Duration // of the tick after a trigger at 4.2 s, period 10 s
	}{{30, 10 * second}, {31, 10 * second}, {32, 14200 * ms}, {37, 14200 * ms}} {
		w := worker(model.Readiness, model.Version{Minor: test.minor}, nil)
		if !w.Trigger(4200 * ms) {
			t.Errorf("1.%d: an idle worker does not look at a trigger", test.minor)
		}
		if w.NextTick != test.want {
			t.Errorf("1.%d: next tick at %v, want %v", test.minor, w.NextTick, test.want)
		}
	}
	w := worker(model.Liveness, model.NewestVersion, nil)
	attempts(t, w, 0, "ss")
	attempts(t, w, 1, "s")
	if w.NextTick != 10*second {
		t.Errorf("a new container moved the grid to %v", w.NextTick)
	}
}

func TestK4JitterComesBeforeTheGrid(t *testing.T) {
	var p model.Probe
	p.SetDefaults()
	w := kubelet.NewWorker(p, model.Readiness, model.NewestVersion, 2*second, 6400*ms)
	if w.Trigger(3 * second) {
		t.Error("a worker that sleeps takes a trigger")
	}
	if w.NextTick != 8400*ms {
		t.Errorf("first look at %v, want 8.4s", w.NextTick)
	}
	if !w.Tick() || w.NextTick != 18400*ms {
		t.Errorf("second look at %v, want 18.4s", w.NextTick)
	}
	w.Look(8400*ms, &kubelet.Seen{Status: kubelet.Status{Incarnation: -1}})
	if !w.Pending(8400*ms, false) {
		t.Error("the trigger sent during the sleep is lost")
	}
}

func TestK5TicksDuringAnAttemptMakeOneLook(t *testing.T) {
	w := worker(model.Liveness, model.NewestVersion, nil)
	w.Tick()
	if !looks(w, 10*second, running(model.Liveness, 0, 0)) {
		t.Fatal("no attempt")
	}
	for range 3 {
		if w.Tick() {
			t.Error("a tick during an attempt makes a look")
		}
	}
	w.Finish(kubelet.Success)
	if !w.Pending(43*second, false) {
		t.Error("no look when the attempt ends")
	}
	if w.Pending(43*second, false) {
		t.Error("a second look when the attempt ends")
	}
	if w.NextTick != 50*second {
		t.Errorf("next tick at %v, want 50s: the grid stays", w.NextTick)
	}
}

// An attempt from 5 s to 22 s, during which ticks and a trigger came.
func TestK6TickAndTriggerMayBeTakenInEitherOrder(t *testing.T) {
	for _, test := range []struct {
		triggerFirst bool
		minor        int
		looks        int // in a row when the attempt ends
		next         time.Duration
	}{
		{false, 37, 2, 32 * second}, // the tick, then the trigger
		{true, 37, 1, 32 * second},  // the trigger, which restarts the ticker and empties its slot
		{false, 31, 2, 30 * second},
		{true, 31, 2, 30 * second},
	} {
		w := worker(model.Readiness, model.Version{Minor: test.minor}, nil)
		w.Trigger(5 * second)
		if !looks(w, 5*second, running(model.Readiness, 0, 0)) {
			t.Fatal("no attempt")
		}
		for w.NextTick < 22*second {
			w.Tick()
		}
		w.Trigger(16 * second)
		if !w.PendingBoth() {
			t.Fatalf("1.%d: not both pending", test.minor)
		}
		w.Finish(kubelet.Failure)
		n := 0
		for w.Pending(22*second, test.triggerFirst) {
			n++
		}
		if n != test.looks || w.NextTick != test.next {
			t.Errorf("1.%d, trigger first %v: %d looks, next tick %v; want %d, %v", test.minor, test.triggerFirst, n, w.NextTick, test.looks, test.next)
		}
	}
}

// Every gate that is closed hides the ones after it. A look at everything wrong
// at once is therefore decided by the first gate, and opening one after the
// other shows the order.
func TestK7GatesInTheirOrder(t *testing.T) {
	w := worker(model.Liveness, model.NewestVersion, func(p *model.Probe) { p.InitialDelaySeconds = 10; p.FailureThreshold = 1 })
	attempts(t, w, 0, "f") // on hold
	seen := &kubelet.Seen{Status: kubelet.Status{Incarnation: -1, State: kubelet.Waiting}, Deleted: false, StartedAt: 100 * second}
	steps := []struct {
		gate   string
		open   func()
		stored []kubelet.Result
		action kubelet.Action
	}{
		{"c: no container", func() {}, nil, kubelet.NoContainer},
		{"e: on hold", func() { seen.Incarnation = 0 }, nil, kubelet.OnHold},
		{"d and f: a new container, not running", func() { seen.Incarnation = 1 }, []kubelet.Result{kubelet.ResultSuccess, kubelet.ResultFailure}, kubelet.NotRunning},
		{"h: initial delay", func() { seen.State = kubelet.Running }, nil, kubelet.InitialDelay},
		{"i: not started", func() { seen.StartedAt = 90 * second }, nil, kubelet.StartedGate},
		{"all open", func() { seen.Started = true }, nil, kubelet.Attempt},
	}
	for _, step := range steps {
		step.open()
		action, stored := w.Look(100*second, seen)
		if action != step.action || !slices.Equal(stored.Values[:stored.N], step.stored) {
			t.Errorf("%s: %v, stored %v; want %v, %v", step.gate, action, stored.Values[:stored.N], step.action, step.stored)
		}
	}
	w.Finish(kubelet.Success)
	seen.Deleted, seen.StartedAt = true, 100*second // g comes before h
	if action, _ := w.Look(100*second, seen); action != kubelet.Exit {
		t.Error("g: the worker of a deleted pod goes on")
	}
	w = worker(model.Liveness, model.NewestVersion, nil)
	if action, _ := w.Look(0, &kubelet.Seen{Status: kubelet.Status{Incarnation: -1}, PodFinished: true}); action != kubelet.Exit {
		t.Error("b: the worker of a finished pod goes on, because it has no container")
	}
}

func TestK8InitialDelayCountsWholeSeconds(t *testing.T) {
	for _, test := range []struct {
		delay     int32
		startedAt time.Duration // in the status: whole
		now       time.Duration
		want      bool
	}{
		{0, 3 * second, 3 * second, true},
		{10, 3 * second, 12999 * ms, false},
		{10, 3 * second, 13 * second, true}, // truly started at up to 3.999 s: 9.001 s
		{10, 3 * second, 13900 * ms, true},
		{1, 3 * second, 3999 * ms, false},
		{1, 3 * second, 4 * second, true},
		{12, 5 * second, 17 * second, true}, // 11.78 s after a start at 5.22 s (K67)
	} {
		w := worker(model.Liveness, model.NewestVersion, func(p *model.Probe) { p.InitialDelaySeconds = test.delay })
		if got := looks(w, test.now, running(model.Liveness, 0, test.startedAt)); got != test.want {
			t.Errorf("delay %d s, start %v, look at %v: attempt %v, want %v", test.delay, test.startedAt, test.now, got, test.want)
		}
	}
}

func TestK9TriggerSlotHoldsOne(t *testing.T) {
	w := worker(model.Readiness, model.NewestVersion, nil)
	w.Trigger(second)
	looks(w, second, running(model.Readiness, 0, 0))
	for range 3 {
		if w.Trigger(1500 * ms) {
			t.Error("a busy worker looks at a trigger")
		}
	}
	w.Finish(kubelet.Failure)
	if !w.Pending(2*second, true) || w.Pending(2*second, true) {
		t.Error("want one further look")
	}
	if w.NextTick != 12*second {
		t.Errorf("next tick at %v, want 12s: a period after the receipt", w.NextTick)
	}
}

func TestK9WhoIsSentATrigger(t *testing.T) {
	for _, test := range []struct {
		name    string
		running bool
		probes  []model.ProbeKind
		ready   bool // the readiness result is success
		started bool // the startup result is success
		want    bool
	}{
		{"started, not ready", true, []model.ProbeKind{model.Readiness}, false, false, true},
		{"ready", true, []model.ProbeKind{model.Readiness}, true, false, false},
		{"not running", false, []model.ProbeKind{model.Readiness}, false, false, false},
		{"no readiness worker", true, []model.ProbeKind{model.Liveness}, false, false, false},
		{"not started", true, []model.ProbeKind{model.Startup, model.Readiness}, false, false, false},
		{"started by its startup probe", true, []model.ProbeKind{model.Startup, model.Readiness}, false, true, true},
	} {
		ws := workers(test.probes...)
		if test.ready {
			attempts(t, &ws[model.Readiness], 0, "s")
		}
		if test.started {
			attempts(t, &ws[model.Startup], 0, "s")
		}
		r := kubelet.Runtime{Incarnation: 0, Running: test.running}
		if _, got := ws.Generate(&r, kubelet.Status{Incarnation: -1}, false, false); got != test.want {
			t.Errorf("%s: trigger %v, want %v", test.name, got, test.want)
		}
	}
}

// workers returns the workers of a container with these probes.
func workers(kinds ...model.ProbeKind) *kubelet.Workers {
	var ws kubelet.Workers
	for _, k := range kinds {
		ws[k] = *worker(k, model.NewestVersion, nil)
	}
	return &ws
}

func TestK10StartedGate(t *testing.T) {
	for k := model.Startup; k < model.ProbeKinds; k++ {
		for _, started := range []bool{false, true} {
			w := worker(k, model.NewestVersion, nil)
			seen := running(k, 0, 0)
			seen.Started = started
			if got, want := looks(w, time.Hour, seen), started != (k == model.Startup); got != want {
				t.Errorf("%v, started %v: attempt %v, want %v", k, started, got, want)
			}
		}
	}
	r := kubelet.Runtime{Running: true}
	for _, test := range []struct {
		name     string
		outcomes string // of the startup worker; -: there is none
		want     bool
	}{{"no startup probe", "-", true}, {"no attempt yet", "", false}, {"success", "s", true}, {"failures below the threshold", "ff", false}, {"failure", "fff", false}} {
		ws := workers(model.Startup)
		if test.outcomes == "-" {
			ws = workers(model.Liveness)
		} else {
			ws[model.Startup].Look(0, &kubelet.Seen{Status: kubelet.Status{State: kubelet.Running, Started: true}})
			attempts(t, &ws[model.Startup], 0, test.outcomes)
		}
		if s, _ := ws.Generate(&r, kubelet.Status{Incarnation: -1}, false, false); s.Started != test.want {
			t.Errorf("%s: started %v, want %v", test.name, s.Started, test.want)
		}
	}
}

func TestK11StartedIsCarriedOverByName(t *testing.T) {
	before := kubelet.Status{Incarnation: 0, State: kubelet.Running, Ready: true, Started: true}
	crashed := kubelet.Status{Incarnation: 0, State: kubelet.Terminated}
	for _, test := range []struct {
		name     string
		minor    int
		previous kubelet.Status
		want     bool
	}{
		{"in place", 37, before, true},
		{"in place", 35, before, true},
		{"in place", 34, before, false},
		{"after a crash", 37, crashed, false},
	} {
		var ws kubelet.Workers
		ws[model.Startup] = *worker(model.Startup, model.Version{Minor: test.minor}, nil)
		attempts(t, &ws[model.Startup], 0, "s")
		next := kubelet.Runtime{Incarnation: 1, Running: true}
		s, _ := ws.Generate(&next, test.previous, false, false)
		if s.Started != test.want {
			t.Errorf("%s, 1.%d: started %v, want %v", test.name, test.minor, s.Started, test.want)
		}
		// At the startup worker's next grid point the result is unknown.
		if _, stored := ws[model.Startup].Look(time.Hour, running(model.Startup, 1, 0)); stored.Values[0] != kubelet.Unknown {
			t.Errorf("%s, 1.%d: stored %v", test.name, test.minor, stored)
		}
		if s, _ := ws.Generate(&next, s, false, false); s.Started {
			t.Errorf("%s, 1.%d: still started once the startup worker has looked", test.name, test.minor)
		}
	}
}
