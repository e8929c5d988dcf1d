package model

import "fmt"

// Violation is a rule of the Kubernetes API that a value breaks.
type Violation struct {
	Path  string // of the field, below what was validated: "livenessProbe.periodSeconds"
	Value string // as it was given; empty where something is missing
	Rule  string // in the API server's words: "must be greater than or equal to 0"
}

// String returns the violation as the API server's field errors read, without
// their kind.
func (v Violation) String() string {
	if v.Value == "" {
		return v.Path + ": " + v.Rule
	}
	return v.Path + ": " + v.Value + ": " + v.Rule
}

// Violations holds the pod's own fields and every container against the rules
// of the API server. Containers are named by their position in Containers.
func (p *Pod) Violations() []Violation {
	var found []Violation
	if p.TerminationGracePeriodSeconds < 0 {
		found = append(found, violation("terminationGracePeriodSeconds", p.TerminationGracePeriodSeconds, notNegative))
	}
	if p.CPULimitMilli > 0 && p.CPURequestMilli > p.CPULimitMilli {
		found = append(found, aboveLimit("resources.requests.cpu", p.CPURequestMilli, p.CPULimitMilli))
	}
	for i := range p.Containers {
		for _, v := range p.Containers[i].Violations() {
			v.Path = fmt.Sprintf("containers[%d].%s", i, v.Path)
			found = append(found, v)
		}
	}
	return found
}

// Violations holds the container's probes and its CPU against the rules of
// the API server (K56). It accepts what the API server accepts (K57): a
// timeout longer than the period, any large value, a probe's grace longer than
// the pod's. Zeros stand for defaults.
func (c *Container) Violations() []Violation {
	var found []Violation
	for kind := range ProbeKind(ProbeKinds) {
		if probe := c.Probes[kind]; probe != nil {
			found = append(found, probe.Violations(kind)...)
		}
	}
	if c.CPULimitMilli > 0 && c.CPURequestMilli > c.CPULimitMilli {
		found = append(found, aboveLimit("resources.requests.cpu", c.CPURequestMilli, c.CPULimitMilli))
	}
	return found
}

const notNegative = "must be greater than or equal to 0"

// Violations holds a probe of the given kind against the rules of the API
// server that concern its numbers (K56). Paths begin with the kind's field.
func (p *Probe) Violations(kind ProbeKind) []Violation {
	var found []Violation
	add := func(field string, value int64, rule string) {
		found = append(found, violation(kind.Field()+"."+field, value, rule))
	}
	for _, number := range []struct {
		field string
		value int32
	}{
		{"initialDelaySeconds", p.InitialDelaySeconds},
		{"timeoutSeconds", p.TimeoutSeconds},
		{"periodSeconds", p.PeriodSeconds},
		{"successThreshold", p.SuccessThreshold},
		{"failureThreshold", p.FailureThreshold},
	} {
		if number.value < 0 {
			add(number.field, int64(number.value), notNegative)
		}
	}
	if kind != Readiness && p.SuccessThreshold > 1 {
		add("successThreshold", int64(p.SuccessThreshold), "must be 1")
	}
	if grace := p.TerminationGracePeriodSeconds; grace != nil {
		switch {
		case kind == Readiness:
			add("terminationGracePeriodSeconds", *grace, "must not be set for readinessProbes")
		case *grace <= 0:
			add("terminationGracePeriodSeconds", *grace, "must be greater than 0")
		}
	}
	return found
}

func violation(path string, value int64, rule string) Violation {
	return Violation{Path: path, Value: fmt.Sprint(value), Rule: rule}
}

func aboveLimit(path string, request, limit int64) Violation {
	return Violation{
		Path: path, Value: fmt.Sprintf("%dm", request),
		Rule: fmt.Sprintf("must be less than or equal to cpu limit of %dm", limit),
	}
}
