package estimate

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// agitated is a world in which every accumulator of a tally gets something.
func agitated() *model.World {
	w := world(probe(5, 1, 2), probe(10, 1, 3))
	w.Pod.Containers[0].Probes[model.Startup] = probe(2, 1, 3)
	w.Pod.Containers[0].CPULimitMilli = 500
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(time.Hour), Lasts: exponential(15 * time.Second)}}
	w.Faults = []model.Fault{{Name: "deadlock", Every: exponential(4 * time.Hour), Forever: true, Hangs: true, Probes: [model.ProbeKinds]bool{true, true, true}}}
	w.Application.Startup = []model.Stage{{Wait: exponential(5 * time.Second)}}
	w.Application.Probes[model.Liveness].CPU = exponential(5 * time.Millisecond)
	// It grows by the whole in 4 h; the last 4 s of them are short for the probe.
	w.Application.Resources = []model.Resource{{Name: "memory", PerHour: dist.Constant(.25), Fails: []model.ProbeKind{model.Readiness}, FailsAt: .9997, AtFull: model.FullExits}}
	w.Node.Classes = []model.NodeClass{{Weight: 1, Node: w.Node}, {Weight: 1, Node: w.Node}}
	return w
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestJoin cuts a run into shards of any number, joins them in any order after
// they went through JSON, and expects the bytes of the run in one piece (S15).
// Since every accumulator has something in it, one that merge forgets shows.
func TestJoin(t *testing.T) {
	variants := []Named{{"base", agitated()}}
	const replications = 7
	o := Options{Seed: 3, Horizon: 12 * time.Hour, Replications: replications, blocks: 2}
	whole, _, err := Simulate(context.Background(), variants, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole.Tallies {
		everyFieldSet(t, reflect.ValueOf(whole.Tallies[i][0]), "tally")
	}
	report, err := Report(t.Context(), whole, variants, o, "")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int64{1, 2, 3, 5, 7, 11} {
		var parts []*Part
		for i := range n {
			o.Shard = Shard{Index: i, Of: n}
			part, _, err := Simulate(context.Background(), variants, o)
			if err != nil {
				t.Fatal(err)
			}
			read := &Part{}
			if err := json.Unmarshal([]byte(encoded(t, part)), read); err != nil {
				t.Fatal(err)
			}
			parts = append(parts, read)
		}
		random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		joined, err := Join(parts, replications)
		if err != nil {
			t.Fatal(err)
		}
		if encoded(t, joined) != encoded(t, whole) {
			t.Errorf("%d shards: other sums than in one piece", n)
		}
		again, err := Report(t.Context(), joined, variants, o, "")
		if err != nil {
			t.Fatal(err)
		}
		if encoded(t, again) != encoded(t, report) {
			t.Errorf("%d shards: other measures than in one piece", n)
		}
	}
}

// everyFieldSet holds every field of a struct to a value other than zero.
func everyFieldSet(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	for i := range v.NumField() {
		field := v.Type().Field(i).Name
		if v.Field(i).IsZero() {
			t.Errorf("%s.%s: nothing in it, so that the test says nothing of it", name, field)
		}
	}
}

// TestJoinRefuses holds that a result is never made of too few or too many
// replications.
func TestJoinRefuses(t *testing.T) {
	part := func(from, done int64) *Part {
		p := newPart(from, 1, 1)
		p.Done = done
		return p
	}
	other := part(2, 2)
	other.Horizon = time.Hour
	for _, c := range []struct {
		name  string
		parts []*Part
		want  string
	}{
		{"none", nil, "no part"},
		{"first missing", []*Part{part(2, 2)}, "replications 0 to 1 are missing"},
		{"middle missing", []*Part{part(3, 1), part(0, 2)}, "replications 2 to 2 are missing"},
		{"last missing", []*Part{part(0, 3)}, "replications 3 to 3 are missing"},
		{"twice", []*Part{part(0, 2), part(2, 2), part(0, 2)}, "replications 0 to 1 are there twice"},
		{"overlap", []*Part{part(0, 3), part(2, 2)}, "replications 2 to 2 are there twice"},
		{"horizon", []*Part{part(0, 2), other}, "horizon"},
		{"variants", []*Part{part(0, 2), newPart(2, 1, 2)}, "variants"},
	} {
		if _, err := Join(c.parts, 4); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Join([]*Part{part(2, 2), part(2, 0), part(0, 2), part(4, 0)}, 4); err != nil {
		t.Errorf("with empty parts: %v", err)
	}
}

// TestResume interrupts runs, with a given number of replications and with a
// stopping rule, after some of their replications and around a look of that
// rule, and expects the bytes of the run in one go.
func TestResume(t *testing.T) {
	variants := []Named{{"base", agitated()}}
	for _, o := range []Options{
		{Seed: 3, Horizon: time.Hour, Replications: 5},
		{Seed: 3, Horizon: time.Hour, Precision: .9, Limit: 32},
	} {
		var saved []string
		o.Folded = func(p *Part) { saved = append(saved, encoded(t, p)) }
		straight, err := Run(context.Background(), variants, o)
		if err != nil {
			t.Fatal(err)
		}
		o.Folded = nil
		for i, text := range saved {
			if i > 1 && i != firstLook-1 && i != firstLook && i < len(saved)-1 {
				continue
			}
			o.Resume = &Part{}
			if err := json.Unmarshal([]byte(text), o.Resume); err != nil {
				t.Fatal(err)
			}
			resumed, err := Run(context.Background(), variants, o)
			if err != nil {
				t.Fatal(err)
			}
			if encoded(t, resumed) != encoded(t, straight) {
				t.Errorf("resumed after %d of %d replications: other bytes", i+1, straight.Replications)
			}
		}
		o.Resume = newPart(1, 1, 1)
		if _, err := Run(context.Background(), variants, o); err == nil {
			t.Error("the part of another shard was resumed")
		}
	}
}

// TestSmallBudget holds that a budget which no replication fits into is not
// overrun by the length of its horizon, and that the answer says what it is.
func TestSmallBudget(t *testing.T) {
	o := Options{Seed: 3, Horizon: 100 * year, Budget: time.Millisecond}
	v := run(t, agitated(), o)
	if !hasNote(v, "--horizon 6h0m0s --replications 1 reproduces them") {
		t.Errorf("notes %q", v.Notes)
	}
	again := run(t, agitated(), Options{Seed: 3, Horizon: 6 * time.Hour, Replications: 1})
	if encoded(t, again.Measures) != encoded(t, v.Measures) {
		t.Error("what the note says does not reproduce the measures")
	}
}
