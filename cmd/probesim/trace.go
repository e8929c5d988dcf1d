package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim"
)

// lifeFlags say which life to look at, and at which part of it.
type lifeFlags struct {
	seed        uint64
	replication uint64
	horizon     time.Duration
	hang        time.Duration
	from, to    time.Duration
}

func (f *lifeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the random numbers; default the scenario's")
	flags.Uint64Var(&f.replication, "replication", 0, "which life, counted from 0")
	flags.Var((*durationFlag)(&f.horizon), "horizon", "how far to look for a kill; default the scenario's")
	flags.Var((*durationFlag)(&f.hang), "hang", "let the process hang for ever that long after the pod's creation")
	flags.Var((*durationFlag)(&f.from), "from", "first instant shown; default what led to the first kill")
	flags.Var((*durationFlag)(&f.to), "to", "last instant shown; default when the pod has recovered from the first kill")
}

func (f *lifeFlags) check(cmd *cobra.Command) error {
	flags := cmd.Flags()
	switch {
	case flags.Changed("horizon") && f.horizon < time.Second:
		return fmt.Errorf("--horizon: %v: must be at least 1s", f.horizon)
	case flags.Changed("hang") && f.hang <= 0:
		return errors.New("--hang: must be longer than 0s")
	case flags.Changed("to") && f.to <= f.from:
		return fmt.Errorf("--to: %v: must be later than --from (%v)", f.to, f.from)
	}
	return nil
}

// firstLook is the horizon at which the search for a kill begins; a life is the
// same to the end of a shorter one, so looking further only adds to it.
const firstLook = time.Hour

// life traces the life asked for, and returns it with the part to show. It is
// simulated just far enough: to the instant asked for, or until a kill and its
// aftermath are in it.
func (f *lifeFlags) life(cmd *cobra.Command, w *scenarios.Workload, world *model.World) (trace *sim.Trace, from, to time.Duration, err error) {
	which := sim.Life{Seed: w.Run.Seed, Replication: f.replication, Hang: f.hang}
	if cmd.Flags().Changed("seed") {
		which.Seed = f.seed
	}
	limit := w.Run.Horizon
	if f.horizon > 0 {
		limit = f.horizon
	}
	simulator, err := sim.New(world)
	if err != nil {
		return nil, 0, 0, err
	}
	if f.to > 0 {
		trace = traced(simulator, which, f.to)
		return trace, f.from, f.to, nil
	}
	for horizon := min(firstLook, limit); ; horizon = min(4*horizon, limit) {
		trace = traced(simulator, which, horizon)
		from, to = plots.Window(trace)
		settled := hasKill(trace) && to < horizon
		if settled || horizon == limit || cmd.Context().Err() != nil {
			break
		}
	}
	if cmd.Flags().Changed("from") {
		from = f.from
		to = max(to, from+10*time.Minute)
	}
	return trace, from, to, cmd.Context().Err()
}

func traced(simulator *sim.Simulator, which sim.Life, horizon time.Duration) *sim.Trace {
	which.Horizon = horizon
	which.Trace = &sim.Trace{}
	simulator.Run(which)
	return which.Trace
}

func hasKill(trace *sim.Trace) bool {
	return slices.ContainsFunc(trace.Events, func(e sim.Event) bool { return e.Kind == sim.EventKill })
}

func traceCommand() *cobra.Command {
	var f lifeFlags
	cmd := &cobra.Command{
		Use:   "trace SCENARIO",
		Short: "Tell one life event by event: why was it killed?",
		Long: `Tells one life of the pod, event by event, with the rule behind each (K: what the
kubelet does, C: what the kernel does; docs/model.md lists them). Shown is what led
to the first kill and what followed, or the start if nothing is killed.`,
		Example: `  probesim trace gallery:ingress-controller
  probesim trace deployment.yaml --hang 5m
  probesim trace scenario.yaml --from 0s --to 2m -o json`,
		Args:              oneArgument,
		ValidArgsFunction: completeScenarios,
	}
	format := addFormat(cmd, "table", "json", "csv")
	f.add(cmd)
	set := addSet(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(cmd); err != nil {
			return err
		}
		w, err := loadOne(cmd, args[0], *set)
		if err != nil {
			return err
		}
		trace, from, to, err := f.life(cmd, w, w.World)
		if err != nil {
			return err
		}
		if !hasKill(trace) {
			fmt.Fprintf(cmd.ErrOrStderr(), "no kill in %s of life %d; --replication and --horizon look further\n", seconds(trace.Horizon.Seconds()), trace.Replication)
		}
		return writeTrace(cmd.OutOrStdout(), format.value, trace, from, to)
	}
	return cmd
}

// oneArgument is cobra.ExactArgs(1) with a message that helps.
func oneArgument(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s: one scenario at a time, not %d", cmd.CommandPath(), len(args))
	}
	return someArguments(cmd, args)
}

// loadOne reads the argument of a command that shows one workload.
func loadOne(cmd *cobra.Command, arg string, set []string) (*scenarios.Workload, error) {
	workloads, status, err := load(cmd, []string{arg}, set)
	if err != nil {
		return nil, err
	}
	if status != statusDone {
		return nil, answered(status) // what is wrong has been said
	}
	if len(workloads) != 1 {
		var names []string
		for _, w := range workloads {
			names = append(names, w.World.Name)
		}
		return nil, fmt.Errorf("%s: has %d workloads (%s), and this command shows one: name one in a scenario file", arg, len(workloads), strings.Join(names, ", "))
	}
	return workloads[0], nil
}

func writeTrace(w io.Writer, format string, trace *sim.Trace, from, to time.Duration) error {
	var shown []*sim.Event
	for i := range trace.Events {
		if e := &trace.Events[i]; e.At <= to && max(e.At, e.End) >= from {
			shown = append(shown, e)
		}
	}
	switch format {
	case "json":
		var buffer bytes.Buffer
		encoder := json.NewEncoder(&buffer)
		encoder.SetEscapeHTML(false)
		for _, e := range shown {
			if err := encoder.Encode(traceRecord(trace.World, e)); err != nil {
				return err
			}
		}
		_, err := w.Write(buffer.Bytes())
		return err
	case "csv":
		var rows [][]string
		for _, e := range shown {
			rows = append(rows, []string{
				milliseconds(e.At), traceEnd(e), e.Kind.String(), who(trace.World, e), strconv.Itoa(e.Incarnation), what(trace.World, e), e.Rule,
			})
		}
		return writeCSV(w, []string{"tMs", "endMs", "kind", "container", "restarts", "what", "rule"}, rows)
	}
	p := &page{}
	p.printf("%s, life %d of seed %d, %s s to %s s of virtual time\n\n", trace.World.Name, trace.Replication, trace.Seed, clock(from), clock(to))
	rows := [][]string{{"seconds", "who", "what", "rule"}}
	for _, e := range shown {
		rows = append(rows, []string{fmt.Sprintf("%12s", clock(e.At)), who(trace.World, e), what(trace.World, e), e.Rule})
	}
	p.table(rows)
	return p.writeTo(w)
}

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/1e6, 'f', -1, 64)
}

func traceEnd(e *sim.Event) string {
	if e.Kind != sim.EventAttempt && e.Kind != sim.EventStall {
		return ""
	}
	return milliseconds(e.End)
}

// who names the container an event is about, with its restart count.
func who(w *model.World, e *sim.Event) string {
	if e.Container < 0 || e.Container >= len(w.Pod.Containers) {
		return "pod"
	}
	name := w.Pod.Containers[e.Container].Name
	if e.Incarnation > 0 {
		name += fmt.Sprintf(" (restart %d)", e.Incarnation)
	}
	return name
}

// what tells an event in words.
func what(w *model.World, e *sim.Event) string {
	text := map[bool]string{true: ": " + e.Text}[e.Text != ""]
	switch e.Kind {
	case sim.EventExit:
		return fmt.Sprintf("the process exits with code %d%s", e.Code, text)
	case sim.EventStart:
		return "a new process starts" + text
	case sim.EventStatus:
		return fmt.Sprintf("the kubelet publishes: %s, started %t, ready %t%s", e.Status.State, e.Status.Started, e.Status.Ready, text)
	case sim.EventAttempt:
		return attempted(w, e)
	case sim.EventResult:
		return fmt.Sprintf("the %s result becomes %s%s", e.Probe, e.Value, text)
	case sim.EventKill:
		return fmt.Sprintf("the kubelet KILLS the container for its %s, with %s of grace%s", e.Probe.Field(), seconds(e.Grace.Seconds()), text)
	case sim.EventBackOff:
		return fmt.Sprintf("no restart yet: back-off of %s until %s s%s", seconds(e.Delay.Seconds()), clock(e.Until), text)
	case sim.EventTrigger:
		if e.Wasted {
			return "the readiness probe is triggered too early, and does not look" + text
		}
		return "the readiness probe is triggered" + text
	case sim.EventState:
		return "in truth the process is " + e.State.String() + text
	case sim.EventReady:
		return "the pod is " + map[bool]string{true: "Ready", false: "NotReady"}[e.Ready] + text
	case sim.EventEndpoint:
		return "every proxy has " + map[bool]string{true: "added", false: "removed"}[e.Ready] + " the pod" + text
	case sim.EventStall:
		return fmt.Sprintf("stands still for %s%s", seconds((e.End - e.At).Seconds()), text)
	}
	return e.Text
}

// attempted tells one attempt: how it ended, how long that took, and how many
// of its kind that makes in a row.
func attempted(w *model.World, e *sim.Event) string {
	text := fmt.Sprintf("%s probe: %s after %s", e.Probe, e.Outcome, seconds((e.End - e.At).Seconds()))
	p := (*model.Probe)(nil)
	if e.Container >= 0 && e.Container < len(w.Pod.Containers) {
		p = w.Pod.Containers[e.Container].Probes[e.Probe]
	}
	switch {
	case e.Outcome.Failed() && p != nil && e.Run == 0: // the verdict has begun the count anew (K25)
		text += fmt.Sprintf(", failure %d of %[1]d", p.FailureThreshold)
	case e.Outcome.Failed() && p != nil:
		text += fmt.Sprintf(", failure %d of %d", e.Run, p.FailureThreshold)
	case e.Outcome.Failed():
		text += fmt.Sprintf(", failure %d in a row", e.Run)
	}
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// record is one event as a JSON line: only the fields that mean something for
// its kind.
type record struct {
	TMs       float64  `json:"tMs"`
	Kind      string   `json:"kind"`
	Container string   `json:"container,omitempty"`
	Restarts  *int     `json:"restarts,omitempty"`
	EndMs     *float64 `json:"endMs,omitempty"`
	Probe     string   `json:"probe,omitempty"`
	Outcome   string   `json:"outcome,omitempty"`
	Run       *int     `json:"run,omitempty"`
	Value     string   `json:"value,omitempty"`
	Code      *int     `json:"code,omitempty"`
	GraceMs   *float64 `json:"graceMs,omitempty"`
	UntilMs   *float64 `json:"untilMs,omitempty"`
	DelayMs   *float64 `json:"delayMs,omitempty"`
	State     string   `json:"state,omitempty"`
	Started   *bool    `json:"started,omitempty"`
	Ready     *bool    `json:"ready,omitempty"`
	Wasted    *bool    `json:"wasted,omitempty"`
	Rule      string   `json:"rule,omitempty"`
	Text      string   `json:"text,omitempty"`
}

func traceRecord(w *model.World, e *sim.Event) record {
	r := record{TMs: float64(e.At) / 1e6, Kind: e.Kind.String(), Rule: e.Rule, Text: e.Text}
	if e.Container >= 0 && e.Container < len(w.Pod.Containers) {
		r.Container = w.Pod.Containers[e.Container].Name
		r.Restarts = &e.Incarnation
	}
	inMs := func(d time.Duration) *float64 { ms := float64(d) / 1e6; return &ms }
	switch e.Kind {
	case sim.EventExit:
		r.Code = &e.Code
	case sim.EventStatus:
		r.State, r.Started, r.Ready = e.Status.State.String(), &e.Status.Started, &e.Status.Ready
	case sim.EventAttempt:
		r.EndMs, r.Probe, r.Outcome, r.Run = inMs(e.End), e.Probe.String(), e.Outcome.String(), &e.Run
	case sim.EventResult:
		r.Probe, r.Value = e.Probe.String(), e.Value.String()
	case sim.EventKill:
		r.Probe, r.GraceMs = e.Probe.String(), inMs(e.Grace)
	case sim.EventBackOff:
		r.UntilMs, r.DelayMs = inMs(e.Until), inMs(e.Delay)
	case sim.EventTrigger:
		r.Wasted = &e.Wasted
	case sim.EventState:
		r.State = e.State.String()
	case sim.EventReady, sim.EventEndpoint:
		r.Ready = &e.Ready
	case sim.EventStall:
		r.EndMs = inMs(e.End)
	}
	return r
}
