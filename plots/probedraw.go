package plots

import (
	"fmt"
	"image/color"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// probe draws a probe's attempts above the failures in a row it counts.
func (p *panel) probe(kind model.ProbeKind) {
	settings := p.life.probe(kind)
	threshold := 3
	p.name(kind.String()+" probe", p.y-attemptHeight/2, "")
	if settings != nil {
		threshold = int(max(settings.FailureThreshold, 1))
		writeMiddle(p.canvas, smallText, p.canvas.Min.X, p.y-attemptHeight-3, left,
			fmt.Sprintf("every %d s, timeout %d s,", settings.PeriodSeconds, settings.TimeoutSeconds))
		writeMiddle(p.canvas, smallText, p.canvas.Min.X, p.y-attemptHeight-14, left, verdict(kind, threshold))
	}
	middle := p.y - attemptHeight/2
	p.bands(p.lanes.held[kind], middle+6, middle-6, true)
	p.attempts(kind, settings, middle)
	p.y -= attemptHeight
	p.failures(p.lanes.runs[kind], threshold)
	p.y -= runHeight + laneGap
}

// verdict says what the threshold leads to.
func verdict(kind model.ProbeKind, threshold int) string {
	consequence := "kill"
	if kind == model.Readiness {
		consequence = "unready"
	}
	if threshold == 1 {
		return "1 failure: " + consequence
	}
	return fmt.Sprintf("%d failures in a row: %s", threshold, consequence)
}

// attempts draws each attempt as a bar from its start to its end, in front of
// the time it is allowed, with the outcome's sign at its end.
func (p *panel) attempts(kind model.ProbeKind, settings *model.Probe, middle vg.Length) {
	attempts := p.lanes.probes[kind]
	if settings != nil {
		for i, a := range attempts {
			allowed := p.x(a.from + settings.Timeout())
			if i+1 < len(attempts) { // a timeout beyond the period would run into the next attempt
				allowed = min(allowed, p.x(attempts[i+1].from)-8)
			}
			if allowed-p.x(a.from) >= 4 {
				fillBox(p.canvas, lightGrey, p.x(a.from), middle-3, allowed, middle+3)
			}
		}
	}
	crowded := len(attempts) > int((p.right-p.left)/5)
	lastX := vg.Length(-1)
	for _, a := range attempts {
		x := p.x(a.to)
		if crowded && a.outcome == kubelet.Success {
			if x-lastX >= 0.7 {
				strokeLine(p.canvas, green, thinLine, nil, vg.Point{X: x, Y: middle - 4}, vg.Point{X: x, Y: middle + 4})
				lastX = x
			}
			p.key.dense = true
			continue
		}
		if length := x - p.x(a.from); length > 1 {
			fillBox(p.canvas, outcomeColor(a.outcome), p.x(a.from), middle-3, x, middle+3)
		}
	}
	for _, a := range attempts {
		if !crowded || a.outcome != kubelet.Success {
			outcomeSign(p.canvas, a.outcome, p.x(a.to), middle)
			tell(p.canvas, p.x(a.from), middle-4, p.x(a.to)+3, middle+4,
				fmt.Sprintf("%s probe at %s: %s after %s, %d in a row", kind, spellExactly(a.from), a.outcome, spell(a.to-a.from), a.run))
			p.key.outcomes[a.outcome] = true
		}
	}
}

func outcomeColor(o kubelet.Outcome) color.Color {
	return [...]color.Color{green, vermillion, orange, midGrey}[o]
}

// outcomeSign draws the sign of an outcome: a disc, a cross, a diamond or a ring.
func outcomeSign(c draw.Canvas, o kubelet.Outcome, x, y vg.Length) {
	switch o {
	case kubelet.Success:
		disc(c, green, x, y, 3.4)
	case kubelet.Failure:
		cross(c, vermillion, x, y, 4)
	case kubelet.Timeout:
		diamond(c, black, x, y, 5.6)
		diamond(c, orange, x, y, 4.2)
	case kubelet.Error:
		ring(c, darkGrey, x, y, 3.2, mediumLine)
	}
}

// failures draws the failures in a row as steps against the threshold.
func (p *panel) failures(runs []run, threshold int) {
	base := p.y - runHeight
	room := runHeight - 4
	level := func(failures int) vg.Length {
		return base + room*vg.Length(min(failures, threshold))/vg.Length(threshold)
	}
	for _, r := range runs {
		fill := redTint
		if r.failures >= threshold {
			fill = vermillion
		}
		x0, x1, y := p.x(r.from), max(p.x(r.to), p.x(r.from)+1.5), level(r.failures)
		tell(p.canvas, x0, base, x1, y, fmt.Sprintf("%s in a row of %d, for %s", plural(r.failures, "failure"), threshold, spell(r.to-r.from)))
		fillBox(p.canvas, fill, x0, base, x1, y)
		strokeLine(p.canvas, vermillion, thinLine, nil, vg.Point{X: x0, Y: base}, vg.Point{X: x0, Y: y}, vg.Point{X: x1, Y: y}, vg.Point{X: x1, Y: base})
		number := strconv.Itoa(r.failures)
		style := smallText.in(black)
		switch {
		case style.width(number)+3 > x1-x0:
		case y-base >= style.capHeight()+3:
			writeMiddle(p.canvas, style, (x0+x1)/2, (base+y)/2, centre, number)
		default:
			writeText(p.canvas, style, (x0+x1)/2, y+2, centre, number)
		}
	}
	strokeLine(p.canvas, midGrey, thinLine, nil, vg.Point{X: p.left, Y: base}, vg.Point{X: p.right, Y: base})
	strokeLine(p.canvas, midGrey, thinLine, []vg.Length{3, 2}, vg.Point{X: p.left, Y: level(threshold)}, vg.Point{X: p.right, Y: level(threshold)})
	writeMiddle(p.canvas, smallText, p.left-3, level(threshold), right, strconv.Itoa(threshold))
}
