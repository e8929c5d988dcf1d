package plots

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	waterfallRow     = vg.Length(26)
	waterfallHeading = vg.Length(22)
)

// waterfallHeight returns the room the stages take above the curves.
func (d *Delays) waterfallHeight() vg.Length {
	if rows := len(d.delays()); rows > 1 {
		return waterfallHeading + vg.Length(rows)*waterfallRow + 6
	}
	return 0
}

// stage is a step of the waterfall: from the median of the one before to its
// own, and how late it can be.
type stage struct {
	delay
	from, median, p99 time.Duration
}

// stages returns the steps in the order of their medians. What is between the
// medians of two is not the median of what is between them, so the steps are
// called what they are: medians since the hang.
func (d *Delays) stages() []stage {
	var stages []stage
	for _, delay := range d.delays() {
		s := stage{delay: delay}
		s.median, _ = quantile(delay.steps, 0.5)
		s.p99, _ = quantile(delay.steps, 0.99)
		stages = append(stages, s)
	}
	slices.SortStableFunc(stages, func(a, b stage) int { return cmp.Compare(a.median, b.median) })
	for i := 1; i < len(stages); i++ {
		stages[i].from = stages[i-1].median
	}
	return stages
}

// waterfall draws the stages above the curves, on the same axis of time.
func (d *Delays) waterfall(c draw.Canvas, p *plot.Plot, data draw.Canvas) {
	if d.waterfallHeight() == 0 {
		return
	}
	x := timeX(data, p)
	writeText(c, labelText, c.Min.X, c.Max.Y-12, left, "bars: to the median since the hang; whiskers: to 99 % of the hangs")
	y := c.Max.Y - waterfallHeading - waterfallRow/2
	stages := d.stages()
	for i, s := range stages {
		from, to, late := x(s.from), x(s.median), x(s.p99)
		fillBox(c, s.ink, from, y-7, max(to, from+1.5), y+7)
		tell(c, from, y-7, max(to, late), y+7, fmt.Sprintf("%s: within %s in half of the hangs, within %s in 99 %%", s.name, spell(s.median), spell(s.p99)))
		strokeLine(c, s.ink, mediumLine, nil, vg.Point{X: to, Y: y}, vg.Point{X: late, Y: y})
		strokeLine(c, s.ink, mediumLine, nil, vg.Point{X: late, Y: y - 5}, vg.Point{X: late, Y: y + 5})
		if i+1 < len(stages) {
			strokeLine(c, midGrey, thinLine, []vg.Length{2, 2}, vg.Point{X: to, Y: y - 7}, vg.Point{X: to, Y: y - waterfallRow + 7})
		}
		name, text := s.name, fmt.Sprintf("%s, 99 %% by %s", spell(s.median), spell(s.p99))
		if s.from > 0 {
			text = fmt.Sprintf("%s (+%s), 99 %% by %s", spell(s.median), spell(s.median-s.from), spell(s.p99))
		}
		width := strongly.width(name) + 6 + smallText.width(text)
		at := max(late, to, from+1.5) + 8
		nameStyle, textStyle := strongly.in(s.ink), smallText
		switch {
		case at+width <= c.Max.X:
		case from-8-width >= c.Min.X:
			at = from - 8 - width
		default: // nowhere but on the bar
			at = from + 6
			nameStyle, textStyle = strongly.in(inkOn(s.ink)), smallText.in(inkOn(s.ink))
		}
		writeMiddle(c, nameStyle, at, y, left, name)
		writeMiddle(c, textStyle, at+strongly.width(name)+6, y, left, text)
		y -= waterfallRow
	}
}
