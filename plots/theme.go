package plots

import (
	"image/color"
	"math"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
)

// The palette of Okabe and Ito (2008), whose hues colour-blind people tell
// apart, and greys. Bands use the tints, so that black text stays readable on
// them. Fills that may lie side by side differ in lightness too, which is what
// remains of them in a grey print.
var (
	black      = color.NRGBA{0x00, 0x00, 0x00, 0xff}
	orange     = color.NRGBA{0xe6, 0x9f, 0x00, 0xff}
	green      = color.NRGBA{0x00, 0x9e, 0x73, 0xff}
	blue       = color.NRGBA{0x00, 0x72, 0xb2, 0xff}
	vermillion = color.NRGBA{0xd5, 0x5e, 0x00, 0xff}

	greenTint  = color.NRGBA{0xe0, 0xf3, 0xec, 0xff}
	yellowTint = color.NRGBA{0xf4, 0xde, 0x7c, 0xff}
	blueTint   = color.NRGBA{0xc3, 0xde, 0xee, 0xff}
	skyTint    = color.NRGBA{0x90, 0xc2, 0xe0, 0xff} // inside blueTint
	redTint    = color.NRGBA{0xf2, 0xbf, 0xa0, 0xff}

	white     = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	darkGrey  = color.NRGBA{0x44, 0x44, 0x44, 0xff}
	textGrey  = color.NRGBA{0x55, 0x55, 0x55, 0xff}
	silver    = color.NRGBA{0xc4, 0xc4, 0xc4, 0xff}
	midGrey   = color.NRGBA{0x9a, 0x9a, 0x9a, 0xff}
	lightGrey = color.NRGBA{0xe0, 0xe0, 0xe0, 0xff}
	paleGrey  = color.NRGBA{0xf5, 0xf5, 0xf5, 0xff}
)

// The measures of a page, in points of 1/72 inch.
const (
	pageWidth  = 10 * vg.Inch
	margin     = vg.Length(16)
	thinLine   = vg.Length(0.6)
	mediumLine = vg.Length(1.2)
	thickLine  = vg.Length(2)
)

// The ways text is written.
var (
	titleText = newTextStyle(14, stdfont.WeightBold, black)
	bodyText  = newTextStyle(10.5, stdfont.WeightNormal, black)
	boldText  = newTextStyle(10.5, stdfont.WeightBold, black)
	labelText = newTextStyle(9.5, stdfont.WeightNormal, black)
	strongly  = newTextStyle(9.5, stdfont.WeightBold, black)
	smallText = newTextStyle(8.5, stdfont.WeightNormal, textGrey)
)

// embedded are the Liberation fonts gonum/plot carries with it, so that a chart
// looks the same on every machine.
var embedded = font.NewCache(liberation.Collection())

// textStyle is a font at a size in a colour.
type textStyle struct {
	font  font.Font
	color color.Color
}

func newTextStyle(size font.Length, weight stdfont.Weight, c color.Color) textStyle {
	return textStyle{font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight, Size: size}, c}
}

// letters are the darker shades in which text of a colour is written: strokes as
// thin as those of letters need more contrast than a line or a filled shape has
// (WCAG 2.2, 1.4.3: 4.5 to 1, here on every tint).
var letters = map[color.Color]color.Color{
	green:      color.NRGBA{0x00, 0x5e, 0x43, 0xff},
	vermillion: color.NRGBA{0x92, 0x36, 0x00, 0xff},
	blue:       color.NRGBA{0x00, 0x56, 0x87, 0xff},
}

// in returns the style in another colour.
func (s textStyle) in(c color.Color) textStyle {
	s.color = c
	if darker, ok := letters[c]; ok {
		s.color = darker
	}
	return s
}

// luminance returns the relative luminance of an opaque colour, from 0 (black) to
// 1 (white), as WCAG 2.2 defines it.
func luminance(c color.Color) float64 {
	linear := func(channel uint32) float64 {
		v := float64(channel) / 0xffff
		if v > 0.04045 {
			return math.Pow((v+0.055)/1.055, 2.4)
		}
		return v / 12.92
	}
	r, g, b, _ := c.RGBA()
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

// contrast returns the ratio of the lighter to the darker of two colours, from 1
// to 21, as WCAG 2.2 defines it.
func contrast(a, b color.Color) float64 {
	lighter, darker := max(luminance(a), luminance(b)), min(luminance(a), luminance(b))
	return (lighter + 0.05) / (darker + 0.05)
}

// inkOn returns black or white, whichever is the easier to read on a fill.
func inkOn(fill color.Color) color.Color {
	if contrast(black, fill) > contrast(white, fill) {
		return black
	}
	return white
}

// face returns the font at its size.
func (s textStyle) face() font.Face { return embedded.Lookup(s.font, s.font.Size) }

// width returns how wide one line of text is.
func (s textStyle) width(text string) vg.Length {
	face := s.face()
	return face.Width(text)
}

// lineHeight returns the distance between the baselines of two lines.
func (s textStyle) lineHeight() vg.Length { return s.font.Size * 1.3 }

// capHeight returns the height of a capital letter; Liberation Sans has 0.69 em.
func (s textStyle) capHeight() vg.Length { return s.font.Size * 0.69 }
