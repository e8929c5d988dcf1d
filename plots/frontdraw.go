package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/model"
)

const (
	frontHeight = 5.2 * vg.Inch
	// mostDecades bounds the axis of false verdicts: what is rarer than that
	// below the most frequent is drawn as an arrow at the lower end.
	mostDecades = 10
)

func (f *Front) page() page {
	return page{cmp.Or(f.Title, f.trade().title), f.Sentence(), f.Scenario, f.Seed}
}

// Size implements Chart.
func (f *Front) Size() (width, height vg.Length) {
	return pageWidth, f.page().headerHeight() + footerHeight + frontHeight
}

// Draw implements Chart.
func (f *Front) Draw(c draw.Canvas) {
	body := f.page().draw(c)
	p := newPlot()
	lowest, highest := f.verdictRange()
	logAxis(&p.Y, lowest, highest)
	shown := f.shown(lowest)
	shortest, longest := f.secondsRange(shown)
	var unit string
	if longest > 20*shortest {
		unit = logSecondsAxis(&p.X, shortest/1.4, longest*1.4)
	} else {
		unit = secondsAxis(&p.X, 0, longest*1.08)
	}
	p.Add(plotterFunc(f.region), plotterFunc(gridLines), plotterFunc(func(c draw.Canvas, p *plot.Plot) { f.points(c, p, shown) }))
	drawPlot(p, body, fmt.Sprintf("%s (%s)", f.trade().axis, unit), f.trade().verdict+"s per pod-year (log scale)")
}

// shown returns the points that are drawn: the current and the recommended
// settings, then the front, the quickest first, down to the first point below the axis,
// and so the last resorts on it. Those beyond it only wait longer for what is rare
// enough.
func (f *Front) shown(lowest float64) []rolePoint {
	var shown []rolePoint
	for _, p := range f.all() {
		if p.role != "" && p.drawable() {
			shown = append(shown, p)
		}
	}
	for _, points := range [][]FrontPoint{f.sorted(), f.resorts()} {
		for _, p := range points {
			if !p.drawable() {
				continue
			}
			if !p.same(f.Current) && !p.same(f.Recommended) {
				shown = append(shown, rolePoint{p, ""})
			}
			if p.verdicts() < lowest {
				break
			}
		}
	}
	return shown
}

// secondsRange returns the shortest and the longest time that is shown.
func (f *Front) secondsRange(shown []rolePoint) (shortest, longest float64) {
	shortest, longest = math.Inf(1), 0
	include := func(x float64) {
		if x > 0 {
			shortest, longest = min(shortest, x), max(longest, min(x, 1e9))
		}
	}
	include(f.MaxSeconds)
	for _, p := range shown {
		include(p.Seconds)
	}
	if longest == 0 {
		return 60, 60
	}
	return min(shortest, longest), longest
}

// verdictRange returns powers of ten around the rates that matter: all that are
// more frequent than a hundredth of the objective, the current and the
// recommended rate, or within mostDecades of the most frequent where there is
// none of these.
func (f *Front) verdictRange() (lowest, highest float64) {
	least, highest := math.Inf(1), 0.0
	marked := math.Inf(1)
	include := func(x float64) bool {
		if !(x > 0) || math.IsInf(x, 0) {
			return false
		}
		least, highest = min(least, x), max(highest, x)
		return true
	}
	if include(f.MaxVerdictsPerPodYear) {
		marked = f.MaxVerdictsPerPodYear
	}
	for _, p := range f.all() {
		if p.drawable() && include(p.verdicts()) {
			include(p.VerdictsPerPodYear.High)
			if p.role != "" {
				marked = min(marked, p.verdicts())
			}
		}
	}
	if highest == 0 {
		return 0.01, 10
	}
	highest = roundUp(highest * 1.5)
	if !math.IsInf(marked, 1) {
		least = max(least, marked/100)
	}
	lowest = max(roundDown(least/4), highest*math.Pow(10, -mostDecades))
	return min(lowest, highest/100), highest
}

// edges returns where the objectives' bounds lie, at the ends of the axes where
// there are none or they lie beyond.
func (f *Front) edges(c draw.Canvas, p *plot.Plot) (x, y vg.Length) {
	toX, toY := p.Transforms(&c)
	x, y = c.Max.X, c.Max.Y
	if f.MaxSeconds > 0 {
		x = toX(min(max(f.MaxSeconds, p.X.Min), p.X.Max))
	}
	if f.MaxVerdictsPerPodYear > 0 {
		y = toY(min(max(f.MaxVerdictsPerPodYear, p.Y.Min), p.Y.Max))
	}
	return x, y
}

// region shades what meets the objectives.
func (f *Front) region(c draw.Canvas, p *plot.Plot) {
	if f.MaxSeconds == 0 && f.MaxVerdictsPerPodYear == 0 {
		return
	}
	x, y := f.edges(c, p)
	fillBox(c, greenTint, c.Min.X, c.Min.Y, x, y)
	dashes := []vg.Length{4, 3}
	if f.MaxSeconds > 0 {
		strokeLine(c, green, mediumLine, dashes, vg.Point{X: x, Y: c.Min.Y}, vg.Point{X: x, Y: c.Max.Y})
	}
	if f.MaxVerdictsPerPodYear > 0 {
		strokeLine(c, green, mediumLine, dashes, vg.Point{X: c.Min.X, Y: y}, vg.Point{X: c.Max.X, Y: y})
	}
}

// blockBounds keeps labels off the objectives' lines.
func (f *Front) blockBounds(c draw.Canvas, p *plot.Plot, labels *labeller) {
	x, y := f.edges(c, p)
	labels.block(x-clearance, c.Min.Y, x+clearance, c.Max.Y)
	labels.block(c.Min.X, y-1, c.Max.X, y+1)
}

// points draws the front's line, then every point with its interval, and the
// labels where there is room for them: of the current and the recommended
// settings first, then of the ends of the front, then of the others.
func (f *Front) points(c draw.Canvas, p *plot.Plot, shown []rolePoint) {
	x, y := p.Transforms(&c)
	place := func(point *FrontPoint) vg.Point {
		seconds := min(max(point.Seconds, p.X.Min), p.X.Max)
		at := vg.Point{X: x(seconds), Y: y(min(max(point.verdicts(), p.Y.Min), p.Y.Max))}
		if point.noneSeen() || point.verdicts() < p.Y.Min {
			at.Y = max(at.Y, c.Min.Y+26) // above its arrow
		}
		return at
	}
	var line []vg.Point
	for _, point := range f.sorted() {
		if slices.ContainsFunc(shown, func(s rolePoint) bool { return s.same(&point) }) {
			end := place(&point)
			end.Y = y(min(max(point.verdicts(), p.Y.Min), p.Y.Max))
			line = append(line, end)
		}
	}
	if len(line) > 1 {
		strokeLine(c, midGrey, mediumLine, nil, line...)
	}
	labels := labeller{bounds: c.Rectangle}
	for i := len(shown) - 1; i >= 0; i-- { // the current and the recommended on top
		f.point(c, p, shown[i], place(&shown[i].FrontPoint), &labels)
	}
	labels.blockLines(line)
	free := len(labels.taken)
	f.blockBounds(c, p, &labels)
	f.labelRoles(c, shown, place, &labels, slices.Clone(labels.taken[free:]))
	f.nameBounds(c, p, &labels)
	f.nameResorts(c, shown, &labels)
	f.labelFront(c, shown, place, &labels)
}

// nameBounds writes the objectives beside their lines, and what meets them into
// its corner, wherever there is room.
func (f *Front) nameBounds(c draw.Canvas, p *plot.Plot, labels *labeller) {
	x, y := f.edges(c, p)
	style := smallText.in(green)
	if f.MaxSeconds > 0 {
		text := "objective: within " + spell(secondsOf(f.MaxSeconds))
		for down := vg.Length(12); down < c.Max.Y-c.Min.Y; down += 6 {
			if labels.writeAt(c, style, x-style.width(text)-4, c.Max.Y-down, text) || labels.writeAt(c, style, x+4, c.Max.Y-down, text) {
				break
			}
		}
	}
	if f.MaxVerdictsPerPodYear > 0 {
		text := "objective: at most " + digits(f.MaxVerdictsPerPodYear, 3)
		for from := c.Max.X - style.width(text) - 2; from > c.Min.X; from -= 10 {
			if labels.writeAt(c, style, from, y+4, text) || labels.writeAt(c, style, from, y-11, text) {
				break
			}
		}
	}
	style = strongly.in(green)
	text := "meets the objectives"
	switch {
	case f.MaxSeconds == 0 && f.MaxVerdictsPerPodYear == 0:
		return
	case f.Kind == model.Readiness:
		text = "meets the objective" // none is about false removals
	}
	for up := c.Min.Y + 6; up+style.capHeight() < y; up += 6 {
		for from := c.Min.X + 6; from+style.width(text) < x; from += 10 {
			if labels.writeAt(c, style, from, up, text) {
				return
			}
		}
	}
}

// point draws one point: filled with its interval, or open with an arrow down
// where only an upper bound is known or the rate lies below the axis; a last resort
// as a cross.
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
	tellAt(c, at, upperFirst(strings.TrimPrefix(point.role+": ", ": ")+point.settings()+": "+f.tell(&point.FrontPoint)+point.resort()))
	resort := point.role == "" && point.LastResort != ""
	k := point.VerdictsPerPodYear
	if point.noneSeen() || k.Estimate < p.Y.Min {
		length := vg.Length(18)
		if point.role != "" { // anything below is possible
			length = max(length, at.Y-radius-c.Min.Y-2)
		}
		arrowDown(c, ink, at.X, at.Y-radius, length)
		labels.block(at.X-3, at.Y-radius-length, at.X+3, at.Y)
		if resort {
			cross(c, ink, at.X, at.Y, radius)
		} else {
			ring(c, ink, at.X, at.Y, radius, thickLine)
		}
		return
	}
	low, high := y(max(k.Low, p.Y.Min)), y(min(max(k.High, p.Y.Min), p.Y.Max))
	ends := []vg.Length{low, high}
	if k.Low < p.Y.Min && point.role == "" { // without a lower end that could be shown
		low = max(low, at.Y-12)
		ends = ends[1:]
	}
	strokeLine(c, ink, mediumLine, nil, vg.Point{X: at.X, Y: low}, vg.Point{X: at.X, Y: high})
	for _, end := range ends {
		strokeLine(c, ink, mediumLine, nil, vg.Point{X: at.X - 3, Y: end}, vg.Point{X: at.X + 3, Y: end})
	}
	labels.block(at.X-3, low, at.X+3, high)
	switch {
	case point.role == "current":
		diamond(c, ink, at.X, at.Y, radius+1.5)
	case resort:
		cross(c, ink, at.X, at.Y, radius)
	default:
		disc(c, ink, at.X, at.Y, radius)
	}
}

// labelRoles writes beside the current and the recommended settings what they
// are, over the lines of the objectives where there is no other room.
func (f *Front) labelRoles(c draw.Canvas, shown []rolePoint, place func(*FrontPoint) vg.Point, labels *labeller, bounds []vg.Rectangle) {
	for _, p := range shown {
		if p.role == "" {
			continue
		}
		ink := blue
		if p.role == "current" {
			ink = vermillion
		}
		write := func() bool {
			return labels.write(c, place(&p.FrontPoint), 9, strongly.in(ink), labelText, p.role, p.settings(), f.short(&p.FrontPoint))
		}
		written := false
		for _, labels.across = range []bool{false, true} { // whatever it takes: these have to be named
			if written = write(); written {
				break
			}
		}
		if !written {
			labels.taken = slices.DeleteFunc(labels.taken, func(t vg.Rectangle) bool { return slices.Contains(bounds, t) })
			write()
			labels.taken = append(labels.taken, bounds...)
		}
		labels.across = false
	}
}

// labelFront writes right beside the other points which settings they are, beside
// the last resorts last.
func (f *Front) labelFront(c draw.Canvas, shown []rolePoint, place func(*FrontPoint) vg.Point, labels *labeller) {
	for _, resort := range []bool{false, true} {
		points := slices.DeleteFunc(slices.Clone(shown), func(p rolePoint) bool { return p.role != "" || resort != (p.LastResort != "") })
		for _, i := range endsFirst(len(points)) {
			p := &points[i].FrontPoint
			text := fmt.Sprintf("%d s × %d, timeout %d s", p.PeriodSeconds, p.FailureThreshold, p.TimeoutSeconds)
			labels.writeClose(c, place(p), 6, smallText, text)
		}
	}
}

// nameResorts says what the crosses are, as high and as far to the right as there is
// room: where settings are slow and often wrong there are no points.
func (f *Front) nameResorts(c draw.Canvas, shown []rolePoint, labels *labeller) {
	const text, mark, gap = "last resort: proposed only where nothing else meets the objectives", vg.Length(10), vg.Length(8)
	if !slices.ContainsFunc(shown, func(p rolePoint) bool { return p.role == "" && p.LastResort != "" }) {
		return
	}
	width := mark + smallText.width(text)
	for y := c.Max.Y - 12; y > c.Min.Y; y -= 6 {
		for x := c.Max.X - width - gap; x > c.Min.X; x -= 10 {
			if !labels.free(vg.Rectangle{Min: vg.Point{X: x, Y: y - 2}, Max: vg.Point{X: x + width + gap, Y: y + smallText.capHeight() + 2}}) {
				continue
			}
			labels.writeAt(c, smallText, x+mark, y, text)
			labels.block(x, y-2, x+mark, y+smallText.capHeight()+2)
			cross(c, darkGrey, x+3, y+smallText.capHeight()/2, 3)
			return
		}
	}
}

// short writes the two numbers of a point.
func (f *Front) short(p *FrontPoint) string {
	t, k := f.trade(), p.VerdictsPerPodYear
	told := count(k.Estimate, t.verdict) + " a year"
	switch {
	case p.noneSeen() && k.High > 0:
		told = "fewer than " + count(k.High, t.verdict) + " a year"
	case p.noneSeen():
		told = "no " + t.verdict + "s"
	}
	return fmt.Sprintf("%s within %s, %s", t.verb, spell(secondsOf(p.Seconds)), told)
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
