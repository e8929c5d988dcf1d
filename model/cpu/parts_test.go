package cpu

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"pgregory.net/rapid"
)

// partsOf runs a job to its end and returns how long it was in each condition.
// The parts have to follow each other without a gap from its submission on.
func partsOf(t interface {
	Helper()
	Fatalf(string, ...any)
}, c *Container, at time.Duration, job Job,
) (took time.Duration, in [Conditions]time.Duration) {
	t.Helper()
	c.Record(true)
	job.ID = 7
	took = answer(c, at, job) - at
	end := at
	for _, p := range c.Parts() {
		if p.ID != job.ID {
			continue
		}
		if p.From != end || p.To <= p.From {
			t.Fatalf("%v from %v to %v, want it to begin at %v", p.Condition, p.From, p.To, end)
		}
		in[p.Condition] += p.To - p.From
		end = p.To
	}
	if end != at+took {
		t.Fatalf("the parts end at %v, the job at %v", end, at+took)
	}
	return took, in
}

// What each cause adds to 30 ms of CPU, where the arithmetic is plain.
func TestPartsOfAnAnswer(t *testing.T) {
	const demand = 30 * ms
	for _, test := range []struct {
		name string
		cfg  Config
		job  Job
		is   Condition
		want time.Duration
	}{
		{"alone", Config{}, Job{Demand: demand}, Running, demand},
		// 130m stop it twice for the 87 ms that are left of a period (S8).
		{"quota", Config{Quota: 13 * ms, Accounting: model.AccountingExact}, Job{Demand: demand}, Throttled, 174 * ms},
		{"wait", Config{}, Job{Demand: demand, Wait: 11 * ms}, Waiting, 11 * ms},
		// A sibling that never sleeps gets every second slice of 4 ms (C20). The
		// first is the woken thread's, and the last is cut short.
		{"sibling", Config{Background: []model.Background{{Always: true, Threads: 1}}}, Job{Demand: demand}, Queued, 28 * ms},
	} {
		c := withPhase(test.cfg, 0)
		took, in := partsOf(t, c, time.Second, test.job)
		if in[Running] != demand {
			t.Errorf("%s: ran %v, want %v", test.name, in[Running], demand)
		}
		if got := in[test.is]; got != test.want {
			t.Errorf("%s: %v for %v of %v, want %v", test.name, test.is, got, took, test.want)
		}
	}
	// Against a neighbour of ten times its weight, what is not run is stolen.
	c := withPhase(Config{Weight: 10}, 0)
	c.SetNeighbourWeight(0, 100)
	if took, in := partsOf(t, c, time.Second, Job{Demand: demand}); in[Stolen] != took-demand || in[Stolen] < 200*ms {
		t.Errorf("neighbour: stolen %v of %v", in[Stolen], took)
	}
	c = withPhase(Config{}, 0)
	c.Record(true)
	c.Submit(time.Second, Job{ID: 1, Demand: demand})
	c.Freeze(time.Second+10*ms, false)
	c.Thaw(time.Second + 90*ms)
	c.Advance(2 * time.Second)
	if parts := c.Parts(); len(parts) != 3 || parts[1].Condition != StandsStill || parts[1].To-parts[1].From != 80*ms {
		t.Errorf("frozen for 80 ms: %v", parts)
	}
}

// Whatever stands in its way, an answer of one thread runs for its demand, waits
// for its wait, and is in one condition at every instant.
func TestPartsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			Quota:                  rapid.SampledFrom([]time.Duration{0, 12 * ms, 30 * ms}).Draw(t, "quota"), // the load has to fit
			CPUs:                   rapid.IntRange(1, 3).Draw(t, "cpus"),
			InterruptionsPerSecond: float64(rapid.SampledFrom([]int{0, 30}).Draw(t, "interruptions")),
			Threads:                rapid.IntRange(0, 2).Draw(t, "threads"),
			Weight:                 10,
		}
		if rapid.Bool().Draw(t, "pod quota") {
			cfg.PodQuota = 20 * ms
		}
		if rapid.Bool().Draw(t, "background") {
			cfg.Background = poisson(10*ms, 2*ms, .5, 1)
		}
		if rapid.Bool().Draw(t, "traffic") {
			cfg.Traffic = &model.Traffic{PerSecond: 10, CPU: dist.Constantly(2 * ms), Workers: 1}
		}
		c := newContainer(cfg, rapid.Uint64().Draw(t, "seed"))
		c.SetNeighbourWeight(0, rapid.SampledFrom([]int64{0, 0, 5, 40}).Draw(t, "neighbours"))
		at := time.Second
		for range 5 {
			at += time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "gap"))
			job := Job{
				Demand: time.Duration(rapid.Int64Range(1, int64(20*ms)).Draw(t, "demand")),
				Wait:   time.Duration(rapid.Int64Range(0, int64(20*ms)).Draw(t, "wait")),
				RunsOn: rapid.SampledFrom([]model.RunsOn{model.Dedicated, model.Workers}).Draw(t, "runs on"),
			}
			took, in := partsOf(t, c, at, job)
			if in[Running] != job.Demand || in[Waiting] != job.Wait {
				t.Fatalf("ran %v of %v, waited %v of %v", in[Running], job.Demand, in[Waiting], job.Wait)
			}
			if cfg.Quota == 0 && cfg.PodQuota == 0 && in[Throttled] > 0 {
				t.Fatalf("throttled %v without a quota", in[Throttled])
			}
			at += took
		}
	})
}

// Looking changes nothing.
func TestRecordChangesNothing(t *testing.T) {
	cfg := Config{Quota: 5 * ms, CPUs: 2, InterruptionsPerSecond: 30, Background: poisson(5*ms, 2*ms, .8, 2)}
	seen, unseen := newContainer(cfg, 5), newContainer(cfg, 5)
	seen.Record(true)
	for i := range 200 {
		at := time.Duration(i) * 1234567890
		job := Job{Demand: 4 * ms, Wait: ms}
		if a, b := answer(seen, at, job), answer(unseen, at, job); a != b {
			t.Fatalf("answer %d at %v with, at %v without a record", i, a, b)
		}
	}
}
