package plots

import (
	"slices"

	"github.com/probesim/probesim/sim"
)

// followed returns the events of the studied pod: in a rollout those of the old
// pod up to its deletion, and of the new one from there on. What the new one's
// state was by then is told at that instant.
func followed(events []sim.Event) []sim.Event {
	if !slices.ContainsFunc(events, func(e sim.Event) bool { return e.Pod > 0 }) {
		return events
	}
	var kept []sim.Event
	var latest [3]*sim.Event // State, Ready and Endpoint of the new pod
	pod := 0
	for i := range events {
		e := &events[i]
		switch {
		case e.Pod == pod:
			kept = append(kept, *e)
		case e.Pod == pod+1:
			if at := slices.Index([]sim.EventKind{sim.EventState, sim.EventReady, sim.EventEndpoint}, e.Kind); at >= 0 {
				latest[at] = e
			}
		}
		if !handsOver(events[i:]) {
			continue
		}
		pod++
		for at, last := range latest {
			if last != nil {
				told := *last
				told.At = e.At
				kept = append(kept, told)
			}
			latest[at] = nil
		}
	}
	return kept
}

// handsOver reports whether the first of the events is the deletion of a pod for
// which a rollout has a new one: the old pod has no process after.
func handsOver(events []sim.Event) bool {
	e := &events[0]
	if e.Kind != sim.EventNote || e.Text != "pod deleted" {
		return false
	}
	return !slices.ContainsFunc(events, func(after sim.Event) bool { return after.Pod == e.Pod && after.Kind == sim.EventStart }) &&
		slices.ContainsFunc(events, func(after sim.Event) bool { return after.Pod == e.Pod+1 })
}
