package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/probesim/probesim/model"
)

// The exit statuses of every command (design section 5).
const (
	statusDone        = 0
	statusNo          = 1 // the answer is no: an objective is missed, a gate holds, no settings meet the objectives
	statusUsage       = 2 // bad input or usage
	statusUndecided   = 3 // a measure asked for is undecided within the effort
	statusInterrupted = 130
)

// exit is the error by which a command that has said all there is to say ends
// with a status of its own.
type exit struct{ status int }

func (e *exit) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// answered returns the error that ends a command with the given status.
func answered(status int) error {
	if status == statusDone {
		return nil
	}
	return &exit{status}
}

// graver returns the status that outranks the other over several workloads:
// interrupted, then no, then undecided.
func graver(a, b int) int {
	for _, status := range []int{statusInterrupted, statusUsage, statusNo, statusUndecided} {
		if a == status || b == status {
			return status
		}
	}
	return statusDone
}

// run is the whole program: args as the operating system gives them, results on
// stdout, progress and diagnostics on stderr, and the exit status. The first
// interrupt ends the simulation and prints what was reached; a second one ends
// the program.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop()
	}()
	return runContext(ctx, args, stdin, stdout, stderr)
}

func runContext(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &results{Writer: stdout}
	root := rootCommand(filepath.Base(args[0]))
	root.SetArgs(args[1:])
	root.SetIn(stdin)
	root.SetOut(out)
	root.SetErr(stderr)
	err := cmp.Or(root.ExecuteContext(ctx), out.err)
	var said *exit
	switch {
	case err == nil:
		return statusDone
	case errors.As(err, &said):
		return said.status
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "interrupted before anything was reached")
		return statusInterrupted
	}
	fmt.Fprintln(stderr, strings.TrimRight(err.Error(), "\n"))
	return statusUsage
}

// results is standard output. It remembers that something could not be written:
// whatever prints help and completions does not say so.
type results struct {
	io.Writer
	err error
}

func (r *results) Write(p []byte) (int, error) {
	n, err := r.Writer.Write(p)
	r.err = cmp.Or(r.err, err)
	return n, err
}

const longHelp = `probesim tells, from a Kubernetes manifest and what is known of an application,
how often its probes will kill a healthy container, how long a dead one keeps
getting traffic, and which periodSeconds, timeoutSeconds and failureThreshold to
set instead. It simulates the kubelet's own scheduling and the kernel's CPU quota.

SCENARIO is a scenario file, a Kubernetes manifest, "-" for standard input, or
gallery:NAME for a shipped case (see "probesim scenarios").

Exit status: 0 done; 1 the answer is no (an objective is missed, --fail-on holds,
no settings meet the objectives, lint found an error); 2 bad input or usage;
3 undecided within the budget; 130 interrupted, after printing what was reached.`

// rootCommand returns the command with all its subcommands. Installed as
// kubectl-probesim it presents itself as a plugin of kubectl.
func rootCommand(name string) *cobra.Command {
	root := &cobra.Command{
		Use:           "probesim",
		Short:         "Simulate and choose Kubernetes probe settings",
		Long:          longHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	if strings.HasPrefix(name, "kubectl-") {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl probesim"}
	}
	root.AddCommand(compareCommand(), sweepCommand())
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveDefault)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%s: %w%s (see %[1]s --help)", cmd.CommandPath(), err, flagMeant(cmd, err))
	})
	root.AddCommand(
		runCommand(), recommendCommand(), calcCommand(), fitCommand(), lintCommand(), traceCommand(), plotCommand(), reportCommand(), mergeCommand(),
		showCommand(), scenariosCommand(), versionCommand(), manCommand(),
	)
	refuseUnknownShells(root)
	return root
}

// knownCommand refuses arguments of a command that has subcommands only, and
// names the one that was most likely meant.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	message := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	if near := model.Nearest(args[0], names); near != "" {
		message += fmt.Sprintf(" (did you mean %q?)", near)
	} else {
		message += ": must be one of " + strings.Join(names, ", ")
	}
	return errors.New(message)
}

// flagMeant names the flag that an unknown one is most likely a slip of.
func flagMeant(cmd *cobra.Command, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return ""
	}
	var names []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	if near := model.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return fmt.Sprintf(" (did you mean --%s?)", near)
	}
	return ""
}

// refuseUnknownShells makes the completion command an error for a shell it does
// not know; without one it prints its help.
func refuseUnknownShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd("completion")
	completion, _, err := root.Find([]string{"completion"})
	if err != nil {
		panic(err) // it was just made
	}
	completion.Args = knownCommand
	completion.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// someArguments is cobra.MinimumNArgs(1) with a message that helps.
func someArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf(`%s: no scenario given: name a scenario file, a manifest, "-" for standard input or gallery:NAME (see "%s scenarios")`,
			cmd.CommandPath(), cmd.Root().DisplayName())
	}
	return nil
}
