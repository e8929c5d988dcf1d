package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/scenarios"
)

func scenariosCommand() *cobra.Command {
	list := &cobra.Command{
		Use:   "list",
		Short: "List the shipped scenarios",
		Args:  cobra.NoArgs,
		RunE:  listScenarios,
	}
	cmd := &cobra.Command{
		Use:   "scenarios",
		Short: "List, print and export the shipped scenarios, node profiles and the schema",
		Example: `  probesim scenarios
  probesim scenarios print ingress-controller
  probesim scenarios export starved-20m --to my-case
  probesim run gallery:starved-20m`,
		Args: cobra.NoArgs,
		RunE: listScenarios,
	}
	cmd.AddCommand(list, printScenarioCommand(), exportScenarioCommand(), profilesCommand(), schemaCommand())
	return cmd
}

func listScenarios(cmd *cobra.Command, _ []string) error {
	p := &page{}
	for i, entry := range scenarios.Gallery() {
		if i > 0 {
			p.printf("\n")
		}
		p.printf("%s%s\n", galleryPrefix, entry.Name)
		p.prose("  ", "  ", entry.Description)
		p.prose("  source: ", "  ", entry.Source)
	}
	return p.writeTo(cmd.OutOrStdout())
}

func printScenarioCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "print NAME",
		Short:             "Print the files of a shipped scenario",
		Args:              galleryArguments,
		ValidArgsFunction: completeGallery,
		RunE: func(cmd *cobra.Command, args []string) error {
			var buffer bytes.Buffer
			for _, name := range args {
				files, err := scenarios.Files(name)
				if err != nil {
					return err
				}
				for _, file := range files {
					fmt.Fprintf(&buffer, "# %s/%s\n", name, file.Name)
					buffer.Write(file.Data)
					buffer.WriteString("\n")
				}
			}
			_, err := cmd.OutOrStdout().Write(bytes.TrimSuffix(buffer.Bytes(), []byte("\n")))
			return err
		},
	}
}

func exportScenarioCommand() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:               "export NAME...",
		Short:             "Write the files of shipped scenarios into a directory, to start from",
		Args:              galleryArguments,
		ValidArgsFunction: completeGallery,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				directory := to
				if directory == "" || len(args) > 1 {
					directory = filepath.Join(to, name)
				}
				if err := exportScenario(cmd, name, directory); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "directory to write to (default one named as the scenario, here)")
	return cmd
}

// exportScenario writes a scenario's files, none of which may exist already.
func exportScenario(cmd *cobra.Command, name, directory string) error {
	files, err := scenarios.Files(name)
	if err != nil {
		return err
	}
	for _, file := range files {
		if path := filepath.Join(directory, file.Name); exists(path) {
			return fmt.Errorf("%s: exists already, and is left as it is", path)
		}
	}
	if err := os.MkdirAll(directory, 0o777); err != nil {
		return plain(err)
	}
	for _, file := range files {
		path := filepath.Join(directory, file.Name)
		if err := os.WriteFile(path, file.Data, 0o666); err != nil {
			return plain(err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "wrote %s\n", path)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func profilesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "profiles",
		Short: "List the node profiles, with the sources of their figures",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := &page{}
			for i, profile := range scenarios.Profiles() {
				if i > 0 {
					p.printf("\n")
				}
				p.printf("%s\n", profile.Name)
				p.prose("  ", "  ", profile.Description)
				for _, source := range profile.Sources {
					p.prose("  source: ", "    ", source)
				}
			}
			return p.writeTo(cmd.OutOrStdout())
		},
	}
}

func schemaCommand() *cobra.Command {
	var results bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenario files, for editors, or that of results",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			schema := scenarios.Schema()
			if results {
				schema = resultSchemaJSON
			}
			_, err := cmd.OutOrStdout().Write(schema)
			return err
		},
	}
	cmd.Flags().BoolVar(&results, "results", false, "that of what the commands print with -o json")
	return cmd
}

// galleryArguments asks for at least one name, and accepts it with and without
// its prefix.
func galleryArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New(cmd.CommandPath() + ": no name given; probesim scenarios lists them")
	}
	for i, arg := range args {
		args[i] = strings.TrimPrefix(arg, galleryPrefix)
	}
	return nil
}

func completeGallery(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, entry := range scenarios.Gallery() {
		if strings.HasPrefix(entry.Name, typed) {
			names = append(names, entry.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
