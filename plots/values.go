package plots

import (
	"fmt"
	"html"
	"io"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// mostValues bounds what a reader can point at in one chart. A life of a day has
// more attempts than anybody points at, and each costs a line.
const mostValues = 1200

// value is what a place of a chart says when a reader points at it.
type value struct {
	place vg.Rectangle
	text  string
}

// tell makes a place of a chart say something when a reader points at it: in an
// SVG, where a title does that. Other formats leave it out. The place is made
// large enough to be hit.
func tell(c draw.Canvas, x0, y0, x1, y1 vg.Length, text string) {
	svg := svgBehind(c)
	if svg == nil || len(svg.values) >= mostValues {
		return
	}
	const least = vg.Length(3)
	x0, x1 = min(x0, x1), max(x0, x1)
	y0, y1 = min(y0, y1), max(y0, y1)
	if wider := least - (x1 - x0); wider > 0 {
		x0, x1 = x0-wider/2, x1+wider/2
	}
	if higher := least - (y1 - y0); higher > 0 {
		y0, y1 = y0-higher/2, y1+higher/2
	}
	svg.values = append(svg.values, value{vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x1, Y: y1}}, text})
}

// svgBehind returns the SVG that a canvas, or a part of one, draws on; nil: it is
// of another format.
func svgBehind(c draw.Canvas) *svgCanvas {
	for {
		switch behind := c.Canvas.(type) {
		case draw.Canvas:
			c = behind
		case *svgCanvas:
			return behind
		default:
			return nil
		}
	}
}

// tellAt makes a point say something.
func tellAt(c draw.Canvas, at vg.Point, text string) {
	const around = vg.Length(4)
	tell(c, at.X-around, at.Y-around, at.X+around, at.Y+around, text)
}

// tellSteps makes a curve of a share against time say by when it is reached: at
// each of few steps, or of many at twenty shares.
func tellSteps(c draw.Canvas, steps []step, at func(time.Duration, float64) vg.Point, text func(time.Duration, float64) string) {
	if len(steps) <= 20 {
		for _, s := range steps {
			tellAt(c, at(s.at, 1-s.share), text(s.at, 1-s.share))
		}
		return
	}
	for percent := 5; percent < 100; percent += 5 {
		tellStep(c, steps, float64(percent)/100, at, text)
	}
	tellStep(c, steps, 0.99, at, text)
}

func tellStep(c draw.Canvas, steps []step, p float64, at func(time.Duration, float64) vg.Point, text func(time.Duration, float64) string) {
	if reached, ok := quantile(steps, p); ok {
		tellAt(c, at(reached, p), text(reached, p))
	}
}

// writeValues writes the places over the picture. They are drawn with nothing,
// and yet can be pointed at.
func writeValues(w io.Writer, height vg.Length, values []value) {
	if len(values) == 0 {
		return
	}
	fmt.Fprint(w, "<g class=\"values\" fill=\"none\" pointer-events=\"all\">\n")
	for _, v := range values {
		box := v.place
		fmt.Fprintf(w, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"><title>%s</title></rect>\n",
			short(box.Min.X.Points()), short((height - box.Max.Y).Points()), short((box.Max.X - box.Min.X).Points()), short((box.Max.Y - box.Min.Y).Points()), html.EscapeString(v.text))
	}
	fmt.Fprint(w, "</g>\n")
}
