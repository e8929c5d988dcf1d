package sim

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// replicasWorld is a workload of n replicas whose readiness is asked every
// second.
func replicasWorld(n int) *model.World {
	w := &model.World{Name: "replicas", Replicas: n}
	w.Pod.Containers = []model.Container{{Name: "app"}}
	w.Pod.TerminationGracePeriodSeconds = 30
	readiness := model.Probe{PeriodSeconds: 1, TimeoutSeconds: 1, FailureThreshold: 1, SuccessThreshold: 1, Handler: model.Handler{Kind: model.HTTPGet}}
	w.Pod.Containers[0].Probes[model.Readiness] = &readiness
	w.Application.Threads = 1
	w.Node.CPUs, w.Node.KernelHz, w.Node.CFSPeriod = 4, 250, 100*time.Millisecond
	w.Cluster.KubernetesVersion = model.NewestVersion
	w.Cluster.MinSyncPeriod = time.Second
	return w
}

func exponential(mean time.Duration) dist.Duration {
	return dist.Duration{Nanoseconds: dist.Exponential(mean)}
}

// runReplicas adds up lives of a world's replicas.
func runReplicas(t *testing.T, w *model.World, lives int, horizon time.Duration) *ReplicasOutcome {
	t.Helper()
	r, err := NewReplicas(w)
	if err != nil {
		t.Fatal(err)
	}
	sum := newReplicasOutcome(w.Replicas)
	for i := range lives {
		o := r.Run(ReplicasLife{Life: Life{Seed: 1, Replication: uint64(i), Horizon: horizon}, WarmUp: time.Minute})
		sum.Time += o.Time
		sum.Episodes += o.Episodes
		sum.Whole += o.Whole
		for k := range o.Out {
			sum.Out[k] += o.Out[k]
			sum.Reached[k] += o.Reached[k]
		}
	}
	return &sum
}

// TestReplicasApartAreBinomial holds replicas that share nothing, each unready
// for a tenth of the time by a stall of its own node, to the binomial
// distribution.
func TestReplicasApartAreBinomial(t *testing.T) {
	const n = 3
	w := replicasWorld(n)
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Every: exponential(9 * time.Minute), Lasts: exponential(time.Minute)}}}
	o := runReplicas(t, w, 16, 48*time.Hour)
	p := 0.0
	for k := range n + 1 {
		p += float64(k) / n * float64(o.Out[k]) / float64(o.Time)
	}
	if p < 0.085 || p > 0.115 {
		t.Errorf("a replica is out for %.3g of the time; its stalls last a tenth", p)
	}
	for k, choose := range []float64{1, 3, 3, 1} {
		want := choose * math.Pow(p, float64(k)) * math.Pow(1-p, float64(n-k))
		if got := float64(o.Out[k]) / float64(o.Time); math.Abs(got-want) > 0.2*want {
			t.Errorf("%d out: %.4g of the time, binomial: %.4g", k, got, want)
		}
	}
}

// TestAvailableAsThePodIs holds the availability of a single replica to that of the same
// life of the pod, and of two whose node stalls them to twice that of either.
func TestAvailableAsThePodIs(t *testing.T) {
	w := replicasWorld(1)
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Every: exponential(9 * time.Minute), Lasts: exponential(time.Minute)}}}
	of := Life{Seed: 3, Horizon: 48 * time.Hour}
	pod, err := New(w)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := NewReplicas(w)
	if err != nil {
		t.Fatal(err)
	}
	want := pod.Run(of).Available
	if got := alone.Run(ReplicasLife{Life: of}).Available; got != want {
		t.Errorf("a single replica is available for %v, the pod for %v", got, want)
	}
	started := pod.Run(Life{Seed: 3, Horizon: time.Minute}).Available
	if got := alone.Run(ReplicasLife{Life: of, WarmUp: time.Minute}).Available; got != want-started {
		t.Errorf("after the warm-up it is available for %v, the pod for %v", got, want-started)
	}
	w.Replicas, w.Node.ReplicasPerNode = 2, 2
	both, err := NewReplicas(w)
	if err != nil {
		t.Fatal(err)
	}
	if got := both.Run(ReplicasLife{Life: of}).Available; math.Abs(float64(got-2*want)) > 0.01*float64(want) {
		t.Errorf("two replicas are available for %v, want about twice %v", got, want)
	}
}

// TestReplicasOfOneNodeStallTogether puts the same replicas on one node: its
// stalls meet all of them.
func TestReplicasOfOneNodeStallTogether(t *testing.T) {
	w := replicasWorld(3)
	w.Node.ReplicasPerNode = 3
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Every: exponential(9 * time.Minute), Lasts: exponential(time.Minute)}}}
	o := runReplicas(t, w, 5, 48*time.Hour)
	// The probes' own phases set the replicas apart by a few seconds each time.
	if all, some := float64(o.Out[3]), float64(o.Out[1]+o.Out[2]); all/float64(o.Time) < 0.085 || some > 0.05*all {
		t.Errorf("all out for %.3g of the time, some for %.3g", all/float64(o.Time), some/float64(o.Time))
	}
}

// TestOutageOfADependency takes all replicas out at once if readiness checks
// the dependency, for the share of the time that outages last, and none if it
// does not.
func TestOutageOfADependency(t *testing.T) {
	w := replicasWorld(4)
	w.Dependencies = []model.OnOff{{Name: "db", Every: exponential(95 * time.Minute), Lasts: dist.Constantly(5 * time.Minute)}}
	w.Application.Probes[model.Readiness].DependsOn = []int{0}
	o := runReplicas(t, w, 12, 48*time.Hour)
	if all := float64(o.Out[4]) / float64(o.Time); math.Abs(all-0.05) > 0.006 {
		t.Errorf("all out for %.4g of the time; outages last 0.05 of it", all)
	}
	if o.Episodes == 0 || o.Whole != o.Episodes {
		t.Errorf("%d of %d episodes took all replicas out", o.Whole, o.Episodes)
	}
	w.Application.Probes[model.Readiness].DependsOn = nil
	if o := runReplicas(t, w, 4, 48*time.Hour); o.Episodes > 0 {
		t.Errorf("%d episodes although nothing checks the dependency", o.Episodes)
	}
}

// TestLoadOfAnUnreadyReplicaMoves gives two replicas a load of which one can
// bear its half, not all: the stall of one ends in both being out, but only
// where the load moves.
func TestLoadOfAnUnreadyReplicaMoves(t *testing.T) {
	w := replicasWorld(2)
	w.Pod.Containers[0].CPULimitMilli = 1000
	probe := w.Pod.Containers[0].Probes[model.Readiness]
	probe.PeriodSeconds, probe.FailureThreshold = 2, 2
	w.Application.Threads = 2
	w.Application.Probes[model.Readiness].RunsOn = model.Workers
	w.Application.Probes[model.Readiness].CPU = dist.Constantly(time.Millisecond)
	w.Application.Traffic = &model.Traffic{PerSecond: 140, OfService: true, CPU: dist.Constantly(10 * time.Millisecond), Workers: 2, Queue: 1000}
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Every: exponential(30 * time.Minute), Lasts: dist.Constantly(20 * time.Second)}}}
	r, err := NewReplicas(w)
	if err != nil {
		t.Fatal(err)
	}
	whole := map[bool]float64{}
	for _, apart := range []bool{false, true} {
		o := r.Run(ReplicasLife{Life: Life{Seed: 3, Horizon: 6 * time.Hour}, WarmUp: time.Minute, Apart: apart})
		if o.Episodes == 0 {
			t.Fatal("no replica was ever out")
		}
		whole[apart] = float64(o.Whole) / float64(o.Episodes)
	}
	if whole[false] < 0.5 || whole[true] > 0.2 {
		t.Errorf("both out after one: %.2g of the episodes with the load moving, %.2g without", whole[false], whole[true])
	}
}

// TestBurstsOfAServiceMeetAllReplicas holds the bursts of a service's traffic to
// one schedule, whenever each container starts: workers that answer the probe
// and are flooded by a burst are so in every replica at once.
func TestBurstsOfAServiceMeetAllReplicas(t *testing.T) {
	const n = 3
	flooded := func(ofService bool) *ReplicasOutcome {
		w := replicasWorld(n)
		w.Application.BeforeStart = []model.Stage{{Wait: exponential(30 * time.Second)}}
		for k := range w.Application.Probes {
			w.Application.Probes[k].RunsOn = model.Workers
		}
		burst := model.OnOff{Every: exponential(3 * time.Hour), Lasts: dist.Duration{Nanoseconds: dist.Constant(float64(5 * time.Minute))}}
		second := model.OnOff{Every: exponential(4 * time.Hour), Lasts: dist.Duration{Nanoseconds: dist.Constant(float64(3 * time.Minute))}}
		w.Application.Traffic = &model.Traffic{
			OfService: ofService, Workers: 1, Queue: 50, ClientTimeout: 20 * time.Second,
			Wait:   dist.Duration{Nanoseconds: dist.Constant(float64(time.Second))},
			Bursts: []model.Burst{{OnOff: burst, PerSecond: 4}, {OnOff: second, PerSecond: 4}},
		}
		if ofService {
			for i := range w.Application.Traffic.Bursts {
				w.Application.Traffic.Bursts[i].PerSecond *= n
			}
		}
		return runReplicas(t, w, 4, 48*time.Hour)
	}
	if o := flooded(true); o.Episodes < 30 || o.Whole != o.Episodes {
		t.Errorf("all replicas out in %d of %d episodes of a service's bursts", o.Whole, o.Episodes)
	}
	if o := flooded(false); o.Episodes < 90 || o.Whole > o.Episodes/10 {
		t.Errorf("all replicas out in %d of %d episodes of each pod's own bursts", o.Whole, o.Episodes)
	}
}
