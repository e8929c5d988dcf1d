package sim

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// TestTriggerComesOnce plans one of each kind of trigger in a world in which they
// would come every few minutes: it meets the replicas it can meet, once and at its
// instant, and none of the others comes.
func TestTriggerComesOnce(t *testing.T) {
	const warmUp = 5 * time.Minute
	every := func(lasts time.Duration) model.OnOff {
		return model.OnOff{Name: "x", Every: exponential(5 * time.Minute), Lasts: dist.Constantly(lasts)}
	}
	w := replicasWorld(4)
	w.Node.ReplicasPerNode = 2
	w.Node.Stalls = []model.Stall{{OnOff: every(30 * time.Second)}}
	w.Dependencies = []model.OnOff{every(60 * time.Second)}
	w.Application.Pauses = []model.OnOff{every(90 * time.Second)}
	w.Application.Probes[model.Readiness].DependsOn = []int{0}
	w.Application.Probes[model.Readiness].RunsOn = model.Workers
	hangs := model.Fault{Every: exponential(5 * time.Minute), Lasts: dist.Constantly(2 * time.Minute), Answers: model.FaultFailure}
	hangs.Probes[model.Readiness] = true
	w.Faults = []model.Fault{hangs}
	w.Application.Traffic = &model.Traffic{
		PerSecond: 1, OfService: true, Workers: 1, Queue: 500, Wait: dist.Constantly(10 * time.Millisecond), ClientTimeout: time.Second,
		Bursts: []model.Burst{{OnOff: every(150 * time.Second), PerSecond: 1000}},
	}
	var all []Trigger
	for kind := TriggerBurst; kind <= TriggerFault; kind++ {
		all = append(all, Trigger{Kind: kind})
	}
	r, err := NewReplicas(w)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind  TriggerKind
		meets int
		lasts time.Duration
	}{{TriggerBurst, 4, 150 * time.Second}, {TriggerOutage, 4, time.Minute}, {TriggerStall, 2, 30 * time.Second}, {TriggerPause, 1, 90 * time.Second}, {TriggerFault, 1, 2 * time.Minute}} {
		o := r.Run(ReplicasLife{
			Life: Life{Seed: 1, Horizon: 24 * time.Hour}, WarmUp: warmUp,
			Without: all, Begins: &Trigger{Kind: c.kind}, Settles: 3 * time.Minute,
		})
		if o.Reached[c.meets] < 1 || c.meets < 4 && o.Reached[c.meets+1] > 0 {
			t.Errorf("kind %d: reached %v, want %d", c.kind, o.Reached, c.meets)
		}
		// Removal and return take some seconds each, and then they are well for three minutes.
		if took := o.Time - 3*time.Minute; took < c.lasts || took > c.lasts+20*time.Second {
			t.Errorf("kind %d: the life goes on for %v, of which %v are after it", c.kind, o.Time, took-c.lasts)
		}
		if out := o.Out[c.meets]; c.kind != TriggerBurst && (out < c.lasts-20*time.Second || out > c.lasts+10*time.Second) { // a burst finds them in and out by turns
			t.Errorf("kind %d: %d out for %v, want about %v", c.kind, c.meets, out, c.lasts)
		}
	}
	if o := r.Run(ReplicasLife{Life: Life{Seed: 1, Horizon: 6 * time.Hour}, WarmUp: warmUp, Without: all}); o.Episodes > 0 || o.Time != 6*time.Hour-warmUp {
		t.Errorf("none planned: %d episodes in %v", o.Episodes, o.Time)
	}
	if o := r.Run(ReplicasLife{Life: Life{Seed: 1, Horizon: 6 * time.Hour}, WarmUp: warmUp}); o.Episodes < 20 {
		t.Errorf("by chance: %d episodes", o.Episodes)
	}
}
