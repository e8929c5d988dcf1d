package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestManualPages writes the manual and expects a page of every command that the
// help names, with every flag, and with the lists of the help as lists.
func TestManualPages(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "man")
	if status, stdout, stderr := invoke(t.Context(), t, "man", directory); status != statusDone || !strings.HasPrefix(stdout, "wrote ") {
		t.Fatal(status, stdout, stderr)
	}
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		page, err := os.ReadFile(filepath.Join(directory, name+".1"))
		if err != nil {
			t.Error(err)
		}
		plain := strings.ReplaceAll(string(page), `\-`, "-")
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if !flag.Hidden && !strings.Contains(plain, "--"+flag.Name) {
				t.Errorf("%s does not name --%s", name, flag.Name)
			}
		})
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				check(c)
			}
		}
	}
	root := rootCommand("probesim")
	if help := root.UsageString(); strings.Contains(help, "  man ") {
		t.Error("the help names a command for packagers")
	}
	check(root)
	plot, err := os.ReadFile(filepath.Join(directory, "probesim-plot.1"))
	if err != nil || !strings.Contains(string(plot), "\ntimeline     the life of one pod") {
		t.Errorf("%v: the kinds of chart are no list:\n%s", err, plot)
	}
}
