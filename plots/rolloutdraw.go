package plots

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	rolloutHeight = 3.4 * vg.Inch // of the fan of one case
	waitsHeight   = vg.Length(58) // of the time without progress below it
	rolloutTitle  = vg.Length(20) // of a case with a name
)

func (r *Rollout) page() page {
	return page{cmp.Or(r.Title, "How long does a rollout take, and does it fail?"), r.Sentence(), r.Scenario, r.Seed}
}

// Size implements Chart.
func (r *Rollout) Size() (width, height vg.Length) {
	height = r.page().headerHeight() + footerHeight
	for i := range r.Cases {
		height += r.caseHeight(&r.Cases[i])
	}
	return pageWidth, height
}

func (r *Rollout) caseHeight(c *RolloutCase) vg.Length {
	height := rolloutHeight
	if r.Strategy.ProgressDeadline > 0 {
		height += waitsHeight
	}
	if c.Name != "" {
		height += rolloutTitle
	}
	return height
}

// Draw implements Chart.
func (r *Rollout) Draw(c draw.Canvas) {
	body := r.page().draw(c)
	longest := r.longest()
	top := body.Max.Y
	for i := range r.Cases {
		one := &r.Cases[i]
		bottom := top - r.caseHeight(one)
		part := draw.Crop(body, 0, 0, bottom-body.Min.Y, top-body.Max.Y)
		if one.Name != "" {
			writeText(part, boldText, part.Min.X, part.Max.Y-12, left, one.Name)
			part = draw.Crop(part, 0, 0, 0, -rolloutTitle)
		}
		r.drawCase(part, one, longest)
		top = bottom
	}
}

// longest returns the end of the axis that all cases share.
func (r *Rollout) longest() time.Duration {
	longest := time.Second
	for i := range r.Cases {
		c := &r.Cases[i]
		if len(c.Paths) == 0 {
			continue
		}
		times := c.times()
		longest = max(longest, times[len(times)-1][slowest])
		if r.Strategy.ProgressDeadline > 0 {
			longest = max(longest, c.waits()[slowest])
		}
	}
	if deadline := r.Strategy.ProgressDeadline; deadline > 0 && deadline < 4*longest {
		longest = max(longest, deadline)
	}
	return longest
}

func (r *Rollout) drawCase(c draw.Canvas, one *RolloutCase, longest time.Duration) {
	if len(one.Paths) == 0 {
		writeText(c, labelText, c.Min.X, c.Max.Y-12, left, "no rollout was simulated")
		return
	}
	fan := c
	if r.Strategy.ProgressDeadline > 0 {
		fan = draw.Crop(c, 0, 0, waitsHeight, 0)
	}
	p := newPlot()
	symbol := secondsAxis(&p.X, 0, 1.12*longest.Seconds())
	countAxis(&p.Y, r.Replicas)
	p.Add(plotterFunc(func(c draw.Canvas, p *plot.Plot) { r.fan(c, p, one) }))
	drawPlot(p, fan, fmt.Sprintf("time since the beginning of the rollout (%s)", symbol), "new replicas that are Ready")
	if r.Strategy.ProgressDeadline > 0 {
		r.deadline(draw.Crop(c, 0, 0, 0, c.Min.Y+waitsHeight-c.Max.Y), p.DataCanvas(plotCanvas(fan)), p, one)
	}
}

// countAxis makes an axis count things, from 0 to n and a little more.
func countAxis(axis *plot.Axis, n int) {
	axis.Min, axis.Max = 0, 1.16*float64(n)
	step := 1
	for scale := 1; n/step > 8; scale *= 10 {
		for _, times := range []int{1, 2, 5} {
			if step = scale * times; n/step <= 8 {
				break
			}
		}
	}
	var ticks plot.ConstantTicks
	for at := 0; at <= n; at += step {
		ticks = append(ticks, plot.Tick{Value: float64(at), Label: strconv.Itoa(at)})
	}
	axis.Tick.Marker = ticks
}

// fan draws the bands in which the rollouts run, and the one in the middle.
func (r *Rollout) fan(c draw.Canvas, p *plot.Plot, one *RolloutCase) {
	x := timeX(c, p)
	_, y := p.Transforms(&c)
	times := one.times()
	ready := times[:len(times)-1]
	stair := func(share int, until vg.Length) []vg.Point {
		line := []vg.Point{{X: c.Min.X, Y: y(0)}}
		for k := range ready {
			at := x(ready[k][share])
			line = append(line, vg.Point{X: at, Y: y(float64(k))}, vg.Point{X: at, Y: y(float64(k + 1))})
		}
		return append(line, vg.Point{X: until, Y: y(float64(len(ready)))})
	}
	band := func(from, to int) []vg.Point {
		end := x(ready[len(ready)-1][to])
		upper, lower := stair(from, end), stair(to, end)
		for i := len(lower) - 1; i >= 0; i-- {
			upper = append(upper, lower[i])
		}
		return upper
	}
	c.FillPolygon(blueTint, band(quickest, slowest))
	c.FillPolygon(skyTint, band(1, slowest-1))
	gridLines(c, p)
	all := y(float64(r.Replicas))
	strokeLine(c, midGrey, thinLine, nil, vg.Point{X: c.Min.X, Y: all}, vg.Point{X: c.Max.X, Y: all})
	median := stair(midway, x(ready[len(ready)-1][midway]))
	strokeLine(c, blue, thickLine, nil, median...)
	every := 1 + len(ready)/200
	for k := 0; k < len(ready); k += every {
		tell(c, x(ready[k][quickest]), y(float64(k)), x(ready[k][slowest]), y(float64(k+1)), fmt.Sprintf("%s Ready: by %s in half of the rollouts, by %s in 1 %%, by %s in 99 %%",
			plural(k+1, "new replica"), spell(ready[k][midway]), spell(ready[k][quickest]), spell(ready[k][slowest])))
	}
	labels := labeller{bounds: c.Rectangle}
	for k := range ready { // nothing is written on the bands
		labels.block(x(ready[k][quickest])-2, y(float64(k)), x(ready[k][slowest])+2, y(float64(k+1)))
	}
	labels.block(c.Min.X, all-1, c.Max.X, all+1)
	r.nameEnds(c, x, all, times[len(times)-1], &labels)
	r.nameBands(c, x, y, ready, &labels)
}

// nameEnds marks when half of the rollouts, and nearly all, have ended.
func (r *Rollout) nameEnds(c draw.Canvas, x func(time.Duration) vg.Length, all vg.Length, end [len(rolloutShares)]time.Duration, labels *labeller) {
	half, late := x(end[midway]), x(end[slowest])
	for _, at := range []vg.Length{half, late} {
		disc(c, blue, at, all, 4)
		labels.block(at-4, all-4, at+4, all+4)
	}
	text := "99 % by " + spell(end[slowest])
	if end[midway] == end[slowest] {
		labels.write(c, vg.Point{X: late, Y: all}, 8, strongly.in(blue), smallText, "all end by "+spell(end[slowest]))
		return
	}
	labels.write(c, vg.Point{X: late, Y: all}, 8, strongly.in(blue), smallText, text)
	labels.write(c, vg.Point{X: half, Y: all}, 8, strongly.in(blue), smallText, "half end by "+spell(end[midway]))
}

// nameBands says what the bands are, beside them.
func (r *Rollout) nameBands(c draw.Canvas, x func(time.Duration) vg.Length, y func(float64) vg.Length, ready [][len(rolloutShares)]time.Duration, labels *labeller) {
	for _, k := range []int{len(ready) / 2, len(ready) / 4, 3 * len(ready) / 4, 0} {
		at := vg.Point{X: x(ready[k][slowest]), Y: y(float64(k) + 0.5)}
		if labels.write(c, at, 8, smallText.in(darkGrey), smallText, "pale: 98 of 100 rollouts", "dark: the middle half", "line: half are as far") {
			return
		}
	}
}

// deadline draws the longest time without progress against the deadline, on the
// axis of the fan.
func (r *Rollout) deadline(c, data draw.Canvas, p *plot.Plot, one *RolloutCase) {
	x := timeX(data, p)
	waits := one.waits()
	bound := r.Strategy.ProgressDeadline
	y := c.Min.Y + waitsHeight/2 - 10
	writeText(c, labelText, c.Min.X, c.Max.Y-12, left, "longest time without progress: bar to the median, whisker to 99 % of the rollouts")
	ink := green
	if waits[slowest] > bound {
		ink = vermillion
	}
	labels := labeller{bounds: vg.Rectangle{Min: vg.Point{X: data.Min.X, Y: c.Min.Y}, Max: vg.Point{X: data.Max.X, Y: c.Max.Y}}}
	fillBox(c, ink, data.Min.X, y-7, max(x(waits[midway]), data.Min.X+1.5), y+7)
	late := x(waits[slowest])
	tell(c, data.Min.X, y-7, late, y+7, fmt.Sprintf("longest time without progress: %s in half of the rollouts, up to %s in 99 %%", spell(waits[midway]), spell(waits[slowest])))
	strokeLine(c, ink, mediumLine, nil, vg.Point{X: x(waits[midway]), Y: y}, vg.Point{X: late, Y: y})
	strokeLine(c, ink, mediumLine, nil, vg.Point{X: late, Y: y - 5}, vg.Point{X: late, Y: y + 5})
	labels.block(data.Min.X, y-7, late+2, y+7)
	name := fmt.Sprintf("progressDeadlineSeconds %d", int64(bound/time.Second))
	if bound.Seconds() <= p.X.Max {
		strokeLine(c, black, mediumLine, []vg.Length{4, 3}, vg.Point{X: x(bound), Y: y - 14}, vg.Point{X: x(bound), Y: y + 14})
		labels.block(x(bound)-clearance, y-14, x(bound)+clearance, y+14)
	} else {
		name += ", beyond this axis"
	}
	text := fmt.Sprintf("%s, 99 %% by %s: %s fail", spell(waits[midway]), spell(waits[slowest]), r.failing(one))
	labels.write(c, vg.Point{X: max(late, x(bound)), Y: y}, 8, strongly.in(ink), smallText, text, name)
}
