package plots

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
)

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

// tellHang tells what follows a hang, in the order in which it happens.
func (l lanes) tellHang(hung band) string {
	type fact struct {
		at   time.Duration
		text string
	}
	var facts []fact
	if out, ok := l.leaves(hung.from); ok && l.inAt(hung.from) {
		facts = append(facts, fact{out, fmt.Sprintf("the last proxy stops sending it requests after %s", spell(out-hung.from))})
	} else if l.inAt(hung.from) {
		facts = append(facts, fact{l.to, "it keeps getting requests to the end of the picture"})
	}
	kill := slices.IndexFunc(l.incidents, func(i incident) bool { return i.kind == killed && i.at >= hung.from })
	if kill < 0 {
		facts = append(facts, fact{l.to, "nothing kills it"})
	} else {
		i := l.incidents[kill]
		facts = append(facts, fact{i.at, fmt.Sprintf("%s kills it after %s (%s)", i.probe, spell(i.at-hung.from), i.failures)})
		if back, ok := l.enters(i.at); ok {
			facts = append(facts, fact{back, fmt.Sprintf("it is back in the endpoints after %s", spell(back-hung.from))})
		}
	}
	slices.SortStableFunc(facts, func(a, b fact) int { return cmp.Compare(a.at, b.at) })
	parts := []string{fmt.Sprintf("The process hangs at %s", spell(hung.from))}
	for _, f := range facts {
		parts = append(parts, f.text)
	}
	return join(parts)
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
	held, asked := gated(l.held[model.Readiness]), "readiness and liveness are"
	if len(held) == 0 {
		held, asked = gated(l.held[model.Liveness]), "liveness is"
	}
	switch {
	case len(held) == 0:
	case held[0].to < l.to:
		parts = append(parts, fmt.Sprintf("the startup probe succeeds at %s, %s asked from then on", spell(held[0].to), asked))
	default:
		parts = append(parts, "the startup probe has not succeeded by the end of the picture")
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
