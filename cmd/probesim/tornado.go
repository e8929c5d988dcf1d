package main

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
)

// tornadoResult says how much each input, made a fifth smaller and greater,
// changes one figure.
type tornadoResult struct {
	APIVersion   string               `json:"apiVersion"`
	Kind         string               `json:"kind"`
	Scenario     string               `json:"scenario"`
	Seed         uint64               `json:"seed"`
	Assumptions  []string             `json:"assumptions"`
	Replications int64                `json:"replications"`
	Measure      string               `json:"measure"`
	Rows         []plots.TornadoInput `json:"rows"`
	Notes        []string             `json:"notes"`
}

// open reports whether it is open that the first input has an effect at all:
// with that, the order says nothing.
func (r *tornadoResult) open() bool {
	if len(r.Rows) == 0 || r.Rows[0].Effect() == 0 {
		return false
	}
	for _, side := range []*plots.TornadoSide{r.Rows[0].Smaller, r.Rows[0].Greater} {
		if side != nil && math.Abs(side.Difference.Difference.Estimate) == r.Rows[0].Effect() {
			return side.Difference.Difference.Low <= 0 && side.Difference.Difference.High >= 0
		}
	}
	return false
}

// tornadoFactors are those by which inputs change.
var tornadoFactors = [2]float64{0.8, 1.2}

// change is one input at one of the factors.
type change struct {
	input int
	side  int
	value string
}

func tornado(cmd *cobra.Command, f *sweepFlags, source scenarios.Source, w *scenarios.Workload, asked []estimate.Figure) error {
	stated, inputs, err := scenarios.Inputs(w, source)
	if err != nil {
		return err
	}
	variants, changes, err := onesidedChanges(stated, inputs)
	if err != nil {
		return err
	}
	o := f.options(cmd, w)
	o.Objectives = w.Stated
	p := newProgress(cmd.ErrOrStderr(), "varying every input", o.Budget)
	defer p.end()
	o.Progress = p.update
	c, err := estimate.Compare(cmd.Context(), variants, asked[:1], o)
	if err != nil {
		return err
	}
	p.end()
	result := &tornadoResult{
		APIVersion: "probesim/v1", Kind: "Tornado", Scenario: w.World.Name, Seed: c.Seed, Replications: c.Replications,
		Assumptions: append([]string{}, w.Assumptions...), Measure: asked[0].String(), Notes: append([]string{}, c.Variants[0].Notes...),
	}
	result.fill(c, inputs, changes, asked[0])
	status := statusDone
	if result.open() {
		status = statusUndecided
	}
	if cmd.Context().Err() != nil {
		status = statusInterrupted
	}
	if err := result.write(cmd, f.output.value, w); err != nil {
		return err
	}
	return answered(status)
}

// onesidedChanges returns the base and a variant for every input and factor
// that make another world; the change behind variant i+1 is changes[i].
func onesidedChanges(stated scenarios.Source, inputs []scenarios.Input) ([]estimate.Named, []change, error) {
	base, err := withChanges(stated, nil)
	if err != nil {
		return nil, nil, err
	}
	variants := []estimate.Named{{Name: "base", World: base.World}}
	var changes []change
	for i := range inputs {
		for side, factor := range tornadoFactors {
			overlay := inputs[i].Scaled(factor)
			varied, err := withChanges(stated, []string{overlay})
			if err != nil || sameWorld(varied.World, base.World) {
				continue // a value it cannot have, or one that something else replaces
			}
			_, value, _ := strings.Cut(overlay, "=")
			variants = append(variants, estimate.Named{Name: overlay, World: varied.World})
			changes = append(changes, change{i, side, value})
		}
	}
	return variants, changes, nil
}

func sameWorld(a, b *model.World) bool { return reflect.DeepEqual(a, b) }

// fill makes the rows, the one with the greatest effect first.
func (r *tornadoResult) fill(c *estimate.Comparison, inputs []scenarios.Input, changes []change, asked estimate.Figure) {
	rows := map[int]*plots.TornadoInput{}
	order := []int{}
	for i, change := range changes {
		row := rows[change.input]
		if row == nil {
			row = &plots.TornadoInput{Path: inputs[change.input].Path, Value: inputs[change.input].Value}
			rows[change.input] = row
			order = append(order, change.input)
		}
		for j := range c.Differences {
			d := &c.Differences[j]
			if d.Variant != c.Variants[i+1].Name || (estimate.Figure{Measure: d.Measure, Statistic: d.Statistic}) != asked {
				continue
			}
			side := &plots.TornadoSide{Value: change.value, Difference: *d}
			if change.side == 0 {
				row.Smaller = side
			} else {
				row.Greater = side
			}
		}
	}
	r.Rows = []plots.TornadoInput{}
	for _, input := range order {
		r.Rows = append(r.Rows, *rows[input])
	}
	slices.SortStableFunc(r.Rows, func(a, b plots.TornadoInput) int { return cmp.Compare(b.Effect(), a.Effect()) })
}

func (r *tornadoResult) write(cmd *cobra.Command, format string, w *scenarios.Workload) error {
	out := cmd.OutOrStdout()
	switch format {
	case "json":
		return writeJSON(out, r)
	case "yaml":
		return writeYAML(out, r)
	case "csv":
		var rows [][]string
		for i := range r.Rows {
			row := &r.Rows[i]
			for _, side := range []*plots.TornadoSide{row.Smaller, row.Greater} {
				if side != nil {
					rows = append(rows, slices.Concat([]string{row.Path, row.Value, side.Value}, differenceRecord(&side.Difference)[2:]))
				}
			}
		}
		return writeCSV(out, slices.Concat([]string{"path", "value", "changed"}, differenceHeader[2:]), rows)
	}
	p := &page{}
	p.opening(w)
	p.heading(fmt.Sprintf("What %s hangs on: each input a fifth smaller and greater, the others as they are", r.Measure))
	measure, _, _ := strings.Cut(r.Measure, ".")
	table := [][]string{{"", "value", "smaller", "changes it by", "greater", "changes it by"}}
	still := 0
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Effect() == 0 {
			still++
			continue
		}
		cells := []string{row.Path, row.Value}
		for _, side := range []*plots.TornadoSide{row.Smaller, row.Greater} {
			if side == nil {
				cells = append(cells, none, none)
				continue
			}
			cells = append(cells, side.Value, signed(&side.Difference.Difference, writerOf(measure)))
		}
		table = append(table, cells)
	}
	p.table(table)
	p.heading("Notes")
	p.items(slices.Concat([]string{fmt.Sprintf("%d more inputs changed nothing that was seen", still)}, r.Notes))
	p.printf("\nseed %d, %s replications\n", r.Seed, commas(fmt.Sprint(r.Replications)))
	return p.writeTo(out)
}
