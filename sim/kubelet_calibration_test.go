package sim_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

// neverReached is the failureThreshold of pods that only record outcomes.
const neverReached = 1000

// probing is what the probes of a pod came to in some running time.
type probing struct {
	attempts, failures int
	afterFailure       int // attempts that follow a failed one in the same container
	bothFailed         int // those of them that failed
	kills              int
	running            time.Duration
}

func (p *probing) add(failed, previousFailed bool) {
	p.attempts++
	p.failures += count(failed)
	p.afterFailure += count(previousFailed)
	p.bothFailed += count(failed && previousFailed)
}

func (p *probing) failedFraction() float64 { return float64(p.failures) / float64(max(1, p.attempts)) }

// again is P(failure | previous failure).
func (p *probing) again() float64 { return float64(p.bothFailed) / float64(max(1, p.afterFailure)) }

// limitedPod is a CPU-limited pod: what it was, and what was measured outside
// the contended stretches.
type limitedPod struct {
	*measuredKubeletPod
	measured  probing
	arrivals  []time.Duration // of its bursts, on the axis of running time
	threshold int
}

// limitedPods returns the CPU-limited pods, those whose names begin with e.
func limitedPods(t *testing.T) []*limitedPod {
	t.Helper()
	m := loadMeasurements(t, kubeletData())
	var pods []*limitedPod
	for _, p := range m.pods {
		if strings.HasPrefix(p.name, "e") && p.spec.Containers[0].Liveness != nil {
			pods = append(pods, newLimitedPod(m, p))
		}
	}
	return pods
}

func newLimitedPod(m *measurements, pod *measuredKubeletPod) *limitedPod {
	p := &limitedPod{measuredKubeletPod: pod, arrivals: []time.Duration{}, threshold: int(pod.spec.Containers[0].Liveness.FailureThreshold)}
	for _, i := range p.instances {
		failed, inARow := false, 0
		for _, a := range i.attempts {
			if a.contended {
				failed, inARow = false, 0
				continue
			}
			p.measured.add(a.failed, failed)
			failed = a.failed
			inARow = count(failed) * (inARow + 1)
			p.measured.kills += count(inARow == p.threshold)
		}
		for _, b := range i.bursts {
			if !m.isContended(b) {
				p.arrivals = append(p.arrivals, p.measured.running+m.uncontended(i.start, b))
			}
		}
		p.measured.running += m.uncontended(i.start, i.exit)
	}
	return p
}

// simulate returns what lives of the pod come to in as much running time as was
// measured. The luck of the bursts is the measured one; that of the refill phase
// and of the probes' phase is each life's own.
func (p *limitedPod) simulate(t *testing.T, lives int, change func(w *model.World)) []probing {
	t.Helper()
	bursts := &recordedArrivals{at: p.arrivals}
	w := p.world(t, bursts)
	if change != nil {
		change(w)
	}
	s, err := sim.New(w)
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	bursts.outcome = s.Run(sim.Life{Horizon: 1}) // which all lives share, and in which nothing starts
	horizon := p.measured.running + time.Minute
	if p.threshold < neverReached {
		horizon += 4*p.measured.running + 10*time.Minute // spent in back-off
	}
	all := make([]probing, lives)
	var trace sim.Trace
	for i := range all {
		bursts.rewind()
		s.Run(sim.Life{Seed: 5, Replication: uint64(i), Horizon: horizon, Trace: &trace})
		all[i] = probingOf(trace.Events, p.measured.running)
		if all[i].running < p.measured.running {
			t.Errorf("%s: a life of %v ran for %v, want %v", p.name, horizon, all[i].running, p.measured.running)
		}
	}
	return all
}

// probingOf returns what a simulated life came to in its first running time.
func probingOf(events []sim.Event, exposure time.Duration) probing {
	var p probing
	var start time.Duration
	running, failed := false, false
	for i := range events {
		e := &events[i]
		at := p.running
		if running {
			at += e.At - start
		}
		if at > exposure {
			p.running = exposure
			return p
		}
		switch e.Kind {
		case sim.EventStart:
			start, running, failed = e.At, true, false
		case sim.EventExit:
			p.running, running = at, false
		case sim.EventKill:
			p.kills++
		case sim.EventAttempt:
			f := e.Outcome != kubelet.Success
			p.add(f, failed)
			failed = f
		}
	}
	return p
}

// kubeletScore is how many pods a model describes, by what is asked of it.
type kubeletScore struct {
	noKill, killed, quiet tallied
	kills, runs           tallied
}

// tallied is how many of all were met.
type tallied struct{ met, all int }

func (n *tallied) add(met bool) { n.all++; n.met += count(met) }

func (n tallied) String() string { return fmt.Sprintf("%d of %d", n.met, n.all) }

// fractions returns how many failed fractions were met, of whatever class.
func (s *kubeletScore) fractions() int { return s.noKill.met + s.killed.met + s.quiet.met }

// met returns how much was met, and all how much was asked.
func (s *kubeletScore) met() int { return s.fractions() + s.kills.met + s.runs.met }
func (s *kubeletScore) all() int {
	return s.noKill.all + s.killed.all + s.quiet.all + s.kills.all + s.runs.all
}

// fewest is the number of attempts after a failed one from which
// P(failure | failure) is scored.
const fewest = 20

// predicted is what a model says of a pod.
type predicted struct {
	failed, again float64
	kills         [2]int // 95 % prediction interval
}

// predict sums up simulated lives. The interval leaves out one in forty at
// either end.
func predict(lives []probing) predicted {
	var sum probing
	var kills []int
	for i := range lives {
		l := &lives[i]
		sum.attempts += l.attempts
		sum.failures += l.failures
		sum.afterFailure += l.afterFailure
		sum.bothFailed += l.bothFailed
		kills = append(kills, l.kills)
	}
	slices.Sort(kills)
	outside := len(kills) / 40
	return predicted{sum.failedFraction(), sum.again(), [2]int{kills[outside], kills[len(kills)-1-outside]}}
}

// add scores what a model says of a pod. A pod is killed if its probe killed it
// outside the contended stretches, and quiet if hardly any of its probes failed.
func (s *kubeletScore) add(p *limitedPod, said predicted) {
	off := math.Abs(said.failed - p.measured.failedFraction())
	switch {
	case p.measured.kills > 0:
		s.killed.add(off <= .05)
	case p.measured.failedFraction() > .02:
		s.noKill.add(off <= .10)
	default:
		s.quiet.add(off <= .02)
	}
	if p.threshold < neverReached {
		s.kills.add(said.kills[0] <= p.measured.kills && p.measured.kills <= said.kills[1])
	}
	if p.measured.afterFailure >= fewest {
		s.runs.add(math.Abs(said.again-p.measured.again()) <= .15)
	}
}

// bestConstants returns the score of guesses that are the same for every pod:
// a failed fraction, a rate of kills and a P(failure | failure), each the one
// that meets the most pods.
func bestConstants(pods []*limitedPod) kubeletScore {
	var best kubeletScore
	for i := range 201 {
		var s kubeletScore
		for _, p := range pods {
			guess := float64(i) / 200
			mean := guess / 10 * p.measured.running.Seconds() // up to one kill in 10 s
			s.add(p, predicted{guess, guess, poissonInterval(mean)})
		}
		if s.fractions() > best.fractions() {
			best.noKill, best.killed, best.quiet = s.noKill, s.killed, s.quiet
		}
		if s.kills.met > best.kills.met {
			best.kills = s.kills
		}
		if s.runs.met > best.runs.met {
			best.runs = s.runs
		}
	}
	return best
}

// poissonInterval returns the central 95 % of a Poisson distribution.
func poissonInterval(mean float64) [2]int {
	n := distuv.Poisson{Lambda: max(mean, 1e-9)}
	var interval [2]int
	for n.CDF(float64(interval[0])) < .025 {
		interval[0]++
	}
	for interval[1] = interval[0]; n.CDF(float64(interval[1])) < .975; interval[1]++ {
	}
	return interval
}

// textbook makes every goroutine a kernel thread, and stops each the moment the
// quota is used (S8).
func textbook(w *model.World) {
	w.Node.InterruptionsPerSecond = 0
	w.Application.Accounting = model.AccountingExact
	w.Application.Threads = 0
}

// TestKubeletCalibration holds simulated lives of CPU-limited pods to what a
// real kubelet's probes met, in testdata/kubelet or the folder
// PROBESIM_KUBELET_DATA. Nothing is fitted to a pod.
func TestKubeletCalibration(t *testing.T) {
	const lives, ofOthers = 200, 10
	pods := limitedPods(t)
	if len(pods) == 0 {
		t.Error("no CPU-limited pods: none whose name begins with e and that has a liveness probe")
	}
	var ours, book, fluid kubeletScore
	t.Logf("%-32s %7s %6s  %-27s %-22s %s", "measured / simulated", "running", "probes", "failed fraction", "P(failure|failure)", "kills, 95% interval")
	for _, p := range pods {
		said := predict(p.simulate(t, lives, nil))
		ours.add(p, said)
		stopped, drained := predict(p.simulate(t, ofOthers, textbook)), predict(p.fluid(t, ofOthers))
		book.add(p, stopped)
		fluid.add(p, drained)
		m := &p.measured
		t.Logf("%-32s %5.0f s %6d  %.3f / %.3f (%.3f %.3f)  %.2f / %.2f (%.2f %.2f)  %2d / %d-%d (%d-%d %d-%d)", p.name, m.running.Seconds(), m.attempts,
			m.failedFraction(), said.failed, stopped.failed, drained.failed, m.again(), said.again, stopped.again, drained.again,
			m.kills, said.kills[0], said.kills[1], stopped.kills[0], stopped.kills[1], drained.kills[0], drained.kills[1])
	}
	t.Log("in brackets: the textbook model, the fluid model")
	constants := bestConstants(pods)
	for _, other := range []struct {
		name  string
		score *kubeletScore
	}{{"best constants", &constants}, {"textbook", &book}, {"fluid", &fluid}} {
		s := other.score
		t.Logf("%s instead: failed fraction no-kill %v, killed %v, quiet %v; kills %v; runs %v", other.name, s.noKill, s.killed, s.quiet, s.kills, s.runs)
		// A few pods that both describe cannot tell them apart.
		if met := s.met(); met >= ours.met() && met < ours.all() {
			t.Errorf("the %s model is as good as ours", other.name)
		}
	}
	for what, n := range map[string]tallied{
		"failed fraction of no-kill pods": ours.noKill, "failed fraction of killed pods": ours.killed, "failed fraction of quiet pods": ours.quiet,
		"kills": ours.kills, "runs of failures": ours.runs,
	} {
		if 4*n.met < 3*n.all {
			t.Errorf("%s: %v, want three in four", what, n)
		}
	}
	t.Logf("failed fraction: no-kill pods within 0.10 for %v; killed pods within 0.05 for %v; quiet pods within 0.02 for %v", ours.noKill, ours.killed, ours.quiet)
	t.Logf("kills inside the 95%% prediction interval for %v", ours.kills)
	t.Logf("runs of failures: P(failure|failure) within 0.15 for %v", ours.runs)
}
