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
)

// TestPropagation compares the way of readiness to the proxies, and lives of
// pods around it, with what was measured on a complete cluster
// (testdata/propagation/README.md). PROBESIM_PROPAGATION_DATA names another
// directory of such measurements. A distribution is within bounds if the
// simulated median is within 20 % or 10 ms of the measured one, and the 90 %
// quantile within 30 % or 30 ms.
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
	// Where two ways lead to very different times (a trigger wasted or not, a
	// worker that waits for a relist or not) a quantile can fall between them,
	// and which way won is luck in so small samples: the interval of such a
	// quantile reaches from one to the other. The rest has to be within bounds.
	if p.compared == 0 || p.within*20 < p.compared*17 {
		t.Errorf("want at least 17 of 20")
	}
	t.Logf("%d of %d distributions within bounds", p.within, p.compared)
}

type propagation struct {
	t                *testing.T
	dir              string
	within, compared int
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
	if medianAgrees(s50, m50) && apart(s90, m90) <= math.Max(.3*math.Abs(m90), 30) {
		p.within++
		verdict = "ok"
	} else {
		verdict += fmt.Sprintf(", 95 %% intervals %s and %s", quantileInterval(measured, .5), quantileInterval(measured, .9))
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

// share tells how often one of several ways was taken, which is not counted
// among the distributions.
func (p *propagation) share(name string, measured, of, simulated, ofSimulated int) {
	p.t.Helper()
	p.t.Logf("%-54s %d of %d, simulated %.1f %%", name, measured, of, 100*float64(simulated)/float64(ofSimulated))
}

func medianAgrees(simulated, measured float64) bool {
	return apart(simulated, measured) <= math.Max(.2*math.Abs(measured), 10)
}

func apart(a, b float64) float64 { return math.Abs(a - b) }

// quantileInterval returns what the measured quantile could as well have been: the 95 %
// interval of its order statistics.
func quantileInterval(xs []float64, p float64) string {
	half := 1.96 * math.Sqrt(p*(1-p)/float64(len(xs)))
	return fmt.Sprintf("%.0f to %.0f", quantileMS(xs, max(0, p-half)), quantileMS(xs, min(1, p+half)))
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
