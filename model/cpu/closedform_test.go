package cpu

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

// fromTick is a source whose first draw is as good as 0: the ticks begin at 0.
type fromTick struct {
	*rand.PCG
	drawn bool
}

func (f *fromTick) Uint64() uint64 {
	if !f.drawn {
		f.drawn = true
		return 1 << 40
	}
	return f.PCG.Uint64()
}

// withPhase returns a fresh container whose refills are at multiples of its
// period plus phase, and whose ticks are at multiples of theirs.
func withPhase(cfg Config, phase time.Duration) *Container {
	c := New(cfg)
	c.Reset(0, rand.New(&fromTick{PCG: rand.NewPCG(1, 1)}))
	for i := range c.levels {
		c.levels[i].phase = phase
	}
	return c
}

// Without quota, neighbours and interruptions an answer takes its CPU time.
func TestNoQuota(t *testing.T) {
	c := newContainer(Config{CPUs: 2}, 1)
	for i := range 50 {
		at := time.Duration(i) * 37 * time.Second
		demand := time.Duration(i) * 13 * ms
		if got := answer(c, at, Job{Demand: demand}) - at; got != demand {
			t.Fatalf("%v of CPU took %v", demand, got)
		}
		if got := answer(c, at+time.Second, Job{Demand: demand, Wait: 7 * ms}) - at - time.Second; got != demand+7*ms {
			t.Fatalf("%v of CPU and 7ms of waiting took %v", demand, got)
		}
	}
}

// A demand within the quota is never throttled (C30).
func TestWithinBudget(t *testing.T) {
	for _, accounting := range []model.Accounting{model.AccountingTick, model.AccountingExact} {
		c := newContainer(Config{Quota: 20 * ms, Accounting: accounting}, 3)
		for i := range 200 {
			at := time.Duration(i) * 1234567891
			if got := answer(c, at, Job{Demand: 20 * ms}) - at; got != 20*ms {
				t.Fatalf("20ms of CPU from an idle 200m container took %v", got)
			}
		}
	}
}

// The textbook's example: 130m, 30 ms of CPU from a fresh period take 204 ms
// (S8). It holds where accounting is exact; a kernel that looks at ticks lets
// the thread run to 16 ms in the first period.
func TestTextbook(t *testing.T) {
	quota := Quota(130, 100*ms)
	exact := withPhase(Config{Quota: quota, Accounting: model.AccountingExact}, 0)
	if got := answer(exact, time.Second, Job{Demand: 30 * ms}) - time.Second; got != 204*ms {
		t.Errorf("exact accounting: %v, want 204ms", got)
	}
	// 16 ms to the tick, debt 3; 10 ms of the next refill used at 112 after 12 ms;
	// 2 ms left, which the refill at 200 pays.
	tick := withPhase(Config{Quota: quota}, 0)
	if got := answer(tick, time.Second, Job{Demand: 30 * ms}) - time.Second; got != 202*ms {
		t.Errorf("tick accounting: %v, want 202ms", got)
	}
}

// 5 ms at 20m from an idle container that kept 1 ms locally are unthrottled
// when they start 1 to 3 ms before a tick (C7).
func TestUnthrottledBeforeTick(t *testing.T) {
	for before := 100 * time.Microsecond; before <= 4*ms; before += 100 * time.Microsecond {
		c := withPhase(Config{Quota: 2 * ms}, 50*ms)
		answer(c, 500*ms, Job{Demand: 100 * time.Microsecond})
		at := time.Second + 20*ms - before
		got := answer(c, at, Job{Demand: 5 * ms}) - at
		if unthrottled, want := got == 5*ms, before >= ms && before < 3*ms; unthrottled != want {
			t.Errorf("started %v before a tick: took %v, unthrottled %v, want %v", before, got, unthrottled, want)
		}
	}
}

// With less quota than a tick a thread that never sleeps runs for one tick and
// then stands still until refills have repaid the overrun (C6).
func TestOneTickOn(t *testing.T) {
	c := withPhase(Config{Quota: 2 * ms, Background: []model.Background{{Always: true, Threads: 1}}}, 50*ms)
	c.Advance(10 * time.Second)
	var runs []time.Duration
	last := c.used
	for range 40 {
		c.Advance(c.now + 100*ms)
		runs = append(runs, c.used-last)
		last = c.used
	}
	var ran time.Duration
	for i, run := range runs {
		ran += run
		if run > 4*ms {
			t.Errorf("period %d: ran %v, more than a tick", i, run)
		}
	}
	if want := 40 * 2 * ms; (ran - want).Abs() > 4*ms {
		t.Errorf("ran %v in 40 periods, want %v within a tick", ran, want)
	}
}

// After idling, a container can use its quota and 1 ms that was kept on its CPU
// (C3).
func TestKeptLocally(t *testing.T) {
	c := withPhase(Config{Quota: 2 * ms, Accounting: model.AccountingExact}, 0)
	answer(c, 110*ms, Job{Demand: 100 * time.Microsecond})
	for _, test := range []struct{ demand, want time.Duration }{
		{3 * ms, 3 * ms},
		{3*ms + 1, 100*ms - 20*ms + 1}, // from 20 ms after a refill to the next
	} {
		probed := *c
		probed.processors = append([]processor(nil), c.processors...)
		probed.levels = append([]bandwidth(nil), c.levels...)
		probed.due = append([]time.Duration(nil), c.due...)
		at := 2*time.Second + 20*ms
		if got := answer(&probed, at, Job{Demand: test.demand}) - at; got != test.want {
			t.Errorf("%v of CPU took %v, want %v", test.demand, got, test.want)
		}
	}
}

// Long demands get Q/P on average whatever the tick, the period and the number
// of threads (C6, C12).
func TestFluidLimit(t *testing.T) {
	for _, test := range []struct {
		milli, cpus, threads int
		tick, period         time.Duration
	}{
		{20, 1, 1, 4 * ms, 100 * ms}, {20, 1, 1, 10 * ms, 100 * ms}, {100, 1, 1, ms, 10 * ms},
		{200, 1, 1, 4 * ms, 100 * ms}, {200, 4, 2, 4 * ms, 100 * ms}, {200, 4, 8, 4 * ms, 100 * ms},
		{1000, 4, 4, 4 * ms, 100 * ms}, {2500, 4, 4, 4 * ms, 100 * ms}, {50, 4, 4, 4 * ms, 100 * ms},
	} {
		c := newContainer(Config{
			Quota: Quota(int64(test.milli), test.period), Period: test.period, Tick: test.tick, CPUs: test.cpus,
		}, 7)
		const demand = 9 * time.Second
		want := time.Duration(float64(demand) / float64(test.milli) * 1000)
		got := answer(c, 0, Job{Demand: demand, Threads: test.threads})
		// At either end up to two periods, and each thread's share of the last ones.
		slack := 2*test.period + time.Duration(test.threads)*10*ms*time.Duration(1000/test.milli)
		if (got - want).Abs() > slack {
			t.Errorf("%+v: 9 CPU-seconds took %v, want %v within %v", test, got, want, slack)
		}
	}
}

// Spring PetClinic starts in 15.28 s on one CPU and 8.18 s on two:
// S(c) = a + W/c with a = 1.09 s and W = 14.19 CPU-seconds.
func TestStartupLaw(t *testing.T) {
	const alone, work = 1090 * ms, 14190 * ms
	for _, test := range []struct {
		cpus int
		want time.Duration
	}{{1, 15280 * ms}, {2, 8180 * ms}} {
		c := newContainer(Config{CPUs: test.cpus}, 1)
		got := alone + answer(c, 0, Job{Demand: work, Threads: 2})
		if (got - test.want).Abs() > 10*ms {
			t.Errorf("%d CPUs: %v, want %v", test.cpus, got, test.want)
		}
		limited := newContainer(Config{CPUs: 2, Quota: Quota(int64(test.cpus)*1000, 100*ms)}, 1)
		got = alone + answer(limited, 0, Job{Demand: work, Threads: 2})
		if (got - test.want).Abs() > 110*ms {
			t.Errorf("limit of %d CPUs: %v, want %v within a period", test.cpus, got, test.want)
		}
	}
}

// The lower of two nested quotas decides the rate, and a thread needs both (C14).
func TestNestedQuotas(t *testing.T) {
	for _, test := range []struct{ own, pod, want int64 }{{200, 100, 100}, {100, 200, 100}, {100, 100, 100}, {0, 100, 100}} {
		c := newContainer(Config{Quota: Quota(test.own, 100*ms), PodQuota: Quota(test.pod, 100*ms)}, 5)
		got := answer(c, 0, Job{Demand: 10 * time.Second})
		rate := int64(math.Round(1000 * 10 / got.Seconds()))
		if rate > test.want || rate < test.want-6 {
			t.Errorf("limits %dm and %dm: %dm, want %dm", test.own, test.pod, rate, test.want)
		}
	}
}

// Unused quota is kept up to the burst, over two periods at most: then the
// period timer stops (C2, C8, C15).
func TestBurst(t *testing.T) {
	c := withPhase(Config{Quota: 10 * ms, Burst: 10 * ms, Accounting: model.AccountingExact}, 0)
	answer(c, 50*ms, Job{Demand: ms})
	at := time.Second + 10*ms
	if got := answer(c, at, Job{Demand: 21 * ms}) - at; got != 21*ms {
		t.Errorf("21 ms from 20 ms of pool and 1 ms kept took %v", got)
	}
	at = 2*time.Second + 10*ms
	if got := answer(c, at, Job{Demand: 22 * ms}) - at; got <= 90*ms {
		t.Errorf("22 ms took %v, want a refill's wait", got)
	}
}

// On one CPU a container gets w/(w+W) of the time in the long run (C17), but a
// short demand does not feel the ratio (C18): 1 ms at 100m against 1000m takes
// mostly 1 ms, and at most one tick more.
func TestWeights(t *testing.T) {
	for _, test := range []struct{ own, neighbours int64 }{{100, 300}, {17, 100}, {100, 10}, {100, 100}} {
		c := newContainer(Config{Weight: test.own}, 1)
		c.SetNeighbourWeight(0, test.neighbours)
		const demand = 20 * time.Second
		want := demand.Seconds() * float64(test.own+test.neighbours) / float64(test.own)
		if got := answer(c, 0, Job{Demand: demand}).Seconds(); math.Abs(got/want-1) > .01 {
			t.Errorf("weights %d and %d: %.2f s, want %.2f s", test.own, test.neighbours, got, want)
		}
	}
	c := newContainer(Config{CPUs: 1, Slice: 1400 * time.Microsecond, Weight: 102}, 1)
	c.SetNeighbourWeight(0, 1024)
	r := rand.New(rand.NewPCG(1, 2))
	atOnce := 0
	for i := range 1000 {
		at := time.Duration(i)*time.Second + time.Duration(r.Int64N(int64(100*ms)))
		took := answer(c, at, Job{Demand: ms}) - at
		if took == ms {
			atOnce++
		}
		if took > 5*ms {
			t.Errorf("1 ms took %v", took)
		}
	}
	if atOnce < 600 {
		t.Errorf("%d of 1000 demands of 1 ms ran at once, want most", atOnce)
	}
}

// A freeze adds its length. If it is charged, the quota pays for it (C21).
func TestFreeze(t *testing.T) {
	for _, charged := range []bool{false, true} {
		c := withPhase(Config{Quota: 20 * ms}, 0)
		c.Submit(time.Second, Job{ID: 1, Demand: 10 * ms, Wait: ms})
		c.Freeze(time.Second+5*ms, charged)
		if next := c.Next(); next != Never {
			t.Errorf("frozen: Next is %v", next)
		}
		c.Thaw(time.Second + 85*ms)
		for len(c.finished) == 0 {
			c.Advance(c.Next())
		}
		got := c.Done()[0].At - time.Second
		if want := 91 * ms; !charged && got != want {
			t.Errorf("10 ms with a freeze of 80 ms took %v, want %v", got, want)
		}
		// 85 ms charged: 65 ms of debt are repaid by four refills.
		if want := 406 * ms; charged && got != want {
			t.Errorf("10 ms with a charged freeze of 80 ms took %v, want %v", got, want)
		}
	}
	c := newContainer(Config{}, 1)
	c.Submit(0, Job{Wait: 10 * ms})
	c.Freeze(5*ms, false)
	c.Freeze(6*ms, false)
	c.Thaw(20 * ms)
	c.Thaw(30 * ms)
	if done := c.Done(); len(done) != 1 || done[0].At != 30*ms {
		t.Errorf("a wait that ended in a freeze: %v, want 30ms", done)
	}
}

// A stage with another limit: debts are forgiven when it begins and ends.
func TestSetQuota(t *testing.T) {
	c := withPhase(Config{Quota: 20 * ms, CPUs: 2}, 0)
	c.SetQuota(0, 200*ms, 0)
	if got := answer(c, 0, Job{Demand: 10 * time.Second, Threads: 2}); (got - 5*time.Second).Abs() > 200*ms {
		t.Errorf("10 CPU-seconds at a boosted 2 CPUs took %v", got)
	}
	at := 10 * time.Second
	c.SetQuota(at, 20*ms, 0)
	if got := answer(c, at, Job{Demand: 2 * time.Second}) - at; (got - 10*time.Second).Abs() > 200*ms {
		t.Errorf("2 CPU-seconds at 200m took %v", got)
	}
	at = 40 * time.Second
	c.SetQuota(at, 0, 0)
	if got := answer(c, at, Job{Demand: 2 * time.Second}) - at; got != 2*time.Second {
		t.Errorf("2 CPU-seconds without a limit took %v", got)
	}
}

// A boost of a container raises its pod's quota, too: the pod's alone would hold
// it where it was (C14).
func TestSetQuotaOfThePod(t *testing.T) {
	c := withPhase(Config{Quota: 20 * ms, PodQuota: 20 * ms, CPUs: 2}, 0)
	c.SetQuota(0, 200*ms, 0)
	if got := answer(c, 0, Job{Demand: 2 * time.Second, Threads: 2}); (got - 10*time.Second).Abs() > 200*ms {
		t.Errorf("2 CPU-seconds in a pod of 200m took %v", got)
	}
	at := 20 * time.Second
	c.SetQuota(at, 200*ms, 200*ms)
	if got := answer(c, at, Job{Demand: 10 * time.Second, Threads: 2}) - at; (got - 5*time.Second).Abs() > 200*ms {
		t.Errorf("10 CPU-seconds at a boosted 2 CPUs took %v", got)
	}
}
