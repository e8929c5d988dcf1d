package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/scenarios"
)

// galleryPrefix marks an argument that names a shipped scenario, so that a file
// is never mistaken for one.
const galleryPrefix = "gallery:"

// load reads the scenarios and manifests named by the arguments, with the
// changes of --set, and returns every workload in them that can be studied.
// What is wrong with others goes to diagnostics, and statusUsage is returned
// for the command to end with; if nothing can be studied, it is the error.
func load(cmd *cobra.Command, args, set []string) (workloads []*scenarios.Workload, status int, err error) {
	sources, faults, err := openAll(cmd, args)
	if err != nil {
		return nil, statusUsage, err
	}
	return loadAll(cmd, sources, faults, set)
}

// openAll reads every file named by the arguments. What cannot be read is among
// the faults.
func openAll(cmd *cobra.Command, args []string) (sources []scenarios.Source, faults []error, err error) {
	for i, arg := range args {
		if arg == "-" && slices.Contains(args[:i], arg) {
			return nil, nil, errors.New(`"-": standard input can be read only once`)
		}
		files, err := filesIn(arg)
		if err != nil {
			faults = append(faults, err)
		}
		for _, file := range files {
			source, err := open(cmd, file)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			sources = append(sources, source)
		}
	}
	return sources, faults, nil
}

// loadAll loads sources; the faults are those of others that could not be read.
func loadAll(cmd *cobra.Command, sources []scenarios.Source, faults []error, set []string) (workloads []*scenarios.Workload, status int, err error) {
	var empty []string
	for _, source := range sources {
		loaded, err := scenarios.Load(source, set)
		workloads = append(workloads, loaded...)
		var wrong scenarios.Faults
		switch {
		case errors.As(err, &wrong) && wrong.Empty():
			empty = append(empty, err.Error())
		case err != nil:
			faults = append(faults, err)
		}
	}
	if len(workloads) == 0 {
		for _, message := range empty {
			faults = append(faults, errors.New(message))
		}
		return nil, statusUsage, errors.Join(faults...)
	}
	workloads[0].Notes = append(workloads[0].Notes, empty...)
	if len(faults) == 0 {
		return workloads, statusDone, nil
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "%v\n", errors.Join(faults...))
	return workloads, statusUsage, err
}

// filesIn returns the YAML and JSON files in a directory, as kubectl's -f
// takes them, or the argument itself where it is none.
func filesIn(arg string) ([]string, error) {
	if info, err := os.Stat(arg); err != nil || !info.IsDir() {
		return []string{arg}, nil // what is wrong with it is said where it is opened
	}
	entries, err := os.ReadDir(arg)
	if err != nil {
		return nil, plain(err)
	}
	var files []string
	for _, entry := range entries {
		if extension := filepath.Ext(entry.Name()); !entry.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, extension) {
			files = append(files, filepath.Join(arg, entry.Name()))
		}
	}
	if files == nil {
		return nil, fmt.Errorf("%s: is a directory without .yaml, .yml or .json files", arg)
	}
	return files, nil
}

// open reads one argument: standard input, a shipped scenario, or a file.
func open(cmd *cobra.Command, arg string) (scenarios.Source, error) {
	if name, ok := strings.CutPrefix(arg, galleryPrefix); ok {
		return scenarios.Open(name)
	}
	data, err := readInput(cmd, arg, scenarios.MaxBytes)
	if errors.Is(err, os.ErrNotExist) && inGallery(arg) {
		return scenarios.Source{}, fmt.Errorf("%s: no such file; %s%s is a shipped scenario", arg, galleryPrefix, arg)
	}
	return scenarios.Source{Name: arg, Data: data}, err
}

// The most bytes read of measurements, and of what a shard came to.
const (
	maxMeasurementBytes = 64 << 20
	maxShardBytes       = 256 << 20
)

// readInput reads a file, or standard input by the name "-", of at most so many
// bytes, a multiple of a MiB.
func readInput(cmd *cobra.Command, name string, most int64) ([]byte, error) {
	if name == "-" {
		return readAll(name, cmd.InOrStdin(), most)
	}
	return readFile(name, most)
}

// readFile reads a file of at most so many bytes, a multiple of a MiB.
func readFile(name string, most int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, plain(err)
	}
	defer file.Close()
	return readAll(name, file, most)
}

// readAll reads no more than it has to: a device or a pipe may have no end.
func readAll(name string, in io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, fmt.Errorf("%s: must not be larger than %d MiB", name, most>>20)
	}
	return data, plain(err)
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
