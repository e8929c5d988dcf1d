package recommend

import (
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// TestImproves holds that settings which meet every objective are left only for those
// that the full simulation shows to cost clearly less (S20). A readiness probe that
// takes the pod out for a single failure, where a tenth of the answers fail for a few
// seconds now and then, costs a good part of the time; one that waits for three does
// not. Where nothing fails there is nothing to gain.
func TestImproves(t *testing.T) {
	objectives := []model.Objective{atMost("removalSeconds", "p99", 100)}
	w := world(nil, probe(model.HTTPGet, 30, 1, 1), nil)
	if r := run(t, w, objectives...); r.Recommended == nil || r.chosen != nil || r.Recommended.Settings.ReadinessProbe.FailureThreshold != 1 {
		t.Errorf("not kept: %s", text(r.Recommended))
	}
	w.Application.Probes[model.Readiness].Failing = &model.OnOff{Every: exponential(10 * time.Minute), Lasts: dist.Constantly(2 * time.Second)}
	r := run(t, w, objectives...)
	if r.Recommended == nil || r.Recommended.Settings.ReadinessProbe.FailureThreshold < 2 {
		t.Fatalf("no more patient readiness is proposed: %s", text(r.Recommended))
	}
	before, after := r.Current.Measures.Availability, r.Recommended.Measures.Availability
	if before.High >= after.Low {
		t.Errorf("available %v, then %v", before, after)
	}
	if !strings.Contains(strings.Join(r.Notes, "\n"), "cost less: the availability is") {
		t.Errorf("it does not say why: %q", r.Notes)
	}
}
