package plots

import (
	"cmp"
	"fmt"
	"image/color"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const startupHeight = 4.6 * vg.Inch

func (s *Startup) page() page {
	return page{cmp.Or(s.Title, "Does the startup fit into its budget?"), s.Sentence(), s.Scenario, s.Seed}
}

// Size implements Chart.
func (s *Startup) Size() (width, height vg.Length) {
	return pageWidth, s.page().headerHeight() + footerHeight + startupHeight
}

// Draw implements Chart.
func (s *Startup) Draw(c draw.Canvas) {
	body := s.page().draw(c)
	p := newPlot()
	floor := s.floor()
	logAxis(&p.Y, floor, 1)
	shortest, longest := s.timeRange(floor)
	var xLabel string
	if longest > 40*shortest && shortest > 0 {
		xLabel = fmt.Sprintf("time t since the container's start (%s)", logSecondsAxis(&p.X, shortest.Seconds(), longest.Seconds()))
	} else {
		xLabel = fmt.Sprintf("time t since the container's start (%s)", secondsAxis(&p.X, 0, longest.Seconds()))
	}
	steps := s.survival()
	p.Add(plotterFunc(s.regions), plotterFunc(gridLines), plotterFunc(func(c draw.Canvas, p *plot.Plot) { s.curves(c, p, steps) }))
	drawPlot(p, body, xLabel, "share of startups that take longer than t (log scale)")
}

// timeRange returns the times between which something is to be seen: half the
// quickest startups, and everything beyond the last.
func (s *Startup) timeRange(floor float64) (shortest, longest time.Duration) {
	_, latest := s.budget()
	longest = latest
	for _, d := range s.Completed {
		longest = max(longest, d)
	}
	for _, d := range s.Killed {
		longest = max(longest, d)
	}
	steps := s.survival()
	if curve := s.modelCurve(floor); len(curve) > 0 {
		longest = max(longest, min(curve[len(curve)-1].at, 20*max(longest, time.Second)))
		steps = curve
	}
	if median, ok := quantile(steps, 0.5); ok {
		shortest = median / 3
	}
	if longest <= 0 {
		longest = time.Minute
	}
	return shortest, longest + longest/8
}

// regions shades the times at which a startup is let through, may be killed,
// and is killed.
func (s *Startup) regions(c draw.Canvas, p *plot.Plot) {
	if s.Probe == nil {
		return
	}
	guaranteed, latest := s.budget()
	x := timeX(c, p)
	from, to := x(guaranteed), x(latest)
	fillBox(c, greenTint, c.Min.X, c.Min.Y, from, c.Max.Y)
	fillBox(c, yellowTint, from, c.Min.Y, to, c.Max.Y)
	fillBox(c, redTint, to, c.Min.Y, c.Max.X, c.Max.Y)
}

func (s *Startup) curves(c draw.Canvas, p *plot.Plot, steps []step) {
	x := timeX(c, p)
	_, toY := p.Transforms(&c)
	y := func(share float64) vg.Length { return toY(max(share, p.Y.Min)) }
	labels := labeller{bounds: c.Rectangle}
	s.budgetLines(c, p, &labels)
	var named vg.Point // where the model's curve is named
	if curve := s.modelCurve(p.Y.Min); len(curve) > 0 {
		var line []vg.Point
		for _, step := range curve {
			line = append(line, vg.Point{X: x(step.at), Y: y(step.share)})
		}
		strokeLine(c, darkGrey, mediumLine, []vg.Length{4, 2}, line...)
		labels.blockLines(line)
		named = line[len(line)*2/3]
	}
	if len(steps) > 0 {
		line := stairs(c.Min.X, steps, x, y)
		if len(s.Killed) > 0 { // as far as any startup was watched
			last := line[len(line)-1]
			line = append(line, vg.Point{X: max(last.X, x(slices.Max(s.Killed))), Y: last.Y})
		}
		strokeLine(c, blue, thickLine, nil, line...)
		labels.blockLines(line)
		tellSteps(c, steps, func(at time.Duration, p float64) vg.Point { return vg.Point{X: x(at), Y: y(1 - p)} },
			func(at time.Duration, p float64) string {
				return fmt.Sprintf("%s of startups take up to %s", share(p), spell(at))
			})
	}
	s.verdict(c, p, steps, y, &labels)
	if len(steps) > 0 {
		s.nameCurve(c, p, steps, y, &labels)
	}
	if s.Model != nil {
		labels.write(c, named, 6, smallText, smallText, "model")
	}
}

// nameCurve writes beside the curve what it is: at its median, or else where
// along it there is room.
func (s *Startup) nameCurve(c draw.Canvas, p *plot.Plot, steps []step, y func(float64) vg.Length, labels *labeller) {
	x := timeX(c, p)
	lines := []string{plural(len(s.Completed)+len(s.Killed), "startup")}
	last := steps[len(steps)-1].at
	places := []time.Duration{last / 8, last / 4, last / 2, last}
	if median, ok := quantile(steps, 0.5); ok {
		lines = append(lines, "median "+spell(median))
		places = append([]time.Duration{median}, places...)
	}
	if len(s.Killed) > 0 {
		lines = append(lines, fmt.Sprintf("%d of them cut off", len(s.Killed)))
	}
	for _, at := range places {
		point := vg.Point{X: x(at), Y: y(exceed(steps, at))}
		if labels.write(c, point, 8, strongly.in(blue), smallText, lines...) {
			return
		}
	}
}

// budgetLines draws the two ends of the budget and names them at the top, the
// guaranteed end before its line and the other behind.
func (s *Startup) budgetLines(c draw.Canvas, p *plot.Plot, labels *labeller) {
	if s.Probe == nil {
		return
	}
	x := timeX(c, p)
	guaranteed, latest := s.budget()
	top := c.Max.Y - 4
	name := func(at time.Duration, a align, row int, style textStyle, text string) {
		x := x(at)
		edge := x - 5
		if a == left {
			edge = x + 5
		}
		width := style.width(text)
		y := top - vg.Length(row)*13 - style.capHeight()
		fits := edge-vg.Length(a)*width >= c.Min.X && edge+vg.Length(1-a)*width <= c.Max.X
		switch {
		case !fits && style == smallText:
			return
		case !fits && a == right: // below the curve, which begins there at the top
			a, edge = left, timeX(c, p)(latest)+5
			y = c.Min.Y + 40 - vg.Length(row)*13
		case !fits:
			a, edge = right, x-5
		}
		writeText(c, style, edge, y, a, text)
		labels.occupy(vg.Rectangle{Min: vg.Point{X: edge - vg.Length(a)*width, Y: y - 3}, Max: vg.Point{X: edge + vg.Length(1-a)*width, Y: y + style.capHeight() + 2}})
	}
	for _, line := range []struct {
		at  time.Duration
		ink color.Color
	}{{guaranteed, green}, {latest, vermillion}} {
		x := x(line.at)
		strokeLine(c, line.ink, mediumLine, []vg.Length{4, 3}, vg.Point{X: x, Y: c.Min.Y}, vg.Point{X: x, Y: c.Max.Y})
		labels.block(x-clearance, c.Min.Y, x+clearance, c.Max.Y)
	}
	name(guaranteed, right, 1, strongly.in(green), "guaranteed: "+spell(guaranteed))
	name(guaranteed, right, 2, smallText, "every startup this short is let through")
	name(latest, left, 3, strongly.in(vermillion), "at best: "+spell(latest))
	name(latest, left, 4, smallText, "killed beyond")
	from, to := x(guaranteed), x(latest)
	for i, line := range []string{"depends on", "the phase"} {
		if smallText.width(line)+6 < to-from {
			writeText(c, smallText, (from+to)/2, c.Min.Y+20-vg.Length(i)*smallText.lineHeight(), centre, line)
		}
	}
}

// verdict marks the share of startups that the budget does not cover, and
// writes how many starts are killed.
func (s *Startup) verdict(c draw.Canvas, p *plot.Plot, steps []step, y func(float64) vg.Length, labels *labeller) {
	lines := []string{}
	if kills := s.tellKills(); kills != "" {
		lines = append(lines, upperFirst(kills))
	}
	if s.Probe == nil || len(steps) == 0 && len(lines) == 0 {
		return
	}
	x := timeX(c, p)
	guaranteed, _ := s.budget()
	over := exceed(steps, guaranteed)
	at := vg.Point{X: x(guaranteed), Y: y(over)}
	if len(steps) > 0 && over >= p.Y.Min {
		disc(c, vermillion, at.X, at.Y, 4)
		labels.block(at.X-4, at.Y-4, at.X+4, at.Y+4)
		lines = append(lines, fmt.Sprintf("%s of startups take longer than %s", share(over), spell(guaranteed)))
	} else if len(steps) > 0 {
		lines = append(lines, fmt.Sprintf("no startup seen takes longer than %s", spell(guaranteed)))
		if labels.writeLow(c, at.X-10, strongly, labelText, lines...) {
			return
		}
		at.Y = (c.Min.Y + c.Max.Y) / 2
	}
	if !labels.write(c, at, 10, strongly, labelText, lines...) { // then without a line to its point
		labels.write(c, vg.Point{X: at.X, Y: (c.Min.Y + c.Max.Y) / 2}, 10, strongly, labelText, lines...)
	}
}
