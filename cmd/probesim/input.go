package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/scenarios"
)

// galleryPrefix marks an argument that names a shipped scenario, so that a file
// is never mistaken for one.
const galleryPrefix = "gallery:"

// load reads the scenarios and manifests named by the arguments, with the
// changes of --set, and returns every workload in them. All faults of all files
// are reported at once.
func load(cmd *cobra.Command, args, set []string) ([]*scenarios.Workload, error) {
	var workloads []*scenarios.Workload
	var faults []error
	stdinRead := false
	for _, arg := range args {
		if arg == "-" && stdinRead {
			return nil, errors.New(`"-": standard input can be read only once`)
		}
		stdinRead = stdinRead || arg == "-"
		source, err := open(cmd, arg)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		loaded, err := scenarios.Load(source, set)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		workloads = append(workloads, loaded...)
	}
	return workloads, errors.Join(faults...)
}

// open reads one argument: standard input, a shipped scenario, or a file.
func open(cmd *cobra.Command, arg string) (scenarios.Source, error) {
	if arg == "-" {
		data, err := io.ReadAll(cmd.InOrStdin())
		return scenarios.Source{Name: "-", Data: data}, err
	}
	if name, ok := strings.CutPrefix(arg, galleryPrefix); ok {
		return scenarios.Open(name)
	}
	data, err := os.ReadFile(arg)
	if errors.Is(err, os.ErrNotExist) && inGallery(arg) {
		return scenarios.Source{}, fmt.Errorf("%s: no such file; %s%s is a shipped scenario", arg, galleryPrefix, arg)
	}
	return scenarios.Source{Name: arg, Data: data}, plain(err)
}

func inGallery(name string) bool {
	for _, entry := range scenarios.Gallery() {
		if entry.Name == name {
			return true
		}
	}
	return false
}

// plain turns "open FILE: no such file or directory" into "FILE: no such file
// or directory".
func plain(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w", path.Path, path.Err)
	}
	return err
}

// completeScenarios completes files and gallery:NAME in the shell.
func completeScenarios(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, entry := range scenarios.Gallery() {
		if name := galleryPrefix + entry.Name; strings.HasPrefix(name, typed) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}
