package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
)

type mergeFlags struct {
	output *formatFlag
	gated
}

func mergeCommand() *cobra.Command {
	var f mergeFlags
	cmd := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Join the results of the shards of one run",
		Long: `Joins what "probesim run --shard i/n" wrote, for all i from 0 to n-1, and prints
what the run in one piece would have printed, byte for byte. The files hold the
scenario too, so nothing else is needed, and their order does not matter. A file
written by --checkpoint is as good once its shard is done.

Exit status as of run; 2 if a shard is missing, there twice, not done, or of
another run.`,
		Example: `  for i in 0 1 2 3; do
    probesim run scenario.yaml --replications 4000 --shard $i/4 > shard-$i.json &
  done; wait
  probesim merge shard-*.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s: no file given: name the results of all shards", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return mergeShards(cmd, args, &f) },
	}
	f.output = addFormat(cmd, "table", "json", "yaml", "csv")
	f.gated.add(cmd)
	return cmd
}

func mergeShards(cmd *cobra.Command, args []string, f *mergeFlags) error {
	if err := f.parse(); err != nil {
		return err
	}
	if err := f.withoutReplicas(); err != nil {
		return err
	}
	shards, err := readShards(cmd, args)
	if err != nil {
		return err
	}
	if err := checkWhole(args, shards); err != nil {
		return err
	}
	first := shards[0]
	var sources []scenarios.Source
	for _, b := range first.Inputs {
		sources = append(sources, b.Source())
	}
	workloads, status, err := loadAll(cmd, sources, nil, first.Set)
	if err != nil {
		return err
	}
	if len(workloads) != len(first.Efforts) {
		return fmt.Errorf("%s: holds %d workloads, and its scenario %d", args[0], len(first.Efforts), len(workloads))
	}
	var results []*estimate.Estimates
	for i, w := range workloads {
		var parts []*estimate.Part
		for _, s := range shards {
			if s.Parts[i] != nil {
				parts = append(parts, s.Parts[i])
			}
		}
		effort := first.Efforts[i]
		whole, err := estimate.Join(parts, effort.Replications)
		if err != nil {
			return fmt.Errorf("%s: %w", effort.Name, err)
		}
		o := estimate.Options{
			Seed: effort.Seed, Horizon: effort.Horizon, Replications: effort.Replications,
			Precision: effort.Precision, Confidence: effort.Confidence, Objectives: w.Stated,
		}
		e, err := reported(cmd.Context(), w, whole, o, "")
		if err != nil {
			return fmt.Errorf("%s: %w", effort.Name, err)
		}
		results = append(results, e)
		status = graver(status, int(e.ExitStatus(w.World, f.gate, o.Precision)))
	}
	if err := writeEstimates(cmd.OutOrStdout(), f.output.value, workloads, results, f.gate); err != nil {
		return err
	}
	return answered(status)
}

// readShards reads the results of shards, each named by its file in errors.
func readShards(cmd *cobra.Command, files []string) ([]*shardResult, error) {
	var shards []*shardResult
	var faults []error
	for i, name := range files {
		if name == "-" && slices.Contains(files[:i], name) {
			faults = append(faults, errors.New(`"-": standard input can be read only once`))
			continue
		}
		data, err := readInput(cmd, name, maxShardBytes)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		shard, err := decodeShard(name, data)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		shards = append(shards, shard)
	}
	return shards, errors.Join(faults...)
}

// checkWhole holds the shards to be those of one run, each once and done.
func checkWhole(files []string, shards []*shardResult) error {
	first := shards[0]
	of, err := parseShard(first.Shard)
	if err != nil {
		return fmt.Errorf("%s: %w", files[0], err)
	}
	seen := map[int64]string{} // files by shard
	for i, s := range shards {
		shard, err := parseShard(s.Shard)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", files[i], err)
		case first.sameRun(s) != nil:
			return fmt.Errorf("%s: is of another run than %s: %w", files[i], files[0], first.sameRun(s))
		case shard.Of != of.Of:
			return fmt.Errorf("%s: is a shard of %d, %s of %d", files[i], shard.Of, files[0], of.Of)
		case seen[shard.Index] != "":
			return fmt.Errorf("shard %s is there twice: %s and %s", s.Shard, seen[shard.Index], files[i])
		}
		seen[shard.Index] = files[i]
		for j, effort := range s.Efforts {
			if effort.Replications == 0 {
				return fmt.Errorf("%s: is the checkpoint of a run with a stopping rule, not a shard", files[i])
			}
			wanted := shard.Count(effort.Replications)
			if done := doneOf(s.Parts[j]); done < wanted {
				return fmt.Errorf("%s: shard %s is not done: %d of %d replications of %s; run it again with --checkpoint %s", files[i], s.Shard, done, wanted, effort.Name, files[i])
			}
		}
	}
	if missing := of.Of - int64(len(seen)); missing > 0 {
		return fmt.Errorf("missing: %s", missingShards(seen, of.Of, missing))
	}
	return nil
}

// missingShards names the shards that are not among those seen, the first few
// where they are many.
func missingShards(seen map[int64]string, of, missing int64) string {
	const named = 10
	var names []string
	for i := int64(0); i < of && len(names) < named; i++ {
		if seen[i] == "" {
			names = append(names, fmt.Sprintf("%d/%d", i, of))
		}
	}
	text := "shard " + strings.Join(names, ", ")
	if more := missing - int64(len(names)); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func doneOf(p *estimate.Part) int64 {
	if p == nil {
		return 0
	}
	return p.Done
}
