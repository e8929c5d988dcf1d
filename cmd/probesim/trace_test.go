package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/calc"
)

// Every line of a trace has a rule, and with --explain a sentence. The lives
// have kills, hangs, deletions, rollouts and restarts of the kubelet.
func TestTraceExplainsEveryLine(t *testing.T) {
	rules := regexp.MustCompile(`^([KCI][0-9]+(, K[0-9]+)?|scenario)$`)
	for _, args := range traces() {
		_, stdout, stderr := invoke(t.Context(), t, append(args, "--explain", "-o", "json")...)
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		if len(lines) < 5 {
			t.Fatalf("%v: %d lines; %s", args, len(lines), stderr)
		}
		for _, line := range lines {
			e := decoded(t, line)
			rule, _ := e["rule"].(string)
			why, _ := e["why"].(string)
			if !rules.MatchString(rule) || !strings.HasSuffix(why, ".") {
				t.Errorf("%v: %s", args, line)
			}
			// Of the default of 1 s; one application of the rules can be under way (K51, K72).
			if w := waited.FindStringSubmatch(why); w != nil {
				if s, err := strconv.ParseFloat(w[1], 64); err != nil || s > 1.3 {
					t.Errorf("%v: waits for longer than minSyncPeriod: %s", args, line)
				}
			}
		}
	}
}

var waited = regexp.MustCompile(`waited ([0-9.]+) s for minSyncPeriod`)

// TestExceedsLine names every whole second, those that all answers exceed together.
func TestExceedsLine(t *testing.T) {
	for want, exceeds := range map[string][]calc.ExceedsTimeout{
		"1 s: 0":                          {{TimeoutSeconds: 1}},
		"1 s: 1, 2 s: 0":                  {{TimeoutSeconds: 1, Probability: 1}, {TimeoutSeconds: 2}},
		"1 to 2 s: 1, 3 s: 0.250, 4 s: 0": {{TimeoutSeconds: 1, Probability: 1}, {TimeoutSeconds: 2, Probability: 1}, {TimeoutSeconds: 3, Probability: .25}, {TimeoutSeconds: 4}},
	} {
		if got := exceedsLine(exceeds); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func traces() [][]string {
	var all [][]string
	for _, entry := range scenarios.Gallery() {
		all = append(all, []string{"trace", galleryPrefix + entry.Name, "--horizon", "1h"})
	}
	return append(all,
		[]string{"trace", "gallery:ingress-controller", "--hang", "5m"},
		[]string{"trace", "gallery:alb-deregistration", "--to", "20m", "--set", "events.deletion.every=5m", "--set", "events.kubeletRestart.every=4m"},
		[]string{"trace", "gallery:alb-deregistration", "--to", "20m", "--set", "events.rollout.every=3m", "--set", "replicas=4"},
		[]string{"trace", "gallery:infinispan-ticks", "--hang", "1m", "--set", "application.shutdown.ignoresTerm=true", "--set", "replicas=1"},
	)
}

// A trace in Chrome's format is one JSON object whose records have the fields
// of their phase, in time order, and no two stretches of a lane overlap.
func TestTraceInChromesFormat(t *testing.T) {
	for _, args := range traces() {
		_, stdout, _ := invoke(t.Context(), t, append(args, "-o", "chrome")...)
		var trace chromeTrace
		if err := json.Unmarshal([]byte(stdout), &trace); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		named, ends, last := map[string]bool{}, map[string]float64{}, 0.0
		for _, e := range trace.TraceEvents {
			lane := fmt.Sprint(e.PID, " ", e.TID)
			if e.Phase == "M" {
				named[lane] = e.Args.Name != ""
				continue
			}
			if e.TS < last || !named[lane] || e.Name == "" || (e.Phase == "X") != (e.Duration != nil) || (e.Phase == "i") != (e.Scope == "t") {
				t.Fatalf("%v: %+v", args, e)
			}
			last = e.TS
			if e.Phase != "X" {
				continue
			}
			if const1ns := 0.0015; e.TS < ends[lane]-const1ns || *e.Duration <= 0 {
				t.Errorf("%v: %+v begins before %v", args, e, ends[lane])
			}
			ends[lane] = e.TS + *e.Duration
		}
	}
}

// A count beyond the threshold is no share of it.
func TestCounted(t *testing.T) {
	for want, run := range map[string]int{"1 of 3": 1, "3 of 3": 3, "15 in a row, 3 suffice": 15} {
		if got := counted(run, 3); got != want {
			t.Errorf("%d: %q, want %q", run, got, want)
		}
	}
	if got := counted(0, 3); got != "3 of 3" { // the worker is on hold
		t.Errorf("a verdict: %q", got)
	}
}
