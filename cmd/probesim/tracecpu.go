package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/sim"
)

// work is what one question cost the process: the stretches of its answer, or of
// a stage of the start, in the order of time.
type work []*sim.Event

// works is the work for every question of a trace, and that for the start of
// each process under the number of its restarts. Nil: it is not shown.
type works struct{ answers, starts map[int]work }

func newWorks(trace *sim.Trace) *works {
	answers, starts := map[int]work{}, map[int]work{}
	for i := range trace.Events {
		e := &trace.Events[i]
		switch {
		case e.Kind != sim.EventCPU:
		case e.State == sim.Starting:
			starts[e.Incarnation] = append(starts[e.Incarnation], e)
		default:
			answers[e.Question] = append(answers[e.Question], e)
		}
	}
	return &works{answers, starts}
}

// of returns the work for an event that asked for some.
func (w *works) of(e *sim.Event, studied int) work {
	switch {
	case w == nil:
		return nil
	case e.Kind == sim.EventAttempt:
		return w.answers[e.Question]
	case e.Kind == sim.EventStart && e.Container == studied:
		return w.starts[e.Incarnation]
	}
	return nil
}

// total returns how long the work was in each condition.
func (w work) total() (in [cpu.Conditions]time.Duration) {
	for _, e := range w {
		in[e.CPU] += e.End - e.At
	}
	return in
}

// tell says how long the work was in each condition: " (runs 2 ms, throttled 98 ms)".
func (w work) tell() string {
	var parts []string
	for is, d := range w.total() {
		if d > 0 {
			parts = append(parts, cpu.Condition(is).String()+" "+seconds(d.Seconds()))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// The stretches of a piece of work that are listed one by one in a table; of
// longer ones the middle is summed up.
const (
	firstStretches = 12
	lastStretches  = 4
)

// rows lists the work under the attempt that it was for. What comes after the
// attempt's end is done for nobody (K70).
func (w work) rows(attempt *sim.Event) [][]string {
	left := 0 // out of the list
	if len(w) > firstStretches+lastStretches+1 {
		left = len(w) - firstStretches - lastStretches
	}
	var rows [][]string
	for i, e := range w {
		if i >= firstStretches && i < firstStretches+left {
			if i == firstStretches {
				middle := w[i : i+left]
				rows = append(rows, []string{fmt.Sprintf("%12s", clock(e.At)), "", fmt.Sprintf("  … %d stretches%s", left, middle.tell()), ""})
			}
			continue
		}
		rows = append(rows, []string{fmt.Sprintf("%12s", clock(e.At)), "", "  " + e.CPU.String() + " " + seconds((e.End - e.At).Seconds()) + forWhat(e, attempt), e.Rule})
	}
	return rows
}

// forWhat says what else there is to know of a stretch.
func forWhat(e, attempt *sim.Event) string {
	text := map[bool]string{true: ": " + e.Text}[e.Text != ""]
	if attempt != nil && e.At >= attempt.End {
		text += ", for nobody: the attempt is over"
	}
	return text
}

// stretchRecord is a stretch of an answer in JSON.
type stretchRecord struct {
	FromMs float64 `json:"fromMs"`
	ToMs   float64 `json:"toMs"`
	Is     string  `json:"is"`
	Rule   string  `json:"rule,omitempty"`
	Text   string  `json:"text,omitempty"`
}

// workRecord is the work for an attempt or a start in JSON: how long it was in
// each condition, and when.
type workRecord struct {
	RunsMs        float64         `json:"runsMs"`
	ThrottledMs   float64         `json:"throttledMs"`
	StolenMs      float64         `json:"stolenMs"`
	StandsStillMs float64         `json:"standsStillMs"`
	QueuedMs      float64         `json:"queuedMs"`
	WaitsMs       float64         `json:"waitsMs"`
	Stretches     []stretchRecord `json:"stretches"`
}

func (w work) record() *workRecord {
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	in := w.total()
	r := &workRecord{
		RunsMs: ms(in[cpu.Running]), ThrottledMs: ms(in[cpu.Throttled]), StolenMs: ms(in[cpu.Stolen]),
		StandsStillMs: ms(in[cpu.StandsStill]), QueuedMs: ms(in[cpu.Queued]), WaitsMs: ms(in[cpu.Waiting]),
		Stretches: []stretchRecord{},
	}
	for _, e := range w {
		r.Stretches = append(r.Stretches, stretchRecord{FromMs: ms(e.At), ToMs: ms(e.End), Is: e.CPU.String(), Rule: e.Rule, Text: e.Text})
	}
	return r
}
