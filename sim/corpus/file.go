// Package corpus reads and writes cases of the kubelet's conformance corpus:
// one container with its probes and its scripted behaviour, and the trace that
// the prober code of Kubernetes produced for it in virtual time. It turns a
// case into a script for the simulator, and a trace of the simulator into the
// corpus' own events.
//
// The format is described in sim/testdata/conformance/README.md.
package corpus

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/probesim/probesim/model"
)

// Schema is the format that this package reads and writes.
const Schema = "kubelet-probe-trace/1"

// File is one file of the corpus.
type File struct {
	Schema   string  `json:"schema"`
	Kubelet  string  `json:"kubelet"`             // version whose code made the trace
	JitterNS *int64  `json:"jitter_ns,omitempty"` // start-up jitter that was drawn (K4)
	Case     Case    `json:"case"`
	Trace    []Event `json:"trace"`
}

// Case is the input: what is probed, how, and how it behaves. Times are virtual
// milliseconds from a whole wall-clock second.
type Case struct {
	Name           string        `json:"name"`
	Group          string        `json:"group"`
	Seed           uint64        `json:"seed"`
	PodAddMS       int64         `json:"pod_add_ms"`
	HorizonMS      int64         `json:"horizon_ms"`
	KubeletAgeS    int64         `json:"kubelet_age_s"`
	Probes         Probes        `json:"probes"`
	PodGraceS      int64         `json:"pod_grace_s"`
	PreStopMS      int64         `json:"pre_stop_ms"`
	StartMS        int64         `json:"start_ms"`
	Incarnations   []Incarnation `json:"incarnations"` // the last one repeats
	DeadOutcome    string        `json:"dead_outcome"`
	DeadLatencyMS  int64         `json:"dead_latency_ms"`
	TimeoutExtraMS int64         `json:"timeout_extra_ms"`
	RelistPeriodMS int64         `json:"relist_period_ms"` // 0: every change is seen at once
	RelistPhaseMS  int64         `json:"relist_phase_ms"`
	ResyncMS       int64         `json:"resync_ms"` // 0: none
	BackOffInitial int64         `json:"backoff_initial_s"`
	BackOffMax     int64         `json:"backoff_max_s"`
	StaleTrigger   bool          `json:"stale_trigger"`
}

// Probes are the probes of the container; nil is none of the kind.
type Probes struct {
	Startup   *Probe `json:"startup,omitempty"`
	Readiness *Probe `json:"readiness,omitempty"`
	Liveness  *Probe `json:"liveness,omitempty"`
}

// Of returns the place of the probe of a kind, for reading and changing.
func (p *Probes) Of(k model.ProbeKind) **Probe {
	return [model.ProbeKinds]**Probe{model.Startup: &p.Startup, model.Readiness: &p.Readiness, model.Liveness: &p.Liveness}[k]
}

// Probe is the five integers of a probe, and its own grace period.
type Probe struct {
	InitialDelayS     int32  `json:"initial_delay_s"`
	PeriodS           int32  `json:"period_s"`
	TimeoutS          int32  `json:"timeout_s"`
	SuccessThreshold  int32  `json:"success_threshold"`
	FailureThreshold  int32  `json:"failure_threshold"`
	TerminationGraceS *int64 `json:"termination_grace_s,omitempty"`
}

// Incarnation is how one container behaves.
type Incarnation struct {
	ExitAtMS  *int64    `json:"exit_at_ms,omitempty"` // age at which it exits by itself
	TermMS    int64     `json:"term_ms"`              // from the stop signal to its exit
	Startup   []Segment `json:"startup,omitempty"`
	Readiness []Segment `json:"readiness,omitempty"`
	Liveness  []Segment `json:"liveness,omitempty"`
}

// Of returns the behaviour towards probes of a kind, for reading and changing.
func (i *Incarnation) Of(k model.ProbeKind) *[]Segment {
	return [model.ProbeKinds]*[]Segment{model.Startup: &i.Startup, model.Readiness: &i.Readiness, model.Liveness: &i.Liveness}[k]
}

// Segment is the behaviour towards one kind of probe from a container age on.
type Segment struct {
	FromMS    int64  `json:"from_ms"`
	Outcome   string `json:"outcome"`
	LatencyMS int64  `json:"latency_ms"`
}

// ReadFile reads one file of the corpus.
func ReadFile(name string) (*File, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f := new(File)
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if f.Schema != Schema {
		return nil, fmt.Errorf("%s: schema: %q, not %q", name, f.Schema, Schema)
	}
	if err := f.Case.check(); err != nil {
		return nil, fmt.Errorf("%s: case.%w", name, err)
	}
	return f, nil
}

// check finds what no kubelet can be given: it would have refused the pod, or
// the script says nothing of how the container behaves.
func (c *Case) check() error {
	if c.HorizonMS < 1 {
		return fmt.Errorf("horizon_ms: %d: must be at least 1", c.HorizonMS)
	}
	if len(c.Incarnations) == 0 {
		return errors.New("incarnations: none, at least one is needed")
	}
	for k := model.Startup; k < model.ProbeKinds; k++ {
		p := *c.Probes.Of(k)
		if p == nil {
			continue
		}
		if least := min(p.PeriodS, p.TimeoutS, p.SuccessThreshold, p.FailureThreshold); least < 1 {
			return fmt.Errorf("probes.%v: %d: period, timeout and thresholds must be at least 1", k, least)
		}
		for i := range c.Incarnations {
			segments := *c.Incarnations[i].Of(k)
			if len(segments) == 0 {
				return fmt.Errorf("incarnations[%d].%v: none, but there is such a probe", i, k)
			}
			for _, s := range segments {
				if _, known := outcomes[s.Outcome]; !known {
					return fmt.Errorf("incarnations[%d].%v: outcome %q: must be success, failure, timeout or error", i, k, s.Outcome)
				}
			}
		}
	}
	return nil
}

// Tolerance returns by how many milliseconds times may differ: a drawn jitter
// is no whole number of them.
func (f *File) Tolerance() int64 {
	if f.JitterNS != nil {
		return 1
	}
	return 0
}

// Marshal returns the file as it is stored: the case indented, the trace one
// event a line.
func (f *File) Marshal() ([]byte, error) {
	c, err := json.MarshalIndent(f.Case, "  ", " ")
	if err != nil {
		return nil, err
	}
	s := fmt.Appendf(nil, "{\n \"schema\": %q,\n \"kubelet\": %q,\n", f.Schema, f.Kubelet)
	if f.JitterNS != nil {
		s = fmt.Appendf(s, " \"jitter_ns\": %d,\n", *f.JitterNS)
	}
	s = fmt.Appendf(s, " \"case\": %s,\n \"trace\": [", c)
	for i, e := range f.Trace {
		if i > 0 {
			s = append(s, ',')
		}
		s = fmt.Appendf(s, "\n  %v", e)
	}
	return append(s, "\n ]\n}\n"...), nil
}
