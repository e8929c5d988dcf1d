// Package model holds what exists: the pod and its probes, the process in the
// container, the node, the cluster, and what can go wrong. All of it is plain
// values that can be written as literals and copied. Nothing here knows a
// clock, an event list, a file or a random generator; sim makes a World happen.
//
// Times are time.Duration (nanoseconds), CPU limits are whole thousandths of a
// CPU, and probabilities and shares are float64 between 0 and 1. Comments cite
// rules: K… what the kubelet does, C… what the kernel does, S… statistics,
// A… the advice on probes; docs/model.md lists them.
package model

import (
	"slices"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// World is everything one run needs to know: the pod, what its process does,
// and its surroundings.
type World struct {
	Name        string
	Description string
	Source      string // where the case was published

	Pod      Pod
	Studied  int // index into Pod.Containers: the container whose measures are reported
	Replicas int // at least 1
	// Application is the process of the studied container. Those of the pod's
	// other containers serve from their start and answer every probe at once.
	Application  Application
	Faults       []Fault
	Dependencies []OnOff // Every and Lasts of each dependency's outages
	Node         Node
	Cluster      Cluster
	Events       Events
}

// Container returns the studied container.
func (w *World) Container() *Container { return &w.Pod.Containers[w.Studied] }

// WithContainer returns a copy of the world in which the studied container is
// c. The receiver is not changed.
func (w *World) WithContainer(c Container) *World {
	copied := *w
	copied.Pod.Containers = append([]Container(nil), w.Pod.Containers...)
	copied.Pod.Containers[w.Studied] = c
	return &copied
}

// Strategy is how the workload replaces its pods by those of a new version.
type Strategy struct {
	Kind           string // "Deployment", "StatefulSet", "DaemonSet"; empty: not known
	Assumed        bool   // the input does not say it
	Recreate       bool   // all old pods go before the first new one comes
	MaxSurge       int    // new pods beyond the replicas, at most
	MaxUnavailable int    // replicas that may be missing meanwhile; with MaxSurge 0 at least 1
	// ProgressDeadline is how long a Deployment may go without progress before its
	// rollout counts as failed; 0: for ever.
	ProgressDeadline time.Duration
	MinReady         time.Duration // minReadySeconds: how long a new pod has to be Ready to count as available
}

// InFlight returns how many new pods may be on their way to available at once,
// of a number of replicas.
func (s *Strategy) InFlight(replicas int) int {
	if s.Recreate {
		return replicas
	}
	return min(replicas, max(1, s.MaxSurge+s.MaxUnavailable))
}

// Fault is something that goes wrong with the process of the studied container
// for good, or for a while.
type Fault struct {
	Name string
	// Every is the time from a process's start, or from the end of the last
	// occurrence in it, to the next. After replaces it where a fault is planned
	// once, that long after each process's start.
	Every    dist.Duration
	After    time.Duration
	Planned  bool // After holds, Every does not
	Exits    bool // the process exits; the fields below ExitCode are ignored
	ExitCode *int // 0 to 255; nil: 1
	Answers  FaultAnswer
	Lasts    dist.Duration
	Forever  bool             // no Lasts: the process is hung until it is killed
	Probes   [ProbeKinds]bool // which probes see the fault
	Hangs    bool             // the process serves no traffic meanwhile; false where only some probes are concerned
}

// FaultAnswer is what a probe gets from a process with a fault.
type FaultAnswer uint8

// The answers of a faulty process.
const (
	FaultTimeout FaultAnswer = iota
	FaultFailure
	FaultRefused
	FaultStallsAfterHeaders // headers, then nothing: never a result (K17)
	FaultError              // an attempt that errs is thrown away (K15)
	FaultDropped            // no connection comes about: the accept backlog is full, and packets are dropped (C10)
	FaultRedirectElsewhere  // http: to another host name, which is a warning that counts as success (K18)
	FaultRedirectLoop       // http: to the same host again and again: ten requests, then a failure (K18)
)

// String returns the scenario file's word.
func (a FaultAnswer) String() string {
	return [...]string{"timeout", "failure", "refused", "stallsAfterHeaders", "error", "dropped", "redirectElsewhere", "redirectLoop"}[a]
}

// Judged reports whether an attempt that a process with the fault answers so is
// counted as a failure: not if it is thrown away (K15, K17) or succeeds (K18).
func (a FaultAnswer) Judged() bool {
	return a != FaultStallsAfterHeaders && a != FaultError && a != FaultRedirectElsewhere
}

// Node is the machine the pod runs on.
type Node struct {
	Profile         string
	Classes         []NodeClass // drawn once per replica; empty: this node
	ReplicasPerNode int         // of the workload, where several are simulated together; 0: 1
	CPUs            int         // default 4
	KernelHz        int         // 100, 250 or 1000; the tick is 1/KernelHz (C5)
	CFSPeriod       time.Duration
	NoCFSQuota      bool // the kubelet does not apply limits (K63)
	// MaxContainerRestartPeriod is the longest restart back-off that the node's
	// kubelet keeps to (K41); 0: the default of that name.
	MaxContainerRestartPeriod time.Duration
	CFSBurst                  time.Duration // C15
	LinearWeights             bool          // cgroup v2 weights by the older formula (C24)
	Kernel                    string        // Linux version, "6.18"
	Neighbours                []Neighbour
	InterruptionsPerSecond    float64 // of running time (C32a)
	Stalls                    []Stall
}

// NodeClass is one kind of node a replica can land on.
type NodeClass struct {
	Weight float64
	Node   Node
}

// Neighbour is another container of the node, busy at times. It then takes its
// share of the CPUs by the weight of its request (C32b), and it slows what the
// container waits for: disk, network and memory bandwidth, which no cgroup
// weight divides.
type Neighbour struct {
	CPURequestMilli int64 // 0: it takes no CPU
	// WaitFactor is how many times as long the waits of probes' answers and of
	// requests take that begin while it is busy, 1 or more; 0 counts as 1. Several
	// busy neighbours multiply.
	WaitFactor float64
	Busy       dist.Duration
	Idle       dist.Duration
}

// Slows reports whether answers wait longer while the neighbour is busy.
func (n *Neighbour) Slows() bool { return n.WaitFactor > 1 }

// WaitsVary reports whether neighbours make answers wait longer at times, on any
// class of node.
func (n *Node) WaitsVary() bool {
	slows := func(n Neighbour) bool { return n.Slows() }
	return slices.ContainsFunc(n.Neighbours, slows) || slices.ContainsFunc(n.Classes, func(c NodeClass) bool {
		return slices.ContainsFunc(c.Node.Neighbours, slows)
	})
}

// Stall is a stretch in which the node does not run the container at all:
// stolen time, a live migration, a host update (C21).
type Stall struct {
	OnOff
	ChargedToQuota bool // the guest's clock charges the stolen time as if it had run
}

// Cluster is what lies between the kubelet and the clients.
type Cluster struct {
	KubernetesVersion Version
	// Propagation is the whole delay from a readiness change at the kubelet to
	// the last proxy. Nil: the mechanism of K71 to K87.
	Propagation   *dist.Duration
	ProxyMode     ProxyMode
	MinSyncPeriod time.Duration // K51
	// OtherChangesPerSecond is how often endpoints of other services change, at
	// exponential intervals; each makes the proxies apply their rules (K72).
	OtherChangesPerSecond float64
	LoadBalancer          *LoadBalancer // nil: none
}

// ProxyMode is kube-proxy's mode.
type ProxyMode uint8

// The modes of kube-proxy.
const (
	IPTables ProxyMode = iota
	NFTables
	IPVS
)

// String returns kube-proxy's word.
func (m ProxyMode) String() string { return [...]string{"iptables", "nftables", "ipvs"}[m] }

// MinSyncPeriod returns the least time between two applications of rules where
// kube-proxy is not configured otherwise (K51).
func (m ProxyMode) MinSyncPeriod() time.Duration {
	if m == IPVS {
		return 0
	}
	return time.Second
}

// LoadBalancer is an external load balancer with pods as its targets.
type LoadBalancer struct {
	Deregistration   time.Duration // from the endpoint's removal to no new connections
	PeriodSeconds    int32         // of its own health check; 0: none
	FailureThreshold int32
}

// Events are things that happen to the pod from outside.
type Events struct {
	KubeletRestart *dist.Duration // time between restarts; nil: never (K54)
	Deletion       *dist.Duration // time between deletions of the pod; nil: never (K52)
	Rollout        *dist.Duration // time from the end of one rollout to the next; nil: never (K84)
	// DeletionGrace is the gracePeriodSeconds that the DELETE call of a deletion
	// states; nil: none, which leaves it at the pod's (K53).
	DeletionGrace *int64
}

// Version is a Kubernetes minor version, 1.Minor.
type Version struct{ Minor int }

// The versions whose kubelet is simulated.
var (
	OldestVersion = Version{30}
	NewestVersion = Version{37}
)
