package estimate

import (
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
	pairs   []float64       // pairs[s] is the greatest P(two stalls last longer than s seconds together)
	typical time.Duration   // median of an answer's latency
	slow    time.Duration   // latency that one answer in ten thousand exceeds, at most
	alone   map[int]float64 // by timeoutSeconds: probability that one answer fails for itself
	single  func(timeout time.Duration) float64
}

// weighted is the closed form on one class of nodes.
type weighted struct {
	share float64
	form  *ClosedForm
}

// stall is a pause of the process, a stall of the node, or a stretch in which
// the answers are failures.
type stall struct {
	lasts     dist.Duration
	perSecond float64 // occurrences
	failing   bool    // answers are failures at once, so the timeout gives nothing
	outlives  bool    // it goes on after a kill
}

// NewClosedForm analyses what can fail the probes of kind k of a world.
func NewClosedForm(w *model.World, k model.ProbeKind) *ClosedForm {
	f := &ClosedForm{alone: map[int]float64{}}
	if classes := w.Node.Classes; len(classes) > 0 {
		f.addClasses(w, k)
		return f
	}
	if f.Why = obstacle(w, k); f.Why != "" {
		return f
	}
	if tcp(w, k) {
		f.single = func(time.Duration) float64 { return 0 } // the kernel answers (C10)
		return f
	}
	f.addStalls(w, k)
	f.addLatency(w, k)
	return f
}

// addClasses makes the closed form the mean of those on each class of nodes.
func (f *ClosedForm) addClasses(w *model.World, k model.ProbeKind) {
	total := 0.0
	for i := range w.Node.Classes {
		total += w.Node.Classes[i].Weight
	}
	for i := range w.Node.Classes {
		on := *w
		on.Node = w.Node.Classes[i].Node
		on.Node.Classes = nil
		form := NewClosedForm(&on, k)
		if form.Why != "" {
			f.Why = form.Why
			return
		}
		f.classes = append(f.classes, weighted{w.Node.Classes[i].Weight / total, form})
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
	switch {
	case len(w.Node.Neighbours) > 0:
		return "neighbours that compete for the CPUs"
	case w.Node.InterruptionsPerSecond > 0:
		return "interruptions"
	case app.Traffic != nil:
		return "traffic that competes for the CPU"
	case len(app.Background) > 0:
		return "background work that competes for the CPU"
	case len(w.Pod.Containers) > 1:
		return "other containers"
	case len(app.Resources) > 0:
		return "resources that fail the probe"
	case len(a.DependsOn) > 0:
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
	// The sum of two lengths, each at the middles of equally likely classes.
	const classes, longest = 128, 3600
	f.pairs = make([]float64, longest)
	for i := range f.stalls {
		for j := range f.stalls[:i+1] {
			tail := make([]float64, longest+1)
			for a := range classes {
				x := f.stalls[i].lasts.Quantile((float64(a) + 0.5) / classes)
				for b := range classes {
					sum := x + f.stalls[j].lasts.Quantile((float64(b)+0.5)/classes)
					tail[int(min(sum/time.Second, longest))]++
				}
			}
			for s := longest - 1; s >= 0; s-- {
				tail[s] += tail[s+1]
				f.pairs[s] = max(f.pairs[s], tail[s]/classes/classes)
			}
		}
	}
}

// addLatency bounds the time an answer takes where nothing stalls it: its wait
// after its CPU time, which the quota stretches to at most one period for each
// quota's worth begun, and one more for the phase (C2, S8).
func (f *ClosedForm) addLatency(w *model.World, k model.ProbeKind) {
	a := &w.Application.Probes[k]
	quota := time.Duration(0)
	if milli := w.Container().CPULimitMilli; milli > 0 && !w.Node.NoCFSQuota {
		quota = w.Node.CFSPeriod * time.Duration(milli) / 1000
	}
	stretched := func(cpu time.Duration) time.Duration {
		if quota == 0 || cpu <= quota {
			return cpu
		}
		return (cpu/quota + 1) * w.Node.CFSPeriod
	}
	exec := w.Container().Probes[k] != nil && w.Container().Probes[k].Handler.Kind == model.Exec
	at := func(p float64) time.Duration {
		cpu, wait := a.CPU.Quantile(p), a.Wait.Quantile(p)
		if exec {
			cpu += a.Exec.HelperCPU.Quantile(p)
			wait += a.Exec.Join.Quantile(p)
		}
		return wait + stretched(cpu)
	}
	f.typical, f.slow = at(0.5), at(0.9999)
	// An answer is late only if one of its parts is beyond its quantile p, where
	// the parts at p together are not late: P(late) <= parts·(1−p), for any p.
	parts := 2.0
	if exec {
		parts = 4
	}
	f.single = func(timeout time.Duration) float64 {
		if at(1) < timeout {
			return a.Failure
		}
		low, high := 0.0, 15.0 // of x in p = 1 − 10^−x
		for range 30 {
			x := (low + high) / 2
			if at(1-math.Pow(10, -x)) < timeout {
				low = x
			} else {
				high = x
			}
		}
		late := math.Min(1, parts*math.Pow(10, -low))
		return a.Failure + late - a.Failure*late
	}
}

// Rate returns the verdicts of a probe per second of a serving process: the
// estimate, and a bound from above that also counts verdicts of two stalls in
// a row, or of a stall and single failures together. Both need Why to be empty.
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
		alone = f.single(p.Timeout())
		f.alone[int(p.TimeoutSeconds)] = alone
	}
	if alone > 0 {
		estimate = 1 / (calc.Run{Failures: failures, Probability: alone}.MeanProbes() * period)
	}
	bound = estimate
	together := 0.0
	for _, s := range f.stalls {
		together += s.perSecond
	}
	for _, s := range f.stalls {
		estimate += s.perSecond * f.verdict(s, p, failures, f.typical)
		bound += s.perSecond * f.verdict(s, p, failures, f.slow)
		for again := 2; again <= 10 && s.outlives; again++ { // it fails the next process too
			bound += s.perSecond * f.verdict(s, p, again*failures, f.slow)
		}
		for j, factor := 1, alone; j < failures && factor > 1e-12; j, factor = j+1, factor*alone {
			bound += s.perSecond * f.verdict(s, p, failures-j, f.slow) * float64(j+1) * factor
		}
		// Another stall begins within the period after this one, and no attempt
		// falls between them: then both count as one with the gap between.
		needed := int((Tolerated(p) - f.slow - 2*p.Period()).Seconds())
		bound += s.perSecond * together * period / 2 * f.pairs[between(0, int64(needed), int64(len(f.pairs)-1))]
	}
	return estimate, bound
}

// verdict returns the probability that a stall fails at least so many attempts
// (S3): the mean of clamp((L − c)/P, 0, 1), which is the mean of P(L > x) over
// x from c to c + P, where c is the least length that can. An attempt begun in
// the last seconds of a stall succeeds if it is answered within the timeout, so
// the answer's latency shortens what the timeout gives.
func (f *ClosedForm) verdict(s stall, p *model.Probe, failures int, latency time.Duration) float64 {
	const points = 32
	least := time.Duration(failures-1) * step(p)
	if !s.failing {
		least += max(0, p.Timeout()-latency)
	}
	sum := 0.0
	for i := range points {
		x := least + p.Period()*time.Duration(2*i+1)/(2*points)
		sum += 1 - s.lasts.CDF(x)
	}
	return sum / points
}

// Sentence says what the closed form consists of, for notes.
func (f *ClosedForm) Sentence() string {
	var parts []string
	stalls := len(f.stalls) > 0
	for _, class := range f.classes {
		stalls = stalls || len(class.form.stalls) > 0
	}
	if stalls {
		parts = append(parts, "S3 for the attempts that fall into one stall, pause or failing stretch")
	}
	parts = append(parts, "S1 for attempts that fail each for itself")
	return strings.Join(parts, "; ") + "; valid because nothing else in the scenario can fail the probe"
}
