package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
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

// toldBefore is how much of a life is told in full before the part to show: runs
// of failures and stalls that reach into it.
const toldBefore = 6 * time.Hour

// life traces the life asked for, and returns it with the part to show. It is
// simulated just far enough: to the instant asked for, or until a kill and its
// aftermath are in it. A search of days keeps only what is rare, since all
// attempts and stalls of a life would fill any memory; what is shown is then
// simulated once more and told in full.
func (f *lifeFlags) life(cmd *cobra.Command, w *scenarios.Workload, world *model.World) (trace *sim.Trace, from, to time.Duration, err error) {
	which := sim.Life{Seed: w.Run.Seed, Replication: f.replication, Draw: model.DrawOf(f.replication), Hang: f.hang}
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
	stop := new(atomic.Bool)
	which.Stop = stop
	defer context.AfterFunc(cmd.Context(), func() { stop.Store(true) })()
	inFull := func(horizon time.Duration) (*sim.Trace, time.Duration, time.Duration, error) {
		trace := traced(simulator, which, horizon, max(0, from-toldBefore), to)
		return trace, from, to, cmd.Context().Err()
	}
	if f.to > 0 {
		from, to = f.from, f.to
		return inFull(f.to)
	}
	horizon := min(firstLook, limit)
	for ; ; horizon = min(4*horizon, limit) {
		rare := traced(simulator, which, horizon, dist.Longest, 0)
		from, to = plots.Window(rare)
		settled := hasKill(rare) && to < horizon
		if settled || horizon == limit || cmd.Context().Err() != nil {
			break
		}
	}
	if cmd.Flags().Changed("from") {
		from = f.from
		to = max(to, from+10*time.Minute)
	}
	return inFull(horizon)
}

// traced simulates a life, of which everything is told from one instant to
// another (0: to the end).
func traced(simulator *sim.Simulator, which sim.Life, horizon, from, to time.Duration) *sim.Trace {
	which.Horizon = horizon
	which.Trace = &sim.Trace{From: from, To: to}
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
kubelet does, C: what the kernel does; docs/model.md lists them; "scenario": the
scenario alone decided). Shown is what led to the first kill and what followed, or
the start if nothing is killed.

Formats: a table, JSON lines, CSV, and the Trace Event Format of Chrome, which
https://ui.perfetto.dev and chrome://tracing show as lanes.

With --cpu every attempt is followed by what its answer did on the CPU: it runs, is
throttled by the quota, stolen (another task of the node has the CPU), stands still
with its process, is queued behind other work of the container, or waits outside the
CPU. In JSON an attempt and the start of a process then have a field cpu with the
stretches and how long each condition lasted; in CSV each stretch is a line.`,
		Example: `  probesim trace gallery:ingress-controller
  probesim trace gallery:ingress-controller --chart
  probesim trace gallery:ingress-controller --explain
  probesim trace gallery:starved-20m --cpu
  probesim trace deployment.yaml --hang 5m
  probesim trace deployment.yaml -o chrome > trace.json
  probesim trace scenario.yaml --from 0s --to 2m -o json`,
		Args:              oneArgument,
		ValidArgsFunction: completeScenarios,
	}
	format := addFormat(cmd, "table", "json", "csv", "chrome")
	f.add(cmd)
	var explain, withCPU, chart bool
	cmd.Flags().BoolVar(&explain, "explain", false, "say of each event why it happened, and show the looks that no attempt came of")
	cmd.Flags().BoolVar(&withCPU, "cpu", false, "show what each answer did on the CPU: ran, throttled, stolen, queued, waiting")
	cmd.Flags().BoolVar(&chart, "chart", false, "draw the life as text, in the width of the terminal, or COLUMNS or 80")
	set := addSet(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(cmd); err != nil {
			return err
		}
		if chart && (explain || withCPU || format.value != "table") {
			return errors.New("--chart: does not apply with --explain, --cpu or another format")
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
		if chart {
			return writeLife(cmd.OutOrStdout(), trace, from, to)
		}
		view := traceView{trace: trace, from: from, to: to, explain: explain}
		if withCPU {
			view.work = newWorks(trace)
			if !slices.ContainsFunc(trace.Events, func(e sim.Event) bool { return e.Kind == sim.EventCPU }) {
				fmt.Fprintln(cmd.ErrOrStderr(), "--cpu: no answer of this life needs CPU time: give application.probes.all.cpu")
			}
		}
		return view.write(cmd.OutOrStdout(), format.value)
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
		if len(names) > 5 {
			names = append(names[:5], "…")
		}
		return nil, fmt.Errorf("%s: has %d workloads (%s), and this command shows one: name one in a scenario file", arg, len(workloads), strings.Join(names, ", "))
	}
	return workloads[0], nil
}

// traceView is the part of a trace that is written.
type traceView struct {
	trace    *sim.Trace
	from, to time.Duration
	explain  bool
	work     *works
}

// line is one event that is shown, with the sentence that explains it.
type line struct {
	*sim.Event
	rules string
	why   string // empty unless explanations were asked for
}

// lines returns the events in view.
func (v *traceView) lines() []line {
	tell := newExplainer(v.trace)
	var lines []line
	for i := range v.trace.Events {
		e := &v.trace.Events[i]
		shown := e.At <= v.to && max(e.At, e.End) >= v.from && e.Kind != sim.EventCPU
		if shown {
			l := line{Event: e, rules: rulesOf(v.trace.World, e)}
			if v.explain {
				l.why = tell.why(e)
			}
			lines = append(lines, l)
		}
		tell.note(e)
	}
	return lines
}

func (v *traceView) write(w io.Writer, format string) error {
	switch format {
	case "json":
		return v.writeJSON(w)
	case "csv":
		return v.writeCSV(w)
	case "chrome":
		return v.writeChrome(w)
	}
	return v.writeText(w)
}

// writeJSON writes one line of JSON for each event.
func (v *traceView) writeJSON(w io.Writer) error {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	for _, l := range v.lines() {
		r := traceRecord(v.trace.World, &l)
		if done := v.work.of(l.Event, v.trace.World.Studied); done != nil {
			r.CPU = done.record()
		}
		if err := encoder.Encode(r); err != nil {
			return err
		}
	}
	_, err := w.Write(buffer.Bytes())
	return err
}

func (v *traceView) writeCSV(w io.Writer) error {
	header := []string{"tMs", "endMs", "kind", "container", "restarts", "what", "rule"}
	if v.explain {
		header = append(header, "why")
	}
	var rows [][]string
	for _, l := range v.lines() {
		row := []string{milliseconds(l.At), traceEnd(l.Event), l.Kind.String(), who(v.trace.World, l.Event), strconv.Itoa(l.Incarnation), what(v.trace.World, l.Event), l.rules}
		if v.explain {
			row = append(row, l.why)
		}
		rows = append(rows, row)
		for _, e := range v.work.of(l.Event, v.trace.World.Studied) {
			row := []string{milliseconds(e.At), traceEnd(e), e.Kind.String(), who(v.trace.World, e), strconv.Itoa(e.Incarnation), what(v.trace.World, e), e.Rule}
			if v.explain {
				row = append(row, "")
			}
			rows = append(rows, row)
		}
	}
	return writeCSV(w, header, rows)
}

// writeText writes a table for people. Stretches of throttling that follow each
// other are one line, and what no probe came of is left to the explanations.
func (v *traceView) writeText(w io.Writer) error {
	p := &page{}
	p.printf("%s, life %d of seed %d, %s s to %s s of virtual time\n\n", v.trace.World.Name, v.trace.Replication, v.trace.Seed, clock(v.from), clock(v.to))
	rows := [][]string{{"seconds", "who", "what", "rule"}}
	var whys []string
	lines := slices.DeleteFunc(v.lines(), func(l line) bool { return l.Kind == sim.EventLook && !v.explain })
	for i := 0; i < len(lines); {
		l := lines[i]
		text, n := what(v.trace.World, l.Event), sameThrottling(lines[i:])
		if n > 1 {
			text = throttledOften(lines[i : i+n])
		}
		done := v.work.of(l.Event, v.trace.World.Studied)
		rows = append(rows, []string{fmt.Sprintf("%12s", clock(l.At)), who(v.trace.World, l.Event), text + done.tell(), l.rules})
		whys = append(whys, l.why)
		if l.Kind == sim.EventAttempt {
			parts := done.rows(l.Event)
			rows = append(rows, parts...)
			whys = append(whys, make([]string, len(parts))...)
		}
		i += n
	}
	var table page
	table.table(rows)
	i := -2 // the heading has no explanation
	for row := range strings.Lines(table.String()) {
		p.printf("%s", row)
		if i++; i >= 0 && whys[i] != "" {
			p.prose("                  | ", "                  | ", whys[i])
		}
	}
	return p.writeTo(w)
}

// sameThrottling returns how many lines from the first on tell of throttling of
// one process, at least 1.
func sameThrottling(lines []line) int {
	n := 1
	for n < len(lines) && lines[0].Kind == sim.EventStall && lines[n].Kind == sim.EventStall &&
		lines[0].Text == throttled && lines[n].Text == throttled && lines[0].Incarnation == lines[n].Incarnation {
		n++
	}
	return n
}

// throttledOften tells stretches of throttling in one line.
func throttledOften(lines []line) string {
	var total time.Duration
	for _, l := range lines {
		total += l.End - l.At
	}
	last := lines[len(lines)-1]
	return fmt.Sprintf("stands still %d times, for %s of %s: throttled", len(lines), seconds(total.Seconds()), seconds((last.End - lines[0].At).Seconds()))
}

// record is one event as a JSON line: only the fields that mean something for
// its kind.
type record struct {
	TMs       float64  `json:"tMs"`
	Kind      string   `json:"kind"`
	Pod       int      `json:"pod,omitempty"`
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
	Gate      string   `json:"gate,omitempty"`
	Rule      string   `json:"rule"`
	Why       string   `json:"why,omitempty"`
	Text      string   `json:"text,omitempty"`

	CPU *workRecord `json:"cpu,omitempty"`
}

func traceRecord(w *model.World, l *line) record {
	e := l.Event
	r := record{TMs: float64(e.At) / 1e6, Kind: e.Kind.String(), Rule: l.rules, Why: l.why, Text: e.Text, Pod: e.Pod}
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
	case sim.EventLook:
		r.Probe, r.Gate = e.Probe.String(), e.Action.String()
	}
	return r
}
