package plots

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/color"
	"io"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// TestPathData holds paths to what the SVG specification makes of them, on a
// page 100 points high whose places count from above.
func TestPathData(t *testing.T) {
	at := func(x, y float64) vg.Point { return vg.Point{X: vg.Length(x), Y: vg.Length(y)} }
	var box, curve, sliver vg.Path
	box.Move(at(10, 20))
	box.Line(at(30.5, 20))
	box.Line(at(30.5, 20.25))
	box.Line(at(10, 20.25))
	box.Close()
	curve.Move(at(1, 1))
	curve.QuadTo(at(2, 3), at(4, 1))
	curve.CubeTo(at(5, 1), at(6, 2), at(6, 3))
	for _, x := range []float64{0, 0.334, 0.668, 1.002} { // rounding must not add up
		if x == 0 {
			sliver.Move(at(x, 100))
			continue
		}
		sliver.Line(at(x, 100))
	}
	for _, test := range []struct {
		name string
		path vg.Path
		want string
	}{
		{"box", box, "M10 80h20.5v-.25h-20.5z"},
		{"circle", circle(50, 50, 4), "M54 50a4 4 0 0 0 -8 0a4 4 0 0 0 8 0z"},
		{"curve", curve, "M1 99q1-2 3 0c1 0 2-1 2-2"},
		{"fractions", sliver, "M0 0h.33h.34h.33"},
	} {
		c := newSVG(100, 100, "")
		if got := string(c.pathData(test.path)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestTransformedSVG checks that groups close and turn about the page's lower
// left corner, as vg.Canvas counts.
func TestTransformedSVG(t *testing.T) {
	c := newSVG(200, 100, "a < b")
	c.Push()
	c.Translate(vg.Point{X: 10, Y: 20})
	c.Rotate(1.5707963267948966)
	c.Scale(2, 3)
	c.SetColor(color.NRGBA{0, 0, 0, 0x80})
	c.Fill(circle(1, 1, 1))
	c.Pop()
	c.Push()
	c.Translate(vg.Point{}) // left open
	var out bytes.Buffer
	if _, err := c.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"translate(10 -20)", "rotate(-90 0 100)", "translate(0 -200) scale(2 3)", "a &lt; b", `fill="#000" fill-opacity="0.502"`} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is missing in\n%s", part, out.String())
		}
	}
	for decoder := xml.NewDecoder(&out); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestCrowdedLanes draws a start that is throttled in every period of the quota
// for five minutes, and stands still once: a page's worth of stretches too fine
// to be told apart is a share of the time, in few shapes, and the standstill is
// told on its own.
func TestCrowdedLanes(t *testing.T) {
	told := newStory(300, nil, nil, nil).start(0, 0).stall(100, 100.02, "steal")
	for ms := range 3000 {
		from := float64(ms) / 10
		told.stall(from, from+.075, "throttled")
	}
	life := &Timeline{Lives: []Life{{Trace: told.trace(), To: at(300)}}}
	width, height := life.Size()
	canvas := newSVG(width, height, "")
	life.Draw(draw.New(canvas))
	if size := canvas.body.Len(); size > 20_000 {
		t.Errorf("%d bytes of SVG", size)
	}
	shares, alone := 0, 0
	for _, v := range canvas.values {
		switch {
		case strings.HasPrefix(v.text, "throttled 75 % of the time, from "):
			shares++
		case strings.HasPrefix(v.text, "stolen: 20 ms, from 1 min 40 s"):
			alone++
		}
	}
	if shares < 20 || alone != 1 {
		t.Errorf("%d shares of 75 %%, %d standstills in %v", shares, alone, canvas.values)
	}
}
