package model

import (
	"slices"
	"time"
)

// RestartPolicy is the pod's restartPolicy.
type RestartPolicy uint8

// The restart policies of the Kubernetes API.
const (
	RestartAlways RestartPolicy = iota
	RestartOnFailure
	RestartNever
)

// String returns the policy as the API writes it.
func (p RestartPolicy) String() string { return [...]string{"Always", "OnFailure", "Never"}[p] }

// Pod is the part of a PodSpec that decides when containers are probed,
// killed and restarted.
type Pod struct {
	Containers                    []Container // regular containers and sidecars, the ones that have probe workers (K1)
	RestartPolicy                 RestartPolicy
	TerminationGracePeriodSeconds int64 // default 30 (K55)
	CPULimitMilli                 int64 // pod-level limits.cpu in thousandths of a CPU; 0: none (C14)
	CPURequestMilli               int64 // pod-level requests.cpu; 0: none
	ReadinessGates                int   // further conditions Ready waits for (K48)
}

// Container is one container of the pod.
type Container struct {
	Name    string
	Image   string
	Sidecar bool // a restartable init container

	CPULimitMilli   int64 // limits.cpu in thousandths of a CPU; 0: no limit
	CPURequestMilli int64 // requests.cpu; 0: none stated, which takes the limit's value (K60)

	Probes [ProbeKinds]*Probe // nil: not specified

	PreStop PreStop
	Ports   map[string]int32 // container ports by name, or by number where they have none

	// RestartPolicy of the container itself, which stands in place of the pod's; nil:
	// the pod's. It is Always for a sidecar, whatever stands here (K35).
	RestartPolicy *RestartPolicy
	// RestartRules come before either policy where the container exits by itself;
	// the first that matches restarts it (K38).
	RestartRules []RestartRule
}

// RestartRule restarts a container by the status it exits with: the one action of
// the API's restartPolicyRules that concerns a single container.
type RestartRule struct {
	NotIn     bool // any status but those listed; otherwise the listed ones
	ExitCodes []int
}

// PreStop is the preStop hook of a container, reduced to the time it takes.
type PreStop struct {
	Handler string        // "sleep 15", "exec sh -c …", "httpGet :8080/quit"; empty: no hook
	Lasts   time.Duration // 0 where unknown
	Sleeps  bool          // it does nothing else
}

// Probed reports whether the container has any probe.
func (c *Container) Probed() bool { return c.Probes != [ProbeKinds]*Probe{} }

// WithProbe returns a copy of the container whose probe of kind k is p, or has
// none if p is nil. The receiver is not changed.
func (c Container) WithProbe(k ProbeKind, p *Probe) Container {
	if p != nil {
		copied := *p
		p = &copied
	}
	c.Probes[k] = p
	return c
}

// matches reports whether the rule is about an exit status.
func (r *RestartRule) matches(exitCode int) bool {
	return slices.Contains(r.ExitCodes, exitCode) != r.NotIn
}

// RestartPolicyOf returns the restart policy in force for a container of the pod.
func (p *Pod) RestartPolicyOf(c *Container) RestartPolicy {
	switch {
	case c.Sidecar:
		return RestartAlways
	case c.RestartPolicy != nil:
		return *c.RestartPolicy
	}
	return p.RestartPolicy
}

// RestartsAfterKill reports whether a container of the pod that a probe condemned is
// started again: OnFailure does so like Always, and rules are not asked (K35).
func (p *Pod) RestartsAfterKill(c *Container) bool { return p.RestartPolicyOf(c) != RestartNever }

// RestartsAfterExit reports whether a container of the pod that was found exited with
// a status is started again: by its rules, else by the policy (K38).
func (p *Pod) RestartsAfterExit(c *Container, exitCode int) bool {
	for i := range c.RestartRules {
		if c.RestartRules[i].matches(exitCode) {
			return true
		}
	}
	switch p.RestartPolicyOf(c) {
	case RestartNever:
		return false
	case RestartOnFailure:
		return exitCode != 0
	}
	return true
}

// EndsByItself reports whether the pod can come to an end without being deleted:
// no regular container of it is started again after every exit (K87).
func (p *Pod) EndsByItself() bool {
	ends := false
	for i := range p.Containers {
		c := &p.Containers[i]
		if c.Sidecar {
			continue
		}
		if p.RestartPolicyOf(c) == RestartAlways {
			return false
		}
		ends = true
	}
	return ends
}
