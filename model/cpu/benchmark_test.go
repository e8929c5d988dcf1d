package cpu

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// answer submits a job and returns the instant of its end.
func answer(c *Container, at time.Duration, job Job) time.Duration {
	c.Submit(at, job)
	for {
		if done := c.Done(); len(done) > 0 {
			return done[0].At
		}
		c.Advance(c.Next())
	}
}

// exponential is the distribution of the gaps of a Poisson process, in ns.
type exponential float64

func (e exponential) Sample(r *rand.Rand) float64 { return r.ExpFloat64() * float64(e) }
func (exponential) CDF(float64) float64           { panic("not sampled") }
func (exponential) Quantile(float64) float64      { panic("not sampled") }
func (e exponential) Mean() float64               { return float64(e) }

// poisson returns background jobs that use share of a quota of quota in 100 ms.
func poisson(quota, job time.Duration, share float64, workers int) []model.Background {
	gap := float64(100*ms) * float64(job) / float64(quota) / share
	return []model.Background{{
		Every: dist.Duration{Nanoseconds: exponential(gap)}, CPU: dist.Constantly(job), Workers: workers,
	}}
}

func newContainer(cfg Config, seed uint64) *Container {
	c := New(cfg)
	c.Reset(0, rand.New(rand.NewPCG(1, seed)))
	return c
}

// One probe every 10 s of an idle container.
func BenchmarkIdleProbe(b *testing.B) {
	for _, bench := range []struct {
		name string
		cfg  Config
		job  Job
	}{
		{"unlimited", Config{CPUs: 4}, Job{Demand: 2 * ms}},
		{"unthrottled", Config{Quota: 10 * ms, CPUs: 4, InterruptionsPerSecond: 30}, Job{Demand: 2 * ms}},
		{"20m-5ms", Config{Quota: 2 * ms, CPUs: 4, InterruptionsPerSecond: 30}, Job{Demand: 5 * ms}},
		{"100m-20ms", Config{Quota: 10 * ms, CPUs: 4}, Job{Demand: 20 * ms}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := newContainer(bench.cfg, 1)
			at := time.Second
			b.ReportAllocs()
			for b.Loop() {
				answer(c, at, bench.job)
				at += 10*time.Second + 1234567
			}
		})
	}
}

// One probe of an idle container after gaps of a second, a minute and an hour:
// what lies between is not simulated.
func BenchmarkIdleGap(b *testing.B) {
	for _, gap := range []time.Duration{time.Second, time.Minute, time.Hour} {
		b.Run(gap.String(), func(b *testing.B) {
			c := newContainer(Config{Quota: 10 * ms, CPUs: 4, InterruptionsPerSecond: 30}, 1)
			at := time.Second
			b.ReportAllocs()
			for b.Loop() {
				answer(c, at, Job{Demand: 2 * ms})
				if at += gap + 1234567; at > Never/2 {
					at = time.Second
					c.Reset(0, rand.New(rand.NewPCG(1, 1)))
				}
			}
		})
	}
}

// One second of a container of 100m with jobs of 2 ms.
func BenchmarkLoadedSecond(b *testing.B) {
	for _, bench := range []struct {
		name string
		cpus int
		load []model.Background
	}{
		{"20%-1cpu", 1, poisson(10*ms, 2*ms, .2, 1)},
		{"40%-1cpu", 1, poisson(10*ms, 2*ms, .4, 1)},
		{"80%-1cpu", 1, poisson(10*ms, 2*ms, .8, 1)},
		{"80%-4cpu", 4, poisson(10*ms, 2*ms, .8, 4)},
		{"120%-1cpu", 1, poisson(10*ms, 2*ms, 1.2, 1)},
		{"always", 1, []model.Background{{Always: true, Threads: 1}}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := newContainer(Config{Quota: 10 * ms, CPUs: bench.cpus, Background: bench.load}, 1)
			at := time.Duration(0)
			b.ReportAllocs()
			for b.Loop() {
				at += time.Second
				c.Advance(at)
			}
		})
	}
}

// A start of 9 CPU-seconds at 200m, about 45 s.
func BenchmarkStart(b *testing.B) {
	c := New(Config{Quota: 20 * ms, CPUs: 4})
	r := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for b.Loop() {
		c.Reset(0, r)
		answer(c, 0, Job{Demand: 9 * time.Second, Threads: 2})
	}
}

// A start of 50 CPU-seconds at 500m, about 100 s.
func BenchmarkLongStart(b *testing.B) {
	for _, bench := range []struct {
		name    string
		cfg     Config
		threads int
	}{
		{"1-thread", Config{Quota: 50 * ms, CPUs: 4}, 1},
		{"2-threads", Config{Quota: 50 * ms, CPUs: 4}, 2},
		{"2-threads-ample", Config{Quota: 400 * ms, PodQuota: 400 * ms, CPUs: 4}, 2},
		{"1-thread-1cpu", Config{Quota: 100 * ms, PodQuota: 100 * ms, CPUs: 4}, 1},
		{"2-threads-nested-interrupted", Config{Quota: 50 * ms, PodQuota: 50 * ms, CPUs: 4, InterruptionsPerSecond: 30}, 2},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := New(bench.cfg)
			r := rand.New(rand.NewPCG(1, 1))
			b.ReportAllocs()
			for b.Loop() {
				c.Reset(0, r)
				answer(c, 0, Job{Demand: 50 * time.Second, Threads: bench.threads})
			}
		})
	}
}

// A probe's answer of 20 ms at 20m, which takes about ten refills.
func BenchmarkStarvedProbe(b *testing.B) {
	for _, bench := range []struct {
		name string
		cfg  Config
	}{
		{"own", Config{Quota: 2 * ms, CPUs: 4}},
		{"nested", Config{Quota: 2 * ms, PodQuota: 2 * ms, CPUs: 4}},
		{"nested-interrupted", Config{Quota: 2 * ms, PodQuota: 2 * ms, CPUs: 4, InterruptionsPerSecond: 30}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := newContainer(bench.cfg, 1)
			at := time.Second
			b.ReportAllocs()
			for b.Loop() {
				answer(c, at, Job{Demand: 20 * ms})
				at += 10*time.Second + 1234567
			}
		})
	}
}
