package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
)

// mostReplicas is as many as can be simulated side by side in reasonable time.
const mostReplicas = 1000

// checkReplicas refuses what --replicas does not apply to.
func (f *runFlags) checkReplicas(cmd *cobra.Command) error {
	switch {
	case !cmd.Flags().Changed("replicas"):
		return f.withoutReplicas()
	case f.replicas < 0 || f.replicas == 1 || f.replicas > mostReplicas:
		return fmt.Errorf("--replicas: %d: must be 2 to %d, or 0 for as many as the scenario says", f.replicas, mostReplicas)
	case f.shard != "" || f.checkpoint != "":
		return fmt.Errorf("--replicas: does not apply with --shard or --checkpoint, which are for lives of one pod")
	}
	return nil
}

// withoutReplicas refuses a condition on all replicas where they are not simulated.
func (g *gated) withoutReplicas() error {
	if g.gate != nil && g.gate.Together() {
		return fmt.Errorf("--fail-on: %s is of all replicas together, which only run --replicas simulates", g.gate)
	}
	return nil
}

// together simulates all replicas of a workload side by side.
func (f *runFlags) together(cmd *cobra.Command, w *scenarios.Workload, o estimate.Options) (*estimate.Together, error) {
	world := *w.World
	if f.replicas > 0 {
		world.Replicas = f.replicas
	}
	if world.Replicas < 2 || world.Replicas > mostReplicas {
		return nil, fmt.Errorf("--replicas: the scenario has replicas: %d, of which nothing can be said together: give a number, 2 to %d", world.Replicas, mostReplicas)
	}
	t, err := estimate.SimulateTogether(cmd.Context(), &world, o)
	if err != nil && cmd.Context().Err() != nil {
		return nil, nil // interrupted: what one pod came to is still printed
	}
	return t, err
}

// togetherPage lays out what happens to all replicas at once.
func togetherPage(p *page, t *estimate.Together) {
	p.heading(fmt.Sprintf("%d replicas together: out of the endpoints at once", t.Replicas))
	header := []string{""}
	for _, c := range t.Cases {
		header = append(header, c.Name)
	}
	rows := [][]string{header}
	add := func(name string, of func(*estimate.TogetherCase) string) {
		row := []string{name}
		for i := range t.Cases {
			row = append(row, of(&t.Cases[i]))
		}
		rows = append(rows, row)
	}
	for _, k := range shownCounts(t.Replicas) {
		add(fmt.Sprintf("%d or more, of the time", k), func(c *estimate.TogetherCase) string {
			return estimated(&c.OutOfEndpointsAtOnce[k-1].FractionOfTime, share)
		})
		add(fmt.Sprintf("%d or more, times a year", k), func(c *estimate.TogetherCase) string {
			return estimated(&c.OutOfEndpointsAtOnce[k-1].TimesPerYear, number)
		})
	}
	add("all, once one is (cascade)", func(c *estimate.TogetherCase) string { return estimated(c.CascadeProbability, share) })
	for i, after := range t.Cases[0].AfterTriggers {
		add("all, after "+after.Trigger, func(c *estimate.TogetherCase) string { return estimated(&c.AfterTriggers[i].AllOutProbability, share) })
		add("crash loop after "+after.Trigger, func(c *estimate.TogetherCase) string {
			return estimated(&c.AfterTriggers[i].CrashLoopProbability, share)
		})
	}
	add("crash loop at the end", func(c *estimate.TogetherCase) string { return estimated(&c.CrashLoopProbability, share) })
	add("false kills per pod-year", func(c *estimate.TogetherCase) string { return estimated(&c.FalseKillsPerPodYear, number) })
	add("availability of a replica", func(c *estimate.TogetherCase) string { return estimated(&c.Availability, share) })
	p.table(rows)
	p.items(t.Notes)
	p.printf("  %d lives of all replicas, %s each\n", t.Replications, seconds(t.LifeSeconds))
}

// shownCounts returns the numbers of replicas that fit into a table: each, or of
// many the powers of two, half and all.
func shownCounts(n int) []int {
	var counts []int
	for k := 1; k < n; k++ {
		if n <= 6 || k&(k-1) == 0 || k == (n+1)/2 {
			counts = append(counts, k)
		}
	}
	return append(counts, n)
}
