package model

import (
	"fmt"
	"testing"
)

// The rules and their words are those of the API server's
// apis/core/validation/validation.go, v1.37.2 (K56, K57).
func TestK56And57Violations(t *testing.T) {
	zero, five := int64(0), int64(5)
	tests := []struct {
		name  string
		kind  ProbeKind
		probe Probe
		want  []string
	}{
		{"zeros stand for defaults", Liveness, Probe{}, nil},
		{"timeout above period", Liveness, Probe{TimeoutSeconds: 30, PeriodSeconds: 5}, nil},
		{"large values", Startup, Probe{FailureThreshold: 1 << 30, PeriodSeconds: 1 << 30}, nil},
		{"success threshold of readiness", Readiness, Probe{SuccessThreshold: 4}, nil},
		{"success threshold of liveness", Liveness, Probe{SuccessThreshold: 2}, []string{"livenessProbe.successThreshold: 2: must be 1"}},
		{"success threshold of startup", Startup, Probe{SuccessThreshold: 3}, []string{"startupProbe.successThreshold: 3: must be 1"}},
		{"negative integers", Readiness, Probe{InitialDelaySeconds: -1, TimeoutSeconds: -2, PeriodSeconds: -3, SuccessThreshold: -4, FailureThreshold: -5}, []string{
			"readinessProbe.initialDelaySeconds: -1: must be greater than or equal to 0",
			"readinessProbe.timeoutSeconds: -2: must be greater than or equal to 0",
			"readinessProbe.periodSeconds: -3: must be greater than or equal to 0",
			"readinessProbe.successThreshold: -4: must be greater than or equal to 0",
			"readinessProbe.failureThreshold: -5: must be greater than or equal to 0",
		}},
		{"grace of a probe", Liveness, Probe{TerminationGracePeriodSeconds: &five}, nil},
		{"grace of zero", Startup, Probe{TerminationGracePeriodSeconds: &zero}, []string{"startupProbe.terminationGracePeriodSeconds: 0: must be greater than 0"}},
		{"grace on readiness", Readiness, Probe{TerminationGracePeriodSeconds: &five}, []string{"readinessProbe.terminationGracePeriodSeconds: 5: must not be set for readinessProbes"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, v := range test.probe.Violations(test.kind) {
				got = append(got, v.String())
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPodViolations(t *testing.T) {
	pod := Pod{
		TerminationGracePeriodSeconds: -1,
		CPULimitMilli:                 100,
		CPURequestMilli:               200,
		Containers: []Container{
			{Name: "good", CPULimitMilli: 100, CPURequestMilli: 100},
			{Name: "bad", CPULimitMilli: 100, CPURequestMilli: 250, Probes: [ProbeKinds]*Probe{Liveness: {PeriodSeconds: -1}}},
		},
	}
	want := []string{
		"terminationGracePeriodSeconds: -1: must be greater than or equal to 0",
		"resources.requests.cpu: 200m: must be less than or equal to cpu limit of 100m",
		"containers[1].livenessProbe.periodSeconds: -1: must be greater than or equal to 0",
		"containers[1].resources.requests.cpu: 250m: must be less than or equal to cpu limit of 100m",
	}
	var got []string
	for _, v := range pod.Violations() {
		got = append(got, v.String())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestK55SetDefaults(t *testing.T) {
	probe := Probe{TimeoutSeconds: 7}
	probe.SetDefaults()
	if want := (Probe{TimeoutSeconds: 7, PeriodSeconds: 10, SuccessThreshold: 1, FailureThreshold: 3}); probe != want {
		t.Errorf("got %+v, want %+v (K55)", probe, want)
	}
}
