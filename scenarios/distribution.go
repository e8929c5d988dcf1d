package scenarios

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// durationDistribution is a distribution of durations as a scenario writes it.
type durationDistribution struct {
	dist.Duration
	source *yaml.Node
}

func (d *durationDistribution) decodeNode(dec *decoder, n *yaml.Node, at place) {
	reader := distributionReader{dec, durationUnit}
	if parsed, ok := reader.read(n, at); ok {
		d.Nanoseconds, d.source = parsed, n
	}
}

// numberDistribution is a distribution of bare numbers.
type numberDistribution struct {
	dist.Dist
	source *yaml.Node
}

func (d *numberDistribution) decodeNode(dec *decoder, n *yaml.Node, at place) {
	reader := distributionReader{dec, numberUnit}
	if parsed, ok := reader.read(n, at); ok {
		d.Dist, d.source = parsed, n
	}
}

// valueUnit says how the values of a distribution are written.
type valueUnit struct {
	parse func(n *yaml.Node) (float64, bool)
	rule  func(n *yaml.Node) string
	// ofFile is what 1 means in a file of samples or buckets, which hold bare
	// numbers: seconds, Prometheus' base unit, for durations.
	ofFile float64
}

var durationUnit = valueUnit{
	parse: func(n *yaml.Node) (float64, bool) {
		value, err := parseDuration(text(n))
		return float64(value), err == nil
	},
	rule:   durationRule,
	ofFile: 1e9,
}

var numberUnit = valueUnit{
	parse: func(n *yaml.Node) (float64, bool) {
		var value float64
		ok := isNumber(n) && n.Decode(&value) == nil
		return value, ok && value >= 0 && value <= 1e18
	},
	rule:   func(*yaml.Node) string { return "must be a number, 0 or more" },
	ofFile: 1,
}

// families are the names of the distributions that a mapping can select, in
// the order in which messages list them.
var families = []string{"exponential", "uniform", "normal", "gamma", "weibull", "pareto", "triangular", "mixture", "uncertain", "shift", "samples", "histogram"}

// distributionReader turns nodes into distributions of one unit.
type distributionReader struct {
	*decoder
	unit valueUnit
}

// read returns the distribution that a node states, or reports why it states
// none: a bare value, quantiles, {mean, sd}, or a family by name.
func (r distributionReader) read(n *yaml.Node, at place) (dist.Dist, bool) {
	if origin, ok := r.origins[n]; ok {
		at = origin
	}
	if n.Kind == yaml.ScalarNode {
		value, ok := r.value(n, at)
		return dist.Constant(value), ok
	}
	parts := map[string]*yaml.Node{}
	var names []string
	before := len(r.faults)
	if n.Kind != yaml.MappingNode {
		r.fault(n, at, "a list: must be a value, quantiles such as {p50: …, p99: …}, {mean: …, sd: …} or one of %s", strings.Join(families, ", "))
		return nil, false
	}
	r.entries(n, at, func(key string, _, value *yaml.Node) {
		parts[key] = value
		names = append(names, key)
	})
	if len(r.faults) > before {
		return nil, false
	}
	for _, name := range names {
		if slices.Contains(families, name) {
			return r.family(n, name, parts, names, at)
		}
	}
	if parts["mean"] != nil || parts["sd"] != nil {
		values, ok := r.values(n, parts, names, []string{"mean", "sd"}, at)
		if !ok {
			return nil, false
		}
		return r.made(n, at)(dist.LogNormalMeanSD(values[0], values[1]))
	}
	return r.quantiles(n, parts, names, at)
}

// value reads one value of the distribution's unit.
func (r distributionReader) value(n *yaml.Node, at place) (float64, bool) {
	if origin, ok := r.origins[n]; ok {
		at = origin
	}
	value, ok := 0.0, false
	if n.Kind == yaml.ScalarNode {
		value, ok = r.unit.parse(n)
	}
	if !ok {
		r.fault(n, at, "%s: %s", described(n), r.unit.rule(n))
	}
	return value, ok
}

// made passes on what a constructor made, or reports its error at the place:
// constructors name the parameter and the rule, "p90: must not be below p50".
func (r distributionReader) made(n *yaml.Node, at place) func(dist.Dist, error) (dist.Dist, bool) {
	return func(made dist.Dist, err error) (dist.Dist, bool) {
		if err == nil {
			return made, true
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			r.fault(n, at, "%s: %s", abridged(flow(n)), line)
		}
		return nil, false
	}
}

// quantiles reads {p50: …, p99: …}: a lognormal through two, or an
// interpolation of three and more.
func (r distributionReader) quantiles(n *yaml.Node, parts map[string]*yaml.Node, names []string, at place) (dist.Dist, bool) {
	var points []dist.Point
	all := true
	for _, name := range names {
		p, ok := percentile(name)
		if !ok {
			message := "must be quantiles such as p50 and p99, mean and sd, or one of " + strings.Join(families, ", ")
			if near := model.Nearest(name, append([]string{"mean", "sd"}, families...)); near != "" {
				message += fmt.Sprintf(" (did you mean %q?)", near)
			}
			r.fault(n, at.field(name), "unknown distribution, %s", message)
			return nil, false
		}
		value, valid := r.value(parts[name], at.field(name))
		points = append(points, dist.Point{P: p, X: value})
		all = all && valid
	}
	if !all {
		return nil, false
	}
	return r.made(n, at)(dist.FromQuantiles(points))
}

var percentileForm = regexp.MustCompile(`^p[0-9]{1,2}(\.[0-9]{1,9})?$`)

// percentile returns the probability that a name such as p50 or p99.9 stands
// for: the number that is nearest to it, not a quotient that may be the next.
func percentile(name string) (p float64, ok bool) {
	if !percentileForm.MatchString(name) {
		return 0, false
	}
	p, err := strconv.ParseFloat(name[1:]+"e-2", 64)
	return p, err == nil && p > 0 && p < 1
}

// family reads a distribution that is selected by name.
func (r distributionReader) family(n *yaml.Node, name string, parts map[string]*yaml.Node, names []string, at place) (dist.Dist, bool) {
	others := []string{name}
	if name == "shift" {
		others = append(others, "of")
	}
	for _, extra := range names {
		if !slices.Contains(others, extra) {
			r.fault(n, at.field(extra), "must not be given together with %s", name)
			return nil, false
		}
	}
	parameter, inner := parts[name], at.field(name)
	made := r.made(parameter, at)
	switch name {
	case "exponential":
		mean, ok := r.value(parameter, inner)
		if !ok {
			return nil, false
		}
		return made(dist.NewExponential(mean))
	case "uniform":
		values, ok := r.list(parameter, 2, inner)
		if !ok {
			return nil, false
		}
		return made(dist.NewUniform(values[0], values[1]))
	case "triangular":
		values, ok := r.list(parameter, 3, inner)
		if !ok {
			return nil, false
		}
		return made(dist.NewTriangular(values[0], values[1], values[2]))
	case "mixture":
		return r.mixture(parameter, inner)
	case "uncertain":
		return r.uncertain(parameter, inner)
	case "shift":
		return r.shift(n, parts, at)
	case "samples", "histogram":
		return r.measured(parameter, name, inner)
	}
	return r.parametric(parameter, name, inner)
}

// parametric reads the families with two named parameters.
func (r distributionReader) parametric(n *yaml.Node, name string, at place) (dist.Dist, bool) {
	parameters := []string{"shape", "scale"}
	if name == "normal" {
		parameters = []string{"mean", "sd"}
	}
	parts := map[string]*yaml.Node{}
	var names []string
	before := len(r.faults)
	r.entries(n, at, func(key string, _, value *yaml.Node) {
		parts[key] = value
		names = append(names, key)
	})
	if len(r.faults) > before {
		return nil, false
	}
	values, ok := r.values(n, parts, names, parameters, at)
	if !ok {
		return nil, false
	}
	made := r.made(n, at)
	switch name {
	case "normal":
		return made(dist.NewNormal(values[0], values[1]))
	case "gamma":
		return made(dist.NewGamma(values[0], values[1]))
	case "weibull":
		return made(dist.NewWeibull(values[0], values[1]))
	}
	return made(dist.NewPareto(values[1], values[0]))
}

// values reads exactly the named parameters. A shape is a bare number whatever
// the unit.
func (r distributionReader) values(n *yaml.Node, parts map[string]*yaml.Node, names, wanted []string, at place) ([]float64, bool) {
	ok := true
	for _, name := range names {
		if !slices.Contains(wanted, name) {
			r.fault(n, at.field(name), "unknown field, allowed: %s", strings.Join(wanted, ", "))
			ok = false
		}
	}
	values := make([]float64, len(wanted))
	for i, name := range wanted {
		if parts[name] == nil {
			r.fault(n, at.field(name), "required")
			ok = false
			continue
		}
		reader := r
		if name == "shape" {
			reader.unit = numberUnit
		}
		value, valid := reader.value(parts[name], at.field(name))
		values[i] = value
		ok = ok && valid
	}
	return values, ok
}

func (r distributionReader) list(n *yaml.Node, length int, at place) ([]float64, bool) {
	if n.Kind != yaml.SequenceNode || len(n.Content) != length {
		r.fault(n, at, "%s: must be a list of %d values in increasing order", described(n), length)
		return nil, false
	}
	values, ok := make([]float64, length), true
	for i, element := range n.Content {
		value, valid := r.value(element, at.element(i))
		values[i] = value
		ok = ok && valid
	}
	return values, ok
}

func (r distributionReader) mixture(n *yaml.Node, at place) (dist.Dist, bool) {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, at, "%s: must be a list of {weight: …, of: …}", described(n))
		return nil, false
	}
	var parts []dist.Part
	ok := true
	for i, element := range n.Content {
		var part dist.Part
		before := len(r.faults)
		given := map[string]bool{}
		r.entries(element, at.element(i), func(key string, keyNode, value *yaml.Node) {
			given[key] = true
			switch here := at.element(i).field(key); key {
			case "weight":
				part.Weight, _ = distributionReader{r.decoder, numberUnit}.value(value, here)
			case "of":
				part.Of, _ = r.read(value, here)
			default:
				r.fault(keyNode, here, "%s", unknownField(key, []string{"weight", "of"}))
			}
		})
		for _, name := range []string{"weight", "of"} {
			if element.Kind == yaml.MappingNode && !given[name] {
				r.fault(element, at.element(i).field(name), "required")
			}
		}
		parts = append(parts, part)
		ok = ok && len(r.faults) == before
	}
	if !ok {
		return nil, false
	}
	return r.made(n, at)(dist.NewMixture(parts))
}

// uncertain reads the distributions of which one holds.
func (r distributionReader) uncertain(n *yaml.Node, at place) (dist.Dist, bool) {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, at, "%s: must be a list of distributions, of which one holds", described(n))
		return nil, false
	}
	var of []dist.Dist
	all := true
	for i, element := range n.Content {
		d, ok := r.read(element, at.element(i))
		of = append(of, d)
		all = all && ok
	}
	if !all {
		return nil, false
	}
	return r.made(n, at)(dist.NewUncertain(of))
}

func (r distributionReader) shift(n *yaml.Node, parts map[string]*yaml.Node, at place) (dist.Dist, bool) {
	if parts["of"] == nil {
		r.fault(n, at.field("of"), "required")
		return nil, false
	}
	by, ok := r.value(parts["shift"], at.field("shift"))
	of, valid := r.read(parts["of"], at.field("of"))
	if !ok || !valid {
		return nil, false
	}
	return r.made(n, at)(dist.NewShift(by, of))
}

// measured reads a distribution from a file of measurements.
func (r distributionReader) measured(n *yaml.Node, name string, at place) (dist.Dist, bool) {
	if n.Kind != yaml.ScalarNode || n.Value == "" {
		r.fault(n, at, "%s: must be the name of a file", described(n))
		return nil, false
	}
	if r.files == nil {
		r.fault(n, at, "%s: files cannot be read here", described(n))
		return nil, false
	}
	data, err := r.files(n.Value)
	if err != nil {
		r.fault(n, at, "%s: %v", described(n), err)
		return nil, false
	}
	var made dist.Dist
	if name == "samples" {
		var samples []float64
		if samples, err = parseSamples(data, r.unit); err == nil {
			made, err = dist.NewSamples(samples)
		}
	} else {
		var buckets []dist.Bucket
		if buckets, err = parseBuckets(data, r.unit.ofFile); err == nil {
			made, err = dist.NewHistogram(buckets)
		}
	}
	if err != nil {
		r.fault(n, at, "%s: %v", described(n), err)
	}
	return made, err == nil
}

var errEmpty = errors.New("holds no values")
