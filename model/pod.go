package model

import "time"

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
}

// PreStop is the preStop hook of a container, reduced to the time it takes.
type PreStop struct {
	Handler string        // "sleep 15", "exec sh -c …", "httpGet :8080/quit"; empty: no hook
	Lasts   time.Duration // 0 where unknown
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
