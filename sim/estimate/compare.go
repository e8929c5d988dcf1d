package estimate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// comparedBlocks is the number of blocks of replications between which the
// spread of a difference is measured.
const comparedBlocks = 32

// Figure names one number among the measures: "removalSeconds" and "p99".
type Figure struct{ Measure, Statistic string }

// ParseFigure reads "falseKillsPerPodYear" or "removalSeconds.p99". The error
// says what is allowed.
func ParseFigure(text string) (Figure, error) {
	measure, statistic, _ := strings.Cut(text, ".")
	q := Figure{measure, statistic}
	if measure == Tolerance {
		return q, fmt.Errorf("%s: follows from the settings, it is not estimated", text)
	}
	e, err := (&Measures{DetectionSeconds: &stats.Distribution{}}).Lookup(measure, statistic)
	if err == nil && e != nil && statistic == "" {
		q.Statistic = "mean"
	}
	return q, err
}

// String returns the figure as people write it: "removalSeconds.p99".
func (q Figure) String() string { return measureName(q.Measure, q.Statistic) }

// Of returns the figure among measures; nil where it does not apply.
func (q Figure) Of(m *Measures) *stats.Estimate {
	e, err := m.Lookup(q.Measure, q.Statistic)
	if err != nil {
		return nil
	}
	return e
}

// isShare reports whether the figure is a probability or a share of time.
func (q Figure) isShare() bool {
	return strings.HasSuffix(q.Measure, "Probability") || strings.HasSuffix(q.Measure, "Fraction") || q.Measure == "availability"
}

// Figures returns every number among the measures, in the order of the keys.
func Figures() []Figure {
	var all []Figure
	for _, key := range Keys() {
		if key == Tolerance {
			continue
		}
		statistics := Statistics(key)
		if len(statistics) == 0 {
			statistics = []string{""}
		}
		for _, statistic := range statistics {
			all = append(all, Figure{key, statistic})
		}
	}
	return all
}

// Difference is how one figure of a variant differs from that of another,
// which lived the same lives (common random numbers, S14).
type Difference struct {
	Variant    string         `json:"variant"`
	Against    string         `json:"against"`
	Measure    string         `json:"measure"`
	Statistic  string         `json:"statistic,omitempty"`
	Before     stats.Estimate `json:"before"`     // of Against
	After      stats.Estimate `json:"after"`      // of Variant
	Difference stats.Estimate `json:"difference"` // After less Before
	Ratio      stats.Estimate `json:"ratio"`      // After over Before
	// VarianceReduction is the variance that the difference would have if both
	// had lived lives of their own, over the one it has. Nil where there is no
	// variance to reduce.
	VarianceReduction *float64 `json:"varianceReduction"`
}

// Comparison is the result of comparing variants with the first of them.
type Comparison struct {
	Estimates
	Differences []Difference `json:"differences"`
	Undecided   []string     `json:"undecided"` // figures asked for whose difference is not known
}

// Compare simulates the variants on common random numbers and returns how each
// differs from the first, in every figure that applies to both. Without a
// number of replications it looks at doubling numbers of them and stops once
// every difference asked for is decided: its interval excludes 0, or is shorter
// than the relative precision, by half, of the greater of the two values. False
// kills that no life of any variant showed are left to splitting. The rest is as
// for Run.
func Compare(ctx context.Context, variants []Named, asked []Figure, o Options) (*Comparison, error) {
	if len(variants) < 2 {
		return nil, errors.New("nothing to compare with")
	}
	o.blocks = comparedBlocks
	stopped := ""
	o.enough = func(p *Part) bool {
		asked, all := withoutHopeless(p, variants, asked, o), len(asked)
		if len(asked) < all {
			stopped = noneKilled(p.Done)
		}
		return len(openDifferences(differences(p, variants, asked, o.withDefaults()), asked, o.withDefaults().Precision)) == 0
	}
	part, why, err := Simulate(ctx, variants, o)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(why, "stopped") {
		why = cmp.Or(stopped, why)
	}
	estimates, err := Report(ctx, part, variants, o, why)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	c := &Comparison{Estimates: *estimates, Differences: differences(part, variants, Figures(), o)}
	c.Kind = "Comparison"
	c.bySplitting()
	c.Undecided = openDifferences(c.Differences, asked, o.Precision)
	if uncertain(variants) {
		c.Variants[0].Notes = append(c.Variants[0].Notes, drawnDifferences)
	}
	return c, nil
}

// openDifferences returns those of the figures asked for whose difference is
// not decided.
func openDifferences(differences []Difference, asked []Figure, precision float64) []string {
	open := []string{}
	for i := range differences {
		d := &differences[i]
		q := Figure{d.Measure, d.Statistic}
		for _, a := range asked {
			if a == q && !d.decided(precision) {
				open = append(open, fmt.Sprintf("%s of %s against %s", q, d.Variant, d.Against))
			}
		}
	}
	return open
}

func (d *Difference) decided(precision float64) bool {
	e := &d.Difference
	return e.Low > 0 || e.High < 0 || e.Low == e.High ||
		(e.High-e.Low)/2 <= precision*math.Max(math.Abs(d.Before.Estimate), math.Abs(d.After.Estimate))
}

// differences compares every variant with the first.
func differences(p *Part, variants []Named, figures []Figure, o Options) []Difference {
	all := make([]jackknifed, len(variants))
	for i, v := range variants {
		all[i] = jackknife(p, i, v.World, uncertain(variants), o)
	}
	rows := []Difference{}
	for i := 1; i < len(variants); i++ {
		for _, q := range figures {
			if d, ok := compareIn(q, &all[0], &all[i], o.Confidence); ok {
				if uncertain(variants) {
					d.widen(&all[0], &all[i], o.Confidence)
				}
				if q.isShare() { // of which no two are further apart
					d.Difference.Low, d.Difference.High = math.Max(d.Difference.Low, -1), math.Min(d.Difference.High, 1)
				}
				d.Variant, d.Against = variants[i].Name, variants[0].Name
				rows = append(rows, d)
			}
		}
	}
	return rows
}

// jackknifed are the measures of a variant, from all replications and with one
// block of them left out.
type jackknifed struct {
	whole   Measures
	without []Measures
	blocks  []Measures // each alone, where inputs are uncertain: a block is a draw of them (S16)
	sizes   []int64
}

func jackknife(p *Part, variant int, w *model.World, ofDraws bool, o Options) jackknifed {
	j := jackknifed{whole: p.of(variant).measures(w, o)}
	var blocks []*tally
	for i := range p.Tallies {
		if t := &p.Tallies[i][variant]; t.Replications > 0 {
			blocks = append(blocks, t)
			j.sizes = append(j.sizes, t.Replications)
			if ofDraws {
				j.blocks = append(j.blocks, t.measures(w, o))
			}
		}
	}
	for _, t := range leaveOneOut(blocks) {
		j.without = append(j.without, t.measures(w, o))
	}
	return j
}

// leaveOneOut returns, for each tally, the sum of the others.
func leaveOneOut(tallies []*tally) []*tally {
	others := make([]*tally, len(tallies))
	before, after := &tally{}, &tally{}
	for i, t := range tallies {
		others[i] = &tally{}
		others[i].merge(before)
		before.merge(t)
	}
	for i := len(tallies) - 1; i >= 0; i-- {
		others[i].merge(after)
		after.merge(tallies[i])
	}
	return others
}

// of returns a function of the figure's value of both variants, over all
// replications and with each block left out.
func (j *jackknifed) of(other *jackknifed, q Figure, f func(before, after float64) float64) stats.Jackknife {
	at := func(before, after *Measures) float64 {
		x, y := q.Of(before), q.Of(after)
		if x == nil || y == nil {
			return math.NaN()
		}
		return f(x.Estimate, y.Estimate)
	}
	k := stats.Jackknife{Whole: at(&j.whole, &other.whole), Sizes: j.sizes}
	for i := range j.without {
		k.Without = append(k.Without, at(&j.without[i], &other.without[i]))
	}
	return k
}

// compareIn compares two variants in one figure, if it applies to both.
func compareIn(q Figure, before, after *jackknifed, confidence float64) (d Difference, ok bool) {
	x, y := q.Of(&before.whole), q.Of(&after.whole)
	if x == nil || y == nil || math.IsNaN(x.Estimate) || math.IsNaN(y.Estimate) || math.IsInf(x.Estimate, 0) && math.IsInf(y.Estimate, 0) {
		return d, false
	}
	d = Difference{Measure: q.Measure, Statistic: q.Statistic, Before: *x, After: *y}
	difference := before.of(after, q, func(a, b float64) float64 { return b - a })
	first := before.of(after, q, func(a, _ float64) float64 { return a })
	second := before.of(after, q, func(_, b float64) float64 { return b })
	d.Difference = difference.Estimate(confidence)
	alone := first.Variance() + second.Variance()
	switch paired := difference.Variance(); {
	case x.Low == x.High && y.Low == y.High:
		d.Difference = exactly(y.Estimate - x.Estimate)
	case paired <= stats.Rounding(x.Estimate, y.Estimate) && !math.IsInf(paired, 0) && x.Estimate != 0:
		n, of := before.pairs(q)
		half := math.Max(x.High, y.High) * stats.Unseen(n, confidence)
		d.Difference.Low, d.Difference.High = d.Difference.Estimate-half, d.Difference.Estimate+half
		d.Difference.Method, d.Difference.N = "alike in every block: bound over "+of, n
	case !(paired > 0) || math.IsInf(paired, 0):
		d.Difference.Low, d.Difference.High = y.Low-x.High, y.High-x.Low
		d.Difference.Method = "from both intervals: no spread between blocks"
	default:
		// What was not seen at all has no spread, but may be there.
		if unseenIn(x, &first) {
			d.Difference.Low -= x.High
		}
		if unseenIn(y, &second) {
			d.Difference.High += y.High
		}
		reduction := alone / paired
		d.VarianceReduction = &reduction
	}
	d.Ratio = ratio(before, after, q, x, y, confidence)
	return d, true
}

// pairs returns how many independent pairs of a figure's values there are: test
// hangs and starts have lives of their own, all else shares that of a replication.
func (j *jackknifed) pairs(q Figure) (n int64, of string) {
	if len(Statistics(q.Measure)) > 0 {
		if median := (Figure{q.Measure, "p50"}).Of(&j.whole); median != nil && median.N > 0 {
			return median.N, "occurrences"
		}
	}
	for _, size := range j.sizes {
		n += size
	}
	return n, "replications"
}

func unseenIn(e *stats.Estimate, j *stats.Jackknife) bool {
	return e.Estimate == 0 && e.High > 0 && j.Variance() == 0
}

// ratio returns y/x, with Fieller's interval over the blocks.
func ratio(before, after *jackknifed, q Figure, x, y *stats.Estimate, confidence float64) stats.Estimate {
	if x.Low == x.High && y.Low == y.High {
		return exactly(y.Estimate / x.Estimate)
	}
	first := before.of(after, q, func(a, _ float64) float64 { return a })
	second := before.of(after, q, func(_, b float64) float64 { return b })
	if e, ok := second.RatioTo(&first, confidence); ok {
		return e
	}
	e := stats.Estimate{
		Estimate: y.Estimate / x.Estimate, Low: y.Low / x.High, High: y.High / x.Low,
		Confidence: confidence, Method: "from both intervals: no spread between blocks", N: int64(len(before.sizes)),
	}
	if math.IsNaN(e.High) {
		e.High = math.Inf(1)
	}
	if math.IsNaN(e.Low) {
		e.Low = 0
	}
	return e
}
