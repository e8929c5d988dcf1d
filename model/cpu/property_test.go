package cpu

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"pgregory.net/rapid"
)

// drawConfig draws a container with every kind of load and disturbance.
func drawConfig(t *rapid.T) Config {
	between := func(low, high time.Duration, label string) time.Duration {
		return time.Duration(rapid.Int64Range(int64(low), int64(high)).Draw(t, label))
	}
	cfg := Config{
		Tick:                   rapid.SampledFrom([]time.Duration{1, 4, 10}).Draw(t, "tick ms") * ms,
		Quota:                  rapid.SampledFrom([]time.Duration{0, 1, 2, 10, 25, 150}).Draw(t, "quota ms") * ms,
		PodQuota:               rapid.SampledFrom([]time.Duration{0, 0, 5, 50}).Draw(t, "pod quota ms") * ms,
		Burst:                  rapid.SampledFrom([]time.Duration{0, 0, 10}).Draw(t, "burst ms") * ms,
		CPUs:                   rapid.IntRange(1, 4).Draw(t, "cpus"),
		Threads:                rapid.IntRange(0, 4).Draw(t, "threads"),
		Accounting:             rapid.SampledFrom([]model.Accounting{model.AccountingTick, model.AccountingExact}).Draw(t, "accounting"),
		InterruptionsPerSecond: rapid.SampledFrom([]float64{0, 30, 300}).Draw(t, "interruptions"),
		Weight:                 rapid.Int64Range(1, 100).Draw(t, "weight"),
	}
	if rapid.Bool().Draw(t, "traffic") {
		cfg.Traffic = &model.Traffic{
			PerSecond: 20, CPU: dist.Constantly(between(0, 5*ms, "request CPU")), Wait: dist.Constantly(between(0, 5*ms, "request wait")),
			Workers: rapid.IntRange(1, 3).Draw(t, "workers"), Queue: rapid.IntRange(0, 5).Draw(t, "queue"),
			Bursts: []model.Burst{{
				OnOff:     model.OnOff{Every: dist.Constantly(700 * ms), Lasts: dist.Constantly(300 * ms)},
				PerSecond: 100,
			}},
		}
		if rapid.Bool().Draw(t, "retries") {
			cfg.Traffic.ClientTimeout, cfg.Traffic.RetriesMax = between(ms, 200*ms, "client timeout"), 2
			cfg.Traffic.RetriesAfter = between(0, 100*ms, "retries after")
			cfg.Elsewhere = rapid.Bool().Draw(t, "elsewhere")
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "backgrounds") {
		cfg.Background = append(cfg.Background, model.Background{
			Every: dist.Duration{Nanoseconds: exponential(float64(30 * ms))}, CPU: dist.Constantly(between(0, 20*ms, "job CPU")),
			Workers: rapid.IntRange(0, 2).Draw(t, "job workers"),
			Always:  rapid.IntRange(0, 4).Draw(t, "always") == 0, Threads: 2,
		})
	}
	return cfg
}

// happening is one thing that is done to a container from outside.
type happening struct {
	at   time.Duration
	kind int
	job  Job
}

func drawHappenings(t *rapid.T) []happening {
	var all []happening
	at := time.Duration(0)
	for i := range 25 {
		at += time.Duration(rapid.Int64Range(0, int64(150*ms)).Draw(t, "gap"))
		all = append(all, happening{at, rapid.IntRange(0, 9).Draw(t, "kind"), Job{
			ID:      i,
			Demand:  time.Duration(rapid.Int64Range(0, int64(15*ms)).Draw(t, "demand")),
			Wait:    time.Duration(rapid.Int64Range(0, int64(5*ms)).Draw(t, "wait")),
			Threads: rapid.IntRange(0, 3).Draw(t, "job threads"),
			RunsOn:  rapid.SampledFrom([]model.RunsOn{model.Dedicated, model.Workers}).Draw(t, "runs on"),
		}})
	}
	return all
}

// apply does what happens to the container. Kinds 6 to 9 submit the job.
func (h happening) apply(c *Container) {
	switch h.kind {
	case 0:
		if !c.frozen() {
			c.Freeze(h.at, h.job.ID%2 == 0)
		}
	case 1, 2:
		if c.frozen() {
			c.Thaw(h.at)
		}
	case 3:
		c.SetNeighbourWeight(h.at, int64(h.job.ID%3)*50)
	case 4:
		c.SetTraffic(h.at, float64(h.job.ID%3)/2)
	case 5:
		if !c.frozen() && h.job.ID%3 == 0 {
			c.Exit(h.at)
			c.Restart(h.at)
		}
	default:
		c.Submit(h.at, h.job)
	}
}

// consumed returns the CPU time of all threads since the reset.
func consumed(c *Container) time.Duration {
	used := c.used
	for i := range c.processors {
		if p := &c.processors[i]; p.running {
			used += c.now - p.since
		}
	}
	return used
}

// running returns how many CPUs run.
func running(c *Container) int {
	n := 0
	for i := range c.processors {
		if c.processors[i].running {
			n++
		}
	}
	return n
}

// When the caller advances the container is its own business: only the instants
// at which it does something count.
func TestAdvanceInAnySteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, happenings, seed := drawConfig(t), drawHappenings(t), rapid.Uint64().Draw(t, "seed")
		run := func(step time.Duration) ([]Finished, time.Duration) {
			c := New(cfg)
			c.Reset(0, rand.New(rand.NewPCG(1, seed)))
			var done []Finished
			advance := func(to time.Duration) {
				for at := c.now + step; step > 0 && at < to; at += step {
					c.Advance(at)
					done = append(done, c.Done()...)
				}
			}
			for _, h := range happenings {
				advance(h.at)
				h.apply(c)
				if n := running(c); n != c.atWork {
					t.Fatalf("%d CPUs run, counted %d", n, c.atWork)
				}
			}
			const end = 30 * time.Second
			advance(end)
			c.Advance(end)
			return append(done, c.Done()...), consumed(c)
		}
		whole, used := run(0)
		steps, usedInSteps := run(time.Duration(rapid.Int64Range(int64(100*time.Microsecond), int64(50*ms)).Draw(t, "step")))
		if len(whole) != len(steps) || used != usedInSteps {
			t.Fatalf("%d jobs and %v of CPU, in steps %d and %v", len(whole), used, len(steps), usedInSteps)
		}
		for i := range whole {
			if whole[i] != steps[i] {
				t.Fatalf("%v, in steps %v", whole[i], steps[i])
			}
		}
	})
}

// TestEndThatNobodyWaitsFor ends a process an hour after its last event that
// anybody wanted: the hour is not gone through, and the next process is the same
// as if it had been.
func TestEndThatNobodyWaitsFor(t *testing.T) {
	cfg := Config{Quota: 20 * ms, InterruptionsPerSecond: 30, CPUs: 2, Background: []model.Background{
		{Every: dist.Duration{Nanoseconds: exponential(float64(300 * ms))}, CPU: dist.Constantly(20 * ms)},
	}}
	next := func(watched bool) (end Finished, before int64) {
		c := New(cfg)
		c.Reset(0, rand.New(rand.NewPCG(1, 3)))
		c.Submit(0, Job{ID: 1, Demand: 2 * time.Hour})
		if watched {
			c.Advance(time.Hour)
		}
		c.Exit(time.Hour)
		before = c.Handled()
		c.Restart(time.Hour + time.Second)
		c.Submit(time.Hour+time.Second, Job{ID: 2, Demand: time.Second})
		c.Advance(2 * time.Hour)
		done := c.Done()
		if len(done) != 1 {
			t.Fatalf("%d jobs have ended, want that of the second process", len(done))
		}
		return done[0], before
	}
	want, all := next(true)
	got, few := next(false)
	if got != want {
		t.Errorf("%+v after an end that was not waited for, want %+v", got, want)
	}
	if few > 10 || all < 10_000 {
		t.Errorf("%d events up to the end that was not waited for, and %d in all", few, all)
	}
}

// The timer set to Next finds every end at its instant, nothing ends before its
// demand and wait, ends are in order, and the cgroup never uses more than its
// quotas and the overrun of a tick on each CPU.
func TestEndsAndQuota(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, happenings := drawConfig(t), drawHappenings(t)
		c := New(cfg)
		c.Reset(0, rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed"))))
		cfg = c.cfg
		submitted := map[int]happening{}
		last := time.Duration(0)
		charged := false
		take := func() {
			for _, f := range c.Done() {
				h, ok := submitted[f.ID]
				if !ok {
					t.Fatalf("job %d ended twice or was never submitted", f.ID)
				}
				delete(submitted, f.ID)
				threads := time.Duration(max(h.job.Threads, 1))
				if least := h.at + h.job.Demand/threads + h.job.Wait; f.At < least || f.At < last || f.At != c.now {
					t.Fatalf("%+v ended at %v, found at %v", h, f.At, c.now)
				}
				last = f.At
			}
			if charged {
				return
			}
			for _, b := range c.levels {
				refills := time.Duration(0)
				if c.now >= b.phase {
					refills = (c.now-b.phase)/b.period + 1
				}
				most := (refills+1)*b.quota + time.Duration(len(c.processors))*(cfg.Tick+1)
				if used := consumed(c); used > most {
					t.Fatalf("used %v by %v, at most %v allowed by %v", used, c.now, most, b.quota)
				}
			}
		}
		for _, h := range append(happenings, happening{at: 20 * time.Second, kind: 1}) {
			for next := c.Next(); next <= h.at; next = c.Next() {
				c.Advance(next)
				take()
			}
			charged = charged || h.kind == 0
			if h.kind >= 6 {
				submitted[h.job.ID] = h
			}
			h.apply(c)
			take()
		}
	})
}

// Jobs of the workers' queue end in the order of their submission if there is
// one worker, and each waits for all the requests before it.
func TestWorkersAreFIFO(t *testing.T) {
	c := newContainer(Config{Quota: 10 * ms, Traffic: &model.Traffic{
		PerSecond: 40, CPU: dist.Constantly(2 * ms), Workers: 1,
	}}, 9)
	for i := range 200 {
		c.Submit(time.Duration(i)*37*ms, Job{ID: i, Demand: ms, RunsOn: model.Workers})
	}
	c.Advance(time.Minute)
	done := c.Done()
	if len(done) != 200 {
		t.Fatalf("%d jobs ended, want 200", len(done))
	}
	for i, f := range done {
		if f.ID != i {
			t.Fatalf("end %d is of job %d", i, f.ID)
		}
	}
}

// A worker is held while its request waits, so 1 worker with 10 ms of CPU and
// 90 ms of wait serves ten requests a second; those that find the queue full
// are refused.
func TestWorkersAreHeld(t *testing.T) {
	traffic := &model.Traffic{
		PerSecond: 100, CPU: dist.Constantly(10 * ms), Wait: dist.Constantly(90 * ms), Workers: 1, Queue: 3,
	}
	c := newContainer(Config{Traffic: traffic}, 1)
	c.Advance(100 * time.Second)
	if got := consumed(c); got < 9900*ms || got > 10*time.Second {
		t.Errorf("used %v in 100 s, want 10 s", got)
	}
	if waiting := c.pools[workersPool].tail - c.pools[workersPool].head; waiting > 3 {
		t.Errorf("%d requests wait, want at most 3", waiting)
	}
	c.SetTraffic(100*time.Second, 0)
	c.Advance(101 * time.Second)
	used := consumed(c)
	c.Advance(200 * time.Second)
	if got := consumed(c) - used; got != 0 {
		t.Errorf("used %v without traffic", got)
	}
}

// The load uses its share of the CPU: 20 requests/s of 2 ms, bursts of 100/s for
// three tenths of the time, jobs every 100 ms of 5 ms, and one burner.
func TestLoad(t *testing.T) {
	second := dist.Constantly
	for _, test := range []struct {
		name string
		cfg  Config
		want float64 // CPUs
	}{
		{"traffic", Config{Traffic: &model.Traffic{PerSecond: 20, CPU: second(2 * ms), Workers: 4}}, .04},
		{"bursts", Config{Traffic: &model.Traffic{
			PerSecond: 20, CPU: second(2 * ms), Workers: 4,
			Bursts: []model.Burst{{OnOff: model.OnOff{Every: second(700 * ms), Lasts: second(300 * ms)}, PerSecond: 100}},
		}}, .7*.04 + .3*.2},
		{"jobs", Config{Background: []model.Background{{Every: second(100 * ms), CPU: second(5 * ms)}}}, .05},
		{"burner", Config{CPUs: 4, Background: []model.Background{{Always: true, Threads: 1}}}, 1},
		{"burners", Config{CPUs: 2, Background: []model.Background{{Always: true, Threads: 3}}}, 2},
	} {
		c := newContainer(test.cfg, 1)
		c.Advance(1000 * time.Second)
		if got := consumed(c).Seconds() / 1000; got < test.want*.97 || got > test.want*1.03 {
			t.Errorf("%s: %.4f CPUs, want %.4f", test.name, got, test.want)
		}
	}
}

// Two burners on one CPU get half of it each, and a probe its third (C20).
func TestFairShare(t *testing.T) {
	c := newContainer(Config{Background: []model.Background{{Always: true, Threads: 2}}}, 1)
	got := answer(c, time.Second, Job{Demand: time.Second}) - time.Second
	if (got - 3*time.Second).Abs() > 20*ms {
		t.Errorf("1 CPU-second beside two burners took %v, want 3s", got)
	}
}

// Nothing is allocated once the container has seen its load.
func TestAllocations(t *testing.T) {
	for name, cfg := range map[string]Config{
		"idle":   {Quota: 2 * ms, CPUs: 4, InterruptionsPerSecond: 30},
		"loaded": {Quota: 10 * ms, PodQuota: 20 * ms, CPUs: 4, Background: poisson(10*ms, 2*ms, .7, 4)},
		"queued": {Quota: 10 * ms, Traffic: &model.Traffic{PerSecond: 40, CPU: dist.Constantly(2 * ms), Workers: 2}},
		"retried": {Quota: 10 * ms, Traffic: &model.Traffic{
			PerSecond: 15, CPU: dist.Constantly(2 * ms), Workers: 2, ClientTimeout: 40 * ms, RetriesMax: 1, RetriesAfter: 100 * ms,
		}},
	} {
		c := newContainer(cfg, 1)
		r := rand.New(rand.NewPCG(1, 1))
		at := time.Duration(0)
		probe := func() {
			at = answer(c, at+time.Second, Job{Demand: 3 * ms, Wait: ms, Threads: 2, RunsOn: model.Workers})
		}
		for range 500 {
			probe()
		}
		if n := testing.AllocsPerRun(200, probe); n != 0 {
			t.Errorf("%s: %v allocations a probe", name, n)
		}
		if n := testing.AllocsPerRun(50, func() { c.Reset(at, r); probe() }); n != 0 {
			t.Errorf("%s: %v allocations a reset", name, n)
		}
	}
}
