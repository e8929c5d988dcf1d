package plots

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// writtenText is a text on the page with the box it fills.
type writtenText struct {
	text string
	box  vg.Rectangle
}

// reporter is a test, or a property's check.
type reporter interface {
	Helper()
	Errorf(format string, values ...any)
}

// textCanvas notes where text is written and ignores the rest. The charts turn
// and scale nothing, so a text stands where it is written.
type textCanvas struct {
	t       reporter
	written []writtenText
}

func (c *textCanvas) SetLineWidth(vg.Length)             {}
func (c *textCanvas) SetLineDash([]vg.Length, vg.Length) {}
func (c *textCanvas) Push()                              {}
func (c *textCanvas) Pop()                               {}
func (c *textCanvas) Rotate(float64)                     { c.t.Errorf("text is rotated") }
func (c *textCanvas) Translate(vg.Point)                 { c.t.Errorf("canvas is moved") }
func (c *textCanvas) Scale(float64, float64)             { c.t.Errorf("canvas is scaled") }

func (c *textCanvas) SetColor(color.Color) {}
func (c *textCanvas) Stroke(vg.Path)       {}
func (c *textCanvas) Fill(vg.Path)         {}

func (c *textCanvas) DrawImage(vg.Rectangle, image.Image) {}

func (c *textCanvas) FillString(face font.Face, at vg.Point, text string) {
	size := face.Font.Size
	c.written = append(c.written, writtenText{text, vg.Rectangle{
		Min: vg.Point{X: at.X, Y: at.Y - 0.15*size}, Max: vg.Point{X: at.X + face.Width(text), Y: at.Y + 0.7*size}}})
}

// checkText draws a chart and checks that all text lies on the page, that none
// is written over another, and that the page is named.
func checkText(t reporter, chart Chart) {
	t.Helper()
	width, height := chart.Size()
	c := &textCanvas{t: t}
	chart.Draw(draw.NewCanvas(c, width, height))
	for i, a := range c.written {
		if a.box.Min.X < 0 || a.box.Max.X > width || a.box.Min.Y < 0 || a.box.Max.Y > height || math.IsNaN(float64(a.box.Min.X+a.box.Min.Y)) {
			t.Errorf("%q at %.0f is not on the page of %.0f × %.0f", a.text, a.box, width, height)
		}
		for _, b := range c.written[i+1:] {
			x := min(a.box.Max.X, b.box.Max.X) - max(a.box.Min.X, b.box.Min.X)
			y := min(a.box.Max.Y, b.box.Max.Y) - max(a.box.Min.Y, b.box.Min.Y)
			if x > 0.5 && y > 0.5 {
				t.Errorf("%q is written over %q at %.0f", a.text, b.text, b.box)
			}
		}
	}
}

// render writes a chart in a format.
func render(t *testing.T, format string, chart Chart) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, format, chart); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPictures checks that every chart is a picture of its size in every format,
// with something on it, the same bytes each time.
func TestPictures(t *testing.T) {
	for name, chart := range examples() {
		t.Run(name, func(t *testing.T) {
			checkText(t, chart)
			drawn := map[string][]byte{}
			for _, format := range []string{"svg", "png", "pdf", "csv"} {
				drawn[format] = render(t, format, chart)
				if !bytes.Equal(drawn[format], render(t, format, chart)) {
					t.Errorf("%s: two drawings differ", format)
				}
			}
			checkPNG(t, chart, drawn["png"])
			checkSVG(t, drawn["svg"])
			checkPDF(t, chart, drawn["pdf"])
		})
	}
}

func checkPNG(t *testing.T, chart Chart, data []byte) {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	width, height := chart.Size()
	want := image.Pt(int(width.Dots(dotsPerInch)+0.5), int(height.Dots(dotsPerInch)+0.5))
	if got := picture.Bounds().Size(); got != want {
		t.Errorf("the PNG has %v pixels, want %v", got, want)
	}
	inked := 0
	const every = 3 // dots in each direction
	for y := 0; y < want.Y; y += every {
		for x := 0; x < want.X; x += every {
			if r, g, b, _ := picture.At(x, y).RGBA(); r&g&b != 0xffff {
				inked++
			}
		}
	}
	if share := float64(every*every*inked) / float64(want.X*want.Y); share < 0.02 || share > 0.9 {
		t.Errorf("%.1f %% of the picture is not white", 100*share)
	}
}

func checkSVG(t *testing.T, data []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(data))
	texts := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "text" {
			texts++
		}
	}
	if texts < 3 {
		t.Errorf("the SVG has %d texts", texts)
	}
	if bytes.Contains(data, []byte("NaN")) || bytes.Contains(data, []byte("Inf")) {
		t.Error("the SVG has coordinates that are no numbers")
	}
}

// TestValues holds what a reader can point at to the page and to a number of
// places, and to text that says something. A chart of nothing has none.
func TestValues(t *testing.T) {
	charts := examples()
	for name, chart := range edges() {
		charts[name] = chart
	}
	for name, chart := range charts {
		width, height := chart.Size()
		canvas := newSVG(width, height, "")
		chart.Draw(draw.New(canvas))
		_, isExample := examples()[name]
		if n := len(canvas.values); n > mostValues || isExample && n == 0 && name != "qq-empty" && name != "tornado-still" {
			t.Errorf("%s: %d places say something", name, n)
		}
		for _, v := range canvas.values {
			if b := v.place; b.Min.X < -3 || b.Max.X > width+3 || b.Min.Y < -3 || b.Max.Y > height+3 || !(b.Max.X-b.Min.X >= 2.99) || !(b.Max.Y-b.Min.Y >= 2.99) {
				t.Errorf("%s: %q at %v is not on the page of %v × %v", name, v.text, b, width, height)
			}
			for _, bad := range []string{"NaN", "Inf", "106751", "%!"} {
				if v.text == "" || strings.Contains(v.text, bad) {
					t.Errorf("%s: %q", name, v.text)
				}
			}
		}
	}
}

func checkPDF(t *testing.T, chart Chart, data []byte) {
	t.Helper()
	width, height := chart.Size()
	box := fmt.Sprintf("/MediaBox [0 0 %.2f %.2f]", width.Points(), height.Points())
	if !bytes.HasPrefix(data, []byte("%PDF-")) || !bytes.HasSuffix(data, []byte("%%EOF\n")) || !bytes.Contains(data, []byte(box)) {
		t.Errorf("no whole PDF with %s", box)
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ path, message string }{
		{"chart.gif", `"gif" is no format for a chart, must be svg, png, pdf or csv`},
		{"chart", `"" is no format for a chart, must be svg, png, pdf or csv`},
		{filepath.Join("missing", "chart.svg"), "no such file or directory"},
	} {
		err := WriteFile(filepath.Join(dir, test.path), figure1())
		if err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("WriteFile(%q): error %v, want %q", test.path, err, test.message)
		}
	}
	for _, name := range []string{"chart.SVG", "chart.png", "chart.pdf", "chart.csv", "chart.csv"} {
		if err := WriteFile(filepath.Join(dir, name), figure1()); err != nil {
			t.Error(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 4 {
		t.Errorf("%d files are left of 4: %v, %v", len(left), left, err)
	}
}

// TestPDFText checks that characters beyond ASCII come out as one each.
func TestPDFText(t *testing.T) {
	life := figure1()
	life.Scenario = "größer × 2 – 日本"
	checkText(t, life)
	if !bytes.Contains(render(t, "svg", life), []byte("größer × 2 – 日本")) {
		t.Error("the SVG lacks the scenario's name")
	}
	checkPDF(t, life, render(t, "pdf", life))
}
