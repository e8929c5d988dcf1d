package cpu

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// exponentially returns an exponential duration.
func exponentially(mean time.Duration) dist.Duration {
	return dist.Duration{Nanoseconds: exponential(float64(mean))}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*want {
		t.Errorf("%s: %.4f, want %.4f within %g %%", what, got, want, 100*tolerance)
	}
}

// erlangC is the probability that a request waits in a queue M/M/c with an
// offered load of a (Erlang 1917).
func erlangC(c int, a float64) float64 {
	term, sum := 1.0, 0.0
	for n := range c {
		sum += term
		term *= a / float64(n+1)
	}
	wait := term * float64(c) / (float64(c) - a)
	return wait / (sum + wait)
}

// inFlight returns the mean number of requests in flight over 40 000 s, and the
// share of the time in which it is at least c.
func inFlight(traffic *model.Traffic, c int) (mean, atLeast float64) {
	container := newContainer(Config{Traffic: traffic}, 3)
	const samples = 80_000
	for i := range samples {
		n := container.InFlight(time.Duration(i) * 500 * ms)
		mean += float64(n) / samples
		if n >= c {
			atLeast += 1. / samples
		}
	}
	return mean, atLeast
}

// Workers that wait are the servers of M/M/c, whose queue has a closed form.
func TestWorkersAreErlangC(t *testing.T) {
	for _, test := range []struct {
		workers int
		rate    float64
	}{{1, 6}, {3, 24}, {8, 56}} {
		mean, waiting := inFlight(&model.Traffic{
			PerSecond: test.rate, Wait: exponentially(100 * ms), Workers: test.workers,
		}, test.workers)
		load := test.rate / 10
		c := erlangC(test.workers, load)
		near(t, "probability of waiting", waiting, c, .03)
		near(t, "in flight", mean, load+c*load/(float64(test.workers)-load), .05)
	}
}

// Little's law: the number in flight is the rate times the time in the server,
// here 60 ms of which 10 ms are CPU without contention.
func TestInFlightIsLittlesLaw(t *testing.T) {
	mean, _ := inFlight(&model.Traffic{
		PerSecond: .5, CPU: dist.Constantly(10 * ms), Wait: exponentially(50 * ms), Workers: 50,
	}, 1)
	near(t, "in flight", mean, .5*.06, .05)
}

// A full queue refuses: M/M/c/K has a closed form, too.
func TestFullQueueRefuses(t *testing.T) {
	const workers, queue, load = 2, 3, 1.8
	c := newContainer(Config{Traffic: &model.Traffic{
		PerSecond: load * 10, Wait: exponentially(100 * ms), Workers: workers, Queue: queue,
	}}, 1)
	c.Advance(20_000 * time.Second)
	probability, sum := 1.0, 1.0
	for n := 1; n <= workers+queue; n++ {
		probability *= load / float64(min(n, workers))
		sum += probability
	}
	near(t, "accepted per second", float64(c.clients.came)/20_000, load*10*(1-probability/sum), .01)
	if n := c.InFlight(c.now); n > workers+queue {
		t.Errorf("%d in flight, at most %d", n, workers+queue)
	}
}

// A client whose attempts each take too long with probability p makes
// 1 + p + p² + … of them, and the server works all of them off.
func TestClientsRetry(t *testing.T) {
	for _, test := range []struct {
		timeout time.Duration
		retries int
	}{{ms, 3}, {time.Second, 2}, {2 * time.Second, 1}, {time.Hour, 5}} {
		c := newContainer(Config{Traffic: &model.Traffic{
			PerSecond: 5, Wait: exponentially(time.Second), Workers: 200,
			ClientTimeout: test.timeout, RetriesMax: test.retries, RetriesAfter: 300 * ms,
		}}, 1)
		c.Advance(20_000 * time.Second)
		p := math.Exp(-test.timeout.Seconds())
		attempts := 0.0
		for n := range test.retries + 1 {
			attempts += math.Pow(p, float64(n))
		}
		near(t, "attempts per second", float64(c.clients.came)/20_000, 5*attempts, .015)
		near(t, "worked off per second", float64(c.clients.ended)/20_000, 5*attempts, .015)
	}
}

// Refused requests are retried, too: with a queue that is always full the
// server is offered 1 + RetriesMax times the traffic, and works without a pause.
func TestRefusedClientsRetry(t *testing.T) {
	c := newContainer(Config{Traffic: &model.Traffic{
		PerSecond: 50, Wait: dist.Constantly(100 * ms), Workers: 1, Queue: 1,
		ClientTimeout: time.Hour, RetriesMax: 3, RetriesAfter: time.Second,
	}}, 1)
	c.Advance(1000 * time.Second)
	near(t, "served per second", float64(c.clients.ended)/1000, 10, .01)
	// Clients who will try again: of 50 a second nearly all fail all four times.
	if n := c.clients.trying.len(); n < 100 || n > 160 {
		t.Errorf("%d clients wait to try again, want 50 a second of each of 3 retries less those served", n)
	}
}

// Arrivals go on while the process stands still, and clients give up meanwhile.
func TestArrivalsWhileFrozen(t *testing.T) {
	for _, test := range []struct {
		retries int
		want    float64
	}{{0, 100 * 10}, {1, 100 * (10 + 10 - 3)}} {
		c := newContainer(Config{Traffic: &model.Traffic{
			PerSecond: 100, CPU: dist.Constantly(10 * time.Microsecond), Workers: 4,
			ClientTimeout: 2 * time.Second, RetriesMax: test.retries, RetriesAfter: time.Second,
		}}, 1)
		at := 100 * time.Second
		if n := c.InFlight(at); n > 2 {
			t.Errorf("%d in flight before", n)
		}
		c.Freeze(at, false)
		near(t, "in flight", float64(c.InFlight(at+10*time.Second)), test.want, .1)
		c.Thaw(at + 10*time.Second)
		if n := c.InFlight(at + 11*time.Second); n > 2 {
			t.Errorf("%d in flight after", n)
		}
	}
}

// A process that hangs keeps its workers for the requests it has, and takes in
// all that come.
func TestRequestsPileUpInHungProcess(t *testing.T) {
	c := newContainer(Config{Traffic: &model.Traffic{PerSecond: 10, CPU: dist.Constantly(ms), Workers: 3}}, 1)
	at := 100 * time.Second
	c.Hang(at)
	if took := answer(c, at, Job{Demand: ms, RunsOn: model.Workers}); took > at+5*ms {
		t.Errorf("while a worker is left a job on it takes %v", took-at)
	}
	near(t, "in flight", float64(c.InFlight(at+100*time.Second)), 1000, .1)
	c.Submit(at+100*time.Second, Job{ID: 1, Demand: ms, RunsOn: model.Workers})
	c.Submit(at+100*time.Second, Job{ID: 2, Demand: ms})
	c.Advance(at + 200*time.Second)
	if done := c.Done(); len(done) != 1 || done[0].ID != 2 {
		t.Errorf("ended %v, want only the job with a thread of its own", done)
	}
	c.Exit(at + 200*time.Second)
	c.Restart(at + 210*time.Second)
	if n := c.InFlight(at + 220*time.Second); n > 2 {
		t.Errorf("%d in flight in the next process", n)
	}
}

// When a process comes back after a long absence, the clients who have come
// within the last RetriesMax tries are back within RetriesAfter, unless others
// served them.
func TestClientsComeBackAfterRestart(t *testing.T) {
	for _, test := range []struct {
		elsewhere bool
		want      float64
	}{{false, 4}, {true, 1}} {
		c := newContainer(Config{Elsewhere: test.elsewhere, Traffic: &model.Traffic{
			PerSecond: 20, CPU: dist.Constantly(ms), Workers: 4, ClientTimeout: time.Second, RetriesMax: 3, RetriesAfter: 2 * time.Second,
		}}, 1)
		at, came := time.Duration(0), int64(0)
		const restarts = 200
		for range restarts {
			at += 20 * time.Second
			c.Exit(at)
			at += 20 * time.Second
			c.Restart(at)
			before := c.clients.came
			c.Advance(at + 2*time.Second)
			came += c.clients.came - before
		}
		near(t, "requests in the first 2 s", float64(came)/restarts, 40*test.want, .05)
	}
}

// The feedback of incident I6: half of the quota for traffic, and a burst of 10 s.
// Without retries a kill ends the backlog. With them the clients who wait for
// the next process are more than it can serve before they give up, so it fails,
// too, long after the burst.
func TestRetriesOutliveKill(t *testing.T) {
	const from = 10 * time.Minute
	probe := func(retries int) (inBurst bool, after time.Duration) {
		c := newContainer(Config{Quota: 10 * ms, CPUs: 4, Traffic: &model.Traffic{
			PerSecond: 5, CPU: dist.Constantly(10 * ms), Workers: 8,
			ClientTimeout: 2 * time.Second, RetriesMax: retries, RetriesAfter: time.Second,
			Bursts: []model.Burst{{
				OnOff:     model.OnOff{Every: dist.Constantly(from), Lasts: dist.Constantly(10 * time.Second)},
				PerSecond: 60,
			}},
		}}, 1)
		job := Job{Demand: 2 * ms, RunsOn: model.Workers}
		if took := answer(c, from-5*time.Second, job) - from + 5*time.Second; took > 3*time.Second {
			t.Errorf("a probe takes %v before the burst", took)
		}
		c.Submit(from+9*time.Second, job)
		c.Advance(from + 12*time.Second)
		inBurst = len(c.Done()) > 0
		c.Exit(from + 12*time.Second)
		c.Restart(from + 15*time.Second)
		at := from + time.Minute
		return inBurst, answer(c, at, job) - at
	}
	answered, after := probe(0)
	if answered || after > time.Second {
		t.Errorf("without retries answered in the burst: %v, and in %v after a kill; want a kill to help", answered, after)
	}
	answered, after = probe(10)
	if answered || after < 3*time.Second {
		t.Errorf("with retries answered in the burst: %v, and in %v after a kill; want no help from it", answered, after)
	}
}

// TestSlowedRequests: while neighbours contend for what requests wait for, they
// wait that many times as long, and more of them are in flight (Little 1961).
func TestSlowedRequests(t *testing.T) {
	container := newContainer(Config{Traffic: &model.Traffic{PerSecond: 20, Wait: exponentially(100 * ms), Workers: 100}}, 3)
	now := time.Duration(0)
	for _, factor := range []float64{1, 3, 1} {
		container.SetWaitFactor(now, factor)
		now += time.Minute
		mean := 0.0
		const samples = 20_000
		for range samples {
			now += 500 * ms
			mean += float64(container.InFlight(now)) / samples
		}
		near(t, "requests in flight", mean, 2*factor, .03)
	}
}

// TestRetriesAreHandedOver: of clients who are all refused each is handed over once,
// in the order of time, with the number of its next attempt; those brought back are
// served, or handed over again until they have tried as often as they do.
func TestRetriesAreHandedOver(t *testing.T) {
	c := New(Config{Traffic: &model.Traffic{
		PerSecond: 10, Wait: dist.Constantly(ms), Workers: 4, ClientTimeout: time.Second, RetriesMax: 2, RetriesAfter: 3 * time.Second,
	}})
	c.KeepRetries()
	c.Reset(0, rand.New(rand.NewPCG(1, 2)))
	c.SetAccepting(0, false)
	var first []Retry
	for at := time.Second; at <= 1000*time.Second; at += time.Second {
		for _, r := range c.TakeRetries(at) {
			if n := len(first); r.Number != 1 || r.At <= at+2*time.Second || r.At > at+3*time.Second || n > 0 && r.At < first[n-1].At {
				t.Fatalf("at %v: %+v", at, r)
			}
			first = append(first, r)
		}
	}
	near(t, "refused", float64(len(first)), 10*1000, .03)
	now := 1000 * time.Second
	c.SetTraffic(now, 0) // no others
	c.Retry(now, first[0])
	if again := c.TakeRetries(now); len(again) != 1 || again[0] != (Retry{At: now + 3*time.Second, Number: 2}) {
		t.Errorf("refused once more: %+v", again)
	}
	c.Retry(now, Retry{At: now, Number: 2})
	if again := c.TakeRetries(now); len(again) != 0 {
		t.Errorf("a client who has tried three times: %+v", again)
	}
	c.SetAccepting(now, true)
	c.Retry(now, first[0])
	if c.InFlight(now) != 1 || c.InFlight(now+time.Second) != 0 || len(c.TakeRetries(now+time.Minute)) != 0 {
		t.Error("a client who is let in is not served")
	}
}

// TestPlannedBursts: a planned burst comes once, at its instant and as long as bursts
// last, one that is planned never does not come, and the others come as drawn.
func TestPlannedBursts(t *testing.T) {
	onOff := model.OnOff{Every: dist.Constantly(time.Minute), Lasts: dist.Constantly(10 * time.Second)}
	c := New(Config{Traffic: &model.Traffic{Wait: dist.Constantly(time.Hour), Workers: 1, Bursts: []model.Burst{
		{OnOff: onOff, PerSecond: 100}, {OnOff: onOff, PerSecond: 7}, {OnOff: model.OnOff{Every: dist.Constantly(10 * time.Minute), Lasts: dist.Constantly(time.Second)}, PerSecond: 1000},
	}}})
	c.PlanBursts([]time.Duration{5 * time.Minute, Never})
	c.Reset(0, rand.New(rand.NewPCG(1, 2)))
	for _, step := range []struct {
		at   time.Duration
		came float64
		over bool
	}{{5*time.Minute - 1, 0, false}, {5*time.Minute + 5*time.Second, 500, false}, {9 * time.Minute, 1000, true}, {11 * time.Minute, 2000, true}} {
		n := float64(c.InFlight(step.at))
		if math.Abs(n-step.came) > 4*math.Sqrt(step.came) || c.BurstOver(0) != step.over || !c.BurstOver(1) || c.BurstOver(2) {
			t.Errorf("%v: %g requests, want %g; over: %v", step.at, n, step.came, c.BurstOver(0))
		}
	}
}
