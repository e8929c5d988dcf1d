package lint

import (
	"context"
	"reflect"
	"testing"

	"github.com/probesim/probesim/model"
)

// TestAssessorKnowsWhatDiffers holds worlds that differ in names to be assessed
// once, and those that differ in anything else not to be taken for each other.
func TestAssessorKnowsWhatDiffers(t *testing.T) {
	w := subject().World
	key, ok := likenessOf(w, false)
	if !ok {
		t.Fatal("a world that cannot be compared")
	}
	named := subject().World
	c := *named.Container()
	c.Name, c.Image, c.Ports = "b", "other:2", map[string]int32{"http": 1}
	liveness := *c.Probes[model.Liveness]
	liveness.Handler.Target = "/b"
	c.Probes[model.Liveness] = &liveness
	named = named.WithContainer(c)
	named.Name = "another"
	if same, ok := likenessOf(named, false); !ok || same != key {
		t.Error("names make a difference")
	}
	for name, change := range map[string]func(w *model.World, c *model.Container){
		"limit":     func(_ *model.World, c *model.Container) { c.CPULimitMilli = 201 },
		"threshold": func(_ *model.World, c *model.Container) { c.Probes[model.Liveness].FailureThreshold++ },
		"handler":   func(_ *model.World, c *model.Container) { c.Probes[model.Liveness].Handler.Kind = model.Exec },
		"no probe":  func(_ *model.World, c *model.Container) { c.Probes[model.Liveness] = nil },
		"moved": func(_ *model.World, c *model.Container) {
			c.Probes[model.Liveness], c.Probes[model.Readiness] = c.Probes[model.Readiness], c.Probes[model.Liveness]
		},
		"fault":    func(w *model.World, _ *model.Container) { w.Faults = nil },
		"replicas": func(w *model.World, _ *model.Container) { w.Replicas++ },
		"startup":  func(w *model.World, _ *model.Container) { w.Application.Startup = nil },
	} {
		other := subject().World
		change(other, other.Container())
		if same, ok := likenessOf(other, false); !ok || same == key {
			t.Errorf("%s makes no difference", name)
		}
	}
	if same, _ := likenessOf(w, true); same == key {
		t.Error("a granted startup makes no difference")
	}
	a := Assessor{Seed: 1, Jobs: 1}
	first, err := a.Assess(t.Context(), w, false)
	if err != nil {
		t.Fatal(err)
	}
	if direct, err := Assess(t.Context(), w, false, 1, 1); err != nil || !reflect.DeepEqual(direct, first) {
		t.Errorf("%v, and directly %v, %v", first, direct, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if again, err := a.Assess(ended, named, false); err != nil || again != first {
		t.Errorf("simulated once more: %v, %v", again, err)
	}
}
