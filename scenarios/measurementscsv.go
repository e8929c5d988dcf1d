package scenarios

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// maxRows is how many records of a file are read: no interval of a fit to more
// would be narrower than what the measurements were rounded to, and each takes
// some hundred bytes of memory.
const maxRows = 1_000_000

// csvRow is one record with the line it stands on.
type csvRow struct {
	line  int
	cells []string
}

// csv reads durations: Go durations, or bare numbers of a unit that the heading
// or the options name. What was cut off is marked by a column, or written with a
// > before it.
func (r *measurementReader) csv() {
	rows := r.csvRows()
	if len(rows) == 0 {
		return
	}
	var heading []string
	if !slices.ContainsFunc(rows[0].cells, isDuration) {
		heading, rows = rows[0].cells, rows[1:]
	}
	column, name, ok := r.csvColumn(heading, rows)
	if !ok {
		return
	}
	mark, ok := r.csvMark(heading, column)
	if !ok {
		return
	}
	series := Series{Name: name}
	unit, bare := r.unit(name), 0
	for _, row := range rows {
		if column >= len(row.cells) {
			r.fault(row.line, name, "is missing from this line")
			continue
		}
		text := row.cells[column]
		value, censored := strings.CutPrefix(text, ">")
		o := dist.Observation{Count: 1}
		if o.Low, ok = r.csvValue(strings.TrimSpace(value), unit); !ok {
			r.fault(row.line, name, "%s: must be a number, 0 or more, or a duration with its unit, at most 100 years", quoted(text))
			continue
		}
		if isBare(value) {
			bare++
		}
		if mark >= 0 && mark < len(row.cells) {
			marked, ok := truth(row.cells[mark])
			if !ok {
				r.fault(row.line, heading[mark], "%s: must be true or false, yes or no, 1 or 0, or empty", quoted(row.cells[mark]))
			}
			censored = censored || marked
		}
		if o.High = o.Low; censored {
			o.High = dist.Unbounded
		}
		series.Observations = append(series.Observations, o)
	}
	if _, named := namedUnit(name); bare > 0 && !named && r.options.Unit == 0 {
		series.Notes = append(series.Notes, "bare numbers are taken as seconds; --unit says otherwise")
	}
	if len(series.Observations) > 0 {
		r.out.Series = append(r.out.Series, series)
	}
}

// csvRows returns the records, separated by commas, semicolons or tabs. Lines
// that begin with # and empty lines are left out.
func (r *measurementReader) csvRows() []csvRow {
	data := bytes.TrimPrefix(r.data, []byte("\ufeff"))
	reader := csv.NewReader(bytes.NewReader(data))
	reader.Comment, reader.FieldsPerRecord, reader.TrimLeadingSpace = '#', -1, true
	for line := range bytes.Lines(data) {
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] != '#' {
			for _, separator := range ";\t" {
				if bytes.ContainsRune(text, separator) && !bytes.ContainsRune(text, ',') {
					reader.Comma = separator
				}
			}
			break
		}
	}
	reader.TrimLeadingSpace = reader.Comma != '\t'
	var rows []csvRow
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			line, message := 0, err.Error()
			var syntax *csv.ParseError
			if errors.As(err, &syntax) {
				line, message = syntax.Line, syntax.Err.Error()
			}
			r.fault(line, "", "%s", message)
			return nil
		}
		line, _ := reader.FieldPos(0)
		if len(rows) == maxRows {
			r.fault(line, "", "more than %d rows: a sample of them, drawn at random, says as much", maxRows)
			return nil
		}
		for i := range cells {
			cells[i] = oneLine(cells[i])
		}
		rows = append(rows, csvRow{line, cells})
	}
}

// csvColumn finds the column of durations: the one that the options name; else
// the only one, the first whose heading names a unit, or the only one that holds
// durations.
func (r *measurementReader) csvColumn(heading []string, rows []csvRow) (column int, name string, ok bool) {
	if want := r.options.Column; want != "" {
		for i, name := range heading {
			if strings.EqualFold(name, want) {
				return i, name, true
			}
		}
		if number, err := strconv.Atoi(want); err == nil && heading == nil && number >= 1 {
			return number - 1, "column " + want, true
		}
		if heading == nil {
			r.fault(0, "", "column %s: there is no heading; give the number of the column, from 1", quoted(want))
			return 0, "", false
		}
		r.fault(0, "", "column %s: must be one of %s", quoted(want), strings.Join(heading, ", "))
		return 0, "", false
	}
	for i, name := range heading {
		if _, named := namedUnit(name); named {
			return i, name, true
		}
	}
	var found []int
	if len(rows) > 0 {
		for i, cell := range rows[0].cells {
			marks := i < len(heading) && (strings.EqualFold(heading[i], r.options.Censored) || slices.Contains(csvMarks, strings.ToLower(heading[i])))
			if isDuration(cell) && !marks {
				found = append(found, i)
			}
		}
	}
	if len(found) == 0 && (len(heading) == 1 || len(rows) == 0) {
		found = []int{0}
	}
	if len(found) != 1 {
		r.fault(0, "", "%d columns could be the durations: name one with --column", len(found))
		return 0, "", false
	}
	if column = found[0]; column < len(heading) && heading[column] != "" {
		return column, heading[column], true
	}
	return column, "column " + strconv.Itoa(column+1), true
}

// csvMarks are the headings that say by themselves that a column marks what was
// cut off.
var csvMarks = []string{"censored", "cutoff", "cut off", "killed"}

// csvMark finds the column that says what was cut off; -1: there is none.
func (r *measurementReader) csvMark(heading []string, column int) (mark int, ok bool) {
	for i, name := range heading {
		wanted := strings.EqualFold(name, r.options.Censored)
		if r.options.Censored == "" {
			wanted = slices.Contains(csvMarks, strings.ToLower(name))
		}
		if wanted && i != column {
			return i, true
		}
	}
	if r.options.Censored != "" {
		r.fault(0, "", "column %s: must be one of %s", quoted(r.options.Censored), strings.Join(heading, ", "))
		return 0, false
	}
	return -1, true
}

// csvValue reads a duration, or a number of units.
func (r *measurementReader) csvValue(text string, unit time.Duration) (time.Duration, bool) {
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		if math.IsInf(number, 0) {
			return 0, false
		}
		return scaled(number, unit)
	}
	d, err := parseDuration(text)
	return d, err == nil
}

// isDuration reports whether a cell could be a duration, cut off or not.
func isDuration(text string) bool {
	text = strings.TrimSpace(strings.TrimPrefix(text, ">"))
	_, err := parseDuration(text)
	return err == nil || isBare(text)
}

// isBare reports whether a text is a number without a unit.
func isBare(text string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return err == nil
}

// truth reads a mark.
func truth(text string) (marked, ok bool) {
	switch strings.ToLower(text) {
	case "true", "yes", "y", "1", "x":
		return true, true
	case "", "false", "no", "n", "0":
		return false, true
	}
	return false, false
}
