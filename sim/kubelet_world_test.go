package sim_test

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// What is known of the measuring server and its machine. It holds for every pod
// alike.
const (
	// spinError is how much more CPU time the server's loops take than its flags
	// ask for: 104.3 ms a burst of 100 ms at a pod without other work.
	spinError = 1.043
	// serverAnswer is the CPU time of an answer beside what -handler-us asks for:
	// net/http's 0.4 ms (C26) and two lines in the server's log. 0.48 ms were used
	// at a pod without other work, 0.62 ms at one with bursts.
	serverAnswer = 550 * time.Microsecond
	// serverStart is the CPU time from a container's start to its listening.
	serverStart = 4 * time.Millisecond
	// execHelper is the CPU time of the runtime's exec helper in the cgroup: what
	// an exec of a program that returns at once uses beyond C26's program.
	execHelper = 2300 * time.Microsecond
	// The CPU time of an exec probe's command and of the answer to it: C26's
	// programs and a request to the server.
	execNothing   = 900 * time.Microsecond
	execC         = execNothing + serverAnswer + 300*time.Microsecond
	execGo        = 2100*time.Microsecond + serverAnswer + 1900*time.Microsecond
	serverThreads = 2 // kernel threads: GOMAXPROCS on two cores with a limit below two
)

// serverFlags are the flags of the measuring server.
type serverFlags struct {
	failAt, failFor, termDelay, readyAfter, listenAfter, answerDelay time.Duration
	failMode, readyPattern, burn                                     string
	ignoreTerm                                                       bool
	handlerUs, burners                                               int64
	burnMs, burnRate                                                 float64
}

func parseServerFlags(t *testing.T, args []string) serverFlags {
	t.Helper()
	var f serverFlags
	set := flag.NewFlagSet("serve", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, name := range []string{"port", "log", "ipm", "seed", "fail-path"} {
		set.String(name, "", "")
	}
	set.DurationVar(&f.failAt, "fail-at", 0, "")
	set.DurationVar(&f.failFor, "fail-for", 0, "")
	set.DurationVar(&f.termDelay, "term-delay", 0, "")
	set.DurationVar(&f.readyAfter, "ready-after", 0, "")
	set.DurationVar(&f.listenAfter, "listen-after", 0, "")
	set.DurationVar(&f.answerDelay, "answer-delay", 0, "")
	set.StringVar(&f.failMode, "fail-mode", "hang", "")
	set.StringVar(&f.readyPattern, "ready-pattern", "", "")
	set.StringVar(&f.burn, "burn", "none", "")
	set.BoolVar(&f.ignoreTerm, "ignore-term", false, "")
	set.Int64Var(&f.handlerUs, "handler-us", 0, "")
	set.Int64Var(&f.burners, "burners", 1, "")
	set.Float64Var(&f.burnMs, "burn-ms", 100, "")
	set.Float64Var(&f.burnRate, "burn-rate", 0, "")
	if err := set.Parse(args[1:]); err != nil {
		t.Fatal(err)
	}
	return f
}

// milli returns a quantity of CPU in thousandths.
func milli(t *testing.T, quantity string) int64 {
	t.Helper()
	if quantity == "" {
		return 0
	}
	scale := int64(1000)
	if number, ok := strings.CutSuffix(quantity, "m"); ok {
		quantity, scale = number, 1
	}
	n, err := strconv.ParseInt(quantity, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n * scale
}

// spin returns the CPU time of a loop that is to take d.
func spin(d time.Duration) time.Duration { return time.Duration(spinError * float64(d)) }

// world returns the world of the pod: its spec, the server's flags, and the
// machine. Random bursts come from arrivals, or from the flags if it is nil.
func (p *measuredKubeletPod) world(t *testing.T, arrivals dist.Dist) *model.World {
	t.Helper()
	spec := p.spec.Containers[0]
	f := parseServerFlags(t, spec.Args)
	w := &model.World{Replicas: 1, Node: model.DefaultNode(), Cluster: model.DefaultCluster()}
	w.Node.CPUs, w.Node.LinearWeights, w.Node.InterruptionsPerSecond = 2, true, interruptionsPerSecond
	c := model.Container{
		Name: "c", CPULimitMilli: milli(t, spec.Resources.Limits.CPU), CPURequestMilli: milli(t, spec.Resources.Requests.CPU),
	}
	app := &w.Application
	for k, probe := range p.spec.probes() {
		if probe == nil {
			continue
		}
		c.Probes[k], app.Probes[k] = probe.model(f)
		if model.ProbeKind(k) == model.Readiness {
			app.Probes[k].Failing = f.unready(t)
		}
	}
	w.Pod = model.Pod{Containers: []model.Container{c}, TerminationGracePeriodSeconds: p.spec.GraceSeconds}
	app.Threads = serverThreads
	app.Startup = f.startup()
	app.Shutdown = f.shutdown(c.CPULimitMilli > 0)
	w.Faults = f.faults()
	burst := dist.Constantly(spin(time.Duration(f.burnMs * float64(time.Millisecond))))
	switch f.burn {
	case "cont":
		app.Background = []model.Background{{Always: true, Threads: int(f.burners)}}
	case "duty": // a ticker: one goroutine, at regular gaps
		every := time.Duration(float64(time.Second) / f.burnRate)
		app.Background = []model.Background{{Every: dist.Constantly(every), CPU: burst, Workers: int(f.burners)}}
	case "poisson": // each burst is a goroutine of its own
		if arrivals == nil {
			arrivals = exponential(float64(time.Second) / f.burnRate)
		}
		app.Background = []model.Background{{Every: dist.Duration{Nanoseconds: arrivals}, CPU: burst}}
	}
	return w
}

// model returns the probe and the answers that the server gives it.
func (s *probeSpec) model(f serverFlags) (*model.Probe, model.Answer) {
	p := &model.Probe{
		InitialDelaySeconds: s.InitialDelaySeconds, PeriodSeconds: s.PeriodSeconds, TimeoutSeconds: s.TimeoutSeconds,
		SuccessThreshold: s.SuccessThreshold, FailureThreshold: s.FailureThreshold,
	}
	p.SetDefaults()
	answer := model.Answer{
		CPU: dist.Constantly(spin(us(f.handlerUs)) + serverAnswer), Wait: dist.Constantly(goAnswerWait + f.answerDelay), HangCoverage: 1,
	}
	switch {
	case s.TCPSocket != nil:
		p.Handler.Kind = model.TCPSocket
	case s.Exec != nil:
		p.Handler.Kind = model.Exec
		answer.CPU = dist.Constantly(s.execCPU())
		answer.Exec = model.ExecCost{Join: lognormal(9*time.Millisecond, 17*time.Millisecond), HelperCPU: dist.Constantly(execHelper)} // C27
	}
	return p, answer
}

// execCPU returns the CPU time of an exec probe's command.
func (s *probeSpec) execCPU() time.Duration {
	switch command := s.Exec.Command; {
	case command[0] == "/target":
		return execGo
	case len(command) > 1:
		return execC
	}
	return execNothing
}

// unready returns when /readyz fails.
func (f *serverFlags) unready(t *testing.T) *model.OnOff {
	t.Helper()
	if f.readyPattern == "" {
		return nil
	}
	var up, down float64
	if _, err := fmt.Sscanf(f.readyPattern, "%g,%g", &up, &down); err != nil {
		t.Fatal(err)
	}
	return &model.OnOff{Every: dist.Duration{Nanoseconds: dist.Constant(up * 1e9)}, Lasts: dist.Duration{Nanoseconds: dist.Constant(down * 1e9)}}
}

// startup returns the stages of the server's start.
func (f *serverFlags) startup() []model.Stage {
	stages := []model.Stage{{CPU: dist.Constantly(serverStart)}}
	if f.listenAfter > 0 {
		stages = append(stages, model.Stage{Wait: dist.Constantly(f.listenAfter)})
	}
	if f.readyAfter > 0 {
		stages = append(stages, model.Stage{Wait: dist.Constantly(f.readyAfter), Answers: model.AnswersFailure})
	}
	return stages
}

// shutdown returns how the server ends. One without CPU to spare takes a while
// to notice the signal.
func (f *serverFlags) shutdown(limited bool) model.Shutdown {
	s := model.Shutdown{ListenerAtExit: true, IgnoresTerm: f.ignoreTerm}
	s.Wait = lognormalAfter(f.termDelay, 20*time.Millisecond, 50*time.Millisecond)
	if limited {
		s.Wait = lognormalAfter(f.termDelay, 750*time.Millisecond, 1800*time.Millisecond)
	}
	return s
}

// faults returns the fault that the server's flags plan.
func (f *serverFlags) faults() []model.Fault {
	if f.failAt == 0 {
		return nil
	}
	fault := model.Fault{Planned: true, After: f.failAt, Forever: f.failFor == 0, Lasts: dist.Constantly(f.failFor), Hangs: true}
	for k := range fault.Probes {
		fault.Probes[k] = true
	}
	switch f.failMode {
	case "500":
		fault.Answers = model.FaultFailure
	case "refuse":
		fault.Answers = model.FaultRefused
	case "exit":
		fault.Exits = true
	}
	return []model.Fault{fault}
}

// recordedArrivals plays recorded arrivals of bursts on the axis of running
// time: those of all containers of a pod, one after the other, without what lay
// between them. So a simulated pod meets the same bursts after the same running
// time whenever its own kills come; otherwise the arrivals' luck would be
// scored, not the model.
//
// A background source asks for the gap to the next arrival when a process
// starts and after each arrival. A start shows in the life's outcome, which also
// knows how long processes have run; nothing in the model has to be changed for
// such a source. (A list of gaps alone would not do: after a kill that comes
// earlier or later than the measured one it would be out of step.) It belongs to
// one simulator, and holds for one life after rewind.
type recordedArrivals struct {
	at      []time.Duration // sorted
	outcome *sim.Outcome    // of the simulator's lives
	starts  int64
	next    int
}

func (a *recordedArrivals) rewind() { a.starts, a.next = 0, 0 }

// Sample implements dist.Dist: the gap to the next arrival.
func (a *recordedArrivals) Sample(*rand.Rand) float64 {
	var from time.Duration
	if a.outcome.Starts == a.starts {
		from = a.at[a.next]
		a.next++
	} else {
		a.starts = a.outcome.Starts
		for state, d := range a.outcome.StateTime {
			if sim.TrueState(state) != sim.Down {
				from += d
			}
		}
		for a.next = 0; a.next < len(a.at) && a.at[a.next] <= from; a.next++ {
		}
	}
	if a.next >= len(a.at) {
		return float64(dist.Longest)
	}
	return float64(a.at[a.next] - from)
}

// CDF, Quantile and Mean implement dist.Dist; nothing asks for them.
func (a *recordedArrivals) CDF(float64) float64      { return 0 }
func (a *recordedArrivals) Quantile(float64) float64 { return 0 }
func (a *recordedArrivals) Mean() float64            { return 0 }
