package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
)

// effort are the flags that say how much to simulate. A flag that is not given
// leaves the scenario's own setting in force.
type effort struct {
	seed         uint64
	horizon      time.Duration
	replications int64
	precision    float64
	confidence   float64
	budget       time.Duration
	jobs         int
}

func (e *effort) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.Uint64Var(&e.seed, "seed", 1, "seed of the random numbers; default the scenario's")
	flags.Var((*durationFlag)(&e.horizon), "horizon", "virtual time of one replication, such as 12h or 30d; default the scenario's")
	flags.Int64Var(&e.replications, "replications", 0, "exactly so many replications, without a stopping rule")
	flags.Float64Var(&e.precision, "precision", 0.1, "relative half-width of the intervals sought; default the scenario's; with --replications what the exit status asks for")
	flags.Float64Var(&e.confidence, "confidence", 0.95, "confidence of the intervals")
	flags.Var((*durationFlag)(&e.budget), "budget", "longest time to simulate; default the scenario's")
	flags.IntVarP(&e.jobs, "jobs", "j", 0, "workers; never changes a result (default one per CPU)")
}

// mostJobs bounds the workers: each has a simulation of its own in memory, and
// more of them than CPUs are no faster.
const mostJobs = 1024

func validJobs(n int) bool { return n >= 1 && n <= mostJobs }

// check refuses values that no run can have.
func (e *effort) check(cmd *cobra.Command) error {
	flags := cmd.Flags()
	switch {
	case flags.Changed("replications") && e.replications < 1:
		return fmt.Errorf("--replications: %d: must be at least 1", e.replications)
	case flags.Changed("replications") && flags.Changed("budget"):
		return fmt.Errorf("--budget: does not apply with --replications, which asks for exactly so many")
	case !(e.precision > 0 && e.precision <= 1):
		return fmt.Errorf("--precision: %v: must be above 0 and at most 1", e.precision)
	case !(e.confidence > 0 && e.confidence < 1):
		return fmt.Errorf("--confidence: %v: must be between 0 and 1", e.confidence)
	case flags.Changed("jobs") && !validJobs(e.jobs):
		return fmt.Errorf("--jobs: %d: must be 1 to %d", e.jobs, mostJobs)
	case flags.Changed("horizon") && e.horizon < time.Second:
		return fmt.Errorf("--horizon: %v: must be at least 1s", e.horizon)
	case flags.Changed("budget") && e.budget <= 0:
		return fmt.Errorf("--budget: must be longer than 0s")
	}
	return nil
}

// options merges the flags with the settings of a workload.
func (e *effort) options(cmd *cobra.Command, w *scenarios.Workload) estimate.Options {
	flags := cmd.Flags()
	o := estimate.Options{
		Seed: w.Run.Seed, Horizon: w.Run.Horizon, Precision: w.Run.Precision, Budget: w.Run.Budget,
		Replications: e.replications, Confidence: e.confidence, Jobs: e.jobs,
	}
	if flags.Changed("seed") {
		o.Seed = e.seed
	}
	if flags.Changed("horizon") {
		o.Horizon = e.horizon
	}
	if flags.Changed("precision") {
		o.Precision = e.precision
	}
	if flags.Changed("budget") {
		o.Budget = e.budget
	}
	if e.replications > 0 {
		o.Budget = 0
	}
	return o
}

// durationFlag is a duration written as in scenario files, with d for days.
type durationFlag time.Duration

var _ pflag.Value = (*durationFlag)(nil)

func (d *durationFlag) Set(text string) error {
	value, err := scenarios.ParseDuration(text)
	*d = durationFlag(value)
	return err
}

func (d *durationFlag) String() string {
	if *d == 0 {
		return ""
	}
	return time.Duration(*d).String()
}

// Type implements pflag.Value.
func (d *durationFlag) Type() string { return "duration" }

// formatFlag is the value of --output: one of a command's formats.
type formatFlag struct {
	value   string
	allowed []string
}

func addFormat(cmd *cobra.Command, allowed ...string) *formatFlag {
	f := &formatFlag{value: allowed[0], allowed: allowed}
	cmd.Flags().VarP(f, "output", "o", "format: "+strings.Join(allowed, ", "))
	complete(cmd, "output", allowed...)
	return f
}

func (f *formatFlag) Set(text string) error {
	if !slices.Contains(f.allowed, text) {
		return fmt.Errorf("must be one of %s", strings.Join(f.allowed, ", "))
	}
	f.value = text
	return nil
}

func (f *formatFlag) String() string { return f.value }

// Type implements pflag.Value.
func (f *formatFlag) Type() string { return "format" }

// addSet adds --set, which changes the scenario before it is read.
func addSet(cmd *cobra.Command) *[]string {
	return cmd.Flags().StringArray("set", nil, "change a field of the scenario or of the studied container, as in livenessProbe.timeoutSeconds=5; repeatable")
}

// complete offers values for a flag in the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // a flag that was not defined: a mistake in this program
	}
}
