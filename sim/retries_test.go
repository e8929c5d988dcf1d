package sim

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// inFlight runs lives of a world's replicas up to the horizon and returns the mean
// number of requests in flight at its end, by replica.
func inFlight(t *testing.T, w *model.World, lives int, horizon time.Duration, apart bool) []float64 {
	t.Helper()
	r, err := NewReplicas(w)
	if err != nil {
		t.Fatal(err)
	}
	mean := make([]float64, w.Replicas)
	for i := range lives {
		r.Run(ReplicasLife{Life: Life{Seed: 1, Replication: uint64(i), Horizon: horizon}, Apart: apart})
		for k, l := range r.lives {
			a := l.processes.(*application)
			mean[k] += float64(a.cpu.InFlight(horizon)) / float64(lives)
		}
	}
	return mean
}

// retryingWorld is n replicas with a worker for each request, which takes a second
// on average.
func retryingWorld(n int, t model.Traffic) *model.World {
	w := replicasWorld(n)
	t.OfService, t.Workers, t.Wait = true, 200, exponential(time.Second)
	w.Application.Traffic = &t
	return w
}

// TestRetriesReachOtherReplicas: requests that each take too long for their clients
// with probability p are made 1 + p + p² + … times, by all replicas together, and
// none is lost between them. In flight is the rate times the time of each (Little
// 1961), a server's worker working off what its client gave up.
func TestRetriesReachOtherReplicas(t *testing.T) {
	const rate, retries = 40, 3
	for _, after := range []time.Duration{0, 300 * time.Millisecond, 2 * time.Second} {
		for _, n := range []int{2, 4} {
			w := retryingWorld(n, model.Traffic{PerSecond: rate, ClientTimeout: time.Second, RetriesMax: retries, RetriesAfter: after})
			p, want := math.Exp(-1), 0.0
			for k := range retries + 1 {
				want += rate * math.Pow(p, float64(k))
			}
			for _, apart := range []bool{false, true} {
				sum := 0.0
				for _, mean := range inFlight(t, w, 150, time.Minute, apart) {
					sum += mean
				}
				if math.Abs(sum-want) > 0.03*want { // 1.3 standard errors are 1 %
					t.Errorf("%d replicas, retries after %v, apart %v: %.2f requests in flight, want %.2f", n, after, apart, sum, want)
				}
			}
		}
	}
}

// TestRetriesOfARefusingReplica: of two replicas in the endpoints one has no process
// that listens. A client reaches the other one at each attempt with probability one
// half, so of all requests it serves those of 1 - 2^-(retries+1), where without
// retries it has a half.
func TestRetriesOfARefusingReplica(t *testing.T) {
	const rate = 40
	for _, retries := range []int{0, 1, 3} {
		w := retryingWorld(2, model.Traffic{PerSecond: rate, RetriesMax: retries, ClientTimeout: time.Minute, RetriesAfter: 500 * time.Millisecond})
		w.Pod.Containers[0].Probes[model.Readiness].FailureThreshold = 1000 // it is never missed
		r, err := NewReplicas(w)
		if err != nil {
			t.Fatal(err)
		}
		const lives = 300
		mean := 0.0
		for i := range lives {
			r.begin(&ReplicasLife{Life: Life{Seed: 1, Replication: uint64(i), Horizon: time.Hour}})
			for at := r.nextAt(); at <= 20*time.Second; at = r.nextAt() {
				r.step(at)
			}
			deaf := r.lives[1].processes.(*application)
			deaf.listening = false
			deaf.trafficChanged()
			for at := r.nextAt(); at <= 40*time.Second; at = r.nextAt() {
				r.step(at)
			}
			mean += float64(r.lives[0].processes.(*application).cpu.InFlight(40*time.Second)) / lives
		}
		if want := rate * (1 - math.Pow(0.5, float64(retries+1))); math.Abs(mean-want) > 0.04*want {
			t.Errorf("%d retries: %.2f requests in flight, want %.2f", retries, mean, want)
		}
	}
}

// TestClientsHerdWhileNoReplicaServes: while all replicas are out of the endpoints
// every client is refused, and those of the last RetriesMax tries come within
// RetriesAfter of the first replica's return.
func TestClientsHerdWhileNoReplicaServes(t *testing.T) {
	const rate, retries = 20, 3
	w := retryingWorld(2, model.Traffic{PerSecond: rate, RetriesMax: retries, RetriesAfter: 2 * time.Second})
	w.Application.Traffic.Wait = dist.Constantly(time.Hour) // whatever came is in flight
	w.Dependencies = []model.OnOff{{Name: "db", Every: dist.Constantly(time.Minute), Lasts: dist.Constantly(time.Minute)}}
	w.Application.Probes[model.Readiness].DependsOn = []int{0}
	r, err := NewReplicas(w)
	if err != nil {
		t.Fatal(err)
	}
	came, returns := 0.0, 0
	inFlight := func(at time.Duration) (n float64) {
		for _, l := range r.lives {
			if a := l.processes.(*application); a.launched {
				n += float64(a.cpu.InFlight(at))
			}
		}
		return n
	}
	for i := range 60 {
		r.begin(&ReplicasLife{Life: Life{Seed: 2, Replication: uint64(i), Horizon: time.Hour}})
		in, before, since := 0, 0.0, never
		for at := r.nextAt(); at < 8*time.Minute; at = r.nextAt() {
			if since != never && at > since+2*time.Second {
				came += inFlight(since+2*time.Second) - before
				returns++
				since = never
			}
			r.step(at)
			was := in
			in = r.service.inEndpoints()
			if was == 0 && in > 0 && at > 2*time.Minute {
				before, since = inFlight(at), at
			}
			if in == 0 {
				since = never
			}
		}
	}
	if want := rate * 2 * (1 + retries); returns < 100 || math.Abs(came/float64(returns)-float64(want)) > 0.04*float64(want) {
		t.Errorf("%.1f requests in the 2 s after each of %d returns, want %d", came/float64(returns), returns, want)
	}
}
