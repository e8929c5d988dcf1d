package estimate

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

// TestRateOfAnUnreachableThreshold: people write the greatest failureThreshold
// to switch a probe's verdict off. Its rate is found at once, and is no more
// than that of a lower one.
func TestRateOfAnUnreachableThreshold(t *testing.T) {
	w := world(nil, probe(10, 1, 3))
	w.Application.Probes[model.Liveness].Failure = .01
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponential(time.Hour), Lasts: exponential(20 * time.Second)}}}
	f := NewClosedForm(w, model.Liveness)
	p := *w.Container().Probes[model.Liveness]
	before := math.Inf(1)
	for _, threshold := range []int32{3, 30, 999, 1000, 1001, 100_000, math.MaxInt32} {
		p.FailureThreshold = threshold
		typical, bound := f.Rate(&p)
		if !(typical >= 0 && typical <= bound && bound <= before) {
			t.Errorf("failureThreshold %d: %g at most %g, after %g", threshold, typical, bound, before)
		}
		before = bound
	}
	if before > 1e-100 {
		t.Errorf("the greatest failureThreshold: at most %g a second, want none", before)
	}
}
