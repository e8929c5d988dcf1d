package main

import (
	"fmt"
	"strconv"

	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/recommend"
)

// withTermination is the flag that puts what deletions and rollouts need beside the
// probes into what is applied.
const withTermination = "with-termination"

const withTerminationUsage = "apply what deletions and rollouts need too: preStop sleep, grace period, minReadySeconds"

// terminationField is a field beside the probes that deletions or rollouts need
// changed.
type terminationField struct{ name, now, needed string }

// terminationFields returns the fields beside the probes that have to change, as
// they are and as they have to be.
func terminationFields(r *recommend.Recommendation) []terminationField {
	t := r.TerminationSettings
	if t == nil {
		return nil
	}
	var fields []terminationField
	add := func(name, now string, needed *int64) {
		if needed != nil {
			fields = append(fields, terminationField{name, now, strconv.FormatInt(*needed, 10)})
		}
	}
	if t.PreStopSleepSeconds != nil {
		now := ""
		if r.Termination.PreStopSeconds > 0 {
			now = strconv.FormatFloat(r.Termination.PreStopSeconds, 'g', -1, 64)
		}
		add("preStop sleep", now, t.PreStopSleepSeconds)
	}
	if t.TerminationGracePeriodSeconds != nil {
		add("terminationGracePeriodSeconds", strconv.FormatInt(r.Termination.TerminationGracePeriodSeconds, 10), t.TerminationGracePeriodSeconds)
	}
	if t.MinReadySeconds != nil {
		add("minReadySeconds", strconv.FormatInt(r.Rollout.MinReadySeconds, 10), t.MinReadySeconds)
	}
	if t.ProgressDeadlineSeconds != nil {
		add(progressDeadline, strconv.FormatInt(r.Rollout.ProgressDeadlineSeconds, 10), t.ProgressDeadlineSeconds)
	}
	return fields
}

// terminationSentences says what deletions and rollouts need beside the probes, and
// how it gets into what is applied.
func terminationSentences(r *recommended) []string {
	if r.TerminationSettings == nil {
		return nil
	}
	var fields []string
	for _, f := range terminationFields(r.Recommendation) {
		now := "new"
		if f.now != "" {
			now = "now " + f.now
		}
		fields = append(fields, fmt.Sprintf("%s %s (%s)", f.name, f.needed, now))
	}
	var sentences []string
	if len(fields) > 0 {
		text := fmt.Sprintf("Deletions and rollouts need %s", enumerate(fields))
		if r.TerminationSettings.PreStopSleepSeconds != nil {
			text = fmt.Sprintf("A deletion leaves %s of traffic to a pod that takes none. %s", seconds(r.Termination.Present().DeadTrafficSecondsPerDeletion.Estimate), text)
		}
		if r.withTermination {
			sentences = append(sentences, text+".")
			sentences = append(sentences, sleepAction(r)...)
		} else {
			sentences = append(sentences, fmt.Sprintf("%s: recommend --%s puts that into the patch.", text, withTermination))
		}
	}
	return append(sentences, r.TerminationSettings.Sentences...)
}

// sleepAction says what clusters and images do where a new hook is a sleep action: no
// version that is simulated lacks it, by the feature gate PodLifecycleSleepAction,
// which is beta and on since 1.30, but the input may not say which the cluster has.
func sleepAction(r *recommended) []string {
	seconds := r.TerminationSettings.PreStopSleepSeconds
	if seconds == nil || r.workload.World.Container().PreStop.Handler != "" {
		return nil
	}
	return []string{fmt.Sprintf("The sleep action is on since Kubernetes 1.30; on an older cluster exec: {command: [sleep, \"%d\"]} does the same, if the image has a sleep binary.", *seconds)}
}

// appliedTable shows what is applied: the settings of the probes and, where they were
// asked for, those beside them. Where no settings of the probes are, the latter have a
// column of their own.
func appliedTable(r *recommended) [][]string {
	rows, beside := settingsTable(r.Recommendation), terminationRows(r)
	if r.Recommended == nil && len(beside) > 0 {
		rows[0] = append(rows[0], "needed")
		for i := range rows[1:] {
			rows[1+i] = append(rows[1+i], "")
		}
	}
	return append(rows, beside...)
}

// terminationRows are the rows of the table of settings for what is applied beside
// the probes.
func terminationRows(r *recommended) [][]string {
	var rows [][]string
	if r.withTermination {
		for _, f := range terminationFields(r.Recommendation) {
			rows = append(rows, []string{f.name, dash(f.now), f.needed + "  <- changed"})
		}
	}
	return rows
}

// settledTermination returns what of it is to be applied; nil: nothing was asked
// for.
func (r *recommended) settledTermination() *scenarios.Termination {
	if !r.withTermination {
		return nil
	}
	settled := &scenarios.Termination{}
	if t := r.TerminationSettings; t != nil {
		for _, field := range []struct {
			to   *int64
			from *int64
		}{{&settled.PreStopSleep, t.PreStopSleepSeconds}, {&settled.GracePeriod, t.TerminationGracePeriodSeconds}} {
			if field.from != nil {
				*field.to = *field.from
			}
		}
		if t.MinReadySeconds != nil {
			settled.MinReady = int32(*t.MinReadySeconds)
		}
	}
	return settled
}
