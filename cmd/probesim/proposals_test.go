//go:build unix

package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/recommend"
)

var everyProposal = flag.Bool("proposals", false, "check the proposals for the whole gallery; make proposals does")

// cheapProposals are the cases that are checked each time: with a startup probe to
// change, with failures in runs, and with a startup probe to add.
var cheapProposals = []string{"infinispan-ticks", "ingress-controller", "sparse-readiness"}

// TestProposals holds that what recommend proposes for the gallery at its default
// effort meets every objective on seeds that the search has not seen: none is
// missed, and each is met by the estimate unless it was reported as undecided. Where
// nothing is proposed, it has to be said why. With -v it prints the table of
// docs/performance.md.
func TestProposals(t *testing.T) {
	if underRace {
		t.Skip("pod-years of several settings")
	}
	var rows []string
	for _, entry := range scenarios.Gallery() {
		if !*everyProposal && !slices.Contains(cheapProposals, entry.Name) {
			continue
		}
		t.Run(entry.Name, func(t *testing.T) {
			source, err := scenarios.Open(entry.Name)
			if err != nil {
				t.Fatal(err)
			}
			workloads, err := scenarios.Load(source, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range workloads {
				row := checkProposal(t, entry.Name, w)
				rows = append(rows, row)
				t.Log(row)
			}
		})
	}
	t.Log("\n| case | CPU time | status | objectives met | undecided | on other seeds |\n|---|---|---|---|---|---|\n" + strings.Join(rows, "\n"))
}

// checkProposal searches settings for a workload, simulates them on other seeds and
// returns the row of the table.
func checkProposal(t *testing.T, name string, w *scenarios.Workload) string {
	o := recommend.Options{Strategy: w.Strategy, Options: estimate.Options{
		Seed: w.Run.Seed, Horizon: w.Run.Horizon, Precision: w.Run.Precision, Objectives: w.Objectives,
	}}
	before := cpuTime()
	r, err := recommend.Run(context.Background(), w.World, o)
	if err != nil {
		t.Fatal(err)
	}
	row := fmt.Sprintf("| %s | %.1f s | %d |", name, (cpuTime() - before).Seconds(), recommendStatus(w, r))
	if r.Recommended == nil {
		if r.Infeasible == nil || r.Infeasible.Reason == "" {
			t.Error("nothing is proposed, and nothing says why")
			return row + " – | – | nothing proposed |"
		}
		return row + " – | – | impossible: " + r.Infeasible.Reason + " |"
	}
	var undecided []string
	for _, verdict := range r.Recommended.Objectives {
		if verdict.Met == nil {
			undecided = append(undecided, verdict.Name)
		}
	}
	checkReasons(t, r)
	proposed := (&recommended{workload: w, Recommendation: r}).world()
	o.Seed += 1000
	again, err := recommend.Confirm(context.Background(), proposed, o)
	if err != nil {
		t.Fatal(err)
	}
	met, wrong := heldTo(again, w.Objectives, undecided)
	for _, what := range wrong {
		t.Errorf("on other seeds: %s", what)
	}
	return fmt.Sprintf("%s %d of %d | %s | %d of %d met, none missed |", row,
		len(r.Recommended.Objectives)-len(undecided), len(r.Recommended.Objectives), dash(strings.Join(undecided, ", ")), met, len(again.Objectives))
}

// checkReasons holds that every number of the recommended probes that was chosen has
// a reason: what binds it, and for one less and one more either what is predicted or
// why there is no such value.
func checkReasons(t *testing.T, r *recommend.Recommendation) {
	t.Helper()
	reasons := map[string]*recommend.Reason{}
	for i := range r.Binding {
		reasons[r.Binding[i].Field] = &r.Binding[i]
	}
	now := map[string]string{}
	for _, f := range settingFields(&r.Current.Settings) {
		now[f.name] = f.value
	}
	for _, f := range settingFields(&r.Recommended.Settings) {
		delay := strings.HasSuffix(f.name, "initialDelaySeconds")
		if strings.HasSuffix(f.name, "successThreshold") || delay && (now[f.name] == f.value || now[f.name] == "") {
			continue
		}
		reason := reasons[f.name]
		if reason == nil || reason.Binding == "" || reason.Sentence == "" || len(reason.Alternatives) < 3 {
			t.Errorf("%s %s: no reason, or half of one: %+v", f.name, f.value, reason)
			continue
		}
		value, _ := strconv.Atoi(f.value)
		for i, want := range []int{value, value - 1, value + 1} {
			a := &reason.Alternatives[i]
			known := a.DetectionP99Seconds != nil || a.RemovalP99Seconds != nil || a.GuaranteedSeconds != nil || a.ReadyLagP99Seconds != nil || a.FalseKillsPerPodYear != nil
			if a.Value != strconv.Itoa(want) || !known && a.Excluded == "" {
				t.Errorf("%s %s: says nothing of %d: %+v", f.name, f.value, want, a)
			}
		}
	}
}

// heldTo counts the objectives that a simulation shows to be met, and says which of
// them it shows to be missed, or does not meet by its estimate although they were
// not left undecided.
func heldTo(v *estimate.Variant, objectives []model.Objective, undecided []string) (met int, wrong []string) {
	for i, verdict := range v.Objectives {
		switch {
		case verdict.Met == nil:
			e, err := v.Measures.Lookup(objectives[i].Measure, objectives[i].Statistic)
			if err != nil || e == nil || slices.Contains(undecided, verdict.Name) {
				continue
			}
			if above := e.Estimate > objectives[i].Bound; above != objectives[i].AtLeast && e.Estimate != objectives[i].Bound {
				wrong = append(wrong, fmt.Sprintf("%s: %.3g (%.3g to %.3g)", verdict.Name, e.Estimate, e.Low, e.High))
			}
		case *verdict.Met:
			met++
		default:
			wrong = append(wrong, verdict.Name+" is missed")
		}
	}
	return met, wrong
}

// cpuTime returns the CPU time that the process has used, which unlike the clock's
// does not depend on what else the machine does.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
