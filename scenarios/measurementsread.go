package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// MeasurementFormats are the forms that measurements come in.
var MeasurementFormats = []string{"csv", "prometheus", "histogram", "pods", "events"}

// MeasurementOptions say how to read measurements. The zero value finds out.
type MeasurementOptions struct {
	Format    string        // one of MeasurementFormats; empty: by the look of the data
	Column    string        // csv: heading of the column of durations
	Censored  string        // csv: heading of the column that says which were cut off
	Unit      time.Duration // of bare numbers; 0: as the heading says, else seconds
	Container string        // pods: name of the container; empty: all
}

// Measurements are what a file of measurements holds.
type Measurements struct {
	Series []Series
	Counts []ProbeCounts // of events
	Notes  []string
}

// Series are durations of one kind.
type Series struct {
	Name         string // of the column, metric or container
	Observations []dist.Observation
	Buckets      bool   // the observations are all the buckets of a histogram
	Path         string // of the scenario's field that they are for; empty: not known
	Notes        []string
}

// ReadMeasurements reads durations, or counts of failed probes and kills, from
// what monitoring and kubectl print. Its error is of type Faults.
func ReadMeasurements(src Source, o MeasurementOptions) (*Measurements, error) {
	if src.Name == "-" {
		src.Name = standardInput
	}
	format := o.Format
	if format == "" {
		format = measurementFormat(src.Data)
	}
	r := &measurementReader{file: src.Name, data: src.Data, options: o}
	switch format {
	case "csv":
		r.csv()
	case "histogram":
		r.histogram()
	case "prometheus":
		r.prometheus()
	case "pods":
		r.pods()
	case "events":
		r.events()
	case "":
		r.fault(0, "", "neither an answer of Prometheus (status, data) nor a list of pods or events from kubectl get -o json")
	default:
		r.fault(0, "", "format %s: must be one of %s", quoted(format), strings.Join(MeasurementFormats, ", "))
	}
	if len(r.faults) == 0 && len(r.out.Series) == 0 && len(r.out.Counts) == 0 {
		r.fault(0, "", "holds no measurements%s", r.empty)
	}
	if len(r.faults) > 0 {
		faults := r.faults.sorted()
		if r.unsaid > 0 {
			faults = append(faults, Fault{File: src.Name, Message: fmt.Sprintf("and %d more", r.unsaid)})
		}
		return nil, faults
	}
	return &r.out, nil
}

// measurementFormat tells a format by its look; empty for other JSON.
func measurementFormat(data []byte) string {
	text := bytes.TrimLeft(data, " \t\r\n\ufeff")
	if len(text) > 0 && text[0] == '{' {
		var object struct {
			Status *json.RawMessage `json:"status"`
			Data   *json.RawMessage `json:"data"`
			Kind   string           `json:"kind"`
			Items  []struct {
				Kind string `json:"kind"`
			} `json:"items"`
		}
		if err := json.Unmarshal(text, &object); err != nil {
			var syntax *json.SyntaxError
			if errors.As(err, &syntax) {
				return "prometheus" // whose reader says where it is broken
			}
		}
		first := ""
		if len(object.Items) > 0 {
			first = object.Items[0].Kind
		}
		switch {
		case object.Kind == "Pod" || object.Kind == "PodList" || first == "Pod":
			return "pods"
		case object.Kind == "Event" || object.Kind == "EventList" || first == "Event":
			return "events"
		case object.Data != nil || object.Kind == "" && object.Status != nil:
			return "prometheus"
		}
		return ""
	}
	for line := range bytes.Lines(text) {
		if bytes.Contains(line, []byte("_bucket{")) || bytes.HasPrefix(line, []byte("# TYPE")) {
			return "histogram"
		}
		if heading := strings.TrimSpace(string(line)); heading != "" && !strings.HasPrefix(heading, "#") {
			if first, _, _ := strings.Cut(heading, ","); strings.EqualFold(first, "le") {
				return "histogram"
			}
			break
		}
	}
	return "csv"
}

// mostMeasurementFaults is the number of faults of a file that are reported.
const mostMeasurementFaults = 10

// measurementReader reads one file.
type measurementReader struct {
	file    string
	data    []byte
	options MeasurementOptions
	out     Measurements
	empty   string // why there may be nothing, for the message
	faults  Faults
	unsaid  int // faults beyond those
}

func (r *measurementReader) fault(line int, path, format string, args ...any) {
	if len(r.faults) == mostMeasurementFaults {
		r.unsaid++
		return
	}
	r.faults = append(r.faults, Fault{r.file, line, path, fmt.Sprintf(format, args...)})
}

// oneLine makes a name from a file fit into one line.
func oneLine(name string) string { return abridged(strings.Join(strings.Fields(name), " ")) }

// histogram reads the buckets of a scraped page or of CSV.
func (r *measurementReader) histogram() {
	buckets, err := parseBuckets(r.data, 1)
	if err != nil {
		message, line := err.Error(), 0
		if _, scanErr := fmt.Sscanf(message, "line %d: ", &line); scanErr == nil {
			_, message, _ = strings.Cut(message, ": ")
		}
		r.fault(line, "", "%s", message)
		return
	}
	r.buckets("histogram", buckets)
}

// buckets adds cumulative buckets, with bounds in the unit of the options, as a
// series of intervals.
func (r *measurementReader) buckets(name string, buckets []dist.Bucket) {
	unit := r.unit(name)
	last := len(buckets) - 1
	if last < 1 || !math.IsInf(buckets[last].LE, 1) {
		r.fault(0, name, "needs a finite bucket and, as the last, the +Inf bucket")
		return
	}
	for i, b := range buckets {
		if !(b.LE >= 0) || !(b.Count >= 0) || math.IsInf(b.Count, 1) || i > 0 && b.Count < buckets[i-1].Count {
			r.fault(0, name, "le=%v: %v: bounds and counts must not be negative, and counts, which are cumulative, not decrease", b.LE, b.Count)
			return
		}
	}
	series := Series{Name: name, Buckets: true}
	low, below, whole := time.Duration(0), 0.0, true
	for _, b := range buckets {
		high, ok := scaled(b.LE, unit)
		if !ok {
			r.fault(0, name, "le=%v: must be at most 100 years", b.LE)
			return
		}
		if high > 0 {
			series.Observations = append(series.Observations, dist.Observation{Low: low, High: high, Count: b.Count - below})
			low, below = high, b.Count
		}
		whole = whole && b.Count == float64(int64(b.Count))
	}
	if !whole {
		series.Notes = append(series.Notes, "the buckets hold no whole numbers: taken as extrapolated counts, as increase() gives them; rates would make every interval too wide")
	}
	r.out.Series = append(r.out.Series, series)
}

// unit returns what a bare number of a series means: what the options say, what
// the name says, or a second.
func (r *measurementReader) unit(name string) time.Duration {
	if r.options.Unit > 0 {
		return r.options.Unit
	}
	if unit, ok := namedUnit(name); ok {
		return unit
	}
	return time.Second
}

// scaled turns a number of units into a duration, +Inf into Unbounded. It
// reports false for what no duration can be.
func scaled(x float64, unit time.Duration) (time.Duration, bool) {
	ns := x * float64(unit)
	switch {
	case math.IsInf(x, 1):
		return dist.Unbounded, true
	case !(ns >= 0) || ns > float64(dist.Longest):
		return 0, false
	}
	return time.Duration(ns + 0.5), true
}

var units = map[string]time.Duration{
	"ns": time.Nanosecond, "nanos": time.Nanosecond, "nanoseconds": time.Nanosecond,
	"us": time.Microsecond, "µs": time.Microsecond, "micros": time.Microsecond, "microseconds": time.Microsecond,
	"ms": time.Millisecond, "millis": time.Millisecond, "msec": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"min": time.Minute, "mins": time.Minute, "minutes": time.Minute, "h": time.Hour, "hours": time.Hour,
}

// MeasurementUnit returns the unit that a word names: ms, seconds, minutes, ….
func MeasurementUnit(word string) (time.Duration, error) {
	unit, ok := units[strings.ToLower(word)]
	if !ok {
		return 0, fmt.Errorf("%s: must be a unit: ns, us, ms, s, min or h", quoted(word))
	}
	return unit, nil
}

// namedUnit returns the unit that the last words of a name state, as in
// startup_ms, latencySeconds or "duration (ms)"; those of a metric may be
// followed by sum, bucket and the like.
func namedUnit(name string) (time.Duration, bool) {
	var words []string
	var word []rune
	cut := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
		}
		word = word[:0]
	}
	for _, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == 'µ'
		if !letter || c >= 'A' && c <= 'Z' && len(word) > 0 && word[len(word)-1] >= 'a' {
			cut()
		}
		if letter {
			word = append(word, c)
		}
	}
	cut()
	for len(words) > 0 && slices.Contains([]string{"bucket", "sum", "count", "total"}, words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return 0, false
	}
	unit, ok := units[words[len(words)-1]]
	return unit, ok
}
