package plots

import (
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// page is what surrounds every chart: a title, the sentence that reads the
// chart, and in the lower margin where the numbers come from.
type page struct {
	title    string
	sentence string
	scenario string
	seed     uint64
}

const footerHeight = vg.Length(20)

// headerHeight returns the room the title and the sentence take.
func (p page) headerHeight() vg.Length {
	return margin + vg.Length(len(p.titleLines()))*titleText.lineHeight() +
		vg.Length(len(p.sentenceLines()))*bodyText.lineHeight() + 10
}

func (p page) titleLines() []string { return atMost(wrap(titleText, p.title, pageWidth-2*margin), 2) }

func (p page) sentenceLines() []string {
	return atMost(wrap(bodyText, p.sentence, pageWidth-2*margin), 5)
}

// atMost keeps the first lines and marks that more were cut off.
func atMost(lines []string, most int) []string {
	if len(lines) > most {
		lines = lines[:most]
		lines[most-1] += " …"
	}
	return lines
}

// draw draws the surroundings and returns the canvas that is left for the chart.
func (p page) draw(c draw.Canvas) draw.Canvas {
	fillBox(c, white, c.Min.X, c.Min.Y, c.Max.X, c.Max.Y)
	y := c.Max.Y - margin
	for _, line := range p.titleLines() {
		writeText(c, titleText, c.Min.X+margin, y-titleText.capHeight(), left, line)
		y -= titleText.lineHeight()
	}
	for _, line := range p.sentenceLines() {
		writeText(c, bodyText, c.Min.X+margin, y-bodyText.capHeight(), left, line)
		y -= bodyText.lineHeight()
	}
	seed := fmt.Sprintf("seed %d · probesim", p.seed)
	room := c.Max.X - c.Min.X - 2*margin - smallText.width(seed) - 20
	if p.scenario != "" {
		writeText(c, smallText, c.Min.X+margin, c.Min.Y+8, left, shorten(smallText, "scenario: "+p.scenario, room))
	}
	writeText(c, smallText, c.Max.X-margin, c.Min.Y+8, right, seed)
	return draw.Crop(c, margin, -margin, footerHeight, -p.headerHeight())
}
