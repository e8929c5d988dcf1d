package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	frontHeight = 5.2 * vg.Inch
	// mostDecades bounds the axis of false kills: what is rarer than that
	// below the most frequent is drawn as an arrow at the lower end.
	mostDecades = 10
)

func (f *Front) page() page {
	title := f.Title
	if title == "" {
		title = "Detect hangs sooner, or kill healthy containers less often"
	}
	return page{title, f.Sentence(), f.Scenario, f.Seed}
}

// Size implements Chart.
func (f *Front) Size() (width, height vg.Length) {
	return pageWidth, f.page().headerHeight() + footerHeight + frontHeight
}

// Draw implements Chart.
func (f *Front) Draw(c draw.Canvas) {
	body := f.page().draw(c)
	p := newPlot()
	lowest, highest := f.killRange()
	logAxis(&p.Y, lowest, highest)
	xLabel := fmt.Sprintf("99 %% of hangs are detected within (%s)", secondsAxis(&p.X, 0, f.longestDetection()*1.08))
	p.Add(plotterFunc(f.region), plotterFunc(gridLines), plotterFunc(f.points))
	drawPlot(p, body, xLabel, "false kills per pod-year (log scale)")
}

// longestDetection returns the longest detection time that is shown.
func (f *Front) longestDetection() float64 {
	longest := f.MaxDetectionSeconds
	for _, p := range f.all() {
		if p.drawable() {
			longest = max(longest, p.DetectionSeconds)
		}
	}
	if longest == 0 {
		return 60
	}
	return min(longest, 1e9)
}

// killRange returns powers of ten around every rate and bound that is shown.
func (f *Front) killRange() (lowest, highest float64) {
	lowest, highest = math.Inf(1), 0
	include := func(x float64) {
		if x > 0 && !math.IsInf(x, 0) {
			lowest, highest = min(lowest, x), max(highest, x)
		}
	}
	include(f.MaxFalseKillsPerPodYear)
	for _, p := range f.all() {
		if p.drawable() {
			include(p.kills())
			if p.noneSeen() {
				include(p.kills() / 4) // room for the arrow
			}
			include(p.FalseKillsPerPodYear.High)
		}
	}
	if highest == 0 {
		return 0.01, 10
	}
	highest = roundUp(highest * 1.5)
	lowest = max(roundDown(lowest/2), highest*math.Pow(10, -mostDecades))
	if highest/lowest < 99 {
		lowest = highest / 100
	}
	return lowest, highest
}

// region shades what meets the objectives and names their bounds.
func (f *Front) region(c draw.Canvas, p *plot.Plot) {
	if f.MaxDetectionSeconds == 0 && f.MaxFalseKillsPerPodYear == 0 {
		return
	}
	x, y := p.Transforms(&c)
	edgeX, edgeY := c.Max.X, c.Max.Y
	if f.MaxDetectionSeconds > 0 {
		edgeX = x(f.MaxDetectionSeconds)
	}
	if f.MaxFalseKillsPerPodYear > 0 {
		edgeY = y(max(f.MaxFalseKillsPerPodYear, p.Y.Min))
	}
	fillBox(c, greenTint, c.Min.X, c.Min.Y, edgeX, edgeY)
	dashes := []vg.Length{4, 3}
	if f.MaxDetectionSeconds > 0 {
		strokeLine(c, green, mediumLine, dashes, vg.Point{X: edgeX, Y: c.Min.Y}, vg.Point{X: edgeX, Y: c.Max.Y})
	}
	if f.MaxFalseKillsPerPodYear > 0 {
		strokeLine(c, green, mediumLine, dashes, vg.Point{X: c.Min.X, Y: edgeY}, vg.Point{X: c.Max.X, Y: edgeY})
	}
	if edgeY-c.Min.Y > 20 {
		writeText(c, strongly.in(green), c.Min.X+6, c.Min.Y+6, left, "meets the objectives")
	}
}

// points draws the front's line, then every point with its interval, and the
// labels where there is room for them: of the current and the recommended
// settings first, then of the ends of the front, then of the others.
func (f *Front) points(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	place := func(point *FrontPoint) vg.Point {
		at := vg.Point{X: x(point.DetectionSeconds), Y: y(min(max(point.kills(), p.Y.Min), p.Y.Max))}
		if point.noneSeen() || point.kills() < p.Y.Min {
			at.Y = max(at.Y, c.Min.Y+26) // above its arrow
		}
		return at
	}
	var line []vg.Point
	for _, point := range f.sorted() {
		if point.drawable() {
			line = append(line, place(&point))
		}
	}
	if len(line) > 1 {
		strokeLine(c, midGrey, mediumLine, nil, line...)
	}
	labels := labeller{bounds: c.Rectangle}
	labels.block(c.Min.X, c.Min.Y, c.Min.X+120, c.Min.Y+18) // "meets the objectives"
	for _, point := range f.all() {
		if point.drawable() {
			f.point(c, p, point, place(&point.FrontPoint), &labels)
		}
	}
	for i := 1; i < len(line); i++ {
		labels.blockLine(line[i-1], line[i])
	}
	f.nameBounds(c, p, &labels)
	f.label(c, place, &labels)
}

// nameBounds writes the objectives beside their lines, wherever along them
// there is room, and keeps labels off the lines.
func (f *Front) nameBounds(c draw.Canvas, p *plot.Plot, labels *labeller) {
	x, y := p.Transforms(&c)
	style := smallText.in(green)
	if f.MaxDetectionSeconds > 0 {
		edge := x(f.MaxDetectionSeconds)
		text := "objective: within " + spell(secondsOf(f.MaxDetectionSeconds))
		width := style.width(text)
		for down := vg.Length(12); down < c.Max.Y-c.Min.Y; down += 6 {
			if labels.writeAt(c, style, edge-width-4, c.Max.Y-down, text) || labels.writeAt(c, style, edge+4, c.Max.Y-down, text) {
				break
			}
		}
		labels.block(edge-1, c.Min.Y, edge+1, c.Max.Y)
	}
	if f.MaxFalseKillsPerPodYear > 0 {
		edge := y(max(f.MaxFalseKillsPerPodYear, p.Y.Min))
		text := "objective: at most " + digits(f.MaxFalseKillsPerPodYear, 3)
		width := style.width(text)
		for from := c.Max.X - width - 2; from > c.Min.X; from -= 10 {
			if labels.writeAt(c, style, from, edge+4, text) || labels.writeAt(c, style, from, edge-11, text) {
				break
			}
		}
		labels.block(c.Min.X, edge-1, c.Max.X, edge+1)
	}
}

// point draws one point: filled with its interval, or open with an arrow down
// where only an upper bound is known or the rate lies below the axis.
func (f *Front) point(c draw.Canvas, p *plot.Plot, point rolePoint, at vg.Point, labels *labeller) {
	_, y := p.Transforms(&c)
	ink, radius := darkGrey, vg.Length(3)
	switch point.role {
	case "current":
		ink, radius = vermillion, 5.5
	case "recommended", "current and recommended":
		ink, radius = blue, 5.5
	}
	labels.block(at.X-radius-1, at.Y-radius-1, at.X+radius+1, at.Y+radius+1)
	k := point.FalseKillsPerPodYear
	if point.noneSeen() || k.Estimate < p.Y.Min {
		const length = vg.Length(18)
		arrowDown(c, ink, at.X, at.Y-radius, length)
		labels.block(at.X-3, at.Y-radius-length, at.X+3, at.Y)
		ring(c, ink, at.X, at.Y, radius, thickLine)
		return
	}
	low, high := y(max(k.Low, p.Y.Min)), y(min(max(k.High, p.Y.Min), p.Y.Max))
	strokeLine(c, ink, mediumLine, nil, vg.Point{X: at.X, Y: low}, vg.Point{X: at.X, Y: high})
	for _, end := range []vg.Length{low, high} {
		strokeLine(c, ink, mediumLine, nil, vg.Point{X: at.X - 3, Y: end}, vg.Point{X: at.X + 3, Y: end})
	}
	labels.block(at.X-3, low, at.X+3, high)
	switch point.role {
	case "current":
		diamond(c, ink, at.X, at.Y, radius+1.5)
	default:
		disc(c, ink, at.X, at.Y, radius)
	}
}

// label writes beside the points what they are.
func (f *Front) label(c draw.Canvas, place func(*FrontPoint) vg.Point, labels *labeller) {
	all := f.all()
	for _, p := range all {
		if p.role == "" || !p.drawable() {
			continue
		}
		ink := blue
		if p.role == "current" {
			ink = vermillion
		}
		labels.write(c, place(&p.FrontPoint), 9, strongly.in(ink), labelText, p.role, p.settings(), p.short())
	}
	points := f.sorted()
	for _, i := range endsFirst(len(points)) {
		p := &points[i]
		if p.drawable() && !p.same(f.Current) && !p.same(f.Recommended) {
			text := fmt.Sprintf("%d s × %d, timeout %d s", p.PeriodSeconds, p.FailureThreshold, p.TimeoutSeconds)
			labels.writeClose(c, place(p), 6, smallText, text)
		}
	}
}

// short writes the two numbers of a point.
func (p *FrontPoint) short() string {
	kills := falseKills(p.FalseKillsPerPodYear.Estimate)
	switch {
	case p.noneSeen() && p.FalseKillsPerPodYear.High > 0:
		kills = "fewer than " + falseKills(p.FalseKillsPerPodYear.High)
	case p.noneSeen():
		return fmt.Sprintf("detects within %s, no false kills", spell(secondsOf(p.DetectionSeconds)))
	}
	return fmt.Sprintf("detects within %s, %s a year", spell(secondsOf(p.DetectionSeconds)), kills)
}

// endsFirst returns the indices below n: the two ends, then the rest.
func endsFirst(n int) []int {
	var order []int
	for i := range n {
		switch i {
		case 0:
			order = append(order, 0)
			if n > 1 {
				order = append(order, n-1)
			}
		case n - 1:
		default:
			order = append(order, i)
		}
	}
	return order
}
