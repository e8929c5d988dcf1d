package estimate

import (
	"math"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
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
	typical time.Duration      // median of an answer's latency
	slow    time.Duration      // latency that one answer in ten thousand exceeds, at most
	alone   map[int][2]float64 // by timeoutSeconds: probability that one answer fails for itself, and its bound
	single  func(timeout time.Duration) (estimate, bound float64)
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
	f := &ClosedForm{alone: map[int][2]float64{}, known: map[attempts][2]float64{}}
	if classes := w.Node.Classes; len(classes) > 0 {
		f.addClasses(w, k)
		return f
	}
	if f.Why = obstacle(w, k); f.Why != "" {
		return f
	}
	if tcp(w, k) {
		f.single = func(time.Duration) (float64, float64) { return 0, 0 } // the kernel answers (C10)
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
}

// addLatency bounds the time an answer takes where nothing stalls it: its wait
// after its CPU time, which the quota stretches to at most one period for each
// quota's worth begun, and one more for the phase (C2, S8), the neighbours by
// their weight, and interruptions by ticks. The estimate leaves out other
// probes, neighbours and interruptions; the bound takes them as always there.
func (f *ClosedForm) addLatency(w *model.World, k model.ProbeKind) {
	a := &w.Application.Probes[k]
	quota := time.Duration(0)
	if milli := w.Container().CPULimitMilli; milli > 0 && !w.Node.NoCFSQuota {
		quota = cpu.Quota(milli, w.Node.CFSPeriod)
	}
	exec := w.Container().Probes[k] != nil && w.Container().Probes[k].Handler.Kind == model.Exec
	at := func(p float64, crowded bool) time.Duration {
		// Longer than any timeout is long enough, and leaves room to multiply.
		const longest = 100 * time.Hour
		demand, wait := min(a.CPU.Quantile(p), longest), min(a.Wait.Quantile(p), longest)
		if exec {
			demand += min(a.Exec.HelperCPU.Quantile(p), longest)
			wait += min(a.Exec.Join.Quantile(p), longest)
		}
		if crowded { // all the container's probes at once, each as expensive
			demand *= model.ProbeKinds
		}
		wall := demand
		if quota > 0 && demand > quota {
			wall = (demand/quota + 1) * w.Node.CFSPeriod
		}
		if crowded && demand > 0 {
			wall += behindNeighbours(w, demand) + interrupted(&w.Node, demand)
		}
		return wait + wall
	}
	f.typical, f.slow = at(0.5, false), at(0.9999, true)
	// An answer is late only if one of its parts is beyond its quantile p, where
	// the parts at p together are not late: P(late) <= parts·(1−p), for any p.
	parts := 2.0
	if exec {
		parts = 4
	}
	late := func(timeout time.Duration, crowded bool) float64 {
		if at(1, crowded) < timeout {
			return a.Failure
		}
		low, high := 0.0, 15.0 // of x in p = 1 − 10^−x
		for range 30 {
			x := (low + high) / 2
			if at(1-math.Pow(10, -x), crowded) < timeout {
				low = x
			} else {
				high = x
			}
		}
		late := math.Min(1, parts*math.Pow(10, -low))
		return a.Failure + late - a.Failure*late
	}
	f.single = func(timeout time.Duration) (estimate, bound float64) {
		return late(timeout, false), late(timeout, true)
	}
}

// behindNeighbours bounds the time that always busy neighbours of weight W add
// to a demand of a container of weight w: W/w times as long as it runs, on as
// many of the CPUs as its three probes can use at once, what was owed before,
// and a tick for each turn, which is at least 2 ms (C16 to C19).
func behindNeighbours(w *model.World, demand time.Duration) time.Duration {
	n := &w.Node
	if len(n.Neighbours) == 0 {
		return 0
	}
	weight := func(milli int64) float64 {
		if n.LinearWeights {
			return float64(cpu.LinearWeight(cpu.Shares(milli)))
		}
		return float64(cpu.Weight(cpu.Shares(milli)))
	}
	request := w.Container().CPURequestMilli
	if request == 0 {
		request = w.Container().CPULimitMilli
	}
	total := 0.0
	for i := range n.Neighbours {
		total += weight(n.Neighbours[i].CPURequestMilli)
	}
	cpus := max(n.CPUs, 1)
	ratio := total / float64(cpus) * float64(min(cpus, model.ProbeKinds)) / weight(request)
	tick := time.Second / time.Duration(n.KernelHz)
	turns := demand/(2*time.Millisecond) + 2
	return time.Duration(ratio*float64(demand+tick)) + turns*tick
}

// interrupted bounds the time that interruptions add: a tick each (C32a), and
// more of them than a Poisson number exceeds with a probability of about 1e-15.
func interrupted(n *model.Node, demand time.Duration) time.Duration {
	if n.InterruptionsPerSecond <= 0 {
		return 0
	}
	mean := n.InterruptionsPerSecond * demand.Seconds()
	tick := time.Second / time.Duration(n.KernelHz)
	return time.Duration((mean + 8*math.Sqrt(mean) + 20) * float64(tick))
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
		alone[0], alone[1] = f.single(p.Timeout())
		f.alone[int(p.TimeoutSeconds)] = alone
	}
	independent := func(q float64) float64 {
		if q <= 0 {
			return 0
		}
		return 1 / (calc.Run{Failures: failures, Probability: math.Min(q, 1)}.MeanProbes() * period)
	}
	stalls := make([]float64, failures+1) // bound of the stalls per second that fail at least so many attempts
	hit := 0.0                            // attempts that stalls fail, per attempt
	for n := 1; n <= failures; n++ {
		var typical float64
		typical, stalls[n] = f.failing(p, n)
		if n == failures {
			estimate = typical
		}
		hit += stalls[n] * period
	}
	// What a stall fails beyond the threshold is no attempt of its own here.
	q := math.Min(1, alone[1]+hit)
	estimate += independent(alone[0])
	bound = independent(q) + stalls[failures] + f.again(p)
	for n := 1; n < failures; n++ {
		// A second stall that begins within a period of the first one's end.
		bound += stalls[n] * stalls[failures-n] * period
		bound += stalls[n] * float64(failures-n+1) * math.Pow(q, float64(failures-n))
	}
	return estimate, bound
}

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
			rates[0] += s.perSecond * s.verdict(p, n, f.typical)
			rates[1] += s.perSecond * s.verdict(p, n, f.slow)
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
			more := s.perSecond * s.verdict(p, times*int(p.FailureThreshold), f.slow)
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
	least := time.Duration(n-1) * step(p)
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
