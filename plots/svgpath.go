package plots

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"
)

// The path data of an SVG is written in whole hundredths of a point, each place
// from the one before, which makes it a third as long as places on the page
// with all their digits. Rounding does not add up: the places are rounded, not
// the ways between them.

// hundredths is a place on the page, counted from its upper left corner.
type hundredths struct{ x, y int64 }

func (c *svgCanvas) hundredths(p vg.Point) hundredths {
	return hundredths{int64(math.Round(p.X.Points() * 100)), int64(math.Round((c.height - p.Y).Points() * 100))}
}

// pathData writes a path as the d of a path element.
func (c *svgCanvas) pathData(path vg.Path) []byte {
	var data []byte
	var at, begin hundredths
	for i, part := range path {
		to := c.hundredths(part.Pos)
		switch part.Type {
		case vg.MoveComp:
			data = appendPair(append(data, 'M'), to.x, to.y)
			begin = to
		case vg.LineComp:
			data = appendLine(data, at, to)
		case vg.ArcComp:
			start := c.hundredths(onArc(part, part.Start))
			if i == 0 {
				data = appendPair(append(data, 'M'), start.x, start.y)
				begin = start
			} else {
				data = appendLine(data, at, start)
			}
			data, to = c.appendArc(data, part, start)
		case vg.CurveComp:
			data = append(data, " qc"[len(part.Control)])
			for j, control := range append(part.Control[:len(part.Control):len(part.Control)], part.Pos) {
				place := c.hundredths(control)
				if j > 0 {
					data = append(data, ' ')
				}
				data = appendPair(data, place.x-at.x, place.y-at.y)
			}
		case vg.CloseComp:
			data = append(data, 'z')
			to = begin
		default:
			panic(fmt.Sprintf("plots: unknown path component type: %d", part.Type))
		}
		at = to
	}
	return data
}

// onArc returns the place on an arc's circle at an angle.
func onArc(part vg.PathComp, angle float64) vg.Point {
	sin, cos := math.Sincos(angle)
	return vg.Point{X: part.Pos.X + part.Radius*vg.Length(cos), Y: part.Pos.Y + part.Radius*vg.Length(sin)}
}

// appendArc writes an arc as two halves, since an SVG has no arc that ends where
// it begins, and returns where it ends.
func (c *svgCanvas) appendArc(data []byte, part vg.PathComp, at hundredths) ([]byte, hundredths) {
	sweep := byte('0') // against the clock, which is with it on a page that counts downwards
	if part.Angle < 0 {
		sweep = '1'
	}
	for half := 1; half <= 2; half++ {
		to := c.hundredths(onArc(part, part.Start+float64(half)*part.Angle/2))
		radius := int64(math.Round(part.Radius.Points() * 100))
		data = appendPair(append(data, 'a'), radius, radius)
		data = append(data, ' ', '0', ' ', '0', ' ', sweep, ' ')
		data = appendPair(data, to.x-at.x, to.y-at.y)
		at = to
	}
	return data, at
}

// appendLine writes a line from one place to another; nothing where they are
// the same.
func appendLine(data []byte, from, to hundredths) []byte {
	switch dx, dy := to.x-from.x, to.y-from.y; {
	case dx == 0 && dy == 0:
		return data
	case dy == 0:
		return appendHundredths(append(data, 'h'), dx)
	case dx == 0:
		return appendHundredths(append(data, 'v'), dy)
	default:
		return appendPair(append(data, 'l'), dx, dy)
	}
}

func appendPair(data []byte, x, y int64) []byte {
	data = appendHundredths(data, x)
	if y >= 0 {
		data = append(data, ' ')
	}
	return appendHundredths(data, y)
}

// appendHundredths writes a number of hundredths in whole ones: -5 as -.05.
func appendHundredths(data []byte, n int64) []byte {
	if n < 0 {
		data, n = append(data, '-'), -n
	}
	if n >= 100 || n == 0 {
		data = strconv.AppendInt(data, n/100, 10)
	}
	switch rest := n % 100; {
	case rest == 0:
	case rest%10 == 0:
		data = append(data, '.', byte('0'+rest/10))
	default:
		data = append(data, '.', byte('0'+rest/10), byte('0'+rest%10))
	}
	return data
}

// short writes a length to hundredths.
func short(x float64) string { return string(appendHundredths(nil, int64(math.Round(x*100)))) }

// paint writes the attributes that colour what is drawn.
func paint(attribute string, with color.Color) string {
	n := color.NRGBAModel.Convert(with).(color.NRGBA)
	text := fmt.Sprintf("%s=\"#%02x%02x%02x\"", attribute, n.R, n.G, n.B)
	if n.R%17 == 0 && n.G%17 == 0 && n.B%17 == 0 {
		text = fmt.Sprintf("%s=\"#%x%x%x\"", attribute, n.R/17, n.G/17, n.B/17)
	}
	if n.A != 0xff {
		text += fmt.Sprintf(" %s-opacity=\"%s\"", attribute, strconv.FormatFloat(float64(n.A)/0xff, 'g', 3, 64))
	}
	return text
}

func opaque(c color.Color) bool {
	_, _, _, alpha := c.RGBA()
	return alpha == 0xffff
}

// isBox reports whether a path is that of fillBox: from the lower left corner
// to the right, up and back.
func isBox(path vg.Path) bool {
	if len(path) != 5 || path[4].Type != vg.CloseComp {
		return false
	}
	a, b, c, d := path[0].Pos, path[1].Pos, path[2].Pos, path[3].Pos
	return a.Y == b.Y && b.X == c.X && c.Y == d.Y && d.X == a.X && b.X >= a.X && c.Y >= b.Y
}
