package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/model"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and the Kubernetes versions that are simulated",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "probesim %s %s/%s %s\nsimulates the kubelet of Kubernetes %s to %s\n",
				version(), runtime.GOOS, runtime.GOARCH, runtime.Version(), model.OldestVersion, model.NewestVersion)
			return err
		},
	}
}

// version returns the version the Go command recorded in the program: a
// release, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
