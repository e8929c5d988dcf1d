package sim_test

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// An answer to exec is the joining of the cgroup, which costs no CPU, and then
// the CPU time of the runtime's helper and of the command, inside the quota (C26,
// C27, C33); to http and grpc the handler's CPU time and its wait; to tcp the
// kernel's alone (C10). What they cost is the probe's share of the CPU.
func TestExecProbeCosts(t *testing.T) {
	const ms = time.Millisecond
	const probes = 6 * 60 // in an hour, with a period of 10 s
	for _, test := range []struct {
		name    string
		handler model.HandlerKind
		milli   int64
		took    time.Duration // of an answer; 0: not looked at
		cpu     time.Duration
	}{
		{"exec", model.Exec, 0, 10*ms + 20*ms + 5*ms + 3*ms, 25 * ms},
		{"exec within the quota", model.Exec, 300, 38 * ms, 25 * ms},
		{"exec beyond the quota", model.Exec, 50, 0, 25 * ms},
		{"http", model.HTTPGet, 0, 5*ms + 3*ms, 5 * ms},
		{"grpc", model.GRPC, 0, 5*ms + 3*ms, 5 * ms},
		{"tcp", model.TCPSocket, 0, 200 * time.Microsecond, 0},
	} {
		w := world(func(w *model.World) {
			w.Pod.Containers[0].CPULimitMilli = test.milli
			w.Pod.Containers[0].Probes[model.Liveness].Handler.Kind = test.handler
			w.Application.Probes[model.Liveness] = model.Answer{
				CPU: dist.Constantly(5 * ms), Wait: dist.Constantly(3 * ms), HangCoverage: 1,
				Exec: model.ExecCost{Join: dist.Constantly(10 * ms), HelperCPU: dist.Constantly(20 * ms)},
			}
		}, model.Liveness)
		trace := &sim.Trace{}
		o := run(t, w, sim.Life{Seed: 1, Horizon: time.Hour, Trace: trace})
		var longest time.Duration
		for i := range trace.Events {
			e := &trace.Events[i]
			if e.Kind != sim.EventAttempt {
				continue
			}
			if got := e.End - e.At; test.took > 0 && got != test.took {
				t.Errorf("%s: an answer took %v, want %v", test.name, got, test.took)
			}
			longest = max(longest, e.End-e.At)
		}
		if test.milli == 50 && longest < 138*ms { // 25 ms from a quota of 5 ms need two or three refills more
			t.Errorf("%s: answers took %v at most: the quota did not stretch them", test.name, longest)
		}
		if got, want := o.ProbeCPU, o.Attempts[model.Liveness]; got < time.Duration(want)*test.cpu || got > time.Duration(want+1)*test.cpu || want < probes-2 { // one may be under way
			t.Errorf("%s: %d answers cost %v, want %v each", test.name, want, got, test.cpu)
		}
	}
}
