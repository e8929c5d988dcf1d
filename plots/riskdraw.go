package plots

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/sim/recommend"
)

// The measures of the maps, in points.
const (
	riskRow     = vg.Length(15)
	riskHeading = vg.Length(36)
	riskBelow   = vg.Length(36) // what the period is, below a map
	riskBeside  = vg.Length(26) // the thresholds, left of a map
	riskLines   = vg.Length(56) // the names of the lines, right of a map
	riskCaption = vg.Length(30)
	riskColumns = 2
)

func (r *Risk) page() page {
	return page{cmp.Or(r.Title, "Which settings kill healthy containers?"), r.Sentence(), r.Scenario, r.Seed}
}

// Size implements Chart.
func (r *Risk) Size() (width, height vg.Length) {
	rows := vg.Length((len(r.timeouts()) + riskColumns - 1) / riskColumns)
	return pageWidth, r.page().headerHeight() + footerHeight + riskCaption + rows*r.mapHeight()
}

func (r *Risk) mapHeight() vg.Length {
	return riskHeading + vg.Length(len(r.thresholds()))*riskRow + riskBelow
}

// periods and thresholds are the values of the axes.
func (r *Risk) periods() []int32 {
	return valuesOf(r.Entries, func(e *recommend.Entry) int32 { return e.PeriodSeconds })
}

func (r *Risk) thresholds() []int32 {
	return valuesOf(r.Entries, func(e *recommend.Entry) int32 { return e.FailureThreshold })
}

// valuesOf returns the different values of a field, ascending.
func valuesOf(entries []recommend.Entry, of func(*recommend.Entry) int32) []int32 {
	var values []int32
	for i := range entries {
		values = append(values, of(&entries[i]))
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// Draw implements Chart.
func (r *Risk) Draw(c draw.Canvas) {
	body := r.page().draw(c)
	r.caption(body)
	width := (body.Max.X - body.Min.X) / riskColumns
	for i, timeout := range r.timeouts() {
		m := riskMap{Risk: r, timeout: timeout, periods: r.periods(), thresholds: r.thresholds()}
		m.x0 = body.Min.X + vg.Length(i%riskColumns)*width + riskBeside
		m.cell = (width - riskBeside - riskLines) / vg.Length(len(m.periods))
		m.y0 = body.Max.Y - vg.Length(i/riskColumns)*r.mapHeight() - riskHeading - vg.Length(len(m.thresholds))*riskRow
		m.draw(body)
	}
}

// caption says below the maps what the numbers and the lines are.
func (r *Risk) caption(c draw.Canvas) {
	lines := []string{"In each cell: predicted false kills per pod-year; only the simulation decides. Dashed: up to there failureThreshold × periodSeconds (F·P) is at most so much. Grey: timeout > period."}
	if r.bounded() {
		lines = append(lines, "Inside the thick line: meets the objectives, false kills with their upper bound.")
	}
	y := c.Min.Y + riskCaption - 12
	for _, line := range lines {
		writeText(c, smallText, c.Min.X, y, left, shorten(smallText, line, c.Max.X-c.Min.X))
		y -= smallText.lineHeight()
	}
}

// riskMap draws the map of one timeout. Its cells are counted from the lower
// left corner.
type riskMap struct {
	*Risk
	timeout             int32
	periods, thresholds []int32
	x0, y0, cell        vg.Length
}

func (m *riskMap) entry(column, row int) *recommend.Entry {
	if column < 0 || row < 0 || column >= len(m.periods) || row >= len(m.thresholds) {
		return nil
	}
	i := slices.IndexFunc(m.Entries, func(e recommend.Entry) bool {
		return e.TimeoutSeconds == m.timeout && e.PeriodSeconds == m.periods[column] && e.FailureThreshold == m.thresholds[row]
	})
	if i < 0 {
		return nil
	}
	return &m.Entries[i]
}

// corner returns the lower left corner of a cell.
func (m *riskMap) corner(column, row int) vg.Point {
	return vg.Point{X: m.x0 + vg.Length(column)*m.cell, Y: m.y0 + vg.Length(row)*riskRow}
}

func (m *riskMap) draw(c draw.Canvas) {
	for column := range m.periods {
		for row := range m.thresholds {
			m.drawCell(c, column, row)
		}
	}
	for _, limit := range []int32{30, 120, 600} {
		m.product(c, limit)
	}
	if m.bounded() {
		m.outline(c, green, thickLine, nil, func(column, row int) bool {
			e := m.entry(column, row)
			return e != nil && m.meets(e)
		})
	}
	m.axes(c)
	m.roles(c)
}

func (m *riskMap) drawCell(c draw.Canvas, column, row int) {
	low, high := m.corner(column, row), m.corner(column+1, row+1)
	e := m.entry(column, row)
	if e == nil {
		fillBox(c, lightGrey, low.X+.5, low.Y+.5, high.X-.5, high.Y-.5)
		return
	}
	tell(c, low.X, low.Y, high.X, high.Y, fmt.Sprintf("period %d s, timeout %d s, %s: predicted %s per pod-year, at most %s; %s",
		e.PeriodSeconds, e.TimeoutSeconds, plural(int(e.FailureThreshold), "failure"), count(float64(e.VerdictsPerPodYear), "false kill"), digits(float64(e.AtMost), 2), detectedBy(e)))
	fill, ink := riskColors(shownRate(e))
	fillBox(c, fill, low.X+.5, low.Y+.5, high.X-.5, high.Y-.5)
	writeMiddle(c, newTextStyle(8, smallText.font.Weight, ink), (low.X+high.X)/2, (low.Y+high.Y)/2, centre, cellText(e))
}

// detectedBy writes how soon hangs are detected.
func detectedBy(e *recommend.Entry) string {
	if p99 := float64(e.P99Seconds); !math.IsNaN(p99) && !math.IsInf(p99, 0) {
		return fmt.Sprintf("99 %% of hangs detected within %s", spell(secondsOf(p99)))
	}
	return "a hang is never detected"
}

// shownRate is the number a cell stands for: the estimate, or the bound where
// there is none.
func shownRate(e *recommend.Entry) float64 {
	if e.VerdictsPerPodYear > 0 {
		return float64(e.VerdictsPerPodYear)
	}
	return float64(e.AtMost)
}

// cellText writes a rate in the room of a cell.
func cellText(e *recommend.Entry) string {
	rate, sign := shownRate(e), ""
	if !(e.VerdictsPerPodYear > 0) && rate > 0 {
		sign = "<"
	}
	switch {
	case rate == 0:
		return "0"
	case rate < 0.001:
		return "<.001"
	case rate >= 9500:
		return sign + digits(rate/1000, 2) + "k"
	case rate < 1:
		return sign + strings.TrimPrefix(digits(rate, 1), "0")
	}
	return sign + digits(rate, 2)
}

// riskColors are the fill of a cell, a step for each factor of ten, and the
// colour of the text on it: the scale OrRd of ColorBrewer, which is one of
// lightness too.
func riskColors(rate float64) (fill, ink color.Color) {
	scale := []color.NRGBA{
		{0xff, 0xff, 0xff, 0xff}, {0xfe, 0xe8, 0xc8, 0xff}, {0xfd, 0xd4, 0x9e, 0xff}, {0xfd, 0xbb, 0x84, 0xff},
		{0xfc, 0x8d, 0x59, 0xff}, {0xd7, 0x30, 0x1f, 0xff}, {0x7f, 0x00, 0x00, 0xff},
	}
	step := 0
	if rate > 0 {
		step = int(min(max(math.Ceil(math.Log10(rate))+3, 0), float64(len(scale)-1)))
	}
	return scale[step], inkOn(scale[step])
}

// product draws the line up to which F·P is at most so many seconds, along the
// edges of cells, so that it crosses no number, and names it where it ends at
// the right.
func (m *riskMap) product(c draw.Canvas, limit int32) {
	within := func(column, row int) bool {
		return column >= 0 && row >= 0 && column < len(m.periods) && row < len(m.thresholds) && m.periods[column]*m.thresholds[row] <= limit
	}
	var line []vg.Point
	divided := false
	for column := range m.periods {
		row := 0
		for within(column, row) {
			row++
		}
		divided = divided || row < len(m.thresholds)
		line = append(line, m.corner(column, row), m.corner(column+1, row))
	}
	if !divided {
		return
	}
	strokeLine(c, darkGrey, mediumLine, []vg.Length{4, 2}, line...)
	end := line[len(line)-1]
	writeMiddle(c, smallText, end.X+4, max(end.Y, m.y0+4), left, "F·P "+spell(secondsOf(float64(limit))))
}

// outline draws the edges between the cells that are inside and the others.
func (m *riskMap) outline(c draw.Canvas, ink color.Color, width vg.Length, dashes []vg.Length, inside func(column, row int) bool) {
	for column := range m.periods {
		for row := range m.thresholds {
			if !inside(column, row) {
				continue
			}
			a, b := m.corner(column, row), m.corner(column+1, row+1)
			for _, side := range []struct {
				column, row int
				from, to    vg.Point
			}{
				{column - 1, row, a, vg.Point{X: a.X, Y: b.Y}}, {column + 1, row, vg.Point{X: b.X, Y: a.Y}, b},
				{column, row - 1, a, vg.Point{X: b.X, Y: a.Y}}, {column, row + 1, vg.Point{X: a.X, Y: b.Y}, b},
			} {
				if !inside(side.column, side.row) {
					strokeLine(c, ink, width, dashes, side.from, side.to)
				}
			}
		}
	}
}

func (m *riskMap) axes(c draw.Canvas) {
	for column, period := range m.periods {
		at := m.corner(column, 0)
		writeText(c, smallText, at.X+m.cell/2, at.Y-11, centre, strconv.Itoa(int(period)))
	}
	for row, threshold := range m.thresholds {
		writeMiddle(c, smallText, m.x0-5, m.corner(0, row).Y+riskRow/2, right, strconv.Itoa(int(threshold)))
	}
	writeText(c, smallText, m.x0+m.cell*vg.Length(len(m.periods))/2, m.y0-22, centre, "periodSeconds (s)")
	top := m.corner(0, len(m.thresholds))
	writeText(c, smallText, top.X-riskBeside, top.Y+5, left, "failureThreshold")
	writeText(c, boldText, top.X-riskBeside, top.Y+18, left, fmt.Sprintf("timeoutSeconds %d", m.timeout))
}

// roles marks the current and the recommended settings in the map, and names
// them above it.
func (m *riskMap) roles(c draw.Canvas) {
	top := m.corner(len(m.periods), len(m.thresholds))
	y := top.Y + 18
	for column := range m.periods {
		for row := range m.thresholds {
			e := m.entry(column, row)
			if e == nil || m.roleOf(e) == "" {
				continue
			}
			ink, dashes := color.Color(blue), []vg.Length(nil)
			if m.roleOf(e) == "current" {
				ink, dashes = black, []vg.Length{3, 1.5}
			}
			a, b := m.corner(column, row), m.corner(column+1, row+1)
			a, b = vg.Point{X: a.X + 1.5, Y: a.Y + 1.5}, vg.Point{X: b.X - 1.5, Y: b.Y - 1.5} // inside the line of the objectives
			frame := []vg.Point{a, {X: b.X, Y: a.Y}, b, {X: a.X, Y: b.Y}, a, {X: b.X, Y: a.Y}}
			strokeLine(c, white, 3, nil, frame...)
			strokeLine(c, ink, 2, dashes, frame...)
			text := fmt.Sprintf("%s: %d s × %d", m.roleOf(e), e.PeriodSeconds, e.FailureThreshold)
			writeText(c, strongly.in(ink), top.X, y, right, text)
			frameX := top.X - strongly.width(text) - 20
			strokeLine(c, ink, 2, dashes, vg.Point{X: frameX, Y: y - 1}, vg.Point{X: frameX + 15, Y: y - 1}, vg.Point{X: frameX + 15, Y: y + 7}, vg.Point{X: frameX, Y: y + 7}, vg.Point{X: frameX, Y: y - 1})
			y -= 13
		}
	}
}
