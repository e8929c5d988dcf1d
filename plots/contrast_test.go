package plots

import (
	"image"
	"image/color"
	"math"
	"testing"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// leastContrast is what WCAG 2.2 asks of text (1.4.3). It depends on the
// luminances alone, so that what holds on the screen holds in a grey print.
const leastContrast = 4.5

// untexted is a picture without its texts, and the texts with their colours.
type untexted struct {
	*vgimg.Canvas
	color   color.Color
	written []colouredText
}

type colouredText struct {
	text  string
	color color.Color
	box   vg.Rectangle
}

func (u *untexted) SetColor(c color.Color) {
	u.color = c
	u.Canvas.SetColor(c)
}

// FillString notes a text with the box that its small letters fill: what reaches
// above or below may come near a line.
func (u *untexted) FillString(face font.Face, at vg.Point, text string) {
	u.written = append(u.written, colouredText{text, u.color,
		vg.Rectangle{Min: at, Max: vg.Point{X: at.X + face.Width(text), Y: at.Y + 0.52*face.Font.Size}}})
}

// checkContrast draws a chart without its texts and checks that each would stand
// out from what is behind it, but for the share that lines may cross.
func checkContrast(t reporter, chart Chart, crossed float64) {
	t.Helper()
	const dots = 144
	width, height := chart.Size()
	u := &untexted{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dots))}
	chart.Draw(draw.NewCanvas(u, width, height))
	picture := u.Image()
	for _, w := range u.written {
		pale, total, least := 0, 0, math.Inf(1)
		place := image.Rect(int(w.box.Min.X.Dots(dots)), int((height - w.box.Max.Y).Dots(dots)),
			int(w.box.Max.X.Dots(dots))+1, int((height-w.box.Min.Y).Dots(dots))+1)
		for y := place.Min.Y; y < place.Max.Y; y++ {
			for x := place.Min.X; x < place.Max.X; x++ {
				ratio := contrast(w.color, picture.At(x, y))
				least = min(least, ratio)
				total++
				if ratio < leastContrast {
					pale++
				}
			}
		}
		if share := float64(pale) / float64(total); share > crossed {
			t.Errorf("%q: %.0f %% of what is behind it has a contrast of less than %v with it, the least %.2f", w.text, 100*share, leastContrast, least)
		}
	}
}

// TestContrast checks that text can be read in every chart.
func TestContrast(t *testing.T) {
	for name, chart := range examples() {
		t.Run(name, func(t *testing.T) { checkContrast(t, chart, 0.01) })
	}
	for name, chart := range edges() {
		t.Run(name, func(t *testing.T) { checkContrast(t, chart, 0.06) }) // where points lie on one another, lines may run through text
	}
}

// lightness is CIE L*, in which equal steps look equal: 0 (black) to 100 (white).
func lightness(c color.Color) float64 {
	return 116*math.Cbrt(luminance(c)) - 16
}

// TestGrey checks that fills which may lie side by side can be told apart where
// only their lightness is left.
func TestGrey(t *testing.T) {
	const least = 5 // of L*; a step of about 2.3 is just seen
	looksOf := func(values ...string) (fills []color.Color) {
		for _, value := range values {
			fills = append(fills, bandLook(value).fill)
		}
		return fills
	}
	var scale []color.Color
	for _, rate := range []float64{0, 0.005, 0.05, 0.5, 5, 50, 500} {
		fill, ink := riskColors(rate)
		scale = append(scale, fill)
		if got := contrast(fill, ink); got < leastContrast {
			t.Errorf("risk of %v: contrast %.2f of the number with its cell", rate, got)
		}
	}
	for name, fills := range map[string][]color.Color{
		"process":   looksOf("starting", "serving", "stalled", "hung", "terminating", "down", "another stall"),
		"CPU":       append(looksOf(wordRuns, wordThrottled, wordQueued, wordWaits), paleGrey),
		"ready":     append(looksOf(wordReady), paleGrey),
		"endpoints": append(looksOf(wordIn, wordDead), paleGrey),
		"failures":  {redTint, vermillion, white},
		"startup":   {greenTint, yellowTint, redTint},
		"front":     {greenTint, white},
		"answers":   {redTint, white},
		"limits":    {redTint, lightGrey, white},
		"rollout":   {blueTint, skyTint, white},
		"risk":      scale,
	} {
		for i, a := range fills {
			for _, b := range fills[i+1:] {
				if got := math.Abs(lightness(a) - lightness(b)); got < least {
					t.Errorf("%s: %v and %v differ by %.1f in lightness, want %v", name, a, b, got, least)
				}
			}
		}
	}
}
