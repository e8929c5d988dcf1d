package model

import (
	"reflect"
	"testing"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// oneOf is uncertain between constants of so many seconds.
func oneOf(seconds ...float64) dist.Duration {
	var all dist.Uncertain
	for _, s := range seconds {
		all = append(all, dist.Constant(s*1e9))
	}
	return dist.Duration{Nanoseconds: all}
}

// TestDraws: the best guess first; then each alternative as often as the others,
// independent inputs independently, and one input the same wherever it stands.
func TestDraws(t *testing.T) {
	answer := oneOf(1, 2, 3, 4)
	w := &World{Node: DefaultNode(), Cluster: DefaultCluster()}
	w.Pod.Containers = []Container{{Name: "api"}}
	w.Application.Probes[Readiness].Wait, w.Application.Probes[Liveness].Wait = answer, answer.Times(2)
	w.Application.Startup = []Stage{{Wait: dist.Duration{Nanoseconds: dist.Shift{By: 1e9, Of: oneOf(10, 20).Nanoseconds}}}}
	w.Node.Classes = []NodeClass{{Weight: 1, Node: Node{Stalls: []Stall{{OnOff: OnOff{Lasts: oneOf(5, 6, 7, 8)}}}}}}
	if !w.Uncertain() {
		t.Fatal("not uncertain")
	}
	certain := w.Draw(0)
	if certain.Uncertain() || certain.Application.Probes[Readiness].Wait.Mean() != time.Second || certain.Application.Startup[0].Wait.Mean() != 11*time.Second {
		t.Errorf("the best guess is %+v", certain.Application)
	}
	if !reflect.DeepEqual(certain, certain.Draw(3)) {
		t.Error("a draw changes a world without uncertain inputs")
	}
	counts, together := map[time.Duration]int{}, map[[2]time.Duration]int{}
	for n := 1; n <= InputDraws; n++ {
		drawn := w.Draw(n)
		ready, live := drawn.Application.Probes[Readiness].Wait.Mean(), drawn.Application.Probes[Liveness].Wait.Mean()
		if live != 2*ready {
			t.Errorf("draw %d: one input is both %v and %v", n, ready, live/2)
		}
		stall := drawn.Node.Classes[0].Node.Stalls[0].Lasts.Mean()
		counts[ready]++
		counts[stall]++
		together[[2]time.Duration{ready, stall}]++
	}
	if len(counts) != 8 {
		t.Errorf("draws %v", counts)
	}
	for value, n := range counts {
		if n != InputDraws/4 {
			t.Errorf("%v is in %d draws", value, n)
		}
	}
	if len(together) < 12 {
		t.Errorf("pairs of inputs %v", together)
	}
}
