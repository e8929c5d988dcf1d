package cpu

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// TestRedrawKeepsTheLaw lets many busy containers go on from an instant, half of them
// with what nobody can have seen drawn anew: when a job ends is of the same law, and so
// are what the container has used by then and what is left at that instant.
func TestRedrawKeepsTheLaw(t *testing.T) {
	const lives, at = 12_000, 400 * ms
	law := dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(float64(40 * ms)), Sigma: .3}}
	cfg := Config{
		Quota: 40 * ms, CPUs: 2,
		Background: []model.Background{{Every: dist.Duration{Nanoseconds: dist.Exponential(80 * ms)}, CPU: law, Workers: 2}},
		Traffic: &model.Traffic{
			PerSecond: 5, CPU: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(float64(5 * ms)), Sigma: 1}},
			Wait: dist.Duration{Nanoseconds: dist.Exponential(100 * ms)}, Workers: 2,
			Bursts: []model.Burst{{OnOff: model.OnOff{Every: dist.Duration{Nanoseconds: dist.Exponential(500 * ms)}, Lasts: law}, PerSecond: 50}},
		},
	}
	var sums, squares [2][3]float64
	for i := range uint64(lives) {
		r := rand.New(rand.NewPCG(7, i))
		c := New(cfg)
		c.Reset(0, r)
		answer, wait := law.Sample(r), law.Sample(r)
		c.Advance(at - 30*ms)
		c.Submit(at-30*ms, Job{ID: 1, Demand: answer, Wait: wait, RunsOn: model.Workers})
		c.Advance(at)
		way := int(i % 2)
		if way == 1 {
			c.Redraw(at, func(p *Progress) (left, wait time.Duration, ok bool) {
				if p.Waits {
					wait, ok = law.Beyond(p.Waited, r)
					return 0, wait, ok
				}
				demand, ok := law.Beyond(p.Had, r)
				return demand - p.Had, law.Sample(r), ok
			})
		}
		left := time.Duration(0) // of what is under way
		for t := range c.threads {
			left += max(0, c.threads[t].left) + max(0, c.threads[t].until-at)
		}
		ends := 20 * time.Second
		for now := at; now < ends; now = max(now+1, c.Next()) {
			c.Advance(now)
			if done := c.Done(); len(done) > 0 {
				ends = done[0].At
			}
		}
		for j, x := range []float64{math.Log(ends.Seconds()), math.Log(c.used.Seconds()), left.Seconds()} {
			sums[way][j] += x
			squares[way][j] += x * x
		}
	}
	for j, what := range []string{"end of the job", "CPU time used", "what is left"} {
		const n = lives / 2.
		a, b := sums[0][j]/n, sums[1][j]/n
		sigma := math.Sqrt((squares[0][j]/n - a*a + squares[1][j]/n - b*b) / n)
		if z := (b - a) / sigma; math.Abs(z) > 3.5 {
			t.Errorf("%s: mean %.4f drawn anew, %.4f as it was: %.1f standard errors", what, b, a, z)
		}
	}
}

// TestRedrawParts: containers that go on from copies of one go ways of their own.
func TestRedrawParts(t *testing.T) {
	cfg := Config{Quota: 20 * ms, CPUs: 1, Background: []model.Background{{Every: dist.Duration{Nanoseconds: dist.Exponential(ms)}, CPU: dist.Duration{Nanoseconds: dist.Exponential(time.Second)}, Workers: 1}}}
	first := New(cfg)
	first.Reset(0, rand.New(rand.NewPCG(1, 1)))
	first.Advance(time.Second)
	ends := map[time.Duration]bool{}
	for i := range uint64(20) {
		c := New(cfg)
		c.CopyFrom(first)
		c.GoOn(rand.New(rand.NewPCG(2, i)))
		c.Redraw(time.Second, nil)
		ends[c.threads[0].left] = true
	}
	if len(ends) != 20 {
		t.Errorf("%d different ends of one job in 20 ways on", len(ends))
	}
}
