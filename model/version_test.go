package model_test

import (
	"testing"

	"github.com/probesim/probesim/model"
)

// What changed in the kubelet between 1.30 and 1.37, and when: read from its
// source at v1.30.14, v1.32.13, v1.34.4, v1.36.3 and v1.37.2, and the gates'
// versions.
func TestVersionsDiffer(t *testing.T) {
	for _, change := range []struct {
		rule  string
		since int
		holds func(model.Version) bool
	}{
		{"K3", 32, model.Version.TriggerRestartsTicker},
		{"K11", 35, model.Version.StartedCarriesOver},
		{"K35", 35, model.Version.ContainerRestartRules},
		{"K41", 35, model.Version.NodeBackOffMaximum},
		{"K25", 32, model.Version.StartupSuccessHolds},
		{"K43", 36, model.Version.RequeueAtBackOffEnd},
		{"K45", 36, model.Version.RelistAfterAction},
		{"K54", 35, model.Version.AdoptsContainers},
	} {
		for minor := model.OldestVersion.Minor; minor <= model.NewestVersion.Minor; minor++ {
			if got, want := change.holds(model.Version{Minor: minor}), minor >= change.since; got != want {
				t.Errorf("%s in 1.%d: %v, want %v", change.rule, minor, got, want)
			}
		}
	}
	if model.OldestVersion.String() != "1.30" || model.NewestVersion.String() != "1.37" {
		t.Errorf("simulated from %v to %v, want 1.30 to 1.37", model.OldestVersion, model.NewestVersion)
	}
}
