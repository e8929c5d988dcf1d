package plots

import (
	"bytes"
	"reflect"
	"testing"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// TestSubsetFont checks that a subset is a font whose glyphs have the outlines
// and widths they have in the whole one, composed ones (é, ½) included, and that
// it is small.
func TestSubsetFont(t *testing.T) {
	for _, style := range []textStyle{bodyText, boldText} {
		whole := style.face().Face
		var source bytes.Buffer
		if _, err := whole.WriteSourceTo(nil, &source); err != nil {
			t.Fatal(err)
		}
		characters := append(ordinaryCharacters(), 'Ω', 'ж', '日')
		data, err := subsetFont(source.Bytes(), whole, characters)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 50_000 {
			t.Errorf("the subset has %d bytes", len(data))
		}
		if checksum(data) != 0xb1b0afba {
			t.Errorf("the file adds up to %#x", checksum(data))
		}
		subset, err := sfnt.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, character := range characters {
			want, wantWidth := shape(t, whole, character)
			got, gotWidth := shape(t, subset, character)
			if !reflect.DeepEqual(got, want) || gotWidth != wantWidth {
				t.Errorf("%q differs in the subset", character)
			}
		}
		if index, err := subset.GlyphIndex(nil, 'Ж'); index != 0 || err != nil {
			t.Errorf("a character that is not in the subset has glyph %d, %v", index, err)
		}
	}
}

// shape returns the outline and the width of a character.
func shape(t *testing.T, f *sfnt.Font, character rune) (sfnt.Segments, fixed.Int26_6) {
	t.Helper()
	var buffer sfnt.Buffer
	index, err := f.GlyphIndex(&buffer, character)
	if err != nil {
		t.Fatal(err)
	}
	width, err := f.GlyphAdvance(&buffer, index, fixed.I(1000), 0)
	if err != nil {
		t.Fatal(err)
	}
	segments, err := f.LoadGlyph(&buffer, index, fixed.I(1000), nil)
	if err != nil {
		t.Fatal(err)
	}
	return append(sfnt.Segments(nil), segments...), width
}
