package corpus

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Event is one event of a trace. Which fields mean something depends on Kind;
// the others are zero.
type Event struct {
	At        int64  `json:"t"`
	Kind      string `json:"ev"`
	Probe     string `json:"probe"`     // attempt, result
	Container int    `json:"container"` // number; -1: none yet
	End       int64  `json:"end"`       // attempt
	Outcome   string `json:"outcome"`   // attempt
	Value     string `json:"value"`     // result
	State     string `json:"state"`     // status
	Ready     bool   `json:"ready"`     // status
	Started   bool   `json:"started"`   // status
	Reason    string `json:"reason"`    // kill
	GraceS    int64  `json:"grace_s"`   // kill
	ExitCode  int    `json:"exit_code"` // exit
	Until     int64  `json:"until"`     // backoff
	BackOffS  int64  `json:"backoff_s"` // backoff
}

// UnmarshalJSON reads an event; one without a container gets -1.
func (e *Event) UnmarshalJSON(data []byte) error {
	type plain Event
	p := plain{Container: -1}
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	*e = Event(p)
	return nil
}

// String returns the event as the corpus writes it: the fields that an event of
// its kind has, as JSON.
func (e Event) String() string {
	s := fmt.Appendf(nil, `{"t":%d,"ev":%q`, e.At, e.Kind)
	if e.Kind == "attempt" || e.Kind == "result" {
		s = fmt.Appendf(s, `,"probe":%q`, e.Probe)
	}
	if e.Container >= 0 {
		s = fmt.Appendf(s, `,"container":%d`, e.Container)
	}
	switch e.Kind {
	case "attempt":
		s = fmt.Appendf(s, `,"end":%d,"outcome":%q`, e.End, e.Outcome)
	case "result":
		s = fmt.Appendf(s, `,"value":%q`, e.Value)
	case "status":
		s = fmt.Appendf(s, `,"state":%q,"ready":%t,"started":%t`, e.State, e.Ready, e.Started)
	case "kill":
		s = fmt.Appendf(s, `,"reason":%q,"grace_s":%d`, e.Reason, e.GraceS)
	case "exit":
		s = fmt.Appendf(s, `,"exit_code":%d`, e.ExitCode)
	case "backoff":
		s = fmt.Appendf(s, `,"until":%d,"backoff_s":%d`, e.Until, e.BackOffS)
	}
	return string(append(s, '}'))
}

// Milliseconds rounds an instant as the corpus does.
func Milliseconds(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }

// rank is the order of events of one instant.
var rank = map[string]int{"exit": 0, "start": 1, "status": 2, "attempt": 3, "result": 4, "kill": 5, "backoff": 6}

// Normalise brings events, given in the order in which they were observed,
// into the form in which the corpus stores and compares them.
func Normalise(observed []Event, horizonMS int64) []Event {
	var events []Event
	for _, e := range observed {
		if e.At <= horizonMS && e.End <= horizonMS {
			events = append(events, e)
		}
	}
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(a.Probe, b.Probe))
	})
	var status *Event // the last one kept
	kept := events[:0]
	for i, e := range events {
		if e.Kind == "status" {
			if i+1 < len(events) && events[i+1].Kind == "status" && events[i+1].At == e.At {
				continue
			}
			if status != nil {
				same := e
				same.At = status.At
				if same == *status {
					continue
				}
			}
			copied := e
			status = &copied
		}
		kept = append(kept, e)
	}
	return kept
}

// Difference describes the first event at which two normalised traces part, and
// says when; the empty string if they do not. Times may differ by tolerance.
func Difference(got, want []Event, tolerance int64) (at int64, difference string) {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return want[i].At, fmt.Sprintf("event %d: none, want %v", i, want[i])
		case i >= len(want):
			return got[i].At, fmt.Sprintf("event %d: %v, want none", i, got[i])
		case !got[i].equals(want[i], tolerance):
			return min(got[i].At, want[i].At), fmt.Sprintf("event %d: %v, want %v", i, got[i], want[i])
		}
	}
	return 0, ""
}

// equals compares two events.
func (e Event) equals(o Event, tolerance int64) bool {
	for _, pair := range [][2]*int64{{&e.At, &o.At}, {&e.End, &o.End}} {
		if d := *pair[0] - *pair[1]; d >= -tolerance && d <= tolerance {
			*pair[0] = *pair[1]
		}
	}
	return e == o
}
