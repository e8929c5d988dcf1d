package scenarios

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// ms is an observation between two numbers of milliseconds; the second negative:
// cut off.
func ms(low, high float64, count float64) dist.Observation {
	o := dist.Observation{Low: time.Duration(low * 1e6), High: time.Duration(high * 1e6), Count: count}
	if high < 0 {
		o.High = dist.Unbounded
	}
	return o
}

func TestReadMeasurements(t *testing.T) {
	// Ready 12 s after the start, seen by a probe every 2 s through two clocks of
	// whole seconds: an interval of √(2² + 2) s around 11 s.
	half := math.Sqrt(6) / 2 * 1000
	for name, want := range map[string]Series{
		"startups.csv": {Name: "startup_ms", Observations: []dist.Observation{
			ms(11200, 11200, 1), ms(9800, 9800, 1), ms(30000, -1, 1), ms(30000, -1, 1), ms(14500, 14500, 1)}},
		"vector.json":  {Name: "query", Observations: []dist.Observation{ms(11500, 11500, 1), ms(9000, 9000, 1)}},
		"matrix.json":  {Name: "startup_seconds", Observations: []dist.Observation{ms(11500, 11500, 1), ms(8250, 8250, 1), ms(9000, 9000, 1)}},
		"buckets.json": {Name: "prober_probe_duration_seconds_bucket", Buckets: true, Observations: []dist.Observation{ms(0, 5, 80), ms(5, 50, 30), ms(50, -1, 2)}},
		"scraped.prom": {Name: "histogram", Buckets: true, Observations: []dist.Observation{ms(0, 100, 84), ms(100, 1000, 16), ms(1000, -1, 1)}},
		"pods.json": {Name: "web", Path: "application.startup.wait", Observations: []dist.Observation{
			ms(11000-half, 11000+half, 1), ms(28000, -1, 1), ms(15000, -1, 1), ms(8000-half, 8000+half, 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata/measurements", name))
			if err != nil {
				t.Fatal(err)
			}
			m, err := ReadMeasurements(Source{Name: name, Data: data}, MeasurementOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Series) != 1 || m.Series[0].Name != want.Name || m.Series[0].Buckets != want.Buckets || m.Series[0].Path != want.Path {
				t.Fatalf("%+v", m.Series)
			}
			got := m.Series[0].Observations
			if len(got) != len(want.Observations) {
				t.Fatalf("got %v, want %v", got, want.Observations)
			}
			for i := range got {
				if (got[i].Low-want.Observations[i].Low).Abs() > time.Microsecond || (got[i].High-want.Observations[i].High).Abs() > time.Microsecond || got[i].Count != want.Observations[i].Count {
					t.Errorf("observation %d is %v, want %v", i, got[i], want.Observations[i])
				}
			}
		})
	}
}

func TestReadEvents(t *testing.T) {
	data, err := os.ReadFile("testdata/measurements/events.json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadMeasurements(Source{Name: "events.json", Data: data}, MeasurementOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []ProbeCounts{{"shop/web-1 web", "liveness", 12, 2, time.Hour}, {"shop/web-1 web", "readiness", 3, 0, time.Hour}}
	if !reflect.DeepEqual(m.Counts, want) {
		t.Errorf("got %+v, want %+v", m.Counts, want)
	}
}

// TestMeasurementsRefused holds each fault to one line with file and line.
func TestMeasurementsRefused(t *testing.T) {
	for _, c := range []struct {
		data    string
		options MeasurementOptions
		want    string
	}{
		{"", MeasurementOptions{}, "m: holds no measurements"},
		{"a,b\n1,2\n", MeasurementOptions{}, "m: 2 columns could be the durations: name one with --column"},
		{"a,b\n1,2\n", MeasurementOptions{Column: "c"}, `m: column "c": must be one of a, b`},
		{"1\n2\n", MeasurementOptions{Column: "c"}, `m: column "c": there is no heading; give the number of the column, from 1`},
		{"startup_ms\n5\nfast\n-1\n", MeasurementOptions{}, "m:3: startup_ms: \"fast\": must be a number, 0 or more, or a duration with its unit, at most 100 years\nm:4: startup_ms: \"-1\": must be a number, 0 or more, or a duration with its unit, at most 100 years"},
		{"a_s,killed\n5,maybe\n", MeasurementOptions{}, `m:2: killed: "maybe": must be true or false, yes or no, 1 or 0, or empty`},
		{"a_s\n5\n", MeasurementOptions{Censored: "x"}, `m: column "x": must be one of a_s`},
		{"a,b_s\n1,\"2\n", MeasurementOptions{}, `m:2: extraneous or missing " in quoted-field`},
		{"5\n", MeasurementOptions{Format: "xml"}, `m: format "xml": must be one of csv, prometheus, histogram, pods, events`},
		{"le,count\n0.1,x\n", MeasurementOptions{}, `m:2: "0.1,x": must be a bucket such as name_bucket{le="0.1"} 24, or 0.1,24`},
		{"le,count\n0.1,5\n", MeasurementOptions{}, "m: histogram: needs a finite bucket and, as the last, the +Inf bucket"},
		{"le,count\n0.1,5\n1,4\n+Inf,9\n", MeasurementOptions{}, "m: histogram: le=1: 4: bounds and counts must not be negative, and counts, which are cumulative, not decrease"},
		{"{}", MeasurementOptions{}, "m: neither an answer of Prometheus (status, data) nor a list of pods or events from kubectl get -o json"},
		{"{\n\"status\": \n", MeasurementOptions{}, "m:3: not JSON: unexpected EOF"},
		{"{\n\"status\": x}", MeasurementOptions{}, "m:2: not JSON: invalid character 'x' looking for beginning of value"},
		{`{"status":"error","error":"bad query","data":{}}`, MeasurementOptions{}, `m:1: Prometheus says: "bad query"`},
		{"{\"status\":\"success\",\n\"data\":{\"resultType\":\n\"scalar\",\"result\":[]}}", MeasurementOptions{}, `m:3: data.resultType: "scalar": must be vector or matrix`},
		{`{"status":"success","data":{"resultType":"vector","result":[]}}`, MeasurementOptions{}, "m: holds no measurements: the query returned no series"},
		{"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[\n{\"metric\":{},\n\"value\":[1,2]}]}}", MeasurementOptions{}, `m:3: data.result[0].value: must be [seconds, "number"]`},
		{"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[\n{\"metric\":{},\"values\":[[1,\"2\"],\n[2,\"x\"]]}]}}", MeasurementOptions{}, `m:3: data.result[0].values[1]: must be [seconds, "number"]`},
		{"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[\n{\"metric\":{\"le\":\"wide\"},\"value\":[1,\"2\"]}]}}", MeasurementOptions{}, `m:2: data.result[0].metric.le: "wide": must be a number or +Inf`},
		{"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[\n{\"metric\":{},\"value\":[1,\"-2\"]}]}}", MeasurementOptions{}, `m:2: data.result[0]: -2: must be a duration from 0 to 100 years; the unit is s`},
		{"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[\n{\"metric\":{},\"histogram\":[1,{}]}]}}", MeasurementOptions{}, `m:2: data.result[0]: a native histogram: ask for the classic buckets, with le`},
		{`{"kind":"PodList","items":[]}`, MeasurementOptions{}, "m: holds no measurements: no container has been seen to start"},
		{`{"kind":"EventList","items":[]}`, MeasurementOptions{}, "m: holds no measurements: no event is an Unhealthy, or a Killing by a probe"},
		{"{\"kind\":\"Pod\",\"status\":\n7}", MeasurementOptions{}, "m:2: status: must not be a number here"},
		{"s\n" + strings.Repeat("x\n", 12), MeasurementOptions{}, "m:2: s: \"x\": must be a number, 0 or more, or a duration with its unit, at most 100 years\n" +
			"…\nm: and 2 more"},
		{"{\"kind\":\"PodList\",\"items\":[\n{\"status\":7}]}", MeasurementOptions{}, "m:2: items.status: must not be a number here"},
	} {
		_, err := ReadMeasurements(Source{Name: "m", Data: []byte(c.data)}, c.options)
		if begin, end, cut := strings.Cut(c.want, "…"); cut && err != nil && strings.HasPrefix(err.Error(), begin) && strings.HasSuffix(err.Error(), end) {
			continue
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: got %v, want %s", c.data, err, c.want)
		}
	}
}

func TestNamedUnit(t *testing.T) {
	for name, want := range map[string]time.Duration{
		"startup_ms": time.Millisecond, "latencySeconds": time.Second, "duration (min)": time.Minute, "x_seconds_bucket": time.Second,
		"prober_probe_duration_seconds_sum": time.Second, "µs": time.Microsecond, "pods": 0, "duration": 0, "": 0, "restarts_total": 0,
	} {
		if got, ok := namedUnit(name); got != want || ok != (want > 0) {
			t.Errorf("%q: %v, %v", name, got, ok)
		}
	}
}

// TestFormatDistribution sends every family that can be fitted through the
// loader, which must read the same distribution from what is written.
func TestFormatDistribution(t *testing.T) {
	for want, d := range map[string]dist.Dist{
		"0s":                                     nil,
		"12.5s":                                  dist.Constant(12.5e9),
		"{p50: 5s, p99: 32.15s}":                 dist.LogNormal{Mu: math.Log(5e9), Sigma: 0.8},
		"{exponential: 91.03d}":                  dist.Exponential(91.0301 * 86400e9),
		"{exponential: 1h8m18s}":                 dist.Exponential(4097.63e9),
		"{gamma: {shape: 11.84, scale: 1.137s}}": dist.Gamma{Shape: 11.84, Scale: 1.137e9},
		"{weibull: {shape: 0.00123, scale: 4.5ms}}": dist.Weibull{Shape: 0.00123, Scale: 4.5e6},
		"{pareto: {shape: 1.5, scale: 7.078µs}}":    dist.Pareto{Scale: 7078, Shape: 1.5},
		"{normal: {mean: 13.39s, sd: 3.932s}}":      dist.Normal{Mu: 13.39e9, Sigma: 3.932e9},
		"{shift: 4.6s, of: {p50: 8s, p99: 20.33s}}": dist.Shift{By: 4.6e9, Of: dist.LogNormal{Mu: math.Log(8e9), Sigma: 0.401}},
		"{mixture: [{weight: 0.8, of: {p50: 4s, p99: 5.67s}}, {weight: 0.2, of: {p50: 36s, p99: 57.33s}}]}": dist.Mixture{
			{Weight: .8, Of: dist.LogNormal{Mu: math.Log(4e9), Sigma: .15}}, {Weight: .2, Of: dist.LogNormal{Mu: math.Log(36e9), Sigma: .2}}},
	} {
		text, err := FormatDistribution(dist.Duration{Nanoseconds: d})
		if err != nil || text != want {
			t.Errorf("got %s, %v, want %s", text, err, want)
			continue
		}
		read, err := ParseDistribution(text)
		if err != nil {
			t.Error(err)
			continue
		}
		written := dist.Duration{Nanoseconds: d}
		for _, p := range []float64{.01, .5, .9, .99} {
			a, b := float64(read.Quantile(p)), float64(written.Quantile(p))
			if b < float64(dist.Longest) && math.Abs(a-b) > 2e-3*b+1 {
				t.Errorf("%s: quantile %v is %v, was %v", text, p, a, b)
			}
		}
	}
	if _, err := FormatDistribution(dist.Duration{Nanoseconds: dist.Uniform{Low: 1, High: 2}}); err == nil {
		t.Error("a uniform distribution has been written, which fit never makes")
	}
}

// checkMeasurements holds that whatever is read is valid, and every fault is
// one line that names the file.
func checkMeasurements(t *testing.T, m *Measurements, err error) {
	t.Helper()
	if err != nil {
		var faults Faults
		if !errors.As(err, &faults) || len(faults) == 0 || m != nil {
			t.Fatalf("%T: %v", err, err)
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			if !strings.HasPrefix(line, "m:") {
				t.Fatalf("%q", err.Error())
			}
		}
		return
	}
	for _, s := range m.Series {
		if len(s.Observations) == 0 {
			t.Fatalf("%s is empty", s.Name)
		}
		for _, o := range s.Observations {
			if o.Low < 0 || o.High < o.Low || !(o.Count >= 0) || o.Low > dist.Longest {
				t.Fatalf("%s: %v", s.Name, o)
			}
		}
	}
	for _, c := range m.Counts {
		if c.Failures < 0 || c.Kills < 0 || c.Span < 0 {
			t.Fatalf("%+v", c)
		}
	}
}

// fuzzMeasurements fuzzes the reader of one format.
func fuzzMeasurements(f *testing.F, format string, seeds ...string) {
	files, _ := filepath.Glob("testdata/measurements/*")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadMeasurements(Source{Name: "m", Data: data}, MeasurementOptions{Format: format})
		checkMeasurements(t, m, err)
	})
}

func FuzzReadCSV(f *testing.F) {
	fuzzMeasurements(f, "csv", "a;b\n1;2\n", "x\ty_s\n1\t>2\n", "\ufeff1\n", "\"a\nb\",2s\n", "1e308\n", ">\n")
}

func FuzzReadPrometheus(f *testing.F) {
	fuzzMeasurements(f, "prometheus", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"le":"+Inf"},"value":[0,"1"]}]}}`)
}

func FuzzReadHistogram(f *testing.F) {
	fuzzMeasurements(f, "histogram", "le,count\n0,5\n0.1,5\n+Inf,1e300\n", "le,count\n-1,5\n0.1,9\n+Inf,9\n")
}

func FuzzReadPods(f *testing.F) { fuzzMeasurements(f, "pods", `{"status":{"containerStatuses":[{}]}}`) }

func FuzzReadEvents(f *testing.F) { fuzzMeasurements(f, "events", `{"reason":"Unhealthy"}`) }
