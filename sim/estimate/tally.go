package estimate

import (
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

const (
	day  = 24 * time.Hour
	year = 8766 * time.Hour // 365.25 days
)

// killSpans are the spans of falseKillProbability.
var killSpans = [...]struct {
	name string
	span time.Duration
}{{"1h", time.Hour}, {"24h", day}, {"720h", 30 * day}, {"8766h", year}}

// tally accumulates the replications of one variant. All of its state is
// integers, so that any grouping of the replications ends in the same bytes.
type tally struct {
	Replications int64
	PodTime      stats.Wide

	FirstStarts firstStarts
	FalseKills  killTally
	NodeClasses []classTally // by class of nodes, as far as a pod landed there
	ByProbe     [model.ProbeKinds]killTally
	Windows     [len(killSpans)]windowTally // of that length, with at least one false kill
	Attempts    [model.ProbeKinds]stats.Proportion
	RunLengths  [model.ProbeKinds][sim.LongestRun]int64
	Dead        stats.RatioOfSums
	Slow        stats.RatioOfSums
	Unready     stats.RatioOfSums
	Unavailable stats.RatioOfSums
	BackOff     stats.RatioOfSums
	ProbeCPU    stats.RatioOfSums
	NeverReady  stats.Proportion
	Exhausted   stats.Proportion
	Own         faultTally // faults of the scenario's own
	Tests       faultTally // test hangs

	Restarts    stats.Count      // in the long lives, after a start was outlived
	Restarted   stats.Proportion // of such restarts, the ones that ended in a false kill
	AfterHangs  stats.Proportion // of those after test hangs, likewise
	StartKills  stats.Proportion // first starts that ended in a kill while starting
	StartLosses stats.Proportion // first starts that ended in any false kill
	ReadyLag    stats.Histogram
	TimeToReady stats.Histogram
	Startup     stats.Histogram
}

// killTally accumulates false kills over pod time, and those after a first start apart.
type killTally struct{ All, Later stats.Count }

// add adds a life with so many kills, of which some are of its first start.
func (k *killTally) add(first, all int64, life time.Duration) {
	k.All.Add(all, life)
	k.Later.Add(all-first, life)
}

func (k *killTally) merge(other *killTally) {
	k.All.Merge(&other.All)
	k.Later.Merge(&other.Later)
}

// windowTally accumulates windows of time with a false kill, and those with none of a
// first start apart.
type windowTally struct {
	All, Later stats.Proportion
	First      int64 // with one of a first start
}

// add adds a life of so many windows.
func (t *windowTally) add(first, hit, all int64) {
	t.All.Add(hit, all)
	t.Later.Add(hit-first, all)
	t.First += first
}

func (t *windowTally) merge(other *windowTally) {
	t.All.Merge(&other.All)
	t.Later.Merge(&other.Later)
	t.First += other.First
}

// faultTally accumulates what followed faults.
type faultTally struct {
	Faults    int64
	Detection stats.Histogram
	Removal   stats.Histogram
	Recovery  stats.Histogram
	Dead      stats.RatioOfSums // dead traffic over faults
}

func (t *faultTally) add(g *gathered) {
	t.Faults += g.Faults
	t.Detection.AddSamples(&g.detection)
	t.Removal.AddSamples(&g.removal)
	t.Recovery.AddSamples(&g.recovery)
	t.Dead.Add(int64(g.dead.Sum), g.dead.N)
}

func (t *tally) add(l *lives) {
	o := &l.life
	t.Replications++
	t.PodTime.AddProduct(int64(o.PodTime), 1)
	t.FirstStarts.add(&o.Outcome, l.lost, l.started)
	first, kills := atFirst(&o.Outcome), int64(0)
	for k := range model.ProbeKinds {
		kills += o.FalseKills[k]
		t.ByProbe[k].add(o.KillsAtFirst[k], o.FalseKills[k], o.PodTime)
		t.Attempts[k].Add(o.Failures[k], o.Attempts[k])
		for i := range sim.LongestRun {
			t.RunLengths[k][i] += o.RunLengths[k][i]
		}
	}
	t.FalseKills.add(first, kills, o.PodTime)
	t.addClass(&o.Outcome, first, kills)
	for i, s := range killSpans {
		hit, all := o.windows[i].of(o.PodTime, s.span)
		atFirst, _ := o.firstWindows[i].of(o.PodTime, s.span)
		t.Windows[i].add(atFirst, hit, all)
	}
	t.Dead.Add(int64(o.DeadTraffic), int64(o.PodTime))
	t.Slow.Add(int64(o.SlowTraffic), int64(o.PodTime))
	t.Unready.Add(int64(o.FalseUnready), int64(o.PodTime))
	t.Unavailable.Add(int64(o.PodTime-o.Available), int64(o.PodTime))
	t.BackOff.Add(int64(o.BackOffTime), int64(o.PodTime))
	t.ProbeCPU.Add(int64(o.ProbeCPU), int64(o.LimitTime))
	var never int64
	if o.NeverReady {
		never = 1
	}
	t.NeverReady.Add(never, 1)
	t.Exhausted.Add(o.Exhausted, o.Marks)
	t.Own.add(o)
	t.Tests.add(&l.faults)
	restarts, lost := o.restarts()
	t.Restarts.Add(restarts, o.PodTime)
	t.Restarted.Add(min(restarts, lost), restarts)
	restarts, lost = l.faults.restarts()
	t.AfterHangs.Add(min(restarts, lost), restarts)
	t.StartKills.Add(l.killed, l.started)
	t.StartLosses.Add(l.lost, l.started)
	t.ReadyLag.AddSamples(&l.starts.readyLag)
	t.TimeToReady.AddSamples(&l.starts.timeToReady)
	t.Startup.AddSamples(&l.starts.startup)
}

// measures makes every measure out of the tally.
func (t *tally) measures(w *model.World, o Options) Measures {
	confidence := o.Confidence
	m := Measures{
		DeadTrafficFraction:  t.share(&t.Dead, confidence),
		SlowTrafficFraction:  t.share(&t.Slow, confidence),
		FalseUnreadyFraction: t.share(&t.Unready, confidence),
		CrashLoopFraction:    t.share(&t.BackOff, confidence),
	}
	t.killMeasures(&m, w, o)
	t.faultMeasures(&m, w, confidence)
	t.startMeasures(&m, w, confidence)

	available := t.Unavailable.Estimate(1, confidence).Map(func(x float64) float64 { return 1 - x })
	m.Availability = &available
	if t.ProbeCPU.N > 0 {
		ofLimit := t.share(&t.ProbeCPU, confidence).Map(func(x float64) float64 { return x * 1000 / float64(w.Container().CPULimitMilli) })
		if freeAnswers(w) {
			ofLimit = exactly(0)
		}
		m.ProbeCPUFraction = &ofLimit
	}
	never := t.NeverReady.Estimate(confidence)
	m.NeverReadyProbability = &never
	if len(w.Application.Resources) > 0 {
		exhausted := t.Exhausted.Estimate(confidence)
		m.ExhaustionProbability = &exhausted
	}
	for k := range model.ProbeKinds {
		if w.Container().Probes[k] == nil || count(t.Attempts[k].Sums.X) == 0 {
			continue
		}
		m.ProbeFailureProbability[k] = &ProbeFailures{t.Attempts[k].Estimate(confidence), t.RunLengths[k][:]}
	}
	return m
}

func (t *tally) share(r *stats.RatioOfSums, confidence float64) *stats.Estimate {
	e := r.Estimate(1, confidence)
	return &e
}

// killMeasures fills in the rates and probabilities of false kills. Where no
// probe can kill, the rates are exactly 0 and the mean time is without end.
func (t *tally) killMeasures(m *Measures, w *model.World, o Options) {
	apart := t.startsApart(w, o)
	rate := func(k *killTally, possible, ofStarts bool) *stats.Estimate {
		e := exactly(0)
		switch {
		case !possible:
		case !apart:
			e = k.All.Estimate(day, o.Confidence)
		case ofStarts:
			e = t.FirstStarts.perTime(&k.Later, day, o.podLife(), o.Confidence)
		default:
			e = k.Later.Estimate(day, o.Confidence)
		}
		return &e
	}
	byLiveness, byStartup := canKill(w)
	startup := w.Container().Probes[model.Startup] != nil
	m.FalseKillsPerPodDayByLiveness = rate(&t.ByProbe[model.Liveness], byLiveness, !startup)
	m.FalseKillsPerPodDayByStartup = rate(&t.ByProbe[model.Startup], byStartup, startup)
	m.FalseKillsPerPodDay = rate(&t.FalseKills, byLiveness || byStartup, true)
	perYear := m.FalseKillsPerPodDay.Map(func(x float64) float64 { return x * float64(year) / float64(day) })
	m.FalseKillsPerPodYear = &perYear
	between := m.FalseKillsPerPodDay.Map(func(x float64) float64 { return day.Seconds() / x })
	m.MeanTimeToFalseKillSeconds = &between

	if t.Replications == 0 {
		return
	}
	m.FalseKillProbability = &KillProbabilities{}
	for i, into := range []*PodAndAny{&m.FalseKillProbability.H1, &m.FalseKillProbability.H24, &m.FalseKillProbability.H720, &m.FalseKillProbability.H8766} {
		pod := exactly(0)
		if byLiveness || byStartup {
			pod = t.killProbability(i, apart, *m.FalseKillsPerPodDay, o)
		}
		into.Pod = pod
		into.AnyReplica = repeated(pod, float64(max(1, w.Replicas)))
	}
}

// startsApart reports whether kills of first starts are to be told from later ones: where
// there can be any, and lives are not as long as the pods'.
func (t *tally) startsApart(w *model.World, o Options) bool {
	return (canLoseStart(w) || count(t.FirstStarts.Again.Sums.X) > 0) && t.FirstStarts.shorter(o.podLife())
}

// killProbability estimates the probability of at least one false kill within
// span i. Kills come in clusters (crash loops, long stalls), so it is not made
// of their rate, which would count a cluster as often as it has kills: it is
// the share of windows of that length with a kill in them. A span longer than
// a life is made of windows of the longest span that fits, taken as
// independent; one shorter than any, of the rate.
func (t *tally) killProbability(i int, apart bool, perDay stats.Estimate, o Options) stats.Estimate {
	longest := i
	for longest >= 0 && count(t.Windows[longest].All.Sums.X) == 0 {
		longest--
	}
	if longest < 0 {
		days := float64(killSpans[i].span) / float64(day)
		e := perDay.Map(func(rate float64) float64 { return -math.Expm1(-rate * days) })
		e.Method = "Poisson at the rate of kills: the horizon is shorter than an hour"
		return e
	}
	e := t.Windows[longest].All.Estimate(o.Confidence)
	if apart {
		e = t.FirstStarts.share(&t.Windows[longest], killSpans[longest].span, o)
	}
	e.Method = "share of windows of " + killSpans[longest].name + " with a kill, " + e.Method
	if longest == i {
		return e
	}
	method := e.Method + ", extended as independent windows"
	e = repeated(e, float64(killSpans[i].span)/float64(killSpans[longest].span))
	e.Method = method
	return e
}

// repeated turns the probability of an event in one trial into that of at
// least one in so many independent trials.
func repeated(p stats.Estimate, times float64) stats.Estimate {
	if times == 1 {
		return p
	}
	e := p.Map(func(x float64) float64 { return -math.Expm1(times * math.Log1p(-x)) })
	if p.Method != "exact" {
		e.Method = p.Method + ", independent replicas"
	}
	return e
}

// count returns a sum of counts, which always fits 63 bits.
func count(sum stats.Wide) int64 { return int64(sum[0]) }
