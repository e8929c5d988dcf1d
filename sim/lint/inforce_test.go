package lint

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

// judged returns the findings about a subject whose risk is assessed as its start is.
func judged(t *testing.T, s *Subject) []Finding {
	t.Helper()
	risk, err := Assess(t.Context(), s.World, s.StartupGranted, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	s.Risk = risk
	return Check(s)
}

// TestDroppedStartupProbe holds that a startup probe which the version drops (A31) guards
// nothing: liveness, which leaves a start 50 to 60 s, kills those of 100 s, though they
// were taken from what the startup probe was to grant; and no check judges its budget.
func TestDroppedStartupProbe(t *testing.T) {
	for minor, killed := range map[int]bool{17: true, 18: false} {
		s := subject()
		s.version(minor)
		s.StartupGranted, s.StartupAssumed, s.ProgressDeadlineSeconds = true, true, 60
		s.World.Application.Startup = []model.Stage{{Wait: always(100 * time.Second)}}
		found := judged(t, s)
		f := of(found, "starts-killed")
		if (f != nil) != killed || f != nil && (f.Number.Value < .99 || f.Field != "livenessProbe.failureThreshold" || !strings.Contains(f.Fix, "set livenessProbe.initialDelaySeconds to 100")) {
			t.Errorf("1.%d: %+v", minor, f)
		}
		if deadline := of(found, "progress-deadline"); (deadline == nil) != killed {
			t.Errorf("1.%d: %+v", minor, deadline)
		}
		if of(found, "unsupported-field") == nil || s.probe(model.Startup) == nil {
			t.Errorf("1.%d: the probe that the manifest states is not spoken of", minor)
		}
	}
}

// TestUnenforcedTimeout holds that a command which may take as long as it likes fails by
// what it reports alone (K16): an answer of 1.4 s in a timeout of 1 s kills from 1.20 on,
// and before that a hang goes unnoticed, however the timeout is set.
func TestUnenforcedTimeout(t *testing.T) {
	byTimeout := []string{"handler-exceeds-timeout", "false-kills", "timeout-exceeds-period", "slow-detection", "liveness-below-twice-readiness"}
	for minor, acts := range map[int]bool{19: false, 20: true} {
		s := subject()
		s.version(minor)
		p := s.probe(model.Liveness)
		p.Handler.Kind, p.PeriodSeconds = model.Exec, 30
		s.World.Pod.Containers[0].CPULimitMilli = 20
		s.answer(model.Liveness).CPU = always(30 * ms)
		found := judged(t, s)
		for _, f := range found {
			if slices.Contains(byTimeout, f.ID) && !acts {
				t.Errorf("1.%d: %s: %s", minor, f.ID, f.Message)
			}
		}
		for _, id := range byTimeout[:2] {
			if (of(found, id) != nil) != acts {
				t.Errorf("1.%d: %s: %+v", minor, id, of(found, id))
			}
		}
		// What the command reports still kills, after five periods of 30 s: 5·30 over
		// the 6 s of readiness. With a timeout that acts it is 1 s more.
		c := check{Subject: &Subject{World: inForce(s.World)}}
		if got, want := c.tolerated(model.Liveness), map[bool]time.Duration{false: 150, true: 151}[acts]*time.Second; got != want || c.sees(model.Liveness) != acts {
			t.Errorf("1.%d: tolerates %v, want %v; sees hangs: %v", minor, got, want, c.sees(model.Liveness))
		}
	}
}

// TestDroppedSleep holds that a sleep action which the version drops leaves no hook.
func TestDroppedSleep(t *testing.T) {
	for minor, dropped := range map[int]bool{29: true, 30: false} {
		s := subject()
		s.version(minor)
		if f := of(Check(s), "missing-pre-stop"); (f != nil) != dropped {
			t.Errorf("1.%d: %+v", minor, f)
		}
	}
}
