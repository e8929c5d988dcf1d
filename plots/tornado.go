package plots

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/sim/estimate"
)

// Tornado shows what a figure hangs on: how far each input, made smaller and
// greater while the others stay as they are, moves it.
type Tornado struct {
	Title    string // empty: "What to measure before anything else"
	Scenario string
	Seed     uint64
	Figure   estimate.Figure
	Inputs   []TornadoInput // the one with the greatest effect first
}

// TornadoInput is one input. A side is nil where it cannot take the value.
type TornadoInput struct {
	Path    string       `json:"path"`
	Value   string       `json:"value"` // as it is
	Smaller *TornadoSide `json:"smaller"`
	Greater *TornadoSide `json:"greater"`
}

// TornadoSide is what another value of an input makes of the figure, on the
// same lives.
type TornadoSide struct {
	Value string `json:"value"`
	estimate.Difference
}

// Effect returns the greater of the two changes by size, in the figure's unit; 0:
// there is none.
func (i *TornadoInput) Effect() float64 {
	size := 0.0
	for _, side := range []*TornadoSide{i.Smaller, i.Greater} {
		if side != nil {
			size = math.Max(size, math.Abs(side.Difference.Difference.Estimate))
		}
	}
	return size
}

// WriteCSV writes one line for each value of each input.
func (t *Tornado) WriteCSV(w io.Writer) error {
	rows := [][]string{{"path", "value", "changed", "measure", "before", "after", "difference", "low", "high", "confidence", "method"}}
	for i := range t.Inputs {
		for _, side := range []*TornadoSide{t.Inputs[i].Smaller, t.Inputs[i].Greater} {
			if side == nil {
				continue
			}
			d := side.Difference.Difference
			rows = append(rows, []string{t.Inputs[i].Path, t.Inputs[i].Value, side.Value, t.Figure.String(),
				number(side.Before.Estimate), number(side.After.Estimate), number(d.Estimate), number(d.Low), number(d.High), number(d.Confidence), d.Method})
		}
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("tornado: %w", err)
	}
	return nil
}

// shownInputs is the number of inputs that have a bar: those below have the
// smallest effects.
const shownInputs = 12

// shown returns the inputs with an effect, as many as have room.
func (t *Tornado) shown() []TornadoInput {
	var shown []TornadoInput
	for i := range t.Inputs {
		if t.Inputs[i].Effect() > 0 && len(shown) < shownInputs {
			shown = append(shown, t.Inputs[i])
		}
	}
	return shown
}

// Sentence names the input with the greatest effect and what it does.
func (t *Tornado) Sentence() string {
	shown := t.shown()
	if len(shown) == 0 {
		return fmt.Sprintf("None of %s changes %s visibly.", plural(len(t.Inputs), "input"), figureName(t.Figure))
	}
	first := &shown[0]
	write := valuesOfMeasure(t.Figure.Measure)
	var sides []string
	open := false
	for _, side := range []*TornadoSide{first.Smaller, first.Greater} {
		if side == nil {
			continue
		}
		if d := side.Difference.Difference; math.Abs(d.Estimate) == first.Effect() {
			open = d.Low <= 0 && d.High >= 0
		}
		sides = append(sides, fmt.Sprintf("%s with %s", write(side.After.Estimate), side.Value))
	}
	told := fmt.Sprintf("%s hangs most on %s: %s with %s", upperFirst(figureName(t.Figure)), first.Path, write(t.before()), first.Value)
	for _, side := range sides {
		told += ", " + side
	}
	if open {
		told += "; but the interval of that difference includes 0, so that the order is open"
	}
	return told + "."
}

// before is the figure with every input as it is.
func (t *Tornado) before() float64 {
	for i := range t.Inputs {
		for _, side := range []*TornadoSide{t.Inputs[i].Smaller, t.Inputs[i].Greater} {
			if side != nil {
				return side.Before.Estimate
			}
		}
	}
	return math.NaN()
}

const (
	tornadoRow  = vg.Length(27)
	tornadoName = vg.Length(232)
	tornadoEnds = vg.Length(80) // for the values at the ends of the bars
)

func (t *Tornado) page() page {
	return page{cmp.Or(t.Title, "What to measure before anything else"), t.Sentence(), t.Scenario, t.Seed}
}

// Size implements Chart.
func (t *Tornado) Size() (width, height vg.Length) {
	rows := max(len(t.shown()), 1)
	return pageWidth, t.page().headerHeight() + footerHeight + vg.Length(rows)*tornadoRow + 72
}

// Draw implements Chart.
func (t *Tornado) Draw(c draw.Canvas) {
	body := t.page().draw(c)
	shown := t.shown()
	if len(shown) == 0 {
		writeMiddle(c, bodyText.in(textGrey), (body.Min.X+body.Max.X)/2, (body.Min.Y+body.Max.Y)/2, centre, "No input has an effect that was seen.")
		return
	}
	p := newPlot()
	label := unitOf(t.Figure) + t.setAxis(&p.X, shown)
	p.HideY()
	p.Y.Min, p.Y.Max = 0, float64(len(shown))
	p.Add(plotterFunc(gridLines), plotterFunc(func(c draw.Canvas, p *plot.Plot) { t.bars(c, p, shown) }))
	drawPlot(p, draw.Crop(body, tornadoName, -tornadoEnds, 12, 0), label, "")
	n := len(t.Inputs) - len(shown)
	text := "Bars: one input a fifth smaller or greater (whole ones by 1 at least); whiskers: interval of the difference on the same lives."
	if n > 0 {
		text += fmt.Sprintf(" Left out: %s with less or no effect.", plural(n, "input"))
	}
	writeText(c, smallText, body.Min.X, body.Min.Y+3, left, shorten(smallText, text, body.Max.X-body.Min.X))
}

// setAxis makes the axis of the figure span every bar, logarithmic where the
// values differ by much and none is 0.
func (t *Tornado) setAxis(axis *plot.Axis, shown []TornadoInput) (note string) {
	lowest, highest := t.before(), t.before()
	for i := range shown {
		for _, side := range []*TornadoSide{shown[i].Smaller, shown[i].Greater} {
			if side != nil {
				lowest, highest = min(lowest, side.After.Estimate), max(highest, side.After.Estimate)
			}
		}
	}
	if lowest > 0 && highest > 20*lowest {
		logAxis(axis, roundDown(lowest), roundUp(highest))
		return " (log scale)"
	}
	span := max(highest-lowest, 1e-12)
	if lowest = lowest - span/8; lowest < span/2 && lowest > -span {
		lowest = min(0, lowest+span/8)
	}
	numberAxis(axis, lowest, highest+span/8)
	return ""
}

func (t *Tornado) bars(c draw.Canvas, p *plot.Plot, shown []TornadoInput) {
	toX, toY := p.Transforms(&c)
	x := func(value float64) vg.Length { return toX(min(max(value, p.X.Min), p.X.Max)) }
	base := x(t.before())
	for i := range shown {
		input := &shown[i]
		y := toY(float64(len(shown)-i) - 0.5)
		t.name(c, c.Min.X-tornadoName+4, y, input)
		for side, one := range []*TornadoSide{input.Smaller, input.Greater} {
			if one != nil {
				t.bar(c, x, y+vg.Length(5-10*side), base, one, side)
			}
		}
	}
	strokeLine(c, black, mediumLine, nil, vg.Point{X: base, Y: c.Min.Y}, vg.Point{X: base, Y: c.Max.Y})
	now := "now " + valuesOfMeasure(t.Figure.Measure)(t.before())
	half := strongly.width(now) / 2
	writeText(c, strongly, min(max(base, c.Min.X+half), c.Max.X-half), c.Max.Y+5, centre, now)
}

// name writes an input and its value: on one line, or on two where that is too
// long.
func (t *Tornado) name(c draw.Canvas, x, y vg.Length, input *TornadoInput) {
	const room = tornadoName - 14
	if whole := fmt.Sprintf("%s = %s", input.Path, input.Value); labelText.width(whole) <= room {
		writeMiddle(c, labelText, x, y, left, whole)
		return
	}
	writeMiddle(c, labelText, x, y+5.5, left, shorten(labelText, input.Path, room))
	writeMiddle(c, smallText, x, y-5.5, left, shorten(smallText, "= "+input.Value, room))
}

// bar draws what one value does: the smaller in blue above, the greater in
// orange below, with the value at the far end.
func (t *Tornado) bar(c draw.Canvas, x func(float64) vg.Length, y, base vg.Length, side *TornadoSide, greater int) {
	ink, fill := color.Color(blue), color.Color(blueTint)
	if greater == 1 {
		ink, fill = vermillion, redTint
	}
	d := side.Difference.Difference
	end := x(side.Before.Estimate + d.Estimate)
	fillBox(c, fill, min(base, end), y-4.5, max(base, end), y+4.5)
	write := valuesOfMeasure(side.Measure)
	tell(c, base, y-4.5, end, y+4.5, fmt.Sprintf("%s: %s, a difference of %s (%s to %s)", side.Value, write(side.After.Estimate), digits(d.Estimate, 3), digits(d.Low, 3), digits(d.High, 3)))
	strokeLine(c, ink, mediumLine, nil, vg.Point{X: end, Y: y - 4.5}, vg.Point{X: end, Y: y + 4.5})
	low, high := x(side.Before.Estimate+d.Low), x(side.Before.Estimate+d.High)
	strokeLine(c, ink, thinLine, nil, vg.Point{X: low, Y: y}, vg.Point{X: high, Y: y})
	room := c.Max.X + tornadoEnds - max(end, high, base) - 6
	text := shorten(smallText, side.Value, tornadoEnds+40)
	if end < base && smallText.width(text) < min(end, low)-c.Min.X-8 {
		writeMiddle(c, smallText.in(ink), min(end, low)-4, y, right, text)
		return
	}
	writeMiddle(c, smallText.in(ink), max(end, high, base)+4, y, left, shorten(smallText, text, room))
}
