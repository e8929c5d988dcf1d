package calc

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/dist"
)

// The kernel's numbers that an answer from an idle container meets.
const (
	quotaSlice = 5 * time.Millisecond // what a CPU takes from the pool at a time (C1)
	quotaKept  = time.Millisecond     // left on a CPU that goes idle (C3)
)

// ThrottledAnswer is an answer computed by one thread of a container that is
// otherwise idle, under a quota, again and again at the interval of a probe (C30):
//
//	refill      tick      tick      tick      tick           refill
//	|<- phase ->|- offset |         |         |              |
//	                 ├── runs, beyond the quota ──┤ throttled ├─ the rest ─┤
//
// The phase of the probe's grid in the quota's period is uniform, since it is
// drawn with the container's cgroup (C8), and the same for every probe of a
// life where the period divides the probe's. The offset of the ticks from the
// refills is a constant of the container, too, and so is the phase of the pod's
// quota, if it has one (C14). So the answer time is a function of those numbers.
// What one answer leaves, up
// to 1 ms kept on the CPU (C3) or a debt (C6), the next one begins with; after
// some probes that repeats.
type ThrottledAnswer struct {
	Demand   time.Duration // CPU time, above 0
	Quota    time.Duration // of CPU time per Period, above 0
	PodQuota time.Duration // of the pod, with the same Period; 0: none
	Period   time.Duration // of the quotas
	Tick     time.Duration // distance of the kernel's ticks; has to divide Period
	Exact    bool          // threads stop at the quota instead of at the next tick (C7)
	Every    time.Duration // from one probe to the next; Period has to divide it
}

// setting is what a container has for its life, beside the phase of its probe:
// the time from a refill of its quota to the next tick, and from there on to the
// next refill of its pod's.
type setting struct{ offset, pod time.Duration }

// level is one of the quotas: the pool of its cgroup, the balance of the CPU,
// and the time of the next refill.
type level struct{ pool, local, refill time.Duration }

// idle is what the levels have when a probe comes.
type idle [2]level

// quotas are those of the levels.
func (a *ThrottledAnswer) quotas() []time.Duration {
	if a.PodQuota > 0 {
		return []time.Duration{a.Quota, a.PodQuota}
	}
	return []time.Duration{a.Quota}
}

// once returns how long an answer that begins at now takes, and changes the
// levels to what is left then.
func (a *ThrottledAnswer) once(now time.Duration, set setting, quotas []time.Duration, has *idle) time.Duration {
	begun, left := now, a.Demand
	for {
		if !has.account(quotas) {
			now = a.wait(quotas, has)
			continue
		}
		at := now + has[0].local
		if len(quotas) > 1 && has[1].local < has[0].local {
			at = now + has[1].local
		}
		if !a.Exact {
			ticks := ceilings(at-set.offset, a.Tick)
			at = ticks*a.Tick + set.offset
		}
		end := min(at, now+left)
		has.charge(quotas, end-now)
		has.refill(quotas, a.Period, end)
		left -= end - now
		now = end
		if left == 0 {
			has.sleep(quotas)
			return now - begun
		}
	}
}

// account is an accounting point: a used-up balance asks its pool for a slice
// (C1). It reports whether the thread may go on.
func (has *idle) account(quotas []time.Duration) bool {
	runs := true
	for i := range quotas {
		l := &has[i]
		if l.local > 0 {
			continue
		}
		amount := min(l.pool, quotaSlice-l.local)
		l.pool -= amount
		l.local += amount
		runs = runs && l.local > 0
	}
	return runs
}

func (has *idle) charge(quotas []time.Duration, ran time.Duration) {
	for i := range quotas {
		has[i].local -= ran
	}
}

// refill lets the refills up to an instant happen for a thread that runs (C2).
func (has *idle) refill(quotas []time.Duration, period, until time.Duration) {
	for i, quota := range quotas {
		for l := &has[i]; l.refill <= until; l.refill += period {
			l.pool = quota
		}
	}
}

// wait returns when the throttled levels have been repaid (C6).
func (a *ThrottledAnswer) wait(quotas []time.Duration, has *idle) time.Duration {
	now := time.Duration(0)
	for i, quota := range quotas {
		if has[i].local <= 0 {
			now = max(now, has[i].repay(quota, a.Period))
		}
	}
	has.refill(quotas, a.Period, now)
	return now
}

// repay lets refills pay a level's debt, and returns when that is done.
func (l *level) repay(quota, period time.Duration) time.Duration {
	for {
		at := l.refill
		l.refill += period
		paid := min(quota, 1-l.local)
		l.pool = quota - paid
		l.local += paid
		if l.local > 0 {
			return at
		}
	}
}

// sleep is the end of an answer: an accounting point, after which the CPU gives
// back what is above 1 ms (C3).
func (has *idle) sleep(quotas []time.Duration) {
	has.account(quotas)
	for i := range quotas {
		if l := &has[i]; l.local > quotaKept {
			l.pool += l.local - quotaKept
			l.local = quotaKept
		}
	}
}

// rest lets the refills happen until the next probe comes.
func (a *ThrottledAnswer) rest(quotas []time.Duration, has *idle, until time.Duration) {
	for i, quota := range quotas {
		l := &has[i]
		for l.local <= 0 && l.refill <= until {
			paid := min(quota, 1-l.local)
			l.pool = quota - paid
			l.local += paid
			l.refill += a.Period
		}
		if l.refill <= until {
			l.pool = quota
			l.refill += (1 + (until-l.refill)/a.Period) * a.Period
		}
	}
}

// ceilings returns the least n with n·unit >= d.
func ceilings(d, unit time.Duration) time.Duration {
	n := d / unit
	if n*unit < d {
		n++
	}
	return n
}

// The answers of a life are followed until they repeat, at most so many.
const followed = 24

// cycle returns the answers that repeat for ever at the phase, each equally
// often.
func (a *ThrottledAnswer) cycle(phase time.Duration, set setting) []time.Duration {
	quotas := a.quotas()
	has := idle{{pool: a.Quota, refill: a.Period}, {pool: a.PodQuota, refill: set.offset + set.pod}}
	has.refill(quotas, a.Period, phase)
	seen := make([]idle, 0, followed)
	took := make([]time.Duration, 0, followed)
	for range followed {
		if first := slices.Index(seen, has); first >= 0 {
			return took[first:]
		}
		seen = append(seen, has)
		d := a.once(phase, set, quotas, &has)
		took = append(took, d)
		a.rest(quotas, &has, phase+a.Every)
		for i := range quotas { // the next probe has the same phase
			has[i].refill -= a.Every
		}
	}
	return took[followed/2:]
}

// answerTimes is the distribution of an answer's time: times in increasing
// order, with the weights of those up to each.
type answerTimes struct {
	took    []time.Duration
	weights []float64 // cumulative; the last is 1
}

// The phases that stand for all: as many as cost about so many stretches of
// running, within bounds.
const (
	fewestPhases = 1 << 9
	mostPhases   = 1 << 14
	stretches    = 1 << 19
)

// times returns the distribution of the answer time over the phase, the ticks
// and the pod's quota: evenly spread points of the three, none of them drawn. A
// probability is right to a few over their number: 0.001 for answers of a few
// stretches.
func (a *ThrottledAnswer) times() answerTimes {
	n := min(max(stretches/int(1+a.Demand/a.Quota), fewestPhases), mostPhases)
	weights := map[time.Duration]float64{}
	for i := range n {
		// Multiples of these ratios fill the unit square evenly (Roberts's R2 sequence).
		part := func(ratio float64, of time.Duration) time.Duration {
			return time.Duration(math.Mod(.5+float64(i)*ratio, 1) * float64(of))
		}
		set := setting{offset: part(0.7548776662466927, a.Tick), pod: part(0.5698402909980532, a.Period)}
		phase := time.Duration((float64(i) + .5) / float64(n) * float64(a.Period))
		cycle := a.cycle(phase, set)
		for _, took := range cycle {
			weights[took] += 1 / float64(n*len(cycle))
		}
	}
	d := answerTimes{took: slices.Sorted(maps.Keys(weights))}
	sum := 0.0
	for _, took := range d.took {
		sum += weights[took]
		d.weights = append(d.weights, sum)
	}
	d.weights[len(d.weights)-1] = 1
	return d
}

// within returns the probability that an answer takes at most t.
func (d answerTimes) within(t time.Duration) float64 {
	i, found := slices.BinarySearch(d.took, t)
	if found {
		i++
	}
	if i == 0 {
		return 0
	}
	return d.weights[i-1]
}

// longest returns the greatest time.
func (d answerTimes) longest() time.Duration { return d.took[len(d.took)-1] }

// delay returns the statistics of the distribution.
func (d answerTimes) delay() *Delay {
	quantile := func(share float64) Number {
		i, _ := slices.BinarySearch(d.weights, share)
		return seconds(d.took[min(i, len(d.took)-1)])
	}
	mean, before := 0.0, 0.0
	for i, took := range d.took {
		mean += (d.weights[i] - before) * took.Seconds()
		before = d.weights[i]
	}
	return &Delay{Min: seconds(d.took[0]), Mean: Number(mean), P50: quantile(.5), P90: quantile(.9), P99: quantile(.99), Max: seconds(d.longest())}
}

// ExceedsTimeout is the probability that an answer takes longer than a timeout.
type ExceedsTimeout struct {
	TimeoutSeconds int64  `json:"timeoutSeconds"`
	Probability    Number `json:"probability"`
}

// longestAnswer is the number of quotas' worth of demand up to which answers are
// followed; beyond it the rate of the quota says as much.
const longestAnswer = 10000

// fill puts the distribution of an answer's time into a Quota, plus a constant
// that comes on top. It returns why there is none, or an empty string.
func (a *ThrottledAnswer) fill(q *Quota, extra time.Duration) string {
	switch {
	case a.Period%a.Tick != 0:
		return fmt.Sprintf("the quota's period of %v is no multiple of the kernel's tick of %v", a.Period, a.Tick)
	case a.Every%a.Period != 0:
		return fmt.Sprintf("the probe's period of %v is no multiple of the quota's of %v", a.Every, a.Period)
	case a.Demand/a.Quota > longestAnswer:
		return fmt.Sprintf("an answer needs more than %d quotas", longestAnswer)
	}
	times := a.times()
	if times.longest() > a.Every {
		return fmt.Sprintf("an answer takes up to %.3g s, longer than the %v to the next probe: answers queue and get ever later", times.longest().Seconds(), a.Every)
	}
	for i := range times.took {
		times.took[i] += extra
	}
	q.AnswerSeconds = times.delay()
	for t := int64(1); ; t++ {
		exceeds := 1 - times.within(time.Duration(t)*time.Second)
		q.ExceedsTimeout = append(q.ExceedsTimeout, ExceedsTimeout{t, Number(exceeds)})
		if exceeds == 0 {
			return ""
		}
	}
}

// answers fills in the distribution of the answers to a probe of the world.
func (s *studied) answers(kind model.ProbeKind) {
	demand, extra, reason := s.answer(kind)
	if reason == "" {
		_, settings := s.probe(kind)
		a := &ThrottledAnswer{
			Demand: demand, Quota: cpu.Quota(s.w.Container().CPULimitMilli, s.w.Node.CFSPeriod), PodQuota: s.podQuota(),
			Period: s.w.Node.CFSPeriod, Tick: time.Second / time.Duration(s.w.Node.KernelHz),
			Exact: s.w.Application.Accounting == model.AccountingExact, Every: settings.Period,
		}
		reason = a.fill(s.c.Quota, extra)
	}
	if reason != "" {
		s.c.note("quota.answerSeconds: null: %s; run simulates it", reason)
		return
	}
	s.c.note("quota.answerSeconds: of the %s probe, over the phase of its grid in the quota's period, which is uniform and stays for a life (C1 to C8, C14); valid for one thread in a container that is otherwise idle: no other probe at the same time, pause, stall or throttled start", kind)
}

// answer returns the CPU time of the answers to a probe and the constant time on
// top of it, or why they have no closed form.
func (s *studied) answer(kind model.ProbeKind) (demand, extra time.Duration, reason string) {
	p, answer := s.w.Container().Probes[kind], &s.w.Application.Probes[kind]
	switch {
	case p.Handler.Kind == model.TCPSocket:
		return 0, 0, "the kernel accepts a tcp probe's connection at no cost to the container (C10)"
	case len(s.w.Node.Classes) > 0:
		return 0, 0, "the kinds of node differ"
	case s.w.Node.CFSBurst > 0:
		return 0, 0, "unused quota is kept for bursts (C15)"
	case s.competing() != "":
		return 0, 0, "answers compete with " + s.competing() + " for the CPU"
	}
	costs, waits := []dist.Duration{answer.CPU}, []dist.Duration{answer.Wait}
	if p.Handler.Kind == model.Exec {
		costs, waits = append(costs, answer.Exec.HelperCPU), append(waits, answer.Exec.Join)
	}
	for _, cost := range costs {
		value, constant := fixed(cost)
		if !constant {
			return 0, 0, "the CPU time of an answer is random"
		}
		demand += value
	}
	for _, wait := range waits {
		value, constant := fixed(wait)
		if !constant {
			s.c.note("quota.answerSeconds: without the answer's waits that are random, which come on top")
			continue
		}
		extra += value
	}
	if demand == 0 {
		return 0, 0, "an answer takes no CPU time"
	}
	return demand, extra, ""
}

// fixed returns the one value of a duration that is not random.
func fixed(d dist.Duration) (time.Duration, bool) {
	if d.IsZero() {
		return 0, true
	}
	value, constant := d.Nanoseconds.(dist.Constant)
	return time.Duration(value), constant
}

// podQuota is the quota of the pod's own cgroup: of the pod's limit, or of the
// sum of its containers' if each has one (C14).
func (s *studied) podQuota() time.Duration {
	total := s.w.Pod.CPULimitMilli
	for i := range s.w.Pod.Containers {
		if s.w.Pod.CPULimitMilli > 0 {
			break
		}
		limit := s.w.Pod.Containers[i].CPULimitMilli
		if limit == 0 {
			return 0
		}
		total += limit
	}
	return cpu.Quota(total, s.w.Node.CFSPeriod)
}
