package plots

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"time"

	"codeberg.org/go-pdf/fpdf"
	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// pdfCanvas draws a PDF of one page with text that can be selected, in fonts
// cut down to the characters in use.
//
// Note: the PDF canvas of gonum/plot v0.17 was tried first. It keeps only the
// first of several fonts, writes characters beyond ASCII as two wrong ones, and
// puts the time of the day into the file.
type pdfCanvas struct {
	doc    *fpdf.Fpdf
	width  vg.Length
	height vg.Length
	pens   []pen
	fonts  map[stdfont.Weight]bool
	images int
}

// pen is what Push keeps and Pop brings back.
type pen struct {
	color color.Color
	width vg.Length
}

func newPDF(width, height vg.Length, title string) *pdfCanvas {
	doc := fpdf.NewCustom(&fpdf.InitType{UnitStr: "pt", Size: fpdf.SizeType{Wd: width.Points(), Ht: height.Points()}})
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // the same chart gives the same bytes
	doc.SetCreationDate(epoch)
	doc.SetModificationDate(epoch)
	doc.SetCatalogSort(true)
	doc.SetTitle(title, true)
	doc.SetMargins(0, 0, 0)
	doc.SetAutoPageBreak(false, 0)
	doc.AddPage()
	doc.TransformBegin()
	c := &pdfCanvas{doc: doc, width: width, height: height, pens: []pen{{color.Black, 1}}, fonts: map[stdfont.Weight]bool{}}
	vg.Initialize(c)
	return c
}

// Size implements vg.CanvasSizer.
func (c *pdfCanvas) Size() (width, height vg.Length) { return c.width, c.height }

// at turns a point, counted from the page's lower left corner, into fpdf's
// coordinates, counted from the upper left one.
func (c *pdfCanvas) at(p vg.Point) (x, y float64) { return p.X.Points(), (c.height - p.Y).Points() }

func (c *pdfCanvas) pen() *pen { return &c.pens[len(c.pens)-1] }

// SetLineWidth implements vg.Canvas.
func (c *pdfCanvas) SetLineWidth(width vg.Length) {
	c.pen().width = width
	c.doc.SetLineWidth(width.Points())
}

// SetLineDash implements vg.Canvas.
func (c *pdfCanvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	lengths := make([]float64, len(pattern))
	for i, length := range pattern {
		lengths[i] = length.Points()
	}
	c.doc.SetDashPattern(lengths, offset.Points())
}

// SetColor implements vg.Canvas.
func (c *pdfCanvas) SetColor(to color.Color) {
	c.pen().color = to
	n := color.NRGBAModel.Convert(to).(color.NRGBA)
	c.doc.SetFillColor(int(n.R), int(n.G), int(n.B))
	c.doc.SetDrawColor(int(n.R), int(n.G), int(n.B))
	c.doc.SetTextColor(int(n.R), int(n.G), int(n.B))
	c.doc.SetAlpha(float64(n.A)/255, "Normal")
}

// Rotate implements vg.Canvas.
func (c *pdfCanvas) Rotate(radians float64) {
	c.doc.TransformRotate(radians*180/math.Pi, 0, c.height.Points())
}

// Translate implements vg.Canvas.
func (c *pdfCanvas) Translate(by vg.Point) { c.doc.TransformTranslate(by.X.Points(), -by.Y.Points()) }

// Scale implements vg.Canvas.
func (c *pdfCanvas) Scale(x, y float64) {
	c.doc.TransformScale(100*x, 100*y, 0, c.height.Points())
}

// Push implements vg.Canvas.
func (c *pdfCanvas) Push() {
	c.pens = append(c.pens, *c.pen())
	c.doc.TransformBegin()
}

// Pop implements vg.Canvas.
func (c *pdfCanvas) Pop() {
	c.doc.TransformEnd()
	c.pens = c.pens[:len(c.pens)-1]
	c.SetColor(c.pen().color)
	c.SetLineWidth(c.pen().width)
}

// Stroke implements vg.Canvas.
func (c *pdfCanvas) Stroke(path vg.Path) {
	if c.pen().width > 0 {
		c.follow(path)
		c.doc.DrawPath("D")
	}
}

// Fill implements vg.Canvas.
func (c *pdfCanvas) Fill(path vg.Path) {
	c.follow(path)
	c.doc.DrawPath("F")
}

func (c *pdfCanvas) follow(path vg.Path) {
	for i, part := range path {
		x, y := c.at(part.Pos)
		switch part.Type {
		case vg.MoveComp:
			c.doc.MoveTo(x, y)
		case vg.LineComp:
			c.doc.LineTo(x, y)
		case vg.ArcComp:
			c.arc(part, i == 0)
		case vg.CurveComp:
			first := part.Control[0]
			second := part.Control[len(part.Control)-1]
			if len(part.Control) == 1 { // a quadratic curve
				x1, y1 := c.at(first)
				c.doc.CurveTo(x1, y1, x, y)
				continue
			}
			x1, y1 := c.at(first)
			x2, y2 := c.at(second)
			c.doc.CurveBezierCubicTo(x1, y1, x2, y2, x, y)
		case vg.CloseComp:
			c.doc.ClosePath()
		}
	}
}

// arc follows an arc in curves of at most a quarter of a circle each, which
// differ from it by less than a thousandth of the radius.
func (c *pdfCanvas) arc(part vg.PathComp, begins bool) {
	point := func(angle, scale float64, turned float64) (x, y float64) {
		sin, cos := math.Sincos(angle)
		r := part.Radius
		return c.at(vg.Point{
			X: part.Pos.X + r*vg.Length(cos*scale-sin*turned),
			Y: part.Pos.Y + r*vg.Length(sin*scale+cos*turned),
		})
	}
	pieces := max(int(math.Ceil(math.Abs(part.Angle)/(math.Pi/2)-1e-9)), 1)
	step := part.Angle / float64(pieces)
	handle := 4.0 / 3 * math.Tan(step/4)
	x, y := point(part.Start, 1, 0)
	if begins {
		c.doc.MoveTo(x, y)
	} else {
		c.doc.LineTo(x, y)
	}
	for i := range pieces {
		from, to := part.Start+float64(i)*step, part.Start+float64(i+1)*step
		x1, y1 := point(from, 1, handle)
		x2, y2 := point(to, 1, -handle)
		x, y := point(to, 1, 0)
		c.doc.CurveBezierCubicTo(x1, y1, x2, y2, x, y)
	}
}

// FillString implements vg.Canvas.
func (c *pdfCanvas) FillString(face font.Face, at vg.Point, text string) {
	style := ""
	if face.Font.Weight == stdfont.WeightBold {
		style = "B"
	}
	if !c.fonts[face.Font.Weight] {
		var source bytes.Buffer
		if _, err := face.Face.WriteSourceTo(nil, &source); err != nil {
			c.doc.SetError(err)
			return
		}
		c.doc.AddUTF8FontFromBytes("Liberation Sans", style, source.Bytes())
		c.fonts[face.Font.Weight] = true
	}
	c.doc.SetFont("Liberation Sans", style, face.Font.Size.Points())
	x, y := c.at(at)
	c.doc.Text(x, y, text)
}

// DrawImage implements vg.Canvas.
func (c *pdfCanvas) DrawImage(frame vg.Rectangle, picture image.Image) {
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, picture); err != nil {
		c.doc.SetError(err)
		return
	}
	c.images++
	name := fmt.Sprintf("image%d", c.images)
	options := fpdf.ImageOptions{ImageType: "png"}
	c.doc.RegisterImageOptionsReader(name, options, &encoded)
	x, y := c.at(vg.Point{X: frame.Min.X, Y: frame.Max.Y})
	c.doc.ImageOptions(name, x, y, frame.Size().X.Points(), frame.Size().Y.Points(), false, options, 0, "")
}

// WriteTo implements io.WriterTo. The canvas cannot be drawn on afterwards.
func (c *pdfCanvas) WriteTo(w io.Writer) (int64, error) {
	for range c.pens {
		c.doc.TransformEnd()
	}
	var out bytes.Buffer
	if err := c.doc.Output(&out); err != nil {
		return 0, err
	}
	return out.WriteTo(w)
}
