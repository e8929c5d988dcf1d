package plots

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"slices"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// svgCanvas draws an SVG with text that can be selected, and with the parts of
// the fonts it is written in. The canvas of gonum/plot would embed them whole,
// a megabyte in each chart.
type svgCanvas struct {
	*vgsvg.Canvas
	title string // read out in place of the picture
	used  map[stdfont.Weight]*writtenFont
	// values are what places of the chart say, in the order in which they were drawn.
	values []value
	height vg.Length
}

// writtenFont is a font with the characters written in it.
type writtenFont struct {
	face       font.Face
	characters []rune
}

func newSVG(width, height vg.Length, title string) *svgCanvas {
	return &svgCanvas{Canvas: vgsvg.NewWith(vgsvg.UseWH(width, height)), title: title, used: map[stdfont.Weight]*writtenFont{}, height: height}
}

// FillString implements vg.Canvas.
func (c *svgCanvas) FillString(face font.Face, at vg.Point, text string) {
	used := c.used[face.Font.Weight]
	if used == nil {
		used = &writtenFont{face, ordinaryCharacters()}
		c.used[face.Font.Weight] = used
	}
	used.characters = append(used.characters, []rune(text)...)
	c.Canvas.FillString(face, at, text)
}

// ordinaryCharacters are in every chart's fonts, so that charts on one page
// mostly carry the same fonts.
func ordinaryCharacters() []rune {
	var characters []rune
	for character := rune(0x20); character <= 0xff; character++ {
		if character < 0x7f || character >= 0xa0 {
			characters = append(characters, character)
		}
	}
	return append(characters, []rune("–—…‘’“”≤≥")...)
}

// WriteTo implements io.WriterTo.
func (c *svgCanvas) WriteTo(w io.Writer) (int64, error) {
	var drawn bytes.Buffer
	if _, err := c.Canvas.WriteTo(&drawn); err != nil {
		return 0, err
	}
	fonts, err := c.fontFaces()
	if err != nil {
		return 0, err
	}
	// Arial and Helvetica have the same widths, for viewers that ignore
	// embedded fonts.
	svg := bytes.ReplaceAll(drawn.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arimo,Arial,Helvetica,sans-serif;"))
	start := bytes.Index(svg, []byte("<svg"))
	end := start + bytes.IndexByte(svg[start:], '>')
	var out bytes.Buffer
	out.Write(svg[:end])
	fmt.Fprintf(&out, " role=\"img\">\n<title>%s</title>\n<defs><style>\n%s</style></defs>", html.EscapeString(c.title), fonts)
	last := bytes.LastIndex(svg, []byte("</svg>"))
	out.Write(svg[end+1 : last])
	writeValues(&out, c.height, c.values)
	out.Write(svg[last:])
	return out.WriteTo(w)
}

// fontFaces returns the CSS that brings the fonts.
func (c *svgCanvas) fontFaces() ([]byte, error) {
	var css bytes.Buffer
	for _, weight := range []stdfont.Weight{stdfont.WeightNormal, stdfont.WeightBold} {
		used := c.used[weight]
		if used == nil {
			continue
		}
		var whole bytes.Buffer
		if _, err := used.face.Face.WriteSourceTo(nil, &whole); err != nil {
			return nil, err
		}
		subset, err := subsetFont(whole.Bytes(), used.face.Face, slices.Clone(used.characters))
		if err != nil {
			return nil, err
		}
		name := "normal"
		if weight == stdfont.WeightBold {
			name = "bold"
		}
		fmt.Fprintf(&css, "@font-face{font-family:\"Liberation Sans\";font-weight:%s;src:url(data:font/ttf;base64,%s) format(\"truetype\")}\n",
			name, base64.StdEncoding.EncodeToString(subset))
	}
	return css.Bytes(), nil
}
