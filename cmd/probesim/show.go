package main

import (
	"bytes"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/scenarios"
)

func showCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show SCENARIO...",
		Short: "Print a scenario with every default filled in and every assumption marked",
		Example: `  probesim show deployment.yaml > scenario.yaml
  probesim show gallery:starved-20m --set resources.limits.cpu=50m`,
		Args:              someArguments,
		ValidArgsFunction: completeScenarios,
	}
	set := addSet(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		workloads, status, err := load(cmd, args, *set)
		if err != nil {
			return err
		}
		var buffer bytes.Buffer
		for i, w := range workloads {
			text, err := scenarios.Show(w)
			if err != nil {
				return err
			}
			if i > 0 {
				buffer.WriteString("---\n")
			}
			buffer.Write(text)
		}
		if _, err := cmd.OutOrStdout().Write(buffer.Bytes()); err != nil {
			return err
		}
		return answered(status)
	}
	return cmd
}
