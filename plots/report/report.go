// Package report lays a recommendation out as one page from which a reviewer who
// never saw the tool can decide: the answer first, then why, the charts, what
// was assumed, and how to get the same numbers again. The HTML page is one file
// that asks for nothing from elsewhere; the Markdown text refers to charts
// written beside it.
package report

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/sim/recommend"
)

// Report is everything that stands on the page, in its order.
type Report struct {
	Title    string // of the workload
	Subtitle string // kind, namespace and container
	Verdict  string // the answer in a few words: "Change 5 fields", "No settings meet the objectives"
	Good     bool   // there are settings to apply, or nothing has to change
	Answer   []string
	Headline []Headline
	Patch    string // empty: nothing to apply

	Tables  []Table
	Reasons []Reason
	Figures []Figure
	Explore *Explore // nil: there is nothing to move

	Inputs     *Table   // what the numbers rest on, input by input; nil: not known
	Assumed    []string // what nobody said
	Described  string   // the scenario with every default filled in
	Notes      []string
	Validation []string
	Reproduce  []string // command lines
	Version    string
	Seed       uint64
}

// Headline is a number before and after.
type Headline struct {
	Name, Before, After string
	Better              bool // After is the better number
}

// Table is a table with a row of headings; the first column names the rows.
type Table struct {
	Title string
	Rows  [][]string
}

// Reason says why a field has its value.
type Reason struct{ Field, Value, Sentence, Binding string }

// Figure is a chart under a heading. File is where the Markdown text finds it.
type Figure struct {
	Heading string
	Chart   plots.Chart
	File    string
}

// Explore is the precomputed grid in which a person moves the settings.
type Explore struct {
	Tables []recommend.Table // the first is that of the current CPU limit
	// Liveness and Readiness are the settings to begin with; nil: no such probe.
	Liveness, Readiness *Setting
	// Bounds of the objectives; 0: there is none.
	MostFalseKillsPerYear, MostDetectionSeconds, MostRemovalSeconds float64
}

// MarshalJSON writes the grid for the page's script. Its thousands of settings
// are rows [periodSeconds, timeoutSeconds, failureThreshold, at most so many
// verdicts per pod-year, 99th percentile in seconds] to four digits, a fifth of
// what they are with the names and digits of a result.
func (e *Explore) MarshalJSON() ([]byte, error) {
	type limit struct {
		CPULimit  string   `json:"cpuLimit"` // empty: none
		Liveness  gridRows `json:"liveness"`
		Readiness gridRows `json:"readiness"`
	}
	limits := make([]limit, len(e.Tables))
	for i := range e.Tables {
		t := &e.Tables[i]
		limits[i] = limit{t.CPULimit, t.Liveness, t.Readiness}
	}
	return json.Marshal(struct {
		Tables                []limit  `json:"tables"`
		Liveness              *Setting `json:"liveness"`
		Readiness             *Setting `json:"readiness"`
		MostFalseKillsPerYear float64  `json:"mostFalseKillsPerYear"`
		MostDetectionSeconds  float64  `json:"mostDetectionSeconds"`
		MostRemovalSeconds    float64  `json:"mostRemovalSeconds"`
	}{limits, e.Liveness, e.Readiness, e.MostFalseKillsPerYear, e.MostDetectionSeconds, e.MostRemovalSeconds})
}

// gridRows are settings of one probe as the page holds them.
type gridRows []recommend.Entry

// MarshalJSON implements json.Marshaler.
func (rows gridRows) MarshalJSON() ([]byte, error) {
	text := []byte{'['}
	for i := range rows {
		if i > 0 {
			text = append(text, ',')
		}
		r := &rows[i]
		text = fmt.Appendf(text, "[%d,%d,%d,%s,%s]", r.PeriodSeconds, r.TimeoutSeconds, r.FailureThreshold, gridNumber(float64(r.AtMost)), gridNumber(float64(r.P99Seconds)))
	}
	return append(text, ']'), nil
}

// gridNumber writes a number of the grid; null: there is none.
func gridNumber(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "null"
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

// Setting is one point of the grid, in the order in which the page writes it.
type Setting struct {
	PeriodSeconds    int32 `json:"periodSeconds"`
	TimeoutSeconds   int32 `json:"timeoutSeconds"`
	FailureThreshold int32 `json:"failureThreshold"`
}

//go:embed page.html style.css page.js
var files embed.FS

// WriteHTML writes the page.
func (r *Report) WriteHTML(w io.Writer) error {
	part := func(name string) string {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // embedded: it is there
		}
		return string(text)
	}
	page, err := template.New("page").Parse(part("page.html"))
	if err != nil {
		return err
	}
	figures, err := r.drawn()
	if err != nil {
		return err
	}
	grid := []byte("null")
	if r.Explore != nil {
		if grid, err = json.Marshal(r.Explore); err != nil {
			return err
		}
	}
	return page.Execute(w, struct {
		*Report
		Drawn  []drawing
		Style  template.CSS
		Script template.JS
		Grid   template.JS
	}{r, figures, template.CSS(part("style.css")), template.JS(part("page.js")), template.JS(grid)})
}

// drawing is a figure as it stands in the page.
type drawing struct {
	Heading, Sentence, Data string
	Picture                 template.HTML
}

// drawn draws every figure. The pictures carry their fonts with them; in one
// page each font is needed once.
func (r *Report) drawn() ([]drawing, error) {
	var all []drawing
	fonts := map[string]bool{}
	for _, f := range r.Figures {
		var picture, data bytes.Buffer
		if err := plots.Write(&picture, "svg", f.Chart); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Heading, err)
		}
		if err := f.Chart.WriteCSV(&data); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Heading, err)
		}
		inline, err := embedded(picture.String(), fonts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Heading, err)
		}
		all = append(all, drawing{Heading: f.Heading, Sentence: f.Chart.Sentence(), Data: data.String(), Picture: template.HTML(inline)})
	}
	return all, nil
}

// embedded returns a picture as an element of a page: without the prologue of
// a file, and without fonts that another picture brings.
func embedded(picture string, fonts map[string]bool) (string, error) {
	at := strings.Index(picture, "<svg")
	if at < 0 {
		return "", errors.New("the picture is no SVG")
	}
	picture = picture[at:]
	begin, end := strings.Index(picture, "<defs><style>"), strings.Index(picture, "</style></defs>")
	if begin < 0 || end < begin {
		return picture, nil
	}
	style := picture[begin : end+len("</style></defs>")]
	if fonts[style] {
		return strings.Replace(picture, style, "", 1), nil
	}
	fonts[style] = true
	return picture, nil
}
