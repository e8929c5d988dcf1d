package main

import (
	"strings"
	"testing"
)

func TestParseAxis(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a.b=1,2,5", "1|2|5"},
		{"a.b=1..4", "1|2|3|4"},
		{"a.b=0.1..0.5..0.1", "0.1|0.2|0.3|0.4|0.5"},
		{"a.b=1..10..4", "1|5|9"},
		{"a.b=1..20..*3", "1|3|9"},
		{"resources.limits.cpu=250m..1000m..250m", "250m|500m|750m|1000m"},
		{"a.b=1s..10s..4s", "1s|5s|9s"},
		{"a.b=500ms..2s..500ms", "500ms|1s|1.5s|2s"},
		{"a.b=30s..4m..*2", "30s|1m0s|2m0s|4m0s"},
		{"a.b={p50: 1s, p99: 2s}, {uniform: [1s, 2s]},3s", "{p50: 1s, p99: 2s}|{uniform: [1s, 2s]}|3s"},
		{"a.b=1,5..7,20", "1|5|6|7|20"},
		{"a.b=true,false", "true|false"},
	} {
		got, err := parseAxis(c.text)
		if err != nil || got.path != strings.SplitN(c.text, "=", 2)[0] || strings.Join(got.values, "|") != c.want {
			t.Errorf("%s: %q, %v, want %s", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{
		"", "a.b", "a.b=", "=1", "a.b=5..1", "a.b=1..5..0", "a.b=1..5..-1", "a.b=1..5..*1", "a.b=0..5..*2",
		"a.b=1s..5s", "a.b=0.5..2", "a.b=x..y", "a.b=1..2..3..4", "a.b=1m..2s..3", "a.b=0..1e9", "a.b=1..1000000", "a.b=..", "a.b=1..",
	} {
		if got, err := parseAxis(text); err == nil {
			t.Errorf("%q: %q and no error", text, got)
		}
	}
}

func TestGrid(t *testing.T) {
	points, err := grid([]axis{{"a", []string{"1", "2"}}, {"b", []string{"x", "y", "z"}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, point := range points {
		got = append(got, strings.Join(point, ""))
	}
	if strings.Join(got, " ") != "1x 1y 1z 2x 2y 2z" {
		t.Errorf("%q", got)
	}
	long := axis{"a", make([]string, 200)}
	if _, err := grid([]axis{long, long}); err == nil {
		t.Error("a grid of 40,000 points was made")
	}
}
