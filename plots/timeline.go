package plots

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
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
	const longest = time.Hour // of a period: Kubernetes accepts any (K57), and nobody looks at years
	period, tolerance := 10*time.Second, 30*time.Second
	if trace.World != nil {
		for _, probe := range trace.World.Container().Probes {
			if probe != nil {
				step := min(probe.Period(), longest)
				period = max(period, step)
				tolerance = max(tolerance, time.Duration(probe.FailureThreshold)*step)
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
	for _, bands := range l.cpu {
		add("cpu", bands)
	}
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
