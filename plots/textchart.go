package plots

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

const (
	textNames = 20 // columns of the lanes' names
	// leastText is the least width at which a timeline can be read.
	leastText = textNames + 20
)

// The colours of text, as the Select Graphic Rendition codes of ECMA-48. No
// distinction rests on them alone: each has a character of its own.
const (
	plainText  = ""
	goodText   = "32"
	badText    = "31"
	warnText   = "33"
	quietText  = "2"
	resetCodes = "\x1b[0m"
)

// glyph is one column of a lane: a character and the colour it has on a
// terminal.
type glyph struct {
	sign  rune
	color string
}

// The glyphs of the true state, the worst first: where several hold within a
// column it shows the worst.
var stateGlyphs = []struct {
	state sim.TrueState
	glyph
}{
	{sim.Hung, glyph{'X', badText}}, {sim.Down, glyph{' ', plainText}}, {sim.Terminating, glyph{'▚', warnText}},
	{sim.Stalled, glyph{'▒', warnText}}, {sim.Starting, glyph{'░', quietText}}, {sim.Serving, glyph{'█', goodText}},
}

// WriteText writes the timeline for a terminal, in so many columns, or 40 if
// that is more, below the sentence that reads it. With colors it uses escape
// codes.
func (t *Timeline) WriteText(w io.Writer, columns int, colors bool) error {
	var out bytes.Buffer
	columns = max(columns, leastText)
	for _, line := range wrapText(strings.Fields(t.Sentence()), " ", columns) {
		out.WriteString(line + "\n")
	}
	out.WriteByte('\n')
	for i, life := range t.lives() {
		if i > 0 {
			out.WriteByte('\n')
		}
		if life.Name != "" {
			fmt.Fprintf(&out, "%s\n", upperFirst(life.Name))
		}
		p := textPanel{out: &out, lanes: life.read(), life: life, columns: columns - textNames, colors: colors}
		p.write()
	}
	_, err := w.Write(out.Bytes())
	return err
}

// textPanel writes one life.
type textPanel struct {
	out     *bytes.Buffer
	lanes   lanes
	life    Life
	columns int // of the lanes, without their names
	colors  bool
	used    []sim.TrueState
}

func (p *textPanel) write() {
	p.states()
	p.share("throttled", p.lanes.cpu[laneThrottled], warnText)
	p.share("no CPU", p.lanes.cpu[laneStolen], warnText)
	for kind := range p.lanes.probes {
		if p.life.probe(model.ProbeKind(kind)) != nil || len(p.lanes.probes[kind]) > 0 {
			p.probe(model.ProbeKind(kind))
		}
	}
	p.lane("Ready", p.bandGlyphs(p.lanes.ready, nil))
	p.lane("in endpoints", p.bandGlyphs(p.lanes.endpoint, p.lanes.deadly))
	p.incidents()
	p.axis()
	p.key()
}

// column returns the column in which an instant lies.
func (p *textPanel) column(at time.Duration) int {
	share := float64(at-p.lanes.from) / float64(p.lanes.to-p.lanes.from)
	return min(max(int(share*float64(p.columns)), 0), p.columns-1)
}

// covers returns the columns a stretch touches, at least one.
func (p *textPanel) covers(b band) (first, last int) {
	first = p.column(b.from)
	return first, max(first, p.column(b.to-1))
}

// lane writes a line of glyphs behind its name.
func (p *textPanel) lane(name string, glyphs []glyph) {
	var line strings.Builder
	fmt.Fprintf(&line, "%-*s", textNames, shortenText(name, textNames-1))
	colour := plainText
	for _, g := range glyphs {
		sign := g.sign
		if sign == 0 {
			sign = ' '
		}
		if p.colors && g.color != colour {
			if colour != plainText {
				line.WriteString(resetCodes)
			}
			if g.color != plainText {
				fmt.Fprintf(&line, "\x1b[%sm", g.color)
			}
			colour = g.color
		}
		line.WriteRune(sign)
	}
	if colour != plainText {
		line.WriteString(resetCodes)
	}
	p.out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

func (p *textPanel) states() {
	glyphs := make([]glyph, p.columns)
	for _, g := range slices.Backward(stateGlyphs) {
		for _, b := range p.lanes.states {
			if b.value != g.state.String() {
				continue
			}
			if !slices.Contains(p.used, g.state) {
				p.used = append(p.used, g.state)
			}
			for first, last := p.covers(b); first <= last; first++ {
				glyphs[first] = g.glyph
			}
		}
	}
	p.lane("process", glyphs)
}

// eighths are the blocks that fill a column from the bottom, of a column that
// is not empty.
var eighths = []rune("▁▂▃▄▅▆▇█")

// eighth returns the block for a share of a column; none for 0.
func eighth(share float64) rune {
	if !(share > 0) {
		return ' '
	}
	return eighths[min(max(int(math.Ceil(share*float64(len(eighths))))-1, 0), len(eighths)-1)]
}

// share writes which share of each column stretches fill, where there are any.
func (p *textPanel) share(name string, bands []band, color string) {
	if len(bands) == 0 {
		return
	}
	filled := make([]time.Duration, p.columns)
	width := float64(p.lanes.to-p.lanes.from) / float64(p.columns)
	for _, b := range bands {
		for first, last := p.covers(b); first <= last; first++ {
			low := p.lanes.from + time.Duration(float64(first)*width)
			high := p.lanes.from + time.Duration(float64(first+1)*width)
			filled[first] += max(min(b.to, high)-max(b.from, low), 0)
		}
	}
	glyphs := make([]glyph, p.columns)
	for i, d := range filled {
		glyphs[i] = glyph{eighth(float64(d) / width), color}
	}
	p.lane(name, glyphs)
}

// probe writes the attempts of a probe, the worst of each column, and below
// them the failures in a row, the most of each column.
func (p *textPanel) probe(kind model.ProbeKind) {
	glyphs := make([]glyph, p.columns)
	for _, b := range p.lanes.held[kind] {
		for first, last := p.covers(b); first <= last; first++ {
			glyphs[first] = glyph{'.', quietText}
		}
	}
	for _, worse := range []bool{false, true} {
		for _, a := range p.lanes.probes[kind] {
			if a.outcome.Failed() != worse {
				continue
			}
			for first, last := p.covers(band{from: a.from, to: max(a.to, a.from+1)}); first <= last; first++ {
				glyphs[first] = outcomeGlyph(a.outcome)
			}
		}
	}
	p.lane(kind.String(), glyphs)
	if len(p.lanes.runs[kind]) == 0 {
		return
	}
	most := make([]int, p.columns)
	for _, r := range p.lanes.runs[kind] {
		for first, last := p.covers(band{from: r.from, to: r.to}); first <= last; first++ {
			most[first] = max(most[first], r.failures)
		}
	}
	for i, n := range most {
		switch {
		case n == 0:
			glyphs[i] = glyph{}
		case n < 10:
			glyphs[i] = glyph{rune('0' + n), badText}
		default:
			glyphs[i] = glyph{'+', badText}
		}
	}
	p.lane("  failures in a row", glyphs)
}

func outcomeGlyph(o kubelet.Outcome) glyph {
	switch o {
	case kubelet.Success:
		return glyph{'o', goodText}
	case kubelet.Timeout:
		return glyph{'T', badText}
	}
	return glyph{'F', badText}
}

// bandGlyphs fills the columns that stretches touch, and marks those in which
// requests went to a process that could not answer.
func (p *textPanel) bandGlyphs(bands, deadly []band) []glyph {
	glyphs := make([]glyph, p.columns)
	for _, b := range bands {
		for first, last := p.covers(b); first <= last; first++ {
			glyphs[first] = glyph{'█', goodText}
		}
	}
	for _, b := range deadly {
		for first, last := p.covers(b); first <= last; first++ {
			glyphs[first] = glyph{'!', badText}
		}
	}
	return glyphs
}

// incidents marks what concerns the whole container, each at its column or the
// next that is free, with letters that the lines below explain.
func (p *textPanel) incidents() {
	if len(p.lanes.incidents) == 0 {
		return
	}
	glyphs := make([]glyph, p.columns)
	for i := range p.lanes.incidents {
		at := p.column(p.lanes.incidents[i].at)
		for at < p.columns && glyphs[at].sign != 0 {
			at++
		}
		if at < p.columns && i < 26 {
			glyphs[at] = glyph{rune('a' + i), plainText}
		}
	}
	p.lane("incidents", glyphs)
}

// axis writes the times, from the left edge on, at round distances.
func (p *textPanel) axis() {
	span := p.lanes.to - p.lanes.from
	unit := unitFor(span)
	step := unit.tickStep(span, max(p.columns/9, 2))
	line := []rune(strings.Repeat(" ", p.columns))
	free := 0
	for at := (p.lanes.from + step - 1) / step * step; at <= p.lanes.to; at += step {
		label := []rune("|" + unit.in(at))
		if column := p.column(at); column >= free && column+len(label) <= p.columns {
			copy(line[column:], label)
			free = column + len(label) + 1
		}
	}
	fmt.Fprintf(p.out, "%-*s%s\n", textNames, "time ("+unit.symbol+")", strings.TrimRight(string(line), " "))
}

// key says what the characters are, as far as they occur, and what happened.
func (p *textPanel) key() {
	var parts []string
	for _, g := range slices.Backward(stateGlyphs) {
		if slices.Contains(p.used, g.state) && g.sign != ' ' {
			parts = append(parts, string(g.sign)+" "+g.state.String())
		}
	}
	attempts := map[kubelet.Outcome]bool{}
	held := false
	for kind := range p.lanes.probes {
		held = held || len(p.lanes.held[kind]) > 0
		for _, a := range p.lanes.probes[kind] {
			attempts[a.outcome] = true
		}
	}
	for _, outcome := range []kubelet.Outcome{kubelet.Success, kubelet.Timeout, kubelet.Failure} {
		if attempts[outcome] {
			parts = append(parts, string(outcomeGlyph(outcome).sign)+" "+outcome.String())
		}
	}
	if held {
		parts = append(parts, ". not asked yet")
	}
	if len(p.lanes.deadly) > 0 {
		parts = append(parts, "! requests nothing can answer")
	}
	p.out.WriteByte('\n')
	for _, line := range wrapText(parts, "   ", p.columns+textNames) {
		p.out.WriteString(line + "\n")
	}
	for i, incident := range p.lanes.incidents {
		mark := " "
		if i < 26 {
			mark = string(rune('a' + i))
		}
		for _, line := range wrapText(strings.Fields(fmt.Sprintf("%s %s: %s", mark, spellExactly(incident.at), incident.text)), " ", p.columns+textNames) {
			p.out.WriteString(line + "\n")
		}
	}
}

// wrapText joins parts into lines of so many characters.
func wrapText(parts []string, between string, columns int) []string {
	var lines []string
	for _, part := range parts {
		last := len(lines) - 1
		if last >= 0 && utf8.RuneCountInString(lines[last]+between+part) <= columns {
			lines[last] += between + part
			continue
		}
		lines = append(lines, part)
	}
	return lines
}

// shortenText cuts text to so many characters.
func shortenText(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// Sparkline draws positive values as a row of blocks on a log scale, the
// greatest the highest; what is not positive is a gap.
func Sparkline(values []float64) string {
	lowest, highest := math.Inf(1), 0.0
	for _, v := range values {
		if v > 0 && !math.IsInf(v, 0) {
			lowest, highest = min(lowest, v), max(highest, v)
		}
	}
	var line strings.Builder
	for _, v := range values {
		switch {
		case !(v > 0) || math.IsInf(v, 0):
			line.WriteByte(' ')
		case highest == lowest:
			line.WriteRune(eighths[0])
		default:
			step := math.Log(v/lowest) / math.Log(highest/lowest) * float64(len(eighths)-1)
			line.WriteRune(eighths[int(math.Round(step))])
		}
	}
	return line.String()
}
