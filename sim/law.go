package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// law is how an attempt of a probe at a quiet process goes, divided in two: one
// that is uneventful succeeds whatever else is so and leaves nothing behind; one
// that is eventful fails, or may fail. Which of the two it is depends on its own
// draws alone, so attempts are eventful independently of each other. An eventful
// one of a probe that needs no CPU fails for certain. One that needs CPU is
// eventful if it needs more of it than the quota surely gives, or waits longer
// than what the CPU surely leaves of its timeout: whether it fails is found out
// in the state that the container is in then. That is thinning.
type law struct {
	answer  *model.Answer
	handler model.HandlerKind
	certain bool          // an eventful attempt fails
	within  time.Duration // an uneventful one ends
	fails   time.Duration // within which a failure ends
	wait    time.Duration // an uneventful one waits less, neighbours included
	parts   []part        // what it does before it waits
	mean    time.Duration // CPU time of an uneventful one
}

// part is something that an answer does before its wait: a duration of which an
// uneventful answer needs no more than most.
type part struct {
	length dist.Duration
	most   time.Duration
	beyond float64 // probability of more
}

// newLaw returns the law of a probe of the studied container, and false if none of
// its attempts is surely uneventful. All probes together have so many jobs for the
// CPU within one period of the quota.
func newLaw(a *application, k model.ProbeKind, p *model.Probe, jobs int) (law, bool) {
	answer := &a.app.Probes[k]
	w := law{answer: answer, handler: p.Handler.Kind, within: min(p.Timeout(), p.Period())}
	w.wait = w.within
	late := max(a.life.durations.TimeoutLate.Quantile(1), a.life.durations.TimeoutLateThrottled.Quantile(1))
	w.fails = p.Timeout() + late
	if w.handler == model.TCPSocket { // the kernel accepts, whatever becomes of the process (C10)
		w.within = 1
		return w, true
	}
	if instant(answer, w.handler) {
		w.certain = p.Timeout() < p.Period()
		return w, true
	}
	return w, w.useCPU(a, p, jobs)
}

// useCPU divides the time of an uneventful answer: at most a quarter for joining
// the cgroup, at most a half for the CPU, and the rest for the wait; no more of
// each than is not rare, so that few attempts overlap with what happens. It reports
// whether that leaves something of each.
func (w *law) useCPU(a *application, p *model.Probe, jobs int) bool {
	join, helper := dist.Duration{}, dist.Duration{}
	if w.handler == model.Exec {
		join, helper = w.answer.Exec.Join, w.answer.Exec.HelperCPU
	}
	const rare = 1e-4
	joins := part{length: join, most: min(w.within/4, join.Quantile(1-rare))}
	config, neighbours := a.cpuConfig(), a.heaviestNeighbours()
	demand := config.Light(jobs, neighbours, w.within/2)
	low, high := 0.0, 1-rare
	for range 50 {
		if middle := (low + high) / 2; w.answer.CPU.Quantile(middle)+helper.Quantile(middle) <= demand {
			low = middle
		} else {
			high = middle
		}
	}
	w.parts = []part{
		{length: w.answer.CPU, most: w.answer.CPU.Quantile(low)},
		{length: helper, most: helper.Quantile(low)},
		joins,
	}
	for i := range w.parts {
		w.parts[i].beyond = 1 - w.parts[i].length.CDF(w.parts[i].most)
	}
	w.mean = w.parts[0].mean() + w.parts[1].mean()
	light := w.parts[0].most + w.parts[1].most
	lasts := config.Longest(jobs, neighbours, light)
	longest := dist.Stretched(w.answer.Wait.Quantile(1-rare), a.slowest()) + 1
	w.wait = min(w.within-lasts-joins.most, longest)
	w.within = joins.most + lasts + w.wait
	return light <= demand && w.wait > 0 && p.Period() >= a.node.CFSPeriod+lasts+joins.most
}

// mean returns the mean length of those that are not beyond.
func (p *part) mean() time.Duration {
	const classes = 4096
	total := 0.0
	for i := range classes {
		total += float64(p.length.Quantile((1 - p.beyond) * (float64(i) + .5) / classes))
	}
	return time.Duration(total / classes)
}

// eventful returns the probability that an attempt is, while answers wait so many
// times as long.
func (w *law) eventful(slowed float64) float64 {
	if w.handler == model.TCPSocket {
		return 0
	}
	p := w.answer.Failure + (1-w.answer.Failure)*w.tooLong(slowed)
	for i := range w.parts {
		p += (1 - p) * w.parts[i].beyond
	}
	return p
}

// tooLong returns the probability that an answer's wait is.
func (w *law) tooLong(slowed float64) float64 {
	return 1 - w.answer.Wait.CDF(time.Duration(float64(w.wait-1)/slowed))
}

// fate is what skip-ahead has drawn of the attempts of a probe that come next: so
// many that are uneventful, and then perhaps one that is eventful. An early one
// was passed over and taken back, and is as slow as neighbours made it then.
type fate struct {
	good, early int64
	slowed      float64 // times as long the answers to the early ones take
	bad         bool
}

// drawn is what an answer of a serving process takes.
type drawn struct {
	failed                  bool
	wait, cpu, helper, join time.Duration
}

// drawAnswer draws an answer to a probe of kind k, as skip-ahead has decided on it.
func (a *application) drawAnswer(k model.ProbeKind, handler model.HandlerKind) drawn {
	f, w := &a.skipping.fates[k], &a.skipping.laws[k]
	r := a.random[streamAnswers+int(k)].Rand
	switch {
	case f.good > 0:
		f.good--
		slowed := a.slowed
		if f.early > 0 {
			f.early--
			slowed = f.slowed
		}
		return w.uneventful(r, slowed)
	case f.bad:
		f.bad = false
		return w.eventfully(r, a.slowed)
	}
	p := &a.app.Probes[k]
	d := drawn{failed: p.Failure > 0 && r.Float64() < p.Failure}
	d.wait = dist.Stretched(p.Wait.Sample(r), a.slowed)
	d.cpu = p.CPU.Sample(r)
	if handler == model.Exec {
		d.helper, d.join = p.Exec.HelperCPU.Sample(r), p.Exec.Join.Sample(r)
	}
	return d
}

// uneventful draws an answer on condition that it is.
func (w *law) uneventful(r *rand.Rand, slowed float64) drawn {
	d := drawn{wait: w.shortWait(r, slowed)}
	for i := range w.parts {
		*d.part(i) = w.parts[i].short(r)
	}
	return d
}

// eventfully draws an answer on condition that something of it is eventful: it
// draws what comes first of that, and the rest on either side of it.
func (w *law) eventfully(r *rand.Rand, slowed float64) drawn {
	late := w.tooLong(slowed)
	left := r.Float64() * w.eventful(slowed)
	var d drawn
	before := 1.0 // probability that nothing so far is
	if d.failed = left < w.answer.Failure; d.failed {
		d.wait = dist.Stretched(w.answer.Wait.Sample(r), slowed)
	} else {
		left, before = left-w.answer.Failure, 1-w.answer.Failure
	}
	found := d.failed
	if !found {
		if found = left < before*late || len(w.parts) == 0; found {
			d.wait = max(w.wait, dist.Stretched(w.answer.Wait.Quantile(1-late+r.Float64()*late), slowed))
		} else {
			left, before = left-before*late, before*(1-late)
			d.wait = w.shortWait(r, slowed)
		}
	}
	for i := range w.parts {
		p := &w.parts[i]
		switch {
		case found:
			*d.part(i) = p.length.Sample(r)
		case left < before*p.beyond || i == w.last():
			found = true
			*d.part(i) = max(p.most+1, p.length.Quantile(1-p.beyond+r.Float64()*p.beyond))
		default:
			left, before = left-before*p.beyond, before*(1-p.beyond)
			*d.part(i) = p.short(r)
		}
	}
	return d
}

// last returns the last part that can be beyond, where rounding leaves no other.
func (w *law) last() int {
	last := -1
	for i := range w.parts {
		if w.parts[i].beyond > 0 {
			last = i
		}
	}
	return last
}

// part returns where part i of a law belongs.
func (d *drawn) part(i int) *time.Duration {
	return [...]*time.Duration{&d.cpu, &d.helper, &d.join}[i]
}

func (w *law) shortWait(r *rand.Rand, slowed float64) time.Duration {
	for {
		if wait := dist.Stretched(w.answer.Wait.Sample(r), slowed); wait < w.wait {
			return wait
		}
	}
}

func (p *part) short(r *rand.Rand) time.Duration {
	for {
		if length := p.length.Sample(r); length <= p.most {
			return length
		}
	}
}

// hazard returns the rate of a geometric distribution, -log(1-p).
func hazard(p float64) float64 { return -math.Log1p(-p) }
