package calc

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
)

// negligible is the share of the false kills, and the number per day, below
// which a cause is left out, with a note.
const (
	negligibleShare  = .01
	negligiblePerDay = 1e-9
)

// falseKills fills in the false kills of a serving process by the liveness
// probe, where their causes are of one kind that has a closed form.
func (s *studied) falseKills() {
	p, settings := s.probe(model.Liveness)
	switch {
	case p == nil:
		s.none("no liveness probe kills a serving process")
		return
	case p.Handler.NoPort:
		s.none("every attempt of the liveness probe errs, as it names no port of the container (K21)")
		return
	case p.Handler.Kind == model.TCPSocket:
		s.none("the kernel answers a tcp probe for a process that stands still (C10)")
		return
	}
	if reasons := s.obstacles(); len(reasons) > 0 {
		s.c.note("falseKillsPerPodDay: null: %s; run simulates it", strings.Join(reasons, "; "))
		return
	}
	s.c.note("falseKillsPerPodDay: counts from the first completed start of a pod on")
	failure, known := s.failure(model.Liveness)
	all, failing := s.stalls(model.Liveness)
	if known {
		number := Number(failure)
		s.c.Probes.Liveness.FailureProbability = &number
	}
	after := s.restart(settings)
	alone := float64(day) / float64(settings.Period) / Run{settings.Failures, failure}.MeanProbes()
	switch b, _ := s.backlog(); {
	case b != nil:
		s.byChain("an event loop does its background work before it answers, so that a backlog fails probes that follow each other")
	case s.w.Node.WaitsVary():
		s.byChain("answers wait longer while a neighbour is busy, so that those which come late come together")
	case !known && alone > negligiblePerDay:
		s.c.note("falseKillsPerPodDay: null: an answer's CPU time may meet the quota; run simulates it")
	case len(all) == 0 && failing > 0 && float64(day)/float64(settings.Period)/(Run{settings.Failures, min(1, failure+failing)}).MeanProbes() > negligiblePerDay:
		s.byChain("stalls too short to kill alone fail probes that may follow each other")
	case len(all) == 0 && failure == 0:
		s.none("nothing in this world makes a serving process fail its liveness probe")
	case len(all) == 0 && !known:
		s.none(fmt.Sprintf("answers are late with a probability of at most %.3g each, so runs of %d come less than %.0g times a day", failure, settings.Failures, negligiblePerDay))
	case len(all) == 0:
		s.c.independent(settings, failure, s.lost(settings), after)
	case s.apart(settings, failure, failing, all, alone, after):
		s.c.stalls(settings, all, after)
	default:
		s.byChain("stalls and failures of single probes together, or stalls that follow each other, make runs that neither the formula of independent failures nor that of single stalls counts")
	}
}

// none fills in that false kills do not happen.
func (s *studied) none(why string) {
	zero, never := Number(0), Number(math.Inf(1))
	s.c.FalseKillsPerPodDay, s.c.MeanTimeToFalseKillSeconds = &zero, &never
	s.c.KillProbability = &KillProbability{}
	s.c.note("falseKillsPerPodDay: 0: %s", why)
}

// obstacles returns what in the world has no closed form here.
func (s *studied) obstacles() []string {
	w, app := s.w, &s.w.Application
	var reasons []string
	if len(w.Node.Classes) > 0 {
		reasons = append(reasons, "the kinds of node differ")
	}
	switch b, err := s.backlog(); {
	case err != nil:
		reasons = append(reasons, err.Error())
	case b == nil && s.competing() != "" && s.competes(model.Liveness):
		reasons = append(reasons, s.competing()+" may delay the answers' CPU time")
	}
	if app.Probes[model.Liveness].RunsOn == model.Workers {
		reasons = append(reasons, "the probe queues with the traffic")
	}
	reasons = append(reasons, s.otherFailures(model.Liveness)...)
	for _, stall := range w.Node.Stalls {
		if stall.ChargedToQuota && s.limit() > 0 {
			reasons = append(reasons, fmt.Sprintf("%s is charged to the quota", stall.Name))
		}
	}
	return reasons
}

// competes reports whether an answer needs CPU time that others may keep from
// it: its own, or, where other work runs in the container, a turn among it.
func (s *studied) competes(kind model.ProbeKind) bool {
	app := &s.w.Application
	return app.Traffic != nil || len(app.Background) > 0 || s.works(kind)
}

// works reports whether an answer has CPU time of its own.
func (s *studied) works(kind model.ProbeKind) bool {
	p, answer := s.w.Container().Probes[kind], &s.w.Application.Probes[kind]
	return !answer.CPU.IsZero() || p.Handler.Kind == model.Exec && !answer.Exec.HelperCPU.IsZero()
}

// limit returns the quota's least CPU limit, in thousandths; 0: none.
func (s *studied) limit() int64 {
	if s.w.Node.NoCFSQuota {
		return 0
	}
	least := s.w.Container().CPULimitMilli
	if pod := s.w.Pod.CPULimitMilli; pod > 0 && (least == 0 || pod < least) {
		least = pod
	}
	return least
}

// slowness is a share of the time in which waits take so many times as long,
// since neighbours are busy.
type slowness struct{ share, factor float64 }

// slownesses returns how slow waits are in the long run, each factor once, the
// least first.
func (s *studied) slownesses() []slowness {
	all := []slowness{{1, 1}}
	for i := range s.w.Node.Neighbours {
		n := &s.w.Node.Neighbours[i]
		if !n.Slows() {
			continue
		}
		busy, idle := float64(n.Busy.Mean()), float64(n.Idle.Mean())
		share := busy / (busy + idle)
		var next []slowness
		for _, one := range all {
			next = append(next, slowness{one.share * (1 - share), one.factor}, slowness{one.share * share, one.factor * n.WaitFactor})
		}
		slices.SortFunc(next, func(a, b slowness) int { return cmp.Compare(a.factor, b.factor) })
		all = next[:0]
		for _, one := range next {
			if last := len(all) - 1; last >= 0 && all[last].factor == one.factor {
				all[last].share += one.share
			} else {
				all = append(all, one)
			}
		}
	}
	return all
}

// wait returns what an answer waits at a random instant.
func (s *studied) wait(kind model.ProbeKind) dist.Duration {
	wait := s.w.Application.Probes[kind].Wait
	all := s.slownesses()
	if len(all) == 1 || wait.IsZero() {
		return wait
	}
	var parts dist.Mixture
	for _, one := range all {
		parts = append(parts, dist.Part{Weight: one.share, Of: wait.Times(one.factor).Nanoseconds})
	}
	return dist.Duration{Nanoseconds: parts}
}

// failure returns the probability that one probe of a kind fails between stalls,
// on its own: a failure drawn, or an answer later than the timeout, in the long
// run. Where a quota may delay the answer's CPU time it is an upper bound, and
// known is false.
func (s *studied) failure(kind model.ProbeKind) (probability float64, known bool) {
	known = true
	for _, one := range s.slownesses() {
		p, ok := s.failureWhen(kind, one.factor)
		probability += one.share * p
		known = known && ok
	}
	return math.Min(1, probability), known
}

// failureWhen returns the same while waits take so many times as long.
func (s *studied) failureWhen(kind model.ProbeKind, factor float64) (probability float64, known bool) {
	p, settings := s.probe(kind)
	answer := &s.w.Application.Probes[kind]
	parts := []dist.Duration{answer.Wait.Times(factor)}
	work := []dist.Duration{answer.CPU}
	if p.Handler.Kind == model.Exec {
		parts = append(parts, answer.Exec.Join)
		work = append(work, answer.Exec.HelperCPU)
	}
	bound, known := 0.0, true
	if milli := s.limit(); milli > 0 {
		// Two refills late at the most, and all probes of the container at once:
		// what fits then always fits.
		period := s.w.Node.CFSPeriod
		fits := cpu.Quota(milli, period) * max(0, settings.Timeout/period-2) / model.ProbeKinds
		for _, demand := range work {
			if late := 1 - demand.CDF(fits/time.Duration(len(work))); late > 0 {
				bound, known = bound+late, false
			}
		}
	} else {
		parts = append(parts, work...)
	}
	late, exact := later(parts, settings.Timeout)
	late = math.Min(1, late+bound)
	return answer.Failure + late - answer.Failure*late, known && exact
}

// later returns the probability that independent durations sum to t or more;
// exact is false where it is an upper bound.
func later(parts []dist.Duration, t time.Duration) (probability float64, exact bool) {
	fixed := time.Duration(0)
	var random []dist.Duration
	for _, part := range parts {
		switch value := part.Nanoseconds.(type) {
		case nil:
		case dist.Constant:
			fixed += time.Duration(value)
		default:
			random = append(random, part)
		}
	}
	switch rest := t - fixed; {
	case rest <= 0:
		return 1, true
	case len(random) <= 2:
		return exceeds(random, rest-1), true
	default:
		for _, part := range random {
			probability += 1 - part.CDF(rest/time.Duration(len(random)))
		}
		return math.Min(1, probability), false
	}
}

// stalls returns everything that can bring about a verdict by itself because a
// probe always fails meanwhile, and the share of the time in stalls of any
// length that fail one.
func (s *studied) stalls(kind model.ProbeKind) (all []Stalls, short float64) {
	_, settings := s.probe(kind)
	s.eachStall(kind, func(_ string, st Stalls) {
		short += st.failing(settings.Timeout)
		if clampedMean(st.Lasts, settings.Tolerates(st.NoAnswer), settings.Period) > 0 {
			all = append(all, st)
		}
	})
	return all, short
}

// eachStall calls visit with everything during which a probe always fails, by
// its name: pauses, the node's stalls, outages the answer depends on, and
// stretches in which answers are failures.
func (s *studied) eachStall(kind model.ProbeKind, visit func(name string, st Stalls)) {
	w, answer := s.w, &s.w.Application.Probes[kind]
	add := func(o *model.OnOff, noAnswer, endsWithProcess bool) {
		visit(o.Name, Stalls{Every: o.Every, Lasts: o.Lasts, NoAnswer: noAnswer, EndsWithProcess: endsWithProcess})
	}
	for i := range w.Application.Pauses {
		add(&w.Application.Pauses[i], true, true)
	}
	for i := range w.Node.Stalls {
		add(&w.Node.Stalls[i].OnOff, true, false)
	}
	for _, i := range answer.DependsOn {
		add(&w.Dependencies[i], false, false)
	}
	if answer.Failing != nil {
		add(answer.Failing, false, true)
	}
}

// down returns the time from a kill's verdict to the next process running.
func (s *studied) down() time.Duration {
	grace := time.Duration(s.w.Pod.TerminationGracePeriodSeconds) * time.Second
	if p := s.w.Container().Probes[model.Liveness]; p.TerminationGracePeriodSeconds != nil {
		grace = time.Duration(*p.TerminationGracePeriodSeconds) * time.Second
	}
	ends := min(grace, s.w.Container().PreStop.Lasts+s.w.Application.Shutdown.Wait.Mean())
	if s.w.Application.Shutdown.IgnoresTerm {
		ends = grace
	}
	return ends + kubelet.MeasuredDurations().Restart.Mean()
}

// restart returns what follows a kill by the liveness probe.
func (s *studied) restart(settings Settings) Restart {
	after := Restart{Down: s.down(), Guard: settings}
	guard := s.w.Container().Probes[model.Liveness]
	if first, firstSettings := s.probe(model.Startup); first != nil {
		guard, after.Guard = first, firstSettings
		if s.w.Cluster.KubernetesVersion.StartedCarriesOver() {
			after.Lost = firstSettings.Period
		}
	}
	after.NoAnswer = guard.Handler.Kind == model.GRPC
	parts, err := s.startupParts()
	if err != nil {
		s.c.note("falseKillsPerPodDay: kills of the starts that follow are left out: %v", err)
		return after
	}
	after.CDF = func(t time.Duration) float64 { return 1 - exceeds(parts, t) }
	return after
}

// lost returns the time after a false kill in which the grid has no attempts:
// whole periods up to the first point at which the next process is probed.
func (s *studied) lost(settings Settings) time.Duration {
	down := s.down()
	for _, stage := range s.w.Application.Startup {
		if first, _ := s.probe(model.Startup); first != nil {
			down += stage.Wait.Mean() + stage.CPU.Mean()
		}
	}
	down = max(down, s.down()+settings.gate(time.Second/2))
	return (down - 1) / settings.Period * settings.Period
}

// metShare is the share of the false kills that runs across two stalls may come
// to before the formula of single stalls no longer holds.
const metShare = .05

// apart reports whether failures of single probes, and stalls that follow each
// other, may be left out beside stalls: runs of them alone, and runs that a
// stall begins or ends only with the help of one of them. failing is the share of
// the time in stalls of any length.
func (s *studied) apart(settings Settings, failure, failing float64, all []Stalls, alone float64, after Restart) bool {
	helped := settings
	helped.Failures = max(1, settings.Failures-1)
	kills, helpedKills := 0.0, 0.0
	for _, st := range all {
		kills += st.Rates(settings, after).Kills
		helpedKills += st.Rates(helped, after).Kills
	}
	if settings.Failures == 1 {
		helpedKills = 0
	}
	return alone <= negligibleShare*kills*day.Seconds() &&
		2*failure*helpedKills <= negligibleShare*kills && 2*failing*helpedKills <= metShare*kills
}

// failing bounds the share of the time that lies in stalls long enough to fail
// a probe.
func (st *Stalls) failing(timeout time.Duration) float64 {
	lasts, every := st.Lasts.Mean().Seconds(), st.Every.Mean().Seconds()
	if lasts == 0 {
		return 0
	}
	if !st.NoAnswer {
		timeout = 0
	}
	return lasts / (lasts + every) * (1 - st.Lasts.CDF(timeout))
}
