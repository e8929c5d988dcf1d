package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ProbeCounts are what the events of one container count of one kind of probe.
type ProbeCounts struct {
	Object, Probe   string // "namespace/pod container", and startup, readiness or liveness
	Failures, Kills int64  // failed attempts, and kills by this probe
	Span            time.Duration
	// Span is from the first event of the file to the last: the least time over
	// which was counted.
}

// measuredEvents is what kubectl get events -o json says, of either API group.
type measuredEvents struct {
	measuredEvent
	Items []measuredEvent `json:"items"`
}

type measuredEvent struct {
	Reason          string          `json:"reason"`
	Message         string          `json:"message"`
	Note            string          `json:"note"`
	Count           int64           `json:"count"`
	DeprecatedCount int64           `json:"deprecatedCount"`
	InvolvedObject  measuredObject  `json:"involvedObject"`
	Regarding       measuredObject  `json:"regarding"`
	Series          *measuredSeries `json:"series"`

	FirstTimestamp           *time.Time `json:"firstTimestamp"`
	LastTimestamp            *time.Time `json:"lastTimestamp"`
	DeprecatedFirstTimestamp *time.Time `json:"deprecatedFirstTimestamp"`
	DeprecatedLastTimestamp  *time.Time `json:"deprecatedLastTimestamp"`
	EventTime                *time.Time `json:"eventTime"`
}

type measuredSeries struct {
	Count            int64      `json:"count"`
	LastObservedTime *time.Time `json:"lastObservedTime"`
}

type measuredObject struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	FieldPath string `json:"fieldPath"`
}

// events counts failed attempts (Unhealthy) and kills by a probe (Killing).
func (r *measurementReader) events() {
	var list measuredEvents
	if !r.json(&list) {
		return
	}
	events := list.Items
	if list.Reason != "" {
		events = append(events, list.measuredEvent)
	}
	r.empty = ": no event is an Unhealthy, or a Killing by a probe"
	counts := map[[2]string]*ProbeCounts{}
	var first, last time.Time
	for i := range events {
		e := &events[i]
		for _, at := range []*time.Time{e.FirstTimestamp, e.LastTimestamp, e.DeprecatedFirstTimestamp, e.DeprecatedLastTimestamp, e.EventTime, e.lastObserved()} {
			if at == nil || at.IsZero() {
				continue
			}
			if first.IsZero() || at.Before(first) {
				first = *at
			}
			if at.After(last) {
				last = *at
			}
		}
		probe, killed, ok := e.probe()
		if !ok {
			continue
		}
		n := e.times()
		if n < 0 || n > 1e9 {
			r.fault(r.line("items", i, "count"), fmt.Sprintf("items[%d].count", i), "%d: must be between 0 and a thousand million", n)
			continue
		}
		key := [2]string{e.object(), probe}
		if counts[key] == nil {
			counts[key] = &ProbeCounts{Object: key[0], Probe: probe}
		}
		if killed {
			counts[key].Kills += n
		} else {
			counts[key].Failures += n
		}
	}
	for _, c := range counts {
		c.Span = max(0, last.Sub(first))
		r.out.Counts = append(r.out.Counts, *c)
	}
	slices.SortFunc(r.out.Counts, func(a, b ProbeCounts) int {
		return strings.Compare(a.Object+" "+a.Probe, b.Object+" "+b.Probe)
	})
	r.out.Notes = append(r.out.Notes,
		"the API server keeps events for an hour unless told otherwise, and a kubelet that has sent 25 of one object sends one more every five minutes: these counts may be too low; the metric prober_probe_total has all of them")
}

// probe tells which probe an event is of, and whether it killed.
func (e *measuredEvent) probe() (kind string, killed, ok bool) {
	message := strings.ToLower(e.Message + e.Note)
	for _, kind := range []string{"startup", "readiness", "liveness"} {
		switch {
		case e.Reason == "Unhealthy" && strings.Contains(message, kind+" probe failed"):
			return kind, false, true
		case e.Reason == "Killing" && strings.Contains(message, "failed "+kind+" probe"):
			return kind, true, true
		}
	}
	return "", false, false
}

// times is how often an event came; a single one may have no count.
func (e *measuredEvent) times() int64 {
	n := max(e.Count, e.DeprecatedCount)
	if e.Series != nil {
		n = max(n, e.Series.Count)
	}
	if n == 0 {
		return 1
	}
	return n
}

func (e *measuredEvent) lastObserved() *time.Time {
	if e.Series == nil {
		return nil
	}
	return e.Series.LastObservedTime
}

// object names the container an event is about.
func (e *measuredEvent) object() string {
	o := e.InvolvedObject
	if o.Name == "" {
		o = e.Regarding
	}
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	if _, container, ok := strings.Cut(o.FieldPath, "{"); ok {
		name += " " + strings.TrimSuffix(container, "}")
	}
	return oneLine(name)
}
