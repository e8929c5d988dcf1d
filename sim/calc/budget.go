package calc

import (
	"math"
	"time"
)

// Anchor is how long before the container's start the grid of a new pod's
// probes is anchored, where images are local and no init container runs: the
// median measured on a real node (K2).
const Anchor = 220 * time.Millisecond

// Budget is the time that a startup probe leaves a container from its start to
// being able to serve, in seconds (S5): it must be able to when the last
// permitted attempt starts.
type Budget struct {
	Guaranteed Number `json:"guaranteed"` // at the worst phase of the grid: a 60 × 10 s probe guarantees 590 s, not 600
	NewPod     Number `json:"newPod"`     // at the first start in a pod, whose grid is anchored Anchor before it
	Most       Number `json:"most"`       // at the best phase
	AnyPhase   *Delay `json:"anyPhase"`   // over a uniform phase of the grid, as at a restart, and of the wall clock's second
}

// Budget returns the startup budget. NoAnswer tells attempts against a starting
// process that run into their timeout from those that fail at once. NewPod
// supposes that the container starts in the middle of a wall-clock second,
// where that matters to the initial delay (K8).
func (s Settings) Budget(noAnswer bool) Budget {
	span := Times(s.Failures-1, s.step(noAnswer))
	early, late := s.gate(time.Second), s.gate(0)
	first := s.firstAfter(Anchor, s.gate(time.Second/2))
	return Budget{
		Guaranteed: seconds(early + span),
		NewPod:     seconds(first + span),
		Most:       seconds(late + s.Period + span),
		AnyPhase:   Window{Fixed: early + span, Uniform: []time.Duration{s.Period, late - early}}.Seconds(),
	}
}

// gate returns the time after the container's start from which looks pass the
// initial delay, where the start fell so long after a whole second of the wall
// clock: the kubelet counts from that second (K8).
func (s Settings) gate(sinceSecond time.Duration) time.Duration {
	return max(0, s.InitialDelay-sinceSecond)
}

// firstAfter returns the time from the container's start to the first grid
// point after it that is not before the gate, where the grid is anchored so
// long before the start.
func (s Settings) firstAfter(anchor, gate time.Duration) time.Duration {
	points := (gate + anchor + s.Period - 1) / s.Period
	if first := points*s.Period - anchor; first > 0 {
		return first
	}
	return (anchor/s.Period+1)*s.Period - anchor
}

// StartupKills returns the probability that a start of which startup is the
// duration to being able to serve is not done within the budget, with the
// grid anchored before the container's start by each of the anchors alike. The
// start falls at a uniform part of a wall-clock second.
func (s Settings) StartupKills(startup func(time.Duration) float64, noAnswer bool, anchors []float64) float64 {
	span := Times(s.Failures-1, s.step(noAnswer))
	kills := 0.0
	for _, anchor := range anchors {
		a := time.Duration(math.Round(anchor))
		early, late := s.firstAfter(a, s.gate(time.Second)), s.firstAfter(a, s.gate(0))
		passes := 1.0 // probability that the earlier grid point passes the gate
		if early != late {
			passes = 1 - float64(s.InitialDelay-early)/1e9
		}
		kills += passes*(1-startup(early+span)) + (1-passes)*(1-startup(late+span))
	}
	return kills / float64(len(anchors))
}

// anyPhase returns anchors spread evenly over a period: the container starts
// at any phase of the grid, as after a crash (K3).
func (s Settings) anyPhase() []float64 {
	anchors := make([]float64, pointsOfOne)
	for i := range anchors {
		anchors[i] = float64(s.Period) * (float64(i) + .5) / pointsOfOne
	}
	return anchors
}

func seconds(d time.Duration) Number { return Number(d.Seconds()) }
