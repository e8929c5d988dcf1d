package sim_test

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// What the answer to a good attempt did fills the attempt from its start to its
// end; what was begun for one that timed out is worked off all the same (K70).
func TestTracedWorkFillsTheAttempts(t *testing.T) {
	w := world(func(w *model.World) {
		w.Pod.Containers[0].CPULimitMilli = 20
		a := &w.Application.Probes[model.Liveness]
		a.CPU, a.Wait = dist.Constantly(17*time.Millisecond), dist.Constantly(3*time.Millisecond)
		w.Application.Background = []model.Background{{Every: exponentially(time.Minute), CPU: dist.Constantly(200 * time.Millisecond), Workers: 1}}
	}, model.Liveness)
	trace := &sim.Trace{}
	run(t, w, sim.Life{Seed: 1, Horizon: time.Hour, Trace: trace})
	covered, last := map[int]time.Duration{}, map[int]time.Duration{}
	for i := range trace.Events {
		if e := &trace.Events[i]; e.Kind == sim.EventCPU {
			covered[e.Question] += e.End - e.At
			last[e.Question] = max(last[e.Question], e.End)
		}
	}
	good, late := 0, 0
	for i := range trace.Events {
		e := &trace.Events[i]
		switch {
		case e.Kind != sim.EventAttempt || covered[e.Question] == 0:
		case e.Outcome.Failed():
			late++
			if last[e.Question] <= e.At+time.Second {
				t.Errorf("attempt at %v timed out, and its answer was ready at %v", e.At, last[e.Question])
			}
		default:
			good++
			if covered[e.Question] != e.End-e.At {
				t.Errorf("attempt at %v took %v, its answer did something for %v", e.At, e.End-e.At, covered[e.Question])
			}
		}
	}
	if good < 100 || late < 5 {
		t.Errorf("%d good and %d late attempts: too few to show anything", good, late)
	}
}
