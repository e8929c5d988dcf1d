package recommend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// Rollout is how long the workload takes to replace all of its pods, and whether
// the time it is given is enough. Every new pod's time is a simulated start with
// its probes, kills and back-off; they differ independently. As soon as one is
// available the next is created.
type Rollout struct {
	Kind                    string `json:"kind"`    // of the workload; "Deployment" where the input does not say
	Assumed                 bool   `json:"assumed"` // the input does not say how it is rolled out
	Replicas                int    `json:"replicas"`
	InFlight                int    `json:"inFlight"` // new pods on their way at once
	Waves                   int    `json:"waves"`    // replicas over those, rounded up
	ProgressDeadlineSeconds int64  `json:"progressDeadlineSeconds"`
	MinReadySeconds         int64  `json:"minReadySeconds"`
	// LongestSeconds is the longest that the startup probe, the recommended one if
	// there is one, lets a rollout take whose every wave has a start that uses up the
	// whole budget, without what comes before the container. Null: there is no
	// startup probe.
	LongestSeconds *float64      `json:"longestSeconds"`
	Current        *RolloutTimes `json:"current"`
	// Recommended is with the recommended settings of the probes and, where the present
	// progress deadline is too short for them, with that which is needed. Null: there is
	// nothing else to compare.
	Recommended *RolloutTimes `json:"recommended"`
	// Deadline is the progress deadline that is needed with the recommended settings,
	// and with the current ones if those stay. Null: the kind has none, or pods never
	// become Ready, which no deadline helps.
	Deadline *Deadline `json:"progressDeadline"`
	// MinReadyNeededSeconds is the minReadySeconds that keeps an old pod, or the next
	// one where a new pod takes the place of one that has gone, until the new one
	// gets requests from every proxy and the load balancer, in 99 of 100 cases. 0: no
	// old pod is left to keep.
	MinReadyNeededSeconds int64 `json:"minReadyNeededSeconds"`
	// SecondsSavedPerStart and PerRollout are what the recommended settings save,
	// on the same random numbers; below 0 what they cost.
	SecondsSavedPerStart   *stats.Estimate `json:"secondsSavedPerStart"`
	SecondsSavedPerRollout *stats.Estimate `json:"secondsSavedPerRollout"`
	// ReadinessPeriodSeconds is what the readiness period costs a start, against
	// one of 1 s. Null: there is no readiness probe, its period is 1 s, or answers
	// every second would take more CPU time than there is.
	ReadinessPeriodSeconds *stats.Estimate `json:"readinessPeriodCostSeconds"`
	Sentences              []string        `json:"sentences"`
}

// RolloutTimes is what rollouts take with some settings.
type RolloutTimes struct {
	// TimeToAvailableSeconds is from a pod's creation to Ready and minReadySeconds
	// more.
	TimeToAvailableSeconds stats.Distribution `json:"timeToAvailableSeconds"`
	TotalSeconds           stats.Distribution `json:"totalSeconds"`
	// ProgressDeadlineSeconds is the deadline that the two probabilities are of; 0: none.
	ProgressDeadlineSeconds int64 `json:"progressDeadlineSeconds"`
	// PodExceedsDeadlineProbability is that of one pod which takes longer than the
	// progress deadline, RolloutFailsProbability that of a rollout in which no pod
	// is created, Ready or available for so long. Null: there is no deadline.
	PodExceedsDeadlineProbability *stats.Estimate `json:"podExceedsDeadlineProbability"`
	RolloutFailsProbability       *stats.Estimate `json:"rolloutFailsProbability"`
	NeverReadyPods                int64           `json:"neverReadyPods"` // of those simulated; they count with the time they were watched
}

const (
	rolloutStream   = 0x4011
	mostPodStarts   = 4000
	mostRollouts    = 400
	fewestRollouts  = 100
	rolloutEvents   = 1e6 // of all starts of one setting: about a second
	unsaidKind      = "Deployment"
	defaultDeadline = 600 * time.Second
)

// strategyOf returns the workload's strategy, and that of a Deployment with
// nothing stated where the input is a pod.
func strategyOf(s *model.Strategy, replicas int) model.Strategy {
	if s.Kind == "" {
		quarter := float64(replicas) / 4
		return model.Strategy{Assumed: true, Kind: unsaidKind, ProgressDeadline: defaultDeadline, MaxSurge: int(math.Ceil(quarter)), MaxUnavailable: int(quarter)}
	}
	return *s
}

// rollout simulates rollouts with the current settings, and beside them with the
// recommended ones. It returns nil if it was told to stop.
func (s *search) rollout(recommended *Proposal, stop *atomic.Bool) (*Rollout, error) {
	strategy := s.strategy
	n := max(1, s.w.Replicas)
	r := &Rollout{
		Kind: strategy.Kind, Assumed: strategy.Assumed, Replicas: n, InFlight: strategy.InFlight(n),
		ProgressDeadlineSeconds: int64(strategy.ProgressDeadline / time.Second), MinReadySeconds: int64(strategy.MinReady / time.Second),
		Sentences: []string{},
	}
	r.Waves = (n + r.InFlight - 1) / r.InFlight
	horizon := 2*estimate.StartSpan(s.w) + 2*strategy.ProgressDeadline
	before, err := s.newPods(s.w, horizon, stop)
	if err != nil || stop.Load() {
		return nil, err
	}
	paths := s.rollouts(&strategy, before)
	r.Current = s.rolloutTimes(&strategy, before, paths)
	final, pods := s.w, before
	if recommended != nil {
		c := *s.w.Container()
		c.Probes = [model.ProbeKinds]*model.Probe{recommended.Settings.StartupProbe, recommended.Settings.ReadinessProbe, recommended.Settings.LivenessProbe}
		if final = s.w.WithContainer(c); !sameProbes(s.w, final) {
			if pods, err = s.newPods(final, horizon, stop); err != nil || stop.Load() {
				return nil, err
			}
			after := s.rollouts(&strategy, pods)
			r.SecondsSavedPerStart = s.paired(before.took, pods.took)
			r.SecondsSavedPerRollout = s.paired(totals(paths), totals(after))
			paths = after
		}
	}
	if p := final.Container().Probes[model.Startup]; p != nil {
		longest := float64(r.Waves) * (p.InitialDelay() + time.Duration(p.FailureThreshold)*p.Period()).Seconds()
		r.LongestSeconds = &longest
	}
	r.Deadline, r.MinReadyNeededSeconds = s.deadline(final, &strategy, paths), s.minReadyNeeded(&strategy)
	settled := strategy
	if recommended != nil && r.Deadline != nil && !r.Deadline.PresentCovers && !strategy.Assumed {
		settled.ProgressDeadline = time.Duration(r.Deadline.Seconds) * time.Second
	}
	if r.SecondsSavedPerStart != nil || settled.ProgressDeadline != strategy.ProgressDeadline {
		r.Recommended = s.rolloutTimes(&settled, pods, paths)
	}
	if p := final.Container().Probes[model.Readiness]; p != nil && p.PeriodSeconds > 1 && !overloads(final, model.Readiness, 1) {
		quick := final.WithContainer(final.Container().WithProbe(model.Readiness, p))
		q := quick.Container().Probes[model.Readiness]
		q.PeriodSeconds = 1
		q.TimeoutSeconds = min(q.TimeoutSeconds, 1)
		each, err := s.newPods(quick, horizon, stop)
		if err != nil || stop.Load() {
			return nil, err
		}
		r.ReadinessPeriodSeconds = s.paired(pods.took, each.took)
	}
	r.Sentences = r.sentences(&strategy, final)
	return r, nil
}

// sameProbes reports whether the studied containers of two worlds have the same
// settings.
func sameProbes(a, b *model.World) bool {
	for k, p := range a.Container().Probes {
		q := b.Container().Probes[k]
		if (p == nil) != (q == nil) || p != nil && (settingOf(p) != settingOf(q) || p.InitialDelaySeconds != q.InitialDelaySeconds || p.SuccessThreshold != q.SuccessThreshold) {
			return false
		}
	}
	return true
}

// newPods is how long simulated pods took from their creation to Ready.
type newPods struct {
	took    []time.Duration
	watched time.Duration // how long each of them was watched
	never   int64         // of them were not Ready within that, which is their time
}

// newPods simulates new pods up to Ready.
func (s *search) newPods(w *model.World, horizon time.Duration, stop *atomic.Bool) (*newPods, error) {
	alone := *w
	alone.Events = model.Events{} // nothing else happens to the pod meanwhile
	pods := &newPods{watched: horizon, took: make([]time.Duration, min(mostPodStarts, max(200, int(rolloutEvents/startCost(w)))))}
	creation := kubelet.MeasuredDurations().Creation.Quantile(0.5)
	var never atomic.Int64
	errs := make([]error, max(1, s.jobs))
	var running sync.WaitGroup
	for job := range errs {
		running.Go(func() {
			simulator, err := sim.New(&alone)
			if errs[job] = err; err != nil {
				return
			}
			for i := job; i < len(pods.took) && !stop.Load(); i += len(errs) {
				o := simulator.Run(sim.Life{Seed: s.seed ^ rolloutStream, Replication: uint64(i), Draw: model.DrawOf(uint64(i)), Horizon: horizon, FirstReady: true, Stop: stop})
				pods.took[i] = creation + o.FirstReady
				if o.NeverReady {
					pods.took[i] = horizon
					never.Add(1)
				}
			}
		})
	}
	running.Wait()
	pods.never = never.Load()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return pods, nil
}

// oldPodGone draws how long a new pod waits for the end of the old one in its
// place: of a StatefulSet and of a DaemonSet without surge to its object's
// removal (K81), and of a Deployment that recreates its pods.
func (s *search) oldPodGone(strategy *model.Strategy, random *rand.Rand) time.Duration {
	if strategy.Kind == unsaidKind && !strategy.Recreate || strategy.MaxSurge > 0 {
		return 0
	}
	d := kubelet.MeasuredDurations()
	grace := kubelet.DeletionGrace(&s.w.Pod, nil)
	preStop := kubelet.PreStopLasts(s.w.Container().PreStop.Lasts, grace)
	shutdown := kubelet.RemainingGrace(grace, preStop)
	if !s.w.Application.Shutdown.IgnoresTerm {
		shutdown = min(shutdown, s.w.Application.Shutdown.Wait.Sample(random))
	}
	return preStop + shutdown + d.FinalStatus.Sample(random) + d.Removed.Sample(random)
}

// rolloutTimes makes the estimates of one setting.
func (s *search) rolloutTimes(strategy *model.Strategy, pods *newPods, paths []RolloutPath) *RolloutTimes {
	unbounded := stats.Bounds{Min: 0, Max: math.Inf(1)}
	var each, all stats.Histogram
	var slow, failed stats.Proportion
	for _, took := range pods.took {
		each.Add([]time.Duration{took + strategy.MinReady})
		slow.Add(counted(took > strategy.ProgressDeadline), 1)
	}
	for i := range paths {
		all.Add([]time.Duration{paths[i].Total})
		failed.Add(counted(paths[i].LongestWait > strategy.ProgressDeadline), 1)
	}
	t := &RolloutTimes{
		ProgressDeadlineSeconds: int64(strategy.ProgressDeadline / time.Second),
		TimeToAvailableSeconds:  each.Distribution(unbounded, s.confidence),
		TotalSeconds:            all.Distribution(unbounded, s.confidence),
		NeverReadyPods:          pods.never,
	}
	if strategy.ProgressDeadline > 0 {
		pod, whole := slow.Estimate(s.confidence), failed.Estimate(s.confidence)
		t.PodExceedsDeadlineProbability, t.RolloutFailsProbability = &pod, &whole
	}
	return t
}

// paired returns the mean of what is saved from before to after, in pairs on the
// same random numbers.
func (s *search) paired(before, after []time.Duration) *stats.Estimate {
	n := min(len(before), len(after))
	mean, squares := 0.0, 0.0
	for i := range n {
		d := (before[i] - after[i]).Seconds()
		delta := d - mean
		mean += delta / float64(i+1)
		squares += delta * (d - mean)
	}
	half := math.Inf(1)
	if n > 1 {
		half = stats.StudentT(int64(n), s.confidence) * math.Sqrt(squares/float64(n-1)/float64(n))
	}
	return &stats.Estimate{Estimate: mean, Low: mean - half, High: mean + half, Confidence: s.confidence, Method: "t over pairs", N: int64(n)}
}

// sentences says what the numbers come to.
func (r *Rollout) sentences(strategy *model.Strategy, final *model.World) []string {
	of := func(t *RolloutTimes) string {
		return fmt.Sprintf("%s at the median and %s in one rollout of a hundred", seconds(t.TotalSeconds.P50.Estimate), seconds(t.TotalSeconds.P99.Estimate))
	}
	text := fmt.Sprintf("replicas %d, new ones at once %d, waves %d: a rollout takes %s", r.Replicas, r.InFlight, r.Waves, of(r.Current))
	if r.SecondsSavedPerStart != nil {
		text += ", with the recommended settings " + of(r.Recommended)
	}
	sentences := []string{text}
	if r.Assumed {
		sentences = append(sentences, "the input is no workload with a strategy: a Deployment's defaults are taken, maxSurge and maxUnavailable 25%, progressDeadlineSeconds 600")
	}
	if r.LongestSeconds != nil {
		sentences = append(sentences, fmt.Sprintf("with a start in each wave that uses up the startup budget it would take %s: whoever waits for it, such as kubectl rollout status --timeout, has to wait so long", seconds(*r.LongestSeconds)))
	}
	if p := r.Current.PodExceedsDeadlineProbability; p != nil {
		fails := r.Current.RolloutFailsProbability
		sentences = append(sentences, fmt.Sprintf("progressDeadlineSeconds %d: %.3g %% of the pods take longer (at most %.3g %%), and %.3g %% of the rollouts go so long without progress and fail (at most %.3g %%)",
			r.ProgressDeadlineSeconds, 100*p.Estimate, 100*p.High, 100*fails.Estimate, 100*fails.High))
	}
	if r.Deadline != nil {
		sentences = append(sentences, r.Deadline.Sentence)
	}
	sentences = append(sentences, r.minReadySentence(strategy, final))
	if saved := r.SecondsSavedPerStart; saved != nil && (saved.Low > 0 || saved.High < 0) {
		sentences = append(sentences, fmt.Sprintf("the recommended settings %s, and %s", savedText(saved, "a start"), savedText(r.SecondsSavedPerRollout, "a rollout")))
	}
	if cost := r.ReadinessPeriodSeconds; cost != nil {
		period := final.Container().Probes[model.Readiness].PeriodSeconds
		if cost.Low > 0 {
			sentences = append(sentences, fmt.Sprintf("the readiness period of %d s makes a start Ready %s (%s to %s) later on average than one of 1 s: a pod whose first attempt comes to nothing waits a whole period (K74)",
				period, seconds(cost.Estimate), seconds(cost.Low), seconds(cost.High)))
		} else {
			sentences = append(sentences, fmt.Sprintf("the readiness period of %d s makes no start Ready later on average than one of 1 s (at most %s)", period, seconds(max(0, cost.High))))
		}
	}
	if never := r.Current.NeverReadyPods; never > 0 {
		sentences = append(sentences, fmt.Sprintf("%d simulated pods were not Ready within the time they were watched, and count with that time: the true numbers are larger", never))
	}
	return sentences
}

// savedText writes what is saved each time, or what it costs.
func savedText(saved *stats.Estimate, each string) string {
	of := func(verb string, e stats.Estimate) string {
		return fmt.Sprintf("%s %s %s (%s to %s)", verb, seconds(e.Estimate), each, seconds(e.Low), seconds(e.High))
	}
	switch {
	case saved.Low > 0:
		return of("save", *saved)
	case saved.High < 0:
		return of("cost", saved.Map(func(x float64) float64 { return -x }))
	}
	return fmt.Sprintf("change %s by %s at most", each, seconds(max(saved.High, -saved.Low)))
}

// explainRollout adds to the reasons of the fields that concern starts what they
// save or cost.
func (r *Recommendation) explainRollout() {
	for i := range r.Binding {
		reason := &r.Binding[i]
		saved, cost := r.Rollout.SecondsSavedPerStart, r.Rollout.ReadinessPeriodSeconds
		switch {
		case reason.Field == "startupProbe.failureThreshold" && saved != nil && saved.Low > 0:
			reason.Sentence += fmt.Sprintf("; a start is Ready %s earlier than now on average, a rollout over %s", seconds(saved.Estimate), seconds(r.Rollout.SecondsSavedPerRollout.Estimate))
		case reason.Field == "readinessProbe.periodSeconds" && cost != nil && cost.Low > 0:
			reason.Sentence += fmt.Sprintf("; against 1 s it makes a start Ready %s later on average", seconds(cost.Estimate))
		}
	}
}

func counted(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
