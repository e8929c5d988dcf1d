package scenarios

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model/dist"
)

// check holds a decoded value against the rules in its field's tags: enum for
// texts, and min, max and above for numbers and durations, of lists for each
// element, of distributions for the mean.
func (d *decoder) check(n *yaml.Node, v reflect.Value, tag reflect.StructTag, at place) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice {
		if tag.Get("enum") == "" || n.Kind != yaml.SequenceNode {
			return
		}
		for i, element := range n.Content {
			d.check(element, v.Index(i), tag, at.element(i))
		}
		return
	}
	if enum := tag.Get("enum"); enum != "" {
		if allowed := strings.Split(enum, "|"); !slices.Contains(allowed, v.String()) {
			d.fault(n, at, "%s", notOneOf(v.String(), allowed))
		}
	}
	value, isMean, ok := magnitude(v)
	if !ok {
		return
	}
	low, hasLow := bound(tag.Get("min"))
	high, hasHigh := bound(tag.Get("max"))
	above, hasAbove := bound(tag.Get("above"))
	var rule string
	switch {
	case hasAbove && value <= above:
		rule = "must be above " + tag.Get("above")
	case hasLow && hasHigh && (value < low || value > high):
		rule = "must be between " + tag.Get("min") + " and " + tag.Get("max")
	case hasLow && value < low:
		rule = "must be at least " + tag.Get("min")
	case hasHigh && value > high:
		rule = "must be at most " + tag.Get("max")
	default:
		return
	}
	if isMean {
		rule += " on average"
	}
	d.fault(n, at, "%s: %s", described(n), rule)
}

// magnitude returns what bounds apply to: the number itself, nanoseconds, or
// a distribution's mean.
func magnitude(v reflect.Value) (value float64, isMean, ok bool) {
	switch x := v.Interface().(type) {
	case durationDistribution:
		_, constant := x.Nanoseconds.(dist.Constant)
		return x.Nanoseconds.Mean(), !constant, true
	case numberDistribution:
		_, constant := x.Dist.(dist.Constant)
		return x.Mean(), !constant, true
	}
	switch v.Kind() {
	case reflect.Int, reflect.Int32, reflect.Int64:
		return float64(v.Int()), false, true
	case reflect.Float64:
		return v.Float(), false, true
	}
	return 0, false, false
}

// bound parses a bound of a tag: a number or a duration.
func bound(text string) (float64, bool) {
	if text == "" {
		return 0, false
	}
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		return number, true
	}
	nanoseconds, err := parseDuration(text)
	return float64(nanoseconds), err == nil
}

// complete fills in every default that the tags of v's type state, v itself
// being a struct.
func complete(v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		value := v.FieldByIndex(f.index)
		if text, ok := f.tag.Lookup("default"); ok && value.IsNil() {
			var tree yaml.Node
			d := &decoder{}
			if err := yaml.Unmarshal([]byte(text), &tree); err == nil {
				d.decode(tree.Content[0], value, place{"default", f.name})
			}
			if len(d.faults) > 0 {
				panic(d.faults) // a wrong tag: every default is decoded by the test of the schema
			}
		}
		for _, inner := range structsIn(value) {
			complete(inner)
		}
	}
}

// structsIn returns the structs of the scenario format that a field holds.
func structsIn(v reflect.Value) []reflect.Value {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Type().PkgPath() != reflect.TypeFor[scenario]().PkgPath() && v.Kind() != reflect.Slice {
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		if _, ok := v.Addr().Interface().(leaf); !ok {
			return []reflect.Value{v}
		}
	case reflect.Slice:
		var structs []reflect.Value
		for i := range v.Len() {
			structs = append(structs, structsIn(v.Index(i))...)
		}
		return structs
	}
	return nil
}

// inherit gives every field that v leaves out the value it has in from, a
// struct of the same type.
func inherit(v, from reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		if value := v.FieldByIndex(f.index); value.IsNil() {
			value.Set(from.FieldByIndex(f.index))
		}
	}
}
