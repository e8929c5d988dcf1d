// Package lint holds a workload against the advice on probes and the rules of
// Kubernetes. Every check is a rule with a stable id, and every finding carries
// the number behind it: an exact answer of sim/calc, the closed form of
// sim/estimate, or what a short simulation measured. A check that does not
// apply, or has no number to go by, says nothing.
//
// Comments cite the advice (A…) beside the rules of the kubelet (K…), the
// kernel (C…) and statistics (S…); docs/model.md lists them.
package lint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
)

// Severity is how bad a finding is. The zero value is none.
type Severity uint8

// The severities.
const (
	Info    Severity = iota + 1 // worth knowing; nothing is wrong as far as can be told
	Warning                     // costs availability, or rests on an assumption about the application
	Error                       // broken: it does something else than it says, or harms whenever it acts
)

// String returns "info", "warning" or "error".
func (s Severity) String() string { return [...]string{"", "info", "warning", "error"}[s] }

// MarshalText makes a Severity appear in JSON as its String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseSeverity reads what String writes.
func ParseSeverity(text string) (Severity, error) {
	for s := Info; s <= Error; s++ {
		if s.String() == text {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q: must be one of error, warning, info", text)
}

// Number is the number behind a finding, and how it was found.
type Number struct {
	Value  calc.Number `json:"value"`
	Unit   string      `json:"unit"`   // "s", "1/year", "probability", "share", or "" for a bare ratio or count
	Of     string      `json:"of"`     // what it measures
	Method string      `json:"method"` // with the rule: "exact windows (S4)"
}

// Finding is one thing that is wrong, or worth knowing, about a container.
type Finding struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // what is wrong, with the number, in a sentence
	Fix      string   `json:"fix"`
	// Field is where it stands: below the container as in
	// "livenessProbe.timeoutSeconds", below the PodSpec as in
	// "pod.initContainers", below the object as in "spec.progressDeadlineSeconds",
	// or else in the scenario as in "application.resources".
	Field  string   `json:"field"`
	Number *Number  `json:"number"`
	Rules  []string `json:"rules"` // of docs/model.md: "A8", "S4"
	// Assumed is true where the number rests on what had to be assumed about the
	// application. Such a finding is at most a warning.
	Assumed    bool `json:"assumed"`
	Suppressed bool `json:"suppressed"` // by the annotation: listed, and not counted
}

// Subject is one container of a workload, with what the workload says beside
// the world it makes.
type Subject struct {
	// World has the container as the studied one. Its Kubernetes version may be
	// older than those that are simulated.
	World *model.World
	Kind  string // of the object: "Deployment"; empty for the inline pod of a scenario

	ProgressDeadlineSeconds int32 // of a Deployment, 0: none

	// StartupAssumed and AnswersAssumed are true where nobody said how the
	// application starts and answers; StartupGranted where the startup was taken
	// from what the manifest itself grants it, so that no check may hold one
	// against the other.
	StartupAssumed, AnswersAssumed, StartupGranted bool

	// UnknownPorts are the port names in probes that the container does not have.
	UnknownPorts [model.ProbeKinds]string

	Ignored []string // ids that the object suppresses

	Risk *Risk // nil: not assessed; checks that need it say nothing
}

// Check returns the findings about a subject, worst first.
func Check(s *Subject) []Finding {
	running := *s
	running.World, running.StartupGranted = inForce(s.World), s.StartupGranted && !dropsStartup(s.World)
	findings := []Finding{}
	for i := range rules {
		c := check{Subject: &running, stated: s.World, rule: &rules[i]}
		rules[i].check(&c)
		findings = append(findings, c.findings...)
	}
	for i := range findings {
		findings[i].Suppressed = slices.Contains(s.Ignored, findings[i].ID) && findings[i].ID != unknownSuppression
	}
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return findings
}

// check is one rule at work on one subject.
type check struct {
	*Subject              // with the world that the version of Kubernetes really runs
	stated   *model.World // as the manifest states it
	rule     *Rule
	findings []Finding
}

func (c *check) container() *model.Container { return c.World.Container() }

func (c *check) probe(k model.ProbeKind) *model.Probe { return c.container().Probes[k] }

// report adds a finding of the rule, with its id, its severity and what it
// cites.
func (c *check) report(f Finding) {
	f.ID, f.Rules = c.rule.ID, c.rule.Cites
	if f.Severity == 0 {
		f.Severity = c.rule.Severity
	}
	if f.Assumed {
		f.Severity = min(f.Severity, Warning)
	}
	c.findings = append(c.findings, f)
}
