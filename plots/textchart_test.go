package plots

import (
	"bytes"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func asText(t reporter, chart *Timeline, columns int, colors bool) string {
	var out bytes.Buffer
	if err := chart.WriteText(&out, columns, colors); err != nil {
		t.Errorf("%v", err)
	}
	return out.String()
}

// TestText holds the timelines as text to golden files.
func TestText(t *testing.T) {
	for name, chart := range map[string]*Timeline{"figure1": figure1(), "figure2": figure2(), "figure3": figure3(), "stacked": stacked()} {
		compare(t, filepath.Join("testdata", name+".text"), []byte(asText(t, chart, 80, false)))
	}
}

// TestTextWidth checks that no line is wider than asked for, that there are
// escape codes only where asked for, and that they change nothing else.
func TestTextWidth(t *testing.T) {
	escapes := regexp.MustCompile("\x1b\\[[0-9]*m")
	charts := []*Timeline{figure1(), figure2(), figure3(), stacked(), {}}
	rapid.Check(t, func(t *rapid.T) {
		chart := rapid.SampledFrom(charts).Draw(t, "chart")
		columns := rapid.IntRange(-5, 300).Draw(t, "columns")
		plain := asText(t, chart, columns, false)
		for line := range strings.Lines(plain) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > max(columns, leastText) {
				t.Errorf("%d characters in %d columns: %q", n, columns, line)
			}
		}
		if strings.ContainsRune(plain, 0x1b) {
			t.Errorf("escape codes without colours")
		}
		trimmed := regexp.MustCompile(" +\n").ReplaceAllString(escapes.ReplaceAllString(asText(t, chart, columns, true), ""), "\n")
		if trimmed != plain {
			t.Errorf("colours change the text:\n%s\n%s", trimmed, plain)
		}
	})
}

func TestSparkline(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   string
	}{
		{nil, ""}, {[]float64{5}, "▁"}, {[]float64{1e7, 1e6, 1e5, 1e4, 1e3, 100, 10, 1}, "█▇▆▅▄▃▂▁"},
		{[]float64{1, 0, 10, math.Inf(1), math.NaN()}, "▁ █  "},
	} {
		if got := Sparkline(test.values); got != test.want {
			t.Errorf("%v: %q, want %q", test.values, got, test.want)
		}
	}
}
