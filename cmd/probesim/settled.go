package main

import (
	"bytes"
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
		if !r.settles() {
			continue
		}
		list = append(list, r.settled())
	}
	if len(list) == 0 {
		return nil
	}
	text, err := settledAs(format, list)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
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
