package plots

import (
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// step is a point at which a survival function falls: from there on to Share.
type step struct {
	at    time.Duration
	share float64
}

// survival returns the Kaplan–Meier estimate of the share of durations longer
// than t, as the steps at which it falls. Of those that were cut off it is known
// only that they would have been longer (S17).
func survival(complete, cutOff []time.Duration) []step {
	completed, killed := slices.Sorted(slices.Values(complete)), slices.Sorted(slices.Values(cutOff))
	atRisk := len(completed) + len(killed)
	share := 1.0
	var steps []step
	for i, k := 0, 0; i < len(completed); {
		at := completed[i]
		for k < len(killed) && killed[k] < at {
			k++
			atRisk--
		}
		same := i
		for same < len(completed) && completed[same] == at {
			same++
		}
		share *= 1 - float64(same-i)/float64(atRisk)
		atRisk -= same - i
		i = same
		steps = append(steps, step{at, share})
	}
	return steps
}

// exceed returns the share of startups that take longer than t, of the steps.
func exceed(steps []step, t time.Duration) float64 {
	i, found := slices.BinarySearchFunc(steps, t, func(s step, t time.Duration) int { return int(max(min(s.at-t, 1), -1)) })
	if found {
		return steps[i].share
	}
	if i == 0 {
		return 1
	}
	return steps[i-1].share
}

// quantile returns the least duration that a share p of startups do not exceed.
func quantile(steps []step, p float64) (time.Duration, bool) {
	for _, s := range steps {
		if s.share <= 1-p+1e-12 {
			return s.at, true
		}
	}
	return 0, false
}

// thinned returns the steps at which the share of longer durations, or that of
// shorter ones, has fallen or risen by half a percent of itself since the step
// before, so that tens of thousands of durations do not take a line each.
func thinned(steps []step) []step {
	const least = 0.005
	var kept []step
	last := step{share: 1}
	for i, s := range steps {
		change := last.share - s.share
		if i == 0 || i == len(steps)-1 || change >= least*min(last.share, 1-s.share) {
			kept = append(kept, s)
			last = s
		}
	}
	return kept
}

// shareBeyond writes the share of durations longer than t for data, nothing
// where there are none.
func shareBeyond(steps []step, t time.Duration) string {
	if len(steps) == 0 {
		return ""
	}
	return number(exceed(steps, t))
}

// leastShare returns a power of ten below every share of the steps but 0.
func leastShare(steps []step) float64 {
	least := 0.1
	for _, step := range steps {
		if step.share > 1e-12 {
			least = min(least, roundDown(step.share/1.5))
		}
	}
	return max(least, 1e-9)
}

// stairs returns a survival function as a line from a point on, without steps
// too fine to be seen.
func stairs(from vg.Length, steps []step, x func(time.Duration) vg.Length, y func(float64) vg.Length) []vg.Point {
	line := []vg.Point{{X: from, Y: y(1)}}
	for i, step := range steps {
		last := line[len(line)-1]
		next := vg.Point{X: x(step.at), Y: y(step.share)}
		moved := max(next.X-last.X, next.Y-last.Y, last.Y-next.Y)
		if i < len(steps)-1 && moved < 0.25 {
			continue
		}
		line = append(line, vg.Point{X: next.X, Y: last.Y}, next)
	}
	return line
}

// timeX returns where an instant lies on a plot whose axis counts seconds, at
// the ends of the axis at the most.
func timeX(c draw.Canvas, p *plot.Plot) func(time.Duration) vg.Length {
	toX, _ := p.Transforms(&c)
	return func(at time.Duration) vg.Length { return toX(min(max(at.Seconds(), p.X.Min), p.X.Max)) }
}

// share writes a probability: as a percentage, or where that is small as one in
// so many.
func share(p float64) string {
	if p > 0 && p < 0.001 {
		return "1 in " + digits(1/p, 2)
	}
	if p > 0.9 {
		return digits(100*p, 3) + " %"
	}
	return digits(100*p, 2) + " %"
}
