package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/fit"
)

// fitFlags say what was measured and what to make of it.
type fitFlags struct {
	read                       scenarios.MeasurementOptions
	failures, kills            int64
	over                       overFlag
	period, timeout, threshold int
	queries                    bool
	chart                      string
	fit.Options
	output *formatFlag
}

func fitCommand() *cobra.Command {
	var f fitFlags
	cmd := &cobra.Command{
		Use:   "fit [FILE...]",
		Short: "Turn measurements into distributions, to paste into a scenario",
		Long: `Fits distributions to measured durations, and writes the best as a scenario takes
it. What was cut off (a start that was killed, one still under way) counts as longer
than was seen; without that the fit would be too fast.

FILE, or "-" for standard input, is one of

  csv          durations such as 250ms, or numbers whose unit the heading names
               (startup_ms) or --unit; cut off: a column "censored", or >30s
  prometheus   the JSON of a query or query_range: durations, or le buckets
  histogram    a scraped page with NAME_bucket{le="…"} lines, or CSV of le,count
  pods         kubectl get pods -o json: startups, from start to Ready
  events       kubectl get events -o json: failed probes and kills

Counts of failed probes and of kills, from events or from --failures and --kills,
give the two numbers of a process of stalls: how often, and how long on average.`,
		Example: `  probesim fit startups.csv
  kubectl get pods -l app=web -o json | probesim fit - --chart startups.svg
  probesim fit --failures 300 --kills 47 --over 12d/13d --period 10 --timeout 1 --failure-threshold 3
  probesim fit --queries`,
		RunE: func(cmd *cobra.Command, args []string) error { return fitMeasurements(cmd, args, &f) },
	}
	f.output = addFormat(cmd, "table", "json", "yaml", "csv", "block", "uncertain")
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.read.Format, "format", "", "form of the files: "+strings.Join(scenarios.MeasurementFormats, ", ")+" (default by their look)")
	complete(cmd, "format", scenarios.MeasurementFormats...)
	flags.StringVar(&f.read.Column, "column", "", "csv: the column of durations, by its heading")
	flags.StringVar(&f.read.Censored, "censored", "", `csv: the column that says which were cut off (default "censored", if there)`)
	flags.Var((*unitFlag)(&f.read.Unit), "unit", "unit of bare numbers: ns, us, ms, s, min, h (default as the name says, else s)")
	flags.StringVar(&f.read.Container, "container", "", "pods: only containers of this name")
	flags.Int64Var(&f.failures, "failures", 0, "number of failed liveness probes")
	flags.Int64Var(&f.kills, "kills", 0, "number of kills by the liveness probe")
	flags.Var(&f.over, "over", "time over which they were counted: 12d, or 12d/13d for failures and kills")
	flags.IntVar(&f.period, "period", 10, "periodSeconds of that probe")
	flags.IntVar(&f.timeout, "timeout", 1, "timeoutSeconds")
	flags.IntVar(&f.threshold, "failure-threshold", 3, "failureThreshold")
	flags.StringVar(&f.chart, "chart", "", "draw measured against fitted quantiles into a file: .svg, .png, .pdf or .csv")
	flags.IntVar(&f.Resamples, "resamples", 199, "samples drawn from each fit for its spread and goodness; 0: none")
	flags.Uint64Var(&f.Seed, "seed", 1, "seed of the random numbers")
	flags.Float64Var(&f.Confidence, "confidence", 0.95, "confidence of the intervals")
	flags.BoolVar(&f.queries, "queries", false, "print the PromQL and kubectl lines that collect the data")
	return cmd
}

func fitMeasurements(cmd *cobra.Command, args []string, f *fitFlags) error {
	counted := cmd.Flags().Changed("failures")
	switch {
	case f.queries:
		return writeQueries(cmd.OutOrStdout())
	case len(args) == 0 && !counted:
		return errors.New("fit: nothing measured: name a file, or give --failures, --kills and --over (--queries prints how to collect the data)")
	case counted != cmd.Flags().Changed("kills"):
		return errors.New("--failures: needs --kills beside it, which may be 0, and --kills needs --failures")
	case len(args) > 0 && counted:
		return errors.New("--failures: stands instead of a file, and one is given")
	case !(f.Confidence > 0 && f.Confidence < 1):
		return fmt.Errorf("--confidence: %v: must be between 0 and 1", f.Confidence)
	case f.Resamples < 0 || f.Resamples > 100000:
		return fmt.Errorf("--resamples: %d: must be between 0 and 100000", f.Resamples)
	case f.chart != "" && !slices.Contains([]string{".svg", ".png", ".pdf", ".csv"}, strings.ToLower(filepath.Ext(f.chart))):
		return fmt.Errorf("--chart: %s: must end in .svg, .png, .pdf or .csv", f.chart)
	}
	for _, file := range f.chartFiles() {
		for _, arg := range args {
			if sameFile(file, arg) {
				return fmt.Errorf("--chart: %s: would write over the measurements in %s; name another file", f.chart, arg)
			}
		}
	}
	report := fitReport{APIVersion: "probesim/v1", Kind: "Fits", Seed: f.Seed}
	if counted {
		stalls, err := fit.ProcessOfStalls(f.counts(f.failures, f.kills, f.over.failures, f.over.kills), f.Confidence)
		if err != nil {
			return asFlags(err)
		}
		if err := report.addStalls("", "liveness", stalls); err != nil {
			return err
		}
	}
	if err := f.files(cmd, args, &report); err != nil {
		return err
	}
	if err := f.draw(cmd, &report); err != nil {
		return err
	}
	return report.write(cmd.OutOrStdout(), f.output.value)
}

// counts joins counts with the probe of the flags.
func (f *fitFlags) counts(failures, kills int64, failuresOver, killsOver time.Duration) fit.StallCounts {
	return fit.StallCounts{Failures: failures, Kills: kills, FailuresOver: failuresOver, KillsOver: killsOver,
		Period: wholeSeconds(f.period), Timeout: wholeSeconds(f.timeout), FailureThreshold: f.threshold}
}

// asFlags makes each line of an error begin with the flag that it is about.
func asFlags(err error) error {
	return errors.New("--" + strings.ReplaceAll(err.Error(), "\n", "\n--"))
}

// files reads and fits every file.
func (f *fitFlags) files(cmd *cobra.Command, args []string, report *fitReport) error {
	var faults []error
	stdinRead := false
	for _, arg := range args {
		if arg == "-" && stdinRead {
			return errors.New(`"-": standard input can be read only once`)
		}
		stdinRead = stdinRead || arg == "-"
		source := scenarios.Source{Name: arg}
		var err error
		if source.Data, err = readInput(cmd, arg, maxMeasurementBytes); err != nil {
			faults = append(faults, err)
			continue
		}
		measured, err := scenarios.ReadMeasurements(source, f.read)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if err := f.series(cmd, arg, measured, report); err != nil {
			if cmd.Context().Err() != nil {
				return err
			}
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// series fits what one file holds.
func (f *fitFlags) series(cmd *cobra.Command, file string, measured *scenarios.Measurements, report *fitReport) error {
	for i := range measured.Series {
		s := &measured.Series[i]
		result, err := fit.Durations(cmd.Context(), s.Observations, s.Buckets, f.Options)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", file, s.Name, err)
		}
		if err := report.addSeries(file, s, result); err != nil {
			return err
		}
	}
	for _, c := range measured.Counts {
		report.Counts = append(report.Counts, countRow{file, c.Object, c.Probe, c.Failures, c.Kills, c.Span.Seconds()})
		if c.Probe != "liveness" {
			continue
		}
		counts := f.counts(c.Failures, c.Kills, c.Span, c.Span)
		if f.over.failures > 0 {
			counts.FailuresOver, counts.KillsOver = f.over.failures, f.over.kills
		}
		stalls, err := fit.ProcessOfStalls(counts, f.Confidence)
		if err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				report.Notes = append(report.Notes, fmt.Sprintf("%s: no process of stalls: %s", c.Object, line))
			}
			continue
		}
		if err := report.addStalls(file, c.Object, stalls); err != nil {
			return err
		}
	}
	report.Notes = append(report.Notes, measured.Notes...)
	return nil
}

// draw writes the chart, if one is asked for.
func (f *fitFlags) draw(cmd *cobra.Command, report *fitReport) error {
	if f.chart == "" {
		return nil
	}
	if len(report.results) != 1 {
		return fmt.Errorf("--chart: shows one set of durations, and there are %d", len(report.results))
	}
	group := report.results[0]
	chart := plots.NewQQ(group.title(), f.Seed, group.result)
	for _, file := range f.chartFiles() {
		if err := plots.WriteFile(file, chart); err != nil {
			return plain(err)
		}
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s\n", enumerate(f.chartFiles()))
	return nil
}

// chartFiles are the files that --chart writes: the picture, and its data.
func (f *fitFlags) chartFiles() []string {
	if f.chart == "" {
		return nil
	}
	data := strings.TrimSuffix(f.chart, filepath.Ext(f.chart)) + ".csv"
	if data == f.chart {
		return []string{data}
	}
	return []string{f.chart, data}
}

// sameFile reports whether two paths lead to one existing file.
func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// overFlag is one time of counting, or two: of failures and of kills.
type overFlag struct{ failures, kills time.Duration }

func (o *overFlag) Set(text string) error {
	first, second, both := strings.Cut(text, "/")
	if !both {
		second = first
	}
	var err error
	if o.failures, err = scenarios.ParseDuration(first); err == nil {
		o.kills, err = scenarios.ParseDuration(second)
	}
	if err == nil && (o.failures == 0 || o.kills == 0) {
		err = errors.New("must be longer than 0s")
	}
	return err
}

func (o *overFlag) String() string {
	switch {
	case o.failures == 0:
		return ""
	case o.failures == o.kills:
		return o.failures.String()
	}
	return o.failures.String() + "/" + o.kills.String()
}

// Type implements pflag.Value.
func (o *overFlag) Type() string { return "duration[/duration]" }

// unitFlag is a unit of time.
type unitFlag time.Duration

func (u *unitFlag) Set(text string) error {
	unit, err := scenarios.MeasurementUnit(text)
	*u = unitFlag(unit)
	return err
}

func (u *unitFlag) String() string { return "" }

// Type implements pflag.Value.
func (u *unitFlag) Type() string { return "unit" }
