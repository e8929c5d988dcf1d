package model

import "time"

// ProbeKind says which of a container's three probes is meant. The order is
// that in which the kubelet creates their workers (K1).
type ProbeKind uint8

// The kinds of probe.
const (
	Startup ProbeKind = iota
	Readiness
	Liveness
)

// ProbeKinds is the number of kinds of probe, for arrays indexed by ProbeKind.
const ProbeKinds = 3

// String returns the kind as the kubelet writes it: "startup", "readiness" or
// "liveness".
func (k ProbeKind) String() string {
	return [ProbeKinds]string{"startup", "readiness", "liveness"}[k]
}

// Field returns the field of a container that holds the probe:
// "startupProbe", "readinessProbe" or "livenessProbe".
func (k ProbeKind) Field() string { return k.String() + "Probe" }

// HandlerKind is the way in which a probe asks.
type HandlerKind uint8

// The handlers of the Kubernetes API.
const (
	HTTPGet HandlerKind = iota
	TCPSocket
	GRPC
	Exec
)

// String returns the field of the API that selects the handler: "httpGet",
// "tcpSocket", "grpc" or "exec".
func (k HandlerKind) String() string {
	return [...]string{"httpGet", "tcpSocket", "grpc", "exec"}[k]
}

// Handler is what a probe asks. Only its kind changes what the simulator does;
// the target is kept to recognise identical handlers and to print them.
type Handler struct {
	Kind   HandlerKind
	Target string // as people read it: ":8080/healthz", ":5432", ":9000 service", "rabbitmqctl status"
	// NoPort says that it names a port which the container does not have: every
	// attempt errs and is thrown away (K21). The API server accepts this.
	NoPort bool
}

// String returns the handler as it is printed in results: "httpGet :8080/healthz".
func (h Handler) String() string { return h.Kind.String() + " " + h.Target }

// MarshalText makes a Handler appear in JSON as its String.
func (h Handler) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// Probe is one probe of a container. Its integers are those of the Kubernetes
// API, whole seconds and counts; a zero stands for the default until
// SetDefaults has run.
type Probe struct {
	Handler             Handler `json:"handler"`
	InitialDelaySeconds int32   `json:"initialDelaySeconds"`
	PeriodSeconds       int32   `json:"periodSeconds"`
	TimeoutSeconds      int32   `json:"timeoutSeconds"`
	SuccessThreshold    int32   `json:"successThreshold"`
	FailureThreshold    int32   `json:"failureThreshold"`
	// TerminationGracePeriodSeconds replaces the pod's grace for kills by this
	// probe (K36). Nil: the pod's. Never set on a readiness probe.
	TerminationGracePeriodSeconds *int64 `json:"terminationGracePeriodSeconds,omitempty"`
}

// SetDefaults fills in the API server's defaults: a zero timeout, period,
// success threshold or failure threshold becomes 1, 10, 1 or 3 (K55).
func (p *Probe) SetDefaults() {
	for field, value := range map[*int32]int32{
		&p.TimeoutSeconds: 1, &p.PeriodSeconds: 10, &p.SuccessThreshold: 1, &p.FailureThreshold: 3,
	} {
		if *field == 0 {
			*field = value
		}
	}
}

// Period returns periodSeconds as a duration.
func (p *Probe) Period() time.Duration { return time.Duration(p.PeriodSeconds) * time.Second }

// Timeout returns timeoutSeconds as a duration.
func (p *Probe) Timeout() time.Duration { return time.Duration(p.TimeoutSeconds) * time.Second }

// InitialDelay returns initialDelaySeconds as a duration.
func (p *Probe) InitialDelay() time.Duration {
	return time.Duration(p.InitialDelaySeconds) * time.Second
}
