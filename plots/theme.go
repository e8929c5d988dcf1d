package plots

import (
	"image/color"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
)

// The palette of Okabe and Ito (2008), whose hues colour-blind people tell
// apart, and greys. Bands use the tints, so that black text stays readable on
// them, and their greys differ in print.
var (
	black      = color.NRGBA{0x00, 0x00, 0x00, 0xff}
	orange     = color.NRGBA{0xe6, 0x9f, 0x00, 0xff}
	green      = color.NRGBA{0x00, 0x9e, 0x73, 0xff}
	blue       = color.NRGBA{0x00, 0x72, 0xb2, 0xff}
	vermillion = color.NRGBA{0xd5, 0x5e, 0x00, 0xff}

	greenTint  = color.NRGBA{0xdd, 0xf3, 0xeb, 0xff}
	yellowTint = color.NRGBA{0xfb, 0xf6, 0xb4, 0xff}
	blueTint   = color.NRGBA{0xc3, 0xde, 0xee, 0xff}
	skyTint    = color.NRGBA{0x90, 0xc2, 0xe0, 0xff} // inside blueTint
	redTint    = color.NRGBA{0xf4, 0xcb, 0xae, 0xff}

	white     = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	darkGrey  = color.NRGBA{0x44, 0x44, 0x44, 0xff}
	textGrey  = color.NRGBA{0x55, 0x55, 0x55, 0xff}
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

// in returns the style in another colour.
func (s textStyle) in(c color.Color) textStyle {
	s.color = c
	return s
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
