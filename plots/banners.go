package plots

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/model/kubelet"
)

// banner is an incident's text above the lanes, in the lowest row in which it
// covers no other.
type banner struct {
	incident
	left  vg.Length // of the text, from the left end of the lanes
	row   int       // from below; bannerRows: no room, not written
	style textStyle
	text  string
}

// mostLines is how many incidents are drawn in full. Of more, the lines are
// thin and each text is written once.
const mostLines = 8

// placeBanners decides where the texts of the incidents stand: beside their line,
// those of kills and hangs before it, the others behind it, in the lowest row in
// which there is room. Kills are placed first, so that what has no room is never
// a kill's text.
func (p *panel) placeBanners() {
	type stretch struct{ from, to vg.Length }
	var taken [bannerRows][]stretch
	width := p.right - p.left
	place := func(f *banner, long vg.Length) {
		before, behind := p.x(f.at)-p.left-long-4, p.x(f.at)-p.left+4
		if f.kind == restarted {
			before, behind = behind, before
		}
		for row := range taken {
			for _, at := range []vg.Length{before, behind} {
				free := at >= 0 && at+long <= width
				for _, s := range taken[row] {
					free = free && (at+long+6 <= s.from || at >= s.to+6)
				}
				if free {
					taken[row] = append(taken[row], stretch{at, at + long})
					f.left, f.row = at, row
					p.rows = max(p.rows, row+1)
					return
				}
			}
		}
	}
	order := [][]incidentKind{{killed}, {hanged, exited}, {restarted}}
	crowded := len(p.lanes.incidents) > mostLines
	if crowded {
		order = order[:2] // what follows each kill goes without saying
	}
	told := map[string]bool{}
	for _, kinds := range order {
		for _, i := range p.lanes.incidents {
			if !slices.Contains(kinds, i.kind) {
				continue
			}
			f := banner{incident: i, row: bannerRows, style: labelText}
			if i.kind == killed {
				f.style = strongly
			}
			if !crowded || !told[i.text] {
				f.text = shorten(f.style, i.text, width)
				place(&f, f.style.width(f.text))
			}
			told[i.text] = true
			p.banners = append(p.banners, f)
		}
	}
}

// drawBanners draws a line through all lanes at each incident and its text above.
func (p *panel) drawBanners(top, bottom vg.Length) {
	lanesTop := top - vg.Length(p.rows)*bannerHeight
	line := mediumLine
	if len(p.lanes.incidents) > mostLines {
		line = thinLine
	}
	for _, f := range p.banners {
		stroke, dashes := incidentLine(f.kind)
		x := p.x(f.at)
		height := lanesTop
		if f.row < bannerRows {
			height += vg.Length(f.row)*bannerHeight + 10
		}
		strokeLine(p.canvas, stroke, line, dashes, vg.Point{X: x, Y: height}, vg.Point{X: x, Y: bottom})
	}
	for _, f := range p.banners {
		if f.row == bannerRows {
			continue
		}
		stroke, _ := incidentLine(f.kind)
		y := lanesTop + vg.Length(f.row)*bannerHeight
		fillBox(p.canvas, white, p.left+f.left-2, y+0.5, p.left+f.left+f.style.width(f.text)+2, y+bannerHeight-0.5)
		writeText(p.canvas, f.style.in(stroke), p.left+f.left, y+3.5, left, f.text)
	}
}

func incidentLine(kind incidentKind) (color.Color, []vg.Length) {
	switch kind {
	case killed, exited:
		return vermillion, nil
	case hanged:
		return vermillion, []vg.Length{2, 2}
	}
	return textGrey, []vg.Length{5, 3}
}

// key names the signs in use, and the bands that were nowhere wide enough to
// be written on, in one line below the lanes.
type key struct {
	outcomes [4]bool
	dense    bool
	bands    []keyBand
	labelled map[string]bool
}

type keyBand struct {
	value string
	fill  color.Color
}

func (k *key) written(value string) {
	if k.labelled == nil {
		k.labelled = map[string]bool{}
	}
	k.labelled[value] = true
}

func (k *key) band(value string, fill color.Color) {
	for _, known := range k.bands {
		if known.value == value {
			return
		}
	}
	k.bands = append(k.bands, keyBand{value, fill})
}

func (k *key) draw(c draw.Canvas, x, y vg.Length) {
	write := func(text string) {
		writeMiddle(c, smallText, x+9, y, left, text)
		x += smallText.width(text) + 24
	}
	for outcome, used := range k.outcomes {
		if !used {
			continue
		}
		outcomeSign(c, kubelet.Outcome(outcome), x+2, y)
		text := kubelet.Outcome(outcome).String()
		if kubelet.Outcome(outcome) == kubelet.Error {
			text = "error, thrown away"
		}
		write(text)
	}
	if k.dense && !k.outcomes[kubelet.Success] {
		strokeLine(c, green, mediumLine, nil, vg.Point{X: x + 2, Y: y - 4}, vg.Point{X: x + 2, Y: y + 4})
		write(kubelet.Success.String())
	}
	for _, b := range k.bands {
		if !k.labelled[b.value] && x+smallText.width(b.value)+24 < c.Max.X {
			fillBox(c, b.fill, x-3, y-4, x+6, y+4)
			write(b.value)
		}
	}
}
