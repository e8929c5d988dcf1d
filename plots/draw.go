package plots

import (
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// align is the side of a point on which text stands.
type align float64

// Text begins at the point, is centred on it, or ends at it.
const (
	left   align = 0
	centre align = 0.5
	right  align = 1
)

// writeText writes one line whose baseline is at y.
func writeText(c draw.Canvas, s textStyle, x, y vg.Length, a align, text string) {
	if text == "" {
		return
	}
	c.SetColor(s.color)
	c.FillString(s.face(), vg.Point{X: x - vg.Length(a)*s.width(text), Y: y}, text)
}

// writeMiddle writes one line whose capitals are centred on y.
func writeMiddle(c draw.Canvas, s textStyle, x, y vg.Length, a align, text string) {
	writeText(c, s, x, y-s.capHeight()/2, a, text)
}

// fillBox fills the rectangle between two corners.
func fillBox(c draw.Canvas, fill color.Color, x0, y0, x1, y1 vg.Length) {
	c.FillPolygon(fill, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
}

// strokeLine draws a line from point to point; dashes may be nil.
func strokeLine(c draw.Canvas, stroke color.Color, width vg.Length, dashes []vg.Length, points ...vg.Point) {
	c.SetColor(stroke)
	c.SetLineWidth(width)
	c.SetLineDash(dashes, 0)
	var path vg.Path
	for i, point := range points {
		if i == 0 {
			path.Move(point)
			continue
		}
		path.Line(point)
	}
	c.Stroke(path)
}

// disc fills a circle.
func disc(c draw.Canvas, fill color.Color, x, y, radius vg.Length) {
	c.SetColor(fill)
	c.Fill(circle(x, y, radius))
}

// ring draws a circle with a white inside.
func ring(c draw.Canvas, stroke color.Color, x, y, radius, width vg.Length) {
	disc(c, white, x, y, radius)
	c.SetColor(stroke)
	c.SetLineWidth(width)
	c.SetLineDash(nil, 0)
	c.Stroke(circle(x, y, radius))
}

func circle(x, y, radius vg.Length) vg.Path {
	var path vg.Path
	path.Move(vg.Point{X: x + radius, Y: y})
	path.Arc(vg.Point{X: x, Y: y}, radius, 0, 2*3.141592653589793)
	path.Close()
	return path
}

// cross draws an X.
func cross(c draw.Canvas, stroke color.Color, x, y, radius vg.Length) {
	strokeLine(c, stroke, thickLine, nil, vg.Point{X: x - radius, Y: y - radius}, vg.Point{X: x + radius, Y: y + radius})
	strokeLine(c, stroke, thickLine, nil, vg.Point{X: x - radius, Y: y + radius}, vg.Point{X: x + radius, Y: y - radius})
}

// diamond fills a square that stands on a corner.
func diamond(c draw.Canvas, fill color.Color, x, y, radius vg.Length) {
	c.FillPolygon(fill, []vg.Point{{X: x - radius, Y: y}, {X: x, Y: y + radius}, {X: x + radius, Y: y}, {X: x, Y: y - radius}})
}

// arrowDown draws an arrow from y down over length.
func arrowDown(c draw.Canvas, stroke color.Color, x, y, length vg.Length) {
	tip := y - length
	strokeLine(c, stroke, mediumLine, nil, vg.Point{X: x, Y: y}, vg.Point{X: x, Y: tip + 2})
	c.FillPolygon(stroke, []vg.Point{{X: x, Y: tip}, {X: x - 3, Y: tip + 5}, {X: x + 3, Y: tip + 5}})
}

// wrap breaks text at spaces into lines no wider than width. A word that is
// wider by itself is broken inside.
func wrap(s textStyle, text string, width vg.Length) []string {
	var lines []string
	var line string
	for _, word := range words(text) {
		joined := word
		if line != "" {
			joined = line + " " + word
		}
		if s.width(joined) <= width {
			line = joined
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for s.width(word) > width {
			head := longestPrefix(s, word, width)
			lines = append(lines, head)
			word = word[len(head):]
		}
		line = word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// words splits text at spaces, but keeps a number with the unit behind it.
func words(text string) []string {
	var kept []string
	for _, word := range strings.Fields(text) {
		last := len(kept) - 1
		if last >= 0 && endsInDigit(kept[last]) && isUnit(strings.TrimRight(word, ".,;:)")) {
			kept[last] += " " + word
			continue
		}
		kept = append(kept, word)
	}
	return kept
}

func endsInDigit(word string) bool {
	return word[len(word)-1] >= '0' && word[len(word)-1] <= '9'
}

func isUnit(word string) bool {
	return word == "%" || word == "µs" || word == "ns" ||
		slices.ContainsFunc(timeUnits, func(u timeUnit) bool { return u.symbol == word })
}

// shorten cuts text to width, with an ellipsis where something is missing.
func shorten(s textStyle, text string, width vg.Length) string {
	if s.width(text) <= width {
		return text
	}
	const ellipsis = "…"
	room := width - s.width(ellipsis)
	if room <= 0 {
		return ""
	}
	return strings.TrimRight(longestPrefix(s, text, room), " ") + ellipsis
}

// longestPrefix returns the longest beginning of text that fits into width, and
// at least its first character.
func longestPrefix(s textStyle, text string, width vg.Length) string {
	end := 0
	for i, r := range text {
		next := i + len(string(r))
		if end > 0 && s.width(text[:next]) > width {
			break
		}
		end = next
	}
	return text[:end]
}
