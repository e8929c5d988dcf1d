package sim_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

// TestPropagation compares the way of readiness to the proxies, and lives of
// pods around it, with what was measured on a complete cluster
// (testdata/propagation/README.md). PROBESIM_PROPAGATION_DATA names another
// directory of such measurements. A distribution is within bounds if the
// simulated median is within 20 % or 10 ms of the measured one, and the 90 %
// quantile within 30 % or 30 ms.
//
// A quantile of tens of measurements is itself uncertain, most so where two ways lead to
// very different times (a trigger wasted or not, a worker that waits for a relist or
// not) and it can fall between them: one half of the measurements and the other differ
// by more than these bounds. So the bounds hold around the measured quantile's 95 %
// interval; how many distributions need that is counted. Where two ways mix, each is
// compared on its own too, and the share of the ways is held to the measured share's
// 95 % interval.
func TestPropagation(t *testing.T) {
	dir := os.Getenv("PROBESIM_PROPAGATION_DATA")
	if dir == "" {
		dir = "testdata/propagation"
	}
	p := propagation{t: t, dir: dir}
	p.readiness()
	p.creation()
	p.crash()
	p.livenessKill()
	p.deletion()
	p.termination()
	p.rollout()
	p.kubeletRestart()
	if p.compared == 0 || p.within*20 < p.compared*19 {
		t.Errorf("want at least 19 of 20")
	}
	t.Logf("%d of them by the measured quantile's or share's 95 %% interval", p.byInterval)
	t.Logf("%d of %d distributions within bounds", p.within, p.compared)
}

type propagation struct {
	t                *testing.T
	dir              string
	within, compared int
	byInterval       int // within, as the measurements leave open what they come from
}

// row is one row of a table of measurements; missing numbers are NaN.
type row map[string]string

func (r row) ms(column string) float64 {
	x, err := strconv.ParseFloat(r[column], 64)
	if err != nil {
		return math.NaN()
	}
	return x
}

// table reads a table and returns the rows that pass: none if the folder lacks
// the table.
func (p *propagation) table(name string, pass func(row) bool) []row {
	p.t.Helper()
	f, err := os.Open(filepath.Join(p.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	if len(records) == 0 {
		return nil
	}
	var rows []row
	for _, record := range records[1:] {
		r := row{}
		for i, column := range records[0] {
			r[column] = record[i]
		}
		if pass == nil || pass(r) {
			rows = append(rows, r)
		}
	}
	return rows
}

// between returns the differences of two columns, in ms; an empty from is the
// rows' reference.
func between(rows []row, from, to string) []float64 {
	var xs []float64
	for _, r := range rows {
		x := r.ms(to)
		if from != "" {
			x -= r.ms(from)
		}
		if !math.IsNaN(x) {
			xs = append(xs, x)
		}
	}
	return xs
}

// compare holds a simulated distribution against a measured one, both in ms.
func (p *propagation) compare(name string, measured, simulated []float64) {
	p.t.Helper()
	if len(measured) < 10 {
		return // too few to speak of a 90 % quantile
	}
	if len(simulated) == 0 {
		p.compared++
		p.t.Logf("%-54s nothing simulated", name)
		return
	}
	m50, m90 := quantileMS(measured, .5), quantileMS(measured, .9)
	s50, s90 := quantileMS(simulated, .5), quantileMS(simulated, .9)
	p.compared++
	verdict := "OUT"
	low50, high50 := quantileInterval(measured, .5)
	low90, high90 := quantileInterval(measured, .9)
	switch {
	case medianAgrees(s50, m50) && tailAgrees(s90, m90):
		p.within++
		verdict = "ok"
	case medianAgrees(s50, min(max(s50, low50), high50)) && tailAgrees(s90, min(max(s90, low90), high90)):
		p.within++
		p.byInterval++
		verdict = "ok by the interval"
	}
	if verdict != "ok" {
		verdict += fmt.Sprintf(", 95 %%: %.0f to %.0f and %.0f to %.0f", low50, high50, low90, high90)
	}
	p.t.Logf("%-54s n=%4d  p50 %7.1f / %7.1f   p90 %7.1f / %7.1f ms  %s", name, len(measured), m50, s50, m90, s90, verdict)
}

// compareFew is compare where there are too few measurements to speak of a 90 %
// quantile: the medians alone.
func (p *propagation) compareFew(name string, measured, simulated []float64) {
	p.t.Helper()
	if len(measured) == 0 || len(simulated) == 0 {
		return
	}
	m50, s50 := quantileMS(measured, .5), quantileMS(simulated, .5)
	p.compared++
	verdict := "OUT"
	if medianAgrees(s50, m50) {
		p.within++
		verdict = "ok"
	}
	p.t.Logf("%-54s n=%4d  p50 %7.1f / %7.1f                           ms  %s", name, len(measured), m50, s50, verdict)
}

// share holds how often one of two ways was taken against how often it was measured.
func (p *propagation) share(name string, measured, of, simulated, ofSimulated int) {
	p.t.Helper()
	if of < 10 {
		return
	}
	share := float64(simulated) / float64(ofSimulated)
	low, high := stats.ClopperPearson(int64(measured), int64(of), .95)
	p.compared++
	verdict := "OUT"
	if low <= share && share <= high {
		p.within++
		p.byInterval++
		verdict = "ok"
	}
	p.t.Logf("%-54s %d of %d, 95 %%: %.1f to %.1f %%, simulated %.1f %%  %s", name, measured, of, 100*low, 100*high, 100*share, verdict)
}

func medianAgrees(simulated, measured float64) bool {
	return apart(simulated, measured) <= math.Max(.2*math.Abs(measured), 10)
}

func tailAgrees(simulated, measured float64) bool {
	return apart(simulated, measured) <= math.Max(.3*math.Abs(measured), 30)
}

func apart(a, b float64) float64 { return math.Abs(a - b) }

// quantileInterval returns what the measured quantile could as well have been: the 95 %
// interval of its order statistics.
func quantileInterval(xs []float64, p float64) (low, high float64) {
	half := 1.96 * math.Sqrt(p*(1-p)/float64(len(xs)))
	return quantileMS(xs, max(0, p-half)), quantileMS(xs, min(1, p+half))
}

// quantileMS interpolates between the two neighbours.
func quantileMS(xs []float64, p float64) float64 {
	xs = slices.Clone(xs)
	slices.Sort(xs)
	at := p * float64(len(xs)-1)
	i := min(int(at), len(xs)-1)
	j := min(i+1, len(xs)-1)
	return xs[i] + (at-float64(i))*(xs[j]-xs[i])
}

// find returns the first event from index i on that passes, and its index, or
// nil.
func find(events []sim.Event, i int, pass func(*sim.Event) bool) (*sim.Event, int) {
	for ; i < len(events); i++ {
		if pass(&events[i]) {
			return &events[i], i
		}
	}
	return nil, i
}

func station(name string, ready bool) func(*sim.Event) bool {
	return func(e *sim.Event) bool { return e.Kind == sim.EventStation && e.Text == name && e.Ready == ready }
}

func kind(k sim.EventKind) func(*sim.Event) bool {
	return func(e *sim.Event) bool { return e.Kind == k }
}

func note(text string) func(*sim.Event) bool {
	return func(e *sim.Event) bool { return e.Kind == sim.EventNote && e.Text == text }
}

func signal(name string) func(*sim.Event) bool {
	return func(e *sim.Event) bool { return e.Kind == sim.EventSignal && e.Text == name }
}

// sample collects a difference in ms if both events were found.
func sample(xs *[]float64, from, to *sim.Event, end bool) {
	if from == nil || to == nil {
		return
	}
	reference := from.At
	if end {
		reference = from.End
	}
	*xs = append(*xs, float64(to.At-reference)/1e6)
}

// lives returns the traces of n lives of a world.
func (p *propagation) lives(w *model.World, n int, horizon time.Duration) [][]sim.Event {
	p.t.Helper()
	s, err := sim.New(w)
	if err != nil {
		p.t.Fatal(err)
	}
	traces := make([][]sim.Event, n)
	for i := range traces {
		var trace sim.Trace
		s.Run(sim.Life{Seed: 11, Replication: uint64(i), Horizon: horizon, Trace: &trace})
		traces[i] = trace.Events
	}
	return traces
}
