package sim

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
)

// Script is a life in which every duration is given, as in the recorded traces
// of the real kubelet: one container, exec probes, and how each incarnation of
// it behaves by its age.
type Script struct {
	Version model.Version
	PodAdd  time.Duration // the pod's first sync; 0 of the script is a whole wall-clock second
	Horizon time.Duration

	Pod          model.Pod // one container
	Start        time.Duration
	Incarnations []Incarnation // the last one repeats

	DeadOutcome kubelet.Outcome // of a probe run against a container that is gone
	DeadLatency time.Duration

	KubeletAge     time.Duration // at 0 (K4)
	Jitter         time.Duration // drawn, of every worker to which K4 applies
	TimeoutLate    time.Duration
	RelistPeriod   time.Duration // 0: every change is seen at once
	RelistPhase    time.Duration
	Resync         time.Duration // 0: none
	BackOffInitial time.Duration
	BackOffMax     time.Duration
	StaleTrigger   bool // workers triggered by a sync look before its status is published (K14)
}

// Incarnation is how one container behaves.
type Incarnation struct {
	ExitAt    time.Duration // age at which it exits by itself with code 1; negative: never
	Terminate time.Duration // from the stop signal to its exit
	Probes    [model.ProbeKinds][]Segment
}

// Segment is the behaviour towards one kind of probe from an age on. A latency
// at or over the timeout is a timeout.
type Segment struct {
	From    time.Duration
	Outcome kubelet.Outcome
	Latency time.Duration
}

// Run returns the trace of the script.
func (s *Script) Run() *Trace {
	l := newLife(&s.Pod, 1, 0)
	l.processes = &scripted{script: s, life: l}
	l.version = s.Version
	l.durations = kubelet.Durations{
		RelistPeriod:         s.RelistPeriod,
		Resync:               dist.Constantly(s.Resync),
		FirstStart:           dist.Constantly(s.Start),
		Restart:              dist.Constantly(s.Start),
		TimeoutLate:          dist.Constantly(s.TimeoutLate),
		TimeoutLateThrottled: dist.Constantly(s.TimeoutLate),
		BackOffFactor:        dist.Constant(1),
	}
	l.backOff = kubelet.BackOff{Initial: s.BackOffInitial, Max: s.BackOffMax}
	l.reset(0)
	l.stale, l.kubeletStart, l.relistPhase = s.StaleTrigger, -s.KubeletAge, s.RelistPhase
	l.horizon = s.Horizon
	l.trace = &Trace{Horizon: s.Horizon}
	l.timers.set(l.podTimer(), s.PodAdd)
	l.run()
	l.trace.sort()
	return l.trace
}

// scripted is the processes of a Script.
type scripted struct {
	script *Script
	life   *life
}

func (s *scripted) incarnation() *Incarnation {
	i := min(s.life.containers[0].live.Incarnation, len(s.script.Incarnations)-1)
	return &s.script.Incarnations[i]
}

func (s *scripted) started(c int) {
	if at := s.incarnation().ExitAt; at >= 0 {
		s.exitAfter(at, 1)
	}
}

func (s *scripted) exitAfter(d time.Duration, code int) {
	l := s.life
	if at := l.now + d; at < l.timers.at[l.exitTimer(0)] {
		l.containers[0].exit = code
		l.timers.set(l.exitTimer(0), at)
	}
}

func (s *scripted) terminate(int) { s.exitAfter(s.incarnation().Terminate, 143) }

func (s *scripted) ask(a *attempt) {
	live := &s.life.containers[0].live
	a.answers, a.outcome, a.answerAt = byKernel, s.script.DeadOutcome, s.life.now+s.script.DeadLatency
	held := s.life.containers[0].workers[a.kind].Incarnation()
	if !live.Running || held != live.Incarnation {
		return
	}
	age := s.life.now - live.StartedAt
	for _, segment := range s.incarnation().Probes[a.kind] {
		if segment.From > age {
			break
		}
		a.outcome, a.answerAt = segment.Outcome, s.life.now+segment.Latency
	}
}

func (s *scripted) jitter(time.Duration) time.Duration { return s.script.Jitter }

// The rest happens in no script.

func (s *scripted) exited(int)                                             {}
func (s *scripted) resume(*attempt)                                        {}
func (s *scripted) observed(*attempt)                                      {}
func (s *scripted) fire(int)                                               {}
func (s *scripted) beforeStart(int) time.Duration                          { return 0 }
func (s *scripted) condemned(int, model.ProbeKind)                         {}
func (s *scripted) refused(int)                                            {}
func (s *scripted) stored(int, model.ProbeKind, kubelet.Result)            {}
func (s *scripted) attempted(int, model.ProbeKind, kubelet.Outcome, int32) {}
func (s *scripted) podGone()                                               {}
func (s *scripted) published()                                             {}
func (s *scripted) readyChanged(bool)                                      {}
