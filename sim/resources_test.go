package sim_test

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// Memory is used up D after its mark, and the pod is out of the endpoints between
// two and three periods after it: the first failure comes with the next probe,
// the third two periods later, and the rules 0.05 s after that. So of marks at a
// uniform phase a share of (30.05 − D)/10 ends in exhaustion, for D between 20 s
// and 30 s (A5). Here D is 24 s on average.
func TestExhaustionBeforeRemoval(t *testing.T) {
	w := world(func(w *model.World) {
		w.Application.Resources = []model.Resource{{
			Name: "memory", PerHour: dist.Uniform{Low: 14.4, High: 15.6}, Fails: []model.ProbeKind{model.Readiness}, FailsAt: .9, AtFull: model.FullExits,
		}}
	}, model.Readiness)
	var marks, exhausted int64
	for life := range uint64(100) {
		o := run(t, w, sim.Life{Seed: 1, Replication: life, Horizon: 2 * time.Hour})
		marks += o.Marks
		exhausted += o.Exhausted
	}
	if marks < 1000 {
		t.Fatalf("%d marks: too few to show anything", marks)
	}
	agree(t, "share of marks that end in exhaustion", float64(exhausted)/float64(marks), .605, .08)
}

// Without probes that see the mark every resource is used up, and with a slow
// growth none before the pod is out.
func TestExhaustionForCertain(t *testing.T) {
	for _, test := range []struct {
		perHour float64
		fails   []model.ProbeKind
		want    float64
	}{{10, nil, 1}, {1, []model.ProbeKind{model.Readiness}, 0}, {60, []model.ProbeKind{model.Readiness}, 1}} {
		w := world(func(w *model.World) {
			w.Application.Resources = []model.Resource{{
				Name: "files", PerHour: dist.Constant(test.perHour), Fails: test.fails, FailsAt: .9, AtFull: model.FullExits,
			}}
		}, model.Readiness)
		o := run(t, w, sim.Life{Seed: 1, Horizon: 12 * time.Hour})
		if o.Marks == 0 || float64(o.Exhausted)/float64(o.Marks) != test.want {
			t.Errorf("%v per hour, failing %v: %d of %d used up, want a share of %v", test.perHour, test.fails, o.Exhausted, o.Marks, test.want)
		}
	}
}
