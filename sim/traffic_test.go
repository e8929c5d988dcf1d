package sim_test

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// A probe that fails above a number of requests in flight meets that number as
// it is on average: of a server with a worker for each request it is Poisson
// with the rate times the time in the server as mean (M/G/∞).
func TestFailsAboveRequestsInFlight(t *testing.T) {
	const load, most = 6, 8
	for _, cached := range []time.Duration{0, 3 * time.Second} {
		w := world(func(w *model.World) {
			w.Pod.Containers[0].Probes[model.Readiness].FailureThreshold = math.MaxInt32
			w.Application.Traffic = &model.Traffic{PerSecond: 12, Wait: exponentially(500 * time.Millisecond), Workers: 200}
			w.Application.Probes[model.Readiness].FailsInFlight = most
			w.Application.Probes[model.Readiness].Cached = cached
		}, model.Readiness)
		o := run(t, w, sim.Life{Seed: 1, Horizon: 2 * day})
		above, term := 1.0, math.Exp(-load)
		for n := range most + 1 {
			above -= term
			term *= load / float64(n+1)
		}
		agree(t, "failed readiness probes", float64(o.Failures[model.Readiness])/float64(o.Attempts[model.Readiness]), above, .05)
	}
}

// Readiness that fails above a number of requests in flight sheds a burst: the
// pod is out of the endpoints for a part of each, and without that check never.
func TestReadinessShedsBursts(t *testing.T) {
	unready := func(most int) time.Duration {
		w := world(func(w *model.World) {
			p := w.Pod.Containers[0].Probes[model.Readiness]
			p.PeriodSeconds, p.FailureThreshold = 1, 1
			w.Application.Traffic = &model.Traffic{
				PerSecond: 2, Wait: dist.Constantly(time.Second), Workers: 200,
				Bursts: []model.Burst{{PerSecond: 50, OnOff: model.OnOff{
					Every: dist.Constantly(10 * time.Minute), Lasts: dist.Constantly(30 * time.Second),
				}}},
			}
			w.Application.Probes[model.Readiness].FailsInFlight = most
		}, model.Readiness)
		return run(t, w, sim.Life{Seed: 1, Horizon: time.Hour}).FalseUnready
	}
	starting, shed := unready(0), unready(20)
	// Five bursts of 30 s. In each the pod is out and in by turns: the requests
	// in flight drain within 1 s, and it is back a probe and a propagation later.
	if more := shed - starting; more < 5*5*time.Second || more > 5*30*time.Second {
		t.Errorf("out of the endpoints for %v more than the %v of the start, want a part of 5 bursts of 30 s", more, starting)
	}
}

// A hang that no handler notices shows in the requests in flight: 10 a second
// reach 30 after 3 s, and readiness fails three times from then on.
func TestRequestsInFlightShowHang(t *testing.T) {
	w := world(func(w *model.World) {
		w.Pod.Containers[0].Probes[model.Readiness].PeriodSeconds = 5
		w.Application.Traffic = &model.Traffic{PerSecond: 10, Wait: dist.Constantly(10 * time.Millisecond), Workers: 8}
		w.Application.Probes[model.Readiness].HangCoverage = 0
		w.Application.Probes[model.Readiness].FailsInFlight = 30
	}, model.Readiness)
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	mean := 0.0
	const lives = 200
	for i := range uint64(lives) {
		o := s.Run(sim.Life{Seed: 1, Replication: i, Horizon: time.Hour, Hang: time.Minute + time.Duration(i)*25*time.Millisecond})
		if len(o.Removals) != 1 {
			t.Fatalf("life %d: removals %v", i, o.Removals)
		}
		mean += o.Removals[0].Seconds() / lives
	}
	// 31 arrivals take 3.1 s, the next probe comes half a period later and the
	// third failure two periods after it; propagation takes up to about 2 s.
	if mean < 3.1+2.5+10-.2 || mean > 3.1+2.5+10+2 {
		t.Errorf("removed %.2f s after the hang", mean)
	}
}

// The feedback of incident I6: the limit fits the steady traffic, probes queue
// with the requests, and a burst of 20 s leads to a kill. Clients who do not
// retry are gone with the burst. Those who do keep every next process from
// answering its probes.
func TestRetriesKeepKilling(t *testing.T) {
	kills := func(retries int) int64 {
		w := world(func(w *model.World) {
			c := &w.Pod.Containers[0]
			c.CPULimitMilli = 100
			c.Probes[model.Liveness].PeriodSeconds = 5
			w.Application.Traffic = &model.Traffic{
				PerSecond: 5, CPU: dist.Constantly(10 * time.Millisecond), Workers: 8,
				ClientTimeout: 2 * time.Second, RetriesMax: retries, RetriesAfter: time.Second,
				Bursts: []model.Burst{{PerSecond: 60, OnOff: model.OnOff{
					Every: dist.Constantly(10 * time.Minute), Lasts: dist.Constantly(20 * time.Second),
				}}},
			}
			answer := &w.Application.Probes[model.Liveness]
			answer.CPU, answer.RunsOn = dist.Constantly(time.Millisecond), model.Workers
		}, model.Liveness)
		return run(t, w, sim.Life{Seed: 1, Horizon: 20 * time.Minute}).FalseKills[model.Liveness]
	}
	if n := kills(0); n < 1 || n > 2 {
		t.Errorf("%d kills without retries, want the burst's", n)
	}
	if n := kills(10); n < 5 {
		t.Errorf("%d kills with retries, want one after another", n)
	}
}
