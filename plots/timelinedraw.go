package plots

import (
	"cmp"
	"fmt"
	"image/color"
	"strconv"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
)

// The heights of the parts of a timeline, in points.
const (
	nameColumn    = vg.Length(138)
	headingHeight = vg.Length(20)
	bannerHeight  = vg.Length(13)
	stateHeight   = vg.Length(20)
	attemptHeight = vg.Length(20)
	runHeight     = vg.Length(24)
	listHeight    = vg.Length(15)
	laneGap       = vg.Length(8)
	axisHeight    = vg.Length(34)
	keyHeight     = vg.Length(18)
	lifeGap       = vg.Length(12)
	bannerRows    = 3
)

func (t *Timeline) page() page {
	return page{cmp.Or(t.Title, "Life of one pod"), t.Sentence(), t.Scenario, t.Seed}
}

// Size implements Chart.
func (t *Timeline) Size() (width, height vg.Length) {
	height = t.page().headerHeight() + footerHeight + keyHeight
	for i, life := range t.lives() {
		height += newPanel(life).height()
		if i > 0 {
			height += lifeGap
		}
	}
	return pageWidth, height
}

// Draw implements Chart.
func (t *Timeline) Draw(c draw.Canvas) {
	body := t.page().draw(c)
	top := body.Max.Y
	shown := &key{}
	for _, life := range t.lives() {
		p := newPanel(life)
		p.draw(draw.Crop(body, 0, 0, top-p.height()-body.Min.Y, top-body.Max.Y), shown)
		top -= p.height() + lifeGap
	}
	shown.draw(body, body.Min.X+nameColumn, body.Min.Y+6)
}

// panel draws one life.
type panel struct {
	life    Life
	lanes   lanes
	banners []banner
	rows    int // of flags

	canvas      draw.Canvas
	left, right vg.Length
	y           vg.Length // top of what is drawn next
	key         *key
}

func newPanel(life Life) *panel {
	p := &panel{life: life, lanes: life.read(), left: nameColumn, right: pageWidth - 2*margin}
	p.placeBanners()
	return p
}

func (p *panel) height() vg.Length {
	height := vg.Length(p.rows)*bannerHeight + stateHeight + axisHeight
	if p.life.Name != "" {
		height += headingHeight
	}
	height += p.cpuHeight()
	for kind := range p.lanes.probes {
		if p.hasLane(model.ProbeKind(kind)) {
			height += attemptHeight + runHeight + laneGap
		}
	}
	return height + 2*(listHeight+laneGap)
}

func (p *panel) hasLane(kind model.ProbeKind) bool {
	return p.life.probe(kind) != nil || len(p.lanes.probes[kind]) > 0
}

// x returns where an instant lies.
func (p *panel) x(at time.Duration) vg.Length {
	share := float64(at-p.lanes.from) / float64(p.lanes.to-p.lanes.from)
	return p.left + vg.Length(min(max(share, 0), 1))*(p.right-p.left)
}

func (p *panel) draw(c draw.Canvas, shown *key) {
	p.canvas, p.key = c, shown
	p.left, p.right, p.y = c.Min.X+nameColumn, c.Max.X, c.Max.Y
	if p.life.Name != "" {
		writeText(c, boldText, c.Min.X, p.y-13, left, shorten(boldText, upperFirst(p.life.Name), c.Max.X-c.Min.X))
		p.y -= headingHeight
	}
	bannerTop := p.y
	p.y -= vg.Length(p.rows) * bannerHeight
	lanesTop := p.y
	p.grid(lanesTop)
	p.states()
	p.cpu()
	for kind := range p.lanes.probes {
		if p.hasLane(model.ProbeKind(kind)) {
			p.probe(model.ProbeKind(kind))
		}
	}
	p.list("Ready", p.lanes.ready, nil)
	p.list("in endpoints", p.lanes.endpoint, p.lanes.deadly)
	p.drawBanners(bannerTop, p.y+laneGap-2)
	p.axis(p.y + laneGap)
}

// grid draws the vertical lines of the axis behind the lanes.
func (p *panel) grid(top vg.Length) {
	bottom := p.canvas.Min.Y + axisHeight
	for _, tick := range p.ticks() {
		x := p.x(tick.at)
		strokeLine(p.canvas, lightGrey, thinLine, nil, vg.Point{X: x, Y: top}, vg.Point{X: x, Y: bottom})
	}
}

// tick is a labelled instant of the time axis.
type tick struct {
	at    time.Duration
	label string
}

// ticks counts from the pod's start, or from the beginning of the part that is
// shown where that lies so late that the labels would be long numbers.
func (p *panel) ticks() []tick {
	span := p.lanes.to - p.lanes.from
	unit := unitFor(span)
	step := unit.tickStep(span, 13)
	origin := p.origin()
	var ticks []tick
	for at := (p.lanes.from - origin + step - 1) / step * step; at <= p.lanes.to-origin; at += step {
		ticks = append(ticks, tick{at + origin, unit.in(at)})
	}
	return ticks
}

func (p *panel) origin() time.Duration {
	if span := p.lanes.to - p.lanes.from; p.lanes.from > 20*span {
		return p.lanes.from
	}
	return 0
}

func (p *panel) axis(top vg.Length) {
	strokeLine(p.canvas, darkGrey, thinLine, nil, vg.Point{X: p.left, Y: top - 4}, vg.Point{X: p.right, Y: top - 4})
	unit := unitFor(p.lanes.to - p.lanes.from)
	for _, tick := range p.ticks() {
		x := p.x(tick.at)
		strokeLine(p.canvas, darkGrey, thinLine, nil, vg.Point{X: x, Y: top - 4}, vg.Point{X: x, Y: top - 8})
		at := min(x, p.right-smallText.width(tick.label)/2)
		writeText(p.canvas, smallText, at, top-17, centre, tick.label)
	}
	since := "since the start of the pod's life"
	if origin := p.origin(); origin > 0 {
		since = fmt.Sprintf("since %s of the pod's life", spellExactly(origin))
	}
	writeText(p.canvas, smallText, (p.left+p.right)/2, top-29, centre, fmt.Sprintf("time %s (%s)", since, unit.symbol))
}

// name writes the name of a lane and what there is to say about it.
func (p *panel) name(text string, middle vg.Length, remark string) {
	writeMiddle(p.canvas, strongly, p.canvas.Min.X, middle, left, text)
	if remark != "" {
		writeMiddle(p.canvas, smallText, p.canvas.Min.X+strongly.width(text+" "), middle, left, remark)
	}
}

// look is how a band is filled and written on.
type look struct {
	fill color.Color
	ink  color.Color
}

var looks = map[string]look{
	sim.Starting.String():    {yellowTint, black},
	sim.Serving.String():     {greenTint, black},
	sim.Stalled.String():     {orange, black},
	sim.Hung.String():        {vermillion, black},
	sim.Terminating.String(): {silver, black},
	sim.Down.String():        {darkGrey, white},
	wordRuns:                 {green, black},
	wordThrottled:            {orange, black},
	wordQueued:               {darkGrey, white},
	wordWaits:                {silver, black},
	wordReady:                {blueTint, black},
	wordIn:                   {blueTint, black},
	wordDead:                 {vermillion, black},
	wordHeld:                 {paleGrey, textGrey},
	wordDelayed:              {paleGrey, textGrey},
}

// bandLook returns the look of a band; stalls of any other name are blue.
func bandLook(value string) look {
	if found, ok := looks[value]; ok {
		return found
	}
	return look{blue, white}
}

// bands draws stretches between two heights and writes on each what it is and
// how long it lasts, as far as there is room; what nowhere has room goes into
// the key.
func (p *panel) bands(bands []band, top, bottom vg.Length, lengths bool) {
	for _, b := range bands {
		fillBox(p.canvas, bandLook(b.value).fill, p.x(b.from), bottom, max(p.x(b.to), p.x(b.from)+0.4), top)
		if p.x(b.to)-p.x(b.from) > 1 || len(bands) < 60 {
			tell(p.canvas, p.x(b.from), bottom, p.x(b.to), top, fmt.Sprintf("%s: %s, from %s", b.value, spell(b.to-b.from), spellExactly(b.from)))
		}
	}
	for _, b := range bands {
		l := bandLook(b.value)
		room := p.x(b.to) - p.x(b.from) - 4
		style := labelText.in(l.ink)
		long := b.value + " " + spell(b.to-b.from)
		switch {
		case lengths && b.value != sim.Serving.String() && style.width(long) <= room:
			writeMiddle(p.canvas, style, (p.x(b.from)+p.x(b.to))/2, (top+bottom)/2, centre, long)
			p.key.written(b.value)
		case style.width(b.value) <= room:
			writeMiddle(p.canvas, style, (p.x(b.from)+p.x(b.to))/2, (top+bottom)/2, centre, b.value)
			p.key.written(b.value)
		case room > -2:
			p.key.band(b.value, l.fill)
		}
	}
}

func (p *panel) states() {
	bottom := p.y - stateHeight
	remark := ""
	if p.life.Trace != nil && p.life.Trace.World != nil {
		if limit := p.life.Trace.World.Container().CPULimitMilli; limit > 0 {
			remark = "CPU limit " + quantity(limit)
		}
	}
	p.name("process", (p.y+bottom)/2, remark)
	p.bands(p.lanes.states, p.y, bottom, true)
	p.y = bottom - laneGap
}

// quantity writes thousandths of a CPU as Kubernetes does.
func quantity(milli int64) string {
	if milli%1000 == 0 {
		return strconv.FormatInt(milli/1000, 10)
	}
	return strconv.FormatInt(milli, 10) + "m"
}

// list draws a lane that is either on or off.
func (p *panel) list(name string, on, worse []band) {
	bottom := p.y - listHeight
	p.name(name, (p.y+bottom)/2, "")
	fillBox(p.canvas, paleGrey, p.left, bottom, p.right, p.y)
	var plain []band
	for _, b := range on {
		plain = append(plain, without(b, worse)...)
	}
	p.bands(plain, p.y, bottom, false)
	p.bands(worse, p.y, bottom, true)
	for _, b := range worse {
		p.lengthBeside(b, on, (p.y+bottom)/2)
	}
	p.y = bottom - laneGap
}

// lengthBeside writes to the right of a stretch what it is too narrow to carry
// itself, where nothing else stands there.
func (p *panel) lengthBeside(b band, others []band, middle vg.Length) {
	style := labelText.in(vermillion)
	length := spell(b.to - b.from)
	room := p.x(b.to) - p.x(b.from) - 4
	texts := []string{length}
	switch {
	case style.width(b.value+" "+length) <= room:
		return
	case style.width(b.value) > room:
		texts = []string{b.value + " " + length, length}
	}
	free := p.right - p.x(b.to)
	for _, other := range others {
		if other.to > b.to {
			free = min(free, p.x(max(other.from, b.to))-p.x(b.to))
		}
	}
	for _, text := range texts {
		begin := p.x(b.to) + 4
		for _, i := range p.lanes.incidents { // behind the lines that would cross it
			if line := p.x(i.at); line > begin-2 && line < begin+style.width(text)+2 {
				begin = line + 4
			}
		}
		if begin+style.width(text)+4 <= p.x(b.to)+free {
			writeMiddle(p.canvas, style, begin, middle, left, text)
			if text != length {
				p.key.written(b.value)
			}
			return
		}
	}
}

// without returns what is left of a stretch outside others in time order.
func without(b band, others []band) []band {
	var rest []band
	for _, other := range others {
		if other.to <= b.from || other.from >= b.to {
			continue
		}
		if other.from > b.from {
			rest = append(rest, band{b.from, other.from, b.value})
		}
		b.from = other.to
	}
	if b.to > b.from {
		rest = append(rest, b)
	}
	return rest
}
