package scenarios

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/probesim/probesim/model/dist"
)

// promResponse is an answer of Prometheus' HTTP API, /api/v1/query and
// /api/v1/query_range.
type promResponse struct {
	Status string `json:"status"`
	Error  string `json:"error"`
	Data   struct {
		ResultType string       `json:"resultType"`
		Result     []promSeries `json:"result"`
	} `json:"data"`
}

type promSeries struct {
	Metric     map[string]string `json:"metric"`
	Value      promValue         `json:"value"`
	Values     []promValue       `json:"values"`
	Histogram  json.RawMessage   `json:"histogram"`
	Histograms json.RawMessage   `json:"histograms"`
}

// promValue is [seconds, "number"].
type promValue []any

// prometheus reads an instant vector or a range matrix: the buckets of a
// histogram where there are le labels, else durations.
func (r *measurementReader) prometheus() {
	var answer promResponse
	if !r.json(&answer) {
		return
	}
	switch {
	case answer.Status == "error":
		r.fault(r.line("error"), "", "Prometheus says: %s", quoted(answer.Error))
		return
	case answer.Status != "success":
		r.fault(r.line("status"), "status", "%s: must be success, as in an answer of Prometheus' HTTP API", quoted(answer.Status))
		return
	case answer.Data.ResultType != "vector" && answer.Data.ResultType != "matrix":
		r.fault(r.line("data", "resultType"), "data.resultType", "%s: must be vector or matrix", quoted(answer.Data.ResultType))
		return
	}
	r.empty = ": the query returned no series"
	bounds := map[string]map[float64]float64{} // by metric
	values := map[string]*Series{}
	var names []string
	for i, series := range answer.Data.Result {
		name := oneLine(series.Metric["__name__"])
		if name == "" {
			name = "query"
		}
		if len(series.Histogram) > 0 || len(series.Histograms) > 0 {
			r.fault(r.line("data", "result", i), fmt.Sprintf("data.result[%d]", i), "a native histogram: ask for the classic buckets, with le")
			continue
		}
		numbers := r.promNumbers(answer.Data.ResultType, i, series)
		if bounds[name] == nil && values[name] == nil {
			names = append(names, name)
		}
		if text, ok := series.Metric["le"]; ok {
			le, err := strconv.ParseFloat(text, 64)
			if err != nil || math.IsNaN(le) {
				r.fault(r.line("data", "result", i, "metric", "le"), fmt.Sprintf("data.result[%d].metric.le", i), "%s: must be a number or +Inf", quoted(text))
				continue
			}
			if bounds[name] == nil {
				bounds[name] = map[float64]float64{}
			}
			bounds[name][le] += increase(answer.Data.ResultType, numbers)
			continue
		}
		if values[name] == nil {
			values[name] = &Series{Name: name}
		}
		r.promDurations(values[name], name, i, numbers)
	}
	for _, name := range names {
		if bounds[name] != nil {
			r.promBuckets(name, bounds[name])
		}
		if s := values[name]; s != nil && len(s.Observations) > 0 {
			if answer.Data.ResultType == "matrix" {
				s.Notes = append(s.Notes, "a value that a series repeats from sample to sample is one measurement")
			}
			r.out.Series = append(r.out.Series, *s)
		}
	}
}

// promBuckets adds the buckets of a histogram, whose counts over a range may
// differ by what was scraped when: they are made to increase.
func (r *measurementReader) promBuckets(name string, counts map[float64]float64) {
	var buckets []dist.Bucket
	for le, count := range counts {
		buckets = append(buckets, dist.Bucket{LE: le, Count: count})
	}
	slices.SortFunc(buckets, func(a, b dist.Bucket) int {
		if a.LE < b.LE {
			return -1
		}
		return 1
	})
	for i := 1; i < len(buckets); i++ {
		buckets[i].Count = max(buckets[i].Count, buckets[i-1].Count)
	}
	r.buckets(name, buckets)
}

// promNumbers returns the numbers of a series in their order.
func (r *measurementReader) promNumbers(resultType string, i int, series promSeries) []float64 {
	all, field := series.Values, "values"
	if resultType == "vector" {
		all, field = []promValue{series.Value}, "value"
	}
	var numbers []float64
	for j, value := range all {
		number, ok := math.NaN(), false
		if len(value) == 2 {
			var text string
			if text, ok = value[1].(string); ok {
				var err error
				number, err = strconv.ParseFloat(text, 64)
				ok = err == nil
			}
		}
		if !ok {
			path, steps := fmt.Sprintf("data.result[%d].%s", i, field), []any{"data", "result", i, field}
			if field == "values" {
				path, steps = fmt.Sprintf("%s[%d]", path, j), append(steps, j)
			}
			r.fault(r.line(steps...), path, `must be [seconds, "number"]`)
			return nil
		}
		numbers = append(numbers, number)
	}
	return numbers
}

// increase returns how much a counter grew over a range, across resets, or
// the one value of an instant.
func increase(resultType string, numbers []float64) float64 {
	if resultType == "vector" {
		if len(numbers) == 0 || math.IsNaN(numbers[0]) {
			return 0
		}
		return numbers[0]
	}
	grown := 0.0
	for i := 1; i < len(numbers); i++ {
		if change := numbers[i] - numbers[i-1]; change >= 0 {
			grown += change
		} else if numbers[i] > 0 {
			grown += numbers[i] // counted anew from 0
		}
	}
	return grown
}

// promDurations adds the durations of one series, each run of equal ones once.
// Stale markers (NaN) are nothing measured.
func (r *measurementReader) promDurations(s *Series, name string, i int, numbers []float64) {
	unit := r.unit(name)
	last := math.NaN()
	for _, number := range numbers {
		if number == last || math.IsNaN(number) {
			continue
		}
		last = number
		d, ok := scaled(number, unit)
		if !ok || d == dist.Unbounded {
			r.fault(r.line("data", "result", i), fmt.Sprintf("data.result[%d]", i), "%v: must be a duration from 0 to 100 years; the unit is %s", number, strings.TrimPrefix(unit.String(), "1"))
			return
		}
		s.Observations = append(s.Observations, dist.Observation{Low: d, High: d, Count: 1})
	}
}
