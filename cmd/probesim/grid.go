package main

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/probesim/probesim/scenarios"
)

// axis is one --over: a path and the values it takes.
type axis struct {
	path   string
	values []string
}

// mostPoints limits a grid.
const mostPoints = 10_000

// parseAxis reads path=v1,v2,v3 or path=from..to..step.
func parseAxis(text string) (axis, error) {
	path, list, ok := strings.Cut(text, "=")
	if !ok || path == "" || list == "" {
		return axis{}, fmt.Errorf("%q: must be path=v1,v2,… or path=from..to..step", text)
	}
	a := axis{path: path}
	for _, item := range splitValues(list) {
		item = strings.TrimSpace(item)
		ends := strings.Split(item, "..")
		if len(ends) == 1 {
			a.values = append(a.values, item)
			continue
		}
		values, err := parseRange(ends)
		if err != nil {
			return axis{}, fmt.Errorf("%q: %s: %w", text, item, err)
		}
		a.values = append(a.values, values...)
	}
	return a, nil
}

// splitValues splits at commas outside of braces, brackets and quotes, so that
// a value may be a distribution.
func splitValues(list string) []string {
	var values []string
	depth, quoted, from := 0, false, 0
	for i, c := range list {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',' && depth == 0:
			values = append(values, list[from:i])
			from = i + 1
		}
	}
	return append(values, list[from:])
}

var withUnit = regexp.MustCompile(`^([0-9]+\.?[0-9]*)([a-zA-Z]*)$`)

// parseRange returns the values from the first to the second in steps of the
// third, or, where that is *f, each f times the one before. All have one unit,
// or are durations. Without a step, whole numbers go by 1.
func parseRange(ends []string) ([]string, error) {
	if len(ends) > 3 {
		return nil, fmt.Errorf("must be from..to..step")
	}
	step, geometric := "1", false
	if len(ends) == 3 {
		step, geometric = strings.CutPrefix(ends[2], "*")
	}
	from, unit, ok1 := numberWithUnit(ends[0])
	to, unit2, ok2 := numberWithUnit(ends[1])
	by, unit3, ok3 := numberWithUnit(step)
	same := ok1 && ok2 && ok3 && unit == unit2 && (unit == unit3 || geometric && unit3 == "")
	write := func(x float64) string { return strconv.FormatFloat(x, 'g', 12, 64) + unit }
	if !same {
		d1, err1 := scenarios.ParseDuration(ends[0])
		d2, err2 := scenarios.ParseDuration(ends[1])
		from, to = float64(d1), float64(d2)
		if !geometric {
			d3, err := scenarios.ParseDuration(step)
			by, ok3 = float64(d3), err == nil
		}
		if err1 != nil || err2 != nil || !ok3 {
			return nil, fmt.Errorf("must be numbers of one unit or durations, with a step, as in 1..30, 250m..2000m..250m, 1s..1m..5s or 1s..64s..*2")
		}
		write = func(x float64) string { return time.Duration(math.Round(x)).String() }
	}
	if len(ends) == 2 && (unit != "" || from != math.Trunc(from) || to != math.Trunc(to)) {
		return nil, fmt.Errorf("needs a step, as in %s..%s..STEP", ends[0], ends[1])
	}
	if to < from || !geometric && by <= 0 || geometric && (by <= 1 || from <= 0) {
		return nil, fmt.Errorf("must rise, by a step above 0 or a factor above 1")
	}
	var values []string
	for i := 0; ; i++ {
		x := from + float64(i)*by
		if geometric {
			x = from * math.Pow(by, float64(i))
		}
		if x > to+1e-9*math.Abs(to) {
			return values, nil
		}
		if i >= mostPoints {
			return nil, fmt.Errorf("more than %d values", mostPoints)
		}
		values = append(values, write(x))
	}
}

func numberWithUnit(text string) (x float64, unit string, ok bool) {
	found := withUnit.FindStringSubmatch(text)
	if found == nil {
		return 0, "", false
	}
	x, err := strconv.ParseFloat(found[1], 64)
	return x, found[2], err == nil
}

// grid returns every combination of the axes' values, the last changing
// fastest.
func grid(axes []axis) ([][]string, error) {
	points := [][]string{nil}
	for _, a := range axes {
		if len(points)*len(a.values) > mostPoints {
			return nil, fmt.Errorf("--over: more than %d points", mostPoints)
		}
		var longer [][]string
		for _, point := range points {
			for _, value := range a.values {
				longer = append(longer, append(point[:len(point):len(point)], value))
			}
		}
		points = longer
	}
	return points, nil
}
