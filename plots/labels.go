package plots

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// labeller places labels beside their points so that none covers another, a
// point, or the edge.
type labeller struct {
	bounds vg.Rectangle
	taken  []vg.Rectangle
	texts  []vg.Rectangle // of taken, those that are written on
	across bool           // lines to labels may run through text, where nothing else is left
}

// block keeps labels off a rectangle.
func (l *labeller) block(x0, y0, x1, y1 vg.Length) {
	l.taken = append(l.taken, vg.Rectangle{Min: vg.Point{X: min(x0, x1), Y: min(y0, y1)}, Max: vg.Point{X: max(x0, x1), Y: max(y0, y1)}})
}

// place returns the lower left corner of a free box of a size near a point: to
// the right of it, above, below, then to the left, as far off as the gaps say in
// turn. It reports false where there is none.
func (l *labeller) place(at vg.Point, width, height vg.Length, gaps ...vg.Length) (vg.Point, bool) {
	middle := max(min(at.X-width/2, l.bounds.Max.X-width), l.bounds.Min.X)
	for _, far := range gaps {
		var corners []vg.Point
		beside := func(x vg.Length) {
			for _, lower := range []vg.Length{0.5, 0, 1, 0.25, 0.75} {
				corners = append(corners, vg.Point{X: x, Y: at.Y - lower*height + (1-2*lower)*far/2})
			}
		}
		beside(at.X + far)
		corners = append(corners, vg.Point{X: middle, Y: at.Y + far}, vg.Point{X: middle, Y: at.Y - far - height})
		beside(at.X - far - width)
		for _, corner := range corners {
			box := vg.Rectangle{Min: corner, Max: vg.Point{X: corner.X + width, Y: corner.Y + height}}
			if l.free(box) && !l.crosses(at, nearest(box, at)) {
				l.occupy(box)
				return corner, true
			}
		}
	}
	return vg.Point{}, false
}

// occupy takes a box for text.
func (l *labeller) occupy(box vg.Rectangle) {
	l.taken = append(l.taken, box)
	l.texts = append(l.texts, box)
}

// nearest returns the point around a box that is nearest to a point.
func nearest(box vg.Rectangle, at vg.Point) vg.Point {
	return vg.Point{X: max(box.Min.X-2, min(at.X, box.Max.X+2)), Y: max(box.Min.Y, min(at.Y, box.Max.Y))}
}

// crosses reports whether a line between two points would run through text.
func (l *labeller) crosses(from, to vg.Point) bool {
	const steps = 24
	if l.across {
		return false
	}
	for i := 1; i < steps; i++ {
		share := vg.Length(i) / steps
		x, y := from.X+share*(to.X-from.X), from.Y+share*(to.Y-from.Y)
		for _, t := range l.texts {
			if x > t.Min.X && x < t.Max.X && y > t.Min.Y && y < t.Max.Y {
				return true
			}
		}
	}
	return false
}

func (l *labeller) free(box vg.Rectangle) bool {
	if box.Min.X < l.bounds.Min.X || box.Max.X > l.bounds.Max.X || box.Min.Y < l.bounds.Min.Y || box.Max.Y > l.bounds.Max.Y {
		return false
	}
	for _, t := range l.taken {
		if box.Min.X < t.Max.X && t.Min.X < box.Max.X && box.Min.Y < t.Max.Y && t.Min.Y < box.Max.Y {
			return false
		}
	}
	return true
}

// write places and writes lines of text near a point, the first line in its own
// style, with a line to the point where that is far off; it reports whether there
// was room.
func (l *labeller) write(c draw.Canvas, at vg.Point, gap vg.Length, first, rest textStyle, lines ...string) bool {
	width := vg.Length(0)
	for i, line := range lines {
		style := rest
		if i == 0 {
			style = first
		}
		width = max(width, style.width(line))
	}
	height := vg.Length(len(lines)) * first.lineHeight()
	corner, ok := l.place(at, width, height, gap, 2*gap, gap+height/2, gap+height, gap+2*height, gap+4*height)
	if !ok {
		return false
	}
	near := nearest(vg.Rectangle{Min: corner, Max: vg.Point{X: corner.X + width, Y: corner.Y + height}}, at)
	if away := vg.Length(math.Hypot(float64(near.X-at.X), float64(near.Y-at.Y))); away > gap+8 {
		begin := vg.Point{X: at.X + (near.X-at.X)*gap/away, Y: at.Y + (near.Y-at.Y)*gap/away}
		strokeLine(c, first.color, thinLine, nil, begin, near)
		l.blockLine(begin, near)
	}
	y := corner.Y + height
	for i, line := range lines {
		style := rest
		if i == 0 {
			style = first
		}
		y -= first.lineHeight()
		if corner.X < at.X-width/2-1 {
			writeText(c, style, corner.X+width, y+3, right, line)
			continue
		}
		writeText(c, style, corner.X, y+3, left, line)
	}
	return true
}

// writeLow writes lines that belong to no point as low as there is room, as far
// to the right as they may end.
func (l *labeller) writeLow(c draw.Canvas, end vg.Length, first, rest textStyle, lines ...string) bool {
	width := first.width(lines[0])
	for _, line := range lines[1:] {
		width = max(width, rest.width(line))
	}
	height := vg.Length(len(lines)) * first.lineHeight()
	for y := l.bounds.Min.Y + 6; y+height < l.bounds.Max.Y; y += 12 {
		for x := end - width; x > l.bounds.Min.X+6; x -= 12 {
			box := vg.Rectangle{Min: vg.Point{X: x, Y: y}, Max: vg.Point{X: x + width, Y: y + height}}
			if !l.free(box) {
				continue
			}
			l.occupy(box)
			writeText(c, first, x, box.Max.Y-first.lineHeight()+3, left, lines[0])
			for i, line := range lines[1:] {
				writeText(c, rest, x, box.Max.Y-vg.Length(i+2)*first.lineHeight()+3, left, line)
			}
			return true
		}
	}
	return false
}

// writeClose writes a line right beside its point, or not at all: a label any
// farther off would seem to belong to another point.
func (l *labeller) writeClose(c draw.Canvas, at vg.Point, gap vg.Length, style textStyle, text string) bool {
	width, height := style.width(text), style.lineHeight()
	corner, ok := l.place(at, width, height, gap)
	if ok {
		writeText(c, style, corner.X, corner.Y+3, left, text)
	}
	return ok
}

// writeAt writes a line from a point on if nothing stands there.
func (l *labeller) writeAt(c draw.Canvas, style textStyle, x, y vg.Length, text string) bool {
	box := vg.Rectangle{Min: vg.Point{X: x, Y: y - 2}, Max: vg.Point{X: x + style.width(text), Y: y + style.capHeight() + 2}}
	if !l.free(box) {
		return false
	}
	l.occupy(box)
	writeText(c, style, x, y, left, text)
	return true
}

// clearance is how far labels stay off a line, so that none seems to touch it.
const clearance = vg.Length(2.5)

// blockLine keeps labels off a line, in steps short enough to follow it.
func (l *labeller) blockLine(from, to vg.Point) {
	const steps = 16
	for i := range steps {
		a, b := vg.Length(i)/steps, vg.Length(i+1)/steps
		x0, x1 := from.X+a*(to.X-from.X), from.X+b*(to.X-from.X)
		y0, y1 := from.Y+a*(to.Y-from.Y), from.Y+b*(to.Y-from.Y)
		l.block(min(x0, x1)-clearance, min(y0, y1)-clearance, max(x0, x1)+clearance, max(y0, y1)+clearance)
	}
}

// blockLines keeps labels off a line of many pieces.
func (l *labeller) blockLines(line []vg.Point) {
	for i := 1; i < len(line); i++ {
		if len(line) > 60 {
			l.block(line[i-1].X-clearance, line[i-1].Y-clearance, line[i].X+clearance, line[i].Y+clearance)
			continue
		}
		l.blockLine(line[i-1], line[i])
	}
}
