package estimate

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

// TestCrashLoopIsNoDisagreement: a process that never answers is killed some 25 s
// after each start, but waits ever longer for the next one (CrashLoopBackOff), so
// that kills are far fewer than the closed form has for the time that it serves.
func TestCrashLoopIsNoDisagreement(t *testing.T) {
	w := world(nil, probe(10, 1, 3))
	w.Application.Probes[model.Liveness].Failure = 1
	all, err := Run(context.Background(), []Named{{Name: "base", World: w}}, Options{Seed: 1, Horizon: 24 * time.Hour, Replications: 4, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	v := &all.Variants[0]
	notes := strings.Join(v.Notes, "\n")
	if v.Measures.CrashLoopFraction.Estimate < 0.5 || strings.Contains(notes, "DISAGREE") || !strings.Contains(notes, "a bound only; the bound holds") {
		t.Errorf("in CrashLoopBackOff %v: %s", v.Measures.CrashLoopFraction, notes)
	}
}
