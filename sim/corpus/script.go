package corpus

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

var outcomes = map[string]kubelet.Outcome{
	"success": kubelet.Success, "failure": kubelet.Failure, "timeout": kubelet.Timeout, "error": kubelet.Error,
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// Script turns the case into a script of the simulator.
func (f *File) Script() *sim.Script {
	c := &f.Case
	s := &sim.Script{
		Version: model.NewestVersion,
		PodAdd:  ms(c.PodAddMS), Horizon: ms(c.HorizonMS) + 500*time.Microsecond - 1, Start: ms(c.StartMS),
		Pod: model.Pod{
			TerminationGracePeriodSeconds: c.PodGraceS,
			Containers:                    []model.Container{{Name: "c", PreStop: model.PreStop{Lasts: ms(c.PreStopMS)}}},
		},
		DeadOutcome: outcomes[c.DeadOutcome], DeadLatency: ms(c.DeadLatencyMS),
		KubeletAge: time.Duration(c.KubeletAgeS) * time.Second, TimeoutLate: ms(c.TimeoutExtraMS),
		RelistPeriod: ms(c.RelistPeriodMS), RelistPhase: ms(c.RelistPhaseMS), Resync: ms(c.ResyncMS),
		BackOffInitial: time.Duration(c.BackOffInitial) * time.Second,
		BackOffMax:     time.Duration(c.BackOffMax) * time.Second,
		StaleTrigger:   c.StaleTrigger,
	}
	if f.JitterNS != nil {
		s.Jitter = time.Duration(*f.JitterNS)
	}
	for k := model.Startup; k < model.ProbeKinds; k++ {
		if p := *c.Probes.Of(k); p != nil {
			s.Pod.Containers[0].Probes[k] = &model.Probe{
				InitialDelaySeconds: p.InitialDelayS, PeriodSeconds: p.PeriodS, TimeoutSeconds: p.TimeoutS,
				SuccessThreshold: p.SuccessThreshold, FailureThreshold: p.FailureThreshold,
				TerminationGracePeriodSeconds: p.TerminationGraceS, Handler: model.Handler{Kind: model.Exec},
			}
		}
	}
	for i := range c.Incarnations {
		s.Incarnations = append(s.Incarnations, c.Incarnations[i].script())
	}
	return s
}

func (i *Incarnation) script() sim.Incarnation {
	s := sim.Incarnation{ExitAt: -1, Terminate: ms(i.TermMS)}
	if i.ExitAtMS != nil {
		s.ExitAt = ms(*i.ExitAtMS)
	}
	for k := model.Startup; k < model.ProbeKinds; k++ {
		for _, segment := range *i.Of(k) {
			s.Probes[k] = append(s.Probes[k],
				sim.Segment{From: ms(segment.FromMS), Outcome: outcomes[segment.Outcome], Latency: ms(segment.LatencyMS)})
		}
	}
	return s
}

// Simulate returns the simulator's trace of the case, as the corpus writes it.
func (f *File) Simulate() []Event {
	var events []Event
	trace := f.Script().Run()
	for i := range trace.Events {
		if e, ok := eventOf(&trace.Events[i]); ok {
			events = append(events, e)
		}
	}
	return Normalise(events, f.Case.HorizonMS)
}

// eventOf translates one event; false if the corpus has none of the kind.
func eventOf(e *sim.Event) (Event, bool) {
	c := Event{At: Milliseconds(e.At), Container: e.Incarnation}
	switch e.Kind {
	case sim.EventAttempt:
		c.Kind, c.Probe, c.End, c.Outcome = "attempt", e.Probe.String(), Milliseconds(e.End), e.Outcome.String()
	case sim.EventResult:
		c.Kind, c.Probe, c.Value = "result", e.Probe.String(), e.Value.String()
	case sim.EventStatus:
		c.Kind, c.State, c.Ready, c.Started = "status", e.Status.State.String(), e.Status.Ready, e.Status.Started
	case sim.EventKill:
		c.Kind, c.Reason, c.GraceS = "kill", e.Probe.String(), int64(e.Grace/time.Second)
	case sim.EventExit:
		c.Kind, c.ExitCode = "exit", e.Code
	case sim.EventStart:
		c.Kind = "start"
	case sim.EventBackOff:
		c.Kind, c.Until, c.BackOffS = "backoff", Milliseconds(e.Until), int64(e.Delay/time.Second)
	default:
		return c, false
	}
	return c, true
}
