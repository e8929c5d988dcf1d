package main

import (
	"strings"
	"testing"
)

// TestReplicasWithoutTime prints what one pod came to where the budget ends within the
// first life of all replicas, says so, and leaves the answer undecided.
func TestReplicasWithoutTime(t *testing.T) {
	status, stdout, stderr := invoke(t.Context(), t, "run", "testdata/quiet.yaml", "--replicas", "900", "--budget", "1ms")
	if status != statusUndecided || !strings.Contains(stdout, "hang to kill") || !strings.Contains(stdout, "nothing is known of the replicas together: the budget ended within the first life of 900") {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
}

// TestGateOfAllReplicas decides a condition on all replicas where they are simulated,
// and refuses it elsewhere.
func TestGateOfAllReplicas(t *testing.T) {
	run := []string{"run", "testdata/quiet.yaml", "--replications", "2", "--horizon", "2h", "--fail-on", "together.falseKillsPerPodYear>1e6"}
	status, stdout, stderr := invoke(t.Context(), t, append(run, "--replicas", "2")...)
	if status != statusDone || !strings.Contains(stdout, "does not hold") {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
	status, _, stderr = invoke(t.Context(), t, run...)
	if status != statusUsage || !strings.Contains(stderr, "which only run --replicas simulates") {
		t.Errorf("status %d, %s", status, stderr)
	}
}
