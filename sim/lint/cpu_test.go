package lint

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

// TestLeastQuota holds limits below 10m to what the kernel grants them: 1 ms in every 100
// ms (C22). A start of 2 CPU-seconds takes 200 s, and answers of 10 ms of CPU, three in 10
// s, take three tenths, whatever the limit says below 10m; at 20m half of it.
func TestLeastQuota(t *testing.T) {
	for milli, want := range map[int64]struct{ start, cost float64 }{1: {200, .3}, 5: {200, .3}, 10: {200, .3}, 20: {100, .15}} {
		s := subject()
		s.World.Pod.Containers[0].CPULimitMilli = milli
		s.World.Application.Startup = []model.Stage{{CPU: always(2 * time.Second)}}
		for k := range model.ProbeKind(model.ProbeKinds) {
			s.answer(k).CPU = always(10 * ms)
		}
		if got := meanStart(s.World); math.Abs(got-want.start) > 1e-9 {
			t.Errorf("%dm: a start of 2 CPU-seconds takes %v s, want %v", milli, got, want.start)
		}
		// Readiness every 5 s and liveness every 10 s: 3 ms of CPU a second.
		f := of(Check(s), "probe-cpu-cost")
		if f == nil || math.Abs(float64(f.Number.Value)-want.cost) > 1e-9 {
			t.Errorf("%dm: %+v, want a share of %v", milli, f, want.cost)
		}
		s.World.Pod.Containers[0].Probes[model.Startup].FailureThreshold = 1
		risk, err := Assess(t.Context(), s.World, false, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		s.Risk = risk
		failures := map[bool]string{true: "startupProbe.failureThreshold to 41", false: "startupProbe.failureThreshold to 21"}[milli < 20]
		if f := of(Check(s), "starts-killed"); f == nil || !strings.Contains(f.Fix, failures) {
			t.Errorf("%dm: %+v, want %s", milli, f, failures)
		}
	}
}
