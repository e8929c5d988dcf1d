package sim_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

// TestConformance replays the traces that the kubelet's own prober code
// produced in virtual time (testdata/conformance/README.md), and compares
// event for event. PROBESIM_CORPUS names another directory of such cases.
func TestConformance(t *testing.T) {
	dir := os.Getenv("PROBESIM_CORPUS")
	if dir == "" {
		dir = "testdata/conformance"
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", dir, err)
	}
	matched := 0
	for _, file := range files {
		if difference := replay(file); difference != "" {
			t.Errorf("%s: %s", filepath.Base(file), difference)
			continue
		}
		matched++
	}
	t.Logf("%d of %d cases match", matched, len(files))
}

// replay returns the first difference between a recorded trace and ours.
func replay(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	var c corpusFile
	if err := json.Unmarshal(data, &c); err != nil {
		return err.Error()
	}
	got := normalise(c.script().Run(), c.Case.HorizonMS)
	for i := range max(len(got), len(c.Trace)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("event %d: none, want %v", i, c.Trace[i])
		case i >= len(c.Trace):
			return fmt.Sprintf("event %d: %v, want none", i, got[i])
		case !got[i].equals(c.Trace[i], c.JitterNS != nil):
			return fmt.Sprintf("event %d: %v, want %v", i, got[i], c.Trace[i])
		}
	}
	return ""
}

// corpusFile is one file of the corpus, as its README describes it.
type corpusFile struct {
	JitterNS *int64        `json:"jitter_ns"`
	Case     corpusCase    `json:"case"`
	Trace    []corpusEvent `json:"trace"`
}

type corpusCase struct {
	PodAddMS       int64                  `json:"pod_add_ms"`
	HorizonMS      int64                  `json:"horizon_ms"`
	KubeletAgeS    int64                  `json:"kubelet_age_s"`
	Probes         map[string]corpusProbe `json:"probes"`
	PodGraceS      int64                  `json:"pod_grace_s"`
	PreStopMS      int64                  `json:"pre_stop_ms"`
	StartMS        int64                  `json:"start_ms"`
	Incarnations   []corpusIncarnation    `json:"incarnations"`
	DeadOutcome    string                 `json:"dead_outcome"`
	DeadLatencyMS  int64                  `json:"dead_latency_ms"`
	TimeoutExtraMS int64                  `json:"timeout_extra_ms"`
	RelistPeriodMS int64                  `json:"relist_period_ms"`
	RelistPhaseMS  int64                  `json:"relist_phase_ms"`
	ResyncMS       int64                  `json:"resync_ms"`
	BackoffInitial int64                  `json:"backoff_initial_s"`
	BackoffMax     int64                  `json:"backoff_max_s"`
	StaleTrigger   bool                   `json:"stale_trigger"`
}

type corpusProbe struct {
	InitialDelayS     int32  `json:"initial_delay_s"`
	PeriodS           int32  `json:"period_s"`
	TimeoutS          int32  `json:"timeout_s"`
	SuccessThreshold  int32  `json:"success_threshold"`
	FailureThreshold  int32  `json:"failure_threshold"`
	TerminationGraceS *int64 `json:"termination_grace_s"`
}

type corpusIncarnation struct {
	ExitAtMS  *int64          `json:"exit_at_ms"`
	TermMS    int64           `json:"term_ms"`
	Startup   []corpusSegment `json:"startup"`
	Readiness []corpusSegment `json:"readiness"`
	Liveness  []corpusSegment `json:"liveness"`
}

type corpusSegment struct {
	FromMS    int64  `json:"from_ms"`
	Outcome   string `json:"outcome"`
	LatencyMS int64  `json:"latency_ms"`
}

// corpusEvent is one event of a recorded trace. Fields that an event lacks are
// zero, but for Container, which is -1.
type corpusEvent struct {
	T         int64  `json:"t"`
	Ev        string `json:"ev"`
	Container int    `json:"container"`
	Probe     string `json:"probe"`
	End       int64  `json:"end"`
	Outcome   string `json:"outcome"`
	Value     string `json:"value"`
	State     string `json:"state"`
	Ready     bool   `json:"ready"`
	Started   bool   `json:"started"`
	Reason    string `json:"reason"`
	GraceS    int64  `json:"grace_s"`
	ExitCode  int    `json:"exit_code"`
	Until     int64  `json:"until"`
	BackoffS  int64  `json:"backoff_s"`
}

func (e *corpusEvent) UnmarshalJSON(data []byte) error {
	type plain corpusEvent
	p := plain{Container: -1}
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	*e = corpusEvent(p)
	return nil
}

// equals compares two events; where a jitter was drawn, times may differ by the
// millisecond to which it was rounded.
func (e corpusEvent) equals(o corpusEvent, jittered bool) bool {
	if jittered {
		for _, pair := range [][2]*int64{{&e.T, &o.T}, {&e.End, &o.End}} {
			if d := *pair[0] - *pair[1]; d >= -1 && d <= 1 {
				*pair[0] = *pair[1]
			}
		}
	}
	return e == o
}

var outcomes = map[string]kubelet.Outcome{
	"success": kubelet.Success, "failure": kubelet.Failure, "timeout": kubelet.Timeout, "error": kubelet.Error,
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// script turns a case into a script.
func (f *corpusFile) script() *sim.Script {
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
		BackOffInitial: time.Duration(c.BackoffInitial) * time.Second,
		BackOffMax:     time.Duration(c.BackoffMax) * time.Second,
		StaleTrigger:   c.StaleTrigger,
	}
	if f.JitterNS != nil {
		s.Jitter = time.Duration(*f.JitterNS)
	}
	for _, k := range []model.ProbeKind{model.Startup, model.Readiness, model.Liveness} {
		if p, ok := c.Probes[k.String()]; ok {
			s.Pod.Containers[0].Probes[k] = &model.Probe{
				InitialDelaySeconds: p.InitialDelayS, PeriodSeconds: p.PeriodS, TimeoutSeconds: p.TimeoutS,
				SuccessThreshold: p.SuccessThreshold, FailureThreshold: p.FailureThreshold,
				TerminationGracePeriodSeconds: p.TerminationGraceS, Handler: model.Handler{Kind: model.Exec},
			}
		}
	}
	for _, in := range c.Incarnations {
		incarnation := sim.Incarnation{ExitAt: -1, Terminate: ms(in.TermMS)}
		if in.ExitAtMS != nil {
			incarnation.ExitAt = ms(*in.ExitAtMS)
		}
		for k, segments := range [][]corpusSegment{in.Startup, in.Readiness, in.Liveness} {
			for _, segment := range segments {
				incarnation.Probes[k] = append(incarnation.Probes[k],
					sim.Segment{From: ms(segment.FromMS), Outcome: outcomes[segment.Outcome], Latency: ms(segment.LatencyMS)})
			}
		}
		s.Incarnations = append(s.Incarnations, incarnation)
	}
	return s
}

func toMS(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }

// normalise writes our trace as the corpus writes its own.
func normalise(trace *sim.Trace, horizonMS int64) []corpusEvent {
	var events []corpusEvent
	var status *corpusEvent // the last one kept
	for i := range trace.Events {
		e, ok := corpusEventOf(&trace.Events[i])
		if !ok || e.T > horizonMS || e.Ev == "attempt" && e.End > horizonMS {
			continue
		}
		events = append(events, e)
	}
	rank := map[string]int{"exit": 0, "start": 1, "status": 2, "attempt": 3, "result": 4, "kill": 5, "backoff": 6}
	slices.SortStableFunc(events, func(a, b corpusEvent) int {
		return cmp.Or(cmp.Compare(a.T, b.T), cmp.Compare(rank[a.Ev], rank[b.Ev]), cmp.Compare(a.Probe, b.Probe))
	})
	kept := events[:0]
	for i, e := range events {
		if e.Ev == "status" {
			if i+1 < len(events) && events[i+1].Ev == "status" && events[i+1].T == e.T {
				continue
			}
			same := e
			if status != nil {
				same.T = status.T
				if same == *status {
					continue
				}
			}
			copied := e
			status = &copied
		}
		kept = append(kept, e)
	}
	return kept
}

// corpusEventOf translates one event; false if the corpus has none of the kind.
func corpusEventOf(e *sim.Event) (corpusEvent, bool) {
	c := corpusEvent{T: toMS(e.At), Container: e.Incarnation}
	switch e.Kind {
	case sim.EventAttempt:
		c.Ev, c.Probe, c.End, c.Outcome = "attempt", e.Probe.String(), toMS(e.End), e.Outcome.String()
	case sim.EventResult:
		c.Ev, c.Probe, c.Value = "result", e.Probe.String(), e.Value.String()
	case sim.EventStatus:
		c.Ev, c.State, c.Ready, c.Started = "status", e.Status.State.String(), e.Status.Ready, e.Status.Started
	case sim.EventKill:
		c.Ev, c.Reason, c.GraceS = "kill", e.Probe.String(), int64(e.Grace/time.Second)
	case sim.EventExit:
		c.Ev, c.ExitCode = "exit", e.Code
	case sim.EventStart:
		c.Ev = "start"
	case sim.EventBackOff:
		c.Ev, c.Until, c.BackoffS = "backoff", toMS(e.Until), int64(e.Delay/time.Second)
	default:
		return c, false
	}
	return c, true
}
