package estimate

import (
	"cmp"
	"math"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/calc"
)

// ClosedForm is the rate at which a probe of a serving process comes to a
// false verdict, by formula: stalls of which failureThreshold attempts fall
// into one (S3), and attempts that fail each for itself (S1). It holds where
// nothing else fails a probe; Why says what else there is.
//
// It never treats the failures of one stall as independent of each other.
type ClosedForm struct {
	Why string // the formulas do not hold: the reason. Empty: they do

	classes []weighted // of nodes; empty: the fields below hold

	stalls  []stall
	known   map[attempts][2]float64
	answers *calc.Latency
	alone   map[int][2]float64 // by timeoutSeconds: probability that one answer fails for itself, and its bound
}

// weighted is the closed form on one class of nodes.
type weighted struct {
	share float64
	form  *ClosedForm
}

// stall is a pause of the process, a stall of the node, or a stretch in which
// the answers are failures, of which an outage of a dependency is one.
type stall struct {
	lasts     dist.Duration
	perSecond float64 // occurrences
	failing   bool    // answers are failures at once, so the timeout gives nothing
	outlives  bool    // it goes on after a kill
}

// NewClosedForm analyses what can fail the probes of kind k of a world.
func NewClosedForm(w *model.World, k model.ProbeKind) *ClosedForm {
	f := &ClosedForm{alone: map[int][2]float64{}, known: map[attempts][2]float64{}}
	if classes := w.Node.Classes; len(classes) > 0 && !w.Uncertain() {
		f.addClasses(w, k)
		return f
	}
	if f.Why = obstacle(w, k); f.Why != "" {
		return f
	}
	f.answers = calc.Answers(w, k)
	if !tcp(w, k) { // the kernel answers those of a stalled process too (C10)
		f.addStalls(w, k)
	}
	return f
}

// addClasses makes the closed form the mean of those on each class of nodes.
func (f *ClosedForm) addClasses(w *model.World, k model.ProbeKind) {
	onClasses(w, func(share float64, on *model.World) {
		form := NewClosedForm(on, k)
		f.Why = cmp.Or(f.Why, form.Why)
		f.classes = append(f.classes, weighted{share, form})
	})
}

// onClasses calls for each class that there are nodes of, with its share of them and
// the world of a pod on it.
func onClasses(w *model.World, call func(share float64, on *model.World)) {
	total := 0.0
	for i := range w.Node.Classes {
		total += w.Node.Classes[i].Weight
	}
	for i := range w.Node.Classes {
		on := *w
		on.Node = w.Node.Classes[i].Node
		on.Node.Classes = nil
		if share := w.Node.Classes[i].Weight / total; share > 0 {
			call(share, &on)
		}
	}
}

// tcp reports whether the probe of kind k, if there is one, asks the kernel.
func tcp(w *model.World, k model.ProbeKind) bool {
	p := w.Container().Probes[k]
	return p != nil && p.Handler.Kind == model.TCPSocket
}

// obstacle names the first thing in the world that the formulas do not cover.
func obstacle(w *model.World, k model.ProbeKind) string {
	app, a := &w.Application, &w.Application.Probes[k]
	for i := range w.Faults {
		if f := &w.Faults[i]; !f.Exits && (!f.Forever || !f.Hangs) {
			return "a fault that passes"
		}
	}
	p := w.Container().Probes[k]
	switch {
	case p != nil && p.Handler.NoPort:
		return "a probe that names no port of its container (K21)"
	case w.Uncertain():
		return "inputs of which one of several holds"
	case app.Traffic != nil:
		return "traffic that competes for the CPU"
	case len(app.Background) > 0:
		return "background work that competes for the CPU"
	case w.Node.WaitsVary():
		return "answers that wait longer while a neighbour is busy"
	case len(app.Resources) > 0:
		return "resources that fail the probe"
	case len(a.DependsOn) > 0 && k != model.Readiness: // kills again and again
		return "dependencies"
	case a.FailsInFlight > 0:
		return "failures above a number of requests in flight"
	}
	return ""
}

func (f *ClosedForm) addStalls(w *model.World, k model.ProbeKind) {
	add := func(o *model.OnOff, failing, outlives bool) {
		cycle := (o.Every.Mean() + o.Lasts.Mean()).Seconds()
		if cycle > 0 && !o.Lasts.IsZero() {
			f.stalls = append(f.stalls, stall{o.Lasts, 1 / cycle, failing, outlives})
		}
	}
	for i := range w.Application.Pauses {
		add(&w.Application.Pauses[i], false, false)
	}
	for i := range w.Node.Stalls {
		add(&w.Node.Stalls[i].OnOff, false, true)
	}
	if failing := w.Application.Probes[k].Failing; failing != nil {
		add(failing, true, false)
	}
	for _, d := range w.Application.Probes[k].DependsOn {
		add(&w.Dependencies[d], true, false)
	}
}

// Rate returns the verdicts of a probe per second of a serving process: the
// estimate, and a bound from above that also counts verdicts of several stalls,
// or of stalls and single failures, together. Both need Why to be empty.
func (f *ClosedForm) Rate(p *model.Probe) (estimate, bound float64) {
	for _, class := range f.classes {
		e, b := class.form.Rate(p)
		estimate, bound = estimate+class.share*e, bound+class.share*b
	}
	if len(f.classes) > 0 {
		return estimate, bound
	}
	period, failures := p.Period().Seconds(), int(p.FailureThreshold)
	alone, known := f.alone[int(p.TimeoutSeconds)]
	if !known {
		alone[0], alone[1] = f.answers.Fails(p.Timeout())
		f.alone[int(p.TimeoutSeconds)] = alone
	}
	independent := func(q float64) float64 {
		if q <= 0 {
			return 0
		}
		return 1 / (calc.Run{Failures: failures, Probability: math.Min(q, 1)}.MeanProbes() * period)
	}
	estimate, _ = f.failing(p, failures)
	estimate += independent(alone[0])
	if failures > mostCounted {
		reached := *p
		reached.FailureThreshold = mostCounted
		_, bound = f.Rate(&reached)
		return estimate, bound
	}
	stalls := make([]float64, failures+1) // bound of the stalls per second that fail at least so many attempts
	hit := 0.0                            // attempts that stalls fail, per attempt
	for n := 1; n <= failures; n++ {
		_, stalls[n] = f.failing(p, n)
		hit += stalls[n] * period
	}
	// What a stall fails beyond the threshold is no attempt of its own here.
	q := math.Min(1, alone[1]+hit)
	bound = independent(q) + stalls[failures] + f.again(p)
	for n := 1; n < failures; n++ {
		// A second stall that begins within a period of the first one's end.
		bound += stalls[n] * stalls[failures-n] * period
		bound += stalls[n] * float64(failures-n+1) * math.Pow(q, float64(failures-n))
	}
	return estimate, bound
}

// mostCounted is the greatest failureThreshold whose bound is counted failure by
// failure. A verdict at a greater one has passed this one, so that its bound
// holds there too.
const mostCounted = 1000

// attempts says how many attempts of a setting a stall fails.
type attempts struct {
	period, timeout int32
	n               int
}

// failing returns the stalls per second that fail at least n attempts of a
// probe in a row: an estimate and a bound.
func (f *ClosedForm) failing(p *model.Probe, n int) (estimate, bound float64) {
	key := attempts{p.PeriodSeconds, p.TimeoutSeconds, n}
	rates, known := f.known[key]
	if !known {
		for _, s := range f.stalls {
			rates[0] += s.perSecond * s.verdict(p, n, f.answers.Typical)
			rates[1] += s.perSecond * s.verdict(p, n, f.answers.Slow)
		}
		f.known[key] = rates
	}
	return rates[0], rates[1]
}

// again bounds the verdicts on further processes that a stall which outlives a
// kill fails too.
func (f *ClosedForm) again(p *model.Probe) float64 {
	sum := 0.0
	for _, s := range f.stalls {
		for times := 2; times <= 10 && s.outlives; times++ {
			more := s.perSecond * s.verdict(p, times*int(p.FailureThreshold), f.answers.Slow)
			sum += more
			if more < 1e-3*sum || more == 0 {
				break
			}
		}
	}
	return sum
}

// verdict returns the probability that a stall fails at least n attempts (S3):
// the mean of clamp((L − c)/P, 0, 1), which is the mean of P(L > x) over x from
// c to c + P, where c is the least length that can. An attempt begun in the last
// seconds of a stall succeeds if it is answered within the timeout, so the
// answer's latency shortens what the timeout gives.
func (s *stall) verdict(p *model.Probe, n int, latency time.Duration) float64 {
	const points = 32
	least := calc.Times(n-1, step(p))
	if !s.failing {
		least += max(0, p.Timeout()-latency)
	}
	sum := 0.0
	for i := range points {
		x := least + p.Period()/(2*points)*time.Duration(2*i+1)
		sum += 1 - s.lasts.CDF(x)
	}
	return sum / points
}

// Sentence says what the closed form consists of and why it holds, for notes.
func (f *ClosedForm) Sentence() string {
	return f.Rules() + "; valid because nothing else in the scenario can fail the probe"
}

// Rules says what the closed form consists of.
func (f *ClosedForm) Rules() string {
	var parts []string
	stalls := len(f.stalls) > 0
	for _, class := range f.classes {
		stalls = stalls || len(class.form.stalls) > 0
	}
	if stalls {
		parts = append(parts, "S3 for the attempts that fall into one stall, pause, failing stretch or outage")
	}
	parts = append(parts, "S1 for attempts that fail each for itself")
	return strings.Join(parts, "; ")
}
