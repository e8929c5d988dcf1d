package kubelet

// Outcome is how one run of a probe ended (K15).
type Outcome uint8

// The outcomes of a run. Timeout counts as Failure; a run that errs is
// repeated.
const (
	Success Outcome = iota
	Failure
	Timeout
	Error
)

// String returns the outcome's word.
func (o Outcome) String() string { return [...]string{"success", "failure", "timeout", "error"}[o] }

// Failed reports whether the outcome counts towards failureThreshold.
func (o Outcome) Failed() bool { return o == Failure || o == Timeout }

// Result is a worker's verdict as the kubelet stores it (K22).
type Result uint8

// The results; None is the absence of one.
const (
	None Result = iota
	Unknown
	ResultSuccess
	ResultFailure
)

// String returns the result's word.
func (r Result) String() string { return [...]string{"none", "unknown", "success", "failure"}[r] }

// ContainerState is the state of a container in the pod status.
type ContainerState uint8

// The container states of the Kubernetes API.
const (
	Waiting ContainerState = iota
	Running
	Terminated
)

// String returns the state as the API's field names it.
func (s ContainerState) String() string { return [...]string{"waiting", "running", "terminated"}[s] }

// Status is what the kubelet publishes about one container (K44).
type Status struct {
	Incarnation int // of the container whose ID the status shows; -1: none yet
	State       ContainerState
	Ready       bool
	Started     bool
}
