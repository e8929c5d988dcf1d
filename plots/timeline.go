package plots

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
)

// Timeline shows the life of one pod, or of the same pod under several
// settings stacked above each other: what is true of the process, what each
// probe saw, and what the kubelet and the proxies made of it.
type Timeline struct {
	Title    string // empty: "Life of one pod"
	Scenario string
	Seed     uint64
	Lives    []Life
}

// Life is one life and the part of it that is shown.
type Life struct {
	Name  string // "current", "recommended"; may be empty
	Trace *sim.Trace
	// From and To bound what is shown. Both zero: the part Window chooses.
	From, To time.Duration
}

// lives returns the lives with their windows, all of the same length, so that
// an inch is the same time in each.
func (t *Timeline) lives() []Life {
	var span time.Duration
	lives := slices.Clone(t.Lives)
	for i := range lives {
		lives[i].From, lives[i].To = lives[i].window()
		span = max(span, lives[i].To-lives[i].From)
	}
	for i := range lives {
		lives[i].To = lives[i].From + span
	}
	return lives
}

// window returns the part that is shown; it is never empty.
func (l Life) window() (from, to time.Duration) {
	from, to = l.From, l.To
	if from == 0 && to == 0 && l.Trace != nil {
		from, to = Window(l.Trace)
	}
	if to <= from {
		to = from + time.Second
	}
	return from, to
}

// read returns the lanes of the part that is shown.
func (l Life) read() lanes {
	from, to := l.window()
	if l.Trace == nil {
		return lanes{from: from, to: to}
	}
	return readLanes(l.Trace, from, to)
}

// probe returns the settings of a probe of the studied container, or nil.
func (l Life) probe(kind model.ProbeKind) *model.Probe {
	if l.Trace == nil || l.Trace.World == nil {
		return nil
	}
	return l.Trace.World.Container().Probes[kind]
}

// Window chooses the part of a life worth looking at: the first kill with what
// led to it and what followed, or else the first hang, or else the start until
// the pod has been in the endpoints for a while.
func Window(trace *sim.Trace) (from, to time.Duration) {
	period, tolerance := 10*time.Second, 30*time.Second
	if trace.World != nil {
		for _, probe := range trace.World.Container().Probes {
			if probe != nil {
				period = max(period, probe.Period())
				tolerance = max(tolerance, time.Duration(probe.FailureThreshold)*probe.Period())
			}
		}
	}
	tolerance = min(tolerance, 10*period) // of a startup probe, which may be long and says little
	last := trace.Horizon
	for _, event := range trace.Events {
		last = max(last, event.At)
	}
	pivot, found := firstOf(trace, 0, func(e *sim.Event) bool {
		return e.Kind == sim.EventKill || e.Kind == sim.EventState && e.State == sim.Hung
	})
	if !found {
		in, _ := firstOf(trace, 0, func(e *sim.Event) bool { return e.Kind == sim.EventEndpoint && e.Ready })
		return 0, min(last, in+4*period)
	}
	from = pivot - tolerance - period
	if from < tolerance {
		from = 0
	}
	kill, _ := firstOf(trace, pivot, func(e *sim.Event) bool { return e.Kind == sim.EventKill })
	back, found := firstOf(trace, max(kill, pivot), func(e *sim.Event) bool { return e.Kind == sim.EventEndpoint && e.Ready })
	if !found || back > pivot+10*tolerance {
		back = pivot + 2*tolerance
	}
	return from, min(last, back+period)
}

// firstOf returns when the first event of the studied container, at or after
// an instant, meets a condition.
func firstOf(trace *sim.Trace, after time.Duration, meets func(*sim.Event) bool) (time.Duration, bool) {
	for i := range trace.Events {
		event := &trace.Events[i]
		mine := event.Container < 0 || trace.World == nil || event.Container == trace.World.Studied
		if mine && event.At >= after && meets(event) {
			return event.At, true
		}
	}
	return 0, false
}

// WriteCSV writes one line for each stretch, attempt and incident of the part
// that is shown.
func (t *Timeline) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"life", "lane", "fromSeconds", "toSeconds", "value", "failuresInARow"}}
	for i, life := range t.lives() {
		name := life.Name
		if name == "" {
			name = strconv.Itoa(i + 1)
		}
		rows = append(rows, life.read().rows(name)...)
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("timeline: %w", err)
	}
	return nil
}

// rows returns the lanes as lines of the CSV, lane by lane.
func (l lanes) rows(life string) [][]string {
	var rows [][]string
	add := func(lane string, bands []band) {
		for _, b := range bands {
			rows = append(rows, []string{life, lane, seconds(b.from), seconds(b.to), b.value, ""})
		}
	}
	add("process", l.states)
	add("cpu", l.cpu)
	for kind := range l.probes {
		lane := model.ProbeKind(kind).String()
		add(lane+" held", l.held[kind])
		for _, a := range l.probes[kind] {
			rows = append(rows, []string{life, lane, seconds(a.from), seconds(a.to), a.outcome.String(), ""})
		}
		for _, r := range l.runs[kind] {
			rows = append(rows, []string{life, lane + " failures", seconds(r.from), seconds(r.to), "", strconv.Itoa(r.failures)})
		}
	}
	add("ready", l.ready)
	add("endpoints", l.endpoint)
	add("dead traffic", l.deadly)
	for _, i := range l.incidents {
		rows = append(rows, []string{life, "incident", seconds(i.at), seconds(i.at), i.text, ""})
	}
	return rows
}

// Sentence tells what happens in the parts that are shown.
func (t *Timeline) Sentence() string {
	var told []string
	for _, life := range t.lives() {
		sentence := life.read().tell()
		if life.Name != "" {
			sentence = upperFirst(life.Name) + ": " + sentence
		}
		told = append(told, sentence)
	}
	if len(told) == 0 {
		return "There is no life to show."
	}
	return strings.Join(told, " ")
}

// tell tells the part that is shown of one life.
func (l lanes) tell() string {
	if len(l.states) == 0 {
		return "Nothing happens in this time."
	}
	if hung := l.first(sim.Hung); hung != nil {
		return l.tellHang(*hung)
	}
	for _, incident := range l.incidents {
		if incident.kind == killed {
			return l.tellKill(incident)
		}
	}
	return l.tellStart()
}

func (l lanes) tellHang(hung band) string {
	parts := []string{fmt.Sprintf("The process hangs at %s", spell(hung.from))}
	if out, ok := l.leaves(hung.from); ok && l.inAt(hung.from) {
		parts = append(parts, fmt.Sprintf("the last proxy stops sending it requests %s later", spell(out-hung.from)))
	} else if l.inAt(hung.from) {
		parts = append(parts, "it keeps getting requests to the end of the picture")
	}
	for _, i := range l.incidents {
		if i.kind == killed && i.at >= hung.from {
			parts = append(parts, fmt.Sprintf("%s kills it after %s (%s)", i.probe, spell(i.at-hung.from), i.failures))
			if back, ok := l.enters(i.at); ok {
				parts = append(parts, fmt.Sprintf("it is back in the endpoints after %s", spell(back-hung.from)))
			}
			return join(parts)
		}
	}
	return join(append(parts, "nothing kills it"))
}

func (l lanes) tellKill(kill incident) string {
	sentence := fmt.Sprintf("At %s %s kills the container (%s)", spell(kill.at), kill.probe, kill.failures)
	switch state := l.stateBefore(kill.at); {
	case kill.isFalse && state == sim.Starting.String():
		sentence += " while the process was still starting: a false kill"
	case kill.isFalse && state == sim.Stalled.String():
		sentence += " although the process was only stalled and would have recovered by itself: a false kill"
	case kill.isFalse:
		sentence += fmt.Sprintf(" although the process was %s: a false kill", state)
	case state == sim.Starting.String():
		sentence += " while the process was still starting"
	}
	if share := l.throttledShare(); share > 0.005 {
		sentence += fmt.Sprintf("; it was throttled for %.0f %% of the time shown", 100*share)
	}
	if back, ok := l.enters(kill.at); ok {
		sentence += fmt.Sprintf("; it is back in the endpoints %s after the kill", spell(back-kill.at))
	}
	kills := 0
	for _, i := range l.incidents {
		if i.kind == killed {
			kills++
		}
	}
	if kills > 1 {
		sentence += fmt.Sprintf("; this is the first of %d kills in the time shown", kills)
	}
	return sentence + "."
}

func (l lanes) tellStart() string {
	var parts []string
	starting := l.first(sim.Starting)
	if starting != nil && starting.to < l.to {
		parts = append(parts, fmt.Sprintf("the process can serve at %s", spell(starting.to)))
	}
	if held := gated(l.held[model.Readiness]); len(held) > 0 {
		parts = append(parts, fmt.Sprintf("the startup probe succeeds at %s, readiness and liveness are asked from then on", spell(held[0].to)))
	} else if held := gated(l.held[model.Liveness]); len(held) > 0 {
		parts = append(parts, fmt.Sprintf("the startup probe succeeds at %s, liveness is asked from then on", spell(held[0].to)))
	}
	if starting != nil {
		if in, ok := l.enters(starting.to); ok {
			parts = append(parts, fmt.Sprintf("the pod is in the endpoints at %s, %s after it could serve", spell(in), spell(in-starting.to)))
		}
	}
	if len(l.deadly) > 0 {
		parts = append(parts, fmt.Sprintf("it gets requests for %s while it cannot answer", spell(l.deadly[0].to-l.deadly[0].from)))
	}
	if out, ok := l.leaves(l.from); ok {
		parts = append(parts, fmt.Sprintf("the pod leaves the endpoints at %s", spell(out)))
	}
	if len(parts) == 0 {
		return fmt.Sprintf("The process is %s throughout, and nothing kills it.", l.states[len(l.states)-1].value)
	}
	return upperFirst(join(append(parts, "nothing kills it")))
}

// gated returns the stretches in which a probe waits for the startup probe.
func gated(held []band) []band {
	return slices.DeleteFunc(slices.Clone(held), func(b band) bool { return b.value != wordHeld })
}

// join makes one sentence of parts.
func join(parts []string) string {
	last := len(parts) - 1
	if last == 0 {
		return parts[0] + "."
	}
	return strings.Join(parts[:last], ", ") + ", and " + parts[last] + "."
}

// first returns the first stretch in a state, or nil.
func (l lanes) first(state sim.TrueState) *band {
	i := slices.IndexFunc(l.states, func(b band) bool { return b.value == state.String() })
	if i < 0 {
		return nil
	}
	return &l.states[i]
}

// stateBefore returns what was true just before an instant.
func (l lanes) stateBefore(at time.Duration) string {
	for _, b := range l.states {
		if b.from < at && at <= b.to {
			return b.value
		}
	}
	return ""
}

// leaves returns when the pod first leaves the endpoints at or after an instant.
func (l lanes) leaves(after time.Duration) (time.Duration, bool) {
	for _, b := range l.endpoint {
		if b.to >= after && b.to < l.to {
			return b.to, true
		}
	}
	return 0, false
}

// enters returns when the pod first enters the endpoints at or after an instant.
func (l lanes) enters(after time.Duration) (time.Duration, bool) {
	for _, b := range l.endpoint {
		if b.from >= after && b.from > l.from {
			return b.from, true
		}
	}
	return 0, false
}

func (l lanes) inAt(at time.Duration) bool {
	return slices.ContainsFunc(l.endpoint, func(b band) bool { return b.from <= at && at < b.to })
}

// throttledShare returns the share of the running time in which the quota
// stopped the process.
func (l lanes) throttledShare() float64 {
	var throttled, running time.Duration
	for _, b := range l.cpu {
		if b.value == wordThrottled {
			throttled += b.to - b.from
		}
	}
	for _, b := range l.running() {
		running += b.to - b.from
	}
	if running == 0 {
		return 0
	}
	return float64(throttled) / float64(running)
}

// running returns the stretches in which there is a process.
func (l lanes) running() []band {
	var joined []band
	for _, b := range l.states {
		last := len(joined) - 1
		switch {
		case b.value == sim.Down.String():
		case last >= 0 && joined[last].to == b.from:
			joined[last].to = b.to
		default:
			joined = append(joined, b)
		}
	}
	return joined
}

func upperFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
