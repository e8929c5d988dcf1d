package plots

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"slices"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// svgCanvas draws an SVG with text that can be selected, and with the parts of
// the fonts it is written in.
//
// Note: the SVG canvas of gonum/plot v0.17 was tried first. It embeds whole
// fonts, a megabyte in each chart, and writes each shape and each text with all
// its style, which made half of a page of charts.
type svgCanvas struct {
	width, height vg.Length
	title         string // read out in place of the picture
	used          map[stdfont.Weight]*writtenFont
	// values are what places of the chart say, in the order in which they were drawn.
	values []value

	body bytes.Buffer
	look string // of the shapes that are collected in data; empty: none
	data []byte // of their path
	pens []svgPen
}

// svgPen is what Push keeps and Pop brings back.
type svgPen struct {
	color  color.Color
	width  vg.Length
	dashes []vg.Length
	offset vg.Length
	groups int // opened since Push, for what was turned, moved or scaled
}

// writtenFont is a font with the characters written in it.
type writtenFont struct {
	face       font.Face
	characters []rune
}

func newSVG(width, height vg.Length, title string) *svgCanvas {
	c := &svgCanvas{width: width, height: height, title: title, used: map[stdfont.Weight]*writtenFont{}, pens: make([]svgPen, 1)}
	vg.Initialize(c)
	return c
}

// Size implements vg.CanvasSizer.
func (c *svgCanvas) Size() (width, height vg.Length) { return c.width, c.height }

func (c *svgCanvas) pen() *svgPen { return &c.pens[len(c.pens)-1] }

// SetLineWidth implements vg.Canvas.
func (c *svgCanvas) SetLineWidth(width vg.Length) { c.pen().width = width }

// SetLineDash implements vg.Canvas.
func (c *svgCanvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	c.pen().dashes, c.pen().offset = pattern, offset
}

// SetColor implements vg.Canvas.
func (c *svgCanvas) SetColor(to color.Color) { c.pen().color = to }

// Rotate implements vg.Canvas.
func (c *svgCanvas) Rotate(radians float64) {
	c.group(fmt.Sprintf("rotate(%s 0 %s)", short(-radians*180/math.Pi), short(c.height.Points())))
}

// Translate implements vg.Canvas.
func (c *svgCanvas) Translate(by vg.Point) {
	c.group(fmt.Sprintf("translate(%s %s)", short(by.X.Points()), short(-by.Y.Points())))
}

// Scale implements vg.Canvas.
func (c *svgCanvas) Scale(x, y float64) {
	c.group(fmt.Sprintf("translate(0 %s) scale(%g %g)", short((1-y)*c.height.Points()), x, y))
}

// group opens a group for all that is drawn until Pop.
func (c *svgCanvas) group(transform string) {
	c.flush()
	fmt.Fprintf(&c.body, "<g transform=\"%s\">\n", transform)
	c.pen().groups++
}

// Push implements vg.Canvas.
func (c *svgCanvas) Push() {
	pen := *c.pen()
	pen.groups = 0
	c.pens = append(c.pens, pen)
}

// Pop implements vg.Canvas.
func (c *svgCanvas) Pop() {
	c.flush()
	for range c.pen().groups {
		c.body.WriteString("</g>\n")
	}
	c.pens = c.pens[:len(c.pens)-1]
}

// Stroke implements vg.Canvas.
func (c *svgCanvas) Stroke(path vg.Path) {
	pen := c.pen()
	if pen.width <= 0 {
		return
	}
	look := "fill=\"none\" " + paint("stroke", pen.color)
	if pen.width != 1 {
		look += fmt.Sprintf(" stroke-width=\"%s\"", short(pen.width.Points()))
	}
	if len(pen.dashes) > 0 {
		look += " stroke-dasharray=\""
		for i, dash := range pen.dashes {
			if i > 0 {
				look += ","
			}
			look += short(dash.Points())
		}
		look += "\""
		if pen.offset != 0 {
			look += fmt.Sprintf(" stroke-dashoffset=\"%s\"", short(pen.offset.Points()))
		}
	}
	c.shape(look, path, opaque(pen.color))
}

// Fill implements vg.Canvas.
func (c *svgCanvas) Fill(path vg.Path) {
	c.shape(paint("fill", c.pen().color), path, opaque(c.pen().color) && isBox(path))
}

// shape draws a path. Those that follow each other with one look become one
// element where that makes the same picture: opaque lines, and opaque boxes,
// which all turn the same way and so never cut holes into each other.
func (c *svgCanvas) shape(look string, path vg.Path, together bool) {
	if look != c.look || !together {
		c.flush()
	}
	c.data = append(c.data, c.pathData(path)...)
	if c.look = look; !together {
		c.flush()
	}
}

// flush writes the shapes that were collected.
func (c *svgCanvas) flush() {
	if len(c.data) > 0 {
		fmt.Fprintf(&c.body, "<path %s d=\"%s\"/>\n", c.look, c.data)
	}
	c.look, c.data = "", c.data[:0]
}

// FillString implements vg.Canvas.
func (c *svgCanvas) FillString(face font.Face, at vg.Point, text string) {
	used := c.used[face.Font.Weight]
	if used == nil {
		used = &writtenFont{face, ordinaryCharacters()}
		c.used[face.Font.Weight] = used
	}
	used.characters = append(used.characters, []rune(text)...)
	c.flush()
	weight := ""
	if face.Font.Weight == stdfont.WeightBold {
		weight = " font-weight=\"bold\""
	}
	fmt.Fprintf(&c.body, "<text x=\"%s\" y=\"%s\" font-size=\"%s\"%s %s>%s</text>\n", short(at.X.Points()), short((c.height - at.Y).Points()),
		short(face.Font.Size.Points()), weight, paint("fill", c.pen().color), html.EscapeString(text))
}

// DrawImage implements vg.Canvas.
func (c *svgCanvas) DrawImage(frame vg.Rectangle, picture image.Image) {
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, picture); err != nil {
		panic(err) // into memory: only an image without a size fails
	}
	c.flush()
	fmt.Fprintf(&c.body, "<image x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" preserveAspectRatio=\"none\" href=\"data:image/png;base64,%s\"/>\n",
		short(frame.Min.X.Points()), short((c.height - frame.Max.Y).Points()), short(frame.Size().X.Points()), short(frame.Size().Y.Points()),
		base64.StdEncoding.EncodeToString(encoded.Bytes()))
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
	fonts, err := c.fontFaces()
	if err != nil {
		return 0, err
	}
	c.flush()
	var out bytes.Buffer
	width, height := short(c.width.Points()), short(c.height.Points())
	// Arial and Helvetica have the same widths, for viewers that ignore
	// embedded fonts.
	fmt.Fprintf(&out, "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%spt\" height=\"%spt\" viewBox=\"0 0 %s %s\" role=\"img\" "+
		"font-family=\"Liberation Sans,Arimo,Arial,Helvetica,sans-serif\" font-weight=\"normal\" font-style=\"normal\">\n<title>%s</title>\n<defs><style>\n%s</style></defs>\n",
		width, height, width, height, html.EscapeString(c.title), fonts)
	out.Write(c.body.Bytes())
	for i := range c.pens {
		for range c.pens[len(c.pens)-1-i].groups {
			out.WriteString("</g>\n")
		}
	}
	writeValues(&out, c.height, c.values)
	out.WriteString("</svg>\n")
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
