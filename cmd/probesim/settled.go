package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/probesim/probesim/scenarios"
)

// settledFormats are the formats in which recommended settings can be applied.
var settledFormats = []string{"patch", "kustomize", "helm", "manifest"}

// writeSettled writes the workloads for which there are settings in a format to
// apply. Why there are none for the others goes to diagnostics; in the format
// manifest they stay as they are.
func writeSettled(w, diagnostics io.Writer, format string, results []recommended) error {
	var list []scenarios.Settled
	for i := range results {
		r := &results[i]
		if r.Recommended == nil {
			what := format
			if r.settles() {
				what += " of the probes"
			}
			reason := "undecided within the budget"
			switch {
			case r.Infeasible != nil:
				reason = r.Infeasible.Reason
			case r.interrupted:
				reason = "interrupted"
			}
			fmt.Fprintf(diagnostics, "%s: no %s: %s\n", r.Scenario, what, reason)
		}
		if open := openStated(r.workload, r.Recommendation); len(open) > 0 {
			fmt.Fprintf(diagnostics, "%s: undecided within this effort: %s\n", r.Scenario, enumerate(open))
		}
		if !r.settles() {
			continue
		}
		list = append(list, r.settled())
	}
	if len(list) == 0 {
		return nil
	}
	text, fault := settledAs(format, list)
	if _, err := w.Write(text); err != nil {
		return err
	}
	return fault // of single workloads, if there is a text
}

// applicable returns the workloads to which settings can be applied in the format, so
// that nobody waits for what cannot be written. What stands in the way of others goes
// to diagnostics, and they are left out; if nothing is left, it is the error.
func applicable(diagnostics io.Writer, f *recommendFlags, workloads []*scenarios.Workload) ([]*scenarios.Workload, int, error) {
	rest, faults := workloads, []error(nil)
	switch f.output.value {
	case "manifest":
		rest, faults = scenarios.InPlace(workloads, f.withTermination)
	case "patch":
		rest, faults = scenarios.Objects(workloads)
	case "kustomize":
		rest, faults = scenarios.Kustomizable(workloads)
	}
	switch {
	case len(faults) == 0:
		return rest, statusDone, nil
	case len(rest) == 0:
		return nil, statusUsage, errors.Join(faults...)
	}
	_, err := fmt.Fprintf(diagnostics, "%v\n", errors.Join(faults...))
	return rest, statusUsage, err
}

func settledAs(format string, list []scenarios.Settled) ([]byte, error) {
	switch format {
	case "kustomize":
		return scenarios.Kustomization(list)
	case "helm":
		return scenarios.HelmValues(list)
	case "manifest":
		return scenarios.Manifest(list)
	}
	var patches bytes.Buffer
	for i, s := range list {
		patch, err := scenarios.Patch(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Workload.World.Name, err)
		}
		if i > 0 {
			patches.WriteString("---\n")
		}
		patches.Write(patch)
	}
	return patches.Bytes(), nil
}
