package scenarios

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model/dist"
)

// parseSamples reads one value a line: the first column of a CSV file, whose
// first line may be a heading. A value is a duration with its unit, or a bare
// number, of seconds where durations are wanted. Lines that begin with # and
// empty lines are left out.
func parseSamples(data []byte, u valueUnit) ([]float64, error) {
	var values []float64
	heading := true
	err := eachLine(data, func(number int, line string) error {
		column, _, _ := strings.Cut(line, ",")
		column = strings.Trim(strings.TrimSpace(column), `"`)
		value, err := strconv.ParseFloat(column, 64)
		if err == nil {
			value *= u.ofFile
		} else if parsed, ok := u.parse(&yaml.Node{Kind: yaml.ScalarNode, Value: column}); ok {
			value, err = parsed, nil
		}
		if err != nil && heading {
			heading = false
			return nil
		}
		if err != nil || value < 0 || math.IsInf(value, 0) || math.IsNaN(value) {
			return fmt.Errorf("line %d: %s: must be a number, 0 or more, or a duration with its unit", number, quoted(column))
		}
		heading = false
		values = append(values, value)
		return nil
	})
	if err == nil && len(values) == 0 {
		err = errEmpty
	}
	return values, err
}

var bucketLine = regexp.MustCompile(`le="([^"]+)".*}\s*([0-9.eE+]+)`)

// parseBuckets reads a Prometheus histogram: lines of its text format,
// `name_bucket{le="0.1"} 24`, or of CSV, `0.1,24`, with cumulative counts.
// Series that differ in other labels only are added up. scale is what a bound
// of 1 means.
func parseBuckets(data []byte, scale float64) ([]dist.Bucket, error) {
	counts := map[float64]float64{}
	first := true
	err := eachLine(data, func(number int, line string) error {
		bound, count, ok := strings.Cut(line, ",")
		if found := bucketLine.FindStringSubmatch(line); found != nil {
			bound, count, ok = found[1], found[2], true
		} else if strings.Contains(line, "{") || strings.Contains(line, "_sum ") || strings.Contains(line, "_count ") {
			return nil // _sum, _count, or another metric of the same page
		}
		le, errBound := strconv.ParseFloat(strings.TrimSpace(bound), 64)
		n, errCount := strconv.ParseFloat(strings.TrimSpace(count), 64)
		heading := first && errBound != nil
		first = false
		if heading {
			return nil
		}
		if !ok || errBound != nil || errCount != nil || math.IsNaN(le) || math.IsNaN(n) {
			return fmt.Errorf("line %d: %s: must be a bucket such as name_bucket{le=\"0.1\"} 24, or 0.1,24", number, quoted(line))
		}
		counts[le*scale] += n
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(counts) == 0 {
		return nil, errEmpty
	}
	buckets := make([]dist.Bucket, 0, len(counts))
	for le, count := range counts {
		buckets = append(buckets, dist.Bucket{LE: le, Count: count})
	}
	sort.Slice(buckets, func(i, j int) bool { return buckets[i].LE < buckets[j].LE })
	return buckets, nil
}

// eachLine calls do for each line that is neither empty nor a comment.
func eachLine(data []byte, do func(number int, line string) error) error {
	lines := bufio.NewScanner(bytes.NewReader(data))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := do(number, line); err != nil {
			return err
		}
	}
	return lines.Err()
}
